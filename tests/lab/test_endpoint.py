"""The lab talks to this machine only."""

import pytest

from lab.endpoint import require_loopback
from lab.errors import LabError
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from lab.instance.learner import create_learner
from tests.lab.instance.test_environment import A_LAB


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:1", "http://127.9.8.7", "https://localhost:4566", "http://LOCALHOST/x", "http://[::1]:80"],
)
def test_an_endpoint_on_this_machine_is_accepted(endpoint: str) -> None:
    assert require_loopback(endpoint) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://cloudtrail.us-east-1.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://0.0.0.0:4566",
        "http://169.254.169.254",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://example.com#127.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://user@127.0.0.1",
        "http://127.1:80",
        "http://2130706433",
        "ftp://127.0.0.1",
        "127.0.0.1:4566",
        "http://",
        "http://[::1",
        "http://127.0.0.1:port",
        "",
    ],
)
def test_every_other_endpoint_is_rejected_with_what_is_allowed(endpoint: str) -> None:
    with pytest.raises(LabError, match=r"rejects the endpoint|is not a URL") as rejected:
        require_loopback(endpoint)

    assert repr(endpoint) in str(rejected.value)


def test_a_lab_that_is_described_as_being_elsewhere_is_rejected_wherever_it_would_be_used() -> None:
    elsewhere = Lab(
        **{name: getattr(A_LAB, name) for name in Lab.__slots__} | {"endpoint": "https://iam.amazonaws.com"}
    )

    with pytest.raises(LabError, match="rejects the endpoint"):
        lab_variables(elsewhere)
    with pytest.raises(LabError, match="rejects the endpoint"):
        create_learner(elsewhere)
