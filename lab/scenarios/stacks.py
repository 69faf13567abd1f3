"""Identities as a company makes them: by stacks of CloudFormation, with the keys of users in Secrets Manager."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from lab.errors import LabError
from lab.instance.folder import Lab
from lab.scenarios.actor import Actor, CallOrigin, Credentials

# The lab finishes a stack within the call or soon after it.
_WAITING = {"Delay": 1, "MaxAttempts": 60}

Resources = Mapping[str, Mapping[str, Any]]


def stack_of(user: str) -> str:
    """The name of the stack that a user has alone."""
    return f"user-{user}"


def deploy(actor: Actor, name: str, resources: Resources) -> None:
    """Makes a stack, unless it is there.

    :raises LabError: it cannot be made, as when a resource of that name is there already.
    """
    cloudformation = actor.client("cloudformation")
    try:
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
    except cloudformation.exceptions.AlreadyExistsException:
        return
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_WAITING)
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        why = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "CREATE_FAILED"]
        cloudformation.delete_stack(StackName=name)
        raise LabError(
            f"The stack {name} cannot be made: {(why or [error])[-1]}. Undo what was played (python -m lab scenario "
            "reset), and remove what is in the way."
        ) from error


def remove(actor: Actor, name: str) -> None:
    """Deletes a stack; one that is not there is fine.

    :raises LabError: not all of it can be deleted.
    """
    cloudformation = actor.client("cloudformation")
    try:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_WAITING)
    except (ClientError, WaiterError) as error:
        raise LabError(f"The stack {name} cannot be deleted: {error}. Look at its events, and try again.") from error


def user_resources(name: str, policy: str | Mapping[str, Any]) -> Resources:
    """A user with one policy, an access key, and the secret that keeps the key.

    :param policy: the ARN of a managed policy, or a document for one of the user's own.
    """
    own = "".join(filter(str.isalnum, name.title()))
    may: dict[str, Any] = (
        {"ManagedPolicyArns": [policy]}
        if isinstance(policy, str)
        else {"Policies": [{"PolicyName": "work", "PolicyDocument": policy}]}
    )
    key = {"id": {"Ref": f"{own}Key"}, "secret": {"Fn::GetAtt": [f"{own}Key", "SecretAccessKey"]}}
    text = {"Fn::Sub": ['["${id}", "${secret}"]', key]}
    return {
        own: {"Type": "AWS::IAM::User", "Properties": {"UserName": name} | may},
        f"{own}Key": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": own}}},
        f"{own}Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": _secret_of(name), "SecretString": text},
        },
    }


def role_resources(name: str, trusts: Mapping[str, str], statements: Sequence[Mapping[str, Any]]) -> Resources:
    """A role with one policy.

    :param trusts: the principal that may assume it, as a policy writes it.
    """
    trusted = {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}
    properties = {
        "RoleName": name,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]},
        "Policies": [
            {"PolicyName": "work", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
        ],
    }
    own = "".join(filter(str.isalnum, name.title()))
    return {own: {"Type": "AWS::IAM::Role", "Properties": properties}}


def user_of_stack(lab: Lab, admin: Actor, name: str, place: CallOrigin) -> Actor:
    """A user whom a stack has made, with the key that the administrator hands over."""
    kept = admin.client("secretsmanager").get_secret_value(SecretId=_secret_of(name))["SecretString"]
    return Actor(lab, name, Credentials(*json.loads(kept)), place)


def user(lab: Lab, admin: Actor, name: str, policy: str | Mapping[str, Any], place: CallOrigin) -> Actor:
    """A user who has a stack alone, made when it is missing.

    :param policy: the ARN of a managed policy, or a document for one of the user's own.
    :raises LabError: the stack cannot be made.
    """
    deploy(admin, stack_of(name), user_resources(name, policy))
    return user_of_stack(lab, admin, name, place)


def _secret_of(user: str) -> str:
    return f"access-key/{user}"
