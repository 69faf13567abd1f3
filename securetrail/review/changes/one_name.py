"""Both sides with one name for each resource that can be named in several ways: a key by its id, ARN or alias.

Which of them a template uses changes nothing. A key that a bucket names by an alias is the exception: S3 looks for the
alias in the account of whoever writes, who may have another key by this name.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.template import Id, Resource, Variant

# KmsKeyId, KMSMasterKeyID, ReplicaKmsKeyID, TargetKeyId, …
_OF_KEYS: Final = re.compile(r"\w*(?:KMS|Kms)\w*Key\w*|TargetKeyId|KeyId")
# What compares texts: a request that names the key by its id is another one than one that names it by its ARN.
_TEXTS: Final = re.compile(r"\w*Pattern|\w*Policy|\w*PolicyDocument|Policies|Environment|\w*Selectors|Definition\w*")
_OF_BUCKETS: Final = {"KMSMasterKeyID", "ReplicaKmsKeyID"}
_OF_TOPICS: Final = {"SnsTopicName", "TopicArn"}
_OF_LOG_GROUPS: Final = {"CloudWatchLogsLogGroupArn", "LogGroupArn"}
_OF_BUSES: Final = {"EventBusName"}
_OF_FUNCTIONS: Final = {"FunctionName"}
_KEYS: Final = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
_BUS: Final = re.compile(r"arn:[^:]*:events:([^:]*:[^:]*):event-bus/(.+)")
Resources = Mapping[Id, Resource]


def with_one_name(variant: Variant) -> Variant:
    """The same variant: keys, topics and functions are named by ARN, log groups without a star, buses by name."""
    by_alias = {value for each in variant.head.values() for value in _aliases_of_buckets(each.properties)}
    return dataclasses.replace(
        variant, base=_named(variant.base, keeping=by_alias), head=_named(variant.head, keeping=None)
    )


def _named(resources: Resources, keeping: set[str] | None) -> Resources:
    """The resources with one name for each.

    :param keeping: aliases that buckets go on naming their keys by; all of them if it is None.
    """
    names = _Names(resources, keeping)
    return {
        each: dataclasses.replace(
            resource, properties=names.in_place(resource.properties, ":".join(resource.arn.split(":")[3:5]))
        )
        for each, resource in resources.items()
    }


class _Names:
    def __init__(self, resources: Resources, keeping: set[str] | None) -> None:
        self._keeping = keeping
        self._keys: dict[str, str] = {}
        self._topics: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        for resource in resources.values():
            if resource.type in _KEYS:
                self._keys[resource.reference] = resource.arn
            elif resource.type == "AWS::SNS::Topic":
                self._topics[resource.arn.rpartition(":")[2]] = resource.arn
            elif resource.type == "AWS::Lambda::Function":
                self._functions[resource.reference] = resource.arn
        arns = {resource.arn for resource in resources.values() if resource.type in _KEYS}
        for resource in resources.values():
            if resource.type == "AWS::KMS::Alias":
                target = str(resource.properties.get("TargetKeyId"))
                key = self._keys.get(target, target)
                if key in arns:
                    self._keys |= {resource.reference: key, resource.arn: key}

    def in_place(self, value: Any, home: str, name: str = "") -> Any:
        """A value with one name for each resource.

        :param home: region and account of the resource that has it: a bus elsewhere keeps its ARN.
        :param name: of the property that has it.
        """
        if isinstance(value, Mapping):
            return {
                key: entry if _TEXTS.fullmatch(str(key)) else self.in_place(entry, home, str(key))
                for key, entry in value.items()
            }
        if isinstance(value, list):
            return [self.in_place(entry, home, name) for entry in value]
        return self._one(value, home, name) if isinstance(value, str) else value

    def _one(self, text: str, home: str, name: str) -> str:
        if _OF_KEYS.fullmatch(name):
            is_kept = name in _OF_BUCKETS and text.startswith("alias/")
            return text if is_kept and (self._keeping is None or text in self._keeping) else self._keys.get(text, text)
        if name in _OF_TOPICS:
            return self._topics.get(text, text)
        if name in _OF_FUNCTIONS:
            return self._functions.get(text, text)
        if name in _OF_LOG_GROUPS:
            return text.removesuffix(":*")
        if name in _OF_BUSES and (found := _BUS.fullmatch(text)) and found[1] == home:
            return found[2]
        return text


def _aliases_of_buckets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _aliases_of_buckets(entry, str(key))
    elif isinstance(value, list):
        for entry in value:
            yield from _aliases_of_buckets(entry, name)
    elif isinstance(value, str) and name in _OF_BUCKETS and value.startswith("alias/"):
        yield value
