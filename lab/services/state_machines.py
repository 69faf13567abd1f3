"""The calls that state machines make: as the machine's role, allowed or refused by its policies, and recorded.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from lab.ministack import states
from lab.ministack.core import ServiceHandler
from lab.protocol import exact
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call, decode
from lab.protocol.malformed import without_unknown_members
from lab.protocol.request import Request
from lab.protocol.response import response_of
from lab.records.record import Origin
from lab.records.recorder import Recorder, current_origin
from lab.services.authorizing import Authorizer

_SERVICE = "states.amazonaws.com"


def install(authorizer: Authorizer, recorder: Recorder, room: Callable[[], AbstractContextManager[None]]) -> None:
    """MiniStack's state machines call as nobody, may do everything, and leave no record.

    :param room: holds the room on the disk that a call needs.
    """

    async def serve(execution: states.Execution, handler: ServiceHandler, request: Request) -> Answer:
        origin = authorizer.origin_of_role(execution.role_arn, execution.session_name, _SERVICE)
        if origin is None:  # nobody calls
            return _refused(request, f"{_SERVICE} cannot assume the role {execution.role_arn}.")
        current_origin.set(origin)
        call = decode(request)
        if call is not None and call.protocol == "json":  # as the server does with the calls that come over HTTP
            request = replace(request, body=without_unknown_members(call, request.body))
        with room():
            answer = _error(authorizer, execution.role_arn, call, request, origin)
            if answer is None:
                query = request.query_fields()
                answer = await handler(request.method, request.path, dict(request.headers), request.body, query)
            recorder.record(request, response_of(answer), origin)
        return answer

    states.call_by_roles(serve)


def _error(authorizer: Authorizer, role_arn: str, call: Call | None, request: Request, origin: Origin) -> Answer | None:
    if call is None:
        return _refused(request, "This is no call that the lab knows, and it carries out none that it cannot record.")
    if unknown := call.unknown_fields():
        message = f"The parameter {unknown[0]!a} is not recognized"
        return error_answer(call.service, call.protocol, 400, "InvalidQueryParameter", message)
    refused = authorizer.refused_to_role(call, request, origin, role_arn)
    return refused or exact.error_of(call, request, origin.account)


def _refused(request: Request, message: str) -> Answer:
    protocol = "json" if "x-amz-target" in request.headers else "query" if request.is_form() else "rest-xml"
    return error_answer("", protocol, 400, "AccessDeniedException", message)
