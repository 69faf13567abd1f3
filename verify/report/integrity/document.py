"""The result of a validation as a document for the case file, in Markdown or as a web page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from verify.integrity.result import ChainResult, Result, Row
from verify.integrity.timeline.verdict import MEANING, Problem, Verdict
from verify.report.integrity.next_steps import NextStep
from verify.report.integrity.text import VERDICTS, caller_of, sentence
from verify.report.markdown import code_block, escaped, page, table
from verify.report.terminal import safe
from verify.times import iso


def result_as_html(result: Result, seconds: float, steps: Sequence[NextStep] = ()) -> str:
    """A result as one web page; see :func:`result_as_markdown`."""
    return page("".join(result_as_markdown(result, seconds, steps)), f"Integrity of {result.trail}")


def result_as_markdown(result: Result, seconds: float, steps: Sequence[NextStep] = ()) -> Iterator[str]:
    """A result as Markdown, with every row of the table and every file that is not proven.

    :param seconds: how long the validation took.
    :param steps: what to do about it.
    """
    yield f"# Integrity of {escaped(result.trail)}\n\n"
    yield f"**{VERDICTS[result.exit_code]}**: {escaped(sentence(result))}\n\n"
    yield f"- Trail: {escaped(result.trail)}\n"
    yield f"- Files: {escaped(result.source)}, read at {iso(result.made_at)} in {seconds:,.1f} s\n"
    yield f"- Requested: {iso(result.period.start)} to {iso(result.period.end)}\n"
    yield f"- Exit code: {result.exit_code}\n"
    for notice in (*result.notices, *result.unseen):
        yield f"- Note: {escaped(notice)}\n"
    yield from _times("Not proven", [row for row in _timed(result) if row.verdict is not Verdict.PROVEN])
    for verdict in reversed(Verdict):
        yield from _files(verdict, result)
    yield from _next(steps)
    yield from _times("Proven", [row for row in _timed(result) if row.verdict is Verdict.PROVEN])
    yield "\n## Files\n\n"
    header = ("Account", "Region", "Digests", "Backfill digests", "Log files")
    yield from table(header, map(_counts, result.chains))


def _timed(result: Result) -> Iterator[Row]:
    """The rows of accounts and regions. What lies outside of the layout is among the files."""
    return (row for row in result.rows if row.account)


def _times(title: str, rows: Sequence[Row]) -> Iterator[str]:
    """Intervals of which the same is to be said in several regions are one line."""
    if not rows:
        return
    alike: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        evidence = row.evidence
        ground = (caller_of(evidence), evidence.settles, evidence.digests)
        alike.setdefault((row.start, row.end, row.account, row.verdict, row.reason, ground), []).append(row)
    yield f"\n## {title}\n\n"
    header = ("From", "To", "Account", "Regions", "What", "Why", "Who")
    yield from table(header, (_time(group) for group in alike.values()))


def _time(alike: Sequence[Row]) -> tuple[str, ...]:
    row = alike[0]
    evidence = row.evidence
    rests = f"{evidence.digests:,} signed digests" if evidence.digests else ""
    why = "; ".join(filter(None, (row.reason, rests)))
    regions = ", ".join(each.region for each in alike)
    return iso(row.start), iso(row.end), row.account, regions, str(row.verdict), why, caller_of(evidence)


def _files(verdict: Verdict, result: Result) -> Iterator[str]:
    found = [each for each in _problems(result) if each.verdict is verdict]
    if not found:
        return
    title = "Proven in another way" if verdict is Verdict.PROVEN else str(verdict).capitalize()
    yield f"\n## {title}: {len(found):,} files or folders\n\n{escaped(MEANING[verdict])}\n\n"
    whos = ["; ".join(result.changes.of(each)) for each in found]
    if any(whos):
        rows = ((each.subject, each.reason, who) for each, who in zip(found, whos, strict=True))
        yield from table(("File or folder", "Why", "Who"), rows)
    else:
        yield from table(("File or folder", "Why"), ((each.subject, each.reason) for each in found))
    omitted = sum(chain.tally.omitted for chain in result.chains)
    if omitted and verdict is not Verdict.PROVEN:
        yield f"\nOf all kinds together, {omitted:,} more were found and not kept.\n"


def _problems(result: Result) -> Iterable[Problem]:
    for chain in result.chains:
        yield from chain.tally.problems
        yield from chain.tally.notes
    yield from result.foreign


def _next(steps: Sequence[NextStep]) -> Iterator[str]:
    if steps:
        yield "\n## What to do next\n"
    for step in steps:
        yield f"\n{escaped(step.text)}\n"
        if step.commands:
            commands = "\n".join(safe(command).plain for command in step.commands)
            yield f"\n{code_block(commands, 'sh')}"


def _counts(chain: ChainResult) -> tuple[str, ...]:
    tally = chain.tally
    of_kinds = (_count(counter) for counter in (tally.digests, tally.backfills, tally.logs))
    return chain.chain.account, chain.chain.region, *of_kinds


def _count(counter: Counter[Verdict]) -> str:
    return ", ".join(f"{counter[verdict]:,} {verdict}" for verdict in Verdict if counter[verdict])
