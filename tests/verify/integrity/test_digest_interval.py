"""Where digests come every minute, a minute is what is waited for, not an hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.verify.report.test_integrity_text import said
from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.trail import HOUR, Chain, SimulatedAws
from verify.integrity.timeline.verdict import Verdict

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def chain_of(every: timedelta, hours: int = 30) -> Chain:
    chain = Chain(SimulatedAws(), every=every, written_after=every / 60)
    chain.run(hours)
    return chain


def minutes() -> Chain:
    return chain_of(MINUTE)


@pytest.mark.parametrize("now_after", [SECOND, 20 * SECOND, MINUTE])
def test_untouched_minutes_are_proven(now_after: timedelta) -> None:
    chain = minutes()

    assert validate(chain, now=chain.at + now_after).exit_code == 0


@pytest.mark.parametrize("number", [1, 2])
def test_the_newest_digest_is_missed_as_soon_as_the_history_tells_that_the_trail_did_not_move(number: int) -> None:
    """Until then it may have been delivered elsewhere, to where the trail was for some of the last minutes."""
    chain = minutes()
    chain.aws.delete(*(digest.name for digest in chain.hours[-number:]))

    now, later = (validate(chain, now=chain.at + after) for after in (5 * SECOND, 16 * MINUTE))

    assert (now.exit_code, later.exit_code) == (3, 1)
    assert Verdict.MISSING not in {judged.verdict for judged in now.chains[0].periods}
    assert Verdict.MISSING in {judged.verdict for judged in later.chains[0].periods}


def test_the_newest_digest_is_missed_although_a_later_one_was_made_on_demand() -> None:
    chain = minutes()
    chain.deliver(chain.at, chain.at + 10 * SECOND, [])
    chain.at += 10 * SECOND
    chain.run(1)
    chain.aws.delete(chain.hours[-1].name)

    assert validate(chain, now=chain.at + 16 * MINUTE).exit_code == 1


@pytest.mark.parametrize("every", [MINUTE, HOUR])
def test_a_digest_that_comes_between_the_two_questions_is_no_alarm(every: timedelta) -> None:
    """The status is asked first: it tells of the digest before the newest one."""
    chain = chain_of(every)
    before = dict(chain.aws.status)
    chain.run(1)
    chain.aws.status |= before

    assert validate(chain, now=chain.at + every / 30).exit_code == 0


@pytest.mark.parametrize(("ago", "verdict"), [(5 * MINUTE, Verdict.FOREIGN), (MINUTE, Verdict.NOT_DUE)])
def test_a_file_is_foreign_when_the_digests_that_could_name_it_are_there(ago: timedelta, verdict: Verdict) -> None:
    chain = minutes()
    chain.log(chain.at - ago)

    result = validate(chain, now=chain.at + 20 * SECOND)

    assert result.chains[0].tally.logs[verdict] == 1
    assert (result.exit_code == 0) is (verdict is Verdict.NOT_DUE)


@pytest.mark.parametrize("every", [MINUTE, HOUR])
def test_files_that_are_not_yet_listed_in_a_digest_are_not_covered_by_the_result(every: timedelta) -> None:
    chain = chain_of(every)
    chain.log(chain.at + every / 2)

    text = said(validate(chain, now=chain.at + every * 2 / 3))

    assert text.startswith(f"PROVEN: Up to {chain.at:%Y-%m-%dT%H:%M:%SZ}, every log file")
    assert "What was delivered since is not yet listed in a digest (1 log file so far)" in text


def test_a_file_that_is_not_due_and_dated_before_the_newest_digest_ends_moves_the_end_of_the_result_back() -> None:
    chain = chain_of(HOUR)
    chain.log(chain.at - 10 * MINUTE)

    text = said(validate(chain, now=chain.at + 5 * MINUTE))

    assert text.startswith(f"PROVEN: Up to {chain.at - 10 * MINUTE:%Y-%m-%dT%H:%M}:00Z, ")


def test_a_period_that_digests_cover_to_its_end_is_proven_in_full() -> None:
    chain = chain_of(HOUR)

    text = said(validate(chain, end=chain.hours[-1].end))

    assert text.startswith("PROVEN: Every log file that CloudTrail delivered in this period is present and unaltered")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_few_digests_do_not_say_how_often_they_come(number: int) -> None:
    """The first ones after a start may cover any part of an hour."""
    chain = Chain(SimulatedAws(), every=MINUTE)
    chain.run(number + 1)
    chain.log(chain.at - 10 * MINUTE)

    result = validate(chain, start=chain.hours[0].start - HOUR, now=chain.at)

    assert Verdict.FOREIGN not in result.chains[0].tally.logs
