"""Records of console sign-ins and of switches to roles, which no API call makes.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.clock import iso_time
from lab.records.record import EVENT_VERSION, RecordedCall
from lab.records.resources import Resource

_HIDDEN_NAME = "HIDDEN_DUE_TO_SECURITY_REASONS"  # it may be the password, typed into the wrong field
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
_ROOT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs in: the root of an account (`name` is ''), or an IAM user; `user_id` is '' for one that is not there.
    `mfa_serial` is the device that was used, '' for none.
    """

    account: str
    name: str
    user_id: str
    arn: str
    mfa_serial: str = ""


def console_login(person: Person, address: str, region: str, moment: datetime, *, succeeds: bool) -> RecordedCall:
    """The record of a sign-in.

    :param region: where IAM users sign in; the root does so in us-east-1.
    """
    is_root = not person.name
    identity: dict[str, Any] = {"type": "Root" if is_root else "IAMUser"}
    identity |= {"principalId": person.user_id, "arn": person.arn} if person.user_id else {}
    identity["accountId"] = person.account
    if not succeeds or is_root:
        identity["accessKeyId"] = ""
    if not is_root:
        identity["userName"] = person.name if person.user_id else _HIDDEN_NAME
    more = {
        "LoginTo": "https://console.aws.amazon.com/console/home",
        "MobileVersion": "No",
        "MFAUsed": "Yes" if person.mfa_serial else "No",
    }
    if person.mfa_serial:
        more["MFAIdentifier"] = person.mfa_serial
    where = _ROOT_REGION if is_root else region
    record = _head(identity, "ConsoleLogin", where, address, moment)
    if not succeeds:
        reason = "Failed authentication" if person.user_id else "No username found in supplied account"
        record["errorMessage"] = reason
    record |= {
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Success" if succeeds else "Failure"},
        "additionalEventData": more,
        **_tail(person.account),
    }
    username = "root" if is_root else str(identity["userName"])
    return RecordedCall(record, username, (), is_decoded=True)


def switch_role(person: Person, role: Mapping[str, str], address: str, region: str, moment: datetime) -> RecordedCall:
    """The record of a switch to a role, in the role's account.

    :param role: its `Arn` and `RoleId`.
    """
    account, name = role["Arn"].split(":")[4], role["Arn"].rpartition("/")[2]
    identity = {
        "type": "AssumedRole",
        "principalId": f"{role['RoleId']}:{person.name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{person.name}",
        "accountId": account,
    }
    record = {
        **_head(identity, "SwitchRole", region, address, moment),
        "requestParameters": None,
        "responseElements": {"SwitchRole": "Success"},
        "additionalEventData": {
            "SwitchFrom": person.arn,
            "RedirectTo": f"https://{region}.console.aws.amazon.com/console/home?region={region}#",
        },
        **_tail(account),
    }
    return RecordedCall(record, person.name, (Resource("AWS::IAM::Role", role["Arn"]),), is_decoded=True)


def _head(identity: dict[str, Any], name: str, region: str, address: str, moment: datetime) -> dict[str, Any]:
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": identity,
        "eventTime": iso_time(int(moment.timestamp())),
        "eventSource": "signin.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": address,
        "userAgent": _BROWSER,
    }


def _tail(account: str) -> dict[str, Any]:
    return {
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsConsoleSignIn",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
