"""docs/pictures/: each shows what the commands print now, and stands on a page."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.pictures import FOLDER, PICTURES, ROOT, is_same, parts_of


@pytest.mark.slow
def test_the_pictures_show_what_the_commands_print(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.pictures", "--folder", str(tmp_path)], cwd=ROOT, check=True)

    stale = [
        name
        for name in PICTURES
        if not is_same((FOLDER / f"{name}.svg").read_text("utf-8"), (tmp_path / f"{name}.svg").read_text("utf-8"))
    ]
    assert stale == [], "Fix: make docs"


def test_every_picture_stands_on_a_page_and_asks_no_other_server() -> None:
    pages = "".join(path.read_text("utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

    assert {path.stem for path in FOLDER.iterdir()} == set(PICTURES)
    assert all(f"pictures/{name}.svg" in pages for name in PICTURES)
    assert all("url(" not in (FOLDER / f"{name}.svg").read_text("utf-8").replace("url(#", "") for name in PICTURES)


def test_a_part_that_was_not_printed_is_told() -> None:
    printed = "It is found.\n\n\x1b[1mAltered\x1b[0m (1)\n  a file\n\nMissing (1)"

    assert parts_of(printed, ("", "Altered")) == ["It is found.", "", "\x1b[1mAltered\x1b[0m (1)\n  a file"]
    with pytest.raises(ValueError, match="begins with 'Unproven'"):
        parts_of(printed, ("", "Unproven"))
