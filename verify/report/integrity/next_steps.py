"""What to do about what a validation found: a sentence each, with the command where there is one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence, Set
from datetime import timedelta
from itertools import chain
from urllib.parse import quote

from msgspec import Struct

from verify.integrity.digests.digest_file import KEY_IS_NEEDED
from verify.integrity.lost.versions import OlderVersion, Versions, archived_files, changed_files, lost_files
from verify.integrity.result import FileChange, Result
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import BAD, VALIDATION_IS_OFF, VALIDATION_OFF, Verdict
from verify.storage.objects import ObjectName
from verify.times import HISTORY_DAYS, iso

_VERIFY = ("python", "-m", "verify")
_SHOWN_COMMANDS = 5
_RESTORED_DAYS = 7
_KEYS_AROUND = timedelta(days=1)  # what is delivered late is signed with the key of then


class NextStep(Struct, frozen=True):
    """One thing to do.

    :param commands: to be typed as they are, but for words in capitals.
    """

    text: str
    commands: tuple[str, ...] = ()


class Options(Struct, frozen=True):
    """The options that later commands need, to look where this one did.

    :param aws: of every command of the verifier, such as ``--profile audit``.
    :param files: of a command that reads the log files, such as ``--trail main`` or ``--in ./copy``.
    :param place: where the trail's files are, if not where it delivers now: ``--bucket logs --prefix old``.
    """

    aws: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    place: tuple[str, ...] = ()


def next_steps(
    result: Result, versions: Versions | None = None, options: Options | None = None
) -> tuple[NextStep, ...]:
    """What to do, the most useful first; nothing where all is proven.

    :param versions: Default: - nobody asked for older versions.
    """
    return tuple(_Steps(result, versions, options or Options()).all())


def lacking_keys(result: Result) -> tuple[str, ...]:
    """The regions of which a public key is not known."""
    found = (
        one.chain.region
        for one in result.chains
        if any(KEY_IS_NEEDED in problem.reason for problem in one.tally.problems)
    )
    return tuple(dict.fromkeys(found))


class _Steps(Struct, frozen=True):
    result: Result
    versions: Versions | None
    options: Options

    def all(self) -> Iterator[NextStep]:
        verdicts = self.result.verdicts
        if archived := archived_files(self.result):
            yield NextStep(
                "Files are archived. Restore every one of the period for some days, which costs money and takes hours, "
                "then run this command again. Write '{}' instead of Days=7 where S3 Intelligent-Tiering archived them.",
                tuple(map(_unarchiving, archived[:_SHOWN_COMMANDS])),
            )
        if lacking := lacking_keys(self.result):
            yield NextStep(
                "Signatures were not checked for want of CloudTrail's public keys, and each region has its own. Fetch "
                "them as somebody who may; for a copy in a folder or a bundle, give every file with --keys.",
                tuple(map(self._fetching_keys, lacking[:_SHOWN_COMMANDS])),
            )
        if verdicts & {Verdict.ALTERED, Verdict.MISSING}:
            yield from self._restore()
            yield from self._events(
                "What is altered or missing recorded calls. The event history holds management events of the last 90 "
                "days, and nobody can delete from it; data events are in the log files alone.",
                {Verdict.ALTERED, Verdict.MISSING},
            )
        if verdicts & BAD:
            yield from self._who_changed()
        if Verdict.FOREIGN in verdicts:
            yield NextStep(
                "Do not believe what foreign files say. Athena reads every file below AWSLogs/, these too; this reads "
                "what is proven alone:",
                (self._command("logs query --name top-callers --proven-only", self.options.files, self._period),),
            )
        if Verdict.NOT_LOGGED in verdicts:
            yield from self._events(
                "Of the time that was not logged the event history alone can tell, for 90 days: it goes on while a "
                "trail is stopped.",
                {Verdict.NOT_LOGGED},
            )
        is_off = any(cause.startswith(VALIDATION_IS_OFF) for cause in self.result.causes)
        if is_off or any(row.reason.startswith(VALIDATION_OFF) for row in self.result.rows):
            command = ["aws", "cloudtrail", "update-trail", "--name", self.result.trail, "--enable-log-file-validation"]
            yield NextStep(
                "What was delivered while log file validation was off can never be proven. If it still is off, switch "
                "it on: what is delivered from then on is signed for.",
                (shlex.join(command),),
            )
        for sentence in dict.fromkeys(row.evidence.settles for row in self.result.rows if row.evidence.settles):
            yield NextStep(sentence)
        if self.result.next_due and self.result.exit_code:
            yield NextStep(f"Ask again after {iso(self.result.next_due)}, by which the next digest is due.")

    def _restore(self) -> Iterator[NextStep]:
        lost = lost_files(self.result)
        if self.versions is None:
            if lost:
                yield NextStep(
                    "The trail's own bucket may have these files, or older versions of them if it keeps versions.",
                    tuple(_listing(name) for name in lost[:_SHOWN_COMMANDS]),
                )
            return
        if self.versions.found:
            yield NextStep(
                "The bucket still has an older version of these files. Restore it, then run this command again: it "
                "says whether what came back is what CloudTrail delivered.",
                tuple(map(_restoring, self.versions.found[:_SHOWN_COMMANDS])),
            )
        if self.versions.why_not:
            yield NextStep(
                f"Whether the bucket still has older versions is not known: {self.versions.why_not.rstrip('.')}. Ask "
                "with somebody who may.",
                tuple(_listing(name) for name in lost[:1]),
            )
        elif self.versions.none:
            yield NextStep(
                f"Of {len(self.versions.none):,} files that are altered or missing the bucket has no older version. A "
                "replica or a backup may have them; check it as a copy before you believe it.",
                (self._command("integrity --source s3://REPLICA", self._trail, self._period),),
            )

    def _events(self, text: str, verdicts: Set[Verdict]) -> Iterator[NextStep]:
        oldest = self.result.made_at - timedelta(days=HISTORY_DAYS)
        # Of each region the whole time in which something is wrong: what lies between is of interest as well.
        times: dict[str, Period] = {}
        accounts: dict[str, None] = {}
        for row in self.result.rows:
            if row.verdict in verdicts and row.region and row.end > oldest:
                accounts[row.account] = None
                before = times.get(row.region, Period(row.start, row.end))
                times[row.region] = Period(max(min(before.start, row.start), oldest), max(before.end, row.end))
        commands = [
            self._command("events --limit 0", ("--start", iso(of.start), "--end", iso(of.end), "--region", region))
            for region, of in times.items()
        ]
        if len(accounts) > 1 or not all(f":{account}:" in self.result.trail for account in accounts):
            text += f" Each account has its own: ask as {', '.join(accounts)}."
        if commands:
            yield NextStep(text, tuple(commands[:_SHOWN_COMMANDS]))

    def _who_changed(self) -> Iterator[NextStep]:
        changes = self.result.changes
        unnamed = [name for name in changed_files(self.result) if not _is_told(changes.found.get(str(name), ()))]
        buckets = dict.fromkeys(name.bucket for name in unnamed)
        if buckets:
            if changes.looked_at:
                files = "1 file" if len(unnamed) == 1 else f"{len(unnamed):,} files"
                yield NextStep(f"It is not known who changed {files}: {'; '.join(changes.looked_at)}.")
            since = ("--start", iso(self.result.period.start))
            yield NextStep(
                "Who deleted or wrote files stands in the log files, if the trail records the bucket's data events; "
                "S3's access logs of the bucket tell it as well. CloudTrail's own deliveries are among them.",
                tuple(
                    self._command(
                        "logs show --source s3 --write-only --limit 0",
                        ("--resource", bucket),
                        self.options.files,
                        since,
                    )
                    for bucket in buckets
                ),
            )
        yield NextStep(
            "Look for other traces of whoever it was, such as changed policies and new keys.",
            (self._command("hunt", self.options.files, self._period),),
        )
        yield NextStep(
            "Keep what is there before somebody changes it, and ask AWS Support if CloudTrail itself may have failed.",
            (self._command("integrity export --output ./evidence", self._trail, self.options.place, self._period),),
        )

    def _fetching_keys(self, region: str) -> str:
        period = self.result.period
        times = ("--start-time", iso(period.start - _KEYS_AROUND), "--end-time", iso(period.end + _KEYS_AROUND))
        command = ["aws", "cloudtrail", "list-public-keys", *times, "--region", region]
        return f"{shlex.join(command)} > {shlex.quote(f'keys-{region}.json')}"

    @property
    def _trail(self) -> tuple[str, ...]:
        return ("--trail", self.result.trail) if self.result.trail else ()

    @property
    def _period(self) -> tuple[str, ...]:
        return ("--start", iso(self.result.period.start), "--end", iso(self.result.period.end))

    def _command(self, command: str, *options: Sequence[str]) -> str:
        return shlex.join([*_VERIFY, *command.split(), *chain(*options), *self.options.aws])


def _is_told(changes: Sequence[FileChange]) -> bool:
    return any(change.names_file for change in changes)


def _listing(name: ObjectName) -> str:
    return shlex.join(["aws", "s3api", "list-object-versions", "--bucket", name.bucket, "--prefix", name.key])


def _unarchiving(name: ObjectName) -> str:
    where = ["--bucket", name.bucket, "--key", name.key]
    return shlex.join(["aws", "s3api", "restore-object", *where, "--restore-request", f"Days={_RESTORED_DAYS}"])


def _restoring(version: OlderVersion) -> str:
    """The command that makes a version the current one.

    Where a delete marker hides it, the marker goes: the version is the current one again as it was.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/RestoringPreviousVersions.html
    """
    where = ["--bucket", version.name.bucket, "--key", version.name.key]
    if version.marker:
        return shlex.join(["aws", "s3api", "delete-object", *where, "--version-id", version.marker])
    source = f"{version.name.bucket}/{quote(version.name.key)}?versionId={quote(version.version)}"
    return shlex.join(["aws", "s3api", "copy-object", *where, "--copy-source", source])
