"""Which access a change gives and takes: the policies of both sides, compared by what they allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from securetrail.review.access.actions import is_sensitive
from securetrail.review.access.boxes import TooManyBoxes
from securetrail.review.access.callers import CLOUDTRAIL, CallerKind
from securetrail.review.access.differences import Widening, widenings
from securetrail.review.access.keys import TooManyValues
from securetrail.review.access.model import Access, AccessDifference, NotComparableAccess
from securetrail.review.access.needed import TRAIL, denied_to_cloudtrail, services_that_need
from securetrail.review.access.policies import Kind, Policies, Resources, Subject, collect
from securetrail.review.access.space import ACTION, RESOURCE, Space
from securetrail.review.access.texts import TooManyTexts
from securetrail.review.access.words import members, rows
from securetrail.review.template import Variant

# What each setting protects from: who may do what without it.
_SETTINGS: Final = {
    "BlockPublicAcls": (
        "whoever may set ACLs",
        ("s3:PutBucketAcl", "s3:PutObjectAcl"),
        "the ACL grants access to anyone",
    ),
    "IgnorePublicAcls": ("anyone to whom an ACL grants it", ("s3:GetObject", "s3:ListBucket"), "an ACL is public"),
    "BlockPublicPolicy": ("whoever may set the policy", ("s3:PutBucketPolicy",), "the policy is public"),
    "RestrictPublicBuckets": ("anyone to whom the policy allows it", ("s3:GetObject", "s3:ListBucket"), "it is public"),
    "BucketOwnerEnforced": (
        "whoever writes an object or may set ACLs",
        ("s3:PutBucketAcl", "s3:PutObjectAcl"),
        "the ACL grants access to others",
    ),
    "AuthType AWS_IAM": ("anyone, even without credentials,", ("lambda:InvokeFunctionUrl",), ""),
}


def compare_access(variants: Sequence[Variant]) -> AccessDifference:
    """What became allowed and what became denied, over all variants of the two sides.

    :param variants: as :func:`securetrail.review.template.variants` makes them.
    """
    allowed: dict[Access, None] = {}
    denied: dict[Access, None] = {}
    not_comparable: dict[NotComparableAccess, None] = {}
    for variant in variants:
        for found in _compare(variant.base, variant.head):
            allowed |= dict.fromkeys(found.allowed)
            denied |= dict.fromkeys(found.denied)
            not_comparable |= dict.fromkeys(found.not_comparable)
    return AccessDifference(
        allowed=tuple(sorted(allowed, key=lambda access: not access.objects)),
        denied=tuple(sorted(denied, key=lambda access: not access.objects)),
        not_comparable=tuple(not_comparable),
    )


def _compare(base: Resources, head: Resources) -> Iterator[AccessDifference]:
    before, after = collect(base), collect(head)
    needed = services_that_need(head)
    trails = tuple(
        dict.fromkeys(resource.arn for side in (base, head) for resource in side.values() if resource.type == TRAIL)
    )
    yield AccessDifference((), tuple(denied_to_cloudtrail(base, head, before, after)), ())
    for subject in sorted({*before, *after}, key=lambda each: (str(each.id), each.kind.value)):
        old, new = before.get(subject), after.get(subject)
        # A policy on a resource elsewhere comes and goes; the resource stays.
        is_elsewhere = subject.id not in base and subject.id not in head
        if old == new or (new is None and not is_elsewhere):
            continue
        old_version = old or replace(_either(old, new), layers=((),), settings={}, unresolved=frozenset(), faults=())
        new_version = new or replace(old_version, layers=((),), settings={}, unresolved=frozenset(), faults=())
        context = _Context(trails, needed.get(subject.id, set()), is_new=old is None and not is_elsewhere)
        yield _difference(subject, old_version, new_version, context)


@dataclass(frozen=True, slots=True)
class _Context:
    """What else decides whether a difference is an objection.

    :param trails: the ARNs of the trails.
    :param services: that the head needs, as their principals begin.
    :param is_new: whether the resource is.
    """

    trails: tuple[str, ...]
    services: set[str]
    is_new: bool

    def objects_to_allowed(self, space: Space, subject: Subject, widening: Widening) -> bool:
        """On a new resource only to what lets in somebody from outside, or lets a role do to everything what can take
        protection away.
        """
        if not self.is_new or widening.caller.kind in (CallerKind.FOREIGN, CallerKind.ANONYMOUS, CallerKind.FEDERATED):
            return True
        if widening.caller.kind is CallerKind.SERVICE:
            return not widening.caller.is_named
        if subject.kind is not Kind.PERMISSIONS:
            return False
        places = members(space.places, widening.mask(RESOURCE) or 0)
        actions = members(space.actions, widening.mask(ACTION) or 0)
        is_everywhere = any(not any(pattern.text.strip("*?") for pattern in place.text.matched) for place in places)
        return is_everywhere and any(is_sensitive(action) for action in actions)

    def objects_to_denied(self, _: Space, subject: Subject, widening: Widening) -> bool:
        """To a service that can no longer do at all what the stack needs it for."""
        caller = widening.caller
        if caller.principal.name == CLOUDTRAIL and subject.kind in (Kind.BUCKET, Kind.KEY):
            return False  # Its requests are known one by one: denied_to_cloudtrail.
        is_needed = any(caller.principal.name.startswith(f"{service}.") for service in self.services)
        return caller.kind is CallerKind.SERVICE and is_needed and widening.is_total


def _either(old: Policies | None, new: Policies | None) -> Policies:
    found = old or new
    if found is None:
        raise ValueError("a subject without policies on either side")
    return found


def _difference(subject: Subject, old: Policies, new: Policies, context: _Context) -> AccessDifference:
    faults = [*new.faults, *(fault for fault in old.faults if fault not in new.faults)]
    faults += sorted({value.why for value in new.unresolved ^ old.unresolved})
    allowed: list[Access] = [] if context.is_new else list(_settings(subject, old, new))
    denied: tuple[Access, ...] = ()
    try:
        space = Space(subject, (old, new), context.trails)
        allowed += rows(subject, new, space, widenings(space, old, new), context.objects_to_allowed)
        if not context.is_new:
            found = rows(subject, new, space, widenings(space, new, old), context.objects_to_denied)
            denied = tuple(replace(row, because=_reversed(row.because), is_lost=True) for row in found)
    except (TooManyBoxes, TooManyTexts, TooManyValues) as error:
        faults.append(str(error))
    return AccessDifference(
        allowed=tuple(allowed),
        denied=denied,
        not_comparable=tuple(NotComparableAccess(subject.id, new.type, fault) for fault in faults),
    )


def _reversed(because: str) -> str:
    """Why something became denied, from why the opposite change would allow it."""
    if because.endswith(" no longer denies it"):
        return f"{because.removesuffix(' no longer denies it')} denies it"
    return f"{because.removesuffix(' allows it')} no longer allows it" if because.endswith(" allows it") else because


def _settings(subject: Subject, old: Policies, new: Policies) -> Iterator[Access]:
    """What a setting no longer prevents."""
    for name, was in old.settings.items():
        if new.settings.get(name, 0) < was:
            who, actions, when = _SETTINGS[name]
            yield Access(
                resource=subject.id,
                resource_type=new.type,
                who=who,
                actions=actions,
                on=subject.kind.value if subject.kind is not Kind.BUCKET else "the bucket and its objects",
                when=when,
                because=f"{name} is no longer set",
                is_certain=True,
                objects=True,
            )
