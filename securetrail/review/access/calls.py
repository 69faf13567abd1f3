"""What custom resources call at the deployment: CDK's ``AwsCustomResource`` has each call as a text in the template.

Such a call may stop a trail without any other difference, with a role that may do so since long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.access.actions import is_sensitive
from securetrail.review.template import Id, NotComparable, Resource, Variant
from verify.policy.wildcard import matches

_WHEN: Final = {"Create": "created", "Update": "updated", "Delete": "removed"}
_CUSTOM: Final = ("Custom::", "AWS::CloudFormation::CustomResource")
_CALL: Final = re.compile(r'"(service|action)"\s*:\s*"([^"]+)"')
# An SDK's name of a service, without its punctuation, where IAM's is another one.
_SERVICES: Final = {
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "configservice": "config",
    "eventbridge": "events",
    "s3control": "s3",
}
# What takes protection away beside what a role may not be given without a word: other names of the SDK, and guards
# that roles of honest services look after as well.
_SENSITIVE: Final = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:SetAlarmState",
    "config:Delete*",
    "config:Stop*",
    "ec2:DeleteFlowLogs",
    "events:PutRule",
    "guardduty:Delete*",
    "guardduty:Update*",
    "macie2:Disable*",
    "organizations:De*",
    "organizations:Disable*",
    "s3:PutBucket*",
    "s3:PutObjectLockConfiguration",
    "s3:PutPublicAccessBlock",
    "securityhub:Disable*",
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that takes protection away, or whatever call when it cannot be read.

    :param action: as IAM calls it: ``cloudtrail:StopLogging``. Empty when the template does not tell it.
    :param given: the call as the template has it.
    :param when: ``created``, ``updated``, ``removed``, or several of them with an "or".
    """

    resource: Id
    action: str
    given: str
    when: str


def new_calls(variants: Sequence[Variant]) -> tuple[Call, ...]:
    """The calls of the head's custom resources that the base's resource of the same id does not make."""
    found: dict[Call, None] = {}
    for variant in variants:
        for each, resource in variant.head.items():
            before = {*_calls(variant.base[each])} if each in variant.base else set()
            found |= dict.fromkeys(call for call in _calls(resource) if call not in before)
    return tuple(found)


def _calls(resource: Resource) -> Iterator[Call]:
    if not resource.type.startswith(_CUSTOM):
        return
    found: dict[tuple[str, str], list[str]] = {}
    for name, when in _WHEN.items():
        value = resource.properties.get(name)
        if isinstance(value, NotComparable):
            # A part of it cannot be resolved; which service and action is written there all the same.
            parts: Mapping[str, Any] = dict(_CALL.findall(value.text.replace("\\", "")))
            text = value.text
        elif isinstance(value, str) and "action" in value:
            parts, text = _read(value), value
        else:
            continue
        action = _action(parts)
        if not action or is_sensitive(action) or any(matches(p, action, ignore_case=True).is_true for p in _SENSITIVE):
            found.setdefault((action, text), []).append(when)
    for (action, text), whens in found.items():
        yield Call(resource.id, action, text, " or ".join(whens))


def _read(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return dict(_CALL.findall(text))
    return found if isinstance(found, dict) else {}


def _action(call: Mapping[str, Any]) -> str:
    """``CloudTrail`` and ``stopLogging``, or ``@aws-sdk/client-cloudtrail`` and ``StopLoggingCommand``."""
    service, action = str(call.get("service", "")), str(call.get("action", ""))
    if not service or not action:
        return ""
    service = re.sub("[^a-z0-9]", "", service.rpartition("/")[2].lower().removeprefix("client-"))
    action = action.removesuffix("Command")
    return f"{_SERVICES.get(service, service)}:{action[0].upper()}{action[1:]}"
