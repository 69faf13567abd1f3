"""Who is behind an access key: the userIdentity element of a record.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.ministack import iam


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller's userIdentity, and the name that LookupEvents shows for it (`Username`)."""

    username: str
    user_identity: dict[str, Any]


def caller(access_key_id: str, account: str, lab_time: Callable[[float], datetime]) -> Caller:
    """The caller behind an access key of the request's account: IAM user, root, assumed role, or unknown.

    :param lab_time: the lab's time at a moment of this machine's clock (epoch seconds).
    """
    found = iam.identity_of_access_key(access_key_id)
    if found is None:
        return Caller(access_key_id, {"type": "Unknown", "accountId": account, "accessKeyId": access_key_id})
    arn: str = found["userArn"]
    identity = {
        "type": "IAMUser",
        "principalId": found["userId"],
        "arn": arn,
        "accountId": account,
        "accessKeyId": access_key_id,
    }
    session = found["session"]
    if ":assumed-role/" in arn:
        return _assumed_role(arn, identity, _context(session, lab_time))
    if ":federated-user/" in arn:
        return _federated_user(arn, identity, session, _context(session, lab_time))
    context = {"sessionContext": {"sessionIssuer": {}, **_context(session, lab_time)}} if session else {}
    if arn.endswith(":root"):
        return Caller("root", identity | {"type": "Root", **context})
    user_name = arn.rpartition("/")[2]
    return Caller(user_name, identity | {"userName": user_name, **context})


def _context(session: Mapping[str, Any], lab_time: Callable[[float], datetime]) -> dict[str, Any]:
    """What a sessionContext says of temporary credentials, beside who issued them."""
    delivery = session.get("Ec2RoleDelivery")
    return {
        "webIdFederationData": session.get("WebIdFederationData", {}),
        "attributes": {
            "creationDate": lab_time(session["IssuedAt"]).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "mfaAuthenticated": "true" if session.get("MultiFactorAuthPresent") else "false",
        },
        **({"ec2RoleDelivery": delivery} if delivery else {}),
        **({"sourceIdentity": session["SourceIdentity"]} if session.get("SourceIdentity") else {}),
    }


def _federated_user(
    arn: str, identity: dict[str, Any], session: Mapping[str, Any], context: Mapping[str, Any]
) -> Caller:
    account, name = identity["accountId"], arn.rpartition("/")[2]
    issuer_name = str(session.get("PrincipalName", ""))
    issuer = iam.user(account, issuer_name) if issuer_name else None
    issued_by = {
        "type": "IAMUser" if issuer else "Root",
        "principalId": issuer["UserId"] if issuer else account,
        "arn": issuer["Arn"] if issuer else f"arn:aws:iam::{account}:root",
        "accountId": account,
        **({"userName": issuer_name} if issuer else {}),
    }
    who = {"type": "FederatedUser", "principalId": f"{account}:{name}"}
    return Caller(name, identity | who | {"sessionContext": {"sessionIssuer": issued_by, **context}})


def _assumed_role(arn: str, identity: dict[str, Any], session: Mapping[str, Any]) -> Caller:
    _, role_name, session_name = arn.split("/")
    role = iam.role(identity["accountId"], role_name) or {}
    context = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": str(identity["principalId"]).partition(":")[0],
            "arn": role.get("Arn", f"arn:aws:iam::{identity['accountId']}:role/{role_name}"),
            "accountId": identity["accountId"],
            "userName": role_name,
        },
        **session,
    }
    return Caller(session_name, identity | {"type": "AssumedRole", "sessionContext": context})
