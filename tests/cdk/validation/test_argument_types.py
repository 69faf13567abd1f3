"""An argument of the wrong type is refused by its name, with what is allowed, wherever it is given."""

import ast
import inspect
import re
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
    Alerts,
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
    Operator,
    Recording,
    ReplicaTarget,
    SecureTrail,
    required_bucket_policy,
)
from constructs_lib.validation.renamed import RENAMED
from tests.cdk.conftest import ROOT, new_app
from tests.cdk.props import GROUPS, props_of

DAYS, ARN = cdk.Duration.days, "arn:aws:sns:us-east-1:111122223333:topic"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/imported"

# The prop or the field of a group, and values that it is not.
WRONG_PROPS: list[tuple[str, Any]] = [
    ("profile", "compliance"),
    ("profile", "LAB"),
    ("profile", None),
    ("trail_name", 5),
    ("organization", "o-abcdefghij"),
    ("organization__organization_id", 123),
    ("recording", [EventSelector.management()]),
    ("recording__event_selectors", EventSelector.management()),
    ("recording__event_selectors", ["x"]),
    ("recording__insights", Insight(InsightType.API_CALL_RATE)),
    ("recording__insights", [InsightType.API_CALL_RATE]),
    ("recording__insights", None),
    ("recording__aggregation", ["API_ACTIVITY"]),
    ("encryption_key", "arn:aws:kms:…"),
    ("encryption_key", "alias/logs"),
    ("encryption_key__alias", 5),
    ("encryption_key__pending_window", 7),
    ("log_bucket", "my-bucket"),
    ("log_bucket", LogRetention()),
    ("log_bucket", ReplicaTarget("arn:aws:s3:::copies", KEY_ARN, "us-east-1")),
    ("encryption_key", ReplicaTarget("arn:aws:s3:::copies", KEY_ARN, "us-east-1")),
    ("log_bucket__bucket_name", b"logs"),
    ("log_bucket__access_log_bucket", "my-bucket"),
    ("log_bucket__access_log_bucket", None),
    ("log_bucket__access_log_bucket__expiration", 365),
    ("log_bucket__retention", DAYS(365)),
    ("log_bucket__retention__expiration", 365),
    ("log_bucket__retention__transitions", None),
    ("log_bucket__retention__transitions", [{"storage_class": s3.StorageClass.GLACIER}]),
    ("log_bucket__retention__noncurrent_version_expiration", "365"),
    ("log_bucket__retention__object_lock", DAYS(3)),
    ("log_bucket__replica", True),
    ("log_bucket__replica", 0),
    ("log_bucket__replica__target", "arn:aws:s3:::copies"),
    ("s3_key_prefix", ["audit"]),
    ("cloudwatch", True),
    ("cloudwatch", "False"),
    ("cloudwatch__retention", 365),
    ("cloudwatch__cis_alarms", "yes"),
    ("cloudwatch__log_group", "/shared/audit"),
    ("cloudwatch__role", ARN),
    ("alerts", True),
    ("alerts", 0),
    ("alerts", CloudWatchLogs()),
    ("alerts__topic", ARN),
    ("alerts__on_tampering", 1),
    ("alerts__emails", "security@example.com"),
    ("alerts__webhooks", "https://alerts.example.com"),
    ("alerts__slack_channels", "C0123ABCD"),
    ("delivery_notifications", True),
    ("delivery_notifications", False),
    ("delivery_notifications__topic", ARN),
    ("analytics", "no"),
    ("analytics", False),
    ("analytics__regions", "eu-west-1"),
    ("analytics__scan_limit_mebibytes", "100"),
    ("analytics__scan_limit_mebibytes", 10.5),
    ("analytics__scan_limit_mebibytes", True),
    ("analytics__scan_limit_mebibytes", None),
    ("break_glass_principal_arns", "arn:aws:iam::111122223333:role/BreakGlass"),
    ("break_glass_principal_arns", [None]),
    ("tags", {"a": 1}),
    ("tags", [("a", "b")]),
    ("removal_policy", "DESTROY"),
]


def named(field: str) -> str:
    """What a message calls a field."""
    group, _, name = field.rpartition("__")
    return f"{GROUPS[group].__name__}.{name}" if group else name


@pytest.mark.parametrize(("prop", "value"), WRONG_PROPS, ids=[f"{prop}-{value!r:.20}" for prop, value in WRONG_PROPS])
def test_a_prop_of_the_wrong_type_is_refused(stack: cdk.Stack, prop: str, value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{re.escape(named(prop))} is .*\. Allowed: .+\. Fix: pass for example ."):
        SecureTrail(stack, "SecureTrail", **props_of({prop: value}))


@pytest.mark.parametrize(
    "prop",
    [
        *("encryption_key", "log_bucket", "log_bucket__access_log_bucket", "alerts__topic"),
        *("delivery_notifications__topic", "analytics__access_log_bucket"),
    ],
)
def test_a_construct_of_the_wrong_kind_is_refused(stack: cdk.Stack, prop: str) -> None:
    wrong = s3.Bucket(stack, "Bucket") if prop == "encryption_key" else kms.Key.from_key_arn(stack, "Key", KEY_ARN)

    with pytest.raises(
        TypeError, match=rf"^{re.escape(named(prop))} is .*Allowed: \w+\.I(Key|Bucket|Topic) or .*Fix: "
    ):
        SecureTrail(stack, "SecureTrail", **props_of({prop: wrong}))


def replica(**props: Any) -> Callable[[], object]:
    return lambda: LogReplica(cdk.Stack(new_app(), "Stack"), "Replica", **props)


def alarm(**arguments: Any) -> Callable[[], object]:
    def make() -> object:
        trail = SecureTrail(cdk.Stack(new_app(), "Stack"), "T", cloudwatch=CloudWatchLogs(), alerts=Alerts())
        return trail.alarm_on("Mine", **{"filter_pattern": "{($.eventName=X)}", "description": "Mine", **arguments})

    return make


LOOSE: Any = EventSelector  # without mypy, as most who call it
WRONG_CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "reads": (lambda: LOOSE.management(read_write="READ_ONLY"), "read_write is 'READ_ONLY'"),
    "one source": (lambda: LOOSE.management(exclude_event_sources="kms.amazonaws.com"), "exclude_event_sources is"),
    "no type": (lambda: LOOSE.data(None), "resource_type is None"),
    "an ARN for a bucket": (lambda: LOOSE.s3_objects("arn:aws:s3:::b"), r"buckets is \('arn:aws:s3:::b',\)"),
    "no source": (lambda: LOOSE.network_activity(5), "event_source is 5"),
    "denied": (lambda: LOOSE.network_activity("s3.amazonaws.com", only_denied="no"), "only_denied is 'no'"),
    "category": (lambda: LOOSE("Mine", "Data"), "EventSelector.category is 'Data'"),
    "operator": (lambda: Condition("eventName", "equal_to", ("x",)), "Condition.operator is 'equal_to'"),  # type: ignore[arg-type]
    "one value": (lambda: Condition("eventName", Operator.EQUALS, "x"), "Condition.values is 'x'"),  # type: ignore[arg-type]
    "insight": (lambda: Insight("ApiCallRateInsight"), "Insight.type is 'ApiCall"),  # type: ignore[arg-type]
    "one category": (
        lambda: Insight(InsightType.API_CALL_RATE, EventCategory.DATA),  # type: ignore[arg-type]
        "Insight.categories is <EventCategory",
    ),
    "target": (lambda: ReplicaTarget(s3, "arn", "eu-west-1"), "ReplicaTarget.bucket_arn is <module"),  # type: ignore[arg-type]
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


def signature_of(call: Callable[..., object]) -> inspect.Signature:
    """The parameters; of a class those of its initializer, for a construct's class hides them."""
    return inspect.signature(call.__init__ if isinstance(call, type) else call)  # type: ignore[misc]


def public_parameters() -> list[tuple[Callable[..., object], str]]:
    """Each call that users make, and each of its parameters."""
    made = [getattr(constructs_lib, name) for name in constructs_lib.__all__]
    calls = [each for each in made if not isinstance(each, EnumMeta)]
    builders = ["management", "data", "s3_objects", "lambda_invocations", "dynamodb_items", "network_activity"]
    calls += [*(getattr(EventSelector, name) for name in builders), SecureTrail.alarm_on]
    unchecked = {"self", "scope", "construct_id"}  # Python's and CDK's own
    return [
        (call, name)
        for call in calls
        for name in signature_of(call).parameters
        if name not in unchecked or (call is SecureTrail.alarm_on and name == "construct_id")
    ]


# What fits where something must be given.
REQUIRED: dict[str, Any] = {
    "field": "eventName",
    "operator": Operator.EQUALS,
    "values": ("DeleteObject",),
    "category": EventCategory.MANAGEMENT,
    "name": "Mine",
    "type": InsightType.API_CALL_RATE,
    "organization_id": "o-abcdefghij",
    "bucket_arn": "arn:aws:s3:::copies",
    "key_arn": KEY_ARN,
    "region": "us-east-1",
    "trail_name": "recorder",
    "trail_account": "111122223333",
    "trail_region": "us-east-1",
    "resource_type": "AWS::SQS::Queue",
    "event_source": "s3.amazonaws.com",
    "workspace_id": "T0123ABCD",
    "channel_id": "C0123ABCD",
    "construct_id": "Mine",
    "filter_pattern": "{($.eventName=X)}",
    "description": "Mine",
    "trails": [ArchivedTrail(trail_name="recorder", trail_account="111122223333", trail_region="us-east-1")],
}


@pytest.mark.parametrize(
    ("call", "parameter"),
    public_parameters(),
    ids=[f"{call.__qualname__}-{name}" for call, name in public_parameters()],
)
def test_no_argument_escapes_the_check(stack: cdk.Stack, call: Callable[..., object], parameter: str) -> None:
    parameters = signature_of(call).parameters.values()
    given = {
        each.name: REQUIRED[each.name] for each in parameters if each.name in REQUIRED and each.default is each.empty
    }
    first: tuple[object, ...] = ()
    if call in (SecureTrail, LogReplica, LogArchive):
        first = (stack,)
    elif call is SecureTrail.alarm_on:
        first = (SecureTrail(stack, "Made", cloudwatch=CloudWatchLogs(), alerts=Alerts()),)
    if signature_of(call).parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
        first = (object(),)
    else:
        given[parameter] = object()

    with pytest.raises(TypeError, match=rf"^(\w+\.)?{parameter} is .*<object .*Allowed: .+\. Fix: pass for example "):
        call(*first, **given)


@pytest.mark.parametrize("name", RENAMED)
def test_an_old_prop_is_refused_with_its_new_name(stack: cdk.Stack, name: str) -> None:
    old: dict[str, Any] = {name: None}

    with pytest.raises(TypeError, match=rf"^`{name}=` is now `{re.escape(RENAMED[name])}`.*Fix: .*UPGRADING\.md"):
        SecureTrail(stack, "SecureTrail", **old)


def test_several_old_props_are_told_at_once(stack: cdk.Stack) -> None:
    old: dict[str, Any] = {"bucket_name": "logs", "tamper_alerts": True}

    with pytest.raises(TypeError, match=r"`bucket_name=` is now .*`tamper_alerts=` is now "):
        SecureTrail(stack, "SecureTrail", **old)


@pytest.mark.parametrize("field", ["retention", "replica"])
def test_a_field_that_is_taken_for_a_prop_is_told_where_it_belongs(stack: cdk.Stack, field: str) -> None:
    props: dict[str, Any] = {field: None}

    with pytest.raises(TypeError, match=rf"^`{field}=` is a field: `log_bucket=NewBucket\({field}=.*Fix: "):
        SecureTrail(stack, "SecureTrail", **props)


@pytest.mark.parametrize("new", RENAMED.values())
def test_the_new_name_of_an_old_prop_can_be_written(new: str) -> None:
    """Each group and each of its fields that the message names is there."""
    props = signature_of(SecureTrail).parameters
    for text in re.findall(r"\w+=\w+(?:\(.*?\)+)?", new):
        statement = ast.parse(f"SecureTrail({text})".replace("(…", "('…'").replace("=…", "=None"), mode="eval").body
        assert isinstance(statement, ast.Call)
        for call in (each for each in ast.walk(statement) if isinstance(each, ast.Call)):
            known = (
                props
                if call is statement
                else inspect.signature(getattr(constructs_lib, ast.unparse(call.func))).parameters
            )
            assert {each.arg for each in call.keywords} <= set(known)


def test_upgrading_has_the_table_of_old_props() -> None:
    rows = re.findall(r"^\| `(\w+)=` \| (.*) \|$", (ROOT / "UPGRADING.md").read_text(), re.MULTILINE)

    assert [(old, new.replace("`", "")) for old, new in rows] == list(RENAMED.items())


def test_the_app_for_type_checkers_gives_every_argument_there_is() -> None:
    """tests/wheel/ lets two of them look at it."""
    given: dict[str, set[str]] = {}
    for call in ast.walk(ast.parse((ROOT / "tests/wheel/typed_app.py").read_text())):
        if isinstance(call, ast.Call):
            names = {each.arg for each in call.keywords if each.arg}
            given.setdefault(ast.unparse(call.func).rpartition(".")[2], set()).update(names)

    assert [
        (call.__qualname__, name)
        for call, name in public_parameters()
        if name not in given.get(call.__name__, ())
        and signature_of(call).parameters[name].kind is not inspect.Parameter.VAR_POSITIONAL
    ] == []


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
        alerts=Alerts(topic=sns.Topic.from_topic_arn(stack, "Topic", ARN)),
        delivery_notifications=DeliveryNotifications(topic=OwnTopic(stack, "OwnTopic")),
        recording=Recording(
            event_selectors=(
                EventSelector.s3_objects(bucket, s3.Bucket.from_bucket_name(stack, "Bucket", "bucket")),
                EventSelector.lambda_invocations(function),
                EventSelector.dynamodb_items(table),
            )
        ),
    )
