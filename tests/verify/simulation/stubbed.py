"""The real botocore, with answers given in advance: what AWS says is parsed, and refused, as in life."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from botocore.stub import Stubber

from verify.aws import Aws


@cache
def _session() -> Aws:
    return Aws(region="us-east-1", endpoint_url="http://127.0.0.1:9")


def offline(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """A session that leads nowhere; one for all tests, because botocore takes its time to make clients."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setattr(_session(), "_caller", None)  # what one test was told is no other's
    return _session()


def answers(aws: Aws, service: str, method: str, answer: dict[str, Any] | str, region: str | None = None) -> Stubber:
    """Let one call be answered; a string is an error code, or a code, a colon and a message. Parameters are checked
    against AWS's own model.
    """
    stubber = Stubber(aws.client(service, region))
    if isinstance(answer, str):
        code, _, message = answer.partition(": ")
        stubber.add_client_error(method, code, message or "because")
    else:
        stubber.add_response(method, answer)
    stubber.activate()
    return stubber
