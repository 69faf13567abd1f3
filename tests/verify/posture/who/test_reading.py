"""What AWS answers is not trusted: half answers, answers without an end, and garbage are not an empty list."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.verify.posture.who.accounts import ACCOUNT, TRAIL, allow
from tests.verify.simulation.stubbed import offline
from verify.aws import Aws
from verify.errors import CannotLook
from verify.posture.who.identities import read_identities
from verify.posture.who.powers import Part
from verify.posture.who.recorder import RecorderQuestions
from verify.posture.who.run import find_who
from verify.target import TargetOptions
from verify.trail import Trail

Answers = Callable[[str, Callable[[str], Any]], None]
EMPTY = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": [], "IsTruncated": False}
USER = {
    "UserName": "ann",
    "Arn": f"arn:aws:iam::{ACCOUNT}:user/ann",
    "UserPolicyList": [],
    "GroupList": [],
    "AttachedManagedPolicies": [],
}
ROLE = {
    "RoleName": "app",
    "Arn": f"arn:aws:iam::{ACCOUNT}:role/app",
    "AssumeRolePolicyDocument": {"Statement": []},
    "RolePolicyList": [],
    "AttachedManagedPolicies": [],
}

LOGGING = Trail(
    name="t",
    arn=TRAIL,
    home_region="us-east-1",
    bucket="logs",
    prefix=None,
    key_reference=None,
    is_multi_region=True,
    validates_log_files=True,
    records_global_events=True,
)

GARBAGE: tuple[Any, ...] = (None, 7, ["x"], [None], [[]])


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    return offline(monkeypatch)


@pytest.fixture
def answer(aws: Aws) -> Iterator[Answers]:
    """Lets the real botocore page through, and decode, answers that a function gives for each operation."""
    undo: list[Callable[[], None]] = []

    def answered(service: str, by: Callable[[str], Any]) -> None:
        def instead(model: Any, **_: object) -> tuple[AWSResponse, Any]:
            return AWSResponse("", 200, HTTPHeaders(), None), by(model.name)

        meta = aws.client(service).meta
        name = f"before-call.{meta.service_model.service_id.hyphenize()}"
        meta.events.register(name, instead)
        undo.append(lambda: meta.events.unregister(name, instead))

    yield answered
    for each in undo:
        each()


def read(aws: Aws) -> Any:
    return read_identities(aws, ACCOUNT, "aws")


def test_an_account_without_anybody_has_a_root_user(aws: Aws, answer: Answers) -> None:
    answer("iam", lambda _: dict(EMPTY))

    assert [identity.name for identity in read(aws).identities] == ["root"]


@pytest.mark.parametrize(
    "half",
    [
        {**EMPTY, "IsTruncated": True},
        {name: value for name, value in EMPTY.items() if name != "IsTruncated"},
        *({name: value for name, value in EMPTY.items() if name != left_out} for left_out in EMPTY),
        *(
            {**EMPTY, "UserDetailList": [{name: value for name, value in USER.items() if name != left_out}]}
            for left_out in USER
            if left_out != "UserPolicyList"  # AWS leaves it out for a user without inline policies
        ),
        *(
            {**EMPTY, "RoleDetailList": [{name: value for name, value in ROLE.items() if name != left_out}]}
            for left_out in ROLE
            if left_out != "RolePolicyList"
        ),
        *({**EMPTY, "UserDetailList": garbage} for garbage in GARBAGE),
    ],
    ids=str,
)
def test_half_an_answer_is_none(aws: Aws, answer: Answers, half: Any) -> None:
    answer("iam", lambda _: dict(half))

    with pytest.raises(CannotLook, match="GetAccountAuthorizationDetails"):
        read(aws)


def test_who_is_listed_twice_is_one_identity_and_not_known_where_the_two_differ(aws: Aws, answer: Answers) -> None:
    document = quote(json.dumps({"Statement": [allow("cloudtrail:StopLogging")]}))
    inline = {"PolicyName": "p", "PolicyDocument": document}
    plain: dict[str, Any] = {**ROLE, "AssumeRolePolicyDocument": quote(json.dumps({"Statement": []}))}
    roles = [plain, plain]
    answer("iam", lambda _: {**EMPTY, "RoleDetailList": json.loads(json.dumps(roles))})

    twice = read(aws)
    assert ([each.name for each in twice.identities], twice.unseen) == (["root", "app"], ())

    roles[1] = {**plain, "RolePolicyList": [inline]}
    changed = read(aws)
    assert [each.name for each in changed.identities] == ["root", "app"]
    assert "listed twice" in changed.unseen[0]


def test_a_list_without_an_end_is_given_up(aws: Aws, answer: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.aws._MAX_PAGES", 20)
    numbers = itertools.count()
    answer("iam", lambda _: {**EMPTY, "IsTruncated": True, "Marker": f"page {next(numbers)}"})

    with pytest.raises(CannotLook, match="more than 20 pages"):
        read(aws)
    assert next(numbers) < 25


def test_a_policy_that_is_nested_without_end_is_no_crash(aws: Aws, answer: Answers) -> None:
    deep = quote('{"Statement":' + "[" * 200_000)
    inline = {"PolicyName": "p", "PolicyDocument": deep}
    answer("iam", lambda _: {**EMPTY, "UserDetailList": [{**USER, "UserPolicyList": [inline]}]})

    with pytest.raises(CannotLook):
        read(aws)


def test_organizational_units_without_a_root_are_given_up(aws: Aws, answer: Answers) -> None:
    asked = itertools.count()

    def organizations(operation: str) -> Any:
        if operation == "DescribeOrganization":
            return {"Organization": {"MasterAccountId": "999999999999"}}
        assert operation == "ListParents"
        return {"Parents": [{"Id": f"ou-{next(asked)}"}]}

    answer("organizations", organizations)
    for service in ("s3", "events", "cloudtrail"):
        answer(service, lambda _: {})
    found = RecorderQuestions(aws, LOGGING).answer()

    assert any("more than 6 organizational units" in notice for notice in found.notices)
    assert next(asked) < 15


@pytest.mark.parametrize(
    ("ownership", "grant", "listed"),
    [
        ("BucketOwnerPreferred", {"Grantee": {"Type": "CanonicalUser", "ID": "you"}, "Permission": "WRITE"}, ["you"]),
        ("ObjectWriter", {"Grantee": {"Type": "CanonicalUser", "ID": "me"}, "Permission": "FULL_CONTROL"}, []),
        ("ObjectWriter", {"Grantee": {"Type": "CanonicalUser", "ID": "you"}, "Permission": "READ"}, []),
        ("BucketOwnerEnforced", {"Grantee": {"Type": "CanonicalUser", "ID": "you"}, "Permission": "WRITE"}, []),
    ],
)
def test_whom_an_access_control_list_lets_write_is_listed(
    aws: Aws, answer: Answers, ownership: str, grant: Any, listed: list[str]
) -> None:
    s3 = {
        "GetBucketOwnershipControls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}},
        "GetBucketAcl": {"Owner": {"ID": "me"}, "Grants": [grant]},
    }
    answer("s3", lambda operation: s3.get(operation, {}))
    for service in ("events", "cloudtrail", "organizations"):
        answer(service, lambda _: {})

    found = RecorderQuestions(aws, LOGGING).answer()
    assert [who for who, _ in found.granted] == listed
    # Who writes such a list gives the right away, where lists count.
    assert (Part.ACL in found.recorder.resources) is (ownership != "BucketOwnerEnforced")


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"
PUBLISHER = f"arn:aws:iam::{ACCOUNT}:role/publisher"


def described(origin: str = "AWS_KMS", manager: str = "CUSTOMER") -> Any:
    key = {"Arn": KEY, "KeyManager": manager, "KeyState": "Enabled", "Origin": origin}
    return {"KeyMetadata": {**key, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}}


@pytest.mark.parametrize(
    ("origin", "parts", "unseen"),
    [("AWS_KMS", (), False), ("EXTERNAL", (KEY,), False), ("AWS_CLOUDHSM", (), True), (None, (), True)],
)
def test_whoever_deletes_imported_material_ends_the_key(
    aws: Aws, answer: Answers, origin: str | None, parts: tuple[str, ...], *, unseen: bool
) -> None:
    kms = {"DescribeKey": described(origin) if origin else {}, "ListGrants": {"Grants": []}}
    answer("kms", lambda operation: kms.get(operation, {"Policy": '{"Statement": []}'}))
    for service in ("s3", "events", "cloudtrail", "organizations"):
        answer(service, lambda _: {})

    found = RecorderQuestions(aws, replace(LOGGING, key_reference=KEY)).answer()

    assert found.recorder.resources.get(Part.IMPORTED_KEY, ()) == parts
    assert any("material" in what for what in found.unseen) is unseen


@pytest.mark.parametrize(("manager", "keys"), [("CUSTOMER", (KEY,)), ("AWS", ())])
def test_the_role_that_tells_of_a_change_and_the_key_of_the_topic_are_parts_of_the_alarm(
    aws: Aws, answer: Answers, manager: str, keys: tuple[str, ...]
) -> None:
    rule = {"Name": "r", "Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r", "EventPattern": "cloudtrail"}
    events = {"ListRules": {"Rules": [rule]}, "ListTargetsByRule": {"Targets": [{"Arn": TOPIC, "RoleArn": PUBLISHER}]}}
    answer("events", lambda operation: events[operation])
    attributes = {"Policy": '{"Statement": []}', "KmsMasterKeyId": "alias/alarms"}
    answer("sns", lambda _: {"Attributes": attributes})
    kms = {"DescribeKey": described(manager=manager)}
    answer("kms", lambda operation: kms.get(operation, {"Policy": '{"Statement": []}'}))
    for service in ("s3", "cloudtrail", "organizations"):
        answer(service, lambda _: {})

    found = RecorderQuestions(aws, LOGGING).answer()

    assert found.recorder.resources[Part.REPORTING_ROLE] == (PUBLISHER,)
    assert found.recorder.resources[Part.TOPIC_KEY] == keys
    assert set(keys) <= found.recorder.resource_policies.keys()


CLOUDTRAIL = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject"}
DELEGATES = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:*"}
FOR_NOBODY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
POINT = {"AccessPointArn": f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/p"}


@pytest.mark.parametrize(
    ("statements", "points", "unseen"),
    [
        ([CLOUDTRAIL, FOR_NOBODY], [POINT], False),
        ([CLOUDTRAIL, DELEGATES], [], False),
        ([CLOUDTRAIL, DELEGATES], [POINT], True),
        ([CLOUDTRAIL, {**DELEGATES, "Principal": "*"}], [POINT], True),
        ([CLOUDTRAIL, DELEGATES], None, True),
    ],
)
def test_access_points_leave_open_whom_they_let_in_where_the_bucket_lets_anybody_in(
    aws: Aws, answer: Answers, statements: list[Any], points: list[Any] | None, *, unseen: bool
) -> None:
    policy = {"Statement": [{**each, "Resource": "arn:aws:s3:::logs/*"} for each in statements]}
    answer("s3", lambda name: {"Policy": json.dumps(policy)} if name == "GetBucketPolicy" else {})
    answer("s3control", lambda _: {} if points is None else {"AccessPointList": points})
    for service in ("events", "cloudtrail", "organizations"):
        answer(service, lambda _: {})

    found = RecorderQuestions(aws, LOGGING).answer()

    assert any("access points" in what for what in found.unseen) is unseen


def test_a_list_of_identities_without_the_caller_is_not_complete(aws: Aws, answer: Answers) -> None:
    trail = {"Name": "t", "TrailARN": TRAIL, "HomeRegion": "us-east-1", "S3BucketName": "logs"}
    caller = {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/session", "UserId": "x"}
    answer("sts", lambda _: dict(caller))
    answer("cloudtrail", lambda name: {"trailList": [trail]} if name == "DescribeTrails" else {"Trail": trail})
    answer("iam", lambda _: dict(EMPTY))
    answer("events", lambda _: {"Rules": []})
    for service in ("s3", "organizations", "cloudformation"):
        answer(service, lambda _: {"Policy": '{"Statement": []}'})

    found = find_who(aws, TargetOptions(trail=TRAIL))

    assert found.exit_code == 3
    assert any("the caller" in what for what in found.unseen)
