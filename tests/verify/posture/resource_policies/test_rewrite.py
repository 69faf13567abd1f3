"""What a printed fix does to a policy: it adds what is missing and takes nothing from anybody."""

import json
import shlex
import subprocess
from typing import Any

import pytest

from tests.verify.posture import healthy
from tests.verify.posture.healthy import (
    ACCOUNT,
    BUCKET,
    HEALTHY,
    NOTHING_DELIVERED,
    TRAIL_ARN,
    but_trail,
    policy,
    report,
    result,
)
from tests.verify.posture.resource_policies.test_bucket_policy import GRANTS
from tests.verify.posture.resource_policies.test_key_policy import POLICIES, ROOT
from tests.verify.posture.statements import (
    BUCKET_ARN,
    FROM_ACCOUNT,
    FROM_TRAIL,
    WITHOUT_TLS,
    Statement,
    but,
    deny,
    grant,
)
from verify.fact import Denied, Fact, Failed, Missing, Value
from verify.policy.document import MalformedPolicy, parse_policy
from verify.policy.evaluation import Principal, PrincipalKind, Request, applies
from verify.posture.facts.trail import BucketEncryption, Key, TrailFacts
from verify.posture.model import Status
from verify.posture.resource_policies.rewrite import corrected_bucket_policy, corrected_key_policy

ALLOWS_CLOUDTRAIL = "bucket_policy_lets_cloudtrail_in"
TLS = "log_bucket_requires_tls"
NO_OTHER = "bucket_policy_names_the_trail"
KEY_ALLOWS_CLOUDTRAIL = "key_policy_lets_cloudtrail_in"
KEY_NO_OTHER = "key_policy_names_the_trail"
BUCKET_KEY = "log_bucket_uses_bucket_key"
# As AWS documents it for a bucket that two accounts share.
SHARED = [
    but(grant("s3:GetBucketAcl", BUCKET_ARN), Sid="AWSCloudTrailAclCheck20150319"),
    but(
        grant("s3:PutObject"),
        Sid="AWSCloudTrailWrite20150319",
        Resource=[f"{BUCKET_ARN}/AWSLogs/{account}/*" for account in (ACCOUNT, "222222222222")],
    ),
]
BY_HAND = [SHARED[0], but(SHARED[1], Resource=f"{BUCKET_ARN}/AWSLogs/{ACCOUNT}/*")]
ENCRYPTS = but(grant("kms:GenerateDataKey*"), Sid="CloudTrailEncrypts")
CALLS = {"Bool": {"aws:PrincipalIsAWSService": "true"}}


def corrected(present: list[Statement], *, binds: bool = False) -> list[Statement]:
    text = corrected_bucket_policy(json.dumps({"Statement": present}), TRAIL_ARN, BUCKET, None, binds=binds)
    statements: list[Statement] = json.loads(text)["Statement"]
    return statements


def written(fix: str) -> list[Statement]:
    """The policy in a command, as a shell takes it apart."""
    words = shlex.split(fix, comments=True)
    statements: list[Statement] = json.loads(words[words.index("--policy") + 1])["Statement"]
    return statements


def unreadable(fact: str, present: Fact[str]) -> TrailFacts:
    encryption = BucketEncryption("aws:kms", "k", uses_bucket_key=False)
    both = {"bucket_policy": policy(), "key_policy": policy(), fact: present}
    return healthy.but(bucket_encryption=Value(encryption), **both)


@pytest.mark.parametrize("present", [None, *(json.dumps({"Statement": case[1]}) for case in GRANTS[:9])])
def test_the_bucket_fix_makes_it_pass(present: str | None) -> None:
    facts = healthy.but(bucket_policy=Value(corrected_bucket_policy(present, TRAIL_ARN, BUCKET, None)))
    assert {result(facts, check).status for check in (ALLOWS_CLOUDTRAIL, TLS)} == {Status.PASS}


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "denied"])
def test_the_key_fix_allows_cloudtrail_and_never_locks_the_account_out(name: str) -> None:
    text = corrected_key_policy(json.dumps({"Statement": POLICIES[name]}), TRAIL_ARN)
    facts = healthy.but(key_policy=Value(text))
    assert {result(facts, check).status for check in (KEY_ALLOWS_CLOUDTRAIL, BUCKET_KEY)} == {Status.PASS}
    statements = [but(statement, Sid=None) for statement in json.loads(text)["Statement"]]
    assert [statement for statement in (ROOT, *POLICIES[name]) if but(statement, Sid=None) not in statements] == []


@pytest.mark.parametrize("name", ["by hand", "by hand, for the account", "as AWS documents it"])
def test_the_binding_key_fix_allows_no_other_trail(name: str) -> None:
    facts = healthy.but(key_policy=policy(*POLICIES[name]))
    text = corrected_key_policy(json.dumps({"Statement": POLICIES[name]}), TRAIL_ARN, binds=True)
    assert result(healthy.but(key_policy=Value(text)), KEY_NO_OTHER).status is Status.PASS
    if result(facts, KEY_NO_OTHER).status is Status.ADVICE:
        assert written(result(facts, KEY_NO_OTHER).fix_cli) == json.loads(text)["Statement"]


@pytest.mark.parametrize(
    ("present", "why"),
    [
        (Denied("x:y"), "denied"),
        (Failed("throttled"), "failed"),
        (Value("no json"), "malformed"),
        (Value("{}"), "empty"),
    ],
)
@pytest.mark.parametrize(
    ("fact", "reads"), [("bucket_policy", "s3api get-bucket-policy"), ("key_policy", "kms get-key-policy")]
)
def test_a_policy_that_could_not_be_read_is_never_written_over(
    fact: str, reads: str, present: Fact[str], why: str
) -> None:
    facts = unreadable(fact, present)
    # A key that is yet to be made, $KEY_ID, has nothing to lose.
    writes = f"{reads.split()[1].replace('get', 'put')} --{'key-id arn' if fact == 'key_policy' else 'bucket'}"
    assert [one.id for one in report(facts).results if writes in one.fix_cli] == [], why
    if fact == "key_policy":
        assert reads in result(facts, BUCKET_KEY).fix_cli
        assert "put-" not in result(facts, BUCKET_KEY).fix_cli


def test_a_policy_that_is_not_there_is_written() -> None:
    facts = healthy.but(bucket_policy=Missing(f"bucket {BUCKET} has no policy"))
    assert (
        written(result(facts, TLS).fix_cli)
        == json.loads(corrected_bucket_policy(None, TRAIL_ARN, BUCKET, None))["Statement"]
    )


def test_a_bucket_that_does_not_exist_is_created_with_a_policy_though_reading_one_is_denied() -> None:
    facts = healthy.but(bucket=Missing("there is no bucket"), bucket_policy=Denied("s3:GetBucketPolicy"))
    fix = result(facts, "log_bucket_exists").fix_cli
    assert "create-bucket" in fix
    assert len(written(fix)) == 3


def test_an_invalid_policy_is_never_treated_as_an_empty_one() -> None:
    with pytest.raises(MalformedPolicy):
        corrected_bucket_policy("no json", TRAIL_ARN, BUCKET, None)
    with pytest.raises(MalformedPolicy):
        corrected_key_policy("{}", TRAIL_ARN)


def test_a_new_key_gets_a_policy_of_its_own_and_not_another_keys() -> None:
    theirs = but(grant("kms:*"), Sid="TheirOwn")
    aws_key = Value(Key(healthy.KEY_ARN, is_customer_managed=False, state="Enabled"))
    fix = result(healthy.but(key=aws_key, key_policy=policy(theirs)), "key_exists").fix_cli
    assert theirs not in written(fix)
    assert ROOT in [but(statement, Sid=None) for statement in written(fix)]


@pytest.mark.parametrize("binds", [False, True])
def test_two_accounts_that_share_a_bucket_both_keep_their_grants(*, binds: bool) -> None:
    statements = corrected(SHARED, binds=binds)
    assert statements[:2] == SHARED
    sids = [statement["Sid"] for statement in statements]
    assert len(set(sids)) == len(sids) == 5
    assert all(sid.isalnum() for sid in sids)


@pytest.mark.parametrize("check", [TLS, ALLOWS_CLOUDTRAIL, NO_OTHER])
def test_no_printed_fix_takes_another_accounts_grant_away(check: str) -> None:
    facts = healthy.but(bucket_policy=policy(*(SHARED if check != ALLOWS_CLOUDTRAIL else SHARED[1:])))
    found = result(facts, check)
    assert found.status in (Status.FAIL, Status.ADVICE)
    assert "get-bucket-policy" in found.fix_cli or SHARED[1] in written(found.fix_cli)


def test_a_statement_is_never_replaced_for_its_name() -> None:
    theirs = but(grant("s3:PutObject", f"{BUCKET_ARN}/theirs/*"), Sid="DenyWithoutTls")
    statements = corrected([theirs], binds=True)
    assert statements[0] == theirs
    assert [statement["Sid"] for statement in statements].count("DenyWithoutTls") == 1
    text = corrected_key_policy(json.dumps({"Statement": but(theirs, Sid="Account", Resource="*")}), TRAIL_ARN)
    assert [statement["Sid"] for statement in json.loads(text)["Statement"]].count("Account") == 1


@pytest.mark.parametrize(
    "theirs",
    [
        SHARED[1],
        but(BY_HAND[1], Resource="*"),
        but(BY_HAND[1], Action=["s3:PutObject", "s3:GetObject"]),
        but(BY_HAND[1], Principal={"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]}),
        but(BY_HAND[1], Condition={"ArnEquals": {"aws:SourceArn": [TRAIL_ARN, TRAIL_ARN + "2"]}}),
        but(BY_HAND[1], Condition={"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}),
        but(BY_HAND[1], Condition={"StringEquals": {"aws:SourceOrgID": "o-1"}}),
        but(BY_HAND[1], Resource=None, NotResource=f"{BUCKET_ARN}/x/*"),
    ],
)
def test_a_grant_that_others_may_rely_on_keeps_every_grant(theirs: Statement) -> None:
    assert corrected([BY_HAND[0], theirs], binds=True)[:2] == [BY_HAND[0], theirs]


@pytest.mark.parametrize("condition", [{}, FROM_ACCOUNT, FROM_TRAIL])
def test_grants_for_this_account_alone_are_bound_to_the_trail(condition: dict[str, Any]) -> None:
    present = [but(statement, Condition=condition) for statement in BY_HAND]
    statements = corrected(present, binds=True)
    assert len(statements) == 3
    facts = healthy.but(bucket_policy=policy(*statements))
    assert {result(facts, check).status for check in (ALLOWS_CLOUDTRAIL, TLS, NO_OTHER)} == {Status.PASS}


def test_only_the_fix_for_other_trails_binds() -> None:
    facts = healthy.but(bucket_policy=policy(*BY_HAND))
    assert written(result(facts, TLS).fix_cli)[:2] == BY_HAND
    assert len(written(result(facts, NO_OTHER).fix_cli)) == 3


# The commonest mistakes: requests by a service carry none of these keys.
SHUT_OUT = {
    "by organization": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
    "by VPC endpoint": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
    "by VPC": {"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
    "by address": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    "by role": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
    "by another service": {"StringNotEqualsIfExists": {"aws:PrincipalServiceName": "config.amazonaws.com"}},
}


@pytest.mark.parametrize("condition", SHUT_OUT.values(), ids=SHUT_OUT)
@pytest.mark.parametrize("who", [{"Principal": "*"}, {"Principal": None, "NotPrincipal": {"AWS": ACCOUNT}}])
def test_a_deny_that_shuts_cloudtrail_out_is_one_for_all_others_afterwards(
    condition: dict[str, Any], who: dict[str, Any]
) -> None:
    denying = but(deny(condition, Action="s3:PutObject", Sid="X"), **who)
    found = result(healthy.but(bucket_policy=policy(*BY_HAND, denying, deny(WITHOUT_TLS))), ALLOWS_CLOUDTRAIL)
    assert (found.status, "denied by statement X" in found.actual) == (Status.FAIL, True)

    changed = written(found.fix_cli)
    (after,) = (statement for statement in changed if statement.get("Sid") == "X")
    assert [each for each in changed if each.get("Sid") != "X"][: len(BY_HAND) + 1] == [*BY_HAND, deny(WITHOUT_TLS)]
    assert but(after, Condition=None) == but(denying, Condition=None)
    assert result(healthy.but(bucket_policy=policy(*changed)), ALLOWS_CLOUDTRAIL).status is Status.PASS
    parsed = parse_policy(json.dumps({"Statement": [denying, after]}))
    # Whoever else was denied still is.
    for name in ("aws:sourcevpce", "aws:principalorgid", "aws:principalservicename"):
        others = {"aws:principalservicename": (), **dict.fromkeys(("aws:sourcevpc", "aws:sourceip"), ()), name: ("x",)}
        request = Request(
            Principal(PrincipalKind.AWS, "arn:aws:iam::999999999999:role/x"), "s3:PutObject", f"{BUCKET_ARN}/k", others
        )
        assert applies(parsed[0], request) == applies(parsed[1], request)


def test_a_deny_that_names_cloudtrail_is_shown_and_not_changed() -> None:
    key = healthy.but(key_policy=policy(ROOT, ENCRYPTS, but(ENCRYPTS, Effect="Deny", Sid="Y")))
    assert "get-key-policy" in result(key, KEY_ALLOWS_CLOUDTRAIL).fix_cli
    assert "remove or narrow statement Y" in result(key, KEY_ALLOWS_CLOUDTRAIL).fix_cli


def test_a_deny_is_named_before_a_grant_that_is_missing() -> None:
    never = deny({}, Action="s3:PutObject", Sid="X")
    assert "denied by statement X" in result(healthy.but(bucket_policy=policy(never)), ALLOWS_CLOUDTRAIL).actual


@pytest.mark.parametrize("sid", ["a\ntouch pwned", "'; touch pwned; '", "$(touch pwned)", "{aws} {nothing} }{"])
def test_a_statements_name_cannot_become_a_command(sid: str, tmp_path: Any) -> None:
    never = deny({}, Action="s3:PutObject", Sid=sid, Principal={"Service": "cloudtrail.amazonaws.com"})
    fix = result(healthy.but(bucket_policy=policy(never)), ALLOWS_CLOUDTRAIL).fix_cli
    # With and without comments, which zsh does not know on its command line.
    for text in (fix, fix.replace("#", "")):
        subprocess.run(["/bin/sh", "-c", f"aws() {{ :; }}\n{text}"], cwd=tmp_path, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
    assert fix.isprintable()


def test_a_fix_that_would_not_help_is_not_printed() -> None:
    target = but_trail(is_organization=True).target
    members = healthy.but(target=target, bucket_policy=policy(), status=NOTHING_DELIVERED)
    assert "get-bucket-policy" in result(members, ALLOWS_CLOUDTRAIL).fix_cli
    to_any = healthy.but(key_policy=policy(ROOT, grant("kms:*")))
    assert "get-key-policy" in result(to_any, KEY_NO_OTHER).fix_cli
    assert HEALTHY.key_policy != to_any.key_policy
