"""What an app does to a trail, its buckets and its keys after they were made: told where it weakens them."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from constructs_lib import ArchivedTrail, LogArchive, LogReplica, SecureTrail
from constructs_lib.policies.denials import denies

DESTROY, RETAIN = cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN
CLOUDTRAIL = iam.ServicePrincipal("cloudtrail.amazonaws.com")
ARCHIVED = ArchivedTrail(trail_name="audit", trail_account="111122223333", trail_region="eu-central-1")


def told(construct: IConstruct) -> list[str]:
    """The warnings of a construct by the end of the synth, each with how to acknowledge it."""
    assert construct.node.validate() == []
    return [str(each.data) for each in construct.node.metadata if each.type == "aws:cdk:warning"]


def made(stack: cdk.Stack, **props: Any) -> SecureTrail:
    return SecureTrail(stack, "SecureTrail", **props)


def ids(texts: list[str]) -> list[str]:
    return [text.rpartition("[ack: ")[2].rstrip("]") for text in texts]


def test_nothing_is_told_of_what_the_construct_makes(stack: cdk.Stack) -> None:
    made(stack, break_glass_principal_arns=["arn:aws:iam::111122223333:role/BreakGlass"])
    LogArchive(stack, "Archive", trails=[ARCHIVED])

    for each in stack.node.children:
        assert told(each) == [], each


@pytest.mark.parametrize(
    ("destroyed", "told_of"),
    [
        (lambda trail: trail.log_bucket, "log-bucket"),
        (lambda trail: trail.encryption_key, "encryption-key"),
        (lambda trail: trail.access_log_bucket, "access-log-bucket"),
    ],
)
def test_what_goes_with_its_stack_although_it_should_stay_is_told(
    stack: cdk.Stack, destroyed: Callable[[SecureTrail], s3.IBucket | kms.IKey], told_of: str
) -> None:
    trail = made(stack)
    destroyed(trail).apply_removal_policy(DESTROY)

    (text,) = told(trail)
    assert f"{destroyed(trail).node.path} goes with its stack" in text
    assert "DeletionPolicy is Delete" in text
    assert "Fix: " in text
    assert ids([text]) == [f"securetrail:removal:{told_of}"]


def test_an_aspect_that_destroys_is_told_of_in_the_synth(stack: cdk.Stack) -> None:
    """Such as the one that an app has for all its sandboxes."""

    @jsii.implements(cdk.IAspect)
    class Destroy:
        def visit(self, node: IConstruct) -> None:
            if isinstance(node, cdk.CfnResource):
                node.apply_removal_policy(DESTROY)

    trail = made(stack)
    cdk.Aspects.of(stack).add(Destroy())
    cdk.Annotations.of(trail).acknowledge_warning("securetrail:removal:access-log-bucket")

    messages = cdk.App.of(stack).synth().get_stack_by_name("Stack").messages  # type: ignore[union-attr]
    assert sorted(ids([str(each.entry.data) for each in messages])) == [
        "securetrail:removal:encryption-key",
        "securetrail:removal:log-bucket",
    ]


@pytest.mark.parametrize(
    ("make", "goes"),
    [
        (lambda stack: LogArchive(stack, "A", trails=[ARCHIVED]), lambda archive: archive.key),
        (lambda stack: LogArchive(stack, "A", trails=[ARCHIVED]), lambda archive: archive.bucket),
        (lambda stack: LogReplica(stack, "R"), lambda replica: replica.key),
        (lambda stack: LogReplica(stack, "R"), lambda replica: replica.bucket),
    ],
)
def test_so_is_what_an_archive_or_a_replica_has(
    stack: cdk.Stack, make: Callable[[cdk.Stack], Any], goes: Callable[[Any], s3.IBucket | kms.IKey]
) -> None:
    construct = make(stack)
    goes(construct).apply_removal_policy(DESTROY)

    (text,) = told(construct)
    assert f"{goes(construct).node.path} goes with its stack" in text


def test_an_existing_bucket_and_key_that_go_with_their_stack_are_told_of(stack: cdk.Stack) -> None:
    key = kms.Key(stack, "K", enable_key_rotation=True, removal_policy=DESTROY)
    bucket = s3.Bucket(
        stack,
        "B",
        encryption_key=key,
        enforce_ssl=True,
        versioned=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        removal_policy=DESTROY,
        auto_delete_objects=False,
    )

    assert ids(told(made(stack, encryption_key=key, log_bucket=bucket))) == [
        "securetrail:removal:log-bucket",
        "securetrail:removal:encryption-key",
    ]
    assert told(SecureTrail(stack, "Sandbox", encryption_key=key, log_bucket=bucket, removal_policy=DESTROY)) == []


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        ("is_logging", False, "IsLogging is false"),
        ("is_multi_region_trail", False, "IsMultiRegionTrail is false"),
        ("include_global_service_events", False, "IncludeGlobalServiceEvents is false"),
        ("enable_log_file_validation", False, "EnableLogFileValidation is false"),
        ("enable_log_file_validation", None, "EnableLogFileValidation is not set"),
        ("kms_key_id", None, "KMSKeyId is not set"),
    ],
)
def test_a_trail_that_records_or_protects_less_is_told(
    stack: cdk.Stack, setting: str, value: object, what: str
) -> None:
    trail = made(stack)
    setattr(trail.trail, setting, value)

    (text,) = told(trail)
    assert f"Stack/SecureTrail/Trail: {what}" in text
    assert "Fix: " in text
    assert ids([text]) == [f"securetrail:trail:{what.split(maxsplit=1)[0]}"]


def test_a_setting_that_is_known_only_at_deployment_is_not_judged(stack: cdk.Stack) -> None:
    trail = made(stack)
    trail.trail.is_logging = cdk.Fn.condition_if("Some", True, False)  # noqa: FBT003

    assert told(trail) == []


def statement(**given: Any) -> iam.PolicyStatement:
    """A Deny of everything for everybody, but for what is given."""
    whole = {"effect": iam.Effect.DENY, "principals": [iam.AnyPrincipal()], "actions": ["s3:*"], "resources": ["*"]}
    return iam.PolicyStatement(**{**whole, **given})


def condition(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"conditions": {operator: {key: [*values]}}}


DENIES_CLOUDTRAIL: dict[str, dict[str, Any]] = {
    "everything": {},
    "one action": {"actions": ["s3:Get*", "s3:put*"]},
    "star": {"principals": [iam.StarPrincipal()]},
    "CloudTrail": {"principals": [CLOUDTRAIL]},
    "all but a role": {"principals": None, "not_principals": [iam.ArnPrincipal("arn:aws:iam::111122223333:role/Boss")]},
    "all but some actions": {"actions": None, "not_actions": ["s3:Get*"]},
    "outside of an endpoint": condition("StringNotEquals", "aws:SourceVpce", "vpce-1"),
    "outside of a VPC": condition("StringNotEqualsIfExists", "aws:sourceVpc", "vpc-1"),
    "without a VPC": condition("Null", "aws:SourceVpc", "true"),
    "outside of an organization": condition("StringNotLike", "aws:PrincipalOrgID", "o-*"),
    "outside of an account": condition("StringNotEquals", "aws:PrincipalAccount", "111122223333"),
    "outside of an office": condition("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    "other principals": condition("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/Boss"),
    "other services": condition("StringNotEquals", "aws:PrincipalServiceName", "config.amazonaws.com"),
    "services": condition("Bool", "aws:PrincipalIsAWSService", "true"),
}
DOES_NOT: dict[str, dict[str, Any]] = {
    "allowed": {"effect": iam.Effect.ALLOW, "principals": [iam.AccountRootPrincipal()]},
    "other actions": {"actions": ["s3:DeleteObject*", "s3:PutObjectAcl"]},
    "all actions but this": {"actions": None, "not_actions": ["s3:PutObject", "s3:GetBucketAcl"]},
    "others": {"principals": [iam.AccountPrincipal("444455556666"), iam.ServicePrincipal("config.amazonaws.com")]},
    "all but CloudTrail": {"principals": None, "not_principals": [CLOUDTRAIL]},
    "other objects": {"resources": ["arn:aws:s3:::bucket/private/*"]},
    "plain HTTP": condition("Bool", "aws:SecureTransport", "false"),
    "old TLS": condition("NumericLessThan", "s3:TlsVersion", "1.2"),
    "no service": condition("Bool", "aws:PrincipalIsAWSService", "false"),
    "no service, perhaps": condition("BoolIfExists", "aws:PrincipalIsAWSService", "false"),
    "every service but this": condition("StringNotLike", "aws:PrincipalServiceName", "cloudtrail.*"),
    "another trail": condition("StringNotEquals", "aws:SourceArn", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/x"),
    "a VPC": condition("StringEquals", "aws:SourceVpc", "vpc-1"),
    "an account": condition("StringEquals", "aws:PrincipalAccount", "111122223333"),
    "two conditions": {
        "conditions": {
            "StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
    },
}


RESOLVED = cdk.Stack().resolve
DENY_ALL = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize("given", DENIES_CLOUDTRAIL.values(), ids=DENIES_CLOUDTRAIL)
def test_a_statement_that_denies_cloudtrail_is_found(given: dict[str, Any]) -> None:
    assert denies(RESOLVED(statement(**given).to_statement_json()), "s3:PutObject", ["arn:aws:s3:::bucket/AWSLogs/x"])


@pytest.mark.parametrize("given", DOES_NOT.values(), ids=DOES_NOT)
def test_one_that_does_not_is_not(given: dict[str, Any]) -> None:
    found = denies(RESOLVED(statement(**given).to_statement_json()), "s3:PutObject", ["arn:aws:s3:::bucket/AWSLogs/x"])

    assert not found


@pytest.mark.parametrize(
    "make", [made, lambda stack: LogArchive(stack, "A", trails=[ARCHIVED])], ids=["trail", "archive"]
)
def test_policies_that_deny_cloudtrail_are_told(stack: cdk.Stack, make: Callable[[cdk.Stack], Any]) -> None:
    """Nothing else says so: an update of a policy succeeds, and the deliveries fail from then on."""
    construct = make(stack)
    bucket, key = getattr(construct, "log_bucket", None) or construct.bucket, construct.node.find_child("Key")
    outside = condition("StringNotEquals", "aws:SourceVpce", "vpce-1")
    bucket.add_to_resource_policy(statement(resources=[bucket.arn_for_objects("*")], **outside))
    bucket.add_to_resource_policy(statement(resources=[bucket.arn_for_objects("private/*")], **outside))
    key.add_to_resource_policy(statement(actions=["kms:GenerateDataKey*"], **outside))

    texts = told(construct)
    assert ids(texts) == ["securetrail:bucket-policy:denies-cloudtrail", "securetrail:key-policy:denies-cloudtrail"]
    assert all('"aws:PrincipalIsAWSService": "false"' in text and "vpce-1" in text for text in texts)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Statement": []},
        {"Statement": {"Fn::If": ["Some", {"Effect": "Deny"}, {"Ref": "AWS::NoValue"}]}},
        {
            "Statement": [
                {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"Fn::If": []}}
            ]
        },
        {"Statement": [{"Effect": "Deny"}, {"Effect": "Allow"}, {"Effect": "Allow", "Principal": {"Fn::If": []}}]},
    ],
)
def test_a_policy_of_which_little_is_known_is_not_judged(stack: cdk.Stack, document: dict[str, Any]) -> None:
    trail = made(stack)
    trail.encryption_key.node.default_child.key_policy = document  # type: ignore[union-attr]

    assert told(trail) == []


def test_a_key_for_everybody_is_told(stack: cdk.Stack) -> None:
    trail = made(stack)
    allow: dict[str, Any] = {"effect": iam.Effect.ALLOW, "actions": ["kms:Decrypt"]}
    trail.encryption_key.add_to_resource_policy(
        statement(**allow, conditions={"StringEquals": {"kms:CallerAccount": "444455556666"}})
    )
    assert told(trail) == []

    trail.encryption_key.add_to_resource_policy(statement(**allow))

    (text,) = told(trail)
    assert "lets everybody in, in every account" in text
    assert ids([text]) == ["securetrail:key-policy:everybody"]


def test_a_bucket_that_any_trail_may_write_to_is_told(stack: cdk.Stack) -> None:
    """CDK's own ``Trail`` lets them all write to the bucket that it is given."""
    trail = made(stack)
    cloudtrail.Trail(stack, "Second", bucket=trail.log_bucket)

    (text,) = told(trail)
    assert "any trail of any account" in text
    assert '"aws:SourceArn": "arn:' in text
    assert ids([text]) == ["securetrail:bucket-policy:any-trail"]


def test_a_key_that_any_trail_may_use_is_told_and_one_of_an_account_is_not(stack: cdk.Stack) -> None:
    trail = made(stack)
    allow = {"effect": iam.Effect.ALLOW, "principals": [CLOUDTRAIL], "actions": ["kms:GenerateDataKey*"]}
    for key in ("aws:SourceArn", "aws:sourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"):
        trail.encryption_key.add_to_resource_policy(statement(**allow, **condition("StringLike", key, "one")))
    assert told(trail) == []

    trail.encryption_key.add_to_resource_policy(
        statement(**allow, **condition("StringLike", "kms:EncryptionContext:aws:cloudtrail:arn", "arn:*"))
    )

    (text,) = told(trail)
    assert ids([text]) == ["securetrail:key-policy:any-trail"]
