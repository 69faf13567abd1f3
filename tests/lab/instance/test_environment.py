"""Environments: what passes from the user's, and what the lab gives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.shell import shell_lines
from lab.instance.environment import PACKAGE_CACHE, aws_environment, package_cache, server_environment
from lab.instance.folder import Lab

A_LAB = Lab(
    endpoint="http://127.0.0.1:4500",
    account="111122223333",
    region="eu-west-1",
    access_key_id="AKIALAB",
    secret_access_key="lab secret'$(x)",
    pid=2,
    port=4500,
    home=Path("/nowhere/lab"),
    instance="i",
    started="2027-01-01T00:00:00+00:00",
)
DANGEROUS = {
    "AWS_PROFILE": "production",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_SECURITY_TOKEN": "real",
    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/admin",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
    "AWS_ENDPOINT_URL": "https://real.example.com",
    "AWS_ENDPOINT_URL_S3": "https://real.example.com",
    "AWS_ENDPOINT_URL_CLOUDFORMATION": "https://real.example.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_CONFIG_FILE": "/home/me/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/home/me/.aws/credentials",
    "AWS_REGION": "us-gov-west-1",
    "AWS_CA_BUNDLE": "/ca.pem",
    "HTTP_PROXY": "http://proxy",
    "https_proxy": "http://proxy",
    "ALL_PROXY": "http://proxy",
    "CDK_HOME": "/home/me/.cdk",
    "CDK_DEFAULT_ACCOUNT": "999999999999",
    "MINISTACK_ACCOUNT_ID": "999999999999",
    "BIND_HOST": "::",
    "TMPDIR": "/of-everybody",
    "NODE_COMPILE_CACHE": "/of-everybody",
    "NODE_OPTIONS": "--require=/evil.js",
    "PYTHONPATH": "/evil",
    "LD_PRELOAD": "/evil.so",
}
ALLOWED_IN = {"PATH", "HOME", "LANG", "TERM", "VIRTUAL_ENV", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI"}


@pytest.fixture
def dangerous(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CDK_", "NODE_"))]:
        monkeypatch.delenv(name)  # the Makefile sets some as the lab does: they would look inherited
    for name, value in DANGEROUS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("dangerous")
def test_nothing_of_the_users_leads_a_program_of_the_lab_to_a_real_account() -> None:
    environment = aws_environment(A_LAB)

    kept = {name for name, value in DANGEROUS.items() if environment.get(name) == value}
    inherited = {name for name in environment if name in os.environ and environment[name] == os.environ[name]}
    assert kept == set()
    assert {name for name in inherited if not name.startswith(("LC_", "JSII_"))} <= ALLOWED_IN
    assert not [name for name in environment if name.startswith("AWS_ENDPOINT_URL_")]
    assert "AWS_PROFILE" not in environment


@pytest.mark.usefixtures("dangerous")
def test_a_program_of_the_lab_gets_all_it_needs() -> None:
    environment = aws_environment(A_LAB)

    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4500"
    assert (environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    assert environment["AWS_ACCESS_KEY_ID"] == "AKIALAB"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CDK_HOME"):
        assert Path(environment[name]).is_relative_to(A_LAB.home)


@pytest.mark.usefixtures("dangerous")
def test_the_programs_of_the_lab_load_nothing_from_a_folder_of_everybody() -> None:
    environment = aws_environment(A_LAB)

    assert Path(environment["TMPDIR"]).is_relative_to(A_LAB.home)
    assert environment["NODE_DISABLE_COMPILE_CACHE"] == "1"


def test_cdk_is_unpacked_where_it_is_installed_unless_somebody_said_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """~/.cache will not do where the umask lets a group write into it."""
    monkeypatch.delenv(PACKAGE_CACHE, raising=False)
    assert Path(aws_environment(A_LAB)[PACKAGE_CACHE]).is_relative_to(sys.prefix)

    monkeypatch.setenv(PACKAGE_CACHE, "/chosen")
    assert aws_environment(A_LAB)[PACKAGE_CACHE] == "/chosen"
    assert package_cache(os.environ) == {}

    assert package_cache({PACKAGE_CACHE: ""})[PACKAGE_CACHE] != ""

    monkeypatch.setattr("sys.prefix", "/nowhere")  # somebody else's installation, which this user only reads
    assert package_cache({}) == {}


def test_cdk_is_not_unpacked_in_an_environment_of_the_machine_or_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert package_cache({}) == {PACKAGE_CACHE: str(tmp_path / "jsii")}

    # A group may write into it. What its owner unpacked there can be read by nobody else.
    with monkeypatch.context() as other:
        other.setattr("os.geteuid", lambda: os.getuid() + 1)
        assert package_cache({}) == {}

    monkeypatch.setattr("sys.base_prefix", str(tmp_path))  # /usr/local, of whoever is root in a container
    assert package_cache({}) == {}


def test_the_folder_of_temporary_files_is_there_and_its_users_alone(lab: Lab) -> None:
    assert Path(aws_environment(lab)["TMPDIR"]).stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("dangerous")
def test_the_labs_own_process_listens_on_loopback_and_writes_in_its_folder(tmp_path: Path) -> None:
    environment = server_environment(tmp_path, 4500, "111122223333", "eu-west-1")

    assert (environment["BIND_HOST"], environment["GATEWAY_PORT"]) == ("127.0.0.1", "4500")
    assert environment["MINISTACK_ACCOUNT_ID"] == "111122223333"
    assert "AWS_ACCESS_KEY_ID" not in environment
    assert not [name for name, value in DANGEROUS.items() if environment.get(name) == value]


def test_this_pythons_own_programs_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")

    first, second = aws_environment(A_LAB)["PATH"].split(os.pathsep)

    assert (Path(first) / "python").exists()
    assert second == "/usr/bin"


def test_a_shell_takes_the_lines_as_they_are_meant() -> None:
    lines = shell_lines({"AWS_SECRET_ACCESS_KEY": A_LAB.secret_access_key, "AWS_PAGER": ""}, DANGEROUS)
    shows = 'printf "%s|%s|%s" "$AWS_SECRET_ACCESS_KEY" "${AWS_PROFILE-none}" "${https_proxy-none}"'
    script = "\n".join([*lines, shows])

    shown = subprocess.run(["/bin/sh", "-c", script], env=DANGEROUS, capture_output=True, text=True, check=True).stdout

    assert shown == "lab secret'$(x)|none|none"


def test_a_name_that_a_shell_would_run_is_not_passed_on() -> None:
    lines = shell_lines({"A": "b"}, ["AWS_X; rm -rf /", "AWS_$(id)", "AWS_PROFILE"])

    assert lines == ["unset AWS_PROFILE", "export A='b'"]
