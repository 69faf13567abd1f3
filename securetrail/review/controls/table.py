"""The controls: what a property of a resource protects, which value is weaker, and what an attacker gains by it.

Each names AWS's document by its property; a missing property counts as AWS's default. Those that
:mod:`constructs_lib.compliance.controls` has as well have the same id there, so that a control has one id at synth, in
a review and after deployment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.controls import alerts, recording, storage
from securetrail.review.controls.values import (
    NEVER,
    Exposed,
    Fixed,
    Level,
    Needed,
    Properties,
    Unknown,
    Value,
    Weakening,
    at,
    fixed,
    flag,
    grade,
    members,
    number,
    reader,
    reads,
    switches,
    truth,
    unresolved,
    weakening,
    weakening_of_both,
    weakening_of_keys,
    weakening_of_rates,
    where_known,
)


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that a resource of a type protects.

    :param id: what decisions and reports call it.
    :param types: the types of resources that have it.
    :param what: it, in words that go before a value: ``keeps log files for``.
    :param attack: what somebody could do once it is lost.
    :param read: the value, from resolved properties.
    :param compare: how the second value is weaker than the first, if it is.
    """

    id: str
    types: tuple[str, ...]
    what: str
    attack: str
    read: Callable[[Properties], Any]
    compare: Callable[[Any, Any], Weakening | None] = weakening


def _recording(properties: Properties) -> recording.Recording | Unknown:
    for name in ("AdvancedEventSelectors", "EventSelectors"):
        if (gap := unresolved(properties.get(name))) is not None:
            return Unknown(gap.why, repr(properties.get(name)))
    return recording.recording(properties)


@where_known()
def _records_less(before: recording.Recording, after: recording.Recording) -> Weakening | None:
    try:
        lost = recording.no_longer_recorded(before, after)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Weakening(str(before), f"{after} ({error})", is_lost=False, is_known=False)
    return Weakening(str(before), f"no longer: {'; '.join(lost)}", is_lost=False) if lost else None


def _name(field: str) -> Callable[[Any], str | None]:
    return lambda entry: str(entry[field])


def _feature(entry: Any) -> str | None:
    return str(entry["Name"]) if entry.get("Status", "ENABLED") in ("ENABLED", "Enabled", True) else None


def _insight(entry: Any) -> Iterator[str]:
    """The kind of unusual activity, of each category of events that is looked at."""
    for category in entry.get("EventCategories") or ["Management"]:
        yield str(entry["InsightType"]) + ("" if category == "Management" else f" of {category} events")


def _text_of(entry: Any) -> str:
    return json.dumps(entry, sort_keys=True)


@reads("InsightSelectors")
def _insights(found: Any) -> Needed:
    return Needed(frozenset(name for entry in found or () for name in _insight(entry)))


@reads("Features")
def _features(found: Any) -> Needed:
    features = [each for each in found or () if _feature(each)]
    more = ((each["Name"], _feature(part)) for each in features for part in each.get("AdditionalConfiguration") or ())
    return Needed(frozenset(map(str, map(_feature, features))) | {f"{name} with {part}" for name, part in more if part})


@reads("RecordingGroup")
def _types(found: Any) -> Needed | Fixed:
    if truth((found or {}).get("AllSupported", False)):
        return Fixed("")  # all of them, which another control compares
    return Needed(frozenset(map(str, (found or {}).get("ResourceTypes") or ())))


def _daily(entry: Any) -> str | None:
    types = ", ".join(sorted(map(str, entry.get("ResourceTypes") or ())))
    return types if entry.get("RecordingFrequency") == "DAILY" else None


def _queue_encryption(properties: Properties) -> Value:
    """SQS encrypts with keys of its own unless that is off; a key of KMS takes their place."""
    key, own = properties.get("KmsMasterKeyId"), properties.get("SqsManagedSseEnabled", True)
    if (gap := unresolved(own)) is not None and key is None:
        return Unknown(gap.why, repr(own))
    if key is not None:
        return Level(2, "with KMS")
    return Level(1, "with SQS's own keys") if truth(own) else Level(0, "off")


@reads("RedrivePolicy")
def _failures(found: Any) -> Fixed:
    """Where messages go that fail; after how many tries makes no difference to what is kept."""
    policy = json.loads(found) if isinstance(found, str) else found or {}
    return Fixed(str(policy.get("deadLetterTargetArn") or ""))


@reads("RedriveAllowPolicy")
def _of_queues(found: Any) -> Level:
    """Whether any other queue may send there; which ones do, the list of them says."""
    policy = json.loads(found) if isinstance(found, str) else found or {}
    is_closed = policy.get("redrivePermission") == "denyAll"
    return Level(0, "of none") if is_closed else Level(1, "of others")


@reads("ReservedConcurrentExecutions")
def _runs(found: Any) -> Level:
    return Level(0, "off") if found is not None and float(found) == 0 else Level(1, "on")


def _attribute(entry: Any) -> str | None:
    """An attribute of a load balancer that is on."""
    is_on = str(entry.get("Value")).lower() == "true"
    return str(entry["Key"]) if is_on and str(entry["Key"]).endswith(".enabled") else None


@reads("Content")
def _of_sessions(found: Any) -> Needed:
    """What the preferences of Session Manager say of logs; of other documents nothing."""
    content = json.loads(found) if isinstance(found, str) and found.lstrip().startswith("{") else found
    inputs = content.get("inputs") if isinstance(content, dict) else None
    given = inputs if isinstance(inputs, dict) and content.get("sessionType") else {}
    return Needed(
        frozenset(
            f"{name} {value}" for name, value in given.items() if name in _SESSION_LOGS and value not in ("", False)
        )
    )


def _results_in_kms(before: Value, after: Value) -> Weakening | None:
    """Keys of KMS in the place of S3's are no loss."""
    if before == Fixed("{EncryptionOption: SSE_S3}") and isinstance(after, Fixed) and "KMS" in after.text:
        return None
    return weakening(before, after)


def _quiet_for(path: str) -> Callable[[Properties], Any]:
    """Seconds in which an alarm keeps quiet: the more, the weaker."""
    return reader(path, lambda found: Level(1 / (1 + float(found or 0)), f"{float(found or 0):g} seconds"))


def _where(path: str) -> Callable[[Any], str | None]:
    """The region of a copy in which something is on."""
    return lambda entry: str(entry["Region"]) if truth(at(entry, path) or False) else None


def _query(text: Any) -> Fixed:
    """A query on one line. The end of one with a comment is marked: joined to the next, it makes that a comment too."""
    lines = (" ".join(line.split()) for line in str(text or "").splitlines())
    return Fixed(" ".join(f"{line} ¶" if "--" in line else line for line in lines if line))


def _subscription(entry: Any) -> str:
    return f"{entry['Protocol']}:{entry['Endpoint']}"


_TRAIL: Final = ("AWS::CloudTrail::Trail",)
_LAKE: Final = ("AWS::CloudTrail::EventDataStore",)
_BUCKET: Final = ("AWS::S3::Bucket",)
_KEY: Final = ("AWS::KMS::Key",)
_REPLICA_KEY: Final = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
_ALIAS: Final = ("AWS::KMS::Alias",)
_LOG_GROUP: Final = ("AWS::Logs::LogGroup",)
_METRIC_FILTER: Final = ("AWS::Logs::MetricFilter",)
_LOG_SUBSCRIPTION: Final = ("AWS::Logs::SubscriptionFilter",)
_ALARM: Final = ("AWS::CloudWatch::Alarm",)
_COMPOSITE: Final = ("AWS::CloudWatch::CompositeAlarm",)
_ALARMS: Final = (*_ALARM, *_COMPOSITE)
_RULE: Final = ("AWS::Events::Rule",)
_TOPIC: Final = ("AWS::SNS::Topic",)
_SUBSCRIPTION: Final = ("AWS::SNS::Subscription",)
_QUEUE: Final = ("AWS::SQS::Queue",)
_STREAM: Final = ("AWS::Kinesis::Stream",)
_FUNCTION: Final = ("AWS::Lambda::Function",)
_MAPPING: Final = ("AWS::Lambda::EventSourceMapping",)
_WORK_GROUP: Final = ("AWS::Athena::WorkGroup",)
_TABLE: Final = ("AWS::DynamoDB::Table",)
_DATABASE: Final = (
    "AWS::DocDB::DBCluster",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
)
_VAULT: Final = ("AWS::Backup::BackupVault",)
_FLOW_LOG: Final = ("AWS::EC2::FlowLog",)
_SESSION_LOGS: Final = (
    "cloudWatchEncryptionEnabled",
    "cloudWatchLogGroupName",
    "cloudWatchStreamingEnabled",
    "kmsKeyId",
    "s3BucketName",
    "s3EncryptionEnabled",
)
_TRAFFIC: Final = {"ALL": ("accepted", "rejected"), "ACCEPT": ("accepted",), "REJECT": ("rejected",)}
_DETECTOR: Final = ("AWS::GuardDuty::Detector",)
_RECORDER: Final = ("AWS::Config::ConfigurationRecorder",)

_LOAD_BALANCER: Final = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_HIDE: Final = "Somebody acts without a record of it."
_FORGE: Final = "Somebody alters or deletes log files, and nobody can prove it."
_DESTROY: Final = "Somebody waits until the evidence is gone, or deletes it."
_READ: Final = "Somebody who can read the storage reads what is in it."
_QUIET: Final = "Somebody tampers with the trail, and nobody is told."
_COSTS: Final = "Somebody runs up costs."
_PUBLIC: Final = "Somebody opens the bucket to the public, by a policy or an ACL."

CONTROLS: Final[tuple[Control, ...]] = (
    # ---- what is recorded:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
    Control("trail_is_logging", _TRAIL, "logging is", _HIDE, flag("IsLogging")),
    Control("trail_is_multi_region", _TRAIL, "recording of all regions is", _HIDE, flag("IsMultiRegionTrail")),
    Control(
        "trail_records_global_service_events",
        _TRAIL,
        "recording of global services (IAM, STS, CloudFront) is",
        _HIDE,
        flag("IncludeGlobalServiceEvents", default=True),
    ),
    Control(
        "trail_records_organization", _TRAIL, "recording of all member accounts is", _HIDE, flag("IsOrganizationTrail")
    ),
    Control("trail_records_events", _TRAIL, "records", _HIDE, _recording, _records_less),
    Control(
        "trail_reports_insights",
        _TRAIL,
        "reports unusual activity:",
        _HIDE,
        _insights,
    ),
    Control("trail_validates_log_files", _TRAIL, "digest files are", _FORGE, flag("EnableLogFileValidation")),
    Control("trail_delivers_to", _TRAIL, "delivers to the bucket", _HIDE, fixed("S3BucketName")),
    Control("trail_uses_the_key", _TRAIL, "encrypts with the key", _READ, fixed("KMSKeyId")),
    Control(
        "trail_sends_to_cloudwatch_logs", _TRAIL, "sends to the log group", _QUIET, fixed("CloudWatchLogsLogGroupArn")
    ),
    Control(
        "trail_role_for_cloudwatch_logs",
        _TRAIL,
        "sends to CloudWatch Logs with the role",
        _QUIET,
        fixed("CloudWatchLogsRoleArn"),
        weakening_of_both,
    ),
    Control("trail_notifies", _TRAIL, "tells of new log files by", _QUIET, fixed("SnsTopicName")),
    Control("trail_adds_up", _TRAIL, "adds up events:", _HIDE, members("AggregationConfigurations", _text_of)),
    Control("lake_reports_insights", _LAKE, "reports unusual activity:", _HIDE, _insights),
    Control("lake_insights_go_to", _LAKE, "reports unusual activity to", _HIDE, fixed("InsightsDestination")),
    Control(
        "lake_is_shared",
        _LAKE,
        "may be queried from elsewhere by the role",
        _READ,
        members("FederationRoleArn", str, Exposed),
    ),
    Control("lake_ingests", _LAKE, "ingestion is", _HIDE, flag("IngestionEnabled", default=True)),
    Control(
        "lake_is_multi_region", _LAKE, "recording of all regions is", _HIDE, flag("MultiRegionEnabled", default=True)
    ),
    Control(
        "lake_records_organization", _LAKE, "recording of all member accounts is", _HIDE, flag("OrganizationEnabled")
    ),
    Control("lake_records_events", _LAKE, "records", _HIDE, _recording, _records_less),
    Control(
        "lake_keeps_events",
        _LAKE,
        "keeps events for",
        _DESTROY,
        storage.lake_days,
    ),
    Control(
        "lake_is_protected",
        _LAKE,
        "termination protection is",
        _DESTROY,
        flag("TerminationProtectionEnabled", default=True),
    ),
    Control("lake_uses_the_key", _LAKE, "encrypts with the key", _READ, fixed("KmsKeyId")),
    # ---- keys: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
    Control("key_is_enabled", _REPLICA_KEY, "the key is", _DESTROY, flag("Enabled", default=True)),
    Control("key_rotates", _KEY, "rotation is", _READ, flag("EnableKeyRotation")),
    Control(
        "key_rotates_within",
        _KEY,
        "rotates every",
        _READ,
        number(
            "RotationPeriodInDays", "days", default=365, default_text="365 days (AWS's default)", more_is_stronger=False
        ),
    ),
    Control(
        "key_waits_for_deletion",
        _REPLICA_KEY,
        "its deletion can be cancelled for",
        _DESTROY,
        number("PendingWindowInDays", "days", default=30, default_text="30 days (AWS's default)"),
    ),
    Control("alias_names_the_key", _ALIAS, "names the key", _READ, fixed("TargetKeyId")),
    # ---- buckets: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
    Control("log_bucket_encrypts_with_the_key", _BUCKET, "encrypts with", _READ, storage.encryption),
    Control(
        "log_bucket_uses_bucket_key",
        _BUCKET,
        "a key of the bucket's own, in the place of one request to KMS for each object, is",
        _COSTS,
        flag("BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled"),
    ),
    Control(
        "log_bucket_encryption_key",
        _BUCKET,
        "encrypts with the key",
        _READ,
        storage.encryption_key,
        weakening_of_keys,
    ),
    Control(
        "log_bucket_refuses_encryption", _BUCKET, "refuses objects encrypted by", _READ, storage.blocked_encryption
    ),
    Control("log_bucket_is_at_hand", _BUCKET, "objects can be read at once for", _HIDE, storage.archived),
    Control(
        "log_bucket_is_at_hand_by_use",
        _BUCKET,
        "objects that nobody reads can be read at once for",
        _HIDE,
        storage.archived_by_use,
    ),
    Control("log_bucket_copies_are_at_hand", _BUCKET, "its copies can be read", _HIDE, storage.copies_at_hand),
    Control(
        "log_bucket_takes_access_logs",
        _BUCKET,
        "takes access logs:",
        _HIDE,
        storage.takes_access_logs,
        weakening_of_both,
    ),
    Control("log_bucket_has_an_inventory", _BUCKET, "lists its objects:", _FORGE, storage.inventory),
    Control("log_bucket_blocks_public_access", _BUCKET, "blocks public access by", _PUBLIC, storage.public_access),
    Control(
        "log_bucket_has_no_acls",
        _BUCKET,
        "objects belong to",
        _PUBLIC,
        grade(
            "OwnershipControls.Rules.0.ObjectOwnership",
            {"BucketOwnerEnforced": 3, "BucketOwnerPreferred": 2, "ObjectWriter": 1},
            default="BucketOwnerEnforced",
        ),
    ),
    Control(
        "log_bucket_acl",
        _BUCKET,
        "its ACL is",
        _PUBLIC,
        grade(
            "AccessControl",
            {
                "Private": 4,
                "BucketOwnerFullControl": 4,
                "BucketOwnerRead": 4,
                "LogDeliveryWrite": 3,
                "AwsExecRead": 3,
                "AuthenticatedRead": 2,
                "PublicRead": 1,
                "PublicReadWrite": 0,
            },
            default="Private",
        ),
    ),
    Control(
        "log_bucket_is_versioned",
        _BUCKET,
        "versioning is",
        _DESTROY,
        grade("VersioningConfiguration.Status", {"Enabled": 1, "Suspended": 0, "Off": 0}, default="Off"),
    ),
    Control(
        "log_bucket_keeps_logs", _BUCKET, "objects expire after", _DESTROY, storage.expiration, storage.deletes_more
    ),
    Control(
        "log_bucket_keeps_versions",
        _BUCKET,
        "old versions expire after",
        _DESTROY,
        storage.noncurrent_expiration,
        storage.deletes_more,
    ),
    Control("log_bucket_has_a_lifecycle", _BUCKET, "rules for the lifecycle of objects are", _COSTS, storage.lifecycle),
    Control("log_bucket_has_object_lock", _BUCKET, "Object Lock is", _DESTROY, flag("ObjectLockEnabled")),
    Control(
        "log_bucket_lock_mode",
        _BUCKET,
        "the mode of Object Lock is",
        _DESTROY,
        grade(
            "ObjectLockConfiguration.Rule.DefaultRetention.Mode",
            {"COMPLIANCE": 2, "GOVERNANCE": 1, "none": 0},
            default="none",
        ),
    ),
    Control("log_bucket_lock_period", _BUCKET, "Object Lock holds for", _DESTROY, storage.lock_days),
    Control("log_bucket_is_replicated", _BUCKET, "is copied to", _DESTROY, storage.replication, storage.copies_less),
    Control(
        "log_bucket_replica_key",
        _BUCKET,
        "its copies are encrypted with",
        _READ,
        storage.replica_keys,
        storage.other_keys,
    ),
    Control(
        "log_bucket_notifies",
        (*_BUCKET, "Custom::S3BucketNotifications"),
        "tells",
        _QUIET,
        storage.notifications,
        storage.tells_less,
    ),
    Control(
        "log_bucket_logs_access",
        _BUCKET,
        "access logs go to",
        _HIDE,
        fixed("LoggingConfiguration.DestinationBucketName"),
    ),
    # Whether conditions on tags count for the bucket: either way others may do what they could not, or a Deny is none.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging.html
    Control(
        "log_bucket_access_by_tags", _BUCKET, "access by its tags is", _READ, fixed("AbacStatus", missing="Disabled")
    ),
    Control(
        "log_bucket_replica_keeps",
        _BUCKET,
        "deletes with each object its copy in",
        _DESTROY,
        storage.copied_deletions,
        storage.copies_deletions_more,
    ),
    Control(
        "log_bucket_replica_owner",
        _BUCKET,
        "gives its copies to the owner of",
        _DESTROY,
        storage.replica_owners,
        storage.owned_less,
    ),
    # ---- CloudWatch Logs
    Control(
        "log_group_keeps_events",
        (*_LOG_GROUP, "Custom::LogRetention"),
        "keeps events for",
        _DESTROY,
        number("RetentionInDays", "days", default=NEVER, default_text="ever"),
    ),
    Control(
        "log_retention_keeps_the_group",
        ("Custom::LogRetention",),
        "when it is removed, its log group is",
        _DESTROY,
        reader("RemovalPolicy", lambda found: Level(0, "deleted") if found == "destroy" else Level(1, "kept")),
    ),
    Control("log_group_uses_the_key", _LOG_GROUP, "encrypts with the key", _READ, fixed("KmsKeyId")),
    Control(
        "log_group_is_protected", _LOG_GROUP, "deletion protection is", _DESTROY, flag("DeletionProtectionEnabled")
    ),
    Control(
        "metric_filter_pattern",
        _METRIC_FILTER,
        "counts events that match",
        _QUIET,
        alerts.log_pattern,
        alerts.takes_fewer_logs,
    ),
    Control("metric_filter_log_group", _METRIC_FILTER, "looks at the log group", _QUIET, fixed("LogGroupName")),
    Control(
        "metric_filter_value", _METRIC_FILTER, "counts each as", _QUIET, fixed("MetricTransformations.0.MetricValue")
    ),
    Control("log_subscription_target", _LOG_SUBSCRIPTION, "sends to", _QUIET, fixed("DestinationArn")),
    Control(
        "log_subscription_pattern",
        _LOG_SUBSCRIPTION,
        "sends events that match",
        _QUIET,
        alerts.log_pattern,
        alerts.takes_fewer_logs,
    ),
    # ---- alerts
    Control("alarm_acts", _ALARMS, "its actions are", _QUIET, flag("ActionsEnabled", default=True)),
    Control("alarm_targets", _ALARMS, "tells", _QUIET, members("AlarmActions", str)),
    Control(
        "alarm_tells_of_no_data", _ALARMS, "tells of missing data", _QUIET, members("InsufficientDataActions", str)
    ),
    Control("alarm_metric", _ALARM, "looks at", _QUIET, alerts.alarm_metric, alerts.watches_less),
    Control("alarm_threshold", _ALARM, "goes off at", _QUIET, alerts.alarm_threshold),
    Control("alarm_delay", _ALARM, "goes off after", _QUIET, alerts.alarm_delay),
    Control("alarm_window", _ALARM, "adds up what happens in", _QUIET, alerts.alarm_window, weakening_of_both),
    Control(
        "alarm_missing_data",
        _ALARM,
        "missing data counts as",
        _QUIET,
        grade("TreatMissingData", {"breaching": 3, "missing": 2, "ignore": 2, "notBreaching": 1}, default="missing"),
        alerts.goes_off_again_less,
    ),
    Control("composite_alarm_rule", _COMPOSITE, "goes off when", _QUIET, fixed("AlarmRule"), alerts.goes_off_less),
    Control(
        "composite_alarm_suppressor",
        _COMPOSITE,
        "keeps quiet as long as another alarm is on:",
        _QUIET,
        members("ActionsSuppressor", str, Exposed),
    ),
    Control(
        "composite_alarm_waits",
        _COMPOSITE,
        "waits for its suppressor for",
        _QUIET,
        _quiet_for("ActionsSuppressorWaitPeriod"),
    ),
    Control(
        "composite_alarm_stays_quiet",
        _COMPOSITE,
        "keeps quiet after its suppressor for",
        _QUIET,
        _quiet_for("ActionsSuppressorExtensionPeriod"),
    ),
    Control("rule_is_enabled", _RULE, "the rule is", _QUIET, alerts.rule_is_on),
    Control("rule_takes_events", _RULE, "takes events of", _QUIET, alerts.event_pattern, alerts.takes_less),
    Control("rule_event_bus", _RULE, "looks at the event bus", _QUIET, fixed("EventBusName", missing="default")),
    Control("rule_schedule", _RULE, "runs at", _QUIET, alerts.schedule, weakening_of_rates),
    Control("rule_targets", _RULE, "tells", _QUIET, members("Targets", _name("Arn"))),
    Control("rule_tells", _RULE, "tells its targets of an event:", _QUIET, alerts.told, alerts.tells_less),
    Control("rule_keeps_failures", _RULE, "what a target does not take goes to", _QUIET, alerts.kept_failures),
    Control("rule_tries", _RULE, "tries its targets:", _QUIET, alerts.tries, alerts.tries_less),
    Control("topic_uses_the_key", _TOPIC, "encrypts with the key", _READ, fixed("KmsMasterKeyId"), weakening_of_keys),
    Control(
        "topic_signs",
        _TOPIC,
        "signs messages by version",
        _FORGE,
        grade("SignatureVersion", {"1": 1, 1: 1, "2": 2, 2: 2}, default="1"),
    ),
    Control(
        "topic_takes_from_services",
        _TOPIC,
        "services may publish:",
        _QUIET,
        alerts.takes_from_services,
        weakening_of_both,
    ),
    Control("topic_subscriptions", _TOPIC, "sends to", _QUIET, members("Subscription", _subscription)),
    Control("subscription_topic", _SUBSCRIPTION, "receives from", _QUIET, fixed("TopicArn")),
    Control("subscription_endpoint", _SUBSCRIPTION, "sends to", _QUIET, fixed("Endpoint")),
    Control("subscription_protocol", _SUBSCRIPTION, "sends by", _QUIET, fixed("Protocol")),
    Control(
        "subscription_filter",
        _SUBSCRIPTION,
        "keeps back what does not match",
        _QUIET,
        alerts.messages,
        alerts.takes_less,
    ),
    Control("subscription_keeps_failures", _SUBSCRIPTION, "messages that fail go to", _QUIET, _failures),
    Control("function_runs", _FUNCTION, "what it is told is", _QUIET, _runs),
    Control(
        "function_code_is_signed",
        _FUNCTION,
        "takes code that is signed as says",
        "Somebody lets it run code that nobody signed.",
        fixed("CodeSigningConfigArn"),
    ),
    Control("function_is_fed", _MAPPING, "what feeds the function is", _QUIET, flag("Enabled", default=True)),
    # ---- queues, queries, data
    Control(
        "queue_uses_the_key",
        _QUEUE,
        "encrypts with the key",
        _READ,
        fixed("KmsMasterKeyId"),
        weakening_of_keys,
    ),
    Control("queue_encrypts", _QUEUE, "encryption is", _READ, _queue_encryption),
    Control(
        "queue_keeps_messages",
        _QUEUE,
        "keeps messages for",
        _DESTROY,
        number("MessageRetentionPeriod", "seconds", default=345_600, default_text="345600 seconds (AWS's default)"),
    ),
    Control("queue_keeps_failures", _QUEUE, "messages that fail go to", _DESTROY, _failures),
    Control(
        "queue_takes_messages",
        _QUEUE,
        "takes messages up to",
        _QUIET,
        number("MaximumMessageSize", "bytes", default=1_048_576, default_text="1048576 bytes (AWS's default)"),
    ),
    Control(
        "queue_hands_on_within",
        _QUEUE,
        "hands messages on after",
        _QUIET,
        reader("DelaySeconds", lambda found: Level(1 / (1 + float(found or 0)), f"{float(found or 0):g} seconds")),
    ),
    Control("queue_takes_failures", _QUEUE, "takes what other queues fail with:", _DESTROY, _of_queues),
    Control(
        "stream_keeps_records",
        _STREAM,
        "keeps records for",
        _DESTROY,
        number("RetentionPeriodHours", "hours", default=24, default_text="24 hours (AWS's default)"),
    ),
    Control(
        "stream_uses_the_key",
        _STREAM,
        "encrypts with the key",
        _READ,
        fixed("StreamEncryption.KeyId"),
        weakening_of_keys,
    ),
    Control("log_table_partitions", ("AWS::Glue::Table",), "finds log files of", _HIDE, storage.partitions),
    Control("log_table_place", ("AWS::Glue::Table",), "looks for log files in", _HIDE, storage.table_place),
    Control("named_query", ("AWS::Athena::NamedQuery",), "asks", _HIDE, reader("QueryString", _query)),
    Control(
        "work_group_is_enabled",
        _WORK_GROUP,
        "the work group is",
        _HIDE,
        grade("State", {"ENABLED": 1, "DISABLED": 0}, default="ENABLED"),
    ),
    Control(
        "work_group_keeps_history",
        _WORK_GROUP,
        "deletion of it with its queries is",
        _HIDE,
        flag("RecursiveDeleteOption", good=False),
    ),
    Control(
        "work_group_results_owner",
        _WORK_GROUP,
        "writes results to a bucket of the account",
        _READ,
        fixed("WorkGroupConfiguration.ResultConfiguration.ExpectedBucketOwner"),
    ),
    Control(
        "work_group_is_enforced",
        _WORK_GROUP,
        "enforcement of its settings is",
        _READ,
        flag("WorkGroupConfiguration.EnforceWorkGroupConfiguration", default=True),
    ),
    Control(
        "work_group_encryption",
        _WORK_GROUP,
        "encrypts results with",
        _READ,
        fixed("WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration"),
        _results_in_kms,
    ),
    Control(
        "work_group_results",
        _WORK_GROUP,
        "writes results to",
        _READ,
        fixed("WorkGroupConfiguration.ResultConfiguration.OutputLocation"),
    ),
    Control(
        "work_group_limit",
        _WORK_GROUP,
        "stops a query that reads more than",
        _COSTS,
        number(
            "WorkGroupConfiguration.BytesScannedCutoffPerQuery",
            "bytes",
            default=NEVER,
            default_text="no limit",
            more_is_stronger=False,
        ),
    ),
    Control("detector_is_enabled", _DETECTOR, "the detector is", _QUIET, flag("Enable")),
    Control("detector_features", _DETECTOR, "detects by", _QUIET, _features),
    Control(
        "detector_tells_within",
        _DETECTOR,
        "tells of findings every",
        _QUIET,
        grade("FindingPublishingFrequency", {"FIFTEEN_MINUTES": 3, "ONE_HOUR": 2, "SIX_HOURS": 1}, default="SIX_HOURS"),
    ),
    Control("detector_sources", _DETECTOR, "looks at", _QUIET, switches("DataSources")),
    Control(
        "recorder_leaves_out",
        _RECORDER,
        "leaves out the types",
        _HIDE,
        members("RecordingGroup.ExclusionByResourceTypes.ResourceTypes", str, Exposed),
    ),
    Control("recorder_types", _RECORDER, "records the types", _HIDE, _types, weakening_of_both),
    Control(
        "recorder_frequency",
        _RECORDER,
        "records",
        _HIDE,
        grade("RecordingMode.RecordingFrequency", {"CONTINUOUS": 1, "DAILY": 0}, default="CONTINUOUS"),
    ),
    Control(
        "recorder_daily_types",
        _RECORDER,
        "records once a day the types",
        _HIDE,
        members("RecordingMode.RecordingModeOverrides", _daily, Exposed),
    ),
    Control(
        "recorder_global_types",
        _RECORDER,
        "recording of global types (IAM) is",
        _HIDE,
        flag("RecordingGroup.IncludeGlobalResourceTypes"),
    ),
    Control(
        "recorder_records",
        _RECORDER,
        "recording of all supported types is",
        _HIDE,
        flag("RecordingGroup.AllSupported", default=True),
    ),
    Control("table_encrypts", _TABLE, "encryption with KMS is", _READ, flag("SSESpecification.SSEEnabled")),
    Control(
        "table_uses_the_key",
        _TABLE,
        "encrypts with the key",
        _READ,
        fixed("SSESpecification.KMSMasterKeyId"),
        weakening_of_keys,
    ),
    Control(
        "copies_of_table_are_protected",
        ("AWS::DynamoDB::GlobalTable",),
        "deletion protection is on in",
        _DESTROY,
        members("Replicas", _where("DeletionProtectionEnabled")),
    ),
    Control(
        "copies_of_table_can_be_restored",
        ("AWS::DynamoDB::GlobalTable",),
        "can be restored to a point in time in",
        _DESTROY,
        members("Replicas", _where("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled")),
    ),
    Control(
        "flow_log_records",
        _FLOW_LOG,
        "records traffic that is",
        _HIDE,
        reader("TrafficType", lambda found: Needed(frozenset(_TRAFFIC.get(str(found or "ALL"), (str(found),))))),
    ),
    Control("table_is_protected", _TABLE, "deletion protection is", _DESTROY, flag("DeletionProtectionEnabled")),
    Control(
        "table_can_be_restored",
        _TABLE,
        "recovery to a point in time is",
        _DESTROY,
        flag("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"),
    ),
    Control("database_encrypts", _DATABASE, "encryption is", _READ, flag("StorageEncrypted")),
    Control("database_is_protected", _DATABASE, "deletion protection is", _DESTROY, flag("DeletionProtection")),
    Control("database_is_private", _DATABASE, "public access is", _PUBLIC, flag("PubliclyAccessible", good=False)),
    Control(
        "database_keeps_backups",
        _DATABASE,
        "keeps backups for",
        _DESTROY,
        number("BackupRetentionPeriod", "days", default=1, default_text="1 day (AWS's default)"),
    ),
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
    Control("backup_vault_is_locked", _VAULT, "its lock is", _DESTROY, storage.vault_lock),
    Control(
        "backup_vault_lock_period",
        _VAULT,
        "its lock keeps backups for at least",
        _DESTROY,
        number("LockConfiguration.MinRetentionDays", "days", default=0, default_text="no time"),
    ),
    Control(
        "backup_vault_lock_limit",
        _VAULT,
        "its lock lets backups be kept for at most",
        _DESTROY,
        number("LockConfiguration.MaxRetentionDays", "days", default=NEVER, default_text="ever"),
    ),
    # ---- what other services write down of those who use them
    Control(
        "distribution_logs_access",
        ("AWS::CloudFront::Distribution",),
        "access logs go to",
        _HIDE,
        fixed("DistributionConfig.Logging.Bucket"),
    ),
    Control(
        "stage_logs_access",
        ("AWS::ApiGateway::Stage",),
        "access logs go to",
        _HIDE,
        fixed("AccessLogSetting.DestinationArn"),
    ),
    Control(
        "http_stage_logs_access",
        ("AWS::ApiGatewayV2::Stage",),
        "access logs go to",
        _HIDE,
        fixed("AccessLogSettings.DestinationArn"),
    ),
    Control(
        "load_balancer_logs_access",
        (_LOAD_BALANCER,),
        "what is on of logs and protection:",
        _HIDE,
        members("LoadBalancerAttributes", _attribute),
    ),
    Control(
        "cluster_logs",
        ("AWS::EKS::Cluster",),
        "writes logs of",
        _HIDE,
        members("Logging.ClusterLogging.EnabledTypes", lambda entry: str(entry["Type"])),
    ),
    Control(
        "database_logs",
        (*_DATABASE, "AWS::Neptune::DBInstance"),
        "writes logs of",
        _HIDE,
        members("EnableCloudwatchLogsExports", str),
    ),
    Control(
        "domain_logs", ("AWS::OpenSearchService::Domain",), "writes logs of", _HIDE, switches("LogPublishingOptions")
    ),
    Control("warehouse_logs", ("AWS::Redshift::Cluster",), "logs go to", _HIDE, fixed("LoggingProperties.BucketName")),
    Control(
        "machine_logs",
        ("AWS::StepFunctions::StateMachine",),
        "writes down of its runs",
        _HIDE,
        grade("LoggingConfiguration.Level", {"ALL": 3, "ERROR": 2, "FATAL": 1, "OFF": 0}, default="OFF"),
    ),
    Control(
        "user_pool_watches",
        ("AWS::Cognito::UserPool",),
        "watches sign-ins:",
        _QUIET,
        grade("UserPoolAddOns.AdvancedSecurityMode", {"ENFORCED": 2, "AUDIT": 1, "OFF": 0}, default="OFF"),
    ),
    Control(
        "user_pool_is_protected",
        ("AWS::Cognito::UserPool",),
        "deletion protection is",
        _DESTROY,
        grade("DeletionProtection", {"ACTIVE": 1, "INACTIVE": 0}, default="INACTIVE"),
    ),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html
    Control("sessions_are_logged", ("AWS::SSM::Document",), "sessions are logged by", _HIDE, _of_sessions),
    Control(
        "file_system_encrypts", ("AWS::EFS::FileSystem", "AWS::EC2::Volume"), "encryption is", _READ, flag("Encrypted")
    ),
)
