"""Hunt every hour in what the trail has delivered since, and send what is found to a topic.

Needs CDK's standard synthesizer, so a bootstrapped account, and at deployment a program that builds container images,
such as Docker. Subscribe to the topic, and confirm.
"""

from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib import SecureTrail
from constructs_lib.compliance import add_rule_packs

PROJECT = Path(__file__).resolve().parents[1]
IMAGE = "examples/hunting_image"
# All that the image is made of.
CONTEXT = ("verify", "requirements.txt", IMAGE)


def build(app: cdk.App) -> None:
    """Add the stack."""
    stack = cdk.Stack(app, "HuntedTrail")
    trail = SecureTrail(stack, "SecureTrail", trail_name="hunted")

    key = kms.Key(stack, "Key", enable_key_rotation=True, description="Findings, and what was hunted in")
    group = logs.LogGroup(stack, "Log", encryption_key=key, retention=logs.RetentionDays.ONE_YEAR)
    own_groups = stack.format_arn(service="logs", resource="*")
    key.grant_encrypt_decrypt(
        iam.ServicePrincipal(
            f"logs.{stack.region}.amazonaws.com",
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": own_groups}},
        )
    )
    findings = sns.Topic(stack, "Findings", master_key=key, enforce_ssl=True)
    # Whoever can write to it decides what is not looked at.
    state = s3.Bucket(
        stack,
        "State",
        encryption_key=key,
        bucket_key_enabled=True,
        enforce_ssl=True,
        versioned=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        server_access_logs_bucket=trail.access_log_bucket,
        server_access_logs_prefix="hunted/",
    )

    may = iam.ManagedPolicy(stack, "HunterMay", statements=_permissions(trail, findings, state, key, group))
    trail.grant_read(may)
    hunter = iam.Role(stack, "Hunter", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), managed_policies=[may])
    function = lambda_.DockerImageFunction(
        stack,
        "Hunt",
        code=lambda_.DockerImageCode.from_image_asset(
            str(PROJECT),
            file=f"{IMAGE}/Dockerfile",
            platform=ecr_assets.Platform.LINUX_AMD64,
            ignore_mode=cdk.IgnoreMode.DOCKER,
            exclude=["*", *(f"!{each}" for each in CONTEXT), "**/__pycache__"],
        ),
        role=hunter.without_policy_updates(),
        environment={
            "TRAIL_ARN": trail.trail_arn,
            "STATE_BUCKET": state.bucket_name,
            "TOPIC_ARN": findings.topic_arn,
            "HOME": "/tmp",  # noqa: S108 - the only folder that a function may write to
        },
        environment_encryption=key,
        memory_size=2048,
        timeout=cdk.Duration.minutes(15),
        log_group=group,
        # Two hunts at once would both tell of what one of them has found.
        reserved_concurrent_executions=1,
        # A hunt that fails three times is told as well.
        dead_letter_topic=findings,
    )
    events.Rule(
        stack,
        "EveryHour",
        schedule=events.Schedule.rate(cdk.Duration.hours(1)),
        targets=[
            targets.LambdaFunction(
                function, event=events.RuleTargetInput.from_object({"options": ["--level", "medium"]})
            )
        ],
    )
    _acknowledge(may, state, function, trail.log_bucket)


def _permissions(
    trail: SecureTrail, findings: sns.Topic, state: s3.Bucket, key: kms.Key, group: logs.LogGroup
) -> list[iam.PolicyStatement]:
    """What the function may do beside reading log files.

    The first two are what ``python -m verify hunt --print-iam-policy`` prints beside that.
    """

    def allow(actions: list[str], *resources: str) -> iam.PolicyStatement:
        return iam.PolicyStatement(actions=actions, resources=[*resources])

    account = ["cloudtrail:DescribeTrails", "cloudtrail:ListPublicKeys", "cloudtrail:LookupEvents"]
    return [
        allow([*account, "ec2:DescribeRegions", "organizations:ListAccounts"], "*"),
        allow(["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"], trail.trail_arn),
        # The hunt lists folders above AWSLogs as well; and without it nobody could tell that there is no state yet.
        allow(["s3:ListBucket"], trail.log_bucket.bucket_arn, state.bucket_arn),
        allow(["s3:GetObject", "s3:PutObject"], state.arn_for_objects("hunted.json")),
        allow(["sns:Publish"], findings.topic_arn),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], group.log_group_arn),
    ]


def _acknowledge(
    policy: iam.ManagedPolicy, state: s3.Bucket, function: lambda_.Function, log_bucket: s3.IBucket
) -> None:
    """Accept what the rule packs would have otherwise."""
    logs_of = log_bucket.stack.get_logical_id(cast("s3.CfnBucket", log_bucket.node.default_child))
    accepted: list[tuple[cdk.Resource, str, str, str]] = [
        (policy, "AwsSolutions", "IAM5[Resource::*]", "These calls only read, and IAM restricts them to no resource."),
        (
            policy,
            "AwsSolutions",
            f"IAM5[Resource::<{logs_of}.Arn>/AWSLogs/*]",
            "A hunt reads every log file of the trail.",
        ),
    ]
    for pack in ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321"):
        accepted += [
            (state, pack, "S3BucketReplicationEnabled", "Without it, the files of seven days are hunted in once more."),
            (function, pack, "LambdaInsideVPC", "It calls AWS alone and nothing calls it; a VPC would cost endpoints."),
        ]
    for construct, pack, rule, reason in accepted:
        cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason))


if __name__ == "__main__":
    hunting = cdk.App()
    add_rule_packs(hunting)
    build(hunting)
    hunting.synth()
