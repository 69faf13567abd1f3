"""The fixes that check prints, pasted once from the first to the last, put everything right."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control
from tests.end_to_end.conftest import Account
from tests.end_to_end.test_break_one_thing import BREAKAGES, red
from verify.aws import Aws
from verify.cli import main
from verify.posture.check import run_checks
from verify.target import TargetOptions

Output = pytest.CaptureFixture[str]
# How things are broken, in an order in which that is possible: what AWS would refuse afterwards comes first. Of the
# names in one group only one is taken, and none of those that mean nothing without it.
TRAIL = ("use another key", "deliver elsewhere", "drop log file validation", "record one region only", "stop logging")
ENCRYPTION = ("encrypt the bucket with S3's own key", "encrypt the bucket with another key")
POLICY = (
    "delete the bucket policy",
    "remove CloudTrail from the bucket policy",
    "allow another trail on the bucket instead",
    "allow plain HTTP",
)
PUBLIC = ("turn off one public access block setting", "delete the public access block")
KEY = ("disable the key", "schedule the key's deletion", "delete the alias", "point the alias at another key")
KEY_POLICY, NO_TRAIL, NO_BUCKET = "remove CloudTrail from the key policy", "delete the trail", "delete the bucket"
SEEDS = range(5)
BY_NAME: dict[str, Callable[[Account], Any]] = {name: breakage for name, breakage, _ in BREAKAGES if name != "nothing"}


def run(shell: str, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run([shell, "-c", script], env=environment, text=True, capture_output=True, timeout=300)


def printed_fixes(account: Account, capsys: Output) -> str:
    """What a reader would copy: the block at the end of the report, or the one fix of the one failed check."""
    assert main(["check", "--region", account.region]) == 1
    report = capsys.readouterr().out
    block = re.search(r"^Fixes of all failed checks.*?\n(.*?)\n\n", report, flags=re.MULTILINE | re.DOTALL)
    if block:
        return block[1]
    failed = report.partition("\nAdvice beyond the course")[0]
    commands = re.findall(r"^    fix +(aws .*)$", failed, flags=re.MULTILINE)
    assert len(commands) == 1, report
    return str(commands[0])


def paste_and_check_again(account: Account, capsys: Output, shell: str = "bash") -> None:
    fixes = printed_fixes(account, capsys)
    done = run(shell, fixes)
    assert (done.returncode, done.stderr) == (0, ""), fixes
    # That the deliveries in between failed is said until one succeeds.
    control.deliver(account.lab)

    exit_code = main(["check", "--region", account.region])

    assert (exit_code, "Course checks: 7/7 · Checkpoints: 6/6" in capsys.readouterr().out) == (0, True)


@pytest.mark.parametrize(
    "shell", ["bash", pytest.param("zsh", marks=pytest.mark.slow), pytest.param("fish", marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_from_nothing(account: Account, capsys: Output, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    paste_and_check_again(account, capsys, shell)


@pytest.mark.slow
def test_from_the_written_script(account: Account, capsys: Output, tmp_path: Path) -> None:
    account.deploy()
    BY_NAME["delete the bucket policy"](account)
    BY_NAME["remove CloudTrail from the key policy"](account)
    BY_NAME["stop logging"](account)
    folder = tmp_path / "the fixes"
    assert main(["check", "--region", account.region, "--fixes", str(folder)]) == 1
    capsys.readouterr()

    done = run("sh", f"cd / && sh '{folder}/fixes.sh'")

    assert (done.returncode, done.stderr) == (0, "")
    control.deliver(account.lab)
    assert main(["check", "--region", account.region]) == 0
    assert main(["check", "--region", account.region, "--fixes", str(folder)]) == 0
    assert "nothing to fix" in capsys.readouterr().err


def original_text_up_to_part_3(account: Account) -> str:
    """Its Parts 1 and 2 and the create-trail of its Part 3, with the names filled in."""
    trail_arn, any_trail = account.trail_arn, f"arn:aws:cloudtrail:*:{account.id}:trail/*"
    service = {"Service": "cloudtrail.amazonaws.com"}
    bucket_arn = f"arn:aws:s3:::{account.bucket}"
    from_trail = {"AWS:SourceArn": trail_arn}

    def allow(sid: str, principal: Any, action: str, resource: str, **condition: Any) -> dict[str, Any]:
        found = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
        return {**found, "Condition": condition} if condition else found

    key_policy = [
        allow("EnableRootAccountFullAccess", {"AWS": f"arn:aws:iam::{account.id}:root"}, "kms:*", "*"),
        allow(
            "AllowCloudTrailEncrypt",
            service,
            "kms:GenerateDataKey*",
            "*",
            StringEquals=from_trail,
            StringLike={"kms:EncryptionContext:aws:cloudtrail:arn": any_trail},
        ),
        allow("AllowCloudTrailDescribeKey", service, "kms:DescribeKey", "*"),
    ]
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    objects = f"{bucket_arn}/AWSLogs/{account.id}/*"
    bucket_policy = [
        allow("AWSCloudTrailAclCheck", service, "s3:GetBucketAcl", bucket_arn, StringEquals=from_trail),
        allow("AWSCloudTrailWrite", service, "s3:PutObject", objects, StringEquals={**acl, **from_trail}),
        {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]

    def document(statements: list[dict[str, Any]]) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    return f"""set -e
KMS_KEY_ID=$(aws kms create-key --description "CloudTrail" --query KeyMetadata.KeyId --output text)
aws kms create-alias --alias-name alias/ch03-cloudtrail-key --target-key-id $KMS_KEY_ID
KMS_KEY_ARN=$(aws kms describe-key --key-id $KMS_KEY_ID --query KeyMetadata.Arn --output text)
aws kms put-key-policy --key-id $KMS_KEY_ID --policy-name default --policy '{document(key_policy)}'
aws s3api create-bucket --bucket {account.bucket} > /dev/null
aws s3api put-bucket-encryption --bucket {account.bucket} --server-side-encryption-configuration '{{"Rules": [{{
    "ApplyServerSideEncryptionByDefault": {{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "'"$KMS_KEY_ARN"'"}},
    "BucketKeyEnabled": true}}]}}'
aws s3api put-public-access-block --bucket {account.bucket} --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-policy --bucket {account.bucket} --policy '{document(bucket_policy)}'
aws cloudtrail create-trail --name {account.trail} --s3-bucket-name {account.bucket} --is-multi-region-trail \
    --enable-log-file-validation --kms-key-id $KMS_KEY_ARN
"""


@pytest.mark.slow
def test_from_where_the_original_text_is_refused(account: Account, capsys: Output) -> None:
    refused = run("bash", original_text_up_to_part_3(account))

    nearest = (
        "AllowCloudTrailDescribeKey comes nearest, but its Action is kms:DescribeKey, and the request has kms:Decrypt"
    )
    assert "InsufficientEncryptionPolicyException" in refused.stderr
    assert f"the statement {nearest}" in refused.stderr
    assert main(["check", "--region", account.region]) == 1
    assert f"statement {nearest}" in capsys.readouterr().out
    paste_and_check_again(account, capsys)


def test_after_one_breakage(account: Account, capsys: Output) -> None:
    account.deploy()
    BY_NAME["delete the alias"](account)
    paste_and_check_again(account, capsys)


def several(seed: int) -> list[str]:
    """Breakages that can go together, in an order in which they can be done."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    trail = [NO_TRAIL] if seed % 4 == 3 else chance.sample(TRAIL, chance.randint(1, 4))
    bucket = [chance.choice(ENCRYPTION), chance.choice(POLICY), chance.choice(PUBLIC)]
    if seed % 4 == 2:
        bucket = [NO_BUCKET]
    key_policy = [KEY_POLICY] if chance.random() < 0.5 else []
    # Before the key: with an alias that refers to another key, the policy of the wrong key would be broken.
    return [*trail, *bucket, *key_policy, KEY[seed % len(KEY)]]


def test_every_breakage_is_among_them() -> None:
    assert {name for seed in SEEDS for name in several(seed)} == set(BY_NAME)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_after_several_breakages(account: Account, aws: Aws, capsys: Output, seed: int) -> None:
    account.deploy()
    for name in several(seed):
        BY_NAME[name](account)
    assert len(red(run_checks(aws, TargetOptions()))) > 1
    paste_and_check_again(account, capsys)
