"""The fixes of a report as files: each long document in one of its own, and the commands in a script. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath

from verify.posture.model import Fix

SCRIPT = "fixes.sh"
# A document in single quotes, as a command has it. One with a single quote in it is quoted otherwise, and stays.
_DOCUMENT = re.compile(r"'(\{[^']*\})'")
_LONG = 300
# A policy on the screen is no fix: nothing may take the script's end for one.
_UNDECIDED = (
    "echo 'Something is left to decide: read what is said above and in this script, change it, then check again.' >&2",
    "exit 3",
)


def fix_files(fixes: Sequence[Fix], folder: PurePath) -> dict[str, str]:
    """File name → content: the script with the commands, and the documents that it names with their whole path.

    The script ends with 3 where something is left to decide.

    :param folder: where the files will be.
    """
    files: dict[str, str] = {}
    lines = ["# Run them from the first to the last: sh " + shlex.quote(str(folder / SCRIPT)), "set -e"]
    for number, fix in enumerate(fixes, start=1):

        def named(found: re.Match[str], number: int = number) -> str:
            if len(found[1]) <= _LONG:
                return found[0]
            name = f"{number}-{len(files) + 1}.json"
            files[name] = f"{found[1]}\n"
            return shlex.quote(f"file://{folder / name}")

        lines += [f"# for {', '.join(fix.checks)}", _DOCUMENT.sub(named, fix.command)]
    if any(fix.only_reads for fix in fixes):
        lines += _UNDECIDED
    return {SCRIPT: "\n".join([*lines, ""]), **files}
