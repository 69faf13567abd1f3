"""The answer to one question to AWS: a value, "it is not there", or the reason why it is not known.

A fact is never defaulted. Code that needs the value says :func:`known`; whoever runs that code turns
:class:`NotKnown` into a verdict, so that no single check can mistake a denied call for an absent resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from verify.errors import AccessDenied, ApiError, CannotLook

T = TypeVar("T")
S = TypeVar("S")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Value(Generic[T_co]):
    """AWS answered."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Missing:
    """AWS answered that there is no such thing.

    :param why: what is not there, as a clause: ``the bucket logs does not exist``.
    """

    why: str

    def __str__(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class Denied:
    """AWS refused to answer; ``permission`` is the IAM action that is missing."""

    permission: str

    def __str__(self) -> str:
        return f"{self.permission} is denied"


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer."""

    why: str

    def __str__(self) -> str:
        return self.why


NoValue: TypeAlias = Missing | Denied | Failed
Fact: TypeAlias = Value[T] | NoValue


class NotKnown(Exception):
    """A fact without a value was needed; ``fact`` says why there is none."""

    def __init__(self, fact: NoValue) -> None:
        super().__init__(str(fact))
        self.fact = fact


def known(fact: Fact[T]) -> T:
    """The value of a fact.

    :raises NotKnown: it has none.
    """
    if isinstance(fact, Value):
        return fact.value
    raise NotKnown(fact)


def then(fact: Fact[T], question: Callable[[T], Fact[S]]) -> Fact[S]:
    """Ask the next question with a fact's value; a fact without one is the answer to both."""
    return question(fact.value) if isinstance(fact, Value) else fact


def ask(question: Callable[[], T], *, absent: Mapping[str, str] | None = None) -> Fact[T]:
    """Put one question to AWS.

    :param question: calls AWS and picks the value out of the answer.
    :param absent: AWS error codes that mean "not there", each with the clause that says so. Any other error
        is a failure to look. Default: - no error code means that.
    """
    try:
        return Value(question())
    except AccessDenied as error:
        return Denied(error.permission)
    except ApiError as error:
        why = (absent or {}).get(error.code)
        return Failed(str(error)) if why is None else Missing(why)
    except CannotLook as error:
        return Failed(str(error))
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        return Failed(f"AWS answered in a shape that is not documented: {type(error).__name__}: {error}")
