"""Makes the pictures of the documentation: what real commands show on a terminal, as SVG.

``python -m tools.pictures`` starts a lab, runs the commands of each picture and writes docs/pictures/. A picture that
differs from the one that is there only in times, ports and ids stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lab.instance.environment import own_programs_first
from lab.instance.folder import HOME_VARIABLE
from tools.pages import VOLATILE
from tools.terminal import printed_at_terminal

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"


@dataclass(frozen=True, slots=True)
class Picture:
    """What is typed, and which lines of what it prints are shown.

    :param before: typed before, and not shown.
    :param shows: parts of what is printed, each from a line that begins so up to an empty line; "" is the first line.
    """

    title: str
    command: str
    before: str
    shows: tuple[str, ...]


PICTURES: Mapping[str, Picture] = {
    "detective": Picture("Four calls, found again", "python -m verify detective", ":", ("Found", "1. s3", "3. iam")),
    "check": Picture(
        "Somebody stopped the trail",
        "python -m verify check",
        "aws cloudtrail stop-logging --name ch03-security-trail",
        ("Course checks", "Recording: "),
    ),
    "integrity": Picture(
        "Somebody altered a log file",
        "python -m verify integrity --since 10m",
        "aws cloudtrail start-logging --name ch03-security-trail; python -m lab scenario tamper --seed 1",
        ("", "Altered", "Missing"),
    ),
}
_COLUMNS = 110
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_SHOWN = re.compile(r"<!-- shows (\w+) -->")
# As VOLATILE, and what the AWS SDK writes about itself.
_OTHER_EACH_TIME = re.compile(
    rf"{VOLATILE.pattern}|Boto3/.*?SecureTrail-verify|key/[0-9a-f-]+|\b[0-9a-f]{{8,12}}\b|\s+", re.DOTALL
)


def _typed(environment: Mapping[str, str], line: str) -> str:
    """What a line of bash prints at a terminal, with its colours."""
    return printed_at_terminal(["bash", "-c", line], _COLUMNS, environment, ROOT, with_errors=False)[1]


def parts_of(printed: str, beginnings: tuple[str, ...]) -> list[str]:
    """The parts of a report, with an empty line before each.

    :raises ValueError: a part is not there.
    """
    paragraphs = printed.split("\n\n")
    shown = []
    for beginning in beginnings:
        found = [each for each in paragraphs if Text.from_ansi(each).plain.lstrip().startswith(beginning)]
        if not found:
            raise ValueError(f"Nothing that was printed begins with {beginning!r}:\n{printed}")
        shown += ["", found[0]] if beginning else [paragraphs[0]]
    return shown


def picture(name: str, title: str, shown: str) -> str:
    """The SVG of a terminal. It names no font of the web."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    text = Text.from_ansi(shown)
    console.print(text, soft_wrap=False)
    svg = _FONT_FACE.sub("", console.export_svg(title=title, unique_id=name))
    same = hashlib.sha256(_OTHER_EACH_TIME.sub(" ", text.plain).encode()).hexdigest()
    return svg.replace("<svg ", f"<!-- shows {same} -->\n<svg ", 1)


def is_same(old: str, new: str) -> bool:
    """Whether two pictures show the same, but for what is another one each time."""
    found = [_SHOWN.search(each) for each in (old, new)]
    return all(found) and len({each[1] for each in found if each}) == 1


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write (default: docs/pictures)")
    folder: Path = parser.parse_args().folder
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        environment = {
            "PATH": own_programs_first(os.environ.get("PATH")),
            "HOME": home,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "FORCE_COLOR": "1",
            "COLUMNS": str(_COLUMNS),
            HOME_VARIABLE: f"{home}/lab",
        }
        lab = [sys.executable, "-m", "lab"]
        try:
            subprocess.run([*lab, "start", "4"], cwd=ROOT, env=environment, check=True, capture_output=True)
            led = 'eval "$(python -m lab env)"; python -m lab deliver > /dev/null; '
            for name, wanted in PICTURES.items():
                _typed(environment, led + wanted.before)
                printed = _typed(environment, led + wanted.command)
                shown = f"$ {wanted.command}\n" + "\n".join(parts_of(printed, wanted.shows))
                new, path = picture(name, wanted.title, shown), folder / f"{name}.svg"
                if not path.exists() or not is_same(path.read_text(encoding="utf-8"), new):
                    path.write_text(new, encoding="utf-8")
        finally:
            subprocess.run([*lab, "down"], cwd=ROOT, env=environment, check=False, capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
