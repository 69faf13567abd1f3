"""The four calls of ``verify detective``: makes them, and recognises the events that they become.

All four only read. AWS's answer does not matter: a refused call is recorded too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from verify.aws import ApiError, Aws, Caller
from verify.errors import AccessDenied, CannotLook, Unreachable
from verify.events.event import Event
from verify.events.query import Query
from verify.global_services import region_of_global_service
from verify.times import TimeRange

# AWS refuses requests whose clock is further off, so the event is within this distance of our own clock.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (RequestTimeTooSkewed)
_CLOCK_SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Call:
    """An API call to make.

    :param regions: where CloudTrail may record it, the likeliest first.
    """

    service: str
    operation: str
    regions: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def event_source(self) -> str:
        """The service as events name it: ``ec2.amazonaws.com``."""
        return f"{self.service}.amazonaws.com"


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call that was made.

    :param at: when it began, by this machine's clock.
    :param request_ids: what the answer calls this one request, in its headers and in its body: on AWS one
        and the same id, on other endpoints perhaps not. Empty when the answer did not say.
    :param refusal: why AWS refused it; ``""``: it did not.
    """

    call: Call
    at: datetime
    request_ids: tuple[str, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A call and the event that recorded it, if it was found.

    :param matched_by: ``request id`` when it is certainly this call, else what it was recognised by.
    :param failures: why a region's event history could not be read, at the last look.
    """

    made: MadeCall
    event: Event | None = None
    matched_by: str = ""
    failures: tuple[CannotLook, ...] = ()

    @property
    def is_open(self) -> bool:
        """Not found, and looking again may help: a network may come back, a refusal stays one."""
        refusals = [failure for failure in self.failures if not isinstance(failure, Unreachable)]
        return self.event is None and len(refusals) < len(self.made.call.regions)


def iam_region(aws: Aws) -> str:
    """The region that records the calls of IAM; the caller's own where that is not known."""
    return region_of_global_service("iam", aws.partition) or aws.region


def four_calls(aws: Aws) -> tuple[Call, ...]:
    """The calls, each asking for a small answer."""
    here, everywhere = aws.region, iam_region(aws)
    return (
        Call("s3", "ListBuckets", tuple(dict.fromkeys((here, everywhere)))),
        Call("ec2", "DescribeInstances", (here,), {"MaxResults": 5}),
        Call("iam", "ListUsers", (everywhere,), {"MaxItems": 5}),
        Call("ec2", "DescribeSecurityGroups", (here,), {"MaxResults": 5}),
    )


def make(aws: Aws, call: Call) -> MadeCall:
    """Make one call and remember AWS's name for it.

    :raises CannotLook: AWS could not be reached or does not accept the credentials.
    """
    answers: list[Mapping[str, Any]] = []

    def remember(parsed: Mapping[str, Any], **_: Any) -> None:
        answers.append(parsed.get("ResponseMetadata", {}))

    client = aws.client(call.service)
    answered = f"after-call.{client.meta.service_model.service_id.hyphenize()}.{call.operation}"
    client.meta.events.register(answered, remember)
    at, refusal = datetime.now(UTC), ""
    try:
        aws.call(call.service, call.operation, **call.parameters)
    except (AccessDenied, ApiError) as error:
        refusal = str(error)
    finally:
        client.meta.events.unregister(answered, remember)
    return MadeCall(call, at, _request_ids(answers[-1]) if answers else (), refusal)


def _request_ids(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    headers = metadata.get("HTTPHeaders", {})
    ids = (metadata.get("RequestId"), headers.get("x-amzn-requestid"), headers.get("x-amz-request-id"))
    return tuple(dict.fromkeys(request_id for request_id in ids if request_id))


def query_for(made: MadeCall) -> Query:
    """The narrowest question whose answer holds the event of this call."""
    return Query({"EventName": made.call.operation}, TimeRange(made.at - _CLOCK_SKEW, made.at + _CLOCK_SKEW))


def match(made: MadeCall, event: Event, caller: Caller) -> Finding | None:
    """The finding that this event is of this call, or ``None`` when it is not.

    Two events of the same name, caller and second are told apart by their request ids. Only where one
    side has no request id is the name, the caller and the time all there is.
    """
    if (event.name, event.source) != (made.call.operation, made.call.event_source):
        return None
    if made.request_ids and event.request_id:
        return Finding(made, event, "request id") if event.request_id in made.request_ids else None
    # CloudTrail's times have no fractions of a second.
    is_later = event.time is not None and event.time >= made.at.replace(microsecond=0)
    is_caller = event.identity_arn == caller.arn or event.user == user_name(caller)
    return Finding(made, event, "name, user and time") if is_later and is_caller else None


def user_name(caller: Caller) -> str:
    """The user name that events give a caller: the IAM user, the role session, or ``root``."""
    return caller.arn.rsplit("/", 1)[-1] if "/" in caller.arn else caller.arn.rsplit(":", 1)[-1]
