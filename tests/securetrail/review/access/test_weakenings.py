"""Weakenings that AWS and others warn of, each with its attack: what became allowed is an objection, with to whom."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.securetrail.review.access.stack import (
    BLOCKED,
    BUCKET,
    FOREIGN,
    OBJECTS,
    OWN,
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
)

pytestmark = pytest.mark.regular


@dataclass(frozen=True)
class Weakening:
    """A change of the stack, and what an objection to it has to say.

    :param attack: what somebody can do then.
    :param says: parts of one objection's sentence.
    """

    name: str
    attack: str
    change: Change
    says: tuple[str, ...]


def case(name: str, attack: str, change: Change, *says: str) -> Any:
    return pytest.param(Weakening(name, attack, change, says), id=name)


def new(of_type: str, given: Any) -> Change:
    return lambda template: template["Resources"].update(More={"Type": of_type, "Properties": given})


def add(resource: str, *more: Json) -> Change:
    return lambda template: statements(template, resource).extend(more)


def remove(resource: str, sid: str) -> Change:
    return lambda template: statements(template, resource).remove(statement(template, resource, sid))


def update(resource: str, sid: str, **elements: Any) -> Change:
    return lambda template: statement(template, resource, sid).update(elements)


def replace(resource: str, sid: str, old: str, **new: Any) -> Change:
    def change(template: Json) -> None:
        found = statement(template, resource, sid)
        del found[old]
        found.update(new)

    return change


def uncondition(resource: str, sid: str, operator: str, key: str) -> Change:
    """Drop one condition of a statement."""

    def change(template: Json) -> None:
        conditions = statement(template, resource, sid)["Condition"]
        del conditions[operator][key]
        if not conditions[operator]:
            del conditions[operator]

    return change


def reoperate(resource: str, sid: str, old: str, new: str) -> Change:
    """Compare with another operator."""

    def change(template: Json) -> None:
        conditions = statement(template, resource, sid)["Condition"]
        conditions[new] = {**conditions.get(new, {}), **conditions.pop(old)}

    return change


def put(resource: str, **values: Any) -> Change:
    return lambda template: properties(template, resource).update(values)


def drop(resource: str, name: str) -> Change:
    return lambda template: properties(template, resource).pop(name)


def permit(name: str, *given: Json) -> Change:
    """Give the role Reader another inline policy."""
    return lambda template: properties(template, "Reader")["Policies"].append(
        {"PolicyName": name, "PolicyDocument": document(*given)}
    )


def permits(action: Any, resource: Any) -> Json:
    return document({"Effect": "Allow", "Action": action, "Resource": resource})


def new_role(action: Any, resource: Any) -> Change:
    return lambda template: template["Resources"].update(
        More={
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": document(
                    grant("Lambda", {"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")
                ),
                "Policies": [{"PolicyName": "more", "PolicyDocument": permits(action, resource)}],
            },
        }
    )


READ = ["s3:GetObject", "s3:ListBucket"]
BOTH = [BUCKET, OBJECTS]
WEAKENINGS = [
    # --- confused deputy ---
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    case(
        "CloudTrail writes for anybody's trail",
        "somebody's trail, in any account, writes forged log files among the real ones",
        uncondition("LogsPolicy", "Write", "StringEquals", "aws:SourceArn"),
        "CloudTrail for any trail of other accounts, any other trail of the account and a trail that the request",
        "s3:PutObject",
        "Write",
    ),
    case(
        "CloudTrail encrypts for anybody's trail",
        "another account's trail uses the key, at the owner's cost, and its events mix with the owner's",
        uncondition("Key", "Encrypt", "StringEquals", "aws:SourceArn"),
        "CloudTrail for any trail of other accounts",
        "kms:GenerateDataKey*",
    ),
    case(
        "a wildcard for the account in a trail's ARN",
        "a trail of the attacker's account matches arn:aws:cloudtrail:*:*:trail/*",
        lambda template: (
            reoperate("LogsPolicy", "Write", "StringEquals", "StringLike")(template),
            statement(template, "LogsPolicy", "Write")["Condition"]["StringLike"].update(
                {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}
            ),
        ),
        "CloudTrail for trails of other accounts like arn:aws:cloudtrail:*:*:trail/*",
        "s3:PutObject",
    ),
    case(
        "a wildcard for the trail's name",
        "another trail of the account, made by somebody with fewer rights, writes among the log files",
        lambda template: statement(template, "LogsPolicy", "Acl").update(
            Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{OWN}:trail/*"}}
        ),
        "trails of the account",
        "s3:GetBucketAcl",
    ),
    case(
        "the trail is asked for only if there is one",
        "IfExists lets a request without aws:SourceArn pass",
        reoperate("Key", "Use", "StringEquals", "StringEqualsIfExists"),
        "CloudTrail for a trail that the request does not name",
        "kms:Decrypt",
    ),
    case(
        "the account instead of the trail",
        "every trail of the account may decrypt, not the one",
        update("Key", "Use", Condition={"StringEquals": {"aws:SourceAccount": OWN}}),
        "any other trail of the account",
        "kms:Decrypt",
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html
    case(
        "any topic invokes the function",
        "a topic of the attacker's account calls the function with forged alerts",
        drop("Invoke", "SourceArn"),
        "sns.amazonaws.com for any resource of other accounts",
        "lambda:InvokeFunction",
    ),
    case(
        "anybody invokes the function",
        "every AWS account may call it",
        put("Invoke", Principal="*"),
        "lambda:InvokeFunction",
    ),
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    case(
        "alarms of any account publish",
        "alarms of another account flood the topic, so that nobody reads the true ones",
        update("AlertsPolicy", "Alarms", Condition={}),
        "cloudwatch.amazonaws.com",
        "sns:Publish",
    ),
    case(
        "any topic sends to the queue",
        "anyone, without credentials, puts messages into the queue",
        update("QueuePolicy", "FromTopic", Condition={}),
        "anyone, even without credentials,",
        "sqs:SendMessage",
    ),
    # --- anyone ---
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    case(
        "log files are public",
        "anyone reads who does what in the account",
        add("LogsPolicy", grant("Public", "*", "s3:GetObject", OBJECTS)),
        "anyone, even without credentials, may s3:GetObject on all objects",
        "aws:SecureTransport is true",
        "Public",
    ),
    case(
        "log files for those who come from a page",
        "the Referer header is what the caller writes",
        add("LogsPolicy", grant("Web", "*", READ, BOTH, StringLike={"aws:Referer": "https://example.com/*"})),
        "anyone, even without credentials,",
        "aws:Referer is like https://example.com/*",
    ),
    case(
        "log files for those who come from an address",
        "whoever has an address of the network, in any account and without credentials, reads",
        add("LogsPolicy", grant("Office", "*", READ, BOTH, IpAddress={"aws:SourceIp": "203.0.113.0/24"})),
        "anyone, even without credentials,",
        "aws:SourceIp is in 203.0.113.0/24",
    ),
    case(
        "everybody but one",
        "Allow with NotPrincipal allows all others, also without credentials",
        add(
            "LogsPolicy",
            {
                "Sid": "But",
                "Effect": "Allow",
                "NotPrincipal": {"AWS": f"arn:aws:iam::{FOREIGN}:role/auditor"},
                "Action": "s3:GetObject",
                "Resource": OBJECTS,
            },
        ),
        "anyone, even without credentials,",
        "s3:GetObject",
    ),
    case(
        "everything but one action",
        "Allow with NotAction allows to replace the policy",
        add(
            "LogsPolicy",
            {
                "Sid": "Most",
                "Effect": "Allow",
                "Principal": {"AWS": FOREIGN},
                "NotAction": "s3:DeleteBucket",
                "Resource": BUCKET,
            },
        ),
        f"principals of account {FOREIGN}",
        "s3:PutBucketPolicy",
    ),
    case(
        "everywhere but one folder",
        "Allow with NotResource allows all that it does not name",
        add(
            "LogsPolicy",
            {
                "Sid": "Rest",
                "Effect": "Allow",
                "Principal": {"AWS": FOREIGN},
                "Action": "s3:GetObject",
                "NotResource": {"Fn::Join": ["", [BUCKET, "/public/*"]]},
            },
        ),
        f"principals of account {FOREIGN}",
        "s3:GetObject",
        "other objects than",
    ),
    # --- the bucket's own protection ---
    case(
        "TLS is no longer needed",
        "whoever is on the way reads and changes log files",
        remove("LogsPolicy", "Tls"),
        "aws:SecureTransport is false",
        "statement Tls no longer denies it",
    ),
    case(
        "TLS is needed for the bucket, not for its objects",
        "the files themselves travel in the clear",
        update("LogsPolicy", "Tls", Resource=BUCKET),
        "on all objects",
        "aws:SecureTransport is false",
    ),
    case(
        "TLS is needed by one account's principals alone",
        "all others go without",
        update("LogsPolicy", "Tls", Principal={"AWS": FOREIGN}),
        "principals of the account whom IAM allows it",
        "aws:SecureTransport is false",
    ),
    case(
        "whoever may delete, deletes",
        "an intruder with s3:* removes the traces",
        remove("LogsPolicy", "Keep"),
        "whom IAM allows it",
        "s3:DeleteObject*",
        "statement Keep no longer denies it",
    ),
    case(
        "the exception covers every role",
        "a wildcard in the excepted role's name excepts all roles of the account",
        lambda template: statement(template, "LogsPolicy", "Keep")["Condition"]["ArnNotLike"].update(
            {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}
        ),
        f"like arn:aws:iam::{OWN}:role/*",
        "s3:DeleteObject*",
    ),
    case(
        "one of two protected actions",
        "a lifecycle rule deletes what nobody may delete",
        update("LogsPolicy", "Keep", Action="s3:DeleteObject*"),
        "s3:PutLifecycleConfiguration",
        "statement Keep no longer denies it",
    ),
    case(
        "the bucket has no policy",
        "nothing asks for TLS and nothing keeps the files",
        lambda template: template["Resources"].pop("LogsPolicy"),
        "s3:*",
        "no longer denies it",
    ),
    *(
        case(
            f"{flag} off",
            "the next statement or ACL can make the bucket public",
            put("Logs", PublicAccessBlockConfiguration={**BLOCKED, flag: False}),
            flag,
            "no longer set",
        )
        for flag in BLOCKED
    ),
    case(
        "no block public access",
        "as above, all four",
        drop("Logs", "PublicAccessBlockConfiguration"),
        "RestrictPublicBuckets is no longer set",
    ),
    case(
        "block public access of the access point off",
        "the policy of the access point can be public",
        put("Point", PublicAccessBlockConfiguration={**BLOCKED, "BlockPublicPolicy": "false"}),
        "BlockPublicPolicy",
        "the access point",
    ),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    case(
        "ACLs decide again",
        "who writes an object owns it, and its ACL gives it away",
        put("Logs", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}),
        "BucketOwnerEnforced is no longer set",
    ),
    case(
        "a public ACL",
        "anyone lists the bucket",
        put("Logs", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}, AccessControl="PublicRead"),
        "anyone, even without credentials,",
        "s3:ListBucketVersions",
        "of the ACL PublicRead",
    ),
    case(
        "any value of the ACL header",
        "CloudTrail's objects may belong to the writer",
        uncondition("LogsPolicy", "Write", "StringEquals", "s3:x-amz-acl"),
        "s3:x-amz-acl is not bucket-owner-full-control",
    ),
    # --- other accounts and organizations ---
    case(
        "another account replaces the policy",
        "it gives itself everything",
        add("LogsPolicy", grant("Help", {"AWS": f"arn:aws:iam::{FOREIGN}:root"}, "s3:PutBucketPolicy", BUCKET)),
        f"principals of account {FOREIGN} may s3:PutBucketPolicy on the bucket",
    ),
    case(
        "any principal of the organization",
        "an account that joins the organization reads, whoever runs it",
        uncondition("LogsPolicy", "Readers", "ForAnyValue:StringLike", "aws:PrincipalOrgPaths"),
        "aws:PrincipalOrgID is o-security00",
        "aws:PrincipalOrgPaths",
    ),
    case(
        "any organization",
        "every account is in some organization, so o-* is everybody",
        lambda template: statement(template, "LogsPolicy", "Readers")["Condition"].update(
            StringLike={"aws:PrincipalOrgID": "o-*"}, StringEquals={"aws:SourceVpce": "vpce-1"}
        ),
        "aws:PrincipalOrgID",
        "s3:GetObject",
    ),
    case(
        "from everywhere instead of one VPC endpoint",
        "stolen credentials work from the attacker's machine",
        uncondition("LogsPolicy", "Readers", "StringEquals", "aws:SourceVpce"),
        "aws:SourceVpce is not vpce-1",
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    case(
        "all values of a key that is not there",
        "ForAllValues is true of no value at all: callers outside the organization have none",
        reoperate("LogsPolicy", "Readers", "ForAnyValue:StringLike", "ForAllValues:StringLike"),
        "the request has no aws:PrincipalOrgPaths",
    ),
    case(
        "the organization only if there is one",
        "IfExists lets in requests without the key: those without credentials",
        reoperate("LogsPolicy", "Readers", "StringEquals", "StringEqualsIfExists"),
        "s3:GetObject",
        "is not there",
    ),
    case(
        "the event bus for everybody",
        "any account sends forged events",
        lambda template: properties(template, "BusPolicy")["Statement"].pop("Condition"),
        "events:PutEvents",
    ),
    case(
        "an endpoint for every bucket",
        "through the VPC's endpoint data goes to a bucket of the attacker's; without a policy an endpoint allows all",
        drop("Endpoint", "PolicyDocument"),
        "anyone, even without credentials,",
        "on any resource",
    ),
    case(
        "a public access point",
        "the access point lets in whom the bucket does not",
        update("Point", "Point", Principal="*"),
        "anyone, even without credentials, may s3:GetObject on all objects of Stack/Point",
    ),
    case(
        "the secret is no longer the account's own",
        "principals of other accounts, whom another statement lets in, read it",
        lambda template: (
            remove("SecretPolicy", "Mine")(template),
            add("SecretPolicy", grant("Share", {"AWS": FOREIGN}, "secretsmanager:GetSecretValue"))(template),
        ),
        f"principals of account {FOREIGN} may secretsmanager:GetSecretValue",
    ),
    # --- the key ---
    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
    case(
        "another account does everything with the key",
        "it decrypts the log files, replaces the policy and deletes the key",
        add("Key", grant("Partner", {"AWS": FOREIGN}, "kms:*")),
        f"principals of account {FOREIGN}",
        "kms:*",
    ),
    case(
        "another account decrypts",
        "with a copy of the log files it reads them",
        add("Key", grant("Partner", {"AWS": f"arn:aws:iam::{FOREIGN}:root"}, "kms:Decrypt")),
        f"principals of account {FOREIGN} may kms:Decrypt on the key",
    ),
    case(
        "everybody decrypts",
        "every AWS account may",
        add("Key", grant("Open", {"AWS": "*"}, "kms:Decrypt")),
        "anyone with an AWS account may kms:Decrypt",
    ),
    # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    case(
        "decrypts without S3",
        "the auditor decrypts what he has copied, where S3 does not log it",
        update("Key", "Auditors", Condition={}),
        f"arn:aws:iam::{FOREIGN}:role/auditor may kms:Decrypt",
        "kms:ViaService is not s3.us-east-1.amazonaws.com",
    ),
    case(
        "grants for anybody",
        "with kms:CreateGrant the auditor gives the key to whom he likes",
        update("Key", "Grants", Condition={}),
        f"arn:aws:iam::{FOREIGN}:role/auditor may kms:CreateGrant",
        "kms:GrantIsForAWSResource",
    ),
    case(
        "any encryption context",
        "CloudTrail encrypts as if for a trail of another account",
        uncondition("Key", "Encrypt", "StringLike", "kms:EncryptionContext:aws:cloudtrail:arn"),
        "kms:EncryptionContext:aws:cloudtrail:arn is not like",
    ),
    case(
        "a date far away",
        "access that was to end does not",
        update("Key", "Auditors", Condition={"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}),
        f"arn:aws:iam::{FOREIGN}:role/auditor may kms:Decrypt",
    ),
    # --- roles ---
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    case(
        "no external id",
        "another customer of the partner has the partner assume the role",
        update("Reader", "Partner", Condition={}),
        f"arn:aws:iam::{FOREIGN}:role/partner may sts:AssumeRole",
        "sts:ExternalId is not b2f1",
    ),
    case(
        "everybody of the partner's account",
        "any principal of the partner's account assumes the role",
        update("Reader", "Partner", Principal={"AWS": FOREIGN}),
        f"principals of account {FOREIGN}",
        "sts:AssumeRole",
    ),
    case(
        "everybody assumes the role",
        "every AWS account may",
        add("Worker", grant("Open", "*", "sts:AssumeRole")),
        "anyone with an AWS account",
        "sts:AssumeRole",
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
    case(
        "any repository at GitHub",
        "a workflow of anybody's repository assumes the role",
        update(
            "Reader",
            "GitHub",
            Condition={
                "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                "StringLike": {"token.actions.githubusercontent.com:sub": "repo:*"},
            },
        ),
        "users of arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        "sts:AssumeRoleWithWebIdentity",
        "repo:*",
    ),
    case(
        "no subject at all",
        "as above",
        uncondition("Reader", "GitHub", "StringEquals", "token.actions.githubusercontent.com:sub"),
        "token.actions.githubusercontent.com:sub is not",
    ),
    case(
        "another service has the role",
        "who may start an instance gets what the function may",
        update("Worker", "Lambda", Principal={"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}),
        "ec2.amazonaws.com may sts:AssumeRole",
    ),
    case(
        "the role reads everything",
        "from one bucket to all",
        permit("more", {"Sid": "All", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
        "Stack/Reader may s3:GetObject on other resources than",
    ),
    case(
        "no boundary",
        "with the boundary goes the limit of what any other policy gives the role",
        lambda template: (
            drop("Reader", "PermissionsBoundary")(template),
            permit("more", {"Sid": "All", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"})(template),
        ),
        "Stack/Reader may s3:DeleteObject",
    ),
    case(
        "no boundary, though no policy needs it",
        "whoever may attach a policy to the role gives it everything",
        drop("Reader", "PermissionsBoundary"),
        "whoever may attach policies to it may iam:AttachRolePolicy",
        "PermissionsBoundary is no longer set",
    ),
    case(
        "a key without a policy",
        "AWS sets one with which IAM alone decides",
        drop("Key", "KeyPolicy"),
        "may no longer kms:Decrypt, kms:DescribeKey, kms:GenerateDataKey",
    ),
    case(
        "a wider boundary",
        "the boundary allows what it was to prevent",
        lambda template: (
            statements(template, "Boundary")[0].update(Action="s3:*"),
            permit("more", {"Sid": "All", "Effect": "Allow", "Action": "s3:Put*", "Resource": "*"})(template),
        ),
        "Stack/Reader may s3:Put*",
    ),
    case(
        "a managed policy of AWS",
        "the function does everything",
        put("Worker", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]),
        "Stack/Worker may perhaps *",
        "arn:aws:iam::aws:policy/AdministratorAccess holds",
    ),
    case(
        "the policy of a role in a resource of its own",
        "the worker deletes the log files",
        add("WorkerPolicy", {"Sid": "Clean", "Effect": "Allow", "Action": "s3:DeleteObject*", "Resource": OBJECTS}),
        "Stack/Worker may s3:DeleteObject*",
    ),
    case(
        "a new role for anybody that may do everything",
        "a resource that is new gives access too",
        lambda template: template["Resources"].update(
            New={
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": document(grant("Open", {"AWS": FOREIGN}, "sts:AssumeRole")),
                    "Policies": [
                        {
                            "PolicyName": "all",
                            "PolicyDocument": document({"Effect": "Allow", "Action": "*", "Resource": "*"}),
                        }
                    ],
                },
            }
        ),
        "Stack/New",
    ),
    case(
        "a new public bucket policy for a bucket elsewhere",
        "the bucket exists: whoever the policy lets in reads what is there",
        lambda template: template["Resources"].update(
            Elsewhere={
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": "theirs",
                    "PolicyDocument": document(grant("Open", "*", "s3:GetObject", "arn:aws:s3:::theirs/*")),
                },
            }
        ),
        "anyone, even without credentials, may s3:GetObject on all objects of Stack/arn:aws:s3:::theirs",
    ),
    # --- what cannot be known ---
    case(
        "whoever is given at the deployment",
        "nobody who reviews knows who that is",
        lambda template: (
            template.update(Parameters={"Partner": {"Type": "String"}}),
            add("Key", grant("Partner", {"AWS": {"Ref": "Partner"}}, "kms:Decrypt"))(template),
        ),
        "(parameter Partner) may kms:Decrypt",
    ),
    case(
        "a condition that only the deployment decides",
        "in one of the two worlds anyone reads",
        lambda template: (
            template.update(
                Parameters={"Stage": {"Type": "String", "Default": "prod"}},
                Conditions={"IsTest": {"Fn::Equals": [{"Ref": "Stage"}, "test"]}},
            ),
            add("LogsPolicy", {"Fn::If": ["IsTest", grant("Test", "*", READ, BOTH), {"Ref": "AWS::NoValue"}]})(
                template
            ),
        ),
        "anyone, even without credentials,",
        "Test",
    ),
    case(
        "a macro writes the policy",
        "nobody who reviews sees what it becomes",
        lambda template: properties(template, "LogsPolicy").update(
            PolicyDocument={"Fn::Transform": {"Name": "Policies", "Parameters": {"Kind": "logs"}}}
        ),
        "cannot be compared",
        "Fn::Transform",
    ),
    case(
        "a macro writes the whole resource",
        "as above",
        lambda template: template["Resources"]["LogsPolicy"].update(Properties={"Fn::Transform": {"Name": "Policies"}}),
        "Stack/LogsPolicy cannot be compared",
        "Fn::Transform",
    ),
    case(
        "a nested stack whose template is elsewhere",
        "nobody who reviews sees what it deploys",
        lambda template: template["Resources"].update(
            Inner={"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com/t.json"}}
        ),
        "cannot be compared",
        "the nested stack",
    ),
    case(
        "a policy variable",
        "what it stands for is the caller's own name",
        add(
            "LogsPolicy", grant("Home", {"AWS": FOREIGN}, "s3:GetObject", {"Fn::Sub": "${Logs.Arn}/${!aws:username}/*"})
        ),
        f"principals of account {FOREIGN} may perhaps s3:GetObject",
        "${aws:username}",
    ),
    case(
        "an operator that does not exist",
        "AWS refuses it, or knows what this program does not",
        reoperate("LogsPolicy", "Write", "StringEquals", "StringIsLike"),
        "may perhaps s3:PutObject",
        "StringIsLike",
    ),
    case(
        "patterns that overlap in too many ways",
        "a policy that cannot be compared in time is none that can be trusted",
        add(
            "LogsPolicy",
            grant(
                "Maze",
                {"AWS": FOREIGN},
                "s3:GetObject",
                [{"Fn::Sub": f"${{Logs.Arn}}/*{x}*"} for x in "abcdefghijklmnop"],
            ),
        ),
        "cannot be compared",
        "overlap in more than",
    ),
    case(
        "a statement that is none",
        "what cannot be read is not compared",
        update("Key", "Use", Effect="Maybe"),
        "cannot be compared",
        "Effect",
    ),
    # --- a new identity, by what its policy names ---
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html
    case(
        "a new role that may stop the trail",
        "whoever takes the role acts without a record",
        new_role("cloudtrail:StopLogging", TRAIL),
        "Stack/More",
        "cloudtrail:StopLogging",
    ),
    case(
        "a new user that may do anything with the log bucket",
        "the user's access key deletes the evidence",
        lambda template: template["Resources"].update(
            More={
                "Type": "AWS::IAM::User",
                "Properties": {"Policies": [{"PolicyName": "more", "PolicyDocument": permits("s3:*", BOTH)}]},
            }
        ),
        "Stack/More",
        "s3:*",
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    case(
        "a new managed policy that passes any role of the account",
        "whoever has it starts a function with the role of an administrator",
        lambda template: template["Resources"].update(
            More={
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": permits("iam:PassRole", f"arn:aws:iam::{OWN}:role/*")},
            }
        ),
        "Stack/More",
        "iam:PassRole",
    ),
    # --- values that the caller chooses ---
    *(
        case(
            f"whoever has {key} with {operator} {value!r}",
            "the one who asks says what is asked for",
            add("LogsPolicy", grant("More", "*", "s3:GetObject", OBJECTS, **{operator: {key: value}})),
            "any",
            "s3:GetObject",
        )
        for operator, key, value in (
            ("StringLike", "aws:PrincipalOrgID", "*"),
            ("StringLike", "aws:Referer", "**"),
            ("ForAnyValue:StringLike", "aws:TagKeys", "*"),
            ("StringEquals", "s3:prefix", ""),
            ("StringEquals", "aws:PrincipalTag/team", ["", "security"]),
        )
    ),
    # --- access that no policy of the template tells ---
    *(
        case(
            f"new: {type_.removeprefix('AWS::')}",
            "somebody gets what no policy of the template says",
            new(type_, given),
            "Stack/More cannot be compared",
            f"what this {type_} gives is in no policy",
        )
        for type_, given in {
            "AWS::IAM::UserToGroupAddition": {"GroupName": "admins", "Users": ["mallory"]},
            "AWS::IAM::User": {"Groups": ["admins"]},
            "AWS::IAM::AccessKey": {"UserName": "root-like"},
            "AWS::SSO::PermissionSet": {"ManagedPolicies": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
            "AWS::SSO::Assignment": {"PrincipalId": "1", "TargetId": OWN},
            "AWS::RAM::ResourceShare": {"Principals": [FOREIGN]},
            "AWS::LakeFormation::PrincipalPermissions": {"Permissions": ["ALL"]},
            "AWS::RolesAnywhere::Profile": {"RoleArns": [f"arn:aws:iam::{OWN}:role/reader"]},
            "AWS::Budgets::BudgetsAction": {
                "Definition": {
                    "IamActionDefinition": {
                        "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
                        "Users": ["bob"],
                    }
                }
            },
        }.items()
    ),
    case(
        "a product of Service Catalog",
        "nobody sees the template that it deploys",
        new(
            "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
            {"ProductName": "p", "ProvisioningArtifactName": "1"},
        ),
        "Stack/More cannot be compared",
        "what a product of Service Catalog makes is in no template here",
    ),
    case(
        "a password for a user",
        "whoever knows it signs in",
        lambda template: template["Resources"].update(
            Bob={"Type": "AWS::IAM::User", "Properties": {"LoginProfile": {"Password": "x"}}}
        ),
        "Stack/Bob cannot be compared",
        "LoginProfile",
    ),
    # --- policies that are written as text ---
    case(
        "a permission set's inline policy",
        "whoever has it may do everything",
        lambda template: template["Resources"].update(
            More={
                "Type": "AWS::SSO::PermissionSet",
                "Properties": {"Name": "more", "InlinePolicy": json.dumps(permits("*", "*"))},
            }
        ),
        "Stack/More",
        "*",
    ),
    case(
        "a search domain that is open to anyone",
        "anyone reads the log files that it has",
        lambda template: template["Resources"].update(
            More={
                "Type": "AWS::OpenSearchService::Domain",
                "Properties": {"AccessPolicies": json.dumps(document(grant("All", "*", "es:*")))},
            }
        ),
        "Stack/More",
        "anyone, even without credentials, may es:",
    ),
    case(
        "a policy as a text that is none",
        "nobody who reviews sees what it says",
        lambda template: template["Resources"].update(
            More={
                "Type": "AWS::OpenSearchService::Domain",
                "Properties": {"AccessPolicies": '{"Statement": [{"Effect": "Allow", }]}'},
            }
        ),
        "Stack/More cannot be compared",
    ),
    # --- what the stack needs ---
    case(
        "CloudTrail may not write",
        "nothing is recorded any more",
        remove("LogsPolicy", "Write"),
        f"CloudTrail for arn:aws:cloudtrail:us-east-1:{OWN}:trail/audit may no longer s3:PutObject on log objects",
    ),
    case(
        "CloudTrail writes elsewhere",
        "as above",
        update("LogsPolicy", "Write", Resource={"Fn::Sub": "${Logs.Arn}/audit/AWSLogs/${AWS::AccountId}/*"}),
        "may no longer s3:PutObject on log objects",
    ),
    case(
        "a Deny that meets CloudTrail",
        "as above",
        add("LogsPolicy", deny("Own", "s3:PutObject", OBJECTS, StringNotEquals={"aws:PrincipalOrgID": "o-security00"})),
        "may no longer s3:PutObject on log objects",
        "the statement Own denies it",
    ),
    case(
        "CloudTrail may not encrypt",
        "as above",
        remove("Key", "Encrypt"),
        "may no longer kms:GenerateDataKey",
    ),
    case(
        "alarms may not publish",
        "nobody hears of an intrusion",
        update("AlertsPolicy", "Alarms", Principal={"Service": "events.amazonaws.com"}),
        "cloudwatch.amazonaws.com",
        "may no longer sns:Publish",
    ),
]


def test_a_macro_over_the_template_is_not_comparable() -> None:
    found = difference(lambda template: template.update(Transform=["AWS::LanguageExtensions", "Mine"]))

    assert {str(each.resource) for each in found.not_comparable} >= {"Stack/Logs", "Stack/LogsPolicy", "Stack/Key"}
    assert "the macro Mine may change it" in str(found.not_comparable[0])


@pytest.mark.parametrize("weakening", WEAKENINGS)
def test_a_weakening_is_an_objection_that_says_who_may_do_what(weakening: Weakening) -> None:
    objections = [str(objection) for objection in difference(weakening.change).objections]

    assert [text for text in objections if all(part in text for part in weakening.says)], "\n".join(objections)
    assert len(objections) <= 6, "\n".join(objections)
