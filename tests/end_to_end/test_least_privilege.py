"""The verifier in the lab with exactly the policy that it prints: nothing is UNKNOWN, and without one of its actions
just the checks that need it are.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.instance import control
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from tests.aws_environment import use_clean_aws_environment
from tests.end_to_end.conftest import Account
from verify.aws import Aws
from verify.posture.check import CHECKS, needed_permissions, run_checks
from verify.posture.facts.trail import PERMISSION_OF
from verify.posture.model import Part, Status
from verify.posture.score.collect import PERMISSIONS as SCORE_ACTIONS
from verify.posture.score.run import run_score
from verify.report.iam_policy import Resources, least_privilege_policy
from verify.target import TargetOptions

USER = "verifier"
ACTIONS = needed_permissions()
# Without this one the verifier does not know which trail, and with it which bucket and key, CloudTrail uses.
FINDS_THE_TRAIL = "cloudtrail:DescribeTrails"
# Access points and Access Grants are asked for in the bucket's Region.
FINDS_THE_BUCKET = "s3:ListBucket"
SHOWS_WHETHER_ACCESS_POINTS_MATTER = "s3:GetBucketPolicy"
# There is no access point in the deployment, no log group, no copy, no access grant and no event data store.
NEEDED_FOR_WHAT_IS_NOT_THERE = {
    "cloudtrail:GetResourcePolicy",
    "logs:DescribeAccountPolicies",
    "s3:GetAccessPointPolicy",
    "s3:GetMultiRegionAccessPointPolicy",
    "s3:ListAccessGrants",
    "s3:ListMultiRegionAccessPoints",
    "logs:DescribeSubscriptionFilters",
    "s3:ListAllMyBuckets",
}
# The trail's settings name the key by its ARN, so that only the key's own state is not known.
NEEDED_FOR_THE_KEYS_STATE = "kms:DescribeKey"
# The checks of the trail, without that of the account's stores, and those of the bucket that must know ARN or prefix.
OF_THE_TRAIL = {each.id for each in CHECKS if each.part is Part.TRAIL and "stores" not in each.id} | {
    "bucket_policy_lets_cloudtrail_in",
    "bucket_policy_names_the_trail",
    "log_bucket_keeps_logs",
}
SAMPLE = ("s3:GetBucketPolicy", "kms:GetKeyRotationStatus")

# Of services that the lab does not have.
NOT_IN_THE_LAB = {
    "compliance_access_analyzer",
    "detection_guardduty",
    "detection_security_hub",
    "identity_access_analyzer",
}

SCORED_BY = {
    "iam:GetAccountPasswordPolicy": {"identity_password_policy"},
    "iam:GetAccountSummary": {"identity_root_access_keys", "identity_root_mfa"},
    "s3:GetAccountPublicAccessBlock": {"network_s3_public_access_block"},
    "ec2:DescribeSecurityGroups": {"network_no_open_ssh"},
    "ec2:DescribeVpcs": {"network_no_default_vpc"},
    "kms:ListKeys": {"data_customer_key"},
    "kms:DescribeKey": {"data_customer_key"},
    "cloudtrail:DescribeTrails": {"detection_trail_logging", "data_trail_encryption", "data_log_validation"},
    "cloudtrail:GetTrailStatus": {"detection_trail_logging", "data_trail_encryption", "data_log_validation"},
    "cloudtrail:GetEventSelectors": {"detection_trail_logging"},
    "ec2:DescribeRegions": {"network_no_open_ssh"},
    "s3:ListAllMyBuckets": {"data_bucket_encryption"},
    "s3:GetEncryptionConfiguration": {"data_bucket_encryption"},
    "config:DescribeConfigurationRecorderStatus": {"compliance_config_recorder"},
    "config:DescribeConfigRules": {"compliance_config_rules"},
}

SetActions = Callable[..., Aws]


@pytest.fixture(scope="module")
def deployed(lab: Lab) -> Account:
    account = Account(lab)
    account.deploy()
    control.deliver(lab)
    return account


@pytest.fixture
def with_actions(deployed: Account, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> SetActions:
    """Makes this process the user whose only policy allows these actions."""
    iam = deployed.client("iam")
    if USER not in [each["UserName"] for each in iam.list_users()["Users"]]:
        iam.create_user(UserName=USER)
    for each in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=each["AccessKeyId"])
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    variables = lab_variables(lab, deployed.id)
    variables |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    use_clean_aws_environment(monkeypatch, **variables)

    def limit(actions: Iterable[str], resources: Resources | None = None) -> Aws:
        document = json.dumps(least_privilege_policy(actions, resources))
        iam.put_user_policy(UserName=USER, PolicyName="printed", PolicyDocument=document)
        return Aws(region=deployed.region)

    return limit


def own_client(account: Account, service: str) -> Any:
    """A client of the user that this process is now; a session reads the environment once."""
    return boto3.Session().client(service, endpoint_url=account.endpoint)  # type: ignore[call-overload]


def unknown_checks(aws: Aws) -> set[str]:
    return {each.id for each in run_checks(aws, TargetOptions()).results if each.status is Status.UNKNOWN}


def expected_without(action: str) -> set[str]:
    if action == NEEDED_FOR_THE_KEYS_STATE:
        return {"key_exists"}
    if action in NEEDED_FOR_WHAT_IS_NOT_THERE:
        return set()
    needing = {each.id for each in CHECKS if action in {PERMISSION_OF[fact] for fact in each.needs}}
    if action == FINDS_THE_BUCKET:
        needing |= {"access_points_keep_strangers_out", "access_grants_keep_strangers_out"}
    if action == SHOWS_WHETHER_ACCESS_POINTS_MATTER:
        needing |= {"access_points_keep_strangers_out"}
    return needing | (OF_THE_TRAIL if action == FINDS_THE_TRAIL else set())


def test_with_the_printed_policy_nothing_is_unknown(with_actions: SetActions) -> None:
    assert unknown_checks(with_actions(ACTIONS)) == set()


def test_the_policy_for_named_resources_is_enough_for_them_and_for_nothing_else(
    with_actions: SetActions, deployed: Account
) -> None:
    key_arn = deployed.client("kms").describe_key(KeyId=deployed.key)["KeyMetadata"]["Arn"]
    named = Resources(trail_arn=deployed.trail_arn, bucket=deployed.bucket, key_arn=key_arn)
    aws = with_actions(ACTIONS, named)

    assert unknown_checks(aws) == set()
    with pytest.raises(ClientError, match="s3:GetBucketAcl"):
        own_client(deployed, "s3").get_bucket_acl(Bucket="another-bucket")
    with pytest.raises(ClientError, match="kms:DescribeKey"):
        own_client(deployed, "kms").describe_key(KeyId=key_arn[:-4] + "0000")


@pytest.mark.parametrize("action", SAMPLE)
def test_without_an_action_the_checks_that_need_it_are_unknown(with_actions: SetActions, action: str) -> None:
    assert unknown_checks(with_actions(each for each in ACTIONS if each != action)) == expected_without(action) != set()


@pytest.mark.slow
@pytest.mark.parametrize("action", [each for each in ACTIONS if each not in SAMPLE])
def test_without_any_action_the_checks_that_need_it_are_unknown(with_actions: SetActions, action: str) -> None:
    found = unknown_checks(with_actions(each for each in ACTIONS if each != action))

    assert found == expected_without(action)


@pytest.mark.slow
def test_without_any_action_the_score_says_what_is_unknown(with_actions: SetActions) -> None:
    """Several actions at once that no item needs together, since a run asks thirty regions."""

    def unknown_items(without: Collection[str]) -> set[str]:
        actions = [each for each in SCORE_ACTIONS if each not in without]
        return {each.id for each in run_score(with_actions(actions)).items if each.status is Status.UNKNOWN}

    groups: list[dict[str, set[str]]] = []
    for action in SCORE_ACTIONS:
        items = SCORED_BY.get(action, set())
        group = next((each for each in groups if items.isdisjoint(set().union(*each.values()))), None)
        if group is None:
            groups.append(group := {})
        group[action] = items

    assert unknown_items(()) == NOT_IN_THE_LAB
    for group in groups:
        assert unknown_items(group) == NOT_IN_THE_LAB.union(*group.values()), sorted(group)


def test_reading_a_log_file_needs_the_key(with_actions: SetActions, deployed: Account) -> None:
    listed = deployed.client("s3").list_objects_v2(Bucket=deployed.bucket, Prefix=f"AWSLogs/{deployed.id}/CloudTrail/")
    name = listed["Contents"][0]["Key"]

    with_actions(["s3:GetObject", "s3:ListBucket"])
    with pytest.raises(ClientError, match=r"is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:"):
        own_client(deployed, "s3").get_object(Bucket=deployed.bucket, Key=name)

    with_actions(["s3:GetObject", "s3:ListBucket", "kms:Decrypt"])
    found = own_client(deployed, "s3").get_object(Bucket=deployed.bucket, Key=name)
    assert json.loads(gzip.decompress(found["Body"].read()))["Records"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["integrity", "events"])
def test_other_commands_find_the_same_with_the_policy_that_they_print(
    with_actions: SetActions, deployed: Account, lab: Lab, command: str
) -> None:
    def run(*options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-m", "verify", command, *options]
        return subprocess.run(words, env={**os.environ, **variables}, capture_output=True, text=True)

    printed = json.loads(run("--print-iam-policy").stdout)
    with_actions(each for statement in printed["Statement"] for each in statement["Action"])
    root = {"AWS_ACCESS_KEY_ID": deployed.id, "AWS_SECRET_ACCESS_KEY": lab.root_secret(deployed.id)}
    limited, unlimited = run("--since", "1d"), run("--since", "1d", **root)

    assert limited.returncode == unlimited.returncode
    assert "AccessDenied" not in limited.stdout + limited.stderr
    assert "not authorized" not in limited.stdout + limited.stderr
