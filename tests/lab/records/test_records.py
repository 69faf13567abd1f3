"""The records themselves, compared with what CloudTrail delivers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import ResponseParser

from lab.protocol import response
from lab.protocol.catalogue import service_model
from lab.protocol.decode import decode, parser
from lab.protocol.request import Request
from lab.protocol.response import Response
from lab.records.elements import bounded, elements
from lab.records.record import Origin, RecordedCall, recorded_call
from lab.records.recorder import Recorder
from lab.records.redaction import Redaction
from tests.lab.real_logs import real_records

IDENTITY = {"type": "IAMUser", "accessKeyId": "AKIAEXAMPLE"}
ORIGIN = Origin("111122223333", "eu-west-1", "ann", IDENTITY, "127.0.0.1", "aws-cli")


def record(request: Request, status: int = 200, body: bytes = b"", **headers: str) -> RecordedCall:
    response = Response(status, {"x-amzn-requestid": "request-1"} | headers, body, len(body))
    return recorded_call(decode(request), request, response, ORIGIN, datetime(2027, 1, 3, 12, 0, 5, 900_000, UTC))


def signed(service: str, **headers: str) -> dict[str, str]:
    credential = f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/1/eu-west-1/{service}/aws4_request, S=x"
    return {"host": "127.0.0.1:1", "authorization": credential} | headers


def query_call(service: str, form: bytes) -> Request:
    content_type = {"content-type": "application/x-www-form-urlencoded"}
    return Request("POST", "/", "", signed(service) | content_type, form)


def json_call(service: str, target: str, content: Any) -> Request:
    return Request("POST", "/", "", signed(service, **{"x-amz-target": target}), json.dumps(content).encode())


def test_a_call_is_recorded_also_when_what_it_led_to_cannot_be() -> None:
    recorded: list[RecordedCall] = []

    def broken(*_: Any) -> Iterator[RecordedCall]:
        yield recorded[1 // 0]

    recorder = Recorder((recorded.append,), lambda: datetime.now(UTC), broken)
    with pytest.raises(ZeroDivisionError):
        recorder.record(query_call("iam", b"Action=ListUsers&Version=2010-05-08"), Response(200, {}, b"", 0), ORIGIN)

    assert [each.record["eventName"] for each in recorded] == ["ListUsers"]


@pytest.mark.parametrize("broken", ["consequences", "first sink", "later sink"])
def test_what_a_call_changed_is_saved_also_when_what_follows_it_fails(broken: str) -> None:
    saved: list[str] = []

    def fail_if(part: str) -> None:
        if part == broken:
            raise OSError(part)

    def consequences(*_: Any) -> Iterator[RecordedCall]:
        fail_if("consequences")
        yield from ()

    sinks = (lambda _: fail_if("first sink"), lambda _: fail_if("later sink"))
    recorder = Recorder(
        sinks, lambda: datetime.now(UTC), consequences, lambda call: saved.append(call.record["eventName"])
    )
    with pytest.raises(OSError, match=broken):
        recorder.record(query_call("iam", b"Action=ListUsers&Version=2010-05-08"), Response(200, {}, b"", 0), ORIGIN)

    assert saved == ["ListUsers"]


def test_a_call_that_changes_something_shows_parameters_and_result_without_the_secret() -> None:
    body = (
        b"<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>bob</UserName>"
        b"<AccessKeyId>AKIANEW</AccessKeyId><Status>Active</Status><SecretAccessKey>very-secret</SecretAccessKey>"
        b"<CreateDate>2027-01-03T12:00:05Z</CreateDate></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"
    )

    made = record(query_call("iam", b"Action=CreateAccessKey&Version=2010-05-08&UserName=bob"), body=body)

    assert {name: made.record[name] for name in ("eventSource", "eventName", "readOnly", "awsRegion")} == {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey",
        "readOnly": False,
        "awsRegion": "us-east-1",
    }
    assert made.record["requestParameters"] == {"userName": "bob"}
    assert made.record["responseElements"]["accessKey"] == {
        "userName": "bob",
        "accessKeyId": "AKIANEW",
        "status": "Active",
        "createDate": "Jan 3, 2027 12:00:05 PM",
    }
    assert "very-secret" not in json.dumps(made.record)
    assert (made.record["eventTime"], made.record["requestID"]) == ("2027-01-03T12:00:05Z", "request-1")


@pytest.mark.parametrize(
    "request_",
    [
        query_call("iam", b"Action=CreateLoginProfile&Version=2010-05-08&UserName=a&Password=very-secret"),
        query_call("iam", b"Action=ChangePassword&Version=2010-05-08&OldPassword=very-secret&NewPassword=very-secret"),
        json_call("secretsmanager", "secretsmanager.CreateSecret", {"Name": "n", "SecretString": "very-secret"}),
        json_call("secretsmanager", "secretsmanager.PutSecretValue", {"SecretBinary": "dmVyeS1zZWNyZXQ="}),
        json_call("ssm", "AmazonSSM.PutParameter", {"Name": "n", "Value": "very-secret", "Type": "SecureString"}),
        json_call("kms", "TrentService.Encrypt", {"KeyId": "k", "Plaintext": "dmVyeS1zZWNyZXQ="}),
        query_call("sts", b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=very-secret"),
        query_call("rds", b"Action=CreateDBInstance&Version=2014-10-31&MasterUserPassword=very-secret"),
        Request("PUT", "/b/k", "", signed("s3", **{"x-amz-security-token": "very-secret"}), b"very-secret"),
        Request("PUT", "/b/k", "", signed("s3", **{"x-amz-server-side-encryption-customer-key": "very-secret"}), b""),
    ],
)
def test_no_secret_gets_into_a_record(request_: Request) -> None:
    text = json.dumps(record(request_, 200).record)

    assert "very-secret" not in text
    assert "dmVyeS1zZWNyZXQ" not in text


def test_a_failed_call_shows_the_error_and_no_result() -> None:
    failed = record(
        json_call("kms", "TrentService.CreateAlias", {"AliasName": "alias/a", "TargetKeyId": "k"}),
        400,
        b'{"__type":"NotFoundException","message":"no such key"}',
    ).record

    assert (failed["errorCode"], failed["errorMessage"]) == ("NotFoundException", "no such key")
    assert failed["responseElements"] is None


def test_ec2_says_whose_fault_an_error_is() -> None:
    error = b"<Error><Code>InvalidGroup.NotFound</Code><Message>m</Message></Error>"
    body = b"<Response><Errors>" + error + b"</Errors></Response>"

    failed = record(query_call("ec2", b"Action=DescribeSecurityGroups&Version=2016-11-15&GroupId.1=sg-1"), 400, body)

    assert failed.record["errorCode"] == "Client.InvalidGroup.NotFound"
    assert failed.record["requestParameters"] == {
        "filterSet": {},
        "securityGroupIdSet": {"items": [{"groupId": "sg-1"}]},
        "securityGroupSet": {},
    }


def test_an_s3_call_shows_its_subresource_and_configuration_as_sent() -> None:
    body = (
        b'<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>a</ID><Status>Enabled</Status>'
        b"</Rule><Rule><ID>b</ID></Rule></LifecycleConfiguration>"
    )

    made = record(Request("PUT", "/bkt", "lifecycle", signed("s3"), body)).record

    assert made["eventName"] == "PutBucketLifecycle"
    assert made["requestParameters"] == {
        "bucketName": "bkt",
        "Host": "127.0.0.1:1",
        "lifecycle": "",
        "LifecycleConfiguration": {
            "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
            "Rule": [{"ID": "a", "Status": "Enabled"}, {"ID": "b"}],
        },
    }
    assert made["resources"] == [{"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::bkt"}]


def test_a_bucket_policy_is_shown_as_a_document() -> None:
    policy = {"Version": "2012-10-17", "Statement": []}

    made = record(Request("PUT", "/bkt", "policy", signed("s3"), json.dumps(policy).encode())).record

    assert made["requestParameters"]["bucketPolicy"] == policy


def test_an_entity_bomb_is_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Tagging>&b;</Tagging>'

    made = record(Request("PUT", "/bkt", "tagging", signed("s3"), bomb)).record

    assert "aaaa" not in json.dumps(made)


def test_a_call_that_is_not_decoded_is_recorded_under_a_name_of_its_own() -> None:
    unknown = record(Request("BREW", "/pot", "", {"host": "x"}, b""), 418)

    assert unknown.is_decoded is False
    assert unknown.record["eventName"] == "LabCallNotDecoded"
    assert unknown.record["requestParameters"] == {"method": "BREW", "path": "/pot"}
    assert unknown.record["errorCode"] == "HTTP418"


def test_large_contents_are_left_out_and_the_record_says_so() -> None:
    large = {"policy": "x" * 200_000}

    assert bounded(large, "requestParameters") == {
        "omitted": True,
        "originalSize": len(json.dumps(large)),
        "reason": "requestParameters too large",
    }


def test_blobs_are_payload_and_not_recorded() -> None:
    shape = service_model("kms").operation_model("Sign").input_shape

    assert elements(shape, {"KeyId": "k", "Message": b"data", "SigningAlgorithm": "A"}, Redaction()) == {
        "keyId": "k",
        "signingAlgorithm": "A",
    }


def test_a_record_has_the_fields_that_real_ones_have() -> None:
    real = [found for found in real_records() if found["eventName"] == "GetRole" and "errorCode" not in found]
    ours = record(query_call("iam", b"Action=GetRole&Version=2010-05-08&RoleName=a"), body=b"<GetRoleResponse/>").record

    assert set(real[0]) == set(ours)
    assert {name: type(value) for name, value in ours.items()} == {name: type(value) for name, value in real[0].items()}
    assert ours["tlsDetails"] == {"clientProvidedHostHeader": "127.0.0.1:1"}


@pytest.mark.parametrize(
    ("service", "body", "shown"),
    [
        ("kms", {"KeyId": "k", "CiphertextBlob": "YQ=="}, None),
        ("organizations", {"AccountId": "111122223333"}, None),
        ("ce", {"Granularity": "MONTHLY"}, {"Granularity": "MONTHLY"}),
    ],
)
def test_a_refused_call_is_called_alike_by_all_services_and_mostly_without_parameters(
    service: str, body: dict[str, str], shown: Any
) -> None:
    model = service_model(service)
    operation = {"kms": "Decrypt", "organizations": "DescribeAccount", "ce": "GetCostForecast"}[service]
    refusal = b'{"__type":"AccessDeniedException","Message":"no"}'

    made = record(json_call(service, f"{model.metadata['targetPrefix']}.{operation}", body), 400, refusal).record

    assert (made["errorCode"], made["requestParameters"]) == ("AccessDenied", shown)


def test_the_type_of_a_value_in_xml_is_guessed_as_cloudtrail_does() -> None:
    values = ("true", "1", "-7", "012", "1.5", "x", "")
    tags = "".join(f"<Tag><Key>k{at}</Key><Value>{value}</Value></Tag>" for at, value in enumerate(values))
    body = f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()

    made = record(Request("PUT", "/bkt", "tagging", signed("s3"), body)).record

    shown = [each["Value"] for each in made["requestParameters"]["Tagging"]["TagSet"]["Tag"]]
    assert shown == [True, 1, -7, "012", "1.5", "x", ""]


def test_credentials_of_sts_are_shown_without_the_secret_key() -> None:
    credentials = (
        b"<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>very-secret</SecretAccessKey><SessionToken>t</SessionToken>"
        b"<Expiration>2027-01-03T12:00:05Z</Expiration>"
    )
    body = b"<R><GetSessionTokenResult><Credentials>" + credentials + b"</Credentials></GetSessionTokenResult></R>"

    made = record(query_call("sts", b"Action=GetSessionToken&Version=2011-06-15"), body=body).record

    assert made["responseElements"]["credentials"] == {
        "accessKeyId": "ASIA",
        "sessionToken": "t",
        "expiration": "Jan 3, 2027, 12:00:05 PM",
    }


@pytest.mark.parametrize(
    ("query", "authorization", "version", "method"),
    [
        ("AWSAccessKeyId=AKIA&Signature=x&Expires=1", None, "SigV2", "QueryString"),
        ("", "AWS AKIA:x", "SigV2", "AuthHeader"),
        (
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F1%2Fus-east-1%2Fs3%2Faws4_request",
            None,
            "SigV4",
            "QueryString",
        ),
        ("", signed("s3")["authorization"], "SigV4", "AuthHeader"),
    ],
)
def test_the_version_and_place_of_a_signature_are_told(
    query: str, authorization: str | None, version: str, method: str
) -> None:
    headers = {"host": "127.0.0.1:1"} | ({"authorization": authorization} if authorization else {})

    made = record(Request("GET", "/b/k", query, headers, b"")).record

    shown = made["additionalEventData"]
    assert (shown["SignatureVersion"], shown["AuthenticationMethod"]) == (version, method)


@pytest.mark.parametrize(
    ("asked", "answered", "applied"),
    [
        ({}, {"x-amz-server-side-encryption": "AES256"}, "Default_SSE_S3"),
        ({"x-amz-server-side-encryption": "aws:kms"}, {"x-amz-server-side-encryption": "aws:kms"}, "SSE_KMS"),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, {}, "SSE_C"),
        ({}, {}, None),
    ],
)
def test_the_record_of_an_object_says_how_it_was_encrypted(
    asked: dict[str, str], answered: dict[str, str], applied: str | None
) -> None:
    request = Request("PUT", "/b/k", "", {"host": "h", **asked}, b"")

    made = recorded_call(decode(request), request, Response(200, answered, b"", 0), ORIGIN, datetime.now(UTC))

    assert made.record["additionalEventData"].get("SSEApplied") == applied


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("ExecuteStatement", {"Statement": "SELECT * FROM \"t\" WHERE k = 'from u'"}),
        ("BatchExecuteStatement", {"Statements": [{"Statement": "insert into t value {'k': '1'}"}]}),
        ("ExecuteTransaction", {"TransactStatements": [{"Statement": 'UPDATE "t"."i" SET a=1'}]}),
    ],
)
def test_the_record_of_a_statement_of_partiql_names_its_table(operation: str, parameters: dict[str, Any]) -> None:
    made = record(json_call("dynamodb", f"DynamoDB_20120810.{operation}", parameters)).record

    assert [each["ARN"] for each in made["resources"]] == ["arn:aws:dynamodb:eu-west-1:111122223333:table/t"]
    assert made["managementEvent"] is False


def test_a_presigned_url_shows_of_its_signature_what_real_records_show() -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F1%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261130T0000Z"
        "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=t&X-Amz-Signature=s&response-content-type=text"
    )
    made = record(Request("GET", "/b/k", query, {"host": "h"}, b"")).record

    assert made["requestParameters"] == {
        "bucketName": "b",
        "key": "k",
        "Host": "h",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": "20261130T0000Z",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "response-content-type": "text",
    }


def test_a_list_of_keys_is_not_read_for_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a thousand keys takes longer than to list them, and finds nothing that a record shows."""
    kms = service_model("kms")
    shapes = [kms.operation_model(name).output_shape for name in kms.operation_names if name.startswith("List")]
    members = {(name, shape.type_name) for each in shapes if each for name, shape in each.members.items()}
    read: list[str] = []

    def noting(protocol: str) -> ResponseParser:
        read.append(protocol)
        return parser(protocol)

    monkeypatch.setattr(response, "parser", noting)

    made = record(json_call("kms", "TrentService.ListKeys", {}), body=b'{"Keys":[{"KeyId":"k"}]}')
    used = record(json_call("kms", "TrentService.DescribeKey", {}), body=b'{"KeyMetadata":{"KeyId":"k"}}')

    assert ("NextMarker", "string") in members
    assert {kind for name, kind in members if name != "NextMarker"} == {"boolean", "list"}
    assert (made.resources, made.record["responseElements"], made.record["requestID"]) == ((), None, "request-1")
    assert [each.name for each in used.resources] == ["k"]
    assert read == ["json"]
