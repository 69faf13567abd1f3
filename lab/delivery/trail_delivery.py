"""Carries a trail's events and digests to its bucket, and remembers how that went.

Knows neither the emulator nor the time of day: the clock and the way into a bucket are given to it.
"""

import dataclasses
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lab.clock import Clock
from lab.delivery.digest import SIGNATURE_ALGORITHM, Period, digest
from lab.delivery.journal import Chain, Journal, Prepared
from lab.delivery.log_file import log_file
from lab.delivery.signing_key import SigningKey, new_signing_key
from lab.delivery.trail import Stream, Trail

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html: CloudTrail
# tries for thirty days to deliver to a bucket that it cannot reach.
RETRY_SECONDS = 30 * 24 * 3600
_MOST_EVENTS = 10_000
_MOST_BYTES = 8 * 1024 * 1024
# How the records of calls that CloudTrail makes to deliver begin: further on in a record stands what callers wrote.
_OF_DELIVERY = re.compile(
    r'\{"eventVersion":"[0-9.]+","userIdentity":\{"type":"AWSService","invokedBy":"cloudtrail\.amazonaws\.com"\}'
)
_LETTERS = string.ascii_letters + string.digits


class DeliveryFailed(Exception):
    """A bucket did not take a file; `code` is the S3 error."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


class Write(Protocol):
    """Writes one object as CloudTrail, with metadata, for a trail and a region."""

    def __call__(self, trail: Trail, region: str, key: str, content: bytes, metadata: Mapping[str, str]) -> None:
        """Writes it.

        :raises DeliveryFailed: the policy of the bucket or the key does not allow it.
        """


@dataclass(frozen=True, slots=True)
class TrailDelivery:
    """Delivers for any trail.

    :param digest_seconds: how long a digest's period is.
    """

    journal: Journal
    clock: Clock
    digest_seconds: int
    write: Write

    def deliver(self, trail: Trail, *, ends_period: bool) -> None:
        """Delivers what waits, and the digests whose period is over; of a trail that does not log, the last ones.

        :param ends_period: ends every period now.
        """
        for prepared in self.journal.prepared():
            if prepared.stream.trail == trail.arn:  # the disk was full when it was, or was to be, written
                self.put(trail, prepared)
        regions = [stream.region for stream in self.journal.streams_with_events() if stream.trail == trail.arn]
        # One moment for all regions, however long it takes: their digests end together and sign for what came before.
        moment = self.clock.now()
        if trail.validates_log_files:
            # A trail may be stopped before anything was delivered: its last digests are then its first ones.
            for region in self._regions_of_chains(trail, regions):
                stream = Stream(trail.arn, region)
                # CloudTrail has digests of every region from the first hour on. The lab begins where something happens,
                # and so the first digest of a region covers all the time before.
                last_end = self.journal.notes.status(stream).digest_end_seconds
                since = (not last_end and trail.first_since_seconds) or trail.chain_since_seconds
                self.journal.begin_chain(stream, max(since, last_end or 0))
        failed = {region for region in regions if not self._deliver_logs(trail, region, moment)}
        for region, chain in self.journal.chains(trail.arn).items():
            # The last digest waits for the last log files; any other one lists what was delivered in its period.
            if trail.is_logging or region not in failed:
                self._deliver_digest(trail, region, chain, int(moment.timestamp()), ends_period=ends_period)

    def _regions_of_chains(self, trail: Trail, active: Iterable[str]) -> set[str]:
        """Where the trail has a chain to begin, if it has none: where something happens, and where digests came before,
        for CloudTrail delivers one for every time of logging, however short and quiet.

        :param active: the regions with events that wait.
        """
        last_digests = self.journal.notes.digests(trail.arn) if trail.is_multi_region else {}
        if trail.is_logging:
            return {trail.home_region, *active, *last_digests}
        unfinished = (region for region, end in last_digests.items() if end <= trail.chain_since_seconds)
        return {*active, *unfinished}

    def put(self, trail: Trail, prepared: Prepared) -> bool:
        """Writes a prepared file; False when the bucket does not take it, and then all is as before."""
        file, is_digest = prepared.file, prepared.signature is not None
        signed = {"signature": prepared.signature or "", "signature-algorithm": SIGNATURE_ALGORITHM}
        try:
            self.write(trail, prepared.stream.region, file.key, file.content, signed if is_digest else {})
        except DeliveryFailed as failed:
            self.journal.abandoned(prepared)
            self._tell(prepared, error=failed.code)
            return False
        self.journal.written(prepared)
        self._tell(prepared, error="")
        return True

    def key_at(self, region: str, seconds: int) -> SigningKey:
        """The key pair that signs a region's digests at a moment, which is about now; made when there is none."""
        valid = self.journal.signing_keys(region, seconds, seconds)
        if valid:
            return valid[0]
        made = new_signing_key(region, seconds)
        self.journal.add_signing_key(made)
        return made

    def _deliver_logs(self, trail: Trail, region: str, moment: datetime) -> bool:
        stream = Stream(trail.arn, region)
        while True:
            events, last = self.journal.events(stream, _MOST_EVENTS, _MOST_BYTES)
            # What CloudTrail does to deliver is recorded as well, and goes with what others do: on its own it would be
            # a reason for the next delivery, and that one for another, for ever.
            if not events or (trail.is_logging and all(_OF_DELIVERY.match(event.record) for event in events)):
                return True
            unique = "".join(secrets.choice(_LETTERS) for _ in range(16))
            made = log_file(trail, region, events, moment, unique)
            if not self.put(trail, self.journal.prepare_log(stream, made, last)):
                self.journal.forget_events(trail.arn, self._now() - RETRY_SECONDS)
                return False

    def _deliver_digest(self, trail: Trail, region: str, chain: Chain, now: int, *, ends_period: bool) -> None:
        stream = Stream(trail.arn, region)
        if trail.is_logging and not trail.validates_log_files:
            self.journal.end_chain(stream)
            return
        elapsed = now - chain.since_seconds
        if trail.is_logging and elapsed < (1 if ends_period else self.digest_seconds):
            return
        # A digest is named after the second in which it ends, which must not be that of the one before.
        period = Period(chain.since_seconds, max(now, chain.since_seconds + 1))
        logs = self.journal.logs(stream)
        made = digest(trail, region, period, logs, chain.previous, self.key_at(region, now))
        is_delivered = self.put(trail, self.journal.prepare_digest(stream, made, period.end_seconds))
        if not trail.is_logging and (is_delivered or elapsed >= RETRY_SECONDS):
            self.journal.end_chain(stream)

    def _tell(self, prepared: Prepared, *, error: str) -> None:
        stream = prepared.stream
        status, now = self.journal.notes.status(stream), self._now()
        if prepared.signature is not None:
            status = dataclasses.replace(status, digest_error=error)
            if not error:
                status = dataclasses.replace(status, digest_seconds=now, digest_end_seconds=prepared.end_seconds)
        else:
            seconds = status.log_seconds if error else now
            status = dataclasses.replace(status, log_error=error, log_seconds=seconds, log_attempt_seconds=now)
        self.journal.notes.set_status(stream, status)

    def _now(self) -> int:
        return int(self.clock.now().timestamp())
