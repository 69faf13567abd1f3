"""Exceptions to the rule packs: which rule, on which resource, and why a reviewer should accept it.

An id begins with its rule pack, ``NIST.800.53.R5::NIST.800.53.R5-…``: cdk-nag accepts an id without it as well, but
leaves the exception out of the report.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from constructs_lib.compliance.profiles import SecurityProfile

_REGULATIONS: Final = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")


def _acknowledge(construct: IConstruct, rule: str, reason: str, packs: Sequence[str] = _REGULATIONS) -> None:
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason) for pack in packs)
    )


def acknowledge_access_log_limits(bucket: s3.Bucket) -> None:
    """Accept what S3 makes impossible for a bucket that receives access logs.

    Checkov reads its exceptions in the template, beside the resource:
    https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
    """
    cast("s3.CfnBucket", bucket.node.default_child).add_metadata(
        "checkov",
        {"skip": [{"id": "CKV_AWS_18", "comment": "It receives access logs; logging to itself would never end."}]},
    )
    _acknowledge(
        bucket,
        "S3DefaultEncryptionKMS",
        "S3 delivers no access logs to a bucket that encrypts with KMS; SSE-S3 is what it allows. "
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    )


def acknowledge_repeated_dependencies(trail: cloudtrail.CfnTrail) -> None:
    """Accept, for cfn-lint, that the trail names what it waits for also where a reference says it already.

    https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/getting_started/ignore_checks.md (W3005)
    """
    trail.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})


def acknowledge_no_replica(bucket: s3.IBucket, reason: str) -> None:
    """Accept that the bucket is not replicated."""
    _acknowledge(bucket, "S3BucketReplicationEnabled", reason)


def acknowledge_end_of_replication(bucket: s3.IBucket) -> None:
    """Accept that a replica, or the bucket with its access logs, is not replicated again."""
    acknowledge_no_replica(
        bucket, "This bucket is the destination of replication or holds its access logs; it is not replicated again."
    )


def acknowledge_wildcards(policy: iam.ManagedPolicy, statements: Sequence[iam.PolicyStatement], reason: str) -> None:
    """Accept wildcards for every object, key or log stream below a resource that is named."""
    stack = cdk.Stack.of(policy)
    resources = {
        _as_cdk_nag_writes(stack.resolve(resource))
        for statement in statements
        for resource in statement.resources
        if "*" in resource
    }
    for resource in sorted(resources):
        _acknowledge(policy, f"IAM5[Resource::{resource}]", reason, ["AwsSolutions"])


def _as_cdk_nag_writes(value: Any) -> str:
    """The value as cdk-nag writes it into a finding's id: ``<LogicalId.Arn>/*``, ``<AWS::Region>``."""
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_as_cdk_nag_writes(part) for part in parts)
        case {"Fn::ImportValue": text} | {"Fn::Sub": text}:
            return _as_cdk_nag_writes(text)
    # Such as the region within an ARN that is known only at deployment.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def acknowledge_choices(
    trail: cloudtrail.CfnTrail,
    own_buckets: Sequence[s3.IBucket],
    profile: SecurityProfile,
    *,
    own_log_bucket: bool,
    has_replica: bool,
    has_log_group: bool,
) -> None:
    """Accept what the profile leaves out. What a prop leaves out of the compliance profile stays a finding.

    :param own_buckets: the buckets that were made for the trail.
    :param own_log_bucket: whether the log bucket is one of them.
    """
    if profile is SecurityProfile.COMPLIANCE:
        if not own_log_bucket:
            for bucket in own_buckets:
                acknowledge_no_replica(
                    bucket, "It holds access logs of query results only, and these can be computed again."
                )
        return
    if not has_replica:
        for bucket in own_buckets:
            acknowledge_no_replica(
                bucket,
                "The lab profile costs almost nothing, and a replica doubles the storage and adds a key. "
                "NewBucket(replica=Replica()) adds it; SecurityProfile.COMPLIANCE does.",
            )
    if not has_log_group:
        _acknowledge(
            trail,
            "CloudTrailCloudWatchLogsEnabled",
            "The lab profile costs almost nothing, and CloudWatch Logs bills the ingestion of each event. "
            "cloudwatch=CloudWatchLogs() adds it; SecurityProfile.COMPLIANCE does.",
        )
