"""Lifecycle rules that delete or archive log files early, and the same rules doing it later."""

from __future__ import annotations

import json
from typing import Any

from verify.fact import Missing, known
from verify.posture.facts.trail import ARCHIVES, Lifecycle, LifecycleAction, Loss, TrailFacts

# The event history keeps events as long; log files should be kept longer.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
LEAST_DAYS = 90
_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)


def log_folder(facts: TrailFacts) -> str:
    """Where log files and digests are, such as ``AWSLogs/``. A trail that is yet to be made has no prefix.

    :raises NotKnown: the trail was not shown, and may have a prefix.
    """
    trail = facts.target.trail
    prefix = None if isinstance(trail, Missing) else known(trail).prefix
    return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"


def early_losses(lifecycle: Lifecycle, folder: str) -> tuple[LifecycleAction, ...]:
    """What deletes or archives log files early; a rule for another prefix does neither.

    :param folder: as :func:`log_folder` gives it.
    """
    return tuple(
        action
        for action in lifecycle.actions
        if (action.days is None or action.days < LEAST_DAYS)
        and (action.prefix.startswith(folder) or folder.startswith(action.prefix))
    )


def without_early_losses(lifecycle: Lifecycle, folder: str) -> str:
    """All rules as they are, but that none deletes or archives log files or their old versions before
    :data:`LEAST_DAYS` days.

    An early transition is taken out, because S3 refuses one that does not precede the rule's expiration. A rule that
    did nothing else is disabled, because S3 takes no rule that does nothing, and no configuration without rules.

    :returns: a LifecycleConfiguration, as the AWS CLI takes it.
    """
    rules, as_they_were = (json.loads(lifecycle.rules)["Rules"] for _ in range(2))
    for action in early_losses(lifecycle, folder):
        rule = rules[action.index]
        if action.loss is Loss.DELETES:
            rule["Expiration"] = {"Days": LEAST_DAYS}
            if "Transitions" in rule:  # S3 refuses a rule with both days and dates
                rule["Transitions"] = [each for each in rule["Transitions"] if "Date" not in each]
        elif action.loss is Loss.DELETES_OLD_VERSIONS:
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"] = LEAST_DAYS
        else:
            name = "Transitions" if action.loss is Loss.ARCHIVES else "NoncurrentVersionTransitions"
            rule[name] = [each for each in rule[name] if not _is_early_archive(each)]
    kept = [
        rule if _has_action(rule) else {**was, "Status": "Disabled"}
        for rule, was in zip(rules, as_they_were, strict=True)
    ]
    return json.dumps({"Rules": kept})


def _is_early_archive(transition: dict[str, Any]) -> bool:
    days = transition.get("Days", transition.get("NoncurrentDays"))
    return transition["StorageClass"] in ARCHIVES and (days is None or days < LEAST_DAYS)


def _has_action(rule: dict[str, Any]) -> bool:
    """Whether S3 takes the rule: one that does nothing is refused."""
    return any(rule.get(name) for name in _ACTIONS)
