"""Verdicts on the other trails, the outsiders and the services that policies allow: pure, from their text.

The requests are derived from the policy itself: from each trail, principal or service that it names, and each that its
wildcards could match. One that the policy neither names nor describes is among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from verify.arn import Arn
from verify.fact import Denied, Failed, Missing, Value, known
from verify.policy.document import Statement, parse_policy
from verify.policy.evaluation import Principal, PrincipalKind, Request, decide, decide_each, one_of_each
from verify.policy.probes import ANY_OTHER, probe, probes, readable
from verify.policy.ternary import Ternary, any_of, reasons_of
from verify.policy.times import context_at
from verify.policy.wildcard import matches
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Status, Verdict, failed, passed, unknown
from verify.posture.model import decide as left_to_decide
from verify.posture.resource_policies.cloudtrail_requests import (
    CLOUDTRAIL,
    bucket_requests,
    key_requests,
    on_behalf_of,
    opt_in_requests,
)
from verify.posture.resource_policies.commands import (
    READ_ACCESS_POINT_POLICY,
    READ_BUCKET_POLICY,
    READ_KEY_POLICY,
    narrow,
    shell_word,
)
from verify.posture.resource_policies.delivery_access import delivery

# Each decrypts, or gives its caller the permission to decrypt, or ends the use of the key.
# https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
)
# What reads, writes or deletes log files; the first five of the second list are those of Security Hub's S3.6.
# https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-6
_OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectAcl",
    # Replication from a bucket of theirs writes and deletes with these.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:BypassGovernanceRetention",
    # Replication to a bucket of theirs reads with this one.
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectTorrent",
    "s3:GetObjectVersionTorrent",
    "s3:PutObjectVersionAcl",
    # It encrypts an object anew, under another key.
    "s3:UpdateObjectEncryption",
    # What a lifecycle rule deletes, and what replication copies, can depend on tags.
    "s3:PutObjectTagging",
    "s3:DeleteObjectTagging",
    "s3:PutObjectVersionTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:AbortMultipartUpload",
    "s3:ReplicateTags",
)
_BUCKET_ACTIONS = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketRequestPayment",
    "s3:PutReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:DeleteBucket",
    # All else that changes a bucket.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutInventoryConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:PutIntelligentTieringConfiguration",
    "s3:PutAccelerateConfiguration",
    "s3:PutBucketCORS",
    "s3:PutBucketWebsite",
    "s3:DeleteBucketWebsite",
    "s3:PutBucketTagging",
    "s3:TagResource",
    "s3:UntagResource",
    "s3:PutBucketAbac",
    "s3:InitiateReplication",
    "s3:CreateBucketMetadataTableConfiguration",
)
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ACCOUNT_KEYS = {"aws:sourceaccount", "aws:principalaccount", "kms:calleraccount"}
_TRAIL_KEYS = {"aws:sourcearn", "kms:encryptioncontext:aws:cloudtrail:arn"}
# The caller chooses their values, or to send none, so that a condition on them keeps nobody out.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
_CHOSEN = re.compile(
    r"s3:(x-amz-.*|prefix|delimiter|max-keys|versionid|tlsversion)|aws:(referer|useragent|securetransport)|kms:viaservice"
)
# So many combinations of them are tried for one policy, which takes a second. Usual policies have a few.
_MOST_CHOICES = 20_000
# CloudWatch Logs decrypts for a log group, and names it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
_LOG_GROUP_KEY = "kms:encryptioncontext:aws:logs:arn"
_ORGANIZATION_KEYS = {"aws:principalorgid", "aws:sourceorgid"}


def bucket_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may write where this one writes."""
    deliveries = delivery(facts)
    if isinstance(facts.bucket_policy, Missing):
        return passed(str(facts.bucket_policy))
    policy = known(facts.bucket_policy)
    statements = parse_policy(policy)
    own = (*bucket_requests(deliveries, statements), *opt_in_requests(deliveries, statements))
    # For the trails of others, of which a policy may name dozens, all that it decides alike would be too many.
    kept = tuple(one_of_each(statements, own))
    return _allows_no_other_trail(policy, facts, lambda other: on_behalf_of(other, kept))


def key_policy_names_the_trail(facts: TrailFacts) -> Verdict:
    """No other trail may encrypt with the key."""
    key_arn = known(facts.key_arn)
    return _allows_no_other_trail(
        known(facts.key_policy), facts, lambda other: key_requests(other, key_arn, facts.asked_at)[:1]
    )


def key_policy_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    """The key policy gives no outsider, and no service on behalf of one, a way to decrypt or to end the key's use."""
    key_arn, trail_arn = known(facts.key_arn), known(facts.target.trail_arn)
    owner = Arn.parse(key_arn).account
    if owner not in own_accounts(facts):
        # Its policy is not asked: KMS shows it to nobody else, and its owner can change it or end the key at any time.
        return failed(
            f"the key belongs to account {owner}",
            fix=left_to_decide("whether that account is yours (--trusted-account), or another key for the trail"),
        )
    more = {
        "kms:encryptioncontext:aws:cloudtrail:arn": (trail_arn,),
        "kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn"),
    }
    asked = [(action, key_arn) for action in _KEY_ACTIONS]
    return _keeps_outsiders_out(facts, known(facts.key_policy), asked, more, READ_KEY_POLICY)


def bucket_policy_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    """The bucket policy lets no outsider read, write or delete log files, or change the bucket."""
    bucket_arn = f"arn:{facts.target.partition}:s3:::{known(facts.bucket)}"
    if isinstance(facts.bucket_policy, Missing):
        return passed(str(facts.bucket_policy))
    policy = known(facts.bucket_policy)
    on_bucket, on_objects = (_one_of_each(policy, actions) for actions in (_BUCKET_ACTIONS, _OBJECT_ACTIONS))
    asked = [(action, bucket_arn) for action in on_bucket]
    asked += [(action, f"{bucket_arn}/{key}") for action in on_objects for key in _keys(policy, bucket_arn)]
    return _keeps_outsiders_out(facts, policy, asked, {}, READ_BUCKET_POLICY)


def access_points_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    """No access point of the bucket lets an outsider read, write or delete log files.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html
    """
    arns = known(facts.access_points)
    undecided: Verdict | None = None  # one that lets somebody in for certain comes first
    for own, policy in known(facts.access_point_policies).items():
        name = own.rpartition("accesspoint/")[2]
        asked = [(action, own) for action in ("s3:ListBucket", "s3:ListBucketVersions")]
        keys = _keys(policy, f"{own}/object")
        on_objects = _one_of_each(policy, _OBJECT_ACTIONS)
        asked += [(action, f"{own}/object/{key}") for action in on_objects for key in keys]
        found = _keeps_outsiders_out(facts, policy, asked, {}, READ_ACCESS_POINT_POLICY.format(name=shell_word(name)))
        if found.status is Status.PASS:
            continue
        verdict = Verdict(found.status, f"access point {name}: {found.actual}", found.fix)
        if found.status is Status.FAIL:
            return verdict
        undecided = undecided or verdict
    if undecided:
        return undecided
    count = len(arns)
    what = f"{count} access point{'' if count == 1 else 's'}, for no outsider" if arns else "no access point"
    return passed(f"{what}; S3 Access Grants and Multi-Region Access Points are not looked at")


def _keeps_outsiders_out(
    facts: TrailFacts,
    policy: str,
    asked: Iterable[tuple[str, str]],
    more: Mapping[str, tuple[str, ...]],
    read: str,
) -> Verdict:
    """PASS when the policy allows none of these to anybody outside.

    :param asked: actions, each with the resource.
    :param more: further keys of the requests.
    :param read: the command that shows the policy: which outsiders are meant to come in, somebody has to decide.
    """
    statements = parse_policy(policy)
    own = own_accounts(facts)
    context = {**more, **context_at(facts.asked_at)}
    partition = facts.target.partition
    asked = tuple(asked)
    left = iter(range(_MOST_CHOICES))

    def each_decided(
        alone: Iterable[tuple[Principal, dict[str, tuple[str, ...]]]],
    ) -> Iterator[tuple[Request, Ternary]]:
        callers = [(who, more) for who, each in alone for more in _in_organizations(each, facts, statements)]
        requests = (
            Request(who, action, resource, of_caller)
            for who, of_caller in callers
            for action, resource in asked
            if not (who == CLOUDTRAIL and _is_of_trails(action))
        )
        for request, decision in decide_each(statements, requests):
            yield _as_it_suits(statements, request, decision.is_allowed, left)

    answers = []
    for request, answer in each_decided(
        (
            *_outsiders(partition, own, statements, context),
            *_vouched_for(own, statements, context),
            *_services(partition, own, statements, context),
        )
    ):
        if answer.is_true:
            by = next(s.label for s in statements if s.is_allow and decide_alone(s, request))
            return failed(
                f"{request.action} is allowed to {_who(request)}{request.when}, by statement {readable(by)}",
                fix=narrow(read, by),
            )
        answers.append(answer)
    reasons = reasons_of(answers)
    if reasons:
        return unknown(f"depends on {reasons}")
    for request, answer in each_decided(_for_named_resources(facts, statements, context)):
        if answer.is_true is not False:
            source, service = request.context["aws:sourcearn"][0], readable(request.principal.name)
            return unknown(
                f"{request.action} is allowed to {service} for {source}, and whose that is, is not known: a condition"
                " on aws:SourceAccount says it"
            )
    return passed("no outsider is allowed any of it")


def _as_it_suits(
    statements: tuple[Statement, ...], request: Request, answer: Ternary, left: Iterator[int]
) -> tuple[Request, Ternary]:
    """The answer to a request of which the caller chooses what depends on nobody else, and the request with it.

    :param left: as many combinations are still tried; without any, what is undecided stays so.
    """
    keys = sorted({key for reason in answer.reasons if _CHOSEN.fullmatch(key := reason.what.casefold())})
    if answer.is_true is not None or not keys:
        return request, answer
    answers = []
    for chosen in product(*(_choices(statements, key) for key in keys)):
        if next(left, None) is None:
            return request, answer
        tried = replace(request, context={**request.context, **dict(zip(keys, chosen, strict=True))})
        # What is chosen can lead to conditions on further keys.
        tried, found = _as_it_suits(statements, tried, decide(statements, tried).is_allowed, left)
        if found.is_true:
            return tried, found
        answers.append(found)
    return request, any_of(answers)


def _choices(statements: tuple[Statement, ...], key: str) -> tuple[tuple[str, ...], ...]:
    """Values of a key that a policy can tell apart: none, each that it names, and any other."""
    if key == "aws:securetransport":
        return ("true",), ("false",)
    usual = ("1.3", "1.2", "1.0") if key == "s3:tlsversion" else (ANY_OTHER,)
    named = (probe(value) for value in _values(statements, {key}) if "${" not in value)
    return ((), *((value,) for value in dict.fromkeys((*named, *usual))))


def decide_alone(statement: Statement, request: Request) -> bool:
    """Whether this one statement allows the request."""
    return bool(decide((statement,), request).is_allowed.is_true)


def _is_of_trails(action: str) -> bool:
    """What CloudTrail does for trails, of which :func:`bucket_policy_names_the_trail` and that of the key judge."""
    return action in ("s3:PutObject", "kms:Decrypt")


def _who(request: Request) -> str:
    name = readable(request.principal.name)
    if request.principal.kind is PrincipalKind.SERVICE:
        return f"{'any AWS service' if ANY_OTHER in request.principal.name else name} on behalf of any account"
    if request.principal.kind is PrincipalKind.FEDERATED:
        return f"whom {name} vouches for"
    return f"{name} (anybody)" if ANY_OTHER in request.principal.name.split(":")[4] else name


def own_accounts(facts: TrailFacts) -> set[str]:
    """The account that was asked, and the trail's: in a member account those are two. And those that are trusted."""
    found = {Arn.parse(known(facts.target.trail_arn)).account, *facts.target.trusted_accounts}
    if isinstance(facts.target.account, Value):
        found.add(facts.target.account.value)
    return found


def _one_of_each(policy: str, actions: Iterable[str]) -> tuple[str, ...]:
    """The first of the actions that a policy cannot tell apart: all its patterns match each of them alike."""
    patterns = dict.fromkeys(pattern for each in parse_policy(policy) for pattern in each.actions.patterns)
    kinds: dict[tuple[object, ...], str] = {}
    for action in actions:
        alike = tuple(matches(pattern, action, ignore_case=True).is_true for pattern in patterns)
        kinds.setdefault((_is_of_trails(action), *alike), action)
    return tuple(kinds.values())


def _keys(policy: str, resource: str) -> tuple[str, ...]:
    """Keys of objects: a log file's, any other, and one of each pattern in the policy."""
    patterns = [pattern for s in parse_policy(policy) for pattern in s.resources.patterns]
    own = f"{resource}/"
    named = [probe(pattern) for pattern in patterns if "${" not in pattern]
    return tuple(
        dict.fromkeys(
            (f"AWSLogs/{ANY_OTHER}", ANY_OTHER, *(name.removeprefix(own) for name in named if name.startswith(own)))
        )
    )


def _outsiders(
    partition: str, own: set[str], statements: tuple[Statement, ...], context: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Principal, dict[str, tuple[str, ...]]]]:
    """Principals of other accounts, each with the context of its requests: directly, and by an access point there."""
    for who in _external_principals(partition, own, statements):
        account = who.split(":")[4]
        direct = {
            **context,
            "aws:principalarn": (who,),
            "aws:principalaccount": (account,),
            "aws:principalisawsservice": ("false",),
            "aws:principalservicename": (),
            "aws:sourcearn": (),
            "aws:sourceaccount": (),
            "kms:calleraccount": (account,),
            "s3:dataaccesspointaccount": (),
            "s3:dataaccesspointarn": (),
        }
        principal = Principal(PrincipalKind.AWS, who)
        yield principal, direct
        if _values(statements, {"s3:dataaccesspointaccount", "s3:dataaccesspointarn"}):
            point = f"arn:{partition}:s3:{ANY_OTHER}:{account}:accesspoint/{ANY_OTHER}"
            yield principal, {**direct, "s3:dataaccesspointaccount": (account,), "s3:dataaccesspointarn": (point,)}


def _vouched_for(
    own: set[str], statements: tuple[Statement, ...], context: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Principal, dict[str, tuple[str, ...]]]]:
    """Sessions for which an identity provider vouches that a policy names, but for providers of the own accounts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    entries = (entry for s in statements if s.is_allow for entry in s.principals.patterns)
    for name in dict.fromkeys(entry.value for entry in entries if entry.kind == "Federated"):
        if name.split(":")[4:5] and name.split(":")[4] in own:
            continue
        yield Principal(PrincipalKind.FEDERATED, name), {**context, "aws:principalisawsservice": ("false",)}


def _in_organizations(
    context: Mapping[str, tuple[str, ...]], facts: TrailFacts, statements: tuple[Statement, ...]
) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """The context for a caller of each organization that the policy names and of any other, but for the account's own.
    Where that is not known, neither is what a condition on the organization keeps out.
    """
    found = facts.organization_id
    if isinstance(found, Denied | Failed):
        yield context
        return
    own = found.value if isinstance(found, Value) else ""
    by_service = context["aws:principalisawsservice"] == ("true",)
    key, absent = ("aws:sourceorgid", "aws:principalorgid") if by_service else ("aws:principalorgid", "aws:sourceorgid")
    for name in (f"o-{ANY_OTHER}", *map(probe, _values(statements, _ORGANIZATION_KEYS))):
        if name != own:
            yield {**context, key: (name,), absent: ()}


def _services(
    partition: str,
    own: set[str],
    statements: tuple[Statement, ...],
    context: Mapping[str, tuple[str, ...]],
) -> Iterator[tuple[Principal, dict[str, tuple[str, ...]]]]:
    """Each service that the policy lets in, on behalf of a resource of another account (a confused deputy).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    accounts = [account for account in _accounts(statements) if account not in own]
    for name in _service_names(statements):
        for account in accounts:
            for pattern in ("*", *_values(statements, {"aws:sourcearn", _LOG_GROUP_KEY})):
                *_, service, region, owner, resource = ("*", "*", "*", "*", *pattern.split(":", 5)[2:])
                if _is_of_one_resource(pattern) or (owner and account not in probes(owner, *accounts)):
                    continue
                of = account if owner else ""
                source = f"arn:{partition}:{probe(service)}:{probe(region)}:{of}:{probe(resource)}"
                yield _of_service(name, source, account, context)


def _for_named_resources(
    facts: TrailFacts, statements: tuple[Statement, ...], context: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Principal, dict[str, tuple[str, ...]]]]:
    """Each service that the policy lets in, on behalf of a resource that it names by an ARN without an account, such as
    a bucket's: it can be anybody's.
    """
    bucket = facts.bucket.value if isinstance(facts.bucket, Value) else None
    for source in _values(statements, {"aws:sourcearn"}):
        if _is_of_one_resource(source) and source.rpartition(":")[2] != bucket:
            for name in _service_names(statements):
                yield _of_service(name, source, ANY_OTHER, context)


def _is_of_one_resource(arn: str) -> bool:
    """Whether an ARN has no account, and names the one resource of that name."""
    parts = arn.split(":", 5)
    return len(parts) == 6 and not parts[4] and not set("*?") & set(parts[5])


def _service_names(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """The services that a policy lets in: those that it names, and any other where it lets in everybody."""
    allowing = [s.principals for s in statements if s.is_allow]
    entries = [entry for each in allowing if not each.excludes for entry in each.patterns]
    named = {entry.value for entry in entries if entry.kind == "Service"}
    if any(each.excludes for each in allowing) or any(entry.value == "*" for entry in entries):
        named |= {probe(name) for name in _values(statements, {"aws:principalservicename"})}
        named.add(f"{ANY_OTHER}.amazonaws.com")
    return tuple(sorted(named))


def _of_service(
    name: str, source: str, account: str, context: Mapping[str, tuple[str, ...]]
) -> tuple[Principal, dict[str, tuple[str, ...]]]:
    """A service with the context of its requests.

    :param source: ARN of the resource on whose behalf it calls; ``account`` has it.
    """
    of_logs = {_LOG_GROUP_KEY: (source,)} if name.split(".", maxsplit=1)[0] == "logs" else {}
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
            **dict.fromkeys(("s3:dataaccesspointaccount", "s3:dataaccesspointarn"), ()),
        },
    )


def _allows_no_other_trail(policy: str, facts: TrailFacts, requests_of: Callable[[str], Sequence[Request]]) -> Verdict:
    """PASS when the policy allows none of the requests on behalf of another trail."""
    statements = parse_policy(policy)
    others = _other_trails(known(facts.target.trail_arn), statements)
    answers = []
    for request, decision in decide_each(statements, (request for other in others for request in requests_of(other))):
        if decision.is_allowed.is_true:
            other = readable(request.context["aws:sourcearn"][0])
            return failed(f"{request.action} is allowed for {other} as well{request.when}")
        answers.append(decision.is_allowed)
    reasons = reasons_of(answers)
    return unknown(f"depends on {reasons}") if reasons else passed("no other trail is allowed")


def _other_trails(trail_arn: str, statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of trails other than this one, whose number grows with the policy without a limit.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own = Arn.parse(trail_arn)
    own_name = own.resource.removeprefix("trail/")
    accounts = (own.account, *_accounts(statements))
    seen = {trail_arn}
    for pattern in ("*:*:trail/*", *_values(statements, _TRAIL_KEYS)):
        *_, region, account, resource = ("*", "*", *pattern.split(":"))
        for other_region in probes(region, own.region):
            for owner in probes(account, *accounts):
                for name in probes(resource.rpartition("trail/")[2], own_name, f"{own_name}-x"):
                    other = f"arn:{own.partition}:cloudtrail:{other_region}:{owner}:trail/{name}"
                    if other not in seen:
                        seen.add(other)
                        yield other


def _external_principals(partition: str, own: set[str], statements: tuple[Statement, ...]) -> Iterator[str]:
    """ARNs of principals of other accounts, whose number grows with the policy without a limit."""
    accounts = [account for account in _accounts(statements) if account not in own]
    named = [entry.value for s in statements for entry in s.principals.patterns if entry.kind == "AWS"]
    seen = set()
    for pattern in ("arn:*:iam::*:role/*", *named, *_values(statements, {"aws:principalarn"})):
        if _ACCOUNT.fullmatch(pattern):
            continue  # A number alone is among the accounts already.
        *_, service, _, account, resource = ("*", "*", "*", *pattern.split(":"))
        for owner in probes(account, *accounts):
            who = f"arn:{partition}:{'sts' if service == 'sts' else 'iam'}::{owner}:{probe(resource)}"
            if owner not in own and who not in seen:
                seen.add(who)
                yield who


def _accounts(statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Every account that a policy names, whatever for, and one that it does not."""
    everything = [value for s in statements for condition in s.conditions for value in condition.values]
    everything += [entry.value for s in statements for entry in s.principals.patterns]
    named = [account for value in everything for account in _ACCOUNT.findall(value)]
    return tuple(dict.fromkeys((ANY_OTHER, *named, *map(probe, _values(statements, _ACCOUNT_KEYS)))))


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
