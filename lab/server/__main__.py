"""The lab's own process: `python -m lab.server --fd N --home DIR --instance ID`, started by
`lab.instance.lifecycle`, which writes the lab's secret to its standard input.

The listening socket is inherited, so that the port is taken before this process is known to work, and nothing else is
ever bound.
"""

import argparse
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from lab.confinement.imports import allow_only_needed_imports
from lab.private_files import open_private
from lab.settings import Settings

_LOG_BYTES = 1024 * 1024


class _Log(RotatingFileHandler):
    def _open(self) -> Any:
        return open_private(Path(self.baseFilename), "a")


def main() -> None:
    """Serves the lab until SIGTERM, with a log of at most two megabytes."""
    parser = argparse.ArgumentParser(prog="python -m lab.server", description="The process behind the lab.")
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--home", type=Path, required=True, help="the lab's folder")
    parser.add_argument("--instance", required=True, help="the id that the status page answers with")
    parser.add_argument("--delivery-seconds", type=float, required=True, help="how often log files are delivered")
    parser.add_argument("--digest-seconds", type=int, required=True, help="how long a digest's period is")
    parser.add_argument("--behind-seconds", type=float, required=True, help="how far a new lab's clock is behind")
    parser.add_argument("--history-seconds", type=float, default=0.0, help="how late the event history is")
    arguments = parser.parse_args()
    os.umask(0o077)  # what the lab keeps holds secrets
    (arguments.home / "data" / "tmp").mkdir(parents=True, exist_ok=True)
    log = _Log(arguments.home / "lab.log", maxBytes=_LOG_BYTES, backupCount=1)
    form = "%(asctime)s %(levelname)s [%(name)s] %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, handlers=[log])
    allow_only_needed_imports()
    from lab.server.application import run  # noqa: PLC0415 - MiniStack sets up logging when imported, unless it is set up

    settings = Settings(
        arguments.delivery_seconds, arguments.digest_seconds, arguments.behind_seconds, arguments.history_seconds
    )
    run(arguments.fd, arguments.instance, arguments.home, settings, sys.stdin.read())


if __name__ == "__main__":
    main()
