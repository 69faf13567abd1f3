"""Which steps of GitHub's workflows a change removes, weakens or skips, and which permissions it adds.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from securetrail.review.objections import Objection, objection_id

_PINNED: Final = re.compile(r"(?P<action>[^@]+)@(?P<version>.+)", re.DOTALL)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_UNCHECKED: Final = "A change that this step stops goes through."
# Whatever else is set decides whether and how something runs: `needs` of a job that is skipped skips a job, a default
# shell can make every step succeed. What is compared by itself, or can only end a run, is left out.
_COMPARED: Final[Mapping[str, frozenset[Any]]] = {
    "workflow": frozenset({"name", "run-name", "on", True, "permissions", "jobs", "concurrency"}),
    "job": frozenset({"name", "steps", "permissions", "timeout-minutes", "concurrency"}),
    "step": frozenset({"name", "run", "uses", "timeout-minutes"}),
    "action": frozenset(),
}
# These run with the repository's secrets and a token that can write, also for a stranger's pull request.
# https://docs.github.com/en/actions/reference/security/secure-use
_WITH_SECRETS: Final = ("pull_request_target", "workflow_run", "issue_comment")


def weaker_workflows(
    base: Mapping[str, str], head: Mapping[str, str], others: Mapping[str, str] | None = None
) -> tuple[Objection, ...]:
    """What workflows of the base do not do any more, and what new ones may do that strangers or mistakes can use.

    :param base: the texts of the base's workflow files that the change touches, by path; likewise ``head``.
    :param others: the texts of the base's other workflow files.
    """
    found: list[Objection] = []
    known = {path: _workflow(text) or {} for path, text in {**(others or {}), **base}.items()}
    for path, text in base.items():
        before = _workflow(text)
        after = _workflow(head[path]) if path in head else None
        if path not in head:
            found.append(Objection("workflow_removed", path, "The workflow is gone.", _UNCHECKED))
        elif after is None:
            found.append(Objection("workflow_removed", path, "The workflow cannot be read.", _UNCHECKED))
        elif before is None:
            says = "The base's workflow cannot be read, so that nobody knows what this one does less."
            found.append(Objection(objection_id("workflow_not_comparable", text), path, says, _UNCHECKED))
        else:
            found += _weaker(path, before, after)
            found += _taken_names(path, after, known)
    for path in sorted({*head} - {*base}):
        new = _workflow(head[path])
        if new is None:
            says = "The new workflow cannot be read; GitHub may read more than this does."
            found.append(Objection(objection_id("workflow_not_comparable", head[path]), path, says, _UNCHECKED))
        else:
            found += _new(path, new, says_permissions=any("permissions" in each for each in known.values()))
            found += _taken_names(path, new, known)
    return tuple(found)


def weaker_action(path: str, base: str, head: str) -> Iterator[Objection]:
    """What an action of the repository does not do any more: a step of its that is gone, or another program of its.

    :param path: of its ``action.yml``.
    :param base: the file's text; likewise ``head``.
    """
    before, after = ((_workflow(text) or {}).get("runs") or {} for text in (base, head))
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return
    rest = [{name: value for name, value in side.items() if name != "steps"} for side in (before, after)]
    yield from _settings("action", path, "the action", *rest)
    yield from _steps(path, before.get("steps") or [], after.get("steps") or [])


def scripts(text: str) -> Iterator[str]:
    """What the steps of a workflow run."""
    jobs = (_workflow(text) or {}).get("jobs")
    for job in jobs.values() if isinstance(jobs, Mapping) else ():
        steps = job.get("steps") if isinstance(job, Mapping) else None
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, Mapping) and "run" in step:
                yield str(step["run"])


def _new(path: str, workflow: Mapping[str, Any], *, says_permissions: bool) -> Iterator[Objection]:
    """What a workflow that the base does not have may do.

    :param says_permissions: whether those of the base say what they may do.
    """
    yield from _with_secrets(path, {}, _triggers(workflow))
    jobs = _jobs(workflow).values()
    if says_permissions and "permissions" not in workflow and any("permissions" not in job for job in jobs):
        says = "The new workflow does not say what it may do, so that the repository's default counts."
        yield Objection("workflow_permissions", path, says, "What runs there can change the repository.")
    yield from _wider(path, "the new workflow", {}, workflow.get("permissions"))
    yield from _wider_new_jobs(path, {}, workflow.get("jobs") or {})


def _with_secrets(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Objection]:
    for trigger in sorted({*after} & {*_WITH_SECRETS} - {*before}):
        yield Objection(
            "workflow_trigger_with_secrets",
            f"{path}: {trigger}",
            f"The trigger {trigger} is new.",
            "Whoever opens a pull request can reach the repository's secrets.",
        )


def _wider_new_jobs(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Objection]:
    for name in sorted({*after} - {*before}):
        if isinstance(after[name], Mapping):
            yield from _wider(path, f"the new job {name}", {}, after[name].get("permissions"))


def _weaker(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Objection]:
    # YAML 1.1 reads `on` as a truth value.
    triggers = _triggers(before), _triggers(after)
    for trigger in sorted({*triggers[0]}):
        if triggers[1].get(trigger, "gone") != triggers[0][trigger]:
            what = "is gone" if trigger not in triggers[1] else "has other conditions"
            detail = f"{triggers[0][trigger]} -> {triggers[1].get(trigger, 'gone')}"
            yield Objection(
                objection_id("workflow_trigger", detail),
                f"{path}: {trigger}",
                f"The trigger {trigger} {what}.",
                _UNCHECKED,
            )
    yield from _with_secrets(path, *triggers)
    yield from _settings("workflow", path, "the workflow", before, after)
    if before.get("permissions") is not None and after.get("permissions") is None:
        yield Objection(
            "workflow_permissions",
            path,
            "The workflow does not say any more what it may do, so that the repository's default counts.",
            "What runs there can change the repository.",
        )
    yield from _wider(path, "the workflow", before.get("permissions"), after.get("permissions"))
    for name, job in (before.get("jobs") or {}).items():
        here = f"{path}: {name}"
        now = (after.get("jobs") or {}).get(name)
        if not isinstance(now, Mapping):
            yield Objection("job_removed", here, f"The job {name} is gone.", _UNCHECKED)
            continue
        yield from _settings("job", here, f"the job {name}", job, now)
        allowed, allows = job.get("permissions"), now.get("permissions")
        if allowed is not None and allows is None:
            allows = after.get("permissions")  # without its own, a job has the workflow's
        yield from _wider(path, f"the job {name}", allowed, allows)
        if allowed is not None and allows is None:
            yield Objection(
                "workflow_permissions",
                here,
                f"The job {name} does not say any more what it may do, so that the repository's default counts.",
                "What runs there can change the repository.",
            )
        yield from _steps(here, job.get("steps") or [], now.get("steps") or [])
    yield from _wider_new_jobs(path, before.get("jobs") or {}, after.get("jobs") or {})


def _steps(here: str, before: list[Any], after: list[Any]) -> Iterator[Objection]:
    left = [*after]
    position = 0
    kept: set[int] = set()
    for step in before:
        called = _called(step)
        places = [index for index, each in enumerate(left) if (_called(each), _runs(each)) == (called, _runs(step))]
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
        kept.add(index)
        yield from _settings("step", f"{here}: {called}", f"the step {called}", step, now)
        if _is_pinned(step) and not _is_pinned(now):
            yield Objection(
                "action_not_pinned",
                f"{here}: {called}",
                f"The action {called} is not pinned by a commit any more.",
                "Whoever owns the action can change what runs.",
            )
    # What another step became has been said.
    new = [each for index, each in enumerate(after[:position]) if index not in kept]
    for step in new[len(before) - len(kept) :]:
        called = _called(step)
        yield Objection(
            objection_id("step_inserted", _text(step)),
            f"{here}: {called}",
            f"The step {called} is new and comes before steps of the base.",
            "It can change what the steps after it find, and so what they check.",
        )


def _settings(
    kind: str, here: str, whose: str, before: Mapping[Any, Any], after: Mapping[Any, Any]
) -> Iterator[Objection]:
    """What else is set in another way."""
    for key in sorted({*before, *after} - _COMPARED[kind], key=str):
        values = before.get(key), after.get(key)
        if key == "uses" and _called(before) == _called(after):
            continue  # another version of a workflow that the job calls
        if values[0] != values[1]:
            detail = " -> ".join(_text(each) for each in values)
            yield Objection(
                objection_id(f"{kind}_changed", detail),
                f"{here}: {key}",
                f"{key} of {whose} is another one.",
                _UNCHECKED,
            )


def _taken_names(path: str, after: Mapping[str, Any], base: Mapping[str, Mapping[str, Any]]) -> Iterator[Objection]:
    """Jobs that report, or may report, under the name of another one. A required check is known by this name alone,
    whichever workflow it is of.

    :param base: the base's workflows.
    """
    names: dict[str, set[tuple[str, str]]] = {}
    for file, workflow in base.items():
        for key, job in _jobs(workflow).items():
            names.setdefault(_name(key, job), set()).add((file, key))
    was = _jobs(base.get(path, {}))
    for key, job in _jobs(after).items():
        if key in was and _name(key, was[key]) == _name(key, job):
            continue
        # Whatever an expression is, the text around it stays.
        pattern = ".*".join(map(re.escape, _EXPRESSION.split(_name(key, job))))
        taken = [name for name, of in names.items() if (path, key) not in of and re.fullmatch(pattern, name, re.DOTALL)]
        for name in sorted(taken):
            says = f"The job {key} reports, or may report, under the name of the job {sorted(names[name])[0][1]}."
            yield Objection("job_takes_a_name", f"{path}: {key}", says, _UNCHECKED)


def _jobs(workflow: Mapping[Any, Any]) -> Mapping[str, Mapping[str, Any]]:
    jobs = workflow.get("jobs")
    found = jobs.items() if isinstance(jobs, Mapping) else ()
    return {str(key): job for key, job in found if isinstance(job, Mapping)}


def _name(key: str, job: Any) -> str:
    return str((job.get("name") if isinstance(job, Mapping) else None) or key)


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
    return {str(name): _text(its) for name, its in (value or {}).items()}


def _called(step: Any) -> str:
    """What a step does, without the version of an action."""
    if not isinstance(step, Mapping):
        return ""
    if "run" in step:
        return " ".join(str(step["run"]).split())
    found = _PINNED.fullmatch(str(step.get("uses", "")))
    return found["action"] if found else str(step.get("uses", ""))


def _runs(step: Any) -> list[str]:
    """The lines of a step's script: joined to a comment above it, a command is none any more."""
    lines = str(step["run"]).splitlines() if isinstance(step, Mapping) and "run" in step else ()
    return [" ".join(line.split()) for line in lines if line.strip()]


def _is_pinned(step: Mapping[str, Any]) -> bool:
    found = _PINNED.fullmatch(str(step.get("uses", "")))
    return bool(found and _COMMIT.fullmatch(found["version"]))


def _text(value: Any) -> str:
    """A value as text. YAML's keys may be of several kinds, which have no order."""
    return json.dumps(_with_text_keys(value), sort_keys=True, default=str)


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(entry) for key, entry in value.items()}
    return [_with_text_keys(entry) for entry in value] if isinstance(value, list) else value


def _workflow(text: str) -> Mapping[Any, Any] | None:
    import yaml  # noqa: PLC0415 (only a change of a workflow needs it)

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return document if isinstance(document, Mapping) else None
