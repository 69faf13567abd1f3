"""The IAM user that learners work as, so that the event history can say WHO."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from lab.endpoint import require_loopback
from lab.instance.folder import Lab

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

USER_NAME = "learner"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# A session variable of botocore's: configuration key, environment variable, default, conversion.
_NOT_READ = (None, None, os.devnull, None)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The credentials of a user of the lab; worthless anywhere else."""

    access_key_id: str
    secret_access_key: str


def create_learner(lab: Lab) -> AccessKey:
    """Creates the user, as the account's root, and gives it administrator rights and an access key.

    :raises LabError: the lab's endpoint is not on this machine.
    """
    iam = _iam(lab)
    iam.create_user(UserName=USER_NAME)
    iam.attach_user_policy(UserName=USER_NAME, PolicyArn=_ADMINISTRATOR)
    key = iam.create_access_key(UserName=USER_NAME)["AccessKey"]
    return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])


def _iam(lab: Lab) -> IAMClient:
    # The user's own profile and configuration files are none of the lab's business, and may not even exist.
    nobody = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": _NOT_READ, "credentials_file": _NOT_READ}
    )
    return boto3.Session(botocore_session=nobody).client(
        "iam",
        endpoint_url=require_loopback(lab.endpoint),
        region_name=lab.region,
        aws_access_key_id=lab.account,
        aws_secret_access_key=lab.root_secret(lab.account),
        config=Config(proxies={}),
    )


def has_access_key(lab: Lab, access_key_id: str) -> bool:
    """Whether the user exists and has this access key.

    :raises LabError: the lab's endpoint is not on this machine.
    """
    iam = _iam(lab)
    try:
        keys = iam.list_access_keys(UserName=USER_NAME)["AccessKeyMetadata"]
    except iam.exceptions.NoSuchEntityException:
        return False
    return any(key["AccessKeyId"] == access_key_id for key in keys)
