"""What services ask for by the roles that the stack gives them, and for logs of access: it may not be refused.

A trail's events reach a log group, copies reach a replica and alerts a stream by a role. A role that may no longer
write, or another one that may not, ends that as a rule that is removed does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from securetrail.review.access.model import Access
from securetrail.review.access.policies import Kind, Policies, Resources, Subject, at_time, times
from securetrail.review.template import Id, Resource
from verify.policy.conditions import Context
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide
from verify.policy.times import context_at

_Found = Mapping[Subject, Policies]
# What is called at a target of a service; of others it depends on more than the target.
_PUTS: Final = {
    "batch": "batch:SubmitJob",
    "events": "events:PutEvents",
    "firehose": "firehose:PutRecord",
    "kinesis": "kinesis:PutRecord",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}
# What is called to read a source.
_TAKES: Final = {"kinesis": ("kinesis:GetRecords",), "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage")}
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
_USES_A_KEY: Final = ("kms:GenerateDataKey", "kms:Decrypt")
_SENDING: Final = {
    "AWS::SNS::Topic": (Kind.TOPIC, "sns:Publish", "the topic"),
    "AWS::SQS::Queue": (Kind.QUEUE, "sqs:SendMessage", "the queue"),
}
_STREAMS: Final = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
_LOG_POLICY: Final = "AWS::Logs::ResourcePolicy"
_OBJECT: Final = "AWSLogs/x7Kq2mVb9RtL4wZc"


@dataclass(frozen=True, slots=True)
class _Ask:
    """What a service asks for.

    :param role: its ARN; empty when the service asks itself.
    :param service: that has the role, or asks itself.
    :param source: on whose behalf.
    :param on: in words.
    :param contexts: one of them is the request's.
    :param by: whose policy decides, when the service asks itself.
    :param about: the resource that the row is about. Default: - the one that needs it.
    """

    role: str
    service: str
    source: str
    action: str
    target: str
    on: str
    contexts: tuple[Context, ...] = ({},)
    by: Kind = Kind.BUCKET
    about: Id | None = None


def denied_deliveries(base: Resources, head: Resources, before: _Found, after: _Found) -> Iterator[Access]:
    """What a resource of both sides needs, was certainly allowed, and is no longer."""
    now, *later = times(before, after)
    for id_, resource in head.items():
        if id_ not in base or base[id_].type != resource.type:
            continue
        old, new = dict(_asks(base[id_], base)), dict(_asks(resource, head))
        for name, ask in new.items():
            was = old.get(name)
            if was is None:
                continue
            is_other = ask.role != was.role and not _is_known(ask.role, after)
            is_other |= ask.by is Kind.KEY and ask.target != was.target and _of(Kind.KEY, ask.target, after) is None
            lost = (
                at
                for at in (now, *later)
                if not _is_allowed(ask, resource, after, at) and (is_other or _is_allowed(was, base[id_], before, at))
            )
            if (at := next(lost, None)) is not None:
                yield Access(
                    resource=ask.about or id_,
                    resource_type=head[ask.about].type if ask.about else resource.type,
                    who=f"the role {ask.role}" if ask.role else ask.service if ask.service else "no role",
                    actions=(ask.action,),
                    on=ask.on,
                    when="" if at == now else at_time(at),
                    because=f"no template makes this {'role' if ask.role else 'key'}"
                    if is_other
                    else "it is not certainly allowed any more",
                    is_certain=True,
                    objects=True,
                    is_lost=True,
                )


def _asks(resource: Resource, resources: Resources) -> Iterator[tuple[str, _Ask]]:
    """By a name that is the same on both sides."""
    yield from _of_targets(resource, resources)
    if resource.type == "AWS::Lambda::EventSourceMapping":
        function = _by_arn(resources, resource.properties.get("FunctionName"))
        if function is not None:
            source = resource.properties.get("EventSourceArn")
            yield from _take(function.properties.get("Role"), "lambda", function.arn, source)
    elif resource.type in _ASKING:
        yield from _ASKING[resource.type](resource)


def _of_trail(trail: Resource) -> Iterator[tuple[str, _Ask]]:
    given, region = trail.properties, _region(trail.arn)
    role = given.get("CloudWatchLogsRoleArn")
    if role:
        group = _text(given.get("CloudWatchLogsLogGroupArn")).removesuffix(":*")
        stream = f"{group}:log-stream:{trail.account}_CloudTrail_{region}"
        yield from _by_role(
            role, "cloudtrail", trail.arn, stream, "the log group", "logs:CreateLogStream", "logs:PutLogEvents"
        )


def _of_rule(rule: Resource) -> Iterator[tuple[str, _Ask]]:
    targets = rule.properties.get("Targets")
    for target in targets if isinstance(targets, list) else ():
        to = _text(target.get("Arn")) if isinstance(target, dict) else ""
        if to and target.get("RoleArn"):
            yield from _put(target.get("RoleArn"), "events", rule.arn, to)
        elif ":logs:" in to:
            yield from _to_log_group(rule, to.removesuffix(":*"))


def _of_log_subscription(subscription: Resource) -> Iterator[tuple[str, _Ask]]:
    given = subscription.properties
    if given.get("RoleArn"):
        group = _text(given.get("LogGroupName"))
        source = f"arn:aws:logs:{_region(subscription.arn)}:{subscription.account}:log-group:{group}:*"
        yield from _put(given.get("RoleArn"), "logs", source, _text(given.get("DestinationArn")))


def _of_schedule(schedule: Resource) -> Iterator[tuple[str, _Ask]]:
    target = schedule.properties.get("Target")
    if isinstance(target, dict):
        yield from _put(target.get("RoleArn"), "scheduler", schedule.arn, _text(target.get("Arn")))


def _of_pipe(pipe: Resource) -> Iterator[tuple[str, _Ask]]:
    given = pipe.properties
    yield from _take(given.get("RoleArn"), "pipes", pipe.arn, given.get("Source"))
    yield from _put(given.get("RoleArn"), "pipes", pipe.arn, _text(given.get("Target")))


def _of_delivery_stream(stream: Resource) -> Iterator[tuple[str, _Ask]]:
    for each in (stream.properties.get(name) for name in _STREAMS):
        if isinstance(each, dict):
            bucket = _text(each.get("BucketARN"))
            target, on = f"{bucket}/{_text(each.get('Prefix'))}x", f"the bucket {bucket}"
            yield from _by_role(each.get("RoleARN"), "firehose", stream.arn, target, on, "s3:PutObject")


def _of_targets(resource: Resource, resources: Resources) -> Iterator[tuple[str, _Ask]]:
    """That a service may send to topics and queues, and use their keys; without a key, it need not."""
    for service, to in _sends(resource):
        target = _by_arn(resources, to)
        if target is None or target.type not in _SENDING:
            continue
        key = target.properties.get("KmsMasterKeyId")
        # That nobody can open AWS's own keys to services says a control.
        key = "" if not isinstance(key, str) or key.endswith(("alias/aws/sns", "alias/aws/sqs")) else key
        region = _region(target.arn)
        kind, name = ("sns", "topicArn") if target.type == "AWS::SNS::Topic" else ("sqs", "arn")
        about = {f"kms:encryptioncontext:aws:{kind}:{name.casefold()}": (target.arn,)}
        contexts: tuple[Context, ...] = ({}, {**about, "kms:viaservice": (f"{kind}.{region}.amazonaws.com",)})
        principal, by, sending, on = f"{service}.amazonaws.com", *_SENDING[target.type]
        send = _Ask("", principal, resource.arn, sending, target.arn, on, by=by, about=target.id)
        yield f"{sending} for {service} on {target.arn}", send
        for action in _USES_A_KEY:
            use = _Ask("", principal, resource.arn, action, key, "its key", contexts, Kind.KEY, target.id)
            yield f"{action} for {service} on {target.arn}", use


def _sends(resource: Resource) -> Iterator[tuple[str, Any]]:
    """Which service sends on behalf of a resource, and to whom."""
    given = resource.properties
    if resource.type in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        actions = given.get("AlarmActions")
        yield from (("cloudwatch", each) for each in (actions if isinstance(actions, list) else ()))
    elif resource.type == "AWS::Events::Rule":
        targets = given.get("Targets")
        for each in targets if isinstance(targets, list) else ():
            if isinstance(each, dict) and not each.get("RoleArn"):
                yield "events", each.get("Arn")
    elif resource.type == "AWS::CloudTrail::Trail":
        yield "cloudtrail", given.get("SnsTopicName")
    elif resource.type == "AWS::SNS::Subscription" and given.get("Protocol") == "sqs":
        yield "sns", given.get("Endpoint")
    elif resource.type == "AWS::S3::Bucket":
        told = given.get("NotificationConfiguration")
        for name, key in (("TopicConfigurations", "Topic"), ("QueueConfigurations", "Queue")):
            entries = told.get(name) if isinstance(told, dict) else None
            yield from (("s3", each.get(key)) for each in entries or () if isinstance(each, dict))


def _to_log_group(rule: Resource, group: str) -> Iterator[tuple[str, _Ask]]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions"""
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        stream, on = f"{group}:log-stream:x", f"the target {group}"
        yield f"{action} on {on}", _Ask("", "events.amazonaws.com", rule.arn, action, stream, on, by=Kind.OTHER)


def _take(role: Any, service: str, source: str, target: Any) -> Iterator[tuple[str, _Ask]]:
    """That a role may read what a function or a pipe is fed with."""
    actions = _TAKES.get((_text(target).split(":")[2:3] or [""])[0], ())
    yield from _by_role(role, service, source, _text(target), f"the source {_text(target)}", *actions)


def _by_arn(resources: Resources, arn: Any) -> Resource | None:
    return next((each for each in resources.values() if each.arn == arn), None) if arn else None


def _put(role: Any, service: str, source: str, target: str) -> Iterator[tuple[str, _Ask]]:
    action = _PUTS.get((target.split(":")[2:3] or [""])[0])
    yield from _by_role(role, service, source, target, f"the target {target}", *([action] if action else []))


def _of_bucket(bucket: Resource) -> Iterator[tuple[str, _Ask]]:
    logging = bucket.properties.get("LoggingConfiguration")
    if isinstance(logging, dict):
        name, prefix = logging.get("DestinationBucketName", bucket.reference), _text(logging.get("LogFilePrefix"))
        target = f"{bucket.arn.rpartition(':')[0]}:{name}/{prefix}2026-01-31-10-35-00-X7KQ2MVB9RTL4WZC"
        service = "logging.s3.amazonaws.com"
        yield "logs", _Ask("", service, bucket.arn, "s3:PutObject", target, "the bucket of the access logs")
    copies = bucket.properties.get("ReplicationConfiguration")
    if not isinstance(copies, dict):
        return
    role, name = copies.get("Role"), "s3"
    reads = ("s3:GetReplicationConfiguration", "s3:ListBucket")
    yield from _by_role(role, name, bucket.arn, bucket.arn, "the bucket", *reads)
    reads = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl")
    yield from _by_role(role, name, bucket.arn, f"{bucket.arn}/{_OBJECT}", "the bucket's objects", *reads)
    encryption = bucket.properties.get("BucketEncryption")
    rules = encryption.get("ServerSideEncryptionConfiguration") if isinstance(encryption, dict) else None
    for rule in rules if isinstance(rules, list) else ():
        default = rule.get("ServerSideEncryptionByDefault") if isinstance(rule, dict) else None
        key = _text(default.get("KMSMasterKeyID")) if isinstance(default, dict) else ""
        if key.startswith("arn:"):
            yield from _by_role(
                role, name, bucket.arn, key, "the key", "kms:Decrypt", contexts=_of_key(key, bucket.arn)
            )
    rules = copies.get("Rules")
    for rule in rules if isinstance(rules, list) else ():
        destination = rule.get("Destination") if isinstance(rule, dict) else None
        to = _text(destination.get("Bucket")) if isinstance(destination, dict) else ""
        if not to or not isinstance(destination, dict) or rule.get("Status") != "Enabled":
            continue
        writes = ("s3:ReplicateObject",)
        yield from _by_role(role, name, bucket.arn, f"{to}/{_OBJECT}", f"the replica {to}", *writes)
        encryption = destination.get("EncryptionConfiguration")
        key = _text(encryption.get("ReplicaKmsKeyID")) if isinstance(encryption, dict) else ""
        if key.startswith("arn:"):
            yield from _by_role(
                role, name, bucket.arn, key, f"the key of the replica {to}", "kms:Encrypt", contexts=_of_key(key, to)
            )


def _of_key(key: str, bucket: str) -> tuple[Context, ...]:
    """Of an object's own key, and of a bucket key."""
    partition, region = key.split(":")[1], key.split(":")[3]
    via = f"s3.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"
    return tuple(
        {"kms:viaservice": (via,), "kms:encryptioncontext:aws:s3:arn": (arn,)}
        for arn in (f"{bucket}/{_OBJECT}", bucket)
    )


def _by_role(
    role: Any,
    service: str,
    source: str,
    target: str,
    on: str,
    *actions: str,
    contexts: tuple[Context, ...] = ({},),
) -> Iterator[tuple[str, _Ask]]:
    """That the service may take the role, and what it then does."""
    principal, arn = f"{service}.amazonaws.com", _text(role)
    for action in ("sts:AssumeRole", *actions):
        # One role for all: whether it may be taken is asked once.
        name = action if action == "sts:AssumeRole" else f"{action} on {on}"
        words = "itself" if action == "sts:AssumeRole" else on
        yield name, _Ask(arn, principal, source, action, arn if words == "itself" else target, words, contexts)


_ASKING: Final[Mapping[str, Callable[[Resource], Iterator[tuple[str, _Ask]]]]] = {
    "AWS::CloudTrail::Trail": _of_trail,
    "AWS::Events::Rule": _of_rule,
    "AWS::KinesisFirehose::DeliveryStream": _of_delivery_stream,
    "AWS::Logs::SubscriptionFilter": _of_log_subscription,
    "AWS::Pipes::Pipe": _of_pipe,
    "AWS::S3::Bucket": _of_bucket,
    "AWS::Scheduler::Schedule": _of_schedule,
}


def _is_known(role: str, found: _Found) -> bool:
    return any(subject.kind is Kind.PERMISSIONS and policies.arn == role for subject, policies in found.items())


def _is_allowed(ask: _Ask, resource: Resource, found: _Found, at: datetime) -> bool:
    """Whether all that the templates have allows it; what they do not tell does not."""
    if ask.by is Kind.KEY and not ask.target:
        return True
    if ask.action == "sts:AssumeRole" or not ask.role:
        kind = Kind.TRUST if ask.action == "sts:AssumeRole" else ask.by
        context = {
            **context_at(at),
            "aws:sourcearn": (ask.source,),
            "aws:sourceaccount": (resource.account,),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (ask.service,),
            "aws:securetransport": ("true",),
        }
        requests = [
            Request(Principal(PrincipalKind.SERVICE, ask.service), ask.action, ask.target, {**context, **more})
            for more in ask.contexts
        ]
        return any(
            _decided(policies, request) == (True, False)
            for policies in _all_of(kind, ask.target, found)
            for request in requests
        )
    return any(_is_allowed_with(ask, {**context_at(at), **each}, found) for each in ask.contexts)


def _is_allowed_with(ask: _Ask, context: Context, found: _Found) -> bool:
    account = (ask.role.split(":")[4:5] or [""])[0]
    context = {
        "aws:principalarn": (ask.role,),
        "aws:principalaccount": (account,),
        "aws:principalisawsservice": ("false",),
        "aws:securetransport": ("true",),
        **context,
    }
    request = Request(Principal(PrincipalKind.AWS, ask.role), ask.action, ask.target, context)
    own = _of(Kind.PERMISSIONS, ask.role, found)
    if own is None or _decided(own, request) != (True, False):
        return False
    kind = Kind.KEY if ask.action.startswith("kms:") else Kind.BUCKET
    theirs = _of(kind, ask.target, found)
    if theirs is None:
        return True
    is_allowed, is_denied = _decided(theirs, request)
    return not is_denied and (is_allowed or (kind is not Kind.KEY and theirs.account == account))


def _of(kind: Kind, target: str, found: _Found) -> Policies | None:
    whole = target.partition("/")[0] if kind is Kind.BUCKET else target
    return next(
        (policies for subject, policies in found.items() if subject.kind is kind and policies.arn == whole), None
    )


def _all_of(kind: Kind, target: str, found: _Found) -> list[Policies]:
    """All that decide about a target: of a log group, each policy for log groups may allow it."""
    if kind is Kind.OTHER:
        return [each for subject, each in found.items() if subject.kind is kind and each.type == _LOG_POLICY]
    policies = _of(kind, target, found)
    return [] if policies is None else [policies]


def _decided(policies: Policies, request: Request) -> tuple[bool, bool]:
    """Whether it is certainly allowed by each layer, and whether it may be denied."""
    mentioned = {c.key.casefold() for layer in policies.layers for s in layer for c in s.conditions}
    asked = replace(request, context={**dict.fromkeys(mentioned, ()), **request.context})
    answers = [decide(layer, asked) for layer in policies.layers]
    is_allowed = all(answer.allow.is_true is True for answer in answers)
    return is_allowed, any(answer.deny.is_true is not False for answer in answers)


def _region(arn: str) -> str:
    return (arn.split(":")[3:4] or [""])[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
