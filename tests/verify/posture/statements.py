"""Statements of policies as people write them."""

from __future__ import annotations

from typing import Any

from tests.verify.posture.healthy import ACCOUNT, BUCKET, TRAIL_ARN

Statement = dict[str, Any]

BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
EVERYTHING = [BUCKET_ARN, f"{BUCKET_ARN}/*"]
FROM_TRAIL = {"StringEquals": {"aws:SourceArn": TRAIL_ARN}}
FROM_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
FROM_ORGANIZATION = {"StringEquals": {"aws:SourceOrgID": "o-1"}}
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def grant(action: str | list[str], resource: str = "*", condition: dict[str, Any] | None = None) -> Statement:
    """A grant to CloudTrail."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": condition or {},
    }


def deny(condition: dict[str, Any], **changes: Any) -> Statement:
    """A Deny for everybody on the whole bucket."""
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": EVERYTHING, "Condition": condition}
    return {**whole, **changes}


def but(statement: Statement, **changes: Any) -> Statement:
    """The statement with other elements; those that are ``None`` are left out."""
    return {name: value for name, value in {**statement, **changes}.items() if value is not None}
