"""Who sets tags needs the permission to tag, also where a call makes what it tags.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html (ec2:CreateAction)
"""

import re
from collections.abc import Iterator, Mapping

from lab.authorization.needs import ApiCall, Need, Unknown

_MEMBERS = ("Tags", "tags", "TagsList")
_MAKES = re.compile("Create|Put|Register|Request|Run")
# Of services whose calls set tags on what they make: the action that tags.
_ACTIONS = {
    "cloudtrail": "cloudtrail:AddTags",
    "dynamodb": "dynamodb:TagResource",
    "ecr": "ecr:TagResource",
    "ecs": "ecs:TagResource",
    "events": "events:TagResource",
    "kms": "kms:TagResource",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "rds": "rds:AddTagsToResource",
    "secretsmanager": "secretsmanager:TagResource",
    "sns": "sns:TagResource",
    "sqs": "sqs:TagQueue",
    "ssm": "ssm:AddTagsToResource",
    "states": "states:TagResource",
}
_OF_IAM = {
    "CreateInstanceProfile": "iam:TagInstanceProfile",
    "CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "CreatePolicy": "iam:TagPolicy",
    "CreateRole": "iam:TagRole",
    "CreateSAMLProvider": "iam:TagSAMLProvider",
    "CreateUser": "iam:TagUser",
    "CreateVirtualMFADevice": "iam:TagMFADevice",
}
_UNTAG = {
    "cloudtrail": "cloudtrail:RemoveTags",
    "ec2": "ec2:DeleteTags",
    "rds": "rds:RemoveTagsFromResource",
    "sqs": "sqs:UntagQueue",
    "ssm": "ssm:RemoveTagsFromResource",
}
_IAM_KINDS = {"user": "User", "role": "Role", "policy": "Policy", "instance-profile": "InstanceProfile"}


def tagging_needs(call: ApiCall, needed: list[Need]) -> Iterator[Need]:
    """What is needed for the tags of a call.

    :param needed: for the call itself.
    :raises Unknown: the lab does not know how a resource is tagged.
    """
    if call.prefix == "ec2":
        yield from _of_ec2(call)
    elif call.prefix == "tag" and call.operation in ("TagResources", "UntagResources"):
        for arn in call.parameters.get("ResourceARNList") or ():
            yield Need(_action_of(str(arn), is_set=call.operation == "TagResources"), str(arn))
    elif _MAKES.match(call.operation) and any(call.parameters.get(member) for member in _MEMBERS):
        action = _OF_IAM.get(call.operation) if call.prefix == "iam" else _ACTIONS.get(call.prefix)
        first = next((each for each in needed if each.action.startswith(f"{call.prefix}:")), None)
        if action and first is not None and first.action != action:
            yield Need(action, first.resource, first.keys, first.is_resource_known, first.is_of_form)


def _of_ec2(call: ApiCall) -> Iterator[Need]:
    specifications = call.parameters.get("TagSpecifications") or call.parameters.get("TagSpecification")
    for each in specifications if isinstance(specifications, list) else ():
        if isinstance(each, Mapping) and each.get("Tags"):
            kind = str(each.get("ResourceType") or "*")
            account = "" if kind in ("image", "snapshot") else call.account
            keys = {"ec2:createaction": (call.operation,)}
            yield Need("ec2:CreateTags", f"arn:aws:ec2:{call.region}:{account}:{kind}/*", keys)


def _action_of(arn: str, *, is_set: bool) -> str:
    service, resource = [*arn.split(":", 5), "", "", ""][2], arn.rpartition(":")[2]
    verb = "Tag" if is_set else "Untag"
    if service == "iam":
        kind = _IAM_KINDS.get(resource.partition("/")[0])
        if kind is None:
            raise Unknown
        return f"iam:{verb}{kind}"
    if service == "s3" and "/" not in resource:
        return "s3:PutBucketTagging"
    if service == "ec2":
        return "ec2:CreateTags" if is_set else "ec2:DeleteTags"
    found = _ACTIONS.get(service)
    if found is None:
        raise Unknown
    return found if is_set else _UNTAG.get(service, f"{service}:UntagResource")
