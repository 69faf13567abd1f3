"""A reviewer sees what changed, which rules it breaks and why each exception stands, on the line that did it."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cdk.programs import run
from tools import review
from tools.review_changes import Change, Kind, compare
from tools.review_findings import Finding, Findings, Place, read_checkov, read_findings
from tools.review_outputs import sarif, workflow_commands

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[2]

CARELESS = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs_lib import SecureTrail
from constructs_lib.compliance import add_rule_packs
app = cdk.App()
add_rule_packs(app)
stack = cdk.Stack(app, "Careless", synthesizer=cdk.LegacyStackSynthesizer())
SecureTrail(stack, "SecureTrail")
s3.Bucket(stack, "Bucket")
app.synth()
"""


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of an app with a bucket that breaks rules, made with the host's stack traces."""
    out = tmp_path_factory.mktemp("careless")
    context = (ROOT / "cdk.json").read_text()
    done: subprocess.CompletedProcess[str] = run(
        sys.executable,
        "-c",
        CARELESS,
        CDK_OUTDIR=str(out),
        CDK_CONTEXT_JSON=json.dumps(json.loads(context)["context"]),
        CDK_VALIDATION="false",
        JSII_HOST_STACK_TRACES="1",
    )
    assert "ValidationFailed" in done.stderr
    return out


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


TRAIL = {"Type": "AWS::CloudTrail::Trail", "Properties": {"TrailName": "a", "IsLogging": True, "S3BucketName": "b"}}


@pytest.mark.parametrize(
    ("changed", "kind", "properties"),
    [
        ({"TrailName": "other"}, Kind.REPLACED, ("TrailName",)),
        ({"IsLogging": False}, Kind.CHANGED, ("IsLogging",)),
        ({"IsLogging": False, "KMSKeyId": "k"}, Kind.CHANGED, ("IsLogging", "KMSKeyId")),
    ],
)
def test_a_change_is_told_from_a_replacement(changed: dict[str, Any], kind: Kind, properties: tuple[str, ...]) -> None:
    after = copy.deepcopy(TRAIL)
    after["Properties"] = {**TRAIL["Properties"], **changed}  # type: ignore[dict-item]

    assert compare("S", template(T=TRAIL), template(T=after)) == [
        Change(kind, "S", "T", "AWS::CloudTrail::Trail", properties)
    ]


def test_a_new_id_is_an_addition_and_a_removal() -> None:
    changes = compare("S", template(Old=TRAIL), template(New=TRAIL))

    assert {(change.kind, change.logical_id) for change in changes} == {(Kind.REMOVED, "Old"), (Kind.ADDED, "New")}
    assert compare("S", template(Old=TRAIL), template(Old=TRAIL)) == []


def test_losing_the_deletion_policy_is_a_change() -> None:
    kept = {**TRAIL, "DeletionPolicy": "Retain"}

    (change,) = compare("S", template(T=kept), template(T=TRAIL))
    assert (change.kind, change.properties) == (Kind.CHANGED, ("DeletionPolicy",))


def test_findings_and_reasons_carry_the_source_line(careless: Path) -> None:
    found = read_findings(careless, ROOT)

    assert {finding.construct for finding in found.findings} == {"Careless/Bucket/Resource"}
    (line, *_) = [
        entry.place.line
        for entry in found.acknowledgements
        if entry.place and entry.rule.endswith("S3DefaultEncryptionKMS")
    ]
    source = (ROOT / "constructs_lib/compliance/acknowledgements.py").read_text().splitlines()
    assert "_acknowledge(" in source[line - 1]
    assert all(entry.reason for entry in found.acknowledgements)


def test_the_review_of_a_careless_change_fails_and_says_why(
    careless: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "GITHUB_ACTIONS", "true")
    report = tmp_path / "review.sarif"

    code = review.main(["--base", str(tmp_path), "--head", str(careless), "--sarif", str(report), "--title", "Mine"])

    out, err = capsys.readouterr()
    assert code == 1
    assert out.startswith("## Mine\n\n**Look twice:** the base gave no template, so nothing was compared")
    assert "| `added` | `SecureTrailFBD73927` | `AWS::CloudTrail::Trail` | `Careless` |" in out
    assert "`AwsSolutions-S1` | `Careless/Bucket/Resource`" in out
    assert "Controls that `Careless/SecureTrailFBD73927` meets at synth:** 17 of 20 (the trail is new)" in out
    assert "::error title=AwsSolutions-S1::Careless/Bucket/Resource" in err
    assert json.loads(report.read_text())["version"] == "2.1.0"


def test_without_a_template_there_is_nothing_to_review(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert review.main(["--base", str(tmp_path), "--head", str(tmp_path)]) == 2
    assert "Fix: " in capsys.readouterr().err


HOSTILE = Finding(
    rule="R|1",
    description="<script>\n::error::x @someone `rm` [a](b)\x1b[31m 100%",
    severity="error",
    construct="S/C",
    place=Place("a,b:c.py", 7),
)


def test_a_hostile_description_is_one_workflow_command() -> None:
    (line,) = workflow_commands([HOSTILE], [])

    assert line.startswith("::error file=a%2Cb%3Ac.py,line=7,title=R|1::S/C: <script>%0A")
    assert line.isprintable()
    assert line.endswith("\\x1b[31m 100%25")


def test_code_scanning_gets_findings_that_have_a_line() -> None:
    nowhere = Finding("R2", "no line", "warning", "S/D", None)

    run_ = sarif("Mine", [HOSTILE, nowhere])["runs"][0]
    assert [result["ruleId"] for result in run_["results"]] == ["R|1"]
    location = run_["results"][0]["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "a%2Cb%3Ac.py"}, "region": {"startLine": 7}}


def test_checkovs_findings_and_skips_have_the_line_that_makes_the_resource(careless: Path, tmp_path: Path) -> None:
    path = tmp_path / "checkov.json"
    logical_id = next(
        name
        for name, entry in json.loads((careless / "Careless.template.json").read_text())["Resources"].items()
        if name.startswith("SecureTrailBucket") and entry["Type"] == "AWS::S3::Bucket"
    )
    entry = {
        "check_id": "CKV_1",
        "check_name": "Log it",
        "resource": f"AWS::S3::Bucket.{logical_id}",
        "file_path": "/Careless.template.json",
    }
    skipped = {**entry, "check_result": {"result": "SKIPPED", "suppress_comment": "It receives logs."}}
    path.write_text(json.dumps({"results": {"failed_checks": [entry], "skipped_checks": [skipped]}}))

    found = read_checkov(path, careless, ROOT)
    (finding,) = found.findings
    (accepted,) = found.acknowledgements
    assert (finding.rule, finding.severity) == ("CKV_1", "error")
    assert (accepted.rule, accepted.reason) == ("CKV_1", "It receives logs.")
    assert finding.place == accepted.place
    assert finding.place is not None
    assert finding.place.file == "constructs_lib/storage/buckets.py"
    assert [result["ruleId"] for result in sarif("Mine", found.findings)["runs"][0]["results"]] == ["CKV_1"]


def test_checkov_without_a_template_found_nothing(tmp_path: Path) -> None:
    path = tmp_path / "checkov.json"
    path.write_text(json.dumps({"passed": 0, "failed": 0}))

    assert read_checkov(path, tmp_path, ROOT) == Findings((), ())
