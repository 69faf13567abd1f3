"""examples/hunting.py: its stack in the lab, and its function as a process, with its role and the schedule's event."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from examples import hunting
from lab.instance import control, lifecycle
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from tests.end_to_end.conftest import ROOT
from tests.lab.conftest import make_client
from verify.cli import main

pytestmark = pytest.mark.slow

# What the runtime of Lambda does with the handler's module.
RUN = "import json, sys; from handler import handler; print(json.dumps(handler(json.load(sys.stdin), None)))"
NOT_IN_THE_LAB = ("AWS::Lambda::", "AWS::Events::")


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out")), analytics_reporting=False)
    hunting.build(app)
    return Path(app.synth().directory)


@pytest.fixture(scope="module")
def template(assembly: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / "HuntedTrail.template.json").read_text())
    return found


@pytest.fixture(scope="module")
def image(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds beside packages: of the asset's folder, what its Dockerfile copies."""
    assets = json.loads((assembly / "HuntedTrail.assets.json").read_text())["dockerImages"].values()
    (source,) = (each["source"] for each in assets)
    asset, folder = assembly / source["directory"], tmp_path_factory.mktemp("image")
    for line in (asset / source["dockerFile"]).read_text().splitlines():
        if line.startswith("COPY "):
            _, name, to = line.split()
            target = folder / to.removeprefix("${LAMBDA_TASK_ROOT}/")
            if (asset / name).is_dir():
                shutil.copytree(asset / name, target)
            else:
                shutil.copy(asset / name, target)
    return folder


def resource(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the only resource of a type."""
    (found,) = (each["Properties"] for each in template["Resources"].values() if each["Type"] == kind)
    return dict(found)


def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    document = resource(template, "AWS::IAM::ManagedPolicy")["PolicyDocument"]
    return [
        {**each, "Action": [each["Action"]] if isinstance(each["Action"], str) else each["Action"]}
        for each in document["Statement"]
    ]


def test_the_role_may_do_what_the_hunt_says_that_it_needs_and_what_the_function_does_beside(
    template: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["hunt", "--print-iam-policy"])
    needed = {action for each in json.loads(capsys.readouterr().out)["Statement"] for action in each["Action"]}
    allowed = {action for each in statements(template) for action in each["Action"]}

    beside = {"kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents", "s3:PutObject", "sns:Publish"}
    # What SecureTrail.grant_read gives whoever reads log files, by whatever program.
    readers = {"s3:GetBucketLocation", "s3:GetObjectVersion"}
    assert allowed == needed | beside | readers
    everywhere = {action for each in statements(template) if each["Resource"] == "*" for action in each["Action"]}
    assert everywhere == {
        "cloudtrail:DescribeTrails",
        "cloudtrail:ListPublicKeys",
        "cloudtrail:LookupEvents",
        "ec2:DescribeRegions",
        "organizations:ListAccounts",
    }


def test_the_image_has_no_more_than_it_needs(image: Path) -> None:
    assert {each.name for each in image.iterdir()} == {"requirements.txt", "verify", "handler.py"}
    assert not list(image.rglob("__pycache__"))


def test_a_message_that_is_longer_than_sns_takes_says_that_it_is_cut() -> None:
    handler = runpy.run_path(str(ROOT / hunting.IMAGE / "handler.py"))

    assert handler["_cut"]("é" * 131_072) == "é" * 131_072
    cut = handler["_cut"]("é" * 131_073)
    assert 262_140 < len(cut.encode()) <= 262_144
    assert cut.startswith("éé") and cut.endswith("… This is not all of it: the whole answer is in the function's log.")


class Deployed:
    """The example's stack in a lab, without the function and its schedule; a queue gets what the topic is told."""

    def __init__(self, lab: Lab, template: dict[str, Any], image: Path) -> None:
        self.lab, self.template, self.image = lab, template, image
        resources = {
            name: each for name, each in template["Resources"].items() if not each["Type"].startswith(NOT_IN_THE_LAB)
        }
        (role,) = (name for name, each in resources.items() if each["Type"] == "AWS::IAM::Role")
        function = resource(template, "AWS::Lambda::Function")
        self.outputs: dict[str, str] = {}
        self._deploy(
            {
                "Resources": resources,
                "Parameters": {
                    name: each for name, each in template["Parameters"].items() if name != "BootstrapVersion"
                },
                "Outputs": {
                    name.title().replace("_", ""): {"Value": value}
                    for name, value in (function["Environment"]["Variables"] | {"Role": {"Ref": role}}).items()
                },
            }
        )
        sqs, sns = make_client(lab, "sqs"), make_client(lab, "sns")
        self.queue = sqs.create_queue(QueueName="told")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        send = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{**send, "Resource": arn}]})
        sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=self.outputs["TopicArn"], Protocol="sqs", Endpoint=arn)

    def _deploy(self, template: dict[str, Any]) -> None:
        cloudformation = make_client(self.lab, "cloudformation")
        cloudformation.create_stack(
            StackName="HuntedTrail", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="HuntedTrail", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        (stack,) = cloudformation.describe_stacks(StackName="HuntedTrail")["Stacks"]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def run(self) -> dict[str, Any]:
        """Runs the function's handler as its role, with the event that the schedule sends."""
        control.deliver(self.lab)
        names = resource(self.template, "AWS::Lambda::Function")["Environment"]["Variables"]
        (target,) = resource(self.template, "AWS::Events::Rule")["Targets"]
        done = subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=self.image,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(self.image),
                **lab_variables(self.lab),
                **self.credentials(),
                **{name: self.outputs[name.title().replace("_", "")] for name in names},
            },
            input=target["Input"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    def credentials(self) -> dict[str, str]:
        """Of a session of the function's role; for the lab's learner to assume it, its trust is widened."""
        iam, role = make_client(self.lab, "iam"), self.outputs["Role"]
        principal = {"AWS": f"arn:aws:iam::{self.lab.account}:root", "Service": "lambda.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        iam.update_assume_role_policy(
            RoleName=role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        found = make_client(self.lab, "sts").assume_role(RoleArn=arn, RoleSessionName="Hunt")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    def told(self) -> list[dict[str, str]]:
        """What the topic was told since somebody asked last."""
        sqs = make_client(self.lab, "sqs")
        found = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for each in found:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in found]


@pytest.fixture
def deployed(tmp_path: Path, template: dict[str, Any], image: Path) -> Iterator[Deployed]:
    try:
        yield Deployed(lifecycle.start(tmp_path), template, image)
    finally:
        lifecycle.stop(tmp_path)


def test_each_finding_is_told_once_and_what_could_not_be_looked_at_as_well(deployed: Deployed) -> None:
    iam, lab = make_client(deployed.lab, "iam"), deployed.lab
    iam.create_user(UserName="mallory")
    iam.attach_user_policy(UserName="mallory", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")

    assert deployed.run()["exit_code"] == 1
    (message,) = deployed.told()
    assert message["Subject"].startswith("Hunt in hunted: ")
    assert "HIGH  A user or group gets administrator rights" in message["Message"]
    assert f"arn:aws:iam::{lab.account}:user/learner" in message["Message"]

    # Once more: the trust of the role was changed for the test, and that is all.
    deployed.run()
    assert "administrator rights" not in "".join(each["Message"] for each in deployed.told())

    s3, state = make_client(lab, "s3"), deployed.outputs["StateBucket"]
    known = json.loads(s3.get_object(Bucket=state, Key="hunted.json")["Body"].read())
    assert known["files"] and known["source"]

    # Of a trail that delivers nothing any more, not even the calls of the last hunt, every hour tells.
    make_client(lab, "cloudtrail").stop_logging(Name=deployed.outputs["TrailArn"])
    deployed.run()
    assert "HIGH" in "".join(each["Message"] for each in deployed.told())
    assert deployed.run() == {"exit_code": 3, "findings": 0}
    (message,) = deployed.told()
    assert message["Subject"] == "Hunt in hunted: not everything was looked at"
    assert "Not known: No event was among what was read" in message["Message"]

    s3.put_object(Bucket=state, Key="hunted.json", Body=b"no state")
    with pytest.raises(AssertionError, match=r"RuntimeError: The hunt ended with 2: .*is not a state file"):
        deployed.run()
