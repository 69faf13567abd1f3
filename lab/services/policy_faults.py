"""Policies that AWS does not take: with an element missing, one that has no place there, or for somebody who does not
exist. These are the policies of identities, buckets, keys, topics, queues and secrets, and trust policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from lab.ministack import identities
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call
from lab.protocol.request import Request

_ACCOUNT = re.compile("[0-9]{12}")
_UNIQUE_ID = re.compile("A[A-Z0-9]{15,127}")
_ARN = re.compile(
    r"arn:aws[\w-]*:(?:iam|sts)::(?P<account>[0-9]{12}|cloudfront):"
    r"(?P<kind>root|user|role|assumed-role|federated-user)(?:/(?P<path>[^*?]+))?"
)
_KINDS = frozenset({"AWS", "CanonicalUser", "Federated", "Service"})
_VARIABLE = re.compile(r"\$\{[^}]*\}")


class _Fault(Exception):
    """What is wrong, in the words of the service."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a policy must be: `code` of the error, and a rule of its own for each statement.

    :param fields: what each statement has, as it is or with a `Not` before it.
    :param prohibited: what none has, with the message for it.
    :param invalid_principal: the message for a principal that is none; `@` stands for it.
    :param no_json: the message for what is no JSON.
    :param message: the only message of a service that does not say what is wrong; `@` stands for what it is.
    """

    code: str
    fields: tuple[str, ...] = ("Principal", "Action", "Resource")
    prohibited: Mapping[str, str] = field(default_factory=dict)
    invalid_principal: str = ""
    no_json: str = "Syntax errors in policy."
    message: str = "@"
    rule: Callable[[Mapping[str, Any], str], None] = lambda _statement, _name: None


def policy_error(call: Call, request: Request, account: str) -> Answer | None:
    """The error for a policy that AWS does not store; None for any other call.

    :param account: of the caller.
    """
    if (call.service, call.operation.name) == ("kms", "CreateGrant"):
        return _grant_error(call, account)
    kind = _KINDS_OF_POLICIES.get((call.service, call.operation.name))
    if kind is None:
        return None
    text, name = _policy_of(call, request)
    if not text:
        return None  # the service has a policy of its own for that, or says that it is missing
    try:
        for statement in _statements(text, kind.no_json):
            _check(statement, kind, name, account)
    except _Fault as fault:
        return error_answer(call.service, call.protocol, 400, kind.code, kind.message.replace("@", str(fault)))
    return None


def _grant_error(call: Call, account: str) -> Answer | None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html (InvalidArnException)"""
    for name in ("GranteePrincipal", "RetiringPrincipal"):
        value = str((call.parameters or {}).get(name) or "")
        # AWS's own services have grants as well.
        if value and not value.endswith(".amazonaws.com") and not (value != "*" and _is_principal(value, account)):
            message = f"ARN does not refer to a valid principal: {value}"
            return error_answer(call.service, call.protocol, 400, "InvalidArnException", message)
    return None


_MEMBERS = ("AssumeRolePolicyDocument", "Policy", "PolicyDocument", "ResourcePolicy")


def _policy_of(call: Call, request: Request) -> tuple[str, str]:
    """The policy, and the name of what it is for."""
    given = call.parameters or {}
    if call.service == "s3":
        return request.body.decode("utf-8", "replace"), str(call.labels.get("Bucket", ""))
    if given.get("AttributeName") == "Policy":
        return str(given.get("AttributeValue") or ""), ""
    attributes = given.get("Attributes")
    sources = (given, attributes if isinstance(attributes, Mapping) else {})
    return next((str(each[name]) for each in sources for name in _MEMBERS if each.get(name)), ""), ""


def _statements(text: str, no_json: str) -> Iterator[Mapping[str, Any]]:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise _Fault(no_json) from None
    if not isinstance(policy, dict):
        raise _Fault(no_json)
    found = policy.get("Statement")
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not statements or not all(isinstance(each, dict) for each in statements):
        raise _Fault("Missing required field Statement")
    yield from statements


def _check(statement: Mapping[str, Any], kind: _Kind, name: str, account: str) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _Fault(
            f"Invalid effect: {statement['Effect']}" if "Effect" in statement else "Missing required field Effect"
        )
    for name_of_field, message in kind.prohibited.items():
        if name_of_field in statement or f"Not{name_of_field}" in statement:
            raise _Fault(message)
    for name_of_field in kind.fields:
        if name_of_field not in statement and f"Not{name_of_field}" not in statement:
            raise _Fault(f"Missing required field {name_of_field}")
    principals = statement.get("Principal", statement.get("NotPrincipal"))
    for principal_kind, value in _principals(principals) if "Principal" in kind.fields else ():
        if principal_kind not in _KINDS or (principal_kind == "AWS" and not _is_principal(value, account)):
            raise _Fault(kind.invalid_principal.replace("@", f'"{principal_kind}":"{value}"'))
    kind.rule(statement, name)


def _principals(element: Any) -> Iterator[tuple[str, str]]:
    """The kind and the value of each principal of an element."""
    if not isinstance(element, dict):
        yield "AWS", element if element == "*" else ""
        return
    for kind, values in element.items():
        for value in values if isinstance(values, list) else [values]:
            yield str(kind), str(value)


def _is_principal(value: str, account: str) -> bool:
    """Whether somebody is who a policy names. Of other accounts the lab cannot know who is there."""
    if value == "*" or _ACCOUNT.fullmatch(value) or _UNIQUE_ID.fullmatch(value):
        return True
    found = _ARN.fullmatch(value)
    if found is None or (found["kind"] == "root") != (found["path"] is None):
        return False
    if found["account"] != account or found["kind"] in ("root", "federated-user"):
        return True
    kind = "user" if found["kind"] == "user" else "role"
    if found["kind"] == "assumed-role":
        return bool(identities.Resources().iam_arn(kind, found["path"].partition("/")[0], account))
    return identities.Resources().iam_arn(kind, found["path"].rpartition("/")[2], account) == value


def _strings(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _of_service(prefix: str, message: str) -> Callable[[Mapping[str, Any], str], None]:
    """The rule that a policy has actions of its own service alone."""

    def rule(statement: Mapping[str, Any], _name: str) -> None:
        actions = _strings(statement.get("Action", statement.get("NotAction")))
        if not all(each == "*" or each.lower().startswith(prefix) for each in actions):
            raise _Fault(message)

    return rule


_has_actions_of_s3 = _of_service("s3:", "Policy has invalid action")


def _bucket_rule(statement: Mapping[str, Any], bucket: str) -> None:
    _has_actions_of_s3(statement, bucket)
    for each in _strings(statement.get("Resource", statement.get("NotResource"))):
        start, _, rest = each.partition(":::")
        pattern = _VARIABLE.sub("*", rest).partition("/")[0]
        if each != "*" and not (start.startswith("arn:") and fnmatchcase(bucket, pattern.replace("[", "[[]"))):
            raise _Fault("Policy has invalid resource")


def _trust_rule(statement: Mapping[str, Any], _name: str) -> None:
    actions = _strings(statement.get("Action", "*"))
    if not all(each == "*" or each.lower().startswith("sts:") for each in actions):
        raise _Fault("AssumeRole policy may only specify STS AssumeRole actions.")


def _identity_rule(statement: Mapping[str, Any], _name: str) -> None:
    actions = _strings(statement.get("Action", statement.get("NotAction")))
    if not all(each == "*" or ":" in each for each in actions):
        raise _Fault("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    for each in _strings(statement.get("Resource", statement.get("NotResource"))):
        if each != "*" and not each.startswith(("arn:", "*:", "${")):
            raise _Fault(f'Resource {each} must be in ARN format or "*".')


_TRUST = _Kind(
    "MalformedPolicyDocument",
    ("Principal", "Action"),
    {"Resource": "Has prohibited field Resource"},
    invalid_principal="Invalid principal in policy: @",
    rule=_trust_rule,
)
_OF_IDENTITY = _Kind(
    "MalformedPolicyDocument",
    ("Action", "Resource"),
    {"Principal": "Policy document should not specify a principal."},
    rule=_identity_rule,
)
_OF_KEY = _Kind(
    "MalformedPolicyDocumentException",
    invalid_principal="Policy contains a statement with one or more invalid principals.",
)
_OF_BUCKET = _Kind(
    "MalformedPolicy",
    invalid_principal="Invalid principal in policy",
    no_json="Policies must be valid JSON and the first byte must be '{'",
    rule=_bucket_rule,
)
_OF_TOPIC = _Kind(
    "InvalidParameter",
    invalid_principal="Policy Error: PrincipalNotFound",
    no_json="Policy Error: null",
    message="Invalid parameter: @",
    rule=_of_service("sns:", "Policy statement action out of service scope!"),
)
_OF_QUEUE = _Kind(
    "InvalidAttributeValue",
    ("Principal", "Action"),
    message="Invalid value for the parameter Policy.",
    rule=_of_service("sqs:", ""),
)
_OF_SECRET = _Kind(
    "MalformedPolicyDocumentException",
    invalid_principal="This resource policy contains an unsupported principal.",
    no_json="This resource policy contains a syntax error.",
)
_KINDS_OF_POLICIES = {
    ("iam", "CreateRole"): _TRUST,
    ("iam", "UpdateAssumeRolePolicy"): _TRUST,
    ("kms", "CreateKey"): _OF_KEY,
    ("kms", "PutKeyPolicy"): _OF_KEY,
    ("s3", "PutBucketPolicy"): _OF_BUCKET,
    ("secretsmanager", "PutResourcePolicy"): _OF_SECRET,
    ("sns", "CreateTopic"): _OF_TOPIC,
    ("sns", "SetTopicAttributes"): _OF_TOPIC,
    ("sqs", "CreateQueue"): _OF_QUEUE,
    ("sqs", "SetQueueAttributes"): _OF_QUEUE,
    **{
        ("iam", name): _OF_IDENTITY
        for name in ("CreatePolicy", "CreatePolicyVersion", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy")
    },
}
