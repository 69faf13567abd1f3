"""Calls of identities that may do little: what allows and denies them, how a refused one is answered and recorded."""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from lab.protocol.request import Request
from lab.records.record import Origin
from lab.services.authorizing import Authorizer
from tests.lab.conftest import ClientFactory, make_client, root_keys, settled
from tests.lab.identities import Identity, allow, keys_of, make_user, message, policy, refused
from tests.lab.signing import ask, signed

ACCOUNT, OTHER = "111122223333", "444455556672"
BUCKET = "authorized-data"
MakeIdentity = Callable[..., Identity]


@pytest.fixture
def user(lab: Lab, request: pytest.FixtureRequest) -> MakeIdentity:
    """Makes users with these statements in their policies, of names of their own."""
    names = (f"u{abs(hash(request.node.nodeid)) % 10**8}-{number}" for number in count(1))
    return lambda *statements, **settings: make_user(lab, next(names), *statements, **settings)


@pytest.fixture(scope="module")
def bucket(client: ClientFactory) -> Iterator[str]:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x")
    yield BUCKET
    s3.delete_bucket_policy(Bucket=BUCKET)


def newest(client: ClientFactory, name: str, username: str) -> dict[str, Any]:
    by_name = {"AttributeKey": "EventName", "AttributeValue": name}
    events = client("cloudtrail").lookup_events(LookupAttributes=[by_name])
    records = (json.loads(each["CloudTrailEvent"]) for each in events["Events"] if each["Username"] == username)
    return next(records)


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("iam", "list_users", "AccessDenied"),
        ("s3", "list_buckets", "AccessDenied"),
        ("kms", "list_keys", "AccessDeniedException"),
        ("ec2", "describe_vpcs", "UnauthorizedOperation"),
        ("lambda", "list_functions", "AccessDeniedException"),
        ("sns", "list_topics", "AuthorizationError"),
        ("sqs", "list_queues", "AccessDenied"),
        ("cloudtrail", "describe_trails", "AccessDeniedException"),
        ("cloudwatch", "describe_alarms", "AccessDeniedException"),
        ("secretsmanager", "list_secrets", "AccessDeniedException"),
    ],
)
def test_who_has_no_policy_is_refused_in_the_words_of_each_service(
    user: MakeIdentity, service: str, operation: str, code: str
) -> None:
    nobody = user()

    assert refused(getattr(nobody.client(service), operation)) == code
    assert f"user/{nobody.name} is not authorized to perform: " in message(getattr(nobody.client(service), operation))


def test_a_dry_run_says_whether_a_call_may_be_made_and_makes_none(user: MakeIdentity, client: ClientFactory) -> None:
    may, may_not = user(allow(["ec2:CreateVpc", "kms:Encrypt"])), user()
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    vpc, text = {"CidrBlock": "10.77.0.0/16", "DryRun": True}, {"KeyId": key, "Plaintext": b"x", "DryRun": True}

    assert refused(may.client("ec2").create_vpc, **vpc) == "DryRunOperation"
    assert refused(may_not.client("ec2").create_vpc, **vpc) == "UnauthorizedOperation"
    assert refused(may.client("kms").encrypt, **text) == "DryRunOperationException"
    assert refused(may_not.client("kms").encrypt, **text) == "AccessDeniedException"
    assert "10.77.0.0/16" not in [each["CidrBlock"] for each in client("ec2").describe_vpcs()["Vpcs"]]
    assert newest(client, "CreateVpc", may.name)["errorCode"] == "Client.DryRunOperation"
    assert client("ec2").create_vpc(CidrBlock="10.78.0.0/16", DryRun=False)["Vpc"]["CidrBlock"] == "10.78.0.0/16"


def test_everybody_may_ask_who_they_are(user: MakeIdentity) -> None:
    nobody = user()

    assert nobody.client("sts").get_caller_identity()["Arn"].endswith(nobody.name)


def test_a_refused_call_is_recorded_with_its_reason(user: MakeIdentity, client: ClientFactory) -> None:
    nobody = user()
    refused(nobody.client("iam").create_user, UserName="x")
    refused(nobody.client("ec2").describe_vpcs)

    record = newest(client, "CreateUser", nobody.name)
    assert record["errorCode"] == "AccessDenied"
    assert record["errorMessage"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{nobody.name} is not authorized to perform: iam:CreateUser on resource: "
        f"arn:aws:iam::{ACCOUNT}:user/x because no identity-based policy allows the iam:CreateUser action"
    )
    assert record["responseElements"] is None
    assert newest(client, "DescribeVpcs", nobody.name)["errorCode"] == "Client.UnauthorizedOperation"
    assert "x" not in [each["UserName"] for each in client("iam").list_users()["Users"]]


def test_policies_of_users_groups_managed_and_inline_count(user: MakeIdentity, client: ClientFactory) -> None:
    iam, member = client("iam"), user(allow("iam:ListUsers"))
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy(allow("iam:ListRoles")))
    arn = iam.create_policy(PolicyName="groups", PolicyDocument=policy(allow("iam:ListGroups")))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    theirs = member.client("iam")
    theirs.list_users()
    assert refused(theirs.list_roles) == refused(theirs.list_groups) == "AccessDenied"

    iam.add_user_to_group(GroupName="readers", UserName=member.name)
    theirs.list_roles()
    theirs.list_groups()

    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("iam:ListPolicies")), SetAsDefault=True)
    assert refused(theirs.list_groups) == "AccessDenied"
    theirs.list_policies()


def test_an_explicit_deny_wins(user: MakeIdentity) -> None:
    found = user(allow("*"), {"Effect": "Deny", "Action": "iam:List*", "Resource": "*"})

    assert message(found.client("iam").list_users).endswith("with an explicit deny in an identity-based policy")
    found.client("kms").list_keys()


def test_a_permissions_boundary_limits(user: MakeIdentity, client: ClientFactory) -> None:
    document = policy(allow("kms:*"))
    boundary = client("iam").create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"]["Arn"]
    found = user(allow("*"), PermissionsBoundary=boundary)

    found.client("kms").list_keys()
    assert "because no permissions boundary allows the iam:ListUsers action" in message(found.client("iam").list_users)


def test_a_session_policy_limits_and_ends_with_the_session(lab: Lab, client: ClientFactory, user: MakeIdentity) -> None:
    found = user(allow("sts:AssumeRole"))
    trust = policy(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    )
    role = client("iam").create_role(RoleName="worker", Path="/team/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client("iam").put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=policy(allow(["kms:*", "iam:*"])))
    sts = found.client("sts")
    whole = sts.assume_role(RoleArn=role, RoleSessionName="whole")["Credentials"]
    part = sts.assume_role(RoleArn=role, RoleSessionName="part", Policy=policy(allow("kms:ListKeys")))["Credentials"]

    Identity(lab, "whole", **keys_of(whole)).client("iam").list_users()
    limited = Identity(lab, "part", **keys_of(part))
    limited.client("kms").list_keys()
    assert "because no session policy allows the iam:ListUsers action" in message(limited.client("iam").list_users)


def test_a_role_is_assumed_by_whom_its_trust_policy_and_their_own_let(
    user: MakeIdentity, client: ClientFactory
) -> None:
    named, other = user(), user(allow("sts:AssumeRole"))
    arn = f"arn:aws:iam::{ACCOUNT}:user/{named.name}"
    condition = {"StringEquals": {"sts:ExternalId": "contract-7"}}
    trust = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole", "Condition": condition}
    role = client("iam").create_role(RoleName="guarded", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    wanted = {"RoleArn": role, "RoleSessionName": "session", "ExternalId": "contract-7"}

    assert named.client("sts").assume_role(**wanted)["AssumedRoleUser"]["Arn"].endswith("guarded/session")
    assert refused(named.client("sts").assume_role, **{**wanted, "ExternalId": "contract-8"}) == "AccessDenied"
    assert message(other.client("sts").assume_role, **wanted) == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{other.name} is not authorized to perform: sts:AssumeRole on resource: "
        f"{role}"
    )
    assert refused(client("sts").assume_role, **wanted) == "AccessDenied"


def test_a_session_lasts_no_longer_than_its_role_lets_it(lab: Lab, user: MakeIdentity, client: ClientFactory) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    hours = {"short": 3600, "long": 7200}
    for name, seconds in hours.items():
        made = {"RoleName": f"for-{name}", "AssumeRolePolicyDocument": policy(trust), "MaxSessionDuration": seconds}
        client("iam").create_role(**made)
        client("iam").put_role_policy(RoleName=f"for-{name}", PolicyName="p", PolicyDocument=policy(allow("*")))
    sts = user(allow("sts:AssumeRole")).client("sts")
    short, long = (
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/for-{name}", "RoleSessionName": "session", "DurationSeconds": 7200}
        for name in hours
    )

    assert "MaxSessionDuration" in message(sts.assume_role, **short)
    session = Identity(lab, "s", **keys_of(sts.assume_role(**long)["Credentials"])).client("sts")
    assert "role chaining" in message(session.assume_role, **long)
    session.assume_role(**{**long, "DurationSeconds": 3600})


def test_a_role_of_another_account_needs_both_sides(lab: Lab, user: MakeIdentity) -> None:
    iam = make_client(lab, "iam", **root_keys(lab, OTHER))
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="across", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    wanted = {"RoleArn": role, "RoleSessionName": "session"}

    assert refused(user().client("sts").assume_role, **wanted) == "AccessDenied"
    assert "by root accounts" in message(make_client(lab, "sts", **root_keys(lab, ACCOUNT)).assume_role, **wanted)
    user(allow("sts:AssumeRole", role)).client("sts").assume_role(**wanted)


def test_a_bucket_of_another_owner_than_expected_is_refused(client: ClientFactory, bucket: str) -> None:
    s3 = client("s3")
    own = client("sts").get_caller_identity()["Account"]
    assert s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=own)
    for call in (s3.head_bucket, s3.get_bucket_versioning):
        with pytest.raises(ClientError, match=r"403|AccessDenied"):
            call(Bucket=bucket, ExpectedBucketOwner="999999999999")


def test_a_bucket_policy_lets_in_and_shuts_out(user: MakeIdentity, client: ClientFactory, bucket: str) -> None:
    named, reader = user(), user(allow("s3:*"))
    arn = f"arn:aws:iam::{ACCOUNT}:user/"
    let_in = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": f"{arn}{named.name}"}}
    shut_out = {
        "Effect": "Deny",
        "Principal": {"AWS": f"{arn}{reader.name}"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(let_in, shut_out))

    assert named.client("s3").get_object(Bucket=bucket, Key="plain")["Body"].read() == b"x"
    assert refused(named.client("s3").list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert message(reader.client("s3").get_object, Bucket=bucket, Key="plain").endswith(
        "with an explicit deny in a resource-based policy"
    )
    reader.client("s3").list_objects_v2(Bucket=bucket)


def test_a_prefix_and_a_version_are_what_policies_see(user: MakeIdentity, bucket: str) -> None:
    only = {"StringLike": {"s3:prefix": "home/${aws:username}/*"}}
    found = user(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=only), allow("s3:GetObject"))
    s3 = found.client("s3")

    s3.list_objects_v2(Bucket=bucket, Prefix=f"home/{found.name}/")
    assert refused(s3.list_objects_v2, Bucket=bucket, Prefix="home/") == "AccessDenied"
    assert refused(s3.list_objects_v2, Bucket=bucket) == "AccessDenied"
    s3.get_object(Bucket=bucket, Key="plain")
    assert "s3:GetObjectVersion" in message(s3.get_object, Bucket=bucket, Key="plain", VersionId="null")


def test_who_may_not_list_does_not_learn_what_is_not_there(user: MakeIdentity, bucket: str) -> None:
    reads, lists = user(allow("s3:GetObject")), user(allow(["s3:GetObject", "s3:ListBucket"]))

    assert refused(reads.client("s3").get_object, Bucket=bucket, Key="nothing") == "AccessDenied"
    assert refused(lists.client("s3").get_object, Bucket=bucket, Key="nothing") == "NoSuchKey"


def test_every_key_of_a_deletion_and_both_ends_of_a_copy_count(
    user: MakeIdentity, client: ClientFactory, bucket: str
) -> None:
    found = user(
        allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/mine/*"),
        allow("s3:PutObject", f"arn:aws:s3:::{bucket}/mine/*"),
    ).client("s3")
    source = {"Bucket": bucket, "Key": "plain"}

    found.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "mine/b"}]})
    both = {"Objects": [{"Key": "mine/a"}, {"Key": "plain"}]}
    answer = found.delete_objects(Bucket=bucket, Delete=both)
    assert [each["Key"] for each in answer["Deleted"]] == ["mine/a"]
    (kept,) = answer["Errors"]
    assert (kept["Key"], kept["Code"]) == ("plain", "AccessDenied")
    assert f's3:DeleteObject on resource: "arn:aws:s3:::{bucket}/plain"' in kept["Message"]
    versions = {"Objects": [{"Key": "mine/d"}, {"Key": "mine/d", "VersionId": "null"}], "Quiet": True}
    answer = found.delete_objects(Bucket=bucket, Delete=versions)
    assert [(each["Key"], each["VersionId"]) for each in answer["Errors"]] == [("mine/d", "null")]
    broken = {"Objects": [{"Key": "mine/e\r"}, {"Key": "plain"}]}
    assert [each["Key"] for each in found.delete_objects(Bucket=bucket, Delete=broken)["Deleted"]] == ["mine/e\r"]
    assert "Deleted" not in answer
    client("s3").head_object(Bucket=bucket, Key="plain")
    assert "s3:GetObject" in message(found.copy_object, Bucket=bucket, Key="mine/c", CopySource=source)


def test_an_encrypted_object_needs_its_key(user: MakeIdentity, client: ClientFactory, bucket: str) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    found = user(allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"))
    s3 = found.client("s3")
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    client("s3").put_object(Bucket=bucket, Key="secret", Body=b"s", **encrypted)

    assert f"not authorized to perform: kms:Decrypt on resource: {key}" in message(
        s3.get_object, Bucket=bucket, Key="secret"
    )
    assert "kms:GenerateDataKey" in message(s3.put_object, Bucket=bucket, Key="more", Body=b"", **encrypted)
    assert refused(found.client("kms").describe_key, KeyId=key) == "AccessDeniedException"

    by_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    from_here = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    reads = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    user(reads, allow("kms:Decrypt", key, Condition=by_s3)).client("s3").get_object(Bucket=bucket, Key="secret")
    own = user(reads, allow("kms:Decrypt", key, Condition=from_here)).client("s3")
    assert (
        refused(own.get_object, Bucket=bucket, Key="secret") == "AccessDenied"
    )  # S3 asks KMS, from an address of its own

    kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/{found.name}", Operations=["Decrypt"])
    assert s3.get_object(Bucket=bucket, Key="secret")["Body"].read() == b"s"
    assert "kms:GenerateDataKey" in message(s3.put_object, Bucket=bucket, Key="more", Body=b"", **encrypted)


def test_who_may_retire_one_grant_may_not_retire_another_one(user: MakeIdentity, client: ClientFactory) -> None:
    kms, found = client("kms"), user()
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    own = f"arn:aws:iam::{ACCOUNT}:user/{found.name}"
    grant = {"GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:root", "Operations": ["Decrypt"]}
    theirs = kms.create_grant(KeyId=keys[0], RetiringPrincipal=own, **grant)
    others = [kms.create_grant(KeyId=key, **grant) for key in keys]
    retire = found.client("kms").retire_grant

    for each in others:
        assert refused(retire, GrantToken=each["GrantToken"]) == "AccessDeniedException"
        assert refused(retire, GrantToken=each["GrantToken"], KeyId=keys[0]) == "AccessDeniedException"
        by_both = {"GrantToken": each["GrantToken"], "KeyId": keys[0], "GrantId": theirs["GrantId"]}
        assert refused(retire, **by_both) == "AccessDeniedException"
    assert refused(retire, KeyId=keys[0], GrantId=others[0]["GrantId"]) == "AccessDeniedException"
    retire(KeyId=keys[0], GrantId=theirs["GrantId"])
    assert [len(kms.list_grants(KeyId=key)["Grants"]) for key in keys] == [1, 1]


def test_a_ciphertext_is_decrypted_by_no_other_key_than_the_one_that_is_named(
    user: MakeIdentity, client: ClientFactory
) -> None:
    keeper, stranger = user(allow("kms:*")), user(allow("kms:*"))
    for_keeper = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/{keeper.name}"}))
    key = client("kms").create_key(Policy=for_keeper, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    sealed = keeper.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    missing = f"{key.rpartition('/')[0]}/{'0' * 36}"

    assert refused(stranger.client("kms").decrypt, CiphertextBlob=sealed) == "AccessDeniedException"
    assert refused(stranger.client("kms").decrypt, CiphertextBlob=sealed, KeyId=missing) == "NotFoundException"
    for name in (missing, "0" * 36, "alias/none"):
        assert refused(keeper.client("kms").decrypt, CiphertextBlob=sealed, KeyId=name) == "NotFoundException"


def test_an_encrypted_object_needs_its_key_by_whichever_way(
    user: MakeIdentity, client: ClientFactory, lab: Lab
) -> None:
    key, name = client("kms").create_key()["KeyMetadata"]["Arn"], "encrypted-versions"
    encrypted = {"Bucket": name, "Key": "k", "Body": b"s", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    client("s3").create_bucket(Bucket=name)
    client("s3").put_object(**encrypted)
    found = user(allow("s3:*"))
    pair = (found.keys["aws_access_key_id"], found.keys["aws_secret_access_key"])

    def sent(method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        return ask(lab, path, signed(lab, path, method=method, headers=headers, keys=pair), method)

    assert "kms:Decrypt" in message(found.client("s3").get_object, Bucket=name, Key="k", VersionId="null")
    assert sent("GET", f"/{name}/k?torrent")[0] == 405
    client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    version = client("s3").put_object(**encrypted)["VersionId"]
    for query in (f"versionId={version}&x=1", f"x=1&versionId={version}", "versionId=null", "x=1"):
        status, body = sent("PUT", f"/{name}/copy", {"x-amz-copy-source": f"/{name}/k?{query}"})
        assert (status, b"kms:Decrypt" in body) == (403, True), query


def test_an_access_point_lets_nobody_in(user: MakeIdentity, bucket: str, lab: Lab) -> None:
    path = "/v20180820/accesspoint/point"
    body = f'<CreateAccessPointRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><Bucket>{bucket}'
    body += "</Bucket></CreateAccessPointRequest>"
    made = signed(lab, path, method="PUT", body=body.encode(), headers={"x-amz-account-id": ACCOUNT})
    created = ask(lab, path, made, "PUT", body.encode())[1].decode()
    alias = created.partition("<Alias>")[2].partition("<")[0]
    found = user(allow("s3:*"))
    pair = (found.keys["aws_access_key_id"], found.keys["aws_secret_access_key"])

    def sent(path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        return ask(lab, path, signed(lab, path, method=method, headers=headers, keys=pair), method)

    assert alias
    assert "through an access point" in message(found.client("s3").get_object, Bucket=alias, Key="plain")
    assert "through an access point" in message(
        found.client("s3").copy_object, Bucket=bucket, Key="copy", CopySource=f"{alias}/plain"
    )
    for host in (f"{alias}.localhost:{lab.port}", f"point-{ACCOUNT}.localhost:{lab.port}"):
        assert b"through an access point" in sent("/plain", Host=host)[1]
    assert sent(f"/{bucket}/plain") == (200, b"x")


def test_tags_of_a_version_and_of_a_body_are_what_policies_see(user: MakeIdentity, client: ClientFactory) -> None:
    name, s3 = "tagged-versions", client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    secret = s3.put_object(Bucket=name, Key="k", Body=b"s", Tagging="class=secret")["VersionId"]
    is_secret = {"StringEquals": {"s3:ExistingObjectTag/class": "secret"}}
    is_version = {"StringEquals": {"s3:VersionId": secret}}

    def denied(condition: dict[str, Any]) -> Any:
        return user(allow("s3:*"), {**allow("s3:GetObject*"), "Effect": "Deny", "Condition": condition}).client("s3")

    by_tag, by_version = denied(is_secret), denied(is_version)
    source = {"Bucket": name, "Key": "k", "VersionId": secret}
    assert "explicit deny" in message(by_tag.get_object, Bucket=name, Key="k")
    s3.put_object(Bucket=name, Key="k", Body=b"o", Tagging="class=open")
    by_tag.get_object(Bucket=name, Key="k")
    for each in (by_tag, by_version):
        assert "explicit deny" in message(each.copy_object, Bucket=name, Key="copy", CopySource=source)
        assert "explicit deny" in message(each.get_object, **source)

    blue = {"StringEquals": {"s3:RequestObjectTag/team": "blue"}}
    tags = user(allow("s3:PutObjectTagging", Condition=blue)).client("s3")
    tags.put_object_tagging(Bucket=name, Key="k", Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    red = {"TagSet": [{"Key": "team", "Value": "red"}]}
    assert refused(tags.put_object_tagging, Bucket=name, Key="k", Tagging=red) == "AccessDenied"

    in_europe = {"StringEquals": {"s3:LocationConstraint": "eu-west-1"}}
    maker = user(allow("s3:CreateBucket", Condition=in_europe))
    there = {"LocationConstraint": "eu-west-1"}
    maker.client("s3", region_name="eu-west-1").create_bucket(Bucket="in-europe", CreateBucketConfiguration=there)
    assert refused(maker.client("s3").create_bucket, Bucket="in-america") == "AccessDenied"


def test_a_key_policy_decides_also_about_administrators(user: MakeIdentity, client: ClientFactory) -> None:
    found = user()
    arn = f"arn:aws:iam::{ACCOUNT}:user/{found.name}"
    administers = {**allow(["kms:Put*", "kms:Describe*", "kms:ScheduleKeyDeletion"]), "Principal": {"AWS": ACCOUNT}}
    context = {"StringEquals": {"kms:EncryptionContext:purpose": "test"}}
    uses = {**allow(["kms:Encrypt", "kms:Decrypt"], Condition=context), "Principal": {"AWS": arn}}
    key = client("kms").create_key(Policy=policy(administers, uses))["KeyMetadata"]["KeyId"]
    kms = found.client("kms")

    assert "because no resource-based policy allows the kms:Encrypt action" in message(
        client("kms").encrypt, KeyId=key, Plaintext=b"x"
    )
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"purpose": "test"})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"purpose": "test"})["Plaintext"] == b"x"
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x") == "AccessDeniedException"


@pytest.mark.parametrize("kind", ["queue", "topic", "secret"])
def test_resource_policies_let_in_and_shut_out(user: MakeIdentity, client: ClientFactory, kind: str) -> None:
    found = user()
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{found.name}"}
    name = f"shared-{kind}"
    if kind == "queue":
        url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
        document = policy({**allow("sqs:SendMessage"), "Principal": principal})
        client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
        found.client("sqs").send_message(QueueUrl=url, MessageBody="x")
        assert refused(found.client("sqs").receive_message, QueueUrl=url) == "AccessDenied"
    elif kind == "topic":
        arn = client("sns").create_topic(Name=name)["TopicArn"]
        document = policy({**allow("sns:Publish", arn), "Principal": principal})
        client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
        found.client("sns").publish(TopicArn=arn, Message="x")
        assert refused(found.client("sns").get_topic_attributes, TopicArn=arn) == "AuthorizationError"
    else:
        arn = client("secretsmanager").create_secret(Name=name, SecretString="s")["ARN"]
        document = policy({**allow("secretsmanager:GetSecretValue"), "Principal": principal})
        client("secretsmanager").put_resource_policy(SecretId=name, ResourcePolicy=document)
        assert found.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"] == "s"
        assert refused(found.client("secretsmanager").describe_secret, SecretId=arn) == "AccessDeniedException"


def test_secrets_in_a_batch_need_what_each_of_them_needs(user: MakeIdentity, client: ClientFactory) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    secret = client("secretsmanager").create_secret(Name="batch-1", SecretString="s", KmsKeyId=key)["ARN"]
    batch = allow(["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"])
    no_secret, no_key = user(batch), user(batch, allow("secretsmanager:GetSecretValue", secret))
    reads = user(batch, allow("secretsmanager:GetSecretValue", secret), allow("kms:Decrypt", key))
    by_filter = {"Filters": [{"Key": "name", "Values": ["batch-"]}]}

    for wanted in ({"SecretIdList": ["batch-1"]}, by_filter):
        for found, lacking in ((no_secret, "secretsmanager:GetSecretValue"), (no_key, "kms:Decrypt")):
            assert lacking in message(found.client("secretsmanager").batch_get_secret_value, **wanted)
        answer = reads.client("secretsmanager").batch_get_secret_value(**wanted)
        assert [each["SecretString"] for each in answer["SecretValues"]] == ["s"]


def test_names_in_parameters_become_the_resources_that_policies_name(user: MakeIdentity, client: ClientFactory) -> None:
    mine = {
        "ssm": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/mine/*",
        "logs": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/mine/*",
        "dynamodb": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/mine",
        "sqs": f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine-*",
        "iam": f"arn:aws:iam::{ACCOUNT}:user/mine/*",
        "events": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mine-*",
        "cloudtrail": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/mine",
    }
    found = user(allow("*", list(mine.values())))

    def both(service: str, operation: str, own: dict[str, Any], others: dict[str, Any]) -> None:
        getattr(found.client(service), operation)(**own)
        assert refused(getattr(found.client(service), operation), **others).startswith("AccessDenied")

    value = {"Value": "1", "Type": "String"}
    both("ssm", "put_parameter", {"Name": "/mine/a", **value}, {"Name": "/other/a", **value})
    both("logs", "create_log_group", {"logGroupName": "/mine/g"}, {"logGroupName": "/other/g"})
    keys = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    keys["AttributeDefinitions"] = [{"AttributeName": "k", "AttributeType": "S"}]
    both("dynamodb", "create_table", {"TableName": "mine", **keys}, {"TableName": "other", **keys})
    both("sqs", "create_queue", {"QueueName": "mine-q"}, {"QueueName": "other-q"})
    both("iam", "create_user", {"UserName": "a", "Path": "/mine/"}, {"UserName": "b", "Path": "/other/"})
    both("iam", "get_user", {"UserName": "a"}, {"UserName": "learner"})
    pattern = {"EventPattern": '{"source":["x"]}'}
    both("events", "put_rule", {"Name": "mine-r", **pattern}, {"Name": "other-r", **pattern})
    write = {"k": {"S": "1"}}
    found.client("dynamodb").transact_write_items(TransactItems=[{"Put": {"TableName": "mine", "Item": write}}])
    others = [{"Put": {"TableName": "other", "Item": write}}]
    assert "dynamodb:PutItem" in message(found.client("dynamodb").transact_write_items, TransactItems=others)
    client("dynamodb").delete_table(TableName="mine")


def test_tags_of_requests_and_resources_are_what_policies_see(user: MakeIdentity, client: ClientFactory) -> None:
    by_tag = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    with_tag = {"StringEquals": {"aws:RequestTag/team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    found = user(
        allow("kms:DescribeKey", Condition=by_tag), allow(["kms:CreateKey", "kms:TagResource"], Condition=with_tag)
    )
    blue, red = ([{"TagKey": "team", "TagValue": colour}] for colour in ("blue", "red"))
    kms = found.client("kms")

    kms.describe_key(KeyId=kms.create_key(Tags=blue)["KeyMetadata"]["KeyId"])
    assert refused(kms.create_key, Tags=red) == refused(kms.create_key) == "AccessDeniedException"
    other = client("kms").create_key(Tags=red)["KeyMetadata"]["KeyId"]
    assert refused(kms.describe_key, KeyId=other) == "AccessDeniedException"


def test_who_gives_a_role_to_a_service_must_be_allowed_to(user: MakeIdentity, client: ClientFactory) -> None:
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = client("iam").create_role(RoleName="for-lambda", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return 1")
    wanted = {"Runtime": "python3.12", "Handler": "index.handler", "Code": {"ZipFile": code.getvalue()}, "Role": role}
    may_not = user(allow("lambda:*"))
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    may = user(allow("lambda:*"), allow("iam:PassRole", role, Condition=to_lambda))

    assert f"iam:PassRole on resource: {role}" in message(
        may_not.client("lambda").create_function, FunctionName="f1", **wanted
    )
    may.client("lambda").create_function(FunctionName="f1", **wanted)
    client("lambda").delete_function(FunctionName="f1")


def test_an_identity_of_a_pool_has_only_a_role_that_trusts_the_pool(user: MakeIdentity, client: ClientFactory) -> None:
    for_ec2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, identity = client("iam"), client("cognito-identity")
    role = iam.create_role(RoleName="of-a-pool", AssumeRolePolicyDocument=policy(for_ec2))["Role"]["Arn"]
    pool = identity.create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    wanted = {"IdentityPoolId": pool, "Roles": {"unauthenticated": role}}
    may_not = user(allow("cognito-identity:*")).client("cognito-identity")
    assert "iam:PassRole" in message(may_not.set_identity_pool_roles, **wanted)
    identity.set_identity_pool_roles(**wanted)

    def ask_cognito(keys: Identity, operation: str, given: dict[str, str]) -> bytes:
        body = json.dumps(given).encode()  # by hand: botocore does not sign these
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"AWSCognitoIdentityService.{operation}",
        }
        pair = (keys.keys["aws_access_key_id"], keys.keys["aws_secret_access_key"])
        made = signed(keys.lab, "/", service="cognito-identity", method="POST", body=body, headers=headers, keys=pair)
        return ask(keys.lab, "/", made, "POST", body)[1]

    anybody = user(allow("cognito-identity:GetCredentialsForIdentity"))
    found = ask_cognito(user(allow("*")), "GetId", {"IdentityPoolId": pool})
    mine = {"IdentityId": str(json.loads(found)["IdentityId"])}
    for each in (mine, {"IdentityId": "us-east-1:x"}, {**mine, "CustomRoleArn": role}):
        refusal = ask_cognito(anybody, "GetCredentialsForIdentity", each)
        assert b"Not authorized to perform sts:AssumeRoleWithWebIdentity" in refusal

    provider = "cognito-identity.amazonaws.com"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{provider}:aud": pool, f"{provider}:amr": "unauthenticated"}},
    }
    iam.update_assume_role_policy(RoleName="of-a-pool", PolicyDocument=policy(trust))
    assert b"SecretKey" in ask_cognito(anybody, "GetCredentialsForIdentity", mine)


def test_what_the_lab_does_not_know_only_who_may_do_everything_may(user: MakeIdentity, client: ClientFactory) -> None:
    everything_of_glue = user(allow("glue:*"))

    assert "The lab does not know which permission glue:ListGlossaries" in message(
        everything_of_glue.client("glue").list_glossaries
    )
    assert refused(client("glue").list_glossaries) != "AccessDeniedException"


@pytest.mark.parametrize(
    "denied",
    [
        {"Effect": "Deny", "Action": "glue:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "glue:GetTable", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"},
        {"Effect": "Deny", "Action": "glue:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_who_is_denied_something_of_a_service_may_not_call_what_the_lab_does_not_know(
    user: MakeIdentity, denied: dict[str, Any]
) -> None:
    limited, other = user(allow("*"), denied), user({"Effect": "Allow", "NotAction": "glue:*", "Resource": "*"})

    for each in (limited, other):
        assert "The lab does not know which permission glue:ListGlossaries" in message(
            each.client("glue").list_glossaries
        )


def test_a_condition_on_everything_counts_for_what_the_lab_does_not_know(user: MakeIdentity) -> None:
    here = user(allow("*", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}))

    assert "does not know" not in message(here.client("glue").list_glossaries)
    assert "does not know" in message(here.client("glue", region_name="eu-west-1").list_glossaries)


def test_calls_of_global_services_are_made_where_their_endpoint_is(user: MakeIdentity, client: ClientFactory) -> None:
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}
    found = user(allow("*"), {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": elsewhere})

    found.client("iam", region_name="eu-west-1").list_users()
    found.client("cloudfront", region_name="eu-west-1").list_distributions()
    assert refused(found.client("kms", region_name="eu-west-1").list_keys) == "AccessDeniedException"
    assert newest(client, "ListDistributions", found.name)["awsRegion"] == "us-east-1"

    there = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    kept_out = user(allow("*"), {"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Condition": there})
    assert refused(kept_out.client("iam", region_name="eu-west-1").list_users) == "AccessDenied"


def test_a_long_body_is_authorized_by_what_it_says(user: MakeIdentity, client: ClientFactory) -> None:
    dynamodb = client("dynamodb")
    for name in ("long-mine", "long-secret"):
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        )
    limited = user(allow("dynamodb:*", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/long-mine")).client("dynamodb")
    items = [{"PutRequest": {"Item": {"k": {"S": str(each)}, "v": {"S": "x" * 300_000}}}} for each in range(5)]

    limited.batch_write_item(RequestItems={"long-mine": items})
    assert "table/long-secret" in message(limited.batch_write_item, RequestItems={"long-secret": items})
    assert dynamodb.scan(TableName="long-secret")["Items"] == []


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff"])
def test_what_cannot_be_read_only_who_may_do_everything_may_call(lab: Lab, user: MakeIdentity, body: bytes) -> None:
    limited, administrator = user(allow("kms:*")), user(allow("*"))
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.DescribeKey"}
    answers = []
    for each in (limited, administrator):
        keys = (each.keys["aws_access_key_id"], each.keys["aws_secret_access_key"])
        made = signed(lab, "/", service="kms", method="POST", body=body, headers=headers, keys=keys)
        answers.append(ask(lab, "/", made, "POST", body)[1])

    assert [b"cannot read the parameters of this call of kms:DescribeKey" in each for each in answers] == [True, False]


def test_hostile_names_are_answered_and_recorded(user: MakeIdentity, client: ClientFactory) -> None:
    limited = user(allow("kms:ListKeys"))

    assert refused(limited.client("kms").describe_key, KeyId="arn:x") == "AccessDeniedException"
    assert newest(client, "DescribeKey", limited.name)["errorCode"] == "AccessDenied"
    assert refused(limited.client("sqs").send_message, QueueUrl="http://[x", MessageBody="x") == "AccessDenied"


def test_a_call_of_a_stack_that_is_none_of_an_api_is_refused() -> None:
    origin = Origin(ACCOUNT, "us-east-1", "ann", {}, "127.0.0.1", "")
    request = Request("POST", "/", "", {}, b"")

    assert Authorizer(lambda: datetime.now(UTC)).refused_to_stack(None, request, origin)


def test_calls_without_a_user_are_about_the_caller(user: MakeIdentity, client: ClientFactory) -> None:
    own = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
    found = user(allow("iam:*", own))
    iam = found.client("iam")

    made = iam.create_access_key()["AccessKey"]
    assert made["UserName"] == iam.get_user()["User"]["UserName"] == found.name
    assert len(iam.list_access_keys()["AccessKeyMetadata"]) == 2
    iam.update_access_key(AccessKeyId=made["AccessKeyId"], Status="Inactive")
    iam.delete_access_key(AccessKeyId=made["AccessKeyId"])
    iam.get_access_key_last_used(AccessKeyId=found.keys["aws_access_key_id"])
    assert len(client("iam").list_access_keys(UserName=found.name)["AccessKeyMetadata"]) == 1


def test_who_is_no_user_must_name_one(lab: Lab, user: MakeIdentity, client: ClientFactory) -> None:
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    client("iam").create_role(RoleName="no-user", AssumeRolePolicyDocument=trust)
    client("iam").put_role_policy(RoleName="no-user", PolicyName="p", PolicyDocument=policy(allow("*")))
    role = f"arn:aws:iam::{ACCOUNT}:role/no-user"
    found = user(allow("sts:AssumeRole")).client("sts").assume_role(RoleArn=role, RoleSessionName="session")
    of_role = Identity(lab, "session", **keys_of(found["Credentials"])).client("iam")
    of_root = client("iam", **root_keys(lab, ACCOUNT))

    for operation in ("create_access_key", "get_user", "list_access_keys", "list_mfa_devices", "get_login_profile"):
        assert message(getattr(of_role, operation)) == "Must specify userName when calling with non-User credentials"
    assert of_root.get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert refused(of_root.create_access_key) == "ServiceNotAvailable"
    own = user()
    assert of_role.create_access_key(UserName=own.name)["AccessKey"]["UserName"] == own.name


def test_a_key_of_another_user_is_none_of_ones_own(user: MakeIdentity, client: ClientFactory) -> None:
    victim, found = user(), user(allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"))
    key, iam = victim.keys["aws_access_key_id"], found.client("iam")

    for name in ({}, {"UserName": found.name}):
        assert refused(iam.delete_access_key, AccessKeyId=key, **name) == "NoSuchEntity"
        assert refused(iam.update_access_key, AccessKeyId=key, Status="Inactive", **name) == "NoSuchEntity"
    assert refused(iam.get_access_key_last_used, AccessKeyId=key) == "AccessDenied"
    [left] = client("iam").list_access_keys(UserName=victim.name)["AccessKeyMetadata"]
    assert left["Status"] == "Active"


def test_inactive_keys_are_refused(client: ClientFactory, user: MakeIdentity) -> None:
    iam, found = client("iam"), user(allow("*"))
    (key,) = iam.list_access_keys(UserName=found.name)["AccessKeyMetadata"]
    iam.update_access_key(UserName=found.name, AccessKeyId=key["AccessKeyId"], Status="Inactive")

    assert refused(found.client("iam").list_users) == "InvalidClientTokenId"
    assert refused(found.client("kms").list_keys) == "UnrecognizedClientException"
    assert refused(found.client("s3").list_buckets) == "InvalidAccessKeyId"
    assert refused(found.client("ec2").describe_vpcs) == "AuthFailure"


def test_the_root_of_an_account_needs_other_accounts_policies(lab: Lab, client: ClientFactory, bucket: str) -> None:
    other = make_client(lab, "s3", **root_keys(lab, OTHER))

    client("s3").delete_bucket_policy(Bucket=bucket)
    assert refused(other.get_object, Bucket=bucket, Key="plain") == "AccessDenied"

    let_in = {**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": OTHER}}
    client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(let_in))
    assert other.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"x"


def test_the_root_can_always_mend_a_bucket_policy(lab: Lab) -> None:
    s3 = make_client(lab, "s3", **root_keys(lab, OTHER))
    s3.create_bucket(Bucket="locked-out")
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::locked-out"]}
    s3.put_bucket_policy(Bucket="locked-out", Policy=policy(nobody))

    assert refused(s3.list_objects_v2, Bucket="locked-out") == "AccessDenied"
    s3.delete_bucket_policy(Bucket="locked-out")
    s3.list_objects_v2(Bucket="locked-out")


def test_events_reach_queues_only_where_their_policy_allows_it(lab: Lab, client: ClientFactory) -> None:
    url = client("sqs").create_queue(QueueName="of-events")["QueueUrl"]
    queue = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = client("events").put_rule(Name="to-queue", EventPattern='{"source":["test.authorizing"]}')["RuleArn"]
    client("events").put_targets(Rule="to-queue", Targets=[{"Id": "1", "Arn": queue}])

    def received() -> list[str]:
        entry = {"Source": "test.authorizing", "DetailType": "t", "Detail": "{}"}
        client("events").put_events(Entries=[entry])
        messages = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"])["source"] for each in messages]

    assert received() == []
    status = lifecycle.ask(lab)
    assert status
    assert any(f"EventBridge cannot send what matches the rule to-queue to {queue}" in each for each in status.warnings)

    events = {"Service": "events.amazonaws.com"}
    allowed = {
        **allow("sqs:SendMessage", queue),
        "Principal": events,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(allowed)})
    assert received() == ["test.authorizing"]
    client("events").remove_targets(Rule="to-queue", Ids=["1"])


def test_a_stack_may_do_what_its_caller_may(user: MakeIdentity) -> None:
    bucket = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "stack-of-limited"}}}
    role = {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}}
    via = {"StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    found = user(allow("cloudformation:*"), allow("s3:*", "arn:aws:s3:::stack-of-*", Condition=via))
    cloudformation = found.client("cloudformation")

    def status_of(name: str, resources: dict[str, Any]) -> str:
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
        return settled(cloudformation, name)

    assert status_of("limited-bucket", bucket) == "CREATE_COMPLETE"
    assert refused(found.client("s3").list_objects_v2, Bucket="stack-of-limited") == "AccessDenied"
    bucket["Bucket"]["Properties"] = {"BucketName": "another-of-limited"}
    assert status_of("limited-other", bucket) == "ROLLBACK_COMPLETE"
    assert status_of("limited-role", role) == "ROLLBACK_COMPLETE"
    reasons = cloudformation.describe_stack_events(StackName="limited-role")["StackEvents"]
    assert any("The lab does not know which permissions AWS::IAM::Role" in str(each) for each in reasons)
    cloudformation.delete_stack(StackName="limited-bucket")


@pytest.fixture(scope="module")
def encrypted(client: ClientFactory) -> str:
    """A bucket with a template and code that a key encrypts."""
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    client("s3").create_bucket(Bucket="encrypted-templates")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    template = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}).encode()
    for name, body in (("template", template), ("code", code.getvalue())):
        client("s3").put_object(
            Bucket="encrypted-templates", Key=name, Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key
        )
    return "encrypted-templates"


def test_a_template_is_read_for_who_may_read_it(user: MakeIdentity, encrypted: str) -> None:
    url = f"https://s3.amazonaws.com/{encrypted}/template"
    reads = allow("s3:GetObject", f"arn:aws:s3:::{encrypted}/template")
    nothing, no_key = user(allow("cloudformation:*")), user(allow("cloudformation:*"), reads)
    both = user(allow("cloudformation:*"), reads, allow("kms:Decrypt"))

    for found, lacking in ((nothing, "s3:GetObject"), (no_key, "kms:Decrypt")):
        cloudformation = found.client("cloudformation")
        for call in (cloudformation.get_template_summary, cloudformation.validate_template):
            assert lacking in message(call, TemplateURL=url)
        assert lacking in message(cloudformation.create_stack, StackName="by-url", TemplateURL=url)
    both.client("cloudformation").get_template_summary(TemplateURL=url)
    include = {"Name": "AWS::Include", "Parameters": {"Location": f"s3://{encrypted}/template"}}
    including = {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"Fn::Transform": include}}}}
    wanted = {"StackName": "including", "TemplateBody": json.dumps(including)}
    cloudformation = nothing.client("cloudformation")
    assert "s3:GetObject" in message(cloudformation.create_stack, Capabilities=["CAPABILITY_AUTO_EXPAND"], **wanted)


def test_code_is_read_for_who_may_read_it(user: MakeIdentity, client: ClientFactory, encrypted: str) -> None:
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = client("iam").create_role(RoleName="for-code", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = {"S3Bucket": encrypted, "S3Key": "code"}
    wanted = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler", "Role": role, "Code": code}
    rights = [allow("lambda:*"), allow("iam:PassRole")]
    nothing = user(*rights)
    no_key = user(*rights, allow("s3:GetObject"))

    for found, lacking in ((nothing, "s3:GetObject"), (no_key, "kms:Decrypt")):
        aws_lambda = found.client("lambda")
        assert lacking in message(aws_lambda.create_function, **wanted)
        assert lacking in message(aws_lambda.update_function_code, FunctionName="f", **code)
        assert lacking in message(aws_lambda.publish_layer_version, LayerName="l", Content=code)


@pytest.mark.parametrize("kind", ["secret", "secure", "plain", "parameter", "code", "nested"])
def test_a_stack_reads_only_what_its_caller_may(
    user: MakeIdentity, client: ClientFactory, encrypted: str, kind: str
) -> None:
    name = f"read-by-stack-{kind}"
    if kind == "secret":
        client("secretsmanager").create_secret(Name=name, SecretString="s")
        value: Any = f"{{{{resolve:secretsmanager:{name}}}}}"
    else:
        secure = {"Type": "SecureString", "KeyId": client("kms").create_key()["KeyMetadata"]["KeyId"]}
        client("ssm").put_parameter(Name=name, Value="s", **(secure if kind == "secure" else {"Type": "String"}))
        value = f"{{{{resolve:{'ssm-secure' if kind == 'secure' else 'ssm'}:{name}}}}}"
    template: dict[str, Any] = {}
    if kind == "parameter":
        template["Parameters"] = {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name}}
        value = {"Ref": "P"}
    made = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": [{"Key": "a", "Value": value}]}}
    if kind == "code":
        code = {"S3Bucket": encrypted, "S3Key": "code"}
        made = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"LayerName": name, "Content": code}}
    if kind == "nested":
        url = f"https://s3.amazonaws.com/{encrypted}/template"
        made = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    template["Resources"] = {"Made": made}
    rights = {
        "secret": "secretsmanager:GetSecretValue",
        "secure": "kms:Decrypt",
        "code": "s3:GetObject",
        "nested": "s3:GetObject",
    }
    right = rights.get(kind, "ssm:GetParameters")
    everything = ["cloudformation:*", "s3:*", "ssm:*", "secretsmanager:*", "lambda:*", "kms:*"]
    limited = user(allow(everything), {"Effect": "Deny", "Action": right, "Resource": "*"})
    may = user(allow(everything))

    def outcome(identity: Identity, stack: str) -> str:
        cloudformation = identity.client("cloudformation")
        try:
            cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
        except ClientError as error:
            return str(error)
        settled(cloudformation, stack)
        return json.dumps(cloudformation.describe_stack_events(StackName=stack)["StackEvents"], default=str)

    assert right in outcome(limited, f"limited-{kind}")
    assert "FAILED" not in outcome(may, f"may-{kind}")


def test_who_may_not_delete_a_queue_has_none_in_a_stack(user: MakeIdentity) -> None:
    """The lab does not know which calls AWS would make for it."""
    template = json.dumps(
        {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q-of-stack"}}}}
    )
    limited = user(allow("*"), {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"})
    cloudformation = limited.client("cloudformation")
    cloudformation.create_stack(StackName="limited-queue", TemplateBody=template)
    settled(cloudformation, "limited-queue")

    events = cloudformation.describe_stack_events(StackName="limited-queue")["StackEvents"]
    assert any("may do everything of sqs" in each.get("ResourceStatusReason", "") for each in events)


def test_a_device_proves_presence_to_policies_and_sessions(lab: Lab, user: MakeIdentity, client: ClientFactory) -> None:
    present = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    found = user(allow("kms:ListKeys", Condition=present))
    made = client("iam").create_virtual_mfa_device(VirtualMFADeviceName=found.name)
    device = made["VirtualMFADevice"]["SerialNumber"]
    codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
    client("iam").enable_mfa_device(UserName=found.name, SerialNumber=device, **codes)
    sts = found.client("sts")

    def lists_keys(**proof: str) -> None:
        session = sts.get_session_token(**proof)["Credentials"]
        Identity(lab, "session", **keys_of(session)).client("kms").list_keys()

    assert refused(found.client("kms").list_keys) == refused(lists_keys) == "AccessDeniedException"
    lists_keys(SerialNumber=device, TokenCode="123456")
    without = Identity(lab, "without", **keys_of(sts.get_session_token()["Credentials"]))
    assert refused(without.client("iam").list_users) == "InvalidClientTokenId"
    assert "Cannot call GetSessionToken with session credentials" in message(without.client("sts").get_session_token)
    assert refused(lists_keys, SerialNumber=f"{device}x", TokenCode="123456") == "AccessDenied"


def test_who_gives_rights_away_can_be_held_to_a_boundary(user: MakeIdentity, client: ClientFactory) -> None:
    iam = client("iam")
    boundary = iam.create_policy(PolicyName="for-made-roles", PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    held = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    theirs = user(allow(["iam:CreateRole", "iam:PutRolePolicy"], Condition=held)).client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    document = {"PolicyName": "p", "PolicyDocument": policy(allow("s3:ListAllMyBuckets"))}

    assert refused(theirs.create_role, RoleName="free", AssumeRolePolicyDocument=trust) == "AccessDenied"
    theirs.create_role(RoleName="held", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)
    theirs.put_role_policy(RoleName="held", **document)
    iam.create_role(RoleName="free", AssumeRolePolicyDocument=trust)
    assert refused(theirs.put_role_policy, RoleName="free", **document) == "AccessDenied"


def test_a_services_own_keys_are_named_after_its_parameters(user: MakeIdentity, client: ClientFactory) -> None:
    small = {"StringEquals": {"ec2:InstanceType": "t3.micro"}}
    others = [
        f"arn:aws:ec2:*:*:{kind}/*" for kind in ["image", "network-interface", "security-group", "subnet", "volume"]
    ]
    ec2 = user(
        allow("ec2:RunInstances", "arn:aws:ec2:*:*:instance/*", Condition=small),
        allow("ec2:RunInstances", others),
        allow("ec2:TerminateInstances"),
    ).client("ec2")
    wanted = {"ImageId": "ami-0abcdef1234567890", "MinCount": 1, "MaxCount": 1}

    assert refused(ec2.run_instances, InstanceType="m5.large", **wanted) == "UnauthorizedOperation"
    made = ec2.run_instances(InstanceType="t3.micro", **wanted)["Instances"][0]["InstanceId"]
    by_tag = {"StringEquals": {"ec2:ResourceTag/mine": "yes"}}
    stops = user(allow("ec2:StopInstances", Condition=by_tag)).client("ec2")
    assert refused(stops.stop_instances, InstanceIds=[made]) == "UnauthorizedOperation"
    client("ec2").create_tags(Resources=[made], Tags=[{"Key": "mine", "Value": "yes"}])
    stops.stop_instances(InstanceIds=[made])
    ec2.terminate_instances(InstanceIds=[made])


def test_a_stack_with_a_role_may_do_what_the_role_may(user: MakeIdentity, client: ClientFactory) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = client("iam")
    role = iam.create_role(RoleName="deploys", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="deploys", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "made-by-a-role"}}
    template = json.dumps({"Resources": {"Bucket": bucket}})
    may_not, may = user(allow("cloudformation:*")), user(allow("cloudformation:*"), allow("iam:PassRole", role))
    cloudformation = may.client("cloudformation")

    wanted = {"StackName": "with-a-role", "TemplateBody": template, "RoleARN": role}
    assert "iam:PassRole" in message(may_not.client("cloudformation").create_stack, **wanted)
    made = cloudformation.create_stack(**wanted)["StackId"]
    assert settled(cloudformation, made) == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName="with-a-role")
    assert settled(cloudformation, made) == "DELETE_COMPLETE"
    assert refused(client("s3").head_bucket, Bucket="made-by-a-role") == "404"
    for_lambda = policy({**trust, "Principal": {"Service": "lambda.amazonaws.com"}})
    iam.update_assume_role_policy(RoleName="deploys", PolicyDocument=for_lambda)
    assert refused(cloudformation.create_stack, **wanted) == "ValidationError"


def test_an_instance_has_the_session_that_only_ec2_may_make(lab: Lab, client: ClientFactory) -> None:
    def trust(service: str) -> str:
        return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})

    iam = client("iam")
    role = iam.create_role(RoleName="of-instances", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))["Role"]["Arn"]
    found = keys_of(control.instance_credentials(lab, role, "i-0a1b2c3d4e5f60718"))
    assert make_client(lab, "sts", **found).get_caller_identity()["Arn"].endswith("of-instances/i-0a1b2c3d4e5f60718")
    assert refused(client("sts").assume_role, RoleArn=role, RoleSessionName="learner") == "AccessDenied"
    identity = newest(client, "AssumeRole", "")["userIdentity"]
    assert identity == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}

    iam.update_assume_role_policy(RoleName="of-instances", PolicyDocument=trust("lambda.amazonaws.com"))
    with pytest.raises(LabError, match="whose trust policy lets ec2"):
        control.instance_credentials(lab, role, "i-0a1b2c3d4e5f60718")


def test_records_of_a_stream_are_for_who_may_read_the_stream(user: MakeIdentity, client: ClientFactory) -> None:
    kinesis = client("kinesis")
    streams = {
        each: f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{each}" for each in ("records-mine", "records-secret")
    }
    for each in streams:
        kinesis.create_stream(StreamName=each, ShardCount=1)
    for each in streams:
        kinesis.get_waiter("stream_exists").wait(StreamName=each, WaiterConfig={"Delay": 1})
        kinesis.put_record(StreamName=each, Data=each.encode(), PartitionKey="p")
    start = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    mine, secret = (kinesis.get_shard_iterator(StreamName=each, **start)["ShardIterator"] for each in streams)
    limited = user(allow("kinesis:*", streams["records-mine"])).client("kinesis")

    assert [each["Data"] for each in limited.get_records(ShardIterator=mine)["Records"]] == [b"records-mine"]
    for more in ({}, {"StreamARN": streams["records-mine"]}):
        assert "stream/records-secret" in message(limited.get_records, ShardIterator=secret, **more)
    let_in = user()
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{let_in.name}"}
    document = policy({**allow("kinesis:GetRecords", streams["records-secret"]), "Principal": principal})
    kinesis.put_resource_policy(ResourceARN=streams["records-secret"], Policy=document)
    found = let_in.client("kinesis").get_records(ShardIterator=secret)["Records"]
    assert [each["Data"] for each in found] == [b"records-secret"]
    assert refused(let_in.client("kinesis").get_records, ShardIterator=mine) == "AccessDeniedException"


def test_an_iterator_that_somebody_made_up_reads_no_other_table(user: MakeIdentity, client: ClientFactory) -> None:
    dynamodb, streams = client("dynamodb"), client("dynamodbstreams")
    arns = []
    for name in ("streamed-mine", "streamed-secret"):
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        dynamodb.put_item(TableName=name, Item={"k": {"S": name}})
        arns.append(dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"])
    shard = streams.describe_stream(StreamArn=arns[1])["StreamDescription"]["Shards"][0]["ShardId"]
    start = {"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterators = [streams.get_shard_iterator(StreamArn=each, **start)["ShardIterator"] for each in arns]
    found = user(allow("dynamodb:*", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/streamed-mine/*"))
    limited = found.client("dynamodbstreams")
    content = json.loads(base64.urlsafe_b64decode(iterators[1]))
    without, with_own = {**content}, {**content, "arn": arns[0]}
    del without["arn"]

    assert len(limited.get_records(ShardIterator=iterators[0])["Records"]) == 1
    assert "table/streamed-secret" in message(limited.get_records, ShardIterator=iterators[1])
    for made_up in (without, with_own):
        iterator = base64.urlsafe_b64encode(json.dumps(made_up).encode()).decode()
        assert refused(limited.get_records, ShardIterator=iterator) in (
            "AccessDeniedException",
            "ExpiredIteratorException",
        )


def buckets(*names: str) -> str:
    """A template."""
    made = {name.replace("-", ""): {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}} for name in names}
    return json.dumps({"Resources": made})


@pytest.fixture(scope="module")
def stack_roles(lab: Lab) -> dict[str, str]:
    """Roles of CloudFormation's, by what they may do."""
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, found = make_client(lab, "iam"), {}
    for name, action in (("buckets", "s3:*"), ("nothing", "sns:Publish")):
        role = iam.create_role(RoleName=f"stacks-{name}", AssumeRolePolicyDocument=policy(trust))["Role"]
        iam.put_role_policy(RoleName=f"stacks-{name}", PolicyName="p", PolicyDocument=policy(allow(action)))
        found[name] = role["Arn"]
    return found


def test_a_stack_keeps_its_role_until_an_operation_gives_it_another(
    user: MakeIdentity, client: ClientFactory, stack_roles: dict[str, str]
) -> None:
    cloudformation, deployer = client("cloudformation"), user(allow("cloudformation:*"))
    theirs = deployer.client("cloudformation")
    name = cloudformation.create_stack(
        StackName="keeps", TemplateBody=buckets("keeps-a"), RoleARN=stack_roles["buckets"]
    )["StackId"]
    assert settled(cloudformation, name) == "CREATE_COMPLETE"

    again = {"StackName": "keeps", "TemplateBody": buckets("keeps-z")}
    assert refused(cloudformation.create_stack, **again) == "AlreadyExistsException"
    assert refused(cloudformation.create_stack, **again, RoleARN=stack_roles["nothing"]) == "AlreadyExistsException"
    broken = {"StackName": "keeps", "TemplateBody": "{", "RoleARN": stack_roles["nothing"]}
    assert refused(cloudformation.update_stack, **broken) == "ValidationError"
    change = {"StackName": name, "ChangeSetName": "later", "TemplateBody": buckets("keeps-a", "keeps-y")}
    later = cloudformation.create_change_set(**change, RoleARN=stack_roles["nothing"])["Id"]
    theirs.update_stack(StackName="keeps", TemplateBody=buckets("keeps-a", "keeps-b"))
    assert settled(cloudformation, name) == "UPDATE_COMPLETE"
    identity = newest(client, "CreateBucket", "AWSCloudFormation")["userIdentity"]
    assert identity["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/stacks-buckets/AWSCloudFormation"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == stack_roles["buckets"]
    assert identity["invokedBy"] == "cloudformation.amazonaws.com"

    assert refused(theirs.execute_change_set, ChangeSetName=later) == "InvalidChangeSetStatus"
    change |= {"ChangeSetName": "again", "RoleARN": stack_roles["nothing"]}
    theirs.execute_change_set(ChangeSetName=cloudformation.create_change_set(**change)["Id"])
    assert "ROLLBACK" in settled(cloudformation, name)


def test_a_change_set_named_by_its_arn_has_its_stacks_role_and_permissions(
    user: MakeIdentity, client: ClientFactory, stack_roles: dict[str, str]
) -> None:
    cloudformation = client("cloudformation")
    template = buckets("by-change-set")
    made = cloudformation.create_change_set(
        StackName="by-arn",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template,
        RoleARN=stack_roles["buckets"],
    )
    own = cloudformation.create_stack(StackName="own-stack", TemplateBody=buckets("of-own-stack"))["StackId"]
    settled(cloudformation, own)
    other = user(allow("cloudformation:*", f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/own-stack/*"))

    for operation in ("describe_change_set", "execute_change_set", "delete_change_set"):
        named = {"ChangeSetName": made["Id"], "StackName": "own-stack"}
        assert "stack/by-arn/" in message(getattr(other.client("cloudformation"), operation), **named)
    user(allow("cloudformation:*")).client("cloudformation").execute_change_set(ChangeSetName=made["Id"])
    assert settled(cloudformation, made["StackId"]) == "CREATE_COMPLETE"


def test_a_key_policy_that_locks_its_caller_out_is_refused_unless_that_is_asked_for(client: ClientFactory) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for_others = policy({**allow("kms:*"), "Principal": {"Service": "cloudtrail.amazonaws.com"}})
    denies = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                    "Action": "*",
                    "Resource": "*",
                },
                {"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"},
            ],
        }
    )

    for document in (for_others, denies):
        assert refused(kms.put_key_policy, KeyId=key, Policy=document) == "MalformedPolicyDocumentException"
        assert refused(kms.create_key, Policy=document) == "MalformedPolicyDocumentException"
    assert "root" in kms.get_key_policy(KeyId=key)["Policy"]

    kms.put_key_policy(KeyId=key, Policy=for_others, BypassPolicyLockoutSafetyCheck=True)
    assert refused(kms.get_key_policy, KeyId=key) == "AccessDeniedException"


def test_a_bucket_of_another_account_takes_its_name(lab: Lab, client: ClientFactory, user: MakeIdentity) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html (Errors)"""
    client("s3").create_bucket(Bucket="taken-name")
    there = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    ireland = client("s3", region_name="eu-west-1")
    other = make_client(lab, "s3", **root_keys(lab, OTHER))

    assert refused(other.create_bucket, Bucket="taken-name") == "BucketAlreadyExists"
    by_acl = {"ObjectOwnership": "ObjectWriter", "ACL": "private"}
    assert refused(other.create_bucket, Bucket="taken-name", **by_acl) == "BucketAlreadyExists"
    assert refused(user().client("s3").create_bucket, Bucket="taken-name") == "AccessDenied"
    client("s3").create_bucket(Bucket="taken-name")
    assert refused(ireland.create_bucket, Bucket="taken-name", **there) == "BucketAlreadyOwnedByYou"
    ireland.create_bucket(Bucket="taken-name-there", **there)
    assert refused(client("s3").create_bucket, Bucket="taken-name-there") == "BucketAlreadyOwnedByYou"
