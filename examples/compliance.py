"""What auditors ask for: alarms, alerts, a year of Object Lock, seven years of logs, copies in another region."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs_lib import (
    EventSelector,
    LogReplica,
    LogRetention,
    NewBucket,
    Recording,
    Replica,
    SecureTrail,
    SecurityProfile,
)
from constructs_lib.compliance import add_rule_packs

ACCOUNT = "111122223333"


def build(app: cdk.App) -> None:
    """Add the two stacks; CDK deploys the replica first."""
    ireland = cdk.Stack(app, "TrailReplica", env=cdk.Environment(account=ACCOUNT, region="eu-west-1"))
    replica = LogReplica(
        ireland,
        "Replica",
        bucket_name=f"example-trail-copies-{ACCOUNT}",
        key_alias="alias/example-trail-copies",
        object_lock=s3.ObjectLockRetention.governance(cdk.Duration.days(365)),
    )

    frankfurt = cdk.Stack(app, "ComplianceTrail", env=cdk.Environment(account=ACCOUNT, region="eu-central-1"))
    trail = SecureTrail(
        frankfurt,
        "SecureTrail",
        profile=SecurityProfile.COMPLIANCE,
        trail_name="audit",
        recording=Recording(
            event_selectors=[
                EventSelector.management(),
                EventSelector.s3_objects(event_names=["DeleteObject", "DeleteObjects", "PutObjectRetention"]),
            ]
        ),
        log_bucket=NewBucket(
            retention=LogRetention(
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=cdk.Duration.days(90)
                    )
                ],
                expiration=cdk.Duration.days(7 * 365),
            ),
            replica=Replica(target=replica.target),
        ),
        break_glass_principal_arns=[
            f"arn:aws:iam::{ACCOUNT}:role/BreakGlass",
            f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-eu-central-1",
        ],
    )
    trail.alarm_on(
        "MassDeletion",
        filter_pattern="{($.eventSource=s3.amazonaws.com) && ($.eventName=DeleteObject*)}",
        description="More than a hundred objects were deleted within five minutes",
        threshold=100,
    )


if __name__ == "__main__":
    compliance = cdk.App()
    add_rule_packs(compliance)
    build(compliance)
    compliance.synth()
