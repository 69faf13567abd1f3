"""Names in a template must be what their service requires; MiniStack's stacks do not check that."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from xml.sax.saxutils import escape

from lab.cloudformation.handler import shown_first
from lab.cloudformation.properties import Properties
from lab.ministack.cloudformation import ResourceHandler
from lab.protocol import catalogue, constraints

# By type: the service, the operation that creates such a thing, and properties that have another name there.
_CREATED_BY: dict[str, tuple[str, str, dict[str, str]]] = {
    "AWS::IAM::InstanceProfile": ("iam", "CreateInstanceProfile", {}),
    "AWS::IAM::ManagedPolicy": ("iam", "CreatePolicy", {"ManagedPolicyName": "PolicyName"}),
    "AWS::IAM::Policy": ("iam", "PutRolePolicy", {}),
    "AWS::IAM::Role": ("iam", "CreateRole", {}),
    "AWS::IAM::User": ("iam", "CreateUser", {}),
    "AWS::Logs::LogGroup": ("logs", "CreateLogGroup", {"LogGroupName": "logGroupName"}),
    "AWS::SNS::Topic": ("sns", "CreateTopic", {"TopicName": "Name"}),
}

_SHOWN = ("Description", "Path")


def require_names(handlers: dict[str, ResourceHandler]) -> None:
    """Makes handlers of resource types reject names, paths, descriptions and tags that their service would not take."""
    for resource_type, (service, operation, renamed) in _CREATED_BY.items():
        handler = _escaping(handlers[resource_type]) if service == "iam" else handlers[resource_type]
        handlers[resource_type] = shown_first(handler, _look(service, operation, renamed))


def _escaping(handler: ResourceHandler) -> ResourceHandler:
    """The same handler, which gives MiniStack's IAM texts ready for its answers (see `lab.server.validation`)."""

    def given(argument: Any) -> Any:
        if not isinstance(argument, dict):
            return argument
        shown = {name: escape(argument[name]) for name in _SHOWN if isinstance(argument.get(name), str)}
        return argument | shown

    def with_texts(action: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(action)
        def acting(*arguments: Any, **named: Any) -> Any:
            return action(*map(given, arguments), **named)

        return acting

    return handler | {name: with_texts(handler[name]) for name in ("create", "update") if name in handler}


def _look(service: str, operation: str, renamed: Mapping[str, str]) -> Callable[[Properties], None]:
    model = catalogue.operation_model(service, operation)
    if model is None:
        raise LookupError(f"{service} has no operation {operation}.")

    def look(properties: Properties) -> None:
        parameters: dict[str, Any] = {renamed.get(name, name): value for name, value in properties.items()}
        wrong = constraints.violation(service, model, parameters)
        if wrong is not None:
            raise ValueError(wrong)

    return look
