"""Both sides with the values of parameters and secrets that the app makes itself, where the change gives them others.

What is read at the deployment is the same text on both sides, whatever the parameter says.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.template import Id, Resource, Variant

# The property that has the value, and what a dynamic reference to it begins with.
_HOLDING: Final = {
    "AWS::SSM::Parameter": ("Value", "ssm"),
    "AWS::SecretsManager::Secret": ("SecretString", "secretsmanager"),
}
# A version that is named stays what it was; another one of a secret is another text anyway.
_WHOLE: Final = r"\{{\{{resolve:{}:{}(?::SecretString:*)?\}}\}}"
_GIVEN: Final = "(value of the SSM parameter {})"
Resources = Mapping[Id, Resource]


def with_own_values(variant: Variant) -> Variant:
    """The same variant; one that reads nothing of what changes is left as it is."""
    before, after = dict(_values(variant.base)), dict(_values(variant.head))
    others = [name for name in before if name in after and before[name] != after[name]]
    if not others:
        return variant
    return dataclasses.replace(
        variant,
        base=_in_place(variant.base, {name: before[name] for name in others}),
        head=_in_place(variant.head, {name: after[name] for name in others}),
    )


def _values(resources: Resources) -> Iterator[tuple[tuple[str, str], str]]:
    """The values, by the service and each name that a reference may have."""
    for resource in resources.values():
        name, service = _HOLDING.get(resource.type, ("", ""))
        value = resource.properties.get(name)
        if isinstance(value, str):
            for called in {resource.reference, resource.arn, str(resource.properties.get("Name"))}:
                yield (service, called), value


def _in_place(resources: Resources, values: Mapping[tuple[str, str], str]) -> Resources:
    patterns = {
        re.compile(_WHOLE.format(service, re.escape(name)) + "|" + re.escape(_GIVEN.format(name))): value
        for (service, name), value in values.items()
    }

    def replaced(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {key: replaced(value) for key, value in node.items()}
        if isinstance(node, list):
            return [replaced(each) for each in node]
        if isinstance(node, str):
            for pattern, value in patterns.items():
                node = value.join(pattern.split(node))
        return node

    return {
        each: dataclasses.replace(resource, properties=replaced(resource.properties))
        for each, resource in resources.items()
    }
