"""A bucket, a key and a topic that any trail of the lab's account may use."""

import json
from typing import Any

ACCOUNT = "111122223333"
_PRINCIPAL = {"Service": "cloudtrail.amazonaws.com"}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    conditions = {"StringEquals": {"aws:SourceAccount": ACCOUNT, **condition}}
    found = {"Effect": "Allow", "Principal": _PRINCIPAL, "Action": action, "Resource": resource}
    return {**found, "Condition": conditions}


def bucket_policy(name: str) -> str:
    write = _allow("s3:PutObject", f"arn:aws:s3:::{name}/*", **{"s3:x-amz-acl": "bucket-owner-full-control"})
    return _policy(_allow("s3:GetBucketAcl", f"arn:aws:s3:::{name}"), write)


def make_bucket(s3: Any, name: str) -> str:
    s3.create_bucket(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=bucket_policy(name))
    return name


def key_policy() -> str:
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    return _policy(root, *(_allow(action, "*") for action in ("kms:DescribeKey", "kms:GenerateDataKey*")))


def make_key(kms: Any) -> str:
    return str(kms.create_key(Policy=key_policy())["KeyMetadata"]["Arn"])


def make_topic(sns: Any, name: str) -> str:
    arn = str(sns.create_topic(Name=name)["TopicArn"])
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=_policy(_allow("sns:Publish", arn)))
    return arn
