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
    at, star, retry = 0, -1, 0
    position = 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at += 1
            position += 1
        elif star >= 0:
            # The last star takes one character more; earlier stars never need to be tried again.
            retry += 1
            at, position = star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")
