"""What a pull request changes in the stack, which rules it breaks, which exceptions it makes and why.

Compares two cloud assemblies, the base branch's and the change's, without any AWS credentials. Markdown goes to
standard output. ``make review BASE=main`` makes both and runs this.

Exit code: 0 nothing to object to; 1 an error among the findings, a resource or a stack that is removed or replaced, or
a base that could not be compared with; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.review_outputs import markdown, sarif, workflow_commands
from tools.review_sides import compare_sides, read_side

_ROOT = Path(__file__).resolve().parents[1]


def review(arguments: argparse.Namespace) -> int:
    """Write the review in every form that was asked for.

    :returns: the exit code.
    """
    base = read_side(arguments.base, arguments.base_checkov, _ROOT)
    head = read_side(arguments.head, arguments.checkov, _ROOT)
    if not head.templates:
        print(
            f"error: {arguments.head} has no template. Fix: run `cdk synth --output {arguments.head}`", file=sys.stderr
        )
        return 2
    comparison = compare_sides(base, head)
    print(markdown(arguments.title, comparison))
    if arguments.sarif:
        arguments.sarif.write_text(json.dumps(sarif(arguments.title, comparison.findings), indent=2) + "\n")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # On standard error, which the runner reads too: standard output is the summary.
        print(*workflow_commands(comparison.findings, comparison.new_exceptions), sep="\n", file=sys.stderr)
    return int(bool(comparison.objections))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(prog="python -m tools.review", description=__doc__.split("\n\n")[0])
    parser.add_argument("--base", type=Path, required=True, help="the cloud assembly of the base branch")
    parser.add_argument("--head", type=Path, required=True, help="the cloud assembly of the change")
    parser.add_argument("--checkov", type=Path, metavar="FILE", help="the results of `checkov --output json` for it")
    parser.add_argument("--base-checkov", type=Path, metavar="FILE", help="the same for the base branch")
    parser.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings for code scanning to this file")
    parser.add_argument("--title", default="Review", help="the summary's heading (default: %(default)s)")
    return review(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
