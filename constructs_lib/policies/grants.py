"""The permissions to read log files, and those that the verifier needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.policies.attach import readable
from constructs_lib.policies.stack_order import deploy_after
from constructs_lib.validation.existing_resources import is_apart
from constructs_lib.validation.possible_texts import ANYTHING, LATER, possible_texts

# What `python -m verify check` calls, by the resource that IAM can restrict the permission to.
_ASK_ACCOUNT: Final = (
    "cloudformation:DescribeStacks",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetResourcePolicy",  # of event data stores, if there are any
    "cloudtrail:ListEventDataStores",
    "cloudtrail:LookupEvents",
    "logs:DescribeAccountPolicies",
    "logs:DescribeSubscriptionFilters",  # of the trail's log group, if it has one
    "organizations:DescribeOrganization",
    "s3:GetAccessPointPolicy",
    "s3:GetAccountPublicAccessBlock",
    # Of the bucket for access logs as well, and of those with copies, whatever their names.
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetMultiRegionAccessPointPolicy",
    "s3:ListAccessGrants",
    "s3:ListAccessGrantsInstances",
    "s3:ListAccessPoints",
    "s3:ListAllMyBuckets",
    "s3:ListMultiRegionAccessPoints",
)
_ASK_TRAIL: Final = ("cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus")
_ASK_KEY: Final = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants")
_ASK_BUCKET: Final = (
    "s3:GetBucketAcl",
    "s3:GetBucketLogging",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
)

# What names somebody: the condition key, in lower case, and what its values begin with. Other conditions limit how
# everybody comes and not who it is; S3 takes a policy without a fixed value for public:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html and
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
# Of addresses (aws:SourceIp) S3 says that they are not public, but whoever comes from one may be of any account; and
# KMS, of which S3 asks for the reader, does not see the reader's address, so that nobody would be able to decrypt:
# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-aws.html
# An ARN has no wildcard before its account: with StringLike it would stretch into the path of a role of any account.
_NAMED: Final = {
    "aws:principalaccount": r"[^*?]+$",
    "aws:principalarn": rf"arn:[^:*?]+:(iam|sts)::[^:*?]+:|{LATER}[^*?]*$",
    "aws:principalorgid": r"[^*?]+$",
    "aws:principalorgpaths": rf"[^/*?]+/|{LATER}[^*?]*$",
    "aws:sourcevpc": r"[^*?]+$",
    "aws:sourcevpce": r"[^*?]+$",
}
# What IAM puts in when it is asked may be what whoever asks says; whose the bucket is, is fixed.
_ASKED: Final = re.compile(r"\$\{(?!aws:Resource)", re.IGNORECASE)
# With `IfExists` and `ForAllValues` a request without the key is allowed as well.
_NAMING: Final = re.compile(r"(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)")


def grant_read(
    scope: Construct,
    grantee: iam.IGrantable,
    *,
    bucket: s3.IBucket,
    key: kms.IKey,
    folder: str,
    trails_of_the_account: str,
) -> None:
    """Let the grantee list, read and decrypt log files, and decrypt nothing else that the key encrypts.

    KMS sees CloudTrail's own encryption context, or the bucket's when S3 used a bucket key, so either may match.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html

    Principals of another account, and those without a policy of their own, are allowed by the policies of bucket and
    key as well, under the same conditions.

    :param folder: the path in the bucket that may be read, such as ``AWSLogs``.
    :param trails_of_the_account: the ARN, with wildcards, that CloudTrail puts into the encryption context.
    :raises ValueError: the grantee is everybody.
    """
    objects = bucket.arn_for_objects(f"{folder}/*")
    in_folder = {"StringLike": {"s3:prefix": [folder, f"{folder}/*"]}}
    by_trail = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": [trails_of_the_account]}}
    by_bucket = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket.bucket_arn, objects]}}
    by_bucket_in_key_policy: dict[str, Any] = by_bucket
    if isinstance(bucket.node.default_child, s3.CfnBucket):
        # The bucket names the key: a key policy that named the bucket would close a cycle. S3 decrypts for whoever may
        # read the object, which the bucket's policy limits.
        stack = cdk.Stack.of(bucket)
        by_bucket_in_key_policy = {
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:{stack.partition}:s3:::*"},
            "StringEquals": {"kms:ViaService": f"s3.{stack.region}.{stack.url_suffix}"},
        }
    for actions, arns, conditions in (
        (["s3:GetBucketLocation"], [bucket.bucket_arn], {}),
        (["s3:ListBucket"], [bucket.bucket_arn], in_folder),
        (["s3:GetObject", "s3:GetObjectVersion"], [objects], {}),
    ):
        if _needs_more_than_its_own_policy(grantee, bucket, actions, arns, conditions):
            _add(scope, grantee, bucket, "bucket", _statement(scope, grantee, actions, arns, conditions))
    for conditions, in_key_policy in ((by_trail, by_trail), (by_bucket, by_bucket_in_key_policy)):
        if _needs_more_than_its_own_policy(grantee, key, ["kms:Decrypt"], [key.key_arn], conditions):
            _add(scope, grantee, key, "key", _statement(scope, grantee, ["kms:Decrypt"], ["*"], in_key_policy))


def _add(
    scope: Construct,
    grantee: iam.IGrantable,
    resource: s3.IBucket | kms.IKey,
    kind: str,
    statement: iam.PolicyStatement,
) -> None:
    """Add it to the resource's policy, or say that CDK cannot: it drops what is for an imported resource."""
    if not resource.add_to_resource_policy(statement).statement_added:
        accounts = resource.env.account, _account_of(grantee) or ""
        enough = (
            f"enough only in the {kind}'s own account" if any(map(cdk.Token.is_unresolved, accounts)) else "not enough"
        )
        cdk.Annotations.of(scope).add_warning_v2(
            f"securetrail:{kind}-policy:readers",
            f"CDK cannot change the policy of the imported {kind}, and a reader's own policy is {enough}. "
            f"Fix: add it to the {kind}'s policy: {readable(scope, statement)}",
        )


def _needs_more_than_its_own_policy(
    grantee: iam.IGrantable,
    resource: s3.IBucket | kms.IKey,
    actions: list[str],
    arns: list[str],
    conditions: Mapping[str, Any],
) -> bool:
    """Allow it in the grantee's own policy, if it has one.

    CDK's ``Grant.add_to_principal_or_resource`` leaves the conditions out of the resource's policy.

    :returns: whether the resource's policy must allow it as well.
    """
    granted = iam.Grant.add_to_principal(
        grantee=grantee, actions=actions, resource_arns=arns, conditions=conditions or None
    )
    own, theirs = resource.env.account, _account_of(grantee)
    # Two accounts that are known only at deployment are taken for one, as CDK takes them, and so is one of which it
    # knows nothing: an imported function has a role, and CDK says what to add to it.
    is_same = theirs is None or own == theirs or (cdk.Token.is_unresolved(own) and cdk.Token.is_unresolved(theirs))
    return not (granted.success and is_same)


def _account_of(grantee: iam.IGrantable) -> str | None:
    """The account, where it is known: `iam.UnknownPrincipal` has no such attribute."""
    return getattr(grantee.grant_principal, "principal_account", None)


def _statement(
    scope: Construct, grantee: iam.IGrantable, actions: list[str], arns: list[str], conditions: Mapping[str, Any]
) -> iam.PolicyStatement:
    """For a resource's policy.

    A role that another account's stack makes does not exist yet, and would be refused as a principal: its account is
    one, and the role a condition.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

    :raises ValueError: it is for everybody.
    """
    principal, account = grantee.grant_principal, _account_of(grantee)
    if isinstance(principal, iam.Role) and is_apart(scope, principal) and not cdk.Token.is_unresolved(account):
        deploy_after(principal, cdk.Stack.of(scope))
        condition = {"ArnEquals": {"aws:PrincipalArn": principal.role_arn}}
        principal = iam.AccountPrincipal(account).with_conditions(condition)
    statement = iam.PolicyStatement(
        principals=[principal], actions=actions, resources=arns, conditions=conditions or None
    )
    if _is_for_everybody(cdk.Stack.of(scope).resolve(statement.to_statement_json())):
        raise ValueError(
            "grant_read was called for everybody, in every account. Allowed: principals that are named, or everybody "
            "under a condition that names an organization, an account or a VPC (an address names nobody). "
            "Fix: iam.AccountPrincipal('444455556666'), or iam.OrganizationPrincipal('o-…')."
        )
    return statement


def _is_for_everybody(statement: Mapping[str, Any]) -> bool:
    """Whether it may be for all principals, however they are written, and no condition names any of them."""
    principals = statement["Principal"]
    named = [*principals.values()] if isinstance(principals, dict) else [principals]
    return any({*text} == {ANYTHING} for text in possible_texts(named)) and not any(
        _NAMING.fullmatch(operator) and name.lower() in _NAMED and _all_name(_NAMED[name.lower()], values)
        for operator, keys in statement.get("Condition", {}).items()
        if isinstance(keys, dict)
        for name, values in keys.items()
    )


def _all_name(pattern: str, values: Any) -> bool:
    """Whether there are values, and each names somebody: IAM does not say what a condition without any does."""
    texts = possible_texts(values)
    return bool(texts) and all(re.match(pattern, text) and not _ASKED.search(text) for text in texts)


def verifier_policy(*, bucket_arn: str, key_arn: str, trail_arn: str) -> iam.PolicyDocument:
    """What ``python -m verify check`` needs, restricted to this trail, key and bucket wherever IAM can."""
    asked = {
        "LookUpTrailAndStack": (_ASK_ACCOUNT, "*"),
        "LookAtTrail": (_ASK_TRAIL, trail_arn),
        "LookAtKey": (_ASK_KEY, key_arn),
        "LookAtBucket": (_ASK_BUCKET, bucket_arn),
    }
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=[resource])
            for sid, (actions, resource) in asked.items()
        ]
    )
