"""The named queries: each finds the events that answer it, and is the same file as the construct's of its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlglot

from verify.errors import UsageError
from verify.logs.decode import decoder_for
from verify.logs.engine import Engine, FileRow
from verify.logs.sql.named import named_queries, named_query, parse

ROOT = Path(__file__).parents[3]
OURS, THEIRS = ROOT / "verify/logs/sql/queries", ROOT / "constructs_lib/analytics/queries"
ACCOUNT = "111122223333"
Events = list[dict[str, Any]]


def ask(folder: Path, name: str, records: Events, **given: str) -> list[dict[str, Any]]:
    engine = Engine(folder)
    try:
        columns = engine.prepare(named_query(name).sql(given))
        decoded = decoder_for(columns)(json.dumps({"Records": records}).encode())
        engine.add(0, decoded.rows)
        engine.close_input([(0, FileRow("file", "", "", "", None, 0, decoded.events, ""))], [], None)
        found = engine.run()
        return [dict(zip([column.name for column in found.columns], row, strict=True)) for row in found.rows]
    finally:
        engine.close()


def call(name: str, service: str = "iam", **more: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-20T10:00:00Z",
        "eventName": name,
        "eventSource": f"{service}.amazonaws.com",
        "eventType": "AwsApiCall",
        "eventID": "e-1",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.1",
        "userAgent": "aws-cli",
        "recipientAccountId": ACCOUNT,
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "accountId": ACCOUNT,
            "userName": "alice",
            "accessKeyId": "AKIAALICE",
        },
    } | more


def session(name: str, service: str = "s3", instance: str = "i-0abc", **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/{instance}"
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/web", "userName": "web"}
    identity = {
        "type": "AssumedRole",
        "principalId": f"AROAX:{instance}",
        "arn": arn,
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAWEB",
        "sessionContext": {"sessionIssuer": issuer},
    }
    return call(name, service, userIdentity=identity, **more)


def assumed(role: str, key: str, by: dict[str, Any]) -> dict[str, Any]:
    return by | {
        "eventName": "AssumeRole",
        "requestParameters": {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/deep/{role}", "roleSessionName": "s"},
        "responseElements": {"credentials": {"accessKeyId": key}},
    }


def sign_in(result: str, **more: Any) -> dict[str, Any]:
    return call("ConsoleLogin", "signin", responseElements={"ConsoleLogin": result}, **more)


ROOT_USER = {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"}
OLD = {"eventTime": "2026-11-01T10:00:00Z"}
GET: dict[str, Any] = {"requestParameters": {"bucketName": "secrets", "key": "a"}, "eventCategory": "Data"}
SINCE = {"since": "2026/11/15"}
# Query → its parameters, events that answer it, and events beside them, of which none does.
CASES: dict[str, tuple[dict[str, str], Events, Events]] = {
    "busiest-minutes": ({}, [call("A")], []),
    "calls-of-other-accounts": (
        {},
        [call("A", userIdentity={"type": "AWSAccount", "accountId": "444455556666"})],
        [call("A")],
    ),
    "code-changed": ({}, [call("UpdateFunctionCode20150331v2", "lambda")], [call("GetFunction20150331v2", "lambda")]),
    "commands-on-instances": ({}, [call("SendCommand", "ssm")], [call("ListCommands", "ssm")]),
    "console-sign-ins": ({}, [sign_in("Success")], [call("A")]),
    "console-sign-ins-without-mfa": (
        {},
        [sign_in("Success", additionalEventData={"MFAUsed": "No"})],
        [sign_in("Success", additionalEventData={"MFAUsed": "Yes"}), sign_in("Failure")],
    ),
    "data-events-by-bucket": ({}, [call("GetObject", "s3", **GET)], [call("ListBuckets", "s3")]),
    "data-read-by-minute": ({}, [session("GetObject", **GET)], [session("GetObject", errorCode="AccessDenied")]),
    "deleted-resources": ({}, [call("DeleteBucket", "s3")], [call("DeleteBucket", "s3", errorCode="X"), call("A")]),
    "denied-calls": ({}, [call("A", errorCode="AccessDenied")], [call("A", errorCode="Throttling"), call("A")]),
    "errors-by-call": ({}, [call("A", errorCode="Throttling")], [call("A")]),
    "event-by-id": ({"id": "e-1"}, [call("A")], [call("A", eventID="e-2")]),
    "failed-sign-ins": ({}, [sign_in("Failure")], [sign_in("Success")]),
    "guards-switched-off": ({}, [call("DeleteDetector", "guardduty")], [call("GetDetector", "guardduty")]),
    "instance-role-elsewhere": (
        {},
        [session("A"), session("A", sourceIPAddress="203.0.113.7")],
        [session("A", instance="i-0def"), session("A", instance="i-0def"), call("A"), call("A", sourceIPAddress="x")],
    ),
    "keys-disabled-or-deleted": ({}, [call("DisableKey", "kms")], [call("Decrypt", "kms")]),
    "listed-then-read": (
        {},
        [session("ListBuckets"), session("GetObject", **GET)],
        [session("GetObject", instance="i-0def"), session("ListBuckets", instance="i-0123")],
    ),
    "long-lived-keys": ({}, [call("A")], [session("A")]),
    "network-opened": ({}, [call("AuthorizeSecurityGroupIngress", "ec2")], [call("DescribeVpcs", "ec2")]),
    "new-access-keys-and-users": ({}, [call("CreateUser")], [call("ListUsers"), call("CreateUser", errorCode="X")]),
    "new-addresses": (SINCE, [call("A", sourceIPAddress="203.0.113.7")], [call("A"), call("A", **OLD)]),
    "new-callers": (SINCE, [session("A")], [call("A"), call("A", **OLD)]),
    "new-regions": (SINCE, [call("A", awsRegion="eu-south-1")], [call("A"), call("A", **OLD)]),
    "new-services": (SINCE, [call("A", "ml")], [call("A"), call("A", **OLD)]),
    "old-tls": (
        {},
        [call("A", tlsDetails={"tlsVersion": "TLSv1.1"})],
        [call("A", tlsDetails={"tlsVersion": "TLSv1.3"})],
    ),
    "permissions-changed": ({}, [call("PutUserPolicy"), call("AttachRolePolicy")], [call("GetUserPolicy")]),
    "role-chain": (
        {"role": "web"},
        [assumed("web", "ASIA2", session("A")), assumed("middle", "ASIAWEB", call("A"))],
        [assumed("other", "ASIA3", call("A"))],
    ),
    "root-user": ({}, [call("A", userIdentity=ROOT_USER)], [call("A")]),
    "secrets-read": ({}, [call("GetSecretValue", "secretsmanager")], [call("ListSecrets", "secretsmanager")]),
    "session-tokens-made": ({}, [call("GetFederationToken", "sts")], [call("GetCallerIdentity", "sts")]),
    "shared-or-public": ({}, [call("ModifySnapshotAttribute", "ec2")], [call("DescribeSnapshots", "ec2")]),
    "top-callers": ({}, [call("A")], []),
    "top-events-by-source": ({}, [call("A")], []),
    "trust-changed": ({}, [call("UpdateAssumeRolePolicy")], [call("GetRole")]),
    "user-agents": ({}, [call("A")], []),
    "what-did-this-address-do": ({"ip": "203.0.113.7"}, [call("A", sourceIPAddress="203.0.113.7")], [call("A")]),
    "what-did-this-key-do": ({"key": "AKIAALICE"}, [call("A")], [session("A")]),
    "what-did-this-role-do": ({"role": "web"}, [session("A")], [call("A")]),
    "what-did-this-session-do": ({"session": "i-0abc"}, [session("A")], [session("A", instance="i-0def"), call("A")]),
    "who-assumed-this-role": ({"role": "web"}, [assumed("web", "K", call("A"))], [assumed("web2", "K", call("A"))]),
    "who-deleted-this": (
        {"resource": "it's"},
        [call("DeleteTable", "dynamodb", requestParameters={"tableName": "it's"})],
        [
            call("DeleteTable", "dynamodb", requestParameters={"tableName": "b"}),
            call("A", requestParameters={"n": "it's"}),
        ],
    ),
    "who-touched-the-trail": ({}, [call("StopLogging", "cloudtrail")], [call("GetTrail", "cloudtrail")]),
}


def test_every_query_has_its_case() -> None:
    assert set(CASES) == set(named_queries())
    assert len(CASES) >= 30


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_query_finds_what_answers_it_and_nothing_else(name: str, tmp_path: Path) -> None:
    given, answers, others = CASES[name]

    alone, beside = ask(tmp_path, name, answers, **given), ask(tmp_path, name, [*others, *answers], **given)

    assert alone and beside == alone
    assert ask(tmp_path, name, others, **given) == []


@pytest.mark.slow
def test_the_chain_of_roles_leads_to_the_first_who_had_none(tmp_path: Path) -> None:
    given, answers, _ = CASES["role-chain"]

    found = ask(tmp_path, "role-chain", answers, **given)

    assert [(row["step"], row["identity_type"]) for row in found] == [(1, "AssumedRole"), (2, "IAMUser")]


@pytest.mark.slow
@pytest.mark.parametrize("value", ["' OR 1 = 1 --", "%", "\\", "'; DROP TABLE records; --", '"', "\x00"[:0] + "é"])
def test_a_parameter_is_a_text_and_no_sql(value: str, tmp_path: Path) -> None:
    assert ask(tmp_path, "what-did-this-key-do", [call("A")], key=value) == []


def test_parameters_are_named_when_they_are_missing_or_unknown() -> None:
    with pytest.raises(UsageError, match="needs --param role="):
        named_query("role-chain").sql({})
    with pytest.raises(UsageError, match="takes no such parameter"):
        named_query("root-user").sql({"role": "web"})
    with pytest.raises(UsageError, match="no query"):
        named_query("../../etc/passwd")


def test_files_of_one_name_are_the_same_in_both_parts() -> None:
    theirs = sorted(THEIRS.glob("*.sql"))

    assert theirs
    assert [file.read_bytes() for file in theirs] == [(OURS / file.name).read_bytes() for file in theirs]


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_order_of_rows_leaves_nothing_to_the_engine(name: str) -> None:
    query = sqlglot.parse_one(named_query(name).athena, read="athena")
    assert isinstance(query, sqlglot.exp.Select)
    names = {column.unalias().sql(): column.alias_or_name for column in query.selects}
    grouped = [names[each.sql()] for each in query.args["group"].expressions] if query.args.get("group") else []
    of_distinct = list(names.values()) if query.args.get("distinct") else []

    ordered = {each.this.sql() for each in query.args["order"].expressions}

    assert ordered.issuperset(grouped or of_distinct or ["eventid"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["code-changed", "errors-by-call"])
def test_of_more_events_than_a_query_shows_it_chooses_the_same_in_whatever_order_they_come(
    name: str, tmp_path: Path
) -> None:
    records = [
        call(
            "CreateFunction20150331",
            "lambda",
            eventID=f"e-{number:04}",
            requestParameters={"functionName": f"f-{number:04}"},
            **({"errorCode": f"E{number:04}"} if name == "errors-by-call" else {}),
        )
        for number in range(300)
    ]

    found = ask(tmp_path, name, records)

    assert len(found) == named_query(name).limit < len(records)
    assert ask(tmp_path, name, records[::-1]) == found


def test_every_example_of_a_parameter_stands_in_its_statement() -> None:
    for query in named_queries().values():
        for parameter in query.parameters:
            assert f"'{parameter.example}'" in query.athena, query.name


def test_a_file_without_what_it_needs_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        parse("x", "-- What?\nSELECT 1\n")
