"""What became allowed and denied, as objections: one for each who, whatever it is that they may. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from securetrail.review.access import Access, AccessDifference, is_sensitive
from securetrail.review.controls.compare import ControlLoss
from securetrail.review.findings import SourceLine
from securetrail.review.objections import Objection, objection_id
from securetrail.review.template import Id

_STOPPED: Final = "What it delivers does not arrive any more: log files, alerts, or their encryption."
_MOST_ACTIONS: Final = 8
_REACHING: Final = {"kms:Decrypt", "s3:GetObject", "s3:ListBucket", "s3:PutObject", "sns:Publish", "sqs:SendMessage"}
# What the comparison of access says in exactly these words, a control says already.
_SAID_BY: Final = {
    "log_bucket_blocks_public_access": tuple(
        f"{name} is no longer set"
        for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    ),
    "log_bucket_has_no_acls": ("BucketOwnerEnforced is no longer set",),
}


def access_objections(
    access: AccessDifference, controls: Iterable[ControlLoss], places: Mapping[Id, SourceLine]
) -> Iterator[Objection]:
    """One objection for everything that the same callers may now: a grant is often several statements in the policies
    of several resources. What nobody may any more, and what cannot be compared, is one for each.

    :param controls: the controls that are lost, which say some of it already.
    :param places: where each resource is made.
    """
    losses = [each for each in controls if each.id in _SAID_BY]
    said = {(each.resource, text) for each in losses for text in _SAID_BY[each.id]}
    callers: dict[str, list[Access]] = {}
    for each in access.allowed:
        if each.objects and (each.resource, each.because) not in said:
            callers.setdefault(each.who, []).append(each)
    for rows in callers.values():
        # The objection names the first row's resource alone, so that the id has to tell those of the others.
        named = rows if len(rows) == 1 else [replace(each, on=each.place) for each in rows]
        detail = "; ".join(f"{each.who} may {_calls(each)}" for each in named)
        place = next((places[each.resource] for each in rows if each.resource in places), None)
        says = in_full(rows[0]) if len(rows) == 1 else _together(rows)
        yield Objection(objection_id("newly_allowed", detail), str(rows[0].resource), says, place=place)
    for each in access.denied:
        if each.objects:
            name = objection_id("newly_denied", f"{each.who}: {_calls(each)}")
            yield Objection(name, str(each.resource), in_full(each), _STOPPED, places.get(each.resource))
    for gap in access.not_comparable:
        yield Objection(
            objection_id("access_not_comparable", gap.why), str(gap.resource), f"{gap}.", place=places.get(gap.resource)
        )


def in_full(row: Access) -> str:
    """A row as a sentence."""
    return f"{replace(row, actions=few(row.actions))}."


def few(actions: Sequence[str]) -> tuple[str, ...]:
    """The actions, or of many those that take protection away or reach what is stored, and how many others there are.

    All of them are in the JSON.
    """
    if len(actions) <= _MOST_ACTIONS:
        return tuple(actions)
    gravest = sorted(actions, key=lambda each: (not is_sensitive(each), each not in _REACHING))
    return (*gravest[: _MOST_ACTIONS - 1], f"{len(actions) - _MOST_ACTIONS + 1} more")


def _calls(row: Access) -> str:
    return f"{', '.join(row.actions)} on {row.on}{f' when {row.when}' if row.when else ''}"


def _together(rows: Sequence[Access]) -> str:
    """What all the rows of one caller allow, by what it is done to; how, and under which conditions, the rows tell."""
    grouped: dict[str, dict[str, None]] = {}
    for each in rows:
        to = each.on if each.is_about_others else str(each.resource)
        grouped.setdefault(to, {}).update(dict.fromkeys(each.actions))
    may = "may" if any(each.is_certain for each in rows) else "may perhaps"
    calls = "; ".join(f"{', '.join(few([*actions]))} on {to}" for to, actions in grouped.items())
    return f"{rows[0].who} {may} {calls}{', under conditions' if all(each.when for each in rows) else ''}."
