"""The policy of the log bucket: what CloudTrail is allowed, and what everybody is denied."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from constructs_lib.policies.principals import CLOUDTRAIL

# What would remove log files, or what protects them.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_TAMPERING = [
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketAcl",
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketRequestPayment",  # CloudTrail delivers to no bucket whose requester pays
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutReplicationConfiguration",
    "s3:UpdateObjectEncryption",  # a log file under a key that is then deleted is lost
]


def bucket_policy_statements(
    *,
    bucket_arn: str,
    trail_arn: str,
    account: str,
    s3_key_prefix: str | None,
    organization_id: str | None,
) -> list[iam.PolicyStatement]:
    """What CloudTrail needs on the bucket, for this trail and no other.

    An organization's trail writes below the organization's id, and below the management account's as well: that is
    where it wrote before it became the organization's, and CloudTrail tries it when the trail is created.

    There is no statement that denies unencrypted uploads: CloudTrail's own test write when a trail is created sends no
    encryption header, so such a statement makes CreateTrail fail. The bucket's default encryption does the work.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html

    :param account: the account that owns the trail; for an organization, its management account.
    """
    folder = f"{bucket_arn}/{s3_key_prefix}/AWSLogs" if s3_key_prefix else f"{bucket_arn}/AWSLogs"
    writes = {"AWSCloudTrailWrite": account}
    if organization_id is not None:
        writes["AWSCloudTrailOrganizationWrite"] = organization_id
    return [
        iam.PolicyStatement(
            sid="AWSCloudTrailAclCheck",
            principals=[CLOUDTRAIL],
            actions=["s3:GetBucketAcl"],
            resources=[bucket_arn],
            conditions={"StringEquals": {"aws:SourceArn": trail_arn}},
        ),
        *(
            iam.PolicyStatement(
                sid=sid,
                principals=[CLOUDTRAIL],
                actions=["s3:PutObject"],
                resources=[f"{folder}/{owner}/*"],
                conditions={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": trail_arn}},
            )
            for sid, owner in writes.items()
        ),
    ]


def deny_tampering_statement(bucket_arn: str, break_glass_principal_arns: Sequence[str]) -> iam.PolicyStatement:
    """Deny everybody but the principals for an emergency to delete log files or to weaken what protects them.

    The role that deploys the stack is denied as well: unless it is named, it can no longer change the bucket. The
    account's root user can always delete the policy, so that the bucket cannot become inaccessible for good:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html

    :param break_glass_principal_arns: roles or users; of an assumed role, the role's ARN.
    """
    return iam.PolicyStatement(
        sid="DenyTampering",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=_TAMPERING,
        resources=[bucket_arn, f"{bucket_arn}/*"],
        conditions={"ArnNotLike": {"aws:PrincipalArn": list(break_glass_principal_arns)}},
    )


def deny_writing_statement(
    bucket_arn: str, log_folder: str, break_glass_principal_arns: Sequence[str]
) -> iam.PolicyStatement:
    """Deny everybody but CloudTrail and the principals for an emergency to write where log files are.

    Of a service's own request ``aws:PrincipalServiceName`` names the service; other requests have no such key, which a
    negated condition takes as not equal:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalservicename

    :param log_folder: the path in the bucket, such as ``AWSLogs``.
    """
    return iam.PolicyStatement(
        sid="DenyWritingLogs",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        # Replication from a bucket of somebody's own writes and deletes here without PutObject and DeleteObject.
        actions=["s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject"],
        resources=[f"{bucket_arn}/{log_folder}/*"],
        conditions={
            "ArnNotLike": {"aws:PrincipalArn": list(break_glass_principal_arns)},
            "StringNotEquals": {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"},
        },
    )
