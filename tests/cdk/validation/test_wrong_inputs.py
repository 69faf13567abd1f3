"""Each wrong input is refused at synth by an error of its own: what, got, allowed or why, fix."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs_lib import (
    AggregationTemplate,
    Alerts,
    Analytics,
    Condition,
    EventCategory,
    EventSelector,
    Insight,
    InsightType,
    LogRetention,
    NewAccessLogBucket,
    NewBucket,
    NewKey,
    Operator,
    Organization,
    ReadWrite,
    Recording,
    ReplicaTarget,
    SecureTrail,
    SecurityProfile,
    SlackChannel,
)
from constructs_lib.validation.retention import check_break_glass
from tests.cdk.conftest import new_app

DAYS = cdk.Duration.days
GLACIER, DEEP, IA = s3.StorageClass.GLACIER, s3.StorageClass.DEEP_ARCHIVE, s3.StorageClass.INFREQUENT_ACCESS
TARGET = ReplicaTarget("arn:aws:s3:::copies", "arn:aws:kms:eu-west-1:111122223333:alias/copies", "eu-west-1")
ROLE = "arn:aws:iam::111122223333:role/"
DATA, NETWORK = EventCategory.DATA, EventCategory.NETWORK_ACTIVITY
READS = EventSelector.management(read_write=ReadWrite.READ_ONLY)


def move(storage_class: s3.StorageClass, days: int) -> s3.Transition:
    return s3.Transition(storage_class=storage_class, transition_after=DAYS(days))


def data(*conditions: Condition) -> EventSelector:
    of_tables = Condition("resources.type", Operator.EQUALS, ("AWS::DynamoDB::Table",))
    return EventSelector("Mine", DATA, (of_tables, *conditions))


def break_glass(name: str) -> Callable[[cdk.Stack], dict[str, Any]]:
    return lambda _: {"break_glass_principal_arns": [f"{ROLE}{name}"]}


# What is wrong, and words that only its own error has.
WRONG_PROPS: dict[str, tuple[Callable[[cdk.Stack], dict[str, Any]], str]] = {
    "trail name": (lambda _: {"trail_name": "a"}, "trail_name is 'a'"),
    "bucket name": (lambda _: {"log_bucket": NewBucket(bucket_name="Logs")}, "bucket_name is 'Logs'"),
    "alias": (lambda _: {"encryption_key": NewKey(alias="logs")}, "the key's alias is 'logs'"),
    "prefix": (lambda _: {"s3_key_prefix": "/logs"}, "s3_key_prefix is '/logs'"),
    "organization": (lambda _: {"organization": Organization("o-ABC")}, "organization_id is 'o-ABC'"),
    "management account": (
        lambda _: {"organization": Organization("o-abcdefghij", management_account_id="1234")},
        "management_account_id is '1234'",
    ),
    "asymmetric key": (
        lambda stack: {"encryption_key": kms.Key(stack, "K", key_spec=kms.KeySpec.RSA_2048, enable_key_rotation=False)},
        "key spec RSA_2048",
    ),
    "key elsewhere": (
        lambda stack: {
            "encryption_key": kms.Key.from_key_arn(stack, "K", "arn:aws:kms:eu-west-1:111122223333:key/imported"),
        },
        "encryption_key is in eu-west-1 and the log bucket in us-east-1",
    ),
    "access logs to KMS": (
        lambda stack: {
            "log_bucket": NewBucket(access_log_bucket=s3.Bucket(stack, "B", encryption=s3.BucketEncryption.KMS))
        },
        "access_log_bucket encrypts with KMS",
    ),
    "access logs to a locked bucket": (
        lambda stack: {"log_bucket": NewBucket(access_log_bucket=s3.Bucket(stack, "B", object_lock_enabled=True))},
        "access_log_bucket has Object Lock",
    ),
    "no selector": (lambda _: {"recording": Recording(event_selectors=[])}, "event_selectors is empty"),
    "too many values": (
        lambda _: {
            "recording": Recording(event_selectors=[data(Condition("eventName", Operator.EQUALS, ("Get",) * 500))])
        },
        "event_selectors has 501 values",
    ),
    "network source twice": (
        lambda _: {"recording": Recording(event_selectors=[EventSelector.network_activity("kms.amazonaws.com")] * 2)},
        "2 network activity selectors for kms.amazonaws.com",
    ),
    "insight twice": (
        lambda _: {"recording": Recording(insights=[Insight(InsightType.API_CALL_RATE)] * 2)},
        "API_CALL_RATE 2 times",
    ),
    "insight on network": (
        lambda _: {"recording": Recording(insights=[Insight(InsightType.API_CALL_RATE, (NETWORK,))])},
        "watches \\['NETWORK_ACTIVITY'\\]",
    ),
    "insight without writes": (
        lambda _: {"recording": Recording(event_selectors=[READS], insights=[Insight(InsightType.API_CALL_RATE)])},
        "API_CALL_RATE watches writing MANAGEMENT events",
    ),
    "insight without data": (
        lambda _: {"recording": Recording(insights=[Insight(InsightType.API_ERROR_RATE, (DATA,))])},
        "API_ERROR_RATE watches DATA events",
    ),
    "aggregation without data": (
        lambda _: {"recording": Recording(aggregation=[AggregationTemplate.API_ACTIVITY])},
        "aggregation summarizes data events",
    ),
    "aggregation twice": (
        lambda _: {
            "recording": Recording(event_selectors=[data()], aggregation=[AggregationTemplate.API_ACTIVITY] * 2)
        },
        "aggregation names",
    ),
    "half a day": (
        lambda _: {"log_bucket": NewBucket(retention=LogRetention(expiration=cdk.Duration.hours(12)))},
        "LogRetention.expiration is 12 hours",
    ),
    "part of a day": (
        lambda _: {
            "log_bucket": NewBucket(retention=LogRetention(noncurrent_version_expiration=cdk.Duration.hours(36)))
        },
        "LogRetention.noncurrent_version_expiration is 1 day 12 hours",
    ),
    "access logs for an hour": (
        lambda _: {"log_bucket": NewBucket(access_log_bucket=NewAccessLogBucket(expiration=cdk.Duration.hours(1)))},
        "NewAccessLogBucket.expiration is 1 hour",
    ),
    "date": (
        lambda _: {"log_bucket": NewBucket(retention=LogRetention(transitions=[s3.Transition(storage_class=GLACIER)]))},
        "a transition without transition_after",
    ),
    "upwards": (
        lambda _: {"log_bucket": NewBucket(retention=LogRetention(transitions=[move(DEEP, 90), move(GLACIER, 180)]))},
        "goes to GLACIER after DEEP",
    ),
    "too young": (
        lambda _: {"log_bucket": NewBucket(retention=LogRetention(transitions=[move(IA, 7)]))},
        "goes to STANDARD_IA after 7 days",
    ),
    "too soon after": (
        lambda _: {"log_bucket": NewBucket(retention=LogRetention(transitions=[move(IA, 30), move(GLACIER, 40)]))},
        "GLACIER after 40 days",
    ),
    "after the end": (
        lambda _: {
            "log_bucket": NewBucket(retention=LogRetention(transitions=[move(GLACIER, 90)], expiration=DAYS(90)))
        },
        "and expiration is 90 days",
    ),
    "lock after expiry": (
        lambda _: {
            "log_bucket": NewBucket(
                retention=LogRetention(object_lock=s3.ObjectLockRetention.governance(DAYS(365)), expiration=DAYS(90))
            )
        },
        "LogRetention.expiration is 90 days and object_lock is 365",
    ),
    "profile's lock after expiry": (
        lambda _: {
            "profile": SecurityProfile.COMPLIANCE,
            "log_bucket": NewBucket(retention=LogRetention(expiration=DAYS(90))),
        },
        "LogRetention.expiration is 90 days and object_lock is 365",
    ),
    "locked and destroyed": (
        lambda _: {
            "log_bucket": NewBucket(retention=LogRetention(object_lock=s3.ObjectLockRetention.compliance(DAYS(1)))),
            "removal_policy": cdk.RemovalPolicy.DESTROY,
        },
        "COMPLIANCE mode and removal_policy is DESTROY",
    ),
    "everybody breaks glass": (lambda _: {"break_glass_principal_arns": ["*"]}, "break_glass_principal_arns has '\\*'"),
    **{
        f"break glass of {name}": (break_glass(name), "'\\*' only for a whole folder of the path")
        for name in (
            "*a",
            "a*",
            "B*s",
            "*Glass",
            "team/*",
            "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_*",
            "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO*",
            "AWSReserved*",
            "t*/Role",
        )
    },
    "no break-glass principal": (lambda _: {"break_glass_principal_arns": []}, "break_glass_principal_arns has ''"),
    "every role breaks glass": (
        lambda _: {"break_glass_principal_arns": [f"{ROLE}Operators*", f"{ROLE}*"]},
        "break_glass_principal_arns has 'arn:aws:iam::111122223333:role/\\*'",
    ),
    "every user breaks glass": (
        lambda _: {"break_glass_principal_arns": ["arn:aws:iam::111122223333:user/*/*"]},
        "break_glass_principal_arns has 'arn:aws:iam::111122223333:user/",
    ),
    "break-glass principal of another partition": (
        lambda _: {"break_glass_principal_arns": [ROLE.replace("aws", "aws-cn") + "BreakGlass"]},
        "the stack is in the partition aws",
    ),
    "days known later": (
        lambda stack: {
            "log_bucket": NewBucket(
                retention=LogRetention(expiration=DAYS(cdk.CfnParameter(stack, "P", type="Number").value_as_number))
            )
        },
        "LogRetention.expiration is known only at deployment",
    ),
    "snapshot": (lambda _: {"removal_policy": cdk.RemovalPolicy.SNAPSHOT}, "removal_policy is SNAPSHOT"),
    "pending window": (
        lambda _: {"encryption_key": NewKey(pending_window=DAYS(31))},
        "NewKey.pending_window is 31 days",
    ),
    "limit": (lambda _: {"analytics": Analytics(scan_limit_mebibytes=9)}, "Analytics.scan_limit_mebibytes is 9"),
    "no limit": (lambda _: {"analytics": Analytics(scan_limit_mebibytes=0)}, "Analytics.scan_limit_mebibytes is 0"),
    "8 EB": (
        lambda _: {"analytics": Analytics(scan_limit_mebibytes=8 * 1024**4)},
        "Analytics.scan_limit_mebibytes is 8796",
    ),
    "region": (
        lambda _: {"analytics": Analytics(regions=["Ireland"])},
        "a region in Analytics.regions is 'Ireland'",
    ),
    "no region": (lambda _: {"analytics": Analytics(regions=[])}, "Analytics.regions is empty"),
    "region twice": (
        lambda _: {"analytics": Analytics(regions=["eu-west-1", "us-east-1", "eu-west-1"])},
        "Analytics.regions names eu-west-1 2 times",
    ),
    "no webhook": (
        lambda _: {"alerts": Alerts(webhooks=["alerts.example.com"])},
        "Alerts.webhooks has 'alerts.example",
    ),
    "webhook without TLS": (
        lambda _: {"alerts": Alerts(webhooks=["http://alerts.example.com"])},
        "Alerts.webhooks has 'http://alerts.example.com'",
    ),
    "webhook twice": (
        lambda _: {"alerts": Alerts(webhooks=["https://alerts.example.com"] * 2)},
        "Alerts.webhooks has 'https://alerts.example.com' 2 times",
    ),
    "a channel's name": (
        lambda _: {"alerts": Alerts(slack_channels=[SlackChannel(workspace_id="T0123ABCD", channel_id="#alerts")])},
        "SlackChannel.channel_id is '#alerts'",
    ),
    "a workspace's name": (
        lambda _: {"alerts": Alerts(slack_channels=[SlackChannel(workspace_id="acme", channel_id="C0123ABCD")])},
        "SlackChannel.workspace_id is 'acme'",
    ),
    "two channels": (
        lambda _: {"alerts": Alerts(slack_channels=[SlackChannel(workspace_id="T0123ABCD", channel_id="C01")] * 2)},
        "Alerts.slack_channels has 'C01' 2 times",
    ),
    "no address": (lambda _: {"alerts": Alerts(emails=["security"])}, "Alerts.emails has 'security'"),
    "address twice": (
        lambda _: {"alerts": Alerts(emails=["security@example.com"] * 2)},
        "Alerts.emails has 'security@example.com' 2 times",
    ),
    "AWS's tag": (lambda _: {"tags": {"aws:x": "y"}}, "tags has 'aws:x'"),
    "tag": (lambda _: {"tags": {"owner": "a\nb"}}, "tags has 'owner'"),
    "51 tags": (lambda _: {"tags": {str(number): "" for number in range(51)}}, "tags has 51 tags"),
}


@pytest.mark.parametrize(("props", "words"), WRONG_PROPS.values(), ids=WRONG_PROPS)
def test_a_wrong_prop_is_refused(props: Callable[[cdk.Stack], dict[str, Any]], words: str) -> None:
    env = cdk.Environment(account="111122223333", region="us-east-1")
    stack = cdk.Stack(new_app(), "Stack", env=env)

    with pytest.raises(ValueError, match=f"{words}(?s:.*)Fix: "):
        SecureTrail(stack, "SecureTrail", **props(stack))


@pytest.mark.parametrize(
    "name",
    ["BreakGlass", "a", "team/BreakGlass", "aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_BreakGlass_*", "*/Break*"],
)
def test_a_principal_for_an_emergency_may_have_an_end_that_nobody_chooses(name: str) -> None:
    check_break_glass([f"{ROLE}{name}"], cdk.Stack())


@pytest.mark.parametrize("env", [None, cdk.Environment(account="111122223333", region="cn-north-1")])
def test_a_principal_for_an_emergency_may_be_written_with_what_is_known_only_at_deployment(
    env: cdk.Environment | None,
) -> None:
    stack = cdk.Stack(new_app(), "Stack", env=env)
    token = cdk.CfnParameter(stack, "Token").value_as_string
    sub, join, of = cdk.Fn.sub, cdk.Fn.join, "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"

    def made(name: str) -> str:
        return stack.format_arn(service="iam", region="", resource="role", resource_name=name)

    either = cdk.Fn.condition_if("Either", "A", "B").to_string()
    assert cdk.Token.is_unresolved(made("BreakGlass")) == (env is None)
    allowed = [
        *(made("BreakGlass"), made(token), made(f"Break{token}"), made(f"*/Break{token}*"), f"{made(token)}*"),
        *(sub(f"{of}BreakGlass"), sub(f"{of}${{AWS::StackName}}-Break*"), join("", [f"{made('Break')}", "Glass"])),
        *(token, f"{token}:role/BreakGlass", f"{token}/Break*", f"{token}role/BreakGlass", cdk.Fn.import_value("Arn")),
        *(f"{token}{token}", f"{token}:role/{token}", f"{token}:iam::{token}:role/{token}"),
        iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal()).role_arn,
        made("Break" + either * 5),
    ]
    refused = [
        *(
            made("*"),
            made("a*"),
            made(f"*{token}"),
            f"{made(token)}*a",
            made(f"{token}*a*"),
            f"{token}*a",
            f"{token}:*",
        ),
        *(sub("*"), sub(f"{of}*"), sub(f"{of}*a"), sub(f"{of}${{Any}}", {"Any": "*"}), sub(f"{of}${{!aws:username}}")),
        *(join("", ["*"]), join("", [made("*"), "a"]), cdk.Aws.NO_VALUE, f"{token}:role/*a", f"{token}:user/*"),
        cdk.Fn.condition_if("Either", made("BreakGlass"), "*").to_string(),
        made("Break" + either * 40),  # more texts than can be looked at
    ]
    for arn in allowed:
        check_break_glass([arn], stack)
    for arn in refused:
        with pytest.raises(ValueError, match=r"only for a whole folder(?s:.*)Fix: "):
            check_break_glass([arn], stack)
