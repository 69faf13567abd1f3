"""What Athena takes: regions of a table, and the limit of a query."""

from __future__ import annotations

from collections.abc import Sequence

from constructs_lib.validation import naming

# In MiB; https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html: 10 MB to 7 EB.
_MIN_SCAN, _MAX_SCAN = 10, 7 * 1024**4


def check_regions(regions: Sequence[str]) -> None:
    """Refuse what cannot be a region's name.

    :raises ValueError: names the region, or there is none.
    """
    if not regions:
        raise ValueError(
            "Analytics.regions is empty. Allowed: one region or more. Fix: name one, or leave regions out to query all."
        )
    for region in regions:
        naming.check_region("a region in Analytics.regions", region)
        if regions.count(region) > 1:
            raise ValueError(
                f"Analytics.regions names {region} {regions.count(region)} times. Allowed: each region once. "
                "Fix: remove the second one."
            )


def check_scan_limit(mebibytes: int) -> None:
    """Refuse a limit that Athena would refuse.

    :raises ValueError: it is outside Athena's bounds.
    """
    if not _MIN_SCAN <= mebibytes <= _MAX_SCAN:
        raise ValueError(
            f"Analytics.scan_limit_mebibytes is {mebibytes}. Allowed: {_MIN_SCAN} to {_MAX_SCAN:_}, Athena's bounds. "
            "Fix: scan_limit_mebibytes=10_240 stops a query at about 5 US cents."
        )
