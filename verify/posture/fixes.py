"""Real names for the placeholders in a check's texts, quoted for a shell where they stand in a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from verify.arn import Arn
from verify.fact import Denied, Fact, Failed, Missing, S, T, Value
from verify.posture.facts import TrailFacts
from verify.posture.policy_commands import READ_INSTEAD
from verify.posture.policy_document import MalformedPolicy
from verify.posture.policy_fixes import mended_bucket_policy, mended_key_policy
from verify.posture.policy_judges import may_decrypt
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
class Names:
    """What the texts of the checks call things.

    :param plain: placeholder → text for people.
    :param quoted: placeholder → text for a POSIX shell.
    :param policies: placeholder → a policy to write; none where the present one is not known.
    """

    plain: Mapping[str, str]
    quoted: Mapping[str, str]
    policies: Mapping[str, str]

    def command(self, template: str) -> str:
        """The command with real names. One that would write over a policy that nobody has read reads it instead."""
        for placeholder, read in READ_INSTEAD.items():
            if f"{{{placeholder}}}" in template and placeholder not in self.policies:
                return read.format_map(self.quoted)
        return template.format_map(self.quoted)


def names(facts: TrailFacts, aws_command: str) -> Names:
    """The names of this trail, key and bucket; what is not known stays visibly open, as ``YOUR-BUCKET``.

    :param aws_command: how to call the AWS CLI for this account, region and endpoint.
    """
    target = facts.target
    meant_key = _or(target.key, TargetKey("YOUR-KEY"))
    key = _or(facts.key_arn, meant_key.arn or meant_key.reference)
    account = _or(target.account, "YOUR-ACCOUNT")
    bucket = _or(target.bucket, "YOUR-BUCKET")
    trail_arn = _or(target.trail_arn, f"arn:{target.partition}:cloudtrail:{target.region}:{account}:trail/YOUR-TRAIL")
    prefix = target.trail.value.prefix if isinstance(target.trail, Value) else None
    plain = {
        "trail": target.trail_name,
        "trail_arn": trail_arn,
        "bucket": bucket,
        "key": key,
        "key_reference": meant_key.reference,
        "alias": _alias(meant_key.reference),
        "folder": f"{prefix + '/' if prefix else ''}AWSLogs/{Arn.parse(trail_arn).account}/",
    }
    for_bucket = partial(mended_bucket_policy, trail_arn=trail_arn, bucket=bucket, prefix=prefix)
    for_key = partial(mended_key_policy, trail_arn=trail_arn)
    # A bucket that is not there has no policy, also where nobody may ask for one.
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
    # us-east-1 is the one region that CreateBucket must not be told about.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    location = f" --create-bucket-configuration LocationConstraint={shlex.quote(target.region)}"
    commands = {"aws": aws_command, "location": "" if target.region == "us-east-1" else location}
    quoted = {name: shlex.quote(text) for name, text in {**plain, **policies, **documents}.items()}
    return Names(plain=plain, quoted={**quoted, **commands}, policies=policies)


def aws_command(*, region: str, profile: str | None, endpoint: str | None) -> str:
    """``aws`` with the options that make a pasted command reach the account that was looked at, and no other."""
    options = {"--region": region, "--profile": profile, "--endpoint-url": endpoint}
    return " ".join(("aws", *(f"{name} {shlex.quote(value)}" for name, value in options.items() if value)))


def _written(present: Fact[str], placeholder: str, mended: Callable[..., str]) -> dict[str, str]:
    """The policies to write; none when the present one is not known, because writing would wipe out what it says."""
    if isinstance(present, Denied | Failed):
        return {}
    try:
        text = _or(present, None)
        return {placeholder: mended(text), f"bound_{placeholder}": mended(text, binds=True)}
    except MalformedPolicy:
        return {}


def _or(fact: Fact[T], default: S) -> T | S:
    return fact.value if isinstance(fact, Value) else default


def _alias(reference: str) -> str:
    """An alias that a new key can be given."""
    name = reference.rpartition(":")[2]
    return name if name.startswith("alias/") else LAB_KEY_ALIAS


def _may_have_bucket_key(facts: TrailFacts) -> bool:
    """Whether an S3 Bucket Key does no harm: where CloudTrail may not decrypt, it keeps a trail from being made. A
    bucket that has one keeps it.
    """
    present = facts.bucket_encryption
    return may_decrypt(facts) or (isinstance(present, Value) and present.value.uses_bucket_key)


def _encryption(key: str, *, with_bucket_key: bool) -> dict[str, object]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": with_bucket_key}]}
