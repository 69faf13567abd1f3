"""Verdicts on the account: pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from verify.fact import Denied, Failed, Missing, NotKnown, Value, known
from verify.posture.facts.recording import DIGEST_LATE_AFTER, DIGESTS_SURE_AFTER
from verify.posture.facts.trail import TrailStatus
from verify.posture.model import Status, Verdict, failed, passed, passes_if, unknown
from verify.posture.score.facts import AccountFacts, ByRegion, Recorder, TrailSummary
from verify.selectors import unrecorded

T = TypeVar("T")
# CIS AWS Foundations Benchmark 1.8; AWS's default policy has 8, and is none of the account's own.
# https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-15
_LEAST_PASSWORD_LENGTH = 14
_CLOCKS_DIFFER = timedelta(minutes=15)
_EVIDENCE = 3  # the most names that a verdict lists


def password_policy(facts: AccountFacts) -> Verdict:
    """The account has a password policy with long passwords."""
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
    """Every region has an active analyzer of external access."""
    return _everywhere(facts.analyzers, lambda names: "" if names else "none", "an active analyzer of external access")


def account_blocks_public_access(facts: AccountFacts) -> Verdict:
    """The account blocks public access to all of its buckets."""
    return passed("all four are on") if known(facts.blocks_public_access) else failed("not all four are on")


def no_open_ssh(facts: AccountFacts) -> Verdict:
    """No security group of any region allows much of the internet to reach port 22."""
    regions = facts.open_groups

    def groups(*, certain: bool) -> list[str]:
        return [
            f"{group.group_id} from {group.source} ({region})"
            for region, found in regions.items()
            if isinstance(found, Value)
            for group in found.value
            if group.is_certain is certain
        ]

    if open_groups := groups(certain=True):
        return failed(_shown(open_groups))
    if maybe_open := groups(certain=False):
        return unknown(f"depends on prefix lists, which were not read: {_shown(maybe_open)}")
    return _everywhere(facts.open_groups, _nothing_wrong, "no security group that allows it")


def no_default_vpc(facts: AccountFacts) -> Verdict:
    """No region has a default VPC."""
    return _everywhere(facts.default_vpcs, ", ".join, "no default VPC")


def customer_key(facts: AccountFacts) -> Verdict:
    """A customer-managed key is enabled."""
    return passed(f"{known(facts.customer_key)} is enabled")


def trail_is_encrypted(facts: AccountFacts) -> Verdict:
    """The best logging trail has a KMS key."""
    return _of_best_trail(facts, _ENCRYPTED)


def log_files_are_validated(facts: AccountFacts) -> Verdict:
    """The best logging trail signs digests."""
    return _of_best_trail(facts, _VALIDATED)


def buckets_are_encrypted(facts: AccountFacts) -> Verdict:
    """Every bucket has default encryption, as all have since January 2023; an account without buckets passes."""
    buckets = known(facts.buckets)
    if buckets.unencrypted:
        return failed(_shown(buckets.unencrypted))
    if buckets.not_read is not None:
        return unknown(buckets.not_read)
    return passed(f"buckets without default encryption: none of {buckets.count}")


def multi_region_trail_is_logging(facts: AccountFacts) -> Verdict:
    """The best logging trail records every management event of every region, and delivers."""
    return _of_best_trail(facts, _RECORDS)


def guardduty_is_on(facts: AccountFacts) -> Verdict:
    """GuardDuty is enabled in every region."""
    return _everywhere(facts.detectors, lambda names: "" if names else "no enabled detector", "an enabled detector")


def security_hub_is_on(facts: AccountFacts) -> Verdict:
    """Security Hub is enabled in every region."""
    return _everywhere(facts.hub, _nothing_wrong, "Security Hub is enabled")


def config_is_recording(facts: AccountFacts) -> Verdict:
    """Config records the resources of every region, and its last delivery succeeded."""
    verdict = _everywhere(facts.recorders, _recorder_fault, "a recorder that is recording")
    stopped = [
        (region, recorder.name)
        for region, found in facts.recorders.items()
        if isinstance(found, Value)
        for recorder in found.value
        if not any(other.is_recording for other in found.value)
    ]
    if verdict.status is not Status.FAIL or not stopped:
        return verdict
    region, name = stopped[0]
    start = f"{{aws}} configservice start-configuration-recorder --configuration-recorder-name {_quoted(name)}"
    return failed(verdict.actual, fix=f"{start} --region {_quoted(region)}")


def config_has_rules(facts: AccountFacts) -> Verdict:
    """Config has rules that evaluate what it records."""
    count = known(facts.config_rules)
    return passes_if(count > 0, f"{count} rules")


def _recorder_fault(recorders: tuple[Recorder, ...]) -> str:
    recording = [recorder for recorder in recorders if recorder.is_recording]
    if not recorders:
        return "there is no recorder"
    if not recording:
        return f"recorder {recorders[0].name} is stopped"
    good = [recorder for recorder in recording if recorder.last_status in ("SUCCESS", "PENDING", "NOT_APPLICABLE")]
    return "" if good else f"the last status of recorder {recording[0].name} is {recording[0].last_status}"


def _nothing_wrong(_: object) -> str:
    return ""


def _everywhere(answers: ByRegion[T], fault: Callable[[T], str], good: str) -> Verdict:
    """PASS when no region has a fault; UNKNOWN when none is known to have one, and some could not be asked.

    :param fault: what is wrong in a region; empty when nothing is.
    :param good: what every region then has.
    """
    wrong, not_read = [], []
    for region, found in answers.items():
        if isinstance(found, Denied | Failed):
            not_read.append(found)
            continue
        what = str(found) if isinstance(found, Missing) else fault(found.value)
        if what:
            wrong.append(f"{what} ({region})")
    if wrong:
        return failed(_shown(wrong))
    if not_read:
        # A service that is not answered in one region is hardly answered in another: one reason is enough.
        raise NotKnown(not_read[0])
    return passed(f"{good} in each of {len(answers)} regions" if len(answers) > 1 else good)


_ENCRYPTED, _VALIDATED, _RECORDS = range(3)
_WORTH = (5, 5, 10)
_LACKS = ("it has no KMS key", "it does not validate its log files", "")


def _of_best_trail(facts: AccountFacts, what: int) -> Verdict:
    """One trail has to have it all: what another one has does not count. The one with the most points is the best.
    Where it is not known which one that is, neither is what depends on it.
    """
    trails = known(facts.trails)
    if not trails:
        return failed("there is no trail")
    worst = max(trails, key=lambda trail: _points(trail, benefit=False))
    best = max(trails, key=lambda trail: _points(trail, benefit=True))
    certain, reason = _has(worst, what)
    if certain:
        return passed(worst.name)
    possible, why = _has(best, what)
    if possible is not False and _points(best, benefit=True) > _points(worst, benefit=False):
        return unknown(f"{best.name}: {why or reason}")
    return unknown(f"{worst.name}: {reason}") if certain is None else failed(f"{worst.name}: {reason}")


def _points(trail: TrailSummary, *, benefit: bool) -> int:
    """Of the three items, with the benefit of the doubt or without."""
    return sum(
        worth
        for what, worth in enumerate(_WORTH)
        for answer in (_has(trail, what)[0],)
        if answer or (answer is None and benefit)
    )


def _has(trail: TrailSummary, what: int) -> tuple[bool | None, str]:
    """Whether a logging trail has it, or else why not; ``None`` when that is not known."""
    if isinstance(trail.status, Missing):
        return False, str(trail.status)
    if isinstance(trail.status, Value) and not trail.status.value.is_logging:
        return False, "it is not logging"
    if what != _RECORDS:
        has = trail.is_encrypted_with_kms if what == _ENCRYPTED else trail.validates_log_files
        if not has:
            return False, _LACKS[what]
        return (True, "") if isinstance(trail.status, Value) else (None, str(trail.status))
    return _records(trail)


def _records(trail: TrailSummary) -> tuple[bool | None, str]:
    if not trail.is_multi_region:
        return False, "it records one region"
    gaps = unrecorded(trail.selectors.value) if isinstance(trail.selectors, Value) else ()
    if gaps:
        return False, f"it does not record {', '.join(gaps)}"
    if not isinstance(trail.status, Value):
        return None, str(trail.status)
    error = trail.status.value.delivery_error or trail.status.value.digest_delivery_error
    if error:
        return False, f"its deliveries fail: {error}"
    arrives = _arrives(trail, trail.status.value)
    if arrives[0] is not True:
        return arrives
    return (True, "") if isinstance(trail.selectors, Value) else (None, str(trail.selectors))


def _arrives(trail: TrailSummary, status: TrailStatus) -> tuple[bool | None, str]:
    """Whether something came since logging began, and digests go on coming. Not known for a trail of which nothing can
    have come yet, nor where nothing came for a day: whether something happened then, ``verify check`` asks.
    """
    begun = status.logging_since
    log_file, digest = (
        moment if moment and (begun is None or moment >= begun) and moment - trail.asked_at <= _CLOCKS_DIFFER else None
        for moment in (status.last_delivery, status.last_digest)
    )
    if trail.validates_log_files:
        age = None if begun is None else trail.asked_at - begun
        if digest is not None:
            is_late = trail.asked_at - digest > DIGEST_LATE_AFTER
            return (False, f"its last digest came at {digest:%Y-%m-%d %H:%M} UTC") if is_late else (True, "")
        if age is not None and age > DIGESTS_SURE_AFTER and status.last_digest is not None:
            return False, f"no digest came since logging began at {begun:%Y-%m-%d %H:%M} UTC"
        if age is None or age > DIGEST_LATE_AFTER:
            return None, "no digest came since logging began, and verify check says whether one should have"
    if log_file is not None and trail.asked_at - log_file <= DIGESTS_SURE_AFTER:
        return True, ""
    came = "nothing came" if log_file is None else f"its last file came at {log_file:%Y-%m-%d %H:%M} UTC"
    since = f" since logging began at {begun:%Y-%m-%d %H:%M} UTC" if begun and log_file is None else ""
    return None, f"{came}{since}, and verify check says whether more should have come"


def _quoted(name: str) -> str:
    """Quoted for a shell, with the braces doubled for ``str.format``."""
    return shlex.quote(name).replace("{", "{{").replace("}", "}}")


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _EVIDENCE
    return ", ".join(names[:_EVIDENCE]) + (f" and {more} more" if more > 0 else "")
