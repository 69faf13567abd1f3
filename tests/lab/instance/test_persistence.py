"""What is saved when: before the caller has the answer, or a little later."""

from typing import Any

import pytest

from lab.server.persistence import SavedState


class Disk:
    """What was saved, in order: `sessions`, what a `call` changed, or `everything`; `full` names what cannot be."""

    def __init__(self) -> None:
        self.saved: list[str] = []
        self.full: set[str] = set()
        self.is_busy = False
        self.has_new_sessions = False
        self.state = SavedState(self, self._save_sessions, lambda: self.has_new_sessions, lambda: self.is_busy)

    def save(self, _source: str) -> None:
        self._write("call")

    def save_everything(self) -> None:
        self._write("everything")

    def _save_sessions(self) -> None:
        self.has_new_sessions = False
        self._write("sessions")

    def _write(self, what: str) -> None:
        if what in self.full:
            raise OSError(f"no room for {what}")
        self.saved.append(what)

    def after(self, **fields: Any) -> list[str]:
        """What a call is saved with before its answer."""
        self.state.record({"eventSource": "kms.amazonaws.com", "eventName": "C", "readOnly": False, **fields})
        return self._taken()

    def a_little_later(self) -> list[str]:
        """What the next tick saves, but for the sessions."""
        self.state.save_around(lambda: self.saved.append("delivered"))
        found = self._taken()
        assert found[-1] == "sessions"
        return found[: found.index("delivered")]

    def _taken(self) -> list[str]:
        found, self.saved[:] = list(self.saved), []
        return found


def test_what_a_call_changed_is_saved_before_its_answer_and_what_followed_from_it_a_little_later() -> None:
    disk = Disk()

    assert disk.after() == ["call"]
    assert disk.a_little_later() == ["everything"]
    assert disk.a_little_later() == ["call"]  # what was looked at by no call


def test_what_only_reads_is_not_saved_unless_it_gives_credentials() -> None:
    disk = Disk()

    assert disk.after(readOnly=True) == []
    disk.has_new_sessions = True
    assert disk.after(readOnly=True) == ["sessions"]
    assert disk.a_little_later() == ["call"]


def test_a_call_that_failed_waits_for_nothing() -> None:
    disk = Disk()

    assert disk.after(errorCode="AccessDenied") == []
    assert disk.a_little_later() == ["everything"]


def test_a_stack_that_is_being_made_is_saved_until_it_is_made() -> None:
    disk = Disk()
    disk.is_busy = True
    disk.after()

    assert [disk.a_little_later(), disk.a_little_later()] == [["everything"], ["everything"]]
    disk.is_busy = False
    assert [disk.a_little_later(), disk.a_little_later()] == [["everything"], ["call"]]


def test_what_could_not_be_saved_is_an_error_and_is_tried_again() -> None:
    disk = Disk()
    disk.full = {"call", "everything"}

    with pytest.raises(OSError, match="no room for call"):
        disk.after()
    with pytest.raises(OSError, match="no room for everything"):
        disk.a_little_later()
    assert disk.after(readOnly=True) == ["sessions"]  # of the tick
    disk.full.clear()
    assert disk.a_little_later() == ["everything"]


def test_what_was_looked_at_by_no_call_and_could_not_be_saved_is_tried_again_with_everything() -> None:
    disk = Disk()
    disk.full = {"call"}

    with pytest.raises(OSError, match="no room for call"):
        disk.a_little_later()
    disk.full.clear()
    disk.saved.clear()
    assert disk.a_little_later() == ["everything"]


def test_a_call_is_saved_though_the_sessions_cannot_be() -> None:
    disk = Disk()
    disk.full, disk.has_new_sessions = {"sessions"}, True

    with pytest.raises(OSError, match="no room for sessions"):
        disk.after()
    assert disk.saved == ["call"]


def test_what_the_services_hold_is_saved_and_files_are_delivered_though_the_sessions_cannot_be_saved() -> None:
    disk = Disk()
    disk.full = {"sessions"}
    disk.state.record({"eventSource": "kms.amazonaws.com", "eventName": "C", "readOnly": False})

    with pytest.raises(OSError, match="no room for sessions"):
        disk.a_little_later()
    assert disk.saved == ["call", "everything", "delivered", "call"]
