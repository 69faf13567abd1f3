"""What AWS's services need to be allowed, so that what the stack has still works. Its loss is a loss of protection.

CloudTrail that may not write ends the recording; EventBridge that may not publish ends the alerts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from securetrail.review.access.model import Access, NotComparableAccess
from securetrail.review.access.policies import Kind, Policies, Resources, Subject, at_time, times
from securetrail.review.template import Id, Resource
from verify.arn import Arn
from verify.policy.document import MalformedPolicy, Statement
from verify.policy.evaluation import Request, decide
from verify.posture.resource_policies.cloudtrail_requests import (
    Delivery,
    bucket_requests,
    decrypt_request,
    key_requests,
    opt_in_requests,
    organization_requests,
)

_ORGANIZATION: Final = re.compile("/AWSLogs/(o-[a-z0-9]{10,32})/")
TRAIL: Final = "AWS::CloudTrail::Trail"
# The services that call on behalf of a resource of a type.
_CALLING: Final[Mapping[str, tuple[str, ...]]] = {
    TRAIL: ("cloudtrail",),
    "AWS::CloudWatch::Alarm": ("cloudwatch",),
    "AWS::Events::Rule": ("events",),
    "AWS::Lambda::Function": ("lambda",),
    "AWS::Logs::LogGroup": ("logs",),
    "AWS::S3::Bucket": ("logging.s3", "s3"),
    "AWS::Logs::SubscriptionFilter": ("logs",),
    "AWS::SNS::Subscription": ("sns",),
    "AWS::SNS::Topic": ("sns",),
}


def services_that_need(resources: Resources) -> dict[Id, set[str]]:
    """Resource → the services that use it on behalf of other resources, directly or by way of others.

    A service is named as its principal begins: ``events`` of ``events.amazonaws.com``.
    """
    found: dict[Id, set[str]] = {}
    for resource in resources.values():
        services = _CALLING.get(resource.type)
        if services is None:
            continue
        queue, seen = [resource.id], {resource.id}
        for each in queue:
            for target in resources[each].dependencies - seen if each in resources else ():
                seen.add(target)
                queue.append(target)
                found.setdefault(target, set()).update(services)
    return found


def denied_to_cloudtrail(
    base: Resources, head: Resources, before: Mapping[Subject, Policies], after: Mapping[Subject, Policies]
) -> Iterator[Access | NotComparableAccess]:
    """What CloudTrail needs for a trail of both sides, could do before, and can no longer do.

    Each side is asked with its own trail's requests: with another prefix these are others.
    """
    now, *later = times(before, after)
    for id_, trail in head.items():
        if trail.type != TRAIL or id_ not in base:
            continue
        told: set[Access] = set()
        try:
            for at in (now, *later):
                for row in _lost(base[id_], trail, before, after, at):
                    if row not in told:
                        told.add(row)
                        yield row if at == now else replace(row, when=at_time(at))
        except MalformedPolicy as error:
            if before != after or base[id_] != trail:
                yield NotComparableAccess(id_, trail.type, str(error))


def _lost(
    old: Resource, trail: Resource, before: Mapping[Subject, Policies], after: Mapping[Subject, Policies], at: datetime
) -> Iterator[Access]:
    """What a trail can no longer do at a time, and could do before at the same time."""
    sides = (before, after)
    was = {
        name
        for kind, requests in _requests(old, before, sides, at)
        for subject in _asked(kind, requests, before)
        for name, request in _by_purpose(requests)
        if _is_allowed(before[subject], request)
    }
    for kind, requests in _requests(trail, after, sides, at):
        for subject in _asked(kind, requests, after):
            named = _by_purpose(requests)
            lost = [each for name, each in named if name in was and not _is_allowed(after[subject], each)]
            if lost:
                yield _row(subject, after[subject], trail, lost)


def _asked(kind: Kind, requests: tuple[Request, ...], found: Mapping[Subject, Policies]) -> list[Subject]:
    """The bucket or key of the template that the requests are for."""
    return [subject for subject, each in found.items() if subject.kind is kind and each.arn == _own(requests)][:1]


def _by_purpose(requests: tuple[Request, ...]) -> list[tuple[str, Request]]:
    """Requests of both sides for the same have the same name, whatever the prefix is."""
    return [(f"{each.action} {each.resource.partition('/AWSLogs/')[2].partition('/')[2]}", each) for each in requests]


def _row(subject: Subject, policies: Policies, trail: Resource, lost: list[Request]) -> Access:
    denied_by = decide(policies.layers[0], lost[0]).denied_by
    return Access(
        resource=subject.id,
        resource_type=policies.type,
        who=f"CloudTrail for {trail.arn}",
        actions=tuple(sorted({request.action for request in lost})),
        on="log objects"
        if any("/" in request.resource.partition(":::")[2] for request in lost)
        else subject.kind.value,
        when="",
        because=f"the statement {denied_by} denies it" if denied_by else "no statement allows it any more",
        is_certain=True,
        objects=True,
        is_lost=True,
    )


def _requests(
    trail: Resource, found: Mapping[Subject, Policies], sides: Iterable[Mapping[Subject, Policies]], at: datetime
) -> list[tuple[Kind, tuple[Request, ...]]]:
    """What CloudTrail asks of the bucket and of the key.

    :param found: the policies of the trail's side.
    :param sides: those of both: what one of them names, be it an organization or a part of the log files, both are
        asked about.
    :raises MalformedPolicy: they name too many parts of the log files.
    """
    given = trail.properties
    delivery = Delivery(
        trail_arn=trail.arn,
        bucket=_text(given.get("S3BucketName")),
        prefix=_text(given.get("S3KeyPrefix")) or None,
        is_multi_region=str(given.get("IsMultiRegionTrail", "")).lower() == "true",
        has_digests=str(given.get("EnableLogFileValidation", "")).lower() == "true",
        at=at,
    )
    bucket = f"arn:{Arn.parse(trail.arn).partition}:s3:::{delivery.bucket}"
    statements = tuple(statement for side in sides for statement in _statements(side, bucket))
    # Which regions the account has switched on, no template tells.
    requests = (*bucket_requests(delivery, statements), *opt_in_requests(delivery, statements))
    if str(given.get("IsOrganizationTrail", "")).lower() == "true":
        for each in sorted(_organizations(statements)):
            everywhere, switched_on = organization_requests(delivery, each, statements)
            requests = (*requests, *everywhere, *switched_on)
    asked = [(Kind.BUCKET, requests)]
    key = _text(given.get("KMSKeyId"))
    arn = next((p.arn for s, p in found.items() if s.kind is Kind.KEY and key in (p.arn, p.arn.rpartition("/")[2])), "")
    if arn:
        asked.append((Kind.KEY, (*key_requests(trail.arn, arn, at), decrypt_request(trail.arn, arn, at))))
    return asked


def _organizations(statements: Iterable[Statement]) -> set[str]:
    """The organizations whose folders the bucket's policy names: the trail's own does not stand in it."""
    return {
        organization
        for statement in statements
        for pattern in statement.resources.patterns
        for organization in _ORGANIZATION.findall(pattern)
    }


def _statements(found: Mapping[Subject, Policies], arn: str) -> tuple[Statement, ...]:
    """What stands in the policy of a bucket itself."""
    return tuple(s for policies in found.values() if policies.arn == arn for s in policies.layers[0])


def _own(requests: tuple[Request, ...]) -> str:
    """The ARN of the bucket or key that the requests are for; the first is for the thing itself."""
    return requests[0].resource


def _is_allowed(policies: Policies, request: Request) -> bool:
    # A key that only AWS knows is one that these requests do not have.
    mentioned = {c.key.casefold() for layer in policies.layers for s in layer for c in s.conditions}
    context = {**dict.fromkeys(mentioned, ()), **request.context}
    return decide(policies.layers[0], replace(request, context=context)).is_allowed.is_true is True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
