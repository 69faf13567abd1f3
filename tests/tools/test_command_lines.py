"""A mistyped command or option: the usage of the command that was typed, and what was probably meant."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import securetrail.review.cli
from lab.cli import commands
from lab.cli.parser import Parser
from verify import cli as verify

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["parser.py", "wrapping.py"])
@pytest.mark.parametrize("folder", ["verify/cli", "securetrail"])
def test_the_copies_of_a_module_are_equal(folder: str, module: str) -> None:
    assert (ROOT / folder / module).read_text() == (ROOT / "lab/cli" / module).read_text()


@pytest.mark.parametrize(
    ("main", "typed", "usage", "meant"),
    [
        (commands.main, ["scenari"], "python -m lab", "scenario"),
        (commands.main, ["up", "--prot", "1"], "python -m lab up", "--port"),
        (commands.main, ["start", "--hoem", "folder", "3"], "python -m lab start", "--home"),
        (commands.main, ["scenario", "tampr"], "python -m lab scenario", "tamper"),
        (commands.main, ["scenario", "tamper", "--evnts=3"], "python -m lab scenario", "--events"),
        (verify.main, ["chek"], "python -m verify", "check"),
        (verify.main, ["check", "--verbos3"], "python -m verify check", "--verbose"),
        (verify.main, ["logs", "qury"], "python -m verify logs", "query"),
        (verify.main, ["logs", "show", "--evnt", "x"], "python -m verify logs show", "--event"),
        (securetrail.review.cli.main, ["--base", "x", "--formt", "json"], "python -m securetrail review", "--format"),
    ],
)
def test_what_was_meant_is_asked(
    main: object, typed: list[str], usage: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    with pytest.raises(SystemExit) as stopped:
        main(typed)

    told = capsys.readouterr()
    assert (stopped.value.code, told.out) == (2, "")
    assert told.err.startswith(f"usage: {usage} ")
    assert told.err.splitlines()[-1].count("Did you mean") == 1
    assert f". Did you mean {meant}?" in told.err.splitlines()[-1]


def test_nothing_is_guessed_where_nothing_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.main(["status", "--xyzzy"])

    assert capsys.readouterr().err.splitlines()[-1] == "python -m lab status: error: unrecognized arguments: --xyzzy"


@pytest.mark.parametrize(
    ("main", "typed"),
    [
        (commands.main, ["--home", "folder", "up"]),  # not --help
        (commands.main, ["--port", "4", "up"]),  # not report
        (verify.main, ["check", "--since", "4h"]),  # not --json
        (verify.main, ["check", "--token", "x"]),  # not --key
        (verify.main, ["logs", "--start", "24h", "query"]),  # not stats
        (verify.main, ["hunt", "--"]),  # not --in
    ],
)
def test_an_option_that_is_elsewhere_is_not_taken_for_another_one(
    main: object, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    with pytest.raises(SystemExit):
        main(typed)

    assert "Did you mean" not in capsys.readouterr().err


def test_a_hint_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="program")
    parser.hint = ". Try -- {}"

    with pytest.raises(SystemExit):
        parser.parse_args(["--all"])

    assert capsys.readouterr().err.endswith("program: error: unrecognized arguments: --all. Try -- --all\n")


def commands_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not any(each.required for each in groups):
        yield parser
    for group in groups:
        for each in group.choices.values():
            yield from commands_of(each)


@pytest.mark.parametrize("module", [commands, verify, securetrail.review.cli])
def test_every_help_has_an_example(module: Any) -> None:
    without = [each.prog for each in commands_of(module.build_parser()) if "example" not in each.format_help()]

    assert without == []
