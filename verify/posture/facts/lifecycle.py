"""Lifecycle rules that delete log files early, and the same rules deleting them later."""

from __future__ import annotations

import json

from verify.fact import Value
from verify.posture.facts.trail import Expiration, Lifecycle, TrailFacts

# The event history keeps events as long; log files should be kept longer.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
LEAST_DAYS = 90


def log_folder(facts: TrailFacts) -> str:
    """Where log files and digests are, such as ``AWSLogs/``."""
    trail = facts.target.trail
    prefix = trail.value.prefix if isinstance(trail, Value) else None
    return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"


def early_expirations(lifecycle: Lifecycle, folder: str) -> tuple[Expiration, ...]:
    """The rules that delete log files early; a rule for another prefix deletes none.

    :param folder: as :func:`log_folder` gives it.
    """
    return tuple(
        rule
        for rule in lifecycle.expirations
        if (rule.days is None or rule.days < LEAST_DAYS)
        and (rule.prefix.startswith(folder) or folder.startswith(rule.prefix))
    )


def with_late_expirations(lifecycle: Lifecycle, folder: str) -> str:
    """All rules as they are, but that those that delete log files early do so after :data:`LEAST_DAYS` days.

    :returns: a LifecycleConfiguration, as the AWS CLI takes it.
    """
    document = json.loads(lifecycle.rules)
    for rule in early_expirations(lifecycle, folder):
        document["Rules"][rule.index]["Expiration"] = {"Days": LEAST_DAYS}
    return json.dumps(document)
