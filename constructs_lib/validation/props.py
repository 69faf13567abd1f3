"""Refuses wrong props of SecureTrail before any resource is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import aws_cdk as cdk

from constructs_lib.validation import existing_resources, naming, retention

_MAX_TAGS: Final = 50
_TAG_KEY: Final = re.compile(r"(?!(?i:aws:))[\w .:/=+@-]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+@-]{0,256}")
# In MiB; https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html: 10 MB to 7 EB.
_MIN_SCAN, _MAX_SCAN = 10, 7 * 1024**4

# Props that configure a new resource, by the prop that passes an existing one instead.
_CONFIGURES_NEW: Final = {
    "encryption_key": ("key_alias", "key_pending_window"),
    "log_bucket": (
        "bucket_name",
        "access_log_bucket",
        "access_log_expiration",
        "log_expiration",
        "log_transitions",
        "noncurrent_version_expiration",
        "object_lock",
        "replicate_logs",
        "replica_target",
    ),
    "access_log_bucket": ("access_log_expiration",),
}
# These configure what log_analytics makes as well: its results have access logs, also with an existing log bucket.
_OF_RESULTS: Final = ("access_log_bucket", "access_log_expiration")
# Props that do nothing without another one.
_NEEDS: Final = {
    "management_account_id": "organization_id",
    "analytics_regions": "log_analytics",
    "scan_limit_mebibytes": "log_analytics",
}
# Props that contradict another one when that one is False.
_CONTRADICTS_FALSE: Final = {
    "cis_alarms": "send_to_cloud_watch_logs",
    "delivery_topic": "delivery_notifications",
    "replica_target": "replicate_logs",
}


def _check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that AWS would refuse.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    :raises ValueError: names the tag.
    """
    if len(tags) > _MAX_TAGS:
        raise ValueError(f"tags has {len(tags)} tags. Allowed: {_MAX_TAGS} on a resource. Fix: pass fewer tags.")
    for key, value in tags.items():
        if cdk.Token.is_unresolved(key) or cdk.Token.is_unresolved(value):
            continue
        if not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value):
            raise ValueError(
                f"tags has {key[:40]!r}: {value[:40]!r}. Allowed: keys of 1 to 128 and values of up to 256 letters, "
                "digits, spaces and _.:/=+@-, no key beginning with 'aws:'. Fix: rename it."
            )


def _check_analytics_regions(regions: Sequence[str]) -> None:
    """Refuse what cannot be a region's name.

    :raises ValueError: names the region, or there is none.
    """
    if not regions:
        raise ValueError(
            "analytics_regions is empty. Allowed: one region or more. "
            "Fix: name one, or leave analytics_regions out to query all."
        )
    for region in regions:
        naming.check_region("a region in analytics_regions", region)
        if regions.count(region) > 1:
            raise ValueError(
                f"analytics_regions names {region} {regions.count(region)} times. Allowed: each region once. "
                "Fix: remove the second one."
            )


def _check_scan_limit(mebibytes: int) -> None:
    """Refuse a limit that Athena would refuse.

    :raises ValueError: it is outside Athena's bounds.
    """
    if not _MIN_SCAN <= mebibytes <= _MAX_SCAN:
        raise ValueError(
            f"scan_limit_mebibytes is {mebibytes}. Allowed: {_MIN_SCAN} to {_MAX_SCAN:_}, Athena's bounds. "
            "Fix: scan_limit_mebibytes=10_240 stops a query at about 5 US cents."
        )


_CHECKS: Final[dict[str, Callable[[Any], None]]] = {
    "trail_name": naming.check_trail_name,
    "bucket_name": naming.check_bucket_name,
    "key_alias": naming.check_key_alias,
    "s3_key_prefix": naming.check_key_prefix,
    "organization_id": naming.check_organization_id,
    "management_account_id": partial(naming.check_account_id, "management_account_id"),
    "access_log_bucket": existing_resources.check_access_log_bucket,
    "access_log_expiration": retention.check_access_log_expiration,
    "key_pending_window": retention.check_pending_window,
    "analytics_regions": _check_analytics_regions,
    "scan_limit_mebibytes": _check_scan_limit,
    "tags": _check_tags,
    "removal_policy": retention.check_removal_policy,
}


def check_props(given: Mapping[str, Any]) -> None:
    """Refuse props that AWS would refuse at deployment, and props that contradict each other.

    :param given: all arguments of the constructor, by name; one that was left out is ``None`` or empty.
    :raises ValueError: what is wrong, what was given, what is allowed, how to fix it.
    """
    for name, check in _CHECKS.items():
        if given[name] is not None:
            check(given[name])
    if given["break_glass_principal_arns"] is not None:
        partition = cdk.Stack.of(given["scope"]).partition
        retention.check_break_glass(given["break_glass_principal_arns"], partition)
    _check_together(given)
    retention.check_retention(
        expiration=given["log_expiration"],
        transitions=given["log_transitions"],
        noncurrent_version_expiration=given["noncurrent_version_expiration"],
        object_lock=given["object_lock"],
        removal_policy=given["removal_policy"],
    )


def _check_together(given: Mapping[str, Any]) -> None:
    """Refuse props that contradict each other, or that have no effect without another one.

    :raises ValueError: names both.
    """
    for existing, configuring in _CONFIGURES_NEW.items():
        for name in configuring:
            if existing == "log_bucket" and name in _OF_RESULTS and given["log_analytics"]:
                continue
            if given[existing] is not None and given[name] not in (None, ()):
                raise ValueError(
                    f"{name} was given together with {existing}. {name} configures a new resource, and {existing} is "
                    f"an existing one. Fix: leave out {name}, or leave out {existing}."
                )
    for name, needed in _NEEDS.items():
        if given[name] is not None and not given[needed]:
            raise ValueError(
                f"{name} was given without {needed}, where it has no effect. Fix: add {needed}, or leave out {name}."
            )
    for name, switch in _CONTRADICTS_FALSE.items():
        if given[name] and given[switch] is False:
            raise ValueError(
                f"{name} was given and {switch} is False. Allowed: {name} with {switch}=True or left out. "
                f"Fix: leave out {switch}, or leave out {name}."
            )
