"""botocore's models, of which only what is asked for is parsed."""

from __future__ import annotations

import copy
import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore
import pytest

from verify.botocore_parts import Models, Parsers

DATA = Path(botocore.__file__).parent / "data"


@pytest.mark.parametrize("name", ["cloudtrail/2013-11-01/service-2.json.gz", "partitions.json", "endpoints.json"])
def test_a_model_is_what_json_makes_of_it_however_it_is_copied(name: str) -> None:
    data = (DATA / name).read_bytes()
    expected = json.loads(gzip.decompress(data) if name.endswith(".gz") else data)

    def loaded() -> Any:
        return Models().load_file(str(DATA / name.partition(".json")[0]))

    assert json.loads(json.dumps(copy.deepcopy(loaded()))) == expected
    assert {**loaded()} == dict(loaded()) == {key: loaded().get(key) for key in loaded()} == expected


def test_a_model_that_is_no_json_is_an_error_of_value(tmp_path: Path) -> None:
    (tmp_path / "service-2.json").write_text('{"operations": ' + " " * 100_000)

    with pytest.raises(ValueError, match="truncated"):
        Models().load_file(str(tmp_path / "service-2"))


def test_a_model_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert Models().load_file(str(tmp_path / "service-2")) is None


@pytest.mark.parametrize(
    "value", [1769850000, "2026-01-31T09:00:00Z", "2026-01-31T14:30:00+05:30", "Sat, 31 Jan 2026 09:00:00 GMT"]
)
def test_a_time_in_an_answer_is_in_utc_wherever_this_machine_is(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports write a Z behind it, and days are reckoned by it. CloudTrail's answers have seconds since 1970."""
    parser = Parsers().create_parser("json")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()

        moment = parser._timestamp_parser(value)

    time.tzset()
    assert (moment, moment.tzinfo) == (datetime(2026, 1, 31, 9, tzinfo=UTC), UTC)
