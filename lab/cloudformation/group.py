"""AWS::IAM::Group, with the policies that it has of its own.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-group.html
"""

import json
from dataclasses import dataclass
from typing import Any

from lab.cloudformation.api import Api, ApiError
from lab.cloudformation.properties import Created, Properties, reject_unsupported
from lab.ministack import cloudformation

GROUP = "AWS::IAM::Group"
_SUPPORTED = {"GroupName", "ManagedPolicyArns", "Path", "Policies"}
_GONE = "NoSuchEntity"


@dataclass(frozen=True, slots=True)
class GroupHandler:
    """Creates, updates and deletes groups; the physical id is the group's name."""

    api: Api

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """A new group with its policies; one whose policies IAM does not take does not stay behind."""
        reject_unsupported(GROUP, logical_id, properties, _SUPPORTED)
        name = str(properties.get("GroupName") or cloudformation.generated_name(stack_name, logical_id))
        path = {"Path": properties["Path"]} if "Path" in properties else {}
        self.api.call("iam", "CreateGroup", GroupName=name, **path)
        try:
            self._set_policies(name, {}, properties)
        except Exception:
            self.delete(name, properties)
            raise
        return name, self._attributes(name)

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Applies what changed; another name is another group."""
        reject_unsupported(GROUP, logical_id or physical_id, new, _SUPPORTED)
        if old.get("GroupName") != new.get("GroupName"):
            return self.create(logical_id or physical_id, new, stack_name)
        if old.get("Path", "/") != new.get("Path", "/"):
            raise ValueError(f"{GROUP} {logical_id or physical_id}: Path cannot change in the lab; add a second group.")
        self._set_policies(physical_id, old, new)
        return physical_id, self._attributes(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Deletes the group and the policies that it has by the template; a group that is gone already is fine."""
        try:
            self._set_policies(physical_id, properties, {})
            self.api.call("iam", "DeleteGroup", GroupName=physical_id)
        except ApiError as error:
            if error.code != _GONE:
                raise

    def _set_policies(self, name: str, old: Properties, new: Properties) -> None:
        had, has = _attached(old), _attached(new)
        for arn in has - had:
            self.api.call("iam", "AttachGroupPolicy", GroupName=name, PolicyArn=arn)
        for arn in had - has:
            self._remove("DetachGroupPolicy", name, PolicyArn=arn)
        before, after = _inline(old), _inline(new)
        for policy, text in after.items():
            if before.get(policy) != text:
                self.api.call("iam", "PutGroupPolicy", GroupName=name, PolicyName=policy, PolicyDocument=text)
        for policy in before.keys() - after.keys():
            self._remove("DeleteGroupPolicy", name, PolicyName=policy)

    def _remove(self, operation: str, name: str, **policy: str) -> None:
        try:
            self.api.call("iam", operation, GroupName=name, **policy)
        except ApiError as error:
            if error.code != _GONE:
                raise

    def _attributes(self, name: str) -> dict[str, Any]:
        return {"Arn": self.api.call("iam", "GetGroup", GroupName=name)["Group"]["Arn"]}


def _attached(properties: Properties) -> set[str]:
    return {str(each) for each in properties.get("ManagedPolicyArns") or ()}


def _inline(properties: Properties) -> dict[str, str]:
    found = {str(each["PolicyName"]): each["PolicyDocument"] for each in properties.get("Policies") or ()}
    return {name: each if isinstance(each, str) else json.dumps(each) for name, each in found.items()}
