"""AWS::SNS::Topic: MiniStack's, and the encryption that it forgets.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
"""

from typing import Any

from lab.cloudformation.api import Api
from lab.cloudformation.properties import Properties
from lab.seams import ResourceHandler

TOPIC = "AWS::SNS::Topic"
_KEY = "KmsMasterKeyId"


def with_encryption(handler: ResourceHandler, api: Api) -> ResourceHandler:
    """The same handler, which sets and removes the topic's key as well."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        created = handler["create"](logical_id, properties, stack_name)
        if properties.get(_KEY):
            _set_key(created[0], properties[_KEY])
        return created

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None) -> Any:
        updated = handler["update"](physical_id, old, new, stack_name, logical_id)
        if updated[0] != physical_id or new.get(_KEY) != old.get(_KEY):
            _set_key(updated[0], new.get(_KEY, ""))
        return updated

    def _set_key(topic: str, key: str) -> None:
        api.call("sns", "SetTopicAttributes", TopicArn=topic, AttributeName=_KEY, AttributeValue=key)

    return handler | {"create": create, "update": update}
