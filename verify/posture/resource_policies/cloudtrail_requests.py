"""The requests that CloudTrail makes of the log bucket and the key on behalf of a trail.

A condition key that is not in a request's context is one that only AWS knows; a policy that depends on it is
undecided. An empty value means that the request does not have the key.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from verify.arn import Arn
from verify.policy.conditions import Context
from verify.policy.evaluation import Principal, PrincipalKind, Request
from verify.policy.probes import ANY_OTHER

# The same host name in every partition.
# https://docs.amazonaws.cn/en_us/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
CLOUDTRAIL = Principal(PrincipalKind.SERVICE, "cloudtrail.amazonaws.com")
# Requests by a service carry none of these: they describe users, roles and networks of an account.
_ABSENT_FOR_SERVICES = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "aws:username",
    "aws:sourcevpc",
    "aws:sourcevpce",
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html
    "aws:sourceip",
    "aws:vpcsourceip",
)
# Regions that no account can switch off: a multi-region trail delivers for all of them.
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
_REGIONS = {
    "aws": (
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-south-1"),
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2"),
    ),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
}
# One of each continent: for the trails of others, of which a policy may name dozens, all would be too many.
_SOME_REGIONS = {**_REGIONS, "aws": ("us-east-1", "eu-west-1", "ap-southeast-2", "sa-east-1")}
# For these it delivers where the account has switched them on.
_OPT_IN_REGIONS = {
    "aws": (
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
        *("il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
    ),
}
_ENCRYPTION_HEADERS = (
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
)
# Different in year, month and day, so that a grant for one of them is not taken for a grant for all.
_DATES = ("2026/01/31", "2031/12/09")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a trail delivers, and where.

    :param prefix: the trail's own prefix, if it has one.
    :param has_digests: log file validation is on.
    :param at: when.
    """

    trail_arn: str
    bucket: str
    prefix: str | None
    is_multi_region: bool
    has_digests: bool
    at: datetime

    @property
    def folder(self) -> str:
        """Where in the bucket, as an ARN."""
        prefix = f"{self.prefix}/" if self.prefix else ""
        return f"arn:{Arn.parse(self.trail_arn).partition}:s3:::{self.bucket}/{prefix}AWSLogs"


def bucket_requests(delivery: Delivery, *, on_behalf_of: str | None = None) -> tuple[Request, ...]:
    """CloudTrail's requests to the log bucket: GetBucketAcl, then PutObject for log files and digests of each region.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html

    :param on_behalf_of: the ARN of another trail, for which CloudTrail writes to this one's folder. Default: - the
        trail itself.
    """
    trail = Arn.parse(delivery.trail_arn)
    bucket_arn = f"arn:{trail.partition}:s3:::{delivery.bucket}"
    source = on_behalf_of or delivery.trail_arn
    get_acl = Request(CLOUDTRAIL, "s3:GetBucketAcl", bucket_arn, _on_behalf_of(source, delivery.at))
    regions = _REGIONS if on_behalf_of is None else _SOME_REGIONS
    return (get_acl, *_puts(regions, delivery, f"{delivery.folder}/{trail.account}", source))


def opt_in_requests(delivery: Delivery) -> tuple[Request, ...]:
    """The additional requests of a multi-region trail in an account that has switched on every region."""
    trail = Arn.parse(delivery.trail_arn)
    return tuple(_puts(_OPT_IN_REGIONS, delivery, f"{delivery.folder}/{trail.account}", delivery.trail_arn))


def kms_requests(delivery: Delivery) -> tuple[tuple[Request, ...], ...]:
    """The requests to the log bucket for a trail with a KMS key: with the header that names the algorithm, and without.

    Which it is, AWS's documents do not say.
    """
    requests = bucket_requests(delivery)
    return tuple(
        tuple(replace(each, context={**each.context, _ENCRYPTION_HEADERS[0]: algorithm}) for each in requests)
        for algorithm in (("aws:kms",), ())
    )


def first_write_request(delivery: Delivery) -> Request:
    """The write that CloudTrail tries when a trail is created or updated; it carries no encryption header."""
    trail = Arn.parse(delivery.trail_arn)
    key = f"{delivery.folder}/{trail.account}/CloudTrail/{trail.region}/{ANY_OTHER}"
    context = {**_put_context(delivery.trail_arn, delivery.at), **dict.fromkeys(_ENCRYPTION_HEADERS, ())}
    return Request(CLOUDTRAIL, "s3:PutObject", key, context)


def organization_requests(delivery: Delivery, organization_id: str | None) -> tuple[Request, ...]:
    """The additional requests for an organization trail: one folder more, and one of each member account below it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html

    :param organization_id: such as ``o-a1b2c3d4e5``; ``None`` for requests whatever the id is.
    """
    folder = f"{delivery.folder}/{organization_id or f'o-{ANY_OTHER}'}"
    members = (Arn.parse(delivery.trail_arn).account, ANY_OTHER)
    return tuple(
        put for member in members for put in _puts(_REGIONS, delivery, f"{folder}/{member}", delivery.trail_arn)
    )


def key_requests(trail_arn: str, key_arn: str, at: datetime) -> tuple[Request, Request]:
    """The requests to the key that CloudTrail needs on behalf of a trail.

    DescribeKey has no encryption context of its own. The requests give it one all the same, because grants that
    name both actions under one such condition are common and do deliver.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    context = _with_key(trail_arn, at)
    return (
        Request(CLOUDTRAIL, "kms:GenerateDataKey", key_arn, context),
        Request(CLOUDTRAIL, "kms:DescribeKey", key_arn, context),
    )


def decrypt_request(trail_arn: str, key_arn: str, at: datetime) -> Request:
    """The additional request where the bucket has an S3 Bucket Key (same source as above)."""
    return Request(CLOUDTRAIL, "kms:Decrypt", key_arn, _with_key(trail_arn, at))


def _puts(regions: Mapping[str, tuple[str, ...]], delivery: Delivery, folder: str, trail_arn: str) -> Iterator[Request]:
    """Log files and digests of several regions and days.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html and
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html

    :param regions: of a multi-region trail in each partition, beside the trail's own.
    """
    trail = Arn.parse(delivery.trail_arn)
    name = trail.resource.removeprefix("trail/")
    elsewhere = regions.get(trail.partition, ()) if delivery.is_multi_region else ()
    context = _put_context(trail_arn, delivery.at)
    for region in dict.fromkeys((trail.region, *elsewhere)):
        for date in _DATES:
            day = f"{region}/{date}/{trail.account}"
            time = f"{date.replace('/', '')}T1035Z"
            files = [f"CloudTrail/{day}_CloudTrail_{region}_{time}_x7Kq2mVb9RtL4wZc.json.gz"]
            if delivery.has_digests:
                digest = f"{day}_CloudTrail-Digest_{region}_{name}_{trail.region}_{time}.json.gz"
                files.append(f"CloudTrail-Digest/{digest}")
            for file in files:
                yield Request(CLOUDTRAIL, "s3:PutObject", f"{folder}/{file}", context)


def _put_context(trail_arn: str, at: datetime) -> dict[str, tuple[str, ...]]:
    return {**_on_behalf_of(trail_arn, at), "s3:x-amz-acl": ("bucket-owner-full-control",)}


def time_context(at: datetime) -> dict[str, tuple[str, ...]]:
    """The keys that say when a request is made."""
    return {
        "aws:currenttime": (at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(at.timestamp())),),
    }


def _on_behalf_of(trail_arn: str, at: datetime) -> dict[str, tuple[str, ...]]:
    return {
        **time_context(at),
        "aws:sourcearn": (trail_arn,),
        "aws:sourceaccount": (Arn.parse(trail_arn).account,),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (CLOUDTRAIL.name,),
        "aws:viaawsservice": ("false",),
        "aws:securetransport": ("true",),
        # https://aws.amazon.com/blogs/security/tls-1-2-required-for-aws-endpoints/
        "s3:tlsversion": ("1.2",),
        **dict.fromkeys(_ABSENT_FOR_SERVICES, ()),
    }


def _with_key(trail_arn: str, at: datetime) -> Context:
    return {
        **_on_behalf_of(trail_arn, at),
        "kms:encryptioncontext:aws:cloudtrail:arn": (trail_arn,),
        "kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn"),
    }
