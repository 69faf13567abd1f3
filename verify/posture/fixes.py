"""Values for the placeholders in a check's texts, quoted for a shell where they are part of a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from verify.arn import Arn
from verify.fact import Denied, Fact, Failed, Missing, S, T, Value
from verify.policy.document import MalformedPolicy
from verify.posture.facts.trail import TrailFacts
from verify.posture.resource_policies.commands import READ_INSTEAD
from verify.posture.resource_policies.delivery_access import may_decrypt
from verify.posture.resource_policies.rewrite import corrected_bucket_policy, corrected_key_policy
from verify.target import LAB_KEY_ALIAS, TargetKey

_ALL_BLOCKED = ",".join(
    f"{switch}=true" for switch in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
)
_ALL_MANAGEMENT_EVENTS = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
_OWNER_ENFORCED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
_KEEP_LOGS = {
    "Rules": [
        {
            "ID": "old-versions-and-leftovers",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 365},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Values for the placeholders in the texts of the checks.

    :param plain: placeholder → text for people.
    :param quoted: placeholder → text for a POSIX shell.
    :param policies: placeholder → a policy to write; none where the current one is not known.
    """

    plain: Mapping[str, str]
    quoted: Mapping[str, str]
    policies: Mapping[str, str]

    def command(self, template: str) -> str:
        """The command with values. Where it would overwrite a policy that is not known: one that reads it."""
        for placeholder, read in READ_INSTEAD.items():
            if f"{{{placeholder}}}" in template and placeholder not in self.policies:
                return read.format_map(self.quoted)
        return template.format_map(self.quoted)


def placeholders_of(facts: TrailFacts, aws_command: str) -> Placeholders:
    """The values for this trail, key and bucket; for what is not known a text such as ``YOUR-BUCKET``.

    :param aws_command: how to call the AWS CLI for this account, region and endpoint.
    """
    target = facts.target
    target_key = _or(target.key, TargetKey("YOUR-KEY"))
    key = _or(facts.key_arn, target_key.arn or target_key.reference)
    account = _or(target.account, "YOUR-ACCOUNT")
    bucket = _or(target.bucket, "YOUR-BUCKET")
    trail_arn = _or(target.trail_arn, f"arn:{target.partition}:cloudtrail:{target.region}:{account}:trail/YOUR-TRAIL")
    prefix = target.trail.value.prefix if isinstance(target.trail, Value) else None
    plain = {
        "trail": target.trail_name,
        "trail_arn": trail_arn,
        "bucket": bucket,
        "key": key,
        "key_reference": target_key.reference,
        "alias": _alias(target_key.reference),
        "folder": f"{prefix + '/' if prefix else ''}AWSLogs/{Arn.parse(trail_arn).account}/",
    }
    for_bucket = partial(corrected_bucket_policy, trail_arn=trail_arn, bucket=bucket, prefix=prefix)
    for_key = partial(corrected_key_policy, trail_arn=trail_arn)
    # A bucket that does not exist has no policy, also where s3:GetBucketPolicy is denied.
    bucket_policy = facts.bucket if isinstance(facts.bucket, Missing) else facts.bucket_policy
    policies = {
        **_written(bucket_policy, "bucket_policy", for_bucket),
        **_written(facts.key_policy, "key_policy", for_key),
    }
    documents = {
        "new_key_policy": for_key(None),
        "bucket_encryption": json.dumps(_encryption(key, with_bucket_key=_may_have_bucket_key(facts))),
        "encryption_with_bucket_key": json.dumps(_encryption(key, with_bucket_key=True)),
        "event_selectors": json.dumps(_ALL_MANAGEMENT_EVENTS),
        "ownership": json.dumps(_OWNER_ENFORCED),
        "lifecycle": json.dumps(_KEEP_LOGS),
        "access_logging": json.dumps(
            {"LoggingEnabled": {"TargetBucket": "YOUR-ACCESS-LOG-BUCKET", "TargetPrefix": f"{bucket}/"}}
        ),
        "public_access_block": _ALL_BLOCKED,
    }
    # us-east-1 is the one region that CreateBucket does not accept as a LocationConstraint.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    location = f" --create-bucket-configuration LocationConstraint={shlex.quote(target.region)}"
    commands = {"aws": aws_command, "location": "" if target.region == "us-east-1" else location}
    quoted = {name: shlex.quote(text) for name, text in {**plain, **policies, **documents}.items()}
    return Placeholders(plain=plain, quoted={**quoted, **commands}, policies=policies)


def aws_command(*, region: str, profile: str | None, endpoint: str | None) -> str:
    """``aws`` with the options that make a pasted command reach the account that was checked, and no other."""
    options = {"--region": region, "--profile": profile, "--endpoint-url": endpoint}
    return " ".join(("aws", *(f"{name} {shlex.quote(value)}" for name, value in options.items() if value)))


def _written(current: Fact[str], placeholder: str, corrected: Callable[..., str]) -> dict[str, str]:
    """The policies to write; none when the current one is not known, because writing would remove its statements."""
    if isinstance(current, Denied | Failed):
        return {}
    try:
        text = _or(current, None)
        return {placeholder: corrected(text), f"bound_{placeholder}": corrected(text, binds=True)}
    except MalformedPolicy:
        return {}


def _or(fact: Fact[T], default: S) -> T | S:
    return fact.value if isinstance(fact, Value) else default


def _alias(reference: str) -> str:
    """An alias that a new key can be given."""
    name = reference.rpartition(":")[2]
    return name if name.startswith("alias/") else LAB_KEY_ALIAS


def _may_have_bucket_key(facts: TrailFacts) -> bool:
    """Whether the bucket may have an S3 Bucket Key: without kms:Decrypt, CloudTrail refuses to create a trail for it. A
    bucket that has one keeps it.
    """
    current = facts.bucket_encryption
    return may_decrypt(facts) or (isinstance(current, Value) and current.value.uses_bucket_key)


def _encryption(key: str, *, with_bucket_key: bool) -> dict[str, object]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": with_bucket_key}]}
