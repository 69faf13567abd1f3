"""AWS::KMS::Key and AWS::KMS::Alias, read back through the API: set, changed, removed."""

import json
from typing import Any

import pytest

from tests.lab.conftest import ClientFactory, Stack


def key(**properties: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    policy = {"KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}}
    return {"Key": {"Type": "AWS::KMS::Key", "Properties": policy | properties}}


def test_a_key_is_rotated_described_disabled_and_tagged_as_the_template_says(
    stack: Stack, client: ClientFactory
) -> None:
    kms = client("kms")
    tag_a = [{"Key": "a", "Value": "1"}]
    for properties, rotates, days, description, enabled, tags in (
        ({"EnableKeyRotation": True, "Description": "1", "Tags": tag_a}, True, 365, "1", True, ["a"]),
        ({"EnableKeyRotation": True, "RotationPeriodInDays": 90, "Enabled": False}, True, 90, "", False, []),
        ({"Tags": [{"Key": "b", "Value": "2"}]}, False, None, "", True, ["b"]),
    ):
        assert stack.deploy(key(**properties)) in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()
        name = {"KeyId": stack.physical_id("Key")}
        rotation = kms.get_key_rotation_status(**name)
        metadata = kms.describe_key(**name)["KeyMetadata"]
        listed = [tag["TagKey"] for tag in kms.list_resource_tags(**name)["Tags"]]
        assert rotation["KeyRotationEnabled"] is rotates
        assert not rotates or rotation["RotationPeriodInDays"] == days
        assert (metadata["Description"], metadata["Enabled"]) == (description, enabled)
        assert [tag for tag in listed if not tag.startswith("aws:")] == tags


def test_a_key_policy_is_replaced_and_a_deleted_key_waits_as_long_as_the_template_says(
    stack: Stack, client: ClientFactory
) -> None:
    kms = client("kms")
    stack.deploy(key(PendingWindowInDays=7))
    everything = {"Sid": "Other", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    other = {"Version": "2012-10-17", "Statement": [everything]}
    stack.deploy(key(KeyPolicy=other, PendingWindowInDays=7))
    name = {"KeyId": stack.physical_id("Key")}

    assert kms.get_key_policy(**name, PolicyName="default")["Policy"] == json.dumps(other)
    assert stack.delete() == "DELETE_COMPLETE"
    metadata = kms.describe_key(**name)["KeyMetadata"]
    assert metadata["KeyState"] == "PendingDeletion"
    waiting = metadata["DeletionDate"] - metadata["CreationDate"]
    assert 6 <= waiting.days <= 7


def test_what_a_key_cannot_change_fails_the_update(stack: Stack) -> None:
    stack.deploy(key())

    assert stack.deploy(key(MultiRegion=True)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "MultiRegion cannot change" in stack.failures()[-1]


def test_an_alias_points_elsewhere_or_becomes_another(stack: Stack, client: ClientFactory) -> None:
    kms = client("kms")
    keys = key() | {"Second": key()["Key"]}

    def alias(name: str, target: str) -> dict[str, Any]:
        properties = {"AliasName": f"alias/{stack.name}-{name}", "TargetKeyId": {"Ref": target}}
        return keys | {"Alias": {"Type": "AWS::KMS::Alias", "Properties": properties}}

    for name, target in (("a", "Key"), ("a", "Second"), ("b", "Second")):
        assert stack.deploy(alias(name, target)) in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.failures()
        found = kms.describe_key(KeyId=f"alias/{stack.name}-{name}")["KeyMetadata"]["KeyId"]
        assert found == stack.physical_id(target)

    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId=f"alias/{stack.name}-a")
