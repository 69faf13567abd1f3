"""CloudTrail's statements, saved in a file: no AWS call is made for a copy in a folder."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.errors import UsageError
from verify.integrity.digests.public_keys import KeyRing, PublicKey
from verify.integrity.timeline.gaps import LoggingHistory, NoStatus, TrailStatus

_MAX_BYTES = 16 * 2**20
_OFFLINE = "AWS was not asked, as the files are a copy"


@dataclass(frozen=True, slots=True)
class SavedFacts:
    """Facts for a copy.

    :param ring: keys of all regions; a fingerprint is unique among them.
    """

    ring: KeyRing

    def keys(self, region: str) -> KeyRing:  # noqa: ARG002 - the interface's
        """See :class:`verify.integrity.facts.Facts`."""
        return self.ring

    def status(self, region: str) -> TrailStatus | NoStatus:  # noqa: ARG002
        """See :class:`verify.integrity.facts.Facts`."""
        return NoStatus(_OFFLINE)

    def history(self) -> LoggingHistory:
        """See :class:`verify.integrity.facts.Facts`."""
        return LoggingHistory(unknown_because=_OFFLINE)


def load_keys(path: Path | None) -> KeyRing:
    """Read what ``aws cloudtrail list-public-keys`` printed.

    :raises UsageError: the file is not there or is something else.
    """
    if path is None:
        return KeyRing(unknown_because="name a file with the public keys (--keys)")
    try:
        with path.open("rb") as file:
            fields = json.loads(file.read(_MAX_BYTES))
        return KeyRing.of(key_from(entry) for entry in fields["PublicKeyList"])
    except OSError as error:
        raise UsageError(f"--keys {str(path)!r} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"--keys {str(path)!r} cannot be used. "
            "It must be what 'aws cloudtrail list-public-keys --start-time … --end-time …' prints."
        ) from error


def key_from(entry: Any) -> PublicKey:
    """A key as JSON has it.

    :raises ValueError: a field is missing or of another form.
    """
    try:
        return PublicKey(
            str(entry["Fingerprint"]),
            base64.b64decode(entry["Value"], validate=True),
            _moment(entry["ValidityStartTime"]),
            _moment(entry["ValidityEndTime"]),
        )
    except (KeyError, TypeError, binascii.Error, OverflowError) as error:
        raise ValueError(f"a public key in it is incomplete: {error!r}") from error


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
