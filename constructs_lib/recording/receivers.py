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
    home = cdk.Stack.of(bucket)
    of_stack = {home.resolve(each.logical_id): each for each in home.node.find_all() if isinstance(each, s3.CfnBucket)}
    arns: dict[str, None] = {}
    is_all, todo, seen = True, [resource], {home.resolve(resource.logical_id)}
    while todo:
        for written in _destinations(home, todo.pop()):
            name = _logical_id(written)
            if name in seen:
                continue
            receiver = of_stack.get(name)
            if receiver is not None:
                seen.add(name)
                todo.append(receiver)
            arn = _arn(stack, home, receiver, written)
            if arn is None:
                is_all = False
            else:
                arns[arn] = None
    return [*arns], is_all


def _destinations(home: cdk.Stack, resource: s3.CfnBucket) -> Iterator[Any]:
    """What the template says of where access logs and copies go; access logs without a bucket go to the same one."""
    logging = home.resolve(resource.logging_configuration) or {}
    if "destinationBucketName" in logging:
        yield logging["destinationBucketName"]
    replication = home.resolve(resource.replication_configuration) or {}
    for rule in replication.get("rules", []):
        yield rule["destination"]["bucket"]


def _logical_id(written: Any) -> str:
    """Of the bucket whose name or ARN this is; '' where none is referred to."""
    match written:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
    return ""


def _arn(stack: cdk.Stack, home: cdk.Stack, receiver: s3.CfnBucket | None, written: Any) -> str | None:
    """The bucket's ARN as the stack can write it: a reference in the same stack, a name in another one."""
    if receiver is not None and home == stack:
        return receiver.attr_arn
    name = written if receiver is None else home.resolve(receiver.bucket_name)
    if isinstance(name, str):
        return f"arn:{stack.partition}:s3:::{name.rpartition(':')[2]}"
    return None
