"""One text of each kind that some patterns tell apart: what is decided about these is decided about every text.

A text that each pattern matches by itself is not enough. Two patterns, of two statements or two conditions, may both
have to match the one value that a request has, or one match it and the other not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from verify.policy.document import MalformedPolicy
from verify.policy.probes import LETTER

# So many places in the patterns together are looked at, which takes a second. Usual policies have some hundreds.
_MOST_PLACES = 40_000
_LONGEST = 2048  # no ARN, action or key is longer
# In ``within``: any text that has no colon, such as a part of an ARN. No policy has a character of a private use area.
PART = "\ue010"


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern as bits, one for each place in it: where a star stands, and where a character may.

    :param stars: with those of ``parts``, which hold no colon.
    :param follow: character → the places that it leads on from; ``any_other`` those from which any leads on.
    """

    stars: int
    parts: int
    follow: dict[str, int]
    any_other: int
    end: int
    start: int

    def after(self, places: int, character: str) -> int:
        """The places after one more character."""
        staying = self.stars & ~self.parts if character == ":" else self.stars
        on = ((places & self.follow.get(character, self.any_other)) << 1) | (places & staying)
        return on | ((on & self.stars) << 1)

    def characters(self, places: int) -> Iterator[str]:
        """The characters that lead on from these places, but for those that any does."""
        return (character for character, follow in self.follow.items() if places & follow & ~self.any_other)


def _read(pattern: str) -> _Pattern:
    text = re.sub(r"\*+", "*", pattern)
    if len(text) > _LONGEST:
        raise MalformedPolicy(f"the pattern {pattern[:40]!r}… is too long for a name in AWS")
    stars = sum(1 << place for place, each in enumerate(text) if each in ("*", PART))
    parts = sum(1 << place for place, each in enumerate(text) if each == PART)
    any_other = sum(1 << place for place, each in enumerate(text) if each == "?")
    follow: dict[str, int] = {}
    for place, each in enumerate(text):
        if each not in ("*", "?", PART):
            follow[each] = follow.get(each, any_other) | 1 << place
    return _Pattern(stars, parts, follow, any_other, 1 << len(text), 1 | (stars & 1) << 1)


def one_of_each_kind(patterns: Iterable[str], within: str) -> tuple[str, ...]:
    """The shortest text of each kind that ``within`` matches: other patterns match it than match the rest.

    Where a pattern leaves a character open, it is one that no policy has (:mod:`verify.policy.probes`).

    :raises MalformedPolicy: the patterns are too many, or too long, to be told apart.
    """
    return _one_of_each_kind(tuple(sorted({*patterns})), within)


@lru_cache(maxsize=512)
def _one_of_each_kind(patterns: tuple[str, ...], within: str) -> tuple[str, ...]:
    read = tuple(map(_read, (within, *patterns)))
    start = tuple(each.start for each in read)
    seen = {start}
    waiting = deque([(start, "")])
    kinds: dict[tuple[bool, ...], str] = {}
    left = _MOST_PLACES
    while waiting:
        places, text = waiting.popleft()
        if places[0] & read[0].end:
            kinds.setdefault(tuple(bool(at & each.end) for at, each in zip(places, read, strict=True)), text)
        live = [(at, each) for at, each in zip(places, read, strict=True) if at]
        left -= len(live)
        if left < 0:
            raise MalformedPolicy("the policy has too many patterns to find a value for each kind")
        named = sorted({one for at, each in live for one in each.characters(at)} - {LETTER})
        for character in (LETTER, *named):
            onward = tuple(each.after(at, character) if at else 0 for at, each in zip(places, read, strict=True))
            if onward[0] and onward not in seen and len(text) < _LONGEST:
                seen.add(onward)
                waiting.append((onward, text + character))
    return tuple(kinds.values())
