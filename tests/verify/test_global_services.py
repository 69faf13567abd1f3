"""Where the calls of services without regions are recorded."""

import pytest
from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

from verify.global_services import region_of_global_service

# By AWS's own list of endpoints: which region a request is signed for, asked from a region of each partition.
ENDPOINTS = EndpointResolver(create_loader().load_data("endpoints"))


@pytest.mark.parametrize(
    ("service", "asked_from"),
    [
        ("iam", "eu-central-1"),
        ("iam", "us-gov-east-1"),
        ("iam", "cn-north-1"),
        ("iam", "cn-northwest-1"),
        ("organizations", "eu-central-1"),
        ("organizations", "us-gov-east-1"),
        ("organizations", "cn-north-1"),
        ("account", "eu-central-1"),
        ("account", "cn-north-1"),
    ],
)
def test_the_region_is_the_one_that_requests_to_the_service_are_signed_for(service: str, asked_from: str) -> None:
    partition = ENDPOINTS.get_partition_for_region(asked_from)
    endpoint = ENDPOINTS.construct_endpoint(service, asked_from)

    assert endpoint is not None
    assert region_of_global_service(service, partition) == endpoint["credentialScope"]["region"]


@pytest.mark.parametrize(("service", "partition"), [("iam", "aws-iso-z"), ("s3", "aws-cn")])
def test_a_region_that_is_not_known_is_not_guessed(service: str, partition: str) -> None:
    assert region_of_global_service(service, partition) is None
