"""Objects in S3, by the fast way and by boto3's: the same answers."""

from __future__ import annotations

import gc
import gzip
import re
import weakref
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from botocore.parsers import ResponseParserError, RestXMLParser
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.simulation.in_memory import MemoryStore
from tests.verify.simulation.server import SimulatedAwsServer, try_once
from tests.verify.simulation.trail import SimulatedAws
from verify.aws import Aws
from verify.botocore_parts import _moment
from verify.credentials import Credentials
from verify.errors import AccessDenied, CannotLook, Unreachable
from verify.storage.gzip_content import Content, GzipSink, content_of
from verify.storage.objects import Absent, Found, ObjectName, ReadResult, Unreadable
from verify.storage.s3 import S3ObjectStore
from verify.storage.transfers import Route, Transfers

AT = datetime(2026, 11, 1, tzinfo=UTC)
LISTING = Aws(region="us-east-1")
BODY = gzip.compress(b"a record")
# Keys that the fast way would alter are read by boto3.
KEYS = ["AWSLogs/a_b-c=d.json.gz", "a//b", "a/../b", "a/./b", "/a", "a/", "ü ~%41+&?#.gz", "x" * 1000, "\u202e\t"]


def read(store: S3ObjectStore, key: str) -> ReadResult[Content]:
    return store.read_each([ObjectName("b", key)], lambda _: GzipSink(2**20))[0]


@pytest.fixture(params=["fast", "boto3"])
def store(request: pytest.FixtureRequest, server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch) -> S3ObjectStore:
    assert server.url
    if request.param == "boto3":
        monkeypatch.setattr("verify.storage.s3._GIVE_UP_AFTER", 0)
    return S3ObjectStore(Aws())


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_found_under_its_very_key_with_its_metadata(
    key: str, store: S3ObjectStore, server: SimulatedAwsServer
) -> None:
    server.aws.put(ObjectName("b", key), BODY, AT, signature="abc")

    found = read(store, key)

    assert isinstance(found, Found)
    assert (found.value, found.last_modified, found.metadata["signature"]) == (content_of(BODY), AT, "abc")
    assert found.etag == next(iter(store.objects("b", key))).etag != ""


def test_an_object_larger_than_a_piece_is_streamed(store: S3ObjectStore, server: SimulatedAwsServer) -> None:
    body = gzip.compress(bytes(range(256)) * 2**14, compresslevel=0)
    server.aws.put(ObjectName("b", "big"), body, AT)

    (found,) = store.read_each([ObjectName("b", "big")], lambda _: GzipSink(2**30))

    assert isinstance(found, Found)
    assert (found.value.size_bytes, found.value.flaw) == (2**22, None)


def test_a_missing_object_is_absent(store: S3ObjectStore) -> None:
    assert read(store, "nothing") == Absent()


def test_a_denied_object_is_unreadable_and_names_the_permission(
    store: S3ObjectStore, server: SimulatedAwsServer
) -> None:
    server.aws.denied.add("s3://b/secret")

    found = read(store, "secret")

    assert isinstance(found, Unreadable) and isinstance(found.error, AccessDenied)
    assert found.error.permission == "s3:GetObject"


def answer_as_written(server: SimulatedAwsServer, written: str) -> None:
    """Let the server say of each object that it was written then; ``""`` for nothing."""

    def answer(handler: BaseHTTPRequestHandler, operation: str) -> bool:
        if operation != "GET object":
            return False
        handler.send_response(200)
        if written:
            handler.send_header("Last-Modified", written)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY)
        return True

    server.instead = answer
    server.aws.put(ObjectName("b", "k"), BODY, AT)


def test_an_object_of_which_it_is_not_said_when_it_was_written_is_unreadable(
    store: S3ObjectStore, server: SimulatedAwsServer
) -> None:
    answer_as_written(server, "")

    found = read(store, "k")

    assert isinstance(found, Unreadable) and "when it was written" in str(found.error)


@pytest.mark.parametrize(
    ("written", "is_taken"),
    [
        ("Sun, 01 Nov 2026 00:00:00 GMT", True),
        ("yesterday", False),
        ("Sun, 01 Nov 1601 00:00:00 GMT", False),
        ("Sun, 01 Nov 9998 00:00:00 GMT", False),
    ],
)
def test_a_time_that_is_not_of_our_age_is_left_to_boto3(
    written: str,
    is_taken: bool,  # noqa: FBT001 - a table
    server: SimulatedAwsServer,
) -> None:
    answer_as_written(server, written)
    route = Route("us-east-1", Credentials("AKIDEXAMPLE", "secret", None), "", "")

    (answer,) = Transfers().get_each(route, [(f"{server.url}/b/k", GzipSink(2**20))])

    assert (answer is not None and answer.last_modified is not None) == is_taken


@pytest.mark.usefixtures("server")
def test_without_an_answer_an_object_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    try_once(monkeypatch)

    found = read(S3ObjectStore(Aws()), "a/b")

    assert isinstance(found, Unreadable) and isinstance(found.error, Unreachable)


def test_a_listing_names_every_object_as_it_is(store: S3ObjectStore, server: SimulatedAwsServer) -> None:
    for key in KEYS:
        server.aws.put(ObjectName("b", "list/" + key), BODY, AT)

    assert {listed.name.key for listed in store.objects("b", "list/")} == {"list/" + key for key in KEYS}


def test_a_denied_listing_is_raised(store: S3ObjectStore, server: SimulatedAwsServer) -> None:
    server.aws.denied.add("list")

    with pytest.raises(CannotLook, match="s3:ListBucket is denied"):
        list(store.objects("b", ""))


ERROR = b"<Error><Code>InternalError</Code><Message>try again</Message></Error>"


@pytest.mark.parametrize("body", [ERROR, b"<html/>", b""], ids=["error", "page", "nothing"])
def test_an_answer_that_is_no_listing_is_no_empty_one(
    body: bytes, store: S3ObjectStore, server: SimulatedAwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 may send an error as a success, and whatever stands between may send its own pages."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def other(handler: BaseHTTPRequestHandler, operation: str) -> bool:
        if operation != "GET bucket":
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    server.instead = other

    with pytest.raises(CannotLook):
        list(store.objects("b", ""))


def test_a_listing_of_several_pages_is_read_to_its_end(server: SimulatedAwsServer) -> None:
    names = [ObjectName("b", f"AWSLogs/{number:04}") for number in range(350)]
    for name in names:
        server.aws.put(name, b"x", AT)

    assert [entry.name for entry in S3ObjectStore(Aws()).objects("b", "AWSLogs/")] == names


FIELDS = [
    "<Key>AWSLogs/a&amp;b</Key>",
    "<Key/>",
    "<LastModified>2026-11-01T00:00:00.000Z</LastModified>",
    "<ETag>&quot;abc&quot;</ETag>",
    "<Size>13</Size>",
    "<Size>13</Size><Size>14</Size>",
    "<StorageClass>STANDARD</StorageClass>",
    "<Owner><ID>me</ID></Owner>",
    "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm><ChecksumAlgorithm>CRC32</ChecksumAlgorithm>",
    "<Unknown>x</Unknown>",
    "<Size>many</Size>",
    "<LastModified>yesterday</LastModified>",
    "<Key>a<b/>c</Key>",
]


@given(st.lists(st.lists(st.sampled_from(FIELDS), unique=True, max_size=5), max_size=3))
def test_an_entry_of_a_listing_is_what_botocore_makes_of_it(entries: list[list[str]]) -> None:
    """Most entries are taken a shorter way."""
    body = "".join(f"<Contents>{''.join(fields)}</Contents>" for fields in entries)
    answer = {
        "headers": {},
        "status_code": 200,
        "body": f'<ListBucketResult xmlns="s3">{body}</ListBucketResult>'.encode(),
    }
    client = LISTING.client("s3")
    shape = client.meta.service_model.operation_model("ListObjectsV2").output_shape

    def parsed(parser: Any) -> Any:
        try:
            found = [sorted(entry.items()) for entry in parser.parse(answer, shape).get("Contents", ())]
            return re.sub(" at 0x[0-9a-f]+", "", repr(found))
        except (ValueError, TypeError, ResponseParserError) as error:
            return type(error)

    ours = client._endpoint._response_parser_factory.create_parser("rest-xml")
    assert parsed(ours) == parsed(RestXMLParser(timestamp_parser=_moment))


# ---- the folder of a region, in as few listings as there are pages ---------------------------------------------------

REGION = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/"
FILE = "111122223333_CloudTrail-Digest_us-east-1_a-trail_us-east-1_20261101T000000Z.json.gz"
# What may lie there: CloudTrail's own files, and whatever anybody puts there.
BEHIND = (
    [f"{year}/{month:02}/{day:02}/{FILE}" for year in (2025, 2026) for month in (1, 12) for day in (1, 2, 31)]
    + [f"2026/01/01/{number}_of_that_day" for number in range(3)]
    + ["2026/02/30/x_", "2026/13/01/x", "2026/01/01/deeper/x_y", "2026/01/01/", "1999/01/01/a_b", "x_y/01/01/a"]
)
ABOVE = ["", "2026/", "2026/01/", "2026/x_y", "a_b", "2026/01/x_y", "2026/01/x", "_"]


def test_a_regions_folder_has_the_same_levels_however_it_is_listed(server: SimulatedAwsServer) -> None:
    aws = Aws()

    @given(st.lists(st.sampled_from(BEHIND), max_size=8), st.lists(st.sampled_from(ABOVE), max_size=1))
    @settings(max_examples=40)
    def has_the_same_levels(behind: list[str], above: list[str]) -> None:
        server.aws = SimulatedAws()
        for rest in (*behind, *above):
            server.aws.put(ObjectName("b", REGION + rest), b"x", AT)
        store, memory = S3ObjectStore(aws), MemoryStore(server.aws)
        for at in ("", "2026/", "2026/01/", "2026/01/01/", "2025/", "x_y/", "nothing/"):
            found, expected = store.level("b", REGION + at), memory.level("b", REGION + at)
            assert sorted(found.folders) == sorted(expected.folders)
            assert {entry.name for entry in found.objects} == {entry.name for entry in expected.objects}

    has_the_same_levels()


def test_a_regions_years_of_days_take_one_listing_for_each_page(server: SimulatedAwsServer) -> None:
    for number in range(250):
        for file in range(2):
            day = AT - timedelta(days=number)
            server.aws.put(ObjectName("b", f"{REGION}{day:%Y/%m/%d}/{file}{FILE}"), b"x", AT)
    store = S3ObjectStore(Aws())

    days = [
        (year, month, day)
        for year in store.level("b", REGION).folders
        for month in store.level("b", f"{REGION}{year}/").folders
        for day in store.level("b", f"{REGION}{year}/{month}/").folders
    ]

    assert len(set(days)) == len(days) == 250
    assert server.operations.count("GET bucket") == 500 // 100  # the file's first character comes before the first "_"


def test_where_only_levels_may_be_listed_they_are(server: SimulatedAwsServer) -> None:
    """As by a policy with a condition on s3:delimiter."""
    server.aws.put(ObjectName("b", f"{REGION}2026/11/01/{FILE}"), b"x", AT)

    def only_levels(handler: BaseHTTPRequestHandler, _operation: str) -> bool:
        if "delimiter=_" not in handler.path:
            return False
        body = b"<Error><Code>AccessDenied</Code></Error>"
        handler.send_response(403)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    server.instead = only_levels
    assert S3ObjectStore(Aws()).level("b", f"{REGION}2026/11/").folders == ("01",)


def test_a_store_that_is_done_with_leaves_no_connection_open_until_somebody_collects(
    server: SimulatedAwsServer,
) -> None:
    name = ObjectName("b", "AWSLogs/210987654321/CloudTrail/us-east-1/2026/11/01/a_b.json.gz")
    server.aws.put(name, BODY, AT)
    gc.disable()
    try:
        store = S3ObjectStore(Aws())
        assert store.level("b", "AWSLogs/210987654321/CloudTrail/us-east-1/2026/").folders == ("11",)
        assert isinstance(read(store, name.key), Found)
        transfers = [weakref.ref(each) for each in store._idle]
        del store
        assert [each() for each in transfers] == [None]
    finally:
        gc.enable()
