"""The ordinary CDK CLI against the lab: deploy, diff, update, destroy."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from lab.instance import lifecycle
from lab.instance.environment import aws_environment
from tests.end_to_end.conftest import ROOT
from tests.programs import THIS_PYTHON

CHANGED_APP = """
import aws_cdk as cdk
from stacks.secure_trail_stack import SecureTrailStack
app = cdk.App()
SecureTrailStack(
    app, "SecureTrail", trail_name="ch03-security-trail", bucket_name=f"ch03-cloudtrail-{cdk.Aws.ACCOUNT_ID}",
    key_alias="alias/ch03-cloudtrail-key", key_pending_window=cdk.Duration.days(9),
    removal_policy=cdk.RemovalPolicy.DESTROY, synthesizer=cdk.LegacyStackSynthesizer(),
)
cdk.Tags.of(app).add("changed", "yes")
app.synth()
"""


@dataclass(frozen=True)
class Commands:
    """`python -m lab …`, as a user types it, in a folder of one's own."""

    home: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # A profile and an endpoint of the user's must not matter.
        hostile = {"AWS_PROFILE": "production", "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com"}
        return subprocess.run(
            [sys.executable, "-m", "lab", *arguments],
            cwd=ROOT,
            env={**os.environ, **hostile, "SECURETRAIL_LAB_HOME": str(self.home), "PYTHONPATH": str(ROOT)},
            text=True,
            capture_output=True,
            timeout=180,
        )

    def client(self, service: str) -> Any:
        lab = lifecycle.running(self.home)
        assert lab is not None
        names = aws_environment(lab)
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=names["AWS_ENDPOINT_URL"],
            region_name=names["AWS_REGION"],
            aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
        )


@pytest.fixture
def lab_command(tmp_path: Path) -> Iterator[Commands]:
    yield Commands(tmp_path / "lab")
    lifecycle.stop(tmp_path / "lab")


@pytest.mark.slow
def test_deploy_diff_update_and_destroy(lab_command: Commands, tmp_path: Path) -> None:
    deployed = lab_command("deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert "warning" not in deployed.stderr.lower()
    kept = [lab_command.home, *lab_command.home.rglob("*")]
    assert {"manifest.json", "lab.json"} <= {each.name for each in kept}
    assert [each for each in kept if each.lstat().st_mode & 0o077] == []  # also what the CDK CLI writes

    # What was synthesized once is used again.
    synthesized = shutil.copytree(lab_command.home / "cdk.out", tmp_path / "synthesized")
    unchanged = lab_command("diff", "--", "--fail", "--app", str(synthesized))
    assert unchanged.returncode == 0, unchanged.stderr
    assert "There were no differences" in unchanged.stdout + unchanged.stderr

    changed_app = tmp_path / "changed_app.py"
    changed_app.write_text(CHANGED_APP)
    changed = f"env PYTHONPATH={shlex.quote(str(ROOT))} {THIS_PYTHON} {changed_app}"
    difference = lab_command("diff", "--", "--fail", "--app", changed)
    assert difference.returncode == 1
    assert "PendingWindowInDays" in difference.stdout + difference.stderr

    before = lab_command.client("cloudformation").describe_stack_resources(StackName="SecureTrail")["StackResources"]
    updated = lab_command("deploy", "--", "--app", str(lab_command.home / "cdk.out"))
    assert updated.returncode == 0, updated.stderr
    after = lab_command.client("cloudformation").describe_stack_resources(StackName="SecureTrail")["StackResources"]
    assert identities(before) == identities(after), "an update must not replace anything"
    arn = lab_command.client("cloudtrail").describe_trails()["trailList"][0]["TrailARN"]
    tags = lab_command.client("cloudtrail").list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"]
    assert {"Key": "changed", "Value": "yes"} in tags

    destroyed = lab_command("destroy", "--", "--confirm", "ch03-cloudtrail-111122223333")
    assert destroyed.returncode == 0, destroyed.stderr
    assert lab_command.client("s3").list_buckets()["Buckets"] == []
    assert lab_command.client("cloudtrail").describe_trails()["trailList"] == []
    keys = [key["KeyId"] for key in lab_command.client("kms").list_keys()["Keys"]]
    states = [lab_command.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]
    assert states == ["PendingDeletion"]

    # Once more with the CDK CLI alone. As on AWS it cannot delete a bucket that CloudTrail goes on writing to.
    assert lab_command("deploy", "--", "--app", str(synthesized)).returncode == 0
    lab_command.client("s3").delete_bucket_policy(Bucket="ch03-cloudtrail-111122223333")
    lab = lifecycle.running(lab_command.home)
    assert lab is not None
    empty(lab_command.client("s3"), "ch03-cloudtrail-111122223333")
    gone = subprocess.run(
        [str(ROOT / "node_modules/.bin/cdk"), "destroy", "--force", "--app", str(synthesized)],
        cwd=ROOT,
        env=aws_environment(lab),
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert gone.returncode == 0, gone.stderr
    assert lab_command.client("cloudtrail").describe_trails()["trailList"] == []


def empty(s3: Any, bucket: str) -> None:
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def unlock(s3: Any, *buckets: str) -> None:
    """What whoever may bypass governance does: no lock for what is still to come, and none on what is there."""
    for bucket in buckets:
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    for bucket in buckets:
        for each in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            s3.delete_object(
                Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
            )


def identities(resources: list[dict[str, Any]]) -> dict[str, str]:
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
