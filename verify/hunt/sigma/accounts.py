"""A field that no record has, and that rules may ask for: the other accounts that a call lets in or names. Pure.

Sigma compares each value of a field with another field, and cannot say that one of several values is something else.
So a policy that names one's own account beside a stranger would be taken for one's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

OTHER_ACCOUNTS: Final = "securetrail.otherAccounts"
_ACCOUNT: Final = re.compile(r"(?:arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:)?([0-9]{12})(?::.*)?", re.DOTALL)
# Beside policies: whom a permission or a grant is for, whose role is assumed, whose key encrypts.
_NAMES: Final = frozenset(
    {
        "principal",
        "granteePrincipal",
        # Of queues and of topics. CloudTrail writes the first letter of most names small.
        *("aWSAccountIds", "awsAccountIds", "AWSAccountIds", "aWSAccountId", "awsAccountId", "AWSAccountId"),
        "roleArn",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "KMSMasterKeyID",
    }
)
# Allow with NotPrincipal is for everybody but those whom it names, whatever their account.
_ALL_OTHERS: Final = "all but those named"
_EVERYBODY: Final = "everybody"
# The JSON text of a request that names other accounts has one of these, unless something in it is escaped.
OTHER_ACCOUNTS_WORDS: Final = frozenset({b"Principal", *(name.encode() for name in _NAMES)})
# The record's own fields that are looked at.
LOOKED_AT: Final = frozenset({"userIdentity", "recipientAccountId", "requestParameters"})
_MAX_DEPTH = 30


def other_accounts(record: Mapping[str, Any]) -> list[Any]:
    """The accounts other than those of the event that its request names, each once.

    ``_ALL_OTHERS`` stands for those that a statement with NotPrincipal allows, ``_EVERYBODY`` for those that one with
    the principal * allows if it has no condition. Looked at are principals of statements
    with the effect Allow, in policies as objects and as JSON texts
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html), and ``_NAMES``.
    """
    caller = record.get("userIdentity")
    own = {record.get("recipientAccountId"), caller.get("accountId") if isinstance(caller, Mapping) else None}
    if not any(isinstance(each, str) for each in own):
        return []
    named = list(_named(record.get("requestParameters"), 0))
    found = [each[1] for text in named if (each := _ACCOUNT.fullmatch(text))]
    # A principal may have any name, also one of these two.
    many = (each for each in named if each is _ALL_OTHERS or each is _EVERYBODY)
    return list(dict.fromkeys([*(each for each in found if each not in own), *many]))


def _named(value: Any, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    # A policy's words are not looked for in the text: JSON can write each letter in another way.
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _policy(value)
    if isinstance(value, list):
        for each in value:
            yield from _named(each, depth + 1)
    elif isinstance(value, Mapping):
        if value.get("Effect") == "Allow":
            yield from _allowed(value)
        for name, each in value.items():
            if name in _NAMES:
                yield from _texts(each)
            elif name not in ("Principal", "NotPrincipal"):
                yield from _named(each, depth + 1)


def _allowed(statement: Mapping[str, Any]) -> Iterator[str]:
    if "NotPrincipal" in statement:
        yield _ALL_OTHERS
    named = statement.get("Principal")
    principals = list(_texts(named.get("AWS") if isinstance(named, Mapping) else named))
    yield from principals
    if "*" in principals and not statement.get("Condition"):
        yield _EVERYBODY


def _policy(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each
