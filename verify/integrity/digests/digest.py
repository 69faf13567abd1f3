"""Digest files, read strictly and within bounds.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from verify.storage.objects import ObjectName

_SHA256 = re.compile("[0-9a-fA-F]{64}")
_SIGNATURE = re.compile("(?:[0-9a-fA-F]{2}){64,1024}")
_FINGERPRINT = re.compile("[0-9a-fA-F]{32}")
_MOMENT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_PREVIOUS = (
    "previousDigestS3Bucket",
    "previousDigestS3Object",
    "previousDigestHashValue",
    "previousDigestHashAlgorithm",
    "previousDigestSignature",
)
_MAX_LOGS = 100_000
_FIRST_YEAR, _LAST_YEAR = 2006, 2200  # of AWS; of what a calendar can add to


class NotADigest(ValueError):
    """The content is not a digest file's; the message says what is wrong as a clause."""


class LogReference(Struct, frozen=True):
    """A log file that a digest lists."""

    name: ObjectName
    sha256: str


class Link(Struct, frozen=True):
    """What a digest says about the one before it."""

    name: ObjectName
    sha256: str
    signature: str


class Digest(Struct, frozen=True):
    """A digest file's statement. Not to be relied on before its signature is verified.

    :param name: where CloudTrail delivered it.
    :param end_text: ``digestEndTime`` as written; it is part of what is signed.
    :param fingerprint: of the key that it is signed with, in lower case.
    :param previous: ``None`` for a starting digest.
    """

    account: str
    name: ObjectName
    start: datetime
    end: datetime
    end_text: str
    fingerprint: str
    previous: Link | None
    logs: tuple[LogReference, ...]


def parse_digest(body: bytes | bytearray) -> Digest:
    """Read a digest file's uncompressed content.

    :raises NotADigest: it is not JSON, a field is missing, doubled or of another form, or there are too many logs.
    """
    fields = _fields(body)
    if _text(fields, "digestSignatureAlgorithm") != "SHA256withRSA":
        raise NotADigest("its digestSignatureAlgorithm is not SHA256withRSA")
    end_text = _text(fields, "digestEndTime", _MOMENT)
    start, end = _moment(_text(fields, "digestStartTime", _MOMENT)), _moment(end_text)
    if start > end:
        raise NotADigest("its digestStartTime is after its digestEndTime")
    logs = fields.get("logFiles")
    if not isinstance(logs, list) or len(logs) > _MAX_LOGS:
        raise NotADigest(f"its logFiles is not a list of at most {_MAX_LOGS}")
    return Digest(
        account=_text(fields, "awsAccountId"),
        name=ObjectName(_text(fields, "digestS3Bucket"), _text(fields, "digestS3Object")),
        start=start,
        end=end,
        end_text=end_text,
        fingerprint=_text(fields, "digestPublicKeyFingerprint", _FINGERPRINT).lower(),
        previous=_link(fields),
        logs=tuple(_log(entry) for entry in logs),
    )


def _fields(body: bytes | bytearray) -> Mapping[str, Any]:
    try:
        fields = _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise NotADigest("it is not JSON" if not isinstance(error, NotADigest) else str(error)) from error
    if not isinstance(fields, dict):
        raise NotADigest("it is not a JSON object")
    return fields


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NotADigest("it names a field twice")
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_without_doubles)


def _link(fields: Mapping[str, Any]) -> Link | None:
    values = [fields.get(name) for name in _PREVIOUS]
    if "previousDigestSignature" in fields and all(value is None for value in values):
        return None
    if _text(fields, "previousDigestHashAlgorithm") != "SHA-256":
        raise NotADigest("its previousDigestHashAlgorithm is not SHA-256")
    return Link(
        ObjectName(_text(fields, "previousDigestS3Bucket"), _text(fields, "previousDigestS3Object")),
        _text(fields, "previousDigestHashValue", _SHA256).lower(),
        _text(fields, "previousDigestSignature", _SIGNATURE),
    )


def _log(entry: object) -> LogReference:
    if not isinstance(entry, dict):
        raise NotADigest("an entry of its logFiles is not an object")
    if entry.get("hashAlgorithm") != "SHA-256":
        _text(entry, "hashAlgorithm")
        raise NotADigest("a hashAlgorithm in its logFiles is not SHA-256")
    name = ObjectName(_text(entry, "s3Bucket"), _text(entry, "s3Object"))
    return LogReference(name, _text(entry, "hashValue", _SHA256).lower())


def _text(fields: Mapping[str, Any], name: str, form: re.Pattern[str] | None = None) -> str:
    value = fields.get(name)
    # S3 keys are at most 1,024 bytes long; signatures are the longest field.
    if not isinstance(value, str) or not value or len(value) > 2048:
        raise NotADigest(f"its {name} is missing or not a text of a sensible length")
    if not (value.isascii() or _is_unicode(value)):
        raise NotADigest(f"its {name} is not Unicode, as no name of an object can be")
    if form is not None and form.fullmatch(value) is None:
        raise NotADigest(f"its {name} is not of the documented form")
    return value


def _is_unicode(value: str) -> bool:
    """Whether a text can be written: JSON can name half a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotADigest("one of its times does not exist") from error
    if not is_plausible(moment):
        raise NotADigest("one of its times is not of CloudTrail's age")
    return moment


def is_plausible(moment: datetime) -> bool:
    """Whether a time can be one of CloudTrail's, and can be reckoned with."""
    return _FIRST_YEAR <= moment.year <= _LAST_YEAR
