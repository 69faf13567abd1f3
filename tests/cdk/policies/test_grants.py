"""Who may read, query and verify: what is needed together is granted together, and nothing else."""

import json
import sys
from typing import Any, cast

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from constructs_lib import Analytics, NewBucket, SecureTrail
from tests.cdk.conftest import new_app
from tests.cdk.programs import run
from tests.cdk.templates import plain

ACCOUNT, REGION = "111122223333", "eu-central-1"


@pytest.fixture
def here() -> cdk.Stack:
    return cdk.Stack(new_app(), "Stack", env=cdk.Environment(account=ACCOUNT, region=REGION))


def role_statements(stack: cdk.Stack) -> list[dict[str, Any]]:
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return [
        statement
        for policy in policies
        for statement in plain(policy["Properties"]["PolicyDocument"], "aws")["Statement"]
    ]


def granted(statements: list[dict[str, Any]], service: str) -> dict[str, list[dict[str, Any]]]:
    """The statements by action."""
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            if action.startswith(f"{service}:"):
                found.setdefault(action, []).append(statement)
    return found


@pytest.mark.parametrize(("prefix", "folder"), [(None, "AWSLogs"), ("audit", "audit/AWSLogs")])
def test_a_reader_lists_reads_and_decrypts_log_files_only(here: cdk.Stack, prefix: str | None, folder: str) -> None:
    reader = iam.Role(here, "Reader", assumed_by=iam.AccountRootPrincipal())
    SecureTrail(here, "SecureTrail", s3_key_prefix=prefix).grant_read(reader)

    statements = role_statements(here)
    on_s3, on_key = granted(statements, "s3"), granted(statements, "kms")
    assert set(on_s3) == {"s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"}
    assert on_s3["s3:GetObject"][0]["Resource"] == f"BUCKET_ARN/{folder}/*"
    assert on_s3["s3:ListBucket"][0]["Condition"] == {"StringLike": {"s3:prefix": [folder, f"{folder}/*"]}}
    assert set(on_key) == {"kms:Decrypt"}
    contexts = [statement["Condition"]["StringLike"] for statement in on_key["kms:Decrypt"]]
    assert contexts == [
        {"kms:EncryptionContext:aws:cloudtrail:arn": [f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"]},
        {"kms:EncryptionContext:aws:s3:arn": ["BUCKET_ARN", f"BUCKET_ARN/{folder}/*"]},
    ]


@pytest.mark.parametrize("env", [None, cdk.Environment(account=ACCOUNT, region=REGION)])
def test_within_an_account_the_readers_own_policy_is_enough(env: cdk.Environment | None) -> None:
    stack = cdk.Stack(new_app(), "Stack", env=env)
    trail = SecureTrail(stack, "SecureTrail")
    reader = iam.Role(stack, "Reader", assumed_by=iam.AccountRootPrincipal())
    trail.grant_read(reader)
    trail.grant_read(iam.ManagedPolicy(stack, "Readers", roles=[reader]))

    template = Template.from_stack(stack)
    policies = [
        *template.find_resources("AWS::S3::BucketPolicy").values(),
        *template.find_resources("AWS::KMS::Key").values(),
    ]
    assert "Reader" not in json.dumps(policies)


def test_bucket_and_key_policy_allow_a_reader_in_another_account(here: cdk.Stack) -> None:
    SecureTrail(here, "SecureTrail").grant_read(iam.ArnPrincipal("arn:aws:iam::444455556666:role/Auditor"))

    template = Template.from_stack(here)
    for resource_type, document in (("AWS::S3::BucketPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy")):
        documents = [entry["Properties"][document] for entry in template.find_resources(resource_type).values()]
        assert "arn:aws:iam::444455556666:role/Auditor" in json.dumps(plain(documents, "aws")), resource_type


@pytest.mark.parametrize(
    "principal",
    [
        iam.ArnPrincipal("arn:aws:iam::444455556666:role/Auditor"),
        iam.AccountPrincipal("444455556666"),
        iam.OrganizationPrincipal("o-abcdefghij"),
    ],
    ids=["role", "account", "organization"],
)
def test_a_reader_elsewhere_gets_the_same_conditions(here: cdk.Stack, principal: iam.IPrincipal) -> None:
    """Without them an organization could list every name in the bucket, and decrypt whatever the key encrypts."""
    SecureTrail(here, "SecureTrail", analytics=Analytics()).grant_read(principal)

    template = Template.from_stack(here)
    statements = [
        statement
        for resource_type, document in (("AWS::S3::BucketPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy"))
        for entry in template.find_resources(resource_type).values()
        for statement in plain(entry["Properties"][document], "aws")["Statement"]
        if any(theirs in json.dumps(statement) for theirs in ("444455556666", "o-abcdefghij"))
    ]
    on_s3, on_key = granted(statements, "s3"), granted(statements, "kms")
    assert on_s3["s3:ListBucket"][0]["Condition"]["StringLike"] == {"s3:prefix": ["AWSLogs", "AWSLogs/*"]}
    assert {name: each["Resource"] for name, (each,) in on_s3.items()}["s3:GetObject"] == "BUCKET_ARN/AWSLogs/*"
    assert [each["Condition"]["StringLike"] for each in on_key["kms:Decrypt"]] == [
        {"kms:EncryptionContext:aws:cloudtrail:arn": [f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"]},
        {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::*"},
    ]
    assert "kms:ViaService" in on_key["kms:Decrypt"][1]["Condition"]["StringEquals"]


def test_a_role_that_another_accounts_stack_makes_afterwards_reads(here: cdk.Stack) -> None:
    """As a principal S3 and KMS refuse a role that does not exist yet, and the role's policy needs the key's ARN."""
    there = cdk.Stack(cdk.App.of(here), "There", env=cdk.Environment(account="444455556666", region=REGION))
    reader = iam.Role(there, "Role", role_name="reader", assumed_by=iam.AccountRootPrincipal())
    SecureTrail(here, "SecureTrail", log_bucket=NewBucket(bucket_name="of-the-trail")).grant_read(reader)

    template = Template.from_stack(here)
    by_role = [
        statement
        for resource_type, document in (("AWS::S3::BucketPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy"))
        for entry in template.find_resources(resource_type).values()
        for statement in entry["Properties"][document]["Statement"]
        if "444455556666" in json.dumps(statement)
    ]
    assert len(by_role) == 5
    for each in by_role:
        assert each["Principal"] == {"AWS": "arn:aws:iam::444455556666:root"}
        assert each["Condition"]["ArnEquals"] == {"aws:PrincipalArn": "arn:aws:iam::444455556666:role/reader"}
    assert there.dependencies == [here]


@jsii.implements(iam.IGrantable)
class Wrapped:
    def __init__(self, principal: iam.IPrincipal) -> None:
        self._principal = principal

    @property
    def grant_principal(self) -> iam.IPrincipal:
        return self._principal


def limited(operator: str, key: str, *values: Any) -> iam.IPrincipal:
    """Everybody, under one condition."""
    return iam.AnyPrincipal().with_conditions({operator: {key: [*values]}})


def either(one: str, other: str) -> str:
    return cdk.Fn.condition_if("Either", one, other).to_string()


@jsii.implements(cdk.IStableStringProducer)
class Star:
    def produce(self) -> str:
        return "*"


ORGANIZATION, OF_ORGANIZATION = "aws:PrincipalOrgID", {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}


def test_not_everybody_reads(here: cdk.Stack) -> None:
    """However everybody is wrapped, and under conditions that anybody can meet."""
    trail = SecureTrail(here, "SecureTrail")
    for everybody in (
        iam.AnyPrincipal(),
        iam.StarPrincipal(),
        iam.ArnPrincipal("*"),
        iam.CompositePrincipal(iam.AccountPrincipal("444455556666"), iam.AnyPrincipal()),
        iam.CompositePrincipal(iam.CompositePrincipal(iam.AnyPrincipal())),
        iam.AnyPrincipal().with_session_tags(),
        cast("iam.IGrantable", Wrapped(iam.CompositePrincipal(iam.AnyPrincipal()))),
        iam.PrincipalWithConditions(iam.StarPrincipal(), conditions={}),
        iam.AnyPrincipal().with_conditions({"StringEquals": cdk.CfnJson(here, "Unknown", value={})}),
        limited("Bool", "aws:SecureTransport", "true"),
        limited("Null", ORGANIZATION, "false"),
        limited("StringLike", ORGANIZATION, "o-abcdefghij", "*"),
        limited("StringNotEquals", ORGANIZATION, "o-abcdefghij"),
        limited("StringEqualsIfExists", ORGANIZATION, "o-abcdefghij"),
        limited("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghij/*"),
        limited("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/Auditor"),
        limited("ArnLike", "aws:PrincipalArn", cdk.Fn.join(":", ["arn", cdk.Aws.PARTITION, "iam", "", "*", "role/A"])),
        limited("ArnLike", "aws:PrincipalArn", cdk.Fn.sub("arn:${AWS::Partition}:iam::*:role/Auditor")),
        limited("ArnLike", "aws:PrincipalArn", cdk.Fn.sub("arn:aws:iam::*:role/${Name}", {"Name": cdk.Aws.STACK_NAME})),
        limited("StringLike", ORGANIZATION, cdk.Fn.join("", ["o-*", cdk.Aws.ACCOUNT_ID])),
        limited("StringEquals", ORGANIZATION, "${aws:PrincipalOrgID}"),
        limited("StringEquals", "aws:PrincipalAccount", "${aws:PrincipalTag/account}"),
        # S3 does not call it public; but who comes from an address may be anybody.
        limited("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
        # What CDK or CloudFormation makes of other spellings.
        iam.ArnPrincipal(cdk.Fn.join("", ["*"])),
        iam.ArnPrincipal(cdk.Fn.sub("*")),
        iam.ArnPrincipal(cdk.Fn.join("", ["*", cdk.Aws.NO_VALUE])),
        iam.ArnPrincipal(cdk.Lazy.string(cast("cdk.IStableStringProducer", Star()))),
        iam.ArnPrincipal(either("arn:aws:iam::444455556666:root", "*")),
        limited("StringEquals", ORGANIZATION),
        limited("StringEquals", ORGANIZATION, cdk.Aws.NO_VALUE),
        limited("StringEquals", ORGANIZATION, either("o-abcdefghij", cdk.Aws.NO_VALUE)),
        limited("StringLike", ORGANIZATION, either("o-abcdefghij", "*")),
        limited("StringLike", ORGANIZATION, cdk.Fn.join("", ["o-", either("abcdefghij", "*")])),
        limited("StringLike", ORGANIZATION, cdk.Fn.select(0, cdk.Fn.split(",", cdk.Fn.sub("*,o-abcdefghij")))),
        limited("ArnLike", "aws:PrincipalArn", cdk.Fn.sub("arn:aws:iam::${Account}:role/A", {"Account": "*"})),
        # A role's path may have colons: arn:aws:iam::777788889999:role/:iam::444455556666:role/A
        limited("StringLike", "aws:PrincipalArn", "arn:*:iam::444455556666:role/A"),
    ):
        with pytest.raises(ValueError, match=r"everybody(?s:.*)Fix: "):
            trail.grant_read(everybody)


def test_everybody_of_an_organization_an_account_or_a_network_reads(here: cdk.Stack) -> None:
    trail = SecureTrail(here, "SecureTrail")
    for principal in (
        iam.CompositePrincipal(iam.AnyPrincipal()).with_conditions(OF_ORGANIZATION),
        iam.OrganizationPrincipal("o-abcdefghij").with_session_tags(),
        iam.StarPrincipal().with_conditions(OF_ORGANIZATION),
        limited("StringEquals", ORGANIZATION, cdk.CfnParameter(here, "Organization").value_as_string),
        limited("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghij/r-1/*"),
        limited("StringEquals", ORGANIZATION, "${aws:ResourceOrgID}"),
        limited("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", cdk.CfnParameter(here, "Path").value_as_string),
        limited("ArnLike", "aws:principalarn", "arn:aws:iam::444455556666:role/*"),
        limited(
            "ArnEquals", "aws:PrincipalArn", iam.Role(here, "Role", assumed_by=iam.AccountRootPrincipal()).role_arn
        ),
        limited("ArnEquals", "aws:PrincipalArn", cdk.Fn.import_value("ReaderArn")),
        limited("ArnLike", "aws:PrincipalArn", cdk.Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*")),
        limited(
            "ArnLike", "aws:PrincipalArn", cdk.Fn.sub("arn:aws:iam::${Account}:role/*", {"Account": "444455556666"})
        ),
        limited("StringEquals", ORGANIZATION, either("o-abcdefghij", "o-klmnopqrst")),
        iam.ArnPrincipal(either("arn:aws:iam::444455556666:root", "arn:aws:iam::777788889999:root")),
        limited("StringEquals", "aws:SourceVpce", "vpce-0123456789abcdef0"),
    ):
        trail.grant_read(cast("iam.IGrantable", Wrapped(principal)))


def test_an_imported_function_reads_by_the_policy_of_its_role(here: cdk.Stack) -> None:
    """Which the app does not know: CDK says so at the function."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:reads"
    function = lambda_.Function.from_function_arn(here, "Function", arn)

    SecureTrail(here, "SecureTrail").grant_read(function)

    told = str([each.data for each in function.node.metadata])
    assert "s3:GetObject" in told
    assert "kms:Decrypt" in told


def test_it_is_told_what_a_reader_elsewhere_needs_of_imported_resources(here: cdk.Stack) -> None:
    """CDK drops these statements, and the reader is denied."""
    trail = SecureTrail(
        here,
        "SecureTrail",
        log_bucket=s3.Bucket.from_bucket_name(here, "Bucket", "theirs"),
        encryption_key=kms.Key.from_key_arn(here, "Key", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/imported"),
    )

    trail.grant_read(iam.Role(here, "Own", assumed_by=iam.AccountRootPrincipal()))
    assert "a reader's own policy is not enough" not in str([each.data for each in trail.node.metadata])
    trail.grant_read(iam.AccountPrincipal("444455556666"))
    told = [text for text in (str(each.data) for each in trail.node.metadata) if "a reader's own policy" in text]
    assert [sum(f'"{action}"' in text for text in told) for action in ("s3:GetObject", "s3:ListBucket")] == [1, 1]
    assert sum('"kms:Decrypt"' in text and "444455556666:root" in text for text in told) == 2


def test_of_imported_resources_whose_account_is_not_known_is_said_who_does_not_need_it() -> None:
    stack = cdk.Stack(new_app(), "Stack")
    trail = SecureTrail(
        stack,
        "SecureTrail",
        log_bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "theirs"),
        encryption_key=kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/imported"),
    )

    trail.grant_read(iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/auditor"))
    told = [text for text in (str(each.data) for each in trail.node.metadata) if "a reader's own policy" in text]
    assert told
    assert all("a reader's own policy is enough only in the bucket's own account" in text for text in told)


def test_whoever_queries_also_reads(here: cdk.Stack) -> None:
    analyst = iam.Role(here, "Analyst", assumed_by=iam.AccountRootPrincipal())
    trail = SecureTrail(here, "SecureTrail", analytics=Analytics())
    trail.grant_query(analyst)

    statements = role_statements(here)
    athena, glue = granted(statements, "athena"), granted(statements, "glue")
    assert trail.analytics is not None
    assert {"athena:StartQueryExecution", "athena:GetQueryResults"} <= set(athena)
    workgroup = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{trail.analytics.workgroup_name}"
    assert athena["athena:StartQueryExecution"][0]["Resource"] == workgroup
    assert {"glue:GetTable", "glue:GetPartitions"} <= set(glue)
    assert "*" not in json.dumps(glue["glue:GetTable"][0]["Resource"])
    assert {"s3:GetObject", "s3:PutObject"} <= set(granted(statements, "s3"))
    assert {"kms:Decrypt", "kms:GenerateDataKey"} == set(granted(statements, "kms"))


def test_the_verifier_may_do_exactly_what_it_asks_for(here: cdk.Stack) -> None:
    """Both ends: the policy that the construct gives, and the one that the verifier prints for itself."""
    printed = run(sys.executable, "-m", "verify", "check", "--print-iam-policy")
    assert printed.returncode == 0, printed.stderr
    needed = {action for statement in json.loads(printed.stdout)["Statement"] for action in statement["Action"]}

    document = here.resolve(SecureTrail(here, "SecureTrail").verifier_policy())
    statements = document["Statement"]
    # A list of one is a text in the template.
    lists = [entry["Action"] if isinstance(entry["Action"], list) else [entry["Action"]] for entry in statements]
    given = [action for actions in lists for action in actions]

    assert sorted(given) == sorted(needed)
    assert [entry["Sid"] for entry in statements if entry["Resource"] == "*"] == ["LookUpTrailAndStack"]
    assert not [
        action for action in given if not action.split(":")[1].startswith(("Get", "List", "Describe", "Lookup"))
    ]
