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
        self.state = SavedState(self.saved.append, self._saved_bytes, lambda: self.is_busy)

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
    [("kms", {"kms"}), ("ec2", {"ec2"}), ("s3", {"s3"}), ("iam", {"iam"}), ("sts", {"iam", "sts"})],
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


def test_content_is_saved_a_little_later() -> None:
    disk = Disk()

    assert disk.after("sqs", managementEvent=False) == []
    assert disk.a_little_later() == [None]


def test_what_only_reads_is_not_saved_but_new_credentials_are() -> None:
    disk = Disk()

    assert disk.after("kms", readOnly=True) == []
    assert disk.a_little_later() == []
    assert disk.after("sts", readOnly=True, eventName="AssumeRole") == [frozenset({"iam", "sts"})]


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


def test_what_could_not_be_saved_is_tried_again() -> None:
    attempts = []

    def save(services: frozenset[str] | None) -> None:
        attempts.append(services)
        if len(attempts) == 1:
            raise OSError("full")

    state = SavedState(save, lambda _: MOST_BYTES + 1, lambda: False)
    state.record({"eventSource": "kms.amazonaws.com", "eventName": "C", "readOnly": False, "managementEvent": True})
    with pytest.raises(OSError, match="full"):
        state.save_if_changed()
    state.save_if_changed()

    assert attempts == [None, None]
