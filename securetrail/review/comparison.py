"""The two sides of a review, the base branch's cloud assembly and the change's, and what is different between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from constructs_lib.compliance.controls import load_controls, met_controls
from tools.review_changes import Change, Kind, compare, compare_declarations
from tools.review_findings import Acknowledgement, Finding, Findings, read_checkov, read_findings


@dataclass(frozen=True, slots=True)
class Side:
    """A cloud assembly, and what was found in it.

    :param templates: by stack; none when there is no such assembly.
    :param controls: trail (``stack/logical id``) → control → met, not met, or ``None`` for a resource elsewhere.
    """

    templates: Mapping[str, Mapping[str, Any]]
    found: Findings
    controls: Mapping[str, Mapping[str, bool | None]]


@dataclass(frozen=True, slots=True)
class TrailControls:
    """The controls that a trail meets.

    :param trail: ``stack/logical id``.
    :param lost: those that only the base meets.
    :param met_before: how many the base meets. Default: - the trail is new.
    """

    trail: str
    met: tuple[str, ...]
    missed: tuple[str, ...]
    lost: tuple[str, ...]
    met_before: int | None


@dataclass(frozen=True, slots=True)
class Objection:
    """Why nobody should merge this without another look.

    :param names: what it is about, as the change calls it.
    """

    why: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a reviewer has to know.

    :param changes: resources.
    :param declarations: outputs, parameters, conditions and mappings.
    :param standing: exceptions that the base makes as well, for the same reason.
    """

    has_base: bool
    removed_stacks: tuple[str, ...]
    changes: tuple[Change, ...]
    declarations: tuple[Change, ...]
    findings: tuple[Finding, ...]
    new_exceptions: tuple[Acknowledgement, ...]
    standing: tuple[Acknowledgement, ...]
    controls: tuple[TrailControls, ...]

    @property
    def objections(self) -> tuple[Objection, ...]:
        """None when there is nothing to object to."""
        destroyed = tuple(
            f"{change.kind} {change.logical_id}"
            for change in self.changes
            if change.kind in (Kind.REPLACED, Kind.REMOVED) and change.stack not in self.removed_stacks
        )
        errors = sum(finding.severity == "error" for finding in self.findings)
        no_base = Objection("the base gave no template, so nothing was compared and all counts as new")
        return (
            *(() if self.has_base else (no_base,)),
            *(Objection("a stack is gone, with everything in it", (stack,)) for stack in self.removed_stacks),
            *((Objection("a deployment destroys what is there", destroyed),) if destroyed else ()),
            *((Objection(f"findings that are errors: {errors}"),) if errors else ()),
        )


def read_side(assembly: Path, checkov: Path | None, root: Path) -> Side:
    """Read a cloud assembly and its reports.

    :param checkov: the results of ``checkov --output json`` for the assembly.
    :param root: the folder of the source that made it; places outside it are not shown.
    """
    templates = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(assembly.glob("*.template.json"))
    }
    reports = [read_findings(assembly, root)]
    reports += [read_checkov(checkov, assembly, root)] if checkov else []
    controls = load_controls()
    return Side(
        templates=templates,
        found=Findings(
            findings=tuple(finding for report in reports for finding in report.findings),
            acknowledgements=tuple(entry for report in reports for entry in report.acknowledgements),
        ),
        controls={
            f"{stack}/{trail}": met
            for stack, template in templates.items()
            for trail, met in met_controls(template, controls).items()
        },
    )


def compare_sides(base: Side, head: Side) -> Comparison:
    """What the head makes different: pure."""
    stacks = [
        (stack, base.templates.get(stack, {}), head.templates.get(stack, {}))
        for stack in sorted({*base.templates, *head.templates})
    ]
    accepted = {_identity(entry) for entry in base.found.acknowledgements}
    acknowledgements = head.found.acknowledgements
    return Comparison(
        has_base=bool(base.templates),
        removed_stacks=tuple(sorted({*base.templates} - {*head.templates})),
        changes=tuple(change for stack in stacks for change in compare(*stack)),
        declarations=tuple(change for stack in stacks for change in compare_declarations(*stack)),
        findings=head.found.findings,
        new_exceptions=tuple(entry for entry in acknowledgements if _identity(entry) not in accepted),
        standing=tuple(entry for entry in acknowledgements if _identity(entry) in accepted),
        controls=tuple(
            _trail_controls(trail, base.controls.get(trail), head.controls.get(trail, {}))
            for trail in sorted({*base.controls, *head.controls})
        ),
    )


def _identity(entry: Acknowledgement) -> tuple[str, str, str]:
    """What makes an exception the same one. Not the place: the lines of a file move."""
    return entry.rule, entry.construct, entry.reason


def _trail_controls(
    trail: str, before: Mapping[str, bool | None] | None, after: Mapping[str, bool | None]
) -> TrailControls:
    met_before = [name for name, is_met in (before or {}).items() if is_met]
    return TrailControls(
        trail=trail,
        met=tuple(name for name, is_met in after.items() if is_met),
        missed=tuple(name for name, is_met in after.items() if is_met is False),
        lost=tuple(name for name in met_before if not after.get(name)),
        met_before=None if before is None else len(met_before),
    )
