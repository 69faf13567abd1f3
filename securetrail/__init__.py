"""SecureTrail as it is installed: the construct's names, and the command with the verifier and the review.

``from securetrail import SecureTrail`` loads the construct when a name of it is asked for: whoever only verifies needs
no CDK. It stands beside the parts; no part imports it. May import ``cfnlint``, ``constructs_lib``, ``verify`` and
``yaml``. Open ``__main__.py`` for the command, ``review/cli.py`` for the review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from constructs_lib import (
        AggregationTemplate,
        Alerts,
        Analytics,
        ArchivedTrail,
        CloudWatchLogs,
        Condition,
        DeliveryNotifications,
        EventCategory,
        EventSelector,
        Insight,
        InsightType,
        LogArchive,
        LogReplica,
        LogRetention,
        NewAccessLogBucket,
        NewBucket,
        NewKey,
        Operator,
        Organization,
        ReadWrite,
        Recording,
        Replica,
        ReplicaTarget,
        SecureTrail,
        SecurityProfile,
        SlackChannel,
        required_bucket_policy,
        required_key_policy,
    )

__version__ = "0.1.0"

__all__ = [
    "AggregationTemplate",
    "Alerts",
    "Analytics",
    "ArchivedTrail",
    "CloudWatchLogs",
    "Condition",
    "DeliveryNotifications",
    "EventCategory",
    "EventSelector",
    "Insight",
    "InsightType",
    "LogArchive",
    "LogReplica",
    "LogRetention",
    "NewAccessLogBucket",
    "NewBucket",
    "NewKey",
    "Operator",
    "Organization",
    "ReadWrite",
    "Recording",
    "Replica",
    "ReplicaTarget",
    "SecureTrail",
    "SecurityProfile",
    "SlackChannel",
    "required_bucket_policy",
    "required_key_policy",
]


def __getattr__(name: str) -> Any:
    """A name of the construct, which is loaded now.

    :raises ModuleNotFoundError: the extra that it needs is not installed.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import constructs_lib  # noqa: PLC0415 (only who builds has the CDK)

    return getattr(constructs_lib, name)


def __dir__() -> list[str]:
    """What can be imported, loaded or not."""
    return sorted([*globals(), *__all__])
