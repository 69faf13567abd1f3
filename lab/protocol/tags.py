"""Tags of a request: no key twice. https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Codes that the services' own documents name; ValidationException elsewhere.
_CODES = {
    "cloudformation": "ValidationError",
    "cloudtrail": "InvalidTagParameterException",
    "cloudwatch": "InvalidParameterValue",
    "ec2": "InvalidParameterValue",
    "kms": "TagException",
    "logs": "InvalidParameterException",
    "s3": "InvalidTag",
    "secretsmanager": "InvalidParameterException",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
}
_LISTS = re.compile(r"[tT]ags|Tags?List|TagSet")
_KEYS = ("Key", "TagKey", "key", "tagKey")


def tags_fault(service: str, parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """The code and the message for a key of a tag that appears twice; None when none does. IAM says so itself, and in
    other words, since keys that differ in case are the same there.

    :param service: botocore's name of the service.
    """
    for tags in _lists_of_tags(parameters):
        keys = [next((each[name] for name in _KEYS if name in each), None) for each in tags if isinstance(each, dict)]
        repeated = next((key for key in keys if key is not None and keys.count(key) > 1), None)
        if repeated is not None:
            code = _CODES.get(service, "ValidationException")
            return code, f"Duplicate tag key '{repeated}': a resource has one tag of each key."
    return None


def _lists_of_tags(value: Any) -> Iterator[list[Any]]:
    """The lists of tags in parameters, also in those for a part of what is made (`TagSpecifications`)."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if isinstance(each, list) and _LISTS.fullmatch(str(name)):
                yield each
            elif isinstance(each, Mapping) or name == "TagSpecifications":
                yield from _lists_of_tags(each)
    elif isinstance(value, list):
        for each in value:
            yield from _lists_of_tags(each)
