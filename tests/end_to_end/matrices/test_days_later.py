"""A trail whose deliveries have failed for days, by the lab's clock."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.end_to_end.conftest import Account
from verify.cli import main

pytestmark = pytest.mark.slow

DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    settings = Settings(delivery_seconds=3600, digest_seconds=3600, behind_seconds=3 * DAY_SECONDS)
    yield lifecycle.start(home, settings=settings)
    lifecycle.stop(home)


def deliveries(account: Account, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["check", "--region", account.region, "--json"])
    results = json.loads(capsys.readouterr().out)["results"]
    return code, next(each for each in results if each["id"] == "trail_delivers_without_error")


def test_deliveries_that_failed_for_days_fail_and_the_cause_is_named(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.deploy()
    control.deliver(account.lab)
    policy = account.bucket_policy()
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    resource = f"arn:aws:s3:::{account.bucket}/*"
    shut = {"Sid": "OnlyOurs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": resource}
    policy["Statement"].append({**shut, "Condition": condition})
    account.client("s3").put_bucket_policy(Bucket=account.bucket, Policy=json.dumps(policy))

    # As far as to the present.
    control.advance(account.lab, 3 * DAY_SECONDS - 60)

    code, found = deliveries(account, capsys)
    assert (code, found["status"]) == (1, "FAIL")
    assert "AccessDenied" in found["actual"]
    assert "OnlyOurs" in found["cause"]
    assert "days ago, at 2" in found["actual"]
