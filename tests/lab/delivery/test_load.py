"""Twenty clients at once, and a process that is killed: every call that was answered is delivered exactly once."""

import gzip
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab.instance import control, lifecycle, process
from lab.instance.environment import aws_environment
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.lab.conftest import make_client
from tests.lab.destination import bucket_policy, make_bucket, make_key
from tests.lab.sdks.installed import javascript_folder
from tests.lab.signing import FORM, signed

BUCKET, TRAIL = "load-logs", "load-trail"
CLIENTS, CALLS = 20, 1000
PART_BYTES = 10_000
REQUEST_ID = re.compile(b"<requestId>([^<]+)</requestId>")
BODY = b"Action=DescribeVpcs&Version=2016-11-15"
# The kind, and what makes one of a name and gives what it is found by.
Maker = tuple[str, Callable[[str], str]]


def make_trail(lab: Lab) -> None:
    make_bucket(make_client(lab, "s3"), BUCKET)
    cloudtrail = make_client(lab, "cloudtrail")
    key = make_key(make_client(lab, "kms"))
    cloudtrail.create_trail(
        Name=TRAIL, S3BucketName=BUCKET, KmsKeyId=key, EnableLogFileValidation=True, IsMultiRegionTrail=True
    )
    cloudtrail.start_logging(Name=TRAIL)


def call(lab: Lab, count: int, answered: list[str], stop: threading.Event) -> None:
    """Calls EC2 until enough, told to stop or cut off, and keeps the request ids that came back."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    try:
        for _ in range(count):
            if stop.is_set():
                return
            headers = signed(lab, "/", service="ec2", method="POST", body=BODY, headers=FORM)
            connection.request("POST", "/", BODY, headers)
            found = REQUEST_ID.search(connection.getresponse().read())
            assert found
            answered.append(found[1].decode())
    except (OSError, http.client.HTTPException):
        return  # the lab is gone
    finally:
        connection.close()


def make_things(makers: Iterator[Maker], made: set[tuple[str, str]], stop: threading.Event) -> None:
    """Makes users, keys and others until told to stop or cut off, and keeps which of them were acknowledged."""
    with suppress(BotoCoreError, ClientError, OSError):
        while not stop.is_set():
            kind, make = next(makers)
            made.add((kind, make(f"u{uuid4().hex[:12]}")))


def makers_of(lab: Lab) -> Iterator[Maker]:
    """In turn, without an end. Each service has much already: what it has makes no difference."""
    iam, kms, sns, sqs = (make_client(lab, name) for name in ("iam", "kms", "sns", "sqs"))
    s3, ec2, secrets, sts = (make_client(lab, name) for name in ("s3", "ec2", "secretsmanager", "sts"))
    dynamodb = make_client(lab, "dynamodb")
    names = {"AttributeName": "n"}
    dynamodb.create_table(
        TableName="load",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{**names, "AttributeType": "S"}],
        KeySchema=[{**names, "KeyType": "HASH"}],
    )

    upload = {"Bucket": BUCKET, "Key": "load"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    queue, parts = sqs.create_queue(QueueName="load")["QueueUrl"], count(1)
    make_much(lab, queue)

    def part(name: str) -> str:
        number = next(parts)
        s3.upload_part(**upload, PartNumber=number, Body=name.encode() * PART_BYTES)
        return str(number)

    def message(name: str) -> str:
        sqs.send_message(QueueUrl=queue, MessageBody=name)
        return name

    def gone(name: str) -> str:
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.delete_topic(TopicArn=topic)
        return str(topic)

    def bucket(name: str) -> str:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def item(name: str) -> str:
        dynamodb.put_item(TableName="load", Item={"n": {"S": name}})
        return name

    def session(_: str) -> str:
        found = sts.get_session_token()["Credentials"]
        return json.dumps([found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]])

    makers = {
        "user": lambda name: str(iam.create_user(UserName=name)["User"]["UserName"]),
        "key": lambda name: str(kms.create_key(Description=name)["KeyMetadata"]["KeyId"]),
        "topic": lambda name: str(sns.create_topic(Name=name)["TopicArn"]),
        "queue": lambda name: str(sqs.create_queue(QueueName=name)["QueueUrl"]),
        "bucket": bucket,
        "vpc": lambda _: str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]),
        "secret": lambda name: str(secrets.create_secret(Name=name, SecretString="s")["Name"]),
        "item": item,
        "session": session,
        "part": part,
        "message": message,
        "gone": gone,
    }
    while True:
        yield from makers.items()


def make_much(lab: Lab, queue: str) -> None:
    """Some 300 KB in each of several services."""
    topics, ec2, dynamodb = (make_client(lab, name) for name in ("sns", "ec2", "dynamodb"))
    sqs, s3 = make_client(lab, "sqs"), make_client(lab, "s3")
    ranges = [{"CidrIp": f"10.{at // 250}.{at % 250}.0/24", "Description": "d" * 250} for at in range(1000)]
    group = ec2.create_security_group(GroupName="much", Description="much")["GroupId"]
    for at in range(0, 1000, 200):
        permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges[at : at + 200]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    dynamodb.put_item(TableName="load", Item={"n": {"S": "much"}, "v": {"S": "v" * 300_000}})
    sqs.send_message(QueueUrl=queue, MessageBody="m" * 300_000)
    for number in range(15):
        name = f"much-{number}"
        statement = {"Sid": "s" * 18_000, "Effect": "Deny", "Principal": "*", "Resource": f"arn:aws:s3:::{name}/x"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": "s3:GetObject"}]})
        s3.create_bucket(Bucket=name)
        s3.put_bucket_policy(Bucket=name, Policy=policy)
        topic = topics.create_topic(Name=name)["TopicArn"]
        allow = {**statement, "Resource": topic, "Action": "sns:Publish"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def is_valid(lab: Lab, session: str) -> bool:
    key, secret, token = json.loads(session)
    try:
        credentials = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
        make_client(lab, "sts", **credentials).get_caller_identity()
    except ClientError:
        return False
    return True


def messages(lab: Lab) -> Iterator[str]:
    sqs = make_client(lab, "sqs")
    place = {"QueueUrl": sqs.get_queue_url(QueueName="load")["QueueUrl"], "MaxNumberOfMessages": 10}
    while found := sqs.receive_message(**place, VisibilityTimeout=3600).get("Messages"):
        yield from (each["Body"] for each in found)


def parts(lab: Lab) -> Iterator[str]:
    """The parts of the upload, by their numbers."""
    s3 = make_client(lab, "s3")
    [upload] = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    place = {"Bucket": BUCKET, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    for page in s3.get_paginator("list_parts").paginate(**place):
        yield from (str(each["PartNumber"]) for each in page["Parts"])


def things(lab: Lab, made: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What there is of all this; of buckets, those that have versions, of sessions, the valid ones of those made, and
    of what is gone, the topics that are no more.
    """

    def listed(service: str, operation: str) -> list[dict[str, Any]]:
        client: Any = make_client(lab, service)
        return list(client.get_paginator(operation).paginate())

    s3 = make_client(lab, "s3")
    buckets = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    found: dict[str, Iterable[str]] = {
        "user": [each["UserName"] for page in listed("iam", "list_users") for each in page["Users"]],
        "key": [each["KeyId"] for page in listed("kms", "list_keys") for each in page["Keys"]],
        "topic": [each["TopicArn"] for page in listed("sns", "list_topics") for each in page["Topics"]],
        "queue": [each for page in listed("sqs", "list_queues") for each in page.get("QueueUrls", ())],
        "bucket": [each for each in buckets if s3.get_bucket_versioning(Bucket=each).get("Status") == "Enabled"],
        "vpc": [each["VpcId"] for page in listed("ec2", "describe_vpcs") for each in page["Vpcs"]],
        "secret": [each["Name"] for page in listed("secretsmanager", "list_secrets") for each in page["SecretList"]],
        "item": [
            each["n"]["S"]
            for page in make_client(lab, "dynamodb").get_paginator("scan").paginate(TableName="load")
            for each in page["Items"]
        ],
        "session": [name for kind, name in made if kind == "session" and is_valid(lab, name)],
        "part": parts(lab),
        "message": messages(lab),
    }
    found["gone"] = {name for kind, name in made if kind == "gone"}.difference(found["topic"])
    return {(kind, name) for kind, names in found.items() for name in names}


def by_javascript(lab: Lab) -> list[str]:
    """Half of the clients, in one process of their own."""
    command = ["node", str(javascript_folder() / "load.mjs"), str(CALLS)]
    done = subprocess.run(command, capture_output=True, text=True, env=aws_environment(lab))
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def by_boto3(lab: Lab, number: int) -> list[str]:
    clients: list[Callable[[], Any]] = [make_client(lab, "ec2").describe_vpcs, make_client(lab, "iam").get_user]
    return [str(clients[number % 2]()["ResponseMetadata"]["RequestId"]) for _ in range(CALLS)]


def delivered(lab: Lab) -> Counter[str]:
    """How often each request id is in the log files, all of which must be readable."""
    s3: Any = make_client(lab, "s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"AWSLogs/{lab.account}/CloudTrail/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    bodies = [gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
    return Counter(record["requestID"] for body in bodies for record in json.loads(body)["Records"])


def validate(lab: Lab) -> "subprocess.CompletedProcess[str]":
    arn = f"arn:aws:cloudtrail:us-east-1:{lab.account}:trail/{TRAIL}"
    command = [str(Path(sys.executable).parent / "aws"), "cloudtrail", "validate-logs", "--trail-arn", arn]
    environment = aws_environment(lab)
    return subprocess.run([*command, "--start-time", "2020-01-01"], env=environment, capture_output=True, text=True)


def end(lab: Lab) -> None:
    """Ends the process as a machine does when it shuts down."""
    os.kill(lab.pid, signal.SIGTERM)
    while process.is_ours(lab):
        time.sleep(0.01)


@pytest.mark.slow
def test_twenty_clients_make_twenty_thousand_calls_and_each_is_delivered_once(tmp_path: Path) -> None:
    lab = lifecycle.start(tmp_path / "home", settings=Settings(delivery_seconds=1, digest_seconds=5))
    try:
        make_trail(lab)
        answered: list[str] = []
        with ThreadPoolExecutor(CLIENTS // 2 + 1) as clients:
            javascript = clients.submit(by_javascript, lab)
            boto3 = [clients.submit(by_boto3, lab, number) for number in range(CLIENTS // 2)]
            for each in (javascript, *boto3):
                answered += each.result()
        control.deliver(lab)

        assert len(set(answered)) == len(answered) == CLIENTS * CALLS
        found = delivered(lab)
        assert {identity: found[identity] for identity in answered if found[identity] != 1} == {}
        done = validate(lab)
        assert done.returncode == 0, done.stderr
    finally:
        lifecycle.stop(tmp_path / "home")


@pytest.mark.slow
def test_a_lab_that_is_killed_again_and_again_loses_no_answered_call_and_nothing_that_it_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = Settings(delivery_seconds=0.05, digest_seconds=1)
    lab = first = lifecycle.start(home, settings=settings)
    make_trail(lab)
    answered: list[str] = []
    makers, made = makers_of(lab), set[tuple[str, str]]()
    moments = random.Random(13)  # noqa: S311
    try:
        for number, seconds in enumerate([moments.uniform(0.1, 2) for _ in range(10)], start=1):
            stop = threading.Event()
            callers = [threading.Thread(target=call, args=(lab, 10**6, answered, stop)) for _ in range(3)]
            callers.append(threading.Thread(target=make_things, args=(makers, made, stop)))
            for caller in callers:
                caller.start()
            stop.wait(seconds)
            while len(answered) <= 10 * number or len(made) <= 2 * number:  # as long as that takes on a busy machine
                assert all(caller.is_alive() for caller in callers)
                stop.wait(0.05)
            os.kill(lab.pid, signal.SIGKILL)
            for caller in callers:
                caller.join()
            lab = lifecycle.start(home, settings=settings)
            assert (lab.access_key_id, lab.port) == (first.access_key_id, first.port)
        control.deliver(lab)

        assert len(answered) > 100
        found = delivered(lab)
        assert {identity: found[identity] for identity in answered if found[identity] != 1} == {}
        assert set(found.values()) == {1}
        done = validate(lab)
        assert done.returncode == 0, done.stderr
        assert "No log files were delivered" not in done.stdout + done.stderr
        assert make_client(lab, "cloudtrail").get_trail_status(Name=TRAIL)["IsLogging"] is True
        assert made - things(lab, made) == set()
        assert len({kind for kind, _ in made}) > 6
    finally:
        lifecycle.stop(home)


def test_a_lab_that_ended_by_itself_comes_back_with_what_it_held(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lab = lifecycle.start(home, region="eu-west-1", settings=Settings(digest_seconds=3600, behind_seconds=7200))
    try:
        make_client(lab, "iam").create_user(UserName="ann")
        s3 = make_client(lab, "s3")
        place = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
        s3.create_bucket(Bucket="kept", **place)
        s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="kept", Key="a/b", Body=b"content", Metadata={"m": "1"})
        s3.create_bucket(Bucket="held", ObjectLockEnabledForBucket=True, **place)
        s3.put_object(Bucket="held", Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
        s3.put_bucket_policy(Bucket="kept", Policy=bucket_policy("kept"))
        make_client(lab, "cloudtrail").create_trail(Name="kept", S3BucketName="kept")
        chosen = [{"InsightType": "ApiCallRateInsight"}]
        make_client(lab, "cloudtrail").put_insight_selectors(TrailName="kept", InsightSelectors=chosen)
        control.advance(lab, 3600)
        end(lab)
        again = lifecycle.start(home)

        assert (again.region, again.access_key_id) == ("eu-west-1", lab.access_key_id)
        assert again.pid != lab.pid
        assert "ann" in [each["UserName"] for each in make_client(again, "iam").list_users()["Users"]]
        found = make_client(again, "s3").get_object(Bucket="kept", Key="a/b")
        assert (found["Body"].read(), found["Metadata"]) == (b"content", {"m": "1"})
        assert make_client(again, "cloudtrail").get_insight_selectors(TrailName="kept")["InsightSelectors"] == chosen
        [shown] = make_client(again, "cloudtrail").describe_trails()["trailList"]
        assert not [each for each in shown if each.startswith("_")]
        held = make_client(again, "s3").get_object_legal_hold(Bucket="held", Key="k")
        assert held["LegalHold"]["Status"] == "ON"
        status = lifecycle.ask(again)
        assert status is not None
        assert status.behind_seconds == pytest.approx(3600)
    finally:
        lifecycle.stop(home)
    assert not home.exists()


@pytest.mark.slow
def test_a_lab_whose_state_is_broken_starts_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lab = lifecycle.start(home)
    try:
        make_client(lab, "s3").create_bucket(Bucket="gone")
        end(lab)
        for file in (home / "data" / "state").iterdir():
            file.write_bytes(b"\0")
        again = lifecycle.start(home)

        assert again.access_key_id != lab.access_key_id
        assert make_client(again, "s3").list_buckets()["Buckets"] == []
    finally:
        lifecycle.stop(home)
