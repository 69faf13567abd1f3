"""``verify detective``: make four calls that only read, then find them in the event history."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from verify.aws import Aws
from verify.cli.common import add_aws_options, add_iam_policy_option, aws_from
from verify.cli.progress import Progress, interruptible
from verify.errors import CannotLook, UsageError
from verify.events.calls import Finding, four_calls, iam_region, make
from verify.events.capital_one import LOOK_FOR_IT, LOOK_INTO_LOGS
from verify.events.detective import Detective, Waiting, bucket_listings, recent
from verify.events.elsewhere import in_session
from verify.events.history import PERMISSIONS, History
from verify.report.detective import DetectiveReport, render, report_as_json
from verify.report.iam_policy import least_privilege_policy
from verify.report.terminal import Terminal
from verify.times import parse_duration

_DESCRIPTION = """\
Makes four calls that only read, with your credentials:

  s3 ListBuckets, ec2 DescribeInstances, iam ListUsers, ec2 DescribeSecurityGroups

then waits until each of exactly these calls appears in CloudTrail's event history and shows who made it,
from where, when and what it was. You need cloudtrail:LookupEvents; the four calls' own permissions are
not needed: a refused call is recorded too, with its error.
On AWS an event appears within about 15 minutes; Ctrl-C shows what was found until then.
Afterwards: the latest IAM and S3 events, and what the Capital One breach would have looked like here.
"""
_EXIT_CODES = """\
exit codes:
  0    all four calls were found
  3    some were not found in time, or the event history cannot be read
  130  stopped with Ctrl-C
"""


def add_parser(commands: Any) -> None:
    """Add ``detective`` to the subparsers of ``python -m verify``."""
    parser = commands.add_parser(
        "detective",
        help="make four calls that only read and find them again: who, where, when, what",
        description=_DESCRIPTION,
        epilog=f"example:\n  python -m verify detective --timeout 5m\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--timeout", metavar="DURATION", default="20m", help="wait at most so long: 90s, 20m, 1h. Default: 20m."
    )
    parser.add_argument(
        "--poll", metavar="DURATION", default="5s", help="search again after so long. Default: 5s; at most 10m."
    )
    add_iam_policy_option(parser)
    add_aws_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Make the calls and find them again; 0 when all four calls were found, else 3, or 130 after Ctrl-C."""
    if arguments.print_iam_policy:
        terminal.print_json(least_privilege_policy(PERMISSIONS))  # the four calls may be refused
        return 0
    waiting = _waiting(arguments)
    aws = aws_from(arguments)
    caller = aws.caller()
    calls = four_calls(aws)
    made = [make(aws, call) for call in calls]
    terminal.notice(
        f"Made {len(made)} calls. Waiting for CloudTrail to record them: up to 15 minutes on AWS. "
        "Ctrl-C shows what was found until then."
    )
    with interruptible() as stop:
        history = History(aws, stop)
        with Progress(terminal, total=len(made)) as progress:
            detective = Detective(history, caller, on_wait=lambda findings: _show(progress, findings))
            findings = detective.wait_for(made, waiting)
            report = _report(aws, history, findings, progress)
        session = {"profile": arguments.profile, "endpoint_url": arguments.endpoint_url}
        report = replace(
            report,
            look_for_it=in_session(LOOK_FOR_IT, session),
            look_into_logs=in_session(LOOK_INTO_LOGS, session),
        )
        is_stopped = stop.is_set()
    if arguments.json:
        terminal.print_json(report_as_json(report))
    else:
        for piece in render(report, as_tables=terminal.out.is_terminal, width=terminal.out.width):
            terminal.show(piece)
    for problem in report.problems:
        terminal.notice(f"error: {problem}")
    if is_stopped:
        terminal.notice("stopped: this is what was found so far.")
        return 130
    return 0 if all(finding.event for finding in findings) and not report.problems else 3


def _waiting(arguments: argparse.Namespace) -> Waiting:
    timeout = parse_duration(arguments.timeout, "--timeout")
    poll = parse_duration(arguments.poll, "--poll")
    if poll.total_seconds() > 600:
        raise UsageError(f"--poll {arguments.poll} is too long. Allowed: 1s to 10m.")
    return Waiting(timeout.total_seconds(), poll.total_seconds())


def _show(progress: Progress, findings: Sequence[Finding]) -> None:
    missing = [finding.made.call.operation for finding in findings if finding.event is None]
    found = len(findings) - len(missing)
    progress.show(f"found {found} of {len(findings)}; waiting for {', '.join(missing) or 'nothing'}", found)


def _report(aws: Aws, history: History, findings: Sequence[Finding], progress: Progress) -> DetectiveReport:
    """Search the history for recent events, unless stopped; what cannot be read is among the report's problems."""
    problems = [str(failure) for finding in findings for failure in finding.failures]
    here, everywhere = aws.region, iam_region(aws)
    recents, listings = {}, None
    try:
        for source, region in (("iam.amazonaws.com", everywhere), ("s3.amazonaws.com", here)):
            if not history.stop.is_set():
                progress.show(f"reading the latest events of {source}", len(findings))
                recents[source] = recent(history, region, source)
        if not history.stop.is_set():
            progress.show("counting who listed the buckets", len(findings))
            listings = bucket_listings(history, tuple(dict.fromkeys((here, everywhere))), datetime.now(UTC))
    except CannotLook as failure:
        problems.append(str(failure))
    return DetectiveReport(
        endpoint_url=aws.endpoint_url,
        findings=tuple(findings),
        recent=recents,
        listings=listings,
        problems=tuple(dict.fromkeys(problems)),
    )
