"""What a change of the template does to the resources that are deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

_REGION = "us-east-1"
# What a template has beside resources, and what one of each is called. Outputs are a contract with whoever reads them.
_DECLARATIONS: Final = {
    "Outputs": "output",
    "Parameters": "parameter",
    "Conditions": "condition",
    "Mappings": "mapping",
}


class Kind(StrEnum):
    """What happens to a resource."""

    ADDED = "added"
    CHANGED = "changed"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that a deployment would touch, or one output, parameter, condition or mapping that differs.

    :param resource_type: a resource's type, else ``output``, ``parameter``, ``condition`` or ``mapping``.
    :param properties: what is different, by the names of top-level properties or attributes of the resource.
    """

    kind: Kind
    stack: str
    logical_id: str
    resource_type: str
    properties: tuple[str, ...] = ()


def compare(stack: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> list[Change]:
    """The resources that differ between two templates of a stack; an empty mapping is a stack that is not there."""
    before, after = base.get("Resources", {}), head.get("Resources", {})
    changes = []
    for logical_id in sorted({*before, *after}):
        old, new = before.get(logical_id), after.get(logical_id)
        if old == new:
            continue
        if old is None:
            changes.append(Change(Kind.ADDED, stack, logical_id, new["Type"]))
        elif new is None:
            changes.append(Change(Kind.REMOVED, stack, logical_id, old["Type"]))
        else:
            changes.append(_difference(stack, logical_id, old, new))
    return changes


def compare_declarations(stack: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> list[Change]:
    """The outputs, parameters, conditions and mappings that differ, as :func:`compare`."""
    changes = []
    for section, called in _DECLARATIONS.items():
        before, after = base.get(section, {}), head.get(section, {})
        for logical_id in sorted({*before, *after}):
            if before.get(logical_id) == after.get(logical_id):
                continue
            there = (logical_id in before, logical_id in after)
            kind = {(False, True): Kind.ADDED, (True, False): Kind.REMOVED}.get(there, Kind.CHANGED)
            changes.append(Change(kind, stack, logical_id, called))
    return changes


def _difference(stack: str, logical_id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    before, after = old.get("Properties", {}), new.get("Properties", {})
    properties = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    attributes = {name for name in {*old, *new} - {"Properties"} if old.get(name) != new.get(name)}
    replaced = "Type" in attributes or bool(properties & _create_only(new["Type"]))
    return Change(
        Kind.REPLACED if replaced else Kind.CHANGED,
        stack,
        logical_id,
        new["Type"],
        tuple(sorted(properties | attributes)),
    )


def _create_only(resource_type: str) -> set[str]:
    """The properties whose change replaces the resource, from CloudFormation's own schemas (cfn-lint carries them).

    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html (createOnlyProperties)
    """
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, resource_type).schema
    return {path.split("/")[2] for path in schema.get("createOnlyProperties", [])}
