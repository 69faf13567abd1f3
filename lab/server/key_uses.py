"""Which KMS keys a call made a service use: of S3's objects, of parameters and secrets, of queues and topics.

The answers say so themselves: S3's in headers, those of Systems Manager and Secrets Manager by what they returned. What
queues and topics ask of KMS, and what KMS refuses, is known since the call was authorized.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from lab.authorization.s3_needs import copy_source
from lab.ministack import events, identities, kms, s3
from lab.protocol.response import Response
from lab.records.record import RecordedCall
from lab.records.service_calls import KeyUse, asked_of_kms, s3_key_use

_OF_PARAMETERS = frozenset(
    {"GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath", "PutParameter"}
)
_OF_SECRETS = frozenset({"BatchGetSecretValue", "CreateSecret", "GetSecretValue", "PutSecretValue", "UpdateSecret"})
_READS_SECRETS = frozenset({"BatchGetSecretValue", "GetSecretValue"})
_OF_MESSAGES = frozenset({"sns.amazonaws.com", "sqs.amazonaws.com"})
_MOST_DATA_KEYS = 10_000
_RESOURCES = identities.Resources()


class KeyUses:
    """The uses of keys that calls lead to. It remembers which data keys of queues and topics are used again."""

    def __init__(self) -> None:
        self._reused_until: dict[tuple[str, ...], float] = {}

    def of_call(self, call: RecordedCall, response: Response, moment: datetime) -> Iterator[KeyUse]:
        """The uses of keys that an answered call led to."""
        asked = asked_of_kms.get()
        asked_of_kms.set(())
        if refused := [each for each in asked if each.error_code]:
            yield from refused
        elif "errorCode" in call.record or response.status >= 300:
            return
        elif call.record["eventSource"] in _OF_MESSAGES:
            if asked and _has_messages(call.record, response) and self._is_new(call, asked, moment.timestamp()):
                yield from asked
        else:
            yield from _told_by_answer(call.record, response)

    def _is_new(self, call: RecordedCall, asked: tuple[KeyUse, ...], now: float) -> bool:
        """Whether the data key of a queue or a topic is new, which the service uses again for the same caller.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        """
        who = str(call.record["userIdentity"].get("arn", ""))
        (arn,) = asked[0].context.values()
        for_what = (who, arn, asked[0].key_arn, asked[0].operation)
        if self._reused_until.get(for_what, 0.0) > now:
            return False
        if len(self._reused_until) >= _MOST_DATA_KEYS:
            self._reused_until = {each: until for each, until in self._reused_until.items() if until > now}
        self._reused_until[for_what] = now + events.data_key_reuse_seconds(arn)
        return True


def _has_messages(record: Mapping[str, Any], response: Response) -> bool:
    """Whether a call wrote messages, or read any."""
    return record["eventName"] != "ReceiveMessage" or b"MessageId" in response.body


def _told_by_answer(record: Mapping[str, Any], response: Response) -> Iterator[KeyUse]:
    source = record["eventSource"]
    if source == "s3.amazonaws.com":
        yield from _of_copied(record)
    if source == "s3.amazonaws.com" and "x-amz-server-side-encryption-aws-kms-key-id" in response.headers:
        bucket = s3.bucket_facts(str((record["requestParameters"] or {}).get("bucketName", "")))
        found = s3_key_use(record, response.headers, uses_bucket_key=bucket is not None and bucket.uses_bucket_key)
        if found is not None:
            yield found
    elif source == "ssm.amazonaws.com" and record["eventName"] in _OF_PARAMETERS:
        yield from _of_parameters(record, _content(response))
    elif source == "secretsmanager.amazonaws.com" and record["eventName"] in _OF_SECRETS:
        content = _content(response)
        for each in content.get("SecretValues") or [content]:
            yield from _of_secret(record, each)


def _of_copied(record: Mapping[str, Any]) -> Iterator[KeyUse]:
    """What was copied was decrypted."""
    source = str((record["requestParameters"] or {}).get("x-amz-copy-source", ""))
    if not source:
        return
    bucket, key, version = copy_source({"x-amz-copy-source": source})
    arn = _RESOURCES.object_key_arn(bucket, key, version)
    if arn:
        place = f"arn:aws:s3:::{bucket}"
        context = {"aws:s3:arn": place if _RESOURCES.uses_bucket_key(bucket) else f"{place}/{key}"}
        yield KeyUse("Decrypt", context, arn, arn)


def secrets_of_batch(record: Mapping[str, Any], response: Response) -> list[str]:
    """The ARNs of the secrets that a call of BatchGetSecretValue answered with; none of any other call."""
    if record["eventName"] != "BatchGetSecretValue" or "errorCode" in record:
        return []
    return [str(each["ARN"]) for each in _content(response).get("SecretValues") or () if each.get("ARN")]


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
            arn = _arn_of_parameter(record, str(parameters["name"]))
            yield _use("Encrypt", {"PARAMETER_ARN": arn}, str(parameters.get("keyId") or "alias/aws/ssm"))
        return
    if not parameters.get("withDecryption"):
        return
    read = content.get("Parameters") or [content.get("Parameter") or {}]
    for each in read:
        if each.get("Type") == "SecureString":
            arn = str(each.get("ARN") or _arn_of_parameter(record, str(each.get("Name", ""))))
            yield _use("Decrypt", {"PARAMETER_ARN": arn}, _RESOURCES.encryption_key("ssm", arn) or "alias/aws/ssm")


def _arn_of_parameter(record: Mapping[str, Any], name: str) -> str:
    return f"arn:aws:ssm:{record['awsRegion']}:{record['recipientAccountId']}:parameter/{name.removeprefix('/')}"


def _of_secret(record: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[KeyUse]:
    arn = str(content.get("ARN", ""))
    operation = "Decrypt" if record["eventName"] in _READS_SECRETS else "GenerateDataKey"
    if arn and content.get("VersionId"):
        named = (record["requestParameters"] or {}).get("kmsKeyId") or _RESOURCES.encryption_key("secretsmanager", arn)
        named = str(named or "alias/aws/secretsmanager")
        yield _use(operation, {"SecretARN": arn, "SecretVersionId": str(content["VersionId"])}, named)


def _use(operation: str, context: Mapping[str, str], named: str) -> KeyUse:
    found = kms.key_facts(named)
    return KeyUse(operation, context, found.arn if found else "", named)
