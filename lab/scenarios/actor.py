"""The caller of a scenario's calls: an identity of the lab, the address it calls from and the program it uses."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from lab.endpoint import require_loopback
from lab.handshake import SOURCE_HEADER, SOURCE_MAC_HEADER, source_mac
from lab.instance import control
from lab.instance.folder import Lab

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

# A session variable of botocore's: configuration key, environment variable, default, conversion.
_NOT_READ = (None, None, os.devnull, None)


@dataclass(frozen=True, slots=True)
class CallOrigin:
    """Where a call comes from: an IP address, and the program's User-Agent."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; `session_token` is '' for a user's own."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


@cache
def _session() -> Any:
    """The session of all actors, which reads the service models once. The user's own profile and configuration files
    are none of the lab's business, and may not even exist.
    """
    nobody: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": _NOT_READ,
        "credentials_file": _NOT_READ,
    }
    return boto3.Session(botocore_session=botocore.session.Session(nobody))


class Actor:
    """An identity and its clients. Nothing but the lab can be called with it."""

    def __init__(self, lab: Lab, name: str, credentials: Credentials, place: CallOrigin) -> None:
        """:raises LabError: the lab's endpoint is not on this machine."""
        self.name = name
        self._endpoint = require_loopback(lab.endpoint)
        self._region = lab.region
        self._credentials = credentials
        self._place = place
        self._source_mac = source_mac(lab.secret, credentials.access_key_id, place.address)
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def access_key_id(self) -> str:
        """Of the key that its calls are signed with."""
        return self._credentials.access_key_id

    def at(self, lab: Lab, place: CallOrigin) -> "Actor":
        """Whoever uses the same key at another place."""
        return Actor(lab, self.name, self._credentials, place)

    def client(self, service: str, region: str = "") -> Any:
        """A client of a service; of the lab's own region when none is given."""
        key = service, region or self._region
        if key not in self._clients:
            made = _session().client(
                service,
                region_name=key[1],
                endpoint_url=self._endpoint,
                aws_access_key_id=self._credentials.access_key_id,
                aws_secret_access_key=self._credentials.secret_access_key,
                aws_session_token=self._credentials.session_token or None,
                config=Config(
                    proxies={},
                    user_agent=self._place.user_agent,
                    s3={"addressing_style": "path"},
                    inject_host_prefix=False,
                ),
            )
            made.meta.events.register("before-sign", self._put_address)
            self._clients[key] = made
        return self._clients[key]

    def _put_address(self, request: Any, **_: Any) -> None:
        """Every caller is on this machine: the lab records another address if its secret vouches for it."""
        request.headers[SOURCE_HEADER] = self._place.address
        request.headers[SOURCE_MAC_HEADER] = self._source_mac


def learner(lab: Lab, place: CallOrigin) -> Actor:
    """The lab's own administrator."""
    return Actor(lab, "learner", Credentials(lab.access_key_id, lab.secret_access_key), place)


def make_role(actor: Actor, name: str, trusts: dict[str, str], statements: Sequence[dict[str, Any]]) -> str:
    """Makes a role with one policy, unless it is there; its ARN.

    :param trusts: the principal that may assume it, as a policy writes it.
    """
    iam = actor.client("iam")
    trusted = {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    try:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=name)["Role"]
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document)
    return str(role["Arn"])


def role_session(lab: Lab, admin: Actor, role_arn: str, session_name: str, place: CallOrigin) -> Actor:
    """A session of a role, which the administrator assumes."""
    found = admin.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)["Credentials"]
    keys = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return Actor(lab, f"{role_arn.rpartition('/')[2]}/{session_name}", keys, place)


def instance_session(lab: Lab, role_arn: str, instance: str, place: CallOrigin) -> Actor:
    """The session that a program on an instance has, whose role only EC2 may assume.

    :raises LabError: the role's trust policy does not let EC2 assume it.
    """
    found = control.instance_credentials(lab, role_arn, instance)
    keys = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    return Actor(lab, f"{role_arn.rpartition('/')[2]}/{instance}", keys, place)


def make_bucket(actor: Actor, name: str) -> None:
    """Makes a bucket in the lab's region, unless it is there."""
    s3 = actor.client("s3")
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=name, **where)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return
