import itertools
import re
import time

import pytest

from verify.policy.wildcard import arn_matches, matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("*", "", True),
        ("*", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("s3:*Object", "s3:GetObject", True),
        ("s3:*Object", "s3:GetObjectAcl", False),
        ("*a*b", "xaxbxb", True),
        ("*a*b", "xaxbxc", False),
        ("?", "x", True),
        ("?", "", False),
        ("a?c", "abc", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a", "ab", False),
    ],
)
def test_star_is_any_characters_and_question_mark_any_one(pattern: str, text: str, *, expected: bool) -> None:
    assert matches(pattern, text).is_true is expected


def test_every_short_pattern_matches_what_a_regular_expression_does() -> None:
    patterns = ["".join(each) for size in range(6) for each in itertools.product("a*?", repeat=size)]
    patterns += ["ab*ba", "*ab*ba*", "a?*?b", "*?b*a", "ab*a?*b"]
    texts = ["".join(each) for size in range(6) for each in itertools.product("ab", repeat=size)]
    for pattern in patterns:
        expression = re.compile(pattern.replace("?", ".").replace("*", ".*"))
        fitting = [text for text in texts if expression.fullmatch(text)]
        assert [text for text in texts if matches(pattern, text).is_true] == fitting, pattern


def test_actions_ignore_case_and_resources_do_not() -> None:
    assert matches("S3:getobject", "s3:GetObject", ignore_case=True).is_true
    assert not matches("Logs/*", "logs/a").is_true


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("arn:aws:cloudtrail:*:123456789012:trail/*", True),
        ("arn:aws:cloudtrail:us-east-1:123456789012:trail/t", True),
        ("arn:aws:cloudtrail:us-east-1:*:trail/t", True),
        ("arn:*:trail/t", None),
        ("*", None),
        ("arn:aws:cloudtrail:us-east-1:123456789012:trail/u", False),
    ],
)
def test_a_wildcard_in_an_arn_stays_between_its_colons(pattern: str, *, expected: bool | None) -> None:
    assert arn_matches(pattern, "arn:aws:cloudtrail:us-east-1:123456789012:trail/t").is_true is expected


def test_a_policy_variable_is_undecided() -> None:
    for decide in (matches, arn_matches):
        answer = decide("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/x")
        assert answer.is_true is None
        assert "${aws:username}" in answer.reasons[0].what


def test_a_hostile_pattern_takes_no_exponential_time() -> None:
    before = time.process_time()
    assert not matches("*a" * 5_000 + "b", "a" * 2_000).is_true
    assert time.process_time() - before < 5
