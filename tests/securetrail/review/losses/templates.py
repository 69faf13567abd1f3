"""A template beside a changed one, as what a change loses by one resource needs it."""

import copy
from typing import Any

from securetrail.review.comparison import Side, compare_sides
from securetrail.review.findings import Findings
from securetrail.review.template import Template
from tests.securetrail.review.access.stack import OWN, template


def resource(of_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": of_type, "Properties": properties}


def side(more: dict[str, Any]) -> Side:
    body = template()
    body["Resources"] |= copy.deepcopy(more)
    return Side((Template("Stack", body, OWN, "us-east-1"),), Findings((), ()), {}, {})


def objections(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    found = compare_sides(side(before), side(after)).objections
    # Without the values, of which one of this kind has many.
    return {(each.id if "changed:" not in each.id else "protection_changed", each.resource) for each in found}
