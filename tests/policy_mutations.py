"""Policies that allow CloudTrail, and one fault in one statement, as people make them."""

from __future__ import annotations

import copy
import fnmatch
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

Statement = dict[str, Any]
SERVICE = "cloudtrail.amazonaws.com"
OTHER_ACCOUNT = "999988887777"
_SOURCE_ARN = "aws:SourceArn"
_ENCRYPTION_CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"


@dataclass(frozen=True)
class Case:
    """Where a trail delivers."""

    trail_arn: str
    bucket: str
    prefix: str
    key_arn: str

    @property
    def account(self) -> str:
        return self.trail_arn.split(":")[4]

    @property
    def folder(self) -> str:
        """Below which all objects lie, as an ARN."""
        return f"arn:aws:s3:::{self.bucket}/{f'{self.prefix}/' if self.prefix else ''}AWSLogs/{self.account}/"


@dataclass(frozen=True)
class Fault:
    """A statement made wrong.

    :param has: what the policy has in the place; `asked` is what the request has there, or how that begins.
    """

    statement: Statement
    has: str
    asked: str


@st.composite
def cases(draw: st.DrawFn) -> Case:
    account = draw(st.from_regex(r"[1-9]\d{11}", fullmatch=True))
    region = draw(st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2"]))
    trail = draw(st.sampled_from(["audit", "ch03-security-trail", "t_1.x"]))
    return Case(
        trail_arn=f"arn:aws:cloudtrail:{region}:{account}:trail/{trail}",
        bucket=draw(st.sampled_from(["logs", f"ch03-cloudtrail-{account}", "a.b-c"])),
        prefix=draw(st.sampled_from(["", "prod", "a/b"])),
        key_arn=f"arn:aws:kms:{region}:{account}:key/0d990263-018e-4065-a703-eff731de951e",
    )


def bucket_grants(case: Case) -> dict[str, Statement]:
    """By the action that each alone allows."""
    from_trail = {_SOURCE_ARN: case.trail_arn}
    bucket = f"arn:aws:s3:::{case.bucket}"
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return {
        "s3:GetBucketAcl": _grant("Check", "s3:GetBucketAcl", bucket, StringEquals=from_trail),
        "s3:PutObject": _grant("Write", "s3:PutObject", f"{case.folder}*", StringEquals={**from_trail, **acl}),
    }


def key_grants(case: Case) -> dict[str, Statement]:
    """By the action that each alone allows; all three are needed where the bucket has an S3 Bucket Key."""
    from_trail = {_SOURCE_ARN: case.trail_arn}
    any_trail = {_ENCRYPTION_CONTEXT: f"arn:aws:cloudtrail:*:{case.account}:trail/*"}
    encrypt = _grant("Encrypt", "kms:GenerateDataKey*", "*", StringEquals=from_trail, StringLike=any_trail)
    return {
        "kms:GenerateDataKey": encrypt,
        "kms:DescribeKey": _grant("Describe", "kms:DescribeKey", "*", StringEquals=from_trail),
        "kms:Decrypt": _grant("Decrypt", "kms:Decrypt", "*", StringEquals=from_trail),
    }


@st.composite
def bystanders(draw: st.DrawFn, case: Case, service: str) -> list[Statement]:
    """Statements that have nothing to do with CloudTrail's requests."""
    root = {"AWS": f"arn:aws:iam::{case.account}:root"}
    everything = f"{service}:*"
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    possible: list[Statement] = [
        {"Sid": "Root", "Effect": "Allow", "Principal": root, "Action": everything, "Resource": "*"},
        {
            "Sid": "Delivery",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": everything,
            "Resource": "*",
        },
        {"Effect": "Deny", "Principal": "*", "Action": everything, "Resource": "*", "Condition": insecure},
    ]
    return draw(st.lists(st.sampled_from(possible), unique_by=json.dumps))


@st.composite
def arranged(draw: st.DrawFn, case: Case, grants: list[Statement], service: str) -> tuple[str, dict[str, str]]:
    """A policy with the grants among bystanders, with and without Sids, and the name by which to call each grant."""
    tagged = [(each, name) for each, name in ((grant, grant["Sid"]) for grant in grants)]
    others = [(each, "") for each in draw(bystanders(case, service))]
    statements, names = [], {}
    for number, (statement, name) in enumerate(draw(st.permutations([*tagged, *others])), start=1):
        has_sid = draw(st.booleans())
        listed = draw(st.booleans())
        written = {key: value for key, value in statement.items() if key != "Sid" or has_sid}
        if listed and isinstance(written["Action"], str):
            written["Action"] = [written["Action"]]
        if name:
            names[name] = name if has_sid else f"number {number}"
        statements.append(written)
    return json.dumps({"Version": "2012-10-17", "Statement": statements}), names


@st.composite
def faults(draw: st.DrawFn, case: Case, action: str, grant: Statement, resource: str) -> Fault:
    """One of the faults that can be in a grant.

    :param action: the action that is asked for; `resource` is how its resource begins.
    """
    possible: list[Callable[[], Fault]] = [
        lambda: _misspelled(draw, grant, action),
        lambda: _other_service(grant, action),
        lambda: _principal(draw, case, grant),
        lambda: _absent_key(draw, grant),
        lambda: _source_arn(draw, case, grant),
        lambda: _resource(draw, case, grant, resource),
        lambda: _wildcard_under_equals(grant, case),
    ]
    if action == "s3:PutObject":
        possible.append(lambda: _acl(grant))
    if action == "kms:GenerateDataKey":
        possible.append(lambda: _encryption_context(grant, case))
    return draw(st.sampled_from(possible))()


def _grant(sid: str, action: str, resource: str, **conditions: Any) -> Statement:
    found = {"Sid": sid, "Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": action}
    return {**found, "Resource": resource, "Condition": conditions}


def _misspelled(draw: st.DrawFn, grant: Statement, action: str) -> Fault:
    service, _, name = grant["Action"].partition(":")
    place = draw(st.integers(1, len(name.rstrip("*")) - 2))
    before, at, after = name[:place], name[place], name[place + 1 :]
    wrong = draw(st.sampled_from([before + after, before + at + at + after, before + after[:1] + at + after[1:]]))
    text = f"{service}:{wrong}"
    assume(not fnmatch.fnmatchcase(action.lower(), text.lower()))
    return Fault({**grant, "Action": text}, text, action)


def _other_service(grant: Statement, action: str) -> Fault:
    service, _, name = grant["Action"].partition(":")
    text = f"{'kms' if service == 's3' else 's3'}:{name}"
    return Fault({**grant, "Action": text}, text, action)


def _principal(draw: st.DrawFn, case: Case, grant: Statement) -> Fault:
    root = f"arn:aws:iam::{case.account}:root"
    names = ("cloudtrial.amazonaws.com", f"cloudtrail.{case.trail_arn.split(':')[3]}.amazonaws.com", "cloudtrail")
    kind, name = draw(st.sampled_from([("AWS", root), *(("Service", each) for each in names)]))
    return Fault({**grant, "Principal": {kind: name}}, name, SERVICE)


def _absent_key(draw: st.DrawFn, grant: Statement) -> Fault:
    key, value = draw(
        st.sampled_from(
            [
                ("aws:PrincipalOrgID", "o-abcdefghij"),
                ("aws:PrincipalArn", "arn:aws:iam::111122223333:role/r"),
                ("aws:SourceVpce", "vpce-1a2b3c4d"),
            ]
        )
    )
    return Fault(_with_condition(grant, "StringEquals", key, value), value, "none")


def _source_arn(draw: st.DrawFn, case: Case, grant: Statement) -> Fault:
    parts = case.trail_arn.split(":")
    place, wrong = draw(
        st.sampled_from([(3, "af-south-1"), (4, OTHER_ACCOUNT), (5, f"{parts[5]}2"), (5, parts[5].partition("/")[2])])
    )
    text = ":".join([*parts[:place], wrong, *parts[place + 1 :]])
    return Fault(_with_condition(grant, "StringEquals", _SOURCE_ARN, text), text, case.trail_arn)


def _wildcard_under_equals(grant: Statement, case: Case) -> Fault:
    text = case.trail_arn.partition("trail/")[0] + "trail/*"
    return Fault(_with_condition(grant, "StringEquals", _SOURCE_ARN, text), text, case.trail_arn)


def _acl(grant: Statement) -> Fault:
    wrong = _with_condition(grant, "StringEquals", "s3:x-amz-acl", "private")
    return Fault(wrong, "private", "bucket-owner-full-control")


def _encryption_context(grant: Statement, case: Case) -> Fault:
    text = f"arn:aws:cloudtrail:*:{OTHER_ACCOUNT}:trail/*"
    return Fault(_with_condition(grant, "StringLike", _ENCRYPTION_CONTEXT, text), text, case.trail_arn)


def _resource(draw: st.DrawFn, case: Case, grant: Statement, resource: str) -> Fault:
    text: str = grant["Resource"]
    bucket = f"arn:aws:s3:::{case.bucket}"
    if text == "*":
        possible = [f"{case.key_arn[:-1]}f", case.key_arn.replace(case.account, OTHER_ACCOUNT)]
    elif text == bucket:
        possible = [f"{bucket}/*", f"{bucket}-2"]
    else:
        possible = [
            bucket,
            text.replace(f"/{case.account}/", f"/{OTHER_ACCOUNT}/"),
            text.replace("/AWSLogs/", "/"),
            text.replace("/AWSLogs/", "/awslogs/"),
            text.replace("AWSLogs/", "elsewhere/AWSLogs/"),
            text.replace(f"/{case.prefix or 'AWSLogs'}/", "/", 1),
            text.removesuffix("*") + "CloudWatch/*",
        ]
    wrong = draw(st.sampled_from(possible))
    return Fault({**grant, "Resource": wrong}, wrong, resource)


def _with_condition(grant: Statement, operator: str, key: str, value: str) -> Statement:
    changed = copy.deepcopy(grant)
    changed["Condition"].setdefault(operator, {})[key] = value
    return changed
