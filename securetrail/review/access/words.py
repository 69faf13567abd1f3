"""What was found, in the words of rows: callers, actions, resources and conditions, as few rows as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from securetrail.review.access.callers import CLOUDTRAIL, Caller, CallerKind, Source
from securetrail.review.access.differences import Widening
from securetrail.review.access.keys import OTHER_ADDRESSES, KeyValue
from securetrail.review.access.model import Access
from securetrail.review.access.policies import Kind, Policies, Subject
from securetrail.review.access.space import ACTION, LOG_OBJECTS, RESOURCE, SOURCE, Space
from securetrail.review.access.texts import OTHER, Form, Pattern
from verify.policy.probes import readable
from verify.policy.wildcard import matches

_T = TypeVar("_T")
_MOST_NAMES = 4
_OWN = "the account"


@dataclass(frozen=True, slots=True)
class _Row:
    """What widenings that differ only in who calls have in common."""

    actions: tuple[str, ...]
    on: str
    when: str
    because: str
    is_certain: bool


def rows(
    subject: Subject,
    policies: Policies,
    space: Space,
    found: Iterable[Widening],
    objects: Callable[[Space, Subject, Widening], bool],
) -> tuple[Access, ...]:
    """Rows for people.

    :param objects: whether a widening is an objection.
    """
    words = _Words(subject, space)
    grouped: dict[_Row, list[Widening]] = {}
    for widening in found:
        grouped.setdefault(words.row(widening), []).append(widening)
    access = [
        Access(
            resource=subject.id,
            resource_type=policies.type,
            who=words.who(widenings),
            actions=row.actions,
            on=row.on,
            when=row.when,
            because=row.because,
            is_certain=row.is_certain,
            objects=any(objects(space, subject, widening) for widening in widenings),
        )
        for row, widenings in grouped.items()
        if not words.is_covered(row, widenings, grouped)
    ]
    return tuple(
        sorted(_merged(access, subject.kind.value), key=lambda each: (not each.objects, _danger(each.who), str(each)))
    )


def _merged(access: Iterable[Access], whole: str) -> Iterator[Access]:
    """Rows that differ in the part of the resource alone become one: what is allowed on the bucket itself, and what on
    its objects. No action is on both.

    :param whole: how the resource itself is called: ``the bucket``.
    """
    found: dict[Access, list[Access]] = {}
    for row in access:
        found.setdefault(replace(row, actions=(), on=""), []).append(row)
    for alike in found.values():
        of_whole = [row for row in alike if row.on == whole]
        of_parts = [row for row in alike if row.on != whole]
        if len(of_whole) == len(of_parts) == 1:
            (one,), (other,) = of_whole, of_parts
            actions = tuple(sorted({*one.actions, *other.actions}))
            yield replace(one, actions=actions, on=f"{one.on} and {other.on}")
        else:
            yield from alike


class _Words:
    def __init__(self, subject: Subject, space: Space) -> None:
        self._subject = subject
        self._space = space
        self._covered: dict[str, int] = {}

    def row(self, widening: Widening) -> _Row:
        unknown = [
            (unknown, widening.mask(unknown.element))
            for unknown in widening.unknowns
            if widening.mask(unknown.element) != 0b11
        ]
        conditions = [
            self._condition(dimension, mask)
            for dimension, mask in zip(widening.dimensions, widening.box, strict=True)
            if dimension in self._space.conditions and mask != (1 << len(self._space.values(dimension))) - 1
        ]
        conditions += [f"{each.words} {'holds' if mask == 0b10 else 'does not hold'}" for each, mask in unknown]
        return _Row(
            actions=self._actions(widening.mask(ACTION) or 0, widening.mask(RESOURCE) or 0),
            on=self._places(widening.mask(RESOURCE) or 0, widening.mask(ACTION) or 0),
            when=" and ".join(conditions),
            because=readable(widening.because),
            is_certain=not unknown,
        )

    def is_covered(self, row: _Row, widenings: Sequence[Widening], others: Mapping[_Row, Sequence[Widening]]) -> bool:
        """Whether the row says of AWS's services what another says of anyone."""
        return all(widening.caller.kind is CallerKind.SERVICE for widening in widenings) and any(
            (other.actions, other.on, other.because) == (row.actions, row.on, row.because)
            and any(_is_anyone(widening.caller) for widening in theirs)
            for other, theirs in others.items()
        )

    # --- who ---

    def who(self, widenings: Sequence[Widening]) -> str:
        callers = {widening.caller for widening in widenings}
        every = set(self._space.callers)
        kinds = {caller.kind for caller in callers if not caller.is_named}
        names = []
        if CallerKind.FOREIGN in kinds:
            has_anonymous = any(caller.kind is CallerKind.ANONYMOUS for caller in every)
            if CallerKind.ANONYMOUS in kinds:
                names.append("anyone, even without credentials,")
            else:
                names.append("any principal of any account" if has_anonymous else "anyone with an AWS account")
            callers = {c for c in callers if c.kind not in (CallerKind.FOREIGN, CallerKind.ANONYMOUS, CallerKind.OWN)}
        elif CallerKind.ANONYMOUS in kinds:
            names.append("requests without credentials")
            callers = {caller for caller in callers if caller.kind is not CallerKind.ANONYMOUS}
        names += self._own(callers, every)
        names += sorted(caller.name for caller in callers if caller.kind in (CallerKind.FOREIGN, CallerKind.FEDERATED))
        services = [widening for widening in widenings if widening.caller.kind is CallerKind.SERVICE]
        if names and names[0].startswith("any") and any(not widening.caller.is_named for widening in services):
            services = []
        names += sorted({self._service(widening, services) for widening in services})
        return readable(_listed(names))

    def _own(self, callers: set[Caller], every: set[Caller]) -> list[str]:
        own = [caller for caller in callers if caller.kind is CallerKind.OWN]
        if not own:
            return []
        if self._subject.kind is Kind.PERMISSIONS:
            return [str(self._subject.id)]
        names = sorted({caller.name for caller in own})
        if all(caller.has_identity_policy for caller in own):
            names = [f"{name} whom IAM allows it" if "principals" in name else name for name in names]
        if {c.name for c in own} == {c.name for c in every if c.kind is CallerKind.OWN}:
            names = [names[-1] if len(names) == 1 else "any principal of the account"]
        return names

    def _service(self, widening: Widening, all_: Sequence[Widening]) -> str:
        caller = widening.caller
        name = "CloudTrail" if caller.principal.name == CLOUDTRAIL else caller.name
        mask = 0
        for each in all_:
            if each.caller == caller:
                mask |= each.mask(SOURCE) or 0
        sources = self._space.sources
        possible = [source for source in sources if source.may_be_trail or caller.principal.name != CLOUDTRAIL]
        chosen = [source for source in members(sources, mask) if source in possible]
        if not sources:
            return name
        if len(chosen) == len(possible):
            return f"{name} on behalf of anyone"
        thing = "trail" if caller.principal.name == CLOUDTRAIL else "resource"
        return f"{name} for {_listed(list(self._sources(chosen, possible, thing)))}"

    def _sources(self, chosen: Sequence[Source], possible: Sequence[Source], thing: str) -> Iterator[str]:
        """On whose behalf a service calls: all of an account, or the resources that the policies name there."""
        owners: dict[str, list[Source]] = {}
        for source in possible:
            owners.setdefault(self._owner(source) if source.arn else "", []).append(source)
        whole: set[str] = set()
        trails = self._space.trails
        for owner, sources in sorted(owners.items(), key=lambda item: (not item[0], item[0] == _OWN, item[0])):
            some = [source for source in sources if source in chosen]
            exact = [
                source for source in sources if _is_exact(source) and (thing == "trail" or source.arn[0] not in trails)
            ]
            rest = [source for source in some if source not in exact]
            like = sorted({p.text for source in rest for p in source.matched if p.form is not Form.EQUAL})
            if not some:
                continue
            if not owner:
                if {self._owner(source) for source in some} - whole:
                    yield f"a {thing} that the request does not name"
                continue
            if len(some) == len(sources):
                whole.add(owner)
                yield f"any {thing} of {owner}"
                continue
            yield from dict.fromkeys(source.arn[0] for source in some if source in exact)
            if rest and len(rest) == len(sources) - len(exact):
                yield f"any other {thing} of {owner}"
            elif rest:
                yield f"{thing}s of {owner}{f' like {like[0]}' if like else ''}"

    def _owner(self, source: Source) -> str:
        account = source.account[0] if source.account else ""
        return _account(account, self._space.scope.account) if account else ""

    # --- actions and places ---

    def _actions(self, mask: int, places: int) -> tuple[str, ...]:
        """The actions, shortened to the wildcards of the policies where they cover these and no other."""
        exists = 0
        for part in self._space.existing:
            if places & part.get(RESOURCE, places):
                exists |= part.get(ACTION, ~0)
        every = self._space.actions
        left = wanted = mask & exists & ((1 << len(every)) - 1)
        services = sorted({action.partition(":")[0] for action in members(every, wanted)})
        patterns = [f"{service}:*" for service in services] + self._space.action_patterns
        if len(services) > 1:
            patterns.insert(0, "*")
        found = []
        for pattern in patterns:
            covered = self._matched(pattern) & exists
            if (covered & left).bit_count() > 1 and not covered & ~wanted:
                found.append(pattern)
                left &= ~covered
        return tuple(sorted({*found, *map(readable, members(every, left))}))

    def _matched(self, pattern: str) -> int:
        """The actions that a pattern matches."""
        if pattern not in self._covered:
            self._covered[pattern] = sum(
                1 << number
                for number, action in enumerate(self._space.actions)
                if matches(pattern, action, ignore_case=True).is_true
            )
        return self._covered[pattern]

    def _places(self, mask: int, actions: int) -> str:
        exists = 0
        for part in self._space.existing:
            if actions & part.get(ACTION, actions):
                exists |= part.get(RESOURCE, ~0)
        mask &= exists
        places = self._space.places
        names = []
        by_kind: dict[str, int] = {}
        for number, place in enumerate(places):
            if place.kind and place.text.value == self._space.arn:
                names += [self._subject.kind.value] if mask >> number & 1 else []
            else:
                by_kind[place.kind] = by_kind.get(place.kind, 0) | 1 << number
        for kind, every in by_kind.items():
            chosen = mask & every
            if chosen:
                names.append(self._place(kind, chosen, every))
        return readable(_listed(names))

    def _place(self, kind: str, chosen: int, every: int) -> str:
        places = self._space.places
        what = "objects" if "object" in kind else "resources" if not kind else f"parts of the {kind}"
        if chosen == every:
            return f"all {what}" if kind else "any resource"
        logs = sum(
            1 << number
            for number, place in enumerate(places)
            if place.kind == kind and any(p.text.endswith(LOG_OBJECTS) for p in place.text.matched)
        )
        if logs and chosen == logs:
            return "log objects"
        if logs and chosen == every & ~logs:
            return "objects that are no logs"
        return self._by_pattern(what, chosen, every)

    def _by_pattern(self, what: str, chosen: int, every: int) -> str:
        """By the patterns of the policies that cover these places and no other, the widest first."""
        places = self._space.places
        patterns: dict[Pattern, int] = {}
        for number, place in enumerate(places):
            if every >> number & 1:
                for pattern in place.text.matched:
                    patterns[pattern] = patterns.get(pattern, 0) | 1 << number
        left, names = chosen, []
        for pattern, covered in sorted(patterns.items(), key=lambda item: (-item[1].bit_count(), item[0].text)):
            if covered & left and not covered & ~chosen:
                names.append(pattern.text)
                left &= ~covered
        if left:
            excluded = [p.text for p, covered in patterns.items() if not covered & chosen and covered]
            others = f"other {what}" + (f" than {_listed(sorted(excluded))}" if excluded else "")
            names.append(others)
        return _listed(names)

    # --- conditions ---

    def _condition(self, key: str, mask: int) -> str:
        name = self._space.conditions[key][0].key
        values = self._space.values(key)
        has_absent = any(not value.values for value in values)
        chosen, rest = members(values, mask), members(values, ~mask & ((1 << len(values)) - 1))
        is_absent_chosen = any(not value.values for value in chosen)
        if all(not value.values for value in chosen):
            return f"the request has no {name}"
        if all(not value.values for value in rest):
            return f"the request has {name}"
        if not any(_is_any_other(value) for value in chosen):
            absent = " or is not there" if is_absent_chosen else ""
            return f"{name} is {_listed(_labels(chosen), 'or')}{absent}"
        there = " but is there" if has_absent and not is_absent_chosen else ""
        return f"{name} is not {_listed(_labels(rest), 'or')}{there}"


def _is_anyone(caller: Caller) -> bool:
    return caller.kind is CallerKind.FOREIGN and not caller.is_named


def _labels(values: Iterable[KeyValue]) -> list[str]:
    return list(dict.fromkeys(readable(_label(value)) for value in values if value.values))


def _label(value: KeyValue) -> str:
    """The value itself if a policy has it, else the narrowest pattern or network that it belongs to."""
    patterns = sorted(value.matched, key=lambda p: (p.text.count("*") + p.text.count("?"), -len(p.text), p.text))
    if len(value.values) > 1:
        named = [pattern.text for pattern in patterns]
        others = ["others"] if any(OTHER in text for text in value.values) else []
        return f"several: {', '.join([*named, *others]) or 'any'}"
    (text,) = value.values
    if any(pattern.text == text for pattern in patterns) or (not patterns and OTHER not in text):
        return text or "empty"
    if not patterns:
        return "another"
    return (
        f"in {patterns[0].text}"
        if "/" in patterns[0].text and not {"*", "?"} & {*patterns[0].text}
        else f"like {patterns[0].text}"
    )


def _is_any_other(value: KeyValue) -> bool:
    """Whether it stands for all values that the policies do not name."""
    return (
        bool(value.values) and not value.matched and (all(OTHER in each for each in value.values) or _is_address(value))
    )


def _is_address(value: KeyValue) -> bool:
    return value.values[0] in OTHER_ADDRESSES


def _account(account: str, own: str) -> str:
    if account == own:
        return _OWN
    return "other accounts" if OTHER in account else f"account {account}"


def _is_exact(source: Source) -> bool:
    """Whether a policy names the source, or it is a trail of the stack for which CloudTrail calls."""
    return any((pattern.text,) == source.arn for pattern in source.matched)


def members(values: Sequence[_T], mask: int) -> list[_T]:
    """The values whose bits are set."""
    return [value for number, value in enumerate(values) if mask >> number & 1]


def _listed(names: Sequence[str], word: str = "and") -> str:
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return f" {word} ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def _danger(who: str) -> int:
    order = ("anyone", "any principal of any", "requests without", "account ", "users of", "CloudTrail")
    return next((number for number, start in enumerate(order) if start in who), len(order))
