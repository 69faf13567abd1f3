from __future__ import annotations

import io
import os
import signal

import pytest
from rich.console import Console

from verify.cli.progress import Progress, interruptible
from verify.report.terminal import Terminal


def shown(monkeypatch: pytest.MonkeyPatch, *, after_seconds: float, is_terminal: bool) -> str:
    seconds = iter([100.0] + [100.0 + after_seconds] * 100)
    monkeypatch.setattr("verify.cli.progress.time.monotonic", lambda: next(seconds, 999.0))
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
        assert stop.wait(1)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
