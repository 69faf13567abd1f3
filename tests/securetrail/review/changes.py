"""Changes of an app, each with what the review has to say: weakenings with the attack, harmless and wanted ones.

The base is a trail with everything that can be lost (``apps.FULL``), beside a bucket, a role and an alarm of others.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from aws_cdk import aws_stepfunctions_tasks as tasks
from aws_cdk import custom_resources

from constructs_lib import EventSelector, Insight, InsightType
from tests.securetrail.review.apps import ACCOUNT, FOREIGN, REGION, Built, Change

LOG_BUCKET, LOG_KEY = "SecureTrail/Bucket/", "SecureTrail/Key/"
TRAIL, BUCKET, BUCKET_POLICY = "AWS::CloudTrail::Trail", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
KEY, ROLE, MANAGED_POLICY = "AWS::KMS::Key", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
TOPIC, TOPIC_POLICY, SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"
ALARM, METRIC_FILTER, RULE = "AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter", "AWS::Events::Rule"
LOG_GROUP, WORK_GROUP, ALIAS = "AWS::Logs::LogGroup", "AWS::Athena::WorkGroup", "AWS::KMS::Alias"


@dataclass(frozen=True)
class Case:
    """A change, and the kinds of objections that the review has; none: it lets the change pass.

    :param attack: what somebody could do if it passed.
    :param props: other props of the trail.
    :param change: what is done to the app besides.
    :param before: what the base's app has as well, and the change keeps.
    :param ids: other ids of the stack and of the construct.
    """

    name: str
    objections: frozenset[str] = frozenset()
    attack: str = ""
    props: dict[str, Any] = field(default_factory=dict)
    change: Change | None = None
    ids: dict[str, str] = field(default_factory=dict)
    before: Change | None = None


def weakening(
    name: str, kinds: str, attack: str, change: Change | None = None, before: Change | None = None, **props: Any
) -> Case:
    return Case(name, frozenset(kinds.split()), attack, props, change, before=before)


def harmless(name: str, change: Change | None = None, before: Change | None = None, **props: Any) -> Case:
    return Case(name, frozenset(), "", props, change, before=before)


def sets(resource_type: str, path: str, value: Any, inside: str = "") -> Change:
    return lambda app: app.override(resource_type, path, value, inside)


def drops(resource_type: str, path: str, inside: str = "") -> Change:
    return lambda app: app.drop(resource_type, path, inside)


def removes(resource_type: str, inside: str = "") -> Change:
    return lambda app: app.remove(resource_type, inside)


def edits(resource_type: str, name: str, inside: str, edit: Callable[[list[Any]], None]) -> Change:
    return lambda app: app.policy(resource_type, name, inside, edit)


def log_bucket_policy(edit: Callable[[list[Any]], None]) -> Change:
    return edits(BUCKET_POLICY, "PolicyDocument", LOG_BUCKET, edit)


def key_policy(edit: Callable[[list[Any]], None]) -> Change:
    return edits(KEY, "KeyPolicy", LOG_KEY, edit)


def alert_topic_policy(edit: Callable[[list[Any]], None]) -> Change:
    return edits(TOPIC_POLICY, "PolicyDocument", "AlertTopic", edit)


def adds(statement: dict[str, Any]) -> Callable[[list[Any]], None]:
    return lambda statements: statements.append(statement)


def allow(principal: Any, actions: Any, resources: Any = "*", **more: Any) -> Callable[[list[Any]], None]:
    return adds({"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resources, **more})


def without(test: Callable[[dict[str, Any]], bool]) -> Callable[[list[Any]], None]:
    def edit(statements: list[Any]) -> None:
        kept = [each for each in statements if not test(each)]
        assert len(kept) < len(statements), "nothing to remove"
        statements[:] = kept

    return edit


def each(
    test: Callable[[dict[str, Any]], bool], change: Callable[[dict[str, Any]], None]
) -> Callable[[list[Any]], None]:
    def edit(statements: list[Any]) -> None:
        fitting = [statement for statement in statements if test(statement)]
        assert fitting, "nothing to change"
        for statement in fitting:
            change(statement)

    return edit


def is_deny(statement: dict[str, Any]) -> bool:
    return bool(statement["Effect"] == "Deny")


def is_tls(statement: dict[str, Any]) -> bool:
    return is_deny(statement) and "aws:SecureTransport" in str(statement.get("Condition"))


def is_cloudtrail(statement: dict[str, Any]) -> bool:
    return statement["Effect"] == "Allow" and "cloudtrail.amazonaws.com" in str(statement.get("Principal"))


def both(*changes: Change) -> Change:
    def change(app: Built) -> None:
        for one in changes:
            one(app)

    return change


def _no_rules(app: Built) -> None:
    """Every EventBridge rule of the trail is gone."""
    for resource in list(app.resources(RULE)):
        assert resource.node.scope is not None
        scope = resource.node.scope
        assert scope.node.try_remove_child(resource.node.id)


def _foreign_replica(app: Built) -> None:
    app.override(
        BUCKET, "ReplicationConfiguration.Rules.0.Destination.Bucket", "arn:aws:s3:::somebody-elses", LOG_BUCKET
    )


def _write_only(app: Built) -> None:
    app.override(
        TRAIL,
        "AdvancedEventSelectors",
        [
            {
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["Management"]},
                    {"Field": "readOnly", "Equals": ["false"]},
                ]
            }
        ],
    )


def _selectors_reordered(app: Built) -> None:
    selectors = _selectors(app)
    for selector in selectors:
        selector["FieldSelectors"].reverse()
        selector["Name"] = "another name"
    app.override(TRAIL, "AdvancedEventSelectors", selectors[::-1])


def _selectors_split(app: Built) -> None:
    """One selector of all management events becomes two, of those that read and those that write."""
    selectors = _selectors(app)
    others = [each for each in selectors if "Management" not in str(each)]
    parts = [
        {
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Management"]},
                {"Field": "readOnly", "Equals": [value]},
            ]
        }
        for value in ("true", "false")
    ]
    app.override(TRAIL, "AdvancedEventSelectors", [*parts, *others])


def _no_kms_events(app: Built) -> None:
    selectors = _selectors(app)
    for selector in selectors:
        if "Management" in str(selector):
            selector["FieldSelectors"].append({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]})
    app.override(TRAIL, "AdvancedEventSelectors", selectors)


def _selectors(app: Built) -> list[Any]:
    selectors: list[Any] = app.written(TRAIL, "AdvancedEventSelectors")
    return selectors


def _statements_reordered(app: Built) -> None:
    for of_type, name, inside in (
        (BUCKET_POLICY, "PolicyDocument", LOG_BUCKET),
        (KEY, "KeyPolicy", LOG_KEY),
    ):
        app.policy(of_type, name, inside, lambda statements: statements.reverse())


def _one_action_as_list(statements: list[Any]) -> None:
    for number, statement in enumerate(statements):
        statement["Sid"] = f"Statement{number}"
        for name in ("Action", "Resource"):
            if isinstance(statement.get(name), str | dict):
                statement[name] = [statement[name]]


def _split_statement(statements: list[Any]) -> None:
    """A statement with several actions becomes one for each."""
    for statement in [*statements]:
        actions = statement["Action"]
        if isinstance(actions, list) and len(actions) > 1:
            statements.remove(statement)
            statements += [
                {**statement, "Sid": f"{statement.get('Sid', '')}{n}", "Action": one} for n, one in enumerate(actions)
            ]


def _new_private_bucket(app: Built) -> None:
    s3.Bucket(
        app.stack,
        "More",
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.KMS_MANAGED,
        versioned=True,
    )


def _new_open_bucket(app: Built) -> None:
    bucket = s3.Bucket(
        app.stack,
        "More",
        block_public_access=s3.BlockPublicAccess(
            block_public_acls=False, block_public_policy=False, ignore_public_acls=False, restrict_public_buckets=False
        ),
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["s3:GetObject"], principals=[iam.AnyPrincipal()], resources=[bucket.arn_for_objects("*")]
        )
    )


def _auto_delete(app: Built) -> None:
    """What ``auto_delete_objects=True`` gives its function, and so whoever may change that function."""
    role = iam.Role(app.stack, "Emptier", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    app.policy(
        BUCKET_POLICY,
        "PolicyDocument",
        LOG_BUCKET,
        allow({"AWS": app.stack.resolve(role.role_arn)}, ["s3:DeleteObject*", "s3:PutBucketPolicy"], ["*"]),
    )


def _more_alarms(app: Built) -> None:
    cloudwatch.Alarm(
        app.stack,
        "Latency",
        metric=cloudwatch.Metric(namespace="App", metric_name="Latency"),
        threshold=9,
        evaluation_periods=1,
    )


def alerts_of(app: Built) -> sns.ITopic:
    topic = app.trail.alert_topic
    assert topic is not None
    return topic


def _another_subscriber(app: Built) -> None:
    alerts_of(app).add_subscription(subscriptions.EmailSubscription("night-shift@example.com"))


def _queue_for_alerts(app: Built) -> None:
    queue = sqs.Queue(app.stack, "Alerts", encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True)
    alerts_of(app).add_subscription(subscriptions.SqsSubscription(queue))


def _alarm_elsewhere(app: Built) -> None:
    for alarm in app.resources(ALARM, "SecureTrail"):
        alarm.add_property_override("AlarmActions", [f"arn:aws:sns:eu-central-1:{FOREIGN}:theirs"])


def _outputs(app: Built) -> None:
    cdk.CfnOutput(app.stack, "Where", value=app.trail.log_bucket.bucket_name)
    cdk.Tags.of(app.stack).add("team", "security")


def _role_for_foreigners(app: Built) -> None:
    app.override(
        ROLE,
        "AssumeRolePolicyDocument.Statement.0.Principal",
        {"AWS": f"arn:aws:iam::{FOREIGN}:root"},
        "Auditor",
    )


def _scheduled_rule(app: Built) -> None:
    topic = sns.Topic(app.stack, "Nightly")
    events.Rule(
        app.stack, "Night", schedule=events.Schedule.rate(cdk.Duration.days(1)), targets=[targets.SnsTopic(topic)]
    )


def new(resource_type: str, **properties: Any) -> Change:
    return lambda app: cdk.CfnResource(app.stack, "New", type=resource_type, properties=properties)


_OWN_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"


def _alternatives(app: Built, more: str) -> Any:
    """The events of the rule about the trail, with one more call in the first alternative, or without its last one."""
    pattern = app.written(RULE, "EventPattern", "TrailTampering")
    names = pattern["detail"]["$or"][0]["eventName"]
    names[:] = [more, *names[::-1]] if more else names[:-1]
    return pattern


def _new_role(action: str) -> Change:
    def change(app: Built) -> None:
        role = iam.Role(app.stack, "More", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=[action], resources=["*"]))

    return change


def _calls(service: str, action: str, **parameters: Any) -> Change:
    """What CDK's ``AwsCustomResource`` has in the template, called by a function that is there already."""
    call = json.dumps({"service": service, "action": action, "parameters": parameters})
    return new("Custom::AWS", ServiceToken=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:caller", Create=call)


def _further_replica(bucket: str) -> Change:
    def change(app: Built) -> None:
        (rule,) = app.written(BUCKET, "ReplicationConfiguration", LOG_BUCKET)["Rules"]
        further = {**rule, "Id": "further", "Priority": 2}
        further["Destination"] = {**rule["Destination"], **({"Bucket": bucket} if bucket else {})}
        app.override(BUCKET, "ReplicationConfiguration.Rules", [rule, further], LOG_BUCKET)

    return change


def _subscribes(protocol: str, endpoint: str) -> Change:
    return lambda app: new(SUBSCRIPTION, TopicArn=alerts_of(app).topic_arn, Protocol=protocol, Endpoint=endpoint)(app)


def _events_to(destination: str) -> Change:
    def change(app: Built) -> object:
        group = app.resource(LOG_GROUP).ref
        return new("AWS::Logs::SubscriptionFilter", LogGroupName=group, FilterPattern="", DestinationArn=destination)(
            app
        )

    return change


def _alert_says(name: str, value: Any) -> Change:
    def change(app: Built) -> None:
        app.drop(RULE, "Targets.0.InputTransformer", "TrailTampering")
        if name:
            app.override(RULE, f"Targets.0.{name}", value, "TrailTampering")

    return change


_HIDE = "act without a record"
_READ = "read the log files"
_DESTROY = "delete the evidence"
_QUIET = "tamper with the trail, and nobody is told"
_FORGE = "write log files that never were"

OUTCOME = (
    weakening("logging off", "trail_is_logging", _HIDE, sets(TRAIL, "IsLogging", False)),
    weakening(
        "a foreign account may decrypt",
        "newly_allowed",
        _READ,
        key_policy(allow({"AWS": f"arn:aws:iam::{FOREIGN}:root"}, "kms:Decrypt")),
    ),
    weakening(
        "CloudTrail of anyone let in",
        "newly_allowed",
        _FORGE,
        log_bucket_policy(
            each(is_cloudtrail, lambda statement: statement.pop("Condition")),
        ),
    ),
    weakening(
        "logs that expire after two days",
        "log_bucket_keeps_logs",
        _DESTROY,
        sets(BUCKET, "LifecycleConfiguration.Rules.0.ExpirationInDays", 2, LOG_BUCKET),
    ),
    weakening("write-only selectors", "trail_records_events", "read everything without a record", _write_only),
)

RECORDING = (
    weakening(
        "log files under a prefix that the bucket refuses",
        "newly_denied",
        "record nothing",
        sets(TRAIL, "S3KeyPrefix", "elsewhere"),
    ),
    weakening(
        "a role of elsewhere for CloudWatch Logs",
        "newly_denied trail_role_for_cloudwatch_logs",
        "set off no alarm",
        sets(TRAIL, "CloudWatchLogsRoleArn", f"arn:aws:iam::{ACCOUNT}:role/powerless"),
    ),
    weakening("one region", "trail_is_multi_region", _HIDE, sets(TRAIL, "IsMultiRegionTrail", False)),
    weakening(
        "no global services",
        "trail_records_global_service_events",
        _HIDE,
        sets(TRAIL, "IncludeGlobalServiceEvents", False),
    ),
    weakening(
        "no digest files", "trail_validates_log_files", "alter log files", sets(TRAIL, "EnableLogFileValidation", False)
    ),
    weakening(
        "the property is dropped",
        "trail_validates_log_files",
        "alter log files",
        drops(TRAIL, "EnableLogFileValidation"),
    ),
    weakening("no KMS events", "trail_records_events", "use keys without a record", _no_kms_events),
    weakening(
        "no data events",
        "trail_records_events",
        "delete objects without a record",
        recording__event_selectors=[EventSelector.management()],
    ),
    weakening(
        "fewer data events",
        "trail_records_events",
        "shorten the retention of objects without a record",
        recording__event_selectors=[EventSelector.management(), EventSelector.s3_objects(event_names=["DeleteObject"])],
    ),
    weakening(
        "one insight less",
        "trail_reports_insights",
        "fail a thousand calls, and nobody is told",
        recording__insights=[Insight(InsightType.API_CALL_RATE)],
    ),
    weakening(
        "no insights", "trail_reports_insights", "do a thousand calls, and nobody is told", recording__insights=[]
    ),
    weakening("log files without encryption", "trail_uses_the_key", _READ, drops(TRAIL, "KMSKeyId")),
    weakening(
        "log files with a foreign key",
        "trail_uses_the_key names_outsider",
        "make the log files unreadable",
        sets(TRAIL, "KMSKeyId", f"arn:aws:kms:eu-central-1:{FOREIGN}:key/00000000-0000-0000-0000-000000000000"),
    ),
    weakening(
        "log files to a foreign bucket",
        "trail_delivers_to names_outsider",
        "take the log files away",
        sets(TRAIL, "S3BucketName", "somebody-elses"),
    ),
    weakening(
        "nothing to CloudWatch Logs",
        "trail_sends_to_cloudwatch_logs",
        "set off no alarm",
        both(drops(TRAIL, "CloudWatchLogsLogGroupArn"), drops(TRAIL, "CloudWatchLogsRoleArn")),
    ),
    weakening(
        "no message for log files", "trail_notifies", "stop what reads each log file", drops(TRAIL, "SnsTopicName")
    ),
    weakening("the trail is gone", "removed", _HIDE, removes(TRAIL)),
    weakening("another trail name", "replaced", "have a gap in the chain of digest files", trail_name="audit-2"),
)

STORAGE = (
    weakening(
        "no versions",
        "log_bucket_is_versioned",
        _DESTROY,
        sets(BUCKET, "VersioningConfiguration.Status", "Suspended", LOG_BUCKET),
    ),
    weakening(
        "old versions for a day",
        "log_bucket_keeps_versions",
        _DESTROY,
        log_bucket__retention__noncurrent_version_expiration=cdk.Duration.days(1),
    ),
    weakening(
        "a year instead of seven",
        "log_bucket_keeps_logs protection_changed",
        _DESTROY,
        log_bucket__retention__expiration=cdk.Duration.days(366),
    ),
    weakening(
        "a lock that some may lift",
        "log_bucket_lock_mode",
        _DESTROY,
        log_bucket__retention__object_lock=s3.ObjectLockRetention.governance(cdk.Duration.days(365)),
    ),
    weakening(
        "a lock for a day",
        "log_bucket_lock_period",
        _DESTROY,
        log_bucket__retention__object_lock=s3.ObjectLockRetention.compliance(cdk.Duration.days(1)),
    ),
    weakening(
        "no lock period",
        "log_bucket_lock_mode log_bucket_lock_period",
        _DESTROY,
        drops(BUCKET, "ObjectLockConfiguration.Rule", LOG_BUCKET),
    ),
    weakening(
        "no replication", "log_bucket_is_replicated", _DESTROY, drops(BUCKET, "ReplicationConfiguration", LOG_BUCKET)
    ),
    weakening(
        "replication is disabled",
        "log_bucket_is_replicated",
        _DESTROY,
        sets(BUCKET, "ReplicationConfiguration.Rules.0.Status", "Disabled", LOG_BUCKET),
    ),
    weakening("copies to a foreign bucket", "log_bucket_is_replicated names_outsider", _READ, _foreign_replica),
    weakening(
        "the replica expires after a day",
        "log_bucket_keeps_logs",
        _DESTROY,
        sets(BUCKET, "LifecycleConfiguration.Rules.0.ExpirationInDays", 1, "Replica/Bucket"),
    ),
    weakening(
        "the access logs expire after a day",
        "log_bucket_keeps_logs",
        "read log files without a record",
        log_bucket__access_log_bucket__expiration=cdk.Duration.days(1),
    ),
    weakening(
        "keys of S3 only",
        "log_bucket_encrypts_with_the_key log_bucket_encryption_key log_bucket_uses_bucket_key",
        _READ,
        sets(
            BUCKET,
            "BucketEncryption.ServerSideEncryptionConfiguration",
            [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}],
            LOG_BUCKET,
        ),
    ),
    weakening(
        "no block of public access",
        "log_bucket_blocks_public_access",
        "make the bucket public",
        drops(BUCKET, "PublicAccessBlockConfiguration", LOG_BUCKET),
    ),
    weakening(
        "one block less",
        "log_bucket_blocks_public_access",
        "make the bucket public",
        sets(BUCKET, "PublicAccessBlockConfiguration.BlockPublicPolicy", False, LOG_BUCKET),
    ),
    weakening(
        "ACLs count again",
        "log_bucket_has_no_acls",
        "give access by an ACL",
        sets(BUCKET, "OwnershipControls.Rules.0.ObjectOwnership", "ObjectWriter", LOG_BUCKET),
    ),
    weakening(
        "no access logs",
        "log_bucket_logs_access",
        "read log files without a record",
        drops(BUCKET, "LoggingConfiguration", LOG_BUCKET),
    ),
    weakening(
        "deleted with the stack",
        "kept_when_removed kept_when_replaced",
        _DESTROY,
        lambda app: app.resource(BUCKET, LOG_BUCKET).apply_removal_policy(cdk.RemovalPolicy.DESTROY),
    ),
    weakening(
        "everything deleted with the stack",
        "kept_when_removed kept_when_replaced",
        _DESTROY,
        lambda app: (
            [
                each.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
                for each in (*app.resources(BUCKET), *app.resources(KEY))
            ]
            and None
        ),
    ),
    weakening(
        "no termination protection",
        "stack_is_protected",
        _DESTROY,
        lambda app: setattr(app.stack, "termination_protection", False),
    ),
    weakening(
        "the bucket of others is open",
        "log_bucket_blocks_public_access",
        "make the bucket public",
        drops(BUCKET, "PublicAccessBlockConfiguration", "Reports"),
    ),
    weakening(
        "the bucket of others is gone",
        "removed",
        _DESTROY,
        lambda app: app.stack.node.try_remove_child("Reports") and None,
    ),
    weakening("an open bucket", "newly_allowed", "read what is in it", _new_open_bucket),
)

KEYS = (
    weakening(
        "a user beside the account",
        "newly_allowed",
        "read and lock without any permission of IAM",
        key_policy(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:user/m"}, "kms:*")),
    ),
    weakening(
        "nobody may decrypt",
        "newly_denied",
        "keep everybody from reading",
        key_policy(adds({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"})),
    ),
    weakening("no rotation", "key_rotates", _READ, sets(KEY, "EnableKeyRotation", False, LOG_KEY)),
    weakening(
        "rotation after seven years",
        "key_rotates_within",
        _READ,
        sets(KEY, "RotationPeriodInDays", 2555, LOG_KEY),
    ),
    weakening(
        "the key is disabled",
        "key_is_enabled",
        "make the log files unreadable",
        sets(KEY, "Enabled", False, LOG_KEY),
    ),
    weakening(
        "a week to cancel the deletion",
        "key_waits_for_deletion",
        "delete the key",
        encryption_key__pending_window=cdk.Duration.days(7),
    ),
    weakening(
        "the alias names another key",
        "alias_names_the_key names_outsider",
        _READ,
        lambda app: app.override(
            ALIAS, "TargetKeyId", "arn:aws:kms:eu-central-1:999988887777:key/00000000-0000-0000-0000-000000000000"
        ),
    ),
    weakening(
        "grants for a foreign account",
        "newly_allowed",
        _READ,
        key_policy(allow({"AWS": FOREIGN}, "kms:CreateGrant")),
    ),
    weakening(
        "everybody of an organization may decrypt",
        "newly_allowed",
        _READ,
        key_policy(
            allow({"AWS": "*"}, "kms:Decrypt", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        ),
    ),
    weakening(
        "a service may use the key for anybody",
        "newly_allowed",
        _READ,
        key_policy(allow({"Service": "s3.amazonaws.com"}, "kms:*")),
    ),
)

ACCESS = (
    weakening(
        "anyone reads log files",
        "newly_allowed",
        _READ,
        log_bucket_policy(allow("*", "s3:GetObject")),
    ),
    weakening(
        "a foreign account reads log files",
        "newly_allowed",
        _READ,
        log_bucket_policy(
            allow({"AWS": f"arn:aws:iam::{FOREIGN}:role/Reader"}, ["s3:GetObject", "s3:ListBucket"]),
        ),
    ),
    weakening(
        "without TLS",
        "newly_allowed",
        "listen on the network",
        log_bucket_policy(without(is_tls)),
    ),
    weakening("tampering is not denied", "newly_allowed", _DESTROY, break_glass_principal_arns=None),
    weakening(
        "tampering is not denied to one more",
        "newly_allowed",
        _DESTROY,
        break_glass_principal_arns=[
            f"arn:aws:iam::{ACCOUNT}:role/BreakGlass",
            f"arn:aws:iam::{ACCOUNT}:role/Deployer",
            f"arn:aws:iam::{ACCOUNT}:role/Developer",
        ],
    ),
    weakening("deletion by an own role", "newly_allowed", _DESTROY, _auto_delete),
    weakening(
        "all but one principal",
        "newly_allowed",
        _READ,
        log_bucket_policy(
            adds(
                {
                    "Effect": "Allow",
                    "NotPrincipal": {"AWS": f"arn:aws:iam::{FOREIGN}:root"},
                    "Action": "s3:GetObject",
                    "Resource": "*",
                }
            ),
        ),
    ),
    weakening(
        "all but one action",
        "newly_allowed",
        _DESTROY,
        log_bucket_policy(
            adds({"Effect": "Allow", "Principal": {"AWS": FOREIGN}, "NotAction": "s3:GetObject", "Resource": "*"}),
        ),
    ),
    weakening(
        "a trail of any account of the world may write",
        "newly_allowed",
        _FORGE,
        log_bucket_policy(
            each(
                is_cloudtrail,
                lambda statement: statement.update(
                    Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/audit"}}
                ),
            ),
        ),
    ),
    weakening(
        "another trail of the account may write",
        "newly_allowed",
        _FORGE,
        log_bucket_policy(
            each(
                is_cloudtrail,
                lambda statement: statement.update(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
            ),
        ),
    ),
    weakening(
        "a condition that a missing key meets",
        "newly_allowed",
        _FORGE,
        log_bucket_policy(
            each(
                is_cloudtrail,
                lambda statement: statement.update(
                    Condition={f"{name}IfExists": value for name, value in statement["Condition"].items()}
                ),
            ),
        ),
    ),
    weakening(
        "CloudTrail may not write",
        "newly_denied",
        "have nothing recorded",
        log_bucket_policy(without(is_cloudtrail)),
    ),
    weakening(
        "anyone publishes to the alert topic",
        "newly_allowed",
        "drown the alerts",
        alert_topic_policy(allow("*", "sns:Publish")),
    ),
    weakening(
        "a foreign account subscribes to alerts",
        "newly_allowed",
        "learn what is noticed",
        alert_topic_policy(allow({"AWS": FOREIGN}, "sns:Subscribe")),
    ),
    weakening("a foreign account may be the auditor", "newly_allowed", _READ, _role_for_foreigners),
    weakening(
        "the auditor may do anything",
        "newly_allowed",
        _DESTROY,
        sets(ROLE, "ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"], "Auditor"),
    ),
    weakening(
        "the auditor may delete",
        "newly_allowed",
        _DESTROY,
        lambda app: (
            app.more["auditor"].add_to_principal_policy(
                iam.PolicyStatement(actions=["s3:DeleteObject*"], resources=[app.trail.log_bucket.arn_for_objects("*")])
            )
            and None
        ),
    ),
    weakening(
        "replication may write elsewhere",
        "newly_allowed",
        _READ,
        edits(
            MANAGED_POLICY,
            "PolicyDocument",
            "ReplicationPolicy",
            adds({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        ),
    ),
)

ALERTS = (
    weakening("no tamper alerts", "removed alarm_metric", _QUIET, _no_rules),
    weakening("a rule is disabled", "rule_is_enabled", _QUIET, sets(RULE, "State", "DISABLED", "TrailTampering")),
    weakening(
        "a rule takes fewer calls",
        "rule_takes_events",
        _QUIET,
        sets(RULE, "EventPattern.detail.eventName", ["DeleteTrail"], "TrailTampering"),
    ),
    weakening(
        "a rule takes one call less in an alternative",
        "rule_takes_events",
        _QUIET,
        lambda app: app.override(RULE, "EventPattern", _alternatives(app, ""), "TrailTampering"),
    ),
    weakening(
        "alerts are not tried again",
        "rule_tries",
        _QUIET,
        sets(RULE, "Targets.0.RetryPolicy", {"MaximumRetryAttempts": 0}, "TrailTampering"),
    ),
    weakening(
        "a metric by who it was",
        "protection_changed",
        _QUIET,
        sets(
            METRIC_FILTER,
            "MetricTransformations.0.Dimensions",
            [{"Key": "who", "Value": "$.userIdentity.arn"}],
            "RootUserUsed",
        ),
    ),
    weakening(
        "alarms are muted",
        "silences",
        _QUIET,
        new("AWS::CloudWatch::AlarmMuteRule", Name="mute", MuteTargets={"AlarmNames": ["RootUserUsed"]}),
    ),
    weakening("a rule tells nobody", "rule_targets", _QUIET, drops(RULE, "Targets", "TrailTampering")),
    weakening("an alarm without actions", "alarm_acts", _QUIET, sets(ALARM, "ActionsEnabled", False, "RootUserUsed")),
    weakening("alarms tell somebody else", "alarm_targets names_outsider", _QUIET, _alarm_elsewhere),
    weakening(
        "an alarm that goes off later", "alarm_threshold", _QUIET, sets(ALARM, "Threshold", 1000, "RootUserUsed")
    ),
    weakening("an alarm that waits a day", "alarm_delay", _QUIET, sets(ALARM, "Period", 86_400, "RootUserUsed")),
    weakening("an alarm on nothing", "alarm_metric", _QUIET, sets(ALARM, "MetricName", "Nothing", "RootUserUsed")),
    weakening("an alarm is gone", "removed", _QUIET, removes(ALARM, "RootUserUsed")),
    weakening(
        "the alarm of others is gone", "removed", _QUIET, lambda app: app.stack.node.try_remove_child("Errors") and None
    ),
    weakening(
        "a filter that matches nothing",
        "metric_filter_pattern",
        _QUIET,
        sets(METRIC_FILTER, "FilterPattern", "{ $.eventName = Nothing }", "RootUserUsed"),
    ),
    weakening("a filter is gone", "removed alarm_metric", _QUIET, removes(METRIC_FILTER, "RootUserUsed")),
    weakening("nobody gets alerts", "removed", _QUIET, removes(SUBSCRIPTION)),
    weakening(
        "somebody else gets alerts",
        "subscription_endpoint names_outsider",
        _QUIET,
        sets(SUBSCRIPTION, "Endpoint", "mallory@example.net"),
    ),
    weakening(
        "alerts are kept back",
        "subscription_filter",
        _QUIET,
        sets(SUBSCRIPTION, "FilterPolicy", {"severity": ["none"]}),
    ),
    weakening(
        "alerts without encryption",
        "topic_uses_the_key",
        "read the alerts",
        drops(TOPIC, "KmsMasterKeyId", "AlertTopic"),
    ),
    weakening("CloudWatch Logs keeps a day", "log_group_keeps_events", _DESTROY, sets(LOG_GROUP, "RetentionInDays", 1)),
    weakening("CloudWatch Logs without the key", "log_group_uses_the_key", _READ, drops(LOG_GROUP, "KmsKeyId")),
    weakening(
        "queries without a limit",
        "work_group_limit",
        "run up costs",
        drops(WORK_GROUP, "WorkGroupConfiguration.BytesScannedCutoffPerQuery"),
    ),
    weakening(
        "queries write where they want",
        "work_group_is_enforced",
        _READ,
        sets(WORK_GROUP, "WorkGroupConfiguration.EnforceWorkGroupConfiguration", False),
    ),
)

_SIGN_IN = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
_OUT = "have what is recorded, from now on"
_BESIDE = "act with what no policy of the template tells"


def _permission_set(action: str) -> Change:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return new("AWS::SSO::PermissionSet", InstanceArn=_SIGN_IN, Name="Some", InlinePolicy=policy)


OUTSIDE = (
    weakening(
        "a permission set with a managed policy",
        "access_not_comparable",
        _BESIDE,
        new(
            "AWS::SSO::PermissionSet",
            InstanceArn=_SIGN_IN,
            Name="All",
            ManagedPolicies=["arn:aws:iam::aws:policy/AdministratorAccess"],
        ),
    ),
    weakening(
        "a permission set that may stop the trail",
        "newly_allowed",
        _HIDE,
        _permission_set("cloudtrail:StopLogging"),
    ),
    harmless(
        "a permission set that lists buckets",
        _permission_set("s3:ListAllMyBuckets"),
    ),
    weakening(
        "a user in another group",
        "access_not_comparable",
        _BESIDE,
        new("AWS::IAM::UserToGroupAddition", GroupName="administrators", Users=["mallory"]),
    ),
    harmless("a group", new("AWS::IAM::Group", GroupName="readers")),
    weakening("an access key", "access_not_comparable", _BESIDE, new("AWS::IAM::AccessKey", UserName="mallory")),
    harmless("an instance profile", new("AWS::IAM::InstanceProfile", Roles=["web"])),
    weakening(
        "a share with a foreign account",
        "access_not_comparable names_outsider",
        _BESIDE,
        new("AWS::RAM::ResourceShare", Name="share", Principals=[FOREIGN]),
    ),
    weakening(
        "events to a foreign account",
        "names_outsider",
        _OUT,
        _events_to(f"arn:aws:logs:{REGION}:{FOREIGN}:destination:theirs"),
    ),
    harmless("events to an own stream", _events_to(f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/own")),
    weakening(
        "alerts to a foreign queue",
        "names_outsider",
        "learn what is noticed",
        _subscribes("sqs", f"arn:aws:sqs:{REGION}:{FOREIGN}:theirs"),
    ),
    weakening(
        "alerts to a foreign URL",
        "names_outsider",
        "learn what is noticed",
        _subscribes("https", "https://hooks.example.net/alerts"),
    ),
    weakening(
        "alerts to a foreign address",
        "names_outsider",
        "learn what is noticed",
        _subscribes("email", "mallory@example.net"),
    ),
    harmless("alerts to an own URL", _subscribes("https", "https://example.com/alerts")),
    weakening("one more replica, a foreign one", "names_outsider", _OUT, _further_replica("arn:aws:s3:::theirs")),
    harmless("one more rule for the own replica", _further_replica("")),
    weakening(
        "a custom resource stops the trail",
        "calls_at_deployment",
        _HIDE,
        _calls("CloudTrail", "stopLogging", Name="audit"),
    ),
    weakening(
        "a custom resource records less",
        "calls_at_deployment",
        _HIDE,
        _calls("@aws-sdk/client-cloudtrail", "PutEventSelectorsCommand", TrailName="audit"),
    ),
    weakening(
        "a custom resource deletes the key",
        "calls_at_deployment",
        "make the log files unreadable",
        _calls("KMS", "scheduleKeyDeletion", KeyId="it"),
    ),
    weakening(
        "a custom resource disables alarms",
        "calls_at_deployment",
        _QUIET,
        _calls("CloudWatch", "disableAlarmActions", AlarmNames=["RootUserUsed"]),
    ),
    weakening(
        "a custom resource deletes a stack",
        "calls_at_deployment",
        _DESTROY,
        _calls("CloudFormation", "deleteStack", StackName="Recorder"),
    ),
    weakening(
        "a schedule stops the trail",
        # The role is none of this app's, so what it allows to others is not known either.
        "calls_at_deployment access_not_comparable",
        _HIDE,
        new(
            "AWS::Scheduler::Schedule",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:scheduler:::aws-sdk:cloudtrail:stopLogging",
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Deployer",
            },
        ),
    ),
    weakening("a new role may delete alarms", "newly_allowed", _QUIET, _new_role("cloudwatch:DeleteAlarms")),
    weakening("a new role sends alerts elsewhere", "newly_allowed", _QUIET, _new_role("events:PutTargets")),
    harmless("a new role writes metrics", _new_role("cloudwatch:PutMetricData")),
    harmless("a custom resource reads a parameter", _calls("SSM", "getParameter", Name="it")),
    weakening("an alert that says nothing", "rule_tells", _QUIET, _alert_says("Input", '"all is well"')),
    weakening("an alert that says the time", "rule_tells", _QUIET, _alert_says("InputPath", "$.time")),
    weakening(
        "an alert without who it was",
        "rule_tells",
        _QUIET,
        lambda app: app.override(
            RULE, "Targets.0.InputTransformer.InputTemplate", '"<call> on <service>"', "TrailTampering"
        ),
    ),
    harmless("an alert with the whole event", _alert_says("", None)),
    harmless(
        "an alert in other words",
        lambda app: app.override(
            RULE,
            "Targets.0.InputTransformer.InputTemplate",
            '"<time>, <account> in <region>: <who> did <call> on <service> (<address>)"',
            "TrailTampering",
        ),
    ),
)

HARMLESS = (
    harmless("nothing"),
    harmless("a tag and an output", _outputs),
    harmless("a description of the key", sets(KEY, "Description", "Another text", LOG_KEY)),
    harmless("selectors in another order", _selectors_reordered),
    harmless("selectors in two parts", _selectors_split),
    harmless("statements in another order", _statements_reordered),
    harmless(
        "other ids of statements, and lists of one",
        log_bucket_policy(_one_action_as_list),
    ),
    harmless("a statement for each action", key_policy(_split_statement)),
    harmless(
        "a principal by its account's number",
        key_policy(
            adds({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}),
        ),
    ),
    harmless(
        "the trail depends on more",
        lambda app: app.resource(TRAIL).add_resource_dependency(app.resource(KEY, LOG_KEY)),
    ),
    harmless("metadata", lambda app: app.resource(BUCKET, LOG_BUCKET).add_metadata("note", "harmless")),
    harmless("a rule by the clock", _scheduled_rule),
    harmless("booleans as text", both(sets(TRAIL, "IsLogging", "true"), sets(TRAIL, "IsMultiRegionTrail", "true"))),
    harmless("the numbers as text", sets(KEY, "PendingWindowInDays", "30", LOG_KEY)),
    harmless("the default is written out", sets(KEY, "Enabled", True, LOG_KEY)),
    harmless(
        "colder storage",
        log_bucket__retention__transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=cdk.Duration.days(90)
            )
        ],
    ),
    harmless("the description of an alarm", sets(ALARM, "AlarmDescription", "Another text", "RootUserUsed")),
    harmless(
        "the space in a filter",
        lambda app: app.override(METRIC_FILTER, "FilterPattern", "  ".join(_filter(app).split(" ")), "RootUserUsed"),
    ),
)


def _filter(app: Built) -> str:
    return str(app.written(METRIC_FILTER, "FilterPattern", "RootUserUsed"))


WANTED = (
    harmless("logs for ten years", log_bucket__retention__expiration=cdk.Duration.days(3650)),
    harmless(
        "a longer lock",
        log_bucket__retention__object_lock=s3.ObjectLockRetention.compliance(cdk.Duration.days(730)),
        log_bucket__retention__noncurrent_version_expiration=cdk.Duration.days(1000),
    ),
    harmless("rotation every quarter", sets(KEY, "RotationPeriodInDays", 90, LOG_KEY)),
    harmless("more events", recording__event_selectors=[EventSelector.management(), EventSelector.s3_objects()]),
    harmless("an alarm that goes off sooner", sets(ALARM, "Period", 60, "RootUserUsed")),
    harmless("another subscriber", _another_subscriber),
    harmless("two more addresses of the alerts", alerts__emails=["one@example.com", "two@example.com"]),
    harmless("a queue for alerts", _queue_for_alerts),
    harmless("tampering is denied to more", break_glass_principal_arns=[f"arn:aws:iam::{ACCOUNT}:role/BreakGlass"]),
    # The Deny leaves it out, and nothing allows it.
    harmless(
        "tampering is not denied to a role of another account",
        break_glass_principal_arns=[
            f"arn:aws:iam::{ACCOUNT}:role/BreakGlass",
            f"arn:aws:iam::{ACCOUNT}:role/Deployer",
            f"arn:aws:iam::{FOREIGN}:role/Admin",
        ],
    ),
    harmless(
        "one more Deny",
        log_bucket_policy(
            adds(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "*",
                    "Condition": {
                        "StringNotEquals": {"aws:PrincipalAccount": [ACCOUNT]},
                        "Bool": {"aws:PrincipalIsAWSService": "false"},
                    },
                }
            ),
        ),
    ),
    harmless("deletion protection for the log group", sets(LOG_GROUP, "DeletionProtectionEnabled", True)),
    harmless("a rule takes more calls", drops(RULE, "EventPattern.detail.eventName", "TrailTampering")),
    harmless(
        "a rule takes one more call in an alternative",
        lambda app: app.override(RULE, "EventPattern", _alternatives(app, "RemoveTags"), "TrailTampering"),
    ),
    harmless(
        "alerts are tried longer, and kept", sets(RULE, "Targets.0.DeadLetterConfig", {"Arn": _OWN_QUEUE}, "Tamper")
    ),
    harmless("an auditor less", lambda app: app.stack.node.try_remove_child("Auditor")),
)

REPLACEMENTS = (
    # The table of the queries looks into the new one alone.
    weakening(
        "another name of the bucket",
        "replaced log_table_place",
        "lose the old log files",
        log_bucket__bucket_name=f"other-logs-{ACCOUNT}",
    ),
    Case("another construct id", frozenset({"replaced"}), "lose the old log files", ids={"construct_id": "Recorder"}),
    Case("another stack id", frozenset({"replaced"}), "lose the old log files", ids={"stack_id": "Recorder"}),
    Case(
        "another construct id, and no rotation",
        frozenset({"replaced", "key_rotates"}),
        "hide one in the other",
        change=sets(KEY, "EnableKeyRotation", False, "Recorder/Key/"),
        ids={"construct_id": "Recorder"},
    ),
    weakening("another log group", "replaced", "lose the old events", sets(LOG_GROUP, "LogGroupName", "/audit/other")),
)


def _function(**allows: Any) -> Change:
    """A function as people of other teams add one: CDK gives it a role, and AWS's policy for its logs."""

    def change(app: Built) -> None:
        made = lambda_.Function(
            app.stack,
            "Fn",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): ..."),
        )
        bucket = s3.Bucket(app.stack, "FnData", enforce_ssl=True)
        bucket.grant_read_write(made)
        if allows:
            made.add_to_role_policy(iam.PolicyStatement(**allows))

    return change


def _alarm_as_math(app: Built) -> None:
    alarm = app.resource(ALARM, "RootUserUsed")
    assert isinstance(alarm, cloudwatch.CfnAlarm)
    metric = {"Namespace": alarm.namespace, "MetricName": alarm.metric_name}
    asked = {"Metric": metric, "Period": alarm.period, "Stat": alarm.statistic}
    for name in ("Namespace", "MetricName", "Period", "Statistic"):
        alarm.add_property_deletion_override(name)
    alarm.add_property_override("Metrics", [{"Id": "m1", "MetricStat": asked, "ReturnData": True}])


def _key_by_id(app: Built) -> None:
    key = app.stack.get_logical_id(app.resource(KEY, LOG_KEY))
    app.override(TRAIL, "KMSKeyId", {"Ref": key})


NEIGHBOURS = (
    harmless("a function with a bucket of its own", _function()),
    weakening(
        "a function that may write log files",
        "newly_allowed",
        _FORGE,
        _function(actions=["s3:PutObject"], resources=[f"arn:aws:s3:::audit-logs-{ACCOUNT}/*"]),
    ),
    weakening(
        "a function that may take any role",
        "newly_allowed",
        _HIDE,
        _function(actions=["sts:AssumeRole"], resources=["*"]),
    ),
    harmless(
        "a function that takes a role elsewhere",
        _function(actions=["sts:AssumeRole"], resources=[f"arn:aws:iam::{FOREIGN}:role/theirs"]),
    ),
    harmless("an alarm written as metric math", _alarm_as_math),
    harmless("the trail's key by its id", _key_by_id),
    weakening(
        "a table that reads no file",
        "protection_changed",
        _HIDE,
        sets("AWS::Glue::Table", "TableInput.Parameters.projection\\.day\\.range", "2030/01/01,NOW"),
    ),
    weakening("a query is gone", "removed", _HIDE, removes("AWS::Athena::NamedQuery", "RootUser")),
)


def _retention(days: str | None, group: str = "", of_type: str = "Custom::LogRetention", **more: Any) -> Change:
    """What CDK's ``LogRetention`` has in the template."""

    def change(app: Built) -> None:
        given = {
            "ServiceToken": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:retention",
            "LogGroupName": group or app.resource(LOG_GROUP).ref,
            "RetentionInDays": days,
        }
        cdk.CfnResource(app.stack, "New", type=of_type, properties={**given, **more})

    return change


def _function_with_retention(code: str = "", **variables: str) -> Change:
    """A function whose log group CDK's own function gives a retention.

    :param code: another one of CDK's function.
    :param variables: of CDK's function.
    """

    def change(app: Built) -> None:
        # In the stack of the trail, the assets have no manifest.
        stack = cdk.Stack(app.app, "More", env=cdk.Environment(account=ACCOUNT, region=REGION))
        lambda_.Function(
            stack,
            "Fn",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("def handler(event, context): ..."),
            log_retention=logs.RetentionDays.ONE_WEEK,
        )
        if code:
            app.override("AWS::Lambda::Function", "Code", {"ZipFile": code}, "LogRetention")
        if variables:
            app.override("AWS::Lambda::Function", "Environment", {"Variables": variables}, "LogRetention")

    return change


def _condition(app: Built) -> None:
    wanted = cdk.CfnParameter(app.stack, "Wanted", type="String", default="no")
    is_on = cdk.CfnCondition(app.stack, "IsOn", expression=cdk.Fn.condition_equals(wanted.value_as_string, "yes"))
    app.resource(TRAIL).cfn_options.condition = is_on


def _parameter(app: Built) -> None:
    cdk.CfnParameter(app.stack, "Wanted", type="String", default="false", allowed_values=["true", "false"])
    app.override(TRAIL, "IsLogging", {"Ref": "Wanted"})


def _mapping(app: Built) -> None:
    cdk.CfnMapping(app.stack, "ByRegion", mapping={REGION: {"on": "false"}})
    app.override(TRAIL, "IsLogging", {"Fn::FindInMap": ["ByRegion", {"Ref": "AWS::Region"}, "on"]})


def _role_of_foreigners(scope: Any) -> None:
    iam.Role(
        scope,
        "Theirs",
        assumed_by=iam.AccountPrincipal(FOREIGN),
        managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AdministratorAccess")],
    )


def _in_a_stage(app: Built) -> None:
    env = cdk.Environment(account=ACCOUNT, region=REGION)
    stage = cdk.Stage(app.app, "Later", env=env)
    _role_of_foreigners(cdk.Stack(stage, "More", synthesizer=cdk.LegacyStackSynthesizer()))


def _second_topic_policy(app: Built) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sns:Publish", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    new("AWS::SNS::TopicPolicy", Topics=[alerts_of(app).topic_arn], PolicyDocument=policy)(app)


def _policy_of_another_stack(app: Built) -> None:
    env = cdk.Environment(account=ACCOUNT, region=REGION)
    stack = cdk.Stack(app.app, "More", env=env, synthesizer=cdk.LegacyStackSynthesizer())
    bucket = s3.Bucket.from_bucket_name(stack, "Logs", f"audit-logs-{ACCOUNT}")
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": "*"}
    s3.CfnBucketPolicy(
        stack, "Policy", bucket=bucket.bucket_name, policy_document={"Version": "2012-10-17", "Statement": [statement]}
    )


def _replica_of_the_key(app: Built) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": FOREIGN}, "Action": "kms:Decrypt", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    new("AWS::KMS::ReplicaKey", PrimaryKeyArn=app.trail.encryption_key.key_arn, KeyPolicy=policy)(app)


def _web(app: Built) -> None:
    bucket = s3.Bucket(app.stack, "Web", enforce_ssl=True)
    origin = {"DomainName": bucket.bucket_regional_domain_name, "Id": "web", "S3OriginConfig": {}}
    cdk.CfnResource(
        app.stack,
        "Site",
        type="AWS::CloudFront::Distribution",
        properties={"DistributionConfig": {"Origins": [origin]}},
    )


def _consumer(app: Built) -> None:
    _function()(app)
    queue = sqs.Queue(app.stack, "Work")
    function = app.stack.node.find_child("Fn")
    assert isinstance(function, lambda_.Function)
    queue.grant_consume_messages(function)
    function.add_event_source_mapping("Fed", event_source_arn=queue.queue_arn)


_BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:role/BreakGlass"
_TAKE = "act as the one role that may delete log files"

# What people who did not know the review thought of.
ATTACKED = (
    weakening("a day of retention by a custom resource", "calls_at_deployment", _DESTROY, _retention("1")),
    weakening(
        "the same by a custom resource of another name",
        "calls_at_deployment",
        _DESTROY,
        _retention("1", of_type="Custom::Harmless"),
    ),
    harmless("as long a retention by a custom resource", _retention(None)),
    harmless("the retention of another log group", _retention("7", "/aws/lambda/other")),
    harmless("a function and the retention of its log group", _function_with_retention()),
    weakening(
        "retentions by other code than CDK's",
        "newly_allowed",
        _DESTROY,
        _function_with_retention("exports.handler = () => {}"),
    ),
    weakening(
        "code beside CDK's for retentions",
        "newly_allowed",
        _DESTROY,
        _function_with_retention(NODE_OPTIONS="--require /opt/x.js"),
    ),
    weakening(
        "a function with a role that the bucket's policy leaves out",
        "access_not_comparable",
        _TAKE,
        new("AWS::Lambda::Function", Role=_BREAK_GLASS, Runtime="python3.13", Handler="x.y", Code={"ZipFile": "x"}),
    ),
    weakening(
        "a machine with a profile of that role",
        "access_not_comparable",
        _TAKE,
        new("AWS::IAM::InstanceProfile", Roles=["BreakGlass"]),
    ),
    weakening(
        "a method of an API with that role",
        "access_not_comparable",
        _TAKE,
        new("AWS::ApiGateway::Method", HttpMethod="GET", Integration={"Type": "AWS", "Credentials": _BREAK_GLASS}),
    ),
    harmless(
        "a function with a role that no policy names",
        new(
            "AWS::Lambda::Function",
            Role=f"arn:aws:iam::{ACCOUNT}:role/app",
            Runtime="python3.13",
            Handler="x.y",
            Code={"ZipFile": "x"},
        ),
    ),
    weakening("a trail on a condition that does not hold", "removed", _HIDE, _condition),
    weakening("logging by a parameter that is off", "trail_is_logging", _HIDE, _parameter),
    weakening("logging by a mapping that is off", "trail_is_logging", _HIDE, _mapping),
    weakening(
        "logging by what is only known at the deployment",
        "trail_is_logging",
        _HIDE,
        sets(TRAIL, "IsLogging", "{{resolve:ssm:/is/logging}}"),
    ),
    weakening(
        "a nested stack with a role of foreigners",
        "newly_allowed",
        _HIDE,
        lambda app: _role_of_foreigners(cdk.NestedStack(app.stack, "Inner")),
    ),
    weakening("a Stage with a role of foreigners", "newly_allowed", _HIDE, _in_a_stage),
    weakening("a second policy of the topic", "access_not_comparable", _QUIET, _second_topic_policy),
    weakening("a policy of the bucket in another stack", "access_not_comparable", _READ, _policy_of_another_stack),
    weakening("a copy of the key for foreigners", "newly_allowed", _READ, _replica_of_the_key),
    weakening(
        "one action less in a Deny",
        "newly_allowed",
        _DESTROY,
        log_bucket_policy(
            each(lambda s: is_deny(s) and isinstance(s["Action"], list), lambda s: s["Action"].pop()),
        ),
    ),
    weakening(
        "log files that ask for a header of their own",
        "newly_denied",
        "have nothing recorded",
        log_bucket_policy(
            adds(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": "*",
                    "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
                }
            )
        ),
    ),
    weakening(
        "alerts until a day",
        "newly_denied",
        _QUIET,
        alert_topic_policy(
            adds(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": "*",
                    "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}},
                }
            )
        ),
    ),
    weakening(
        "replication by another role",
        "newly_denied",
        _DESTROY,
        sets(BUCKET, "ReplicationConfiguration.Role", f"arn:aws:iam::{ACCOUNT}:role/powerless", LOG_BUCKET),
    ),
    weakening(
        "logs of a distribution to a foreign domain",
        "names_outsider",
        _OUT,
        new("AWS::CloudFront::Distribution", DistributionConfig={"Logging": {"Bucket": "theirs.s3.amazonaws.com"}}),
    ),
    weakening(
        "an alarm on the least value", "alarm_metric", _QUIET, sets(ALARM, "Statistic", "Minimum", "RootUserUsed")
    ),
    weakening(
        "selectors from elsewhere",
        "trail_records_events names_outsider",
        _HIDE,
        sets(
            TRAIL,
            "AdvancedEventSelectors",
            {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://theirs/selectors.json"}}},
        ),
    ),
    harmless("a site of its own", _web),
    harmless("a queue and who consumes it", _consumer),
    harmless("a parameter of Systems Manager", new("AWS::SSM::Parameter", Type="String", Value="x")),
    harmless("the bucket by its name in the trail", sets(TRAIL, "S3BucketName", f"audit-logs-{ACCOUNT}")),
    harmless("a lifecycle's rule with another id", sets(BUCKET, "LifecycleConfiguration.Rules.0.Id", "x", LOG_BUCKET)),
    harmless("the points of an alarm are written out", sets(ALARM, "DatapointsToAlarm", 1, "RootUserUsed")),
    harmless("the stack's description", lambda app: setattr(app.stack.template_options, "description", "Another text")),
    harmless("an export", lambda app: cdk.CfnOutput(app.stack, "Arn", value=app.trail.trail_arn, export_name="trail")),
    harmless(
        "a stack in a stack with a bucket",
        lambda app: s3.Bucket(cdk.NestedStack(app.stack, "Inner"), "More", enforce_ssl=True),
    ),
    harmless("a longer session of the auditor", sets(ROLE, "MaxSessionDuration", 7200, "Auditor")),
)


def of_child(name: str, path: str, value: Any) -> Change:
    """Give a resource of the app beside the trail another value."""

    def change(app: Built) -> None:
        child = app.stack.node.find_child(name)
        assert isinstance(child, cdk.CfnResource)
        child.add_property_override(path, value)

    return change


def without_child(name: str) -> Change:
    return lambda app: app.stack.node.try_remove_child(name)


def _read_from_a_parameter(app: Built) -> None:
    """The trail logs if a parameter says so that the app makes itself."""
    new("AWS::SSM::Parameter", Name="/audit/logging", Type="String", Value="true")(app)
    app.override(TRAIL, "IsLogging", "{{resolve:ssm:/audit/logging}}")


def _given_as_a_parameter(app: Built) -> None:
    new("AWS::SSM::Parameter", Name="/audit/logging", Type="String", Value="true")(app)
    cdk.CfnParameter(app.stack, "Wanted", type="AWS::SSM::Parameter::Value<String>", default="/audit/logging")
    app.override(TRAIL, "IsLogging", {"Ref": "Wanted"})


def _given_by_default(app: Built) -> None:
    cdk.CfnParameter(app.stack, "Wanted", type="String", default="true")
    app.override(TRAIL, "IsLogging", {"Ref": "Wanted"})


def _other_default(app: Built) -> None:
    wanted = app.stack.node.find_child("Wanted")
    assert isinstance(wanted, cdk.CfnParameter)
    wanted.default = "false"


def _address_in_a_secret(app: Built) -> None:
    new("AWS::SecretsManager::Secret", Name="pager", SecretString="https://example.com/a")(app)
    app.override(SUBSCRIPTION, "Protocol", "https")
    app.override(SUBSCRIPTION, "Endpoint", "{{resolve:secretsmanager:pager}}")


_TAGGED = log_bucket_policy(
    adds(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:PrincipalTag/may-read": "yes"},
                "Bool": {"aws:PrincipalIsAWSService": "false"},
            },
        }
    )
)


def _denies(*actions: str) -> Change:
    """A policy that denies something to a role that no template makes."""
    statement = {"Effect": "Deny", "Action": [*actions], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return new(MANAGED_POLICY, Roles=["Admin"], PolicyDocument=policy)


def _call(action: str) -> str:
    return json.dumps({"service": "S3Control", "action": action, "parameters": {"AccountId": ACCOUNT}})


_CALLER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:caller"
_BLOCKED = new(
    "Custom::AWS",
    ServiceToken=_CALLER,
    Create=_call("putPublicAccessBlock"),
    Delete=_call("deletePublicAccessBlock"),
)


def _emptied(app: Built) -> None:
    """A bucket that CDK's function empties when the custom resource goes."""
    bucket = s3.CfnBucket(app.stack, "Kept", tags=[cdk.CfnTag(key="aws-cdk:auto-delete-objects", value="true")])
    new("Custom::S3AutoDeleteObjects", ServiceToken=_CALLER, BucketName=bucket.ref)(app)


def _open_method(app: Built) -> None:
    """A method that asks nobody who they are, and reads the log files with a new role."""
    role = iam.Role(app.stack, "More", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
    app.trail.log_bucket.grant_read(role)
    integration = {"Type": "AWS", "Credentials": role.role_arn, "Uri": f"arn:aws:apigateway:{REGION}:s3:path/audit"}
    new("AWS::ApiGateway::Method", HttpMethod="GET", AuthorizationType="NONE", Integration=integration)(app)


def _second_trail(app: Built) -> None:
    bucket = app.trail.log_bucket.bucket_name
    new(TRAIL, TrailName="second", S3BucketName=bucket, IsLogging=True)(app)


_SESSIONS = {"sessionType": "Standard_Stream", "inputs": {"s3BucketName": "sessions", "s3EncryptionEnabled": True}}

# What a second outsider thought of, each on its own beside what the base has.
ATTACKED_AGAIN = (
    weakening(
        "a tag by which a policy decides",
        "tag_decides",
        _READ,
        sets(ROLE, "Tags", [{"Key": "may-read", "Value": "yes"}], "Auditor"),
        _TAGGED,
    ),
    harmless("another tag", sets(ROLE, "Tags", [{"Key": "team", "Value": "yes"}], "Auditor"), _TAGGED),
    weakening(
        "a role elsewhere is denied nothing",
        "newly_allowed",
        _HIDE,
        without_child("New"),
        _denies("cloudtrail:StopLogging"),
    ),
    weakening(
        "a role elsewhere is denied less",
        "newly_allowed",
        _HIDE,
        of_child("New", "PolicyDocument.Statement.0.Action", ["cloudtrail:DeleteTrail"]),
        _denies("cloudtrail:DeleteTrail", "cloudtrail:StopLogging"),
    ),
    harmless(
        "a role elsewhere is denied more",
        of_child("New", "PolicyDocument.Statement.0.Action", ["cloudtrail:*"]),
        _denies("cloudtrail:StopLogging"),
    ),
    weakening(
        "what a custom resource undoes when it goes",
        "calls_at_deployment",
        "make buckets public",
        without_child("New"),
        _BLOCKED,
    ),
    weakening(
        "a bucket that is emptied when a custom resource goes",
        "calls_at_deployment",
        _DESTROY,
        without_child("New"),
        _emptied,
    ),
    harmless(
        "a custom resource that writes a parameter",
        _calls("SSM", "putParameter", Name="/app/version", Value="1", Type="String", Overwrite=True),
    ),
    weakening(
        "a custom resource that writes the parameter by which the trail logs",
        "calls_at_deployment",
        _HIDE,
        lambda app: cdk.CfnResource(
            app.stack,
            "Writes",
            type="Custom::AWS",
            properties={
                "ServiceToken": _CALLER,
                "Create": json.dumps(
                    {
                        "service": "SSM",
                        "action": "putParameter",
                        "parameters": {"Name": "/audit/logging", "Value": "false", "Overwrite": True},
                    }
                ),
            },
        ),
        _read_from_a_parameter,
    ),
    weakening(
        "another value of the parameter by which the trail logs",
        "trail_is_logging",
        _HIDE,
        of_child("New", "Value", "false"),
        _read_from_a_parameter,
    ),
    weakening(
        "the same by a parameter of the template",
        "trail_is_logging",
        _HIDE,
        of_child("New", "Value", "false"),
        _given_as_a_parameter,
    ),
    weakening("another default of a parameter", "trail_is_logging", _HIDE, _other_default, _given_by_default),
    harmless(
        "another value of a parameter that nobody reads",
        of_child("New", "Value", "2"),
        new("AWS::SSM::Parameter", Name="/app/version", Type="String", Value="1"),
    ),
    weakening(
        "another address in a secret",
        "subscription_endpoint names_outsider",
        _QUIET,
        of_child("New", "SecretString", "https://hooks.example.net/a"),
        _address_in_a_secret,
    ),
    weakening(
        "nobody may read log files",
        "newly_denied",
        "keep everybody from looking",
        log_bucket_policy(
            adds(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}},
                }
            )
        ),
    ),
    weakening("a method that reads log files for anybody", "newly_allowed", _READ, _open_method),
    weakening(
        "access logs to a bucket that locks them",
        "log_bucket_takes_access_logs",
        "read log files without a record",
        sets(
            BUCKET,
            "ObjectLockConfiguration",
            {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}},
            "AccessLog",
        ),
    ),
    weakening(
        "copies in an archive",
        "log_bucket_copies_are_at_hand",
        "have two days until somebody looks",
        sets(BUCKET, "ReplicationConfiguration.Rules.0.Destination.StorageClass", "DEEP_ARCHIVE", LOG_BUCKET),
    ),
    weakening(
        "an archive for what nobody reads",
        "log_bucket_is_at_hand_by_use",
        "have two days until somebody looks",
        sets(
            BUCKET,
            "IntelligentTieringConfigurations",
            [{"Id": "x", "Status": "Enabled", "Tierings": [{"AccessTier": "DEEP_ARCHIVE_ACCESS", "Days": 180}]}],
            LOG_BUCKET,
        ),
    ),
    weakening(
        "encrypted log files are not copied",
        "log_bucket_is_replicated",
        _DESTROY,
        sets(
            BUCKET,
            "ReplicationConfiguration.Rules.0.SourceSelectionCriteria.SseKmsEncryptedObjects.Status",
            "Disabled",
            LOG_BUCKET,
        ),
    ),
    weakening(
        "a queue of alerts that takes short ones",
        "queue_takes_messages",
        _QUIET,
        lambda app: app.override("AWS::SQS::Queue", "MaximumMessageSize", 1024, "Alerts"),
        _queue_for_alerts,
    ),
    weakening(
        "a queue of alerts that waits",
        "queue_hands_on_within",
        _QUIET,
        lambda app: app.override("AWS::SQS::Queue", "DelaySeconds", 900, "Alerts"),
        _queue_for_alerts,
    ),
    weakening(
        "a queue of failures that takes none",
        "queue_takes_failures",
        _QUIET,
        of_child("New", "RedriveAllowPolicy", {"redrivePermission": "denyAll"}),
        new("AWS::SQS::Queue", QueueName="failed"),
    ),
    weakening(
        "a unit in which nothing is counted",
        "alarm_metric",
        _QUIET,
        sets(ALARM, "Unit", "Bytes", "RootUserUsed"),
    ),
    harmless(
        "a unit for what is counted", sets(METRIC_FILTER, "MetricTransformations.0.Unit", "Count", "RootUserUsed")
    ),
    weakening(
        "a load balancer without access logs",
        "load_balancer_logs_access",
        _HIDE,
        of_child("New", "LoadBalancerAttributes", []),
        new(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            LoadBalancerAttributes=[{"Key": "access_logs.s3.enabled", "Value": "true"}],
        ),
    ),
    weakening(
        "a state machine that writes down nothing",
        "machine_logs",
        _HIDE,
        of_child("New", "LoggingConfiguration.Level", "OFF"),
        new("AWS::StepFunctions::StateMachine", LoggingConfiguration={"Level": "ALL"}),
    ),
    weakening(
        "sessions on machines without a record",
        "sessions_are_logged",
        _HIDE,
        of_child("New", "Content.inputs.s3BucketName", ""),
        new("AWS::SSM::Document", DocumentType="Session", Content=_SESSIONS),
    ),
    weakening(
        "a hook that checks nothing",
        "removed",
        "deploy what it forbids",
        without_child("New"),
        new("AWS::CloudFormation::HookTypeConfig", Configuration="{}", TypeName="Mine::Guard::Hook"),
    ),
    weakening(
        "the events of one role are left out",
        "trail_records_events",
        _HIDE,
        lambda app: app.override(TRAIL, "AdvancedEventSelectors", _but_for_one_role(app)),
    ),
    harmless("a second trail", _second_trail),
    harmless("another display", new("AWS::CloudWatch::Dashboard", DashboardBody="{}")),
    harmless(
        "a function with more memory",
        lambda app: app.override("AWS::Lambda::Function", "MemorySize", 512, "Fn"),
        _function(),
    ),
    harmless(
        "a function that writes a parameter of its own",
        _function(actions=["ssm:PutParameter"], resources=[f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/x"]),
    ),
    harmless(
        "a new role that reads log files",
        lambda app: app.trail.grant_read(
            iam.Role(app.stack, "More", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        ),
    ),
)


def _but_for_one_role(app: Built) -> list[Any]:
    selectors = _selectors(app)
    for selector in selectors:
        if "Management" in str(selector):
            role = f"arn:aws:iam::{ACCOUNT}:role/quiet"
            selector["FieldSelectors"].append({"Field": "userIdentity.arn", "NotEquals": [role]})
    return selectors


def _runs_with(role: str, *, as_profile: bool = False) -> Change:
    """Two roles of before, and a function or an instance profile that runs with one of them."""

    def change(app: Built) -> None:
        if app.stack.node.try_find_child("Stops") is None:
            stops = iam.Role(app.stack, "Stops", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
            stops.add_to_policy(iam.PolicyStatement(actions=["cloudtrail:*"], resources=["*"]))
            reads = iam.Role(app.stack, "Reads", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
            reads.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))
            kind = "AWS::IAM::InstanceProfile" if as_profile else "AWS::Lambda::Function"
            cdk.CfnResource(app.stack, "Runs", type=kind, properties={} if as_profile else {"Code": {"ZipFile": "x"}})
        runs, of = (app.stack.node.find_child(name) for name in ("Runs", role))
        assert isinstance(runs, cdk.CfnResource)
        assert isinstance(of, iam.Role)
        runs.add_property_override(*(("Roles", [of.role_name]) if as_profile else ("Role", of.role_arn)))

    return change


def _remediates(document: str, **parameters: Any) -> Change:
    given = {"TargetId": document, "TargetType": "SSM_DOCUMENT", "ConfigRuleName": "rule", "Automatic": True}
    return new("AWS::Config::RemediationConfiguration", **given, Parameters=parameters)


def _says(*values: str) -> dict[str, Any]:
    return {"StaticValue": {"Values": [*values]}}


_ROLE_THAT_REMEDIATES = _says(f"arn:aws:iam::{ACCOUNT}:role/remediates")
_THE_RESOURCE = {"ResourceValue": {"Value": "RESOURCE_ID"}}


MOVED = (
    weakening(
        "a function moves to a role that may stop the trail",
        "newly_allowed",
        _HIDE,
        _runs_with("Stops"),
        before=_runs_with("Reads"),
    ),
    weakening(
        "an instance profile has that role",
        "newly_allowed",
        _HIDE,
        _runs_with("Stops", as_profile=True),
        before=_runs_with("Reads", as_profile=True),
    ),
    harmless("a function moves to a role that may less", _runs_with("Reads"), before=_runs_with("Stops")),
    weakening(
        "tags decide about the log bucket",
        "log_bucket_access_by_tags",
        _READ,
        sets(BUCKET, "AbacStatus", "Enabled", LOG_BUCKET),
    ),
    harmless("it is written out that tags do not", sets(BUCKET, "AbacStatus", "Disabled", LOG_BUCKET)),
    weakening("AWS Config stops the trail by itself", "calls_at_deployment", _HIDE, _remediates("StopTheTrail")),
    weakening(
        "AWS Config makes trails into a bucket of elsewhere",
        "calls_at_deployment",
        "have the account's log files",
        _remediates(
            "AWS-EnableCloudTrail", AutomationAssumeRole=_ROLE_THAT_REMEDIATES, S3BucketName=_says("somebody-elses")
        ),
    ),
    harmless(
        "AWS Config turns on the rotation of keys",
        _remediates(
            "AWSConfigRemediation-EnableKeyRotation", AutomationAssumeRole=_ROLE_THAT_REMEDIATES, KeyId=_THE_RESOURCE
        ),
    ),
)


_GITHUB: Final = "token.actions.githubusercontent.com"


def _identity_provider(app: Built) -> None:
    iam.CfnOIDCProvider(app.stack, "GitHub", url=f"https://{_GITHUB}", client_id_list=["sts.amazonaws.com"])


def _role_for_anybody_on_github(app: Built) -> None:
    who = iam.WebIdentityPrincipal(
        f"arn:aws:iam::{ACCOUNT}:oidc-provider/{_GITHUB}", {"StringLike": {f"{_GITHUB}:sub": "*"}}
    )
    app.trail.grant_read(iam.Role(app.stack, "Deploys", assumed_by=who))


def _neighbours(app: Built) -> None:
    """What other people add to an app in a week."""
    function = lambda_.Function(
        app.stack,
        "Does",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("handler = print"),
        tracing=lambda_.Tracing.ACTIVE,
        environment={"LOGS": app.trail.log_bucket.bucket_name},
    )
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    dynamodb.TableV2(app.stack, "Orders", partition_key=key).grant_read_write_data(function)
    secretsmanager.Secret(app.stack, "Password").grant_read(function)
    bucket = s3.Bucket(app.stack, "Uploads", auto_delete_objects=True, removal_policy=cdk.RemovalPolicy.DESTROY)
    bucket.add_event_notification(s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(function))
    apigateway.LambdaRestApi(app.stack, "Api", handler=function)
    invokes = tasks.LambdaInvoke(app.stack, "Invoke", lambda_function=function)
    stepfunctions.StateMachine(
        app.stack, "Machine", definition_body=stepfunctions.DefinitionBody.from_chainable(invokes)
    )
    orders = sns.Topic(app.stack, "OrdersTopic")
    failed = sqs.DeadLetterQueue(queue=sqs.Queue(app.stack, "Failed"), max_receive_count=3)
    queue = sqs.Queue(app.stack, "OrdersQueue", dead_letter_queue=failed)
    orders.add_subscription(subscriptions.SqsSubscription(queue))
    function.add_event_source(event_sources.SqsEventSource(queue))
    events.Rule(
        app.stack,
        "OnOrder",
        event_bus=events.EventBus(app.stack, "Bus"),
        event_pattern=events.EventPattern(source=["orders"]),
        targets=[targets.LambdaFunction(function)],
    )
    cdk.CustomResource(
        app.stack,
        "Made",
        service_token=custom_resources.Provider(app.stack, "Maker", on_event_handler=function).service_token,
    )
    cognito.UserPool(app.stack, "Users").add_client("web")
    alarm = app.more["alarm"]
    either = cloudwatch.AlarmRule.any_of(cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM))
    cloudwatch.CompositeAlarm(app.stack, "Any", alarm_rule=either)
    cloudwatch.Dashboard(app.stack, "Shown", widgets=[[cloudwatch.AlarmStatusWidget(alarms=[alarm])]])
    logs.LogGroup(app.stack, "Notes", retention=logs.RetentionDays.ONE_YEAR)
    s3.Bucket(app.stack, "Private", encryption=s3.BucketEncryption.KMS).grant_read_write(function)
    s3.Bucket(app.stack, "Logged", server_access_logs_bucket=s3.Bucket(app.stack, "AccessLogs"))
    other = cdk.Stack(app.app, "Other", env=cdk.Environment(account=ACCOUNT, region=REGION))
    cdk.CfnOutput(other, "Logs", value=app.trail.log_bucket.bucket_arn)
    app.more["reports"].add_event_notification(s3.EventType.OBJECT_CREATED, notifications.LambdaDestination(function))
    app.more["reports"].add_lifecycle_rule(abort_incomplete_multipart_upload_after=cdk.Duration.days(7))
    kms.Key(app.stack, "Own", enable_key_rotation=True)
    cdk.Tags.of(app.app).add("cost-center", "42")


MADE_IN_A_WEEK = (
    # The key has to be there, and may have any value.
    weakening(
        "everybody of any organization reads log files",
        "newly_allowed",
        _READ,
        log_bucket_policy(
            allow(
                "*",
                "s3:GetObject",
                f"arn:aws:s3:::audit-logs-{ACCOUNT}/*",
                Condition={"StringLike": {"aws:PrincipalOrgID": "*"}},
            )
        ),
    ),
    weakening(
        "anybody on GitHub reads log files",
        "newly_allowed",
        _READ,
        _role_for_anybody_on_github,
        before=_identity_provider,
    ),
    weakening(
        "a budget makes an administrator",
        "access_not_comparable",
        "have every right once a dollar is spent",
        new(
            "AWS::Budgets::BudgetsAction",
            ActionType="APPLY_IAM_POLICY",
            ApprovalModel="AUTOMATIC",
            BudgetName="all",
            NotificationType="ACTUAL",
            ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/budgets",
            ActionThreshold={"Type": "ABSOLUTE_VALUE", "Value": 0},
            Definition={
                "IamActionDefinition": {
                    "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
                    "Roles": ["Developer"],
                }
            },
            Subscribers=[{"Type": "EMAIL", "Address": "security@example.com"}],
        ),
    ),
    harmless("all that others add in a week", both(_neighbours, _new_private_bucket, _more_alarms)),
)


CASES = {
    "outcome": OUTCOME,
    "recording": RECORDING,
    "storage": STORAGE,
    "keys": KEYS,
    "access": ACCESS,
    "alerts": ALERTS,
    "outside": OUTSIDE,
    "harmless": HARMLESS,
    "wanted": WANTED,
    "replacements": REPLACEMENTS,
    "neighbours": NEIGHBOURS,
    "attacked": ATTACKED,
    "attacked again": (*ATTACKED_AGAIN, *MOVED, *MADE_IN_A_WEEK),
}
