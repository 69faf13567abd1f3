"""Which KMS keys a call made a service use: of S3's objects, of parameters and of secrets.

The answers say so themselves: S3's in headers, the others' by what they returned.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lab.ministack import kms, s3
from lab.protocol.response import Response
from lab.records.record import RecordedCall
from lab.records.service_calls import KeyUse, s3_key_use


def key_uses(call: RecordedCall, response: Response) -> Iterator[KeyUse]:
    """The uses of keys that an answered call led to."""
    record = call.record
    source = record["eventSource"]
    if "errorCode" in record or response.status >= 300:
        return
    if source == "s3.amazonaws.com" and "x-amz-server-side-encryption-aws-kms-key-id" in response.headers:
        bucket = s3.bucket_facts(str((record["requestParameters"] or {}).get("bucketName", "")))
        found = s3_key_use(record, response.headers, uses_bucket_key=bucket is not None and bucket.uses_bucket_key)
        if found is not None:
            yield found
    elif source == "ssm.amazonaws.com" and record["eventName"] in _OF_PARAMETERS:
        yield from _of_parameters(record, _content(response))
    elif source == "secretsmanager.amazonaws.com" and record["eventName"] in _OF_SECRETS:
        yield from _of_secret(record, _content(response))


_OF_PARAMETERS = frozenset({"GetParameter", "GetParameters", "GetParametersByPath", "PutParameter"})
_OF_SECRETS = frozenset({"CreateSecret", "GetSecretValue", "PutSecretValue"})


def _content(response: Response) -> Mapping[str, Any]:
    try:
        found = json.loads(response.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _of_parameters(record: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[KeyUse]:
    parameters = record["requestParameters"] or {}
    if record["eventName"] == "PutParameter":
        if parameters.get("type") == "SecureString":
            name = str(parameters["name"]).removeprefix("/")
            arn = f"arn:aws:ssm:{record['awsRegion']}:{record['recipientAccountId']}:parameter/{name}"
            yield _use("Encrypt", {"PARAMETER_ARN": arn}, str(parameters.get("keyId") or "alias/aws/ssm"))
        return
    if not parameters.get("withDecryption"):
        return
    read = content.get("Parameters") or [content.get("Parameter") or {}]
    for each in read:
        if each.get("Type") == "SecureString":
            yield _use("Decrypt", {"PARAMETER_ARN": str(each.get("ARN", ""))}, "alias/aws/ssm")


def _of_secret(record: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[KeyUse]:
    arn = str(content.get("ARN", ""))
    operation = "Decrypt" if record["eventName"] == "GetSecretValue" else "GenerateDataKey"
    if arn and content.get("VersionId"):
        named = str((record["requestParameters"] or {}).get("kmsKeyId") or "alias/aws/secretsmanager")
        yield _use(operation, {"SecretARN": arn, "SecretVersionId": str(content["VersionId"])}, named)


def _use(operation: str, context: Mapping[str, str], named: str) -> KeyUse:
    found = kms.key_facts(named)
    return KeyUse(operation, context, found.arn if found else "", named)
