"""Calls that are recorded with a `sharedEventID`: a role of another account is assumed, a KMS key of another account is
used, or a service assumes a role.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html (AWSAccount)
and cloudtrail-event-reference-record-contents.html (sharedEventID)
https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html (cross-account operations)
"""

import uuid
from dataclasses import replace
from typing import Any

from lab.records.record import RecordedCall
from lab.records.resources import account_of


def in_every_account(call: RecordedCall) -> tuple[RecordedCall, ...]:
    """The records of a call: the caller's, and those of other accounts whose role was assumed or whose keys were used.
    They learn of the caller no more than the account and the id.
    """
    record = call.record
    if record["userIdentity"].get("type") == "AWSService":
        return (replace(call, record=_by_service(record)),)
    others = _owners(record) - {"", record["recipientAccountId"]}
    if not others:
        return (call,)
    shared = str(uuid.uuid4())
    identity = record["userIdentity"]
    stranger = {
        "type": "AWSAccount",
        "principalId": identity.get("principalId", ""),
        "accountId": record["recipientAccountId"],
    } | ({"invokedBy": identity["invokedBy"]} if "invokedBy" in identity else {})
    changes = {"userIdentity": stranger, "sharedEventID": shared}
    theirs = (
        {**record, **changes, "eventID": str(uuid.uuid4()), "recipientAccountId": owner} for owner in sorted(others)
    )
    ours = replace(call, record={**record, "sharedEventID": shared})
    return ours, *(replace(call, record=each, username="") for each in theirs)


# What KMS says of a key that there is, to somebody who may use it.
_KNOWS_KEY = (None, "DisabledException", "KMSInvalidStateException")


def _owners(record: dict[str, Any]) -> set[str]:
    """The accounts of the role that was assumed, or of the keys that were used or are in no state to be used."""
    if record["eventSource"] == "kms.amazonaws.com":
        keys = [each["ARN"] for each in record.get("resources") or () if each.get("type") == "AWS::KMS::Key"]
        return set(map(account_of, keys)) if record.get("errorCode") in _KNOWS_KEY else set()
    role = str((record["requestParameters"] or {}).get("roleArn", ""))
    if record["eventName"] != "AssumeRole" or "errorCode" in record or role.count(":") != 5:
        return set()
    return {role.split(":")[4]}


def _by_service(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a call that a service makes for itself, as real log files have it: EC2 shows of the session that it
    makes for an instance the credentials alone.
    """
    if record["eventName"] != "AssumeRole" or "errorCode" in record:
        return record
    shown = {**record, "sharedEventID": str(uuid.uuid4())}
    if record["userIdentity"].get("invokedBy") == "ec2.amazonaws.com":
        asked, made = record["requestParameters"], record["responseElements"]
        shown["requestParameters"] = {name: each for name, each in asked.items() if name != "durationSeconds"}
        shown["responseElements"] = {"credentials": made["credentials"]}
    return shown
