"""What a state machine does, its role must be allowed to do, and CloudTrail records as the role's."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.identities import allow, make_user, policy, refused
from tests.lab.signing import ask, signed

ACCOUNT = "111122223333"
TRUST = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
CONFIG = Config(proxies={}, retries={"total_max_attempts": 1}, inject_host_prefix=False)
# Runs the state machine of these states by a role, and gives how that ended.
Run = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def roles(client: ClientFactory) -> dict[str, str]:
    """By what they may do: everything, nothing that a state does, and everything but for another service."""
    iam, found = client("iam"), {}
    for name, trust, action in (
        ("all", TRUST, "*"),
        ("none", TRUST, "cloudwatch:*"),
        ("other", {**TRUST, "Principal": {"Service": "lambda.amazonaws.com"}}, "*"),
    ):
        role = iam.create_role(RoleName=f"machine-{name}", AssumeRolePolicyDocument=policy(trust))["Role"]
        iam.put_role_policy(RoleName=f"machine-{name}", PolicyName="p", PolicyDocument=policy(allow(action)))
        found[name] = role["Arn"]
    return found


@pytest.fixture(scope="module")
def run(lab: Lab, client: ClientFactory, roles: dict[str, str]) -> Run:
    client("sqs").create_queue(QueueName="of-machines")
    client("sns").create_topic(Name="of-machines")
    client("s3").create_bucket(Bucket="of-machines")
    client("s3").put_object(Bucket="of-machines", Key="items.json", Body=b"[1, 2]")
    client("dynamodb").create_table(
        TableName="of-machines",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    client("stepfunctions").create_state_machine(name="inner", definition=json.dumps(inner), roleArn=roles["all"])
    # Who starts them may do nothing but that.
    starter = make_user(lab, "starts-machines", allow(["states:*", "iam:PassRole"]))
    states = starter.client("stepfunctions", config=CONFIG)
    count = 0

    def run(role: str, state: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        count += 1
        definition = json.dumps({"StartAt": "S", "States": {"S": {**state, "End": True}}})
        made = states.create_state_machine(name=f"machine-{count}", definition=definition, roleArn=roles[role])
        found: dict[str, Any] = states.start_sync_execution(stateMachineArn=made["stateMachineArn"])
        return found

    return run


def task(resource: str, **parameters: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}


ARN = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:inner"
QUEUE, TOPIC = f"http://127.0.0.1/{ACCOUNT}/of-machines", f"arn:aws:sns:us-east-1:{ACCOUNT}:of-machines"
ITEM = {"k": {"S": "v"}}
IN_MAP = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}


def reader(operation: str, **parameters: str) -> dict[str, Any]:
    found = {"Resource": f"arn:aws:states:::s3:{operation}", "Parameters": {"Bucket": "of-machines", **parameters}}
    return {"Type": "Map", "ItemReader": {**found, "ReaderConfig": {"InputType": "JSON"}}, "ItemProcessor": IN_MAP}


USER = task("aws-sdk:iam:createUser", UserName="by-a-machine")
CALLS = {
    "CreateUser": USER,
    "CreateSecret": task("aws-sdk:secretsmanager:createSecret", Name="by-a-machine", SecretString="s"),
    "CreateBucket": task("aws-sdk:s3:createBucket", Bucket="by-a-machine"),
    "CreateSecurityGroup": task("aws-sdk:ec2:createSecurityGroup", GroupName="by-a-machine", Description="d"),
    "SendMessage": task("sqs:sendMessage", QueueUrl=QUEUE, MessageBody={"a": 1}),
    "Publish": task("sns:publish", TopicArn=TOPIC, Message="m"),
    "PutEvents": task("events:putEvents", Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}]),
    "PutItem": task("dynamodb:putItem", TableName="of-machines", Item=ITEM),
    "GetItem": task("dynamodb:getItem", TableName="of-machines", Key=ITEM),
    "StartExecution": task("states:startExecution", StateMachineArn=ARN, Input={}),
    "StartExecution, waiting": task("states:startExecution.sync:2", StateMachineArn=ARN),
    "in a branch": {"Type": "Parallel", "Branches": [{"StartAt": "U", "States": {"U": {**USER, "End": True}}}]},
    "GetObject": reader("getObject", Key="items.json"),
    "ListObjects": reader("listObjectsV2", Prefix="items"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_state_machine_does_what_its_role_may_do(run: Run, name: str) -> None:
    for role in ("none", "other"):
        found = run(role, CALLS[name])
        assert found["status"] == "FAILED"
        assert any(each in found["cause"] for each in ("is not authorized to perform", "cannot assume", "HTTP 40"))
    done = run("all", CALLS[name])
    # Who may make a user once, may not make it again.
    assert done["status"] == "SUCCEEDED" or "already exists" in done["cause"], done


def test_its_calls_are_recorded_as_its_roles(run: Run, client: ClientFactory, roles: dict[str, str]) -> None:
    for role in ("all", "none"):
        run(role, task("aws-sdk:iam:createUser", UserName=f"recorded-{role}"))
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
    events = client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    refusal, made = (json.loads(each["CloudTrailEvent"]) for each in events[:2])

    assert (refusal["errorCode"], made.get("errorCode")) == ("AccessDenied", None)
    assert made["requestParameters"] == {"userName": "recorded-all"}
    identity = made["userIdentity"]
    assert identity["arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/machine-all/")
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == roles["all"]
    assert identity["invokedBy"] == made["sourceIPAddress"] == made["userAgent"] == "states.amazonaws.com"
    assert refused(client("iam").get_user, UserName="recorded-none") == "NoSuchEntity"


def test_a_state_that_is_tested_has_the_role_that_is_given(
    lab: Lab, client: ClientFactory, roles: dict[str, str]
) -> None:
    tester = make_user(lab, "tests-states", allow(["states:*", "iam:PassRole"]))
    states = tester.client("stepfunctions", config=CONFIG)
    definition = json.dumps({**task("aws-sdk:iam:createUser", UserName="tested"), "End": True})

    assert states.test_state(definition=definition, roleArn=roles["none"])["status"] == "FAILED"
    assert refused(client("iam").get_user, UserName="tested") == "NoSuchEntity"


def test_no_parameter_of_another_call_hides_in_one(run: Run) -> None:
    found = run("all", task("aws-sdk:iam:listUsers", UserName="x"))

    assert (found["status"], "is not recognized" in found["cause"]) == ("FAILED", True)


def test_a_member_that_a_call_does_not_have_counts_for_no_machine(run: Run, client: ClientFactory) -> None:
    """MiniStack takes this one for `WorkGroup`, which neither the role's policies nor the record would show."""
    athena = client("athena")
    athena.create_work_group(Name="of-machines")
    athena.create_prepared_statement(StatementName="s", WorkGroup="of-machines", QueryStatement="SELECT 1")

    run("all", task("aws-sdk:athena:deletePreparedStatement", WorkGroupName="of-machines", StatementName="s"))

    assert len(athena.list_prepared_statements(WorkGroup="of-machines")["PreparedStatements"]) == 1


def test_an_access_point_lets_no_machine_in(run: Run, lab: Lab) -> None:
    path = "/v20180820/accesspoint/of-machines"
    body = b'<CreateAccessPointRequest xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">'
    body += b"<Bucket>of-machines</Bucket></CreateAccessPointRequest>"
    made = signed(lab, path, method="PUT", body=body, headers={"x-amz-account-id": ACCOUNT})
    alias = ask(lab, path, made, "PUT", body)[1].decode().partition("<Alias>")[2].partition("<")[0]

    assert alias
    assert run("all", reader("getObject", Key="items.json", Bucket=alias))["status"] == "FAILED"
