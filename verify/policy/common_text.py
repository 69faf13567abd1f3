"""A text that two patterns of IAM both match, if there is one: what somebody may touch of what matters."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

from verify.policy.probes import ANY_OTHER, LETTER

# Patterns of policies are untrusted; no ARN is so long. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_LONGEST_PATTERN = 2048
# Where one has stood in both patterns, whence, and what stands between.
_Seen = dict[tuple[int, int], tuple[tuple[int, int], str]]


@lru_cache(maxsize=4096)
def common_text(first: str, second: str, *, of_files: bool = False) -> str | None:
    """A text that both patterns match; where both leave it open it has a probe value (:mod:`verify.policy.probes`).

    :param first: ``*`` stands for any text and ``?`` for any one character.
    :param of_files: in ``first`` ``*`` stands for no slash and ``?`` for a digit, as in the names of log files.
    :returns: ``None`` when there is none, or when a pattern is longer than any name in AWS.
    """
    if max(len(first), len(second)) > _LONGEST_PATTERN:
        return None
    start, end = (0, 0), (len(first), len(second))
    seen: _Seen = {start: (start, "")}
    waiting = deque([start])
    while waiting and end not in seen:
        here = waiting.popleft()
        for there, text in _onward(first, second, *here, of_files=of_files):
            if there not in seen:
                seen[there] = (here, text)
                waiting.append(there)
    return _text_to(end, seen) if end in seen else None


def _onward(first: str, second: str, i: int, j: int, *, of_files: bool) -> list[tuple[tuple[int, int], str]]:
    """The next places in both patterns, each with the text that leads there."""
    one, other = first[i : i + 1], second[j : j + 1]
    if of_files and ((one == "*" and other == "/") or (one == "?" and not (other in "*?" or other.isdecimal()))):
        # The star ends here, and where a digit must be there is none.
        return [((i + 1, j), "")] if one == "*" else []
    if one == "*" and other == "*":
        return [((i + 1, j), ANY_OTHER), ((i, j + 1), ANY_OTHER)]
    if one == "*":
        return [((i + 1, j), ""), *([((i, j + 1), _any_one(other))] if other else [])]
    if other == "*":
        return [((i, j + 1), ""), *([((i + 1, j), _any_one(one))] if one else [])]
    if one and other and (one == other or "?" in (one, other)):
        return [((i + 1, j + 1), _any_one(other if one == "?" else one))]
    return []


def _any_one(character: str) -> str:
    return LETTER if character == "?" else character


def _text_to(place: tuple[int, int], seen: _Seen) -> str:
    pieces = []
    while place != (0, 0):
        place, text = seen[place]
        pieces.append(text)
    return "".join(reversed(pieces))
