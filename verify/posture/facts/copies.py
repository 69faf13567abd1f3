"""Questions about copies of the log files and their events: where they go, and whose that is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from verify.arn import Arn
from verify.aws import Answer, Aws
from verify.bucket_name import checked_bucket_name
from verify.errors import AccessDenied, ApiError
from verify.fact import Fact, Failed, Value, ask
from verify.posture.facts.trail import Owners, Replica, Replication, Subscription
from verify.trail import Trail


@dataclass(frozen=True, slots=True)
class CopyQuestions:
    """S3 is asked in the trail's home region; botocore follows a bucket that lives elsewhere.

    :param account: the account that asks.
    """

    aws: Aws
    region: str
    account: Fact[str]

    def replication(self, bucket: str) -> Fact[Replication]:
        """The rules by which S3 copies new objects to other buckets.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html
        """

        def replication() -> Replication:
            try:
                answer = self.aws.call("s3", "GetBucketReplication", in_region=self.region, Bucket=bucket)
            except ApiError as error:
                if error.code == "ReplicationConfigurationNotFoundError":
                    return Replication(())
                raise
            found = answer["ReplicationConfiguration"]
            rules = found["Rules"]
            if not rules:
                raise LookupError("Rules is empty")
            return Replication(tuple(map(_replica, range(len(rules)), rules)), json.dumps(found))

        return ask(replication, absent={"NoSuchBucket": f"there is no bucket {bucket}"})

    def owners(self, buckets: Iterable[str], log_bucket: str | None, trusted: Iterable[str]) -> Fact[Owners]:
        """Which of these buckets are of this account, or of one that is trusted, and which are of neither.

        The list of the account's own buckets is complete, so that what is not among them is another's. To whom it
        belongs S3 says to those only who may list it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
        bucket-owner-condition.html

        :param log_bucket: where this is not the account's own either, another one is asked about.
        """

        def owners() -> Owners:
            own = self._own()
            elsewhere = log_bucket is not None and log_bucket not in own
            known: dict[str, str] = {}
            not_told: set[str] = set()
            for name in sorted({*buckets} - own):
                told = [(account, self._belongs(name, account)) for account in trusted]
                owner = next((account for account, answer in told if answer), None)
                if owner is not None:
                    known[name] = owner
                elif elsewhere or any(answer is None for _, answer in told):
                    not_told.add(name)
            return Owners(frozenset(own & {*buckets}), known, frozenset(not_told))

        return ask(owners)

    def subscriptions(self, trail: Trail) -> Fact[tuple[Subscription, ...]]:
        """Where CloudWatch Logs sends the events of the trail's log group; none for a trail without one.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeSubscriptionFilters.html
        """
        if trail.log_group is None:
            return Value(())
        group = Arn.parse(trail.log_group)
        name = group.resource.removeprefix("log-group:").removesuffix(":*")
        if self.account != Value(group.account):
            # CloudWatch Logs takes a name, and would answer about this account's group of that name.
            return Failed(f"log group {name} is of account {group.account}: check it from there")

        def subscriptions() -> tuple[Subscription, ...]:
            return tuple(
                Subscription(name, each["filterName"], str(Arn.parse(each["destinationArn"])))
                for page in self.aws.pages(
                    "logs", "DescribeSubscriptionFilters", in_region=group.region, logGroupName=name
                )
                for each in page["subscriptionFilters"]
            )

        return ask(subscriptions, absent={"ResourceNotFoundException": f"there is no log group {name}"})

    def _own(self) -> set[str]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
        pages = self.aws.pages("s3", "ListBuckets", in_region=self.region)
        return {bucket["Name"] for page in pages for bucket in page["Buckets"]}

    def _belongs(self, bucket: str, account: str) -> bool | None:
        """Whether the bucket is of the account; ``None`` if S3 does not say: it is of another, or may not be listed."""
        try:
            self.aws.call("s3", "HeadBucket", in_region=self.region, Bucket=bucket, ExpectedBucketOwner=account)
        except AccessDenied:
            return None
        except ApiError as error:
            if error.code == "404":
                return False
            raise
        return True


def _replica(place: int, rule: Answer) -> Replica:
    arn = rule["Destination"]["Bucket"]
    where = rule.get("Filter", {})
    prefix = where.get("Prefix") or where.get("And", {}).get("Prefix") or rule.get("Prefix") or ""
    return Replica(
        rule=rule.get("ID") or f"number {place + 1}",
        bucket=checked_bucket_name(Arn.parse(arn).resource),
        prefix=prefix,
        place=place,
        is_enabled=rule["Status"] != "Disabled",
    )
