"""`verify hunt` over what the lab delivers: each attack is one incident among ordinary days, and those are none."""

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.instance import control, lifecycle
from lab.instance.environment import lab_variables
from lab.instance.folder import Lab
from lab.scenarios.answers import saved
from lab.scenarios.run import HUNTS, Size, scenario
from lab.settings import Settings
from tests.aws_environment import use_clean_aws_environment
from tests.end_to_end.conftest import ROOT
from tests.end_to_end.deployment.test_cdk_cli import Commands
from tests.lab.scenarios.recorded import record_everything
from tests.programs import THIS_PYTHON
from verify.cli import main
from verify.hunt.finding import at_least

pytestmark = pytest.mark.slow

TRAIL, BUCKET = "everything", "everything-is-recorded"
EVENTS = 50_000
DAYS = 2
# An application as teams deploy it: roles and policies, queues, functions, tables, keys, instances and their network.
BUSY = """
import aws_cdk as cdk
from aws_cdk import (
    aws_cloudwatch, aws_dynamodb, aws_ec2, aws_events, aws_events_targets, aws_iam, aws_kms, aws_lambda, aws_logs,
    aws_s3, aws_secretsmanager, aws_sns, aws_sqs, aws_ssm,
)
app = cdk.App()
stack = cdk.Stack(app, "Shop")
key = aws_kms.Key(stack, "Key", enable_key_rotation=True)
bucket = aws_s3.Bucket(stack, "Files", encryption_key=key, enforce_ssl=True, versioned=True)
table = aws_dynamodb.Table(
    stack, "Orders", partition_key=aws_dynamodb.Attribute(name="id", type=aws_dynamodb.AttributeType.STRING)
)
topic, queue = aws_sns.Topic(stack, "Alerts"), aws_sqs.Queue(stack, "Jobs", encryption_master_key=key)
function = aws_lambda.Function(
    stack, "Worker", runtime=aws_lambda.Runtime.PYTHON_3_13, handler="index.handler",
    code=aws_lambda.Code.from_inline("def handler(event, context): return 1"),
)
for grant in (bucket.grant_read_write, table.grant_read_write_data, queue.grant_consume_messages):
    grant(function)
aws_events.Rule(
    stack, "Nightly", schedule=aws_events.Schedule.rate(cdk.Duration.days(1)),
    targets=[aws_events_targets.LambdaFunction(function)],
)
aws_logs.LogGroup(stack, "Log", retention=aws_logs.RetentionDays.ONE_MONTH)
aws_cloudwatch.Alarm(
    stack, "Errors", metric=function.metric_errors(), threshold=1, evaluation_periods=1,
)
aws_ssm.StringParameter(stack, "Version", string_value="1")
aws_secretsmanager.Secret(stack, "Password")
network = aws_ec2.Vpc(stack, "Network", max_azs=2, nat_gateways=0, restrict_default_security_group=False)
web = aws_ec2.SecurityGroup(stack, "Web", vpc=network)
web.add_ingress_rule(aws_ec2.Peer.any_ipv4(), aws_ec2.Port.tcp(443))
administrator = aws_iam.Role(
    stack, "Administrator", assumed_by=aws_iam.AccountRootPrincipal(),
    managed_policies=[aws_iam.ManagedPolicy.from_aws_managed_policy_name("AdministratorAccess")],
)
aws_iam.User(stack, "Robot").attach_inline_policy(
    aws_iam.Policy(stack, "May", statements=[aws_iam.PolicyStatement(actions=["s3:*"], resources=["*"])])
)
app.synth()
"""
Hunt = Callable[[Lab], dict[str, Any]]


@contextmanager
def lab_in_the_past(home: Path) -> Iterator[Lab]:
    """A lab two days ago, with a trail of all regions and of the objects in all buckets."""
    try:
        lab = lifecycle.start(home, settings=Settings(digest_seconds=3600, behind_seconds=DAYS * 24 * 3600))
        record_everything(lab, TRAIL, BUCKET)
        yield lab
    finally:
        lifecycle.stop(home)


@pytest.fixture
def hunt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hunt:
    """Hunts in all log files of the trail, and gives what JSON says of it."""

    def run(lab: Lab) -> dict[str, Any]:
        control.deliver(lab)
        use_clean_aws_environment(monkeypatch, **lab_variables(lab))
        capsys.readouterr()
        main(["hunt", "--trail", TRAIL, "--since", f"{DAYS + 1}d", "--format", "json"])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert found["holes"] == found["rules_not_run"] == [], found
        return found

    return run


def grave(found: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [each for each in found[what] if at_least(each["severity"], "medium")]


@pytest.mark.parametrize("name", HUNTS)
def test_an_attack_among_fifty_thousand_events_is_one_incident_of_its_principal_and_address(
    name: str, tmp_path: Path, hunt: Hunt
) -> None:
    with lab_in_the_past(tmp_path) as lab:
        list(scenario(lab, name, Size(events=EVENTS, seed=1901)))
        facts = {fact.name: fact.value for fact in saved.read(lab)[name].facts}
        found = hunt(lab)

    assert found["basis"]["events"] > EVENTS
    incidents = grave(found, "incidents")
    assert len(incidents) == 1, [
        (each["principals"], [found["findings"][at]["rule"] for at in each["findings"]]) for each in incidents
    ]
    (incident,) = incidents
    who = facts["user"] if "user" in facts else facts["role"]
    assert [each for each in incident["principals"] if who in each.split("/")], incident
    assert facts["address"] in incident["addresses"]


def test_ordinary_days_and_busy_deployments_give_no_finding_of_medium_or_above(tmp_path: Path, hunt: Hunt) -> None:
    command = Commands(tmp_path / "lab")
    example = f"env PYTHONPATH={shlex.quote(str(ROOT))} CDK_VALIDATION=false {THIS_PYTHON} -m examples."
    app = tmp_path / "busy.py"
    app.write_text(BUSY)
    with lab_in_the_past(tmp_path / "lab") as lab:
        for arguments in (
            ("bootstrap",),
            ("deploy",),
            # The same stack as auditors want it: the trail, its bucket and its key change.
            ("deploy", "--", "-c", "profile=compliance", "-c", "bootstrapped=true"),
            ("deploy", "--", "--all", "--app", f"{example}bring_your_own"),
            ("deploy", "--", "--app", f"env PYTHONPATH={shlex.quote(str(ROOT))} {THIS_PYTHON} {app}"),
        ):
            done = command(*arguments)
            assert done.returncode == 0, done.stderr
        list(scenario(lab, "noise", Size(events=EVENTS, days=DAYS, seed=1902)))
        found = hunt(lab)

    assert found["basis"]["events"] > EVENTS
    assert grave(found, "findings") == []
