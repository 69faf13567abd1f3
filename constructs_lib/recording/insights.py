"""CloudTrail Insights, which reports unusual activity, and event aggregation, which summarizes data events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from aws_cdk import aws_cloudtrail as cloudtrail

from constructs_lib.recording.event_fields import CATEGORY, EventCategory, ReadWrite
from constructs_lib.recording.event_selectors import EventSelector
from constructs_lib.validation.argument_types import instance_of

_TYPE: Final = instance_of("InsightType", "InsightType.API_CALL_RATE")
# What a trail without selectors records: every management event.
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
_DEFAULT: Final = (EventSelector.management(),)


class InsightType(Enum):
    """What CloudTrail Insights analyzes."""

    API_CALL_RATE = "ApiCallRateInsight"
    API_ERROR_RATE = "ApiErrorRateInsight"


class AggregationTemplate(Enum):
    """How CloudTrail summarizes data events."""

    API_ACTIVITY = "API_ACTIVITY"
    RESOURCE_ACCESS = "RESOURCE_ACCESS"
    USER_ACTIONS = "USER_ACTIONS"


@dataclass(frozen=True, slots=True)
class Insight:
    """Unusual activity that CloudTrail reports on.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html

    :param type: what is analyzed.
    :param categories: management events, data events or both. Default: - management events.
    :raises TypeError: a field of another type.
    """

    type: InsightType
    categories: tuple[EventCategory, ...] = (EventCategory.MANAGEMENT,)

    def __post_init__(self) -> None:
        _TYPE.check("Insight", type=self.type)
        CATEGORY.several.check("Insight", categories=self.categories)


def check_insights(insights: Sequence[Insight], selectors: Sequence[EventSelector] | None) -> None:
    """Refuse insights that CloudTrail would refuse.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutInsightSelectors.html says which events each
    type of insight needs in the trail.

    :raises ValueError: an insight watches events that the trail does not record, or is asked for twice.
    """
    types = [insight.type for insight in insights]
    for insight in insights:
        if types.count(insight.type) > 1:
            raise ValueError(
                f"insights names {insight.type.name} {types.count(insight.type)} times. Allowed: once. "
                "Fix: give one Insight both categories: (EventCategory.MANAGEMENT, EventCategory.DATA)."
            )
        if not insight.categories or EventCategory.NETWORK_ACTIVITY in insight.categories:
            raise ValueError(
                f"the insight {insight.type.name} watches {[category.name for category in insight.categories]}. "
                "Allowed: MANAGEMENT, DATA or both. Fix: name one of these, or leave categories out."
            )
        for category in insight.categories:
            _check_recorded(insight, category, selectors)


def insight_selectors(insights: Sequence[Insight]) -> list[cloudtrail.CfnTrail.InsightSelectorProperty]:
    """The insights as CloudFormation takes them."""
    return [
        cloudtrail.CfnTrail.InsightSelectorProperty(
            insight_type=insight.type.value, event_categories=[category.value for category in insight.categories]
        )
        for insight in insights
    ]


def _check_recorded(insight: Insight, category: EventCategory, selectors: Sequence[EventSelector] | None) -> None:
    recorded = [selector for selector in selectors or _DEFAULT if selector.category is category]
    needs_writes = category is EventCategory.MANAGEMENT and insight.type is InsightType.API_CALL_RATE
    if needs_writes:
        recorded = [selector for selector in recorded if selector.read_write is not ReadWrite.READ_ONLY]
    if not recorded:
        events = f"{'writing ' if needs_writes else ''}{category.name} events"
        raise ValueError(
            f"the insight {insight.type.name} watches {events}, and event_selectors records none. "
            f"Allowed: an insight on events that the trail records. Fix: add a selector for {events}, or leave this "
            "insight out."
        )


def check_aggregation(templates: Sequence[AggregationTemplate], selectors: Sequence[EventSelector] | None) -> None:
    """Refuse summaries that CloudTrail would refuse.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AggregationConfiguration.html

    :raises ValueError: a template is named twice, or the trail records no data event to summarize.
    """
    if len(set(templates)) != len(templates):
        raise ValueError(
            f"aggregation names {[template.name for template in templates]}. Allowed: each template once. "
            "Fix: remove the second one."
        )
    if templates and not any(selector.category is EventCategory.DATA for selector in selectors or ()):
        raise ValueError(
            f"aggregation summarizes data events ({', '.join(template.name for template in templates)}), and "
            "event_selectors records none. Allowed: aggregation beside a data event selector. "
            "Fix: add for example EventSelector.s3_objects() to event_selectors, or leave aggregation out."
        )


def aggregation_configurations(
    templates: Sequence[AggregationTemplate],
) -> list[cloudtrail.CfnTrail.AggregationConfigurationProperty]:
    """The summaries of data events as CloudFormation takes them."""
    return [
        cloudtrail.CfnTrail.AggregationConfigurationProperty(
            event_category=EventCategory.DATA.value, templates=[template.value for template in templates]
        )
    ]
