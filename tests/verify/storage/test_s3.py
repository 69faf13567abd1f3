"""Objects in S3, by the fast way and by boto3's: the same answers."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from tests.verify.simulation.server import SimulatedAwsServer, try_once
from verify.aws import Aws
from verify.errors import AccessDenied, CannotLook, Unreachable
from verify.storage.gzip_content import Content, GzipSink, content_of
from verify.storage.objects import Absent, Found, ObjectName, ReadResult, Unreadable
from verify.storage.s3 import S3ObjectStore

AT = datetime(2026, 11, 1, tzinfo=UTC)
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
