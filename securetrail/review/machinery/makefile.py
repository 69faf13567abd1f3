"""What the verbs of a Makefile do that workflows run: a recipe that does nothing is a step that is removed.

https://www.gnu.org/software/make/manual/make.html
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from securetrail.review.machinery.workflows import scripts
from securetrail.review.objections import Objection, objection_id

MAKEFILE: Final = "Makefile"
# make reads these in its place.
HIDING: Final = ("GNUmakefile", "makefile")
_VARIABLE: Final = re.compile(
    r"(?P<how>(?:(?:override|export)\s+)*)(?P<name>[\w.-]+)\s*(?P<sign>[:?+!]{0,3}=)(?P<value>.*)", re.DOTALL
)
_RULE: Final = re.compile(r"(?P<targets>[^:=#\t][^:=#]*?)\s*::?(?![:=])(?P<needs>[^#]*)", re.DOTALL)
_DEFINE: Final = re.compile(r"(?:override\s+)?define\s+(?P<name>[\w.-]+).*")
# Another file, or what make itself evaluates: either may write any rule.
_INCLUDE: Final = re.compile(r"[-s]?include\s+(?P<files>.+)|(?P<evaluated>\$.+)")
# What the programs of every recipe find in their environment, such as PATH and PYTEST_ADDOPTS.
_EXPORT: Final = re.compile(r"(?:override\s+)?(?:un)?export\b.*")
# Which of the lines between make reads.
_CONDITION: Final = re.compile(r"(?:else\s+)?ifn?(?:def|eq)\b.*|else|endif")
# Two dollars are one for the shell.
_USED: Final = re.compile(r"\$\$|\$[({](?:(?:call|value)\s+)?(?P<name>[\w.-]+)|\$(?P<letter>\w)")
_REFERENCE: Final = re.compile(r"\$\$|\$\((?P<round>[\w.-]+)\)|\$\{(?P<curly>[\w.-]+)\}")
_MAKE: Final = re.compile(r"(?:^|[\s;&|(])make(?=[\s;&|)]|$)(?P<words>[^;&|)\n]*)", re.MULTILINE)
# Options of make of which the next word is the value, and those of them that say which Makefile it is.
_WITH_VALUE: Final = {"-C", "-f", "-j", "-o", "-W", "-I"}
_PLACES: Final = {"--directory": "-C", "--file": "-f", "--makefile": "-f"}
# No Makefile has longer values, or deeper ones; what a hostile one has is compared as it is written.
_LONGEST: Final = 10_000
_DEEPEST: Final = 50
_PHONY, _GOAL = ".PHONY", ".DEFAULT_GOAL"
# They change what every recipe does.
_OF_ALL: Final = (".IGNORE", ".ONESHELL", ".POSIX", ".SHELLFLAGS", "MAKEFLAGS", "SHELL", ".EXPORT_ALL_VARIABLES")
_UNCHECKED: Final = "A change that this step stops goes through."


@dataclass(frozen=True, slots=True)
class _Rule:
    needs: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Makefile:
    """A Makefile as it is written.

    :param rules: by their targets, with values in the place of variables.
    :param variables: all that is said of each of them, in its order.
    :param values: the same, with values in the place of other variables.
    :param statements: what is about more than one rule: conditions, and what recipes get as their environment.
    """

    rules: Mapping[str, _Rule]
    variables: Mapping[str, str]
    values: Mapping[str, str]
    includes: tuple[str, ...]
    statements: tuple[str, ...]

    def named(self, target: str) -> str | None:
        """The name of the rule for a target, which may be a pattern."""
        wanted = self.expanded(target)
        if wanted in self.rules:
            return wanted
        patterns = {each: re.escape(each).replace("%", ".+", 1) for each in self.rules if "%" in each}
        return next((each for each, pattern in patterns.items() if re.fullmatch(pattern, wanted)), None)

    @property
    def phony(self) -> tuple[str, ...]:
        """The targets that make runs even where a file has their name."""
        return tuple(self.expanded(" ".join(self.rules.get(_PHONY, _Rule()).needs)).split())

    @property
    def goal(self) -> str:
        """What make runs when nobody says what."""
        first = next((each for each in self.rules if not each.startswith(".") and "%" not in each), "")
        return self.values.get(_GOAL, "").removeprefix("=").strip() or first

    def expanded(self, text: str, but_for: str = "") -> str:
        """A text with values in the place of variables, but for one."""
        return _REFERENCE.sub(lambda found: found[0] if _name(found) == but_for else self._value(found), text)

    def _value(self, found: re.Match[str]) -> str:
        name = _name(found)
        return self.values.get(name, f"$({name})") if name else found[0]

    def expanded_rule(self, rule: _Rule) -> _Rule:
        """A rule with values in the place of variables."""
        return _Rule(tuple(self.expanded(" ".join(rule.needs)).split()), tuple(map(self.expanded, rule.recipe)))


def weaker_makefile(base: str, head: str, workflows: Iterable[str], path: str = MAKEFILE) -> Iterator[Objection]:
    """The verbs that the base's workflows run and that do something else; what is added behind is no loss.

    What is the same with values in the place of variables is the same.

    :param base: the Makefile's text; likewise ``head``.
    :param workflows: the texts of the base's workflows.
    :param path: of the Makefile.
    """
    before, after = _read(base), _read(head)
    verbs = {*_verbs_of(workflows, path, before)}
    if not verbs:
        return
    if (verb := before.goal) != after.goal and verb in verbs and "" in {*_called(workflows, path)}:
        yield _objection("what it does without a verb", _GOAL, verb, after.goal)
    for verb in sorted(verbs & {*before.phony} - {*after.phony}):
        yield _objection(f"that {verb} is no file", f"{_PHONY}: {verb}", verb, "nothing")
    needed = _needed(verbs, before)
    # Several targets may have one pattern.
    rules = {}
    for target in sorted(needed, reverse=True):
        rules[before.named(target), after.named(target) or after.named(before.expanded(target))] = target
    for names, target in sorted(rules.items(), key=lambda each: each[1]):
        yield from _other_rule(target, *names, before, after)
    statements = _differing(before, after)
    yield from (_objection(f"the line {each!r}", each, was, is_now) for each, was, is_now in statements)
    said = {found["name"] for each, *_ in statements if (found := _VARIABLE.fullmatch(each))}
    used_before, used_after = (_used(needed, before), _used(_needed(verbs, after), after))
    for name in (*_OF_ALL, *sorted((used_before & used_after) - {*_OF_ALL, *said})):
        old, new = (side.values.get(name, "") for side in (before, after))
        in_rules = name in after.rules and name not in before.rules
        if old != new or (name in _OF_ALL and in_rules):
            yield _objection(name, name, old, new or ("a target" if in_rules else "nothing"))
    included = {*map(before.expanded, before.includes)}
    for name in sorted(each for each in {*after.includes} if after.expanded(each) not in included):
        yield _objection(f"{name}, which it includes,", name, "", name)


def _other_rule(
    target: str, was: str | None, is_now: str | None, before: _Makefile, after: _Makefile
) -> Iterator[Objection]:
    """That the rule for a target does something else.

    :param was: the name of the base's rule, if there is one; likewise ``is_now``.
    """
    old, new = before.rules.get(was or "", _Rule()), after.rules.get(is_now or "", _Rule())
    is_made_now = was is None and bool(new.recipe)
    if is_made_now or not (_does(new, old) or _does(after.expanded_rule(new), before.expanded_rule(old))):
        what = f"the {'target' if {*'/$'} & {*target} else 'verb'} {target}"
        yield _objection(what, target, _text(old), _text(new) if is_now else "gone")


def _does(new: _Rule, old: _Rule) -> bool:
    """Whether a rule does all that another one does, and nothing before it."""
    # A variable for this verb alone stands where needs do.
    given = {need for need in new.needs if "=" in need}
    return given <= {*old.needs} <= {*new.needs} and new.recipe[: len(old.recipe)] == old.recipe


def _differing(before: _Makefile, after: _Makefile) -> list[tuple[str, str, str]]:
    """The statements that one side has more often, each with what the base and the head have in its place."""
    first, second = ([(_of_statement(each, side), each) for each in side.statements] for side in (before, after))
    gone, new = (Counter(text for text, _ in each) for each in (first, second))
    gone, new = gone - new, new - gone
    return [
        *((each, each, "nothing") for text, each in sorted({*first}) if text in gone),
        *((each, "nothing", each) for text, each in sorted({*second}) if text in new),
    ]


def _of_statement(statement: str, makefile: _Makefile) -> str:
    """A statement with values in the place of variables, but for the one that it sets."""
    found = _VARIABLE.fullmatch(statement)
    return makefile.expanded(statement, found["name"] if found else "")


def _objection(what: str, name: str, before: str, after: str) -> Objection:
    says = f"In {MAKEFILE}, {what} is another one than what the workflows ran."
    return Objection(objection_id("make_changed", f"{before} -> {after}"), f"{MAKEFILE}: {name}", says, _UNCHECKED)


def _text(rule: _Rule) -> str:
    return " ; ".join([" ".join(rule.needs), *rule.recipe])


def _needed(verbs: Iterable[str], makefile: _Makefile) -> set[str]:
    """The verbs, and all that they need."""
    found: set[str] = set()
    left = [*verbs]
    while left:
        target = left.pop()
        if target not in found:
            found.add(target)
            left += makefile.rules.get(makefile.named(target) or "", _Rule()).needs
    return found


def _used(targets: Iterable[str], makefile: _Makefile) -> set[str]:
    """The variables that the rules of targets and the environment use, and those that these use."""
    found: set[str] = set()
    rules = (makefile.rules.get(makefile.named(target) or "", _Rule()) for target in targets)
    left = [*makefile.statements, *map(_text, rules)]
    while left:
        for each in _USED.finditer(left.pop()):
            name = each["name"] or each["letter"] or ""
            if name not in found:
                found.add(name)
                left.append(makefile.variables.get(name, ""))
    # Conditions and exports name variables without a dollar.
    return found | {name for each in makefile.statements for name in re.findall(r"[\w.-]+", each)}


def recipes(text: str, workflows: Iterable[str], path: str = MAKEFILE) -> tuple[str, ...]:
    """What a Makefile runs for the verbs that workflows run, with values in the place of variables."""
    makefile = _read(text)
    needed = _needed(_verbs_of(workflows, path, makefile), makefile)
    rules = (makefile.rules.get(makefile.named(target) or "", _Rule()) for target in sorted(needed))
    return tuple(line for rule in rules for line in makefile.expanded_rule(rule).recipe)


def hidden_verbs(text: str, workflows: Iterable[str], new: Iterable[str]) -> Iterator[Objection]:
    """The verbs that make takes for files of their name, which are new, and so does not run.

    :param new: the paths that only the change has.
    """
    makefile = _read(text)
    names = {name.split("/")[0] for name in new}
    for verb in sorted({*_verbs_of(workflows, MAKEFILE, makefile)} & names - {*makefile.phony}):
        yield _objection(f"the verb {verb}, which is a file now,", verb, "none", f"the file {verb}")


def _verbs_of(workflows: Iterable[str], path: str, makefile: _Makefile) -> Iterator[str]:
    for verb in _called(workflows, path):
        if (verb or makefile.goal) in makefile.rules:
            yield verb or makefile.goal


def _called(workflows: Iterable[str], path: str) -> Iterator[str]:
    """The targets that workflows call make with for a Makefile; nothing in the place of the one that it has by itself.

    A Makefile in the root is called with any folder, because a workflow may have checked out the base into one.
    """
    for text in workflows:
        for script in scripts(text):
            for words in _calls(script):
                given = dict(itertools.pairwise(words))
                file, folder = given.get("-f", MAKEFILE), given.get("-C", "").strip("./")
                if path in (file, f"{folder}/{file}"):
                    yield from _targets(words)


def _calls(script: str) -> Iterator[list[str]]:
    for call in _MAKE.finditer(script):
        try:
            words = shlex.split(call["words"])
        except ValueError:
            words = call["words"].split()
        yield [part for word in words for part in _option(word)]


def _option(word: str) -> tuple[str, ...]:
    """An option that says which Makefile it is, by its letter, and its value as a word of its own."""
    name, sign, value = word.partition("=")
    if name in _PLACES:
        return (_PLACES[name], value) if sign else (_PLACES[name],)
    return (word[:2], word[2:]) if word[:2] in _PLACES.values() and word[2:] else (word,)


def _targets(words: list[str]) -> Iterator[str]:
    """The targets among the words behind make."""
    values = {number + 1 for number, word in enumerate(words) if word in _WITH_VALUE}
    found = False
    for number, word in enumerate(words):
        if ">" in word or "<" in word:
            break
        if number not in values and not word.startswith("-") and "=" not in word:
            found = True
            yield word
    if not found:
        yield ""


def _read(text: str) -> _Makefile:
    reader = _Reader()
    for line in re.sub(r"\\\n[ \t]*", " ", text).splitlines():
        reader.line(line)
    reader.end()
    values = dict(_values(reader.variables))
    found = _Makefile({}, reader.variables, values, tuple(reader.includes), tuple(reader.statements))
    rules: dict[str, _Rule] = {}
    for targets, rule in reader.rules:
        for target in found.expanded(targets).split():
            known = rules.get(target, _Rule())
            # Of two recipes of one target the last one counts; what it needs adds up.
            rules[target] = _Rule((*known.needs, *rule.needs), rule.recipe or known.recipe)
    return replace(found, rules=rules)


def _values(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables, each with values in the place of others, as far as these are not too long or within each other."""
    found: dict[str, str] = {}
    inside: list[str] = []

    def value(reference: re.Match[str]) -> str:
        name = _name(reference)
        if name not in variables or name in inside or len(inside) > _DEEPEST:
            return f"$({name})" if name else reference[0]
        if name not in found:
            inside.append(name)
            text = _REFERENCE.sub(value, variables[name])
            inside.pop()
            found[name] = text if len(text) <= _LONGEST else f"$({name})"
        return found[name]

    for name in variables:
        text = _REFERENCE.sub(value, f"$({name})")
        # What is left within it is told by its own text: nothing of it may be lost.
        left = {_name(each) for each in _REFERENCE.finditer(text)} & variables.keys()
        is_left = text == f"$({name})" or bool(left - {name})
        yield name, f"{text} ; {variables[name]}" if is_left else text


def _name(reference: re.Match[str]) -> str:
    return reference["round"] or reference["curly"] or ""


class _Reader:
    """Takes the lines of a Makefile one after the other."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, _Rule]] = []
        self.variables: dict[str, str] = {}
        self.includes: list[str] = []
        self.statements: list[str] = []
        # Of the rule, the conditions and the variable of several lines that the next line may belong to.
        self._targets = ""
        self._needs: tuple[str, ...] = ()
        self._recipe: list[str] = []
        self._conditions: list[str] = []
        self._open: list[int] = []
        self._define: tuple[str, list[str]] | None = None

    def line(self, line: str) -> None:
        word = " ".join(line.split())
        if self._define is not None:
            name, lines = self._define
            lines.append(word)
            if word == "endef":
                self.variables[name] = _added(self.variables.get(name), " ; ".join(lines))
                self._define = None
        elif line.startswith("\t"):
            # A condition belongs to a recipe that goes on behind it.
            self._recipe += [*(self._conditions if self._recipe else ()), *_command(line)]
            self._conditions = []
        elif _CONDITION.fullmatch(word):
            self._condition(word)
        elif word and not word.startswith("#"):
            self.end()
            self._statement(line, word)

    def end(self) -> None:
        """End the rule that the lines before are of."""
        if self._targets:
            self.rules.append((self._targets, _Rule(self._needs, tuple(self._recipe))))
        self._targets, self._recipe, self._conditions = "", [], []

    def _condition(self, word: str) -> None:
        self._conditions.append(word)
        if word.startswith("if"):
            self._open.append(len(self.statements))
            self.statements.append(word)
        elif self._open and word == "endif":
            self._open.pop()
        elif self._open:
            self.statements[self._open[-1]] += f" … {word}"

    def _statement(self, line: str, word: str) -> None:
        if _EXPORT.fullmatch(word):
            self.statements.append(word)
        if (include := _INCLUDE.fullmatch(word)) and not _RULE.match(line):
            self.includes.append(include["files"] or include["evaluated"])
        elif opened := _DEFINE.fullmatch(word):
            self._define = opened["name"], [word.replace(opened["name"], "", 1)]
        elif variable := _VARIABLE.fullmatch(word):
            known = self.variables.get(variable["name"])
            self.variables[variable["name"]] = _added(known, _assigned(variable, is_first=known is None))
        elif rule := _RULE.match(line):
            before, _, command = rule["needs"].partition(";")
            self._targets, self._needs = rule["targets"], tuple(before.split())
            self._recipe += _command(command)


def _added(known: str | None, more: str) -> str:
    return more if known is None else f"{known} ; {more}"


def _assigned(variable: re.Match[str], *, is_first: bool) -> str:
    """What is said of a variable: the value, and how, if that decides whether it is this one."""
    how = "override " if "override" in variable["how"] else ""
    sign = variable["sign"].lstrip(":")
    value = variable["value"].strip()
    return value if is_first and not how and sign == "=" else f"{how}{sign} {value}"


def _command(line: str) -> Iterator[str]:
    """A line of a recipe; whether make shows it makes no difference."""
    text = " ".join(line.split()).removeprefix("@")
    if text and not text.startswith("#"):
        yield text
