"""What a hunt found, in several formats. What records say is shown as text and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from verify.hunt.finding import Finding, Outcome, next_steps_of
from verify.hunt.incident import Incident
from verify.hunt.rule_tests import Tested
from verify.hunt.sigma.load import Loaded, Rule
from verify.report.logs import basis_as_json, basis_as_text
from verify.report.markdown import escaped
from verify.report.terminal import safe
from verify.times import iso

_SHOWN = 10
_SHOWN_PROBLEMS = 20
_OCSF_SEVERITY: Final = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_OCSF_CONFIDENCE: Final = {"low": 1, "medium": 2, "high": 3}
_OCSF_VERSION = "1.5.0"


def read_lines(outcome: Outcome) -> Iterator[str]:
    """What was read, and what was not: a line for each fact."""
    yield from basis_as_text(outcome.basis)
    yield f"{outcome.rules:,} rules ran."
    yield from _listed(
        "Rules that could not run", [f"{each.title} ({each.source}): {each.why}" for each in outcome.problems]
    )
    yield from _listed(
        "Rules that could find nothing in it, or not everything", [f"{each.rule}: {each.why}" for each in outcome.blind]
    )
    yield from outcome.holes


def _listed(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield f"{title}: {len(sentences):,}."
        yield from (f"  {sentence}" for sentence in sentences[:_SHOWN_PROBLEMS])
    if len(sentences) > _SHOWN_PROBLEMS:
        yield f"  … and {len(sentences) - _SHOWN_PROBLEMS:,} more, which --format json lists."


def closing_line(outcome: Outcome) -> str:
    """What the hunt as a whole says."""
    if outcome.findings or outcome.hidden:
        less = f" {outcome.hidden:,} less grave ones are not shown (--level)." if outcome.hidden else ""
        more = "" if outcome.is_whole else " There may be more: see above."
        return f"{len(outcome.findings):,} finding{'' if len(outcome.findings) == 1 else 's'}.{less}{more}"
    if outcome.is_whole:
        events = "event that was" if outcome.basis.events == 1 else "events that were"
        return f"Nothing was found in the {outcome.basis.events:,} {events} read."
    return "Nothing was found in what was read; that is not all, see above."


def as_text(outcome: Outcome, told: Sequence[Incident]) -> Iterator[str]:
    """For people. The first lines say what was read."""
    for line in read_lines(outcome):
        yield safe(line).plain + "\n"
    for number, incident in enumerate(told, 1):
        who = ", ".join(incident.principals[:_SHOWN])
        yield "\n" + safe(f"Incident {number}, {incident.severity}: {who}").plain + "\n"
        where = ", ".join(incident.addresses[:_SHOWN]) or "no address"
        yield safe(f"  {iso(incident.first)} to {iso(incident.last)}, from {where}").plain + "\n"
        for finding in incident.findings:
            yield "".join(f"  {safe(line).plain}\n" for line in _finding_lines(finding))
    yield "\n" + closing_line(outcome) + "\n"


def _finding_lines(finding: Finding) -> Iterator[str]:
    times = iso(finding.first) if finding.first == finding.last else f"{iso(finding.first)} to {iso(finding.last)}"
    yield f"{times}  {finding.severity.upper()}  {finding.rule}"
    session = f", session {finding.session}" if finding.session else ""
    yield f"    who        {finding.principal}{session}"
    for step in finding.behind:
        yield f"    behind     {step}"
    for name, values in (
        ("where", [*finding.addresses[:_SHOWN], *finding.regions[:_SHOWN]]),
        ("account", finding.accounts),
        ("calls", finding.calls),
        ("agent", finding.agents[:2]),
        ("events", finding.events[:3]),
        ("technique", finding.techniques),
    ):
        if values:
            more = f" ({finding.count:,} in all)" if name == "events" and finding.count > len(values) else ""
            yield f"    {name:10} {', '.join(values)}{more}"
    yield f"    what       {finding.what}"
    if finding.detail:
        yield f"    asked      {finding.detail}"
    yield f"    confidence {finding.confidence}"
    for each in finding.innocent:
        yield f"    innocent?  {each}"
    for each in finding.next_steps:
        yield f"    next       {each}"
    if finding.query:
        yield f"    dig on     {finding.query}"


def as_markdown(outcome: Outcome, told: Sequence[Incident]) -> Iterator[str]:
    """For a ticket or a pull request."""
    yield "# Hunt\n\n"
    for line in read_lines(outcome):
        yield f"- {escaped(line.strip())}\n"
    for number, incident in enumerate(told, 1):
        yield f"\n## Incident {number}: {incident.severity}\n\n"
        yield f"{escaped(', '.join(incident.principals[:_SHOWN]))}, {iso(incident.first)} to {iso(incident.last)}\n"
        for finding in incident.findings:
            title, *lines = _finding_lines(finding)
            yield f"\n### {escaped(title)}\n\n"
            for line in lines:
                name, _, text = line.strip().partition(" ")
                yield f"- {name}: {escaped(text.strip())}\n"
    yield f"\n{escaped(closing_line(outcome))}\n"


def as_json(outcome: Outcome, told: Sequence[Incident], exit_code: int) -> dict[str, Any]:
    """One document for programs."""
    numbers = {id(finding): number for number, finding in enumerate(outcome.findings)}
    return {
        "exit_code": exit_code,
        "whole": outcome.is_whole,
        "basis": basis_as_json(outcome.basis),
        "rules": outcome.rules,
        "rules_not_run": [{"rule": each.title, "file": each.source, "why": each.why} for each in outcome.problems],
        "rules_without_events": [{"rule": each.rule, "why": each.why} for each in outcome.blind],
        "holes": outcome.holes,
        "findings_not_shown": outcome.hidden,
        "findings": [finding_as_json(each) for each in outcome.findings],
        "incidents": [
            {
                "severity": each.severity,
                "principals": each.principals,
                "addresses": each.addresses,
                "first": iso(each.first),
                "last": iso(each.last),
                "findings": [numbers[id(finding)] for finding in each.findings],
            }
            for each in told
        ],
    }


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """One finding as an object."""
    return {
        "rule": finding.rule,
        "rule_id": finding.rule_id,
        "rule_file": finding.source,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "what": finding.what,
        "techniques": finding.techniques,
        "principal": finding.principal,
        "session": finding.session,
        "access_key": finding.key,
        "behind": finding.behind,
        "actor": finding.actor,
        "accounts": finding.accounts,
        "regions": finding.regions,
        "addresses": finding.addresses,
        "user_agents": finding.agents,
        "calls": finding.calls,
        "first": iso(finding.first),
        "last": iso(finding.last),
        "events": finding.count,
        "event_ids": finding.events,
        "asked": finding.detail,
        "innocent_explanations": finding.innocent,
        "next_steps": finding.next_steps,
        "query": finding.query,
    }


def as_ocsf(findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """Each finding as a Detection Finding (class 2004) of OCSF 1.5.0, https://schema.ocsf.io/1.5.0/classes/detection_finding."""
    for finding in findings:
        first, last = (int(each.timestamp() * 1000) for each in (finding.first, finding.last))
        yield {
            "activity_id": 1,
            "category_uid": 2,
            "class_uid": 2004,
            "type_uid": 200401,
            "time": last,
            "severity_id": _OCSF_SEVERITY[finding.severity],
            "confidence_id": _OCSF_CONFIDENCE[finding.confidence],
            "message": finding.rule,
            "count": finding.count,
            "metadata": {
                "version": _OCSF_VERSION,
                "profiles": ["cloud"],
                "product": {"name": "SecureTrail", "vendor_name": "SecureTrail"},
            },
            "cloud": {
                "provider": "AWS",
                **({"account": {"uid": finding.accounts[0]}} if finding.accounts else {}),
                **({"region": finding.regions[0]} if finding.regions else {}),
            },
            "finding_info": {
                "uid": f"{finding.rule_id or finding.rule}:{finding.events[0] if finding.events else first}",
                "title": finding.rule,
                "desc": finding.what,
                "first_seen_time": first,
                "last_seen_time": last,
                "created_time": last,
                "attacks": [{"technique": {"uid": each}} for each in finding.techniques],
                "analytic": {"type_id": 1, "name": finding.rule, "uid": finding.rule_id or finding.rule},
                "related_events": [{"uid": each} for each in finding.events],
            },
            "evidences": [
                {
                    "actor": {"user": {"name": finding.principal, "uid": finding.key or finding.principal}},
                    **({"src_endpoint": {"ip": finding.addresses[0]}} if finding.addresses else {}),
                    **({"api": {"operation": finding.calls[0]}} if finding.calls else {}),
                }
            ],
            "remediation": {"desc": " ".join(finding.next_steps) or "Look at what else this caller did."},
        }


def as_timesketch(findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """Each finding as a line that Timesketch imports."""
    for finding in findings:
        yield {
            "message": f"{finding.severity}: {finding.rule} by {finding.principal}",
            "datetime": finding.first.isoformat(),
            "timestamp_desc": "First event of a finding",
            **finding_as_json(finding),
        }


def explain(rule: Rule, text: str) -> Iterator[str]:
    """What a rule looks for, and what to make of it."""
    yield f"{rule.title}\n\n"
    yield f"{rule.description}\n\n"
    yield f"id         {rule.id or 'none'}\nfile       {rule.source}\nseverity   {rule.level}\n"
    yield f"technique  {', '.join(rule.tags) or 'none'}\n"
    for each in rule.false_positives:
        yield f"innocent?  {each}\n"
    for each in next_steps_of(rule):
        yield f"next       {each}\n"
    for each in rule.references:
        yield f"see        {each}\n"
    if text:
        yield f"\n{text}"


def rule_as_json(rule: Rule, text: str) -> dict[str, Any]:
    """The same as an object."""
    return {
        "rule": rule.title,
        "rule_id": rule.id,
        "rule_file": rule.source,
        "severity": rule.level,
        "confidence": rule.more.get("confidence"),
        "what": rule.description,
        "tags": rule.tags,
        "innocent_explanations": rule.false_positives,
        "next_steps": next_steps_of(rule),
        "references": rule.references,
        "file_text": text,
    }


def rule_tests_as_text(loaded: Loaded, results: Sequence[Tested]) -> Iterator[str]:
    """A line for each test that failed, for each rule that cannot run, and for the rules without tests."""
    for each in results:
        if not each.is_passed:
            why = each.why or f"it {'matched' if each.found else 'did not match'}"
            yield f"FAILED  {each.rule} ({each.source}), test {each.name}: {why}"
    for problem in loaded.problems:
        yield f"CANNOT RUN  {problem.title} ({problem.source}): {problem.why}"
    untested = _untested(loaded, results)
    yield from _listed("Rules of which no test shows that they can match (matches: true)", never_matched(results))
    yield from _listed("Rules without tests", untested)
    passed = sum(each.is_passed for each in results)
    yield f"{passed:,} of {len(results):,} tests of {len(loaded.rules) - len(untested):,} rules passed."


def rule_tests_as_json(loaded: Loaded, results: Sequence[Tested], exit_code: int) -> dict[str, Any]:
    """One document for programs."""
    return {
        "exit_code": exit_code,
        "tests": [
            {
                "rule": each.rule,
                "rule_file": each.source,
                "test": each.name,
                "passed": each.is_passed,
                "wanted": each.wanted,
                "found": each.found,
                "why": each.why,
            }
            for each in results
        ],
        "rules_not_run": [{"rule": each.title, "file": each.source, "why": each.why} for each in loaded.problems],
        "rules_never_matched": never_matched(results),
        "rules_without_tests": _untested(loaded, results),
    }


def never_matched(results: Sequence[Tested]) -> list[str]:
    """The titles of rules that were tested, but with no event that they are to match."""
    matched = {(each.rule, each.source) for each in results if each.wanted}
    return [
        rule
        for rule, source in dict.fromkeys((each.rule, each.source) for each in results)
        if (rule, source) not in matched
    ]


def _untested(loaded: Loaded, results: Sequence[Tested]) -> list[str]:
    tested = {(each.rule, each.source) for each in results}
    return [rule.title for rule in loaded.rules if (rule.title, rule.source) not in tested]


def as_jsonl(objects: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON object a line, in ASCII."""
    for each in objects:
        yield json.dumps(each) + "\n"
