"""Who is listed, by what, and who is not."""

from typing import Any

import pytest

from tests.verify.posture.who.accounts import (
    ACCOUNT,
    BUCKET,
    KEY,
    LOG,
    TRAIL,
    allow,
    deny,
    group,
    managed,
    policy,
    recorder,
    role,
    trusted,
    user,
)
from verify.fact import Failed
from verify.posture.who.judge import judge
from verify.posture.who.model import Ability, Answer, Finding, Group, Identity, Policy, Recorder
from verify.posture.who.outsiders import ANYONE
from verify.posture.who.powers import Part

STOP = allow("cloudtrail:StopLogging")
ADMIN = allow("*")
USERS = f"arn:aws:iam::{ACCOUNT}:user/"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/"
DENY_ALL = deny("cloudtrail:*", "s3:*", "kms:*", "events:*")
MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


def listed(identities: list[Identity], where: Recorder | None = None, **more: Any) -> dict[str, Finding]:
    found = judge(where or recorder(), identities, **more)
    return {finding.arn.rpartition("/")[2]: finding for finding in found}


def calls(finding: Finding) -> set[str]:
    return {ability.action for ability in finding.abilities}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], set()),
        ([allow("s3:Get*", "cloudtrail:Describe*", "cloudtrail:LookupEvents")], set()),
        ([STOP], {"cloudtrail:StopLogging"}),
        ([allow("cloudtrail:Stop*", on=TRAIL)], {"cloudtrail:StopLogging"}),
        ([allow("cloudtrail:StopLogging", on=TRAIL + "x")], set()),
        ([allow("cloudtrail:*"), deny("cloudtrail:*")], set()),
        ([allow("s3:PutObject", on=f"{BUCKET}/AWSLogs/*")], {"s3:PutObject"}),
        ([allow("s3:ReplicateObject", on=f"{BUCKET}/*")], {"s3:ReplicateObject"}),
        ([allow("s3:ReplicateDelete", on=f"{BUCKET}/*")], {"s3:ReplicateDelete"}),
        ([allow("s3:ReplicateObject", on=f"{BUCKET}-copy/*")], set()),
        # Another region's files alone: no sample of ours, and yet log files.
        ([allow("s3:DeleteObject", on=f"{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/*")], {"s3:DeleteObject"}),
        ([allow("s3:DeleteObject", on=f"{BUCKET}/reports/*")], set()),
        ([allow("kms:DisableKey")], {"kms:DisableKey"}),
        (
            [{"Effect": "Allow", "NotAction": ["cloudtrail:*", "s3:*", "kms:*", "iam:*", "*:P*"], "Resource": "*"}],
            {"events:DisableRule", "events:DeleteRule", "events:RemoveTargets"},
        ),
        (
            [{"Effect": "Allow", "Action": "events:DisableRule", "NotResource": "arn:aws:events:*:*:rule/other"}],
            {"events:DisableRule"},
        ),
    ],
)
def test_an_identity_is_listed_for_what_its_policies_allow(
    statements: list[dict[str, Any]], expected: set[str]
) -> None:
    found = listed([user("u", *statements)])

    assert (calls(found["u"]) if found else set()) == expected
    assert all(finding.is_certain for finding in found.values())


@pytest.mark.parametrize("by", ["boundary", "service control policy", "bucket policy"])
def test_what_limits_an_identity_takes_it_off_the_list(by: str) -> None:
    limited = policy(allow("ec2:*"))
    who = user("u", allow("s3:*", on="*"), boundary=limited if by == "boundary" else None)
    closed = [{**deny("s3:*", on=[BUCKET, f"{BUCKET}/*"]), "Principal": {"AWS": ACCOUNT}}]
    levels = ((policy(ADMIN),), (limited,)) if by == "service control policy" else ()

    assert "u" in listed([user("u", allow("s3:*"))])
    where = recorder(closed if by == "bucket policy" else None, service_control_policies=levels)
    assert "u" not in listed([who], where)


def test_a_boundary_limits_what_a_resource_policy_gives_a_role_but_not_what_it_gives_a_user() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"""
    boundary = policy(allow("ec2:*"))
    who = [user("u", boundary=boundary), role("r", boundary=boundary)]
    opened = [{**allow("s3:DeleteObject", on=f"{BUCKET}/*"), "Principal": {"AWS": [i.arn for i in who]}}]

    assert set(listed(who, recorder(opened))) == {"u"}


def test_a_bucket_policy_that_names_the_account_gives_nobody_a_right_of_its_own() -> None:
    opened = [{**allow("s3:*", on=[BUCKET, f"{BUCKET}/*"]), "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}]

    assert listed([user("u")], recorder(opened)) == {}


def test_a_bucket_policy_that_names_an_identity_is_enough() -> None:
    who = user("u")
    opened = [{**allow("s3:DeleteObject", on=f"{BUCKET}/*"), "Principal": {"AWS": who.arn}, "Sid": "Mine"}]

    assert listed([who], recorder(opened))["u"].abilities == (
        Ability("alter-logs", "s3:DeleteObject", LOG, ("policy of logs: Mine",)),
    )


def test_without_the_key_policys_consent_no_identity_policy_reaches_the_key() -> None:
    who = user("u", allow("kms:*"))
    own = [{**allow("kms:*"), "Principal": {"AWS": f"{ROLES}admin"}}]

    assert "u" in listed([who])
    assert set(listed([who, role("admin")], recorder(key_policy=own))) == {"admin"}


def test_what_only_a_request_can_tell_is_named_and_not_certain() -> None:
    found = listed([user("u", {**STOP, **MFA})])["u"]

    assert found.abilities[0].depends_on == ("aws:MultiFactorAuthPresent",)
    assert not found.is_certain


def test_what_an_identity_chooses_is_no_condition() -> None:
    over_tls = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}

    assert listed([user("u", {**STOP, **over_tls})])["u"].is_certain


def test_a_tag_of_the_identity_is_known_and_one_that_a_user_lacks_is_known_to_be_absent() -> None:
    statement = {**STOP, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "security"}}}

    assert listed([user("u", statement, tags={"team": "security"})])["u"].is_certain
    assert listed([user("u", statement, tags={"team": "web"}), user("v", statement)]) == {}
    # The session of a role can bring tags.
    assert not listed([role("r", statement)])["r"].is_certain


TAGGED = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "security"}}}
UNTAGGED = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "web"}}}


@pytest.mark.parametrize(
    ("who", "action"),
    [
        (user("x", {**STOP, **TAGGED}, allow("iam:TagUser")), "iam:TagUser"),
        (user("x", {**STOP, **TAGGED}, allow("iam:TagUser", on=f"{USERS}x"), tags={"team": "web"}), "iam:TagUser"),
        (role("x", {**STOP, **TAGGED}, allow("iam:TagRole"), tags={"team": "web"}), "iam:TagRole"),
        (user("x", STOP, {**DENY_ALL, **UNTAGGED}, allow("iam:UntagUser"), tags={"team": "web"}), "iam:UntagUser"),
        (role("x", STOP, {**DENY_ALL, **UNTAGGED}, allow("iam:UntagRole"), tags={"team": "web"}), "iam:UntagRole"),
    ],
)
def test_who_can_change_its_own_tags_may_do_what_depends_on_them(who: Identity, action: str) -> None:
    found = listed([who])["x"]

    assert [(step.action, step.resource, step.gains) for step in found.steps] == [(action, who.arn, ("stop-trail",))]
    # That a user has no tags left is known; the session of a role can bring some.
    assert found.steps[0].depends_on == (() if action == "iam:UntagUser" else ("aws:PrincipalTag/team",))


def test_a_tag_that_no_policy_asks_for_is_no_step() -> None:
    tags_anybody = allow("iam:TagUser", "iam:UntagUser")
    assert listed([user("u", tags_anybody, {**STOP, "Condition": {"StringEquals": {"aws:username": "v"}}})]) == {}
    assert listed([user("u", tags_anybody, {**STOP, **MFA})])["u"].steps == ()
    assert listed([user("u", {**STOP, **TAGGED}, allow("iam:TagUser", on=f"{USERS}v"))]) == {}
    assert listed([user("u", {**STOP, **TAGGED}, allow("iam:UntagUser"), tags={"team": "web"})]) == {}


def test_a_policy_that_is_not_understood_leaves_its_identity_on_the_list() -> None:
    unread = Policy("inline policy p of u", (), None, "the policy has no Statement")

    found = listed([user("u", policies=(unread,))])["u"]

    assert not found.is_certain
    assert "inline policy p of u, which could not be read" in found.abilities[0].depends_on


def test_a_resource_policy_that_could_not_be_read_makes_nothing_certain() -> None:
    where = recorder(resource_policies={BUCKET: Failed("denied"), KEY: Failed("denied")})

    found = listed([user("u", ADMIN), user("v")], where)

    assert set(found) == {"u"}
    assert {can.power for can in found["u"].abilities if not can.depends_on} == {"stop-trail", "mute-alarms"}


OWN_STEPS = [
    (user("u", allow("iam:AttachUserPolicy")), "iam:AttachUserPolicy", f"{USERS}u"),
    (user("u", allow("iam:PutUserPolicy", on=f"{USERS}u")), "iam:PutUserPolicy", f"{USERS}u"),
    (role("r", allow("iam:PutRolePolicy", on=f"{ROLES}*")), "iam:PutRolePolicy", f"{ROLES}r"),
    (
        user("u", policies=(managed("own", allow("iam:CreatePolicyVersion")),)),
        "iam:CreatePolicyVersion",
        f"arn:aws:iam::{ACCOUNT}:policy/own",
    ),
    (user("u", ADMIN, policies=(policy(DENY_ALL),)), "iam:DeleteUserPolicy", f"{USERS}u"),
    # A policy that is put, or a new version, replaces the Deny that stood in it.
    (user("u", ADMIN, DENY_ALL), "iam:PutUserPolicy", f"{USERS}u"),
    (
        user("u", policies=(managed("own", ADMIN, DENY_ALL),)),
        "iam:CreatePolicyVersion",
        f"arn:aws:iam::{ACCOUNT}:policy/own",
    ),
    (user("u", ADMIN, policies=(managed("no", DENY_ALL),)), "iam:DetachUserPolicy", f"{USERS}u"),
    (
        user("u", ADMIN, boundary=policy(allow("iam:*"))),
        "iam:DeleteUserPermissionsBoundary",
        f"{USERS}u",
    ),
]


@pytest.mark.parametrize(("who", "action", "resource"), OWN_STEPS)
def test_who_can_give_itself_the_right_is_listed(who: Identity, action: str, resource: str) -> None:
    found = listed([who])[who.name]

    step = next(step for step in found.steps if step.action == action)
    assert (step.resource, step.depends_on) == (resource, ())
    assert set(step.gains) >= {"stop-trail", "alter-logs", "change-bucket", "disable-key"}


def test_a_boundary_limits_what_an_identity_can_give_itself() -> None:
    who = user("u", allow("iam:PutUserPolicy"), boundary=policy(allow("iam:PutUserPolicy", "ec2:*")))

    assert listed([who]) == {}


def test_a_deny_elsewhere_outlives_a_policy_that_allows_everything() -> None:
    who = user("u", allow("iam:PutUserPolicy"), policies=(managed("no", deny("cloudtrail:*")),))

    assert listed([who])["u"].steps[0].gains == ("alter-logs", "change-bucket", "disable-key", "mute-alarms")


def test_older_versions_of_a_policy_are_not_known() -> None:
    who = user("u", policies=(managed("own", allow("iam:SetDefaultPolicyVersion")),))

    (step,) = listed([who])["u"].steps
    assert step.depends_on == ("an older version of p that allows it",)


@pytest.mark.parametrize(
    ("who", "action"),
    [
        (user("u", allow("sts:AssumeRole", on=f"{ROLES}admin")), "sts:AssumeRole"),
        (user("u", allow("iam:UpdateAssumeRolePolicy")), "iam:UpdateAssumeRolePolicy"),
        (user("u", allow("iam:PassRole"), allow("lambda:CreateFunction")), "iam:PassRole + lambda:CreateFunction"),
        (
            user("u", allow("iam:PassRole"), allow("ec2:RunInstances", on="arn:aws:ec2:*:*:instance/*")),
            None,  # the role trusts Lambda alone
        ),
        (user("u", allow("lambda:CreateFunction")), None),
        (user("u", allow("iam:CreateAccessKey", on=f"{USERS}root-like")), "iam:CreateAccessKey"),
        (user("u", allow("iam:UpdateLoginProfile")), "iam:UpdateLoginProfile"),
    ],
)
def test_who_can_become_somebody_who_can_is_listed(who: Identity, action: str | None) -> None:
    trust = [trusted(ACCOUNT), {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]
    others = [role("admin", ADMIN, trust=trust), user("root-like", ADMIN)]

    found = listed([who, *others])

    assert (found["u"].steps[0].action if "u" in found else None) == action


def test_a_trust_policy_that_names_an_identity_is_enough_and_one_that_names_the_account_is_not() -> None:
    who = [user("named"), user("other")]

    named = role("admin", STOP, trust=[trusted(who[0].arn)])
    assert set(listed([*who, named])) == {"named", "admin"}
    account = role("admin", STOP, trust=[trusted(ACCOUNT)])
    assert set(listed([*who, account])) == {"admin"}


def test_a_role_that_somebody_can_raise_and_assume_counts() -> None:
    raised = role("weak", trust=[trusted(ACCOUNT)])
    who = user("u", allow("sts:AssumeRole", "iam:AttachRolePolicy", on=raised.arn))

    found = listed([who, raised])

    assert set(found) == {"u"}
    assert [step.action for step in found["u"].steps] == ["iam:AttachRolePolicy + sts:AssumeRole"]


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        (allow("sts:AssumeRole"), "sts:AssumeRole"),
        (allow("iam:UpdateAssumeRolePolicy"), "iam:UpdateAssumeRolePolicy"),
        (allow("iam:AttachRolePolicy", "sts:AssumeRole"), "iam:AttachRolePolicy + sts:AssumeRole"),
        ({**allow("sts:AssumeRole"), **MFA}, "sts:AssumeRole"),
    ],
)
def test_of_steps_that_are_alike_some_are_listed_and_no_other_is_missing(statement: Any, action: str) -> None:
    """In an account of thousands of roles all of them would be millions."""
    alike = [role(f"r{number}", STOP, trust=[trusted(ACCOUNT)]) for number in range(300)]
    other = role("z", allow("kms:DisableKey"), trust=[trusted(ACCOUNT)])

    found = listed([user("u", statement), *alike, other])["u"]

    of_action = [step for step in found.steps if step.action == action]
    assert 20 <= len(of_action) <= 2 * 20 and found.has_more_steps
    assert {power for step in of_action for power in step.gains} >= {"stop-trail", "disable-key"}
    assert not listed([user("u", statement), *alike[:3]])["u"].has_more_steps


def test_joining_a_group_that_can_counts() -> None:
    admins = group("admins", STOP)
    who = user("u", allow("iam:AddUserToGroup", on=admins.arn))

    assert listed([who], groups=[admins])["u"].steps[0].gains == ("stop-trail",)


def test_only_aws_can_use_a_service_linked_role() -> None:
    linked = role("aws-service-role/x", ADMIN, trust=[trusted(ACCOUNT)], is_service_linked=True)
    who = user("u", allow("sts:AssumeRole"))

    found = listed([who, linked])

    assert [finding.kind for finding in found.values()] == ["service-linked role"]


@pytest.mark.parametrize(
    ("principal", "name", "condition"),
    [
        ({"AWS": "999999999999"}, "arn:aws:iam::999999999999:root", None),
        ({"AWS": "arn:aws:iam::999999999999:role/backup"}, "arn:aws:iam::999999999999:role/backup", None),
        ("*", ANYONE, None),
        ("*", ANYONE, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/ours"}, None, None),
        ("*", None, {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}),
    ],
)
def test_whom_a_resource_policy_lets_in_from_outside_is_listed(
    principal: Any, name: str | None, condition: dict[str, Any] | None
) -> None:
    statement = {**allow("s3:DeleteObject", on=f"{BUCKET}/*"), "Principal": principal}
    statement |= {"Condition": condition} if condition else {}

    found = judge(recorder([statement]), [])

    assert [(finding.arn, finding.kind) for finding in found] == ([(name, "another account")] if name else [])
    assert all(finding.is_certain is not (name == ANYONE and bool(condition)) for finding in found)


def test_a_grant_of_the_key_counts() -> None:
    ability = Ability("disable-key", "kms:CreateGrant", KEY, ("grant 1",))
    who = user("u")

    found = judge(recorder(), [who], granted=[(who.arn, ability), ("arn:aws:iam::999999999999:role/x", ability)])

    assert {finding.arn for finding in found} == {who.arn, "arn:aws:iam::999999999999:role/x"}


@pytest.mark.parametrize(
    "on",
    [
        f"{BUCKET}/*2025*",
        f"{BUCKET}/*/2025/*",
        f"{BUCKET}/A*/us-west-2/*",
        f"{BUCKET}/AWSLogs/${{aws:PrincipalAccount}}/*",
    ],
)
def test_some_of_the_log_files_are_log_files(on: str) -> None:
    assert calls(listed([user("u", allow("s3:DeleteObject", on=on))])["u"]) == {"s3:DeleteObject"}


@pytest.mark.parametrize(
    ("denied", "is_left"),
    [
        (deny("s3:*", on=f"{BUCKET}/AWSLogs/*"), False),
        (deny("s3:*", on=f"{BUCKET}/AWSLogs/{ACCOUNT}/*"), False),
        (deny("s3:*", on=f"{BUCKET}/*/us-east-1/*"), True),  # another region's files are left
        (
            {
                "Effect": "Deny",
                "Action": "s3:*",
                "NotResource": f"{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2025/*",
            },
            True,
        ),
    ],
)
def test_a_deny_on_some_of_the_log_files_leaves_the_others(denied: dict[str, Any], *, is_left: bool) -> None:
    found = listed([user("u", allow("s3:DeleteObject", on=f"{BUCKET}/*"), denied)])

    assert ("u" in found) is is_left
    assert "\U000f0000" not in str(found)


def test_a_variable_that_names_the_identity_itself_is_nobody_else() -> None:
    """The usual way to let users manage their own access keys."""
    own = allow("iam:CreateAccessKey", "iam:PutUserPolicy", on="arn:aws:iam::*:user/${aws:username}")
    admin = user("admin", STOP)

    assert [step.action for step in listed([user("u", own), admin])["u"].steps] == ["iam:PutUserPolicy"]
    assert set(listed([role("r", own), admin])) == {"admin"}


def test_the_region_of_a_call_is_known() -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html"""
    elsewhere = deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}})
    here = deny("*", Condition={"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}})

    assert listed([user("u", STOP, elsewhere)])["u"].is_certain
    assert listed([user("u", STOP, here)]) == {}


def test_a_deny_for_all_but_some_is_for_everybody_else_in_the_account() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html"""
    who = [user("bob", allow("s3:*")), user("eve", allow("s3:*"))]
    but = {"NotPrincipal": {"AWS": [who[0].arn, f"arn:aws:iam::{ACCOUNT}:root"]}}

    assert set(listed(who, recorder([{**deny("s3:*", on=[BUCKET, f"{BUCKET}/*"]), **but}]))) == {"bob"}


@pytest.mark.parametrize("suffix", ["", ":*"])
def test_a_policy_names_a_log_group_in_either_way(suffix: str) -> None:
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:trail"
    where = recorder(resources={Part.LOG_GROUP: (group, f"{group}:*")})

    found = listed([user("u", allow("logs:DeleteMetricFilter", on=group + suffix))], where)["u"]

    assert [can.action for can in found.abilities] == ["logs:DeleteMetricFilter"]


def test_whoever_takes_the_permissions_of_the_role_that_fills_the_log_group_mutes_its_alarms() -> None:
    writer = f"arn:aws:iam::{ACCOUNT}:role/writer"
    where = recorder(resources={Part.REPORTING_ROLE: (writer,)})

    found = listed([user("u", allow("iam:DeleteRolePolicy", on=writer))], where)["u"]

    assert [(can.power, can.action) for can in found.abilities] == [("mute-alarms", "iam:DeleteRolePolicy")]


@pytest.mark.parametrize(
    ("part", "action", "power"),
    [
        (Part.ACL, "s3:PutBucketAcl", "change-bucket"),
        (Part.IMPORTED_KEY, "kms:DeleteImportedKeyMaterial", "disable-key"),
        (Part.TOPIC_KEY, "kms:DisableKey", "mute-alarms"),
    ],
)
@pytest.mark.parametrize("unsure", [(), ("not read",)])
def test_what_is_so_in_some_accounts_only_counts_where_it_is(
    part: Part, action: str, power: str, unsure: tuple[str, ...]
) -> None:
    place = BUCKET if part is Part.ACL else KEY
    where = recorder(resources={part: (place,)}, unsure={part: unsure[0]} if unsure else {})

    assert listed([user("u", allow(action))], recorder(resources={})) == {}
    found = listed([user("u", allow(action))], where)["u"]
    assert [(can.power, can.action, can.depends_on) for can in found.abilities] == [(power, action, unsure)]


def test_a_bucket_of_another_account_takes_no_policy_from_this_one() -> None:
    opened = [{**allow("s3:*", on=[BUCKET, f"{BUCKET}/*"]), "Principal": {"AWS": ACCOUNT}}]
    where = recorder(opened, elsewhere=frozenset({BUCKET}))

    assert not calls(listed([user("u", ADMIN)], where)["u"]) & {"s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}


def test_to_leave_a_group_leaves_what_it_allows_as_well() -> None:
    both = group("g", ADMIN, DENY_ALL)
    denies = group("d", DENY_ALL)

    assert listed([user("u", policies=both.policies, groups=("g",))], groups=[both])["u"].steps[0].action != (
        "iam:RemoveUserFromGroup"
    )
    leaves = listed([user("u", ADMIN, policies=denies.policies, groups=("d",))], groups=[denies])["u"]
    assert "iam:RemoveUserFromGroup" in {step.action for step in leaves.steps}


def test_a_deny_of_a_group_is_not_taken_off_by_detaching_ones_own_policies() -> None:
    denies = Group("d", f"arn:aws:iam::{ACCOUNT}:group/d", (managed("no", DENY_ALL),))
    allowed = allow("cloudtrail:*", "iam:DetachUserPolicy")

    assert listed([user("u", allowed, policies=denies.policies, groups=("d",))], groups=[denies]) == {}


@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("cloudformation.amazonaws.com", "cloudformation:DeleteStack"),
        ("cloudformation.amazonaws.com", "cloudformation:UpdateStack"),
        ("cloudformation.amazonaws.com", "cloudformation:ExecuteChangeSet"),
        ("lambda.amazonaws.com", "lambda:UpdateFunctionCode"),
        ("ec2.amazonaws.com", "ssm:SendCommand"),
        ("ecs-tasks.amazonaws.com", "ecs:ExecuteCommand"),
        ("codebuild.amazonaws.com", "codebuild:StartBuild"),
        ("states.eu-west-1.amazonaws.com", "states:UpdateStateMachine"),
    ],
)
def test_who_can_change_what_may_run_with_a_role_may_act_with_it(service: str, action: str) -> None:
    trust = [{"Effect": "Allow", "Principal": {"Service": service}}]
    others = [role("admin", STOP, trust=trust), role("reader", allow("s3:GetObject"), trust=trust)]

    (finding,) = (entry for entry in judge(recorder(), [user("u", allow(action)), *others]) if "user/" in entry.arn)

    assert [(step.action, step.resource, step.gains) for step in finding.steps] == [
        (action, f"{ROLES}admin", ("stop-trail",))
    ]
    assert "runs with the role" in finding.steps[0].depends_on[0]
    assert not finding.is_certain
    # Neither is there anything of another service that runs with it, nor is somebody listed who is denied the call.
    assert "u" not in listed([user("u", allow(action)), role("admin", STOP, trust=[trusted(ACCOUNT)])])
    assert "u" not in listed([user("u", allow(action), deny(action)), *others])


PASS_ROLE = allow("iam:PassRole")


@pytest.mark.parametrize(
    ("statements", "service", "expected"),
    [
        ([PASS_ROLE, allow("lambda:CreateFunction")], "lambda.amazonaws.com", True),
        ([PASS_ROLE, allow("states:CreateStateMachine")], "states.us-east-1.amazonaws.com", True),
        ([PASS_ROLE, allow("ec2:RunInstances")], "ec2.amazonaws.com.cn", True),
        ([PASS_ROLE, allow("elasticmapreduce:RunJobFlow")], "ec2.amazonaws.com", True),
        # Whether there is an instance or a project that could get it is not known.
        ([PASS_ROLE, allow("ec2:AssociateIamInstanceProfile")], "ec2.amazonaws.com", None),
        ([PASS_ROLE, allow("codebuild:StartBuild")], "codebuild.amazonaws.com", None),
        # Nobody here knows what a service does with the role: it may be enough.
        ([PASS_ROLE], "new.amazonaws.com", None),
        (
            [
                {**PASS_ROLE, "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}},
                allow("lambda:CreateFunction"),
            ],
            "lambda.amazonaws.com",
            True,
        ),
        (
            [
                {**PASS_ROLE, "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}},
                allow("lambda:CreateFunction"),
            ],
            "lambda.amazonaws.com",
            False,
        ),
    ],
)
def test_a_role_is_passed_to_a_service(
    statements: list[dict[str, Any]], service: str, *, expected: bool | None
) -> None:
    passed = role("admin", STOP, trust=[{"Effect": "Allow", "Principal": {"Service": service}}])

    found = listed([user("u", *statements), passed])

    assert ("u" in found) is (expected is not False)
    if expected is not False:
        assert found["u"].is_certain is (expected is True)


def test_a_trust_policy_that_keeps_a_service_to_another_account_is_no_way() -> None:
    elsewhere = {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, **elsewhere}
    kept = role("admin", STOP, trust=[trust])

    assert set(listed([user("u", PASS_ROLE, allow("lambda:*")), kept])) == {"admin"}


def answer(findings: tuple[Finding, ...], unseen: tuple[str, ...] = ()) -> Answer:
    return Answer(ACCOUNT, TRAIL, None, 1, findings, None, unseen)


def test_the_exit_code_is_good_only_when_nobody_else_can_and_all_was_seen() -> None:
    certain, perhaps = user("a", STOP), user("b", {**STOP, **MFA})

    assert answer(judge(recorder(), [])).exit_code == 0
    assert answer(judge(recorder(), []), unseen=("something",)).exit_code == 3
    assert answer(judge(recorder(), [perhaps])).exit_code == 3
    assert answer(judge(recorder(), [certain, perhaps])).exit_code == 1
    assert answer(judge(recorder(), [certain], expected=[certain.arn])).exit_code == 0
    assert answer(judge(recorder(), [certain, perhaps], expected=[f"{USERS}a*"])).exit_code == 3
    assert answer(judge(recorder(), [certain], expected=[certain.arn]), unseen=("something",)).exit_code == 3
