"""Verdicts on the other trails, the outsiders and the services that policies allow: pure, from their text.

The requests are derived from the policy itself: from each trail, principal or service that it names, and each that its
wildcards could match. One that the policy neither names nor describes is among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product

from verify.arn import Arn
from verify.fact import Missing, Value, known
from verify.policy.document import Condition, Statement, parse_policy
from verify.policy.evaluation import PrincipalKind, Request, decide, decide_each, one_of_each
from verify.policy.probes import ANY_OTHER, readable
from verify.policy.ternary import Ternary, any_of, reasons_of
from verify.policy.texts import limited
from verify.policy.times import context_at
from verify.policy.wildcard import matches
from verify.posture.facts.trail import IN_NO_ORGANIZATION, TrailFacts
from verify.posture.model import Status, Verdict, failed, passed, unknown
from verify.posture.model import decide as left_to_decide
from verify.posture.resource_policies.callers import (
    ANY_ACCOUNT,
    ARN_KEYS,
    POINT_ACCOUNT,
    Caller,
    Context,
    choices,
    for_named_resources,
    in_organizations,
    object_arns,
    other_trails,
    outsiders,
    services,
    vouched_for,
)
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
    READ_MULTI_REGION_POLICY,
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
# What shows events of an event data store, or ends it.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html
_STORE_ACTIONS = (
    "cloudtrail:StartQuery",
    "cloudtrail:GetQueryResults",
    "cloudtrail:DeleteEventDataStore",
    "cloudtrail:UpdateEventDataStore",
    "cloudtrail:StopEventDataStoreIngestion",
    "cloudtrail:EnableFederation",
)
# The caller chooses their values, or to send none, so that a condition on them keeps nobody out.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
_CHOSEN = re.compile(
    r"s3:(x-amz-.*|prefix|delimiter|max-keys|versionid|tlsversion)|aws:(referer|useragent|securetransport)|kms:viaservice"
)
# So many combinations of them are tried for one policy, which takes a second. Usual policies have a few.
_MOST_CHOICES = 20_000
# The context of a caller → what is asked for it: actions, each with the resource.
_Asked = Callable[[Context], tuple[tuple[str, str], ...]]


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
        "aws:resourceaccount": (owner,),
        "kms:encryptioncontext:aws:cloudtrail:arn": (trail_arn,),
        "kms:encryptioncontextkeys": ("aws:cloudtrail:arn", "aws:s3:arn"),
    }
    asked = tuple((action, key_arn) for action in _KEY_ACTIONS)
    return _keeps_outsiders_out(facts, known(facts.key_policy), lambda _: asked, more, READ_KEY_POLICY)


def bucket_policy_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    """The bucket policy lets no outsider read, write or delete log files, or change the bucket."""
    bucket_arn = f"arn:{facts.target.partition}:s3:::{known(facts.bucket)}"
    if isinstance(facts.bucket_policy, Missing):
        return passed(str(facts.bucket_policy))
    policy = known(facts.bucket_policy)
    asked = _asked(policy, bucket_arn, _BUCKET_ACTIONS, bucket_arn)
    return _keeps_outsiders_out(facts, policy, asked, _owner_of_bucket(facts), READ_BUCKET_POLICY)


def access_points_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    """No access point of the bucket lets an outsider read, write or delete log files.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html
    """
    # Those of several regions are asked for where the bucket's policy leaves something to access points.
    several = facts.multi_region_access_points
    names = {} if isinstance(several, Missing) else known(several)
    of_several = {} if not names else known(facts.multi_region_access_point_policies)
    arns = (*known(facts.access_points), *names)
    read = {
        own: READ_ACCESS_POINT_POLICY.format(name=shell_word(own.rpartition("accesspoint/")[2]))
        for own in known(facts.access_point_policies)
    }
    read |= {own: READ_MULTI_REGION_POLICY.format(name=shell_word(names[own])) for own in of_several}

    def judged(own: str, policy: str) -> Verdict:
        asked = _asked(policy, own, ("s3:ListBucket", "s3:ListBucketVersions"), f"{own}/object")
        return _keeps_outsiders_out(facts, policy, asked, _owner_of_bucket(facts), read[own])

    found = _worst({**known(facts.access_point_policies), **of_several}, judged, "access point ")
    if found is not None:
        return found
    count = len(arns)
    return passed(f"{count} access point{'' if count == 1 else 's'}, for no outsider" if arns else "no access point")


def event_data_stores_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    """No event data store of CloudTrail Lake lets an outsider query the events.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/security_iam_resource-based-policy-examples.html
    """
    arns = known(facts.event_data_stores)
    if not arns:
        return passed("no event data store in this region")

    def judged(arn: str, policy: str) -> Verdict:
        asked = tuple((action, arn) for action in _STORE_ACTIONS)
        read = f"{{aws}} cloudtrail get-resource-policy --resource-arn {shell_word(arn)}"
        owner: Context = {"aws:resourceaccount": (Arn.parse(arn).account,)}
        return _keeps_outsiders_out(facts, policy, lambda _: asked, owner, read)

    found = _worst(known(facts.event_data_store_policies), judged, "event data store ")
    if found is not None:
        return found
    count = len(arns)
    return passed(f"{count} event data store{'' if count == 1 else 's'} in this region, for no outsider")


def _worst(policies: Mapping[str, str], judge: Callable[[str, str], Verdict], what: str) -> Verdict | None:
    """The first verdict that is no PASS, of the policies by ARN; one that lets somebody in for certain comes first."""
    undecided: Verdict | None = None
    for arn, policy in policies.items():
        found = judge(arn, policy)
        if found.status is Status.PASS:
            continue
        verdict = Verdict(found.status, f"{what}{arn.rpartition('/')[2]}: {found.actual}", found.fix)
        if found.status is Status.FAIL:
            return verdict
        undecided = undecided or verdict
    return undecided


def _asked(policy: str, resource: str, actions: Iterable[str], objects: str) -> _Asked:
    """What is asked of a bucket or an access point: actions on itself, and on one object of each kind."""
    statements = parse_policy(policy)
    on_itself, on_objects = (_one_of_each(policy, each) for each in (actions, _OBJECT_ACTIONS))
    depends_on_caller = any("${" in pattern for each in statements for pattern in each.resources.patterns)

    def asked(context: Context | None) -> tuple[tuple[str, str], ...]:
        arns = object_arns(statements, objects, context)
        return (*((each, resource) for each in on_itself), *((each, arn) for each in on_objects for arn in arns))

    everybody = None if depends_on_caller else asked(None)
    return lambda context: asked(context) if everybody is None else everybody


def _owner_of_bucket(facts: TrailFacts) -> Context:
    owner = facts.bucket_owner.value if isinstance(facts.bucket_owner, Value) else None
    return {} if owner is None else {"aws:resourceaccount": (owner,)}


@limited()
def _keeps_outsiders_out(
    facts: TrailFacts,
    policy: str,
    asked: _Asked,
    more: Context,
    read: str,
) -> Verdict:
    """PASS when the policy allows none of these to anybody outside.

    :param asked: of a caller with this context: actions, each with the resource.
    :param more: further keys of the requests.
    :param read: the command that shows the policy: which outsiders are meant to come in, somebody has to decide.
    """
    statements = parse_policy(policy)
    own = own_accounts(facts)
    context = {**more, **context_at(facts.asked_at)}
    partition = facts.target.partition
    found = facts.organization_id
    organization = found.value if isinstance(found, Value) else None
    # Of what was not asked nothing is known.
    is_known = isinstance(found, Value) or found == IN_NO_ORGANIZATION
    asked_account = facts.target.account.value if isinstance(facts.target.account, Value) else None
    if is_known and context.get("aws:resourceaccount") == (asked_account,):
        context["aws:resourceorgid"] = () if organization is None else (organization,)
    left = iter(range(_MOST_CHOICES))

    def each_decided(alone: Iterable[Caller]) -> Iterator[tuple[Request, Ternary]]:
        requests = (
            Request(who, action, resource, of_caller)
            for who, each in alone
            for of_caller in in_organizations(each, organization, statements, is_known=is_known)
            for action, resource in asked(of_caller)
            if not (who == CLOUDTRAIL and _is_of_trails(action))
        )
        for request, decision in decide_each(statements, requests):
            yield _as_it_suits(statements, request, decision.is_allowed, left)

    answers = []
    for request, answer in each_decided(
        # One after the other: where there are too many, most are not made.
        chain(
            outsiders(partition, own, statements, context),
            vouched_for(own, statements, context),
            services(partition, own, statements, context),
        )
    ):
        if answer.is_true:
            by = next(s.label for s in statements if s.is_allow and decide_alone(s, request))
            how = _over_colons(statements, request)
            return failed(
                f"{request.action} is allowed to {_who(request)}{request.when}, by statement {readable(by)}{how}",
                fix=narrow(read, by),
            )
        answers.append(answer)
    reasons = reasons_of(answers)
    if reasons:
        return unknown(f"depends on {reasons}")
    bucket = facts.bucket.value if isinstance(facts.bucket, Value) else None
    for request, answer in each_decided(for_named_resources(bucket, statements, context)):
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
    for chosen in product(*(choices(statements, key) for key in keys)):
        if next(left, None) is None:
            return request, answer
        tried = replace(request, context={**request.context, **dict(zip(keys, chosen, strict=True))})
        # What is chosen can lead to conditions on further keys.
        tried, found = _as_it_suits(statements, tried, decide(statements, tried).is_allowed, left)
        if found.is_true:
            return tried, found
        answers.append(found)
    return request, any_of(answers)


def decide_alone(statement: Statement, request: Request) -> bool:
    """Whether this one statement allows the request."""
    return bool(decide((statement,), request).is_allowed.is_true)


def _over_colons(statements: tuple[Statement, ...], request: Request) -> str:
    """What to know where ArnLike in the place of StringLike would keep the caller out; else nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    by_parts = tuple(replace(s, conditions=tuple(map(_by_parts, s.conditions))) for s in statements)
    if decide(by_parts, request).is_allowed.is_true is not False:
        return ""
    return ": a star of StringLike reaches over colons, so that their own ARNs may match; one of ArnLike does not"


def _by_parts(condition: Condition) -> Condition:
    if not condition.operator.startswith("StringLike") or condition.key.casefold() not in ARN_KEYS:
        return condition
    return replace(condition, operator=condition.operator.replace("StringLike", "ArnLike"))


def _is_of_trails(action: str) -> bool:
    """What CloudTrail does for trails, of which :func:`bucket_policy_names_the_trail` and that of the key judge."""
    return action in ("s3:PutObject", "kms:Decrypt")


def _who(request: Request) -> str:
    name = readable(request.principal.name)
    if request.principal.kind is PrincipalKind.SERVICE:
        return f"{'any AWS service' if ANY_OTHER in request.principal.name else name} on behalf of any account"
    if request.principal.kind is PrincipalKind.FEDERATED:
        return f"whom {name} vouches for"
    point = "".join(f", by an access point of {readable(each)}" for each in request.context[POINT_ACCOUNT])
    return f"{name}{' (anybody)' if request.principal.name.split(':')[4] == ANY_ACCOUNT else ''}{point}"


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


@limited()
def _allows_no_other_trail(policy: str, facts: TrailFacts, requests_of: Callable[[str], Sequence[Request]]) -> Verdict:
    """PASS when the policy allows none of the requests on behalf of another trail."""
    statements = parse_policy(policy)
    others = other_trails(known(facts.target.trail_arn), statements)
    answers = []
    for request, decision in decide_each(statements, (request for other in others for request in requests_of(other))):
        if decision.is_allowed.is_true:
            other = readable(request.context["aws:sourcearn"][0])
            return failed(f"{request.action} is allowed for {other} as well{request.when}")
        answers.append(decision.is_allowed)
    reasons = reasons_of(answers)
    return unknown(f"depends on {reasons}") if reasons else passed("no other trail is allowed")
