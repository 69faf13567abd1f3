"""Small accounts: identities and the recorder that they may blind, from policies as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from verify.fact import Fact, Missing, Value
from verify.policy.document import Statement, parse_policy, parse_trust_policy
from verify.posture.who.identities import policy_of
from verify.posture.who.model import Group, Identity, Kind, Policy, Recorder
from verify.posture.who.powers import Part

ACCOUNT = "111122223333"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t"
BUCKET = "arn:aws:s3:::logs"
LOG = f"{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/01/31/x.json.gz"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/tamper"
RESOURCES = {
    Part.TRAIL: (TRAIL,),
    Part.BUCKET: (BUCKET,),
    Part.LOG_FILES: (LOG,),
    Part.KEY: (KEY,),
    Part.RULE: (RULE,),
}
KEY_POLICY = [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}]
Document = dict[str, Any]


def text(statements: Sequence[Document]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> Document:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, on: str | list[str] = "*", **more: Any) -> Document:
    return {"Effect": "Deny", "Action": list(actions), "Resource": on, **more}


def policy(*statements: Document, arn: str | None = None) -> Policy:
    return policy_of("p", text(statements), arn)


def managed(name: str, *statements: Document) -> Policy:
    return policy(*statements, arn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")


def user(name: str, *statements: Document, **more: Any) -> Identity:
    policies = (policy(*statements), *more.pop("policies", ()))
    return Identity(Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/{name}", name, policies, **more)


def role(name: str, *statements: Document, trust: Sequence[Document] = (), **more: Any) -> Identity:
    trusts = parse_trust_policy(text([{"Action": "sts:AssumeRole", **statement} for statement in trust]))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return Identity(Kind.ROLE, arn, name, (policy(*statements),), trust=trusts, **more)


def group(name: str, *statements: Document) -> Group:
    return Group(name, f"arn:aws:iam::{ACCOUNT}:group/{name}", (policy(*statements),))


def trusted(*principals: str, **more: Any) -> Document:
    return {"Effect": "Allow", "Principal": {"AWS": list(principals)}, **more}


def recorder(
    bucket_policy: Sequence[Document] | None = None,
    key_policy: Sequence[Document] = KEY_POLICY,
    **more: Any,
) -> Recorder:
    policies: dict[str, Fact[tuple[Statement, ...]]] = {
        BUCKET: Missing("no policy") if bucket_policy is None else Value(parse_policy(text(bucket_policy))),
        KEY: Value(parse_policy(text(key_policy))),
    }
    given: dict[str, Any] = {
        "account": ACCOUNT,
        "partition": "aws",
        "region": "us-east-1",
        "resources": RESOURCES,
        "resource_policies": policies,
    }
    return Recorder(**{**given, **more})
