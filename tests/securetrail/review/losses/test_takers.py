"""What a new role or consumer may take from log files, alerts and roles that were there before."""

import copy
from typing import Any

import pytest

from tests.securetrail.review.access.stack import OWN, ROOT
from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular

Json = dict[str, Any]
LOGS = {"Fn::Join": ["", [{"Fn::GetAtt": ["Logs", "Arn"]}, "/*"]]}
QUEUE = {"Fn::GetAtt": ["Queue", "Arn"]}
ALERTS = {
    "Subscribed": resource("AWS::SNS::Subscription", TopicArn={"Ref": "Alerts"}, Protocol="sqs", Endpoint=QUEUE),
    "Reports": resource("AWS::S3::Bucket", BucketName="reports"),
    "Jobs": resource("AWS::SQS::Queue"),
}


def role(*statements: Json, trusts: Any = None, **more: Any) -> Json:
    trust = {"Effect": "Allow", "Principal": trusts or {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [*statements]}}] if statements else []
    return resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [trust]}, Policies=policies, **more)


def allow(action: Any, on: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": on}


DEPLOYER = role(allow("cloudtrail:StopLogging", "*"), trusts=ROOT)
READER = role(allow("s3:GetObject", "*"), trusts=ROOT)


def said(new: Json) -> set[str]:
    before = {**ALERTS, "Deployer": DEPLOYER, "Assumable": READER}
    return {each for each, where in objections(before, {**before, "More": new}) if where == "Stack/More"}


@pytest.mark.parametrize(
    ("actions", "on"),
    [
        ("s3:PutObject", LOGS),
        ("s3:PutObject", "*"),
        (["s3:Put*"], "arn:aws:s3:::*/*"),
        ("s3:ReplicateDelete", LOGS),
        ("sqs:DeleteMessage", QUEUE),
        ("sqs:*", "*"),
        ("sts:AssumeRole", {"Fn::GetAtt": ["Deployer", "Arn"]}),
        ("sts:AssumeRole", "*"),
        ("sts:*", f"arn:aws:iam::{OWN}:role/cdk-*"),
        ("sts:AssumeRole", "arn:aws:iam::*:role/OrganizationAccountAccessRole"),
    ],
)
def test_a_new_role_may_not_take_what_protects(actions: Any, on: Any) -> None:
    assert any(each.startswith("newly_allowed") for each in said(role(allow(actions, on))))


@pytest.mark.parametrize(
    ("actions", "on"),
    [
        ("s3:GetObject", LOGS),
        ("s3:PutObject", "arn:aws:s3:::reports/*"),
        ("s3:PutObject", {"Fn::Sub": "${Reports.Arn}/*"}),
        (["sqs:ReceiveMessage", "sqs:DeleteMessage"], {"Fn::GetAtt": ["Jobs", "Arn"]}),
        ("sqs:SendMessage", QUEUE),
        ("sts:AssumeRole", {"Fn::GetAtt": ["Assumable", "Arn"]}),
        ("sts:AssumeRole", {"Fn::GetAtt": ["Worker", "Arn"]}),
        ("sts:AssumeRole", "arn:aws:iam::999999999999:role/theirs"),
        ("sts:GetCallerIdentity", "*"),
    ],
)
def test_a_new_role_may_do_its_own_work(actions: Any, on: Any) -> None:
    assert said(role(allow(actions, on))) == set()


def test_what_is_denied_takes_nothing() -> None:
    everything = allow("s3:PutObject", "*")

    ways = [LOGS, "arn:aws:s3:*:*:accesspoint/*"]
    assert said(role(everything, {**allow("s3:PutObject", ways), "Effect": "Deny"})) == set()
    assert said(role(everything, {**allow("s3:PutObject", ways[:1]), "Effect": "Deny"})) != set()


def mapping(queue: str, function: str = "Function") -> Json:
    source = {"Fn::GetAtt": [queue, "Arn"]}
    return resource("AWS::Lambda::EventSourceMapping", EventSourceArn=source, FunctionName={"Ref": function})


def test_a_new_consumer_takes_alerts_away() -> None:
    pipe = resource("AWS::Pipes::Pipe", Source=QUEUE, Target={"Fn::GetAtt": ["Jobs", "Arn"]}, RoleArn="r")

    assert any(each.startswith("newly_allowed") for each in said(mapping("Queue")))
    assert any(each.startswith("newly_allowed") for each in said(pipe))
    assert said(mapping("Jobs")) == set()


def test_the_same_consumer_may_have_another_name() -> None:
    before = {**ALERTS, "Feeds": mapping("Queue")}
    after = {**copy.deepcopy(ALERTS), "FeedsNow": mapping("Queue")}
    after["FeedsNow"]["Properties"]["BatchSize"] = 1

    assert {each for each, where in objections(before, after) if "FeedsNow" in where} == set()


def test_two_policies_of_one_topic_are_an_objection() -> None:
    policy = {"Statement": [{**allow("sns:Publish", "*"), "Principal": {"Service": "budgets.amazonaws.com"}}]}
    second = resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "Alerts"}], PolicyDocument=policy)

    assert ("access_not_comparable", "Stack/Alerts") in {
        (each.partition(":")[0], where) for each, where in objections(ALERTS, {**ALERTS, "More": second})
    }


@pytest.mark.parametrize("of", ["Transfer::User", "EKS::PodIdentityAssociation"])
def test_who_takes_a_role_by_no_policy_is_seen_by_nobody(of: str) -> None:
    name = "Role" if of == "Transfer::User" else "RoleArn"

    def given(to: str) -> Json:
        return resource(f"AWS::{of}", **{name: {"Fn::GetAtt": [to, "Arn"]}})

    before = {**ALERTS, "Deployer": DEPLOYER}
    assert {each.partition(":")[0] for each, _ in objections(before, {**before, "More": given("Deployer")})} == {
        "access_not_comparable"
    }
    new = {**before, "Newer": role(allow("s3:GetObject", "arn:aws:s3:::reports/*")), "More": given("Newer")}
    assert objections(before, new) == set()


AWS = "arn:aws:iam::aws:policy"


@pytest.mark.parametrize(
    "name",
    [
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaVPCAccessExecutionRole",
        "service-role/AmazonECSTaskExecutionRolePolicy",
        "AmazonSSMManagedInstanceCore",
        "ReadOnlyAccess",
        "SecurityAudit",
    ],
)
def test_a_new_role_may_have_a_policy_of_aws_that_takes_nothing(name: str) -> None:
    assert said(role(ManagedPolicyArns=[f"{AWS}/{name}"])) == set()


@pytest.mark.parametrize(
    "arn",
    [
        f"{AWS}/AdministratorAccess",
        f"{AWS}/PowerUserAccess",
        f"{AWS}/service-role/AWSLambdaSQSQueueExecutionRole",
        f"arn:aws:iam::{OWN}:policy/ReadOnlyAccess",
        f"{AWS}/unheard-of/AWSLambdaBasicExecutionRole",
    ],
)
def test_a_new_role_may_have_no_policy_that_takes_something_or_that_nobody_knows(arn: str) -> None:
    assert any(each.startswith("newly_allowed") for each in said(role(ManagedPolicyArns=[arn])))


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject"])
def test_an_access_point_of_a_bucket_is_another_way_to_what_was_there(action: str) -> None:
    def added(bucket: str) -> set[str]:
        point = resource("AWS::S3::AccessPoint", Name="way", Bucket={"Ref": bucket})
        on = {"Fn::Sub": "arn:aws:s3:${AWS::Region}:${AWS::AccountId}:accesspoint/way/object/*"}
        after = {**ALERTS, "Way": point, "Another": resource("AWS::S3::Bucket"), "More": role(allow(action, on))}
        return {each.partition(":")[0] for each, where in objections(ALERTS, after) if where == "Stack/More"}

    assert added("Logs") == {"newly_allowed"}
    assert added("Another") == set()


def method(role_name: str, **more: Any) -> Json:
    integration = {"Type": "AWS", "Credentials": {"Fn::GetAtt": [role_name, "Arn"]}}
    return resource("AWS::ApiGateway::Method", HttpMethod="GET", Integration=integration, **more)


READS_LOGS, READS_NOTHING = role(allow("s3:GetObject", LOGS)), role(allow("s3:GetObject", "arn:aws:s3:::site/*"))


@pytest.mark.parametrize(
    ("before", "after", "is_open"),
    [
        ({}, {"Method": method("Reader")}, True),
        ({"Method": method("Other")}, {"Method": method("Reader")}, True),
        ({"Method": method("Other")}, {"Other": READS_LOGS}, True),
        ({"Method": method("Reader", AuthorizationType="AWS_IAM")}, {"Method": method("Reader")}, True),
        ({}, {"Method": method("Reader", AuthorizationType="AWS_IAM")}, False),
        ({}, {"Method": method("Other")}, False),
        ({"Method": method("Reader")}, {"Method": method("Reader", OperationName="read")}, False),
    ],
)
def test_nobody_reads_log_files_by_a_method_that_asks_nobody(before: Json, after: Json, is_open: bool) -> None:  # noqa: FBT001 (a case's)
    base = {"Reader": READS_LOGS, "Other": READS_NOTHING, **before}
    found = {each for each in objections(base, {**base, **after}) if each[0].startswith("newly_allowed: anyone")}

    assert bool(found) is is_open


# ---- what runs with another role that was there before ----


def runs_with(name: str, of: str) -> Json:
    role_of = {"Fn::GetAtt": [name, "Arn"]}
    if of == "Lambda::Function":
        return {"Program": resource("AWS::Lambda::Function", Role=role_of, Code={"ZipFile": "x"})}
    if of == "ECS::TaskDefinition":
        return {"Program": resource("AWS::ECS::TaskDefinition", TaskRoleArn=role_of)}
    if of == "IAM::InstanceProfile":
        return {"Program": resource("AWS::IAM::InstanceProfile", Roles=[{"Ref": name}])}
    profiles = {each: resource("AWS::IAM::InstanceProfile", Roles=[{"Ref": each}]) for each in ROLES}
    instance = resource("AWS::EC2::Instance", IamInstanceProfile={"Ref": f"{name}Profile"})
    return {"Program": instance, **{f"{each}Profile": profile for each, profile in profiles.items()}}


ROLES = {
    "Reader": role(allow("s3:GetObject", "*")),
    "Writer": role(allow(["s3:GetObject", "sqs:SendMessage"], "*")),
    "Stopper": role(allow("cloudtrail:*", "*")),
    "Forger": role(allow("s3:PutObject", LOGS)),
    "Taker": role(allow("sqs:ReceiveMessage", QUEUE)),
    "Denied": role(allow("cloudtrail:*", "*"), {**allow("cloudtrail:*", "*"), "Effect": "Deny"}),
    "Eraser": role(allow("cloudtrail:Delete*", "*")),
}


@pytest.mark.parametrize(
    ("of", "was", "is_now", "objects"),
    [
        ("Lambda::Function", "Reader", "Stopper", True),
        ("ECS::TaskDefinition", "Reader", "Forger", True),
        ("IAM::InstanceProfile", "Reader", "Taker", True),
        ("EC2::Instance", "Eraser", "Stopper", True),
        ("Lambda::Function", "Reader", "Writer", False),
        ("ECS::TaskDefinition", "Reader", "Denied", False),
        ("IAM::InstanceProfile", "Stopper", "Reader", False),
        ("EC2::Instance", "Stopper", "Eraser", False),
    ],
)
def test_what_moves_to_a_role_that_takes_protection_away_is_objected_to(
    of: str,
    was: str,
    is_now: str,
    objects: bool,  # noqa: FBT001 (a case's)
) -> None:
    base = {**ALERTS, **ROLES}
    found = objections({**base, **runs_with(was, of)}, {**base, **runs_with(is_now, of)})

    kinds = {(each.partition(":")[0], where) for each, where in found}
    assert kinds == ({("newly_allowed", "Stack/Program")} if objects else set())


def test_a_role_may_set_notifications_of_a_bucket_that_has_none() -> None:
    by_function = {
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
    }

    def role(*buckets: str) -> dict[str, Any]:
        allows = {
            "Effect": "Allow",
            "Action": "s3:PutBucketNotification",
            "Resource": [f"arn:aws:s3:::{b}" for b in buckets],
        }
        return {
            "More": resource(
                "AWS::IAM::Role",
                AssumeRolePolicyDocument={"Statement": [by_function]},
                Policies=[{"PolicyName": "p", "PolicyDocument": {"Statement": [allows]}}],
            )
        }

    quiet = {"Quiet": resource("AWS::S3::Bucket", BucketName="quiet")}
    by_cdk = {"Told": resource("Custom::S3BucketNotifications", ServiceToken="t", BucketName={"Ref": "Quiet"})}
    itself = {
        "Quiet": resource("AWS::S3::Bucket", BucketName="quiet", NotificationConfiguration={"TopicConfigurations": []})
    }

    def said(base: dict[str, Any], *buckets: str) -> set[str]:
        return {each.split(":")[0] for each, _ in objections(base, {**base, **role(*buckets)})}

    assert said(quiet, "quiet") == set()
    assert said(quiet, "quiet", "elsewhere") == {"newly_allowed"}
    assert said(quiet, "quiet*") == {"newly_allowed"}
    assert said({**quiet, **by_cdk}, "quiet") == {"newly_allowed"}
    # Whoever may take the role lets the bucket tell them.
    taken = {"Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Effect": "Allow", "Action": "sts:AssumeRole"}
    for of_elsewhere in ([taken], [by_function, taken]):
        before, after = role(), role("quiet")
        for each in (before, after):
            each["More"]["Properties"]["AssumeRolePolicyDocument"] = {"Statement": of_elsewhere}
        found = objections({**quiet, **before}, {**quiet, **after})
        assert {each.split(":")[0] for each, _ in found} == {"newly_allowed"}
    assert said(itself, "quiet") == {"newly_allowed"}
    by_cdk["Told"]["Properties"]["BucketName"] = {"Fn::Transform": "x"}
    assert said({**quiet, **by_cdk}, "quiet") == {"newly_allowed"}
