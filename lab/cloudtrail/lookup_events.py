"""LookupEvents: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from lab.cloudtrail.event_history import Event, EventHistory

_DEFAULT_RESULTS = _MAX_RESULTS = 50
_TOKEN_KEY = secrets.token_bytes(32)

_ATTRIBUTES: dict[str, Callable[[Event, str], bool]] = {
    "AccessKeyId": lambda event, value: event.access_key_id == value,
    "EventId": lambda event, value: event.event_id == value,
    "EventName": lambda event, value: event.event_name == value,
    "EventSource": lambda event, value: event.event_source == value,
    "ReadOnly": lambda event, value: str(event.read_only).lower() == value.lower(),
    "ResourceName": lambda event, value: any(each.name == value for each in event.resources),
    "ResourceType": lambda event, value: any(each.type == value for each in event.resources),
    "Username": lambda event, value: event.username == value,
}


class LookupEventsError(Exception):
    """A request that LookupEvents rejects; `code` is the API's exception."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def lookup_events(history: EventHistory, account: str, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """One page of an account's events in one region, newest first.

    :param request: the body of the call; times are epoch seconds.
    :raises LookupEventsError: the request breaks a rule of the API.
    """
    wanted = _attribute_filter(request.get("LookupAttributes") or [])
    start, end = _time_range(request)
    size = _page_size(request.get("MaxResults"))
    if _category(request) == "insight":
        return {"Events": []}
    query = _fingerprint(account, region, request)
    before = _position(request.get("NextToken"), query)
    matching = (
        event
        for event in history.newest_first(account, region, before)
        if wanted(event) and start <= event.epoch_seconds <= end
    )
    page = list(islice(matching, size))
    answer: dict[str, Any] = {"Events": [_shown(event) for event in page]}
    if next(matching, None) is not None:
        answer["NextToken"] = _token(page[-1].sequence, query)
    return answer


def _attribute_filter(attributes: list[Mapping[str, str]]) -> Callable[[Event], bool]:
    if not attributes:
        return lambda _event: True
    if len(attributes) > 1:
        raise LookupEventsError(
            "InvalidLookupAttributesException", "You can specify only one lookup attribute per request."
        )
    key, value = attributes[0].get("AttributeKey", ""), attributes[0].get("AttributeValue", "")
    matches = _ATTRIBUTES.get(key)
    if matches is None or not value:
        raise LookupEventsError(
            "InvalidLookupAttributesException",
            f"The lookup attribute {key!r} = {value!r} is not valid. Allowed keys: {', '.join(_ATTRIBUTES)}.",
        )
    return lambda event: matches(event, value)


def _time_range(request: Mapping[str, Any]) -> tuple[float, float]:
    try:
        start, end = float(request.get("StartTime", 0)), float(request.get("EndTime", "inf"))
    except (TypeError, ValueError) as error:
        raise LookupEventsError(
            "InvalidTimeRangeException", "The times must be numbers: seconds since 1970."
        ) from error
    if not start <= end:
        raise LookupEventsError("InvalidTimeRangeException", "The start time must not be after the end time.")
    return int(start), end


def _page_size(value: Any) -> int:
    if value is None:
        return _DEFAULT_RESULTS
    if not isinstance(value, int) or not 1 <= value <= _MAX_RESULTS:
        raise LookupEventsError(
            "InvalidMaxResultsException", f"MaxResults must be from 1 to {_MAX_RESULTS}, not {value!r}."
        )
    return value


def _category(request: Mapping[str, Any]) -> str | None:
    category: str | None = request.get("EventCategory")
    if category not in (None, "insight"):
        raise LookupEventsError("InvalidEventCategoryException", f"The event category {category!r} is not valid.")
    return category


def _fingerprint(account: str, region: str, request: Mapping[str, Any]) -> str:
    """What a token belongs to: everything but the token itself and the page size."""
    query = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    text = json.dumps([account, region, query], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _token(sequence: int, query: str) -> str:
    text = str(sequence).encode()
    return base64.urlsafe_b64encode(_signature(text, query) + text).decode()


def _signature(text: bytes, query: str) -> bytes:
    return hmac.digest(_TOKEN_KEY, text + query.encode(), "sha256")


def _position(token: str | None, query: str) -> int | None:
    if token is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError):
        raw = b""
    signature, text = raw[:32], raw[32:]
    if not hmac.compare_digest(signature, _signature(text, query)):
        raise LookupEventsError("InvalidNextTokenException", "The token does not belong to this request.")
    return int(text)


def _shown(event: Event) -> dict[str, Any]:
    shown = {
        "EventId": event.event_id,
        "EventName": event.event_name,
        "ReadOnly": str(event.read_only).lower(),
        "EventTime": event.epoch_seconds,
        "EventSource": event.event_source,
        "Username": event.username,
        "Resources": [{"ResourceType": each.type, "ResourceName": each.name} for each in event.resources],
        "CloudTrailEvent": event.record,
    }
    return shown | ({"AccessKeyId": event.access_key_id} if event.access_key_id else {})
