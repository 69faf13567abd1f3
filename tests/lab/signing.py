"""Requests by hand: any method, path, header and body, signed as botocore signs, or not at all."""

import http.client
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.state import Lab

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
    with suppress(BrokenPipeError, ConnectionResetError):  # it was refused before all of it was sent
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
    region: str = "us-east-1",
) -> dict[str, str]:
    """The headers of a request with its signature; `keys` are the learner's unless given."""
    access_key_id, secret = keys or (lab.access_key_id, lab.secret_access_key)
    given = headers or {}
    host = {name.lower(): value for name, value in given.items()}.get("host", f"127.0.0.1:{lab.port}")
    request = AWSRequest(method, f"http://{host}{path}", headers={"Host": host, **given}, data=body)
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(access_key_id, secret), service, region).add_auth(request)
    return dict(request.headers.items())
