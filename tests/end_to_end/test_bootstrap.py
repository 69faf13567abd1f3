"""CDK's standard synthesizer in the lab: the real `cdk bootstrap`, then a template too large to go inline."""

import json

import pytest

from tests.end_to_end.test_cdk_cli import Commands, lab_command, unlock

__all__ = ["lab_command"]

LOG_BUCKET = "ch03-cloudtrail-111122223333"
STAGING_BUCKET = "cdk-hnb659fds-assets-111122223333-us-east-1"
INLINE_BYTES = 51_200
LARGE = ("deploy", "--", "-c", "profile=compliance", "-c", "bootstrapped=true")


def roles_assumed(command: Commands) -> set[str]:
    asked = [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    events = command.client("cloudtrail").lookup_events(LookupAttributes=asked)["Events"]
    records = [json.loads(each["CloudTrailEvent"]) for each in events]
    # Before the bootstrap there was none of them to assume.
    return {each["requestParameters"]["roleArn"].rpartition("/")[2] for each in records if "errorCode" not in each}


@pytest.mark.slow
def test_a_large_template_is_deployed_by_way_of_the_bootstrap_bucket_and_destroyed(
    lab_command: Commands,
) -> None:
    unprepared = lab_command(*LARGE)
    assert unprepared.returncode == 1
    assert "This deployment needs a bootstrapped account: python -m lab bootstrap" in unprepared.stderr

    bootstrapped = lab_command("bootstrap")
    assert bootstrapped.returncode == 0, bootstrapped.stderr
    assert "warning: " not in bootstrapped.stderr
    deployed = lab_command("deploy", "--", "--app", str(lab_command.home / "cdk.out"))  # once more, without a synth
    assert deployed.returncode == 0, deployed.stderr

    s3 = lab_command.client("s3")
    (template,) = s3.list_objects_v2(Bucket=STAGING_BUCKET)["Contents"]
    assert template["Size"] > INLINE_BYTES
    assert s3.head_object(Bucket=STAGING_BUCKET, Key=template["Key"])["ServerSideEncryption"] == "aws:kms"
    assert roles_assumed(lab_command) == {
        f"cdk-hnb659fds-{name}-role-111122223333-us-east-1" for name in ("deploy", "file-publishing")
    }

    (rule,) = s3.get_bucket_replication(Bucket=LOG_BUCKET)["ReplicationConfiguration"]["Rules"]
    replica = rule["Destination"]["Bucket"].removeprefix("arn:aws:s3:::")
    unlock(s3, LOG_BUCKET, replica)
    destroyed = lab_command("destroy", "--", "--confirm", LOG_BUCKET, "--also", replica)
    assert destroyed.returncode == 0, destroyed.stderr
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [STAGING_BUCKET]
    assert lab_command.client("cloudtrail").describe_trails()["trailList"] == []
    assert lab_command.client("logs").describe_log_groups()["logGroups"] == []
    assert lab_command.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
