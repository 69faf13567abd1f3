"""Keys, buckets and topics that exist: CDK adds the statements, or a warning says which to add by hand."""

import json
import subprocess
import sys
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from constructs_lib import Organization, SecureTrail, required_bucket_policy, required_key_policy
from tests.cdk.conftest import new_app, only
from tests.cdk.templates import cloudtrail_statements, plain

ACCOUNT, REGION = "111122223333", "eu-central-1"
ENV = cdk.Environment(account=ACCOUNT, region=REGION)


def sids(policy: dict[str, Any]) -> list[str]:
    """The Sids without the eight digits that tell one trail's statements from another's."""
    return [statement["Sid"][:-8] for statement in policy["Statement"] if "Sid" in statement]


def test_what_cdk_cannot_add_is_an_output_to_paste() -> None:
    stack = cdk.Stack(new_app(), "Stack", env=ENV)
    trail = SecureTrail(
        stack,
        "SecureTrail",
        trail_name="recorder",
        encryption_key=kms.Key.from_key_arn(stack, "K", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/imported"),
        log_bucket=s3.Bucket.from_bucket_name(stack, "B", "their-bucket"),
    )

    outputs = Template.from_stack(stack).find_outputs("*")
    shown = {output["Description"].split()[-1]: json.loads(output["Value"]) for output in outputs.values()}
    assert sids(shown["bucket"]) == ["AWSCloudTrailAclCheck", "AWSCloudTrailWrite"]
    assert sids(shown["key"]) == ["CloudTrailEncryptsLogs", "CloudTrailUsesKey"]
    assert shown["bucket"] == stack.resolve(trail.required_bucket_policy)
    assert shown["key"] == stack.resolve(trail.required_key_policy)


def test_a_warning_holds_the_statement_as_json_that_people_read(stack: cdk.Stack) -> None:
    """Without an environment the partition, the region and the account are known at deployment only."""
    SecureTrail(
        stack,
        "SecureTrail",
        trail_name="recorder",
        encryption_key=kms.Key.from_key_arn(stack, "K", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/imported"),
        log_bucket=s3.Bucket.from_bucket_name(stack, "B", "their-bucket"),
    )

    texts = [str(found.entry.data) for found in Annotations.from_stack(stack).find_warning("*", Match.any_value())]
    warnings = {}
    for text in (each for each in texts if "is imported" not in each):
        statement = json.loads(text[text.index("{") : text.rindex("}") + 1])
        warnings[statement["Sid"][:-8]] = (text, statement)  # without what tells the trails apart
    text, write = warnings["AWSCloudTrailWrite"]
    assert "required_bucket_policy()" in text
    assert "required_key_policy()" in warnings["CloudTrailEncryptsLogs"][0]
    assert "Fn::" not in json.dumps(list(warnings.values()))
    trail = "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/recorder"
    assert write["Resource"] == "arn:${AWS::Partition}:s3:::their-bucket/AWSLogs/${AWS::AccountId}/*"
    assert write["Condition"]["StringEquals"]["aws:SourceArn"] == trail


def test_a_warning_of_a_deny_that_cdk_cannot_add_says_what_is_open_without_it(stack: cdk.Stack) -> None:
    """The deployment and the deliveries succeed without it, and nobody is denied anything."""
    trail = SecureTrail(
        stack,
        "SecureTrail",
        log_bucket=s3.Bucket.from_bucket_name(stack, "B", "their-bucket"),
        break_glass_principal_arns=["arn:aws:iam::111122223333:role/BreakGlass"],
    )

    texts = [text for each in trail.node.metadata if "imported bucket" in (text := str(each.data))]
    assert [("fails" in text, "nothing says so" in text) for text in texts] == [
        ('"Effect": "Allow"' in text, '"Effect": "Deny"' in text) for text in texts
    ]
    assert sum("nothing says so" in text for text in texts) == 2


def test_a_log_archive_account_gets_the_same_policies_without_the_trail() -> None:
    """What the archive's stack writes for a trail that it has never seen is what the trail's own stack would."""
    trails = cdk.Stack(new_app(), "Trails", env=ENV)
    trail = SecureTrail(
        trails,
        "SecureTrail",
        trail_name="recorder",
        encryption_key=kms.Key.from_key_arn(trails, "K", f"arn:aws:kms:{REGION}:444455556666:key/imported"),
        log_bucket=s3.Bucket.from_bucket_name(trails, "B", "archive"),
        organization=Organization("o-abcdefghij"),
    )
    archive = cdk.Stack(new_app(), "Archive", env=cdk.Environment(account="444455556666", region=REGION))
    of_trail = {"trail_name": "recorder", "trail_account": ACCOUNT, "trail_region": REGION}

    bucket = required_bucket_policy(bucket_arn="arn:aws:s3:::archive", organization_id="o-abcdefghij", **of_trail)
    document = archive.resolve(iam.PolicyDocument(statements=bucket))
    assert document == plain(trails.resolve(trail.required_bucket_policy), "aws")
    key = iam.PolicyDocument(statements=required_key_policy(**of_trail))
    assert archive.resolve(key) == plain(trails.resolve(trail.required_key_policy), "aws")


def test_key_and_bucket_of_another_stack_get_the_statements_there() -> None:
    app = new_app()
    base, top = cdk.Stack(app, "Base", env=ENV), cdk.Stack(app, "Top", env=ENV)
    SecureTrail(
        top, "SecureTrail", trail_name="recorder", encryption_key=kms.Key(base, "K"), log_bucket=s3.Bucket(base, "B")
    )

    template = Template.from_stack(base)
    key = cloudtrail_statements(only(template, "AWS::KMS::Key")["KeyPolicy"], "aws")
    bucket = cloudtrail_statements(only(template, "AWS::S3::BucketPolicy")["PolicyDocument"], "aws")
    assert sids({"Statement": key}) == ["CloudTrailEncryptsLogs", "CloudTrailUsesKey"]
    assert sids({"Statement": bucket}) == ["AWSCloudTrailAclCheck", "AWSCloudTrailWrite"]
    assert [dependency.stack_name for dependency in top.dependencies] == ["Base"]
    assert base.dependencies == []


def test_the_verifier_policy_can_be_attached(stack: cdk.Stack) -> None:
    document = SecureTrail(stack, "SecureTrail").verifier_policy()
    iam.ManagedPolicy(stack, "Verifier", document=document)

    statements = only(Template.from_stack(stack), "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    assert {entry["Effect"] for entry in statements} == {"Allow"}


def test_the_plain_trail_loads_no_service_that_it_does_not_use() -> None:
    """Each of these costs up to a second and a half at every synth."""
    program = (
        "import sys, aws_cdk; from constructs_lib import SecureTrail\n"
        "SecureTrail(aws_cdk.Stack(aws_cdk.App(), 'Stack'), 'SecureTrail')\n"
        "heavy = ('athena', 'cloudwatch', 'dynamodb', 'glue', 'lambda', 'logs', 'sns')\n"
        "print([name for name in heavy if f'aws_cdk.aws_{name}' in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
