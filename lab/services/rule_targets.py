"""What EventBridge calls for a rule: functions, of whose calls a data event tells, and state machines, as a role.

https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html (Invoke is a data event)
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html (state machines need a role)

What it sends to queues and topics are data events as well. No document shows their records, and the lab makes none.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from lab.authorization.conditions import context_at
from lab.ministack import core, events
from lab.protocol.answer import Answer
from lab.protocol.decode import Call
from lab.protocol.request import Request
from lab.records.record import Origin, RecordedCall
from lab.records.service_calls import EVENTBRIDGE, function_invoked
from lab.services.authorizing import Authorizer

# Called with a call, its request and its origin: the error for one that may not be made.
Refuse = Callable[[Call, Request, Origin], Answer | None]


class Calls(Protocol):
    """What calls the lab's services (`lab.cloudformation.api.Api`)."""

    def call_as(
        self, origin: Origin, refuse: Refuse | None, service: str, operation: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Calls an operation, which is recorded as of this origin.

        :raises Exception: the service answered with an error.
        """


@dataclass(frozen=True, slots=True)
class _Targets:
    authorizer: Authorizer
    calls: Calls
    take: Callable[[RecordedCall], None]
    now: Callable[[], datetime]
    warn: Callable[[str], None]

    def invoked(self, function: str, version: str, rule: dict[str, Any]) -> None:
        """Records that EventBridge invoked a function."""
        account, region = core.account_of_request(), core.region_of_request()
        self.take(function_invoked(function, version, str(rule["Arn"]), account, region, self.now()))

    def start(self, machine: str, text: str, target: dict[str, Any], rule: dict[str, Any]) -> None:
        """Starts a state machine as the target's role, which is allowed or refused, and recorded."""
        role_arn, session = str(target.get("RoleArn") or ""), uuid.uuid4().hex
        of_rule = {"aws:sourcearn": (str(rule["Arn"]),), "aws:sourceaccount": (str(rule["Arn"]).split(":")[4],)}
        context = {**context_at(self.now()), **of_rule}
        origin = self.authorizer.origin_of_role(role_arn, session, EVENTBRIDGE, context)
        if origin is None:
            self.warn(f"EventBridge cannot start {machine} for the rule {rule['Name']}: it cannot assume {role_arn}.")
            return
        service = {"type": "AWSService", "invokedBy": EVENTBRIDGE}
        itself = replace(origin, username=EVENTBRIDGE, user_identity=service)
        assumed = {"RoleArn": role_arn, "RoleSessionName": session}
        credentials = self.calls.call_as(itself, None, "sts", "AssumeRole", assumed)["Credentials"]
        identity = _with_key(origin.user_identity, str(credentials["AccessKeyId"]))

        def refuse(call: Call, request: Request, caller: Origin) -> Answer | None:
            return self.authorizer.refused_to_role(call, request, caller, role_arn)

        given = {"stateMachineArn": machine, "input": text}
        try:
            self.calls.call_as(
                replace(origin, user_identity=identity), refuse, "stepfunctions", "StartExecution", given
            )
        except Exception as error:  # noqa: BLE001 - every service has errors of its own, and each one is told
            self.warn(f"EventBridge cannot start {machine} for the rule {rule['Name']}: {error}")


def install(
    authorizer: Authorizer,
    calls: Calls,
    take: Callable[[RecordedCall], None],
    now: Callable[[], datetime],
    warn: Callable[[str], None],
) -> None:
    """MiniStack invokes functions and starts state machines as nobody, and leaves no record.

    :param take: called with each record of a call.
    :param warn: called with one line for each state machine that cannot be started; lines repeat.
    """
    targets = _Targets(authorizer, calls, take, now, warn)
    events.tell_of_targets(targets.invoked, targets.start)


def _with_key(identity: Any, access_key_id: str) -> dict[str, Any]:
    """The userIdentity of a session, with its access key where CloudTrail has it."""
    found: dict[str, Any] = {}
    for name, value in identity.items():
        found[name] = value
        if name == "accountId":
            found["accessKeyId"] = access_key_id
    return found
