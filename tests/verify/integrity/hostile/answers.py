"""Answers that are not AWS's, for each call that ``verify integrity`` makes: which call, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_NO_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"NaN",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b'{"x":NaN}',
    b'{"x":1e999}',
    b'{"x":' + b"9" * 5000 + b"}",
]
_TIMES = [
    b"null",
    b'"x"',
    b'"0001-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:59Z"',
    b'"Infinity"',
    b"1e308",
    b"-1e20",
    b"NaN",
    b"[]",
    b"{}",
    b"253402300799",
    b"-62135596800",
]
_EVENT_TIMES: list[Any] = [
    None,
    1,
    [],
    "",
    "x",
    "2026-11-01",
    "2026-11-01T00:30:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31",
]
_LISTS = [b"null", b"1", b'"x"', b"{}", b"[null]", b"[1]", b'["x"]', b"[[]]", b"[{}]"]
_ENTITIES = b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10 if name > ord("a") else b"aaaaaaaaaa")
    for name in b"abcdefgh"
)
_NO_LISTING = [
    b"<a/>",
    b"<a>" * 100_000 + b"</a>" * 100_000,
    b"<!DOCTYPE l [%s]><ListBucketResult><Contents><Key>&h;</Key></Contents></ListBucketResult>" % _ENTITIES,
    b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult><Contents><Key>&a;</Key></Contents></a>',
]
_CONTENTS = [
    b"<IsTruncated>true</IsTruncated>",
    b"<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>",
    b"<Contents/>",
    b"<Contents><Key>AWSLogs/x</Key></Contents>",
    b"<Contents><Size>1</Size><LastModified>2026-11-01T00:00:00Z</LastModified></Contents>",
    b"<Contents><Key>AWSLogs/x</Key><Size>-1</Size><LastModified>0001-01-01T00:00:00Z</LastModified></Contents>",
    b"<Contents><Key>AWSLogs/x</Key><Size>1</Size><LastModified>9999-12-31T00:00:00Z</LastModified></Contents>",
    b"<Contents><Key>AWSLogs/x</Key><Size>x</Size><LastModified>2026-11-01</LastModified></Contents>",
    b"<CommonPrefixes/>",
    b"<CommonPrefixes><Prefix/></CommonPrefixes>",
]
_TRAIL_ARN = b"arn:aws:cloudtrail:us-east-1:111122223333:trail/my-trail"
_TRAIL = {
    b"Name": b'"my-trail"',
    b"TrailARN": b'"%s"' % _TRAIL_ARN,
    b"HomeRegion": b'"us-east-1"',
    b"S3BucketName": b'"trail-logs"',
}
_KEY = {b"Fingerprint": b'"00"', b"Value": b'"AAAA"', b"ValidityStartTime": b"1", b"ValidityEndTime": b"2"}
_RECORD = {
    "eventTime": "2026-11-01T00:30:00Z",
    "eventName": "StopLogging",
    "eventSource": "cloudtrail.amazonaws.com",
    "requestParameters": {"name": "my-trail"},
}
JSON_CALLS = ("DescribeTrails", "GetTrailStatus", "ListPublicKeys", "LookupEvents")
CALLS = (*JSON_CALLS, "GetCallerIdentity", "DescribeRegions", "GET bucket")


def _object(fields: dict[bytes, bytes]) -> bytes:
    return b"{%s}" % b",".join(b'"%s":%s' % field for field in fields.items())


def cases() -> Iterator[tuple[str, bytes]]:
    """What is asked for, and an answer to it that AWS does not give."""
    for body in _NO_JSON:
        yield from ((call, body) for call in CALLS)
    for body in _NO_LISTING:
        yield from ((call, body) for call in CALLS[4:])
    for content in _CONTENTS:
        yield "GET bucket", b"<ListBucketResult>%s</ListBucketResult>" % content
    yield from _of_trails()
    yield from _of_status()
    yield from _of_keys()
    yield from _of_events()
    for fields in (b"<Account/>", b"<Account>111122223333</Account>", b"<Account>&#x9b;31m</Account><Arn>&#x85;</Arn>"):
        yield (
            "GetCallerIdentity",
            b"<GetCallerIdentityResponse><GetCallerIdentityResult>%s</GetCallerIdentityResult>"
            b"</GetCallerIdentityResponse>" % fields,
        )
    for items in (b"", b"<item/>", b"<item><regionName/></item>", b"<item><regionName>&#x9b;31m</regionName></item>"):
        yield (
            "DescribeRegions",
            b"<DescribeRegionsResponse><regionInfo>%s</regionInfo></DescribeRegionsResponse>" % items,
        )


def _of_trails() -> Iterator[tuple[str, bytes]]:
    for found in _LISTS:
        yield "DescribeTrails", b'{"trailList":%s}' % found
    for name in _TRAIL:
        for value in (b"null", b"1", b'""', b'"\\u001b[31m"', b'"\\ud800"', b'"\\u202e/../.."'):
            yield "DescribeTrails", b'{"trailList":[%s]}' % _object(_TRAIL | {name: value})
    yield "DescribeTrails", b'{"trailList":[%s]}' % _object(_TRAIL | {b"S3KeyPrefix": b'"\\u0000\\u001b[31m"'})


def _of_status() -> Iterator[tuple[str, bytes]]:
    for name in (b"LatestDigestDeliveryTime", b"StartLoggingTime", b"StopLoggingTime", b"LatestDeliveryTime"):
        for time in _TIMES:
            yield "GetTrailStatus", _object({b"IsLogging": b"true", name: time})


def _of_keys() -> Iterator[tuple[str, bytes]]:
    for found in _LISTS:
        yield "ListPublicKeys", b'{"PublicKeyList":%s}' % found
    for name in _KEY:
        for value in (b"null", b"1e308", b'"!"', b'"0001-01-01T00:00:00Z"'):
            yield "ListPublicKeys", b'{"PublicKeyList":[%s]}' % _object(_KEY | {name: value})


def _of_events() -> Iterator[tuple[str, bytes]]:
    for found in _LISTS:
        if found != b"{}":  # botocore takes it for an empty list
            yield "LookupEvents", b'{"Events":%s}' % found
    for record in ("", "{", "[]", "null", "1", "[" * 50_000, '{"requestParameters":1}'):
        yield "LookupEvents", json.dumps({"Events": [{"CloudTrailEvent": record}]}).encode()
    for time in _EVENT_TIMES:
        record = json.dumps(_RECORD | {"eventTime": time})
        yield "LookupEvents", json.dumps({"Events": [{"CloudTrailEvent": record}]}).encode()
