"""Every check on plain facts: what passes, what fails, and that nothing is ever assumed."""

import contextlib
import dataclasses
import json
import sys
from typing import Any

import pytest

from tests.verify.posture.healthy import (
    ACCOUNT,
    ALIAS,
    BUCKET,
    HEALTHY,
    KEY_ARN,
    OTHER_KEY_ARN,
    STATUS,
    TARGET,
    TRAIL_ARN,
    but,
    but_target,
    but_trail,
    report,
    result,
)
from verify.fact import Denied, Fact, Failed, Missing, NotKnown, Value
from verify.posture.check import CHECKS, needed_permissions
from verify.posture.facts.trail import (
    PERMISSION_OF,
    Acl,
    AclGrant,
    BucketEncryption,
    Key,
    KeyGrant,
    Lifecycle,
    LifecycleAction,
    Loss,
    ObjectLock,
    OtherTrail,
    Owners,
    Replica,
    Replication,
    Subscription,
    TrailFacts,
)
from verify.posture.fixes import placeholders_of
from verify.posture.model import Check, Group, Status
from verify.posture.resource_policies.commands import PUT_BUCKET_POLICY
from verify.selectors import parse_selectors
from verify.target import TargetKey

ENABLED = Key(KEY_ARN, is_customer_managed=True, state="Enabled")
BLOCKED = HEALTHY.public_access_block
COPIED = Replication((Replica("r", "copies", ""),))
NOBODYS = Owners(frozenset(), {}, frozenset())


def key(**changes: Any) -> TrailFacts:
    return but(key=Value(dataclasses.replace(ENABLED, **changes)))


def other_trail(bucket: str, *, records_management_events: bool) -> OtherTrail:
    return OtherTrail("copy", records_management_events, f"{TRAIL_ARN}-x", bucket)


def status(**changes: Any) -> TrailFacts:
    return but(status=Value(dataclasses.replace(STATUS, **changes)))


def blocked(**changes: bool) -> TrailFacts:
    assert isinstance(BLOCKED, Value)
    return but(public_access_block=Value(dataclasses.replace(BLOCKED.value, **changes)))


def encrypted(algorithm: str, key_arn: str | None) -> TrailFacts:
    arn: Fact[str] = Missing("the bucket names no key") if key_arn is None else Value(key_arn)
    rule = BucketEncryption(algorithm, key_arn, uses_bucket_key=True)
    return but(bucket_encryption=Value(rule), bucket_key_arn=arn)


ALL = {"ReadWriteType": "All", "IncludeManagementEvents": True}


def selecting(*classic: dict[str, Any]) -> TrailFacts:
    return but(selectors=Value(parse_selectors({"EventSelectors": list(classic)})))


def data_of(*arns: str) -> dict[str, Any]:
    return {**ALL, "DataResources": [{"Type": "AWS::S3::Object", "Values": list(arns)}]}


# As the rule of each action stands in the bucket.
RULES: dict[Loss, dict[str, Any]] = {
    Loss.DELETES: {"Expiration": {"Days": 1}},
    Loss.DELETES_OLD_VERSIONS: {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    Loss.ARCHIVES: {"Transitions": [{"Days": 0, "StorageClass": "GLACIER"}]},
    Loss.ARCHIVES_OLD_VERSIONS: {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}]},
}


def expiring(*actions: LifecycleAction) -> TrailFacts:
    rules = [{"ID": action.rule, **RULES[action.loss]} for action in actions]
    return but(lifecycle=Value(Lifecycle(actions, json.dumps({"Rules": rules}))))


# Nothing is broken: there are an access point, an event data store and a replica of the key, each with a policy.
_POINT = f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/p"
_OWN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "*", "Resource": "*"},
    }
)
BESIDE = dataclasses.replace(
    key(arn=KEY_ARN.replace("key/", "key/mrk-"), replicas=(OTHER_KEY_ARN,)),
    key_arn=Value(KEY_ARN.replace("key/", "key/mrk-")),
    replica_policies=Value({OTHER_KEY_ARN: _OWN}),
    access_points=Value((_POINT,)),
    access_point_policies=Value({_POINT: _OWN}),
    event_data_stores=Value(("arn:aws:cloudtrail:us-east-1:1:eventdatastore/1",)),
    event_data_store_policies=Value({"arn:aws:cloudtrail:us-east-1:1:eventdatastore/1": _OWN}),
    replication=Value(COPIED),
    owners=Value(Owners(frozenset({"copies"}), {}, frozenset())),
    copy_policies=Value({"copies": _OWN}),
)


# One thing is broken: the check that must notice it, and a word of what it must say.
BROKEN: list[tuple[TrailFacts, str, str]] = [
    (key(state="Disabled"), "key_exists", "Disabled"),
    (key(state="PendingDeletion"), "key_exists", "PendingDeletion"),
    (key(is_customer_managed=False), "key_exists", "managed by AWS"),
    (but_target(key=Value(TargetKey(ALIAS, OTHER_KEY_ARN))), "key_exists", "refers to another key"),
    (but(bucket=Missing("there is no bucket x")), "log_bucket_exists", "no bucket x"),
    (encrypted("AES256", None), "log_bucket_encrypts_with_the_key", "AES256"),
    (encrypted("aws:kms", None), "log_bucket_encrypts_with_the_key", "names no key"),
    (encrypted("aws:kms", OTHER_KEY_ARN), "log_bucket_encrypts_with_the_key", OTHER_KEY_ARN),
    (but_target(trail=Missing("there is no trail t")), "trail_exists", "no trail t"),
    (but_trail(is_multi_region=False), "trail_is_multi_region", "false"),
    (but_trail(validates_log_files=False), "trail_validates_log_files", "false"),
    (status(is_logging=False), "trail_is_logging", "false"),
    (but(key_policy=Missing("there is no key k")), "key_policy_lets_cloudtrail_in", "no key k"),
    (but(bucket_policy=Missing("has no policy")), "bucket_policy_lets_cloudtrail_in", "no policy"),
    (but(bucket_policy=Missing("has no policy")), "log_bucket_requires_tls", "no policy"),
    (blocked(block_public_acls=False), "log_bucket_blocks_public_access", "BlockPublicAcls"),
    (blocked(ignore_public_acls=False), "log_bucket_blocks_public_access", "IgnorePublicAcls"),
    (blocked(block_public_policy=False), "log_bucket_blocks_public_access", "BlockPublicPolicy"),
    (blocked(restrict_public_buckets=False), "log_bucket_blocks_public_access", "RestrictPublicBuckets"),
    (but(public_access_block=Missing("has no block")), "log_bucket_blocks_public_access", "no block"),
    (but(trail_key_arn=Value(OTHER_KEY_ARN)), "trail_uses_the_key", OTHER_KEY_ARN),
    (but(trail_key_arn=Missing("the trail has no key")), "trail_uses_the_key", "no key"),
    (but_trail(bucket="attacker"), "trail_uses_the_bucket", "attacker"),
    (key(spec="RSA_2048", usage="SIGN_VERIFY"), "key_exists", "RSA_2048"),
    (key(spec="HMAC_256", usage="GENERATE_VERIFY_MAC"), "key_exists", "HMAC_256"),
    (key(origin="EXTERNAL"), "key_exists", "EXTERNAL"),
    (status(delivery_error="AccessDenied"), "trail_delivers_without_error", "AccessDenied"),
    (status(digest_delivery_error="NoSuchBucket"), "trail_delivers_without_error", "NoSuchBucket"),
    (selecting(), "trail_records_all_management_events", "every management event"),
    (selecting({**ALL, "ReadWriteType": "ReadOnly"}), "trail_records_all_management_events", "write events"),
    (
        selecting({**ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}),
        "trail_records_all_management_events",
        "kms.amazonaws.com",
    ),
    (but_trail(records_global_events=False), "trail_records_all_management_events", "IAM"),
    (but(payer=Value("Requester")), "log_bucket_pays_for_requests", "Requester"),
    (
        but(acl=Value(Acl((AclGrant("http://x/AllUsers", "READ"),))), ownership=Value("ObjectWriter")),
        "bucket_acl_keeps_strangers_out",
        "READ is granted to AllUsers",
    ),
    (but(bucket_owner=Value(None)), "log_bucket_is_no_strangers", "belongs to another account"),
    (but(replication=Value(COPIED), owners=Value(NOBODYS)), "replication_keeps_strangers_out", "copies"),
    (
        but(other_trails=Value((other_trail("copies", records_management_events=False),)), owners=Value(NOBODYS)),
        "other_trails_keep_strangers_out",
        "copies",
    ),
    (
        but(subscriptions=Value((Subscription("g", "f", "arn:aws:logs:us-east-1:999999999999:destination:d"),))),
        "log_group_keeps_strangers_out",
        "999999999999",
    ),
    (
        but(key_grants=Value((KeyGrant("g1", "arn:aws:iam::999999999999:root", ("Decrypt",)),))),
        "key_grants_keep_strangers_out",
        "999999999999",
    ),
]
# The same for advice, which never fails.
OPEN: list[tuple[TrailFacts, str, str]] = [
    (but(key_rotates=Value(value=False)), "key_rotates", "false"),
    (but(versioning=Value("Suspended")), "log_bucket_is_versioned", "Suspended"),
    (but(ownership=Value("ObjectWriter")), "log_bucket_has_no_acls", "ObjectWriter"),
    (but(ownership=Missing("has no ownership controls")), "log_bucket_has_no_acls", "no ownership"),
    (but(access_log_target=Value(None)), "log_bucket_logs_access", "off"),
    (but(access_log_target=Value(BUCKET)), "log_bucket_logs_access", "log bucket itself"),
    (but(access_log_lock=Missing("there is no bucket x")), "log_bucket_logs_access", "there is no bucket x"),
    (but(access_log_lock=Value(ObjectLock("GOVERNANCE", 1))), "log_bucket_logs_access", "default retention"),
    (expiring(LifecycleAction("r", "", 1)), "log_bucket_keeps_logs", "after 1 day"),
    (expiring(LifecycleAction("r", "AWSLogs/", None)), "log_bucket_keeps_logs", "at a date"),
    (expiring(LifecycleAction("r", "AWSLogs/123456789012/CloudTrail/", 7)), "log_bucket_keeps_logs", "after 7 days"),
    (expiring(LifecycleAction("r", "", 1, Loss.DELETES_OLD_VERSIONS)), "log_bucket_keeps_logs", "old versions of"),
    (expiring(LifecycleAction("r", "", 0, Loss.ARCHIVES)), "log_bucket_keeps_logs", "archives everything after 0"),
    (
        expiring(LifecycleAction("r", "", 1, Loss.ARCHIVES_OLD_VERSIONS)),
        "log_bucket_keeps_logs",
        "archives old versions",
    ),
    (but(object_lock=Missing("has no Object Lock")), "log_bucket_has_object_lock", "no Object Lock"),
    (but(object_lock=Value(ObjectLock(None, 0))), "log_bucket_has_object_lock", "without a default retention"),
    (but(account_public_access_block=Missing("none")), "account_blocks_public_access", "none"),
    (
        but(other_trails=Value((other_trail(BUCKET, records_management_events=True),))),
        "trail_is_the_only_paid_copy",
        "copy",
    ),
    (selecting(data_of("arn:aws:s3")), "data_events_spare_the_log_bucket", BUCKET),
    (selecting(data_of(f"arn:aws:s3:::{BUCKET}/")), "data_events_spare_the_log_bucket", BUCKET),
    (
        but(bucket_encryption=Value(BucketEncryption("aws:kms", KEY_ARN, uses_bucket_key=False))),
        "log_bucket_uses_bucket_key",
        "BucketKeyEnabled is false",
    ),
]


def test_a_healthy_account_passes_everything() -> None:
    assert {one.status for one in report(HEALTHY).results} == {Status.PASS}
    assert report(HEALTHY).status is Status.PASS


@pytest.mark.parametrize(("facts", "check", "word"), BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_broken_fails_and_is_named(facts: TrailFacts, check: str, word: str) -> None:
    found = result(facts, check)
    assert found.status is Status.FAIL
    assert word in found.actual
    # Why deliveries fail is for other checks to mend; what has to be decided is no command.
    assert found.fix_cli.startswith(("aws ", "# Decide first: ")) or check == "trail_delivers_without_error"
    assert report(facts).status is Status.FAIL


@pytest.mark.parametrize(("facts", "check", "word"), OPEN, ids=lambda value: value if isinstance(value, str) else "")
def test_open_advice_is_shown_and_fails_nothing(facts: TrailFacts, check: str, word: str) -> None:
    found = result(facts, check)
    assert found.status is Status.ADVICE
    assert word in found.actual
    assert report(facts).status is (Status.UNKNOWN if check == "log_bucket_has_no_acls" else Status.PASS)


def test_where_access_control_lists_are_on_those_of_the_log_files_are_not_known() -> None:
    for ownership in (Value("ObjectWriter"), Value("BucketOwnerPreferred"), Missing("has no ownership controls")):
        found = result(but(ownership=ownership), "bucket_acl_keeps_strangers_out")
        assert (found.status, "each log file has one of its own" in found.actual) == (Status.UNKNOWN, True)


def test_the_lab_is_numbered_one_to_seven_and_has_six_checkpoints() -> None:
    assert [check.number for check in CHECKS if check.group is Group.LAB] == [1, 2, 3, 4, 5, 6, 7]
    assert sum(check.group is Group.CHECKPOINT for check in CHECKS) == 6
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_two_layer_encryption_with_the_key_passes() -> None:
    assert result(encrypted("aws:kms:dsse", KEY_ARN), "log_bucket_encrypts_with_the_key").status is Status.PASS


def test_late_expiration_is_no_advice() -> None:
    assert result(expiring(LifecycleAction("r", "", 90)), "log_bucket_keeps_logs").status is Status.PASS
    # Without the trail its prefix is not known, and so not whether the rule is about its files.
    unseen = dataclasses.replace(TARGET, trail=Denied("cloudtrail:DescribeTrails"))
    facts = dataclasses.replace(expiring(LifecycleAction("r", "mine/", 1)), target=unseen)
    assert result(facts, "log_bucket_keeps_logs").status is Status.UNKNOWN


@pytest.mark.parametrize("nothing", [Denied("cloudtrail:DescribeTrails"), Failed("throttled out")])
def test_where_the_trail_was_not_shown_nothing_is_written_for_a_folder_that_may_be_another(nothing: Fact[Any]) -> None:
    facts = dataclasses.replace(expiring(LifecycleAction("r", "", 1)), target=but_target(trail=nothing).target)
    plain_http = dataclasses.replace(facts, bucket_policy=Value('{"Version": "2012-10-17", "Statement": []}'))
    placeholders = placeholders_of(plain_http, "aws")
    assert "get-bucket-policy" in placeholders.command(PUT_BUCKET_POLICY)
    assert "put-" not in placeholders.command(PUT_BUCKET_POLICY) + placeholders.command("{lifecycle}")
    assert placeholders.plain["folder"] == "(not known)/AWSLogs/123456789012/"
    of_tls = result(plain_http, "log_bucket_requires_tls")
    assert (of_tls.status, "put-bucket-policy" in of_tls.fix_cli, of_tls.fix_diff) == (Status.FAIL, False, "")


@pytest.mark.parametrize("prefix", ["other/", "AWSLog/", "awslogs/"])
def test_expiration_of_something_else_is_no_advice(prefix: str) -> None:
    assert result(expiring(LifecycleAction("r", prefix, 1)), "log_bucket_keeps_logs").status is Status.PASS


# Every fact that a check may read, and the facts without it.
def without(fact: str, instead: Fact[Any]) -> TrailFacts:
    return but_target(trail=instead) if fact == "trail" else but(**{fact: instead})


READS = [pytest.param(check, fact, id=f"{check.id}-{fact}") for check in CHECKS for fact in check.needs or ("trail",)]


@pytest.mark.parametrize(("check", "fact"), READS)
def test_a_denied_call_is_unknown_and_names_the_permission(check: Check, fact: str) -> None:
    permission = PERMISSION_OF.get(fact, "cloudtrail:DescribeTrails")
    found = result(without(fact, Denied(permission)), check.id)
    assert found.status is Status.UNKNOWN
    assert found.actual == f"{permission} is denied"
    assert found.fix_cli == "python -m verify check --print-iam-policy"


@pytest.mark.parametrize(("check", "fact"), READS)
def test_a_failed_call_is_unknown_and_says_why(check: Check, fact: str) -> None:
    found = result(without(fact, Failed("throttled out")), check.id)
    assert (found.status, found.actual, found.fix_cli) == (Status.UNKNOWN, "throttled out", "")


@pytest.mark.parametrize("depth", [1, 500, 980, 100_000])
@pytest.mark.parametrize("element", ["Sid", "Id"])
def test_a_policy_that_is_nested_where_aws_has_text_is_unknown_and_says_why(element: str, depth: int) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    around = {"Statement": [{**statement, "Sid": "@"}]} if element == "Sid" else {"Statement": [statement], "Id": "@"}
    policy = json.dumps(around).replace('"@"', "[" * depth + "]" * depth)
    for fact, check in (
        ("bucket_policy", "bucket_policy_keeps_strangers_out"),
        ("key_policy", "key_keeps_strangers_out"),
    ):
        found = result(but(**{fact: Value(policy)}), check)
        assert found.status is Status.UNKNOWN
        assert "grammar does not have" in found.actual or "not JSON" in found.actual


def test_nothing_failed_but_something_unknown_is_neither_pass_nor_fail() -> None:
    assert report(but(status=Denied("cloudtrail:GetTrailStatus"))).status is Status.UNKNOWN
    both = dataclasses.replace(status(is_logging=False), key=Denied("kms:DescribeKey"))
    assert report(both).status is Status.FAIL


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_reads_nothing_but_what_it_needs(check: Check) -> None:
    blind: dict[str, Any] = {fact: Failed("not needed") for fact in PERMISSION_OF if fact not in check.needs}
    assert result(dataclasses.replace(HEALTHY, **blind), check.id).status is Status.PASS


# It reads all fields, for another instance with the same.
_REPLACE = getattr(dataclasses, "_replace", dataclasses.replace).__code__


def test_a_check_reads_what_it_says_that_it_may_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    facts = HEALTHY

    def noted(one: TrailFacts, name: str) -> Any:
        # A check may put another policy in their place, and read that.
        if one is facts and sys._getframe(1).f_code is not _REPLACE:
            read.add(name)
        return object.__getattribute__(one, name)

    monkeypatch.setattr(TrailFacts, "__getattribute__", noted, raising=False)
    for facts in (HEALTHY, BESIDE, *(facts for facts, _, _ in (*BROKEN, *OPEN))):
        for check in CHECKS:
            read.clear()
            with contextlib.suppress(NotKnown):
                check.judge(facts)
            assert read & PERMISSION_OF.keys() <= {*check.needs, *check.may_need}, check.id


def test_the_iam_policy_covers_every_need_and_only_reads() -> None:
    permissions = needed_permissions()
    assert {PERMISSION_OF[fact] for check in CHECKS for fact in (*check.needs, *check.may_need)} < set(permissions)
    assert {"cloudtrail:DescribeTrails", "cloudformation:DescribeStacks"} <= set(permissions)
    assert all(permission.split(":")[1].startswith(("Get", "List", "Describe", "Lookup")) for permission in permissions)


def test_what_does_not_exist_cannot_be_hardened() -> None:
    gone = Missing("there is no bucket x")
    facts = but(bucket=gone, versioning=gone, bucket_policy=gone)
    assert result(facts, "log_bucket_is_versioned").status is Status.NOT_APPLICABLE
    assert result(facts, "log_bucket_requires_tls").fix_cli == result(facts, "log_bucket_exists").fix_cli
    assert report(facts).tally(Group.ADVICE).of < report(HEALTHY).tally(Group.ADVICE).of


def test_a_lost_alias_goes_back_to_the_key_that_the_trail_uses_and_no_second_key_is_made() -> None:
    gone = Missing(f"there is no key {ALIAS}")
    lost: dict[str, Any] = {"key": gone, "key_arn": gone, "key_policy": gone, "key_rotates": gone, "key_grants": gone}
    back = result(but(**lost), "key_exists").fix_cli
    assert f"kms create-alias --alias-name {ALIAS} --target-key-id {KEY_ARN}" in back
    assert "create-key" not in back
    foreign = Value(KEY_ARN.replace("123456789012", "999999999999"))
    for unclear in (foreign, Denied("kms:DescribeKey")):
        found = report(but(**lost, trail_key_arn=unclear))
        assert [fix.command for fix in found.fixes if "create-key" in fix.command] == []
        assert "# Decide first: which key" in next(one.fix_cli for one in found.results if one.id == "key_exists")
    assert "create-key" in result(but(**lost, trail_key_arn=Missing("the trail has no key")), "key_exists").fix_cli


def test_a_lost_alias_of_a_known_key_is_put_back() -> None:
    facts = dataclasses.replace(
        but_target(key=Value(TargetKey(ALIAS, KEY_ARN))), key=Missing(f"there is no key {ALIAS}")
    )
    assert result(facts, "key_exists").status is Status.FAIL
    assert "create-alias" in result(facts, "key_exists").fix_cli
    assert result(facts, "log_bucket_encrypts_with_the_key").status is Status.PASS
    assert TARGET.key == Value(TargetKey(ALIAS))


def test_a_question_without_an_answer_leaves_the_whole_not_known_whichever_check_asks_it() -> None:
    for name, permission in PERMISSION_OF.items():
        found = report(but(**{name: Denied(permission)}))
        assert found.status is not Status.PASS, name
        assert f"{permission} is denied" in found.unanswered, name
    assert report(HEALTHY).unanswered == ()
