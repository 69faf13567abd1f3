"""What ``verify who`` costs in an account of 5,000 identities: time and memory of the whole command.

The peer, in the same run, is the AWS CLI's ``iam get-account-authorization-details`` of the same account, which only
reads what ``verify who`` also judges. Both talk to a server on this machine, which makes up the pages. The bar: at most
150 MB for 5,000 identities.

    python -m benchmarks.who [IDENTITIES]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, quote

from benchmarks.measuring import measure

ACCOUNT = "123456789012"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
_PAGE = 100
_MOST_MEGABYTES = 150
_TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}


def _document(*statements: dict[str, object]) -> str:
    return quote(json.dumps({"Version": "2012-10-17", "Statement": statements}))


def _inline(number: int) -> str:
    """An ordinary inline policy, as long as they are; one in fifty lets its owner stop trails, and one in five assume
    any role: each of these has a hundred ways.
    """
    statements: list[dict[str, object]] = [
        {
            "Sid": f"Service{index}",
            "Effect": "Allow",
            "Action": [f"{service}:Get*", f"{service}:List*", f"{service}:Describe*"],
            "Resource": f"arn:aws:{service}:*:{ACCOUNT}:app-{number}/*",
        }
        for index, service in enumerate(("dynamodb", "sqs", "sns", "ecs", "logs", "ec2"))
    ]
    if number % 50 == 0:
        statements.append({"Sid": "Stop", "Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"})
    if number % 5 == 1:
        statements.append({"Sid": "Assume", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    return _document(*statements)


def _role(number: int) -> str:
    name = f"role-{number}"
    return (
        f"<member><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{number:016}</RoleId>"
        f"<Arn>arn:aws:iam::{ACCOUNT}:role/{name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>"
        f"<AssumeRolePolicyDocument>{quote(json.dumps(_TRUST))}</AssumeRolePolicyDocument><InstanceProfileList/>"
        f"<RolePolicyList><member><PolicyName>own</PolicyName><PolicyDocument>{_inline(number)}</PolicyDocument>"
        "</member></RolePolicyList><AttachedManagedPolicies><member><PolicyName>ReadOnly</PolicyName>"
        f"<PolicyArn>arn:aws:iam::{ACCOUNT}:policy/ReadOnly</PolicyArn></member></AttachedManagedPolicies></member>"
    )


def _managed() -> str:
    read_only = _document({"Effect": "Allow", "Action": ["s3:Get*", "iam:List*"], "Resource": "*"})
    return (
        f"<member><PolicyName>ReadOnly</PolicyName><PolicyId>ANPA1</PolicyId><Path>/</Path>"
        f"<Arn>arn:aws:iam::{ACCOUNT}:policy/ReadOnly</Arn><DefaultVersionId>v1</DefaultVersionId><PolicyVersionList>"
        f"<member><Document>{read_only}</Document><VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion>"
        "</member></PolicyVersionList></member>"
    )


def _details(request: dict[str, list[str]], identities: int) -> str:
    """One page of GetAccountAuthorizationDetails."""
    kinds = {value[0] for name, value in request.items() if name.startswith("Filter.")} or {
        "Role",
        "LocalManagedPolicy",
    }
    first = int(request.get("Marker", ["0"])[0])
    last = min(first + _PAGE, identities) if "Role" in kinds else first
    roles = "".join(map(_role, range(first, last)))
    policies = _managed() if "LocalManagedPolicy" in kinds and first == 0 else ""
    is_more = "Role" in kinds and last < identities
    more = f"<IsTruncated>true</IsTruncated><Marker>{last}</Marker>" if is_more else "<IsTruncated>false</IsTruncated>"
    return (
        "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><UserDetailList/>"
        f"<GroupDetailList/><RoleDetailList>{roles}</RoleDetailList><Policies>{policies}</Policies>{more}"
        "</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    identities = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target", "")
        if target.endswith(".DescribeTrails"):
            trail = {"Name": "main", "TrailARN": TRAIL, "HomeRegion": "us-east-1", "S3BucketName": "logs-of-main"}
            return self._send(200, json.dumps({"trailList": [trail]}), "application/x-amz-json-1.1")
        if target:
            refused = {"__type": "AccessDeniedException", "message": "no"}
            return self._send(400, json.dumps(refused), "application/x-amz-json-1.1")
        request = parse_qs(body)
        operation = request.get("Action", [""])[0]
        if operation == "GetCallerIdentity":
            who = f"<Arn>arn:aws:iam::{ACCOUNT}:user/u</Arn><UserId>u</UserId><Account>{ACCOUNT}</Account>"
            return self._send(200, f"<R><GetCallerIdentityResult>{who}</GetCallerIdentityResult></R>", "text/xml")
        if operation == "GetAccountAuthorizationDetails":
            return self._send(200, _details(request, self.identities), "text/xml")
        return self._refuse()

    def do_GET(self) -> None:
        self._refuse()

    def do_HEAD(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        self._send(
            403, "<Response><Error><Code>AccessDenied</Code><Message>no</Message></Error></Response>", "text/xml"
        )

    def _send(self, status: int, body: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def account_of(identities: int) -> Iterator[dict[str, str]]:
    """Let the server answer for an account with so many identities.

    :returns: the environment that leads to it.
    """
    handler = type("Handler", (_Handler,), {"identities": identities})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    server.shutdown()


def main() -> int:
    """Measure both and print a table."""
    identities = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    aws = str(Path(sys.executable).with_name("aws"))
    with account_of(identities) as environment:
        rows = {
            "verify who": measure([sys.executable, "-m", "verify", "who", "--trail", "main", "--json"], environment),
            "aws iam get-account-authorization-details": measure(
                [aws, "iam", "get-account-authorization-details"], environment
            ),
        }
    listed = len(json.loads(rows["verify who"].output)["findings"])
    print(f"{identities:,} roles, of which {listed:,} can stop the trail, or assume one that can")
    for name, row in rows.items():
        print(f"{name:<42} {row.seconds:6.1f} s  {row.cpu_seconds:6.1f} s CPU  {row.memory_mb:6.0f} MB")
    held = rows["verify who"].memory_mb
    print(f"  {'met' if held <= _MOST_MEGABYTES else 'MISSED'}: verify who holds {held:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
