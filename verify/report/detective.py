"""What the detective found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from verify.events.calls import Finding
from verify.events.capital_one import LOOK_FOR_IT, LOOK_INTO_LOGS, STEPS
from verify.events.detective import Listings
from verify.events.event import Event
from verify.report.events import render_events
from verify.report.terminal import safe
from verify.times import iso

_LONGEST_PARAMETERS = 200


@dataclass(frozen=True, slots=True)
class DetectiveReport:
    """All that ``verify detective`` shows.

    :param endpoint_url: where it looked, when that is not AWS.
    :param recent: the latest events by event source.
    :param listings: ``None`` when the history could not be read.
    :param problems: why the history could not be read, each reason once.
    :param look_for_it: the command that looks for the breach in the event history.
    :param look_into_logs: the one that looks for what only the log files know.
    """

    endpoint_url: str | None
    findings: tuple[Finding, ...]
    recent: Mapping[str, tuple[Event, ...]]
    listings: Listings | None
    problems: tuple[str, ...]
    look_for_it: str = LOOK_FOR_IT
    look_into_logs: str = LOOK_INTO_LOGS


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


def render(report: DetectiveReport, *, as_tables: bool, width: int | None = None) -> Iterator[RenderableType]:
    """The report, piece by piece.

    :param as_tables: for a terminal: what has several columns is a table. Otherwise everything is lines of text.
    :param width: as of :func:`verify.report.events.render_events`.
    """
    yield from _findings(report)
    for source, events in report.recent.items():
        yield Text()
        yield Text(f"The latest events of {source}", style="bold")
        yield from render_events(events, as_table=as_tables, width=width)
        if not events:
            yield Text("none")
    yield from _capital_one(report)


def _fields(fields: Mapping[str, str]) -> Iterator[RenderableType]:
    """Labels and values, one line each; on a terminal it is broken between words."""
    width = max(map(len, fields))
    for label, value in fields.items():
        yield Text.assemble((f"   {label:{width}}", "bold cyan"), "  ", safe(value))


def _findings(report: DetectiveReport) -> Iterator[RenderableType]:
    found = sum(finding.event is not None for finding in report.findings)
    yield Text(f"Found {found} of the {len(report.findings)} calls", style="bold")
    if report.endpoint_url:
        yield safe(f"Endpoint: {report.endpoint_url} (not AWS)")
    for number, finding in enumerate(report.findings, 1):
        yield Text()
        yield Text(f"{number}. {finding.made.call.service} {finding.made.call.operation}", style="bold")
        if finding.event is None:
            yield Text(f"   not found in {', '.join(finding.made.call.regions)}", style="yellow")
            continue
        answers = four_answers(finding.event)
        yield from _fields({question.upper(): answer for question, answer in answers.items()})
        if finding.matched_by != "request id":
            yield Text(f"   recognised by {finding.matched_by}, as a request id is missing", style="yellow")


def _capital_one(report: DetectiveReport) -> Iterator[RenderableType]:
    yield Text()
    yield Text("What the Capital One breach (2019-03-22) would have looked like", style="bold")
    for number, step in enumerate(STEPS, 1):
        yield Text()
        yield Text(f"{number}. {step.title}", style="bold")
        step_fields = {"story": step.story, "event": step.events or "none", "seen in": step.seen_in}
        yield from _fields(step_fields)
    yield Text()
    yield Text("In this account", style="bold")
    here = {"look": report.look_for_it, "data events": report.look_into_logs}
    if report.listings:
        least = "" if report.listings.is_complete else "at least "
        here["found"] = (
            f"in the last 24 hours in {' and '.join(report.listings.regions)}: "
            f"{least}{report.listings.count} ListBuckets by assumed roles, "
            f"{report.listings.instances} of them by the role of an EC2 instance (session i-…)"
        )
    yield from _fields(here)


def report_as_json(report: DetectiveReport) -> dict[str, Any]:
    """The whole report, full events and all."""
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
            "look_for_it": report.look_for_it,
            "look_into_logs": report.look_into_logs,
        },
        "problems": list(report.problems),
    }
