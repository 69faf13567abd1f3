"""Types that MiniStack provisions: what they honour is read back, and what they leave out is said by name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.cloudformation.coverage import limitations
from lab.instance import lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack

KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALARM = {
    "AlarmActions": [TOPIC],
    "AlarmDescription": "CIS 4.3",
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "EvaluationPeriods": 2,
    "MetricName": "RootUserUsed",
    "Namespace": "SecureTrail",
    "Period": 300,
    "Statistic": "Sum",
    "Threshold": 1.0,
    "TreatMissingData": "notBreaching",
}
NOBODY = {"Version": "2012-10-17", "Statement": []}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
RULE = {"Description": "d", "State": "DISABLED", "EventPattern": {"source": ["aws.kms"]}}
Reader = Callable[[ClientFactory, str], Any]


def metric_filter(client: ClientFactory, name: str) -> Any:
    found = client("logs").describe_metric_filters(logGroupName="/reviewed/filtered")["metricFilters"]
    return [(each["filterPattern"], each["metricTransformations"]) for each in found if each["filterName"] == name]


def repository(client: ClientFactory, name: str) -> Any:
    ecr = client("ecr")
    found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    policy = json.loads(ecr.get_repository_policy(repositoryName=name)["policyText"])
    tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    return found | ecr.get_lifecycle_policy(repositoryName=name) | {"policy": policy, "own tags": own(tags)}


def parameter(client: ClientFactory, name: str) -> Any:
    ssm = client("ssm")
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"][0]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    return described | ssm.get_parameter(Name=name)["Parameter"] | {"own tags": own(tags)}


def user(client: ClientFactory, name: str) -> Any:
    iam = client("iam")
    attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    return iam.get_user(UserName=name)["User"] | {
        "attached": [each["PolicyArn"] for each in attached],
        "in line": iam.get_user_policy(UserName=name, PolicyName="p")["PolicyDocument"],
        "own tags": own(iam.list_user_tags(UserName=name)["Tags"]),
    }


def secret(client: ClientFactory, name: str) -> Any:
    secrets = client("secretsmanager")
    described = secrets.describe_secret(SecretId=name)
    return described | secrets.get_secret_value(SecretId=name) | {"own tags": own(described["Tags"])}


def own(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


# type, properties, how to read the resource, and what is read
READ_BACK: list[tuple[str, dict[str, Any], Reader, Any]] = [
    (
        "AWS::CloudWatch::Alarm",
        ALARM,
        lambda client, name: client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0],
        ALARM,
    ),
    (
        "AWS::Events::Rule",
        RULE,
        lambda client, name: client("events").describe_rule(Name=name),
        RULE | {"EventPattern": '{"source": ["aws.kms"]}'},
    ),
    (
        "AWS::IAM::Role",
        {"AssumeRolePolicyDocument": TRUST, "Description": "d", "MaxSessionDuration": 7200, "Path": "/a/"},
        lambda client, name: client("iam").get_role(RoleName=name)["Role"],
        {"AssumeRolePolicyDocument": TRUST, "Description": "d", "MaxSessionDuration": 7200, "Path": "/a/"},
    ),
    (
        "AWS::IAM::ManagedPolicy",
        {"PolicyDocument": {"Version": "2012-10-17", "Statement": []}, "Description": "d", "Path": "/a/"},
        lambda client, arn: client("iam").get_policy(PolicyArn=arn)["Policy"],
        {"Description": "d", "Path": "/a/"},
    ),
    (
        "AWS::IAM::User",
        {"UserName": "reviewed", "Path": "/a/", "Tags": [{"Key": "a", "Value": "b"}], "ManagedPolicyArns": [READ_ONLY]}
        | {"Policies": [{"PolicyName": "p", "PolicyDocument": READ}]},
        user,
        {"UserName": "reviewed", "Path": "/a/", "own tags": {"a": "b"}, "attached": [READ_ONLY], "in line": READ},
    ),
    (
        "AWS::SecretsManager::Secret",
        {"Name": "reviewed", "Description": "d", "SecretString": "s", "Tags": [{"Key": "a", "Value": "b"}]},
        secret,
        {"Name": "reviewed", "Description": "d", "SecretString": "s", "own tags": {"a": "b"}},
    ),
    (
        "AWS::SecretsManager::Secret",  # There is no such key, so nobody reads what it encrypts.
        {"Name": "encrypted", "KmsKeyId": KEY},
        lambda client, name: client("secretsmanager").describe_secret(SecretId=name),
        {"Name": "encrypted", "KmsKeyId": KEY},
    ),
    (
        "AWS::Logs::LogGroup",
        {"LogGroupName": "/reviewed/group", "RetentionInDays": 365, "KmsKeyId": KEY},
        lambda client, name: client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"][0],
        {"retentionInDays": 365, "kmsKeyId": KEY},
    ),
    (
        "AWS::SNS::Topic",
        {"DisplayName": "Alerts", "KmsMasterKeyId": KEY},
        lambda client, arn: client("sns").get_topic_attributes(TopicArn=arn)["Attributes"],
        {"DisplayName": "Alerts", "KmsMasterKeyId": KEY},
    ),
    (
        "AWS::ECR::Repository",
        {"RepositoryName": "reviewed", "ImageTagMutability": "IMMUTABLE", "Tags": [{"Key": "a", "Value": "b"}]}
        | {"LifecyclePolicy": {"LifecyclePolicyText": '{"rules": []}'}, "RepositoryPolicyText": NOBODY},
        repository,
        {"imageTagMutability": "IMMUTABLE", "lifecyclePolicyText": '{"rules": []}', "policy": NOBODY}
        | {"own tags": {"a": "b"}},
    ),
    (
        "AWS::SSM::Parameter",
        {"Name": "/reviewed/version", "Type": "String", "Value": "31", "Description": "d", "Tags": {"a": "b"}},
        parameter,
        {"Name": "/reviewed/version", "Type": "String", "Value": "31", "Description": "d", "own tags": {"a": "b"}},
    ),
]


@pytest.mark.parametrize(("kind", "properties", "read", "expected"), READ_BACK, ids=[row[0] for row in READ_BACK])
def test_what_a_covered_type_honours_is_read_back(
    stack: Stack, client: ClientFactory, kind: str, properties: dict[str, Any], read: Reader, expected: dict[str, Any]
) -> None:
    assert stack.deploy({"Thing": {"Type": kind, "Properties": properties}}) == "CREATE_COMPLETE", stack.failures()

    found = read(client, stack.physical_id("Thing"))

    assert {name: found.get(name) for name in expected} == expected
    assert list(limitations(kind, properties)) == []


def test_a_metric_filter_is_read_back(stack: Stack, client: ClientFactory) -> None:
    change = {"MetricName": "RootUserUsed", "MetricNamespace": "SecureTrail", "MetricValue": "1"}
    properties = {"LogGroupName": {"Ref": "Group"}, "FilterPattern": "{$.a=1}", "MetricTransformations": [change]}
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/reviewed/filtered"}}

    stack.deploy({"Group": group, "Filter": {"Type": "AWS::Logs::MetricFilter", "Properties": properties}})

    expected = {name[0].lower() + name[1:]: value for name, value in change.items()}
    assert metric_filter(client, stack.physical_id("Filter")) == [("{$.a=1}", [expected])]


def test_a_policy_in_line_of_a_role_is_read_back(stack: Stack, client: ClientFactory) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    properties = {"PolicyName": "p", "PolicyDocument": READ, "Roles": [{"Ref": "Role"}]}

    stack.deploy({"Role": role, "Policy": {"Type": "AWS::IAM::Policy", "Properties": properties}})

    found = client("iam").get_role_policy(RoleName=stack.physical_id("Role"), PolicyName="p")
    assert found["PolicyDocument"] == READ


def test_the_key_of_a_topic_is_set_changed_and_removed(stack: Stack, client: ClientFactory) -> None:
    for key in (KEY, f"{KEY[:-1]}6", ""):
        stack.deploy({"T": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": key} if key else {}}})

        attributes = client("sns").get_topic_attributes(TopicArn=stack.physical_id("T"))["Attributes"]
        assert attributes.get("KmsMasterKeyId", "") == key
        assert stack.failures() == []


def test_a_topic_policy_in_which_two_statements_have_one_sid_is_rejected(stack: Stack) -> None:
    def policy(*sids: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
        statements = [{**statement, "Sid": sid, "Resource": {"Ref": "T"}} for sid in sids]
        document = {"Version": "2012-10-17", "Statement": statements}
        return {"Type": "AWS::SNS::TopicPolicy", "Properties": {"PolicyDocument": document, "Topics": [{"Ref": "T"}]}}

    assert stack.deploy({"T": {"Type": "AWS::SNS::Topic"}, "P": policy("One", "Two")}) == "CREATE_COMPLETE"
    assert stack.deploy({"T": {"Type": "AWS::SNS::Topic"}, "P": policy("One", "One")}).startswith("UPDATE_ROLLBACK")
    assert any("the Sid One stands there 2 times" in each for each in stack.failures())


def test_a_property_that_a_covered_type_ignores_is_named(stack: Stack, lab: Lab) -> None:
    properties = {"AssumeRolePolicyDocument": TRUST, "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}

    stack.deploy({"Role": {"Type": "AWS::IAM::Role", "Properties": properties}})

    status = lifecycle.ask(lab)
    assert status is not None
    assert "The lab ignores PermissionsBoundary of AWS::IAM::Role." in status.warnings


def test_an_alarm_on_metric_math_is_there_and_never_goes_off(stack: Stack, client: ClientFactory, lab: Lab) -> None:
    def alarm(metrics: list[dict[str, Any]]) -> dict[str, Any]:
        kept = {name: each for name, each in ALARM.items() if name not in ("MetricName", "Namespace", "Period")}
        kept["EvaluationWindow"] = {"WallClockWindow": {"Timezone": "UTC"}}
        return {"Thing": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**kept, "Metrics": metrics}}}

    counted = {"MetricStat": {"Metric": {"Namespace": "Own", "MetricName": "Failures"}, "Period": 60, "Stat": "Sum"}}
    for expression in ("FILL(m, 0)", "2 * m"):
        status = stack.deploy(
            alarm([{"Id": "m", **counted, "ReturnData": False}, {"Id": "e", "Expression": expression}])
        )
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()
    client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[{"MetricName": "Failures", "Value": 9}])

    (found,) = client("cloudwatch").describe_alarms(AlarmNames=[stack.physical_id("Thing")])["MetricAlarms"]
    assert (found["MetricName"], found["StateValue"]) == ("2 * m", "INSUFFICIENT_DATA")
    asked = lifecycle.ask(lab)
    assert asked is not None
    assert "The lab has no metric math: an alarm on it stays quiet." in asked.warnings
    assert not any("EvaluationWindow" in each for each in asked.warnings)


def test_what_cloudtrail_does_not_feed_is_named() -> None:
    rule = {"EventPattern": {"source": ["aws.kms"]}, "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}
    assert list(limitations("AWS::Events::Rule", rule)) == [
        "The lab treats a rule in the state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS as disabled."
    ]
    assert list(limitations("AWS::Events::Rule", {**rule, "State": "ENABLED"})) == []
    trail = {"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:g:*"}
    assert [each.partition(":")[0] for each in limitations("AWS::CloudTrail::Trail", trail)] == [
        "CloudTrail in the lab does not write to CloudWatch Logs"
    ]
    assert list(limitations("AWS::CloudTrail::Trail", {})) == []


def test_an_access_key_works_is_another_one_after_its_serial_grows_and_goes_with_the_stack(
    stack: Stack, client: ClientFactory
) -> None:
    iam = client("iam")

    def key(serial: int) -> str:
        user = {"Type": "AWS::IAM::User", "Properties": {"UserName": stack.name}}
        properties = {"UserName": {"Ref": "User"}, "Serial": serial}
        secret = {"Value": {"Fn::GetAtt": ["Key", "SecretAccessKey"]}}
        stack.deploy(
            {"User": user, "Key": {"Type": "AWS::IAM::AccessKey", "Properties": properties}}, Outputs={"S": secret}
        )
        return stack.physical_id("Key")

    def keys() -> list[str]:
        return [each["AccessKeyId"] for each in iam.list_access_keys(UserName=stack.name)["AccessKeyMetadata"]]

    first = key(1)
    own = {"aws_access_key_id": first, "aws_secret_access_key": stack.outputs()["S"]}
    assert client("sts", **own).get_caller_identity()["Arn"].endswith(f":user/{stack.name}")
    assert keys() == [first]

    second = key(2)
    assert keys() == [second] != [first]
    assert key(1) == second
    assert "Serial was 2 and can only become greater, not 1" in stack.failures()[-1]

    assert stack.delete() == "DELETE_COMPLETE"
    assert stack.name not in [each["UserName"] for each in iam.list_users()["Users"]]
