"""Which actions a service has, and on which of its resources: ``actions.json``, from AWS's service authorization
reference (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from securetrail.review.access.texts import OTHER, Form, Pattern, texts
from verify.policy.document import Patterns
from verify.policy.wildcard import matches

# Whoever may do one of these can take protection away, or give himself what he has not.
_SENSITIVE: Final = (
    "cloudtrail:Delete*",
    "cloudtrail:Put*",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "events:DeleteRule",
    "events:DisableRule",
    "events:PutPermission",
    "events:RemoveTargets",
    "iam:*AccessKey",
    "iam:*AssumeRolePolicy",
    "iam:*LoginProfile",
    "iam:Add*",
    "iam:Attach*",
    "iam:Create*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:PassRole",
    "iam:Put*",
    "iam:SetDefaultPolicyVersion",
    "kms:CreateGrant",
    "kms:DeleteImportedKeyMaterial",
    "kms:Disable*",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:UpdateAlias",
    "lambda:AddPermission",
    "lambda:UpdateFunctionCode",
    "logs:Delete*",
    "logs:PutResourcePolicy",
    "logs:PutRetentionPolicy",
    "s3:BypassGovernanceRetention",
    "s3:Delete*",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObject*Acl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutReplicationConfiguration",
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:SetTopicAttributes",
    "sns:Unsubscribe",
    "sqs:AddPermission",
    "sqs:DeleteQueue",
    "sqs:PurgeQueue",
    "sqs:SetQueueAttributes",
)


@cache
def actions_by_resource() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Service → kind of resource → the actions on it, with the service: ``s3`` → ``bucket`` → ``s3:ListBucket``."""
    content = json.loads(Path(__file__).with_name("actions.json").read_text(encoding="utf-8"))
    return {
        service: {kind: tuple(f"{service}:{name}" for name in names.split()) for kind, names in by_resource.items()}
        for service, by_resource in content.items()
    }


def actions_of(service: str, *kinds: str) -> tuple[str, ...]:
    """The actions of a service on resources of these kinds, or on any."""
    by_resource = actions_by_resource().get(service, {})
    return tuple(
        dict.fromkeys(action for kind, names in by_resource.items() if not kinds or kind in kinds for action in names)
    )


def actions_of_every_service() -> tuple[str, ...]:
    """The actions of every service that is listed."""
    return tuple(action for service in actions_by_resource() for action in actions_of(service))


def distinct_actions(listed: Iterable[str], elements: Iterable[Patterns], within: str) -> tuple[str, ...]:
    """The listed actions, those that policies name, and one for each way in which their wildcards overlap elsewhere.

    :param elements: every ``Action`` and ``NotAction`` of both policies.
    :param within: a pattern that every action matches: ``s3:?*``.
    """
    found = {action.casefold(): action for action in listed}
    complete = {action.partition(":")[0] for action in found}
    patterns = dict.fromkeys(pattern for element in elements for pattern in element.patterns)
    for pattern in patterns:
        is_one = "*" not in pattern and "?" not in pattern and "${" not in pattern
        if is_one and matches(within, pattern, ignore_case=True).is_true:
            found.setdefault(pattern.casefold(), pattern)
    lower = (Pattern(Form.LIKE, pattern.casefold()) for pattern in patterns)
    for text in texts(lower, Pattern(Form.LIKE, within)):
        # What a service has is listed: a wildcard matches no more there. Of a service that is not listed all is open.
        if text.value.partition(":")[0] not in complete:
            found.setdefault(text.value, text.value)
    return tuple(found.values())


def is_sensitive(action: str) -> bool:
    """Whether an action can take protection away."""
    return OTHER in action or any(matches(pattern, action, ignore_case=True).is_true for pattern in _SENSITIVE)
