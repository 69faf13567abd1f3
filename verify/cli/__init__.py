"""The command line: parses arguments, prints results and chooses the exit code. Nothing else here prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from verify.cli import check, detective, events, integrity, score
from verify.cli.common import Terminal, safe
from verify.errors import VerifyError

_EXIT_CODES = """\
exit codes:
  0  everything asked for passed
  1  something failed
  2  wrong usage: an option, a name or a trail that does not exist
  3  nothing failed, but something could not be looked at (denied, unreachable, no credentials)

The verifier only reads; it never changes an account.
"""
_COMMANDS = (check, score, events, detective, integrity)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; ``docs/`` and the tests read it too."""
    parser = argparse.ArgumentParser(
        prog="python -m verify",
        description="Is every API call recorded, can anyone have altered the record, who did this?",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    :param argv: the arguments after the program's name. Default: - the process's own.
    :returns: the exit code, 0 to 3, or 130 after Ctrl-C.
    """
    arguments = build_parser().parse_args(argv)
    terminal = Terminal.standard()
    try:
        exit_code: int = arguments.run(arguments, terminal)
    except VerifyError as error:
        terminal.err.print(safe(f"error: {error}"), soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        terminal.err.print("stopped.")
        return 130
    except BrokenPipeError:
        # The reader (``| head``) has seen enough; keep the interpreter's own flush from complaining.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return exit_code
