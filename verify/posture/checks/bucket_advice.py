"""Hardening of the log bucket beyond the course: the same evidence, and never a reason to fail."""

from __future__ import annotations

from verify.fact import Missing, known
from verify.posture.facts.lifecycle import LEAST_DAYS, early_losses, log_folder
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import Check, Group, Part, Verdict, decide, failed, passed, passes_if
from verify.posture.resource_policies.commands import BIND_BUCKET_POLICY, PUT_KEY_POLICY
from verify.posture.resource_policies.delivery_access import cloudtrail_may_use_bucket_key
from verify.posture.resource_policies.external_access import bucket_policy_names_the_trail

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"


def _is_versioned(facts: TrailFacts) -> Verdict:
    value = known(facts.versioning)
    return passes_if(value == "Enabled", f"versioning is {value}")


def _owner_enforced(facts: TrailFacts) -> Verdict:
    value = known(facts.ownership)
    return passes_if(value == "BucketOwnerEnforced", f"ObjectOwnership is {value}")


def _logs_access(facts: TrailFacts) -> Verdict:
    target = known(facts.access_log_target)
    if target is None:
        return failed("access logs are off")
    if target == known(facts.bucket):
        return failed("access logs go to the log bucket itself, where each one causes another")
    if isinstance(facts.access_log_lock, Missing):
        return failed(f"access logs go to {target}, and {facts.access_log_lock}")
    lock = known(facts.access_log_lock)
    if lock is not None and lock.mode is not None:
        return failed(f"access logs go to {target}, where S3 cannot write them: it has a default retention")
    return passed(f"access logs go to {target}")


def _keeps_logs(facts: TrailFacts) -> Verdict:
    early = [
        f"rule {action.rule} {action.loss.value} {action.prefix or 'everything'} "
        + ("at a date" if action.days is None else f"after {action.days} {'day' if action.days == 1 else 'days'}")
        for action in early_losses(known(facts.lifecycle), log_folder(facts))
    ]
    return passes_if(not early, "; ".join(early) or f"no rule deletes or archives logs before {LEAST_DAYS} days")


def _object_lock(facts: TrailFacts) -> Verdict:
    lock = known(facts.object_lock)
    if lock.mode is None or lock.days < 1:
        return failed("Object Lock is on, without a default retention: it keeps no log file")
    return passed(f"Object Lock keeps every log file for {lock.days} days, in {lock.mode.lower()} mode")


def _account_blocks_public_access(facts: TrailFacts) -> Verdict:
    off = known(facts.account_public_access_block).off
    return passes_if(not off, f"off: {', '.join(off)}" if off else "all four are on")


BUCKET_ADVICE = (
    Check(
        id="bucket_policy_names_the_trail",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="Bucket policy allows no other trail",
        needs=("bucket", "bucket_policy"),
        judge=bucket_policy_names_the_trail,
        expected="every grant to CloudTrail has aws:SourceArn = {trail_arn}",
        why="Otherwise CloudTrail can be made to deliver another trail's log files here (a confused deputy).",
        fix=BIND_BUCKET_POLICY,
        cdk="SecureTrail does it; L1: s3.CfnBucketPolicy(policy_document=…)",
        source=f"{_GUIDE}/create-s3-bucket-policy-for-cloudtrail.html",
    ),
    Check(
        id="log_bucket_uses_bucket_key",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="S3 Bucket Key is on, and CloudTrail may use it",
        needs=("bucket_encryption", "key_policy", "key_arn"),
        judge=cloudtrail_may_use_bucket_key,
        expected="BucketKeyEnabled is true, and the key policy allows CloudTrail kms:Decrypt",
        why="It saves most calls to KMS. Without kms:Decrypt no trail that delivers to such a bucket can be updated.",
        fix=f"{PUT_KEY_POLICY} && {{aws}} s3api put-bucket-encryption --bucket {{bucket}}"
        " --server-side-encryption-configuration {encryption_with_bucket_key}",
        cdk="SecureTrail does it; L1: s3.CfnBucket(bucket_encryption=…)",
        source=f"{_S3}/bucket-key.html",
    ),
    Check(
        id="log_bucket_is_versioned",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="Log bucket keeps old versions",
        needs=("versioning",),
        judge=_is_versioned,
        expected="versioning is Enabled",
        why="With versioning, a deleted or overwritten log file can be restored.",
        fix="{aws} s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
        cdk="SecureTrail does it; L1: s3.CfnBucket(versioning_configuration=…)",
        source=f"{_S3}/Versioning.html",
        controls=("S3.14",),
    ),
    Check(
        id="log_bucket_has_no_acls",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="Access control lists are off",
        needs=("ownership",),
        judge=_owner_enforced,
        expected="ObjectOwnership is BucketOwnerEnforced",
        why="Then policies alone decide who can read log files, and the bucket owner owns every log file.",
        fix="{aws} s3api put-bucket-ownership-controls --bucket {bucket} --ownership-controls {ownership}",
        cdk="SecureTrail does it; L1: s3.CfnBucket(ownership_controls=…)",
        source=f"{_S3}/about-object-ownership.html",
        controls=("S3.12",),
    ),
    Check(
        id="log_bucket_logs_access",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="Server access logging is on",
        needs=("access_log_target", "access_log_lock", "bucket"),
        judge=_logs_access,
        expected="server access logs go to another bucket, which exists and has no default retention",
        why="Access logs show who read log files or tried to delete them.",
        fix=decide(
            "a bucket for access logs, without Object Lock; then"
            " {aws} s3api put-bucket-logging --bucket {bucket} --bucket-logging-status …"
        ),
        cdk="SecureTrail does it (log_bucket); L1: s3.CfnBucket(logging_configuration=…)",
        source=f"{_S3}/enable-server-access-logging.html",
        controls=("CloudTrail.7", "S3.9"),
    ),
    Check(
        id="log_bucket_keeps_logs",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="No lifecycle rule deletes or archives logs early",
        needs=("lifecycle",),
        judge=_keeps_logs,
        expected=f"log files and their old versions are kept, and can be read, for {LEAST_DAYS} days or more",
        why="A lifecycle rule can delete all log files without a DeleteObject call in any record. Old versions bring"
        " back what was deleted or overwritten, and an archived log file is read after a restore only.",
        fix="{aws} s3api put-bucket-lifecycle-configuration --bucket {bucket} --lifecycle-configuration {lifecycle}",
        cdk="SecureTrail expires old versions only (log_bucket); L1: s3.CfnBucket(lifecycle_configuration=…)",
        source=f"{_S3}/intro-lifecycle-rules.html",
        controls=("S3.13",),
    ),
    Check(
        id="log_bucket_has_object_lock",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="Object Lock keeps log files",
        needs=("object_lock",),
        judge=_object_lock,
        expected="Object Lock is on, with a default retention",
        why="With a retention period in compliance mode nobody can delete a log file earlier, not even the root user.",
        fix="{aws} s3api put-object-lock-configuration --bucket {bucket} --object-lock-configuration {object_lock}",
        cdk="L1: s3.CfnBucket(object_lock_enabled=True)",
        source=f"{_S3}/object-lock.html",
        controls=("S3.15",),
    ),
    Check(
        id="account_blocks_public_access",
        group=Group.ADVICE,
        part=Part.BUCKET,
        title="The account blocks public access too",
        needs=("account_public_access_block",),
        judge=_account_blocks_public_access,
        expected="all four public access block settings are on for the account",
        why="The account's setting covers the log bucket also when somebody turns off the bucket's own.",
        fix="{aws_by_name} s3control put-public-access-block --account-id {account}"
        " --public-access-block-configuration {public_access_block}{if_loopback}",
        cdk="none: it is a setting of the account, not of a stack",
        source="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-1",
        controls=("S3.1",),
    ),
)
