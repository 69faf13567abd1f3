"""Where copies of the log files go: to buckets of the account, to those of one that is trusted, or to a stranger's."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.verify.posture.healthy import (
    ACCOUNT,
    BUCKET,
    TARGET,
    TRAIL,
    TRAIL_ARN,
    but,
    but_trail,
    policy,
    report,
    result,
)
from tests.verify.simulation.stubbed import answers, offline
from verify.aws import Aws
from verify.errors import UsageError
from verify.fact import Denied, Fact, Failed, Missing, Value
from verify.posture.facts.copies import CopyQuestions
from verify.posture.facts.trail import OtherTrail, Owners, Replica, Replication, Subscription, TrailFacts
from verify.posture.model import Status
from verify.target import TargetOptions, resolve

REPLICATION, TRAILS, LOG_GROUP = (
    "replication_keeps_strangers_out",
    "other_trails_keep_strangers_out",
    "log_group_keeps_strangers_out",
)
STRANGER = "999999999999"
FOREIGN = Owners(frozenset(), {}, frozenset())
NOBODYS = Value(FOREIGN)
OURS = Owners(frozenset({"copies"}), {}, frozenset())
TRUSTED = Owners(frozenset(), {"copies": STRANGER}, frozenset())
NOT_TOLD = Owners(frozenset(), {}, frozenset({"copies"}))


def other(bucket: str, arn: str = f"{TRAIL_ARN}-x") -> OtherTrail:
    return OtherTrail("other", records_management_events=False, arn=arn, bucket=bucket)


def rule(name: str = "R", bucket: str = "copies", **more: Any) -> dict[str, Any]:
    return {"ID": name, "Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}, **more}


def replicating(*replicas: Replica, owners: Fact[Owners] = NOBODYS) -> TrailFacts:
    rules = [rule(each.rule, each.bucket) for each in replicas]
    document = json.dumps({"Role": "arn:aws:iam::123456789012:role/r", "Rules": rules})
    return but(replication=Value(Replication(replicas, document)), owners=owners)


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        (Value(FOREIGN), Status.FAIL),
        (Value(OURS), Status.PASS),
        (Value(TRUSTED), Status.PASS),
        (Value(NOT_TOLD), Status.UNKNOWN),
        (Denied("s3:ListAllMyBuckets"), Status.UNKNOWN),
        (Failed("throttled"), Status.UNKNOWN),
    ],
)
def test_a_replica_is_judged_by_whose_bucket_it_is_in(owners: Fact[Owners], expected: Status) -> None:
    assert result(replicating(Replica("R", "copies", ""), owners=owners), REPLICATION).status is expected
    assert result(but(other_trails=Value((other("copies"),)), owners=owners), TRAILS).status is expected


def test_a_copy_in_a_trusted_accounts_bucket_passes_and_the_line_says_what_was_not_read() -> None:
    replicated = result(replicating(Replica("R", "copies", ""), owners=Value(TRUSTED)), REPLICATION)
    delivered = result(but(other_trails=Value((other("copies"),)), owners=Value(TRUSTED)), TRAILS)
    ours = result(replicating(Replica("R", "copies", ""), owners=Value(OURS)), REPLICATION)
    assert all(f"{STRANGER}'s; its policy is not read" in found.actual for found in (replicated, delivered))
    assert "not read" not in ours.actual


@pytest.mark.parametrize(
    ("replica", "expected"),
    [
        (Replica("R", "copies", "AWSL"), Status.FAIL),
        (Replica("R", "copies", f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/"), Status.FAIL),
        (Replica("R", "copies", "reports/"), Status.PASS),
        (Replica("R", "copies", "", is_enabled=False), Status.PASS),
    ],
)
def test_a_rule_counts_that_is_on_and_for_log_files(replica: Replica, expected: Status) -> None:
    assert result(replicating(replica), REPLICATION).status is expected


def test_the_fix_takes_out_the_rules_for_outsiders_and_no_other() -> None:
    both = replicating(Replica("Theirs", "theirs", ""), Replica("Ours", "copies", "", 1), owners=Value(OURS))
    found = result(both, REPLICATION)
    assert "rule Theirs copies everything to theirs" in found.actual
    assert "--replication-configuration" in found.fix_cli
    assert "Ours" in found.fix_cli
    assert "Theirs" not in found.fix_cli
    alone = result(replicating(Replica("Theirs", "theirs", "")), REPLICATION)
    assert alone.fix_cli.endswith(f"s3api delete-bucket-replication --bucket {BUCKET}")


def test_the_trail_of_the_organization_and_one_that_shares_the_bucket_are_no_finding() -> None:
    organizations = other("theirs", TRAIL_ARN.replace(ACCOUNT, STRANGER))
    shares = other(BUCKET)
    assert result(but(other_trails=Value((organizations, shares))), TRAILS).status is Status.PASS


def subscribed(*accounts: str, name: str = "out") -> TrailFacts:
    found = [Subscription("trail", name, f"arn:aws:logs:us-east-1:{each}:destination:d") for each in accounts]
    return but(subscriptions=Value(tuple(found)))


def test_a_subscription_of_another_account_fails() -> None:
    assert result(subscribed(ACCOUNT), LOG_GROUP).status is Status.PASS
    found = result(subscribed(ACCOUNT, STRANGER), LOG_GROUP)
    assert (found.status, STRANGER in found.actual) == (Status.FAIL, True)
    assert found.fix_cli == (
        "aws --region us-east-1 logs delete-subscription-filter --log-group-name trail --filter-name out"
    )


def test_a_hostile_name_stays_one_word() -> None:
    found = result(subscribed(STRANGER, name="a; rm -rf {x} $(id)\n"), LOG_GROUP)
    assert "--filter-name 'a; rm -rf {x} $(id)\\x0a'" in found.fix_cli


def test_a_trusted_account_is_no_outsider() -> None:
    facts = replace(subscribed(STRANGER), target=replace(TARGET, trusted_accounts=(STRANGER,)))
    assert report(facts).status is Status.PASS


def test_what_is_no_account_cannot_be_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("", "*", "12345678901", "arn:aws:iam::123456789012:root", "١٢٣٤٥٦٧٨٩٠١٢"):
        with pytest.raises(UsageError, match="twelve digits"):
            resolve(offline(monkeypatch), TargetOptions(trusted_accounts=(wrong,)))


def questions(monkeypatch: pytest.MonkeyPatch) -> tuple[Aws, CopyQuestions]:
    aws = offline(monkeypatch)
    return aws, CopyQuestions(aws, "us-east-1", Value(ACCOUNT))


RULES = [
    rule("a", Filter={"Prefix": "p/"}),
    rule("b", Filter={"And": {"Prefix": "q/", "Tags": []}}, Status="Disabled"),
    rule("", "other", Prefix="r/"),
]
REPLICAS = (
    Replica("a", "copies", "p/"),
    Replica("b", "copies", "q/", 1, is_enabled=False),
    Replica("number 3", "other", "r/", 2),
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Role": "r", "Rules": RULES}, Value(Replication(REPLICAS, json.dumps({"Role": "r", "Rules": RULES})))),
        ("ReplicationConfigurationNotFoundError", Value(Replication(()))),
        ("NoSuchBucket", Missing(f"there is no bucket {BUCKET}")),
        ("AccessDenied", Denied("s3:GetReplicationConfiguration")),
    ],
)
def test_replication_becomes_a_fact(monkeypatch: pytest.MonkeyPatch, answer: Any, expected: object) -> None:
    aws, copies = questions(monkeypatch)
    found = answer if isinstance(answer, str) else {"ReplicationConfiguration": answer}
    with answers(aws, "s3", "get_bucket_replication", found):
        assert copies.replication(BUCKET) == expected


@pytest.mark.parametrize(
    "bucket", ["arn:aws:s3:::", "copies", "arn:aws:s3:us-east-1:1:accesspoint/x", "arn:aws:s3:::a\nb"]
)
def test_a_destination_that_is_none_is_not_known(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    aws, copies = questions(monkeypatch)
    wrong = {"Role": "r", "Rules": [{"Status": "Enabled", "Destination": {"Bucket": bucket}}]}
    with answers(aws, "s3", "get_bucket_replication", {"ReplicationConfiguration": wrong}):
        assert isinstance(copies.replication(BUCKET), Failed)


def owned(*names: str) -> dict[str, Any]:
    return {"Buckets": [{"Name": name} for name in names]}


@pytest.mark.parametrize(
    ("own", "heads", "expected"),
    [
        (owned(BUCKET, "copies"), [], OURS),
        (owned(BUCKET), ["403"], NOT_TOLD),
        (owned(BUCKET), ["404"], FOREIGN),
        (owned(BUCKET), ["200"], TRUSTED),
        # The log bucket is another account's, and perhaps the copies as well.
        (owned(), ["404"], NOT_TOLD),
    ],
)
def test_the_list_of_buckets_and_their_owners_decide(
    monkeypatch: pytest.MonkeyPatch, own: dict[str, Any], heads: list[str], expected: Owners
) -> None:
    aws, copies = questions(monkeypatch)
    with Stubber(aws.client("s3")) as stub:
        stub.add_response("list_buckets", own)
        for code in heads:
            asked = {"Bucket": "copies", "ExpectedBucketOwner": STRANGER}
            if code == "200":
                stub.add_response("head_bucket", {}, asked)
            else:
                stub.add_client_error("head_bucket", code, expected_params=asked)
        assert copies.owners(["copies"], BUCKET, [STRANGER]) == Value(expected)


def test_all_pages_of_buckets_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    aws, copies = questions(monkeypatch)
    with Stubber(aws.client("s3")) as stub:
        stub.add_response("list_buckets", {**owned(BUCKET), "ContinuationToken": "t"})
        stub.add_response("list_buckets", owned("copies"), {"ContinuationToken": "t"})
        assert copies.owners(["copies"], BUCKET, []) == Value(OURS)


def test_subscription_filters_become_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    aws, copies = questions(monkeypatch)
    assert copies.subscriptions(TRAIL) == Value(())
    trail = replace(TRAIL, log_group=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trail:*")
    arn = f"arn:aws:logs:us-east-1:{STRANGER}:destination:d"
    listed = {"subscriptionFilters": [{"filterName": "out", "destinationArn": arn}]}
    with answers(aws, "logs", "describe_subscription_filters", listed):
        assert copies.subscriptions(trail) == Value((Subscription("trail", "out", arn),))
    with answers(aws, "logs", "describe_subscription_filters", "AccessDeniedException"):
        assert copies.subscriptions(trail) == Denied("logs:DescribeSubscriptionFilters")


@pytest.mark.parametrize("account", [Value(STRANGER), Denied("sts:GetCallerIdentity")])
def test_a_log_group_of_another_account_is_not_taken_for_one_of_that_name_here(
    monkeypatch: pytest.MonkeyPatch, account: Fact[str]
) -> None:
    copies = CopyQuestions(offline(monkeypatch), "us-east-1", account)
    trail = replace(TRAIL, log_group=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trail:*")
    with answers(copies.aws, "logs", "describe_subscription_filters", {"subscriptionFilters": []}):
        found = copies.subscriptions(trail)
    assert isinstance(found, Failed)
    assert f"of account {ACCOUNT}" in found.why
    assert result(but(subscriptions=found), LOG_GROUP).status is Status.UNKNOWN


@pytest.mark.parametrize(("account", "expected"), [(ACCOUNT, Status.PASS), (STRANGER, Status.FAIL)])
def test_the_trails_topic_is_of_the_account_or_of_one_that_is_trusted(account: str, expected: Status) -> None:
    facts = but_trail(topic=f"arn:aws:sns:us-east-1:{account}:t")
    assert result(facts, "trail_topic_is_no_strangers").status is expected
    trusting = replace(facts, target=replace(facts.target, trusted_accounts=(STRANGER,)))
    assert result(trusting, "trail_topic_is_no_strangers").status is Status.PASS


def with_copies(*statements: dict[str, Any]) -> TrailFacts:
    policies = Value({"copies": policy(*statements).value}) if statements else Value({})
    return replace(replicating(Replica("R", "copies", ""), owners=Value(OURS)), copy_policies=policies)


def on_copies(who: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::copies/*", **more}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (with_copies(), Status.PASS),
        (with_copies(on_copies({"AWS": ACCOUNT})), Status.PASS),
        (with_copies(on_copies({"AWS": STRANGER})), Status.FAIL),
        (with_copies(on_copies("*", Condition={"IpAddress": {"aws:SourceIp": "::/0"}})), Status.UNKNOWN),
        (replace(with_copies(), copy_policies=Denied("s3:GetBucketPolicy")), Status.UNKNOWN),
    ],
)
def test_a_bucket_of_ours_with_copies_lets_no_outsider_in_either(facts: TrailFacts, expected: Status) -> None:
    found = result(facts, REPLICATION)
    assert found.status is expected
    assert (STRANGER in found.actual) is (expected is Status.FAIL)
    by_trail = replace(facts, replication=Value(Replication(())), other_trails=Value((other("copies"),)))
    assert result(by_trail, TRAILS).status is expected
