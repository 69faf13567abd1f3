"""What a comparison finds newly allowed is exactly what an independent evaluator finds by trying calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from securetrail.review.access.callers import Caller, CallerKind
from securetrail.review.access.differences import new_boxes
from securetrail.review.access.policies import Kind, Policies, Subject
from securetrail.review.access.space import ACTION, RESOURCE, SOURCE, Space
from securetrail.review.template import Id
from tests.securetrail.review.access import generated, naive
from tests.securetrail.review.access.naive import Call
from verify.policy.document import parse_policy

pytestmark = pytest.mark.regular

SUBJECT = Subject(Id("Stack", "Bucket"), Kind.BUCKET)
KINDS = {
    CallerKind.OWN: "aws",
    CallerKind.FOREIGN: "aws",
    CallerKind.ANONYMOUS: "anonymous",
    CallerKind.SERVICE: "service",
}


# Each so many pairs has a second policy on each side, such as a boundary.
LAYERED = 4


def policies(layers: tuple[dict[str, Any], ...]) -> Policies:
    statements = tuple(parse_policy(json.dumps(policy)) for policy in layers)
    return Policies("AWS::S3::Bucket", generated.BUCKET, generated.OWN, statements)


class Comparison:
    """A pair of policies, the comparison's answer, and where in it a call is."""

    def __init__(self, seed: int) -> None:
        pairs = [generated.pair(seed), *([generated.pair(seed + 10**9)] if seed % LAYERED == 0 else [])]
        self.base, self.head = tuple(base for base, _ in pairs), tuple(head for _, head in pairs)
        old, new = policies(self.base), policies(self.head)
        self.statements = [statement for policy in (*self.base, *self.head) for statement in policy["Statement"]]
        self.space = Space(SUBJECT, (old, new), (generated.TRAIL,))
        self.found = {number: new_boxes(self.space, c, old, new) for number, c in enumerate(self.space.callers)}

    def is_new(self, call: Call) -> bool:
        return naive.allowed_by_each(self.head, call) and not naive.allowed_by_each(self.base, call)

    def cells(self, random: Random, count: int) -> Iterator[tuple[Call, bool]]:
        """Calls made of the comparison's own values, and whether it says that each is newly allowed."""
        for _ in range(count):
            number = random.randrange(len(self.space.callers))
            caller = self.space.callers[number]
            part = random.choice(self.space.existing_of(caller))
            sizes = self.space.dimensions(caller)
            allowed_here = [part.get(name, (1 << size) - 1) for name, size in sizes.items()]
            if not all(allowed_here):
                continue
            if self.found[number] and random.random() < 0.5:
                box = random.choice(self.found[number])
                allowed_here = list(box)
            cell = tuple(
                random.choice([1 << n for n in range(mask.bit_length()) if mask >> n & 1]) for mask in allowed_here
            )
            says = any(all(a & b for a, b in zip(cell, box, strict=True)) for box in self.found[number])
            yield self.call(caller, cell), says

    def call(self, caller: Caller, cell: tuple[int, ...]) -> Call:
        request = self.space.request(caller, cell)
        keys = tuple(sorted((key, values) for key, values in request.context.items() if values))
        kind = KINDS[caller.kind]
        return Call(kind, request.principal.name, request.action, request.resource, keys, caller.has_identity_policy)

    def says_new(self, call: Call) -> bool:
        """Whether the comparison says that a call from elsewhere is newly allowed: the values that give the naive
        evaluator the same answers everywhere stand for the call's.
        """
        callers = [n for n, caller in enumerate(self.space.callers) if self.is_like(caller, call)]
        assert callers, f"no caller stands for {call}"
        number = callers[0]
        caller = self.space.callers[number]
        cell = []
        for dimension in self.space.dimensions(caller):
            same = self.values_like(dimension, call)
            assert same, f"no {dimension} stands for that of {call}"
            cell.append(1 << same[0])
        return any(all(a & b for a, b in zip(cell, box, strict=True)) for box in self.found[number])

    def is_like(self, caller: Caller, call: Call) -> bool:
        if KINDS[caller.kind] != call.kind or caller.has_identity_policy != call.has_identity_policy:
            return False
        keys, name = dict(call.keys), caller.principal.name
        is_own = call.kind == "aws" and f":{generated.OWN}:" in call.name
        if (caller.kind is CallerKind.OWN) != is_own:
            return False
        return all(
            naive.principal_matches(statement, call.kind, name, has_identity_policy=call.has_identity_policy)
            == naive.principal_matches(statement, call.kind, call.name, has_identity_policy=call.has_identity_policy)
            for statement in self.statements
        ) and all(
            naive.condition_matches(operator, key, wanted, dict(caller.fixed))
            == naive.condition_matches(operator, key, wanted, keys)
            for operator, key, wanted in self.conditions()
            if key.lower() in caller.fixed and key.lower() not in ("aws:sourcearn", "aws:sourceaccount")
        )

    def values_like(self, dimension: str, call: Call) -> list[int]:
        keys = dict(call.keys)
        if dimension == ACTION:
            return [
                number
                for number, action in enumerate(self.space.actions)
                if action.lower() == call.action.lower()
                and all(
                    naive.action_matches(s, action) == naive.action_matches(s, call.action) for s in self.statements
                )
            ]
        if dimension == RESOURCE:
            return [
                number
                for number, place in enumerate(self.space.places)
                if ("/" in place.text.value) == ("/" in call.resource)
                and all(
                    naive.resource_matches(s, place.text.value) == naive.resource_matches(s, call.resource)
                    for s in self.statements
                )
            ]
        if dimension == SOURCE:
            answers = [{"aws:sourcearn": s.arn, "aws:sourceaccount": s.account} for s in self.space.sources]
            names: tuple[str, ...] = ("aws:sourcearn", "aws:sourceaccount")
        else:
            answers = [{dimension: value.values} for value in self.space.values(dimension)]
            names = (dimension,)
        return [
            number
            for number, context in enumerate(answers)
            # CloudTrail calls on behalf of trails alone.
            if (
                dimension != SOURCE or not call.name.startswith("cloudtrail") or self.space.sources[number].may_be_trail
            )
            and all(
                naive.condition_matches(operator, key, wanted, context)
                == naive.condition_matches(operator, key, wanted, keys)
                for operator, key, wanted in self.conditions()
                if key.lower() in names
            )
        ]

    def conditions(self) -> Iterator[tuple[str, str, Any]]:
        for statement in self.statements:
            for operator, by_key in statement["Condition"].items():
                for key, wanted in by_key.items():
                    yield operator, key, wanted


def check(seed: int, calls: int) -> int:
    """Try calls on one pair.

    :returns: how many were newly allowed.
    """
    comparison = Comparison(seed)
    random = Random(seed)
    found = 0
    for call, says in comparison.cells(random, calls):
        assert says == comparison.is_new(call), f"seed {seed}: {call}\n{comparison.base}\n{comparison.head}"
    for call in generated.calls(random, calls):
        is_new = comparison.is_new(call)
        found += is_new
        # Where neither policy allows anything there is little to find; every new one is looked up.
        if is_new or random.random() < 0.1:
            assert comparison.says_new(call) == is_new, f"seed {seed}: {call}\n{comparison.base}\n{comparison.head}"
    return found


def test_a_sample_of_pairs_is_compared_exactly() -> None:
    found = sum(check(seed, 40) > 0 for seed in range(60))

    assert found > 10


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_what_is_newly_allowed_is_exactly_what_trying_calls_finds(block: int) -> None:
    found = sum(check(seed, 150) > 0 for seed in range(1000 + block * 100, 1000 + (block + 1) * 100))

    assert found > 10  # or the pairs are too alike to say anything
