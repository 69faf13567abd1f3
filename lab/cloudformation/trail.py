"""AWS::CloudTrail::Trail.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
"""

from dataclasses import dataclass
from typing import Any

from lab.cloudformation.api import Api, ApiError
from lab.cloudformation.properties import Created, Properties, boolean, reject_unsupported, required, tags
from lab.ministack import cloudformation

TRAIL = "AWS::CloudTrail::Trail"

# What UpdateTrail takes, by the template's name: the API's name, and the value that a removed property goes back to.
_SETTINGS: dict[str, tuple[str, Any]] = {
    "CloudWatchLogsLogGroupArn": ("CloudWatchLogsLogGroupArn", ""),
    "CloudWatchLogsRoleArn": ("CloudWatchLogsRoleArn", ""),
    "EnableLogFileValidation": ("EnableLogFileValidation", False),
    "IncludeGlobalServiceEvents": ("IncludeGlobalServiceEvents", True),
    "IsMultiRegionTrail": ("IsMultiRegionTrail", False),
    "IsOrganizationTrail": ("IsOrganizationTrail", False),
    "KMSKeyId": ("KmsKeyId", ""),
    "S3BucketName": ("S3BucketName", ""),
    "S3KeyPrefix": ("S3KeyPrefix", ""),
    "SnsTopicName": ("SnsTopicName", ""),
}
_SELECTORS = ("EventSelectors", "AdvancedEventSelectors")
_DEFAULT_SELECTORS = [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
_SUPPORTED = {*_SETTINGS, *_SELECTORS, "InsightSelectors", "IsLogging", "Tags", "TrailName"}


@dataclass(frozen=True, slots=True)
class TrailHandler:
    """Creates, updates and deletes trails; the physical id is the trail's name."""

    api: Api

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """A new trail with its selectors, logging or not; a trail that cannot be configured does not stay behind."""
        reject_unsupported(TRAIL, logical_id, properties, _SUPPORTED)
        logging = boolean(required(TRAIL, logical_id, properties, "IsLogging"))
        required(TRAIL, logical_id, properties, "S3BucketName")
        name = properties.get("TrailName") or cloudformation.generated_name(stack_name, logical_id)
        trail = self.api.call("cloudtrail", "CreateTrail", Name=name, **_settings({}, properties))
        try:
            self._configure(name, trail["TrailARN"], {}, properties)
            if logging:
                self.api.call("cloudtrail", "StartLogging", Name=name)
        except Exception:
            self.api.call("cloudtrail", "DeleteTrail", Name=name)
            raise
        return name, self._attributes(name)

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Applies what changed and takes back what was removed; another name is another trail."""
        reject_unsupported(TRAIL, logical_id or physical_id, new, _SUPPORTED)
        logging = boolean(required(TRAIL, logical_id or physical_id, new, "IsLogging"))
        required(TRAIL, logical_id or physical_id, new, "S3BucketName")
        if new.get("TrailName", physical_id) != physical_id:
            return self.create(logical_id or physical_id, new, stack_name)
        if changed := _settings(old, new):
            self.api.call("cloudtrail", "UpdateTrail", Name=physical_id, **changed)
        self._configure(physical_id, self._attributes(physical_id)["Arn"], old, new)
        if logging != boolean(old.get("IsLogging")):
            self.api.call("cloudtrail", "StartLogging" if logging else "StopLogging", Name=physical_id)
        return physical_id, self._attributes(physical_id)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Deletes the trail; one that is gone already is fine."""
        try:
            self.api.call("cloudtrail", "DeleteTrail", Name=physical_id)
        except ApiError as error:
            if error.code != "TrailNotFoundException":
                raise

    def _configure(self, name: str, arn: str, old: Properties, new: Properties) -> None:
        if any(old.get(prop) != new.get(prop) for prop in _SELECTORS):
            chosen = {prop: new[prop] for prop in _SELECTORS if new.get(prop)}
            chosen = chosen or {"EventSelectors": _DEFAULT_SELECTORS}
            self.api.call("cloudtrail", "PutEventSelectors", TrailName=name, **chosen)
        if old.get("InsightSelectors", []) != new.get("InsightSelectors", []):
            selectors = new.get("InsightSelectors", [])
            self.api.call("cloudtrail", "PutInsightSelectors", TrailName=name, InsightSelectors=selectors)
        old_tags, new_tags = tags(old), tags(new)
        if removed := sorted(old_tags.keys() - new_tags.keys()):
            keys = [{"Key": key} for key in removed]
            self.api.call("cloudtrail", "RemoveTags", ResourceId=arn, TagsList=keys)
        if changed := {key: value for key, value in new_tags.items() if old_tags.get(key) != value}:
            listed = [{"Key": key, "Value": value} for key, value in changed.items()]
            self.api.call("cloudtrail", "AddTags", ResourceId=arn, TagsList=listed)

    def _attributes(self, name: str) -> dict[str, Any]:
        trail = self.api.call("cloudtrail", "GetTrail", Name=name)["Trail"]
        return {"Arn": trail["TrailARN"], "SnsTopicArn": trail.get("SnsTopicARN", "")}


def _settings(old: Properties, new: Properties) -> dict[str, Any]:
    """The trail settings that differ, in the API's names and types."""
    found: dict[str, Any] = {}
    for prop, (name, default) in _SETTINGS.items():
        value = new.get(prop, default)
        if value != old.get(prop, default):
            found[name] = boolean(value) if isinstance(default, bool) else value
    return found
