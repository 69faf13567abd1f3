"""Would CloudTrail accept a bucket, a key and a topic when a trail is created or changed.

Errors: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html#API_CreateTrail_Errors
The topic: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html
"""

from datetime import datetime

from lab.authorization.closest_statement import decide_and_explain
from lab.authorization.cloudtrail_access import SERVICE, bucket_denied, describe_denied, key_denied, service_context
from lab.authorization.facts import BucketFacts, KeyFacts, Target
from lab.authorization.policy import Access
from lab.cloudtrail.trail_request import ServiceError

_SYMMETRIC = "SYMMETRIC_DEFAULT"


def destination_error(
    target: Target, bucket: BucketFacts | None, key: KeyFacts | None, now: datetime
) -> ServiceError | None:
    """Why a trail cannot write to a bucket with a key; None when it can.

    :param key: the key of `target.kms_key_arn`; None when there is none, or no such key.
    """
    if bucket is None:
        return ServiceError("S3BucketDoesNotExistException", f"S3 bucket {target.bucket} does not exist!")
    folder = f"{target.prefix}/AWSLogs" if target.prefix else "AWSLogs"
    test_object = f"{folder}/{target.account}/CloudTrail/"
    if denied := bucket_denied(target, bucket, test_object, now, is_test=True):
        return ServiceError(
            "InsufficientS3BucketPolicyException",
            f"Incorrect S3 bucket policy is detected for bucket: {bucket.name} ({denied.reason}).",
        )
    return _key_error(target, bucket, key, test_object, now) if target.kms_key_arn else None


def _key_error(
    target: Target, bucket: BucketFacts, key: KeyFacts | None, test_object: str, now: datetime
) -> ServiceError | None:
    if key is None:
        return ServiceError("KmsKeyNotFoundException", f"KMS key {target.kms_key_arn} does not exist.")
    if key.region != bucket.region:
        return ServiceError(
            "KmsKeyNotFoundException",
            f"KMS key {key.arn} and S3 bucket {bucket.name} ({bucket.region}) must be in the same Region.",
        )
    if key.state != "Enabled":
        return ServiceError("KmsException", f"KMS key {key.arn} is {key.state}; enable it first.")
    if key.spec != _SYMMETRIC:
        return ServiceError(
            "InvalidKmsKeyIdException", f"KMS key {key.arn} is {key.spec}; CloudTrail needs a symmetric key."
        )
    denied = describe_denied(target, key, now) or key_denied(target, bucket, key, test_object, target.home_region, now)
    if denied is None:
        return None
    return ServiceError(
        "InsufficientEncryptionPolicyException",
        f"Insufficient permissions to access S3 bucket {bucket.name} or KMS key {key.arn} ({denied.reason}).",
    )


def topic_error(target: Target, topic_arn: str, policy: str | None, now: datetime) -> ServiceError | None:
    """Why a trail cannot notify a topic; None when it can.

    :param policy: the topic's policy (JSON text); None when there is no such topic.
    """
    region = topic_arn.split(":")[3]
    context = service_context(target, now, target.account, region)
    decision = decide_and_explain(policy, Access(SERVICE, "sns:Publish", topic_arn, context))
    if decision.is_allowed:
        return None
    return ServiceError(
        "InsufficientSnsTopicPolicyException",
        f"SNS Topic does not exist or the topic policy is incorrect! ({topic_arn}: {decision.reason})",
    )
