"""A process that ends at any step: nothing lost, nothing twice, nothing half."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.delivery.event_log import EventLog
from lab.delivery.journal import Journal
from lab.delivery.log_file import Event
from lab.delivery.trail import Stream
from lab.delivery.trail_delivery import TrailDelivery
from tests.lab.delivery.world import DIGEST_SECONDS, World


class Killed(BaseException):
    """The process ends here."""


def killed(*_arguments: object, **_named: object) -> None:
    raise Killed


STEPS: list[tuple[type, str]] = [
    (Journal, "prepare_log"),
    (Journal, "prepare_digest"),
    (TrailDelivery, "put"),
    (Journal, "written"),
]


@pytest.mark.parametrize(("owner", "step"), STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_before_or_after_each_step_loses_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, when: str
) -> None:
    recorded = [world.call(), world.call(awsRegion="eu-west-1")]
    original: Callable[..., object] = getattr(owner, step)

    def then_killed(*arguments: object, **named: object) -> None:
        original(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, step, killed if when == "before" else then_killed)
        world.wait(DIGEST_SECONDS)
    recorded.append(world.call())
    world.restart()
    world.wait(DIGEST_SECONDS)

    assert sorted(world.bucket.event_ids()) == sorted(recorded)
    named = [log["s3Object"] for key in world.bucket.digests() for log in world.bucket.body(key)["logFiles"]]
    assert sorted(named) == world.bucket.logs()
    for region in ("us-east-1", "eu-west-1"):
        first, *later = world.bucket.digests(region)
        assert world.bucket.body(first)["previousDigestS3Object"] is None
        assert [world.bucket.body(key)["previousDigestS3Object"] for key in later] == [first, *later][:-1]


def test_a_file_that_was_being_written_is_written_again_with_the_same_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.call()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Journal, "written", killed)
        world.wait(5)
    [key] = world.bucket.logs()
    before = world.bucket.objects[key]
    world.restart()

    assert world.bucket.objects == {key: before}
    assert world.bucket.writes == [key, key]


def test_a_prepared_file_of_a_trail_that_is_nowhere_is_dropped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.call()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(TrailDelivery, "put", killed)
        world.wait(5)
    world.trails.clear()
    world.restart()

    assert world.journal.prepared() == []
    assert world.bucket.objects == {}


def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    Journal(tmp_path / "journal")

    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


def test_a_big_backlog_is_delivered_in_several_files_in_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.delivery.trail_delivery._MOST_EVENTS", 10)
    recorded = [world.call() for _ in range(25)]
    world.wait(5)

    counts = sorted(len(world.bucket.body(key)["Records"]) for key in world.bucket.logs())
    assert counts == [5, 10, 10]
    assert [
        each for key in world.bucket.writes for each in [one["eventID"] for one in world.bucket.body(key)["Records"]]
    ] == recorded


def test_a_file_has_a_bounded_size_but_always_one_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.delivery.trail_delivery._MOST_BYTES", 10)
    recorded = [world.call() for _ in range(3)]
    world.wait(5)

    assert [len(world.bucket.body(key)["Records"]) for key in world.bucket.logs()] == [1, 1, 1]
    assert sorted(world.bucket.event_ids()) == sorted(recorded)


def test_a_line_that_a_kill_cut_short_was_never_answered_and_is_left_out(world: World, tmp_path: Path) -> None:
    recorded = world.call()
    world.call(eventName="CutShort")
    [segment] = [each for each in tmp_path.glob("journal-events.*") if each.stat().st_size]
    room = segment.read_bytes()
    lines = room.rstrip(b"\0")
    segment.write_bytes(lines[:-10].ljust(len(room), b"\0"))
    world.restart()
    world.wait(5)

    assert world.bucket.event_ids() == [recorded]


def test_a_segment_is_taken_in_once_even_if_a_kill_leaves_it_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.call()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(EventLog, "remove", killed)
        world.wait(5)
    world.restart()
    world.wait(5)
    world.restart()
    second = world.call()
    world.wait(5)

    assert sorted(world.bucket.event_ids()) == sorted([first, second])


def test_a_region_with_odd_characters_cannot_break_a_line(world: World) -> None:
    odd = world.call(awsRegion="a\tb\nc")
    world.restart()

    assert [stream.region for stream in world.journal.streams_with_events()] == ["a\tb\nc"]
    world.wait(5)
    assert world.bucket.event_ids() == [odd]


def test_what_is_reserved_can_be_written_on_a_full_disk_and_a_segment_stays_open_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(tmp_path / "log", 0)
    stream, event = Stream("arn", "us-east-1"), Event(1, "x" * 100_000)
    log.reserve(1_000_000)

    def full(_file: int, start: int, end: int) -> None:
        if end > start:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lab.delivery.event_log._allocate", full)
    with pytest.raises(OSError, match="No space"):
        log.reserve(1_000_000)
    for _ in range(5):
        log.append([stream], event)
    assert log.closed_segments() == []
    for _ in range(4):
        log.append([stream], event)
    monkeypatch.undo()

    [number] = log.closed_segments()
    assert [line[3] for line in log.lines(number)] == [event.record] * 9
