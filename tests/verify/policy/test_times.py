"""A policy's times: whatever it decides at some time, it decides at one of those that are looked at."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy.document import parse_policy
from verify.policy.evaluation import Principal, PrincipalKind, Request, at_all_times, decide, decide_each
from verify.policy.times import context_at, later_times, moment

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
SERVICE = Principal(PrincipalKind.SERVICE, "cloudtrail.amazonaws.com")
ORDERS = ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals", "Equals", "NotEquals")
# Close together, so that windows of a second or two are among them.
seconds = st.integers(-3, 12)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for _ in range(draw(st.integers(1, 3))):
        time = NOW + timedelta(seconds=draw(seconds))
        order = draw(st.sampled_from(ORDERS))
        if draw(st.booleans()):
            found.setdefault(f"Date{order}", {})["aws:CurrentTime"] = f"{time:%Y-%m-%dT%H:%M:%SZ}"
        else:
            kind = draw(st.sampled_from(("Date", "Numeric")))
            found.setdefault(f"{kind}{order}", {})["aws:EpochTime"] = str(int(time.timestamp()))
    return found


statements = st.lists(st.tuples(st.sampled_from(("Allow", "Deny")), conditions()), min_size=1, max_size=4)


def request(at: datetime) -> Request:
    return Request(SERVICE, "s3:PutObject", "arn:aws:s3:::b/k", context_at(at))


@given(drawn=statements, quarters=st.integers(0, 80))
def test_no_time_is_overlooked(drawn: list[tuple[str, dict[str, dict[str, str]]]], quarters: int) -> None:
    listed = [{"Effect": e, "Principal": "*", "Action": "*", "Resource": "*", "Condition": c} for e, c in drawn]
    policy = parse_policy(json.dumps({"Statement": listed}))
    at = NOW + timedelta(seconds=quarters / 4)
    outcomes = {decision.is_allowed.is_true for _, decision in decide_each(policy, [request(NOW)])}
    assert decide(policy, request(at)).is_allowed.is_true in outcomes


def test_a_time_is_told_and_now_is_not() -> None:
    policy = parse_policy(
        '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",'
        ' "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2027"}}}}'
    )
    told = [each.when for each in at_all_times(policy, [request(NOW)])]
    assert told == ["", " at 2027-01-01 00:00:00 UTC", " at 2027-01-01 12:00:00 UTC"]
    assert [str(each) for each in at_all_times((), [request(NOW)])] == ["s3:PutObject on arn:aws:s3:::b/k"]


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "1e400", "9" * 400, "9999-12-31T23:59:59Z", "-1", "2020"])
def test_what_is_no_time_to_come_is_left_out(value: str) -> None:
    condition = {"DateLessThan": {"aws:CurrentTime": value}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition}
    policy = parse_policy(json.dumps({"Statement": statement}))
    assert later_times(policy, NOW) == ()


def test_dates_are_read_as_the_w3c_writes_them() -> None:
    assert moment("2027") == moment("2027-01") == moment("2027-01-01T00:00:00Z") == moment("1798761600")
    with pytest.raises(ValueError, match="no date"):
        moment("9" * 30)
