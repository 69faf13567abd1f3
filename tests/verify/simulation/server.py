"""A simulated trail behind HTTP on the loopback interface: S3 and CloudTrail as the AWS CLI and boto3 speak to them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from botocore import xform_name
from botocore.config import Config

from tests.aws_environment import use_clean_aws_environment
from tests.verify.simulation.trail import HOME, TRAIL, TRAIL_ARN, SimulatedAws, Stored, listed
from verify.storage.layout import DigestName
from verify.storage.objects import ObjectName

_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")
_PAGE = 100


class SimulatedAwsServer(ThreadingHTTPServer):
    """Serves one simulated AWS at a time; ``aws`` may be replaced between requests."""

    daemon_threads = True
    request_queue_size = 256
    aws: SimulatedAws

    def __init__(self, aws: SimulatedAws) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.aws = aws
        self.operations: list[str] = []
        # Answers in the place of the server, or does not (False). It is told what was asked for: an operation's name,
        # "GET object", "GET bucket" (a listing) or "HEAD bucket".
        self.instead: Callable[[BaseHTTPRequestHandler, str], bool] = lambda _handler, _operation: False
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running_simulation() -> Iterator[SimulatedAwsServer]:
    """A server that serves an empty simulated AWS, and an environment for AWS's libraries that leads to it alone."""
    server = SimulatedAwsServer(SimulatedAws())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_clean_aws_environment(
            monkeypatch, AWS_ENDPOINT_URL=server.url, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1"
        )
        yield server
    server.shutdown()
    server.server_close()
    thread.join()


def try_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verifier ask once: where nothing answers, the second attempt only takes time."""
    once = {"retries": {"total_max_attempts": 1}}
    monkeypatch.setattr("verify.aws._config", lambda **options: Config(**(options | once)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: SimulatedAwsServer
    operation = ""

    def _note(self, operation: str) -> None:
        self.operation = operation
        self.server.operations.append(operation)

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        if "X-Amz-Target" not in self.headers:
            self._query(parse_qs(text.decode())["Action"][0])
            return
        body = json.loads(text or b"{}")
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self._note(operation)
        if operation in self.server.aws.denied:
            self._send(400, json.dumps({"__type": "AccessDeniedException", "message": "not you"}).encode())
            return
        matched = _REGION.search(self.headers["Authorization"])
        assert matched
        answer = getattr(self, f"_{xform_name(operation)}")(matched[1], body)
        self._send(200, json.dumps(answer, default=_seconds).encode(), {"Content-Type": "application/x-amz-json-1.1"})

    def _query(self, operation: str) -> None:
        """STS and EC2, which speak XML."""
        self._note(operation)
        aws = self.server.aws
        if operation in aws.denied:
            errors = "<Errors><Error><Code>UnauthorizedOperation</Code><Message>not you</Message></Error></Errors>"
            self._send(403, f"<Response>{errors}</Response>".encode(), {"Content-Type": "text/xml"})
            return
        if operation == "GetCallerIdentity":
            found = f"<Account>{aws.caller}</Account><Arn>arn:aws:iam::{aws.caller}:user/auditor</Arn>"
            answer = (
                f"<GetCallerIdentityResponse><GetCallerIdentityResult>{found}</GetCallerIdentityResult>"
                "</GetCallerIdentityResponse>"
            )
        else:
            items = "".join(
                f"<item><regionName>{region}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
                for region in sorted(aws.keys)
            )
            answer = f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
        self._send(200, answer.encode(), {"Content-Type": "text/xml"})

    def _list_accounts(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:
        named = filter(None, map(DigestName.parse, self.server.aws.objects))
        return {"Accounts": [{"Id": account} for account in sorted({name.location.account for name in named})]}

    def _list_public_keys(self, region: str, asked: dict[str, Any]) -> dict[str, Any]:
        keys = self.server.aws.keys.get(region, [])
        return {
            "PublicKeyList": [
                {
                    "Value": base64.b64encode(key.der).decode(),
                    "ValidityStartTime": key.valid_from,
                    "ValidityEndTime": key.valid_to,
                    "Fingerprint": key.fingerprint,
                }
                for key in keys
                if _seconds(key.valid_from) <= asked["EndTime"] and asked["StartTime"] <= _seconds(key.valid_to)
            ]
        }

    def _get_event_selectors(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"TrailARN": TRAIL_ARN} | self.server.aws.selectors

    def _describe_trails(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:
        trail = {"Name": TRAIL, "TrailARN": TRAIL_ARN, "HomeRegion": HOME, "LogFileValidationEnabled": True}
        trail["IncludeGlobalServiceEvents"] = True
        return {"trailList": [] if self.server.aws.is_deleted else [trail | self.server.aws.trail]}

    def _get_trail_status(self, region: str, _asked: dict[str, Any]) -> dict[str, Any]:
        return self.server.aws.status_in(region)

    def _lookup_events(self, region: str, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["LookupAttributes"][0]["AttributeValue"]
        found = [record for record in self.server.aws.events if record["eventName"] == name and region == HOME]
        return {"Events": [{"EventId": "1", "CloudTrailEvent": json.dumps(record)} for record in found]}

    def _describe_organization(self, _region: str, _asked: dict[str, Any]) -> dict[str, Any]:
        return {"Organization": {"Id": self.server.aws.organization}}

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path)[1:].partition("/")
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        self._note(f"{self.command} {'object' if key else 'bucket'}")
        if key:
            self._object(ObjectName(bucket, key))
        elif self.command == "HEAD":
            self._send(200, b"", {"x-amz-bucket-region": HOME})
        elif "location" in query:
            self._send(200, b"<LocationConstraint/>")
        elif "list" in self.server.aws.denied:
            self._error(403, "AccessDenied")
        else:
            self._send(200, self._listing(bucket, query).encode(), {"Content-Type": "application/xml"})

    def _object(self, name: ObjectName) -> None:
        aws = self.server.aws
        stored = aws.objects.get(name)
        if str(name) in aws.denied:
            self._error(403, "AccessDenied")
        elif stored is None:
            self._error(404, "NoSuchKey")
        else:
            headers = {f"x-amz-meta-{key}": value for key, value in stored.metadata.items()}
            # As CloudTrail sends it; a client that inflates by itself would hash something else.
            headers |= {"Content-Encoding": "gzip", "ETag": stored.etag, "Content-Type": "application/json"}
            headers["Last-Modified"] = format_datetime(stored.last_modified, usegmt=True)
            self._send(200, stored.body, headers)

    def _listing(self, bucket: str, query: dict[str, str]) -> str:
        aws, prefix = self.server.aws, query.get("prefix", "")
        start = query.get("continuation-token") or query.get("marker") or query.get("start-after") or ""
        names = (name for name in listed(aws, bucket, prefix) if name.key > start)
        page = list(islice(_rolled_up(names, prefix, query.get("delimiter", "")), _PAGE + 1))
        more = (
            f"<NextContinuationToken>{escape(_last_in(page[_PAGE - 1]))}</NextContinuationToken>"
            if page[_PAGE:]
            else ""
        )
        entries = "".join(
            _entry(one, aws.objects[one])
            if isinstance(one, ObjectName)
            else f"<CommonPrefixes><Prefix>{quote(one)}</Prefix></CommonPrefixes>"
            for one in page[:_PAGE]
        )
        return (
            f"<ListBucketResult><IsTruncated>{str(bool(more)).lower()}</IsTruncated><EncodingType>url</EncodingType>"
            f"{more}{entries}</ListBucketResult>"
        )

    def _error(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.genuine = body
        if self.server.instead(self, self.operation):
            return
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


def _rolled_up(names: Iterable[ObjectName], prefix: str, delimiter: str) -> Iterator[ObjectName | str]:
    """The names, and in the place of all that have a delimiter behind the prefix, what they have up to it."""
    last = ""
    for name in names:
        rest, found, _ = name.key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if not found:
            yield name
        elif prefix + rest + found != last:
            last = prefix + rest + found
            yield last


def _last_in(entry: ObjectName | str) -> str:
    """A key that comes after all that an entry of a listing stands for, and before all that follows."""
    return entry.key if isinstance(entry, ObjectName) else entry + "\U0010ffff"


def _entry(name: ObjectName, stored: Stored) -> str:
    modified = f"{stored.last_modified:%Y-%m-%dT%H:%M:%S.000Z}"
    return (
        f"<Contents><Key>{escape(quote(name.key, safe='/'))}</Key><LastModified>{modified}</LastModified>"
        f"<ETag>{escape(stored.etag)}</ETag><Size>{len(stored.body)}</Size></Contents>"
    )


def _seconds(moment: datetime) -> float:
    return moment.astimezone(UTC).timestamp()
