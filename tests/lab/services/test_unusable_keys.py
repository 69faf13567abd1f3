"""What services answer and what is recorded when a key that they would use for a caller cannot be used."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lab.authorization.needs import Need
from lab.authorization.s3_needs import via_service
from lab.instance.folder import Lab
from lab.protocol import catalogue
from lab.protocol.decode import Call
from lab.services.unusable_keys import error_of_kms, use
from tests.lab.conftest import ClientFactory
from tests.lab.identities import allow, make_user, refused

BUCKET = "unusable-keys"
STATES = {
    "disabled": ("DisabledException", "is disabled."),
    "pending deletion": ("KMSInvalidStateException", "is pending deletion."),
}


@dataclass(frozen=True)
class World:
    """Everything that is encrypted with a key, by where its calls find it."""

    key: str
    queue: str
    topic: str
    secret: str
    upload: str
    part: dict[str, Any]


@pytest.fixture(scope="module")
def world(client: ClientFactory) -> World:
    kms, s3 = client("kms"), client("s3")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/unusable", TargetKeyId=key)
    s3.create_bucket(Bucket=BUCKET)
    for name, named in (("k", key), ("by-alias", "alias/unusable"), ("by-id", key.rpartition("/")[2])):
        answer = s3.put_object(Bucket=BUCKET, Key=name, Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=named)
        assert answer["SSEKMSKeyId"] == key
    s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x")
    # What an alias is for later does not matter to what was encrypted before.
    kms.update_alias(AliasName="alias/unusable", TargetKeyId=kms.create_key()["KeyMetadata"]["Arn"])
    by_key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="m", **by_key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
    attributes = {"KmsMasterKeyId": key}
    queue = client("sqs").create_queue(QueueName="unusable", Attributes=attributes)["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    topic = client("sns").create_topic(Name="unusable", Attributes=attributes)["TopicArn"]
    client("ssm").put_parameter(Name="/unusable/p", Value="v", Type="SecureString", KeyId=key)
    secret = client("secretsmanager").create_secret(Name="unusable", SecretString="v", KmsKeyId=key)["ARN"]
    return World(key, queue, topic, secret, upload, {"PartNumber": 1, "ETag": part["ETag"]})


def calls(client: ClientFactory, world: World) -> dict[str, tuple[Callable[..., Any], dict[str, Any], str]]:
    """Calls that use the key, each with its service's code for `@`, the code of KMS."""
    s3, sqs, sns, ssm, secrets = (client(each) for each in ("s3", "sqs", "sns", "ssm", "secretsmanager"))
    by_key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": world.key}
    source = {"Bucket": BUCKET, "Key": "new"}
    upload = {"Bucket": BUCKET, "Key": "m", "UploadId": world.upload}
    plain = f"{BUCKET}/plain"
    parts = {"Parts": [world.part]}
    secret_key = {"KmsKeyId": world.key, "SecretString": "v"}
    secure = {"Value": "v", "Type": "SecureString", "KeyId": world.key}
    return {
        "get": (s3.get_object, {"Bucket": BUCKET, "Key": "k"}, "KMS.@"),
        "get by alias": (s3.get_object, {"Bucket": BUCKET, "Key": "by-alias"}, "KMS.@"),
        "get by id": (s3.get_object, {"Bucket": BUCKET, "Key": "by-id"}, "KMS.@"),
        "put": (s3.put_object, {**source, **by_key}, "KMS.@"),
        "copy from": (s3.copy_object, {**source, "CopySource": f"{BUCKET}/k"}, "KMS.@"),
        "copy to": (s3.copy_object, {**source, "CopySource": plain, **by_key}, "KMS.@"),
        "begin upload": (s3.create_multipart_upload, {**source, **by_key}, "KMS.@"),
        "part": (s3.upload_part, {**upload, "PartNumber": 2, "Body": b"x"}, "KMS.@"),
        "copy part": (s3.upload_part_copy, {**upload, "PartNumber": 3, "CopySource": plain}, "KMS.@"),
        "complete": (s3.complete_multipart_upload, {**upload, "MultipartUpload": parts}, "KMS.@"),
        "send": (sqs.send_message, {"QueueUrl": world.queue, "MessageBody": "x"}, "KMS.@"),
        "receive": (sqs.receive_message, {"QueueUrl": world.queue}, "KMS.@"),
        "publish": (sns.publish, {"TopicArn": world.topic, "Message": "x"}, "KMS@"),
        "parameter": (ssm.get_parameter, {"Name": "/unusable/p", "WithDecryption": True}, "InvalidKeyId"),
        "parameters": (ssm.get_parameters_by_path, {"Path": "/unusable", "WithDecryption": True}, "InvalidKeyId"),
        "put parameter": (ssm.put_parameter, {"Name": "/unusable/q", **secure}, "InvalidKeyId"),
        "secret": (secrets.get_secret_value, {"SecretId": world.secret}, "DecryptionFailure"),
        "put secret": (secrets.put_secret_value, {"SecretId": world.secret, "SecretString": "w"}, "EncryptionFailure"),
        "create secret": (secrets.create_secret, {"Name": "unusable-2", **secret_key}, "EncryptionFailure"),
    }


def newest_of_kms(client: ClientFactory, key: str) -> dict[str, Any]:
    found = client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": key}]
    )
    record: dict[str, Any] = json.loads(found["Events"][0]["CloudTrailEvent"])
    return record


@pytest.mark.parametrize("state", STATES)
def test_no_service_uses_a_key_that_kms_does_not_use(world: World, client: ClientFactory, state: str) -> None:
    kms, (code, text) = client("kms"), STATES[state]
    if state == "disabled":
        kms.disable_key(KeyId=world.key)
    else:
        kms.schedule_key_deletion(KeyId=world.key)
    try:
        for name, (call, parameters, own) in calls(client, world).items():
            short = code.removeprefix("KMS").removesuffix("Exception")
            wanted = own.replace("@", code if own.startswith("KMS.") else short)
            assert (name, refused(call, **parameters)) == (name, wanted)
            record = newest_of_kms(client, world.key)
            assert (name, record["errorCode"], record["errorMessage"]) == (name, code, f"{world.key} {text}")
            assert record["userIdentity"]["invokedBy"] == record["sourceIPAddress"]
        # What does not use it goes on.
        client("s3").head_object(Bucket=BUCKET, Key="k")
        client("s3").get_object(Bucket=BUCKET, Key="plain")
        client("ssm").get_parameter(Name="/unusable/p")
    finally:
        if state != "disabled":
            kms.cancel_key_deletion(KeyId=world.key)
        kms.enable_key(KeyId=world.key)
    assert client("s3").get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"x"
    client("sqs").send_message(QueueUrl=world.queue, MessageBody="x")


@pytest.mark.usefixtures("world")
def test_a_key_that_is_not_there_encrypts_nothing(client: ClientFactory, lab: Lab) -> None:
    missing = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": f"arn:aws:kms:us-east-1:{lab.account}:key/{'0' * 36}"}
    assert refused(client("s3").put_object, Bucket=BUCKET, Key="z", **missing) == "KMS.NotFoundException"
    secret = {"Name": "unusable-3", "SecretString": "v", "KmsKeyId": "alias/missing"}
    assert refused(client("secretsmanager").create_secret, **secret) == "EncryptionFailure"
    secure = {"Name": "/unusable/z", "Value": "v", "Type": "SecureString", "KeyId": "alias/missing"}
    assert refused(client("ssm").put_parameter, **secure) == "InvalidKeyId"


def test_who_may_not_use_a_key_does_not_learn_its_state_and_is_recorded_by_kms(
    world: World, client: ClientFactory, lab: Lab
) -> None:
    limited = make_user(lab, "unusable-limited", allow("s3:*"))
    client("kms").disable_key(KeyId=world.key)
    try:
        assert refused(limited.client("s3").get_object, Bucket=BUCKET, Key="k") == "AccessDenied"
    finally:
        client("kms").enable_key(KeyId=world.key)
    assert refused(limited.client("s3").get_object, Bucket=BUCKET, Key="k") == "AccessDenied"
    record = newest_of_kms(client, world.key)
    assert (record["eventName"], record["errorCode"], record["requestParameters"]) == ("Decrypt", "AccessDenied", None)
    assert record["userIdentity"]["userName"] == limited.name
    assert record["errorMessage"].startswith(f"User: arn:aws:iam::{lab.account}:user/{limited.name} is not authorized")


def test_kms_records_which_key_a_parameter_and_a_secret_were_read_with(world: World, client: ClientFactory) -> None:
    client("ssm").get_parameter(Name="/unusable/p", WithDecryption=True)
    of_parameter = newest_of_kms(client, world.key)
    client("secretsmanager").get_secret_value(SecretId="unusable")
    of_secret = newest_of_kms(client, world.key)

    assert list(of_parameter["requestParameters"]["encryptionContext"]) == ["PARAMETER_ARN"]
    assert list(of_secret["requestParameters"]["encryptionContext"]) == ["SecretARN", "SecretVersionId"]
    for record in (of_parameter, of_secret):
        assert (record["eventName"], [each["ARN"] for each in record["resources"]]) == ("Decrypt", [world.key])


def test_queues_and_topics_ask_kms_for_a_data_key_once_in_a_while(
    world: World, client: ClientFactory, lab: Lab
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"""
    sender = make_user(lab, "unusable-sender", allow(["sqs:*", "sns:*", "kms:*"]))
    for _ in range(2):
        sender.client("sqs").send_message(QueueUrl=world.queue, MessageBody="x")
        sender.client("sns").publish(TopicArn=world.topic, Message="x")
    assert sender.client("sqs").receive_message(QueueUrl=world.queue)["Messages"]
    by_user = [{"AttributeKey": "Username", "AttributeValue": sender.name}]
    events = client("cloudtrail").lookup_events(LookupAttributes=by_user)["Events"]
    records = [json.loads(each["CloudTrailEvent"]) for each in reversed(events)]
    queue = f"arn:aws:sqs:us-east-1:{lab.account}:unusable"
    assert [
        (each["eventName"], each["userIdentity"]["invokedBy"], each["requestParameters"]["encryptionContext"])
        for each in records
        if each["eventSource"] == "kms.amazonaws.com"
    ] == [
        ("GenerateDataKey", "sqs.amazonaws.com", {"aws:sqs:arn": queue}),
        ("Decrypt", "sqs.amazonaws.com", {"aws:sqs:arn": queue}),
        ("GenerateDataKey", "sns.amazonaws.com", {"aws:sns:topicArn": world.topic}),
        ("Decrypt", "sns.amazonaws.com", {"aws:sns:topicArn": world.topic}),
        ("Decrypt", "sqs.amazonaws.com", {"aws:sqs:arn": queue}),
    ]


def test_the_record_of_a_use_has_the_context_as_the_service_gave_it() -> None:
    need = Need("kms:Decrypt", "the key", via_service("ssm.us-east-1.amazonaws.com", {"PARAMETER_ARN": "A"}))

    assert use(need, None).context == {"PARAMETER_ARN": "A"}


def test_kms_changes_no_key_that_will_be_deleted(client: ClientFactory) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""
    kms = client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    key = {"KeyId": arn}
    grant = {
        "GranteePrincipal": arn.replace("kms:us-east-1", "iam:").split(":key/")[0] + ":root",
        "Operations": ["Decrypt"],
    }
    tag = [{"TagKey": "a", "TagValue": "b"}]

    assert refused(kms.cancel_key_deletion, **key) == "KMSInvalidStateException"
    kms.disable_key(**key)
    assert refused(kms.create_grant, **key, **grant) == refused(kms.enable_key_rotation, **key) == "DisabledException"
    kms.tag_resource(**key, Tags=tag)
    assert kms.schedule_key_deletion(**key)["PendingWindowInDays"] == 30
    codes = {
        refused(kms.schedule_key_deletion, **key),
        refused(kms.enable_key, **key),
        refused(kms.disable_key, **key),
        refused(kms.create_grant, **key, **grant),
        refused(kms.tag_resource, **key, Tags=tag),
        refused(kms.untag_resource, **key, TagKeys=["a"]),
        refused(kms.update_key_description, **key, Description="d"),
        refused(kms.enable_key_rotation, **key),
        refused(kms.create_alias, AliasName="alias/of-pending", TargetKeyId=arn),
    }
    assert codes == {"KMSInvalidStateException"}
    kms.get_key_policy(**key)
    kms.cancel_key_deletion(**key)
    assert kms.describe_key(**key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_of_calls_of_other_services_kms_reads_nothing() -> None:
    def read() -> dict[str, Any]:
        raise AssertionError

    operation = catalogue.operation_model("s3", "GetObject")
    assert operation is not None

    assert error_of_kms(Call("s3", operation, "rest-xml", {}, read)) is None
