"""Progress on standard error, and Ctrl-C as a request to stop, so that what was found so far can be shown."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self

from verify.report.terminal import Terminal, safe

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

_SILENT_SECONDS = 2.0
_BAR_EVERY_SECONDS = 0.1
_LINE_EVERY_SECONDS = 15.0


class Progress:
    """Shows progress once the work has taken two seconds: a moving bar on a terminal, in a pipe a line now and then.

    :param total: how many steps there are. Default: - not known; the bar only moves.
    :param beside_json: whether JSON is printed meanwhile: on the same terminal, they would write over each other.
    """

    def __init__(self, terminal: Terminal, total: int | None = None, *, beside_json: bool = False) -> None:
        self._terminal = terminal
        self._beside_json = beside_json
        self._total = total
        self._bar: RichProgress | None = None
        self._next_line = time.monotonic() + _SILENT_SECONDS

    def show(self, text: str, completed: int = 0) -> None:
        """What is being done; cheap enough to call at any time.

        :param completed: how many of the steps are done.
        """
        now = time.monotonic()
        if now < self._next_line or (self._beside_json and self._terminal.out.is_terminal):
            return
        if self._terminal.err.is_terminal:
            self._next_line = now + _BAR_EVERY_SECONDS
            bar = self._bar = self._bar or self._started()
            bar.update(bar.task_ids[0], description=safe(text).plain, completed=completed)
        else:
            self._next_line = now + _LINE_EVERY_SECONDS
            self._terminal.notice(text)

    def show_read(self, files: int, events: int) -> None:
        """Show how many log files and events were read so far."""
        self.show(f"read so far: log files {files:,}, events {events:,}")

    def _started(self) -> RichProgress:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - seldom needed
        from rich.table import Column  # noqa: PLC0415

        bar = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold")),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            console=self._terminal.err,
            transient=True,
        )
        bar.add_task("", total=self._total)
        bar.start()
        return bar

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def interruptible() -> Iterator[Flag]:
    """A flag that the first Ctrl-C sets, so that what was found so far can be shown. A second one ends the program."""
    stop = Flag()
    previous = signal.getsignal(signal.SIGINT)

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
