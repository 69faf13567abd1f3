"""Both sides of a review, resolved under every assignment of the conditions that matter.

A condition compares texts that may be known only at the deployment. Each such comparison is assumed to be true and to
be false; one that is written equally on both sides has the same value on both.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

from securetrail.review.template.intrinsics import Side, as_json, section
from securetrail.review.template.model import Id, Template, Variant

# 64 assignments. With more comparisons, what depends on conditions is not comparable.
_MOST_COMPARISONS: Final = 6
_NOTHING_RENAMED: Final[Mapping[Id, Id]] = {}


def variants(
    base: Sequence[Template], head: Sequence[Template], renamed: Mapping[Id, Id] = _NOTHING_RENAMED
) -> tuple[Variant, ...]:
    """Resolve both sides.

    :param renamed: the head's id of a resource → the base's id of the same resource.
    :returns: one for each assignment of the conditions that resources depend on, at most 64 and at least one. With
        more assignments, one with ``NotComparable`` in the place of each ``Fn::If``.
    """
    comparisons = sorted({*_comparisons(base), *_comparisons(head)})
    if len(comparisons) > _MOST_COMPARISONS:
        return (_variant(base, head, renamed, None),)
    return tuple(
        _variant(base, head, renamed, dict(zip(comparisons, values, strict=True)))
        for values in product((True, False), repeat=len(comparisons))
    )


def _variant(
    base: Sequence[Template],
    head: Sequence[Template],
    renamed: Mapping[Id, Id],
    assumed: Mapping[str, bool] | None,
) -> Variant:
    def decide(template: Template, name: str) -> bool | None:
        return None if assumed is None else _holds(template, {"Condition": name}, assumed)

    return Variant(
        assumptions=tuple((assumed or {}).items()),
        base=Side(base, {}, decide).resources(),
        head=Side(head, renamed, decide).resources(),
    )


def _comparisons(templates: Sequence[Template]) -> Iterator[str]:
    """Every comparison that an existing resource depends on, as text."""
    for template in templates:
        for name in set(_conditions_used(section(template, "Resources"), is_resource_section=True)):
            yield from _undecided(template, {"Condition": name}, frozenset())
    yield from ()


def _conditions_used(node: Any, *, is_resource_section: bool = False) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _conditions_used(each)
    elif isinstance(node, dict):
        if is_resource_section:
            yield from (str(raw["Condition"]) for raw in node.values() if isinstance(raw, dict) and "Condition" in raw)
        for name, each in node.items():
            if name == "Fn::If" and isinstance(each, list) and each and isinstance(each[0], str):
                yield each[0]
            yield from _conditions_used(each)


def _undecided(template: Template, node: Any, seen: frozenset[str]) -> Iterator[str]:
    """The comparisons in a condition that its text does not decide."""
    if not isinstance(node, dict) or len(node) != 1:
        return
    ((name, argument),) = node.items()
    if name == "Condition" and isinstance(argument, str):
        if argument not in seen and argument in section(template, "Conditions"):
            yield from _undecided(template, section(template, "Conditions")[argument], seen | {argument})
        else:
            yield as_json(node)
    elif name in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
        for each in argument:
            yield from _undecided(template, each, seen)
    elif _decided(node) is None:
        yield as_json(node)


def _holds(template: Template, node: Any, assumed: Mapping[str, bool], depth: int = 0) -> bool | None:
    if as_json(node) in assumed:
        return assumed[as_json(node)]
    if not isinstance(node, dict) or len(node) != 1 or depth > len(section(template, "Conditions")) * 10 + 10:
        return None
    ((name, argument),) = node.items()
    if name == "Condition":
        return _holds(template, section(template, "Conditions").get(argument), assumed, depth + 1)
    if name in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
        values = [_holds(template, each, assumed, depth + 1) for each in argument]
        if any(value is None for value in values):
            return None
        return not values[0] if name == "Fn::Not" else all(values) if name == "Fn::And" else any(values)
    return _decided(node)


def _decided(node: Mapping[str, Any]) -> bool | None:
    """Whether two texts are equal, when both are written in the template."""
    operands = node.get("Fn::Equals")
    if isinstance(operands, list) and len(operands) == 2 and not any(isinstance(each, dict) for each in operands):
        return bool(operands[0] == operands[1])
    return None
