"""Looks for whoever changed files: in signed log files of trails that record the bucket's data events, and in S3's
access logs.

Nothing of it changes a verdict. What was not looked at, or could not be, is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from threading import Lock

from msgspec.structs import replace

from verify.aws import Aws
from verify.errors import CannotLook, UsageError
from verify.integrity.facts import AwsFacts
from verify.integrity.lost import access_logs
from verify.integrity.lost.access_logs import AccessLogs
from verify.integrity.lost.data_events import changes_in
from verify.integrity.lost.versions import changed_files
from verify.integrity.reader import Pools, days_back
from verify.integrity.result import FileChange, FileChanges, Result
from verify.integrity.scope import AccountRegion
from verify.integrity.sources import IntegrityOptions, PreparedValidation, from_bucket
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import BAD, Verdict
from verify.integrity.validate import Validation
from verify.selectors import parse_selectors, records_writes_to
from verify.storage.gzip_content import GzipSink
from verify.storage.layout import LOG_NAME_TELLS, DigestName, LogName
from verify.storage.objects import Found, ObjectName
from verify.times import iso
from verify.trail import Trail, trails_in

# S3's clock and that of a call's record are not the same, and a record is delivered within minutes, sometimes later.
_BEFORE, _AFTER = timedelta(minutes=15), timedelta(hours=6)
_MOST_DAYS = timedelta(days=31)
_MOST_LOGS, _AT_ONCE = 20_000, 16
_MOST_BYTES = 64 * 2**20  # of one log file, inflated: CloudTrail's are smaller
_SHOWN_OF_FILE = 3  # of each kind of source


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Files of one bucket.

    :param keys: each with what was found of it.
    :param period: in which they were changed, as far as is known.
    :param is_cut: whether that is too long to be searched, and this is its beginning.
    """

    bucket: str
    keys: Mapping[str, Verdict]
    period: Period
    is_cut: bool


def who_changed(
    ready: PreparedValidation,
    result: Result,
    changed: Mapping[ObjectName, datetime],
    pools: Pools,
) -> FileChanges:
    """Who changed the files that are altered, missing or foreign, as far as logs tell.

    :param ready: of which ``result`` is the result.
    :param changed: when S3 says that they were changed.
    """
    when = {str(name): moment for name, moment in changed.items()}
    facts = ready.facts
    if not isinstance(facts, AwsFacts):
        return FileChanges(when=when)
    found: list[FileChange] = []
    looked_at: list[str] = []
    for wanted in _by_bucket(result, changed):
        search = _Search(ready, facts, wanted, pools)
        if wanted.is_cut:
            looked_at.append(f"what happened after {iso(wanted.period.end)} was not searched")
        for look in (search.in_log_files, search.in_access_logs):
            try:
                changes, said = look()
            except (CannotLook, UsageError) as error:
                looked_at.append(str(error).rstrip("."))
                continue
            found += changes
            looked_at += said
    return FileChanges(by_file(found), when, tuple(dict.fromkeys(looked_at)))


def _by_bucket(result: Result, changed: Mapping[ObjectName, datetime]) -> Iterator[_Wanted]:
    """The files of each bucket, and when they may have been changed: not before they were delivered.

    Those of which S3 knows when come by themselves: of others there may be more than is searched.
    """
    buckets: dict[tuple[str, bool], dict[str, Verdict]] = {}
    for name, verdict in changed_files(result).items():
        buckets.setdefault((name.bucket, name in changed), {})[name.key] = verdict
    for (bucket, is_known), keys in buckets.items():
        names = [ObjectName(bucket, key) for key in keys]
        times = [changed[name] if is_known else _delivered(name, keys[name.key], result) for name in names]
        start, end = min(times) - _BEFORE, max(times) + _AFTER if is_known else result.made_at
        end = max(min(end, result.made_at), start)
        yield _Wanted(bucket, keys, Period(start, min(end, start + _MOST_DAYS)), end > start + _MOST_DAYS)


def _delivered(name: ObjectName, verdict: Verdict, result: Result) -> datetime:
    """When a file was delivered, by its name. That of a foreign file was made up."""
    if verdict is Verdict.FOREIGN:
        return result.period.start
    log, digest = LogName.parse(name), DigestName.parse(name)
    return log.delivered if log else digest.end if digest else result.period.start


def by_file(changes: Iterable[FileChange]) -> dict[str, tuple[FileChange, ...]]:
    """The newest calls of each file: first those that a digest vouches for, so that made-up ones do not push them out.

    What may have concerned other files is left out where as good a source names the file.
    """
    all_of: dict[str, dict[FileChange, None]] = {}
    for change in sorted(changes, key=lambda change: change.at, reverse=True):
        all_of.setdefault(change.subject, {})[change] = None
    found = {}
    for subject, of_file in all_of.items():
        shown: list[FileChange] = []
        for is_signed in (True, False):
            alike = [change for change in of_file if change.is_signed is is_signed]
            shown += ([change for change in alike if change.names_file] or alike)[:_SHOWN_OF_FILE]
        found[subject] = tuple(shown)
    return found


@dataclass(frozen=True, slots=True)
class _Search:
    ready: PreparedValidation
    facts: AwsFacts
    wanted: _Wanted
    pools: Pools

    @property
    def _aws(self) -> Aws:
        return self.facts.aws

    def in_log_files(self) -> tuple[list[FileChange], list[str]]:
        """The calls that signed log files tell of.

        :raises CannotLook: AWS could not be asked which trails there are.
        """
        region = self._region()
        found: list[FileChange] = []
        looked_at: list[str] = []
        recording: list[Trail] = []
        events = f"data events of s3://{self.wanted.bucket}"
        for trail in trails_in(self._aws, region):
            try:
                recording += [trail] if self._records(trail) else []
            except CannotLook as error:
                looked_at.append(f"whether trail {trail.name} records {events} is not known: {str(error).rstrip('.')}")
        if not recording and not looked_at:
            looked_at.append(f"no trail records {events}")
        for trail in sorted(recording, key=lambda trail: trail.arn != self.facts.trail.arn):
            try:
                changes, said = self._in_trail(trail, region)
            except (CannotLook, UsageError) as error:
                looked_at.append(f"trail {trail.name} could not be searched: {str(error).rstrip('.')}")
                continue
            found += changes
            looked_at += said
        return found, looked_at

    def _region(self) -> str:
        """The bucket's, which records what is done to it."""
        answer = self._aws.call("s3", "HeadBucket", Bucket=self.wanted.bucket)
        return str(answer.get("BucketRegion") or self._aws.region)

    def _records(self, trail: Trail) -> bool:
        """Whether a trail records who changes the files; of the trail itself, whether it may have done so.

        :raises CannotLook: AWS could not be asked.
        """
        if trail.arn == self.facts.trail.arn:
            known = self.facts.known
            if known is not None and any(call.selects and call.at >= self.wanted.period.start for call in known.calls):
                return True
        answer = self._aws.call("cloudtrail", "GetEventSelectors", in_region=trail.home_region, TrailName=trail.arn)
        try:
            selectors = parse_selectors(answer)
            objects = [f"arn:{self._aws.partition}:s3:::{self.wanted.bucket}/{key}" for key in self.wanted.keys]
            return any(records_writes_to(selectors, *pair) for pair in product(objects, ("PutObject", "DeleteObject")))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise CannotLook(f"cloudtrail:GetEventSelectors gave an answer that is not AWS's ({error!r})") from error

    def _in_trail(self, trail: Trail, region: str) -> tuple[list[FileChange], list[str]]:
        """The calls that a trail's log files tell of, and clauses that say what was searched."""
        is_own = trail.arn == self.facts.trail.arn
        ready = self.ready if is_own else self._prepared(trail, region)
        accounts = {ready.request.trail.account, self._aws.caller().account}
        scope = ready.request.scope
        chosen = tuple(
            one for one in scope.account_regions if one.chain.region == region and one.chain.account in accounts
        )
        if not chosen:
            raise CannotLook(f"region {region}, where the bucket is, was not looked at")
        proven: dict[ObjectName, str] = {}
        lock = Lock()

        def note(name: ObjectName, sha256: str) -> None:
            with lock:
                if len(proven) < _MOST_LOGS:
                    proven[name] = sha256

        request = replace(
            ready.request,
            scope=replace(scope, account_regions=chosen),
            period=self.wanted.period,
            is_quick=False,
            anchors={},
            on_proven=note,
            with_places=None,  # of what was chosen alone
        )
        validated = Validation(request, ready.store, ready.facts, self.pools, lambda *_done: None).run()
        whose, is_cut = f"of trail {trail.name}", len(proven) == _MOST_LOGS
        found, unread = self._changes(ready, proven, f"signed log files {whose}")
        said = [access_logs.said_of(len(proven), f"signed log file {whose}", self.wanted.period, unread, is_cut=is_cut)]
        if is_cut:  # which others are signed was not kept
            return found, said
        bad = {
            problem.subject for chain in validated.chains for problem in chain.tally.problems if problem.verdict in BAD
        }
        later = [name for name in self._listed(ready, chosen) if name not in proven and str(name) not in bad]
        if later:
            whose += " that no digest vouches for yet"
            logs = dict.fromkeys(later[:_MOST_LOGS])
            unsigned, unread = self._changes(ready, logs, f"log files {whose}")
            found += unsigned
            is_cut = len(later) > _MOST_LOGS
            said.append(access_logs.said_of(len(logs), f"log file {whose}", self.wanted.period, unread, is_cut=is_cut))
        return found, said

    def _listed(self, ready: PreparedValidation, chosen: Iterable[AccountRegion]) -> Iterator[ObjectName]:
        """The log files that were delivered in the period."""
        period = self.wanted.period
        for one in chosen:
            for location in one.locations:
                for day in days_back(period.end.date(), period.start.date()):
                    for entry in ready.store.objects(location.bucket, location.logs_on(one.chain.region, day)):
                        named = LogName.parse(entry.name)
                        if named and period.start - LOG_NAME_TELLS < named.delivered <= period.end:
                            yield entry.name

    def _changes(
        self, ready: PreparedValidation, logs: Mapping[ObjectName, str | None], source: str
    ) -> tuple[list[FileChange], int]:
        """The calls in log files that changed files, and how many of the log files could not be read.

        :param logs: each with the hash that was signed, if one was.
        """
        names, found, unread = list(logs), list[FileChange](), 0
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            reads = ready.store.read_each(some, lambda _: GzipSink(_MOST_BYTES, keep_body=True))
            for name, read in zip(some, reads, strict=True):
                signed = logs[name]
                body = read.value.body if isinstance(read, Found) and signed in (None, read.value.sha256) else None
                if body is None:
                    unread += 1
                    continue
                changes = changes_in(body, self.wanted.bucket, self.wanted.keys, source)
                found += [replace(change, is_signed=signed is not None) for change in changes]
        return found, unread

    def _prepared(self, trail: Trail, region: str) -> PreparedValidation:
        period = self.wanted.period
        options = IntegrityOptions(trail=trail.arn, region=region, start=iso(period.start), end=iso(period.end))
        return from_bucket(options, self._aws, self.ready.store, self.ready.request.now)

    def in_access_logs(self) -> tuple[list[FileChange], list[str]]:
        """The calls that the bucket's access logs tell of.

        :raises CannotLook: S3 could not be asked, or their bucket could not be listed.
        """
        bucket = self.wanted.bucket
        answer = self._aws.call("s3", "GetBucketLogging", Bucket=bucket)
        try:
            # As a rule, who may ask is of the account that owns the bucket; the trail may be another account's.
            logs = AccessLogs.of(answer, bucket, self._region(), self._aws.caller().account)
        except (LookupError, TypeError, AttributeError) as error:
            raise CannotLook(f"s3:GetBucketLogging gave an answer that is not AWS's ({error!r})") from error
        if logs is None:
            return [], [f"s3://{bucket} has no access logs"]
        try:
            found, said = access_logs.search(self.ready.store, logs, self.wanted.period, bucket, self.wanted.keys)
        except CannotLook as error:
            raise CannotLook(f"the access logs in s3://{logs.bucket} could not be listed: {error}") from error
        return found, [said]
