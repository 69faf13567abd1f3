"""Policy variables: parts of a policy's value that stand for a value of the request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from verify.policy.ternary import NO, Ternary, undecided
from verify.policy.times import TIME_KEYS

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_WITH_DEFAULT = re.compile(r"([^,\s]+)\s*,\s*'(.*)'")
# What stands for itself, where it would be a wildcard or begin a variable.
_ITSELF = {"*": "*", "?": "?", "$": "$"}
# In the place of wildcards and dollar signs that are plain characters; no policy has characters of a private use area.
LITERAL = str.maketrans({"*": "\ue000", "?": "\ue001", "$": "\ue002"})


def substituted(pattern: str, context: Mapping[str, tuple[str, ...]]) -> str | Ternary:
    """The pattern with values for its variables; wildcards in the values are plain characters (:data:`LITERAL`).

    :returns: NO where a variable has no value, for nothing matches then; undecided where only AWS knows it.
    """
    if "${" not in pattern:
        return pattern
    unknown: Ternary | None = None
    pieces, end = [], 0
    for found in _VARIABLE.finditer(pattern):
        value = _value(found[1], context)
        if isinstance(value, Ternary):
            if value.is_true is None:
                unknown = unknown or value
            else:
                return value
        else:
            pieces += [pattern[end : found.start()], value.translate(LITERAL)]
        end = found.end()
    pieces.append(pattern[end:])
    if any("${" in piece for piece in pieces):
        return undecided("policy", f"the policy variable in {pattern!r}")
    return unknown or "".join(pieces)


def _value(name: str, context: Mapping[str, tuple[str, ...]]) -> str | Ternary:
    if name in _ITSELF:
        return _ITSELF[name]
    with_default = _WITH_DEFAULT.fullmatch(name)
    key = with_default[1] if with_default else name
    values = context.get(key.casefold())
    if values is None:
        return undecided("key", key)
    if key.casefold() in TIME_KEYS:
        return undecided("time", f"the policy variable {key}")
    if len(values) > 1:
        return undecided("policy", f"the policy variable {key}, which has several values")
    if values:
        return values[0]
    return with_default[2] if with_default else NO
