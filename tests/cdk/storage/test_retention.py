"""How long log files stay, who can shorten that, and where the second copy is."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import LogReplica, LogRetention, NewBucket, Replica, ReplicaTarget, SecureTrail, SecurityProfile
from tests.cdk.conftest import Synthesize, new_app, only
from tests.cdk.templates import log_bucket, plain

BREAK_GLASS = "arn:aws:iam::111122223333:role/BreakGlass"


def rules(template: Template) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log_bucket(template)["LifecycleConfiguration"]["Rules"]  # type: ignore[index]
    return found


def locked(lock: s3.ObjectLockRetention) -> NewBucket:
    return NewBucket(retention=LogRetention(object_lock=lock))


def test_log_files_move_to_colder_storage_and_expire(synthesize: Synthesize) -> None:
    template = synthesize(
        log_bucket=NewBucket(
            retention=LogRetention(
                expiration=cdk.Duration.days(2555),
                transitions=[
                    s3.Transition(storage_class=s3.StorageClass.GLACIER, transition_after=cdk.Duration.days(90)),
                    s3.Transition(storage_class=s3.StorageClass.DEEP_ARCHIVE, transition_after=cdk.Duration.days(365)),
                ],
                noncurrent_version_expiration=cdk.Duration.days(30),
            )
        ),
    )

    (rule,) = rules(template)
    assert rule["ExpirationInDays"] == 2555
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["Transitions"] == [
        {"StorageClass": "GLACIER", "TransitionInDays": 90},
        {"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 365},
    ]
    # Log files are mostly below 128 KB, which S3 by default moves nowhere.
    lifecycle: Any = log_bucket(template)["LifecycleConfiguration"]
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


@pytest.mark.parametrize(
    ("props", "mode", "days"),
    [
        ({"log_bucket": locked(s3.ObjectLockRetention.compliance(cdk.Duration.days(400)))}, "COMPLIANCE", 400),
        ({"profile": SecurityProfile.COMPLIANCE}, "GOVERNANCE", 365),
    ],
)
def test_object_lock_protects_log_files_but_never_access_logs(
    synthesize: Synthesize, props: dict[str, Any], mode: str, days: int
) -> None:
    template = synthesize(**props)

    buckets = template.find_resources("AWS::S3::Bucket")
    locked = {name: bucket["Properties"].get("ObjectLockConfiguration") for name, bucket in buckets.items()}
    assert locked.pop("SecureTrailBucket89F6863C") == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": mode, "Days": days}},
    }
    assert {value is None for name, value in locked.items() if "AccessLogs" in name} == {True}


def test_only_break_glass_deletes_log_files_or_weakens_the_bucket(synthesize: Synthesize) -> None:
    template = synthesize(break_glass_principal_arns=[BREAK_GLASS])

    policies = template.find_resources("AWS::S3::BucketPolicy").values()
    (statement,) = [
        entry
        for policy in policies
        for entry in plain(policy["Properties"]["PolicyDocument"], "aws")["Statement"]
        if entry.get("Sid") == "DenyTampering"
    ]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
    assert statement["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": [BREAK_GLASS]}}
    assert statement["Resource"] == ["BUCKET_ARN", "BUCKET_ARN/*"]
    assert set(statement["Action"]) >= {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:PutLifecycleConfiguration",
        "s3:PutBucketVersioning",
        "s3:BypassGovernanceRetention",
        "s3:PutBucketRequestPayment",
        "s3:UpdateObjectEncryption",
    }
    # CloudTrail and access-log delivery only put, and a stack that cannot put objects would record nothing.
    assert not {"s3:PutObject", "s3:*"} & set(statement["Action"])


@pytest.mark.parametrize(("prefix", "folder"), [(None, "AWSLogs"), ("audit", "audit/AWSLogs")])
def test_only_cloudtrail_and_break_glass_write_where_log_files_are(
    synthesize: Synthesize, prefix: str | None, folder: str
) -> None:
    template = synthesize(break_glass_principal_arns=[BREAK_GLASS], s3_key_prefix=prefix)

    (statement,) = [
        entry
        for policy in template.find_resources("AWS::S3::BucketPolicy").values()
        for entry in plain(policy["Properties"]["PolicyDocument"], "aws")["Statement"]
        if entry.get("Sid") == "DenyWritingLogs"
    ]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
    assert {*statement["Action"]} == {"s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject"}
    assert statement["Resource"] == f"BUCKET_ARN/{folder}/*"
    assert statement["Condition"] == {
        "ArnNotLike": {"aws:PrincipalArn": [BREAK_GLASS]},
        "StringNotEquals": {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"},
    }


def test_only_break_glass_deletes_copies_that_are_made_here(synthesize: Synthesize) -> None:
    template = synthesize(break_glass_principal_arns=[BREAK_GLASS], log_bucket=NewBucket(replica=Replica()))

    guarded = {
        policy["Properties"]["Bucket"]["Ref"]: statement["Resource"][0]["Fn::GetAtt"][0]
        for policy in template.find_resources("AWS::S3::BucketPolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement.get("Sid") == "DenyTampering"
    }
    own = ["SecureTrailBucket89F6863C", "SecureTrailReplicaBucket43F8E76C"]
    assert guarded == {bucket: bucket for bucket in own}


@pytest.mark.parametrize(
    ("profile", "lock"),
    [
        (SecurityProfile.LAB, s3.ObjectLockRetention.governance(cdk.Duration.days(30))),
        (SecurityProfile.COMPLIANCE, None),
    ],
)
def test_a_locked_log_bucket_needs_a_replica_that_can_lock(
    stack: cdk.Stack, profile: SecurityProfile, lock: s3.ObjectLockRetention | None
) -> None:
    target = LogReplica(stack, "Replica").target
    bucket = NewBucket(retention=LogRetention(object_lock=lock), replica=Replica(target=target))

    with pytest.raises(ValueError, match=r"target \$\{\w+\.Arn\} has no Object Lock(?s:.*)Fix: "):
        SecureTrail(stack, "SecureTrail", profile=profile, log_bucket=bucket)


def replication(template: Template, bucket: str) -> dict[str, Any]:
    configuration: dict[str, Any] = template.find_resources("AWS::S3::Bucket")[bucket]["Properties"][
        "ReplicationConfiguration"
    ]
    return configuration


def test_everything_but_deletions_is_copied_and_encrypted_with_the_replicas_key(synthesize: Synthesize) -> None:
    template = synthesize(log_bucket=NewBucket(replica=Replica()))

    for bucket in ("SecureTrailBucket89F6863C", "SecureTrailAccessLogs2357F7D6"):
        (rule,) = replication(template, bucket)["Rules"]
        assert (rule["Status"], rule["Filter"], rule["DeleteMarkerReplication"]) == (
            "Enabled",
            {"Prefix": ""},
            {"Status": "Disabled"},
        )
        key = rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]["Fn::GetAtt"][0]
        assert key != "SecureTrailKey340A4129"
    actions = {
        action
        for statement in only(template, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    assert not {action for action in actions if "Delete" in action}


def test_a_replica_in_another_region_is_known_without_a_lookup() -> None:
    app = new_app()
    account = "111122223333"
    there = cdk.Stack(app, "There", env=cdk.Environment(account=account, region="eu-west-1"))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account=account, region="eu-central-1"))
    replica = LogReplica(there, "Replica", bucket_name="example-copies", key_alias="alias/copies")
    SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=replica.target)))

    template = Template.from_stack(here)
    (rule,) = plain(replication(template, "SecureTrailBucket89F6863C"), "aws")["Rules"]
    assert rule["Destination"] == {
        "Bucket": "arn:aws:s3:::example-copies",
        "EncryptionConfiguration": {"ReplicaKmsKeyID": f"arn:aws:kms:eu-west-1:{account}:alias/copies"},
    }
    statements = plain(only(template, "AWS::IAM::ManagedPolicy")["PolicyDocument"], "aws")["Statement"]
    (encrypt,) = [entry for entry in statements if entry["Sid"] == "EncryptCopies"]
    assert encrypt["Resource"] == f"arn:aws:kms:eu-west-1:{account}:key/*"
    assert encrypt["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::example-copies", "arn:aws:s3:::example-copies/*"]
        },
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/copies"},
    }
    assert here.dependencies == [there]


def copied_to_another_account(source_account: str | None, **changes: Any) -> tuple[Template, Template]:
    """The stacks of the replica and of the trail."""
    app = new_app()
    there = cdk.Stack(app, "There", env=cdk.Environment(account="444455556666", region="eu-west-1"))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="111122223333", region="eu-central-1"))
    replica = LogReplica(
        there, "Replica", bucket_name="example-copies", key_alias="alias/copies", source_account=source_account
    )
    target = dataclasses.replace(replica.target, **changes)
    SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)))
    return Template.from_stack(there), Template.from_stack(here)


@pytest.mark.parametrize("account", ["111122223333", "444455556666"])
def test_a_replica_elsewhere_without_a_name_is_refused(account: str) -> None:
    """CDK would say it at the end of the synth, in its own words."""
    app = new_app()
    there = cdk.Stack(app, "There", env=cdk.Environment(account=account, region="eu-west-1"))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account="111122223333", region="eu-central-1"))
    target = LogReplica(there, "Replica", source_account="111122223333").target

    with pytest.raises(ValueError, match=r"target is of There(?s:.*)its bucket has no name(?s:.*)Fix: LogReplica"):
        SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)))


def test_a_replica_in_another_account_lets_the_trails_account_copy_and_owns_the_copies() -> None:
    key_arn = "arn:aws:kms:eu-west-1:444455556666:key/copies"
    there, here = copied_to_another_account("111122223333", key_arn=key_arn)

    (rule,) = plain(replication(here, "SecureTrailBucket89F6863C"), "aws")["Rules"]
    assert rule["Destination"] == {
        "Account": "444455556666",
        "AccessControlTranslation": {"Owner": "Destination"},
        "Bucket": "arn:aws:s3:::example-copies",
        "EncryptionConfiguration": {"ReplicaKmsKeyID": key_arn},
    }
    copier = json.dumps(plain(only(here, "AWS::IAM::ManagedPolicy")["PolicyDocument"], "aws"))
    assert '["s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"]' in copier
    source = {"AWS": "arn:aws:iam::111122223333:root"}
    for kind, policy in (("AWS::S3::BucketPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy")):
        allowed = [
            statement
            for each in there.find_resources(kind).values()
            for statement in plain(each["Properties"][policy], "aws")["Statement"]
            if statement["Effect"] == "Allow" and statement["Principal"] == source
        ]
        assert [each["Action"] for each in allowed] == (
            [["s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"]]
            if kind == "AWS::S3::BucketPolicy"
            else ["kms:Encrypt"]
        )


@pytest.mark.parametrize(
    ("source_account", "changes", "words"),
    [
        (None, {}, "lets 444455556666 copy"),
        ("777788889999", {}, "lets 777788889999 copy"),
        ("111122223333", {}, "names its key by the alias"),
    ],
)
def test_a_replica_in_another_account_to_which_nothing_would_be_copied_is_refused(
    source_account: str | None, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=rf"{words}(?s:.*)Fix: "):
        copied_to_another_account(source_account, **changes)


@pytest.mark.parametrize("unknown", ["trail", "target"])
def test_a_replica_for_another_account_needs_accounts_that_are_known(unknown: str) -> None:
    """Otherwise the copies would not be given to their owner, and S3 would copy nothing, without a word."""
    app = new_app()
    there, here = (
        cdk.Stack(app, name, env=cdk.Environment(account=None if unknown == name else account, region="eu-west-1"))
        for name, account in (("target", "444455556666"), ("trail", "111122223333"))
    )
    replica = LogReplica(there, "Replica", bucket_name="example-copies", source_account="111122223333")
    target = dataclasses.replace(replica.target, key_arn="arn:aws:kms:eu-west-1:444455556666:key/copies")

    with pytest.raises(ValueError, match=rf"account of the {unknown} is not known(?s:.*)Fix: env=cdk.Environment"):
        SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)))


@pytest.mark.parametrize(
    ("account_of_trail", "changes", "told"),
    [
        ("111122223333", {"account": "444455556666"}, ["CopiesOfAnotherAccount", "kms:Encrypt", "111122223333:root"]),
        ("111122223333", {}, ["its key is in 444455556666"]),
        (None, {"account": "444455556666"}, ["444455556666, and the trail in an account that is not known"]),
        ("111122223333", {"account": "444455556666", "source_account": "111122223333"}, []),
        ("444455556666", {"account": "444455556666"}, []),
        ("444455556666", {}, []),
        (None, {}, []),
    ],
)
def test_it_is_told_where_it_is_not_known_whether_copies_arrive(
    account_of_trail: str | None, changes: dict[str, Any], told: list[str]
) -> None:
    """S3 copies nothing then, and no deployment fails."""
    here = cdk.Stack(new_app(), "Here", env=cdk.Environment(account=account_of_trail, region="eu-central-1"))
    target = ReplicaTarget(
        "arn:aws:s3:::copies", "arn:aws:kms:eu-west-1:444455556666:key/copies", "eu-west-1", **changes
    )

    trail = SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)))

    found = [text for text in (str(each.data) for each in trail.node.metadata) if "Replica.target" in text]
    assert len(found) == bool(told)
    assert [word for word in told if word not in found[0]] == []


@pytest.mark.parametrize(
    ("of_trail", "of_replica", "warns"),
    [
        (None, None, False),
        ("111122223333", "111122223333", False),
        ("111122223333", None, True),
        (None, "111122223333", True),
        ("111122223333", "a parameter", True),
        (None, "a parameter", True),
        ("111122223333", "as a template writes its own", False),
        (None, "as a template writes its own", False),
    ],
)
def test_a_replica_whose_account_may_be_another_one_is_warned_of(
    of_trail: str | None, of_replica: str | None, *, warns: bool
) -> None:
    app, region = new_app(), "eu-central-1"
    here = cdk.Stack(app, "Here", env=cdk.Environment(account=of_trail, region=region))
    parameter = {
        "a parameter": cdk.CfnParameter(here, "Account").value_as_string,
        "as a template writes its own": cdk.Aws.ACCOUNT_ID,
    }.get(str(of_replica))
    env = cdk.Environment(account=None if parameter else of_replica, region=region)
    replica = LogReplica(cdk.Stack(app, "There", env=env), "Replica", bucket_name="copies", key_alias="alias/copies")
    target = (
        dataclasses.replace(replica.target, account=parameter, source_account=None, stack=None)
        if parameter
        else replica.target
    )
    trail = SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)))

    texts = [str(each.data) for each in trail.node.metadata]
    assert any("securetrail:replica-account" in text for text in texts) is warns
    assert "Token[" not in "".join(texts)


def test_a_replica_is_as_private_as_the_log_bucket() -> None:
    stack = cdk.Stack(new_app(flags=False), "Stack")
    LogReplica(stack, "Replica", object_lock=s3.ObjectLockRetention.governance(cdk.Duration.days(30)))

    template = Template.from_stack(stack)
    assert only(template, "AWS::KMS::Key")["EnableKeyRotation"] is True
    copies = log_bucket(template)
    assert copies["VersioningConfiguration"] == {"Status": "Enabled"}
    assert copies["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] == 30  # type: ignore[index]
    for bucket in template.find_resources("AWS::S3::Bucket").values():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
        assert "AccessControl" not in bucket["Properties"]


@pytest.mark.parametrize("env", [None, cdk.Environment(account="111122223333", region="eu-central-1")])
@pytest.mark.parametrize(
    ("name", "warns"),
    [
        ("BreakGlass", True),
        ("cdk-hnb659fds-cfn-exec-role-111122223333-eu-central-1", False),
        ("cdk-hnb659fds-cfn-exec-role-*", False),
    ],
)
def test_who_locks_the_deployer_out_is_warned(name: str, env: cdk.Environment | None, *, warns: bool) -> None:
    stack = cdk.Stack(new_app(), "Stack", env=env)
    SecureTrail(stack, "SecureTrail", break_glass_principal_arns=[f"arn:aws:iam::111122223333:role/{name}"])

    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("by which CDK deploys this stack"))
    assert len(found) == warns


def test_who_names_another_role_of_the_stacks_account_is_warned() -> None:
    stack = cdk.Stack(new_app(), "Stack")
    other = stack.format_arn(service="iam", region="", resource="role", resource_name="BreakGlass")
    SecureTrail(stack, "SecureTrail", break_glass_principal_arns=[other])

    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("by which CDK deploys this stack"))
    assert len(found) == 1


EXECUTION_ROLE = "cdk-hnb659fds-cfn-exec-role-111122223333-eu-central-1"


def role_of_the_app(stack: cdk.Stack) -> str:
    return iam.Role(stack, "Mine", assumed_by=iam.AccountRootPrincipal()).role_arn


@pytest.mark.parametrize(
    ("arn", "warns"),
    [
        (f"arn:aws:iam::444455556666:role/{EXECUTION_ROLE}", True),
        (f"arn:aws:iam::111122223333:role/team/{EXECUTION_ROLE}", True),
        (f"arn:aws:iam::111122223333:user/{EXECUTION_ROLE}", True),
        ("arn:aws:iam::111122223333:role/team/cdk-hnb659fds-*", True),
        (role_of_the_app, True),
        (lambda stack: f"arn:aws:iam::111122223333:role/{cdk.CfnParameter(stack, 'Name').value_as_string}", True),
        (f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:role/{EXECUTION_ROLE}", False),
        (
            f"arn:aws:iam::{cdk.Aws.ACCOUNT_ID}:role/cdk-hnb659fds-cfn-exec-role-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}",
            False,
        ),
    ],
    ids=[
        *("another account", "another path", "user", "another folder", "role of the app", "parameter"),
        *("tokens of the place", "tokens of the name"),
    ],
)
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_role_that_only_resembles_the_deployers_is_not_taken_for_it(
    arn: str | Callable[[cdk.Stack], str], *, warns: bool, is_nested: bool
) -> None:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account="111122223333", region="eu-central-1"))
    scope = cdk.NestedStack(stack, "Nested") if is_nested else stack
    given = arn if isinstance(arn, str) else arn(scope)
    trail = SecureTrail(scope, "SecureTrail", break_glass_principal_arns=[given])

    texts = [str(each.data) for each in trail.node.metadata]
    assert any("by which CDK deploys this stack" in text for text in texts) is warns
