"""Roles and prefixes that services need: what they deliver may not be refused to them."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.securetrail.review.access.stack import OWN
from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular

Json = dict[str, Any]
GROUP = f"arn:aws:logs:us-east-1:{OWN}:log-group:events"
STREAM = f"arn:aws:kinesis:us-east-1:{OWN}:stream/central"
ELSEWHERE = f"arn:aws:iam::{OWN}:role/elsewhere"


def arn(name: str) -> Json:
    return {"Fn::GetAtt": [name, "Arn"]}


def role(service: str, *allows: tuple[list[str], Any]) -> Json:
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": on} for actions, on in allows]}
    policies = [{"PolicyName": "p", "PolicyDocument": document}]
    return resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [trust]}, Policies=policies)


def objects_of(name: str) -> Json:
    return {"Fn::Join": ["", [arn(name), "/*"]]}


def copies() -> Json:
    return {
        "Role": arn("More"),
        "Rules": [{"Id": "all", "Status": "Enabled", "Destination": {"Bucket": arn("Replica")}}],
    }


USES: dict[str, Callable[[], Json]] = {
    "log group of a trail": lambda: {
        "More": role("cloudtrail", (["logs:CreateLogStream", "logs:PutLogEvents"], f"{GROUP}:*")),
        "User": resource(
            "AWS::CloudTrail::Trail",
            IsLogging=True,
            S3BucketName="x",
            CloudWatchLogsLogGroupArn=f"{GROUP}:*",
            CloudWatchLogsRoleArn=arn("More"),
        ),
    },
    "replica": lambda: {
        "More": role(
            "s3",
            (["s3:GetReplicationConfiguration", "s3:ListBucket"], "*"),
            (["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"], "*"),
            (["s3:ReplicateObject"], objects_of("Replica")),
        ),
        "Replica": resource("AWS::S3::Bucket", BucketName="replica"),
        "User": resource("AWS::S3::Bucket", BucketName="user", ReplicationConfiguration=copies()),
    },
    "target of a rule": lambda: {
        "More": role("events", (["kinesis:PutRecord"], STREAM)),
        "User": resource(
            "AWS::Events::Rule",
            EventPattern={"source": ["aws.signin"]},
            State="ENABLED",
            Targets=[{"Id": "t", "Arn": STREAM, "RoleArn": arn("More")}],
        ),
    },
    "subscription": lambda: {
        "More": role("logs", (["kinesis:PutRecord"], STREAM)),
        "User": resource(
            "AWS::Logs::SubscriptionFilter",
            LogGroupName="events",
            FilterPattern="",
            DestinationArn=STREAM,
            RoleArn=arn("More"),
        ),
    },
    "delivery stream": lambda: {
        "More": role("firehose", (["s3:PutObject"], objects_of("Logs"))),
        "User": resource(
            "AWS::KinesisFirehose::DeliveryStream",
            ExtendedS3DestinationConfiguration={"RoleARN": arn("More"), "BucketARN": arn("Logs"), "Prefix": "alerts/"},
        ),
    },
    "schedule": lambda: {
        "More": role("scheduler", (["lambda:InvokeFunction"], arn("Function"))),
        "User": resource(
            "AWS::Scheduler::Schedule",
            ScheduleExpression="rate(1 hour)",
            Target={"Arn": arn("Function"), "RoleArn": arn("More")},
        ),
    },
    "pipe": lambda: {
        "More": role(
            "pipes", (["sqs:ReceiveMessage", "sqs:DeleteMessage"], arn("Queue")), (["sns:Publish"], {"Ref": "Alerts"})
        ),
        "User": resource(
            "AWS::Pipes::Pipe", RoleArn=arn("More"), Source=arn("Queue"), Target={"Ref": "Alerts"}, Name="pipe"
        ),
    },
}


def with_role(before: Json, given: Any) -> Json:
    """The user of the role has another one."""
    after = copy.deepcopy(before)
    user = after["User"]["Properties"]
    for name in ("CloudWatchLogsRoleArn", "RoleArn"):
        if name in user:
            user[name] = given
    if "ReplicationConfiguration" in user:
        user["ReplicationConfiguration"]["Role"] = given
    if "Target" in user and isinstance(user["Target"], dict) and "RoleArn" in user["Target"]:
        user["Target"]["RoleArn"] = given
    if "ExtendedS3DestinationConfiguration" in user:
        user["ExtendedS3DestinationConfiguration"]["RoleARN"] = given
    if "Targets" in user:
        user["Targets"][0]["RoleArn"] = given
    return after


def denied(before: Json, after: Json, about: str = "User") -> bool:
    found = objections(before, after)
    return any(each.startswith("newly_denied") for each, where in found if where == f"Stack/{about}")


@pytest.mark.parametrize("name", USES)
def test_a_role_that_a_service_needs_keeps_what_it_needs(name: str) -> None:
    before = USES[name]()
    policy = before["More"]["Properties"]["Policies"][0]["PolicyDocument"]
    for number in range(len(policy["Statement"])):
        after = copy.deepcopy(before)
        after["More"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][number]["Effect"] = "Deny"
        assert denied(before, after)
    without = copy.deepcopy(before)
    del without["More"]["Properties"]["Policies"]
    assert denied(before, without)
    bounded = copy.deepcopy(before)
    bounded["More"]["Properties"]["PermissionsBoundary"] = "arn:aws:iam::aws:policy/AWSDenyAll"
    assert denied(before, bounded)


@pytest.mark.parametrize("name", USES)
def test_the_service_may_still_take_the_role(name: str) -> None:
    before = USES[name]()
    after = copy.deepcopy(before)
    after["More"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = {
        "StringEquals": {"aws:PrincipalTag/x": "y"}
    }

    assert denied(before, after)


@pytest.mark.parametrize("name", USES)
def test_another_role_may_do_the_same_or_is_an_objection(name: str) -> None:
    before = USES[name]()
    assert denied(before, with_role(before, ELSEWHERE))
    powerless = {**with_role(before, arn("Other")), "Other": role("ec2", (["s3:ListAllMyBuckets"], "*"))}
    assert denied(before, powerless)

    same = {**with_role(before, arn("Other")), "Other": copy.deepcopy(before["More"])}
    assert not denied(before, same)


@pytest.mark.parametrize("name", USES)
def test_what_a_service_does_not_need_a_role_may_lose(name: str) -> None:
    before = USES[name]()
    statements = before["More"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    statements.append({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
    after = USES[name]()

    assert objections(before, after) == set()


def test_what_the_replica_refuses_is_not_copied() -> None:
    before = USES["replica"]()
    after = copy.deepcopy(before)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:ReplicateObject", "Resource": objects_of("Replica")}
    after["Policy"] = resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Replica"}, PolicyDocument={"Statement": [deny]})

    assert denied(before, after)


def test_a_key_that_refuses_the_role_stops_the_copies() -> None:
    before = USES["replica"]()
    root = {"AWS": f"arn:aws:iam::{OWN}:root"}
    policy = {"Statement": [{"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}]}
    before["Key"] = resource("AWS::KMS::Key", KeyPolicy=policy)
    before["User"]["Properties"]["ReplicationConfiguration"]["Rules"][0]["Destination"]["EncryptionConfiguration"] = {
        "ReplicaKmsKeyID": arn("Key")
    }
    before["More"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": arn("Key")}
    )
    after = copy.deepcopy(before)
    after["Key"]["Properties"]["KeyPolicy"]["Statement"][0]["Principal"] = {"AWS": ELSEWHERE}

    assert denied(before, after)


def logging(prefix: str, allowed: str) -> Json:
    on = {"Fn::Join": ["", [arn("More"), f"/{allowed}*"]]}
    service = {"Service": "logging.s3.amazonaws.com"}
    allow = {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": on}
    given = {"DestinationBucketName": {"Ref": "More"}, "LogFilePrefix": prefix}
    return {
        "More": resource("AWS::S3::Bucket", BucketName="more"),
        "User": resource("AWS::S3::Bucket", BucketName="user", LoggingConfiguration=given),
        "Policy": resource("AWS::S3::BucketPolicy", Bucket={"Ref": "More"}, PolicyDocument={"Statement": [allow]}),
    }


def test_access_logs_go_where_the_bucket_takes_them() -> None:
    assert denied(logging("a/", "a/"), logging("b/", "a/"))
    assert not denied(logging("a/", "a/"), logging("b/", "b/"))


def delivering(prefix: str | None, allowed: str) -> Json:
    service = {"Service": "cloudtrail.amazonaws.com"}
    acl = {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": arn("More")}
    on = {"Fn::Join": ["", [arn("More"), f"/{allowed}AWSLogs/{OWN}/*"]]}
    put = {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": on}
    given = {"S3KeyPrefix": prefix} if prefix else {}
    policy = {"Statement": [acl, put]}
    return {
        "More": resource("AWS::S3::Bucket", BucketName="more"),
        "User": resource("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName={"Ref": "More"}, **given),
        "Policy": resource("AWS::S3::BucketPolicy", Bucket={"Ref": "More"}, PolicyDocument=policy),
    }


def test_log_files_go_where_the_bucket_takes_them() -> None:
    def refused(before: Json, after: Json) -> bool:
        return any(each.startswith("newly_denied") for each, _ in objections(before, after))

    assert refused(delivering(None, ""), delivering("p", ""))
    assert refused(delivering(None, ""), delivering(None, "p/"))
    assert refused(delivering("p", "p/"), delivering("q", "p/"))
    assert not refused(delivering(None, ""), delivering("p", "p/"))
    assert not refused(delivering("p", "p/"), delivering(None, ""))


def test_a_function_may_read_the_queue_that_feeds_it() -> None:
    before = {
        "More": role("lambda", (["sqs:ReceiveMessage", "sqs:DeleteMessage"], arn("Queue"))),
        "Told": resource("AWS::Lambda::Function", Role=arn("More")),
        "User": resource("AWS::Lambda::EventSourceMapping", EventSourceArn=arn("Queue"), FunctionName={"Ref": "Told"}),
    }
    after = copy.deepcopy(before)
    after["More"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["sqs:ReceiveMessage"]
    assert denied(before, after)

    by_arn = copy.deepcopy(before)
    by_arn["User"]["Properties"]["FunctionName"] = arn("Told")
    assert objections(before, by_arn) == set()


def telling(key_allows: str | None, *, encrypts: bool = True, by: str = "topic") -> Json:
    """A rule and an alarm that tell a topic or a queue, with a key that lets in a service."""
    services = {"Service": key_allows} if key_allows else {"AWS": f"arn:aws:iam::{OWN}:root"}
    use = {"Effect": "Allow", "Principal": services, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}, "Action": "kms:*", "Resource": "*"}
    key = {"KmsMasterKeyId": arn("Key")} if encrypts else {}
    told = "AWS::SNS::Topic" if by == "topic" else "AWS::SQS::Queue"
    to = {"Ref": "Told"} if by == "topic" else arn("Told")
    return {
        "Key": resource("AWS::KMS::Key", KeyPolicy={"Statement": [root, use]}),
        "Told": resource(told, **key),
        "User": resource(
            "AWS::Events::Rule", EventPattern={"source": ["aws.s3"]}, Targets=[{"Id": "t", "Arn": to}], State="ENABLED"
        ),
    }


@pytest.mark.parametrize("by", ["topic", "queue"])
def test_a_key_lets_in_the_services_that_send(by: str) -> None:
    events, others = "events.amazonaws.com", "cloudwatch.amazonaws.com"

    assert denied(telling(events, encrypts=False, by=by), telling(others, by=by), "Told")
    assert denied(telling(events, by=by), telling(None, by=by), "Told")
    assert not denied(telling(events, encrypts=False, by=by), telling(events, by=by), "Told")
    assert not denied(telling(None, by=by), telling(None, by=by), "Told")
    elsewhere = telling(events, encrypts=False, by=by)
    elsewhere["Told"]["Properties"]["KmsMasterKeyId"] = f"arn:aws:kms:us-east-1:{OWN}:key/elsewhere"
    assert denied(telling(events, encrypts=False, by=by), elsewhere, "Told")


@pytest.mark.parametrize(
    ("condition", "is_denied"),
    [
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{OWN}:rule/another"}}, True),
        ({"StringEquals": {"aws:SourceAccount": OWN}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{OWN}:rule/*"}}, False),
    ],
)
def test_a_topic_takes_events_of_its_own_rules(condition: Json, is_denied: bool) -> None:  # noqa: FBT001 (a case's)
    events = {"Service": "events.amazonaws.com"}
    allow = {"Effect": "Allow", "Principal": events, "Action": "sns:Publish", "Resource": {"Ref": "Told"}}

    def taking(**more: Any) -> Json:
        policy = {"Statement": [{**allow, **more}]}
        own = resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "Told"}], PolicyDocument=policy)
        return {**telling(None, encrypts=False), "Policy": own}

    assert denied(taking(), taking(Condition=condition), "Told") is is_denied


LATER = "2127-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("effect", "operator", "time", "is_lost"),
    [
        ("Deny", "DateGreaterThan", "2020-01-01T00:00:00Z", True),
        ("Deny", "DateGreaterThan", LATER, True),
        ("Deny", "DateLessThan", "2020-01-01T00:00:00Z", False),
        ("Deny", "DateGreaterThan", "9999-12-31T23:59:59Z", False),
        ("Allow", "DateLessThan", "9999-12-31T23:59:59Z", False),
        ("Allow", "DateLessThan", LATER, True),
        ("Allow", "DateGreaterThan", "2020-01-01T00:00:00Z", False),
    ],
)
def test_nothing_is_refused_at_any_time_to_come(effect: str, operator: str, time: str, is_lost: bool) -> None:  # noqa: FBT001 (a case's)
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
    allow["Resource"] = {"Ref": "Told"}
    condition = {"Condition": {operator: {"aws:CurrentTime": time}}}

    def taking(*statements: Json) -> Json:
        policy = {"Statement": [*statements]}
        own = resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "Told"}], PolicyDocument=policy)
        return {**telling(None, encrypts=False), "Policy": own}

    limited = {**allow, "Effect": effect, **condition}
    now = [limited] if effect == "Allow" else [allow, limited]
    assert denied(taking(allow), taking(*now), "Told") is is_lost
    assert not denied(taking(*now), taking(*now), "Told")


@pytest.mark.parametrize(
    ("condition", "is_lost"),
    [
        ({"DateGreaterThan": {"aws:CurrentTime": LATER}}, True),
        ({"NumericGreaterThan": {"aws:EpochTime": "4954521600"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
    ],
)
def test_nor_are_log_files_and_the_key(condition: Json, is_lost: bool) -> None:  # noqa: FBT001 (a case's)
    service, root = {"Service": "cloudtrail.amazonaws.com"}, {"AWS": f"arn:aws:iam::{OWN}:root"}
    use = {"Effect": "Allow", "Principal": service, "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"]}
    statements = [{**use, "Resource": "*"}, {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}]
    before = delivering(None, "")
    before["Key"] = resource("AWS::KMS::Key", KeyPolicy={"Statement": statements})
    before["User"]["Properties"]["KMSKeyId"] = arn("Key")
    for policy, name in (("PolicyDocument", "Policy"), ("KeyPolicy", "Key")):
        after = copy.deepcopy(before)
        found = after[name]["Properties"][policy]["Statement"]
        found.append({**(found[1] if name == "Policy" else found[0]), "Effect": "Deny", "Condition": condition})

        assert denied(before, after, "More" if name == "Policy" else "Key") is is_lost
        assert not denied(after, after, "More" if name == "Policy" else "Key")


def test_a_log_group_takes_events_by_a_policy_of_its_own() -> None:
    group = f"arn:aws:logs:us-east-1:{OWN}:log-group:/aws/events/audit"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group}:*",
    }
    before = {
        "Policy": resource(
            "AWS::Logs::ResourcePolicy", PolicyName="p", PolicyDocument=json.dumps({"Statement": [allow]})
        ),
        "User": resource(
            "AWS::Events::Rule",
            EventPattern={"source": ["aws.s3"]},
            Targets=[{"Id": "t", "Arn": group}],
            State="ENABLED",
        ),
    }

    assert denied(before, {"User": before["User"]})
    renamed = {"Other": copy.deepcopy(before["Policy"]), "User": before["User"]}
    assert not denied(before, renamed)


def test_log_files_of_members_go_where_the_bucket_takes_them() -> None:
    before = delivering(None, "")
    before["User"]["Properties"]["IsOrganizationTrail"] = True
    statements = before["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    on = {"Fn::Join": ["", [arn("More"), "/AWSLogs/o-exampleorgid/*"]]}
    statements.append({**statements[-1], "Resource": on})
    after = copy.deepcopy(before)
    del after["Policy"]["Properties"]["PolicyDocument"]["Statement"][-1]

    assert denied(before, after, "More")
    of_account = copy.deepcopy(before)
    of_account["User"]["Properties"]["IsOrganizationTrail"] = False
    after["User"]["Properties"]["IsOrganizationTrail"] = False
    assert not denied(of_account, after, "More")


REFUSED: list[tuple[str, bool]] = [
    ("/AWSLogs/*/CloudTrail/*/2127/*", True),
    ("/AWSLogs/*T22*", True),
    ("/AWSLogs/*/CloudTrail/eu-west-1/*", True),
    # This region has to be switched on.
    ("/AWSLogs/*/CloudTrail/me-south-1/*", True),
    ("/AWSLogs/o-exampleorgid/999999999999/*", True),
    ("/AWSLogs/o-exampleorgid/999999999999/CloudTrail/me-south-1/*", True),
    ("/AWSLogs/*/CloudTrail/*/2020/*", False),
    ("/elsewhere/*", False),
]


def of_all_members() -> Json:
    made = delivering(None, "")
    made["User"]["Properties"] |= {"IsMultiRegionTrail": True, "IsOrganizationTrail": True}
    statements = made["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    on = {"Fn::Join": ["", [arn("More"), "/AWSLogs/o-exampleorgid/*"]]}
    statements.append({**statements[-1], "Resource": on})
    return made


def refusing(*parts: str, **more: Any) -> Json:
    made = of_all_members()
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", **more}
    made["Policy"]["Properties"]["PolicyDocument"]["Statement"] += [
        {**deny, "Resource": {"Fn::Join": ["", [arn("More"), part]]}} for part in parts
    ]
    return made


@pytest.mark.parametrize(("part", "is_lost"), REFUSED)
def test_no_part_of_the_log_files_to_come_is_refused(part: str, is_lost: bool) -> None:  # noqa: FBT001 (a case's)
    assert denied(of_all_members(), refusing(part), "More") is is_lost
    assert not denied(refusing(part), refusing(part), "More")
    assert not denied(refusing(part), of_all_members(), "More")


def test_a_policy_that_names_too_many_parts_cannot_be_compared() -> None:
    many = refusing(*(f"/AWSLogs/*/CloudTrail/*/{year}/*" for year in range(2101, 2171)))

    assert "Stack/User" in {
        where for each, where in objections(of_all_members(), many) if each.startswith("access_not_comparable")
    }
    assert objections(many, many) == set()
