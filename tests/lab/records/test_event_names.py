"""How events are spelled, and which of them change something, compared with what CloudTrail delivers."""

import re

import pytest

from lab.protocol.catalogue import service_model
from lab.records import names
from tests.lab.real_logs import real_records


def test_real_events_are_spelled_as_the_lab_spells_them() -> None:
    """Every name that real logs give to a call of these services is one that the lab could have given, as read-only as
    there."""
    services = {"iam.amazonaws.com": "iam", "s3.amazonaws.com": "s3", "cloudtrail.amazonaws.com": "cloudtrail"}
    services |= {"sts.amazonaws.com": "sts", "kms.amazonaws.com": "kms", "ec2.amazonaws.com": "ec2"}
    services |= {"secretsmanager.amazonaws.com": "secretsmanager", "ssm.amazonaws.com": "ssm"}
    not_in_the_api = re.compile("Shared.*|.*Internal|.*SecretVersionDelete|(List|Update)Instance.*")
    wrong = set()
    for found in real_records():
        service = services.get(found["eventSource"])
        if service is None or not_in_the_api.fullmatch(found["eventName"]):
            continue
        operations = {
            (name, operation)
            for name in (service, "s3control" if service == "s3" else service)
            for operation in service_model(name).operation_names
            if names.event_name(name, operation) == found["eventName"]
        }
        if not any(names.is_read_only(*each) == found["readOnly"] for each in operations):
            wrong.add((found["eventSource"], found["eventName"], found["readOnly"]))

    assert wrong == set()


def test_every_exception_names_an_operation_that_exists() -> None:
    missing = [
        (service, operation)
        for service, operation in names.EVENT_NAMES
        if operation not in service_model(service).operation_names
    ]

    assert missing == []


@pytest.mark.parametrize(
    ("service", "source"),
    [
        ("cloudwatch", "monitoring.amazonaws.com"),
        ("accessanalyzer", "access-analyzer.amazonaws.com"),
        ("s3control", "s3.amazonaws.com"),
        ("stepfunctions", "states.amazonaws.com"),
        ("elbv2", "elasticloadbalancing.amazonaws.com"),
        ("logs", "logs.amazonaws.com"),
        ("events", "events.amazonaws.com"),
        ("sesv2", "ses.amazonaws.com"),
    ],
)
def test_the_event_source_is_the_services_own(service: str, source: str) -> None:
    assert names.event_source(service) == source


@pytest.mark.parametrize(
    ("service", "operation", "is_data"),
    [
        ("s3", "GetObject", True),
        ("s3", "ListObjectsV2", True),
        ("s3", "DeleteObjects", True),
        ("s3", "HeadBucket", True),
        ("s3", "PutBucketPolicy", False),
        ("s3", "GetObjectLockConfiguration", False),
        ("lambda", "Invoke", True),
        ("lambda", "ListFunctions", False),
        ("dynamodb", "PutItem", True),
        ("dynamodb", "CreateTable", False),
        ("sqs", "SendMessage", True),
        ("sqs", "CreateQueue", False),
        ("sns", "Publish", True),
        ("kms", "Decrypt", False),
    ],
)
def test_data_events_are_distinguished_from_management_events(service: str, operation: str, is_data: bool) -> None:  # noqa: FBT001
    assert operation in service_model(service).operation_names
    assert names.is_data_event(service, operation) is is_data
