"""The CloudTrail record of one call.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.clock import iso_time
from lab.protocol.decode import Call
from lab.protocol.request import Request
from lab.protocol.response import Outcome, Response, outcome
from lab.records import names
from lab.records.ec2_elements import ec2_parameters, ec2_result
from lab.records.elements import bounded, elements
from lab.records.federated import federated_identity
from lab.records.redaction import recorded_result, redaction_of
from lab.records.resources import Resource, event_resources, resources
from lab.records.s3_parameters import s3_parameters, s3_result

EVENT_VERSION = "1.11"
_LONG_BODY_BYTES = 8 * 1024
_GZIP = b"\x1f\x8b"
_MAX_TEXT_BYTES = 1024  # of userAgent and errorMessage
_as_json = json.JSONEncoder(separators=(",", ":"), default=str, check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Origin:
    """Who called from where. `user_identity` is the record's own userIdentity element and `username` the name that
    LookupEvents shows for it; `region` is the one that the call was signed for, `handed_on` the tags that the caller's
    session hands on to the session of a role that it assumes.
    """

    account: str
    region: str
    username: str
    user_identity: Mapping[str, Any]
    source_ip_address: str
    user_agent: str
    handed_on: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A full CloudTrail record (`text` is its JSON), and what the record itself does not say."""

    record: dict[str, Any]
    username: str
    resources: tuple[Resource, ...]
    is_decoded: bool
    text: str = field(init=False)

    def __post_init__(self) -> None:
        """Writes the JSON once, for all who keep it."""
        object.__setattr__(self, "text", _as_json(self.record))


def recorded_call(
    call: Call | None, request: Request, response: Response, origin: Origin, completed: datetime
) -> RecordedCall:
    """The record of a call that has been answered. A call that could not be decoded gets a name of its own and the
    method and path it came with: it is never left out.
    """
    if call is None:
        return _undecoded_call(request, response, origin, completed)
    name = call.operation.name
    read_only = names.is_read_only(call.service, name)
    shows_result = names.shows_result(call.service, name) and call.service != "s3"
    # KMS's results name the key that was used, but for the lists, which take longer to read than to make.
    names_key = call.service == "kms" and not name.startswith("List")
    result = outcome(call, response, wants_result=shows_result or names_key)
    changes = result.elements if shows_result else None
    response_elements = _response_elements(call, response, result, changes)
    # A record of S3 shows what went over the wire, of which only the labels need decoding.
    parameters = call.labels if call.service == "s3" else call.parameters
    used = resources(call.service, parameters, result.elements)
    region = names.event_region(call.service, origin.region)
    shown = None if _is_hidden_by(result, call) else _parameters(call, request, parameters)
    if origin.handed_on and shown is not None and name == "AssumeRole":
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_ctlogs
        shown = {"incomingTransitiveTags": dict(origin.handed_on), **shown}
    record = {
        **_head(origin, completed, names.event_source(call.service), names.event_name(call.service, name), region),
        **_error(call, response, result),
        "requestParameters": _bounded(shown, "requestParameters", request.body),
        "responseElements": _bounded(response_elements, "responseElements", response.body),
    }
    vouched_for = federated_identity(name, changes) if call.service == "sts" and changes else None
    if vouched_for is not None:
        record["userIdentity"] = vouched_for
    if call.service == "s3":
        record["additionalEventData"] = _s3_transfer(request, response) | _encryption(name, request, response)
    is_data_event = names.is_data_event(call.service, name)
    record |= _tail(result.request_id, origin, read_only=read_only, is_data_event=is_data_event)
    if version := names.api_version(call.service):
        record["apiVersion"] = version
    host = request.headers.get("host")
    if host and "invokedBy" not in origin.user_identity:
        # CloudTrail writes the part that there is: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/
        # cloudtrail-event-reference-record-contents.html (tlsDetails). The lab is called without TLS.
        record["tlsDetails"] = {"clientProvidedHostHeader": host}
    touched = event_resources(call.service, parameters or {}, used, origin.account, region, is_data_event=is_data_event)
    # A role that somebody could not assume is not named, as real log files show.
    if touched and not (call.service == "sts" and result.error_code):
        record["resources"] = touched
    return RecordedCall(record, origin.username, used, parameters is not None)


def _undecoded_call(request: Request, response: Response, origin: Origin, completed: datetime) -> RecordedCall:
    record = _head(origin, completed, "lab.amazonaws.com", names.UNDECODED_EVENT_NAME, origin.region)
    if response.status >= 300:
        record["errorCode"] = f"HTTP{response.status}"
    record |= {
        "requestParameters": {"method": request.method, "path": request.path[:_MAX_TEXT_BYTES]},
        "responseElements": None,
    }
    record |= _tail(response.request_id, origin, read_only=request.method in ("GET", "HEAD"), is_data_event=False)
    return RecordedCall(record, origin.username, (), is_decoded=False)


def _head(origin: Origin, completed: datetime, source: str, name: str, region: str) -> dict[str, Any]:
    """In the order of CloudTrail's records, by which people search log files with grep."""
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": dict(origin.user_identity),
        "eventTime": iso_time(int(completed.timestamp())),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": origin.source_ip_address,
        "userAgent": origin.user_agent[:_MAX_TEXT_BYTES],
    }


def _tail(request_id: str | None, origin: Origin, *, read_only: bool, is_data_event: bool) -> dict[str, Any]:
    return {
        "requestID": request_id or str(uuid.uuid4()),
        "eventID": _event_id(),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": not is_data_event,
        "recipientAccountId": origin.account,
        "eventCategory": "Data" if is_data_event else "Management",
    }


def _event_id() -> str:
    """A random UUID (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-4); Python's own takes thrice as long."""
    digits = os.urandom(16).hex()
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) % 4]}{digits[17:20]}-{digits[20:]}"
    )


def _bounded(found: dict[str, Any] | None, field_name: str, source: bytes) -> dict[str, Any] | None:
    """Only what comes from a long body, or a compressed one, can be too long, and measuring takes time."""
    is_long = len(source) > _LONG_BODY_BYTES or source.startswith(_GZIP)
    return bounded(found, field_name) if is_long else found


def _parameters(call: Call, request: Request, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    if call.service == "s3":
        return s3_parameters(call, request)
    if call.service == "ec2":
        return ec2_parameters(call.operation, parameters)
    redaction = redaction_of(call.service, call.operation.name)
    style = names.style_of(call.service, call.operation.name)
    return elements(call.operation.input_shape, parameters, redaction, style)


def _is_hidden_by(result: Outcome, call: Call) -> bool:
    """Whether the record of a refused call leaves out its parameters, as that of most services does."""
    is_denied = result.error_code is not None and names.error_code(call.service, result.error_code) == "AccessDenied"
    return is_denied and not names.shows_refused_parameters(call.service)


def _error(call: Call, response: Response, result: Outcome) -> dict[str, str]:
    if result.error_code is None:
        return {}
    code = names.error_code(call.service, result.error_code)
    if call.service == "ec2":  # EC2 says whose fault it is
        code = f"{'Server' if response.status >= 500 else 'Client'}.{code}"
    found = {"errorCode": code}
    if result.error_message:
        found["errorMessage"] = result.error_message[:_MAX_TEXT_BYTES]
    return found


def _response_elements(
    call: Call, response: Response, result: Outcome, changes: dict[str, Any] | None
) -> dict[str, Any] | None:
    if call.service == "s3":
        is_change = "Key" in call.labels and not names.is_read_only("s3", call.operation.name)
        return s3_result(response) if is_change and result.error_code is None else None
    if call.service == "ec2":
        is_shown = result.error_code is None and not names.is_read_only("ec2", call.operation.name)
        return ec2_result(call.operation, changes, result.request_id) if is_shown else None
    if changes is None:
        return None
    name = call.operation.name
    shown = recorded_result(call.service, name, changes)
    return elements(
        call.operation.output_shape, shown, redaction_of(call.service, name), names.style_of(call.service, name)
    )


def _s3_transfer(request: Request, response: Response) -> dict[str, Any]:
    sent = request.headers.get("content-length", "0")
    return {
        "SignatureVersion": "SigV2" if _has_old_signature(request) else "SigV4",
        "bytesTransferredIn": int(sent) if sent.isdecimal() else 0,
        "AuthenticationMethod": "AuthHeader" if "authorization" in request.headers else "QueryString",
        "x-amz-id-2": response.headers.get("x-amz-id-2", ""),
        "bytesTransferredOut": response.size,
    }


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html (SSEApplied)
_ENCRYPTS = frozenset({"CopyObject", "CreateMultipartUpload", "PutObject"})
_SSE = "x-amz-server-side-encryption"
_KINDS = {"AES256": "SSE_S3", "aws:kms": "SSE_KMS", "aws:kms:dsse": "DSSE_KMS"}


def _encryption(operation: str, request: Request, response: Response) -> dict[str, str]:
    """How an object was encrypted, and whether because the call says so or by default."""
    if operation not in _ENCRYPTS or response.status >= 300:
        return {}
    if f"{_SSE}-customer-algorithm" in request.headers:
        return {"SSEApplied": "SSE_C"}
    kind = _KINDS.get(response.headers.get(_SSE, ""))
    if kind is None:
        return {}
    return {"SSEApplied": kind if _SSE in request.headers else f"Default_{kind}"}


def _has_old_signature(request: Request) -> bool:
    """Whether a request of S3 has version 2 of AWS's signatures, in its headers or its URL."""
    return request.headers.get("authorization", "").startswith("AWS ") or "AWSAccessKeyId" in request.query_fields()
