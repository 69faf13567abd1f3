"""What services would send for somebody: to where the receiver's policies allow, or refused where it is set up."""

import json
from typing import Any

import pytest

from lab.instance import lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack, error_of
from tests.lab.identities import allow, make_user, message, policy, refused

ACCOUNT = "111122223333"


def let_in(service: str, action: str, resource: str, source: str) -> str:
    condition = {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    return policy(allow(action, resource, Principal={"Service": service}, Condition=condition))


class Queue:
    def __init__(self, client: ClientFactory, name: str) -> None:
        self.sqs = client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"

    def set_policy(self, text: str) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": text})

    def received(self) -> str:
        """The next message, which is waited for."""
        found = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20)["Messages"][0]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=found["ReceiptHandle"])
        return str(found["Body"])

    def is_empty(self) -> bool:
        """Whether what SNS has sent until now, which it does before it answers, went elsewhere."""
        return "Messages" not in self.sqs.receive_message(QueueUrl=self.url)


def warned(lab: Lab, *parts: str) -> bool:
    status = lifecycle.ask(lab)
    assert status is not None
    return any(all(part in each for part in parts) for each in status.warnings)


def test_sns_sends_to_a_queue_that_lets_it_in(lab: Lab, client: ClientFactory) -> None:
    sns, queue = client("sns"), Queue(client, "from-topic")
    topic = sns.create_topic(Name="to-queue")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)

    sns.publish(TopicArn=topic, Message="lost")
    assert queue.is_empty()
    assert warned(lab, "SNS cannot send what", topic, queue.arn, "there is no policy")

    queue.set_policy(let_in("sns.amazonaws.com", "sqs:SendMessage", queue.arn, f"{topic}-other"))
    sns.publish(TopicArn=topic, Message="lost")
    assert queue.is_empty()

    queue.set_policy(let_in("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic))
    sns.publish(TopicArn=topic, Message="arrived")
    assert json.loads(queue.received())["Message"] == "arrived"


def test_sns_sends_to_an_encrypted_queue_only_with_its_key(lab: Lab, client: ClientFactory) -> None:
    sns, kms, queue = client("sns"), client("kms"), Queue(client, "encrypted")
    topic = sns.create_topic(Name="to-encrypted")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    queue.set_policy(let_in("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic))
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"KmsMasterKeyId": key})

    sns.publish(TopicArn=topic, Message="lost")
    assert queue.is_empty()
    assert warned(lab, queue.arn, "kms:GenerateDataKey")

    of_account = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    of_sns = allow(["kms:GenerateDataKey", "kms:Decrypt"], Principal={"Service": "sns.amazonaws.com"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(of_account, of_sns))
    sns.publish(TopicArn=topic, Message="arrived")
    assert json.loads(queue.received())["Message"] == "arrived"


def test_s3_notifies_a_queue_that_lets_it_in(client: ClientFactory) -> None:
    """S3 tries the queue when it is named: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html"""
    s3, queue, bucket = client("s3"), Queue(client, "from-bucket"), "notifying-bucket"
    s3.create_bucket(Bucket=bucket)
    configuration = {"QueueConfigurations": [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]}
    named = {"Bucket": bucket, "NotificationConfiguration": configuration}

    assert error_of(s3.put_bucket_notification_configuration, **named) == "InvalidArgument"
    queue.set_policy(let_in("s3.amazonaws.com", "sqs:SendMessage", queue.arn, f"arn:aws:s3:::{bucket}"))
    s3.put_bucket_notification_configuration(**named)
    assert json.loads(queue.received())["Event"] == "s3:TestEvent"


@pytest.mark.parametrize("name", ["default", "others"])
def test_an_alarm_is_published_where_the_topic_lets_cloudwatch_in(lab: Lab, client: ClientFactory, name: str) -> None:
    """The policy that SNS gives a topic lets in what its owner's services send."""
    sns, cloudwatch, queue = client("sns"), client("cloudwatch"), Queue(client, f"alarms-{name}")
    topic = sns.create_topic(Name=f"alarms-{name}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    queue.set_policy(let_in("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic))
    if name == "others":
        others = let_in("events.amazonaws.com", "sns:Publish", topic, "*")
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=others)
    cloudwatch.put_metric_alarm(
        AlarmName=f"alarm-{name}",
        AlarmActions=[topic],
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="m",
        Namespace="n",
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )
    cloudwatch.set_alarm_state(AlarmName=f"alarm-{name}", StateValue="ALARM", StateReason="a test")

    assert queue.is_empty() == (name == "others")
    assert warned(lab, f"CloudWatch cannot send what arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm", topic) == (
        name == "others"
    )


def test_ses_publishes_where_the_topic_lets_it_in(lab: Lab, client: ClientFactory) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/configure-sns-notifications.html"""
    ses, sns, queue, sender = client("ses"), client("sns"), Queue(client, "from-mail"), "sender@example.com"
    topic = sns.create_topic(Name="from-mail")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    queue.set_policy(let_in("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic))
    ses.verify_email_identity(EmailAddress=sender)
    ses.set_identity_notification_topic(Identity=sender, NotificationType="Delivery", SnsTopic=topic)
    mail = {
        "Source": sender,
        "Destination": {"ToAddresses": ["success@simulator.amazonses.com"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    }

    ses.send_email(**mail)
    assert queue.is_empty()
    assert warned(lab, "SES cannot send what", topic)

    of_ses = let_in("ses.amazonaws.com", "sns:Publish", topic, f"arn:aws:ses:*:{ACCOUNT}:identity/{sender}")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=of_ses)
    ses.send_email(**mail)
    assert "Delivery" in queue.received()


ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
SCHEDULE = {
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "ScheduleExpression": "rate(1 minute)",
    "Target": {"Arn": QUEUE, "RoleArn": ROLE},
}
RULE = {"sql": "SELECT *", "actions": [{"sqs": {"roleArn": ROLE, "queueUrl": "q"}}]}
ACTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "dynamodb",
        "enable_kinesis_streaming_destination",
        {"TableName": "table", "StreamArn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"},
    ),
    ("firehose", "create_delivery_stream", {"DeliveryStreamName": "s"}),
    ("iot", "create_job", {"jobId": "j", "targets": [ROLE], "documentSource": "https://s3.amazonaws.com/b/k"}),
    ("iot", "create_topic_rule", {"ruleName": "r", "topicRulePayload": RULE}),
    ("pipes", "create_pipe", {"Name": "p", "Source": QUEUE, "Target": QUEUE, "RoleArn": ROLE}),
    (
        "rds",
        "create_db_instance",
        {
            "DBInstanceIdentifier": "d",
            "DBInstanceClass": "db.t3.micro",
            "Engine": "mysql",
            "MasterUsername": "u",
            "ManageMasterUserPassword": True,
        },
    ),
    ("s3tables", "create_table_bucket", {"name": "notifying-bucket"}),
    ("scheduler", "create_schedule", {"Name": "s", **SCHEDULE}),
]


@pytest.mark.parametrize(("service", "method", "parameters"), ACTS, ids=lambda value: str(value)[:20])
def test_what_would_act_by_itself_is_refused_and_recorded(
    client: ClientFactory, service: str, method: str, parameters: dict[str, Any]
) -> None:
    asked = client(service)

    assert "is not part of the lab. Use an AWS account" in message(getattr(asked, method), **parameters)
    name = asked.meta.method_to_api_mapping[method]
    by_name = [{"AttributeKey": "EventName", "AttributeValue": name}]
    record = json.loads(client("cloudtrail").lookup_events(LookupAttributes=by_name)["Events"][0]["CloudTrailEvent"])
    assert record["errorCode"] in ("ServiceNotAvailable", "ServiceNotAvailableException")


def test_who_may_not_is_told_that_first(lab: Lab) -> None:
    nobody = make_user(lab, "no-pipes", allow("sqs:*"))

    assert refused(nobody.client("scheduler").create_schedule, Name="s", **SCHEDULE) == "AccessDeniedException"


TYPES: dict[str, dict[str, Any]] = {
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "KinesisStreamSpecification": {"StreamArn": QUEUE},
    },
    "AWS::IoT::TopicRule": {"TopicRulePayload": {"Sql": "SELECT *", "Actions": []}},
    "AWS::Pipes::Pipe": {"Source": QUEUE, "Target": QUEUE, "RoleArn": ROLE},
    "AWS::S3Tables::TableBucket": {"TableBucketName": "notifying-bucket"},
    "AWS::Scheduler::Schedule": SCHEDULE,
}


def test_a_stack_cannot_have_it_either(client: ClientFactory) -> None:
    cloudformation = client("cloudformation")
    for resource_type, properties in TYPES.items():
        one = Stack(cloudformation)
        assert one.deploy({"Acting": {"Type": resource_type, "Properties": properties}}) == "ROLLBACK_COMPLETE"
        assert any("is not part of the lab" in reason for reason in one.failures()), resource_type
