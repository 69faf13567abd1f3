"""Trails and principals that should not be let in, made up from the policy itself: each that it names, and each
that its wildcards could stand for. Somebody whom the policy neither names nor describes is among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from verify.arn import Arn
from verify.policy.document import Statement
from verify.policy.probes import ANYTHING, filled, options

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ACCOUNT_KEYS = {"aws:sourceaccount", "aws:principalaccount", "kms:calleraccount"}
_TRAIL_KEYS = {"aws:sourcearn", "kms:encryptioncontext:aws:cloudtrail:arn"}


def other_trails(trail_arn: str, statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of trails other than this one, without end for a policy without end.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own = Arn.parse(trail_arn)
    own_name = own.resource.removeprefix("trail/")
    accounts = (own.account, *_accounts(statements))
    seen = {trail_arn}
    for pattern in ("*:*:trail/*", *_values(statements, _TRAIL_KEYS)):
        *_, region, account, resource = ("*", "*", *pattern.split(":"))
        for place in options(region, own.region):
            for owner in options(account, *accounts):
                for name in options(resource.rpartition("trail/")[2], own_name, f"{own_name}-x"):
                    other = f"arn:{own.partition}:cloudtrail:{place}:{owner}:trail/{name}"
                    if other not in seen:
                        seen.add(other)
                        yield other


def strangers(key_arn: str, statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of principals of other accounts than the key's, without end for a policy without end."""
    own = Arn.parse(key_arn)
    accounts = [account for account in _accounts(statements) if account != own.account]
    named = [entry.value for s in statements for entry in s.principals.patterns if entry.kind == "AWS"]
    seen = set()
    for pattern in ("arn:*:iam::*:role/*", *named, *_values(statements, {"aws:principalarn"})):
        if _ACCOUNT.fullmatch(pattern):
            continue  # A number alone is among the accounts already.
        *_, service, _, account, resource = ("*", "*", "*", *pattern.split(":"))
        for owner in options(account, *accounts):
            who = f"arn:{own.partition}:{'sts' if service == 'sts' else 'iam'}::{owner}:{filled(resource)}"
            if owner != own.account and who not in seen:
                seen.add(who)
                yield who


def _accounts(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Every account that a policy names, whatever for, and one that it does not."""
    everything = [value for s in statements for condition in s.conditions for value in condition.values]
    everything += [entry.value for s in statements for entry in s.principals.patterns]
    named = [account for value in everything for account in _ACCOUNT.findall(value)]
    return tuple(dict.fromkeys((ANYTHING, *named, *map(filled, _values(statements, _ACCOUNT_KEYS)))))


def _values(statements: tuple[Statement, ...], keys: set[str]) -> tuple[str, ...]:
    """The values that a policy compares any of these keys with."""
    found = (
        value
        for statement in statements
        for condition in statement.conditions
        if condition.key.casefold() in keys
        for value in condition.values
    )
    return tuple(dict.fromkeys(found))
