"""The requests that CloudTrail, or a reader without TLS, makes of the log bucket and the key.

A condition key that is not in a request's context is one that only AWS knows; a policy that depends on it is
undecided. An empty value means that the request does not have the key.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from verify.arn import Arn
from verify.posture.policy import EVERYBODY, Principal, PrincipalKind, Request
from verify.posture.policy_conditions import Context

# The same host name in every partition.
# https://docs.amazonaws.cn/en_us/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
CLOUDTRAIL = Principal(PrincipalKind.SERVICE, "cloudtrail.amazonaws.com")
# A service has none of these: they describe users, roles and networks of an account.
_NOT_OF_A_SERVICE = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "aws:username",
    "aws:sourcevpc",
    "aws:sourcevpce",
)


def bucket_requests(
    trail_arn: str, bucket: str, prefix: str | None, *, on_behalf_of: str | None = None
) -> tuple[Request, Request]:
    """What CloudTrail asks of the log bucket on behalf of a trail.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html

    :param prefix: the trail's own prefix, if it has one.
    :param on_behalf_of: the ARN of another trail that wants to write into this one's folder. Default: - none does.
    """
    trail = Arn.parse(trail_arn)
    bucket_arn = f"arn:{trail.partition}:s3:::{bucket}"
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    log_file = f"{folder}/{trail.account}/CloudTrail/{trail.region}/2026/01/31/{trail.account}_CloudTrail.json.gz"
    context = _on_behalf_of(on_behalf_of or trail_arn)
    acl = {"s3:x-amz-acl": ("bucket-owner-full-control",)}
    return (
        Request(CLOUDTRAIL, "s3:GetBucketAcl", bucket_arn, context),
        Request(CLOUDTRAIL, "s3:PutObject", f"{bucket_arn}/{log_file}", {**context, **acl}),
    )


def key_requests(trail_arn: str, key_arn: str) -> tuple[Request, Request]:
    """What CloudTrail must be able to ask of the key on behalf of a trail.

    DescribeKey has no encryption context of its own. The requests give it one all the same, because grants that
    name both actions under one such condition are common and do deliver.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    context = _with_key(trail_arn)
    return (
        Request(CLOUDTRAIL, "kms:GenerateDataKey", key_arn, context),
        Request(CLOUDTRAIL, "kms:DescribeKey", key_arn, context),
    )


def decrypt_request(trail_arn: str, key_arn: str) -> Request:
    """What CloudTrail asks in addition when the bucket has an S3 Bucket Key (same source as above)."""
    return Request(CLOUDTRAIL, "kms:Decrypt", key_arn, _with_key(trail_arn))


def other_trails(trail_arn: str) -> tuple[tuple[str, str], ...]:
    """Trails that should not be let in, each as (who that is, ARN): one of this account, one of another.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    trail = Arn.parse(trail_arn)
    prefix = f"arn:{trail.partition}:cloudtrail:{trail.region}"
    return (
        ("another account's trail", f"{prefix}:{_stranger_to(trail.account)}:trail/another"),
        ("another trail of this account", f"{prefix}:{trail.account}:trail/not-{trail.resource[6:]}"),
    )


def stranger_decrypts(key_arn: str) -> Request:
    """Somebody of another account reads with the key."""
    key = Arn.parse(key_arn)
    account = _stranger_to(key.account)
    who = f"arn:{key.partition}:iam::{account}:role/stranger"
    context = {
        "aws:principalarn": (who,),
        "aws:principalaccount": (account,),
        "kms:calleraccount": (account,),
        "aws:principalisawsservice": ("false",),
        "aws:securetransport": ("true",),
    }
    return Request(Principal(PrincipalKind.AWS, who), "kms:Decrypt", key_arn, context)


def requests_without_tls(partition: str, bucket: str) -> tuple[Request, ...]:
    """Reading and writing over plain HTTP, by anybody."""
    return _by_everybody(partition, bucket, {"aws:securetransport": ("false",), "s3:tlsversion": ()})


def requests_over_tls(partition: str, bucket: str, version: str) -> tuple[Request, ...]:
    """The same over one version of TLS, such as ``1.1``."""
    return _by_everybody(partition, bucket, {"aws:securetransport": ("true",), "s3:tlsversion": (version,)})


def _stranger_to(account: str) -> str:
    """An account that is not this one; AWS reserves both numbers for examples."""
    return "111122223333" if account != "111122223333" else "444455556666"


def _by_everybody(partition: str, bucket: str, context: Context) -> tuple[Request, ...]:
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    on_bucket = ("s3:ListBucket", "s3:GetBucketPolicy", "s3:PutBucketPolicy")
    on_object = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    return (
        *(Request(EVERYBODY, action, bucket_arn, context) for action in on_bucket),
        # Two folders, so that a Deny for one of them is not taken for a Deny for all.
        *(
            Request(EVERYBODY, action, f"{bucket_arn}/{object_key}", context)
            for action in on_object
            for object_key in ("AWSLogs/log.json.gz", "elsewhere/log.json.gz")
        ),
    )


def _on_behalf_of(trail_arn: str) -> dict[str, tuple[str, ...]]:
    return {
        "aws:sourcearn": (trail_arn,),
        "aws:sourceaccount": (Arn.parse(trail_arn).account,),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (CLOUDTRAIL.name,),
        "aws:securetransport": ("true",),
        # https://aws.amazon.com/blogs/security/tls-1-2-required-for-aws-endpoints/
        "s3:tlsversion": ("1.2",),
        **dict.fromkeys(_NOT_OF_A_SERVICE, ()),
    }


def _with_key(trail_arn: str) -> Context:
    return {
        **_on_behalf_of(trail_arn),
        "kms:encryptioncontext:aws:cloudtrail:arn": (trail_arn,),
        "kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn"),
    }
