"""Which pinned dependencies differ between two locks, and where a lock lets others decide what is installed."""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
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
# Another file that says what is installed. Locks are not nested deeper than this.
_INCLUDED: Final = re.compile(
    r"^[ \t]*(?:-[rc]|--(?:requirement|constraint))[ \t=]*(?P<file>[^\s#]+)[^\n]*$", re.MULTILINE
)
_DEEPEST: Final = 5
# Where packages come from when nobody says where.
_PUBLIC: Final = {"https://registry.npmjs.org", "registry https://pypi.org/simple"}
# https://docs.npmjs.com/cli/v11/using-npm/scripts#npm-ci
_AT_INSTALLATION: Final = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
# Of npm's and pip's own settings. A setting of pip may have an underscore, and go on in further lines of its places.
_SETS_A_PLACE: Final = re.compile(
    r"registry|index[-_]url|find[-_]links|trusted[-_]host|strict-ssl|ignore-scripts *= *false|://", re.IGNORECASE
)
_UV_PLACES: Final = ("allow-insecure-host", "extra-index-url", "find-links", "index", "index-url", "sources")
_INSTALLS: Final = "Whoever owns that place decides what runs in the next review, the tests and the synth."


def with_included(name: str, read: Callable[[str], str | None], depth: int = 0) -> str | None:
    """A lock with the files that it includes in the place of their names; those that are not there stay named.

    https://pip.pypa.io/en/stable/reference/requirements-file-format/#referring-to-other-requirements-files

    :param name: its path.
    :param read: the text of a file, None for one that is not there.
    """
    text = read(name)
    if text is None or depth > _DEEPEST or not name.endswith((".txt", ".in")):
        return text

    def included(found: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(posixpath.dirname(name), found["file"]))
        inside = None if ":" in file else with_included(file, read, depth + 1)
        return found[0] if inside is None else inside

    return _INCLUDED.sub(included, text)


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
    :param before: the base's text; likewise ``after``. Empty for a lock that is new.
    """
    for place in sorted(_places(path, after) - (_places(path, before) if before else _PUBLIC)):
        says = f"In {path} packages come from another place than before: {place}"
        yield Objection(objection_id("lock_place", place), path, f"{says}.", _INSTALLS)
    for where, was, is_now in _other_packages(path, before, after):
        says = f"In {path} another package is installed as {where}: {is_now}, before {was}."
        yield Objection(objection_id("lock_place", f"{where}: {was} -> {is_now}"), path, says, _INSTALLS)
    first, second = versions(path, before), versions(path, after)
    old, new = _hashes(path, before), _hashes(path, after)
    lost = {each for each in first.keys() & second.keys() if old.get(each) and not new.get(each)}
    # Where the others have one, so has a new one.
    lost |= {*_without_hash(path, after)} - {*_without_hash(path, before)} if old else set()
    if lost:
        says = f"{path} has no hash of {', '.join(sorted(lost))}, as it has of others."
        yield Objection(objection_id("lock_hashes", ", ".join(sorted(lost))), path, says, _INSTALLS)
    same = (each for each in first if first[each] == second.get(each) and old.get(each) and new.get(each))
    if others := sorted(each for each in same if not old[each] & new[each]):
        says = f"{path} has other hashes of the same version of {', '.join(others)}."
        yield Objection(objection_id("lock_hashes", f"others: {', '.join(others)}"), path, says, _INSTALLS)


def other_places(path: str, before: str, after: str) -> Iterator[Objection]:
    """The places that the settings of an installer newly name, or whose certificates it does not check any more; and
    what it newly runs.

    :param path: of ``.npmrc``, ``pip.conf``, ``uv.toml``, ``pyproject.toml`` or ``package.json``.
    :param before: the base's text; likewise ``after``.
    """
    what = "runs something else" if path.endswith(".json") else "lets packages come from another place"
    for line in sorted({*_settings_of_places(path, after)} - {*_settings_of_places(path, before)}):
        says = f"{path} {what} than before when they are installed: {line}"
        yield Objection(objection_id("lock_place", line), path, f"{says}.", _INSTALLS)


def _settings_of_places(path: str, text: str) -> Iterator[str]:
    if path.endswith("package.json"):
        try:
            scripts = json.loads(text or "{}").get("scripts", {})
            yield from (f"{name}: {scripts[name]}" for name in _AT_INSTALLATION if name in scripts)
        except (ValueError, AttributeError, TypeError):
            return
        return
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
        # A file that is not in the repository says what is installed as well.
        return {" ".join(found[0].split()) for each in (_PLACE, _DIRECT, _INCLUDED) for found in each.finditer(text)}
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


def _without_hash(path: str, text: str) -> Iterator[str]:
    """What a lock installs without a hash, from a registry."""
    hashes = _hashes(path, text)
    if _is_npm(path):
        packages = _of_npm(text).items()
        # A link leads into the repository, and what is bundled has the hash of what it is bundled with.
        yield from (
            where for where, each in packages if where not in hashes and not (each.get("link") or each.get("inBundle"))
        )
    elif _is_toml(path, text):
        sources = ((normal(str(each.get("name"))), each.get("source")) for each in _packages(text))
        yield from (
            name for name, source in sources if isinstance(source, dict) and "registry" in source and name not in hashes
        )
    else:
        lines = (line.strip() for line in re.sub(r"\\\n", " ", text).splitlines())
        yield from (line for line in lines if line and line[0] not in "#-" and "--hash=" not in line)


def _other_packages(path: str, before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """Where npm installs a package of another name than before, and both names."""
    if _is_npm(path):
        old, new = _of_npm(before), _of_npm(after)
        for where in sorted(old.keys() & new.keys()):
            names = _npm_name(where, old[where]), _npm_name(where, new[where])
            if names[0] != names[1]:
                yield (where, *names)


def _npm_name(where: str, package: Mapping[str, Any]) -> str:
    """The name of the package that is installed somewhere: it may be another one than that of its folder.

    A registry has a package ``@scope/name`` under ``/@scope/name/-/name-1.0.0.tgz``.
    """
    place, dash, _ = str(package.get("resolved") or "").partition("/-/")
    scope, name = ["", *place.split("/")][-2:]
    found = f"{scope}/{name}" if scope.startswith("@") else name
    return found if dash else str(package.get("name") or where.rpartition("node_modules/")[2])


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
