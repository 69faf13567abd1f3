"""One text of each kind that some patterns tell apart: what is decided about these is decided about every text.

A text that each pattern matches by itself is not enough. Two patterns, of two statements or two conditions, may both
have to match the one value that a request has, or one match it and the other not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from verify.policy.document import MalformedPolicy
from verify.policy.probes import LETTER
from verify.policy.variables import LITERAL
from verify.policy.wildcard import PLAIN

# So many steps are taken for one policy, which takes a second. Usual policies take some thousands.
_MOST_STEPS = 400_000
_LONGEST = 2048  # no ARN, action or key is longer
# In patterns: any text that has no colon, such as a part of an ARN, and any character but a colon. At the beginning of
# a pattern: letters stand for those of the other case too. No policy has a character of a private use area.
PART, _ONE, _ANY_CASE = "\ue010", "\ue011", "\ue012"
_OF_PART = str.maketrans({"*": PART, "?": _ONE})
# Where a group of patterns is once it matches whatever follows.
_ALWAYS = -1
Kind = tuple[bool, ...]
Group = frozenset[str]
_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)


@contextmanager
def limited() -> Iterator[None]:
    """All that is looked for within has one limit, instead of one each."""
    token = _left.set([_MOST_STEPS])
    try:
        yield
    finally:
        _left.reset(token)


def literal(text: str) -> str:
    """The pattern that only this text matches."""
    return text.translate(LITERAL)


def in_any_case(pattern: str) -> str:
    """The pattern that a text matches however its letters are written."""
    return _ANY_CASE + pattern


def of_arn(pattern: str) -> str:
    """The pattern as the operators for ARNs read it (:func:`verify.policy.wildcard.arn_matches`)."""
    *first, last = pattern.split(":", 5)
    return ":".join((*(part.translate(_OF_PART) for part in first), last)) if len(first) == 5 else pattern


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Patterns as bits, one for each place in them: where a star stands, and where a character may.

    :param stars: with those of ``parts``, which hold no colon.
    :param but_colons: places where any character but a colon leads on, or stays.
    :param follow: character → the places that it leads on from; ``any_other`` those from which any leads on.
    :param ends: of each; ``last_stars`` from which it matches whatever follows.
    """

    stars: int
    parts: int
    but_colons: int
    follow: dict[str, int]
    any_other: int
    ends: int
    last_stars: int
    start: int

    def after(self, places: int, character: str) -> int:
        """The places after one more character."""
        if places <= 0:
            return places
        staying = self.stars & ~self.parts if character == ":" else self.stars
        on = ((places & self.follow.get(character, self.any_other)) << 1) | (places & staying)
        on |= (on & self.stars) << 1
        return _ALWAYS if on & self.last_stars else on

    def characters(self, places: int) -> Iterator[str]:
        """The characters that lead elsewhere from these places than most do."""
        if places & self.but_colons:
            yield ":"
        for character, follow in self.follow.items():
            if places & follow & ~self.any_other:
                yield character


def _read(patterns: Iterable[str]) -> _Patterns:
    stars = parts = ones = questions = ends = last_stars = start = place = 0
    at: dict[str, int] = {}
    for pattern in patterns:
        text = re.sub(r"\*+", "*", pattern.removeprefix(_ANY_CASE))
        if len(text) > _LONGEST:
            raise MalformedPolicy(f"the pattern {pattern[:40]!r}… is too long for a name in AWS")
        start |= 1 << place | ((1 << place + 1) if text[:1] in ("*", PART) and text else 0)
        last_stars |= (1 << place + len(text) - 1) if text.endswith("*") else 0
        for each in text:
            here = 1 << place
            if each in ("*", PART):
                stars |= here
                parts |= here if each == PART else 0
            elif each == "?":
                questions |= here
            elif each == _ONE:
                ones |= here
            else:
                plain = each.translate(PLAIN)
                cases = {plain, plain.upper(), plain.lower()} if pattern.startswith(_ANY_CASE) else {plain}
                for one in cases:
                    if len(one) == 1:  # in capitals some letters are two
                        at[one] = at.get(one, 0) | here
            place += 1
        ends |= 1 << place
        place += 1
    follow = {one: places | questions | (0 if one == ":" else ones) for one, places in at.items()}
    follow.setdefault(":", questions)
    is_always = start & last_stars
    return _Patterns(
        stars, parts, parts | ones, follow, questions | ones, ends, last_stars, _ALWAYS if is_always else start
    )


def one_of_each_kind(groups: Iterable[str | Group], within: str) -> dict[Kind, str]:
    """The shortest text of each kind that ``within`` matches: other groups have a pattern that matches it.

    Where a pattern leaves a character open, it is one that no policy has (:mod:`verify.policy.probes`).

    :param groups: a condition with its values, one of which has to match; or a single pattern.
    :raises MalformedPolicy: the patterns are too many, or too long, to be told apart.
    """
    several = {frozenset((each,)) if isinstance(each, str) else each for each in groups}
    return _one_of_each_kind(tuple(sorted(tuple(sorted(each)) for each in several)), within)


@lru_cache(maxsize=512)
def _one_of_each_kind(groups: tuple[tuple[str, ...], ...], within: str) -> dict[Kind, str]:

    read = tuple(map(_read, ((within,), *groups)))
    start = tuple(each.start for each in read)
    seen = {start}
    waiting = deque([(start, "")])
    kinds: dict[Kind, str] = {}
    left = _left.get() or [_MOST_STEPS]
    while waiting:
        places, text = waiting.popleft()
        if places[0] == _ALWAYS or places[0] & read[0].ends:
            kinds.setdefault(
                tuple(at == _ALWAYS or bool(at & each.ends) for at, each in zip(places[1:], read[1:], strict=True)),
                text,
            )
        live = [(at, each) for at, each in zip(places, read, strict=True) if at > 0]
        named = sorted({one for at, each in live for one in each.characters(at)} - {LETTER})
        left[0] -= (1 + len(named)) * (1 + len(live))
        if left[0] < 0:
            raise MalformedPolicy("the policy has too many patterns to find a value for each kind")
        for character in (LETTER, *named):
            onward = tuple(each.after(at, character) for at, each in zip(places, read, strict=True))
            if onward[0] and onward not in seen and len(text) < _LONGEST:
                seen.add(onward)
                waiting.append((onward, text + character))
    return kinds
