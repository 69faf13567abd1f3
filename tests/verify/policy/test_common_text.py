"""A text that two patterns both match, against a look at every short text."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from verify.policy.common_text import common_text
from verify.policy.probes import LETTER
from verify.policy.wildcard import matches

patterns = st.text(alphabet="ab*?", max_size=5)
TEXTS = ["".join(each) for length in range(6) for each in itertools.product("ab", repeat=length)]
FILES = ["".join(each) for length in range(5) for each in itertools.product("a1/", repeat=length)]


@given(patterns, patterns)
def test_it_is_found_whenever_there_is_one_and_both_match_it(first: str, second: str) -> None:
    found = common_text(first, second)

    if found is None:
        assert not any(matches(first, text).is_true and matches(second, text).is_true for text in TEXTS)
    else:
        assert matches(first, found).is_true
        assert matches(second, found).is_true


@given(st.text(alphabet="a1/*?", max_size=4), st.text(alphabet="a1/*?", max_size=4))
def test_of_files_a_star_stands_for_no_slash_and_a_question_mark_for_a_digit(first: str, second: str) -> None:
    expression = first.replace("*", "[^/]*").replace("?", f"[0-9{LETTER}]")

    found = common_text(first, second, of_files=True)

    if found is None:
        assert not any(re.fullmatch(expression, text) and matches(second, text).is_true for text in FILES)
    else:
        assert re.fullmatch(expression, found)
        assert matches(second, found).is_true


def test_a_hostile_pattern_is_quick() -> None:
    assert common_text("logs/AWSLogs/1/CloudTrail/*/????/??/??/*.json.gz", "*a" * 1000) is None
    assert common_text("a*", "*" * 5000) is None
