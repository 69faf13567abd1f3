"""The credentials of an instance: a session that EC2 makes of the role of its instance profile.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html

MiniStack's instances run nowhere, and the lab serves no instance metadata; a scenario that plays a program on an
instance asks the lab for what it would find there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.errors import LabError
from lab.ministack import core, identities
from lab.records.record import Origin
from lab.records.recorder import current_origin

# Called with the calling service, the service, the operation and its parameters.
CallBy = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]

SERVICE = "ec2.amazonaws.com"
_ROLE = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/[\w+=,.@/-]+")
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_SIX_HOURS = 6 * 60 * 60


def instance_credentials(call: CallBy, role_arn: str, instance: str, region: str) -> Mapping[str, Any]:
    """Makes the session that an instance has, recorded as a call of EC2's, and returns its `Credentials` as STS does.

    :param call: calls an operation as an AWS service does.
    :param instance: its id, which becomes the session's name.
    :raises LabError: there is no such role, or its trust policy does not let EC2 assume it.
    """
    role = _ROLE.fullmatch(role_arn)
    if role is None or not _INSTANCE.fullmatch(instance):
        raise LabError(f"The lab needs the ARN of a role and the id of an instance; it got {role_arn!a}, {instance!a}.")
    if not identities.may_assume(SERVICE, role_arn):
        raise LabError(f"There is no role {role_arn} whose trust policy lets {SERVICE} assume it.")
    account = role["account"]
    core.set_account_of_request(account)
    core.set_region_of_request(region)
    identity = {"type": "AWSService", "invokedBy": SERVICE}
    current_origin.set(Origin(account, region, "", identity, SERVICE, SERVICE))
    session = {"RoleArn": role_arn, "RoleSessionName": instance, "DurationSeconds": _SIX_HOURS}
    found = call(SERVICE, "sts", "AssumeRole", session)
    credentials: Mapping[str, Any] = found["Credentials"]
    return credentials
