"""What a stack reads for its caller: objects, secrets and parameters that its caller must be allowed to read.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from lab.cloudformation.api import Api, ApiError
from lab.cloudformation.properties import Properties

_PAIRS = (("S3Bucket", "S3Key"), ("Bucket", "Key"))
_PARTS_OF_SECRET_ARN = 7


def require_objects(api: Api, properties: Properties) -> None:
    """Makes sure that the stack's caller may read the objects that a resource names: code, templates and documents.

    :raises ApiError: it may not.
    """
    for bucket, key in _objects(properties):
        api.require("s3", "GetObject", Bucket=bucket, Key=key)


def _objects(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)
    elif isinstance(value, Mapping):
        for names in _PAIRS:
            bucket, key = (value.get(name) for name in names)
            if isinstance(bucket, str) and isinstance(key, str) and bucket and key:
                yield bucket, key
        if isinstance(value.get("TemplateURL"), str):
            bucket, _, key = urlsplit(value["TemplateURL"]).path.lstrip("/").partition("/")
            if bucket and key:
                yield bucket, key
        for each in value.values():
            yield from _objects(each)


def require_reference(api: Api, service: str, body: str) -> None:
    """Makes sure that the stack's caller may read what a dynamic reference (`{{resolve:service:body}}`) stands for.

    :raises ValueError: it may not.
    """
    if service == "secretsmanager":
        length = _PARTS_OF_SECRET_ARN if body.startswith("arn:") else 1
        _require(api, "secretsmanager", "GetSecretValue", SecretId=":".join(body.split(":")[:length]))
    else:
        require_parameter(api, body if body.startswith("arn:") else body.partition(":")[0])


def require_parameter(api: Api, name: str) -> None:
    """Makes sure that the stack's caller may read a parameter of SSM, decrypted where it is encrypted.

    :raises ValueError: it may not.
    """
    _require(api, "ssm", "GetParameters", Names=[name], WithDecryption=True)


def require_document(api: Api, url: str) -> None:
    """Makes sure that the stack's caller may read an object (`s3://bucket/key`).

    :raises ValueError: it may not.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if bucket and key:
        _require(api, "s3", "GetObject", Bucket=bucket, Key=key)


def _require(api: Api, service: str, operation: str, **parameters: Any) -> None:
    try:
        api.require(service, operation, **parameters)
    except ApiError as error:
        raise ValueError(str(error)) from error
