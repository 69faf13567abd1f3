"""Errors as AWS writes them: one code and one message in the words of each protocol.

Formats: https://smithy.io/2.0/aws/protocols/index.html
"""

import json
import uuid
from typing import Any
from xml.sax.saxutils import escape

# In which CloudWatch and Kinesis may be called: Smithy's protocol, and that of Java's clients of Kinesis.
CBOR, JAVA_CBOR = "smithy-rpc-v2-cbor", "java-cbor"

# Status, headers, body: what every handler of a service answers.
Answer = tuple[int, dict[str, str], Any]


def error_answer(service: str, protocol: str, status: int, code: str, message: str) -> Answer:
    """The answer that a client of the service understands as this error.

    :param protocol: as in botocore's models, such as `rest-json`, or `JAVA_CBOR`.
    """
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": request_id}
    shown = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        text = f"<Error>{shown}<RequestId>{request_id}</RequestId></Error>"
    elif protocol in ("query", "rest-xml"):
        kind = "Receiver" if status >= 500 else "Sender"
        error = f"<Error><Type>{kind}</Type>{shown}</Error>"
        text = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    elif protocol == "ec2":
        text = f"<Response><Errors><Error>{shown}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif protocol in (CBOR, JAVA_CBOR):
        body = b"\xa2" + b"".join(map(cbor_text, ("__type", code, "message", message)))
        return status, headers | cbor_headers(protocol), body
    else:
        content = json.dumps({"__type": code, "message": message}).encode()
        return status, headers | {"Content-Type": "application/json", "x-amzn-errortype": code}, content
    return status, headers | {"Content-Type": "text/xml"}, text.encode()


def cbor_headers(protocol: str) -> dict[str, str]:
    """The headers of an answer in CBOR.

    :param protocol: `CBOR` or `JAVA_CBOR`.
    """
    if protocol == JAVA_CBOR:
        return {"Content-Type": "application/x-amz-cbor-1.1"}
    return {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


def cbor_head(major_type: int, size: int) -> bytes:
    """The first bytes of a data item in CBOR: its type, and its size or value in as few bytes as it needs.

    https://www.rfc-editor.org/rfc/rfc8949.html#name-major-types
    """
    if size < 24:
        return bytes([major_type << 5 | size])
    for code, length, most in ((24, 1, 0xFF), (25, 2, 0xFFFF), (26, 4, 0xFFFFFFFF)):
        if size <= most:
            return bytes([major_type << 5 | code]) + size.to_bytes(length, "big")
    return bytes([major_type << 5 | 27]) + size.to_bytes(8, "big")


def cbor_text(text: str) -> bytes:
    """A text string in CBOR."""
    raw = text.encode()
    return cbor_head(3, len(raw)) + raw
