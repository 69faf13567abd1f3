"""The command line: parses arguments, prints results and chooses the exit code.

One module for each command; ``common``, ``expected``, ``parser``, ``progress``, ``integrity_options``,
``place_options`` and ``wrapping`` serve them. May import ``aws``, ``errors``, ``events``, ``global_services``,
``hunt``, ``integrity``, ``logs``, ``msgspec``, ``posture``, ``report``, ``rich``, ``storage``, ``target``, ``threads``,
``times`` and ``trail``. Nothing imports it but ``verify.__main__``. Only here and in ``verify.report.terminal`` is
anything written to the terminal.

Open this module first: :func:`main` runs a command; then the module of the command in question.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from verify.cli.parser import Parser
from verify.errors import UsageError, VerifyError
from verify.report.terminal import Terminal, discard

_EXIT_CODES = """\
exit codes:
  0  everything asked for passed
  1  something failed
  2  wrong usage: an option, a name or a trail that does not exist
  3  nothing failed, but something could not be read (denied, unreachable, no credentials), or this program is at fault

The verifier only reads; it never changes an account.
"""
_SHOWN_OF_FAULT = 300
_MODULE = "python -m verify"
_COMMANDS = ("check", "score", "events", "detective", "integrity", "who", "logs", "hunt")


class _WrongUsage(SystemExit):
    """The end that ``argparse`` comes to where a command line is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status)
        self.message = message


class _Parser(Parser):
    """As the others; the examples call the program as it was called, which a repository's own ``verify`` may demand."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As ``argparse``, without empty values: such a one comes from a variable that was not set, and the default in
        its place would look at something else.
        """
        found, unknown = super().parse_known_args(args, namespace)
        for action in self._actions:
            value = getattr(found, action.dest, None)
            if value == "" or (isinstance(value, list) and "" in value):
                name = action.option_strings[-1] if action.option_strings else action.metavar
                raise UsageError(f"{name} is empty. Give it a value, or leave it out.")
        return found, unknown

    def format_help(self) -> str:
        """The help of this command."""
        text = super().format_help()
        return text if self.prog.startswith(_MODULE) else text.replace(_MODULE, self.prog.partition(" ")[0])

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """As ``argparse``, and the end tells what was wrong."""
        try:
            super().exit(status, message)
        except SystemExit as end:
            if not status:
                raise
            raise _WrongUsage(status, (message or "").partition("error: ")[2].strip()) from end


def build_parser(arguments: Sequence[str] = (), program: str = _MODULE) -> Parser:
    """The parser of the command line.

    :param arguments: the arguments to be parsed. When they begin with a command, the parser knows that command alone,
        so that only its module is imported: imports take most of the time of a start. Default: - every command.
    :param program: how it was called, for the usage.
    """
    parser = _Parser(
        prog=program,
        description="Is every API call recorded, can anyone have altered the record, who did this?",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS:
        import_module(f"verify.cli.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None, program: str = _MODULE) -> int:
    """Run one command.

    :param argv: the arguments after the program's name. Default: - the process's own.
    :param program: how it was called, for the usage.
    :returns: the exit code, 0 to 3, or 130 after Ctrl-C.
    """
    if sys.stderr is None:  # closed, as by 2>&-
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (it stays open as long as the process lives)
    if sys.stdout is None:
        print("error: standard output is closed, so no result can be printed.", file=sys.stderr)
        return 3
    if isinstance(sys.stdout, io.TextIOWrapper):
        # An old locale's ASCII cannot hold every character of a report.
        sys.stdout.reconfigure(errors="replace")
    given = sys.argv[1:] if argv is None else argv
    terminal = Terminal()
    try:
        arguments = _parsed(given, program, terminal)
        exit_code: int = arguments.run(arguments, terminal)
        terminal.flush()
    except VerifyError as error:
        return _failed(terminal, str(error), error.exit_code, as_json=_wants_json(given))
    except KeyboardInterrupt:
        terminal.notice("stopped.")
        return 130
    except OSError as error:
        discard(sys.stdout)
        terminal.notice(f"error: the result could not be written: {error}")
        return 3
    except ModuleNotFoundError:
        raise  # whoever started this tells how to install what is missing
    except Exception as error:  # noqa: BLE001 - Python's own exit code is 1, which says that something failed
        if sys.flags.dev_mode:
            traceback.print_exc()
        return _failed(terminal, _fault(error), 3, as_json=_wants_json(given))
    return exit_code


def _parsed(given: Sequence[str], program: str, terminal: Terminal) -> argparse.Namespace:
    try:
        return build_parser(given, program).parse_args(given)
    except _WrongUsage as wrong:
        if _wants_json(given):
            _print_error(terminal, wrong.message, 2)  # standard error has it, with the usage
        raise


def _failed(terminal: Terminal, error: str, exit_code: int, *, as_json: bool) -> int:
    terminal.notice(f"error: {error}")
    if as_json:
        _print_error(terminal, error, exit_code)
    return exit_code


def _print_error(terminal: Terminal, error: str, exit_code: int) -> None:
    try:
        terminal.print_json({"error": error, "exitCode": exit_code})
        terminal.flush()
    except OSError:
        discard(sys.stdout)  # nobody reads it, and standard error has it


def _wants_json(given: Sequence[str]) -> bool:
    """Whether a program reads the answer. It is told of an error where it looks for the answer."""
    return "--json" in given or "--format=json" in given or ("--format", "json") in pairwise(given)


def _fault(error: Exception) -> str:
    """One line on what nobody foresaw, and where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN_OF_FAULT]
    return (
        f"a fault of this program kept it from a result, and says nothing of what was looked at: {what}{where}. Please "
        "report it, with the command; 'python -X dev -m verify …' prints the traceback as well."
    )
