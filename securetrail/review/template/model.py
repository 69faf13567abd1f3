"""The values that the two templates of a review are read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Id(NamedTuple):
    """A resource of an assembly."""

    stack: str
    logical_id: str

    def __str__(self) -> str:
        return f"{self.stack}/{self.logical_id}"


@dataclass(frozen=True, slots=True)
class Template:
    """The template of one stack.

    :param stack: unique in the assembly: ``SecureTrail``, in a Stage ``Prod/SecureTrail``, nested in a stack
        ``SecureTrail/Nested``.
    :param account: of the stack's environment; empty when the synth did not know it.
    :param region: the same.
    :param parent: the ``AWS::CloudFormation::Stack`` that this stack is, if it is nested.
    :param name: that the stack is deployed under. Default: - made of `stack`.
    :param deployed_by: what the deployment of it uses, in words, and which one: a role, a bucket of its files. Account
        and region of the environment stand there as CDK's placeholders.
    :param told: the topics that CloudFormation tells of each deployment.
    :param tags: of the whole stack, which CloudFormation gives each resource that has none of this name.
    """

    stack: str
    body: Mapping[str, Any]
    account: str = ""
    region: str = ""
    parent: Id | None = None
    name: str = ""
    deployed_by: tuple[tuple[str, str], ...] = ()
    told: frozenset[str] = frozenset()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotComparable:
    """What stands in the place of a value that cannot be resolved.

    Two are equal when what they stand for is written equally: then nothing changed there.

    :param why: which intrinsic or parameter, in words.
    :param text: the value as the template has it, as JSON.
    """

    why: str = field(compare=False)
    text: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource with its intrinsics resolved.

    :param id: the base's, where the head has renamed it.
    :param properties: plain JSON values, and :class:`NotComparable` where something cannot be resolved.
    :param deletion_policy: empty when the template has none; `update_replace_policy` too.
    :param reference: what ``Ref`` of it returns.
    :param arn: its ARN.
    :param account: that it is deployed to, or the stand-in for it.
    :param dependencies: every resource that this one refers to.
    """

    id: Id
    type: str
    reference: str
    arn: str
    account: str
    properties: Mapping[str, Any]
    deletion_policy: str
    update_replace_policy: str
    metadata: Mapping[str, Any]
    dependencies: frozenset[Id]


@dataclass(frozen=True, slots=True)
class Variant:
    """Both sides, resolved under the same assumptions.

    :param assumptions: what each comparison of the templates' conditions is assumed to be.
    """

    assumptions: tuple[tuple[str, bool], ...]
    base: Mapping[Id, Resource]
    head: Mapping[Id, Resource]
