"""Requests that MiniStack would carry out as something else than they say, which is authorized and recorded.

Subresources of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

import re
from dataclasses import replace
from functools import cache, lru_cache
from urllib.parse import unquote

from botocore.model import OperationModel

from lab.protocol import catalogue, cbor, rest
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call, QueueOfPath
from lab.protocol.request import Request
from lab.protocol.well_formed import is_plain_xml

# https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html (UpdateShardCount)
_MOST_SHARDS = 10_000
# More than any element of a policy has.
_MOST_LEVELS = 100
_MOST_PATTERN_CHARACTERS = 200
_STRINGS = re.compile(rb'"(?:\\.|[^"\\])*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_LIKE = re.compile(r"like\s*/([^/]*)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_REPEATS = re.compile(r"[*+?(]|\{\d*,")
# The whole URL of a queue, the part behind the host, or the name alone, as some SDKs send it.
_QUEUE_URL = re.compile(r"(https?://[A-Za-z0-9.:\[\]_-]+/)?/?([0-9]{12}/)?[A-Za-z0-9_.-]{1,80}")
# Of their resources policies know the path.
_WITHOUT_SLASHES = frozenset({"apigateway"})
# Parameters of S3 in the query string that are no headers: those of the signature, and checksums, which S3 ignores
# there since nobody knows a body when its URL is made.
_NO_HEADERS = (
    "x-amz-algorithm",
    "x-amz-checksum-crc",
    "x-amz-checksum-md5",
    "x-amz-checksum-sha",
    "x-amz-checksum-xxhash",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
)
# What makes another operation of a request, by its method and whether it is for an object; MiniStack takes each other
# one for no subresource at all.
_OF_BUCKETS = """
    accelerate acl cors encryption lifecycle logging notification object-lock ownershipControls policy
    publicAccessBlock replication requestPayment tagging versioning website
"""
_SERVED = {
    ("GET", True): "acl annotation attributes legal-hold retention tagging uploadId",
    ("PUT", True): "acl annotation legal-hold retention tagging uploadId",
    ("POST", True): "restore uploadId uploads",
    ("DELETE", True): "annotation tagging uploadId",
    ("GET", False): f"{_OF_BUCKETS} list-type location uploads versions",
    ("PUT", False): _OF_BUCKETS,
    ("POST", False): "delete",
    (
        "DELETE",
        False,
    ): "cors encryption lifecycle ownershipControls policy publicAccessBlock replication tagging website",
}
_SUBRESOURCES_SERVED = {key: frozenset(names.split()) for key, names in _SERVED.items()}


def with_headers_of_query(request: Request) -> Request | None:
    """A request of S3 with all its headers: those of a presigned URL stand in its query string. None for one that has
    a header twice there.
    """
    if "x-amz-" not in request.query.lower() and "%" not in request.query:
        return request
    found: dict[str, str] = {}
    for name, values in request.query_fields().items():
        header = name.lower()
        if not header.startswith("x-amz-") or header.startswith(_NO_HEADERS):
            continue
        if header in found or len(values) > 1:
            return None
        found[header] = values[0]
    return replace(request, headers=found | dict(request.headers)) if found else request


def error_of(call: Call, request: Request, account: str) -> Answer | None:
    """The error for a call that MiniStack would not carry out as it is, or for longer than anybody waits.

    :param account: of the caller.
    """
    if call.protocol in cbor.PROTOCOLS:
        return _cbor_error(call)
    if call.service == "s3":
        return subresource_error(call, request) or _policy_error(call, request) or _document_error(call, request)
    if call.service == "sqs":
        return _queue_error(call, request, account)
    if call.protocol.startswith("rest"):
        return (_path_error(call, request) if "%" in request.path else None) or _body_error(call, request)
    if call.service in ("kinesis", "logs"):
        return _size_error(call)
    return None


def _cbor_error(call: Call) -> Answer | None:
    """MiniStack gets the call in JSON instead, which is not possible where nobody could read it, or the answer."""
    if call.parameters is None:
        return error_answer(call.service, call.protocol, 400, "SerializationException", "The body cannot be read.")
    if call.operation.has_event_stream_output:
        message = (
            f"{call.operation.name} in CBOR is not part of the lab. Send JSON: for Java, set AWS_CBOR_DISABLE=true."
        )
        return error_answer(call.service, call.protocol, 501, "ServiceNotAvailable", message)
    return None


def _document_error(call: Call, request: Request) -> Answer | None:
    """The error for a document of S3 that cannot be read, or not as a whole: nobody could tell from its record what the
    call was to change. The keys of a deletion are in no record.
    """
    name = call.operation.name
    if not request.body or name == "PutBucketPolicy" or not _has_document(call.operation):
        return None
    if request.body_is_cut:
        message = "Your request was too big."
        return (
            None
            if name == "DeleteObjects"
            else error_answer("s3", call.protocol, 400, "MaxMessageLengthExceeded", message)
        )
    if is_plain_xml(request.body):
        return None
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return error_answer("s3", call.protocol, 400, "MalformedXML", message)


def _body_error(call: Call, request: Request) -> Answer | None:
    """The same for the other services whose calls are not named in the body."""
    if call.protocol == "rest-xml" and request.body and not is_plain_xml(request.body):
        return error_answer(call.service, call.protocol, 400, "MalformedXML", "The request's body is not XML.")
    if call.parameters is None:
        message = "The request's body is not that of its operation."
        return error_answer(call.service, call.protocol, 400, "SerializationException", message)
    return None


@lru_cache(maxsize=256)
def _has_document(operation: OperationModel) -> bool:
    """Whether the body of a call holds parameters, and no content."""
    shape = operation.input_shape
    payload = shape.members.get(str(shape.serialization.get("payload", ""))) if shape is not None else None
    return payload is not None and payload.type_name == "structure"


def _policy_error(call: Call, request: Request) -> Answer | None:
    if call.operation.name != "PutBucketPolicy" or (_levels(request.body) <= _MOST_LEVELS and not request.body_is_cut):
        return None
    message = "Policies must be valid JSON and the first byte must be '{'"
    return error_answer("s3", call.protocol, 400, "MalformedPolicy", message)


def _levels(text: bytes) -> int:
    """How deep JSON is nested."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", text)):
        depth += 1 if bracket[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _queue_error(call: Call, request: Request, account: str) -> Answer | None:
    """MiniStack looks for a queue's name behind the last slash of any text, and where a call names none, in the path,
    for a queue of the caller's account.
    """
    shape = call.operation.input_shape
    if shape is None or "QueueUrl" not in shape.members:
        return None
    url = (call.parameters or {}).get("QueueUrl") or ""
    if not url:
        message = "The request must contain the parameter QueueUrl."
        return error_answer("sqs", call.protocol, 400, "MissingParameter", message)
    if _QUEUE_URL.fullmatch(url) and (not isinstance(url, QueueOfPath) or request.path.startswith(f"/{account}/")):
        return None
    return error_answer("sqs", call.protocol, 404, "InvalidAddress", f"The address {url[:200]!a} is not valid.")


def _path_error(call: Call, request: Request) -> Answer | None:
    """MiniStack looks for its operation in the decoded path."""
    plain = unquote(request.path)
    found = rest.match(call.service, replace(request, path=plain))
    is_other = found is not None and found.operation != call.operation.name
    has_parts = call.service in _WITHOUT_SLASHES and any("/" in each for each in call.labels.values())
    if not is_other and (not has_parts or plain.startswith("/tags/")):
        return None
    message = "The path of the request names two operations: one as it is, and another one decoded."
    return error_answer(call.service, call.protocol, 400, "BadRequestException", message)


def _size_error(call: Call) -> Answer | None:
    parameters = call.parameters or {}
    shards = parameters.get("ShardCount") or parameters.get("TargetShardCount") or 0
    if call.service == "kinesis" and isinstance(shards, int | float) and shards > _MOST_SHARDS:
        message = f"A stream has at most {_MOST_SHARDS:,} shards."
        return error_answer("kinesis", call.protocol, 400, "LimitExceededException", message)
    if call.service == "logs" and call.operation.name == "StartQuery" and _is_hard(str(parameters.get("queryString"))):
        message = (
            "Of regular expressions in queries the lab has those of at most 200 characters, without groups and without "
            "*, + and ?, since others may take years. Use an AWS account to try them."
        )
        return error_answer("logs", call.protocol, 400, "MalformedQueryException", message)
    return None


def _is_hard(query: str) -> bool:
    """Whether matching a regular expression of a query may take more time than in proportion to the text."""
    return any(
        # One with an escaped slash goes on behind it.
        len(each[1]) > _MOST_PATTERN_CHARACTERS or each[1].endswith("\\") or _REPEATS.search(_ESCAPED.sub("", each[1]))
        for each in _LIKE.finditer(query)
    )


def subresource_error(call: Call, request: Request) -> Answer | None:
    """The error for a request of S3 with two subresources, or with one that MiniStack does not have."""
    if call.service != "s3" or not request.query or request.method == "HEAD":
        return None
    names = sorted(_subresources() & request.query_fields().keys())
    if len(names) > 1:
        message = f"Conflicting query string parameters: {', '.join(names)}"
        return error_answer("s3", call.protocol, 400, "InvalidArgument", message)
    served = _SUBRESOURCES_SERVED.get((request.method, "Key" in call.labels), frozenset())
    if names and names[0] not in served:
        message = f"{call.operation.name} with ?{names[0]} is not part of the lab. Use an AWS account to try it."
        return error_answer("s3", call.protocol, 501, "NotImplemented", message)
    return None


@cache
def _subresources() -> frozenset[str]:
    model = catalogue.service_model("s3")
    uris = [str(model.operation_model(name).http["requestUri"]) for name in model.operation_names]
    names = {each.partition("=")[0] for uri in uris for each in uri.partition("?")[2].split("&")}
    # MiniStack's own name of one is none of AWS's.
    return frozenset((names | {"request-payment", "uploadId"}) - {"", "select-type", "x-id"})
