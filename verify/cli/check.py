"""``verify check``: does the trail record, the course's checks and checkpoints, who else can reach it, and advice."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.cli.common import PATIENCE_SECONDS, add_aws_options, add_iam_policy_option, aws_from, resources_from
from verify.cli.expected import read_expected
from verify.errors import UsageError
from verify.posture.check import needed_permissions, run_checks
from verify.posture.model import Report, Status
from verify.report.check_json import report_as_json
from verify.report.fix_files import SCRIPT, fix_files
from verify.report.iam_policy import least_privilege_policy
from verify.report.terminal import Later, Terminal
from verify.target import DEFAULT_STACK, DEFAULT_TRAIL, TargetOptions

if TYPE_CHECKING:
    from verify.aws import Aws
    from verify.posture.who.model import Answer

_DESCRIPTION = f"""\
Is the trail recording everything, encrypted, validated and delivered where it should be?

First: is it recording? Then seven numbered checks, six console checkpoints, who else can reach the logs, and advice
beyond that. Each states what was expected, what was found, why it matters and how to fix it. What could not be read is
UNKNOWN: neither passed nor failed.

With --who the last question is who can blind the trail: who can stop it, or take or alter its record. It is answered as
by 'python -m verify who', and anybody who can and is not named with --expected is a failure.

The trail, bucket and key are those that the options below name, else the outputs of the CloudFormation stack
{DEFAULT_STACK}, else the default names ({DEFAULT_TRAIL}), else the bucket and key of the trail itself.
"""
_EXAMPLES = """\
examples:
  python -m verify check
  python -m verify check --trail my-trail --region eu-west-1 --verbose
  python -m verify check --json | jq '.results[] | select(.status != "PASS")'
  python -m verify check --who --expected recorder-admins.txt
  python -m verify check --fixes fixes; sh fixes/fixes.sh
  python -m verify check --print-iam-policy > read-only.json

exit codes: 0 all passed, 1 something failed, 2 wrong usage, 3 none failed, but some are UNKNOWN, or a call got no
answer. Advice that is open does not change the exit code. With --who its answer counts as a check: 1 somebody can blind
the trail who is not expected to, 3 somebody may, or that is not known. The script of --fixes ends with 3 where
something is left to decide.
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
    target = parser.add_argument_group("what to check")
    target.add_argument("--trail", metavar="NAME|ARN", help=f"the trail. Default: the stack's, else {DEFAULT_TRAIL}.")
    target.add_argument("--bucket", metavar="NAME", help="the bucket that the trail should deliver to.")
    target.add_argument("--key", metavar="ID|ARN|ALIAS", help="the key that should encrypt the log files.")
    target.add_argument("--stack", metavar="NAME", help=f"read the names from this stack. Default: {DEFAULT_STACK}.")
    target.add_argument(
        "--trusted-account",
        metavar="NUMBER",
        action="append",
        default=[],
        help="another account that may have the logs, such as an archive: neither its access nor a copy in its buckets "
        "is a failure. Once for each.",
    )
    parser.add_argument(
        "--fixes",
        metavar="FOLDER",
        type=Path,
        help="write the fixes of all failed checks into this new folder: a script, and each long policy as a file.",
    )
    parser.add_argument("--who", action="store_true", help="also ask who can blind the trail; reads IAM.")
    parser.add_argument(
        "--expected", metavar="FILE", type=Path, help="with --who: a file with those who are meant to be able."
    )
    parser.add_argument("--verbose", action="store_true", help="show the evidence of passed checks too.")
    add_iam_policy_option(parser, names_resources=True)
    add_aws_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the command.

    :returns: 0 all passed, 1 something failed, 3 nothing failed but something is UNKNOWN, or got no answer.
    """
    if arguments.expected and not arguments.who:
        raise UsageError("--expected says who is meant to be able to blind the trail: give --who with it.")
    if arguments.print_iam_policy:
        resources = resources_from(arguments)
        if resources.trail_arn:
            # The other trails of the account are asked about as well: they may record the same.
            resources = replace(resources, trail_arn=f"{resources.trail_arn.partition('trail/')[0]}trail/*")
        terminal.print_json(least_privilege_policy((*needed_permissions(), *_permissions_of(arguments)), resources))
        return 0
    options = TargetOptions(
        trail=arguments.trail,
        bucket=arguments.bucket,
        key=arguments.key,
        stack=arguments.stack,
        trusted_accounts=tuple(arguments.trusted_account),
    )
    expected = read_expected(arguments.expected) if arguments.expected else ()
    with terminal.working("Reading the trail, its key and its bucket …"):
        aws = aws_from(arguments, patience_seconds=PATIENCE_SECONDS)
        report = run_checks(aws, options)
    who = None
    if arguments.who:
        report, who = _with_who(report, aws, options, expected, terminal)
    if arguments.fixes:
        _write_fixes(report, arguments.fixes, terminal)
    if arguments.json:
        terminal.print_json(report_as_json(report, _document_of(who)))
    else:
        from verify.report.check import render  # noqa: PLC0415 (it takes a while to load, and JSON needs it not)

        tables, blocks = terminal.takes_tables, terminal.takes_blocks
        for piece in render(report, as_tables=tables, as_blocks=blocks, verbose=arguments.verbose, who=who):
            terminal.show(piece)
    return _EXIT_CODES[report.status]


def _permissions_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The IAM actions behind ``--who``, where it is given."""
    if not arguments.who:
        return ()
    from verify.posture.who.run import PERMISSIONS  # noqa: PLC0415 (a check without --who starts sooner)

    return PERMISSIONS


def _with_who(
    report: Report, aws: Aws, options: TargetOptions, expected: tuple[str, ...], terminal: Terminal
) -> tuple[Report, Answer]:
    """The report with who can blind its trail, and the answer itself."""
    from verify.posture.who.section import answer_beside, with_answer  # noqa: PLC0415 (as above)
    from verify.report.who import summary as summary_of_who  # noqa: PLC0415

    with terminal.working("Reading the account's users, roles and policies …"):
        # An account may have thousands of identities. What answered nothing has no further time.
        aws.renew_patience()
        answer = answer_beside(report, aws, options, expected)
    return with_answer(report, answer, summary_of_who(answer)), answer


def _document_of(who: Answer | None) -> dict[str, Any] | None:
    if who is None:
        return None
    from verify.report.who import who_as_json  # noqa: PLC0415

    return who_as_json(who, Later)


def _write_fixes(report: Report, folder: Path, terminal: Terminal) -> None:
    """Write the script and its documents into a new folder.

    :raises UsageError: the folder is there already, or cannot be made.
    """
    if not report.fixes:
        terminal.notice("No check failed: there is nothing to fix.")
        return
    try:
        folder.mkdir(parents=True)
        for name, text in fix_files(report.fixes, folder.absolute()).items():
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(
            f"--fixes {str(folder)!r}: {error.strerror}. Name a folder that does not exist yet."
        ) from error
    terminal.notice(f"Fixes written: read them, then run sh {shlex.quote(str(folder / SCRIPT))}")
