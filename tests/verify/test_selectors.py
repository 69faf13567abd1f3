import json
from typing import Any

import pytest

from verify.selectors import (
    parse_selectors,
    records_writes_to,
    unrecorded,
    with_all_management_events,
)


def classic(kind: str = "All", *excluded: str, management: bool = True) -> dict[str, Any]:
    return {
        "ReadWriteType": kind,
        "IncludeManagementEvents": management,
        "ExcludeManagementEventSources": list(excluded),
        "DataResources": [],
    }


def advanced(*fields: dict[str, Any], name: str = "anything") -> dict[str, Any]:
    category = {"Field": "eventCategory", "Equals": ["Management"]}
    return {"Name": name, "FieldSelectors": [category, *fields]}


READ_ONLY = {"Field": "readOnly", "Equals": ["true"]}
WRITE_ONLY = {"Field": "readOnly", "Equals": ["false"]}
NOT_KMS = {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}
ONLY_KMS = {"Field": "eventSource", "Equals": ["kms.amazonaws.com"]}
DATA = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}
KMS, RDS = "kms.amazonaws.com", "rdsdata.amazonaws.com"


@pytest.mark.parametrize(
    ("selectors", "gaps"),
    [
        ([classic()], ()),
        ([classic("ReadOnly"), classic("WriteOnly")], ()),
        ([classic("WriteOnly")], ("read events",)),
        ([classic("ReadOnly")], ("write events",)),
        ([classic(management=False)], ("read events", "write events")),
        ([], ("read events", "write events")),
        ([classic("All", KMS)], (f"read events of {KMS}", f"write events of {KMS}")),
        ([classic("All", KMS), classic("All", RDS)], ()),
        ([classic("All", KMS), classic("WriteOnly")], (f"read events of {KMS}",)),
    ],
)
def test_classic_selectors_are_read_by_field(selectors: list[dict[str, Any]], gaps: tuple[str, ...]) -> None:
    assert unrecorded(parse_selectors({"EventSelectors": selectors})) == gaps


@pytest.mark.parametrize(
    ("selectors", "gaps"),
    [
        ([advanced()], ()),
        ([advanced(name="mgmt"), DATA], ()),
        ([DATA], ("read events", "write events")),
        ([{**DATA, "Name": "Management events selector"}], ("read events", "write events")),
        ([advanced(READ_ONLY)], ("write events",)),
        ([advanced(READ_ONLY), advanced(WRITE_ONLY)], ()),
        ([advanced(NOT_KMS)], (f"read events of {KMS}", f"write events of {KMS}")),
        ([advanced(NOT_KMS), advanced(WRITE_ONLY)], (f"read events of {KMS}",)),
        (
            [advanced(ONLY_KMS)],
            ("read events (narrowed by eventSource)", "write events (narrowed by eventSource)"),
        ),
        ([advanced({"Field": "eventName", "NotEquals": ["X"]}), advanced()], ()),
    ],
)
def test_advanced_selectors_are_read_by_field(selectors: list[dict[str, Any]], gaps: tuple[str, ...]) -> None:
    assert unrecorded(parse_selectors({"AdvancedEventSelectors": selectors})) == gaps


BUCKET_DATA = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::logs/"]}
OF_S3 = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]


@pytest.mark.parametrize(
    "before",
    [
        [],
        [classic("ReadOnly")],
        [classic("All", KMS) | {"DataResources": [BUCKET_DATA]}],
        [classic("WriteOnly") | {"DataResources": [BUCKET_DATA]}],
        [classic(), classic("ReadOnly", KMS, management=False) | {"DataResources": [BUCKET_DATA]}],
    ],
)
def test_a_fix_adds_management_events_and_keeps_data_events(
    before: list[dict[str, Any]],
) -> None:
    fixed = with_all_management_events(parse_selectors({"EventSelectors": before}))
    assert fixed is not None
    assert fixed[0] == "--event-selectors"
    selectors = json.loads(fixed[1])
    assert unrecorded(parse_selectors({"EventSelectors": selectors})) == ()
    kept = [(each["ReadWriteType"], each["DataResources"]) for each in before if each["DataResources"]]
    assert [(each["ReadWriteType"], each["DataResources"]) for each in selectors if each.get("DataResources")] == kept


def test_a_fix_of_advanced_selectors_keeps_all_others() -> None:
    before = [{"Name": "d", "FieldSelectors": OF_S3}, advanced(NOT_KMS), {"Name": "e", **DATA}]
    fixed = with_all_management_events(parse_selectors({"AdvancedEventSelectors": before}))
    assert fixed is not None
    selectors = json.loads(fixed[1])
    assert fixed[0] == "--advanced-event-selectors"
    assert unrecorded(parse_selectors({"AdvancedEventSelectors": selectors})) == ()
    assert selectors[1:] == [before[0], before[2]]


def test_where_there_is_no_room_for_one_more_a_person_decides() -> None:
    full = [classic("WriteOnly") | {"DataResources": [BUCKET_DATA]}] * 5
    assert with_all_management_events(parse_selectors({"EventSelectors": full})) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"EventSelectors": [classic() | {"DataResources": [BUCKET_DATA]}]}, True),
        ({"EventSelectors": [classic() | {"DataResources": [{**BUCKET_DATA, "Values": ["arn:aws:s3"]}]}]}, True),
        ({"EventSelectors": [classic() | {"DataResources": [{**BUCKET_DATA, "Values": ["arn:aws:s3:::l/"]}]}]}, False),
        ({"EventSelectors": [classic("ReadOnly") | {"DataResources": [BUCKET_DATA]}]}, False),
        ({"EventSelectors": [classic()]}, False),
        ({"AdvancedEventSelectors": [{"FieldSelectors": OF_S3}]}, True),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [*OF_S3, READ_ONLY]}]}, False),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [*OF_S3, WRITE_ONLY]}]}, True),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [
                *OF_S3, {"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::logs/"]}]}]},
            False,
        ),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [
                *OF_S3, {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::logs/", "arn:aws:s3:::x/"]}]}]},
            True,
        ),
        ({"AdvancedEventSelectors": [advanced()]}, False),
    ],
)  # fmt: skip
def test_data_events_of_a_write_are_recorded_or_not(answer: dict[str, Any], *, expected: bool) -> None:
    assert records_writes_to(parse_selectors(answer), "arn:aws:s3:::logs/AWSLogs/x.json.gz") is expected
