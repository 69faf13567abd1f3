"""What the lab knows of services, beside what botocore knows."""

from contextlib import suppress
from typing import Any

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import DataNotFoundError, EndpointProviderError
from botocore.loaders import Loader

from lab.protocol import catalogue

REGIONS = ("eu-west-1", "ap-southeast-2")


def signing_regions(loader: Any, partitions: Any, name: str) -> set[str]:
    """The Regions that clients of a service sign for, which are set to two others."""
    provider = EndpointProvider(loader.load_service_model(name, "endpoint-rule-set-1"), partitions)
    found: set[str] = set()
    for region in REGIONS:
        endpoint = provider.resolve_endpoint(Region=region, UseDualStack=False, UseFIPS=False)
        schemes = (endpoint.properties or {}).get("authSchemes") or [{}]
        found.add(schemes[0].get("signingRegion") or region)
    return found


@pytest.mark.slow
def test_the_services_with_one_endpoint_for_all_regions_are_those_of_botocore() -> None:
    loader = Loader()
    partitions = loader.load_data("partitions")
    ours, theirs = {}, {}
    for each in catalogue.services():
        ours[each.name] = catalogue.home_region(each.name)
        regions = set[str]()
        with suppress(DataNotFoundError, EndpointProviderError):  # for some, more than a Region is needed
            regions = signing_regions(loader, partitions, each.name)
        theirs[each.name] = next(iter(regions)) if len(regions) == 1 and not regions & set(REGIONS) else ""

    # Its clients ask the name server which of its endpoints is the active one, and the API is in that Region.
    # https://docs.aws.amazon.com/health/latest/ug/health-api.html#endpoints
    assert theirs | {"health": "us-east-1"} == ours


@pytest.mark.parametrize(
    ("service", "region"),
    [("iam", "us-east-1"), ("cloudfront", "us-east-1"), ("networkmanager", "us-west-2"), ("sts", ""), ("s3", "")],
)
def test_a_service_is_global_or_of_the_region_that_a_call_is_for(service: str, region: str) -> None:
    assert catalogue.home_region(service) == region
