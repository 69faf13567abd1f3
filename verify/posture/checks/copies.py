"""Who else gets a copy? Log files, or their events, that are sent to another account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from verify.arn import Arn
from verify.fact import Value, known
from verify.posture.facts.lifecycle import log_folder
from verify.posture.facts.trail import Owners, Replica, TrailFacts
from verify.posture.model import Check, Group, Part, Status, Verdict, decide, failed, passed, passes_if, unknown
from verify.posture.resource_policies.commands import shell_word
from verify.posture.resource_policies.external_access import (
    bucket_policy_keeps_outsiders_out,
    event_data_stores_keep_outsiders_out,
    own_accounts,
)

T = TypeVar("T")
_SHOWN = 3
_S3 = re.compile(r"s3://", re.IGNORECASE)
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_Grantee.html
_DIRECTORY = ("DIRECTORY_USER", "DIRECTORY_GROUP")


def _replication_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    replication = known(facts.replication)
    copying = [replica for replica in replication.replicas if replica.is_enabled and _copies(replica.prefix, facts)]
    if not copying:
        return passed("no rule copies log files")

    def fix(foreign: list[Replica]) -> str:
        places = {replica.place for replica in foreign}
        if len(places) == len(replication.replicas):
            return "{aws} s3api delete-bucket-replication --bucket {bucket}"
        document = json.loads(replication.document)
        document["Rules"] = [rule for place, rule in enumerate(document["Rules"]) if place not in places]
        kept = shell_word(json.dumps(document))
        return f"{{aws}} s3api put-bucket-replication --bucket {{bucket}} --replication-configuration {kept}"

    return _judged(
        facts,
        [(f"rule {each.rule} copies {each.prefix or 'everything'} to", each.bucket, each) for each in copying],
        fix,
    )


def _copies(prefix: str, facts: TrailFacts) -> bool:
    """Whether there are log files below a prefix. The folder is asked for where it matters."""
    return not prefix or prefix.startswith(log_folder(facts)) or log_folder(facts).startswith(prefix)


def _other_trails_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    accounts = own_accounts(facts)
    # What an organization's trail delivers, its management account decides, and who is a member has agreed to it.
    trails = [trail for trail in known(facts.other_trails) if Arn.parse(trail.arn).account in accounts]
    elsewhere = [trail for trail in trails if trail.bucket != known(facts.target.trail).bucket]
    if not elsewhere:
        return passed("no other trail delivers elsewhere")
    return _judged(
        facts,
        [(f"trail {trail.name} delivers to", trail.bucket, trail.name) for trail in elsewhere],
        lambda names: decide(
            f"who made {' and '.join(map(shell_word, names))}, and why; stop-logging and delete-trail end a trail"
        ),
    )


def _judged(facts: TrailFacts, copies: Sequence[tuple[str, str, T]], fix: Callable[[list[T]], str]) -> Verdict:
    """PASS when each copy goes to a bucket that is certainly ours.

    :param copies: each in words, with its bucket and what ``fix`` needs to know of it.
    """
    owners = known(facts.owners)
    others = [(what, name, one) for what, name, one in copies if name not in owners.own and name not in owners.trusted]
    foreign = [(what, name, one) for what, name, one in others if name not in owners.not_told]
    if foreign:
        named = [f"{what} {name}, which is no bucket of this account" for what, name, _ in foreign]
        return failed("; ".join(named[:_SHOWN]), fix=fix([one for *_, one in foreign]))
    if others:
        named = [f"{what} {name}, and S3 does not say whose that is" for what, name, _ in others]
        return unknown("; ".join(named[:_SHOWN]))
    undecided: Verdict | None = None
    for what, name, _ in copies:
        found = _who_reads(facts, name) if name in owners.own else passed("")
        if found.status is Status.FAIL:
            return failed(f"{what} {name}, where {found.actual}", fix=decide(f"who may use bucket {shell_word(name)}"))
        if found.status is Status.UNKNOWN:
            undecided = undecided or unknown(f"{what} {name}, where it {found.actual}")
    return undecided or passed("; ".join(f"{what} {name}, {_whose(owners, name)}" for what, name, _ in copies))


def _whose(owners: Owners, bucket: str) -> str:
    # S3 shows the policy of a bucket to its own account alone:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
    owner = owners.trusted.get(bucket)
    return "which is ours" if owner is None else f"which is trusted account {owner}'s; its policy is not read from here"


def _who_reads(facts: TrailFacts, bucket: str) -> Verdict:
    """Whether the policy of a bucket with copies lets an outsider in, as that of the log bucket may not."""
    policy = known(facts.copy_policies).get(bucket)
    if policy is None or Value(bucket) == facts.bucket:
        return passed("")
    of_bucket = replace(facts, bucket=Value(bucket), bucket_policy=Value(policy), bucket_owner=facts.target.account)
    return bucket_policy_keeps_outsiders_out(of_bucket)


def _log_group_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    accounts = own_accounts(facts)
    subscriptions = known(facts.subscriptions)
    foreign = [each for each in subscriptions if Arn.parse(each.destination).account not in accounts]
    if not foreign:
        group = known(facts.target.trail).log_group
        if group is None:
            return passed("the trail writes to no log group")
        by_account = _account_sends_nothing(facts, Arn.parse(group).resource.removeprefix("log-group:").split(":")[0])
        if by_account is not None:
            return by_account
        count = len(subscriptions) + len(known(facts.account_subscriptions))
        return passed(f"{count} subscription filter{'' if count == 1 else 's'}, to no other account")
    named = [f"filter {each.name} of {each.log_group} sends events to {each.destination}" for each in foreign]
    command = "{{aws}} logs delete-subscription-filter --log-group-name {group} --filter-name {name}"
    fixes = [command.format(group=shell_word(each.log_group), name=shell_word(each.name)) for each in foreign]
    return failed("; ".join(named[:_SHOWN]), fix=" && ".join(fixes))


def _account_sends_nothing(facts: TrailFacts, group: str) -> Verdict | None:
    """What is wrong with the account's own subscription filters, which are of each log group that they do not spare."""
    accounts = own_accounts(facts)
    for each in known(facts.account_subscriptions):
        if Arn.parse(each.destination).account in accounts or group in (each.spared or ()):
            continue
        sends = f"policy {each.name} of the account sends the events of its log groups to {each.destination}"
        if each.spared is None:
            return unknown(f"{sends}, and which log groups these are is not understood")
        what = (
            f"whether {shell_word(each.name)} may have the events of {shell_word(group)}; put-account-policy spares it"
        )
        return failed(sends, fix=decide(what))
    return None


def _access_grants_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    bucket, owner, account = known(facts.bucket), known(facts.bucket_owner), known(facts.target.account)
    accounts = own_accounts(facts)
    is_there = bool(known(facts.access_grants_instances))
    grants = [each for each in known(facts.access_grants) if _covers(each.scope, facts)] if is_there else []
    foreign, unclear = [], []
    for grant in grants:
        if grant.kind in _DIRECTORY:
            continue  # of the directory that the account has chosen
        of = _account_of(grant.grantee) if grant.kind == "IAM" else None
        if of is None:
            unclear.append(grant)
        elif of not in accounts:
            foreign.append(grant)
    if foreign:
        named = [f"grant {each.grant_id} gives {each.grantee} {each.permission} on {each.scope}" for each in foreign]
        ids = " and ".join(shell_word(each.grant_id) for each in foreign)
        return failed(
            "; ".join(named[:_SHOWN]), fix=decide(f"who made {ids}, and why; delete-access-grant ends a grant")
        )
    if unclear:
        return unknown(f"whose grantee {unclear[0].grantee} of type {unclear[0].kind} is, is not known")
    if owner != account:
        return unknown(f"{bucket} belongs to {owner or 'another account'}, which alone lists its S3 Access Grants")
    if not is_there:
        return passed("the account has no S3 Access Grants in the bucket's region")
    return passed(f"{len(grants)} grant{'' if len(grants) == 1 else 's'} for log files, to no outsider")


def _account_of(arn: str) -> str | None:
    try:
        return Arn.parse(arn).account or None
    except ValueError:
        return None


def _covers(scope: str, facts: TrailFacts) -> bool:
    """Whether a scope of S3 Access Grants has log files in it. The folder is asked for where it matters."""
    bucket = known(facts.bucket)
    begins = _S3.sub("", scope, count=1)
    begins = begins.removesuffix("*") if begins.endswith("*") else begins.rstrip("/")
    # Without a star it is one key; or, where the star was left out, all that is below.
    if not begins or f"{bucket}/".startswith(begins):
        return scope.endswith("*") or begins in ("", bucket)
    if not begins.startswith(f"{bucket}/"):
        return False
    logs = f"{bucket}/{log_folder(facts)}"
    return begins.startswith(logs) or logs.startswith(begins if scope.endswith("*") else f"{begins}/")


def _topic_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    topic = known(facts.target.trail).topic
    if topic is None:
        return passed("the trail has no topic")
    return passes_if(Arn.parse(topic).account in own_accounts(facts), f"the trail's topic is {topic}")


_TRUST = "one that is meant to have them is named with --trusted-account"

COPY_CHECKS = (
    Check(
        id="replication_keeps_strangers_out",
        group=Group.ACCESS,
        part=Part.BUCKET,
        title="No copy of the log files for an outsider",
        needs=("replication",),
        may_need=("owners", "copy_policies", "bucket", "organization_id"),
        judge=_replication_keeps_outsiders_out,
        expected=f"log files are copied to buckets of this account alone, whose policies let no outsider in; {_TRUST}",
        why="A replica has every new log file, and its owner reads them whatever the log bucket's policy says.",
        fix="{aws} s3api get-bucket-replication --bucket {bucket}",
        cdk="SecureTrail copies within the account (log_bucket); L1: s3.CfnBucket(replication_configuration=…)",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html",
    ),
    Check(
        id="other_trails_keep_strangers_out",
        group=Group.ACCESS,
        part=Part.TRAIL,
        title="No second trail for an outsider",
        needs=("other_trails",),
        may_need=("owners", "copy_policies", "bucket", "organization_id"),
        judge=_other_trails_keep_outsiders_out,
        expected=f"other trails of the account deliver to its own buckets, whose policies let no outsider in; {_TRUST}",
        why="Another trail can send the same events to a bucket that you do not control.",
        fix=decide("whose the other trail is; stop-logging and delete-trail end it"),
        cdk="SecureTrail makes one trail, with one bucket",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-set-bucket-policy-for-multiple-accounts.html",
    ),
    Check(
        id="log_group_keeps_strangers_out",
        group=Group.ACCESS,
        part=Part.TRAIL,
        title="No events from the log group to an outsider",
        needs=("subscriptions",),
        may_need=("account_subscriptions",),
        judge=_log_group_keeps_outsiders_out,
        expected=f"no subscription filter of the trail's log group, or of the account, sends events to another account;"
        f" {_TRUST}",
        why="The log group has the same events as the log files, and a subscription filter passes each one on.",
        fix=decide("which subscription filters of the trail's log group are meant"),
        cdk="SecureTrail makes none",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CrossAccountSubscriptions.html",
    ),
    Check(
        id="event_data_stores_keep_strangers_out",
        group=Group.ACCESS,
        part=Part.TRAIL,
        title="No event data store lets an outsider in",
        needs=("event_data_stores",),
        may_need=("event_data_store_policies", "bucket", "organization_id"),
        judge=event_data_stores_keep_outsiders_out,
        expected=f"no policy of an event data store of CloudTrail Lake lets an outsider query it; {_TRUST}",
        why="An event data store has the same events as the log files, and a policy of its own says who queries it.",
        fix=decide("who may query the event data stores of CloudTrail Lake"),
        cdk="SecureTrail makes none",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/security_iam_resource-based-policy-examples.html",
    ),
    Check(
        id="access_grants_keep_strangers_out",
        group=Group.ACCESS,
        part=Part.BUCKET,
        title="No S3 Access Grant for an outsider",
        needs=("bucket", "bucket_owner", "access_grants_instances"),
        may_need=("access_grants",),
        judge=_access_grants_keep_outsiders_out,
        expected=f"no grant of S3 Access Grants gives an outsider log files; {_TRUST}",
        why="S3 gives credentials to whom a grant names, by a role of the account, whatever the bucket's policy says.",
        fix=decide("which grants of S3 Access Grants are meant"),
        cdk="SecureTrail makes none",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants.html",
    ),
    Check(
        id="trail_topic_is_no_strangers",
        group=Group.ACCESS,
        part=Part.TRAIL,
        title="No notification to an outsider's topic",
        needs=(),
        judge=_topic_keeps_outsiders_out,
        expected=f"the trail has no topic, or one of this account; {_TRUST}",
        why="Notifications name each log file: an outsider who has them knows when you record and how much.",
        fix=decide("which topic of yours the trail should have; update-trail --sns-topic-name sets it"),
        cdk="SecureTrail makes the topic (delivery_notifications); L1: cloudtrail.CfnTrail(sns_topic_name=…)",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html",
    ),
)
