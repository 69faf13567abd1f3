"""Policies that come to, or go from, what is there already, and access that is given by no policy."""

from typing import Any

import pytest

from tests.securetrail.review.access.stack import OWN
from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular

FOREIGN = "888877776666"


def said(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each.split(":")[0], where) for each, where in objections(before, after)}


def document(principal: Any, action: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"}]}


def guarded(policy: dict[str, Any]) -> dict[str, Any]:
    arn = {"Fn::GetAtt": ["More", "EventDataStoreArn"]}
    store = resource("AWS::CloudTrail::EventDataStore", Name="more")
    policies = {"Guard": resource("AWS::CloudTrail::ResourcePolicy", ResourceArn=arn, ResourcePolicy=policy)}
    return {"More": store, **(policies if policy else {})}


DENY = document("*", "cloudtrail:DeleteEventDataStore", "Deny")
PUBLIC = document("*", "cloudtrail:GetQueryResults")


@pytest.mark.parametrize(
    ("of_type", "name", "action"),
    [
        ("AWS::ECR::Repository", "RepositoryPolicyText", "ecr:BatchGetImage"),
        ("AWS::EFS::FileSystem", "FileSystemPolicy", "elasticfilesystem:ClientMount"),
    ],
)
def test_a_policy_that_names_no_resource_is_about_its_own(of_type: str, name: str, action: str) -> None:
    def more(principal: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action}
        return {"More": resource(of_type, **{name: {"Statement": [statement]}})}

    assert said({}, more(OWN)) == set()
    assert said({}, more(FOREIGN)) == {("newly_allowed", "Stack/More")}
    assert said(more(OWN), more(FOREIGN)) == {("newly_allowed", "Stack/More")}


def test_a_program_that_gets_another_role_of_elsewhere_may_nobody_knows_what() -> None:
    def running(role: Any, **more: dict[str, Any]) -> dict[str, Any]:
        function = resource("AWS::Lambda::Function", Runtime="python3.13", Handler="x.y", Code={"ZipFile": "x"})
        function["Properties"] |= {"Role": role} if role else {}
        return {"More": function, **more}

    trust = document({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")
    own = {"Own": resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust)}
    app, other = (f"arn:aws:iam::{OWN}:role/{name}" for name in ("app", "other"))
    by_own = running({"Fn::GetAtt": ["Own", "Arn"]}, **own)

    assert said(running(app), running(other)) == {("access_not_comparable", "Stack/More")}
    assert said(by_own, running(app, **own)) == {("access_not_comparable", "Stack/More")}
    # What a role of the template may is compared.
    assert said(running(app, **own), by_own) == set()
    assert said({}, running(app)) == set()


def test_a_policy_that_goes_from_what_stays_has_protected_it() -> None:
    assert ("newly_allowed", "Stack/More") in said(guarded(DENY), guarded({}))
    assert said(guarded({}), guarded(DENY)) == set()


def test_the_first_policy_of_what_is_there_already_is_judged_like_every_other() -> None:
    assert ("newly_allowed", "Stack/More") in said(guarded({}), guarded(PUBLIC))


def table(at: str, policy: Any) -> dict[str, Any]:
    replica: dict[str, Any] = {"Region": "eu-west-1"}
    if at == "a replica":
        replica["ResourcePolicy"] = {"PolicyDocument": policy}
    if at == "a replica's stream":
        replica["ReplicaStreamSpecification"] = {"ResourcePolicy": {"PolicyDocument": policy}}
    if at != "a stream":
        return {"More": resource("AWS::DynamoDB::GlobalTable", TableName="more", Replicas=[replica])}
    stream = {"StreamViewType": "NEW_IMAGE", "ResourcePolicy": {"PolicyDocument": policy}}
    return {"More": resource("AWS::DynamoDB::Table", TableName="more", StreamSpecification=stream)}


@pytest.mark.parametrize("at", ["a replica", "a replica's stream", "a stream"])
def test_the_policies_of_a_tables_copies_and_streams_are_read(at: str) -> None:
    mine, everyones = document({"AWS": OWN}, "dynamodb:GetRecords"), document("*", "dynamodb:GetRecords")

    assert ("newly_allowed", "Stack/More") in said(table(at, mine), table(at, everyones))
    assert said(table(at, everyones), table(at, mine)) == set()


@pytest.mark.parametrize("whole", [True, False])
def test_the_policy_that_an_event_bus_has_itself_is_read(*, whole: bool) -> None:
    everyones = document("*", "events:PutEvents")
    policy = everyones if whole else everyones["Statement"][0]

    bus, open_bus = (resource("AWS::Events::EventBus", Name="more", **more) for more in ({}, {"Policy": policy}))
    assert ("newly_allowed", "Stack/More") in said({"More": bus}, {"More": open_bus})
    assert ("newly_allowed", "Stack/More") in said({}, {"More": open_bus})
    assert said({"More": open_bus}, {"More": bus}) == set()


@pytest.mark.parametrize("kind", ["AccessGrant", "AccessGrantsLocation"])
def test_an_access_grant_of_s3_gives_access(kind: str) -> None:
    before = {"More": resource(f"AWS::S3::{kind}", Permission="READ")}
    after = {"More": resource(f"AWS::S3::{kind}", Permission="READWRITE")}

    assert ("access_not_comparable", "Stack/More") in said({}, after)
    assert ("access_not_comparable", "Stack/More") in said(before, after)
    assert said(after, after) == set()


READS = {"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "kms:Decrypt"], "Resource": "*"}]}
OF_ROLE = {
    "Owner": resource("AWS::IAM::Role", AssumeRolePolicyDocument=document({"Service": "ec2.amazonaws.com"}, "x"))
}


def reader(of_type: str, **names: Any) -> dict[str, Any]:
    given = {"PolicyName": "p"} if of_type != "ManagedPolicy" else {}
    return {**OF_ROLE, "More": resource(f"AWS::IAM::{of_type}", PolicyDocument=READS, **given, **names)}


OWNER = {"Ref": "Owner"}


@pytest.mark.parametrize(
    ("of_type", "before", "after", "who"),
    [
        ("Policy", {"Roles": [OWNER]}, {"Roles": [OWNER], "Users": ["mallory"]}, "user/mallory"),
        ("Policy", {"Roles": [OWNER]}, {"Roles": [OWNER, "Other"]}, "role/Other"),
        ("Policy", {"Roles": ["One"]}, {"Roles": ["Other"]}, "role/Other"),
        ("ManagedPolicy", {"Roles": [OWNER]}, {"Roles": [OWNER], "Groups": ["many"]}, "group/many"),
        ("ManagedPolicy", {}, {"Users": ["mallory"]}, "user/mallory"),
        ("ManagedPolicy", None, {"Roles": ["Other"]}, "role/Other"),
        ("Policy", None, {"Users": ["mallory"]}, "user/mallory"),
        ("RolePolicy", None, {"RoleName": "Other"}, "role/Other"),
        ("UserPolicy", None, {"UserName": "mallory"}, "user/mallory"),
    ],
)
def test_a_policy_for_somebody_who_is_there_already_gives_access(
    of_type: str, before: Any, after: dict[str, Any], who: str
) -> None:
    base = OF_ROLE if before is None else reader(of_type, **before)

    found = said(base, reader(of_type, **after))
    assert ("newly_allowed", f"Stack/arn:aws:iam::{OWN}:{who}") in found
    # Nobody but the one who gets it.
    assert {where for _, where in found} == {f"Stack/arn:aws:iam::{OWN}:{who}"}
    if before is not None and who not in ("role/Other",):
        assert said(reader(of_type, **after), base) == set()


def test_a_policy_for_somebody_elsewhere_may_be_about_what_is_new() -> None:
    on = {"Fn::GetAtt": ["New", "Arn"]}
    allows = {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": on}]}
    policy = resource("AWS::IAM::Policy", PolicyName="p", Users=["app"], PolicyDocument=allows)

    assert said({}, {"New": resource("AWS::SQS::Queue", QueueName="q"), "More": policy}) == set()


def test_another_id_of_a_policy_for_somebody_elsewhere_changes_nothing() -> None:
    policy = resource("AWS::IAM::Policy", PolicyName="p", Users=["app"], PolicyDocument=READS)

    assert said({"One": policy}, {"Other": policy}) == set()


ROOT = {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}
ME = {"AWS": f"arn:aws:iam::{OWN}:user/m"}


def key(*principals: Any) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Principal": each, "Action": "kms:*", "Resource": "*"} for each in principals]
    return {"More": resource("AWS::KMS::Key", KeyPolicy={"Statement": statements})}


def role(*principals: Any) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Principal": each, "Action": "sts:AssumeRole"} for each in principals]
    return {"More": resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": statements})}


@pytest.mark.parametrize("of", [key, role])
def test_who_is_named_beside_the_account_needs_no_permission_of_iam(of: Any) -> None:
    assert ("newly_allowed", "Stack/More") in said(of(ROOT), of(ROOT, ME))
    assert ("newly_allowed", "Stack/More") in said(of(ROOT), of(ROOT, {"AWS": "*"}))
    assert said(of(ROOT, ME), of(ROOT)) == set()
    # Both are written for the same: the account.
    assert said(of(ROOT), of({"AWS": OWN})) == set()


@pytest.mark.parametrize("of", [key, role])
@pytest.mark.parametrize(
    "principal",
    [
        {"Fn::GetAtt": ["Program", "RoleArn"]},
        "arn:aws:any:us-east-1:123456789012:thing/RoleArn",
    ],
)
def test_a_principal_that_only_the_deployment_knows_may_be_anybody(of: Any, principal: Any) -> None:
    program = {"Program": resource("Custom::Program", ServiceToken="x")}

    found = said({**program, **of(ROOT)}, {**program, **of(ROOT, {"AWS": principal})})
    assert ("newly_allowed", "Stack/More") in found


def deny(action: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": action, "Resource": "*", "Condition": condition}


@pytest.mark.parametrize(
    "more",
    [
        [deny("kms:Decrypt")],
        [deny("kms:Decrypt", StringEquals={"aws:PrincipalAccount": OWN})],
        [deny("kms:PutKeyPolicy")],
        None,
    ],
)
def test_a_key_that_nobody_may_use_any_more_is_an_objection(more: list[dict[str, Any]] | None) -> None:
    before = key(ROOT, {"Service": "cloudtrail.amazonaws.com"})
    after = key({"Service": "cloudtrail.amazonaws.com"}) if more is None else key(ROOT)
    after["More"]["Properties"]["KeyPolicy"]["Statement"] += more or []

    assert ("newly_denied", "Stack/More") in said(before, after)


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/Reader"}},
        {"StringNotEquals": {"aws:PrincipalAccount": OWN}},
        {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
    ],
)
def test_a_key_that_somebody_may_still_use_may_refuse_the_others(condition: dict[str, Any]) -> None:
    after = key(ROOT)
    after["More"]["Properties"]["KeyPolicy"]["Statement"].append(deny("kms:Decrypt", **condition))

    assert said(key(ROOT), after) == set()


def test_what_a_new_stack_set_deploys_is_seen_by_nobody() -> None:
    more = {"More": resource("AWS::CloudFormation::StackSet", StackSetName="s", TemplateURL="https://b.example/t.json")}

    assert said({}, more) == {("access_not_comparable", "Stack/More")}
    assert said(more, more) == set()


def of_many(of: str, **condition: Any) -> dict[str, Any]:
    """A policy that many identities have, by which nobody stops the trail but for whom its condition leaves out."""
    deny = {"Effect": "Deny", "Action": "cloudtrail:StopLogging", "Resource": "*", **condition}
    content = {"Statement": [deny]}
    if of == "Organizations::Policy":
        given: dict[str, Any] = {"Type": "SERVICE_CONTROL_POLICY", "Name": "p", "Content": content}
    elif of == "IAM::Group":
        allow = {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}
        given = {"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [allow, deny]}}]}
    else:
        given = {"PolicyDocument": content}
    return {"More": resource(f"AWS::{of}", **given)}


def but_for(*names: str) -> dict[str, Any]:
    return {"Condition": {"ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::*:role/{name}" for name in names]}}}


@pytest.mark.parametrize("of", ["Organizations::Policy", "IAM::ManagedPolicy", "IAM::Group"])
def test_a_policy_of_many_that_leaves_out_one_more_of_them_is_objected_to(of: str) -> None:
    two = of_many(of, **but_for("a", "b"))

    assert ("newly_allowed", "Stack/More") in said(of_many(of, **but_for("a")), two)
    assert ("newly_allowed", "Stack/More") in said(of_many(of), two)
    for less in (of_many(of, **but_for("b")), of_many(of, **but_for("b", "a"))):
        assert said(two, less) == set()


def test_a_policy_of_the_organization_that_leaves_out_an_account_is_objected_to() -> None:
    but_for_one = {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": FOREIGN}}}
    of = "Organizations::Policy"

    assert ("newly_allowed", "Stack/More") in said(of_many(of), of_many(of, **but_for_one))
