import pytest

from verify.policy.conditions import holds
from verify.policy.document import Condition

CONTEXT = {
    "aws:sourcearn": ("arn:aws:cloudtrail:us-east-1:123456789012:trail/t",),
    "aws:securetransport": ("false",),
    "aws:sourceip": ("203.0.113.7",),
    "s3:tlsversion": ("1.1",),
    "x:blob": ("QmluYXJ5VmFsdWVJbkJhc2U2NA==",),
    "aws:tagkeys": ("team", "cost"),
    "aws:sourcevpce": (),
    "aws:currenttime": ("2026-11-29T08:00:00Z",),
    "aws:epochtime": ("1795939200",),
    "aws:principalservicenameslist": ("cloudtrail.amazonaws.com",),
    "aws:username": ("a*",),
}
ARN = CONTEXT["aws:sourcearn"][0]


def decided(operator: str, key: str, *values: str) -> bool | None:
    return holds(Condition(operator, key, values), CONTEXT).is_true


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("StringEquals", "AWS:sourceArn", [ARN], True),
        ("StringEquals", "aws:SourceArn", ["x", ARN], True),
        ("StringEquals", "aws:SourceArn", [ARN.upper()], False),
        ("StringEquals", "aws:SourceArn", [], False),
        ("StringEqualsIgnoreCase", "aws:SourceArn", [ARN.upper()], True),
        ("StringNotEquals", "aws:SourceArn", [ARN], False),
        ("StringNotEquals", "aws:SourceArn", ["x", "y"], True),
        ("StringNotEquals", "aws:SourceArn", ["x", ARN], False),
        ("StringNotEqualsIgnoreCase", "aws:SourceArn", [ARN.upper()], False),
        ("StringLike", "aws:SourceArn", ["arn:*:trail/*"], True),
        ("StringNotLike", "aws:SourceArn", ["arn:*:trail/*"], False),
        ("ArnEquals", "aws:SourceArn", ["arn:aws:cloudtrail:*:123456789012:trail/*"], True),
        ("ArnLike", "aws:SourceArn", ["arn:*:*:*:*:trail/*"], True),
        ("ArnNotLike", "aws:SourceArn", ["arn:*:*:*:*:trail/*"], False),
        ("ArnLike", "aws:SourceArn", ["arn:aws:s3:::*"], False),
        ("ArnNotEquals", "aws:SourceArn", [ARN], False),
        ("Bool", "aws:SecureTransport", ["False"], True),
        ("Bool", "aws:SecureTransport", ["true"], False),
        ("IpAddress", "aws:SourceIp", ["203.0.113.0/24"], True),
        ("IpAddress", "aws:SourceIp", ["2001:db8::/32"], False),
        ("NotIpAddress", "aws:SourceIp", ["203.0.113.0/24"], False),
        ("NumericLessThan", "s3:TlsVersion", ["1.2"], True),
        ("NumericLessThanEquals", "s3:TlsVersion", ["1.1"], True),
        ("NumericGreaterThan", "s3:TlsVersion", ["1.1"], False),
        ("NumericGreaterThanEquals", "s3:TlsVersion", ["1.1"], True),
        ("NumericEquals", "s3:TlsVersion", ["1.10"], True),
        ("NumericNotEquals", "s3:TlsVersion", ["1.1"], False),
        ("BinaryEquals", "x:Blob", ["QmluYXJ5VmFsdWVJbkJhc2U2NA=="], True),
        ("BinaryEquals", "x:Blob", ["qmluyxj5vmfsdwvjbkjhc2u2na=="], False),
        ("DateLessThan", "aws:CurrentTime", ["2026-11-29T08:00:01Z"], True),
        ("DateLessThan", "aws:CurrentTime", ["2026-11-29T08:00:00Z"], False),
        ("DateLessThanEquals", "aws:CurrentTime", ["2026-11-29T09:00:00+01:00"], True),
        ("DateGreaterThan", "aws:CurrentTime", ["2026"], True),
        ("DateGreaterThan", "aws:CurrentTime", ["2026-12"], False),
        ("DateGreaterThanEquals", "aws:CurrentTime", ["1795939200"], True),
        ("DateEquals", "aws:EpochTime", ["2026-11-29T08:00:00Z"], True),
        ("DateNotEquals", "aws:EpochTime", ["2026-11-29T08:00:00Z"], False),
        ("NumericLessThan", "aws:EpochTime", ["1795939201"], True),
        ("StringEquals", "aws:SourceArn", ["${aws:SourceArn}"], True),
        ("StringLike", "aws:SourceArn", ["${aws:SourceArn}*"], True),
        ("StringEquals", "aws:SourceIp", ["${aws:SourceVpce}"], False),
        ("StringEquals", "aws:SourceIp", ["${aws:SourceVpce, '203.0.113.7'}"], True),
        ("StringLike", "aws:UserName", ["${aws:UserName}"], True),
        ("StringLike", "aws:UserName", ["a${*}"], True),
        ("StringLike", "aws:SourceIp", ["203${*}"], False),
        ("StringLike", "aws:SourceIp", ["20${?}*"], False),
        ("StringEquals", "aws:UserName", ["a${*}"], True),
        ("StringEquals", "aws:UserName", ["${$}{aws:UserName}"], False),
        ("Null", "aws:SourceVpce", ["true"], True),
        ("Null", "aws:SourceVpce", ["false"], False),
        ("Null", "aws:SourceArn", ["false"], True),
    ],
)
def test_operators_compare_as_iam_documents(operator: str, key: str, values: list[str], *, expected: bool) -> None:
    assert decided(operator, key, *values) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),
        ("StringNotLikeIfExists", True),
        ("ArnNotLike", True),
        ("NumericLessThan", False),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", False),
    ],
)
def test_an_absent_key_meets_only_negated_optional_and_all_of_nothing(operator: str, *, expected: bool) -> None:
    assert decided(operator, "aws:SourceVpce", "vpce-1") is expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("ForAnyValue:StringEquals", ["team"], True),
        ("ForAnyValue:StringEquals", ["x"], False),
        ("ForAllValues:StringEquals", ["team"], False),
        ("ForAllValues:StringLike", ["*"], True),
        ("ForAllValues:StringEquals", ["team", "cost", "x"], True),
        ("ForAnyValue:StringNotEquals", ["team"], True),
        ("ForAllValues:StringNotEquals", ["team"], False),
        ("StringEquals", ["team"], None),
    ],
)
def test_several_values_need_a_quantifier(operator: str, values: list[str], *, expected: bool | None) -> None:
    assert decided(operator, "aws:TagKeys", *values) is expected


@pytest.mark.parametrize(
    ("operator", "key", "value", "about", "what"),
    [
        ("StringMatches", "aws:SourceArn", "x", "policy", "StringMatches"),
        ("ForSomeValues:StringEquals", "aws:SourceArn", "x", "policy", "ForSomeValues"),
        ("DateLessThan", "aws:CurrentTime", "tomorrow", "policy", "tomorrow"),
        ("ArnLike", "aws:SourceArn", "*", "policy", "not the pattern of an ARN"),
        ("ArnNotLike", "aws:SourceArn", "arn:*", "policy", "not the pattern of an ARN"),
        ("ArnEquals", "aws:SourceArn", "arn:*:trail/*", "policy", "not the pattern of an ARN"),
        ("StringEquals", "aws:PrincipalServiceNamesList", "cloudtrail.amazonaws.com", "policy", "several values"),
        ("StringNotEquals", "aws:SourceArn", "${aws:SourceVpce}", "policy", "SourceVpce"),
        ("StringEquals", "aws:SourceArn", "${aws:SourceOrgID}", "key", "SourceOrgID"),
        ("StringLike", "aws:SourceArn", "${aws:SourceArn", "policy", "variable"),
        ("StringEquals", "aws:SourceOrgID", "o-1", "key", "aws:SourceOrgID"),
        ("StringEqualsIfExists", "aws:SourceOrgID", "o-1", "key", "aws:SourceOrgID"),
        ("Null", "aws:SourceOrgID", "true", "key", "aws:SourceOrgID"),
        ("Null", "aws:SourceArn", "maybe", "policy", "Null"),
        ("StringEquals", "aws:SourceArn", "${aws:PrincipalArn}", "key", "PrincipalArn"),
        ("NumericLessThan", "s3:TlsVersion", "high", "policy", "high"),
        ("NumericLessThan", "s3:TlsVersion", "1e3", "policy", "1e3"),
        ("NumericLessThan", "s3:TlsVersion", "1_000", "policy", "1_000"),
        ("NumericLessThan", "s3:TlsVersion", "inf", "policy", "inf"),
        ("NumericNotEquals", "s3:TlsVersion", "nan", "policy", "nan"),
        ("IpAddress", "aws:SourceIp", "everywhere", "policy", "everywhere"),
    ],
)
def test_what_cannot_be_decided_says_why(operator: str, key: str, value: str, about: str, what: str) -> None:
    answer = holds(Condition(operator, key, (value,)), CONTEXT)
    assert answer.is_true is None
    assert answer.reasons[0].about == about
    assert what in answer.reasons[0].what
