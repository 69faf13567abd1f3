"""Recording: every answered call becomes a CloudTrail record and goes to every consumer of records."""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from itertools import chain

from lab.protocol.decode import Call, decode
from lab.protocol.request import Request
from lab.protocol.response import Response
from lab.records.record import Origin, RecordedCall, recorded_call
from lab.records.shared_calls import in_every_account

# The caller of the request being served; work that a request starts (a stack's deployment) inherits it.
current_origin: ContextVar[Origin] = ContextVar("current_origin")


# Called with a record, the answer that it is of, and the moment: records of the calls that AWS made because of it.
Consequences = Callable[[RecordedCall, Response, datetime], Iterable[RecordedCall]]


def nothing(_call: RecordedCall, _response: Response, _moment: datetime) -> Iterable[RecordedCall]:
    """No call leads to another."""
    return ()


class Recorder:
    """Turns answered calls into records and hands each to every sink, in order; then what they changed is saved."""

    def __init__(
        self,
        sinks: Sequence[Callable[[RecordedCall], None]],
        now: Callable[[], datetime],
        consequences: Consequences = nothing,
        save: Callable[[RecordedCall], None] = lambda _call: None,
    ) -> None:
        """:param now: the time of day, in UTC.
        :param consequences: the calls that AWS makes because of one, which are recorded after it.
        :param save: called when a call and its consequences are recorded, or could not be; raises OSError.
        """
        self._sinks = tuple(sinks)
        self._now = now
        self._consequences = consequences
        self._save = save

    def record(self, request: Request, response: Response, origin: Origin, call: Call | None = None) -> None:
        """Records one call that was answered now.

        :param call: what the request means, where that is known already.
        :raises OSError: it could not be recorded, or what it changed could not be saved.
        """
        moment = self._now()
        recorded = recorded_call(call or decode(request), request, response, origin, moment)
        # The call itself is recorded before anything is asked about it.
        made = chain((recorded,), self._consequences(recorded, response, moment))
        self._take(each for one in made for each in in_every_account(one))

    def take(self, recorded: RecordedCall) -> None:
        """Hands on the record of a call that AWS made.

        :raises OSError: it could not be recorded, or what it changed could not be saved.
        """
        self._take((recorded,))

    def _take(self, calls: Iterable[RecordedCall]) -> None:
        taken = []
        try:
            for each in calls:
                taken.append(each)
                for sink in self._sinks:
                    sink(each)
        finally:  # what was carried out stays so, whatever becomes of its record
            for each in taken:
                self._save(each)
