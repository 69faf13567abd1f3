"""Puts the lab's resource types into MiniStack's CloudFormation, and a warning on what a resource does not do here."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from lab.cloudformation import reading
from lab.cloudformation.access_key import ACCESS_KEY, AccessKeyHandler
from lab.cloudformation.api import Api
from lab.cloudformation.bucket import BUCKET, BUCKET_POLICY, BucketHandler, BucketPolicyHandler
from lab.cloudformation.coverage import ALARM, limitations, without_metric_math
from lab.cloudformation.group import GROUP, GroupHandler
from lab.cloudformation.handler import shown_first
from lab.cloudformation.key import ALIAS, KEY, AliasHandler, KeyHandler
from lab.cloudformation.named_query import NAMED_QUERY, NamedQueryHandler
from lab.cloudformation.properties import Properties
from lab.cloudformation.topic import TOPIC, TOPIC_POLICY, require_unique_statements, with_encryption
from lab.cloudformation.trail import TRAIL, TrailHandler
from lab.ministack import cloudformation
from lab.ministack.cloudformation import ResourceHandler
from lab.records.recorder import current_origin

# The prefix of a service's actions where it is not the name that types of resources have.
_PREFIXES = {
    "ApiGatewayV2": "apigateway",
    "EFS": "elasticfilesystem",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "OpenSearchService": "es",
    "StepFunctions": "states",
}
# Types without effect, or whose effect is the engine's own.
_HARMLESS = ("AWS::CDK::Metadata", "AWS::CloudFormation::")


def install(api: Api, warn: Callable[[str], None]) -> None:
    """Registers the reviewed types.

    :param warn: called with one line for each thing that a stack asks for and the lab does not do; lines repeat.
    """
    handlers = cloudformation.resource_handlers
    handlers[ALARM] = without_metric_math(handlers[ALARM])
    handlers[TOPIC] = with_encryption(handlers[TOPIC], api)
    handlers[TOPIC_POLICY] = shown_first(handlers[TOPIC_POLICY], require_unique_statements)
    for resource_type, handler in handlers.items():
        if not resource_type.startswith(_HARMLESS):
            handlers[resource_type] = _authorized(resource_type, _with_warnings(resource_type, handler, warn), api)
        handlers[resource_type] = shown_first(handlers[resource_type], partial(reading.require_objects, api))
    cloudformation.ask_before_reading(
        partial(reading.require_reference, api),
        partial(reading.require_parameter, api),
        partial(reading.require_document, api),
    )
    reviewed: dict[str, Any] = {
        BUCKET: BucketHandler(api),
        BUCKET_POLICY: BucketPolicyHandler(api),
        KEY: KeyHandler(api),
        ALIAS: AliasHandler(api),
        TRAIL: TrailHandler(api),
        ACCESS_KEY: AccessKeyHandler(api),
        GROUP: GroupHandler(api),
        NAMED_QUERY: NamedQueryHandler(api),
    }
    for resource_type, own in reviewed.items():
        imported = {name: each for name, each in handlers.get(resource_type, {}).items() if name == "import"}
        handlers[resource_type] = imported | {
            "create": own.create,
            "update": own.update,
            "update_with_logical_id": True,
            "delete": own.delete,
        }
    handlers[TRAIL] = _with_warnings(TRAIL, handlers[TRAIL], warn)
    for resource_type in (BUCKET, TRAIL):
        cloudformation.stack_tag_properties[resource_type] = ("Tags", "list")


def _authorized(resource_type: str, handler: ResourceHandler, api: Api) -> ResourceHandler:
    """MiniStack's own handler, which makes no calls that could be authorized: the caller must be allowed all of the
    type's service.
    """

    def guarded(action: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(action)
        def authorized(*args: Any, **kwargs: Any) -> Any:
            api.require_all_of(_PREFIXES.get(service, service.lower()), resource_type, current_origin.get())
            return action(*args, **kwargs)

        return authorized

    service = resource_type.split("::")[1]
    return handler | {name: guarded(handler[name]) for name in ("create", "update", "delete") if name in handler}


def _with_warnings(resource_type: str, handler: ResourceHandler, warn: Callable[[str], None]) -> ResourceHandler:
    def look(properties: Properties) -> None:
        for limitation in limitations(resource_type, properties):
            warn(limitation)

    return shown_first(handler, look)
