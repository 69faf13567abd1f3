"""A trail on a key and a bucket that another part of the app owns: CDK adds CloudTrail's statements to both."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs_lib import SecureTrail


def build(app: cdk.App) -> None:
    """Add the two stacks."""
    platform = cdk.Stack(app, "Platform")
    key = kms.Key(platform, "Key", enable_key_rotation=True)
    access_logs = s3.Bucket(platform, "AccessLogs", enforce_ssl=True, versioned=True)
    bucket = s3.Bucket(
        platform,
        "Logs",
        encryption_key=key,
        bucket_key_enabled=True,
        enforce_ssl=True,
        versioned=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        server_access_logs_bucket=access_logs,
    )

    audit = cdk.Stack(app, "Audit")
    trail = SecureTrail(
        audit, "SecureTrail", trail_name="audit", s3_key_prefix="audit", encryption_key=key, log_bucket=bucket
    )
    auditor = iam.Role(audit, "Auditor", assumed_by=iam.AccountRootPrincipal())
    auditor.add_managed_policy(iam.ManagedPolicy(audit, "Verify", document=trail.verifier_policy()))
    trail.grant_read(auditor)


if __name__ == "__main__":
    bring_your_own = cdk.App()
    build(bring_your_own)
    bring_your_own.synth()
