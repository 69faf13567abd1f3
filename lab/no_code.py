"""The lab runs nobody's code: what is uploaded to it (functions, scripts, resolvers) never becomes a process.

MiniStack would run it as this user, with all of this user's files in reach, when no Docker is there to confine it.
"""

import sys
from typing import Any

from lab import seams
from lab.errors import LabError

# https://docs.python.org/3/library/audit_events.html
_STARTS = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
)
_REASON = "The lab runs no code, so that nothing uploaded to it can reach this machine's files"


def run_no_code() -> None:
    """Makes every way to run uploaded code an error, and, for any way that is not known, starting a process at all.

    It cannot be undone in this process.
    """
    seams.replace_function_runs(_refuse_run)
    seams.replace_custom_resources(_refuse_change)
    sys.addaudithook(_refuse_process)


def _refuse_process(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _STARTS:
        raise PermissionError(f"{_REASON}. Use an AWS account to run it.")


def _refuse_run(_function: dict[str, Any], config: dict[str, Any], *_rest: object) -> dict[str, Any]:
    message = f"{_REASON}: {config.get('FunctionName')} was not run. Use an AWS account to run it."
    return {"error": True, "body": {"errorType": "Lab.CodeNotRun", "errorMessage": message}}


def _refuse_change(
    request_type: str, logical_id: str, *_rest: object, physical_id: str = ""
) -> tuple[str, dict[str, Any]]:
    if request_type == "Delete":  # nothing was made
        return physical_id, {}
    raise LabError(
        f"{logical_id} is a custom resource, which a Lambda function would have to make. {_REASON}. "
        "Leave the resource out, or use an AWS account."
    )
