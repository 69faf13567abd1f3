"""Requests by hand: any method, path, header and body, signed as botocore signs, or not at all."""

import hashlib
import hmac
import http.client
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lab.instance.folder import Lab

FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(lab: Lab, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    """Sends exactly this: nothing is encoded, and no header is added but Host and Content-Length where they lack."""
    found = send(lab.port, method, path, headers, body)
    return found.status, found.body


def send(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answered:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection._validate_path = lambda _url: None  # type: ignore[attr-defined]
    connection.putrequest(method, path, skip_host="host" in map(str.lower, headers), skip_accept_encoding=True)
    for name, value in (({"Content-Length": str(len(body))} if body else {}) | headers).items():
        connection.putheader(name, value)
    with suppress(BrokenPipeError, ConnectionResetError):  # it was rejected before all of it was sent
        connection.endheaders(body or None)
    response = connection.getresponse()
    found = Answered(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    connection.close()
    return found


def signed(
    lab: Lab,
    path: str,
    *,
    service: str = "s3",
    method: str = "GET",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    keys: tuple[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a request with its signature; `keys` are the learner's unless given."""
    access_key_id, secret = keys or (lab.access_key_id, lab.secret_access_key)
    given = headers or {}
    host = {name.lower(): value for name, value in given.items()}.get("host", f"127.0.0.1:{lab.port}")
    request = AWSRequest(method, f"http://{host}{path}", headers={"Host": host, **given}, data=body)
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(access_key_id, secret), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def signed_4a(access_key_id: str, secret: str, service: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
    """The headers of a POST to / with a signature of version 4A, which botocore does not make by itself; the key pair
    is derived as AWS describes it.
    """
    algorithm = "AWS4-ECDSA-P256-SHA256"
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for counter in range(1, 255):
        context = access_key_id.encode() + bytes([counter])
        fixed = (1).to_bytes(4, "big") + algorithm.encode() + b"\x00" + context + (256).to_bytes(4, "big")
        number = int.from_bytes(hmac.new(f"AWS4A{secret}".encode(), fixed, "sha256").digest(), "big")
        if number <= order - 2:
            break
    private = ec.derive_private_key(number + 1, ec.SECP256R1())
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    signed_headers = {"host": headers["host"], "x-amz-date": time, "x-amz-region-set": "*"}
    names, scope = ";".join(signed_headers), f"{time[:8]}/{service}/aws4_request"
    shown = "".join(f"{name}:{value}\n" for name, value in signed_headers.items())
    canonical = f"POST\n/\n\n{shown}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"{algorithm}\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    value = private.sign(text.encode(), ec.ECDSA(hashes.SHA256())).hex()
    authorization = f"{algorithm} Credential={access_key_id}/{scope}, SignedHeaders={names}, Signature={value}"
    return {**headers, **signed_headers, "authorization": authorization}
