"""The event history of a running lab: who, where, when and what, for calls that real clients make."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance import lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack, make_client


def newest(client: ClientFactory, name: str, **settings: Any) -> dict[str, Any]:
    """The newest event of a name: its LookupEvents entry, with the full record as `record`."""
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    events = client("cloudtrail", **settings).lookup_events(LookupAttributes=[attribute], MaxResults=1)["Events"]
    assert events, f"no event {name}"
    return {**events[0], "record": json.loads(events[0]["CloudTrailEvent"])}


def oldest(client: ClientFactory, name: str) -> dict[str, Any]:
    """As `newest`, but the oldest."""
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    pages = client("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=[attribute])
    *_, event = (event for page in pages for event in page["Events"])
    return {**event, "record": json.loads(event["CloudTrailEvent"])}


@pytest.mark.parametrize(
    ("service", "method", "parameters", "name", "source"),
    [
        ("s3", "list_buckets", {}, "ListBuckets", "s3.amazonaws.com"),
        ("ec2", "describe_instances", {}, "DescribeInstances", "ec2.amazonaws.com"),
        ("iam", "list_users", {}, "ListUsers", "iam.amazonaws.com"),
        ("ec2", "describe_security_groups", {}, "DescribeSecurityGroups", "ec2.amazonaws.com"),
        ("sts", "get_caller_identity", {}, "GetCallerIdentity", "sts.amazonaws.com"),
        ("cloudwatch", "describe_alarms", {}, "DescribeAlarms", "monitoring.amazonaws.com"),
        ("lambda", "list_functions", {}, "ListFunctions20150331", "lambda.amazonaws.com"),
        ("logs", "describe_log_groups", {}, "DescribeLogGroups", "logs.amazonaws.com"),
        ("cloudtrail", "describe_trails", {}, "DescribeTrails", "cloudtrail.amazonaws.com"),
        ("cloudformation", "list_stacks", {}, "ListStacks", "cloudformation.amazonaws.com"),
        ("config", "describe_config_rules", {}, "DescribeConfigRules", "config.amazonaws.com"),
        ("kms", "list_keys", {}, "ListKeys", "kms.amazonaws.com"),
    ],
)
def test_a_call_is_found_at_once_with_who_where_when_and_what(
    lab: Lab, client: ClientFactory, service: str, method: str, parameters: dict[str, Any], name: str, source: str
) -> None:
    before = int(time.time())

    answer = getattr(client(service), method)(**parameters)
    event = newest(client, name)

    record = event["record"]
    assert (event["EventSource"], event["Username"], event["ReadOnly"]) == (source, "learner", "true")
    assert event["AccessKeyId"] == lab.access_key_id
    assert (record["awsRegion"], record["sourceIPAddress"]) == ("us-east-1", "127.0.0.1")
    assert "Boto3" in record["userAgent"]
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert before <= event["EventTime"].timestamp() <= time.time()
    assert record["userIdentity"]["arn"] == "arn:aws:iam::111122223333:user/learner"
    assert record["userIdentity"]["principalId"].startswith("AIDA")


def test_looking_is_recorded_too(client: ClientFactory) -> None:
    client("cloudtrail").lookup_events(MaxResults=3)

    assert newest(client, "LookupEvents")["record"]["requestParameters"]["maxResults"] in (1, 3)


def test_a_failed_call_is_recorded_with_its_error(client: ClientFactory) -> None:
    with pytest.raises(ClientError):
        client("cloudtrail").get_trail(Name="no-such-trail")

    record = newest(client, "GetTrail")["record"]

    assert record["errorCode"] == "TrailNotFoundException"
    assert record["requestParameters"] == {"name": "no-such-trail"}


def test_data_events_are_not_in_the_history(client: ClientFactory) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="data-events")
    s3.put_object(Bucket="data-events", Key="k", Body=b"x")
    s3.get_object(Bucket="data-events", Key="k")["Body"].read()

    attribute = {"AttributeKey": "ResourceName", "AttributeValue": "data-events"}
    events = client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]

    assert [event["EventName"] for event in events] == ["CreateBucket"]


def test_the_accounts_root_made_the_learner(client: ClientFactory) -> None:
    event = oldest(client, "CreateUser")  # tests of other files make users, too

    identity = event["record"]["userIdentity"]
    assert event["Username"] == "root"
    assert (identity["type"], identity["arn"]) == ("Root", "arn:aws:iam::111122223333:root")


def test_an_assumed_role_is_named_by_its_session(lab: Lab, client: ClientFactory) -> None:
    learner = {"AWS": "arn:aws:iam::111122223333:user/learner"}
    allow = {"Effect": "Allow", "Principal": learner, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [allow]}
    role = client("iam").create_role(RoleName="auditor", Path="/team/", AssumeRolePolicyDocument=json.dumps(trust))[
        "Role"
    ]
    answer = client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="ann")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    client("iam").put_role_policy(RoleName="auditor", PolicyName="all", PolicyDocument=json.dumps(everything))
    credentials = answer["Credentials"]
    assumed = make_client(
        lab,
        "kms",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assumed.list_aliases()

    event = newest(client, "ListAliases")
    identity = event["record"]["userIdentity"]

    assert event["Username"] == "ann"
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == "arn:aws:sts::111122223333:assumed-role/auditor/ann"
    assert identity["principalId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"], issuer["arn"]) == ("Role", "auditor", role["Arn"])
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    recorded = newest(client, "AssumeRole")["record"]
    assert recorded["responseElements"]["credentials"]["sessionToken"] == credentials["SessionToken"]
    assert credentials["SecretAccessKey"] not in json.dumps(recorded)


def test_a_call_of_an_unknown_key_is_rejected_and_no_users_event(lab: Lab, client: ClientFactory) -> None:
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        make_client(lab, "kms", aws_access_key_id="AKIASTRANGER00000000").describe_custom_key_stores()

    with pytest.raises(AssertionError, match="no event DescribeCustomKeyStores"):
        newest(client, "DescribeCustomKeyStores")


def test_an_unsigned_request_is_nobodys_event(lab: Lab, client: ClientFactory) -> None:
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        make_client(lab, "cognito-idp").initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId="nobodys")

    with pytest.raises(AssertionError, match="no event InitiateAuth"):
        newest(client, "InitiateAuth")


def test_a_password_is_kept_out_of_a_record(client: ClientFactory) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("cognito-idp").admin_initiate_auth(
            UserPoolId="us-east-1_nobodys00",
            ClientId="nobodys",
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "somebody", "PASSWORD": "password-of-somebody"},
        )

    event = newest(client, "AdminInitiateAuth")

    assert event["record"]["errorCode"] == "ResourceNotFoundException"
    assert "password-of-somebody" not in json.dumps(event["record"])


def test_a_regional_call_is_in_its_region_and_a_global_one_in_virginia(client: ClientFactory) -> None:
    elsewhere = {"region_name": "eu-west-1"}
    client("ec2", **elsewhere).describe_subnets()
    client("iam", **elsewhere).list_groups()

    assert newest(client, "DescribeSubnets", **elsewhere)["record"]["awsRegion"] == "eu-west-1"
    assert newest(client, "ListGroups")["record"]["awsRegion"] == "us-east-1"
    with pytest.raises(AssertionError, match="no event ListGroups"):
        newest(client, "ListGroups", **elsewhere)


def test_what_cloudformation_does_for_a_caller_says_so(stack: Stack, client: ClientFactory) -> None:
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket"}})

    attribute = {"AttributeKey": "ResourceName", "AttributeValue": stack.physical_id("Bucket")}
    events = client("cloudtrail").lookup_events(LookupAttributes=[attribute])["Events"]
    record = json.loads(next(event for event in events if event["EventName"] == "CreateBucket")["CloudTrailEvent"])

    assert record["userIdentity"]["userName"] == "learner"
    assert record["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"
    assert record["sourceIPAddress"] == "cloudformation.amazonaws.com"


def test_everything_that_clients_sent_was_understood(lab: Lab, client: ClientFactory) -> None:
    before = lifecycle.ask(lab)  # tests of other files send what nobody understands

    for service, method in (("s3", "list_buckets"), ("sqs", "list_queues"), ("sns", "list_topics")):
        getattr(client(service), method)()

    status = lifecycle.ask(lab)
    assert before is not None
    assert status is not None
    assert (status.undecoded, status.dropped) == (before.undecoded, before.dropped)


def test_a_large_upload_passes_and_the_next_call_is_recorded(client: ClientFactory) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="large-upload")
    s3.put_object(Bucket="large-upload", Key="k", Body=b"x" * 3_000_000)

    assert len(s3.get_object(Bucket="large-upload", Key="k")["Body"].read()) == 3_000_000
