"""What is authorized and recorded is what is carried out: no request that MiniStack would read otherwise is served."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from lab.handshake import source_mac
from lab.instance.folder import Lab
from lab.protocol.catalogue import service_model
from lab.protocol.cbor import encoded
from lab.protocol.decode import parser
from lab.protocol.request import Headers
from lab.scenarios.actor import Actor, CallOrigin, Credentials
from tests.lab.conftest import ClientFactory, error_of, root_keys
from tests.lab.identities import Identity, allow, make_user, policy
from tests.lab.signing import FORM, ask, send, signed

JSON = {"content-type": "application/json"}
ALARMS = "arn:aws:cloudwatch:*:*:alarm"
CREATE_USER = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": "read-otherwise"}


def call(lab: Lab, service: str, path: str, body: bytes = b"", method: str = "POST", **more: Any) -> tuple[int, bytes]:
    headers = signed(lab, path, service=service, method=method, body=body, **more)
    return ask(lab, path, headers, method, body)


def keys(user: Identity) -> tuple[str, str]:
    return user.keys["aws_access_key_id"], user.keys["aws_secret_access_key"]


def users(client: ClientFactory) -> list[str]:
    return [each["UserName"] for each in client("iam").list_users()["Users"]]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=b", "application/json", "application/x-www-form", ""]
)
@pytest.mark.parametrize("query", ["?Action=ListUsers&Version=2010-05-08", ""])
def test_a_body_that_is_no_form_hides_no_other_call(
    lab: Lab, client: ClientFactory, content_type: str, query: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    status, answer = call(lab, "iam", f"/{query}", urlencode(CREATE_USER).encode(), headers=headers)

    assert (status, b"its Content-Type says so" in answer) == (400, True)
    assert "read-otherwise" not in users(client)


def test_a_form_counts_whatever_the_case_of_its_type(lab: Lab, client: ClientFactory) -> None:
    form = urlencode(CREATE_USER | {"UserName": "any-case"}).encode()
    status, _ = call(lab, "iam", "/", form, headers={"content-type": "Application/X-WWW-Form-URLencoded; charset=json"})

    assert (status, "any-case" in users(client)) == (200, True)


@pytest.mark.parametrize("headers", [JSON, {"content-type": "application/x-www-form-urlencoded; charset=json"}])
def test_no_body_of_json_names_other_alarms_than_the_form(
    lab: Lab, client: ClientFactory, headers: dict[str, str]
) -> None:
    cloudwatch = client("cloudwatch")
    settings = {"MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(AlarmName="victim", Threshold=1, ComparisonOperator="GreaterThanThreshold", **settings)
    path = "/?Action=DeleteAlarms&AlarmNames.member.1=mine&Version=2010-08-01"
    status, _ = call(lab, "monitoring", path, b'{"AlarmNames":["victim"]}', headers=headers)

    assert status == 400
    left = cloudwatch.describe_alarms(AlarmNames=["victim"])["MetricAlarms"]
    assert [each["AlarmName"] for each in left] == ["victim"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("content_type", "expected"), [("application/json", 400), ("application/cbor", 400), (FORM["content-type"], 200)]
)
def test_no_content_type_hides_the_parameters_of_a_query_string(
    lab: Lab, method: str, content_type: str, expected: int
) -> None:
    user = make_user(lab, f"alarms-{method}-{content_type[-4:]}", allow("cloudwatch:DescribeAlarms", f"{ALARMS}:mine"))
    path = "/?Action=DescribeAlarms&AlarmNames.member.1=mine&Version=2010-08-01"
    status, _ = call(lab, "monitoring", path, method=method, headers={"content-type": content_type}, keys=keys(user))

    assert status == expected


@pytest.mark.parametrize("path", ["/service/x/operation/DeleteAlarms", "/anything"])
def test_a_form_is_sent_to_the_root(lab: Lab, path: str) -> None:
    assert call(lab, "monitoring", path, b"Action=ListMetrics&Version=2010-08-01", headers=FORM)[0] == 400


@pytest.mark.parametrize(
    ("service", "form", "code"),
    [
        ("elasticloadbalancing", "Action=DeleteLoadBalancer&Version=2012-06-01&LoadBalancerName=mine", b"InvalidQuery"),
        ("ec2", "Action=DescribeInstances&Version=2016-11-15", b"UnknownParameter"),
        ("iam", "Action=ListUsers&Version=2010-05-08", b"InvalidQueryParameter"),
        ("rds", "Action=DescribeDBInstances&Version=2014-10-31", b"InvalidQueryParameter"),
        ("sqs", "Action=ListQueues&Version=2012-11-05", b"InvalidQueryParameter"),
    ],
)
@pytest.mark.parametrize(
    "field", ["LoadBalancerArn", " UserName", "{", "\ufeffDBInstanceIdentifier", "Tags.member.7.Key"]
)
def test_a_field_that_the_operation_does_not_have_is_refused(
    lab: Lab, service: str, form: str, code: bytes, field: str
) -> None:
    status, answer = call(lab, service, "/", f"{form}&{urlencode({field: 'x'})}".encode(), headers=FORM)

    assert (status, code in answer, b"is not recognized" in answer) == (400, True, True)


@pytest.mark.parametrize("name", ["VICTIM-HOST.localhost", "victim-host.LOCALHOST", "Victim-Host.S3.localhost"])
def test_a_bucket_in_the_host_name_is_the_same_in_any_case(lab: Lab, client: ClientFactory, name: str) -> None:
    client("s3").create_bucket(Bucket="victim-host")
    client("s3").put_object(Bucket="victim-host", Key="secret", Body=b"x")
    denied = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::victim-host*"}
    user = make_user(lab, f"host-{name.lower()[-12:]}-{name[0]}", allow("s3:*"), denied)

    for method in ("GET", "PUT"):
        status, answer = call(
            lab, "s3", "/secret", method=method, keys=keys(user), headers={"Host": f"{name}:{lab.port}"}
        )
        assert (status, b"AccessDenied" in answer) == (403, True)
    client("s3").delete_object(Bucket="victim-host", Key="secret")
    client("s3").delete_bucket(Bucket="victim-host")


@pytest.mark.parametrize("path", ["/slash%2Fkey", "/slash%2fkey?versionId=null", "/%2Fslash/key", "//slash/key"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_buckets_name_ends_at_the_first_slash(lab: Lab, client: ClientFactory, path: str, method: str) -> None:
    """MiniStack would read, write or delete the object, as what the lab takes for a call of a bucket."""
    client("s3").create_bucket(Bucket="slash")
    client("s3").put_object(Bucket="slash", Key="key", Body=b"x")

    status, _ = call(lab, "s3", path, b"other" if method == "PUT" else b"", method=method)

    assert status == 400
    assert client("s3").get_object(Bucket="slash", Key="key")["Body"].read() == b"x"


def test_a_key_of_s3_may_have_slashes_however_they_are_spelled(lab: Lab, client: ClientFactory) -> None:
    client("s3").create_bucket(Bucket="slash")
    for path, key in (("/slash/a%2Fb", "a/b"), ("/slash//c", "/c"), ("/slash/%2Fd", "/d")):
        assert call(lab, "s3", path, b"x", method="PUT")[0] == 200
        assert client("s3").get_object(Bucket="slash", Key=key)["Body"].read() == b"x"
    assert call(lab, "s3", "//e", b"x", method="PUT", headers={"Host": f"slash.localhost:{lab.port}"})[0] == 200
    assert client("s3").get_object(Bucket="slash", Key="/e")["Body"].read() == b"x"


def test_a_header_of_s3_in_the_query_string_is_authorized_and_recorded(lab: Lab, client: ClientFactory) -> None:
    s3 = client("s3")
    for bucket in ("hoist-mine", "hoist-victim"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="hoist-victim", Key="secret", Body=b"x")
    user = make_user(lab, "hoister", allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::hoist-mine/*"))

    copy = "/hoist-mine/stolen?X-Amz-Copy-Source=%2Fhoist-victim%2Fsecret"
    assert call(lab, "s3", copy, method="PUT", keys=keys(user))[0] == 403
    tagged = "/hoist-mine/tagged?x-amz-tagging=a%3Db"
    assert call(lab, "s3", tagged, method="PUT", keys=keys(user))[0] == 403
    twice = "/hoist-mine/twice?x-amz-acl=private&X-Amz-Acl=public-read"
    assert call(lab, "s3", twice, method="PUT")[0] == 400
    assert "Contents" not in s3.list_objects_v2(Bucket="hoist-mine")


def test_a_lock_is_not_bypassed_by_the_query_string(lab: Lab, client: ClientFactory) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="hoist-lock", ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=1)
    locked = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    version = s3.put_object(Bucket="hoist-lock", Key="log", Body=b"x", **locked)["VersionId"]
    denied = {"Effect": "Deny", "Action": "s3:BypassGovernanceRetention", "Resource": "*"}
    user = make_user(lab, "unlocker", allow("s3:*"), denied)

    path = f"/hoist-lock/log?versionId={version}&x-amz-bypass-governance-retention=true"
    assert call(lab, "s3", path, method="DELETE", keys=keys(user))[0] == 403
    s3.delete_object(Bucket="hoist-lock", Key="log", VersionId=version, BypassGovernanceRetention=True)


def test_a_presigned_upload_with_headers_in_its_url_is_carried_out(lab: Lab, client: ClientFactory) -> None:
    client("s3").create_bucket(Bucket="hoist-url")
    url = client("s3").generate_presigned_url(
        "put_object", {"Bucket": "hoist-url", "Key": "k", "StorageClass": "STANDARD_IA", "Metadata": {"a": "b"}}
    )
    target = urlsplit(url)
    status = send(lab.port, "PUT", f"{target.path}?{target.query}", {"Host": target.netloc}, b"x").status

    head = client("s3").head_object(Bucket="hoist-url", Key="k")
    assert (status, head["StorageClass"], head["Metadata"]) == (200, "STANDARD_IA", {"a": "b"})


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("DELETE", "/sub?analytics&id=1", b"NotImplemented"),
        ("DELETE", "/sub?acl", b"NotImplemented"),
        ("PUT", "/sub?analytics&id=1&policy", b"InvalidArgument"),
        ("PUT", "/sub?acl&policy", b"InvalidArgument"),
        ("PUT", "/sub?metrics&id=1", b"NotImplemented"),
        ("GET", "/sub?policyStatus", b"NotImplemented"),
        ("GET", "/sub?list-type=2&acl", b"InvalidArgument"),
        ("GET", "/sub?request-payment", b"NotImplemented"),
        ("GET", "/sub/key?torrent", b"MethodNotAllowed"),
        ("PUT", "/sub/key?renameObject", b"NotImplemented"),
        ("DELETE", "/sub/key?uploadId=1&tagging", b"InvalidArgument"),
    ],
)
def test_a_subresource_of_s3_is_served_or_refused(
    lab: Lab, client: ClientFactory, method: str, path: str, code: bytes
) -> None:
    """MiniStack does something else with the bucket or the object: it deletes it, lists it or reads it."""
    client("s3").create_bucket(Bucket="sub")
    client("s3").put_object(Bucket="sub", Key="key", Body=b"x")

    status, answer = call(lab, "s3", path, b'{"Version":"2012-10-17","Statement":[]}', method=method)

    statuses = {b"NotImplemented": 501, b"MethodNotAllowed": 405}
    assert (status, code in answer) == (statuses.get(code, 400), True)
    assert client("s3").get_object(Bucket="sub", Key="key")["Body"].read() == b"x"


@pytest.mark.parametrize("query", ["requestPayment", "prefix=requestPayment&requestPayment="])
def test_who_pays_is_told_in_any_spelling(lab: Lab, client: ClientFactory, query: str) -> None:
    client("s3").create_bucket(Bucket="sub")
    assert b"<Payer>" in call(lab, "s3", f"/sub?{query}", method="GET")[1]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "X-Lab-Source"])
def test_no_header_names_another_address(lab: Lab, client: ClientFactory, header: str) -> None:
    client("s3").create_bucket(Bucket="from-there")
    client("s3").put_object(Bucket="from-there", Key="k", Body=b"x")
    from_there = {"IpAddress": {"aws:SourceIp": "10.1.2.0/24"}}
    user = make_user(lab, f"from-there-{header}", allow("s3:GetObject", Condition=from_there))
    headers = {header: "10.1.2.3", "X-Lab-Source-Mac": source_mac("another secret", keys(user)[0], "10.1.2.3")}

    assert call(lab, "s3", "/from-there/k", method="GET", keys=keys(user), headers=headers)[0] == 403


def test_the_labs_own_program_names_another_address(lab: Lab) -> None:
    from_there = {"IpAddress": {"aws:SourceIp": "10.1.2.0/24"}}
    user = make_user(lab, "scenario-there", allow("iam:ListUsers", Condition=from_there))
    credentials = Credentials(*keys(user))

    assert Actor(lab, "there", credentials, CallOrigin("10.1.2.3", "agent")).client("iam").list_users()["Users"]


@pytest.mark.parametrize("url", ["mine?/victim", "mine#/victim", "http://h/mine;/victim", "\tmine", "a/b/victim", ""])
@pytest.mark.parametrize("kind", ["a form", "JSON"])
def test_a_queue_is_named_by_its_url_or_its_name(lab: Lab, client: ClientFactory, url: str, kind: str) -> None:
    for name in ("mine", "victim"):
        client("sqs").create_queue(QueueName=name)
    body = json.dumps({"QueueUrl": url}).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.PurgeQueue"}
    if kind == "a form":
        body, headers = urlencode({"Action": "PurgeQueue", "Version": "2012-11-05", "QueueUrl": url}).encode(), FORM

    status, answer = call(lab, "sqs", "/", body, headers=headers)

    assert (status, b"InvalidAddress" in answer or b"MissingParameter" in answer) == (404 if url else 400, True)


def test_a_queue_is_called_at_its_own_path(lab: Lab, client: ClientFactory) -> None:
    """As older SDKs do; the queue is one of the path's account."""
    url = client("sqs").create_queue(QueueName="at-its-path")["QueueUrl"]
    client("sqs").send_message(QueueUrl=url, MessageBody="hello")
    body = b"Action=ReceiveMessage&Version=2012-11-05"
    arn = f"arn:aws:sqs:{lab.region}:{lab.account}:at-its-path"
    may, may_not = (make_user(lab, n, allow("sqs:*", a)) for n, a in (("at-path", arn), ("at-no-path", f"{arn}-not")))

    assert call(lab, "sqs", urlsplit(url).path, body, headers=FORM, keys=keys(may_not))[0] == 403
    theirs = client("sqs", **root_keys(lab, "444455556666"))
    shared = allow("sqs:*", arn.replace(lab.account, "444455556666"), Principal={"AWS": lab.account})
    theirs.create_queue(QueueName="at-its-path", Attributes={"Policy": policy(shared)})
    assert call(lab, "sqs", "/444455556666/at-its-path", body, headers=FORM)[0] == 404
    status, answer = call(lab, "sqs", urlsplit(url).path, body, headers=FORM, keys=keys(may))
    assert (status, b"<Body>hello</Body>" in answer) == (200, True)


@pytest.mark.parametrize("path", ["/restapis/{}", "/restapis/%{:x}{}"])
def test_an_api_is_denied_however_its_path_is_spelled(lab: Lab, client: ClientFactory, path: str) -> None:
    api = client("apigateway").create_rest_api(name="victim")["id"]
    path = path.format(api) if "%" not in path else path.format(ord(api[0]), api[1:])
    denied = {"Effect": "Deny", "Action": "apigateway:*", "Resource": f"arn:aws:apigateway:*::/restapis/{api}"}
    user = make_user(lab, f"api-{len(path)}", allow("apigateway:*"), denied)

    assert call(lab, "apigateway", path, method="DELETE", keys=keys(user))[0] == 403
    assert client("apigateway").get_rest_api(restApiId=api)["id"] == api


def test_a_path_names_one_operation(lab: Lab) -> None:
    assert call(lab, "apigateway", "/restapis/x%2Fresources", method="GET")[0] == 400
    assert call(lab, "lambda", "/2015-03-31/functions/x%2Fversions", method="GET")[0] == 400


JAVA_CBOR = {"content-type": "application/x-amz-cbor-1.1"}
CBOR = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


def test_a_call_in_cbor_is_authorized_carried_out_and_recorded_as_it_says(lab: Lab, client: ClientFactory) -> None:
    alarm = {"AlarmName": "in-cbor", "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60}
    alarm |= {"EvaluationPeriods": 1, "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold"}
    shape = service_model("cloudwatch").operation_model("PutMetricAlarm").input_shape
    assert shape
    body = encoded(shape, alarm, "smithy-rpc-v2-cbor")
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm"
    other = make_user(lab, "of-another-alarm", allow("cloudwatch:*", f"{ALARMS}:other"))

    assert call(lab, "monitoring", path, body, headers=CBOR, keys=keys(other))[0] == 400
    assert client("cloudwatch").describe_alarms(AlarmNames=["in-cbor"])["MetricAlarms"] == []
    assert call(lab, "monitoring", path, body, headers=CBOR)[0] == 200
    [made] = client("cloudwatch").describe_alarms(AlarmNames=["in-cbor"])["MetricAlarms"]
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "PutMetricAlarm"}]
    record = json.loads(client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"][0]["CloudTrailEvent"])
    assert record["requestParameters"] | {"alarmName": made["AlarmName"]} == record["requestParameters"]
    assert (made["Threshold"], record["requestParameters"]["threshold"]) == (1.5, 1.5)


def test_a_stream_is_used_in_cbor_as_by_java(lab: Lab, client: ClientFactory) -> None:
    def ask_stream(operation: str, **parameters: Any) -> dict[str, Any]:
        described = service_model("kinesis").operation_model(operation)
        assert described.input_shape
        headers = JAVA_CBOR | {"x-amz-target": f"Kinesis_20131202.{operation}"}
        status, body = call(
            lab, "kinesis", "/", encoded(described.input_shape, parameters, "java-cbor"), headers=headers
        )
        parts = {"status_code": status, "headers": Headers(), "body": body}
        found: dict[str, Any] = parser("java-cbor").parse(parts, described.output_shape)  # type: ignore[arg-type]
        return found

    began = datetime.now(UTC)
    ask_stream("CreateStream", StreamName="in-cbor", ShardCount=1)
    client("kinesis").get_waiter("stream_exists").wait(StreamName="in-cbor", WaiterConfig={"Delay": 1})
    stream = ask_stream("DescribeStream", StreamName="in-cbor")["StreamDescription"]
    assert began - timedelta(seconds=1) <= stream["StreamCreationTimestamp"] <= datetime.now(UTC)
    put = ask_stream("PutRecord", StreamName="in-cbor", Data=b"\0\xff", PartitionKey="p")
    start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": began}
    iterator = ask_stream("GetShardIterator", StreamName="in-cbor", ShardId=put["ShardId"], **start)["ShardIterator"]
    assert [each["Data"] for each in ask_stream("GetRecords", ShardIterator=iterator)["Records"]] == [b"\0\xff"]
    assert ask_stream("DescribeStream", StreamName="absent")["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JAVA_CBOR | {"x-amz-target": "Kinesis_20131202.CreateStream"}, b"\xa1jStreamName"),
        (JAVA_CBOR | {"x-amz-target": "Kinesis_20131202.SubscribeToShard"}, b"\xa0"),
    ],
)
def test_cbor_that_cannot_be_read_or_answered_is_refused(lab: Lab, headers: dict[str, str], body: bytes) -> None:
    status, answer = call(lab, "kinesis", "/", body, headers=headers)

    assert status in (400, 501)
    assert b"__type" in answer


def test_a_call_is_recorded_with_its_parameters_however_long_it_is(lab: Lab, client: ClientFactory) -> None:
    client("kms").create_key()
    body = json.dumps({"StreamName": "padded", "ShardCount": 1, "Pad": "A" * 1_100_000}).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Kinesis_20131202.CreateStream"}
    assert call(lab, "kinesis", "/", body, headers=headers)[0] == 200

    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateStream"}]
    events = client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    assert json.loads(events[0]["CloudTrailEvent"])["requestParameters"]["streamName"] == "padded"


def test_a_form_of_a_control_plane_has_at_most_a_megabyte(lab: Lab, client: ClientFactory) -> None:
    form = urlencode(CREATE_USER | {"UserName": "too-long", "Path": f"/{'a' * 1_100_000}/"}).encode()

    assert call(lab, "iam", "/", form, headers=FORM)[0] == 413
    assert "too-long" not in users(client)


def test_what_is_nested_too_deeply_is_refused(lab: Lab, client: ClientFactory) -> None:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.ListKeys"}
    status, answer = call(lab, "kms", "/", b"[" * 200_000, headers=headers)
    assert (status, b"SerializationException" in answer) == (400, True)

    client("s3").create_bucket(Bucket="nested")
    nested = b'{"Version":"2012-10-17","Statement":' + b"[" * 9000 + b"]" * 9000 + b"}"
    status, answer = call(lab, "s3", "/nested?policy", nested, method="PUT")
    assert (status, b"MalformedPolicy" in answer) == (400, True)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [("create_stream", {"ShardCount": 2_000_000}), ("update_shard_count", {"TargetShardCount": 2_000_000})],
)
def test_a_stream_has_a_bounded_number_of_shards(
    client: ClientFactory, operation: str, parameters: dict[str, Any]
) -> None:
    scaling = {"ScalingType": "UNIFORM_SCALING"} if operation.startswith("update") else {}
    call_kinesis = getattr(client("kinesis"), operation)

    assert error_of(call_kinesis, StreamName="many", **parameters, **scaling) == "LimitExceededException"


@pytest.mark.parametrize("pattern", ["(a+)+b", "a*b", "(a|aa)(a|aa)b", r"x\/(a+)+b", "a" * 201, "a{2,}"])
def test_no_query_of_logs_takes_years(client: ClientFactory, pattern: str) -> None:
    logs = client("logs")
    query = f"fields @message | filter @message like /{pattern}/"

    assert error_of(logs.start_query, logGroupName="g", startTime=0, endTime=1, queryString=query) == (
        "MalformedQueryException"
    )


def test_a_plain_pattern_is_looked_for_in_logs(client: ClientFactory) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="plain")
    logs.create_log_stream(logGroupName="plain", logStreamName="s")
    now = int(datetime.now(UTC).timestamp())
    for message in ("ERROR 404", "INFO"):
        event = {"timestamp": now * 1000, "message": message}
        logs.put_log_events(logGroupName="plain", logStreamName="s", logEvents=[event])
    query = r"fields @message | filter @message like /ERROR \d{3}|WARN/"
    found = logs.start_query(logGroupName="plain", startTime=0, endTime=now + 60, queryString=query)

    assert len(logs.get_query_results(queryId=found["queryId"])["results"]) == 1


def test_a_state_machine_makes_no_huge_array() -> None:
    program = """
from lab.ministack import states
from ministack.services import stepfunctions
states.bound_array_range()
print(len(stepfunctions._evaluate_intrinsic("States.ArrayRange(1, 1000, 1)", {}, {})))
try:
    stepfunctions._evaluate_intrinsic("States.ArrayRange(1, 100000000, 1)", {}, {})
except ValueError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.splitlines() == ["1000", "States.ArrayRange makes at most 1,000 elements."]


@pytest.mark.parametrize(
    ("service", "method", "path", "body"),
    [
        ("lambda", "GET", "/2015-03-31/functions//", b""),
        ("lambda", "GET", "/2099-03-31/functions", b""),
        ("apigateway", "GET", "//restapis", b""),
        ("apigateway", "POST", "/restapis//", b'{"name":"not-recorded"}'),
        ("route53", "POST", "/2011-05-05/hostedzone", b"<CreateHostedZoneRequest/>"),
        ("s3tables", "GET", "/iceberg/v1/config?warehouse=x", b""),
        ("nosuch", "GET", "/", b""),
        ("s3", "POST", "/a-bucket", b"x"),
        ("iam", "GET", "/?Action=Frobnicate&Version=2010-05-08", b""),
    ],
)
def test_what_no_model_of_awss_has_is_not_carried_out_and_recorded_as_refused(
    lab: Lab, client: ClientFactory, service: str, method: str, path: str, body: bytes
) -> None:
    status, answer = call(lab, service, path, body, method=method)
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "LabCallNotDecoded"}]
    record = json.loads(client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"][0]["CloudTrailEvent"])

    assert (status, b"that the lab knows" in answer) == (400, True)
    assert record["requestParameters"] == {"method": method, "path": path.partition("?")[0]}
    assert record["errorCode"] == "HTTP400"
    apis = client("apigateway").get_rest_apis(limit=500)["items"]
    assert "not-recorded" not in [each["name"] for each in apis]


_TAG = "<Tagging><TagSet><Tag><Key>k</Key><Value>{}</Value></Tag></TagSet>{}</Tagging>"
_WITH_TYPE = '<!DOCTYPE t [<!ENTITY v "hidden">]>' + _TAG.format("&v;", "")
DOCUMENTS = {
    "no XML": b"<Tagging><TagSet>",
    "a document type": _WITH_TYPE.encode(),
    "a document type in UTF-16": _WITH_TYPE.encode("utf-16"),
    "too long": _TAG.format("hidden", " " * 1_100_000).encode(),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_nobody_can_read_in_the_record_changes_nothing(
    lab: Lab, client: ClientFactory, name: str
) -> None:
    bucket = f"unread-{len(DOCUMENTS[name])}"
    client("s3").create_bucket(Bucket=bucket)

    assert call(lab, "s3", f"/{bucket}?tagging", DOCUMENTS[name], method="PUT")[0] == 400
    assert error_of(client("s3").get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"


def test_a_comment_hides_nothing_of_a_document(lab: Lab, client: ClientFactory) -> None:
    client("s3").create_bucket(Bucket="commented")
    body = (
        b"<Tagging><!-- nothing --><TagSet><Tag><Key>k</Key><Value><![CDATA[shown]]></Value></Tag></TagSet></Tagging>"
    )
    assert call(lab, "s3", "/commented?tagging", body, method="PUT")[0] in (200, 204)

    wanted = [{"AttributeKey": "EventName", "AttributeValue": "PutBucketTagging"}]
    found = client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    records = [json.loads(each["CloudTrailEvent"])["requestParameters"] for each in found]
    assert [each["Tagging"] for each in records if each["bucketName"] == "commented"] == [
        {"TagSet": {"Tag": {"Key": "k", "Value": "shown"}}}
    ]


@pytest.mark.parametrize(
    ("service", "path", "body", "content_type"),
    [
        ("route53", "/2013-04-01/hostedzone", b"<CreateHostedZoneRequest>", "text/xml"),
        ("apigateway", "/restapis", b'{"name":', "text/plain"),
        ("apigateway", "/restapis", b'["name"]', "text/plain"),
    ],
)
def test_a_body_that_is_none_of_its_operation_changes_nothing(
    lab: Lab, service: str, path: str, body: bytes, content_type: str
) -> None:
    assert call(lab, service, path, body, headers={"content-type": content_type})[0] == 400


def test_a_member_that_the_call_does_not_have_counts_for_nobody(lab: Lab, client: ClientFactory) -> None:
    """MiniStack takes this one for `WorkGroup`, which the record would not show."""
    athena = client("athena")
    athena.create_work_group(Name="strays")
    athena.create_prepared_statement(StatementName="s", WorkGroup="strays", QueryStatement="SELECT 1")
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonAthena.DeletePreparedStatement"}
    call(lab, "athena", "/", b'{"WorkGroupName": "strays", "StatementName": "s"}', headers=headers)

    assert len(athena.list_prepared_statements(WorkGroup="strays")["PreparedStatements"]) == 1
