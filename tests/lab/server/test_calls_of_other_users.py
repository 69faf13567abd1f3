"""Another user of this machine: what it can do to somebody's lab, played by a process with another user id."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from lab.instance import lifecycle
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from tests.lab.conftest import make_client
from tests.lab.signing import FORM

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

NOBODY = 65534
# Runs as another user, with nothing but what every user of this machine has.
ATTACKER = """
import http.client, json, os, sys
task = json.load(sys.stdin)
for name in ("latin-1", "idna", "ascii"):
    "x".encode(name)  # the interpreter itself may lie where the other user cannot read
os.setgroups([])
os.setgid(task["id"])
os.setuid(task["id"])
assert os.getuid() == os.geteuid() == task["id"]
read, answers = {}, []
for path in task["paths"]:
    try:
        found = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read().decode("latin-1")
    except OSError as error:
        found = error.__class__.__name__
    read[path] = found
for method, path, headers, body in task["requests"]:
    connection = http.client.HTTPConnection("127.0.0.1", task["port"], timeout=30)
    connection.request(method, path, body.encode() or None, headers)
    response = connection.getresponse()
    answers.append([response.status, response.read().decode("latin-1")])
    connection.close()
commands = []
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        commands.append(open(f"/proc/{process}/cmdline", "rb").read().decode("latin-1"))
    except OSError:
        pass  # it ended meanwhile
json.dump({"read": read, "answers": answers, "commands": commands}, sys.stdout)
"""


@pytest.fixture(scope="module")
def victim() -> Iterator[Lab]:
    """A lab whose folder lies where every user can come by."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield lifecycle.start(Path(place) / "lab")
        lifecycle.stop(Path(place) / "lab")


def attack(
    victim: Lab, paths: list[str] | None = None, requests: list[tuple[str, str, dict[str, str], str]] | None = None
) -> dict[str, Any]:
    task = {"id": NOBODY, "port": victim.port, "paths": paths or [], "requests": requests or []}
    done = subprocess.run(
        [sys.executable, "-c", ATTACKER],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def forged(key: str, service: str) -> dict[str, str]:
    scope = f"{key}/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"}


def in_address(key: str, service: str) -> str:
    fields = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key}/20260101/us-east-1/{service}/aws4_request",
        "X-Amz-Date": "20260101T000000Z",
        "X-Amz-Expires": "604800",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    }
    return urlencode(fields, quote_via=quote)


CONFIG = json.dumps({"athena.ATHENA_ENGINE": "duckdb", "cloudtrail._recording_enabled": "1"})
CREATE_USER = "Action=CreateUser&Version=2010-05-08&UserName=intruder"
MAC = {"x-lab-mac": f"1:2:{'0' * 64}"}
TARGET = {"content-type": "application/x-amz-json-1.1"}
ROOT = "111122223333"


def requests() -> dict[str, tuple[str, str, dict[str, str], str]]:
    """Every attack by its name."""
    found: dict[str, tuple[str, str, dict[str, str], str]] = {}
    for who, headers in (
        ("nobody", {}),
        ("a made-up root", forged(ROOT, "s3")),
        ("a password", {"Authorization": "Basic eDp5"}),
    ):
        found |= {
            f"{who} switches an engine": ("POST", "/_ministack/config", headers, CONFIG),
            f"{who} wipes the lab": ("POST", "/_ministack/reset", headers, ""),
            f"{who} answers for a custom resource": ("PUT", "/_ministack/cfn-response/t", headers, "{}"),
            f"{who} signals a stack": ("PUT", "/_ministack/cfn-signal/t", headers, "{}"),
            f"{who} asks for a token review": (
                "POST",
                f"/_ministack/eks-auth/{ROOT}/us-east-1/c/{'t' * 16}",
                headers,
                "{}",
            ),
            f"{who} asks RDS": ("POST", "/_ministack/rds/iam-auth", headers, "{}"),
            f"{who} reads mail": ("GET", "/_ministack/ses/messages", headers, ""),
            f"{who} reads messages": ("GET", "/_ministack/sqs/messages?QueueUrl=x", headers, ""),
            f"{who} reads text messages": ("GET", "/_ministack/sns/sms-messages", headers, ""),
            f"{who} reads code": ("GET", f"/_ministack/lambda-code/{ROOT}/us-east-1/f", headers, ""),
            f"{who} asks LocalStack": ("POST", "/_localstack/config", headers, CONFIG),
            f"{who} asks the metadata of an instance": ("PUT", "/latest/api/token", headers, ""),
            f"{who} asks for an instance's key": ("GET", "/latest/meta-data/iam/security-credentials/", headers, ""),
            f"{who} asks for a task's key": ("GET", "/v2/credentials/x", headers, ""),
            f"{who} signs in": ("POST", "/oauth2/token", headers | FORM, "grant_type=client_credentials"),
            f"{who} pushes an image": ("POST", "/v2/app/blobs/uploads/", headers, ""),
            f"{who} calls an application": ("GET", "/_aws/execute-api/a1b2c3d4/prod/x", headers, ""),
            f"{who} calls a function": ("POST", "/_aws/lambda-url/a1b2c3d4/x", headers, ""),
            f"{who} calls a load balancer": ("GET", "/_alb/name/x", headers, ""),
            f"{who} makes a user": ("POST", "/", headers | FORM, CREATE_USER),
            f"{who} makes a user by an address": ("GET", f"/?{CREATE_USER}", headers, ""),
            f"{who} reads objects": ("GET", "/", headers, ""),
            f"{who} lets time pass": ("POST", "/_lab/advance?seconds=9", headers | MAC, ""),
            f"{who} delivers": ("POST", "/_lab/deliver", headers | MAC, ""),
            f"{who} asks what the lab holds": ("GET", "/_lab/status", headers | MAC, ""),
        }
    for key in (ROOT, "444455556666", "test", "AKIAGUESSED000000000"):
        found |= {
            f"{key} with a zero signature makes a user": ("POST", "/", forged(key, "iam") | FORM, CREATE_USER),
            f"{key} with a zero signature in an address": ("GET", f"/?{CREATE_USER}&{in_address(key, 'iam')}", {}, ""),
            f"{key} with an old signature": ("GET", f"/?AWSAccessKeyId={key}&Signature=0&Expires=9999999999", {}, ""),
            f"{key} with an old header": ("GET", "/", {"Authorization": f"AWS {key}:0"}, ""),
        }
    role = f"RoleArn=arn:aws:iam::{ROOT}:role/admin&RoleSessionName=x&Version=2011-06-15"
    identity = TARGET | {"x-amz-target": "AWSCognitoIdentityService.GetCredentialsForIdentity"}
    return found | {
        "a key for a made-up token": ("POST", "/", FORM, f"Action=AssumeRoleWithWebIdentity&WebIdentityToken=t&{role}"),
        "a key for a made-up assertion": ("POST", "/", FORM, f"Action=AssumeRoleWithSAML&SAMLAssertion=t&{role}"),
        "a key for a made-up identity": ("POST", "/", identity, '{"IdentityId": "us-east-1:x"}'),
        "the portal's key": (
            "GET",
            f"/federation/credentials?account_id={ROOT}&role_name=r",
            {"x-amz-sso_bearer_token": "t"},
            "",
        ),
    }


def test_no_request_of_another_user_is_answered_and_nothing_changes(victim: Lab) -> None:
    iam = make_client(victim, "iam")
    before = lifecycle.ask(victim)
    tried = requests()

    answers = dict(zip(tried, attack(victim, requests=list(tried.values()))["answers"], strict=True))

    assert {name: answer for name, answer in answers.items() if answer[0] not in (400, 401, 403, 404)} == {}
    assert not any("ASIA" in text for _, text in answers.values())
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["learner"]
    after = lifecycle.ask(victim)
    assert before is not None
    assert after is not None
    # The one event since is of the call to IAM above.
    assert (after.events - before.events, after.warnings, after.behind_seconds) == (1, (), before.behind_seconds)


def test_another_user_reads_nothing_of_the_labs_folder_and_process(victim: Lab) -> None:
    home = victim.home
    inside = ["lab.json", "lab.log", "data", "aws-config", "aws-credentials", "securetrail-lab"]
    process = [f"/proc/{victim.pid}/{name}" for name in ("environ", "mem", "fd", "cwd", "maps")]
    for name in inside:
        assert (home / name).exists()

    read = attack(victim, [str(home), *(str(home / name) for name in inside), *process])["read"]

    assert {path: found for path, found in read.items() if found != "PermissionError"} == {}


def test_no_secret_stands_on_a_command_line(victim: Lab) -> None:
    secrets = [victim.secret, victim.secret_access_key, victim.root_secret(victim.account)]

    commands = attack(victim)["commands"]

    assert any(victim.instance in command for command in commands)
    assert not [command for command in commands for secret in secrets if secret in command]
    assert all(secret in lab_variables(victim).values() for secret in secrets[1:2])


def test_everybody_may_see_that_ministack_runs(victim: Lab) -> None:
    ((status, text),) = attack(victim, requests=[("GET", "/_ministack/health", {}, "")])["answers"]

    assert status == 200
    assert not any(each in text for each in (victim.secret, victim.access_key_id, victim.account))
