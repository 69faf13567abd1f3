"""An argument of the wrong type is refused by its name, with what is allowed, wherever it is given."""

import inspect
from collections.abc import Callable
from enum import EnumMeta
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

import constructs_lib
from constructs_lib import (
    Condition,
    EventCategory,
    EventSelector,
    Insight,
    InsightType,
    LogReplica,
    Operator,
    ReplicaTarget,
    SecureTrail,
    required_bucket_policy,
)
from constructs_lib.validation import argument_types
from tests.cdk.conftest import new_app

DAYS, ARN = cdk.Duration.days, "arn:aws:sns:us-east-1:111122223333:topic"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/imported"

# The prop, and values that it is not.
WRONG_PROPS: list[tuple[str, Any]] = [
    ("profile", "compliance"),
    ("profile", "LAB"),
    ("profile", None),
    ("trail_name", 5),
    ("bucket_name", b"logs"),
    ("key_alias", 5),
    ("s3_key_prefix", ["audit"]),
    ("organization_id", 123),
    ("management_account_id", 111122223333),
    ("encryption_key", "arn:aws:kms:…"),
    ("log_bucket", "my-bucket"),
    ("access_log_bucket", "my-bucket"),
    ("event_selectors", EventSelector.management()),
    ("event_selectors", ["x"]),
    ("insights", Insight(InsightType.API_CALL_RATE)),
    ("insights", [InsightType.API_CALL_RATE]),
    ("insights", None),
    ("aggregation", ["API_ACTIVITY"]),
    ("send_to_cloud_watch_logs", "False"),
    ("cloud_watch_logs_retention", 365),
    ("delivery_notifications", 1),
    ("delivery_topic", ARN),
    ("log_expiration", 365),
    ("log_transitions", None),
    ("log_transitions", [{"storage_class": s3.StorageClass.GLACIER}]),
    ("noncurrent_version_expiration", "365"),
    ("object_lock", DAYS(3)),
    ("break_glass_principal_arns", "arn:aws:iam::111122223333:role/BreakGlass"),
    ("break_glass_principal_arns", [None]),
    ("replicate_logs", 0),
    ("replica_target", "arn:aws:s3:::copies"),
    ("tamper_alerts", 1),
    ("cis_alarms", "yes"),
    ("alert_topic", ARN),
    ("log_analytics", "no"),
    ("log_analytics", None),
    ("analytics_regions", "eu-west-1"),
    ("scan_limit_mebibytes", "100"),
    ("scan_limit_mebibytes", 10.5),
    ("scan_limit_mebibytes", True),
    ("access_log_expiration", 365),
    ("key_pending_window", 7),
    ("tags", {"a": 1}),
    ("tags", [("a", "b")]),
    ("removal_policy", "DESTROY"),
]


@pytest.mark.parametrize(("prop", "value"), WRONG_PROPS, ids=[f"{prop}-{value!r:.20}" for prop, value in WRONG_PROPS])
def test_a_prop_of_the_wrong_type_is_refused(stack: cdk.Stack, prop: str, value: Any) -> None:
    props: dict[str, Any] = {prop: value}

    with pytest.raises(TypeError, match=rf"^{prop} is .*\. Allowed: .+\. Fix: pass for example ."):
        SecureTrail(stack, "SecureTrail", **props)


@pytest.mark.parametrize("prop", ["encryption_key", "log_bucket", "access_log_bucket", "alert_topic", "delivery_topic"])
def test_a_construct_of_the_wrong_kind_is_refused(stack: cdk.Stack, prop: str) -> None:
    wrong = s3.Bucket(stack, "Bucket") if prop == "encryption_key" else kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    props: dict[str, Any] = {prop: wrong}

    with pytest.raises(TypeError, match=rf"^{prop} is .*Allowed: \w+\.I(Key|Bucket|Topic) or None\. Fix: "):
        SecureTrail(stack, "SecureTrail", **props)


def replica(**props: Any) -> Callable[[], object]:
    return lambda: LogReplica(cdk.Stack(new_app(), "Stack"), "Replica", **props)


def alarm(**arguments: Any) -> Callable[[], object]:
    def make() -> object:
        trail = SecureTrail(cdk.Stack(new_app(), "Stack"), "T", send_to_cloud_watch_logs=True, tamper_alerts=True)
        return trail.alarm_on("Mine", **{"filter_pattern": "{($.eventName=X)}", "description": "Mine", **arguments})

    return make


LOOSE: Any = EventSelector  # without mypy, as most who call it
WRONG_CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "reads": (lambda: LOOSE.management(read_write="READ_ONLY"), "read_write is 'READ_ONLY'"),
    "one source": (lambda: LOOSE.management(exclude_event_sources="kms.amazonaws.com"), "exclude_event_sources is"),
    "no type": (lambda: LOOSE.data(None), "resource_type is None"),
    "an ARN for a bucket": (lambda: LOOSE.s3_objects("arn:aws:s3:::b"), "buckets is 'arn:aws:s3:::b'"),
    "no source": (lambda: LOOSE.network_activity(5), "event_source is 5"),
    "denied": (lambda: LOOSE.network_activity("s3.amazonaws.com", only_denied="no"), "only_denied is 'no'"),
    "category": (lambda: LOOSE("Mine", "Data"), "category is 'Data'"),
    "operator": (lambda: Condition("eventName", "equal_to", ("x",)), "operator is 'equal_to'"),  # type: ignore[arg-type]
    "one value": (lambda: Condition("eventName", Operator.EQUALS, "x"), "values is 'x'"),  # type: ignore[arg-type]
    "insight": (lambda: Insight("ApiCallRateInsight"), "type is 'ApiCall"),  # type: ignore[arg-type]
    "one category": (
        lambda: Insight(InsightType.API_CALL_RATE, EventCategory.DATA),  # type: ignore[arg-type]
        "categories is <EventCategory",
    ),
    "target": (lambda: ReplicaTarget(s3, "arn", "eu-west-1"), "bucket_arn is <module"),  # type: ignore[arg-type]
    "replica's name": (replica(bucket_name=5), "bucket_name is 5"),
    "replica's access logs": (replica(access_log_bucket="x"), "access_log_bucket is 'x'"),
    "replica's lock": (replica(object_lock=DAYS(1)), "object_lock is <"),
    "threshold": (alarm(threshold="3"), "threshold is '3'"),
    "period": (alarm(period=300), "period is 300"),
    "pattern": (alarm(filter_pattern=None), "filter_pattern is None"),
    "archive's account": (
        lambda: required_bucket_policy(
            bucket_arn="arn:aws:s3:::b",
            trail_name="recorder",
            trail_account=111122223333,  # type: ignore[arg-type]
            trail_region="us-east-1",
        ),
        "trail_account is 111122223333",
    ),
}


@pytest.mark.parametrize(("make", "words"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_an_argument_of_the_wrong_type_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError, match=rf"^{words}.*Allowed: .+\. Fix: "):
        make()


def test_no_prop_escapes_the_check() -> None:
    """Each annotation in use is one that the check can read: none slips through for want of an example."""
    annotations = {
        annotation
        for made in (getattr(constructs_lib, name) for name in constructs_lib.__all__)
        if not isinstance(made, EnumMeta)
        for name, annotation in inspect.get_annotations(made if inspect.isfunction(made) else made.__init__).items()
        if name not in ("return", "self", "scope")
    }

    for annotation in annotations:
        with pytest.raises(TypeError, match=r"^prop is <object .*Fix: "):
            argument_types._check("prop", object(), annotation)


@pytest.mark.parametrize(
    "annotation",
    ["sns.Topic", "int | str", "Sequence[ec2.IVpc]", "list[str]", "Mapping[str, int]", "Literal['a'] | None"],
)
def test_a_type_that_cannot_be_checked_is_an_error_where_it_is_written(annotation: str) -> None:
    def create(prop: object) -> object:
        return prop

    create.__annotations__["prop"] = annotation

    with pytest.raises(TypeError, match=r"create\(prop\) is annotated .*Fix: add .* and an example to _EXAMPLES in"):
        argument_types.typed(create)


def test_a_field_of_a_type_that_cannot_be_checked_is_an_error() -> None:
    class Setting:
        name: str
        network: "ec2.IVpc"  # type: ignore[name-defined]  # noqa: F821

        def __init__(self) -> None:
            self.name, self.network = "a", None
            argument_types.check_fields(self)

    # As ``from __future__ import annotations`` leaves it, as in every module of the construct.
    Setting.__annotations__["name"] = "str"
    with pytest.raises(TypeError, match=r"Setting\.network is annotated ec2\.IVpc"):
        Setting()


def test_pythons_own_errors_stay(stack: cdk.Stack) -> None:
    props: dict[str, Any] = {"trail_nam": "recorder"}

    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'trail_nam'"):
        SecureTrail(stack, "SecureTrail", **props)


def test_whatever_cdk_hands_out_for_a_construct_is_one(stack: cdk.Stack) -> None:
    """Python sees classes, subclasses, and proxies of several kinds that share no class."""

    class OwnTopic(sns.Topic):
        pass

    bucket = s3.Bucket.from_cfn_bucket(s3.CfnBucket(stack, "CfnBucket"))
    function = lambda_.Function.from_function_name(stack, "Function", "function")
    table = dynamodb.Table.from_table_name(stack, "Table", "table")

    SecureTrail(
        stack,
        "SecureTrail",
        log_bucket=bucket,
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
        alert_topic=sns.Topic.from_topic_arn(stack, "Topic", ARN),
        tamper_alerts=True,
        delivery_topic=OwnTopic(stack, "OwnTopic"),
        event_selectors=(
            EventSelector.s3_objects(bucket, s3.Bucket.from_bucket_name(stack, "Bucket", "bucket")),
            EventSelector.lambda_invocations(function),
            EventSelector.dynamodb_items(table),
        ),
    )
