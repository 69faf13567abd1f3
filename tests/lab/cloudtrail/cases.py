"""A trail, a bucket and a key that go together, and ways to spoil them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lab.authorization.facts import BucketFacts, KeyFacts, Target

ACCOUNT = "111122223333"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0d990263-018e-4065-a703-eff731de951e"
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
SERVICE = {"Service": "cloudtrail.amazonaws.com"}
FROM_TRAIL = {"StringEquals": {"aws:SourceArn": TRAIL}}
TARGET = Target(TRAIL, ACCOUNT, "us-east-1", "logs", "", KEY)

ACL_CHECK: dict[str, Any] = {
    "Sid": "Acl",
    "Effect": "Allow",
    "Principal": SERVICE,
    "Action": "s3:GetBucketAcl",
    "Resource": "arn:aws:s3:::logs",
    "Condition": FROM_TRAIL,
}
WRITE: dict[str, Any] = {
    "Sid": "Write",
    "Effect": "Allow",
    "Principal": SERVICE,
    "Action": "s3:PutObject",
    "Resource": f"arn:aws:s3:::logs/AWSLogs/{ACCOUNT}/*",
    "Condition": {"StringEquals": {"aws:SourceArn": TRAIL, "s3:x-amz-acl": "bucket-owner-full-control"}},
}
ENCRYPT: dict[str, Any] = {
    "Sid": "Encrypt",
    "Effect": "Allow",
    "Principal": SERVICE,
    "Action": "kms:GenerateDataKey*",
    "Resource": "*",
    "Condition": {
        **FROM_TRAIL,
        "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"},
    },
}
DESCRIBE: dict[str, Any] = {
    "Sid": "Describe",
    "Effect": "Allow",
    "Principal": SERVICE,
    "Action": "kms:DescribeKey",
    "Resource": "*",
    "Condition": FROM_TRAIL,
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def bucket(*statements: dict[str, Any], **facts: Any) -> BucketFacts:
    return replace(BucketFacts("logs", ACCOUNT, "us-east-1", policy(*(statements or (ACL_CHECK, WRITE)))), **facts)


def key(*statements: dict[str, Any], **facts: Any) -> KeyFacts:
    text = policy(*(statements or (ENCRYPT, DESCRIBE)))
    return replace(KeyFacts(KEY, ACCOUNT, "us-east-1", "Enabled", "SYMMETRIC_DEFAULT", text), **facts)


def conditioned(statement: dict[str, Any], **condition: Any) -> dict[str, Any]:
    return {**statement, "Condition": {name: dict(keys) for name, keys in condition.items()}}


def deny(action: str, resource: str, principal: Any = "*", **condition: Any) -> dict[str, Any]:
    found = {"Sid": "No", "Effect": "Deny", "Principal": principal, "Action": action, "Resource": resource}
    return {**found, "Condition": condition} if condition else found
