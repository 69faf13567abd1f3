"""What is left of a rule when a few fields of an event are known; so that most events touch few rules. Pure.

The few fields have few combinations of values: what is left of all rules is worked out once for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any as Anything

from verify.hunt.sigma.accounts import OTHER_ACCOUNTS, OTHER_ACCOUNTS_WORDS
from verify.hunt.sigma.matching import All, Any, Keyword, Node, Not, Same, Test, fields_of, matcher

Known = Mapping[str, Sequence[Anything]]
# Of parts of a record, the words of which the text of one must have one.
Words = frozenset[tuple[str, bytes]]
_MAX_VALUES = 50_000
_MAX_CHARACTERS = 512
_NOTHING: Known = {}
_ASKED = "requestParameters"
# The parts of a record that events keep as their JSON text until they are asked for.
PARTS = frozenset({_ASKED, "responseElements", "additionalEventData"})


def residual(node: Node, known: Known, alike: Known = _NOTHING) -> Node | bool:
    """A condition with the tests of known fields carried out; ``True`` or ``False`` if nothing else decides it.

    :param known: the values of the known fields; an empty list for a field that is not there.
    :param alike: of further fields, values to which each test answers the same as to the event's; see :class:`Answers`.
    """
    if isinstance(node, Test | Same | Keyword):
        return _decided(node, known, alike)
    if isinstance(node, Not):
        inner = residual(node.of, known, alike)
        return not inner if isinstance(inner, bool) else Not(inner)
    ends = isinstance(node, Any)
    left: list[Node] = []
    for each in node.of:
        found = residual(each, known, alike)
        if found is ends:
            return ends
        if not isinstance(found, bool):
            left.append(found)
    if len(left) < 2:
        return left[0] if left else not ends
    return Any(tuple(left)) if ends else All(tuple(left))


def _decided(node: Test | Same | Keyword, known: Known, alike: Known) -> Node | bool:
    if isinstance(node, Test) and (values := known.get(node.field, alike.get(node.field))) is not None:
        return node.matches(list(values))
    if isinstance(node, Same) and node.field in known and node.other in known:
        return node.matches(list(known[node.field]), list(known[node.other]))
    return node


def literals_of(node: Node, field: str) -> frozenset[str] | None:
    """The texts, in lower case, of which a field must have one for the condition to match; ``None`` if any will do."""
    if isinstance(node, Test):
        return node.literals if node.field == field else None
    if isinstance(node, All):
        found = [texts for each in node.of if (texts := literals_of(each, field)) is not None]
        return min(found, key=len) if found else None
    if isinstance(node, Any):
        each_of = [literals_of(each, field) for each in node.of]
        return None if None in each_of else frozenset[str]().union(*(texts for texts in each_of if texts is not None))
    return None


def words_of(node: Node) -> Words | None:
    """Words of which the JSON text of a part of a record must have one for the condition to match, if nothing in that
    part is escaped: the last names of fields without which it matches nothing. ``None`` if any text will do.
    """
    if isinstance(node, Test):
        return None if node.matches([]) else _word_of(node.field)
    if isinstance(node, Same):
        return _word_of(node.field) or _word_of(node.other)
    if isinstance(node, All):
        found = [words for each in node.of if (words := words_of(each)) is not None]
        return min(found, key=len) if found else None
    if isinstance(node, Any):
        each_of = [words_of(each) for each in node.of]
        return None if None in each_of else frozenset[tuple[str, bytes]]().union(*(each or () for each in each_of))
    return None


def _word_of(field: str) -> Words | None:
    if field == OTHER_ACCOUNTS:
        return frozenset((_ASKED, word) for word in OTHER_ACCOUNTS_WORDS)
    top, _, below = field.partition(".")
    last = below.rpartition(".")[2]
    is_known = top in PARTS and last.isascii() and last.isprintable() and last
    return frozenset({(top, last.encode())}) if is_known else None


class Answers(dict[Hashable, int]):
    """What all tests of one field, over all rules, say of a value: of values with the same number they say the same.

    Addresses, programs and sessions come again and again, so each is asked for once. A caller chooses what it calls
    itself, so only so many values and answers are kept, and no long ones.

    :param absent: what stands for the value of a field that is not there.
    :ivar on_forgotten: called when the numbers that were given have no examples any more.
    """

    def __init__(self, nodes: Iterable[Node], field: str, absent: Hashable) -> None:
        super().__init__()
        self.on_forgotten: Callable[[], None] = lambda: None
        self._absent = absent
        parts: dict[Hashable, Node] = {}
        for node in nodes:
            for part in _parts_of(node, field):
                parts.setdefault(part.literals or id(part) if isinstance(part, Test) else id(part), part)
        self._tests: list[Callable[[Anything], bool]] = [matcher(part, _as_it_is) for part in parts.values()]
        self._numbers: dict[tuple[bool, ...], int] = {}
        self._examples: dict[int, list[Anything]] = {}
        self._given = 0

    def __missing__(self, value: Hashable) -> int:
        values = [] if value is self._absent else [value]
        said = tuple(test(values) for test in self._tests)
        number = self._numbers.get(said)
        if number is None:
            if len(self._numbers) >= _MAX_VALUES:
                for kept in (self, self._numbers, self._examples):
                    kept.clear()
                self.on_forgotten()
            # No number is given twice: of a number that is known elsewhere, the answers stay the same.
            number = self._numbers[said] = self._given
            self._given += 1
            self._examples[number] = values
        if len(self) >= _MAX_VALUES:
            self.clear()
        if not isinstance(value, str) or len(value) <= _MAX_CHARACTERS:
            self[value] = number
        return number

    def example(self, number: int) -> list[Anything]:
        """Values of the field, for which the tests say the same as for all others of this number."""
        return self._examples[number]


def _as_it_is(_: str) -> Callable[[Anything], list[Anything]]:
    return lambda values: values


def _parts_of(node: Node, field: str) -> Iterator[Node]:
    """The largest parts of a condition that look at this field alone."""
    looked_at = fields_of(node)
    if looked_at == {field}:
        yield node
    elif field in looked_at and isinstance(node, Not | All | Any):
        for each in (node.of,) if isinstance(node, Not) else node.of:
            yield from _parts_of(each, field)


class Index:
    """Rules by the texts that one of an event's fields must have.

    :param nodes: the conditions of all rules; a rule is known by its position here.
    """

    def __init__(self, nodes: Sequence[Node], field: str) -> None:
        self._by_text: dict[str, list[int]] = {}
        self._always: list[int] = []
        for number, node in enumerate(nodes):
            texts = literals_of(node, field)
            for text in texts if texts is not None else ():
                self._by_text.setdefault(text, []).append(number)
            if texts is None:
                self._always.append(number)

    def of(self, text: object) -> Iterable[int]:
        """The rules that an event with this text, or with something else in its place, may match."""
        return [*self._always, *(self._by_text.get(text.lower(), ()) if isinstance(text, str) else ())]
