"""The door: who may come in, and what a call costs."""

import http.client
import statistics
import time

import pytest

from lab.state import Lab
from tests.lab.conftest import ClientFactory


def ask(lab: Lab, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=5)
    connection.putrequest("GET", "/", skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:80", "[::1]:80", "bucket.localhost:4566"])
def test_programs_that_name_this_machine_come_in(lab: Lab, host: str) -> None:
    assert ask(lab, Host=host) in (200, 404)


@pytest.mark.parametrize(
    "host", ["evil.example.com", "10.0.0.1", "127.0.0.1.evil.example.com", "", "[::1", "localhost.x"]
)
def test_a_page_that_rebinds_its_name_to_this_machine_stays_out(lab: Lab, host: str) -> None:
    assert ask(lab, Host=host) in (400, 403)


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://127.0.0.1.evil.example.com"])
def test_a_page_of_another_site_stays_out(lab: Lab, origin: str) -> None:
    assert ask(lab, Host="127.0.0.1", Origin=origin) == 403


def test_a_page_of_this_machine_comes_in(lab: Lab) -> None:
    assert ask(lab, Host="127.0.0.1", Origin="http://localhost:3000") == 200


def test_a_call_is_answered_quickly(client: ClientFactory) -> None:
    s3 = client("s3")
    s3.list_buckets()
    seconds = []
    for _ in range(50):
        begun = time.perf_counter()
        s3.list_buckets()
        seconds.append(time.perf_counter() - begun)

    assert statistics.median(seconds) < 0.1
