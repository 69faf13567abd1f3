"""The course's checkpoints in the AWS console, as checks."""

from __future__ import annotations

from verify.fact import known
from verify.posture.checks.lab import UPDATE_TRAIL
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Check, Group, Part, Verdict, passes_if
from verify.posture.resource_policies.commands import PUT_BUCKET_POLICY, PUT_KEY_POLICY
from verify.posture.resource_policies.delivery_access import (
    bucket_policy_allows_cloudtrail,
    key_policy_allows_cloudtrail,
)
from verify.posture.resource_policies.tls import bucket_requires_tls

_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"


def _blocks_public_access(facts: TrailFacts) -> Verdict:
    off = known(facts.public_access_block).off
    return passes_if(not off, f"off: {', '.join(off)}" if off else "all four are on")


def _trail_uses_the_key(facts: TrailFacts) -> Verdict:
    known(facts.target.trail)
    actual = known(facts.trail_key_arn)
    return passes_if(actual == known(facts.key_arn), f"the trail uses {actual}")


def _trail_uses_the_bucket(facts: TrailFacts) -> Verdict:
    actual = known(facts.target.trail).bucket
    return passes_if(actual == known(facts.target.bucket), f"the trail delivers to {actual}")


CHECKPOINTS = (
    Check(
        id="key_policy_lets_cloudtrail_in",
        group=Group.CHECKPOINT,
        part=Part.KEY,
        title="Key policy allows CloudTrail",
        needs=("key_policy", "key_arn"),
        may_need=("bucket", "bucket_encryption", "trail_key_arn", "status", "key_policy_change"),
        judge=key_policy_allows_cloudtrail,
        expected="cloudtrail.amazonaws.com may GenerateDataKey and DescribeKey for {trail_arn}, and, for a trail"
        " that must be created or updated, Decrypt if the bucket has an S3 Bucket Key",
        why="Without this grant CloudTrail cannot encrypt log files, and does not deliver them.",
        fix=PUT_KEY_POLICY,
        cdk="SecureTrail does it; L1: kms.CfnKey(key_policy=…)",
        source=f"{_GUIDE}/create-kms-key-policy-for-cloudtrail.html",
    ),
    Check(
        id="bucket_policy_lets_cloudtrail_in",
        group=Group.CHECKPOINT,
        part=Part.BUCKET,
        title="Bucket policy allows CloudTrail",
        needs=("bucket", "bucket_policy"),
        may_need=(
            "status",
            "organization_id",
            "trail_key_arn",
            "key_arn",
            "bucket_owner",
            "bucket_region",
            "bucket_policy_change",
        ),
        judge=bucket_policy_allows_cloudtrail,
        expected="cloudtrail.amazonaws.com may GetBucketAcl, and PutObject below {folder}, for {trail_arn}",
        why="Without this grant CloudTrail delivers nothing; it retries for 30 days, then the events are lost.",
        fix=PUT_BUCKET_POLICY,
        cdk="SecureTrail does it; L1: s3.CfnBucketPolicy(policy_document=…)",
        source=f"{_GUIDE}/create-s3-bucket-policy-for-cloudtrail.html",
    ),
    Check(
        id="log_bucket_blocks_public_access",
        group=Group.CHECKPOINT,
        part=Part.BUCKET,
        title="Log bucket blocks all public access",
        needs=("public_access_block",),
        judge=_blocks_public_access,
        expected="all four public access block settings are on",
        why="Log files show an attacker your principals, resources and addresses.",
        fix="{aws} s3api put-public-access-block --bucket {bucket}"
        " --public-access-block-configuration {public_access_block}",
        cdk="SecureTrail does it; L1: s3.CfnBucket(public_access_block_configuration=…)",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
        controls=("CloudTrail.6", "S3.8"),
    ),
    Check(
        id="log_bucket_requires_tls",
        group=Group.CHECKPOINT,
        part=Part.BUCKET,
        title="Log bucket denies requests without TLS",
        needs=("bucket", "bucket_policy"),
        judge=bucket_requires_tls,
        expected="s3:* is denied to everybody, on the bucket and all its objects, without TLS",
        why="Without TLS an attacker on the network path can read and change log files in transit.",
        fix=PUT_BUCKET_POLICY,
        cdk="SecureTrail does it; L1: s3.CfnBucketPolicy(policy_document=…)",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
        controls=("S3.5",),
    ),
    Check(
        id="trail_uses_the_key",
        group=Group.CHECKPOINT,
        part=Part.TRAIL,
        title="Trail encrypts with the key",
        needs=("trail_key_arn", "key_arn"),
        judge=_trail_uses_the_key,
        expected="KmsKeyId is {key}",
        why="With another key, the policy of that key decides who can decrypt the log files.",
        fix=f"{UPDATE_TRAIL} --kms-key-id {{key}}",
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(kms_key_id=…)",
        source=f"{_GUIDE}/encrypting-cloudtrail-log-files-with-aws-kms.html",
        controls=("CloudTrail.2",),
    ),
    Check(
        id="trail_uses_the_bucket",
        group=Group.CHECKPOINT,
        part=Part.TRAIL,
        title="Trail delivers to the bucket",
        needs=(),
        judge=_trail_uses_the_bucket,
        expected="S3BucketName is {bucket}",
        why="A trail that delivers to another bucket is still reported as logging.",
        fix=f"{UPDATE_TRAIL} --s3-bucket-name {{bucket}}",
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(s3_bucket_name=…)",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html",
    ),
)
