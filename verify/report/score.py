"""A score: for people tables on a terminal and one line for each item in a pipe; for programs JSON, and back.

``--compare`` reads what ``--json`` wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from verify.errors import UsageError
from verify.posture.model import Status
from verify.posture.score.model import Pillar, Range, Score, Scored, range_of
from verify.report.marks import details, headline, mark, not_aws
from verify.report.terminal import cell, safe

FORMAT = "securetrail-score/1"
# A score is about 12 KB; a file of another kind must not fill the memory.
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FormerScore:
    """What a comparison needs of a former score."""

    total: Range
    pillars: dict[Pillar, Range]


def render(
    score: Score, former: FormerScore | None, *, as_tables: bool, verbose: bool, as_blocks: bool = False
) -> Iterator[Table | Text]:
    """The score, piece by piece.

    :param former: show what changed since. Default: - nothing to compare with.
    :param as_tables: for a terminal; otherwise every item is one tab-separated line.
    :param as_blocks: for a narrow terminal: a few lines for each item.
    :param verbose: show the evidence of earned points too.
    """
    yield from not_aws(score.endpoint)
    yield safe(f"Account {score.account}, region {score.region}")
    for pillar in Pillar:
        items = score.pillar(pillar)
        now = range_of(items)
        yield Text()
        yield Text(f"{pillar}: {now}{_change(former.pillars[pillar], now) if former else ''}", style="bold")
        if as_tables:
            yield _table(items)
        for item in items:
            if as_blocks:
                yield headline(item.status, f"{item.title} ({_points(item)})")
                yield from details((("found", item.actual),))
            elif not as_tables:
                yield _line(item)
            if verbose or item.status is not Status.PASS:
                if as_tables:
                    yield Text(f"  {item.title}", style="bold")
                yield from _evidence(item, verbose=verbose)
    yield Text()
    yield from (safe(f"Not answered: {reason}") for reason in score.unanswered)
    total = score.total
    yield Text(f"Score: {total}{_change(former.total, total) if former else ''}", style="bold")
    if total.low != total.high:
        yield Text(f"{total.high - total.low} points could not be checked; they are neither earned nor lost.")


def _change(before: Range, now: Range) -> str:
    """What changed, by the points that are certain; the possible ones only where they changed otherwise."""
    low, high = now.low - before.low, now.high - before.high
    return f" (was {before}; {low:+d}{'' if low == high else f' certain, {high:+d} possible'})"


def _table(items: tuple[Scored, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("Points", justify="right")
    table.add_column("Item", overflow="fold", ratio=3)
    table.add_column("Found", overflow="fold", ratio=4)
    for item in items:
        table.add_row(mark(item.status), _points(item), item.title, safe(item.actual))
    return table


def _line(item: Scored) -> Text:
    return Text("\t").join([Text(item.status), Text(_points(item)), Text(item.title), cell(item.actual)])


def _points(item: Scored) -> str:
    earned = {Status.PASS: str(item.points), Status.UNKNOWN: "?"}.get(item.status, "0")
    return f"{earned}/{item.points}"


def _evidence(item: Scored, *, verbose: bool) -> Iterator[Text]:
    yield from details(
        (
            ("expected", item.expected),
            ("why", item.why),
            ("fix", item.fix_cli),
            ("source", item.source_url if verbose else None),
        )
    )


def score_as_json(score: Score, former: FormerScore | None = None) -> dict[str, Any]:
    """The whole score, evidence and all.

    :param former: add what changed since. Default: - nothing to compare with.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "account": score.account,
        "region": score.region,
        "endpoint": score.endpoint,
        "unanswered": score.unanswered,
        "score": _range_as_json(score.total),
        "pillars": [
            {"name": pillar, "score": _range_as_json(range_of(items)), "items": [_item_as_json(item) for item in items]}
            for pillar in Pillar
            if (items := score.pillar(pillar))
        ],
    }
    if former is not None:
        document["compared"] = {
            "score": _change_as_json(former.total, score.total),
            "pillars": {
                pillar: _change_as_json(former.pillars[pillar], range_of(score.pillar(pillar))) for pillar in Pillar
            },
        }
    return document


def read_former_score(path: Path) -> FormerScore:
    """Read a file that ``score --json`` wrote.

    :raises UsageError: the file cannot be read, or is something else.
    """
    wanted = f"A file written by 'verify score --json' ({FORMAT}) is needed."
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {str(path)!r}: {error.strerror}. {wanted}") from error
    if len(content) > _MAX_BYTES:
        raise UsageError(f"{str(path)!r} is larger than {_MAX_BYTES:,} bytes, so it is no score. {wanted}")
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise UsageError(f"{str(path)!r} has the format {document['format']!r}. {wanted}")
        pillars = {Pillar(entry["name"]): _parsed_range(entry["score"]) for entry in document["pillars"]}
        former = FormerScore(_parsed_range(document["score"]), pillars)
    except json.JSONDecodeError as error:
        raise UsageError(f"{str(path)!r} is not a score: it is not JSON (line {error.lineno}). {wanted}") from error
    except ValueError as error:
        raise UsageError(f"{str(path)!r} is not a score: {error}. {wanted}") from error
    except (LookupError, TypeError, RecursionError) as error:
        raise UsageError(f"{str(path)!r} is not a score, or an incomplete one. {wanted}") from error
    if set(pillars) != set(Pillar):
        raise UsageError(f"{str(path)!r} does not have the pillars {', '.join(Pillar)}. {wanted}")
    return former


def _range_as_json(value: Range) -> dict[str, int]:
    return {"low": value.low, "high": value.high, "of": value.of}


def _parsed_range(value: Any) -> Range:
    low, high, of = (value[name] for name in ("low", "high", "of"))
    if not all(isinstance(number, int) for number in (low, high, of)) or not 0 <= low <= high <= of:
        raise ValueError(f"{value!r} is not a range of points")
    return Range(low, high, of)


def _change_as_json(before: Range, now: Range) -> dict[str, Any]:
    return {
        "before": _range_as_json(before),
        "now": _range_as_json(now),
        "low_change": now.low - before.low,
        "high_change": now.high - before.high,
    }


def _item_as_json(item: Scored) -> dict[str, Any]:
    return {
        "id": item.id,
        "points": item.points,
        "title": item.title,
        "status": item.status,
        "expected": item.expected,
        "actual": item.actual,
        "why": item.why,
        "fix": {"cli": item.fix_cli},
        "source_url": item.source_url,
    }
