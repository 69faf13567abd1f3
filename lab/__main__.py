"""`python -m lab`, which any Python from 3.6 can read, so that it can say what is needed."""

import os
import sys

try:  # on a busy machine these already take long enough for a Ctrl-C
    import signal
    from importlib.util import find_spec

    from lab.cli.dead_end import lines_for_any_shell
except KeyboardInterrupt:
    os.write(2, b"Interrupted.\n")
    os._exit(130)


def _main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - `python` may be any version
        return _reject("SecureTrail needs Python 3.11 or newer, not " + sys.version.split()[0])
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        # Within an import Python may swallow a Ctrl-C, or print where it came. Nothing was begun: the process can end.
        signal.signal(signal.SIGINT, _stop_at_once)
    try:
        # Here, as the imports take long enough for a Ctrl-C.
        from lab.cli.commands import main  # noqa: PLC0415
        from lab.cli.wrapping import wrap_terminals  # noqa: PLC0415

        if find_spec("ministack") is None:  # the lab's own process imports it
            return _reject("The Python module ministack is missing")
        wrap_terminals(sys.argv[1:])
        signal.signal(signal.SIGINT, before)
        return main(sys.argv[1:])
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in ("", "lab"):
            raise
        return _reject("The Python module " + module + " is missing")
    except KeyboardInterrupt:
        _lead_nowhere()
        print("Interrupted.", file=sys.stderr)
        return 130


def _stop_at_once(_signal: int, _frame: object) -> None:
    _lead_nowhere()
    sys.stdout.flush()
    os.write(2, b"Interrupted.\n")
    os._exit(130)


def _flush() -> None:
    """Ctrl-C ends what would have read the output, too. Python's own last flush would make another exit code of it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reject(reason: str) -> int:
    _lead_nowhere()
    print(
        f"error: {reason} ({sys.executable}). In the project's folder run 'make lab' once, which installs what is "
        "needed, then in every new shell: source .venv/bin/activate",
        file=sys.stderr,
    )
    return 2


def _lead_nowhere() -> None:
    """For `eval "$(python -m lab env)"`: what is pasted next must not reach a real account."""
    if sys.argv[1:2] == ["env"]:
        print("\n".join(lines_for_any_shell(list(os.environ))))


if __name__ == "__main__":
    code = _main()
    _flush()
    sys.exit(code)
