"""The named queries, run by an independent engine: each returns the events that answer it, and no other."""

import gzip
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from constructs_lib.analytics.log_table import _COLUMNS, _PARTITIONS
from constructs_lib.analytics.named_queries import NAMED_QUERIES

QUERIES = {query.name: query for query in NAMED_QUERIES}
TYPES = {**_COLUMNS, **dict.fromkeys(_PARTITIONS, "string")}
TODAY = datetime.now(UTC)
# Log files of a recorded attack (the stratus-red-team data set of Invictus IR).
RECORDED = Path(__file__).parents[4] / "shared" / "datasets" / "stratus-attack"


def cell(value: Any, type_: str) -> Any:
    """As Athena's reader sees it: the JSON text in a column of text, lower-case names inside a structure."""
    if value is None:
        return None
    if type_ == "string":
        return value if isinstance(value, str) else json.dumps(value)
    return lower(value)


def lower(value: Any) -> Any:
    if isinstance(value, dict):
        # The engine knows no empty structure.
        return {key.lower(): lower(item) for key, item in value.items()} or None
    return [lower(item) for item in value] if isinstance(value, list) else value


def load(records: list[dict[str, Any]], *, day: datetime = TODAY) -> duckdb.DuckDBPyConnection:
    """A table with the columns and types of the Glue table."""
    connection = duckdb.connect()
    columns = ", ".join(f"{name} {type_}" for name, type_ in TYPES.items())
    connection.execute(sqlglot.transpile(f"CREATE TABLE logs ({columns})", read="hive", write="duckdb")[0])
    partitions = {"account": "111122223333", "region": "eu-central-1", "day": f"{day:%Y/%m/%d}"}
    types = {name: type_ for name, type_, *_ in connection.execute("DESCRIBE logs").fetchall()}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        for record in records:
            named = {key.lower(): value for key, value in record.items()} | partitions
            file.write(json.dumps({name: cell(named.get(name), type_) for name, type_ in TYPES.items()}) + "\n")
        file.flush()
        connection.execute("INSERT INTO logs SELECT * FROM read_json(?, columns = ?)", [file.name, types])
    return connection


def ask(connection: duckdb.DuckDBPyConnection, name: str, account: str | None = None) -> list[dict[str, Any]]:
    sql = sqlglot.transpile(QUERIES[name].sql("logs", account), read="athena", write="duckdb")[0]
    found = connection.execute(sql)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def event(name: str, service: str = "iam", who: str = "alice", **more: Any) -> dict[str, Any]:
    return {
        "eventTime": f"{TODAY:%Y-%m-%dT%H:%M:%SZ}",
        "eventName": name,
        "eventSource": f"{service}.amazonaws.com",
        "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{who}"},
    } | more


def sign_in(who: str, type_: str, result: str, **additional: str) -> dict[str, Any]:
    return event(
        "ConsoleLogin",
        "signin",
        userIdentity={"type": type_, "arn": who},
        additionalEventData=additional,
        responseElements={"ConsoleLogin": result},
    )


ROOT_USER = {"type": "Root", "arn": "arn:aws:iam::111122223333:root"}
# Query → events that answer it, and events beside them.
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "WhoTouchedTheTrail": (
        [event("StopLogging", "cloudtrail"), event("DeleteTrail", "cloudtrail", errorCode="AccessDenied")],
        [event("GetTrailStatus", "cloudtrail"), event("StopLogging", "elsewhere")],
    ),
    "RootUser": (
        [event("CreateBucket", "s3", userIdentity=ROOT_USER)],
        [
            event("CreateBucket", "s3"),
            event("Decrypt", "kms", userIdentity={**ROOT_USER, "invokedBy": "s3.amazonaws.com"}),
            event("RotateKey", "kms", userIdentity=ROOT_USER, eventType="AwsServiceEvent"),
        ],
    ),
    "ConsoleSignInsWithoutMfa": (
        [
            sign_in("alice", "IAMUser", "Success", MFAUsed="No"),
            sign_in("root", "Root", "Success", MFAUsed="No"),
            sign_in("silent", "IAMUser", "Success"),
        ],
        [
            sign_in("careful", "IAMUser", "Success", MFAUsed="Yes"),
            sign_in("refused", "IAMUser", "Failure", MFAUsed="No"),
            sign_in("federated", "AssumedRole", "Success", MFAUsed="No"),
        ],
    ),
    "NewAccessKeysAndUsers": (
        [event("CreateAccessKey"), event("CreateUser"), event("AttachRolePolicy")],
        [event("CreateUser", errorCode="AccessDenied"), event("ListUsers"), event("CreateUser", "elsewhere")],
    ),
    "DeletedResources": (
        [event("DeleteBucket", "s3"), event("TerminateInstances", "ec2")],
        [event("DeleteBucket", "s3", errorCode="BucketNotEmpty"), event("UndeleteThing", "s3")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_query_returns_what_answers_it_and_nothing_else(name: str) -> None:
    answers, others = CASES[name]

    found = ask(load([*others, *answers]), name)

    def key(row: dict[str, Any]) -> tuple[Any, Any]:
        return row["eventname"], row["who"]

    assert sorted(map(key, found)) == sorted((answer["eventName"], answer["userIdentity"]["arn"]) for answer in answers)


def test_denied_calls_are_counted_by_who_and_what() -> None:
    denied = [event("DeleteTrail", "cloudtrail", errorCode=code) for code in ("AccessDenied", "AccessDeniedException")]
    ec2 = event("RunInstances", "ec2", errorCode="Client.UnauthorizedOperation")

    found = ask(load([*denied, ec2, event("DeleteTrail", errorCode="TrailNotFoundException")]), "DeniedCalls")

    assert [(row["eventname"], row["attempts"]) for row in found] == [("DeleteTrail", 2), ("RunInstances", 1)]


def test_every_query_was_tried() -> None:
    assert {*CASES, "DeniedCalls"} == set(QUERIES)


@pytest.mark.parametrize(("age_days", "rows"), [(0, 1), (6, 1), (9, 0)])
def test_a_query_covers_a_week(age_days: int, rows: int) -> None:
    logs = load([event("CreateUser")], day=TODAY - timedelta(days=age_days))

    assert len(ask(logs, "NewAccessKeysAndUsers")) == rows


@pytest.mark.parametrize(("account", "rows"), [("111122223333", 1), ("444455556666", 0)])
def test_in_an_organization_a_query_asks_about_one_account(account: str, rows: int) -> None:
    assert len(ask(load([event("CreateUser")]), "NewAccessKeysAndUsers", account)) == rows


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the real log files are not on this machine")
def test_a_recorded_attack_shows_in_the_answers() -> None:
    records = [
        record
        for file in RECORDED.rglob("*.json.gz")
        for record in json.loads(gzip.decompress(file.read_bytes()))["Records"]
    ]
    logs = load(records)

    assert {row["eventname"] for row in ask(logs, "WhoTouchedTheTrail")} >= {"StopLogging", "DeleteTrail"}
    made = [record for record in records if record["eventName"] == "CreateRole" and "errorCode" not in record]
    assert made
    assert [row["eventname"] for row in ask(logs, "NewAccessKeysAndUsers")].count("CreateRole") == len(made)
    attempts = [record for record in records if record.get("errorCode", "").startswith("AccessDenied")]
    assert sum(row["attempts"] for row in ask(logs, "DeniedCalls")) >= len(attempts) > 0
