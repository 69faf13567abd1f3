"""What a text may be after the deployment, as far as the synth knows."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

LATER: Final = "\0"  # stands for what is known only at deployment
ANYTHING: Final = "*"
# More than anybody writes: each choice multiplies them.
_MOST: Final = 1_000
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")


def possible_texts(value: Any) -> list[str]:
    """All that a value of a template may be; of a list, what each of its values may be.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html

    :param value: as CDK's ``resolve`` gives it. What CloudFormation leaves out, and what it makes of a text with a
        wildcard in a way that is not followed here, counts as ``*``.
    """
    match value:
        case {"Ref": "AWS::NoValue"}:
            found = [ANYTHING]
        case {"Fn::If": [_, *either]} | list(either):
            found = [text for each in either for text in possible_texts(each)]
        case {"Fn::Join": [str(separator), list(parts)]}:
            found = [separator.join(each) for each in _choices(map(possible_texts, parts))]
        case {"Fn::Sub": str(text)}:
            found = _filled_in(text, {})
        case {"Fn::Sub": [str(text), dict(given)]}:
            found = _filled_in(text, given)
        case dict():
            found = [ANYTHING if ANYTHING in str(value) else LATER]
        case _:
            found = [str(value)]
    return found


def _filled_in(text: str, given: Mapping[str, Any]) -> list[str]:
    """``${!Name}`` is how a template writes ``${Name}``, which it leaves to others, such as IAM."""
    between, names = _VARIABLE.split(text)[::2], _VARIABLE.findall(text)
    filled = [
        [f"${{{name[1:]}}}"] if name[:1] == "!" else possible_texts(given.get(name, {"Ref": name})) for name in names
    ]
    return [
        "".join(itertools.chain.from_iterable(itertools.zip_longest(between, each, fillvalue="")))
        for each in _choices(filled)
    ]


def _choices(parts: Iterable[list[str]]) -> Iterable[tuple[str, ...]]:
    """One text of each part, in all ways; where these are too many to look at, what counts as anything."""
    distinct = [[*dict.fromkeys(each)] for each in parts]
    if math.prod(map(len, distinct)) > _MOST:
        return [(ANYTHING,)]
    return itertools.product(*distinct)
