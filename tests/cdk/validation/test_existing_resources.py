"""Resources of another region or account: refused where AWS refuses, with a warning where no alert would be raised."""

import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import Alerts, Analytics, CloudWatchLogs, DeliveryNotifications, LogReplica, NewBucket, SecureTrail
from tests.cdk.conftest import new_app

HERE, THERE, ACCOUNT, OTHER = "eu-central-1", "eu-west-1", "111122223333", "444455556666"


def key_in(stack: cdk.Stack, region: str, account: str = ACCOUNT) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "K", f"arn:aws:kms:{region}:{account}:key/imported")


def bucket_in(stack: cdk.Stack, region: str, account: str = ACCOUNT) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(stack, "B", bucket_name="theirs", region=region, account=account)


def topic(stack: cdk.Stack, name: str = "theirs", region: str = HERE, **attributes: Any) -> sns.ITopic:
    arn = f"arn:aws:sns:{region}:{ACCOUNT}:{name}"
    return sns.Topic.from_topic_attributes(stack, "T", topic_arn=arn, **attributes)


def log_group_in(stack: cdk.Stack, region: str, account: str = ACCOUNT) -> logs.ILogGroup:
    arn = f"arn:aws:logs:{region}:{account}:log-group:shared"
    return logs.LogGroup.from_log_group_arn(stack, "LogGroupElsewhere", arn)


def infrequent_access(stack: cdk.Stack) -> logs.ILogGroup:
    return logs.LogGroup(stack, "G", log_group_class=logs.LogGroupClass.INFREQUENT_ACCESS)


def of_other_account(stack: cdk.Stack) -> cdk.Stack:
    return cdk.Stack(cdk.App.of(stack), "There", env=cdk.Environment(account=OTHER, region=HERE))


def both_there(stack: cdk.Stack) -> dict[str, Any]:
    return {"encryption_key": key_in(stack, THERE), "log_bucket": bucket_in(stack, THERE)}


def alias(stack: cdk.Stack, key: kms.IKey | None = None) -> kms.IKey:
    name = "alias/mine"
    return (
        kms.Alias.from_alias_name(stack, "A", name)
        if key is None
        else kms.Alias(stack, "A", alias_name=name, target_key=key)
    )


def sns_key(stack: cdk.Stack) -> kms.IKey:
    return kms.Alias.from_alias_name(stack, "A", "alias/aws/sns")


def rsa_key(stack: cdk.Stack) -> kms.IKey:
    return kms.Key(stack, "K", key_spec=kms.KeySpec.RSA_2048, key_usage=kms.KeyUsage.ENCRYPT_DECRYPT)


REFUSED: dict[str, tuple[Callable[[cdk.Stack], dict[str, Any]], str]] = {
    "imported alias": (
        lambda stack: {"encryption_key": kms.Alias.from_alias_name(stack, "A", "alias/logs")},
        "encryption_key is the alias Here/A",
    ),
    "alias of a key": (
        lambda stack: {
            "encryption_key": kms.Alias(stack, "A", alias_name="alias/logs", target_key=kms.Key(stack, "Target"))
        },
        "encryption_key is the alias Here/A",
    ),
    "disabled key": (
        lambda stack: {"encryption_key": kms.Key(stack, "K", enabled=False)},
        "encryption_key Here/K is disabled",
    ),
    "log group": (
        lambda stack: {**both_there(stack), "cloudwatch": CloudWatchLogs()},
        f"cloudwatch was given(?s:.*)in {HERE}, and that key is in {THERE}",
    ),
    "log group elsewhere": (
        lambda stack: {"cloudwatch": CloudWatchLogs(log_group=log_group_in(stack, THERE))},
        f"CloudWatchLogs.log_group is in {THERE}, account {ACCOUNT}; the trail is in {HERE}",
    ),
    "log group of another account": (
        lambda stack: {"cloudwatch": CloudWatchLogs(log_group=log_group_in(stack, HERE, OTHER))},
        f"CloudWatchLogs.log_group is in {HERE}, account {OTHER}",
    ),
    "log group without metric filters": (
        lambda stack: {"cloudwatch": CloudWatchLogs(log_group=infrequent_access(stack), cis_alarms=True)},
        "CloudWatchLogs.log_group Here/G is of the class INFREQUENT_ACCESS",
    ),
    "role of another account": (
        lambda stack: {
            "cloudwatch": CloudWatchLogs(role=iam.Role.from_role_arn(stack, "R", f"arn:aws:iam::{OTHER}:role/logs"))
        },
        f"CloudWatchLogs.role is in account {OTHER}, and the trail in {ACCOUNT}",
    ),
    "new topic": (
        lambda stack: {**both_there(stack), "delivery_notifications": DeliveryNotifications()},
        f"delivery_notifications was given(?s:.*)that key is in {THERE}",
    ),
    "query results": (
        lambda stack: {**both_there(stack), "analytics": Analytics()},
        f"analytics was given(?s:.*)that key is in {THERE}",
    ),
    "access logs elsewhere": (
        lambda stack: {"log_bucket": NewBucket(access_log_bucket=bucket_in(stack, THERE))},
        f"access_log_bucket is in {THERE}, account {ACCOUNT}",
    ),
    "access logs of another account": (
        lambda stack: {"log_bucket": NewBucket(access_log_bucket=bucket_in(stack, HERE, OTHER))},
        f"access_log_bucket is in {HERE}, account {OTHER}",
    ),
    "alerts to a FIFO topic": (
        lambda stack: {"alerts": Alerts(topic=topic(stack, "alerts.fifo"))},
        "Alerts.topic is a FIFO topic",
    ),
    "deliveries to a FIFO topic": (
        lambda stack: {"delivery_notifications": DeliveryNotifications(topic=topic(stack, "deliveries.fifo"))},
        "DeliveryNotifications.topic is a FIFO topic",
    ),
    "alerts elsewhere": (
        lambda stack: {"alerts": Alerts(topic=topic(stack, region=THERE))},
        f"Alerts.topic is in {THERE} and the trail in {HERE}(?s:.*)EventBridge and CloudWatch publish",
    ),
    "alerts of another account's stack without a name": (
        lambda stack: {"alerts": Alerts(topic=sns.Topic(of_other_account(stack), "T"))},
        "Alerts.topic is There/T, which a stack of another account or Region makes without a name",
    ),
    "deliveries of another account's stack without a name": (
        lambda stack: {
            "delivery_notifications": DeliveryNotifications(topic=sns.Topic(of_other_account(stack), "T")),
        },
        "DeliveryNotifications.topic is There/T, which a stack of another account or Region makes without a name",
    ),
    "bucket of another account's stack without a name": (
        lambda stack: {"log_bucket": s3.Bucket(of_other_account(stack), "B")},
        "log_bucket is There/B, which a stack of another account or Region makes without a name",
    ),
    "alerts under an imported alias": (
        lambda stack: {"alerts": Alerts(topic=sns.Topic(stack, "T", master_key=alias(stack)))},
        "Alerts.topic is encrypted with an alias",
    ),
    "alerts under the alias of a key": (
        lambda stack: {"alerts": Alerts(topic=sns.Topic(stack, "T", master_key=alias(stack, kms.Key(stack, "K"))))},
        "Alerts.topic is encrypted with an alias",
    ),
    "alerts under the ARN of an alias": (
        lambda stack: {"alerts": Alerts(topic=topic(stack, key_arn=f"arn:aws:kms:{HERE}:{ACCOUNT}:alias/mine"))},
        "Alerts.topic is encrypted with an alias",
    ),
    "SNS's own key": (
        lambda stack: {
            "delivery_notifications": DeliveryNotifications(topic=sns.Topic(stack, "T", master_key=sns_key(stack)))
        },
        "DeliveryNotifications.topic is encrypted with alias/aws/sns",
    ),
    "a topic's disabled key": (
        lambda stack: {"alerts": Alerts(topic=sns.Topic(stack, "T", master_key=kms.Key(stack, "K", enabled=False)))},
        "Alerts.topic is encrypted with Here/K, a disabled key",
    ),
    "a topic's asymmetric key": (
        lambda stack: {
            "delivery_notifications": DeliveryNotifications(topic=sns.Topic(stack, "T", master_key=rsa_key(stack)))
        },
        "DeliveryNotifications.topic is encrypted with Here/K, a key of the spec RSA_2048",
    ),
}


@pytest.fixture
def here() -> cdk.Stack:
    return cdk.Stack(new_app(), "Here", env=cdk.Environment(account=ACCOUNT, region=HERE))


@pytest.mark.parametrize(("props", "words"), REFUSED.values(), ids=REFUSED)
def test_what_aws_would_refuse_is_refused(
    here: cdk.Stack, props: Callable[[cdk.Stack], dict[str, Any]], words: str
) -> None:
    with pytest.raises(ValueError, match=f"{words}(?s:.*)Fix: "):
        SecureTrail(here, "SecureTrail", **props(here))


def test_cloudtrail_publishes_to_a_topic_of_another_region(here: cdk.Stack) -> None:
    """Rules and alarms do not; of CloudTrail https://github.com/aws/aws-cdk/issues/9013 says so."""
    there = topic(here, region=THERE)
    trail = SecureTrail(here, "SecureTrail", delivery_notifications=DeliveryNotifications(topic=there))

    assert trail.trail.sns_topic_name == there.topic_arn


KEY_OF_TOPIC = f"arn:aws:kms:{HERE}:{ACCOUNT}:key/of-topic"


@pytest.mark.parametrize(
    ("props", "told"),
    [
        (lambda stack: {"alerts": Alerts(topic=topic(stack))}, "cloudwatch.amazonaws.com"),
        (
            lambda stack: {"delivery_notifications": DeliveryNotifications(topic=topic(stack))},
            "cloudtrail.amazonaws.com",
        ),
        (lambda stack: {"alerts": Alerts(topic=topic(stack, key_arn=KEY_OF_TOPIC))}, None),
        (lambda stack: {"alerts": Alerts(topic=sns.Topic(stack, "Topic"))}, None),
    ],
)
def test_it_is_told_where_it_is_not_known_whether_a_topic_has_a_key(
    here: cdk.Stack, props: Callable[[cdk.Stack], dict[str, Any]], told: str | None
) -> None:
    """Its policy may keep alerts back, and SNS reports no error then."""
    trail = SecureTrail(here, "SecureTrail", **props(here))

    texts = [text for text in (str(each.data) for each in trail.node.metadata) if "is not known here" in text]
    assert len(texts) == (told is not None)
    assert all(f'"Service": "{told}"' in text and '"kms:Decrypt"' in text for text in texts)


@pytest.mark.parametrize(("rotates", "is_told"), [(None, True), (False, True), (True, False)])
def test_an_existing_key_that_does_not_rotate_gets_a_warning(
    here: cdk.Stack, *, rotates: bool | None, is_told: bool
) -> None:
    """Of one whose material comes from outside KMS nothing is told: it cannot rotate by itself."""
    key, outside = kms.Key(here, "K", enable_key_rotation=rotates), kms.Key(here, "Outside")
    outside.node.default_child.origin = "EXTERNAL"  # type: ignore[union-attr]
    trails = [SecureTrail(here, each.node.id + "Trail", encryption_key=each) for each in (key, outside)]

    told, none = ([str(each.data) for each in trail.node.metadata if "rotate" in str(each.data)] for trail in trails)
    assert len(told) == is_told
    assert all(
        "encryption_key Here/K does not rotate" in text and "Fix: kms.Key(…, enable_key_rotation=True)" in text
        for text in told
    )
    assert none == []


@pytest.mark.parametrize("is_shared", [True, False])
def test_alerts_under_the_key_of_the_log_files_get_a_warning(here: cdk.Stack, *, is_shared: bool) -> None:
    """Whoever disables that key would stop the alert about it."""
    key, other = (kms.Key(here, name, enable_key_rotation=True) for name in ("K", "OtherK"))
    alerts = Alerts(topic=sns.Topic(here, "T", master_key=key if is_shared else other), on_tampering=False)
    trail = SecureTrail(here, "SecureTrail", encryption_key=key, alerts=alerts)

    texts = [text for each in trail.node.metadata if "the key of the log files" in (text := str(each.data))]
    assert len(texts) == is_shared
    assert all("Alerts.topic Here/T is encrypted with Here/K" in text for text in texts)
    assert all("Fix: a key of its own" in text and "securetrail:alert-topic-key:shared" in text for text in texts)


def test_a_log_group_without_metric_filters_takes_events_and_no_alarm(here: cdk.Stack) -> None:
    trail = SecureTrail(
        here, "SecureTrail", cloudwatch=CloudWatchLogs(log_group=infrequent_access(here)), alerts=Alerts()
    )

    with pytest.raises(ValueError, match=r"is of the class INFREQUENT_ACCESS(?s:.*)Fix: "):
        trail.alarm_on("Mine", filter_pattern="{($.eventName=X)}", description="Mine")


def test_a_replica_logs_to_its_own_region(here: cdk.Stack) -> None:
    with pytest.raises(ValueError, match=f"access_log_bucket is in {THERE}(?s:.*)Fix: "):
        LogReplica(here, "Replica", access_log_bucket=bucket_in(here, THERE))


@pytest.mark.parametrize(
    ("props", "unseen"),
    [
        (both_there, {"encryption_key", "log_bucket"}),
        (lambda stack: {"encryption_key": key_in(stack, HERE, OTHER)}, {"encryption_key"}),
        (lambda stack: {"log_bucket": bucket_in(stack, HERE, OTHER)}, {"log_bucket"}),
        (lambda stack: {"encryption_key": key_in(stack, HERE), "log_bucket": bucket_in(stack, HERE)}, set()),
        (lambda _: {}, set()),
    ],
)
def test_resources_whose_calls_raise_no_alert_get_a_warning(
    here: cdk.Stack, props: Callable[[cdk.Stack], dict[str, Any]], unseen: set[str]
) -> None:
    SecureTrail(here, "SecureTrail", alerts=Alerts(), **props(here))

    texts = [str(found.entry.data) for found in Annotations.from_stack(here).find_warning("*", Match.any_value())]
    told = [text for text in texts if "securetrail:tamper-alerts:" in text]
    assert {text.split(" ")[0] for text in told} == unseen
    assert all(re.search(rf"Fix: a rule on these calls in ({HERE}|{THERE}), account \d{{12}}\.", text) for text in told)


def test_a_warning_says_in_words_what_is_not_known_before_the_deployment() -> None:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account="111122223333"))
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:{HERE}:444455556666:alerts")
    SecureTrail(stack, "SecureTrail", alerts=Alerts(topic=topic))

    told = str([each.entry.data for each in Annotations.from_stack(stack).find_warning("*", Match.any_value())])
    assert "rules for alerts are in a region that is not known here, account 111122223333" in told
    assert "Token[" not in told


UNKNOWN_PLACES: dict[str, tuple[cdk.Environment | None, Callable[[cdk.Stack], dict[str, Any]], set[str]]] = {
    "topic": (None, lambda stack: {"alerts": Alerts(topic=topic(stack))}, {"alert-topic-region", "alert_topic"}),
    "topic by a parameter": (
        cdk.Environment(account=ACCOUNT, region=HERE),
        lambda stack: {
            "alerts": Alerts(topic=sns.Topic.from_topic_arn(stack, "T", cdk.CfnParameter(stack, "Arn").value_as_string))
        },
        {"alert-topic-region", "alert_topic"},
    ),
    "key": (None, lambda stack: {"alerts": Alerts(), "encryption_key": key_in(stack, HERE)}, {"encryption_key"}),
    "own": (None, lambda stack: {"alerts": Alerts(topic=sns.Topic(stack, "T"))}, set()),
    "the stack's own account and Region, as a template writes them": (
        cdk.Environment(account=ACCOUNT, region=HERE),
        lambda stack: {
            "alerts": Alerts(
                topic=sns.Topic.from_topic_arn(stack, "T", f"arn:aws:sns:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:alerts")
            ),
            "encryption_key": kms.Key.from_key_arn(
                stack, "K", f"arn:aws:kms:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:key/{'1' * 8}-1111-1111-1111-{'1' * 12}"
            ),
        },
        set(),
    ),
}


@pytest.mark.parametrize(("env", "props", "told"), UNKNOWN_PLACES.values(), ids=UNKNOWN_PLACES)
def test_it_is_told_where_alerts_may_cross_a_border(
    env: cdk.Environment | None, props: Callable[[cdk.Stack], dict[str, Any]], told: set[str]
) -> None:
    """Where only one of the two places is known, a topic may be out of reach, and calls may be unseen."""
    stack = cdk.Stack(new_app(), "Stack", env=env)
    trail = SecureTrail(stack, "SecureTrail", **props(stack))

    texts = [text for text in (str(each.data) for each in trail.node.metadata) if "acknowledge if both" in text]
    assert {text.rpartition("securetrail:")[2].rstrip("]").removeprefix("tamper-alerts:") for text in texts} == told
    assert not any("Token[" in text for text in texts)
    needed = Template.from_stack(stack).find_outputs("*").values()
    # In another account the topic must let in the role that publishes.
    assert ("EventBridgeAlerts" in str([*needed])) == ("alert_topic" in told)
