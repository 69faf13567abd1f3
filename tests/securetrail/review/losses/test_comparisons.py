"""Conditions that CloudFormation decides as texts, and includes that only the deployment reads."""

import copy
from typing import Any

import pytest

from securetrail.review.comparison import Side, compare_sides
from securetrail.review.findings import Findings
from securetrail.review.template import Template
from tests.securetrail.review.access.stack import OWN

pytestmark = pytest.mark.regular


def side(body: dict[str, Any], **more: Any) -> Side:
    place = {"account": OWN, "region": "us-east-1", **more}
    return Side((Template("Stack", body, **place),), Findings((), ()), {}, {})


def said(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [each.id.split(":")[0] for each in compare_sides(side(before), side(after)).objections]


def trail(logs: Any = "true", **more: Any) -> dict[str, Any]:
    properties = {"IsLogging": logs, "S3BucketName": "logs", "TrailName": "audit"}
    return {"Resources": {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": properties}}, **more}


def unless(one: Any, other: Any, **more: Any) -> dict[str, Any]:
    """A trail that does not log when the condition holds."""
    return trail({"Fn::If": ["C", False, True]}, Conditions={"C": {"Fn::Equals": [one, other]}}, **more)


@pytest.mark.parametrize(
    "operands", [(1, "1"), ("1", 1), (True, "true"), ("false", False), (1.0, "1.0"), (1.5, 1.5), ([], "[]")], ids=str
)
def test_what_cloudformation_may_take_for_equal_is_not_taken_for_different(operands: tuple[Any, Any]) -> None:
    assert said(trail(), unless(*operands)) == ["trail_is_logging"]


@pytest.mark.parametrize("operands", [(1, True), ("True", True), (0, False), (1, "2")], ids=str)
def test_what_cloudformation_takes_for_different_changes_nothing(operands: tuple[Any, Any]) -> None:
    assert said(trail(), unless(*operands)) == []


def test_a_default_of_a_parameter_is_compared_as_cloudformation_writes_it() -> None:
    def given(*, default: Any) -> dict[str, Any]:
        return unless({"Ref": "P"}, "true", Parameters={"P": {"Type": "String", "Default": default}})

    assert said(given(default=False), given(default=True)) == ["trail_is_logging"]
    assert said(given(default="false"), given(default=True)) == ["trail_is_logging"]
    assert said(given(default="true"), given(default=True)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (({"Ref": "AWS::Region"}, "x"), ("x", {"Ref": "AWS::Region"})),
        (({"Ref": "AWS::Region"}, "true"), ({"Ref": "AWS::Region"}, True)),
    ],
)
def test_the_same_comparison_in_another_order_is_no_difference(before: Any, after: Any) -> None:
    assert said(unless(*before), unless(*after)) == []


INCLUDE = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/more.yaml"}}}


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("Conditions",),
        ("Mappings",),
        ("Outputs",),
        ("Resources",),
        ("Resources", "Trail"),
        ("Resources", "Trail", "Properties"),
        ("Mappings", "M", "K"),
    ],
    ids="/".join,
)
def test_an_include_that_is_new_cannot_be_compared_wherever_it_stands(path: tuple[str, ...]) -> None:
    before = trail(Mappings={"M": {"K": {"V": "1"}}})
    after = copy.deepcopy(before)
    inside = after
    for step in path:
        inside = inside.setdefault(step, {})
    inside |= INCLUDE

    assert "not_comparable" in said(before, after)
    assert said(after, copy.deepcopy(after)) == []


@pytest.mark.parametrize("place", ["account", "region", "name"])
@pytest.mark.parametrize("value", ["other", ""])
def test_a_stack_that_goes_elsewhere_is_another_one(place: str, value: str) -> None:
    base = side(trail(), name="stack")
    head = side(trail(), **{"name": "stack", place: value})

    assert any(each.id.startswith("stack_moved") for each in compare_sides(base, head).objections)
    assert compare_sides(base, base).objections == ()


def test_a_deletion_policy_is_compared_by_its_value() -> None:
    def kept(policy: Any, default: str = "Retain") -> dict[str, Any]:
        bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy, "UpdateReplacePolicy": policy}
        return {"Resources": {"B": bucket}, "Parameters": {"P": {"Type": "String", "Default": default}}}

    assert said(kept("Retain"), kept({"Ref": "P"})) == []
    # What is there is kept by both.
    for policies in (("Retain", "RetainExceptOnCreate"), ("RetainExceptOnCreate", "Retain")):
        before, after = ({"Resources": {"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": each}}} for each in policies)
        assert said(before, after) == []
    assert "kept_when_removed" in said(kept("Retain"), kept({"Ref": "P"}, "Delete"))
    assert "kept_when_removed" in said(kept({"Ref": "P"}), kept({"Ref": "P"}, "Delete"))
