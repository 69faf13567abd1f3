"""What the detective found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.padding import Padding
from rich.table import Table

from verify.events.calls import Finding
from verify.events.capital_one import LOOK_FOR_IT, STEPS
from verify.events.detective import Listings
from verify.events.event import Event
from verify.events.times import iso
from verify.report.events import print_events
from verify.report.terminal import Terminal, safe

_LONGEST_PARAMETERS = 200


@dataclass(frozen=True, slots=True)
class Report:
    """All that the exercise shows.

    :param endpoint_url: where it looked, when that is not AWS.
    :param recent: the latest events by event source.
    :param listings: ``None`` when the history could not be read.
    :param problems: why the history could not be read, each reason once.
    """

    endpoint_url: str | None
    findings: tuple[Finding, ...]
    recent: Mapping[str, tuple[Event, ...]]
    listings: Listings | None
    problems: tuple[str, ...]


def four_answers(event: Event) -> dict[str, str]:
    """Who, where, when and what, each as one line."""
    parameters = event.request_parameters or "no parameters"
    if len(parameters) > _LONGEST_PARAMETERS:
        parameters = parameters[:_LONGEST_PARAMETERS] + "…"
    error = f" → {event.error_code}: {event.error_message}" if event.error_code else ""
    identity = " ".join(part for part in (event.identity_type, event.identity_arn or event.user) if part)
    return {
        "who": f"{identity or 'unknown'}, access key {event.access_key_id or 'none'}",
        "where": f"{event.source_ip or 'unknown address'}, {event.user_agent or 'unknown program'}",
        "when": f"{iso(event.time) or 'unknown time'}, recorded in {event.region or 'an unknown region'}",
        "what": f"{event.source} {event.name}, {parameters}{error}",
    }


def print_report(terminal: Terminal, report: Report, *, as_json: bool) -> None:
    """Print the report to standard output and its problems to standard error."""
    if as_json:
        terminal.print_json(_as_json(report))
    else:
        _print_findings(terminal, report)
        _print_recent(terminal, report)
        _print_capital_one(terminal, report)
    for problem in report.problems:
        terminal.err.print(safe(f"error: {problem}"), soft_wrap=True)


def _line(terminal: Terminal, text: str = "", style: str = "") -> None:
    terminal.out.print(safe(text), style=style, soft_wrap=True)


def _fields(terminal: Terminal, fields: Mapping[str, str]) -> None:
    """Labels and values: side by side and wrapped on a terminal, one uncut line each in a pipe."""
    width = max(map(len, fields))
    if not terminal.out.is_terminal:
        for label, value in fields.items():
            _line(terminal, f"   {label:{width}}  {value}")
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in fields.items():
        grid.add_row(label, safe(value))
    terminal.out.print(Padding(grid, (0, 0, 0, 3)))


def _print_findings(terminal: Terminal, report: Report) -> None:
    found = sum(finding.event is not None for finding in report.findings)
    _line(terminal, f"Found {found} of the {len(report.findings)} calls", "bold")
    if report.endpoint_url:
        _line(terminal, f"Endpoint: {report.endpoint_url} (not AWS)")
    for number, finding in enumerate(report.findings, 1):
        _line(terminal)
        _line(terminal, f"{number}. {finding.made.call.service} {finding.made.call.operation}", "bold")
        if finding.event is None:
            _line(terminal, f"   not found in {', '.join(finding.made.call.regions)}", "yellow")
            continue
        answers = four_answers(finding.event)
        _fields(terminal, {question.upper(): answer for question, answer in answers.items()})
        if finding.matched_by != "request id":
            _line(terminal, f"   recognised by {finding.matched_by}, as a request id is missing", "yellow")


def _print_recent(terminal: Terminal, report: Report) -> None:
    for source, events in report.recent.items():
        _line(terminal)
        _line(terminal, f"The latest events of {source}", "bold")
        if not print_events(terminal, events):
            _line(terminal, "none")


def _print_capital_one(terminal: Terminal, report: Report) -> None:
    _line(terminal)
    _line(terminal, "What the Capital One breach (2019-03-22) would have looked like", "bold")
    for number, step in enumerate(STEPS, 1):
        _line(terminal)
        _line(terminal, f"{number}. {step.title}", "bold")
        _fields(terminal, {"story": step.story, "event": step.events or "none", "seen in": step.seen_in})
    _line(terminal)
    _line(terminal, "In this account", "bold")
    here = {"look": LOOK_FOR_IT}
    if report.listings:
        least = "" if report.listings.is_complete else "at least "
        here["found"] = (
            f"in the last 24 hours in {' and '.join(report.listings.regions)}: "
            f"{least}{report.listings.count} ListBuckets by assumed roles, "
            f"{report.listings.instances} of them by the role of an EC2 instance (session i-…)"
        )
    _fields(terminal, here)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "endpoint_url": report.endpoint_url,
        "findings": [
            {
                "service": finding.made.call.service,
                "operation": finding.made.call.operation,
                "made_at": iso(finding.made.at),
                "request_ids": list(finding.made.request_ids),
                "refusal": finding.made.refusal,
                "found": finding.event is not None,
                "matched_by": finding.matched_by,
                **(four_answers(finding.event) if finding.event else {}),
                "event": finding.event.raw if finding.event else None,
            }
            for finding in report.findings
        ],
        "recent": {source: [event.raw for event in events] for source, events in report.recent.items()},
        "capital_one": {
            "steps": [asdict(step) for step in STEPS],
            "list_buckets_by_roles_last_24_hours": asdict(report.listings) if report.listings else None,
            "look_for_it": LOOK_FOR_IT,
        },
        "problems": list(report.problems),
    }
