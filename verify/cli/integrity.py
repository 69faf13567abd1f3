"""``verify integrity``: were log files altered, removed or added?"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from msgspec import structs

from verify.cli.common import add_aws_options, add_iam_policy_option, bucket_in, resources_from
from verify.cli.integrity_options import prepare
from verify.cli.progress import Progress
from verify.errors import UsageError
from verify.integrity.bundle import KEYS, Manifest, fingerprints, save_bundle
from verify.integrity.check import check
from verify.integrity.export import export
from verify.integrity.facts import PERMISSIONS as FACTS
from verify.integrity.facts import AwsFacts
from verify.integrity.lost.versions import PERMISSIONS as VERSIONS
from verify.integrity.lost.versions import Versions, changed_files, lost_files, older_versions
from verify.integrity.reader import Pools
from verify.integrity.result import Result, with_notices
from verify.integrity.sources import IntegrityOptions, PreparedValidation
from verify.integrity.validate import ValidationRequest
from verify.report.iam_policy import least_privilege_policy
from verify.report.integrity.next_steps import NextStep, Options, next_steps
from verify.report.integrity.text import render
from verify.report.terminal import Terminal
from verify.storage.read_processes import open_read_processes
from verify.storage.s3 import PERMISSIONS as FILES

_DESCRIPTION = """\
Were log files altered, removed or added? Checks that every log file CloudTrail delivered in a period is present and
unaltered, that no other file lies among them, and that the chain of signed digests has no gap from the first hour to
the last, in every account and region that the trail should deliver for.

CloudTrail signs one digest an hour for each region. It lists the hour's log files with their hashes, and links to the
digest before it. So this command needs log file validation to be on, and proves nothing about a time when it was off.
"""
_EXAMPLES = """\
examples:
  python -m verify integrity --since 7d
  python -m verify integrity --trail my-trail --start 2026-01-01 --end 2026-01-31 --json
  python -m verify integrity --since 7d --format markdown > case.md
  python -m verify integrity --trail my-trail --region eu-west-1 --since 1d --quick
  python -m verify integrity export --since 30d --output ./evidence
  python -m verify integrity --source ./evidence/bundle.json --keys keys-of-the-export.json
  python -m verify integrity --source ./copy-of-the-bucket --account 111122223333 --regions us-east-1,eu-west-1 \\
      --keys keys-us-east-1.json --keys keys-eu-west-1.json --start 2026-01-01 --end 2026-01-31
  (each region has its own keys: aws cloudtrail list-public-keys --start-time 2026-01-01 --end-time 2026-02-01 \\
      --region us-east-1 > keys-us-east-1.json)

exit codes:
  0  every account and region is proven, not logged or not yet due, and something is proven
  1  something was altered, is missing or foreign (with --require-logging also: was not logged)
  2  wrong usage
  3  nothing speaks of tampering, but something is unproven, or nothing is proven yet: this is no all-clear

What it reads: s3:ListBucket, s3:GetObject (and kms:Decrypt where the files are encrypted), cloudtrail:DescribeTrails,
cloudtrail:GetTrailStatus, cloudtrail:GetEventSelectors, cloudtrail:ListPublicKeys, cloudtrail:LookupEvents,
ec2:DescribeRegions, for an organization organizations:ListAccounts, and where a file is altered, missing or foreign
s3:ListBucketVersions, s3:GetBucketLogging, and if there are any the bucket's access logs and the log files of other
trails that record its data events. From a folder it reads the files and the public keys that you give.
"""
_FORMATS = ("text", "json", "markdown", "html")
_AT_MOST_EVERY_SECONDS = 0.2
_COLLECT_SELDOM = 50_000
_NO_ESTIMATE_SECONDS = 2.0  # until the time that a start takes no longer matters


def add_parser(commands: Any) -> None:
    """Add ``integrity`` to the subparsers of ``python -m verify``."""
    parser = commands.add_parser(
        "integrity",
        help="prove that no log file was altered, removed or added",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=("check", "export"),
        default="check",
        help="check (the default), or export: check, and archive everything that proves the result in --output.",
    )
    parser.add_argument("--output", metavar="DIR", help="for export: a new folder, or that of an interrupted export.")
    add_selection(parser)
    parser.add_argument(
        "--state",
        metavar="FILE",
        help="store here what is proven of days that are over; their files are then listed, not read again. "
        "The file must be where only you can write; it belongs to one trail and one source, which is no folder.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only the digests and their chain; no log file is read, nothing is proven."
    )
    parser.add_argument(
        "--require-logging", action="store_true", help="exit 1 if logging was off for some of the time (for cron)."
    )
    parser.add_argument(
        "--trust-key",
        metavar="FINGERPRINT",
        action="append",
        default=[],
        help="for an evidence bundle: a public key that you know to be AWS's; may be given several times. Only the "
        "export's keys.json (--keys) also shows which regions there are: without it, name --account and --region, or "
        "the exit code is 3 at best.",
    )
    add_iam_policy_option(parser, names_resources=True)
    add_aws_options(parser, with_json=False)
    shown = parser.add_argument_group("result")
    shown.add_argument(
        "--format", choices=_FORMATS, default="text", help="markdown and html are for the case file. Default: text."
    )
    shown.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json.")
    parser.set_defaults(run=run)


def add_selection(parser: argparse.ArgumentParser) -> None:
    """The options that select the files to validate."""
    times = parser.add_argument_group("time, in UTC")
    times.add_argument("--since", metavar="DURATION", help="30m, 2h, 7d or 1w before --end. Default: 1d.")
    times.add_argument("--start", metavar="TIME", help="a date or a date and time (ISO 8601).")
    times.add_argument("--end", metavar="TIME", help="the same, or now; a date is included. Default: now.")
    which = parser.add_argument_group("trail")
    which.add_argument("--trail", metavar="NAME|ARN", help="Default: the only trail there is.")
    which.add_argument(
        "--account",
        metavar="ID",
        help="only this account of an organization's trail. Default: all. For a folder: the one that it is a copy of; "
        "without it, or the trail's ARN, the exit code is 3 at best.",
    )
    which.add_argument("--bucket", metavar="NAME", help="where the trail delivered, if not where it does now.")
    which.add_argument("--prefix", metavar="PREFIX", help="the prefix in that bucket. Default: none.")
    which.add_argument(
        "--source",
        metavar="DIR|DIR/bundle.json|s3://BUCKET",
        help="a copy of the trail's bucket, or an evidence bundle by its manifest. Default: the bucket itself.",
    )
    which.add_argument(
        "--regions",
        metavar="LIST",
        help="for a folder: every region that the copy should hold, such as us-east-1,eu-west-1. Without it (or "
        "--region, for one alone) a region that is gone whole would not be missed, so the exit code is 3 at best.",
    )
    which.add_argument(
        "--keys",
        metavar="FILE",
        action="append",
        help="for a folder: what 'aws cloudtrail list-public-keys' printed, for one region, "
        "or the keys.json of an export, which alone shows that a bundle's manifest is the export's. May be given "
        "several times.",
    )


def options_from(arguments: argparse.Namespace) -> IntegrityOptions:
    """The options, as one value."""
    return IntegrityOptions(
        since=arguments.since,
        start=arguments.start,
        end=arguments.end,
        trail=arguments.trail,
        account=arguments.account,
        bucket=arguments.bucket,
        prefix=arguments.prefix,
        source=arguments.source,
        keys=tuple(arguments.keys or ()) or None,
        trust_keys=tuple(arguments.trust_key),
        region=arguments.region,
        regions=tuple(filter(None, (arguments.regions or "").split(","))),
        state=arguments.state,
        is_quick=arguments.quick,
        requires_logging=arguments.require_logging,
    )


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Validate and report; 0, 1 or 3."""
    if arguments.print_iam_policy:
        resources = resources_from(arguments)
        if (arguments.source or "").startswith("s3://"):
            resources = replace(resources, bucket=bucket_in(arguments.source))
        terminal.print_json(least_privilege_policy((*FACTS, *FILES, *VERSIONS), resources))
        return 0
    began = time.monotonic()
    if (arguments.action == "export") != (arguments.output is not None):
        raise UsageError("export and --output DIR go together: 'integrity export --since 7d --output DIR'.")
    if arguments.action == "export" and arguments.state is not None:
        raise UsageError("--state is for a check: an export reads everything, also what an earlier run proved.")
    options = options_from(arguments)
    with (
        open_read_processes(are_wanted=arguments.action == "check") as processes,  # what is kept is read here
        Progress(terminal, total=100, beside_json=arguments.format != "text") as progress,
        Pools.open(with_processes=processes.are_there) as pools,
    ):
        ready = prepare(options, arguments.profile, arguments.endpoint_url, now(), processes)
        rate = Rate(progress, _days_of(ready.request))
        with _frozen():
            if arguments.action == "check":
                result = check(ready, pools, rate.add, Path(options.state) if options.state else None)
                result, versions = _looked_into(ready, result, pools)
            else:
                folder = Path(arguments.output)
                result, manifest = export(ready.request, ready.store, ready.facts, folder, pools, rate.add)
                result, versions = _looked_into(ready, result, pools)
                from verify.report.integrity.as_json import result_as_json  # noqa: PLC0415 - not for every answer

                save_bundle(folder, manifest, result_as_json(result, time.monotonic() - began))
                result = with_notices(result, _about_keys(folder, manifest))
        steps = next_steps(result, versions, _later_options(arguments))
    _show(terminal, result, time.monotonic() - began, steps, arguments.format)
    return result.exit_code


@contextmanager
def _frozen() -> Iterator[None]:
    """No collection goes through what is there already, such as botocore's models, and seldom one through what comes.

    Afterwards they do: whoever runs several commands in a process would keep the garbage of each, and its connections.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECT_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _show(terminal: Terminal, result: Result, seconds: float, steps: Sequence[NextStep], format_name: str) -> None:
    if format_name == "json":
        from verify.report.integrity.as_json import result_as_json  # noqa: PLC0415 - as below

        terminal.print_json(result_as_json(result, seconds, steps))
    elif format_name == "text":
        for line in render(result, seconds, steps):
            terminal.show(line)
    else:
        from verify.report.integrity.document import result_as_html, result_as_markdown  # noqa: PLC0415

        made = result_as_html if format_name == "html" else result_as_markdown
        for part in made(result, seconds, steps):
            terminal.write(part)


def _looked_into(ready: PreparedValidation, result: Result, pools: Pools) -> tuple[Result, Versions | None]:
    """The result, with who changed the files that are altered, missing or foreign, as far as logs tell; and what the
    trail's bucket still has of those that are altered or gone, ``None`` where that was not looked at.
    """
    if not ready.request.origin.keeps_keys or not isinstance(ready.facts, AwsFacts) or not changed_files(result):
        return result, None
    lost = lost_files(result)
    versions = older_versions(ready.facts.aws, lost) if lost else None
    if ready.request.is_quick:
        return result, versions
    from verify.integrity.lost.search import who_changed  # noqa: PLC0415 - only where something is wrong

    changes = who_changed(ready, result, versions.changed if versions else {}, pools)
    return structs.replace(result, changes=changes), versions


def _later_options(arguments: argparse.Namespace) -> Options:
    """The options by which other commands look where this one did."""
    aws, place = (_given(arguments, *names) for names in (("profile", "endpoint_url"), ("bucket", "prefix")))
    source = ("--in", arguments.source) if arguments.source else ()
    return Options(aws, (*source, *_given(arguments, "trail"), *place), place)


def _given(arguments: argparse.Namespace, *names: str) -> tuple[str, ...]:
    """The options of these names that were given, with their values."""
    options = ((f"--{name.replace('_', '-')}", getattr(arguments, name)) for name in names)
    return tuple(word for option in options if option[1] for word in option)


def _about_keys(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    known = ", ".join(fingerprints(manifest.rings)) or "none"
    return (
        f"Fingerprints of the public keys: {known}.",
        (
            f"Keep {folder / KEYS} apart from the bundle: with it (--keys) the bundle proves itself later, and whoever "
            "can change both can make it say anything."
        ),
    )


def _days_of(request: ValidationRequest) -> int:
    """How many days are to be validated, each account and region by itself."""
    days = (request.period.end.date() - request.period.start.date()).days + 1
    return max(days * len(request.scope.account_regions), 1)


class Rate:
    """Adds up how much is done, and shows it with the rate and the time left.

    :param days: how many are to be completed.
    """

    def __init__(self, progress: Progress, days: int) -> None:
        self._progress = progress
        self._days = days
        self._lock = Lock()
        self._logs_done = 0
        self._bytes_done = 0
        self._days_done = 0
        self._began = self._shown = time.monotonic()

    def add(self, logs: int, size_bytes: int, days: int) -> None:
        """Count logs judged, what they inflate to, and days completed. May be called from any thread."""
        with self._lock:
            self._logs_done += logs
            self._bytes_done += size_bytes
            self._days_done += days
            now = time.monotonic()
            if now - self._shown < _AT_MOST_EVERY_SECONDS:
                return
            self._shown = now
            share = min(self._days_done / self._days, 1.0)
            self._progress.show(self._text(now - self._began, share), completed=int(share * 100))

    def _text(self, seconds: float, share: float) -> str:
        left = f", about {seconds / share - seconds:,.0f} s left" if share and seconds >= _NO_ESTIMATE_SECONDS else ""
        read = f"{self._logs_done:,} logs ({self._bytes_done / 1e6:,.1f} MB inflated) checked"
        return f"{read}, {self._logs_done / seconds:,.0f} a second{left}"
