"""The form of CreateTrail, UpdateTrail and PutEventSelectors requests."""

from typing import Any

import pytest

from lab.cloudtrail.event_selectors import selectors_error
from lab.cloudtrail.trail_request import combination_error, name_error, region_error, request_error

KEY_ID = "0d990263-018e-4065-a703-eff731de951e"
GROUP = "arn:aws:logs:us-east-1:111122223333:log-group:trail:*"
ROLE = "arn:aws:iam::111122223333:role/trail"


@pytest.mark.parametrize("name", ["abc", "a-b.c_d", "x" * 128, "1.2.3", "Trail2026"])
def test_a_valid_name_is_accepted(name: str) -> None:
    assert name_error(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "blank"),
        ("ab", "too short"),
        ("x" * 129, "too long"),
        ("my trail", "must contain only"),
        ("träil", "must contain only"),
        ("-trail", "start with"),
        ("trail.", "end with"),
        ("my..trail", "adjacent"),
        ("my-_trail", "adjacent"),
        ("192.168.5.4", "IP address"),
    ],
)
def test_an_invalid_name_is_rejected_with_the_rule_that_it_breaks(name: str, fault: str) -> None:
    rejected = name_error(name)

    assert rejected is not None
    assert rejected.code == "InvalidTrailNameException"
    assert fault in rejected.message


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2", "us-gov-west-1", "eusc-de-east-1"])
def test_a_region_is_accepted(region: str) -> None:
    assert region_error(region) is None


@pytest.mark.parametrize("region", ["", "..", "us-east-1/..", "us-east-1\n", "US-EAST-1", "*"])
def test_what_is_no_region_is_rejected(region: str) -> None:
    assert region_error(region) is not None


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"S3BucketName": "my.bucket-1", "S3KeyPrefix": "p" * 200},
        *({"KmsKeyId": each} for each in (KEY_ID, f"mrk-{KEY_ID.replace('-', '')}", "alias/logs")),
        {"KmsKeyId": f"arn:aws:kms:us-east-1:111122223333:key/{KEY_ID}"},
        {"KmsKeyId": "", "SnsTopicName": ""},
        {"SnsTopicName": "arn:aws:sns:us-east-1:111122223333:notices"},
        {"CloudWatchLogsLogGroupArn": GROUP, "CloudWatchLogsRoleArn": ROLE},
    ],
)
def test_a_well_formed_request_is_accepted(request_: dict[str, Any]) -> None:
    assert request_error(request_) is None


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("S3BucketName", "My_Bucket", "InvalidS3BucketNameException"),
        ("S3BucketName", "", "InvalidS3BucketNameException"),
        ("S3BucketName", "a..b", "InvalidS3BucketNameException"),
        ("S3KeyPrefix", "p" * 201, "InvalidS3PrefixException"),
        ("SnsTopicName", "t" * 257, "InvalidSnsTopicNameException"),
        ("SnsTopicName", "no spaces", "InvalidSnsTopicNameException"),
        ("KmsKeyId", "my key", "InvalidKmsKeyIdException"),
        ("CloudWatchLogsLogGroupArn", "trail", "InvalidCloudWatchLogsLogGroupArnException"),
        ("CloudWatchLogsRoleArn", "trail", "InvalidCloudWatchLogsRoleArnException"),
    ],
)
def test_a_malformed_member_is_rejected_with_its_own_exception(member: str, value: str, code: str) -> None:
    rejected = request_error({member: value})

    assert rejected is not None
    assert rejected.code == code
    assert member.removesuffix("Name") in rejected.message or "Bucket name" in rejected.message


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": False}, "InvalidParameterCombinationException"),
        ({"CloudWatchLogsLogGroupArn": GROUP}, "InvalidCloudWatchLogsRoleArnException"),
        ({"CloudWatchLogsRoleArn": ROLE}, "InvalidCloudWatchLogsLogGroupArnException"),
        ({"IsMultiRegionTrail": True}, None),
        ({"IncludeGlobalServiceEvents": False}, None),
    ],
)
def test_settings_must_go_together(settings: dict[str, Any], code: str | None) -> None:
    rejected = combination_error(settings)

    assert (rejected.code if rejected else None) == code


def field(name: str, **conditions: list[str]) -> dict[str, Any]:
    return {"Field": name, **conditions}


def advanced(*fields: dict[str, Any], category: str = "Management") -> list[dict[str, Any]]:
    return [{"FieldSelectors": [field("eventCategory", Equals=[category]), *fields]}]


S3_OBJECTS = field("resources.type", Equals=["AWS::S3::Object"])
RESOURCE = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}
BASIC_FAULTS: list[tuple[list[dict[str, Any]], str]] = [
    ([], "1 to 5"),
    ([{}] * 6, "1 to 5"),
    ([{"ReadWriteType": "read-only"}], "read-only"),
    ([{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}], "iam.amazonaws.com"),
    ([{"DataResources": [{"Type": "AWS::SQS::Queue", "Values": ["arn:aws:sqs"]}]}], "advanced selectors"),
    ([{"DataResources": [{"Type": "AWS::S3::Object", "Values": []}]}], "no values"),
    ([{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:lambda"]}]}], "not an ARN"),
    ([{"DataResources": [{**RESOURCE, "Values": ["arn:aws:s3:::b/"] * 251}]}], "at most 250"),
]
ADVANCED_FAULTS: list[tuple[list[dict[str, Any]], str]] = [
    ([], "at least one"),
    ([{"FieldSelectors": [field("readOnly", Equals=["true"])]}], "eventCategory"),
    (advanced(category="Insight"), "eventCategory"),
    (advanced(field("eventName", Equals=["X"])), "not a field of Management"),
    (advanced(field("readOnly")), "no condition"),
    (advanced(field("readOnly", Equals=["yes"])), "true or false"),
    (advanced(field("readOnly", NotEquals=["true"])), "takes Equals"),
    (advanced(field("readOnly", Equals=["true"]), field("readOnly", Equals=["false"])), "more than once"),
    (advanced(field("eventSource", Equals=["kms.amazonaws.com"])), "NotEquals"),
    (advanced(field("eventSource", NotEquals=["iam.amazonaws.com"])), "NotEquals"),
    (advanced(category="Data"), "resources.type"),
    (advanced(field("resources.type", StartsWith=["AWS"]), category="Data"), "takes Equals"),
    (advanced(S3_OBJECTS, field("eventName", Equals=["X"] * 499), category="Data"), "at most 500"),
    (advanced(category="NetworkActivity"), "eventSource"),
    (
        advanced(
            field("eventSource", Equals=["kms.amazonaws.com"]),
            field("errorCode", Equals=["X"]),
            category="NetworkActivity",
        ),
        "VpceAccessDenied",
    ),
]


@pytest.mark.parametrize(("selectors", "fault"), BASIC_FAULTS)
def test_invalid_classic_selectors_are_rejected(selectors: list[dict[str, Any]], fault: str) -> None:
    rejected = selectors_error(selectors, None)

    assert rejected is not None
    assert rejected.code == "InvalidEventSelectorsException"
    assert fault in rejected.message


@pytest.mark.parametrize(("selectors", "fault"), ADVANCED_FAULTS)
def test_invalid_advanced_selectors_are_rejected(selectors: list[dict[str, Any]], fault: str) -> None:
    rejected = selectors_error(None, selectors)

    assert rejected is not None
    assert rejected.code == "InvalidEventSelectorsException"
    assert fault in rejected.message


@pytest.mark.parametrize(
    ("basic", "more"),
    [
        ([{}], None),
        ([{"DataResources": [RESOURCE]}] * 5, None),
        ([{"DataResources": [{**RESOURCE, "Values": ["arn:aws:s3:::b/"] * 250}]}], None),
        (None, advanced()),
        (None, advanced(field("eventSource", NotEquals=["kms.amazonaws.com", "rdsdata.amazonaws.com"]))),
        (None, advanced(S3_OBJECTS, field("resources.ARN", StartsWith=["arn:aws:s3:::b/"]), category="Data")),
        (None, advanced(field("eventSource", Equals=["kms.amazonaws.com"]), category="NetworkActivity")),
    ],
)
def test_valid_selectors_are_accepted(basic: list[dict[str, Any]] | None, more: list[dict[str, Any]] | None) -> None:
    assert selectors_error(basic, more) is None


def test_selectors_of_both_kinds_or_of_none_are_rejected() -> None:
    assert selectors_error([{}], advanced()) is not None
    assert selectors_error(None, None) is not None
