"""Runs a side's app, as the CDK CLI does, and leaves its cloud assembly in a folder.

The app is the code of either side. It gets nothing of the environment but what a synth needs: no credentials, tokens,
proxies or agents, and no home folder by which programs find a user's. That is no sandbox: the code may read the user's
files.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from securetrail.printable import printable
from securetrail.review.errors import ReviewError, WrongUsage

_KEPT: Final = ("LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR")
_FIXED: Final = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NODE_DISABLE_COMPILE_CACHE": "1",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    # Files and lines of Python in the metadata and in CDK's validation report.
    "JSII_HOST_STACK_TRACES": "1",
}
# What the CDK CLI adds to the context of every app.
_CLI_CONTEXT: Final = {
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:version-reporting": False,
    "aws:cdk:bundling-stacks": ["**"],
}
_LAST_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class App:
    """How one side's templates are made.

    :param name: ``base`` or ``change``, for messages.
    :param source: the folder in which the app runs.
    :param command: the shell command that runs it. Default: - ``app`` of the side's own cdk.json.
    :param context: of ``--context``, beside the side's own cdk.json and cdk.context.json.
    :param python: the interpreter of its environment, which comes first on the PATH.
    """

    name: str
    source: Path
    command: str | None
    context: Mapping[str, str]
    python: Path


@dataclass(frozen=True, slots=True)
class Synth:
    """What came of it.

    :param assembly: the folder with the cloud assembly.
    :param code: the app's exit code; a finding of a rule pack makes it 1, and the assembly is complete.
    :param said: the last lines that it wrote.
    """

    assembly: Path
    code: int
    said: str


def synthesize(apps: Sequence[tuple[App, Path]]) -> list[Synth]:
    """Run the apps side by side, each with the folder that its assembly goes to.

    :raises WrongUsage: no app is named.
    :raises ReviewError: a cdk.json cannot be read.
    """
    with ExitStack() as stack:
        running: list[tuple[subprocess.Popen[bytes], Path, Path]] = []
        for app, out in apps:
            home = Path(
                stack.enter_context(TemporaryDirectory(prefix="securetrail-synth-", ignore_cleanup_errors=True))
            )
            running.append((stack.enter_context(_Running(app, out, home)), out, home))
        return [_result(process, out, home) for process, out, home in running]


def settings_of(source: Path) -> dict[str, Any]:
    """A side's cdk.json; empty when it has none.

    :raises ReviewError: it cannot be read.
    """
    path = source / "cdk.json"
    return _object(path) if path.is_file() else {}


class _Running:
    """A started app; the end of the block ends it and what it started."""

    def __init__(self, app: App, out: Path, home: Path) -> None:
        settings = settings_of(app.source)
        command = app.command or settings.get("app")
        if not isinstance(command, str) or not command.strip():
            raise WrongUsage(f"No app is named, and cdk.json of the {app.name} has none. Fix: --app 'python3 app.py'")
        lookups = app.source / "cdk.context.json"
        context = {
            **_CLI_CONTEXT,
            **settings.get("context", {}),
            **(_object(lookups) if lookups.is_file() else {}),
            **app.context,
        }
        out.mkdir(parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _FIXED
        # The parent's, not the file's: a virtual environment's python is a link to the machine's.
        environment |= {
            "PATH": os.pathsep.join([str(app.python.parent), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "TMPDIR": str(home),
            # Below HOME CDK would end where a group may write into a folder above, as in a clone under a umask of 002.
            # Nobody else can write into this one.
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(home / "jsii"),
            "CDK_OUTDIR": str(out),
            "CDK_CONTEXT_JSON": json.dumps(context),
        }
        with (home / "said").open("wb") as said:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=app.source,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        # Also after its end: what it left in the background could go on to write, to the assemblies too.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _result(process: subprocess.Popen[bytes], out: Path, home: Path) -> Synth:
    code = process.wait()
    with (home / "said").open("rb") as said:
        said.seek(max(0, (home / "said").stat().st_size - 20_000))
        lines = said.read().decode(errors="replace").strip().splitlines()
    return Synth(out, code, printable("\n".join(lines[-_LAST_LINES:]), keep="\n\t"))


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReviewError(f"{path.name} cannot be read: {printable(str(error))}") from error
    if not isinstance(document, dict):
        raise ReviewError(f"{path.name} must be an object, not {type(document).__name__}")
    return document
