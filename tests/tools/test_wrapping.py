"""Lines on a terminal are broken between words only."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cli.wrapping import wrapped
from tests.programs import THIS_PYTHON
from tests.terminal import shown_at_terminal

WORDS = st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=70), min_size=1)


@given(WORDS, st.integers(0, 8), st.integers(20, 100))
def test_no_word_is_broken_and_no_line_is_too_wide(words: list[str], indented: int, columns: int) -> None:
    lines = wrapped(" " * indented + " ".join(["It", *words]), columns)

    assert " ".join(" ".join(lines).split()).split() == ["It", *words]
    assert all(len(line) <= columns or len(line.split()) == 1 for line in lines)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("    found     of this key and that", ["    found     of this key", "              and that"]),
        ("  - Restore it, then run it again", ["  - Restore it, then run", "    it again"]),
        ("\x1b[1mIt is a bold line that is long\x1b[0m", ["\x1b[1mIt is a bold line that is", "long\x1b[0m"]),
        ("aws s3api get-bucket-policy --bucket logs", ["aws s3api get-bucket-policy --bucket logs"]),
        ("  make lab-down     stops it and removes it", ["  make lab-down", "      stops it and", "      removes it"]),
        ("    fix       aws s3api get-bucket-policy", ["    fix       aws s3api get-bucket-policy"]),
        ("    dig on    python -m verify logs show", ["    dig on    python -m verify logs show"]),
        ("and beside it:   aws cloudtrail validate-logs", ["and beside it:   aws cloudtrail validate-logs"]),
        (
            "  detective   make four calls, find them",
            ["  detective   make four", "              calls, find", "              them"],
        ),
        ("see arn:aws:cloudtrail:us-east-1:111122223333:x", ["see", "arn:aws:cloudtrail:us-east-1:111122223333:x"]),
        ("短い 言葉 です が 長い 行 です", ["短い 言葉 です が 長い 行", "です"]),
    ],
)
def test_how_a_line_is_broken(line: str, lines: list[str]) -> None:
    assert wrapped(line, 25) == lines


def test_what_goes_to_the_terminal_fits_though_the_result_goes_elsewhere(tmp_path: Path) -> None:
    program = (
        "import sys; from lab.cli.wrapping import wrap_terminals; wrap_terminals([]);"
        f" print({'a word ' * 20!r}, file=sys.stderr)"
    )
    command = ["sh", "-c", f'{THIS_PYTHON} -c "{program}" > result']

    code, shown = shown_at_terminal(command, 40, {"PYTHONPATH": str(Path(__file__).parents[2])}, tmp_path)

    assert (code, (tmp_path / "result").read_text()) == (0, "")
    assert 30 < max(map(len, shown.split("\n"))) <= 40
