"""What is saved when: before the caller has the answer, or a little later."""

from collections.abc import Iterable
from typing import Any

import pytest

from lab.server.persistence import MOST_BYTES, SavedState


class Disk:
    """What was saved, call by call: services, or all when None."""

    def __init__(self) -> None:
        self.saved: list[frozenset[str] | None] = []
        self.size_bytes = 0
        self.is_busy = False
        self.has_new_sessions = False
        self.sessions_saved = 0
        self.has_object_lock = False
        self.state = SavedState(
            self.saved.append,
            self._save_sessions,
            lambda: self.has_new_sessions,
            self._saved_bytes,
            lambda: self.is_busy,
            lambda: self.has_object_lock,
        )

    def _save_sessions(self) -> None:
        self.sessions_saved += 1
        self.has_new_sessions = False

    def _saved_bytes(self, _services: Iterable[str]) -> int:
        return self.size_bytes

    def after(self, source: str, **fields: Any) -> list[frozenset[str] | None]:
        """What a call is saved with before its answer."""
        record = {"eventSource": f"{source}.amazonaws.com", "eventName": "Create", "readOnly": False}
        self.state.record({**record, "managementEvent": True, **fields})
        found, self.saved[:] = list(self.saved), []
        return found

    def a_little_later(self) -> list[frozenset[str] | None]:
        """What the next tick saves."""
        self.state.save_if_changed()
        found, self.saved[:] = list(self.saved), []
        return found


@pytest.mark.parametrize(
    ("source", "services"),
    [("kms", {"kms"}), ("ec2", {"ec2"}), ("s3", {"s3"}), ("iam", {"iam"}), ("sns", {"sns", "sqs"})],
)
def test_what_a_call_changed_is_saved_before_its_answer(source: str, services: set[str]) -> None:
    assert Disk().after(source) == [frozenset(services)]


@pytest.mark.parametrize("source", ["cloudtrail", "cloudformation", "states", "signin"])
def test_what_may_have_changed_anything_is_saved_with_everything(source: str) -> None:
    disk = Disk()

    assert disk.after(source) == [None]
    assert disk.a_little_later() == []


def test_what_others_may_have_changed_too_is_saved_a_little_later() -> None:
    disk = Disk()
    disk.after("s3")

    assert disk.a_little_later() == [None]
    assert disk.a_little_later() == []


def test_content_is_saved_before_its_answer_but_objects_which_are_in_files_of_their_own() -> None:
    disk = Disk()

    assert disk.after("sqs", managementEvent=False) == [frozenset({"sqs"})]
    assert disk.after("s3", managementEvent=False) == []
    assert disk.a_little_later() == [None]


def test_what_keeps_objects_is_saved_with_every_call_about_one() -> None:
    disk = Disk()
    disk.state.object_written()
    assert disk.a_little_later() == []
    disk.has_object_lock = True

    assert disk.after("s3", managementEvent=False) == [frozenset({"s3"})]
    assert disk.a_little_later() == [None]
    disk.state.object_written()
    assert disk.a_little_later() == [None]


def test_what_only_reads_is_not_saved_unless_it_gives_credentials() -> None:
    disk = Disk()

    assert disk.after("sts", readOnly=True) == []
    assert disk.a_little_later() == []
    disk.has_new_sessions, disk.sessions_saved = True, 0
    assert disk.after("sts", readOnly=True) == []
    assert disk.sessions_saved == 1
    assert disk.a_little_later() == [None]


def test_a_call_that_failed_waits_for_nothing() -> None:
    disk = Disk()

    assert disk.after("kms", errorCode="AccessDenied") == []
    assert disk.a_little_later() == [None]


def test_much_is_saved_a_little_later_but_for_who_may_call() -> None:
    disk = Disk()
    disk.size_bytes = MOST_BYTES + 1

    assert disk.after("kms") == []
    assert disk.a_little_later() == [None]
    assert disk.after("iam") == [frozenset({"iam"})]
    assert disk.after("cloudtrail") == [None]


def test_a_stack_that_is_being_made_is_saved_until_it_is_made() -> None:
    disk = Disk()
    disk.is_busy = True
    disk.after("cloudformation")

    assert [disk.a_little_later(), disk.a_little_later()] == [[None], [None]]
    disk.is_busy = False
    assert [disk.a_little_later(), disk.a_little_later()] == [[None], []]


@pytest.mark.parametrize("is_read_only", [False, True])
def test_what_could_not_be_saved_is_an_error_and_is_tried_again(*, is_read_only: bool) -> None:
    failing = ["full"]

    def save(*_services: frozenset[str] | None) -> None:
        if failing:
            raise OSError(failing.pop())

    def save_sessions() -> None:
        if is_read_only:
            save()

    attempts: list[frozenset[str] | None] = []
    new = [True, False]  # the second time there are those that could not be written, and no others
    state = SavedState(
        attempts.append if is_read_only else save, save_sessions, lambda: new.pop(0), lambda _: 0, lambda: False
    )
    record = {"eventSource": "kms.amazonaws.com", "eventName": "C", "managementEvent": True, "readOnly": is_read_only}
    with pytest.raises(OSError, match="full"):
        state.record(record)
    state.record({**record, "eventName": "List", "readOnly": True})
    state.save_if_changed()

    assert attempts == ([None] if is_read_only else [])
    assert failing == []


def test_sessions_that_could_not_be_written_wait_for_no_change() -> None:
    disk = Disk()

    assert disk.a_little_later() == []
    assert disk.sessions_saved == 1
