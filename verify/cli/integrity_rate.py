"""How far a validation is, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from threading import Lock

from verify.cli.progress import Progress
from verify.integrity.validate import Request

_AT_MOST_EVERY_SECONDS = 0.2
_NO_ESTIMATE_SECONDS = 2.0  # until what starting costs no longer tells


class Rate:
    """Adds up what is done and shows it.

    :param is_quiet: show nothing, as the results go to the same terminal.
    """

    def __init__(self, progress: Progress, request: Request, *, is_quiet: bool) -> None:
        days = (request.period.end.date() - request.period.start.date()).days + 1
        self._progress = progress
        self._days = max(days * len(request.chains), 1)
        self._is_quiet = is_quiet
        self._lock = Lock()
        self._logs_done = 0
        self._days_done = 0
        self._began = self._shown = time.monotonic()

    def add(self, logs: int, days: int) -> None:
        """Count logs judged and days completed. May be called from any thread."""
        with self._lock:
            self._logs_done += logs
            self._days_done += days
            now = time.monotonic()
            if self._is_quiet or now - self._shown < _AT_MOST_EVERY_SECONDS:
                return
            self._shown = now
            share = min(self._days_done / self._days, 1.0)
            self._progress.show(self._text(now - self._began, share), completed=int(share * 100))

    def _text(self, seconds: float, share: float) -> str:
        left = f", about {seconds / share - seconds:,.0f} s left" if share and seconds >= _NO_ESTIMATE_SECONDS else ""
        return f"{self._logs_done:,} logs checked, {self._logs_done / seconds:,.0f} a second{left}"
