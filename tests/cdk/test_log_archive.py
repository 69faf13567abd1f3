"""The archive: each trail that is named may deliver, in its own folder, and nobody else may."""

import dataclasses
import json
from typing import Any, Literal

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from constructs_lib import (
    ArchivedTrail,
    LogArchive,
    LogRetention,
    NewBucket,
    NewKey,
    Replica,
    SecureTrail,
    required_bucket_policy,
    required_key_policy,
)
from tests.cdk.conftest import new_app, only
from tests.cdk.templates import log_bucket, plain

ARCHIVE, REGION, ORGANIZATION = "444455556666", "eu-central-1", "o-abcdefghij"
BREAK_GLASS = f"arn:aws:iam::{ARCHIVE}:role/BreakGlass"
OF_TEAM = ArchivedTrail(trail_name="team", trail_account="777788889999", trail_region="us-east-1", s3_key_prefix="team")
OF_ORGANIZATION = ArchivedTrail(
    trail_name="audit", trail_account="111122223333", trail_region=REGION, organization_id=ORGANIZATION
)


def stack() -> cdk.Stack:
    return cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ARCHIVE, region=REGION))


def template_of(*trails: ArchivedTrail, **props: Any) -> Template:
    scope = stack()
    LogArchive(scope, "Archive", trails=trails or (OF_ORGANIZATION, OF_TEAM), **props)
    return Template.from_stack(scope)


def statements(template: Template) -> list[dict[str, Any]]:
    """Of the log bucket's policy, with its ARN as text."""
    (bucket,) = [
        name
        for name, each in template.find_resources("AWS::S3::Bucket").items()
        if each["Properties"] == log_bucket(template)
    ]
    policy = only(template, "AWS::S3::BucketPolicy", Bucket={"Ref": bucket})
    found: list[dict[str, Any]] = plain(policy["PolicyDocument"], "aws")["Statement"]
    return found


def required(trail: ArchivedTrail) -> list[dict[str, Any]]:
    made = required_bucket_policy(
        bucket_arn="arn:aws:s3:::example",
        trail_name=trail.trail_name,
        trail_account=trail.trail_account,
        trail_region=trail.trail_region,
        s3_key_prefix=trail.s3_key_prefix,
        organization_id=trail.organization_id,
    )
    text = json.dumps(stack().resolve([each.to_statement_json() for each in made])).replace(
        "arn:aws:s3:::example", "BUCKET_ARN"
    )
    found: list[dict[str, Any]] = json.loads(text)
    return found


def test_the_bucket_allows_each_trail_what_it_needs_and_nobody_else_anything() -> None:
    allowed = [each for each in statements(template_of()) if each["Effect"] == "Allow"]

    assert allowed == [*required(OF_ORGANIZATION), *required(OF_TEAM)]
    assert len({each["Sid"] for each in allowed}) == len(allowed)


def test_the_key_allows_each_trail_to_encrypt_and_the_account_to_administrate() -> None:
    own, *others = plain(only(template_of(), "AWS::KMS::Key")["KeyPolicy"], "aws")["Statement"]

    assert own["Principal"] == {"AWS": f"arn:aws:iam::{ARCHIVE}:root"}
    expected = [
        statement.to_statement_json()
        for trail in (OF_ORGANIZATION, OF_TEAM)
        for statement in required_key_policy(
            trail_name=trail.trail_name, trail_account=trail.trail_account, trail_region=trail.trail_region
        )
    ]
    assert [sorted(each) for each in others] == [sorted(each) for each in expected]
    assert [(each["Sid"], each["Condition"]) for each in others] == [
        (each["Sid"], each["Condition"]) for each in expected
    ]


def test_what_is_stored_is_protected_as_in_a_trails_own_bucket() -> None:
    archive, scope = template_of(OF_TEAM), stack()
    SecureTrail(scope, "SecureTrail", trail_name="team")
    own = log_bucket(Template.from_stack(scope))

    names = {
        "BucketEncryption",
        "LifecycleConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
    }
    assert set(own) >= names
    for name in names - {"BucketEncryption"}:
        assert log_bucket(archive)[name] == own[name]
    assert only(archive, "AWS::KMS::Key")["EnableKeyRotation"] is True
    denied = [each for each in statements(archive) if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


@pytest.mark.parametrize(
    ("account", "trails", "replica", "is_found"),
    [
        (ARCHIVE, [OF_ORGANIZATION, OF_TEAM], False, False),
        (ARCHIVE, [OF_TEAM, dataclasses.replace(OF_TEAM, trail_account=ARCHIVE)], False, True),
        (None, [OF_TEAM], False, True),
        (OF_TEAM.trail_account, [OF_TEAM], Replica(), False),
    ],
)
def test_no_replica_is_accepted_only_where_every_trail_is_in_another_account(
    account: str | None,
    trails: list[ArchivedTrail],
    replica: Replica | Literal[False],
    is_found: bool,  # noqa: FBT001
) -> None:
    scope = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=account, region=REGION))
    archive = LogArchive(scope, "Archive", trails=trails, log_bucket=NewBucket(replica=replica))

    accepted = [
        str(rule)
        for entry in archive.bucket.node.metadata
        if entry.type == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for rule in dict(entry.data)
    ]
    has_replica = "ReplicationConfiguration" in log_bucket(Template.from_stack(scope))
    assert (not accepted and not has_replica) is is_found


def test_in_an_emergency_only_those_named_delete_or_write() -> None:
    denied = {
        each["Sid"]: each
        for each in statements(template_of(break_glass_principal_arns=[BREAK_GLASS]))
        if "PrincipalArn" in str(each.get("Condition"))
    }

    assert list(denied) == ["DenyTampering", "DenyWritingLogs", "DenyWritingLogs2"]
    folders = [denied[name]["Resource"] for name in ("DenyWritingLogs", "DenyWritingLogs2")]
    assert folders == ["BUCKET_ARN/AWSLogs/*", "BUCKET_ARN/team/AWSLogs/*"]
    for each in denied.values():
        assert each["Condition"]["ArnNotLike"] == {"aws:PrincipalArn": [BREAK_GLASS]}


def test_bucket_and_key_are_made_as_asked_and_copied() -> None:
    lock = s3.ObjectLockRetention.governance(cdk.Duration.days(30))
    template = template_of(
        encryption_key=NewKey(alias="alias/archive"),
        log_bucket=NewBucket(
            bucket_name="example-archive", retention=LogRetention(object_lock=lock), replica=Replica()
        ),
    )

    template.has_resource_properties("AWS::KMS::Alias", {"AliasName": "alias/archive"})
    archive = only(template, "AWS::S3::Bucket", BucketName="example-archive")
    assert archive["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Days": 30, "Mode": "GOVERNANCE"}
    assert archive["ReplicationConfiguration"]["Rules"][0]["Status"] == "Enabled"


def test_who_may_read_reads_the_folders_of_these_trails() -> None:
    scope = stack()
    archive = LogArchive(scope, "Archive", trails=[OF_ORGANIZATION, OF_TEAM])
    archive.grant_read(iam.Role(scope, "Auditor", assumed_by=iam.AccountRootPrincipal()))

    policy = plain(only(Template.from_stack(scope), "AWS::IAM::Policy"), "aws")["PolicyDocument"]["Statement"]
    read = [each["Resource"] for each in policy if "s3:GetObject" in str(each["Action"])]
    assert str(read).count("BUCKET_ARN/AWSLogs/*") == 1
    assert str(read).count("BUCKET_ARN/team/AWSLogs/*") == 1
    assert all(each["Action"] != "kms:*" for each in policy)


def test_the_parts_are_public() -> None:
    archive = LogArchive(stack(), "Archive", trails=[OF_TEAM])

    assert archive.access_log_bucket is not None
    assert (archive.replica, archive.replica_target) == (None, None)
    assert archive.bucket.encryption_key is not None


@pytest.mark.parametrize(
    ("trails", "words"),
    [([], "trails is empty"), ([OF_TEAM, OF_TEAM], "trails has 777788889999/us-east-1/team twice")],
)
def test_an_archive_for_nobody_and_a_trail_that_is_named_twice_are_refused(
    trails: list[ArchivedTrail], words: str
) -> None:
    with pytest.raises(ValueError, match=rf"{words}\. Allowed: .*Fix: "):
        LogArchive(stack(), "Archive", trails=trails)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"trail_name": "a"}, "trail_name"),
        ({"trail_account": "1"}, "trail_account"),
        ({"trail_region": "Frankfurt"}, "trail_region"),
        ({"s3_key_prefix": "/logs"}, "s3_key_prefix"),
        ({"organization_id": "o-1"}, "organization_id"),
    ],
)
def test_a_trail_that_aws_would_not_know_is_refused(wrong: dict[str, str], words: str) -> None:
    fields = {"trail_name": "recorder", "trail_account": "111122223333", "trail_region": "us-east-1"}
    with pytest.raises(ValueError, match=rf"{words}(?s:.*)Fix: "):
        ArchivedTrail(**{**fields, **wrong})


def test_a_name_of_another_bucket_of_the_app_is_refused() -> None:
    scope, named = stack(), NewBucket(bucket_name="example-archive")
    LogArchive(scope, "Archive", trails=[OF_TEAM], log_bucket=named)

    with pytest.raises(ValueError, match="which another SecureTrail or LogArchive, or a LogReplica, of this app has"):
        LogArchive(scope, "Second", trails=[OF_TEAM], log_bucket=named)


def test_a_deployer_who_would_be_locked_out_is_told() -> None:
    scope = stack()
    LogArchive(scope, "Archive", trails=[OF_TEAM], break_glass_principal_arns=[BREAK_GLASS])

    cdk.assertions.Annotations.from_stack(scope).has_warning(
        "*", Match.string_like_regexp("does not name the role by which CDK deploys")
    )


def test_trails_of_accounts_that_the_deployment_names_have_statements_of_their_own() -> None:
    scope = stack()
    accounts = [cdk.CfnParameter(scope, name).value_as_string for name in ("First", "Second")]
    trails = [ArchivedTrail(trail_name="audit", trail_account=each, trail_region="eu-central-1") for each in accounts]
    LogArchive(scope, "Archive", trails=trails)

    resources = Template.from_stack(scope).to_json()["Resources"].values()
    policies = [each["Properties"].get("KeyPolicy") or each["Properties"].get("PolicyDocument") for each in resources]
    for statements in (each["Statement"] for each in policies if each):
        sids = [each["Sid"] for each in statements if "Sid" in each]
        assert len(set(sids)) == len(sids)
