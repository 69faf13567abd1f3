"""The facts of an incident, and when an answer is right: facts are compared, never words."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

# A call is written down by its second, and people read a clock by its minute.
TOLERANCE = timedelta(seconds=60)


class Kind(StrEnum):
    """What a fact is: decides how it is written and compared."""

    NAME = "name"
    ADDRESS = "address"
    TIME = "time"
    COUNT = "count"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `name` is what a learner types in front of `=`; `value` is the solution."""

    name: str
    question: str
    kind: Kind
    value: str

    def is_right(self, text: str) -> bool:
        """Whether an answer names this fact.

        :raises ValueError: it is no answer to such a question; the text says what is one.
        """
        given, right = read(self.kind, text), read(self.kind, self.value)
        if isinstance(given, datetime) and isinstance(right, datetime):
            return abs(given - right) <= TOLERANCE
        return given == right


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a fact was answered wrongly, and whether it was found, which ends the counting. `is_told` means that
    the solution was shown before it was found.
    """

    wrong: int = 0
    is_found: bool = False
    is_told: bool = False

    def after(self, *, is_right: bool) -> "Tries":
        """These and one more."""
        if self.is_found:
            return self
        return Tries(self.wrong + (not is_right), is_right, self.is_told)

    def told(self) -> "Tries":
        """The solution is shown now."""
        return self if self.is_found else Tries(self.wrong, is_found=False, is_told=True)


def points(tries: Mapping[str, Tries]) -> int:
    """The score, of 100: every fact is worth the same, found at the second try half of it, at the third a third; and
    nothing once the solution was shown.
    """
    earned = sum(1 / (each.wrong + 1) for each in tries.values() if each.is_found and not each.is_told)
    return round(100 * earned / len(tries)) if tries else 0


def read(kind: Kind, text: str) -> object:
    """An answer as a value that can be compared.

    :raises ValueError: it is none of this kind; the text says what would be one.
    """
    read_it, example = _READERS[kind]
    cleaned = text.strip().strip("`'\"*_").strip().rstrip(".,;")
    try:
        return read_it(cleaned)
    except ValueError as error:
        raise ValueError(f"{text!r} is no {kind}, such as {example}") from error


def _name(text: str) -> str:
    """The name alone, of a bucket, role or user that was given by its ARN or address."""
    if text.startswith("s3://"):
        text = text.removeprefix("s3://").partition("/")[0]
    elif text.startswith("arn:"):
        _, _, service, _, _, rest = [*text.split(":", 5), "", "", "", "", ""][:6]
        parts = rest.split("/")
        # assumed-role/ROLE/SESSION, role/PATH/ROLE, user/USER, BUCKET/KEY
        text = parts[0] if service == "s3" else parts[1] if parts[0] == "assumed-role" else parts[-1]
    if not text:
        raise ValueError
    return text


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(re.sub(r"\s*(UTC|GMT|Z)$", "+00:00", text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _count(text: str) -> int:
    digits = re.sub(r"[,'_ ](?=\d{3})", "", text)
    if not digits.isascii() or not digits.isdecimal():
        raise ValueError
    return int(digits)


def _file(text: str) -> str:
    name = text.rpartition("/")[2]
    if not name:
        raise ValueError
    return name


_READERS: Mapping[Kind, tuple[Callable[[str], object], str]] = {
    Kind.NAME: (_name, "billing, or its ARN"),
    Kind.ADDRESS: (ipaddress.ip_address, "192.0.2.1"),
    Kind.TIME: (_time, "2026-07-01T06:00:00Z (UTC; a minute early or late is right)"),
    Kind.COUNT: (_count, "120"),
    Kind.FILE: (_file, "an object's key, or the last part of it"),
}
