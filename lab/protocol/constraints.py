"""What AWS requires of names, paths, descriptions, tags and numbers: lengths, patterns and limits, as in its models.

Not all models are exact about other members, so no others are looked at.
https://smithy.io/2.0/spec/constraint-traits.html
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_NAMES = re.compile(r".*[nN]ame|[pP]ath|[dD]escription|(Tag)?(Key|Value)")
# These read names, or other texts that only look like one; what is read is not kept.
_KEEPS = ("Add", "Create", "Put", "Set", "Tag", "Update", "Upload")

_TAG_PATTERN = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"
# What the models leave out: https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html and
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
_UNSTATED = {
    ("sns", "Name"): r"[a-zA-Z0-9_-]{1,256}|[a-zA-Z0-9_-]{1,251}\.fifo",
    ("sns", "Key"): _TAG_PATTERN,
    ("sns", "Value"): _TAG_PATTERN,
    ("sqs", "QueueName"): r"[a-zA-Z0-9_-]{1,80}|[a-zA-Z0-9_-]{1,75}\.fifo",
}
# The code of the error, by the service whose names are looked at.
CODES = {
    "cloudformation": "ValidationError",
    "events": "ValidationException",
    "iam": "ValidationError",
    "kms": "ValidationException",
    "logs": "InvalidParameterException",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "sts": "ValidationError",
}
# Java's classes of characters in Python's words: https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\w", r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"}
_SHOWN_CHARACTERS = 100


def keeps_names(service: str, operation: str) -> bool:
    """Whether an operation keeps texts that are looked at here."""
    return service in CODES and (service == "sts" or operation.startswith(_KEEPS))


def violation(service: str, operation: OperationModel, parameters: dict[str, Any]) -> str | None:
    """What of a call's parameters AWS would not take, in its words; None when it takes all.

    :param service: botocore's name of the service, such as `iam`.
    """
    shape = operation.input_shape
    found = list(_violations(service, shape, parameters, "")) if shape is not None else []
    if not found:
        return None
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}"


def _violations(service: str, shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _of_members(service, shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for number, each in enumerate(value, start=1):
            yield from _violations(service, shape.member, each, f"{path}.{number}.member")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for key, each in value.items():
            yield from _of_text(key, shape.key, None, path)
            if isinstance(each, str):
                yield from _of_text(each, shape.value, None, f"{path}.{key}")


def _of_members(service: str, shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for member, member_shape in shape.members.items():
        inner = value.get(member)
        at = f"{path}.{_lower(member)}" if path else _lower(member)
        if isinstance(inner, int) and not isinstance(inner, bool):
            yield from _of_number(inner, member_shape, at)
        elif not isinstance(inner, str):
            if inner is not None:
                yield from _violations(service, member_shape, inner, at)
        elif _NAMES.fullmatch(member):
            yield from _of_text(inner, member_shape, _UNSTATED.get((service, member)), at)


def _of_number(number: int, shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    if number < limits.get("min", number):
        must = f"have value greater than or equal to {limits['min']}"
    elif number > limits.get("max", number):
        must = f"have value less than or equal to {limits['max']}"
    else:
        return
    yield f"Value '{number}' at '{path}' failed to satisfy constraint: Member must {must}"


def _of_text(text: str, shape: Shape, unstated: str | None, path: str) -> Iterator[str]:
    limits = shape.metadata
    pattern = limits.get("pattern", unstated)
    if len(text) < limits.get("min", 0):
        must = f"have length greater than or equal to {limits['min']}"
    elif len(text) > limits.get("max", len(text)):
        must = f"have length less than or equal to {limits['max']}"
    elif pattern is not None and not _compiled(pattern).fullmatch(text):
        must = f"satisfy regular expression pattern: {pattern}"
    else:
        return
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    yield f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {must}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """In Java a word character means ASCII; what Python cannot read takes everything."""
    is_wide = r"\p{" in pattern
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, 0 if is_wide else re.ASCII)
    except re.error:
        return re.compile(r"(?s:.*)")


def _lower(name: str) -> str:
    return f"{name[:1].lower()}{name[1:]}"
