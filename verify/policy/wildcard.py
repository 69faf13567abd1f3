"""The wildcards of IAM policies, in linear space and without regular expressions: patterns are untrusted."""

from __future__ import annotations

from verify.policy.ternary import Ternary, undecided, yes_if
from verify.policy.variables import LITERAL

_ARN_PARTS = 6
# Back from plain characters to those that they stand for.
PLAIN = {ord(literal): chr(wildcard) for wildcard, literal in LITERAL.items()}


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> Ternary:
    """Whether ``*`` (any characters) and ``?`` (any one character) in the pattern match the text.

    A pattern with a policy variable (``${aws:username}``) that has no value yet is undecided.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if "${" in pattern:
        return undecided("policy", f"the policy variable in {pattern!r}")
    if ignore_case:
        pattern, text = pattern.casefold(), text.casefold()
    return yes_if(_matches(pattern, text))


def arn_matches(pattern: str, arn: str) -> Ternary:
    """As :func:`matches`, but no wildcard matches one of the first five colons of an ARN.

    A pattern of fewer than six parts, such as ``*``, is undecided: AWS's documents do not say what it matches.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    patterns, parts = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    if "${" in pattern:
        return matches(pattern, arn)
    if len(patterns) < _ARN_PARTS:
        return undecided("policy", f"{pattern!r}, which is not the pattern of an ARN")
    return yes_if(len(parts) == _ARN_PARTS and all(map(_matches, patterns, parts)))


def _matches(pattern: str, text: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern.translate(PLAIN) == text
    if any(chr(character) in pattern for character in PLAIN):
        text = text.translate(LITERAL)
    first, *between = pattern.split("*")
    if not between:
        return len(text) == len(first) and _is_at(first, text, 0)
    *middle, last = between
    end = len(text) - len(last)
    position = len(first)
    if position > end or not _is_at(first, text, 0) or not _is_at(last, text, end):
        return False
    # Between two stars the first place that fits is the right one: nothing needs to be tried again.
    for piece in middle:
        position = _place(piece, text, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def _is_at(piece: str, text: str, position: int) -> bool:
    """Whether a piece without stars matches a text from a position on; the text must be long enough."""
    if "?" not in piece:
        return text.startswith(piece, position)
    return all(each in ("?", text[position + offset]) for offset, each in enumerate(piece))


def _place(piece: str, text: str, position: int, end: int) -> int:
    """The first place from a position on where a piece without stars matches, and ends before the end; else -1."""
    if "?" not in piece:
        return text.find(piece, position, end)
    return next((place for place in range(position, end - len(piece) + 1) if _is_at(piece, text, place)), -1)
