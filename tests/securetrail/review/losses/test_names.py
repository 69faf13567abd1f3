"""What names or writes the same in another way, and what only seems to."""

import copy
import dataclasses
from typing import Any

import pytest

from securetrail.review.comparison import Side, compare_sides
from securetrail.review.findings import Findings
from securetrail.review.template import Template
from tests.securetrail.review.access.stack import OWN, template
from tests.securetrail.review.losses.templates import objections, resource, side

pytestmark = pytest.mark.regular

Json = dict[str, Any]
BY: dict[str, Any] = {
    "id": {"Ref": "Own"},
    "ARN": {"Fn::GetAtt": ["Own", "Arn"]},
    "alias": "alias/own",
    "alias by Ref": {"Ref": "Name"},
    "ARN of the alias": {"Fn::Sub": "arn:aws:kms:${AWS::Region}:${AWS::AccountId}:alias/own"},
}
KEYS = {
    "Own": resource("AWS::KMS::Key", Description="d"),
    "Other": resource("AWS::KMS::Key", Description="another"),
    "Name": resource("AWS::KMS::Alias", AliasName="alias/own", TargetKeyId={"Ref": "Own"}),
}


def using(key: Any) -> Json:
    default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    return {
        **copy.deepcopy(KEYS),
        "More": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName="x", KMSKeyId=key),
        "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId=key),
        "Group": resource("AWS::Logs::LogGroup", KmsKeyId=key),
        "Bucket": resource("AWS::S3::Bucket", BucketEncryption={"ServerSideEncryptionConfiguration": [default]}),
    }


@pytest.mark.parametrize("before", BY)
@pytest.mark.parametrize("after", BY)
def test_a_key_may_be_named_in_any_way_but_a_bucket_by_no_alias(before: str, after: str) -> None:
    found = objections(using(BY[before]), using(BY[after]))

    # Whoever writes may have a key of this alias in an account of their own.
    is_looser = after.startswith("alias") and not before.startswith("alias")
    assert {where for _, where in found} == ({"Stack/Bucket"} if is_looser else set())


@pytest.mark.parametrize("before", BY)
def test_another_key_is_another_key(before: str) -> None:
    found = objections(using(BY[before]), using({"Fn::GetAtt": ["Other", "Arn"]}))

    assert {where for _, where in found} >= {"Stack/More", "Stack/Topic", "Stack/Group", "Stack/Bucket"}


def test_an_alias_that_names_another_key_renames_nothing() -> None:
    after = using("alias/own")
    after["Name"]["Properties"]["TargetKeyId"] = {"Ref": "Other"}

    assert "Stack/Name" in {where for _, where in objections(using(BY["ARN"]), after)}


def watching(*named: str) -> Json:
    pattern = {"source": ["aws.kms"], "detail": {"requestParameters": {"keyId": [BY[each] for each in named]}}}
    return {**copy.deepcopy(KEYS), "More": resource("AWS::Events::Rule", EventPattern=pattern, State="ENABLED")}


def test_a_pattern_compares_texts() -> None:
    assert objections(watching("id"), watching("id", "ARN")) == set()
    assert objections(watching("id", "ARN"), watching("id"))


@pytest.mark.parametrize(
    ("bus", "is_same"),
    [
        ("audit", True),
        ({"Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/audit"}, True),
        (f"arn:aws:events:us-east-1:{OWN}:event-bus/audit", True),
        (f"arn:aws:events:us-east-1:{OWN}:event-bus/other", False),
        (f"arn:aws:events:eu-west-1:{OWN}:event-bus/audit", False),
        ("arn:aws:events:us-east-1:999999999999:event-bus/audit", False),
    ],
)
def test_a_bus_may_be_named_by_its_arn_and_one_elsewhere_is_another(bus: Any, is_same: bool) -> None:  # noqa: FBT001
    def rule(name: Any) -> Json:
        return {"More": resource("AWS::Events::Rule", EventBusName=name, EventPattern={"source": ["a"]})}

    assert (objections(rule("audit"), rule(bus)) == set()) is is_same


METRIC = {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}]}
SIMPLE = {
    **METRIC,
    "Statistic": "Sum",
    "Period": 60,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


def math(*, stat: str = "Sum", period: int = 60, expression: str = "", **more: Any) -> Json:
    dimensions = METRIC["Dimensions"][::-1]
    asked = {"Id": "m1", "MetricStat": {"Metric": {**METRIC, "Dimensions": dimensions}, "Period": period, "Stat": stat}}
    metrics = [{**asked, "ReturnData": not expression, **more}]
    metrics += [{"Id": "e1", "Expression": expression}] if expression else []
    return {"Metrics": metrics, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}


@pytest.mark.parametrize(
    ("written", "is_same"),
    [
        (math(), True),
        (math(expression="m1"), True),
        (math(expression="m1*0"), False),
        (math(stat="Average"), False),
        (math(period=3600), False),
        (math(AccountId="999999999999"), False),
    ],
)
def test_an_alarm_may_be_written_as_metric_math(written: Json, is_same: bool) -> None:  # noqa: FBT001 (a case's)
    simple, as_math = ({"More": resource("AWS::CloudWatch::Alarm", **each)} for each in (SIMPLE, written))

    assert (objections(simple, as_math) == set()) is is_same
    if is_same:
        assert objections(as_math, simple) == set()


def counted(default: Any, statistic: str, operator: str = "GreaterThanOrEqualToThreshold") -> Json:
    metric = {"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}
    metric |= {} if default is None else {"DefaultValue": default}
    alarm = {"Namespace": "n", "MetricName": "m", "Statistic": statistic, "Threshold": 1, "Period": 300}
    return {
        "More": resource("AWS::Logs::MetricFilter", LogGroupName="g", FilterPattern="", MetricTransformations=[metric]),
        "Alarm": resource("AWS::CloudWatch::Alarm", **alarm, ComparisonOperator=operator),
    }


def test_nothing_counted_as_zero_makes_averages_smaller_and_no_sums() -> None:
    for statistic in ("Average", "Minimum"):
        assert objections(counted(None, statistic), counted(0, statistic))
    for statistic in ("Sum", "Maximum"):
        assert not objections(counted(None, statistic), counted(0, statistic))
        assert not objections(counted(0, statistic), counted(None, statistic))
    # A heartbeat that is never missing, and one that is never zero.
    assert objections(counted(0, "Sum", "LessThanThreshold"), counted(None, "Sum", "LessThanThreshold"))


def test_what_names_a_replaced_resource_is_replaced_as_well_and_so_on() -> None:
    def named(group: str) -> Json:
        metric = [{"MetricNamespace": "n", "MetricName": "m", "MetricValue": "1"}]
        return {
            "Group": resource("AWS::Logs::LogGroup", LogGroupName=group),
            "More": resource(
                "AWS::Logs::MetricFilter",
                LogGroupName={"Ref": "Group"},
                FilterName={"Fn::Sub": "of-${Group}"},
                FilterPattern="",
                MetricTransformations=metric,
            ),
            "Last": resource("AWS::SNS::Topic", TopicName={"Ref": "More"}),
            "Other": resource("AWS::SNS::Topic", TopicName="other"),
        }

    changes = compare_sides(side(named("before")), side(named("after"))).changes
    replaced = {each.resource.logical_id: each.because for each in changes if each.kind == "replaced"}
    assert {*replaced} == {"Group", "More", "Last"}
    assert "More" in replaced["Last"]


def test_a_trail_may_leave_out_what_is_delivered_to_a_bucket_that_is_new() -> None:
    def leaving_out(*places: Any, **more: Json) -> Json:
        fields: list[Json] = [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        ]
        fields += [{"Field": "resources.ARN", "NotStartsWith": [*places]}] if places else []
        selectors = [{"FieldSelectors": fields}]
        return {"More": resource("AWS::CloudTrail::Trail", IsLogging=True, AdvancedEventSelectors=selectors), **more}

    bucket = {"New": resource("AWS::S3::Bucket", BucketName="new")}
    own, elsewhere = {"Fn::Sub": "${New.Arn}/"}, "arn:aws:s3:::elsewhere/"
    for places, is_less in (
        ((own,), False),
        ((own, elsewhere), True),
        # The name of another bucket may begin like this.
        (({"Fn::GetAtt": ["New", "Arn"]},), True),
    ):
        found = {each.split(":")[0] for each, _ in objections(leaving_out(), leaving_out(*places, **bucket))}
        assert ("trail_records_events" in found) is is_less
    # What is there already was recorded.
    assert objections(leaving_out(**bucket), leaving_out(own, **bucket))
    assert objections(leaving_out(elsewhere), leaving_out(own, elsewhere, **bucket)) == set()


def test_an_alarm_that_ignores_missing_data_stays_on_once_it_went_off() -> None:
    def treating(how: str) -> Json:
        more = {"TreatMissingData": how} if how else {}
        return {"Alarm": resource("AWS::CloudWatch::Alarm", MetricName="m", Namespace="n", **more)}

    for before, after, is_less in (
        ("notBreaching", "ignore", True),
        ("", "ignore", True),
        ("ignore", "missing", False),
        ("notBreaching", "breaching", False),
        ("breaching", "notBreaching", True),
        # A heartbeat that stops.
        ("ignore", "notBreaching", True),
    ):
        expected = {("alarm_missing_data", "Stack/Alarm")} if is_less else set()
        found = {(each.split(":")[0], resource) for each, resource in objections(treating(before), treating(after))}
        assert found == expected


INLINE = [{"Protocol": "email", "Endpoint": "night@example.com"}]


def test_a_subscription_is_a_property_or_a_resource() -> None:
    own = {
        "More": resource("AWS::SNS::Topic"),
        "Told": resource("AWS::SNS::Subscription", TopicArn={"Ref": "More"}, **INLINE[0]),
    }
    inline = {"More": resource("AWS::SNS::Topic", Subscription=INLINE)}

    assert objections(own, inline) == set()
    assert objections(inline, own) == set()
    assert objections(inline, {"More": resource("AWS::SNS::Topic")})
    filtered = copy.deepcopy(own)
    filtered["Told"]["Properties"]["FilterPolicy"] = {"severity": ["high"]}
    assert objections(inline, filtered)
    assert objections(filtered, {"More": own["More"]})
    kept = copy.deepcopy(own)
    kept["Told"]["Properties"]["RedrivePolicy"] = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:failed"}
    assert objections(kept, inline)


def composite(rule: str, name: str = "root") -> Json:
    return {
        "Alarm": resource("AWS::CloudWatch::Alarm", AlarmName=name, MetricName="m", Namespace="n"),
        "More": resource("AWS::CloudWatch::CompositeAlarm", AlarmName="all", AlarmRule=rule),
    }


@pytest.mark.parametrize(
    ("after", "is_less"),
    [
        ("ALARM(root)", False),
        ('( ALARM( "root" ) )', False),
        ('ALARM("other") OR ALARM("root")', False),
        ('ALARM("root") AND ALARM("other")', True),
        ('NOT ALARM("root")', True),
        ('ALARM("other")', True),
        ('OK("root")', True),
        ('ALARM("root") OR ALARM("x") AND FALSE', True),
    ],
)
def test_a_composite_alarm_may_go_off_for_more(after: str, is_less: bool) -> None:  # noqa: FBT001 (a case's)
    assert bool(objections(composite('ALARM("root")'), composite(after))) is is_less


def test_a_composite_alarm_follows_an_alarm_that_is_renamed() -> None:
    found = objections(composite('ALARM("root")'), composite('ALARM("root-used")', "root-used"))

    assert "Stack/More" not in {where for _, where in found}


def view(
    *, table: bool = True, query: str = "SELECT 1 FROM cloudtrail_logs", place: str = "${Logs}", **more: Any
) -> Json:
    stored = {"Location": {"Fn::Sub": f"s3://{place}/AWSLogs/"}, "Columns": [{"Name": "eventname", "Type": "string"}]}
    look = {"Name": "cloudtrail_logs", "StorageDescriptor": stored, **more}
    found = {"Asks": resource("AWS::Athena::NamedQuery", Database="db", QueryString=query)} if query else {}
    return {**found, **({"More": resource("AWS::Glue::Table", DatabaseName="db", TableInput=look)} if table else {})}


def test_tables_and_queries_of_log_files_stay() -> None:
    assert objections(view(), view(query="")) == {("removed", "Stack/Asks")}
    assert ("removed", "Stack/More") in objections(view(), view(table=False))
    other = {"Renamed": view()["Asks"], "More": view()["More"]}
    assert objections(view(), other) == set()
    of_others = view(place="somewhere")
    assert objections(of_others, {}) == set()
    assert objections(view(), view(query="SELECT 2 FROM cloudtrail_logs"))
    assert objections(view(), view(query="SELECT 1\n  FROM cloudtrail_logs\n")) == set()
    commented = "SELECT 1 FROM cloudtrail_logs -- all of them\nWHERE errorcode IS NULL"
    assert objections(view(query=commented), view(query=commented.replace("\n", "\n\n  "))) == set()
    assert objections(view(query=commented), view(query=commented.replace("\n", " ")))


def test_a_table_goes_on_reading_all_log_files() -> None:
    ranged = {"projection.enabled": "true", "projection.day.range": "2020/01/01,NOW"}
    assert objections(view(Parameters=ranged), view(Parameters={**ranged, "projection.day.range": "2030/01/01,NOW"}))
    assert objections(view(Parameters=ranged), view(Parameters={"projection.day.range": "2020/01/01,NOW"}))
    for before, after, is_less in (
        ("NOW-7YEARS,NOW", "NOW-20YEARS,NOW", False),
        ("NOW-7YEARS,NOW", "NOW-3MONTHS,NOW", True),
        ("NOW-90DAYS,NOW", "NOW-4MONTHS,NOW", False),
        ("2020/01/01,NOW", "2015/12/31,NOW", False),
        ("2020/01/01,NOW", "2030/01/01,NOW", True),
        ("2020/01/01,NOW", "NOW-7YEARS,NOW", True),
        ("2020/01/01,NOW", "2015/12/31,2016/01/01", True),
    ):
        first, second = (view(Parameters={"projection.day.range": each}) for each in (before, after))
        assert bool(objections(first, second)) is is_less, (before, after)
    assert objections(view(), view(TableType="VIRTUAL_VIEW", ViewOriginalText="SELECT 1"))
    fewer = view()
    fewer["More"]["Properties"]["TableInput"]["StorageDescriptor"]["Columns"] = []
    assert objections(view(), fewer)
    assert objections(fewer, view()) == set()
    assert objections(view(), view(Description="d", Owner="me")) == set()
    elsewhere = view(place="somewhere", Parameters=ranged)
    assert objections(elsewhere, view(place="somewhere")) == set()


def filtered(pattern: str) -> Json:
    metric = [{"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}]
    return {"More": resource("AWS::Logs::MetricFilter", FilterPattern=pattern, MetricTransformations=metric)}


@pytest.mark.parametrize(
    ("before", "after", "is_less"),
    [
        ("{ $.a = 1 && $.b = 2 }", "{$.b=2&&($.a = 1)}", False),
        ("{ $.a = 1 && $.b = 2 }", "{ $.a = 1 }", False),
        ("{ $.a = 1 }", "{ $.a = 1 && $.b = 2 }", True),
        ("{ ($.a = 1) || ($.b = 2) }", "{ $.b = 2 }", True),
        ("{ ($.a = 1) || ($.b = 2) }", "{ $.c = 3 || $.b = 2 || $.a = 1 }", False),
        ("{ ($.a = 1 || $.b = 2) && $.c = 3 }", "{ ($.c = 3 && $.a = 1) || ($.c = 3 && $.b = 2) }", False),
        ("{ ($.a = 1 || $.b = 2) && $.c = 3 }", "{ $.a = 1 || $.b = 2 && $.c = 3 }", False),
        ("{ $.a = 1 || $.b = 2 && $.c = 3 }", "{ ($.a = 1 || $.b = 2) && $.c = 3 }", True),
        ('{ $.a = "x || y" }', '{ $.a = "x" }', True),
        ('{ $.a = "x" }', '{ $.a = "x || y" }', True),
        ("{ $.a = %x|y(% }", "{ $.a = %x|y(% || $.b = 2 }", False),
        ('{ $.a = "x y" }', '{  $.a  =  "x y"\n}', False),
        ('{ $.a = "x y" }', '{ $.a = "x  y" }', True),
        ("{ $.a = %x (y)% }", "{ $.a = %x(y)% }", True),
        ('ERROR "x y"', 'ERROR  "x y"', False),
        ('ERROR "x y"', 'ERROR "x  y"', True),
        ("{ $.a = 1 }", "{ $.a = 1 || }", True),
        ("{ $.a = 1 }", "{ ($.a = 1 }", True),
        ("ERROR", "ERROR -ok", True),
    ],
)
def test_a_filter_may_say_the_same_in_other_words(before: str, after: str, is_less: bool) -> None:  # noqa: FBT001
    assert bool(objections(filtered(before), filtered(after))) is is_less


def ruled(*patterns: Any, **more: Any) -> Json:
    target = {"Arn": {"Ref": "Alerts"}, "Id": "t"}
    rules = [
        resource("AWS::Events::Rule", EventPattern=each, State="ENABLED", Targets=[target], **more) for each in patterns
    ]
    return {"More": rules[0], **{f"New{number}": rule for number, rule in enumerate(rules[1:])}}


def test_one_rule_may_become_two_that_take_the_same() -> None:
    stop, delete = ({"source": ["aws.cloudtrail"], "detail": {"eventName": [each]}} for each in ("Stop", "Delete"))
    both = {"source": ["aws.cloudtrail"], "detail": {"$or": [stop["detail"], delete["detail"]]}}

    assert objections(ruled(both), ruled(stop, delete)) == set()
    assert objections(ruled(both), ruled(stop))
    disabled = ruled(stop, delete)
    disabled["New0"]["Properties"]["State"] = "DISABLED"
    assert objections(ruled(both), disabled)
    elsewhere = ruled(stop, delete)
    elsewhere["New0"]["Properties"]["Targets"] = [{"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "Id": "t"}]
    assert objections(ruled(both), elsewhere)
    was_there = {**ruled(both), "New0": ruled(delete)["More"]}
    assert objections(was_there, {**ruled(stop), "New0": ruled(delete)["More"]})


def with_parameters(parameters: Json, endpoint: Any) -> Side:
    told = resource("AWS::SNS::Subscription", TopicArn={"Ref": "Alerts"}, Protocol="email", Endpoint=endpoint)
    (made,) = side({"More": told}).templates
    return Side((dataclasses.replace(made, body={**made.body, "Parameters": parameters}),), Findings((), ()), {}, {})


def test_a_parameter_may_have_another_name() -> None:
    mail, other = {"Type": "String"}, {"Type": "String", "AllowedPattern": "x"}
    base = with_parameters({"Mail": mail}, {"Ref": "Mail"})

    def said(parameters: Json, endpoint: Any) -> bool:
        return bool(compare_sides(base, with_parameters(parameters, endpoint)).objections)

    assert not said({"Address": {**mail, "Description": "d"}}, {"Ref": "Address"})
    assert not said({"Address": mail}, {"Fn::Sub": "${Address}"})
    assert said({"Address": other}, {"Ref": "Address"})
    assert said({"Mail": mail, "Address": mail}, {"Ref": "Address"})
    # Nobody knows which of both it was.
    assert said({"Address": mail, "Another": mail}, {"Ref": "Address"})


def guardrail(*statements: Json, kind: str = "SERVICE_CONTROL_POLICY", **more: Any) -> Json:
    given = {"Name": "p", "Type": kind, "Content": {"Statement": [*statements]}, "TargetIds": ["r-1"], **more}
    return {"More": resource("AWS::Organizations::Policy", **given)}


STOP = {"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*"}
KEYS_TOO = {"Effect": "Deny", "Action": ["kms:ScheduleKeyDeletion"], "Resource": "*"}


def test_a_policy_of_the_organization_may_forbid_more() -> None:
    assert objections({}, guardrail(STOP)) == set()
    assert objections(guardrail(STOP), guardrail(STOP, KEYS_TOO)) == set()
    assert objections(guardrail(STOP), guardrail({**STOP, "Action": ["cloudtrail:StopLogging"], "Sid": "s"})) == set()
    assert objections(guardrail(STOP), guardrail({**STOP, "Action": "cloudtrail:S*"})) == set()
    assert objections(guardrail(STOP, KEYS_TOO), guardrail(STOP))
    assert objections(guardrail(STOP), guardrail({**STOP, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "no"}}}))
    assert objections(guardrail(STOP), guardrail({**STOP, "NotAction": "s3:*", "Action": None}))
    assert objections(guardrail(STOP), guardrail(STOP, TargetIds=[]))
    assert objections(guardrail(STOP), {}) == {("removed", "Stack/More")}
    only = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    assert objections(guardrail(only), guardrail({**only, "Action": ["s3:*", "cloudtrail:*"]}))
    assert objections(guardrail({**only, "Action": ["s3:*", "kms:*"]}), guardrail(only)) == set()
    # How resources are tagged is no matter of what is allowed.
    assert objections(guardrail(STOP, kind="TAG_POLICY"), guardrail(STOP, KEYS_TOO, kind="TAG_POLICY"))


def in_stacks(**stacks: Template) -> Side:
    """Stacks with the trail of the others, by what they are called in the app."""
    found = tuple(
        dataclasses.replace(each, stack=name.replace("_", "/"), body=template()) for name, each in stacks.items()
    )
    return Side(found, Findings((), ()), {}, {each.stack: True for each in found})


HERE = Template("", {}, OWN, "us-east-1", name="audit")


@pytest.mark.parametrize(
    ("base", "head", "is_one"),
    [
        (in_stacks(Audit=HERE), in_stacks(Prod_Audit=HERE), True),
        (in_stacks(Audit=HERE), in_stacks(Logs=HERE), True),
        (in_stacks(Audit=HERE), in_stacks(Logs=dataclasses.replace(HERE, name="logs")), False),
        (in_stacks(Audit=HERE), in_stacks(Logs=dataclasses.replace(HERE, region="eu-west-1")), False),
        (in_stacks(Audit=HERE), in_stacks(Logs=dataclasses.replace(HERE, account="999988887777")), False),
        # Which of two it is, nobody knows.
        (in_stacks(Audit=HERE, More=HERE), in_stacks(Logs=HERE), False),
    ],
)
def test_a_stack_is_what_cloudformation_takes_for_it(base: Side, head: Side, *, is_one: bool) -> None:
    assert (compare_sides(base, head).objections == ()) is is_one
    assert compare_sides(base, base).objections == ()


def test_no_stack_hides_another_one_by_its_name() -> None:
    nested = dataclasses.replace(HERE, name="audit-nested")
    base, head = (
        in_stacks(Audit=HERE, Audit_More=nested),
        in_stacks(Prod_Audit=HERE, Prod_Audit_More=nested, Audit_More=nested),
    )
    head.templates[1].body["Resources"]["Trail"]["Properties"]["IsLogging"] = False

    assert compare_sides(base, head).objections != ()


def test_a_stack_that_is_called_otherwise_is_compared() -> None:
    base, head = in_stacks(Audit=HERE), in_stacks(Prod_Audit=HERE)
    (changed,) = head.templates
    changed.body["Resources"]["Trail"]["Properties"]["IsLogging"] = False

    found = compare_sides(base, dataclasses.replace(head, protected={"Prod/Audit": False})).objections

    assert {(each.id.split(":")[0], each.resource) for each in found} == {
        ("trail_is_logging", "Audit/Trail"),
        ("stack_is_protected", "Audit"),
    }
