"""AWS::KMS::Key and AWS::KMS::Alias.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-alias.html
"""

import json
from dataclasses import dataclass
from typing import Any

from lab.cloudformation.api import Api, ApiError
from lab.cloudformation.properties import Created, Properties, boolean, reject_unsupported, required, tags

KEY = "AWS::KMS::Key"
ALIAS = "AWS::KMS::Alias"

_IMMUTABLE = ("KeySpec", "KeyUsage", "MultiRegion", "Origin")
_DELETION_WINDOW = "PendingWindowInDays"
_MUTABLE = ("Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "RotationPeriodInDays", "Tags")
_SUPPORTED = {*_IMMUTABLE, *_MUTABLE, _DELETION_WINDOW, "BypassPolicyLockoutSafetyCheck"}
_DEFAULT_WINDOW_DAYS = 30
_DEFAULT_ROTATION_DAYS = 365


@dataclass(frozen=True, slots=True)
class KeyHandler:
    """Creates, updates and schedules the deletion of keys; the physical id is the key id."""

    api: Api

    def create(self, logical_id: str, properties: Properties, _stack_name: str) -> Created:
        """A new key with its policy, rotation and state."""
        reject_unsupported(KEY, logical_id, properties, _SUPPORTED)
        same = {name: properties[name] for name in (*_IMMUTABLE, "Description") if name in properties}
        if "MultiRegion" in same:
            same["MultiRegion"] = boolean(same["MultiRegion"])
        if "KeyPolicy" in properties:
            same["Policy"] = _policy_text(properties["KeyPolicy"])
        if properties.get("Tags"):
            same["Tags"] = _kms_tags(tags(properties))
        key = self.api.call("kms", "CreateKey", **same)["KeyMetadata"]
        self._set_rotation(key["KeyId"], {}, properties)
        self._set_state(key["KeyId"], {}, properties)
        return key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]}

    def update(
        self, physical_id: str, old: Properties, new: Properties, _stack_name: str, logical_id: str | None
    ) -> Created:
        """Changes what a key can change.

        :raises ValueError: the template changes what cannot change without losing what the key encrypted.
        """
        reject_unsupported(KEY, logical_id or physical_id, new, _SUPPORTED)
        for name in _IMMUTABLE:
            if old.get(name) != new.get(name):
                raise ValueError(f"{KEY} {logical_id}: {name} cannot change; add a second key instead.")
        key_id = {"KeyId": physical_id}
        if old.get("Description") != new.get("Description"):
            self.api.call("kms", "UpdateKeyDescription", **key_id, Description=new.get("Description", ""))
        if "KeyPolicy" in new and old.get("KeyPolicy") != new["KeyPolicy"]:
            self.api.call("kms", "PutKeyPolicy", **key_id, PolicyName="default", Policy=_policy_text(new["KeyPolicy"]))
        # A disabled key's rotation cannot change.
        steps = (self._set_state, self._set_rotation)
        for step in steps if boolean(new.get("Enabled", True)) else steps[::-1]:
            step(physical_id, old, new)
        self._set_tags(physical_id, tags(old), tags(new))
        key = self.api.call("kms", "DescribeKey", **key_id)["KeyMetadata"]
        return physical_id, {"Arn": key["Arn"], "KeyId": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Schedules the deletion, after 30 days unless the template says otherwise."""
        days = int(properties.get(_DELETION_WINDOW, _DEFAULT_WINDOW_DAYS))
        try:
            self.api.call("kms", "ScheduleKeyDeletion", KeyId=physical_id, PendingWindowInDays=days)
        except ApiError as error:
            if error.code not in ("NotFoundException", "KMSInvalidStateException"):
                raise

    def _set_rotation(self, key_id: str, old: Properties, new: Properties) -> None:
        def setting(properties: Properties) -> int | None:
            if not boolean(properties.get("EnableKeyRotation")):
                return None
            return int(properties.get("RotationPeriodInDays", _DEFAULT_ROTATION_DAYS))

        days = setting(new)
        if days == setting(old):
            return
        if days is None:
            self.api.call("kms", "DisableKeyRotation", KeyId=key_id)
        else:
            self.api.call("kms", "EnableKeyRotation", KeyId=key_id, RotationPeriodInDays=days)

    def _set_state(self, key_id: str, old: Properties, new: Properties) -> None:
        enabled = boolean(new.get("Enabled", True))
        if enabled != boolean(old.get("Enabled", True)):
            self.api.call("kms", "EnableKey" if enabled else "DisableKey", KeyId=key_id)

    def _set_tags(self, key_id: str, old: dict[str, str], new: dict[str, str]) -> None:
        if removed := sorted(old.keys() - new.keys()):
            self.api.call("kms", "UntagResource", KeyId=key_id, TagKeys=removed)
        if changed := {key: value for key, value in new.items() if old.get(key) != value}:
            self.api.call("kms", "TagResource", KeyId=key_id, Tags=_kms_tags(changed))


@dataclass(frozen=True, slots=True)
class AliasHandler:
    """Creates, re-points and deletes aliases; the physical id is the alias name."""

    api: Api

    def create(self, logical_id: str, properties: Properties, _stack_name: str) -> Created:
        """A new alias."""
        reject_unsupported(ALIAS, logical_id, properties, {"AliasName", "TargetKeyId"})
        name = required(ALIAS, logical_id, properties, "AliasName")
        target = required(ALIAS, logical_id, properties, "TargetKeyId")
        self.api.call("kms", "CreateAlias", AliasName=name, TargetKeyId=target)
        return name, {}

    def update(
        self, physical_id: str, _old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Points the alias at another key; another name is another alias."""
        if new.get("AliasName") != physical_id:
            return self.create(logical_id or physical_id, new, stack_name)
        reject_unsupported(ALIAS, logical_id or physical_id, new, {"AliasName", "TargetKeyId"})
        target = required(ALIAS, logical_id or physical_id, new, "TargetKeyId")
        self.api.call("kms", "UpdateAlias", AliasName=physical_id, TargetKeyId=target)
        return physical_id, {}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Deletes the alias; one that is gone already is fine."""
        try:
            self.api.call("kms", "DeleteAlias", AliasName=physical_id)
        except ApiError as error:
            if error.code != "NotFoundException":
                raise


def _policy_text(policy: Any) -> str:
    return policy if isinstance(policy, str) else json.dumps(policy)


def _kms_tags(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in values.items()]
