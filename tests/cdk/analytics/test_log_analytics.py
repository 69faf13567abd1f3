"""The table finds every file without a list of partitions, and a query has a scan limit."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from constructs_lib import Analytics, LogRetention, NewBucket, Organization, SecureTrail
from constructs_lib.analytics.named_queries import NAMED_QUERIES
from tests.cdk.conftest import new_app, only
from tests.cdk.templates import plain

ACCOUNT, ORGANIZATION = "111122223333", "o-abcdefghij"


def template_in(region: str, **props: Any) -> Template:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=region))
    props = {"log_bucket": NewBucket(bucket_name="logs"), "analytics": Analytics(), **props}
    SecureTrail(stack, "SecureTrail", **props)
    return Template.from_stack(stack)


def table(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = plain(only(template, "AWS::Glue::Table")["TableInput"], "aws")
    return found


@pytest.mark.parametrize(
    ("props", "folder", "account"),
    [
        ({}, "AWSLogs", {"type": "enum", "values": ACCOUNT}),
        ({"s3_key_prefix": "audit"}, "audit/AWSLogs", {"type": "enum", "values": ACCOUNT}),
        # An organization's accounts come and go: a query names the one it means.
        ({"organization": Organization(ORGANIZATION)}, f"AWSLogs/{ORGANIZATION}", {"type": "injected"}),
    ],
)
def test_the_partitions_are_where_cloudtrail_writes(
    props: dict[str, Any], folder: str, account: dict[str, str]
) -> None:
    parameters = table(template_in("eu-central-1", **props))["Parameters"]

    location = parameters["storage.location.template"]
    assert re.sub(r"\{'Ref': '[^']+'\}", "logs", location) == (
        f"s3://logs/{folder}/${{account}}/CloudTrail/${{region}}/${{day}}"
    )
    projected = {
        name.removeprefix("projection.account."): value
        for name, value in parameters.items()
        if name.startswith("projection.account.")
    }
    assert projected == account
    assert parameters["projection.enabled"] == "true"


@pytest.mark.parametrize(
    ("region", "some", "none"),
    [
        ("eu-central-1", {"us-east-1", "ap-southeast-2"}, {"cn-north-1", "us-gov-west-1"}),
        ("us-gov-west-1", {"us-gov-east-1"}, {"us-east-1"}),
        ("cn-north-1", {"cn-northwest-1"}, {"us-east-1"}),
    ],
)
def test_queries_cover_every_region_of_the_partition(region: str, some: set[str], none: set[str]) -> None:
    regions = set(table(template_in(region))["Parameters"]["projection.region.values"].split(","))

    assert {region, *some} <= regions
    assert not regions & none


def test_the_regions_and_the_period_can_be_narrowed() -> None:
    template = template_in(
        "eu-central-1",
        analytics=Analytics(regions=["eu-central-1"]),
        log_bucket=NewBucket(retention=LogRetention(expiration=cdk.Duration.days(400))),
    )

    parameters = table(template)["Parameters"]
    assert parameters["projection.region.values"] == "eu-central-1"
    assert parameters["projection.day.range"] == "NOW-400DAYS,NOW"


def test_the_workgroup_encrypts_results_and_stops_runaway_queries() -> None:
    template = template_in("eu-central-1", analytics=Analytics(scan_limit_mebibytes=10))

    configuration = only(template, "AWS::Athena::WorkGroup")["WorkGroupConfiguration"]
    assert configuration["BytesScannedCutoffPerQuery"] == 10 * 1024 * 1024
    assert configuration["EnforceWorkGroupConfiguration"] is True
    result = configuration["ResultConfiguration"]
    assert result["EncryptionConfiguration"] == {
        "EncryptionOption": "SSE_KMS",
        "KmsKey": {"Fn::GetAtt": ["SecureTrailKey340A4129", "Arn"]},
    }
    assert result["ExpectedBucketOwner"] == ACCOUNT


@pytest.mark.parametrize("organization", [None, Organization(ORGANIZATION)])
def test_the_named_queries_ask_the_table_and_one_week(organization: Organization | None) -> None:
    template = template_in("eu-central-1", organization=organization)

    queries = [entry["Properties"] for entry in template.find_resources("AWS::Athena::NamedQuery").values()]
    assert {entry["Name"] for entry in queries} == {query.name for query in NAMED_QUERIES}
    columns = {column["Name"] for column in table(template)["StorageDescriptor"]["Columns"]}
    for entry in queries:
        sql = entry["QueryString"]
        assert "FROM cloudtrail_logs" in sql
        assert "day >= date_format(current_date - interval '7' day, '%Y/%m/%d')" in sql
        assert (f"account = '{ACCOUNT}'" in sql) is (organization is not None)
        code = re.sub(r"'[^']*'|--.*", "", sql)
        asked = set(re.findall(r"(?<!\.)\b[a-z]{6,}\b", code))
        assert asked - columns <= {
            "account",
            "cloudtrail",
            "coalesce",
            "interval",
            "format",
            "current",
            "attempts",
            "extract",
            "scalar",
        }
