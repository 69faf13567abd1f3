"""Progress on standard error, and Ctrl-C as a request to stop, so that what was found so far can be shown."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from types import FrameType, TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from verify.report.terminal import safe

_SILENT_SECONDS = 2.0
_LINE_EVERY_SECONDS = 15.0


class Progress:
    """Shows progress once the work has taken two seconds: a moving bar on a terminal, in a pipe a line now and then.

    :param total: how many steps there are. Default: - not known; the bar only moves.
    """

    def __init__(self, console: Console, total: int | None = None) -> None:
        self._console = console
        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)
        self._next_line = time.monotonic() + _SILENT_SECONDS

    def show(self, text: str, completed: int = 0) -> None:
        """What is being done; cheap enough to call at any time.

        :param completed: how many of the steps are done.
        """
        self._bar.update(self._task, description=safe(text).plain, completed=completed)
        if time.monotonic() < self._next_line:
            return
        if self._console.is_terminal:
            self._bar.start()
        else:
            self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
            self._console.print(safe(text), soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar.live.is_started:
            self._bar.stop()

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
