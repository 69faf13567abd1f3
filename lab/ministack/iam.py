"""Who calls: access keys, sessions and roles of IAM and STS."""
# ruff: noqa: SLF001

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from ministack import app as ministack_app
from ministack.core import iam_evaluator, responses
from ministack.services import (
    iam,
    s3,
    sts,
)

from lab.authorization.facts import RoleFacts
from lab.protocol.answer import Answer


def identity_of_access_key(access_key_id: str) -> Mapping[str, Any] | None:
    """Whose key it is: `userArn`, `userId` and, for temporary keys, `session`; None when there is no such key.

    Users' keys are looked up first, since most calls have one; MiniStack tries everything else before them.
    """
    account = responses.get_account_id()
    key = iam._access_keys.get_scoped(account, None, access_key_id)
    user = iam._users.get_scoped(account, None, key["UserName"]) if key else None
    if user:
        return {"userArn": user["Arn"], "userId": user["UserId"], "session": None}
    found: dict[str, Any] | None = iam_evaluator.resolve_caller_identity(access_key_id)
    return found


def secret_of_access_key(access_key_id: str) -> tuple[str, str, float | None] | None:
    """The secret access key, the session token ('' for a user's own key) and when it expires (epoch seconds) of an
    active key of a user or a session, which `account_of_request` has; None when there is none, also when the user or
    the role of a session is deleted.
    """
    session = sts._sessions.get(access_key_id)
    if session is not None:
        if not _has_issuer(session):
            return None
        return session["SecretAccessKey"], session["SessionToken"], float(session["Expiration"])
    key = iam._access_keys.get_scoped(responses.get_account_id(), None, access_key_id)
    return (key["SecretAccessKey"], "", None) if key and key["Status"] == "Active" else None


def _has_issuer(session: Mapping[str, Any]) -> bool:
    """Whether there still is the user or the role that a session is of; another one of the same name is not."""
    account = session["AccountId"]
    if session["PrincipalType"] != "AssumedRole":
        name = session["PrincipalName"]  # '' for the root of an account
        user = iam._users.get_scoped(account, None, name) if name else None
        is_same = user is not None and (session["PrincipalType"] != "User" or user["UserId"] == session["UserId"])
        return is_same or not name
    if "_identity_pool_id" in session:  # of a role that need not be there, since MiniStack makes up its name
        return True
    found = role(account, session["Arn"].split("/")[-2])
    # Those that nobody's key asked for have made-up ids.
    is_of_a_caller = "SourceAccessKeyId" in session
    return found is not None and (not is_of_a_caller or found["RoleId"] == session["UserId"].partition(":")[0])


def set_account_of_caller(access_key_id: str) -> None:
    """The account of the request becomes the one that a key belongs to; the lab's own when there is no such key.

    MiniStack itself knows only the numbers of accounts, sessions, and users of the lab's own account.
    """
    responses.set_request_account_id(access_key_id)
    if not access_key_id or access_key_id.isdecimal() or access_key_id in sts._sessions:
        return
    if iam._access_keys.get_scoped(responses.get_account_id(), None, access_key_id) is None:
        owner = _owner_of_users_key(access_key_id)
        if owner is not None:
            responses.set_request_account_id(owner)


_owners: dict[str, str] = {}


def _owner_of_users_key(access_key_id: str) -> str | None:
    """The account of a user's key, remembered, since a key never changes its account."""
    owner = _owners.get(access_key_id)
    if owner is None:
        owner = next((account for account, key in iam._access_keys.to_dict() if key == access_key_id), None)
        if owner is not None:
            _owners[access_key_id] = owner
    return owner


def trust_the_gateway() -> None:
    """Who calls is verified before MiniStack sees a request, and so is the account; it would guess the account from the
    key, and compare presigned URLs with the secret `test`.
    """
    ministack_app.set_request_account_id = lambda _access_key_id: None
    s3._verify_presigned_sigv4 = lambda *_arguments: None


_DETAILS = "GetAccountAuthorizationDetails"
_XML_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def list_permissions_boundaries() -> None:
    """GetAccountAuthorizationDetails shows the permissions boundary of users and roles, which MiniStack leaves out.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UserDetail.html
    """
    details = iam._IAM_HANDLERS[_DETAILS]

    def with_boundaries(parameters: Any) -> Answer:
        status, headers, body = details(parameters)
        owners = [("User", iam._users), ("Role", iam._roles)]
        found = {
            (kind, name): str(record["PermissionsBoundary"])
            for kind, records in owners
            for name, record in records.items()
            if record.get("PermissionsBoundary")
        }
        return status, headers, _with_boundaries(body, found) if found else body

    iam._IAM_HANDLERS[_DETAILS] = with_boundaries


def _with_boundaries(answer: bytes, boundaries: Mapping[tuple[str, str], str]) -> bytes:
    """:param boundaries: `User` or `Role`, and the name → the ARN of the policy."""
    root = ElementTree.fromstring(answer)  # noqa: S314 - MiniStack's own
    for kind in ("User", "Role"):
        for member in root.iterfind(f".//{_tag(f'{kind}DetailList')}/{_tag('member')}"):
            arn = boundaries.get((kind, member.findtext(_tag(f"{kind}Name"), "")))
            if arn:
                boundary = ElementTree.SubElement(member, _tag("PermissionsBoundary"))
                ElementTree.SubElement(boundary, _tag("PermissionsBoundaryType")).text = "PermissionsBoundaryPolicy"
                ElementTree.SubElement(boundary, _tag("PermissionsBoundaryArn")).text = arn
    written: bytes = ElementTree.tostring(root, encoding="UTF-8", default_namespace=_XML_NAMESPACE)
    return written


def _tag(name: str) -> str:
    return f"{{{_XML_NAMESPACE}}}{name}"


def role(account: str, name: str) -> dict[str, Any] | None:
    """The record of an IAM role."""
    found: dict[str, Any] | None = iam._roles.get_scoped(account, None, name)
    return found


def role_facts(arn: str) -> RoleFacts | None:
    """A role of any account; None when there is none of this ARN."""
    account = arn.split(":", 5)[4] if arn.count(":") >= 5 else ""
    found = role(account, arn.rpartition("/")[2])
    if found is None or found["Arn"] != arn:
        return None
    attached = [iam_evaluator._resolve_managed_policy_document(each, account) for each in found["AttachedPolicies"]]
    documents = [each for each in (*found["InlinePolicies"].values(), *attached) if each]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in documents]
    return RoleFacts(arn, str(found["AssumeRolePolicyDocument"]), tuple(texts))


def change_answer(operation: str, change: Callable[[Mapping[str, Any], Answer], Answer]) -> None:
    """Every answer of an operation of IAM goes through `change`, with the call's parameters."""
    answer_of = iam._IAM_HANDLERS[operation]
    iam._IAM_HANDLERS[operation] = lambda parameters: change(
        {name: iam._p(parameters, name) for name in parameters}, answer_of(parameters)
    )


def change_parameters(operation: str, more: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Every call of an operation of IAM has the parameters that `more` adds to the call's own."""
    handle = iam._IAM_HANDLERS[operation]
    iam._IAM_HANDLERS[operation] = lambda parameters: handle(
        {**parameters, **more({name: iam._p(parameters, name) for name in parameters})}
    )


def reject_calls(operation: str, rejected: Callable[[Mapping[str, Any]], Answer | None]) -> None:
    """Every call of an operation of IAM, with the user that it is about, is answered by `rejected` unless that gives
    None.
    """
    handle = iam._IAM_HANDLERS[operation]
    iam._IAM_HANDLERS[operation] = lambda parameters: (
        rejected({name: iam._p(parameters, name) for name in parameters}) or handle(parameters)
    )


def user_of_access_key(access_key_id: str) -> str:
    """The name of the user whose key it is, in the request's account; '' for a key that is nobody's."""
    return str((iam._access_keys.get(access_key_id) or {}).get("UserName", ""))


def change_credential_report(change: Callable[[str], str]) -> None:
    """Every credential report (CSV) goes through `change`."""
    build = iam._build_credential_report
    iam._build_credential_report = lambda: change(build())


def note_use_of_access_key(account: str, access_key_id: str, use: dict[str, str]) -> None:
    """Keeps when, where and for what a user's key was used last."""
    key = iam._access_keys.get_scoped(account, None, access_key_id)
    if key is not None:
        key["LastUsed"] = use


def use_of_access_key(access_key_id: str) -> dict[str, str] | None:
    """The last use of a key of the request's account; None when it was never used, or there is none."""
    found: dict[str, str] | None = (iam._access_keys.get(access_key_id) or {}).get("LastUsed")
    return found


def access_keys_of(user: str) -> list[str]:
    """The access keys of a user of the request's account, oldest first."""
    keys = [key for key in iam._access_keys.values() if key["UserName"] == user]
    return [str(key["AccessKeyId"]) for key in sorted(keys, key=lambda key: key.get("CreateDate", ""))]


# By account and user name, '' for the root.
_uses_of_passwords: dict[tuple[str, str], str] = {}


def note_use_of_password(account: str, user: str, time: str) -> None:
    """Keeps when somebody signed in to the console last; '' is the root."""
    _uses_of_passwords[account, user] = time
    found = iam._users.get_scoped(account, None, user) if user else None
    if found is not None:
        found["PasswordLastUsed"] = time


def use_of_password(user: str) -> str | None:
    """When a user of the request's account signed in last; '' is the root."""
    kept = (iam._users.get(user) or {}).get("PasswordLastUsed") if user else None
    return kept or _uses_of_passwords.get((responses.get_account_id(), user))


def age_of_password(user: str) -> str:
    """When the password of a user of the request's account was set; '' when there is none."""
    return str((iam._login_profiles.get(user) or {}).get("CreateDate", ""))


def user(account: str, name: str) -> dict[str, Any] | None:
    """The record of an IAM user."""
    found: dict[str, Any] | None = iam._users.get_scoped(account, None, name)
    return found


def mfa_device_of(account: str, name: str) -> str:
    """The serial number of a user's MFA device; '' when there is none."""
    for (owner, serial), device in iam._mfa_devices.to_dict().items():
        if owner == account and device.get("User") == name:
            return str(serial)
    return ""


def has_password(account: str, name: str) -> bool:
    """Whether a user may sign in to the console."""
    return iam._login_profiles.get_scoped(account, None, name) is not None
