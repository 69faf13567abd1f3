"""The gateway: which requests are calls, and what a call costs."""

import http.client

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
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
