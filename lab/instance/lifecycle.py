"""Starting, finding and stopping the lab.

The lab runs in a process of its own that outlives the command that started it. A description of it (`lab.json`) is
believed only when the process is the one that was started and the port answers with the same instance id.
"""

import http.client
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import LabError
from lab.handshake import STATUS, new_secret
from lab.instance import aws_files, folder, process
from lab.instance.control import ask_page
from lab.instance.environment import server_environment
from lab.instance.folder import Lab
from lab.instance.learner import create_learner, has_access_key
from lab.instance.listening import listening_socket
from lab.private_files import open_private
from lab.settings import GLOBAL, Settings, is_region

ACCOUNT = "111122223333"
DEFAULT_REGION = "us-east-1"
DEFAULT_SETTINGS = Settings()

_READY_SECONDS = 30.0
_ANSWER_SECONDS = 5.0
# A process that was killed has lost its command line, by which it is known, before the kernel closes its sockets.
_LEAVING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of CloudFormation's, and where it is."""

    name: str
    status: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Status:
    """What a running lab says about itself: its own time (ISO 8601) and how far that is behind this machine's, its
    stacks, and how much was recorded.
    """

    instance: str
    pid: int
    now: str
    behind_seconds: float
    events: int
    dropped: int
    undecoded: int
    warnings: tuple[str, ...]
    stacks: tuple[Stack, ...]


def start(
    home: Path, *, region: str = DEFAULT_REGION, port: int | None = None, settings: Settings = DEFAULT_SETTINGS
) -> Lab:
    """The lab of a folder, started when it is not running. A running lab keeps its own region, port and settings; one
    whose process was killed comes back with what it held, in its own region and at its own time.

    :param home: the lab's folder; made when missing.
    :param port: a port of 127.0.0.1; a free one when None.
    :raises LabError: the port is taken, the region is none of the partition `aws`, or the lab does not start.
    """
    if region == GLOBAL or not is_region(region):
        raise LabError(
            f"{region!r} is not a region of the lab. Use one such as us-east-1 (not China, GovCloud or iso)."
        )
    home = home.absolute()
    with folder.locked(home):
        found = running(home)
        if found is not None:
            return found
        previous = _previous(home)
        if previous is not None:
            process.stop(previous)
            resumed = _resume(previous, port, settings)
            if resumed is not None:
                return resumed
        _clear(home)
        return _start(home, region, port, settings)


def running(home: Path) -> Lab | None:
    """The running lab of a folder, or None. One that has no learner yet is still starting."""
    lab = folder.read(home.absolute())
    if lab is None or not lab.access_key_id or not process.is_ours(lab):
        return None
    found = ask(lab)
    return lab if found is not None and (found.instance, found.pid) == (lab.instance, lab.pid) else None


def stop(home: Path) -> bool:
    """Stops the lab of a folder and removes what it left. False when it was not running.

    :raises LabError: the process does not end.
    """
    home = home.absolute()
    if not folder.is_marked(home):
        return _clear(home)
    with folder.locked(home):
        was_running = _clear(home)
        folder.remove_folder(home)
        return was_running


def ask(lab: Lab) -> Status | None:
    """The status of a lab, or None when its port does not answer, or not as this lab does."""
    try:
        _, content = ask_page(lab, "GET", STATUS, _ANSWER_SECONDS)
        stacks = tuple(Stack(*map(str, each)) for each in content["stacks"])
        return Status(**content | {"stacks": stacks, "warnings": tuple(content["warnings"])})
    except (OSError, http.client.HTTPException, LabError, ValueError, TypeError, KeyError):
        return None


def _clear(home: Path) -> bool:
    lab = folder.read(home)
    was_running = lab is not None and process.stop(lab)
    folder.remove(home)
    return was_running


def _previous(home: Path) -> Lab | None:
    """The lab whose process ended without `down`, when it left enough to go on from."""
    lab = folder.read(home)
    return lab if lab is not None and lab.access_key_id and (home / "data" / "state").is_dir() else None


def _resume(previous: Lab, port: int | None, settings: Settings) -> Lab | None:
    """Starts a lab on what another left; None when that was not enough. The keys that it issued go on working."""
    secret = previous.secret or new_secret()
    try:
        leaving_seconds = _LEAVING_SECONDS if port in (None, previous.port) else 0
        lab, child = _launch(previous.home, previous.region, port or previous.port, settings, secret, leaving_seconds)
    except LabError:
        if port is not None:
            raise
        lab, child = _launch(previous.home, previous.region, None, settings, secret)  # its port is taken by now
    lab = replace(lab, access_key_id=previous.access_key_id, secret_access_key=previous.secret_access_key)
    try:
        _wait_until_ready(lab, child)
        is_complete = has_access_key(lab, previous.access_key_id)
    except LabError:
        is_complete = False
    except BaseException:
        process.stop(lab)
        raise
    if not is_complete:
        process.stop(lab)
        return None
    aws_files.write(lab)
    folder.write(lab)
    return lab


def _start(home: Path, region: str, port: int | None, settings: Settings) -> Lab:
    lab, child = _launch(home, region, port, settings, new_secret())
    try:
        _wait_until_ready(lab, child)
        key = create_learner(lab)
        lab = replace(lab, access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)
        aws_files.write(lab)
        folder.write(lab)
    except BaseException:
        process.stop(lab)
        (home / "lab.json").unlink(missing_ok=True)
        raise
    return lab


def _launch(
    home: Path, region: str, port: int | None, settings: Settings, secret: str, leaving_seconds: float = 0
) -> tuple[Lab, "subprocess.Popen[bytes]"]:
    instance = uuid.uuid4().hex
    with listening_socket(port, wait_seconds=leaving_seconds) as listener:
        taken: int = listener.getsockname()[1]
        environment = server_environment(home, taken, ACCOUNT, region)
        child = _spawn(home, listener.fileno(), instance, environment, settings, secret)
    lab = Lab(
        endpoint=f"http://127.0.0.1:{taken}",
        account=ACCOUNT,
        region=region,
        access_key_id="",
        secret_access_key="",
        pid=child.pid,
        port=taken,
        home=home,
        instance=instance,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        secret=secret,
    )
    try:
        folder.write(lab)  # before it is ready, so that an interrupted start can be cleaned up
    except BaseException:
        process.stop(lab)
        raise
    return lab, child


def _spawn(
    home: Path, descriptor: int, instance: str, environment: dict[str, str], settings: Settings, secret: str
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "lab.server", "--fd", str(descriptor), "--home", str(home)]
    for name, value in asdict(settings).items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    with open_private(home / "lab.log", "ab") as log:
        child = subprocess.Popen(
            [*command, "--instance", instance],
            cwd=home,
            env=environment,
            pass_fds=[descriptor],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    process.remember_child(child)
    _send_secret(child, secret)
    return child


def _send_secret(child: "subprocess.Popen[bytes]", secret: str) -> None:
    """Sends the process its secret through a pipe: every user of this machine can read its command line."""
    assert child.stdin is not None  # noqa: S101 - it was asked for
    with suppress(BrokenPipeError), child.stdin:  # when it ended already, who waits for it says so
        child.stdin.write(secret.encode())


def _wait_until_ready(lab: Lab, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise LabError(f"The lab stopped while starting:\n{_log_tail(lab.home)}")
        found = ask(lab)
        if found is not None and found.instance == lab.instance:
            return
        time.sleep(0.05)
    raise LabError(f"The lab was not ready after {_READY_SECONDS:.0f} seconds. See {lab.home / 'lab.log'}.")


def _log_tail(home: Path) -> str:
    lines = (home / "lab.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-5:])
