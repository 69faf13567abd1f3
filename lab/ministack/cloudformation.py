"""CloudFormation: handlers of resource types, stacks, generated names and custom resources."""
# ruff: noqa: SLF001

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, custom_resource, engine, handlers, provisioners
from ministack.services.cloudformation import stacks as stack_module

from lab.protocol.answer import Answer

# create(logical id, properties, stack name) → (physical id, attributes); update, delete and import beside it.
ResourceHandler = dict[str, Any]
resource_handlers: dict[str, ResourceHandler] = provisioners._RESOURCE_HANDLERS
# Types that get the stack's tags: the property, and whether it holds a list or a map.
stack_tag_properties: dict[str, tuple[str, str]] = provisioners._STACK_TAG_PROPERTY


def stacks() -> list[tuple[str, str, str, str]]:
    """Every stack of the lab that is not deleted: its name, its status, its account and its region."""
    found = [
        (str(stack["StackName"]), str(stack["StackStatus"]), str(account), str(region))
        for (account, region, _), stack in cloudformation._stacks.all_items()
    ]
    return [stack for stack in found if stack[1] != "DELETE_COMPLETE"]


def is_deploying() -> bool:
    """Whether a stack is being made, changed or deleted; one with a change set alone waits for somebody."""
    return any(status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS" for _, status, _, _ in stacks())


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


# Of CloudFormation's sessions of a stack's role.
SESSION_NAME = "AWSCloudFormation"
# The role of the stack that the request is about, '' for none; what deploys it, inherits that.
_role: ContextVar[str] = ContextVar("stack_role", default="")
# Where MiniStack keeps a stack and a change set, the role that CloudFormation has for it.
_ROLE = "RoleARN"


def role_of_stack() -> str:
    """The ARN of the role of the stack that is being deployed; '' when its caller's own permissions count."""
    return _role.get()


def keep_roles() -> None:
    """Stacks have the role that was named when they were made or changed last, and a change set has its own until it is
    executed. An operation that fails at once changes nothing of that.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
    """
    for operation, handle in list(handlers._ACTION_HANDLERS.items()):
        handlers._ACTION_HANDLERS[operation] = partial(_with_role, operation, handle)


def _with_role(operation: str, handle: Callable[[Any], Answer], parameters: dict[str, Any]) -> Answer:
    name, given = str(handlers._p(parameters, "StackName")), str(handlers._p(parameters, _ROLE))
    change_set = _change_set(parameters)
    if operation == "ExecuteChangeSet" and change_set is not None:
        name, given = str(change_set["StackName"]), str(change_set.get(_ROLE, ""))
    makes_stack = operation == "CreateStack" or handlers._p(parameters, "ChangeSetType") == "CREATE"
    _role.set(given or ("" if makes_stack else _role_of(name)))
    answer = handle(parameters)
    if answer[0] < 300 and given:
        kept = _change_set(parameters) if operation == "CreateChangeSet" else handlers._resolve_stack(name)
        if kept is not None:
            kept[_ROLE] = given
    return answer


def _role_of(stack_name: str) -> str:
    stack = handlers._resolve_stack(stack_name)
    return str(stack.get(_ROLE, "")) if stack is not None and stack["StackStatus"] != "DELETE_COMPLETE" else ""


def _change_set(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    name, stack_name = (str(handlers._p(parameters, each)) for each in ("ChangeSetName", "StackName"))
    stack_name = (handlers._resolve_stack(stack_name) or {}).get("StackName", stack_name)  # it may be named by its ARN
    found: dict[str, Any] | None = changesets._find_change_set(name, stack_name)[1] if name else None
    return found


def stack_of_change_set(change_set: str) -> str:
    """The ARN of the stack that a change set, named by its ARN, is for; '' for one that there is not."""
    found = cloudformation._change_sets.get(change_set)
    return str(found["StackId"]) if found else ""


def replace_custom_resources(change: Callable[..., tuple[str, dict[str, Any]]]) -> None:
    """Every creation, update and deletion of a custom resource calls `change` instead."""
    custom_resource.invoke_custom_resource = change
