"""A review as plain text, for a terminal."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Sequence
from typing import Any, Final

from securetrail.printable import printable
from securetrail.review.report.document import Block, Data, Heading, Listing, Paragraph, Table

_GAP: Final = 2
# A word of a column that is no longer is not broken.
_LONG: Final = 16


def text(blocks: Sequence[Block], width: int) -> str:
    """The blocks, one below the other.

    :param width: of the terminal, in characters.
    """
    return "\n\n".join(_block(block, width) for block in blocks) + "\n"


def _block(block: Block, width: int) -> str:
    if isinstance(block, Heading):
        return block.text
    if isinstance(block, Paragraph):
        return textwrap.fill(_words(block), width, break_on_hyphens=False)
    if isinstance(block, Listing):
        return "\n".join(
            line
            for number, (said, below) in enumerate(block.items, start=1)
            for line in (
                *_indented(f"{number}. ", printable(said.text), width),
                *_indented("   ", _words(below), width),
            )
        )
    return _table(block, width)


def _words(paragraph: Paragraph) -> str:
    """What comes from the change is printable; in our own words the marks of Markdown are left out."""
    return "".join(
        printable(part.text) if isinstance(part, Data) else part.replace("**", "").replace("`", "")
        for part in paragraph.parts
    )


def _indented(first: str, said: str, width: int) -> list[str]:
    return textwrap.wrap(said, width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def _table(table: Table, width: int) -> str:
    """Columns beside each other; where a word is wider than its column could be, each row as a paragraph."""
    rows = [table.head, *([printable(cell) for cell in row] for row in table.rows)]
    # The first column stays, so that there is one.
    used = [index for index in range(len(table.head)) if not index or any(row[index] for row in rows[1:])]
    cells = [[_pieces(row[index]) for index in used] for row in rows]
    columns = [*zip(*cells, strict=True)]
    narrowest = [max(len(piece) for cell in column for piece in cell) for column in columns]
    if sum(narrowest) + _GAP * (len(used) - 1) > width:
        names = [table.head[index] for index in used]
        listed = [[""] * len(used), *([row[index] for index in used] for row in rows[1:])]
        return "\n".join(_row(names, row, above, width) for above, row in itertools.pairwise(listed))
    widths = _widths(narrowest, [max(len("".join(cell)) for cell in column) for column in columns], width)
    lines = []
    for above, row in itertools.pairwise([[[""]] * len(used), *cells]):
        same = _repeated(above, row)
        left = [[""] if number < same else cell for number, cell in enumerate(row)]
        wrapped = [_wrapped(cell, size) for cell, size in zip(left, widths, strict=True)]
        for number in range(max(map(len, wrapped))):
            parts = [
                (cell[number] if number < len(cell) else "").ljust(size)
                for cell, size in zip(wrapped, widths, strict=True)
            ]
            lines.append((" " * _GAP).join(parts).rstrip())
    return "\n".join(lines)


def _repeated(above: Sequence[Any], row: Sequence[Any]) -> int:
    """How many of a row's first cells say what those of the row above say, but for the last one."""
    same = 0
    while same < len(row) - 1 and row[same] == above[same]:
        same += 1
    return same


def _row(names: Sequence[str], row: Sequence[str], above: Sequence[str], width: int) -> str:
    """A row as one paragraph: what each cell is about, and the cell; not what the row above says as well."""
    same = _repeated(above, row)
    named = (f"{name}: {cell}" if name else cell for name, cell in zip(names[same:], row[same:], strict=True) if cell)
    lines = _wrapped(_pieces("; ".join(named), width // 2), width - 2)
    return "\n".join(f"{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines))


def _pieces(text: str, long: int = _LONG) -> list[str]:
    """Where a text may be broken: behind a space, and behind a separator in a word that is longer than that."""
    return [piece for word in re.findall(r"\S+\s*|\s+", text) for piece in _parts(word, long)] or [""]


def _parts(word: str, long: int) -> list[str]:
    return [word] if len(word) <= long else re.findall(r"[^/:,]+[/:,]*\s*|[/:,]+\s*", word)


def _wrapped(pieces: Sequence[str], width: int) -> list[str]:
    """The pieces in lines; what is wider than a line alone is cut."""
    lines = [""]
    for piece in (part for each in pieces for part in (each[n : n + width] for n in range(0, len(each), width))):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _widths(narrowest: Sequence[int], wanted: Sequence[int], width: int) -> list[int]:
    """What each column gets: no less than its widest piece; what is left goes to those that want least, first."""
    left = width - _GAP * (len(wanted) - 1) - sum(narrowest)
    sizes = [*narrowest]
    order = sorted(range(len(wanted)), key=lambda index: wanted[index] - narrowest[index])
    for position, index in enumerate(order):
        more = min(wanted[index] - narrowest[index], left // (len(order) - position))
        sizes[index] += more
        left -= more
    return sizes
