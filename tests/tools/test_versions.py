"""The ranges of pyproject.toml begin at what `make test-versions` tests."""

import tomllib

from tools.versions import PROJECT, beginnings, untested


def test_a_range_that_begins_lower_than_what_is_tested_is_told() -> None:
    begin = beginnings(
        {"construct": ["constructs>=10.5,<11"], "verify": ["google-re2>=1.1.20251105,<2", "boto3>=1.43"]}
    )

    assert begin == {"constructs": "10.5", "google-re2": "1.1.20251105", "boto3": "1.43"}
    assert untested(begin, begin | {"boto3": "1.43.0"}) == []
    assert untested(begin, begin | {"constructs": "10.5.1"}) == [
        "constructs>=10.5 is promised, and 10.5.1 is the lowest that goes with the others"
    ]


def test_every_requirement_has_a_beginning() -> None:
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]

    assert len(beginnings(extras)) == len({each.partition(">")[0] for kind in extras.values() for each in kind})
