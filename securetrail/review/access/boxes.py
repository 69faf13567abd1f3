"""Sets of requests as boxes: in each dimension (action, resource, a condition key) a set of values, as bits.

A statement matches the requests of a box, a policy allows a union of boxes without another, and the difference of two
policies is again a union of boxes: exact, and without trying every combination of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

# For each dimension the values, one bit each. A box with an empty dimension is no box.
Box = tuple[int, ...]

# Two policies of usual size make some dozens; so many take seconds.
_MOST_BOXES: Final = 4_000

# More nobody reads.
_MOST_SEEDS: Final = 300


class TooManyBoxes(ValueError):
    """The policies are too different, or too large, to be compared."""


def intersection(one: Box, other: Box) -> Box | None:
    """What is in both boxes."""
    both = tuple(a & b for a, b in zip(one, other, strict=True))
    return both if all(both) else None


def intersections(boxes: Iterable[Box], others: Sequence[Box]) -> list[Box]:
    """What is in one of the boxes and in one of the others."""
    found = dict.fromkeys(both for box in boxes for other in others if (both := intersection(box, other)) is not None)
    return _limited(list(found))


def without(boxes: Iterable[Box], others: Iterable[Box]) -> list[Box]:
    """What is in one of the boxes and in none of the others.

    :returns: boxes that do not overlap where the given ones do not.
    :raises TooManyBoxes: the result has too many parts.
    """
    rest = list(boxes)
    for other in others:
        if not rest:
            break
        rest = _limited([piece for box in rest for piece in _without_one(box, other)])
    return rest


def _without_one(box: Box, other: Box) -> list[Box]:
    if not all(a & b for a, b in zip(box, other, strict=True)):
        return [box]
    pieces = []
    inside = list(box)
    for dimension, (mine, theirs) in enumerate(zip(box, other, strict=True)):
        if mine & ~theirs:
            pieces.append((*inside[:dimension], mine & ~theirs, *inside[dimension + 1 :]))
        inside[dimension] = mine & theirs
    return pieces


def largest(seeds: Sequence[Box], target: Sequence[Box], bounds: Sequence[Box], universe: Sequence[Box]) -> list[Box]:
    """Few and large boxes that cover the seeds and lie in the target: what people can read. They may overlap.

    :param seeds: a set of requests.
    :param target: a set of requests with all seeds in it.
    :param bounds: boxes in which each result has to lie: as far as it is worth to grow.
    :param universe: outside it no request exists, so that a result may reach there.
    :raises TooManyBoxes: the seeds are more than can be read.
    """
    if len(seeds) > _MOST_SEEDS:
        raise TooManyBoxes(f"what differs has more than {_MOST_SEEDS} parts for one caller")
    found: list[Box] = []
    left = list(seeds)
    while left:
        grown = _grown(left[0], target, bounds, universe)
        found.append(grown)
        left = without(left, [grown])
    return found


def _grown(box: Box, target: Sequence[Box], bounds: Sequence[Box], universe: Sequence[Box]) -> Box:
    for bound in bounds:
        if intersection(box, bound) != box:
            continue
        # The dimensions of condition keys come last; they make a row hard to read, so they grow first.
        for dimension in reversed(range(len(box))):
            wider = (*box[:dimension], bound[dimension], *box[dimension + 1 :])
            if wider != box and not without(intersections([wider], universe), target):
                box = wider
    return box


def _limited(boxes: list[Box]) -> list[Box]:
    if len(boxes) > _MOST_BOXES:
        raise TooManyBoxes(f"the policies divide the requests into more than {_MOST_BOXES:,} parts")
    return boxes
