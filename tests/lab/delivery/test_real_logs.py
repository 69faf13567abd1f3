"""The lab's records beside the real ones, field by field: every difference that is left, and why."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from lab.instance import control
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.delivery.activity import make_calls
from tests.lab.destination import make_bucket
from tests.lab.real_logs import real_records

BUCKET, TRAIL = "real-logs", "real-logs"
Event = tuple[str, str, bool]

# By event ("*" for all, "ec2:*" for a service's) and the beginning of a field's path: fields that every real record of
# the event has and no record of the lab.
MISSING = {
    ("*", "tlsDetails"): "the lab speaks plain HTTP on loopback",
    ("s3:*", "additionalEventData.CipherSuite"): "the lab speaks plain HTTP on loopback",
    (
        "ec2:*",
        "requestParameters.",
    ): "EC2 writes its own request format, filterSet and vpcSet, which no model describes",
    ("ec2:CreateVpc", "responseElements.vpc.tagSet.items[]"): "the real calls set tags",
    ("ec2:CreateVpc", "responseElements.vpc.ipv6CidrBlockAssociationSet"): "MiniStack leaves it out when it is empty",
    ("s3:GetBucketPublicAccessBlock", "userIdentity.sessionContext"): "the real calls came from the console",
    ("s3:GetBucketPublicAccessBlock", "vpcEndpointId"): "the real calls came from the console",
    ("s3:ListBuckets", "userIdentity.sessionContext"): "the real calls came from the console",
    ("s3:ListBuckets", "vpcEndpointId"): "the real calls came from the console",
    ("secretsmanager:DeleteSecret", "responseElements.aRN"): "spelled arn, as the service's other events have it",
    ("ssm:PutParameter", "requestParameters.overwrite"): "AWS writes the default of a parameter that was left out",
}
# Fields that the lab has and no real record of the event.
EXTRA = {
    ("cloudtrail:CreateTrail", "responseElements.recursiveLogging"): "newer than the real logs",
    ("iam:CreateRole", "responseElements.role.description"): "MiniStack answers with it, empty",
    ("iam:CreateRole", "responseElements.role.maxSessionDuration"): "MiniStack answers with it",
    ("s3:CreateBucket", "resources"): "AWS names a bucket's resource only once it exists",
    ("secretsmanager:CreateSecret", "responseElements."): "Secrets Manager records the ARN only",
    ("secretsmanager:PutSecretValue", "responseElements."): "Secrets Manager records the ARN only",
    ("secretsmanager:DeleteSecret", "responseElements.arn"): "spelled arn, as the service's other events have it",
}
# Below these, a field's name is data.
DOCUMENTS = ("requestParameters.bucketPolicy.",)


def paths(value: Any, path: str = "") -> set[str]:
    """Every path in a record, with [] for the elements of a list."""
    if isinstance(value, dict):
        members = {f"{path}.{name}" if path else name: each for name, each in value.items()}
        return set(members).union(*(paths(each, name) for name, each in members.items()))
    if isinstance(value, list):
        return set[str]().union(*(paths(each, f"{path}[]") for each in value))
    return set()


def by_event(records: Iterable[dict[str, Any]]) -> dict[Event, list[set[str]]]:
    found: dict[Event, list[set[str]]] = defaultdict(list)
    for record in records:
        event = record["eventSource"].removesuffix(".amazonaws.com"), record["eventName"], "errorCode" in record
        found[event].append({path for path in paths(record) if not path.startswith(DOCUMENTS)})
    return found


def union(found: list[set[str]]) -> set[str]:
    return set[str]().union(*found)


def reasons(event: Event, path: str, table: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    service, name, _ = event
    names = ("*", f"{service}:*", f"{service}:{name}")
    return [entry for entry in table if entry[0] in names and path.startswith(entry[1])]


@pytest.fixture(scope="module")
def ours(lab: Lab, client: ClientFactory) -> dict[Event, list[set[str]]]:
    make_bucket(client("s3"), BUCKET)
    client("cloudtrail").create_trail(Name=TRAIL, S3BucketName=BUCKET)
    client("cloudtrail").start_logging(Name=TRAIL)
    make_calls(client)
    client("cloudtrail").delete_trail(Name=TRAIL)
    control.deliver(lab)
    s3 = client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="AWSLogs")["Contents"]]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    return by_event(record for body in bodies for record in json.loads(body)["Records"])


@pytest.fixture(scope="module")
def real() -> dict[Event, list[set[str]]]:
    """The real records of IAM users that no service called for."""
    users = (
        record
        for record in real_records()
        if record["userIdentity"].get("type") == "IAMUser" and "invokedBy" not in record["userIdentity"]
    )
    return by_event(users)


def test_there_are_many_events_to_compare(ours: dict[Event, list[set[str]]], real: dict[Event, list[set[str]]]) -> None:
    assert len(ours.keys() & real.keys()) >= 55


def test_what_every_real_record_has_the_labs_have_too(
    ours: dict[Event, list[set[str]]], real: dict[Event, list[set[str]]]
) -> None:
    missing = {
        (event, path): reasons(event, path, MISSING)
        for event in ours.keys() & real.keys()
        for path in set.intersection(*real[event]) - union(ours[event])
    }

    assert [key for key, found in missing.items() if not found] == []
    assert MISSING.keys() - {each for found in missing.values() for each in found} == set()


def test_the_labs_records_have_nothing_that_real_ones_never_have(
    ours: dict[Event, list[set[str]]], real: dict[Event, list[set[str]]]
) -> None:
    extra = {
        (event, path): reasons(event, path, EXTRA)
        for event in ours.keys() & real.keys()
        for path in union(ours[event]) - union(real[event])
    }

    assert [key for key, found in extra.items() if not found] == []
    assert EXTRA.keys() - {each for found in extra.values() for each in found} == set()
