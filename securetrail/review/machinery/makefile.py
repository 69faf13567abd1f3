"""What the verbs of a Makefile do that workflows run: a recipe that does nothing is a step that is removed.

https://www.gnu.org/software/make/manual/make.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from securetrail.review.machinery.workflows import scripts
from securetrail.review.objections import Objection, objection_id

MAKEFILE: Final = "Makefile"
# make reads these in its place.
HIDING: Final = ("GNUmakefile", "makefile")
_VARIABLE: Final = re.compile(
    r"(?:(?:override|export)\s+)*(?P<name>[\w.-]+)\s*(?:[:?+!]{0,3}=)(?P<value>.*)", re.DOTALL
)
_RULE: Final = re.compile(r"(?P<targets>[^:=#\t][^:=#]*?)\s*::?(?![:=])(?P<needs>[^#]*)", re.DOTALL)
_DEFINE: Final = re.compile(r"(?:override\s+)?define\s+(?P<name>[\w.-]+).*")
# Another file, or what make itself evaluates: either may write any rule.
_INCLUDE: Final = re.compile(r"[-s]?include\s+(?P<files>.+)|(?P<evaluated>\$.+)")
# What the programs of every recipe find in their environment, such as PATH and PYTEST_ADDOPTS.
_EXPORT: Final = re.compile(r"(?:override\s+)?(?:un)?export\b.*")
_USED: Final = re.compile(r"\$[({]([\w.-]+)")
_MAKE: Final = re.compile(r"(?:^|[\s;&|(])make(?=\s)(?P<words>[^;&|)\n]*)", re.MULTILINE)
# Options of make of which the next word is the value.
_WITH_VALUE: Final = {"-C", "-f", "-j", "-o", "-W", "-I"}
# They change what every recipe does.
_OF_ALL: Final = (".IGNORE", ".ONESHELL", ".POSIX", ".SHELLFLAGS", "MAKEFLAGS", "SHELL", ".EXPORT_ALL_VARIABLES")
_UNCHECKED: Final = "A change that this step stops goes through."


@dataclass(frozen=True, slots=True)
class _Rule:
    needs: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Makefile:
    rules: Mapping[str, _Rule]
    variables: Mapping[str, str]
    includes: tuple[str, ...]
    exports: frozenset[str]


def weaker_makefile(base: str, head: str, workflows: Iterable[str]) -> Iterator[Objection]:
    """The verbs that the base's workflows run and that do something else; what is added behind is no loss.

    :param base: the Makefile's text; likewise ``head``.
    :param workflows: the texts of the base's workflows.
    """
    before, after = _read(base), _read(head)
    verbs = _needed({verb for text in workflows for script in scripts(text) for verb in _verbs(script)}, before)
    for verb in sorted(verbs):
        old, new = before.rules[verb], after.rules.get(verb, _Rule())
        # A variable for this verb alone stands where needs do.
        given = {need for need in new.needs if "=" in need}
        if not given <= {*old.needs} <= {*new.needs} or new.recipe[: len(old.recipe)] != old.recipe:
            yield _objection(f"the verb {verb}", verb, _text(old), _text(new) if verb in after.rules else "gone")
    if not verbs:
        return
    for name in (*_OF_ALL, *sorted(_used(verbs, before) - {*_OF_ALL})):
        old_value, new_value = (side.variables.get(name, "") for side in (before, after))
        in_rules = name in after.rules and name not in before.rules
        if old_value != new_value or (name in _OF_ALL and in_rules):
            yield _objection(name, name, old_value, new_value or ("a target" if in_rules else "nothing"))
    for statement in sorted(before.exports ^ after.exports):
        was, is_now = (statement if statement in side.exports else "nothing" for side in (before, after))
        yield _objection(f"the environment that recipes get ({statement})", statement, was, is_now)
    for name in sorted({*after.includes} - {*before.includes}):
        yield _objection(f"{name}, which it includes,", name, "", name)


def _objection(what: str, name: str, before: str, after: str) -> Objection:
    says = f"In {MAKEFILE}, {what} is another one than what the workflows ran."
    return Objection(objection_id("make_changed", f"{before} -> {after}"), f"{MAKEFILE}: {name}", says, _UNCHECKED)


def _text(rule: _Rule) -> str:
    return " ; ".join([" ".join(rule.needs), *rule.recipe])


def _needed(verbs: Iterable[str], makefile: _Makefile) -> set[str]:
    """The verbs, and what they need, as far as the Makefile has rules for them."""
    found: set[str] = set()
    left = [verb for verb in verbs if verb in makefile.rules]
    while left:
        verb = left.pop()
        if verb not in found:
            found.add(verb)
            left += [each for each in makefile.rules[verb].needs if each in makefile.rules]
    return found


def _used(verbs: Iterable[str], makefile: _Makefile) -> set[str]:
    """The variables that the verbs use, and those that these use."""
    found: set[str] = set()
    left = [name for verb in verbs for name in _USED.findall(_text(makefile.rules[verb]))]
    while left:
        name = left.pop()
        if name not in found and name in makefile.variables:
            found.add(name)
            left += _USED.findall(makefile.variables[name])
    return found


def _verbs(script: str) -> Iterator[str]:
    """The targets that a script calls make with."""
    for call in _MAKE.finditer(script):
        try:
            words = shlex.split(call["words"])
        except ValueError:
            words = call["words"].split()
        values = {number + 1 for number, word in enumerate(words) if word in _WITH_VALUE}
        for number, word in enumerate(words):
            if ">" in word or "<" in word:
                break
            if number not in values and not word.startswith("-") and "=" not in word:
                yield word


def _read(text: str) -> _Makefile:
    rules: dict[str, _Rule] = {}
    variables: dict[str, str] = {}
    includes: list[str] = []
    targets: list[str] = []
    needs: tuple[str, ...] = ()
    recipe: list[str] = []

    def end() -> None:
        for target in targets:
            known = rules.get(target, _Rule())
            # Of two recipes of one target the last one counts; what it needs adds up.
            rules[target] = _Rule((*known.needs, *needs), tuple(recipe) or known.recipe)

    for line in re.sub(r"\\\n[ \t]*", " ", text).splitlines():
        if line.startswith("\t"):
            recipe += _command(line)
        elif line.strip() and not line.lstrip().startswith("#"):
            end()
            targets, recipe = [], []
            if (include := _INCLUDE.fullmatch(line.strip())) and not _RULE.match(line):
                includes.append(include["files"] or include["evaluated"])
            elif define := _DEFINE.fullmatch(line.strip()):
                variables[define["name"]] = line.strip()
            elif variable := _VARIABLE.fullmatch(line.strip()):
                variables[variable["name"]] = " ".join(variable["value"].split())
            elif rule := _RULE.match(line):
                before, _, command = rule["needs"].partition(";")
                targets, needs = rule["targets"].split(), tuple(before.split())
                recipe += _command(command)
    end()
    return _Makefile(rules, variables, tuple(includes), _exports(text))


def _exports(text: str) -> frozenset[str]:
    """The lines that say what recipes get as their environment."""
    lines = re.sub(r"\\\n[ \t]*", " ", text).splitlines()
    return frozenset(
        " ".join(line.split()) for line in lines if not line.startswith("\t") and _EXPORT.fullmatch(line.strip())
    )


def _command(line: str) -> Iterator[str]:
    """A line of a recipe; whether make shows it makes no difference."""
    text = " ".join(line.split()).removeprefix("@")
    if text and not text.startswith("#"):
        yield text
