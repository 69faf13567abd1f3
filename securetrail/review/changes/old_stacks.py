"""Stacks that have another construct id, and that CloudFormation takes for what is deployed: it knows a stack by name,
account and region alone. So it is with a stack that moves into a Stage and keeps its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from securetrail.review.template import Template


def old_stacks(base: Sequence[Template], head: Sequence[Template]) -> dict[str, str]:
    """What a stack of the head is called → what the base calls the same one. What is nested in it goes with it.

    Where several have one name in one place, nobody knows which one is meant, and none is.
    """
    before, after = _by_place(base), _by_place(head)
    known, new = {each.stack for each in base}, {each.stack for each in head}
    names = {
        stacks[0]: before[place][0]
        for place, stacks in after.items()
        if len(stacks) == len(before.get(place, ())) == 1 and stacks[0] not in known and before[place][0] not in new
    }
    # One of two with the same name would hide the other.
    is_clear = len({with_old_name(each, names) for each in new}) == len(new)
    return names if is_clear else {}


def with_old_name(text: str, names: Mapping[str, str]) -> str:
    """A stack, or the path of a construct in it, with the base's name of the stack."""
    for new, old in names.items():
        if text == new or text.startswith(f"{new}/"):
            return old + text.removeprefix(new)
    return text


def _by_place(templates: Sequence[Template]) -> Mapping[tuple[str, str, str], list[str]]:
    found = defaultdict(list)
    for each in templates:
        if each.parent is None and each.name:
            found[each.name, each.account, each.region].append(each.stack)
    return found
