"""Whether a principal may make a call in the lab: be that principal, make the call, and see whether it is refused.

ann = make_user(lab, "ann", allow("s3:GetObject", "arn:aws:s3:::data/*"))
ann.client("s3").get_object(Bucket="data", Key="report")                       # allowed
assert refused(ann.client("s3").list_objects_v2, Bucket="data") == "AccessDenied"
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from tests.lab.conftest import make_client


class Identity:
    """A user or a session of the lab."""

    def __init__(self, lab: Lab, name: str, **keys: str) -> None:
        self.lab = lab
        self.name = name
        self.keys = keys

    def client(self, service: str, **overrides: Any) -> Any:
        return make_client(self.lab, service, **self.keys, **overrides)


def keys_of(found: dict[str, str]) -> dict[str, str]:
    names = {"AccessKeyId": "access_key_id", "SecretAccessKey": "secret_access_key", "SessionToken": "session_token"}
    return {f"aws_{name}": found[key] for key, name in names.items() if key in found}


def allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_user(lab: Lab, name: str, *statements: dict[str, Any], **settings: Any) -> Identity:
    """An IAM user with an access key whose only policy has these statements.

    :param settings: of CreateUser, such as `PermissionsBoundary`.
    """
    iam = make_client(lab, "iam")
    iam.create_user(UserName=name, **settings)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return Identity(lab, name, **keys_of(iam.create_access_key(UserName=name)["AccessKey"]))


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    """The code of the error."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def message(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Message"])
