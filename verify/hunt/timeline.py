"""All that a principal did, and that was done in the sessions that it made, in the order of time. Pure.

The files are read twice: who made a session may be told by a file that comes after the session's own calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from verify.hunt.events import Events, json_of, light_of, time_of
from verify.hunt.hunt import ISSUES
from verify.hunt.identity import principal_of

MAX_CALLS = 100_000
# Who signs in elsewhere, as by SAML, asks for a session without any.
NO_KEY: Final = "no access key"
_MAX_KEYS = 200_000
_MAX_DETAIL_CHARACTERS = 400
_NO_TIME: Final = "Events without a time are by this principal; they are in no timeline."


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the principal, or of a session that it made.

    :param by: who made it, as the record says; ``key`` the access key.
    :param made_by: of a session that the principal made, the key by which it was asked for, or ``NO_KEY``; ``""`` of
        its own calls.
    :param asked: what it asked for, as JSON; of much the beginning.
    """

    time: datetime
    name: str
    source: str
    region: str
    account: str
    address: str
    agent: str
    error: str
    by: str
    key: str
    made_by: str
    asked: str
    event: str


def is_principal(caller: Any, wanted: str) -> bool:
    """Whether an event's light ``userIdentity`` is whom somebody asks for.

    :param wanted: an ARN, an access key's id, a principal's or an account's id, or the name of a user, role or session.
    """
    if not caller:
        return False
    arn, issuer = caller.arn or "", principal_of(caller)
    names = {arn, issuer, caller.accessKeyId, caller.principalId, caller.accountId if caller.type == "Root" else None}
    names |= {*(caller.principalId or "").split(":"), arn.rpartition("/")[2], issuer.rpartition("/")[2]}
    names |= {"root"} if caller.type == "Root" else set()
    return wanted in names - {"", None, UNSET}


class Keys:
    """First reading: the sessions that the principal made, and those that were made in them."""

    fields: frozenset[str] = frozenset({"responseElements"})

    def __init__(self, principal: str) -> None:
        self._principal = principal
        self._own: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self.events = 0
        self.holes: dict[str, None] = {}

    def add(self, events: Events) -> None:
        """Look at the events of a file."""
        for event in (*events.light, *map(_light, events.records)):
            name = event.eventName
            if not isinstance(name, str) or name.lower() not in ISSUES:
                continue
            key = _issued_key(event)
            if not key:
                continue
            if len(self._own) + len(self._others) >= _MAX_KEYS:
                self.holes["There are too many role sessions to tell all that the principal made."] = None
                return
            by = (event.userIdentity.accessKeyId if event.userIdentity else "") or NO_KEY
            (self._own if is_principal(event.userIdentity, self._principal) else self._others)[key] = by

    def made(self) -> dict[str, str]:
        """The keys of the sessions that the principal made, each with the key that asked for it."""
        found = dict(self._own)
        below: dict[str, list[str]] = {}
        for key, by in self._others.items():
            below.setdefault(by, []).append(key)
        waiting = list(found)
        while waiting:
            by = waiting.pop()
            for key in below.get(by, ()):
                if key not in found:
                    found[key] = by
                    waiting.append(key)
        return found


class Timeline:
    """Second reading: the calls.

    :param made: the keys of the sessions that the principal made.
    :param period: the times between which a call must lie.
    """

    fields: frozenset[str] = frozenset()

    def __init__(self, principal: str, made: dict[str, str], period: tuple[datetime, datetime] | None) -> None:
        self._principal = principal
        self._made = made
        self._period = period
        self._calls: dict[str, Call] = {}
        self.events = 0
        self.holes: dict[str, None] = {}

    def add(self, events: Events) -> None:
        """Look at the events of a file."""
        for event in (*events.light, *map(_light, events.records)):
            moment = time_of(event.eventTime)
            if moment and self._period and not self._period[0] <= moment <= self._period[1]:
                continue
            self.events += 1
            caller = event.userIdentity
            made_by = self._made.get((caller.accessKeyId if caller else "") or "")
            if made_by is None and not is_principal(caller, self._principal):
                continue
            if moment is None:
                self.holes[_NO_TIME] = None
            else:
                self._take(event, moment, made_by or "")

    def _take(self, event: Any, moment: datetime, made_by: str) -> None:
        call = _call(event, moment, made_by)
        # An event that was delivered twice is one; one without an id is told by what it says.
        name = call.event or f"{call.time} {call.name} {call.by} {call.asked}"
        if name not in self._calls and len(self._calls) >= MAX_CALLS:
            self.holes[f"There are more than {MAX_CALLS:,} calls; the others are not told: ask for less time."] = None
            return
        self._calls.setdefault(name, call)

    def calls(self) -> tuple[Call, ...]:
        """The calls, oldest first."""
        return tuple(sorted(self._calls.values(), key=lambda call: (call.time, call.event)))


def _light(record: dict[str, Any]) -> Any:
    light = light_of(record)
    light.responseElements = record.get("responseElements", UNSET)
    return light


def _issued_key(event: Any) -> str:
    answer = event.responseElements
    if answer is UNSET:
        return ""
    try:
        answer = answer if isinstance(answer, dict | list | str | int | float | None) else json_of(answer)
    except ValueError:
        return ""
    credentials = answer.get("credentials") if isinstance(answer, dict) else None
    key = credentials.get("accessKeyId") if isinstance(credentials, dict) else None
    return key if isinstance(key, str) else ""


def _call(event: Any, moment: datetime, made_by: str) -> Call:
    caller, asked = event.userIdentity, event.requestParameters

    def text(value: Any) -> str:
        return value if isinstance(value, str) else ""

    detail = "" if asked is UNSET or bytes(asked) == b"null" else bytes(asked).decode(errors="replace")
    return Call(
        time=moment,
        name=text(event.eventName),
        source=text(event.eventSource),
        region=text(event.awsRegion),
        account=text(event.recipientAccountId),
        address=text(event.sourceIPAddress),
        agent=text(event.userAgent),
        error=text(event.errorCode),
        by=text(caller.arn if caller else "") or principal_of(caller),
        key=text(caller.accessKeyId if caller else ""),
        made_by=made_by,
        asked=detail[:_MAX_DETAIL_CHARACTERS],
        event=text(event.eventID),
    )
