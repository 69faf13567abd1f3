"""Processes that read and hash objects for this one: Python runs one thread of a process at a time.

A process that was killed (for want of memory, say), or whose answer is none, is an error for whoever waits for what it
was asked to read.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Any

from verify.errors import CannotLook
from verify.storage.gzip_content import Content, Flaw
from verify.storage.objects import Found
from verify.storage.read_process import receive, send
from verify.storage.transfers import Route

# It takes about as long to start a process as to read so many.
_WORTH_A_PROCESS = 300
_MOST_PROCESSES = 3  # for which this process can ask
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from verify.storage.read_process import main; main()"
Results = list[Found[Content] | None]


class ReadProcesses:
    """So many processes, each started when there is work for it.

    :param number: how many; with none, nothing is read here.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._asked = 0
        self._lock = Lock()
        self._processes: list[_ReadProcess] = []

    @property
    def are_there(self) -> bool:
        """Whether there are any, or will be."""
        return self._number > 0

    def get_each(self, route: Route, limit_bytes: int, urls: Sequence[str]) -> Results | None:
        """Get objects, inflate and hash them. May be called from several threads at once.

        :param limit_bytes: the most that one of them may inflate to.
        :returns: for each, what was found, or ``None`` when it did not come, or not as a whole; ``None`` altogether
            while there is too little to be read, or where no process can be started.
        :raises CannotLook: a process ended before it had read what it was asked for.
        """
        process = self._least_busy(len(urls))
        return process.get_each(route, limit_bytes, urls) if process and urls else None

    def end(self) -> None:
        """End the processes. They only read: nothing is lost."""
        with self._lock:
            self._number = 0
            for process in self._processes:
                process.kill()
            for process in self._processes:  # which end beside each other
                process.wait()

    def start(self) -> None:
        """Start them all, while this process does something else, for there will be much to read."""
        with self._lock:
            self._asked = _WORTH_A_PROCESS
            while len(self._processes) < self._number:
                self._start_one()

    def _least_busy(self, more: int) -> _ReadProcess | None:
        with self._lock:
            self._asked += more
            if self._asked < _WORTH_A_PROCESS:
                return None
            if len(self._processes) < self._number and all(process.waiting for process in self._processes):
                self._start_one()
            return min(self._processes, key=lambda process: process.waiting, default=None)

    def _start_one(self) -> None:
        try:
            self._processes.append(_ReadProcess())
        except OSError:
            self._number = len(self._processes)  # no more than there are


class _ReadProcess:
    """One of them.

    :raises OSError: it cannot be started.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM, *sys.path]
        # In a process group of its own: Ctrl-C is for this process, whose end is that one's.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, process_group=0
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("it has no pipes")
        self._questions, self._answers = self._process.stdin, self._process.stdout
        self._lock = Lock()
        self._tasks: dict[int, Future[list[Any]]] = {}
        self._count = 0
        self._ended_because = ""
        self._taking = Thread(target=self._take_answers, daemon=True)
        self._taking.start()

    @property
    def waiting(self) -> int:
        """How many tasks it has."""
        return len(self._tasks)

    def get_each(self, route: Route, limit_bytes: int, urls: Sequence[str]) -> Results:
        """See :class:`ReadProcesses`."""
        future: Future[list[Any]] = Future()
        credentials = route.credentials
        secrets = (credentials.access_key, credentials.secret_key, credentials.token)
        where = (route.region, secrets, route.ca_file, route.proxy)
        with self._lock:
            if self._ended_because:
                raise CannotLook(self._ended_because)
            self._count += 1
            self._tasks[self._count] = future
            # When nobody reads it, whoever waits for answers finds out, and why.
            with suppress(OSError):
                send(self._questions.fileno(), [self._count, where, limit_bytes, urls])
        results = future.result()
        if len(results) != len(urls):
            raise CannotLook(f"A process was asked to read {len(urls):,} files and answered of {len(results):,}.")
        return [_found(result) for result in results]

    def kill(self) -> None:
        """End it, and what it is at."""
        self._process.kill()

    def wait(self) -> None:
        """Wait for its end."""
        self._taking.join()

    def _take_answers(self) -> None:
        broken = ""
        try:
            while True:
                task, results = receive(self._answers.fileno())
                self._tasks.pop(task).set_result(results)
        except (EOFError, OSError):
            pass
        except Exception as error:  # noqa: BLE001 - else whoever waits for an answer would wait for ever
            broken = f"gave an answer that is none ({error!r})"
            self._process.kill()
        code = self._process.wait()
        how = broken or _ending(code)
        with self._lock, self._questions, self._answers:  # and close them
            self._ended_because = f"A process that this program started to read files {how}: they were not read."
            waiting = list(self._tasks.values())
            self._tasks.clear()
        for future in waiting:
            future.set_exception(CannotLook(self._ended_because))


def _ending(code: int) -> str:
    names = {one.value: one.name for one in signal.Signals}  # not of all signals
    return f"ended by signal {names.get(-code, -code)}" if code < 0 else f"ended with exit code {code}"


def _found(result: list[Any] | None) -> Found[Content] | None:
    if result is None:
        return None
    sha256, size_bytes, flaw, last_modified, metadata = result
    content = Content(sha256, size_bytes, None, flaw and Flaw(flaw))
    return Found(content, metadata, datetime.fromtimestamp(last_modified, UTC))


@contextmanager
def open_read_processes(*, are_wanted: bool) -> Iterator[ReadProcesses]:
    """One for each processor, up to three; none where this process has the only one.

    :param are_wanted: whether objects will be read that are only to be hashed; if not, there are none.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = ReadProcesses(min(processors, _MOST_PROCESSES) if are_wanted and processors > 1 else 0)
    try:
        yield processes
    finally:
        processes.end()
