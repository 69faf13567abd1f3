"""Names of S3 buckets."""

from __future__ import annotations

import re

# As wide as S3's rules ever were: us-east-1 still has buckets from before March 2018, with capitals, underscores and up
# to 255 characters. `.` and `..` would be taken for steps in a path.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,255}")


def is_bucket_name(text: str) -> bool:
    """Whether a bucket can have this name. An access point's ARN, which S3 takes in its place, is none."""
    return _NAME.fullmatch(text) is not None


def checked_bucket_name(text: str) -> str:
    """The name itself.

    :raises ValueError: no bucket can have it.
    """
    if not is_bucket_name(text):
        raise ValueError(
            f"{text!r} can be no bucket's name: it has up to 255 letters, digits, dots, hyphens and underscores."
        )
    return text
