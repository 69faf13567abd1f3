"""The lab runs no uploaded code: functions, scripts and resolvers never become a process.

MiniStack would run it as this user, with all of this user's files in reach, when no Docker is there to confine it.
"""

from typing import Any

from lab.confinement.process import NO_CODE
from lab.errors import LabError
from lab.ministack import cloudformation, execution


def forbid_code_execution() -> None:
    """Makes every known way to run uploaded code an error; `process` is for those that are not known."""
    execution.replace_function_runs(_reject_run)
    cloudformation.replace_custom_resources(_reject_change)


def _reject_run(_function: dict[str, Any], config: dict[str, Any], *_rest: object) -> dict[str, Any]:
    message = f"{NO_CODE}: {config.get('FunctionName')} was not run. Use an AWS account to run it."
    return {"error": True, "body": {"errorType": "Lab.CodeNotRun", "errorMessage": message}}


def _reject_change(
    request_type: str, logical_id: str, *_rest: object, physical_id: str = ""
) -> tuple[str, dict[str, Any]]:
    if request_type == "Delete":  # nothing was made
        return physical_id, {}
    raise LabError(
        f"{logical_id} is a custom resource, which a Lambda function would have to make. {NO_CODE}. "
        "Leave the resource out, or use an AWS account."
    )
