"""Which access a change gives and takes: the policies of both sides, compared by what they allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from securetrail.review.access.boxes import TooManyBoxes
from securetrail.review.access.differences import widenings
from securetrail.review.access.keys import TooManyValues
from securetrail.review.access.model import Access, AccessDifference, NotComparableAccess
from securetrail.review.access.policies import Kind, Policies, Resources, Subject, collect
from securetrail.review.access.space import Space
from securetrail.review.access.texts import TooManyTexts
from securetrail.review.access.words import rows
from securetrail.review.template import Variant

# What each setting protects from: who may do what without it.
_SETTINGS: Final = {
    "BlockPublicAcls": ("whoever may set ACLs", ("s3:PutBucketAcl", "s3:PutObjectAcl"), "the ACL grants access to anyone"),
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
        denied=tuple(denied),
        not_comparable=tuple(not_comparable),
    )


def _compare(base: Resources, head: Resources) -> Iterator[AccessDifference]:
    before, after = collect(base), collect(head)
    trails = tuple(
        dict.fromkeys(
            resource.arn for side in (base, head) for resource in side.values() if resource.type == _TRAIL
        )
    )
    for subject in sorted({*before, *after}, key=lambda each: (str(each.id), each.kind.value)):
        old, new = before.get(subject), after.get(subject)
        # A policy on a resource elsewhere comes and goes; the resource stays.
        is_elsewhere = subject.id not in base and subject.id not in head
        if old == new or (new is None and not is_elsewhere):
            continue
        old_version = old or replace(_either(old, new), layers=((),), settings={}, unresolved=frozenset(), faults=())
        new_version = new or replace(old_version, layers=((),), settings={}, unresolved=frozenset(), faults=())
        yield _difference(subject, old_version, new_version, trails, is_new=old is None and not is_elsewhere)


_TRAIL: Final = "AWS::CloudTrail::Trail"


def _either(old: Policies | None, new: Policies | None) -> Policies:
    found = old or new
    if found is None:
        raise ValueError("a subject without policies on either side")
    return found


def _difference(
    subject: Subject, old: Policies, new: Policies, trails: Sequence[str], *, is_new: bool
) -> AccessDifference:
    faults = [*new.faults, *(fault for fault in old.faults if fault not in new.faults)]
    faults += sorted({value.why for value in new.unresolved ^ old.unresolved})
    allowed: list[Access] = list(_settings(subject, old, new)) if not is_new else []
    denied: tuple[Access, ...] = ()
    try:
        space = Space(subject, (old, new), trails)
        allowed += rows(subject, new, space, widenings(space, old, new), is_new=is_new)
        if not is_new:
            denied = rows(subject, new, space, widenings(space, new, old), is_new=False)
    except (TooManyBoxes, TooManyTexts, TooManyValues) as error:
        faults.append(str(error))
    return AccessDifference(
        allowed=tuple(allowed),
        denied=tuple(replace(access, objects=False) for access in denied),
        not_comparable=tuple(NotComparableAccess(subject.id, new.type, fault) for fault in faults),
    )


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
