"""The lab's own pages: who may ask, and who is believed."""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from lab.errors import LabError
from lab.handshake import DELIVER, MAC_HEADER, STATUS, new_secret, request_mac, root_secret
from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.instance.lifecycle import Status
from lab.server.pages import OwnPages
from tests.lab.signing import send

SECRET, INSTANCE = "a secret", "0" * 32


def with_mac(
    secret: str = SECRET, instance: str = INSTANCE, seconds: str = "1000", nonce: str = "n", **of: str
) -> dict[str, str]:
    method, target = of.get("method", "GET"), of.get("target", STATUS)
    return {MAC_HEADER: f"{seconds}:{nonce}:{request_mac(secret, instance, method, target, seconds, nonce)}"}


def own_pages(now: float = 1000.0) -> OwnPages:
    return OwnPages({}, SECRET, INSTANCE, lambda: now)


def test_a_request_with_its_code_is_answered_once() -> None:
    pages = own_pages()

    assert pages.nonce("GET", STATUS, with_mac()) == "n"
    assert pages.nonce("GET", STATUS, with_mac()) is None
    assert pages.nonce("GET", STATUS, with_mac(nonce="m")) == "m"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {MAC_HEADER: ""},
        {MAC_HEADER: "1000:n:"},
        {MAC_HEADER: f"1000:n:{'0' * 64}"},
        {MAC_HEADER: "::" + request_mac(SECRET, INSTANCE, "GET", STATUS, "", "") + "0"},
        {MAC_HEADER: "\u00e9:\u00e9:\u00e9"},
        with_mac(secret="another"),
        with_mac(secret=""),
        with_mac(instance="1" * 32),
        with_mac(method="POST"),
        with_mac(target=DELIVER),
        with_mac(target=f"{STATUS}?x"),
        with_mac(seconds="600"),
        with_mac(seconds="1400"),
    ],
)
def test_no_other_request_is_answered(headers: dict[str, str]) -> None:
    assert own_pages().nonce("GET", STATUS, headers) is None


@pytest.mark.parametrize("seconds", ["701", "1299"])
def test_a_code_holds_for_five_minutes(seconds: str) -> None:
    assert own_pages().nonce("GET", STATUS, with_mac(seconds=seconds)) == "n"


def test_what_is_derived_for_one_purpose_is_none_for_another() -> None:
    secret = new_secret()

    assert len({secret, new_secret(), root_secret(secret, "1" * 12), root_secret(secret, "2" * 12)}) == 4
    assert root_secret(secret, "1" * 12) == root_secret(secret, "1" * 12)


def needed(status: Status | None) -> Status:
    assert status is not None
    return status


@pytest.fixture
def impostor(lab: Lab) -> Iterator[tuple[Lab, list[dict[str, str]]]]:
    """A program of somebody else's that has the lab's port, knows what everybody can, and keeps what it is told."""
    told: list[dict[str, str]] = []
    known = needed(lifecycle.ask(lab))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append({name.lower(): value for name, value in self.headers.items()} | {"target": self.path})
            body = json.dumps(asdict(known)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header(MAC_HEADER, told[-1].get(MAC_HEADER, "").rpartition(":")[2])
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield replace(lab, port=server.server_port), told
        server.shutdown()
        thread.join()


def test_a_program_that_took_the_labs_port_is_not_believed_and_learns_no_secret(
    lab: Lab, impostor: tuple[Lab, list[dict[str, str]]]
) -> None:
    taken, told = impostor

    assert lifecycle.ask(taken) is None
    with pytest.raises(LabError, match="is not this lab"):
        control.deliver(taken)

    assert len(told) == 2
    assert not [text for each in told for text in each.values() if lab.secret in text or lab.secret_access_key in text]
    # What it was asked leads nowhere at another page; at the same one it is no more than what the owner asked for.
    assert send(lab.port, "POST", "/_lab/advance?seconds=9", {MAC_HEADER: told[1][MAC_HEADER]}).status == 403
    assert send(lab.port, "POST", DELIVER, {MAC_HEADER: told[1][MAC_HEADER]}).status == 200
    assert send(lab.port, "POST", DELIVER, {MAC_HEADER: told[1][MAC_HEADER]}).status == 403


@pytest.mark.parametrize("path", [STATUS, DELIVER, "/_lab/advance?seconds=1"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_a_request_without_proof_learns_nothing(lab: Lab, method: str, path: str) -> None:
    found = send(lab.port, method, path, {})

    assert found.status in (403, 404)
    assert lab.instance.encode() not in found.body


def test_a_lab_of_before_that_has_no_secret_is_no_running_lab(lab: Lab) -> None:
    assert lifecycle.ask(replace(lab, secret="")) is None
