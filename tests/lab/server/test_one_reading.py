"""What is authorized and recorded is what is carried out: no request that MiniStack would read otherwise is served."""

from typing import Any
from urllib.parse import urlencode

import pytest

from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory
from tests.lab.server.signing import FORM, ask, signed

JSON = {"content-type": "application/json"}
CREATE_USER = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": "read-otherwise"}


def call(lab: Lab, service: str, path: str, body: bytes = b"", method: str = "POST", **more: Any) -> tuple[int, bytes]:
    headers = signed(lab, path, service=service, method=method, body=body, **more)
    return ask(lab, path, headers, method, body)


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
    assert [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]] == ["victim"]


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
