"""Run the checks: find the target, collect the facts once, judge them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from difflib import unified_diff
from urllib.parse import quote

from verify.arn import Arn
from verify.aws import Aws
from verify.fact import Denied, Failed, Missing, NotKnown, Value
from verify.policy.document import MalformedPolicy
from verify.posture.checks.access import ACCESS_CHECKS
from verify.posture.checks.bucket_advice import BUCKET_ADVICE
from verify.posture.checks.console import CHECKPOINTS
from verify.posture.checks.copies import COPY_CHECKS
from verify.posture.checks.lab import LAB_CHECKS, UPDATE_TRAIL
from verify.posture.checks.recording import RECORDING_CHECKS
from verify.posture.checks.trail_advice import TRAIL_ADVICE
from verify.posture.facts.collect import collect
from verify.posture.facts.trail import PERMISSION_OF, TrailFacts
from verify.posture.fixes import Placeholders, aws_command, placeholders_of
from verify.posture.model import Check, Group, Part, Report, Result, Status, Verdict, decide, unknown
from verify.posture.ordered_fixes import Prefixes, ordered_fixes
from verify.posture.policy_changes import with_policy_changes
from verify.posture.resource_policies.commands import (
    READ_ACCESS_POINT_POLICY,
    READ_BUCKET_POLICY,
    READ_INSTEAD,
    READ_KEY_POLICY,
    shell_word,
)
from verify.target import PERMISSIONS, TargetOptions, resolve

CHECKS: tuple[Check, ...] = (
    *RECORDING_CHECKS,
    *LAB_CHECKS,
    *CHECKPOINTS,
    *ACCESS_CHECKS,
    *COPY_CHECKS,
    *TRAIL_ADVICE,
    *BUCKET_ADVICE,
)
_CREATING = ("key_exists", "log_bucket_exists", "trail_exists")
_CREATING_CHECKS = {check.part: check for check in LAB_CHECKS if check.id in _CREATING}
_PRINT_POLICY = "python -m verify check --print-iam-policy"
# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-console.html
# https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
_READ_ACCESS_POINT = READ_ACCESS_POINT_POLICY.partition(" --")[0].replace("{{", "{").replace("}}", "}")
_REGION = re.compile(r"[a-z]{2}[a-z0-9-]{3,30}")


def run_checks(aws: Aws, options: TargetOptions) -> Report:
    """Check the trail, key and bucket of the target.

    :raises TargetNotFound: the trail or stack that the options name does not exist.
    :raises CannotLook: there are no usable credentials, or AWS cannot be reached.
    """
    target = resolve(aws, options)
    facts = with_policy_changes(aws, collect(aws, target))
    command = aws_command(region=target.region, profile=aws.profile, endpoint=aws.endpoints.everywhere)
    return judge(facts, placeholders_of(facts, command), endpoint=aws.endpoint_url)


def judge(facts: TrailFacts, placeholders: Placeholders, *, endpoint: str | None) -> Report:
    """Every check's verdict on the facts: pure."""
    target = facts.target
    results = tuple(_result(check, facts, placeholders, endpoint) for check in CHECKS)
    prefixes = Prefixes(
        placeholders.command(UPDATE_TRAIL),
        tuple(placeholders.command(read) for read in (READ_BUCKET_POLICY, READ_KEY_POLICY, _READ_ACCESS_POINT)),
    )
    return Report(
        account=target.account.value if isinstance(target.account, Value) else "unknown",
        region=target.region,
        partition=target.partition,
        endpoint=endpoint,
        trail=placeholders.plain["trail_arn"],
        bucket=placeholders.plain["bucket"],
        key=placeholders.plain["key_reference"],
        meant_by=target.source,
        notices=target.notices,
        results=results,
        fixes=ordered_fixes(zip(CHECKS, results, strict=True), prefixes),
        is_certain=target.is_certain,
        unanswered=_unanswered(facts),
    )


def _unanswered(facts: TrailFacts) -> tuple[str, ...]:
    """Why questions have no answer. What does not exist is an answer."""
    answers = (getattr(facts, name) for name in PERMISSION_OF)
    return tuple(dict.fromkeys(str(answer) for answer in answers if isinstance(answer, Denied | Failed)))


def needed_permissions() -> tuple[str, ...]:
    """The IAM actions behind all checks, sorted."""
    return tuple(sorted({*PERMISSIONS, *(PERMISSION_OF[fact] for check in CHECKS for fact in _read_by(check))}))


def _read_by(check: Check) -> tuple[str, ...]:
    return (*check.needs, *check.may_need)


def _judged(check: Check, facts: TrailFacts) -> Verdict:
    """A check's verdict. What could not be read is UNKNOWN and what does not exist is a FAIL, for every check alike."""
    resource = {Part.TRAIL: facts.target.trail, Part.KEY: facts.key_arn, Part.BUCKET: facts.bucket}[check.part]
    try:
        found = check.judge(facts)
    except MalformedPolicy as error:
        return unknown(str(error))
    except NotKnown as error:
        match error.fact:
            case Missing(why) if error.fact == resource and _is_of_what_there_is(check):
                return Verdict(Status.NOT_APPLICABLE, why, fix="")
            case Missing(why) if error.fact == resource:
                # The command that creates the resource creates it as the check wants it.
                found = Verdict(Status.FAIL, why, fix=_creating_fix(check.part, facts))
            case Missing(why):
                found = Verdict(Status.FAIL, why)
            case Denied() as denied:
                return Verdict(Status.UNKNOWN, str(denied), fix=_PRINT_POLICY)
            case Failed(why):
                return unknown(why)
    if check.group is Group.ADVICE and found.status is Status.FAIL:
        return replace(found, status=Status.ADVICE)
    return found


def _is_of_what_there_is(check: Check) -> bool:
    """Whether the check has nothing to say of a resource that does not exist. Without a trail nothing is recorded."""
    return check.group in (Group.ADVICE, Group.ACCESS) or (
        check.group is Group.RECORDING and check.part is not Part.TRAIL
    )


def _creating_fix(part: Part, facts: TrailFacts) -> str:
    creating = _CREATING_CHECKS[part]
    if part is not Part.KEY:
        return creating.fix
    try:
        return creating.judge(facts).fix or creating.fix
    except NotKnown:
        return creating.fix


def _fix(check: Check, found: Verdict, facts: TrailFacts, placeholders: Placeholders) -> str:
    """The command that makes the check pass, or else one that shows what somebody has to decide."""
    owner = facts.target.trail_arn
    if isinstance(owner, Value) and isinstance(facts.target.account, Value):
        account = Arn.parse(owner.value).account
        if account != facts.target.account.value and found.status is not Status.UNKNOWN:
            return decide(
                f"with credentials of account {shell_word(account)}, whose trail it is: run verify check there"
            )
    placeholder = next(
        (name for name in READ_INSTEAD if f"{{{name}}}" in check.fix and check.id not in _CREATING), None
    )
    is_open = found.status not in (Status.PASS, Status.UNKNOWN)
    if placeholder is not None and placeholder in placeholders.policies and is_open:
        text = Value(placeholders.policies[placeholder])
        of_key = READ_INSTEAD[placeholder] == READ_KEY_POLICY
        corrected = replace(facts, key_policy=text) if of_key else replace(facts, bucket_policy=text)
        if isinstance(facts.bucket_encryption, Value) and "{encryption_with_bucket_key}" in check.fix:
            encryption = replace(facts.bucket_encryption.value, uses_bucket_key=True)
            corrected = replace(corrected, bucket_encryption=Value(encryption))
        if _judged(check, corrected).status is Status.PASS:
            return check.fix
        return READ_INSTEAD[placeholder] if found.fix is None else found.fix
    return check.fix if found.fix is None else found.fix


def _diff(fix: str, facts: TrailFacts, placeholders: Placeholders) -> str:
    """The lines of a policy that the command changes."""
    placeholder = next((name for name in placeholders.policies if f"{{{name}}}" in fix), None)
    if placeholder is None:
        return ""
    current = facts.key_policy if READ_INSTEAD[placeholder] == READ_KEY_POLICY else facts.bucket_policy
    before = _lines(current.value) if isinstance(current, Value) else []
    lines = unified_diff(before, _lines(placeholders.policies[placeholder]), n=0, lineterm="")
    return "\n".join(line for line in lines if line[:2] not in ("--", "++", "@@"))


def _lines(policy: str) -> list[str]:
    return json.dumps(json.loads(policy), indent=2).splitlines()


def _result(check: Check, facts: TrailFacts, placeholders: Placeholders, endpoint: str | None) -> Result:
    found = _judged(check, facts)
    fix = _fix(check, found, facts, placeholders)
    plain = placeholders.plain
    link = console_url(
        check.part,
        partition=facts.target.partition,
        region=facts.target.region,
        trail_arn=plain["trail_arn"],
        bucket=plain["bucket"],
        key=plain["key"],
    )
    return Result(
        id=check.id,
        number=check.number,
        group=check.group,
        title=check.title,
        status=found.status,
        resource=plain["key_reference" if check.part is Part.KEY else check.part.value],
        expected=check.expected.format_map(plain),
        actual=found.actual,
        cause=found.cause,
        why=check.why,
        fix_cli=placeholders.command(fix),
        fix_diff=_diff(fix, facts, placeholders) if found.status in (Status.FAIL, Status.ADVICE) else "",
        fix_cdk="" if found.status is Status.UNKNOWN else check.cdk,
        console_url=link if endpoint is None else None,
        source_url=check.source,
        permissions=tuple(dict.fromkeys(PERMISSION_OF[fact] for fact in _read_by(check))),
        controls=check.controls,
    )


def console_url(part: Part, *, partition: str, region: str, trail_arn: str, bucket: str, key: str) -> str | None:
    """The page of the trail, the bucket or the key; ``None`` in a partition whose console is not known.

    The region comes from an answer and becomes part of the host's name, so that it must be a region's.

    :param key: the key's ARN or id; anything else leads to the list of keys.
    """
    domain = _CONSOLES.get(partition)
    if domain is None or not _REGION.fullmatch(region):
        return None
    console = f"https://{region}.{domain}"
    key_id = key.rpartition("key/")[2] if "alias/" not in key else ""
    page = {
        Part.TRAIL: f"cloudtrailv2/home?region={region}#/trails/{quote(trail_arn, safe=':/', errors='replace')}",
        Part.BUCKET: f"s3/buckets/{quote(bucket, safe='', errors='replace')}?region={region}&tab=permissions",
        Part.KEY: f"kms/home?region={region}#/kms/keys/{quote(key_id, safe='', errors='replace')}",
    }
    return f"{console}/{page[part]}"
