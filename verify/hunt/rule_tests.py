"""Runs the tests that rules have in their own files, under the key ``tests``. Pure.

A test is a list of events, as CloudTrail writes them, and whether the rule finds something in them::

    tests:
    - name: somebody stops the trail
      events:
      - {eventSource: cloudtrail.amazonaws.com, eventName: StopLogging}
      matches: true

They run as the records of a log file do. Events without an id or a time get one, a second after the one before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from verify.errors import UsageError
from verify.hunt.events import event_decoder
from verify.hunt.hunt import Hunt
from verify.hunt.sigma.load import Loaded, Rule

_KEYS: Final = frozenset({"name", "events", "matches"})
_FORM = (
    "A test is a mapping with 'events', a list of mappings, and 'matches', true or false; 'name' may tell what it is."
)
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test came to.

    :param name: as the test is named, else its number.
    :param wanted: whether the rule was to match; ``found`` whether it did.
    :param why: what kept the rule from judging an event; ``""`` if nothing did.
    """

    rule: str
    source: str
    name: str
    wanted: bool
    found: bool
    why: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether the rule did what it was to do."""
        return self.wanted is self.found and not self.why


def run_tests(loaded: Loaded) -> Iterator[Tested]:
    """Run the tests of all rules.

    :raises UsageError: a test is not written as tests are.
    """
    for number, rule in enumerate(loaded.rules):
        tests = rule.more.get("tests", [])
        if not isinstance(tests, list):
            raise UsageError(f"{rule.source}: the tests of {rule.title!r} are a {type(tests).__name__}. {_FORM}")
        for at, test in enumerate(tests, 1):
            yield _run(loaded, number, rule, at, test)


def _run(loaded: Loaded, number: int, rule: Rule, at: int, test: Any) -> Tested:
    where = f"{rule.source}: test {at} of {rule.title!r}"
    if not isinstance(test, dict) or not {"events", "matches"} <= test.keys() <= _KEYS:
        raise UsageError(f"{where} is {str(test)[:80]!r}. {_FORM}")
    events, wanted = test["events"], test["matches"]
    is_list = isinstance(events, list) and bool(events) and all(isinstance(event, dict) for event in events)
    if not is_list or not isinstance(wanted, bool):
        raise UsageError(f"{where} has no such events, or says {wanted!r} of matches. {_FORM}")
    # A rule that serves correlations alone is tested by itself, too.
    rules = [replace(each, is_alone=position == number) for position, each in enumerate(loaded.rules)]
    hunt = Hunt(rules)
    hunt.add(event_decoder(hunt.fields)(_file_of(events, where)))
    found = any(each.title == rule.title for each, _ in hunt.findings())
    return Tested(rule.title, rule.source, str(test.get("name", at)), wanted, found, " ".join(hunt.holes))


def _file_of(events: list[dict[str, Any]], where: str) -> bytes:
    records = [
        {
            "eventID": str(at),
            "eventTime": f"{_START + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}",
            **event,
        }
        for at, event in enumerate(events)
    ]
    try:
        return json.dumps({"Records": records}, default=_text_of).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{where} has an event that is no JSON: {error}.") from None


def _text_of(value: Any) -> str:
    """A time that YAML has read, as records write it.

    :raises TypeError: it is something else.
    """
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of JSON")
