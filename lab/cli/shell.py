"""What `python -m lab env` prints: lines that lead a learner's shell to the lab, in that shell's own language.

Each list of lines first forgets what would lead elsewhere, then sets the lab's own. fish:
https://fishshell.com/docs/current/language.html#quotes, PowerShell:
https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from lab.cli import dead_end

_FAIL = {"powershell": "$global:LASTEXITCODE = 1", "pwsh": "$global:LASTEXITCODE = 1"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# PowerShell takes typographic quotes for plain ones.
_POWERSHELL_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")


def shell_lines(variables: Mapping[str, str], current: Iterable[str], shell: str = "sh") -> list[str]:
    """Lines that forget every AWS and proxy variable of `current`, then set the lab's own.

    :param current: names of the shell's variables.
    :param shell: one of SHELLS.
    """
    inherited = sorted(name for name in current if _leads_elsewhere(name) and name not in variables)
    return SHELLS[shell](inherited, variables)


def lines_to_nowhere(current: Iterable[str], shell: str = "sh") -> list[str]:
    """Lines after which no call of the shell's programs reaches anything; the last one fails.

    :param current: names of the shell's variables.
    :param shell: one of SHELLS.
    """
    return [*shell_lines(dead_end.VARIABLES, current, shell), _FAIL.get(shell, "false")]


def _leads_elsewhere(name: str) -> bool:
    is_proxy = name.upper() in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return bool(_NAME.fullmatch(name)) and (name.startswith("AWS_") or is_proxy)


def _posix(forgotten: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    unset = [f"unset {' '.join(forgotten)}"] if forgotten else []
    return unset + [f"export {name}={_posix_quoted(value)}" for name, value in variables.items()]


def _zsh(forgotten: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    # zsh takes a pasted comment for a command, and the apostrophe in it for a quote, unless told.
    return [*_posix(forgotten, variables), "setopt interactive_comments"]


def _posix_quoted(value: str) -> str:
    """Always in quotes: of what shlex.quote leaves bare, zsh takes a leading `=` for the name of a program."""
    return "'" + value.replace("'", "'\\''") + "'"


def _fish(forgotten: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    # A universal variable would come back in every new shell: erasing it is the learner's to decide.
    unset = [
        f"set -eg {name}; set -qUx {name}; and echo 'warning: the universal variable {name} still leads elsewhere. "
        f"Erase it: set -eU {name}' >&2"
        for name in forgotten
    ]
    return unset + [f"set -gx {name} {_fish_words(name, value)}" for name, value in variables.items()]


def _fish_words(name: str, value: str) -> str:
    """A value for `set`; PATH is a list there, in which an empty element is no folder."""
    words = [each or "." for each in value.split(os.pathsep)] if name == "PATH" else [value]
    return " ".join("'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'" for word in words)


def _powershell(forgotten: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    unset = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in forgotten]
    return unset + [f"$env:{name} = '{_POWERSHELL_QUOTES.sub(_twice, value)}'" for name, value in variables.items()]


def _twice(found: re.Match[str]) -> str:
    return found[0] * 2


# By the name of the program.
SHELLS: Mapping[str, Callable[[Sequence[str], Mapping[str, str]], list[str]]] = {
    "bash": _posix,
    "dash": _posix,
    "fish": _fish,
    "powershell": _powershell,
    "pwsh": _powershell,
    "sh": _posix,
    "zsh": _zsh,
}
