"""How often a chain's digests come: every hour on AWS, and more often where another endpoint signs more often."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from statistics import median_high

from verify.integrity.digests.digest_file import DigestFile, Seal
from verify.integrity.timeline.gaps import HOUR
from verify.storage.layout import LOG_NAME_TELLS

_ENOUGH = 3


def interval_of(files: Iterable[DigestFile]) -> timedelta:
    """How much time one of these digests usually covers, from a minute to an hour; an hour when they are too few.

    Only signed ones count, and of these not the first of a chain: it covers what is left of its interval.
    """
    digests = [file.digest for file in files if file.seal is Seal.HOLDS and file.digest and file.digest.previous]
    if len(digests) < _ENOUGH:
        return HOUR
    return max(min(median_high(digest.end - digest.start for digest in digests), HOUR), LOG_NAME_TELLS)
