"""The IAM user that learners work as, so that the event history can say WHO."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from lab.endpoint import require_loopback

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


def create_learner(endpoint: str, *, account: str, region: str) -> AccessKey:
    """Creates the user, as the account's root would, and gives it administrator rights and an access key.

    MiniStack takes an access key of twelve digits for the root of that account.

    :param endpoint: a loopback URL.
    """
    iam = _iam(endpoint, account=account, region=region)
    iam.create_user(UserName=USER_NAME)
    iam.attach_user_policy(UserName=USER_NAME, PolicyArn=_ADMINISTRATOR)
    key = iam.create_access_key(UserName=USER_NAME)["AccessKey"]
    return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])


def _iam(endpoint: str, *, account: str, region: str) -> IAMClient:
    # The user's own profile and configuration files are none of the lab's business, and may not even exist.
    nobody = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": _NOT_READ, "credentials_file": _NOT_READ}
    )
    return boto3.Session(botocore_session=nobody).client(
        "iam",
        endpoint_url=require_loopback(endpoint),
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key=account,
        config=Config(proxies={}),
    )


def has_access_key(endpoint: str, access_key_id: str, *, account: str, region: str) -> bool:
    """Whether the user exists and has this access key.

    :param endpoint: a loopback URL.
    """
    iam = _iam(endpoint, account=account, region=region)
    try:
        keys = iam.list_access_keys(UserName=USER_NAME)["AccessKeyMetadata"]
    except iam.exceptions.NoSuchEntityException:
        return False
    return any(key["AccessKeyId"] == access_key_id for key in keys)
