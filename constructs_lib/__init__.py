"""SecureTrail, an L3 construct: a key, a log bucket and a multi-region, validated CloudTrail trail in one statement."""

from constructs_lib.compliance.profiles import SecurityProfile
from constructs_lib.recording.event_fields import Condition, EventCategory, Operator, ReadWrite
from constructs_lib.recording.event_selectors import EventSelector
from constructs_lib.recording.insights import AggregationTemplate, Insight, InsightType
from constructs_lib.secure_trail import SecureTrail
from constructs_lib.storage.log_replica import LogReplica, ReplicaTarget
from constructs_lib.storage.required_policies import required_bucket_policy, required_key_policy

__all__ = [
    "AggregationTemplate",
    "Condition",
    "EventCategory",
    "EventSelector",
    "Insight",
    "InsightType",
    "LogReplica",
    "Operator",
    "ReadWrite",
    "ReplicaTarget",
    "SecureTrail",
    "SecurityProfile",
    "required_bucket_policy",
    "required_key_policy",
]
