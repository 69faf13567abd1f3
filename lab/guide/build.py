"""Brings a new lab to the beginning of a part: what the parts before it build is built, as a learner would."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.folder import Lab, write_file
from lab.scenarios.actor import Actor, CallOrigin, learner
from lab.settings import Settings

TRAIL = "ch03-security-trail"
ALIAS = "alias/ch03-cloudtrail-key"

_ORIGIN = CallOrigin("127.0.0.1", "aws-cli/2.31.0 md/Botocore#1.43.106 guide")
_DAY_SECONDS = 24 * 3600
_HOUR_SECONDS = 3600
# So that there is a day before today, with a breach in it.
_DAYS_OF_THE_HUNT = 2
_HUNT = 7
_STARTED = "part"
_USUAL = Settings()


def begin(home: Path, number: int, settings: Settings = _USUAL) -> Lab:
    """A new lab at the beginning of a part, in the region and in the place of the one that runs.

    :param home: the lab's folder; what is in a lab there is gone afterwards.
    :param settings: how it runs; a part may need a clock that is further behind.
    :raises LabError: the lab does not start or end.
    """
    running = lifecycle.running(home)
    lifecycle.stop(home)
    region = running.region if running else lifecycle.DEFAULT_REGION
    begun = lifecycle.start(home, region=region, settings=_for_part(number, settings))
    admin = learner(begun, _ORIGIN)
    for build in _BEFORE[number]:
        build(admin, begun)
    remember(begun, number)
    return begun


def remember(lab: Lab, number: int) -> None:
    """Keeps the number of the part that the learner is at."""
    (lab.home / "data").mkdir(mode=0o700, exist_ok=True)
    write_file(lab.home / "data", _STARTED, f"{number}\n")


def remembered(lab: Lab) -> int:
    """The part that the learner is at.

    :raises LabError: no part was begun.
    """
    try:
        return int((lab.home / "data" / _STARTED).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise LabError("No part was begun. Name one, such as 1; or begin it: python -m lab start 1") from error


def _for_part(number: int, settings: Settings) -> Settings:
    behind_seconds = _DAYS_OF_THE_HUNT * _DAY_SECONDS
    if number != _HUNT or settings.behind_seconds >= behind_seconds:
        return settings
    return replace(settings, digest_seconds=_HOUR_SECONDS, behind_seconds=behind_seconds)


def _trail_arn(lab: Lab) -> str:
    return f"arn:aws:cloudtrail:{lab.region}:{lab.account}:trail/{TRAIL}"


def _bucket_name(lab: Lab) -> str:
    return f"ch03-cloudtrail-{lab.account}"


def _for_cloudtrail(lab: Lab, sid: str, action: Any, resource: str, **equals: str) -> dict[str, Any]:
    """A statement that lets CloudTrail in for the trail alone."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {**equals, "aws:SourceArn": _trail_arn(lab)}},
    }


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _make_key(admin: Actor, lab: Lab) -> None:
    owner = {
        "Sid": "AccountHasFullAccess",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    encrypts = _for_cloudtrail(lab, "CloudTrailEncryptsLogs", "kms:GenerateDataKey*", "*")
    of_this_account = f"arn:aws:cloudtrail:*:{lab.account}:trail/*"
    encrypts["Condition"]["StringLike"] = {"kms:EncryptionContext:aws:cloudtrail:arn": of_this_account}
    uses = _for_cloudtrail(lab, "CloudTrailUsesKey", ["kms:DescribeKey", "kms:Decrypt"], "*")
    kms = admin.client("kms")
    made = kms.create_key(Description="Encrypts CloudTrail logs", Policy=_policy(owner, encrypts, uses))
    kms.create_alias(AliasName=ALIAS, TargetKeyId=made["KeyMetadata"]["KeyId"])
    kms.enable_key_rotation(KeyId=made["KeyMetadata"]["KeyId"])


def _make_bucket(admin: Actor, lab: Lab) -> None:
    s3, name = admin.client("s3"), _bucket_name(lab)
    where = {} if lab.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": lab.region}}
    s3.create_bucket(Bucket=name, **where)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    encrypts = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _key_arn(admin)}
    rule = {"ApplyServerSideEncryptionByDefault": encrypts, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_bucket_policy(Bucket=name, Policy=_bucket_policy(lab))


def _bucket_policy(lab: Lab) -> str:
    bucket = f"arn:aws:s3:::{_bucket_name(lab)}"
    owned = {"s3:x-amz-acl": "bucket-owner-full-control"}
    refuse = {
        "Sid": "RefuseWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return _policy(
        _for_cloudtrail(lab, "AWSCloudTrailAclCheck", "s3:GetBucketAcl", bucket),
        _for_cloudtrail(lab, "AWSCloudTrailWrite", "s3:PutObject", f"{bucket}/AWSLogs/{lab.account}/*", **owned),
        refuse,
    )


def _key_arn(admin: Actor) -> str:
    return str(admin.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"])


def _make_trail(admin: Actor, lab: Lab) -> None:
    cloudtrail = admin.client("cloudtrail")
    cloudtrail.create_trail(
        Name=TRAIL,
        S3BucketName=_bucket_name(lab),
        KmsKeyId=_key_arn(admin),
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
    )
    cloudtrail.start_logging(Name=TRAIL)
    control.deliver(lab)


def _spoil(admin: Actor, lab: Lab) -> None:
    """What a colleague "tidied up": three faults, in the trail, its bucket and its key, to be found in part 5."""
    policy = json.loads(_bucket_policy(lab))
    policy["Statement"] = [each for each in policy["Statement"] if each["Effect"] != "Deny"]
    admin.client("s3").put_bucket_policy(Bucket=_bucket_name(lab), Policy=json.dumps(policy))
    admin.client("cloudtrail").update_trail(Name=TRAIL, EnableLogFileValidation=False)
    kms = admin.client("kms")
    document = json.loads(kms.get_key_policy(KeyId=_key_arn(admin), PolicyName="default")["Policy"])
    outsider = {
        "Sid": "Partner",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": "kms:Decrypt",
        "Resource": "*",
    }
    document["Statement"].append(outsider)
    kms.put_key_policy(KeyId=_key_arn(admin), PolicyName="default", Policy=json.dumps(document))


def _record_objects(admin: Actor, _lab: Lab) -> None:
    objects = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [objects]}
    admin.client("cloudtrail").put_event_selectors(TrailName=TRAIL, EventSelectors=[selector])


_TO_A_TRAIL = (_make_key, _make_bucket, _make_trail)
# By part; one that begins with an empty account has nothing before it.
_BEFORE: dict[int, tuple[Callable[[Actor, Lab], None], ...]] = {
    1: (),
    2: (_make_key,),
    3: (_make_key, _make_bucket),
    4: _TO_A_TRAIL,
    5: (*_TO_A_TRAIL, _spoil),
    6: _TO_A_TRAIL,
    _HUNT: (*_TO_A_TRAIL, _record_objects),
    8: (),
    9: _TO_A_TRAIL,
}
