"""A small HTTP server that refuses everything as AWS does, each service in its own protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_XML = {
    "s3": "<Error><Code>{code}</Code><Message>{message}</Message></Error>",
    "ec2": "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>",
}
_QUERY = "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
_CALLER = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn>"
    "<UserId>u</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@dataclass
class RefusingAws:
    """Answers every call with one error code; as on AWS, GetCallerIdentity is never denied.

    :param garbage: what to answer instead, with status 200. Default: - the error.
    """

    code: str
    denies_caller: bool = False
    garbage: bytes | None = None
    status: int = 403
    url: str = ""
    services: set[str] = field(default_factory=set)

    def answer(self, service: str, content_type: str) -> tuple[int, str, bytes]:
        self.services.add(service)
        if self.garbage is not None:
            return 200, "text/plain", self.garbage
        if service == "sts" and not self.denies_caller:
            return 200, "text/xml", _CALLER.encode()
        if "json" in content_type or service in ("guardduty", "securityhub", "access-analyzer"):
            body = json.dumps({"__type": self.code, "code": self.code, "message": "no \x1b[31m[bold]you[/bold]"})
            return self.status, "application/x-amz-json-1.1", body.encode()
        template = _XML.get(service, _QUERY)
        return self.status, "text/xml", template.format(code=self.code, message="no [bold]you[/bold]").encode()


@contextmanager
def serve(aws: RefusingAws) -> Iterator[RefusingAws]:
    """Let it answer on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            scope = _SERVICE.search(self.headers.get("Authorization", ""))
            status, kind, body = aws.answer(scope[1] if scope else "", self.headers.get("Content-Type") or "")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 (http.server's names)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
