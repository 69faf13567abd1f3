"""The command ``securetrail COMMAND``, which is also ``python -m securetrail COMMAND``."""

from __future__ import annotations

import os
import sys

try:  # on a busy machine these already take long enough for a Ctrl-C
    import importlib
    import importlib.util
    import traceback
    from collections.abc import Sequence
    from difflib import get_close_matches
    from pathlib import Path
    from typing import Final, TextIO

    from securetrail import __version__
except KeyboardInterrupt:
    os.write(2, b"stopped.\n")
    os._exit(130)

# Where this package and those that came with it are.
_ROOT: Final = Path(__file__).resolve().parents[1]
_VERIFIER: Final = {
    "check": "is the trail recording, encrypted, validated and safe?",
    "score": "how well is the account protected?",
    "who": "who can stop the trail, or take or alter its record?",
    "events": "who called what, when, from where?",
    "detective": "make four calls that only read, and find them again",
    "integrity": "prove that no log file was altered, removed or added",
    "logs": "ask the delivered log files, in SQL or by filters",
    "hunt": "which known attacks are in the delivered log files?",
}
_OTHERS: Final = {
    "review": "what protection a change of a CDK app loses, and what it newly allows",
    "completion": "print what makes bash, zsh or fish complete these commands",
}
COMMANDS: Final = {**_VERIFIER, **_OTHERS}
_HELP: Final = f"""\
usage: securetrail [--help] [--version] COMMAND …

commands:
{"".join(f"  {name:12}{what}{chr(10)}" for name, what in COMMANDS.items())}
Each has a --help of its own, which also says what its exit codes mean.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see its ``--help`` for the exit codes.

    :param argv: the arguments after the program's name. Default: - the process's own.
    """
    command, *rest = [*(sys.argv[1:] if argv is None else argv)] or [""]
    if command in ("-h", "--help"):
        return _print(_HELP)
    if command == "--version":
        return _print(f"securetrail {__version__}\n")
    if command in _VERIFIER:
        _find_what_came_along()
        from verify.__main__ import main as verify  # noqa: PLC0415 (each command loads what it needs)

        return verify([command, *rest], "securetrail")
    if command == "review":
        _find_what_came_along()
        return _review(rest)
    if command == "completion":
        _find_what_came_along()
        return _completion(rest)
    wrong = f"{command!r} is no command" if command else "a command is missing"
    meant = "".join(f" Did you mean {each}?" for each in get_close_matches(command, COMMANDS, n=1))
    return _refuse(f"{_HELP}\nerror: {wrong}. Allowed: {', '.join(COMMANDS)}.{meant}")


def run() -> None:
    """Run the command of this process, and end the process."""
    try:
        code = main()
    except KeyboardInterrupt:
        # Also while a command is still loaded.
        print("stopped.", file=sys.stderr)
        code = 130
    sys.exit(code)


def _find_what_came_along() -> None:
    """Let ``verify`` be the one that was installed with this package.

    A repository may have a ``verify.py`` of its own, and Python searches the folder first with ``-m`` or PYTHONPATH.
    """
    found = importlib.util.find_spec("verify")
    if found is None or found.origin is None or Path(found.origin).resolve() != _ROOT / "verify" / "__init__.py":
        sys.path.insert(0, str(_ROOT))


def _review(arguments: Sequence[str]) -> int:
    # They are loaded late, and what then fails could be taken for a fault of the change.
    missing = [module for module in ("cfnlint", "yaml") if importlib.util.find_spec(module) is None]
    if missing:
        return _refuse(
            f"error: The Python module {missing[0]} is missing ({sys.executable}). "
            "Fix: pip install 'securetrail[review]'"
        )
    try:
        from securetrail.review.cli import main as review  # noqa: PLC0415 (as above)
        from securetrail.wrapping import wrap_terminals  # noqa: PLC0415 (as above)
    except Exception:  # noqa: BLE001 (a program that does not even load has not compared anything)
        traceback.print_exc()
        return 3
    wrap_terminals(arguments)
    return review(arguments)


def _completion(arguments: Sequence[str]) -> int:
    from securetrail.completion import SHELLS, place_of, script  # noqa: PLC0415 (as above)

    if len(arguments) != 1 or arguments[0] not in SHELLS:
        given = " ".join(arguments) or "nothing"
        known = "\n".join(f"  {each.into}" for each in SHELLS.values())
        text = f"usage: securetrail completion {{{','.join(SHELLS)}}}\n\nto have it in every new shell:\n{known}\n"
        if [*arguments] in (["-h"], ["--help"]):
            return _print(text)
        return _refuse(f"{text}\nerror: {given!r} was given. Allowed: one of {', '.join(SHELLS)}.")
    places = []
    for name, load in (("verify", "verify.cli"), ("review", "securetrail.review.cli")):
        try:
            parser = importlib.import_module(load).build_parser()
        except ModuleNotFoundError:
            _print(
                f"Without its extra, {name} has no options to complete: pip install 'securetrail[{name}]'\n", sys.stderr
            )
        else:
            places += place_of(parser, () if name == "verify" else (name,))
    return _print(script(arguments[0], places, COMMANDS))


def _print(text: str, stream: TextIO | None = None) -> int:
    """Print to standard output, or there. Whoever closed the pipe does not read it, which changes no exit code."""
    stream = stream or sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 0


def _refuse(text: str) -> int:
    _print(f"{text}\n", sys.stderr)
    return 2


if __name__ == "__main__":
    run()
