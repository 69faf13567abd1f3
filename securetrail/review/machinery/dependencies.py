"""Which pinned dependencies differ between two locks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Final

_REQUIREMENT: Final = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)


def versions(name: str, text: str) -> dict[str, str]:
    """The versions that a lock pins, by the package's normalized name.

    :param name: the lock's file name, which says its format.
    """
    if name.endswith(".lock") and "[[package]]" in text:
        try:
            packages = tomllib.loads(text).get("package", [])
        except tomllib.TOMLDecodeError:
            return {}
        return {_normal(str(each["name"])): str(each.get("version", "")) for each in packages if "name" in each}
    return {_normal(found["name"]): found["version"] for found in _REQUIREMENT.finditer(text)}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The packages of which the versions differ: ``aws-cdk-lib 2.275.0 -> 2.276.0``."""
    return tuple(
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
