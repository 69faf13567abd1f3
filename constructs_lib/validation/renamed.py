"""Props that SecureTrail had once, and what each is now; fields of a group that are easily taken for props."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

RENAMED: Final = {
    "bucket_name": "log_bucket=NewBucket(bucket_name=…)",
    "key_alias": "encryption_key=NewKey(alias=…)",
    "key_pending_window": "encryption_key=NewKey(pending_window=…)",
    "organization_id": "organization=Organization(…)",
    "management_account_id": "organization=Organization(…, management_account_id=…)",
    "access_log_bucket": "log_bucket=NewBucket(access_log_bucket=…), or analytics=Analytics(access_log_bucket=…) "
    "beside an existing log_bucket",
    "access_log_expiration": "log_bucket=NewBucket(access_log_bucket=NewAccessLogBucket(expiration=…))",
    "event_selectors": "recording=Recording(event_selectors=…)",
    "insights": "recording=Recording(insights=…)",
    "aggregation": "recording=Recording(aggregation=…)",
    "send_to_cloud_watch_logs": "cloudwatch=CloudWatchLogs() or cloudwatch=False",
    "cloud_watch_logs_retention": "cloudwatch=CloudWatchLogs(retention=…)",
    "cis_alarms": "cloudwatch=CloudWatchLogs(cis_alarms=…)",
    "delivery_topic": "delivery_notifications=DeliveryNotifications(topic=…)",
    "log_expiration": "log_bucket=NewBucket(retention=LogRetention(expiration=…))",
    "log_transitions": "log_bucket=NewBucket(retention=LogRetention(transitions=…))",
    "noncurrent_version_expiration": "log_bucket=NewBucket(retention=LogRetention(noncurrent_version_expiration=…))",
    "object_lock": "log_bucket=NewBucket(retention=LogRetention(object_lock=…))",
    "replicate_logs": "log_bucket=NewBucket(replica=Replica()) or log_bucket=NewBucket(replica=False)",
    "replica_target": "log_bucket=NewBucket(replica=Replica(target=…))",
    "tamper_alerts": "alerts=Alerts() or alerts=False",
    "alert_topic": "alerts=Alerts(topic=…)",
    "log_analytics": "analytics=Analytics()",
    "analytics_regions": "analytics=Analytics(regions=…)",
    "scan_limit_mebibytes": "analytics=Analytics(scan_limit_mebibytes=…)",
}
_FIELDS: Final = {
    "retention": "log_bucket=NewBucket(retention=LogRetention(…))",
    "replica": "log_bucket=NewBucket(replica=Replica(…))",
}


def refuses_old_props(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, which now says of a prop that moved, or that is a field, how it is written.

    :raises TypeError: when it is called with one: each, and how it is written.
    """

    @functools.wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        moved = [f"`{name}=` is now `{RENAMED[name]}`" for name in kwargs if name in RENAMED]
        inner = [f"`{name}=` is a field: `{_FIELDS[name]}`" for name in kwargs if name in _FIELDS]
        if moved or inner:
            raise TypeError(
                f"{'; '.join([*moved, *inner])}. Fix: write it so; each name comes from `constructs_lib` or "
                "`securetrail`, and UPGRADING.md has the whole table."
            )
        return function(*args, **kwargs)

    return checked
