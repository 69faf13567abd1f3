"""What AWS Lambda runs for ``examples/hunting.py``: one hunt in the files that were delivered since the last one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT_CHARACTERS = 100
_MESSAGE_BYTES = 262_144
_CUT = "\n… This is not all of it: the whole answer is in the function's log."
_STATE = "hunted.json"


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Hunt once, tell the topic what was found or could not be looked at, and keep what was hunted in.

    What is kept is written last: what nobody was told of is found again.

    :param event: what the schedule sends: ``options`` has more options of ``python -m verify hunt``, as ``--without``.
    :returns: the exit code of the hunt, and how many findings there are. The whole answer is in the function's log.
    :raises RuntimeError: it did not come to an answer. Lambda then tries twice more, and tells the topic in the end.
    """
    s3 = boto3.client("s3")
    bucket = os.environ["STATE_BUCKET"]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / _STATE
        _fetch(s3, bucket, state)
        command = [sys.executable, "-m", "verify", "hunt", "--format", "json", "--since-last", "--state", str(state)]
        command += ["--trail", os.environ["TRAIL_ARN"], *event.get("options", [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        sys.stdout.write(f"{done.stdout}\n{done.stderr}\n")  # goes to the function's log
        found = json.loads(done.stdout) if done.returncode in (0, 1, 3) else {}
        if "findings" not in found:
            raise RuntimeError(f"The hunt ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-1000:]}")
        lines = list(_told(found))
        if lines:
            worst = f"{len(found['findings'])} findings" if found["findings"] else "not everything was looked at"
            boto3.client("sns").publish(
                TopicArn=os.environ["TOPIC_ARN"],
                Subject=f"Hunt in {os.environ['TRAIL_ARN'].rpartition('/')[2]}: {worst}"[:_SUBJECT_CHARACTERS],
                Message=_cut("\n".join(lines)),
            )
        s3.put_object(Bucket=bucket, Key=_STATE, Body=state.read_bytes())
    return {"exit_code": done.returncode, "findings": len(found["findings"])}


def _fetch(s3: Any, bucket: str, state: Path) -> None:
    """What was hunted in before; nothing, before the first hunt."""
    try:
        content = s3.get_object(Bucket=bucket, Key=_STATE)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return
    state.touch(mode=0o600)
    state.write_bytes(content)


def _cut(message: str) -> str:
    """As much as SNS takes; what is left out is said."""
    content = message.encode()
    if len(content) <= _MESSAGE_BYTES:
        return message
    return content[: _MESSAGE_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT


def _told(found: dict[str, Any]) -> Iterator[str]:
    """The message, in lines; none if files were delivered, all of them were looked at, and nothing was found.

    The hunt's own calls are delivered before the next one: an hour without a file is told, too.
    Rules whose events the trail does not record are in the log: they are the same each time.
    """
    for each in found["findings"]:
        where = ", ".join((*each["addresses"], *each["regions"])) or "unknown"
        yield f"{each['first']}  {each['severity'].upper()}  {each['rule']}"
        yield f"  who     {each['actor'] or each['principal']}"
        yield f"  where   {where}"
        yield f"  events  {', '.join(each['event_ids'][:5])}"
        yield f"  dig on  {each['query']}"
    basis = found["basis"]
    yield from (f"Not known: {why}" for why in (*found["holes"], *basis["holes"]))
    yield from (f"Not read: {each['file']}: {each['why']}" for each in basis["unread"])
    counts = {
        "more files": basis["unread_files"] - len(basis["unread"]),
        "records": basis["unreadable_records"],
        "records as they are": basis["replaced_records"],
    }
    yield from (f"Not read: {count:,} {what}" for what, count in counts.items() if count)
    yield from (f"Rule that cannot run: {each['rule']}: {each['why']}" for each in found["rules_not_run"])
