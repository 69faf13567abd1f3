"""A score for people: tables on a terminal, one line for each item in a pipe."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from verify.posture.model import Status
from verify.posture.score_model import Pillar, Range, Score, Scored, range_of
from verify.report.marks import details, headline, mark, not_aws
from verify.report.score_json import FormerScore
from verify.report.terminal import safe


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
    total = score.total
    yield Text(f"Score: {total}{_change(former.total, total) if former else ''}", style="bold")
    if total.low != total.high:
        yield Text(f"{total.high - total.low} points could not be looked at; they are neither earned nor lost.")


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
    return Text("\t").join([Text(item.status), Text(_points(item)), Text(item.title), safe(item.actual)])


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
