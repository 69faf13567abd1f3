"""A review as plain text, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from securetrail.printable import printable
from securetrail.review.report.document import Block, Data, Heading, Listing, Paragraph, Table

_GAP: Final = 2
_NARROWEST: Final = 8


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
    rows = [table.head, *([printable(cell) for cell in row] for row in table.rows)]
    used = [index for index in range(len(table.head)) if any(row[index] for row in rows[1:])]
    widths = _widths([max(len(row[index]) for row in rows) for index in used], width)
    lines = []
    for row in rows:
        cells = [textwrap.wrap(row[index], size) or [""] for index, size in zip(used, widths, strict=True)]
        for number in range(max(map(len, cells))):
            parts = [
                (cell[number] if number < len(cell) else "").ljust(size)
                for cell, size in zip(cells, widths, strict=True)
            ]
            lines.append((" " * _GAP).join(parts).rstrip())
    return "\n".join(lines)


def _widths(wanted: list[int], width: int) -> list[int]:
    """What each column gets: the narrow ones what they want, the others equal shares of what is left."""
    left = width - _GAP * (len(wanted) - 1)
    sizes = [0] * len(wanted)
    for position, index in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        share = max(_NARROWEST, left // (len(wanted) - position))
        sizes[index] = min(wanted[index], share)
        left -= sizes[index]
    return sizes
