"""The names by which SDKs call services in X-Amz-Target: botocore's, and the shorter ones of Smithy's models."""

import pytest

from lab.protocol import catalogue
from lab.protocol.decode import decode
from lab.protocol.request import Request
from lab.records.names import event_source

TARGETED = [each for each in catalogue.services() if each.target_prefix]


def scope(signing_name: str) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=K/20270101/us-east-1/{signing_name}/aws4_request, SignedHeaders=host, Signature=x"
    )


@pytest.mark.slow
@pytest.mark.parametrize("is_short", [False, True])
def test_every_operation_of_every_service_with_a_target_is_decoded(is_short: bool) -> None:  # noqa: FBT001
    wrong = []
    for service in TARGETED:
        prefix = service.target_prefix.rpartition(".")[2] if is_short else service.target_prefix
        source = event_source(service.name)  # two services of Timestream share names
        headers = {"authorization": scope(service.signing_name), "content-type": "application/x-amz-json-1.1"}
        for operation in catalogue.service_model(service.name).operation_names:
            call = decode(Request("POST", "/", "", {**headers, "x-amz-target": f"{prefix}.{operation}"}, b"{}"))
            if call is None or (call.operation.name, event_source(call.service)) != (operation, source):
                wrong.append((service.name, operation, call and call.service))

    assert wrong == []


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-amz-json-1.0",
        "application/x-amz-json-1.1",
        "application/x-amz-json-1.1; charset=UTF-8",
        "application/json",
        "",
    ],
)
@pytest.mark.parametrize("prefix", ["CloudTrail_20131101", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"])
def test_the_call_that_stops_logging_is_decoded_in_every_form(prefix: str, content_type: str) -> None:
    headers = {"authorization": scope("cloudtrail"), "content-type": content_type}
    call = decode(Request("POST", "/", "", {**headers, "x-amz-target": f"{prefix}.StopLogging"}, b'{"Name":"t"}'))

    assert call is not None
    assert (call.service, call.operation.name, call.parameters) == ("cloudtrail", "StopLogging", {"Name": "t"})
