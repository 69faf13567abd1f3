"""Templates that CloudFormation would refuse: a comparison says what it cannot compare and never fails."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from securetrail.review.access import AccessDifference, compare_access
from securetrail.review.template import Template, variants
from tests.securetrail.review.access.stack import template

pytestmark = pytest.mark.regular

BASE = template()
VALUES: list[Any] = [
    None,
    1,
    True,
    [],
    {},
    "*",
    "x",
    ["*"],
    "${aws:username}",
    10**400,
    {"Ref": "Nope"},
    {"Ref": "Logs"},
    {"Ref": "AWS::NoValue"},
    [{"Ref": "AWS::NoValue"}],
    {"Ref": ["x"]},
    {"Ref": {"a": 1}},
    {"Fn::GetAtt": ["Logs"]},
    {"Fn::GetAtt": "Logs.Arn"},
    {"Fn::If": ["C", "a", "b"]},
    {"Fn::Sub": "${"},
    {"Fn::Sub": "${Logs.Arn}${!x}"},
    {"Fn::Select": ["9", ["a"]]},
    {"Fn::Split": ["", ""]},
    {"Fn::Join": [",", {"Ref": "AWS::NoValue"}]},
    {"Fn::FindInMap": ["a", "b", "c"]},
    {"Fn::ImportValue": {"Ref": "x"}},
    {"Fn::Transform": {"Name": "x"}},
    {"Fn::ForEach::a": ["x", [], {}]},
]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, each in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(each, (*path, key))


PLACES = list(places(BASE["Resources"], ("Resources",)))


def odd(random: Random) -> dict[str, Any]:
    """The stack with one to three places changed to something else, or gone."""
    found: dict[str, Any] = copy.deepcopy(BASE)
    for _ in range(random.randint(1, 3)):
        *way, last = random.choice(PLACES)
        node: Any = found
        try:
            for key in way:
                node = node[key]
            if random.random() < 0.15:
                del node[last]
            elif isinstance(node, dict | list) and isinstance(last, int) == isinstance(node, list):
                node[last] = copy.deepcopy(random.choice(VALUES))
        except (KeyError, TypeError, IndexError):
            continue  # Another change has taken the place away.
    return found


def compared(base: dict[str, Any], head: dict[str, Any]) -> AccessDifference:
    found = compare_access(variants([Template("Stack", base)], [Template("Stack", head)]))
    assert all(str(row) for row in (*found.allowed, *found.denied, *found.not_comparable))
    return found


def check(seeds: range) -> int:
    """:returns: how many of the changes are an objection."""
    found = 0
    for seed in seeds:
        head = odd(Random(seed))
        found += bool(compared(BASE, head).objections)
        compared(head, BASE)
        assert compared(head, head) == AccessDifference((), (), ())
    return found


def test_a_sample_of_odd_templates_is_compared_without_a_failure() -> None:
    assert check(range(20)) > 5


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_odd_templates_are_compared_without_a_failure(block: int) -> None:
    assert check(range(1000 + block * 60, 1060 + block * 60)) > 15
