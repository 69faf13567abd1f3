"""The stack that ``app.py`` deploys: one SecureTrail, and outputs that say where its parts are."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from constructs_lib import NewBucket, NewKey, SecureTrail, SecurityProfile

# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/signing-in.html and
# https://docs.amazonaws.cn/en_us/aws/latest/userguide/introduction.html
_CONSOLE_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}


class SecureTrailStack(cdk.Stack):
    """A :class:`SecureTrail` and the outputs that locate it.

    The verifier reads ``TrailArn``, ``TrailName``, ``LogBucketName``, ``KeyArn`` and ``KeyAlias`` from the deployed
    stack; a test holds both sides to these names.

    :param trail_name: see :class:`SecureTrail`, as for all others that are not the stack's own.
    :param bucket_name: the log bucket's.
    :param key_alias: of the key that encrypts log files.
    :param key_pending_window: how long KMS waits before it deletes that key.
    """

    def __init__(  # noqa: PLR0913 (a construct's props)
        self,
        scope: Construct,
        construct_id: str,
        *,
        trail_name: str,
        bucket_name: str,
        key_alias: str,
        key_pending_window: cdk.Duration,
        removal_policy: cdk.RemovalPolicy,
        profile: SecurityProfile = SecurityProfile.LAB,
        **stack_props: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack_props)
        cdk.Tags.of(self).add("project", "SecureTrail")
        secure_trail = SecureTrail(
            self,
            "SecureTrail",
            trail_name=trail_name,
            log_bucket=NewBucket(bucket_name=bucket_name),
            encryption_key=NewKey(alias=key_alias, pending_window=key_pending_window),
            removal_policy=removal_policy,
            profile=profile,
        )
        # The partition is known only at deployment, and with it the console's domain.
        domains = cdk.CfnMapping(
            self,
            "ConsoleDomains",
            mapping={partition: {"Domain": name} for partition, name in _CONSOLE_DOMAINS.items()},
        )
        console = f"https://{domains.find_in_map(cdk.Aws.PARTITION, 'Domain')}"
        trail_arn, bucket = secure_trail.trail.attr_arn, secure_trail.log_bucket.bucket_name
        key, region = secure_trail.encryption_key, self.region
        outputs = {
            "TrailArn": (trail_arn, "The trail's ARN"),
            "TrailName": (secure_trail.trail_name, "The trail's name"),
            "LogBucketName": (bucket, "The bucket that holds the log files"),
            "KeyArn": (key.key_arn, "The key that encrypts the log files"),
            "KeyAlias": (key_alias, "The key's alias"),
            "TrailConsoleUrl": (
                f"{console}/cloudtrailv2/home?region={region}#/trails/{trail_arn}",
                "The trail in the AWS console",
            ),
            "LogBucketConsoleUrl": (
                f"{console}/s3/buckets/{bucket}?region={region}",
                "The log bucket in the AWS console",
            ),
            "KeyConsoleUrl": (
                f"{console}/kms/home?region={region}#/kms/keys/{key.key_id}",
                "The key in the AWS console",
            ),
        }
        for name, (value, description) in outputs.items():
            cdk.CfnOutput(self, name, value=value, description=description)
