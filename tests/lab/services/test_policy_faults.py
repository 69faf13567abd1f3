"""Policies that AWS does not take are not taken here: with AWS's codes, and its words where they are known."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.identities import policy

BUCKET, ACCOUNT = "policy-faults", "111122223333"
ARN = f"arn:aws:s3:::{BUCKET}"
USER = f"arn:aws:iam::{ACCOUNT}:user/faults/ann"
READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{ARN}/*", "Principal": {"AWS": ACCOUNT}}
ASSUMES = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": USER}}
ADMINISTERS = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": ACCOUNT}}
NOBODY = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}


def without(statement: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in statement.items() if each != name}


@pytest.fixture(scope="module", autouse=True)
def there(client: ClientFactory) -> None:
    client("s3").create_bucket(Bucket=BUCKET)
    client("iam").create_user(UserName="ann", Path="/faults/")


def error(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as found:
        call(**parameters)
    return found.value.response["Error"]["Code"], found.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", "Policies must be valid JSON and the first byte must be '{'"),
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
        (policy(without(READS, "Principal")), "Missing required field Principal"),
        (policy(without(READS, "Action")), "Missing required field Action"),
        (policy(without(READS, "Resource")), "Missing required field Resource"),
        (policy(READS | {"Effect": "Maybe"}), "Invalid effect: Maybe"),
        (policy(READS, READS | {"Resource": "arn:aws:s3:::another/*"}), "Policy has invalid resource"),
        (policy(READS | {"Action": "ec2:RunInstances"}), "Policy has invalid action"),
        (policy(READS | {"Principal": NOBODY}), "Invalid principal in policy"),
        (policy(READS | {"Principal": {"AWS": USER.replace("/faults", "")}}), "Invalid principal in policy"),
        (policy(READS | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}}), "Invalid principal in policy"),
        (policy(READS | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:group/g"}}), "Invalid principal in policy"),
        (policy(READS | {"Principal": {"User": USER}}), "Invalid principal in policy"),
    ],
)
def test_what_is_no_bucket_policy_is_not_stored(client: ClientFactory, text: str, wanted: str) -> None:
    assert error(client("s3").put_bucket_policy, Bucket=BUCKET, Policy=text) == ("MalformedPolicy", wanted)
    assert error(client("s3").get_bucket_policy, Bucket=BUCKET)[0] == "NoSuchBucketPolicy"


@pytest.mark.parametrize(
    "statement",
    [
        READS,
        READS | {"Principal": {"AWS": [USER, f"arn:aws:iam::{ACCOUNT}:root"]}},
        READS | {"Principal": {"AWS": "arn:aws:iam::444455556666:role/whoever"}},
        READS | {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject"},
        READS | {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": [f"{ARN}/a", f"{ARN}/b/*"]},
        READS | {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": ARN},
        READS | {"Resource": "arn:aws:s3:::policy-*/${aws:username}/*"},
        without(READS, "Action") | {"Effect": "Deny", "NotAction": "s3:GetObject"},
    ],
)
def test_what_is_one_is_stored(client: ClientFactory, statement: dict[str, Any]) -> None:
    client("s3").put_bucket_policy(Bucket=BUCKET, Policy=policy(statement))
    assert json.loads(client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"] == [statement]
    client("s3").delete_bucket_policy(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (ASSUMES | {"Principal": NOBODY}, f'Invalid principal in policy: "AWS":"{NOBODY["AWS"]}"'),
        (ASSUMES | {"Resource": "*"}, "Has prohibited field Resource"),
        (ASSUMES | {"Action": "s3:GetObject"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        (without(ASSUMES, "Principal"), "Missing required field Principal"),
    ],
)
def test_nor_is_what_is_no_trust_policy(client: ClientFactory, statement: dict[str, Any], wanted: str) -> None:
    made = {"RoleName": "policy-faults", "AssumeRolePolicyDocument": policy(statement)}
    assert error(client("iam").create_role, **made) == ("MalformedPolicyDocument", wanted)


def test_nor_is_what_is_no_policy_of_a_key_or_of_an_identity(client: ClientFactory, lab: Lab) -> None:
    iam, kms = client("iam"), client("kms")
    code, text = "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."
    assert error(kms.create_key, Policy=policy(ADMINISTERS, ADMINISTERS | {"Principal": NOBODY})) == (code, text)
    assert lab.account == ACCOUNT

    def put(**statement: Any) -> tuple[str, str]:
        allows = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement
        document = policy({name: value for name, value in allows.items() if value})
        return error(iam.put_user_policy, UserName="ann", PolicyName="p", PolicyDocument=document)

    code = "MalformedPolicyDocument"
    assert put(Principal="*") == (code, "Policy document should not specify a principal.")
    assert put(Resource="bucket") == (code, 'Resource bucket must be in ARN format or "*".')
    assert put(Action="GetObject")[0] == put(Resource="")[0] == code


def test_nor_is_what_is_no_policy_of_a_topic_a_queue_or_a_secret(client: ClientFactory) -> None:
    sns, sqs, secrets = client("sns"), client("sqs"), client("secretsmanager")
    topic = sns.create_topic(Name="policy-faults")["TopicArn"]
    queue = sqs.create_queue(QueueName="policy-faults")["QueueUrl"]
    secret = secrets.create_secret(Name="policy-faults", SecretString="s")["ARN"]

    def put(text: str) -> list[tuple[str, str]]:
        of_topic = {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": text}
        return [
            error(sns.set_topic_attributes, **of_topic),
            error(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"Policy": text}),
            error(secrets.put_resource_policy, SecretId=secret, ResourcePolicy=text),
        ]

    codes = ["InvalidParameter", "InvalidAttributeValue", "MalformedPolicyDocumentException"]
    nobody = policy({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": NOBODY})
    assert [code for code, _ in put("text")] == [code for code, _ in put("{}")] == codes
    assert put(nobody) == [
        ("InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound"),
        ("InvalidAttributeValue", "Invalid value for the parameter Policy."),
        ("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal."),
    ]
    of_s3 = policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": {"AWS": ACCOUNT}})
    of_topic = {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": of_s3}
    assert error(sns.set_topic_attributes, **of_topic)[1] == (
        "Invalid parameter: Policy statement action out of service scope!"
    )
    sends = {"Effect": "Allow", "Action": "SQS:SendMessage", "Resource": "*", "Principal": {"AWS": ACCOUNT}}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(sends)})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})


def test_a_grant_is_for_somebody_and_a_key_has_limits(client: ClientFactory) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    grant = {"KeyId": key, "Operations": ["Decrypt"]}

    for nobody in ("nobody", NOBODY["AWS"], "*"):
        assert error(kms.create_grant, **grant, GranteePrincipal=nobody)[0] == "InvalidArnException"
    kms.create_grant(**grant, GranteePrincipal=USER)
    kms.create_grant(**grant, GranteePrincipal="arn:aws:iam::444455556666:role/whoever", RetiringPrincipal=USER)
    assert error(kms.create_alias, AliasName="alias/aws/s3", TargetKeyId=key)[0] == "InvalidAliasNameException"
    assert error(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097)[0] == "ValidationException"
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x" * 4096)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x" * 4096
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    assert error(kms.decrypt, CiphertextBlob=sealed, KeyId=other)[0] == "IncorrectKeyException"


def test_settings_of_buckets_and_trails_that_contradict_are_refused(client: ClientFactory) -> None:
    s3 = client("s3")

    def encryption(*rules: dict[str, Any]) -> tuple[str, str]:
        wanted = {"Rules": [{"ApplyServerSideEncryptionByDefault": each} for each in rules]}
        return error(s3.put_bucket_encryption, Bucket=BUCKET, ServerSideEncryptionConfiguration=wanted)

    assert encryption()[0] == "MalformedXML"
    assert encryption({"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"})[0] == "InvalidArgument"
    to = {"LoggingEnabled": {"TargetBucket": "no-such-bucket-for-logs", "TargetPrefix": ""}}
    assert error(s3.put_bucket_logging, Bucket=BUCKET, BucketLoggingStatus=to)[0] == "InvalidTargetBucketForLogging"
    s3.put_bucket_logging(Bucket=BUCKET, BucketLoggingStatus={})
