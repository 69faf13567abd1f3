"""A trail that is so new, or was switched on again so lately, that its first digest is not due."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.trail import HOME, HOUR, START, Chain, SimulatedAws, event
from verify.integrity.timeline.verdict import Verdict

NOW = START + timedelta(minutes=30)


@pytest.mark.parametrize("since", [HOUR / 4, HOUR, 24 * HOUR, 7 * 24 * HOUR])
def test_the_first_logs_are_not_due_yet_however_long_the_period(since: timedelta) -> None:
    chain = Chain(SimulatedAws())
    chain.log(NOW - timedelta(minutes=10))
    chain.aws.status[HOME] = {"IsLogging": True, "StartLoggingTime": START}

    result = validate(chain, start=NOW - since, now=NOW)

    (found,) = result.chains
    assert dict(found.tally.logs) == {Verdict.NOT_DUE: 1}
    # Whether logging was on before it was switched on last is not known: it may have been.
    verdicts = [judged.verdict for judged in found.periods]
    assert verdicts == ([Verdict.NOT_DUE] if since <= NOW - START else [Verdict.UNPROVEN, Verdict.NOT_DUE])
    assert result.exit_code == 3


def test_the_first_logs_are_unproven_when_their_digest_was_due_long_ago() -> None:
    chain = Chain(SimulatedAws())
    chain.log(START)
    chain.aws.status[HOME] = {"IsLogging": True, "StartLoggingTime": START}

    result = validate(chain, start=START - 24 * HOUR, now=START + 5 * HOUR)

    assert dict(result.chains[0].tally.logs) == {Verdict.UNPROVEN: 1}
    assert result.exit_code == 3


@pytest.mark.parametrize("age", [HOUR / 360, 5 * HOUR], ids=["made seconds ago", "logging for hours"])
def test_a_digest_was_due_only_where_logging_was_on(age: timedelta) -> None:
    chain = Chain(SimulatedAws())
    chain.aws.status[HOME] = {"IsLogging": True, "StartLoggingTime": START}

    result = validate(chain, start=START - 24 * HOUR, now=START + age)

    said = {row.start: row.reason for row in result.rows if row.reason.startswith("no digest was ever delivered")}
    assert said.pop(START - 24 * HOUR).startswith("no digest was ever delivered; whether logging was off is not known")
    assert list(said.values()) == ["no digest was ever delivered, though one was due"] * (age > HOUR)


@pytest.mark.parametrize(
    ("stopped_after", "exit_code"), [(-HOUR / 4, 0), (HOUR, 3)], ids=["signed for", "a digest gone"]
)
def test_after_a_pause_the_logs_are_not_due_yet_if_the_last_digest_covers_the_stop(
    stopped_after: timedelta, exit_code: int
) -> None:
    chain = Chain(SimulatedAws())
    chain.run(3)
    end = chain.at
    chain.aws.status[HOME] |= {"StartLoggingTime": end + 30 * HOUR, "StopLoggingTime": end + stopped_after}
    for name, at in (("StopLogging", end + stopped_after), ("StartLogging", end + 30 * HOUR)):
        chain.aws.events.append(event(name, at))
    now = end + 30 * HOUR + timedelta(minutes=20)
    chain.log(now - timedelta(minutes=10))

    result = validate(chain, now=now)

    assert dict(result.chains[0].tally.logs) == {Verdict.PROVEN: 6, Verdict.NOT_DUE: 1}
    assert result.exit_code == exit_code
