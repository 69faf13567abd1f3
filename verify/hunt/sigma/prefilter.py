"""What is left of a rule when a few fields of an event are known; so that most events touch few rules. Pure.

The few fields have few combinations of values: what is left of all rules is worked out once for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any as Anything

from verify.hunt.sigma.accounts import OTHER_ACCOUNTS, OTHER_ACCOUNTS_WORDS
from verify.hunt.sigma.matching import All, Any, Keyword, Node, Not, Same, Test

Known = Mapping[str, Sequence[Anything]]


def residual(node: Node, known: Known) -> Node | bool:
    """A condition with the tests of known fields carried out; ``True`` or ``False`` if nothing else decides it.

    :param known: the values of the known fields; an empty list for a field that is not there.
    """
    if isinstance(node, Test | Same | Keyword):
        return _decided(node, known)
    if isinstance(node, Not):
        inner = residual(node.of, known)
        return not inner if isinstance(inner, bool) else Not(inner)
    ends = isinstance(node, Any)
    left: list[Node] = []
    for each in node.of:
        found = residual(each, known)
        if found is ends:
            return ends
        if not isinstance(found, bool):
            left.append(found)
    if len(left) < 2:
        return left[0] if left else not ends
    return Any(tuple(left)) if ends else All(tuple(left))


def _decided(node: Test | Same | Keyword, known: Known) -> Node | bool:
    if isinstance(node, Test) and node.field in known:
        return node.matches(list(known[node.field]))
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


def words_of(node: Node) -> frozenset[bytes] | None:
    """Words of which the JSON text of ``requestParameters`` must have one for the condition to match, if nothing in it
    is escaped: the last names of fields without which it matches nothing. ``None`` if any text will do.
    """
    if isinstance(node, Test):
        if node.field == OTHER_ACCOUNTS:
            return None if node.matches([]) else OTHER_ACCOUNTS_WORDS
        top, _, below = node.field.partition(".")
        last = below.rpartition(".")[2]
        is_known = top == "requestParameters" and last.isascii() and last.isprintable() and last
        return frozenset({last.encode()}) if is_known and not node.matches([]) else None
    if isinstance(node, All):
        found = [words for each in node.of if (words := words_of(each)) is not None]
        return min(found, key=len) if found else None
    if isinstance(node, Any):
        each_of = [words_of(each) for each in node.of]
        return None if None in each_of else frozenset[bytes]().union(*(words for words in each_of if words is not None))
    return None


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
