"""The identities of an account, the recorder that they may blind, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from sys import intern

from verify.fact import Fact
from verify.policy.document import Statement
from verify.posture.who.powers import Part


@dataclass(frozen=True, slots=True)
class Policy:
    """An identity policy, a boundary or a service control policy, reduced to what can matter here.

    :param name: as a person knows it: ``managed policy AdministratorAccess``.
    :param arn: of a managed policy. Default: - it is an inline policy.
    :param actions: for each statement those actions of :mod:`powers` and :mod:`steps` that it includes; statements that
        include none are left out.
    :param problem: why it could not be read; then it has no statements and decides nothing.
    """

    name: str
    statements: tuple[tuple[Statement, frozenset[str]], ...]
    arn: str | None = None
    problem: str | None = None


class Kind(StrEnum):
    """The kind of an identity."""

    ROOT = "root user"
    USER = "user"
    ROLE = "role"


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A user, a role or the root user.

    :param groups: names, of a user.
    :param trust: who may assume a role. Default: - it is no role, or its trust policy could not be read.
    :param chooses_tags: it has any tags that it likes, in the place of ``tags``.
    :param is_service_linked: only the AWS service that made the role can use it.
    """

    kind: Kind
    arn: str
    name: str
    policies: tuple[Policy, ...]
    boundary: Policy | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    trust: tuple[Statement, ...] | None = None
    is_service_linked: bool = False
    chooses_tags: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A group: what its members are allowed."""

    name: str
    arn: str
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Recorder:
    """What can be blinded, and the policies of its own parts.

    :param resources: for each part the ARNs of those that belong to the recorder.
    :param resource_policies: ARN of bucket, key or topic → the statements of its policy; a resource without an entry
        has no policy. The log files are under their bucket.
    :param log_file_patterns: ARNs of all files that the trail delivers, with ``*`` and ``?``; the log files among the
        resources are samples of them.
    :param elsewhere: ARNs of those that belong to another account.
    :param unsure: part → what decides whether it matters, where that could not be read.
    :param service_control_policies: one group for each level from the account to the root; each level must allow.
    """

    account: str
    partition: str
    region: str
    resources: Mapping[Part, tuple[str, ...]]
    resource_policies: Mapping[str, Fact[tuple[Statement, ...]]]
    log_file_patterns: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    unsure: Mapping[Part, str] = field(default_factory=dict)
    service_control_policies: tuple[tuple[Policy, ...], ...] = ()


@lru_cache(maxsize=4096)
def _once(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The same tuple for the same texts. Of thousands of identities most calls rest on the same few."""
    return tuple(map(intern, texts))


def _share(call: Ability | Step, *names: str) -> None:
    """Let a call have its texts together with others like it."""
    for name in names:
        object.__setattr__(call, name, _once(getattr(call, name)))
    for name in ("action", "resource"):
        object.__setattr__(call, name, intern(getattr(call, name)))


@dataclass(frozen=True, slots=True)
class Ability:
    """One call that an identity can make.

    :param power: the id of the :class:`~verify.posture.who.powers.Power`.
    :param by: the statements that allow it, each as ``policy: statement``.
    :param depends_on: condition keys and other things that decide whether it can; empty: it can.
    """

    power: str
    action: str
    resource: str
    by: tuple[str, ...]
    depends_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _share(self, "by", "depends_on")


@dataclass(frozen=True, slots=True)
class Step:
    """One call by which an identity gets abilities that it does not have.

    :param action: the call, or two with ``+`` between them where one is worth nothing without the other.
    :param gains: the powers that it adds, by their ids.
    :param by: as in :class:`Ability`.
    """

    action: str
    resource: str
    gains: tuple[str, ...]
    by: tuple[str, ...]
    depends_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _share(self, "gains", "by", "depends_on")


@dataclass(frozen=True, slots=True)
class Finding:
    """An identity that can blind the recorder, by itself or after one step.

    :param kind: the kind of identity, or ``another account`` for one that only a resource policy names.
    :param has_more_steps: only some of the steps that are alike, one call with the same gain, are listed.
    :param is_expected: it is named in the file of those who are meant to.
    """

    arn: str
    kind: str
    abilities: tuple[Ability, ...]
    steps: tuple[Step, ...]
    is_expected: bool = False
    has_more_steps: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether anything it can do depends on nothing further."""
        depends_on = [can.depends_on for can in self.abilities] + [step.depends_on for step in self.steps]
        return not all(depends_on)


@dataclass(frozen=True, slots=True)
class Answer:
    """Who can blind the recorder.

    :param examined: how many identities were looked at.
    :param findings: those who can, the most powerful first. The root user is not among them.
    :param root: what the root user can.
    :param unseen: what could not be read, each with what that leaves open; with any of them the list may be too long or
        too short.
    """

    account: str
    trail: str
    endpoint: str | None
    examined: int
    findings: tuple[Finding, ...]
    root: Finding | None
    unseen: tuple[str, ...]
    notices: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 for somebody who can and is not expected; else 3 when that is not certain; else 0."""
        others = [finding for finding in self.findings if not finding.is_expected]
        if any(finding.is_certain for finding in others):
            return 1
        return 3 if others or self.unseen else 0
