"""Lists of AWS page by page: each to its end, and none that has no end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from verify.aws import Answer, Aws
from verify.errors import CannotLook

# More than any account has; AWS's quotas allow some thousands of users, roles, policies, rules and grants.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_PAGES = 5_000
# Fields that say that there is more, each with the one that says where.
_TRUNCATED = (("IsTruncated", "Marker"), ("Truncated", "NextMarker"))


def pages(
    aws: Aws, service: str, operation: str, *, in_region: str | None = None, **parameters: Any
) -> Iterator[Answer]:
    """As :meth:`verify.aws.Aws.pages`.

    :raises CannotLook: the answer says that there is more and not where, or it does not end.
    """
    for number, page in enumerate(aws.pages(service, operation, in_region=in_region, **parameters), start=1):
        if number > MOST_PAGES:
            raise CannotLook(f"{service}:{operation} has more than {MOST_PAGES:,} pages, which no account has")
        for truncated, marker in _TRUNCATED:
            if page.get(truncated) and not page.get(marker):
                raise CannotLook(f"{service}:{operation} says that there is more, but not where: {marker} is missing")
        yield page
