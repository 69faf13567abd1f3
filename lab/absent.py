"""Services that the lab does not have answer so, in their own protocol, instead of with something that looks like AWS.

Error formats: https://smithy.io/2.0/aws/protocols/index.html
"""

import json
import uuid
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from lab import seams
from lab.calls import catalogue
from lab.calls.decode import decode
from lab.calls.request import Request
from lab.seams import Answer, ServiceHandler

_CODE = "ServiceNotAvailable"
_STATUS = 501


def install() -> None:
    """Registers an answer for every service that botocore knows and MiniStack does not."""
    names = {name for each in catalogue.services() for name in (each.signing_name, each.name)}
    seams.set_known_service_names(frozenset(names))
    for name in names:
        seams.service_handlers.setdefault(name, _absent(name))


def _absent(service: str) -> ServiceHandler:
    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        call = decode(Request(method, path, urlencode(query, doseq=True), headers, body))
        return refusal(service, call.protocol if call else "rest-json")

    return answer


def refusal(service: str, protocol: str) -> Answer:
    """The error that says that a service is not part of the lab."""
    message = f"{service} is not part of the lab. Use an AWS account to try it."
    if protocol in ("query", "rest-xml"):
        error = f"<Error><Type>Receiver</Type><Code>{_CODE}</Code><Message>{escape(message)}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        return _STATUS, {"Content-Type": "text/xml"}, text.encode()
    if protocol == "ec2":
        error = f"<Error><Code>{_CODE}</Code><Message>{escape(message)}</Message></Error>"
        text = f"<Response><Errors>{error}</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
        return _STATUS, {"Content-Type": "text/xml"}, text.encode()
    if protocol == "smithy-rpc-v2-cbor":
        body = b"\xa2" + b"".join(map(_cbor_text, ("__type", _CODE, "message", message)))
        return _STATUS, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    content = json.dumps({"__type": _CODE, "message": message}).encode()
    return _STATUS, {"Content-Type": "application/json", "x-amzn-errortype": _CODE}, content


def _cbor_text(text: str) -> bytes:
    """A text string of up to 255 bytes: https://www.rfc-editor.org/rfc/rfc8949.html#name-major-types"""
    raw = text.encode()
    return bytes([0x78, len(raw)]) + raw
