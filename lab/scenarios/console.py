"""Sign-ins to the console: somebody guesses a password, gets in without a second factor, and switches to a role."""

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from lab.instance import control
from lab.instance.control import SignIn
from lab.instance.folder import Lab
from lab.scenarios.actor import ADMINISTRATOR, CallOrigin, learner
from lab.scenarios.answers.saved import Stage

USER, ROLE = "intern", "break-glass"
_ADMIN = CallOrigin("198.51.100.10", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")
_OUTSIDE = "203.0.113.77"  # from the addresses that are reserved for examples: https://www.rfc-editor.org/rfc/rfc5737
_GUESSES = 4


def stage() -> Stage:
    """What it makes."""
    return Stage(users=(USER,), roles=(ROLE,))


def console(lab: Lab) -> Iterator[str]:
    """Prepares a user with a password and a role that trusts the account, and takes both over."""
    admin = learner(lab, _ADMIN)
    role = _prepare(lab, admin.client("iam"))
    yield f"{admin.name} sets the stage: the user {USER} with a password and no second factor, and the role {ROLE}"
    for _ in range(_GUESSES):
        control.sign_in(lab, SignIn(lab.account, USER, address=_OUTSIDE, fails=True))
    yield f"Somebody at {_OUTSIDE} guesses the password of {USER}, wrongly, {_GUESSES} times (ConsoleLogin: Failure)"
    control.sign_in(lab, SignIn(lab.account, USER, address=_OUTSIDE))
    yield "... and gets in, without a second factor (ConsoleLogin: Success, MFAUsed: No)"
    control.sign_in(lab, SignIn(lab.account, USER, role=role, address=_OUTSIDE))
    yield f"... and becomes {ROLE} (SwitchRole)"
    control.sign_in(lab, SignIn(lab.account, uses_mfa=True))
    yield "The root of the account signs in, with its second factor, to look (ConsoleLogin, MFAUsed: Yes)"
    yield "Find them:   python -m verify events --name ConsoleLogin --since 10m"


def _prepare(lab: Lab, iam: Any) -> str:
    """Makes the user and the role, unless they are there; the role's ARN."""
    trusted = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=USER)
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_login_profile(UserName=USER, Password=secrets.token_urlsafe(24))
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=ADMINISTRATOR)
    return str(iam.get_role(RoleName=ROLE)["Role"]["Arn"])
