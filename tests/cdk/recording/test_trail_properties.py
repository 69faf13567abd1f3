"""What the trail is told to record, and what it never records."""

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import (
    AggregationTemplate,
    Analytics,
    ArchivedTrail,
    Condition,
    DeliveryNotifications,
    EventCategory,
    EventSelector,
    Insight,
    InsightType,
    LogArchive,
    LogReplica,
    NewAccessLogBucket,
    NewBucket,
    Operator,
    Organization,
    ReadWrite,
    Recording,
    Replica,
    SecureTrail,
)
from tests.cdk.conftest import Synthesize, new_app, only


def trail_of(template: Template) -> dict[str, Any]:
    return only(template, "AWS::CloudTrail::Trail")


def fields(selector: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        field["Field"]: {operator: values for operator, values in field.items() if operator != "Field"}
        for field in selector["FieldSelectors"]
    }


def test_without_selectors_the_trail_keeps_cloudtrails_default(synthesize: Synthesize) -> None:
    trail = trail_of(synthesize())

    assert not {"AdvancedEventSelectors", "EventSelectors", "InsightSelectors", "AggregationConfigurations"} & set(
        trail
    )


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (EventSelector.management(), {"eventCategory": {"Equals": ["Management"]}}),
        (
            EventSelector.management(
                read_write=ReadWrite.WRITE_ONLY,
                exclude_event_sources=["kms.amazonaws.com", "rdsdata.amazonaws.com"],
            ),
            {
                "eventCategory": {"Equals": ["Management"]},
                "eventSource": {"NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]},
                "readOnly": {"Equals": ["false"]},
            },
        ),
        (
            EventSelector.data("AWS::SQS::Queue", arns=["arn:aws:sqs:eu-west-1:111122223333:q"], event_names=["Send"]),
            {
                "eventCategory": {"Equals": ["Data"]},
                "resources.type": {"Equals": ["AWS::SQS::Queue"]},
                "resources.ARN": {"Equals": ["arn:aws:sqs:eu-west-1:111122223333:q"]},
                "eventName": {"Equals": ["Send"]},
            },
        ),
        (
            EventSelector.lambda_invocations(),
            {"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::Lambda::Function"]}},
        ),
        (
            EventSelector.dynamodb_items(read_write=ReadWrite.READ_ONLY),
            {
                "eventCategory": {"Equals": ["Data"]},
                "resources.type": {"Equals": ["AWS::DynamoDB::Table"]},
                "readOnly": {"Equals": ["true"]},
            },
        ),
        (
            EventSelector.network_activity("s3.amazonaws.com", vpc_endpoint_ids=["vpce-1"], only_denied=True),
            {
                "eventCategory": {"Equals": ["NetworkActivity"]},
                "eventSource": {"Equals": ["s3.amazonaws.com"]},
                "vpcEndpointId": {"Equals": ["vpce-1"]},
                "errorCode": {"Equals": ["VpceAccessDenied"]},
            },
        ),
        (
            EventSelector(
                "Odd",
                EventCategory.DATA,
                (
                    Condition("resources.type", Operator.EQUALS, ("AWS::SNS::Topic",)),
                    Condition("eventName", Operator.NOT_STARTS_WITH, ("Get",)),
                    Condition("eventName", Operator.NOT_ENDS_WITH, ("Tags",)),
                ),
            ),
            {
                "eventCategory": {"Equals": ["Data"]},
                "resources.type": {"Equals": ["AWS::SNS::Topic"]},
                "eventName": {"NotStartsWith": ["Get"], "NotEndsWith": ["Tags"]},
            },
        ),
    ],
)
def test_a_selector_becomes_an_advanced_event_selector(
    synthesize: Synthesize, selector: EventSelector, expected: dict[str, Any]
) -> None:
    trail = trail_of(synthesize(recording=Recording(event_selectors=[selector])))

    assert [fields(rendered) for rendered in trail["AdvancedEventSelectors"]] == [expected]
    assert "EventSelectors" not in trail


def left_out(template: Template) -> set[str]:
    """The beginnings of the ARNs that the one selector never records, the logical id in place of a reference."""
    (selector,) = trail_of(template)["AdvancedEventSelectors"]
    ids = {}
    for name in template.find_resources("AWS::S3::Bucket"):
        ids[json.dumps({"Fn::GetAtt": [name, "Arn"]})] = name
        ids[json.dumps({"Ref": name})] = name
    texts = set()
    for value in fields(selector)["resources.ARN"]["NotStartsWith"]:
        parts = [value] if isinstance(value, str) else value["Fn::Join"][1]
        text = "".join(part if isinstance(part, str) else ids.get(json.dumps(part), "aws") for part in parts)
        texts.add(text.removeprefix("arn:aws:s3:::").removesuffix("/"))
    return texts


def test_what_is_delivered_to_its_own_buckets_is_never_recorded(synthesize: Synthesize) -> None:
    """Each delivered file would cause the next one: log files, their copies, and the access logs of both."""
    template = synthesize(
        recording=Recording(event_selectors=[EventSelector.s3_objects()]), log_bucket=NewBucket(replica=Replica())
    )

    buckets = set(template.find_resources("AWS::S3::Bucket"))
    assert left_out(template) == buckets
    assert len(buckets) == 4


def archive_of(stack: cdk.Stack, access_logs: str | None = None, replica: Replica | None = None) -> s3.IBucket:
    trail = ArchivedTrail(trail_name="audit", trail_account="111122223333", trail_region="eu-central-1")
    logs = s3.Bucket(stack, "Logs", bucket_name=access_logs) if access_logs else None
    bucket = NewBucket(
        bucket_name="archive",
        access_log_bucket=NewAccessLogBucket() if logs is None else logs,
        replica=replica or False,
    )
    return LogArchive(stack, "Archive", trails=[trail], log_bucket=bucket).bucket


def imported(stack: cdk.Stack, account: str) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(stack, "Imported", bucket_name="archive", account=account)


@pytest.mark.parametrize(
    ("bucket", "organization", "excluded", "warned"),
    [
        # The archive's stack is the trail's: where its access logs go is known.
        (lambda here, _: archive_of(here), None, {"ArchiveBucket", "ArchiveAccessLogs"}, False),
        (lambda here, _: s3.Bucket(here, "WithoutLogs"), None, {"WithoutLogs"}, False),
        (
            lambda here, _: archive_of(here, replica=Replica()),
            None,
            {"ArchiveBucket", "ArchiveAccessLogs", "ArchiveReplicaBucket", "ArchiveReplicaAccessLogs"},
            False,
        ),
        # Another stack: known by a name that it was given.
        (
            lambda _, there: archive_of(there, "access-logs"),
            Organization("o-abcdefghij"),
            {"archive", "access-logs"},
            False,
        ),
        (lambda _, there: archive_of(there), Organization("o-abcdefghij"), {"archive"}, True),
        # Another account, whose events only an organization's trail records.
        (lambda _, there: archive_of(there), None, {"archive"}, False),
        (lambda here, _: imported(here, "444455556666"), None, {"archive"}, False),
        (lambda here, _: imported(here, "444455556666"), Organization("o-abcdefghij"), {"archive"}, True),
        (lambda here, _: imported(here, "111122223333"), None, {"archive"}, True),
    ],
)
def test_access_logs_of_an_archive_do_not_cause_the_next_ones(
    bucket: Callable[[cdk.Stack, cdk.Stack], s3.IBucket],
    organization: Organization | None,
    excluded: set[str],
    warned: bool,  # noqa: FBT001 (a parameter of pytest's)
) -> None:
    app = new_app()
    here, there = (
        cdk.Stack(app, f"In{account}", env=cdk.Environment(account=account, region="eu-central-1"))
        for account in ("111122223333", "444455556666")
    )
    SecureTrail(
        here,
        "SecureTrail",
        trail_name="audit",
        log_bucket=bucket(here, there),
        encryption_key=kms.Key.from_key_arn(here, "Key", "arn:aws:kms:eu-central-1:444455556666:key/k"),
        organization=organization,
        recording=Recording(event_selectors=[EventSelector.s3_objects()]),
    )

    found = {re.sub("[0-9A-F]{8}$", "", name) for name in left_out(Template.from_stack(here))}
    assert found == excluded
    warnings = Annotations.from_stack(here).find_warning("*", Match.string_like_regexp("archive-deliveries"))
    assert bool(warnings) is warned


def of_same_id_elsewhere(here: cdk.Stack, there: cdk.Stack) -> s3.IBucket:
    """The bucket for access logs has the id of the log bucket, in another stack: both templates call it the same."""
    return s3.Bucket(here, "Logs", server_access_logs_bucket=s3.Bucket(there, "Logs"))


def two_steps(here: cdk.Stack, _: cdk.Stack) -> NewBucket:
    last = s3.Bucket(here, "Last")
    return NewBucket(access_log_bucket=s3.Bucket(here, "First", server_access_logs_bucket=last))


def copied_later(here: cdk.Stack, _: cdk.Stack) -> s3.IBucket:
    """What CDK makes only when it writes the template; a reference in there is not followed."""
    resource = s3.CfnBucket(here, "Logs")
    role, copies = "arn:aws:iam::111122223333:role/copy", s3.Bucket(here, "Copies")
    destination = {"bucket": copies.bucket_arn}
    rules = cdk.Token.as_any([{"status": "Enabled", "destination": destination}])
    resource.add_property_override("VersioningConfiguration.Status", "Enabled")
    resource.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(role=role, rules=rules)
    return s3.Bucket.from_cfn_bucket(resource)


@pytest.mark.parametrize(
    ("bucket", "excluded", "warned"),
    [
        (copied_later, {"Logs"}, True),
        (of_same_id_elsewhere, {"Logs"}, True),
        (two_steps, {"SecureTrailBucket", "First", "Last"}, False),
        (
            lambda here, _: NewBucket(access_log_bucket=s3.Bucket.from_bucket_name(here, "Imported", "theirs")),
            {"SecureTrailBucket", "theirs"},
            True,
        ),
        (
            lambda here, _: s3.Bucket(
                here, "Logs", server_access_logs_bucket=s3.Bucket.from_bucket_name(here, "Imported", "theirs")
            ),
            {"Logs", "theirs"},
            True,
        ),
    ],
)
def test_access_logs_of_access_logs_do_not_cause_the_next_ones(
    bucket: Callable[[cdk.Stack, cdk.Stack], s3.IBucket | NewBucket],
    excluded: set[str],
    warned: bool,  # noqa: FBT001 (a parameter of pytest's)
) -> None:
    app, env = new_app(), cdk.Environment(account="111122223333", region="eu-central-1")
    here, there = cdk.Stack(app, "Here", env=env), cdk.Stack(app, "There", env=env)
    SecureTrail(
        here,
        "SecureTrail",
        log_bucket=bucket(here, there),
        recording=Recording(event_selectors=[EventSelector.s3_objects()]),
    )

    assert {re.sub("[0-9A-F]{8}$", "", name) for name in left_out(Template.from_stack(here))} == excluded
    warnings = Annotations.from_stack(here).find_warning("*", Match.string_like_regexp("archive-deliveries"))
    assert bool(warnings) is warned


def objects(*conditions: Condition) -> EventSelector:
    of_type = Condition("resources.type", Operator.EQUALS, ("AWS::S3::Object",))
    return EventSelector("Objects", EventCategory.DATA, (of_type, *conditions))


@pytest.mark.parametrize(
    ("selector", "warned"),
    [
        (EventSelector.s3_objects(event_names=["PutObject", "GetObject"]), True),
        (EventSelector.s3_objects(event_names=["DeleteObject"]), False),
        (EventSelector.s3_objects(read_write=ReadWrite.WRITE_ONLY), True),
        (EventSelector.s3_objects(read_write=ReadWrite.READ_ONLY), False),
        (EventSelector.data("AWS::S3::Object", arn_prefixes=["arn:aws:s3:::"]), True),
        (EventSelector.data("AWS::S3::Object", arn_prefixes=["arn:aws:s3:::mine/"]), False),
        (EventSelector.data("AWS::S3::Object", arns=["arn:aws:s3:::mine/x"]), False),
        (objects(Condition("resources.ARN", Operator.NOT_STARTS_WITH, ("arn:aws:s3:::mine/",))), True),
        (objects(Condition("eventName", Operator.NOT_EQUALS, ("GetObject",))), True),
        (objects(Condition("eventName", Operator.STARTS_WITH, ("Put",))), True),
        (objects(Condition("eventName", Operator.STARTS_WITH, ("Get",))), False),
        (objects(Condition("eventName", Operator.ENDS_WITH, ("Object",))), True),
        (objects(Condition("eventName", Operator.NOT_ENDS_WITH, ("Object", "Upload", "Part"))), False),
        (objects(Condition("eventName", Operator.NOT_STARTS_WITH, ("Get",))), True),
        (objects(Condition("eventName", Operator.EQUALS, (cdk.Aws.STACK_NAME,))), True),
        (objects(Condition("sessionCredentialFromConsole", Operator.EQUALS, ("true",))), False),
        (EventSelector.data("AWS::Lambda::Function"), False),
    ],
)
def test_each_selector_that_may_record_deliveries_to_unknown_buckets_is_warned_of(
    stack: cdk.Stack, selector: EventSelector, *, warned: bool
) -> None:
    imported_bucket = s3.Bucket.from_bucket_name(stack, "Imported", "archive")
    SecureTrail(stack, "SecureTrail", log_bucket=imported_bucket, recording=Recording(event_selectors=[selector]))

    warnings = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("archive-deliveries"))
    assert bool(warnings) is warned


def of_topics(topic: sns.ITopic, operator: Operator) -> EventSelector:
    of_type = Condition("resources.type", Operator.EQUALS, ("AWS::SNS::Topic",))
    return EventSelector("T", EventCategory.DATA, (of_type, Condition("resources.ARN", operator, (topic.topic_arn,))))


@pytest.mark.parametrize(
    ("selector", "warned"),
    [
        (lambda _: EventSelector.data("AWS::SNS::Topic"), True),
        (lambda _: EventSelector.data("AWS::SNS::Topic", event_names=["Publish"]), True),
        (lambda _: EventSelector.data("AWS::SNS::Topic", event_names=["GetTopicAttributes"]), False),
        (lambda _: EventSelector.data("AWS::SNS::Topic", arns=["arn:aws:sns:eu-west-1:111122223333:x"]), False),
        (lambda topic: of_topics(topic, Operator.EQUALS), True),
        (lambda topic: of_topics(topic, Operator.NOT_EQUALS), False),
        (lambda _: EventSelector.s3_objects(), False),
    ],
    ids=["all", "publish", "another call", "another topic", "this topic", "all but this topic", "objects"],
)
@pytest.mark.parametrize("is_told_of_log_files", [False, True])
def test_messages_about_log_files_that_cause_the_next_ones_are_warned_of(
    stack: cdk.Stack, selector: Callable[[sns.ITopic], EventSelector], *, warned: bool, is_told_of_log_files: bool
) -> None:
    topic = sns.Topic(stack, "Topic")
    trail = SecureTrail(
        stack,
        "SecureTrail",
        recording=Recording(event_selectors=[selector(topic)]),
        delivery_notifications=DeliveryNotifications(topic=topic) if is_told_of_log_files else None,
    )

    told = any("securetrail:own-messages" in str(each.data) for each in trail.node.metadata)
    assert told is (warned and is_told_of_log_files)


@pytest.mark.parametrize("name", ["copies-access-logs", None])
def test_a_replica_of_another_region_is_left_out_as_far_as_it_is_known(name: str | None) -> None:
    app, account = new_app(), "111122223333"
    there = cdk.Stack(app, "There", env=cdk.Environment(account=account, region="eu-west-1"))
    here = cdk.Stack(app, "Here", env=cdk.Environment(account=account, region="eu-central-1"))
    access_logs = s3.Bucket(there, "AccessLogs", bucket_name=name) if name else None
    replica = LogReplica(
        there, "Replica", bucket_name="copies", key_alias="alias/copies", access_log_bucket=access_logs
    )
    SecureTrail(
        here,
        "SecureTrail",
        recording=Recording(event_selectors=[EventSelector.s3_objects()]),
        log_bucket=NewBucket(replica=Replica(target=replica.target)),
    )

    found = left_out(Template.from_stack(here)) - {"SecureTrailBucket89F6863C", "SecureTrailAccessLogs2357F7D6"}
    assert found == {"copies"} | ({name} if name else set())
    warnings = Annotations.from_stack(here).find_warning("*", Match.string_like_regexp("own-deliveries"))
    assert bool(warnings) is (name is None)
    assert "Token[" not in str([each.entry.data for each in warnings])
    assert here.dependencies == [there]  # the replica's stack is deployed first, without a reference


@pytest.mark.parametrize("organization", [None, Organization("o-abcdefghij")])
def test_access_logs_of_a_replica_in_another_account_are_recorded_by_an_organizations_trail_alone(
    organization: Organization | None,
) -> None:
    """In the trail's own region; the name of their bucket is known only over there."""
    app = new_app()
    here, there = (
        cdk.Stack(app, f"In{account}", env=cdk.Environment(account=account, region="eu-central-1"))
        for account in ("111122223333", "444455556666")
    )
    replica = LogReplica(there, "Replica", bucket_name="copies", source_account="111122223333")
    target = dataclasses.replace(replica.target, key_arn="arn:aws:kms:eu-central-1:444455556666:key/k")
    SecureTrail(
        here,
        "SecureTrail",
        organization=organization,
        recording=Recording(event_selectors=[EventSelector.s3_objects()]),
        log_bucket=NewBucket(replica=Replica(target=target)),
    )

    assert "copies" in left_out(Template.from_stack(here))
    warnings = Annotations.from_stack(here).find_warning("*", Match.string_like_regexp("own-deliveries"))
    assert bool(warnings) is (organization is not None)


def test_naming_buckets_does_not_include_the_trails_own(stack: cdk.Stack) -> None:
    mine = s3.Bucket.from_bucket_name(stack, "Mine", "mine")
    SecureTrail(stack, "SecureTrail", recording=Recording(event_selectors=[EventSelector.s3_objects(mine)]))

    (selector,) = trail_of(Template.from_stack(stack))["AdvancedEventSelectors"]
    assert set(fields(selector)["resources.ARN"]) == {"StartsWith", "NotStartsWith"}


def test_an_existing_log_bucket_is_left_out_too(stack: cdk.Stack) -> None:
    logs = s3.Bucket.from_bucket_name(stack, "Logs", "logs")
    SecureTrail(
        stack, "SecureTrail", log_bucket=logs, recording=Recording(event_selectors=[EventSelector.s3_objects()])
    )

    (selector,) = trail_of(Template.from_stack(stack))["AdvancedEventSelectors"]
    (excluded,) = fields(selector)["resources.ARN"]["NotStartsWith"]
    assert "".join(part for part in excluded["Fn::Join"][1] if isinstance(part, str)) == "arn::s3:::logs/"


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_bucket_for_access_logs_of_query_results_is_left_out_once(stack: cdk.Stack, *, is_shared: bool) -> None:
    theirs = s3.Bucket(stack, "Theirs")
    SecureTrail(
        stack,
        "SecureTrail",
        recording=Recording(event_selectors=[EventSelector.s3_objects()]),
        log_bucket=NewBucket(access_log_bucket=theirs) if is_shared else NewBucket(),
        analytics=Analytics(access_log_bucket=theirs),
    )

    template = Template.from_stack(stack)
    (selector,) = trail_of(template)["AdvancedEventSelectors"]
    assert stack.resolve(theirs.bucket_arn)["Fn::GetAtt"][0] in left_out(template)
    assert len(fields(selector)["resources.ARN"]["NotStartsWith"]) == (2 if is_shared else 3)


def test_insights_and_aggregation_name_their_events(synthesize: Synthesize) -> None:
    both = (EventCategory.MANAGEMENT, EventCategory.DATA)
    trail = trail_of(
        synthesize(
            recording=Recording(
                event_selectors=[EventSelector.management(), EventSelector.s3_objects()],
                insights=[Insight(InsightType.API_CALL_RATE, both), Insight(InsightType.API_ERROR_RATE)],
                aggregation=[AggregationTemplate.API_ACTIVITY, AggregationTemplate.USER_ACTIONS],
            ),
        )
    )

    assert trail["InsightSelectors"] == [
        {"InsightType": "ApiCallRateInsight", "EventCategories": ["Management", "Data"]},
        {"InsightType": "ApiErrorRateInsight", "EventCategories": ["Management"]},
    ]
    assert trail["AggregationConfigurations"] == [
        {"EventCategory": "Data", "Templates": ["API_ACTIVITY", "USER_ACTIONS"]}
    ]


@pytest.mark.parametrize(
    ("selectors", "warnings"),
    [
        ([EventSelector.management()], []),
        ([EventSelector.management(), EventSelector.s3_objects(event_names=["DeleteObject"])], []),
        ([EventSelector.management(), EventSelector.s3_objects()], ["data-events-cost"]),
        ([EventSelector.management(exclude_event_sources=["kms.amazonaws.com"])], ["excluded-sources"]),
        ([EventSelector.lambda_invocations()], ["data-events-cost", "no-management-events"]),
        ([EventSelector.management(read_write=ReadWrite.READ_ONLY)], ["only-reads"]),
        ([EventSelector.management(read_write=ReadWrite.WRITE_ONLY)], ["only-writes"]),
        ([EventSelector.management(read_write=each) for each in (ReadWrite.READ_ONLY, ReadWrite.WRITE_ONLY)], []),
    ],
)
def test_what_costs_much_or_records_too_little_gets_a_warning(
    stack: cdk.Stack, selectors: list[EventSelector], warnings: list[str]
) -> None:
    SecureTrail(stack, "SecureTrail", recording=Recording(event_selectors=selectors))

    texts = [str(entry.entry.data) for entry in Annotations.from_stack(stack).find_warning("*", Match.any_value())]
    assert [any(f"securetrail:{warning}" in text for text in texts) for warning in warnings] == [True] * len(warnings)
    assert len(texts) == len(warnings)
    assert all("Fix: " in text for text in texts)
