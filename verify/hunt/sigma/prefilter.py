"""Which rules an event may match, by a few of its fields alone; so that most events touch few rules. Pure.

A condition is evaluated with some fields known and all others not: what is false then is false whatever the others are,
and what is true is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any as Anything

from msgspec import UNSET, UnsetType

from verify.hunt.sigma.matching import All, Any, Node, Not, Test, fields_of


def may_match(node: Node, known: Mapping[str, list[Anything]]) -> bool | None:
    """Whether a condition matches, ``None`` if that depends on fields that are not known.

    :param known: the values of the known fields; an empty list for a field that is not there.
    """
    if isinstance(node, Test):
        return node.matches(known[node.field]) if node.field in known else None
    if isinstance(node, Not):
        inner = may_match(node.of, known)
        return None if inner is None else not inner
    if isinstance(node, All | Any):
        ends = isinstance(node, Any)
        is_open = False
        for each in node.of:
            found = may_match(each, known)
            if found is ends:
                return ends
            is_open = is_open or found is None
        return None if is_open else not ends
    return None


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


@dataclass(frozen=True, slots=True)
class Which:
    """Rules by what a part of an event tells of them, a bit for each.

    :param may: those that the event may match.
    :param do: those that it does match, whatever the rest of it is.
    """

    may: int
    do: int


class Prefilter:
    """The rules that events may match.

    :param nodes: the conditions of all rules; a rule is known by its position here.
    :param first: the field that most rules ask for by its text.
    :param together: fields with few different values, known together with the first.
    """

    def __init__(self, nodes: Sequence[Node], first: str, together: Sequence[str]) -> None:
        self._nodes = nodes
        self._together = (first, *together)
        self._by_name: dict[str, list[int]] = {}
        self._always: list[int] = []
        for number, node in enumerate(nodes):
            names = literals_of(node, first)
            for name in names if names is not None else ():
                self._by_name.setdefault(name, []).append(number)
            if names is None:
                self._always.append(number)
        self._fields = [fields_of(node) for node in nodes]
        self._all = (1 << len(nodes)) - 1

    def of_together(self, values: Sequence[str | UnsetType | None]) -> Which:
        """The rules by the values of ``first`` and ``together``.

        :param values: a text or ``None`` for each field; ``UNSET`` for one that is not there.
        """
        known: dict[str, list[Anything]] = {
            field: [] if value is UNSET else [value] for field, value in zip(self._together, values, strict=True)
        }
        name = values[0]
        named = self._by_name.get(name.lower(), []) if isinstance(name, str) else []
        may, do = self._judged([*self._always, *named], known)
        return Which(may, do)

    def looked_at(self, prefix: str) -> frozenset[str]:
        """The fields with names that begin so, as far as rules look at them."""
        return frozenset(field for fields in self._fields for field in fields if f"{field}.".startswith(f"{prefix}."))

    def of_fields(self, known: Mapping[str, list[Anything]]) -> Which:
        """The rules by the values of any fields. What none of them looks at may match."""
        concerned = [number for number, fields in enumerate(self._fields) if not fields.isdisjoint(known)]
        may, do = self._judged(concerned, known)
        others = self._all
        for number in concerned:
            others &= ~(1 << number)
        return Which(may | others, do)

    def _judged(self, which: Sequence[int], known: Mapping[str, list[Anything]]) -> tuple[int, int]:
        may = do = 0
        for number in which:
            found = may_match(self._nodes[number], known)
            if found is not False:
                may |= 1 << number
            if found:
                do |= 1 << number
        return may, do


def numbers_of(bits: int) -> list[int]:
    """The numbers of the rules whose bits are set."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found
