"""Services the lab lacks say so in every protocol; those that the verifier asks answer as AWS does."""

from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from lab.instance.folder import Lab
from lab.services.unsupported import unsupported_service_error
from tests.lab.conftest import ClientFactory, make_client, root_keys

ACCOUNT = "111122223333"


@pytest.mark.parametrize(
    ("service", "method", "parameters", "listed"),
    [
        ("cloudtrail", "list_event_data_stores", {}, "EventDataStores"),
        ("logs", "describe_account_policies", {"policyType": "SUBSCRIPTION_FILTER_POLICY"}, "accountPolicies"),
        ("s3control", "list_access_grants_instances", {"AccountId": ACCOUNT}, "AccessGrantsInstancesList"),
    ],
)
def test_a_list_of_what_cannot_be_made_here_is_empty(
    lab: Lab, service: str, method: str, parameters: dict[str, Any], listed: str
) -> None:
    asked = make_client(lab, service)
    asked.meta.events.register("before-sign.s3-control", _without_account_in_host)
    assert getattr(asked, method)(**parameters)[listed] == []


def _without_account_in_host(request: AWSRequest, **_: object) -> None:
    request.url = (request.url or "").replace(f"//{ACCOUNT}.", "//")


@pytest.mark.parametrize(
    ("service", "method", "parameters"),
    [
        ("guardduty", "list_detectors", {}),
        ("securityhub", "describe_hub", {}),
        ("accessanalyzer", "list_analyzers", {}),
        ("macie2", "get_macie_session", {}),
        ("redshift", "describe_clusters", {}),
        ("health", "describe_events", {}),
        ("glacier", "list_vaults", {"accountId": "-"}),
        ("fsx", "describe_file_systems", {}),
        ("detective", "list_graphs", {}),
    ],
)
def test_a_service_that_the_lab_lacks_says_so(
    client: ClientFactory, service: str, method: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as rejected:
        getattr(client(service), method)(**parameters)

    assert rejected.value.response["Error"]["Code"] == "ServiceNotAvailable"
    assert "is not part of the lab" in rejected.value.response["Error"]["Message"]
    assert rejected.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize("protocol", ["json", "rest-json", "query", "ec2", "rest-xml", "smithy-rpc-v2-cbor"])
def test_the_rejection_is_well_formed_in_every_protocol(protocol: str) -> None:
    status, headers, body = unsupported_service_error("a<b&c", protocol)

    parsed = create_parser(protocol).parse(
        {"status_code": status, "headers": HeadersDict(headers), "body": body},
        None,  # type: ignore[arg-type]
    )

    assert parsed["Error"]["Code"] == "ServiceNotAvailable"
    assert parsed["Error"]["Message"].startswith("a<b&c is not part of the lab.")


def test_a_fresh_account_is_as_on_aws(lab: Lab, client: ClientFactory) -> None:
    root = root_keys(lab, "777788889999")  # of an account that no other test works in
    iam, ec2, config = client("iam", **root), client("ec2", **root), client("config", **root)
    summary = iam.get_account_summary()["SummaryMap"]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"]

    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (0, 0)
    assert [group["GroupName"] for group in groups] == ["default"]
    assert [vpc["IsDefault"] for vpc in vpcs] == [True]
    assert "us-east-1" in [region["RegionName"] for region in ec2.describe_regions()["Regions"]]
    assert config.describe_configuration_recorders()["ConfigurationRecorders"] == []
    assert config.describe_config_rules()["ConfigRules"] == []


@pytest.mark.parametrize(
    ("service", "method", "parameters", "code"),
    [
        ("iam", "get_account_password_policy", {}, "NoSuchEntity"),
        ("cloudtrail", "get_trail_status", {"Name": "no-such-trail"}, "TrailNotFoundException"),
        ("cloudtrail", "get_event_selectors", {"TrailName": "no-such-trail"}, "TrailNotFoundException"),
        ("cloudtrail", "get_insight_selectors", {"TrailName": "no-such-trail"}, "TrailNotFoundException"),
        ("kms", "describe_key", {"KeyId": "alias/no-such-alias"}, "NotFoundException"),
        ("s3", "get_bucket_policy", {"Bucket": "no-such-bucket-here"}, "NoSuchBucket"),
    ],
)
def test_what_does_not_exist_has_the_documented_error(
    client: ClientFactory, service: str, method: str, parameters: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as rejected:
        getattr(client(service), method)(**parameters)

    assert rejected.value.response["Error"]["Code"] == code


def test_an_account_without_a_public_access_block_says_so(client: ClientFactory) -> None:
    s3control = client("s3control")

    def to_the_lab(request: AWSRequest, **_: Any) -> None:
        request.url = (request.url or "").replace(f"//{ACCOUNT}.", "//")

    s3control.meta.events.register("before-sign.s3-control", to_the_lab)

    with pytest.raises(ClientError) as rejected:
        s3control.get_public_access_block(AccountId=ACCOUNT)
    assert rejected.value.response["Error"]["Code"] == "NoSuchPublicAccessBlockConfiguration"

    s3control.put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True}
    )
    found = s3control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    s3control.delete_public_access_block(AccountId=ACCOUNT)
    assert found["BlockPublicAcls"] is True
