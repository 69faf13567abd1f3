"""What a review says, in blocks, in the order in which a reviewer needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from securetrail.review.changes.resources import Change, Kind
from securetrail.review.comparison import Review
from securetrail.review.findings import Acknowledgement, SourceLine
from securetrail.review.granted import few, in_full
from securetrail.review.objections import Objection


@dataclass(frozen=True, slots=True)
class Data:
    """Text that comes from the change under review, which is shown as it is and does nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The title."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words of ours (``str``, in which ``**`` makes bold) and of the change."""

    parts: tuple[str | Data, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text from the change, each cell on one line."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Numbered items, each a text from the change and a line below it."""

    items: tuple[tuple[Data, Paragraph], ...]


Block = Heading | Paragraph | Table | Listing
_MOST_FILES: Final = 8


def document(review: Review) -> list[Block]:
    """The blocks of a review: the verdict, what this change accepts itself, objections, and then what they rest on."""
    if review.is_unchanged:
        # One line says it all.
        return [
            Paragraph(
                (f"{review.title}: **nothing changes**; {_standing(review)}.", *_spaced(review.repository.notices))
            )
        ]
    return [block for block in _blocks(review) if not isinstance(block, Table) or block.rows]


def _blocks(review: Review) -> Iterator[Block]:
    difference = review.difference
    yield Heading(review.title)
    count = len(review.objections)
    yield Paragraph((f"**{count} objection{'s' * (count != 1)}.**" if count else "**Nothing to object to.**",))
    yield from _accepted(review)
    if review.objections:
        yield Listing(tuple(map(_item, review.objections)))
    yield from _allowed(review)
    yield from _denied(review)
    yield from _controls(review)
    yield from _changes(difference.changes, difference.declarations)
    yield from _exceptions(difference.exceptions)
    yield from _findings(review)
    yield from _repository(review)
    if difference.standing or difference.standing_findings:
        yield Paragraph((f"{_standing(review)}.".capitalize(),))


def _allowed(review: Review) -> Iterator[Block]:
    """What is newly allowed, but for what an objection says in full."""
    rows, said = review.difference.access.allowed, _said(review)
    left = [each for each in rows if in_full(each) not in said]
    if rows:
        yield Paragraph((f"**Newly allowed:** {_besides(len(rows), len(left))}.",))
    yield Table(
        ("Who", "May", "On", "When", "Because"),
        tuple(
            (
                each.who,
                ", ".join(few(each.actions)) + ("" if each.is_certain else " (perhaps)"),
                each.place,
                each.when,
                each.because,
            )
            for each in left
        ),
    )


def _denied(review: Review) -> Iterator[Block]:
    rows, said = review.difference.access.denied, _said(review)
    left = [each for each in rows if in_full(each) not in said]
    if rows:
        names = dict.fromkeys(f"{each.who}: {', '.join(few(each.actions))}" for each in left)
        listed = (". ", *_listed(names)) if names else (".",)
        yield Paragraph((f"**No longer allowed:** {_besides(len(rows), len(left))}", *listed))


def _controls(review: Review) -> Iterator[Block]:
    """The controls that are lost or weaker; what an objection says with both values is not said once more."""
    losses = review.difference.controls
    said = {(each.id.split(":")[0], each.resource) for each in review.objections}
    left = [each for each in losses if (each.id, str(each.resource)) not in said]
    if losses:
        yield Paragraph((f"**Controls lost or weaker:** {_besides(len(losses), len(left))}.",))
    yield Table(
        ("Control", "", "Resource", "Before", "After"),
        tuple((each.id, each.loss, str(each.resource), each.before, each.after) for each in left),
    )


def _said(review: Review) -> frozenset[str]:
    return frozenset(each.says for each in review.objections)


def _besides(all_: int, left: int) -> str:
    """How many there are, and how many of them stand above."""
    above = all_ - left
    return str(all_) if not above else f"{all_}, above" if not left else f"{all_}, {above} of them above"


def _item(objection: Objection) -> tuple[Data, Paragraph]:
    below: list[str | Data] = []
    if objection.place is not None:
        below += [Data(_where(objection.place)), "; "]
    if objection.by_dependency:
        below.append("by a dependency's new version; ")
    below += ["id ", Data(objection.id), ", resource ", Data(objection.resource)]
    said = f"{objection.says} {objection.attack}" if objection.attack else objection.says
    return Data(said), Paragraph(tuple(below))


def _accepted(review: Review) -> Iterator[Block]:
    for is_new, called in ((True, "Accepted by this change"), (False, "Accepted before")):
        rows = tuple(
            (
                each.objection.id,
                each.objection.resource,
                each.objection.says,
                each.decision.reason,
                str(each.decision.expires),
            )
            for each in review.accepted
            if each.is_new is is_new
        )
        if rows:
            yield Paragraph((f"**{called}:** {len(rows)}.",))
            yield Table(("Objection", "About", "What is lost", "Reason", "Until"), rows)


def _changes(changes: Sequence[Change], declarations: Sequence[Change]) -> Iterator[Block]:
    counts = ", ".join(f"{sum(change.kind is kind for change in changes)} {kind}" for kind in Kind)
    yield Paragraph((f"**Resources:** {counts}.",))
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        what = change.because or ", ".join(change.properties)
        grouped.setdefault((change.kind, change.resource_type, what), []).append(str(change.resource))
    yield Table(
        ("", "Type", "Resources", "What"),
        tuple((kind, of_type, ", ".join(names), what) for (kind, of_type, what), names in grouped.items()),
    )
    if declarations:
        yield Paragraph(
            (
                f"**Outputs, parameters, conditions, mappings:** {len(declarations)}. ",
                *_listed(f"{each.kind} {each.resource_type} {each.resource}" for each in declarations),
            )
        )


def _exceptions(entries: Sequence[Acknowledgement]) -> Iterator[Block]:
    """One reason often answers the same rule of several packs."""
    grouped: dict[tuple[str, str, SourceLine | None], list[str]] = {}
    for entry in entries:
        grouped.setdefault((entry.construct, entry.reason, entry.place), []).append(entry.rule.split("::", 1)[-1])
    if grouped:
        yield Paragraph((f"**New exceptions:** {len(entries)}.",))
        yield Table(
            ("Construct", "Reason", "Rules", "Where"),
            tuple(
                (construct, reason, ", ".join(rules), _where(place))
                for (construct, reason, place), rules in grouped.items()
            ),
        )


def _findings(review: Review) -> Iterator[Block]:
    found = [each for each in review.difference.findings if each.severity != "error"]
    if found:
        yield Paragraph((f"**New warnings of rule packs:** {len(found)}.",))
        yield Table(
            ("Severity", "Rule", "Construct", "Why", "Where"),
            tuple((each.severity, each.rule, each.construct, each.description, _where(each.place)) for each in found),
        )


def _repository(review: Review) -> Iterator[Block]:
    repository = review.repository
    if repository.judging:
        shown = repository.judging[:_MOST_FILES]
        more = len(repository.judging) - len(shown)
        names = [*[*_listed(shown)][:-1], f" and {more} more." if more else "."]
        yield Paragraph((f"**Files that judge changes are changed:** {len(repository.judging)}. ", *names))
    if repository.dependencies:
        yield Paragraph(("**Dependencies:** ", *_listed(repository.dependencies)))
    for notice in repository.notices:
        yield Paragraph((notice,))


def _standing(review: Review) -> str:
    difference = review.difference
    reasons = len({(entry.construct, entry.reason) for entry in difference.standing})
    said = f"standing exceptions: {len(difference.standing)} with {reasons} reason{'s' * (reasons != 1)}"
    findings = len(difference.standing_findings)
    return said + (f", standing findings: {findings}" if findings else "")


def _listed(names: Iterable[str]) -> Iterator[str | Data]:
    for position, name in enumerate(names):
        if position:
            yield ", "
        yield Data(name)
    yield "."


def _spaced(notices: Sequence[str]) -> Iterator[str]:
    return (f" {notice}" for notice in notices)


def _where(place: SourceLine | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}"
