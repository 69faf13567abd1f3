"""One text of each kind, against a look at every short text."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy.document import MalformedPolicy
from verify.policy.probes import LETTER
from verify.policy.texts import one_of_each_kind

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


def test_a_hostile_policy_is_refused_in_time() -> None:
    with pytest.raises(MalformedPolicy, match="too many patterns"):
        one_of_each_kind([f"*{letter}*{letter}?????????????*" for letter in "abcdefghij"], "*")
    with pytest.raises(MalformedPolicy, match="too long"):
        one_of_each_kind(["a" * 5000], "*")
