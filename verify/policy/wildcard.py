"""The wildcards of IAM policies, in linear space and without regular expressions: patterns are untrusted."""

from __future__ import annotations

from verify.policy.ternary import Ternary, undecided, yes_if


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> Ternary:
    """Whether ``*`` (any characters) and ``?`` (any one character) in the pattern match the text.

    A pattern with a policy variable (``${aws:username}``) is undecided.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if "${" in pattern:
        return undecided("policy", f"the policy variable in {pattern!r}")
    if ignore_case:
        pattern, text = pattern.casefold(), text.casefold()
    return yes_if(_matches(pattern, text))


def arn_matches(pattern: str, arn: str) -> Ternary:
    """As :func:`matches`, but no wildcard matches one of the first five colons of an ARN.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    if "${" in pattern:
        return matches(pattern, arn)
    return yes_if(
        len(patterns) == len(parts) == 6 and all(map(_matches, patterns, parts)),
    )


def _matches(pattern: str, text: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
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
