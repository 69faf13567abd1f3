"""Decoding requests that real botocore clients send, in every protocol."""

import gzip
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.protocol.decode import Call, decode
from lab.protocol.request import CredentialScope, Request, credential_scope


def sent_by_boto3(service: str, operation: str, parameters: dict[str, Any]) -> Request:
    """What a client really puts on the wire; nothing leaves this process."""
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        caught.append(request)
        return AWSResponse(request.url, 500, {}, None)  # type: ignore[arg-type]

    session: Any = boto3.Session()
    client = session.client(
        service,
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )
    client.meta.events.register("before-send", catch)
    with pytest.raises((ClientError, AttributeError)):
        getattr(client, operation)(**parameters)
    return as_request(caught[0])


def as_request(prepared: AWSPreparedRequest) -> Request:
    path, _, query = prepared.url.split("/", 3)[3].partition("?")
    headers = {name.lower(): as_text(value) for name, value in prepared.headers.items()}
    body: Any = prepared.body or b""
    raw = body.read() if hasattr(body, "read") else body
    return Request(prepared.method, f"/{path}", query, headers, raw.encode() if isinstance(raw, str) else raw)


def as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def decoded(request: Request) -> Call:
    call = decode(request)
    assert call is not None
    return call


@pytest.mark.parametrize(
    ("service", "method", "parameters", "operation", "protocol", "expected"),
    [
        ("cloudtrail", "get_trail_status", {"Name": "t"}, "GetTrailStatus", "json", {"Name": "t"}),
        ("kms", "describe_key", {"KeyId": "alias/x"}, "DescribeKey", "json", {"KeyId": "alias/x"}),
        (
            "iam",
            "create_user",
            {"UserName": "ann", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]},
            "CreateUser",
            "query",
            {"UserName": "ann", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]},
        ),
        (
            "ec2",
            "describe_instances",
            {"InstanceIds": ["i-1", "i-2"], "Filters": [{"Name": "n", "Values": ["v"]}], "MaxResults": 5},
            "DescribeInstances",
            "ec2",
            {"InstanceIds": ["i-1", "i-2"], "Filters": [{"Name": "n", "Values": ["v"]}], "MaxResults": 5},
        ),
        (
            "sns",
            "set_topic_attributes",
            {"TopicArn": "arn:t", "AttributeName": "x", "AttributeValue": "y"},
            "SetTopicAttributes",
            "query",
            {"TopicArn": "arn:t", "AttributeName": "x", "AttributeValue": "y"},
        ),
        (
            "sns",
            "create_topic",
            {"Name": "t", "Attributes": {"a": "b"}},
            "CreateTopic",
            "query",
            {"Name": "t", "Attributes": {"a": "b"}},
        ),
        ("cloudwatch", "describe_alarms", {"AlarmNames": ["a"]}, "DescribeAlarms", None, {"AlarmNames": ["a"]}),
        ("cloudwatch", "list_dashboards", {}, "ListDashboards", None, {}),
        (
            "lambda",
            "get_function",
            {"FunctionName": "arn:aws:lambda:eu-west-1:1:function:f", "Qualifier": "2"},
            "GetFunction",
            "rest-json",
            {"FunctionName": "arn:aws:lambda:eu-west-1:1:function:f", "Qualifier": "2"},
        ),
        ("lambda", "list_functions", {"MaxItems": 3}, "ListFunctions", "rest-json", {"MaxItems": 3}),
        ("guardduty", "list_detectors", {}, "ListDetectors", "rest-json", {}),
        ("securityhub", "describe_hub", {}, "DescribeHub", "rest-json", {}),
        ("sesv2", "get_account", {}, "GetAccount", "rest-json", {}),
        ("ses", "list_identities", {}, "ListIdentities", "query", {}),
        (
            "route53",
            "list_hosted_zones_by_name",
            {"DNSName": "x."},
            "ListHostedZonesByName",
            "rest-xml",
            {"DNSName": "x."},
        ),
        ("s3", "list_buckets", {}, "ListBuckets", "rest-xml", {}),
        ("s3", "get_bucket_encryption", {"Bucket": "bkt"}, "GetBucketEncryption", "rest-xml", {"Bucket": "bkt"}),
        ("s3", "list_objects_v2", {"Bucket": "bkt"}, "ListObjectsV2", "rest-xml", {"Bucket": "bkt"}),
        ("s3", "list_objects", {"Bucket": "bkt"}, "ListObjects", "rest-xml", {"Bucket": "bkt"}),
        (
            "s3",
            "get_object",
            {"Bucket": "bkt", "Key": "a/b c/é"},
            "GetObject",
            "rest-xml",
            {"Bucket": "bkt", "Key": "a/b c/é"},
        ),
        (
            "s3",
            "copy_object",
            {"Bucket": "bkt", "Key": "k", "CopySource": "b/k"},
            "CopyObject",
            "rest-xml",
            {"Bucket": "bkt", "Key": "k", "CopySource": "b/k"},
        ),
        (
            "s3control",
            "get_public_access_block",
            {"AccountId": "111122223333"},
            "GetPublicAccessBlock",
            "rest-xml",
            {"AccountId": "111122223333"},
        ),
        ("rds", "describe_db_clusters", {}, "DescribeDBClusters", "query", {}),
        ("elbv2", "describe_load_balancers", {}, "DescribeLoadBalancers", "query", {}),
        ("elb", "describe_load_balancers", {}, "DescribeLoadBalancers", "query", {}),
    ],
)
def test_a_clients_request_is_decoded_to_the_call_it_makes(
    service: str, method: str, parameters: dict[str, Any], operation: str, protocol: str | None, expected: Any
) -> None:
    call = decoded(sent_by_boto3(service, method, parameters))

    assert (call.service, call.operation.name) == (service, operation)
    assert call.protocol == (protocol or call.protocol)
    assert call.parameters is not None
    # The S3 client adds parameters of its own.
    found = {name: call.parameters.get(name) for name in expected} if service == "s3" else call.parameters
    assert found == expected


def test_a_virtual_hosted_bucket_is_found_in_the_host_name() -> None:
    headers = {
        "host": "my-bucket.s3.eu-west-1.amazonaws.com",
        "authorization": "AWS4-HMAC-SHA256 Credential=A/1/eu-west-1/s3/aws4_request, x",
    }

    call = decoded(Request("GET", "/", "encryption=", headers, b""))

    assert (call.operation.name, call.parameters) == ("GetBucketEncryption", {"Bucket": "my-bucket"})


def test_a_presigned_url_is_decoded() -> None:
    session: Any = boto3.Session()
    client = session.client(
        "s3", region_name="us-east-1", aws_access_key_id="AKIAX", aws_secret_access_key="s", endpoint_url="http://x"
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bkt", "Key": "k"})
    query = url.partition("?")[2]

    request = Request("GET", "/bkt/k", query, {"host": "x"}, b"")

    assert decoded(request).operation.name == "GetObject"


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("AWS4-HMAC-SHA256 Credential=K/20260101/eu-west-1/iam/aws4_request, S=x", ("K", "eu-west-1", "iam")),
        ("AWS4-ECDSA-P256-SHA256 Credential=K/20260101/s3/aws4_request, S=x", ("K", "", "s3")),
        ("AWS K:signature", ("K", "", "s3")),
    ],
)
def test_the_signature_tells_key_region_and_service(authorization: str, expected: tuple[str, str, str]) -> None:
    request = Request("GET", "/", "", {"authorization": authorization}, b"")

    assert credential_scope(request) == CredentialScope(*expected)


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/", "", {"x-amz-target": "Nothing_1.DoIt"}, b"{}"),
        Request("POST", "/service/Unknown/operation/X", "", {"smithy-protocol": "rpc-v2-cbor"}, b""),
        Request("BREW", "/pot", "", {}, b""),
    ],
)
def test_what_no_model_knows_is_not_guessed(request_: Request) -> None:
    assert decode(request_) is None


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"Name": 7', b"\xff\xfe", b'{"MaxResults": {"a": [[[[]]]]}}'])
def test_a_body_that_cannot_be_read_leaves_the_name_and_no_parameters(body: bytes) -> None:
    target = {"x-amz-target": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"}

    call = decoded(Request("POST", "/", "", target, body))

    assert call.operation.name == "LookupEvents"
    assert call.parameters is None or "MaxResults" in call.parameters


def test_a_gzip_bomb_is_not_unpacked() -> None:
    headers = {"content-encoding": "gzip", "x-amz-target": "GraniteServiceVersion20100801.PutMetricData"}

    call = decoded(Request("POST", "/", "", headers, gzip.compress(b" " * 50_000_000)))

    assert (call.operation.name, call.parameters) == ("PutMetricData", None)


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "operation"),
    [
        ("DELETE", "/bucket", "Action=x", {}, b"", "DeleteBucket"),
        ("DELETE", "/bucket", "policy&Action=ListUsers", {}, b"", "DeleteBucketPolicy"),
        ("PUT", "/bucket", "acl", {"content-type": "application/x-www-form-urlencoded"}, b"Action=x", "PutBucketAcl"),
    ],
)
def test_a_form_hides_no_call_of_a_rest_service(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, operation: str
) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"

    call = decode(Request(method, path, query, headers | {"authorization": scope}, body))

    assert call is not None
    assert (call.service, call.operation.name) == ("s3", operation)
