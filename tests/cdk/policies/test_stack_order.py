"""What the trail delivers to is deployed before it, also where only a name leads there."""

import dataclasses
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from constructs_lib import Alerts, DeliveryNotifications, LogReplica, NewBucket, Replica, SecureTrail
from tests.cdk.conftest import new_app

HERE, THERE = (cdk.Environment(account=account, region="eu-central-1") for account in ("111122223333", "444455556666"))
PLACE = f"{HERE.region}:{HERE.account}"

PROPS: dict[str, Callable[[cdk.Stack], dict[str, Any]]] = {
    "bucket": lambda there: {"log_bucket": s3.Bucket(there, "Bucket", bucket_name="archive")},
    "alerts": lambda there: {"alerts": Alerts(topic=sns.Topic(there, "Topic", topic_name="alerts"))},
    "messages": lambda there: {
        "delivery_notifications": DeliveryNotifications(topic=sns.Topic(there, "Topic", topic_name="files"))
    },
    "replica": lambda there: {
        "log_bucket": NewBucket(
            replica=Replica(
                target=dataclasses.replace(
                    LogReplica(there, "Replica", bucket_name="copies", source_account=HERE.account).target,
                    key_arn=f"arn:aws:kms:eu-central-1:{THERE.account}:key/k",
                )
            )
        )
    },
}


@pytest.mark.parametrize("prop", PROPS)
def test_the_stack_of_what_exists_in_another_account_is_deployed_first(prop: str) -> None:
    app = new_app()
    here, there = cdk.Stack(app, "Here", env=HERE), cdk.Stack(app, "There", env=THERE)

    SecureTrail(
        here,
        "SecureTrail",
        trail_name="audit",
        encryption_key=kms.Key.from_key_arn(here, "Key", f"arn:aws:kms:eu-central-1:{THERE.account}:key/k"),
        **PROPS[prop](there),
    )

    assert here.dependencies == [there]


IMPORTED: dict[str, Callable[[cdk.Stack], dict[str, Any]]] = {
    "key": lambda there: {"encryption_key": kms.Key.from_key_arn(there, "Key", f"arn:aws:kms:{PLACE}:key/k")},
    "alerts": lambda there: {
        "alerts": Alerts(topic=sns.Topic.from_topic_arn(there, "Topic", f"arn:aws:sns:{PLACE}:alerts"))
    },
    "messages": lambda there: {
        "delivery_notifications": DeliveryNotifications(
            topic=sns.Topic.from_topic_arn(there, "Topic", f"arn:aws:sns:{PLACE}:files")
        )
    },
    "bucket": lambda there: {"log_bucket": s3.Bucket.from_bucket_name(there, "Bucket", "archive")},
}


@pytest.mark.parametrize("prop", IMPORTED)
def test_a_stack_that_only_imports_it_may_refer_to_the_trail(prop: str) -> None:
    app = new_app()
    here, there = cdk.Stack(app, "Here", env=HERE), cdk.Stack(app, "There", env=HERE)

    made = SecureTrail(here, "SecureTrail", **IMPORTED[prop](there))
    cdk.CfnOutput(there, "Trail", value=made.trail.ref)

    app.synth()
    assert (here.dependencies, there.dependencies) == ([], [here])


def test_an_app_may_leave_the_order_of_a_replica_to_itself() -> None:
    """The way out in UPGRADING.md, for a replica's stack that refers to what is made for the trail."""
    app = new_app()
    here = cdk.Stack(app, "Here", env=HERE, cross_region_references=True)
    region = cdk.Environment(account=HERE.account, region="eu-west-1")
    there = cdk.Stack(app, "There", env=region, cross_region_references=True)
    target = dataclasses.replace(
        LogReplica(there, "Replica", bucket_name="copies", key_alias="alias/c").target, stack=None
    )

    made = SecureTrail(here, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)), alerts=Alerts())
    assert made.alert_topic is not None
    cdk.CfnOutput(there, "Alerts", value=made.alert_topic.topic_arn)

    app.synth()
    assert there.dependencies == [here]


def test_the_order_that_an_app_has_is_kept() -> None:
    """Of two trails that copy to each other, neither stack can be first; another stage is deployed by itself."""
    app = new_app()
    stage = cdk.Stage(app, "Stage")
    apart, here = cdk.Stack(stage, "Apart", env=HERE), cdk.Stack(app, "Here", env=HERE)
    there = cdk.Stack(app, "There", env=cdk.Environment(account=HERE.account, region="eu-west-1"))
    of_here = LogReplica(here, "Replica", bucket_name="of-there", key_alias="alias/c").target
    of_there = LogReplica(there, "Replica", bucket_name="of-here", key_alias="alias/c").target

    for stack, target in ((here, of_there), (there, of_here), (apart, of_there)):
        SecureTrail(stack, "SecureTrail", log_bucket=NewBucket(replica=Replica(target=target)))

    assert (here.dependencies, there.dependencies, apart.dependencies) == ([there], [], [])
    app.synth()


def test_a_nested_stack_is_deployed_with_its_parent() -> None:
    parent = cdk.Stack(new_app(), "Here", env=HERE)
    topic = sns.Topic(parent, "Topic")

    SecureTrail(cdk.NestedStack(parent, "Nested"), "SecureTrail", alerts=Alerts(topic=topic))

    assert parent.dependencies == []
