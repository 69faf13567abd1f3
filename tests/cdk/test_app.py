"""The app as `cdk synth` writes it: what the reviewer reads is what gets deployed."""

import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from benchmarks.synth import APPS, OURS, synth
from tests.cdk.conftest import ROOT
from tests.cdk.programs import BIN, run

pytestmark = pytest.mark.regular


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of `cdk synth`, with CDK's own template validation on and no account, network or bootstrap."""
    out = tmp_path_factory.mktemp("cdk.out")
    done = run(
        str(ROOT / "node_modules/.bin/cdk"), "synth", "--quiet", "--output", str(out), CDK_HOME=str(out / "home")
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def template(assembly: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((assembly / "SecureTrail.template.json").read_text())
    return document


def test_the_template_is_the_one_that_was_reviewed(template: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    """A difference is what this change deploys. `make snapshot` accepts it, and the pull request shows it."""
    assert template == snapshot(extension_class=JSONSnapshotExtension)


def test_the_lab_keeps_its_names(template: dict[str, Any]) -> None:
    resources = {resource["Type"]: resource["Properties"] for resource in template["Resources"].values()}
    names = [resource["Properties"].get("BucketName") for resource in template["Resources"].values()]

    assert resources["AWS::CloudTrail::Trail"]["TrailName"] == "ch03-security-trail"
    assert resources["AWS::KMS::Alias"]["AliasName"] == "alias/ch03-cloudtrail-key"
    assert {"Fn::Join": ["", ["ch03-cloudtrail-", {"Ref": "AWS::AccountId"}]]} in names


def test_the_template_is_sent_inline_without_assets_or_bootstrap(assembly: Path, template: dict[str, Any]) -> None:
    stack = json.loads((assembly / "manifest.json").read_text())["artifacts"]["SecureTrail"]

    assert "Parameters" not in template
    assert "Rules" not in template
    assert not {"assumeRoleArn", "requiresBootstrapStackVersion"} & set(stack["properties"])
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert (assembly / "SecureTrail.template.json").stat().st_size < 51_200 / 2


@pytest.mark.slow
def test_a_team_that_has_bootstrapped_can_say_so(tmp_path: Path) -> None:
    done = run(str(BIN / "python"), "app.py", CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON='{"bootstrapped": "true"}')

    assert done.returncode == 0, done.stderr
    stack = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]["SecureTrail"]
    assert "assumeRoleArn" in stack["properties"]


@pytest.mark.slow
def test_a_template_too_large_to_send_inline_is_refused_with_the_flag_that_helps(tmp_path: Path) -> None:
    done = run(str(BIN / "python"), "app.py", CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON='{"profile": "compliance"}')

    assert done.returncode == 1
    assert "Fix: bootstrap the account once (`cdk bootstrap`) and add `-c bootstrapped=true`" in done.stderr


def test_the_synth_calls_node_no_more_than_it_must() -> None:
    """Each call costs about a millisecond, in three processes. Seconds vary (`make bench`); calls do not.

    Thirteen of them look at what the app has done to the parts (`constructs_lib/storage/later_changes.py`).
    """
    context = json.dumps(json.loads((ROOT / "cdk.json").read_text())["context"])

    assert synth(APPS[OURS], context).calls <= 113


def test_cfn_lint_has_nothing_to_say(assembly: Path) -> None:
    done = run(str(BIN / "cfn-lint"), str(assembly / "SecureTrail.template.json"))

    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_cli_and_the_library_fit_together(assembly: Path) -> None:
    needed = json.loads((assembly / "manifest.json").read_text())["minimumCliVersion"]
    pinned = json.loads((ROOT / "package.json").read_text())["dependencies"]["aws-cdk"]

    assert [int(part) for part in pinned.split(".")] >= [int(part) for part in needed.split(".")]
