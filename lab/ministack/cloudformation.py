"""CloudFormation: handlers of resource types, stacks, generated names and custom resources."""
# ruff: noqa: SLF001

from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import custom_resource, provisioners

# create(logical id, properties, stack name) → (physical id, attributes); update, delete and import beside it.
ResourceHandler = dict[str, Any]
resource_handlers: dict[str, ResourceHandler] = provisioners._RESOURCE_HANDLERS
# Types that get the stack's tags: the property, and whether it holds a list or a map.
stack_tag_properties: dict[str, tuple[str, str]] = provisioners._STACK_TAG_PROPERTY


def stacks() -> list[tuple[str, str]]:
    """Every stack of the lab that is not deleted, of all accounts and regions, with its status."""
    found = [(stack["StackName"], stack["StackStatus"]) for _key, stack in cloudformation._stacks.all_items()]
    return [stack for stack in found if stack[1] != "DELETE_COMPLETE"]


def generated_name(stack_name: str, logical_id: str) -> str:
    """The name of a resource that the template leaves unnamed; the same for every update of the stack."""
    return str(provisioners._physical_name(stack_name, logical_id))


def generated_bucket_name(stack_name: str, logical_id: str) -> str:
    """As `generated_name`, but new for every instance of a stack: the engine keeps the seed with the resource."""
    if not provisioners._NAME_SEED.get():
        provisioners._NAME_SEED.set(responses.new_uuid()[:8])
    return str(provisioners._physical_name(stack_name, logical_id, lowercase=True, max_len=63))


def replace_custom_resources(change: Callable[..., tuple[str, dict[str, Any]]]) -> None:
    """Every creation, update and deletion of a custom resource calls `change` instead."""
    custom_resource.invoke_custom_resource = change
