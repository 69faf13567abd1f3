"""Puts the lab's resource types into MiniStack's CloudFormation, and a warning on what a resource does not do here."""

from collections.abc import Callable
from typing import Any

from lab.cloudformation.api import Api
from lab.cloudformation.bucket import BUCKET, BUCKET_POLICY, BucketHandler, BucketPolicyHandler
from lab.cloudformation.coverage import limits
from lab.cloudformation.handler import shown_first
from lab.cloudformation.key import ALIAS, KEY, AliasHandler, KeyHandler
from lab.cloudformation.properties import Properties
from lab.cloudformation.topic import TOPIC, TOPIC_POLICY, require_unique_statements, with_encryption
from lab.cloudformation.trail import TRAIL, TrailHandler
from lab.ministack import cloudformation
from lab.ministack.cloudformation import ResourceHandler

# Types without effect, or whose effect is the engine's own.
_HARMLESS = ("AWS::CDK::Metadata", "AWS::CloudFormation::")


def install(api: Api, warn: Callable[[str], None]) -> None:
    """Registers the reviewed types.

    :param warn: called with one line for each thing that a stack asks for and the lab does not do; lines repeat.
    """
    handlers = cloudformation.resource_handlers
    handlers[TOPIC] = with_encryption(handlers[TOPIC], api)
    handlers[TOPIC_POLICY] = shown_first(handlers[TOPIC_POLICY], require_unique_statements)
    for resource_type, handler in handlers.items():
        if not resource_type.startswith(_HARMLESS):
            handlers[resource_type] = _with_warnings(resource_type, handler, warn)
    reviewed: dict[str, Any] = {
        BUCKET: BucketHandler(api),
        BUCKET_POLICY: BucketPolicyHandler(api),
        KEY: KeyHandler(api),
        ALIAS: AliasHandler(api),
        TRAIL: TrailHandler(api),
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


def _with_warnings(resource_type: str, handler: ResourceHandler, warn: Callable[[str], None]) -> ResourceHandler:
    def look(properties: Properties) -> None:
        for limit in limits(resource_type, properties):
            warn(limit)

    return shown_first(handler, look)
