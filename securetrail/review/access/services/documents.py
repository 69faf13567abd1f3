"""Documents of Systems Manager that run by themselves, and whether it is known that they take nothing away.

A document does what its parameters say: one that is called ``Enable…`` encrypts with a foreign key as well. So a name
vouches for nothing. Of a few documents of AWS it is known what each parameter does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.template import NotComparable, Resource

_ASSOCIATION, _TASK = "AWS::SSM::Association", "AWS::SSM::MaintenanceWindowTask"
_RULE: Final = "AWS::Events::Rule"
_REMEDIATION: Final = "AWS::Config::RemediationConfiguration"
_PLAN: Final = "AWS::SSMIncidents::ResponsePlan"
_BASELINE, _PATCHES = "AWS::SSM::PatchBaseline", "AWS-RunPatchBaseline"
# These may hold remediations of their own, which no other resource of the template tells.
_PACKS: Final = ("AWS::Config::ConformancePack", "AWS::Config::OrganizationConformancePack")
# Or what may be written so: by a macro, or as a text writes a character.
_REMEDIATES: Final = re.compile(r"RemediationConfiguration|Transform|\\[uUx\r\n]")
# A document of Systems Manager as the target of a rule.
_TARGET: Final = re.compile(r":ssm:[^:]*:[^:]*:(?:document|automation-definition)/([^:]+)")
_ANY, _EMPTY = re.compile(r"[\s\S]*"), re.compile("")
# Each parameter with the values that take nothing away; with any other parameter or value nobody knows it. Nobody but
# AWS may make a document whose name begins like these.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
# https://docs.aws.amazon.com/systems-manager/latest/userguide/patch-manager-aws-runpatchbaseline.html
# https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-ref-kms.html
# https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-ref-ct.html
# https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-ref-s3.html
_HARMLESS: Final[Mapping[str, Mapping[str, re.Pattern[str]]]] = {
    "AWS-ConfigureAWSPackage": {
        "action": re.compile("Install"),
        "installationType": re.compile("Uninstall and reinstall|In-place update"),
        "name": re.compile("AWSNVMe|AWSPVDriver|AmazonCloudWatchAgent|AmazonEFSUtils|AwsEnaNetworkDriver"),
        "version": re.compile("|latest"),
    },
    # It collects, and changes nothing.
    "AWS-GatherSoftwareInventory": dict.fromkeys(
        (
            "applications",
            "awsComponents",
            "billingInfo",
            "customInventory",
            "files",
            "instanceDetailedInformation",
            "networkConfig",
            "services",
            "windowsRegistry",
            "windowsRoles",
            "windowsUpdates",
        ),
        _ANY,
    ),
    # What is installed is chosen by a baseline, whose own sources count. An override takes a list from elsewhere.
    _PATCHES: {
        "BaselineOverride": _EMPTY,
        "InstallOverrideList": _EMPTY,
        "Operation": re.compile("Scan|Install"),
        "RebootOption": re.compile("RebootIfNeeded|NoReboot"),
        "SnapshotId": re.compile(r"|\{\{ *WINDOW_EXECUTION_ID *\}\}"),
    },
    "AWS-UpdateSSMAgent": {"allowDowngrade": re.compile("false"), "version": _EMPTY},
    # These do one thing, whatever key or trail they do it to, and with whatever role.
    **{
        name: {"AutomationAssumeRole": _ANY, about: _ANY}
        for name, about in (
            ("AWS-EnableCloudTrailLogFileValidation", "TrailNames"),
            ("AWSConfigRemediation-CancelKeyDeletion", "KeyId"),
            ("AWSConfigRemediation-EnableCloudTrailLogFileValidation", "TrailName"),
            ("AWSConfigRemediation-EnableKeyRotation", "KeyId"),
        )
    },
}


@dataclass(frozen=True, slots=True)
class Run:
    """A document that runs without anybody who starts it.

    :param document: its name or ARN; None when the template does not tell it.
    :param given: all that is said of it.
    """

    document: Any
    given: Any


def documents_run(resource: Resource) -> Iterator[Run]:
    """The documents that a resource runs, but for those that are known to take nothing away."""
    for document, parameters, given in _run(resource):
        if not _is_harmless(document, parameters):
            yield Run(document, given)
    if resource.type in _PACKS:
        yield from _in_pack(resource.properties)


def _run(resource: Resource) -> Iterator[tuple[Any, Any, Any]]:
    """Each document, its parameters, and all that is said of it."""
    given = resource.properties
    if resource.type == _ASSOCIATION:
        yield given.get("Name"), given.get("Parameters", {}), given
    elif resource.type == _TASK and given.get("TaskType") not in ("LAMBDA", "STEP_FUNCTIONS"):
        yield given.get("TaskArn"), _of_task(given), given
    # Without it, somebody starts it.
    elif resource.type == _REMEDIATION and str(given.get("Automatic", False)).lower() != "false":
        yield given.get("TargetId"), given.get("Parameters", {}), given
    elif resource.type == _PLAN:
        actions = given.get("Actions") or []
        for action in actions if isinstance(actions, list) else [actions]:
            started = action.get("SsmAutomation") if isinstance(action, Mapping) else action
            yield (started.get("DocumentName") if isinstance(started, Mapping) else None), started, started
    elif resource.type == _RULE:
        yield from _of_targets(given.get("Targets"))
    elif resource.type == _BASELINE and given.get("Sources"):
        yield _PATCHES, None, given["Sources"]


def _of_targets(targets: Any) -> Iterator[tuple[Any, Any, Any]]:
    """What a rule starts; of what a macro writes nobody knows it."""
    for target in targets if isinstance(targets, list) else [targets]:
        arn = target.get("Arn") if isinstance(target, Mapping) else target
        found = _TARGET.search(str(arn))
        if found:
            # Without an input the event says what the parameters are.
            yield found[1], _read(target.get("Input")) if isinstance(target, Mapping) else None, target
        elif isinstance(arn, NotComparable) and "Fn::Transform" in arn.text:
            yield None, None, target


def _of_task(given: Mapping[str, Any]) -> Any:
    """The parameters of a task of a maintenance window, wherever they stand; None when they stand in several places."""
    invocation = given.get("TaskInvocationParameters")
    if isinstance(invocation, Mapping) and len(invocation) == 1 and not given.get("TaskParameters"):
        (of_kind,) = invocation.values()
        return of_kind.get("Parameters", {}) if isinstance(of_kind, Mapping) else of_kind
    return None if invocation else given.get("TaskParameters", {})


def _in_pack(given: Mapping[str, Any]) -> Iterator[Run]:
    """What a conformance pack may run: of a body that is elsewhere, or is not known, nobody knows it."""
    body = given.get("TemplateBody")
    if not isinstance(body, str) or _REMEDIATES.search(body):
        yield Run(None, given)


def _read(text: Any) -> Any:
    """The parameters in a text; None when there is none, or nobody can read it."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _is_harmless(document: Any, parameters: Any) -> bool:
    known = _HARMLESS.get(document) if isinstance(document, str) else None
    if known is None or not isinstance(parameters, Mapping):
        return False
    return all(
        name in known and all(known[name] is _ANY or _fits(known[name], each) for each in _values(value))
        for name, value in parameters.items()
    )


def _fits(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _values(value: Any) -> Iterator[Any]:
    """The values of a parameter: one, or several in a list; AWS Config has each list in an object."""
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _values(each)
    else:
        yield value
