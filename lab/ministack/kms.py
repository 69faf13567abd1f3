"""KMS: keys and aliases."""
# ruff: noqa: SLF001

import json
from typing import Any

from ministack.core import responses
from ministack.services import kms

from lab.authorization.facts import KeyFacts
from lab.protocol.answer import Answer

_DEFAULT_DAYS = 30


def key_facts(name: str) -> KeyFacts | None:
    """A KMS key by id, ARN, alias name or alias ARN, in the account and region of its ARN or of the request."""
    account, region, resource = responses.get_account_id(), responses.get_region(), name
    if name.startswith("arn:") and name.count(":") < 5:
        return None
    if name.startswith("arn:"):
        region, account, resource = name.split(":", 5)[3:]
    if resource.startswith("alias/"):
        resource = kms._aliases.get_scoped(account, region, f"arn:aws:kms:{region}:{account}:{resource}") or ""
    key = kms._keys.get_scoped(account, region, resource.removeprefix("key/"))
    if key is None:
        return None
    return KeyFacts(key["Arn"], account, region, key["KeyState"], key["KeySpec"], key.get("Policy"))


def tell_waiting_periods() -> None:
    """The answer to ScheduleKeyDeletion has the waiting period, which is 30 days unless the caller wants another.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    """
    schedule = kms._schedule_key_deletion

    def scheduled(parameters: dict[str, Any]) -> Answer:
        days = parameters.get("PendingWindowInDays")
        days = _DEFAULT_DAYS if days is None else days
        status, headers, body = schedule({**parameters, "PendingWindowInDays": days})
        if status == 200:
            body = json.dumps({**json.loads(body), "PendingWindowInDays": days}).encode()
        return status, headers, body

    kms._schedule_key_deletion = scheduled
