"""A score as one JSON document, and back: ``--compare`` reads what ``--json`` wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.errors import UsageError
from verify.posture.score.model import Pillar, Range, Score, Scored, range_of

FORMAT = "securetrail-score/1"
# A score is about 12 KB; a file of another kind must not fill the memory.
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FormerScore:
    """What a comparison needs of a former score."""

    total: Range
    pillars: dict[Pillar, Range]


def score_as_json(score: Score, former: FormerScore | None = None) -> dict[str, Any]:
    """The whole score, evidence and all.

    :param former: add what changed since. Default: - nothing to compare with.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "account": score.account,
        "region": score.region,
        "endpoint": score.endpoint,
        "score": _range(score.total),
        "pillars": [
            {"name": pillar, "score": _range(range_of(items)), "items": [_item(item) for item in items]}
            for pillar in Pillar
            if (items := score.pillar(pillar))
        ],
    }
    if former is not None:
        document["compared"] = {
            "score": _change(former.total, score.total),
            "pillars": {pillar: _change(former.pillars[pillar], range_of(score.pillar(pillar))) for pillar in Pillar},
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
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UsageError(f"{str(path)!r} is not a score: {type(error).__name__}: {error}. {wanted}") from error
    if set(pillars) != set(Pillar):
        raise UsageError(f"{str(path)!r} does not have the pillars {', '.join(Pillar)}. {wanted}")
    return former


def _range(value: Range) -> dict[str, int]:
    return {"low": value.low, "high": value.high, "of": value.of}


def _parsed_range(value: Any) -> Range:
    low, high, of = (value[name] for name in ("low", "high", "of"))
    if not all(isinstance(number, int) for number in (low, high, of)) or not 0 <= low <= high <= of:
        raise ValueError(f"{value!r} is not a range of points")
    return Range(low, high, of)


def _change(before: Range, now: Range) -> dict[str, Any]:
    return {
        "before": _range(before),
        "now": _range(now),
        "low_change": now.low - before.low,
        "high_change": now.high - before.high,
    }


def _item(item: Scored) -> dict[str, Any]:
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
