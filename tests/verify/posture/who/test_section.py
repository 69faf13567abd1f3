"""Who can blind the recorder as the last question of a check: one result, and the worse of two exit codes."""

import dataclasses
import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from tests.verify.posture.healthy import ACCOUNT, HEALTHY, TRAIL_ARN, but, report
from tests.verify.simulation.stubbed import offline
from verify.errors import CannotLook, UsageError
from verify.fact import Denied, Value
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Group, Report, Status
from verify.posture.who.model import Ability, Answer, Finding
from verify.posture.who.section import answer_beside, with_answer
from verify.report.check import render, summary
from verify.report.check_json import report_as_json
from verify.report.terminal import Terminal
from verify.report.who import summary as summary_of_who
from verify.report.who import who_as_json
from verify.target import TargetOptions

STOP = Ability("stop-trail", "cloudtrail:StopLogging", TRAIL_ARN, ("inline policy p of ann: S",))
ANN = Finding(f"arn:aws:iam::{ACCOUNT}:user/ann", "user", (STOP,), ())
MAYBE = dataclasses.replace(ANN, abilities=(dataclasses.replace(STOP, depends_on=("aws:SourceIp",)),))
NOBODY = Answer(ACCOUNT, TRAIL_ARN, None, examined=3, findings=(), root=None, unseen=())
SOMEBODY = dataclasses.replace(NOBODY, findings=(ANN,))
PERHAPS = dataclasses.replace(NOBODY, findings=(MAYBE,))
UNSEEN = dataclasses.replace(NOBODY, unseen=("iam:GetPolicy is denied",))
EXPECTED = dataclasses.replace(NOBODY, findings=(dataclasses.replace(ANN, is_expected=True),))
FAILING, UNKNOWING = but(versioning=Value("Suspended")), but(status=Denied("cloudtrail:GetTrailStatus"))


def beside(answer: Answer, of: TrailFacts = HEALTHY) -> Report:
    return with_answer(report(of), answer, summary_of_who(answer))


def printed(answer: Answer, *, form: str, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200, force_terminal=form != "pipe", no_color=True, markup=False)
    terminal = Terminal(out=console, err=console)
    for piece in render(
        beside(answer), as_tables=form == "table", as_blocks=form == "blocks", verbose=verbose, who=answer
    ):
        terminal.show(piece)
    assert isinstance(console.file, io.StringIO)
    # A terminal gets the styles of headings, and no other sequence.
    return re.sub(r"\x1b\[[012]m", "", console.file.getvalue())


@pytest.mark.parametrize(
    ("answer", "facts", "status"),
    [
        (NOBODY, HEALTHY, Status.PASS),
        (EXPECTED, HEALTHY, Status.PASS),
        (SOMEBODY, HEALTHY, Status.FAIL),
        (PERHAPS, HEALTHY, Status.UNKNOWN),
        (UNSEEN, HEALTHY, Status.UNKNOWN),
        (SOMEBODY, UNKNOWING, Status.FAIL),
        (UNSEEN, UNKNOWING, Status.UNKNOWN),
        (NOBODY, UNKNOWING, Status.UNKNOWN),
    ],
)
def test_the_worse_answer_decides(answer: Answer, facts: TrailFacts, status: Status) -> None:
    assert beside(answer, facts).status is status


def test_a_failed_check_outweighs_what_is_not_known() -> None:
    failing = dataclasses.replace(report(HEALTHY).results[0], status=Status.FAIL)
    of = dataclasses.replace(report(HEALTHY), results=(failing,))

    assert with_answer(of, UNSEEN, "?").status is Status.FAIL


@pytest.mark.parametrize("form", ["table", "blocks", "pipe"])
def test_every_form_has_the_answer_the_identity_and_the_statement(form: str) -> None:
    text = printed(SOMEBODY, form=form)

    assert text.count("Who can blind it?") == 1
    assert "1 identity can blind the recorder." in text
    assert f"{ANN.arn}  (user)" in text
    assert "by inline policy p of ann: S" in text
    assert text.splitlines()[-1].startswith("Recording: ")
    assert "Can blind it: others" in text.splitlines()[-1]
    assert "Can blind it" not in printed(NOBODY, form=form).replace("Can blind it: nobody else", "")


def test_in_a_pipe_the_answer_is_one_line_like_those_of_the_checks() -> None:
    (line,) = [each for each in printed(UNSEEN, form="pipe").splitlines() if each.startswith("UNKNOWN\t")]

    assert line.split("\t") == [
        "UNKNOWN",
        "-",
        "Nobody else can blind the recorder",
        TRAIL_ARN,
        "Not known: nobody was found who can blind the recorder, but not everything could be read.",
    ]


def test_json_has_the_answer_among_the_results_and_in_full() -> None:
    document = json.loads(json.dumps(report_as_json(beside(SOMEBODY), who_as_json(SOMEBODY))))

    assert document["status"] == "FAIL"
    assert [(each["id"], each["status"]) for each in document["results"] if each["group"] == "who"] == [
        ("nobody_else_can_blind_the_recorder", "FAIL")
    ]
    assert [each["arn"] for each in document["who"]["findings"]] == [ANN.arn]
    without = report_as_json(report(HEALTHY))
    assert without["who"] is None
    assert Group.WHO not in {*without["summary"], *(each["group"] for each in without["results"])}
    assert "blind" not in summary(report(HEALTHY))


@pytest.mark.parametrize("why", [UsageError("it belongs to another account"), CannotLook("iam is denied")])
def test_what_keeps_it_from_an_answer_leaves_the_checks_as_they_are(
    monkeypatch: pytest.MonkeyPatch, why: Exception
) -> None:
    def fails(*_: object) -> Any:
        raise why

    monkeypatch.setattr("verify.posture.who.section.find_who", fails)
    answer = answer_beside(report(HEALTHY), offline(monkeypatch), TargetOptions(), ())

    assert (answer.exit_code, answer.unseen) == (3, (str(why),))
    assert beside(answer).results[:-1] == report(HEALTHY).results


def test_what_the_report_has_said_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told = dataclasses.replace(report(HEALTHY), notices=("once",))
    said = dataclasses.replace(NOBODY, notices=("once", "more"))
    monkeypatch.setattr("verify.posture.who.section.find_who", lambda *_: said)

    assert answer_beside(told, offline(monkeypatch), TargetOptions(), ()).notices == ("more",)


@pytest.mark.parametrize("name", ["\x1b]0;x\x07", "=1+1", "[red]x[/red]", "\u202egnp", "a\nb", "\udcff"])
def test_names_are_text(name: str) -> None:
    ability = Ability("stop-trail", "cloudtrail:StopLogging", name, (name,), (name,))
    finding = Finding(name, "user", (ability,), ())
    answer = Answer(ACCOUNT, name, None, 1, findings=(finding,), root=finding, unseen=(name,), notices=(name,))

    for form in ("table", "blocks", "pipe"):
        plain = printed(answer, form=form, verbose=True)
        assert {char for char in plain if not char.isprintable()} <= {"\n", "\t"}
        cells = [cell for line in plain.splitlines() if "\t" in line for cell in line.split("\t")]
        assert [cell for cell in cells if cell[:1] in ("=", "@", "+")] == []
    assert json.dumps(report_as_json(beside(answer), who_as_json(answer))).isascii()
