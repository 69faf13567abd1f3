"""What names or writes the same in another way, and what only seems to."""

import copy
from typing import Any

import pytest

from tests.securetrail.review.losses.templates import objections, resource

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


def view(*, table: bool = True, query: str = "SELECT 1 FROM cloudtrail_logs", place: str = "${Logs}") -> Json:
    look = {"Name": "cloudtrail_logs", "StorageDescriptor": {"Location": {"Fn::Sub": f"s3://{place}/AWSLogs/"}}}
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
