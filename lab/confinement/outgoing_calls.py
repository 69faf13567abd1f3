"""The lab makes no outgoing calls: what would send something over HTTP is rejected where it is set up, or answers with
the reason where it is used.

`lab.confinement.process` stops every call whatever makes it; this is for clear words where a learner sees them.
"""

import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Any

from lab.cloudformation.handler import shown_first
from lab.cloudformation.properties import Properties
from lab.confinement.process import NO_CALLS
from lab.ministack import cloudformation, events, execution
from lab.protocol.answer import Answer, error_answer

_TOPIC, _SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::Subscription"
_HTTP = ("http", "https")
# Types that would send something, and where they say to whom.
_URLS: dict[str, Callable[[Properties], Any]] = {
    "AWS::ApiGateway::Method": lambda properties: (properties.get("Integration") or {}).get("Uri"),
    "AWS::ApiGatewayV2::Integration": lambda properties: properties.get("IntegrationUri"),
}


def forbid_outgoing_calls(warn: Callable[[str], None]) -> None:
    """Gives subscriptions over HTTP and HTTP integrations the lab's own errors.

    :param warn: called with one line for each URL that was to be called; lines repeat.
    """

    async def answer(request: Any, _timeout_seconds: float) -> tuple[int, dict[str, str], bytes]:
        """API Gateway gives the status and the text of the error to its caller."""
        is_request = isinstance(request, urllib.request.Request)  # noqa: S310 (nothing is opened)
        url = request.full_url if is_request else str(request)
        message = f"{NO_CALLS}: API Gateway did not call {url!a}. Use an AWS account to try it."
        warn(message)
        body = io.BytesIO(json.dumps({"message": message}).encode())
        raise urllib.error.HTTPError(url, 502, message, Message(), body)

    events.reject_subscriptions(_rejected_subscription)
    execution.replace_http_calls(answer)
    handlers = cloudformation.resource_handlers
    handlers[_SUBSCRIPTION] = shown_first(handlers[_SUBSCRIPTION], _require_no_http)
    handlers[_TOPIC] = shown_first(handlers[_TOPIC], _require_no_http_of_topic)
    for resource_type, url_of in _URLS.items():
        handlers[resource_type] = shown_first(handlers[resource_type], _telling(resource_type, url_of, warn))


def _rejected_subscription(protocol: str, endpoint: str) -> Answer | None:
    """As SNS answers for an endpoint that it does not take:
    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html#API_Subscribe_Errors
    """
    if protocol not in _HTTP:
        return None
    return error_answer("sns", "query", 400, "InvalidParameter", f"Invalid parameter: {_why(protocol, endpoint)}")


def _require_no_http(properties: Properties) -> None:
    protocol, endpoint = str(properties.get("Protocol")), str(properties.get("Endpoint"))
    if protocol in _HTTP:
        raise ValueError(f"Invalid parameter: {_why(protocol, endpoint)}")


def _require_no_http_of_topic(properties: Properties) -> None:
    for each in properties.get("Subscription") or []:
        _require_no_http(each)


def _telling(
    resource_type: str, url_of: Callable[[Properties], Any], warn: Callable[[str], None]
) -> Callable[[Properties], None]:
    def look(properties: Properties) -> None:
        url = str(url_of(properties) or "")
        if url.lower().startswith(("http:", "https:", "file:")):
            warn(f"{NO_CALLS}: what {resource_type} sends to {url!a} arrives nowhere.")

    return look


def _why(protocol: str, endpoint: str) -> str:
    return (
        f"{NO_CALLS}, so nothing can be subscribed over {protocol} ({endpoint}). "
        "Leave the subscription out, subscribe a queue or an e-mail address, or use an AWS account."
    )
