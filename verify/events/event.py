"""One event of the event history. Pure: an answer of LookupEvents goes in, an :class:`Event` comes out.

What an event says was in large part written by whoever made the call, so nothing in it is trusted to
have the type, the size or even the syntax that the documentation promises. Every input becomes one
:class:`Event`, and its ``problem`` says what was wrong with it.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from verify.times import iso

# CloudTrail's own limit is 1 MB for an event with enlarged fields, 256 KB for all others.
_LARGEST_EVENT_CHARACTERS = 2 * 1024 * 1024
_DEEPEST_NESTING = 100


@dataclass(frozen=True, slots=True)
class Resource:
    """What a call was about: ``AWS::S3::Bucket``, ``my-logs``."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded call. Text that the record lacks is ``""``.

    ``raw`` is the full CloudTrail event. If that could not be read, ``problem`` says why and ``raw``
    holds what LookupEvents said about the event beside it.
    """

    event_id: str
    time: datetime | None
    name: str
    source: str
    user: str
    region: str
    source_ip: str
    user_agent: str
    error_code: str
    error_message: str
    read_only: bool | None
    access_key_id: str
    identity_type: str
    identity_arn: str
    request_id: str
    request_parameters: str
    resources: tuple[Resource, ...]
    raw: Mapping[str, Any]
    problem: str

    @property
    def role_name(self) -> str:
        """The role of the session, by name; ``""`` for whoever has none."""
        return _text(self._issuer.get("userName"))

    @property
    def role_arn(self) -> str:
        """The same, by ARN."""
        return _text(self._issuer.get("arn"))

    @property
    def _issuer(self) -> Mapping[str, Any]:
        session = _mapping(_mapping(self.raw.get("userIdentity")).get("sessionContext"))
        issuer = _mapping(session.get("sessionIssuer"))
        return issuer if issuer.get("type") == "Role" else {}


def parse_event(answer: Mapping[str, Any]) -> Event:
    """The event behind one element of LookupEvents' ``Events``, as boto3 gives it. Never fails."""
    record, problem = _record(answer.get("CloudTrailEvent"))
    identity = _mapping(record.get("userIdentity"))
    event = Event(
        event_id=_text(answer.get("EventId")),
        time=_time(answer.get("EventTime")),
        name=_text(answer.get("EventName")),
        source=_text(answer.get("EventSource")),
        user=_text(answer.get("Username")) or _who(identity),
        region=_text(record.get("awsRegion")),
        source_ip=_text(record.get("sourceIPAddress")),
        user_agent=_text(record.get("userAgent")),
        error_code=_text(record.get("errorCode")),
        error_message=_text(record.get("errorMessage")),
        read_only={"true": True, "false": False}.get(_text(answer.get("ReadOnly")).lower()),
        access_key_id=_text(answer.get("AccessKeyId")) or _text(identity.get("accessKeyId")),
        identity_type=_text(identity.get("type")),
        identity_arn=_text(identity.get("arn")),
        request_id=_text(record.get("requestID")),
        request_parameters=_compact(record.get("requestParameters")),
        resources=_resources(answer.get("Resources")),
        raw=record,
        problem=problem,
    )
    return _without_record(event) if problem else event


def _without_record(event: Event) -> Event:
    raw = {
        "eventID": event.event_id,
        "eventTime": iso(event.time),
        "eventSource": event.source,
        "eventName": event.name,
        "problem": event.problem,
    }
    return replace(event, raw=raw)


def _record(text: object) -> tuple[dict[str, Any], str]:
    """The parsed ``CloudTrailEvent`` and what is wrong with it (``""``: nothing)."""
    if not isinstance(text, str):
        return {}, "CloudTrailEvent is missing"
    if len(text) > _LARGEST_EVENT_CHARACTERS:
        return {}, f"CloudTrailEvent has {len(text)} characters; at most {_LARGEST_EVENT_CHARACTERS} are read"
    try:
        record = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return {}, f"CloudTrailEvent is not JSON: {str(error)[:100]}"
    if not isinstance(record, dict):
        return {}, f"CloudTrailEvent is a JSON {type(record).__name__}, not an object"
    if _is_deeper_than(record, _DEEPEST_NESTING):
        return {}, f"CloudTrailEvent is nested more than {_DEEPEST_NESTING} deep"
    return record, ""


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")


def _is_deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return False
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return any(isinstance(item, dict | list) for item in level)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Text as it is; a value of another type as JSON, so that a row shows it rather than hides it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _compact(value)


def _compact(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _time(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _who(identity: Mapping[str, Any]) -> str:
    """LookupEvents names no user for calls of AWS services and of other accounts; the identity may."""
    for key in ("userName", "invokedBy", "arn", "principalId", "accountId"):
        if identity.get(key):
            return _text(identity[key])
    return ""


def _resources(value: object) -> tuple[Resource, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        Resource(_text(item.get("ResourceType")), _text(item.get("ResourceName")))
        for item in value
        if isinstance(item, dict)
    )
