"""One request id for one answer: in the headers, in the body, in the SDK and in the record."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from lab.server.exchange import request_id, with_request_id
from tests.lab.conftest import make_client

IN_BODY = re.compile(rb"<[Rr]equestI[dD]>([^<]+)<")


@pytest.mark.parametrize(
    ("service", "method", "parameters", "name"),
    [
        ("iam", "list_groups", {}, "ListGroups"),
        ("iam", "get_group", {"GroupName": "no-such-group"}, "GetGroup"),
        ("sts", "get_caller_identity", {}, "GetCallerIdentity"),
        ("ec2", "describe_route_tables", {}, "DescribeRouteTables"),
        ("ec2", "describe_subnets", {"SubnetIds": ["subnet-12345678"]}, "DescribeSubnets"),
        ("cloudformation", "list_exports", {}, "ListExports"),
        ("s3", "get_bucket_logging", {"Bucket": "no-such-bucket-at-all"}, "GetBucketLogging"),
        ("s3", "list_buckets", {}, "ListBuckets"),
        ("redshift", "describe_clusters", {}, "DescribeClusters"),
        ("kms", "list_aliases", {}, "ListAliases"),
        ("cloudwatch", "list_dashboards", {}, "ListDashboards"),
    ],
)
def test_headers_body_sdk_and_record_have_one_request_id(
    lab: Lab, service: str, method: str, parameters: dict[str, Any], name: str
) -> None:
    client, seen = make_client(lab, service), list[Any]()
    client.meta.events.register("before-parse", lambda response_dict, **_: seen.append(response_dict))
    try:
        answer = getattr(client, method)(**parameters)
    except ClientError as error:
        answer = error.response

    headers = {each.lower(): value for each, value in seen[0]["headers"].items()}
    sent = {headers[each] for each in ("x-amzn-requestid", "x-amz-request-id") if each in headers}
    in_body = {each.decode() for each in IN_BODY.findall(seen[0]["body"])}
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    [event] = make_client(lab, "cloudtrail").lookup_events(LookupAttributes=[attribute], MaxResults=1)["Events"]
    recorded = json.loads(event["CloudTrailEvent"])["requestID"]
    assert sent | in_body == {recorded} == {answer["ResponseMetadata"]["RequestId"]}


def test_an_object_cannot_give_its_own_id_to_an_answer(lab: Lab) -> None:
    s3 = make_client(lab, "s3")
    s3.create_bucket(Bucket="request-id-in-an-object")
    body = b"<a><RequestId>forged</RequestId></a>"
    s3.put_object(Bucket="request-id-in-an-object", Key="k", Body=body, ContentType="application/xml")

    answer = s3.get_object(Bucket="request-id-in-an-object", Key="k")

    assert answer["Body"].read() == body
    assert "forged" not in answer["ResponseMetadata"]["HTTPHeaders"].values()


@pytest.mark.parametrize("body", [b"<RequestId>a\r\nset-cookie: x</RequestId>", b"", b"<RequestId></RequestId>"])
def test_what_is_no_id_stays_out_of_the_headers(body: bytes) -> None:
    raw = [(b"Content-Type", b"text/xml"), (b"x-amzn-requestid", b"1"), (b"X-Amz-Request-Id", b"2")]
    identity = request_id({name.decode().lower(): value.decode() for name, value in raw}, body, is_object=False)

    assert identity == "1"
    assert with_request_id(raw, identity) == [
        (b"Content-Type", b"text/xml"),
        (b"x-amzn-requestid", b"1"),
        (b"X-Amz-Request-Id", b"1"),
    ]
