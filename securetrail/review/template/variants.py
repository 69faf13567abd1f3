"""Both sides of a review, resolved under every assignment of the conditions that matter.

A condition compares texts that may be known only at the deployment. Each such comparison is assumed to be true and to
be false; one that is written equally on both sides has the same value on both.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

from securetrail.review.template.intrinsics import Side, as_json, section
from securetrail.review.template.model import Id, Template, Variant

# 64 assignments. With more comparisons, what depends on conditions is not comparable.
_MOST_COMPARISONS: Final = 6
_NOTHING_RENAMED: Final[Mapping[Id, Id]] = {}
# So begins what stands in the place of a value that is given at the deployment.
GIVEN_LATER: Final = ("(parameter ", "(value of ", "(export ", "(output ")
Decide = Callable[[Template, Mapping[str, Any]], bool | None]


def variants(
    base: Sequence[Template], head: Sequence[Template], renamed: Mapping[Id, Id] = _NOTHING_RENAMED
) -> tuple[Variant, ...]:
    """Resolve both sides.

    :param renamed: the head's id of a resource → the base's id of the same resource.
    :returns: one for each assignment of the conditions that resources depend on, at most 64 and at least one; as many
        again, with the values of each side's own parameters and mappings, when these decide a comparison differently.
        With more assignments, two with ``NotComparable`` in the place of each ``Fn::If``: in the second one, what the
        head lets depend on another condition is not there.
    """
    comparisons = sorted({*_comparisons(base), *_comparisons(head)})
    if len(comparisons) > _MOST_COMPARISONS:
        everything = _variant(base, head, renamed, {})
        before, after = _undecided_conditions(base, _NOTHING_RENAMED), _undecided_conditions(head, renamed)
        kept = {
            each: resource
            for each, resource in everything.head.items()
            if each not in after or before.get(each) == after[each]
        }
        fewer = (dataclasses.replace(everything, head=kept),) if len(kept) < len(everything.head) else ()
        return (everything, *fewer)
    assigned = [
        dict(zip(comparisons, values, strict=True)) for values in product((True, False), repeat=len(comparisons))
    ]
    found = [_variant(base, head, renamed, assumed) for assumed in assigned]
    first, second = _as_written(base), _as_written(head)
    if _differ(base, head, first, second):
        found += [_variant(base, head, renamed, assumed, (first, second)) for assumed in assigned]
    return tuple(found)


def _by_its_text(_template: Template, node: Mapping[str, Any]) -> bool | None:
    return _decided(node)


def _variant(
    base: Sequence[Template],
    head: Sequence[Template],
    renamed: Mapping[Id, Id],
    assumed: Mapping[str, bool],
    first: tuple[Decide, Decide] = (_by_its_text, _by_its_text),
) -> Variant:
    """One variant.

    :param first: of each side, what decides a comparison before it is assumed.
    """

    def deciding(by: Decide) -> Callable[[Template, str], bool | None]:
        return lambda template, name: _holds(template, {"Condition": name}, assumed, by)

    return Variant(
        assumptions=tuple(assumed.items()),
        base=Side(base, {}, deciding(first[0])).resources(),
        head=Side(head, renamed, deciding(first[1])).resources(),
    )


def _as_written(templates: Sequence[Template]) -> Decide:
    """What decides a comparison by the templates' mappings and by the defaults of their parameters."""
    side = Side(templates, {}, lambda _template, _name: None)

    def decide(template: Template, node: Mapping[str, Any]) -> bool | None:
        operands = side.value(template, node.get("Fn::Equals"))
        if not isinstance(operands, list) or len(operands) != 2:
            return None
        one, other = map(_text, operands)
        if one is None or other is None or one.startswith(GIVEN_LATER) or other.startswith(GIVEN_LATER):
            return None
        return one == other

    return decide


def _differ(base: Sequence[Template], head: Sequence[Template], first: Decide, second: Decide) -> bool:
    """Whether a comparison that is written equally on both sides has another value on the other side."""
    after = {template.stack: template for template in head}
    return any(
        None not in (values := (first(template, node), second(after[template.stack], node))) and values[0] != values[1]
        for template in base
        if template.stack in after
        for node in (json.loads(each) for each in _comparisons([template]))
    )


def _undecided_conditions(templates: Sequence[Template], renamed: Mapping[Id, Id]) -> dict[Id, str]:
    """The resources of which the template does not say whether they are there, each with what decides it, as text."""
    by_stack = {template.stack: template for template in templates}
    found = {}
    for template in templates:
        for logical_id, raw in section(template, "Resources").items():
            own: tuple[Template, Any] | None = (template, raw)
            conditions = []
            while own is not None:
                inside, entry = own
                name = entry.get("Condition") if isinstance(entry, dict) else None
                if name is not None and _holds(inside, {"Condition": name}, {}, _by_its_text) is None:
                    conditions.append(_expanded(inside, {"Condition": name}, frozenset()))
                parent = inside.parent and by_stack.get(inside.parent.stack)
                own = (
                    (parent, section(parent, "Resources").get(inside.parent.logical_id))
                    if parent and inside.parent
                    else None
                )
            if conditions:
                each = Id(template.stack, logical_id)
                found[renamed.get(each, each)] = as_json(conditions)
    return found


def _expanded(template: Template, node: Any, seen: frozenset[str]) -> Any:
    """A condition with the text of each other condition in the place of its name."""
    if isinstance(node, list):
        return [_expanded(template, each, seen) for each in node]
    if not isinstance(node, dict):
        return node
    name = node.get("Condition")
    if len(node) == 1 and isinstance(name, str) and name not in seen:
        return _expanded(template, section(template, "Conditions").get(name), seen | {name})
    return {key: _expanded(template, each, seen) for key, each in node.items()}


def _comparisons(templates: Sequence[Template]) -> Iterator[str]:
    """Every comparison that an existing resource depends on, as text."""
    for template in templates:
        for name in set(_conditions_used(section(template, "Resources"), is_resource_section=True)):
            yield from _open_comparisons(template, {"Condition": name}, frozenset())
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


def _open_comparisons(template: Template, node: Any, seen: frozenset[str]) -> Iterator[str]:
    """The comparisons in a condition that its text does not decide."""
    if not isinstance(node, dict) or len(node) != 1:
        return
    ((name, argument),) = node.items()
    if name == "Condition" and isinstance(argument, str):
        if argument not in seen and argument in section(template, "Conditions"):
            yield from _open_comparisons(template, section(template, "Conditions")[argument], seen | {argument})
        else:
            yield as_json(node)
    elif name in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
        for each in argument:
            yield from _open_comparisons(template, each, seen)
    elif _decided(node) is None:
        yield _comparison(node)


def _holds(template: Template, node: Any, assumed: Mapping[str, bool], first: Decide, depth: int = 0) -> bool | None:
    known = first(template, node) if isinstance(node, dict) else None
    if known is not None or _comparison(node) in assumed:
        return assumed[_comparison(node)] if known is None else known
    if not isinstance(node, dict) or len(node) != 1 or depth > len(section(template, "Conditions")) * 10 + 10:
        return None
    ((name, argument),) = node.items()
    if name == "Condition":
        return _holds(template, section(template, "Conditions").get(argument), assumed, first, depth + 1)
    if name in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
        values = [_holds(template, each, assumed, first, depth + 1) for each in argument]
        if any(value is None for value in values):
            return None
        return not values[0] if name == "Fn::Not" else all(values) if name == "Fn::And" else any(values)
    return None


def _decided(node: Mapping[str, Any]) -> bool | None:
    """Whether two texts are equal, when both are written in the template."""
    operands = node.get("Fn::Equals")
    if not isinstance(operands, list) or len(operands) != 2:
        return None
    one, other = map(_text, operands)
    return None if one is None or other is None else one == other


def _text(value: Any) -> str | None:
    """The text that CloudFormation compares; ``None`` where it is not known: of a fraction, which is written in more
    than one way, and of what is no text.
    """
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else None


def _comparison(node: Any) -> str:
    """One text for the same comparison, whichever operand is written first."""
    operands = node.get("Fn::Equals") if isinstance(node, dict) and len(node) == 1 else None
    if isinstance(operands, list) and len(operands) == 2:
        texts = [each if (text := _text(each)) is None else text for each in operands]
        return as_json({"Fn::Equals": sorted(texts, key=as_json)})
    return as_json(node)
