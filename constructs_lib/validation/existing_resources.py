"""Resources that exist: where they must be to fit a trail, and what they cannot be.

CDK knows the region and the account of a resource in another stack or from an ARN; what it does not know is let pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

if TYPE_CHECKING:  # only named in signatures, and slow to load
    from aws_cdk import aws_sns as sns


def _differ(one: str, other: str) -> bool:
    return one != other and not cdk.Token.is_unresolved(one) and not cdk.Token.is_unresolved(other)


def check_key(key: kms.IKey, bucket: s3.IBucket) -> None:
    """Refuse a key that cannot encrypt what is in the bucket.

    It must be symmetric and in the bucket's region:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html

    An alias will not do: IAM policies and the calls that ``tamper_alerts`` looks for name the key, and CloudWatch Logs
    takes no alias. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html

    :raises ValueError: it is elsewhere, not symmetric, or an alias.
    """
    if hasattr(key, "alias_name"):
        raise ValueError(
            f"encryption_key is the alias {key.node.path}. Allowed: the key itself, because policies, alerts and "
            "CloudWatch Logs name keys, not aliases. Fix: pass the key, or kms.Key.from_key_arn(self, 'Key', arn), or "
            "kms.Key.from_lookup(self, 'Key', alias_name='alias/…')."
        )
    key_region, bucket_region = key.env.region, bucket.env.region
    if _differ(key_region, bucket_region):
        raise ValueError(
            f"encryption_key is in {key_region} and the log bucket in {bucket_region}. Allowed: both in one region, "
            "or CloudTrail refuses the trail. Fix: use a key of the bucket's region (a multi-Region key's replica will "
            "do)."
        )
    resource = key.node.default_child
    spec = resource.key_spec if isinstance(resource, kms.CfnKey) else None
    if spec not in (None, "SYMMETRIC_DEFAULT"):
        raise ValueError(
            f"encryption_key has the key spec {spec}. Allowed: SYMMETRIC_DEFAULT, because CloudTrail encrypts with "
            "symmetric keys only. Fix: leave key_spec out, or leave encryption_key out to get a new key."
        )


def check_key_is_here(scope: Construct, key: kms.IKey, prop: str) -> None:
    """Refuse a key of another region where this prop makes something in the trail's region that it would encrypt.

    KMS keys work in their own region only: https://docs.aws.amazon.com/kms/latest/developerguide/overview.html

    :raises ValueError: the key is elsewhere.
    """
    there, here = key.env.region, cdk.Stack.of(scope).region
    if _differ(there, here):
        raise ValueError(
            f"{prop} was given, which encrypts with encryption_key in {here}, and that key is in {there}. "
            f"Allowed: a key of the trail's region. Fix: leave out {prop}, or make the trail in {there}."
        )


def check_access_log_bucket(bucket: s3.IBucket) -> None:
    """Refuse a bucket that S3 would not deliver access logs to; a deployment would not notice.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html

    :raises ValueError: it encrypts with KMS or has Object Lock.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return
    encryption = str(cdk.Stack.of(bucket).resolve(resource.bucket_encryption))
    for fault, is_there in (
        ("encrypts with KMS", "aws:kms" in encryption),
        ("has Object Lock", resource.object_lock_enabled is True),
    ):
        if is_there:
            raise ValueError(
                f"access_log_bucket {fault}, and S3 delivers no access logs to such a bucket. "
                "Allowed: a bucket with SSE-S3 encryption and without Object Lock. "
                "Fix: use another bucket, or leave access_log_bucket out to get one that fits."
            )


def check_access_log_location(scope: Construct, bucket: s3.IBucket) -> None:
    """Refuse a bucket that S3 does not deliver the access logs of the scope's buckets to.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html

    :raises ValueError: it is in another region or account.
    """
    stack, there = cdk.Stack.of(scope), bucket.env
    if _differ(there.region, stack.region) or _differ(there.account, stack.account):
        raise ValueError(
            f"access_log_bucket is in {there.region}, account {there.account}; the bucket that would log to it is in "
            f"{stack.region}, account {stack.account}. Allowed: both in one region and account, or S3 refuses. "
            "Fix: use a bucket there, or leave access_log_bucket out to get a new one."
        )


def check_topic(scope: Construct, prop: str, topic: sns.ITopic, *, anywhere: bool = False) -> None:
    """Refuse a topic that no AWS service can publish to from here.

    A FIFO topic needs a message group, which neither an alarm nor CloudTrail nor a rule names; CloudTrail takes no name
    with a dot: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
    The policy of SNS's own key lets in no other service, and nobody can change it:
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    Rules and alarms reach topics of their own region: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html

    :param anywhere: whether who publishes reaches every region, as CloudTrail does.
    :raises ValueError: it is a FIFO topic, in another region, or encrypted with ``alias/aws/sns``.
    """
    there, here = topic.env.region, cdk.Stack.of(scope).region
    key = topic.master_key
    for fault, is_so, allowed in (
        ("is a FIFO topic", topic.fifo, "a standard topic, because AWS services name no message group"),
        (f"is in {there} and the trail in {here}", not anywhere and _differ(there, here), "both in one region"),
        (
            "is encrypted with alias/aws/sns",
            key is not None and getattr(key, "alias_name", None) == "alias/aws/sns",
            "a key of your own, because the policy of SNS's key lets in no other service",
        ),
    ):
        if is_so:
            raise ValueError(
                f"{prop} {fault}, so nothing would arrive. Allowed: {allowed}. "
                f"Fix: use another topic, or leave {prop} out to get one that fits."
            )


def warn_of_unseen_calls(scope: Construct, resources: Mapping[str, cdk.IResource]) -> None:
    """Say which resources are where EventBridge does not see the calls that touch them.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html

    :param resources: the prop that each resource was given by, and the resource.
    """
    stack = cdk.Stack.of(scope)
    for prop, resource in resources.items():
        there = resource.env
        if _differ(there.region, stack.region) or _differ(there.account, stack.account):
            cdk.Annotations.of(scope).add_warning_v2(
                f"securetrail:tamper-alerts:{prop}",
                f"{prop} is in {there.region}, account {there.account}. EventBridge sees calls where they are made, "
                f"and the alerts look in {stack.region}, account {stack.account}: nobody is told when somebody there "
                f"touches it. Fix: a rule on these calls in {there.region}, account {there.account}.",
            )
