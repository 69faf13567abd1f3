"""CloudTrail: its operations, trails and their tags."""
# ruff: noqa: SLF001

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from ministack.services import cloudtrail

from lab.protocol.answer import Answer

CloudTrailAction = Callable[[dict[str, Any]], Answer]
cloudtrail_actions: dict[str, CloudTrailAction] = cloudtrail._DISPATCH
# Both take a name or an ARN. (name, home region, trail, error) and (name, home region, trail).
trail_to_change: Callable[[str], tuple[str, str, dict[str, Any], Answer | None]] = cloudtrail._find_mutable_trail
trail_to_show: Callable[[str], tuple[str, str, dict[str, Any] | None]] = cloudtrail._find_visible_trail
# What a trail's record has of the lab's own, which no answer shows.
INSIGHT_SELECTORS = "_InsightSelectors"
cloudtrail._TRAIL_STATE_KEYS = cloudtrail._TRAIL_STATE_KEYS | {INSIGHT_SELECTORS}
trail_tags: MutableMapping[str, dict[str, str]] = cloudtrail._trail_tags


def trails() -> list[tuple[str, dict[str, Any], Iterable[Mapping[str, Any]] | None]]:
    """Every trail of the lab: its account, its settings (a record to change), and its event selectors."""
    return [
        (account, trail, cloudtrail._event_selectors.get_scoped(account, region, name))
        for (account, region, name), trail in cloudtrail._trails.all_items()
    ]
