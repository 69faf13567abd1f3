"""Shell scripts that workflows and verbs run: a script that checks less is a step that is removed.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from securetrail.review.objections import Objection, objection_id

# What a CI of another kind runs.
RUN_BY_CI: Final = (".ci/*",)
_SHELLS: Final = re.compile(r"#!.*\b(?:ba|da|k|z)?sh\b")
# In the first line, or as a command of its own: `#!/bin/sh -e`, `set -euo pipefail`.
_ENDS_AT_FAILURES: Final = re.compile(r"(?:#!\S+(?: \S*sh)?|set)(?: \S+)*? -(?:[a-z]*e|o errexit\b)")
# What fails so does not end the script: as its last command it is its answer, also as the last one of a loop.
_FAILS_AND_GOES_ON: Final = re.compile(r"&&|(?:^|[;\s])!\s")
_BEGINS_A_BLOCK: Final = re.compile(r"(?:[{(]|\b(?:do|else|then))\s*(?:#.*)?$")
_ENDS_A_BLOCK: Final = re.compile(r"(?:done|esac|fi|\}|\))\b.*|[)}].*")
_STARTED_BY: Final = re.compile(r"#!\s*(?:/usr)?/bin/(?:env (?:-S )?)?")
# A line in which all is closed that is quoted; and what lets the lines below it be a text.
_CLOSED: Final = re.compile(r"""(?:[^'"\\`]|\\.|(?<!\$)'[^']*'|"(?:[^"\\]|\\.)*"|`[^`]*`)*\\?""")
_HERE_DOCUMENT: Final = re.compile(r"(?<!<)<<(?!<)")
# A command that the next line goes on with; and what decides at the end, or goes on after failures.
_UNFINISHED: Final = re.compile(r"(?:&&|\||\\)\s*(?:#.*)?$")
_LAST_WORD: Final = re.compile(r"\btrap\b|\bset(?: \S+)*? \+|(?<!&)&\s*(?:#.*)?$")
_INSTALLED: Final = (".venv/", "./.venv/", "venv/", "node_modules/", "./node_modules/")
_WORDS: Final = re.compile(r"[\w.,:/+@%~-]+")
_LONGEST_PATH: Final = 500


def called_scripts(
    commands: Iterable[str], read: Callable[[str], str | None], changed: Iterable[str] = ()
) -> frozenset[str]:
    """The shell scripts that commands run, and those that these run, by their paths from the root.

    :param commands: of workflows and verbs.
    :param read: the text of one of the base's files, None for one that is not there.
    :param changed: files that count when their name stands anywhere in what runs, whatever a word of it is.
    """
    found: set[str] = set()
    seen: set[str] = set()
    named = {name: re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])") for name in changed}
    left = [(command, "") for command in (*commands, read(".ci/run") or "")]
    while left:
        text, folder = left.pop()
        names = {name for word in {*_WORDS.findall(text)} for name in _places(word, folder)}
        for name in ({name for name, pattern in named.items() if pattern.search(text)} | names) - seen:
            seen.add(name)
            script = read(name)
            if script is not None and (name.endswith((".bash", ".sh")) or _SHELLS.match(script)):
                found.add(name)
                left.append((script, posixpath.dirname(name)))
    return frozenset(found)


def _places(word: str, folder: str) -> Iterator[str]:
    """Where a script may be that a word names, from the root and from the folder of the script with the word."""
    # Installed programs are large, and no part of the repository.
    if word.startswith(_INSTALLED) or len(word) > _LONGEST_PATH:
        return
    # In `$(dirname "$0")/more.sh` what is before the slash is that folder, and in `$PWD/tools/more.sh` the root.
    parts = word.split("/")
    for number in range(len(parts)):
        rest = "/".join(parts[number:])
        for name in (rest, posixpath.join(folder, rest)):
            path = posixpath.normpath(name.lstrip("/"))
            if path not in (".", "..") and not path.startswith("../"):
                yield path


def of_script(name: str, before: str | None, after: str | None) -> Iterator[Objection]:
    """That a shell script does not do all that it did, which a workflow runs, a verb that it runs, or another CI.

    Its first lines are the base's, or nobody here knows what it does; of other programs only the name is seen. What is
    added behind them counts where no failure ends the script: its last command alone says whether it succeeded.
    """
    if before is None or not (name.endswith((".bash", ".sh")) or _SHELLS.match(before)):
        return
    sides = before, after or ""
    old, new = ([*_commands(text)] if all(map(_is_plain, sides)) else text.rstrip("\n").split("\n") for text in sides)
    first = next((number for number, line in enumerate(old) if _ENDS_AT_FAILURES.match(line)), None)
    # Within a function or under a condition it may not be set.
    is_set = first is not None and not any(_BEGINS_A_BLOCK.search(line) for line in old[:first])
    is_ended = is_set and not _goes_on(old)
    if (new[: len(old)] if is_ended else new) != old:
        says = f"{name}, which the workflows run, is {'another one' if after is not None else 'gone'}."
        detail = f"{old} -> {new}"
        yield Objection(objection_id("script_changed", detail), name, says, "What it checked is not checked any more.")


def _goes_on(commands: list[str]) -> bool:
    """Whether the last command may fail and what stands behind it runs all the same."""
    is_block = _ENDS_A_BLOCK.fullmatch(commands[-1]) or any(_UNFINISHED.search(line) for line in commands)
    of_block = commands if is_block else commands[-1:]
    ends = bool(_UNFINISHED.search(commands[-1])) or any(_LAST_WORD.search(line) for line in commands)
    return ends or any(_FAILS_AND_GOES_ON.search(line) for line in of_block)


def _is_plain(script: str) -> bool:
    """Whether each line is of commands or a comment, and none of a text that spans lines."""
    lines = (line for line in script.split("\n") if not line.lstrip(" \t").startswith("#"))
    return all(_CLOSED.fullmatch(line) and not _HERE_DOCUMENT.search(line) for line in lines)


def _commands(script: str) -> Iterator[str]:
    """The lines of a plain shell script without comments, but for the first one, which says what runs it.

    Comments behind commands stay, and so does how a command is broken into lines: a backslash within a comment joins
    nothing, and behind one that joins, a comment ends the command.
    """
    is_joined = False
    for number, line in enumerate(script.split("\n")):
        stripped = line.strip(" \t")
        if number == 0 and line.startswith("#!"):
            yield _STARTED_BY.sub("#!", line)
        elif is_joined or stripped.endswith("\\"):
            is_comment = not is_joined and stripped.startswith("#")
            is_joined = line.endswith("\\") and not is_comment
            if not is_comment:
                yield line
        elif stripped and not stripped.startswith("#"):
            yield stripped
