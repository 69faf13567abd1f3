"""The emulator as a whole: its application, its services, the account and region of a request, and saving."""
# ruff: noqa: SLF001

import contextvars
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import hypercorn_compat, responses, router

from lab.protocol.answer import Answer
from lab.protocol.asgi import Application

# Called with method, path, headers, body and the parsed query string.
ServiceHandler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Answer]]
application: Application = ministack_app.app
service_handlers: dict[str, ServiceHandler] = ministack_app.SERVICE_HANDLERS
account_of_request: Callable[[], str] = responses.get_account_id
region_of_request: Callable[[], str] = responses.get_region
set_account_of_request: Callable[[str], None] = responses.set_request_account_id
set_region_of_request: Callable[[str], None] = responses.set_request_region
new_store_by_account_and_region: Callable[[], Any] = responses.AccountRegionScopedDict


def set_known_service_names(names: frozenset[str]) -> None:
    """Names that requests may be signed for; MiniStack would load every model of botocore to learn them."""
    router._KNOWN_AWS_SERVICE_NAMES = names


def adapt_http_server() -> None:
    """Gives the status line of answers its reason phrase, which older SDKs insist on."""
    hypercorn_compat.install()


def write_whole(path: Path, text: str) -> None:
    """Writes a file at once or not at all.

    :raises OSError: it could not be written; it is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.tmp")
    try:
        written.write_text(text, encoding="utf-8")
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise


def for_account_and_region(account: str, region: str, work: Callable[..., None], *arguments: Any) -> None:
    """Does some work for an account and region; the request that is being served, if any, keeps its own."""

    def do() -> None:
        set_account_of_request(account)
        set_region_of_request(region)
        work(*arguments)

    contextvars.copy_context().run(do)


def run_to_completion(work: Awaitable[Answer]) -> Answer:
    """Runs a handler that never waits, from code that must not.

    :raises RuntimeError: the handler waits.
    """
    try:
        next(work.__await__())
    except StopIteration as finished:
        answer: Answer = finished.value
        return answer
    raise RuntimeError("A MiniStack handler that used to answer at once now waits; call it from a thread instead.")
