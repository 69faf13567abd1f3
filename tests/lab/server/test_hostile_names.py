"""No name that somebody stores keeps a list from being read: AWS takes it and shows it again, or rejects it.

The names are made of what breaks answers: control characters, marks of XML, bytes that are no UTF-8, halves of
characters, long ones, and paths that lead elsewhere.
"""

import http.client
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zlib import crc32

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lab.instance import lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import SESSION
from tests.tiers import mostly_slow
from tools.destroy import empty_bucket

SPECIAL = "\0\x01\x08\x0b\x1b\x1f\x7f\x85\u2028\ufffd\ufffe\uffff\U0001f600\r\n\t <>&\"'%/+.\\?#;=:@*~()[]{}|^`$!,_-aB9"
NAMES = st.text(st.sampled_from(SPECIAL) | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
TAKEN_BY_NONE = ("%ff%00", "%c0%af", "%ed%a0%80", "a%", "%f8%88%80%80%80")

examples = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One of this file alone: others may list what is here."""
    home = tmp_path_factory.mktemp("hostile")
    yield lifecycle.start(home)
    lifecycle.stop(home)


class Clients:
    """Clients that send what they are told, and an answer that is no AWS answer fails."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            config = Config(proxies={}, retries={"total_max_attempts": 1}, parameter_validation=False)
            self._made[service] = SESSION.client(
                service,
                endpoint_url=self.lab.endpoint,
                region_name=self.lab.region,
                aws_access_key_id=self.lab.access_key_id,
                aws_secret_access_key=self.lab.secret_access_key,
                config=config,
            )
        return self._made[service]

    def is_taken(self, call: Callable[..., Any], **parameters: Any) -> bool:
        """Whether a call is obeyed; rejected it may be, but with an error of AWS."""
        try:
            call(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert 400 <= status < 500, error
            assert re.fullmatch("[A-Za-z0-9.]+", error.response["Error"]["Code"]), error
            return False
        return True

    def raw(self, service: str, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """The answer to a request with bytes that no SDK sends; its signature is right."""
        request = AWSRequest(method, f"{self.lab.endpoint}{target}", data=body, headers=headers)
        key = Credentials(self.lab.access_key_id, self.lab.secret_access_key)
        auth = SigV4Auth(key, service, self.lab.region)
        if service == "s3":
            request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
            auth = _S3Auth(key, service, self.lab.region)
        auth.add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", self.lab.port, timeout=30)
        try:
            connection.request(method, target, body, dict(request.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class _S3Auth(SigV4Auth):
    def _normalize_url_path(self, path: str) -> str:
        return path

    def payload(self, request: AWSRequest) -> str:  # noqa: ARG002 - botocore's
        return "UNSIGNED-PAYLOAD"


@pytest.fixture(scope="module")
def clients(lab: Lab) -> Clients:
    return Clients(lab)


@pytest.fixture(scope="module")
def bucket(clients: Clients) -> str:
    name = "hostile-names"
    clients("s3").create_bucket(Bucket=name)
    clients("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture(scope="module")
def key_id(clients: Clients) -> str:
    return str(clients("kms").create_key()["KeyMetadata"]["KeyId"])


def plain_keys(document: bytes, element: str = "Key") -> list[str]:
    """The keys of a list that is not url-encoded: XML 1.0 cannot hold all of what it refers to."""
    text = document.decode()
    assert not re.search("[^\t\n\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    found = re.findall(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
    numbers = [re.sub("&#x([0-9a-f]+);", lambda each: chr(int(each[1], 16)), each) for each in found]
    return [unescape(each) if "&" in each else each for each in numbers]


@examples
@given(name=NAMES)
@example(name="a\x01b")
@example(name="a\0b")
@example(name="../../../../../../tmp/stolen")
@example(name="/etc/passwd")
@example(name="a\r\nb")
@example(name="&#x1;&amp;<Key>")
@example(name="%00%ff+ %2e%2e/")
@example(name="x" * 1024)
@example(name="\u00e9" * 512)
def test_an_object_is_listed_by_its_name_whatever_that_is(clients: Clients, bucket: str, name: str) -> None:
    s3 = clients("s3")
    empty_bucket(s3, bucket, lambda _: None)  # of an example that failed
    if not clients.is_taken(s3.put_object, Bucket=bucket, Key=name, Body=b"x"):
        raise AssertionError(f"AWS takes {name!r}")

    assert [each["Key"] for each in s3.list_objects(Bucket=bucket)["Contents"]] == [name]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [name]
    rolled_up = s3.list_objects_v2(Bucket=bucket, Delimiter=name)["CommonPrefixes"]
    assert [each["Prefix"] for each in rolled_up] == [name]
    assert [each["Key"] for each in s3.list_object_versions(Bucket=bucket)["Versions"]] == [name]
    for query in ("list-type=2", "", "versions="):
        status, document = clients.raw("s3", "GET", f"/{bucket}?{query}")
        assert (status, plain_keys(document)) == (200, [name])
    assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == b"x"
    s3.delete_object(Bucket=bucket, Key=name)
    assert [each["Key"] for each in s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]] == [name]
    assert empty_bucket(s3, bucket, lambda _: None) == 2
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def trust(service: str = "ec2.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def tag(text: str) -> dict[str, str]:
    return {"Key": text, "Value": text}


def template(text: str) -> str:
    """A template that writes a text past the API: into the description, and into names of resources."""
    role = {"RoleName": text, "Description": text, "AssumeRolePolicyDocument": json.loads(trust())}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "User": {"Type": "AWS::IAM::User", "Properties": {"UserName": text}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": text, "TopicName": text}},
    }
    return json.dumps({"Description": text, "Resources": resources})


def alarm(text: str) -> dict[str, Any]:
    return {
        "AlarmName": text,
        "AlarmDescription": text,
        "MetricName": "m",
        "Namespace": "n",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }


def function(text: str) -> dict[str, Any]:
    return {
        "FunctionName": text,
        "Description": text,
        "Runtime": "python3.12",
        "Role": "arn:aws:iam::111122223333:role/any",
        "Handler": "a.b",
        "Code": {"ZipFile": b"PK\5\6" + bytes(18)},
    }


def table(text: str) -> dict[str, Any]:
    return {
        "TableName": text,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
    }


# Service, operation, and its parameters with the text in the one place that is tried.
KEEPING: list[tuple[str, str, Callable[[str], dict[str, Any]]]] = [
    ("iam", "create_user", lambda text: {"UserName": text}),
    ("iam", "create_user", lambda text: {"UserName": f"u{crc32(text.encode())}", "Path": f"/{text}/"}),
    ("iam", "tag_user", lambda text: {"UserName": "learner", "Tags": [{"Key": text, "Value": "v"}]}),
    ("iam", "tag_user", lambda text: {"UserName": "learner", "Tags": [{"Key": "k", "Value": text}]}),
    ("iam", "put_user_policy", lambda text: {"UserName": "learner", "PolicyName": text, "PolicyDocument": POLICY}),
    ("iam", "create_group", lambda text: {"GroupName": text}),
    ("iam", "create_role", lambda text: {"RoleName": text, "AssumeRolePolicyDocument": trust()}),
    (
        "iam",
        "create_role",
        lambda text: {
            "RoleName": f"r{crc32(text.encode())}",
            "AssumeRolePolicyDocument": trust(),
            "Description": text,
        },
    ),
    ("iam", "create_policy", lambda text: {"PolicyName": text, "PolicyDocument": POLICY}),
    (
        "iam",
        "create_policy",
        lambda text: {"PolicyName": f"p{crc32(text.encode())}", "PolicyDocument": POLICY, "Description": text},
    ),
    ("iam", "create_instance_profile", lambda text: {"InstanceProfileName": text}),
    ("iam", "create_account_alias", lambda text: {"AccountAlias": text}),
    ("kms", "create_key", lambda text: {"Description": text}),
    ("kms", "create_key", lambda text: {"Tags": [{"TagKey": text, "TagValue": text}]}),
    ("kms", "create_alias", lambda text: {"AliasName": f"alias/{text}", "TargetKeyId": "KEY"}),
    ("sns", "create_topic", lambda text: {"Name": text}),
    ("sns", "create_topic", lambda text: {"Name": "tagged", "Tags": [{"Key": text, "Value": text}]}),
    ("sns", "create_topic", lambda text: {"Name": "shown", "Attributes": {"DisplayName": text}}),
    ("sns", "subscribe", lambda text: {"TopicArn": "TOPIC", "Protocol": "email", "Endpoint": text}),
    ("sqs", "create_queue", lambda text: {"QueueName": text}),
    ("logs", "create_log_group", lambda text: {"logGroupName": text}),
    ("logs", "create_log_group", lambda text: {"logGroupName": "tagged", "tags": {text: text}}),
    ("logs", "create_log_stream", lambda text: {"logGroupName": "streams", "logStreamName": text}),
    ("cloudtrail", "create_trail", lambda text: {"Name": text, "S3BucketName": "hostile-names"}),
    ("events", "put_rule", lambda text: {"Name": text, "ScheduleExpression": "rate(1 day)"}),
    (
        "events",
        "put_rule",
        lambda text: {"Name": "described", "ScheduleExpression": "rate(1 day)", "Description": text},
    ),
    ("s3", "put_bucket_tagging", lambda text: {"Bucket": "hostile-names", "Tagging": {"TagSet": [tag(text)]}}),
    ("cloudformation", "create_stack", lambda text: {"StackName": text, "TemplateBody": template("ok")}),
    (
        "cloudformation",
        "create_stack",
        lambda text: {"StackName": f"s{crc32(text.encode())}", "TemplateBody": template(text)},
    ),
    ("ssm", "put_parameter", lambda text: {"Name": text, "Value": "v", "Type": "String"}),
    ("ssm", "put_parameter", lambda text: {"Name": "v", "Value": text, "Type": "String", "Overwrite": True}),
    ("cloudwatch", "put_metric_alarm", alarm),
    ("ec2", "create_security_group", lambda text: {"GroupName": f"g{crc32(text.encode())}", "Description": text}),
    ("ec2", "create_key_pair", lambda text: {"KeyName": text}),
    ("lambda", "create_function", function),
    ("dynamodb", "create_table", table),
    ("secretsmanager", "create_secret", lambda text: {"Name": text, "SecretString": text}),
]


# What shows it again.
LISTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "iam": [
        ("list_users", {}),
        ("list_user_tags", {"UserName": "learner"}),
        ("list_user_policies", {"UserName": "learner"}),
        ("list_groups", {}),
        ("list_roles", {}),
        ("list_policies", {"Scope": "Local"}),
        ("list_instance_profiles", {}),
        ("list_account_aliases", {}),
        ("get_account_authorization_details", {}),
    ],
    "kms": [("list_keys", {}), ("list_aliases", {})],
    "sns": [
        ("list_topics", {}),
        ("list_subscriptions", {}),
        ("list_tags_for_resource", {"ResourceArn": "arn:aws:sns:us-east-1:111122223333:tagged"}),
        ("get_topic_attributes", {"TopicArn": "arn:aws:sns:us-east-1:111122223333:shown"}),
    ],
    "sqs": [("list_queues", {})],
    "logs": [("describe_log_groups", {}), ("describe_log_streams", {"logGroupName": "streams"})],
    "cloudtrail": [("describe_trails", {}), ("list_trails", {}), ("lookup_events", {})],
    "events": [("list_rules", {})],
    "s3": [("list_buckets", {}), ("get_bucket_tagging", {"Bucket": "hostile-names"})],
    "cloudformation": [("list_stacks", {}), ("describe_stacks", {}), ("list_exports", {})],
    "ssm": [("describe_parameters", {}), ("get_parameters_by_path", {"Path": "/"})],
    "cloudwatch": [("describe_alarms", {})],
    "ec2": [("describe_security_groups", {}), ("describe_key_pairs", {})],
    "lambda": [("list_functions", {})],
    "dynamodb": [("list_tables", {})],
    "secretsmanager": [("list_secrets", {})],
}


@pytest.fixture(scope="module")
def prepared(clients: Clients, bucket: str, key_id: str) -> dict[str, str]:
    """What a case names that must be there."""
    clients("logs").create_log_group(logGroupName="streams")
    clients("iam").get_user(UserName="learner")
    clients("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag("a")]})
    for name in ("tagged", "shown"):
        topic = clients("sns").create_topic(Name=name)["TopicArn"]
    return {"KEY": key_id, "TOPIC": topic}


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    mostly_slow(KEEPING, every=4),
    ids=[f"{number}-{each[1]}" for number, each in enumerate(KEEPING)],
)
@settings(examples, max_examples=12)
@given(text=NAMES)
@example(text="\0")
@example(text="\x01\ufffe")
@example(text="<&>\"'")
@example(text="</Description></member><member>")
@example(text="../../etc")
@example(text="x" * 3000)
@example(text="\U0001f600\u00e9")
def test_what_is_stored_can_be_listed(
    clients: Clients,
    prepared: dict[str, str],
    service: str,
    operation: str,
    parameters: Callable[[str], dict[str, Any]],
    text: str,
) -> None:
    given_parameters = {name: prepared.get(str(value), value) for name, value in parameters(text).items()}

    clients.is_taken(getattr(clients(service), operation), **given_parameters)

    for kind in {service, "iam", "sns"} if service == "cloudformation" else {service}:
        for name, of in LISTS[kind]:
            getattr(clients(kind), name)(**of)


@pytest.mark.parametrize("name", TAKEN_BY_NONE)
@pytest.mark.parametrize("action", ["CreateUser&UserName=", "CreateGroup&GroupName=", "CreateRole&RoleName="])
@pytest.mark.parametrize("is_in_body", [True, False])
def test_bytes_that_are_no_text_are_rejected_in_a_form(
    clients: Clients,
    action: str,
    name: str,
    is_in_body: bool,  # noqa: FBT001
) -> None:
    form = f"Action={action}{name}&Version=2010-05-08"
    kind = {"content-type": "application/x-www-form-urlencoded"}

    if is_in_body:
        status, answer = clients.raw("iam", "POST", "/", form.encode(), **kind)
    else:
        status, answer = clients.raw("iam", "POST", f"/?{form}", b"", **kind)

    # In an address it changes what is signed, so that the signature is wrong before the name is.
    code, shown = (400, b"ValidationError") if is_in_body else (403, b"SignatureDoesNotMatch")
    assert (status, b"<Code>%s</Code>" % shown in answer) == (code, True)
    assert [each["UserName"] for each in clients("iam").list_users()["Users"] if not each["UserName"].isascii()] == []
    clients("iam").list_groups()


@pytest.mark.parametrize("name", [each for each in TAKEN_BY_NONE if each != "a%"])
def test_bytes_that_are_no_text_are_rejected_in_a_path(clients: Clients, bucket: str, name: str) -> None:
    for target in (f"/{bucket}/{name}", f"/{bucket}?prefix={name}"):
        status, answer = clients.raw("s3", "PUT" if "?" not in target else "GET", target, b"")
        # In the query it changes what is signed, so that the signature is wrong before the prefix is.
        code, shown = (403, b"SignatureDoesNotMatch") if "?" in target else (400, b"InvalidURI")
        assert (status, b"<Code>%s</Code>" % shown in answer) == (code, True)


@pytest.mark.parametrize("body", [b'"\xff"', b'"\xed\xa0\x80"', rb'"\ud800"', rb'"\uDFFFa"', b'"a\0"'])
@pytest.mark.parametrize(
    ("service", "target", "member"),
    [
        ("kms", "TrentService.CreateKey", "Description"),
        ("events", "AWSEvents.CreateEventBus", "Name"),
        ("logs", "Logs_20140328.CreateLogGroup", "logGroupName"),
        ("secretsmanager", "secretsmanager.CreateSecret", "Name"),
    ],
)
def test_bytes_that_are_no_text_are_rejected_in_json(
    clients: Clients, service: str, target: str, member: str, body: bytes
) -> None:
    content = b'{"%s": %s}' % (member.encode(), body)
    kind = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}

    status, answer = clients.raw(service, "POST", "/", content, **kind)

    assert (status, json.loads(answer)["__type"]) == (400, "SerializationException")


@settings(examples, max_examples=20)
@given(name=NAMES)
@example(name="../../etc")
@example(name="..")
@example(name="a..b")
@example(name="x" * 64)
def test_a_bucket_has_a_name_of_s3_or_is_rejected(clients: Clients, name: str) -> None:
    status, _ = clients.raw("s3", "PUT", f"/{quote(name, safe='')}")

    is_name = re.fullmatch(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) is not None
    assert status == 200 if is_name else 400 <= status < 500
    assert is_name == (name in [each["Name"] for each in clients("s3").list_buckets()["Buckets"]])


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "application/x-amz-json-1.1"]
)
def test_bytes_of_an_object_need_not_be_text(clients: Clients, bucket: str, kind: str) -> None:
    content = b"\xff\0Action=CreateUser&UserName=%ff\xed\xa0\x80"
    clients("s3").put_object(Bucket=bucket, Key="object", Body=content, ContentType=kind)

    found = clients("s3").get_object(Bucket=bucket, Key="object")

    assert (found["Body"].read(), found["ContentType"]) == (content, kind)
    empty_bucket(clients("s3"), bucket, lambda _: None)


def test_bytes_for_a_function_need_not_be_text(clients: Clients) -> None:
    clients("lambda").create_function(**function("takes-bytes"))

    with pytest.raises(ClientError) as rejected:
        clients("lambda").invoke(FunctionName="takes-bytes", Payload=b"\xff")

    assert rejected.value.response["Error"]["Code"] == "InvalidRequestContentException"  # Lambda's own word


def test_a_key_that_is_too_long_is_rejected(clients: Clients, bucket: str) -> None:
    for key in ("x" * 1025, "\u00e9" * 513, "\U0001f600" * 257):
        with pytest.raises(ClientError) as rejected:
            clients("s3").put_object(Bucket=bucket, Key=key)
        assert rejected.value.response["Error"]["Code"] == "KeyTooLongError"


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "create_user", {"UserName": "a+b=c,d.e@f-g_h"}),
        ("iam", "create_user", {"UserName": "x" * 64, "Path": "/a!#$/b/"}),
        ("iam", "create_group", {"GroupName": "x" * 128}),
        ("iam", "create_user", {"UserName": "tags", "Tags": [{"Key": "\u00e9t\u00e9 a_.:/=+-@1", "Value": "\u6771"}]}),
        ("kms", "create_key", {"Description": "<any> & \u00e9"}),
        ("kms", "create_alias", {"AliasName": "alias/a/B_c-1", "TargetKeyId": "KEY"}),
        ("sns", "create_topic", {"Name": "x" * 256}),
        ("sns", "create_topic", {"Name": "a-B_1.fifo", "Attributes": {"FifoTopic": "true"}}),
        ("logs", "create_log_group", {"logGroupName": "/aws/a.b-c_D#1"}),
        ("sqs", "create_queue", {"QueueName": "a-B_1"}),
        ("events", "put_rule", {"Name": "a.b-C_1", "ScheduleExpression": "rate(1 day)", "Description": "<&>"}),
    ],
)
def test_what_aws_takes_is_taken(
    clients: Clients, prepared: dict[str, str], service: str, operation: str, parameters: dict[str, Any]
) -> None:
    given_parameters = {name: prepared.get(str(value), value) for name, value in parameters.items()}

    assert clients.is_taken(getattr(clients(service), operation), **given_parameters)


def test_hostile_keys_are_there_again_after_the_process_was_killed(tmp_path: Path) -> None:
    names = ["a\x01b", "a\0b", "../../../stolen", "/etc/passwd", "a\r\nb", "&#x1;<Key>", "%00%ff+ %2e", "\u00e9" * 512]
    home = tmp_path / "home"
    lab = lifecycle.start(home)
    try:
        s3 = Clients(lab)("s3")
        s3.create_bucket(Bucket="kept")
        for name in names:
            s3.put_object(Bucket="kept", Key=name, Body=name.encode())
        clients = Clients(lab)  # what is asked of CloudTrail is kept at once, and all else with it
        assert not clients.is_taken(clients("cloudtrail").delete_trail, Name="no-such-trail")
        os.kill(lab.pid, signal.SIGKILL)
        s3 = Clients(lifecycle.start(home))("s3")

        assert sorted(each["Key"] for each in s3.list_objects_v2(Bucket="kept")["Contents"]) == sorted(names)
        for name in names:
            assert s3.get_object(Bucket="kept", Key=name)["Body"].read() == name.encode()
        assert {each.name for each in tmp_path.iterdir()} == {"home"}
    finally:
        lifecycle.stop(home)


DESCRIPTIONS = ["<Role> & </Description> \"'", "</Description></member><member>", "&lt;&amp;", "a & b < c"]


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_a_description_is_shown_as_it_was_given(clients: Clients, text: str) -> None:
    iam, name = clients("iam"), f"d{crc32(text.encode())}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(), Description=text, Path="/<&>/")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=POLICY, Description=text, Path="/a/")["Policy"]["Arn"]

    roles = {each["RoleName"]: each for each in iam.list_roles()["Roles"]}

    assert (roles[name]["Description"], roles[name]["Path"]) == (text, "/<&>/")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Description"] == text
    iam.delete_policy(PolicyArn=arn)


@pytest.mark.parametrize("text", mostly_slow(DESCRIPTIONS, every=4))
def test_a_description_in_a_template_is_shown_as_it_was_given(clients: Clients, text: str) -> None:
    name = f"t{crc32(text.encode())}"
    role = {"RoleName": name, "Description": text, "AssumeRolePolicyDocument": json.loads(trust())}
    body = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}})
    clients("cloudformation").create_stack(StackName=name, TemplateBody=body)

    assert clients("iam").get_role(RoleName=name)["Role"]["Description"] == text
