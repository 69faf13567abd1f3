"""Templates in YAML do not multiply: what its aliases stand for is counted before anybody walks it.

An alias is the same node once more (https://yaml.org/spec/1.2.2/#71-alias-nodes), so that reading a template costs as
much as its text has bytes, while whoever walks what it says meets each node as often as it is named.
"""

from typing import Any

import yaml

# AWS's own bound for a template: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_EXPANDED_CHARACTERS = 1_000_000


class TooManyAliases(yaml.YAMLError):
    """A document's aliases stand for more than a document may hold."""


def bound_aliases(limit_characters: int = MAX_EXPANDED_CHARACTERS) -> None:
    """From here on, `yaml.SafeLoader` and its subclasses refuse a document whose aliases make it larger than the limit,
    with an error of YAML.
    """
    loader: Any = yaml.SafeLoader
    compose = loader.get_single_node

    def composed(self: Any) -> Any:
        node = compose(self)
        if node is not None:
            check_aliases(node, limit_characters)
        return node

    loader.get_single_node = composed


def check_aliases(root: yaml.Node, limit_characters: int) -> None:
    """Makes sure that a document is small enough to be walked: each node counts as one character, and a text as its
    own, each time that an alias names it.

    A document without aliases is as large as its text, which has bounds of its own.

    :raises TooManyAliases: it has aliases, and is larger than the limit or holds itself.
    """
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    references = 0
    waiting = [(root, False)]
    while waiting:
        node, is_complete = waiting.pop()
        children = _children(node)
        if is_complete:
            opened.discard(id(node))
            size = 1 + sum(sizes[id(each)] for each in children) if children else 1 + len(node.value)
            sizes[id(node)] = min(size, limit_characters + 1)
            references += len(children)
        elif id(node) in opened:
            raise TooManyAliases("too many aliases: one of them stands for what holds it")
        elif id(node) not in sizes:
            opened.add(id(node))
            waiting.append((node, True))
            waiting += ((each, False) for each in children if id(each) not in sizes)
    has_aliases = references >= len(sizes)  # a tree has one reference to each node but its root
    if has_aliases and sizes[id(root)] > limit_characters:
        raise TooManyAliases(f"too many aliases: they stand for more than {limit_characters:,} characters")


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
