"""Calls that are recorded in two accounts: a role of another account is assumed.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html (AWSAccount)
and cloudtrail-event-reference-record-contents.html (sharedEventID)
"""

import uuid
from dataclasses import replace

from lab.records.record import RecordedCall


def in_every_account(call: RecordedCall) -> tuple[RecordedCall, ...]:
    """The records of a call: the caller's, and that of the account whose role was assumed, if it is another one. The
    other account learns of the caller no more than the account and the id.
    """
    record = call.record
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
