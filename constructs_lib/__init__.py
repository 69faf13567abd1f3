"""SecureTrail, an L3 construct: a key, a log bucket and a multi-region, validated CloudTrail trail in one statement.

Public are the names below, ``constructs_lib.compliance`` and ``constructs_lib.inline_synthesizer``; every other module
is internal and may move. May import ``aws_cdk``, ``cdk_nag``, ``constructs`` and ``jsii``. Only ``compliance`` imports
``cdk_nag``. Open ``secure_trail.py`` first: the props, and the order in which a trail is made. ``groups.py`` has the
groups of props, ``choices.py`` what props and profile choose, ``features.py`` makes it. Imports go one way:
``secure_trail`` and ``log_archive``, ``features``, ``choices`` and ``log_buckets``, ``groups``, then ``notifications``,
``analytics`` and ``recording``, ``storage``, ``policies`` and ``compliance``, and last ``validation``.
"""

try:
    import aws_cdk as _  # noqa: F401 (all below needs it)
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"The Python module {error.name} is missing. Fix: pip install 'securetrail[construct]'", name=error.name
    ) from None

from constructs_lib.compliance.profiles import SecurityProfile
from constructs_lib.groups import (
    Alerts,
    Analytics,
    CloudWatchLogs,
    DeliveryNotifications,
    LogRetention,
    NewAccessLogBucket,
    NewBucket,
    NewKey,
    Organization,
    Recording,
    Replica,
    SlackChannel,
)
from constructs_lib.log_archive import ArchivedTrail, LogArchive
from constructs_lib.recording.event_fields import Condition, EventCategory, Operator, ReadWrite
from constructs_lib.recording.event_selectors import EventSelector
from constructs_lib.recording.insights import AggregationTemplate, Insight, InsightType
from constructs_lib.secure_trail import SecureTrail
from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget
from constructs_lib.storage.required_policies import required_bucket_policy, required_key_policy

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
