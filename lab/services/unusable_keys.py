"""Keys that cannot be used or changed: disabled, about to be deleted, or not there.

KMS refuses its own callers, and a service that would use a key for a caller, which has a code of its own for that:
https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors, and in the same place for SQS
(SendMessage), Systems Manager (GetParameter) and Secrets Manager (GetSecretValue, PutSecretValue)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.authorization.facts import KeyFacts
from lab.authorization.needs import Need
from lab.ministack import kms
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call
from lab.records.service_calls import KeyUse

_CONTEXT_KEYS = "kms:encryptioncontextkeys"
_PENDING = {
    "PendingDeletion": "pending deletion",
    "PendingReplicaDeletion": "pending replica deletion",
    "PendingImport": "pending import",
}
_S3_HELP = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why KMS does not use a key: its error, by the code and the message that it has in KMS."""

    code: str
    message: str


def is_use(need: Need) -> bool:
    """Whether a service needs to use a key for its caller."""
    return "kms:viaservice" in need.keys


def fault(need: Need) -> Fault | None:
    """Why a service cannot use a key for its caller; None when it can.

    :param need: of `is_use`.
    """
    return fault_of(kms.key_facts(need.resource), need.resource)


def fault_of(key: KeyFacts | None, name: str) -> Fault | None:
    """The error of KMS for a key that is in no state to be used.

    :param key: None when there is none of this name.
    """
    if key is None:
        text = f"Alias {name} is not found." if ":alias/" in name else f"Key '{name}' does not exist"
        return Fault("NotFoundException", text)
    if key.state == "Enabled":
        return None
    if key.state == "Disabled":
        return Fault("DisabledException", f"{key.arn} is disabled.")
    return Fault("KMSInvalidStateException", f"{key.arn} is {_PENDING.get(key.state, key.state)}.")


def error(call: Call, need: Need, found: Fault) -> Answer:
    """What the service of a call answers when KMS refuses it the use of a key."""
    code, message = _ERRORS.get(call.service, _same)(need, found)
    if call.service != "sqs":
        return error_answer(call.service, call.protocol, 400, code, message)
    # SQS tells the code of its older protocol in a header:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
    query_code = f"KMS.{found.code}"
    if call.protocol == "query":
        return error_answer("sqs", call.protocol, 400, query_code, message)
    status, headers, body = error_answer("sqs", call.protocol, 400, code, message)
    return status, headers | {"x-amzn-query-error": f"{query_code};Sender"}, body


def _same(_need: Need, found: Fault) -> tuple[str, str]:
    return found.code, found.message


def _of_lambda(_need: Need, found: Fault) -> tuple[str, str]:
    """Lambda reads code from S3."""
    text = f"Error occurred while GetObject. S3 Error Code: KMS.{found.code}. S3 Error Message: {found.message}"
    return "InvalidParameterValueException", text


def _of_secret(need: Need, found: Fault) -> tuple[str, str]:
    return ("DecryptionFailure" if need.action == "kms:Decrypt" else "EncryptionFailure"), found.message


# The code and the message of each service's own error.
_ERRORS: dict[str, Callable[[Need, Fault], tuple[str, str]]] = {
    "cloudformation": lambda _need, found: ("ValidationError", f"S3 error: {found.message}\n{_S3_HELP}"),
    "lambda": _of_lambda,
    "s3": lambda _need, found: (f"KMS.{found.code}", found.message),
    "secretsmanager": _of_secret,
    "sns": lambda _need, found: (f"KMS{_short(found.code)}", found.message),
    "sqs": lambda _need, found: (f"Kms{_short(found.code)}", found.message),
    "ssm": lambda _need, found: ("InvalidKeyId", found.message),
}


def _short(code: str) -> str:
    """`Disabled`, `InvalidState` or `NotFound`."""
    return code.removeprefix("KMS").removesuffix("Exception")


def use(need: Need, refused: Fault | None) -> KeyUse:
    """The use of a key that a service asks KMS for, for its record."""
    code, message = (refused.code, refused.message) if refused else ("", "")
    return KeyUse(need.action.partition(":")[2], context(need.keys), need.resource, need.resource, code, message)


def error_of_kms(call: Call) -> Answer | None:
    """The error of KMS for a call that changes a key in a state that does not allow it; None for any other call.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html (the table of operations and states)
    """
    name = call.operation.name
    if call.service != "kms" or name not in _REFUSED_WHEN_PENDING:
        return None
    given = call.parameters or {}
    key = kms.key_facts(str(given.get("TargetKeyId") or given.get("KeyId") or ""))
    if key is None:
        return None  # which KMS says itself
    is_pending = key.state in ("PendingDeletion", "PendingReplicaDeletion")
    if name == "CancelKeyDeletion":
        if is_pending:
            return None
        found: Fault | None = Fault("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    else:
        is_refused = is_pending or (key.state == "Disabled" and name in _REFUSED_WHEN_DISABLED)
        found = fault_of(key, key.arn) if is_refused else None
    return error_answer(call.service, call.protocol, 400, found.code, found.message) if found else None


_REFUSED_WHEN_DISABLED = frozenset({"CreateGrant", "DisableKeyRotation", "EnableKeyRotation", "RotateKeyOnDemand"})
_REFUSED_WHEN_PENDING = _REFUSED_WHEN_DISABLED | {
    "CancelKeyDeletion",
    "CreateAlias",
    "DisableKey",
    "EnableKey",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
}


def context(keys: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The encryption context of a use of a key, of which conditions know the names in any case of letters."""
    return {name: keys[f"kms:encryptioncontext:{name}".lower()][0] for name in keys.get(_CONTEXT_KEYS, ())}
