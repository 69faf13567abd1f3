"""Starting, finding and stopping: what a learner, a crash or another program can do to the lab."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab.cli.commands import main
from lab.errors import LabError
from lab.instance import folder, lifecycle
from lab.instance.folder import Lab
from lab.instance.listening import listening_socket
from tests.lab.conftest import make_client
from tests.lab.signing import send, signed


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    found = tmp_path / "home"
    yield found
    lifecycle.stop(found)


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of somebody else's."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def stale(home: Path, **changes: object) -> Lab:
    """A description left by a lab that is gone."""
    with folder.locked(home):
        pass
    lab = Lab("http://127.0.0.1:9", "1", "us-east-1", "k", "s", 99999999, 9, home, uuid.uuid4().hex, "2027")
    lab = replace(lab, **changes)  # type: ignore[arg-type]
    folder.write(lab)
    return lab


def test_up_twice_is_one_lab_and_down_twice_is_none(home: Path) -> None:
    first = lifecycle.start(home)

    assert lifecycle.start(home) == first == lifecycle.running(home)
    assert lifecycle.stop(home) is True
    assert (lifecycle.stop(home), lifecycle.running(home), home.exists()) == (False, None, False)


def test_two_at_once_start_one(home: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: lifecycle.start(home), range(2))

    assert one == other


def test_after_a_kill_the_next_start_is_a_new_lab(home: Path) -> None:
    first = lifecycle.start(home)
    os.kill(first.pid, signal.SIGKILL)

    second = lifecycle.start(home)

    assert second.instance != first.instance
    assert lifecycle.running(home) == second


def test_a_lab_that_was_killed_says_that_its_event_history_is_new(home: Path) -> None:
    def warnings(lab: Lab) -> tuple[str, ...]:
        status = lifecycle.ask(lab)
        assert status
        return status.warnings

    first = lifecycle.start(home)
    assert warnings(first) == ()
    with pytest.raises(ClientError):  # whatever CloudTrail is asked to change, what the lab holds is saved at once
        make_client(first, "cloudtrail").stop_logging(Name="no-such-trail")
    os.kill(first.pid, signal.SIGKILL)

    [warning] = warnings(lifecycle.start(home))
    assert "its event history (lookup-events) begins at 2" in warning


@pytest.mark.slow
def test_a_killed_lab_gets_its_port_back_when_the_kernel_has_closed_it(home: Path) -> None:
    first = lifecycle.start(home)
    with pytest.raises(ClientError):  # whatever CloudTrail is asked to change, what the lab holds is saved at once
        make_client(first, "cloudtrail").stop_logging(Name="no-such-trail")
    os.kill(first.pid, signal.SIGKILL)

    dying = listening_socket(first.port, wait_seconds=10)
    last_gasp = threading.Timer(0.7, dying.close)
    last_gasp.start()
    again = lifecycle.start(home)
    last_gasp.join()

    assert (again.access_key_id, again.port) == (first.access_key_id, first.port)


@pytest.mark.slow
def test_whoever_takes_the_port_of_a_dead_lab_can_pass_nothing_on_to_the_next(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = lifecycle.start(home)
    with pytest.raises(ClientError):  # whatever CloudTrail is asked to change, what the lab holds is saved at once
        make_client(first, "cloudtrail").stop_logging(Name="no-such-trail")
    os.kill(first.pid, signal.SIGKILL)
    before = signed(first, "/", service="iam", method="POST", body=b"Action=ListUsers&Version=2010-05-08")
    with listening_socket(first.port, wait_seconds=10):
        assert main(["up", "--home", str(home)]) == 0
    again = lifecycle.running(home)

    assert again
    assert (again.access_key_id, again.port != first.port) == (first.access_key_id, True)
    passed_on = send(again.port, "POST", "/", before, b"Action=ListUsers&Version=2010-05-08")
    assert (passed_on.status, b"listens on port %d" % again.port in passed_on.body) == (403, True)
    assert make_client(again, "iam").list_users()["Users"]  # the keys are the same
    told = capsys.readouterr().err
    assert f"was on port {first.port} before" in told
    assert f"goes on on port {again.port}" in told


def test_a_lab_that_does_not_answer_is_stopped_and_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lifecycle.start(home)
    os.kill(first.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr(lifecycle, "_ANSWER_SECONDS", 0.2)
        assert lifecycle.running(home) is None
    os.kill(first.pid, signal.SIGCONT)

    assert lifecycle.start(home).pid == first.pid


def test_a_process_id_that_now_belongs_to_another_program_is_left_alone(
    home: Path, bystander: "subprocess.Popen[bytes]"
) -> None:
    stale(home, pid=bystander.pid)

    assert lifecycle.running(home) is None
    assert lifecycle.stop(home) is False
    assert bystander.poll() is None
    assert not home.exists()


def test_a_port_that_answers_as_something_else_is_not_the_lab(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        stale(home, port=other.getsockname()[1])

        assert lifecycle.running(home) is None


@pytest.mark.parametrize("instance", ["", "a", "sleep", "0" * 31, "0" * 32])
def test_a_description_that_names_another_process_never_ends_it(
    home: Path, bystander: "subprocess.Popen[bytes]", instance: str
) -> None:
    stale(home, pid=bystander.pid, instance=instance)

    assert lifecycle.stop(home) is False
    assert bystander.poll() is None


def test_another_program_that_carries_the_instance_id_is_left_alone(home: Path) -> None:
    instance = uuid.uuid4().hex
    sleep = [sys.executable, "-c", "import time; time.sleep(60)", "--instance", instance]
    with subprocess.Popen(sleep) as other:
        stale(home, pid=other.pid, instance=instance)

        stopped = lifecycle.stop(home)

        assert (stopped, other.poll()) == (False, None)
        other.kill()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": 1, "port": 2}', '{"pid": null, "port": null}', "\x00"]
)
def test_a_broken_description_is_as_good_as_none(home: Path, content: str) -> None:
    home.mkdir()
    (home / "lab.json").write_text(content)

    assert lifecycle.running(home) is None
    assert lifecycle.stop(home) is False


def test_process_id_one_is_never_believed(home: Path) -> None:
    stale(home, pid=1)

    assert folder.read(home) is None


def test_a_taken_port_is_named_with_the_fix_and_leaves_nothing_behind(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LabError, match=rf"cannot listen on 127\.0\.0\.1:{port} .*Leave --port out"):
            lifecycle.start(home, port=port)

    assert lifecycle.running(home) is None


@pytest.mark.parametrize("region", ["", "cn-north-1", "us-gov-west-1", "Virginia", "us-east-1; rm"])
def test_a_region_that_the_lab_does_not_have_is_rejected(home: Path, region: str) -> None:
    with pytest.raises(LabError, match="is not a region of the lab"):
        lifecycle.start(home, region=region)


def test_the_chosen_port_and_region_are_used(home: Path) -> None:
    with listening_socket(None) as free:  # a port that no connection gets by itself
        port = free.getsockname()[1]

    lab = lifecycle.start(home, region="eu-west-1", port=port)

    assert (lab.port, lab.region, lab.endpoint) == (port, "eu-west-1", f"http://127.0.0.1:{port}")


def test_down_removes_only_what_the_lab_made(home: Path) -> None:
    lifecycle.start(home)
    (home / "mine.txt").write_text("keep me")

    lifecycle.stop(home)

    assert sorted(each.name for each in home.iterdir()) == ["lock", "mine.txt", "securetrail-lab"]


def test_the_description_is_for_its_owner_only(lab: Lab) -> None:
    path = lab.home / "lab.json"

    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text())["pid"] == lab.pid


def test_nothing_of_the_lab_listens_but_one_port_of_loopback(lab: Lab) -> None:
    listed = subprocess.run(["/usr/bin/env", "ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    own = [line.split()[3] for line in listed.splitlines() if f"pid={lab.pid}," in line]

    assert own == [f"127.0.0.1:{lab.port}"]


def test_the_log_is_empty_or_bounded(lab: Lab) -> None:
    assert (lab.home / "lab.log").stat().st_size < 100_000
