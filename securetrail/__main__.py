"""``python -m securetrail COMMAND``."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

_HELP = """usage: python -m securetrail COMMAND …

commands:
  review      what protection a change of a CDK app loses, and what it newly allows; see review --help
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see its ``--help`` for the exit codes."""
    command, *rest = [*(sys.argv[1:] if argv is None else argv)] or [""]
    if command == "review":
        try:
            from securetrail.review.cli import main as review  # noqa: PLC0415 (each command loads what it needs)
        except Exception:  # noqa: BLE001 (a program that does not even load has not compared anything)
            traceback.print_exc()
            return 3
        return review(rest)
    if command in ("-h", "--help"):
        print(_HELP, end="")
        return 0
    wrong = f"{command!r} is no command" if command else "a command is missing"
    print(f"{_HELP}\nerror: {wrong}. Allowed: review.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        # Also while a command is still loaded.
        code = 130
    sys.exit(code)
