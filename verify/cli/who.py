"""``verify who``: which identities can blind the recorder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from verify.cli.common import PATIENCE_SECONDS, add_aws_options, add_iam_policy_option, aws_from
from verify.cli.expected import read_expected
from verify.posture.who.run import PERMISSIONS, find_who
from verify.report.iam_policy import least_privilege_policy
from verify.report.terminal import Later, Terminal
from verify.report.who import render, who_as_json
from verify.target import TargetOptions

_DESCRIPTION = """\
Who can stop the trail, take or alter its record, or give themselves the right to?

Looks at every user and role of the account, at its root user, at those of other accounts that the policies of
bucket, key and topics let in, and at other accounts and identity providers that a role with such a right trusts.
Counted are identity policies, groups, permissions boundaries, resource policies, grants of the key, and service control
policies where they can be read.

  stop-trail     stop or narrow the trail
  alter-logs     delete or overwrite log files
  change-bucket  change the bucket's policy, or settings that the delivery needs
  disable-key    disable the key, change its policy or grant it away
  mute-alarms    mute what reports such changes

A step is one call that gives an identity such a right: it attaches a policy to itself, assumes a role, passes one on.
Somebody can do all this in every account: name those who are meant to in a file; everybody else is a finding. Ways of
more than one step are not followed.
"""
_EXAMPLES = """\
examples:
  python -m verify who
  python -m verify who --expected recorder-admins.txt
  python -m verify who --json | jq -r '.findings[].arn'

A file of those who are meant to: one ARN on a line, with * and ? as in IAM; # begins a comment.
  arn:aws:iam::111122223333:role/break-glass
  arn:aws:iam::111122223333:role/cdk-*-cfn-exec-role-*   # the deployment

exit codes: 0 nobody else can, 1 somebody can who is not expected to, 2 wrong usage, 3 not known: somebody may, or
something could not be read.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers."""
    parser = commands.add_parser(
        "who",
        help="who can stop the trail, or take or alter its record?",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = parser.add_argument_group("what is to be safe")
    target.add_argument("--trail", metavar="NAME|ARN", help="the trail. Default: the stack's, else the course's.")
    target.add_argument("--stack", metavar="NAME", help="read the trail's name from this stack.")
    parser.add_argument("--expected", metavar="FILE", type=Path, help="a file with those who are meant to be able.")
    parser.add_argument("--verbose", action="store_true", help="show every call and the statements that allow it.")
    add_iam_policy_option(parser)
    add_aws_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the command.

    :returns: 0 nobody can but those who are expected to, 1 somebody else can, 3 that is not known.
    """
    if arguments.print_iam_policy:
        terminal.print_json(least_privilege_policy(PERMISSIONS))
        return 0
    expected = read_expected(arguments.expected) if arguments.expected else ()
    options = TargetOptions(trail=arguments.trail, stack=arguments.stack)
    with terminal.working("Reading the account's users, roles and policies …"):
        aws = aws_from(arguments, patience_seconds=PATIENCE_SECONDS)
        aws.renew_patience()  # an account may have thousands of identities
        answer = find_who(aws, options, expected)
    if arguments.json:
        terminal.print_json(who_as_json(answer, Later))
    else:
        for piece in render(answer, verbose=arguments.verbose):
            terminal.show(piece)
    return answer.exit_code
