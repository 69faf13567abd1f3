"""The result of a validation as text and as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.text import Text

from verify.integrity.result import ChainResult, Result
from verify.integrity.timeline.timeline import proven_duration
from verify.integrity.timeline.verdict import MEANING, JudgedPeriod, Problem, Verdict
from verify.report.terminal import safe

_SHOWN_OF_EACH = 20
_WIDTH = 110
_VERDICTS = {
    0: "PROVEN",
    1: "NOT PROVEN",
    3: "NOT KNOWN",
}
_SENTENCES = {
    0: "Every log file that CloudTrail delivered in this period is present and unaltered, and no file was added.",
    1: "Log files or digests were altered, or part of the period cannot be proven. Details follow.",
    3: "No sign of tampering was found, but something could not be read, or there was nothing to validate.",
}


def render(result: Result, seconds: float) -> Iterator[Text]:
    """The result, line by line.

    :param seconds: how long the validation took.
    """
    yield from map(safe, _lines(result, seconds))


def _lines(result: Result, seconds: float) -> Iterator[str]:
    yield f"{_VERDICTS[result.exit_code]}: {_sentence(result)}"
    yield ""
    yield f"Trail      {result.trail}"
    yield f"Files      {result.source}, read at {_iso(result.made_at)}"
    yield f"Requested  {_iso(result.period.start)} to {_iso(result.period.end)}"
    for notice in (*result.notices, *result.unseen):
        yield f"Note       {notice}"
    for alike in _alike(result.chains):
        yield ""
        yield from _chain_lines(alike)
    for verdict in reversed(Verdict):
        yield from _problem_lines(verdict, result)
    # Files that are missing, unlisted or not due were not read.
    logs = sum(chain.tally.logs[verdict] for chain in result.chains for verdict in (Verdict.VALID, Verdict.MODIFIED))
    megabytes = sum(chain.tally.log_bytes for chain in result.chains) / 1e6
    yield ""
    rate = logs / max(seconds, 1e-9)
    yield f"{logs:,} logs read ({megabytes:,.1f} MB inflated) in {seconds:,.1f} s: {rate:,.0f} a second."


def _sentence(result: Result) -> str:
    if result.is_quick and result.exit_code == 0:
        return "The chain of digests is complete and signed. No log file was read (--quick)."
    if result.not_due_from is None or result.exit_code:
        return _SENTENCES[result.exit_code]
    number = sum(chain.tally.logs[Verdict.NOT_DUE] for chain in result.chains)
    files = {0: "no log file so far", 1: "1 log file so far"}.get(number, f"{number:,} log files so far")
    if result.not_due_from <= result.period.start:
        return (
            f"Every log file that a digest lists is present and unaltered. What was delivered in a region is not yet "
            f"listed in a digest ({files}; details follow): it is not covered by this result."
        )
    return (
        f"Up to {_iso(result.not_due_from)}, every log file that CloudTrail delivered is present and unaltered, and "
        f"no file was added. What was delivered since is not yet listed in a digest ({files}): it is not covered by "
        "this result."
    )


def _alike(chains: Sequence[ChainResult]) -> list[list[ChainResult]]:
    """The regions of an account whose results differ only in the number of valid files, grouped; in order of the first
    of each group.
    """
    groups: dict[object, list[ChainResult]] = {}
    for chain in chains:
        others = [
            frozenset((verdict, count) for verdict, count in counter.items() if verdict is not Verdict.VALID)
            for counter in (chain.tally.digests, chain.tally.backfills, chain.tally.logs)
        ]
        groups.setdefault((chain.chain.account, chain.periods, *others), []).append(chain)
    return list(groups.values())


def _chain_lines(alike: Sequence[ChainResult]) -> Iterator[str]:
    """The lines of the regions of a group, which have the same periods."""
    periods = alike[0].periods
    yield from _heading(alike)
    for name, counters in (
        ("digests", [chain.tally.digests for chain in alike]),
        ("backfill digests", [chain.tally.backfills for chain in alike]),
        ("logs", [chain.tally.logs for chain in alike]),
    ):
        counter = sum(counters, Counter[Verdict]())
        if counter:
            yield f"  {counter[Verdict.VALID]:,} of {counter.total():,} {name} valid{_others(counter)}"
    each = " in each region" if len(alike) > 1 else ""
    yield f"  proven: {_duration(proven_duration(periods))} of {_duration(_length(periods))}{each}"
    for judged in periods:
        reason = f": {judged.reason}" if judged.reason else ""
        word = "digest not yet due" if judged.verdict is Verdict.NOT_DUE else _word(judged.verdict)
        yield f"  {_iso(judged.start)} to {_iso(judged.end)}  {word}{reason}"


def _heading(alike: Sequence[ChainResult]) -> Iterator[str]:
    account, regions = alike[0].chain.account, [chain.chain.region for chain in alike]
    if len(regions) == 1:
        yield f"Account {account}, region {regions[0]}"
        return
    yield f"Account {account}, {len(regions)} regions alike:"
    indent = "    "
    yield from textwrap.wrap(
        ", ".join(regions), _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _word(verdict: Verdict) -> str:
    return "proven" if verdict is Verdict.VALID else str(verdict)


def _others(counter: Counter[Verdict]) -> str:
    others = [
        f"{counter[verdict]:,} {'not yet listed in a digest' if verdict is Verdict.NOT_DUE else verdict}"
        for verdict in Verdict
        if counter[verdict] and verdict is not Verdict.VALID
    ]
    return f" ({', '.join(others)})" if others else ""


def _problem_lines(verdict: Verdict, result: Result) -> Iterator[str]:
    found = [problem for chain in result.chains for problem in _of(chain, verdict)]
    if not found:
        return
    yield ""
    title = "Proven in another way" if verdict is Verdict.VALID else str(verdict).capitalize()
    yield f"{title} ({len(found):,}): {MEANING[verdict]}"
    for problem in found[:_SHOWN_OF_EACH]:
        yield f"  {problem.subject}"
        yield f"    {problem.reason}"
    if len(found) > _SHOWN_OF_EACH:
        yield f"  and {len(found) - _SHOWN_OF_EACH:,} more: --json names them."


def _of(chain: ChainResult, verdict: Verdict) -> list[Problem]:
    listed = chain.tally.notes if verdict is Verdict.VALID else chain.tally.problems
    return [problem for problem in listed if problem.verdict is verdict]


def _length(periods: tuple[JudgedPeriod, ...]) -> timedelta:
    return periods[-1].end - periods[0].start if periods else timedelta()


def _duration(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    if 0 < seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60:02} min"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def result_as_json(result: Result, seconds: float) -> dict[str, Any]:
    """A result as a JSON document."""
    return {
        "verdict": _VERDICTS[result.exit_code].lower(),
        "exitCode": result.exit_code,
        "trail": result.trail,
        "source": result.source,
        "readAt": _iso(result.made_at),
        "notDueFrom": _iso(result.not_due_from) if result.not_due_from else None,
        "requested": {"start": _iso(result.period.start), "end": _iso(result.period.end)},
        "chainOnly": result.is_quick,
        "notices": list(result.notices),
        "notLookedAt": list(result.unseen),
        "chains": [_chain_as_json(chain) for chain in result.chains],
        "seconds": round(seconds, 3),
    }


def _chain_as_json(result: ChainResult) -> dict[str, Any]:
    tally = result.tally
    return {
        "account": result.chain.account,
        "region": result.chain.region,
        "digests": _counts(tally.digests),
        "backfillDigests": _counts(tally.backfills),
        "logs": _counts(tally.logs),
        "logBytes": tally.log_bytes,
        "times": [
            {
                "start": _iso(judged.start),
                "end": _iso(judged.end),
                "verdict": _word(judged.verdict),
                "reason": judged.reason,
            }
            for judged in result.periods
        ],
        "problems": [_problem_as_json(problem) for problem in tally.problems],
        "notes": [_problem_as_json(problem) for problem in tally.notes],
        "problemsNotListed": tally.omitted,
    }


def _counts(counter: Counter[Verdict]) -> dict[str, int]:
    return {str(verdict): counter[verdict] for verdict in Verdict if counter[verdict]}


def _problem_as_json(problem: Problem) -> dict[str, str]:
    return {
        "verdict": str(problem.verdict),
        "object": problem.subject,
        "reason": problem.reason,
        "meaning": MEANING[problem.verdict],
    }
