"""CloudFormation: handlers of resource types, stacks, generated names and custom resources."""
# ruff: noqa: SLF001

from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, custom_resource, engine, handlers, provisioners
from ministack.services.cloudformation import stacks as stack_module

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


def join_in_conditions() -> None:
    """Conditions of templates know `Fn::Join`, by which the template of `cdk bootstrap` asks whether a list is empty;
    to MiniStack everything joined is something.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
    """
    evaluate = engine._evaluate_conditions

    def evaluated(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, bool]:
        conditions = _joined(template.get("Conditions", {}), parameters)
        found: dict[str, bool] = evaluate({**template, "Conditions": conditions}, parameters)
        return found

    for module in (engine, changesets, handlers, provisioners, stack_module):
        module._evaluate_conditions = evaluated


def _joined(value: Any, parameters: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_joined(each, parameters) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"Fn::Join"}:
        return {name: _joined(each, parameters) for name, each in value.items()}
    delimiter, items = value["Fn::Join"]
    if isinstance(items, dict) and items.get("Ref") in parameters:
        items = [each.strip() for each in str(parameters[items["Ref"]]["Value"]).split(",")]
    texts = [
        parameters.get(each["Ref"], {}).get("Value") if isinstance(each, dict) and "Ref" in each else each
        for each in items
    ]
    return str(delimiter).join(map(str, texts)) if all(isinstance(each, str) for each in texts) else value


def ask_before_reading(
    reference: Callable[[str, str], None], parameter: Callable[[str], None], document: Callable[[str], None]
) -> None:
    """What a template reads of other services is asked for first, so that it is not read where that raises ValueError.

    :param reference: called with the service and the rest of a dynamic reference.
    :param parameter: called with the name of a parameter of SSM whose value a template's parameter has.
    :param document: called with the URL (`s3://`) of what a template includes.
    """
    resolve, resolve_parameters = engine._resolve_dynamic_reference, engine._resolve_parameters
    fetch = engine._fetch_include_snippet

    def fetched(location: Any) -> dict[str, Any]:
        try:
            document(str(location))
        except ValueError as error:
            raise engine._IncludeError(engine._INCLUDE_ERROR + str(error)) from error
        found: dict[str, Any] = fetch(location)
        return found

    def resolved(literal: str) -> str:
        found = engine._DYNAMIC_REFERENCE.fullmatch(literal)
        reference(found[1], found[2])
        return str(resolve(literal))

    def parameters(template: dict[str, Any], *others: Any, **named: Any) -> dict[str, Any]:
        values: dict[str, Any] = resolve_parameters(template, *others, **named)
        for each in values.values():
            if isinstance(each, dict) and each.get("SsmName"):
                parameter(str(each["SsmName"]))
        return values

    engine._fetch_include_snippet = fetched
    engine._resolve_dynamic_reference = resolved
    for module in (engine, changesets, handlers, provisioners, stack_module):
        if hasattr(module, "_resolve_parameters"):
            module._resolve_parameters = parameters


def replace_custom_resources(change: Callable[..., tuple[str, dict[str, Any]]]) -> None:
    """Every creation, update and deletion of a custom resource calls `change` instead."""
    custom_resource.invoke_custom_resource = change
