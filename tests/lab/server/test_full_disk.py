"""A disk that fills up: what could not be recorded is not carried out, and nothing that was acknowledged is lost."""

import errno
import gzip
import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.delivery.room import NoRoom, Room
from lab.instance import control, lifecycle, process
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket
from tests.lab.identities import make_user

BUCKET = "full-disk-logs"
FAST = Settings(delivery_seconds=0.1, digest_seconds=5)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk needs root")
    yield folder
    lifecycle.stop(folder / "home")
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that leaves no room at all."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


def names_of_events(lab: Lab) -> list[str]:
    s3 = make_client(lab, "s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="AWSLogs")["Contents"]]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    return [record["eventName"] for body in bodies for record in json.loads(body).get("Records", ())]


def users(lab: Lab) -> set[str]:
    return {each["UserName"] for each in make_client(lab, "iam").list_users()["Users"]}


@pytest.mark.slow
def test_on_a_full_disk_nothing_is_carried_out_and_with_room_again_everything_goes_on(disk: Path) -> None:
    lab = lifecycle.start(disk / "home", settings=FAST)
    s3, iam = make_client(lab, "s3"), make_client(lab, "iam")
    make_bucket(s3, BUCKET)
    make_client(lab, "cloudtrail").create_trail(Name="full-disk", S3BucketName=BUCKET)
    make_client(lab, "cloudtrail").start_logging(Name="full-disk")
    iam.create_user(UserName="before")
    calls: list[Callable[[], Any]] = [
        lambda: iam.create_user(UserName="while-full"),
        lambda: s3.put_object(Bucket=BUCKET, Key="while-full", Body=b"x"),
        lambda: make_client(lab, "kms").create_key(),
        lambda: make_client(lab, "ec2").create_vpc(CidrBlock="10.0.0.0/16"),
        lambda: make_client(lab, "lambda").list_functions(),
        lambda: make_client(lab, "cloudtrail").stop_logging(Name="full-disk"),
    ]

    ballast = fill(disk)
    for call in calls:
        with pytest.raises(ClientError, match=r"disk of the lab's folder .* is full: [\d,]+ bytes are free") as refused:
            call()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    status = lifecycle.ask(lab)
    assert status is not None
    assert "is full" in status.warnings[0]
    ballast.unlink()

    iam.create_user(UserName="after")
    control.deliver(lab)
    again = lifecycle.ask(lab)
    assert again is not None
    assert not [each for each in again.warnings if "is full" in each]
    assert users(lab) == {"learner", "before", "after"}
    assert "while-full" not in [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    recorded = names_of_events(lab)
    assert recorded.count("CreateUser") == 2
    assert not {"CreateVpc", "StopLogging", "CreateKey"} & set(recorded)

    os.kill(lab.pid, signal.SIGKILL)
    process.stop(lab)
    resumed = lifecycle.start(disk / "home", settings=FAST)
    assert users(resumed) == {"learner", "before", "after"}


@pytest.mark.slow
def test_calls_while_the_disk_fills_up_are_either_refused_or_recorded_once(disk: Path) -> None:
    lab = lifecycle.start(disk / "home", settings=FAST)
    make_bucket(make_client(lab, "s3"), BUCKET)
    make_client(lab, "cloudtrail").create_trail(Name="filling", S3BucketName=BUCKET)
    make_client(lab, "cloudtrail").start_logging(Name="filling")
    iam, s3 = make_client(lab, "iam"), make_client(lab, "s3")
    made, objects, refused = [], [], 0
    for at in range(400):
        try:
            iam.create_user(UserName=f"u{at}", Tags=[{"Key": "k", "Value": "x" * 200}])
            made.append(f"u{at}")
            s3.put_object(Bucket=BUCKET, Key=f"o{at}", Body=os.urandom(60_000))
            objects.append(f"o{at}")
        except ClientError:
            refused += 1
            if refused == 5:
                break
    assert refused == 5
    os.kill(lab.pid, signal.SIGKILL)
    process.stop(lab)
    resumed = lifecycle.start(disk / "home", settings=FAST)
    s3 = make_client(resumed, "s3")
    for key in objects[:20]:  # room for what is left
        (disk / "home" / "data" / "s3" / lab.account / BUCKET / key).unlink()

    assert users(resumed) == {"learner", *made}
    for key in objects[20:]:
        assert len(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) == 60_000
    control.deliver(resumed)
    assert names_of_events(resumed).count("CreateUser") == len(made)


# True of what is in the journal as of what is not.
_NOT_SAVED = r"was carried out, but its record may be missing, and .* may forget .* cannot write: .*Is a directory"


@contextmanager
def blocked(file: Path) -> Iterator[None]:
    """A file that cannot be written, since a folder has its name."""
    aside = file.with_name(f"{file.name}-aside")
    kept = file.exists()
    if kept:
        file.rename(aside)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        if kept:
            aside.rename(file)


@pytest.mark.parametrize("service", ["kms", "iam", "s3", "sts"])
def test_what_could_not_be_saved_is_answered_with_an_error_that_says_so(lab: Lab, service: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "kms": make_client(lab, "kms").create_key,
        "iam": lambda: make_client(lab, "iam").create_user(UserName="unsaved"),
        "s3": lambda: make_client(lab, "s3").create_bucket(Bucket="unsaved"),
        "sts": make_client(lab, "sts").get_session_token,
    }
    with blocked(lab.home / "data" / "state" / ("sessions" if service == "sts" else "changes")):
        with pytest.raises(ClientError, match=_NOT_SAVED) as failed:
            calls[service]()
        status = lifecycle.ask(lab)
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
    assert status is not None
    assert "Is a directory" in status.warnings[0]
    make_client(lab, "kms").create_key()


def test_a_session_that_could_not_be_saved_is_no_error_of_calls_that_follow(lab: Lab) -> None:
    with blocked(lab.home / "data" / "state" / "sessions"):
        with pytest.raises(ClientError, match=_NOT_SAVED):
            make_client(lab, "sts").get_session_token()
        make_client(lab, "sts").get_caller_identity()
        make_client(lab, "kms").create_key()


def test_a_refused_call_that_could_not_be_recorded_is_not_said_to_be_carried_out(lab: Lab) -> None:
    make_bucket(make_client(lab, "s3"), "unrecorded-logs")
    cloudtrail = make_client(lab, "cloudtrail")
    cloudtrail.create_trail(Name="unrecorded", S3BucketName="unrecorded-logs")
    cloudtrail.start_logging(Name="unrecorded")
    nobody = make_user(lab, "unrecorded").client("kms")
    hard = resource.prlimit(lab.pid, resource.RLIMIT_FSIZE)[1]
    try:
        resource.prlimit(lab.pid, resource.RLIMIT_FSIZE, (0, hard))
        with pytest.raises(ClientError, match=r"failed with HTTP 400, and its record may be missing. .*too large"):
            nobody.create_key()
    finally:
        resource.prlimit(lab.pid, resource.RLIMIT_FSIZE, (hard, hard))
        cloudtrail.delete_trail(Name="unrecorded")


def test_a_call_needs_room_for_its_body_and_its_record(tmp_path: Path) -> None:
    held: list[int] = []
    room = Room(tmp_path, held.append, lambda size: held.append(-size), lambda: 2)

    with room.for_call(10):
        assert held == [512 * 1024]
    assert sum(held) == 0
    with pytest.raises(NoRoom, match=r"is full: [\d,]+ bytes are free, and a call needs [\d,]+"), room.for_call(2**62):
        raise AssertionError
    assert room.shortage() == ""


def test_a_call_whose_record_has_no_room_is_not_carried_out(tmp_path: Path) -> None:
    def reserve(_size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NoRoom), Room(tmp_path, reserve, lambda _: None, lambda: 1).for_call():
        raise AssertionError


def test_a_disk_that_has_much_room_is_not_asked_for_every_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [2**40, 0]
    room = Room(tmp_path, lambda _: None, lambda _: None, lambda: 1)
    monkeypatch.setattr(room, "free_bytes", lambda: free.pop(0))

    with room.for_call(), room.for_call():
        assert free == [0]
    assert room.shortage(2**40) != ""


def test_a_disk_that_has_little_room_is_asked_for_every_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [2**24, 0]
    room = Room(tmp_path, lambda _: None, lambda _: None, lambda: 1)
    monkeypatch.setattr(room, "free_bytes", lambda: free.pop(0))

    with room.for_call(), pytest.raises(NoRoom), room.for_call():
        raise AssertionError
