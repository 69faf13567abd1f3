from typing import Any

import pytest

from verify.posture.facts.selectors import parse_selectors, unrecorded


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
