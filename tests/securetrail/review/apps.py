"""Real apps, synthesized in this process, and what the review says of the difference between two of them."""

import copy
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import IConstruct

from constructs_lib import (
    Analytics,
    DeliveryNotifications,
    EventSelector,
    Insight,
    InsightType,
    SecureTrail,
    SecurityProfile,
)
from securetrail.review.comparison import Difference, Side, compare_sides
from securetrail.review.sides.read import read_side
from securetrail.review.sides.synth import Synth
from tests.cdk.props import props_of

ROOT = Path(__file__).parents[3]
ACCOUNT, FOREIGN = "111122223333", "999988887777"
REGION = "eu-central-1"
CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"] | {
    # CDK's own validation of each template takes longer than the synth, and says nothing about the difference.
    "@aws-cdk/core:validateAgainstDefaultRules": False,
    "aws:cdk:enable-asset-metadata": True,
}
# A trail with everything that can be lost, each field of its groups by its path.
FULL: dict[str, Any] = {
    "profile": SecurityProfile.COMPLIANCE,
    "trail_name": "audit",
    "log_bucket__bucket_name": f"audit-logs-{ACCOUNT}",
    "recording__event_selectors": [
        EventSelector.management(),
        EventSelector.s3_objects(event_names=["DeleteObject", "PutObjectRetention"]),
    ],
    "recording__insights": [Insight(InsightType.API_CALL_RATE), Insight(InsightType.API_ERROR_RATE)],
    "log_bucket__retention__expiration": cdk.Duration.days(7 * 365),
    "log_bucket__retention__noncurrent_version_expiration": cdk.Duration.days(365),
    "log_bucket__retention__object_lock": s3.ObjectLockRetention.compliance(cdk.Duration.days(365)),
    "break_glass_principal_arns": [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("BreakGlass", "Deployer")],
    "delivery_notifications": DeliveryNotifications(),
    "analytics": Analytics(),
    "encryption_key__pending_window": cdk.Duration.days(30),
}


@dataclass
class Built:
    """An app before its synth.

    :param trails: by stack.
    """

    app: cdk.App
    stack: cdk.Stack
    trail: SecureTrail
    more: dict[str, Any] = field(default_factory=dict)

    def resources(
        self, resource_type: str, inside: str = "", scope: IConstruct | None = None
    ) -> Iterator[cdk.CfnResource]:
        """The resources of a type whose path holds a text."""
        for each in (scope or self.app).node.find_all():
            if (
                cdk.CfnResource.is_cfn_resource(each)
                and cast("cdk.CfnResource", each).cfn_resource_type == resource_type
                and inside in each.node.path
            ):
                yield cast("cdk.CfnResource", each)

    def resource(self, resource_type: str, inside: str = "") -> cdk.CfnResource:
        """The first of them, in the order of their paths; the trail's own before those of a replica."""
        found = sorted(self.resources(resource_type, inside), key=lambda each: (len(each.node.path), each.node.path))
        assert found, f"no {resource_type} in {inside!r}"
        return found[0]

    def override(self, resource_type: str, path: str, value: Any, inside: str = "") -> None:
        """Give a property another value."""
        self.resource(resource_type, inside).add_property_override(path, value)

    def drop(self, resource_type: str, path: str, inside: str = "") -> None:
        """Take a property away."""
        self.resource(resource_type, inside).add_property_deletion_override(path)

    def policy(self, resource_type: str, name: str, inside: str, edit: Callable[[list[Any]], None]) -> None:
        """Edit a policy's statements as a hand that writes templates would.

        :param name: of the property: ``PolicyDocument``, ``KeyPolicy``.
        """
        document = self.written(resource_type, name, inside)
        edit(document["Statement"])
        self.override(resource_type, name, document, inside)

    def written(self, resource_type: str, name: str, inside: str = "") -> Any:
        """A property as the base's template has it."""
        logical_id = self.stack.resolve(self.resource(resource_type, inside).logical_id)
        return copy.deepcopy(_full_template()["Resources"][logical_id]["Properties"][name])

    def remove(self, resource_type: str, inside: str = "") -> None:
        """Take a resource away, with its construct."""
        resource = self.resource(resource_type, inside)
        scope = resource.node.scope
        assert scope is not None
        for each in self.app.node.find_all():
            if cdk.CfnResource.is_cfn_resource(each) and each is not resource:
                cast("cdk.CfnResource", each).remove_resource_dependency(resource)
        assert scope.node.try_remove_child(resource.node.id)


Change = Callable[[Built], object]


def build(
    props: dict[str, Any], change: Change | None = None, *, stack_id: str = "Audit", construct_id: str = "SecureTrail"
) -> Built:
    """A stack with a trail, and around it what other parts of an app have."""
    app = cdk.App(context=CONTEXT, analytics_reporting=False)
    stack = cdk.Stack(
        app,
        stack_id,
        env=cdk.Environment(account=ACCOUNT, region=REGION),
        synthesizer=cdk.LegacyStackSynthesizer(),
        termination_protection=True,
    )
    trail = SecureTrail(stack, construct_id, **props_of(props))
    built = Built(app, stack, trail)
    _others(built)
    if change is not None:
        change(built)
    return built


@functools.cache
def _full_template() -> dict[str, Any]:
    built = build(FULL)
    template: dict[str, Any] = built.app.synth().get_stack_by_name("Audit").template
    return template


def _others(built: Built) -> None:
    """A bucket of somebody else, an auditor who reads, an alarm and an address that alerts go to."""
    reports = s3.Bucket(
        built.stack,
        "Reports",
        versioned=True,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.KMS_MANAGED,
    )
    auditor = iam.Role(built.stack, "Auditor", assumed_by=iam.AccountRootPrincipal())
    built.trail.grant_read(auditor)
    alarm = cloudwatch.Alarm(
        built.stack,
        "Errors",
        metric=cloudwatch.Metric(namespace="App", metric_name="Errors"),
        threshold=1,
        evaluation_periods=1,
    )
    built.more = {"reports": reports, "auditor": auditor, "alarm": alarm}
    topic = getattr(built.trail, "alert_topic", None)
    if topic is not None:
        topic.add_subscription(subscriptions.EmailSubscription("security@example.com"))


def side(built: Built) -> Side:
    """The app's side of a review, through its cloud assembly."""
    return read_side("app", Synth(Path(built.app.synth().directory), 0, ""), ROOT)


def difference(base: Side, head: Built) -> Difference:
    """What the review says of a change."""
    return compare_sides(base, side(head))


def kinds(difference_: Difference) -> set[str]:
    """The objections, without what differs."""
    return {each.id.split(":")[0] for each in difference_.objections}
