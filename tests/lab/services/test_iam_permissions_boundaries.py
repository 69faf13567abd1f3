"""The permissions boundary of users and roles in GetAccountAuthorizationDetails, as GetUser and GetRole show it."""

import json

from tests.lab.conftest import ClientFactory


def test_users_and_roles_show_their_boundary_and_those_without_one_show_none(client: ClientFactory) -> None:
    iam = client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for name, more in {
        "bounded": {"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        "free": {},
    }.items():
        iam.create_user(UserName=f"{name}-user", Tags=[{"Key": "k", "Value": "ü @+=-"}], **more)
        iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}), **more)

    details = iam.get_account_authorization_details()

    users = {each["UserName"]: each for each in details["UserDetailList"]}
    roles = {each["RoleName"]: each for each in details["RoleDetailList"]}
    assert users["bounded-user"]["PermissionsBoundary"] == iam.get_user(UserName="bounded-user")["User"].get(
        "PermissionsBoundary"
    )
    assert roles["bounded-role"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    }
    assert "PermissionsBoundary" not in users["free-user"]
    assert "PermissionsBoundary" not in roles["free-role"]
    assert users["bounded-user"]["Tags"][0]["Value"] == "ü @+=-"
    assert roles["bounded-role"]["AssumeRolePolicyDocument"]["Statement"] == [trust]
