"""Tags by which policies decide: another tag gives access that no policy gives in other words.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.access import Policies, collect
from securetrail.review.template import Id, NotComparable, Resource, Template, Variant, as_json

# aws:PrincipalTag/team, aws:ResourceTag/team, iam:ResourceTag/team, s3:BucketTag/team
_KEY: Final = re.compile(r"[\w-]+:(?P<whose>principal|resource|bucket)tag/(?P<tag>.+)", re.IGNORECASE | re.DOTALL)
_IN_A_VALUE: Final = re.compile(r"\$\{\s*([\w-]+:(?:principal|resource|bucket)tag/[^},]+)", re.IGNORECASE)
_NO_TAG: Final = "not there"
_IDENTITIES: Final = ("AWS::IAM::Role", "AWS::IAM::User")
# The properties that have tags, by the types that call them otherwise.
_NAMES: Final = ("Tags", "BucketTags", "FileSystemTags", "HostedZoneTags")
# Whose tags are other ones, what it can be to a policy, and the tags of both sides.
_Changed = tuple[Id | str, tuple[str, ...], dict[str, str], dict[str, str]]


@dataclass(frozen=True, slots=True)
class DecidingTag:
    """A tag of a resource, or of a whole stack, that policies of the base decide by, with another value.

    :param before: the value, or ``not there``; likewise ``after``.
    """

    of: Id | str
    tag: str
    before: str
    after: str


def deciding_tags(
    variants: Sequence[Variant], base: Sequence[Template] = (), head: Sequence[Template] = ()
) -> tuple[DecidingTag, ...]:
    """The tags with other values by which policies of the base decide.

    Of a new resource only an identity counts: what is new holds nothing that a tag could open.

    :param base: the templates, whose stacks have tags that each of their resources gets; likewise ``head``.
    """
    found: dict[DecidingTag, None] = {}
    of_stacks = [*_changed_stacks(base, head)]
    for variant in variants:
        changed: list[_Changed] = [*of_stacks, *_changed(variant)]
        wanted = _wanted(collect(variant.base).values()) if changed else {}
        for each, whose, before, after in changed:
            keys = {key for kind in whose for key in wanted.get(kind, ())}
            for key in sorted(keys):
                if before.get(key) != after.get(key):
                    found[DecidingTag(each, key, before.get(key, _NO_TAG), after.get(key, _NO_TAG))] = None
    return tuple(found)


def _changed_stacks(base: Sequence[Template], head: Sequence[Template]) -> Iterator[_Changed]:
    """The stacks with other tags, as :func:`_changed` has resources. Of a new stack its identities count."""
    known = {each.stack: each for each in base}
    for new in head:
        old = known.get(new.stack)
        before, after = ({key.lower(): value for key, value in each.tags} if each else {} for each in (old, new))
        resources = new.body.get("Resources")
        entries = resources.values() if isinstance(resources, Mapping) else ()
        has_identity = any(isinstance(each, Mapping) and each.get("Type") in _IDENTITIES for each in entries)
        whose = (*(("principal",) if has_identity else ()), *(("resource",) if old is not None else ()))
        if before != after and whose:
            yield new.stack, whose, before, after


def _changed(variant: Variant) -> Iterator[_Changed]:
    """The resources with other tags."""
    for each, new in variant.head.items():
        old = variant.base.get(each)
        before, after = _tags(old) if old is not None else {}, _tags(new)
        whose = (*(("principal",) if new.type in _IDENTITIES else ()), *(("resource",) if old is not None else ()))
        if before != after and whose:
            yield each, whose, before, after


def _wanted(policies: Iterable[Policies]) -> Mapping[str, set[str]]:
    """The keys of tags that conditions name, by whose tags they are; in lower case, as IAM compares keys."""
    found: dict[str, set[str]] = {}
    statements = (each for policy in policies for layer in policy.layers for each in layer)
    for statement in statements:
        patterns = (*statement.resources.patterns, *(v for c in statement.conditions for v in c.values))
        inside = (key for pattern in patterns for key in _IN_A_VALUE.findall(pattern))
        for key in (*(condition.key for condition in statement.conditions), *inside):
            if match := _KEY.fullmatch(key.strip()):
                whose = "principal" if match["whose"].lower() == "principal" else "resource"
                found.setdefault(whose, set()).add(match["tag"].strip().lower())
    return found


def _tags(resource: Resource) -> dict[str, str]:
    return {key.lower(): value for name in _NAMES for key, value in _pairs(resource.properties.get(name))}


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tags, Mapping):
        yield from ((str(key), _text(value)) for key, value in tags.items())
    for each in tags if isinstance(tags, list) else ():
        if isinstance(each, Mapping):
            yield str(each.get("Key")), _text(each.get("Value"))


def _text(value: Any) -> str:
    return value.text if isinstance(value, NotComparable) else value if isinstance(value, str) else as_json(value)
