"""Probe values: texts that no policy names, so that only a wildcard can match them.

What is decided about a probe value is decided about everything that the policy does not name.
"""

from __future__ import annotations

import re

from verify.policy.document import MalformedPolicy
from verify.policy.wildcard import matches

# IAM and KMS store no policy with a character beyond U+00FF; this one is of a private use area.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
LETTER = "\U000f0000"
# Longer than any sequence of question marks in a real pattern.
ANY_OTHER = LETTER * 40
# No ARN, action or key is longer. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_LONGEST = 2048


def probe(pattern: str) -> str:
    """A text that the pattern matches, and that has a probe value wherever the pattern has a wildcard.

    :raises MalformedPolicy: that text is longer than any name in AWS.
    """
    text = re.sub(r"\*+", "*", pattern).replace("*", ANY_OTHER).replace("?", LETTER)
    if len(text) > _LONGEST:
        raise MalformedPolicy(f"the pattern {pattern[:40]!r}… is too long for a name in AWS")
    return text


def probes(pattern: str, *known: str) -> tuple[str, ...]:
    """Texts that the pattern matches: those of the known ones that it does, and its probe."""
    return tuple(dict.fromkeys((*(text for text in known if matches(pattern, text).is_true), probe(pattern))))


def readable(text: str) -> str:
    """The text with ``(any other)`` in the place of probe values."""
    return re.sub(f"{LETTER}+", "(any other)", text)
