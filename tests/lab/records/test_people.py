"""Who calls, in every form that CloudTrail knows: sign-ins, second factors, other accounts, identity providers."""

import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from lab.errors import LabError
from lab.instance import control
from lab.instance.control import SignIn
from lab.instance.folder import Lab
from lab.records.record import RecordedCall
from lab.scenarios.console import console
from tests.lab.conftest import ClientFactory, make_client, root_keys
from tests.lab.real_logs import detonations
from tests.lab.records.test_records import query_call, record

OTHER = "444455556666"


def events(client: ClientFactory, name: str, **overrides: Any) -> list[dict[str, Any]]:
    """Newest first."""
    attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = client("cloudtrail", **overrides).lookup_events(LookupAttributes=attributes)["Events"]
    return [json.loads(each["CloudTrailEvent"]) for each in found]


def test_the_console_scenario_leaves_its_sign_ins(lab: Lab, client: ClientFactory) -> None:
    lines = list(console(lab))

    assert lines
    root, success, *failures = events(client, "ConsoleLogin")[:6]  # another test of this file may have come before
    assert root["userIdentity"]["type"] == "Root"
    assert root["additionalEventData"]["MFAUsed"] == "Yes"
    assert success["responseElements"] == {"ConsoleLogin": "Success"}
    assert success["additionalEventData"]["MFAUsed"] == "No"
    assert [each["responseElements"] for each in failures] == [{"ConsoleLogin": "Failure"}] * 4
    assert {each["errorMessage"] for each in failures} == {"Failed authentication"}
    switched = events(client, "SwitchRole")[0]
    assert switched["userIdentity"]["arn"].endswith(":assumed-role/break-glass/intern")
    assert switched["additionalEventData"]["SwitchFrom"].endswith(":user/intern")
    list(console(lab))  # and again


def test_a_sign_in_has_the_shape_of_a_real_one(lab: Lab, client: ClientFactory) -> None:
    list(console(lab))
    [real] = [each for each in detonations() if each["eventName"] == "ConsoleLogin"]
    ours = events(client, "ConsoleLogin")[1]

    assert set(real) - set(ours) == {"tlsDetails"}  # nothing was asked over HTTP
    assert set(ours) - set(real) == set()
    assert set(ours["userIdentity"]) == set(real["userIdentity"])
    assert set(ours["additionalEventData"]) == set(real["additionalEventData"])


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (SignIn("111122223333", "nobody-of-this-name"), "There is no IAM user"),
        (SignIn("111122223333", "learner"), "has no password"),
        (SignIn("111122223333", "learner", uses_mfa=True, fails=True), "has no MFA device"),
        (SignIn("111122223333", "learner", role="arn:aws:iam::111122223333:role/none"), "There is no role"),
        (SignIn("111122223333", address="here"), "does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_nobody_signs_in_who_could_not(lab: Lab, who: SignIn, reason: str) -> None:
    with pytest.raises(LabError, match=reason):
        control.sign_in(lab, who)


def test_a_wrong_name_is_hidden_since_it_may_be_a_password(lab: Lab, client: ClientFactory) -> None:
    control.sign_in(lab, SignIn(lab.account, "hunter2", fails=True))

    failed = events(client, "ConsoleLogin")[0]
    assert "hunter2" not in json.dumps(failed)
    assert failed["errorMessage"] == "No username found in supplied account"


def test_credentials_that_were_asked_for_with_a_second_factor_say_so(lab: Lab, client: ClientFactory) -> None:
    name = f"u{uuid4().hex[:10]}"
    iam = client("iam")
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName=name, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    sts = make_client(lab, "sts", **own)
    shown = {}
    for with_mfa in (True, False):
        more = {"SerialNumber": serial, "TokenCode": "123456"} if with_mfa else {}
        found = sts.get_session_token(**more)["Credentials"]
        temporary = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
        make_client(lab, "kms", **temporary, aws_session_token=found["SessionToken"]).list_keys()
        identity = events(client, "ListKeys")[0]["userIdentity"]
        assert (identity["type"], identity["userName"]) == ("IAMUser", name)
        assert identity["sessionContext"]["sessionIssuer"] == {}
        shown[with_mfa] = identity["sessionContext"]["attributes"]["mfaAuthenticated"]

    assert shown == {True: "true", False: "false"}


def test_a_federated_user_has_the_shape_of_a_real_one(lab: Lab, client: ClientFactory) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    found = client("sts").get_federation_token(Name="guest", Policy=json.dumps(policy))["Credentials"]
    temporary = {"aws_access_key_id": found["AccessKeyId"], "aws_secret_access_key": found["SecretAccessKey"]}
    make_client(lab, "sts", **temporary, aws_session_token=found["SessionToken"]).get_caller_identity()

    ours = events(client, "GetCallerIdentity")[0]["userIdentity"]
    [real] = [each["userIdentity"] for each in detonations() if each["userIdentity"]["type"] == "FederatedUser"]
    assert set(ours) == set(real)
    assert ours["type"] == "FederatedUser"
    assert ours["sessionContext"].keys() == real["sessionContext"].keys()
    assert ours["sessionContext"]["sessionIssuer"].keys() == real["sessionContext"]["sessionIssuer"].keys()
    assert ours["sessionContext"]["sessionIssuer"]["userName"] == "learner"


def test_a_role_of_another_account_is_recorded_in_both(lab: Lab, client: ClientFactory) -> None:
    trusted = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"}, "Action": "sts:AssumeRole"}
    name = f"r{uuid4().hex[:10]}"
    there = root_keys(lab, OTHER)
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = make_client(lab, "iam", **there).create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="visitor")

    ours = events(client, "AssumeRole")[0]
    theirs = events(client, "AssumeRole", **there)[0]

    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["eventID"] != theirs["eventID"]
    assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (lab.account, OTHER)
    assert theirs["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": ours["userIdentity"]["principalId"],
        "accountId": lab.account,
    }
    assert "secretAccessKey" not in json.dumps([ours, theirs])


def with_token(operation: str, result: str) -> RecordedCall:
    body = f"<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"
    return record(query_call("sts", f"Action={operation}&Version=2011-06-15&RoleArn=r".encode()), body=body.encode())


def test_an_identity_provider_vouches_for_who_calls() -> None:
    web = with_token(
        "AssumeRoleWithWebIdentity",
        "<SubjectFromWebIdentityToken>ann</SubjectFromWebIdentityToken><Audience>app</Audience>"
        "<Provider>accounts.example.org</Provider>",
    )
    saml = with_token(
        "AssumeRoleWithSAML",
        "<Subject>ann</Subject><Issuer>https://idp.example.org</Issuer><NameQualifier>q</NameQualifier>",
    )

    assert web.record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": "accounts.example.org:app:ann",
        "userName": "ann",
        "identityProvider": "accounts.example.org",
    }
    assert saml.record["userIdentity"] == {
        "type": "SAMLUser",
        "principalId": "q:ann",
        "userName": "ann",
        "identityProvider": "https://idp.example.org",
    }


def test_the_use_of_a_key_of_another_account_is_recorded_in_both_and_a_denied_one_is_not(
    lab: Lab, client: ClientFactory
) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html (cross-account operations)"""
    there = root_keys(lab, OTHER)
    kms = make_client(lab, "kms", **there)
    administers = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "kms:*", "Resource": "*"}
    encrypts = administers | {"Principal": {"AWS": lab.account}, "Action": ["kms:Encrypt", "kms:GenerateDataKey"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [administers, encrypts]})
    key = kms.create_key(Policy=document)["KeyMetadata"]["Arn"]
    bucket = f"foreign-key-{uuid4().hex[:10]}"
    client("s3").create_bucket(Bucket=bucket)

    sealed = client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    by_key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    client("s3").put_object(Bucket=bucket, Key="k", Body=b"x", **by_key)
    with pytest.raises(ClientError):
        client("kms").describe_key(KeyId=key)
    with pytest.raises(ClientError):
        client("s3").get_object(Bucket=bucket, Key="k")

    for name in ("Encrypt", "GenerateDataKey"):
        ours, theirs = events(client, name)[0], events(client, name, **there)[0]
        assert ours["sharedEventID"] == theirs["sharedEventID"]
        assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (lab.account, OTHER)
        assert ours["resources"] == theirs["resources"] == [{"accountId": OTHER, "type": "AWS::KMS::Key", "ARN": key}]
        stranger = {name: ours["userIdentity"][name] for name in ("principalId", "accountId")}
        assert theirs["userIdentity"].items() >= {"type": "AWSAccount", **stranger}.items()
    assert theirs["userIdentity"]["invokedBy"] == "AWS Internal"
    for name in ("DescribeKey", "Decrypt"):
        assert events(client, name)[0]["errorCode"] == "AccessDenied"
        assert all(each["userIdentity"]["type"] != "AWSAccount" for each in events(client, name, **there))
    with pytest.raises(client("kms").exceptions.NotFoundException):
        client("kms").describe_key(KeyId=f"arn:aws:kms:us-east-1:{OTHER}:key/{'0' * 36}")
    assert all(each["userIdentity"]["type"] != "AWSAccount" for each in events(client, "DescribeKey", **there))


def test_a_call_that_uses_keys_of_two_accounts_is_recorded_in_both(lab: Lab, client: ClientFactory) -> None:
    there, everybody = root_keys(lab, OTHER), {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    kms = client("kms")
    own = kms.create_key()["KeyMetadata"]["Arn"]
    foreign = make_client(lab, "kms", **there).create_key(Policy=document)["KeyMetadata"]["Arn"]

    for source, target in ((own, foreign), (foreign, own)):
        sealed = kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
        kms.re_encrypt(CiphertextBlob=sealed, DestinationKeyId=target)
        ours, theirs = events(client, "ReEncrypt")[0], events(client, "ReEncrypt", **there)[0]
        assert ours["sharedEventID"] == theirs["sharedEventID"]
        assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (lab.account, OTHER)


def keys_of_session(found: dict[str, Any]) -> dict[str, str]:
    names = {"AccessKeyId": "aws_access_key_id", "SecretAccessKey": "aws_secret_access_key"}
    return {name: found["Credentials"][each] for each, name in {**names, "SessionToken": "aws_session_token"}.items()}


def test_a_chain_of_roles_hands_on_who_began_and_the_transitive_tags(lab: Lab, client: ClientFactory) -> None:
    iam, name = client("iam"), f"r{uuid4().hex[:10]}"
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"}}
    everything = {"Statement": {**statement, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}}
    plain = {"Statement": {**statement, "Action": "sts:AssumeRole"}}
    for number, trust in enumerate((everything, everything, plain)):
        document = json.dumps({"Version": "2012-10-17", **trust})
        iam.create_role(RoleName=f"{name}-{number}", AssumeRolePolicyDocument=document)
        allowed = [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]
        red = {"StringEquals": {"aws:PrincipalTag/Team": "red", "aws:SourceIdentity": "ann"}}
        allowed.append({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*", "Condition": red})  # type: ignore[dict-item]
        text = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName=f"{name}-{number}", PolicyName="p", PolicyDocument=text)
    first, second, third = (
        {"RoleArn": f"arn:aws:iam::{lab.account}:role/{name}-{number}", "RoleSessionName": "chained"}
        for number in range(3)
    )
    tags = [{"Key": "Team", "Value": "red"}, {"Key": "Own", "Value": "1"}]
    found = client("sts").assume_role(**first, Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="ann")
    assert found["SourceIdentity"] == "ann"
    sts = make_client(lab, "sts", **keys_of_session(found))

    others: list[tuple[dict[str, Any], str]] = [
        ({"Tags": [{"Key": "TEAM", "Value": "blue"}]}, "InvalidParameterValue"),
        ({"SourceIdentity": "bob"}, "ValidationError"),
    ]
    for wrong, code in others:
        with pytest.raises(ClientError, match=code):
            sts.assume_role(**second, **wrong)
    with pytest.raises(ClientError, match="sts:TagSession"):
        sts.assume_role(**third)
    for each in (sts.get_session_token, sts.get_federation_token):
        with pytest.raises(ClientError, match="with session credentials"):
            each(**({"Name": "f1"} if each == sts.get_federation_token else {}))

    found = sts.assume_role(**second, Tags=[{"Key": "Own", "Value": "2"}])
    assert found["SourceIdentity"] == "ann"
    asked = events(client, "AssumeRole")[0]
    assert asked["requestParameters"]["incomingTransitiveTags"] == {"Team": "red"}
    assert asked["userIdentity"]["sessionContext"]["sourceIdentity"] == "ann"
    assert asked["responseElements"]["sourceIdentity"] == "ann"
    kms = make_client(lab, "kms", **keys_of_session(found))
    kms.list_keys()
    assert events(client, "ListKeys")[0]["userIdentity"]["sessionContext"]["sourceIdentity"] == "ann"
