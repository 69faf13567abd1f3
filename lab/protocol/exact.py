"""Requests that MiniStack would carry out as something else than they say, which is authorized and recorded.

Subresources of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from dataclasses import replace
from functools import cache

from lab.protocol import catalogue
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call
from lab.protocol.request import Request

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
