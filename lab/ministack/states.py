"""Step Functions: its intrinsic functions, and the calls that state machines make."""
# ruff: noqa: SLF001

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ministack import app
from ministack.services import stepfunctions

from lab.ministack.core import ServiceHandler
from lab.protocol.answer import Answer
from lab.protocol.request import Request

# https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html#asl-intrsc-func-arrays
_MOST_ELEMENTS = 1000


def bound_array_range() -> None:
    """States.ArrayRange makes arrays of at most 1,000 elements, as on AWS; MiniStack makes them as large as asked."""
    execute = stepfunctions._exec_intrinsic

    def bounded(node: tuple[str, str, list[Any]], data: Any, context: Any) -> Any:
        _, name, arguments = node
        if name != "States.ArrayRange":
            return execute(node, data, context)
        first, last, step = (int(stepfunctions._eval_intrinsic_arg(each, data, context)) for each in arguments)
        found = range(first, last + 1, step)
        if len(found) > _MOST_ELEMENTS:
            raise ValueError(f"States.ArrayRange makes at most {_MOST_ELEMENTS:,} elements.")
        return list(found)

    stepfunctions._exec_intrinsic = bounded


@dataclass(frozen=True, slots=True)
class Execution:
    """As whom a state machine calls: its role, and the name of the session that Step Functions has of it."""

    role_arn: str
    session_name: str


# Called, on the server's own loop, with the execution, the handler of the service and the request to it.
Serve = Callable[[Execution, ServiceHandler, Request], Awaitable[Answer]]

# Of the state machine that this thread runs; the threads of its branches inherit it.
_execution: ContextVar[Execution | None] = ContextVar("execution", default=None)


def call_by_roles(serve: Serve) -> None:
    """Every call that a state machine makes of another service is served by `serve`, for the machine's role."""
    send: Callable[..., Answer] = app.call_service_handler_sync

    def sent(
        handler: ServiceHandler, method: str, path: str, headers: Any, body: Any, query: Any, *more: Any
    ) -> Answer:
        execution = _execution.get()
        if execution is None:  # CloudFormation's own
            return send(handler, method, path, headers, body, query, *more)

        async def served(*_request: Any) -> Answer:
            return await serve(execution, handler, _request_of(method, path, headers, body, query))

        return send(served, method, path, headers, body, query, *more)

    app.call_service_handler_sync = sent
    run, test = stepfunctions._run_execution, stepfunctions._test_state

    def run_as_role(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        _as_role(str(machine.get("roleArn") or ""))
        run(execution_arn)

    def tested(parameters: dict[str, Any]) -> Answer:
        _as_role(str(parameters.get("roleArn") or ""))
        answer: Answer = test(parameters)
        return answer

    stepfunctions._run_execution, stepfunctions._test_state = run_as_role, tested
    for service, operation, prefix in _OPTIMIZED:
        name = f"arn:aws:states:::{service}:{operation}"
        stepfunctions._SERVICE_DISPATCH[name] = _optimized(service, operation, prefix)
    stepfunctions._invoke_nested_start_execution = _started
    stepfunctions._invoke_nested_start_execution_sync = _started_and_waited_for
    stepfunctions._s3_object_text = _object_text
    read_items = stepfunctions._read_map_items

    def items(reader: dict[str, Any], effective: Any, context: Any) -> Any:
        if str(reader.get("Resource", "")).endswith("s3:listObjectsV2"):
            given = reader.get("Parameters") or reader.get("Arguments") or {}
            _listed(stepfunctions._resolve_params_obj(given, effective, context))
        return read_items(reader, effective, context)

    stepfunctions._read_map_items = items


def _as_role(role_arn: str) -> None:
    _execution.set(Execution(role_arn, uuid.uuid4().hex))


def _request_of(method: str, path: str, headers: dict[str, Any], body: Any, query: dict[str, Any]) -> Request:
    text = "&".join(
        f"{quote(str(name), safe='')}={quote(str(each), safe='')}"
        for name, values in query.items()
        for each in (values if isinstance(values, list) else [values])
    )
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    return Request(method, path, text, lowered, body.encode() if isinstance(body, str) else bytes(body or b""))


# What Step Functions calls by names of its own: the service and operation, and what its errors begin with.
# https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
_OPTIMIZED = (
    ("sqs", "sendMessage", "SQS"),
    ("sns", "publish", "SNS"),
    ("events", "putEvents", "EventBridge"),
    ("dynamodb", "putItem", "DynamoDB"),
    ("dynamodb", "getItem", "DynamoDB"),
    ("dynamodb", "deleteItem", "DynamoDB"),
    ("dynamodb", "updateItem", "DynamoDB"),
    ("ecs", "runTask", "ECS"),
)
_SDK_NAMES = {"events": "eventbridge"}
# Which texts may be given as objects.
_TEXTS = frozenset({"Message", "MessageBody"})


def _optimized(service: str, operation: str, prefix: str) -> Callable[[str, dict[str, Any]], Any]:
    resource = f"arn:aws:states:::aws-sdk:{_SDK_NAMES.get(service, service)}:{operation}"

    def invoke(_resource: str, given: dict[str, Any]) -> Any:
        values = {
            name: json.dumps(value) if name in _TEXTS and isinstance(value, dict | list) else value
            for name, value in given.items()
        }
        try:
            return stepfunctions._invoke_aws_sdk_integration(resource, values)
        except stepfunctions._ExecutionError as error:
            name = str(error.error).partition(".")[2] or str(error.error)
            raise stepfunctions._ExecutionError(f"{prefix}.{name}", error.cause) from None

    return invoke


def _started(_resource: str, given: dict[str, Any]) -> dict[str, Any]:
    """Starts another execution, as any caller of the API."""
    body = json.dumps(stepfunctions._nested_start_execution_request(given)).encode()
    headers = {"x-amz-target": "AWSStepFunctions.StartExecution", "content-type": "application/x-amz-json-1.0"}
    status, found = _called("states", "POST", "/", body, headers)
    payload = json.loads(found or b"{}")
    if status >= 400:
        raise stepfunctions._ExecutionError(payload.get("__type", "States.Runtime"), payload.get("message", ""))
    return {"ExecutionArn": payload.get("executionArn"), "StartDate": payload.get("startDate")}


def _started_and_waited_for(resource: str, given: dict[str, Any]) -> dict[str, Any]:
    arn = _started(resource, given)["ExecutionArn"]
    while (child := stepfunctions._executions[arn])["status"] == "RUNNING":
        time.sleep(0.05)
    if child["status"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", f"Execution {arn} ended with status {child['status']}")
    output = child.get("output") or "{}"
    return {
        "ExecutionArn": arn,
        "Input": child["input"],
        "InputDetails": {"included": True},
        "Name": child["name"],
        "Output": json.loads(output) if resource.endswith(".sync:2") else output,
        "OutputDetails": {"included": True},
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }


def _object_text(bucket: str, key: str) -> str:
    """The content of an object of S3 whose lines a Map state reads."""
    status, body = _called("s3", "GET", f"/{quote(bucket, safe='')}/{quote(key)}", b"", {})
    if status != 200:
        message = f"The object {key!a} of the bucket {bucket!a} cannot be read (HTTP {status})."
        raise stepfunctions._ExecutionError("States.ItemReaderFailed", message)
    return body.decode("utf-8", "replace")


def _listed(parameters: dict[str, Any]) -> None:
    """Makes the call that lists the objects of a bucket, which MiniStack goes through without one."""
    bucket, prefix = str(parameters.get("Bucket") or ""), str(parameters.get("Prefix") or "")
    query = {"list-type": ["2"], "prefix": [prefix]}
    status, _ = _called("s3", "GET", f"/{quote(bucket, safe='')}", b"", {}, query)
    if status != 200:
        message = f"The objects of the bucket {bucket!a} cannot be listed (HTTP {status})."
        raise stepfunctions._ExecutionError("States.ItemReaderFailed", message)


def _called(
    service: str,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    query: dict[str, list[str]] | None = None,
) -> tuple[int, bytes]:
    region = stepfunctions.get_region()
    credential = f"AWS4-HMAC-SHA256 Credential=states/20260101/{region}/{service}/aws4_request"
    sent = {"host": f"{service}.{region}.amazonaws.com", "authorization": credential, **headers}
    status, _, found = app.call_service_handler_sync(
        app.SERVICE_HANDLERS[service], method, path, sent, body, query or {}
    )
    return status, found.encode() if isinstance(found, str) else bytes(found or b"")
