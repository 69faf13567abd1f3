"""The lab's process: is it ours, and stopping it without ever touching another."""

import os
import signal
import subprocess
import time
from pathlib import Path

from lab.errors import LabError
from lab.instance.folder import Lab

_TERMINATE_SECONDS = 5.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05

# Processes started by this one, which must collect them when they end.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


def remember_child(child: "subprocess.Popen[bytes]") -> None:
    """Remembers a process that this one started."""
    _children[child.pid] = child


def is_ours(lab: Lab) -> bool:
    """Whether the recorded process id still belongs to the process that was started for this lab: its command line
    carries the lab's instance id.
    """
    child = _children.get(lab.pid)
    if child is not None and child.poll() is not None:
        return False
    command = _command_line(lab.pid)
    return "-m lab.server " in command and f"--instance {lab.instance}" in command


def stop(lab: Lab) -> bool:
    """Ends the lab's process, politely first. False when it was not running.

    :raises LabError: it does not end.
    """
    if not is_ours(lab):
        return False
    for how, seconds in ((signal.SIGTERM, _TERMINATE_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
        try:
            os.kill(lab.pid, how)
        except ProcessLookupError:
            break
        if _ends_within(lab, seconds):
            break
    else:
        raise LabError(f"The lab's process {lab.pid} does not end. End it by hand: kill -9 {lab.pid}")
    child = _children.pop(lab.pid, None)
    if child is not None:
        child.wait()
    return True


def parent_program() -> str:
    """The name of the program that started this one, such as `bash`; '' when it cannot be told."""
    words = _command_line(os.getppid()).split()
    return Path(words[0]).name.removeprefix("-") if words else ""  # a login shell is "-bash"


def _ends_within(lab: Lab, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_ours(lab):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _command_line(pid: int) -> str:
    """A process's command line; '' when there is no such process, or a dead one whose parent has not waited for it."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except FileNotFoundError:
        pass
    if Path("/proc/self").exists():
        return ""
    command = ["ps", "-p", str(pid), "-o", "args="]  # macOS has no /proc
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
