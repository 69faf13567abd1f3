"""An app as a user writes it, with everything that the construct takes, for type checkers. It is not run."""

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

import securetrail
from constructs_lib.compliance import add_rule_packs
from securetrail import (
    AggregationTemplate,
    Alerts,
    Analytics,
    ArchivedTrail,
    CloudWatchLogs,
    Condition,
    DeliveryNotifications,
    EventCategory,
    EventSelector,
    Insight,
    InsightType,
    LogArchive,
    LogReplica,
    LogRetention,
    NewAccessLogBucket,
    NewBucket,
    NewKey,
    Operator,
    Organization,
    ReadWrite,
    Recording,
    Replica,
    ReplicaTarget,
    SecureTrail,
    SecurityProfile,
    SlackChannel,
    required_bucket_policy,
    required_key_policy,
)

ACCOUNT, REGION = "111122223333", "us-east-1"
BREAK_GLASS = [f"arn:aws:iam::{ACCOUNT}:role/break-glass"]


class Audit(cdk.Stack):
    """Whatever has a setting has it here."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic.from_topic_arn(self, "Topic", f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts")
        self.role = iam.Role.from_role_name(self, "Role", "reader")
        self.bucket = s3.Bucket(self, "AccessLogs")
        self.audit = SecureTrail(
            self,
            "Trail",
            profile=SecurityProfile.COMPLIANCE,
            trail_name="audit",
            organization=Organization(organization_id="o-exampleorgid", management_account_id=ACCOUNT),
            recording=self.recording(),
            encryption_key=NewKey(alias="alias/audit", pending_window=Duration.days(7)),
            log_bucket=self.log_bucket(),
            s3_key_prefix="logs",
            cloudwatch=CloudWatchLogs(
                retention=logs.RetentionDays.ONE_YEAR,
                cis_alarms=True,
                log_group=logs.LogGroup.from_log_group_name(self, "Group", "audit"),
                role=self.role,
            ),
            alerts=Alerts(
                topic=self.topic,
                on_tampering=True,
                emails=["security@example.com"],
                webhooks=["https://alerts.example.com/hook"],
                slack_channels=[SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")],
            ),
            delivery_notifications=DeliveryNotifications(topic=self.topic),
            analytics=Analytics(regions=[REGION], scan_limit_mebibytes=1000, access_log_bucket=self.bucket),
            break_glass_principal_arns=BREAK_GLASS,
            tags={"Team": "Security"},
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.audit.grant_read(self.role)
        self.audit.grant_query(self.role)
        alarm: cloudwatch.CfnAlarm = self.audit.alarm_on(
            construct_id="Deleted",
            filter_pattern="{($.eventName=DeleteTrail)}",
            description="A trail is gone.",
            threshold=2,
            period=Duration.minutes(5),
        )
        alarm.alarm_actions = [self.topic.topic_arn]
        cdk.CfnOutput(self, "Bucket", value=self.audit.log_bucket.bucket_name)

    def recording(self) -> Recording:
        """What is recorded."""
        return Recording(
            event_selectors=[
                EventSelector.management(read_write=ReadWrite.ALL, exclude_event_sources=["kms.amazonaws.com"]),
                EventSelector.s3_objects(self.bucket, event_names=["PutObject"], read_write=ReadWrite.WRITE_ONLY),
                EventSelector.lambda_invocations(lambda_.Function.from_function_name(self, "Function", "function")),
                EventSelector.dynamodb_items(
                    dynamodb.Table.from_table_name(self, "Table", "table"), read_write=ReadWrite.READ_ONLY
                ),
                EventSelector.data(
                    resource_type="AWS::SQS::Queue",
                    arns=[f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"],
                    arn_prefixes=(),
                    event_names=("SendMessage",),
                    read_write=ReadWrite.ALL,
                ),
                EventSelector.network_activity(
                    event_source="s3.amazonaws.com", vpc_endpoint_ids=["vpce-0123456789abcdef0"], only_denied=True
                ),
                EventSelector(
                    name="Deleted objects",
                    category=EventCategory.DATA,
                    conditions=(Condition(field="eventName", operator=Operator.EQUALS, values=("DeleteObject",)),),
                ),
            ],
            insights=[Insight(type=InsightType.API_CALL_RATE, categories=(EventCategory.MANAGEMENT,))],
            aggregation=[AggregationTemplate.API_ACTIVITY],
        )

    def log_bucket(self) -> NewBucket:
        """Where it is kept, and for how long."""
        target: ReplicaTarget = LogReplica(
            self,
            "Replica",
            bucket_name="example-copies",
            key_alias="alias/copies",
            access_log_bucket=self.bucket,
            noncurrent_version_expiration=Duration.days(30),
            object_lock=s3.ObjectLockRetention.governance(Duration.days(1)),
            source_account=ACCOUNT,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        ).target
        glacier = s3.Transition(storage_class=s3.StorageClass.GLACIER, transition_after=Duration.days(90))
        return NewBucket(
            bucket_name="example-logs",
            retention=LogRetention(
                expiration=Duration.days(365),
                transitions=[glacier],
                noncurrent_version_expiration=Duration.days(30),
                object_lock=s3.ObjectLockRetention.compliance(Duration.days(1)),
            ),
            replica=Replica(target=target),
            access_log_bucket=NewAccessLogBucket(expiration=Duration.days(30)),
        )

    def elsewhere(self) -> iam.PolicyDocument:
        """What the account of an archive, and a replica that no construct made, need."""
        archive = LogArchive(
            self,
            "Archive",
            trails=[
                ArchivedTrail(
                    trail_name="audit",
                    trail_account=ACCOUNT,
                    trail_region=REGION,
                    s3_key_prefix="logs",
                    organization_id="o-exampleorgid",
                )
            ],
            encryption_key=NewKey(alias="alias/archive"),
            log_bucket=NewBucket(replica=False, access_log_bucket=self.bucket),
            break_glass_principal_arns=BREAK_GLASS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        archive.grant_read(self.role)
        ReplicaTarget(
            bucket_arn="arn:aws:s3:::example-copies",
            key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/copies",
            region=REGION,
            object_lock=True,
            access_log_bucket_name=None,
            account=ACCOUNT,
            source_account=ACCOUNT,
            stack=self,
        )
        statements = [
            *required_bucket_policy(
                bucket_arn=self.bucket.bucket_arn,
                trail_name="audit",
                trail_account=ACCOUNT,
                trail_region=REGION,
                partition="aws",
                s3_key_prefix="logs",
                organization_id=None,
            ),
            *required_key_policy(trail_name="audit", trail_account=ACCOUNT, trail_region=REGION, partition="aws"),
        ]
        return iam.PolicyDocument(statements=statements)

    def existing(self, key: kms.IKey) -> list[iam.PolicyDocument]:
        """With what exists, and without what a profile turns on."""
        trail = securetrail.SecureTrail(
            self, "Existing", encryption_key=key, log_bucket=self.bucket, cloudwatch=False, alerts=False
        )
        return [trail.required_key_policy, trail.required_bucket_policy, trail.verifier_policy()]

    def made_here(self, role: iam.Role, function: lambda_.Function, table: dynamodb.Table) -> SecureTrail:
        """With what this stack makes. To pyright these classes of CDK are not of the kind of their own interfaces."""
        topic = sns.Topic(self, "Made")
        trail = SecureTrail(
            self,
            "MadeHere",
            recording=Recording(
                event_selectors=[EventSelector.lambda_invocations(function), EventSelector.dynamodb_items(table)]
            ),
            encryption_key=kms.Key(self, "Key"),
            cloudwatch=CloudWatchLogs(log_group=logs.LogGroup(self, "MadeGroup"), role=role),
            alerts=Alerts(topic=topic),
            delivery_notifications=DeliveryNotifications(topic=topic),
        )
        trail.grant_read(role)
        return trail


app = cdk.App()
Audit(app, "Audit")
add_rule_packs(app)
