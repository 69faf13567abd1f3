"""What a change loses or newly accepts is said first, and what it destroys fails the review."""

from typing import Any

import pytest

from tools.review_changes import Change, Kind, compare_declarations
from tools.review_findings import Acknowledgement, Findings, Place
from tools.review_outputs import markdown, workflow_commands
from tools.review_sides import Objection, Side, TrailControls, compare_sides

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "b"}}
TOPIC = {"Type": "AWS::SNS::Topic"}
OLD = Acknowledgement("Pack::R1", "It receives access logs.", "S/AccessLogs", Place("a.py", 3))
NEW = Acknowledgement("Pack::R2", "x", "S/Open", Place("app.py", 9))


def side(
    templates: dict[str, Any],
    *acknowledgements: Acknowledgement,
    controls: dict[str, dict[str, bool | None]] | None = None,
) -> Side:
    return Side(templates, Findings((), acknowledgements), controls or {})


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


@pytest.mark.parametrize(
    ("base", "head", "objection"),
    [
        ({"S": template(B=BUCKET)}, {"New": template(B=BUCKET)}, ("a stack is gone, with everything in it", ("S",))),
        (
            {"S": template(B=BUCKET)},
            {"S": template(B2=BUCKET)},
            ("a deployment destroys what is there", ("removed B",)),
        ),
        (
            {"S": template(B=BUCKET)},
            {"S": template(B={**BUCKET, "Properties": {"BucketName": "c"}})},
            ("a deployment destroys what is there", ("replaced B",)),
        ),
        (
            {},
            {"S": template(B=BUCKET)},
            ("the base gave no template, so nothing was compared and all counts as new", ()),
        ),
    ],
)
def test_what_is_destroyed_or_could_not_be_compared_is_objected_to(
    base: dict[str, Any], head: dict[str, Any], objection: tuple[str, tuple[str, ...]]
) -> None:
    comparison = compare_sides(side(base), side(head))

    (said,) = comparison.objections
    assert said == Objection(*objection)
    assert "**Look twice:** " in markdown("T", comparison)


def test_a_new_stack_beside_the_others_is_not_objected_to() -> None:
    before, after = {"S": template(B=BUCKET)}, {"S": template(B=BUCKET), "New": template(T=TOPIC)}

    assert compare_sides(side(before), side(after)).objections == ()


def test_new_exceptions_come_first_and_apart_from_the_standing_ones() -> None:
    moved = Acknowledgement(OLD.rule, OLD.reason, OLD.construct, Place("a.py", 30))
    stack = {"S": template(B=BUCKET)}

    comparison = compare_sides(side(stack, OLD), side(stack, moved, NEW))

    assert comparison.new_exceptions == (NEW,)
    assert comparison.standing == (moved,)
    text = markdown("T", comparison)
    assert text.startswith("## T\n\n**New exceptions:** 1.\n")
    assert text.index("S/Open") < text.index("**Resources:**") < text.index("S/AccessLogs")
    assert workflow_commands([], comparison.new_exceptions) == [
        "::warning file=app.py,line=9,title=New exception::S/Open: R2: x"
    ]


def test_a_standing_exception_for_another_reason_is_a_new_one() -> None:
    stack = {"S": template(B=BUCKET)}
    reworded = Acknowledgement(OLD.rule, "x", OLD.construct, OLD.place)

    assert compare_sides(side(stack, OLD), side(stack, reworded)).new_exceptions == (reworded,)


def test_the_controls_that_a_trail_loses_are_named() -> None:
    stack = {"S": template(B=BUCKET)}
    before: dict[str, dict[str, bool | None]] = {
        "S/T": {"tls": True, "lock": False, "key": True},
        "S/Gone": {"tls": True},
    }
    after: dict[str, dict[str, bool | None]] = {
        "S/T": {"tls": False, "lock": True, "key": None},
        "S/New": {"tls": True},
    }

    comparison = compare_sides(side(stack, controls=before), side(stack, controls=after))

    assert comparison.controls == (
        TrailControls("S/Gone", met=(), missed=(), lost=("tls",), met_before=1),
        TrailControls("S/New", met=("tls",), missed=(), lost=(), met_before=None),
        TrailControls("S/T", met=("lock",), missed=("tls",), lost=("tls", "key"), met_before=2),
    )
    text = markdown("T", comparison)
    assert "**Controls lost** by `S/T`: `tls`, `key`." in text
    assert "**Controls that `S/T` meets at synth:** 1 of 2 (was 2)." in text
    assert text.index("Controls lost") < text.index("**Resources:**")


def test_a_stack_without_a_trail_hides_no_other_stacks_controls() -> None:
    stacks = {"A": template(B=BUCKET), "Z": template(T=TOPIC)}
    controls: dict[str, dict[str, bool | None]] = {"A/T": {"tls": True}}

    text = markdown("T", compare_sides(side(stacks, controls=controls), side(stacks, controls=controls)))
    assert "**Controls that `A/T` meets at synth:** 1 of 1 (was 1)." in text
    assert "no template has a trail" in markdown("T", compare_sides(side(stacks), side(stacks)))


def test_a_renamed_output_is_named() -> None:
    base = {"Resources": {}, "Outputs": {"TrailArn": {"Value": 1}, "Same": {"Value": 1}, "Else": {"Value": 1}}}
    head = {"Resources": {}, "Outputs": {"TrailArn2": {"Value": 1}, "Same": {"Value": 1}, "Else": {"Value": 2}}}

    assert compare_declarations("S", base, {**head, "Mappings": {"M": {}}}) == [
        Change(Kind.CHANGED, "S", "Else", "output"),
        Change(Kind.REMOVED, "S", "TrailArn", "output"),
        Change(Kind.ADDED, "S", "TrailArn2", "output"),
        Change(Kind.ADDED, "S", "M", "mapping"),
    ]
    comparison = compare_sides(side({"S": base}), side({"S": head}))
    assert "| `removed` | `TrailArn` | `output` | `S` |" in markdown("T", comparison)
    assert comparison.objections == ()
