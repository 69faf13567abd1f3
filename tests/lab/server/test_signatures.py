"""Signatures: what botocore signs holds, whatever is in it, and nothing in it can be altered."""

import base64
import hashlib
import hmac
import string
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import (
    HmacV1Auth,
    HmacV1QueryAuth,
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given
from hypothesis import strategies as st

from lab.protocol.request import Request
from lab.server import signatures
from lab.server.signatures import AuthFailure, Key, Signature, check_body, check_head, signature_of
from tests.lab.signing import signed_4a

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
TOKEN = "a/token+of=its session"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8)
QUERIES = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4)
HEADERS = st.dictionaries(
    NAMES.map("x-amz-meta-".__add__), st.text(string.printable[:95], max_size=12).map(str.strip), max_size=3
)
BODIES = st.binary(max_size=40)
TOKENS = st.sampled_from(["", TOKEN])
METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE"])
SERVICES = st.sampled_from(["s3", "iam", "lambda"])


def now_of(signature: Signature) -> float:
    """A time at which this signature is fresh: a presigned URL of version 2 says only when it ends."""
    is_v2_url = signature.is_presigned and not signature.date
    return signature.moment - 1 if is_v2_url else signature.moment + 1


def wrong_with(
    request: Request, key: Key | None = None, now: Callable[[Signature], float] = now_of
) -> AuthFailure | None:
    """What the lab finds wrong, if anything."""
    found = signature_of(request)
    if isinstance(found, AuthFailure):
        return found
    if found.access_key_id != ACCESS_KEY_ID:
        return AuthFailure.UNKNOWN_KEY
    key = key or Key(SECRET, TOKEN if found.token else "")
    sha256 = hashlib.sha256(request.body).hexdigest()
    return check_head(request, found, key, "", now(found)) or check_body(
        request, found, key, sha256, lambda: request.body
    )


def made(signer: type[Any], service: str, token: str, request: AWSRequest) -> Request:
    """A request as it comes over the wire."""
    credentials = Credentials(ACCESS_KEY_ID, SECRET, token or None)
    arguments = (credentials,) if issubclass(signer, HmacV1Auth) else (credentials, service, "us-east-1")
    signer(*arguments).add_auth(request)
    prepared = request.prepare()
    url = urlsplit(str(prepared.url))
    headers = {name.lower(): value for name, value in prepared.headers.items()}
    body = request.data or b""
    return Request(str(request.method), url.path or "/", url.query, {"host": url.netloc, **headers}, body)


def url_of(parts: list[str], query: list[tuple[str, str]]) -> str:
    path = "/".join(quote(part, safe="~") for part in parts)
    fields = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query)
    return f"http://127.0.0.1:4566/{path}" + (f"?{fields}" if fields else "")


@st.composite
def signed_requests(draw: st.DrawFn) -> Request:
    """Any request of version 4, in a header or a URL."""
    service, token = draw(SERVICES), draw(TOKENS)
    is_url = draw(st.booleans())
    signer = {
        (True, True): S3SigV4QueryAuth,
        (True, False): SigV4QueryAuth,
        (False, True): S3SigV4Auth,
        (False, False): SigV4Auth,
    }[is_url, service == "s3"]
    parts = draw(st.lists(TEXT.filter(lambda text: text not in (".", "..", "")), max_size=3))
    query = draw(QUERIES)
    # botocore's URL signer reads the parameters that are there into a map
    assume(not is_url or len({name for name, _ in query}) == len(query))
    assume(not any(signatures._is_of_signature(name) for name, _ in query))
    method, headers = draw(METHODS), draw(HEADERS)
    body = b"" if is_url or method == "GET" else draw(BODIES)
    request = AWSRequest(method, url_of(parts, query), headers=headers, data=body)
    request.context["payload_signing_enabled"] = True
    return made(signer, service, token, request)


@given(signed_requests())
def test_what_botocore_signs_holds(request: Request) -> None:
    assert wrong_with(request) is None


@given(signed_requests(), st.data())
def test_nothing_that_was_signed_can_be_altered(request: Request, data: st.DataObject) -> None:
    signature = signature_of(request)
    assert isinstance(signature, Signature)
    is_hashed = signatures.declared_payload(request, signature) != signatures.UNSIGNED_PAYLOAD
    parts = ["method", "path", "query", "header", "secret", *(["body"] if is_hashed else [])]
    part = data.draw(st.sampled_from(parts))
    if part == "method":
        request = replace(request, method=data.draw(METHODS.filter(lambda method: method != request.method)))
    elif part == "path":
        request = replace(request, path=request.path + data.draw(st.sampled_from(["x", "%20", "/y", "+", "%2B"])))
    elif part == "query":
        added = data.draw(st.sampled_from(["acl", "a=b", "Action=DeleteUser", "X-Amz-Expires=9", "x-amz-date=1"]))
        request = replace(request, query=f"{request.query}&{added}" if request.query else added)
    elif part == "header":
        name = data.draw(st.sampled_from(["x-amz-meta-new", "x-amz-target", *signature.signed_headers.split(";")]))
        request = replace(request, headers={**request.headers, name: request.headers.get(name, "") + "1"})
    elif part == "body":
        request = replace(request, body=request.body + b"x")

    wrong = wrong_with(request, Key("another", signature.token) if part == "secret" else None)

    assert wrong is not None


@given(signed_requests(), st.integers(min_value=0))
def test_no_byte_of_a_signature_can_be_altered(request: Request, position: int) -> None:
    signature = signature_of(request)
    assert isinstance(signature, Signature)
    at = position % 64
    digit = "0" if signature.value[at] != "0" else "1"
    value = signature.value[:at] + digit + signature.value[at + 1 :]
    headers = {name: text.replace(signature.value, value) for name, text in request.headers.items()}

    altered = replace(request, headers=headers, query=request.query.replace(signature.value, value))

    assert wrong_with(altered) is AuthFailure.SIGNATURE_MISMATCH


@given(QUERIES, st.randoms())
def test_a_query_string_may_come_in_any_order_and_spelling(query: list[tuple[str, str]], random: Any) -> None:
    def spelled(text: str) -> str:
        return "".join(
            random.choice([quote(char, safe="~"), char if char in string.ascii_letters else quote(char)])
            for char in text
        )

    straight = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    shuffled = list(query)
    random.shuffle(shuffled)
    other = "&".join(f"{spelled(name)}={spelled(value)}" for name, value in shuffled)

    assert signatures.canonical_query(straight) == signatures.canonical_query(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a=+", "a=%2B"), ("a=%20", "a=%2B"), ("a=b%26c", "a=b&c"), ("a=1&a=2", "a=1"), ("a=%3D", "a=&"), ("A=1", "a=1")],
)
def test_what_means_something_else_is_signed_differently(one: str, other: str) -> None:
    assert signatures.canonical_query(one) != signatures.canonical_query(other)


@pytest.mark.parametrize(
    ("service", "seconds", "wrong"),
    [
        ("iam", 299, None),
        ("iam", 301, AuthFailure.TIME_SKEWED),
        ("iam", -299, None),
        ("iam", -301, AuthFailure.TIME_SKEWED),
        ("s3", 899, None),
        ("s3", 901, AuthFailure.TIME_SKEWED),
        ("s3", -901, AuthFailure.TIME_SKEWED),
    ],
)
def test_a_header_is_fresh_for_minutes(service: str, seconds: float, wrong: AuthFailure | None) -> None:
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    request = made(signer, service, "", AWSRequest("GET", "http://127.0.0.1/"))

    assert wrong_with(request, now=lambda signature: signature.moment + seconds) is wrong


@pytest.mark.parametrize(
    ("signer", "service"), [(S3SigV4QueryAuth, "s3"), (SigV4QueryAuth, "sts"), (HmacV1QueryAuth, "s3")]
)
def test_a_url_holds_until_it_expires_and_no_longer(signer: type[Any], service: str) -> None:
    request = made(signer, service, TOKEN, AWSRequest("GET", "http://127.0.0.1/bucket/key"))
    signature = signature_of(request)
    assert isinstance(signature, Signature)
    ends = signature.moment + signature.expires_seconds

    assert wrong_with(request, now=lambda _: ends - 1) is None
    assert wrong_with(request, now=lambda _: ends + 1) is AuthFailure.URL_EXPIRED


@pytest.mark.parametrize("expires", ["0", "604801", "-1", "1e9", "", "9" * 30])
def test_a_url_is_good_for_seven_days_at_most(expires: str) -> None:
    request = made(S3SigV4QueryAuth, "s3", "", AWSRequest("GET", "http://127.0.0.1/bucket/key"))

    altered = replace(request, query=request.query.replace("X-Amz-Expires=3600", f"X-Amz-Expires={expires}"))

    assert wrong_with(altered) is AuthFailure.INCOMPLETE


def test_a_temporary_key_ends() -> None:
    request = made(SigV4Auth, "iam", TOKEN, AWSRequest("GET", "http://127.0.0.1/"))
    signature = signature_of(request)
    assert isinstance(signature, Signature)

    assert wrong_with(request, Key(SECRET, TOKEN, signature.moment)) is AuthFailure.TOKEN_EXPIRED
    assert wrong_with(request, Key(SECRET, TOKEN, signature.moment + 2)) is None
    assert wrong_with(request, Key(SECRET, "another")) is AuthFailure.TOKEN_INVALID


@given(
    st.lists(TEXT.filter(bool), min_size=2, max_size=3),
    st.dictionaries(st.sampled_from(["acl", "versionId", "prefix", "uploadId", "response-content-type"]), TEXT),
    HEADERS,
    TOKENS,
    st.sampled_from([HmacV1Auth, HmacV1QueryAuth]),
)
def test_version_2_holds_for_s3_and_cannot_be_altered(
    parts: list[str], query: dict[str, str], headers: dict[str, str], token: str, signer: type[Any]
) -> None:
    assume(not any(part in (".", "..") for part in parts))
    # botocore signs the values of sub-resources as they are in the URL, S3 decoded
    plain = {name: "".join(c for c in value if c in string.ascii_letters) or "v" for name, value in query.items()}
    url = url_of(parts, list(plain.items()))
    request = made(signer, "s3", token, AWSRequest("GET", url, headers=headers))

    assert wrong_with(request) is None
    for path, more in ((f"{request.path}x", ""), (request.path, "&torrent"), (request.path, "&encryption")):
        altered = replace(request, path=path, query=request.query + more)
        assert wrong_with(altered) is AuthFailure.SIGNATURE_MISMATCH
    assert wrong_with(replace(request, method="PUT")) is AuthFailure.SIGNATURE_MISMATCH
    assert (
        wrong_with(replace(request, headers={**request.headers, "x-amz-acl": "public-read"}))
        is AuthFailure.SIGNATURE_MISMATCH
    )


def streamed(chunks: list[bytes], *, trailer: bytes | None) -> Request:
    """An upload in signed chunks, made as AWS describes it, with what of botocore signs the head."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer is not None else "")
    request = AWSRequest("PUT", "http://127.0.0.1/bucket/key", headers={"X-Amz-Content-SHA256": kind})

    class Signer(S3SigV4Auth):
        def payload(self, _request: AWSRequest) -> str:
            return kind

        def _modify_request_before_signing(self, request: AWSRequest) -> None:
            SigV4Auth._modify_request_before_signing(self, request)  # type: ignore[attr-defined]

    found = made(Signer, "s3", "", request)
    signature = signature_of(found)
    assert isinstance(signature, Signature)
    key = b"AWS4" + SECRET.encode()
    for part in (signature.date, "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    previous, body = signature.value, b""

    def mark(name: str, *hashed: bytes) -> str:
        digests = [hashlib.sha256(each).hexdigest() for each in hashed]
        lines = [f"AWS4-HMAC-SHA256-{name}", signature.time, signature.scope, previous, *digests]
        return hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()

    for chunk in (*chunks, b""):
        previous = mark("PAYLOAD", b"", chunk)
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + (chunk + b"\r\n" if chunk else b"")
    if trailer is not None:
        body += trailer + b"\r\nx-amz-trailer-signature:" + mark("TRAILER", trailer + b"\n").encode() + b"\r\n"
    return replace(found, body=body + b"\r\n")


@given(
    st.lists(st.binary(min_size=1, max_size=30), max_size=3), st.sampled_from([None, b"x-amz-checksum-crc32:AAAAAA=="])
)
def test_an_upload_in_signed_chunks_holds_and_no_byte_of_it_can_be_altered(
    chunks: list[bytes], trailer: bytes | None
) -> None:
    request = streamed(chunks, trailer=trailer)

    assert wrong_with(request) is None
    end = len(request.body.rstrip(b"\r\n"))
    for position in range(0, end, 7):
        byte = bytes([request.body[position] ^ 1])
        altered = replace(request, body=request.body[:position] + byte + request.body[position + 1 :])
        assert wrong_with(altered) is AuthFailure.SIGNATURE_MISMATCH, position
    assert wrong_with(replace(request, body=request.body[: end // 2])) is AuthFailure.SIGNATURE_MISMATCH


def test_an_upload_that_is_not_signed_itself_is_one_of_s3_alone() -> None:
    for service, wrong in (("s3", None), ("iam", AuthFailure.PAYLOAD_HASH_MISMATCH)):

        class Signer(SigV4Auth):
            def payload(self, _request: AWSRequest) -> str:
                return "UNSIGNED-PAYLOAD"

        headers = {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
        request = made(Signer, service, "", AWSRequest("POST", "http://127.0.0.1/", headers=headers, data=b"x"))
        assert wrong_with(request) is wrong


@given(BODIES, BODIES)
def test_a_body_is_what_a_header_of_s3_says_that_it_is(body: bytes, other: bytes) -> None:
    request = made(S3SigV4Auth, "s3", "", AWSRequest("PUT", "http://127.0.0.1/bucket/key", data=body))

    assert wrong_with(request) is None
    assert wrong_with(replace(request, body=other)) is (None if body == other else AuthFailure.PAYLOAD_HASH_MISMATCH)


def test_a_header_of_s3_says_what_its_body_is() -> None:
    request = made(SigV4Auth, "s3", "", AWSRequest("PUT", "http://127.0.0.1/bucket/key", data=b"x"))

    assert wrong_with(request) is AuthFailure.PAYLOAD_HASH_MISSING


def test_version_4a_holds_and_cannot_be_altered() -> None:
    headers = signed_4a(ACCESS_KEY_ID, SECRET, "sts", b"Action=x", {"host": "127.0.0.1"})
    request = Request("POST", "/", "", headers, b"Action=x")

    assert wrong_with(request) is None
    assert wrong_with(replace(request, body=b"Action=y")) is AuthFailure.SIGNATURE_MISMATCH
    assert (
        wrong_with(replace(request, headers={**request.headers, "x-amz-region-set": "x"}))
        is AuthFailure.SIGNATURE_MISMATCH
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request, SignedHeaders=host, Signature=0, Signature=1",
        "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=/20260101/r/iam/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request/x, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request, SignedHeaders=host, Signature=0,AWS A:b",
        "aws4-hmac-sha256 Credential=A/20260101/r/iam/aws4_request, SignedHeaders=host, Signature=0",
        "Basic " + base64.b64encode(b"A:b").decode(),
        "AWS A",
        "AWS \u00e9:x",
    ],
)
def test_a_header_that_is_not_one_whole_signature_is_incomplete(authorization: str) -> None:
    headers = {"authorization": authorization, "x-amz-date": "20260102T030405Z", "host": "127.0.0.1"}

    assert signature_of(Request("GET", "/", "", headers, b"")) is AuthFailure.INCOMPLETE


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_no_junk_raises(authorization: str, query: str, date: str) -> None:
    for begin in (
        "",
        "AWS ",
        "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request, SignedHeaders=host, Signature=",
    ):
        text = (begin + authorization).encode().decode("latin-1")
        headers = {"authorization": text, "x-amz-date": date, "date": date, "host": "h"}
        for each in (headers, {"host": "h"}):
            for fields in ("", f"AWSAccessKeyId=A&Signature={query}&Expires=9", f"X-Amz-Credential={query}"):
                wrong_with(Request("GET", "/", quote(fields, safe="&=%+"), each, b""))
