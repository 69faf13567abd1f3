"""requestParameters of S3 calls, which CloudTrail writes after the wire and not after the API.

Subresources appear as in the query string, configuration as the XML it was sent in, headers by their own names.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
"""

import json
from typing import Any
from xml.etree import ElementTree

from lab.protocol.decode import Call
from lab.protocol.request import Request
from lab.protocol.response import Response
from lab.protocol.well_formed import is_plain_xml
from lab.records.elements import guessed

_SIGNING = (
    "awsaccesskeyid",
    "signature",
    "x-amz-algorithm",
    "x-amz-checksum-",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-expires",
    "x-amz-sdk-",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-trailer",
    "x-amz-user-agent",
    "x-id",
)
_RESULTS = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-version-id",
)
_CONTENTS = (
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-meta-",
    "x-amz-server-side-encryption-customer-key",
)
_NOT_SHOWN = (*_SIGNING, *_CONTENTS)
# What records of presigned URLs show of their signature.
_SHOWN_OF_URL = frozenset({"x-amz-algorithm", "x-amz-date", "x-amz-expires", "x-amz-signedheaders"})


def s3_parameters(call: Call, request: Request) -> dict[str, Any]:
    """The requestParameters of one S3 call."""
    found: dict[str, Any] = {}
    labels = call.labels
    if "Bucket" in labels:
        found["bucketName"] = labels["Bucket"]
    if "Key" in labels:
        found["key"] = labels["Key"]
    found["Host"] = request.headers.get("host", "")
    headers = request.headers.items()
    found |= {name: value for name, value in headers if name.startswith("x-amz-") and not name.startswith(_NOT_SHOWN)}
    for name, values in request.query_fields().items():
        lowered = name.lower()
        if lowered in _SHOWN_OF_URL or (lowered not in request.headers and not lowered.startswith(_NOT_SHOWN)):
            found[name] = values[0]
    return found | _body(call, request)


def _body(call: Call, request: Request) -> dict[str, Any]:
    if "Key" in call.labels or not request.body or request.body_is_cut:
        return {}
    if call.operation.name == "PutBucketPolicy":
        try:
            return {"bucketPolicy": json.loads(request.body)}
        except ValueError:
            return {"bucketPolicy": request.body.decode("utf-8", "replace")}
    if not is_plain_xml(request.body):  # which S3 does not take
        return {}
    root = ElementTree.fromstring(request.body)  # noqa: S314 - no document type, so no entities
    namespace = root.tag.partition("}")[0].removeprefix("{") if "}" in root.tag else ""
    content = _element(root)
    if namespace and isinstance(content, dict):
        content = {"xmlns": namespace, **content}
    return {_name(root): content}


def _element(node: ElementTree.Element) -> Any:
    if len(node) == 0:
        return guessed(node.text or "")
    found: dict[str, Any] = {}
    for child in node:
        value = _element(child)
        name = _name(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def s3_result(response: Response) -> dict[str, str] | None:
    """The responseElements of one S3 call: a few headers, of calls that touched an object."""
    return {name: response.headers[name] for name in _RESULTS if name in response.headers} or None
