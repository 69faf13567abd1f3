"""Processes that read for this one: the same results, and an error where one of them was killed."""

from __future__ import annotations

import gzip
import os
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fcntl import F_DUPFD, fcntl
from select import POLLIN, poll

import pytest
from msgspec.structs import replace

from tests.verify.simulation.readers import Holding, readers_of
from tests.verify.simulation.server import SimulatedAwsServer
from verify.aws import Aws
from verify.credentials import Credentials
from verify.errors import CannotLook
from verify.storage import read_process, read_processes
from verify.storage.gzip_content import GzipSink
from verify.storage.objects import Found, ObjectName
from verify.storage.read_processes import ReadProcesses
from verify.storage.s3 import S3ObjectStore
from verify.storage.transfers import Route
from verify.threads import within

AT = datetime(2026, 11, 1, tzinfo=UTC)
GOOD = gzip.compress(b"a record" * 100)
BODIES = [
    GOOD,
    b"",
    b"no gzip",
    GOOD[:-1],
    GOOD + b"x",
    GOOD + GOOD,
    GOOD[:3] + b"\xe0" + GOOD[4:],
    gzip.compress(bytes(3 * 2**20)),
    gzip.compress(b""),
]
LIMIT_BYTES = 2 * 2**20


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadProcesses]:
    monkeypatch.setattr(read_processes, "_WORTH_A_PROCESS", 0)
    made = ReadProcesses(2)
    yield made
    made.end()


def test_they_find_what_this_process_would(server: SimulatedAwsServer, processes: ReadProcesses) -> None:
    names = [ObjectName("b", f"{number}/{body}") for number in range(30) for body in range(len(BODIES) + 1)]
    for name in names:
        which = int(name.key.partition("/")[2])
        if which < len(BODIES):
            server.aws.put(name, BODIES[which], AT, signature="abc")
    aws = Aws()
    here, there = S3ObjectStore(aws), S3ObjectStore(aws, processes)

    portions = [names[first : first + 20] for first in range(0, len(names), 20)]
    with ThreadPoolExecutor(4) as pool:
        read = [
            result
            for results in pool.map(lambda them: there.read_each(them, lambda _: GzipSink(LIMIT_BYTES)), portions)
            for result in results
        ]

    # Only who keeps what was read has to know which version it is, and nothing that is kept is read there.
    expected = here.read_each(names, lambda _: GzipSink(LIMIT_BYTES))
    assert read == [replace(each, etag="") if isinstance(each, Found) else each for each in expected]
    assert readers_of(os.getpid())


def test_what_is_to_be_kept_is_read_here(server: SimulatedAwsServer, processes: ReadProcesses) -> None:
    server.aws.put(ObjectName("b", "k"), GOOD, AT)
    store = S3ObjectStore(Aws(), processes)

    (found,) = store.read_each([ObjectName("b", "k")], lambda _: GzipSink(LIMIT_BYTES, keep_body=True))

    assert (
        found
        == S3ObjectStore(Aws()).read_each([ObjectName("b", "k")], lambda _: GzipSink(LIMIT_BYTES, keep_body=True)).pop()
    )
    assert not readers_of(os.getpid())


def test_for_a_few_files_none_is_started(server: SimulatedAwsServer) -> None:
    server.aws.put(ObjectName("b", "k"), GOOD, AT)
    processes = ReadProcesses(2)
    S3ObjectStore(Aws(), processes).read_each([ObjectName("b", "k")], lambda _: GzipSink(LIMIT_BYTES))

    assert not readers_of(os.getpid())


def test_where_none_can_be_started_this_process_reads(
    server: SimulatedAwsServer, processes: ReadProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.aws.put(ObjectName("b", "k"), GOOD, AT)
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    read = S3ObjectStore(Aws(), processes).read_each([ObjectName("b", "k")], lambda _: GzipSink(LIMIT_BYTES))

    assert read == S3ObjectStore(Aws()).read_each([ObjectName("b", "k")], lambda _: GzipSink(LIMIT_BYTES))


def test_what_a_killed_process_was_asked_to_read_is_an_error(
    server: SimulatedAwsServer, processes: ReadProcesses
) -> None:
    names = [ObjectName("b", str(number)) for number in range(5)]
    for name in names:
        server.aws.put(name, GOOD, AT)
    holding, store = Holding(server), S3ObjectStore(Aws(), processes)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.read_each, names, lambda _: GzipSink(LIMIT_BYTES))
        assert holding.is_asked.wait(60)
        (reader,) = readers_of(os.getpid())
        os.kill(reader, signal.SIGKILL)
        with pytest.raises(CannotLook, match="ended by signal SIGKILL"):
            reading.result(60)
    holding.let_go()

    with pytest.raises(CannotLook, match="SIGKILL"):  # what was killed once is not started again
        for _ in range(3):
            store.read_each(names, lambda _: GzipSink(LIMIT_BYTES))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"hello", "none"),
        (b"[1]", "none"),
        (b"[7, [null]]", "none"),  # it was not asked
        (b"[1, []]", "answered of 0"),
        (b"[1, [null, null]]", "answered of 2"),
        (b"", "none"),
    ],
)
def test_an_answer_that_is_none_is_an_error_and_nobody_waits_for_ever(
    answer: bytes, why: str, processes: ReadProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = len(answer).to_bytes(8, "big") + answer
    program = f"import os, signal; os.read(0, 10_000); os.write(1, {sent!r}); signal.pause()"
    monkeypatch.setattr(read_processes, "_PROGRAM", program)
    route = Route("us-east-1", Credentials("AKIDEXAMPLE", "secret", None), "", "")

    assert why in within(60, lambda: _refused(processes, route))


def test_whatever_signal_ends_a_process_nobody_waits_for_ever(
    processes: ReadProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_processes, "_PROGRAM", "import os; os.read(0, 10_000); os.kill(os.getpid(), 40)")
    route = Route("us-east-1", Credentials("AKIDEXAMPLE", "secret", None), "", "")

    assert "by signal 40" in within(60, lambda: _refused(processes, route))


def _refused(processes: ReadProcesses, route: Route) -> str:
    with pytest.raises(CannotLook) as refused:
        processes.get_each(route, LIMIT_BYTES, ["http://127.0.0.1:1/b/k"])
    return str(refused.value)


def numbered_above(end: int, lowest: int) -> int:
    """A pipe's end under another number, or the highest that is allowed, as if so many files were open."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    moved = fcntl(end, F_DUPFD, min(lowest, allowed - 8))
    os.close(end)
    return moved


@pytest.mark.parametrize("lowest", [0, 1_024])
def test_every_task_is_answered_however_many_wait_for_room(
    lowest: int, server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_process, "_AT_ONCE", 2)
    server.aws.put(ObjectName("b", "k"), GOOD, AT)
    questions, to_ask, to_hear, answers = (numbered_above(end, lowest) for end in (*os.pipe(), *os.pipe()))
    hearing = poll()
    hearing.register(to_hear, POLLIN)
    where = ("us-east-1", ("AKIDEXAMPLE", "secret", None), "", "")
    for task in range(20):
        read_process.send(to_ask, [task, where, LIMIT_BYTES, [f"{server.url}/b/k"] * (1 + task % 5)])
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(read_process.serve, questions, answers)
        heard: list[tuple[int, list[object]]] = []
        while len(heard) < 20 and hearing.poll(60_000):
            heard.append(read_process.receive(to_hear))
        os.close(to_ask)
        with pytest.raises(EOFError):
            serving.result(60)
    for end in (questions, to_hear, answers):
        os.close(end)

    assert {task: len(results) for task, results in heard} == {task: 1 + task % 5 for task in range(20)}
    assert all(result is not None for _, results in heard for result in results)
