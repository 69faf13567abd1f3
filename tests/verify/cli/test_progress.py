from __future__ import annotations

import io
import os
import signal
from types import SimpleNamespace

import pytest
from rich.console import Console

from verify.cli import progress as progress_module
from verify.cli.integrity import Rate
from verify.cli.progress import Progress, interruptible
from verify.report.terminal import Terminal

# As a user has it: while tests run, no progress is shown (tests/conftest.py).
SILENT_SECONDS = progress_module._SILENT_SECONDS


def shown(monkeypatch: pytest.MonkeyPatch, *, after_seconds: float, is_terminal: bool) -> str:
    monkeypatch.setattr(progress_module, "_SILENT_SECONDS", SILENT_SECONDS)
    seconds = iter([100.0] + [100.0 + after_seconds] * 100)
    # The module's own: other threads of this process ask for the time as well.
    monkeypatch.setattr("verify.cli.progress.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=is_terminal, width=80)
    with Progress(Terminal(err=console), total=4) as progress:
        for _ in range(3):
            progress.show("found 1 of 4 [bold]\x1b[2J", 1)
    return stream.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_takes_under_two_seconds_is_silent(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    assert shown(monkeypatch, after_seconds=1.9, is_terminal=is_terminal) == ""


def test_a_pipe_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, after_seconds=2.1, is_terminal=False) == "found 1 of 4 [bold]\\x1b[2J\n"


def test_a_terminal_gets_a_bar_that_data_cannot_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal has no bars
    printed = shown(monkeypatch, after_seconds=2.1, is_terminal=True)
    assert "found 1 of 4 [bold]\\x1b[2J" in printed
    assert "\x1b[2J" not in printed


def test_the_first_ctrl_c_asks_to_stop_and_the_second_one_stops() -> None:
    with interruptible() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(60)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class _Shown:
    """A progress that notes what it is to show."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []

    def show(self, text: str, completed: int = 0) -> None:
        self.said.append((text, completed))


def test_a_validation_tells_files_bytes_and_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([100.0, 104.0, 104.1, 108.0])
    monkeypatch.setattr("verify.cli.integrity.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    shown = _Shown()

    rate = Rate(shown, days=10)  # type: ignore[arg-type]  # it only shows
    rate.add(1_000, 72_000_000, 1)
    rate.add(0, 0, 3)  # too soon to be shown
    rate.add(2_000, 144_500_000, 1)

    assert [text for text, _ in shown.said] == [
        "1,000 logs (72.0 MB inflated) checked, 250 a second, about 36 s left",
        "3,000 logs (216.5 MB inflated) checked, 375 a second, about 8 s left",
    ]
    assert [completed for _, completed in shown.said] == [10, 50]
