"""What a failed deployment says about why."""

import uuid
from datetime import UTC, datetime, timedelta

from lab.cli.failed_stacks import reasons
from lab.instance.folder import Lab
from tests.lab.conftest import Stack, make_client


def test_a_taken_name_and_a_refused_trail_are_named(lab: Lab, stack: Stack) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    taken = f"taken-{uuid.uuid4().hex[:10]}"
    make_client(lab, "s3").create_bucket(Bucket=taken)

    state = stack.deploy({"Logs": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": taken}}})
    [reason] = reasons(lab, [("another", "CREATE_COMPLETE"), (stack.name, state)], began)

    assert reason.startswith("Logs (AWS::S3::Bucket): ")
    assert f"'{taken}' already exists" in reason
    assert reasons(lab, [(stack.name, state)], datetime.now(UTC) + timedelta(seconds=1)) == []


def test_a_part_that_could_not_be_made_is_named(lab: Lab, stack: Stack) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    bucket = f"missing-{uuid.uuid4().hex[:10]}"

    state = stack.deploy(
        {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"S3BucketName": bucket, "IsLogging": True}}}
    )
    [reason] = reasons(lab, [(stack.name, state)], began)

    assert reason.startswith("Trail (AWS::CloudTrail::Trail): ")
    assert bucket in reason
