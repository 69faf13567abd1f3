"""What custom resources call at the deployment, also where the template does not tell all of the call."""

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
