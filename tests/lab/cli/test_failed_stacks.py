"""What a failed deployment says about why."""

import uuid
from datetime import UTC, datetime, timedelta

from lab.cli.failed_stacks import reasons
from lab.instance.folder import Lab
from lab.instance.lifecycle import Stack as StackStatus
from lab.instance.lifecycle import ask
from tests.lab.conftest import Stack, make_client


def found(lab: Lab, stack: Stack, state: str, region: str = "") -> StackStatus:
    return StackStatus(stack.name, state, lab.account, region or lab.region)


def test_a_taken_name_and_a_refused_trail_are_named(lab: Lab, stack: Stack) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    taken = f"taken-{uuid.uuid4().hex[:10]}"
    make_client(lab, "s3").create_bucket(Bucket=taken)

    state = stack.deploy({"Logs": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": taken}}})
    another = StackStatus("another", "CREATE_COMPLETE", lab.account, lab.region)
    [reason] = reasons(lab, [another, found(lab, stack, state)], began)

    assert reason.startswith("Logs (AWS::S3::Bucket): ")
    assert f"'{taken}' already exists" in reason
    assert reasons(lab, [found(lab, stack, state)], datetime.now(UTC) + timedelta(seconds=1)) == []


def test_a_part_that_could_not_be_made_is_named(lab: Lab, stack: Stack) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    bucket = f"missing-{uuid.uuid4().hex[:10]}"

    state = stack.deploy(
        {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"S3BucketName": bucket, "IsLogging": True}}}
    )
    [reason] = reasons(lab, [found(lab, stack, state)], began)

    assert reason.startswith("Trail (AWS::CloudTrail::Trail): ")
    assert bucket in reason


def test_a_stack_in_another_region_is_asked_there(lab: Lab) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    stack = Stack(make_client(lab, "cloudformation", region_name="eu-west-1"))
    bucket = f"missing-{uuid.uuid4().hex[:10]}"
    trail = {"Type": "AWS::CloudTrail::Trail", "Properties": {"S3BucketName": bucket, "IsLogging": True}}
    state = stack.deploy({"Trail": trail})

    [reason] = reasons(lab, [found(lab, stack, state, "eu-west-1")], began)
    assert bucket in reason
    other = StackStatus(stack.name, state, "444455556666", "eu-west-1")
    assert reasons(lab, [other], began) == []
    status = ask(lab)
    assert status
    assert StackStatus(stack.name, state, lab.account, "eu-west-1") in status.stacks
