"""A trail, as delivery needs it, and which records it wants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.delivery.selectors import DEFAULT_SELECTORS, Record, Selector, selectors

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
_GLOBAL_SERVICES = frozenset({"cloudfront.amazonaws.com", "iam.amazonaws.com", "route53.amazonaws.com"})

# When log file validation was turned on, in epoch seconds: kept with the emulator's trail.
VALIDATED_AT = "_ValidatedAt"


@dataclass(frozen=True, slots=True)
class Trail:
    """One trail's settings. `prefix` and `kms_key_arn` are '' when there is none; `chain_since_seconds` is
    when logging or log file validation began, whichever came last, in epoch seconds, and `first_since_seconds` the same
    for when logging began for the first time.
    """

    arn: str
    name: str
    account: str
    home_region: str
    bucket: str
    prefix: str = ""
    kms_key_arn: str = ""
    is_multi_region: bool = False
    includes_global_services: bool = True
    validates_log_files: bool = False
    is_logging: bool = False
    chain_since_seconds: int = 0
    first_since_seconds: int = 0
    selectors: tuple[Selector, ...] = DEFAULT_SELECTORS

    def wants(self, record: Record) -> bool:
        """Whether this trail, when it is logging, delivers a record.

        A trail of one region takes that region's events; events of global services happen in us-east-1, so that a
        trail of any other single region never sees them.
        """
        if record["recipientAccountId"] != self.account:
            return False
        if not self.is_multi_region and record["awsRegion"] != self.home_region:
            return False
        if record["eventSource"] in _GLOBAL_SERVICES and not self.includes_global_services:
            return False
        return any(each.selects(record) for each in self.selectors)

    def regional_arn(self, region: str) -> str:
        """The trail's ARN as CloudTrail in another region writes it, for instance in an encryption context."""
        return f"arn:aws:cloudtrail:{region}:{self.account}:trail/{self.name}"


def read_trail(settings: Mapping[str, Any], account: str, chosen: Iterable[Mapping[str, Any]] | None) -> Trail:
    """Reads a trail as the emulator keeps it.

    :param chosen: its event selectors as the API writes them; None for the default ones.
    """
    return Trail(
        arn=settings["TrailARN"],
        name=settings["Name"],
        account=account,
        home_region=settings["HomeRegion"],
        bucket=settings["S3BucketName"],
        prefix=settings.get("S3KeyPrefix") or "",
        kms_key_arn=settings.get("KmsKeyId") or "",
        is_multi_region=bool(settings["IsMultiRegionTrail"]),
        includes_global_services=bool(settings["IncludeGlobalServiceEvents"]),
        validates_log_files=bool(settings["LogFileValidationEnabled"]),
        is_logging=bool(settings["IsLogging"]),
        chain_since_seconds=_latest(settings, "_StartedAt", VALIDATED_AT),
        first_since_seconds=_latest(settings, "_FirstStartedAt", VALIDATED_AT),
        selectors=DEFAULT_SELECTORS if chosen is None else selectors(chosen),
    )


def _latest(settings: Mapping[str, Any], *moments: str) -> int:
    return max(int(settings.get(moment) or 0) for moment in moments)


@dataclass(frozen=True, slots=True)
class Stream:
    """A trail, by ARN, and the region whose events it delivers."""

    trail: str
    region: str
