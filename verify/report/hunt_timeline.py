"""The calls of a principal, in several formats. What records say is shown as text and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from verify.hunt.run import TimelineAnswer
from verify.hunt.timeline import NO_KEY, Call
from verify.report.logs import basis_as_json, basis_as_text
from verify.report.markdown import escaped, table
from verify.report.terminal import safe
from verify.times import iso


def read_lines(told: TimelineAnswer) -> Iterator[str]:
    """What was read, and what was not: a line for each fact."""
    yield from basis_as_text(told.basis)
    yield from told.holes


def closing_line(told: TimelineAnswer) -> str:
    """What the timeline as a whole says."""
    more = "" if told.is_whole else " There may be more: see above."
    if told.calls:
        sessions = len({call.key for call in told.calls if call.made_by})
        return f"{len(told.calls):,} calls, with those of {sessions:,} sessions that {told.principal} made.{more}"
    return f"No call of {told.principal} is in what was read; names are compared as they are written.{more}"


def as_text(told: TimelineAnswer) -> Iterator[str]:
    """For people: a line for each call. The first lines say what was read."""
    for line in read_lines(told):
        yield safe(line).plain + "\n"
    by = ""
    for call in told.calls:
        if (who := _who(call)) != by:
            by = who
            yield "\n" + safe(who).plain + "\n"
        yield safe(f"  {_line(call)}").plain + "\n"
    yield "\n" + safe(closing_line(told)).plain + "\n"


def _who(call: Call) -> str:
    made = f", made with {call.made_by}" if call.made_by else ""
    return f"{call.by} ({call.key or NO_KEY}{made})"


def _line(call: Call) -> str:
    service = call.source.removesuffix(".amazonaws.com")
    words = [iso(call.time), f"{service}:{call.name}", call.region, f"from {call.address}" if call.address else ""]
    words += [call.error, call.asked, call.event]
    return "  ".join(filter(None, words))


def as_markdown(told: TimelineAnswer) -> Iterator[str]:
    """For a ticket: a table."""
    yield f"# Timeline of {escaped(told.principal)}\n\n"
    for line in read_lines(told):
        yield f"- {escaped(line.strip())}\n"
    yield "\n"
    yield from table(
        ("Time", "Who", "Call", "Region", "Address", "Error", "Asked", "Event"),
        (
            (
                iso(call.time),
                _who(call),
                f"{call.source}: {call.name}",
                call.region,
                call.address,
                call.error,
                call.asked,
                call.event,
            )
            for call in told.calls
        ),
    )
    yield f"\n{escaped(closing_line(told))}\n"


def as_json(told: TimelineAnswer, exit_code: int) -> dict[str, Any]:
    """One document for programs."""
    return {
        "exit_code": exit_code,
        "whole": told.is_whole,
        "basis": basis_as_json(told.basis),
        "holes": told.holes,
        "principal": told.principal,
        "calls": [call_as_json(call) for call in told.calls],
    }


def call_as_json(call: Call) -> dict[str, Any]:
    """One call as an object."""
    return {
        "time": iso(call.time),
        "event_id": call.event,
        "call": call.name,
        "service": call.source,
        "region": call.region,
        "account": call.account,
        "address": call.address,
        "user_agent": call.agent,
        "error": call.error,
        "by": call.by,
        "access_key": call.key,
        "session_made_with": call.made_by,
        "asked": call.asked,
    }


def as_timesketch(calls: Sequence[Call]) -> Iterator[dict[str, Any]]:
    """Each call as a line that Timesketch imports."""
    for call in calls:
        yield {
            "message": f"{call.name} of {call.source} by {call.by}",
            "datetime": call.time.isoformat(),
            "timestamp_desc": "Time of the call",
            **call_as_json(call),
        }
