"""Who might call: the outsiders and services that a policy tells apart, each with the context of its requests.

They are derived from the policy itself: one of each kind that its patterns tell apart, and one that it neither names
nor describes. What a caller chooses as it suits it is here as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from verify.arn import Arn
from verify.policy.conditions import holds
from verify.policy.document import Condition, Statement
from verify.policy.evaluation import Principal, PrincipalKind
from verify.policy.probes import ANY_OTHER, LETTER
from verify.policy.ternary import Ternary
from verify.policy.texts import PART, Group, in_any_case, literal, of_arn, one_of_each_kind
from verify.policy.variables import substituted
from verify.policy.wildcard import arn_matches, matches

Context = Mapping[str, tuple[str, ...]]
Caller = tuple[Principal, dict[str, tuple[str, ...]]]

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
# One of which the policy says nothing. As long as any, so that whatever number of question marks matches them does it.
ANY_ACCOUNT = LETTER * 12
_ACCOUNT_OR_ANY = re.compile(rf"[\d{LETTER}]{{12}}")
POINT_ACCOUNT, _POINT_ARN = "s3:dataaccesspointaccount", "s3:dataaccesspointarn"
_ACCOUNT_KEYS = {"aws:sourceaccount", "aws:principalaccount", "kms:calleraccount", POINT_ACCOUNT}
_TRAIL_KEYS = {"aws:sourcearn", "kms:encryptioncontext:aws:cloudtrail:arn"}
# CloudWatch Logs decrypts for a log group, the results of queries or an anomaly detector, and names it: without the
# ":*" that other ARNs of a log group have at their end. No name of one has a colon, and each kind has a hyphen, which
# no number of an account has.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html and
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
_LOG_GROUP_KEY = "kms:encryptioncontext:aws:logs:arn"
_OF_LOGS = f"{PART}-{PART}:{PART}"
ARN_KEYS = {"aws:principalarn", _POINT_ARN, _LOG_GROUP_KEY, *_TRAIL_KEYS}
_ORGANIZATION_KEYS = {"aws:principalorgid", "aws:sourceorgid"}
# The value of aws:PrincipalArn is one of these, without the account's number.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
_KINDS_OF_PRINCIPALS = (
    "iam::{}:role/?*",
    "iam::{}:user/?*",
    "iam::{}:root",
    "sts::{}:assumed-role/?*/?*",
    "sts::{}:federated-user/?*",
)
# What these services call for has no further colon in its ARN, over which a star of StringLike could reach an account's
# number. Others have: a log group of that name, an alias, an execution.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html and list_awsconfig.html
_WITHOUT_COLONS = {"cloudtrail.amazonaws.com", "config.amazonaws.com"}
_VARIABLE = re.compile(r"\$\{[^{}]*\}")


def outsiders(partition: str, own: set[str], statements: tuple[Statement, ...], context: Context) -> Iterator[Caller]:
    """Principals of other accounts, each with the context of its requests: directly, and by an access point there."""
    others = [account for account in accounts(statements, own) if account not in own]
    principals = []
    # The first who comes in decides: of hundreds, the others are then not looked for.
    for who, arn in _external_principals(partition, others, statements):
        principals.append((who, arn))
        yield from _by_points(who, arn, (None, *_points(partition, statements, who.split(":")[4])), context)
    points = list(_telling_points(partition, statements, others))
    for who, arn in principals if points else ():
        yield from _by_points(who, arn, points, context)


def _by_points(who: str, arn: str, points: Iterable[str | None], context: Context) -> Iterator[Caller]:
    """A principal of another account that calls by each of these access points; ``None``: by none."""
    account = who.split(":")[4]
    for point in points:
        yield (
            Principal(PrincipalKind.AWS, who),
            {
                **context,
                "aws:principalarn": (arn,),
                "aws:principalaccount": (account,),
                "aws:principalisawsservice": ("false",),
                "aws:principalservicename": (),
                "aws:sourcearn": (),
                "aws:sourceaccount": (),
                "kms:calleraccount": (account,),
                POINT_ACCOUNT: () if point is None else (point.split(":")[4],),
                _POINT_ARN: () if point is None else (point,),
            },
        )


def _points(partition: str, statements: tuple[Statement, ...], account: str) -> tuple[str, ...]:
    """ARNs of access points that others make for the bucket, where a policy tells access points apart."""
    if not values(statements, {POINT_ACCOUNT, _POINT_ARN}) or not _ACCOUNT_OR_ANY.fullmatch(account):
        return ()
    return _texts(statements, {_POINT_ARN}, f"arn:{partition}:s3:{PART}:{account}:accesspoint/?*")


def _telling_points(partition: str, statements: tuple[Statement, ...], others: Iterable[str]) -> Iterator[str]:
    """Of all others' access points one that meets the same conditions as the rest of its kind."""
    conditions = _conditions(statements, {POINT_ACCOUNT, _POINT_ARN})
    depends_on_caller = any("${" in value for each in conditions for value in each.values)
    seen: set[object] = set()
    for account in others:
        for point in _points(partition, statements, account):
            sent = {POINT_ACCOUNT: (account,), _POINT_ARN: (point,)}
            alike = point if depends_on_caller else tuple(holds(each, sent).is_true for each in conditions)
            if alike not in seen:
                seen.add(alike)
                yield point


def vouched_for(own: set[str], statements: tuple[Statement, ...], context: Context) -> Iterator[Caller]:
    """Sessions for which an identity provider vouches that a policy names, but for providers of the own accounts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    entries = (entry for s in statements if s.is_allow for entry in s.principals.patterns)
    for name in dict.fromkeys(entry.value for entry in entries if entry.kind == "Federated"):
        if name.split(":")[4:5] and name.split(":")[4] in own:
            continue
        yield Principal(PrincipalKind.FEDERATED, name), {**context, "aws:principalisawsservice": ("false",)}


def in_organizations(
    context: Context, own: str | None, statements: tuple[Statement, ...], *, is_known: bool
) -> Iterator[Context]:
    """The context for a caller of each organization that the policy tells apart, but for the account's own. Where that
    is not known, neither is what a condition on the organization keeps out.

    :param own: ``None`` where the account is in no organization.
    """
    if not is_known:
        yield context
        return
    by_service = context["aws:principalisawsservice"] == ("true",)
    key, absent = ("aws:sourceorgid", "aws:principalorgid") if by_service else ("aws:principalorgid", "aws:sourceorgid")
    for name in _texts(statements, _ORGANIZATION_KEYS, "o-?*", () if own is None else (own,)):
        if name != own:
            yield {**context, key: (name,), absent: ()}


def services(partition: str, own: set[str], statements: tuple[Statement, ...], context: Context) -> Iterator[Caller]:
    """Each service that the policy lets in, on behalf of a resource of another account (a confused deputy).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    others = [account for account in accounts(statements, own) if account not in own]
    named = set(values(statements, {"aws:sourcearn"}))
    for name in service_names(statements):
        for account in others:
            is_logs = name.split(".", maxsplit=1)[0] == "logs"
            groups = _log_groups(partition, account, statements) if is_logs else (None,)
            for owner in (account, ""):  # the ARNs of some resources have no account
                within = f"arn:{partition}:{PART}:{PART}:{owner}:{PART if name in _WITHOUT_COLONS else '*'}"
                for source in _texts(statements, {"aws:sourcearn"}, within):
                    if not (source in named and is_of_one_resource(source)):
                        yield from (of_service(name, source, account, context, group) for group in groups)


def _log_groups(partition: str, account: str, statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """What CloudWatch Logs calls for in an account, as it says in the encryption context."""
    return _texts(statements, {_LOG_GROUP_KEY}, f"arn:{partition}:logs:{PART}:{account}:{_OF_LOGS}")


def for_named_resources(bucket: str | None, statements: tuple[Statement, ...], context: Context) -> Iterator[Caller]:
    """Each service that the policy lets in, on behalf of a resource that it names by an ARN without an account, such as
    a bucket's: it can be anybody's.

    :param bucket: the log bucket, whose that is, is known.
    """
    for source in values(statements, {"aws:sourcearn"}):
        if is_of_one_resource(source) and source.rpartition(":")[2] != bucket:
            for name in service_names(statements):
                yield of_service(name, source, ANY_ACCOUNT, context)


def is_of_one_resource(arn: str) -> bool:
    """Whether an ARN has no account, and names the one resource of that name."""
    parts = arn.split(":", 5)
    return len(parts) == 6 and not parts[4] and not set("*?") & set(parts[5])


def service_names(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """The services that a policy lets in: those that it names, and any other where it lets in everybody."""
    allowing = [s.principals for s in statements if s.is_allow]
    entries = [entry for each in allowing if not each.excludes for entry in each.patterns]
    named = {entry.value for entry in entries if entry.kind == "Service"}
    if any(each.excludes for each in allowing) or any(entry.value == "*" for entry in entries):
        named |= {*_texts(statements, {"aws:principalservicename"}, "?*.amazonaws.com*")}
        named.add(f"{ANY_OTHER}.amazonaws.com")
    return tuple(sorted(named))


def of_service(name: str, source: str, account: str, context: Context, log_group: str | None = None) -> Caller:
    """A service with the context of its requests.

    :param source: ARN of the resource on whose behalf it calls; ``account`` has it.
    :param log_group: what it names in the encryption context. Default: - that is not known.
    """
    of_logs = {} if log_group is None else {_LOG_GROUP_KEY: (log_group,)}
    return (
        Principal(PrincipalKind.SERVICE, name),
        {
            **context,
            **of_logs,
            "aws:sourcearn": (source,),
            "aws:sourceaccount": (account,),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (name,),
            "aws:securetransport": ("true",),
            "s3:tlsversion": ("1.3",),
            **dict.fromkeys(("aws:principalarn", "aws:principalaccount", "aws:sourceip"), ()),
            "kms:calleraccount": (account,),
            **dict.fromkeys((POINT_ACCOUNT, _POINT_ARN), ()),
        },
    )


def other_trails(trail_arn: str, statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of trails other than this one, whose number grows with the policy without a limit.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own = Arn.parse(trail_arn)
    for owner in dict.fromkeys((own.account, *accounts(statements, {own.account}))):
        within = f"arn:{own.partition}:cloudtrail:?{PART}:{owner}:trail/?{PART}"  # no name of a trail has a colon
        yield from (each for each in _texts(statements, _TRAIL_KEYS, within, (trail_arn,)) if each != trail_arn)


def object_arns(statements: tuple[Statement, ...], resource: str, context: Context | None = None) -> tuple[str, ...]:
    """ARNs of objects below a resource, one of each kind.

    :param context: of the caller, for policy variables. Default: - none is resolved.
    """
    groups = [
        group
        for each in statements
        for group in _groups((_resolved(pattern, context), "${" in pattern) for pattern in each.resources.patterns)
    ]
    return tuple(one_of_each_kind(groups, f"{resource}/?*").values())


def choices(statements: tuple[Statement, ...], key: str) -> tuple[tuple[str, ...], ...]:
    """Values of a key that a policy can tell apart and its caller chooses: none, and one of each kind."""
    if key == "aws:securetransport":
        return ("true",), ("false",)
    conditions = _conditions(statements, {key})
    numbers = [value for each in conditions if "Numeric" in each.operator for value in each.values]
    found = [*_around(numbers), *(("1.3", "1.2", "1.0") if key == "s3:tlsversion" else ())]
    found += _texts(statements, {key}, "*")
    return ((), *((value,) for value in dict.fromkeys(found)))


def _around(numbers: Iterable[str]) -> Iterator[str]:
    """Each number, and one on either side of it."""
    for number in numbers:
        yield number
        try:
            value = float(number)
        except ValueError:
            continue
        step = 1 if value.is_integer() else 0.1
        yield from (f"{beside:g}" for beside in (value - step, value + step) if beside >= 0)


def _external_principals(
    partition: str, others: Iterable[str], statements: tuple[Statement, ...]
) -> Iterator[tuple[str, str]]:
    """ARNs of principals of other accounts, as a policy names them and as ``aws:PrincipalArn`` has them. Their number
    grows with the policy without a limit.
    """
    # In the policy's order, so that the answer names the same one each time.
    named = dict.fromkeys(e.value for s in statements for e in s.principals.patterns if e.kind == "AWS")
    conditions = {*_told_apart(statements, {"aws:principalarn"})}
    for owner in others:
        # An ARN of another account is none of this one's.
        of_owner = frozenset(literal(who) for who in named if who.split(":")[4:5] == [owner])
        groups = {*conditions, of_owner} if of_owner else conditions
        seen = set()
        for kind in _KINDS_OF_PRINCIPALS:
            within = f"arn:{partition}:{kind.format(owner)}"
            for alike, arn in one_of_each_kind(groups, within).items():
                if alike not in seen:
                    seen.add(alike)
                    yield arn, arn
            yield from ((who, who) for who in named if arn_matches(within, who).is_true)
    for who in named:
        parts = who.split(":", 5)
        if len(parts) == 6 and parts[4] in others and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
            # The name of a session has the name of its role without the role's path.
            role = parts[5].split("/")[1]
            for name in (role, f"*/{role}"):
                within = f"arn:{partition}:iam::{parts[4]}:role/{name}"
                yield from ((who, arn) for arn in _texts(statements, {"aws:principalarn"}, within))
        elif len(parts) == 6 and parts[4] and not _ACCOUNT.fullmatch(parts[4]):
            yield who, who  # such as an identity of CloudFront


def accounts(statements: tuple[Statement, ...], own: Iterable[str]) -> tuple[str, ...]:
    """Every account that a policy names, whatever for, one of each kind that its patterns tell apart, and one that it
    does not name.
    """
    everything = [value for s in statements for condition in s.conditions for value in condition.values]
    everything += [entry.value for s in statements for entry in s.principals.patterns]
    named = [account for value in everything for account in _ACCOUNT.findall(value)]
    parts = [value.split(":") for value in values(statements, ARN_KEYS)]
    patterns = {_resolved(each[4], None) for each in parts if len(each) > 4}
    # Those without a wildcard are named.
    in_arns: set[str] = {pattern for pattern in patterns if set("*?") & set(pattern)}
    groups: set[str | Group] = {
        *_told_apart(statements, _ACCOUNT_KEYS),
        *in_arns,
        frozenset({*patterns} - in_arns),
        frozenset(own),
    }
    kinds = one_of_each_kind(groups, "?" * len(ANY_ACCOUNT)).values()
    return tuple(dict.fromkeys((ANY_ACCOUNT, *named, *kinds)))


def values(statements: tuple[Statement, ...], keys: set[str]) -> tuple[str, ...]:
    """The values that a policy compares any of these keys with."""
    return tuple(dict.fromkeys(value for each in _conditions(statements, keys) for value in each.values))


def _conditions(statements: tuple[Statement, ...], keys: set[str]) -> list[Condition]:
    return [condition for s in statements for condition in s.conditions if condition.key.casefold() in keys]


def _texts(statements: tuple[Statement, ...], keys: set[str], within: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """One value of each kind that the policy's conditions on these keys tell apart, of those that ``within`` matches.

    :param more: texts to be told apart as well.
    """
    exact = (*more, *values(statements, keys))  # an operator without wildcards takes a pattern for a text
    kinds = one_of_each_kind({*_told_apart(statements, keys), frozenset(map(literal, more))}, within).values()
    is_within = arn_matches if within.startswith("arn:") else matches
    shape = within.replace(PART, "*")
    return tuple(dict.fromkeys((*kinds, *(each for each in exact if is_within(shape, each).is_true))))


def _told_apart(statements: tuple[Statement, ...], keys: set[str]) -> Iterator[Group]:
    """The patterns with which conditions compare these keys: a value of one kind meets the same conditions."""
    for condition in _conditions(statements, keys):
        yield from _groups((_as_compared(condition.operator, value), "${" in value) for value in condition.values)


def _groups(patterns: Iterable[tuple[str, bool]]) -> Iterator[Group]:
    """One of which some match; those with a variable, which are known only in part, are each by themselves."""
    together = set()
    for pattern, has_variable in patterns:
        if has_variable:
            yield frozenset((pattern,))
        else:
            together.add(pattern)
    yield frozenset(together)


def _as_compared(operator: str, value: str) -> str:
    """A condition's value as a pattern that matches what the operator compares it with."""
    base = operator.rpartition(":")[2].removesuffix("IfExists")
    if "Like" in base or base.startswith("Arn"):
        resolved = _resolved(value, None)
        return of_arn(resolved) if base.startswith("Arn") else resolved
    pattern = "*".join(map(literal, _VARIABLE.split(value)))
    return in_any_case(pattern) if base.endswith("IgnoreCase") else pattern


def _resolved(pattern: str, context: Context | None) -> str:
    """The pattern with values for its variables; where there is none, any text."""
    resolved = pattern if context is None else substituted(pattern, context)
    return _VARIABLE.sub("*", pattern if isinstance(resolved, Ternary) else resolved)
