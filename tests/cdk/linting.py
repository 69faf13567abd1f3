"""cfn-lint, in this process: a process of its own for each template would take most of the time."""

from pathlib import Path

from cfnlint.api import ManualArgs, lint_file


def lint(template: Path) -> list[str]:
    """What cfn-lint says about the template."""
    matches = lint_file(template, config=ManualArgs(regions=["us-east-1"]))
    return [f"{template.name}: {match.rule.id} {match.message}" for match in matches]
