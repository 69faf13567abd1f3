"""Which pinned dependencies differ between two locks, and where a lock lets others decide what is installed."""

from __future__ import annotations

import json
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
_HASH: Final = re.compile(r"--hash=(\S+)")
# Of npm's and pip's own settings. A setting of pip may have an underscore, and go on in further lines of its places.
_SETS_A_PLACE: Final = re.compile(
    r"registry|index[-_]url|find[-_]links|trusted[-_]host|strict-ssl|ignore-scripts *= *false|://", re.IGNORECASE
)
_UV_PLACES: Final = ("allow-insecure-host", "extra-index-url", "find-links", "index", "index-url", "sources")
_INSTALLS: Final = "Whoever owns that place decides what runs in the next review, the tests and the synth."


def versions(name: str, text: str) -> dict[str, str]:
    """The versions that a lock pins, by the package's normalized name.

    :param name: the lock's file name, which says its format.
    """
    if _is_npm(name):
        return {where: str(each.get("version", "")) for where, each in _of_npm(text).items()}
    if _is_toml(name, text):
        return {normal(str(each["name"])): str(each.get("version", "")) for each in _packages(text) if "name" in each}
    return {normal(found["name"]): found["version"] for found in _REQUIREMENT.finditer(text)}


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
    first, second = versions(path, before), versions(path, after)
    old, new = _hashes(path, before), _hashes(path, after)
    lost = sorted(each for each in first.keys() & second.keys() if old.get(each) and not new.get(each))
    if lost:
        says = f"{path} has no hash any more of {', '.join(lost)}."
        yield Objection(objection_id("lock_hashes", ", ".join(lost)), path, says, _INSTALLS)
    same = (each for each in first if first[each] == second.get(each) and old.get(each) and new.get(each))
    if others := sorted(each for each in same if not old[each] & new[each]):
        says = f"{path} has other hashes of the same version of {', '.join(others)}."
        yield Objection(objection_id("lock_hashes", f"others: {', '.join(others)}"), path, says, _INSTALLS)


def other_places(path: str, before: str, after: str) -> Iterator[Objection]:
    """The places that the settings of an installer newly name, or whose certificates it does not check any more.

    :param path: of ``.npmrc``, ``pip.conf``, ``uv.toml`` or ``pyproject.toml``.
    :param before: the base's text; likewise ``after``.
    """
    for line in sorted({*_settings_of_places(path, after)} - {*_settings_of_places(path, before)}):
        says = f"{path} lets packages come from another place than before: {line}"
        yield Objection(objection_id("lock_place", line), path, f"{says}.", _INSTALLS)


def _settings_of_places(path: str, text: str) -> Iterator[str]:
    if not path.endswith(".toml"):
        lines = (" ".join(line.split()) for line in text.splitlines())
        yield from (line for line in lines if _SETS_A_PLACE.search(line) and not line.startswith(("#", ";")))
        return
    try:
        found: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    if path.endswith("pyproject.toml"):
        found = found.get("tool", {}).get("uv", {})
    for name in _UV_PLACES:
        if isinstance(found, dict) and name in found:
            yield f"{name} = {found[name]}"


def _places(path: str, text: str) -> set[str]:
    if _is_npm(path):
        places = (str(each.get("resolved") or "").split("/") for each in _of_npm(text).values())
        return {"/".join(parts[:3]) if parts[0].endswith(":") else "/".join(parts) for parts in places} - {""}
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


def _hashes(path: str, text: str) -> dict[str, frozenset[str]]:
    """The hashes of each package that has some."""
    found: dict[str, set[str]] = {}
    if _is_npm(path):
        for name, each in _of_npm(text).items():
            found.setdefault(name, set()).update(str(each.get("integrity") or "").split())
    elif _is_toml(path, text):
        for each in _packages(text):
            files = [each.get("sdist"), *(each.get("wheels") or ())]
            known = (file.get("hash") for file in files if isinstance(file, dict))
            found.setdefault(normal(str(each.get("name"))), set()).update(str(each) for each in known if each)
    else:
        name = ""
        for line in text.splitlines():
            pinned = _REQUIREMENT.match(line)
            name = normal(pinned["name"]) if pinned else name
            found.setdefault(name, set()).update(_HASH.findall(line))
    return {name: frozenset(hashes) for name, hashes in found.items() if hashes}


def _is_npm(path: str) -> bool:
    return path.rpartition("/")[2] in ("package-lock.json", "npm-shrinkwrap.json")


def _of_npm(text: str) -> dict[str, dict[str, Any]]:
    """The packages of a lock of npm, by where they are installed.

    https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
    """
    try:
        packages = json.loads(text).get("packages", {})
    except (ValueError, AttributeError):
        return {}
    entries = packages.items() if isinstance(packages, dict) else ()
    return {str(name): each for name, each in entries if name and isinstance(each, dict)}


def _is_toml(name: str, text: str) -> bool:
    return name.endswith(".lock") and "[[package]]" in text


def _packages(text: str) -> list[dict[str, Any]]:
    try:
        found = tomllib.loads(text).get("package", [])
    except tomllib.TOMLDecodeError:
        return []
    return [each for each in found if isinstance(each, dict)]


def normal(name: str) -> str:
    """A package's name as locks compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
