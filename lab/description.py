"""A running lab, described for programs."""

from typing import Any

from lab.emulator import Status
from lab.state import Lab


def described(lab: Lab, status: Status) -> dict[str, Any]:
    """What can be told about a lab, in the shapes of JSON; no secret is among it."""
    return {
        "endpoint": lab.endpoint,
        "account": lab.account,
        "region": lab.region,
        "pid": lab.pid,
        "started": lab.started,
        "now": status.now,
        "behind_seconds": status.behind_seconds,
        "stacks": dict(status.stacks),
        "events": status.events,
        "dropped_events": status.dropped,
        "undecoded_calls": status.undecoded,
        "warnings": list(status.warnings),
    }
