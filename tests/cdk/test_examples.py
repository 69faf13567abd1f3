"""The examples are apps that synthesize, and say what the README says of them."""

import importlib
import itertools
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from constructs_lib.compliance import add_rule_packs
from tests.cdk.conftest import ROOT, new_app
from tests.cdk.findings import report
from tests.cdk.linting import lint
from tests.cdk.programs import run

pytestmark = pytest.mark.regular

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py") if path.stem != "__init__")
# What the packs say about parts that are not SecureTrail's: a policy on a group or role, a bucket made by hand.
NOT_OURS = {"bring_your_own", "analytics"}


def build(name: str) -> cdk.App:
    app = new_app()
    module: Any = importlib.import_module(f"examples.{name}")
    module.build(app)
    return app


def test_there_are_six() -> None:
    assert EXAMPLES == ["analytics", "bring_your_own", "compliance", "hunting", "lab", "organization"]


def test_the_examples_synthesize_templates_that_cfn_lint_accepts() -> None:
    folders = [Path(build(name).synth().directory) for name in EXAMPLES]
    templates = [sorted(folder.glob("*.template.json")) for folder in folders]

    assert all(templates)
    assert lint(itertools.chain.from_iterable(templates)) == []


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - NOT_OURS))
def test_the_rule_packs_find_nothing(name: str) -> None:
    app = build(name)
    add_rule_packs(app)

    # The organization's archive is imported, so CDK warns that it cannot see whether its policies are right.
    assert [finding for finding in report(app).findings if not finding.startswith("Annotation::")] == []


@pytest.mark.slow
def test_an_example_runs_from_the_command_line(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "examples.lab", CDK_OUTDIR=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "LabTrail.template.json").exists()
