"""KMS: keys and aliases."""
# ruff: noqa: SLF001

import json
from typing import Any

from ministack.core import responses
from ministack.services import kms

from lab.authorization.facts import KeyFacts
from lab.protocol.answer import Answer, error_answer

_DEFAULT_DAYS = 30
_MOST_PLAINTEXT_BYTES = 4096


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


def refuse_what_is_reserved_or_too_long() -> None:
    """Aliases of AWS's own keys are reserved, and a key encrypts at most 4,096 bytes.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    """
    create, encrypt = kms._create_alias, kms._encrypt

    def created(parameters: dict[str, Any]) -> Answer:
        if str(parameters.get("AliasName", "")).startswith("alias/aws/"):
            message = "Alias names that begin with alias/aws/ are reserved for AWS managed keys."
            return error_answer("kms", "json", 400, "InvalidAliasNameException", message)
        answer: Answer = create(parameters)
        return answer

    def encrypted(parameters: dict[str, Any]) -> Answer:
        text = parameters.get("Plaintext", "")
        if isinstance(text, str) and len(text.rstrip("=")) * 3 // 4 > _MOST_PLAINTEXT_BYTES:
            message = (
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_MOST_PLAINTEXT_BYTES}"
            )
            return error_answer("kms", "json", 400, "ValidationException", message)
        answer: Answer = encrypt(parameters)
        return answer

    kms._create_alias, kms._encrypt = created, encrypted
