"""The gateway: which requests are calls, and what a call costs."""

import asyncio
import contextvars
import http.client
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lab.delivery.room import Room
from lab.handshake import root_secret
from lab.instance.folder import Lab
from lab.protocol.asgi import Message, Receive, Send
from lab.records.record import RecordedCall
from lab.records.recorder import Recorder
from lab.server.gateway import Gateway
from lab.server.pages import OwnPages
from tests.lab.conftest import ClientFactory


def ask(lab: Lab, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    connection.request(method, path)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def names_of_events(client: ClientFactory, bucket: str) -> set[str]:
    attribute = {"AttributeKey": "ResourceName", "AttributeValue": bucket}
    found = client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    return {event["EventName"] for event in found}


def test_calls_for_a_bucket_whose_name_begins_as_a_page_of_the_emulator_are_recorded(client: ClientFactory) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="healthcare-records")
    s3.put_bucket_versioning(Bucket="healthcare-records", VersioningConfiguration={"Status": "Enabled"})
    s3.delete_bucket(Bucket="healthcare-records")

    assert names_of_events(client, "healthcare-records") == {"CreateBucket", "PutBucketVersioning", "DeleteBucket"}


@pytest.mark.parametrize("path", ["/health", "/_ministack/health", "/_localstack/health"])
def test_that_ministack_runs_is_no_secret(lab: Lab, path: str) -> None:
    assert ask(lab, path)[0] == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/reset?x",
        "/_ministack/config",
        "/_ministack/config?",
        "/_ministack/x?Action=CreateUser&UserName=door&Version=2010-05-08",
        "/_localstack/x?Action=CreateUser&UserName=door&Version=2010-05-08",
        "/_aws/execute-api/a/b?%41ction=CreateUser&UserName=door&Version=2010-05-08",
        "/_aws/lambda-url/a/b?Action=CreateUser&UserName=door&Version=2010-05-08",
        "/_alb/a/b?Action=CreateUser&UserName=door&Version=2010-05-08",
        "/_aws/x?Action=CreateUser&UserName=door&Version=2010-05-08",
        "/_lab/x?Action=CreateUser&UserName=door&Version=2010-05-08",
    ],
)
def test_no_page_is_a_back_door_for_calls(lab: Lab, client: ClientFactory, method: str, path: str) -> None:
    status, _body = ask(lab, path, method)

    assert status in (403, 404)
    with pytest.raises(ClientError):
        client("iam").get_user(UserName="door")


def test_a_call_whose_authorization_fails_is_recorded_and_not_carried_out() -> None:
    recorded: list[RecordedCall] = []
    reached: list[Message] = []
    secret, account, host, body = "a secret of a lab", "444455556666", "127.0.0.1:4566", b'{"KeyId": "k"}'
    headers = {"Host": host, "X-Amz-Target": "TrentService.DescribeKey", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"http://{host}/", headers=headers, data=body)
    SigV4Auth(Credentials(account, root_secret(secret, account)), "kms", "us-east-1").add_auth(request)

    async def inner(scope: Message, _receive: Receive, _send: Send) -> None:
        reached.append(scope)

    def authorize(*_: Any) -> None:
        raise ZeroDivisionError

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(_message: Message) -> None:
        """Takes no answer."""

    gateway = Gateway(
        inner,
        Recorder((recorded.append,), lambda: datetime.now(UTC)),
        lambda _: datetime.now(UTC),
        OwnPages({}, secret, "i"),
        room=Room(Path("/"), lambda _: None, lambda _: None, lambda: 0),
        authorize=authorize,
        secret=secret,
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 4566),
    }
    with pytest.raises(ZeroDivisionError):
        contextvars.copy_context().run(asyncio.run, gateway(scope, receive, send))

    [found] = recorded
    assert (found.record["eventName"], found.record["requestParameters"]) == ("DescribeKey", {"keyId": "k"})
    assert reached == []
