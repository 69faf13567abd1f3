"""The command that asks the log files what the event history cannot answer."""

from __future__ import annotations

import shlex

import pytest

from verify.cli import build_parser
from verify.events.elsewhere import logs_command, service_of_data_event


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"EventName": "GetObject", "Username": "it's; rm -rf /"},
        {"EventSource": "s3.amazonaws.com", "AccessKeyId": "AKIA", "ReadOnly": "true"},
        {"ResourceName": "x", "EventId": "1", "SourceIPAddress": "203.0.113.7", "ErrorCode": "X", "ReadOnly": "false"},
        {"Role": "web"},
        {"Username": "-alice", "SourceIPAddress": "--since"},
    ],
)
def test_the_command_is_one_that_there_is(attributes: dict[str, str]) -> None:
    command = shlex.split(logs_command(attributes, {"since": "2d", "start": None, "end": "now"}))

    parsed = vars(build_parser(["logs"]).parse_args(command[3:]))

    assert (parsed["since"], parsed["start"], parsed["end"]) == ("2d", None, "now")
    given = {value for value in parsed.values() if isinstance(value, str)}
    assert {value for name, value in attributes.items() if name != "ReadOnly"} <= given
    assert parsed["is_read_only"] is {"true": True, "false": False}.get(attributes.get("ReadOnly", ""))


@pytest.mark.parametrize(
    ("times", "since"),
    [({}, "90d"), ({"end": "2026-01-31"}, "90d"), ({"start": "2026-01-01"}, None), ({"since": "2h"}, "2h")],
)
def test_the_command_asks_of_no_less_time(times: dict[str, str], since: str | None) -> None:
    given = dict.fromkeys(("since", "start", "end")) | times

    parsed = build_parser(["logs"]).parse_args(shlex.split(logs_command({}, given))[3:])

    assert (parsed.since, parsed.start, parsed.end) == (since, given["start"], given["end"])


def test_the_command_asks_the_same_account() -> None:
    session = {"profile": "my account", "endpoint_url": "http://127.0.0.1:4566"}

    parsed = build_parser(["logs"]).parse_args(shlex.split(logs_command({}, {}, session))[3:])

    assert (parsed.profile, parsed.endpoint_url) == ("my account", "http://127.0.0.1:4566")


@pytest.mark.parametrize(
    ("name", "service"), [("GetObject", "S3"), ("Invoke", "Lambda"), ("ListBuckets", None), (None, None)]
)
def test_a_data_event_is_known(name: str | None, service: str | None) -> None:
    assert service_of_data_event(name) == service
