"""What a synth was told about its constructs: findings, acknowledgements, and the source line of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# `function (/path/file.py:17)`, as jsii writes the host's stack with JSII_HOST_STACK_TRACES=1.
_FRAME: Final = re.compile(r"^\s*\S+ \((?P<file>[^()]+\.py):(?P<line>\d+)\)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of this repository's source.

    :param file: relative to the repository's root.
    """

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a construct breaks.

    :param severity: ``error``, ``warning`` or ``info``.
    :param construct: the construct's path.
    :param place: where it is made, if the trace reaches this repository.
    """

    rule: str
    description: str
    severity: str
    construct: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A rule that a construct breaks on purpose.

    :param place: where the reason is written.
    """

    rule: str
    reason: str
    construct: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything in one validation report."""

    findings: tuple[Finding, ...]
    acknowledgements: tuple[Acknowledgement, ...]


def read_findings(assembly: Path, root: Path) -> Findings:
    """The validation report of a cloud assembly; without a report nothing was found.

    :param root: the repository's root; frames outside it are not shown.
    """
    path = assembly / "validation-report.json"
    plugins = json.loads(path.read_text())["pluginReports"] if path.exists() else []
    return Findings(
        findings=tuple(
            Finding(
                rule=violation["ruleName"],
                description=violation["description"],
                severity=violation.get("severity") or "error",
                construct=construct["constructPath"],
                place=_place(construct.get("stackTraces"), root),
            )
            for plugin in plugins
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        ),
        acknowledgements=tuple(
            Acknowledgement(
                rule=entry["acknowledgedId"],
                reason=entry["reason"],
                construct=construct["constructPath"],
                place=_place([entry.get("acknowledgedStackTrace") or ""], root),
            )
            for plugin in plugins
            for entry in plugin.get("suppressedViolations") or []
            for construct in entry["violatingConstructs"]
        ),
    )


def read_checkov(path: Path, assembly: Path, root: Path) -> Findings:
    """The results of ``checkov --output json`` for a cloud assembly.

    checkov knows the template alone; where a resource is made is in the assembly.
    """
    document: Any = json.loads(path.read_text())
    # Without a template there are no results.
    results = [
        entry["results"] for entry in (document if isinstance(document, list) else [document]) if "results" in entry
    ]
    places = _places(assembly, root)
    return Findings(
        findings=tuple(
            Finding(entry["check_id"], entry["check_name"], "error", entry["resource"], places.get(_resource(entry)))
            for result in results
            for entry in result["failed_checks"]
        ),
        acknowledgements=tuple(
            Acknowledgement(
                entry["check_id"],
                entry["check_result"]["suppress_comment"],
                entry["resource"],
                places.get(_resource(entry)),
            )
            for result in results
            for entry in result["skipped_checks"]
        ),
    )


def _resource(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Stack and logical id: checkov has ``/Stack.template.json`` and ``AWS::S3::Bucket.LogicalId``."""
    return Path(entry["file_path"]).name.removesuffix(".template.json"), entry["resource"].rpartition(".")[2]


def _places(assembly: Path, root: Path) -> dict[tuple[str, str], Place | None]:
    """Where each resource is made, by stack and logical id; the CDK's metadata has a trace for each."""
    places = {}
    for path in assembly.glob("*.metadata.json"):
        for entries in json.loads(path.read_text()).values():
            data = {entry["type"]: entry["data"] for entry in entries if "data" in entry}
            if "aws:cdk:logicalId" in data:
                trace = "\n".join(data.get("aws:cdk:creationStack", ()))
                stack = path.name.removesuffix(".metadata.json")
                places[stack, data["aws:cdk:logicalId"]] = _place([trace], root)
    return places


def _place(traces: Sequence[str] | None, root: Path) -> Place | None:
    """Where a construct is made: in the file nearest to it, the line furthest out, which says what it is for."""
    frames = [
        (Path(match["file"]).relative_to(root).as_posix(), int(match["line"]))
        for trace in traces or ()
        for match in _FRAME.finditer(trace)
        if Path(match["file"]).is_relative_to(root) and ".venv" not in Path(match["file"]).parts
    ]
    if not frames:
        return None
    file, line = frames[0]
    for next_file, next_line in frames[1:]:
        if next_file != file:
            break
        line = next_line
    return Place(file, line)
