"""Who else gets a copy? Log files, or their events, that are sent to another account."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from verify.arn import Arn
from verify.fact import known
from verify.posture.facts.lifecycle import log_folder
from verify.posture.facts.trail import Replica, TrailFacts
from verify.posture.model import Check, Group, Part, Status, Verdict, decide, failed, passed, passes_if, unknown
from verify.posture.resource_policies.commands import shell_word
from verify.posture.resource_policies.external_access import own_accounts

T = TypeVar("T")
_SHOWN = 3
_NO_LAKE = "event data stores of CloudTrail Lake are not looked at"
_NO_POLICIES = "subscription policies of the whole account are not looked at"


def _replication_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    replication, folder = known(facts.replication), log_folder(facts)
    copying = [
        replica
        for replica in replication.replicas
        if replica.is_enabled and (replica.prefix.startswith(folder) or folder.startswith(replica.prefix))
    ]
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


def _other_trails_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    accounts = own_accounts(facts)
    # What an organization's trail delivers, its management account decides, and who is a member has agreed to it.
    trails = [trail for trail in known(facts.other_trails) if Arn.parse(trail.arn).account in accounts]
    elsewhere = [trail for trail in trails if trail.bucket != known(facts.target.trail).bucket]
    if not elsewhere:
        return passed(f"no other trail delivers elsewhere; {_NO_LAKE}")
    found = _judged(
        facts,
        [(f"trail {trail.name} delivers to", trail.bucket, trail.name) for trail in elsewhere],
        lambda names: decide(
            f"who made {' and '.join(map(shell_word, names))}, and why; stop-logging and delete-trail end a trail"
        ),
    )
    return passed(f"{found.actual}; {_NO_LAKE}") if found.status is Status.PASS else found


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
    return passed("; ".join(f"{what} {name}, which is ours" for what, name, _ in copies))


def _log_group_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    accounts = own_accounts(facts)
    subscriptions = known(facts.subscriptions)
    foreign = [each for each in subscriptions if Arn.parse(each.destination).account not in accounts]
    if not foreign:
        if known(facts.target.trail).log_group is None:
            return passed("the trail writes to no log group")
        count = len(subscriptions)
        return passed(f"{count} subscription filter{'' if count == 1 else 's'}, to no other account; {_NO_POLICIES}")
    named = [f"filter {each.name} of {each.log_group} sends events to {each.destination}" for each in foreign]
    command = "{{aws}} logs delete-subscription-filter --log-group-name {group} --filter-name {name}"
    fixes = [command.format(group=shell_word(each.log_group), name=shell_word(each.name)) for each in foreign]
    return failed("; ".join(named[:_SHOWN]), fix=" && ".join(fixes))


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
        may_need=("owners",),
        judge=_replication_keeps_outsiders_out,
        expected=f"log files are copied to buckets of this account alone; {_TRUST}",
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
        may_need=("owners",),
        judge=_other_trails_keep_outsiders_out,
        expected=f"other trails of the account deliver to its own buckets; {_TRUST}",
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
        judge=_log_group_keeps_outsiders_out,
        expected=f"no subscription filter of the trail's log group sends events to another account; {_TRUST}",
        why="The log group has the same events as the log files, and a subscription filter passes each one on.",
        fix=decide("which subscription filters of the trail's log group are meant"),
        cdk="SecureTrail makes none",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CrossAccountSubscriptions.html",
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
