"""Remove the lab's stack from an account, and with it every log file that it recorded.

CloudFormation does not delete a bucket that holds objects. So this stops the trail, empties the stack's buckets (every
version of every object) once the user has typed the log bucket's name, and deletes the stack. What the stack's template
says to retain is left alone.

Run it with ``make destroy`` or ``python -m tools.destroy``. Exit code: 0 done, 1 not confirmed or failed, 2 no such
stack.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

_ATTEMPTS = 3
_POLL_SECONDS = 2.0
_IN_USE = "not empty"


class DestroyError(Exception):
    """What keeps the stack from going away, in one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Stack:
    """What the deployed stack is made of.

    :param buckets: the buckets that go away with the stack; those that it retains are not among them.
    """

    name: str
    outputs: dict[str, str]
    buckets: tuple[str, ...]
    retained: tuple[str, ...]


def read_stack(cloudformation: Any, name: str) -> Stack:
    """Look the stack up.

    :raises DestroyError: there is no such stack, or it is not a SecureTrail stack.
    """
    try:
        description = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise DestroyError(f"There is no stack {name!r} here. Check --region, --profile and --stack.", 2) from error
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    missing = {"TrailArn", "LogBucketName", "KeyArn"} - outputs.keys()
    if missing:
        raise DestroyError(f"Stack {name!r} is not a SecureTrail stack: it has no output {sorted(missing)[0]}.", 2)
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    resources = (yaml.safe_load(template) if isinstance(template, str) else template)["Resources"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    deployed = [resource for page in pages for resource in page["StackResourceSummaries"]]
    buckets = {
        resource["PhysicalResourceId"]: resources[resource["LogicalResourceId"]].get("DeletionPolicy", "Delete")
        for resource in deployed
        if resource["ResourceType"] == "AWS::S3::Bucket" and resource["ResourceStatus"] != "DELETE_COMPLETE"
    }
    return Stack(
        name=name,
        outputs=outputs,
        buckets=tuple(bucket for bucket, policy in buckets.items() if policy == "Delete"),
        retained=tuple(bucket for bucket, policy in buckets.items() if policy != "Delete"),
    )


def stop_logging(cloudtrail: Any, trail_arn: str) -> None:
    """Stop the trail, so that nothing is written into a bucket that is being emptied."""
    try:
        cloudtrail.stop_logging(Name=trail_arn)
    except cloudtrail.exceptions.TrailNotFoundException:
        return  # an earlier run got this far


def empty_bucket(s3: Any, bucket: str, progress: Callable[[str], None]) -> int:
    """Delete every version of every object, and every delete marker.

    :returns: how many were deleted.
    :raises DestroyError: S3 kept some; names one and says why.
    """
    deleted = 0
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            ]
            if not versions:
                continue
            kept = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True}).get("Errors", [])
            if kept:
                raise DestroyError(
                    f"S3 keeps {kept[0]['Key']!r} in {bucket}: {kept[0].get('Message', kept[0]['Code'])}"
                )
            deleted += len(versions)
            progress(f"{bucket}: {deleted} object versions deleted")
    except s3.exceptions.NoSuchBucket:
        return 0
    return deleted


def delete_stack(cloudformation: Any, name: str, progress: Callable[[str], None]) -> str | None:
    """Delete the stack and wait.

    :returns: nothing when it is gone, else why CloudFormation could not delete it.
    """
    stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack_id)
    began = time.monotonic()
    while True:
        stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        if stack["StackStatus"] == "DELETE_FAILED":
            events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
            reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "DELETE_FAILED"]
            return str(reasons[-1] if reasons else stack.get("StackStatusReason", "unknown reason"))
        progress(f"{stack['StackStatus']} for {time.monotonic() - began:.0f} s")
        time.sleep(_POLL_SECONDS)


def destroy(session: boto3.Session, endpoint_url: str | None, name: str, *, ask: Callable[[str], str]) -> None:
    """Everything, in order; asks once, before anything is changed.

    :raises DestroyError: not confirmed, or something could not be removed.
    """
    client: Any = partial(session.client, endpoint_url=endpoint_url)
    cloudformation, s3 = client("cloudformation"), client("s3")
    stack = read_stack(cloudformation, name)
    log_bucket = stack.outputs["LogBucketName"]
    print(f"Account {client('sts').get_caller_identity()['Account']}, region {session.region_name}, stack {name}.")
    print(f"This stops the trail {stack.outputs['TrailArn']} and deletes every log file in: {', '.join(stack.buckets)}")
    for bucket in stack.retained:
        print(f"Bucket {bucket} stays: the stack retains it.")
    if ask(f"Type the log bucket's name ({log_bucket}) to go on: ").strip() != log_bucket:
        raise DestroyError("That is not the bucket's name. Nothing was changed.")

    stop_logging(client("cloudtrail"), stack.outputs["TrailArn"])
    print("Logging is stopped.")
    failure: str | None = None
    for _ in range(_ATTEMPTS):
        for bucket in stack.buckets:
            print(f"{bucket}: {empty_bucket(s3, bucket, _progress)} object versions deleted.")
        failure = delete_stack(cloudformation, name, _progress)
        # CloudTrail and S3 may deliver a last file after the bucket was emptied; then once more helps.
        if failure is None or _IN_USE not in failure:
            break
    if failure is not None:
        raise DestroyError(f"CloudFormation could not delete the stack: {failure}")
    print(f"Stack {name} is deleted.")
    _say_when_the_key_goes(client("kms"), stack.outputs["KeyArn"])


def _say_when_the_key_goes(kms: Any, key_arn: str) -> None:
    key = kms.describe_key(KeyId=key_arn)["KeyMetadata"]
    if key["KeyState"] != "PendingDeletion":
        print(f"Key {key_arn} stays: the stack retains it.")
        return
    print(f"Key {key_arn} will be deleted on {key['DeletionDate']:%Y-%m-%d %H:%M %Z}. To keep it:")
    print(f"  aws kms cancel-key-deletion --key-id {key['KeyId']} && aws kms enable-key --key-id {key['KeyId']}")


def _answers(confirmed: str | None) -> Callable[[str], str]:
    return input if confirmed is None else lambda _question: confirmed


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K  {text}", end="\r", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(prog="python -m tools.destroy", description=__doc__.split("\n\n")[0])
    parser.add_argument("--stack", default="SecureTrail", help="the stack's name (default: %(default)s)")
    parser.add_argument("--region", help="AWS region. Default: the profile's, or AWS_REGION")
    parser.add_argument("--profile", help="a profile of ~/.aws/config")
    parser.add_argument("--endpoint-url", metavar="URL", help="talk to this endpoint instead of AWS")
    parser.add_argument("--confirm", metavar="BUCKET", help="the log bucket's name, for scripts: do not ask")
    arguments = parser.parse_args(argv)
    try:
        session = boto3.Session(profile_name=arguments.profile, region_name=arguments.region)
        destroy(session, arguments.endpoint_url, arguments.stack, ask=_answers(arguments.confirm))
    except DestroyError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except (BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except EOFError:
        print("error: No answer. Nothing was changed.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped. Run it again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
