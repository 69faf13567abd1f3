"""What AWS takes as tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk

_MAX_TAGS: Final = 50
_KEY: Final = re.compile(r"(?!(?i:aws:))[\w .:/=+@-]{1,128}")
_VALUE: Final = re.compile(r"[\w .:/=+@-]{0,256}")


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that AWS would refuse.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    :raises ValueError: names the tag.
    """
    if len(tags) > _MAX_TAGS:
        raise ValueError(f"tags has {len(tags)} tags. Allowed: {_MAX_TAGS} on a resource. Fix: pass fewer tags.")
    for key, value in tags.items():
        if cdk.Token.is_unresolved(key) or cdk.Token.is_unresolved(value):
            continue
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise ValueError(
                f"tags has {key[:40]!r}: {value[:40]!r}. Allowed: keys of 1 to 128 and values of up to 256 letters, "
                "digits, spaces and _.:/=+@-, no key beginning with 'aws:'. Fix: rename it."
            )
