"""docs/troubleshooting.md: each message of the page is made to appear, and stands there as it appears."""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.cli import commands
from tests.authority import Authority
from tests.end_to_end.conftest import ROOT, Account
from verify import cli as verify

PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `(.*)`$", PAGE, re.MULTILINE)


class Learner:
    """Somebody to whom it happens: an account with a key, a bucket and a trail, and both programs."""

    def __init__(self, account: Account, folder: Path, printed: pytest.CaptureFixture[str]) -> None:
        self.account = account
        self.folder = folder
        self._printed = printed

    def deployed(self) -> Account:
        self.account.deploy()
        return self.account

    def typed(self, main: Callable[[list[str]], int], *words: str) -> str:
        """What a program prints."""
        self._printed.readouterr()
        with suppress(SystemExit):
            main([*words])
        told = self._printed.readouterr()
        return told.out + told.err

    def create_trail(self, **other: Any) -> None:
        at = self.account
        given = {"Name": at.trail, "S3BucketName": at.bucket, "KmsKeyId": at.key, **other}
        at.client("cloudtrail").create_trail(**given)


def without(policy: dict[str, Any], action: str) -> str:
    """A policy without the statements of an action."""
    kept = [each for each in policy["Statement"] if action not in str(each["Action"])]
    return json.dumps({**policy, "Statement": kept})


def no_right_to_write(learner: Learner) -> None:
    at = learner.deployed()
    at.client("cloudtrail").delete_trail(Name=at.trail)
    at.client("s3").put_bucket_policy(Bucket=at.bucket, Policy=without(at.bucket_policy(), "PutObject"))
    learner.create_trail()


def no_right_to_the_key(learner: Learner) -> None:
    at = learner.deployed()
    at.client("cloudtrail").delete_trail(Name=at.trail)
    at.client("kms").put_key_policy(KeyId=at.key_id, Policy=without(at.key_policy(), "GenerateDataKey"))
    learner.create_trail()


def no_bucket(learner: Learner) -> None:
    learner.account.client("cloudtrail").create_trail(Name="trail", S3BucketName="no-such-bucket-of-anybody")


def same_trail_again(learner: Learner) -> None:
    learner.deployed()
    learner.create_trail()


def no_such_key(learner: Learner) -> None:
    at = learner.deployed()
    at.client("cloudtrail").delete_trail(Name=at.trail)
    learner.create_trail(KmsKeyId="alias/gone")


def sixth_trail(learner: Learner) -> None:
    at = learner.account
    bucket = f"open-{at.id}"
    at.client("s3").create_bucket(Bucket=bucket)
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    statements = [
        {**allow, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"},
        {**allow, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{at.id}/*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    at.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    for number in range(6):
        at.client("cloudtrail").create_trail(Name=f"trail-{number}", S3BucketName=bucket)


def from_another_region(learner: Learner) -> None:
    at = learner.deployed()
    at.client("cloudtrail", "eu-west-1").update_trail(Name=at.trail_arn, EnableLogFileValidation=True)


def no_such_trail(learner: Learner) -> None:
    learner.account.client("cloudtrail").start_logging(Name="ch03-security-trail")


def bad_name(learner: Learner) -> None:
    at = learner.deployed()
    at.client("cloudtrail").create_trail(Name="my trail", S3BucketName=at.bucket)


def locked_out(learner: Learner) -> None:
    at = learner.deployed()
    policy = at.key_policy()
    kept = [each for each in policy["Statement"] if "AWS" not in each["Principal"]]
    at.client("kms").put_key_policy(KeyId=at.key_id, Policy=json.dumps({**policy, "Statement": kept}))


def same_alias_again(learner: Learner) -> None:
    at = learner.deployed()
    at.client("kms").create_alias(AliasName=at.key, TargetKeyId=at.key_id)


def a_file(at: Account) -> dict[str, str]:
    at.client("s3").put_object(Bucket=at.bucket, Key="file", Body=b"x")
    return {"Bucket": at.bucket, "Key": "file"}


def key_is_disabled(learner: Learner) -> None:
    kms, key = learner.account.client("kms"), learner.deployed().key_id
    kms.disable_key(KeyId=key)
    kms.generate_data_key(KeyId=key, KeySpec="AES_256")


def key_is_to_be_deleted(learner: Learner) -> None:
    kms, key = learner.account.client("kms"), learner.deployed().key_id
    kms.schedule_key_deletion(KeyId=key)
    kms.generate_data_key(KeyId=key, KeySpec="AES_256")


def user_with(at: Account, policy: str) -> dict[str, str]:
    """The access key of a new user with a managed policy."""
    iam = at.client("iam")
    iam.create_user(UserName="reader")
    iam.attach_user_policy(UserName="reader", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def client_of(at: Account, service: str, **keys: str) -> Any:
    return boto3.client(service, region_name=at.region, endpoint_url=at.endpoint, **keys)  # type: ignore[call-overload]


def may_read_the_bucket_only(learner: Learner) -> None:
    at = learner.deployed()
    file = a_file(at)
    client_of(at, "s3", **user_with(at, "AmazonS3ReadOnlyAccess")).get_object(**file)


def may_not_look_up(learner: Learner) -> None:
    at = learner.account
    client_of(at, "cloudtrail", **user_with(at, "AmazonS3ReadOnlyAccess")).lookup_events()


def keys_of_another_lab(learner: Learner) -> None:
    client_of(
        learner.account, "sts", aws_access_key_id="AKIA0000000000000000", aws_secret_access_key="gone"
    ).get_caller_identity()


def wrong_secret(learner: Learner) -> None:
    at = learner.account
    client_of(at, "sts", aws_access_key_id=at.id, aws_secret_access_key="wrong").get_caller_identity()


def same_bucket_again(learner: Learner) -> None:
    s3 = learner.account.client("s3", "eu-west-1")
    for _ in range(2):
        s3.create_bucket(
            Bucket=f"twice-{learner.account.id}", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )


def region_is_not_named(learner: Learner) -> None:
    learner.account.client("s3", "eu-west-1").create_bucket(Bucket=f"nowhere-{learner.account.id}")


def made_public(learner: Learner) -> None:
    at = learner.deployed()
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{at.bucket}/*"}
    at.client("s3").put_bucket_policy(
        Bucket=at.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )


def not_empty(learner: Learner) -> None:
    at = learner.deployed()
    a_file(at)
    at.client("s3").delete_bucket(Bucket=at.bucket)


def two_filters(learner: Learner) -> None:
    both = [{"AttributeKey": "EventName", "AttributeValue": "X"}, {"AttributeKey": "Username", "AttributeValue": "x"}]
    learner.account.client("cloudtrail").lookup_events(LookupAttributes=both)


def authority_is_unknown(learner: Learner) -> str:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = Authority(learner.folder).server_side().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        index = f"https://localhost:{server.server_port}/simple"
        told = pip_of(index, learner)
        server.shutdown()
    return told


def nothing_answers(learner: Learner) -> str:
    return pip_of("http://127.0.0.1:1/simple", learner)


def pip_of(index: str, learner: Learner) -> str:
    asked = ["download", "--isolated", "--no-cache-dir", "--retries=1", f"--index-url={index}", "uv==0.1"]
    return subprocess.run(
        [sys.executable, "-m", "pip", *asked], cwd=learner.folder, capture_output=True, text=True
    ).stderr


def cache_of_a_group(learner: Learner) -> str:
    (learner.folder / ".cache").mkdir()
    (learner.folder / ".cache").chmod(0o775)
    environment = {"PATH": os.environ["PATH"], "HOME": str(learner.folder)}
    app = [sys.executable, "-c", "import aws_cdk; aws_cdk.App()"]
    return subprocess.run(app, env=environment, capture_output=True, text=True).stderr


# What makes each message of the page appear, by the beginning of the message.
CASES: dict[str, Callable[[Learner], str | None]] = {
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: …": authority_is_unknown,
    "ERROR: Could not find a version that satisfies the requirement uv==… (from versions: none)": nothing_answers,
    "Cannot use the jsii package cache in …: other users may be able to modify it, …": cache_of_a_group,
    "InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: …": no_right_to_write,
    "InsufficientEncryptionPolicyException: Insufficient permissions to access S3 bucket …": no_right_to_the_key,
    "S3BucketDoesNotExistException: S3 bucket … does not exist!": no_bucket,
    "TrailAlreadyExistsException: Trail … already exists.": same_trail_again,
    "KmsKeyNotFoundException: …": no_such_key,
    "MaximumNumberOfTrailsExceededException: User: … already has 5 trails in …": sixth_trail,
    "InvalidHomeRegionException: …": from_another_region,
    "TrailNotFoundException: Unknown trail: …": no_such_trail,
    "InvalidTrailNameException: Trail name must …": bad_name,
    "MalformedPolicyDocumentException: The new key policy will not allow you to update …": locked_out,
    "AlreadyExistsException: Alias … already exists": same_alias_again,
    "DisabledException: …": key_is_disabled,
    "KMSInvalidStateException: … is pending deletion…": key_is_to_be_deleted,
    "AccessDenied: … is not authorized to perform: kms:Decrypt on resource: …": may_read_the_bucket_only,
    "AccessDeniedException: … is not authorized to perform: cloudtrail:LookupEvents …": may_not_look_up,
    "InvalidClientTokenId: The security token included in the request is invalid. …": keys_of_another_lab,
    "SignatureDoesNotMatch: The request signature we calculated does not match …": wrong_secret,
    "BucketAlreadyOwnedByYou: …": same_bucket_again,
    "IllegalLocationConstraintException: The unspecified location constraint is incompatible …": region_is_not_named,
    "AccessDenied: … prevented by the BlockPublicPolicy setting in S3 Block Public Access.": made_public,
    "BucketNotEmpty: The bucket you tried to delete is not empty": not_empty,
    "InvalidLookupAttributesException: You can specify only one lookup attribute per request.": two_filters,
    "error: there is no trail … in …": lambda learner: learner.typed(verify.main, "check", "--trail", "my-trail"),
    "error: --trail is empty. Give it a value, or leave it out.": lambda learner: learner.typed(
        verify.main, "check", "--trail", ""
    ),
    "python -m verify: error: argument COMMAND: invalid choice: 'chek' … Did you mean check?": lambda learner: (
        learner.typed(verify.main, "chek")
    ),
    "No event matches. …": lambda learner: learner.typed(verify.main, "events", "--name", "listbuckets"),
    "GetObject of S3 is a data event, which the event history never has. …": lambda learner: learner.typed(
        verify.main, "events", "--name", "GetObject"
    ),
    "error: The lab is not running. Start it: …": lambda learner: learner.typed(
        commands.main, "deliver", "--home", str(learner.folder / "none")
    ),
    "error: The folder … is not the lab's own: it holds …": lambda learner: learner.typed(
        commands.main, "up", "--home", str(ROOT / "docs")
    ),
    "python -m lab start: error: argument PART: '10' is no part. There are parts 1 to 9": lambda learner: learner.typed(
        commands.main, "start", "10"
    ),
    "error: No hunt was played. Play one: …": lambda learner: learner.typed(
        commands.main, "answer", "--home", str(learner.account.lab.home)
    ),
}


def happened(case: Callable[[Learner], str | None], learner: Learner) -> str:
    try:
        return case(learner) or ""
    except ClientError as error:
        found = error.response["Error"]
        return f"{found['Code']}: {found['Message']}"


@pytest.mark.slow
@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_appears(
    message: str, account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = happened(CASES[message], Learner(account, tmp_path, capsys))

    assert re.search(".*".join(map(re.escape, message.split("…"))), printed, re.DOTALL), printed


def test_every_message_is_made_to_appear() -> None:
    assert list(CASES) == MESSAGES
    assert len(MESSAGES) >= 20
