"""CloudTrail's events in EventBridge: rules match them, and send them where the target's policy allows it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lab.authorization.delivery_access import Target, delivery_denied
from lab.clock import epoch_seconds
from lab.ministack import core, events, iam, kms
from lab.ministack.core import for_account_and_region
from lab.records.service_calls import EVENTBRIDGE

_DETAIL_TYPES = {
    "AwsApiCall": "AWS API Call via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
}
_READS = ("Describe", "Get", "List")
# These begin with Get, and yet they count as changes.
_NO_READS = ("GetFederationToken", "GetSessionToken")


def install(now: Callable[[], datetime], warn: Callable[[str], None]) -> None:
    """Lets EventBridge send events to topics, queues, functions and state machines only if policies allow it.

    :param warn: called with one line for each target that an event cannot reach; lines repeat.
    """

    def change(to_target: events.ToTarget) -> events.ToTarget:
        def guarded(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
            arn = str(target.get("Arn", ""))
            why = _unreachable(arn, str(target.get("RoleArn") or ""), str(rule["Arn"]), now())
            if why is None:
                to_target(target, event, rule, view)
            else:
                warn(f"EventBridge cannot send what matches the rule {rule['Name']} to {arn}: {why}.")

        return guarded

    events.replace_event_targets(change)


def publish(record: Mapping[str, Any], text: str) -> None:
    """Gives a record to the rules of its account and region.

    :param record: one that a trail takes: without a trail that logs, nothing reaches EventBridge.
    :param text: the record as JSON.
    """
    if not events.has_event_rules() or not is_sent(record) or _is_by_rule(record):
        return
    event = {
        "EventId": str(uuid.uuid4()),
        "Source": f"aws.{record['eventSource'].partition('.')[0]}",
        "DetailType": _DETAIL_TYPES[record["eventType"]],
        "Detail": text,
        "EventBusName": "default",
        "Time": epoch_seconds(record["eventTime"]),
        "Resources": [],
        "Account": record["recipientAccountId"],
        "Region": record["awsRegion"],
    }
    for_account_and_region(record["recipientAccountId"], record["awsRegion"], events.send_event, event)


def _is_by_rule(record: Mapping[str, Any]) -> bool:
    """Whether EventBridge made the call itself. In AWS that may match the same rule again, and so on without an end."""
    return bool(record.get("userIdentity", {}).get("invokedBy") == EVENTBRIDGE)


def is_sent(record: Mapping[str, Any]) -> bool:
    """Whether rules that are simply enabled see the event: all but management events that only read.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
    """
    if record["eventType"] not in _DETAIL_TYPES:
        return False
    name = record["eventName"]
    return not record["managementEvent"] or not name.startswith(_READS) or name in _NO_READS


def _unreachable(arn: str, role_arn: str, rule_arn: str, now: datetime) -> str | None:
    if ":api-destination/" in arn:
        return "the lab makes no calls outside this machine"
    kind = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if kind not in ("sns", "sqs", "lambda", "states", "events"):
        return f"the lab sends nothing to targets of {kind}" if kind else "it is no ARN"
    if kind == "events" or (
        kind == "states" and role_arn
    ):  # the start of a state machine is authorized when it is made
        return None if _is_here(arn) else _NOT_HERE
    key_name = events.target_key(arn)
    key = kms.key_facts(key_name) if key_name else None
    role = iam.role_facts(role_arn) if role_arn else None
    target = Target(arn, events.target_policy(arn), key_name, key, role_arn, role)
    return delivery_denied(target, rule_arn, now) or (None if _is_here(arn) else _NOT_HERE)


_NOT_HERE = "the lab sends nothing to another account or region"


def _is_here(arn: str) -> bool:
    region, account = arn.split(":")[3:5]
    return (account, region) == (core.account_of_request(), core.region_of_request())
