"""What the lab adds to MiniStack is one list, and nothing is added elsewhere."""

import re
from pathlib import Path

from lab.server.extensions import EXTENSIONS

LAB = Path(__file__).parents[3] / "lab"


def test_every_extension_has_a_name_of_its_own_and_says_what_it_adds() -> None:
    names = [each.name for each in EXTENSIONS]

    assert len(set(names)) == len(names)
    assert all(each.adds and (each.install is None) != (each.around is None) for each in EXTENSIONS)


def test_every_function_that_extends_is_in_the_list() -> None:
    """Modules that extend MiniStack have a function `install`."""
    listed = (LAB / "server" / "extensions.py").read_text()
    installing = {
        file.stem
        for file in LAB.rglob("*.py")
        if file.name != "extensions.py" and re.search(r"^def install\(", file.read_text(), re.MULTILINE)
    }

    assert installing
    assert {name for name in installing if f"{name}.install" not in listed} == set()
    assert ".install(" not in (LAB / "server" / "application.py").read_text().replace("extensions.install(", "")
