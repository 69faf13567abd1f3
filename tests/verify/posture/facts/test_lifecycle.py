"""The lifecycle rules that the fix puts in place of those that lose log files: none that S3 refuses."""

import json
from typing import Any

import pytest

from tests.verify.posture.healthy import BUCKET
from tests.verify.simulation.stubbed import answers, offline
from verify.fact import Value
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.lifecycle import LEAST_DAYS, early_losses, without_early_losses
from verify.posture.facts.trail import Lifecycle

FOLDER = "AWSLogs/"
AT_A_DATE = "2026-11-29T00:00:00Z"
TO_GLACIER = {"Days": 0, "StorageClass": "GLACIER"}
LATE = {"Days": 100, "StorageClass": "DEEP_ARCHIVE"}
OLD_VERSIONS_LATE = {"NoncurrentDays": 100, "StorageClass": "DEEP_ARCHIVE"}


def read(monkeypatch: pytest.MonkeyPatch, rules: list[dict[str, Any]]) -> Lifecycle:
    """What the verifier knows of a bucket with these rules."""
    aws = offline(monkeypatch)
    with answers(aws, "s3", "get_bucket_lifecycle_configuration", {"Rules": rules}):
        found = BucketQuestions(aws, "us-east-1").lifecycle(BUCKET)
    assert isinstance(found, Value)
    return found.value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Expiration": {"Days": 1}}, {"Expiration": {"Days": LEAST_DAYS}}),
        # S3 refuses a rule with both days and dates.
        (
            {
                "Expiration": {"Date": "2027-11-29T00:00:00Z"},
                "Transitions": [{"Date": AT_A_DATE, "StorageClass": "STANDARD_IA"}],
            },
            {"Expiration": {"Days": LEAST_DAYS}},
        ),
        (
            {"Expiration": {"Days": 30}, "Transitions": [TO_GLACIER, {"Days": 1, "StorageClass": "GLACIER_IR"}]},
            {"Expiration": {"Days": LEAST_DAYS}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}]},
        ),
        ({"Transitions": [TO_GLACIER, LATE]}, {"Transitions": [LATE]}),
        (
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}},
            {"NoncurrentVersionExpiration": {"NoncurrentDays": LEAST_DAYS, "NewerNoncurrentVersions": 2}},
        ),
        (
            {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}, OLD_VERSIONS_LATE]},
            {"NoncurrentVersionTransitions": [OLD_VERSIONS_LATE]},
        ),
        # A rule that does nothing is refused, and so is a configuration without rules.
        ({"Transitions": [TO_GLACIER]}, {"Transitions": [TO_GLACIER], "Status": "Disabled"}),
    ],
)
def test_rules_that_lose_files_early_do_so_later_or_never(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, Any], after: dict[str, Any]
) -> None:
    enabled = {"ID": "it", "Status": "Enabled", "Filter": {"Prefix": ""}}
    found = read(monkeypatch, [{**enabled, **before}])
    assert early_losses(found, FOLDER)
    (rule,) = json.loads(without_early_losses(found, FOLDER))["Rules"]
    assert {name: value for name, value in rule.items() if value != []} == {**enabled, **after}
    assert not early_losses(read(monkeypatch, [rule]), FOLDER)
