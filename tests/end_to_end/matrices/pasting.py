"""What a fix does when it is pasted, and what of the account is another thing afterwards."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from awscli.clidriver import create_clidriver

from tests.end_to_end.conftest import Account

Snapshot = dict[str, str]


def paste(command: str) -> None:
    """Run a printed command, as a shell does; a plain ``aws … && aws …`` in this process, for a shell takes long."""
    words = list(shlex.shlex(command, posix=True, punctuation_chars="&|;<>()"))
    plain = shlex.split(command, comments=True)
    if set("$`|;<>()") & set("".join(word for word in words if not word.isalnum()) if "$(" in command else ""):
        _run_in_bash(command)
        return
    calls: list[list[str]] = [[]]
    for word in plain:
        if word == "&&":
            calls.append([])
        else:
            calls[-1].append(word)
    for call in calls:
        assert call[0] == "aws", command
        told = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            code = create_clidriver().main(call[1:])
        assert code == 0, f"{command}: {told.getvalue()}"


def _run_in_bash(command: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", command], env=environment, text=True, capture_output=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), command


def snapshot(account: Account) -> Snapshot:
    """Everything about trail, key and buckets that a call can change: what it is → its value, or why there is none."""
    s3, kms, cloudtrail = (account.client(name) for name in ("s3", "kms", "cloudtrail"))
    found: Snapshot = {}

    def note(what: str, question: Callable[..., Any], **parameters: Any) -> Any:
        try:
            answer = question(**parameters)
            answer.pop("ResponseMetadata", None)
        except (s3.exceptions.ClientError, kms.exceptions.ClientError) as error:
            answer = error.response["Error"]["Code"]
        found[what] = json.dumps(answer, default=str, sort_keys=True)
        return answer

    for trail in note("trails", cloudtrail.describe_trails)["trailList"]:
        note(f"trail {trail['Name']} selectors", cloudtrail.get_event_selectors, TrailName=trail["TrailARN"])
        is_logging = cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]
        found[f"trail {trail['Name']} logging"] = str(is_logging)
    for group in account.client("logs").describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        note(
            f"log group {name} subscriptions",
            account.client("logs").describe_subscription_filters,
            logGroupName=name,
        )
    aliases = note("aliases", kms.list_aliases)["Aliases"]
    # Times of the last change are no settings.
    found["aliases"] = json.dumps(sorted((each["AliasName"], each.get("TargetKeyId", "")) for each in aliases))
    for key in kms.list_keys()["Keys"]:
        name = f"key {key['KeyId']}"
        note(f"{name} metadata", kms.describe_key, KeyId=key["KeyId"])
        note(f"{name} policy", kms.get_key_policy, KeyId=key["KeyId"], PolicyName="default")
        note(f"{name} rotation", kms.get_key_rotation_status, KeyId=key["KeyId"])
        note(f"{name} grants", kms.list_grants, KeyId=key["KeyId"])
    for bucket in s3.list_buckets()["Buckets"]:
        for what in (
            *("policy", "acl", "encryption", "versioning", "ownership_controls", "logging", "request_payment"),
            *("lifecycle_configuration", "notification_configuration", "replication", "tagging", "cors", "website"),
        ):
            name = bucket["Name"]
            note(f"bucket {name} {what}", getattr(s3, f"get_bucket_{what}"), Bucket=name)
        note(f"bucket {name} public access block", s3.get_public_access_block, Bucket=name)
        note(f"bucket {name} object lock", s3.get_object_lock_configuration, Bucket=name)
    return found


def changed(before: Snapshot, after: Snapshot) -> set[str]:
    """What is another thing, or is there only once."""
    return {what for what in before.keys() | after.keys() if before.get(what) != after.get(what)}
