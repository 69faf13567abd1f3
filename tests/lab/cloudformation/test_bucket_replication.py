"""ReplicationConfiguration of AWS::S3::Bucket: read back, and carried out with every new object."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance import lifecycle
from lab.instance.folder import Lab
from tests.lab.conftest import ClientFactory, Stack

VERSIONED = {"VersioningConfiguration": {"Status": "Enabled"}}
KEY_POLICY = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
}
ALL_BUT_ENCRYPT: dict[str, Any] = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "NotAction": "kms:Encrypt",
            "Resource": "*",
        }
    ]
}
UNDER_KMS = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
WRITE_COPIES: dict[str, Any] = {"Effect": "Allow", "Action": "s3:ReplicateObject", "Resource": "*"}
STATEMENTS: list[dict[str, Any]] = [
    {"Effect": "Allow", "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"], "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:GetObjectVersion*", "Resource": "*"},
    {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:Encrypt"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
    },
    WRITE_COPIES,
]


def arn(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def encrypted(key: str) -> dict[str, Any]:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn(key)}
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]}}


def template(
    rule: dict[str, Any],
    *,
    source: dict[str, Any] | None = None,
    replica: dict[str, Any] | None = None,
    statements: list[dict[str, Any]] = STATEMENTS,
    service: str = "s3.amazonaws.com",
    key_policy: dict[str, Any] = KEY_POLICY,
    replicates: bool = True,
) -> dict[str, Any]:
    """Two buckets, a key for each, and a role. `rule` is laid over a rule that copies everything."""
    destination = {"Bucket": arn("Replica")} | rule.get("Destination", {})
    whole = {"Id": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Priority": 1}
    whole |= {"DeleteMarkerReplication": {"Status": "Disabled"}} | rule | {"Destination": destination}
    configuration = {"ReplicationConfiguration": {"Role": arn("Role"), "Rules": [whole]}} if replicates else {}
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "copy", "PolicyDocument": {"Statement": statements}}
    role = {"AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": [policy]}
    return {
        "SourceKey": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": KEY_POLICY}},
        "ReplicaKey": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Replica": {"Type": "AWS::S3::Bucket", "Properties": VERSIONED | (replica or {})},
        "Source": {"Type": "AWS::S3::Bucket", "Properties": VERSIONED | (source or {}) | configuration},
    }


def under_kms(*, opted_in: bool = True) -> dict[str, Any]:
    if not opted_in:
        return {}
    encryption = {"ReplicaKmsKeyID": arn("ReplicaKey")}
    return {"SourceSelectionCriteria": UNDER_KMS, "Destination": {"EncryptionConfiguration": encryption}}


class Pair:
    """The deployed buckets."""

    def __init__(self, stack: Stack, s3: Any) -> None:
        self.s3, self.source, self.replica = s3, stack.physical_id("Source"), stack.physical_id("Replica")

    def put(self, key: str, **more: Any) -> Any:
        self.s3.put_object(Bucket=self.source, Key=key, Body=b"content", **more)
        return self.s3.head_object(Bucket=self.source, Key=key)

    def copy(self, key: str) -> Any:
        """What the replica bucket answers for an object, or None."""
        try:
            return self.s3.head_object(Bucket=self.replica, Key=key)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "404", error
            return None


def deploy(stack: Stack, client: ClientFactory, resources: dict[str, Any]) -> Pair:
    assert stack.deploy(resources).endswith("E_COMPLETE"), stack.failures()
    assert stack.failures() == []
    return Pair(stack, client("s3"))


def test_the_configuration_is_set_changed_and_removed(stack: Stack, client: ClientFactory) -> None:
    pair = deploy(stack, client, template(under_kms()))
    rule = client("s3").get_bucket_replication(Bucket=pair.source)["ReplicationConfiguration"]["Rules"][0]
    assert rule == {
        "ID": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "SourceSelectionCriteria": UNDER_KMS,
        "Destination": {
            "Bucket": f"arn:aws:s3:::{pair.replica}",
            "EncryptionConfiguration": {
                "ReplicaKmsKeyID": f"arn:aws:kms:us-east-1:111122223333:key/{stack.physical_id('ReplicaKey')}"
            },
        },
    }

    tags = [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]
    deploy(stack, client, template({"Filter": {"And": {"Prefix": "p/", "TagFilters": tags}}}))
    changed = client("s3").get_bucket_replication(Bucket=pair.source)["ReplicationConfiguration"]["Rules"][0]
    assert changed["Filter"] == {"And": {"Prefix": "p/", "Tags": tags}}

    deploy(stack, client, template({}, replicates=False, source={"VersioningConfiguration": {"Status": "Suspended"}}))
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        client("s3").get_bucket_replication(Bucket=pair.source)


def test_new_objects_are_copied_and_existing_ones_are_not(stack: Stack, client: ClientFactory) -> None:
    pair = deploy(stack, client, template({}, replicates=False))
    assert "ReplicationStatus" not in pair.put("before")

    deploy(stack, client, template({"Filter": {"Prefix": "logs/"}}))

    assert pair.put("logs/after", Metadata={"a": "b"})["ReplicationStatus"] == "COMPLETED"
    copy = pair.copy("logs/after")
    assert (copy["ReplicationStatus"], copy["Metadata"], copy["ContentLength"]) == ("REPLICA", {"a": "b"}, 7)
    assert "ReplicationStatus" not in pair.put("elsewhere")
    assert (pair.copy("before"), pair.copy("elsewhere")) == (None, None)


def test_a_disabled_rule_copies_nothing(stack: Stack, client: ClientFactory) -> None:
    pair = deploy(stack, client, template({"Status": "Disabled"}))

    assert "ReplicationStatus" not in pair.put("object")
    assert pair.copy("object") is None


@pytest.mark.parametrize(
    ("status", "role_may", "is_copied"),
    [("Enabled", True, True), ("Enabled", False, False), ("Disabled", True, False)],
)
def test_a_delete_marker_is_copied_only_when_asked_and_allowed(
    stack: Stack, client: ClientFactory, status: str, *, role_may: bool, is_copied: bool
) -> None:
    delete = {"Effect": "Allow", "Action": "s3:ReplicateDelete", "Resource": "*"}
    statements = [*STATEMENTS, delete] if role_may else STATEMENTS
    pair = deploy(stack, client, template({"DeleteMarkerReplication": {"Status": status}}, statements=statements))
    pair.put("object")

    pair.s3.delete_object(Bucket=pair.source, Key="object")

    assert (pair.copy("object") is None) == is_copied


def test_the_copy_is_encrypted_with_the_key_that_the_rule_names(stack: Stack, client: ClientFactory) -> None:
    pair = deploy(stack, client, template(under_kms(), source=encrypted("SourceKey")))

    written = pair.put("object")
    version = pair.copy("object")["VersionId"]
    copy = pair.s3.head_object(Bucket=pair.replica, Key="object", VersionId=version)

    assert written["ReplicationStatus"] == "COMPLETED"
    assert written["SSEKMSKeyId"].endswith(stack.physical_id("SourceKey"))
    assert copy["ServerSideEncryption"] == "aws:kms"
    assert copy["SSEKMSKeyId"].endswith(stack.physical_id("ReplicaKey"))
    # An object under S3's own key keeps it.
    pair.put("plain", ServerSideEncryption="AES256")
    assert pair.copy("plain")["ServerSideEncryption"] == "AES256"


def test_an_object_under_a_kms_key_is_copied_only_when_the_rule_asks_for_it(
    stack: Stack, client: ClientFactory
) -> None:
    pair = deploy(stack, client, template(under_kms(opted_in=False), source=encrypted("SourceKey")))

    assert "ReplicationStatus" not in pair.put("object")
    assert pair.copy("object") is None


def test_a_copy_is_locked_as_long_as_its_source(stack: Stack, client: ClientFactory) -> None:
    lock = {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}},
        },
    }
    pair = deploy(stack, client, template({}, source=lock, replica={"ObjectLockEnabled": True}))

    retentions = {(pair.put("object") if own else pair.copy("object"))["ObjectLockRetainUntilDate"] for own in (1, 0)}

    assert len(retentions) == 1
    with pytest.raises(ClientError, match="object lock"):
        pair.s3.delete_object(Bucket=pair.replica, Key="object", VersionId=pair.copy("object")["VersionId"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"statements": [each for each in STATEMENTS if each is not WRITE_COPIES]}, "use s3:ReplicateObject on"),
        ({"service": "lambda.amazonaws.com"}, "does not allow s3.amazonaws.com to assume it"),
        ({"statements": [*STATEMENTS, {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}]}, "kms:Encrypt on"),
        ({"replica": {"VersioningConfiguration": {"Status": "Suspended"}}}, "not versioned"),
        (
            {"key_policy": ALL_BUT_ENCRYPT},
            "kms:Encrypt on",
        ),
    ],
    ids=[
        "a missing permission",
        "another service's role",
        "a denial of the key",
        "an unversioned destination",
        "a key whose policy does not let in the account",
    ],
)
def test_a_copy_that_is_not_allowed_fails_and_the_lab_says_why(
    stack: Stack, client: ClientFactory, lab: Lab, change: dict[str, Any], reason: str
) -> None:
    deploy(stack, client, template(under_kms(), source=encrypted("SourceKey")))
    if "replica" in change:  # CloudFormation rejects to start with it
        pair = Pair(stack, client("s3"))
        client("s3").put_bucket_versioning(Bucket=pair.replica, VersioningConfiguration={"Status": "Suspended"})
    else:
        pair = deploy(stack, client, template(under_kms(), source=encrypted("SourceKey"), **change))

    assert pair.put("object")["ReplicationStatus"] == "FAILED"
    assert pair.copy("object") is None
    status = lifecycle.ask(lab)
    assert status is not None
    assert [each for each in status.warnings if f"from {pair.source} to {pair.replica}: " in each and reason in each]


def test_a_second_destination_is_rejected_by_name(stack: Stack) -> None:
    resources: dict[str, Any] = json.loads(json.dumps(template({})))
    rules = resources["Source"]["Properties"]["ReplicationConfiguration"]["Rules"]
    rules.append(rules[0] | {"Id": "second", "Destination": {"Bucket": "arn:aws:s3:::elsewhere"}})

    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert "the lab copies to one bucket, not to 2: arn:aws:s3:::elsewhere" in " ".join(stack.failures())
