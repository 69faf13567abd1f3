"""The IAM policy that a command needs, derived from what it asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def least_privilege_policy(permissions: Iterable[str]) -> dict[str, Any]:
    """An identity policy that allows these actions and nothing else.

    The resource is ``*``: which trail, key and bucket will be looked at is not known beforehand, and most list
    and describe actions take nothing narrower.
    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    statement = {
        "Sid": "SecureTrailVerify",
        "Effect": "Allow",
        "Action": sorted(set(permissions)),
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
