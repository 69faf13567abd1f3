"""What a comparison of access says."""

from __future__ import annotations

from dataclasses import dataclass

from securetrail.review.template import Id


@dataclass(frozen=True, slots=True)
class Access:
    """Calls that became allowed, or denied, for the same reason.

    :param resource: whose policies decide.
    :param who: the callers, in words.
    :param actions: with the service, sorted: ``s3:GetObject``.
    :param on: which of the resource's parts, in words: ``log objects``, ``the key``.
    :param when: what the requests have or lack; empty when it makes no difference.
    :param because: which statement or setting makes the difference.
    :param is_certain: ``False`` when it depends on something that a template does not tell; `when` says on what.
    :param objects: whether this is an objection.
    :param is_lost: whether it became denied.
    """

    resource: Id
    resource_type: str
    who: str
    actions: tuple[str, ...]
    on: str
    when: str
    because: str
    is_certain: bool
    objects: bool
    is_lost: bool = False

    @property
    def is_about_others(self) -> bool:
        """Whether what may be done is not done to the resource whose policies decide."""
        return self.who == str(self.resource)

    @property
    def place(self) -> str:
        """What it is done to, with the resource if the words do not name it."""
        is_named = self.is_about_others or str(self.resource) in self.on
        return self.on if is_named else f"{self.on} of {self.resource}"

    def __str__(self) -> str:
        verb = f"may{' perhaps' if not self.is_certain else ''}{' no longer' if self.is_lost else ''}"
        when = f", when {self.when}" if self.when else ""
        return f"{self.who} {verb} {', '.join(self.actions)} on {self.place}{when}: {self.because}"


@dataclass(frozen=True, slots=True)
class NotComparableAccess:
    """A resource whose access cannot be compared. It always objects.

    :param why: what cannot be resolved or read.
    """

    resource: Id
    resource_type: str
    why: str

    def __str__(self) -> str:
        return f"the access to {self.resource} cannot be compared: {self.why}"


@dataclass(frozen=True, slots=True)
class AccessDifference:
    """What a change makes allowed and denied.

    :param allowed: the objections first.
    :param denied: the same; an objection is what a service needs for what the stack has.
    """

    allowed: tuple[Access, ...]
    denied: tuple[Access, ...]
    not_comparable: tuple[NotComparableAccess, ...]

    @property
    def objections(self) -> tuple[Access | NotComparableAccess, ...]:
        """What a reviewer has to agree to."""
        return (*(each for each in (*self.allowed, *self.denied) if each.objects), *self.not_comparable)
