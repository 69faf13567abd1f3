"""Whatever a change calls its constructs and gives as its reasons, the review shows it and does nothing else with it.

Rendered by GitHub's own Markdown parser (cmark-gfm). Mentions and references are made of the rendered text outside of
code, which is why none of it may come from the change.
"""

import datetime as dt
import json
import re
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
from hypothesis import given
from hypothesis import strategies as st

from securetrail.printable import printable
from securetrail.review.access import Access, AccessDifference, NotComparableAccess
from securetrail.review.changes.resources import Change, Kind
from securetrail.review.comparison import Difference, Repository, Review
from securetrail.review.controls.compare import ControlLoss, Loss
from securetrail.review.decisions import Accepted, Decision
from securetrail.review.findings import Acknowledgement, Finding, SourceLine
from securetrail.review.objections import Objection
from securetrail.review.report.as_json import as_json
from securetrail.review.report.document import document
from securetrail.review.report.github import workflow_commands
from securetrail.review.report.markdown import markdown
from securetrail.review.report.sarif import sarif
from securetrail.review.report.text import text as plain_text
from securetrail.review.template import Id

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


def review_of(text: str) -> Review:
    """A review in which all that a change can choose is this text."""
    place, name = SourceLine(text, 1), Id(text, text)
    access = Access(name, text, text, (text,), text, text, text, is_certain=True, objects=True)
    objection = Objection(text, text, text, text, place)
    difference = Difference(
        objections=(objection,),
        access=AccessDifference((access,), (access,), (NotComparableAccess(name, text, text),)),
        controls=(ControlLoss(text, Loss.LOST, name, text, text, text, text, text),),
        changes=(Change(Kind.REMOVED, name, text, (text,)), Change(Kind.REPLACED, name, text, (), text)),
        declarations=(Change(Kind.REMOVED, name, "output"),),
        findings=(Finding(text, text, "error", text, place), Finding(text, text, "warning", text, place)),
        standing_findings=(),
        exceptions=(Acknowledgement(f"Pack::{text}", text, text, place),),
        standing=(Acknowledgement(f"Pack::{text}", text, text, None),),
        removed_stacks=(text,),
    )
    decision = Decision(text, text, text, dt.date(2027, 3, 31))
    return Review(
        "T",
        (objection,),
        (Accepted(objection, decision, is_new=True), Accepted(objection, decision, is_new=False)),
        difference,
        Repository(judging=(text,), dependencies=(text,)),
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
    return Page(cmarkgfm.github_flavored_markdown_to_html(markdown(document(review_of(text)))))


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
    assert tags == {"h2", "p", "strong", "ol", "li", "br", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert not any(PLAIN in entry for entry in EXPECTED.rest if isinstance(entry, str))
    assert sum(PLAIN in code for code in EXPECTED.code) >= 25


@given(TEXTS)
def test_a_workflow_command_is_one_line_that_steers_nothing(text: str) -> None:
    for line in workflow_commands(review_of(text)):
        assert line.isprintable()
        assert line.startswith(("::error file=", "::warning file="))
        properties = line[2:].split("::", 1)[0]
        assert [entry.partition("=")[0] for entry in properties.partition(" ")[2].split(",")] == [
            "file",
            "line",
            "title",
        ]


@given(TEXTS)
def test_the_terminal_is_shown_nothing_that_steers_it(text: str) -> None:
    shown = plain_text(document(review_of(text)), 100)

    assert shown.replace("\n", "").isprintable()
    assert max(map(len, shown.splitlines())) <= 100


@given(TEXTS)
def test_code_scanning_is_shown_text_without_links(text: str) -> None:
    run: dict[str, Any] = json.loads(json.dumps(sarif(review_of(text))))["runs"][0]

    for result in run["results"]:
        said: str = result["message"]["text"]
        # A bracket without a backslash of its own may be a link's.
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", said)
        assert said.replace("\n", "").isprintable()
        assert result["ruleId"].isprintable()
        assert re.fullmatch(
            r"[\w.~/%-]+", result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], re.ASCII
        )
        assert re.fullmatch(r"[0-9a-f]{32}", result["partialFingerprints"]["securetrailReview/v1"])


@given(TEXTS)
def test_programs_get_the_text_as_it_is(text: str) -> None:
    known = json.loads(json.dumps(as_json(review_of(text))))

    assert known["objections"][0]["says"] == text
    assert known["changes"][0]["resource"] == f"{text}/{text}"
