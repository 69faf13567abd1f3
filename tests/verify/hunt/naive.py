"""Sigma evaluated a second time, from the YAML itself and as plainly as possible: pySigma has no part in it."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from ipaddress import ip_address, ip_network
from itertools import groupby
from typing import Any

ABSENT = object()


def values(record: Any, names: Sequence[str], *, is_top: bool = True) -> Iterator[Any]:
    if not names:
        if isinstance(record, list) and record:
            for each in record:
                yield from values(each, names)
        else:
            yield record
    elif isinstance(record, list):
        for each in record:
            yield from values(each, names, is_top=False)
    elif isinstance(record, dict):
        for length in [1] if is_top else range(1, len(names) + 1):
            key = ".".join(names[:length])
            if key in record:
                yield from values(record[key], names[length:], is_top=False)


def texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return [text, text.replace('\\"', '"')] if isinstance(value, dict | list) else [text]


def glob(pattern: str) -> str:
    """A regular expression for Sigma's wildcards."""
    found, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\" and pattern[at + 1 : at + 2] in ("*", "?", "\\"):
            found += re.escape(pattern[at + 1])
            at += 1
        else:
            found += {"*": ".*", "?": "."}.get(character) or re.escape(character)
        at += 1
    return found


def number_of(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", value, re.ASCII):
        return float(value)
    return None


def part(value: Any, name: str) -> int | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.isocalendar()[1] if name == "week" else getattr(moment, name)


def one(found: Any, wanted: Any, modifiers: Sequence[str], record: Any) -> bool:
    """Whether one value of a field matches one value of a rule."""
    for name in ("minute", "hour", "day", "week", "month", "year"):
        if name in modifiers:
            found = part(found, name)
    if {"lt", "lte", "gt", "gte"} & set(modifiers):
        return compares(found, wanted, modifiers)
    if "fieldref" in modifiers:
        return refers(found, wanted, modifiers, record)
    if "cidr" in modifiers:
        return is_within(found, wanted)
    if "re" in modifiers:
        flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
        chosen = sum(flag for name, flag in flags.items() if name in modifiers)
        return any(re.search(wanted, text, chosen) for text in texts(found))
    if isinstance(wanted, str):
        return fits_pattern(found, wanted, modifiers)
    return equals(found, wanted)


def compares(found: Any, wanted: Any, modifiers: Sequence[str]) -> bool:
    number = number_of(found)
    if number is None:
        return False
    said = {"lt": number < wanted, "lte": number <= wanted, "gt": number > wanted, "gte": number >= wanted}
    return bool(next(said[name] for name in said if name in modifiers))


def refers(found: Any, wanted: str, modifiers: Sequence[str], record: Any) -> bool:
    others = [text.lower() for value in values(record, wanted.split(".")) for text in texts(value)]
    ways: dict[str, Callable[[str, str], bool]] = {
        "contains": lambda text, other: other in text,
        "startswith": lambda text, other: text.startswith(other),
        "endswith": lambda text, other: text.endswith(other),
    }
    way = next((ways[name] for name in ways if name in modifiers), str.__eq__)
    return any(way(text.lower(), other) for text in texts(found) for other in others)


def is_within(found: Any, wanted: str) -> bool:
    try:
        return ip_address(found) in ip_network(wanted)
    except ValueError:
        return False


def equals(found: Any, wanted: Any) -> bool:
    """Whether it is the number or the boolean; a string is compared with how that is written."""
    if isinstance(wanted, bool):
        return found is wanted or (isinstance(found, str) and found.lower() == str(wanted).lower())
    return found == str(wanted) if isinstance(found, str) else (not isinstance(found, bool) and found == wanted)


def fits_pattern(found: Any, wanted: str, modifiers: Sequence[str]) -> bool:
    cased = "cased" in modifiers
    pattern = b64encode(wanted.encode()).decode() if "base64" in modifiers else wanted
    pattern = glob(pattern)
    pattern = f".*{pattern}" if {"contains", "endswith"} & set(modifiers) else pattern
    pattern = f"{pattern}.*" if {"contains", "startswith"} & set(modifiers) else pattern
    return any(
        re.fullmatch(pattern if cased else pattern.lower(), text if cased else text.lower(), re.DOTALL)
        for text in texts(found)
    )


def item(key: str, wanted: Any, record: Any) -> bool:
    field, *modifiers = key.split("|")
    found = list(values(record, field.split(".")))
    if field not in ("",) and not isinstance(record, dict):
        return False
    if "exists" in modifiers:
        return bool(found) is wanted
    wants = wanted if isinstance(wanted, list) else [wanted]
    if not wants:
        wants = [None]

    def is_one(each: Any) -> bool:
        if each is None:
            return not found or any(value is None for value in found)
        return any(one(value, each, modifiers, record) for value in found if value is not None or "cidr" in modifiers)

    result = all(map(is_one, wants)) if "all" in modifiers else any(map(is_one, wants))
    return not result if "neq" in modifiers else result


def keyword(wanted: Any, record: Any) -> bool:
    return any(re.search(glob(str(wanted)).lower(), text.lower(), re.DOTALL) for text in texts(record))


def detection(definition: Any, record: Any) -> bool:
    if isinstance(definition, dict):
        return all(item(key, wanted, record) for key, wanted in definition.items())
    if isinstance(definition, list):
        return any(detection(each, record) for each in definition)
    return keyword(definition, record)


def condition(text: str, detections: Mapping[str, Any], record: Any) -> bool:
    tokens = re.findall(r"\(|\)|[^\s()]+", text)

    def either() -> bool:
        found = both()
        while tokens and tokens[0].lower() == "or":
            tokens.pop(0)
            other = both()
            found = found or other
        return found

    def both() -> bool:
        found = negated()
        while tokens and tokens[0].lower() == "and":
            tokens.pop(0)
            other = negated()
            found = found and other
        return found

    def negated() -> bool:
        token = tokens.pop(0)
        if token.lower() == "not":
            return not negated()
        if token == "(":
            found = either()
            assert tokens.pop(0) == ")"
            return found
        if tokens and tokens[0].lower() == "of":
            tokens.pop(0)
            pattern = tokens.pop(0)
            names = [
                name
                for name in detections
                if not name.startswith("_") and (pattern == "them" or re.match(translate(pattern), name))
            ]
            return {"all": all, "1": any, "any": any}[token](detection(detections[name], record) for name in names)
        return detection(detections[token], record)

    found = either()
    assert not tokens
    return found


def matches(rule: Mapping[str, Any], record: Any) -> bool:
    """Whether a rule, as YAML has it, matches a record."""
    detections = {name: of for name, of in rule["detection"].items() if name not in ("condition", "timeframe")}
    conditions = rule["detection"]["condition"]
    return any(
        condition(text, detections, record) for text in (conditions if isinstance(conditions, list) else [conditions])
    )


@dataclass(frozen=True)
class Held:
    """When a correlation held without a break."""

    first: datetime
    start: datetime
    end: datetime
    events: frozenset[str]


def held(
    kind: str,
    rules: Sequence[str],
    span: float,
    group_by: Sequence[str],
    test: Any,
    matched: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    field: str = "",
) -> list[Held]:
    """A correlation, by trying every window.

    :param matched: pairs of a rule's name and a record with ``at`` and ``id`` beside its fields; in any order.
    """
    distinct = {(rule, record["id"]): (record["at"], rule, record) for rule, record in matched}

    def key(entry: Any) -> str:
        return json.dumps([entry[2].get(name) for name in group_by])

    found: list[Held] = []
    for _, group in groupby(sorted(distinct.values(), key=lambda each: (key(each), str(each[0]))), key):
        events = sorted(group, key=lambda each: each[0])
        previous: Held | None = None
        for moment in sorted({each[0] for each in events}):
            window = [each for each in events if each[0] <= moment and (moment - each[0]).total_seconds() <= span]
            if not _holds(kind, rules, test, window, moment, field):
                continue
            names = frozenset(each[2]["id"] for each in window)
            if previous is not None and (moment - previous.end).total_seconds() <= span:
                between = {each[2]["id"] for each in events if previous.start <= each[0] <= moment}
                previous = Held(previous.first, previous.start, moment, previous.events | between)
                found[-1] = previous
            else:
                previous = Held(moment, min(each[0] for each in window), moment, names)
                found.append(previous)
    return sorted(found, key=lambda each: (each.first, sorted(each.events)))


def _holds(kind: str, rules: Sequence[str], test: Any, window: Any, moment: datetime, field: str) -> bool:
    if kind == "event_count":
        return bool(test(len({each[2]["id"] for each in window})))
    if kind == "value_count":
        return bool(test(len({str(each[2][field]) for each in window if each[2].get(field) is not None})))
    if kind == "temporal":
        return {each[1] for each in window} >= set(rules)
    return any(each[0] == moment and each[1] == rules[-1] for each in window) and _chain(rules, window)


def _chain(rules: Sequence[str], window: Any, since: datetime | None = None) -> bool:
    if not rules:
        return True
    return any(
        _chain(rules[1:], window, each[0])
        for each in window
        if each[1] == rules[0] and (since is None or each[0] >= since)
    )
