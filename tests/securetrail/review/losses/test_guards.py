"""What protects by being there, and locks and databases."""

from typing import Any

import pytest

from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular

POLICY = {"More": resource("AWS::Organizations::Policy", Type="SERVICE_CONTROL_POLICY", Name="p")}
GUARDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AWS::Macie::Session": ({"Status": "ENABLED"}, {"Status": "PAUSED"}),
    "AWS::Organizations::Policy": ({"Content": {"Statement": [{"Effect": "Deny"}]}}, {"Content": {"Statement": []}}),
    "AWS::Config::ConfigRule": ({"Source": {"Owner": "AWS"}}, {"Source": {"Owner": "CUSTOM_LAMBDA"}}),
    "AWS::WAFv2::WebACL": ({"DefaultAction": {"Block": {}}}, {"DefaultAction": {"Allow": {}}}),
}


@pytest.mark.parametrize("of_type", GUARDS)
def test_what_protects_and_has_no_control_may_not_change(of_type: str) -> None:
    before, after = ({"More": resource(of_type, **given)} for given in GUARDS[of_type])

    assert ("protection_changed", "Stack/More") in objections(before, after)
    described = {"More": resource(of_type, **GUARDS[of_type][0], Description="another text", Tags=[1])}
    assert objections(before, described) == set()


def test_what_protects_and_has_no_control_may_not_be_replaced() -> None:
    other = {"More": resource("AWS::Organizations::Policy", Type="TAG_POLICY", Name="p")}

    assert objections(POLICY, other) == {
        ("protection_changed", "Stack/More"),
        ("replaced: Type changes", "Stack/More"),
    }


METRIC = {"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}
MASKS = {"Name": "masks", "Statement": [{"Operation": {"Deidentify": {"MaskConfig": {}}}}]}
CLOCK = {"ScheduleExpression": "rate(1 day)"}
EVENTS = {"EventPattern": {"source": ["aws.s3"]}}


def target(**more: Any) -> dict[str, Any]:
    return {"Targets": [{"Arn": "arn:aws:lambda:us-east-1:1:function:f", "Id": "t", **more}]}


def metric(**more: Any) -> dict[str, Any]:
    return {"MetricTransformations": [{**METRIC, **more}]}


SILENT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Logs::MetricFilter", metric(), metric(Dimensions=[{"Key": "who", "Value": "$.a"}])),
    ("Logs::MetricFilter", metric(), metric() | {"EmitSystemFieldDimensions": ["@aws.account"]}),
    ("Logs::MetricFilter", metric(), metric() | {"ApplyOnTransformedLogs": True}),
    ("Logs::LogGroup", {}, {"DataProtectionPolicy": MASKS}),
    ("Logs::LogGroup", {}, {"LogGroupClass": "INFREQUENT_ACCESS"}),
    ("Logs::LogGroup", {}, {"BearerTokenAuthenticationEnabled": True}),
    ("Logs::SubscriptionFilter", {"LogGroupName": "audit"}, {"LogGroupName": "other"}),
    ("Logs::SubscriptionFilter", {}, {"FieldSelectionCriteria": "@aws.region = x"}),
    ("Logs::SubscriptionFilter", {"RoleArn": "may"}, {"RoleArn": "may-not"}),
    ("SNS::Topic", {}, {"DataProtectionPolicy": MASKS}),
    ("SNS::Subscription", {}, {"DeliveryPolicy": {"throttlePolicy": {"maxReceivesPerSecond": 1}}}),
    ("Events::Rule", EVENTS, EVENTS | {"RoleArn": "may-not"}),
    ("Events::Rule", EVENTS | target(RoleArn="may"), EVENTS | target(RoleArn="may-not")),
    ("Events::Rule", CLOCK | target(Input="one trail"), CLOCK | target(Input="another")),
    ("CloudWatch::Alarm", {}, {"SomethingThatIsNewNextYear": 1}),
]


@pytest.mark.parametrize(("of", "before", "after"), SILENT)
def test_what_no_control_orders_may_not_change_where_alerts_pass(
    of: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert ("protection_changed", "Stack/More") in changed(of, before, after)


def changed(of: str, before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    return objections(*({"More": resource(f"AWS::{of}", **each)} for each in (before, after)))


HARMLESS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Logs::MetricFilter", metric(), metric(Unit="Bytes")),
    ("Logs::MetricFilter", metric(), metric(DefaultValue=0) | {"ApplyOnTransformedLogs": "false", "FilterName": "n"}),
    ("Logs::LogGroup", {}, {"LogGroupClass": "STANDARD", "FieldIndexPolicies": [{"Fields": ["a"]}], "Tags": []}),
    ("Logs::SubscriptionFilter", {}, {"Distribution": "Random", "FilterName": "n"}),
    ("SNS::Topic", {}, {"DisplayName": "Alerts", "TracingConfig": "Active"}),
    ("SNS::Subscription", {}, {"RawMessageDelivery": True}),
    ("Events::Rule", EVENTS | target(), EVENTS | target(DeadLetterConfig={"Arn": "q"}) | {"Description": "d"}),
    ("Events::Rule", EVENTS | {"Targets": []}, EVENTS | target(RoleArn="may")),
    ("Events::Rule", EVENTS | target(EcsParameters={"n": 1}), EVENTS | target(EcsParameters={"n": "1"})),
    ("CloudWatch::Alarm", {}, {"OKActions": ["t"], "AlarmDescription": "d"}),
]


def counted(*units: str, asked: str = "") -> dict[str, Any]:
    """Filters that count into one metric, in these units, and an alarm on it."""
    alarm = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Threshold": 1, "Period": 300}
    filters = {
        f"Filter{number}": resource("AWS::Logs::MetricFilter", **metric(**({"Unit": unit} if unit else {})))
        for number, unit in enumerate(units)
    }
    operator = "GreaterThanOrEqualToThreshold"
    more = {"Unit": asked} if asked else {}
    return {**filters, "More": resource("AWS::CloudWatch::Alarm", **alarm, ComparisonOperator=operator, **more)}


@pytest.mark.parametrize(
    ("before", "after", "is_less"),
    [
        (counted(""), counted("Count"), False),
        (counted("Count", asked="Count"), counted("Bytes", asked="Count"), True),
        (counted("", asked="None"), counted("Count", asked="None"), True),
        (counted("Count", "Count"), counted("Count", "Bytes"), True),
        (counted("Count", "Count"), counted("Bytes", "Bytes"), False),
    ],
)
def test_an_alarm_goes_on_looking_at_what_is_counted_in_its_unit(before: Any, after: Any, is_less: bool) -> None:  # noqa: FBT001 (a case's)
    assert bool(objections(before, after)) is is_less


@pytest.mark.parametrize(("of", "before", "after"), HARMLESS)
def test_what_silences_nothing_may_change(of: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert changed(of, before, after) == set()


def forwarding(**variables: Any) -> dict[str, Any]:
    return {
        "More": resource("AWS::Lambda::Function", Environment={"Variables": variables}),
        "Told": resource(
            "AWS::SNS::Subscription",
            TopicArn="arn:aws:sns:us-east-1:1:t",
            Protocol="lambda",
            Endpoint={"Fn::GetAtt": ["More", "Arn"]},
        ),
    }


def test_a_function_that_is_told_of_alerts_may_not_send_them_elsewhere() -> None:
    before = forwarding(WEBHOOK_URL="https://hooks.example.com/ours", LEVEL="info")
    after = forwarding(WEBHOOK_URL="https://hooks.example.com/theirs", LEVEL="info")

    assert objections(before, after) == {("protection_changed", "Stack/More")}
    assert objections(before, forwarding(LEVEL="info")) == {("protection_changed", "Stack/More")}
    other = forwarding(WEBHOOK_URL="https://hooks.example.com/ours", LEVEL="debug", MORE_URL="https://example.com")
    assert objections(before, other) == set()
    # Elsewhere an address is an address of others.
    assert objections({"More": before["More"]}, {"More": after["More"]}) == set()


@pytest.mark.parametrize(
    ("of", "by"), [("CloudWatch::CompositeAlarm", "AlarmActions"), ("Lambda::EventSourceMapping", "FunctionName")]
)
def test_nor_one_that_an_alarm_of_alarms_or_a_queue_tells(of: str, by: str) -> None:
    def told(url: str) -> dict[str, Any]:
        return forwarding(WEBHOOK_URL=url) | {"Told": resource(f"AWS::{of}", **{by: [{"Fn::GetAtt": ["More", "Arn"]}]})}

    before, after = told("https://hooks.example.com/ours"), told("https://hooks.example.com/theirs")

    assert objections(before, after) == {("protection_changed", "Stack/More")}


TELLING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("CloudFormation::HookTypeConfig", {"Configuration": "ON"}, {"Configuration": "OFF"}),
    ("CloudWatch::InsightRule", {"RuleState": "ENABLED"}, {"RuleState": "DISABLED"}),
    ("Events::Connection", {"AuthParameters": {"ApiKey": 1}}, {"AuthParameters": {"ApiKey": 2}}),
    ("GuardDuty::ThreatIntelSet", {"Activate": True}, {"Activate": False}),
    ("IAM::VirtualMFADevice", {"Users": ["a"]}, {"Users": []}),
    ("Oam::Link", {"ResourceTypes": ["AWS::Logs::LogGroup"]}, {"ResourceTypes": ["AWS::XRay::Trace"]}),
    ("Chatbot::SlackChannelConfiguration", {"SlackChannelId": "C1"}, {"SlackChannelId": "C2"}),
    (
        "Events::ApiDestination",
        {"InvocationEndpoint": "https://a.example/1"},
        {"InvocationEndpoint": "https://a.example/2"},
    ),
    ("Logs::Destination", {"TargetArn": "ours"}, {"TargetArn": "theirs"}),
    ("NotificationsContacts::EmailContact", {"EmailAddress": "a"}, {"EmailAddress": "b"}),
    ("Pipes::Pipe", {"DesiredState": "RUNNING"}, {"DesiredState": "STOPPED"}),
    ("SSMContacts::ContactChannel", {"ChannelAddress": "a"}, {"ChannelAddress": "b"}),
    ("Scheduler::Schedule", {"State": "ENABLED"}, {"State": "DISABLED"}),
    ("Config::ConformancePack", {"TemplateBody": "a"}, {"TemplateBody": "b"}),
    ("Organizations::Account", {"ParentIds": ["ou-1"]}, {"ParentIds": ["r-1"]}),
    ("CloudFormation::StackSet", {"TemplateURL": "a"}, {"TemplateURL": "b"}),
    ("FMS::Policy", {"RemediationEnabled": True}, {"RemediationEnabled": False}),
    ("NetworkFirewall::LoggingConfiguration", {"FirewallArn": "a"}, {"FirewallArn": "b"}),
    ("SecurityLake::AwsLogSource", {"Accounts": ["1", "2"]}, {"Accounts": ["1"]}),
    ("SecurityHub::Standard", {"DisabledStandardsControls": []}, {"DisabledStandardsControls": [1]}),
]


@pytest.mark.parametrize(("of", "before", "after"), TELLING)
def test_what_tells_and_what_looks_may_neither_change_nor_go(
    of: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert "protection_changed" in {each for each, _ in changed(of, before, after)}
    assert changed(of, before, before | {"Description": "d", "Tags": []}) == set()
    assert objections({"More": resource(f"AWS::{of}", **before)}, {}) == {("removed", "Stack/More")}


def test_a_connection_goes_with_one_of_its_ends() -> None:
    function = {"Fed": resource("AWS::Lambda::Function")}
    name = {"Ref": "Fed"}
    connected = function | {"More": resource("AWS::Lambda::EventSourceMapping", FunctionName=name)}

    assert objections(connected, function) == {("removed", "Stack/More")}
    assert objections(connected, {}) == set()


MUTE = resource("AWS::CloudWatch::AlarmMuteRule", MuteTargets={"AlarmNames": ["RootUserUsed"]})
ARCHIVE = {
    kind: resource("AWS::GuardDuty::Filter", Action=kind, FindingCriteria={"Criterion": {}})
    for kind in ("ARCHIVE", "NOOP")
}
TRANSFORMER = resource("AWS::Logs::Transformer", LogGroupIdentifier={"Ref": "Group"})


def test_what_keeps_others_quiet_is_objected_to_when_it_is_new_or_another_one() -> None:
    def kinds(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        return [each.split(":")[0] for each, _ in objections(before, after)]

    group = {"Group": resource("AWS::Logs::LogGroup", LogGroupName="group")}

    assert kinds({}, {"More": MUTE}) == ["silences"]
    assert kinds({"More": ARCHIVE["NOOP"]}, {"More": ARCHIVE["ARCHIVE"]}) == ["silences"]
    assert kinds(group, group | {"More": TRANSFORMER}) == ["silences"]
    assert kinds({}, {"More": ARCHIVE["NOOP"]}) == []
    assert kinds({"More": MUTE}, {}) == []
    assert kinds({"More": MUTE}, {"More": MUTE}) == []
    assert kinds({}, group | {"More": TRANSFORMER}) == []


def test_naming_something_new_beside_keeps_no_silence_from_being_objected_to() -> None:
    new = {"New": resource("AWS::CloudWatch::Alarm", AlarmName="new")}

    def mute(*alarms: Any, **more: Any) -> dict[str, Any]:
        return new | {"More": resource("AWS::CloudWatch::AlarmMuteRule", MuteTargets={"AlarmNames": [*alarms]}) | more}

    def sms(topic: Any) -> dict[str, Any]:
        to = resource("AWS::SNS::Subscription", TopicArn=topic, Protocol="sms", Endpoint="+15550100")
        return {"New": resource("AWS::SNS::Topic"), "More": to | {"DependsOn": "New"}}

    assert objections({}, mute({"Ref": "New"})) == set()
    for quiet in (mute("RootUserUsed", {"Ref": "New"}), mute("RootUserUsed", DependsOn="New")):
        assert [each.split(":")[0] for each, _ in objections({}, quiet)] == ["silences"]
    assert objections({}, sms({"Ref": "New"})) == set()
    assert objections({}, sms("arn:aws:sns:us-east-1:123456789012:alerts")) == {("recipient_not_known", "Stack/More")}


def test_a_new_subscriber_that_the_template_does_not_tell_is_objected_to() -> None:
    def subscribed(protocol: str, endpoint: Any, topic: str = "Alerts") -> dict[str, Any]:
        return {
            "Topic": resource("AWS::SNS::Topic"),
            "More": resource("AWS::SNS::Subscription", TopicArn={"Ref": topic}, Protocol=protocol, Endpoint=endpoint),
        }

    before = {"Topic": resource("AWS::SNS::Topic")}
    for protocol, endpoint in (
        ("email", "{{resolve:ssm:/mail}}"),
        ("email", {"Fn::Transform": "x"}),
        ("sms", "+4915112345678"),
    ):
        found = objections(before, subscribed(protocol, endpoint))
        assert ("recipient_not_known", "Stack/More") in found
        assert objections({}, subscribed(protocol, endpoint, "Topic")) == set()


LOCK = {"MinRetentionDays": 30, "ChangeableForDays": 3}


@pytest.mark.parametrize(
    ("of_type", "before", "after", "expected"),
    [
        ("AWS::Backup::BackupVault", {"LockConfiguration": LOCK}, {}, {"backup_vault_is_locked"}),
        (
            "AWS::Backup::BackupVault",
            {"LockConfiguration": LOCK},
            {"LockConfiguration": {"MinRetentionDays": 30}},
            {"backup_vault_is_locked"},
        ),
        (
            "AWS::Backup::BackupVault",
            {"LockConfiguration": LOCK},
            {"LockConfiguration": {**LOCK, "MinRetentionDays": 1}},
            {"backup_vault_lock_period"},
        ),
        ("AWS::Backup::BackupVault", {}, {"LockConfiguration": LOCK}, set()),
        ("AWS::Neptune::DBCluster", {"DeletionProtection": True}, {}, {"database_is_protected"}),
        ("AWS::DocDB::DBCluster", {"BackupRetentionPeriod": 30}, {}, {"database_keeps_backups"}),
    ],
)
def test_locks_and_databases(of_type: str, before: Any, after: Any, expected: set[str]) -> None:
    found = objections({"More": resource(of_type, **before)}, {"More": resource(of_type, **after)})

    assert expected <= {each.split(":")[0] for each, _ in found}
    assert bool(found) is bool(expected)


def delivered(principal: str) -> dict[str, Any]:
    """A queue that is subscribed to the alerts, and a function that is."""
    queue, function, topic = {"Fn::GetAtt": ["Held", "Arn"]}, {"Fn::GetAtt": ["Forwards", "Arn"]}, {"Ref": "Alerts"}
    allows = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return {
        "Held": resource("AWS::SQS::Queue"),
        "HeldPolicy": resource(
            "AWS::SQS::QueuePolicy", Queues=[{"Ref": "Held"}], PolicyDocument={"Statement": [allows]}
        ),
        "HeldTold": resource("AWS::SNS::Subscription", TopicArn=topic, Protocol="sqs", Endpoint=queue),
        "Forwards": resource("AWS::Lambda::Function"),
        "May": resource(
            "AWS::Lambda::Permission",
            FunctionName=function,
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=topic,
        ),
        "ForwardsTold": resource("AWS::SNS::Subscription", TopicArn=topic, Protocol="lambda", Endpoint=function),
    }


def test_a_topic_may_go_on_sending_to_what_is_subscribed() -> None:
    before = delivered("sns.amazonaws.com")
    without = {name: each for name, each in before.items() if name not in ("HeldPolicy", "May")}

    found = {(each.split(":")[0], where) for each, where in objections(before, without)}
    assert found == {("newly_denied", "Stack/Held"), ("newly_denied", "Stack/Forwards")}
    assert objections(before, {}) >= {("removed", "Stack/HeldTold")}


def test_a_tag_by_which_policies_decide_may_not_go_whatever_its_value() -> None:
    condition = {"StringNotEquals": {"aws:ResourceTag/kept": "none"}}
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": condition}
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [statement]})
    tagged = resource("AWS::S3::Bucket", Tags=[{"Key": "kept", "Value": "none"}])

    found = objections({"Policy": policy, "More": tagged}, {"Policy": policy, "More": resource("AWS::S3::Bucket")})
    assert ("tag_decides: kept: none -> not there", "Stack/More") in found
