"""What a new version of a subject's policies allows that the old one did not, exactly, per caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from securetrail.review.access.boxes import Box, intersection, intersections, largest, without
from securetrail.review.access.callers import Caller, CallerKind
from securetrail.review.access.policies import Policies
from securetrail.review.access.space import SOURCE, Space, Unknown, of_caller
from verify.policy.document import Statement
from verify.policy.evaluation import Request, applies, decide
from verify.policy.probes import readable


class Contradiction(ArithmeticError):
    """The comparison and the evaluation of a single request disagree: an error in this program."""


@dataclass(frozen=True, slots=True)
class Widening:
    """Requests of one caller that one version allows, among them some that the other does not.

    :param box: in the order of the space's dimensions for this caller, then of `unknowns`.
    :param unknowns: bit 1 of its dimension is that it is true, bit 0 that it is not.
    :param because: the statement that makes the difference.
    :param is_total: the other version allows the caller these actions on nothing and under no condition.
    :param is_grant: the other version allows it none of these calls; else it allowed some, under narrower conditions.
    """

    caller: Caller
    box: Box
    dimensions: tuple[str, ...]
    unknowns: tuple[Unknown, ...]
    because: str
    is_total: bool
    is_grant: bool

    def mask(self, dimension: str) -> int | None:
        """The values in one dimension; ``None`` when this caller's requests do not have it."""
        return self.box[self.dimensions.index(dimension)] if dimension in self.dimensions else None


def widenings(space: Space, old: Policies, new: Policies) -> Iterator[Widening]:
    """Everything that the new version allows and the old one does not.

    :raises TooManyBoxes, TooManyTexts, TooManyValues: the policies are too large to be compared.
    :raises Contradiction: a request of the result is not what the evaluation of that request alone says.
    """
    for caller in space.callers:
        yield from _of_caller(space, caller, old, new)


def new_boxes(space: Space, caller: Caller, old: Policies, new: Policies) -> list[Box]:
    """The requests of a caller that only the new version allows; they do not overlap."""
    return _Regions(space, caller, old, new).new


def may_still(space: Space, policies: Policies, action: str) -> bool:
    """Whether a principal of the account may do something at all, whatever its request has."""
    if action not in space.actions:
        return True
    number = 1 << space.actions.index(action)
    return any(
        box[0] & number
        for caller in space.callers
        if caller.kind is CallerKind.OWN
        for box in _Regions(space, caller, policies, policies).allowed
    )


class _Regions:
    """The requests of one caller as boxes: what each version allows."""

    def __init__(self, space: Space, caller: Caller, old: Policies, new: Policies) -> None:
        self._space, self._caller = space, caller
        sizes = space.dimensions(caller)
        self._parts = {
            statement: space.parts(statement, caller)
            for policies in (old, new)
            for layer in policies.layers
            for statement in layer
        }
        unknowns = {unknown for parts in self._parts.values() for _, each in parts for unknown in each}
        self.unknowns = tuple(sorted(unknowns, key=lambda unknown: unknown.element))
        self.dimensions = (*sizes, *(unknown.element for unknown in self.unknowns))
        self.full = tuple((1 << size) - 1 for size in (*sizes.values(), *(2 for _ in self.unknowns)))
        self.universe = [
            tuple(part.get(dimension, full) for dimension, full in zip(self.dimensions, self.full, strict=True))
            for part in space.existing_of(caller)
        ]
        self.universe = [box for box in self.universe if all(box)]
        self.allows = self._allows(new)
        self.old = self._allowed(self._allows(old), old)
        self.allowed = self._allowed(self.allows, new)
        self.new = without(self.allowed, self.old)

    def _allows(self, policies: Policies) -> list[Box]:
        """Where every layer has an Allow."""
        found = list(self.universe)
        for number, layer in enumerate(policies.layers):
            boxes = [box for statement in layer if statement.is_allow for box in self._boxes(statement)]
            if self._caller.is_always_allowed and number == 0:
                boxes = [self.full]
            found = intersections(found, boxes)
        return found

    def _allowed(self, allows: Sequence[Box], policies: Policies) -> list[Box]:
        denies = [
            box
            for layer in policies.layers
            for statement in layer
            if not statement.is_allow
            for box in self._boxes(statement)
        ]
        # One after the other, so that the parts do not overlap.
        found: list[Box] = []
        for allow in allows:
            found += without(without([allow], denies), found)
        return found

    def _boxes(self, statement: Statement) -> Iterator[Box]:
        for part, unknown in self._parts[statement]:
            true = {each.element: 0b10 for each in unknown}
            yield tuple(
                true.get(dimension, part.get(dimension, full))
                for dimension, full in zip(self.dimensions, self.full, strict=True)
            )


def _of_caller(space: Space, caller: Caller, old: Policies, new: Policies) -> Iterator[Widening]:
    regions = _Regions(space, caller, old, new)
    for box in _readable(regions):
        seed = next(both for part in regions.new if (both := intersection(part, box)))
        request = space.request(caller, seed)
        is_decided = not regions.unknowns
        if is_decided and not (_allows(new, caller, request) and not _allows(old, caller, request)):
            raise Contradiction(f"{readable(str(request))} by {caller.name} is not newly allowed")
        because = _because(old, new, caller, request)
        is_total = not any(other[0] & box[0] for other in regions.old)
        called = 3 if SOURCE in regions.dimensions else 2
        is_grant = not any(all(a & b for a, b in zip(other[:called], box, strict=False)) for other in regions.old)
        yield Widening(caller, box, regions.dimensions, regions.unknowns, because, is_total, is_grant)


def _readable(regions: _Regions) -> Iterator[Box]:
    """The new requests in few boxes: where more than one would be needed, because the old version allowed some of the
    same before, one with all that the new version allows.
    """
    exact = largest(regions.new, regions.new, regions.allows, regions.universe)
    for wide in largest(regions.new, regions.allowed, regions.allows, regions.universe):
        inside = [box for box in exact if intersection(box, wide) == box]
        yield wide if len(inside) != 1 else inside[0]


def _allows(policies: Policies, caller: Caller, request: Request) -> bool:
    """Whether the policies certainly allow the request."""
    answers = []
    for number, layer in enumerate(policies.layers):
        decision = decide(of_caller(layer, caller), request)
        is_granted = (caller.is_always_allowed and number == 0) or decision.allow.is_true is True
        answers.append(is_granted and decision.deny.is_true is False)
    return all(answers) and bool(answers)


def _because(old: Policies, new: Policies, caller: Caller, request: Request) -> str:
    """The old Deny that no longer denies the request, else the new statement that allows it."""
    old, new = (replace(each, layers=tuple(of_caller(layer, caller) for layer in each.layers)) for each in (old, new))
    denied_by = next((by for layer in old.layers if (by := decide(layer, request).denied_by)), None)
    was_granted = caller.is_always_allowed or any(
        decide(layer, request).allow.is_true is not False for layer in old.layers[:1]
    )
    allowing = [
        _called(statement)
        for layer in new.layers
        for statement in layer
        if statement.is_allow and applies(statement, request).is_true is not False
    ]
    if denied_by and (was_granted or not allowing):
        return f"{_named(denied_by)} no longer denies it"
    if len(old.layers) > len(new.layers):
        return "there is no permissions boundary"
    return f"{allowing[0]} allows it" if allowing else "nothing denies it"


def _called(statement: Statement) -> str:
    return _named(statement.label)


def _named(label: str) -> str:
    return f"the statement {label}"
