"""When a trail was switched on and off: what its status says, and what recorded calls say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any


class Switch(Enum):
    """A change that turns the delivery of digests on or off."""

    CREATED = "created"  # and off until it is switched on
    ON = "on"
    OFF = "off"
    DELETED = "deleted"  # and off from then on


TO_OFF = frozenset({Switch.OFF, Switch.DELETED})

# Calls that turn delivery on or off; UpdateTrail does when it changes log file validation.
_SWITCHES = {
    "CreateTrail": Switch.CREATED,
    "StartLogging": Switch.ON,
    "StopLogging": Switch.OFF,
    "DeleteTrail": Switch.DELETED,
}
# Every call that may turn delivery on or off.
SWITCHING_CALLS = (*_SWITCHES, "UpdateTrail")


@dataclass(frozen=True, slots=True)
class Switching:
    """A recorded call that turned logging or validation on or off.

    :param call: who called what, as a clause: ``StopLogging by arn:…``.
    """

    at: datetime
    switch: Switch
    call: str


@dataclass(frozen=True, slots=True)
class LoggingHistory:
    """What is known of a trail's being switched on and off.

    :param switchings: in any order.
    :param complete_from: from when on the history holds every such call; ``None`` when it never surely does.
    :param unknown_because: why not, as a clause.
    """

    switchings: tuple[Switching, ...] = ()
    complete_from: datetime | None = None
    unknown_because: str = ""

    def between(self, first: datetime, last: datetime) -> tuple[Switching, ...]:
        """The switchings from ``first`` to ``last``, both included; oldest first, in one second CreateTrail first."""
        found = (switching for switching in self.switchings if first <= switching.at <= last)
        return tuple(sorted(found, key=lambda call: (call.at, call.switch is not Switch.CREATED)))


@dataclass(frozen=True, slots=True)
class TrailStatus:
    """What GetTrailStatus says in the region of the chain.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html
    """

    is_logging: bool
    latest_digest_delivery: datetime | None
    started: datetime | None
    stopped: datetime | None


@dataclass(frozen=True, slots=True)
class NoStatus:
    """The trail's status is not known; ``why`` is a clause."""

    why: str


def switching_of(record: str | dict[str, Any], trail_name: str, trail_arn: str) -> Switching | None:
    """What a CloudTrail record says about the trail's being switched on or off; ``None`` if it does not.

    :param record: one record of a log file, or its JSON text.
    """
    try:
        event = json.loads(record) if isinstance(record, str) else record
        parameters = event.get("requestParameters") or {}
        if event.get("errorCode") or event.get("eventSource") != "cloudtrail.amazonaws.com":
            return None
        if parameters.get("name") not in (trail_name, trail_arn):
            return None
        name = event["eventName"]
        switch = _SWITCHES.get(name) or _validation_switch(name, parameters)
        if switch is None:
            return None
        who = (event.get("userIdentity") or {}).get("arn", "an unnamed caller")
        at = datetime.fromisoformat(event["eventTime"]).astimezone(UTC)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return Switching(at, switch, f"{name} by {who} at {at:%Y-%m-%dT%H:%M:%SZ}")


def _validation_switch(name: str, parameters: dict[str, Any]) -> Switch | None:
    is_on = parameters.get("enableLogFileValidation")
    if name != "UpdateTrail" or not isinstance(is_on, bool):
        return None
    return Switch.ON if is_on else Switch.OFF
