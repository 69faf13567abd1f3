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
