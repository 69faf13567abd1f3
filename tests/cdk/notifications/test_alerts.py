"""A call that changes the trail, its key or its bucket raises an alert, and no other call does."""

import json
import re
from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import (
    Alerts,
    CloudWatchLogs,
    DeliveryNotifications,
    EventSelector,
    NewBucket,
    ReadWrite,
    Recording,
    SecureTrail,
    SecurityProfile,
    SlackChannel,
)
from constructs_lib.notifications.cis_alarms import CIS_ALARMS
from tests.cdk.conftest import Synthesize, new_app, only
from tests.cdk.templates import plain

ACCOUNT, REGION = "111122223333", "eu-central-1"
FOR_EACH_FILE = DeliveryNotifications()
SLACK, ALSO_SLACK = (SlackChannel(workspace_id="T0123ABCD", channel_id=each) for each in ("C0123ABCD", "C0123ABCE"))
TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/recorder"


def rule_patterns() -> list[dict[str, Any]]:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    SecureTrail(stack, "SecureTrail", trail_name="recorder", alerts=Alerts())
    text = plain(Template.from_stack(stack).find_resources("AWS::Events::Rule"), "aws")
    return [named(rule["Properties"]["EventPattern"]) for name, rule in text.items() if "Tampering" in name]


def named(value: Any) -> Any:
    """The pattern with the resources' names as they would be after deployment."""
    if isinstance(value, dict) and "Ref" in value:
        return "key-id" if "Key" in value["Ref"] else "log-bucket"
    if isinstance(value, dict):
        return {key: named(item) for key, item in value.items()}
    if isinstance(value, list):
        return [named(item) for item in value]
    return "key-arn" if value == "BUCKET_ARN" else value


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """EventBridge's rule: every field named must hold one of the values; ``$or`` is satisfied by one branch.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    for field, wanted in pattern.items():
        if field == "$or":
            if not any(matches(branch, event) for branch in wanted):
                return False
        elif isinstance(wanted, dict):
            if not matches(wanted, event.get(field, {})):
                return False
        elif not any(
            str(event.get(field, "")).startswith(each["prefix"]) if isinstance(each, dict) else event.get(field) == each
            for each in wanted
        ):
            return False
    return True


def event(service: str, call: str, **parameters: str) -> dict[str, Any]:
    return {
        "source": f"aws.{service}",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": REGION,
        "detail": {
            "eventSource": f"{service}.amazonaws.com",
            "eventName": call,
            "requestParameters": parameters,
        },
    }


TOUCHING = [
    *(event("cloudtrail", call, name="recorder") for call in ("StopLogging", "DeleteTrail", "UpdateTrail")),
    event("cloudtrail", "StopLogging", name=TRAIL_ARN),
    event("cloudtrail", "PutEventSelectors", trailName="recorder"),
    event("cloudtrail", "PutInsightSelectors", trailName=TRAIL_ARN),
    *(
        event("kms", call, keyId="key-id")
        for call in ("DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy", "CreateGrant", "DeleteImportedKeyMaterial")
    ),
    event("kms", "DisableKey", keyId="key-arn"),
    *(
        event("s3", call, bucketName="log-bucket")
        for call in (
            *("PutBucketPolicy", "DeleteBucketPolicy", "PutBucketLifecycle", "DeleteBucketLifecycle"),
            *("PutBucketEncryption", "DeleteBucketEncryption", "PutBucketPublicAccessBlock", "PutBucketVersioning"),
            *("DeleteBucketPublicAccessBlock", "DeleteBucket", "PutBucketAcl", "PutBucketRequestPayment"),
            *("PutBucketOwnershipControls", "DeleteBucketOwnershipControls", "UpdateObjectEncryption"),
        )
    ),
]
HARMLESS = [
    event("cloudtrail", "StopLogging", name="another-trail"),
    event("cloudtrail", "PutEventSelectors", name="recorder", trailName="another-trail"),
    event("cloudtrail", "GetTrailStatus", name="recorder"),
    event("kms", "DisableKey", keyId="another-key"),
    event("kms", "Decrypt", keyId="key-id"),
    event("s3", "PutBucketPolicy", bucketName="another-bucket"),
    event("s3", "PutObject", bucketName="log-bucket"),
    event("cloudtrail", "StopLogging", name="recorder") | {"account": "444455556666"},
]


@pytest.fixture(scope="module")
def patterns() -> list[dict[str, Any]]:
    return rule_patterns()


@pytest.mark.parametrize("call", TOUCHING, ids=lambda call: call["detail"]["eventName"])
def test_a_call_that_changes_trail_key_or_bucket_raises_an_alert(
    patterns: list[dict[str, Any]], call: dict[str, Any]
) -> None:
    assert [matches(pattern, call) for pattern in patterns].count(True) == 1


@pytest.mark.parametrize("call", HARMLESS, ids=lambda call: call["detail"]["eventName"])
def test_a_call_on_another_resource_raises_no_alert(patterns: list[dict[str, Any]], call: dict[str, Any]) -> None:
    assert not any(matches(pattern, call) for pattern in patterns)


def guards() -> dict[str, dict[str, Any]]:
    """The properties of the rules that watch the alerts, by the end of their name; resources are their logical ids."""

    def resolved(value: Any) -> Any:
        match value:
            case {"Ref": str(name)}:
                return name
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"{name}.{attribute}"
            case {"Fn::Join": ["", list(parts)]}:
                return "".join(map(resolved, parts))
            case dict():
                return {key: resolved(each) for key, each in value.items()}
            case list():
                return [resolved(each) for each in value]
        return value

    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    SecureTrail(stack, "SecureTrail", trail_name="recorder", alerts=Alerts())
    rules = Template.from_stack(stack).find_resources("AWS::Events::Rule")
    found = [resolved(each["Properties"]) for each in rules.values() if "Name" in each["Properties"]]
    return {each["Name"].rpartition("-")[2]: each for each in found}


def test_who_touches_the_alerts_raises_an_alert_that_goes_another_way() -> None:
    rules = guards()
    first, second = (rules[name] for name in ("Guard1", "Guard2"))
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    SecureTrail(stack, "SecureTrail", trail_name="recorder", alerts=Alerts())
    template = Template.from_stack(stack)
    watched = [name for name in template.find_resources("AWS::Events::Rule") if "Tampering" in name]
    (topic,) = template.find_resources("AWS::SNS::Topic")
    (key,) = [name for name in template.find_resources("AWS::KMS::Key") if "AlertKey" in name]
    assert len(watched) == 3
    by_first = [
        *(event("events", call, name=rule) for call in ("DisableRule", "DeleteRule", "PutRule") for rule in watched),
        *(event("events", call, rule=rule) for call in ("RemoveTargets", "PutTargets") for rule in watched),
        event("events", "DisableRule", name=second["Name"]),
    ]
    by_second = [
        event("events", "DisableRule", name=first["Name"]),
        event("events", "RemoveTargets", rule=first["Name"]),
        *(event("sns", call, topicArn=topic) for call in ("DeleteTopic", "SetTopicAttributes", "AddPermission")),
        event("sns", "Unsubscribe", subscriptionArn=f"{topic}:11111111-2222-3333-4444-555555555555"),
        *(event("kms", "DisableKey", keyId=each) for each in (key, f"{key}.Arn")),
        event("kms", "DeleteImportedKeyMaterial", keyId=key),
    ]
    by_none = [
        event("events", "DisableRule", name="another-rule"),
        event("sns", "Unsubscribe", subscriptionArn=f"{topic}-2:11111111-2222-3333-4444-555555555555"),
        event("sns", "DeleteTopic", topicArn="another-topic"),
        event("kms", "DisableKey", keyId="another-key"),
        event("events", "DisableRule", name=watched[0]) | {"account": "444455556666"},
    ]

    for calls, expected in ((by_first, (True, False)), (by_second, (False, True)), (by_none, (False, False))):
        for call in calls:
            assert (matches(first["EventPattern"], call), matches(second["EventPattern"], call)) == expected, call
    # EventBridge's quota, with the longest names. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    lengths = {
        topic: 300,
        f"{key}.Arn": 90,
        f'{key}"': 41,
        **dict.fromkeys([*watched, first["Name"], second["Name"]], 64),
    }
    for each in (first, second):
        pattern = json.dumps(each["EventPattern"], separators=(",", ":"))
        for name, length in lengths.items():
            pattern = pattern.replace(name, "x" * length)
        assert len(pattern) <= 2048


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm looks at, also where it is metric math."""
    return [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each] or [alarm]


def test_alarms_tell_of_alerts_that_do_not_arrive(synthesize: Synthesize) -> None:
    template = synthesize(alerts=Alerts())

    alarms = [each["Properties"] for each in template.find_resources("AWS::CloudWatch::Alarm").values()]
    (topic,) = template.find_resources("AWS::SNS::Topic")
    rules = template.find_resources("AWS::Events::Rule")
    assert all(each["AlarmActions"] == [{"Ref": topic}] for each in alarms)
    about = [
        (each["Namespace"], each["MetricName"], each["Dimensions"]) for alarm in alarms for each in metrics_of(alarm)
    ]
    of_topic = [{"Name": "TopicName", "Value": {"Fn::GetAtt": [topic, "TopicName"]}}]
    assert sorted(map(str, about)) == sorted(
        map(
            str,
            [
                *(
                    ("AWS/Events", "FailedInvocations", [{"Name": "RuleName", "Value": {"Ref": rule}}])
                    for rule in rules
                ),
                ("AWS/SNS", "NumberOfNotificationsFailed", of_topic),
                ("AWS/SNS", "NumberOfMessagesPublished", of_topic),
                ("AWS/SNS", "NumberOfNotificationsDelivered", of_topic),
            ],
        )
    )


@pytest.mark.parametrize(
    ("props", "published", "delivered", "told"),
    [
        ({}, 1, None, "told"),  # nobody has confirmed, and SNS has no data of deliveries
        ({}, 1, 1, "not told"),
        ({}, None, None, "not told"),
        ({"emails": ["a@example.com", "b@example.com"]}, 3, 3, "told"),  # one of the two has not confirmed
        ({"emails": ["a@example.com"], "webhooks": ["https://example.com/hook"]}, 3, 6, "not told"),
        ({"emails": ["a@example.com"], "webhooks": ["https://example.com/hook"]}, 3, 9, "not told"),  # a third one
        # The chat has got it, and the address has not.
        ({"emails": ["a@example.com"], "slack_channels": [SLACK]}, 3, 3, "told"),
        ({"emails": ["a@example.com"], "slack_channels": [SLACK, ALSO_SLACK]}, 3, 6, "not told"),
        ({"slack_channels": [SLACK, ALSO_SLACK]}, 3, 3, "not told"),
    ],
)
def test_an_alarm_tells_of_a_subscription_that_is_not_confirmed(
    synthesize: Synthesize, props: dict[str, Any], published: int | None, delivered: int | None, told: str
) -> None:
    alarms = synthesize(alerts=Alerts(**props)).find_resources("AWS::CloudWatch::Alarm").values()
    (alarm,) = (each["Properties"] for each in alarms if "Metrics" in each["Properties"])
    asked = {each["Id"]: each for each in alarm["Metrics"]}
    (shown,) = (each for each in asked.values() if each["ReturnData"])
    found = re.fullmatch(r"FILL\((\w+), 0\) / (\w+)", shown["Expression"])
    assert found is not None
    counted = {"NumberOfMessagesPublished": published, "NumberOfNotificationsDelivered": delivered}
    first, second = (counted[asked[found[number]]["MetricStat"]["Metric"]["MetricName"]] or 0 for number in (1, 2))

    assert {(each["MetricStat"]["Stat"], each["MetricStat"]["Period"]) for each in alarm["Metrics"][1:]} == {
        ("Sum", 3600)
    }
    # A window that slides ends between a message and its delivery once.
    assert alarm["EvaluationWindow"] == {"WallClockWindow": {"Timezone": "UTC"}}
    # Without a message there is nothing to divide by, and no data.
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("LessThanThreshold", "notBreaching")
    assert ("told" if second and first / second < alarm["Threshold"] else "not told") == told


def test_who_else_subscribes_to_a_topic_that_exists_is_not_known(stack: cdk.Stack) -> None:
    SecureTrail(stack, "SecureTrail", alerts=Alerts(topic=sns.Topic(stack, "Topic")))
    other = cdk.Stack(new_app(), "Other")
    SecureTrail(other, "SecureTrail", alerts=Alerts(topic=sns.Topic(other, "Topic"), emails=["a@example.com"]))

    for each, number in ((stack, 0), (other, 1)):
        alarms = Template.from_stack(each).find_resources("AWS::CloudWatch::Alarm").values()
        assert len([alarm for alarm in alarms if "Metrics" in alarm["Properties"]]) == number


def ceasing(template: Template) -> dict[str, dict[str, Any]]:
    """The alarms that go off without data, by what they count."""
    alarms = [each["Properties"] for each in template.find_resources("AWS::CloudWatch::Alarm").values()]
    return {each["MetricName"]: each for each in alarms if each["TreatMissingData"] == "breaching"}


def test_alarms_tell_when_the_trails_deliveries_cease(synthesize: Synthesize) -> None:
    template = synthesize(
        alerts=Alerts(), delivery_notifications=DeliveryNotifications(), cloudwatch=CloudWatchLogs(cis_alarms=True)
    )

    alarms = ceasing(template)
    trail = only(template, "AWS::CloudTrail::Trail")
    (group,) = template.find_resources("AWS::Logs::LogGroup")
    assert {name: each["Dimensions"] for name, each in alarms.items()} == {
        "NumberOfMessagesPublished": [
            {"Name": "TopicName", "Value": {"Fn::GetAtt": [trail["SnsTopicName"]["Ref"], "TopicName"]}}
        ],
        "IncomingLogEvents": [{"Name": "LogGroupName", "Value": {"Ref": group}}],
    }
    for each in alarms.values():
        assert each["AlarmActions"] != [trail["SnsTopicName"]]
        assert (each["ComparisonOperator"], each["Threshold"], each["Statistic"]) == ("LessThanThreshold", 1, "Sum")
        assert each["Period"] * each["EvaluationPeriods"] == 6 * 3600


@pytest.mark.parametrize(
    "props",
    [
        {"alerts": Alerts()},
        {"alerts": Alerts(on_tampering=False), "cloudwatch": CloudWatchLogs(), "delivery_notifications": FOR_EACH_FILE},
        {"cloudwatch": CloudWatchLogs(cis_alarms=True), "delivery_notifications": FOR_EACH_FILE},
        # A quiet account may be silent for long.
        *(
            {
                "alerts": Alerts(),
                "cloudwatch": CloudWatchLogs(),
                "delivery_notifications": FOR_EACH_FILE,
                "recording": Recording(event_selectors=[selector]),
            }
            for selector in (
                EventSelector.management(exclude_event_sources=["kms.amazonaws.com"]),
                EventSelector.management(read_write=ReadWrite.WRITE_ONLY),
                EventSelector.lambda_invocations(),
            )
        ),
    ],
)
def test_no_alarm_tells_of_what_need_not_be_there(synthesize: Synthesize, props: dict[str, Any]) -> None:
    assert ceasing(synthesize(**props)) == {}


def test_what_others_use_too_tells_nothing_of_this_trail(stack: cdk.Stack) -> None:
    SecureTrail(
        stack,
        "SecureTrail",
        alerts=Alerts(),
        cloudwatch=CloudWatchLogs(log_group=logs.LogGroup(stack, "Shared")),
        delivery_notifications=DeliveryNotifications(topic=sns.Topic(stack, "Topic")),
    )

    assert ceasing(Template.from_stack(stack)) == {}


def test_the_alert_about_the_key_does_not_need_the_key(synthesize: Synthesize) -> None:
    template = synthesize(alerts=Alerts())

    key = only(template, "AWS::SNS::Topic")["KmsMasterKeyId"]["Fn::GetAtt"][0]
    assert key != "SecureTrailKey340A4129"
    statements = template.find_resources("AWS::KMS::Key")[key]["Properties"]["KeyPolicy"]["Statement"]
    (alarms,) = [entry for entry in statements if entry.get("Sid") == "AlarmsAreEncrypted"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    (by_role,) = [
        entry
        for policy in template.find_resources("AWS::IAM::ManagedPolicy").values()
        for entry in policy["Properties"]["PolicyDocument"]["Statement"]
        if entry["Sid"] == "EncryptAlerts"
    ]
    assert by_role["Resource"] == {"Fn::GetAtt": [key, "Arn"]}


def test_rules_and_alarms_may_publish_to_the_topic_over_tls(stack: cdk.Stack) -> None:
    topic = sns.Topic(stack, "Mine", enforce_ssl=True)
    SecureTrail(stack, "SecureTrail", cloudwatch=CloudWatchLogs(cis_alarms=True), alerts=Alerts(topic=topic))

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::SNS::Topic", 1)
    statements = only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert {entry["Sid"][:-8]: entry.get("Condition") for entry in statements if entry["Effect"] == "Allow"} == {
        "CloudWatchAlerts": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    topic_id = next(iter(template.find_resources("AWS::SNS::Topic")))
    for rule in template.find_resources("AWS::Events::Rule").values():
        (target,) = rule["Properties"]["Targets"]
        assert target["Arn"] == {"Ref": topic_id}
        assert target["RoleArn"]["Fn::GetAtt"][0].startswith("SecureTrailAlertRole")


@pytest.mark.parametrize("existing", ["none", "with key", "elsewhere"])
def test_no_rule_of_another_account_publishes_a_forged_alert(existing: str) -> None:
    """EventBridge's own principal sends no context: a statement for it lets in the rules of every account."""
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    topics: dict[str, Callable[[], sns.ITopic | None]] = {
        "none": lambda: None,
        "with key": lambda: sns.Topic(stack, "Mine", master_key=kms.Key(stack, "Key")),
        "elsewhere": lambda: sns.Topic.from_topic_attributes(
            stack,
            "Theirs",
            topic_arn=f"arn:aws:sns:{REGION}:444455556666:alerts",
            key_arn=f"arn:aws:kms:{REGION}:444455556666:key/theirs",
        ),
    }
    SecureTrail(
        stack, "SecureTrail", alerts=Alerts(topic=topics[existing]()), cloudwatch=CloudWatchLogs(cis_alarms=True)
    )

    template = Template.from_stack(stack)
    policies = [
        *(each["Properties"]["KeyPolicy"] for each in template.find_resources("AWS::KMS::Key").values()),
        *(each["Properties"]["PolicyDocument"] for each in template.find_resources("AWS::SNS::TopicPolicy").values()),
        *(json.loads(as_text(each["Value"])) for each in template.find_outputs("*").values()),
    ]
    to_services = [
        entry
        for policy in policies
        for entry in policy["Statement"]
        if entry["Principal"] != "*"
        if {"cloudwatch.amazonaws.com", "events.amazonaws.com"} & {*map(str, entry["Principal"].values())}
    ]
    assert to_services
    assert {json.dumps(entry["Condition"]) for entry in to_services} == {
        json.dumps({"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    }
    (role,) = [
        each["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for name, each in template.find_resources("AWS::IAM::Role").items()
        if name.startswith("SecureTrailAlertRole")
    ]
    assert role[0]["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_a_topic_of_another_account_gets_the_statements_that_it_needs_as_outputs() -> None:
    stack = cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))
    topic = sns.Topic.from_topic_attributes(
        stack,
        "Theirs",
        topic_arn=f"arn:aws:sns:{REGION}:444455556666:alerts",
        key_arn=f"arn:aws:kms:{REGION}:444455556666:key/theirs",
    )
    SecureTrail(stack, "SecureTrail", alerts=Alerts(topic=topic))

    template = Template.from_stack(stack)
    outputs = template.find_outputs("*")
    shown = {
        entry["Sid"][:-8]: entry["Principal"]
        for each in outputs.values()
        for entry in json.loads(as_text(each["Value"]))["Statement"]
    }
    assert shown.keys() == {"EventBridgeAlerts", "AlertsAreEncrypted", "CloudWatchAlerts", "AlarmsAreEncrypted"}
    assert "AlertRole" in shown["EventBridgeAlerts"]["AWS"]
    assert "AlertRole" in shown["AlertsAreEncrypted"]["AWS"]
    # What happens to the topic is seen in its own account: neither a rule nor an alarm here would say anything.
    warnings = [str(each.entry.data) for each in Annotations.from_stack(stack).find_warning("*", Match.any_value())]
    for what in ("alert_topic", "alert_topic.master_key"):
        assert [f"calls that change {what} raise no alert" in each for each in warnings].count(True) == 1
    metrics = [each["Properties"]["Namespace"] for each in template.find_resources("AWS::CloudWatch::Alarm").values()]
    assert metrics == ["AWS/Events"] * 5


def test_a_topic_that_another_accounts_stack_makes_allows_the_role_before_there_is_one() -> None:
    """As a principal SNS and KMS refuse a role that does not exist yet, and the trail's stack waits for the topic."""
    app, other = new_app(), "444455556666"
    there = cdk.Stack(app, "There", env=cdk.Environment(account=other, region=REGION))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account=ACCOUNT, region=REGION))
    topic = sns.Topic(there, "Topic", topic_name="alerts", master_key=kms.Key(there, "Key"))
    SecureTrail(here, "SecureTrail", alerts=Alerts(topic=topic))

    assembly = app.synth()
    made = {stack: assembly.get_stack_by_name(stack).template for stack in ("There", "Here")}
    assert here.dependencies == [there]
    assert not any("Policy" in output for output in made["Here"].get("Outputs", {}))
    (role,) = [each for each in made["Here"]["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    own = f"arn:aws:iam::{ACCOUNT}:"
    shown = {
        entry["Sid"][:-8]: (entry["Principal"].get("AWS"), entry["Condition"])
        for each in made["There"]["Resources"].values()
        for document in ("KeyPolicy", "PolicyDocument")
        for entry in each["Properties"].get(document, {}).get("Statement", [])
        if "Sid" in entry
    }
    by_role = (f"{own}root", {"ArnEquals": {"aws:PrincipalArn": f"{own}role/{role['Properties']['RoleName']}"}})
    by_alarm = (None, {"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    assert shown == {
        "EventBridgeAlerts": by_role,
        "AlertsAreEncrypted": by_role,
        "CloudWatchAlerts": by_alarm,
        "AlarmsAreEncrypted": by_alarm,
    }
    actions = [each["Properties"].get("AlarmActions") for each in made["Here"]["Resources"].values()]
    assert {each[0] for each in actions if each} == {f"arn:aws:sns:{REGION}:{other}:alerts"}


def test_in_a_nested_stack_with_a_topic_of_its_own_the_role_has_no_name() -> None:
    """The app may go to one account twice, under two names of the stack."""
    nested = cdk.NestedStack(cdk.Stack(new_app(), "Stack"), "Nested")
    trail = SecureTrail(nested, "SecureTrail", alerts=Alerts())

    role = trail.node.find_child("AlertRole").node.default_child
    assert nested.resolve(cast("iam.CfnRole", role).role_name) is None


def test_in_a_nested_stack_the_role_has_a_name_that_iam_takes() -> None:
    """CDK would make one of the nested stack's own name, which is known only at deployment."""
    app = new_app()
    there = cdk.Stack(app, "There", env=cdk.Environment(account="444455556666", region=REGION))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account=ACCOUNT, region=REGION))
    nested = cdk.NestedStack(here, "Nested")
    trail = SecureTrail(nested, "SecureTrail", alerts=Alerts(topic=sns.Topic(there, "Topic", topic_name="alerts")))

    policy = json.dumps(Template.from_stack(there).find_resources("AWS::SNS::TopicPolicy"))
    role = trail.node.find_child("AlertRole").node.default_child
    name = nested.resolve(cast("iam.CfnRole", role).role_name)
    assert re.fullmatch(r"[\w+=,.@-]{1,64}", name)
    assert f"arn:aws:iam::{ACCOUNT}:role/{name}" in policy


def as_text(value: Any) -> str:
    """An output's value, with what is known only at deployment by its logical id."""
    if isinstance(value, str):
        return value
    _, parts = value["Fn::Join"]
    return "".join(part if isinstance(part, str) else part["Fn::GetAtt"][0] for part in parts)


def test_each_cis_alarm_has_its_own_filter_and_notifies(synthesize: Synthesize) -> None:
    template = synthesize(trail_name="recorder", cloudwatch=CloudWatchLogs(cis_alarms=True))

    filters = [entry["Properties"] for entry in template.find_resources("AWS::Logs::MetricFilter").values()]
    alarms = [entry["Properties"] for entry in template.find_resources("AWS::CloudWatch::Alarm").values()]
    metrics = {
        (transformation["MetricNamespace"], transformation["MetricName"])
        for entry in filters
        for transformation in entry["MetricTransformations"]
    }
    assert metrics == {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms}
    assert len(metrics) == 15
    assert {len(alarm["AlarmActions"]) for alarm in alarms} == {1}
    assert {alarm["TreatMissingData"] for alarm in alarms} == {"notBreaching"}


def test_security_group_changes_meet_security_hub_and_cis_5(synthesize: Synthesize) -> None:
    """Security Hub takes its own list and nothing more; CIS 5.0 has one call more. One alarm looks at both."""
    template = synthesize(trail_name="recorder", cloudwatch=CloudWatchLogs(cis_alarms=True))

    patterns = [
        each["Properties"]["FilterPattern"]
        for each in template.find_resources("AWS::Logs::MetricFilter").values()
        if each["Properties"]["MetricTransformations"][0]["MetricName"] == "SecurityGroupChanges"
    ]
    six = (
        *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
        *("RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup"),
    )
    wanted = [
        " || ".join(f"($.eventName={name})" for name in names) for names in (six, (*six, "ModifySecurityGroupRules"))
    ]
    assert sorted(patterns, key=len) == [f"{{{each}}}" for each in wanted]


def test_changes_of_the_organization_are_the_benchmarks_and_three_more() -> None:
    (pattern,) = [alarm.pattern for alarm in CIS_ALARMS if alarm.cis == "4.15"]

    names = re.findall(r"\$\.eventName=(\w+)", pattern)
    assert len({*names}) == len(names) == 21
    assert {"CancelHandshake", "CreateOrganization", "EnableAllFeatures"} <= {*names}


def test_the_fifteen_are_the_benchmarks_fifteen() -> None:
    assert [alarm.cis for alarm in CIS_ALARMS] == [f"4.{number}" for number in range(1, 16)]
    controls = {alarm.security_hub for alarm in CIS_ALARMS if alarm.security_hub}
    assert controls == {f"CloudWatch.{number}" for number in range(1, 15)}
    assert max(len(alarm.pattern) for alarm in CIS_ALARMS) <= 1024


def test_a_further_alarm_reads_the_trails_log_group(stack: cdk.Stack) -> None:
    trail = SecureTrail(stack, "SecureTrail", trail_name="recorder", alerts=Alerts(), cloudwatch=CloudWatchLogs())
    trail.alarm_on(
        "MassDeletion",
        filter_pattern="{($.eventName=DeleteObject)}",
        description="Somebody deletes many objects",
        threshold=100,
        period=cdk.Duration.minutes(1),
    )

    alarms = [
        each["Properties"] for each in Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    ]
    (alarm,) = [each for each in alarms if "AlarmName" in each]
    assert (alarm["AlarmName"], alarm["Threshold"], alarm["Period"]) == ("recorder-MassDeletion", 100, 60)


@pytest.mark.parametrize("is_theirs", [False, True])
def test_the_topic_can_be_for_alarms_alone(stack: cdk.Stack, *, is_theirs: bool) -> None:
    alias = kms.Alias.from_alias_name(stack, "Alias", "alias/mine")
    theirs = sns.Topic(stack, "Theirs", master_key=alias) if is_theirs else None
    trail = SecureTrail(stack, "SecureTrail", alerts=Alerts(topic=theirs, on_tampering=False))

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Events::Rule", 0)
    template.resource_count_is("AWS::CloudWatch::Alarm", 0)
    (policy,) = template.find_resources("AWS::SNS::TopicPolicy").values()
    services = [each["Principal"] for each in policy["Properties"]["PolicyDocument"]["Statement"]]
    assert {"Service": "cloudwatch.amazonaws.com"} in services
    assert trail.alert_topic is not None
    assert theirs is None or trail.alert_topic is theirs


@pytest.mark.parametrize("is_theirs", [False, True])
def test_alerts_go_to_addresses(stack: cdk.Stack, *, is_theirs: bool) -> None:
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:us-east-1:111122223333:theirs")
    addresses, url = ["security@example.com", "on-call@example.com"], "https://alerts.example.com:8443/aws?from=trail"
    alerts = Alerts(topic=theirs if is_theirs else None, emails=addresses, webhooks=[url])
    trail = SecureTrail(stack, "SecureTrail", alerts=alerts)

    assert trail.alert_topic is not None
    found = Template.from_stack(stack).find_resources("AWS::SNS::Subscription").values()
    assert [(each["Properties"]["Protocol"], each["Properties"]["Endpoint"]) for each in found] == [
        *(("email", address) for address in addresses),
        ("https", url),
    ]
    assert {str(each["Properties"]["TopicArn"]) for each in found} == {str(stack.resolve(trail.alert_topic.topic_arn))}


@pytest.mark.parametrize("is_theirs", [False, True])
def test_alerts_are_shown_in_channels_from_which_nobody_may_do_anything(stack: cdk.Stack, *, is_theirs: bool) -> None:
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:us-east-1:111122223333:theirs")
    channels = [SlackChannel(workspace_id="T0123ABCD", channel_id=each) for each in ("C01", "C02")]
    trail = SecureTrail(
        stack, "SecureTrail", alerts=Alerts(topic=theirs if is_theirs else None, slack_channels=channels)
    )

    template = Template.from_stack(stack)
    configurations = [
        each["Properties"] for each in template.find_resources("AWS::Chatbot::SlackChannelConfiguration").values()
    ]
    assert [(each["SlackWorkspaceId"], each["SlackChannelId"]) for each in configurations] == [
        ("T0123ABCD", "C01"),
        ("T0123ABCD", "C02"),
    ]
    assert len({each["ConfigurationName"] for each in configurations}) == len(channels)
    assert trail.alert_topic is not None
    (role,) = (
        name
        for name, each in template.find_resources("AWS::IAM::Role").items()
        if "chatbot.amazonaws.com" in str(each["Properties"]["AssumeRolePolicyDocument"])
    )
    assert set(template.find_resources("AWS::IAM::Role")[role]["Properties"]) == {
        "AssumeRolePolicyDocument",
        "Description",
    }
    assert role not in str(template.find_resources("AWS::IAM::ManagedPolicy"))
    for each in configurations:
        assert plain(each["GuardrailPolicies"], "aws") == ["arn:aws:iam::aws:policy/AWSDenyAll"]
        assert each["IamRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
        assert each["SnsTopicArns"] == [stack.resolve(trail.alert_topic.topic_arn)]


def test_channels_may_be_parameters_of_the_stack(stack: cdk.Stack) -> None:
    ids = [cdk.CfnParameter(stack, name).value_as_string for name in ("First", "Second")]
    channels = [SlackChannel(workspace_id="T0123ABCD", channel_id=each) for each in ids]

    SecureTrail(stack, "SecureTrail", alerts=Alerts(slack_channels=channels))

    template = Template.from_stack(stack)
    made = template.find_resources("AWS::Chatbot::SlackChannelConfiguration").values()
    assert [each["Properties"]["SlackChannelId"] for each in made] == [{"Ref": "First"}, {"Ref": "Second"}]


def test_in_a_chat_alerts_have_the_form_that_it_shows(stack: cdk.Stack) -> None:
    """Of other messages it shows nothing."""
    channel = SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")
    SecureTrail(stack, "SecureTrail", alerts=Alerts(slack_channels=[channel]))

    rules = Template.from_stack(stack).find_resources("AWS::Events::Rule").values()
    templates = [
        target["InputTransformer"]["InputTemplate"] for each in rules for target in each["Properties"]["Targets"]
    ]
    assert len(templates) == 5
    for each in templates:
        message = json.loads(each)
        assert (message["version"], message["source"]) == ("1.0", "custom")
        assert message["content"]["textType"] == "client-markdown"
        assert "<call> on <service> by <who> from <address>" in message["content"]["description"]


def test_a_group_that_is_off_stays_off_in_the_compliance_profile(stack: cdk.Stack) -> None:
    trail = SecureTrail(
        stack,
        "SecureTrail",
        profile=SecurityProfile.COMPLIANCE,
        cloudwatch=False,
        alerts=False,
        log_bucket=NewBucket(replica=False),
    )

    assert (trail.log_group, trail.alert_topic, trail.replica_target) == (None, None, None)
    types = {each["Type"] for each in Template.from_stack(stack).to_json()["Resources"].values()}
    assert types & {"AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::Events::Rule", "AWS::CloudWatch::Alarm"} == set()
