"""The rules of a hunt: those that come with the program, and those of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from verify.errors import UsageError
from verify.hunt.sigma.load import MAX_FILE_BYTES, Loaded, Problem, Rule, load_rules, moved

_BUILT_IN = Path(__file__).parent / "rules"
_SUFFIXES = (".yml", ".yaml")
_IS_LINK = "it is a link to a folder, which is not followed: name the folder with --rules"
MAX_FILES = 20_000


@cache
def built_in() -> Loaded:
    """The rules that come with the program."""
    return load_rules((path.name, path.read_bytes()) for path in sorted(_BUILT_IN.glob("*.yml")))


def rules_in(places: Sequence[Path], option: str = "--rules") -> Loaded:
    """The rules of files and folders. What cannot be read is a problem of its own.

    :param option: by what the places were given; errors name it.
    :raises UsageError: there is no such file or folder, or no file of rules in it.
    """
    files: list[Path] = []
    problems: list[Problem] = []
    for place in places:
        if place.is_dir():
            files += sorted(_files_in(place, problems))
        elif place.exists():
            files.append(place)
        else:
            raise UsageError(f"{option} {str(place)!r}: there is no such file or folder.")
    if not files:
        raise UsageError(f"{option} {', '.join(map(str, places))}: there are no files *.yml or *.yaml.")
    if len(files) > MAX_FILES:
        raise UsageError(f"{option}: there are {len(files):,} files; allowed are {MAX_FILES:,}.")
    loaded = load_rules(_contents(files, problems))
    return Loaded(loaded.rules, (*problems, *loaded.problems), len(files))


def _files_in(place: Path, problems: list[Problem]) -> Iterator[Path]:
    """The files of rules in a folder and those below it; a folder that is not looked into is a problem."""

    def refused(error: OSError) -> None:
        problems.append(Problem(str(error.filename), str(error.filename), f"it could not be read: {error}"))

    for folder, below, names in os.walk(place, onerror=refused):
        links = [link for name in below if (link := Path(folder, name)).is_symlink()]
        problems += [Problem(str(link), str(link), _IS_LINK) for link in links]
        yield from (Path(folder, name) for name in names if name.lower().endswith(_SUFFIXES))


def _contents(files: Sequence[Path], problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        try:
            if path.is_file():
                with path.open("rb") as file:
                    yield str(path), file.read(MAX_FILE_BYTES + 1)
            else:
                problems.append(Problem(str(path), str(path), "it is not a regular file"))
        except OSError as error:
            problems.append(Problem(str(path), str(path), f"it could not be read: {error}"))


def source_of(rule_source: str) -> str:
    """The text of the file that a rule is from; ``""`` if it is not there any more."""
    path = _BUILT_IN / rule_source
    path = path if path.is_file() else Path(rule_source)
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def joined(parts: Sequence[Loaded], without: frozenset[str]) -> Loaded:
    """Several sets of rules as one.

    :param without: titles and ids of rules that are to be left out.
    :raises UsageError: there is no such rule.
    """
    rules: list[Rule] = []
    for part in parts:
        first = len(rules)
        rules += [moved(rule, first) for rule in part.rules]
    names = {name for rule in rules for name in (rule.title, rule.id)} | {
        problem.title for part in parts for problem in part.problems
    }
    unknown = sorted(without - names)
    if unknown:
        raise UsageError(f"--without {unknown[0]!r}: there is no such rule. Give its title or its id.")
    kept = [replace(rule, is_alone=rule.is_alone and not {rule.title, rule.id} & without) for rule in rules]
    problems = [each for part in parts for each in part.problems if each.title not in without]
    return Loaded(tuple(kept), tuple(problems), sum(part.files for part in parts))
