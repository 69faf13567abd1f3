"""Where MiniStack would run code, an engine or an HTTP call: Lambda, Athena, Firehose and API Gateway."""
# ruff: noqa: SLF001

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.services import apigateway, apigateway_v1, athena, firehose, lambda_svc

from lab.protocol.answer import Answer


def replace_function_runs(run: Callable[..., dict[str, Any]]) -> None:
    """Every invocation of a Lambda function, whatever makes it, calls `run` instead."""
    lambda_svc._execute_function_dispatch = run


def replace_http_calls(call: Callable[[Any, float], Awaitable[tuple[int, dict[str, str], bytes]]]) -> None:
    """Every HTTP integration of API Gateway, and its look for a token's keys, calls `call` with a request or URL."""
    apigateway._urlopen_async = apigateway_v1._urlopen_async = call


def replace_sql_queries(answer: Callable[[], Answer]) -> None:
    """Every statement for Athena that is not one about Glue's catalogue gets this answer, whatever the engine is."""
    start = athena._start_query_execution
    athena._start_query_execution = lambda request: (
        answer() if athena._parse_ddl(request.get("QueryString", "")) is None else start(request)
    )
    athena.get_athena_engine = lambda: "mock"


def reject_destinations(error_of: Callable[[str, Mapping[str, Any]], Answer | None]) -> None:
    """Every destination of a Firehose stream is first given, by kind and settings, to `error_of`: an error or None."""
    check = firehose._validate_s3_destination_config
    firehose._validate_s3_destination_config = lambda kind, settings: error_of(kind, settings) or check(kind, settings)
