"""Ways to the events that no bucket's policy shows: S3 Access Grants, access points of several regions, CloudTrail
Lake, and subscription filters of the whole account.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from tests.verify.posture.healthy import ACCOUNT, BUCKET, TRAIL, but, but_trail, policy, result
from tests.verify.simulation.stubbed import answers, offline
from verify.fact import Denied, Fact, Failed, Value
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.collect import _access_points, _depends_on_organization, _multi_region_access_points
from verify.posture.facts.copies import CopyQuestions
from verify.posture.facts.trail import (
    AccessGrant,
    AccountSubscription,
    BucketLocation,
    Owners,
    Replica,
    Replication,
    TrailFacts,
)
from verify.posture.model import Status

STRANGER = "999999999999"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trail:*"
POINT = f"arn:aws:s3::{ACCOUNT}:accesspoint/m1.mrap"
STORE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/1"
INSTANCE = f"arn:aws:s3:us-east-1:{ACCOUNT}:access-grants/default"


def granted(*grants: tuple[str, str], kind: str = "IAM") -> TrailFacts:
    found = tuple(AccessGrant(f"g{n}", scope, "READ", kind, to) for n, (scope, to) in enumerate(grants))
    return but(access_grants_instances=Value((INSTANCE,)), access_grants=Value(found))


THEM, US = f"arn:aws:iam::{STRANGER}:role/x", f"arn:aws:iam::{ACCOUNT}:role/x"

WITH_LOGS = (
    "s3://",
    "S3://*",
    f"s3://{BUCKET}",
    f"s3://{BUCKET}/",
    f"S3://{BUCKET}/AWSLogs",
    f"s3://{BUCKET}/AWSLogs/",
    f"s3://{BUCKET}/AWS*",
    f"s3://{BUCKET[:4]}*",
)
WITHOUT_LOGS = (f"s3://{BUCKET}/AWS", f"s3://{BUCKET[:4]}", f"s3://{BUCKET}-x/AWSLogs/", f"s3://{BUCKET}/x/AWSLogs/*")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (but(), Status.PASS),
        (granted(), Status.PASS),
        (granted((f"s3://{BUCKET}/*", US)), Status.PASS),
        (granted((f"s3://{BUCKET}/*", US), (f"s3://{BUCKET}/*", THEM)), Status.FAIL),
        (granted(("s3://*", THEM)), Status.FAIL),
        (granted((f"s3://{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail/us*", THEM)), Status.FAIL),
        (granted((f"s3://{BUCKET}/AWSLogs/one-file.gz", THEM)), Status.FAIL),
        (granted((f"s3://{BUCKET}/reports/*", THEM)), Status.PASS),
        (granted((f"s3://{BUCKET}-x/*", THEM)), Status.PASS),
        (granted((f"s3://{BUCKET}/*", "1234-id"), kind="DIRECTORY_GROUP"), Status.PASS),
        (granted((f"s3://{BUCKET}/*", "who knows")), Status.UNKNOWN),
        (granted((f"s3://{BUCKET}/*", "who knows"), (f"s3://{BUCKET}/*", THEM)), Status.FAIL),
        (granted((f"s3://{BUCKET}/*", "1234-id"), kind="DIRECTORY_USER"), Status.PASS),
        (granted((f"s3://{BUCKET}/*", US), kind="ROLE"), Status.UNKNOWN),
        *((granted((scope, THEM)), Status.FAIL) for scope in WITH_LOGS),
        *((granted((scope, THEM)), Status.PASS) for scope in WITHOUT_LOGS),
        (but(access_grants_instances=Value((INSTANCE,)), access_grants=Denied("s3:ListAccessGrants")), Status.UNKNOWN),
    ],
)
def test_a_grant_for_log_files_is_judged_by_the_account_of_its_grantee(facts: TrailFacts, expected: Status) -> None:
    found = result(facts, "access_grants_keep_strangers_out")
    assert found.status is expected
    assert (STRANGER in found.actual) is (expected is Status.FAIL)


@pytest.mark.parametrize("owner", [STRANGER, None])
@pytest.mark.parametrize("facts", [but(), granted(), granted((f"s3://{BUCKET}/*", US))])
def test_the_grants_of_another_accounts_bucket_are_that_accounts_to_list(facts: TrailFacts, owner: str | None) -> None:
    there = dataclasses.replace(facts, bucket_owner=Value(owner))
    assert result(there, "access_grants_keep_strangers_out").status is Status.UNKNOWN


@pytest.mark.parametrize("owner", [STRANGER, None])
def test_the_access_points_of_another_accounts_bucket_are_that_accounts_to_list(
    monkeypatch: pytest.MonkeyPatch, owner: str | None
) -> None:
    questions = BucketQuestions(offline(monkeypatch), "us-east-1")
    found = _access_points(questions, but().target, Value(BucketLocation("us-east-1", owner)))
    assert isinstance(found, Failed)
    assert "belongs to" in str(found)


@pytest.mark.parametrize(
    ("scope", "expected"), [(f"s3://{BUCKET}/logs/*", Status.UNKNOWN), (f"s3://{BUCKET}/*", Status.FAIL)]
)
def test_without_the_trail_it_is_not_known_where_log_files_are(scope: str, expected: Status) -> None:
    target = dataclasses.replace(but().target, trail=Denied("cloudtrail:DescribeTrails"))
    found = dataclasses.replace(granted((scope, THEM)), target=target)
    assert result(found, "access_grants_keep_strangers_out").status is expected
    replicas = (Replica("R", "copies", scope.removeprefix(f"s3://{BUCKET}/").removesuffix("*")),)
    owners = Value(Owners(frozenset(), {}, frozenset()))
    copied = but(replication=Value(Replication(replicas, '{"Rules": [{}]}')), owners=owners)
    copied = dataclasses.replace(copied, target=target)
    assert result(copied, "replication_keeps_strangers_out").status is expected


def leading(statement: dict[str, Any] | None) -> TrailFacts:
    policies = {} if statement is None else {POINT: policy({"Effect": "Allow", "Resource": "*", **statement}).value}
    return but(multi_region_access_points=Value({POINT: "several"}), multi_region_access_point_policies=Value(policies))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (leading(None), Status.PASS),
        (leading({"Principal": {"AWS": ACCOUNT}, "Action": "s3:*"}), Status.PASS),
        (leading({"Principal": {"AWS": STRANGER}, "Action": "s3:GetObject"}), Status.FAIL),
        (leading({"Principal": "*", "Action": "s3:ListBucket"}), Status.FAIL),
        (but(multi_region_access_points=Denied("s3:ListMultiRegionAccessPoints")), Status.UNKNOWN),
        (dataclasses.replace(leading(None), multi_region_access_point_policies=Failed("no")), Status.UNKNOWN),
    ],
)
def test_an_access_point_of_several_regions_is_another_way_in(facts: TrailFacts, expected: Status) -> None:
    found = result(facts, "access_points_keep_strangers_out")
    assert found.status is expected
    assert ("get-multi-region-access-point-policy" in found.fix_cli) is (expected is Status.FAIL)


def queried(statement: dict[str, Any] | None) -> TrailFacts:
    policies = {} if statement is None else {STORE: policy({"Effect": "Allow", "Resource": STORE, **statement}).value}
    return but(event_data_stores=Value((STORE,)), event_data_store_policies=Value(policies))


DASHBOARD = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
BY_DASHBOARD = {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "cloudtrail:StartQuery"}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (queried(None), Status.PASS),
        (queried({"Principal": {"AWS": STRANGER}, "Action": "cloudtrail:*Query*"}), Status.FAIL),
        (queried({"Principal": {"AWS": STRANGER}, "Action": "cloudtrail:GetEventDataStore"}), Status.PASS),
        (queried({**BY_DASHBOARD, "Condition": DASHBOARD}), Status.PASS),
        (queried(BY_DASHBOARD), Status.FAIL),
        (but(event_data_stores=Denied("cloudtrail:ListEventDataStores")), Status.UNKNOWN),
        (dataclasses.replace(queried(None), event_data_store_policies=Denied("x")), Status.UNKNOWN),
    ],
)
def test_an_event_data_store_is_judged_by_its_policy(facts: TrailFacts, expected: Status) -> None:
    assert result(facts, "event_data_stores_keep_strangers_out").status is expected


def by_account(account: str, spared: tuple[str, ...] | None = ()) -> TrailFacts:
    sends = AccountSubscription("everything", f"arn:aws:logs:us-east-1:{account}:destination:d", spared)
    return dataclasses.replace(but_trail(log_group=GROUP), account_subscriptions=Value((sends,)))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (by_account(ACCOUNT), Status.PASS),
        (by_account(STRANGER), Status.FAIL),
        (by_account(STRANGER, ("other",)), Status.FAIL),
        (by_account(STRANGER, ("other", "trail")), Status.PASS),
        (by_account(STRANGER, None), Status.UNKNOWN),
        (dataclasses.replace(but_trail(log_group=GROUP), account_subscriptions=Denied("x")), Status.UNKNOWN),
    ],
)
def test_a_filter_of_the_whole_account_sends_the_trails_events_too(facts: TrailFacts, expected: Status) -> None:
    assert result(facts, "log_group_keeps_strangers_out").status is expected


MULTI = {"Name": "several", "Alias": "m1.mrap", "Regions": [{"Bucket": BUCKET, "Region": "us-east-1"}]}
GRANT = {
    "AccessGrantId": "g",
    "GrantScope": "s3://*",
    "Permission": "READ",
    "Grantee": {"GranteeType": "IAM", "GranteeIdentifier": US},
}


@pytest.mark.parametrize(
    ("question", "arguments", "operation", "region", "answer", "expected"),
    [
        ("access_grants_instances", ("us-east-1",), "list_access_grants_instances", None,
         {"AccessGrantsInstancesList": [{"AccessGrantsInstanceArn": INSTANCE}]}, Value((INSTANCE,))),
        ("access_grants_instances", ("us-east-1",), "list_access_grants_instances", None, "AccessDenied",
         Denied("s3:ListAccessGrantsInstances")),
        ("access_grants", ("us-east-1",), "list_access_grants", None, {"AccessGrantsList": [GRANT]},
         Value((AccessGrant("g", "s3://*", "READ", "IAM", US),))),
        ("multi_region_access_points", (BUCKET,), "list_multi_region_access_points", "us-west-2",
         {"AccessPoints": [MULTI, {**MULTI, "Alias": "m2.mrap", "Regions": []}]},
         Value({POINT: "several"})),
    ],
)  # fmt: skip
def test_what_s3_control_lists_becomes_facts(
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    arguments: tuple[str, ...],
    operation: str,
    region: str | None,
    answer: Any,
    expected: object,
) -> None:
    aws = offline(monkeypatch)
    with answers(aws, "s3control", operation, answer, region):
        assert getattr(BucketQuestions(aws, "us-east-1"), question)(ACCOUNT, *arguments) == expected


@pytest.mark.parametrize("policy", [Denied("s3:GetBucketPolicy"), Failed("throttled")])
def test_a_bucket_policy_that_was_not_read_may_leave_something_to_access_points(
    monkeypatch: pytest.MonkeyPatch, policy: Denied | Failed
) -> None:
    questions = BucketQuestions(offline(monkeypatch), "us-east-1")
    found = _multi_region_access_points(questions, but().target, policy)
    assert found == policy
    assert result(but(multi_region_access_points=found), "access_points_keep_strangers_out").status is Status.UNKNOWN


ANY_POINT = '{"Condition": {"StringEquals": {"s3:DataAccessPointAccount": "1"}}}'


@pytest.mark.parametrize(
    ("policy", "is_asked"),
    [
        (ANY_POINT, True),
        (ANY_POINT.replace("c", r"\u0063"), True),
        ("[" * 100_000, True),
        ('{"Condition": {"StringEquals": {"aws:PrincipalAccount": "1"}}}', False),
    ],
)
def test_a_bucket_policy_says_access_point_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, policy: str, *, is_asked: bool
) -> None:
    aws = offline(monkeypatch)
    with answers(aws, "s3control", "list_multi_region_access_points", {"AccessPoints": []}, "us-west-2"):
        found = _multi_region_access_points(BucketQuestions(aws, "us-east-1"), but().target, Value(policy))
    assert isinstance(found, Value) is is_asked


def test_a_policy_says_organization_however_it_is_written() -> None:
    depends = r'{"Condition": {"StringEquals": {"aws:\u0050rincipalOrgID": "o-1"}}}'
    assert _depends_on_organization(but().target, [Value(depends)])
    assert not _depends_on_organization(but().target, [Value("{}"), Denied("s3:GetBucketPolicy")])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Policy": {"Established": {"Policy": "{}"}}}, Value({POINT: "{}"})),
        ({"Policy": {"Proposed": {"Policy": "{}"}}}, Value({})),
        ("NoSuchMultiRegionAccessPoint", Value({})),
        ("AccessDenied", Denied("s3:GetMultiRegionAccessPointPolicy")),
    ],
)
def test_a_policy_of_several_regions_counts_once_it_is_established(
    monkeypatch: pytest.MonkeyPatch, answer: Any, expected: object
) -> None:
    aws = offline(monkeypatch)
    with answers(aws, "s3control", "get_multi_region_access_point_policy", answer, "us-west-2"):
        found = BucketQuestions(aws, "us-east-1").multi_region_access_point_policies({POINT: "several"})
    assert found == expected


def account_policy(selection: str | None) -> dict[str, Any]:
    document = json.dumps({"DestinationArn": f"arn:aws:logs:us-east-1:{STRANGER}:destination:d"})
    selected = {} if selection is None else {"selectionCriteria": selection}
    return {"accountPolicies": [{"policyName": "p", "policyDocument": document, **selected}]}


@pytest.mark.parametrize(
    ("answer", "spared"),
    [
        (account_policy(None), ()),
        (account_policy('LogGroupName NOT IN ["a", "b"]'), ("a", "b")),
        (account_policy('LogGroupNamePrefix IN ["a"]'), None),
    ],
)
def test_a_policy_of_the_account_says_which_log_groups_it_spares(
    monkeypatch: pytest.MonkeyPatch, answer: Any, spared: tuple[str, ...] | None
) -> None:
    aws = offline(monkeypatch)
    trail = dataclasses.replace(TRAIL, log_group=GROUP)
    with answers(aws, "logs", "describe_account_policies", answer):
        found = CopyQuestions(aws, "us-east-1", Value(ACCOUNT)).account_subscriptions(trail)
    assert isinstance(found, Value)
    assert [each.spared for each in found.value] == [spared]
    elsewhere = CopyQuestions(aws, "us-east-1", Value(STRANGER)).account_subscriptions(trail)
    assert isinstance(elsewhere, Failed)


SAY_NOTHING = ("OperationNotPermittedException", "NoManagementAccountSLRExistsException")
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "more",
    [
        {"policyDocument": f'{{"DestinationArn": {DEEP}'},
        {"selectionCriteria": f"LogGroupName NOT IN {DEEP}]"},
    ],
)
def test_an_answer_that_is_nested_too_deeply_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    aws = offline(monkeypatch)
    answer = {"accountPolicies": [{**account_policy(None)["accountPolicies"][0], **more}]}
    with answers(aws, "logs", "describe_account_policies", answer):
        found = CopyQuestions(aws, "us-east-1", Value(ACCOUNT)).account_subscriptions(
            dataclasses.replace(TRAIL, log_group=GROUP)
        )
    assert isinstance(found, Failed)
    assert "RecursionError" in str(found)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"EventDataStores": []}, Value(())),
        ({"EventDataStores": [{"EventDataStoreArn": STORE}]}, Value((STORE,))),
        ("UnsupportedOperationException", Value(())),
        *((code, Failed(f"cloudtrail:ListEventDataStores failed with {code}: because")) for code in SAY_NOTHING),
        ("AccessDeniedException", Denied("cloudtrail:ListEventDataStores")),
    ],
)
def test_the_event_data_stores_are_listed(
    monkeypatch: pytest.MonkeyPatch, answer: Any, expected: Fact[tuple[str, ...]]
) -> None:
    aws = offline(monkeypatch)
    questions = CopyQuestions(aws, "us-east-1", Value(ACCOUNT))
    with answers(aws, "cloudtrail", "list_event_data_stores", answer):
        assert questions.event_data_stores("us-east-1") == expected


def statement(account: str, sid: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": account}, "Action": "cloudtrail:*", "Resource": STORE}


NOT_DOCUMENTED = "AWS answered in a shape that is not documented"
DELEGATED = policy(statement(STRANGER, "Made")).value


@pytest.mark.parametrize("written", [None, [statement(ACCOUNT, "Written")], statement(ACCOUNT, "Written")])
@pytest.mark.parametrize(("trusted", "expected"), [((), Status.FAIL), ((STRANGER,), Status.PASS)])
def test_an_organizations_delegated_administrator_is_judged_by_the_policy_that_lets_it_in(
    monkeypatch: pytest.MonkeyPatch, written: Any, trusted: tuple[str, ...], expected: Status
) -> None:
    aws = offline(monkeypatch)
    own = {} if written is None else {"ResourcePolicy": json.dumps({"Version": "2012-10-17", "Statement": written})}
    answer = {"ResourceArn": STORE, "DelegatedAdminResourcePolicy": DELEGATED, **own}
    with answers(aws, "cloudtrail", "get_resource_policy", answer):
        policies = CopyQuestions(aws, "us-east-1", Value(ACCOUNT)).event_data_store_policies((STORE,))
    facts = but(event_data_stores=Value((STORE,)), event_data_store_policies=policies)
    facts = dataclasses.replace(facts, target=dataclasses.replace(facts.target, trusted_accounts=trusted))
    found = result(facts, "event_data_stores_keep_strangers_out")
    assert found.status is expected
    assert ("Made" in found.actual) is (expected is Status.FAIL)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ResourceArn": STORE, "ResourcePolicy": "{}"}, Value({STORE: "{}"})),
        ({"ResourceArn": STORE, "DelegatedAdminResourcePolicy": DELEGATED}, Value({STORE: DELEGATED})),
        ({"ResourceArn": STORE}, Value({})),
        (
            {
                "ResourceArn": STORE,
                "ResourcePolicy": '{"Statement": ["${"]}',
                "DelegatedAdminResourcePolicy": DELEGATED,
            },
            Failed(f"{NOT_DOCUMENTED}: ValueError: its two policies disagree on variables"),
        ),
        ("ResourcePolicyNotFoundException", Value({})),
        ("AccessDeniedException", Denied("cloudtrail:GetResourcePolicy")),
    ],
)
def test_the_policy_of_an_event_data_store_is_read(
    monkeypatch: pytest.MonkeyPatch, answer: Any, expected: object
) -> None:
    aws = offline(monkeypatch)
    questions = CopyQuestions(aws, "us-east-1", Value(ACCOUNT))
    with answers(aws, "cloudtrail", "get_resource_policy", answer):
        assert questions.event_data_store_policies((STORE,)) == expected
    assert questions.event_data_store_policies(()) == Value({})


@pytest.mark.parametrize(
    ("ask", "service", "method", "region", "answer", "token"),
    [
        ("access_points", "s3control", "list_access_points", None, {"AccessPointList": []}, "NextToken"),
        ("access_grants_instances", "s3control", "list_access_grants_instances", None,
         {"AccessGrantsInstancesList": []}, "NextToken"),
        ("access_grants", "s3control", "list_access_grants", None, {"AccessGrantsList": []}, "NextToken"),
        ("multi_region_access_points", "s3control", "list_multi_region_access_points", "us-west-2",
         {"AccessPoints": []}, "NextToken"),
        ("event_data_stores", "cloudtrail", "list_event_data_stores", None, {"EventDataStores": []}, "NextToken"),
        ("account_subscriptions", "logs", "describe_account_policies", None, {"accountPolicies": []}, "nextToken"),
    ],
)  # fmt: skip
def test_pages_without_end_are_no_answer(
    monkeypatch: pytest.MonkeyPatch,
    ask: str,
    service: str,
    method: str,
    region: str | None,
    answer: dict[str, Any],
    token: str,
) -> None:
    aws = offline(monkeypatch)
    monkeypatch.setattr("verify.aws._MAX_PAGES", 2)
    arguments: dict[str, tuple[object, ...]] = {
        "access_points": (ACCOUNT, BUCKET, "us-east-1"),
        "multi_region_access_points": (ACCOUNT, BUCKET),
        "event_data_stores": ("us-east-1",),
        "account_subscriptions": (dataclasses.replace(TRAIL, log_group=GROUP),),
    }
    of_copies = CopyQuestions(aws, "us-east-1", Value(ACCOUNT))
    questions = of_copies if hasattr(of_copies, ask) else BucketQuestions(aws, "us-east-1")
    with answers(aws, service, method, {**answer, token: "more"}, region) as stubber:
        for _ in range(2):
            stubber.add_response(method, {**answer, token: "more"})
        found = getattr(questions, ask)(*arguments.get(ask, (ACCOUNT, "us-east-1")))
    assert isinstance(found, Failed)
    assert "or no end" in str(found)
