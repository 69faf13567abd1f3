"""When the answer can only be in the log files, and which command asks them. Pure.

The event history has management events of 90 days, in the region that recorded them. Data events are in a trail's log
files alone.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from verify.times import HISTORY_DAYS

# Of the services whose data events are used most. DynamoDB, SNS and others have management events of other names.
_DATA_EVENTS: Final[Mapping[str, str]] = {
    "AbortMultipartUpload": "S3",
    "CompleteMultipartUpload": "S3",
    "CopyObject": "S3",
    "CreateMultipartUpload": "S3",
    "DeleteObject": "S3",
    "DeleteObjects": "S3",
    "DeleteObjectTagging": "S3",
    "GetObject": "S3",
    "GetObjectAcl": "S3",
    "GetObjectAttributes": "S3",
    "GetObjectTagging": "S3",
    "GetObjectTorrent": "S3",
    "HeadObject": "S3",
    "ListMultipartUploads": "S3",
    "ListObjects": "S3",
    "ListObjectVersions": "S3",
    "ListParts": "S3",
    "PutObject": "S3",
    "PutObjectAcl": "S3",
    "PutObjectTagging": "S3",
    "RestoreObject": "S3",
    "SelectObjectContent": "S3",
    "UploadPart": "S3",
    "UploadPartCopy": "S3",
    "Invoke": "Lambda",
    "BatchGetItem": "DynamoDB",
    "BatchWriteItem": "DynamoDB",
    "DeleteItem": "DynamoDB",
    "GetItem": "DynamoDB",
    "PutItem": "DynamoDB",
    "Query": "DynamoDB",
    "Scan": "DynamoDB",
    "TransactGetItems": "DynamoDB",
    "TransactWriteItems": "DynamoDB",
    "UpdateItem": "DynamoDB",
    "ReceiveMessage": "SQS",
    "SendMessage": "SQS",
    "Publish": "SNS",
    "PutRecord": "Kinesis",
    "PutRecords": "Kinesis",
    "GetRecords": "Kinesis",
}
# How `verify logs show` spells each lookup attribute.
_OPTIONS: Final[Mapping[str, str]] = {
    "EventName": "--event",
    "EventSource": "--source",
    "Username": "--user",
    "ResourceName": "--resource",
    "AccessKeyId": "--access-key",
    "EventId": "--event-id",
    "SourceIPAddress": "--ip",
    "ErrorCode": "--error",
    "Role": "--role",
}


def service_of_data_event(name: str | None) -> str | None:
    """The service of which a call is a data event; ``None`` if it is none that is known."""
    return _DATA_EVENTS.get(name or "")


def logs_command(
    attributes: Mapping[str, str],
    times: Mapping[str, str | None],
    session: Mapping[str, str | None] = MappingProxyType({}),
) -> str:
    """The command that asks the log files the same.

    :param attributes: lookup attributes by AWS's names.
    :param times: ``since``, ``start`` and ``end`` as they were given. Without a beginning the event history is searched
        from its own one; the log files would be from a day before the end.
    :param session: ``profile`` and ``endpoint_url`` as they were given.
    """
    options = {option: attributes.get(attribute) for attribute, option in _OPTIONS.items()}
    begin = {} if times.get("since") or times.get("start") else {"--since": f"{HISTORY_DAYS}d"}
    more = {f"--{name}": value for name, value in times.items()}
    words = _words(options | more | begin)
    if "ReadOnly" in attributes:
        words.append("--read-only" if attributes["ReadOnly"] == "true" else "--write-only")
    return in_session(shlex.join(["python", "-m", "verify", "logs", "show", *words]), session)


def in_session(command: str, session: Mapping[str, str | None]) -> str:
    """A command that asks the same account.

    :param session: as of :func:`logs_command`.
    """
    words = _words({f"--{name.replace('_', '-')}": value for name, value in session.items()})
    return f"{command} {shlex.join(words)}" if words else command


def _words(options: Mapping[str, str | None]) -> list[str]:
    words = []
    for option, value in options.items():
        if value is not None:
            # Behind a space, a value that begins with a dash would be taken for an option.
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return words
