"""Reports say when it is not AWS that answers, for a single service as well."""

import json

import pytest

from tests.verify.simulation.refusing_aws import RefusingAws, serve
from verify.aws import Aws
from verify.cli import main

pytestmark = pytest.mark.usefixtures("clean_aws_environment")

ELSEWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "cn-north-1",
        "us-gov-west-1",
        "eusc-de-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "us-isof-south-1",
    ],
)
def test_every_partition_is_aws(region: str) -> None:
    aws = Aws(region=region)
    for service in ("cloudtrail", "s3", "kms"):
        aws.client(service)
    assert (aws.endpoint_url, aws.endpoints.everywhere) == (None, None)


@pytest.mark.parametrize("setting", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_its_other_host_names_are_aws_too(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(setting, "true")
    aws = Aws(region="us-east-1")
    aws.client("s3")
    assert aws.endpoint_url is None


@pytest.mark.parametrize(
    "url",
    [
        "http://amazonaws.com.example.org",
        "https://evilamazonaws.com",
        "https://amazonaws.com@127.0.0.1",
        "http://[::1]",
    ],
)
def test_a_host_that_only_looks_like_aws_is_not(url: str) -> None:
    aws = Aws(region="us-east-1", endpoint_url=url)
    assert aws.endpoint_url == aws.endpoints.everywhere == url


def test_one_service_that_leads_elsewhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDTRAIL", ELSEWHERE)
    aws = Aws(region="us-east-1")
    assert aws.endpoint_url is None
    for region in ("us-east-1", "eu-west-1"):
        aws.client("cloudtrail", region)
    assert aws.endpoint_url == f"{ELSEWHERE} (for cloudtrail)"
    # Nothing that a command for all services could say.
    assert aws.endpoints.everywhere is None


def test_services_that_lead_to_several_places_are_named_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ELSEWHERE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:10")
    aws = Aws(region="us-east-1")
    for service in ("s3", "kms"):
        aws.client(service)
    assert aws.endpoint_url == f"{ELSEWHERE} (for s3, sts) and http://127.0.0.1:10 (for kms)"
    assert aws.endpoints.everywhere is None


@pytest.mark.parametrize(("command", "service"), [("check", "cloudtrail"), ("score", "guardduty")])
def test_a_report_says_that_one_service_was_not_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, service: str
) -> None:
    with serve(RefusingAws("AccessDenied")) as aws, serve(RefusingAws("AccessDenied")) as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", other.url)
        main([command, "--region", "us-east-1", "--json"])
    assert f"{other.url} (for {service})" in json.loads(capsys.readouterr().out)["endpoint"]
    assert other.services == {service}
