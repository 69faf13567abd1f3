"""Running MiniStack's handlers from inside its own event loop."""

from collections.abc import Awaitable

from lab.seams import Answer


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
