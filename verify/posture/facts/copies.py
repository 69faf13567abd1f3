"""Questions about copies of the log files and their events: where they go, and whose that is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verify.arn import Arn
from verify.aws import Answer, Aws
from verify.bucket_name import checked_bucket_name
from verify.errors import AccessDenied, ApiError
from verify.fact import Fact, Failed, Missing, Value, ask, then
from verify.posture.facts.key import of_each
from verify.posture.facts.trail import AccountSubscription, Owners, Replica, Replication, Subscription
from verify.trail import Trail

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
_SPARED = re.compile(r"\s*LogGroupName\s+NOT\s+IN\s*(\[.*\])\s*", re.DOTALL)


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

    def account_subscriptions(self, trail: Trail) -> Fact[tuple[AccountSubscription, ...]]:
        """Where CloudWatch Logs sends the events of the account's log groups; not asked for a trail without one.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeAccountPolicies.html
        """
        if trail.log_group is None:
            return Value(())
        group = Arn.parse(trail.log_group)
        if self.account != Value(group.account):
            return Failed(f"the log group is of account {group.account}: check it from there")

        def policies() -> tuple[AccountSubscription, ...]:
            pages = self.aws.token_pages(
                "logs",
                "DescribeAccountPolicies",
                "nextToken",
                in_region=group.region,
                policyType="SUBSCRIPTION_FILTER_POLICY",
            )
            return tuple(_account_subscription(each) for page in pages for each in page["accountPolicies"])

        return ask(policies)

    def event_data_stores(self, region: str) -> Fact[tuple[str, ...]]:
        """The ARNs of the event data stores of CloudTrail Lake in a region.

        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListEventDataStores.html
        """

        def arns() -> tuple[str, ...]:
            pages = self.aws.token_pages("cloudtrail", "ListEventDataStores", "NextToken", in_region=region)
            return tuple(
                str(Arn.parse(each["EventDataStoreArn"])) for page in pages for each in page["EventDataStores"]
            )

        # Where there is no CloudTrail Lake there are no event data stores. Its other errors say nothing of the kind:
        # not permitted, or that an organization's management account lacks a role.
        found = ask(arns, absent={"UnsupportedOperationException": "CloudTrail Lake is not there"})
        return Value(()) if isinstance(found, Missing) else found

    def event_data_store_policies(self, arns: tuple[str, ...]) -> Fact[Mapping[str, str]]:
        """The policy of each event data store that has one, with that of an organization's delegated administrators.

        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetResourcePolicy.html
        """

        def policy(arn: str) -> Fact[str]:
            found = ask(
                lambda: _policy_of_store(
                    self.aws.call("cloudtrail", "GetResourcePolicy", in_region=Arn.parse(arn).region, ResourceArn=arn)
                ),
                absent=dict.fromkeys(("ResourcePolicyNotFoundException", "ResourceNotFoundException"), "no policy"),
            )
            return then(found, lambda text: Missing("no policy") if text is None else Value(text))

        return of_each(arns, policy)

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


def _account_subscription(policy: Answer) -> AccountSubscription:
    selection = str(policy.get("selectionCriteria") or "")
    spared = _SPARED.fullmatch(selection)
    return AccountSubscription(
        policy["policyName"],
        str(Arn.parse(json.loads(policy["policyDocument"])["DestinationArn"])),
        tuple(json.loads(spared[1])) if spared else None if selection.strip() else (),
    )


def _policy_of_store(answer: Answer) -> str | None:
    """The policy that somebody wrote, followed by the statements that CloudTrail makes for delegated administrators:
    both are evaluated, as one. ``None`` where there is neither.
    """
    texts = [str(answer[name]) for name in ("ResourcePolicy", "DelegatedAdminResourcePolicy") if answer.get(name)]
    if len(texts) < 2:
        if not texts and not answer.get("ResourceArn"):
            raise LookupError("neither ResourcePolicy nor ResourceArn")
        return next(iter(texts), None)
    written, made = map(json.loads, texts)
    if written.get("Version") != made.get("Version") and any("${" in text for text in texts):
        raise ValueError("its two policies disagree on variables")
    statements = [part if isinstance(part, list) else [part] for part in (written["Statement"], made["Statement"])]
    return json.dumps({**made, "Statement": [*statements[0], *statements[1]]})


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
