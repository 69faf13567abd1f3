"""A check report for people: tables on a terminal, and one line for each check in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from verify.posture.model import Group, Report, Result, Status
from verify.posture.who.model import Answer
from verify.report.marks import details, headline, mark, not_aws
from verify.report.terminal import cell, safe
from verify.report.who import told

_HEADINGS = {
    Group.RECORDING: "Is it recording?",
    Group.LAB: "Course checks",
    Group.CHECKPOINT: "Console checkpoints",
    Group.ACCESS: "Who else can reach it?",
    Group.ADVICE: "Advice beyond the course",
    Group.WHO: "Who can blind it?",
}
_SUMMARY = {
    Group.RECORDING: "Recording",
    Group.LAB: "Course checks",
    Group.CHECKPOINT: "Checkpoints",
    Group.ACCESS: "No outsiders",
}
_BLIND = {
    Status.PASS: "Can blind it: nobody else",
    Status.FAIL: "Can blind it: others",
    Status.UNKNOWN: "Can blind it: not known",
}
# A resource of so many characters is not broken.
_WHOLE_RESOURCE = 30
_ARN_PREFIX = re.compile(r"\barn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:(?=[a-z])")
_NEEDS_NO_DETAILS = (Status.PASS, Status.NOT_APPLICABLE)


def render(
    report: Report, *, as_tables: bool, verbose: bool, as_blocks: bool = False, who: Answer | None = None
) -> Iterator[Table | Text]:
    """The report, piece by piece.

    :param as_tables: for a terminal; otherwise every check is one tab-separated line.
    :param as_blocks: for a narrow terminal: a few lines for each check.
    :param verbose: show the evidence of passed checks too.
    :param who: what the last result rests on. Default: - who can blind the recorder was not asked.
    """
    yield from not_aws(report.endpoint)
    for notice in report.notices:
        yield safe(f"Note: {notice}")
    yield safe(f"Account {report.account}, region {report.region}; names from {report.meant_by}")
    for name, value in (("trail", report.trail), ("bucket", report.bucket), ("key", report.key)):
        yield safe(f"  {name:<7}{value}")
    shown: dict[str, str] = {}  # command → the check that showed it first
    for group, heading in _HEADINGS.items():
        results = [result for result in report.results if result.group is group]
        if not results:
            continue
        yield Text()
        yield Text(heading, style="bold")
        if as_tables:
            yield _table(results)
        for result in results:
            yield from _row(result, as_tables=as_tables, as_blocks=as_blocks)
            if group is Group.WHO and who is not None:
                yield from (Text("  ") + line for line in told(who, verbose=verbose))
            elif verbose or result.status not in _NEEDS_NO_DETAILS:
                if as_tables:
                    yield Text(f"  {result.title}", style="bold")
                yield from _evidence(result, _fix(result, report, shown), verbose=verbose)
    yield from _fixes(report)
    yield Text()
    yield from (safe(f"Not answered: {reason}") for reason in report.unanswered)
    yield Text(summary(report), style="bold")


def summary(report: Report) -> str:
    """``Recording: 3/3 · Course checks: 7/7 · Checkpoints: 6/6 · No outsiders: 13/13 · Advice: 2 of 12 open``.

    ``Recording: no`` where the trail is stopped: its settings may all be right, and yet nothing is recorded.
    """
    unknown = sum(result.status is Status.UNKNOWN for result in report.results)
    advice = [result.status for result in report.results if result.group is Group.ADVICE]
    parts = [
        *(f"{name}: {_passed(report, group)}" for group, name in _SUMMARY.items()),
        f"Advice: {advice.count(Status.ADVICE)} of {len(advice)} open",
    ]
    parts += [_BLIND[result.status] for result in report.results if result.group is Group.WHO]
    return " · ".join(parts + ([f"Unknown: {unknown}"] if unknown else []))


def _passed(report: Report, group: Group) -> str:
    is_off = any(result.id == "trail_is_logging" and result.status is Status.FAIL for result in report.results)
    tally = report.tally(group)
    return "no" if is_off and group is Group.RECORDING else f"{tally.passed}/{tally.of}"


def _table(results: list[Result]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("#", justify="right")
    table.add_column("Check", overflow="fold", ratio=3)
    longest = max((cell_len(result.resource) for result in results), default=0)
    table.add_column("Resource", overflow="fold", ratio=2, min_width=min(longest, _WHOLE_RESOURCE))
    table.add_column("Found", overflow="fold", ratio=4)
    for result in results:
        number = "" if result.number is None else str(result.number)
        table.add_row(mark(result.status), number, result.title, safe(result.resource), safe(_short(result.actual)))
    return table


def _short(text: str) -> str:
    """ARNs without what the head of the report has already; the evidence has full ARNs."""
    return _ARN_PREFIX.sub("", text)


def _row(result: Result, *, as_tables: bool, as_blocks: bool) -> Iterator[Text]:
    """A result by itself; among others in a table it is there already."""
    if as_blocks:
        yield headline(result.status, result.title)
        yield from details((("resource", result.resource), ("found", result.actual)))
    elif not as_tables:
        yield _line(result)


def _line(result: Result) -> Text:
    number = "-" if result.number is None else str(result.number)
    return Text("\t").join(
        [Text(result.status), Text(number), Text(result.title), cell(result.resource), cell(result.actual)]
    )


def _fix(result: Result, report: Report, shown: dict[str, str]) -> str:
    """The command, or where it is shown.

    :param shown: command → the check that showed it first; is added to.
    """
    places = [place for place, fix in enumerate(report.fixes, start=1) if result.id in fix.checks]
    if places and len(report.fixes) > 1:
        return f"command {places[0]} of {len(report.fixes)} below"
    first = shown.setdefault(result.fix_cli, result.title)
    return f"as for: {first}" if result.fix_cli and first != result.title else result.fix_cli


def _fixes(report: Report) -> Iterator[Text]:
    """Several commands as one block to paste: nothing but commands between its first line and its last."""
    if len(report.fixes) > 1:
        yield Text()
        yield Text(
            "Fixes of all failed checks, in an order that works: paste them from the first to the last", style="bold"
        )
        if any(fix.only_reads for fix in report.fixes):
            yield Text("One that only shows a policy needs a decision: make it, and check again before you go on.")
        for fix in report.fixes:
            yield safe(fix.command)


def _evidence(result: Result, fix: str, *, verbose: bool) -> Iterator[Text]:
    # Advice is short unless asked for: it must not drown a failure.
    in_full = verbose or result.status is not Status.ADVICE
    yield from details(
        (
            ("expected", result.expected if in_full else None),
            ("actual", result.actual if in_full else None),
            ("cause", result.cause),
            ("why", result.why),
            *(("changes" if first else "", line) for first, line in _numbered(result.fix_diff)),
            ("fix", fix),
            ("CDK", result.fix_cdk),
            ("console", result.console_url if in_full else None),
            ("source", result.source_url if in_full else None),
        )
    )


def _numbered(diff: str) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it is the first."""
    return ((number == 0, line) for number, line in enumerate(diff.splitlines()))
