"""``python -m verify``, which any Python from 3.6 can read, so that an old one can be told what is needed."""

import gc  # frozen below: a collection of everything that was imported takes a tenth of a second
import os
import sys

try:  # on a busy machine these already take long enough for a Ctrl-C
    import signal
    import traceback
    from typing import Any
except KeyboardInterrupt:
    os.write(2, b"stopped.\n")
    os._exit(130)

# Hardly any garbage here is cyclic; collecting it as often as Python does takes a twentieth of the time. Imports leave
# none, and a check asks some thirty questions and is over; what runs for long or reads much collects now and then
# (integrity from where it begins to read).
_COLLECT_SELDOM, _COLLECT_NOW_AND_THEN = 1_000_000, 50_000
_QUICK = (["check"], ["integrity"])
gc.set_threshold(_COLLECT_SELDOM)


def main(arguments: "list[str] | None" = None, program: str = "python -m verify") -> int:
    """Run one command, and return its exit code.

    :param arguments: those after the program's name. Default: - the process's own.
    :param program: how it was called, for the usage.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever types `python` gets any of them
        return _refuse("SecureTrail needs Python 3.11 or newer, not " + sys.version.split()[0])
    before = _stop_at_once_while_loading()
    try:
        # Here, as the imports take long enough for a Ctrl-C.
        from verify.cli import main as run  # noqa: PLC0415
        from verify.cli.wrapping import wrap_terminals  # noqa: PLC0415

        gc.freeze()
        given = sys.argv[1:] if arguments is None else arguments
        if given[:1] not in _QUICK or "--who" in given:
            gc.set_threshold(_COLLECT_NOW_AND_THEN)
        wrap_terminals(given)
        signal.signal(signal.SIGINT, before)
        exit_code = run(given, program)
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in ("", "verify"):
            return _fail(error)
        return _refuse("The Python module " + module + " is missing")
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        exit_code = 130
    except Exception as error:  # noqa: BLE001 - the commands' own are handled where they run
        return _fail(error)
    finally:
        signal.signal(signal.SIGINT, before)
    if exit_code == 130:
        _end_at_once(exit_code)
    gc.freeze()
    return exit_code


def _end_at_once(exit_code: int) -> None:
    """Python would wait for calls to AWS that are still under way, and take apart all that was imported. These commands
    only read, and what they wrote is closed: nothing is lost.
    """
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    os._exit(exit_code)


def _stop_at_once_while_loading() -> Any:
    """Within an import Python may swallow a Ctrl-C, or print where it came. Nothing was begun: the process can end.

    :returns: what is done at Ctrl-C otherwise.
    """

    def stop(_signal: int, _frame: object) -> None:
        os.write(2, b"stopped.\n")
        os._exit(130)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)
    return before


def _flush(stream: Any) -> None:
    """Write out what is held back. Ctrl-C ends what would have read it, too; that changes no exit code."""
    try:
        if stream is not None:
            stream.flush()
    except OSError:
        pass


def _fail(error: Exception) -> int:
    """Python's own exit code of a traceback is 1, which here says that something failed, or was tampered with."""
    if sys.flags.dev_mode:
        traceback.print_exc()
    print(
        "error: a fault of this program kept it from starting: {}: {}. Please report it; 'python -X dev -m verify' "
        "prints the traceback as well.".format(type(error).__name__, " ".join(str(error).split())),
        file=sys.stderr,
    )
    return 3


def _refuse(reason: str) -> int:
    fix = (
        "Fix: pip install 'securetrail[verify]'"
        if _is_installed()
        else "In the project's folder run 'make lab' once, which installs what is needed, then in every new shell: "
        "source .venv/bin/activate"
    )
    print(f"error: {reason} ({sys.executable}). {fix}", file=sys.stderr)
    return 2


def _is_installed() -> bool:
    """Whether this is the distribution, not the project's folder."""
    try:
        from importlib import metadata  # noqa: PLC0415 - an old Python has none

        metadata.version("securetrail")
    except ImportError:  # that of a distribution that is not there is one
        return False
    return True


if __name__ == "__main__":
    code = main()
    if sys.argv[1:2] in _QUICK:
        _end_at_once(code)
    sys.exit(code)
