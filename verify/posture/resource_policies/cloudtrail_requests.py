"""The requests that CloudTrail makes of the log bucket and the key on behalf of a trail.

A condition key that is not in a request's context is one that only AWS knows; a policy that depends on it is
undecided. An empty value means that the request does not have the key.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from verify.arn import Arn
from verify.policy.common_text import common_text
from verify.policy.conditions import Context
from verify.policy.document import MalformedPolicy, Statement
from verify.policy.evaluation import Principal, PrincipalKind, Request, includes
from verify.policy.probes import ANY_OTHER, LETTER, probe
from verify.policy.ternary import Ternary
from verify.policy.times import context_at
from verify.policy.variables import substituted
from verify.policy.wildcard import matches

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
# The end of a log file's name, and of all that are delivered in this century: what a grant or a Deny must not be for
# some of them only. Years have four digits, months, days, hours and minutes two.
_END = "x7Kq2mVb9RtL4wZc"
_OPEN_DATE, _OPEN_TIME, _OPEN_END = (
    text.replace("?", LETTER) for text in ("20??/??/??", "20??????T????Z", "?" * len(_END))
)
# What a policy names more narrowly than all log files; each is compared with all, which takes a while.
_MOST_NAMED = 64
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
# https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
_ORGANIZATION = re.compile(r"(?<![^/])o-[a-z0-9]{10,32}(?![^/*?])")
_DATE = re.compile(r"\d{4}/\d\d/\d\d")


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


def bucket_requests(delivery: Delivery, statements: Sequence[Statement] = ()) -> tuple[Request, ...]:
    """CloudTrail's requests to the log bucket: GetBucketAcl, then PutObject for log files and digests of each region.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html

    :param statements: the bucket's policy: of what it names more narrowly there is a request as well. Default: - none.
    """
    trail = Arn.parse(delivery.trail_arn)
    bucket_arn = f"arn:{trail.partition}:s3:::{delivery.bucket}"
    get_acl = Request(CLOUDTRAIL, "s3:GetBucketAcl", bucket_arn, _on_behalf_of(delivery.trail_arn, delivery.at))
    return (get_acl, *_puts(_REGIONS, delivery, f"{delivery.folder}/{trail.account}", statements))


def on_behalf_of(trail_arn: str, requests: Iterable[Request]) -> tuple[Request, ...]:
    """The same requests to the log bucket, made on behalf of another trail."""
    source = {"aws:sourcearn": (trail_arn,), "aws:sourceaccount": (Arn.parse(trail_arn).account,)}
    return tuple(replace(request, context={**request.context, **source}) for request in requests)


def opt_in_requests(
    delivery: Delivery, statements: Sequence[Statement], folder: str | None = None
) -> tuple[Request, ...]:
    """The additional requests of a multi-region trail in an account that has switched on every region."""
    trail = Arn.parse(delivery.trail_arn)
    folder = folder or f"{delivery.folder}/{trail.account}"
    return tuple(_puts(_OPT_IN_REGIONS, delivery, folder, statements))


def kms_requests(requests: Iterable[Request]) -> tuple[tuple[Request, ...], ...]:
    """The requests to the log bucket for a trail with a KMS key: with the header that names the algorithm, and without.

    Which it is, AWS's documents do not say.
    """
    every = tuple(requests)
    return tuple(
        tuple(replace(each, context={**each.context, _ENCRYPTION_HEADERS[0]: algorithm}) for each in every)
        for algorithm in (("aws:kms",), ())
    )


def first_write_request(delivery: Delivery) -> Request:
    """The write that CloudTrail tries when a trail is created or updated; it carries no encryption header."""
    trail = Arn.parse(delivery.trail_arn)
    key = f"{delivery.folder}/{trail.account}/CloudTrail/{trail.region}/{ANY_OTHER}"
    context = {**_put_context(delivery.trail_arn, delivery.at), **dict.fromkeys(_ENCRYPTION_HEADERS, ())}
    return Request(CLOUDTRAIL, "s3:PutObject", key, context)


def organization_requests(
    delivery: Delivery, organization_id: str | None, statements: Sequence[Statement]
) -> tuple[tuple[Request, ...], tuple[Request, ...]]:
    """The additional requests for an organization trail: one folder more, and one of each member account below it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html

    :param organization_id: such as ``o-a1b2c3d4e5``; ``None`` for requests whatever the id is.
    :returns: those that every member account makes, and those of members that have switched on every region.
    """
    folder = f"{delivery.folder}/{organization_id or f'o-{ANY_OTHER}'}"
    members = dict.fromkeys((Arn.parse(delivery.trail_arn).account, *_members(folder, statements)))
    folders = [f"{folder}/{member}" for member in members]
    return (
        tuple(put for each in folders for put in _puts(_REGIONS, delivery, each, statements)),
        tuple(put for each in folders for put in opt_in_requests(delivery, statements, each)),
    )


def named_organizations(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The id of each organization whose folder a resource of the policy names."""
    return _named(_ORGANIZATION, statements)


def _members(folder: str, statements: Iterable[Statement]) -> Iterator[str]:
    """Any member account, each that a resource of the policy names, and one for each beginning of a number in it."""
    yield ANY_OTHER
    yield from _named(_ACCOUNT, statements)
    yield from map(probe, _named(re.compile(rf"{re.escape(folder)}/(\d[\d?]*[*?])(?![^/])"), statements))


def _named(name: re.Pattern[str], statements: Iterable[Statement]) -> tuple[str, ...]:
    patterns = (pattern for statement in statements for pattern in statement.resources.patterns)
    return tuple(dict.fromkeys(found for pattern in patterns for found in name.findall(pattern)))


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


def _puts(
    regions: Mapping[str, tuple[str, ...]],
    delivery: Delivery,
    folder: str,
    statements: Sequence[Statement],
) -> Iterator[Request]:
    """Log files and digests of several regions: of the day of the delivery, of any day, and what the policy names.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html and
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html

    :param regions: of a multi-region trail in each partition, beside the trail's own.
    """
    trail = Arn.parse(delivery.trail_arn)
    elsewhere = regions.get(trail.partition, ()) if delivery.is_multi_region else ()
    own = (trail.region,) if regions is not _OPT_IN_REGIONS else ()
    everywhere = tuple(dict.fromkeys((*own, *elsewhere)))
    context = _put_context(delivery.trail_arn, delivery.at)
    day, time = delivery.at.strftime("%Y/%m/%d"), delivery.at.strftime("%Y%m%dT1035Z")
    files = [
        file
        for region in everywhere
        for date, at, end in ((day, time, _END), (_OPEN_DATE, _OPEN_TIME, _OPEN_END))
        for file in _files(delivery, folder, region, date, at, end)
    ]
    files += _named_files(delivery, folder, everywhere, files, statements, context)
    for file in files:
        yield Request(CLOUDTRAIL, "s3:PutObject", file, context)


def _files(delivery: Delivery, folder: str, region: str, date: str, time: str, end: str) -> Iterator[str]:
    """The ARN of a log file, and of a digest where there are any."""
    trail = Arn.parse(delivery.trail_arn)
    account = folder.rpartition("/")[2]
    yield f"{folder}/CloudTrail/{region}/{date}/{account}_CloudTrail_{region}_{time}_{end}.json.gz"
    if delivery.has_digests:
        name = trail.resource.removeprefix("trail/")
        digest = f"{account}_CloudTrail-Digest_{region}_{name}_{trail.region}_{time}.json.gz"
        yield f"{folder}/CloudTrail-Digest/{region}/{date}/{digest}"


def _named_files(
    delivery: Delivery,
    folder: str,
    regions: Sequence[str],
    files: Sequence[str],
    statements: Sequence[Statement],
    context: Context,
) -> Iterator[str]:
    """ARNs of files that come from now on and that a resource of the policy names more narrowly than all in ``files``.

    Such as those of the next year, or of the hours of a night.

    :raises MalformedPolicy: the policy names too many.
    """
    written = (s for s in statements if includes(s.actions, "s3:PutObject", ignore_case=True).is_true)
    patterns = dict.fromkeys(pattern for statement in written for pattern in statement.resources.patterns)
    compared = 0
    for pattern in patterns:
        resolved = substituted(pattern, context)
        if isinstance(resolved, Ternary) or not _may_be_in(folder, resolved):
            continue
        if any(matches(resolved, file).is_true for file in files):
            continue
        compared += 1
        if compared > _MOST_NAMED:
            raise MalformedPolicy("the policy names too many parts of the log files to be evaluated for each")
        for named in _files(delivery, folder, "*", "????/??/??", "????????T????Z", "*"):
            found = common_text(named, resolved, of_files=True)
            yield from _of_a_region(found, delivery, regions, resolved) if found else ()


def _may_be_in(folder: str, pattern: str) -> bool:
    start = re.split("[*?]", pattern, maxsplit=1)[0]
    return start.startswith(folder) or folder.startswith(start)


def _of_a_region(file: str, delivery: Delivery, regions: Sequence[str], pattern: str) -> Iterator[str]:
    """The file in each region in which the pattern matches it, unless its day is over."""
    start, _, rest = file.partition("/CloudTrail")
    kind, *_, year, month, day, name = rest.split("/")
    latest = f"{year}/{month}/{day}".replace(LETTER, "9")
    if not _DATE.fullmatch(latest) or latest < delivery.at.strftime("%Y/%m/%d"):
        return
    placed = (f"{start}/CloudTrail{kind}/{region}/{year}/{month}/{day}/{name}" for region in regions)
    yield from (file for file in placed if matches(pattern, file).is_true)


def _put_context(trail_arn: str, at: datetime) -> dict[str, tuple[str, ...]]:
    return {**_on_behalf_of(trail_arn, at), "s3:x-amz-acl": ("bucket-owner-full-control",)}


def _on_behalf_of(trail_arn: str, at: datetime) -> dict[str, tuple[str, ...]]:
    return {
        **context_at(at),
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
