"""Encryption of single objects, where MiniStack is stricter than S3."""

from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.lab.conftest import ClientFactory, Stack


def test_an_object_encrypted_with_kms_needs_no_key_of_ones_own(stack: Stack, client: ClientFactory) -> None:
    stack.deploy({"Bucket": {"Type": "AWS::S3::Bucket"}})
    s3, bucket = client("s3"), stack.physical_id("Bucket")

    s3.put_object(Bucket=bucket, Key="assets/template", Body=b"{}", ServerSideEncryption="aws:kms")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/assets/template", ServerSideEncryption="aws:kms")

    assert {s3.head_object(Bucket=bucket, Key=key)["ServerSideEncryption"] for key in ("assets/template", "copy")} == {
        "aws:kms"
    }
    with pytest.raises(ClientError, match="Invalid x-amz-server-side-encryption"):
        s3.put_object(Bucket=bucket, Key="x", ServerSideEncryption="rot13")


def test_an_object_is_encrypted_without_being_asked_for_and_its_record_says_how(client: ClientFactory) -> None:
    s3, bucket = client("s3"), f"b{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)

    answers = [
        s3.put_object(Bucket=bucket, Key="default", Body=b"x"),
        s3.put_object(Bucket=bucket, Key="asked-for", Body=b"x", ServerSideEncryption="AES256"),
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/default"),
        s3.create_multipart_upload(Bucket=bucket, Key="parts"),
        s3.head_object(Bucket=bucket, Key="default"),
    ]
    assert {each["ServerSideEncryption"] for each in answers} == {"AES256"}
    customers = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    answers.append(s3.put_object(Bucket=bucket, Key="own", Body=b"x", **customers))
    assert "ServerSideEncryption" not in answers[-1]
