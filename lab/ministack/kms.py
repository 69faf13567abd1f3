"""KMS: keys and aliases."""
# ruff: noqa: SLF001

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import responses
from ministack.services import kms

from lab.authorization.facts import KeyFacts
from lab.protocol.answer import Answer, error_answer

_DEFAULT_DAYS = 30
_MOST_PLAINTEXT_BYTES = 4096
# MiniStack's ciphertexts begin with the id of their key.
_KEY_ID_CHARACTERS = 36


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
    """Aliases of AWS's own keys are reserved, a key encrypts at most 4,096 bytes, and decrypts what it encrypted alone.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html (IncorrectKeyException)
    """
    create, encrypt, decrypt = kms._create_alias, kms._encrypt, kms._decrypt

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

    def decrypted(parameters: dict[str, Any]) -> Answer:
        name = str(parameters.get("KeyId") or "")
        named = key_facts(name)
        if name and named is None:  # MiniStack takes the key of the ciphertext, which nobody has asked about
            return error_answer("kms", "json", 400, "NotFoundException", f"Key '{name}' does not exist")
        made_by = key_of_ciphertext(_decoded(parameters.get("CiphertextBlob")))
        if named is not None and made_by not in ("", named.arn):
            message = "The key ID in the request does not identify a CMK that can perform this operation."
            return error_answer("kms", "json", 400, "IncorrectKeyException", message)
        answer: Answer = decrypt(parameters)
        return answer

    kms._create_alias, kms._encrypt, kms._decrypt = created, encrypted, decrypted


# What AWS lets other accounts do with a key whose policy allows it ("Cross-account use" in the API Reference).
_FOR_OTHER_ACCOUNTS = (
    *("_create_grant", "_decrypt", "_describe_key", "_encrypt", "_generate_data_key", "_generate_data_key_pair"),
    *("_generate_data_key_pair_without_plaintext", "_generate_data_key_without_plaintext", "_generate_mac"),
    *("_get_key_rotation_status", "_get_public_key", "_list_grants", "_retire_grant", "_revoke_grant", "_sign"),
    *("_verify", "_verify_mac"),
)


def use_keys_of_other_accounts() -> None:
    """Keys of other accounts are found, by their ARNs and by what they encrypted; MiniStack knows the caller's alone.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    """
    for name in _FOR_OTHER_ACCOUNTS:
        setattr(kms, name, _in_account_of_key(getattr(kms, name)))


def _in_account_of_key(act: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    def acting(parameters: dict[str, Any]) -> Answer:
        key = _foreign_key(parameters)
        if key is None:
            return act(parameters)
        with responses.request_scope(key.account, key.region):
            return act(parameters)

    return acting


def _foreign_key(parameters: Mapping[str, Any]) -> KeyFacts | None:
    """The key of another account that a call names in the region of the request."""
    name = parameters.get("KeyId")
    if not name and parameters.get("CiphertextBlob"):
        name = key_of_ciphertext(_decoded(parameters["CiphertextBlob"]))
    if not name:
        name = key_of_grant(str(parameters.get("GrantToken") or ""), str(parameters.get("GrantId") or ""))
    key = key_facts(str(name)) if str(name).startswith("arn:") else None
    is_foreign = key is not None and key.account != responses.get_account_id() and key.region == responses.get_region()
    return key if is_foreign else None


def _decoded(blob: Any) -> bytes:
    try:
        return base64.b64decode(blob)
    except (TypeError, ValueError):
        return b""


def key_of_ciphertext(ciphertext: bytes) -> str:
    """The ARN of the key, of whichever account in the region of the request, that encrypted something; '' for none."""
    if len(ciphertext) <= _KEY_ID_CHARACTERS:
        return ""
    name = ciphertext[:_KEY_ID_CHARACTERS].decode("latin-1")
    if own := key_facts(name):
        return own.arn
    region = responses.get_region()
    found = (key["Arn"] for (_, where, key_id), key in kms._keys.all_items() if (where, key_id) == (region, name))
    return str(next(found, ""))


def key_of_grant(token: str, grant_id: str) -> str:
    """The ARN of the key that a grant is for; '' for none."""
    found = grant_named(token, grant_id)
    return str(found["KeyId"]) if found else ""


def grant_named(token: str, grant_id: str) -> Mapping[str, Any] | None:
    """The grant, of any key, that a token names, or an id where there is no token, as in RetireGrant."""
    for _, each in kms._grants.all_items():
        if token in each["_tokens"] if token else each["GrantId"] == grant_id:
            return each  # type: ignore[no-any-return]
    return None


def re_encrypt() -> None:
    """ReEncrypt, which MiniStack lacks: what one key encrypted is encrypted with another one, inside KMS.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
    """
    handle = app.SERVICE_HANDLERS["kms"]

    async def handled(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Answer:
        if not headers.get("x-amz-target", "").endswith(".ReEncrypt"):
            return await handle(method, path, headers, body, query)  # type: ignore[no-any-return]
        return _re_encrypted(json.loads(body))

    app.SERVICE_HANDLERS["kms"] = handled


def _re_encrypted(parameters: Mapping[str, Any]) -> Answer:
    of_source = {"CiphertextBlob": parameters.get("CiphertextBlob"), "KeyId": parameters.get("SourceKeyId") or ""}
    status, headers, body = kms._decrypt({**of_source, **_context(parameters, "SourceEncryptionContext")})
    if status != 200:
        return status, headers, body
    opened = json.loads(body)
    to_other = {"Plaintext": opened["Plaintext"], "KeyId": parameters.get("DestinationKeyId") or ""}
    status, headers, body = kms._encrypt({**to_other, **_context(parameters, "DestinationEncryptionContext")})
    if status != 200:
        return status, headers, body
    sealed = json.loads(body)
    answer = {
        "CiphertextBlob": sealed["CiphertextBlob"],
        "SourceKeyId": opened["KeyId"],
        "KeyId": sealed["KeyId"],
        "SourceEncryptionAlgorithm": opened["EncryptionAlgorithm"],
        "DestinationEncryptionAlgorithm": sealed["EncryptionAlgorithm"],
    }
    return status, headers, json.dumps(answer).encode()


def _context(parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"EncryptionContext": parameters[name]} if parameters.get(name) else {}
