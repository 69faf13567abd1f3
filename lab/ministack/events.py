"""EventBridge's rules and targets, and the topics of SNS."""
# ruff: noqa: SLF001

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import eventbridge, sns, sqs

from lab.protocol.answer import Answer

# Called with a target, an event, the rule and the event as patterns see it.
ToTarget = Callable[[dict[str, Any], dict[str, Any], dict[str, Any], Any], None]


def reject_subscriptions(error_of: Callable[[str, str], Answer | None]) -> None:
    """Every subscription to an SNS topic is first given, by protocol and endpoint, to `error_of`: an error or None."""
    check = sns._validate_subscription_endpoint
    sns._validate_subscription_endpoint = lambda protocol, endpoint: (
        error_of(protocol, endpoint) or check(protocol, endpoint)
    )


def target_policy(arn: str) -> str | None:
    """The policy (JSON text) of a topic, a queue or a function; None when there is no such thing."""
    _, _, service, region, account, _ = arn.split(":", 5)
    with responses.request_scope(account, region):
        found = iam_evaluator._resource_policy(service, arn)
    if found is None:
        return None
    return found[0] if isinstance(found[0], str) else json.dumps(found[0])


def target_key(arn: str) -> str:
    """The id, ARN or alias of the KMS key of a topic or a queue; '' when it has none."""
    queue = sqs._queue_by_arn(arn) if arn.startswith("arn:aws:sqs:") else None
    found = queue or sns._topic_by_arn_any_scope(arn) or {"attributes": {}}
    return str(found["attributes"].get("KmsMasterKeyId") or "")


def has_event_rules() -> bool:
    """Whether any account has a rule in EventBridge."""
    return any(True for _ in eventbridge._rules.all_items())


# To the rules of its bus, in the account and region of the request.
send_event: Callable[[dict[str, Any]], None] = eventbridge._dispatch_event


def replace_event_targets(change: Callable[[ToTarget], ToTarget]) -> None:
    """Every event that matches a rule is given to what `change` makes of MiniStack's own way to targets."""
    eventbridge._invoke_target = change(eventbridge._invoke_target)
