"""A small HTTP server that answers as AWS does: the real botocore, retries and threads run against it."""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.aws_environment import use_clean_aws_environment

ACCOUNT = "111122223333"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/learner"
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_ANSWERS = {
    "GetCallerIdentity": f"<GetCallerIdentityResult><Arn>{USER_ARN}</Arn><Account>{ACCOUNT}</Account>"
    "</GetCallerIdentityResult>",
    "ListUsers": "<ListUsersResult><Users/><IsTruncated>false</IsTruncated></ListUsersResult>",
    "DescribeInstances": "<reservationSet/>",
    "DescribeSecurityGroups": "<securityGroupInfo/>",
}


def record(name: str, at: datetime, **changes: Any) -> dict[str, Any]:
    """A CloudTrail event of the IAM user ``learner``."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": USER_ARN,
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAEXAMPLE",
            "userName": "learner",
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2",
        "requestParameters": None,
        "requestID": uuid.uuid4().hex,
        "eventID": str(uuid.uuid4()),
        "readOnly": True,
    } | changes


def lookup_answer(event: dict[str, Any]) -> dict[str, Any]:
    """What LookupEvents says about a CloudTrail event; ``EventTime`` in seconds since 1970."""
    identity = event.get("userIdentity", {})
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventTime": datetime.fromisoformat(event["eventTime"]).timestamp(),
        "ReadOnly": str(event["readOnly"]).lower(),
        "Username": identity.get("userName", ""),
        "AccessKeyId": identity.get("accessKeyId", ""),
        "Resources": [],
        "CloudTrailEvent": json.dumps(event),
    }


@dataclass
class AwsDouble:
    """The events of each region, and what was asked of it."""

    url: str = ""
    regions: tuple[str, ...] = ("us-east-1",)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    denied_regions: set[str] = field(default_factory=set)
    denied_operations: set[str] = field(default_factory=set)
    hangs: bool = False
    is_over: Event = field(default_factory=Event)
    lookups: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    on_lookup: Callable[[], object] = lambda: None
    lock: Lock = field(default_factory=Lock)

    def add(self, region: str, *events: dict[str, Any]) -> None:
        """Let events appear in a region's history, in the order of time."""
        with self.lock:
            self.answers[region] += [lookup_answer(event | {"awsRegion": region}) for event in events]
            self.answers[region].sort(key=lambda answer: -float(answer["EventTime"]))

    def lookup(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        """LookupEvents: the filters that the tests use, the time range and pages."""
        with self.lock:
            self.lookups.append((time.monotonic(), region, request))
        self.on_lookup()
        if self.hangs:
            self.is_over.wait(60)
        found = [answer for answer in self.answers[region] if _matches(answer, request)]
        first = int(request.get("NextToken", 0))
        last = first + request["MaxResults"]
        more = {"NextToken": str(last)} if last < len(found) else {}
        return {"Events": found[first:last]} | more

    def call(self, operation: str, source: str, region: str) -> str:
        """Record one of the four calls of ``verify detective`` and return its request id."""
        request_id = uuid.uuid4().hex.upper()
        refused = {"errorCode": "AccessDenied", "errorMessage": "no"}
        changes = refused if operation in self.denied_operations else {}
        event = record(operation, datetime.now(UTC), eventSource=source, requestID=request_id, **changes)
        self.add(region, event)
        return request_id


def _matches(answer: dict[str, Any], request: dict[str, Any]) -> bool:
    at = answer.get("EventTime", 0)
    in_range = request.get("StartTime", 0) <= at <= request.get("EndTime", 1e12)
    attributes = request.get("LookupAttributes", [])
    if len(attributes) > 1:
        raise AssertionError("LookupEvents takes one attribute")
    return in_range and all(answer[item["AttributeKey"]] == item["AttributeValue"] for item in attributes)


class _Handler(BaseHTTPRequestHandler):
    aws: AwsDouble

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        _, region, service = self._scope()
        if "X-Amz-Target" in self.headers:
            if region in self.aws.denied_regions:
                denial = {"__type": "AccessDeniedException", "Message": f"not you, in {region}"}
                return self._send(400, json.dumps(denial), "application/x-amz-json-1.1")
            answer = json.dumps(self.aws.lookup(region, json.loads(body)))
            return self._send(200, answer, "application/x-amz-json-1.1")
        operation = parse_qs(body)["Action"][0]
        if operation == "DescribeRegions":
            items = "".join(f"<item><regionName>{name}</regionName></item>" for name in self.aws.regions)
            xml = f"<R><regionInfo>{items}</regionInfo></R>"
            return self._send(200, xml, "text/xml")
        home = "us-east-1" if service == "iam" else region  # IAM is global
        request_id = self.aws.call(operation, f"{service}.amazonaws.com", home)
        if operation in self.aws.denied_operations:
            xml = "<R><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>"
            return self._send(403, f"{xml}<RequestID>{request_id}</RequestID></R>", "text/xml")
        ids = f"<requestId>{request_id}</requestId>"
        if service != "ec2":
            ids = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        return self._send(200, f"<R>{_ANSWERS[operation]}{ids}</R>", "text/xml")

    def do_GET(self) -> None:
        _, region, _ = self._scope()
        request_id = self.aws.call("ListBuckets", "s3.amazonaws.com", region)
        body = "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"
        self._send(200, body, "text/xml", {"x-amz-request-id": request_id})

    def _scope(self) -> tuple[str, str, str]:
        matched = _SCOPE.search(self.headers["Authorization"])
        assert matched
        return matched[1], matched[2], matched[3]

    def _send(self, status: int, body: str, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A verifier that was stopped waits for no answer.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def running_double() -> Iterator[AwsDouble]:
    """A double on the loopback interface, and an environment for AWS's libraries that leads to it alone."""
    double = AwsDouble()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"aws": double}))
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_clean_aws_environment(monkeypatch, AWS_ENDPOINT_URL=double.url, AWS_REGION="us-east-1")
        yield double
    double.is_over.set()
    server.shutdown()
    server.server_close()
    thread.join()
