"""Remove the stack of ``app.py`` from an account, and with it every log file that it recorded.

CloudFormation does not delete a bucket that holds objects. So this stops the trail, empties the log bucket and the
bucket of its access logs (every version of every object) once the user has typed the log bucket's name, and deletes
the stack. What the stack's template says to retain is left alone, and so is any other bucket, unless ``--also`` names
it. A trail or a log bucket that the stack's outputs name and that is not the stack's own ends the command before that.

Run it with ``make destroy`` or ``python -m tools.destroy``. Exit code: 0 done, 1 not confirmed or failed, 2 no such
stack.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from securetrail.printable import printable
from tools.destroy_stack import DestroyError, read_stack

_ATTEMPTS = 3
_POLL_SECONDS = 2.0
_IN_USE = "not empty"
# https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WHEN_LOCKED = (
    " Wait until its retention ends; before that, a lock in GOVERNANCE mode yields to "
    "`aws s3api delete-object --bypass-governance-retention`, one in COMPLIANCE mode to nobody."
)


def stop_logging(cloudtrail: Any, trail_arn: str) -> None:
    """Stop the trail, so that nothing is written into a bucket that is being emptied."""
    try:
        cloudtrail.stop_logging(Name=trail_arn)
    except cloudtrail.exceptions.TrailNotFoundException:
        return  # an earlier run got this far


def access_log_bucket(s3: Any, log_bucket: str) -> str | None:
    """Where S3 logs the access to the log bucket, if anywhere."""
    try:
        logging = s3.get_bucket_logging(Bucket=log_bucket).get("LoggingEnabled", {})
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return None  # an earlier run got this far
        raise
    target: str | None = logging.get("TargetBucket")
    return target


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
            kept = _delete(s3, bucket, versions)
            if kept:
                reason = kept[0].get("Message", kept[0]["Code"])
                hint = _WHEN_LOCKED if "object lock" in reason else ""
                raise DestroyError(f"S3 keeps {kept[0]['Key']!r} in {bucket}: {reason}{hint}")
            deleted += len(versions)
            progress(f"{bucket}: {deleted} object versions deleted")
    except s3.exceptions.NoSuchBucket:
        return 0
    return deleted


def _delete(s3: Any, bucket: str, versions: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Delete versions, together as far as XML has a place for their keys, which is what a request for many is made of.

    :returns: the errors, as in the answer of DeleteObjects.
    """
    errors: list[dict[str, Any]] = []
    together = [version for version in versions if not _NOT_XML.search(version["Key"])]
    if together:
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": together, "Quiet": True})
        errors += answer.get("Errors", [])
    for version in versions:
        if _NOT_XML.search(version["Key"]):
            try:
                s3.delete_object(Bucket=bucket, **version)
            except ClientError as error:
                errors.append({**error.response["Error"], "Key": version["Key"]})
    return errors


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


def destroy(
    session: boto3.Session, endpoint_url: str | None, name: str, *, also: Sequence[str], ask: Callable[[str], str]
) -> None:
    """Everything, in order; asks once, before anything is changed.

    :param also: further buckets of the stack to empty.
    :raises DestroyError: not confirmed, or something could not be removed.
    """
    client: Any = partial(session.client, endpoint_url=endpoint_url)
    cloudformation, s3 = client("cloudformation"), client("s3")
    stack = read_stack(cloudformation, name)
    log_bucket = stack.log_bucket
    wanted = {log_bucket, access_log_bucket(s3, log_bucket), *also}
    emptied = [bucket for bucket in stack.buckets if bucket in wanted]
    account = client("sts").get_caller_identity()["Account"]
    _say(f"Account {account}, region {session.region_name}, stack {name}.")
    _say(f"This stops the trail {stack.trail_arn or '(gone)'} and empties: {', '.join(emptied) or 'no bucket'}")
    for bucket in stack.retained:
        _say(f"Bucket {bucket} stays: the stack retains it.")
    for bucket in sorted(set(stack.buckets) - set(emptied)):
        _say(
            f"Bucket {bucket} is not emptied. If it holds objects, the stack cannot go before --also {bucket} names it."
        )
    if ask(f"Type the log bucket's name ({printable(log_bucket)}) to go on: ").strip() != log_bucket:
        raise DestroyError("That is not the bucket's name. Nothing was changed.")

    if stack.trail_arn:
        stop_logging(client("cloudtrail"), stack.trail_arn)
    _say("Logging is stopped.")
    failure: str | None = None
    for _ in range(_ATTEMPTS):
        for bucket in emptied:
            _say(f"{bucket}: {empty_bucket(s3, bucket, _progress)} object versions deleted.")
        failure = delete_stack(cloudformation, name, _progress)
        # CloudTrail and S3 may deliver a last file after the bucket was emptied; then once more helps.
        if failure is None or _IN_USE not in failure:
            break
    if failure is not None:
        raise DestroyError(f"CloudFormation could not delete the stack: {failure}")
    _say(f"Stack {name} is deleted.")
    if stack.owns_key:
        _say_when_the_key_goes(client("kms"), stack.key_arn)
    else:
        _say(f"Key {stack.key_arn} stays: it is not the stack's.")


def _say_when_the_key_goes(kms: Any, key_arn: str) -> None:
    key = kms.describe_key(KeyId=key_arn)["KeyMetadata"]
    if key["KeyState"] != "PendingDeletion":
        _say(f"Key {key_arn} stays: the stack retains it.")
        return
    _say(f"Key {key_arn} will be deleted on {key['DeletionDate']:%Y-%m-%d %H:%M %Z}. To keep it:")
    key_id = shlex.quote(key["KeyId"])
    _say(f"  aws kms cancel-key-deletion --key-id {key_id} && aws kms enable-key --key-id {key_id}")


def _answers(confirmed: str | None) -> Callable[[str], str]:
    return input if confirmed is None else lambda _question: confirmed


def _say(text: str) -> None:
    print(printable(text), flush=True)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K  {printable(text)}", end="\r", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(prog="python -m tools.destroy", description=__doc__.split("\n\n")[0])
    parser.add_argument("--stack", default="SecureTrail", help="the stack's name (default: %(default)s)")
    parser.add_argument("--region", help="AWS region. Default: the profile's, or AWS_REGION")
    parser.add_argument("--profile", help="a profile of ~/.aws/config")
    parser.add_argument("--endpoint-url", metavar="URL", help="talk to this endpoint instead of AWS")
    parser.add_argument(
        "--also", metavar="BUCKET", action="append", default=[], help="empty this bucket of the stack too (repeatable)"
    )
    parser.add_argument("--confirm", metavar="BUCKET", help="the log bucket's name, for scripts: do not ask")
    arguments = parser.parse_args(argv)
    try:
        session = boto3.Session(
            profile_name=arguments.profile, region_name=arguments.region or os.environ.get("AWS_REGION")
        )
        destroy(session, arguments.endpoint_url, arguments.stack, also=arguments.also, ask=_answers(arguments.confirm))
    except DestroyError as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return error.exit_code
    except (BotoCoreError, ClientError) as error:
        print(printable(f"error: {error}"), file=sys.stderr)
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
