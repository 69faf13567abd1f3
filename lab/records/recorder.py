"""Recording: every answered call becomes a CloudTrail record and goes to every consumer of records."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime

from lab.protocol.decode import Call, decode
from lab.protocol.request import Request
from lab.protocol.response import Response
from lab.records.record import Origin, RecordedCall, recorded_call

# The caller of the request being served; work that a request starts (a stack's deployment) inherits it.
current_origin: ContextVar[Origin] = ContextVar("current_origin")


class Recorder:
    """Turns answered calls into records and hands each to every sink, in order."""

    def __init__(self, sinks: Sequence[Callable[[RecordedCall], None]], now: Callable[[], datetime]) -> None:
        """:param now: the time of day, in UTC."""
        self._sinks = tuple(sinks)
        self._now = now

    def record(self, request: Request, response: Response, origin: Origin, call: Call | None = None) -> None:
        """Records one call that was answered now.

        :param call: what the request means, where that is known already.
        """
        recorded = recorded_call(call or decode(request), request, response, origin, self._now())
        for sink in self._sinks:
            sink(recorded)
