"""Every operation of the services that matter here, serialized by botocore and recognised again."""

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer

from lab.protocol import catalogue
from lab.protocol.decode import decode
from lab.protocol.request import Request


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
