"""The lab's own pages: status, deliver now, let time pass, sign in. They need proof of the lab's secret."""

import asyncio
import hmac
import ipaddress
import json
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from lab.clock import Clock
from lab.delivery.engine import Engine
from lab.delivery.room import Room
from lab.errors import LabError
from lab.handshake import (
    ADVANCE,
    DELIVER,
    KEEP_SAMPLES,
    MAC_HEADER,
    REPEAT,
    SIGN_IN,
    answer_mac,
    request_mac,
)
from lab.ministack import iam
from lab.protocol.answer import Answer
from lab.protocol.request import Request
from lab.records.record import RecordedCall
from lab.records.samples import Samples
from lab.records.sign_in import Person, console_login, switch_role

# Takes the query string's fields, gives the content of the answer.
Page = Callable[[dict[str, str]], Awaitable[dict[str, Any]]]

_VALID_SECONDS = 300.0
_AT_ONCE = 500  # records, between which other calls are served
_RECORD_BYTES = 8 * 1024  # of a repeated call, which is an ordinary one


def pages_about_time(engine: Engine, clock: Clock) -> dict[str, Page]:
    """The pages that deliver now and let time pass, by method and path."""

    async def deliver(_fields: Mapping[str, str]) -> dict[str, Any]:
        engine.tick(ends_period=True)
        return {"now": clock.now().isoformat(timespec="seconds")}

    async def advance(fields: Mapping[str, str]) -> dict[str, Any]:
        await engine.advance(float(fields["seconds"]))
        return {"now": clock.now().isoformat(timespec="seconds")}

    return {f"POST {DELIVER}": deliver, f"POST {ADVANCE}": advance}


def pages_of_samples(
    samples: Samples, take: Callable[[RecordedCall], None], engine: Engine, clock: Clock, room: Room
) -> dict[str, Page]:
    """The pages that keep the calls of some access keys, and record as many more like them as are asked for.

    :param take: takes a record.
    """

    async def keep(fields: Mapping[str, str]) -> dict[str, Any]:
        samples.keep(frozenset(fields["keys"].split(",")))
        return {}

    def record(count: int, start: datetime, end: datetime, chance: random.Random) -> None:
        if shortage := room.shortage(count * _RECORD_BYTES * max(1, engine.logging_trails())):
            raise LabError(shortage)
        for call in samples.repeated(count, start, end, chance):
            take(call)

    async def repeat(fields: Mapping[str, str]) -> dict[str, Any]:
        events, seconds = int(fields["events"]), float(fields["seconds"])
        chance = random.Random(int(fields["seed"]))  # noqa: S311 - nothing is secret here
        done = 0

        def happens(start: datetime, end: datetime, share: float) -> None:
            nonlocal done
            record(round(events * share) - done, start, end, chance)
            done = round(events * share)

        if seconds > 0:
            await engine.advance(seconds, happens)
        while done < events:
            record(min(events - done, _AT_ONCE), clock.now(), clock.now(), chance)
            done += _AT_ONCE
            await asyncio.sleep(0)
        return {"now": clock.now().isoformat(timespec="seconds")}

    return {f"POST {KEEP_SAMPLES}": keep, f"POST {REPEAT}": repeat}


def page_of_sign_in(take: Callable[[RecordedCall], None], clock: Clock) -> dict[str, Page]:
    """The page that signs somebody in to the console, or switches to a role: there is no console, but its records.

    :param take: takes the record.
    """

    async def sign_in(fields: Mapping[str, str]) -> dict[str, Any]:
        succeeds = "fails" not in fields
        role = _role_to_switch_to(fields["role"]) if "role" in fields else None
        person = _person(fields, succeeds=succeeds, needs_password=role is None)
        address, region = str(ipaddress.ip_address(fields["address"])), fields["region"]
        if role is not None:
            call = switch_role(person, role, address, region, clock.now())
        else:
            call = console_login(person, address, region, clock.now(), succeeds=succeeds)
        take(call)
        return {"event": call.record["eventName"], "result": next(iter(call.record["responseElements"].values()))}

    return {f"POST {SIGN_IN}": sign_in}


def _person(fields: Mapping[str, str], *, succeeds: bool, needs_password: bool) -> Person:
    account, name = fields["account"], fields.get("user", "")
    if not name:
        mfa = f"arn:aws:iam::{account}:mfa/root-account-mfa-device" if "mfa" in fields else ""
        return Person(account, "", account, f"arn:aws:iam::{account}:root", mfa)
    found = iam.user(account, name)
    if found is None:
        if succeeds:
            raise LabError(f"There is no IAM user {name!r} in the account {account}. Make it: aws iam create-user")
        return Person(account, name, "", "")
    if succeeds and needs_password and not iam.has_password(account, name):
        raise LabError(f"The user {name} has no password for the console. Make one: aws iam create-login-profile")
    device = iam.mfa_device_of(account, name)
    if "mfa" in fields and not device:
        raise LabError(f"The user {name} has no MFA device. Make one: aws iam create-virtual-mfa-device")
    if device and succeeds and needs_password and "mfa" not in fields:
        raise LabError(f"The user {name} has an MFA device, without which AWS signs nobody in. Use it: --mfa")
    return Person(account, name, found["UserId"], found["Arn"], device if "mfa" in fields else "")


def _role_to_switch_to(arn: str) -> Mapping[str, str]:
    parts = arn.split(":")
    found = iam.role(parts[4], arn.rpartition("/")[2]) if len(parts) == 6 else None
    if found is None or found["Arn"] != arn:
        raise LabError(f"There is no role {arn!r}. Give its ARN, as in arn:aws:iam::111122223333:role/auditor")
    return found


class OwnPages:
    """The pages, and which requests for them prove that their sender knows the secret."""

    def __init__(
        self, pages: Mapping[str, Page], secret: str, instance: str, now: Callable[[], float] = time.time
    ) -> None:
        """:param pages: by method and path, such as `GET /_lab/status`.
        :param now: this machine's clock (epoch seconds).
        """
        self._pages = pages
        self._secret = secret
        self._instance = instance
        self._now = now
        self._used: dict[str, float] = {}

    def page_for(self, request: Request) -> Page | None:
        """The page that a request is for; None when it is for none of them."""
        return self._pages.get(f"{request.method} {request.path}")

    async def answer(self, page: Page, request: Request) -> Answer:
        """The page's answer, or an error for a sender that does not prove to know the secret."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        nonce = self.nonce(request.method, target, request.headers)
        if nonce is None:
            return json_answer(403, {"message": "This page needs the lab's secret. Use: python -m lab"})
        try:
            status, content = 200, await page(dict(parse_qsl(request.query)))
        except (LabError, ValueError, KeyError) as error:
            status, content = 400, {"message": str(error)}
        except (OSError, sqlite3.OperationalError) as error:
            status, content = 507, {"message": f"The lab cannot write to its disk: {error}"}
        _, headers, body = json_answer(status, content)
        return status, {**headers, MAC_HEADER: answer_mac(self._secret, nonce, status, body)}, body

    def nonce(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """The nonce of a request whose code is right, to make the answer's code with; None for every other request.

        :param headers: by lower-case name.
        """
        seconds, _, rest = headers.get(MAC_HEADER, "").partition(":")
        nonce, _, mac = rest.partition(":")
        expected = request_mac(self._secret, self._instance, method, target, seconds, nonce)
        if not hmac.compare_digest(mac.encode("latin-1"), expected.encode()):
            return None
        now = self._now()  # its sender knows the secret, or it is a copy of such a request
        self._used = {each: until for each, until in self._used.items() if until > now}
        if abs(now - int(seconds)) > _VALID_SECONDS or nonce in self._used:
            return None
        self._used[nonce] = now + 2 * _VALID_SECONDS
        return nonce


def json_answer(status: int, content: dict[str, Any]) -> Answer:
    """An answer of the lab's own, which is none of AWS's."""
    return status, {"content-type": "application/json"}, json.dumps(content).encode()
