"""Which management events a trail's event selectors include, decided by field and never by a selector's name.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.aws import Answer

_BOTH = frozenset(("read", "write"))


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector of management events, classic or advanced.

    :param kinds: ``read``, ``write`` or both.
    :param excluded_sources: event sources that it excludes, such as ``kms.amazonaws.com``.
    :param narrowed_by: further fields that it has conditions on, so that it does not include all management events.
    """

    kinds: frozenset[str]
    excluded_sources: frozenset[str]
    narrowed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selectors:
    """The selectors of management events; those of other events are not here."""

    management: tuple[Selector, ...]


def parse_selectors(answer: Answer) -> Selectors:
    """Read GetEventSelectors' answer.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html
    """
    classic = [_classic(selector) for selector in answer.get("EventSelectors", ())]
    advanced = [_advanced(selector) for selector in answer.get("AdvancedEventSelectors", ())]
    return Selectors(tuple(selector for selector in (*classic, *advanced) if selector is not None))


def unrecorded(selectors: Selectors) -> tuple[str, ...]:
    """The management events that no selector includes, in words; empty when all are recorded."""
    gaps: list[str] = []
    for kind in sorted(_BOTH):
        covering = [entry for entry in selectors.management if kind in entry.kinds and not entry.narrowed_by]
        if not covering:
            narrowed = sorted({name for entry in selectors.management for name in entry.narrowed_by})
            gaps.append(f"{kind} events" + (f" (narrowed by {', '.join(narrowed)})" if narrowed else ""))
            continue
        # What one selector excludes, another may include.
        nowhere = frozenset.intersection(*(entry.excluded_sources for entry in covering))
        gaps.extend(f"{kind} events of {source}" for source in sorted(nowhere))
    return tuple(gaps)


def _classic(selector: Answer) -> Selector | None:
    if not selector.get("IncludeManagementEvents", True):
        return None
    kinds = {"ReadOnly": frozenset(("read",)), "WriteOnly": frozenset(("write",))}
    return Selector(
        kinds=kinds.get(selector.get("ReadWriteType", "All"), _BOTH),
        excluded_sources=frozenset(selector.get("ExcludeManagementEventSources", ())),
    )


def _advanced(selector: Answer) -> Selector | None:
    entries: list[Answer] = selector["FieldSelectors"]
    if not any(entry["Field"] == "eventCategory" and "Management" in entry.get("Equals", ()) for entry in entries):
        return None
    kinds, excluded, narrowed = _BOTH, frozenset[str](), []
    for entry in entries:
        operators = [name for name, values in entry.items() if name != "Field" and values]
        match entry["Field"], operators:
            case "eventCategory", _:
                pass
            case "readOnly", ["Equals"] if len(entry["Equals"]) == 1:
                kinds &= {"read"} if entry["Equals"] == ["true"] else {"write"}
            case "eventSource", ["NotEquals"]:
                excluded |= set(entry["NotEquals"])
            case field, _:
                narrowed.append(field)
    return Selector(kinds, excluded, tuple(narrowed))
