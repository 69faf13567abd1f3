"""What a change of the templates does to the resources that are deployed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from securetrail.review.changes.replacement import create_only, replacing, values_at
from securetrail.review.template import Id, Resource, Template, Variant, named_resources

# What a template has beside resources, and what one of each is called. Outputs are a contract with whoever reads them.
_DECLARATIONS: Final = {
    "Outputs": "output",
    "Parameters": "parameter",
    "Conditions": "condition",
    "Mappings": "mapping",
}


class Kind(StrEnum):
    """What happens to a resource."""

    REPLACED = "replaced"
    REMOVED = "removed"
    ADDED = "added"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that a deployment would touch, or one output, parameter, condition or mapping that differs.

    :param resource: the base's id, except for one that is added.
    :param resource_type: a resource's type, else ``output``, ``parameter``, ``condition`` or ``mapping``.
    :param properties: what is different, by the names of top-level properties or attributes of the resource.
    :param because: why it is replaced.
    """

    kind: Kind
    resource: Id
    resource_type: str
    properties: tuple[str, ...] = ()
    because: str = ""


def compare_resources(
    variants: Sequence[Variant], head: Sequence[Template], renamed: Mapping[Id, Id]
) -> tuple[Change, ...]:
    """The resources that a deployment would touch in any of the variants; the gravest of what happens to each.

    :param head: the head's templates as they are written.
    :param renamed: the head's id of a resource → the base's id of the same resource.
    """
    found: dict[Id, Change] = {}
    order = list(Kind)
    for variant in variants:
        for change in _of_variant(variant, renamed):
            known = found.get(change.resource)
            if known is None or order.index(change.kind) < order.index(known.kind):
                found[change.resource] = change
    _follow(found, head, renamed, variants[0].head)
    return tuple(sorted(found.values(), key=lambda change: (order.index(change.kind), str(change.resource))))


def compare_declarations(base: Sequence[Template], head: Sequence[Template]) -> tuple[Change, ...]:
    """The outputs, parameters, conditions and mappings that differ, of stacks that are there on both sides."""
    before, after = ({template.stack: template.body for template in side} for side in (base, head))
    changes = []
    for stack in sorted({*before} & {*after}):
        for section, called in _DECLARATIONS.items():
            old, new = before[stack].get(section) or {}, after[stack].get(section) or {}
            for name in sorted({*old, *new}):
                if old.get(name) == new.get(name):
                    continue
                kind = Kind.ADDED if name not in old else Kind.REMOVED if name not in new else Kind.CHANGED
                changes.append(Change(kind, Id(stack, name), called))
    return tuple(changes)


def _of_variant(variant: Variant, renamed: Mapping[Id, Id]) -> Iterator[Change]:
    new_names = {old: new for new, old in renamed.items()}
    base, head = variant.base, variant.head
    for each in sorted({*base, *head}):
        old, new = base.get(each), head.get(each)
        if old is None and new is not None:
            yield Change(Kind.ADDED, each, new.type)
        elif new is None and old is not None:
            yield Change(Kind.REMOVED, each, old.type)
        elif old is not None and new is not None:
            change = _difference(old, new)
            if each in new_names:
                differs = change.properties if change else ()
                yield Change(Kind.REPLACED, each, old.type, differs, f"renamed to {new_names[each]}")
            elif change is not None:
                yield change


def _difference(old: Resource, new: Resource) -> Change | None:
    before, after = old.properties, new.properties
    differs = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    for attribute, name in (("deletion_policy", "DeletionPolicy"), ("update_replace_policy", "UpdateReplacePolicy")):
        if getattr(old, attribute) != getattr(new, attribute):
            differs.add(name)
    if old.type != new.type:
        return Change(Kind.REPLACED, old.id, old.type, tuple(sorted(differs)), f"it becomes an {new.type}")
    if not differs:
        return None
    causes = replacing(new.type, before, after)
    kind = Kind.REPLACED if causes else Kind.CHANGED
    return Change(kind, old.id, new.type, tuple(sorted(differs)), f"{', '.join(causes)} changes" if causes else "")


def _follow(
    found: dict[Id, Change], head: Sequence[Template], renamed: Mapping[Id, Id], resources: Mapping[Id, Resource]
) -> None:
    """Add what is replaced because something that it refers to is: a reference to a new resource is a new value."""
    raw = {
        renamed.get(Id(template.stack, name), Id(template.stack, name)): (template.stack, entry)
        for template in head
        for name, entry in (template.body.get("Resources") or {}).items()
    }
    while True:
        replaced = {each for each, change in found.items() if change.kind is Kind.REPLACED}
        following = {}
        for each, resource in resources.items():
            if each in replaced or each not in raw or not resource.dependencies & replaced:
                continue
            if each in found and found[each].kind is Kind.ADDED:
                continue
            stack, entry = raw[each]
            cause = _replaced_with(entry, stack, resource, replaced, renamed)
            if cause:
                known = found[each].properties if each in found else ()
                following[each] = Change(Kind.REPLACED, each, resource.type, known, cause)
        if not following:
            return
        found |= following


def _replaced_with(
    entry: Mapping[str, Any], stack: str, resource: Resource, replaced: Collection[Id], renamed: Mapping[Id, Id]
) -> str:
    for path in create_only(resource.type):
        for value in values_at(entry.get("Properties") or {}, path):
            for name in named_resources(value):
                target = renamed.get(Id(stack, name), Id(stack, name))
                if target in replaced:
                    return f"{'.'.join(path)} names {target.logical_id}, which is replaced"
    return ""
