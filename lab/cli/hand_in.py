"""`lab answer` and `lab report`: what a learner found out about a scenario is checked, and scored."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from lab.errors import LabError
from lab.instance.folder import Lab
from lab.scenarios.answers import report, saved
from lab.scenarios.answers.facts import Fact, points
from lab.scenarios.answers.report import Verdict
from lab.scenarios.answers.saved import Played
from lab.scenarios.run import HUNTS

NOT_YET = 3

_MOST_CHARACTERS = 1_000_000
_ANSWER_EXAMPLES = """
examples:
  python -m lab answer                                    what is asked, and what was found so far
  python -m lab answer capital-one address=192.0.2.1      is it right?
  python -m lab answer tamper user=ann stopped=2026-01-31T09:30:00Z

An answer is compared as a fact: a name or its ARN, an address, a time in UTC (a minute early or late is right), a
number, a file by its key or the last part of it. Each fact is worth the same; found at the second try it is worth half,
at the third a third, and nothing after the solution was printed.

exit codes: 0 all facts are found, 3 not yet, 1 the lab is not running, 2 it could not be done
"""
_REPORT_EXAMPLES = """
examples:
  python -m lab report capital-one --template > report.md     a report to be filled in
  python -m lab report capital-one report.md                  which facts are missing or wrong?

A fact is found where the report names it: in a table (| address | 192.0.2.1 |), in a line (Address: 192.0.2.1) or below
a heading (## Address). Names, addresses and files are also looked for in the text. A wrong fact counts as a try, as it
does for python -m lab answer; a missing one does not.

exit codes: 0 all facts are there and right, 3 not yet, 1 the lab is not running, 2 it could not be done
"""


def add_answer(command: argparse.ArgumentParser) -> None:
    """What the answer command takes."""
    what = "what you found; without facts, the questions are shown"
    _add_words(command, "SCENARIO | FACT=VALUE", what, _ANSWER_EXAMPLES)


def add_report(command: argparse.ArgumentParser) -> None:
    """What the report command takes."""
    what = "your report in Markdown (- reads standard input)"
    _add_words(command, "SCENARIO | FILE", what, _REPORT_EXAMPLES)
    command.add_argument("--template", action="store_true", help="print a report to be filled in")


def _add_words(command: argparse.ArgumentParser, metavar: str, what: str, examples: str) -> None:
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = examples
    named = f"the scenario, unless only one was played, and {what}"
    command.add_argument("words", nargs="*", metavar=metavar, help=named)


def answer(lab: Lab, arguments: argparse.Namespace, show: Callable[[str], None]) -> int:
    """Checks answers, or shows the questions; the exit code.

    :param show: takes a line of the result.
    :raises LabError: nothing was played, or there is no such fact, or an answer is none.
    """
    given = [word.partition("=") for word in arguments.words if "=" in word]
    name, played = _played(lab, [word for word in arguments.words if "=" not in word])
    facts = {fact.name: fact for fact in played.facts}
    for fact_name, _, _ in given:
        if fact_name not in facts:
            raise LabError(f"{fact_name!r} is not asked. The facts of {name} are: {', '.join(facts)}")
    verdicts = {fact_name: _is_right(facts[fact_name], value) for fact_name, _, value in given}
    for fact_name, is_right in verdicts.items():
        played = played.tried(fact_name, is_right=is_right)
    saved.keep(lab, name, played)
    if given:
        for fact_name, is_right in verdicts.items():
            show(f"{Verdict.RIGHT if is_right else Verdict.WRONG:<8} {fact_name}")
    else:
        for line in (*played.alarm, ""):
            show(line)
        for fact in played.facts:
            show(f"{'found' if played.tries[fact.name].is_found else 'open':<8} {fact.name:<15} {fact.question}")
    return _score(played, show)


def hand_in(lab: Lab, arguments: argparse.Namespace, show: Callable[[str], None]) -> int:
    """Checks a report, or prints one to be filled in; the exit code.

    :param show: takes a line of the result.
    :raises LabError: nothing was played, or the file is no report.
    """
    names = [word for word in arguments.words if word in HUNTS]
    files = [word for word in arguments.words if word not in HUNTS]
    name, played = _played(lab, names)
    if arguments.template:
        for line in report.template(name, played.facts).rstrip("\n").split("\n"):
            show(line)
        return 0
    if len(files) != 1:
        raise LabError(f"Name one file, such as report.md; python -m lab report {name} --template prints one.")
    judged = report.judge(_text(files[0]), played.facts)
    for each in judged:
        if each.verdict is not Verdict.MISSING:
            played = played.tried(each.fact.name, is_right=each.verdict is Verdict.RIGHT)
    saved.keep(lab, name, played)
    for each in judged:
        more = {Verdict.RIGHT: "", Verdict.WRONG: f"the report says: {each.said}", Verdict.MISSING: each.fact.question}
        show(f"{each.verdict:<8} {each.fact.name:<15} {more[each.verdict]}".rstrip())
    code = _score(played, show)
    return code if all(each.verdict is Verdict.RIGHT for each in judged) else NOT_YET


def solution(lab: Lab, name: str, show: Callable[[str], None]) -> int:
    """Shows the solution of a hunt, after which what was not found yet earns nothing; the exit code.

    :raises LabError: it was not played.
    """
    name, played = _played(lab, [name])
    saved.keep(lab, name, played.told())
    for fact in played.facts:
        show(f"{fact.name:<15} {fact.value}")
    for line in ("", *played.story):
        show(line)
    return 0


def _played(lab: Lab, names: Sequence[str]) -> tuple[str, Played]:
    if len(names) > 1:
        raise LabError(f"Name one scenario, not {len(names)} ({', '.join(names)}), and facts as FACT=VALUE.")
    if names and names[0] not in HUNTS:
        raise LabError(f"{names[0]!r} is no hunt. There are: {', '.join(HUNTS)}")
    found = {name: each for name, each in saved.read(lab).items() if name in HUNTS and each.facts}
    if names and names[0] not in found:
        raise LabError(f"{names[0]} was not played to its end. Play it: python -m lab scenario {names[0]}")
    if not found:
        raise LabError(f"No hunt was played. Play one: python -m lab scenario {next(iter(HUNTS))}")
    if not names and len(found) > 1:
        raise LabError(f"Several hunts were played; name one: {', '.join(found)}")
    name = names[0] if names else next(iter(found))
    return name, found[name]


def _is_right(fact: Fact, value: str) -> bool:
    try:
        return fact.is_right(value)
    except ValueError as error:
        raise LabError(f"{fact.name}: {error}. No try was counted.") from error


def _score(played: Played, show: Callable[[str], None]) -> int:
    found = sum(each.is_found for each in played.tries.values())
    show(f"{found} of {len(played.facts)} facts found: {points(played.tries)} of 100 points")
    return 0 if found == len(played.facts) else NOT_YET


def _text(name: str) -> str:
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as file:
            text = file.read(_MOST_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise LabError(f"{name} is no text in UTF-8 ({error}), so it is no Markdown.") from error
    except OSError as error:
        raise LabError(f"{name} cannot be read ({error.strerror}).") from error
    if len(text) > _MOST_CHARACTERS:
        raise LabError(f"{name} is longer than a report can be ({_MOST_CHARACTERS:,} characters). No try was counted.")
    return text
