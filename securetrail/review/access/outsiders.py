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
# Where a text names an account whatever the property is called: in an ARN, or as the host of a queue or an image.
_IN_A_NAME: Final = re.compile(
    r"(?:arn:[\w-]+:[\w-]*:[\w-]*:|amazonaws\.com(?:\.cn)?/)(\d{12})(?!\d)|(?<!\d)(\d{12})\.dkr\.ecr\."
)
_BUCKET_NAME: Final = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
# In an ARN or a URL, or as the first part of a domain of S3, such as of the logs of a distribution.
_BUCKET: Final = re.compile(
    f"(?:arn:aws[a-z-]*:s3:::|s3[an]?://)({_BUCKET_NAME})"
    rf"|(?<![\w.-])({_BUCKET_NAME})\.s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com"
)
# The properties that name a bucket without an ARN: to write to, such as DestinationBucketName, or to take code from.
_OF_BUCKETS: Final = re.compile(r"BucketName$|^(?:Destination|Log|Logging|Output|Results?|S3)Bucket$")
# Where CDK puts what it deploys. It is read from there, and nothing is written.
_OF_ASSETS: Final = "cdk-[a-z0-9]{{1,10}}-assets-{}-[a-z0-9-]+"
# Accounts of AWS whose layers are in many functions.
# https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/ (017000801446)
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-insights.html (580247275435)
# https://aws-otel.github.io/docs/getting-started/lambda (901920570463)
# https://aws-sdk-pandas.readthedocs.io/en/stable/layers.html (336392948345)
_OF_AWS: Final = {"Layers": {"017000801446", "336392948345", "580247275435", "901920570463"}}
# What only people read.
_TELLS: Final = re.compile(r"^Tags?$|^HostedZoneTags$|Description$|^Comment$|^DisplayName$")
# A number is an account's only where the property's name says so: there are limits and sizes of twelve digits.
_OF_ACCOUNTS: Final = re.compile("account|owner|principal|member|awsid|userid|targetid", re.IGNORECASE)
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


def new_outsiders(
    variants: Sequence[Variant], base: Sequence[Template], written: Sequence[Variant] = ()
) -> tuple[Outsider, ...]:
    """The accounts, buckets and domains outside that the head's resources name and the base does not.

    :param base: the base's templates as they are written.
    :param written: the variants with each side's own names, where `variants` have old names in the place of new ones.
    """
    made = {
        f"the bucket {resource.reference}"
        for variant in (*variants, *written)
        for side in (variant.base, variant.head)
        for resource in side.values()
        if resource.type == _BUCKETS
    }
    known = {who for template in base for who in _of_text(as_json(template.body))}
    known |= {f"the bucket {text}" for template in base for text in _texts(template.body)}
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
            own = {f"the account {resource.account}"}
            assets = re.compile("the bucket " + _OF_ASSETS.format(resource.account))
            for outsider in _of_resource(resource, here):
                if outsider.who not in before | own and not assets.fullmatch(outsider.who):
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
        # A bucket's own name, and a macro, which is an objection whatever it names.
        if name == "Fn::Transform" or (resource.type == _BUCKETS and name == "BucketName"):
            continue
        if name not in JUDGED.get(resource.type, ()):
            aws = {f"the account {each}" for each in _OF_AWS.get(name, ())}
            yield from (
                Outsider(resource.id, name, who) for who in dict.fromkeys(_named(value, name)) if who not in aws
            )


def _of_text(text: str) -> Iterator[str]:
    yield from (f"the account {found}" for found in _ACCOUNT.findall(text))
    yield from (f"the bucket {''.join(found)}" for found in _BUCKET.findall(text))
    yield from _domains(text)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping | list):
        for each in node.values() if isinstance(node, Mapping) else node:
            yield from _texts(each)


def _domains(text: str) -> Iterator[str]:
    yield from (f"the domain {found.lower()}" for found in _DOMAIN.findall(text))


def _named(value: Any, name: str = "") -> Iterator[str]:
    """The accounts and buckets in a property.

    :param name: that the value has, or the list that it is in.
    """
    if _TELLS.search(name):
        return
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _named(entry, str(key))
    elif isinstance(value, list):
        for entry in value:
            yield from _named(entry, name)
    elif isinstance(value, str | NotComparable | int):
        text = value.text if isinstance(value, NotComparable) else str(value)
        yield from (f"the account {''.join(found)}" for found in _IN_A_NAME.findall(text))
        if _OF_ACCOUNTS.search(name) or isinstance(value, NotComparable):
            yield from (f"the account {found}" for found in _ACCOUNT.findall(text))
        yield from (f"the bucket {''.join(found)}" for found in _BUCKET.findall(text))
        if _OF_BUCKETS.search(name) and re.fullmatch(_BUCKET_NAME, text):
            yield f"the bucket {text}"
