"""What custom resources call at the deployment, also where the template does not tell all of the call."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import custom_resources

from tests.securetrail.review.losses.templates import objections, resource

pytestmark = pytest.mark.regular


def joined(service: str, action: str) -> dict[str, Any]:
    parts = [f'{{"service":"{service}","action":"{action}","parameters":{{"Name":"', {"Fn::Transform": "x"}, '"}}']
    return {"Fn::Join": ["", parts]}


def said(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(each.split(":")[0] for each, _ in objections(before, after))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (joined("CloudTrail", "stopLogging"), ["calls_at_deployment"]),
        (joined("@aws-sdk/client-cloudwatch-logs", "DeleteLogGroupCommand"), ["calls_at_deployment"]),
        (joined("SSM", "getParameter"), []),
        # Which call it is, only the deployment knows.
        ({"Fn::Transform": "x"}, ["calls_at_deployment"]),
        ('{"action": "create"}', ["calls_at_deployment"]),
        # What is not known to read may change anything.
        ('{"service": "SNS", "action": "setSubscriptionAttributes"}', ["calls_at_deployment"]),
        ('{"service": "CloudFormation", "action": "deleteStack"}', ["calls_at_deployment"]),
        ('{"service": "Organizations", "action": "moveAccount"}', ["calls_at_deployment"]),
        ('{"service": "S3", "action": "getObject"}', []),
        ('{"service": "KMS", "action": "describeKey"}', []),
        # As JSON may write it as well.
        ('{"service": "CloudTrail", "\\u0061ction": "stopLogging"}', ["calls_at_deployment"]),
        ('{"service": "@aws-sdk/client-ssm/", "action": "GetParameterCommand"}', []),
        ('{"service": "@aws-sdk/client-cloudtrail/", "action": "StopLoggingCommand"}', ["calls_at_deployment"]),
        ({"service": "CloudTrail", "action": "stopLogging"}, ["calls_at_deployment"]),
        # The last of two counts, and in a text that cannot be resolved nobody knows which is the call's own.
        (
            '{"service": "CloudTrail", "action": "getTrail", "action": "stopLogging"}',
            ["calls_at_deployment"],
        ),
        (
            {
                "Fn::Join": [
                    "",
                    [
                        '{"service":"CloudTrail","action":"stopLogging","parameters":{"action":"getTrail","a":"',
                        {"Fn::Transform": "x"},
                        '"}}',
                    ],
                ]
            },
            ["calls_at_deployment"],
        ),
        ("text of another custom resource", []),
    ],
)
@pytest.mark.parametrize("when", ["Create", "Update", "Delete"])
def test_a_call_that_takes_protection_away_is_objected_to(when: str, given: Any, expected: list[str]) -> None:
    assert said({}, {"More": resource("Custom::More", **{when: given})}) == expected


def test_a_call_that_the_base_makes_as_well_is_not_and_one_about_something_else_is() -> None:
    def stops(name: str) -> dict[str, Any]:
        call = f'{{"service":"CloudTrail","action":"deleteTrail","parameters":{{"Name":"{name}"}}}}'
        return {"More": resource("Custom::AWS", Create=call, InstallLatestAwsSdk="true")}

    assert said(stops("old"), stops("old")) == []
    assert said(stops("old"), stops("audit")) == ["calls_at_deployment"]


def test_cdk_writes_calls_in_this_form() -> None:
    app = cdk.App()
    stack = cdk.Stack(app, "S")
    custom_resources.AwsCustomResource(
        stack,
        "Call",
        on_update=custom_resources.AwsSdkCall(
            service="CloudTrail",
            action="stopLogging",
            parameters={"Name": cdk.Fn.ref("AWS::StackName")},
            physical_resource_id=custom_resources.PhysicalResourceId.of("it"),
        ),
        policy=custom_resources.AwsCustomResourcePolicy.from_sdk_calls(resources=["*"]),
    )
    made = app.synth().get_stack_by_name("S").template["Resources"]
    (call,) = ({"Call": each} for each in made.values() if each["Type"] == "Custom::AWS")

    assert said({}, call) == ["calls_at_deployment"]


SDK = "aws-sdk:cloudtrail"


def machine(*resources: str, **more: Any) -> dict[str, Any]:
    states = {str(n): {"Type": "Task", "Resource": each, "End": True} for n, each in enumerate(resources)}
    return {
        "More": resource("AWS::StepFunctions::StateMachine", DefinitionString=json.dumps({"States": states}), **more)
    }


ROLE = {"StaticValue": {"Values": ["arn:aws:iam::123456789012:role/remediates"]}}
THE_RESOURCE = {"ResourceValue": {"Value": "RESOURCE_ID"}}
ROTATES = "AWSConfigRemediation-EnableKeyRotation"


def by_config(document: Any, *, automatic: Any = True, **parameters: Any) -> dict[str, Any]:
    given = {"TargetId": document, "TargetType": "SSM_DOCUMENT", "ConfigRuleName": "r", "Automatic": automatic}
    return {"More": resource("AWS::Config::RemediationConfiguration", **given, Parameters=parameters)}


def associated(document: str, **parameters: Any) -> dict[str, Any]:
    return {"More": resource("AWS::SSM::Association", Name=document, Parameters=parameters)}


def in_a_window(name: str, kind: str = "RUN_COMMAND", **parameters: Any) -> dict[str, Any]:
    given = {"TaskArn": name, "TaskType": kind, "WindowId": "w", "Priority": 1}
    invocation = {"MaintenanceWindowRunCommandParameters": {"Parameters": parameters}}
    return {"More": resource("AWS::SSM::MaintenanceWindowTask", **given, TaskInvocationParameters=invocation)}


def by_a_rule(to: str, **more: Any) -> dict[str, Any]:
    return {"More": resource("AWS::Events::Rule", Targets=[{"Id": "t", "Arn": f"arn:aws:{to}", **more}])}


def baseline(**given: Any) -> dict[str, Any]:
    return {"More": resource("AWS::SSM::PatchBaseline", Name="b", **given)}


def in_a_pack(**given: Any) -> dict[str, Any]:
    return {"More": resource("AWS::Config::ConformancePack", ConformancePackName="p", **given)}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"More": resource("AWS::Scheduler::Schedule", Target={"Arn": f"arn:aws:scheduler:::{SDK}:stopLogging"})},
            ["calls_at_deployment"],
        ),
        (
            {"More": resource("AWS::Scheduler::Schedule", Target={"Arn": f"arn:aws:scheduler:::{SDK}:getTrail"})},
            [],
        ),
        (machine(f"arn:aws:states:::{SDK}:stopLogging"), ["calls_at_deployment"]),
        (
            machine("${it}", DefinitionSubstitutions={"it": f"arn:aws:states:::{SDK}:deleteTrail"}),
            ["calls_at_deployment"],
        ),
        (
            machine("arn:aws:states:::aws-sdk:${it}:stopLogging", DefinitionSubstitutions={"it": "cloudtrail"}),
            ["calls_at_deployment"],
        ),
        # Of a text that cannot be resolved, what is written there.
        (
            {
                "More": resource(
                    "AWS::StepFunctions::StateMachine",
                    DefinitionString={
                        "Fn::Join": [
                            "",
                            [
                                '{"States":{"A":{"Type":"Task","TimeoutSeconds":',
                                {"Fn::Transform": "x"},
                                ',"Resource":"arn:',
                                {"Ref": "AWS::Partition"},
                                f':states:::{SDK}:stopLogging"}}}}}}',
                            ],
                        ]
                    },
                )
            },
            ["calls_at_deployment"],
        ),
        (machine("arn:aws:states:::aws-sdk:dynamodb:putItem", "arn:aws:states:::lambda:invoke"), []),
        (associated("AWS-RunShellScript"), ["calls_at_deployment"]),
        # A name vouches for nothing: of what it is given, each parameter and value has to be known.
        (associated("AWS-RunPatchBaseline", Operation=["Install"], RebootOption=["NoReboot"]), []),
        (
            associated("AWS-RunPatchBaseline", Operation=["Install"], InstallOverrideList=["https://example.org/l"]),
            ["calls_at_deployment"],
        ),
        (associated("AWS-RunPatchBaseline", BaselineOverride=["b.json"]), ["calls_at_deployment"]),
        (associated("AWS-RunPatchBaseline", Operation={"Fn::Transform": "x"}), ["calls_at_deployment"]),
        (associated("AWS-ConfigureAWSPackage", action=["Install"], name=["AmazonCloudWatchAgent"]), []),
        (
            associated("AWS-ConfigureAWSPackage", action=["Uninstall"], name=["AmazonCloudWatchAgent"]),
            ["calls_at_deployment"],
        ),
        (associated("AWS-ConfigureAWSPackage", action=["Install"], name=["ours"]), ["calls_at_deployment"]),
        (
            associated("AWS-ConfigureAWSPackage", action=["Install"], name=["AmazonCloudWatchAgent"], version=["1.2"]),
            ["calls_at_deployment"],
        ),
        (associated("AWS-ConfigureAWSPackage", action=["Install"], name=["AwsomePackage"]), ["calls_at_deployment"]),
        (associated("AWS-UpdateSSMAgent"), []),
        (associated("AWS-UpdateSSMAgent", version=["2.0.1"], allowDowngrade=["true"]), ["calls_at_deployment"]),
        (associated("AWS-GatherSoftwareInventory", files=["x"]), []),
        (by_config(ROTATES, AutomationAssumeRole=ROLE, KeyId=THE_RESOURCE), []),
        (by_config(ROTATES, KeyId=THE_RESOURCE, automatic="true"), []),
        (by_config(ROTATES, KeyId=THE_RESOURCE, More=ROLE), ["calls_at_deployment"]),
        (by_config("AWSConfigRemediation-EnableKeyRotations", KeyId=THE_RESOURCE), ["calls_at_deployment"]),
        (by_config("AWSConfigRemediation-EnableCloudTrailLogFileValidation", TrailName=THE_RESOURCE), []),
        (by_config("AWS-EnableCloudTrail", S3BucketName=ROLE), ["calls_at_deployment"]),
        (by_config("AWS-EnableCloudTrailKmsEncryption", KMSKeyId=ROLE), ["calls_at_deployment"]),
        (by_config("AWS-EnableS3BucketEncryption", BucketName=THE_RESOURCE), ["calls_at_deployment"]),
        (by_config("AWSConfigRemediation-EncryptSNSTopic", KmsKeyArn=ROLE), ["calls_at_deployment"]),
        (by_config("AWSConfigRemediation-EnforceEC2InstanceIMDSv2"), ["calls_at_deployment"]),
        (by_config("Stop"), ["calls_at_deployment"]),
        (by_config({"Fn::Transform": "x"}), ["calls_at_deployment"]),
        # By its parameters it turns something off as well.
        (by_config("AWS-ConfigureS3BucketVersioning"), ["calls_at_deployment"]),
        (by_config("AWSConfigRemediation-ConfigureS3BucketPublicAccessBlock"), ["calls_at_deployment"]),
        (by_config("Stop", automatic=False), []),
        (by_config("Stop", automatic={"Fn::Transform": "x"}), ["calls_at_deployment"]),
        (in_a_window("AWS-RunShellScript"), ["calls_at_deployment"]),
        (in_a_window("AWS-RunPatchBaseline", Operation=["Scan"], SnapshotId=["{{WINDOW_EXECUTION_ID}}"]), []),
        (in_a_window("AWS-RunPatchBaseline", BaselineOverride=["b.json"]), ["calls_at_deployment"]),
        (in_a_window("arn:aws:lambda:us-east-1:123456789012:function:f", "LAMBDA"), []),
        (by_a_rule("ssm:us-east-1::document/AWS-RunShellScript"), ["calls_at_deployment"]),
        (by_a_rule("ssm:us-east-1:123456789012:automation-definition/Stop:$DEFAULT"), ["calls_at_deployment"]),
        (by_a_rule("lambda:us-east-1:123456789012:function:f"), []),
        (by_a_rule("ssm:us-east-1::document/AWS-RunPatchBaseline", Input='{"Operation": ["Scan"]}'), []),
        # The event says what the parameters are.
        (by_a_rule("ssm:us-east-1::document/AWS-RunPatchBaseline"), ["calls_at_deployment"]),
        # A macro says what it starts.
        ({"More": resource("AWS::Events::Rule", Targets={"Fn::Transform": {"Name": "m"}})}, ["calls_at_deployment"]),
        (
            {"More": resource("AWS::Events::Rule", Targets=[{"Id": "t", "Arn": {"Fn::Transform": {"Name": "m"}}}])},
            ["calls_at_deployment"],
        ),
        ({"More": resource("AWS::Events::Rule", Targets=[{"Id": "t", "Arn": {"Fn::ImportValue": "function"}}])}, []),
        (
            {"More": resource("AWS::Events::Rule", Targets=["arn:aws:ssm:us-east-1::document/AWS-UpdateSSMAgent"])},
            ["calls_at_deployment"],
        ),
        # Whose packages a patch baseline installs.
        (baseline(Sources=[{"Name": "r", "Products": ["*"], "Configuration": "baseurl=x"}]), ["calls_at_deployment"]),
        (baseline(Sources={"Fn::Transform": {"Name": "m"}}), ["calls_at_deployment"]),
        (baseline(), []),
        (baseline(Sources=[]), []),
        # What remediations are in it, and with which parameters, only its body tells.
        (in_a_pack(TemplateBody="Resources: {R: {Type: AWS::Config::ConfigRule}}"), []),
        (
            in_a_pack(TemplateBody="Resources: {R: {Type: AWS::Config::RemediationConfiguration}}"),
            ["calls_at_deployment"],
        ),
        (in_a_pack(TemplateBody='{"Type": "AWS::Config::\\u0052emediationConfiguration"}'), ["calls_at_deployment"]),
        (in_a_pack(TemplateSSMDocumentDetails={"DocumentName": "pack"}), ["calls_at_deployment"]),
        (
            {"More": resource("AWS::SSMIncidents::ResponsePlan", Actions={"Fn::Transform": "x"})},
            ["calls_at_deployment"],
        ),
        (
            {
                "More": resource(
                    "AWS::SSMIncidents::ResponsePlan", Actions=[{"SsmAutomation": {"DocumentName": "Stop"}}]
                )
            },
            ["calls_at_deployment"],
        ),
    ],
)
def test_what_a_schedule_a_machine_and_an_association_call_is_read_too(
    more: dict[str, Any], expected: list[str]
) -> None:
    assert said({}, more) == expected
    assert said(more, more) == []


STARTS = {"Resource": "arn:aws:states:::aws-sdk:ssm:startAutomationExecution", "DocumentName": "stop"}


@pytest.mark.parametrize(
    "runs",
    [
        associated("stop"),
        by_config("stop"),
        {"More": resource("AWS::StepFunctions::StateMachine", DefinitionString=json.dumps({"States": {"A": STARTS}}))},
    ],
    ids=lambda each: str(each["More"]["Type"]),
)
def test_what_a_document_does_counts_where_something_runs_it(runs: dict[str, Any]) -> None:
    def does(command: str, name: str = "stop", **more: Any) -> dict[str, Any]:
        return {"Doc": resource("AWS::SSM::Document", Name=name, Content={"mainSteps": [command, "outer"]}, **more)}

    assert said({**runs, **does("check")}, {**runs, **does("end the trail")}) == ["calls_at_deployment"]
    assert said({**runs, **does("check")}, {**runs, **does("check")}) == []
    # As CDK tags all that an app has.
    assert said({**runs, **does("check")}, {**runs, **does("check", Tags=[{"Key": "team", "Value": "audit"}])}) == []
    # Nothing runs it by itself.
    assert said({**runs, **does("check", "another")}, {**runs, **does("end the trail", "another")}) == []


def retention(days: Any, group: Any = "held") -> dict[str, Any]:
    return {"More": resource("Custom::LogRetention", ServiceToken="t", LogGroupName=group, RetentionInDays=days)}


def test_what_cdk_deletes_by_itself_is_objected_to_where_the_base_has_it() -> None:
    group = {"Group": resource("AWS::Logs::LogGroup", LogGroupName="held", RetentionInDays=365)}
    bucket = {"Kept": resource("AWS::S3::Bucket", BucketName="kept")}
    empties = {"More": resource("Custom::S3AutoDeleteObjects", ServiceToken="t", BucketName={"Ref": "Kept"})}

    assert said(group, group | retention(1)) == ["calls_at_deployment"]
    assert said(group, group | retention(400)) == []
    assert said(group, group | retention(1, "/aws/lambda/other")) == []
    assert said(retention(365), retention("1")) == ["log_group_keeps_events"]
    assert said(retention(365), retention(400)) == []
    assert said(bucket, bucket | empties) == ["calls_at_deployment"]
    assert said({}, bucket | empties) == []


def test_how_long_a_log_group_keeps_events_is_compared_by_its_name_and_not_by_what_sets_it() -> None:
    other = {"Other": retention(1)["More"]}
    given = {"Group": resource("AWS::Logs::LogGroup", LogGroupName="held", RetentionInDays=30)}

    # One that takes the place of another, or stands beside it.
    assert said(retention(365), other) in (["calls_at_deployment"], ["log_group_keeps_events"])
    assert said(retention(365), retention(365) | other) == ["calls_at_deployment"]
    assert said(retention(365), retention(365) | {"Other": retention(400)["More"]}) == []
    assert said(given, given | other) == ["calls_at_deployment"]
    # The one that is there is about another group now.
    assert said(given | retention(1, "another"), given | retention(1)) == ["calls_at_deployment"]
    elsewhere = retention(1)
    elsewhere["More"]["Properties"]["LogGroupRegion"] = "eu-west-1"
    there = retention(365)
    there["More"]["Properties"]["LogGroupRegion"] = "us-west-2"
    assert said(there, there | {"Other": elsewhere["More"]}) == []


@pytest.mark.parametrize(
    "named",
    [
        resource("AWS::Logs::MetricFilter", LogGroupName="held", FilterPattern="", MetricTransformations=[]),
        resource("AWS::Logs::SubscriptionFilter", LogGroupName="held", FilterPattern="", DestinationArn="d"),
        resource(
            "AWS::CloudTrail::Trail",
            S3BucketName="b",
            IsLogging=True,
            CloudWatchLogsLogGroupArn="arn:aws:logs:us-east-1:123456789012:log-group:held:*",
        ),
    ],
    ids=lambda each: str(each["Type"]),
)
def test_of_a_log_group_that_is_only_named_nobody_knows_how_long_it_keeps_events(named: dict[str, Any]) -> None:
    base = {"Named": named}

    assert said(base, base | retention(30)) == ["calls_at_deployment"]
    assert said(base, base | retention(30, "another")) == []
    assert said({}, retention(30, {"Fn::ImportValue": "group"})) == ["calls_at_deployment"]
    # For ever.
    assert said(base, base | retention(None)) == []


def test_a_log_group_that_goes_with_what_sets_its_retention_is_objected_to() -> None:
    destroys = retention(365)
    destroys["More"]["Properties"]["RemovalPolicy"] = "destroy"
    moved = {"More": {**destroys["More"], "Properties": {**destroys["More"]["Properties"], "LogGroupName": "another"}}}

    assert said(destroys, {}) == ["calls_at_deployment"]
    assert said(destroys, moved) == ["calls_at_deployment"]
    assert said(retention(365), {}) == []
    assert said(retention(365), destroys) == ["log_retention_keeps_the_group"]
    assert said(destroys, retention(365)) == []


@pytest.mark.parametrize(
    ("known", "is_own"),
    [
        ("/audit/allowed", False),
        ("arn:aws:ssm:us-east-1:1:parameter/audit/allowed", False),
        ("/audit/", False),
        ("arn:aws:ssm:us-east-1:1:parameter/audit/*", False),
        ("/audit/allowed-by-others", True),
        ("/auditors/", True),
        ("arn:aws:ssm:us-east-1:1:parameter/app/*", True),
    ],
)
def test_a_parameter_counts_that_something_else_names_or_reads_by_its_folder(known: str, is_own: bool) -> None:  # noqa: FBT001 (a case's)
    call = {"service": "SSM", "action": "putParameter", "parameters": {"Name": "/audit/allowed", "Value": "all"}}
    before = {"Known": resource("AWS::Lambda::Function", Environment={"Variables": {"PLACE": known}})}
    writes = {"More": resource("Custom::AWS", ServiceToken="it", Create=json.dumps(call))}

    assert said(before, {**before, **writes}) == ([] if is_own else ["calls_at_deployment"])
