"""The stack that ``tools.destroy`` is about to delete, and whether it may."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import yaml
from botocore.exceptions import ClientError

_TRAIL = "AWS::CloudTrail::Trail"
_BUCKET = "AWS::S3::Bucket"
_KEY = "AWS::KMS::Key"
# Such a stack has no outputs, and can only be deleted:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_NEVER_MADE = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
_GONE = "DELETE_COMPLETE"


class DestroyError(Exception):
    """What keeps the stack from going away, in one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Stack:
    """What the deployed stack is made of.

    :param trail_arn: the trail. Default: - an earlier run has deleted it.
    :param log_bucket: the bucket of its log files, which an earlier run may have deleted.
    :param key_arn: the key of the log files.
    :param owns_key: whether the key is the stack's, and there.
    :param buckets: the buckets that CloudFormation deletes with the stack.
    :param retained: the buckets that the stack's template says to retain.
    """

    name: str
    trail_arn: str | None
    log_bucket: str
    key_arn: str
    owns_key: bool
    buckets: tuple[str, ...]
    retained: tuple[str, ...]


def read_stack(cloudformation: Any, name: str) -> Stack:
    """Look the stack up.

    Its outputs name the trail and the buckets, and whoever wrote the template chose them. What belongs to the stack,
    CloudFormation says: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html

    :raises DestroyError: there is no such stack, it is not a SecureTrail stack, its outputs name what is not its own,
        or it cannot be deleted now. Better found out before its logs are gone than after.
    """
    try:
        description = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise DestroyError(f"There is no stack {name!r} here. Check --region, --profile and --stack.", 2) from error
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    status = description["StackStatus"]
    if status in _NEVER_MADE:
        raise DestroyError(
            f"Stack {name!r} is {status}: it could not be created, and there is nothing to empty. Deploy it again, or "
            f"delete what is left of it: aws cloudformation delete-stack --stack-name {shlex.quote(name)}"
        )
    missing = {"TrailArn", "LogBucketName", "KeyArn"} - outputs.keys()
    if missing:
        raise DestroyError(f"Stack {name!r} is not a SecureTrail stack: it has no output {sorted(missing)[0]}.", 2)
    if description.get("EnableTerminationProtection"):
        raise DestroyError(
            f"Stack {name!r} is protected against termination. To lift that: "
            "aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "
            + shlex.quote(name)
        )
    if description["StackStatus"].endswith("_IN_PROGRESS"):
        raise DestroyError(f"Stack {name!r} is {description['StackStatus']}. Wait until that is over.")
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    resources = (yaml.safe_load(template) if isinstance(template, str) else template)["Resources"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    deployed = [resource for page in pages for resource in page["StackResourceSummaries"]]
    # What could not be created has no physical id.
    there = [each for each in deployed if each["ResourceStatus"] != _GONE and each.get("PhysicalResourceId")]
    own = {
        kind: {resource["PhysicalResourceId"]: resource for resource in there if resource["ResourceType"] == kind}
        for kind in (_TRAIL, _BUCKET, _KEY)
    }
    trail_arn, log_bucket, key_arn = outputs["TrailArn"], outputs["LogBucketName"], outputs["KeyArn"]
    trails = [_sibling(description["StackId"], "cloudtrail", f"trail/{each}") for each in own[_TRAIL]]
    # An earlier run may have come further, and what it has deleted is nobody's.
    if description["StackStatus"] != "DELETE_FAILED":
        _refuse_others(name, "TrailArn", trail_arn, trails)
        _refuse_others(name, "LogBucketName", log_bucket, own[_BUCKET])
    # What an update could not delete is no longer in the template; CloudFormation tries again with the stack.
    buckets = {
        bucket: resources.get(resource["LogicalResourceId"], {}).get("DeletionPolicy", "Delete")
        for bucket, resource in own[_BUCKET].items()
    }
    return Stack(
        name=name,
        trail_arn=trail_arn if trail_arn in trails else None,
        log_bucket=log_bucket,
        key_arn=key_arn,
        owns_key=key_arn in [_sibling(description["StackId"], "kms", f"key/{each}") for each in own[_KEY]],
        buckets=tuple(bucket for bucket, policy in buckets.items() if policy == "Delete"),
        retained=tuple(bucket for bucket, policy in buckets.items() if policy != "Delete"),
    )


def _sibling(stack_arn: str, service: str, resource: str) -> str:
    """The ARN of a resource in the stack's account and region."""
    arn, partition, _, region, account, _ = stack_arn.split(":", 5)
    return ":".join((arn, partition, service, region, account, resource))


def _refuse_others(stack: str, output: str, named: str, own: Collection[str]) -> None:
    if named not in own:
        raise DestroyError(
            f"Output {output} of stack {stack!r} names {named}, which is not the stack's own: CloudFormation says that "
            f"it has {', '.join(own) or 'none'}. Nothing was changed. Correct the output, or delete the stack by hand."
        )
