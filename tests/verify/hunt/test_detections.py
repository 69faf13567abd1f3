"""The rules that come with the program: what they find in real attacks, and what in ordinary work."""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from verify.hunt.detections import as_markdown
from verify.hunt.finding import CONFIDENCES, Finding, Outcome, at_least, next_steps_of
from verify.hunt.rules import built_in
from verify.hunt.run import PYTHON_RULES, run_hunt
from verify.logs.places import Asked, find_files

pytestmark = pytest.mark.regular

ROOT = Path(__file__).parents[3]
DATASETS = ROOT.parent / "shared/datasets"
needs_datasets = pytest.mark.skipif(not DATASETS.is_dir(), reason="the data sets are not beside the project")
ALL_RULES = [*(rule for rule in built_in().rules if rule.is_alone), *PYTHON_RULES]


def hunt(*places: Path) -> Outcome:
    place = find_files(Asked(places=tuple(map(str, places))), datetime.now(UTC), pytest.fail)
    return run_hunt(place, built_in(), lambda _files, _events: None)


@cache
def of_techniques() -> dict[str, list[Finding]]:
    """What is found of each of the techniques that were run one by one, and is at least low."""
    return {
        file.stem: [each for each in hunt(file).findings if at_least(each.severity, "low")]
        for file in sorted((DATASETS / "stratus-detonations").glob("*.json"))
    }


def hunt_records(tmp_path: Path, *records: dict[str, Any]) -> dict[str, str]:
    """The rules that find something at least low in these records, and how grave they are."""
    stamped = [
        {"eventTime": f"2026-01-01T00:00:{at:02}Z", "eventID": str(at), "recipientAccountId": "111122223333", **each}
        for at, each in enumerate(records)
    ]
    file = tmp_path / "events.json"
    file.write_text(json.dumps(stamped))
    return {each.rule: each.severity for each in hunt(file).findings if at_least(each.severity, "low")}


def test_every_rule_runs_and_says_what_people_need() -> None:
    assert built_in().problems == ()
    assert len({rule.title for rule in ALL_RULES}) == len({rule.id for rule in ALL_RULES}) == len(ALL_RULES)
    for rule in ALL_RULES:
        assert rule.description and rule.false_positives and rule.more["next"], rule.title
        assert rule.more["confidence"] in CONFIDENCES, rule.title
        assert rule.tags or rule.source.endswith(".py"), rule.title
        # "They" are those whom the step before says to ask.
        steps = next_steps_of(rule)
        assert not any(
            step.startswith("If they") and not before.startswith("Ask")
            for before, step in zip(("", *steps), steps, strict=False)
        ), rule.title


def test_the_document_lists_every_rule() -> None:
    assert as_markdown() in (ROOT / "docs/detections.md").read_text(encoding="utf-8")


def test_a_rule_is_blind_without_the_data_events_that_it_names_and_with_them_none_is(tmp_path: Path) -> None:
    def blind(*records: dict[str, Any]) -> set[str]:
        file = tmp_path / "events.json"
        file.write_text(json.dumps(records))
        return {each.rule for each in hunt(file).blind}

    reads, objects, blocks = (
        call("DescribeTags", "ec2"),
        call("GetObject", "s3"),
        call("ListSnapshotBlocks", "ebs"),
    )

    without = blind(reads)
    assert {"A ransom note is left", "Many objects are deleted", "A bucket is opened to everybody"} <= without
    assert {"Root is used", "The policy of a bucket is set", "The account is explored"} & without == set()
    assert blind(reads, objects) == {"A snapshot is read block by block"}
    assert blind(reads, objects, blocks) == set()


@needs_datasets
@pytest.mark.regular
def test_every_technique_is_found_and_few_events_are_flagged() -> None:
    flagged = {name: {event for each in found for event in each.events} for name, found in of_techniques().items()}

    assert len(flagged) == 20
    assert [name for name, events in flagged.items() if not events] == []
    assert sum(map(len, flagged.values())) <= 25


# Reviewed: each finding in the files of the simulated attack, by rule and by the last word of who did it, and the act
# that it tells of. "background" is what nobody attacked by; there it must be low at most.
BACKGROUND = "background: "
ACTS = {
    ("Passwords of instances are collected", "get-password-data-role"): "password data of instances are collected",
    (
        "An instance's credentials are used from another network",
        "steal-credentials-role",
    ): "an instance's key is stolen",
    ("Commands are run on instances", "bert-jan"): "the command that reads the instance's credentials",
    ("Many secrets are read", "bert-jan"): "secrets are collected",
    ("Many secret parameters are read", "bert-jan"): "secret parameters are collected",
    ("CloudTrail is stopped or deleted", "bert-jan"): "StopLogging and DeleteTrail",
    ("CloudTrail is told to record less", "bert-jan"): "PutEventSelectors",
    ("The event selectors of a trail are changed", "bert-jan"): "PutEventSelectors",
    ("Objects are made to expire within days", "bert-jan"): "the lifecycle rule of one day on the log bucket",
    ("The account leaves its organization, or its rules are lifted", "leave-org-role"): "leaving the organization",
    ("VPC flow logs are deleted", "bert-jan"): "flow logs are deleted",
    ("Start scripts of instances are collected", "get-usr-data-role"): "user data of instances are collected",
    ("Instances with many processors or graphic cards are started", "role-pcccexdthk"): "unusual instances are started",
    ("Instances with many processors or graphic cards are started", "role-wuzemnoeqa"): "unusual instances are started",
    ("Many instances are started at once", "role-pcccexdthk"): "unusual instances are started",
    ("Many instances are started at once", "role-wuzemnoeqa"): "unusual instances are started",
    ("A port for administration is opened to everybody", "bert-jan"): "port 22 is opened",
    ("A snapshot or image is shared with another account", "bert-jan"): "an image is shared",
    ("A snapshot or image is not shared any more", "bert-jan"): "a snapshot and an image were shared",
    ("The policy of a bucket is set", "bert-jan"): "background: policies of buckets for trails",
    ("Logs or a topic are deleted", "bert-jan"): "background: a log group is taken down",
    ("Secret parameters are read one by one", "bert-jan"): "background: an infrastructure tool looks at what it made",
}


@needs_datasets
@pytest.mark.regular
def test_every_finding_in_the_attack_is_an_act_of_it() -> None:
    outcome = hunt(DATASETS / "stratus-attack")
    found: dict[tuple[str, str], str] = {}
    for each in outcome.findings:
        if at_least(each.severity, "low"):
            who = next((name for _, name in ACTS if each.principal.endswith(name)), each.principal)
            found[each.rule, who] = each.severity

    assert outcome.basis.events == 2_093
    assert found.keys() == ACTS.keys()
    assert {found[key] for key, act in ACTS.items() if act.startswith(BACKGROUND)} == {"low"}


def told_by_rule() -> str:
    """What each detection found in the real logs: a row of ``docs/detections.md`` for each that found something."""
    found: dict[str, tuple[list[str], list[str], list[str]]] = defaultdict(lambda: ([], [], []))
    for name, findings in of_techniques().items():
        for title in {each.rule for each in findings}:
            found[title][0].append(name.rpartition(".")[2])
    for (title, _), act in ACTS.items():
        acts = found[title][2 if act.startswith(BACKGROUND) else 1]
        acts += [each for each in [act.removeprefix(BACKGROUND)] if each not in acts]
    rows: list[tuple[str, ...]] = [
        ("Detection", "Of 20 techniques", "Acts of the attack", "Ordinary work"),
        ("---",) * 4,
    ]
    rows += [
        (rule.title, *("; ".join(each) or "-" for each in found[rule.title]))
        for rule in ALL_RULES
        if rule.title in found
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


@needs_datasets
@pytest.mark.regular
def test_the_document_says_of_each_rule_what_it_found() -> None:
    assert told_by_rule() in (ROOT / "docs/detections.md").read_text(encoding="utf-8")


@needs_datasets
@pytest.mark.regular
def test_the_attack_is_one_story_of_one_person() -> None:
    """Roles that were assumed are traced back to whoever assumed them."""
    actors: dict[str, set[str]] = defaultdict(set)
    for each in hunt(DATASETS / "stratus-attack").findings:
        actors[each.actor.rpartition("/")[2]].add(each.rule)

    assert "Passwords of instances are collected" in actors["bert-jan"]
    assert "The account leaves its organization, or its rules are lifted" in actors["bert-jan"]
    # An instance is nobody's session: what its credentials did is the instance's own story.
    assert "An instance's credentials are used from another network" in actors["i-0dbc91f429e48eeed"]


def identity(kind: str = "IAMUser", **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "arn": "arn:aws:iam::111122223333:user/a",
        "accountId": "111122223333",
        "userName": "a",
        **more,
    }


def instance(number: str = "i-0123456789abcdef0") -> dict[str, Any]:
    role = "arn:aws:iam::111122223333:role/web"
    return {
        "type": "AssumedRole",
        "principalId": f"AROAX:{number}",
        "arn": f"arn:aws:sts::111122223333:assumed-role/web/{number}",
        "accountId": "111122223333",
        "accessKeyId": "ASIAX",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}},
    }


def call(name: str, source: str, asked: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "eventName": name,
        "eventSource": f"{source}.amazonaws.com",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": identity(),
        "requestParameters": asked,
        **more,
    }


def session(key: str, role: str) -> dict[str, Any]:
    """A session of a role, by its access key."""
    issuer = {"type": "Role", "arn": f"arn:aws:iam::111122223333:role/{role}"}
    return identity("AssumedRole", accessKeyId=key, sessionContext={"sessionIssuer": issuer})


def taken(key: str, by: dict[str, Any]) -> dict[str, Any]:
    """A role is assumed, and these credentials are given out."""
    asked = {"roleArn": "arn:aws:iam::111122223333:role/admin", "roleSessionName": "s"}
    return call("AssumeRole", "sts", asked, userIdentity=by, responseElements={"credentials": {"accessKeyId": key}})


def read_secret(by: dict[str, Any]) -> dict[str, Any]:
    """A secret is read."""
    return call("GetSecretValue", "secretsmanager", {"secretId": "s"}, userIdentity=by)


def statement(effect: str, principal: Any, **more: Any) -> dict[str, Any]:
    return {"bucketName": "b", "bucketPolicy": {"Statement": [{"Effect": effect, "Principal": principal, **more}]}}


def encryption(key: str) -> dict[str, Any]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    return {"ServerSideEncryptionConfiguration": {"Rule": {"ApplyServerSideEncryptionByDefault": default}}}


def made_key(key: str) -> dict[str, Any]:
    return call("CreateAccessKey", "iam", {}, responseElements={"accessKey": {"accessKeyId": key, "userName": "a"}})


def policy(account: str, indent: int | None = None) -> str:
    """A resource policy that lets in an account, or everybody."""
    allowed = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]}, indent=indent)


DENY_PLAIN_HTTP = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}


def two_statements(more: dict[str, Any]) -> str:
    """A policy that denies what is not encrypted, and allows everybody the rest."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", **DENY_PLAIN_HTTP}
    return json.dumps({"Statement": [deny, {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "*", **more}]})


def for_both(**more: Any) -> dict[str, Any]:
    """A statement that allows an account, and everybody."""
    return {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::999988887777:root", "*"]}, "Action": "*", **more}


BY_STACK = {"sourceIPAddress": "cloudformation.amazonaws.com"}
# Calls that let others in, and their requests for an account.
OPENED: list[tuple[str, str, Callable[[str], dict[str, Any]]]] = [
    ("AddPermission", "sqs", lambda whom: {"queueUrl": "q", "aWSAccountIds": ["111122223333", whom]}),
    ("AddPermission", "sns", lambda whom: {"topicArn": "t", "aWSAccountId": [whom], "actionName": ["Publish"]}),
    ("CreateKey", "kms", lambda whom: {"policy": policy(whom)}),
    ("ReplicateKey", "kms", lambda whom: {"policy": policy(whom, indent=2)}),
    ("CreateQueue", "sqs", lambda whom: {"queueName": "q", "attributes": {"Policy": policy(whom)}}),
    ("CreateTopic", "sns", lambda whom: {"name": "t", "attributes": {"Policy": policy(whom, indent=4)}}),
    ("SetQueueAttributes", "sqs", lambda whom: {"attributes": {"Policy": policy(whom)}}),
    ("PutRegistryPolicy", "ecr", lambda whom: {"policyText": policy(whom)}),
    ("SetRepositoryPolicy", "ecr", lambda whom: {"repositoryName": "r", "policyText": policy(whom, indent=2)}),
    ("PutResourcePolicy", "glue", lambda whom: {"policyInJson": policy(whom)}),
    ("PutResourcePolicy", "logs", lambda whom: {"policyDocument": policy(whom)}),
    ("PutFileSystemPolicy", "elasticfilesystem", lambda whom: {"policy": policy(whom)}),
    ("PutPermission", "events", lambda whom: {"principal": whom, "statementId": "s"}),
]
TRUST = '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}'
TRUST_TWO = TRUST.replace('"%s"', '["arn:aws:iam::111122223333:root", "%s"]')
SSE_C = {"bucketName": "b", "key": "k", "x-amz-server-side-encryption-customer-algorithm": "AES256"}
SELECTORS = {"trailName": "t", "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": True}]}
# The tampering, and beside it the ordinary call that must not be taken for it.
CASES: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        "CloudTrail is told to record less",
        [call("PutEventSelectors", "cloudtrail", {"eventSelectors": [{"includeManagementEvents": False}]})],
        [call("PutEventSelectors", "cloudtrail", SELECTORS)],
    ),
    (
        "A trail is weakened",
        [call("UpdateTrail", "cloudtrail", {"name": "t", "isMultiRegionTrail": False})],
        [call("UpdateTrail", "cloudtrail", {"name": "t", "isMultiRegionTrail": True})],
    ),
    (
        "A secret, key, queue or repository is opened to another account",
        [
            call(
                "PutResourcePolicy", "secretsmanager", {"resourcePolicy": TRUST_TWO % "arn:aws:iam::999988887777:root"}
            ),
        ],
        [call("PutKeyPolicy", "kms", {"policy": TRUST % "arn:aws:iam::111122223333:root"})],
    ),
    *(
        (
            "A secret, key, queue or repository is opened to another account",
            [call(name, source, asked("999988887777"))],
            [call(name, source, asked("111122223333")), call(name, source, asked("999988887777"), **BY_STACK)],
        )
        for name, source, asked in OPENED
    ),
    *(
        (
            "A secret, key, queue or repository is opened to everybody",
            [call(name, source, asked("*"))],
            [call(name, source, asked("111122223333"))],
        )
        for name, source, asked in OPENED
    ),
    (
        # That one statement has a condition does not close the other one.
        "A secret, key, queue or repository is opened to everybody",
        [call("SetQueueAttributes", "sqs", {"attributes": {"Policy": two_statements({})}})],
        [call("SetQueueAttributes", "sqs", {"attributes": {"Policy": two_statements(DENY_PLAIN_HTTP)}})],
    ),
    (
        "A secret, key, queue or repository is opened to everybody",
        [call("PutPermission", "events", {"principal": "*", "statementId": "s"})],
        [call("PutPermission", "events", {"principal": "*", "condition": {"type": "StringEquals", "value": "o-1"}})],
    ),
    (
        "A back door is tried, and refused",
        [call("CreateAccessKey", "iam", {"userName": "b"}, errorCode="AccessDenied")],
        [
            call("CreateUser", "iam", {"userName": "b"}, errorCode="EntityAlreadyExistsException"),
            call("CreateLoginProfile", "iam", errorCode="AccessDenied", **BY_STACK),
            call("ListUsers", "iam", errorCode="AccessDenied"),
        ],
    ),
    *(
        (
            "A policy that allows everything is written",
            [call("PutUserPolicy", "iam", {"policyDocument": json.dumps({"Statement": allowed})})],
            [call("PutUserPolicy", "iam", {"policyDocument": json.dumps({"Statement": ordinary})})],
        )
        for allowed, ordinary in (
            ({"Effect": "Allow", "Action": ["s3:Get*", "*"]}, {"Effect": "Allow", "Action": ["s3:*", "ec2:*"]}),
            ({"Effect": "Allow", "NotAction": "s3:*"}, {"Effect": "Deny", "NotAction": "iam:*"}),
            ({"NotAction": ["s3:*"], "Effect": "Allow"}, {"NotAction": ["s3:*"], "Effect": "Deny"}),
        )
    ),
    (
        "A snapshot or image is shared with another account",
        [call("UpdateWorkspaceImagePermission", "workspaces", {"allowCopyImage": True, "sharedAccountId": "9" * 12})],
        [call("UpdateWorkspaceImagePermission", "workspaces", {"allowCopyImage": False, "sharedAccountId": "9" * 12})],
    ),
    # Everybody, named beside an account.
    (
        "A bucket is opened to everybody",
        [call("PutBucketPolicy", "s3", {"bucketPolicy": {"Statement": [for_both()]}})],
        [call("PutBucketPolicy", "s3", {"bucketPolicy": {"Statement": [for_both(**DENY_PLAIN_HTTP)]}})],
    ),
    (
        "A role trusts everybody",
        [call("CreateRole", "iam", {"assumeRolePolicyDocument": json.dumps({"Statement": [for_both()]})})],
        [
            call(
                "CreateRole",
                "iam",
                {"assumeRolePolicyDocument": json.dumps({"Statement": [for_both(**DENY_PLAIN_HTTP)]})},
            )
        ],
    ),
    (
        "A role trusts everybody",
        [call("UpdateAssumeRolePolicy", "iam", {"policyDocument": '{"Statement":{"Effect":"Allow","Principal":"*"}}'})],
        [call("UpdateAssumeRolePolicy", "iam", {"policyDocument": '{"Statement":{"Effect":"Deny","Principal":"*"}}'})],
    ),
    (
        "Commands are run on instances",
        [call("CreateAssociationBatch", "ssm", {"entries": [{"name": "own"}, {"name": "AWS-RunShellScript"}]})],
        [call("CreateAssociationBatch", "ssm", {"entries": [{"name": "AWS-UpdateSSMAgent"}]})],
    ),
    (
        "Commands are run on instances",
        [call("CreateAssociation", "ssm", {"name": "AWS-RunShellScript"})],
        [call("CreateAssociation", "ssm", {"name": "AWS-UpdateSSMAgent"})],
    ),
    (
        "A file system or a table is deleted",
        [call("DeleteFileSystem", "elasticfilesystem", {"fileSystemId": "fs-1"})],
        [call("DeleteTable", "dynamodb", {"tableName": "t"}, **BY_STACK), call("DeleteTable", "glue", {"name": "t"})],
    ),
    (
        "A database is not backed up any more",
        [call("ModifyDBInstance", "rds", {"backupRetentionPeriod": 0})],
        [call("ModifyDBInstance", "rds", {"backupRetentionPeriod": 7})],
    ),
    (
        "The code of functions is collected",
        [call("GetFunction20150331v2", "lambda", {"functionName": f"f{number}"}) for number in range(20)],
        [call("GetFunction20150331v2", "lambda", {"functionName": "f"})] * 20,
    ),
    (
        "A file is fetched from CloudShell",
        [call("GetFileDownloadUrls", "cloudshell")],
        [call("CreateSession", "cloudshell")],
    ),
    (
        "A stranger gets a grant for a key",
        [call("CreateGrant", "kms", {"keyId": "k", "granteePrincipal": "arn:aws:iam::999988887777:role/x"})],
        [
            call("CreateGrant", "kms", {"keyId": "k", "granteePrincipal": each, "retiringPrincipal": each})
            for each in (
                "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
                "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0123456789abcdef0",
                "111122223333:aws:ec2-infrastructure:i-0123456789abcdef0",
                "dynamodb.us-east-1.amazonaws.com",
                "AROAX",
            )
        ]
        + [
            call(
                "CreateGrant",
                "kms",
                {"granteePrincipal": "arn:aws:iam::999988887777:role/of-a-service"},
                userIdentity=identity(invokedBy="workspaces.amazonaws.com"),
            )
        ],
    ),
    (
        "A snapshot or image is shared with another account",
        [call("AuthorizeSnapshotAccess", "redshift", {"accountWithRestoreAccess": "999988887777"})],
        [call("RevokeSnapshotAccess", "redshift", {"accountWithRestoreAccess": "999988887777"})],
    ),
    (
        "An instance's credentials open a shell on instances",
        [call("StartSession", "ssm", {"target": "i-1"}, userIdentity=instance(), errorCode="AccessDenied")],
        [call("StartSession", "ssm", {"target": "i-1"}), call("UpdateInstanceInformation", "ssm")],
    ),
    (
        "An instance's credentials open a shell on instances",
        [call("SendSSHPublicKey", "ec2-instance-connect", {"instanceId": "i-1"}, userIdentity=instance())],
        [call("SendSSHPublicKey", "ec2-instance-connect", {"instanceId": "i-1"})],
    ),
    (
        "Commands are run on instances",
        [call("SendCommand", "ssm", {"documentName": "own", "instanceIds": ["i-1"]}, userIdentity=instance())],
        [call("SendCommand", "ssm", {"documentName": "AWS-GatherSoftwareInventory", "instanceIds": ["i-1"]})],
    ),
    (
        "A new access key is used to get into instances",
        [made_key("AKIA9"), call("SendCommand", "ssm", {}, userIdentity=identity(accessKeyId="AKIA9"))],
        [made_key("AKIA9"), call("SendCommand", "ssm", {}, userIdentity=identity(accessKeyId="AKIA8"))],
    ),
    (
        "The serial console is opened",
        [call("SendSerialConsoleSSHPublicKey", "ec2-instance-connect", {"instanceId": "i-1"}, errorCode="x")],
        [call("GetSerialConsoleAccessStatus", "ec2")],
    ),
    (
        "The start script of an instance is replaced",
        [call("ModifyInstanceAttribute", "ec2", {"instanceId": "i-1", "attribute": "userData", "value": "x"})],
        [call("ModifyInstanceAttribute", "ec2", {"instanceId": "i-1", "attribute": "instanceType", "value": "x"})],
    ),
    (
        "A development endpoint of Glue is made or gets a key",
        [call("UpdateDevEndpoint", "glue", {"endpointName": "e", "publicKey": "ssh-rsa A"})],
        [call("GetDevEndpoints", "glue"), call("UpdateDevEndpoint", "glue", errorCode="AccessDeniedException")],
    ),
    (
        "Another start script is put under a notebook",
        [call("UpdateNotebookInstance", "sagemaker", {"notebookInstanceName": "n", "lifecycleConfigName": "c"})],
        [call("UpdateNotebookInstance", "sagemaker", {"notebookInstanceName": "n", "volumeSizeInGB": 9})],
    ),
    (
        "A key for signing in to instances is made",
        [call("ImportKeyPair", "ec2", {"keyName": "k"})],
        [call("CreateKeyPair", "ec2", {"keyName": "k"}, **BY_STACK)],
    ),
    (
        "Pictures of the screens of instances are collected",
        [call("GetConsoleScreenshot", "ec2", {"instanceId": f"i-{number}"}) for number in range(3)],
        [call("GetConsoleScreenshot", "ec2", {"instanceId": "i-1"})] * 3,
    ),
    (
        "It is tried whether instances may be started",
        [call("RunInstances", "ec2", errorCode="Client.DryRunOperation")],
        [call("RunInstances", "ec2")],
    ),
    (
        "A group of hundreds of instances is asked for",
        [call("CreateAutoScalingGroup", "autoscaling", {"maxSize": 999})],
        [call("CreateAutoScalingGroup", "autoscaling", {"maxSize": 20})],
    ),
    (
        "A machine of somebody's own is taken in by Systems Manager",
        [call("CreateActivation", "ssm", {"iamRole": "r"})],
        [call("DescribeActivations", "ssm")],
    ),
    (
        "An instance gets another role",
        [call("ReplaceIamInstanceProfileAssociation", "ec2", {"associationId": "a"})],
        [call("AssociateIamInstanceProfile", "ec2", sourceIPAddress="ssm-quicksetup.amazonaws.com")],
    ),
    (
        "Models are looked for in several regions",
        [
            call("ListFoundationModels", "bedrock", awsRegion=region)
            for region in ("us-east-1", "us-west-2", "eu-west-1")
        ],
        [call("ListFoundationModels", "bedrock", awsRegion="us-east-1")] * 3
        + [
            call("GetModelInvocationLoggingConfiguration", "bedrock", awsRegion=region)
            for region in ("us-west-2", "eu-west-1")
        ],
    ),
    (
        "Models and whether their use is recorded are looked up",
        [
            call(name, "bedrock")
            for name in ("ListFoundationModels", "GetUseCaseForModelAccess", "GetModelInvocationLoggingConfiguration")
        ],
        [call("ListFoundationModels", "bedrock"), call("GetFoundationModelAvailability", "bedrock")],
    ),
    (
        "AWS says that a key has leaked, or its measure is undone",
        [call("DetachUserPolicy", "iam", {"policyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"})],
        [call("DetachUserPolicy", "iam", {"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})],
    ),
    (
        "A permission set gets administrator rights",
        [
            call(
                "AttachManagedPolicyToPermissionSet",
                "sso",
                {"managedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            )
        ],
        [
            call(
                "AttachManagedPolicyToPermissionSet",
                "sso",
                {"managedPolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            )
        ],
    ),
    (
        "Guests get credentials of the account",
        [call("UpdateIdentityPool", "cognito-identity", {"allowUnauthenticatedIdentities": True})],
        [call("UpdateIdentityPool", "cognito-identity", {"allowUnauthenticatedIdentities": False})],
    ),
    (
        "The account joins an organization, or another account governs it",
        [call("AcceptHandshake", "organizations", {"handshakeId": "h-1"})],
        [call("DeclineHandshake", "organizations", {"handshakeId": "h-1"})],
    ),
    (
        "Keys are kept outside AWS",
        [call("CreateCustomKeyStore", "kms", {"customKeyStoreType": "EXTERNAL_KEY_STORE"})],
        [call("DescribeCustomKeyStores", "kms")],
    ),
    (
        "Secret parameters are read one by one",
        [call("GetParameter", "ssm", {"name": f"p{number}", "withDecryption": True}) for number in range(20)],
        [call("GetParameter", "ssm", {"name": f"p{number}", "withDecryption": True}) for number in range(9)] * 3,
    ),
    (
        "The sending of mail is explored",
        [
            call("GetAccount", "ses"),
            call("ListIdentities", "ses"),
            call("ListServiceQuotas", "servicequotas", {"serviceCode": "ses"}),
        ],
        [
            call("GetAccount", "ses"),
            call("ListIdentities", "ses"),
            call("ListServiceQuotas", "servicequotas", {"serviceCode": "ec2"}),
        ],
    ),
    (
        "It is asked whether and as whom mail may be sent",
        [call("ListEmailIdentities", "ses"), call("GetAccountSendingEnabled", "ses", errorCode="AccessDenied")],
        [call("GetSendQuota", "ses"), call("GetAccount", "ses")],
    ),
    (
        "GuardDuty is switched off or blinded",
        [call("UpdateDetector", "guardduty", {"detectorId": "d", "enable": False})],
        [call("UpdateDetector", "guardduty", {"detectorId": "d", "enable": True})],
    ),
    (
        "An access key is made for another user",
        [call("CreateAccessKey", "iam", {"userName": "b"})],
        [call("CreateAccessKey", "iam", {"userName": "a"}), call("CreateAccessKey", "iam")],
    ),
    (
        "A role for another account is made",
        [call("CreateRole", "iam", {"assumeRolePolicyDocument": TRUST % "arn:aws:iam::999988887777:root"})],
        [call("CreateRole", "iam", {"assumeRolePolicyDocument": TRUST % "arn:aws:iam::111122223333:root"})],
    ),
    (
        "A role for another account is made",
        # One's own account is named as well.
        [call("CreateRole", "iam", {"assumeRolePolicyDocument": TRUST_TWO % "999988887777"})],
        [call("CreateRole", "iam", {"assumeRolePolicyDocument": TRUST_TWO % "111122223333"})],
    ),
    (
        "A session of a role assumes a role of another account",
        # The role of the other account is named as one's own account is.
        [
            call(
                "AssumeRole", "sts", {"roleArn": "arn:aws:iam::999988887777:role/111122223333"}, userIdentity=instance()
            )
        ],
        [
            call(
                "AssumeRole", "sts", {"roleArn": "arn:aws:iam::111122223333:role/999988887777"}, userIdentity=instance()
            )
        ],
    ),
    (
        "A role trusts everybody",
        [call("UpdateAssumeRolePolicy", "iam", {"roleName": "r", "policyDocument": TRUST % "*"})],
        [call("UpdateAssumeRolePolicy", "iam", {"roleName": "r", "policyDocument": TRUST % "arn:aws:iam::1:role/x"})],
    ),
    (
        "A bucket is opened to everybody",
        [call("PutBucketPolicy", "s3", statement("Allow", "*"))],
        [call("PutBucketPolicy", "s3", statement("Deny", {"AWS": "*"}, **DENY_PLAIN_HTTP))],
    ),
    (
        "A bucket is opened to another account",
        [call("PutBucketPolicy", "s3", statement("Allow", {"AWS": "arn:aws:iam::999988887777:root"}))],
        [call("PutBucketPolicy", "s3", statement("Allow", {"AWS": "arn:aws:iam::111122223333:role/x"}))],
    ),
    (
        "A bucket is opened to another account",
        [call("PutBucketPolicy", "s3", statement("Allow", {"AWS": ["111122223333", "999988887777"]}))],
        [
            call("PutBucketPolicy", "s3", statement("Deny", {"AWS": ["111122223333", "999988887777"]})),
            call("PutBucketPolicy", "s3", statement("Allow", {"Service": "cloudtrail.amazonaws.com"})),
        ],
    ),
    (
        "A function can be called by everybody or by another account",
        [call("AddPermission20150331v2", "lambda", {"principal": "*", "action": "lambda:InvokeFunction"})],
        [call("AddPermission20150331v2", "lambda", {"principal": "s3.amazonaws.com"})],
    ),
    (
        "A function can be called by everybody or by another account",
        [call("AddPermission20150331v2", "lambda", {"principal": "arn:aws:iam::999988887777:role/111122223333"})],
        [call("AddPermission20150331v2", "lambda", {"principal": "arn:aws:iam::111122223333:role/a"})],
    ),
    (
        "A layer is put under a function",
        [call("UpdateFunctionConfiguration20150331v2", "lambda", {"layers": ["arn:aws:lambda:x"]})],
        [call("UpdateFunctionConfiguration20150331v2", "lambda", {"timeout": 3})],
    ),
    (
        "A port for administration is opened to everybody",
        [
            call(
                "AuthorizeSecurityGroupIngress",
                "ec2",
                {"ipPermissions": {"items": [{"fromPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}},
            )
        ],
        [
            call(
                "AuthorizeSecurityGroupIngress",
                "ec2",
                {"ipPermissions": {"items": [{"fromPort": 443, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}},
            )
        ],
    ),
    (
        "A user signs in to the console without a second factor",
        [
            call(
                "ConsoleLogin",
                "signin",
                responseElements={"ConsoleLogin": "Success"},
                additionalEventData={"MFAUsed": "No"},
            )
        ],
        [
            call(
                "ConsoleLogin",
                "signin",
                responseElements={"ConsoleLogin": "Success"},
                additionalEventData={"MFAUsed": "Yes"},
            )
        ],
    ),
    (
        "Objects are encrypted with a key that AWS does not have",
        [call("PutObject", "s3", SSE_C)] * 3,
        [call("PutObject", "s3", {"bucketName": "b", "key": "k"})] * 3,
    ),
    (
        "A key of another account encrypts a bucket's objects",
        [
            call(
                "PutObject",
                "s3",
                {"x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:999988887777:key/k"},
            )
        ],
        [
            call(
                "PutObject",
                "s3",
                {"x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:111122223333:key/k"},
            )
        ],
    ),
    (
        "A key of another account encrypts a bucket's objects",
        [call("PutBucketEncryption", "s3", encryption("arn:aws:kms:us-east-1:999988887777:alias/111122223333"))],
        [
            call("PutBucketEncryption", "s3", encryption("arn:aws:kms:us-east-1:111122223333:key/k")),
            call("PutBucketEncryption", "s3", encryption("alias/own")),
        ],
    ),
    (
        "An instance lists the buckets and reads objects",
        [call("ListBuckets", "s3", userIdentity=instance()), call("GetObject", "s3", userIdentity=instance())],
        [call("GetObject", "s3", userIdentity=instance()), call("ListBuckets", "s3")],
    ),
    (
        "An instance's credentials are used from another network",
        [
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="198.51.100.1"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="203.0.113.7"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="198.51.100.1"),
        ],
        [
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="198.51.100.1"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="198.51.100.9"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="2001:db8::1"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="10.0.0.1", vpcEndpointId="vpce-1"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="ec2.amazonaws.com"),
            call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress="198.51.100.1"),
        ],
    ),
    (
        "A snapshot or image is shared with another account",
        [call("ModifySnapshotAttribute", "ec2", {"createVolumePermission": {"add": {"items": [{"userId": "9"}]}}})],
        [call("ModifySnapshotAttribute", "ec2", {"createVolumePermission": {"remove": {"items": [{"userId": "9"}]}}})],
    ),
    (
        "A snapshot or image is shared with another account",
        [call("ModifySnapshotAttribute", "ec2", {"operationType": "add", "userIdSet": {"items": [{"userId": "9"}]}})],
        [call("ModifyImageAttribute", "ec2", {"operationType": "remove", "userIdSet": {"items": [{"userId": "9"}]}})],
    ),
    (
        "A secret is read through a chain of roles",
        [taken("ASIA2", by=session("ASIA1", "ci")), read_secret(by=session("ASIA2", "admin"))],
        [taken("ASIA2", by=identity()), read_secret(by=session("ASIA2", "admin"))],
    ),
    (
        "A secret is read through a chain of roles",
        [
            taken("ASIA3", by=session("ASIA2", "ci")),
            call("GetParameter", "ssm", {"withDecryption": True}, userIdentity=session("ASIA3", "admin")),
        ],
        [
            taken("ASIA3", by=session("ASIA2", "ci")),
            call("GetParameter", "ssm", {"withDecryption": False}, userIdentity=session("ASIA3", "admin")),
            read_secret(by=session("ASIA4", "admin")),
        ],
    ),
    (
        "Root is used",
        [call("ListUsers", "iam", userIdentity={"type": "Root"})],
        [call("ListUsers", "iam", userIdentity={"type": "Root", "invokedBy": "cloudformation.amazonaws.com"})],
    ),
    (
        "A role session renews itself",
        [call("AssumeRole", "sts", {"roleArn": "arn:aws:iam::111122223333:role/web"}, userIdentity=instance())],
        [call("AssumeRole", "sts", {"roleArn": "arn:aws:iam::111122223333:role/db"}, userIdentity=instance())],
    ),
]


@pytest.mark.parametrize(("rule", "attack", "ordinary"), CASES, ids=[rule for rule, _, _ in CASES])
def test_a_rule_tells_the_attack_from_ordinary_work(
    tmp_path: Path, rule: str, attack: list[dict[str, Any]], ordinary: list[dict[str, Any]]
) -> None:
    assert rule in hunt_records(tmp_path, *attack)
    assert rule not in hunt_records(tmp_path, *ordinary)


def test_a_deployment_by_cloudformation_is_quiet(tmp_path: Path) -> None:
    by_stack = {"sourceIPAddress": "cloudformation.amazonaws.com", "userAgent": "cloudformation.amazonaws.com"}
    records = [
        call(name, source, asked, **by_stack)
        for name, source, asked in (
            ("CreateRole", "iam", {"assumeRolePolicyDocument": TRUST % "arn:aws:iam::999988887777:root"}),
            ("AttachRolePolicy", "iam", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            ("PutEventSelectors", "cloudtrail", SELECTORS),
            ("PutBucketPolicy", "s3", statement("Deny", "*", **DENY_PLAIN_HTTP)),
            ("UpdateFunctionCode20150331v2", "lambda", {"functionName": "f"}),
            ("ScheduleKeyDeletion", "kms", {"keyId": "k"}),
            ("DeleteFlowLogs", "ec2", None),
        )
    ]

    assert hunt_records(tmp_path, *records) == {}


def by_key(key: str, address: str) -> dict[str, Any]:
    return {"userIdentity": identity(accessKeyId=key), "sourceIPAddress": address}


@pytest.mark.parametrize(
    ("at_work", "found"),
    [
        ([by_key("AKIA1", "198.51.100.7")], "medium"),
        ([by_key("AKIA1", "203.0.113.200")], "low"),  # the same network
        ([by_key("AKIA2", "198.51.100.7")], "low"),  # another key
        ([by_key("AKIA1", "cloudformation.amazonaws.com")], "low"),
        ([], "low"),
    ],
)
def test_a_chain_of_roles_that_begins_where_the_users_key_was_not_used_before_is_graver(
    tmp_path: Path, at_work: list[dict[str, Any]], found: str
) -> None:
    by_user = identity(accessKeyId="AKIA1")
    chain = [
        taken("ASIA1", by=by_user),
        taken("ASIA2", by=session("ASIA1", "ci")),
        read_secret(by=session("ASIA2", "admin")),
    ]
    records = [*(call("DescribeTags", "ec2", **each) for each in at_work), *chain]

    found_by = {
        rule: level
        for rule, level in hunt_records(tmp_path, *records).items()
        if rule.startswith("A secret is read through a chain of roles")
    }
    assert list(found_by.values()) == [found]
    # Whatever the order of the files: what counts is when.
    late = [*chain, *({**each, "eventTime": "2025-12-31T00:00:00Z"} for each in records[: len(at_work)])]
    assert list(hunt_records(tmp_path, *late).items()) == list(found_by.items())


@pytest.mark.parametrize("more", [{}, {"vpcEndpointId": None}])
def test_however_many_addresses_of_one_network_come_first_another_network_is_seen(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    def at(address: str) -> dict[str, Any]:
        return call("DescribeTags", "ec2", userIdentity=instance(), sourceIPAddress=address, **more)

    near = [at(f"198.51.100.{number}") for number in range(1, 31)]
    found = "An instance's credentials are used from another network"

    assert found in hunt_records(tmp_path, *near, at("203.0.113.9"), near[0])
    assert found not in hunt_records(tmp_path, *near, near[0])


def test_a_whole_file_of_gzip_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "events.json.gz"
    stopped = {**call("StopLogging", "cloudtrail"), "eventTime": "2026-01-01T00:00:00Z", "eventID": "1"}
    file.write_bytes(gzip.compress(json.dumps({"Records": [stopped]}).encode()))

    assert [each.rule for each in hunt(file).findings] == ["CloudTrail is stopped or deleted"]
