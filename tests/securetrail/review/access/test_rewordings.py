"""Changes of wording that allow the same: nothing became allowed, nothing became denied, nothing is in doubt."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from securetrail.review.access import AccessDifference, compare_access
from securetrail.review.template import Id, Template, variants
from tests.securetrail.review.access.stack import (
    BUCKET,
    CLOUDTRAIL,
    FOREIGN,
    OBJECTS,
    OWN,
    ROOT,
    TRAIL,
    Change,
    Json,
    deny,
    difference,
    document,
    grant,
    properties,
    statement,
    statements,
    template,
)

pytestmark = pytest.mark.regular

NOTHING = AccessDifference((), (), ())
TRAIL_ARN = f"arn:aws:cloudtrail:us-east-1:{OWN}:trail/audit"


def update(resource: str, sid: str, **elements: Any) -> Change:
    return lambda template: statement(template, resource, sid).update(elements)


def add(resource: str, *more: Json) -> Change:
    return lambda template: statements(template, resource).extend(more)


def _split(template: Json) -> None:
    """One statement for each action."""
    use = statement(template, "Key", "Use")
    statements(template, "Key").remove(use)
    statements(template, "Key").extend({**use, "Sid": "", "Action": action} for action in use["Action"])


def _own_policy(template: Json) -> None:
    """The inline policy as a resource of its own."""
    (inline,) = properties(template, "Reader").pop("Policies")
    template["Resources"]["ReaderPolicy"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": inline["PolicyDocument"], "Roles": [{"Ref": "Reader"}]},
    }


def _renamed_policy(template: Json) -> None:
    template["Resources"]["Other"] = template["Resources"].pop("LogsPolicy")
    template["Resources"]["Trail"]["DependsOn"] = ["Other"]


def _by_parameter(template: Json) -> None:
    template["Parameters"] = {"Organization": {"Type": "String", "Default": "o-security00"}}
    statement(template, "LogsPolicy", "Readers")["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = {
        "Ref": "Organization"
    }


def _by_mapping(template: Json) -> None:
    template["Mappings"] = {"Partners": {"us-east-1": {"Account": FOREIGN}}}
    account = {"Fn::FindInMap": ["Partners", {"Ref": "AWS::Region"}, "Account"]}
    statement(template, "Key", "Auditors")["Principal"] = {
        "AWS": {"Fn::Sub": ["arn:aws:iam::${Account}:role/auditor", {"Account": account}]}
    }


def _by_condition(template: Json) -> None:
    """Both branches are the same statement, in other words."""
    template["Conditions"] = {"IsEast": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}}
    given = statement(template, "Key", "Use")
    given["Condition"] = {
        "Fn::If": ["IsEast", {"StringEquals": {"aws:SourceArn": TRAIL}}, {"ArnEquals": {"aws:SourceArn": TRAIL_ARN}}]
    }


def _reversed(template: Json) -> None:
    for name in ("LogsPolicy", "Key"):
        statements(template, name).reverse()


def _without_sids(template: Json) -> None:
    for name in ("LogsPolicy", "Key", "AlertsPolicy", "QueuePolicy"):
        for each in statements(template, name):
            del each["Sid"]


def _single(template: Json) -> None:
    """One statement that is no list."""
    properties(template, "AlertsPolicy")["PolicyDocument"]["Statement"] = statements(template, "AlertsPolicy")[0]


def _literal_account(template: Json) -> None:
    statement(template, "Key", "Root")["Principal"] = {"AWS": {"Ref": "AWS::AccountId"}}


def _merged(template: Json) -> None:
    """The two statements of the auditor's account with the same condition in one."""
    for each in ("Auditors", "Grants"):
        statement(template, "Key", each)["Principal"] = {"AWS": [f"arn:aws:iam::{FOREIGN}:role/auditor"]}


REWORDINGS: dict[str, Change] = {
    "the order of statements": _reversed,
    "no Sid": _without_sids,
    "a statement that is no list": _single,
    "a list of one principal": _merged,
    "a list of one action": update("LogsPolicy", "Write", Action=["s3:PutObject"]),
    "the order of actions": update("LogsPolicy", "Readers", Action=["s3:ListBucket", "s3:GetObject"]),
    "the case of an action": update("LogsPolicy", "Write", Action="S3:PUTOBJECT"),
    "a statement for each action": _split,
    "an action that a wildcard has already": update("Key", "Root", Action=["kms:*", "kms:Decrypt"]),
    "a wildcard spelled out": update(
        "Key",
        "Encrypt",
        Action=[
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyPair",
            "kms:GenerateDataKeyPairWithoutPlaintext",
            "kms:GenerateDataKeyWithoutPlaintext",
        ],
    ),
    "two wildcards instead of one": update("Key", "Encrypt", Action=["kms:GenerateDataKey", "kms:GenerateDataKey?*"]),
    "a resource that a wildcard has already": update(
        "LogsPolicy", "Tls", Resource=[BUCKET, OBJECTS, {"Fn::Sub": "${Logs.Arn}/AWSLogs/*"}]
    ),
    "Fn::Sub instead of Fn::Join": update("LogsPolicy", "Tls", Resource=[BUCKET, {"Fn::Sub": "${Logs.Arn}/*"}]),
    "the ARN from the name": update(
        "LogsPolicy",
        "Tls",
        Resource=[{"Fn::Sub": "arn:${AWS::Partition}:s3:::${Logs}"}, {"Fn::Sub": "arn:aws:s3:::${Logs}/*"}],
    ),
    "the bucket by its name": lambda t: properties(t, "LogsPolicy").update(
        Bucket={"Fn::Sub": "audit-${AWS::AccountId}"}
    ),
    "Fn::Select of Fn::Split": update(
        "AlertsPolicy",
        "Alarms",
        Condition={"StringEquals": {"aws:SourceAccount": {"Fn::Select": [4, {"Fn::Split": [":", {"Ref": "Alerts"}]}]}}},
    ),
    "the account instead of its root": _literal_account,
    'everybody as {"AWS": "*"}': update("LogsPolicy", "Tls", Principal={"AWS": "*"}),
    "StringLike without a wildcard": update("Key", "Use", Condition={"StringLike": {"aws:SourceArn": TRAIL}}),
    "ArnEquals instead of StringEquals": update("Key", "Use", Condition={"ArnEquals": {"aws:SourceArn": TRAIL}}),
    "the same condition twice": update(
        "Key", "Use", Condition={"StringEquals": {"aws:SourceArn": TRAIL}, "ArnLike": {"aws:SourceArn": [TRAIL]}}
    ),
    "the account beside the ARN that has it": update(
        "Key", "Use", Condition={"StringEquals": {"aws:SourceArn": TRAIL, "aws:SourceAccount": OWN}}
    ),
    "the case of a condition key": update("Key", "Use", Condition={"StringEquals": {"AWS:sourcearn": TRAIL}}),
    "a boolean that is no text": update("LogsPolicy", "Tls", Condition={"Bool": {"aws:SecureTransport": False}}),
    "TLS as a text": update("LogsPolicy", "Tls", Condition={"StringEquals": {"aws:SecureTransport": ["false"]}}),
    "IfExists where the key always is": update(
        "LogsPolicy", "Tls", Condition={"BoolIfExists": {"aws:SecureTransport": "false"}}
    ),
    "IfExists on a negated operator": update(
        "LogsPolicy",
        "Keep",
        Condition={"ArnNotLikeIfExists": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/admin"}},
    ),
    "a Deny within another": add(
        "LogsPolicy", deny("Again", "s3:GetObject", OBJECTS, Bool={"aws:SecureTransport": "false"})
    ),
    "an Allow within another": add("Key", grant("Again", ROOT, "kms:Decrypt")),
    "an Allow of what is denied": add(
        "LogsPolicy",
        grant("Never", {"AWS": FOREIGN}, "s3:GetObject", OBJECTS, Bool={"aws:SecureTransport": "false"}),
    ),
    "an Allow that nothing meets": add(
        "LogsPolicy",
        grant(
            "Never",
            "*",
            "s3:GetObject",
            OBJECTS,
            StringEquals={"aws:SourceVpce": "vpce-9"},
            Null={"aws:SourceVpce": "true"},
        ),
    ),
    "an Allow for CloudTrail with a key that it never sends": add(
        "LogsPolicy", grant("Never", CLOUDTRAIL, "s3:GetObject", OBJECTS, StringEquals={"aws:PrincipalOrgID": "o-1"})
    ),
    "an action on what does not have it": add("LogsPolicy", grant("Never", {"AWS": FOREIGN}, "s3:GetObject", BUCKET)),
    "the policy of another bucket": add(
        "LogsPolicy", grant("Never", {"AWS": FOREIGN}, "s3:GetObject", "arn:aws:s3:::another/*")
    ),
    "an inline policy as a resource of its own": _own_policy,
    "another id of the policy": _renamed_policy,
    "a parameter with the same default": _by_parameter,
    "a mapping with the same value": _by_mapping,
    "two branches that say the same": _by_condition,
    "a description": lambda t: properties(t, "Key").update(Description="The key"),
    "the public access block in texts": lambda t: properties(t, "Logs").update(
        PublicAccessBlockConfiguration=dict.fromkeys(properties(t, "Logs")["PublicAccessBlockConfiguration"], "true")
    ),
    "another version of the language": lambda t: properties(t, "Key")["KeyPolicy"].update(Version="2008-10-17"),
    "the statement of the permission in other words": lambda t: properties(t, "Invoke").update(
        FunctionName={"Ref": "Function"}
    ),
}


@pytest.mark.parametrize("name", REWORDINGS)
def test_other_words_for_the_same_are_no_difference(name: str) -> None:
    assert difference(REWORDINGS[name]) == NOTHING


def test_a_renamed_stack_and_resource_are_no_difference() -> None:
    base = template()
    head = copy.deepcopy(base)
    head["Resources"]["Archive"] = head["Resources"].pop("Key")
    text = head["Resources"]["Trail"]["Properties"]
    text["KMSKeyId"] = {"Fn::GetAtt": ["Archive", "Arn"]}
    renamed = {Id("New", name): Id("Old", name) for name in base["Resources"]} | {
        Id("New", "Archive"): Id("Old", "Key")
    }

    compared = variants([Template("Old", base)], [Template("New", head)], renamed)

    assert compare_access(compared) == NOTHING


def test_a_role_and_a_document_that_are_removed_are_no_difference_of_access() -> None:
    def change(template: Json) -> None:
        del template["Resources"]["Worker"], template["Resources"]["WorkerPolicy"]

    assert difference(change) == NOTHING


NEW_GROUP = f"arn:aws:logs:us-east-1:{OWN}:log-group:/audit"
LOGS = {"Service": "logs.us-east-1.amazonaws.com"}


def publishes(topic: Any, trail: Any, operator: str = "ArnLike") -> Json:
    conditions = {"ArnEquals": {"aws:SourceArn": trail}, operator: {"kms:EncryptionContext:aws:sns:topicArn": topic}}
    return grant("Notify", CLOUDTRAIL, ["kms:GenerateDataKey*", "kms:Decrypt"], **conditions)


def both(*changes: Change) -> Change:
    def change(template: Json) -> None:
        for each in changes:
            each(template)

    return change


def _group(template: Json) -> None:
    template["Resources"]["Group"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/audit"}}


def _replica(template: Json) -> None:
    template["Resources"]["Replica"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "copies"}}
    add(
        "WorkerPolicy",
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": {"Fn::Sub": "${Replica.Arn}/*"}},
    )(template)


def encrypts(group: str) -> Json:
    return grant(
        "Logs", LOGS, ["kms:Encrypt*", "kms:Decrypt*"], ArnEquals={"kms:EncryptionContext:aws:logs:arn": group}
    )


@pytest.mark.parametrize(
    ("change", "objects"),
    [
        # CloudTrail writes for the same trail to another folder.
        (
            add(
                "LogsPolicy",
                grant(
                    "More",
                    CLOUDTRAIL,
                    "s3:PutObject",
                    {"Fn::Sub": "${Logs.Arn}/p/*"},
                    StringEquals={"aws:SourceArn": TRAIL},
                ),
            ),
            False,
        ),
        # … for a trail that the stack does not have.
        (
            add(
                "LogsPolicy",
                grant(
                    "More",
                    CLOUDTRAIL,
                    "s3:PutObject",
                    {"Fn::Sub": "${Logs.Arn}/p/*"},
                    StringEquals={"aws:SourceArn": f"{TRAIL_ARN}2"},
                ),
            ),
            True,
        ),
        # … and takes protection away.
        (
            add(
                "LogsPolicy",
                grant("More", CLOUDTRAIL, "s3:PutBucketPolicy", BUCKET, StringEquals={"aws:SourceArn": TRAIL}),
            ),
            True,
        ),
        # A log group of the stack is encrypted with the key.
        (both(_group, add("Key", encrypts(NEW_GROUP))), False),
        # … one that the stack does not have.
        (add("Key", encrypts(NEW_GROUP)), True),
        # … all whose names begin like that of the stack's.
        (both(_group, add("Key", encrypts(f"{NEW_GROUP}*"))), True),
        # CloudTrail encrypts for the same trail what it publishes to a topic of the stack.
        (add("Key", publishes({"Ref": "Alerts"}, TRAIL)), False),
        # … to any topic of the account.
        (add("Key", publishes(f"arn:aws:sns:us-east-1:{OWN}:*", TRAIL)), False),
        (add("Key", publishes(f"arn:aws:sns:*:{OWN}:*", TRAIL)), False),
        (add("Key", publishes(f"arn:aws:sns:us-east-1:{OWN}:*", TRAIL, "StringLike")), False),
        # … of any account, or of what only looks like the account's.
        (add("Key", publishes("arn:aws:sns:us-east-1:*:*", TRAIL)), True),
        (add("Key", publishes(f"arn:aws:sns:*:{OWN}:*", TRAIL, "StringLike")), True),
        # … to another topic.
        (add("Key", publishes(f"arn:aws:sns:us-east-1:{FOREIGN}:theirs", TRAIL)), True),
        # … for another trail.
        (add("Key", publishes({"Ref": "Alerts"}, f"{TRAIL_ARN}2")), True),
        # A role writes to a bucket that is new.
        (_replica, False),
        # … and to all others whose names begin like it.
        (
            both(
                _replica,
                add("WorkerPolicy", {"Effect": "Allow", "Action": "s3:Put*", "Resource": "arn:aws:s3:::copies*"}),
            ),
            True,
        ),
    ],
)
def test_what_the_stacks_own_resources_need_is_shown_but_does_not_object(change: Change, *, objects: bool) -> None:
    found = difference(change)

    assert found.allowed
    assert any(access.objects for access in found.allowed) is objects, "\n".join(map(str, found.allowed))


def test_what_is_new_and_only_for_the_account_is_shown_but_does_not_object() -> None:
    def change(template: Json) -> None:
        template["Resources"]["Copy"] = {
            "Type": "AWS::KMS::Key",
            "Properties": {"KeyPolicy": document(grant("Root", ROOT, "kms:*"))},
        }

    found = difference(change)

    assert found.objections == ()
    assert [str(access) for access in found.allowed] == [
        "principals of the account whom IAM allows it may kms:* on the key of Stack/Copy: the statement Root allows it"
    ]
