"""Resources that are there on both sides under different ids: recognized by what they are, not by what they are called.

The id of a construct or a stack is part of a resource's logical id, so that a renamed construct removes and adds each
of its resources. Of those that are gone and those that are new, two are one when all that they say is equal, with what
they refer to compared the same way; then when they are of one type and more alike than any other two.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from securetrail.review.template import Id, Template

_ROUNDS: Final = 6
_ALIKE: Final = 0.5
_IN_SUB: Final = re.compile(r"\$\{([A-Za-z0-9]+)([.}])")
Raw = Mapping[Id, Mapping[str, Any]]


def renamed_resources(base: Sequence[Template], head: Sequence[Template]) -> dict[Id, Id]:
    """The head's id of each renamed resource → the base's id of it."""
    before, after = _resources(base), _resources(head)
    gone = {each: raw for each, raw in before.items() if each not in after}
    new = {each: raw for each, raw in after.items() if each not in before}
    if not gone or not new:
        return {}
    same = {each: each for each in {*before} & {*after}}
    first, second = _digests(gone, same), _digests(new, same)
    found: dict[Id, Id] = {}
    for digest in {*first.values()} & {*second.values()}:
        olds = sorted(each for each, its in first.items() if its == digest)
        news = sorted(each for each, its in second.items() if its == digest)
        found.update(zip(news, olds, strict=False))
    taken = set(found.values())
    pairs = sorted(
        (
            (-_likeness(gone[old], new[one], old, one), one, old)
            for one in new
            if one not in found
            for old in gone
            if old not in taken and gone[old].get("Type") == new[one].get("Type")
        ),
    )
    for likeness, one, old in pairs:
        if -likeness >= _ALIKE and one not in found and old not in taken:
            found[one] = old
            taken.add(old)
    return found


def _resources(templates: Sequence[Template]) -> dict[Id, Mapping[str, Any]]:
    return {
        Id(template.stack, logical_id): raw
        for template in templates
        for logical_id, raw in (template.body.get("Resources") or {}).items()
        if isinstance(raw, Mapping)
    }


def _digests(resources: Raw, same: Mapping[Id, Id]) -> dict[Id, str]:
    """What each resource says, with the digest of a resource in the place of its id."""
    known: dict[Id, str] = {each: f"same {each}" for each in same}
    known |= {each: str(raw.get("Type")) for each, raw in resources.items()}
    for _ in range(_ROUNDS):
        following = {
            each: hashlib.sha256(json.dumps(_content(raw, each.stack, known), sort_keys=True).encode()).hexdigest()
            for each, raw in resources.items()
        }
        known |= following
    return {each: known[each] for each in resources}


def _content(raw: Mapping[str, Any], stack: str, known: Mapping[Id, str]) -> Any:
    shown = {name: value for name, value in raw.items() if name not in ("DependsOn", "Metadata")}
    return _without_ids(shown, stack, known)


def _without_ids(value: Any, stack: str, known: Mapping[Id, str]) -> Any:
    def digest(name: str) -> str:
        return known.get(Id(stack, name), name)

    if isinstance(value, list):
        return [_without_ids(entry, stack, known) for entry in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("Ref"), str):
        return {"Ref": digest(value["Ref"])}
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, list) and attribute and isinstance(attribute[0], str):
        return {"Fn::GetAtt": [digest(attribute[0]), *attribute[1:]]}
    text = value.get("Fn::Sub")
    if isinstance(text, str):
        return {"Fn::Sub": _IN_SUB.sub(lambda found: f"${{{digest(found[1])}{found[2]}", text)}
    return {name: _without_ids(entry, stack, known) for name, entry in value.items()}


def _likeness(old: Mapping[str, Any], new: Mapping[str, Any], old_id: Id, new_id: Id) -> float:
    """How much of what two resources say is equal, from 0 to 1, with references compared by nothing but their kind."""
    first, second = (
        {*_leaves(_without_ids(raw.get("Properties") or {}, each.stack, defaultdict(str)))}
        for raw, each in ((old, old_id), (new, new_id))
    )
    return len(first & second) / len(first | second) if first | second else 1.0


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            if name in ("Ref", "Fn::GetAtt"):
                yield path, name
            else:
                yield from _leaves(entry, f"{path}.{name}")
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry, f"{path}[]")
    else:
        yield path, json.dumps(value)
