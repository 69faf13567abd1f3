"""Errors as AWS writes them: one code and one message in the words of each protocol.

Formats: https://smithy.io/2.0/aws/protocols/index.html
"""

import json
import uuid
from typing import Any
from xml.sax.saxutils import escape

# Status, headers, body: what every handler of a service answers.
Answer = tuple[int, dict[str, str], Any]


def error_answer(service: str, protocol: str, status: int, code: str, message: str) -> Answer:
    """The answer that a client of the service understands as this error.

    :param protocol: as in botocore's models, such as `rest-json`.
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
    elif protocol == "smithy-rpc-v2-cbor":
        body = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
        return status, headers | {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    else:
        content = json.dumps({"__type": code, "message": message}).encode()
        return status, headers | {"Content-Type": "application/json", "x-amzn-errortype": code}, content
    return status, headers | {"Content-Type": "text/xml"}, text.encode()


def _cbor_text(text: str) -> bytes:
    """A text string of up to 65,535 bytes: https://www.rfc-editor.org/rfc/rfc8949.html#name-major-types"""
    raw = text.encode()
    return b"\x79" + len(raw).to_bytes(2, "big") + raw
