"""Nothing that is uploaded to the lab runs on this machine."""

import io
import json
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack

ROLE = "arn:aws:iam::111122223333:role/any"


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """What the uploaded code would write."""
    return tmp_path / "it-ran"


def handler(proof: Path, runtime: str) -> tuple[str, str]:
    """A file name and the code of a function that leaves a proof."""
    if runtime.startswith("python"):
        return "index.py", f"open({str(proof)!r}, 'w').close()\ndef handler(event, context):\n    return {{}}\n"
    if runtime.startswith("nodejs"):
        return "index.js", f"require('fs').writeFileSync({str(proof)!r}, ''); exports.handler = async () => ({{}})"
    return "bootstrap", f"#!/bin/sh\ntouch {proof}\n"


def archive(name: str, content: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o755 << 16
        file.writestr(info, content)
    return packed.getvalue()


def children(lab: Lab) -> list[str]:
    listed = subprocess.run(
        ["/usr/bin/env", "ps", "-o", "args=", "--ppid", str(lab.pid)], capture_output=True, text=True
    )
    return listed.stdout.splitlines()


@pytest.mark.parametrize("runtime", ["python3.11", "nodejs20.x", "provided.al2023", "java21", "ruby3.3"])
def test_a_function_that_is_called_does_not_run_and_says_why(
    lab: Lab, client: ClientFactory, proof: Path, runtime: str
) -> None:
    functions = client("lambda")
    name = f"called-{runtime.replace('.', '-')}"
    functions.create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": archive(*handler(proof, runtime))},
    )

    answer = functions.invoke(FunctionName=name)

    told = json.loads(answer["Payload"].read())
    assert answer["FunctionError"] == "Unhandled"
    assert told["errorType"] == "Lab.CodeNotRun"
    assert f"The lab runs no code, so that nothing uploaded to it can reach this machine's files: {name}" in str(told)
    assert not proof.exists()
    assert children(lab) == []


def test_a_function_that_others_call_does_not_run_either(client: ClientFactory, proof: Path) -> None:
    functions, topics = client("lambda"), client("sns")
    function = functions.create_function(
        FunctionName="subscribed",
        Runtime="python3.11",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": archive(*handler(proof, "python3.11"))},
    )["FunctionArn"]
    topic = topics.create_topic(Name="calls-a-function")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    topics.publish(TopicArn=topic, Message="run")
    functions.invoke(FunctionName="subscribed", InvocationType="Event")
    functions.publish_version(FunctionName="subscribed")
    functions.put_provisioned_concurrency_config(
        FunctionName="subscribed", Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    time.sleep(1)

    assert not proof.exists()


def custom_resource(proof: Path) -> dict[str, Any]:
    code = handler(proof, "python3.11")[1]
    function = {"Runtime": "python3.11", "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": code}}
    maker = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}
    return {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Made": {"Type": "Custom::Made", "Properties": maker},
    }


@pytest.mark.parametrize("resource_type", ["Custom::Made", "AWS::CloudFormation::CustomResource"])
def test_a_custom_resource_fails_its_stack_with_a_reason(stack: Stack, proof: Path, resource_type: str) -> None:
    resources = custom_resource(proof)
    resources["Made"]["Type"] = resource_type

    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"

    reasons = [reason for reason in stack.failures() if "custom resource" in reason]
    assert len(reasons) >= 1
    assert "Made is a custom resource, which a Lambda function would have to make. The lab runs no code" in reasons[0]
    assert "Leave the resource out, or use an AWS account." in reasons[0]
    assert stack.delete() == "DELETE_COMPLETE"
    assert not proof.exists()


def test_a_script_of_glue_does_not_run_and_says_why(client: ClientFactory, proof: Path) -> None:
    s3, glue = client("s3"), client("glue")
    s3.create_bucket(Bucket="scripts-of-glue")
    s3.put_object(Bucket="scripts-of-glue", Key="job.py", Body=f"open({str(proof)!r}, 'w')".encode())
    command = {"Name": "pythonshell", "ScriptLocation": "s3://scripts-of-glue/job.py"}
    glue.create_job(Name="script", Role=ROLE, Command=command)
    run = glue.start_job_run(JobName="script")["JobRunId"]

    patience = time.monotonic() + 180
    while time.monotonic() < patience:
        found = glue.get_job_run(JobName="script", RunId=run)["JobRun"]
        if found["JobRunState"] not in ("STARTING", "RUNNING"):
            break
        time.sleep(0.05)

    assert found["JobRunState"] == "FAILED"
    assert "The lab runs no code" in found["ErrorMessage"]
    assert not proof.exists()


def test_a_resolver_of_appsync_does_not_run_and_says_why(lab: Lab, client: ClientFactory) -> None:
    code = "export function request(ctx) { return {} }\nexport function response(ctx) { return {} }"
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}

    with pytest.raises(ClientError, match="The lab runs no code"):
        client("appsync").evaluate_code(runtime=runtime, code=code, context="{}", function="request")

    assert children(lab) == []
