"""The control map agrees with both sides: the synthesized template and the check of what is deployed."""

import copy
import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from constructs_lib import EventSelector, ReadWrite, Recording, SecureTrail, SecurityProfile
from constructs_lib.compliance.controls import Control, load_controls, met_controls
from tests.cdk.conftest import ROOT, new_app
from verify.posture.check import CHECKS

CONTROLS = load_controls()


def template_of(profile: SecurityProfile) -> dict[str, Any]:
    stack = cdk.Stack(new_app(), "Stack")
    SecureTrail(stack, "SecureTrail", profile=profile)
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def strict() -> dict[str, Any]:
    return template_of(SecurityProfile.COMPLIANCE)


@pytest.mark.parametrize("profile", SecurityProfile)
def test_a_profile_meets_exactly_the_controls_that_the_map_says(profile: SecurityProfile) -> None:
    (met,) = met_controls(template_of(profile), CONTROLS).values()

    assert met == {control.id: profile.value in control.profiles for control in CONTROLS}


@pytest.mark.parametrize(
    "control", [control for control in CONTROLS if not control.met_without], ids=lambda control: control.id
)
def test_a_template_without_the_property_does_not_meet_the_control(strict: dict[str, Any], control: Control) -> None:
    broken = copy.deepcopy(strict)
    types = {
        "trail": "AWS::CloudTrail::Trail",
        "key": "AWS::KMS::Key",
        "bucket": "AWS::S3::Bucket",
        "bucket_policy": "AWS::S3::BucketPolicy",
    }
    for resource in broken["Resources"].values():
        if resource["Type"] == types[control.part]:
            resource["Properties"].pop(control.property.split(".")[0], None)

    assert list(met_controls(broken, [control]).values()) == [{control.id: False}]


def selects(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": [{"Name": "n", "FieldSelectors": list(fields)}]}


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
DATA = {"Field": "eventCategory", "Equals": ["Data"]}


@pytest.mark.parametrize(
    ("selectors", "met"),
    [
        ({}, True),
        (selects(MANAGEMENT), True),
        (selects(DATA, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}), False),
        (selects(MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}), False),
        (selects(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}), False),
        ({"EventSelectors": [{"IncludeManagementEvents": False}]}, False),
    ],
)
def test_a_trail_that_leaves_management_events_out_does_not_meet_cloudtrail_1(
    selectors: dict[str, Any], *, met: bool
) -> None:
    control = next(control for control in CONTROLS if control.id == "trail_records_all_management_events")
    trail = {"Type": "AWS::CloudTrail::Trail", "Properties": {"S3BucketName": "b", **selectors}}

    assert control.standards["AWS Security Hub"] == ("CloudTrail.1",)
    assert met_controls({"Resources": {"T": trail}}, [control]) == {"T": {control.id: met}}


@pytest.mark.parametrize(
    ("selectors", "met"),
    [
        ([EventSelector.s3_objects()], False),
        ([EventSelector.management(), EventSelector.s3_objects()], True),
        ([EventSelector.management(read_write=ReadWrite.READ_ONLY)], False),
    ],
)
def test_the_control_reads_what_the_construct_records(selectors: list[EventSelector], *, met: bool) -> None:
    stack = cdk.Stack(new_app(), "Stack")
    SecureTrail(stack, "SecureTrail", recording=Recording(event_selectors=selectors))

    (controls,) = met_controls(Template.from_stack(stack).to_json(), CONTROLS).values()
    assert controls["trail_records_all_management_events"] is met


def test_each_trail_of_a_template_is_read_with_its_own_bucket_and_key() -> None:
    stack = cdk.Stack(new_app(), "Stack")
    SecureTrail(stack, "One")
    other = SecureTrail(stack, "Two")
    other.trail.is_logging = False

    met = met_controls(Template.from_stack(stack).to_json(), CONTROLS)
    assert [trail["trail_is_logging"] for trail in met.values()] == [True, False]
    assert all(trail["log_bucket_requires_tls"] and trail["key_rotates"] for trail in met.values())


def test_a_template_without_a_trail_says_nothing() -> None:
    assert met_controls({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}, CONTROLS) == {}
    assert met_controls({"Outputs": {}}, CONTROLS) == {}


def test_an_imported_key_is_neither_met_nor_missed() -> None:
    template = {
        "Resources": {
            "Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"KMSKeyId": "arn", "S3BucketName": "b"}}
        }
    }

    met = met_controls(template, CONTROLS)["Trail"]
    assert met["key_rotates"] is None
    assert met["trail_uses_the_key"] is True


def test_every_check_that_is_named_exists_and_agrees_on_the_ids() -> None:
    checks = {check.id: check for check in CHECKS}

    for control in CONTROLS:
        if control.verifier_check is None:
            continue
        assert control.verifier_check in checks, control.id
        in_security_hub = set(control.standards.get("AWS Security Hub", ()))
        # No control of Security Hub looks at global service events, whose check is that of all management events.
        if control.id != "trail_records_global_service_events":
            assert set(checks[control.verifier_check].controls) <= in_security_hub, control.id


def test_a_control_covers_the_requirements_of_its_security_hub_controls() -> None:
    standards = {control.id: control.standards for control in CONTROLS}

    # Key rotation and access logs on the log bucket are CIS's, not among AWS's own best practices.
    assert "FSBP" not in standards["key_rotates"]
    assert standards["log_bucket_logs_access"]["AWS Security Hub"] == ("CloudTrail.7", "S3.9")
    assert standards["log_bucket_logs_access"]["FSBP"] == ("S3.9",)
    assert standards["log_bucket_logs_access"]["CIS 3.0"] == ("3.4",)
    assert standards["log_bucket_has_a_lifecycle"]["NIST 800-53 r5"].count("CP-9") == 1
    assert standards["log_bucket_uses_bucket_key"] == {}
    assert standards["log_bucket_blocks_public_access"]["CIS 1.4"] == ("3.3", "2.1.5")
    # CloudTrail.1's rule does not look at them:
    # https://docs.aws.amazon.com/config/latest/developerguide/multi-region-cloudtrail-enabled.html
    assert standards["trail_records_global_service_events"] == {}
    # AWS means a replica in another region, which a template cannot tell.
    assert standards["log_bucket_is_replicated"] == {}


@pytest.mark.parametrize(
    ("control_id", "path"),
    [
        ("log_bucket_has_a_lifecycle", "LifecycleConfiguration"),
        ("log_bucket_is_replicated", "ReplicationConfiguration"),
    ],
)
def test_a_rule_that_is_not_enabled_meets_nothing(strict: dict[str, Any], control_id: str, path: str) -> None:
    broken = copy.deepcopy(strict)
    for resource in broken["Resources"].values():
        for rule in (
            resource["Properties"].get(path, {}).get("Rules", ()) if resource["Type"] == "AWS::S3::Bucket" else ()
        ):
            rule["Status"] = "Disabled"

    control = next(control for control in CONTROLS if control.id == control_id)
    assert list(met_controls(broken, [control]).values()) == [{control_id: False}]


def test_every_security_hub_control_in_the_map_is_used() -> None:
    hub = json.loads((ROOT / "constructs_lib/compliance/controls.json").read_text())["security_hub"]

    assert set(hub) == {entry for control in CONTROLS for entry in control.standards.get("AWS Security Hub", ())}


def test_ids_are_unique_and_the_same_at_both_ends() -> None:
    ids = [control.id for control in CONTROLS]
    assert len(set(ids)) == len(ids)
    elsewhere = {control.id for control in CONTROLS if control.verifier_check not in (None, control.id)}
    assert elsewhere == {
        "log_bucket_has_a_lifecycle",  # the verifier asks more: that it does not delete early
        "trail_records_global_service_events",  # the verifier asks for all management events at once
    }
