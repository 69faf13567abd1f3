"""Which properties of a resource replace it when they change.

CloudFormation's own schemas say it, which cfn-lint carries:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html (createOnlyProperties)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

_REGION = "us-east-1"


def replacing(resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties that differ and can only be set when the resource is created.

    :param before: properties; likewise ``after``.
    :returns: names with dots between them, sorted.
    """
    return tuple(
        sorted(
            ".".join(path) for path in create_only(resource_type) if [*_values(before, path)] != [*_values(after, path)]
        )
    )


@cache
def create_only(resource_type: str) -> tuple[tuple[str, ...], ...]:
    """The paths of the properties that can only be set when a resource of the type is created.

    A type that CloudFormation has no public schema of (a custom resource, a private type) has none here.
    """
    from cfnlint.schema import ResourceNotFoundError  # noqa: PLC0415 (loads for a second, and only now)
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 (the same)

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_REGION, resource_type).schema
    except ResourceNotFoundError:
        return ()
    return tuple(tuple(path.split("/")[2:]) for path in schema.get("createOnlyProperties", []))


def values_at(properties: Any, path: Sequence[str]) -> list[Any]:
    """Everything that stands at a path of a schema, in which ``*`` is each entry of a list."""
    return [*_values(properties, path)]


def _values(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "*":
        for entry in value if isinstance(value, list) else ():
            yield from _values(entry, path[1:])
    elif isinstance(value, Mapping):
        if path[0] in value:
            yield from _values(value[path[0]], path[1:])
    elif isinstance(value, list):  # some schemas leave the * out
        for entry in value:
            yield from _values(entry, path)
