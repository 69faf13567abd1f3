"""Calls that are recorded with a `sharedEventID`: a role of another account is assumed, or a service assumes a role.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html (AWSAccount)
and cloudtrail-event-reference-record-contents.html (sharedEventID)
"""

import uuid
from dataclasses import replace
from typing import Any

from lab.records.record import RecordedCall


def in_every_account(call: RecordedCall) -> tuple[RecordedCall, ...]:
    """The records of a call: the caller's, and that of the account whose role was assumed, if it is another one. The
    other account learns of the caller no more than the account and the id.
    """
    record = call.record
    if record["userIdentity"].get("type") == "AWSService":
        return (replace(call, record=_by_service(record)),)
    role = str((record["requestParameters"] or {}).get("roleArn", ""))
    if record["eventName"] != "AssumeRole" or "errorCode" in record or role.count(":") != 5:
        return (call,)
    owner = role.split(":")[4]
    if owner == record["recipientAccountId"]:
        return (call,)
    shared = str(uuid.uuid4())
    identity = record["userIdentity"]
    stranger = {
        "type": "AWSAccount",
        "principalId": identity.get("principalId", ""),
        "accountId": record["recipientAccountId"],
    }
    theirs = {
        **record,
        "userIdentity": stranger,
        "eventID": str(uuid.uuid4()),
        "recipientAccountId": owner,
        "sharedEventID": shared,
    }
    return replace(call, record={**record, "sharedEventID": shared}), replace(call, record=theirs, username="")


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
