"""The mutation matrix: each fault is caught by exactly the checks that concern it, and none by nothing. Every fix that
is printed for it, pasted once and in the order printed, makes its check pass and changes nothing else.
"""

import re
from collections.abc import Iterator

import pytest

from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.end_to_end.conftest import Account
from tests.end_to_end.matrices.faults import FAULTS, Fault
from tests.end_to_end.matrices.pasting import changed, paste, snapshot
from verify.aws import Aws
from verify.posture.check import run_checks
from verify.posture.model import Report, Status
from verify.target import TargetOptions

# What a clean deployment leaves open.
OPEN = {"log_bucket_has_object_lock", "account_blocks_public_access"}
# One of each kind for every run; the rest is slow.
SAMPLE = {
    "no events of KMS, advanced",
    "no grant in the key policy, and a delivery fails",
    "an outsider may s3:PutLifecycleConfiguration",
    "an access point for an outsider",
    "the requester pays, and a delivery fails",
}
CASES = [pytest.param(fault, id=fault.name, marks=() if fault.name in SAMPLE else pytest.mark.slow) for fault in FAULTS]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that delivers when it is told to, and not in between."""
    home = tmp_path_factory.mktemp("lab")
    yield lifecycle.start(home, settings=Settings(delivery_seconds=86_400))
    lifecycle.stop(home)


@pytest.fixture
def deployed(account: Account) -> Iterator[Account]:
    """With everything as it should be, and a first delivery."""
    account.deploy()
    control.deliver(account.lab)
    yield account
    for trail in account.client("cloudtrail").describe_trails()["trailList"]:
        account.client("cloudtrail").delete_trail(Name=trail["Name"])


def caught_by(report: Report) -> set[str]:
    open_ids = {result.id for result in report.results if result.status in (Status.FAIL, Status.ADVICE)}
    return open_ids - OPEN


def not_known(report: Report) -> set[str]:
    return {result.id for result in report.results if result.status is Status.UNKNOWN}


def test_there_are_enough_and_each_is_of_its_own() -> None:
    assert len(FAULTS) >= 100
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.report.startswith("https://") and fault.checks | fault.unknown for fault in FAULTS)
    assert {fault.name for fault in FAULTS} >= SAMPLE


def test_a_clean_deployment_has_no_fault(deployed: Account, aws: Aws) -> None:
    assert deployed.id
    report = run_checks(aws, TargetOptions())
    assert (caught_by(report), not_known(report), report.status) == (set(), set(), Status.PASS)


# Check → what its fix may change, as the snapshot names it.
CHANGES = {
    "key_exists": r"aliases|key .* metadata",
    "log_bucket_exists": r"bucket ch03-.*",
    "log_bucket_encrypts_with_the_key": r"bucket ch03-.* encryption",
    "trail_exists": r"trails|trail .*",
    "trail_is_multi_region": r"trails",
    "trail_validates_log_files": r"trails",
    "trail_is_logging": r"trail .* logging",
    "trail_uses_the_key": r"trails",
    "trail_uses_the_bucket": r"trails",
    "trail_records_all_management_events": r"trails|trail .*",
    "trail_delivers_without_error": r"trails|trail .*",
    "key_policy_lets_cloudtrail_in": r"key .* policy",
    "key_policy_names_the_trail": r"key .* policy",
    "key_rotates": r"key .* rotation",
    "key_grants_keep_strangers_out": r"key .* grants",
    "bucket_policy_lets_cloudtrail_in": r"bucket ch03-.* policy",
    "bucket_policy_names_the_trail": r"bucket ch03-.* policy",
    "log_bucket_requires_tls": r"bucket ch03-.* policy",
    "log_bucket_blocks_public_access": r"bucket ch03-.* public access block",
    "log_bucket_pays_for_requests": r"bucket ch03-.* request_payment",
    "log_bucket_uses_bucket_key": r"bucket ch03-.* encryption|key .* policy",
    "log_bucket_is_versioned": r"bucket ch03-.* versioning",
    "log_bucket_has_no_acls": r"bucket ch03-.* (ownership_controls|acl)",
    "log_bucket_keeps_logs": r"bucket ch03-.* lifecycle_configuration",
    "bucket_acl_keeps_strangers_out": r"bucket ch03-.* acl",
    "replication_keeps_strangers_out": r"bucket ch03-.* replication",
    "log_group_keeps_strangers_out": r"log group .* subscriptions",
}
# What a person has to choose: who comes in, where access logs go, which data events and which trail to keep, and
# another key where this one is of the wrong type. Nor does a fix bring back what was deleted, or lift a Deny that names
# CloudTrail.
CHOICES = {
    "bucket_policy_keeps_strangers_out",
    "key_keeps_strangers_out",
    "access_points_keep_strangers_out",
    "log_bucket_logs_access",
    "data_events_spare_the_log_bucket",
    "trail_is_the_only_paid_copy",
    "trail_topic_is_no_strangers",
    "other_trails_keep_strangers_out",
    "key_policy_names_the_trail",
    "bucket_policy_names_the_trail",
}
CHOSEN_FAULTS = {
    "the alias of a key to sign with",
    "the alias of an HMAC key",
    "the alias of a key without material",
    "CloudTrail is denied the key",
    "a Deny for CloudTrail",
    "delete what was delivered",
    # The new bucket is as the lab makes it by hand: without versions and access logs.
    "delete the bucket",
}


@pytest.mark.parametrize("fault", CASES)
def test_exactly_the_checks_that_concern_it_are_red(deployed: Account, aws: Aws, fault: Fault) -> None:
    fault.change(deployed)
    if fault.delivers:
        control.deliver(deployed.lab)

    report = run_checks(aws, TargetOptions())

    assert (caught_by(report), not_known(report)) == (set(fault.checks), set(fault.unknown))

    before = snapshot(deployed)
    fixes = [fix for fix in report.fixes if not fix.only_reads]
    open_advice = [result for result in report.results if result.status is Status.ADVICE and result.id not in OPEN]
    # What only reads a policy is for a person to decide.
    advice = [each for each in open_advice if each.fix_cli.startswith("aws ") and " get-" not in each.fix_cli]
    for command in (*(fix.command for fix in fixes), *(result.fix_cli for result in advice)):
        paste(command)
    control.deliver(deployed.lab)

    mended = {check for fix in fixes for check in fix.checks} | {result.id for result in advice}
    left = caught_by(run_checks(aws, TargetOptions()))
    # The delivery decides what only AWS knows, in the lab against it.
    decided = {*fault.unknown, "trail_delivers_without_error"} if fault.unknown else set()
    assert fault.name in CHOSEN_FAULTS or left - decided <= CHOICES
    assert not mended & left
    allowed = [CHANGES[check] for check in mended]
    others = {what for what in changed(before, snapshot(deployed)) if not any(re.fullmatch(a, what) for a in allowed)}
    assert others == set()
