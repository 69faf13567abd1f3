"""``verify who`` about identities of a real IAM: made by its API, read by GetAccountAuthorizationDetails."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Account
from verify.cli import main

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
