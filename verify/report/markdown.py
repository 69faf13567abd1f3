"""Text of others in a Markdown document, and such a document as a web page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from verify.report.terminal import safe

# A colon makes a link of an address, and the others do something at the beginning of a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&@$]|:(?=//)|^[-+#=])")
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid; padding: .2rem .5rem; text-align: left; vertical-align: top; }}
td, li, p {{ overflow-wrap: anywhere; }}
pre {{ border: 1px solid; overflow-x: auto; padding: .5rem; }}
</style>
{body}</html>
"""


def escaped(text: object) -> str:
    """Text that is no markup, in one line."""
    return _MARKUP.sub(r"\\\1", safe(text).plain)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a table, as GitHub and others know it; what the cells hold is no markup."""
    yield f"| {' | '.join(header)} |\n"
    yield f"|{' --- |' * len(header)}\n"
    for row in rows:
        yield f"| {' | '.join(map(escaped, row))} |\n"


def code_block(text: str, language: str = "") -> str:
    """Lines as they are. No line of them may begin with three backticks: each is one line of :func:`safe` text."""
    return f"```{language}\n{text}\n```\n"


def page(markdown: str, title: str) -> str:
    """A web page that needs nothing from elsewhere, and runs nothing.

    :param markdown: the document; HTML in it is shown, not followed.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415 - for this format alone

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return _PAGE.format(title=escape(safe(title).plain), body=body)
