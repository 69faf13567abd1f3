"""Every operation of the services that matter here, serialized by botocore and recognised again."""

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer

from lab.protocol import catalogue
from lab.protocol.decode import decode
from lab.protocol.request import FORM_TYPE, CredentialScope, Request


def sample(shape: Shape, depth: int = 0) -> Any:
    """The smallest value that botocore accepts for a shape."""
    if isinstance(shape, StructureShape):
        if shape.is_tagged_union:
            name = next(iter(shape.members))
            return {name: sample(shape.members[name], depth + 1)}
        return {name: sample(shape.members[name], depth + 1) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [sample(shape.member, depth + 1)]
    if isinstance(shape, MapShape):
        return {"key": sample(shape.value, depth + 1)}
    kinds: dict[str, Any] = {"boolean": True, "blob": b"x", "timestamp": 1, "float": 1.5, "double": 1.5}
    if shape.type_name == "string":
        return (shape.metadata.get("enum") or ["x" * max(1, int(shape.metadata.get("min", 1)))])[0]
    return kinds.get(shape.type_name, 1)


# Two operations with the same method, path and requirements: the wire does not tell them apart.
INDISTINGUISHABLE = {
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "ListDirectoryBuckets": "ListBuckets",
}


SERVICES = """
    accessanalyzer apigateway cloudformation cloudtrail cloudwatch config events guardduty iam kms lambda logs
    organizations route53 s3 s3control securityhub sqs sts
"""


@pytest.mark.parametrize("service", SERVICES.split())
def test_every_operation_of_a_service_is_recognised(service: str) -> None:
    model = catalogue.service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    wrong = {
        operation.name: found
        for operation in operations
        if (found := recognised(service, operation)) not in (operation.name, INDISTINGUISHABLE.get(operation.name))
    }

    assert wrong == {}


def full(shape: Shape, seen: tuple[str, ...] = ()) -> Any:
    """A value with every member, as deep as its shapes do not come again."""
    if shape.name in seen:
        return None
    seen = (*seen, shape.name)
    if isinstance(shape, StructureShape):
        return {name: value for name, each in shape.members.items() if (value := full(each, seen)) is not None}
    if isinstance(shape, ListShape):
        return [value, value] if (value := full(shape.member, seen)) is not None else []
    if isinstance(shape, MapShape):
        return {"a": full(shape.value, seen), "b": full(shape.value, seen)}
    return sample(shape)


def empty(shape: Shape | None) -> dict[str, Any]:
    members = shape.members if isinstance(shape, StructureShape) else {}
    return {name: [] for name, each in members.items() if isinstance(each, ListShape)}


WITH_FORMS = "autoscaling cloudformation cloudwatch ec2 elb elbv2 iam rds ses sns sts"


@pytest.mark.parametrize("service", WITH_FORMS.split())
def test_no_field_of_a_form_that_an_sdk_makes_is_unknown(service: str) -> None:
    model = catalogue.service_model(service)
    serializer = create_serializer("ec2" if service == "ec2" else "query", include_validation=False)
    for operation in map(model.operation_model, model.operation_names):
        shape = operation.input_shape
        for parameters in ({}, full(shape) if shape else {}, empty(shape)):
            body = urlencode(serializer.serialize_to_request(parameters, operation)["body"]).encode()
            scope = CredentialScope("K", "us-east-1", model.signing_name)
            call = decode(Request("POST", "/", "", {"content-type": FORM_TYPE}, body, scope=scope))
            assert call is not None
            assert (operation.name, call.unknown_fields()) == (operation.name, ())


def recognised(service: str, operation: OperationModel) -> str | None:
    protocol = str(operation.service_model.metadata["protocol"])
    parameters = sample(operation.input_shape) if operation.input_shape else {}
    serialized = create_serializer(protocol, include_validation=False).serialize_to_request(parameters, operation)
    prepared = prepare(serialized, operation)
    scope = f"AWS4-HMAC-SHA256 Credential=K/1/us-east-1/{operation.service_model.signing_name}/aws4_request, S=x"
    headers = {**prepared.headers, "host": "127.0.0.1", "authorization": scope}
    call = decode(Request(prepared.method, prepared.path, prepared.query, headers, prepared.body))
    return call.operation.name if call and call.service == service else None


def prepare(serialized: dict[str, Any], operation: OperationModel) -> Request:
    path, _, literals = serialized["url_path"].partition("?")
    query = "&".join(part for part in (literals, urlencode(serialized["query_string"], doseq=True)) if part)
    headers = {name.lower(): str(value) for name, value in serialized["headers"].items()}
    body = serialized["body"]
    if isinstance(body, dict):
        body, headers["content-type"] = urlencode(body), "application/x-www-form-urlencoded"
    return Request(
        str(operation.http.get("method", "POST")),
        path,
        query,
        headers,
        body.encode() if isinstance(body, str) else body,
    )
