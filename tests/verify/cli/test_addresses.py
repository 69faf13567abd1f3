"""Buckets and prefixes as people have them at hand: as an address, and as the console shows them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.verify.simulation.api import Api, check_bucket, since
from tests.verify.simulation.scenarios import trail
from tests.verify.simulation.trail import BUCKET, HOUR, Chain
from verify.errors import UsageError
from verify.integrity.sources import IntegrityOptions, as_meant
from verify.storage.objects import ObjectName


def code(chain: Chain, **asked: Any) -> int:
    until = f"{chain.hours[-2].end:%Y-%m-%dT%H:%M:%SZ}"
    return check_bucket(Api(chain.aws), chain.at + HOUR / 2, start=since(chain), end=until, **asked).exit_code


@pytest.mark.regular
@pytest.mark.parametrize("own", ["", "logs", "a/b", "AWSLogs"])
@pytest.mark.parametrize("below", ["", "/AWSLogs", "/AWSLogs/", "/AWSLogs/111122223333/CloudTrail/us-east-1"])
def test_a_prefix_may_be_copied_from_the_console(own: str, below: str) -> None:
    chain = trail(6, prefix=own)
    prefix = f"{own}{below}".lstrip("/")
    address = f"s3://{BUCKET}/{prefix}"

    if prefix:
        assert code(chain, prefix=prefix) == 0
    assert code(chain, bucket=address) == 0
    chain.aws.objects |= {ObjectName("replica", name.key): stored for name, stored in chain.aws.objects.items()}
    assert code(chain, source=address.replace(BUCKET, "replica")) == 0


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"bucket": "s3://logs"}, {"bucket": "logs"}),
        ({"bucket": "s3://logs/"}, {"bucket": "logs"}),
        ({"bucket": "s3://logs/some/where/"}, {"bucket": "logs", "prefix": "some/where"}),
        ({"bucket": "logs/some/where/"}, {}),
        ({"bucket": "s3://logs/p", "prefix": "p/"}, {"bucket": "logs", "prefix": "p/"}),
        ({"source": "s3://logs/p"}, {"source": "s3://logs", "prefix": "p"}),
        ({"source": "s3://copy", "bucket": "logs", "prefix": "p"}, {}),
        ({"source": "./folder/p"}, {}),
        ({"source": "s3://"}, {}),
    ],
)
def test_an_address_is_a_bucket_and_a_prefix(given: dict[str, Any], meant: dict[str, Any]) -> None:
    options = IntegrityOptions(**given)

    assert as_meant(options) == replace(options, **meant)


def test_an_address_with_another_prefix_than_the_one_that_was_given_is_refused() -> None:
    with pytest.raises(UsageError, match=r"s3://logs/p has the prefix 'p', and --prefix says 'q'"):
        as_meant(IntegrityOptions(bucket="s3://logs/p", prefix="q"))
