"""A text that two patterns both match, against a look at every short text."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from verify.policy.wildcard import matches
from verify.posture.who.common_text import common_text

patterns = st.text(alphabet="ab*?", max_size=5)
TEXTS = ["".join(each) for length in range(6) for each in itertools.product("ab", repeat=length)]


@given(patterns, patterns)
def test_it_is_found_whenever_there_is_one_and_both_match_it(first: str, second: str) -> None:
    found = common_text(first, second)

    if found is None:
        assert not any(matches(first, text).is_true and matches(second, text).is_true for text in TEXTS)
    else:
        assert matches(first, found).is_true
        assert matches(second, found).is_true


def test_a_hostile_pattern_is_quick() -> None:
    assert common_text("logs/AWSLogs/1/CloudTrail/*/????/??/??/*.json.gz", "*a" * 1000) is None
    assert common_text("a*", "*" * 5000) is None
