"""Walks a chain of digests from the newest to the oldest. Pure: files go in, verdicts come out.

Every digest names its predecessor by location, hash and signature. A digest is proven by its own signature or by the
link of a proven successor, and it must agree with both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from verify.integrity.digests.digest import Digest, Link
from verify.integrity.digests.digest_file import DigestFile, SignatureStatus, with_successor_signature
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.origin import TRAIL_BUCKET, Origin, lie_apart
from verify.integrity.timeline.timeline import Period
from verify.integrity.timeline.verdict import Verdict
from verify.storage.layout import DigestName
from verify.storage.objects import ObjectName


class GapKind(StrEnum):
    """Why a time has no digest."""

    LINKED = "the chain itself proves that CloudTrail signed no digest in between"
    RESTART = "a new chain starts after it"
    BROKEN = "the chain is broken there"


class Gap(Struct, frozen=True):
    """A time between two proven digests.

    :param verdict: for a broken chain, what broke it.
    :param older: the proven digest before it.
    """

    start: datetime
    end: datetime
    kind: GapKind
    verdict: Verdict
    older: Digest


class JudgedDigest(Struct, frozen=True):
    """A digest's verdict.

    :param digest: what it states; only for a proven one.
    :param unproven: what an unproven one states, so that its logs can be told from those that no digest lists.
    :param reason: a clause; for a valid digest, how it was proven if not by its own signature.
    """

    name: ObjectName
    end: datetime
    verdict: Verdict
    reason: str
    digest: Digest | None = None
    unproven: Digest | None = None
    last_modified: datetime | None = None
    sha256: str = ""

    @property
    def covered(self) -> Period | None:
        """What it signs for, when it is proven."""
        return Period(self.digest.start, self.digest.end) if self.digest else None

    @property
    def title(self) -> str:
        """As ``s3://bucket/key``."""
        return str(self.name)


_VERDICTS = {
    SignatureStatus.INVALID: Verdict.ALTERED,
    SignatureStatus.MALFORMED: Verdict.ALTERED,
    SignatureStatus.NO_KEY: Verdict.UNPROVEN,
    SignatureStatus.UNREADABLE: Verdict.UNPROVEN,
}
_SIGNED = (SignatureStatus.VALID, SignatureStatus.VALID_IN_SUCCESSOR)
_MAX_CLAIMS = 1000


class _Batch:
    """Digest files still to be judged, newest first."""

    def __init__(self, files: Iterable[DigestFile], identity: Callable[[ObjectName], str]) -> None:
        self._identity = identity
        self._seen: set[str] = set()
        self._files: list[DigestFile] = []
        self.add(files)

    def has_seen(self, name: ObjectName) -> bool:
        return self._identity(name) in self._seen

    def add(self, files: Iterable[DigestFile]) -> None:
        for file in files:
            if not self.has_seen(file.name):
                self._seen.add(self._identity(file.name))
                self._files.append(file)
        self._files.sort(key=lambda file: file.named.end)

    def newest(self) -> DigestFile | None:
        return self._files.pop() if self._files else None


class ChainWalk:
    """The state between one batch of digests and the next, older one.

    :param origin: where the files are from.
    """

    def __init__(self, keys: KeyRing, origin: Origin = TRAIL_BUCKET) -> None:
        self._keys = keys
        self._origin = origin
        self._newest: datetime | None = None
        self._expected: Link | None = None
        self._follower: ObjectName | None = None
        self._claims: dict[str, Link] = {}
        self._gap_kind = GapKind.BROKEN
        self._gap_verdict = Verdict.PROVEN
        self.oldest_start: datetime | None = None

    @property
    def expected(self) -> ObjectName | None:
        """The digest that must come next, if the last one was proven and named one."""
        return self._expected.name if self._expected else None

    @property
    def before_oldest(self) -> tuple[GapKind, Verdict]:
        """What lies before the oldest digest taken so far, if nothing older comes."""
        # A predecessor that is still to come ended before the time that was looked at.
        return (GapKind.LINKED, Verdict.PROVEN) if self._expected else (self._gap_kind, self._gap_verdict)

    def take(
        self,
        files: Iterable[DigestFile],
        since: datetime,
        fetch: Callable[[ObjectName], Iterable[DigestFile]],
    ) -> Iterator[JudgedDigest | Gap]:
        """Judge the next older batch: newest first, the gap before a digest ahead of the digest.

        :param files: the digest files of a period of time, in any order.
        :param since: where that period begins.
        :param fetch: finds a digest of that period that the chain names and that is not among the files. It answers
            with that digest, also when it is absent, and may add others of the same period.
        """
        batch = _Batch(files, self._identity)
        while (file := self._next(batch, since, fetch)) is not None:
            if file.signature_status is SignatureStatus.FILE_MISSING and not self._is_expected(file):
                continue
            self._remember(file)
            if file.signature_status is not SignatureStatus.FILE_MISSING:
                self._newest = self._newest or file.named.end
            yield from self._judge(
                with_successor_signature(file, self._claims.pop(self._identity(file.name), None), self._keys)
            )

    def _next(
        self, batch: _Batch, since: datetime, fetch: Callable[[ObjectName], Iterable[DigestFile]]
    ) -> DigestFile | None:
        expected = self._expected
        named = DigestName.parse(expected.name) if expected else None
        if expected and named and named.end >= since and not batch.has_seen(expected.name):
            batch.add(fetch(expected.name))
        return batch.newest()

    def _remember(self, file: DigestFile) -> None:
        """Keep what a digest, proven or not, claims the signature before it to be."""
        if file.digest is not None and file.digest.previous is not None and len(self._claims) < _MAX_CLAIMS:
            link = file.digest.previous
            self._claims.setdefault(self._identity(link.name), link)

    def _is_expected(self, file: DigestFile) -> bool:
        return self._expected is not None and self._identity(self._expected.name) == self._identity(file.name)

    def _identity(self, name: ObjectName) -> str:
        return self._origin.identity(name)

    def _judge(self, file: DigestFile) -> Iterator[JudgedDigest | Gap]:
        link = self._expected
        if link is not None and not self._is_expected(file):
            yield self._judge_outside_chain(file)
            return
        verdict, reason = self._verdict(file, link)
        if verdict is Verdict.PROVEN and file.digest is not None and not _leads_back(file.digest):
            verdict, reason = (
                Verdict.UNPROVEN,
                "it is signed, but what it names as its predecessor is not an older digest",
            )
        if verdict is not Verdict.PROVEN or file.digest is None:
            yield JudgedDigest(
                file.name, file.named.end, verdict, reason, unproven=file.digest, last_modified=file.last_modified
            )
            self._break(verdict, file.named.end)
            return
        proven = file.digest
        if self.oldest_start is not None and proven.end < self.oldest_start:
            kind = GapKind.LINKED if link else self._gap_kind
            yield Gap(proven.end, self.oldest_start, kind, self._gap_verdict, proven)
        yield JudgedDigest(
            file.name, file.named.end, verdict, reason, proven, last_modified=file.last_modified, sha256=file.sha256
        )
        self.oldest_start = proven.start if self.oldest_start is None else min(proven.start, self.oldest_start)
        self._follow(proven)

    def _verdict(self, file: DigestFile, link: Link | None) -> tuple[Verdict, str]:
        is_signed = file.signature_status in _SIGNED
        if link is None or file.digest is None:
            if is_signed:
                return Verdict.PROVEN, file.why
            if file.signature_status is SignatureStatus.FILE_MISSING:
                is_apart = link is not None and self._follower is not None and lie_apart(link.name, self._follower)
                return self._origin.absent(file.named.end, self._newest, is_apart=is_apart)
            return (
                self._origin.lost_signature
                if file.signature_status is SignatureStatus.MISSING
                else _VERDICTS[file.signature_status]
            ), file.why
        if file.sha256 == link.sha256 and (not is_signed or file.signature.lower() == link.signature.lower()):
            how = "" if is_signed else "; the hash of it that the digest after it holds proves it"
            return Verdict.PROVEN, file.why + how
        if is_signed:
            return Verdict.ALTERED, "it is signed, but it is not the digest that its successor links to"
        return Verdict.ALTERED, file.why

    def _judge_outside_chain(self, file: DigestFile) -> JudgedDigest:
        """A digest between two neighbours of the chain."""
        if file.signature_status is SignatureStatus.UNREADABLE:
            return JudgedDigest(file.name, file.named.end, Verdict.UNPROVEN, file.why)
        if file.signature_status in _SIGNED:
            reason, verdict = "it is signed, but no digest of the chain links to it", Verdict.UNPROVEN
        else:
            reason, verdict = f"no digest of the chain links to it, and {file.why}", Verdict.FOREIGN
        return JudgedDigest(file.name, file.named.end, verdict, reason, unproven=file.digest)

    def _break(self, verdict: Verdict, end: datetime) -> None:
        self._expected = None
        self._gap_kind, self._gap_verdict = GapKind.BROKEN, verdict
        self.oldest_start = self.oldest_start or end

    def _follow(self, digest: Digest) -> None:
        self._follower = digest.name
        if digest.previous is None:
            self._expected, self._gap_kind, self._gap_verdict = None, GapKind.RESTART, Verdict.PROVEN
        else:
            self._expected, self._gap_kind, self._gap_verdict = digest.previous, GapKind.BROKEN, Verdict.MISSING


def _leads_back(digest: Digest) -> bool:
    """Whether the link names an older digest: following any other could go in circles."""
    if digest.previous is None:
        return True
    named = DigestName.parse(digest.previous.name)
    return named is not None and named.end < digest.end
