"""Running what is MiniStack's from inside its own event loop."""

import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

from lab import seams
from lab.seams import Answer


def in_scope(account: str, region: str, work: Callable[..., None], *arguments: Any) -> None:
    """Does some work for an account and region; the request that is being served, if any, keeps its own."""

    def do() -> None:
        seams.set_account_of_request(account)
        seams.set_region_of_request(region)
        work(*arguments)

    contextvars.copy_context().run(do)


def completed(work: Awaitable[Answer]) -> Answer:
    """Runs a handler that never waits, from code that must not.

    :raises RuntimeError: the handler waits.
    """
    try:
        next(work.__await__())
    except StopIteration as finished:
        answer: Answer = finished.value
        return answer
    raise RuntimeError("A MiniStack handler that used to answer at once now waits; call it from a thread instead.")
