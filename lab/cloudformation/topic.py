"""AWS::SNS::Topic and its policy: MiniStack's, with the encryption that it forgets and a rejection that it lacks.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
"""

from collections import Counter
from typing import Any

from lab.cloudformation.api import Api
from lab.cloudformation.properties import Properties
from lab.ministack.cloudformation import ResourceHandler

TOPIC, TOPIC_POLICY = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"
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


def require_unique_statements(properties: Properties) -> None:
    """Rejects a topic's policy in which two statements have one Sid, as SNS does.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html

    :raises ValueError: names the Sid.
    """
    statements = (properties.get("PolicyDocument") or {}).get("Statement", [])
    sids = Counter(each.get("Sid") for each in (statements if isinstance(statements, list) else [statements]))
    repeated = [sid for sid, number in sids.items() if sid and number > 1]
    if repeated:
        raise ValueError(
            "Invalid parameter: Policy statements must have unique IDs "
            f"(Service: Sns, Status Code: 400): the Sid {repeated[0]} stands there {sids[repeated[0]]} times."
        )
