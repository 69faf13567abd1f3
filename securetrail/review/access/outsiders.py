"""Whom a change names that the base does not: another account, a bucket that nobody here makes, or another domain.

Data leaves by many properties: replication, subscriptions, destinations of logs. Whatever the property is called, it
names the account or the bucket that gets the data; where it is sent outside of AWS, the domain. Policies are left to
the comparison of what they allow.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from securetrail.review.access.policies import JUDGED
from securetrail.review.template import Id, NotComparable, Resource, Template, Variant, as_json

# Not a part of a longer word, such as a bucket's name or a UUID.
_ACCOUNT: Final = re.compile(r"(?<![\w-])\d{12}(?![\w-])")
_BUCKET: Final = re.compile(r"arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])")
# A number is an account's only where the property's name says so: there are limits and sizes of twelve digits.
_OF_ACCOUNTS: Final = re.compile("account|owner|principal", re.IGNORECASE)
_BUCKETS: Final = "AWS::S3::Bucket"
_DOMAIN: Final = re.compile(r"(?:@|https?://(?:[^/@\s]*@)?)([a-z0-9](?:[a-z0-9-]*\.)+[a-z]{2,})", re.IGNORECASE)
# What sends to an address or a URL. Elsewhere most are no destinations: a link in a description, an identity provider.
_SENDS_TO: Final = {
    "AWS::Events::ApiDestination": "InvocationEndpoint",
    "AWS::KinesisFirehose::DeliveryStream": "HttpEndpointDestinationConfiguration",
    "AWS::SNS::Subscription": "Endpoint",
    "AWS::SNS::Topic": "Subscription",
}


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody that a resource of the head names.

    :param property: the resource's top-level property that does so.
    :param who: ``the account 999988887777``, ``the bucket somebody-elses``, ``the domain example.net``.
    """

    resource: Id
    property: str
    who: str


def new_outsiders(variants: Sequence[Variant], base: Sequence[Template]) -> tuple[Outsider, ...]:
    """The accounts, buckets and domains outside that the head's resources name and the base does not.

    :param base: the base's templates as they are written.
    """
    made = {
        f"the bucket {resource.reference}"
        for variant in variants
        for side in (variant.base, variant.head)
        for resource in side.values()
        if resource.type == _BUCKETS
    }
    known = {who for template in base for who in _of_text(as_json(template.body))}
    known |= {f"the account {template.account}" for template in base}
    found: dict[Outsider, None] = {}
    for variant in variants:
        changed = {each: new for each, new in variant.head.items() if variant.base.get(each) != new}
        if not changed:
            continue
        before = known | made
        for old in variant.base.values():
            before |= {f"the account {old.account}", *_named(old.properties), *_domains(as_json(old.properties))}
        here = {old.reference for old in variant.base.values()}
        for resource in changed.values():
            for outsider in _of_resource(resource, here):
                if outsider.who not in before and outsider.who != f"the account {resource.account}":
                    found[outsider] = None
    return tuple(found)


def _of_resource(resource: Resource, base: Collection[str]) -> Iterator[Outsider]:
    """Whom a resource names.

    :param base: what the base's resources are called by others.
    """
    # What a new topic tells is new as well.
    topic = resource.properties.get("TopicArn", resource.reference)
    sends_to = _SENDS_TO.get(resource.type, "")
    if sends_to and (":SNS::" not in resource.type or not isinstance(topic, str) or topic in base):
        for who in dict.fromkeys(_domains(as_json(resource.properties.get(sends_to)))):
            yield Outsider(resource.id, sends_to, who)
    for name, value in resource.properties.items():
        if name not in JUDGED.get(resource.type, ()):
            yield from (Outsider(resource.id, name, who) for who in dict.fromkeys(_named(value, name)))


def _of_text(text: str) -> Iterator[str]:
    yield from _named(text)
    yield from _domains(text)


def _domains(text: str) -> Iterator[str]:
    yield from (f"the domain {found.lower()}" for found in _DOMAIN.findall(text))


def _named(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _named(entry, str(key))
    elif isinstance(value, list):
        for entry in value:
            yield from _named(entry, name)
    elif isinstance(value, str | NotComparable) or (isinstance(value, int) and _OF_ACCOUNTS.search(name)):
        text = value.text if isinstance(value, NotComparable) else str(value)
        yield from (f"the account {found}" for found in _ACCOUNT.findall(text))
        yield from (f"the bucket {found}" for found in _BUCKET.findall(text))
