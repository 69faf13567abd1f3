"""Stages and nested stacks are compared like any other stack, and renamed ones are recognized."""

import dataclasses
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib import NewKey, SecureTrail
from securetrail.review.comparison import Difference, Side, compare_sides
from securetrail.review.sides.read import read_side
from securetrail.review.sides.synth import Synth
from tests.securetrail.review.apps import ACCOUNT, CONTEXT, FOREIGN, REGION, ROOT

pytestmark = pytest.mark.regular


class Inner(cdk.NestedStack):
    """A stack in a stack, with a key and a bucket."""

    def __init__(self, scope: Construct, construct_id: str, *, rotates: bool) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key(self, "Key", enable_key_rotation=rotates)
        s3.Bucket(self, "Bucket", encryption_key=key, versioned=True)


def app(
    *, stage: str = "Prod", stack: str = "Audit", nested: str = "Inner", rotates: bool = True, **props: Any
) -> Side:
    built = cdk.App(context=CONTEXT, analytics_reporting=False)
    inside = cdk.Stage(built, stage)
    audit = cdk.Stack(inside, stack, termination_protection=True)
    SecureTrail(audit, "SecureTrail", trail_name="audit", **props)
    Inner(audit, nested, rotates=rotates)
    return read_side("app", Synth(Path(built.synth().directory), 0, ""), ROOT)


@pytest.fixture(scope="module")
def base() -> Side:
    return app()


def said(difference: Difference) -> set[tuple[str, str]]:
    return {(each.id.split(":")[0], each.resource.rpartition("/")[0]) for each in difference.objections}


def test_stacks_in_stages_and_in_stacks_have_names_of_their_own(base: Side) -> None:
    first, second = (template.stack for template in base.templates)

    assert first == "Prod/Audit"
    assert second.startswith("Prod/Audit/Inner")
    assert base.protected == {"Prod/Audit": True}


def test_what_a_nested_stack_loses_is_objected_to(base: Side) -> None:
    ((kind, stack),) = said(compare_sides(base, app(rotates=False)))

    assert (kind, stack) == ("key_rotates", base.templates[1].stack)


def test_what_a_stack_of_a_stage_loses_is_objected_to(base: Side) -> None:
    difference = compare_sides(base, app(encryption_key=NewKey(pending_window=cdk.Duration.days(7))))

    assert said(difference) == {("key_waits_for_deletion", "Prod/Audit")}


def test_nothing_changed_is_nothing_said(base: Side) -> None:
    difference = compare_sides(base, app())

    assert (difference.objections, difference.changes) == ((), ())


@pytest.mark.parametrize("names", [{"stage": "Live"}, {"stack": "Recorder"}, {"nested": "Another"}])
def test_another_name_replaces_and_loses_nothing_else(base: Side, names: dict[str, Any]) -> None:
    difference = compare_sides(base, app(**names))

    assert {kind for kind, _ in said(difference)} == {"replaced"}
    # A key, a log bucket, its access logs and the trail; and the nested key and bucket.
    assert len(difference.objections) == (2 if "nested" in names else 6)
    assert difference.removed_stacks == ()


def test_a_stage_that_is_gone_is_gone_with_everything_in_it(base: Side) -> None:
    other = cdk.App(context=CONTEXT, analytics_reporting=False)
    s3.Bucket(cdk.Stack(cdk.Stage(other, "Else"), "Stack"), "Bucket", bucket_name="another-one")
    head = read_side("app", Synth(Path(other.synth().directory), 0, ""), ROOT)

    assert "stack_removed" in {kind for kind, _ in said(compare_sides(base, head))}


def test_a_resource_in_a_nested_stack_has_its_construct(base: Side) -> None:
    paths = {construct.path for construct in base.constructs.values()}

    assert "Prod/Audit/Inner/Key/Resource" in paths


def deployed(*, account: str = ACCOUNT, tells: tuple[str, ...] = (), **props: Any) -> Side:
    """A stack with a synthesizer, and topics that are told of its deployments."""
    built = cdk.App(context=CONTEXT, analytics_reporting=False)
    env = cdk.Environment(account=account, region=REGION)
    made = cdk.DefaultStackSynthesizer(**props)
    stack = cdk.Stack(built, "Audit", env=env, synthesizer=made, notification_arns=[*tells])
    s3.Bucket(stack, "Bucket", bucket_name="kept")
    return read_side("app", Synth(Path(built.synth().directory), 0, ""), ROOT)


@pytest.mark.parametrize(
    "props",
    [
        {"cloud_formation_execution_role": f"arn:aws:iam::{FOREIGN}:role/theirs"},
        {"cloud_formation_execution_role": f"arn:aws:iam::{ACCOUNT}:role/Administrator"},
        {"deploy_role_arn": f"arn:aws:iam::{FOREIGN}:role/theirs"},
        {"file_assets_bucket_name": "somebody-elses"},
        {"file_asset_publishing_role_arn": f"arn:aws:iam::{FOREIGN}:role/theirs"},
        {"qualifier": "another"},
    ],
)
def test_who_deploys_a_stack_and_from_where_is_compared(props: dict[str, Any]) -> None:
    found = compare_sides(deployed(), deployed(**props)).objections

    assert {(each.id.split(":")[0], each.resource) for each in found} == {("stack_deployed_by", "Audit")}
    assert not compare_sides(deployed(**props), deployed(**props)).objections


def test_who_is_told_of_deployments_goes_on_being_told() -> None:
    own, foreign = (f"arn:aws:sns:{REGION}:{account}:deployed" for account in (ACCOUNT, FOREIGN))

    told = deployed(tells=(own,))

    def telling(*topics: str) -> Side:
        (template,) = told.templates
        return dataclasses.replace(told, templates=(dataclasses.replace(template, told=frozenset(topics)),))

    assert [each.told for each in told.templates] == [{own}]
    assert {kind for kind, _ in said(compare_sides(told, telling()))} == {"stack_tells"}
    assert {kind for kind, _ in said(compare_sides(telling(), telling(foreign)))} == {"names_outsider"}
    assert not compare_sides(telling(), told).objections


def test_a_new_stack_is_deployed_by_its_own_account() -> None:
    foreign = deployed(cloud_formation_execution_role=f"arn:aws:iam::{FOREIGN}:role/theirs")
    nothing = cdk.App(context=CONTEXT, analytics_reporting=False)
    s3.Bucket(cdk.Stack(nothing, "Other", synthesizer=cdk.LegacyStackSynthesizer()), "Bucket")
    base = read_side("app", Synth(Path(nothing.synth().directory), 0, ""), ROOT)

    def kinds(head: Side) -> set[str]:
        return {kind for kind, _ in said(compare_sides(base, head))}

    assert "stack_deployed_by" in kinds(foreign)
    assert "stack_deployed_by" not in kinds(deployed())
    # Another account is an objection of its own, and not one for each of its roles.
    moved = compare_sides(deployed(), deployed(account=FOREIGN))
    assert {kind for kind, _ in said(moved)} == {"stack_moved"}


def named(*stacks: tuple[str, str, str], tag: str = "") -> Side:
    """Stacks, each with its id, its name and its region; a policy of the first decides by a tag of who calls."""
    built = cdk.App(context=CONTEXT, analytics_reporting=False)
    for construct_id, name, region in stacks:
        env = cdk.Environment(account=ACCOUNT, region=region) if region else None
        tags = {"team": tag} if tag else None
        stack = cdk.Stack(built, construct_id, stack_name=name, env=env, tags=tags)
        role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
        team = {"StringEquals": {"aws:PrincipalTag/team": "security"}}
        role.add_to_policy(iam.PolicyStatement(actions=["s3:DeleteObject"], resources=["*"], conditions=team))
    return read_side("app", Synth(Path(built.synth().directory), 0, ""), ROOT)


@pytest.mark.parametrize(
    ("region", "other", "is_one"),
    [(REGION, REGION, True), (REGION, "us-east-1", False), ("", "", True), ("", REGION, True)],
)
def test_a_stack_that_takes_the_place_of_another_one_is_objected_to(region: str, other: str, *, is_one: bool) -> None:
    before = named(("One", "audit", region))
    after = named(("One", "audit", region), ("Two", "audit", other))
    found = [each.resource for each in compare_sides(before, after).objections if "overwrites" in each.id]

    assert found == (["Two"] if is_one else [])
    third = named(("One", "audit", region), ("Two", "audit", other), ("Three", "more", other))
    assert "stack_overwrites" not in {kind for kind, _ in said(compare_sides(after, third))}


def test_a_tag_of_a_whole_stack_by_which_policies_decide_is_compared() -> None:
    one = ("One", "audit", REGION)
    before = named(one, tag="operations")

    assert {kind for kind, _ in said(compare_sides(before, named(one, tag="security")))} == {"tag_decides"}
    assert {kind for kind, _ in said(compare_sides(named(one), named(one, tag="security")))} == {"tag_decides"}
    assert not compare_sides(before, named(one, tag="operations")).objections
    # The role of a new stack is one that the policies decide about as well.
    more = compare_sides(before, named(one, ("Two", "more", REGION), tag="operations"))
    assert {(each.id, each.resource) for each in more.objections if "tag" in each.id} == {
        ("tag_decides: team: not there -> operations", "Two")
    }


def test_what_a_module_makes_cannot_be_compared() -> None:
    def with_module(name: str) -> Side:
        built = cdk.App(context=CONTEXT, analytics_reporting=False)
        stack = cdk.Stack(built, "Audit", synthesizer=cdk.LegacyStackSynthesizer())
        s3.Bucket(stack, "Bucket")
        if name:
            cdk.CfnResource(stack, "It", type="Our::Audit::Logs::MODULE", properties={"Name": name})
        return read_side("app", Synth(Path(built.synth().directory), 0, ""), ROOT)

    assert {kind for kind, _ in said(compare_sides(with_module(""), with_module("a")))} == {"access_not_comparable"}
    assert {kind for kind, _ in said(compare_sides(with_module("a"), with_module("b")))} == {"access_not_comparable"}
    assert not compare_sides(with_module("a"), with_module("a")).objections
