"""Why a deployment failed, as CloudFormation's events say it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lab.instance.folder import Lab
from lab.instance.lifecycle import Stack
from lab.scenarios.actor import CallOrigin, learner

_ORIGIN = CallOrigin("127.0.0.1", "python -m lab deploy")
_OF_THE_STACK = "AWS::CloudFormation::Stack"


def reasons(lab: Lab, stacks: Sequence[Stack], since: datetime) -> list[str]:
    """What CloudFormation said about each part that it did not make, in a line each, without repetition.

    DescribeEvents tells what was wrong before anything was made, DescribeStackEvents what failed then:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html

    :param stacks: of which those that did not fail are left out, and those of another account.
    :param since: the lab's time at which the deployment began.
    """
    caller = learner(lab, _ORIGIN)
    found: list[str] = []
    for stack in stacks:
        has_failed = "ROLLBACK" in stack.status or stack.status.endswith("FAILED")
        if has_failed and stack.account == lab.account:
            cloudformation = caller.client("cloudformation", stack.region)
            events = [
                *cloudformation.describe_events(StackName=stack.name)["OperationEvents"],
                *cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"],
            ]
            found += [
                f"{event['LogicalResourceId']} ({event['ResourceType']}): {_reason(event)}"
                for event in events
                if event["Timestamp"] >= since and _reason(event)
            ]
    return list(dict.fromkeys(found))


def _reason(event: dict[str, Any]) -> str:
    """Of an event of a part; '' when it tells no failure."""
    if event.get("EventType") == "VALIDATION_ERROR":
        return str(event["ValidationStatusReason"])
    if event.get("ResourceType") != _OF_THE_STACK and event.get("ResourceStatus", "").endswith("_FAILED"):
        return str(event.get("ResourceStatusReason", event["ResourceStatus"]))
    return ""
