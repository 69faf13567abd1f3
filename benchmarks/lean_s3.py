"""A lean S3, CloudTrail, STS and EC2 on the loopback interface, with a made-up trail: as little in the way as Python
allows.

``python -m benchmarks.lean_s3 DIGESTS LOGS_PER_DIGEST DELAY_MS BUSY REGIONS`` prints its port and the trail's first and
last moment, and serves until it is killed. Of so many requests, one is answered that the server is too busy. Of so many
regions, the first alone has files. ``/listed`` tells how many LIST requests came.
"""

from __future__ import annotations

import asyncio
import base64
import bisect
import gzip
import json
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote

from tests.verify.simulation.trail import ACCOUNT, HOME, HOUR, TRAIL, TRAIL_ARN, Chain, SimulatedAws

_PAGE = 1000
_DISTINCT_LOGS = 400
# Those that are enabled in every account.
# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
_REGIONS = (
    HOME, "us-east-2", "us-west-1", "us-west-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
    "eu-west-3", "sa-east-1",
)  # fmt: skip


def log_body(generator: random.Random) -> bytes:
    """About 80 kB of records, 13 kB when compressed."""
    records = []
    for _ in range(50):
        request_id = f"{generator.getrandbits(128):032x}"
        records.append(
            {
                "eventVersion": "1.11",
                "userIdentity": {
                    "type": "AssumedRole",
                    "principalId": f"AROAEXAMPLEROLEID{generator.randrange(100):03}:i-{generator.getrandbits(64):017x}",
                    "arn": f"arn:aws:sts::111122223333:assumed-role/role-{generator.randrange(40)}/session",
                    "accountId": "111122223333",
                    "accessKeyId": f"ASIA{generator.getrandbits(64):016X}",
                    "sessionContext": {"attributes": {"mfaAuthenticated": "false"}, "sessionIssuer": {"type": "Role"}},
                },
                "eventTime": "2026-11-01T00:00:00Z",
                "eventSource": generator.choice(["s3", "ec2", "sts", "iam", "kms"]) + ".amazonaws.com",
                "eventName": generator.choice(["GetObject", "DescribeInstances", "AssumeRole", "Decrypt"]),
                "sourceIPAddress": f"10.{generator.randrange(256)}.{generator.randrange(256)}.7",
                "requestParameters": {
                    "bucketName": "b",
                    "key": f"k/{generator.getrandbits(48):012x}",
                    "Host": "h" * 40,
                },
                "responseElements": None,
                "additionalEventData": {"cipherSuite": "TLS_AES_128_GCM_SHA256", "padding": "0123456789" * 60},
                "requestID": request_id,
                "eventID": request_id,
                "readOnly": True,
            }
        )
    return json.dumps({"Records": records}).encode()


def build(digests: int, logs_per_digest: int, regions: int) -> Chain:
    """A trail of so many hours."""
    generator = random.Random(1)
    bodies = [log_body(generator) for _ in range(_DISTINCT_LOGS)]
    packed = [gzip.compress(body, mtime=0) for body in bodies]
    last = datetime.now(UTC).replace(minute=1, second=31, microsecond=0) - 3 * HOUR
    chain = Chain(SimulatedAws(), at=last - digests * HOUR)
    chain.aws.trail |= {"IsMultiRegionTrail": regions > 1}
    for hour in range(digests):
        logs = []
        for number in range(logs_per_digest):
            name, _ = chain.log(chain.at + timedelta(minutes=5 + 50 * number // logs_per_digest))
            which = (hour * logs_per_digest + number) % _DISTINCT_LOGS
            chain.aws.edit(name, body=packed[which])
            logs.append((name, bodies[which]))
        chain.deliver(chain.at, chain.at + HOUR, logs)
        chain.at += HOUR
    return chain


class _Connection(asyncio.Protocol):
    def __init__(self, server: LeanS3) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = -1 if head.startswith("GET ") else head.lower().find("content-length:")
            size = int(head[length + 15 :].split("\r\n", 1)[0]) if length >= 0 else 0
            if len(self._buffer) < end + 4 + size:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + size], self._buffer[end + 4 + size :]
            answer = self._server.answer(head, body)
            if self._server.delay_seconds:
                asyncio.get_running_loop().call_later(self._server.delay_seconds, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.write(answer)


class LeanS3:
    """Answers requests from memory."""

    def __init__(self, chain: Chain, delay_seconds: float, busy_every: int, regions: int) -> None:
        self.delay_seconds = delay_seconds
        self._busy_every, self._requests, self._listed = busy_every, 0, 0
        self._regions = _REGIONS[:regions]
        self._chain = chain
        self._keys = sorted(name.key for name in chain.aws.objects)
        self._objects: dict[str, tuple[bytes, bytes]] = {}  # the head and the body of the answer, by path
        self._modified: dict[str, str] = {}
        for name, stored in chain.aws.objects.items():
            metadata = "".join(f"x-amz-meta-{key}: {value}\r\n" for key, value in stored.metadata.items())
            modified = format_datetime(stored.last_modified, usegmt=True)
            self._modified[name.key] = f"{stored.last_modified:%Y-%m-%dT%H:%M:%S}.000Z"
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Length: {len(stored.body)}\r\nLast-Modified: {modified}\r\n"
                f'ETag: "x"\r\n{metadata}\r\n'
            )
            self._objects[f"/{name.bucket}/{name.key}"] = head.encode(), stored.body

    def answer(self, head: str, body: bytes) -> bytes:
        """The whole answer to a request."""
        if head.startswith("GET /listed "):
            return _http(str(self._listed).encode())
        self._requests += 1
        if self._busy_every and self._requests % self._busy_every == 0:
            return _http(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down")
        return self._answer(head, body)

    def _answer(self, head: str, body: bytes) -> bytes:
        method, target, _ = head.split(" ", 2)
        if method == "POST":
            return _http(self._cloudtrail(head) if "x-amz-target" in head.lower() else _query(body, self._regions))
        path, _, query = target.partition("?")
        if stored := self._objects.get(path) or self._objects.get(unquote(path)):
            return stored[0] + stored[1]
        if path.count("/") > 1 and not path.endswith("/"):
            return _http(b"<Error><Code>NoSuchKey</Code></Error>", "404 Not Found")
        if method == "HEAD":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-amz-bucket-region: us-east-1\r\n\r\n"
        if "location" in query:
            return _http(b"<LocationConstraint/>")
        self._listed += 1
        return _http(self._list({name: values[0] for name, values in parse_qs(query).items()}))

    def _list(self, query: dict[str, str]) -> bytes:
        prefix = query.get("prefix", "")
        start = max(query.get("continuation-token") or query.get("marker") or "", prefix)
        if delimiter := query.get("delimiter"):
            folders = self._folders(prefix, delimiter, start)
            found = "".join(f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in folders)
            return f"<ListBucketResult>{_more(folders)}{found}</ListBucketResult>".encode()
        first = bisect.bisect_right(self._keys, start) if start != prefix else bisect.bisect_left(self._keys, start)
        page = [key for key in self._keys[first : first + _PAGE] if key.startswith(prefix)]
        entries = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{self._modified[key]}</LastModified>"
            f"<ETag>x</ETag><Size>13000</Size></Contents>"
            for key in page
        )
        return f"<ListBucketResult>{_more(page)}{entries}</ListBucketResult>".encode()

    def _folders(self, prefix: str, delimiter: str, start: str) -> list[str]:
        """A page of what lies right below a prefix, after ``start``, which is the prefix or the last of a page."""
        found: list[str] = []
        at = bisect.bisect_left(self._keys, start if start == prefix else _after(start))
        while at < len(self._keys) and self._keys[at].startswith(prefix) and len(found) < _PAGE:
            found.append(prefix + self._keys[at][len(prefix) :].split(delimiter)[0] + delimiter)
            at = bisect.bisect_left(self._keys, _after(found[-1]))
        return found

    def _cloudtrail(self, head: str) -> bytes:
        aws = self._chain.aws
        if "ListPublicKeys" in head:
            (key,) = aws.keys[HOME]
            entry = {"Value": base64.b64encode(key.der).decode(), "Fingerprint": key.fingerprint}
            times = {"ValidityStartTime": key.valid_from.timestamp(), "ValidityEndTime": key.valid_to.timestamp()}
            return json.dumps({"PublicKeyList": [entry | times]}).encode()
        if "DescribeTrails" in head:
            return json.dumps(
                {"trailList": [{"Name": TRAIL, "TrailARN": TRAIL_ARN, "HomeRegion": HOME} | aws.trail]}
            ).encode()
        if "GetTrailStatus" in head:
            if f"/{HOME}/cloudtrail/" not in head:
                return b'{"IsLogging": true}'
            latest: datetime = aws.status[HOME]["LatestDigestDeliveryTime"]
            return json.dumps({"IsLogging": True, "LatestDigestDeliveryTime": latest.timestamp()}).encode()
        if "ListAccounts" in head:
            return json.dumps({"Accounts": [{"Id": ACCOUNT}]}).encode()
        return b'{"Events": []}'


def _after(folder: str) -> str:
    """What no key that begins with a folder comes after."""
    return folder[:-1] + chr(ord(folder[-1]) + 1)


def _more(page: list[str]) -> str:
    """Whether there is another page, and how to ask for it."""
    if len(page) < _PAGE:
        return "<IsTruncated>false</IsTruncated>"
    return f"<IsTruncated>true</IsTruncated><NextContinuationToken>{page[-1]}</NextContinuationToken>"


def _query(body: bytes, regions: Sequence[str]) -> bytes:
    """STS and EC2, which are asked for who the caller is and which regions there are."""
    if b"Action=GetCallerIdentity" in body:
        caller = (
            f"<Arn>arn:aws:iam::{ACCOUNT}:user/auditor</Arn><UserId>AIDAEXAMPLE</UserId><Account>{ACCOUNT}</Account>"
        )
        return (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"{caller}</GetCallerIdentityResult></GetCallerIdentityResponse>"
        ).encode()
    items = "".join(
        f"<item><regionName>{region}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
        for region in regions
    )
    return (
        '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>'
        f"{items}</regionInfo></DescribeRegionsResponse>"
    ).encode()


def _http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def main(digests: int, logs_per_digest: int, delay_ms: float, busy_every: int, regions: int) -> None:
    """Serve until killed."""
    chain = build(digests, logs_per_digest, regions)
    lean = LeanS3(chain, delay_ms / 1000, busy_every, regions)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(lean), "127.0.0.1", 0, backlog=1024)
    start, end = chain.hours[0].start, chain.hours[-1].end
    port = server.sockets[0].getsockname()[1]
    print(port, f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
