"""Who changed a file is read from records and access logs as AWS writes them, and from nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.trail import SimulatedAws
from verify.integrity.lost import access_logs, data_events
from verify.integrity.lost.access_logs import AccessLogs
from verify.integrity.lost.search import by_file
from verify.integrity.result import FileChange, FileChanges
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import Problem, Verdict
from verify.storage.objects import ObjectName

BUCKET, GONE, ALTERED, FOREIGN = (
    "trail-logs",
    "AWSLogs/gone.json.gz",
    "AWSLogs/altered.json.gz",
    "AWSLogs/added.json.gz",
)
WANTED = {GONE: Verdict.MISSING, ALTERED: Verdict.ALTERED, FOREIGN: Verdict.FOREIGN}
ARN, ADDRESS = "arn:aws:iam::111122223333:user/mallory", "203.0.113.9"
# Who assumes a role chooses the name of the session.
NAMED_AS_CLOUDTRAIL = "arn:aws:sts::111122223333:assumed-role/admin/cloudtrail.amazonaws.com"
AT = datetime(2026, 11, 1, 4, 5, 6, tzinfo=UTC)


def record(name: str, key: str | None, **fields: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-01T04:05:06Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "userIdentity": {"type": "IAMUser", "arn": ARN, "accountId": "111122223333"},
        "sourceIPAddress": ADDRESS,
        "requestParameters": {"bucketName": BUCKET, "Host": "h"} | ({} if key is None else {"key": key}),
    } | fields


def told(*records: object) -> list[FileChange]:
    return list(data_events.changes_in(json.dumps({"Records": records}).encode(), BUCKET, WANTED, "the logs"))


def change(name: str, key: str, *, caller: str = ARN, names_file: bool = True) -> FileChange:
    return FileChange(f"s3://{BUCKET}/{key}", name, caller, ADDRESS, AT, "the logs", names_file)


@pytest.mark.parametrize(
    ("name", "key"),
    [("DeleteObject", GONE), ("PutObject", ALTERED), ("CopyObject", ALTERED), ("CompleteMultipartUpload", FOREIGN)],
)
def test_a_call_that_changed_a_file_is_told_with_who_when_and_from_where(name: str, key: str) -> None:
    assert told(record(name, key)) == [change(name, key)]
    assert str(told(record(name, key))[0]) == f"{name} by {ARN} from {ADDRESS} at 2026-11-01T04:05:06Z (the logs)"


def test_a_call_that_deletes_many_files_may_have_deleted_each_one_that_is_missing() -> None:
    found = told(record("DeleteObjects", None))

    assert found == [change("DeleteObjects", GONE, names_file=False)]
    assert "which does not say which files" in str(found[0])


@pytest.mark.parametrize(
    "other",
    [
        record("GetObject", GONE),
        record("PutObject", GONE),  # when it was delivered
        record("DeleteObject", ALTERED),
        record("DeleteObject", "AWSLogs/another.json.gz"),
        record("DeleteObject", GONE, errorCode="AccessDenied"),
        record("DeleteObject", GONE, eventSource="cloudtrail.amazonaws.com"),
        record("DeleteObject", GONE, requestParameters={"bucketName": "another", "key": GONE, "x": BUCKET}),
        record("PutObject", ALTERED, userIdentity={"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}),
        record("PutObject", ALTERED, sourceIPAddress="cloudtrail.amazonaws.com"),
        record("DeleteObject", GONE, eventTime="2026-11-01T04:05:06"),
        record("DeleteObject", GONE, requestParameters=None),
    ],
)
def test_no_other_call_is(other: dict[str, Any]) -> None:
    assert told(other) == []
    assert told(other, record("DeleteObject", GONE)) == [change("DeleteObject", GONE)]


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ({"type": "AWSAccount", "accountId": "444455556666"}, "somebody of account 444455556666"),
        ({"type": "AWSAccount", "accountId": "anonymous"}, "an anonymous caller"),
        ({"type": "AWSService", "invokedBy": "s3.amazonaws.com"}, "s3.amazonaws.com"),
        ({}, "an unnamed caller"),
    ],
)
def test_a_caller_without_an_arn_is_told_by_what_there_is(identity: dict[str, Any], said: str) -> None:
    assert told(record("DeleteObject", GONE, userIdentity=identity)) == [change("DeleteObject", GONE, caller=said)]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from((BUCKET, GONE, "s3.amazonaws.com")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*sorted(record("", "")), "bucketName", "key", "arn"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(record("", ""))), json_values), st.binary(max_size=20))
def test_what_is_no_record_keeps_none_from_being_told(fields: dict[str, Any], junk: bytes) -> None:
    assert told(record("DeleteObject", None) | fields, record("DeleteObject", GONE))[-1] == change("DeleteObject", GONE)
    assert list(data_events.changes_in(junk + b"s3.amazonaws.com" + BUCKET.encode(), BUCKET, WANTED, "x")) == []


def line(operation: str, key: str, *, bucket: str = BUCKET, requester: str = ARN, status: str = "204") -> str:
    return (
        f"79a59df900b949e5 {bucket} [01/Nov/2026:04:05:06 +0000] {ADDRESS} {requester} 3E57427F3EXAMPLE {operation} "
        f'{key} "DELETE /{key}?x=\\"y HTTP/1.1" {status} - - 13000 7 - "-" "aws-cli/2 \\"x" - x= SigV4 TLS AuthHeader h'
    )


@pytest.mark.parametrize(
    ("text", "key", "caller"),
    [
        (line("REST.DELETE.OBJECT", GONE), GONE, ARN),
        (line("BATCH.DELETE.OBJECT", GONE), GONE, ARN),
        (line("REST.DELETE.OBJECT", GONE.replace("/", "%252F")), GONE, ARN),
        (line("REST.DELETE.OBJECT", GONE, requester="-"), GONE, "an anonymous caller"),
        (line("S3.EXPIRE.OBJECT", GONE, requester="-", status="-"), GONE, "S3, as the bucket's lifecycle rules say"),
        (line("REST.PUT.OBJECT", ALTERED, status="200"), ALTERED, ARN),
        (line("REST.COPY.OBJECT", FOREIGN, status="200"), FOREIGN, ARN),
        (line("REST.DELETE.OBJECT", GONE, requester=NAMED_AS_CLOUDTRAIL), GONE, NAMED_AS_CLOUDTRAIL),
    ],
)
def test_a_line_of_an_access_log_tells_who_when_and_from_where(text: str, key: str, caller: str) -> None:
    (found,) = access_logs.changes_in(["", text, "half a line"], BUCKET, WANTED)

    assert (found.subject, found.caller, found.address, found.at) == (f"s3://{BUCKET}/{key}", caller, ADDRESS, AT)
    assert "best effort and not signed" in str(found)


@pytest.mark.parametrize(
    "text",
    [
        line("REST.GET.OBJECT", GONE),
        line("REST.PUT.OBJECT", GONE),
        line("REST.DELETE.OBJECT", GONE, status="403"),
        line("REST.DELETE.OBJECT", GONE, bucket="another"),
        line("REST.PUT.OBJECT", ALTERED, requester="svc:cloudtrail.amazonaws.com"),
        line("REST.DELETE.OBJECT", GONE).replace("01/Nov", "41/Nov"),
    ],
)
def test_no_other_line_does(text: str) -> None:
    assert list(access_logs.changes_in([text], BUCKET, WANTED)) == []


def test_calls_that_somebody_made_up_do_not_push_out_one_that_is_signed() -> None:
    """Whoever may write access logs may add as many as they like, of any time."""
    signed = replace(change("DeleteObject", GONE), is_signed=True)
    many = replace(change("DeleteObjects", GONE, names_file=False), is_signed=True)
    forged = [
        replace(change("REST.DELETE.OBJECT", GONE, caller="alice"), at=AT + timedelta(minutes=minute))
        for minute in range(1, 9)
    ]

    for one in (signed, many):
        (found,) = by_file([*forged, one]).values()
        assert found == (one, *forged[:-4:-1])
    assert by_file([many, signed]) == {signed.subject: (signed,)}


def searched(*bodies: bytes) -> tuple[list[FileChange], str]:
    """What is found in access logs of these contents."""
    aws, logs = SimulatedAws(), AccessLogs("logs", "p/", "%Y-%m-%d-")
    for number, body in enumerate(bodies):
        aws.put(ObjectName("logs", f"p/2026-11-01-05-00-00-{number}"), body, AT)
    return access_logs.search(MemoryStore(aws), logs, Period(AT, AT + timedelta(hours=1)), BUCKET, WANTED)


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0b", "\r"])
def test_what_a_caller_sends_is_no_line_of_its_own(end: str) -> None:
    """Whoever may call S3 at all chooses the agent that the log names, and with it must not name another caller."""
    forged = line("REST.DELETE.OBJECT", GONE, requester="arn:aws:iam::111122223333:user/alice")
    own = line("REST.GET.OBJECT", GONE, status="403").replace("aws-cli/2", f"x{end}{forged}")

    assert searched(f"{own}\n{line('REST.DELETE.OBJECT', GONE)}\n".encode())[0] == [
        FileChange(f"s3://{BUCKET}/{GONE}", "REST.DELETE.OBJECT", ARN, ADDRESS, AT, access_logs.SOURCE)
    ]


def test_an_access_log_that_was_read_in_part_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    body = f"{line('REST.DELETE.OBJECT', GONE)}\n".encode()
    assert "not be read" not in searched(body)[1]
    monkeypatch.setattr(access_logs, "_MOST_BYTES", len(body) - 1)
    assert "of which 1 could not be read to the end" in searched(body)[1]


def test_access_logs_are_looked_for_where_the_bucket_says() -> None:
    plain = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "p/"}}
    parted: dict[str, Any] = {
        "LoggingEnabled": plain["LoggingEnabled"] | {"TargetObjectKeyFormat": {"PartitionedPrefix": {}}}
    }

    def days(answer: dict[str, Any]) -> str:
        found = AccessLogs.of(answer, BUCKET, "eu-west-1", "111122223333")
        assert found
        return f"{found.bucket}/{found.days_at}{AT.strftime(found.day_format)}"

    assert AccessLogs.of({}, BUCKET, "eu-west-1", "111122223333") is None
    assert days(plain) == "logs/p/2026-11-01-"
    assert days(parted) == f"logs/p/111122223333/eu-west-1/{BUCKET}/2026/11/01/"


def test_when_a_file_was_changed_is_said_where_nobody_tells_who() -> None:
    subject = f"s3://{BUCKET}/{GONE}"
    problem = Problem(Verdict.MISSING, subject, "it is not there")

    assert FileChanges().of(problem) == ()
    (said,) = FileChanges(when={subject: AT + timedelta(hours=1)}).of(problem)
    assert said == "deleted at 2026-11-01T05:05:06Z, as S3 says; who did it is not known"
