"""``verify score``: the account out of 100, as a range where something could not be checked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from verify.cli.common import PATIENCE_SECONDS, add_aws_options, add_iam_policy_option, aws_from
from verify.posture.score.collect import PERMISSIONS
from verify.posture.score.model import Score
from verify.posture.score.run import run_score
from verify.report.iam_policy import least_privilege_policy
from verify.report.score import read_former_score, render, score_as_json
from verify.report.terminal import Terminal

_DESCRIPTION = """\
How well is the account protected, out of 100?

  Identity 20    password policy of 14 characters, root access keys, root MFA, Access Analyzer
  Network 15     account-wide S3 block, SSH open to everybody, default VPC
  Data 20        customer-managed key, trail encryption, log validation, bucket encryption
  Detection 30   multi-region trail that records everything and delivers, GuardDuty, Security Hub
  Compliance 15  Config recorder, Config rules, Access Analyzer

Points for a trail are for one trail, the best that is logging. What belongs to a region has to be there in every region
that is enabled; of Config rules and customer-managed keys, one in the region that is asked is enough. What could not be
checked is neither earned nor lost: the score is then a range, such as 45 to 75.
"""
_EXAMPLES = """\
examples:
  python -m verify score --json > before.json
  python -m verify score --compare before.json
  python -m verify score --fail-under 60

exit codes: 0 every point is certain, 2 wrong usage, 3 the score is a range, or a call got no answer. With
--fail-under N the question is whether the score is at least N: 0 when it certainly is, 1 when even the upper end is
below N, 3 when N lies within the range or nothing could be checked.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers."""
    parser = commands.add_parser(
        "score",
        help="how well is the account protected, out of 100?",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--compare", metavar="FILE", type=Path, help="show what changed since this 'score --json'.")
    parser.add_argument("--fail-under", metavar="N", type=_points, help="fail when the score is below N (0 to 100).")
    parser.add_argument("--verbose", action="store_true", help="show the evidence of earned points too.")
    add_iam_policy_option(parser)
    add_aws_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the command.

    :returns: 0, or 3 when the score is a range or a call got no answer; with ``--fail-under`` 0 when the score is
        certainly not below it, 1 when it is, and 3 when that is not known or not one point could be checked.
    """
    if arguments.print_iam_policy:
        terminal.print_json(least_privilege_policy(PERMISSIONS))
        return 0
    former = read_former_score(arguments.compare) if arguments.compare else None
    with terminal.working("Reading the account's settings …"):
        score = run_score(aws_from(arguments, patience_seconds=PATIENCE_SECONDS))
    if arguments.json:
        terminal.print_json(score_as_json(score, former))
    else:
        tables, blocks = terminal.takes_tables, terminal.takes_blocks
        for piece in render(score, former, as_tables=tables, as_blocks=blocks, verbose=arguments.verbose):
            terminal.show(piece)
    return exit_code(score, arguments.fail_under)


def exit_code(score: Score, least: int | None) -> int:
    """See :func:`run`.

    :param least: of ``--fail-under``. Default: - the question is the score itself.
    """
    total = score.total
    if (total.low, total.high) == (0, total.of):
        return 3  # nothing was seen
    if least is None:
        return 0 if score.is_complete else 3
    if total.high < least:
        return 1
    return 3 if total.low < least else 0


def _points(text: str) -> int:
    """A number of points, for argparse."""
    try:
        points = int(text)
    except ValueError:
        points = -1
    if not 0 <= points <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 100.")
    return points
