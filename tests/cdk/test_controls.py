"""One map holds both ends: the template that is synthesized and the check that looks at what was deployed."""

import copy
import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from constructs_lib import SecureTrail, SecurityProfile
from constructs_lib.controls import Control, load_controls, met_controls
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
    met = met_controls(template_of(profile), CONTROLS)

    assert met == {control.id: profile.value in control.profiles for control in CONTROLS}


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
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

    assert met_controls(broken, [control]) == {control.id: False}


def test_an_imported_key_is_neither_met_nor_missed() -> None:
    template = {
        "Resources": {
            "Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"KMSKeyId": "arn", "S3BucketName": "b"}}
        }
    }

    met = met_controls(template, CONTROLS)
    assert met["key_rotates"] is None
    assert met["trail_uses_the_key"] is True


def test_every_check_that_is_named_exists_and_agrees_on_the_ids() -> None:
    checks = {check.id: check for check in CHECKS}

    for control in CONTROLS:
        if control.verifier_check is None:
            continue
        assert control.verifier_check in checks, control.id
        in_security_hub = set(control.standards.get("AWS Security Hub", ()))
        assert set(checks[control.verifier_check].controls) <= in_security_hub, control.id


def test_a_control_answers_to_what_its_security_hub_controls_answer_to() -> None:
    standards = {control.id: control.standards for control in CONTROLS}

    # Key rotation and access logs on the log bucket are CIS's, not among AWS's own best practices.
    assert "FSBP" not in standards["key_rotates"]
    assert standards["log_bucket_logs_access"]["AWS Security Hub"] == ("CloudTrail.7", "S3.9")
    assert standards["log_bucket_logs_access"]["FSBP"] == ("S3.9",)
    assert standards["log_bucket_logs_access"]["CIS 3.0"] == ("3.4",)
    assert standards["log_bucket_has_a_lifecycle"]["NIST 800-53 r5"].count("CP-9") == 1
    assert standards["log_bucket_uses_bucket_key"] == {}


def test_every_security_hub_control_in_the_map_is_used() -> None:
    hub = json.loads((ROOT / "constructs_lib/controls.json").read_text())["security_hub"]

    assert set(hub) == {entry for control in CONTROLS for entry in control.standards.get("AWS Security Hub", ())}


def test_ids_are_unique_and_the_same_at_both_ends() -> None:
    ids = [control.id for control in CONTROLS]
    assert len(set(ids)) == len(ids)
    elsewhere = {control.id for control in CONTROLS if control.verifier_check not in (None, control.id)}
    assert elsewhere == {"log_bucket_has_a_lifecycle"}  # the verifier asks more: that it does not delete early
