"""Requests of SDKs that do not run here, of Rust and Java, as their own tests and others' recorded them."""

from typing import Any

import pytest

from lab.protocol.decode import decode
from lab.protocol.request import Request
from lab.records.names import event_name, event_source

_SMITHY_RS = "https://github.com/smithy-lang/smithy-rs/blob/main/aws/sdk/integration-tests"
_RUST_S3 = {
    "authorization": (
        "AWS4-HMAC-SHA256 Credential=ANOTREAL/20090213/us-east-1/s3/aws4_request, SignedHeaders=content-encoding;"
        "content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
        "x-amz-sdk-checksum-algorithm;x-amz-trailer;x-amz-user-agent, Signature=9ba9"
    ),
    "amz-sdk-request": "attempt=1; max=3",
    "content-encoding": "aws-chunked",
    "content-type": "application/octet-stream",
    "host": "test-bucket.s3.us-east-1.amazonaws.com",
    "user-agent": "aws-sdk-rust/0.123.test os/windows/XPSP3 lang/rust/1.50.0",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "x-amz-date": "20090213T233130Z",
    "x-amz-decoded-content-length": "66560",
    "x-amz-sdk-checksum-algorithm": "CRC32",
    "x-amz-trailer": "x-amz-checksum-crc32",
    "x-amz-user-agent": "aws-sdk-rust/0.123.test ua/0.1 api/test-service/0.123 os/windows/XPSP3 lang/rust/1.50.0",
}
_JAVA_S3 = {
    "authorization": (
        "AWS4-HMAC-SHA256 Credential=c160cd8c/20240618/us-east-1/s3/aws4_request, SignedHeaders=amz-sdk-invocation-id;"
        "amz-sdk-request;content-encoding;content-length;content-type;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-decoded-content-length, Signature=3bdc"
    ),
    "amz-sdk-invocation-id": "0c59609c-1c7b-e503-0583-b0271b5e8b21",
    "amz-sdk-request": "attempt=1; max=4",
    "content-encoding": "aws-chunked",
    "content-type": "text/plain",
    "host": "127.0.0.1:62820",
    "user-agent": "aws-sdk-java/2.25.32 Mac_OS_X/13.6.7 OpenJDK_64-Bit_Server_VM/22.0.1+8-16 Java/22.0.1 io/sync",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "x-amz-date": "20240618T080640Z",
    "x-amz-decoded-content-length": "123",
}


def _json(service: str, target: str, content_type: str) -> dict[str, str]:
    signed = (
        "SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-target"
    )
    return {
        "authorization": f"AWS4-HMAC-SHA256 Credential=K/20210402/us-east-1/{service}/aws4_request, {signed}, S=4a",
        "content-type": content_type,
        "x-amz-target": target,
    }


def _form(service: str) -> dict[str, str]:
    return {
        "authorization": f"AWS4-HMAC-SHA256 Credential=K/20240419/us-west-2/{service}/aws4_request, SignedHeaders=host",
        "content-type": "application/x-www-form-urlencoded",
    }


# What was recorded where; signatures are cut, credentials are replaced where they were real.
RECORDED: dict[str, tuple[Request, str, str, dict[str, Any]]] = {
    "https://github.com/awslabs/aws-sdk-rust/blob/main/sdk/cloudtrail/src/operation/stop_logging.rs": (
        Request(
            "POST",
            "/",
            "",
            _json("cloudtrail", "CloudTrail_20131101.StopLogging", "application/x-amz-json-1.1"),
            b'{"Name":"a-trail"}',
        ),
        "cloudtrail",
        "StopLogging",
        {"Name": "a-trail"},
    ),
    f"{_SMITHY_RS}/ec2/tests/instance-status-ok-waiter-success.json": (
        Request(
            "POST",
            "/",
            "",
            _form("ec2"),
            b"Action=DescribeInstanceStatus&Version=2016-11-15&InstanceId.1=i-09fb4224219ac6902",
        ),
        "ec2",
        "DescribeInstanceStatus",
        {"InstanceIds": ["i-09fb4224219ac6902"]},
    ),
    f"{_SMITHY_RS}/s3/tests/data/chunk_signing/chunk-signing.json": (
        Request("PUT", "/mytest.txt", "x-id=PutObject", _RUST_S3, b"10000;chunk-signature=4973\r\na"),
        "s3",
        "PutObject",
        {"Bucket": "test-bucket", "Key": "mytest.txt"},
    ),
    f"{_SMITHY_RS}/s3/tests/get_object_retention.json": (
        Request(
            "GET",
            "/mathematics-bacon.png",
            "retention",
            {"authorization": _RUST_S3["authorization"], "host": "test-bucket.s3.us-west-2.amazonaws.com"},
            b"",
        ),
        "s3",
        "GetObjectRetention",
        {"Bucket": "test-bucket", "Key": "mathematics-bacon.png"},
    ),
    "https://github.com/trinodb/aws-proxy (TestGenericRestRequests)": (
        Request("PUT", "/two/test", "", _JAVA_S3, b"7b;chunk-signature=20e3\r\nLorem"),
        "s3",
        "PutObject",
        {"Bucket": "two", "Key": "test"},
    ),
    # Java's client of Kinesis sends CBOR: {"StreamName": "foo", "ShardCount": 1}
    "https://github.com/etspaceman/kinesis-mock (KinesisMockRoutes)": (
        Request(
            "POST",
            "/",
            "",
            _json("kinesis", "Kinesis_20131202.CreateStream", "application/x-amz-cbor-1.1"),
            b"\xa2\x6aStreamName\x63foo\x6aShardCount\x01",
        ),
        "kinesis",
        "CreateStream",
        {"StreamName": "foo", "ShardCount": 1},
    ),
}


@pytest.mark.parametrize("source", RECORDED)
def test_a_recorded_request_is_decoded_to_the_call_that_was_made(source: str) -> None:
    request, service, operation, parameters = RECORDED[source]

    call = decode(request)

    assert call is not None
    assert (event_source(call.service), event_name(call.service, call.operation.name)) == (
        event_source(service),
        event_name(service, operation),
    )
    found = call.parameters
    assert found is not None
    assert {name: found[name] for name in parameters} == parameters
