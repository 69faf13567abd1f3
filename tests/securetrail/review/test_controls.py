"""A value is weaker, or it is not: the orders of the controls, and what selectors no longer record."""

import itertools
import math
from typing import Any

import pytest

from constructs_lib.compliance.controls import load_controls
from securetrail.review.controls.alerts import alarm_threshold, event_pattern, takes_less
from securetrail.review.controls.compare import compare_controls
from securetrail.review.controls.recording import no_longer_recorded, recording
from securetrail.review.controls.table import CONTROLS
from securetrail.review.controls.values import Exposed, Fixed, Level, Needed, Unknown, weakening
from securetrail.review.template import Id, NotComparable, Resource, Variant

pytestmark = pytest.mark.fast

SETS = [frozenset(chosen) for size in range(3) for chosen in itertools.combinations("ab", size)]
VALUES: list[list[Any]] = [
    [Level(rank, f"{rank}") for rank in (0.0, 1.0, 2.5, 365.0, math.inf)],
    [Needed(each) for each in SETS],
    [Exposed(each) for each in SETS],
]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: type(values[0]).__name__)
def test_weaker_is_an_order(values: list[Any]) -> None:
    for first, second, third in itertools.product(values, repeat=3):
        assert weakening(first, first) is None
        # What is not weaker twice is not weaker at once.
        if weakening(first, second) is None and weakening(second, third) is None:
            assert weakening(first, third) is None
        if first != second:
            assert weakening(first, second) is not None or weakening(second, first) is not None


def test_what_is_not_known_is_no_yes_unless_nothing_changed() -> None:
    unknown = Unknown("a parameter", "X")

    assert weakening(unknown, Unknown("a parameter", "X")) is None
    for before, after in ((unknown, Level(1, "1")), (Level(1, "1"), unknown), (unknown, Unknown("a parameter", "Y"))):
        found = weakening(before, after)
        assert found is not None
        assert not found.is_known


def test_a_fixed_value_may_come_and_not_change() -> None:
    assert weakening(Fixed(""), Fixed("a")) is None
    changed, gone = weakening(Fixed("a"), Fixed("b")), weakening(Fixed("a"), Fixed(""))
    assert changed is not None
    assert gone is not None
    assert (changed.is_lost, gone.is_lost) == (False, True)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{control.types[0]} {control.id}")
def test_every_control_reads_a_resource_without_properties_and_one_that_cannot_be_resolved(control: Any) -> None:
    nothing = control.read({})
    assert control.compare(nothing, nothing) is None
    gap = NotComparable("a parameter without a value", "{}")

    class Everything(dict[str, Any]):
        """Whatever is asked for cannot be resolved."""

        def __contains__(self, _name: object) -> bool:
            return True

        def __getitem__(self, _name: str) -> Any:
            return gap

        def get(self, _name: str, _default: Any = None) -> Any:
            return gap

    found = control.compare(nothing, control.read(Everything()))
    assert found is None or not found.is_known
    # People read it.
    assert found is None or "Unknown(" not in f"{found.before} {found.after}"


def test_every_control_of_the_map_that_asks_for_a_property_has_a_row() -> None:
    """What it asks of policies and selectors, by ``contains``, is compared by what they allow and record."""
    asked = {control.id for control in load_controls() if control.contains is None}

    assert asked - {control.id for control in CONTROLS} == set()


def test_ids_are_unique_for_each_type() -> None:
    named = [(control.id, of_type) for control in CONTROLS for of_type in control.types]

    assert len(named) == len({*named}) >= 80


# ---- selectors ------------------------------------------------------------------------------------------------------


def management(**fields: Any) -> dict[str, Any]:
    return advanced("Management", **fields)


def advanced(category: str, **fields: Any) -> dict[str, Any]:
    selectors = [{"Field": "eventCategory", "Equals": [category]}]
    for name, value in fields.items():
        operators = value if isinstance(value, dict) else {"Equals": value}
        selectors.append({"Field": name.replace("_", "."), **operators})
    return {"FieldSelectors": selectors}


def lost(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> tuple[str, ...]:
    return no_longer_recorded(
        *(
            recording({"AdvancedEventSelectors" if each and "FieldSelectors" in each[0] else "EventSelectors": each})
            for each in (before, after)
        )
    )


CLASSIC_ALL = {"ReadWriteType": "All", "IncludeManagementEvents": True}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [management()]),
        ([CLASSIC_ALL], [management()]),
        ([management()], [CLASSIC_ALL]),
        ([management()], [management(readOnly=["true"]), management(readOnly=["false"])]),
        ([management(readOnly=["false"])], [management()]),
        ([{**CLASSIC_ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}], [{}]),
        (
            [{**CLASSIC_ALL, "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}]}],
            [management(), advanced("Data", resources_type=["AWS::S3::Object"])],
        ),
        (
            [advanced("Data", resources_type=["AWS::S3::Object"], eventName=["DeleteObject"])],
            [advanced("Data", resources_type=["AWS::S3::Object"], eventName={"StartsWith": ["Delete"]})],
        ),
    ],
)
def test_selectors_that_record_as_much_lose_nothing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert lost(before, after) == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], [management(readOnly=["false"])], ("management events that only read",)),
        ([management()], [management(readOnly=["true"])], ("management events that write",)),
        (
            [management()],
            [management(eventSource={"NotEquals": ["kms.amazonaws.com"]})],
            ("management events whose eventSource is kms.amazonaws.com",),
        ),
        (
            [CLASSIC_ALL],
            [{**CLASSIC_ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}],
            ("management events whose eventSource is kms.amazonaws.com",),
        ),
        (
            [management()],
            [management(eventName=["DeleteTrail"])],
            ("management events whose eventName is not DeleteTrail",),
        ),
        (
            [management(), advanced("Data", resources_type=["AWS::S3::Object"])],
            [management()],
            ("data events whose resources.type is AWS::S3::Object",),
        ),
        (
            [CLASSIC_ALL],
            [{"ReadWriteType": "All", "IncludeManagementEvents": "false"}],
            ("management events",),
        ),
    ],
)
def test_what_is_no_longer_recorded_is_said(
    before: list[dict[str, Any]], after: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    assert lost(before, after) == words
    assert lost(after, before) == ()


def test_selectors_that_are_too_many_to_compare_are_not_compared() -> None:
    many = [advanced("Data", eventName=[f"e{n}" for n in range(400)], resources_ARN=[f"a{n}" for n in range(400)])]

    with pytest.raises(ValueError, match="too many values"):
        lost(many, [])


# ---- rules and alarms -----------------------------------------------------------------------------------------------


CREATED, DELETED = {"name": ["created"]}, {"name": ["deleted"]}


def either(*alternatives: dict[str, Any]) -> dict[str, Any]:
    return {"source": ["aws.s3"], "detail": {"$or": [*alternatives]}}


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        ({"source": ["aws.s3"]}, {"source": ["aws.s3", "aws.kms"]}, False),
        ({"source": ["aws.s3", "aws.kms"]}, {"source": ["aws.s3"]}, True),
        ({"source": ["aws.s3"]}, {"source": ["aws.s3"], "detail": {"eventName": ["x"]}}, True),
        ({"source": ["aws.s3"], "detail": {"eventName": ["x"]}}, {"source": ["aws.s3"]}, False),
        ({"source": [{"prefix": "aws."}]}, {"source": [{"prefix": "aws.s"}]}, True),
        ({"source": ["aws.s3"]}, None, True),
        ({"source": ["aws.s3"]}, {"source": [{"prefix": "aws."}]}, False),
        ({"source": [{"prefix": "aws.s3"}]}, {"source": [{"prefix": "aws."}]}, False),
        ({"source": ["aws.s3"]}, {"source": [{"anything-but": "aws.s3"}]}, True),
        # Alternatives: one more, one that takes more, another order; one less, one that takes less, one more to meet.
        (either(CREATED), either(CREATED, DELETED), False),
        (either(CREATED, DELETED), either(DELETED, CREATED), False),
        (either(CREATED, DELETED), either(CREATED, {}), False),
        (either({**CREATED, "who": ["a"]}, DELETED), either(CREATED, DELETED), False),
        (either({"name": ["a", "b"]}), either({"name": ["b", "c", "a"]}), False),
        (either(CREATED, DELETED), either(CREATED), True),
        (either({"name": ["a", "b"]}), either({"name": ["a"]}), True),
        (either(CREATED), either({**CREATED, "who": ["a"]}), True),
        (either(CREATED, DELETED), {"detail": {**either(CREATED, DELETED)["detail"], "who": ["a"]}}, True),
        ({"detail": CREATED}, {"detail": {**CREATED, "$or": [{"name": ["deleted"]}]}}, True),
        # No alternatives, but a field of this name.
        ({"$or": ["a", "b"]}, {"$or": ["a"]}, True),
    ],
)
def test_a_rule_that_takes_fewer_events_is_weaker(before: Any, after: Any, weaker: bool) -> None:  # noqa: FBT001 (a case's)
    values = [event_pattern({} if each is None else {"EventPattern": each}) for each in (before, after)]

    assert (takes_less(values[0], values[1]) is not None) is weaker


@pytest.mark.parametrize(
    ("operator", "before", "after", "weaker"),
    [
        ("GreaterThanOrEqualToThreshold", 1, 5, True),
        ("GreaterThanOrEqualToThreshold", 5, 1, False),
        ("LessThanThreshold", 1, 5, False),
        ("LessThanThreshold", 5, 1, True),
        ("LessThanThreshold", -1, -5, True),
        ("GreaterThanThreshold", 0, 1, True),
    ],
)
def test_a_threshold_that_is_farther_away_is_weaker(
    operator: str,
    before: float,
    after: float,
    weaker: bool,  # noqa: FBT001 (a case's)
) -> None:
    first, second = (alarm_threshold({"ComparisonOperator": operator, "Threshold": each}) for each in (before, after))

    assert (weakening(first, second) is not None) is weaker


def test_too_many_alternatives_are_not_compared() -> None:
    many = {f"d{n}": {"$or": [{"a": ["x"]}, {"b": ["y"]}]} for n in range(12)}

    with pytest.raises(ValueError, match="too many alternatives"):
        takes_less(event_pattern({"EventPattern": many}), event_pattern({"EventPattern": {**many, "a": ["b"]}}))


def test_beyond_a_value_is_farther_than_at_it() -> None:
    at, beyond = summed(1, 60), summed(1, 60, "GreaterThanThreshold")

    assert weaker("AWS::CloudWatch::Alarm", at, summed(0, 60, "GreaterThanThreshold")) == set()
    assert "alarm_threshold" in weaker("AWS::CloudWatch::Alarm", at, beyond)
    assert weaker("AWS::CloudWatch::Alarm", beyond, at) == set()
    assert "alarm_metric" in weaker("AWS::CloudWatch::Alarm", at, summed(1, 60, "LessThanThreshold"))


@pytest.mark.parametrize(
    ("operator", "more", "weaker"),
    [
        ("GreaterThanThreshold", [("B", "1")], False),
        ("GreaterThanThreshold", [], False),
        # What takes away from the sum, and what feeds an alarm that waits for silence.
        ("GreaterThanThreshold", [("B", "-1")], True),
        ("LessThanThreshold", [("B", "1")], True),
        ("GreaterThanThreshold", None, True),
    ],
)
def test_one_more_filter_that_counts_into_a_metric_is_no_loss(
    operator: str,
    more: list[tuple[str, str]] | None,
    weaker: bool,  # noqa: FBT001 (a case's)
) -> None:
    metric = {"MetricNamespace": "N", "MetricName": "M"}

    def resources(*filters: tuple[str, str]) -> dict[Id, Resource]:
        given = {
            "Alarm": ("CloudWatch::Alarm", {**summed(1, 60, operator), "Namespace": "N", "MetricName": "M"}),
            **{
                name: ("Logs::MetricFilter", {"MetricTransformations": [{**metric, "MetricValue": value}]})
                for name, value in filters
            },
        }
        return {
            Id("S", name): Resource(
                Id("S", name), f"AWS::{of}", name, f"arn:{name}", "111122223333", each, "", "", {}, frozenset()
            )
            for name, (of, each) in given.items()
        }

    head = resources() if more is None else resources(("A", "1"), *more)
    losses = compare_controls([Variant((), resources(("A", "1")), head)], frozenset())

    assert bool(losses) is weaker
    assert {each.id for each in losses} <= {"alarm_metric"}


# ---- single properties ----------------------------------------------------------------------------------------------


def weaker(resource_type: str, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The controls of a type that the second properties weaken."""
    sides = [
        {
            Id("S", "X"): Resource(
                Id("S", "X"), resource_type, "x", "arn:x", "111122223333", each, "", "", {}, frozenset()
            )
        }
        for each in (before, after)
    ]
    return {loss.id for loss in compare_controls([Variant((), *sides)], frozenset())}


@pytest.mark.parametrize("status", ["Enabled", "Disabled"])
def test_whether_tags_of_a_bucket_decide_access_stays_as_it_is(status: str) -> None:
    on, other = {"AbacStatus": status}, {"AbacStatus": "Disabled" if status == "Enabled" else "Enabled"}

    assert weaker("AWS::S3::Bucket", on, other) == {"log_bucket_access_by_tags"}
    assert weaker("AWS::S3::Bucket", on, on) == set()
    # It is off unless the bucket says otherwise.
    assert bool(weaker("AWS::S3::Bucket", {}, on)) is bool(weaker("AWS::S3::Bucket", on, {})) is (status == "Enabled")


def expiring(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", **rule} for rule in rules]}}


def versions(days: int, newer: int) -> dict[str, Any]:
    return expiring({"NoncurrentVersionExpiration": {"NoncurrentDays": days, "NewerNoncurrentVersions": newer}})


def copying(key: str = "k", **rule: Any) -> dict[str, Any]:
    destination = {"Bucket": "arn:aws:s3:::copy", "EncryptionConfiguration": {"ReplicaKmsKeyID": key}}
    return {"ReplicationConfiguration": {"Rules": [{"Status": "Enabled", "Destination": destination, **rule}]}}


def summed(threshold: float, period: int, operator: str = "GreaterThanOrEqualToThreshold") -> dict[str, Any]:
    return {"Statistic": "Sum", "ComparisonOperator": operator, "Threshold": threshold, "Period": period}


def insight(categories: list[str] | None) -> dict[str, Any]:
    entry = {"InsightType": "ApiCallRateInsight"}
    return {"InsightSelectors": [entry if categories is None else {**entry, "EventCategories": categories}]}


def copying_twice(priority: int) -> dict[str, Any]:
    """A second rule for the same bucket that leaves out what KMS encrypts."""
    rules = [copying(**each)["ReplicationConfiguration"]["Rules"][0] for each in ({**KMS, "Priority": 1}, {})]
    rules[1]["Priority"] = priority
    return {"ReplicationConfiguration": {"Rules": rules}}


def moving(days: int, to: str) -> dict[str, Any]:
    return expiring({"Transitions": [{"StorageClass": to, "TransitionInDays": days}]})


def table(regions: str) -> dict[str, Any]:
    return {"TableInput": {"Parameters": {"projection.region.values": regions, "projection.day.range": "NOW"}}}


def watching(status: str) -> dict[str, Any]:
    more = {"Name": "EKS_ADDON_MANAGEMENT", "Status": status}
    return {"Features": [{"Name": "RUNTIME_MONITORING", "Status": "ENABLED", "AdditionalConfiguration": [more]}]}


def placed(location: str) -> dict[str, Any]:
    return {"TableInput": {"StorageDescriptor": {"Location": location}}}


def removed_events(kind: str) -> dict[str, Any]:
    told = {"Event": f"s3:ObjectRemoved:{kind}", "Topic": "arn:t"}
    return {"NotificationConfiguration": {"TopicConfigurations": [told]}}


def pattern(text: str) -> dict[str, Any]:
    return {"FilterPattern": text}


def encrypted(key: str) -> dict[str, Any]:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}}


def failing(tries: int) -> dict[str, Any]:
    return {"RedrivePolicy": {"deadLetterTargetArn": "q", "maxReceiveCount": tries}}


def results(option: str) -> dict[str, Any]:
    return {
        "WorkGroupConfiguration": {"ResultConfiguration": {"EncryptionConfiguration": {"EncryptionOption": option}}}
    }


ALL_TYPES = {"RecordingGroup": {"AllSupported": True, "IncludeGlobalResourceTypes": True}}
INVENTORY = {"InventoryConfigurations": [{"Id": "i", "Enabled": True, "Destination": {"BucketArn": "arn:aws:s3:::i"}}]}
BLOCKED = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [{"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]
    }
}


def targets(**more: Any) -> dict[str, Any]:
    return {"EventPattern": {"source": ["aws.s3"]}, "Targets": [{"Arn": "arn:t", "Id": "t", **more}]}


def filtered(severity: list[str], scope: str = "MessageAttributes") -> dict[str, Any]:
    return {"FilterPolicy": {"severity": severity}, "FilterPolicyScope": scope}


KMS: dict[str, Any] = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}
TAGGED: dict[str, Any] = {"Filter": {"TagFilter": {"Key": "a", "Value": "b"}}}
RECORDER = {"RecordingGroup": {"AllSupported": True, "IncludeGlobalResourceTypes": True}}
EXCLUDING = {**RECORDER["RecordingGroup"], "ExclusionByResourceTypes": {"ResourceTypes": ["AWS::IAM::User"]}}
ALL_EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
TOLD = {"NotificationConfiguration": {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": "q"}]}}
TEMPORARY, EVERYTHING, TAG = {"Prefix": "tmp/"}, {"Prefix": ""}, {"TagFilters": [{"Key": "a", "Value": "b"}]}
# Any other value of these is a loss.
OTHERS = ("log_bucket_replica_key", "rule_event_bus", "trail_role_for_cloudwatch_logs", "work_group_results")
DAY, YEAR = {"ExpirationInDays": 1}, {"ExpirationInDays": 365}


@pytest.mark.parametrize(
    ("of", "before", "after", "control"),
    [
        ("S3::Bucket", expiring({**TEMPORARY, **DAY}), expiring({**EVERYTHING, **DAY}), "log_bucket_keeps_logs"),
        ("S3::Bucket", expiring({**TAG, **DAY}, YEAR), expiring(DAY), "log_bucket_keeps_logs"),
        ("S3::Bucket", {}, expiring({**TEMPORARY, **DAY}), "log_bucket_keeps_logs"),
        ("S3::Bucket", versions(30, 50), versions(30, 1), "log_bucket_keeps_versions"),
        ("S3::Bucket", copying(**KMS), copying(), "log_bucket_is_replicated"),
        ("S3::Bucket", copying(), copying(**TAGGED), "log_bucket_is_replicated"),
        ("S3::Bucket", copying(Prefix="a"), copying(Prefix="a/b"), "log_bucket_is_replicated"),
        ("S3::Bucket", copying(), {}, "log_bucket_is_replicated"),
        ("S3::Bucket", copying(), copying("theirs"), "log_bucket_replica_key"),
        ("S3::Bucket", TOLD, {}, "log_bucket_notifies"),
        ("Events::Rule", {}, {"EventBusName": "other"}, "rule_event_bus"),
        ("Events::Rule", {"State": ALL_EVENTS}, {"State": "ENABLED"}, "rule_is_enabled"),
        ("Events::Rule", {"State": ALL_EVENTS}, {}, "rule_is_enabled"),
        (
            "CloudTrail::Trail",
            {"CloudWatchLogsRoleArn": "r"},
            {"CloudWatchLogsRoleArn": "s"},
            "trail_role_for_cloudwatch_logs",
        ),
        ("CloudWatch::Alarm", summed(5, 3600), summed(5, 60), "alarm_window"),
        ("Events::Rule", targets(DeadLetterConfig={"Arn": "q"}), targets(), "rule_keeps_failures"),
        ("Events::Rule", targets(), targets(RetryPolicy={"MaximumRetryAttempts": 0}), "rule_tries"),
        ("Events::Rule", targets(), targets(RetryPolicy={"MaximumEventAgeInSeconds": "60"}), "rule_tries"),
        ("SNS::Subscription", {}, filtered(["high"]), "subscription_filter"),
        ("SNS::Subscription", filtered(["high", "low"]), filtered(["high"]), "subscription_filter"),
        (
            "CloudWatch::Alarm",
            summed(1, 60, "GreaterThanThreshold"),
            summed(1, 10, "GreaterThanThreshold"),
            "alarm_window",
        ),
        ("CloudWatch::CompositeAlarm", {}, {"ActionsSuppressor": "other"}, "composite_alarm_suppressor"),
        ("CloudWatch::CompositeAlarm", {}, {"ActionsSuppressorExtensionPeriod": 60}, "composite_alarm_stays_quiet"),
        ("CloudWatch::CompositeAlarm", {}, {"ActionsSuppressorWaitPeriod": "60"}, "composite_alarm_waits"),
        ("CloudWatch::Alarm", {"InsufficientDataActions": ["t"]}, {}, "alarm_tells_of_no_data"),
        ("CloudTrail::Trail", insight(["Management", "Data"]), insight(["Management"]), "trail_reports_insights"),
        ("CloudTrail::Trail", insight(["Management", "Data"]), insight(None), "trail_reports_insights"),
        ("CloudTrail::Trail", {"AggregationConfigurations": [{"EventCategory": "Data"}]}, {}, "trail_adds_up"),
        ("CloudTrail::EventDataStore", insight(None), {}, "lake_reports_insights"),
        ("CloudTrail::EventDataStore", {}, {"FederationRoleArn": "r"}, "lake_is_shared"),
        ("S3::Bucket", copying(**KMS, Priority=1), copying_twice(2), "log_bucket_is_replicated"),
        ("S3::Bucket", {}, moving(0, "DEEP_ARCHIVE"), "log_bucket_is_at_hand"),
        ("S3::Bucket", BLOCKED, {}, "log_bucket_refuses_encryption"),
        ("S3::Bucket", INVENTORY, {}, "log_bucket_has_an_inventory"),
        ("SNS::Topic", {"SignatureVersion": "2"}, {"SignatureVersion": 1}, "topic_signs"),
        ("SNS::Subscription", {"RedrivePolicy": {"deadLetterTargetArn": "q"}}, {}, "subscription_keeps_failures"),
        ("Lambda::Function", {}, {"ReservedConcurrentExecutions": 0}, "function_runs"),
        ("Lambda::EventSourceMapping", {}, {"Enabled": "false"}, "function_is_fed"),
        ("SQS::Queue", {"KmsMasterKeyId": "k"}, {}, "queue_uses_the_key queue_encrypts"),
        ("SQS::Queue", {}, {"SqsManagedSseEnabled": False}, "queue_encrypts"),
        ("Kinesis::Stream", {"RetentionPeriodHours": 168}, {}, "stream_keeps_records"),
        ("Kinesis::Stream", {"StreamEncryption": {"KeyId": "k"}}, {}, "stream_uses_the_key"),
        ("Glue::Table", table("eu-west-1,us-east-1"), table("us-east-1"), "log_table_partitions"),
        ("Athena::WorkGroup", {}, {"State": "DISABLED"}, "work_group_is_enabled"),
        ("Athena::WorkGroup", {}, {"RecursiveDeleteOption": True}, "work_group_keeps_history"),
        ("Glue::Table", placed("s3://ours/"), {}, "log_table_place"),
        ("S3::Bucket", removed_events("*"), removed_events("Delete"), "log_bucket_notifies"),
        ("DynamoDB::Table", {"SSESpecification": {"KMSMasterKeyId": "k"}}, {}, "table_uses_the_key"),
        (
            "Backup::BackupVault",
            {"LockConfiguration": {"MinRetentionDays": 1}},
            {"LockConfiguration": {"MinRetentionDays": 1, "MaxRetentionDays": 9}},
            "backup_vault_lock_limit",
        ),
        ("GuardDuty::Detector", {"FindingPublishingFrequency": "FIFTEEN_MINUTES"}, {}, "detector_tells_within"),
        ("GuardDuty::Detector", watching("ENABLED"), watching("DISABLED"), "detector_features"),
        (
            "Config::ConfigurationRecorder",
            {},
            {"RecordingMode": {"RecordingFrequency": "DAILY"}},
            "recorder_frequency",
        ),
        (
            "Athena::WorkGroup",
            {"WorkGroupConfiguration": {"ResultConfiguration": {"OutputLocation": "s3://ours/"}}},
            {"WorkGroupConfiguration": {"ResultConfiguration": {"OutputLocation": "s3://theirs/"}}},
            "work_group_results",
        ),
        (
            "GuardDuty::Detector",
            {"DataSources": {"S3Logs": {"Enable": True}}},
            {"DataSources": {"S3Logs": {"Enable": False}}},
            "detector_sources",
        ),
        ("Config::ConfigurationRecorder", RECORDER, {"RecordingGroup": EXCLUDING}, "recorder_leaves_out"),
        (
            "Config::ConfigurationRecorder",
            RECORDER,
            {"RecordingGroup": {"AllSupported": True}},
            "recorder_global_types",
        ),
    ],
)
def test_a_property_that_protects_less_is_weaker_and_the_other_way_round_is_none(
    of: str, before: dict[str, Any], after: dict[str, Any], control: str
) -> None:
    assert weaker(f"AWS::{of}", before, after) == set(control.split())
    if control not in OTHERS:
        # Without a rule nothing expires, and nothing is moved to colder storage either.
        assert weaker(f"AWS::{of}", after, before) <= {"alarm_delay", "log_bucket_has_a_lifecycle"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{ $.a = 1 }", "{ $.a = 1 && $.b = 2 }"),
        ("{ $.a = 1 }", "{ ($.a = 1 && $.b = 2) || $.c = 1 }"),
        ("{ $.a = 1 }", "{ $.c = 1 && ($.c = 2 || $.a = 1) }"),
        ("{ $.a = 1 }", "{ ($.c = 1 || $.a = 1) && $.d = 1 }"),
        ('{ $.a = "x y" }', '{ $.a = "xy" }'),
        ("{ $.a = 1 || $.b = 2 }", "{ $.c = 3 && $.a = 1 || $.b = 2 }"),
        ("ERROR", "ERROR Fatal"),
        ("", "ERROR"),
    ],
)
def test_a_pattern_of_log_events_that_may_take_fewer_is_a_loss(before: str, after: str) -> None:
    assert weaker("AWS::Logs::MetricFilter", pattern(before), pattern(after)) == {"metric_filter_pattern"}


def test_services_may_not_publish_with_a_key_of_aws() -> None:
    def resources(key: str | None, of: str) -> dict[Id, Resource]:
        topic, told = Id("S", "Topic"), Id("S", "Told")
        given = {} if key is None else {"KmsMasterKeyId": key}
        return {
            topic: Resource(topic, "AWS::SNS::Topic", "t", "arn:t", "1", given, "", "", {}, frozenset()),
            told: Resource(told, of, "x", "arn:x", "1", {}, "", "", {}, frozenset({topic})),
        }

    def lost(before: str | None, after: str | None, of: str = "AWS::CloudWatch::Alarm") -> set[str]:
        sides = resources(before, of), resources(after, of)
        return {each.id for each in compare_controls([Variant((), *sides)], frozenset())}

    assert lost(None, "alias/aws/sns") == {"topic_takes_from_services"}
    assert lost("k", "alias/aws/sns") == {"topic_takes_from_services", "topic_uses_the_key"}
    assert lost(None, "k") == lost("alias/aws/sns", "k") == set()
    # What an app publishes itself, it may publish with AWS's key.
    assert lost(None, "alias/aws/sns", "AWS::Lambda::Function") == set()


def test_a_filter_of_the_other_part_of_a_message_is_a_loss_in_either_direction() -> None:
    sides = filtered(["high"]), filtered(["high"], "MessageBody")
    for before, after in (sides, sides[::-1]):
        assert weaker("AWS::SNS::Subscription", before, after) == {"subscription_filter"}


def test_an_expiry_of_other_objects_is_a_loss_in_either_direction() -> None:
    sides = expiring({**TAG, **DAY}), expiring({**TEMPORARY, **DAY})
    for before, after in (sides, sides[::-1]):
        assert weaker("AWS::S3::Bucket", before, after) == {"log_bucket_keeps_logs"}


@pytest.mark.parametrize(
    ("of", "before", "after"),
    [
        ("S3::Bucket", expiring({**EVERYTHING, **DAY}), expiring({**TEMPORARY, **DAY}, {**TAG, **DAY})),
        ("S3::Bucket", expiring({"Filter": {"Prefix": "tmp/"}, **DAY}), expiring({**TEMPORARY, **YEAR})),
        (
            "S3::Bucket",
            versions(30, 5),
            expiring({"NoncurrentVersionExpiration": {"NoncurrentDays": 31, "NewerNoncurrentVersions": 5}}),
        ),
        ("S3::Bucket", expiring({**DAY, "Status": "Disabled"}), expiring({**DAY, "Status": "Disabled", **TAG})),
        ("Events::Rule", {}, {"EventBusName": "default", "State": "ENABLED"}),
        ("CloudWatch::Alarm", summed(1, 300), summed(1, 60)),
        ("Events::Rule", targets(), targets(RetryPolicy={"MaximumRetryAttempts": 185}, DeadLetterConfig={"Arn": "q"})),
        ("SNS::Subscription", filtered(["high"]), filtered(["low", "high"])),
        ("S3::Bucket", copying(**KMS, Priority=1), copying_twice(0)),
        ("S3::Bucket", moving(365, "GLACIER"), moving(90, "DEEP_ARCHIVE")),
        ("S3::Bucket", {}, INVENTORY),
        ("S3::Bucket", encrypted("alias/aws/s3"), encrypted("arn:k")),
        ("SNS::Topic", {"KmsMasterKeyId": "alias/aws/sns"}, {"KmsMasterKeyId": "k"}),
        ("SQS::Queue", {"SqsManagedSseEnabled": True}, {"SqsManagedSseEnabled": False, "KmsMasterKeyId": "k"}),
        ("SQS::Queue", failing(3), failing(5)),
        ("Athena::WorkGroup", results("SSE_S3"), results("SSE_KMS")),
        ("Lambda::Function", {}, {"ReservedConcurrentExecutions": 1}),
        (
            "Config::ConfigurationRecorder",
            {"RecordingGroup": {"AllSupported": False, "ResourceTypes": ["a"]}},
            ALL_TYPES,
        ),
        ("Logs::SubscriptionFilter", pattern("ERROR"), pattern("")),
        ("Logs::SubscriptionFilter", pattern("ERROR"), {}),
        ("Logs::MetricFilter", pattern("{$.a=1 && $.b != 2}"), pattern('{ ($.a = 1 && $.b!=2) || ($.c = "x (y")}')),
        ("Logs::MetricFilter", pattern("{ $.a = 1 }"), pattern("{ ($.c = 2) || ($.a = 1) }")),
        ("Logs::MetricFilter", pattern("{ $.a = 1 }"), pattern("{ $.a = 1 || $.c = 2 }")),
        ("SNS::Subscription", filtered(["high"], "MessageBody"), {"FilterPolicyScope": "MessageBody"}),
        ("CloudWatch::Alarm", summed(0, 300, "GreaterThanThreshold"), summed(0, 60, "GreaterThanThreshold")),
    ],
)
def test_a_property_that_protects_as_much_is_not_weaker(of: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert weaker(f"AWS::{of}", before, after) == set()


@pytest.mark.parametrize(
    ("of", "before", "after", "control"),
    [
        ("CloudWatch::Alarm", summed(1, 60), summed(1, 60, "GreaterThanUpperThreshold"), "alarm_threshold"),
        ("CloudWatch::Alarm", summed(1, 60), {**summed(1, 60), "Threshold": "many"}, "alarm_threshold"),
        ("CloudWatch::Alarm", summed(1, 60), {**summed(1, 60), "Period": "long"}, "alarm_delay"),
        (
            "S3::Bucket",
            {},
            {"PublicAccessBlockConfiguration": {"BlockPublicAcls": "maybe"}},
            "log_bucket_blocks_public_access",
        ),
        ("S3::Bucket", {}, {"LifecycleConfiguration": {"Rules": "none"}}, "log_bucket_keeps_logs"),
        ("S3::Bucket", {}, copying() | {"LifecycleConfiguration": {"Rules": [1]}}, "log_bucket_keeps_logs"),
    ],
)
def test_a_value_that_has_another_form_cannot_be_compared_and_ends_nothing(
    of: str, before: dict[str, Any], after: dict[str, Any], control: str
) -> None:
    assert control in weaker(f"AWS::{of}", before, after)
