"""cfn-lint, in this process and once for all templates: what it reads first takes most of the time."""

from collections.abc import Iterable
from pathlib import Path

from cfnlint.api import ManualArgs, lint_by_config


def lint(templates: Iterable[Path]) -> list[str]:
    """What cfn-lint says about the templates."""
    files = sorted(str(template) for template in templates)
    # W3005: CDK writes the dependency of a function on its role, which CloudFormation knows anyway.
    matches = lint_by_config(ManualArgs(templates=files, regions=["us-east-1"], ignore_checks=["W3005"]))
    return [f"{Path(match.filename).name}: {match.rule.id} {match.message}" for match in matches]
