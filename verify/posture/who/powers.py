"""What blinds the recorder: API calls that stop or narrow the trail, or take or alter what it recorded. Data alone.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html and
https://attack.mitre.org/techniques/T1562/008/ name them; the rest follows from what CloudTrail needs to deliver:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What of the recorder a call is made on."""

    TRAIL = "trail"
    BUCKET = "bucket"
    LOG_FILES = "log files"
    ACL = "access control list of the bucket, where lists count"
    KEY = "key"
    IMPORTED_KEY = "key with imported material"
    RULE = "EventBridge rule"
    ALARM = "CloudWatch alarm"
    LOG_GROUP = "log group"
    REPORTING_ROLE = "role that writes to the log group, or by which a rule reaches its target"
    TOPIC = "SNS topic"
    TOPIC_KEY = "key of an SNS topic"


@dataclass(frozen=True, slots=True)
class Power:
    """A way to blind the recorder.

    :param id: stays the same; for programs.
    :param title: what whoever has it can do, as a verb with its object.
    :param calls: IAM action → what it is made on. One of them suffices.
    """

    id: str
    title: str
    calls: tuple[tuple[str, Part], ...]


def _on(part: Part, *actions: str) -> tuple[tuple[str, Part], ...]:
    return tuple((action, part) for action in actions)


POWERS = (
    Power(
        "stop-trail",
        "stop or narrow the trail",
        _on(
            Part.TRAIL,
            "cloudtrail:StopLogging",
            "cloudtrail:DeleteTrail",
            "cloudtrail:UpdateTrail",
            "cloudtrail:PutEventSelectors",
        ),
    ),
    Power(
        "alter-logs",
        "delete or overwrite log files",
        (
            *_on(
                Part.LOG_FILES,
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:PutObject",
                # It encrypts an object anew, under a key that can then be deleted.
                "s3:UpdateObjectEncryption",
                # What replication from a bucket of the caller's writes and deletes here.
                "s3:ReplicateObject",
                "s3:ReplicateDelete",
            ),
            *_on(Part.BUCKET, "s3:PutLifecycleConfiguration"),
        ),
    ),
    Power(
        "change-bucket",
        "change the bucket's policy, or settings that the delivery needs",
        (
            *_on(
                Part.BUCKET,
                "s3:PutBucketPolicy",
                "s3:DeleteBucketPolicy",
                "s3:PutEncryptionConfiguration",
                "s3:PutBucketVersioning",
                "s3:PutBucketOwnershipControls",
                # CloudTrail pays for no request, so it cannot deliver to such a bucket.
                "s3:PutBucketRequestPayment",
            ),
            # Whom the list lets write, overwrites and deletes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
            # acl-overview.html
            *_on(Part.ACL, "s3:PutBucketAcl"),
        ),
    ),
    Power(
        "disable-key",
        "disable the key, change its policy or grant it away",
        (
            *_on(
                Part.KEY,
                "kms:DisableKey",
                "kms:ScheduleKeyDeletion",
                "kms:PutKeyPolicy",
                "kms:CreateGrant",
            ),
            # At once, and without a waiting period.
            # https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-delete-key-material.html
            *_on(Part.IMPORTED_KEY, "kms:DeleteImportedKeyMaterial"),
        ),
    ),
    Power(
        "mute-alarms",
        "mute what reports such changes",
        (
            *_on(
                Part.RULE,
                "events:DisableRule",
                "events:DeleteRule",
                "events:RemoveTargets",
                "events:PutRule",
                "events:PutTargets",
            ),
            *_on(
                Part.ALARM,
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DisableAlarmActions",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:SetAlarmState",
            ),
            *_on(
                Part.LOG_GROUP,
                "logs:DeleteMetricFilter",
                "logs:PutMetricFilter",
                "logs:DeleteLogGroup",
                # With a key that somebody else has and disables, nothing more is written to it.
                "logs:AssociateKmsKey",
            ),
            # Without its permissions no event reaches the metric filters, or the rule's target.
            *_on(
                Part.REPORTING_ROLE,
                "iam:AttachRolePolicy",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:UpdateAssumeRolePolicy",
            ),
            *_on(
                Part.TOPIC,
                "sns:DeleteTopic",
                "sns:RemovePermission",
                "sns:SetSubscriptionAttributes",
                "sns:SetTopicAttributes",
                "sns:Unsubscribe",
            ),
            # What is published to a topic whose key cannot be used, does not arrive.
            *_on(Part.TOPIC_KEY, "kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy"),
        ),
    ),
)

# Every action of the powers.
ACTIONS = frozenset(action for power in POWERS for action, _ in power.calls)
# Those that AWS takes only from the account that owns the resource, whatever its policy says.
# https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html and
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
OWN_ACCOUNT_ONLY = frozenset(
    {
        "kms:DisableKey",
        "kms:ScheduleKeyDeletion",
        "kms:PutKeyPolicy",
        "kms:DeleteImportedKeyMaterial",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
    }
)
