"""The trails of an account, as DescribeTrails shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.arn import Arn
from verify.bucket_name import checked_bucket_name
from verify.errors import CannotLook, UsageError
from verify.fact import Fact, Missing, Value

if TYPE_CHECKING:
    from verify.aws import Answer, Aws


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail as DescribeTrails shows it.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html

    :param log_group: an ARN, as ``topic``, which CloudTrail tells of each delivery.
    """

    name: str
    arn: str
    home_region: str
    bucket: str
    prefix: str | None
    key_reference: str | None
    is_multi_region: bool
    validates_log_files: bool
    records_global_events: bool
    is_organization: bool = False
    log_group: str | None = None
    topic: str | None = None

    @property
    def account(self) -> str:
        """The account that it belongs to."""
        return Arn.parse(self.arn).account

    @property
    def place(self) -> tuple[str, str]:
        """The bucket and the prefix, ``""`` for none."""
        return self.bucket, self.prefix or ""


def home_region_of(trail: str | None) -> str | None:
    """The home region that a trail's ARN names; ``None`` for a plain name.

    :raises UsageError: an ARN, but not a trail's.
    """
    arn = trail_arn(trail)
    return arn.region if arn else None


def trail_arn(trail: str | None) -> Arn | None:
    """A trail's ARN, taken apart; ``None`` for a plain name.

    :raises UsageError: an ARN, but not a trail's.
    """
    if trail is None or not trail.startswith("arn:"):
        return None
    try:
        arn = Arn.parse(trail)
    except ValueError as error:
        raise UsageError(f"--trail: {error}") from error
    if arn.service != "cloudtrail" or not arn.resource.startswith("trail/") or not arn.region:
        raise UsageError(
            f"--trail: {trail!r} is not a trail's ARN, which is arn:partition:cloudtrail:region:account:trail/name."
        )
    return arn


def name_of(trail: str) -> str:
    """The name in a trail's name or ARN."""
    return trail.rpartition("trail/")[2] if trail.startswith("arn:") else trail


def trails_in(aws: Aws, region: str) -> tuple[Trail, ...]:
    """The trails that reach this region, multi-region trails of other home regions included.

    :raises CannotLook: AWS could not be asked, or named what can be no trail and no bucket.
    """
    answer = aws.call("cloudtrail", "DescribeTrails", in_region=region)
    try:
        return tuple(map(_parsed, answer["trailList"]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        detail = error if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise CannotLook(
            f"cloudtrail:DescribeTrails gave an answer that is not AWS's ({detail}). Check --endpoint-url."
        ) from error


def _parsed(answer: Answer) -> Trail:
    arn = Arn.parse(answer["TrailARN"])
    if (arn.resource, arn.region) != (f"trail/{answer['Name']}", answer["HomeRegion"]):
        raise ValueError(f"{arn} is not the ARN of trail {answer['Name']!r} of {answer['HomeRegion']!r}")
    return Trail(
        name=str(answer["Name"]),
        arn=str(arn),
        home_region=str(answer["HomeRegion"]),
        bucket=checked_bucket_name(answer["S3BucketName"]),
        prefix=_text(answer.get("S3KeyPrefix")),
        key_reference=_text(answer.get("KmsKeyId")),
        is_multi_region=bool(answer.get("IsMultiRegionTrail")),
        validates_log_files=bool(answer.get("LogFileValidationEnabled")),
        records_global_events=bool(answer.get("IncludeGlobalServiceEvents")),
        is_organization=bool(answer.get("IsOrganizationTrail")),
        log_group=_arn(answer.get("CloudWatchLogsLogGroupArn")),
        topic=_arn(answer.get("SnsTopicARN")),
    )


def _arn(value: object) -> str | None:
    text = _text(value)
    return str(Arn.parse(text)) if text else None


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value or None


def pick_trail(trails: tuple[Trail, ...], wanted: str, region: str) -> Fact[Trail]:
    """The trail of that name or ARN; when there is none, the answer names those that exist."""
    fitting = [trail for trail in trails if wanted in (trail.name, trail.arn)]
    # Two home regions can each have a trail of this name; the one of this region is preferred.
    fitting.sort(key=lambda trail: trail.home_region != region)
    if fitting:
        return Value(fitting[0])
    others = ", ".join(sorted(trail.name for trail in trails)) or "none"
    return Missing(f"there is no trail {name_of(wanted)} in {region}; trails there: {others}")
