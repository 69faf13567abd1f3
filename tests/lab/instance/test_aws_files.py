"""The lab's own AWS files: what `aws configure` and a profile answer, and that they lead nowhere else."""

import http.server
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lab.instance import lifecycle
from lab.instance.environment import aws_environment
from lab.instance.folder import Lab
from tests.authority import Authority
from tests.lab.conftest import make_client
from tests.lab.server.test_aws_cli import AWS, run
from tests.tiers import mostly_slow

FILES = ("aws-config", "aws-credentials", "aws-ca-bundle.pem")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    found = tmp_path / "home"
    yield found
    lifecycle.stop(found)


@pytest.mark.parametrize(
    ("asked", "answer"),
    mostly_slow(
        [
            ("region", "us-east-1"),
            ("output", "json"),
            ("cli_timestamp_format", "iso8601"),
            ("aws_access_key_id", "{0.access_key_id}"),
            ("aws_secret_access_key", "{0.secret_access_key}"),
            ("endpoint_url", "{0.endpoint}"),
            ("default.region", "us-east-1"),
            ("profile.default.region", "us-east-1"),
        ],
        every=4,
    ),
)
def test_aws_configure_answers(lab: Lab, asked: str, answer: str) -> None:
    done = run(lab, "configure", "get", asked)

    assert (done.returncode, done.stdout, done.stderr) == (0, answer.format(lab) + "\n", "")


@pytest.mark.parametrize("by", ["the environment", "the profile alone"])
def test_the_profile_leads_to_the_lab_as_the_environment_does(lab: Lab, by: str) -> None:
    environment = aws_environment(lab)
    if by == "the profile alone":
        files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
        environment = {k: v for k, v in environment.items() if not k.startswith("AWS_") or k in files}
        environment["AWS_PROFILE"] = "default"
    command = [AWS, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]

    done = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == (f"arn:aws:iam::{lab.account}:user/learner\n", "")


def test_times_are_readable(lab: Lab) -> None:
    query = ["--max-items", "1", "--query", "Events[].EventTime", "--output", "text"]
    run(lab, "sts", "get-caller-identity")

    shown = run(lab, "cloudtrail", "lookup-events", *query).stdout.split()[0]

    assert datetime.fromisoformat(shown).tzinfo is not None


def test_they_are_their_owners_alone_and_follow_a_lab_that_comes_back(home: Path) -> None:
    first = lifecycle.start(home, region="eu-west-1")
    with pytest.raises(ClientError):  # whatever CloudTrail is asked to change, what the lab holds is saved at once
        make_client(first, "cloudtrail").stop_logging(Name="no-such-trail")
    os.kill(first.pid, signal.SIGKILL)
    for name in FILES:
        (home / name).unlink()

    again = lifecycle.start(home)

    assert again.access_key_id == first.access_key_id
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in FILES} == {0o600}
    assert run(again, "configure", "get", "region").stdout == "eu-west-1\n"
    assert run(again, "configure", "get", "endpoint_url").stdout == f"{again.endpoint}\n"


class Recorder(http.server.BaseHTTPRequestHandler):
    """Stands for AWS, and remembers whatever it is sent."""

    received: list[str]

    def do_POST(self) -> None:
        self.received.append(self.headers.get("Authorization", ""))
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("trusted", ["the server", "nobody: the lab's environment"])
def test_what_goes_elsewhere_over_https_sends_nothing(lab: Lab, trusted: str, tmp_path: Path) -> None:
    """As an `aws` does that ignores AWS_ENDPOINT_URL. The server's authority is good, so that only the lab's file is
    in the way.
    """
    authority = Authority(tmp_path)
    received: list[str] = []
    handler = type("Handler", (Recorder,), {"received": received})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = authority.server_side().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = aws_environment(lab) | {"AWS_MAX_ATTEMPTS": "1"}
        if trusted == "the server":
            environment["AWS_CA_BUNDLE"] = str(authority.file)
        url = f"https://localhost:{server.server_port}"
        command = [AWS, "--endpoint-url", url, "sts", "get-caller-identity"]

        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        server.shutdown()

    assert done.returncode != 0
    if trusted == "the server":
        assert lab.access_key_id in received[0]
    else:
        assert received == []
        assert "SSL validation failed" in done.stderr
