"""Which steps of GitHub's workflows a change removes, weakens or skips, and which permissions it adds.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.objections import Objection

_PINNED: Final = re.compile(r"(?P<action>[^@]+)@(?P<version>.+)", re.DOTALL)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_UNCHECKED: Final = "A change that this step stops goes through."
_STOPPING: Final = ("if", "continue-on-error", "shell", "working-directory", "env", "with")
_JOB: Final = ("if", "continue-on-error", "runs-on", "container", "strategy", "env", "defaults")


def weaker_workflows(base: Mapping[str, str], head: Mapping[str, str]) -> tuple[Objection, ...]:
    """What workflows of the base do not do any more.

    :param base: the texts of the base's workflow files that the change touches, by path; likewise ``head``.
    """
    found: list[Objection] = []
    for path, text in base.items():
        before = _workflow(text)
        after = _workflow(head[path]) if path in head else None
        if before is None:
            continue
        if path not in head:
            found.append(Objection("workflow_removed", path, "The workflow is gone.", _UNCHECKED))
        elif after is None:
            found.append(Objection("workflow_removed", path, "The workflow cannot be read.", _UNCHECKED))
        else:
            found += _weaker(path, before, after)
    return tuple(found)


def _weaker(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Objection]:
    # YAML 1.1 reads `on` as a truth value.
    triggers = _triggers(before), _triggers(after)
    for trigger in sorted({*triggers[0]}):
        if triggers[1].get(trigger, "gone") != triggers[0][trigger]:
            what = "is gone" if trigger not in triggers[1] else "has other conditions"
            yield Objection("workflow_trigger", f"{path}: {trigger}", f"The trigger {trigger} {what}.", _UNCHECKED)
    yield from _wider(path, "the workflow", before.get("permissions"), after.get("permissions"))
    for name, job in (before.get("jobs") or {}).items():
        here = f"{path}: {name}"
        now = (after.get("jobs") or {}).get(name)
        if not isinstance(now, Mapping):
            yield Objection("job_removed", here, f"The job {name} is gone.", _UNCHECKED)
            continue
        for key in _JOB:
            if job.get(key) != now.get(key):
                yield Objection("job_changed", f"{here}: {key}", f"{key} of the job {name} is another one.", _UNCHECKED)
        yield from _wider(path, f"the job {name}", job.get("permissions"), now.get("permissions"))
        yield from _steps(here, job.get("steps") or [], now.get("steps") or [])
    for name in sorted({*(after.get("jobs") or {})} - {*(before.get("jobs") or {})}):
        yield from _wider(path, f"the new job {name}", {}, after["jobs"][name].get("permissions"))


def _steps(here: str, before: list[Any], after: list[Any]) -> Iterator[Objection]:
    left = [*after]
    position = 0
    for step in before:
        called = _called(step)
        places = [index for index, each in enumerate(left) if _called(each) == called]
        if not places:
            yield Objection(
                "step_removed", f"{here}: {called}", f"The step {called} is gone or does something else.", _UNCHECKED
            )
            continue
        index = next((each for each in places if each >= position), places[0])
        now = left[index]
        if index < position:
            yield Objection(
                "step_changed", f"{here}: {called}", f"The step {called} comes earlier than before.", _UNCHECKED
            )
        position = max(position, index + 1)
        for key in _STOPPING:
            if step.get(key) != now.get(key):
                yield Objection(
                    "step_changed",
                    f"{here}: {called}: {key}",
                    f"{key} of the step {called} is another one.",
                    _UNCHECKED,
                )
        if _is_pinned(step) and not _is_pinned(now):
            yield Objection(
                "action_not_pinned",
                f"{here}: {called}",
                f"The action {called} is not pinned by a commit any more.",
                "Whoever owns the action can change what runs.",
            )


def _wider(path: str, whose: str, before: Any, after: Any) -> Iterator[Objection]:
    for scope, access in _permissions(after).items():
        if access == "write" and _permissions(before).get(scope) != "write":
            yield Objection(
                "workflow_may_write",
                f"{path}: {whose}: {scope}",
                f"{whose[0].upper()}{whose[1:]} may write {scope}.",
                "What runs there can change the repository.",
            )


def _permissions(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        return {"everything": "write"} if value == "write-all" else {}
    # Without permissions a job has the repository's default, which the workflow does not say.
    return value if isinstance(value, Mapping) else {}


def _triggers(workflow: Mapping[Any, Any]) -> dict[str, str]:
    value = workflow.get("on", workflow.get(True))
    if isinstance(value, str):
        return {value: "null"}
    if isinstance(value, list):
        return {str(each): "null" for each in value}
    return {str(name): json.dumps(its, sort_keys=True, default=str) for name, its in (value or {}).items()}


def _called(step: Any) -> str:
    """What a step does, without the version of an action."""
    if not isinstance(step, Mapping):
        return ""
    if "run" in step:
        return " ".join(str(step["run"]).split())
    found = _PINNED.fullmatch(str(step.get("uses", "")))
    return found["action"] if found else str(step.get("uses", ""))


def _is_pinned(step: Mapping[str, Any]) -> bool:
    found = _PINNED.fullmatch(str(step.get("uses", "")))
    return bool(found and _COMMIT.fullmatch(found["version"]))


def _workflow(text: str) -> Mapping[Any, Any] | None:
    import yaml  # noqa: PLC0415 (only a change of a workflow needs it)

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return document if isinstance(document, Mapping) else None
