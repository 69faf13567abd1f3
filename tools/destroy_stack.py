"""The stack that ``tools.destroy`` is about to delete, and whether it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml
from botocore.exceptions import ClientError


class DestroyError(Exception):
    """What keeps the stack from going away, in one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Stack:
    """What the deployed stack is made of.

    :param buckets: the buckets that CloudFormation deletes with the stack.
    :param retained: the buckets that the stack's template says to retain.
    """

    name: str
    outputs: dict[str, str]
    buckets: tuple[str, ...]
    retained: tuple[str, ...]


def read_stack(cloudformation: Any, name: str) -> Stack:
    """Look the stack up.

    :raises DestroyError: there is no such stack, it is not a SecureTrail stack, or it cannot be deleted now. Better
        found out before its logs are gone than after.
    """
    try:
        description = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise DestroyError(f"There is no stack {name!r} here. Check --region, --profile and --stack.", 2) from error
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    missing = {"TrailArn", "LogBucketName", "KeyArn"} - outputs.keys()
    if missing:
        raise DestroyError(f"Stack {name!r} is not a SecureTrail stack: it has no output {sorted(missing)[0]}.", 2)
    if description.get("EnableTerminationProtection"):
        raise DestroyError(
            f"Stack {name!r} is protected against termination. To lift that: "
            f"aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name}"
        )
    if description["StackStatus"].endswith("_IN_PROGRESS"):
        raise DestroyError(f"Stack {name!r} is {description['StackStatus']}. Wait until that is over.")
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    resources = (yaml.safe_load(template) if isinstance(template, str) else template)["Resources"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    deployed = [resource for page in pages for resource in page["StackResourceSummaries"]]
    # What an update could not delete is no longer in the template; CloudFormation tries again with the stack.
    buckets = {
        resource["PhysicalResourceId"]: resources.get(resource["LogicalResourceId"], {}).get("DeletionPolicy", "Delete")
        for resource in deployed
        if resource["ResourceType"] == "AWS::S3::Bucket" and resource["ResourceStatus"] != "DELETE_COMPLETE"
    }
    return Stack(
        name=name,
        outputs=outputs,
        buckets=tuple(bucket for bucket, policy in buckets.items() if policy == "Delete"),
        retained=tuple(bucket for bucket, policy in buckets.items() if policy != "Delete"),
    )
