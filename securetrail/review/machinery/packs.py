"""Whether a synth still runs every rule pack that it ran, and which exceptions are new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from securetrail.review.findings import Acknowledgement, Finding, Findings
from securetrail.review.objections import Objection

# CDK's own looks at every template; it is in the report only where it found something.
_REPORTS_WHAT_IT_FINDS: Final = {"CloudFormation Validate"}
_UNSEEN: Final = "Whatever these rules forbid can be deployed, and nobody is told."


def lost_packs(base: Findings, head: Findings) -> tuple[Objection, ...]:
    """The rule packs that only the base's synth runs."""
    return tuple(
        Objection("rule_pack_removed", pack, f"The rule pack {pack} does not run any more.", _UNSEEN)
        for pack in sorted(base.packs - head.packs - _REPORTS_WHAT_IT_FINDS)
    )


def silent_rules(base: Findings, head: Findings, unchanged: Collection[str]) -> tuple[Objection, ...]:
    """The rules that said something of a construct, and say nothing now, although the construct is as it was.

    A rule pack that runs and checks nothing looks like this.

    :param unchanged: the paths of the constructs whose resources are the same on both sides.
    """
    said = {(_rule(each), each.construct) for each in _entries(head)}
    silent: dict[str, list[str]] = {}
    for each in _entries(base):
        rule = _rule(each)
        pack = _pack(rule, base.packs)
        if pack in head.packs and each.construct in unchanged and (rule, each.construct) not in said:
            silent.setdefault(rule, []).append(each.construct)
    return tuple(
        Objection(
            "rule_is_silent",
            rule,
            f"The rule {rule} says nothing of {constructs[0]} any more, although nothing changed there.",
            _UNSEEN,
        )
        for rule, constructs in sorted(silent.items())
    )


def new_exceptions(
    base: Findings, head: Findings, constructs: Collection[str], touched: Collection[str]
) -> tuple[tuple[Acknowledgement, bool], ...]:
    """The exceptions that only the head makes, each with whether it is an objection.

    It is, unless it is about a new construct and stands in a file that the change does not touch: then the base has
    accepted it, and the change only uses it.

    :param constructs: the paths of the base's constructs.
    :param touched: the files that the change touches, as far as they are in the repository.
    """
    accepted = {_identity(entry) for entry in base.acknowledgements}
    return tuple(
        (entry, not _is_inherited(entry, constructs, touched))
        for entry in head.acknowledgements
        if _identity(entry) not in accepted
    )


def standing_exceptions(base: Findings, head: Findings) -> tuple[Acknowledgement, ...]:
    """Those that the base makes as well, for the same reason."""
    accepted = {_identity(entry) for entry in base.acknowledgements}
    return tuple(entry for entry in head.acknowledgements if _identity(entry) in accepted)


def new_findings(base: Iterable[Finding], head: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that the base does not have."""
    known = {(each.rule, each.construct) for each in base}
    return tuple(each for each in head if (each.rule, each.construct) not in known)


def _is_inherited(entry: Acknowledgement, constructs: Collection[str], touched: Collection[str]) -> bool:
    if entry.construct in constructs or not entry.stated_in:
        return False
    return entry.place is None or entry.place.file not in touched


def _entries(by: Findings) -> Iterator[Finding | Acknowledgement]:
    yield from by.findings
    yield from by.acknowledgements


def _identity(entry: Acknowledgement) -> tuple[str, str, str]:
    """What makes an exception the same one. Not the place: the lines of a file move."""
    return entry.rule, entry.construct, entry.reason


def _rule(entry: Finding | Acknowledgement) -> str:
    return entry.rule.split("::", 1)[-1]


def _pack(rule: str, packs: Collection[str]) -> str:
    """cdk-nag's rules begin with the name of their pack, those of checkov with letters of its own."""
    if rule.startswith(("CKV_", "CKV2_")):
        return "checkov"
    return max((pack for pack in packs if rule.startswith(f"{pack}-")), key=len, default="")
