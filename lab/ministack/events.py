"""EventBridge's rules and targets, the topics of SNS, and what services send to topics and queues."""
# ruff: noqa: SLF001

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import cloudwatch, eventbridge, lambda_svc, ses, sns, sqs

from lab.protocol.answer import Answer

# Also that of topics: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
_REUSE_SECONDS = 300

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


def data_key_reuse_seconds(arn: str) -> int:
    """How long SQS or SNS uses the data key of a queue or a topic again before it asks KMS for another one."""
    queue = sqs._queue_by_arn(arn) if arn.startswith("arn:aws:sqs:") else None
    return int((queue or {"attributes": {}})["attributes"].get("KmsDataKeyReusePeriodSeconds") or _REUSE_SECONDS)


def has_event_rules() -> bool:
    """Whether any account has a rule in EventBridge."""
    return any(True for _ in eventbridge._rules.all_items())


# To the rules of its bus, in the account and region of the request.
send_event: Callable[[dict[str, Any]], None] = eventbridge._dispatch_event


def replace_event_targets(change: Callable[[ToTarget], ToTarget]) -> None:
    """Every event that matches a rule is given to what `change` makes of MiniStack's own way to targets."""
    eventbridge._invoke_target = change(eventbridge._invoke_target)


# Called with a function's ARN, the version that is invoked, and the rule.
Invoked = Callable[[str, str, dict[str, Any]], None]
# Called with a state machine's ARN, its input (JSON text), the target and the rule.
Start = Callable[[str, str, dict[str, Any], dict[str, Any]], None]
# The target and the rule of what is being sent.
_sending: ContextVar[tuple[dict[str, Any], dict[str, Any]]] = ContextVar("sending")


def tell_of_targets(invoked: Invoked, start: Start) -> None:
    """`invoked` is called after every function that a rule invokes, `start` instead of starting a state machine."""
    to_target, to_function = eventbridge._invoke_target, eventbridge._dispatch_to_lambda

    def sent(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        token = _sending.set((target, rule))
        try:
            to_target(target, event, rule, view)
        finally:
            _sending.reset(token)

    def invoke(arn: str, payload: str) -> None:
        to_function(arn, payload)
        _, configuration, _ = lambda_svc._get_func_record_for_ref(arn)
        if configuration:
            invoked(arn, str(configuration.get("Version") or "$LATEST"), _sending.get()[1])

    eventbridge._invoke_target, eventbridge._dispatch_to_lambda = sent, invoke
    eventbridge._dispatch_to_stepfunctions = lambda arn, payload: start(arn, payload, *_sending.get())


# Called with a service's principal, the ARN that it sends for, the account of that, and the ARN of a queue or a topic.
MaySend = Callable[[str, str, str, str], bool]


def ask_before_sending(may_send: MaySend) -> None:
    """S3's notifications, SNS's messages to queues, CloudWatch's alarms and SES's events are sent only if allowed."""
    sqs.queue_policy_allows = sns.topic_policy_allows = lambda arn, service, source_arn, account: may_send(
        service, source_arn, account, arn
    )
    act, is_topic = cloudwatch._dispatch_alarm_actions, cloudwatch._is_sns_action_arn
    alarm_arn: ContextVar[str] = ContextVar("alarm_arn", default="")

    def is_open_topic(action: Any) -> bool:
        arn = alarm_arn.get()
        return is_topic(action) and may_send("cloudwatch.amazonaws.com", arn, responses.get_account_id(), action)

    def acted(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        token = alarm_arn.set(str(alarm.get("AlarmArn") or ""))
        try:
            act(alarm, old_state, new_state, reason)
        finally:
            alarm_arn.reset(token)

    cloudwatch._is_sns_action_arn, cloudwatch._dispatch_alarm_actions = is_open_topic, acted
    publish = ses._publish_notification

    def published(topic_arn: str, payload: dict[str, Any]) -> None:
        account = responses.get_account_id()
        source = str((payload.get("mail") or {}).get("sourceArn") or f"arn:aws:ses:{responses.get_region()}:{account}:")
        if may_send("ses.amazonaws.com", source, account, topic_arn):
            publish(topic_arn, payload)

    ses._publish_notification = published
