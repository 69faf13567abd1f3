"""Where MiniStack would run code, an engine or an HTTP call: Lambda, Athena and API Gateway."""
# ruff: noqa: SLF001

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import apigateway, apigateway_v1, athena, lambda_svc

from lab.protocol.answer import Answer


def replace_function_runs(run: Callable[..., dict[str, Any]]) -> None:
    """Every invocation of a Lambda function, whatever makes it, calls `run` instead."""
    lambda_svc._execute_function_dispatch = run


def replace_http_calls(call: Callable[[Any, float], Awaitable[tuple[int, dict[str, str], bytes]]]) -> None:
    """Every HTTP integration of API Gateway, and its look for a token's keys, calls `call` with a request or URL."""
    apigateway._urlopen_async = apigateway_v1._urlopen_async = call


def replace_sql_queries(answer: Callable[[], Answer]) -> None:
    """Every statement for Athena that is not one about Glue's catalogue gets this answer, whatever the engine is. Of
    the others no result is written to S3.
    """

    async def unwritten(_query_id: str) -> None:
        return

    athena._save_query_results = unwritten
    start = athena._start_query_execution
    athena._start_query_execution = lambda request: (
        answer() if athena._parse_ddl(request.get("QueryString", "")) is None else start(request)
    )
    athena.get_athena_engine = lambda: "mock"


def send_nothing_for_functions(tell: Callable[[str], None]) -> None:
    """No mapping reads a source for a function, nothing is sent on when a function fails, and API Gateway sends nothing
    to a queue.

    :param tell: called with what does not happen, in a part of a sentence.
    """

    def unread() -> None:
        tell("no event source mapping reads anything for a function")

    def unsent(target_arn: str, function_name: str, *_more: Any) -> None:
        tell(f"nothing is sent to {target_arn} for the function {function_name}")

    async def unqueued(*_integration: Any, **_settings: Any) -> tuple[int, dict[str, str], bytes]:
        message = "What API Gateway sends to a queue is not part of the lab. Use an AWS account to try it."
        return 502, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()

    lambda_svc._ensure_poller, lambda_svc._route_async_failure = unread, unsent
    apigateway_v1._invoke_sqs_v1 = unqueued
