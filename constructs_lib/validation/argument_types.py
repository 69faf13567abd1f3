"""Refuses arguments of the wrong type by name, before they cause an error of CDK or Python that names something else.

``DURATION.or_none.check(expiration=expiration)`` is one line for what may be a duration or left out. No class is loaded
for it: loading those of a service would slow down every synth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument may be.

    :param name: what is allowed, in words of a signature.
    :param example: an argument that fits, as one writes it.
    :param fits: whether a value is one.
    """

    name: str
    example: str
    fits: Callable[[Any], bool]

    def __or__(self, other: Kind) -> Kind:
        """One or the other."""
        return Kind(f"{self.name} or {other.name}", other.example, lambda value: self.fits(value) or other.fits(value))

    @property
    def or_none(self) -> Kind:
        """It, or nothing, which stands for the default."""
        return Kind(f"{self.name} or None", self.example, lambda value: value is None or self.fits(value))

    @property
    def several(self) -> Kind:
        """A list or tuple of it; a string is none, though Python takes it for a sequence of strings."""

        def fits(value: Any) -> bool:
            is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
            return is_list and all(self.fits(each) for each in value)

        return Kind(f"a list of {self.name}", f"[{self.example}]", fits)

    def check(self, of: str = "", /, **given: Any) -> None:
        """Refuse arguments of another type.

        :param of: the class whose fields they are, for the message. Default: - they are arguments of a call.
        :param given: the arguments by their names.
        :raises TypeError: what was given, what is allowed, how to fix it.
        """
        for name, value in given.items():
            if not self.fits(value):
                raise TypeError(
                    f"{f'{of}.' if of else ''}{name} is {value!r:.100}. Allowed: {self.name}. "
                    f"Fix: pass for example {self.example}."
                )


def instance_of(name: str, example: str) -> Kind:
    """The objects of a class that is known by its name, as a module calls it, and of its subclasses."""
    own_name = name.rpartition(".")[2]
    return Kind(name, example, lambda value: any(kind.__name__ == own_name for kind in type(value).__mro__))


def _interface(name: str, attribute: str, example: str) -> Kind:
    """The objects of an interface of CDK, recognized by their attributes: in Python they share no class."""
    return Kind(name, example, lambda value: _has(value, attribute) and _has(value, "env"))


def _has(value: Any, attribute: str) -> bool:
    # Of CDK's own objects the class knows it: to read the attribute would be a call to Node.
    return hasattr(type(value), attribute) or hasattr(value, attribute)


def _maps_strings(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, str) for pair in value.items() for each in pair)


STRING: Final = Kind("str", "'text'", lambda value: isinstance(value, str))
# To Python a bool is an int; to a reader it is none.
INTEGER: Final = Kind("int", "10", lambda value: isinstance(value, int) and not isinstance(value, bool))
BOOLEAN: Final = Kind("bool", "True", lambda value: isinstance(value, bool))
OFF: Final = Kind("False", "False", lambda value: value is False)
STRINGS_BY_STRING: Final = Kind("a dict of strings", "{'owner': 'security'}", _maps_strings)
DURATION: Final = instance_of("cdk.Duration", "cdk.Duration.days(365)")
REMOVAL_POLICY: Final = instance_of("cdk.RemovalPolicy", "cdk.RemovalPolicy.RETAIN")
STACK: Final = instance_of("cdk.Stack", "cdk.Stack(app, 'LogReplica')")
KEY: Final = _interface("kms.IKey", "key_arn", "kms.Key.from_key_arn(self, 'Key', arn)")
BUCKET: Final = _interface("s3.IBucket", "bucket_arn", "s3.Bucket.from_bucket_name(self, 'Bucket', name)")
TOPIC: Final = _interface("sns.ITopic", "topic_arn", "sns.Topic.from_topic_arn(self, 'Topic', arn)")
FUNCTION: Final = _interface(
    "lambda_.IFunction", "function_arn", "lambda_.Function.from_function_name(self, 'Function', name)"
)
TABLE: Final = _interface("dynamodb.ITable", "table_arn", "dynamodb.Table.from_table_name(self, 'Table', name)")
LOG_GROUP: Final = _interface(
    "logs.ILogGroup", "log_group_arn", "logs.LogGroup.from_log_group_name(self, 'LogGroup', name)"
)
ROLE: Final = _interface("iam.IRole", "role_arn", "iam.Role.from_role_arn(self, 'Role', arn)")
RETENTION_DAYS: Final = instance_of("logs.RetentionDays", "logs.RetentionDays.ONE_YEAR")
OBJECT_LOCK: Final = instance_of("s3.ObjectLockRetention", "s3.ObjectLockRetention.governance(cdk.Duration.days(365))")
TRANSITION: Final = instance_of(
    "s3.Transition",
    "s3.Transition(storage_class=s3.StorageClass.GLACIER, transition_after=cdk.Duration.days(90))",
)
