"""Where S3 delivers because of a bucket that exists: its access logs, its copies, and the access logs of these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3


def receivers(stack: cdk.Stack, bucket: s3.IBucket) -> tuple[list[str], bool]:
    """The ARNs of the buckets that S3 delivers to because something is written to this one.

    :param stack: where the ARNs are to be used.
    :returns: those that this stack can name, and whether these are all.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return [], False
    arns: dict[str, None] = {}
    is_all, todo, seen = True, [resource], {resource.node.path}
    while todo:
        for written in _destinations(todo.pop()):
            receiver = _bucket_of(written)
            # What else S3 delivers because of a bucket that is known by its name alone, only its owner knows.
            is_all = is_all and receiver is not None
            if receiver is not None:
                if receiver.node.path in seen:
                    continue
                seen.add(receiver.node.path)
                todo.append(receiver)
            arn = _arn(stack, receiver, written)
            if arn is None:
                is_all = False
            else:
                arns[arn] = None
    return [*arns], is_all


def _destinations(resource: s3.CfnBucket) -> Iterator[Any]:
    """What is written of where access logs and copies go; access logs without a bucket go to the same one."""
    # As CDK has them before it writes references: of another stack these would be names of this one's template.
    properties = resource._cfn_properties  # noqa: SLF001 (protected in CDK)
    logging, replication = (
        _known(resource, properties.get(name)) or {} for name in ("loggingConfiguration", "replicationConfiguration")
    )
    if "destinationBucketName" in logging:
        yield logging["destinationBucketName"]
    for rule in replication.get("rules", []):
        yield rule["destination"]["bucket"]


def _known(resource: s3.CfnBucket, value: Any) -> Any:
    """The value; what CDK makes only later, without the references in there."""
    match value:
        case dict():
            return {name: _known(resource, each) for name, each in value.items()}
        case list():
            return [_known(resource, each) for each in value]
        case str() | int() | float() | None:
            return value
    return cdk.Stack.of(resource).resolve(value)


def _bucket_of(written: Any) -> s3.CfnBucket | None:
    """The bucket whose name or ARN this is, where it is a reference."""
    token = cdk.Tokenization.reverse_string(written).first_token if isinstance(written, str) else None
    target = token.target if isinstance(token, cdk.Reference) else None
    return target if isinstance(target, s3.CfnBucket) else None


def _arn(stack: cdk.Stack, receiver: s3.CfnBucket | None, written: Any) -> str | None:
    """The bucket's ARN as the stack can write it: a reference in the same stack, a name in another one."""
    if receiver is not None and cdk.Stack.of(receiver) == stack:
        return receiver.attr_arn
    name = written if receiver is None else cdk.Stack.of(receiver).resolve(receiver.bucket_name)
    name = name.rpartition(":::")[2] if isinstance(name, str) else None
    return None if name is None or cdk.Token.is_unresolved(name) else f"arn:{stack.partition}:s3:::{name}"
