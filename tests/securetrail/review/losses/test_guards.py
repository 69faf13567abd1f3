"""What protects by being there, and locks and databases."""

from typing import Any

import pytest

from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular

FLOW_LOG = {"More": resource("AWS::EC2::FlowLog", ResourceId="vpc-1", TrafficType="ALL", Tags=[])}
GUARDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AWS::Macie::Session": ({"Status": "ENABLED"}, {"Status": "PAUSED"}),
    "AWS::Organizations::Policy": ({"Content": {"Statement": [{"Effect": "Deny"}]}}, {"Content": {"Statement": []}}),
    "AWS::Config::ConfigRule": ({"Source": {"Owner": "AWS"}}, {"Source": {"Owner": "CUSTOM_LAMBDA"}}),
    "AWS::WAFv2::WebACL": ({"DefaultAction": {"Block": {}}}, {"DefaultAction": {"Allow": {}}}),
}


@pytest.mark.parametrize("of_type", GUARDS)
def test_what_protects_and_has_no_control_may_not_change(of_type: str) -> None:
    before, after = ({"More": resource(of_type, **given)} for given in GUARDS[of_type])

    assert ("protection_changed", "Stack/More") in objections(before, after)
    described = {"More": resource(of_type, **GUARDS[of_type][0], Description="another text", Tags=[1])}
    assert objections(before, described) == set()


def test_what_protects_and_has_no_control_may_not_be_replaced() -> None:
    fewer = {"More": resource("AWS::EC2::FlowLog", ResourceId="vpc-1", TrafficType="REJECT", Tags=[])}

    assert objections(FLOW_LOG, fewer) == {
        ("protection_changed", "Stack/More"),
        ("replaced: TrafficType changes", "Stack/More"),
    }


LOCK = {"MinRetentionDays": 30, "ChangeableForDays": 3}


@pytest.mark.parametrize(
    ("of_type", "before", "after", "expected"),
    [
        ("AWS::Backup::BackupVault", {"LockConfiguration": LOCK}, {}, {"backup_vault_is_locked"}),
        (
            "AWS::Backup::BackupVault",
            {"LockConfiguration": LOCK},
            {"LockConfiguration": {"MinRetentionDays": 30}},
            {"backup_vault_is_locked"},
        ),
        (
            "AWS::Backup::BackupVault",
            {"LockConfiguration": LOCK},
            {"LockConfiguration": {**LOCK, "MinRetentionDays": 1}},
            {"backup_vault_lock_period"},
        ),
        ("AWS::Backup::BackupVault", {}, {"LockConfiguration": LOCK}, set()),
        ("AWS::Neptune::DBCluster", {"DeletionProtection": True}, {}, {"database_is_protected"}),
        ("AWS::DocDB::DBCluster", {"BackupRetentionPeriod": 30}, {}, {"database_keeps_backups"}),
    ],
)
def test_locks_and_databases(of_type: str, before: Any, after: Any, expected: set[str]) -> None:
    found = objections({"More": resource(of_type, **before)}, {"More": resource(of_type, **after)})

    assert expected <= {each.split(":")[0] for each, _ in found}
    assert bool(found) is bool(expected)
