"""Writes the tree of modules in docs/architecture.md: each folder and module with the first sentence of its docstring.

``python -m tools.architecture`` says whether the document is up to date, and ``--write`` brings it up to date.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/architecture.md"
# In the order of the document.
PARTS = ("app.py", "stacks", "constructs_lib", "verify", "lab", "securetrail", "tools", "examples", "benchmarks")
_BEGIN = "<!-- The tree is written by: python -m tools.architecture --write -->\n"
_END = "<!-- The end of the tree. -->\n"
_WIDTH = 120
_TEXT_COLUMN = 34
_SENTENCE = re.compile(r"(.+?[.?])(?:\s|$)", re.DOTALL)
_ROLE = re.compile(r":\w+:(?=`)")
_LINK = re.compile(r"(: | \()https?://[^\s)]+\)?")


def tree(root: Path) -> str:
    """The folders and modules of every part, a line each, in a code block of Markdown.

    :param root: the project's folder.
    :raises ValueError: a module or folder has no docstring.
    """
    lines = [line for part in PARTS for line in _lines(root / part, 0)]
    return "\n".join(["```", *lines, "```", ""])


def with_tree(document: str, block: str) -> str:
    """The document with this tree in the place of its own.

    :raises ValueError: the document does not say where its tree begins and ends.
    """
    before, begin, rest = document.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"The document needs the lines {_BEGIN.strip()!r} and {_END.strip()!r}, in this order.")
    return f"{before}{begin}{block}{end}{after}"


def _lines(path: Path, depth: int) -> Iterator[str]:
    if path.is_dir():
        yield from _line(f"{path.name}/", path / "__init__.py", depth)
        children = [each for each in path.iterdir() if _is_shown(each)]
        for child in sorted(children, key=lambda each: (each.is_dir(), each.name)):
            yield from _lines(child, depth + 1)
    else:
        yield from _line(path.name, path, depth)


def _is_shown(path: Path) -> bool:
    if path.is_dir():
        return (path / "__init__.py").is_file()
    return path.suffix == ".py" and path.name != "__init__.py"


def _line(name: str, module: Path, depth: int) -> Iterator[str]:
    head = f"{'  ' * depth}{name}".ljust(_TEXT_COLUMN)
    sentence = first_sentence(module)
    yield from textwrap.wrap(sentence, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def first_sentence(module: Path) -> str:
    """The first sentence of a module's docstring, on one line and without its period.

    :raises ValueError: it has no docstring.
    """
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    text = _ROLE.sub("", _LINK.sub("", (docstring or "").partition("\n\n")[0])).replace("``", "`")
    found = _SENTENCE.match(text if text.endswith((".", "?")) else f"{text}.")
    if not text or found is None:
        raise ValueError(f"{module} has no docstring whose first sentence says what it is for.")
    return " ".join(found[1].removesuffix(".").split())


def main() -> int:
    """Compare or write; 0 when the document is up to date, 1 when it is not."""
    parser = argparse.ArgumentParser(prog="python -m tools.architecture", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="bring the document up to date")
    arguments = parser.parse_args()
    document = DOCUMENT.read_text(encoding="utf-8")
    wanted = with_tree(document, tree(ROOT))
    if arguments.write:
        DOCUMENT.write_text(wanted, encoding="utf-8")
    elif wanted != document:
        print("docs/architecture.md shows another tree than the disk. Fix: python -m tools.architecture --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
