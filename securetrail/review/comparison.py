"""Everything that a change loses, exposes or hides: the answers of all topics, put together. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.access import (
    AccessDifference,
    Call,
    Outsider,
    compare_access,
    new_calls,
    new_outsiders,
)
from securetrail.review.changes.kinds import CONNECTING, PROTECTIVE, SILENCING, STATEFUL
from securetrail.review.changes.old_names import with_old_names, with_old_parameters
from securetrail.review.changes.old_stacks import old_stacks, with_old_name
from securetrail.review.changes.one_name import with_one_name
from securetrail.review.changes.own_values import with_own_values
from securetrail.review.changes.renamed import renamed_resources
from securetrail.review.changes.resources import Change, Kind, compare_declarations, compare_resources
from securetrail.review.controls.compare import SUBSCRIPTION, ControlLoss, Loss, compare_controls, is_subscribed
from securetrail.review.controls.rest import SAYS_NOTHING, different
from securetrail.review.controls.table import CONTROLS
from securetrail.review.controls.tags import DecidingTag, deciding_tags
from securetrail.review.controls.values import at
from securetrail.review.controls.views import lost_views
from securetrail.review.decisions import Accepted, Decision, decide
from securetrail.review.findings import Acknowledgement, Construct, Finding, Findings, SourceLine
from securetrail.review.granted import access_objections
from securetrail.review.machinery.packs import (
    lost_packs,
    new_exceptions,
    new_findings,
    silent_rules,
    standing_exceptions,
)
from securetrail.review.objections import Objection, objection_id
from securetrail.review.template import (
    GIVEN_LATER,
    Id,
    NotComparable,
    Resource,
    Template,
    Variant,
    as_json,
    unread,
    variants,
)

_UNCONTROLLED: Final = PROTECTIVE.keys() - {type_ for control in CONTROLS for type_ in control.types}
# What sends alerts or events, and the property that says where to.
_SENDING: Final = {"AWS::Logs::SubscriptionFilter": "DestinationArn", "AWS::SNS::Subscription": "Endpoint"}
# What is silenced, or sends: while it is new, nothing of before is kept quiet. What is not here silences the account.
_ABOUT: Final = {
    "AWS::CloudWatch::AlarmMuteRule": "MuteTargets.AlarmNames",
    "AWS::GuardDuty::Filter": "DetectorId",
    "AWS::GuardDuty::IPSet": "DetectorId",
    "AWS::GuardDuty::TrustedEntitySet": "DetectorId",
    "AWS::Logs::SubscriptionFilter": "LogGroupName",
    "AWS::Logs::Transformer": "LogGroupIdentifier",
    "AWS::SNS::Subscription": "TopicArn",
}
_UNTOLD: Final = "Somebody tampers with the trail, and nobody is told."
_DESTROYED: Final = "What is in it is gone, or stays behind where nobody looks."
_DEPLOYED: Final = "Whoever owns it deploys something else than what was reviewed, or may do more than before."
_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
_MOVED: Final = "Another stack is made there; the one that protects now is left behind, and nobody changes it any more."


@dataclass(frozen=True, slots=True)
class Side:
    """A cloud assembly, and what was found in it.

    :param constructs: by stack and logical id.
    :param protected: whether each stack has termination protection.
    """

    templates: tuple[Template, ...]
    found: Findings
    constructs: Mapping[tuple[str, str], Construct]
    protected: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Repository:
    """What the files of both sides say, beside the app.

    :param touched: the files that the change touches.
    :param judging: those of them that judge changes.
    :param objections: what the change takes away of tests, workflows, owners and the control map.
    :param base_decisions: the base's; likewise ``head_decisions``.
    :param dependencies: the pinned packages of which the versions differ, in words.
    :param notices: what a reader must know to trust the answer: who judges, how old the base is.
    :param elsewhere: ids and resources of the objections of other reviews of the change, such as with another context.
    """

    touched: frozenset[str] = frozenset()
    judging: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    base_decisions: tuple[Decision, ...] = ()
    head_decisions: tuple[Decision, ...] = ()
    dependencies: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    elsewhere: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different between two sides, without what the repository's files say.

    :param findings: those that only the head has.
    :param standing_findings: those that the base has as well.
    :param exceptions: acknowledgements that only the head has.
    :param standing: those that the base has as well, for the same reason.
    :param removed_stacks: stacks that are gone and are no stack of another name.
    """

    objections: tuple[Objection, ...]
    access: AccessDifference
    controls: tuple[ControlLoss, ...]
    changes: tuple[Change, ...]
    declarations: tuple[Change, ...]
    findings: tuple[Finding, ...]
    standing_findings: tuple[Finding, ...]
    exceptions: tuple[Acknowledgement, ...]
    standing: tuple[Acknowledgement, ...]
    removed_stacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer has to know.

    :param objections: none when there is nothing to object to.
    :param accepted: what decisions accept, those of this change first.
    """

    title: str
    objections: tuple[Objection, ...]
    accepted: tuple[Accepted, ...]
    difference: Difference
    repository: Repository

    @property
    def is_unchanged(self) -> bool:
        """Whether a deployment would do nothing, and nothing else is to be said."""
        difference = self.difference
        said = (difference.changes, difference.declarations, difference.exceptions, difference.findings)
        return not any((*said, self.objections, self.accepted, self.repository.judging, self.repository.dependencies))


def review(
    title: str,
    difference: Difference,
    repository: Repository,
    *,
    today: dt.date,
    allow_new_decisions: bool = False,
    by_dependencies: Difference | None = None,
) -> Review:
    """What a change loses, after the decisions.

    :param by_dependencies: what the head's dependencies alone change of the base. Default: - they are the base's.
    """
    theirs = {(each.id, each.resource) for each in by_dependencies.objections} if by_dependencies else set()
    objections = [
        dataclasses.replace(each, by_dependency=(each.id, each.resource) in theirs)
        for each in (*difference.objections, *repository.objections)
    ]
    decided = decide(
        objections,
        repository.base_decisions,
        repository.head_decisions,
        today=today,
        allow_new=allow_new_decisions,
        elsewhere=repository.elsewhere,
    )
    return Review(title, decided.objections, decided.accepted, difference, repository)


def compare_sides(base: Side, head: Side, touched: frozenset[str] = frozenset()) -> Difference:
    """What the head makes different.

    :param touched: the files that the change touches.
    """
    head = _with_old_stacks(base, head)
    templates = with_old_parameters(base.templates, head.templates)
    renamed = renamed_resources(base.templates, templates)
    both = [*map(with_own_values, variants(base.templates, templates, renamed))]
    named = [with_one_name(with_old_names(each)) for each in both]
    access = compare_access(named)
    controls = compare_controls(named, STATEFUL)
    changes = compare_resources(both, templates, renamed)
    removed_stacks = _removed_stacks(base, both)
    new = new_exceptions(base.found, head.found, {each.path for each in base.constructs.values()}, touched)
    findings = new_findings(base.found.findings, head.found.findings)
    places = _places(base, head, renamed)
    objections = (
        *_stack_objections(base, head, removed_stacks),
        *_unread_objections(base, head),
        *access_objections(access, controls, places),
        *_control_objections(controls, places),
        *_outsider_objections(new_outsiders(named, base.templates, both), places),
        *_call_objections(new_calls(named, base.templates), places),
        *_tag_objections(deciding_tags(named, base.templates, templates), places),
        *_protection_objections(named, places),
        *_silencing_objections(named, places),
        *_view_objections(named, places),
        *_change_objections(_without_connections(changes, named), removed_stacks, places),
        *_finding_objections(findings),
        *_exception_objections(entry for entry, objects in new if objects),
        *lost_packs(base.found, head.found),
        *silent_rules(base.found, head.found, _unchanged(base, changes)),
    )
    return Difference(
        objections=_once(objections),
        access=access,
        controls=controls,
        changes=changes,
        declarations=compare_declarations(base.templates, head.templates),
        findings=findings,
        standing_findings=tuple(each for each in head.found.findings if each not in findings),
        exceptions=tuple(entry for entry, _ in new),
        standing=standing_exceptions(base.found, head.found),
        removed_stacks=removed_stacks,
    )


def _with_old_stacks(base: Side, head: Side) -> Side:
    """The head, with the base's names of its stacks wherever CloudFormation takes them for the base's."""
    names = old_stacks(base.templates, head.templates)
    if not names:
        return head
    found = head.found
    return Side(
        tuple(
            dataclasses.replace(
                each,
                stack=with_old_name(each.stack, names),
                parent=each.parent and Id(with_old_name(each.parent.stack, names), each.parent.logical_id),
            )
            for each in head.templates
        ),
        dataclasses.replace(
            found,
            findings=tuple(
                dataclasses.replace(each, construct=with_old_name(each.construct, names)) for each in found.findings
            ),
            acknowledgements=tuple(
                dataclasses.replace(each, construct=with_old_name(each.construct, names))
                for each in found.acknowledgements
            ),
        ),
        {
            (with_old_name(stack, names), name): dataclasses.replace(each, path=with_old_name(each.path, names))
            for (stack, name), each in head.constructs.items()
        },
        {with_old_name(stack, names): protected for stack, protected in head.protected.items()},
    )


def _once(objections: Iterable[Objection]) -> tuple[Objection, ...]:
    return tuple({(each.id, each.resource): each for each in reversed([*objections])}.values())[::-1]


def _removed_stacks(base: Side, both: Sequence[Variant]) -> tuple[str, ...]:
    kept = {each.stack for variant in both for each in variant.head}
    there = {each.stack for variant in both for each in variant.base}
    return tuple(sorted(template.stack for template in base.templates if template.stack in there - kept))


def _places(base: Side, head: Side, renamed: Mapping[Id, Id]) -> dict[Id, SourceLine]:
    """Where each resource is made: in the head, or where the base made it."""
    found = dict(_places_in(base))
    found |= {renamed.get(each, each): place for each, place in _places_in(head)}
    return found


def _places_in(side: Side) -> Iterator[tuple[Id, SourceLine]]:
    """The resources of a nested stack are told as those of the stack around it."""
    for each, construct in side.constructs.items():
        if construct.place:
            yield Id(*each), construct.place
    nested = [template for template in side.templates if template.parent]
    outer = [template.stack for template in side.templates if not template.parent]
    names = Counter(name for template in nested for name in template.body.get("Resources") or {})
    for template in nested:
        around = [each for each in outer if template.stack.startswith(f"{each}/")]
        for name in template.body.get("Resources") or {}:
            known = side.constructs.get((around[0], name)) if around and names[name] == 1 else None
            if known and known.place:
                yield Id(template.stack, name), known.place


def _unchanged(base: Side, changes: Iterable[Change]) -> set[str]:
    touched = {change.resource for change in changes}
    return {construct.path for each, construct in base.constructs.items() if Id(*each) not in touched}


def _stack_objections(base: Side, head: Side, removed: Sequence[str]) -> Iterator[Objection]:
    for stack in removed:
        yield Objection("stack_removed", stack, f"The stack {stack} is gone, with everything in it.", _DESTROYED)
    for stack, protected in base.protected.items():
        if protected and not head.protected.get(stack, True):
            says = f"The stack {stack} has no termination protection any more."
            yield Objection("stack_is_protected", stack, says, "Whoever may delete stacks deletes everything in it.")
    after = {template.stack: template for template in head.templates}
    for template in base.templates:
        # A nested stack goes where its parent goes.
        new = after.get(template.stack) if template.parent is None else None
        for what, old_place, new_place in _places_of(template, new) if new else ():
            if old_place != new_place:
                was, is_ = (place or "whatever the deployment says" for place in (old_place, new_place))
                says = f"The stack {template.stack} goes to another {what}: {is_}, before {was}."
                yield Objection(objection_id("stack_moved", f"{was} -> {is_}"), template.stack, says, _MOVED)
    # Where the base has several of a name already, they are deployed to places that the synth does not know.
    known = {name for *_, name in _of_one_name(base.templates)}
    for one, other, name in _of_one_name(head.templates):
        if name not in known:
            says = f"The stacks {one} and {other} have one name, {name}: when it is deployed, one replaces the other."
            yield Objection(objection_id("stack_overwrites", f"{one} and {other}"), other, says, _DESTROYED)
    before = {template.stack: template for template in base.templates}
    for template in head.templates:
        yield from _deployment_objections(before.get(template.stack), template)
        yield from _told_objections(before.get(template.stack), template)


def _of_one_name(templates: Sequence[Template]) -> Iterator[tuple[str, str, str]]:
    """The stacks, two each, that CloudFormation takes for one, and its name. Where the synth does not know an account
    or a region, it may be any.
    """
    outer = [each for each in templates if each.parent is None]
    for one, other in itertools.combinations(outer, 2):
        places = ((one.account, other.account), (one.region, other.region))
        is_there = all(first == second or not first or not second for first, second in places)
        if one.name and one.name == other.name and is_there:
            yield one.stack, other.stack, one.name


def _deployment_objections(old: Template | None, new: Template) -> Iterator[Objection]:
    """Who deploys a stack, and from where, when that is another one or in another account."""
    known = {value for what, value in old.deployed_by} if old else set()
    kinds = {what for what, value in old.deployed_by} if old else set()
    for what, value in new.deployed_by:
        # Its own account stands there as a placeholder.
        if value not in known and (what in kinds or _ACCOUNT.search(value)):
            says = f"The deployment of the stack {new.stack} uses something else than before: {what} is {value}."
            if old is None:
                says = (
                    f"The deployment of the new stack {new.stack} uses what is in another account: {what} is {value}."
                )
            yield Objection(objection_id("stack_deployed_by", value), new.stack, says, _DEPLOYED)


def _told_objections(old: Template | None, new: Template) -> Iterator[Objection]:
    """Who is told of a stack's deployments no more, and who is in another account."""
    for topic in sorted(old.told - new.told) if old else ():
        says = f"The topic {topic} is not told of deployments of the stack {new.stack} any more."
        attack = "Somebody deploys something else, and nobody is told."
        yield Objection(objection_id("stack_tells", topic), new.stack, says, attack)
    for topic in sorted(new.told - (old.told if old else frozenset())):
        account = (topic.split(":")[4:5] or [""])[0]
        if new.account and account != new.account:
            says = f"The topic {topic}, which is told of deployments of the stack {new.stack}, is in another account."
            attack = "What is deployed is in the hands of somebody outside."
            yield Objection(objection_id("names_outsider", topic), new.stack, says, attack)


def _places_of(old: Template, new: Template) -> tuple[tuple[str, str, str], ...]:
    """What CloudFormation knows a stack by."""
    return (
        ("account", old.account, new.account),
        ("region", old.region, new.region),
        ("stack name", old.name, new.name),
    )


def _unread_objections(base: Side, head: Side) -> Iterator[Objection]:
    """What makes resources at the deployment that no template has: loops, macros and includes that differ."""
    before, after = ({template.stack: unread(template) for template in side.templates} for side in (base, head))
    for stack in after:
        old, new = before.get(stack, {}), after[stack]
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                says = f"What {name} makes of the stack {stack} cannot be compared, and it is another one."
                attack = "Resources that nobody has seen are deployed."
                yield Objection(objection_id("not_comparable", name), stack, says, attack)


def _control_objections(controls: Iterable[ControlLoss], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    for each in controls:
        before = f", before {each.before}" if each.before else ""
        says = f"{each.resource}: {each.what} {each.after}{before}."
        if each.loss is Loss.NOT_COMPARABLE:
            says = f"{each.resource}: what it {each.what} cannot be compared: {each.after}{before}."
        says = f"{says.removesuffix('.')}, {each.when}." if each.when else says
        detail = f"{each.before} -> {each.after}"
        yield Objection(objection_id(each.id, detail), str(each.resource), says, each.attack, places.get(each.resource))


def _outsider_objections(outsiders: Iterable[Outsider], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    for each in outsiders:
        says = f"{each.resource}: {each.property} names {each.who}, which the base does not name."
        attack = "What is sent there, or taken from there, is in the hands of somebody outside."
        name = str(each.resource)
        yield Objection(objection_id("names_outsider", each.who), name, says, attack, places.get(each.resource))


def _call_objections(calls: Iterable[Call], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    for each in calls:
        what = f"calls {each.action}" if each.action else "makes a call that cannot be read"
        says = f"{each.resource} {what} when it {'runs' if each.when == 'run' else f'is {each.when}'}."
        attack = "No template shows what the call changes: by it, protection is taken away with a role of before."
        # With its parameters: a decision about one trail is none about another.
        name = objection_id("calls_at_deployment", f"{each.when} {each.given}")
        yield Objection(name, str(each.resource), says, attack, places.get(each.resource))


def _tag_objections(tags: Iterable[DecidingTag], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    for each in tags:
        says = f"{each.of}: the tag {each.tag} is {each.after}, before {each.before}, and policies decide by it."
        attack = "Somebody may do what the policies keep for others, or what they kept from it."
        name = objection_id("tag_decides", f"{each.tag}: {each.before} -> {each.after}")
        place = places.get(each.of) if isinstance(each.of, Id) else None
        yield Objection(name, str(each.of), says, attack, place)


def _protection_objections(variants: Sequence[Variant], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    """What no control orders, of resources that carry alerts or protect by being there."""
    for variant in variants:
        for old, names, before, after in different(variant.base, variant.head, PROTECTIVE):
            says = f"{old.id} ({old.type}) protects in another way: {names} is different, and no control orders it."
            identifier = objection_id("protection_changed", f"{before} -> {after}")
            yield Objection(identifier, str(old.id), says, PROTECTIVE.get(old.type, _UNTOLD), places.get(old.id))


def _silencing_objections(variants: Sequence[Variant], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    """What keeps quiet what was there before, and is new or another one; and where alerts go that nobody can tell."""
    for variant in variants:
        for each, new in sorted(variant.head.items()):
            old = variant.base.get(each)
            if old is not None and old.properties == new.properties:
                continue
            if _is_about_new(new, variant):
                continue
            given = new.properties
            silences = new.type in SILENCING and all(given.get(n) == v for n, v in SILENCING[new.type].items())
            if silences:
                says = f"{each} ({new.type}) keeps others quiet, and is {'another one' if old else 'new'}."
                name = objection_id("silences", as_json(given))
                yield Objection(name, str(each), says, _UNTOLD, places.get(each))
            elif old is None and _SENDING.get(new.type) in given and _is_untold(given, _SENDING[new.type]):
                says = f"{each}: nobody can tell from the template to whom {_SENDING[new.type]} sends."
                attack = "What is sent there is in the hands of somebody outside."
                yield Objection("recipient_not_known", str(each), says, attack, places.get(each))


def _view_objections(variants: Sequence[Variant], places: Mapping[Id, SourceLine]) -> Iterator[Objection]:
    for each, name, says in lost_views(variants):
        yield Objection(name, str(each), says, "Whoever looks for what happened does not find it.", places.get(each))


def _is_about_new(resource: Resource, variant: Variant) -> bool:
    """Whether all that it is about is new as well. What else it names does not count: anything new can be named."""
    about = at(resource.properties, _ABOUT.get(resource.type, ""))
    added = [each for name, each in variant.head.items() if name not in variant.base]
    names = {name for each in added for name in (each.reference, each.arn)}
    parts = tuple(f"{name}{end}" for name in names for end in (".", ":"))
    entries = about if isinstance(about, list) else [about]
    return bool(entries) and all(isinstance(e, str) and (e in names or e.startswith(parts)) for e in entries)


def _is_untold(given: Mapping[str, Any], name: str) -> bool:
    to = given[name]
    is_telephone = given.get("Protocol") == "sms"
    if isinstance(to, str):
        return is_telephone or "{{resolve:" in to or to.startswith(GIVEN_LATER)
    return is_telephone or isinstance(to, NotComparable)


def _without_connections(changes: Iterable[Change], variants: Sequence[Variant]) -> Iterator[Change]:
    """The changes, but for connections that are gone together with one of their ends."""
    for change in changes:
        sides = [each for each in variants if change.resource in each.base]
        if change.kind is Kind.REMOVED and sides and all(_goes_with_others(change, each) for each in sides):
            continue
        yield change


def _goes_with_others(change: Change, variant: Variant) -> bool:
    """Whether an end of a connection is gone as well, or a topic has as a property what subscribed to it."""
    old = variant.base[change.resource]
    if change.resource_type in CONNECTING:
        return bool(old.dependencies - {*variant.head})
    return change.resource_type == SUBSCRIPTION and is_subscribed(old, variant.head)


def _change_objections(
    changes: Iterable[Change], removed_stacks: Sequence[str], places: Mapping[Id, SourceLine]
) -> Iterator[Objection]:
    for change in changes:
        if change.resource.stack in removed_stacks:
            continue
        name, place = str(change.resource), places.get(change.resource)
        if change.kind is Kind.REPLACED and change.resource_type in STATEFUL:
            says = f"{name} ({change.resource_type}) is replaced: {change.because}."
            yield Objection(objection_id("replaced", change.because), name, says, _DESTROYED, place)
        elif change.kind is Kind.REMOVED and change.resource_type in STATEFUL:
            says = f"{name} ({change.resource_type}) is removed."
            yield Objection("removed", name, says, _DESTROYED, place)
        elif change.kind is Kind.REPLACED and change.resource_type in _UNCONTROLLED and not _says_nothing(change):
            says = f"{name} ({change.resource_type}) is replaced: {change.because}."
            yield Objection(
                objection_id("replaced", change.because), name, says, PROTECTIVE[change.resource_type], place
            )
        elif change.kind is Kind.REMOVED and change.resource_type in PROTECTIVE:
            says = f"{name} ({change.resource_type}) is removed."
            yield Objection("removed", name, says, PROTECTIVE[change.resource_type], place)


def _says_nothing(change: Change) -> bool:
    """Whether a resource that holds nothing is replaced by one that has another name alone."""
    return {*change.because.removesuffix(" changes").split(", ")} <= SAYS_NOTHING


def _finding_objections(findings: Iterable[Finding]) -> Iterator[Objection]:
    for each in findings:
        if each.severity == "error":
            yield Objection(
                objection_id("finding", each.rule),
                each.construct,
                f"{each.construct} breaks {each.rule}: {each.description}",
                place=each.place,
            )


def _exception_objections(entries: Iterable[Acknowledgement]) -> Iterator[Objection]:
    for each in entries:
        rule = each.rule.split("::", 1)[-1]
        says = f"{each.construct} has a new exception from {rule}, because: {each.reason}"
        yield Objection(
            objection_id("new_exception", rule), each.construct, says, "What the rule forbids is deployed.", each.place
        )
