"""Who may call: programs of this machine that sign with a key of the lab, and no web page."""

import base64
import gzip
import http.client
import json
import os
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from lab.protocol.request import Request
from lab.scenarios.actor import ADMINISTRATOR
from lab.server.authentication import authentication_error
from lab.server.signatures import AuthFailure
from tests.lab.conftest import ClientFactory, error_of, make_client, root_keys
from tests.lab.signing import FORM, ask, send, signed, signed_4a

CREATE_USER = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": "intruder"}


def forged(key: str, service: str = "s3") -> str:
    scope = f"{key}/20260101/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def exists(client: ClientFactory, user: str) -> bool:
    return user in [each["UserName"] for each in client("iam").list_users()["Users"]]


LOCAL_NAMES = ["127.0.0.1", "localhost", "[::1]", "bucket.localhost", "bucket.s3.eu-west-1.localhost"]


@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_programs_that_name_this_machine_come_in(lab: Lab, name: str) -> None:
    assert ask(lab, "/", signed(lab, "/", headers={"Host": f"{name}:{lab.port}"}))[0] in (200, 404)


@pytest.mark.parametrize("port", ["", ":", ":80", ":1", ":99999", ":x", ":{0}0", ":0{0}.", ":1,127.0.0.1:{0}"])
@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_a_request_for_another_port_is_refused(lab: Lab, name: str, port: str) -> None:
    """Whoever took the port of a lab that died could pass on what is sent there, and read the answers."""
    host = name + port.format(lab.port)

    assert ask(lab, "/", signed(lab, "/") | {"Host": host})[0] in (400, 403)
    assert ask(lab, "/health", {"Host": host})[0] in (400, 403)


@pytest.mark.parametrize(
    ("service", "code"), [("s3", "AccessDenied"), ("iam", "AccessDenied"), ("cloudtrail", "AccessDeniedException")]
)
def test_a_client_that_is_led_to_another_port_is_told_so(lab: Lab, service: str, code: str) -> None:
    """As one that comes through a forwarded port."""
    moved = make_client(lab, service)

    def name_another_port(request: Any, **_: Any) -> None:
        request.headers["Host"] = "127.0.0.1:1"

    moved.meta.events.register("before-sign.*.*", name_another_port)
    call = {"s3": "list_buckets", "iam": "list_users", "cloudtrail": "describe_trails"}[service]
    with pytest.raises(ClientError) as refused:
        getattr(moved, call)()

    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert f"listens on port {lab.port}" in error["Message"]
    assert "'127.0.0.1:1'" in error["Message"]


@pytest.mark.parametrize(
    "host", ["evil.example.com", "10.0.0.1", "127.0.0.1.evil.example.com", "", "[::1", "localhost.x"]
)
def test_a_page_that_rebinds_its_name_to_this_machine_stays_out(lab: Lab, host: str) -> None:
    assert ask(lab, "/", signed(lab, "/") | {"Host": host})[0] in (400, 403)


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
    status, _ = ask(lab, path, signed(lab, path, service="iam", headers=headers))

    assert status == 403
    assert not exists(client, "intruder")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "none"}, {"Referer": "http://127.0.0.1:8000/index.html"}],
)
def test_a_page_of_this_machine_comes_in_with_a_key(lab: Lab, headers: dict[str, str]) -> None:
    assert ask(lab, "/", signed(lab, "/", headers=headers))[0] == 200


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

    assert status in (400, 403)
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
def test_a_key_that_the_lab_does_not_know_is_rejected_in_every_protocol(
    lab: Lab, service: str, method: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    unknown_caller = make_client(lab, service, aws_access_key_id="AKIASTRANGER00000000")

    with pytest.raises(ClientError, match="python -m lab env") as rejected:
        getattr(unknown_caller, method)(**parameters)

    answer = rejected.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)


def test_a_key_that_was_deleted_or_made_inactive_is_rejected(lab: Lab, client: ClientFactory) -> None:
    iam = client("iam")
    made = iam.create_access_key(UserName="learner")["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    named = {"UserName": "learner", "AccessKeyId": made["AccessKeyId"]}
    make_client(lab, "kms", **keys).list_keys()

    iam.update_access_key(**named, Status="Inactive")
    assert error_of(make_client(lab, "kms", **keys).list_keys) == "UnrecognizedClientException"
    iam.update_access_key(**named, Status="Active")
    make_client(lab, "kms", **keys).list_keys()
    iam.delete_access_key(**named)
    assert error_of(make_client(lab, "kms", **keys).list_keys) == "UnrecognizedClientException"


def session_client(lab: Lab, service: str, credentials: dict[str, str]) -> Any:
    return make_client(
        lab,
        service,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


@pytest.mark.parametrize("kind", ["get_session_token", "get_federation_token"])
def test_a_session_ends_with_its_user(lab: Lab, client: ClientFactory, kind: str) -> None:
    iam, name = client("iam"), f"leaver-{kind[4:7]}"
    iam.create_user(UserName=name, Path="/team/")
    iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    parameters = {"Name": "guest"} if kind == "get_federation_token" else {}
    found = getattr(make_client(lab, "sts", **keys), kind)(**parameters)["Credentials"]
    keys_of_session = session_client(lab, "kms", found)
    if kind == "get_session_token":
        keys_of_session.list_keys()
    else:  # without session policies it may do nothing
        assert error_of(keys_of_session.list_keys) == "AccessDeniedException"

    iam.detach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)

    assert error_of(session_client(lab, "sts", found).get_caller_identity) == "InvalidClientTokenId"
    if kind == "get_session_token":  # another user of the same name is not this one
        iam.create_user(UserName=name)
        assert error_of(session_client(lab, "sts", found).get_caller_identity) == "InvalidClientTokenId"


@pytest.mark.parametrize("account", ["own", "another"])
def test_a_session_ends_with_its_role(lab: Lab, client: ClientFactory, account: str) -> None:
    iam = client("iam") if account == "own" else make_client(lab, "iam", **root_keys(lab, "444455556671"))
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = {
        "RoleName": f"leaver-{account}",
        "Path": "/team/",
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    }
    arn = iam.create_role(**role)["Role"]["Arn"]
    found = client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    assert ":assumed-role/" in session_client(lab, "sts", found).get_caller_identity()["Arn"]

    iam.delete_role(RoleName=role["RoleName"])

    assert error_of(session_client(lab, "sts", found).get_caller_identity) == "InvalidClientTokenId"
    iam.create_role(**role)
    assert error_of(session_client(lab, "sts", found).get_caller_identity) == "InvalidClientTokenId"


def test_a_session_of_an_accounts_root_stays(lab: Lab) -> None:
    found = make_client(lab, "sts", **root_keys(lab, "444455556672")).get_session_token()["Credentials"]

    assert session_client(lab, "sts", found).get_caller_identity()["Arn"] == "arn:aws:iam::444455556672:root"


def test_an_accounts_root_and_a_presigned_url_are_accepted(lab: Lab, client: ClientFactory) -> None:
    root = make_client(lab, "sts", **root_keys(lab, "444455556666"))
    url = client("s3").generate_presigned_url("list_buckets")

    assert root.get_caller_identity()["Arn"] == "arn:aws:iam::444455556666:root"
    assert ask(lab, url.removeprefix(lab.endpoint), {})[0] == 200


def test_the_users_of_every_account_have_keys(lab: Lab) -> None:
    root = make_client(lab, "iam", **root_keys(lab, "444455556667"))
    root.create_user(UserName="ann")
    root.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
    made = root.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}

    assert make_client(lab, "sts", **keys).get_caller_identity()["Arn"] == "arn:aws:iam::444455556667:user/ann"
    assert ":444455556667:" in make_client(lab, "kms", **keys).create_key()["KeyMetadata"]["Arn"]
    url = make_client(lab, "sts", **keys).generate_presigned_url("get_caller_identity", HttpMethod="GET")
    assert b"444455556667:user/ann" in ask(lab, url.removeprefix(lab.endpoint), {})[1]


@pytest.mark.parametrize("key", ["learner", "root"])
def test_a_signature_of_version_4a_is_its_keys(lab: Lab, key: str) -> None:
    keys = (lab.access_key_id, lab.secret_access_key)
    if key == "root":
        keys = ("444455556670", lab.root_secret("444455556670"))
    body = b"Action=GetCallerIdentity&Version=2011-06-15"

    status, answer = ask(
        lab, "/", signed_4a(*keys, "sts", body, FORM | {"host": f"127.0.0.1:{lab.port}"}), "POST", body
    )

    arn = b"arn:aws:iam::111122223333:user/learner" if key == "learner" else b"arn:aws:iam::444455556670:root"
    assert (status, arn in answer) == (200, True)


@pytest.mark.parametrize("secret", ["lab", "111122223333", "", "0" * 64])
def test_the_number_of_an_account_is_no_key_without_its_secret(lab: Lab, secret: str) -> None:
    unknown_caller = make_client(lab, "iam", aws_access_key_id="111122223333", aws_secret_access_key=secret or "x")
    assert error_of(unknown_caller.list_users) == "SignatureDoesNotMatch"

    status, _ = ask(lab, "/", {"Authorization": forged("111122223333", "iam")} | FORM, "POST", b"Action=ListUsers")
    assert status in (400, 403)


@pytest.mark.parametrize("key", ["test", "AKIAIOSFODNN7EXAMPLE", "111122223333\u0660", "11112222333", "anonymous"])
def test_no_key_is_anybodys_without_being_issued(lab: Lab, key: str) -> None:
    keys = (key, "test")
    status, answer = ask(lab, "/", signed(lab, "/", keys=keys), "GET") if key.isascii() else (403, b"")
    assert status in (400, 403), answer


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("iam", "list_users", "SignatureDoesNotMatch"),
        ("ec2", "describe_vpcs", "AuthFailure"),
        ("kms", "list_keys", "InvalidSignatureException"),
        ("lambda", "list_functions", "InvalidSignatureException"),
        ("cloudwatch", "list_metrics", "InvalidSignatureException"),
        ("route53", "list_hosted_zones", "SignatureDoesNotMatch"),
    ],
)
def test_a_known_key_with_a_wrong_secret_is_rejected_in_every_protocol(
    lab: Lab, service: str, method: str, code: str
) -> None:
    assert error_of(getattr(make_client(lab, service, aws_secret_access_key="guessed"), method)) == code


def test_a_temporary_key_needs_its_token(lab: Lab, client: ClientFactory) -> None:
    found = client("sts").get_session_token()["Credentials"]
    keys = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}

    make_client(lab, "s3", **keys, aws_session_token=found["SessionToken"]).list_buckets()
    assert error_of(make_client(lab, "s3", **keys).list_buckets) == "InvalidAccessKeyId"
    assert error_of(make_client(lab, "s3", **keys, aws_session_token="t").list_buckets) == "InvalidToken"


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "Negotiate", "AWS4-HMAC-SHA512", "AWS4-HMAC-SHA256"])
def test_an_authorization_header_that_is_none_of_awss_is_rejected(lab: Lab, client: ClientFactory, scheme: str) -> None:
    """A browser makes a Basic one of `http://AKIA...:secret@127.0.0.1`."""
    password = base64.b64encode(f"{lab.access_key_id}:{lab.secret_access_key}".encode()).decode()
    for credential in (password, f"Credential={lab.access_key_id}/20260101/us-east-1/iam/aws4_request"):
        authorization = {"Authorization": f"{scheme} {credential}"}
        body = urlencode(CREATE_USER).encode()
        assert ask(lab, "/", authorization | FORM, "POST", body)[0] in (400, 403)
        assert ask(lab, "/?" + urlencode(CREATE_USER), authorization)[0] in (400, 403)
    assert not exists(client, "intruder")


@pytest.mark.parametrize("place", ["body", "cookie", "query"])
def test_a_credential_counts_only_where_it_was_signed(lab: Lab, client: ClientFactory, place: str) -> None:
    """With a header of one account, or none, and the name of another account's key elsewhere."""
    url = urlsplit(make_client(lab, "iam", **root_keys(lab, "444455556668")).generate_presigned_url("list_users"))
    body = urlencode(CREATE_USER)
    if place == "body":
        assert ask(lab, "/", FORM, "POST", f"{body}&{url.query}".encode())[0] == 403
    elif place == "cookie":
        assert ask(lab, "/", FORM | {"Cookie": url.query, "X-Authorization": forged("1" * 12)}, "POST", body.encode())[
            0
        ] == (403)
    else:
        path = "/?X-Amz-Credential=" + quote("444455556668/20260101/us-east-1/s3/aws4_request", safe="")
        status, answer = ask(lab, path, signed(lab, path))
        assert (status, b"Only one auth mechanism" in answer) == (400, True)
    assert not exists(client, "intruder")


@pytest.mark.parametrize("order", [1, -1])
def test_two_authorization_headers_are_rejected(lab: Lab, order: int) -> None:
    """The lab would verify one, and MiniStack go by the other."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    connection.putrequest("GET", "/", skip_host=True)
    both = [*signed(lab, "/").items(), ("Authorization", forged("444455556666"))]
    for name, value in both[::order]:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, b"AuthorizationHeaderMalformed" in response.read()) == (400, True)
    connection.close()


SIGN_IN = "AWSCognitoIdentityProviderService.InitiateAuth"
CBOR_SIGN_IN = "/service/AWSCognitoIdentityProviderService/operation/InitiateAuth"
CBOR = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}


def targeted(target: str) -> dict[str, str]:
    return {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        # operations that AWS has called without a signature
        ("/", targeted(SIGN_IN), b"{}"),
        ("/", targeted("AWSCognitoIdentityProviderService.ConfirmForgotPassword"), b"{}"),
        ("/", targeted("AWSCognitoIdentityProviderService.GetUser"), b'{"AccessToken": "x"}'),
        ("/", targeted("AWSCognitoIdentityService.GetCredentialsForIdentity"), b'{"IdentityId": "us-east-1:x"}'),
        ("/", targeted("AWSCognitoIdentityService.GetId"), b'{"IdentityPoolId": "us-east-1:x"}'),
        ("/", FORM, b"Action=AssumeRoleWithSAML&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/r&SAMLAssertion=x"),
        ("/", FORM, b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/r"),
        (CBOR_SIGN_IN, CBOR, b"\xa0"),
        # one of those by its path or header, another one by the rest
        (CBOR_SIGN_IN, FORM, urlencode(CREATE_USER).encode()),
        (CBOR_SIGN_IN, targeted("secretsmanager.ListSecrets"), b"{}"),
        (CBOR_SIGN_IN, targeted("CloudTrail_20131101.StopLogging"), b'{"Name": "t"}'),
        ("/v2/email/identities", targeted(SIGN_IN), b'{"EmailIdentity": "nobody@example.com"}'),
        ("/BeginTransaction", targeted(SIGN_IN), b'{"resourceArn": "a", "secretArn": "b"}'),
        ("/v20180820/configuration/publicAccessBlock", targeted(SIGN_IN), b""),
        # and others
        ("/", FORM, b"Action=GetCallerIdentity&Version=2011-06-15"),
        ("/", targeted("TrentService.ListKeys"), b"{}"),
        ("/", {}, b""),
    ],
)
def test_no_call_without_a_signature_is_served(lab: Lab, path: str, headers: dict[str, str], body: bytes) -> None:
    status, answer = ask(lab, path, headers, "POST", body)

    assert (status in (400, 403), b"The lab takes signed calls only." in answer) == (True, True)
    expected = b"AccessDenied" if not headers else b"MissingAuthenticationToken"
    assert expected in answer


@pytest.mark.parametrize("place", ["the body", "the query string"])
def test_a_form_with_two_actions_is_refused(lab: Lab, place: str) -> None:
    body, query = b"Action=ListUsers&Version=2010-05-08", ""
    if place == "the body":
        body += b"&%41ction=ListRoles"
    else:
        query = "?Action=ListRoles"

    headers = signed(lab, f"/{query}", service="iam", method="POST", body=body, headers=FORM)
    status, answer = ask(lab, f"/{query}", headers, "POST", body)

    assert (status, b"must name one operation" in answer) == (400, True)


@pytest.mark.parametrize("field", ["UserName", "Path", ""])
@pytest.mark.parametrize("place", ["the body", "the query string", "the query string alone"])
def test_a_form_with_two_values_of_a_field_is_refused(lab: Lab, client: ClientFactory, place: str, field: str) -> None:
    """The lab would authorize and record the one, and MiniStack take the other."""
    twice = f"&{field}=intruder&{field}=" if field else "&Action="
    one, body = urlencode({"Action": "CreateUser", "Version": "2010-05-08"}), ""
    path, headers = "/", FORM
    if place == "the body":
        body = f"{one}{twice}"
    elif place == "the query string":
        path, body = f"/?{twice[1:]}", one
    else:
        path, headers = f"/?{one}{twice}", {}

    found = signed(lab, path, service="iam", method="POST", body=body.encode(), headers=headers)
    status, answer = ask(lab, path, found, "POST", body.encode())

    assert (status, b"each field of a form once" in answer) == (400, True)
    assert not exists(client, "intruder")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
@pytest.mark.parametrize("parts", [1, 2])
def test_no_part_of_a_compressed_form_is_overlooked(lab: Lab, client: ClientFactory, encoding: str, parts: int) -> None:
    form = [urlencode(CREATE_USER | {"UserName": "somebody"}).encode(), b"&UserName=intruder"]
    body = gzip.compress(b"".join(form)) if parts == 1 else b"".join(map(gzip.compress, form))
    headers = FORM | {"content-encoding": encoding}

    status, _ = ask(lab, "/", signed(lab, "/", service="iam", method="POST", body=body, headers=headers), "POST", body)

    assert status == 400
    assert not exists(client, "intruder")
    assert not exists(client, "somebody")


@pytest.mark.parametrize(
    "header",
    [
        {"x-amz-decoded-content-length": "80"},
        {"content-encoding": "aws-chunked"},
        {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
    ],
)
def test_no_service_but_s3_is_sent_chunks(lab: Lab, client: ClientFactory, header: dict[str, str]) -> None:
    form = urlencode(CREATE_USER).encode()
    body = f"{len(form):x};chunk-signature={'0' * 64}\r\n".encode() + form + b"\r\n0;chunk-signature=0\r\n\r\n"
    headers = FORM | header

    found = signed(lab, "/?Action=GetUser", service="iam", method="POST", body=body, headers=headers)
    status, _ = ask(lab, "/?Action=GetUser", found | header, "POST", body)

    assert status in (400, 403)
    assert not exists(client, "intruder")


def test_a_list_in_the_query_string_of_a_call_by_path_may_have_its_name_twice(lab: Lab) -> None:
    arn = quote(f"arn:aws:lambda:us-east-1:{lab.account}:function:none", safe="")
    path = f"/2017-03-31/tags/{arn}?tagKeys=a&tagKeys=b"

    found = signed(lab, path, service="lambda", method="DELETE", headers=FORM)

    assert b"each field of a form once" not in ask(lab, path, found, "DELETE")[1]


def test_who_signs_may_sign_in_to_a_user_pool(client: ClientFactory) -> None:
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="signed")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    cognito.admin_create_user(UserPoolId=pool, Username="alice")
    cognito.admin_set_user_password(UserPoolId=pool, Username="alice", Password="Only-Alice-kn0ws", Permanent=True)

    found = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=made["UserPoolClient"]["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "alice", "PASSWORD": "Only-Alice-kn0ws"},
    )

    assert found["AuthenticationResult"]["AccessToken"]


def test_a_browsers_form_upload_to_s3_is_rejected(lab: Lab, client: ClientFactory) -> None:
    client("s3").create_bucket(Bucket="forms-of-pages")
    form = client("s3").generate_presigned_post("forms-of-pages", "k")
    parts = [*form["fields"].items(), ("file", "content")]
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts)
    content = {"Content-Type": "multipart/form-data; boundary=b"}

    assert ask(lab, "/forms-of-pages", content, "POST", f"{body}--b--\r\n".encode())[0] == 403
    assert client("s3").list_objects_v2(Bucket="forms-of-pages")["KeyCount"] == 0


@pytest.mark.parametrize("path", ["/", "/_lab/advance", "/a-bucket/key", "/_ministack/config"])
@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://localhost:3000"])
def test_a_page_is_not_allowed_to_send_more_than_a_form(lab: Lab, path: str, origin: str) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }

    found = send(lab.port, "OPTIONS", path, asked)

    assert found.status in (403, 404)
    assert not [name for name in found.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", [None, "http://localhost:3000"])
def test_only_the_page_that_asked_may_read_an_answer(lab: Lab, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}

    found = send(lab.port, "GET", "/", signed(lab, "/", headers=headers))

    allowed = {name: value for name, value in found.headers.items() if name.startswith("access-control-")}
    assert found.status == 200
    assert allowed == ({"access-control-allow-origin": origin} if origin else {})


@pytest.mark.parametrize("path", ["/", "/_aws/execute-api/a1b2c3d4/prod", "/mqtt", "/_ministack/config"])
@pytest.mark.parametrize("host", ["127.0.0.1", "a1b2c3d4.execute-api.localhost", "x.iot.us-east-1.localhost"])
def test_no_websocket_is_opened(lab: Lab, path: str, host: str) -> None:
    upgrade = {
        "Host": host,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "mqtt",
        "Origin": "https://evil.example.com",
    }

    assert send(lab.port, "GET", path, upgrade).status == 403


def test_an_unsigned_request_to_s3_is_rejected_as_s3_does() -> None:
    answer = authentication_error(
        Request("GET", "/bucket/key", "", {"host": "127.0.0.1"}, b""), None, AuthFailure.UNSIGNED
    )

    root = ElementTree.fromstring(answer[2])  # noqa: S314 - our own
    assert (answer[0], root.tag, root.findtext("Code")) == (403, "Error", "AccessDenied")
    assert answer[1]["x-amzn-requestid"] == root.findtext("RequestId")
