"""A review for programs."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any

from securetrail.review.comparison import Review
from securetrail.review.template import Id


def as_json(review: Review) -> dict[str, Any]:
    """Everything that a review knows. Ids are text, ``Stack/LogicalId``; dates are ISO 8601; ``objections`` decides.

    :returns: ``schema`` is 1; a later one may add keys without being another.
    """
    return {
        "schema": 1,
        "title": review.title,
        "objections": [_plain(each) | {"fingerprint": each.fingerprint} for each in review.objections],
        "accepted": [_plain(each) for each in review.accepted],
        "newly_allowed": [_plain(each) for each in review.difference.access.allowed],
        "newly_denied": [_plain(each) for each in review.difference.access.denied],
        "controls": [_plain(each) for each in review.difference.controls],
        "changes": [_plain(each) for each in (*review.difference.changes, *review.difference.declarations)],
        "findings": [_plain(each) for each in review.difference.findings],
        "new_exceptions": [_plain(each) for each in review.difference.exceptions],
        "standing_exceptions": [_plain(each) for each in review.difference.standing],
        "standing_findings": [_plain(each) for each in review.difference.standing_findings],
        "judging_files": [*review.repository.judging],
        "dependencies": [*review.repository.dependencies],
        "notices": [*review.repository.notices],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Id):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
