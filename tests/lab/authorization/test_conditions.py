"""The Condition element, operator by operator."""

import json
from typing import Any

import pytest

from lab.authorization.conditions import NotEvaluable, UnknownOperator, conditions_met, matches
from lab.authorization.document import Asked, document

CONTEXT: dict[str, tuple[str, ...]] = {
    "aws:sourcearn": ("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",),
    "aws:sourceaccount": ("111122223333",),
    "aws:securetransport": ("true",),
    "aws:currenttime": ("2026-11-24T06:00:00Z",),
    "aws:epochtime": ("1795500000",),
    "s3:tlsversion": ("1.3",),
    "kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn"),
    "aws:sourceip": ("10.1.2.3",),
    "aws:username": ("Ann",),
}
ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit"
MET: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:SourceArn", ARN),
    ("StringEquals", "AWS:SOURCEARN", ["no", ARN]),
    ("StringEqualsIgnoreCase", "aws:SourceArn", ARN.upper()),
    ("StringEqualsIgnoreCase", "aws:username", "${aws:username}"),
    ("StringLike", "aws:SourceArn", "arn:aws:cloudtrail:*:111122223333:trail/*"),
    ("StringLike", "aws:SourceArn", "arn:*:trail/audi?"),
    ("StringLike", "aws:SourceArn", "arn:aws:cloudtrail:us-east-1:${aws:SourceAccount}:trail/*"),
    ("StringEquals", "aws:SourceAccount", "${aws:SourceAccount}"),
    ("StringNotEquals", "aws:SourceArn", "other"),
    ("StringNotEquals", "aws:PrincipalArn", "absent keys are unequal to everything"),
    ("StringNotLike", "aws:SourceArn", "arn:aws:s3*"),
    ("StringEqualsIfExists", "aws:PrincipalArn", "absent"),
    ("ArnEquals", "aws:SourceArn", "arn:aws:cloudtrail:*:111122223333:trail/*"),
    ("ArnLike", "aws:SourceArn", ARN),
    ("ArnLike", "aws:SourceArn", ["*", ARN]),
    ("ArnLike", "aws:SourceArn", "${aws:SourceArn}"),
    ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/breakglass"),
    ("ArnLike", "aws:SourceArn", "arn:aws:cloudtrail:*:${aws:SourceAccount}:trail/*"),
    ("StringLike", "aws:SourceArn", "arn*:trail*audit"),
    ("StringNotLike", "aws:SourceArn", "arn*:trail*t*audit"),
    ("StringLike", "aws:SourceAccount", "${aws:SourceAccount}*"),
    ("StringEquals", "aws:SourceAccount", "${aws:Absent, '111122223333'}"),
    ("Bool", "aws:SecureTransport", "true"),
    ("Bool", "aws:SecureTransport", True),
    ("NumericGreaterThanEquals", "s3:TlsVersion", "1.2"),
    ("NumericNotEquals", "s3:TlsVersion", 1.2),
    ("DateGreaterThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    ("DateLessThan", "aws:EpochTime", "2030-01-01"),
    ("IpAddress", "aws:SourceIp", ["192.168.0.0/16", "10.0.0.0/8"]),
    ("NotIpAddress", "aws:SourceIp", "192.168.0.0/16"),
    ("Null", "aws:PrincipalArn", "true"),
    ("Null", "aws:SourceArn", False),
    ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", ["aws:cloudtrail:arn", "aws:s3:arn", "more"]),
    ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "aws:s3:arn"),
    ("ForAllValues:StringEquals", "aws:Absent", "x"),
    ("ForAllValues:StringEqualsIfExists", "aws:Absent", "x"),
]
NOT_MET: list[tuple[str, str, Any]] = [
    ("StringEquals", "aws:SourceArn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/*"),
    ("StringEquals", "aws:SourceArn", ARN.upper()),
    ("StringEquals", "aws:PrincipalArn", "absent"),
    ("StringLike", "aws:SourceArn", "arn:aws:cloudtrail:us-east-1:${aws:PrincipalAccount}:trail/*"),
    ("StringLike", "aws:SourceArn", "arn.aws*"),
    ("StringNotEquals", "aws:SourceArn", ["other", ARN]),
    ("ArnNotEquals", "aws:SourceArn", ARN),
    ("Bool", "aws:SecureTransport", "false"),
    ("NumericLessThan", "s3:TlsVersion", "1.2"),
    ("NumericEquals", "s3:TlsVersion", "not a number"),
    ("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    ("DateLessThan", "aws:CurrentTime", "not a date"),
    ("IpAddress", "aws:SourceIp", "192.168.0.0/16"),
    ("IpAddress", "aws:SourceIp", "not an address"),
    ("Null", "aws:SourceArn", "true"),
    ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", "aws:s3:arn"),
    ("ForAnyValue:StringEquals", "aws:Absent", "x"),
    ("ForAnyValue:StringNotEquals", "aws:Absent", "x"),
    ("ForAnyValue:StringEqualsIfExists", "aws:Absent", "x"),
]


@pytest.mark.parametrize(("operator", "key", "wanted"), MET)
def test_a_condition_is_met(operator: str, key: str, wanted: Any) -> None:
    assert conditions_met({operator: {key: wanted}}, CONTEXT)


@pytest.mark.parametrize(("operator", "key", "wanted"), NOT_MET)
def test_a_condition_is_not_met(operator: str, key: str, wanted: Any) -> None:
    assert not conditions_met({operator: {key: wanted}}, CONTEXT)


def test_every_condition_must_be_met() -> None:
    met = {"StringEquals": {"aws:SourceAccount": "111122223333"}}

    assert conditions_met(met, CONTEXT)
    assert not conditions_met({**met, "Bool": {"aws:SecureTransport": "false"}}, CONTEXT)
    assert conditions_met(None, CONTEXT)


@pytest.mark.parametrize("operator", ["StringSimilar", "ForSomeValues:StringEquals", ""])
def test_an_operator_that_iam_does_not_have_is_an_error(operator: str) -> None:
    with pytest.raises(UnknownOperator):
        conditions_met({operator: {"aws:SourceArn": ARN}}, CONTEXT)


@pytest.mark.parametrize("pattern", ["*", "arn:*", "arn:aws:cloudtrail:*", "${aws:SourceAccount}"])
@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals", "ArnNotLike", "ArnLikeIfExists"])
def test_what_an_arn_of_fewer_than_six_parts_matches_neither_allows_nor_keeps_from_denying(
    operator: str, pattern: str
) -> None:
    conditions = {operator: {"aws:SourceArn": pattern}}
    with pytest.raises(NotEvaluable):
        conditions_met(conditions, CONTEXT)
    assert not conditions_met({**conditions, "Bool": {"aws:SecureTransport": "false"}}, CONTEXT)

    asked = Asked("s3:GetObject", "arn:aws:s3:::b/k", CONTEXT)
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": conditions}
    assert not document(json.dumps({"Statement": statement, "Version": "2012-10-17"})).allows_to(asked)
    denying = json.dumps({"Statement": {**statement, "Effect": "Deny"}, "Version": "2012-10-17"})
    assert document(denying).denies_to(asked)


def test_no_pattern_takes_more_time_than_in_proportion_to_what_it_reads() -> None:
    """With a pattern that is tried again at every star, this would not end."""
    for pattern in ("*a" * 200 + "b", "a*" * 200 + "b", "?*" * 200 + "b", "*" * 200 + "b"):
        assert not matches(pattern, "a" * 5000)
        assert matches(pattern, "a" * 5000 + "b")
