"""Who may come in: programs of this machine that know a key of the lab, and no web page."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError

from lab.calls.request import Request
from lab.door import refusal
from lab.state import Lab
from tests.lab.conftest import ClientFactory, make_client

CREATE_USER = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": "intruder"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def ask(lab: Lab, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in (({"Content-Length": str(len(body))} if body else {}) | headers).items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def signed(key: str, service: str = "s3") -> str:
    scope = f"{key}/20260101/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def exists(client: ClientFactory, user: str) -> bool:
    return user in [each["UserName"] for each in client("iam").list_users()["Users"]]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:80", "[::1]:80", "bucket.localhost:4566"])
def test_programs_that_name_this_machine_come_in(lab: Lab, host: str) -> None:
    assert ask(lab, "/", {"Host": host, "Authorization": signed(lab.access_key_id)})[0] in (200, 404)


@pytest.mark.parametrize(
    "host", ["evil.example.com", "10.0.0.1", "127.0.0.1.evil.example.com", "", "[::1", "localhost.x"]
)
def test_a_page_that_rebinds_its_name_to_this_machine_stays_out(lab: Lab, host: str) -> None:
    assert ask(lab, "/", {"Host": host, "Authorization": signed(lab.access_key_id)})[0] in (400, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example.com"},
        {"Referer": "https://evil.example.com/page"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something-new"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/_lab/status", "/health", f"/?{urlencode(CREATE_USER)}"])
def test_a_page_of_another_site_stays_out_even_with_a_key(
    lab: Lab, client: ClientFactory, path: str, headers: dict[str, str]
) -> None:
    status, _ = ask(lab, path, {"Authorization": signed(lab.access_key_id, "iam")} | headers)

    assert status == 403
    assert not exists(client, "intruder")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "none"}, {"Referer": "http://127.0.0.1:8000/index.html"}],
)
def test_a_page_of_this_machine_comes_in_with_a_key(lab: Lab, headers: dict[str, str]) -> None:
    assert ask(lab, "/", {"Authorization": signed(lab.access_key_id)} | headers)[0] == 200


# What a page can send when the browser does not say whose page it is: an address, and a form.
@pytest.mark.parametrize(
    "credential",
    [
        "",
        "&X-Amz-Credential=" + quote("111122223333/20260101/us-east-1/iam/aws4_request", safe=""),
        "&X-Amz-Credential=" + quote("test/20260101/us-east-1/iam/aws4_request", safe=""),
        "&X-Amz-Credential=" + quote("AKIAGUESSED000000000/20260101/us-east-1/iam/aws4_request", safe=""),
        "&AWSAccessKeyId=111122223333&Signature=0",
        "&Action=AssumeRoleWithWebIdentity",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_call_without_a_secret_does_nothing_and_leaves_no_event(
    lab: Lab, client: ClientFactory, credential: str, method: str
) -> None:
    fields = urlencode(CREATE_USER) + credential
    if method == "GET":
        status, _ = ask(lab, f"/?{fields}", {})
    else:
        status, _ = ask(lab, "/", FORM, "POST", fields.encode())

    assert status == 403
    assert not exists(client, "intruder")
    attribute = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
    found = client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    assert "intruder" not in json.dumps(found, default=str)


@pytest.mark.parametrize(
    ("service", "method", "parameters", "status", "code"),
    [
        ("s3", "list_buckets", {}, 403, "InvalidAccessKeyId"),
        ("s3", "put_object", {"Bucket": "b12", "Key": "k", "Body": b"x" * 100_000}, 403, "InvalidAccessKeyId"),
        ("iam", "list_users", {}, 403, "InvalidClientTokenId"),
        ("sts", "get_caller_identity", {}, 403, "InvalidClientTokenId"),
        ("ec2", "describe_vpcs", {}, 401, "AuthFailure"),
        ("kms", "list_keys", {}, 400, "UnrecognizedClientException"),
        ("cloudtrail", "lookup_events", {}, 400, "UnrecognizedClientException"),
        ("lambda", "list_functions", {}, 403, "UnrecognizedClientException"),
        ("cloudwatch", "list_metrics", {}, 400, "UnrecognizedClientException"),
        ("route53", "list_hosted_zones", {}, 403, "InvalidClientTokenId"),
    ],
)
def test_a_key_that_the_lab_does_not_know_is_refused_in_every_protocol(
    lab: Lab, service: str, method: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    stranger = make_client(lab, service, aws_access_key_id="AKIASTRANGER00000000")

    with pytest.raises(ClientError, match="python -m lab env") as refused:
        getattr(stranger, method)(**parameters)

    answer = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)


def test_a_key_that_was_deleted_is_refused(lab: Lab, client: ClientFactory) -> None:
    iam = client("iam")
    key = iam.create_access_key(UserName="learner")["AccessKey"]["AccessKeyId"]
    make_client(lab, "kms", aws_access_key_id=key).list_keys()
    iam.delete_access_key(UserName="learner", AccessKeyId=key)

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        make_client(lab, "kms", aws_access_key_id=key).list_keys()


def test_an_accounts_root_and_an_address_that_somebody_signed_come_in(lab: Lab, client: ClientFactory) -> None:
    root = make_client(lab, "sts", aws_access_key_id="444455556666")
    url = client("s3").generate_presigned_url("list_buckets")

    assert root.get_caller_identity()["Arn"] == "arn:aws:iam::444455556666:root"
    assert ask(lab, url.removeprefix(lab.endpoint), {})[0] == 200


def test_a_call_that_aws_takes_unsigned_comes_in_and_its_body_arrives(lab: Lab) -> None:
    sign_in = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleSessionName": "builder"}
    role = {"RoleArn": "arn:aws:iam::111122223333:role/pipeline", "WebIdentityToken": "t" * 2000}

    status, answer = ask(lab, "/", FORM, "POST", urlencode(sign_in | role).encode())

    assert status == 200
    assert b"assumed-role/pipeline/builder" in answer


@pytest.mark.parametrize("action", ["InitiateAuth", "ListUserPools"])
def test_signing_in_to_a_user_pool_needs_no_signature_and_managing_one_does(lab: Lab, action: str) -> None:
    target = f"AWSCognitoIdentityProviderService.{action}"
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}

    _, answer = ask(lab, "/", headers, "POST", b'{"MaxResults": 1}')

    assert (b"MissingAuthenticationTokenException" in answer) is (action == "ListUserPools")


def test_an_unsigned_request_to_s3_is_refused_as_s3_does() -> None:
    answer = refusal(Request("GET", "/bucket/key", "", {"host": "127.0.0.1"}, b""), {"type": "AWSAccount"})

    assert answer is not None
    root = ElementTree.fromstring(answer[2])  # noqa: S314 - our own
    assert (answer[0], root.tag, root.findtext("Code")) == (403, "Error", "AccessDenied")
    assert answer[1]["x-amzn-requestid"] == root.findtext("RequestId")
