"""Undoes what scenarios made and changed. Their log files stay: what is delivered is delivered."""

import base64
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from lab.errors import LabError
from lab.instance.folder import Lab
from lab.scenarios import stacks
from lab.scenarios.actor import Actor, CallOrigin, learner
from lab.scenarios.answers import saved
from lab.scenarios.answers.saved import SavedObject, SavedTrail, Stage

_ORIGIN = CallOrigin("127.0.0.1", "aws-cli/2.31.0 md/Botocore#1.43.106 reset")
_GONE = frozenset(
    {
        "NoSuchEntity",
        "NoSuchBucket",
        "NoSuchKey",
        "TrailNotFoundException",
        "ResourceNotFoundException",
        "ParameterNotFound",
        "NotFound",
    }
)


def reset(lab: Lab, name: str = "") -> Iterator[str]:
    """Undoes one scenario, or all that were played, and forgets its solution; a line for each.

    :raises LabError: what was played cannot be read, or not all of it be undone.
    """
    left = saved.read(lab)
    names = [name] if name else list(left)
    for each in names:
        if each not in left:
            yield f"{each} was not played, so there is nothing to undo"
            continue
        undo(lab, left.pop(each).stage)
        saved.write(lab, left)
        yield f"{each} is undone; what it left in the log files stays there"
    if not names:
        yield "No scenario was played, so there is nothing to undo"


def undo(lab: Lab, stage: Stage) -> None:
    """Removes what a scenario made and puts back what it changed; what is gone already is no error.

    :raises LabError: the lab's endpoint is not on this machine, or something cannot be undone.
    """
    admin = learner(lab, _ORIGIN)
    try:
        _undo(admin, stage)
    except ClientError as error:
        raise LabError(f"Not all of it can be undone: {error}. Remove what is in the way, and try again.") from error


def _undo(admin: Actor, stage: Stage) -> None:
    for call in stage.calls:
        _unless_gone(getattr(admin.client(call.service, call.region), call.method), **call.parameters)
    for name in stage.users:
        _remove_user(admin, name)
    for name in stage.stacks:
        stacks.remove(admin, name)
    for name in stage.roles:
        _remove_role(admin, name)
    for name in stage.buckets:
        _remove_bucket(admin, name)
    for each in stage.objects:
        _put_back(admin, each)
    if stage.trail is not None:
        _restore(admin, stage.trail)


def _unless_gone(call: Any, **parameters: Any) -> Any:
    try:
        return call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"].partition(".")[2] == "NotFound":  # as InvalidSnapshot.NotFound of EC2
            return {}
        if error.response["Error"]["Code"] not in _GONE:
            raise
        return {}


def _remove_user(admin: Actor, name: str) -> None:
    iam = admin.client("iam")
    for key in _unless_gone(iam.list_access_keys, UserName=name).get("AccessKeyMetadata", ()):
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in _unless_gone(iam.list_user_policies, UserName=name).get("PolicyNames", ()):
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for policy in _unless_gone(iam.list_attached_user_policies, UserName=name).get("AttachedPolicies", ()):
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    _unless_gone(iam.delete_login_profile, UserName=name)
    _unless_gone(iam.delete_user, UserName=name)


def _remove_role(admin: Actor, name: str) -> None:
    iam = admin.client("iam")
    for policy in _unless_gone(iam.list_role_policies, RoleName=name).get("PolicyNames", ()):
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in _unless_gone(iam.list_attached_role_policies, RoleName=name).get("AttachedPolicies", ()):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    _unless_gone(iam.delete_role, RoleName=name)


def _remove_bucket(admin: Actor, name: str) -> None:
    s3 = admin.client("s3")
    with suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            keys = [{"Key": each["Key"]} for each in page.get("Contents", ())]
            if keys:
                s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
    _unless_gone(s3.delete_bucket, Bucket=name)


def _put_back(admin: Actor, before: SavedObject) -> None:
    admin.client("s3").put_object(
        Bucket=before.bucket,
        Key=before.key,
        Body=base64.b64decode(before.content),
        Metadata=dict(before.metadata),
        ContentEncoding=before.encoding,
        ContentType=before.content_type,
    )


def _restore(admin: Actor, trail: SavedTrail) -> None:
    s3, cloudtrail = admin.client("s3"), admin.client("cloudtrail")
    if trail.lifecycle:
        rules = {"Rules": trail.lifecycle}
        _unless_gone(s3.put_bucket_lifecycle_configuration, Bucket=trail.bucket, LifecycleConfiguration=rules)
    else:
        _unless_gone(s3.delete_bucket_lifecycle, Bucket=trail.bucket)
    _unless_gone(cloudtrail.put_event_selectors, TrailName=trail.arn, **trail.selectors)
    _unless_gone(cloudtrail.start_logging, Name=trail.arn)
