"""AWS's SDKs of several languages and its command line, all against one lab: every call is recorded as it was made."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.instance import control, lifecycle
from lab.instance.environment import aws_environment
from lab.instance.folder import Lab
from tests.lab.conftest import SESSION, make_client
from tests.lab.destination import make_bucket
from tests.lab.sdks import installed
from tests.lab.sdks.calls import Call, calls_of
from tests.programs import needs

HERE = Path(__file__).parent
LOGS = "sdk-logs"
# Makes the calls, and gives the request id of each as the SDK shows it (None when it does not).
Driver = Callable[[Lab, list[Call]], list[str | None]]


@pytest.fixture(scope="module")
def sdk_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("sdks")
    lab = lifecycle.start(home)
    cloudtrail = make_client(lab, "cloudtrail")
    make_bucket(make_client(lab, "s3"), LOGS)
    cloudtrail.create_trail(Name="sdks", S3BucketName=LOGS)
    objects = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
    cloudtrail.put_event_selectors(TrailName="sdks", EventSelectors=[{"DataResources": objects}])
    cloudtrail.start_logging(Name="sdks")
    yield lab
    lifecycle.stop(home)


def delivered(lab: Lab, user_agent: str) -> list[dict[str, Any]]:
    """The records of one program, in the order in which they were made."""
    control.deliver(lab)
    s3 = make_client(lab, "s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=LOGS, Prefix="AWSLogs")["Contents"]]
    bodies = [gzip.decompress(s3.get_object(Bucket=LOGS, Key=key)["Body"].read()) for key in keys]
    records = [record for body in bodies for record in json.loads(body)["Records"]]
    found = [record for record in records if user_agent in record["userAgent"]]
    return sorted(found, key=lambda record: str(record["eventTime"]))


def by_boto3(lab: Lab, calls: list[Call]) -> list[str | None]:
    keys = {"aws_access_key_id": lab.access_key_id, "aws_secret_access_key": lab.secret_access_key}
    config = Config(user_agent_extra="the-sdk-test", proxies={}, retries={"total_max_attempts": 1})
    found = []
    for each in calls:
        client: Any = SESSION.client(
            each.service, endpoint_url=lab.endpoint, region_name=lab.region, config=config, **keys
        )
        try:
            answer = getattr(client, xform_name(each.operation))(**each.input)
        except ClientError as error:
            answer = error.response
        found.append(answer["ResponseMetadata"]["RequestId"])
    return found


def by_program(command: list[str], lab: Lab, calls: list[Call], **variables: str) -> list[str | None]:
    listed = json.dumps([{"service": each.service, "operation": each.operation, "input": each.input} for each in calls])
    environment = aws_environment(lab) | variables
    done = subprocess.run(command, input=listed, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return [each["requestId"] for each in json.loads(done.stdout)]


def by_javascript(lab: Lab, calls: list[Call]) -> list[str | None]:
    return by_program(["node", str(installed.javascript_folder() / "drive.mjs")], lab, calls)


def by_go(lab: Lab, calls: list[Call]) -> list[str | None]:
    needs("go")
    assert installed.GO.is_dir(), "Debian's package golang-github-aws-aws-sdk-go-v2-dev is not installed"
    variables = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOTOOLCHAIN": "local"}
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/drive"
        build = ["go", "build", "-o", program, str(HERE / "go" / "drive.go")]
        subprocess.run(build, check=True, env=os.environ | variables)
        return by_program([program], lab, calls)


def by_command_line(program: str, lab: Lab, calls: list[Call]) -> list[str | None]:
    names = {"s3": "s3api"}
    environment = aws_environment(lab)
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        for each in calls:
            given = {name: value for name, value in each.input.items() if name != "Body"}
            command = [program, "--endpoint-url", lab.endpoint, names.get(each.service, each.service)]
            command += [xform_name(each.operation, "-")]
            if each.operation == "GetObject":
                command += ["--bucket", given["Bucket"], "--key", given["Key"], f"{folder}/content"]
            else:
                command += ["--cli-input-json", json.dumps(given)]
            if "Body" in each.input:
                body.write_text(each.input["Body"])
                command += ["--body", str(body)]
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            assert (done.returncode != 0) is (each.error is not None), (command, done.stderr)
    return [None] * len(calls)


def by_aws_cli_1(lab: Lab, calls: list[Call]) -> list[str | None]:
    return by_command_line(str(Path(sys.executable).parent / "aws"), lab, calls)


def by_aws_cli_2(lab: Lab, calls: list[Call]) -> list[str | None]:
    """Debian's, which knows --endpoint-url but not AWS_ENDPOINT_URL."""
    if not shutil.which("/usr/bin/aws"):
        needs("awscli")
    return by_command_line("/usr/bin/aws", lab, calls)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "driver", "user_agent"),
    [
        ("boto3", by_boto3, "the-sdk-test"),
        ("javascript", by_javascript, "aws-sdk-js/3"),
        ("golang", by_go, "aws-sdk-go-v2/1"),
        ("cli1", by_aws_cli_1, "aws-cli/1"),
        ("cli2", by_aws_cli_2, "aws-cli/2"),
    ],
)
def test_every_call_of_an_sdk_is_recorded_as_it_was_made(
    sdk_lab: Lab, name: str, driver: Driver, user_agent: str
) -> None:
    calls = calls_of(name)
    ids = driver(sdk_lab, calls)
    records = delivered(sdk_lab, user_agent)

    assert sorted((record["eventSource"], record["eventName"]) for record in records) == sorted(
        each.event for each in calls
    )
    for each, identity in zip(calls, ids, strict=True):
        of_call = [record for record in records if is_of(each, record) and identity in (None, record["requestID"])]
        assert len(of_call) == 1, (each, [record for record in records if record["requestID"] == identity])
        assert of_call[0].get("errorCode") == each.error


def is_of(call: Call, record: dict[str, Any]) -> bool:
    """Whether a record is of a call, as far as its name and parameters say."""
    parameters = record["requestParameters"] or {}
    event = (record["eventSource"], record["eventName"])
    return event == call.event and all(parameters.get(name) == value for name, value in call.shown.items())
