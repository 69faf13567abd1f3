"""Who else can reach it? Outsiders that can read, write or delete log files, or change the bucket or the key."""

from __future__ import annotations

from dataclasses import replace

from verify.arn import Arn
from verify.fact import Missing, Value, known
from verify.posture.facts.trail import KeyGrant, TrailFacts
from verify.posture.model import Check, Group, Part, Status, Verdict, decide, failed, passed, unknown
from verify.posture.resource_policies.commands import READ_BUCKET_POLICY, READ_KEY_POLICY, shell_word
from verify.posture.resource_policies.external_access import (
    access_points_keep_outsiders_out,
    bucket_policy_keeps_outsiders_out,
    key_policy_keeps_outsiders_out,
    own_accounts,
)

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"
# S3 itself writes server access logs as this group.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
_LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
_SHOWN = 3


def _acl_keeps_outsiders_out(facts: TrailFacts) -> Verdict:
    grants = [grant for grant in known(facts.acl).others if grant.grantee != _LOG_DELIVERY]
    # Without ownership controls they are on.
    if not isinstance(facts.ownership, Missing) and known(facts.ownership) == "BucketOwnerEnforced":
        return passed("access control lists are off")
    if not grants:
        return unknown("the bucket's list grants nothing, but each log file has one of its own, which is not read")
    named = [f"{grant.permission} is granted to {grant.grantee.rpartition('/')[2]}" for grant in grants]
    return failed(", ".join(named[:_SHOWN]))


def _grants_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    known(facts.key_arn)
    own = {*own_accounts(facts), None}
    grants = [grant for grant in known(facts.key_grants) if _account(grant) not in own]
    if not grants:
        return passed("no grant to another account")
    named = [f"grant {grant.grant_id[:12]}… gives {', '.join(grant.operations)} to {grant.grantee}" for grant in grants]
    revoke = " && ".join(f"{{aws}} kms revoke-grant --key-id {{key}} --grant-id {_quoted(each)}" for each in grants)
    return failed("; ".join(named[:_SHOWN]), fix=revoke)


def _replicas_keep_outsiders_out(facts: TrailFacts) -> Verdict:
    # The alias may be gone, or another key's; the id tells which keys can have replicas.
    key_arn = known(facts.key_arn)
    if ":key/mrk-" not in key_arn:
        return passed("the key is of one region")
    key = known(facts.key)
    if key.arn != key_arn:
        return unknown(f"the replicas of {key_arn} are not known: {key.arn} was looked at")
    if not key.replicas:
        return passed("the key has no replica")
    policies, grants = known(facts.replica_policies), known(facts.replica_grants)
    undecided: Verdict | None = None  # one that lets somebody in for certain comes first
    for arn, policy in policies.items():
        of_replica = replace(facts, key_arn=Value(arn), key_policy=Value(policy), key_grants=Value(grants.get(arn, ())))
        for judge in (_grants_keep_outsiders_out, key_policy_keeps_outsiders_out):
            found = judge(of_replica)
            if found.status is Status.FAIL:
                return failed(f"replica {arn}: {found.actual}", fix=decide(f"who may use replica {shell_word(arn)}"))
            if found.status is Status.UNKNOWN:
                undecided = undecided or unknown(f"replica {arn}: {found.actual}")
    return undecided or passed(f"{', '.join(key.replicas)}, for no outsider")


def _account(grant: KeyGrant) -> str | None:
    """The grantee's account; ``None`` for a service, and for a principal that is no more."""
    try:
        return Arn.parse(grant.grantee).account
    except ValueError:
        return grant.grantee if grant.grantee.isdecimal() else None


def _quoted(grant: KeyGrant) -> str:
    """An id has letters and digits; what has anything else is none, and nothing that a shell should read."""
    return "".join(char for char in grant.grant_id if char.isascii() and char.isalnum())


def _bucket_is_ours(facts: TrailFacts) -> Verdict:
    bucket, owner = known(facts.bucket), known(facts.bucket_owner)
    if owner is None:
        return failed(f"{bucket} belongs to another account")
    return passed(f"{bucket} belongs to {owner}")


ACCESS_CHECKS = (
    Check(
        id="log_bucket_is_no_strangers",
        group=Group.ACCESS,
        part=Part.BUCKET,
        title="Log bucket is no outsider's",
        needs=("bucket", "bucket_owner"),
        judge=_bucket_is_ours,
        expected="the bucket belongs to this account, or to one that is named with --trusted-account",
        why="A bucket that was deleted can be made again by anybody, under the same name; its owner reads and deletes"
        " what comes.",
        fix=decide("to which account of yours the bucket belongs (--trusted-account), or another bucket for the trail"),
        cdk="SecureTrail makes the bucket in the trail's account; L1: s3.CfnBucket",
        source=f"{_S3}/bucket-owner-condition.html",
    ),
    Check(
        id="bucket_policy_keeps_strangers_out",
        group=Group.ACCESS,
        part=Part.BUCKET,
        title="Bucket policy lets no outsider in",
        needs=("bucket", "bucket_policy"),
        may_need=("bucket_owner", "organization_id"),
        judge=bucket_policy_keeps_outsiders_out,
        expected="no other account, and no service on behalf of one, may read, write or delete log files or change"
        " the bucket",
        why="Who can write or delete log files can hide what was done; who can read them sees your account.",
        fix=READ_BUCKET_POLICY,
        cdk="SecureTrail grants access to CloudTrail alone; L1: s3.CfnBucketPolicy(policy_document=…)",
        source=f"{_HUB}/s3-controls.html#s3-6",
        controls=("S3.6", "S3.2", "S3.3"),
    ),
    Check(
        id="bucket_acl_keeps_strangers_out",
        group=Group.ACCESS,
        part=Part.BUCKET,
        title="Access control list lets no outsider in",
        needs=("acl", "ownership"),
        judge=_acl_keeps_outsiders_out,
        expected="no grant to a group or to another account, or no access control lists at all",
        why="A grant there opens the bucket, or one object, beside the bucket's policy.",
        fix="{aws} s3api put-bucket-acl --bucket {bucket} --acl private",
        cdk="SecureTrail turns access control lists off; L1: s3.CfnBucket(ownership_controls=…)",
        source=f"{_S3}/acl-overview.html",
        controls=("S3.2", "S3.3", "CloudTrail.6"),
    ),
    Check(
        id="access_points_keep_strangers_out",
        group=Group.ACCESS,
        part=Part.BUCKET,
        title="Access points let no outsider in",
        needs=("access_points", "access_point_policies", "multi_region_access_points"),
        may_need=(
            "multi_region_access_point_policies",
            "bucket",
            "bucket_owner",
            "bucket_policy",  # those of several regions are looked for where it leaves something to access points
            "organization_id",
        ),
        judge=access_points_keep_outsiders_out,
        expected="no access point, of one region or several, with a policy for another account",
        why="An access point is another way into the bucket, with a policy of its own.",
        fix="{aws} s3control list-access-points --account-id {account} --bucket {bucket}",
        cdk="SecureTrail makes none",
        source=f"{_S3}/access-points-policies.html",
    ),
    Check(
        id="key_keeps_strangers_out",
        group=Group.ACCESS,
        part=Part.KEY,
        title="Key policy lets no outsider in",
        needs=("key_policy", "key_arn"),
        may_need=("bucket", "organization_id"),
        judge=key_policy_keeps_outsiders_out,
        expected="the key belongs to this account, or to one that is named with --trusted-account, and no principal of"
        " another account may Decrypt, ReEncryptFrom, CreateGrant, PutKeyPolicy, DisableKey or ScheduleKeyDeletion",
        why="Encryption does not protect log files from principals that may use the key, or end its use.",
        fix=READ_KEY_POLICY,
        cdk="SecureTrail grants access to the account alone; L1: kms.CfnKey(key_policy=…)",
        source=f"{_HUB}/kms-controls.html#kms-5",
        controls=("KMS.5",),
    ),
    Check(
        id="key_grants_keep_strangers_out",
        group=Group.ACCESS,
        part=Part.KEY,
        title="No grant of the key to an outsider",
        needs=("key_grants", "key_arn"),
        judge=_grants_keep_outsiders_out,
        expected="no grant to a principal of another account",
        why="A grant gives the use of the key beside its policy, and stays when the policy changes.",
        fix="{aws} kms list-grants --key-id {key}",
        cdk="SecureTrail makes none",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/grants.html",
    ),
    Check(
        id="key_replicas_keep_strangers_out",
        group=Group.ACCESS,
        part=Part.KEY,
        title="No replica of the key lets an outsider in",
        needs=("key_arn",),
        may_need=("key", "replica_policies", "replica_grants", "bucket", "organization_id"),
        judge=_replicas_keep_outsiders_out,
        expected="no key with the same material in another region whose policy or grants let an outsider in",
        why="A replica of a multi-Region key decrypts what the key encrypts, under a policy and grants of its own.",
        fix=decide("who may use the replicas of the key"),
        cdk="SecureTrail's key is of one region; L1: kms.CfnKey(multi_region=False)",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html",
    ),
)
