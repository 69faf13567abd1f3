"""The list of actions is AWS's, as cfn-lint carries it."""

from __future__ import annotations

import fnmatch
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from securetrail.review.access.actions import SENSITIVE, actions_by_resource, distinct_actions, is_sensitive
from verify.policy.document import Patterns

# How cfn-lint calls the kinds of resources that have another name here.
KINDS = {
    ("s3", "access point"): ("accesspoint",),
    ("s3", "access point object"): ("accesspointobject",),
    ("lambda", "function"): ("function", "function alias", "function version"),
    ("dynamodb", "table"): ("table", "stream", "index"),
}


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    # Only found: to import cfn-lint takes longer than all of this file's tests.
    package = find_spec("cfnlint")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "data/AdditionalSpecs/Policies.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("service", "kind"), [(service, kind) for service, by_kind in actions_by_resource().items() for kind in by_kind]
)
def test_every_action_of_a_kind_of_resource_is_listed(published: dict[str, Any], service: str, kind: str) -> None:
    kinds = {each.lower() for each in KINDS.get((service, kind), (kind,))}
    known = {
        f"{service}:{name}"
        for name, action in published[service]["Actions"].items()
        if kind == "*" or kinds & {each.lower() for each in action.get("Resources", [])}
    }

    assert {action.lower() for action in actions_by_resource()[service][kind]} == known


def test_every_sensitive_action_is_one_of_awss(published: dict[str, Any]) -> None:
    """cfn-lint carries most services; the pattern of another one is read by people alone."""
    known = {f"{service}:{name}" for service, each in published.items() for name in each.get("Actions", {})}
    listed = [pattern.lower() for pattern in SENSITIVE if pattern.partition(":")[0] in published]

    assert [each for each in listed if not fnmatch.filter(known, each)] == []
    assert len(listed) > 0.9 * len(SENSITIVE)


def test_a_wildcard_stands_for_what_is_listed_and_elsewhere_for_all_that_it_matches() -> None:
    elements = [Patterns(("kms:De*", "ec2:Describe*", "EC2:describeVpcs", "*"), excludes=False)]

    found = distinct_actions(("kms:Decrypt", "kms:Encrypt"), elements, "?*:?*")

    assert {"kms:Decrypt", "kms:Encrypt", "EC2:describeVpcs"} <= set(found)
    assert [action for action in found if action.startswith("ec2:describe")]
    assert len([action for action in found if action.startswith("kms:")]) == 2


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("s3:DeleteObject", True),
        ("s3:GetObject", False),
        ("KMS:schedulekeydeletion", True),
        ("kms:Decrypt", False),
        ("iam:PassRole", True),
        ("cloudtrail:StopLogging", True),
        ("cloudtrail:LookupEvents", False),
        ("cloudtrail:StopEventDataStoreIngestion", True),
        ("cloudwatch:DeleteAlarms", True),
        ("cloudwatch:PutMetricData", False),
        ("events:PutTargets", True),
        ("events:PutEvents", False),
        ("sns:SetSubscriptionAttributes", True),
        ("sns:RemovePermission", True),
        ("sns:Publish", False),
        ("logs:PutMetricFilter", True),
        ("logs:PutLogEvents", False),
        ("cloudformation:DeleteStack", True),
        ("organizations:DetachPolicy", True),
        ("guardduty:DeleteDetector", True),
        ("lambda:UpdateFunctionConfiguration", True),
        ("lambda:InvokeFunction", False),
        ("ssm:SendCommand", True),
        ("ssm:GetParameter", False),
        ("config:PutEvaluations", False),
        ("config:PutRemediationConfigurations", True),
        ("ssm:RegisterTaskWithMaintenanceWindow", True),
        # A key of several regions gets a policy of its own there; a replica that stops has no copies any more.
        ("kms:ReplicateKey", True),
        ("s3:PauseReplication", True),
        ("s3:UpdateObjectEncryption", True),
        ("s3:TagResource", True),
        # What runs with another role does something else, or lets somebody in.
        ("codebuild:UpdateProject", True),
        ("codebuild:StartBuild", False),
        ("states:UpdateStateMachine", True),
        ("states:StartExecution", False),
        ("ecs:ExecuteCommand", True),
        ("sagemaker:CreatePresignedNotebookInstanceUrl", True),
        ("account:CloseAccount", True),
        ("cloudwatch:DisableInsightRules", True),
    ],
)
def test_an_action_that_takes_protection_away_is_sensitive(action: str, *, expected: bool) -> None:
    assert is_sensitive(action) is expected
