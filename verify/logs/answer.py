"""What an answer rests on: what was read, what was not and why, and whether that is all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MAX_NAMED = 20


def grouped(sayings: Iterable[tuple[str, str, str]]) -> list[str]:
    """Sentences about accounts and regions; what is said of several regions of an account is said once.

    :param sayings: account, region and sentence.
    """
    regions: dict[tuple[str, str], list[str]] = {}
    for account, region, sentence in sayings:
        regions.setdefault((account, sentence), []).append(region)
    return [
        f"{' '.join(filter(None, (account, ', '.join(filter(None, dict.fromkeys(of))))))}: {sentence}".removeprefix(
            ": "
        )
        for (account, sentence), of in regions.items()
    ]


@dataclass(frozen=True, slots=True)
class Unread:
    """A file of which not all could be read."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on.

    :param source: where the files are.
    :param period: the times between which events were looked for; ``None`` for all there is.
    :param days: the days whose files were read, as ``2026/01/31``.
    :param events: how many events lie in the period.
    :param unread: files of which not all could be read; of very many only the first.
    :param unread_count: how many they are.
    :param unreadable_records: records that could not be read.
    :param replaced_records: records that are shown with something replaced.
    :param holes: why the answer may lack events, each as a sentence.
    :param notices: what the reader must know beside that.
    :param read: of an answer from proven files alone, how many files and events were read to find them; ``None`` where
        nobody asked whether the files are CloudTrail's.
    """

    source: str
    period: tuple[datetime, datetime] | None
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    days: tuple[str, ...]
    files: int
    size_bytes: int
    events: int
    unread: tuple[Unread, ...] = ()
    unread_count: int = 0
    unreadable_records: int = 0
    replaced_records: int = 0
    holes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    read: tuple[int, int] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all files of the period were read, every one as a whole."""
        return bool(self.files) and not (
            self.unread_count or self.unreadable_records or self.replaced_records or self.holes
        )

    @property
    def exit_code(self) -> int:
        """0 if the answer rests on all that it should; else 3."""
        return 0 if self.is_whole else 3
