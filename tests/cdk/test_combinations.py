"""Every pair of props that can meet makes a template that CDK's validation, the rule packs and cfn-lint accept."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cdk.combinations import FACTORS, covering_rows, possible
from tests.cdk.linting import lint
from tests.cdk.programs import run

pytestmark = pytest.mark.regular


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One cloud assembly with cdk.json's feature flags and one with none; CDK's own validation is on in both."""
    out = tmp_path_factory.mktemp("combinations")
    done: subprocess.CompletedProcess[str] = run(sys.executable, "-m", "tests.cdk.combinations", str(out))
    assert done.returncode == 0, done.stderr[-4000:]
    return sorted(out.iterdir())


def test_every_pair_of_values_that_can_meet_does() -> None:
    rows = covering_rows()

    assert all(possible(row) for row in rows)
    missing = {
        f"{first}={value} with {second}={other}"
        for first, second in itertools.combinations(FACTORS, 2)
        for value in FACTORS[first]
        for other in FACTORS[second]
        if not any(row[first] == value and row[second] == other for row in rows)
    }
    # These are refused, which validation/test_wrong_inputs.py shows, or findings of the compliance profile.
    assert missing == {
        *(
            f"log_bucket={bucket} with {prop}"
            for bucket in ("owned", "imported")
            for prop in (
                *("access_log_bucket=owned", "retention=expire", "retention=colder", "object_lock=governance"),
                *("object_lock=compliance", "replicate=true", "replicate=target"),
            )
        ),
        "profile=compliance with cloudwatch=false",
        "event_selectors= with insights=both",
        "event_selectors=management with insights=both",
        "event_selectors= with aggregation=all",
        "event_selectors=management with aggregation=all",
        "cloudwatch=false with cis_alarms=true",
        "object_lock=compliance with removal=destroy",
    }


@pytest.mark.slow
def test_cdks_validation_and_the_rule_packs_find_nothing(assemblies: list[Path]) -> None:
    reports = [json.loads((assembly / "validation-report.json").read_text()) for assembly in assemblies]
    plugins = [plugin for report in reports for plugin in report["pluginReports"]]
    found = {
        (plugin["pluginName"], violation["ruleName"])
        for plugin in plugins
        for violation in plugin["violations"]
        if not violation["ruleName"].startswith("Annotation::securetrail:")
    }

    assert len(assemblies) == 2
    assert {plugin["pluginName"] for plugin in plugins} >= {
        "AwsSolutions",
        "NIST.800.53.R5",
        "HIPAA.Security",
        "PCI.DSS.321",
    }
    assert found == set()


@pytest.mark.slow
def test_cfn_lint_finds_nothing(assemblies: list[Path]) -> None:
    templates = [template for assembly in assemblies for template in assembly.glob("*.template.json")]

    assert len(templates) == len(covering_rows())
    assert lint(templates) == []
