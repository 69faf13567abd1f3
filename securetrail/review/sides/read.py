"""A side of the review, read from its cloud assembly."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from securetrail.printable import printable
from securetrail.review.comparison import Side
from securetrail.review.errors import ReviewError
from securetrail.review.findings import (
    Findings,
    missing_context,
    protected_stacks,
    read_checkov,
    read_constructs,
    read_findings,
)
from securetrail.review.sides.synth import Synth
from securetrail.review.template import AssemblyError, read_assembly


def read_side(
    name: str, synth: Synth, root: Path, checkov: Path | None = None, touched: Collection[str] = frozenset()
) -> Side:
    """Read what a synth made.

    :param name: ``base`` or ``change``, for messages.
    :param root: the root of the side's files; source lines outside of it are not shown.
    :param checkov: the results of ``checkov --output json`` for the assembly.
    :param touched: the files that the change touches, in which source lines are named if they can be.
    :raises ReviewError: it is not complete, so that nothing can be said about it.
    """
    said = f"\n{synth.said}" if synth.said else ""
    if not (synth.assembly / "manifest.json").is_file():
        raise ReviewError(f"The {name} gives no template; its app ended with exit code {synth.code}.{said}")
    try:
        templates = read_assembly(synth.assembly)
        found = read_findings(synth.assembly, root)
        constructs = read_constructs(synth.assembly, root, touched)
        missing = missing_context(synth.assembly)
        protected = protected_stacks(synth.assembly)
    except (AssemblyError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ReviewError(f"The cloud assembly of the {name} cannot be read: {printable(str(error))}") from error
    if not any(template.body.get("Resources") for template in templates):
        raise ReviewError(f"The {name} gives no template with a resource.{said}")
    # A rule pack's finding ends the app with an exit code, when everything is written.
    if synth.code and not any(each.severity == "error" for each in found.findings):
        raise ReviewError(f"The app of the {name} failed with exit code {synth.code}.{said}")
    if missing:
        raise ReviewError(
            f"The {name} looks up in an account what is not in cdk.context.json: {printable(', '.join(missing))}. "
            "Fix: run `cdk synth` with credentials once, and commit cdk.context.json"
        )
    if checkov is not None:
        results = read_checkov(checkov, constructs)
        found = Findings(
            (*found.findings, *results.findings),
            (*found.acknowledgements, *results.acknowledgements),
            found.packs | results.packs,
        )
    return Side(templates, found, constructs, protected)
