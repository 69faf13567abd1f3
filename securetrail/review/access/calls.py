"""What is called outside of CloudFormation: by custom resources at the deployment (CDK's ``AwsCustomResource`` has each
call as a text in the template), and afterwards by schedules, state machines and associations of Systems Manager.

Such a call may stop a trail without any other difference, with a role that may do so since long. Maintenance windows,
rules, remediations and response plans start documents of Systems Manager as associations do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from securetrail.review.access.actions import is_sensitive
from securetrail.review.access.services.documents import documents_run
from securetrail.review.template import Id, NotComparable, Resource, Template, Variant, as_json

_WHEN: Final = {"Create": "created", "Update": "updated", "Delete": "removed"}
_CUSTOM: Final = ("Custom::", "AWS::CloudFormation::CustomResource")
_PART: Final = re.compile(r'"(service|action)"\s*:\s*"([^"]+)"')
# As JSON writes a character, and as JSON in JSON does.
_ESCAPED: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
# An SDK's name of a service, without its punctuation, where IAM's is another one.
_SERVICES: Final = {
    "accessanalyzer": "access-analyzer",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "configservice": "config",
    "eventbridge": "events",
    "networkfirewall": "network-firewall",
    "s3control": "s3",
    "ssmcontacts": "ssm-contacts",
    "ssoadmin": "sso",
}
# What only reads. Every other call changes what no template shows, and there are more of them each week.
_READS: Final = re.compile("(BatchGet|Count|Describe|Get|Head|List|Lookup|Query|Scan|Search|Select)([A-Z]|$)")
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
# https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
# Without what stands before it: in a text that cannot be resolved, the partition is a reference.
_BY_ARN: Final = re.compile(r":aws-sdk:([A-Za-z0-9-]+):([A-Za-z0-9]+)")
_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
_CALLING: Final = ("AWS::Scheduler::Schedule", "AWS::StepFunctions::StateMachine")
# Of a state machine: its definition is no file of the assembly, and nobody can read it.
_PLACE: Final = "DefinitionS3Location"
# What a document of Systems Manager does, where a template makes it.
_DOCUMENT: Final = "AWS::SSM::Document"
# Resources of CDK's own whose calls no property tells: what each names, and what it does to it, and when.
_BY_CDK: Final = {
    "Custom::S3AutoDeleteObjects": ("BucketName", "s3:DeleteObject", "removed"),
    "Custom::ECRAutoDeleteImages": ("RepositoryName", "ecr:BatchDeleteImage", "removed"),
}
_EMPTIED: Final = re.compile(r'aws-cdk:auto-delete-\w+", *"Value": *"true')
# Calls that write no more than a parameter, which no policy and no setting is.
_OF_PARAMETERS: Final = {"ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:PutParameter"}
# CDK's own as well: it sets for how long a log group keeps events, which it names.
_RETENTION, _LOG_GROUP = "Custom::LogRetention", "AWS::Logs::LogGroup"
# The stand-in of what another stack exports that is not in the assembly.
_ELSEWHERE: Final = "(export "
# What names a log group, and does not tell for how long it keeps events.
_OF_GROUPS: Final = {
    "AWS::CloudTrail::Trail": "CloudWatchLogsLogGroupArn",
    "AWS::Logs::MetricFilter": "LogGroupName",
    "AWS::Logs::SubscriptionFilter": "LogGroupName",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may take protection away: whatever a custom resource calls that does not only read, or whatever call
    when it cannot be read.

    :param action: as IAM calls it: ``cloudtrail:StopLogging``. Empty when the template does not tell it.
    :param given: the call as the template has it.
    :param when: ``created``, ``updated``, ``removed``, ``run``, or several of them with an "or".
    """

    resource: Id
    action: str
    given: str
    when: str


def new_calls(variants: Sequence[Variant], base: Sequence[Template] = ()) -> tuple[Call, ...]:
    """The calls of the head's resources that the base's resource of the same id does not make, and those that the
    removal of the base's makes.

    :param base: the base's templates as they are written.
    """
    found: dict[Call, None] = {}
    for variant in variants:
        for each, resource in variant.head.items():
            before = {*_calls(variant.base[each], variant.base)} if each in variant.base else set()
            found |= dict.fromkeys(call for call in _calls(resource, variant.head) if call not in before)
            if each not in variant.base:
                found |= dict.fromkeys(_by_cdk(resource, variant))
            found |= dict.fromkeys(_shorter_retention(resource, variant))
        found |= dict.fromkeys(_deleted_groups(variant))
        found |= dict.fromkeys(_at_removal(variant))
    return tuple(each for each in found if not _is_about_own_parameter(each, base))


def _calls(resource: Resource, resources: Mapping[Id, Resource]) -> Iterator[Call]:
    if resource.type.startswith(_CUSTOM):
        yield from _at_deployment(resource)
    elif resource.type in _CALLING:
        yield from _by_arn(resource, resources)
    for run in documents_run(resource):
        action = f"ssm:{run.document}" if isinstance(run.document, str) else ""
        yield Call(resource.id, action, _with_documents(as_json(run.given), resources), "run")


def _with_documents(text: str, resources: Mapping[Id, Resource]) -> str:
    """What a call is given, and what the documents do that are named in it, as far as the templates make them."""
    left = [each for each in resources.values() if each.type == _DOCUMENT]
    while named := [each for each in left if _names_document(text, each)]:
        left = [each for each in left if each not in named]
        text += "".join(as_json(_without_tags(each.properties)) for each in named)
    return text


def _without_tags(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever decides by tags is compared elsewhere."""
    return {name: value for name, value in properties.items() if name != "Tags"}


def _names_document(text: str, document: Resource) -> bool:
    names = (document.reference, document.arn, document.properties.get("Name"))
    return any(isinstance(name, str) and name in text for name in names)


def _at_removal(variant: Variant) -> Iterator[Call]:
    """The calls that a custom resource makes because it is gone."""
    for each, old in variant.base.items():
        if each in variant.head or not old.type.startswith(_CUSTOM):
            continue
        yield from (call for call in _at_deployment(old) if _WHEN["Delete"] in call.when.split(" or "))
        name, action, when = _BY_CDK.get(old.type, ("", "", ""))
        for kept in variant.head.values() if name else ():
            # What CDK's function empties has this tag; it lets be what has it no more.
            if kept.reference == old.properties.get(name) and _EMPTIED.search(as_json(kept.properties.get("Tags"))):
                yield Call(each, action, as_json(old.properties), when)


def _is_about_own_parameter(call: Call, base: Sequence[Template]) -> bool:
    """Whether a call writes a parameter of Systems Manager that nothing else of the base names, nor its folder."""
    if call.action not in _OF_PARAMETERS:
        return False
    try:
        given = json.loads(call.given).get("parameters", {})
    except (ValueError, AttributeError):
        return False
    names = [given.get("Name"), *(given.get("Names") or ())] if isinstance(given, Mapping) else []
    texts = [each for each in names if each is not None]
    return bool(texts) and not any(
        not isinstance(name, str) or _naming(name).search(text)
        for name in texts
        for text in _others(call.resource, base)
    )


def _naming(parameter: str) -> re.Pattern[str]:
    """What names a parameter in a JSON text: its name anywhere, or as a whole a folder that it is in.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html
    """
    parts = parameter.strip("/").split("/")
    folders = "|".join(re.escape("/".join(parts[:depth])) for depth in range(1, len(parts)))
    of_folder = rf'|(?:"|:parameter)/(?:{folders})/?\*?"' if folders else ""
    return re.compile(rf"(?<![\w.-]){re.escape('/'.join(parts))}(?![\w.-]){of_folder}")


def _others(of: Id, base: Sequence[Template]) -> Iterator[str]:
    """What the base's templates say, but for one resource."""
    for template in base:
        for section, content in template.body.items():
            entries = content.items() if isinstance(content, Mapping) else [("", content)]
            for name, entry in entries:
                if section != "Resources" or Id(template.stack, name) != of:
                    yield as_json(entry)


def _at_deployment(resource: Resource) -> Iterator[Call]:
    found: dict[tuple[str, str], list[str]] = {}
    for name, when in _WHEN.items():
        value = resource.properties.get(name)
        parts = _parts(value)
        if parts is None:
            continue
        action = _action(parts)
        if not _READS.match(action.partition(":")[2]):
            text = value if isinstance(value, str) else as_json(value)
            found.setdefault((action, text), []).append(when)
    for (action, text), whens in found.items():
        yield Call(resource.id, action, text, " or ".join(whens))


def _parts(value: Any) -> Mapping[str, Any] | None:
    """What a call says of its service and action; None when the value is no call."""
    if isinstance(value, NotComparable):
        # A part of it cannot be resolved; which service and action is written there all the same.
        return _written(value.text)
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except ValueError:
            return _written(value) if "action" in _plain(value) else None
        value = found
    return value if isinstance(value, Mapping) and "action" in value else None


def _written(text: str) -> Mapping[str, str]:
    """The service and the action in a text that is no JSON, each if it is there once: JSON takes the last of two."""
    found: dict[str, set[str]] = {}
    for name, value in _PART.findall(_plain(text).replace("\\", "")):
        found.setdefault(name, set()).add(value)
    return {name: value for name, values in found.items() for value in values if len(values) == 1}


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _action(call: Mapping[str, Any]) -> str:
    """``CloudTrail`` and ``stopLogging``, or ``@aws-sdk/client-cloudtrail`` and ``StopLoggingCommand``."""
    service, action = str(call.get("service", "")), str(call.get("action", "")).strip()
    service = re.sub("[^a-z0-9]", "", service.strip("/ ").rpartition("/")[2].lower().removeprefix("client-"))
    action = action.removesuffix("Command")
    if not service or not action:
        return ""
    return f"{_SERVICES.get(service, service)}:{action[0].upper()}{action[1:]}"


def _by_arn(resource: Resource, resources: Mapping[Id, Resource]) -> Iterator[Call]:
    """The calls of an API that stand in a target or in the states of a machine, and take protection away.

    Of those that a role makes on its own there are too many that do not: what the role may do is compared elsewhere.
    """
    if (place := resource.properties.get(_PLACE)) is not None:
        yield Call(resource.id, "", as_json(place), "run")
    given = resource.properties.get("DefinitionSubstitutions")
    instead = given if isinstance(given, Mapping) else {}
    text = _PLACEHOLDER.sub(
        lambda found: str(instead.get(found[1], found[0])), _plain(as_json(resource.properties)).replace("\\", "")
    )
    for service, name in dict.fromkeys(_BY_ARN.findall(text)):
        action = _action({"service": service, "action": name})
        if is_sensitive(action):
            yield Call(resource.id, action, _with_documents(text, resources), "run")


def _by_cdk(resource: Resource, variant: Variant) -> Iterator[Call]:
    """What a new resource of CDK's own does to something that the base has already."""
    name, action, when = _BY_CDK.get(resource.type, ("", "", ""))
    about = resource.properties.get(name)
    if name and any(old.reference == about for old in variant.base.values()):
        yield Call(resource.id, action, as_json(resource.properties), when)


def _shorter_retention(resource: Resource, variant: Variant) -> Iterator[Call]:
    """That a log group of the base keeps events for a shorter time, by a resource that is not about it in the base.

    Of a group that the base only names, such as in a trail, nobody knows for how long it keeps them; nor of one whose
    name cannot be resolved.
    """
    before = variant.base.get(resource.id)
    is_compared = resource.type == _RETENTION and before is not None and _is_of_one_group(before, resource)
    if not _sets_retention(resource) or is_compared or _days(resource) == inf:
        return
    base = variant.base.values()
    telling = (old for old in base if old.type == _LOG_GROUP or _sets_retention(old))
    known = [old for old in telling if _is_of_one_group(old, resource)]
    group = resource.properties.get("LogGroupName")
    is_open = isinstance(group, NotComparable) or str(group).startswith(_ELSEWHERE)
    is_named = is_open or any(_names(old, group) for old in base)
    if any(_days(resource) < _days(old) for old in known) or (is_named and not known):
        yield Call(resource.id, "logs:PutRetentionPolicy", as_json(resource.properties), "created")


def _deleted_groups(variant: Variant) -> Iterator[Call]:
    """The log groups that go with what sets their retention, because it says so."""
    for old in variant.base.values():
        if not _sets_retention(old) or old.properties.get("RemovalPolicy") != "destroy":
            continue
        now = variant.head.get(old.id)
        if now is None or not _is_of_one_group(old, now):
            yield Call(old.id, "logs:DeleteLogGroup", as_json(old.properties), "removed")


def _sets_retention(resource: Resource) -> bool:
    """Whether it is for CDK's function that sets retentions, whatever it is called: the function asks for no type."""
    return resource.type.startswith(_CUSTOM) and "LogGroupName" in resource.properties


def _is_of_one_group(one: Resource, other: Resource) -> bool:
    """Whether two resources are, or are about, one log group; what tells no region is in its stack's."""
    names = [
        each.reference if each.type == _LOG_GROUP else each.properties.get("LogGroupName") for each in (one, other)
    ]
    regions = {each.properties.get("LogGroupRegion") or None for each in (one, other)} - {None}
    return names[0] is not None and names[0] == names[1] and len(regions) <= 1


def _names(resource: Resource, group: Any) -> bool:
    """Whether a resource of the base names a log group, by its name or in an ARN."""
    given = resource.properties.get(_OF_GROUPS.get(resource.type, ""))
    if given is None or group is None:
        return False
    in_arn = isinstance(given, str) and given.removesuffix(":*").endswith(f":log-group:{group}")
    return in_arn or given == group


def _days(resource: Resource) -> float:
    """For how long a log group keeps events; for ever if nothing is said."""
    try:
        return float(resource.properties.get("RetentionInDays") or inf)
    except (TypeError, ValueError):
        return 0.0
