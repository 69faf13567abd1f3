"""The tables and queries by which people look for what happened in log files: they stay, and look at all of it.

Of the tables and queries of other data nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from securetrail.review.access import log_buckets
from securetrail.review.controls.values import at
from securetrail.review.objections import objection_id
from securetrail.review.template import Id, Resource, Variant, as_json

_TABLE, _QUERY = "AWS::Glue::Table", "AWS::Athena::NamedQuery"
# What controls compare of a table, and what changes nothing of what is found by it.
_LEFT_OUT: Final = {
    *("Columns", "Description", "Location", "Name", "Owner", "Parameters", "Retention", "StorageDescriptor"),
    *("classification", "comment", "projection.account.values", "projection.region.values"),
    "storage.location.template",
}
_AGO: Final = re.compile("NOW-([0-9]+)(DAYS?|WEEKS?|MONTHS?|YEARS?)")
_DAYS: Final = {"DAY": 1, "WEEK": 7, "MONTH": 30.4, "YEAR": 365.2}
_COLUMN: Final = "column "


def lost_views(variants: Sequence[Variant]) -> Iterator[tuple[Id, str, str]]:
    """What is gone or looks in another way: the resource, an objection's id, and a sentence."""
    for variant in variants:
        buckets = {variant.base[each].reference for each in log_buckets(variant.base)}
        after = {view for new in variant.head.values() if (view := _view(new, variant.head, buckets))}
        for each, old in variant.base.items():
            view = _view(old, variant.base, buckets)
            if view is None:
                continue
            if each in variant.head:
                yield from _another(old, variant.head[each])
            elif view not in after:
                yield each, "removed", f"{each} ({old.type}) is removed."


def _view(resource: Resource, resources: Mapping[Id, Resource], buckets: Collection[str]) -> tuple[str, str] | None:
    """What a table of log files, or a query about such tables, looks at."""
    if resource.type == _TABLE:
        place = str(at(resource.properties, "TableInput.StorageDescriptor.Location"))
        return (_TABLE, place) if place.removeprefix("s3://").partition("/")[0] in buckets else None
    if resource.type == _QUERY:
        query = str(resource.properties.get("QueryString"))
        tables = [each for each in resources.values() if each.type == _TABLE and _view(each, {}, buckets)]
        names = [str(at(each.properties, "TableInput.Name")) for each in tables]
        return (_QUERY, query) if any(re.search(rf"\b{re.escape(each)}\b", query) for each in names) else None
    return None


def _another(old: Resource, new: Resource) -> Iterator[tuple[Id, str, str]]:
    """Whether a table is read in another way; that there are more columns is no loss."""
    before, after = _looks(old), _looks(new)
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    names -= {name for name in after if name not in before and name.startswith(_COLUMN)}
    names -= {name for name in names if name.endswith(".range") and _is_wider(before.get(name), after.get(name))}
    if old.type == new.type == _TABLE and names:
        words = ", ".join(sorted(names))
        first, second = (as_json({name: side.get(name) for name in sorted(names)}) for side in (before, after))
        says = f"{old.id} ({_TABLE}) looks at the log files in another way: {words}."
        yield old.id, objection_id("protection_changed", f"{first} -> {second}"), says


def _is_wider(before: Any, after: Any) -> bool:
    """Whether a range of days that ends now begins earlier: two dates, or two times from now, can be compared."""
    old, new = _first_day(before), _first_day(after)
    if old is None or new is None or old[0] != new[0]:
        return False
    return new[1] >= old[1]


def _first_day(value: Any) -> tuple[str, float] | None:
    """How a range begins, and how far back; None when it does not end now.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
    """
    first, _, last = (part.strip() for part in str(value).partition(","))
    ago = _AGO.fullmatch(first)
    if last != "NOW":
        return None
    if ago:
        return "ago", int(ago[1]) * _DAYS[ago[2].rstrip("S")]
    digits = re.sub(r"\D", "", first)
    return ("date", -float(digits)) if re.fullmatch(r"\d{4}\D?\d{2}\D?\d{2}", first) else None


def _looks(table: Resource) -> dict[str, Any]:
    """How a table reads log files."""
    given = at(table.properties, "TableInput")
    stored, parameters = at(given, "StorageDescriptor"), at(given, "Parameters")
    parts = [part if isinstance(part, Mapping) else {} for part in (given, stored, parameters)]
    found = {name: value for part in parts for name, value in part.items() if name not in _LEFT_OUT}
    columns = at(stored, "Columns")
    for each in columns if isinstance(columns, list) else ():
        found[f"{_COLUMN}{at(each, 'Name')}"] = at(each, "Type")
    return found
