"""A review as Markdown, for a pull request's summary.

What comes from the change under review, be it an id, a path, a reason or a message, is data. It stands in code spans,
because nothing else keeps GitHub from making links, mentions and references of it: those are made of the rendered text,
so that no escape helps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from securetrail.printable import printable
from securetrail.review.report.document import Block, Data, Heading, Listing, Paragraph

_BACKTICKS: Final = re.compile("`+")


def markdown(blocks: Sequence[Block]) -> str:
    """GitHub's Markdown: https://github.github.com/gfm/."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {block.text}"
    if isinstance(block, Paragraph):
        return "".join(_code(part.text) if isinstance(part, Data) else part for part in block.parts)
    if isinstance(block, Listing):
        return "\n".join(
            f"{number}. {_code(said.text)}  \n   {_block(below)}"
            for number, (said, below) in enumerate(block.items, start=1)
        )
    lines = [f"| {' | '.join(block.head)} |", f"|{' --- |' * len(block.head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, row))} |" for row in block.rows)])


def _cell(value: str) -> str:
    """A pipe ends a cell, in a code span as well, unless a backslash precedes it."""
    return _code(value).replace("|", r"\|")


def _code(value: str) -> str:
    """A code span that shows the text as it is, on one line; nothing for no text.

    https://github.github.com/gfm/#code-spans and https://github.github.com/gfm/#tables-extension-
    """
    # A backslash before a table's pipe would take away the pipe's own.
    text = printable(value.replace("\\", r"\x5c"))
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    # Next to the fence a backtick would lengthen it, and one space on either side of something is taken for padding.
    padding = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{padding}{text}{padding}{fence}" if text else ""
