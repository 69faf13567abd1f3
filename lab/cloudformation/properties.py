"""Rules that hold for every resource type that the lab provisions itself."""

from collections.abc import Iterable, Mapping
from typing import Any

Properties = Mapping[str, Any]
# What creates or updates a resource returns: its physical id, and its attributes.
Created = tuple[str, dict[str, Any]]


def reject_unsupported(resource_type: str, logical_id: str, properties: Properties, supported: Iterable[str]) -> None:
    """A property that the lab would ignore fails the resource: a stack never looks better than it is.

    :raises ValueError: names the type, the logical id, the properties and what to do.
    """
    unsupported = sorted(set(properties) - set(supported))
    if unsupported:
        raise ValueError(
            f"{resource_type} {logical_id}: the lab does not support the property {', '.join(unsupported)}. "
            "Remove it for the lab, or deploy this stack to an AWS account."
        )


def required(resource_type: str, logical_id: str, properties: Properties, name: str) -> Any:
    """The value of a required property.

    :raises ValueError: it is missing.
    """
    if name not in properties:
        raise ValueError(f"{resource_type} {logical_id}: the required property {name} is missing.")
    return properties[name]


def boolean(value: Any) -> bool:
    """A template's boolean, which YAML and parameters may carry as text."""
    return str(value).lower() == "true"


def tags(properties: Properties) -> dict[str, str]:
    """The Tags property as a mapping."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or ()}
