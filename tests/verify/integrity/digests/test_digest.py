"""Digests and the names of files, whatever is thrown at them."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.simulation.trail import ACCOUNT, BUCKET, HOUR, START, Chain, SimulatedAws, digest_fields
from verify.integrity.digests.digest import NotADigest, parse_digest
from verify.storage.layout import ChainName, DeliveryLocation, DigestName, LogName
from verify.storage.objects import ObjectName


def fields(**changes: Any) -> bytes:
    chain = Chain(SimulatedAws())
    name = DigestName.of(chain.location, ChainName(ACCOUNT, "us-east-1", "my-trail", "us-east-1"), START + HOUR).name
    known = digest_fields(chain, name, START, START + HOUR, None, [chain.log(START)])
    return json.dumps(known | changes).encode()


def test_a_digest_says_what_cloudtrail_wrote() -> None:
    digest = parse_digest(fields())

    assert (digest.account, digest.start, digest.end, digest.previous) == (ACCOUNT, START, START + HOUR, None)
    assert [log.name.bucket for log in digest.logs] == [BUCKET]


def test_fields_that_are_not_known_do_no_harm() -> None:
    assert parse_digest(fields(somethingNew={"a": 1})) == parse_digest(fields())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"digestSignatureAlgorithm": "MD5withRSA"}, "SHA256withRSA"),
        ({"digestEndTime": "2026-11-01 01:01:31"}, "digestEndTime"),
        ({"digestEndTime": "2026-13-01T01:01:31Z"}, "does not exist"),
        ({"digestStartTime": "2027-11-01T01:01:31Z"}, "after its digestEndTime"),
        ({"digestS3Object": None}, "digestS3Object"),
        ({"digestS3Object": "x" * 5000}, "digestS3Object"),
        ({"digestPublicKeyFingerprint": "zz"}, "digestPublicKeyFingerprint"),
        ({"previousDigestS3Object": "half-a-link"}, "previousDigestHashAlgorithm"),
        ({"logFiles": None}, "logFiles"),
        ({"logFiles": [{}] * 100_001}, "logFiles"),
        ({"logFiles": ["text"]}, "entry"),
        ({"logFiles": [{"s3Bucket": "b", "s3Object": "o", "hashAlgorithm": "MD5", "hashValue": "0"}]}, "SHA-256"),
        ({"logFiles": [{"s3Bucket": "b", "s3Object": "o", "hashAlgorithm": "SHA-256", "hashValue": "0"}]}, "hashValue"),
    ],
)
def test_what_is_not_of_the_documented_form_is_refused_by_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(NotADigest, match=says):
        parse_digest(fields(**changes))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"a":1,"a":2}', b"1" * 5000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotADigest):
        parse_digest(body)


_TEXT = st.text("aZ0_/\\\x00\x1bé\U0001f600", max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=10,
)
_KNOWN = json.loads(fields())


@given(st.dictionaries(st.sampled_from(sorted(_KNOWN)), _JSON))
def test_no_json_whatever_does_more_than_be_refused(changes: dict[str, Any]) -> None:
    try:
        parse_digest(json.dumps(_KNOWN | changes).encode())
    except NotADigest as refusal:
        assert str(refusal)


@given(st.binary(max_size=400))
def test_no_bytes_whatever_do_more_than_be_refused(body: bytes) -> None:
    with pytest.raises(NotADigest):
        parse_digest(body)


_MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - hypothesis wants them naive
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(
    prefix=st.from_regex(r"[a-zA-Z0-9_/-]{0,30}[a-z]|", fullmatch=True),
    organization=st.sampled_from(["", "o-exampleorg12"]),
    trail=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{2,60}", fullmatch=True),
    end=_MOMENTS,
    is_backfill=st.booleans(),
)
def test_a_digests_name_can_be_taken_apart_and_put_together(
    *, prefix: str, organization: str, trail: str, end: datetime, is_backfill: bool
) -> None:
    chain = ChainName(ACCOUNT, "eu-west-1", trail, "us-gov-west-1", is_backfill)
    named = DigestName.of(DeliveryLocation(BUCKET, prefix.strip("/"), organization, ACCOUNT), chain, end)

    assert DigestName.parse(named.name) == named
    assert LogName.parse(named.name) is None


LOG = DeliveryLocation(BUCKET, "", "", ACCOUNT).logs_on("us-east-1", date(2026, 11, 1)) + (
    f"{ACCOUNT}_CloudTrail_us-east-1_20261101T0005Z_0123456789abcdef.json.gz"
)


def test_a_logs_name_tells_the_minute_of_its_delivery() -> None:
    named = LogName.parse(ObjectName(BUCKET, LOG))

    assert named == LogName(
        DeliveryLocation(BUCKET, "", "", ACCOUNT), "us-east-1", datetime(2026, 11, 1, 0, 5, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "key",
    [
        "",
        LOG + "\n",
        LOG.replace("/2026/11/01/", "/2026/11/02/"),
        LOG.replace("T0005Z", "T2561Z"),
        LOG.replace(f"{ACCOUNT}_", "999999999999_"),
        LOG.replace("_us-east-1_", "_us-west-2_"),
        LOG.replace("0123456789abcdef", "short"),
        LOG.replace("20261101", "2026११01"),
        "AWSLogs/" * 100_000,
    ],
)
def test_a_name_that_cloudtrail_does_not_give_is_none(key: str) -> None:
    began = time.process_time()

    assert (LogName.parse(ObjectName(BUCKET, key)), DigestName.parse(ObjectName(BUCKET, key))) == (None, None)
    assert time.process_time() - began < 2
