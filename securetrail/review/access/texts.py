"""Which texts to try, so that every combination of answers that some text gives to a set of patterns is among them.

The patterns are run side by side over all texts at once, as one automaton whose states are sets of places in the
patterns, the bits of a number. For each set of patterns that can match together, the shortest text is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

# A letter that no policy has: it stands for every letter that no pattern names. The same as in verify.policy.probes.
OTHER: Final = "\U000f0000"
_MOST_STATES: Final = 8_000
_COLONS_OF_AN_ARN: Final = 5


class TooManyTexts(ValueError):
    """The patterns overlap in too many ways to try each."""


class Form(Enum):
    """How a pattern is compared with a text."""

    EQUAL = "equal"
    EQUAL_IGNORING_CASE = "equal, ignoring case"
    LIKE = "with wildcards"
    ARN = "with wildcards that stop at the first five colons"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text in a policy and how it is compared."""

    form: Form
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text that stands for all that the same patterns match.

    :param matched: the patterns that match it, without the one that every text matches.
    """

    value: str
    matched: frozenset[Pattern]


def texts(patterns: Iterable[Pattern], within: Pattern) -> tuple[Text, ...]:
    """For each set of the patterns that some text matches, and no other pattern does, the shortest such text.

    :param patterns: one with a policy variable is left out: what it matches is not decided by the text.
    :param within: what every text matches.
    :raises TooManyTexts: there are too many ways in which the patterns overlap.
    """
    return _texts(frozenset(pattern for pattern in patterns if "${" not in pattern.text), within)


@lru_cache(maxsize=512)
def _texts(patterns: frozenset[Pattern], within: Pattern) -> tuple[Text, ...]:
    ordered = [within, *sorted(patterns - {within}, key=lambda pattern: (pattern.text, pattern.form.value))]
    automaton = _Automaton(ordered)
    found: dict[int, str] = {}
    # Not the start: a text that is not empty may lead back to it, as any text does where all patterns are stars.
    seen: set[int] = set()
    queue = [(automaton.start, "")]
    for state, text in queue:
        accepted = state & automaton.accepting
        if accepted & automaton.ends[0] and text:
            found.setdefault(accepted, text)
        for letter in automaton.letters_at(state):
            after = automaton.step(state, letter)
            if after & automaton.first_pattern and after not in seen:
                if len(seen) > _MOST_STATES:
                    raise TooManyTexts(f"{len(patterns)} patterns overlap in more than {_MOST_STATES:,} ways")
                seen.add(after)
                queue.append((after, text + letter))
    # The empty text where no other one does: a tag and a prefix may be empty.
    if automaton.start & automaton.ends[0]:
        found.setdefault(automaton.start & automaton.accepting, "")
    return tuple(
        Text(
            text,
            frozenset(p for p, end in zip(ordered, automaton.ends, strict=True) if accepted & end and p in patterns),
        )
        for accepted, text in found.items()
    )


class _Automaton:
    """All patterns side by side. Bit i is the place before the i-th sign; the bit after a pattern's last is its end.

    A state is the set of places at which the patterns can be after the letters so far.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._letters: dict[str, int] = {}
        self._stars = self._short_stars = self._singles = self._short_singles = 0
        ends, starts, bit = [], 0, 1
        for pattern in patterns:
            starts |= bit
            for sign, is_wildcard, is_short in _signs(pattern):
                self._place(bit, sign, is_wildcard=is_wildcard, is_short=is_short)
                bit <<= 1
            ends.append(bit)
            bit <<= 1
        self.ends = tuple(ends)
        self.accepting = sum(ends)
        self.first_pattern = (ends[0] << 1) - 1
        self._every_star = self._stars | self._short_stars
        self._any_place = self._stars | self._singles
        self._short_place = self._short_stars | self._short_singles
        self.start = self._past_stars(starts)

    def _place(self, bit: int, sign: str, *, is_wildcard: bool, is_short: bool) -> None:
        if not is_wildcard:
            for letter in sign:
                self._letters[letter] = self._letters.get(letter, 0) | bit
        elif sign == "*":
            self._stars |= 0 if is_short else bit
            self._short_stars |= bit if is_short else 0
        else:
            self._singles |= 0 if is_short else bit
            self._short_singles |= bit if is_short else 0

    def letters_at(self, state: int) -> Iterator[str]:
        """Each letter that makes a difference here, and one that stands for all others."""
        if state & (self._any_place | self._short_place):
            yield OTHER
        for letter, places in self._letters.items():
            if state & places:
                yield letter
        if state & self._short_place and not state & self._letters.get(":", 0):
            yield ":"

    def step(self, state: int, letter: str) -> int:
        """The state after one letter more."""
        taken = state & (self._letters.get(letter, 0) | self._singles)
        stays = state & self._stars
        if letter != ":":
            taken |= state & self._short_singles
            stays |= state & self._short_stars
        return self._past_stars((taken << 1) | stays)

    def _past_stars(self, state: int) -> int:
        """A star may also match nothing."""
        while (more := state | ((state & self._every_star) << 1)) != state:
            state = more
        return state


def _signs(pattern: Pattern) -> Iterator[tuple[str, bool, bool]]:
    """The pattern's signs: the letters that match or the wildcard, which of both, and whether it stops at colons."""
    if pattern.form in (Form.EQUAL, Form.EQUAL_IGNORING_CASE):
        for letter in pattern.text:
            both = "".join(dict.fromkeys((letter, letter.lower(), letter.upper())))
            yield (letter if pattern.form is Form.EQUAL else both), False, False
        return
    colons = 0
    for letter in pattern.text:
        is_short = pattern.form is Form.ARN and colons < _COLONS_OF_AN_ARN
        yield letter, letter in "*?", is_short
        colons += letter == ":"
    if pattern.form is Form.ARN and colons < _COLONS_OF_AN_ARN:
        # An ARN has six parts; what has fewer matches none. No letter is both of nothing.
        yield "", False, False
