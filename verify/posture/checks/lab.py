"""The seven checks of the course, numbered as in the course."""

from __future__ import annotations

from verify.arn import Arn
from verify.fact import Missing, Value, known
from verify.posture.facts.trail import Key, TrailFacts
from verify.posture.model import Check, Group, Part, Verdict, decide, failed, passed, passes_if
from verify.target import TargetKey

_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"
# Nobody asked whether this key is enabled, because the alias does not refer to it; enabling it twice does no harm.
_POINT_ALIAS = "--alias-name {alias} --target-key-id {key} && {aws} kms enable-key --key-id {key}"
_PUT_ENCRYPTION = (
    "{aws} s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration {bucket_encryption}"
)
UPDATE_TRAIL = "{aws} cloudtrail update-trail --name {trail}"
# https://docs.aws.amazon.com/kms/latest/developerguide/create-keys.html
_KEPT_BY_KMS = ("AWS_KMS", "AWS_CLOUDHSM")
_START_LOGGING = "{aws} cloudtrail start-logging --name {trail}"


def _key_exists(facts: TrailFacts) -> Verdict:
    named = known(facts.target.key)
    if isinstance(facts.key, Missing):
        return failed(str(facts.key), fix=_alias_of_known_key(facts, named))
    key = known(facts.key)
    if named.arn and key.arn != named.arn:
        repoint = f"{{aws}} kms update-alias {_POINT_ALIAS}"
        return failed(f"{named.reference} refers to another key: {key.arn}", fix=repoint)
    if not key.is_customer_managed:
        return failed(f"{key.arn} is managed by AWS")
    unfit = _unfit(key)
    if unfit:
        return failed(f"{key.arn} {unfit}", fix=decide("another key, which a fix cannot choose: make one, and name it"))
    fix = {
        "Disabled": "{aws} kms enable-key --key-id {key}",
        "PendingDeletion": "{aws} kms cancel-key-deletion --key-id {key} && {aws} kms enable-key --key-id {key}",
    }
    return passes_if(key.state == "Enabled", f"{key.arn} is {key.state}", fix=fix.get(key.state))


def _alias_of_known_key(facts: TrailFacts, named: TargetKey) -> str | None:
    """Puts a lost alias back to the key that the stack made, or else that the trail uses: a second key would leave all
    the log files so far with the first. ``None`` where no such key is known.
    """
    if not named.reference.startswith("alias/") and ":alias/" not in named.reference:
        return None
    if named.arn and named.arn != named.reference:
        return f"{{aws}} kms create-alias {_POINT_ALIAS}"
    of_trail = facts.trail_key_arn
    if isinstance(of_trail, Missing):
        return None
    if not isinstance(of_trail, Value) or Arn.parse(of_trail.value).account != _account(facts):
        return decide("which key the alias is to refer to: the trail's is not known, or of another account")
    return f"{{aws}} kms create-alias {_POINT_ALIAS.replace('{key}', '{trail_key}')}"


def _account(facts: TrailFacts) -> str:
    return Arn.parse(known(facts.target.trail_arn)).account


def _unfit(key: Key) -> str:
    """Why CloudTrail cannot use the key, or not rely on it; empty for a key that it can.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    if key.usage != "ENCRYPT_DECRYPT" or key.spec != "SYMMETRIC_DEFAULT":
        return f"is a {key.spec} key for {key.usage}, and CloudTrail needs a SYMMETRIC_DEFAULT key for ENCRYPT_DECRYPT"
    if key.origin not in _KEPT_BY_KMS:
        return f"has the origin {key.origin}: whoever has its material elsewhere can end its use"
    return ""


def _bucket_exists(facts: TrailFacts) -> Verdict:
    return passed(f"{known(facts.bucket)} exists")


def _bucket_encrypts_with_the_key(facts: TrailFacts) -> Verdict:
    encryption = known(facts.bucket_encryption)
    # DSSE-KMS (aws:kms:dsse) encrypts twice with one key.
    if encryption.algorithm not in ("aws:kms", "aws:kms:dsse"):
        return failed(f"{encryption.algorithm}: not a KMS key")
    actual = known(facts.bucket_key_arn)
    return passes_if(actual == known(facts.key_arn), f"{encryption.algorithm} with {actual}")


def _trail_exists(facts: TrailFacts) -> Verdict:
    return passed(f"{known(facts.target.trail).arn} exists")


def _is_multi_region(facts: TrailFacts) -> Verdict:
    value = known(facts.target.trail).is_multi_region
    return passes_if(value, f"IsMultiRegionTrail is {str(value).lower()}")


def _validates_log_files(facts: TrailFacts) -> Verdict:
    value = known(facts.target.trail).validates_log_files
    return passes_if(value, f"LogFileValidationEnabled is {str(value).lower()}")


def _is_logging(facts: TrailFacts) -> Verdict:
    value = known(facts.status).is_logging
    return passes_if(value, f"IsLogging is {str(value).lower()}")


LAB_CHECKS = (
    Check(
        id="key_exists",
        number=1,
        group=Group.LAB,
        part=Part.KEY,
        title="Key exists, customer-managed and enabled",
        needs=("key",),
        may_need=("trail_key_arn",),
        judge=_key_exists,
        expected="{key_reference} refers to a customer-managed, symmetric key of KMS that is Enabled",
        why="Without an enabled key CloudTrail cannot deliver log files, and nobody can decrypt the delivered ones.",
        # Without a variable, so that every shell understands it.
        fix="{aws} kms create-alias --alias-name {alias} --target-key-id $({aws} kms create-key"
        " --description 'CloudTrail log files' --policy {new_key_policy} --query KeyMetadata.KeyId --output text)"
        " && {aws} kms enable-key-rotation --key-id"
        " $({aws} kms describe-key --key-id {alias} --query KeyMetadata.KeyId --output text)",
        cdk="SecureTrail makes it (encryption_key); L1: kms.CfnKey(enabled=True)",
        source=f"{_GUIDE}/encrypting-cloudtrail-log-files-with-aws-kms.html",
        controls=("KMS.3",),
    ),
    Check(
        id="log_bucket_exists",
        number=2,
        group=Group.LAB,
        part=Part.BUCKET,
        title="Log bucket exists",
        needs=("bucket",),
        judge=_bucket_exists,
        expected="a bucket called {bucket}",
        why="CloudTrail cannot deliver log files without the bucket.",
        fix="{aws} s3api create-bucket --bucket {bucket}{location}"
        " && {aws} s3api put-public-access-block --bucket {bucket}"
        " --public-access-block-configuration {public_access_block}"
        " && {aws} s3api put-bucket-policy --bucket {bucket} --policy {bucket_policy}"
        f" && {_PUT_ENCRYPTION}",
        cdk="SecureTrail makes it (log_bucket); L1: s3.CfnBucket",
        source=f"{_GUIDE}/cloudtrail-set-bucket-policy-for-cloudtrail.html",
    ),
    Check(
        id="log_bucket_encrypts_with_the_key",
        number=3,
        group=Group.LAB,
        part=Part.BUCKET,
        title="Log bucket encrypts with that key",
        needs=("bucket_encryption", "bucket_key_arn", "key_arn"),
        judge=_bucket_encrypts_with_the_key,
        expected="aws:kms with {key}",
        why="Reading log files then needs permission on the key as well as on the bucket.",
        fix=_PUT_ENCRYPTION,
        cdk="SecureTrail does it; L1: s3.CfnBucket(bucket_encryption=…)",
        source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
        controls=("S3.17",),
    ),
    Check(
        id="trail_exists",
        number=4,
        group=Group.LAB,
        part=Part.TRAIL,
        title="Trail exists",
        needs=(),
        judge=_trail_exists,
        expected="a trail called {trail}",
        why="Without a trail the event history ends after 90 days, and nothing proves that it is unaltered.",
        fix="{aws} cloudtrail create-trail --name {trail} --s3-bucket-name {bucket} --kms-key-id {key}"
        f" --is-multi-region-trail --enable-log-file-validation && {_START_LOGGING}",
        cdk="SecureTrail makes it (trail_name); L1: cloudtrail.CfnTrail",
        source=f"{_GUIDE}/cloudtrail-create-and-update-a-trail-by-using-the-aws-cli.html",
        controls=("CloudTrail.3",),
    ),
    Check(
        id="trail_is_multi_region",
        number=5,
        group=Group.LAB,
        part=Part.TRAIL,
        title="Trail records every region",
        needs=(),
        judge=_is_multi_region,
        expected="IsMultiRegionTrail is true",
        why="A trail of one region does not record what is done in the other regions.",
        fix=f"{UPDATE_TRAIL} --is-multi-region-trail",
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(is_multi_region_trail=True)",
        source="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1",
        controls=("CloudTrail.1",),
    ),
    Check(
        id="trail_validates_log_files",
        number=6,
        group=Group.LAB,
        part=Part.TRAIL,
        title="Log file validation is on",
        needs=(),
        judge=_validates_log_files,
        expected="LogFileValidationEnabled is true",
        why="Signed digest files prove that no log file was changed or deleted after delivery.",
        fix=f"{UPDATE_TRAIL} --enable-log-file-validation",
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(enable_log_file_validation=True)",
        source=f"{_GUIDE}/cloudtrail-log-file-validation-intro.html",
        controls=("CloudTrail.4",),
    ),
    Check(
        id="trail_is_logging",
        number=7,
        group=Group.LAB,
        part=Part.TRAIL,
        title="Trail is logging",
        needs=("status",),
        judge=_is_logging,
        expected="IsLogging is true",
        why="A trail that is stopped keeps its configuration, and records nothing.",
        fix=_START_LOGGING,
        cdk="SecureTrail does it; L1: cloudtrail.CfnTrail(is_logging=True)",
        source="https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html",
        controls=("CloudTrail.1",),
    ),
)
