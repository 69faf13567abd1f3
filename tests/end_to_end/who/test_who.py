"""``verify who`` about identities of a real IAM: made by its API, read by GetAccountAuthorizationDetails."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control
from tests.end_to_end.conftest import Account
from verify.aws import Aws
from verify.cli import main
from verify.cli.expected import read_expected
from verify.errors import AccessDenied, Unreachable

Output = pytest.CaptureFixture[str]
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(*actions: str, effect: str = "Allow", on: str = "*") -> dict[str, Any]:
    return {"Sid": "S", "Effect": effect, "Action": list(actions), "Resource": on}


def who(capsys: Output, *options: str) -> tuple[int, dict[str, Any]]:
    exit_code = main(["who", "--json", *options])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == exit_code
    return exit_code, answer


def test_each_way_to_blind_the_recorder_is_found_in_an_account(
    account: Account, capsys: Output, tmp_path: Path
) -> None:
    account.deploy()
    iam = account.client("iam")
    assert who(capsys)[0] == 0

    trust = document({"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName="admin", PolicyArn=ADMIN)
    for name in ("reader", "stopper", "climber", "member"):
        iam.create_user(UserName=name)
    limits = iam.create_policy(PolicyName="limits", PolicyDocument=document(statement("ec2:*")))["Policy"]["Arn"]
    iam.create_user(UserName="bounded", PermissionsBoundary=limits)
    iam.attach_user_policy(UserName="bounded", PolicyArn=ADMIN)
    iam.create_role(RoleName="bounded-role", AssumeRolePolicyDocument=trust, PermissionsBoundary=limits)
    iam.attach_role_policy(RoleName="bounded-role", PolicyArn=ADMIN)
    put = iam.put_user_policy
    put(UserName="reader", PolicyName="p", PolicyDocument=document(statement("s3:Get*", "cloudtrail:Get*")))
    put(UserName="stopper", PolicyName="p", PolicyDocument=document(statement("cloudtrail:StopLogging")))
    put(UserName="climber", PolicyName="p", PolicyDocument=document(statement("sts:AssumeRole")))
    iam.create_group(GroupName="cleaners")
    iam.put_group_policy(GroupName="cleaners", PolicyName="g", PolicyDocument=document(statement("s3:DeleteObject*")))
    iam.add_user_to_group(GroupName="cleaners", UserName="member")

    exit_code, answer = who(capsys)

    found = {finding["arn"].rpartition("/")[2]: finding for finding in answer["findings"]}
    assert (exit_code, set(found)) == (1, {"admin", "stopper", "climber", "member"})
    assert found["stopper"]["abilities"] == [
        {
            "power": "stop-trail",
            "action": "cloudtrail:StopLogging",
            "resource": account.trail_arn,
            "by": ["inline policy p of stopper: S"],
            "depends_on": [],
        }
    ]
    assert [(step["action"], step["resource"]) for step in found["climber"]["steps"]] == [
        ("sts:AssumeRole", f"arn:aws:iam::{account.id}:role/admin")
    ]
    assert {can["by"][0] for can in found["member"]["abilities"]} == {"inline policy g of cleaners: S"}
    assert {can["action"] for can in found["member"]["abilities"]} == {"s3:DeleteObject", "s3:DeleteObjectVersion"}
    assert answer["root"]["arn"] == f"arn:aws:iam::{account.id}:root"

    expected = tmp_path / "expected.txt"
    expected.write_text(f"# who may\n{found['admin']['arn']}\narn:aws:iam::{account.id}:user/*  # people\n")
    assert who(capsys, "--expected", str(expected))[0] == 0


@pytest.mark.slow
def test_a_check_asks_who_as_well_and_the_worse_answer_decides(
    account: Account, capsys: Output, tmp_path: Path
) -> None:
    account.deploy()
    control.deliver(account.lab)
    iam = account.client("iam")

    assert main(["check", "--who"]) == 0
    assert "Nobody can blind the recorder but the root user." in capsys.readouterr().out

    iam.create_user(UserName="stopper")
    iam.put_user_policy(
        UserName="stopper", PolicyName="p", PolicyDocument=document(statement("cloudtrail:StopLogging"))
    )
    assert main(["check", "--who", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in report["results"] if each["status"] == "FAIL"] == [
        "nobody_else_can_blind_the_recorder"
    ]
    assert report["who"]["findings"] == who(capsys)[1]["findings"]

    expected = tmp_path / "expected.txt"
    expected.write_text(f"arn:aws:iam::{account.id}:user/stopper\n")
    assert main(["check", "--who", "--expected", str(expected)]) == 0


def let_fail(
    monkeypatch: pytest.MonkeyPatch, operation: str, failure: Exception | dict[str, Any] | None
) -> dict[str, None]:
    """Let one operation fail, or answer otherwise.

    :returns: the names of the operations that are called, as they are.
    """
    call, pages = Aws.call, Aws.pages
    made: dict[str, None] = {}

    def called(aws: Aws, service: str, name: str, **parameters: Any) -> Any:
        made[name] = None
        if name == operation and isinstance(failure, Exception):
            raise failure
        return failure if name == operation else call(aws, service, name, **parameters)

    def paged(aws: Aws, service: str, name: str, **parameters: Any) -> Iterator[Any]:
        made[name] = None
        if name == operation and isinstance(failure, Exception):
            raise failure
        yield from [failure] if name == operation else pages(aws, service, name, **parameters)

    monkeypatch.setattr(Aws, "call", called)
    monkeypatch.setattr(Aws, "pages", paged)
    return made


@pytest.mark.slow
def test_whatever_cannot_be_read_nobody_found_is_no_good_answer(
    account: Account, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call that is made is denied, throttled, half answered and answered with garbage."""
    account.deploy()
    with monkeypatch.context() as patch:
        made = let_fail(patch, "", None)
        assert who(capsys)[0] == 0
    # What only limits somebody, only tells more, or is looked for elsewhere when it is not there.
    no_matter = {"DescribeOrganization", "GetObjectLockConfiguration", "DescribeStacks", "GetBucketOwnershipControls"}
    garbage: list[dict[str, Any]] = [{}, {"Policy": 7, "Rules": [{}]}]
    failures: list[Exception | dict[str, Any]] = [AccessDenied("x:Y", "no"), Unreachable("throttled"), *garbage]
    good = []
    for operation, failure in itertools.product([name for name in made if name not in no_matter], failures):
        if operation == "HeadBucket" and isinstance(failure, dict):
            continue  # An answer without a body says all.
        with monkeypatch.context() as patch:
            let_fail(patch, operation, failure)
            if main(["who"]) != 3:
                good.append((operation, failure))
        assert "Traceback" not in "".join(capsys.readouterr())
    assert good == []


def test_only_an_access_control_list_that_was_read_lets_nobody_in(
    account: Account, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether such lists are turned off does not matter of one that names the owner alone."""
    account.deploy()
    let_fail(monkeypatch, "GetBucketOwnershipControls", AccessDenied("x:Y", "no"))
    assert who(capsys)[0] == 0

    let_fail(monkeypatch, "GetBucketAcl", AccessDenied("x:Y", "no"))
    exit_code, answer = who(capsys)

    assert exit_code == 3
    assert any("access control list" in line for line in answer["unseen"])


@pytest.mark.parametrize("line", ["*", "arn:aws:iam::*:*", "admin", "arn:aws:iam::111122223333:**"])
@pytest.mark.usefixtures("account")
def test_a_file_that_expects_everybody_is_refused(capsys: Output, tmp_path: Path, line: str) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text(line)

    assert main(["who", "--expected", str(expected)]) == 2
    assert f"line 1 of {expected} is no identity" in capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_without_a_trail_there_is_nobody_to_name(capsys: Output) -> None:
    assert main(["who"]) == 2
    assert "there is no trail ch03-security-trail" in capsys.readouterr().err


def test_a_provider_without_an_arn_can_be_expected(tmp_path: Path) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text("cognito-identity.amazonaws.com\n")

    assert read_expected(expected) == ("cognito-identity.amazonaws.com",)
