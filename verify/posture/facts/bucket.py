"""Questions to S3 about the log bucket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from verify.arn import Arn
from verify.aws import Answer, Aws
from verify.errors import AccessDenied, ApiError
from verify.fact import Fact, Missing, Value, ask, then
from verify.posture.facts.key import of_each
from verify.posture.facts.trail import (
    ARCHIVES,
    AccessGrant,
    Acl,
    AclGrant,
    BucketEncryption,
    BucketLocation,
    Lifecycle,
    LifecycleAction,
    LogFile,
    Loss,
    ObjectLock,
    PublicAccessBlock,
)

# Requests about Multi-Region Access Points go to this region, wherever the buckets are.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRestrictions.html
_OF_ALL_REGIONS = "us-west-2"


@dataclass(frozen=True, slots=True)
class BucketQuestions:
    """S3 is asked in the trail's home region; botocore follows a bucket that lives elsewhere."""

    aws: Aws
    region: str

    def place_of(self, bucket: str, accounts: Iterable[str] = ()) -> Fact[BucketLocation]:
        """Where the bucket is and whose, if there is a bucket of that name which the caller may use.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html

        :param accounts: those that may have it.
        """

        def place() -> BucketLocation:
            for account in accounts:
                try:
                    answer = self._get("HeadBucket", bucket, ExpectedBucketOwner=account)
                except AccessDenied:
                    continue  # It is another's, or may not be used; the last call tells.
                return BucketLocation(str(answer.get("BucketRegion") or self.region), account)
            return BucketLocation(str(self._get("HeadBucket", bucket).get("BucketRegion") or self.region), None)

        # The answer to a HEAD request has no body, so the error code is the HTTP status.
        return ask(place, absent={"404": f"there is no bucket {bucket}"})

    def encryption(self, bucket: str) -> Fact[BucketEncryption]:
        """The default encryption.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html
        """

        def encryption() -> BucketEncryption:
            answer = self._get("GetBucketEncryption", bucket)
            rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
            default = rule["ApplyServerSideEncryptionByDefault"]
            return BucketEncryption(
                algorithm=default["SSEAlgorithm"],
                key_reference=default.get("KMSMasterKeyID") or None,
                uses_bucket_key=bool(rule.get("BucketKeyEnabled")),
            )

        return ask(
            encryption,
            absent=_absent(bucket, "ServerSideEncryptionConfigurationNotFoundError", "has no default encryption"),
        )

    def policy(self, bucket: str) -> Fact[str]:
        """The bucket policy, as text."""
        return ask(
            lambda: str(self._get("GetBucketPolicy", bucket)["Policy"]),
            absent=_absent(bucket, "NoSuchBucketPolicy", "has no policy"),
        )

    def public_access_block(self, bucket: str) -> Fact[PublicAccessBlock]:
        """The bucket's own four switches, not the account's."""
        return ask(
            lambda: _switches(self._get("GetPublicAccessBlock", bucket)),
            absent=_absent(bucket, "NoSuchPublicAccessBlockConfiguration", "has no public access block"),
        )

    def account_public_access_block(self, account: str) -> Fact[PublicAccessBlock]:
        """The account's own four switches, which cover every bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
        """
        return ask(
            lambda: _switches(
                self.aws.call("s3control", "GetPublicAccessBlock", in_region=self.region, AccountId=account)
            ),
            absent={"NoSuchPublicAccessBlockConfiguration": "the account has no public access block"},
        )

    def acl(self, bucket: str) -> Fact[Acl]:
        """The grants of the access control list to others than the owner.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html
        """

        def acl() -> Acl:
            answer = self._get("GetBucketAcl", bucket)
            owner = answer["Owner"]["ID"]
            grants = ((grant["Grantee"], grant["Permission"]) for grant in answer["Grants"])
            return Acl(
                tuple(
                    AclGrant(who.get("URI") or who.get("ID") or who["EmailAddress"], permission)
                    for who, permission in grants
                    if who.get("ID") != owner
                )
            )

        return ask(acl, absent=_absent(bucket))

    def access_points(self, account: str, bucket: str, region: str) -> Fact[tuple[str, ...]]:
        """The ARNs of the account's access points of the bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html

        :param region: the bucket's, where they are.
        """

        def arns() -> tuple[str, ...]:
            pages = self._control("ListAccessPoints", account, region, Bucket=bucket)
            return tuple(str(Arn.parse(point["AccessPointArn"])) for page in pages for point in page["AccessPointList"])

        return ask(arns)

    def access_point_policies(self, arns: tuple[str, ...]) -> Fact[Mapping[str, str]]:
        """The policy of each access point that has one.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetAccessPointPolicy.html
        """
        policies = {}
        for arn in arns:
            policy = self._access_point_policy(Arn.parse(arn))
            if isinstance(policy, Value):
                policies[arn] = policy.value
            elif not isinstance(policy, Missing):
                return policy
        return Value(policies)

    def _access_point_policy(self, arn: Arn) -> Fact[str]:
        name = arn.resource.removeprefix("accesspoint/")

        def policy() -> str:
            answer = self.aws.call(
                "s3control", "GetAccessPointPolicy", in_region=arn.region, AccountId=arn.account, Name=name
            )
            return str(answer["Policy"])

        none = f"access point {name} has no policy"
        return ask(policy, absent={"NoSuchAccessPointPolicy": none, "NoSuchAccessPoint": none})

    def multi_region_access_points(self, account: str, bucket: str) -> Fact[Mapping[str, str]]:
        """ARN → name of each Multi-Region Access Point of the account that leads to the bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListMultiRegionAccessPoints.html
        """

        def found() -> Mapping[str, str]:
            pages = self._control("ListMultiRegionAccessPoints", account, _OF_ALL_REGIONS)
            return {
                str(Arn.parse(f"arn:aws:s3::{account}:accesspoint/{each['Alias']}")): each["Name"]
                for page in pages
                for each in page["AccessPoints"]
                if bucket in [region["Bucket"] for region in each["Regions"]]
            }

        return ask(found)

    def multi_region_access_point_policies(self, names: Mapping[str, str]) -> Fact[Mapping[str, str]]:
        """The policy of each Multi-Region Access Point that has one, by its ARN.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetMultiRegionAccessPointPolicy.html
        """

        def policy(arn: str) -> Fact[str]:
            none = f"Multi-Region Access Point {names[arn]} has no policy"
            found = ask(
                lambda: self.aws.call(
                    "s3control",
                    "GetMultiRegionAccessPointPolicy",
                    in_region=_OF_ALL_REGIONS,
                    AccountId=Arn.parse(arn).account,
                    Name=names[arn],
                )["Policy"],
                absent={"NoSuchMultiRegionAccessPoint": none},
            )
            text = then(found, lambda answer: Value(answer.get("Established", {}).get("Policy")))
            return then(text, lambda said: Value(str(said)) if said else Missing(none))

        return of_each(tuple(names), policy)

    def access_grants_instances(self, account: str, region: str) -> Fact[tuple[str, ...]]:
        """The ARNs of the account's instances of S3 Access Grants in a region: one or none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessGrantsInstances.html
        """
        pages = self._control("ListAccessGrantsInstances", account, region)
        return ask(
            lambda: tuple(
                str(each["AccessGrantsInstanceArn"]) for page in pages for each in page["AccessGrantsInstancesList"]
            )
        )

    def access_grants(self, account: str, region: str) -> Fact[tuple[AccessGrant, ...]]:
        """Whom S3 gives credentials for which part of which bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessGrants.html
        """
        pages = self._control("ListAccessGrants", account, region)
        return ask(
            lambda: tuple(
                AccessGrant(
                    each["AccessGrantId"],
                    each["GrantScope"],
                    each["Permission"],
                    each["Grantee"]["GranteeType"],
                    each["Grantee"]["GranteeIdentifier"],
                )
                for page in pages
                for each in page["AccessGrantsList"]
            )
        )

    def _control(self, operation: str, account: str, region: str, **more: str) -> Iterator[Answer]:
        """The answers of an operation of S3 Control that lists what an account has."""
        return self.aws.token_pages("s3control", operation, "NextToken", in_region=region, AccountId=account, **more)

    def payer(self, bucket: str) -> Fact[str]:
        """``BucketOwner``, or ``Requester`` for a Requester Pays bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html
        """
        return ask(lambda: str(self._get("GetBucketRequestPayment", bucket)["Payer"]), absent=_absent(bucket))

    def newest_log_file(
        self, bucket: str, folder: str, trail_arn: str, since: datetime, now: datetime
    ) -> Fact[LogFile | None]:
        """The newest log file of the trail's home region, of those with a name from ``since`` on.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html

        :param folder: the one that has ``CloudTrail`` in it, with a slash at its end.
        :param since: about the last delivery: names of the two days from then on are looked for.
        :param now: no file is named after a day to come.
        """
        trail = Arn.parse(trail_arn)

        def newest() -> LogFile | None:
            found: list[LogFile] = []
            for day in (since, since + timedelta(days=1)):
                if f"{day:%Y%m%d}" > max(f"{now:%Y%m%d}", f"{since:%Y%m%d}"):
                    break
                path = f"{folder}CloudTrail/{trail.region}/{day:%Y/%m/%d}/"
                name = f"{trail.account}_CloudTrail_{trail.region}_{since:%Y%m%dT%H%MZ}"
                answer = self.aws.call(
                    "s3",
                    "ListObjectsV2",
                    in_region=self.region,
                    Bucket=bucket,
                    Prefix=path,
                    StartAfter=f"{path}{name}",
                )
                if "KeyCount" not in answer:
                    raise LookupError("no KeyCount: not even the number of objects")
                found += [LogFile(entry["Key"], entry["LastModified"]) for entry in answer.get("Contents", ())]
            return max(found, key=lambda file: file.at, default=None)

        return ask(newest, absent=_absent(bucket))

    def versioning(self, bucket: str) -> Fact[str]:
        """``Enabled``, ``Suspended``, or ``never enabled``: S3 says nothing for a bucket that never had it."""
        return ask(
            lambda: str(self._get("GetBucketVersioning", bucket).get("Status", "never enabled")),
            absent=_absent(bucket),
        )

    def ownership(self, bucket: str) -> Fact[str]:
        """``BucketOwnerEnforced`` means that access control lists are off."""
        return ask(
            lambda: str(
                self._get("GetBucketOwnershipControls", bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
            ),
            absent=_absent(bucket, "OwnershipControlsNotFoundError", "has no ownership controls"),
        )

    def access_log_target(self, bucket: str) -> Fact[str | None]:
        """The bucket that receives the server access logs; ``None`` when they are off."""
        return ask(
            lambda: self._get("GetBucketLogging", bucket).get("LoggingEnabled", {}).get("TargetBucket"),
            absent=_absent(bucket),
        )

    def lifecycle(self, bucket: str) -> Fact[Lifecycle]:
        """All lifecycle rules, and what the enabled ones delete or archive.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
        """

        def lifecycle() -> Lifecycle:
            try:
                answer = self._get("GetBucketLifecycleConfiguration", bucket)
            except ApiError as error:
                if error.code == "NoSuchLifecycleConfiguration":
                    return Lifecycle(())
                raise
            rules = answer["Rules"]
            actions = tuple(
                LifecycleAction(rule.get("ID", "unnamed"), _prefix(rule), days, loss, index)
                for index, rule in enumerate(rules)
                if rule["Status"] == "Enabled"
                for loss, days in _losses(rule)
            )
            return Lifecycle(actions, json.dumps({"Rules": rules}, default=datetime.isoformat))

        return ask(lifecycle, absent=_absent(bucket))

    def object_lock(self, bucket: str) -> Fact[ObjectLock]:
        """The default retention, where Object Lock is on.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html
        """

        def lock() -> ObjectLock:
            found = self._get("GetObjectLockConfiguration", bucket)["ObjectLockConfiguration"]
            if found["ObjectLockEnabled"] != "Enabled":
                raise LookupError(f"ObjectLockEnabled is {found['ObjectLockEnabled']!r}")
            retention = found.get("Rule", {}).get("DefaultRetention", {})
            days = retention.get("Days") or 365 * retention.get("Years", 0)
            return ObjectLock(retention.get("Mode"), days)

        return ask(lock, absent=_absent(bucket, "ObjectLockConfigurationNotFoundError", "has no Object Lock"))

    def default_lock(self, bucket: str) -> Fact[ObjectLock | None]:
        """As :meth:`object_lock`; ``None`` for a bucket without Object Lock. That needs no permission to list it."""
        found = self.object_lock(bucket)
        is_there = isinstance(found, Missing) and found.why not in _absent(bucket).values()
        return Value(None) if is_there else found

    def _get(self, operation: str, bucket: str, **more: str) -> Answer:
        return self.aws.call("s3", operation, in_region=self.region, Bucket=bucket, **more)


def _absent(bucket: str, code: str | None = None, clause: str = "") -> dict[str, str]:
    """Every question can find no bucket; some can also find no such setting."""
    absent = {"NoSuchBucket": f"there is no bucket {bucket}"}
    return absent if code is None else {**absent, code: f"bucket {bucket} {clause}"}


def _switches(answer: Answer) -> PublicAccessBlock:
    switches = answer["PublicAccessBlockConfiguration"]
    if not switches:
        raise LookupError("PublicAccessBlockConfiguration has no settings")
    return PublicAccessBlock(
        block_public_acls=switches.get("BlockPublicAcls", False),
        ignore_public_acls=switches.get("IgnorePublicAcls", False),
        block_public_policy=switches.get("BlockPublicPolicy", False),
        restrict_public_buckets=switches.get("RestrictPublicBuckets", False),
    )


def _losses(rule: Answer) -> Iterator[tuple[Loss, int | None]]:
    """What a lifecycle rule does to log files, with the days after which it does it; ``None`` is at a date."""
    if {"Days", "Date"} & rule.get("Expiration", {}).keys():
        yield Loss.DELETES, rule["Expiration"].get("Days")
    if "NoncurrentVersionExpiration" in rule:
        yield Loss.DELETES_OLD_VERSIONS, rule["NoncurrentVersionExpiration"].get("NoncurrentDays")
    for name, loss, days in (
        ("Transitions", Loss.ARCHIVES, "Days"),
        ("NoncurrentVersionTransitions", Loss.ARCHIVES_OLD_VERSIONS, "NoncurrentDays"),
    ):
        yield from ((loss, each.get(days)) for each in rule.get(name, ()) if each["StorageClass"] in ARCHIVES)


def _prefix(rule: Answer) -> str:
    """The prefix of a lifecycle rule, in whichever of its three places it stands."""
    where = rule.get("Filter", {})
    return str(where.get("Prefix") or where.get("And", {}).get("Prefix") or rule.get("Prefix") or "")
