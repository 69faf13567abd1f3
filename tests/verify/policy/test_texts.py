"""One text of each kind, against a look at every short text."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy.document import MalformedPolicy
from verify.policy.probes import LETTER
from verify.policy.texts import in_any_case, limited, literal, of_arn, one_of_each_kind

patterns = st.text(alphabet="ab*?", max_size=4)
TEXTS = ["".join(each) for length in range(6) for each in itertools.product(f"ab{LETTER}", repeat=length)]


def kind(text: str, of: list[str]) -> tuple[bool, ...]:
    return tuple(
        re.fullmatch(pattern.replace("*", ".*").replace("?", "."), text, re.DOTALL) is not None for pattern in of
    )


@given(st.lists(patterns, max_size=3), patterns)
def test_every_kind_is_there_and_once(several: list[str], within: str) -> None:
    found = one_of_each_kind(several, within)

    assert all(kind(text, [within]) == (True,) for text in found.values())
    kinds = [kind(text, several) for text in found.values()]
    assert len(kinds) == len(set(kinds))
    assert {kind(text, several) for text in TEXTS if kind(text, [within]) == (True,)} <= set(kinds)


@given(st.lists(st.lists(patterns, min_size=1, max_size=3), max_size=3), patterns)
def test_patterns_of_which_any_has_to_match_are_told_apart_together(several: list[list[str]], within: str) -> None:
    found = one_of_each_kind(map(frozenset, several), within)

    def met(text: str) -> tuple[bool, ...]:
        return tuple(any(kind(text, group)) for group in several)

    kinds = [met(text) for text in found.values()]
    assert all(kind(text, [within]) == (True,) for text in found.values())
    assert len(kinds) == len(set(kinds))
    assert {met(text) for text in TEXTS if kind(text, [within]) == (True,)} <= set(kinds)


def test_operators_read_their_patterns_each_in_its_way() -> None:
    assert list(one_of_each_kind([of_arn("arn:a:*:b:?:c*")], "arn:a:x:y:b:z:c")) == [(False,)]
    crossing = [of_arn("*:a:b:c:d:*"), "*:a:b:c:d:*"]
    assert len(one_of_each_kind(crossing, "?*:a:b:c:d:?")) == 2
    assert one_of_each_kind([in_any_case(literal("Ab*"))], "aB*")[(True,)] == "aB*"
    assert one_of_each_kind([literal("a?")], "a?")[(True,)] == "a?"


def test_what_is_looked_for_within_one_limit_is_limited_together() -> None:
    def look(number: int) -> None:
        one_of_each_kind([f"*{letter}{number}*{letter}" for letter in "abcd"], "*")

    look(1000)
    with pytest.raises(MalformedPolicy, match="too many patterns"), limited():
        for number in range(1000):
            look(number)
    look(1001)


def test_a_hostile_policy_is_refused_in_time() -> None:
    with pytest.raises(MalformedPolicy, match="too many patterns"):
        one_of_each_kind([f"*{letter}*{letter}?????????????*" for letter in "abcdefghij"], "*")
    with pytest.raises(MalformedPolicy, match="too long"):
        one_of_each_kind(["a" * 5000], "*")
