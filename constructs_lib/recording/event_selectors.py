"""Which events the trail records: typed builders for advanced event selectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from constructs_lib.recording.event_fields import (
    CATEGORY,
    READ_WRITE,
    REQUIRED_FIELD,
    Condition,
    EventCategory,
    Operator,
    ReadWrite,
    check_condition,
)
from constructs_lib.validation.argument_types import BOOLEAN, BUCKET, FUNCTION, STRING, TABLE, instance_of

if TYPE_CHECKING:  # only named in signatures, and slow to load
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_s3 as s3

_MAX_NAME_LENGTH: Final = 1000

S3_OBJECT: Final = "AWS::S3::Object"
_CONDITION: Final = instance_of("Condition", "Condition('eventName', Operator.EQUALS, ('DeleteObject',))")


@dataclass(frozen=True, slots=True)
class EventSelector:
    """Which events of one category are recorded: those that meet all conditions. Class methods build the usual ones.

    :param name: what people read in the console, 1 to 1,000 characters.
    :param category: the kind of events.
    :param conditions: further conditions; none records every event of the category.
    :raises TypeError: a field or an argument of another type.
    :raises ValueError: a field, an operator or a value that CloudTrail would refuse.
    """

    name: str
    category: EventCategory
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        STRING.check("EventSelector", name=self.name)
        CATEGORY.check("EventSelector", category=self.category)
        _CONDITION.several.check("EventSelector", conditions=self.conditions)
        if not 1 <= len(self.name) <= _MAX_NAME_LENGTH and not cdk.Token.is_unresolved(self.name):
            raise ValueError(
                f"the event selector's name has {len(self.name)} characters. Allowed: 1 to {_MAX_NAME_LENGTH}. "
                "Fix: write a short one; it is only a label."
            )
        for condition in self.conditions:
            check_condition(self.name, self.category, condition)
        required = REQUIRED_FIELD[self.category]
        if required is not None and len(self.values_of(required)) != 1:
            raise ValueError(
                f"event selector {self.name!r} ({self.category.value}) has {list(self.values_of(required))} for "
                f"{required}. Allowed: exactly one value. Fix: write one selector for each value of {required}."
            )

    def values_of(self, field: str) -> tuple[str, ...]:
        """All values that the conditions on this field name, in order."""
        return tuple(value for condition in self.conditions if condition.field == field for value in condition.values)

    @property
    def read_write(self) -> ReadWrite:
        """Whether reading calls, writing calls or both are recorded."""
        return ReadWrite(next(iter(self.values_of("readOnly")), None))

    @classmethod
    def management(
        cls, *, read_write: ReadWrite = ReadWrite.ALL, exclude_event_sources: Sequence[str] = ()
    ) -> EventSelector:
        """Management events: operations on resources, the control plane.

        :param read_write: which of them. Default: - both.
        :param exclude_event_sources: ``kms.amazonaws.com`` and ``rdsdata.amazonaws.com``, the two high-volume services
            that CloudTrail can exclude. Excluded events cannot be investigated. Default: - none.
        """
        READ_WRITE.check(read_write=read_write)
        STRING.several.check(exclude_event_sources=exclude_event_sources)
        excluded = _condition("eventSource", Operator.NOT_EQUALS, exclude_event_sources)
        return cls("Management events", EventCategory.MANAGEMENT, (*excluded, *_read_write(read_write)))

    @classmethod
    def data(
        cls,
        resource_type: str,
        *,
        arns: Sequence[str] = (),
        arn_prefixes: Sequence[str] = (),
        event_names: Sequence[str] = (),
        read_write: ReadWrite = ReadWrite.ALL,
    ) -> EventSelector:
        """Data events: operations on the content of resources of one type, the data plane.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html lists types.

        :param resource_type: such as ``AWS::SQS::Queue``.
        :param arns: only these resources. Default: - all.
        :param arn_prefixes: only resources whose ARN starts with one of these. Default: - all.
        :param event_names: only these calls, such as ``DeleteObject``. Default: - all.
        :param read_write: which of them. Default: - both.
        """
        STRING.check(resource_type=resource_type)
        STRING.several.check(arns=arns, arn_prefixes=arn_prefixes, event_names=event_names)
        READ_WRITE.check(read_write=read_write)
        conditions = (
            *_condition("resources.type", Operator.EQUALS, [resource_type]),
            *_condition("resources.ARN", Operator.EQUALS, arns),
            *_condition("resources.ARN", Operator.STARTS_WITH, arn_prefixes),
            *_condition("eventName", Operator.EQUALS, event_names),
            *_read_write(read_write),
        )
        return cls(f"Data events of {resource_type}", EventCategory.DATA, conditions)

    @classmethod
    def s3_objects(
        cls,
        *buckets: s3.IBucket,
        event_names: Sequence[str] = (),
        read_write: ReadWrite = ReadWrite.ALL,
    ) -> EventSelector:
        """Data events of objects in these buckets, or in all; the trail's own buckets are always excluded."""
        BUCKET.several.check(buckets=buckets)
        prefixes = [f"{bucket.bucket_arn}/" for bucket in buckets]
        return cls.data(S3_OBJECT, arn_prefixes=prefixes, event_names=event_names, read_write=read_write)

    @classmethod
    def lambda_invocations(cls, *functions: lambda_.IFunction | lambda_.Function) -> EventSelector:
        """Invocations of these functions, or of all."""
        FUNCTION.several.check(functions=functions)
        return cls.data("AWS::Lambda::Function", arns=[function.function_arn for function in functions])

    @classmethod
    def dynamodb_items(cls, *tables: dynamodb.ITable, read_write: ReadWrite = ReadWrite.ALL) -> EventSelector:
        """Data events of items in these tables, or in all."""
        TABLE.several.check(tables=tables)
        arns = [table.table_arn for table in tables]
        return cls.data("AWS::DynamoDB::Table", arns=arns, read_write=read_write)

    @classmethod
    def network_activity(
        cls, event_source: str, *, vpc_endpoint_ids: Sequence[str] = (), only_denied: bool = False
    ) -> EventSelector:
        """Calls to one service through VPC endpoints, also those that the endpoint's policy denied.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-network-events-with-cloudtrail.html

        :param event_source: the service, such as ``s3.amazonaws.com``.
        :param vpc_endpoint_ids: only through these endpoints. Default: - all.
        :param only_denied: only what an endpoint's policy denied. Default: - everything.
        """
        STRING.check(event_source=event_source)
        STRING.several.check(vpc_endpoint_ids=vpc_endpoint_ids)
        BOOLEAN.check(only_denied=only_denied)
        conditions = (
            *_condition("eventSource", Operator.EQUALS, [event_source]),
            *_condition("vpcEndpointId", Operator.EQUALS, vpc_endpoint_ids),
            *_condition("errorCode", Operator.EQUALS, ["VpceAccessDenied"] if only_denied else []),
        )
        return cls(f"Network activity of {event_source}", EventCategory.NETWORK_ACTIVITY, conditions)


def _condition(field: str, operator: Operator, values: Sequence[str]) -> tuple[Condition, ...]:
    return (Condition(field, operator, tuple(values)),) if values else ()


def _read_write(read_write: ReadWrite) -> tuple[Condition, ...]:
    return () if read_write.value is None else (Condition("readOnly", Operator.EQUALS, (read_write.value,)),)
