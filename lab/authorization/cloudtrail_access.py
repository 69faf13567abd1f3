"""May CloudTrail write a file: every request that it makes, with its very context, put before the two policies.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (service principals carry no
aws:PrincipalArn, aws:SourceIp or aws:SourceVpc)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lab.authorization.closest_statement import decide_and_explain
from lab.authorization.conditions import Context
from lab.authorization.facts import BucketFacts, KeyFacts, Target
from lab.authorization.policy import Access, Decision

SERVICE = "cloudtrail.amazonaws.com"
_ACL = "bucket-owner-full-control"


@dataclass(frozen=True, slots=True)
class Denied:
    """A write that would fail: the error code that S3 answers with, whose fault it is, and the reason."""

    code: str
    is_about_key: bool
    reason: str


def write_denied(
    target: Target, bucket: BucketFacts | None, key: KeyFacts | None, object_key: str, region: str, now: datetime
) -> Denied | None:
    """Why CloudTrail cannot deliver an object; None when it can.

    :param key: the key of `target.kms_key_arn`; None when there is none, or no such key.
    :param region: the region whose events or digest it is.
    """
    if bucket is None:
        return Denied("NoSuchBucket", is_about_key=False, reason=f"the bucket {target.bucket} does not exist")
    return bucket_denied(target, bucket, object_key, now, is_test=False) or (
        key_denied(target, bucket, key, object_key, region, now) if target.kms_key_arn else None
    )


def bucket_denied(
    target: Target, bucket: BucketFacts, object_key: str, now: datetime, *, is_test: bool
) -> Denied | None:
    """Why the bucket does not let CloudTrail write an object.

    :param is_test: the write that CloudTrail tries when a trail is created, which carries no encryption headers.
    """
    if bucket.is_requester_pays:
        return Denied("AccessDenied", is_about_key=False, reason="the bucket is a Requester Pays bucket")
    headers: dict[str, str] = {"s3:x-amz-acl": _ACL} | ({} if is_test else _encryption(target))
    common = service_context(target, now, bucket.account, bucket.region)
    no_headers: dict[str, str] = {}
    requests = (
        ("s3:GetBucketAcl", f"arn:aws:s3:::{bucket.name}", no_headers),
        ("s3:PutObject", f"arn:aws:s3:::{bucket.name}/{object_key}", headers),
    )
    for action, resource, more in requests:
        decision = decide_and_explain(bucket.policy, Access(SERVICE, action, resource, {**common, **_single(more)}))
        if not decision.is_allowed:
            return Denied("AccessDenied", is_about_key=False, reason=f"in the bucket's policy, {decision.reason}")
    return None


def key_denied(
    target: Target, bucket: BucketFacts, key: KeyFacts | None, object_key: str, region: str, now: datetime
) -> Denied | None:
    """Why the key does not let CloudTrail encrypt an object."""
    if key is None:
        return Denied("KMS.NotFoundException", is_about_key=True, reason=f"there is no key {target.kms_key_arn}")
    if key.state == "Disabled":
        return Denied("KMS.DisabledException", is_about_key=True, reason=f"the key {key.arn} is disabled")
    if key.state != "Enabled":
        return Denied("KMS.KMSInvalidStateException", is_about_key=True, reason=f"the key {key.arn} is {key.state}")
    arn = target.trail_arn.replace(f":{target.home_region}:", f":{region}:", 1)
    # With an S3 Bucket Key the encryption context names the bucket, without one the object:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
    s3_arn = f"arn:aws:s3:::{bucket.name}" if bucket.uses_bucket_key else f"arn:aws:s3:::{bucket.name}/{object_key}"
    encryption_context = {
        "kms:EncryptionContext:aws:cloudtrail:arn": arn,
        "kms:EncryptionContext:aws:s3:arn": s3_arn,
    }
    keys = {"kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn")}
    decision = _key_decision(target, key, now, "kms:GenerateDataKey", {**_single(encryption_context), **keys})
    because = ""
    if decision.is_allowed and bucket.uses_bucket_key:
        decision = _key_decision(target, key, now, "kms:Decrypt", {**_single(encryption_context), **keys})
        because = f"the bucket {bucket.name} has an S3 Bucket Key, with which CloudTrail also needs kms:Decrypt; "
    if decision.is_allowed:
        return None
    return Denied("AccessDenied", is_about_key=True, reason=f"{because}in the key's policy, {decision.reason}")


def describe_denied(target: Target, key: KeyFacts, now: datetime) -> Denied | None:
    """Why CloudTrail cannot look at the key, as it does when a trail is created."""
    decision = _key_decision(target, key, now, "kms:DescribeKey", {})
    if decision.is_allowed:
        return None
    return Denied("AccessDenied", is_about_key=True, reason=f"in the key's policy, {decision.reason}")


def service_context(target: Target, now: datetime, owner: str, region: str) -> Context:
    """What every request of CloudTrail for a trail carries.

    :param owner: the account of the resource; `region` is the resource's.
    """
    return _single(
        {
            "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:EpochTime": str(int(now.timestamp())),
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": SERVICE,
            "aws:PrincipalServiceNamesList": SERVICE,
            "aws:RequestedRegion": region,
            "aws:ResourceAccount": owner,
            "aws:SecureTransport": "true",
            "aws:SourceAccount": target.account,
            "aws:SourceArn": target.trail_arn,
            "aws:ViaAWSService": "false",
            "s3:ResourceAccount": owner,
            "s3:TlsVersion": "1.3",
            "s3:authType": "REST-HEADER",
            "s3:signatureversion": "AWS4-HMAC-SHA256",
        }
    )


def _key_decision(target: Target, key: KeyFacts, now: datetime, action: str, more: Context) -> Decision:
    common = service_context(target, now, key.account, key.region)
    specific = _single(
        {"kms:CallerAccount": target.account, "kms:KeySpec": key.spec, "kms:KeyUsage": "ENCRYPT_DECRYPT"}
    )
    return decide_and_explain(key.policy, Access(SERVICE, action, key.arn, {**common, **specific, **more}))


def _encryption(target: Target) -> dict[str, str]:
    if not target.kms_key_arn:
        return {"s3:x-amz-server-side-encryption": "AES256"}
    return {
        "s3:x-amz-server-side-encryption": "aws:kms",
        "s3:x-amz-server-side-encryption-aws-kms-key-id": target.kms_key_arn,
    }


def _single(values: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name.lower(): (value,) for name, value in values.items()}
