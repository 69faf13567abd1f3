"""Which access a change gives and takes: the policies of both sides, compared by what they allow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from securetrail.review.access.actions import is_sensitive
from securetrail.review.access.boxes import TooManyBoxes
from securetrail.review.access.callers import CLOUDTRAIL, CallerKind
from securetrail.review.access.differences import Contradiction, Widening, may_still, widenings
from securetrail.review.access.keys import TooManyValues
from securetrail.review.access.model import Access, AccessDifference, NotComparableAccess
from securetrail.review.access.policies import (
    EVERYTHING,
    GUARDRAIL,
    MANAGED_POLICY,
    READS,
    Kind,
    Policies,
    Resources,
    Subject,
    collect,
    given_roles,
    given_without_policy,
)
from securetrail.review.access.services.deliveries import denied_deliveries
from securetrail.review.access.services.needed import TRAIL, denied_to_cloudtrail, services_that_need
from securetrail.review.access.space import ACTION, RESOURCE, SOURCE, Space
from securetrail.review.access.takers import ROLE, RUNNING, named_roles, new_arns, new_takers, texts_in
from securetrail.review.access.texts import Form, Pattern, TooManyTexts
from securetrail.review.access.words import members, rows
from securetrail.review.template import SETS_RETENTIONS, Id, Resource, Variant, as_json

_SETTINGS_ON: Final = {Kind.BUCKET: "the bucket and its objects", Kind.PERMISSIONS: "the identity"}
# Reading what is encrypted, and giving somebody access again.
_NEEDS: Final = {Kind.KEY: ("kms:Decrypt", "kms:PutKeyPolicy"), Kind.BUCKET: ("s3:GetObject",)}
# In a text, up to what lies within: an object of a bucket, a stream of a log group.
_ARN: Final = re.compile(r"arn:[\w-]+:s3:::[^/\s,]+|arn:[\w-]+:[\w-]+:[\w-]*:\d*:(?:key/|role/|table/)?[^\s,/]+")
_OF_RETENTIONS: Final = {"logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy"}
# CDK's own function for notifications has these: nothing is lost where a bucket tells nobody of anything.
_OF_NOTIFICATIONS: Final = {"s3:GetBucketNotification", "s3:PutBucketNotification"}
_BUCKET, _NOTIFICATIONS = "AWS::S3::Bucket", "Custom::S3BucketNotifications"
_NESTED: Final = "AWS::CloudFormation::Stack"
_STACK_SET: Final = "AWS::CloudFormation::StackSet"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/modules.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-servicecatalog-cloudformationprovisionedproduct.html
_MADE_BY: Final = {"::MODULE": "a module", "::CloudFormationProvisionedProduct": "a product of Service Catalog"}
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
    "PermissionsBoundary": ("whoever may attach policies to it", ("iam:AttachRolePolicy", "iam:PutRolePolicy"), ""),
    "AuthType AWS_IAM": ("anyone, even without credentials,", ("lambda:InvokeFunctionUrl",), ""),
}


def compare_access(variants: Sequence[Variant]) -> AccessDifference:
    """What became allowed and what became denied, over all variants of the two sides.

    :param variants: as :func:`securetrail.review.template.variants` makes them.
    """
    allowed: dict[Access, None] = {}
    denied: dict[Access, None] = {}
    not_comparable: dict[NotComparableAccess, None] = {}
    known: list[_Compared] = []
    names = dict(_names(variants))
    for variant in variants:
        for found in _compare(variant.base, variant.head, known):
            allowed |= dict.fromkeys(_named(each, names) for each in found.allowed)
            denied |= dict.fromkeys(_named(each, names) for each in found.denied)
            not_comparable |= dict.fromkeys(found.not_comparable)
    return AccessDifference(
        allowed=tuple(sorted(allowed, key=lambda access: not access.objects)),
        denied=tuple(sorted(denied, key=lambda access: not access.objects)),
        not_comparable=tuple(not_comparable),
    )


def _names(variants: Sequence[Variant]) -> Iterator[tuple[str, str]]:
    """What resources are called in the place of their ARNs, most of which stand in for ones that nobody knows yet."""
    for side in (side for variant in variants for side in (variant.head, variant.base)):
        yield from ((resource.arn, str(each)) for each, resource in side.items() if resource.arn.startswith("arn:"))


def _named(row: Access, names: Mapping[str, str]) -> Access:
    on, when = (_ARN.sub(lambda found: names.get(found[0], found[0]), text) for text in (row.on, row.when))
    return replace(row, on=on, when=when)


def _compare(base: Resources, head: Resources, known: list[_Compared]) -> Iterator[AccessDifference]:
    """One variant.

    :param known: what other variants have compared already: most variants differ in few resources. It is added to.
    """
    before, after = collect(base), collect(head)
    needed = services_that_need(head)
    arns = frozenset(resource.arn for resource in head.values())
    for_retentions = _roles_for_retentions(head)
    silent = _silent_buckets(base)
    trails = tuple(
        dict.fromkeys(resource.arn for side in (base, head) for resource in side.values() if resource.type == TRAIL)
    )
    for each in denied_to_cloudtrail(base, head, before, after):
        yield AccessDifference((), (each,), ()) if isinstance(each, Access) else AccessDifference((), (), (each,))
    yield AccessDifference((), tuple(denied_deliveries(base, head, before, after)), ())
    yield AccessDifference((), (), tuple(_not_read(base, head, _roles_in_policies(before))))
    yield AccessDifference(tuple(new_takers(base, head, before, after)), (), ())
    for subject in sorted({*before, *after}, key=lambda each: (str(each.id), each.kind.value)):
        old, new = before.get(subject), after.get(subject)
        # A policy on a resource elsewhere comes and goes; the resource stays.
        is_elsewhere = subject.id not in base and subject.id not in head
        # Without a policy the resource may be there all the same: then it has lost the policy, or has its first one.
        if old == new or (new is None and subject.id in base and subject.id not in head):
            continue
        # A new one takes away from what there was; that one is gone is an objection of its own.
        if _either(old, new).type == GUARDRAIL and None in (old, new):
            continue
        old_version = old or replace(_either(old, new), layers=((),), settings={}, unresolved=frozenset(), faults=())
        new_version = new or replace(old_version, layers=((),), settings={}, unresolved=frozenset(), faults=())
        context = _Context(
            trails=trails,
            arns=arns,
            new_arns=new_arns(base, head),
            services=needed.get(subject.id, set()),
            is_new=old is None and not is_elsewhere and subject.id not in base,
            sets_retentions=subject.id in for_retentions,
            silent=silent if _is_of_functions(head.get(subject.id)) else frozenset(),
        )
        compared = (subject, old_version, new_version, context)
        if compared not in known:
            known.append(compared)
            yield _difference(*compared)
            if subject.kind is Kind.PERMISSIONS and (is_elsewhere or _either(old, new).type == MANAGED_POLICY):
                yield from _no_longer_denied(*compared)


def _roles_for_retentions(head: Resources) -> set[Id]:
    """The roles that nothing but CDK's own functions for retentions runs with. One with a name may be used by name."""
    users: dict[Id, list[Resource]] = {}
    for resource in head.values():
        for each in resource.dependencies if not resource.type.startswith("AWS::IAM::") else ():
            users.setdefault(each, []).append(resource)
    return {
        each
        for each, by in users.items()
        if each in head and head[each].type == "AWS::IAM::Role" and "RoleName" not in head[each].properties
        if all(user.type == "AWS::Lambda::Function" and user.metadata.get(SETS_RETENTIONS) is True for user in by)
    }


def _is_of_functions(role: Resource | None) -> bool:
    """Whether only Lambda may take the role, as with that of CDK's function."""
    trust = role.properties.get("AssumeRolePolicyDocument") if role is not None else None
    statements = trust.get("Statement") if isinstance(trust, Mapping) else None
    return isinstance(statements, list) and all(
        isinstance(each, Mapping) and each.get("Principal") == {"Service": "lambda.amazonaws.com"}
        for each in statements
    )


def _silent_buckets(resources: Resources) -> frozenset[str]:
    """The ARNs of the buckets that tell nobody of what happens in them."""
    told = [each.properties.get("BucketName") for each in resources.values() if each.type == _NOTIFICATIONS]
    if not all(isinstance(name, str) for name in told):
        return frozenset()
    # A macro may write any property.
    telling = {"Fn::Transform", "NotificationConfiguration", "Properties"}
    return frozenset(
        each.arn
        for each in resources.values()
        if each.type == _BUCKET and each.reference not in told and not telling & each.properties.keys()
    )


def _roles_in_policies(found: Mapping[Subject, Policies]) -> set[str]:
    """The roles that policies on resources name, as a principal or in a condition: they may more than others."""
    statements = (
        each
        for subject, p in found.items()
        if subject.kind is not Kind.PERMISSIONS
        for layer in p.layers
        for each in layer
    )
    texts = (
        text
        for each in statements
        for text in (
            *(principal.value for principal in each.principals.patterns),
            *(value for condition in each.conditions for value in condition.values),
        )
    )
    return {text for text in texts if ROLE.fullmatch(text)}


def _not_read(base: Resources, head: Resources, exempt: Collection[str]) -> Iterator[NotComparableAccess]:
    """What no policy of the templates tells: nested stacks whose templates are not in the assembly, what a new stack
    set deploys (of one that is there each change is an objection anyway) or a module of CloudFormation's registry is
    made of, a program that runs with another role of elsewhere, and access that is given by other properties, such as a
    user's groups.

    :param exempt: the roles that policies of before name.
    """
    read = {id_.stack for side in (base, head) for id_ in side}
    for id_, resource in head.items():
        if resource.type == _NESTED and str(id_) not in read and base.get(id_) != resource:
            yield NotComparableAccess(id_, resource.type, "the template of the nested stack is not in the assembly")
        if resource.type == _STACK_SET and id_ not in base:
            why = f"what a stack set deploys to accounts is in no template here ({_digest(resource.properties)})"
            yield NotComparableAccess(id_, resource.type, why)
        by = next((words for end, words in _MADE_BY.items() if resource.type.endswith(end)), "")
        if by and (id_ not in base or base[id_].properties != resource.properties):
            why = f"what {by} makes is in no template here ({_digest(resource.properties)})"
            yield NotComparableAccess(id_, resource.type, why)
        named = named_roles(resource) & {*exempt} - (named_roles(base[id_]) if id_ in base else set())
        if named and not given_roles(resource):
            why = f"what runs with a role that policies of before name is in no template: {', '.join(sorted(named))}"
            yield NotComparableAccess(id_, resource.type, why)
        before = named_roles(base[id_]) if id_ in base and resource.type in RUNNING else set()
        others = named_roles(resource) - before - {*exempt} - {each.arn for each in head.values()}
        if before and others:
            why = f"what it may with another role is in no template: {', '.join(sorted(others))}"
            yield NotComparableAccess(id_, resource.type, f"{why}, before {', '.join(sorted(before))}")
        roles = given_roles(resource)
        if roles and (id_ not in base or given_roles(base[id_]) != roles):
            new = {each.arn for name, each in head.items() if name not in base}
            known = sorted({text for text in texts_in(roles) if ":role/" in text or text.startswith("(")} - new)
            if known:
                why = f"whom this {resource.type} lets take a role of before is in no template: {', '.join(known)}"
                yield NotComparableAccess(id_, resource.type, why)
        given, was = given_without_policy(resource), given_without_policy(base[id_]) if id_ in base else {}
        differs = {name: given.get(name) for name in {*given, *was} if given.get(name) != was.get(name)}
        if differs:
            why = f"what this {resource.type} gives is in no policy of the template: {', '.join(sorted(differs))}"
            yield NotComparableAccess(id_, resource.type, f"{why} ({_digest(differs)})")


def _digest(values: Any) -> str:
    """Because a decision is about these values; the values themselves may be a password."""
    return hashlib.sha256(as_json(values).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Context:
    """What else decides whether a difference is an objection.

    :param trails: the ARNs of the trails.
    :param arns: of the head's resources; of those that the base does not have, `new_arns`.
    :param services: that the head needs, as their principals begin.
    :param is_new: whether the resource is.
    :param sets_retentions: whether it is the role of CDK's own function that sets retentions, and of nothing else: what
        the function does is told by the custom resources.
    :param silent: for a role that only Lambda may take, the ARNs of the base's buckets that tell nobody of what happens
        in them.
    """

    trails: tuple[str, ...]
    arns: frozenset[str]
    new_arns: frozenset[str]
    services: set[str]
    is_new: bool
    sets_retentions: bool = False
    silent: frozenset[str] = frozenset()

    def objects_to_allowed(self, space: Space, subject: Subject, widening: Widening) -> bool:
        """To all but what a service may do for a resource of the stack, and a role with a resource that is new.

        On a new resource only to what lets in somebody from outside, or lets a role take protection away from what is
        not new: it may do so to the trail by its name as well as to everything.
        """
        if not self.is_new:
            return not (self._is_for_own(space, widening) or self._is_harmless(space, subject, widening))
        if widening.caller.kind in (CallerKind.FOREIGN, CallerKind.ANONYMOUS, CallerKind.FEDERATED):
            return True
        if widening.caller.kind is CallerKind.SERVICE:
            return not widening.caller.is_named
        if subject.kind is not Kind.PERMISSIONS:
            return False
        actions = members(space.actions, widening.mask(ACTION) or 0)
        if self.sets_retentions and {*actions} <= _OF_RETENTIONS:
            return False
        by_reading = any(
            each.words.startswith(READS) and widening.mask(each.element) == 0b10 for each in widening.unknowns
        )
        return any(map(is_sensitive, actions)) and not by_reading and not self._is_harmless(space, subject, widening)

    def _is_for_own(self, space: Space, widening: Widening) -> bool:
        """Whether a service may do something harmless for resources of the head alone: called on behalf of them for the
        first time, or with an encryption context that names them. For a trail of the head it may name the account.
        """
        caller = widening.caller
        actions = members(space.actions, widening.mask(ACTION) or 0)
        if caller.kind is not CallerKind.SERVICE or not caller.is_named or any(map(is_sensitive, actions)):
            return False
        sources = members(space.sources, widening.mask(SOURCE) or 0)
        has_own_source = bool(sources) and all(_is_any_within(source.matched, self.arns) for source in sources)
        is_for_trail = caller.principal.name == CLOUDTRAIL
        account = space.scope.account if is_for_trail else ""
        has_own_context = any(
            all(
                _is_any_within(value.matched, self.arns) or _is_any_in_account(value.matched, account)
                for value in members(space.values(key), mask)
            )
            for key, mask in zip(widening.dimensions, widening.box, strict=True)
            if key.startswith("kms:encryptioncontext:")
        )
        if is_for_trail and not has_own_source:
            return False
        return has_own_context or (has_own_source and widening.is_grant)

    def _is_harmless(self, space: Space, subject: Subject, widening: Widening) -> bool:
        """Whether it is about what a role may do with resources that the base does not have, or with notifications of
        buckets that have none.
        """
        actions = members(space.actions, widening.mask(ACTION) or 0)
        silent = self.silent if actions and {*actions} <= _OF_NOTIFICATIONS else frozenset()
        places = members(space.places, widening.mask(RESOURCE) or 0)
        return subject.kind is Kind.PERMISSIONS and all(
            _is_any_within(place.text.matched, self.new_arns) or any(p.text in silent for p in place.text.matched)
            for place in places
        )

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


_Compared = tuple[Subject, Policies, Policies, _Context]


def _is_any_within(patterns: Iterable[Pattern], arns: frozenset[str]) -> bool:
    """Whether one of the patterns is one of the ARNs or lies below one, whatever its wildcards match."""
    written = [re.split(r"[*?]", pattern.text)[0] for pattern in patterns if pattern.text not in arns]
    return any(pattern.text in arns for pattern in patterns) or any(
        text.startswith((f"{arn}/", f"{arn}:")) for text in written for arn in arns
    )


def _is_any_in_account(patterns: Iterable[Pattern], account: str) -> bool:
    """Whether one of the patterns matches ARNs of this account alone."""
    # Elsewhere than in ARNs a wildcard also matches colons, so that what stands behind it may be anywhere.
    texts = (p.text if p.form is Form.ARN else re.split(r"[*?]", p.text)[0] for p in patterns)
    parts = [text.split(":", 5) for text in texts]
    return bool(account) and any(len(each) == 6 and each[4] == account for each in parts)


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
            denied += tuple(_locked(subject, old, new, space))
    except (TooManyBoxes, TooManyTexts, TooManyValues, Contradiction) as error:
        faults.append(str(error))
    return AccessDifference(
        allowed=tuple(allowed),
        denied=denied,
        not_comparable=tuple(NotComparableAccess(subject.id, new.type, fault) for fault in faults),
    )


def _no_longer_denied(subject: Subject, old: Policies, new: Policies, context: _Context) -> Iterator[AccessDifference]:
    """What a policy denies no more to somebody of whom no template tells what else allows."""
    before, after = (tuple(each for each in side.layers[0] if not each.is_allow) for side in (old, new))
    if not before or before == after:
        return
    wide, narrow = (replace(side, layers=((EVERYTHING, *denies),)) for side, denies in ((old, before), (new, after)))
    found = _difference(subject, wide, narrow, context)
    yield AccessDifference(tuple(replace(each, is_certain=False) for each in found.allowed), (), found.not_comparable)


def _locked(subject: Subject, old: Policies, new: Policies, space: Space) -> Iterator[Access]:
    """A key or a bucket with which nobody of the account can read any more, or a key that nobody can change."""
    for action in _NEEDS.get(subject.kind, ()):
        if may_still(space, old, action) and not may_still(space, new, action):
            yield Access(
                resource=subject.id,
                resource_type=new.type,
                who="any principal of the account",
                actions=(action,),
                on=subject.kind.value,
                when="",
                because="the policy leaves it to nobody",
                is_certain=True,
                objects=True,
                is_lost=True,
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
                on=_SETTINGS_ON.get(subject.kind, subject.kind.value),
                when=when,
                because=f"{name} is no longer set",
                is_certain=True,
                objects=True,
            )
