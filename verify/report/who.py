"""Who can blind the recorder: for people a few lines for each identity, for programs JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from rich.text import Text

from verify.posture.who.model import Ability, Answer, Finding, Step
from verify.posture.who.powers import POWERS
from verify.report.marks import not_aws
from verify.report.terminal import safe

# Changes when the shape of the JSON document does.
FORMAT = "securetrail-who/1"
# More than these of one identity tell nobody anything new.
_STEPS_SHOWN = 3
_TITLES = {power.id: power.title for power in POWERS}


def render(answer: Answer, *, verbose: bool) -> Iterator[Text]:
    """The report, piece by piece: the answer in one sentence, then each identity.

    :param verbose: each call with the statements that allow it.
    """
    yield from not_aws(answer.endpoint)
    yield Text.assemble((summary(answer), "bold"))
    yield from told(answer, verbose=verbose)


def told(answer: Answer, *, verbose: bool) -> Iterator[Text]:
    """What the answer rests on, and each identity.

    :param verbose: as in :func:`render`.
    """
    yield safe(f"Account {answer.account}, trail {answer.trail}; {answer.examined:,} identities were examined.")
    for notice in answer.notices:
        yield safe(f"Note: {notice}")
    for what in answer.unseen:
        yield safe(f"Not known: {what}")
    for finding in answer.findings:
        if not finding.is_expected:
            yield Text()
            yield from _finding(finding, verbose=verbose)
    expected = [finding for finding in answer.findings if finding.is_expected]
    if expected:
        yield Text()
        yield Text("Expected", style="bold")
        for finding in expected:
            yield safe(f"  {finding.arn}: {', '.join(_powers(finding))}")
    if answer.root:
        yield Text()
        yield safe(
            f"The root user {answer.root.arn} can too, and no policy of the account takes it away: "
            "give it MFA and no access key."
        )


def summary(answer: Answer) -> str:
    """The answer in one sentence."""
    others = [finding for finding in answer.findings if not finding.is_expected]
    certain = sum(finding.is_certain for finding in others)
    maybe = len(others) - certain
    if not others:
        if answer.unseen:
            return "Not known: nobody was found who can blind the recorder, but not everything could be read."
        return "Nobody can blind the recorder but the root user" + (
            " and those who are expected to." if answer.findings else "."
        )
    parts = [f"{_count(certain)} can blind the recorder"] if certain else []
    parts += [f"{_count(maybe)} may, depending on conditions"] if maybe else []
    return "; ".join(parts) + "."


def _count(number: int) -> str:
    return "1 identity" if number == 1 else f"{number:,} identities"


def _finding(finding: Finding, *, verbose: bool) -> Iterator[Text]:
    yield Text.assemble(safe(finding.arn), f"  ({finding.kind})", style="bold")
    for power, calls in _by_power(finding.abilities).items():
        sure = any(not call.depends_on for call in calls)
        yield safe(f"  {'can' if sure else 'may'} {_TITLES[power]}: {', '.join(_actions(calls))}")
        if verbose:
            for call in calls:
                yield safe(f"      {call.action} on {call.resource}")
                yield from _why(call)
        else:
            yield from _why(min(calls, key=lambda call: len(call.depends_on)))
    steps = sorted(finding.steps, key=lambda step: (bool(step.depends_on), -len(step.gains)))
    for step in steps if verbose else steps[:_STEPS_SHOWN]:
        verb = "may" if step.depends_on else "can"
        yield safe(f"  {verb} get there by {step.action} on {step.resource}: {', '.join(step.gains)}")
        yield from _why(step)
    if len(steps) > _STEPS_SHOWN and not verbose:
        yield safe(f"  and by {len(steps) - _STEPS_SHOWN:,} further steps (--verbose shows them)")
    if finding.has_more_steps:
        # Were there one that depends on nothing, it would be "can".
        more = "" if finding.is_certain else "; one of those may depend on nothing further"
        yield safe(f"  and perhaps by more like these, which are not listed{more}")


def _why(call: Ability | Step) -> Iterator[Text]:
    if call.by:
        more = f" and {len(call.by) - 3} more" if len(call.by) > 3 else ""
        yield safe(f"      by {'; '.join(call.by[:3])}{more}")
    if call.depends_on:
        yield safe(f"      depends on {', '.join(call.depends_on)}")


def _by_power(abilities: Iterable[Ability]) -> dict[str, list[Ability]]:
    found: dict[str, list[Ability]] = {}
    for ability in abilities:
        found.setdefault(ability.power, []).append(ability)
    return found


def _actions(calls: Iterable[Ability]) -> list[str]:
    return list(dict.fromkeys(call.action for call in calls))


def _powers(finding: Finding) -> list[str]:
    gained = [power for step in finding.steps for power in step.gains]
    return list(dict.fromkeys([*(can.power for can in finding.abilities), *gained]))


def who_as_json(answer: Answer, each: Callable[[Callable[[], Any]], Any] = lambda make: make()) -> dict[str, Any]:
    """The whole answer.

    :param each: takes what makes the document of one finding. Default: - it is made at once.
    """
    return {
        "format": FORMAT,
        "summary": summary(answer),
        "exit_code": answer.exit_code,
        "account": answer.account,
        "trail": answer.trail,
        "endpoint": answer.endpoint,
        "examined": answer.examined,
        "unseen": answer.unseen,
        "notices": answer.notices,
        "findings": [each(partial(_as_json, finding)) for finding in answer.findings],
        "root": _as_json(answer.root) if answer.root else None,
    }


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "arn": finding.arn,
        "kind": finding.kind,
        "is_expected": finding.is_expected,
        "is_certain": finding.is_certain,
        "has_more_steps": finding.has_more_steps,
        "abilities": [
            {
                "power": can.power,
                "action": can.action,
                "resource": can.resource,
                "by": can.by,
                "depends_on": can.depends_on,
            }
            for can in finding.abilities
        ],
        "steps": [
            {
                "action": step.action,
                "resource": step.resource,
                "gains": step.gains,
                "by": step.by,
                "depends_on": step.depends_on,
            }
            for step in finding.steps
        ],
    }
