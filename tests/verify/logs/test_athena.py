"""Queries that were written for Athena run over ``cloudtrail_logs``: those of AWS's pages, and their ways of asking."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verify.errors import UsageError
from verify.logs.decode import decoder_for
from verify.logs.engine import Engine, FileRow
from verify.logs.sql.athena import translated

ROLE = {"type": "Role", "arn": "arn:aws:iam::111122223333:role/web", "userName": "web"}
RECORD = {
    "eventVersion": "1.11",
    "eventTime": "2026-11-01T10:00:00Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "PutObject",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "203.0.113.7",
    "readOnly": False,
    "requestParameters": {"bucketName": "reports", "key": "a"},
    "additionalEventData": {"SignatureVersion": "SigV2"},
    "resources": [{"ARN": "arn:aws:s3:::reports/a", "type": "AWS::S3::Object"}, {"ARN": "arn:aws:s3:::reports"}],
    "recipientAccountId": "111122223333",
    "tlsDetails": {"tlsVersion": "TLSv1.3"},
    "userIdentity": {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/web/i-0abc",
        "accountId": "111122223333",
        "sessionContext": {
            "sessionIssuer": ROLE,
            "attributes": {"creationDate": "2026-11-01T09:00:00Z", "mfaAuthenticated": "false"},
        },
    },
}
# Each with the first row of its answer.
QUERIES = {
    # https://docs.aws.amazon.com/athena/latest/ug/cloudtrail-logs.html and its pages
    "SELECT useridentity.arn, eventname, sourceipaddress, eventtime FROM cloudtrail_logs LIMIT 100;": (
        "arn:aws:sts::111122223333:assumed-role/web/i-0abc",
        "PutObject",
        "203.0.113.7",
        "2026-11-01T10:00:00Z",
    ),
    "SELECT eventsource, eventname, useridentity.sessioncontext.attributes.creationdate, "
    "useridentity.sessioncontext.sessionissuer.arn FROM cloudtrail_logs "
    "WHERE useridentity.sessioncontext.sessionissuer.arn IS NOT NULL ORDER BY eventsource, eventname LIMIT 10": (
        "s3.amazonaws.com",
        "PutObject",
        "2026-11-01T09:00:00Z",
        "arn:aws:iam::111122223333:role/web",
    ),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-request-identification.html, less the database
    "SELECT eventTime, eventName, json_extract_scalar(requestParameters, '$.bucketName') AS bucketName, "
    "json_extract_scalar(requestParameters, '$.key') AS object, userIdentity.arn AS userArn FROM cloudtrail_logs "
    "WHERE eventName = 'PutObject' AND eventTime BETWEEN '2026-11-01T00:00:00Z' and '2026-11-02T00:00:00Z'": (
        "2026-11-01T10:00:00Z",
        "PutObject",
        "reports",
        "a",
        "arn:aws:sts::111122223333:assumed-role/web/i-0abc",
    ),
    "SELECT eventName, awsRegion FROM cloudtrail_logs WHERE json_extract_scalar(additionalEventData, "
    "'$.SignatureVersion') = 'SigV2' AND useridentity.accountid <> 'anonymous' "
    "AND requestparameters LIKE '%reports%'": ("PutObject", "us-east-1"),
    # Ways of asking that Athena has.
    "SELECT date_diff('minute', from_iso8601_timestamp(useridentity.sessioncontext.attributes.creationdate), "
    "from_iso8601_timestamp(eventtime)) FROM cloudtrail_logs": (60,),
    "SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t (r) ORDER BY 1": ("arn:aws:s3:::reports",),
    "SELECT resources[1].type, cardinality(resources), readonly, tlsdetails.tlsversion FROM cloudtrail_logs": (
        "AWS::S3::Object",
        2,
        "false",
        "TLSv1.3",
    ),
    "SELECT approx_distinct(eventname), count_if(errorcode IS NULL), max_by(eventname, eventtime), "
    "array_join(array_agg(DISTINCT eventsource), ',') FROM cloudtrail_logs": (1, 1, "PutObject", "s3.amazonaws.com"),
    "SELECT eventname FROM cloudtrail_logs WHERE regexp_like(eventname, '^(Put|Delete)') AND day = '2026/11/01' "
    "AND account = '111122223333' AND region = 'us-east-1'": ("PutObject",),
    "SELECT CAST(substr(eventtime, 1, 4) AS integer), split_part(eventsource, '.', 1), "
    "coalesce(errorcode, 'none'), if(readonly = 'true', 'r', 'w') FROM cloudtrail_logs": (2026, "s3", "none", "w"),
    "WITH writes AS (SELECT eventname, row_number() OVER (PARTITION BY eventsource ORDER BY eventtime) AS n "
    "FROM cloudtrail_logs) SELECT eventname FROM writes WHERE n = 1": ("PutObject",),
}


@pytest.mark.slow
@pytest.mark.parametrize("sql", QUERIES, ids=lambda sql: sql[:60])
def test_a_query_of_athenas_runs(sql: str, tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    columns = engine.prepare(translated(sql))
    engine.add(0, decoder_for(columns)(json.dumps({"Records": [RECORD]}).encode()).rows)
    engine.close_input([(0, FileRow("f", "", "", "", None, 0, 1, ""))], [], None)

    rows = list(engine.run().rows)
    engine.close()

    assert rows[0] == QUERIES[sql]


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE x AS SELECT * FROM cloudtrail_logs",
        "SELECT * FROM default.cloudtrail_logs",
        "MSCK REPAIR TABLE cloudtrail_logs",
        "UNLOAD (SELECT * FROM cloudtrail_logs) TO 's3://x/' WITH (format = 'PARQUET')",
    ],
)
def test_what_only_athena_does_is_refused(sql: str, tmp_path: Path) -> None:
    engine = Engine(tmp_path)

    with pytest.raises(UsageError):
        engine.prepare(translated(sql))
    engine.close()
