"""Each objection is told on the line of the source that makes the resource."""

import json
from pathlib import Path

import pytest

from securetrail.review.comparison import Side, compare_sides
from securetrail.review.findings import Construct, Findings, SourceLine, read_constructs
from securetrail.review.template import Id, Template

pytestmark = pytest.mark.regular


def place(folder: Path, *frames: str, touched: frozenset[str] = frozenset()) -> SourceLine | None:
    """Where a construct is made, of which the CDK's metadata has these frames, the nearest one first."""
    trace = [
        f"{function} ({folder / 'app'}/{where})" for function, _, where in (each.partition(" ") for each in frames)
    ]
    entries = [
        {"type": "aws:cdk:logicalId", "data": "Bucket1"},
        {"type": "aws:cdk:creationStack", "data": ["Kernel._create (/usr/lib/node/jsii.js:1)", *trace]},
    ]
    stack = {"type": "aws:cloudformation:stack", "displayName": "S", "metadata": {"/S/Bucket/Resource": entries}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"S": stack}}))
    (found,) = read_constructs(folder, folder / "app", touched).values()
    return found.place


def test_a_resource_is_made_where_its_construct_makes_it(tmp_path: Path) -> None:
    # In one file: the stack's constructor, and what makes the stack.
    assert place(tmp_path, "Audit.__init__ app.py:21", "<module> app.py:29") == SourceLine("app.py", 21)
    # A helper is called for something.
    helped = place(tmp_path, "make buckets.py:5", "create buckets.py:30", "__init__ stack.py:7", "<module> app.py:1")
    assert helped == SourceLine("buckets.py", 30)
    assert place(tmp_path, "__init__ .venv/lib/site-packages/x.py:5", "__init__ stack.py:7") == SourceLine(
        "stack.py", 7
    )
    assert place(tmp_path, "<module> app.py:3") == SourceLine("app.py", 3)
    assert place(tmp_path) is None


def test_a_line_in_a_file_that_the_change_touches_is_taken_before_others(tmp_path: Path) -> None:
    frames = (
        "__init__ key.py:5",
        "make trail.py:30",
        "__init__ trail.py:7",
        "__init__ stack.py:9",
        "<module> app.py:1",
    )

    assert place(tmp_path, *frames) == SourceLine("key.py", 5)
    assert place(tmp_path, *frames, touched=frozenset({"trail.py", "app.py"})) == SourceLine("trail.py", 7)
    assert place(tmp_path, *frames, touched=frozenset({"stack.py", "README.md"})) == SourceLine("stack.py", 9)
    assert place(tmp_path, *frames, touched=frozenset({"other.py"})) == SourceLine("key.py", 5)


def test_what_a_nested_stack_loses_is_told_on_its_line() -> None:
    """The CDK tells the resources of a nested stack as those of the stack around it."""

    def side(*, rotates: bool) -> Side:
        key = {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": rotates}}
        inner = Template("S/Inner", {"Resources": {"Key": key}}, parent=Id("S", "Inner"))
        outer = Template("S", {"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {}}}})
        made = {("S", "Key"): Construct("S/Inner/Key", SourceLine("app.py", 7))}
        return Side((outer, inner), Findings((), ()), made, {})

    (objection,) = compare_sides(side(rotates=True), side(rotates=False)).objections

    assert (objection.resource, objection.place) == ("S/Inner/Key", SourceLine("app.py", 7))
