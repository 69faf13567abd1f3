"""Says which versions `make test-versions` tests, and whether the lowest are where the ranges of pyproject.toml begin.

``python -m tools.versions lowest``, or ``newest``, in the environment of these versions.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def beginnings(extras: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The version at which the range of each requirement begins."""
    found = (re.match(r"([\w.-]+)>=([\w.]+)", each) for requirements in extras.values() for each in requirements)
    return {each[1]: each[2] for each in found if each}


def untested(begin: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """What is installed in a higher version than its range begins at, as the others do not go with that one."""
    return [
        f"{name}>={begin[name]} is promised, and {installed[name]} is the lowest that goes with the others"
        for name in begin
        if _without_zeros(begin[name]) != _without_zeros(installed[name])
    ]


def _without_zeros(number: str) -> str:
    return re.sub(r"(\.0)+$", "", number)


def main() -> int:
    """Print the versions; end with 1 where a range begins lower than what is tested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("end", choices=("lowest", "newest"))
    end = parser.parse_args().end
    begin = beginnings(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"])
    installed = {name: version(name) for name in begin}
    print(f"With the {end} versions: {', '.join(f'{name} {number}' for name, number in installed.items())}")
    wrong = untested(begin, installed) if end == "lowest" else []
    for each in wrong:
        print(f"error: {each}. Fix: let the range in pyproject.toml begin there.", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
