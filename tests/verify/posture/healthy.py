"""An account in which everything is as it should be, as facts; tests break one thing at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from verify.fact import Missing, Value
from verify.posture.check import judge
from verify.posture.facts.trail import (
    Acl,
    BucketEncryption,
    Key,
    Lifecycle,
    LogFile,
    ObjectLock,
    PublicAccessBlock,
    Replication,
    TrailFacts,
    TrailStatus,
)
from verify.posture.fixes import placeholders_of
from verify.posture.model import Report, Result
from verify.posture.resource_policies.rewrite import corrected_bucket_policy, corrected_key_policy
from verify.selectors import parse_selectors
from verify.target import Target, TargetKey
from verify.trail import Trail

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = f"ch03-cloudtrail-{ACCOUNT}"
TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/ch03-security-trail"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
OTHER_KEY_ARN = KEY_ARN.replace("11111111", "99999999")
ALIAS = "alias/ch03-cloudtrail-key"

TRAIL = Trail(
    name="ch03-security-trail",
    arn=TRAIL_ARN,
    home_region=REGION,
    bucket=BUCKET,
    prefix=None,
    key_reference=KEY_ARN,
    is_multi_region=True,
    validates_log_files=True,
    records_global_events=True,
)
TARGET = Target(
    trail_name=TRAIL.name,
    trail_arn=Value(TRAIL_ARN),
    region=REGION,
    account=Value(ACCOUNT),
    partition="aws",
    trail=Value(TRAIL),
    trails=Value((TRAIL,)),
    bucket=Value(BUCKET),
    key=Value(TargetKey(ALIAS)),
    source="the defaults",
    notices=(),
)
NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
STATUS = TrailStatus(
    is_logging=True,
    delivery_error=None,
    digest_delivery_error=None,
    logging_since=NOW - timedelta(days=30),
    last_delivery=NOW - timedelta(minutes=5),
    last_digest=NOW - timedelta(minutes=50),
)
# What policies leave open then stays open.
NOTHING_DELIVERED = Value(replace(STATUS, last_delivery=None, last_digest=None))
HEALTHY = TrailFacts(
    target=TARGET,
    asked_at=NOW,
    status=Value(STATUS),
    missed_event=Value(None),
    validation_turned_on=Missing("not asked: no digest is late"),
    newest_log_file=Value(LogFile(f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/x.json.gz", NOW - timedelta(minutes=5))),
    other_trails=Value(()),
    organization_id=Missing("not asked: nothing depends on it"),
    subscriptions=Value(()),
    account_subscriptions=Value(()),
    event_data_stores=Value(()),
    event_data_store_policies=Value({}),
    multi_region_access_points=Missing("not asked: the bucket's policy leaves nothing to access points"),
    multi_region_access_point_policies=Missing("not asked: the bucket's policy leaves nothing to access points"),
    access_grants_instances=Value(()),
    access_grants=Value(()),
    replication=Value(Replication(())),
    owners=Missing("not asked: nothing is copied"),
    copy_policies=Value({}),
    key_grants=Value(()),
    replica_policies=Value({}),
    replica_grants=Value({}),
    account_public_access_block=Value(
        PublicAccessBlock(
            block_public_acls=True,
            ignore_public_acls=True,
            block_public_policy=True,
            restrict_public_buckets=True,
        )
    ),
    acl=Value(Acl(())),
    access_points=Value(()),
    access_point_policies=Value({}),
    payer=Value("BucketOwner"),
    access_log_lock=Value(None),
    selectors=Value(parse_selectors({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]})),
    key=Value(Key(KEY_ARN, is_customer_managed=True, state="Enabled")),
    key_arn=Value(KEY_ARN),
    trail_key_arn=Value(KEY_ARN),
    key_policy=Value(corrected_key_policy(None, TRAIL_ARN)),
    key_policy_change=Value(None),
    key_rotates=Value(value=True),
    bucket=Value(BUCKET),
    bucket_owner=Value(ACCOUNT),
    bucket_region=Value(REGION),
    bucket_encryption=Value(BucketEncryption("aws:kms", KEY_ARN, uses_bucket_key=True)),
    bucket_key_arn=Value(KEY_ARN),
    bucket_policy=Value(corrected_bucket_policy(None, TRAIL_ARN, BUCKET, None)),
    bucket_policy_change=Value(None),
    public_access_block=Value(
        PublicAccessBlock(
            block_public_acls=True,
            ignore_public_acls=True,
            block_public_policy=True,
            restrict_public_buckets=True,
        )
    ),
    versioning=Value("Enabled"),
    ownership=Value("BucketOwnerEnforced"),
    access_log_target=Value("access-logs"),
    lifecycle=Value(Lifecycle(())),
    object_lock=Value(ObjectLock("GOVERNANCE", 90)),
)


def but(**changes: Any) -> TrailFacts:
    """The healthy facts, some changed."""
    return replace(HEALTHY, **changes)


def but_target(**changes: Any) -> TrailFacts:
    """The healthy facts with another target, or another trail deployed."""
    return replace(HEALTHY, target=replace(TARGET, **changes))


def but_trail(**changes: Any) -> TrailFacts:
    """The healthy facts with another trail deployed."""
    return but_target(trail=Value(replace(TRAIL, **changes)))


def report(facts: TrailFacts, endpoint: str | None = None) -> Report:
    return judge(facts, placeholders_of(facts, "aws --region us-east-1"), endpoint=endpoint)


def result(facts: TrailFacts, check: str) -> Result:
    return next(result for result in report(facts).results if result.id == check)


def policy(*statements: dict[str, Any]) -> Value[str]:
    return Value(json.dumps({"Version": "2012-10-17", "Statement": statements}))
