"""What a new role, user or policy may do to log files, alerts and roles that were there before.

Most of what a new role may do takes nothing away: it writes to a bucket, reads a queue, takes a role. It does where
the bucket has the log files of a trail, the queue has alerts that somebody else waits for, and the role may do what
the new one may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

from securetrail.review.access.actions import actions_of_every_service, is_sensitive
from securetrail.review.access.model import Access
from securetrail.review.access.policies import GUARDRAIL, JUDGED, MANAGED, READS, Kind, Policies, Resources, Subject
from securetrail.review.template import Id, Resource
from verify.policy.document import Statement
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide
from verify.policy.wildcard import matches

_Found = Mapping[Subject, Policies]
_TRAIL, _BUCKET, _QUEUE = "AWS::CloudTrail::Trail", "AWS::S3::Bucket", "AWS::SQS::Queue"
# By any of these an object becomes another one, or a copy of it is removed.
_WRITES: Final = ("s3:PutObject", "s3:ReplicateObject", "s3:ReplicateDelete", "s3:InitiateReplication")
# Whoever receives a message hides it from the others; whoever deletes it takes it away.
_TAKES: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage")
_FED: Final = {
    "AWS::Lambda::EventSourceMapping": ("EventSourceArn", "FunctionName"),
    "AWS::Pipes::Pipe": ("Source", "Target"),
}
_ASSUMES: Final = "sts:AssumeRole"
ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+")
# Programs, which may what their role may.
RUNNING: Final = (
    "AWS::AppRunner::Service",
    "AWS::Batch::JobDefinition",
    "AWS::CodeBuild::Project",
    "AWS::ECS::TaskDefinition",
    "AWS::Glue::Job",
    "AWS::Lambda::Function",
    "AWS::SageMaker::NotebookInstance",
    "AWS::StepFunctions::StateMachine",
)
# These run with the role of an instance profile.
_PROFILE: Final = "AWS::IAM::InstanceProfile"
_WITH_PROFILE: Final = ("AWS::EC2::Instance", "AWS::EC2::LaunchTemplate")
_ANY: Final = "x7Kq2mVb9RtL4wZc"


def new_takers(base: Resources, head: Resources, before: _Found, after: _Found) -> Iterator[Access]:
    """What identities that are new may do to what is not."""
    logs, queues = log_buckets(base), alert_queues(base)
    for subject, policies in after.items():
        is_new = subject.kind is Kind.PERMISSIONS and subject not in before and subject.id in head
        if not is_new or subject.id in base or policies.type == GUARDRAIL:
            continue
        for each in logs:
            for arn in (base[each].arn, *(f"{arn}/object" for arn in _access_points(base[each], head))):
                log_file = f"{arn}/AWSLogs/{_ANY}"
                yield from _row(subject, policies, _WRITES, log_file, f"the log files of {each}", after)
        for each in queues:
            yield from _row(subject, policies, _TAKES, base[each].arn, f"the alerts in {each}", after)
        yield from _roles(subject, policies, base, head, before)
    yield from _moved(base, head, before, after)
    yield from _consumers(base, head, queues)
    yield from _open_methods(base, head, before, after)


def _moved(base: Resources, head: Resources, before: _Found, after: _Found) -> Iterator[Access]:
    """The programs of before that run with another role of before, by which they may take protection away that they
    could not with their own.
    """
    there = {each.arn for each in base.values()}
    for id_, resource in head.items():
        if resource.type not in (*RUNNING, *_WITH_PROFILE, _PROFILE) or id_ not in base:
            continue
        was, is_now = _runs_with(base[id_], base), _runs_with(resource, head)
        old = [each for on, each in before.items() if on.kind is Kind.PERMISSIONS and each.arn in was]
        for on, theirs in after.items():
            if on.kind is Kind.PERMISSIONS and theirs.arn in (is_now - was) & there:
                gained = tuple(sorted({*_gained(theirs, old, base)}))
                if gained:
                    because = "it runs with another role than before"
                    row = _access(Subject(id_, Kind.PERMISSIONS), theirs, gained, f"what the role {on.id} may")
                    yield replace(row, resource_type=resource.type, because=because)


def _runs_with(resource: Resource, resources: Resources) -> set[str]:
    """The roles that a program runs with, also by an instance profile."""
    if resource.type not in _WITH_PROFILE:
        return named_roles(resource)
    names = {*texts_in(resource.properties)}
    profiles = [each for each in resources.values() if each.type == _PROFILE and {each.reference, each.arn} & names]
    return {role for each in profiles for role in named_roles(each)}


def _gained(policies: Policies, old: list[Policies], base: Resources) -> Iterator[str]:
    """What takes protection away and one role may, and none of the old ones."""
    for action, resource in _takes(policies, base):
        if _may(policies, action, resource) and not any(_may(each, action, resource) for each in old):
            yield action


def _takes(policies: Policies, base: Resources) -> Iterator[tuple[str, str]]:
    """The calls that a role's statements are about and that take protection away."""
    yield from ((action, f"{base[each].arn}/AWSLogs/{_ANY}") for each in log_buckets(base) for action in _WRITES)
    yield from ((action, base[each].arn) for each in alert_queues(base) for action in _TAKES)
    for statement in _written(policies.layers[0]):
        excludes = statement.resources.excludes
        resources = ("*",) if excludes else statement.resources.patterns
        patterns = ("*",) if statement.actions.excludes else statement.actions.patterns
        for action in (*_sensitive(), _ASSUMES) if statement.is_allow else ():
            if any(matches(pattern, action, ignore_case=True).is_true is not False for pattern in patterns):
                yield from ((action, re.sub("[*?]+", _ANY, each)) for each in resources)


def _consumers(base: Resources, head: Resources, queues: tuple[Id, ...]) -> Iterator[Access]:
    """What is new and fed with a queue of alerts: it takes them away from whoever has them by now."""
    fed = {_fed(each) for each in base.values()}
    by_arn = {base[each].arn: each for each in queues}
    for id_, resource in head.items():
        source, target = _fed(resource)
        if source in by_arn and id_ not in base and (source, target) not in fed:
            yield Access(
                resource=id_,
                resource_type=resource.type,
                who=str(id_),
                actions=_TAKES,
                on=f"the alerts in {by_arn[source]}",
                when="",
                because="a message goes to one of those that wait for it, and not to the others",
                is_certain=True,
                objects=True,
            )


def _open_methods(base: Resources, head: Resources, before: _Found, after: _Found) -> Iterator[Access]:
    """The methods of an API that ask nobody who they are, and act with a role that may read log files, which those of
    the base's with the same id did not.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/integrating-api-with-aws-services-s3.html
    """
    for id_, resource in head.items():
        for each in log_buckets(base) if _credentials(resource) else ():
            if not [*_read_by_anyone(id_, base, each, before)]:
                yield from _read_by_anyone(id_, head, each, after)


def _read_by_anyone(method: Id, resources: Resources, bucket: Id, found: _Found) -> Iterator[Access]:
    role = _credentials(resources[method]) if method in resources else ""
    policies = next((each for on, each in found.items() if on.kind is Kind.PERMISSIONS and each.arn == role), None)
    if policies is not None and role and bucket in resources:
        log_file = f"{resources[bucket].arn}/AWSLogs/{_ANY}"
        because = f"{method} asks nobody who he is, and acts with the role {role}"
        for row in _row(Subject(method, Kind.PERMISSIONS), policies, ("s3:GetObject",), log_file, "", found):
            yield replace(row, who="anyone", on="the log files", because=because, resource=bucket)


def _credentials(resource: Resource) -> str:
    """The role that an open method acts with; nothing for others."""
    given = resource.properties
    if resource.type != "AWS::ApiGateway::Method" or given.get("AuthorizationType", "NONE") != "NONE":
        return ""
    integration = given.get("Integration")
    return str(integration.get("Credentials") or "") if isinstance(integration, Mapping) else ""


def _fed(resource: Resource) -> tuple[str, str]:
    """What feeds a resource, and what gets it."""
    source, target = _FED.get(resource.type, ("", ""))
    return str(resource.properties.get(source)), str(resource.properties.get(target))


def new_arns(base: Resources, head: Resources) -> frozenset[str]:
    """The ARNs of what only the head has, without those by which a bucket of before is reached."""
    access_points = {arn for old in base.values() if old.type == _BUCKET for arn in _access_points(old, head)}
    return frozenset(each.arn for each in head.values()) - {each.arn for each in base.values()} - access_points


def _access_points(bucket: Resource, resources: Resources) -> Iterator[str]:
    """The access points of a bucket."""
    for each in resources.values():
        regions = each.properties.get("Regions") if each.type == "AWS::S3::MultiRegionAccessPoint" else None
        buckets = [region.get("Bucket") for region in regions or () if isinstance(region, dict)]
        buckets += [each.properties.get("Bucket")] if each.type == "AWS::S3::AccessPoint" else []
        if bucket.reference in buckets:
            yield each.arn


def log_buckets(resources: Resources) -> tuple[Id, ...]:
    """The buckets that trails of the stack deliver to, and those that these are copied to."""
    by_name = {each.reference: each for each in resources.values() if each.type == _BUCKET}
    by_arn = {each.arn: each for each in by_name.values()}
    trails = (each.properties.get("S3BucketName") for each in resources.values() if each.type == _TRAIL)
    found = {by_name[name].id for name in trails if isinstance(name, str) and name in by_name}
    for each in sorted(found):
        copies = resources[each].properties.get("ReplicationConfiguration")
        rules = copies.get("Rules") if isinstance(copies, dict) else None
        for rule in rules if isinstance(rules, list) else ():
            destination = rule.get("Destination") if isinstance(rule, dict) else None
            arn = destination.get("Bucket") if isinstance(destination, dict) else None
            if isinstance(arn, str) and arn in by_arn:
                found.add(by_arn[arn].id)
    return tuple(sorted(found))


def alert_queues(resources: Resources) -> tuple[Id, ...]:
    """The queues that rules and topics of the stack send to."""
    by_arn = {each.arn: each.id for each in resources.values() if each.type == _QUEUE}
    found = set()
    for each in resources.values():
        targets = each.properties.get("Targets") if each.type == "AWS::Events::Rule" else None
        listed = targets if isinstance(targets, list) else []
        told = [target.get("Arn") for target in listed if isinstance(target, dict)]
        told += [each.properties.get("Endpoint")] if each.type == "AWS::SNS::Subscription" else []
        found |= {by_arn[arn] for arn in told if isinstance(arn, str) and arn in by_arn}
    return tuple(sorted(found))


def named_roles(resource: Resource) -> set[str]:
    """The roles that a resource runs with, or hands on: by ARN, or by name in an instance profile."""
    if resource.type in JUDGED:
        return set()
    found = {text for text in texts_in(resource.properties) if ROLE.fullmatch(text)}
    if resource.type == _PROFILE:
        roles = resource.properties.get("Roles")
        partition = resource.arn.split(":")[1]
        for name in roles if isinstance(roles, list) else ():
            found.add(f"arn:{partition}:iam::{resource.account}:role/{name}")
    return found


def texts_in(value: Any) -> Iterator[str]:
    """The texts in a value, however deep."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_in(each)
    else:
        yield str(value)


def _row(
    subject: Subject, policies: Policies, actions: tuple[str, ...], resource: str, on: str, after: _Found
) -> Iterator[Access]:
    arn = resource.partition("/AWSLogs/")[0].removesuffix("/object")
    theirs = next((each for each in after.values() if each.arn == arn), None)
    allowed = tuple(
        action
        for action in actions
        if _may(policies, action, resource)
        and (theirs is None or not _is_denied(theirs, _request(policies, action, resource)))
    )
    if allowed:
        yield _access(subject, policies, allowed, on)


def _roles(subject: Subject, policies: Policies, base: Resources, head: Resources, before: _Found) -> Iterator[Access]:
    """The roles that it may take: one that may do what takes protection away, or one that nobody here knows."""
    known = {each.arn for side in (base, head) for each in side.values()}
    for old, theirs in before.items():
        trust = before.get(Subject(old.id, Kind.TRUST))
        if old.kind is not Kind.PERMISSIONS or trust is None or not _may(policies, _ASSUMES, theirs.arn):
            continue
        if _is_trusted(trust, _request(policies, _ASSUMES, theirs.arn)) and _is_powerful(theirs):
            yield _access(subject, policies, (_ASSUMES,), f"the role {old.id}")
    for arn in sorted(_roles_in(policies) - known):
        if _may(policies, _ASSUMES, arn):
            name = arn.replace(_ANY, "*")
            yield _access(subject, policies, (_ASSUMES,), f"the role {name}, of which no template tells what it may do")


def _roles_in(policies: Policies) -> set[str]:
    """One role of the account for each pattern that may be about its roles."""
    found = set()
    for statement in _written(policies.layers[0]):
        patterns = ("*",) if statement.resources.excludes else statement.resources.patterns
        for pattern in patterns if statement.is_allow else ():
            parts = pattern.split(":", 5)
            if pattern.strip("*") == "" or len(parts) < 6:
                parts = ["arn", policies.arn.split(":")[1], "iam", "", policies.account, "role/*"]
            account = policies.account if re.fullmatch("[*?]+", parts[4]) else parts[4]
            if account == policies.account and matches(parts[2], "iam", ignore_case=False).is_true is not False:
                name = parts[5] if parts[5].startswith("role/") else "role/*"
                found.add(f"arn:{policies.arn.split(':')[1]}:iam::{account}:{re.sub('[*?]+', _ANY, name)}")
    return found


def _request(policies: Policies, action: str, resource: str) -> Request:
    context = {"aws:principalarn": (policies.arn,), "aws:principalaccount": (policies.account,)}
    return Request(Principal(PrincipalKind.AWS, policies.arn), action, resource, context)


def _may(policies: Policies, action: str, resource: str) -> bool:
    """Whether every layer allows it or may, and none surely denies it."""
    request = _request(policies, action, resource)
    answers = [decide(layer, request) for layer in (_written(policies.layers[0]), *policies.layers[1:])]
    return all(each.allow.is_true is not False and each.deny.is_true is not True for each in answers)


def _written(layer: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The statements that the templates have: of a managed policy elsewhere another row says that it is open."""
    return tuple(
        each for each in layer if all(condition.operator not in (MANAGED, READS) for condition in each.conditions)
    )


def _is_denied(policies: Policies, request: Request) -> bool:
    context = {
        "aws:principalisawsservice": ("false",),
        "aws:securetransport": ("true",),
        "aws:resourceaccount": (policies.account,),
        **request.context,
    }
    return any(decide(layer, replace(request, context=context)).deny.is_true is True for layer in policies.layers)


def _is_trusted(trust: Policies, request: Request) -> bool:
    answers = [decide(layer, request) for layer in trust.layers]
    return all(each.allow.is_true is not False and each.deny.is_true is not True for each in answers)


def _is_powerful(policies: Policies) -> bool:
    """Whether a statement allows what takes protection away."""
    return any(
        matches(pattern, action, ignore_case=True).is_true is not False
        for statement in policies.layers[0]
        if statement.is_allow
        for pattern in (("*",) if statement.actions.excludes else statement.actions.patterns)
        for action in (*_sensitive(), *_WRITES)
    )


@cache
def _sensitive() -> tuple[str, ...]:
    return tuple(action for action in actions_of_every_service() if is_sensitive(action))


def _access(subject: Subject, policies: Policies, actions: tuple[str, ...], on: str) -> Access:
    return Access(
        resource=subject.id,
        resource_type=policies.type,
        who=str(subject.id),
        actions=actions,
        on=on,
        when="",
        because="it is new, and what it may take was there before",
        is_certain=True,
        objects=True,
    )
