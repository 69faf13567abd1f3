"""Calls that CloudFormation makes for a stack, to the services of the same process.

Each goes over the same wire format as a client's call, so that a service cannot tell the difference, and is recorded as
AWS records it: the stack's caller, invoked by cloudformation.amazonaws.com.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from botocore.model import OperationModel, ServiceModel
from botocore.serialize import create_serializer

from lab.ministack import core
from lab.ministack.core import run_to_completion
from lab.protocol.answer import Answer
from lab.protocol.catalogue import service_model
from lab.protocol.decode import Call, decode
from lab.protocol.request import Request
from lab.protocol.response import Response, outcome, response_of
from lab.records.record import Origin
from lab.records.recorder import Recorder, current_origin

# Called with a call, its request and its origin.
Refuse = Callable[[Call, Request, Origin], Answer | None]
# Called with a call (None when it could not be decoded), its request and the stack's caller.
Authorize = Callable[[Call | None, Request, Origin], Answer | None]

# MiniStack's names of services where botocore has others.
_HANDLERS = {"stepfunctions": "states"}
_INVOKED_BY = "cloudformation.amazonaws.com"


class ApiError(Exception):
    """A service rejected a call. The text is what a stack event shows; `code` is the service's own."""

    def __init__(self, service: str, code: str, message: str, status: int) -> None:
        super().__init__(f"{message} (Service: {service}, Status Code: {status}, Error Code: {code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Api:
    """The services of the lab, as CloudFormation calls them.

    :param room: holds the room on the disk that a call needs.
    :param authorize: gives the error for a call that the stack's caller may not make.
    :param caller: gives the origin of the calls for a stack, by that of the request that deploys it.
    :param require_all_of: called with the prefix of a service's actions, what needs them and who calls; raises LabError
        when the caller may not do everything of that service.
    """

    recorder: Recorder
    room: Callable[[], AbstractContextManager[None]]
    authorize: Authorize
    caller: Callable[[Origin], Origin]
    require_all_of: Callable[[str, str, Origin], None]

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Calls an operation for the stack's caller; parameters and result as in boto3.

        :raises ApiError: the service answered with an error.
        :raises botocore.exceptions.ParamValidationError: a parameter is unknown, missing or of the wrong type.
        """
        return self.call_by(_INVOKED_BY, service, operation, parameters)

    def require(self, service: str, operation: str, **parameters: Any) -> None:
        """Makes sure that the stack's caller may call an operation, which is not called.

        :raises ApiError: it may not.
        """
        model, described, request, origin = _prepared(service, operation, parameters)
        refused = self.authorize(decode(request), request, origin)
        if refused is not None:
            response = response_of(refused)
            call = Call(service, described, str(model.metadata["protocol"]), {}, lambda: parameters)
            result = outcome(call, response)
            code = result.error_code or "AccessDenied"
            raise ApiError(model.service_id, code, result.error_message or "", response.status)

    def call_by(self, invoked_by: str, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Calls an operation as an AWS service does, for itself or for the caller of the request.

        :raises ApiError: the service answered with an error.
        :raises botocore.exceptions.ParamValidationError: a parameter is unknown, missing or of the wrong type.
        """
        model, described, request, origin = _prepared(service, operation, parameters)
        is_for_stack = invoked_by == _INVOKED_BY
        refused = self.authorize(decode(request), request, origin) if is_for_stack else None
        origin = self.caller(origin) if is_for_stack else origin
        invoked = {**origin.user_identity, "invokedBy": invoked_by}
        caller = replace(origin, user_identity=invoked, source_ip_address=invoked_by, user_agent=invoked_by)
        return self._carried_out(model, described, request, refused, caller, parameters)

    def call_as(
        self, origin: Origin, refuse: Refuse | None, service: str, operation: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Calls an operation as an AWS service does that is nobody's whose request is served.

        :param origin: as which it is recorded.
        :param refuse: gives the error for a call that may not be made.
        :raises ApiError: the service answered with an error.
        """

        def called() -> dict[str, Any]:
            current_origin.set(origin)
            model, described, request, _ = _prepared(service, operation, parameters)
            call = decode(request)
            refused = refuse(call, request, origin) if refuse and call else None
            return self._carried_out(model, described, request, refused, origin, parameters)

        return copy_context().run(called)

    def _carried_out(
        self,
        model: ServiceModel,
        described: OperationModel,
        request: Request,
        refused: Answer | None,
        origin: Origin,
        parameters: dict[str, Any],
    ) -> dict[str, Any]:
        with self.room():
            response = _served(_HANDLERS.get(model.service_name, model.service_name), request, refused)
            self.recorder.record(request, response, origin)
        protocol = str(model.metadata["protocol"])
        result = outcome(Call(model.service_name, described, protocol, {}, lambda: parameters), response)
        if result.error_code:
            raise ApiError(model.service_id, result.error_code, result.error_message or "", response.status)
        return result.elements or {}


def _prepared(
    service: str, operation: str, parameters: dict[str, Any]
) -> tuple[ServiceModel, OperationModel, Request, Origin]:
    model, origin = service_model(service), current_origin.get()
    described = model.operation_model(operation)
    serializer = create_serializer(str(model.metadata["protocol"]))
    request = _request(serializer.serialize_to_request(parameters, described), model.signing_name, origin)
    return model, described, request, origin


def _request(serialized: dict[str, Any], signing_name: str, origin: Origin) -> Request:
    path, _, literals = str(serialized["url_path"]).partition("?")
    query = "&".join(part for part in (literals, urlencode(serialized["query_string"], doseq=True)) if part)
    body = serialized["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    credential = f"{origin.user_identity.get('accessKeyId', '')}/00000000/{origin.region}/{signing_name}/aws4_request"
    headers = {name.lower(): str(value) for name, value in serialized["headers"].items()}
    headers |= {
        "host": f"{signing_name}.{origin.region}.amazonaws.com",
        "content-length": str(len(body)),
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential}",
    }
    return Request(str(serialized["method"]), path, query, headers, body.encode() if isinstance(body, str) else body)


def _served(service: str, request: Request, refused: Answer | None) -> Response:
    if refused is not None:
        return response_of(refused)
    handler = core.service_handlers[service]
    query = parse_qs(request.query, keep_blank_values=True)
    return response_of(
        run_to_completion(handler(request.method, request.path, dict(request.headers), request.body, query))
    )
