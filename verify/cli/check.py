"""``verify check``: the lab's seven, its console checkpoints, and advice."""

from __future__ import annotations

import argparse
from typing import Any

from verify.cli.common import add_aws_options, add_iam_policy_option, aws_from, resources_from
from verify.posture.check import needed_permissions, run_checks
from verify.posture.model import Status
from verify.report.check import render, report_as_json
from verify.report.iam_policy import least_privilege_policy
from verify.report.terminal import Terminal
from verify.target import DEFAULT_STACK, LAB_TRAIL, TargetOptions

_DESCRIPTION = f"""\
Is the trail recording everything, encrypted, validated and delivered where it should be?

Seven numbered checks, six console checkpoints, and advice beyond them. Each says what was expected, what is so,
why it matters and how to put it right. What nobody allowed us to look at is UNKNOWN, never passed and never failed.

Which trail, bucket and key are meant: the options below, else the outputs of the CloudFormation stack
{DEFAULT_STACK}, else the names of the lab ({LAB_TRAIL}), else what the trail itself names.
"""
_EXAMPLES = """\
examples:
  python -m verify check
  python -m verify check --trail my-trail --region eu-west-1 --verbose
  python -m verify check --json | jq '.results[] | select(.status != "PASS")'
  python -m verify check --print-iam-policy > read-only.json

exit codes: 0 all passed, 1 a check or checkpoint failed, 2 wrong usage, 3 none failed but some are UNKNOWN.
Advice never changes the exit code.
"""
_EXIT_CODES = {Status.PASS: 0, Status.FAIL: 1, Status.UNKNOWN: 3}


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers."""
    parser = commands.add_parser(
        "check",
        help="is the trail recording, encrypted, validated and safe?",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    meant = parser.add_argument_group("what to check")
    meant.add_argument("--trail", metavar="NAME|ARN", help="the trail. Default: the stack's, else the lab's.")
    meant.add_argument("--bucket", metavar="NAME", help="the bucket that the trail should deliver to.")
    meant.add_argument("--key", metavar="ID|ARN|ALIAS", help="the key that should encrypt the log files.")
    meant.add_argument("--stack", metavar="NAME", help=f"read the names from this stack. Default: {DEFAULT_STACK}.")
    parser.add_argument("--verbose", action="store_true", help="show the evidence of passed checks too.")
    add_iam_policy_option(parser)
    add_aws_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the command.

    :returns: 0 all passed, 1 something failed, 3 nothing failed but something is UNKNOWN.
    """
    if arguments.print_iam_policy:
        terminal.print_json(least_privilege_policy(needed_permissions(), resources_from(arguments)))
        return 0
    options = TargetOptions(trail=arguments.trail, bucket=arguments.bucket, key=arguments.key, stack=arguments.stack)
    with terminal.err.status("Looking at the trail, its key and its bucket …"):
        report = run_checks(aws_from(arguments), options)
    if arguments.json:
        terminal.print_json(report_as_json(report))
    else:
        tables, blocks = terminal.takes_tables, terminal.takes_blocks
        for piece in render(report, as_tables=tables, as_blocks=blocks, verbose=arguments.verbose):
            terminal.show(piece)
    return _EXIT_CODES[report.status]
