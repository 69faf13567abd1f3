"""What one digest file is, looked at by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from msgspec import Struct
from msgspec.structs import replace

from verify.integrity.digests.digest import Digest, Link, NotADigest, is_plausible, parse_digest
from verify.integrity.digests.public_keys import KeyRing
from verify.integrity.origin import TRAIL_BUCKET, Origin
from verify.storage.gzip_content import Content
from verify.storage.layout import DigestName
from verify.storage.objects import Found, ObjectName, ReadResult, Unreadable

# CloudTrail may sign with the key that follows, when keys change between the end of an hour and its digest.
# https://github.com/aws/aws-cli/pull/10073
SIGNED_WITHIN = timedelta(hours=2)
KEY_IS_NEEDED = "is needed to check its signature"  # of a reason: whoever reads it can be told how to get it
_BACKFILL_TOLERANCE = timedelta(hours=1)
_COVERED = timedelta(hours=1)  # by a digest, but for the minutes after a stop


class SignatureStatus(Enum):
    """What is known of a digest file's signature."""

    VALID = auto()
    VALID_IN_SUCCESSOR = auto()  # missing or invalid, but the copy of it in the digest after it is valid
    MISSING = auto()
    INVALID = auto()  # it is not CloudTrail's signature of this content
    NO_KEY = auto()  # the public key to check it with is not known
    MALFORMED = auto()  # the content is not a digest, or it is another object's
    FILE_MISSING = auto()
    UNREADABLE = auto()  # the file could not be read


class DigestFile(Struct, frozen=True):
    """A digest file as it was found.

    :param digest: what it states, if it can be understood at all; to be believed only when it is proven.
    :param why: a clause that explains the signature's status.
    :param signed_between: when CloudTrail must have signed it, for a digest that can be understood.
    """

    named: DigestName
    digest: Digest | None
    sha256: str
    signature: str
    signature_status: SignatureStatus
    why: str
    last_modified: datetime | None = None
    signed_between: tuple[datetime, datetime] | None = None

    @property
    def name(self) -> ObjectName:
        """The object."""
        return self.named.name


def check_digest_file(
    named: DigestName, result: ReadResult[Content], keys: KeyRing, origin: Origin = TRAIL_BUCKET
) -> DigestFile:
    """Judge a digest file by its own signature.

    :param keys: of the region that the digest covers.
    :param origin: where the file is from.
    """
    if not isinstance(result, Found):
        if isinstance(result, Unreadable):
            return DigestFile(named, None, "", "", SignatureStatus.UNREADABLE, str(result.error))
        return DigestFile(named, None, "", "", SignatureStatus.FILE_MISSING, "it is not there")
    signature = result.metadata.get("signature", "")
    content = result.value

    def file(digest: Digest | None, status: SignatureStatus, why: str = "") -> DigestFile:
        return DigestFile(named, digest, content.sha256, signature, status, why, result.last_modified)

    if content.flaw is not None or content.body is None:
        return file(None, SignatureStatus.MALFORMED, str(content.flaw))
    try:
        digest = parse_digest(content.body)
    except NotADigest as error:
        return file(None, SignatureStatus.MALFORMED, str(error))
    if not origin.is_stated_at(digest.name, named.name):
        return file(None, SignatureStatus.MALFORMED, f"it holds the digest that was delivered as {digest.name}")
    generated = result.metadata.get("backfill-generation-timestamp")
    times = _signed_between(named, digest, generated, origin.last_written(result.last_modified, digest.end))
    status, why = _signature_status(digest, result, keys, *times)
    return replace(file(digest, status, why), signed_between=times)


def _signature_status(
    digest: Digest, result: Found[Content], keys: KeyRing, first: datetime, last: datetime
) -> tuple[SignatureStatus, str]:
    key = keys.named(digest.fingerprint)
    signature = result.metadata.get("signature", "")
    if not signature:
        gone = "its signature (x-amz-meta-signature) is gone"
        lacks_key = key is None and not keys.is_complete
        return SignatureStatus.MISSING, f"{gone}, and {_needs(digest, keys)}" if lacks_key else gone
    if key is None:
        return _no_key(digest, keys, first, last)
    if not key.is_valid_between(first, last):
        return SignatureStatus.INVALID, f"key {digest.fingerprint} was not in use at that time"
    if not keys.has_signed(digest, result.value.sha256, signature):
        return SignatureStatus.INVALID, "the signature is not CloudTrail's signature of this content"
    return SignatureStatus.VALID, ""


def _no_key(digest: Digest, keys: KeyRing, first: datetime, last: datetime) -> tuple[SignatureStatus, str]:
    if digest.fingerprint in keys.rejected:
        return SignatureStatus.NO_KEY, f"key {digest.fingerprint} as listed is not the key of that fingerprint"
    if keys.is_complete and any(other.is_valid_between(first, last) for other in keys.keys):
        return SignatureStatus.INVALID, f"CloudTrail lists no key {digest.fingerprint} for that region and time"
    return SignatureStatus.NO_KEY, _needs(digest, keys)


def _needs(digest: Digest, keys: KeyRing) -> str:
    why = keys.unknown_because or "it is not among the known keys"
    return f"public key {digest.fingerprint} {KEY_IS_NEEDED}: {why}"


def _signed_between(
    named: DigestName, digest: Digest, generated: str | None, written: datetime
) -> tuple[datetime, datetime]:
    """When CloudTrail must have signed it: after the hour that it covers began, and before it was written.

    The last digest of a chain may cover minutes more than an hour: that makes no key last longer.
    A backfill digest is signed late: its metadata says when, and nobody signed that. Whatever they say, no digest is
    signed before what it covers began.
    """
    began = max(digest.start, digest.end - _COVERED)
    if not named.chain.is_backfill:
        return began, max(digest.end + SIGNED_WITHIN, written)
    try:
        moment = datetime.fromisoformat(generated or "")
        if moment.tzinfo is not None and is_plausible(moment):
            first = max(moment - _BACKFILL_TOLERANCE, began)
            return first, max(moment + _BACKFILL_TOLERANCE, first)
    except (ValueError, OverflowError, TypeError):
        pass
    return began, digest.end + timedelta(days=365)


def with_successor_signature(file: DigestFile, link: Link | None, keys: KeyRing) -> DigestFile:
    """Try the copy of a digest's signature that the digest after it holds.

    An RSA signature proves what it signs whoever kept it, so the digest after it need not be proven itself. It proves
    no more there than in the digest's own metadata: a key that was not in use then has leaked, wherever it signed.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
    """
    if (
        file.signature_status not in (SignatureStatus.MISSING, SignatureStatus.INVALID)
        or file.digest is None
        or link is None
        or file.signed_between is None
    ):
        return file
    key = keys.named(file.digest.fingerprint)
    if key is None or not key.is_valid_between(*file.signed_between):
        return file
    if not keys.has_signed(file.digest, file.sha256, link.signature):
        return file
    why = f"{file.why}; the copy of its signature in the digest after it proves it"
    return replace(file, signature=link.signature, signature_status=SignatureStatus.VALID_IN_SUCCESSOR, why=why)
