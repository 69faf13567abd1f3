"""What a pull request changes in the stack, which rules it breaks, which exceptions it makes and why.

Compares two cloud assemblies, the base branch's and the change's, without any AWS credentials. Markdown goes to
standard output. ``make review BASE=main`` makes both and runs this.

Exit code: 0 nothing to object to, 1 an error among the findings, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from constructs_lib.controls import load_controls, met_controls
from tools.review_changes import compare
from tools.review_findings import Findings, read_checkov, read_findings
from tools.review_outputs import markdown, sarif, workflow_commands

_ROOT = Path(__file__).resolve().parents[1]


def read_templates(assembly: Path) -> dict[str, dict[str, Any]]:
    """The templates of a cloud assembly by stack; none when there is no such folder, as for a first version."""
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(assembly.glob("*.template.json"))
    }


def review(arguments: argparse.Namespace) -> int:
    """Write the review in every form that was asked for.

    :returns: the exit code.
    """
    base, head = read_templates(arguments.base), read_templates(arguments.head)
    if not head:
        print(
            f"error: {arguments.head} has no template. Fix: run `cdk synth --output {arguments.head}`", file=sys.stderr
        )
        return 2
    changes = [
        change
        for stack in sorted({*base, *head})
        for change in compare(stack, base.get(stack, {}), head.get(stack, {}))
    ]
    reports = [read_findings(arguments.head, _ROOT)]
    reports += [read_checkov(arguments.checkov)] if arguments.checkov else []
    found = Findings(
        findings=tuple(finding for report in reports for finding in report.findings),
        acknowledgements=tuple(entry for report in reports for entry in report.acknowledgements),
    )
    controls: dict[str, bool | None] = {}
    for template in head.values():
        controls |= met_controls(template, load_controls())
    print(markdown(arguments.title, changes, found.findings, found.acknowledgements, controls))
    if arguments.sarif:
        arguments.sarif.write_text(json.dumps(sarif(arguments.title, found.findings), indent=2) + "\n")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # On standard error, which the runner reads too: standard output is the summary.
        print(*workflow_commands(found.findings), sep="\n", file=sys.stderr)
    return int(any(finding.severity == "error" for finding in found.findings))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(prog="python -m tools.review", description=__doc__.split("\n\n")[0])
    parser.add_argument("--base", type=Path, required=True, help="the cloud assembly of the base branch")
    parser.add_argument("--head", type=Path, required=True, help="the cloud assembly of the change")
    parser.add_argument("--checkov", type=Path, metavar="FILE", help="the results of `checkov --output json`")
    parser.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings for code scanning to this file")
    parser.add_argument("--title", default="Review", help="the summary's heading (default: %(default)s)")
    return review(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
