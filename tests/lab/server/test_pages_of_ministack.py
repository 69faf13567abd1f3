"""Nothing of MiniStack answers but calls of AWS's APIs: its routing table is walked, as it is in its source."""

import ast
import contextvars
import functools
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import ministack
import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.delivery.room import Room
from lab.handshake import root_secret
from lab.protocol.asgi import Message, Receive, Send
from lab.records.recorder import Recorder
from lab.server import routing
from lab.server.gateway import Gateway
from lab.server.pages import OwnPages

ROOT = Path(ministack.__file__).parent
LAB = Path(__file__).parents[3]
# Where a request's way is decided; every other file of MiniStack serves one service's calls.
ROUTING = ("app.py", "core/router.py", "core/rds_iam.py")
SECRET = "a secret of a lab"
ACCOUNT = "444455556666"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get")

# Texts of the routing that begin with a slash and are neither a path of an API nor rejected, and why that is no page.
NO_PAGES = {
    "/docker-entrypoint-initaws.d": "a folder",
    "/docker-entrypoint-initaws.d/ready.d": "a folder",
    "/etc/localstack/init/boot.d": "a folder",
    "/etc/localstack/init/ready.d": "a folder",
    "//": "a part of a URL",
    "/root/.aws": "a folder",
    "/tmp": "a folder",  # noqa: S108
    "/tmp/ministack-data/s3": "a folder",  # noqa: S108
    "/.well-known/": "a part of a path, after the id of a user pool",
    "/.well-known/jwks.json": "as above",
    "/.well-known/openid-configuration": "as above",
    "/blobs/": "a part of a path below /v2/",
    "/manifests/": "as above",
    "/tags/list": "as above",
    "/aliases/": "a part of a path below /flows/ of Bedrock",
    "/operation/": "a part of a path of the CBOR protocol",
    "/object": "a part of an ARN",
    "/graphql": "AppSync's own path, of a host of its own",
    "/v1/apis/[^/]+/graphql$": "AppSync's, with the API's id",
    "/v1/tags/arn:aws:appsync": "AppSync's",
    "/queue/": "a queue's URL",
    "/stoptask": "ECS",
    "/taskdefinitions": "ECS",
    "/2021-01-01/compatibleVersions": "OpenSearch",
    "/2021-01-01/versions": "OpenSearch",
}
# What is rejected, where the text of the routing is a pattern or a beginning: paths that it stands for.
SAMPLES = {
    "/v4/[A-Za-z0-9_-]{8,}(?:/.*)?$": ["/v4/0123abcd-task", "/v4/0123abcd-task/stats"],
    "/latest/": ["/latest/meta-data/iam/security-credentials/role", "/latest/api/token"],
    "/v2/": ["/v2/", "/v2", "/v2/_catalog", "/v2/app/blobs/x", "/v2/a/b/manifests/1", "/v2/app/tags/list"],
    "/iceberg": ["/iceberg", "/iceberg/v1/config", "/iceberg-bucket/key"],
    "/oauth2/": ["/oauth2/token", "/oauth2/authorize", "/oauth2/userinfo", "/OAuth2/userInfo"],
    "/restapis/": ["/restapis/a1b2c3d4/prod/_user_request_/path"],
    "/.well-known/jwks.json": ["/us-east-1_AbCdEf123/.well-known/jwks.json"],
    "/.well-known/openid-configuration": ["/us-east-1_AbCdEf123/.well-known/openid-configuration"],
}
# The operations whose paths are rejected; MiniStack has neither of these services.
REFUSED_OPERATIONS = {("securityagent", "InitiateProviderRegistration"), ("sso", "Logout")}


@functools.cache
def api_paths() -> dict[str, set[tuple[str, str, str]]]:
    """The paths of AWS's APIs, and the operations that they belong to, with what those are signed for."""
    session = botocore.session.get_session()
    found: dict[str, set[tuple[str, str, str]]] = {}
    for name in session.get_available_services():
        model = session.get_service_model(name)
        for operation in model.operation_names:
            path = model.operation_model(operation).http.get("requestUri", "/").partition("?")[0] or "/"
            found.setdefault(path, set()).add((name, operation, model.signing_name))
    return found


@functools.cache
def texts() -> frozenset[str]:
    """The texts of MiniStack's source that may be paths: all of its routing, and those of own pages anywhere."""
    found = set()
    for path in ROOT.rglob("*.py"):
        is_routing = str(path.relative_to(ROOT)) in ROUTING
        source = path.read_text(encoding="utf-8")
        if not is_routing and re.search(r"""["'}]\^?/_""", source) is None:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.removeprefix("^")
                if re.fullmatch(r"/\S*", text) and (is_routing or text.startswith("/_")):
                    found.add(text)
    return frozenset(found)


def is_of_an_api(text: str) -> bool:
    """Whether it is what a path of an API begins with, as text or as a pattern."""
    return any(path.startswith(text) for path in api_paths()) or (
        re.search(r"[\\(\[]", text) is not None and any(re.match(text, path) for path in filled_paths())
    )


@functools.cache
def filled_paths() -> frozenset[str]:
    return frozenset(re.sub(r"\{[^}]*\}", "name", path) for path in api_paths())


def paths_of(text: str) -> list[str]:
    return SAMPLES.get(text) or [text, f"{text}x/y" if text.endswith("/") else f"{text}/x"]


def rejected_paths() -> list[str]:
    """Every path in the routing that belongs to no API."""
    found = {path for text in texts() | SAMPLES.keys() for path in paths_of(text) if not routing.is_a_call(path, "s3")}
    return sorted(found - {"/x"})


@pytest.mark.slow
def test_every_path_in_ministacks_routing_is_a_call_or_rejected_or_known() -> None:
    unknown = [
        text
        for text in sorted(texts())
        if not is_of_an_api(text) and text not in NO_PAGES and routing.is_a_call(paths_of(text)[0], "s3")
    ]

    assert unknown == []
    assert {path for path in texts() if path.startswith("/_")} <= set(rejected_paths()) | {"/_"}
    assert len(rejected_paths()) > 40


def test_no_operation_of_an_api_is_rejected() -> None:
    rejected = {
        (service, operation)
        for path, operations in api_paths().items()
        for service, operation, signing_name in operations
        if not routing.is_a_call(re.sub(r"\{[^}]*\}", "some-name", path), signing_name)
    }

    assert rejected == REFUSED_OPERATIONS


class Spy:
    """In MiniStack's place: answers everything, and keeps what reached it."""

    def __init__(self) -> None:
        self.reached: list[Message] = []

    async def __call__(self, scope: Message, _receive: Receive, send: Send) -> None:
        self.reached.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"reached"})


@pytest.fixture
def spy() -> Spy:
    return Spy()


def ask(spy: Spy, method: str, path: str, query: str = "", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """The answer of a lab to exactly this request."""
    gateway = Gateway(
        spy,
        Recorder((), lambda: datetime.now(UTC)),
        lambda _: datetime.now(UTC),
        OwnPages({}, SECRET, "i"),
        room=Room(Path("/"), lambda _: None, lambda _: None, lambda: 0),
        authorize=lambda *_: None,
        secret=SECRET,
    )
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "path": re.sub("%([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), path),
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or HOST).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", urlsplit(f"//{(headers or HOST).get('host') or (headers or HOST)['Host']}").port or 80),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(StopIteration):  # nothing in it waits
        contextvars.copy_context().run(gateway(scope, receive, send).send, None)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])


HOST = {"host": "127.0.0.1:4566"}
KEY = Credentials(ACCOUNT, root_secret(SECRET, ACCOUNT))


def signatures(method: str, path: str, host: str = "127.0.0.1:4566") -> Iterator[tuple[str, dict[str, str]]]:
    """A request unsigned, and rightly signed in every way, for several services: query string and headers."""
    yield "", {"host": host}
    for signer, service in (
        (S3SigV4Auth, "s3"),
        (SigV4Auth, "iam"),
        (SigV4Auth, "cognito-idp"),
        (S3SigV4QueryAuth, "s3"),
        (HmacV1Auth, "s3"),
        (HmacV1QueryAuth, "s3"),
    ):
        request = AWSRequest(method, f"http://{host}{path}", headers={"Host": host})
        arguments: Any = (KEY,) if issubclass(signer, HmacV1Auth) else (KEY, service, "us-east-1")
        signer(*arguments).add_auth(request)
        yield str(request.url).partition("?")[2], dict(request.headers.items())


HEALTH = ("/health", "/_ministack/health", "/_localstack/health")


def test_no_page_answers_whatever_the_method_or_the_signature(spy: Spy) -> None:
    for path, method in itertools.product(rejected_paths(), METHODS):
        for query, headers in signatures(method, path):
            if method == "GET" and path in HEALTH and not query and headers == HOST:
                continue
            status, _ = ask(spy, method, path, query, headers)
            assert (status, spy.reached) in ((403, []), (404, []), (400, [])), (method, path, query, headers)


def test_no_call_without_a_signature_reaches_ministack(spy: Spy) -> None:
    """Whatever its path and its headers say: every operation that AWS has called without a signature among them."""
    session = botocore.session.get_session()
    targets, paths = {""}, {"/"}
    for name in session.get_available_services():
        model = session.get_service_model(name)
        for operation in map(model.operation_model, model.operation_names):
            if operation.auth_type == "none" or "smithy.api#noAuth" in (operation.auth or ()):
                target = str(model.metadata.get("targetPrefix", ""))
                paths |= {re.sub(r"\{[^}]*\}", "name", str(operation.http.get("requestUri", "/")).partition("?")[0])}
                if target:
                    targets.add(f"{target}.{operation.name}")
                    paths.add(f"/service/{target}/operation/{operation.name}")
    assert len(targets) > 20
    for path, target in itertools.product(sorted(paths), sorted(targets)):
        for method in ("GET", "POST"):
            headers = HOST | ({"x-amz-target": target} if target else {}) | {"smithy-protocol": "rpc-v2-cbor"}
            assert ask(spy, method, path, "", headers)[0] in (400, 403, 404)
    assert spy.reached == []


@pytest.mark.parametrize("page", ["_ministack/config", "_ministack/reset", "_localstack/health", "_aws/sqs/messages"])
@pytest.mark.parametrize(
    "way",
    ["//{}", "/./{}", "///{}", "/%5f{1}", "/%5F{1}", "/_{1}/", "/%2f{}", "/.//{}", "http://127.0.0.1/{}", "{}", "*"],
)
def test_no_spelling_of_a_path_leads_to_a_page(spy: Spy, page: str, way: str) -> None:
    path = way.format(page, page[1:])
    for method in ("GET", "POST", "PUT"):
        for query, headers in signatures(method, path if path.startswith("/") else "/"):
            assert ask(spy, method, path, query, headers)[0] in (400, 403, 404)
    assert spy.reached == []


def test_an_object_may_be_called_as_a_page(spy: Spy) -> None:
    for path in ("/bucket/_ministack/config", "/bucket/health", "/bucket/latest/meta-data", "/bucket/v2/a/manifests/b"):
        for query, headers in itertools.islice(signatures("PUT", path), 1, 2):
            assert ask(spy, "PUT", path, query, headers) == (200, b"reached")
        assert spy.reached.pop()["path"] == path


def test_a_path_longer_than_any_of_awss_is_refused_unread(spy: Spy) -> None:
    longest = f"/bucket/{'%C3%A9' * 512}"  # a key of S3 has up to 1,024 bytes
    for query, headers in itertools.islice(signatures("PUT", longest), 1, 2):
        assert ask(spy, "PUT", longest, query, headers) == (200, b"reached")
    spy.reached.clear()

    for path in ("/" + "a" * routing.MAX_PATH_BYTES, "/a" + "_" * 60_000, "/_lab/status" + "/" * 8_200):
        for query, headers in signatures("PUT", path):
            assert ask(spy, "PUT", path, query, headers)[0] == 414
    assert spy.reached == []


PATTERNS = """
import importlib, itertools, pkgutil, re
import lab.protocol, lab.server
found = set()
for package in (lab.protocol, lab.server):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not module.name.endswith(("__main__", ".application")):
            values = vars(importlib.import_module(module.name)).values()
            found |= {each for each in values if isinstance(each, re.Pattern)}
starts = ("", "/", "/a", "/v2/", "/v4/", "/restapis/a/", "<a", "a.", "us-", "Credential=", "/service/")
pumps = ("_", "/", "a", ".", "-", "/.", "_/", "a-", "-a", " ", ' a="x"', ";", "a;", "%3c", "&", "1", "A")
for pattern, start, pump in itertools.product(found, starts, pumps):
    text = start + pump * (100_000 // len(pump)) + chr(0)
    text = text.encode() if isinstance(pattern.pattern, bytes) else text
    pattern.match(text), pattern.fullmatch(text)
print(len(found))
"""


@pytest.mark.slow
def test_no_pattern_takes_more_time_than_in_proportion_to_what_it_reads() -> None:
    """One that is quadratic would take many minutes for one of these texts."""
    found = subprocess.run(
        [sys.executable, "-c", PATTERNS], capture_output=True, text=True, timeout=60, check=True, cwd=LAB
    )

    assert int(found.stdout) > 30


TARGET = {"x-amz-target": "CloudTrail_20131101.StopLogging", "content-type": "application/x-amz-json-1.1"}
CBOR = {"smithy-protocol": "rpc-v2-cbor"}
CBOR_PATH = "/service/GraniteServiceVersion20100801/operation/ListMetrics"


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "status"),
    [
        ("cloudtrail", "POST", "/", TARGET, 200),
        (
            "cloudtrail",
            "POST",
            "/",
            {"x-amz-target": f"com.amazonaws.cloudtrail.v20131101.{TARGET['x-amz-target']}"},
            200,
        ),
        ("s3", "POST", "/", TARGET, 400),
        ("s3", "DELETE", "/bucket", {"x-amz-target": "No.Such"}, 400),
        ("s3", "DELETE", "/bucket", {"x-amz-target": ""}, 400),
        ("ses", "POST", "/v2/email/identities", TARGET, 400),
        ("cloudtrail", "POST", "/v2/email/identities", TARGET, 400),
        ("cloudtrail", "POST", "/", TARGET | {"x-amz-target": "CloudTrail_20131101x.StopLogging"}, 400),
        ("sqs", "POST", f"/{ACCOUNT}/a-queue.fifo", {"x-amz-target": "AmazonSQS.SendMessage"}, 200),
        ("sqs", "POST", "/v2/email", {"x-amz-target": "AmazonSQS.SendMessage"}, 400),
        ("cloudtrail", "POST", "/", TARGET | CBOR, 400),
        ("monitoring", "POST", CBOR_PATH, CBOR, 200),
        ("monitoring", "POST", CBOR_PATH, {}, 400),
        ("monitoring", "POST", "/", CBOR, 400),
        ("kms", "POST", CBOR_PATH, CBOR, 400),
        ("s3", "PUT", CBOR_PATH, CBOR, 400),
        ("s3", "PUT", CBOR_PATH, {}, 200),
        ("ses", "POST", "/v2/email/identities", {}, 200),
        ("iam", "POST", "/v2/email/identities", {}, 400),
        ("rds-data", "POST", "/BeginTransaction", {}, 200),
        ("dynamodb", "POST", "/BeginTransaction", {}, 400),
        ("s3", "GET", "/v20180820/configuration/publicAccessBlock", {}, 200),
        ("sqs", "GET", "/v20180820/configuration/publicAccessBlock", {}, 400),
    ],
)
def test_what_a_request_is_signed_for_is_what_it_calls(
    spy: Spy, service: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    request = AWSRequest(method, f"http://{HOST['host']}{path}", headers=HOST | headers)
    (S3SigV4Auth if service == "s3" else SigV4Auth)(KEY, service, "us-east-1").add_auth(request)

    assert ask(spy, method, path, "", dict(request.headers.items()))[0] == status
    assert len(spy.reached) == (status == 200)


def test_no_method_but_those_of_apis_comes_in(spy: Spy) -> None:
    for method in METHODS:
        for query, headers in itertools.islice(signatures(method, "/bucket/key"), 1, 2):
            status, _ = ask(spy, method, "/bucket/key", query, headers)
            # Of these two, S3 has no operation for an object.
            known = 400 if method in ("POST", "PATCH") else 200
            assert status == (known if method in ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH") else 404)
    assert len(spy.reached) == 4


@pytest.mark.parametrize(
    "key", ["/_ministack/config", "/login", "/health", "/latest/meta-data", "/v2/a/manifests/b", "/"]
)
@pytest.mark.parametrize("host", ["bucket.localhost:80", "bucket.s3.localhost", "bucket.s3.eu-west-1.localhost:4566"])
def test_a_bucket_in_the_host_name_reaches_ministack_in_the_path(spy: Spy, key: str, host: str) -> None:
    for number, (query, headers) in enumerate(signatures("PUT", key, host)):
        status, _ = ask(spy, "PUT", key, query, headers)
        if number in (2, 3) and key == "/":
            continue  # no bucket for another service, see below
        if number in (0, 2, 3):  # not signed, or not for S3
            assert status in (403, 404)
            continue
        if "AWS " in headers.get("Authorization", "") or "AWSAccessKeyId" in query:
            continue  # botocore signs the path without the bucket
        assert (status, spy.reached[-1]["path"]) == (200, f"/bucket{key}")
        assert dict(spy.reached.pop()["headers"])[b"host"].startswith(b"localhost")


@pytest.mark.parametrize(
    "host",
    [
        "a1b2c3d4.execute-api.localhost:4566",
        "0123456789abcdef0123456789abcdef.lambda-url.us-east-1.localhost",
        "name.alb.localhost",
        "d111111abcdef8.cloudfront.localhost",
        "collection.us-east-1.aoss.localhost",
        "api.appsync-api.us-east-1.localhost",
        "x.iot.us-east-1.localhost",
        "alias.mrap.accesspoint.s3-global.amazonaws.com",
        "bucket.s3-website.us-east-1.localhost",
        "bucket.s3.amazonaws.com",
    ],
)
def test_no_host_name_leads_to_an_application(spy: Spy, host: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        for path in ("/", "/prod/path"):
            for query, headers in signatures(method, path, host):
                assert ask(spy, method, path, query, headers)[0] in (403, 404)
    assert spy.reached == []


def test_a_host_name_of_another_service_is_no_bucket(spy: Spy) -> None:
    """Some operations put a name in front of the host, which MiniStack would take for a bucket."""
    query, headers = list(signatures("POST", "/?Action=ListUsers&Version=2010-05-08", "api.localhost:4566"))[2]

    assert ask(spy, "POST", "/", query, headers)[0] == 200
    assert dict(spy.reached[0]["headers"])[b"host"] == b"localhost:4566"


@pytest.mark.parametrize("path", HEALTH)
def test_only_the_health_of_ministack_is_for_everybody(spy: Spy, path: str) -> None:
    assert ask(spy, "GET", path) == (200, b"reached")
    for method, query, headers in (
        ("POST", "", HOST),
        ("HEAD", "", HOST),
        ("GET", "Action=ListUsers", HOST),
        ("GET", "", HOST | {"authorization": "Basic eDp5"}),
        ("GET", "", HOST | {"origin": "https://evil.example.com"}),
    ):
        assert ask(spy, method, path, query, headers)[0] in (400, 403, 404)
    assert len(spy.reached) == 1
