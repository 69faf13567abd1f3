"""Which IAM action each API operation needs."""

from __future__ import annotations

# IAM names a few actions differently from the API operation.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_IAM_ACTIONS = {
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "GetObjectLockConfiguration"): "s3:GetBucketObjectLockConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
    ("accessanalyzer", "ListAnalyzers"): "access-analyzer:ListAnalyzers",
}


def iam_action(service: str, operation: str) -> str:
    """The IAM permission behind an API operation: ``("s3", "GetBucketPolicy")`` → ``s3:GetBucketPolicy``."""
    return _IAM_ACTIONS.get((service, operation), f"{service}:{operation}")
