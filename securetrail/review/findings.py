"""What a synth was told about its constructs: findings, acknowledgements, rule packs, and the source line of each."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from securetrail.printable import printable
from securetrail.review.errors import ReviewError

# `function (/path/file.py:17)`, as jsii writes the host's stack with JSII_HOST_STACK_TRACES=1.
_FRAME: Final = re.compile(r"^\s*(?P<function>\S+) \((?P<file>[^()]+\.py):(?P<line>\d+)\)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SourceLine:
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
    place: SourceLine | None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A rule that a construct breaks on purpose.

    :param place: where the reason is written, if that is in this repository.
    :param stated_in: the file that states it, also outside of the repository. Default: - the report has no trace.
    """

    rule: str
    reason: str
    construct: str
    place: SourceLine | None
    stated_in: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything in one validation report.

    :param packs: the rule packs that ran.
    """

    findings: tuple[Finding, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    packs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Construct:
    """Where a resource comes from.

    :param path: the construct's path in the app.
    """

    path: str
    place: SourceLine | None


def read_findings(assembly: Path, root: Path) -> Findings:
    """The validation report of a cloud assembly; without a report no rule pack ran.

    :param root: the repository's root; frames outside it are not shown.
    :raises ReviewError: the report cannot be read.
    """
    path = assembly / "validation-report.json"
    if not path.exists():
        return Findings((), ())
    try:
        plugins = json.loads(path.read_text(encoding="utf-8"))["pluginReports"]
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
                    stated_in=_first_file(entry.get("acknowledgedStackTrace") or ""),
                )
                for plugin in plugins
                for entry in plugin.get("suppressedViolations") or []
                for construct in entry["violatingConstructs"]
            ),
            packs=frozenset(str(plugin["pluginName"]) for plugin in plugins),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReviewError(f"The validation report is not as the CDK writes it: {printable(repr(error))}") from error


def read_checkov(path: Path, constructs: Mapping[tuple[str, str], Construct]) -> Findings:
    """The results of ``checkov --output json`` for a cloud assembly.

    :param constructs: by stack and logical id; checkov knows the template alone.
    :raises ReviewError: they cannot be read, or checkov could not read a template.
    """
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        # Without a template there are no results.
        results = [
            entry["results"] for entry in (document if isinstance(document, list) else [document]) if "results" in entry
        ]
        unread = [str(name) for result in results for name in result.get("parsing_errors") or ()]
        if unread:
            raise ReviewError(
                f"{path.name}: checkov could not read {printable(unread[0])}, so that it checked nothing there"
            )
        return Findings(
            findings=tuple(
                Finding(entry["check_id"], entry["check_name"], "error", *_of(entry, constructs))
                for result in results
                for entry in result["failed_checks"]
            ),
            acknowledgements=tuple(
                Acknowledgement(
                    entry["check_id"],
                    entry["check_result"]["suppress_comment"],
                    (named := _of(entry, constructs))[0],
                    named[1],
                    "" if named[1] is None else named[1].file,
                )
                for result in results
                for entry in result["skipped_checks"]
            ),
            packs=frozenset({"checkov"}),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReviewError(
            f"{path.name} is not what `checkov --output json` writes: {printable(repr(error))}"
        ) from error


def read_constructs(
    assembly: Path, root: Path, touched: Collection[str] = frozenset()
) -> dict[tuple[str, str], Construct]:
    """Where each resource is made, by stack and logical id; the CDK's metadata has a trace for each.

    A nested stack's resources are told in the metadata of the stack around it.

    :param touched: the files that the change touches: a line in one of them is taken before one in another.
    :returns: stacks are called by their display name, ``Stage/Stack``.
    """
    found = {}
    for stack, metadata in _metadata(assembly):
        for path, entries in metadata.items():
            data = {entry["type"]: entry["data"] for entry in entries if "data" in entry}
            if "aws:cdk:logicalId" in data:
                trace = "\n".join(data.get("aws:cdk:creationStack", ()))
                found[stack, str(data["aws:cdk:logicalId"])] = Construct(
                    path.strip("/"), _place([trace], root, touched)
                )
    return found


def protected_stacks(assembly: Path) -> dict[str, bool]:
    """Whether each stack has termination protection."""
    return {
        stack: bool(artifact.get("properties", {}).get("terminationProtection"))
        for stack, artifact, _ in _stacks(assembly)
    }


def missing_context(assembly: Path) -> tuple[str, ...]:
    """The lookups in an account that the synth could not make, which stand in the template as invented values."""
    document = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    return tuple(sorted(str(entry.get("key")) for entry in document.get("missing") or ()))


def _metadata(assembly: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for stack, artifact, folder in _stacks(assembly):
        file = artifact.get("additionalMetadataFile")
        if file and (folder / file).is_file():
            yield stack, json.loads((folder / file).read_text(encoding="utf-8"))
        yield stack, artifact.get("metadata") or {}


def _stacks(assembly: Path) -> Iterator[tuple[str, Mapping[str, Any], Path]]:
    path = assembly / "manifest.json"
    if not path.is_file():
        return
    for name, artifact in json.loads(path.read_text(encoding="utf-8")).get("artifacts", {}).items():
        if artifact["type"] == "aws:cloudformation:stack":
            yield str(artifact.get("displayName") or name), artifact, assembly
        elif artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(assembly / artifact["properties"]["directoryName"])


def _of(entry: Mapping[str, Any], constructs: Mapping[tuple[str, str], Construct]) -> tuple[str, SourceLine | None]:
    """The construct's path, by which the other rule packs call it, and where it is made.

    Checkov has ``/Stack.template.json`` and ``AWS::S3::Bucket.LogicalId``, which is left where no construct is known.
    """
    stack = Path(entry["file_path"]).name.removesuffix(".template.json")
    found = constructs.get((stack, entry["resource"].rpartition(".")[2]))
    return (found.path, found.place) if found else (entry["resource"], None)


def _first_file(trace: str) -> str:
    found = _FRAME.search(trace)
    return found["file"] if found else ""


def _place(traces: Sequence[str] | None, root: Path, touched: Collection[str] = frozenset()) -> SourceLine | None:
    """Where a construct is made: in the file nearest to it, the line furthest out, which says what it is for; in the
    construct around it, if the file has that as well.

    :param touched: files of which the nearest is taken before all others.
    """
    frames = [
        (Path(match["file"]).relative_to(root).as_posix(), int(match["line"]), match["function"])
        for trace in traces or ()
        for match in _FRAME.finditer(trace)
        if Path(match["file"]).is_relative_to(root)
        and not {".venv", "site-packages"} & set(Path(match["file"]).relative_to(root).parts)
    ]
    if not frames:
        return None
    start = next((number for number, (file, *_) in enumerate(frames) if file in touched), 0)
    file, line, function = frames[start]
    for next_file, next_line, next_function in frames[start + 1 :]:
        if next_file != file or function.endswith("__init__"):
            break
        line, function = next_line, next_function
    return SourceLine(file, line)
