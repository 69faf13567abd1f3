"""How long log files stay: expiry, colder storage and Object Lock, checked against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from constructs_lib.validation.possible_texts import LATER, possible_texts

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html: down only,
# from first to last, and an infrequent-access class takes nothing younger than 30 days and keeps it for 30.
_WATERFALL: Final = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
_INFREQUENT: Final = ("STANDARD_IA", "ONEZONE_IA")
_INFREQUENT_DAYS: Final = 30
_PRINCIPAL: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::[0-9]{12}:(?:role|user)/(?:(?:[\w+=,.@-]+|\*)/)*(?P<name>[\w+=,.@-]+)(?P<any>\*?)"
)
# A role of IAM Identity Center has the permission set's name behind this, and a suffix that nobody chooses.
_OF_PERMISSION_SET: Final = "AWSReservedSSO_"
_EXAMPLE: Final = "Example"  # of a name, or of a part of one, that is known only at deployment
# Of a name that ends in "*". `role/*a` would be every role whose name ends in a, and `role/a*` those that begin so.
_SHORTEST_PREFIX: Final = 4


def days_of(name: str, duration: cdk.Duration) -> int:
    """The duration in days.

    :raises ValueError: it is not a whole number of days, less than one, or known only at deployment.
    """
    days = duration.to_days(integral=False)
    if days < 1 and cdk.Token.is_unresolved(days):
        raise ValueError(
            f"{name} is known only at deployment. Allowed: a number of days that is known now, because it is compared "
            "with other periods. Fix: write for example Duration.days(365); let the app read what varies from its "
            "context."
        )
    if days < 1 or days != int(days):
        raise ValueError(
            f"{name} is {duration.to_human_string()}. Allowed: whole days, at least one, because AWS counts in days. "
            "Fix: write for example Duration.days(365)."
        )
    return int(days)


def check_retention(
    *,
    expiration: cdk.Duration | None,
    transitions: Sequence[s3.Transition],
    noncurrent_version_expiration: cdk.Duration | None,
    object_lock: s3.ObjectLockRetention | None,
) -> None:
    """Refuse periods that contradict each other, or that S3 would refuse at deployment.

    :raises ValueError: names the two periods that do not fit.
    """
    expiration_days = None if expiration is None else days_of("LogRetention.expiration", expiration)
    if noncurrent_version_expiration is not None:
        days_of("LogRetention.noncurrent_version_expiration", noncurrent_version_expiration)
    _check_transitions(transitions, expiration_days)
    if object_lock is None:
        return
    lock_days = days_of("LogRetention.object_lock", object_lock.duration)
    if expiration_days is not None and expiration_days < lock_days:
        raise ValueError(
            f"LogRetention.expiration is {expiration_days} days and object_lock is {lock_days}. Allowed: an expiry "
            "after the lock, because S3 removes no locked version and only hides it behind a delete marker. "
            f"Fix: expiration=Duration.days({lock_days}) or more, or a shorter object_lock."
        )


def check_removal(policy: cdk.RemovalPolicy, object_lock: s3.ObjectLockRetention | None) -> None:
    """Refuse to destroy what nobody can delete, and what CloudFormation does for databases and volumes only.

    :raises ValueError: the policy does not go with a bucket, or not with the lock.
    """
    check_removal_policy(policy)
    if object_lock is None:
        return
    if object_lock.mode is s3.ObjectLockMode.COMPLIANCE and policy is cdk.RemovalPolicy.DESTROY:
        raise ValueError(
            "object_lock is in COMPLIANCE mode and removal_policy is DESTROY. Allowed: DESTROY without a lock or in "
            "GOVERNANCE mode, because not even root can delete objects locked in COMPLIANCE mode, so the stack could "
            "not be deleted. Fix: removal_policy=RemovalPolicy.RETAIN, or ObjectLockRetention.governance(…)."
        )


def _check_transitions(transitions: Sequence[s3.Transition], expiration_days: int | None) -> None:
    before_days, before_class = 0, ""
    for transition in transitions:
        if transition.transition_after is None:
            raise ValueError(
                "LogRetention.transitions has a transition without transition_after. Allowed: an age, not a date: log "
                "files keep coming. Fix: s3.Transition(storage_class=…, transition_after=Duration.days(90))."
            )
        days, name = days_of("transition_after", transition.transition_after), transition.storage_class.value
        known = name in _WATERFALL
        if not known or (before_class and _WATERFALL.index(name) <= _WATERFALL.index(before_class)):
            raise ValueError(
                f"LogRetention.transitions goes to {name} after {before_class or 'STANDARD'}. Allowed: downwards only, "
                f"in the order {', '.join(_WATERFALL)}. Fix: put the transitions into this order."
            )
        # Archives take objects of any age; the infrequent-access classes neither take nor release young ones.
        youngest = before_days + (_INFREQUENT_DAYS if name in _INFREQUENT or before_class in _INFREQUENT else 1)
        if days < youngest and (before_class or name in _INFREQUENT):
            raise ValueError(
                f"LogRetention.transitions goes to {name} after {days} days. Allowed: {youngest} days or more here. "
                f"Fix: transition_after=Duration.days({youngest}) or later."
            )
        if expiration_days is not None and days >= expiration_days:
            raise ValueError(
                f"LogRetention.transitions goes to {name} after {days} days and expiration is {expiration_days} days. "
                "Allowed: a transition before the expiry. Fix: an earlier transition, or a later expiration."
            )
        before_days, before_class = days, name


def check_break_glass(principal_arns: Sequence[str], stack: cdk.Stack) -> None:
    """Refuse principals that would exempt everybody, that are no ARN of a role or user, or of another partition.

    :param stack: a principal of another partition cannot act in it.
    :raises ValueError: names the ARN.
    """
    partition = stack.partition
    own = "aws" if cdk.Token.is_unresolved(partition) else partition
    for arn, known in _known(principal_arns or ("",), stack, own):
        principal = _PRINCIPAL.fullmatch(known)
        if principal is None or (principal["any"] and _takes_in_strangers(principal["name"])):
            raise ValueError(
                f"break_glass_principal_arns has {arn!r}. Allowed: ARNs of roles or users, such as "
                "'arn:aws:iam::111122223333:role/BreakGlass' ('*' only for a whole folder of the path, or at the end "
                f"of the name behind {_SHORTEST_PREFIX} characters or more, as in "
                f"'role/*/{_OF_PERMISSION_SET}BreakGlass_*'). "
                "Fix: name the roles for an emergency, and the one that deploys this stack."
            )
        if principal["partition"] != own and not cdk.Token.is_unresolved(partition):
            raise ValueError(
                f"break_glass_principal_arns has {arn!r}, and the stack is in the partition {partition}, where no "
                f"principal has this ARN. Allowed: principals of {partition}. Fix: write arn:{partition}:iam::…"
            )


def _known(principal_arns: Sequence[str], stack: cdk.Stack, partition: str) -> Iterator[tuple[str, str]]:
    """Each ARN, as it may be after the deployment, with examples in place of what is known only then."""
    for arn in principal_arns:
        texts = possible_texts(stack.resolve(arn)) if cdk.Token.is_unresolved(arn) else [arn]
        for text in texts:
            yield (text.replace(LATER, "…") or arn), _with_examples(text, partition)


def _with_examples(arn: str, partition: str) -> str:
    """The ARN of a principal where one part, or several beside each other, are known only at deployment."""
    examples = ["arn", partition, "iam", "", "0" * 12, f"role/{_EXAMPLE}"]
    parts = arn.split(":")
    missing, shift = len(examples) - len(parts), 0
    for place, part in enumerate(parts):
        if LATER not in part:
            continue
        whole = ":".join(examples[place + shift : place + shift + missing + 1])
        # The first may be several parts, as an account's root has five of the six.
        parts[place] = part.replace(LATER, whole if missing > 0 or part == LATER else _EXAMPLE, 1)
        missing, shift = 0, shift + missing
    return ":".join(parts).replace(LATER, _EXAMPLE)


def _takes_in_strangers(prefix: str) -> bool:
    """Whether ``*`` behind these characters of a name means principals that nobody thought of."""
    return _OF_PERMISSION_SET.startswith(prefix) or len(prefix.removeprefix(_OF_PERMISSION_SET)) < _SHORTEST_PREFIX


def check_removal_policy(policy: cdk.RemovalPolicy) -> None:
    """Refuse a policy that CloudFormation has for databases and volumes only.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html

    :raises ValueError: it is ``SNAPSHOT``.
    """
    if policy is cdk.RemovalPolicy.SNAPSHOT:
        raise ValueError(
            "removal_policy is SNAPSHOT. Allowed: RETAIN, RETAIN_ON_UPDATE_OR_DELETE or DESTROY, because neither a "
            "bucket nor a key has snapshots. Fix: leave removal_policy out to keep logs and key."
        )


def check_pending_window(duration: cdk.Duration) -> None:
    """Refuse a waiting period that KMS would refuse.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html

    :raises ValueError: it is not 7 to 30 days.
    """
    if not 7 <= days_of("NewKey.pending_window", duration) <= 30:
        raise ValueError(
            f"NewKey.pending_window is {duration.to_human_string()}. Allowed: 7 to 30 days. "
            "Fix: leave it out for 30 days, the safest."
        )
