"""A value is weaker, or it is not: the orders of the controls, and what selectors no longer record."""

import itertools
import math
from typing import Any

import pytest

from securetrail.review.controls.alerts import alarm_threshold, event_pattern, takes_less
from securetrail.review.controls.recording import no_longer_recorded, recording
from securetrail.review.controls.table import CONTROLS
from securetrail.review.controls.values import Exposed, Fixed, Level, Needed, Unknown, weakening
from securetrail.review.template import NotComparable

pytestmark = pytest.mark.fast

SETS = [frozenset(chosen) for size in range(3) for chosen in itertools.combinations("ab", size)]
VALUES: list[list[Any]] = [
    [Level(rank, f"{rank}") for rank in (0.0, 1.0, 2.5, 365.0, math.inf)],
    [Needed(each) for each in SETS],
    [Exposed(each) for each in SETS],
]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: type(values[0]).__name__)
def test_weaker_is_an_order(values: list[Any]) -> None:
    for first, second, third in itertools.product(values, repeat=3):
        assert weakening(first, first) is None
        # What is not weaker twice is not weaker at once.
        if weakening(first, second) is None and weakening(second, third) is None:
            assert weakening(first, third) is None
        if first != second:
            assert weakening(first, second) is not None or weakening(second, first) is not None


def test_what_is_not_known_is_no_yes_unless_nothing_changed() -> None:
    unknown = Unknown("a parameter", "X")

    assert weakening(unknown, Unknown("a parameter", "X")) is None
    for before, after in ((unknown, Level(1, "1")), (Level(1, "1"), unknown), (unknown, Unknown("a parameter", "Y"))):
        found = weakening(before, after)
        assert found is not None
        assert not found.is_known


def test_a_fixed_value_may_come_and_not_change() -> None:
    assert weakening(Fixed(""), Fixed("a")) is None
    changed, gone = weakening(Fixed("a"), Fixed("b")), weakening(Fixed("a"), Fixed(""))
    assert changed is not None
    assert gone is not None
    assert (changed.is_lost, gone.is_lost) == (False, True)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{control.types[0]} {control.id}")
def test_every_control_reads_a_resource_without_properties_and_one_that_cannot_be_resolved(control: Any) -> None:
    nothing = control.read({})
    assert control.compare(nothing, nothing) is None
    gap = NotComparable("a parameter without a value", "{}")

    class Everything(dict[str, Any]):
        """Whatever is asked for cannot be resolved."""

        def __contains__(self, _name: object) -> bool:
            return True

        def __getitem__(self, _name: str) -> Any:
            return gap

        def get(self, _name: str, _default: Any = None) -> Any:
            return gap

    found = control.compare(nothing, control.read(Everything()))
    assert found is None or not found.is_known


def test_ids_are_unique_for_each_type() -> None:
    named = [(control.id, of_type) for control in CONTROLS for of_type in control.types]

    assert len(named) == len({*named}) >= 80


# ---- selectors ------------------------------------------------------------------------------------------------------


def management(**fields: Any) -> dict[str, Any]:
    return advanced("Management", **fields)


def advanced(category: str, **fields: Any) -> dict[str, Any]:
    selectors = [{"Field": "eventCategory", "Equals": [category]}]
    for name, value in fields.items():
        operators = value if isinstance(value, dict) else {"Equals": value}
        selectors.append({"Field": name.replace("_", "."), **operators})
    return {"FieldSelectors": selectors}


def lost(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> tuple[str, ...]:
    return no_longer_recorded(
        *(
            recording({"AdvancedEventSelectors" if each and "FieldSelectors" in each[0] else "EventSelectors": each})
            for each in (before, after)
        )
    )


CLASSIC_ALL = {"ReadWriteType": "All", "IncludeManagementEvents": True}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [management()]),
        ([CLASSIC_ALL], [management()]),
        ([management()], [CLASSIC_ALL]),
        ([management()], [management(readOnly=["true"]), management(readOnly=["false"])]),
        ([management(readOnly=["false"])], [management()]),
        ([{**CLASSIC_ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}], [{}]),
        (
            [{**CLASSIC_ALL, "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}]}],
            [management(), advanced("Data", resources_type=["AWS::S3::Object"])],
        ),
        (
            [advanced("Data", resources_type=["AWS::S3::Object"], eventName=["DeleteObject"])],
            [advanced("Data", resources_type=["AWS::S3::Object"], eventName={"StartsWith": ["Delete"]})],
        ),
    ],
)
def test_selectors_that_record_as_much_lose_nothing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert lost(before, after) == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], [management(readOnly=["false"])], ("management events that only read",)),
        ([management()], [management(readOnly=["true"])], ("management events that write",)),
        (
            [management()],
            [management(eventSource={"NotEquals": ["kms.amazonaws.com"]})],
            ("management events whose eventSource is kms.amazonaws.com",),
        ),
        (
            [CLASSIC_ALL],
            [{**CLASSIC_ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}],
            ("management events whose eventSource is kms.amazonaws.com",),
        ),
        (
            [management()],
            [management(eventName=["DeleteTrail"])],
            ("management events whose eventName is not DeleteTrail",),
        ),
        (
            [management(), advanced("Data", resources_type=["AWS::S3::Object"])],
            [management()],
            ("data events whose resources.type is AWS::S3::Object",),
        ),
        (
            [CLASSIC_ALL],
            [{"ReadWriteType": "All", "IncludeManagementEvents": "false"}],
            ("management events",),
        ),
    ],
)
def test_what_is_no_longer_recorded_is_said(
    before: list[dict[str, Any]], after: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    assert lost(before, after) == words
    assert lost(after, before) == ()


def test_selectors_that_are_too_many_to_compare_are_not_compared() -> None:
    many = [advanced("Data", eventName=[f"e{n}" for n in range(400)], resources_ARN=[f"a{n}" for n in range(400)])]

    with pytest.raises(ValueError, match="too many values"):
        lost(many, [])


# ---- rules and alarms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        ({"source": ["aws.s3"]}, {"source": ["aws.s3", "aws.kms"]}, False),
        ({"source": ["aws.s3", "aws.kms"]}, {"source": ["aws.s3"]}, True),
        ({"source": ["aws.s3"]}, {"source": ["aws.s3"], "detail": {"eventName": ["x"]}}, True),
        ({"source": ["aws.s3"], "detail": {"eventName": ["x"]}}, {"source": ["aws.s3"]}, False),
        ({"source": [{"prefix": "aws."}]}, {"source": [{"prefix": "aws.s"}]}, True),
        ({"source": ["aws.s3"]}, None, True),
    ],
)
def test_a_rule_that_takes_fewer_events_is_weaker(before: Any, after: Any, weaker: bool) -> None:  # noqa: FBT001 (a case's)
    values = [event_pattern({} if each is None else {"EventPattern": each}) for each in (before, after)]

    assert (takes_less(values[0], values[1]) is not None) is weaker


@pytest.mark.parametrize(
    ("operator", "before", "after", "weaker"),
    [
        ("GreaterThanOrEqualToThreshold", 1, 5, True),
        ("GreaterThanOrEqualToThreshold", 5, 1, False),
        ("LessThanThreshold", 1, 5, False),
        ("LessThanThreshold", 5, 1, True),
        ("LessThanThreshold", -1, -5, True),
        ("GreaterThanThreshold", 0, 1, True),
    ],
)
def test_a_threshold_that_is_farther_away_is_weaker(
    operator: str,
    before: float,
    after: float,
    weaker: bool,  # noqa: FBT001 (a case's)
) -> None:
    first, second = (alarm_threshold({"ComparisonOperator": operator, "Threshold": each}) for each in (before, after))

    assert (weakening(first, second) is not None) is weaker
