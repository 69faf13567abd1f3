"""What EventBridge calls for a rule is recorded: as a role that may or may not, or as the service itself."""

import gzip
import io
import json
import zipfile
from typing import Any

from lab.instance import control, lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.destination import make_bucket
from tests.lab.identities import allow, policy

LOGS = "rule-target-logs"
EVENTS = "events.amazonaws.com"
MACHINE = {"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}


def role(client: ClientFactory, name: str, service: str, **condition: Any) -> str:
    trusts = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition}
    made = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy(trusts))
    return str(made["Role"]["Arn"])


def send(client: ClientFactory, source: str) -> None:
    client("events").put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": "{}"}])


def by_eventbridge(client: ClientFactory, name: str) -> list[dict[str, Any]]:
    """The newest first."""
    by_name = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = client("cloudtrail").lookup_events(LookupAttributes=by_name)["Events"]
    records = (json.loads(each["CloudTrailEvent"]) for each in found)
    return [each for each in records if each["userIdentity"].get("invokedBy") == EVENTS]


def test_a_state_machine_is_started_as_the_role_of_its_target(client: ClientFactory, lab: Lab) -> None:
    runs_as = role(client, "rule-machine", "states.amazonaws.com")
    sfn = client("stepfunctions")
    machine = sfn.create_state_machine(name="of-rule", roleArn=runs_as, definition=json.dumps(MACHINE))[
        "stateMachineArn"
    ]
    pattern = json.dumps({"source": ["test.machine"]})
    rule = client("events").put_rule(Name="to-machine", EventPattern=pattern)["RuleArn"]
    for_rule = {"Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
    starts_as = role(client, "rule-starter", EVENTS, **for_rule)
    client("events").put_targets(Rule="to-machine", Targets=[{"Id": "1", "Arn": machine, "RoleArn": starts_as}])

    send(client, "test.machine")
    (refused,) = by_eventbridge(client, "StartExecution")
    assert (refused["errorCode"], refused["requestParameters"]) == ("AccessDenied", None)
    assert sfn.list_executions(stateMachineArn=machine)["executions"] == []
    status = lifecycle.ask(lab)
    assert status
    assert any(f"cannot start {machine} for the rule to-machine" in each for each in status.warnings)

    starts = policy(allow("states:StartExecution", machine))
    client("iam").put_role_policy(RoleName="rule-starter", PolicyName="p", PolicyDocument=starts)
    send(client, "test.machine")
    started, _ = by_eventbridge(client, "StartExecution")
    assumed, _ = by_eventbridge(client, "AssumeRole")
    (execution,) = sfn.list_executions(stateMachineArn=machine)["executions"]
    assert started["responseElements"]["executionArn"] == execution["executionArn"]
    assert started["requestParameters"]["stateMachineArn"] == machine
    assert (started["sourceIPAddress"], started["userAgent"]) == (EVENTS, EVENTS)
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": EVENTS}
    session = assumed["responseElements"]
    assert started["userIdentity"]["arn"] == session["assumedRoleUser"]["arn"]
    assert started["userIdentity"]["accessKeyId"] == session["credentials"]["accessKeyId"]

    only_others = {"Condition": {"ArnEquals": {"aws:SourceArn": f"{rule}-2"}}}
    trusts = {"Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": "sts:AssumeRole", **only_others}
    client("iam").update_assume_role_policy(RoleName="rule-starter", PolicyDocument=policy(trusts))
    send(client, "test.machine")
    assert len(by_eventbridge(client, "StartExecution")) == 2
    client("events").remove_targets(Rule="to-machine", Ids=["1"])


def test_the_invocation_of_a_function_is_a_data_event_of_the_service(client: ClientFactory, lab: Lab) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("a.py", "def handler(event, context): pass")
    function = client("lambda").create_function(
        FunctionName="of-rule",
        Runtime="python3.12",
        Role=role(client, "rule-function", "lambda.amazonaws.com"),
        Handler="a.handler",
        Code={"ZipFile": archive.getvalue()},
    )["FunctionArn"]
    pattern = json.dumps({"source": ["test.function"]})
    rule = client("events").put_rule(Name="to-function", EventPattern=pattern)["RuleArn"]
    client("events").put_targets(Rule="to-function", Targets=[{"Id": "1", "Arn": function}])
    make_bucket(client("s3"), LOGS)
    client("cloudtrail").create_trail(Name="rule-targets", S3BucketName=LOGS)
    functions = {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": [functions]}
    client("cloudtrail").put_event_selectors(TrailName="rule-targets", EventSelectors=[selector])
    client("cloudtrail").start_logging(Name="rule-targets")

    send(client, "test.function")  # which the function does not allow
    client("lambda").add_permission(
        FunctionName=function, StatementId="a", Action="lambda:InvokeFunction", Principal=EVENTS, SourceArn=rule
    )
    send(client, "test.function")
    control.deliver(lab)

    listed = client("s3").list_objects_v2(Bucket=LOGS, Prefix=f"AWSLogs/{lab.account}/CloudTrail/")["Contents"]
    bodies = [client("s3").get_object(Bucket=LOGS, Key=each["Key"])["Body"].read() for each in listed]
    (record,) = [found for body in bodies for found in json.loads(gzip.decompress(body))["Records"]]
    # The shape of a real one.
    assert set(record) == {
        *("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress"),
        *("userAgent", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID"),
        *("readOnly", "resources", "eventType", "managementEvent", "recipientAccountId", "sharedEventID"),
        "eventCategory",
    }
    assert (record["eventName"], record["eventCategory"], record["readOnly"]) == ("Invoke", "Data", False)
    assert record["userIdentity"] == {"type": "AWSService", "invokedBy": EVENTS}
    assert record["requestParameters"] == {
        "functionName": function,
        "invocationType": "Event",
        "sourceArn": rule,
        "sourceAccount": lab.account,
    }
    assert record["additionalEventData"] == {"functionVersion": f"{function}:$LATEST"}
    client("events").remove_targets(Rule="to-function", Ids=["1"])


def test_what_the_lab_does_not_send_it_says(client: ClientFactory, lab: Lab) -> None:
    client("events").put_rule(Name="to-others", EventPattern=json.dumps({"source": ["test.others"]}))
    cluster, queue = f"arn:aws:ecs:us-east-1:{lab.account}:cluster/c", f"arn:aws:sqs:eu-west-1:{lab.account}:q"
    lets_in = policy({**allow("sqs:SendMessage", queue), "Principal": {"Service": EVENTS}})
    client("sqs", region_name="eu-west-1").create_queue(QueueName="q", Attributes={"Policy": lets_in})
    task = {"TaskDefinitionArn": f"arn:aws:ecs:us-east-1:{lab.account}:task-definition/t:1"}
    machine, starter = f"arn:aws:states:eu-west-1:{lab.account}:stateMachine:m", role(client, "rule-other", EVENTS)
    to_machine = {"Id": "3", "Arn": machine, "RoleArn": starter}
    targets = [{"Id": "1", "Arn": cluster, "EcsParameters": task}, {"Id": "2", "Arn": queue}, to_machine]
    client("events").put_targets(Rule="to-others", Targets=targets)

    send(client, "test.others")

    status = lifecycle.ask(lab)
    assert status
    assert any(f"to {cluster}: the lab sends nothing to targets of ecs" in each for each in status.warnings)
    for each in (queue, machine):
        assert any(f"to {each}: the lab sends nothing to another account or region" in one for one in status.warnings)
    client("events").remove_targets(Rule="to-others", Ids=["1", "2", "3"])
