"""Ask AWS everything that the score needs, once and concurrently."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from verify.aws import Aws
from verify.fact import Denied, Fact, Failed, Missing, Value, ask, then
from verify.posture.facts.recording import RecordingQuestions
from verify.posture.score.facts import AccountFacts, Buckets, ByRegion, TrailSummary
from verify.posture.score.questions import AccountQuestions
from verify.threads import concurrently
from verify.trail import trails_in

T = TypeVar("T")
S = TypeVar("S")

_WORKERS = 12
# How many keys, or buckets, are asked about at the same time.
_DETAIL_WORKERS = 8

PERMISSIONS = (
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "access-analyzer:ListAnalyzers",
    "s3:GetAccountPublicAccessBlock",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "kms:ListKeys",
    "kms:DescribeKey",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:GetEventSelectors",
    "ec2:DescribeRegions",
    "s3:ListAllMyBuckets",
    "s3:GetEncryptionConfiguration",
    "guardduty:ListDetectors",
    "guardduty:GetDetector",
    "securityhub:DescribeHub",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeConfigRules",
)


def collect_account(aws: Aws, account: Fact[str]) -> AccountFacts:
    """Ask about the account: about what belongs to a region, in every region that is enabled."""
    ask_about = AccountQuestions(aws)
    regions = ask_about.regions()
    with concurrently(_WORKERS) as pool, concurrently(_DETAIL_WORKERS) as detail_pool:

        def everywhere(question: Callable[[AccountQuestions], Fact[T]]) -> Callable[[], ByRegion[T]]:
            """Asked in all regions at once, or in the session's where they are not known; the result waits."""
            names = regions.value if isinstance(regions, Value) else (aws.region,)
            asked = {name: pool.submit(question, AccountQuestions(aws, name)) for name in names}
            others = {} if isinstance(regions, Value) else {"the other regions": regions}
            return lambda: {name: answer.result() for name, answer in asked.items()} | others

        minimum_password_length = pool.submit(ask_about.minimum_password_length)
        root = pool.submit(ask_about.root)
        blocks_public_access = pool.submit(then, account, ask_about.blocks_public_access)
        customer_key = pool.submit(_customer_key, aws, detail_pool)
        trails = pool.submit(_trails, aws, account)
        buckets = pool.submit(_buckets, aws, detail_pool)
        config_rules = pool.submit(ask_about.config_rules)
        analyzers = everywhere(AccountQuestions.analyzers)
        open_groups = everywhere(AccountQuestions.open_groups)
        default_vpcs = everywhere(AccountQuestions.default_vpcs)
        detectors = everywhere(AccountQuestions.detectors)
        hub = everywhere(AccountQuestions.hub)
        recorders = everywhere(AccountQuestions.recorders)
        return AccountFacts(
            minimum_password_length=minimum_password_length.result(),
            root=root.result(),
            analyzers=analyzers(),
            blocks_public_access=blocks_public_access.result(),
            open_groups=open_groups(),
            default_vpcs=default_vpcs(),
            customer_key=customer_key.result(),
            trails=trails.result(),
            buckets=buckets.result(),
            detectors=detectors(),
            hub=hub(),
            recorders=recorders(),
            config_rules=config_rules.result(),
        )


def _trails(aws: Aws, account: Fact[str]) -> Fact[tuple[TrailSummary, ...]]:
    recording = RecordingQuestions(aws, account)
    return ask(
        lambda: tuple(
            TrailSummary(
                name=trail.name,
                is_multi_region=trail.is_multi_region,
                is_encrypted_with_kms=trail.key_reference is not None,
                validates_log_files=trail.validates_log_files,
                status=recording.status(trail),
                selectors=recording.selectors(trail),
                asked_at=datetime.now(UTC) + aws.clock_skew(),
            )
            for trail in trails_in(aws, aws.region)
        )
    )


def _customer_key(aws: Aws, detail_pool: ThreadPoolExecutor) -> Fact[str]:
    """An enabled customer-managed key. Where none is found and some could not be described, it is not known."""

    def described(key_id: str) -> Fact[str | None]:
        def arn() -> str | None:
            key = aws.call("kms", "DescribeKey", KeyId=key_id)["KeyMetadata"]
            return str(key["Arn"]) if key["KeyManager"] == "CUSTOMER" and key["KeyState"] == "Enabled" else None

        return ask(arn)

    ids = ask(lambda: [key["KeyId"] for page in aws.pages("kms", "ListKeys") for key in page["Keys"]])
    if not isinstance(ids, Value):
        return ids
    not_read: Denied | Failed | None = None
    for _, fact in _each(detail_pool, described, ids.value):
        if isinstance(fact, Value):
            if fact.value:
                return Value(fact.value)
        elif not isinstance(fact, Missing):
            not_read = fact
    return not_read or Missing(f"none of {len(ids.value)} keys is customer-managed and enabled")


def _buckets(aws: Aws, detail_pool: ThreadPoolExecutor) -> Fact[Buckets]:
    def encrypts(bucket: str) -> Fact[bool]:
        return ask(
            lambda: bool(
                aws.call("s3", "GetBucketEncryption", Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
            ),
            # Made before S3 encrypted by itself.
            absent={"ServerSideEncryptionConfigurationNotFoundError": "no default encryption"},
        )

    def buckets() -> Buckets:
        names = [bucket["Name"] for page in aws.pages("s3", "ListBuckets") for bucket in page["Buckets"]]
        unencrypted, not_read = [], None
        for name, fact in _each(detail_pool, encrypts, names):
            if isinstance(fact, Missing) or fact == Value(value=False):
                unencrypted.append(name)
            elif not isinstance(fact, Value):
                not_read = f"{name}: {fact}"
        return Buckets(len(names), tuple(unencrypted), not_read)

    return ask(buckets)


def _each(
    detail_pool: ThreadPoolExecutor, question: Callable[[S], Fact[T]], about: Iterable[S]
) -> Iterable[tuple[S, Fact[T]]]:
    """The question about each thing, several at a time and in the order of the things."""
    things = list(about)
    return zip(things, detail_pool.map(question, things), strict=True)
