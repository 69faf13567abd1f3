"""Other trails and external principals that a policy allows: those that it names, and those that wildcards match."""

import dataclasses
import json
from time import process_time
from typing import Any

import pytest

from tests.verify.posture import healthy
from tests.verify.posture.healthy import ACCOUNT, BUCKET, TRAIL_ARN, policy, result
from tests.verify.posture.statements import BUCKET_ARN, Statement, but, grant
from verify.fact import Denied, Fact, Missing, Value
from verify.posture.facts.collect import _depends_on_organization
from verify.posture.facts.trail import Key, KeyGrant
from verify.posture.model import Result, Status
from verify.posture.resource_policies.external_access import bucket_policy_keeps_outsiders_out
from verify.posture.resource_policies.rewrite import corrected_bucket_policy, corrected_key_policy

OTHER = "999999999999"
ELSEWHERE = TRAIL_ARN.replace("us-east-1", "eu-west-1")
FOREIGN = TRAIL_ARN.replace(ACCOUNT, OTHER)

TRAILS: dict[str, tuple[dict[str, Any], str]] = {
    "another account's trail in the list": (
        {"StringEquals": {"aws:SourceArn": [TRAIL_ARN, FOREIGN.replace("ch03-security-trail", "evil")]}},
        f"{OTHER}:trail/evil",
    ),
    "the same name in another account": ({"StringEquals": {"aws:SourceArn": [TRAIL_ARN, FOREIGN]}}, FOREIGN),
    "the same name in another region": ({"StringEquals": {"aws:SourceArn": [TRAIL_ARN, ELSEWHERE]}}, ELSEWHERE),
    "a longer name": ({"ArnEquals": {"aws:SourceArn": [f"{TRAIL_ARN}-x", TRAIL_ARN]}}, f"{TRAIL_ARN}-x"),
    "names that begin alike": (
        {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/ch03*"}},
        "trail/ch03",
    ),
    "names that are as long": ({"StringLike": {"aws:SourceArn": TRAIL_ARN[:-1] + "?"}}, "trail/ch03-security-trai"),
    "the name in any account": (
        {"StringLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/ch03-security-trail"}},
        f"(any other):{ACCOUNT}:trail/ch03-security-trail",
    ),
    "the name in any account, without the rest": (
        {"StringLike": {"aws:SourceArn": "*/ch03-security-trail"}},
        f"(any other):{ACCOUNT}:trail/ch03-security-trail",
    ),
    "another account": ({"StringEquals": {"aws:SourceAccount": OTHER}}, f":{OTHER}:"),
    "accounts that begin alike": ({"StringLike": {"aws:SourceAccount": "12345*"}}, "12345"),
    "a pattern within another account": (
        {
            "ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/audit-?"},
            "StringEquals": {"aws:SourceAccount": OTHER},
        },
        f":{OTHER}:trail/audit-",
    ),
}


def of_bucket(condition: dict[str, Any]) -> Result:
    own = grant(["s3:GetBucketAcl", "s3:PutObject"], condition=condition)
    return result(healthy.but(bucket_policy=policy(own)), "bucket_policy_names_the_trail")


def of_key(condition: dict[str, Any]) -> Result:
    own = grant("kms:GenerateDataKey*", condition=condition)
    return result(healthy.but(key_policy=policy(own)), "key_policy_names_the_trail")


@pytest.mark.parametrize("judge", [of_bucket, of_key])
@pytest.mark.parametrize(("condition", "who"), TRAILS.values(), ids=TRAILS)
def test_another_trail_that_a_policy_allows_is_named(judge: Any, condition: dict[str, Any], who: str) -> None:
    found = judge(condition)
    assert found.status is Status.ADVICE
    assert who in found.actual


def test_the_encryption_context_can_name_another_trail() -> None:
    key = "kms:EncryptionContext:aws:cloudtrail:arn"
    assert of_key({"StringLike": {key: [TRAIL_ARN, f"arn:aws:cloudtrail:*:{OTHER}:trail/*"]}}).status is Status.ADVICE
    assert of_key({"StringEquals": {key: TRAIL_ARN}}).status is Status.PASS


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceArn": TRAIL_ARN}},
        {"ArnLike": {"AWS:SourceArn": TRAIL_ARN}, "StringEquals": {"aws:SourceAccount": [ACCOUNT, OTHER]}},
        {"StringLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{OTHER}:*"}, "ArnEquals": {"aws:SourceArn": TRAIL_ARN}},
    ],
)
def test_a_grant_that_only_the_trail_itself_meets_allows_no_other(condition: dict[str, Any]) -> None:
    assert of_bucket(condition).status is of_key(condition).status is Status.PASS


def test_a_deny_for_other_trails_counts() -> None:
    own = grant(
        ["s3:GetBucketAcl", "s3:PutObject"], condition={"StringEquals": {"aws:SourceArn": [TRAIL_ARN, FOREIGN]}}
    )
    denied = but(own, Effect="Deny", Condition={"ArnNotLike": {"aws:SourceArn": TRAIL_ARN}})
    facts = healthy.but(bucket_policy=policy(own, denied))
    assert result(facts, "bucket_policy_names_the_trail").status is Status.PASS


def test_other_trails_in_folders_of_their_own_are_not_reported() -> None:
    own = grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}/*", {"StringEquals": {"aws:SourceArn": TRAIL_ARN}})
    theirs = grant("s3:PutObject", f"{BUCKET_ARN}/AWSLogs/{OTHER}/*")
    assert result(healthy.but(bucket_policy=policy(own, theirs)), "bucket_policy_names_the_trail").status is Status.PASS


def to(who: Any, action: Any = "kms:Decrypt", **condition: Any) -> Statement:
    return {"Effect": "Allow", "Principal": who, "Action": action, "Resource": "*", "Condition": condition}


NOT_READ = Denied("organizations:DescribeOrganization")
CALLER = {"kms:CallerAccount": OTHER}
ROLES = {"aws:PrincipalArn": "arn:aws:iam::*:role/reader-*"}
EXTERNAL_PRINCIPALS: dict[str, tuple[Statement, str]] = {
    "an account": (to({"AWS": OTHER}), f"kms:Decrypt is allowed to arn:aws:iam::{OTHER}:"),
    "its root": (to({"AWS": f"arn:aws:iam::{OTHER}:root"}), f"iam::{OTHER}:"),
    "one of its roles": (to({"AWS": [ACCOUNT, f"arn:aws:iam::{OTHER}:role/x"]}), f"iam::{OTHER}:role/x"),
    "a session": (to({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/x/y"}), f"sts::{OTHER}:assumed-role/x/y"),
    "everybody from an account": (to("*", StringEquals=CALLER), f"iam::{OTHER}:"),
    "everybody from accounts that begin alike": (to("*", StringLike={"aws:PrincipalAccount": "99*"}), "iam::99"),
    "a role of that name anywhere": (to("*", ArnLike=ROLES), ":role/reader-"),
    "such a role of one account": (to({"AWS": OTHER}, ArnLike=ROLES), f"iam::{OTHER}:role/reader-"),
    "everybody but the account": (
        but(to("*"), Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        "iam::(any other):",
    ),
    "an account, for log files": (
        to({"AWS": OTHER}, Null={"kms:EncryptionContext:aws:cloudtrail:arn": "false"}),
        f"iam::{OTHER}:",
    ),
    "everybody, by a grant of theirs": (to("*", "kms:CreateGrant"), "kms:CreateGrant"),
    "everybody, under another key": (to("*", "kms:ReEncrypt*"), "kms:ReEncryptFrom"),
    "everybody, once they changed the policy": (to("*", "kms:PutKeyPolicy"), "kms:PutKeyPolicy"),
}


def external_access(statement: Statement, organization_id: Fact[str] = NOT_READ) -> Result:
    own = json.loads(corrected_key_policy(None, TRAIL_ARN))["Statement"]
    facts = healthy.but(key_policy=policy(*own, statement), organization_id=organization_id)
    return result(facts, "key_keeps_strangers_out")


@pytest.mark.parametrize(("statement", "words"), EXTERNAL_PRINCIPALS.values(), ids=EXTERNAL_PRINCIPALS)
def test_an_external_principal_that_can_decrypt_is_named(statement: Statement, words: str) -> None:
    found = external_access(statement)
    assert found.status is Status.FAIL
    assert words in found.actual


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (to({"AWS": ACCOUNT}, "kms:*"), Status.PASS),
        (to({"AWS": OTHER}, ["kms:DescribeKey", "kms:Encrypt"]), Status.PASS),
        (to("*", StringEquals={"kms:CallerAccount": ACCOUNT}), Status.PASS),
        (to({"AWS": OTHER}, StringEquals={"aws:PrincipalAccount": ACCOUNT}), Status.PASS),
        (to({"AWS": OTHER}, StringEquals={"aws:PrincipalOrgID": "o-1"}), Status.UNKNOWN),
    ],
)
def test_a_principal_that_cannot_decrypt_is_not_reported(statement: Statement, expected: Status) -> None:
    assert external_access(statement).status is expected


MINE = {"StringEquals": {"aws:PrincipalOrgID": "o-mine"}}


def test_an_organization_is_inside_when_it_is_the_accounts_own() -> None:
    everybody = to("*", **MINE)
    assert external_access(everybody, Value("o-mine")).status is Status.PASS
    assert external_access(everybody, Value("o-other")).status is Status.FAIL
    assert external_access(everybody, Missing("the account is in no organization")).status is Status.FAIL
    assert external_access(everybody).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("organization", "expected"),
    [
        (Value("o-mine"), Status.FAIL),
        (Value("o-other"), Status.PASS),
        (Missing("the account is in no organization"), Status.PASS),
        (healthy.HEALTHY.organization_id, Status.UNKNOWN),  # it was not asked
        (NOT_READ, Status.UNKNOWN),
    ],
)
def test_the_organization_of_the_bucket_is_known_only_where_it_was_asked(
    organization: Fact[str], expected: Status
) -> None:
    everybody = on_bucket("*", "s3:GetObject", StringEquals={"aws:ResourceOrgID": "o-mine"})
    facts = healthy.but(bucket_policy=policy(everybody), organization_id=organization)
    assert result(facts, IN_BUCKET).status is expected
    theirs = dataclasses.replace(facts, bucket_owner=Value(OTHER))
    assert result(theirs, IN_BUCKET).status is Status.UNKNOWN


def test_the_organization_is_asked_for_where_a_policy_depends_on_that_of_the_bucket() -> None:
    everybody = on_bucket("*", "s3:GetObject", StringEquals={"aws:ResourceOrgID": "o-mine"})
    assert _depends_on_organization(healthy.TARGET, [policy(everybody)])


def for_log_groups(operator: str, arn: str) -> Statement:
    condition = {operator: {"kms:EncryptionContext:aws:logs:arn": arn}}
    return to({"Service": "logs.us-east-1.amazonaws.com"}, ["kms:Decrypt", "kms:ReEncrypt*"], **condition)


LOG_GROUPS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (for_log_groups("ArnEquals", f"{LOG_GROUPS}/trail"), Status.PASS),
        (for_log_groups("ArnLike", f"{LOG_GROUPS[:-10]}*"), Status.PASS),
        (for_log_groups("StringEquals", f"{LOG_GROUPS}/trail"), Status.PASS),
        (for_log_groups("ArnLike", "arn:aws:logs:us-east-1:*:log-group:/trail"), Status.FAIL),
        (for_log_groups("ArnLike", "arn:aws:logs:*:*:*"), Status.FAIL),
        (for_log_groups("ArnEquals", LOG_GROUPS.replace(ACCOUNT, OTHER) + "x"), Status.FAIL),
        (for_log_groups("ArnNotEquals", f"{LOG_GROUPS}/trail"), Status.FAIL),
        (to({"Service": "logs.us-east-1.amazonaws.com"}), Status.FAIL),
        # Where a star reaches over colons, another account's log group has no colon after its name.
        (for_log_groups("StringLike", f"arn:aws:logs:*:{ACCOUNT}:*"), Status.PASS),
        (for_log_groups("StringLike", f"arn:aws:logs:*:{ACCOUNT}:log-group:*"), Status.PASS),
        (for_log_groups("StringLike", f"arn:aws:logs:*{ACCOUNT}*"), Status.FAIL),
        (for_log_groups("StringLike", f"arn:aws:logs:*:{ACCOUNT}"), Status.FAIL),
        (for_log_groups("StringLike", "arn:aws:logs:*:query-result:*"), Status.FAIL),
        (for_log_groups("ArnLike", "arn:aws:logs:us-east-1:*:anomaly-detector:*"), Status.FAIL),
        (for_log_groups("StringEquals", f"arn:aws:logs:us-east-1:{OTHER}:query-result:*"), Status.FAIL),
        # Only CloudWatch Logs is known to name a log group.
        (but(for_log_groups("ArnEquals", f"{LOG_GROUPS}/x"), Principal={"Service": "x.amazonaws.com"}), Status.UNKNOWN),
    ],
)
def test_cloudwatch_logs_decrypts_for_the_log_groups_that_the_key_policy_names(
    statement: Statement, expected: Status
) -> None:
    assert external_access(statement).status is expected


THEIR_GRANT = KeyGrant("a" * 64, f"arn:aws:iam::{OTHER}:root", ("Decrypt",))


@pytest.mark.parametrize(("trusted", "expected"), [((), Status.FAIL), ((OTHER,), Status.PASS)])
def test_a_key_of_another_account_is_its_owners_to_end(trusted: tuple[str, ...], expected: Status) -> None:
    theirs = Value(healthy.KEY_ARN.replace(ACCOUNT, OTHER))
    target = dataclasses.replace(healthy.TARGET, trusted_accounts=trusted)
    unread: Fact[str] = healthy.HEALTHY.key_policy if trusted else Denied("kms:GetKeyPolicy")
    facts = healthy.but(target=target, key_arn=theirs, key_policy=unread, key_grants=Value((THEIR_GRANT,)))

    for check in ("key_keeps_strangers_out", "key_grants_keep_strangers_out"):
        assert result(facts, check).status is expected


PRIMARY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/mrk-1"
REPLICA = PRIMARY.replace("us-east-1", "eu-west-1")
OWN_POLICY = json.loads(corrected_key_policy(None, TRAIL_ARN))["Statement"]


@pytest.mark.parametrize(
    ("policies", "grants", "expected"),
    [
        ({REPLICA: policy(*OWN_POLICY).value}, {}, Status.PASS),
        ({}, {}, Status.PASS),  # it is no more
        ({REPLICA: policy(*OWN_POLICY, to({"AWS": OTHER})).value}, {}, Status.FAIL),
        ({REPLICA: policy(*OWN_POLICY).value}, {REPLICA: (THEIR_GRANT,)}, Status.FAIL),
        ({REPLICA: policy(*OWN_POLICY, to("*", IpAddress={"aws:SourceIp": "::/0"})).value}, {}, Status.UNKNOWN),
        ({REPLICA: "{"}, {}, Status.UNKNOWN),
    ],
)
def test_a_replica_of_the_key_is_judged_by_its_own_policy_and_grants(
    policies: dict[str, str], grants: dict[str, tuple[KeyGrant, ...]], expected: Status
) -> None:
    check = "key_replicas_keep_strangers_out"
    key = Value(Key(PRIMARY, is_customer_managed=True, state="Enabled", replicas=(REPLICA,)))
    told: dict[str, Any] = {"replica_policies": Value(policies), "replica_grants": Value(grants)}
    facts = healthy.but(key=key, key_arn=Value(PRIMARY), **told)
    assert result(facts, check).status is expected
    another = Value(dataclasses.replace(key.value, arn=healthy.KEY_ARN))
    unread_facts: list[dict[str, Any]] = [{"key": another}, *({fact: Denied("kms:X")} for fact in ("key", *told))]
    for unread in unread_facts:
        assert result(dataclasses.replace(facts, **unread), check).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("accounts.google.com", Status.FAIL),
        (f"arn:aws:iam::{OTHER}:saml-provider/x", Status.FAIL),
        (f"arn:aws:iam::{ACCOUNT}:saml-provider/x", Status.PASS),
    ],
)
def test_whom_a_provider_vouches_for_is_an_outsider_unless_the_provider_is_the_accounts(
    provider: str, expected: Status
) -> None:
    assert external_access(to({"Federated": provider})).status is expected
    found = result(healthy.but(bucket_policy=policy(on_bucket({"Federated": provider}, "s3:GetObject"))), IN_BUCKET)
    assert found.status is expected


IN_BUCKET = "bucket_policy_keeps_strangers_out"


def on_bucket(who: Any, action: Any, path: str = "/*", **condition: Any) -> Statement:
    return {**to(who, action, **condition), "Resource": f"{BUCKET_ARN}{path}"}


CONFIG = {"Service": "config.amazonaws.com"}
OUTSIDE = {
    "an account replicates into it": (on_bucket({"AWS": OTHER}, "s3:ReplicateObject"), "s3:ReplicateObject is allowed"),
    "an account replicates deletions": (on_bucket({"AWS": OTHER}, "s3:ReplicateDelete"), "s3:ReplicateDelete"),
    "an account reads": (on_bucket({"AWS": OTHER}, "s3:GetObject"), "s3:GetObject is allowed to"),
    "anybody reads": (on_bucket("*", "s3:Get*"), "(anybody)"),
    "anybody reads one region's files": (
        on_bucket("*", "s3:GetObject", f"/AWSLogs/{ACCOUNT}/CloudTrail/x/*"),
        "s3:Get",
    ),
    "anybody who names a referer": (on_bucket("*", "s3:GetObject", StringLike={"aws:Referer": "http://x/*"}), "s3:Get"),
    "anybody who keeps to an ACL": (
        on_bucket({"AWS": OTHER}, "s3:PutObject", StringEquals={"s3:x-amz-acl": "bucket-owner-full-control"}),
        "s3:PutObject",
    ),
    "an account writes": (on_bucket({"AWS": f"arn:aws:iam::{OTHER}:role/x"}, "s3:PutObject"), "role/x"),
    "an account deletes": (on_bucket({"AWS": OTHER}, "s3:DeleteObject*"), "s3:DeleteObject"),
    "an account changes the policy": (on_bucket({"AWS": OTHER}, "s3:PutBucketPolicy", ""), "s3:PutBucketPolicy"),
    "an account lets logs expire": (on_bucket({"AWS": OTHER}, "s3:PutLifecycle*", ""), "s3:PutLifecycleConfiguration"),
    "an account lists": (on_bucket({"AWS": OTHER}, "s3:ListBucket", ""), "s3:ListBucket"),
    "everything but one action": (but(on_bucket({"AWS": OTHER}, "x"), Action=None, NotAction="s3:GetObject"), OTHER),
    "its access points": (on_bucket("*", "s3:*", StringEquals={"s3:DataAccessPointAccount": OTHER}), OTHER),
    "a service for anybody": (on_bucket(CONFIG, "s3:PutObject"), "config.amazonaws.com on behalf of any account"),
    "a service for an account": (
        on_bucket(CONFIG, "s3:GetObject", StringEquals={"aws:SourceAccount": OTHER}),
        "config.amazonaws.com",
    ),
    "a service for any bucket": (
        on_bucket({"Service": "s3.amazonaws.com"}, "s3:PutObject", ArnLike={"aws:SourceArn": "arn:aws:s3:::*"}),
        "s3.amazonaws.com",
    ),
    "any service, as everybody": (
        on_bucket("*", "s3:GetObject", Bool={"aws:PrincipalIsAWSService": "true"}),
        "on behalf",
    ),
    "one service, as everybody": (
        on_bucket("*", "s3:GetObject", StringEquals={"aws:PrincipalServiceName": "config.amazonaws.com"}),
        "config.amazonaws.com",
    ),
    "whoever sends another ACL": (
        on_bucket({"AWS": OTHER}, "s3:PutObject", StringEquals={"s3:x-amz-acl": "private"}),
        "s3:PutObject",
    ),
    "whoever sends no ACL": (on_bucket({"AWS": OTHER}, "s3:PutObject", Null={"s3:x-amz-acl": "true"}), "s3:PutObject"),
    "whoever has no referer": (on_bucket("*", "s3:GetObject", StringNotLike={"aws:Referer": "http://x/*"}), "s3:Get"),
    "CloudTrail may read": (on_bucket({"Service": "cloudtrail.amazonaws.com"}, "s3:GetObject"), "cloudtrail"),
}
# Several patterns decide one value, or a value is the caller's own.
X, Y = f"arn:aws:iam::{OTHER}", "888888888888"
POINT = "arn:aws:s3:us-east-1:*:accesspoint/shared*"
BY_SEVERAL: dict[str, tuple[Statement, ...]] = {
    "objects of any bucket": ({**on_bucket("*", "s3:GetObject"), "Resource": "arn:aws:s3:::*.json.gz"},),
    "a folder, but for a Deny of other names": (
        on_bucket("*", "s3:GetObject", "/AWSLogs/*"),
        but(on_bucket("*", "s3:*"), Effect="Deny", Resource=None, NotResource=f"{BUCKET_ARN}/*.gz"),
    ),
    "short names": (on_bucket("*", "s3:GetObject"), but(on_bucket("*", "s3:*", "/????*"), Effect="Deny")),
    "one's own folder": (on_bucket("*", "s3:PutObject", "/AWSLogs/${aws:PrincipalAccount}/*"),),
    "an access point's name": (on_bucket("*", "s3:*", StringLike={"s3:DataAccessPointArn": POINT}),),
    "another's access point": (on_bucket({"AWS": OTHER}, "s3:*", StringEquals={"s3:DataAccessPointAccount": Y}),),
    "a session, by its role": (
        on_bucket(
            {"AWS": f"arn:aws:sts::{OTHER}:assumed-role/r/s"},
            "s3:GetObject",
            ArnLike={"aws:PrincipalArn": f"{X}:role/a/r"},
        ),
    ),
    "accounts": (
        on_bucket("*", "s3:GetObject", StringLike={"aws:PrincipalAccount": "9*"}),
        but(on_bucket("*", "s3:*", StringNotLike={"aws:PrincipalAccount": "*1"}), Effect="Deny"),
    ),
    "organizations": (
        on_bucket("*", "s3:GetObject", StringLike={"aws:PrincipalOrgID": "o-a*"}),
        but(on_bucket("*", "s3:*", StringNotLike={"aws:PrincipalOrgID": "*z"}), Effect="Deny"),
    ),
    "numbers": (
        on_bucket("*", "s3:ListBucket", "", NumericLessThan={"s3:max-keys": "12"}),
        but(on_bucket("*", "s3:*", "", NumericLessThanEquals={"s3:max-keys": "10"}), Effect="Deny"),
    ),
    "letters' case": (
        on_bucket(
            "*",
            "s3:GetObject",
            StringEqualsIgnoreCase={"aws:UserAgent": "abc"},
            StringNotEquals={"aws:UserAgent": "abc"},
        ),
    ),
}
INSIDE = {
    "the account": on_bucket({"AWS": ACCOUNT}, "s3:*"),
    "the bucket's own account": on_bucket("*", "s3:*", StringEquals={"aws:PrincipalAccount": "${aws:ResourceAccount}"}),
    "everybody of the account": on_bucket("*", "s3:*", StringEquals={"aws:PrincipalAccount": ACCOUNT}),
    "its own access points": on_bucket("*", "s3:*", StringEquals={"s3:DataAccessPointAccount": ACCOUNT}),
    "a service for the account": on_bucket(CONFIG, "s3:PutObject", StringEquals={"aws:SourceAccount": ACCOUNT}),
    "a service for a resource of the account": on_bucket(
        CONFIG, "s3:PutObject", ArnLike={"aws:SourceArn": f"arn:aws:config:*:{ACCOUNT}:*"}
    ),
    "a service for one bucket of the account": on_bucket(
        {"Service": "logging.s3.amazonaws.com"},
        "s3:PutObject",
        ArnLike={"aws:SourceArn": "arn:aws:s3:::mine"},
        StringEquals={"aws:SourceAccount": ACCOUNT},
    ),
    "a service for the log bucket": on_bucket(
        {"Service": "s3.amazonaws.com"}, "s3:PutObject", ArnLike={"aws:SourceArn": BUCKET_ARN}
    ),
    "CloudTrail writes": on_bucket({"Service": "cloudtrail.amazonaws.com"}, "s3:PutObject"),
    "an account sees the settings": on_bucket({"AWS": OTHER}, "s3:GetBucketLocation", ""),
    "an account, denied": but(on_bucket({"AWS": OTHER}, "s3:GetObject"), Effect="Deny"),
}


def who_reaches_the_bucket(statement: Statement, *, is_first: bool = False) -> Result:
    own = json.loads(corrected_bucket_policy(None, TRAIL_ARN, BUCKET, None))["Statement"]
    statements = (statement, *own) if is_first else (*own, statement)
    return result(healthy.but(bucket_policy=policy(*statements)), "bucket_policy_keeps_strangers_out")


ANY_TWELVE = "?" * 12
# As many question marks as an account's number has digits match each of them, also of one that no policy names.
FROM_ANY_ACCOUNT = {
    "its number": on_bucket("*", "s3:GetObject", StringLike={"aws:PrincipalAccount": ANY_TWELVE}),
    "a role": on_bucket("*", "s3:GetObject", ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{ANY_TWELVE}:role/x"}),
    "a service": on_bucket(CONFIG, "s3:GetObject", StringLike={"aws:SourceAccount": ANY_TWELVE}),
    "a resource": on_bucket(CONFIG, "s3:PutObject", ArnLike={"aws:SourceArn": f"arn:aws:s3:*:{ANY_TWELVE}:*"}),
    "an access point": on_bucket("*", "s3:*", StringLike={"s3:DataAccessPointAccount": ANY_TWELVE}),
}


@pytest.mark.parametrize("statement", FROM_ANY_ACCOUNT.values(), ids=FROM_ANY_ACCOUNT)
def test_question_marks_for_an_account_match_that_of_anybody(statement: Statement) -> None:
    assert who_reaches_the_bucket(statement).status is Status.FAIL


def test_question_marks_for_an_account_match_that_of_any_key_user_and_trail() -> None:
    assert external_access(to("*", StringLike={"kms:CallerAccount": ANY_TWELVE})).status is Status.FAIL
    trails = {"StringLike": {"aws:SourceArn": TRAIL_ARN.replace(ACCOUNT, ANY_TWELVE)}}
    mine = {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}
    assert of_bucket({**trails, **mine}).status is of_key({**trails, **mine}).status is Status.ADVICE


NUMBERS = [f"{number * 7919 + 300000000000:012d}" for number in range(40)]
MORE_NUMBERS = [f"3{number:011d}" for number in range(1250)]
WORDS = ("Admin", "Audit", "Read", "Power", "Ops", "Sec", "Net", "Data", "Dev", "Bill", "Deploy", "Break")
# Dozens of ordinary patterns, any number of which one value could match.
MANY_PATTERNS: dict[str, Statement] = {
    "trails": on_bucket(
        {"Service": "cloudtrail.amazonaws.com"},
        ["s3:PutObject", "s3:GetObject"],
        StringLike={"aws:SourceArn": [f"arn:aws:cloudtrail:*:{each}:trail/*" for each in NUMBERS]},
    ),
    "resources": on_bucket(
        CONFIG, "s3:PutObject", ArnLike={"aws:SourceArn": [f"arn:aws:config:*:{each}:*" for each in NUMBERS]}
    ),
    "folders": but(
        on_bucket("*", "s3:DeleteObject"),
        Effect="Deny",
        Resource=[f"{BUCKET_ARN}/AWSLogs/*/{word}/*" for word in (*WORDS, *NUMBERS)],
    ),
    "roles": but(
        on_bucket(
            {"AWS": NUMBERS[0]}, "s3:*", ArnNotLike={"aws:PrincipalArn": [f"arn:aws:iam::*:role/*{w}*" for w in WORDS]}
        ),
        Effect="Deny",
    ),
}


@pytest.mark.parametrize("statement", MANY_PATTERNS.values(), ids=MANY_PATTERNS)
def test_dozens_of_ordinary_patterns_are_decided_in_time(statement: Statement) -> None:
    target = dataclasses.replace(healthy.TARGET, trusted_accounts=tuple(NUMBERS))
    before = process_time()
    assert result(healthy.but(bucket_policy=policy(statement), target=target), IN_BUCKET).status is Status.PASS
    # One outsider more is found among them.
    facts = healthy.but(bucket_policy=policy(statement, on_bucket({"AWS": OTHER}, "s3:GetObject")), target=target)
    assert result(facts, IN_BUCKET).status is Status.FAIL
    assert process_time() - before < 5


@pytest.mark.parametrize(
    ("service", "operator", "expected"),
    [
        ("config", "StringLike", Status.PASS),
        ("cloudtrail", "StringLike", Status.PASS),
        ("logs", "ArnLike", Status.PASS),
        # A log group can be named as the account, and a star of StringLike reaches over colons.
        ("logs", "StringLike", Status.FAIL),
    ],
)
def test_a_star_reaches_over_colons_where_there_can_be_some(service: str, operator: str, expected: Status) -> None:
    of_account: dict[str, Any] = {operator: {"aws:SourceArn": f"arn:aws:{service}:*:{ACCOUNT}:*"}}
    by_service = on_bucket({"Service": f"{service}.amazonaws.com"}, "s3:GetObject", **of_account)
    found = who_reaches_the_bucket(by_service)
    assert (found.status, "one of ArnLike does not" in found.actual) == (expected, expected is Status.FAIL)


def test_another_trail_that_dozens_of_patterns_match_is_one_that_there_can_be() -> None:
    trails = [f"arn:aws:cloudtrail:*:{each}:trail/*" for each in NUMBERS]
    found = of_key({"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}})
    assert found.status is Status.ADVICE
    assert found.actual.endswith(f":{NUMBERS[0]}:trail/(any other) as well")


LARGE: dict[str, tuple[Statement, ...]] = {
    "access points": (on_bucket("*", "s3:*", StringEquals={"s3:DataAccessPointAccount": MORE_NUMBERS}),),
    "sources": (
        on_bucket(CONFIG, "s3:GetObject", StringLike={"aws:SourceAccount": ACCOUNT}),
        *(
            on_bucket("*", "s3:GetObject", StringLike={"aws:SourceArn": f"arn:aws:{word}:*:{each}:*{word}*"})
            for word, each in zip(WORDS, NUMBERS, strict=False)
        ),
        on_bucket("*", "s3:GetObject", StringNotEquals={"aws:SourceAccount": MORE_NUMBERS[:200]}),
    ),
}


@pytest.mark.parametrize("statements", LARGE.values(), ids=LARGE)
def test_a_large_policy_is_given_up_in_time(statements: tuple[Statement, ...]) -> None:
    before = process_time()
    denied = [but(each, Effect="Deny") for each in statements[1:]] or [but(statements[0], Effect="Deny")]
    facts = healthy.but(bucket_policy=policy(statements[0], *denied))
    assert result(facts, IN_BUCKET).status is Status.UNKNOWN
    assert process_time() - before < 5


def test_of_a_thousand_accounts_that_a_policy_names_one_outsider_is_enough() -> None:
    named = on_bucket({"AWS": [f"arn:aws:iam::{each}:root" for each in MORE_NUMBERS]}, "s3:GetObject")
    facts = healthy.but(bucket_policy=policy(named))
    assert bucket_policy_keeps_outsiders_out(facts).status is Status.FAIL
    trusted = dataclasses.replace(healthy.TARGET, trusted_accounts=tuple(MORE_NUMBERS))
    assert bucket_policy_keeps_outsiders_out(dataclasses.replace(facts, target=trusted)).status is Status.PASS


@pytest.mark.parametrize("arn", [f"ARN:AWS:IAM::{OTHER}:ROLE/AUDIT", f"arn:aws:iam::{OTHER}:Role/Audit"])
def test_a_principal_in_whatever_case_is_seen(arn: str) -> None:
    condition: dict[str, Any] = {"StringEqualsIgnoreCase": {"aws:PrincipalArn": arn}}
    assert who_reaches_the_bucket(on_bucket("*", "s3:GetObject", **condition)).status is Status.FAIL
    condition["StringLike"] = {"aws:PrincipalArn": "*/aUd?t"}
    assert who_reaches_the_bucket(on_bucket("*", "s3:GetObject", **condition)).status is Status.FAIL


def test_a_number_beside_it_hides_no_text_that_a_caller_chooses() -> None:
    seven = on_bucket("*", "s3:ListBucket", "", StringEquals={"s3:max-keys": "7"})
    many = on_bucket("*", "s3:ListBucket", "", NumericGreaterThan={"s3:max-keys": "100"})
    facts = healthy.but(bucket_policy=policy(seven, but(many, Effect="Deny")))
    assert result(facts, IN_BUCKET).status is Status.FAIL


def test_a_service_of_china_has_a_name_of_its_own() -> None:
    named = on_bucket("*", "s3:GetObject", StringEquals={"aws:PrincipalServiceName": "ec2.amazonaws.com.cn"})
    assert who_reaches_the_bucket(named).status is Status.FAIL


@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize(("statement", "words"), OUTSIDE.values(), ids=OUTSIDE)
def test_an_outsider_that_reaches_the_bucket_is_named_with_the_statement(
    statement: Statement, words: str, *, is_first: bool
) -> None:
    found = who_reaches_the_bucket({**statement, "Sid": "Evil"}, is_first=is_first)
    assert found.status is Status.FAIL
    assert words in found.actual
    assert "by statement Evil" in found.actual
    assert "get-bucket-policy" in found.fix_cli


@pytest.mark.parametrize("statements", BY_SEVERAL.values(), ids=BY_SEVERAL)
def test_who_has_one_value_that_meets_several_patterns_is_seen(statements: tuple[Statement, ...]) -> None:
    facts = healthy.but(bucket_policy=policy(*statements), organization_id=Value("o-mine"))
    assert result(facts, IN_BUCKET).status is Status.FAIL


@pytest.mark.parametrize("statement", INSIDE.values(), ids=INSIDE)
def test_whoever_is_inside_is_not_reported(statement: Statement) -> None:
    assert who_reaches_the_bucket(statement).status is Status.PASS


@pytest.mark.parametrize(
    ("statement", "denied", "expected"),
    [
        # Over plain HTTP, unless that is denied.
        (on_bucket({"AWS": OTHER}, "s3:GetObject", Bool={"aws:SecureTransport": "false"}), {}, Status.FAIL),
        (on_bucket({"AWS": OTHER}, "s3:GetObject", NumericLessThan={"s3:TlsVersion": "1.2"}), {}, Status.FAIL),
        (
            on_bucket({"AWS": OTHER}, "s3:GetObject", Bool={"aws:SecureTransport": "false"}),
            {"Bool": {"aws:SecureTransport": "false"}},
            Status.PASS,
        ),
        # What somebody has to send, and may not.
        (
            on_bucket({"AWS": OTHER}, "s3:PutObject", StringEquals={"s3:x-amz-acl": "private"}),
            {"StringEquals": {"s3:x-amz-acl": "private"}},
            Status.PASS,
        ),
        (
            on_bucket({"AWS": OTHER}, "s3:PutObject"),
            {"StringNotEquals": {"s3:x-amz-acl": "private"}},
            Status.FAIL,
        ),
    ],
)
def test_what_callers_choose_keeps_them_out_where_it_is_denied_alone(
    statement: Statement, denied: dict[str, Any], expected: Status
) -> None:
    no = but(on_bucket("*", "s3:*", **denied), Effect="Deny") if denied else on_bucket({"AWS": ACCOUNT}, "s3:*")
    facts = healthy.but(bucket_policy=policy(statement, no))
    assert result(facts, IN_BUCKET).status is expected


def test_two_grants_that_want_different_values_are_each_met() -> None:
    """What one wants does not keep a caller from what the other wants."""
    theirs = on_bucket({"AWS": OTHER}, "s3:ListBucket", "", StringEquals={"s3:prefix": "AWSLogs/"})
    ours = on_bucket({"AWS": ACCOUNT}, "s3:ListBucket", "", StringEquals={"s3:prefix": "home/"})
    for statements in ((theirs, ours), (ours, theirs)):
        assert result(healthy.but(bucket_policy=policy(*statements)), IN_BUCKET).status is Status.FAIL


def test_so_many_choices_that_nobody_tries_them_all_are_not_known() -> None:
    chosen = {f"s3:x-amz-meta-{number}": list(map(str, range(9))) for number in range(9)}
    never = but(on_bucket("*", "s3:*", StringLike={"s3:x-amz-meta-0": "*"}), Effect="Deny")
    theirs = on_bucket({"AWS": OTHER}, "s3:PutObject", StringEquals=chosen)
    before = process_time()

    assert result(healthy.but(bucket_policy=policy(theirs, never)), IN_BUCKET).status is Status.UNKNOWN
    assert process_time() - before < 10


def test_whose_a_named_bucket_is_is_not_known() -> None:
    of_a_bucket = on_bucket(
        {"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", ArnLike={"aws:SourceArn": "arn:aws:s3:::somebodys"}
    )
    assert who_reaches_the_bucket(of_a_bucket).status is Status.UNKNOWN


def test_what_an_address_keeps_out_is_not_known() -> None:
    by_address = on_bucket("*", "s3:GetObject", IpAddress={"aws:SourceIp": "203.0.113.0/24"})
    assert who_reaches_the_bucket(by_address).status is Status.UNKNOWN


def test_a_bucket_without_a_policy_lets_nobody_in() -> None:
    facts = healthy.but(bucket_policy=Missing("has no policy"))
    assert result(facts, "bucket_policy_keeps_strangers_out").status is Status.PASS


@pytest.mark.parametrize(
    ("who", "expected"), [({"AWS": OTHER}, Status.FAIL), ("*", Status.FAIL), ({"AWS": ACCOUNT}, Status.PASS)]
)
def test_an_access_point_is_another_way_in(who: Any, expected: Status) -> None:
    # Where the bucket is, and not the trail.
    arn = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/ap"
    resource = f"{arn}/object/*"
    text = json.dumps({"Statement": [{**to(who, "s3:GetObject"), "Resource": resource}]})
    facts = healthy.but(access_points=Value((arn, f"{arn}2")), access_point_policies=Value({arn: text}))
    found = result(facts, "access_points_keep_strangers_out")
    assert found.status is expected
    assert ("access point ap: s3:GetObject" in found.actual) is (expected is Status.FAIL)


def test_an_access_point_that_is_not_decided_hides_no_other_one() -> None:
    def policy(own: str, **condition: Any) -> str:
        return json.dumps({"Statement": [{**to("*", "s3:GetObject", **condition), "Resource": f"{own}/object/*"}]})

    first, second = (f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/{name}" for name in ("a", "b"))
    by_address = policy(first, IpAddress={"aws:SourceIp": "203.0.113.0/24"})
    points = {"access_points": Value((first, second))}

    both = healthy.but(**points, access_point_policies=Value({first: by_address, second: policy(second)}))
    assert result(both, "access_points_keep_strangers_out").status is Status.FAIL
    one = healthy.but(**points, access_point_policies=Value({first: by_address}))
    assert result(one, "access_points_keep_strangers_out").status is Status.UNKNOWN
