"""S3 replication of the trail's buckets to a replica."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_wildcards
from constructs_lib.policies.attach import as_people_write, readable
from constructs_lib.policies.stack_order import deploy_after
from constructs_lib.storage.log_replica import ReplicaTarget, copy_statements
from constructs_lib.validation.existing_resources import differ, known

_S3 = iam.ServicePrincipal("s3.amazonaws.com")


def replicate(scope: Construct, *, sources: Sequence[s3.Bucket], source_key: kms.IKey, target: ReplicaTarget) -> None:
    """Copy every new object, and no deletion, from the sources to the target.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html and, for the keys,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html

    :raises ValueError: the target is in another account that does not let this one copy, or names its key by an alias.
    """
    stack = cdk.Stack.of(scope)
    other_account = _account_of_copies(target, stack)
    _check_name(target, stack)
    _warn_of_what_is_not_known(scope, target, other_account)
    deploy_after(scope, target.stack)
    arns = [source.bucket_arn for source in sources]
    role = iam.Role(
        scope,
        "ReplicationRole",
        description="Lets S3 copy log files to the replica",
        # Naming the buckets here as well would close a cycle: a bucket needs its role to be created.
        assumed_by=_S3.with_conditions({"StringEquals": {"aws:SourceAccount": stack.account}}),
    )
    statements = [
        iam.PolicyStatement(
            sid="ReadSources", actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=arns
        ),
        iam.PolicyStatement(
            sid="ReadVersions",
            actions=[
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            resources=[f"{arn}/*" for arn in arns],
        ),
        iam.PolicyStatement(
            sid="WriteCopies",
            actions=[
                "s3:ReplicateObject",
                "s3:ReplicateTags",
                *([] if other_account is None else ["s3:ObjectOwnerOverrideToBucketOwner"]),
            ],
            resources=[f"{target.bucket_arn}/*"],
        ),
        _key_statement("DecryptSources", "kms:Decrypt", source_key.key_arn, stack.region, arns),
        _key_statement("EncryptCopies", "kms:Encrypt", target.key_arn, target.region, [target.bucket_arn]),
    ]
    policy = iam.ManagedPolicy(
        scope,
        "ReplicationPolicy",
        description="Read log files, write copies; it cannot delete any",
        roles=[role],
        statements=statements,
    )
    acknowledge_wildcards(
        policy,
        statements,
        "S3 replication reads every object of the trail's buckets and writes every object of the replica; "
        "the buckets are named, and so are the keys or the alias.",
    )
    for source in sources:
        cast("s3.CfnBucket", source.node.default_child).replication_configuration = _configuration(
            role, target, other_account
        )


def _account_of_copies(target: ReplicaTarget, stack: cdk.Stack) -> str | None:
    """The account that owns the copies, if it is another one than the trail's."""
    is_for_another = target.account is not None and target.source_account not in (None, target.account)
    for what, account in (("trail", stack.account), ("target", target.account)):
        # In an unknown account S3 would copy without the owner's consent, and that is nothing.
        if is_for_another and cdk.Token.is_unresolved(account):
            raise ValueError(
                f"Replica.target lets {target.source_account} copy, and the account of the {what} is not known during "
                "the synth. Allowed: stacks whose accounts are known, so that the copies can belong to the account of "
                "the target. Fix: env=cdk.Environment(account='111122223333', region='eu-central-1') for the stack of "
                f"the {what}; or leave out source_account, if both are in one account."
            )
    if target.account is None or not differ(target.account, stack.account):
        return None
    if target.source_account is not None and differ(target.source_account, stack.account):
        raise ValueError(
            f"Replica.target is in account {target.account}, and lets {target.source_account} copy. Allowed: a target "
            f"that lets {stack.account} copy, or S3 copies nothing. "
            f"Fix: LogReplica(…, source_account='{stack.account}')."
        )
    if ":alias/" in target.key_arn:
        raise ValueError(
            f"Replica.target is in account {target.account}, and names its key by the alias "
            f"{as_people_write(stack.resolve(target.key_arn))}. Allowed: "
            "the ARN of the key itself, because conditions on aliases hold in their own account only. "
            "Fix: dataclasses.replace(target, key_arn=…), with the key's ARN as a parameter of the stack."
        )
    return target.account


def _check_name(target: ReplicaTarget, stack: cdk.Stack) -> None:
    """Refuse a replica of another account or Region whose bucket has no name: CDK has nothing to refer to it by.

    :raises ValueError: says so before CDK does, which would at the end of the synth.
    """
    if target.stack is None or target.stack == stack:
        return
    try:
        stack.resolve(target.bucket_arn)
    except RuntimeError as error:  # of CDK
        raise ValueError(
            f"Replica.target is of {target.stack.node.path}, a stack of another account or Region, and its bucket has "
            "no name. Allowed: one with a name, because CDK refers to it by that. "
            "Fix: LogReplica(…, bucket_name='example-copies-111122223333')."
        ) from error


def _warn_of_what_is_not_known(scope: Construct, target: ReplicaTarget, other_account: str | None) -> None:
    """Warn where S3 may copy nothing, which no deployment tells: of a target that this app does not make."""
    stack = cdk.Stack.of(scope)
    account = stack.account
    of_target = None if target.account is None else known(target.account, target.stack or stack)
    key_account = "".join(target.key_arn.split(":")[4:5])  # of a token none
    annotations = cdk.Annotations.of(scope)
    if other_account is not None and target.source_account is None:
        to_bucket, to_key = copy_statements(bucket_arn=target.bucket_arn, region=target.region, source_account=account)
        annotations.add_warning_v2(
            "securetrail:replica-policies",
            f"Replica.target is in account {other_account}, and what its policies allow is not known here. Without "
            "these statements S3 copies nothing, and no deployment says so. Fix: "
            f"LogReplica(…, source_account='{account}'); or ReplicaTarget(…, source_account='{account}'), once the "
            f"bucket's policy has {readable(scope, to_bucket)} and the key's has {readable(scope, to_key)}",
        )
    if of_target is None and key_account.isdigit() and differ(key_account, account):
        annotations.add_warning_v2(
            "securetrail:replica-account",
            f"Replica.target names no account, and its key is in {key_account}. If the bucket is there as well, the "
            f"copies do not belong to that account. Fix: ReplicaTarget(…, account='{key_account}').",
        )
    elif of_target not in (None, account) and other_account is None:
        annotations.add_warning_v2(
            "securetrail:replica-account",
            f"Replica.target is in {_account(of_target)}, and the trail in {_account(account)}. If they are not the "
            "same, S3 copies nothing, and no deployment says so. Fix: say both accounts, with "
            "env=cdk.Environment(account='111122223333', region='eu-central-1') for a stack of this app.",
        )


def _account(account: str | None) -> str:
    """The account as people read it."""
    is_known = account is not None and not cdk.Token.is_unresolved(account)
    return f"account {account}" if is_known else "an account that is not known during the synth"


def _configuration(
    role: iam.Role, target: ReplicaTarget, other_account: str | None
) -> s3.CfnBucket.ReplicationConfigurationProperty:
    """One rule for everything. Delete markers are not copied, so deleting a log file leaves its copy readable."""
    return s3.CfnBucket.ReplicationConfigurationProperty(
        role=role.role_arn,
        rules=[
            s3.CfnBucket.ReplicationRuleProperty(
                id="CopyEverything",
                status="Enabled",
                priority=1,
                filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=""),
                delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
                source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
                    sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(status="Enabled")
                ),
                destination=s3.CfnBucket.ReplicationDestinationProperty(
                    bucket=target.bucket_arn,
                    account=other_account,
                    access_control_translation=(
                        None
                        if other_account is None
                        else s3.CfnBucket.AccessControlTranslationProperty(owner="Destination")
                    ),
                    encryption_configuration=s3.CfnBucket.EncryptionConfigurationProperty(
                        replica_kms_key_id=target.key_arn
                    ),
                ),
            )
        ],
    )


def _key_statement(sid: str, action: str, key_arn: str, region: str, bucket_arns: Sequence[str]) -> iam.PolicyStatement:
    """The action with this key, through S3 and for these buckets only.

    IAM knows keys, not aliases; an alias is a condition on any key of its region:
    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    """
    prefix, _, alias = key_arn.partition(":alias/")
    return iam.PolicyStatement(
        sid=sid,
        actions=[action],
        resources=[f"{prefix}:key/*" if alias else key_arn],
        conditions={
            "StringEquals": {"kms:ViaService": f"s3.{region}.{cdk.Aws.URL_SUFFIX}"},
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": [
                    arn for bucket_arn in bucket_arns for arn in (bucket_arn, f"{bucket_arn}/*")
                ]
            },
            **({"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{alias}"}} if alias else {}),
        },
    )
