"""Calls of IAM about the caller's own user, and about keys of a user.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html (UserName)
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lab.ministack import iam
from lab.protocol.answer import Answer, error_answer
from lab.records.recorder import current_origin

# Whose user is the caller's unless the call names one.
_OF_CALLER = (
    "CreateAccessKey",
    "CreateLoginProfile",
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteLoginProfile",
    "GetLoginProfile",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "UpdateAccessKey",
)
_OF_KEYS = frozenset({"DeleteAccessKey", "UpdateAccessKey"})


_NO_USER = "Must specify userName when calling with non-User credentials"
_OF_ROOT = "What the root has of its own, such as access keys, is not part of the lab. Name a user."


def install() -> None:
    """MiniStack takes a user that it makes up where a call names none, and any key of the account for the user's."""
    for each in _OF_KEYS:
        iam.reject_calls(each, _rejected)
    for each in _OF_CALLER:
        iam.reject_calls(each, partial(_nobodys, is_of_caller=each == "GetUser"))
    for each in _OF_CALLER:  # before those above see the call
        iam.change_parameters(each, _with_user)


def _with_user(parameters: Mapping[str, Any]) -> dict[str, Any]:
    identity = current_origin.get().user_identity
    name = identity.get("userName") if identity.get("type") == "IAMUser" else None
    return {} if parameters.get("UserName") or not name else {"UserName": name}


def _nobodys(parameters: Mapping[str, Any], *, is_of_caller: bool) -> Answer | None:
    """The error for a call that names no user, by a caller that is none.

    :param is_of_caller: whether it may be about the root itself.
    """
    if parameters.get("UserName"):
        return None
    if current_origin.get().user_identity.get("type") == "Root":
        return None if is_of_caller else error_answer("iam", "query", 501, "ServiceNotAvailable", _OF_ROOT)
    return error_answer("iam", "query", 400, "ValidationError", _NO_USER)


def _rejected(parameters: Mapping[str, Any]) -> Answer | None:
    user, key = parameters.get("UserName"), str(parameters.get("AccessKeyId") or "")
    owner = iam.user_of_access_key(key)
    if not user or not owner or user == owner:
        return None
    return error_answer("iam", "query", 404, "NoSuchEntity", f"The Access Key with id {key} cannot be found.")
