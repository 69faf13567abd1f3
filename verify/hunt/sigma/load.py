"""Reads Sigma rules: pySigma parses them, within bounds; what cannot run is named with the reason. Pure.

A file is judged before pySigma sees it: its size, its depth, and how large it would be with its aliases written out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any as Anything
from typing import Final, cast

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionOR,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern
from sigma.rule import SigmaRule

from verify.hunt.sigma.correlation import Correlation, CorrelationType
from verify.hunt.sigma.matching import Any, Node, node_of
from verify.hunt.sigma.texts import CannotRun, compiled_expression

MAX_FILE_BYTES = 2**20
MAX_NODES = 50_000
MAX_DEPTH = 30
MAX_CONDITION_CHARACTERS = 5_000
MAX_PARENTHESES = 10
_MAX_ALTERNATIVES = 64
_MAX_CORRELATION_DEPTH = 5
_WORD: Final = re.compile(r"[\w*-]+")
LEVELS = ("informational", "low", "medium", "high", "critical")
_TYPES: Final = {
    SigmaCorrelationType.EVENT_COUNT: CorrelationType.EVENT_COUNT,
    SigmaCorrelationType.VALUE_COUNT: CorrelationType.VALUE_COUNT,
    SigmaCorrelationType.TEMPORAL: CorrelationType.TEMPORAL,
    SigmaCorrelationType.TEMPORAL_ORDERED: CorrelationType.TEMPORAL_ORDERED,
}


class _QuietEngine(RE2RegexEngine):
    """RE2 as pySigma uses it, which writes to standard error what it refuses."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:  # noqa: ARG002 - pySigma's
        """See pySigma. Flags are set when a rule runs."""
        return cast("RegexPattern", compiled_expression(pattern))


_POLICY: Final = SigmaPolicy(regex_engine=_QuietEngine())


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can run.

    :param title: as its author named it.
    :param source: the file that it is from.
    :param level: one of ``LEVELS``.
    :param tags: as ``attack.t1562.008``.
    :param node: what an event must be like; ``None`` of a correlation.
    :param correlation: what many events must be like; the rules in it are positions in the list of rules.
    :param is_alone: whether it finds something by itself, and does not serve correlations only.
    :param more: what its author wrote beside what Sigma knows.
    """

    title: str
    source: str
    level: str
    id: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    node: Node | None = None
    correlation: Correlation | None = None
    is_alone: bool = True
    more: Mapping[str, Anything] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule, or a file of rules, that cannot run."""

    title: str
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What files of rules hold.

    :param files: how many files were read.
    """

    rules: tuple[Rule, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0


def load_rules(files: Iterable[tuple[str, bytes]]) -> Loaded:
    """Read files of rules, each of one or several YAML documents.

    :param files: the name and the content of each.
    """
    loading = _Loading()
    number = 0
    for name, content in files:
        number += 1
        loading.read(name, content)
    rules = loading.compiled()
    return Loaded(tuple(rules), tuple(loading.problems), number)


class _Loading:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._parsed: list[SigmaRule | SigmaCorrelationRule | SigmaFilter] = []
        self._sources: dict[int, str] = {}

    def read(self, name: str, content: bytes) -> None:
        """Parse one file."""
        try:
            documents = documents_of(content)
        except CannotRun as error:
            self.problems.append(Problem(name, name, str(error)))
            return
        _name_by_title(documents)
        titles = [str(each.get("title", name))[:200] if isinstance(each, dict) else name for each in documents]
        if not any(document is not None for document in documents):
            self.problems.append(Problem(name, name, "it holds no rule"))
            return
        try:
            for title, document in zip(titles, documents, strict=True):
                _refuse_condition(document, title)
            parsed = SigmaCollection.from_dicts(
                documents, collect_errors=True, collect_filters=True, resolve_references=False, policy=_POLICY
            )
        except (SigmaError, CannotRun) as error:
            self.problems.append(Problem(", ".join(titles[:3]), name, _why(error)))
        except RecursionError:
            self.problems.append(Problem(", ".join(titles[:3]), name, "it is nested too deeply"))
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            why = f"pySigma cannot read it: {type(error).__name__}: {error}"
            self.problems.append(Problem(", ".join(titles[:3]), name, why[:300]))
        else:
            for rule in [*parsed.rules, *parsed.filters]:
                self._take(rule, name)
            ours = {id(error) for rule in [*parsed.rules, *parsed.filters] for error in rule.errors}
            others = [error for error in parsed.errors if id(error) not in ours]
            self.problems += [Problem(", ".join(titles[:3]), name, _why(error)) for error in others]

    def _take(self, rule: SigmaRule | SigmaCorrelationRule | SigmaFilter, name: str) -> None:
        if rule.errors:
            self.problems.append(Problem(rule.title or name, name, "; ".join(map(_why, rule.errors))[:500]))
            return
        self._sources[id(rule)] = name
        self._parsed.append(rule)

    def compiled(self) -> list[Rule]:
        """The rules that can run, in the order in which they were read."""
        filters = [each for each in self._parsed if isinstance(each, SigmaFilter)]
        found: dict[int, Rule] = {}
        rules: list[SigmaRule | SigmaCorrelationRule] = []
        for parsed in self._parsed:
            if isinstance(parsed, SigmaFilter):
                continue
            name = self._sources[id(parsed)]
            filtered = parsed
            try:
                if isinstance(parsed, SigmaRule):
                    for each in filters:
                        filtered = each.apply_on_rule(filtered)
                rules.append(filtered)
                self._sources[id(filtered)] = name
                if isinstance(filtered, SigmaRule):
                    found[len(rules) - 1] = self._single(filtered, name)
            except (SigmaError, CannotRun) as error:
                self._problem(parsed, name, error)
            except RecursionError:
                self._problem(parsed, name, CannotRun("its condition is nested too deeply"))
        return self._with_correlations(rules, found)

    def _problem(self, rule: SigmaRule | SigmaCorrelationRule, name: str, error: Exception) -> None:
        self.problems.append(Problem(rule.title or name, name, _why(error)))

    @staticmethod
    def _single(rule: SigmaRule, name: str) -> Rule:
        source = rule.logsource
        if (source.product or "aws") != "aws" or (source.service or "cloudtrail") != "cloudtrail":
            parts = filter(None, (source.category, source.product, source.service))
            raise CannotRun(f"it is for other logs ({' '.join(parts)}), not for aws cloudtrail")
        if source.category and not source.service:
            raise CannotRun(f"it is for logs of the category {source.category}, which CloudTrail's are not")
        nodes = tuple(node_of(condition.parsed) for condition in rule.detection.parsed_condition)
        if not nodes:
            raise CannotRun("it has no condition")
        return replace(_described(rule, name), node=nodes[0] if len(nodes) == 1 else Any(nodes))

    def _with_correlations(
        self, rules: Sequence[SigmaRule | SigmaCorrelationRule], found: dict[int, Rule]
    ) -> list[Rule]:
        names = _Names(rules)
        served: set[int] = set()
        waiting = {number: rule for number, rule in enumerate(rules) if isinstance(rule, SigmaCorrelationRule)}
        made: dict[int, tuple[Correlation, list[int]]] = {}
        for number, rule in waiting.items():
            try:
                of = [names.number(each.reference) for each in _references(rule)]
                made[number] = (_correlation(rule, of, names), of)
            except (SigmaError, CannotRun) as error:
                self._problem(rule, self._sources[id(rule)], error)
        for _ in range(_MAX_CORRELATION_DEPTH):
            ready = [number for number, (_, of) in made.items() if number not in found and all(o in found for o in of)]
            for number in ready:
                rule = waiting[number]
                described = _described(rule, self._sources[id(rule)])
                found[number] = replace(described, correlation=made[number][0])
                if not rule.generate:
                    served.update(made[number][1])
        for number, (_, of) in made.items():
            if number not in found:
                missing = [rules[each].title for each in of if each not in found]
                why = f"it needs rules that cannot run: {', '.join(missing)}"
                self._problem(waiting[number], self._sources[id(waiting[number])], CannotRun(why))
        order = sorted(found)
        position = {number: at for at, number in enumerate(order)}
        return [_placed(found[number], position, is_alone=number not in served) for number in order]


def _placed(rule: Rule, position: Mapping[int, int], *, is_alone: bool) -> Rule:
    """The rule with positions in the list of rules that can run in place of numbers among all."""
    of = rule.correlation
    return replace(rule, is_alone=is_alone, correlation=None if of is None else _renumbered(of, position.__getitem__))


def moved(rule: Rule, by: int) -> Rule:
    """The rule in a list in which others stand before those that it was loaded with."""
    of = rule.correlation
    return rule if of is None else replace(rule, correlation=_renumbered(of, lambda number: number + by))


def _renumbered(of: Correlation, number: Callable[[int], int]) -> Correlation:
    return replace(
        of,
        rules=tuple(map(number, of.rules)),
        group_by=tuple({number(each): name for each, name in names.items()} for names in of.group_by),
        alternatives=tuple(frozenset(map(number, one)) for one in of.alternatives),
    )


# ---- documents -------------------------------------------------------------------------------------------------------


class _Loader(yaml.CSafeLoader):
    """Refuses a name that is written twice: YAML would take the last one, and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Anything, Anything]:  # noqa: FBT001, FBT002 - PyYAML's
        """See PyYAML."""
        made = super().construct_mapping(node, deep=deep)
        if len(made) != len(node.value):
            raise CannotRun(f"a name is there twice, in the mapping at line {node.start_mark.line + 1}")
        return made


def documents_of(content: bytes) -> list[Anything]:
    """The documents of a YAML file.

    :raises CannotRun: it is no YAML, or beyond the bounds.
    """
    if len(content) > MAX_FILE_BYTES:
        raise CannotRun(f"it has {len(content):,} bytes; allowed are {MAX_FILE_BYTES:,}")
    try:
        _refuse_size(content)
        return list(yaml.load_all(content, Loader=_Loader))
    except yaml.YAMLError as error:
        raise CannotRun(f"it is not YAML: {' '.join(str(error).split())[:200]}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # such as the date 2024-02-31
        raise CannotRun(f"it is not YAML: {' '.join(str(error).split())[:200]}") from None


def _refuse_size(content: bytes) -> None:
    """Counts the values as if every alias were written out, before any of them is made."""
    sizes: list[int] = [0]
    names: list[str | None] = [None]
    of_anchor: dict[str, int] = {}
    for event in yaml.parse(content, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            sizes.append(1)
            names.append(event.anchor)
            if len(sizes) > MAX_DEPTH:
                raise CannotRun(f"it is nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            size, name = sizes.pop(), names.pop()
            if name is not None:
                of_anchor[name] = size
            sizes[-1] += size
        elif isinstance(event, yaml.ScalarEvent):
            sizes[-1] += 1
            if event.anchor is not None:
                of_anchor[event.anchor] = 1
        elif isinstance(event, yaml.AliasEvent):
            sizes[-1] += _size_written_out(event.anchor, of_anchor)
        if sum(sizes) > MAX_NODES:
            raise CannotRun(f"it has more than {MAX_NODES:,} values, its aliases written out")


def _size_written_out(alias: str | None, of_anchor: Mapping[str, int]) -> int:
    if alias is None or alias not in of_anchor:
        raise CannotRun(f"the alias {alias!r} refers to itself, or to nothing")
    return of_anchor[alias]


def _name_by_title(documents: Sequence[Anything]) -> None:
    """Rules of the field refer to each other by title within a file; Sigma knows names and ids alone."""
    correlations = [each["correlation"] for each in documents if isinstance(each, dict) and "correlation" in each]
    wanted = {
        name
        for each in correlations
        if isinstance(each, dict) and isinstance(each.get("rules"), list)
        for name in each["rules"]
        if isinstance(name, str)
    }
    names = {each.get("name") for each in documents if isinstance(each, dict) and isinstance(each.get("name"), str)}
    titles = Counter(
        each["title"] for each in documents if isinstance(each, dict) and isinstance(each.get("title"), str)
    )
    for each in documents:
        if isinstance(each, dict) and "name" not in each:
            title = each.get("title")
            if isinstance(title, str) and title in wanted - names and titles[title] == 1:
                each["name"] = title


def _size(value: Anything) -> int:
    """How many values there are in a value, its aliases written out."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _refuse_condition(document: Anything, title: str) -> None:
    """A condition that would take its parser without end."""
    if document is not None and not isinstance(document, dict):
        raise CannotRun("a document in it is no rule: it has no fields")
    for part in ("detection", "filter", "correlation"):
        found = document.get(part) if isinstance(document, dict) else None
        holder = found if isinstance(found, dict) else {}
        conditions = holder.get("condition")
        size = 0
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            if not isinstance(condition, str):
                continue
            # Each name in it stands for all that it names, "them" and names with wildcards for all there is.
            for word in _WORD.findall(condition):
                size += _size(holder if word == "them" or "*" in word else holder.get(word))
            if size > MAX_NODES:
                raise CannotRun(f"the condition of {title!r} names more than {MAX_NODES:,} values, all written out")
            depth = deepest = 0
            for character in condition:
                depth += (character == "(") - (character == ")")
                deepest = max(deepest, depth)
            if len(condition) > MAX_CONDITION_CHARACTERS or deepest > MAX_PARENTHESES:
                raise CannotRun(
                    f"the condition of {title!r} has {len(condition):,} characters and {deepest} parentheses in each "
                    f"other; allowed are {MAX_CONDITION_CHARACTERS:,} and {MAX_PARENTHESES}"
                )


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _described(rule: SigmaRule | SigmaCorrelationRule, name: str) -> Rule:
    return Rule(
        title=rule.title or name,
        source=name,
        level=rule.level.name.lower() if rule.level else "medium",
        id=str(rule.id or ""),
        description=" ".join((rule.description or "").split()),
        tags=tuple(f"{tag.namespace}.{tag.name}" for tag in rule.tags),
        false_positives=tuple(map(str, rule.falsepositives or ())),
        references=tuple(map(str, rule.references or ())),
        more=dict(rule.custom_attributes or {}),
    )


# ---- correlations ----------------------------------------------------------------------------------------------------


class _Names:
    """The numbers of rules by their names and ids."""

    def __init__(self, rules: Sequence[SigmaRule | SigmaCorrelationRule]) -> None:
        self._of: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            for name in {rule.name, str(rule.id) if rule.id else None} - {None}:
                self._of.setdefault(str(name), []).append(number)

    def number(self, name: str) -> int:
        """The one rule of a name.

        :raises CannotRun: there is none, or there are several.
        """
        found = self._of.get(name, [])
        if len(found) != 1:
            raise CannotRun(
                f"it needs the rule {name!r}, and {'none' if not found else len(found)} of that name was read"
            )
        return found[0]


def _references(rule: SigmaCorrelationRule) -> list[SigmaRuleReference]:
    if rule.rules:
        return rule.rules
    if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        return [SigmaRuleReference(name) for name in rule.condition.get_referenced_rules()]
    raise CannotRun("it names no rules")


def _correlation(rule: SigmaCorrelationRule, of: list[int], names: _Names) -> Correlation:
    if rule.type not in _TYPES:
        raise CannotRun(
            f"the correlation {rule.type.name.lower()} is not one of {', '.join(t.value for t in _TYPES.values())}"
        )
    kind = _TYPES[rule.type]
    if len(set(of)) != len(of):
        raise CannotRun("it names a rule twice")
    alias = {
        each.alias: {names.number(reference.reference): name for reference, name in each.mapping.items()}
        for each in rule.aliases
    }
    group_by = tuple({number: alias.get(name, {}).get(number, name) for number in of} for name in rule.group_by or ())
    made = Correlation(kind, tuple(of), rule.timespan.seconds, group_by)
    condition = rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        alternatives = _alternatives(condition.parsed, names)
        if kind is CorrelationType.TEMPORAL_ORDERED:
            if len(alternatives) != 1:
                raise CannotRun("the order of rules joined by 'or' is not defined")
            return made
        return replace(made, alternatives=alternatives)
    if kind is CorrelationType.TEMPORAL_ORDERED:
        if condition.op.name != "GTE" or condition.count != len(of):
            raise CannotRun("of temporal_ordered, all rules must match; another condition is not defined")
        return made
    if not isinstance(condition.count, int):
        raise CannotRun(f"a number of events is whole, and {condition.count} is not")
    fields = condition.fieldref if kind is CorrelationType.VALUE_COUNT else None
    return replace(
        made,
        operator=condition.op.name.lower(),
        bound=condition.count,
        fields=tuple(fields) if isinstance(fields, list) else (fields,) if fields else (),
    )


def _alternatives(parsed: Anything, names: _Names) -> tuple[frozenset[int], ...]:
    """The sets of rules of which one must match as a whole."""
    if isinstance(parsed, SigmaRuleReference):
        return (frozenset({names.number(parsed.reference)}),)
    if isinstance(parsed, CorrelationConditionOR):
        found = tuple(one for each in parsed.args for one in _alternatives(each, names))
    elif isinstance(parsed, CorrelationConditionAND):
        found = (frozenset(),)
        for each in parsed.args:
            found = tuple(one | other for one in found for other in _alternatives(each, names))
            if len(found) > _MAX_ALTERNATIVES:
                break
    else:
        raise CannotRun("that a rule does not match within a timespan cannot be known while events may come late")
    if len(found) > _MAX_ALTERNATIVES:
        raise CannotRun(f"its condition has more than {_MAX_ALTERNATIVES} alternatives")
    return found
