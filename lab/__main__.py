"""`python -m lab`, which any Python from 3.6 can read, so that it can say what is needed."""

import sys
from importlib.util import find_spec


def _main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - `python` may be any version
        return _reject("SecureTrail needs Python 3.11 or newer, not " + sys.version.split()[0])
    try:
        # Here, as the imports take long enough for a Ctrl-C.
        from lab.cli.commands import main  # noqa: PLC0415

        if find_spec("ministack") is None:  # the lab's own process imports it
            return _reject("The Python module ministack is missing")
        return main(sys.argv[1:])
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in ("", "lab"):
            raise
        return _reject("The Python module " + module + " is missing")
    except KeyboardInterrupt:
        return 130


def _reject(reason: str) -> int:
    print(
        f"error: {reason} ({sys.executable}). In the project's folder run 'make lab' once, which installs what is "
        "needed, then in every new shell: source .venv/bin/activate",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(_main())
