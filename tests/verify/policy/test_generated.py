"""Generated policies: what is decided about each is what three other evaluators decide, but for what is listed here.

They share no code with this one: a naive one that stands here, the lab's, and, in the slow tests, a program of others.
"""

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.authorization.decision import ResourcePolicy, refusal
from lab.authorization.document import Asked
from lab.authorization.policy import Access
from lab.authorization.policy import decide as lab_decide
from lab.authorization.principal import Principal as LabPrincipal
from tests.iam_simulate import simulate
from tests.verify.policy.generated import ACCOUNT, OTHER, Case, case
from verify.policy.document import parse_policy
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide
from verify.policy.ternary import Ternary

_ALL = '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
# Every key of the generator: one that a request lacks is known to be absent from it.
_KEYS = {key.lower() for number in range(200) for key in case(number).context}


def decided(found: Case) -> Ternary:
    kind = PrincipalKind.SERVICE if found.is_service else PrincipalKind.AWS
    context = dict.fromkeys(_KEYS, ()) | {key.lower(): values for key, values in found.context.items()}
    request = Request(Principal(kind, found.principal), found.action, found.resource, context)
    return decide(parse_policy(json.dumps(found.policy)), request).is_allowed


# ---- a naive evaluator: as AWS's pages say it, statement by statement ------------------------------------------------


def naive(found: Case) -> bool:
    applying = [each["Effect"] for each in found.policy["Statement"] if _applies(each, found)]
    return "Allow" in applying and "Deny" not in applying


def _applies(statement: Mapping[str, Any], found: Case) -> bool:
    def element(name: str, is_it: Callable[[Any], bool]) -> bool:
        entries = statement.get(name, statement.get(f"Not{name}"))
        matching = any(map(is_it, entries if isinstance(entries, list) else [entries]))
        return matching if name in statement else not matching

    variables = found.context if found.policy["Version"] == "2012-10-17" else None
    return (
        element("Principal", lambda entry: _is_named(entry, found))
        and element("Action", lambda entry: _fits(entry.lower(), found.action.lower(), None))
        and element("Resource", lambda entry: _fits(entry, found.resource, variables))
        and all(
            _is_met(operator, key, wanted if isinstance(wanted, list) else [wanted], found, variables)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _is_named(entry: Any, found: Case) -> bool:
    kinds = {"AWS": entry} if entry == "*" else entry
    names = [(kind, name) for kind, some in kinds.items() for name in (some if isinstance(some, list) else [some])]
    if ("AWS", "*") in names:
        return True
    if found.is_service:
        return ("Service", found.principal) in names
    return any(("AWS", name) in names for name in (found.principal, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"))


def _expression(
    pattern: str, variables: Mapping[str, tuple[str, ...]] | None, *, is_pattern: bool = True
) -> str | None:
    """A pattern as a regular expression; None where a variable has no value.

    :param variables: Default: - the policy is of a version without variables.
    """
    known = {key.lower(): values for key, values in (variables or {}).items()}
    pieces = []
    for token in re.findall(r"\$\{[^}]*\}|.", pattern, re.DOTALL):
        name, _, default = token[2:-1].partition(", ")
        if variables is None or not token.startswith("${"):
            pieces.append({"*": ".*", "?": "."}.get(token, re.escape(token)) if is_pattern else re.escape(token))
        elif name in ("*", "?", "$"):
            pieces.append(re.escape(name))
        elif name.lower() in known:
            pieces.append(re.escape(known[name.lower()][0]))
        elif default:
            pieces.append(re.escape(default.strip("'")))
        else:
            return None
    return "".join(pieces)


def _fits(pattern: str, text: str, variables: Mapping[str, tuple[str, ...]] | None, *, is_pattern: bool = True) -> bool:
    expression = _expression(pattern, variables, is_pattern=is_pattern)
    return expression is not None and re.fullmatch(expression, text, re.DOTALL) is not None


def _is_met(
    operator: str, key: str, wanted: list[Any], found: Case, variables: Mapping[str, tuple[str, ...]] | None
) -> bool:
    values = next((values for name, values in found.context.items() if name.lower() == key.lower()), ())
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in wanted]
    if operator == "Null":
        return ("false" if values else "true") in texts
    quantifier, _, name = operator.rpartition(":")
    plain = name.removesuffix("IfExists")
    is_negated = "Not" in plain

    def passes(value: str) -> bool:
        return any(_compares(plain.replace("Not", ""), value, each, variables) for each in texts) != is_negated

    if quantifier:
        return (all if quantifier == "ForAllValues" else any)(map(passes, values))
    return all(map(passes, values)) if values else is_negated or plain != name


def _compares(operator: str, value: str, wanted: str, variables: Mapping[str, tuple[str, ...]] | None) -> bool:
    kind, _, how = operator.partition("Less") if "Less" in operator else operator.partition("Greater")
    if operator.startswith("String"):
        is_pattern = operator == "StringLike"
        fold = str.lower if operator.endswith("IgnoreCase") else str
        filled = {key: tuple(map(fold, values)) for key, values in variables.items()} if variables is not None else None
        return _fits(fold(wanted), fold(value), filled, is_pattern=is_pattern)
    if operator.startswith("Arn"):
        pairs = list(zip(wanted.split(":", 5), value.split(":", 5), strict=False))
        return len(pairs) == 6 and all(_fits(pattern, part, variables) for pattern, part in pairs)
    if operator == "Bool":
        return value.lower() == wanted.lower()
    if operator == "IpAddress":
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted)
    number = float if kind.startswith("Numeric") else _seconds
    have, want = number(value), number(wanted)
    if not how:
        return have == want
    return (
        have == want
        if how.endswith("Equals") and have == want
        else (have < want if "Less" in operator else have > want)
    )


def _seconds(text: str) -> float:
    if text.isdecimal():
        return float(text)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


# ---- the other two ---------------------------------------------------------------------------------------------------


def labs(found: Case) -> bool:
    text = json.dumps(found.policy)
    context = {key.lower(): values for key, values in found.context.items()}
    if found.is_service:
        return lab_decide(text, Access(found.principal, found.action, found.resource, context)).is_allowed
    who = LabPrincipal(found.principal, ACCOUNT, policies=(_ALL,))
    # Of another account's bucket nothing is allowed but what its policy allows.
    return refusal(Asked(found.action, found.resource, context), who, ResourcePolicy(text, OTHER)) is None


def simulation(found: Case) -> dict[str, Any]:
    """A case as `@cloud-copilot/iam-simulate` takes it."""
    own = [] if found.is_service else [{"name": "all", "policy": json.loads(_ALL)}]
    return {
        "request": {
            "principal": found.principal,
            "action": found.action,
            "resource": {"resource": found.resource, "accountId": OTHER},
            "contextVariables": {
                key: list(values) if key == "aws:TagKeys" else values[0] for key, values in found.context.items()
            },
        },
        "identityPolicies": own,
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        "resourcePolicy": found.policy,
    }


# ---- the comparison --------------------------------------------------------------------------------------------------

# What AWS's documents leave open is undecided here; each by the beginning or the end of its reason.
UNDECIDED = {
    "which is not the pattern of an ARN": "what ArnLike makes of * and arn:* is not documented",
    "which can have several values": "how an operator without a quantifier compares several values is not documented",
    "the policy variable in": "what is not equal to a variable without a value is not documented",
    "the number": "how AWS reads 1e3 is not documented",
}


def _has(found: Case, *texts: str) -> bool:
    return any(text in json.dumps(found.policy) for text in texts)


# Where the program of others decides otherwise: why, and of which cases.
_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_OPERATORS = f"{_GUIDE}reference_policies_elements_condition_operators.html"
EXPLAINED: tuple[tuple[str, Callable[[Case], bool]], ...] = (
    (
        # AWS takes them for plain text.
        f"variables have values in policies of the older version: {_GUIDE}reference_policies_elements_version.html",
        lambda found: found.policy["Version"] == "2008-10-17" and _has(found, "${"),
    ),
    (
        # It is a character of an object's name.
        "a star makes a pattern of a resource: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html",
        lambda found: "*" in found.resource,
    ),
    (
        f"a date in seconds is compared with one in milliseconds: {_OPERATORS}",
        lambda found: _has(found, "1780315200"),
    ),
    (
        # So that neither IpAddress nor NotIpAddress is met.
        f"0.0.0.0/0 has no address, and one of IPv6 is neither in a network of IPv4 nor outside: {_OPERATORS}",
        lambda found: (
            _has(found, "IpAddress") and (_has(found, "0.0.0.0/0", "2001:") or ":" in found.context["aws:SourceIp"][0])
        ),
    ),
)


def undecided_without_a_reason(numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
    for number in numbers:
        answer = decided(case(number))
        if answer.is_true is None:
            yield from (
                (number, reason.what)
                for reason in answer.reasons
                if reason.about != "policy" or not any(known in reason.what for known in UNDECIDED)
            )


def differing(numbers: range, theirs: Iterable[bool]) -> list[int]:
    """The cases that are decided, and otherwise than by others."""
    ours = {number: decided(case(number)).is_true for number in numbers}
    return [
        number
        for number, allows in zip(numbers, theirs, strict=True)
        if ours[number] is not None and ours[number] is not allows
    ]


def test_generated_policies_are_decided_as_others_decide_them() -> None:
    numbers = range(500)

    assert differing(numbers, (naive(case(number)) for number in numbers)) == []
    assert differing(numbers, (labs(case(number)) for number in numbers)) == []
    assert list(undecided_without_a_reason(numbers)) == []


def test_generated_policies_allow_deny_and_are_nearly_always_decided() -> None:
    found = Counter(decided(case(number)).is_true for number in range(500))

    assert found[True] > 50
    assert found[False] > 50
    assert found[None] < 20


@pytest.mark.slow
def test_20_000_generated_policies_are_decided_as_three_others_decide_them() -> None:
    numbers = range(500, 20_500)
    assert differing(numbers, (naive(case(number)) for number in numbers)) == []
    assert differing(numbers, (labs(case(number)) for number in numbers)) == []
    assert list(undecided_without_a_reason(numbers)) == []

    others = differing(numbers, (one == "Allowed" for one in simulate(simulation(case(number)) for number in numbers)))

    assert [number for number in others if not any(is_about(case(number)) for _, is_about in EXPLAINED)] == []
    assert len(others) < 300
    for why, is_about in EXPLAINED:
        assert any(is_about(case(number)) for number in others), f"This is no difference any more: {why}"
