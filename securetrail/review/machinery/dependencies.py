"""Which pinned dependencies differ between two locks, and where a lock lets others decide what is installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.objections import Objection, objection_id

_REQUIREMENT: Final = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
# What pip and uv take from elsewhere than the registry, or without asking who it is from.
# https://pip.pypa.io/en/stable/reference/requirements-file-format/
_PLACE: Final = re.compile(
    r"^[ \t]*(?:-i|-f|--(?:index-url|extra-index-url|find-links|trusted-host|pre))(?:[ \t=].*)?$", re.MULTILINE
)
_DIRECT: Final = re.compile(
    r"^[ \t]*(?:-e[ \t]+|--editable[ \t=]+|[\w.-]+(?:\[[^\]]*\])?[ \t]*@[ \t]*|\w+\+?\w*://)\S+", re.MULTILINE
)
_INSTALLS: Final = "Whoever owns that place decides what runs in the next review, the tests and the synth."


def versions(name: str, text: str) -> dict[str, str]:
    """The versions that a lock pins, by the package's normalized name.

    :param name: the lock's file name, which says its format.
    """
    if _is_toml(name, text):
        return {_normal(str(each["name"])): str(each.get("version", "")) for each in _packages(text) if "name" in each}
    return {_normal(found["name"]): found["version"] for found in _REQUIREMENT.finditer(text)}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The packages of which the versions differ: ``aws-cdk-lib 2.275.0 -> 2.276.0``."""
    return tuple(
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def weaker_lock(path: str, before: str, after: str) -> Iterator[Objection]:
    """The places that packages newly come from, beside the registry, and the packages that no hash pins any more.

    :param path: of the lock.
    :param before: the base's text; likewise ``after``.
    """
    for place in sorted(_places(path, after) - _places(path, before)):
        says = f"In {path} packages come from another place than before: {place}"
        yield Objection(objection_id("lock_place", place), path, f"{says}.", _INSTALLS)
    names = {*versions(path, before)} & {*versions(path, after)}
    lost = sorted(names & _hashed(path, before) - _hashed(path, after))
    if lost:
        says = f"{path} has no hash any more of {', '.join(lost)}."
        yield Objection(objection_id("lock_hashes", ", ".join(lost)), path, says, _INSTALLS)


def _places(path: str, text: str) -> set[str]:
    if not _is_toml(path, text):
        return {" ".join(found[0].split()) for each in (_PLACE, _DIRECT) for found in each.finditer(text)}
    sources = ((each.get("name"), each.get("source")) for each in _packages(text))
    # The project itself is a package of its lock.
    return {
        f"{name}: {kind} {place}" if kind != "registry" else f"{kind} {place}"
        for name, source in sources
        if isinstance(source, dict)
        for kind, place in source.items()
        if kind not in ("virtual", "editable") or place != "."
    }


def _hashed(path: str, text: str) -> set[str]:
    """The packages of which the lock has a hash."""
    if _is_toml(path, text):
        parts = ((each, [each.get("sdist"), *(each.get("wheels") or ())]) for each in _packages(text))
        return {
            _normal(str(each.get("name")))
            for each, files in parts
            if any(isinstance(file, dict) and file.get("hash") for file in files)
        }
    found, name = set(), ""
    for line in text.splitlines():
        pinned = _REQUIREMENT.match(line)
        name = _normal(pinned["name"]) if pinned else name
        if "--hash=" in line:
            found.add(name)
    return found


def _is_toml(name: str, text: str) -> bool:
    return name.endswith(".lock") and "[[package]]" in text


def _packages(text: str) -> list[dict[str, Any]]:
    try:
        found = tomllib.loads(text).get("package", [])
    except tomllib.TOMLDecodeError:
        return []
    return [each for each in found if isinstance(each, dict)]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
