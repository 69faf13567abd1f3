"""Score the account: collect the facts once, judge them, add up."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields

from verify.aws import Aws
from verify.fact import Denied, Fact, Failed, Missing, NotKnown, Value
from verify.posture.fixes import aws_command, by_name
from verify.posture.model import Status, Verdict, decide, unknown
from verify.posture.score.collect import collect_account
from verify.posture.score.facts import AccountFacts
from verify.posture.score.items import ITEMS
from verify.posture.score.model import Item, Score, Scored
from verify.target import account_of

_NOT_KNOWN = "(not known)"
_PRINT_POLICY = "python -m verify score --print-iam-policy"


def run_score(aws: Aws) -> Score:
    """Score the account, in all of its regions.

    :raises CannotLook: there are no usable credentials, or AWS cannot be reached.
    """
    account = account_of(aws)
    facts = collect_account(aws, account)
    # Which services have an endpoint that is not AWS is known only after they were called.
    command = aws_command(region=aws.region, profile=aws.profile, endpoint=aws.endpoints.everywhere)
    return Score(
        account=account.value if isinstance(account, Value) else "unknown",
        region=aws.region,
        endpoint=aws.endpoint_url,
        items=score_items(facts, account=account, command=command, partition=aws.partition),
        unanswered=unanswered(facts),
    )


def unanswered(facts: AccountFacts) -> tuple[str, ...]:
    """Why questions have no answer, each reason once. What does not exist is an answer."""
    answers: list[object] = []
    for field in fields(facts):
        fact = getattr(facts, field.name)
        answers += fact.values() if isinstance(fact, Mapping) else (fact,)
    if isinstance(facts.trails, Value):
        answers += (answer for trail in facts.trails.value for answer in (trail.status, trail.selectors))
    reasons = [str(answer) for answer in answers if isinstance(answer, Denied | Failed)]
    if isinstance(facts.buckets, Value) and facts.buckets.value.not_read is not None:
        reasons.append(facts.buckets.value.not_read)
    return tuple(dict.fromkeys(reasons))


def score_items(facts: AccountFacts, *, account: Fact[str], command: str, partition: str = "aws") -> tuple[Scored, ...]:
    """Every item's verdict on the facts: pure.

    :param command: how to call the AWS CLI for this account, region and endpoint.
    """
    number = account.value if isinstance(account, Value) else _NOT_KNOWN
    # What an endpoint says of itself is no more than text.
    quoted = {"account": shlex.quote(number), "partition": shlex.quote(partition)}
    names = {"aws": command, **by_name(command, quoted["account"]), **quoted}
    return tuple(_scored(item, _judged(item, facts), names) for item in ITEMS)


def _judged(item: Item, facts: AccountFacts) -> Verdict:
    try:
        return item.judge(facts)
    except NotKnown as error:
        if isinstance(error.fact, Missing):
            return Verdict(Status.FAIL, error.fact.why)
        if isinstance(error.fact, Denied):
            return Verdict(Status.UNKNOWN, str(error.fact), fix=_PRINT_POLICY)
        return unknown(str(error.fact))


def _scored(item: Item, found: Verdict, names: dict[str, str]) -> Scored:
    fix = item.fix if found.fix is None else found.fix
    if "{account}" in fix and names["account"] == shlex.quote(_NOT_KNOWN):
        fix = decide("which account it is: sts:GetCallerIdentity is denied")
    return Scored(
        id=item.id,
        pillar=item.pillar,
        points=item.points,
        title=item.title,
        status=found.status,
        expected=item.expected,
        actual=found.actual,
        why=item.why,
        fix_cli=fix.format_map(names),
        source_url=item.source,
    )
