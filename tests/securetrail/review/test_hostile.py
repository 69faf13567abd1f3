"""Whatever a change calls its constructs and gives as its reasons, the review shows it and does nothing else with it.

Rendered by GitHub's own Markdown parser (cmark-gfm). Mentions and references are made of the rendered text outside of
code, which is why none of it may come from the change.
"""

import json
import re
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
from hypothesis import given
from hypothesis import strategies as st
from tools.printable import printable
from tools.review_changes import Change, Kind
from tools.review_findings import Acknowledgement, Finding, Place
from tools.review_outputs import markdown, sarif, workflow_commands
from tools.review_sides import Comparison, TrailControls

ATTACKS = [
    "https://evil.example/login",
    "www.evil.example",
    "someone@evil.example",
    "a&#64;evil.example",
    "@octocat and @org/team",
    "#1, GH-1, org/repo#1, 0123456789012345678901234567890123456789",
    "[approve](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "<!-- <details> -->",
    "a | b | c",
    "a \\| b \\\\| c \\",
    "` code ` and `` more",
    "`",
    "a`@octocat`b",
    "line\n\n# heading\n\n- [ ] item\n```\n",
    "\r\n| a | b |\n|---|---|",
    "\x1b]0;title\x07\x1b[31m\u202e\u2028\x9b\x00",
    " padded ",
    "   ",
    "$x$ :tada: [^1] ~~gone~~",
    "\ud800",
]
# Every character that means something to Markdown, HTML or a terminal, far more often than chance would have it.
TEXTS = st.sampled_from(ATTACKS) | st.text(
    st.sampled_from("`|\\@#[]()<>&*_~!:/.$\n\r\t\x1b \u202eaw") | st.characters(), min_size=1
)


def review_of(text: str) -> Comparison:
    """A review in which all that a change can choose is this text."""
    place = Place(text, 1)
    change = Change(Kind.REMOVED, text, text, text, (text,))
    return Comparison(
        has_base=True,
        removed_stacks=(text,),
        changes=(change, Change(Kind.REPLACED, text + text, text, text, ())),
        declarations=(change,),
        findings=(Finding(text, text, "error", text, place),),
        new_exceptions=(Acknowledgement(f"Pack::{text}", text, text, place),),
        standing=(Acknowledgement(f"Pack::{text}", text, text, None),),
        controls=(TrailControls(text, (text,), (text,), (text,), 1),),
    )


class Page(HTMLParser):
    """What a browser would show: the text in code, and everything else."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.code: list[str] = []
        self.rest: list[object] = []
        self._is_code = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.rest.append((tag, attributes))
        if tag == "code":
            self._is_code = True
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self.rest.append(tag)
        self._is_code = self._is_code and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._is_code:
            self.code[-1] += data
        else:
            self.rest.append(data)

    def handle_comment(self, data: str) -> None:
        self.rest.append(("comment", data))


def page(text: str) -> Page:
    return Page(cmarkgfm.github_flavored_markdown_to_html(markdown("T", review_of(text))))


PLAIN = "Ω"
EXPECTED = page(PLAIN)


@given(TEXTS)
def test_what_the_change_says_stands_in_code_and_changes_nothing_around_it(text: str) -> None:
    shown = page(text)

    assert shown.rest == EXPECTED.rest
    # A backslash is shown by its code, as control characters are, so that the one is never taken for the other.
    readable = printable(text.replace("\\", r"\x5c"))
    assert shown.code == [code.replace(PLAIN, readable) for code in EXPECTED.code]


def test_the_page_holds_the_change_nowhere_but_in_code() -> None:
    tags = {entry[0] for entry in EXPECTED.rest if isinstance(entry, tuple)}
    assert tags == {"h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert not any(PLAIN in entry for entry in EXPECTED.rest if isinstance(entry, str))
    assert sum(PLAIN in code for code in EXPECTED.code) >= 25


@given(TEXTS)
def test_a_workflow_command_is_one_line_that_steers_nothing(text: str) -> None:
    review = review_of(text)

    for line in workflow_commands(review.findings, review.new_exceptions):
        assert line.isprintable()
        assert line.startswith(("::error file=", "::warning file="))
        properties = line[2:].split("::", 1)[0]
        assert [entry.partition("=")[0] for entry in properties.partition(" ")[2].split(",")] == [
            "file",
            "line",
            "title",
        ]


@given(TEXTS)
def test_code_scanning_is_shown_text_without_links(text: str) -> None:
    run: dict[str, Any] = json.loads(json.dumps(sarif("T", review_of(text).findings)))["runs"][0]
    (result,) = run["results"]

    said: str = result["message"]["text"]
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", said)  # a bracket without a backslash of its own may be a link's
    assert said.replace("\n", "").isprintable()
    assert result["ruleId"].isprintable()
    assert re.fullmatch(r"[\w.~/%-]+", result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], re.ASCII)
