"""AWS::CloudTrail::Trail, read back through the API: set, changed, removed."""

from typing import Any

import pytest

from tests.lab.conftest import ClientFactory, Stack
from tests.lab.destination import make_bucket, make_key, make_topic

pytestmark = pytest.mark.usefixtures("no_trails_left")

BUCKET = "trail-properties"
DEFAULT_SELECTORS = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
]
LOG_GROUP = "arn:aws:logs:us-east-1:111122223333:log-group:g:*"
ROLE = "arn:aws:iam::111122223333:role/r"
ADVANCED = [
    {
        "Name": "s3",
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        ],
    }
]


@pytest.fixture(scope="module", autouse=True)
def destination(client: ClientFactory) -> None:
    make_bucket(client("s3"), BUCKET)
    make_topic(client("sns"), "t")


def trail(**properties: Any) -> dict[str, Any]:
    required = {"S3BucketName": BUCKET, "IsLogging": True}
    return {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": required | properties}}


@pytest.mark.parametrize(
    ("properties", "member", "value", "default"),
    [
        ({"IsMultiRegionTrail": True}, "IsMultiRegionTrail", True, False),
        ({"IsMultiRegionTrail": "true"}, "IsMultiRegionTrail", True, False),
        ({"EnableLogFileValidation": True}, "LogFileValidationEnabled", True, False),
        ({"IncludeGlobalServiceEvents": False}, "IncludeGlobalServiceEvents", False, True),
        ({"S3KeyPrefix": "logs"}, "S3KeyPrefix", "logs", None),
        ({"SnsTopicName": "t"}, "SnsTopicARN", "arn:aws:sns:us-east-1:111122223333:t", None),
        (
            {"CloudWatchLogsLogGroupArn": LOG_GROUP, "CloudWatchLogsRoleArn": ROLE},
            "CloudWatchLogsLogGroupArn",
            LOG_GROUP,
            None,
        ),
    ],
)
def test_a_trail_setting_is_set_at_creation_and_by_update_and_removed(
    stack: Stack, client: ClientFactory, properties: dict[str, Any], member: str, value: Any, default: Any
) -> None:
    cloudtrail = client("cloudtrail")
    for declared, expected in ((properties, value), ({}, default), (properties, value)):
        status = stack.deploy(trail(**declared))

        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()
        found = cloudtrail.get_trail(Name=stack.physical_id("Trail"))["Trail"]
        assert found.get(member) == expected


def test_a_key_is_stored_by_its_arn_however_it_is_named(stack: Stack, client: ClientFactory) -> None:
    key = make_key(client("kms"))
    client("kms").create_alias(AliasName="alias/trail-properties", TargetKeyId=key)
    for name in (key, key.rpartition("/")[2], "alias/trail-properties"):
        status = stack.deploy(trail(KMSKeyId=name))

        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()
        assert client("cloudtrail").get_trail(Name=stack.physical_id("Trail"))["Trail"]["KmsKeyId"] == key
    stack.deploy(trail())
    assert "KmsKeyId" not in client("cloudtrail").get_trail(Name=stack.physical_id("Trail"))["Trail"]


def test_logging_follows_the_template(stack: Stack, client: ClientFactory) -> None:
    for logging in (True, False, "true"):
        stack.deploy(trail(IsLogging=logging))

        status = client("cloudtrail").get_trail_status(Name=stack.physical_id("Trail"))

        assert status["IsLogging"] is (str(logging).lower() == "true")


def test_selectors_are_set_changed_and_go_back_to_the_default(stack: Stack, client: ClientFactory) -> None:
    write_only = [DEFAULT_SELECTORS[0] | {"ReadWriteType": "WriteOnly"}]

    def read() -> Any:
        answer = client("cloudtrail").get_event_selectors(TrailName=stack.physical_id("Trail"))
        return answer.get("EventSelectors") or answer["AdvancedEventSelectors"]

    for properties, expected in (
        ({"AdvancedEventSelectors": ADVANCED}, ADVANCED),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly"}]}, write_only),
        ({}, DEFAULT_SELECTORS),
    ):
        stack.deploy(trail(**properties))
        assert read() == expected, stack.failures()


def test_insight_selectors_are_stored_and_removed(stack: Stack, client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    wanted = [{"InsightType": "ApiCallRateInsight"}]
    stack.deploy(trail(InsightSelectors=wanted))
    name = stack.physical_id("Trail")

    found = cloudtrail.get_insight_selectors(TrailName=name)["InsightSelectors"]

    assert [{"InsightType": each["InsightType"]} for each in found] == wanted
    assert cloudtrail.get_trail(Name=name)["Trail"]["HasInsightSelectors"] is True
    stack.deploy(trail())
    with pytest.raises(cloudtrail.exceptions.InsightNotEnabledException):
        cloudtrail.get_insight_selectors(TrailName=name)


def test_trail_tags_are_set_changed_and_removed(stack: Stack, client: ClientFactory) -> None:
    for tags in ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}]):
        status = stack.deploy(trail(Tags=tags), Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Trail", "Arn"]}}})
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()

        answer = client("cloudtrail").list_tags(ResourceIdList=[stack.outputs()["Arn"]])

        listed = answer["ResourceTagList"][0]["TagsList"]
        assert [tag for tag in listed if not tag["Key"].startswith("aws:")] == tags


def test_another_trail_name_is_another_trail_and_ref_is_the_name(stack: Stack, client: ClientFactory) -> None:
    outputs = {"Name": {"Value": {"Ref": "Trail"}}, "Arn": {"Value": {"Fn::GetAtt": ["Trail", "Arn"]}}}
    for name in (f"{stack.name}-1", f"{stack.name}-2"):
        stack.deploy(trail(TrailName=name), Outputs=outputs)
        arn = f"arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"
        assert stack.outputs() == {"Name": name, "Arn": arn}

    names = [each["Name"] for each in client("cloudtrail").describe_trails()["trailList"]]
    assert (f"{stack.name}-1" in names, f"{stack.name}-2" in names) == (False, True)
    assert stack.delete() == "DELETE_COMPLETE"
    assert f"{stack.name}-2" not in [each["Name"] for each in client("cloudtrail").describe_trails()["trailList"]]


def test_a_trail_made_by_the_api_keeps_its_tags_and_its_log_group(client: ClientFactory) -> None:
    cloudtrail = client("cloudtrail")
    made = cloudtrail.create_trail(
        Name="by-hand",
        S3BucketName=BUCKET,
        CloudWatchLogsLogGroupArn=LOG_GROUP,
        CloudWatchLogsRoleArn=ROLE,
        TagsList=[{"Key": "a", "Value": "b"}],
    )

    tags = cloudtrail.list_tags(ResourceIdList=[made["TrailARN"]])["ResourceTagList"][0]["TagsList"]

    assert cloudtrail.get_trail(Name="by-hand")["Trail"]["CloudWatchLogsRoleArn"] == ROLE
    assert tags == [{"Key": "a", "Value": "b"}]
    cloudtrail.delete_trail(Name="by-hand")
