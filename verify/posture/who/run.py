"""Who can blind the recorder: ask AWS once, judge, add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from verify.aws import Aws
from verify.errors import CannotLook, TargetNotFound, UsageError
from verify.fact import Missing, Value
from verify.posture.who import identities, recorder
from verify.posture.who.identities import read_identities
from verify.posture.who.judge import judge
from verify.posture.who.model import Answer, Identity, Kind
from verify.posture.who.powers import Part
from verify.posture.who.recorder import RecorderQuestions
from verify.target import PERMISSIONS as TARGET_PERMISSIONS
from verify.target import TargetOptions, resolve

PERMISSIONS = tuple(dict.fromkeys((*TARGET_PERMISSIONS, *identities.PERMISSIONS, *recorder.PERMISSIONS)))


def find_who(aws: Aws, options: TargetOptions, expected: Sequence[str] = ()) -> Answer:
    """Find out who can blind a trail.

    :param expected: ARNs, with IAM's wildcards, of those who are meant to be able.
    :raises UsageError: there is no such trail, or it belongs to another account than the caller's.
    :raises CannotLook: AWS could not be asked for the trail or for the account's identities.
    """
    target = resolve(aws, options)
    if isinstance(target.trail, Missing):
        raise TargetNotFound(f"{target.trail}. Name another with --trail NAME|ARN, or check --region.")
    if not isinstance(target.trail, Value):
        raise CannotLook(f"The trail was not found: {target.trail}")
    trail = target.trail.value
    if not isinstance(target.account, Value):
        raise CannotLook(f"Which account the credentials belong to is not known: {target.account}.")
    account = target.account.value
    owner = trail.account
    if account != owner:
        raise UsageError(
            f"Trail {trail.name} belongs to account {owner}, and these credentials to account {account}. "
            "Run this with credentials of the trail's account: only there can its identities be listed."
        )
    found = RecorderQuestions(aws, trail).answer()
    everybody = read_identities(aws, owner, found.recorder.partition)
    unseen = (*found.unseen, *everybody.unseen, *_caller_unseen(aws.caller().arn, everybody.identities))
    if options.trail is None and not target.is_certain:
        unseen = (*unseen, "whether this is the trail that is meant: the stack that may name another was not read")
    findings = judge(found.recorder, everybody.identities, everybody.groups, granted=found.granted, expected=expected)
    is_root = {finding.arn: finding for finding in findings if finding.kind == Kind.ROOT}
    notices = [*target.notices, *found.notices]
    if not found.unseen and not any(found.recorder.resources.get(part) for part in (Part.RULE, Part.ALARM)):
        notices.append("No EventBridge rule and no CloudWatch alarm was found that reports a change of the recorder.")
    if trail.is_organization:
        notices.append(
            "An organization's trail can be changed by identities of the management account and of a delegated "
            "administrator; only those of this account were looked at."
        )
    return Answer(
        account=owner,
        trail=trail.arn,
        endpoint=aws.endpoint_url,
        examined=len(everybody.identities),
        findings=tuple(finding for finding in findings if finding.arn not in is_root),
        root=next((replace(finding, is_expected=False) for finding in is_root.values()), None),
        unseen=unseen,
        notices=tuple(notices),
    )


def _caller_unseen(caller: str, everybody: Sequence[Identity]) -> Iterator[str]:
    """Whoever asks is one of the account's identities; a list without the caller is not complete."""
    resource = caller.split(":", 5)[-1]
    kind, _, name = resource.partition("/")
    if kind == "user":
        is_there = any(identity.arn == caller for identity in everybody)
    elif kind == "assumed-role":
        role = name.partition("/")[0]
        is_there = any(identity.kind is Kind.ROLE and identity.name == role for identity in everybody)
    else:
        return  # The root user, or a federated user whose user is not named.
    if not is_there:
        yield f"identities that IAM's list leaves out: the caller, {caller}, is not on it"
