"""Refuses arguments of the wrong type by name, before they cause an error of CDK or Python that names something else.

What is allowed is read from the annotation, so that there is no second list. Only arguments that were given are
checked, and no class is loaded for it: loading would slow down every synth.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

# An interface of CDK is recognized by an attribute: in Python its objects share no class.
_INTERFACES: Final = {
    "kms.IKey": "key_arn",
    "s3.IBucket": "bucket_arn",
    "sns.ITopic": "topic_arn",
    "lambda_.IFunction": "function_arn",
    "dynamodb.ITable": "table_arn",
}
# A parent construct: CDK refuses another value by the name of the parameter.
_CHECKED_BY_CDK: Final = frozenset({"Construct"})
# The types that are checked, each with an example. An annotation of another type is an error.
_EXAMPLES: Final = {
    "bool": "True",
    "int": "10",
    "str": "'text'",
    "cdk.Duration": "cdk.Duration.days(365)",
    "cdk.RemovalPolicy": "cdk.RemovalPolicy.RETAIN",
    "kms.IKey": "kms.Key.from_key_arn(self, 'Key', arn)",
    "s3.IBucket": "s3.Bucket.from_bucket_name(self, 'Bucket', name)",
    "sns.ITopic": "sns.Topic.from_topic_arn(self, 'Topic', arn)",
    "lambda_.IFunction": "lambda_.Function.from_function_name(self, 'Function', name)",
    "dynamodb.ITable": "dynamodb.Table.from_table_name(self, 'Table', name)",
    "logs.RetentionDays": "logs.RetentionDays.ONE_YEAR",
    "s3.ObjectLockRetention": "s3.ObjectLockRetention.governance(cdk.Duration.days(365))",
    "s3.Transition": "s3.Transition(storage_class=s3.StorageClass.GLACIER, transition_after=cdk.Duration.days(90))",
    "AggregationTemplate": "AggregationTemplate.API_ACTIVITY",
    "Condition": "Condition('eventName', Operator.EQUALS, ('DeleteObject',))",
    "EventCategory": "EventCategory.MANAGEMENT",
    "EventSelector": "EventSelector.management()",
    "Insight": "Insight(InsightType.API_CALL_RATE)",
    "InsightType": "InsightType.API_CALL_RATE",
    "Operator": "Operator.EQUALS",
    "ReadWrite": "ReadWrite.WRITE_ONLY",
    "ReplicaTarget": "LogReplica(…).target",
    "SecurityProfile": "SecurityProfile.COMPLIANCE",
}


def typed(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, which now refuses arguments of another type than it is annotated with.

    :raises TypeError: when it is called: what was given, what is allowed, how to fix it. At once where an annotation is
        none that can be checked.
    """
    parameters = inspect.signature(function).parameters.values()
    annotations = {one.name: one.annotation for one in parameters if one.annotation is not inspect.Parameter.empty}
    for name, annotation in annotations.items():
        _require_checkable(f"{function.__qualname__}({name})", annotation)
    by_position = [one.name for one in parameters if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    all_others = [one.name for one in parameters if one.kind is inspect.Parameter.VAR_POSITIONAL]

    @functools.wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        names = itertools.chain(by_position, itertools.cycle(all_others))
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            if name in annotations:  # Python itself refuses the others
                _check(name, value, annotations[name])
        return function(*args, **kwargs)

    return checked


def check_fields(instance: Any) -> None:
    """Refuse a dataclass with a field of another type than it is annotated with.

    :raises TypeError: what was given, what is allowed, how to fix it; or an annotation is none that can be checked.
    """
    for name, annotation in type(instance).__annotations__.items():
        _require_checkable(f"{type(instance).__name__}.{name}", annotation)
        _check(name, getattr(instance, name), annotation)


def _require_checkable(where: str, annotation: str) -> None:
    """Refuse an annotation that :func:`_check` cannot read: its prop would silently not be checked."""
    _, element = _parts(annotation)
    if element not in {*_EXAMPLES, *_CHECKED_BY_CDK}:
        raise TypeError(
            f"{where} is annotated {annotation}, which cannot be checked. Allowed: Mapping[str, str], one of "
            f"{', '.join(_EXAMPLES)}, or a Sequence or tuple of one, each also with ' | None'. Fix: add {element} and "
            "an example to _EXAMPLES in constructs_lib/validation/argument_types.py."
        )


def _parts(annotation: str) -> tuple[str, str]:
    """The container, or ``""``, and the type of a value or of each element, without ``None``."""
    kind = annotation.removesuffix(" | None")
    if kind == "Mapping[str, str]":
        return "Mapping", "str"
    container, _, element = kind.removesuffix("]").rpartition("[")
    return (container, element.removesuffix(", ...")) if container in ("", "Sequence", "tuple") else ("", kind)


def _check(name: str, value: Any, annotation: str) -> None:
    container, element = _parts(annotation)
    if element in _CHECKED_BY_CDK:
        return
    if container == "Mapping":
        allowed, example = "a dict of strings", "{'owner': 'security'}"
    elif container:
        allowed, example = f"a list of {element}", f"[{_EXAMPLES[element]}]"
    else:
        allowed, example = element, _EXAMPLES[element]
    if not _fits(value, annotation):
        raise TypeError(
            f"{name} is {value!r:.100}. Allowed: {allowed}{' or None' if annotation.endswith(' | None') else ''}. "
            f"Fix: pass for example {example}."
        )


def _fits(value: Any, annotation: str) -> bool:
    """Whether the value is one that this annotation means, in the few spellings that this package uses."""
    if annotation.endswith(" | None"):
        return value is None or _fits(value, annotation.removesuffix(" | None"))
    container, _, element = annotation.removesuffix("]").rpartition("[")
    if container == "Mapping":
        kinds = element.split(", ")
        return isinstance(value, Mapping) and all(
            _fits(part, kind) for pair in value.items() for part, kind in zip(pair, kinds, strict=True)
        )
    if container:
        # A string is a sequence of strings to Python, but never a valid list here.
        several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return several and all(_fits(one, element.removesuffix(", ...")) for one in value)
    if annotation in _INTERFACES:
        attribute = _INTERFACES[annotation]
        return hasattr(type(value), attribute) or hasattr(value, attribute)
    name = annotation.rpartition(".")[2]
    return name in (kind.__name__ for kind in type(value).__mro__) and isinstance(value, bool) <= (name == "bool")
