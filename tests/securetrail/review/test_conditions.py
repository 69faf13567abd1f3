"""A resource that depends on a condition is protected only as far as the condition holds."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from securetrail.review.comparison import Side, compare_sides
from securetrail.review.findings import Findings
from securetrail.review.template import Id, Template

pytestmark = pytest.mark.regular

TRAIL = {"Type": "AWS::CloudTrail::Trail", "Properties": {"IsLogging": True, "S3BucketName": "logs"}}
NEVER = {"Fn::Equals": ["a", "b"]}
MANY = range(7)
Edit = Callable[[dict[str, Any], dict[str, Any]], object]


def stacks() -> tuple[dict[str, Any], dict[str, Any]]:
    """A stack with a trail and many conditions, and one that is nested in it."""
    outer: dict[str, Any] = {
        "Parameters": {"On": {"Type": "String", "Default": "yes"}},
        "Mappings": {"Trails": {"all": {"on": "yes"}}},
        "Conditions": {
            "Never": NEVER,
            "On": {"Fn::Equals": [{"Ref": "On"}, "yes"]},
            "Mapped": {"Fn::Equals": [{"Fn::FindInMap": ["Trails", "all", "on"]}, "yes"]},
        },
        "Resources": {
            "Trail": copy.deepcopy(TRAIL),
            "Nested": {"Type": "AWS::CloudFormation::Stack", "DeletionPolicy": "Retain"},
        },
    }
    return outer, {"Resources": {"Trail": copy.deepcopy(TRAIL)}}


def side(outer: dict[str, Any], inner: dict[str, Any]) -> Side:
    templates = (Template("S", outer), Template("S/Nested", inner, parent=Id("S", "Nested")))
    return Side(templates, Findings((), ()), {}, {})


def objections(edit: Edit, before: Edit = lambda *_: None) -> set[str]:
    base = stacks()
    before(*base)
    head = copy.deepcopy(base)
    edit(*head)
    return {f"{each.id.split(':')[0]} {each.resource}" for each in compare_sides(side(*base), side(*head)).objections}


def depends(on: str, what: str = "Trail") -> Edit:
    return lambda outer, _inner: outer["Resources"][what].update(Condition=on)


def many(outer: dict[str, Any], _inner: dict[str, Any]) -> None:
    """More conditions than can all be tried."""
    outer["Parameters"] |= {f"P{each}": {"Type": "String"} for each in MANY}
    outer["Conditions"] |= {f"C{each}": {"Fn::Equals": [{"Ref": f"P{each}"}, "x"]} for each in MANY}
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    outer["Resources"] |= {f"H{each}": {**handle, "Condition": f"C{each}"} for each in MANY}


def both(*edits: Edit) -> Edit:
    return lambda outer, inner: [each(outer, inner) for each in edits]


@pytest.mark.parametrize("condition", ["Never", "C0", "Any"])
@pytest.mark.parametrize("what", ["Trail", "Nested"])
def test_a_trail_cannot_be_hidden_behind_many_conditions(condition: str, what: str) -> None:
    def of_any(outer: dict[str, Any], _inner: dict[str, Any]) -> None:
        outer["Conditions"]["Any"] = {"Fn::Or": [{"Condition": "C0"}, {"Condition": "C1"}]}

    gone = {"Trail": "removed S/Trail", "Nested": "removed S/Nested/Trail"}[what]
    removed = objections(both(many, of_any, depends(condition, what)))
    assert removed >= {gone} or removed == {"stack_removed S/Nested"}
    # What depended on it before is no loss, and neither is the end of the condition.
    before = both(many, of_any, depends(condition, what))
    assert objections(lambda outer, _: outer.update(Description="x"), before) == set()
    assert objections(lambda outer, _: outer["Resources"][what].pop("Condition"), before) == set()
    assert objections(many) == set()


@pytest.mark.parametrize("what", ["Trail", "Nested"])
def test_what_is_nested_is_there_under_the_condition_of_its_stack(what: str) -> None:
    gone = {"Trail": {"removed S/Trail"}, "Nested": {"removed S/Nested/Trail"}}[what]
    assert objections(depends("On", what)) == gone
    never = objections(depends("Never", what))
    assert never == ({"stack_removed S/Nested"} if what == "Nested" else gone)


@pytest.mark.parametrize(
    ("condition", "edit"),
    [
        ("On", lambda outer, _: outer["Parameters"]["On"].update(Default="no")),
        ("Mapped", lambda outer, _: outer["Mappings"]["Trails"]["all"].update(on="no")),
    ],
)
def test_a_default_or_a_mapping_that_ends_a_trail_is_objected_to(condition: str, edit: Edit) -> None:
    assert objections(edit, depends(condition)) == {"removed S/Trail"}
    assert objections(lambda *_: None, both(depends(condition), edit)) == set()
    # The other way round the trail comes back.
    back = {"Default": "yes"} if condition == "On" else {"on": "yes"}
    where: Edit = lambda outer, _: (  # noqa: E731
        outer["Parameters"]["On"] if condition == "On" else outer["Mappings"]["Trails"]["all"]
    ).update(back)
    assert objections(where, both(depends(condition), edit)) == set()
    assert objections(edit) == set()


@pytest.mark.parametrize(
    ("values", "words"), [((True, False), 'when On is not "yes"'), ((False, True), 'when On is "yes"')]
)
def test_an_objection_says_by_which_parameter_it_is_so(values: tuple[bool, bool], words: str) -> None:
    base = stacks()
    head = copy.deepcopy(base)
    head[0]["Resources"]["Trail"]["Properties"]["IsLogging"] = {"Fn::If": ["On", *values]}

    says = [each.says for each in compare_sides(side(*base), side(*head)).objections]

    assert says == [f"S/Trail: logging is off, before on, {words}."]


def test_an_objection_that_always_holds_names_no_parameter() -> None:
    base = stacks()
    base[0]["Resources"]["Trail"]["Properties"]["IsLogging"] = {"Fn::If": ["On", True, "true"]}
    head = copy.deepcopy(base)
    head[0]["Resources"]["Trail"]["Properties"]["IsLogging"] = {"Fn::If": ["On", False, "false"]}

    says = [each.says for each in compare_sides(side(*base), side(*head)).objections]

    assert says == ["S/Trail: logging is off, before on."]


def test_a_nested_stack_that_is_deleted_with_its_parent_is_objected_to() -> None:
    assert objections(lambda outer, _: outer["Resources"]["Nested"].pop("DeletionPolicy")) == {
        "kept_when_removed S/Nested"
    }


@pytest.mark.parametrize(
    "hidden",
    [
        {"Transform": ["Macro"]},
        {"Transform": [{"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/key"}}]},
        {"Resources": {"Fn::ForEach::Roles": ["Name", ["a"], {"Role${Name}": {"Type": "AWS::IAM::Role"}}]}},
        {"Resources": {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/key"}}}},
    ],
    ids=["macro", "include", "loop", "include of resources"],
)
def test_what_makes_resources_at_the_deployment_is_objected_to_when_it_is_another_one(hidden: dict[str, Any]) -> None:
    def hide(outer: dict[str, Any], _inner: dict[str, Any]) -> None:
        for name, value in hidden.items():
            outer[name] = {**outer["Resources"], **value} if isinstance(value, dict) else value

    assert {each.split()[0] for each in objections(hide)} == {"not_comparable"}
    assert objections(lambda outer, _: outer.update(Description="x"), hide) == set()


def test_loops_of_the_language_extensions_alone_hide_nothing() -> None:
    assert objections(lambda outer, _: outer.update(Transform="AWS::LanguageExtensions")) == set()
