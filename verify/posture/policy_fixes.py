"""The policies that a fix writes: what is there stays, and what CloudTrail needs for this trail is added.

The statements are those that AWS documents, each bound to the trail by ``aws:SourceArn``:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
"""

from __future__ import annotations

import json
from typing import Any

from verify.arn import Arn
from verify.posture.policy_document import MalformedPolicy, parse_policy

_SERVICE = {"Service": "cloudtrail.amazonaws.com"}
# A statement as JSON has it.
_Json = dict[str, Any]


def mended_bucket_policy(present: str | None, trail_arn: str, bucket: str, prefix: str | None) -> str:
    """A bucket policy with the grants for the trail and the Deny without TLS.

    :param present: the policy as it is, if there is one.
    """
    trail = Arn.parse(trail_arn)
    bucket_arn = f"arn:{trail.partition}:s3:::{bucket}"
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    from_trail = {"aws:SourceArn": trail_arn}
    return _mended(
        present,
        [
            {
                "Sid": "AWSCloudTrailAclCheck20150319",
                "Effect": "Allow",
                "Principal": _SERVICE,
                "Action": "s3:GetBucketAcl",
                "Resource": bucket_arn,
                "Condition": {"StringEquals": from_trail},
            },
            {
                "Sid": "AWSCloudTrailWrite20150319",
                "Effect": "Allow",
                "Principal": _SERVICE,
                "Action": "s3:PutObject",
                "Resource": f"{bucket_arn}/{folder}/{trail.account}/*",
                "Condition": {"StringEquals": {**from_trail, "s3:x-amz-acl": "bucket-owner-full-control"}},
            },
            {
                "Sid": "DenyWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, f"{bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    )


def mended_key_policy(present: str | None, trail_arn: str) -> str:
    """A key policy with the account's own access and the grants for the trail."""
    trail = Arn.parse(trail_arn)
    from_trail = {"aws:SourceArn": trail_arn}
    any_trail = f"arn:{trail.partition}:cloudtrail:*:{trail.account}:trail/*"
    return _mended(
        present,
        [
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{trail.partition}:iam::{trail.account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "CloudTrailEncrypts",
                "Effect": "Allow",
                "Principal": _SERVICE,
                "Action": "kms:GenerateDataKey*",
                "Resource": "*",
                "Condition": {
                    "StringEquals": from_trail,
                    "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": any_trail},
                },
            },
            {
                "Sid": "CloudTrailDescribesAndDecrypts",
                "Effect": "Allow",
                "Principal": _SERVICE,
                "Action": ["kms:DescribeKey", "kms:Decrypt"],
                "Resource": "*",
                "Condition": {"StringEquals": from_trail},
            },
        ],
    )


def _mended(present: str | None, required: list[_Json]) -> str:
    kept = [] if present is None else _kept(present, {statement["Sid"] for statement in required})
    added = [statement for statement in required if _without_sid(statement) not in map(_without_sid, kept)]
    return json.dumps({"Version": "2012-10-17", "Statement": [*kept, *added]})


def _kept(present: str, replaced_sids: set[str]) -> list[_Json]:
    """The present statements, but for those that are replaced: grants to CloudTrail that name no trail."""
    try:
        parsed = parse_policy(present)
    except MalformedPolicy:
        return []
    raw = json.loads(present)["Statement"]
    statements: list[_Json] = raw if isinstance(raw, list) else [raw]
    unbound = [
        statement.is_allow
        and {entry.value for entry in statement.principals.patterns} == {_SERVICE["Service"]}
        and not any(condition.key.casefold() == "aws:sourcearn" for condition in statement.conditions)
        for statement in parsed
    ]
    return [
        statement
        for statement, is_unbound in zip(statements, unbound, strict=True)
        if not is_unbound and statement.get("Sid") not in replaced_sids
    ]


def _without_sid(statement: _Json) -> _Json:
    return {name: value for name, value in statement.items() if name != "Sid"}
