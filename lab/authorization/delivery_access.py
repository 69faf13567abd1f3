"""May an AWS service send something to a topic, a queue, a function or a state machine.

The policies of the target and of its key must let in the service principal; EventBridge may have a role instead.

To a topic EventBridge itself sends no context that a condition could look at, so that a statement with aws:SourceArn
never allows it; with functions and queues, and where it assumes a role, the source is the rule. The key of a topic that
a role publishes to is taken to leave it to IAM, as the policy does that AWS writes by default:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (event sources and encrypted topics)
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html (and queues)

S3, SNS, CloudWatch and SES name what they send for:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
"""

from dataclasses import dataclass
from datetime import datetime

from lab.authorization.closest_statement import decide_and_explain
from lab.authorization.conditions import Context, context_at
from lab.authorization.document import Asked, document
from lab.authorization.facts import KeyFacts, RoleFacts
from lab.authorization.policy import Access
from lab.authorization.principal import lets_assume

_SERVICE = "events.amazonaws.com"
_ACTIONS = {
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "lambda": "lambda:InvokeFunction",
    "states": "states:StartExecution",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A target of a rule, a topic, a queue, a function or a state machine, which has no policy of its own.

    :param policy: its policy (JSON text), '' for one without; None when there is no such target.
    :param key_name: the key that it names; '' for one without encryption of its own.
    :param key: that key; None when there is none of that name, or it is one that AWS manages.
    :param role_arn: the role that EventBridge is to use; '' for its service principal.
    :param role: that role; None when there is none.
    """

    arn: str
    policy: str | None
    key_name: str = ""
    key: KeyFacts | None = None
    role_arn: str = ""
    role: RoleFacts | None = None

    @property
    def action(self) -> str:
        """What EventBridge does with it."""
        return _ACTIONS[self.arn.split(":")[2]]


def delivery_denied(target: Target, rule_arn: str, now: datetime) -> str | None:
    """Why EventBridge cannot send an event, in a part of a sentence; None when it can.

    :param rule_arn: the rule that the event matches.
    """
    kind = target.arn.split(":")[2]
    if kind != "states" and target.policy is None:
        return f"there is no such {_NOUNS[kind]}"
    alone: dict[str, tuple[str, ...]] = context_at(now)
    of_rule = {**alone, "aws:sourcearn": (rule_arn,), "aws:sourceaccount": (rule_arn.split(":")[4],)}
    if target.role_arn:
        return _denied_to_role(target, of_rule)
    if target.policy is None:  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
        return "a state machine is started by a role alone"
    context = alone if kind == "sns" else of_rule
    decision = decide_and_explain(target.policy, Access(_SERVICE, target.action, target.arn, context))
    if not decision.is_allowed or not target.key_name:
        return decision.reason or None
    return _denied_by_key(target, _SERVICE, alone)


@dataclass(frozen=True, slots=True)
class Sender:
    """A service that sends for something: `service` is its principal, such as `s3.amazonaws.com`, `source_arn` what it
    sends for, such as a bucket, and `account` the owner of that.
    """

    service: str
    source_arn: str
    account: str


def sending_denied(sender: Sender, target: Target, now: datetime) -> str | None:
    """Why a service cannot send to a topic or a queue, in a part of a sentence; None when it can."""
    kind = target.arn.split(":")[2]
    if target.policy is None:
        return f"there is no such {_NOUNS[kind]}"
    source = {"aws:sourcearn": (sender.source_arn,), "aws:sourceaccount": (sender.account,)}
    if sender.service in _OWNERS:
        source["aws:sourceowner"] = (sender.account,)
    context = {**context_at(now), **source}
    decision = decide_and_explain(target.policy, Access(sender.service, target.action, target.arn, context))
    if not decision.is_allowed or not target.key_name:
        return decision.reason or None
    return _denied_by_key(target, sender.service, context)


# Who is let in by the policy that SNS gives a new topic, which asks for its owner.
_OWNERS = ("cloudwatch.amazonaws.com",)
_NOUNS = {"sns": "topic", "sqs": "queue", "lambda": "function"}
_CONTEXT_KEYS = {"sns": "kms:encryptioncontext:aws:sns:topicarn", "sqs": "kms:encryptioncontext:aws:sqs:arn"}


def _denied_by_key(target: Target, service: str, common: Context) -> str | None:
    key = target.key
    if key is None:
        return (
            f"the key {target.key_name} does not exist, or is an AWS managed key, whose policy allows no other service"
        )
    if key.state != "Enabled":
        return f"the key {key.arn} is {key.state}"
    context = {**common, _CONTEXT_KEYS[target.arn.split(":")[2]]: (target.arn,)}
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        decision = decide_and_explain(key.policy, Access(service, action, key.arn, context))
        if not decision.is_allowed:
            return decision.reason
    return None


def _denied_to_role(target: Target, context: Context) -> str | None:
    if target.role is None:
        return f"there is no role {target.role_arn}"
    if not lets_assume(target.role.trust_policy, target.role.arn, _SERVICE, context):
        return f"the trust policy of {target.role.arn} does not allow {_SERVICE} to assume it"
    kind = target.arn.split(":")[2]
    asked = [Asked(target.action, target.arn, context)]
    if kind == "sns" and target.key_name:
        if target.key is None or target.key.state != "Enabled":
            return f"the key {target.key_name} cannot be used"
        of_topic = {_CONTEXT_KEYS[kind]: (target.arn,), "kms:viaservice": (f"sns.{target.key.region}.amazonaws.com",)}
        actions = ("kms:GenerateDataKey", "kms:Decrypt")
        asked += [Asked(action, target.key.arn, {**context, **of_topic}) for action in actions]
    policies = [document(each) for each in target.role.policies]
    for each in asked:
        if any(policy.denies_to(each) for policy in policies) or not any(policy.allows_to(each) for policy in policies):
            return f"no policy allows {target.role.arn} to use {each.action} on {each.resource}"
    return None
