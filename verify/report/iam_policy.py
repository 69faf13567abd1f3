"""The IAM policy that a command needs, derived from what it asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_OF_TRAIL = frozenset({"cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"})
_OF_ACCOUNT = frozenset(
    {
        "s3:ListAllMyBuckets",
        "s3:GetAccountPublicAccessBlock",
        # Of the bucket for access logs as well, whose name is not known beforehand.
        "s3:GetBucketObjectLockConfiguration",
        # Of the buckets with copies as well.
        "s3:GetBucketPolicy",
        "s3:GetMultiRegionAccessPointPolicy",
        "s3:ListAccessGrants",
        "s3:ListAccessGrantsInstances",
        "s3:ListAccessPoints",
        "s3:ListMultiRegionAccessPoints",
        "kms:ListKeys",
    }
)


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources that the options name; ``None`` where they name none.

    :param bucket: a name.
    """

    partition: str = "aws"
    trail_arn: str | None = None
    bucket: str | None = None
    key_arn: str | None = None

    def of(self, action: str) -> str:
        """The narrowest resource that an action can be limited to.

        https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
        """
        service = action.partition(":")[0]
        if action in _OF_ACCOUNT:
            return "*"
        if action in _OF_TRAIL:
            return self.trail_arn or "*"
        if service == "s3" and self.bucket:
            if action == "s3:GetAccessPointPolicy":
                return f"arn:{self.partition}:s3:*:*:accesspoint/*"
            objects = "/*" if action == "s3:GetObject" else ""
            return f"arn:{self.partition}:s3:::{self.bucket}{objects}"
        return (self.key_arn or "*") if service == "kms" else "*"


def least_privilege_policy(permissions: Iterable[str], resources: Resources | None = None) -> dict[str, Any]:
    """An identity policy that allows these actions and nothing else.

    The resource is ``*`` where it is not known beforehand, or where an action takes nothing narrower, as most that
    list and describe.

    :param resources: Default: - nothing is known.
    """
    actions_by_resource: dict[str, list[str]] = {}
    for action in sorted(set(permissions)):
        actions_by_resource.setdefault((resources or Resources()).of(action), []).append(action)
    statements = [
        {
            "Sid": f"SecureTrailVerify{number or ''}",
            "Effect": "Allow",
            "Action": actions,
            "Resource": resource,
        }
        for number, (resource, actions) in enumerate(sorted(actions_by_resource.items()))
    ]
    return {"Version": "2012-10-17", "Statement": statements}
