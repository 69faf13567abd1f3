"""The lab's own pages about time: deliver now, let time pass."""

from collections.abc import Mapping
from typing import Any

from lab.delivery.install import Delivery
from lab.instance.own_pages import ADVANCE, DELIVER
from lab.server.gateway import Page


def pages_of(delivery: Delivery) -> dict[str, Page]:
    """The pages by method and path."""

    async def deliver(_fields: Mapping[str, str]) -> dict[str, Any]:
        delivery.engine.tick(ends_period=True)
        return {"now": delivery.clock.now().isoformat(timespec="seconds")}

    async def advance(fields: Mapping[str, str]) -> dict[str, Any]:
        await delivery.engine.advance(float(fields["seconds"]))
        return {"now": delivery.clock.now().isoformat(timespec="seconds")}

    return {f"POST {DELIVER}": deliver, f"POST {ADVANCE}": advance}
