"""Writes the tree of folders in docs/architecture.md, and that of modules in docs/modules.md, each with the first
sentence of its docstring.

``python -m tools.architecture`` says whether both are up to date, and ``--write`` brings them up to date.
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
FOLDERS = ROOT / "docs/architecture.md"
MODULES = ROOT / "docs/modules.md"
# In the order of the documents.
PARTS = ("app.py", "stacks", "constructs_lib", "verify", "lab", "securetrail", "tools", "examples", "benchmarks")
_BEGIN = "<!-- The tree is written by: python -m tools.architecture --write -->\n"
_END = "<!-- The end of the tree. -->\n"
_WIDTH = 120
_TEXT_COLUMN = 34
_SENTENCE = re.compile(r"(.+?[.?])(?:\s|$)", re.DOTALL)
_ROLE = re.compile(r":\w+:(?=`)")
_LINK = re.compile(r"(: | \()https?://[^\s)]+\)?")


def tree(root: Path, *, with_modules: bool = True) -> str:
    """The folders and modules of every part, a line each, in a code block of Markdown.

    :param root: the project's folder.
    :param with_modules: ``False`` shows the folders alone, and of modules those that are parts.
    :raises ValueError: a module or folder has no docstring.
    """
    lines = [line for part in PARTS for line in _lines(root / part, 0, with_modules=with_modules)]
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


def _lines(path: Path, depth: int, *, with_modules: bool) -> Iterator[str]:
    if path.is_dir():
        yield from _line(f"{path.name}/", path / "__init__.py", depth)
        children = [each for each in path.iterdir() if _is_shown(each) and (with_modules or each.is_dir())]
        for child in sorted(children, key=lambda each: (each.is_dir(), each.name)):
            yield from _lines(child, depth + 1, with_modules=with_modules)
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


def wanted(document: Path) -> str:
    """What one of the two documents should be, with the tree as it is on the disk."""
    return with_tree(document.read_text(encoding="utf-8"), tree(ROOT, with_modules=document == MODULES))


def main() -> int:
    """Compare or write; 0 when both documents are up to date, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="python -m tools.architecture", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="bring the documents up to date")
    arguments = parser.parse_args()
    old = [each for each in (FOLDERS, MODULES) if wanted(each) != each.read_text(encoding="utf-8")]
    for document in old if arguments.write else ():
        document.write_text(wanted(document), encoding="utf-8")
    if old and not arguments.write:
        names = " and ".join(each.relative_to(ROOT).as_posix() for each in old)
        print(f"Another tree than on the disk: {names}. Fix: python -m tools.architecture --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
