"""The result of a validation, as text in whole sentences."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from verify.integrity.lost.versions import archived_files
from verify.integrity.result import ChainResult, Result, Row
from verify.integrity.timeline.timeline import proven_duration
from verify.integrity.timeline.verdict import (
    BAD,
    MEANING,
    NO_DIGEST_CAME,
    NOT_DELIVERED,
    VALIDATION_IS_OFF,
    VALIDATION_OFF,
    Evidence,
    JudgedPeriod,
    Problem,
    Verdict,
)
from verify.report.integrity.next_steps import NextStep, lacking_keys
from verify.report.terminal import safe
from verify.times import iso

if TYPE_CHECKING:
    from rich.text import Text

_SHOWN_OF_EACH = 20
_SHOWN_PAUSES = 3
_SHOWN_REGIONS = 2
_WIDTH = 110
_STYLES = {0: "bold green", 1: "bold red", 3: "bold yellow"}
VERDICTS = {
    0: "PROVEN",
    1: "NOT PROVEN",
    3: "NOT KNOWN",
}


def render(result: Result, seconds: float, steps: Sequence[NextStep] = ()) -> Iterator[Text]:
    """The result, line by line.

    :param seconds: how long the validation took.
    :param steps: what to do about it.
    """
    verdict = VERDICTS[result.exit_code]
    first = safe(f"{verdict}: {sentence(result)}")
    first.stylize(_STYLES[result.exit_code], 0, len(verdict))
    yield first
    yield from map(safe, _lines(result, seconds, steps))


def _lines(result: Result, seconds: float, steps: Sequence[NextStep]) -> Iterator[str]:
    yield ""
    yield f"Trail      {result.trail}"
    yield f"Files      {result.source}, read at {iso(result.made_at)}"
    yield f"Requested  {iso(result.period.start)} to {iso(result.period.end)}"
    answer = sentence(result)
    for notice in (*result.notices, *result.unseen):
        if notice not in answer:
            yield f"Note       {notice}"
    for alike in _alike(result.chains):
        yield ""
        yield from _chain_lines(alike)
    for verdict in reversed(Verdict):
        yield from _problem_lines(verdict, result)
    if steps:
        yield ""
        yield "What to do next:"
    for step in steps:
        yield f"  - {step.text}"
        yield from (f"    {command}" for command in step.commands)
    # What is missing, foreign or not due was not read.
    logs = sum(chain.tally.logs[verdict] for chain in result.chains for verdict in (Verdict.PROVEN, Verdict.ALTERED))
    megabytes = sum(chain.tally.log_bytes for chain in result.chains) / 1e6
    yield ""
    rate = logs / max(seconds, 1e-9)
    yield f"{logs:,} logs read ({megabytes:,.1f} MB inflated) in {seconds:,.1f} s: {rate:,.0f} a second."


def sentence(result: Result) -> str:
    """What it comes to. What is bad or not known comes first, and then every time without logging."""
    return " ".join(filter(None, (_finding(result), _pauses(result))))


def _finding(result: Result) -> str:
    if result.exit_code == 1:
        return _bad(result)
    if result.exit_code == 3:
        return _unknown(result)
    if result.not_due_from is None:
        return (
            "Every log file that CloudTrail delivered in this period is present and unaltered, and no file was added."
        )
    number = sum(chain.tally.logs[Verdict.NOT_DUE] for chain in result.chains)
    files = {0: "no log file so far", 1: "1 log file so far"}.get(number, f"{number:,} log files so far")
    if result.not_due_from <= result.period.start:
        return (
            f"Every log file that a digest lists is present and unaltered. What was delivered in a region is not yet "
            f"listed in a digest ({files}; details follow): it is not covered by this result."
        )
    return (
        f"Up to {iso(result.not_due_from)}, every log file that CloudTrail delivered is present and unaltered, and "
        f"no file was added. What was delivered since is not yet listed in a digest ({files}): it is not covered by "
        "this result."
    )


def _bad(result: Result) -> str:
    verdicts = [
        verdict for verdict in (Verdict.ALTERED, Verdict.MISSING, Verdict.FOREIGN) if verdict in result.verdicts
    ]
    if not verdicts:
        return "Logging was off for some of the period, and --require-logging asks that it never was."
    found = f"Something was found that is {' or '.join(map(str, verdicts))}"
    # What a digest that is gone listed, and which one came before it, nobody knows.
    is_open = any(one.tally.digests[Verdict.MISSING] + one.tally.backfills[Verdict.MISSING] for one in result.chains)
    counts = [
        f"{'at least ' if is_open and verdict is Verdict.MISSING else ''}{counted} {verdict}"
        for verdict in verdicts
        if (counted := _counted(result, verdict))
    ]
    there = ", ".join(filter(None, ("; ".join(counts), _where_and_when(result, BAD))))
    # Their names tell no region and no time, or others than those.
    elsewhere = [f"{counted} {verdict}" for verdict in verdicts if (counted := _counted_elsewhere(result, verdict))]
    details = "; ".join(filter(None, (there, *elsewhere)))
    changes = (change for of in result.changes.found.values() for change in of)
    callers = list(dict.fromkeys(one.caller for one in changes if one.names_file and one.is_signed))
    others = "1 other" if len(callers) == 2 else f"{len(callers) - 1:,} others"
    more = f" and {others}" if len(callers) > 1 else ""
    who = f" Files were changed by {callers[0]}{more}." if callers else ""
    return f"{found}{f': {details}' if details else ''}.{who} Details follow."


def _counted(result: Result, verdict: Verdict) -> str:
    """How many files of accounts and regions that are asked for are that; ``""`` where no single one is."""
    logs = sum(one.tally.logs[verdict] for one in result.chains)
    digests = sum(one.tally.digests[verdict] + one.tally.backfills[verdict] for one in result.chains)
    return _numbers({"log file": logs, "digest file": digests})


def _counted_elsewhere(result: Result, verdict: Verdict) -> str:
    """The same of all other files, and of folders with all that lies in them."""
    of_it = Counter(one.subject.endswith("/") for one in result.foreign if one.verdict is verdict)
    return _numbers({"other file": of_it[False], "other folder": of_it[True]})


def _numbers(kinds: Mapping[str, int]) -> str:
    return " and ".join(f"{number:,} {kind}{'' if number == 1 else 's'}" for kind, number in kinds.items() if number)


def _where_and_when(result: Result, verdicts: Set[Verdict]) -> str:
    """The regions and the time of which that is said; ``""`` where no row tells."""
    rows = [row for row in result.rows if row.verdict in verdicts and row.region]
    if not rows:
        return ""
    regions = sorted({row.region for row in rows})
    where = " and ".join(regions) if len(regions) <= _SHOWN_REGIONS else f"{len(regions):,} regions"
    return f"in {where}, from {iso(min(row.start for row in rows))} to {iso(max(row.end for row in rows))}"


def _unknown(result: Result) -> str:
    if result.claimed_because:
        where = _where_and_when(result, {Verdict.UNPROVEN})
        is_part = Verdict.UNPROVEN in result.verdicts
        what = f"Part of this period is unproven{f' ({where})' if where else ''}, and the rest" if is_part else "This"
        return (
            f"{what} is consistent, if these public keys are AWS's, which is not known: {result.claimed_because}. "
            "Fetch AWS's keys with 'aws cloudtrail list-public-keys --start-time … --end-time … --region REGION > "
            "keys.json' once for each region, and give every file (--keys keys.json), or name the fingerprints that "
            "you know (--trust-key)."
        )
    if result.is_quick:
        return "Nothing is proven: no log file was read (--quick). Of the chain of digests, what was found is below."
    if result.unseen and Verdict.UNPROVEN not in result.verdicts and result.is_proven_at_all:
        return (
            "Nothing was found that is altered, missing or foreign, but there may be more that was not looked at, or "
            f"that is gone. {result.unseen[0]}"
        )
    cause = _cause(result)
    due = "" if result.is_proven_at_all or not result.next_due else iso(result.next_due)
    nothing = f"Nothing is proven yet. The next digest is due by {due}." if due else "Nothing is proven yet."
    if Verdict.UNPROVEN in result.verdicts or result.unseen:
        where = _where_and_when(result, {Verdict.UNPROVEN})
        if result.unseen or any(row.verdict is Verdict.UNPROVEN and not row.region for row in result.rows):
            where = f"{where}, and there may be more" if where else ""
        first = "" if result.is_proven_at_all else f"{nothing} "
        return (
            f"{cause}{first}Part of this period is unproven{f' ({where})' if where else ''}: no signed digest that "
            "could be read covers it, or a log file could not be read. Nothing was found that is altered, missing or "
            "foreign, which does not show that nothing is."
        )
    return f"{cause}{nothing}"


def _cause(result: Result) -> str:
    """Why something is not known, if that is at hand, as a sentence with a space after it; the most telling one."""
    unproven = [row for row in result.rows if row.verdict is Verdict.UNPROVEN]
    off = [row for row in result.rows if row.reason.startswith(VALIDATION_OFF)]
    of_today = [cause for cause in result.causes if cause.startswith((VALIDATION_IS_OFF, NOT_DELIVERED))]
    lasting = [cause for cause in result.causes if cause not in of_today]
    lacking = lacking_keys(result)
    cause = ""
    if lasting:
        cause = lasting[0]
    elif (
        off
        and not result.is_proven_at_all
        and all(row.reason.startswith((VALIDATION_OFF, *NO_DIGEST_CAME)) for row in unproven)
    ):
        cause = "Log file validation was off, so that CloudTrail signed for nothing."
    elif archived_files(result):
        cause = "Files are archived, so that nobody could read them: restore them first, as told below."
    elif lacking:
        where = " and ".join(lacking) if len(lacking) <= _SHOWN_REGIONS else f"{len(lacking):,} regions"
        cause = f"Public keys that digests of {where} name are not known, so that signatures could not be checked."
    elif off:
        cause = "Log file validation was off for some of the period. Of that time CloudTrail signed for nothing."
    elif of_today and any(row.reason.startswith(NO_DIGEST_CAME) for row in unproven):
        cause = of_today[0]
    return cause and f"{cause} "


def _pauses(result: Result) -> str:
    """Every time without logging, once for all regions, and who turned it off."""
    pauses = _joined(result.pauses)
    if not pauses:
        return ""
    texts = []
    for start, end, who in pauses[:_SHOWN_PAUSES]:
        texts.append(f"from {iso(start)} to {iso(end)} ({who or 'who turned it off is not known'})")
    more = f", and {len(pauses) - _SHOWN_PAUSES:,} more times" if len(pauses) > _SHOWN_PAUSES else ""
    return f"Not logged: {', '.join(texts)}{more}."


def caller_of(evidence: Evidence) -> str:
    """The call that turned logging off, by whom and from where; ``""`` where it is not known."""
    where = f" from {evidence.address}" if evidence.address else ""
    return f"{evidence.call} by {evidence.caller}{where}" if evidence.call else ""


def _joined(rows: Sequence[Row]) -> list[tuple[datetime, datetime, str]]:
    """Start and end of every pause, and who turned logging off.

    What one call began is one as far as it meets: a file in one region cuts it, and what no event history holds yet.
    """
    found: list[tuple[datetime, datetime, str]] = []
    for who, row in sorted(((caller_of(row.evidence), row) for row in rows), key=lambda pair: (pair[0], pair[1].start)):
        start, end = row.start, row.end
        if found and found[-1][2] == who and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        found.append((start, end, who))
    return sorted(found)


def _alike(chains: Sequence[ChainResult]) -> list[list[ChainResult]]:
    """The regions of an account of which the same is to be said but for how many files are valid; in order of the first
    of each.
    """
    groups: dict[object, list[ChainResult]] = {}
    for chain in chains:
        others = [
            frozenset((verdict, count) for verdict, count in counter.items() if verdict is not Verdict.PROVEN)
            for counter in (chain.tally.digests, chain.tally.backfills, chain.tally.logs)
        ]
        said = tuple((of.start, of.end, of.verdict, of.reason, of.evidence.settles) for of in chain.periods)
        groups.setdefault((chain.chain.account, said, *others), []).append(chain)
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
            yield f"  {counter[Verdict.PROVEN]:,} of {counter.total():,} {name} proven{_others(counter)}"
    each = " in each region" if len(alike) > 1 else ""
    yield f"  proven: {_duration(proven_duration(periods))} of {_duration(_length(periods))}{each}"
    for judged in periods:
        reason = f": {judged.reason}" if judged.reason else ""
        yield f"  {iso(judged.start)} to {iso(judged.end)}  {judged.verdict}{reason}"


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


def _others(counter: Counter[Verdict]) -> str:
    others = [
        f"{counter[verdict]:,} {verdict}" for verdict in Verdict if counter[verdict] and verdict is not Verdict.PROVEN
    ]
    return f" ({', '.join(others)})" if others else ""


def _problem_lines(verdict: Verdict, result: Result) -> Iterator[str]:
    found = [problem for chain in result.chains for problem in _of(chain, verdict)]
    found += [problem for problem in result.foreign if problem.verdict is verdict]
    if not found:
        return
    yield ""
    title = "Proven in another way" if verdict is Verdict.PROVEN else str(verdict).capitalize()
    yield f"{title} ({len(found):,}): {MEANING[verdict]}"
    for problem in found[:_SHOWN_OF_EACH]:
        yield f"  {problem.subject}"
        yield f"    {problem.reason}"
        yield from (f"    {change}" for change in result.changes.of(problem))
    if len(found) > _SHOWN_OF_EACH:
        yield f"  and {len(found) - _SHOWN_OF_EACH:,} more: --json names them."


def _of(chain: ChainResult, verdict: Verdict) -> list[Problem]:
    kept = chain.tally.notes if verdict is Verdict.PROVEN else chain.tally.problems
    return [problem for problem in kept if problem.verdict is verdict]


def _length(periods: tuple[JudgedPeriod, ...]) -> timedelta:
    return periods[-1].end - periods[0].start if periods else timedelta()


def _duration(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    if 0 < seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60:02} min"
