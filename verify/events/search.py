"""Searches several regions at once and merges what they find, newest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Thread

from verify.errors import CannotLook
from verify.events.event import Event
from verify.events.history import History
from verify.events.query import Query

_BUFFERED_EVENTS = 200
_PATIENCE_SECONDS = 0.1
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Search:
    """One query over several regions. Iterate over it once; ``failures`` is complete after that.

    Memory stays small however long the history: a region that is ahead of the others waits for them.
    A region that fails takes nothing away from the others.

    :param limit: at most so many events in all. Default: - all.
    :param on_wait: called several times a second while there is nothing to return yet.
    """

    def __init__(
        self,
        history: History,
        regions: tuple[str, ...],
        query: Query,
        *,
        limit: int | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.failures: dict[str, CannotLook] = {}
        self._history = history
        self._regions = regions
        self._query = query
        self._limit = limit
        self._on_wait = on_wait

    def __iter__(self) -> Iterator[Event]:
        done = Flag()
        feeds = [
            _Feed(region, self._history.search(region, self._query, self._limit), done) for region in self._regions
        ]
        streams = [self._stream(feed) for feed in feeds]
        try:
            merged = heapq.merge(*streams, key=lambda event: event.time or _BEFORE_ALL, reverse=True)
            yield from islice(merged, self._limit)
        finally:
            done.set()

    def _stream(self, feed: _Feed) -> Iterator[Event]:
        while True:
            try:
                event = feed.queue.get(timeout=_PATIENCE_SECONDS)
            except Empty:
                if self._history.stop.is_set():
                    return
                self._on_wait()
                continue
            if event is not None:
                yield event
                continue
            if isinstance(feed.error, CannotLook):
                self.failures[feed.region] = feed.error
            elif feed.error is not None:
                raise feed.error
            return


def find_all(history: History, regions: tuple[str, ...], query: Query, limit: int) -> tuple[Event, ...]:
    """The newest ``limit`` events of several regions, or none of them.

    :raises CannotLook: one of the regions cannot be read.
    """
    search = Search(history, regions, query, limit=limit)
    events = tuple(search)
    for failure in search.failures.values():
        raise failure
    return events


class _Feed:
    """A thread that reads one region ahead of the merge; ``None`` in its queue is the end."""

    def __init__(self, region: str, events: Iterator[Event], done: Flag) -> None:
        self.region = region
        self.queue: Queue[Event | None] = Queue(_BUFFERED_EVENTS)
        self.error: Exception | None = None
        self._events = events
        self._done = done
        # A daemon: Ctrl-C does not wait for an answer that is still on its way.
        Thread(target=self._run, name=f"history {region}", daemon=True).start()

    def _run(self) -> None:
        try:
            for event in self._events:
                if not self._put(event):
                    return
        except Exception as error:  # noqa: BLE001 - the reader of the queue raises it again
            self.error = error
        self._put(None)

    def _put(self, event: Event | None) -> bool:
        while not self._done.is_set():
            try:
                self.queue.put(event, timeout=_PATIENCE_SECONDS)
            except Full:
                continue
            return True
        return False
