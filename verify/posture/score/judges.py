"""Verdicts on the account: pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from verify.fact import Denied, Failed, Value, known
from verify.posture.model import Verdict, failed, passed, passes_if, unknown
from verify.posture.score.facts import AccountFacts

# AWS's default password policy.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
_LEAST_PASSWORD_LENGTH = 8
_EVIDENCE = 3  # the most names that a verdict lists


def password_policy(facts: AccountFacts) -> Verdict:
    """The account has a password policy, no weaker than AWS's default."""
    length = known(facts.minimum_password_length)
    return passes_if(length >= _LEAST_PASSWORD_LENGTH, f"passwords have at least {length} characters")


def root_has_no_keys(facts: AccountFacts) -> Verdict:
    """The root user has no access keys."""
    has_keys = known(facts.root).has_access_keys
    return passes_if(not has_keys, f"the root user has {'' if has_keys else 'no '}access keys")


def root_has_mfa(facts: AccountFacts) -> Verdict:
    """The root user signs in with MFA."""
    has_mfa = known(facts.root).has_mfa
    return passes_if(has_mfa, f"the root user has {'' if has_mfa else 'no '}MFA")


def analyzer_is_active(facts: AccountFacts) -> Verdict:
    """The region has an active analyzer of external access."""
    analyzers = known(facts.analyzers)
    return _any(analyzers, "no active analyzer of external access")


def account_blocks_public_access(facts: AccountFacts) -> Verdict:
    """The account blocks public access to all of its buckets."""
    return passed("all four are on") if known(facts.blocks_public_access) else failed("not all four are on")


def no_open_ssh(facts: AccountFacts) -> Verdict:
    """No security group allows the whole internet to reach port 22."""
    groups = known(facts.open_groups)
    certain = [f"{group.group_id} from {group.source}" for group in groups if group.is_certain]
    unread = [f"{group.group_id} from {group.source}" for group in groups if not group.is_certain]
    if unread and not certain:
        return unknown(f"depends on prefix lists, which were not read: {_shown(unread)}")
    return _none(certain, "no security group allows it")


def no_default_vpc(facts: AccountFacts) -> Verdict:
    """The region has no default VPC."""
    return _none(known(facts.default_vpcs), "no default VPC")


def customer_key(facts: AccountFacts) -> Verdict:
    """A customer-managed key is enabled."""
    return passed(f"{known(facts.customer_key)} is enabled")


def trail_is_encrypted(facts: AccountFacts) -> Verdict:
    """A trail has a KMS key."""
    return _any(
        tuple(trail.name for trail in known(facts.trails) if trail.is_encrypted_with_kms), "no trail has a KMS key"
    )


def log_files_are_validated(facts: AccountFacts) -> Verdict:
    """A trail signs digests."""
    return _any(
        tuple(trail.name for trail in known(facts.trails) if trail.validates_log_files),
        "no trail validates its log files",
    )


def buckets_are_encrypted(facts: AccountFacts) -> Verdict:
    """Every bucket has default encryption, as all have since January 2023; an account without buckets passes."""
    buckets = known(facts.buckets)
    if buckets.unencrypted:
        return _none(buckets.unencrypted, "")
    if buckets.not_read is not None:
        return unknown(buckets.not_read)
    return passed(f"buckets without default encryption: none of {buckets.count}")


def multi_region_trail_is_logging(facts: AccountFacts) -> Verdict:
    """A multi-region trail is logging. Where the status of one is not known, neither is the verdict."""
    trails = [trail for trail in known(facts.trails) if trail.is_multi_region]
    logging = [trail.name for trail in trails if trail.is_logging == Value(value=True)]
    not_read = [trail.is_logging for trail in trails if isinstance(trail.is_logging, Denied | Failed)]
    if not logging and not_read:
        return unknown(str(not_read[0]))
    return _any(tuple(logging), f"{len(trails)} multi-region trails, none is logging")


def guardduty_is_on(facts: AccountFacts) -> Verdict:
    """GuardDuty is enabled in the region."""
    return _any(known(facts.detectors), "no enabled detector")


def security_hub_is_on(facts: AccountFacts) -> Verdict:
    """Security Hub is enabled in the region."""
    return passed(known(facts.hub))


def config_is_recording(facts: AccountFacts) -> Verdict:
    """Config records the region's resources."""
    recorders = known(facts.recorders)
    recording = [recorder.name for recorder in recorders if recorder.is_recording]
    if recording or not recorders:
        return _any(recording, "there is no recorder")
    name = recorders[0].name
    start = f"{{aws}} configservice start-configuration-recorder --configuration-recorder-name {_quoted(name)}"
    return failed(f"recorder {name} is stopped", fix=start)


def config_has_rules(facts: AccountFacts) -> Verdict:
    """Config has rules that evaluate what it records."""
    count = known(facts.config_rules)
    return passes_if(count > 0, f"{count} rules")


def _any(names: Sequence[str], none: str) -> Verdict:
    return passed(_shown(names)) if names else failed(none)


def _none(names: Sequence[str], none: str) -> Verdict:
    return failed(_shown(names)) if names else passed(none)


def _quoted(name: str) -> str:
    """Quoted for a shell, with the braces doubled for ``str.format``."""
    return shlex.quote(name).replace("{", "{{").replace("}", "}}")


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _EVIDENCE
    return ", ".join(names[:_EVIDENCE]) + (f" and {more} more" if more > 0 else "")
