"""Questions that people asked in public, each replayed in the lab: a program names the cause, and what it says to do
helps. docs/questions.md lists them.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.instance import control
from lab.instance.environment import own_programs_first
from tests.end_to_end.conftest import ROOT, Account
from verify.cli import main

PAGE = (ROOT / "docs/questions.md").read_text(encoding="utf-8")
LEAST = 20
WRITE = "s3:PutObject"
ALL_OF_CLOUDTRAIL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}],
}
CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}


@dataclass(frozen=True)
class Asker:
    """Somebody with the question, in an account in which the reviewed template is deployed."""

    account: Account
    _printed: pytest.CaptureFixture[str]
    _patch: pytest.MonkeyPatch

    def client(self, service: str, region: str | None = None) -> Any:
        return self.account.client(service, region)

    def verify(self, *words: str) -> tuple[int, str]:
        """The exit code of the verifier, and what it prints."""
        self._printed.readouterr()
        code = 0
        try:
            code = main([*words])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        told = self._printed.readouterr()
        return code, told.out + told.err

    def check(self, name: str, *words: str) -> dict[str, Any]:
        """What `check` says of one of its questions."""
        self._printed.readouterr()
        main(["check", "--json", *words])
        results = json.loads(self._printed.readouterr().out)["results"]
        found: dict[str, Any] = next(each for each in results if each["id"] == name)
        return found

    def paste(self, commands: str) -> None:
        """Runs commands as they are printed, in a shell that is led to the lab."""
        environment = {**os.environ, "PATH": own_programs_first(None)}
        done = subprocess.run(
            ["bash", "-e"], input=commands, env=environment, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{commands}\n{done.stderr}"

    def be(self, key_id: str, secret: str) -> None:
        """This process works with this access key from now on."""
        self._patch.setenv("AWS_ACCESS_KEY_ID", key_id)
        self._patch.setenv("AWS_SECRET_ACCESS_KEY", secret)

    def become(self, user: str, *policies: dict[str, Any] | str) -> Callable[[str], Any]:
        """A new IAM user with these policies; this process works with their access key from now on."""
        iam = self.client("iam")
        iam.create_user(UserName=user)
        for number, policy in enumerate(policies):
            if isinstance(policy, str):
                iam.attach_user_policy(UserName=user, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
            else:
                iam.put_user_policy(UserName=user, PolicyName=f"own-{number}", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        id_, secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.be(id_, secret)

        def client(service: str) -> Any:
            at = self.account
            return boto3.client(  # type: ignore[call-overload]
                service,
                region_name=at.region,
                endpoint_url=at.endpoint,
                aws_access_key_id=id_,
                aws_secret_access_key=secret,
            )

        return client

    def create_trail(self, **other: Any) -> str:
        """Makes the trail anew.

        :return: the error, if it is refused.
        """
        at = self.account
        with suppress(at.client("cloudtrail").exceptions.TrailNotFoundException):
            at.client("cloudtrail").delete_trail(Name=at.trail)
        given = {"Name": at.trail, "S3BucketName": at.bucket, "KmsKeyId": at.key_arn, "IsMultiRegionTrail": True}
        error = refusal(at.client("cloudtrail").create_trail, **given | {"EnableLogFileValidation": True} | other)
        if not error:
            at.client("cloudtrail").start_logging(Name=at.trail)
        return error

    def change_bucket_policy(self, change: Callable[[str], str]) -> None:
        policy = change(json.dumps(self.account.bucket_policy()))
        self.client("s3").put_bucket_policy(Bucket=self.account.bucket, Policy=policy)

    def let_every_trail_in(self) -> None:
        at = self.account
        named = re.compile(rf'"StringEquals": {{(.*?)"aws:SourceArn": "{at.trail_arn}"(.*?)}}')
        every = f'"StringEquals": {{"aws:SourceAccount": "{at.id}"}}'
        self.change_bucket_policy(lambda policy: named.sub(every, policy))

    def files(self, prefix: str = "AWSLogs/") -> list[str]:
        """What lies below a folder of the bucket after a delivery."""
        control.deliver(self.account.lab)
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.account.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


def refusal(call: Callable[..., Any], **parameters: Any) -> str:
    """The error of a call, as its code and message; nothing if it is answered."""
    try:
        call(**parameters)
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return ""


@pytest.fixture
def asker(account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Asker:
    account.deploy()
    return Asker(account, capsys, monkeypatch)


Question = Callable[[Asker], None]
QUESTIONS: dict[str, Question] = {}


def asked_at(address: str) -> Callable[[Question], Question]:
    def added(question: Question) -> Question:
        QUESTIONS[address] = question
        return question

    return added


# ---- trails that are refused -------------------------------------------------------------------------


@asked_at("https://github.com/hashicorp/terraform/issues/6388")
def another_folder_in_the_policy(asker: Asker) -> None:
    asker.change_bucket_policy(lambda policy: policy.replace("/AWSLogs/", "/AWSLog_dir/"))
    assert "InsufficientS3BucketPolicyException" in asker.create_trail()

    found = asker.check("bucket_policy_lets_cloudtrail_in")

    assert (found["status"], f"{WRITE} on arn:aws:s3:::{asker.account.bucket}/AWSLogs/" in found["actual"]) == (
        "FAIL",
        True,
    ), found
    asker.paste(found["fix"]["cli"])
    assert asker.create_trail() == ""


@asked_at("https://github.com/aws/aws-cdk/issues/6741")
def prefix_that_the_policy_lacks(asker: Asker) -> None:
    at = asker.account

    error = asker.create_trail(S3KeyPrefix="blah")

    assert "InsufficientS3BucketPolicyException" in error
    assert f"{WRITE} on arn:aws:s3:::{at.bucket}/blah/AWSLogs/" in error
    asker.change_bucket_policy(lambda policy: policy.replace("/AWSLogs/", "/blah/AWSLogs/"))
    assert asker.create_trail(S3KeyPrefix="blah") == ""
    assert asker.files("blah/AWSLogs/")


@asked_at("https://github.com/hashicorp/terraform/issues/14989")
def policy_for_all_accounts_but_the_own(asker: Asker) -> None:
    at = asker.account
    asker.change_bucket_policy(lambda policy: policy.replace(f"/AWSLogs/{at.id}/", "/AWSLogs/222233334444/"))
    assert "InsufficientS3BucketPolicyException" in asker.create_trail()

    found = asker.check("bucket_policy_lets_cloudtrail_in")

    assert (found["status"], f"/AWSLogs/{at.id}/" in found["actual"]) == ("FAIL", True), found
    asker.paste(found["fix"]["cli"])
    assert asker.create_trail() == ""
    # What the bucket's policy allowed for the others is still there.
    assert "/AWSLogs/222233334444/" in json.dumps(at.bucket_policy())


@asked_at("https://github.com/hashicorp/terraform/issues/35028")
def key_that_cloudtrail_may_not_describe(asker: Asker) -> None:
    at = asker.account
    allow = {"Effect": "Allow", "Resource": "*"}
    root = {"AWS": f"arn:aws:iam::{at.id}:root"}
    used = {"Principal": CLOUDTRAIL, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"]}
    condition = {"Condition": {"StringEquals": {"aws:SourceArn": at.trail_arn}}}
    statements = [{**allow, "Principal": root, "Action": "kms:*"}, {**allow, **used, **condition}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    asker.client("kms").put_key_policy(KeyId=at.key_id, PolicyName="default", Policy=policy)
    assert "InsufficientEncryptionPolicyException" in asker.create_trail()

    found = asker.check("key_policy_lets_cloudtrail_in")

    assert (found["status"], "kms:DescribeKey" in found["actual"]) == ("FAIL", True), found
    asker.paste(found["fix"]["cli"])
    assert asker.create_trail() == ""


@asked_at("https://github.com/trussworks/terraform-aws-cloudtrail/issues/178")
def key_policy_that_locks_everybody_out(asker: Asker) -> None:
    at = asker.account
    statements = [each for each in at.key_policy()["Statement"] if each["Principal"] == CLOUDTRAIL]
    policy = {"Version": "2012-10-17", "Statement": statements}
    put = asker.client("kms").put_key_policy

    error = refusal(put, KeyId=at.key_id, PolicyName="default", Policy=json.dumps(policy))

    assert "MalformedPolicyDocumentException: The new key policy will not allow you to update" in error
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{at.id}:root"}, "Action": "kms:*"}
    whole = {**policy, "Statement": [{**account, "Resource": "*"}, *statements]}
    assert refusal(put, KeyId=at.key_id, PolicyName="default", Policy=json.dumps(whole)) == ""
    assert asker.check("key_policy_lets_cloudtrail_in")["status"] == "PASS"


@asked_at("https://github.com/bluemountaincyber/evidence-app/issues/4")
def every_region_without_global_services(asker: Asker) -> None:
    error = asker.create_trail(IncludeGlobalServiceEvents=False)

    assert "IncludeGlobalServiceEvents to true" in error
    assert asker.create_trail(IncludeGlobalServiceEvents=True) == ""
    assert asker.check("trail_records_all_management_events")["status"] == "PASS"


@asked_at("https://github.com/aws/aws-cdk/issues/9013")
def topic_that_does_not_let_cloudtrail_in(asker: Asker) -> None:
    at, sns = asker.account, asker.client("sns", "us-east-1")
    topic = sns.create_topic(Name="deliveries")["TopicArn"]

    error = asker.create_trail(SnsTopicName=topic)

    assert "InsufficientSnsTopicPolicyException" in error
    assert "sns:Publish" in error
    condition = {"StringEquals": {"aws:SourceArn": at.trail_arn}}
    statement = {"Effect": "Allow", "Principal": CLOUDTRAIL, "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert asker.create_trail(SnsTopicName=topic) == ""
    assert asker.check("trail_topic_is_no_strangers")["status"] == "PASS"


@asked_at("https://github.com/linz/geostore/issues/1450")
def sixth_trail(asker: Asker) -> None:
    at, cloudtrail = asker.account, asker.client("cloudtrail")
    asker.let_every_trail_in()
    for number in range(4):
        cloudtrail.create_trail(Name=f"trail-{number}", S3BucketName=at.bucket)
        cloudtrail.start_logging(Name=f"trail-{number}")
    sixth = {"Name": "sixth", "S3BucketName": at.bucket}
    assert "MaximumNumberOfTrailsExceededException" in refusal(cloudtrail.create_trail, **sixth)

    found = asker.check("trail_is_the_only_paid_copy")

    assert (found["status"], "trail-0" in found["actual"]) == ("ADVICE", True), found
    cloudtrail.delete_trail(Name="trail-0")
    assert refusal(cloudtrail.create_trail, **sixth) == ""


# ---- the wrong region, the wrong name -----------------------------------------------------------------


@asked_at("https://github.com/aws/aws-sdk-java/issues/1309")
def change_from_another_region(asker: Asker) -> None:
    at = asker.account
    change = {"Name": at.trail_arn, "EnableLogFileValidation": True}
    assert "InvalidHomeRegionException" in refusal(asker.client("cloudtrail", "eu-west-1").update_trail, **change)

    told = asker.verify("check", "--region", "eu-west-1")[1]

    assert "Asked in eu-west-1; the trail's home region is us-east-1" in told
    assert refusal(asker.client("cloudtrail", "us-east-1").update_trail, **change) == ""


@asked_at("https://github.com/aws/aws-cli/issues/3048")
def trail_that_is_called_otherwise(asker: Asker) -> None:
    code, told = asker.verify("check", "--trail", "my-trail")

    assert (code, f"trails there: {asker.account.trail}" in told) == (2, True), told
    control.deliver(asker.account.lab)
    assert asker.verify("check", "--trail", asker.account.trail)[0] == 0


@asked_at("https://github.com/cloudposse/terraform-aws-cloudtrail/issues/18")
def trail_of_one_region(asker: Asker) -> None:
    assert asker.create_trail(IsMultiRegionTrail=False) == ""
    ireland, folder = asker.client("ec2", "eu-west-1"), f"AWSLogs/{asker.account.id}/CloudTrail/eu-west-1/"
    ireland.describe_vpcs()
    assert asker.files(folder) == []

    found = asker.check("trail_is_multi_region")

    assert (found["status"], found["actual"]) == ("FAIL", "IsMultiRegionTrail is false")
    asker.paste(found["fix"]["cli"])
    ireland.describe_vpcs()
    assert asker.files(folder)


@asked_at("https://github.com/Permiso-io-tools/CloudConsoleCartographer/issues/1")
def iam_asked_in_the_own_region(asker: Asker) -> None:
    asker.client("iam", "eu-west-1").create_user(UserName="nobody")

    code, told = asker.verify("events", "--name", "CreateUser", "--region", "eu-west-1")

    assert (code, "try --all-regions; IAM's are in us-east-1" in told) == (0, True), told
    found = asker.verify("events", "--name", "CreateUser", "--all-regions")
    assert (found[0], "\tus-east-1\t" in found[1]) == (0, True), found


@asked_at("https://github.com/aws-samples/scp-alternative-solution/issues/14")
def rule_about_iam_in_the_own_region(asker: Asker) -> None:
    def fires_in(region: str) -> bool:
        queue, rule = asker.client("sqs", region), asker.client("events", region)
        address = queue.create_queue(QueueName="alerts")["QueueUrl"]
        wanted = {"source": ["aws.iam"], "detail": {"eventName": ["CreateRole", "CreateUser"]}}
        arn = rule.put_rule(Name="iam", EventPattern=json.dumps(wanted))["RuleArn"]
        queue_arn = f"arn:aws:sqs:{region}:{asker.account.id}:alerts"
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        condition = {"ArnEquals": {"aws:SourceArn": arn}}
        statement = {**allow, "Resource": queue_arn, "Condition": condition}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        queue.set_queue_attributes(QueueUrl=address, Attributes={"Policy": policy})
        rule.put_targets(Rule="iam", Targets=[{"Id": "queue", "Arn": queue_arn}])
        asker.client("iam").create_user(UserName=f"made-for-{region}")
        waited = 20 if region == "us-east-1" else 1
        return bool(queue.receive_message(QueueUrl=address, WaitTimeSeconds=waited).get("Messages"))

    assert not fires_in("eu-west-1")

    told = asker.verify("events", "--name", "CreateUser", "--region", "eu-west-1")[1]

    assert "IAM's are in us-east-1" in told
    assert fires_in("us-east-1")


# ---- events that are missing --------------------------------------------------------------------------


@asked_at("https://github.com/cloud-gov/pages-core/issues/692")
def reads_of_objects(asker: Asker) -> None:
    at, s3 = asker.account, asker.client("s3")
    s3.create_bucket(Bucket=f"files-{at.id}")
    file = {"Bucket": f"files-{at.id}", "Key": "file"}
    s3.put_object(**file, Body=b"x")
    s3.get_object(**file)

    code, told = asker.verify("events", "--name", "GetObject")

    assert (code, "data event, which the event history never has" in told) == (3, True), told
    data = {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::files-{at.id}/"]}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [data]}
    asker.client("cloudtrail").put_event_selectors(TrailName=at.trail, EventSelectors=[selector])
    s3.get_object(**file)
    control.deliver(at.lab)
    # Exit code 3: the hour before the trail was made is part of what is asked for.
    told = asker.verify("logs", "show", "--event", "GetObject", "--since", "1h")[1]
    assert "\tGetObject\ts3\troot\t" in told


@asked_at("https://github.com/aws/aws-cdk/issues/13966")
def trail_that_records_objects_only(asker: Asker) -> None:
    at = asker.account
    data = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": [data]}
    asker.client("cloudtrail").put_event_selectors(TrailName=at.trail, EventSelectors=[selector])

    found = asker.check("trail_records_all_management_events")

    assert found["status"] == "FAIL"
    asker.paste(found["fix"]["cli"])
    assert asker.check("trail_records_all_management_events")["status"] == "PASS"


# ---- no delivery --------------------------------------------------------------------------------------


@asked_at("https://github.com/duo-labs/cloudmapper/issues/521")
def logging_without_delivering(asker: Asker) -> None:
    at = asker.account
    asker.client("kms").disable_key(KeyId=at.key_id)
    asker.client("ec2").describe_vpcs()
    control.deliver(at.lab)
    assert asker.client("cloudtrail").get_trail_status(Name=at.trail)["IsLogging"]

    delivery, key = asker.check("trail_delivers_without_error"), asker.check("key_exists")

    assert (delivery["status"], "LatestDeliveryError" in delivery["actual"]) == ("FAIL", True), delivery
    assert (key["status"], "Disabled" in key["actual"]) == ("FAIL", True), key
    asker.paste(key["fix"]["cli"])
    control.deliver(at.lab)
    assert asker.check("trail_delivers_without_error")["status"] == "PASS"


# ---- duplicate trails ---------------------------------------------------------------------------------


@asked_at("https://github.com/mozilla-itcloud/maintenance-project/issues/35")
def two_trails_of_every_region(asker: Asker) -> None:
    at, west = asker.account, asker.client("cloudtrail", "us-west-2")
    asker.let_every_trail_in()
    west.create_trail(Name="second", S3BucketName=at.bucket, IsMultiRegionTrail=True)
    west.start_logging(Name="second")

    found = asker.check("trail_is_the_only_paid_copy")

    assert (found["status"], "second" in found["actual"]) == ("ADVICE", True), found
    assert "stop-logging and delete-trail end the other" in found["fix"]["cli"]
    west.delete_trail(Name="second")
    assert asker.check("trail_is_the_only_paid_copy")["status"] == "PASS"


# ---- who did it ---------------------------------------------------------------------------------------


@asked_at("https://github.com/nephast/compass/issues/55")
def who_deleted_the_trail(asker: Asker) -> None:
    at = asker.account
    thief = asker.become("deployer", ALL_OF_CLOUDTRAIL)
    thief("cloudtrail").delete_trail(Name=at.trail)
    asker.be(at.id, at.secret)
    found = asker.check("trail_exists")
    assert found["status"] == "FAIL"

    code, told = asker.verify("events", "--name", "DeleteTrail", "--json")

    (line,) = re.findall(r"^\{.*\}$", told, re.MULTILINE)
    who = json.loads(line)["userIdentity"]
    assert (code, who["userName"], who["accessKeyId"][:4]) == (0, "deployer", "AKIA")
    asker.client("iam").update_access_key(UserName="deployer", AccessKeyId=who["accessKeyId"], Status="Inactive")
    assert refusal(thief("cloudtrail").describe_trails)
    asker.paste(found["fix"]["cli"])
    assert asker.check("trail_exists")["status"] == "PASS"


@asked_at("https://dev.to/mariogongora/responding-to-a-compromised-aws-access-key-1ji3")
def what_a_leaked_key_did(asker: Asker) -> None:
    at = asker.account
    thief = asker.become("app-integration-user", "AdministratorAccess")
    thief("sts").get_caller_identity()
    thief("iam").create_user(UserName="backdoor")
    key = thief("iam").list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"]
    asker.be(at.id, at.secret)

    code, told = asker.verify("events", "--access-key", key, "--all-regions")

    assert (code, "GetCallerIdentity" in told, "CreateUser" in told) == (0, True, True), told
    asker.client("iam").update_access_key(UserName="app-integration-user", AccessKeyId=key, Status="Inactive")
    assert refusal(thief("sts").get_caller_identity)


@asked_at("https://github.com/aws/aws-cli/issues/7054")
def two_digests_in_a_row_deleted(asker: Asker) -> None:
    at, s3 = asker.account, asker.client("s3")
    folder = f"AWSLogs/{at.id}/CloudTrail-Digest/{at.region}/"
    while len(digests := asker.files(folder)) < 5:
        asker.client("ec2").describe_vpcs()
    gone = digests[-3:-1]
    for digest in gone:
        s3.delete_object(Bucket=at.bucket, Key=digest)

    code, told = asker.verify("integrity", "--since", "1h")

    # The digest after the gap names the newer one of the two, and that one, when it is back, the older one. Of the time
    # of both it is said that something is missing.
    assert (code, gone[1] in told, "missing: its digests are gone" in told) == (1, True, True), told
    for digest in reversed(gone):
        code, told = asker.verify("integrity", "--since", "1h")
        assert (code, digest in told) == (1, True), told
        asker.paste("\n".join(re.findall(r"aws s3api delete-object .*--version-id \S+", told)))
    code, told = asker.verify("integrity", "--since", "1h")
    # Of the hour before the trail was made nothing is known.
    assert (code, f"{len(digests)} of {len(digests)} digests proven" in told) == (3, True), told


# ---- what cannot be read ------------------------------------------------------------------------------


@asked_at("https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/939")
def reader_who_may_not_decrypt(asker: Asker) -> None:
    at = asker.account
    asker.client("ec2").describe_vpcs()
    control.deliver(at.lab)
    asker.become("auditor", "AmazonS3ReadOnlyAccess", ALL_OF_CLOUDTRAIL)

    code, told = asker.verify("logs", "show", "--since", "1h", "--event", "DescribeVpcs")

    assert (code, "kms:Decrypt" in told) == (3, True), told
    allow = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": at.key_arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    asker.client("iam").put_user_policy(UserName="auditor", PolicyName="decrypt", PolicyDocument=policy)
    told = asker.verify("logs", "show", "--since", "1h", "--event", "DescribeVpcs")[1]
    assert "\tDescribeVpcs\tec2\troot\t" in told


@asked_at("https://github.com/scribd/terraform-aws-datadog/pull/19")
def reader_without_the_event_history(asker: Asker) -> None:
    asker.become("datadog", "AmazonS3ReadOnlyAccess")

    code, told = asker.verify("events", "--name", "CreateUser")

    assert (code, "cloudtrail:LookupEvents" in told) == (3, True), told
    policy = asker.verify("events", "--print-iam-policy")[1]
    asker.client("iam").put_user_policy(UserName="datadog", PolicyName="events", PolicyDocument=policy)
    assert asker.verify("events", "--name", "CreateUser")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("address", QUESTIONS)
def test_the_cause_is_named_and_the_fix_helps(address: str, asker: Asker) -> None:
    QUESTIONS[address](asker)


def test_the_page_lists_every_question() -> None:
    assert re.findall(r"^\| .* \[[^\]]+\]\((https://[^)]+)\) \|", PAGE, re.MULTILINE) == list(QUESTIONS)
    assert len(QUESTIONS) >= LEAST
