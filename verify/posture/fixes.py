"""Values for the placeholders in a check's texts, quoted for a shell where they are part of a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from string import Formatter

from verify.arn import Arn
from verify.fact import Denied, Fact, Failed, Missing, NotKnown, S, T, Value, known
from verify.policy.document import MalformedPolicy, Statement, parse_policy
from verify.policy.evaluation import Request
from verify.posture.facts.lifecycle import LEAST_DAYS, log_folder, without_early_losses
from verify.posture.facts.trail import TrailFacts
from verify.posture.model import decide
from verify.posture.resource_policies.cloudtrail_requests import (
    bucket_requests,
    decrypt_request,
    first_write_request,
    key_requests,
    opt_in_requests,
    organization_requests,
)
from verify.posture.resource_policies.commands import READ_INSTEAD
from verify.posture.resource_policies.delivery_access import delivery, is_trail_to_change, may_decrypt
from verify.posture.resource_policies.rewrite import Exemption, corrected_bucket_policy, corrected_key_policy
from verify.selectors import with_all_management_events
from verify.target import DEFAULT_KEY_ALIAS, TargetKey

_ALL_BLOCKED = ",".join(
    f"{switch}=true" for switch in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
)
_OWNER_ENFORCED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
# Governance mode can be undone by whoever may bypass it. The days are those of the check.
_RETENTION = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": LEAST_DAYS}},
}
_NOT_KNOWN = "(not known)"
# What a document is made of, beside itself.
_MADE_OF = {
    "new_key_policy": ("trail_arn",),
    "key_policy": ("trail_arn",),
    "bound_key_policy": ("trail_arn",),
    "bucket_policy": ("trail_arn", "bucket"),
    "bound_bucket_policy": ("trail_arn", "bucket"),
    "bucket_encryption": ("key",),
    "encryption_with_bucket_key": ("key",),
}


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Values for the placeholders in the texts of the checks.

    :param plain: placeholder → text for people.
    :param quoted: placeholder → text for a POSIX shell.
    :param policies: placeholder → a policy to write; none where the current one is not known.
    :param missing: placeholder → what of it somebody has to find out first.
    """

    plain: Mapping[str, str]
    quoted: Mapping[str, str]
    policies: Mapping[str, str]
    missing: Mapping[str, str]

    def command(self, template: str) -> str:
        """The command with values. Where it would overwrite a policy that is not known: one that reads it. Where it
        needs a value that is not known: what is to be found out, and no command.
        """
        for placeholder, read in READ_INSTEAD.items():
            if f"{{{placeholder}}}" in template and placeholder not in self.policies:
                return self.command(read)
        names = {name for _, name, _, _ in Formatter().parse(template) if name}
        missing = [
            self.missing[part]
            for name in sorted(names)
            for part in (name, *_MADE_OF.get(name, ()))
            if part in self.missing
        ]
        if missing:
            return decide(" and ".join(dict.fromkeys(missing)))
        return template.format_map(self.quoted)


def placeholders_of(facts: TrailFacts, aws_command: str) -> Placeholders:
    """The values for this trail, key and bucket.

    :param aws_command: how to call the AWS CLI for this account, region and endpoint.
    """
    target = facts.target
    missing = {}
    if not isinstance(target.account, Value):
        missing["account"] = "which account it is"
    if not isinstance(target.bucket, Value):
        missing["bucket"] = "which bucket the trail is to deliver to (--bucket NAME)"
    if not isinstance(target.trail_arn, Value):
        missing["trail_arn"] = "which account the trail is to be in"
    if not isinstance(target.key, Value):
        missing |= dict.fromkeys(("key", "alias"), "which key is to encrypt the log files (--key ID|ARN|ALIAS)")
    target_key = _or(target.key, TargetKey(_NOT_KNOWN))
    key = _or(facts.key_arn, target_key.arn or target_key.reference)
    account = _or(target.account, _NOT_KNOWN)
    bucket = _or(target.bucket, _NOT_KNOWN)
    trail_arn = _or(target.trail_arn, f"arn:{target.partition}:cloudtrail:{target.region}:{account}:trail/{_NOT_KNOWN}")
    trail = _or(target.trail, None)
    prefix = trail.prefix if trail else None
    # A trail that was not shown may have any prefix.
    may_have_prefix = isinstance(target.trail, Denied | Failed)
    folder = f"{_NOT_KNOWN if may_have_prefix else prefix}/" if may_have_prefix or prefix else ""
    organization_id = _or(facts.organization_id, None) if trail and trail.is_organization else None
    plain = {
        "trail": target.trail_name,
        "trail_arn": trail_arn,
        "bucket": bucket,
        "key": key,
        "trail_key": _or(facts.trail_key_arn, _NOT_KNOWN),
        "key_reference": target_key.reference,
        "alias": _alias(target_key.reference),
        "folder": f"{folder}AWSLogs/{Arn.parse(trail_arn).account}/",
        "account": account,
    }
    for_bucket = partial(
        corrected_bucket_policy,
        trail_arn=trail_arn,
        bucket=bucket,
        prefix=prefix,
        organization_id=organization_id,
        exemption=_exemption(facts, _bucket_requests),
    )
    for_key = partial(corrected_key_policy, trail_arn=trail_arn, exemption=_exemption(facts, _key_requests))
    # A bucket that does not exist has no policy, also where s3:GetBucketPolicy is denied.
    bucket_policy = facts.bucket if isinstance(facts.bucket, Missing) else facts.bucket_policy
    policies = {
        **({} if may_have_prefix else _written(bucket_policy, "bucket_policy", for_bucket)),
        **_written(facts.key_policy, "key_policy", for_key),
    }
    documents = {
        "new_key_policy": corrected_key_policy(None, trail_arn=trail_arn),
        "bucket_encryption": json.dumps(_encryption(key, with_bucket_key=_may_have_bucket_key(facts))),
        "encryption_with_bucket_key": json.dumps(_encryption(key, with_bucket_key=True)),
        "ownership": json.dumps(_OWNER_ENFORCED),
        "object_lock": json.dumps(_RETENTION),
        "public_access_block": _ALL_BLOCKED,
    }
    selectors = with_all_management_events(facts.selectors.value) if isinstance(facts.selectors, Value) else None
    if selectors is None:
        missing["event_selectors"] = "which data events stay: the selectors are not known, or too many"
    else:
        documents["selectors_option"], documents["event_selectors"] = selectors
    if may_have_prefix:
        missing["lifecycle"] = "which prefix the trail has: its description was not read"
    elif isinstance(facts.lifecycle, Value):
        documents["lifecycle"] = without_early_losses(facts.lifecycle.value, log_folder(facts))
    else:
        missing["lifecycle"] = "which lifecycle rules stay: the current ones are not known"
    # us-east-1 is the one region that CreateBucket does not accept as a LocationConstraint.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    location = f" --create-bucket-configuration LocationConstraint={shlex.quote(target.region)}"
    commands = {
        "aws": aws_command,
        "location": "" if target.region == "us-east-1" else location,
        **by_name(aws_command, shlex.quote(account)),
    }
    quoted = {name: shlex.quote(text) for name, text in {**plain, **policies, **documents}.items()}
    return Placeholders(plain=plain, quoted={**quoted, **commands}, policies=policies, missing=missing)


def by_name(aws_command: str, account: str) -> dict[str, str]:
    """Values for commands of S3 Control, which puts the account id before the host name, as an IP address has none."""
    named = aws_command.replace("//127.0.0.1:", "//localhost:")
    note = f"  # needs the line 127.0.0.1 {account}.localhost in /etc/hosts" if named != aws_command else ""
    return {"aws_by_name": named, "if_loopback": note}


def _exemption(facts: TrailFacts, requests_of: Callable[[TrailFacts], Sequence[Request]]) -> Exemption:
    """For the requests of CloudTrail as far as they are known; from a Deny that may hit, where deliveries do fail."""
    status = facts.status
    fails = isinstance(status, Value) and bool(status.value.delivery_error or status.value.digest_delivery_error)
    try:
        return Exemption(requests_of(facts), includes_undecided=fails)
    except (NotKnown, MalformedPolicy):
        return Exemption()


def _bucket_requests(facts: TrailFacts) -> Sequence[Request]:
    deliveries = delivery(facts)
    first = (first_write_request(deliveries),) if is_trail_to_change(facts) else ()
    policy = parse_policy(facts.bucket_policy.value) if isinstance(facts.bucket_policy, Value) else ()
    asked = bucket_requests(deliveries, policy)
    return (*asked, *opt_in_requests(deliveries, policy), *_organizations(facts, policy), *first)


def _organizations(facts: TrailFacts, policy: Sequence[Statement]) -> Sequence[Request]:
    trail = facts.target.trail
    if not isinstance(trail, Value) or not trail.value.is_organization:
        return ()
    organization = facts.organization_id.value if isinstance(facts.organization_id, Value) else None
    return tuple(chain.from_iterable(organization_requests(delivery(facts), organization, policy)))


def _key_requests(facts: TrailFacts) -> Sequence[Request]:
    trail_arn, key_arn = known(facts.target.trail_arn), known(facts.key_arn)
    return (*key_requests(trail_arn, key_arn, facts.asked_at), decrypt_request(trail_arn, key_arn, facts.asked_at))


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
    return name if name.startswith("alias/") else DEFAULT_KEY_ALIAS


def _may_have_bucket_key(facts: TrailFacts) -> bool:
    """Whether the bucket may have an S3 Bucket Key: without kms:Decrypt, CloudTrail refuses to create a trail for it. A
    bucket that has one keeps it.
    """
    current = facts.bucket_encryption
    return may_decrypt(facts) or (isinstance(current, Value) and current.value.uses_bucket_key)


def _encryption(key: str, *, with_bucket_key: bool) -> dict[str, object]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": with_bucket_key}]}
