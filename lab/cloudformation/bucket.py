"""AWS::S3::Bucket and AWS::S3::BucketPolicy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.cloudformation import bucket_configuration as shapes
from lab.cloudformation.api import Api, ApiError
from lab.cloudformation.properties import Created, Properties, boolean, reject_unsupported, required
from lab.ministack import cloudformation, core

BUCKET = "AWS::S3::Bucket"
BUCKET_POLICY = "AWS::S3::BucketPolicy"


@dataclass(frozen=True, slots=True)
class _Configuration:
    """One property: how to set it, and the operation that removes it, or the value it goes back to.

    :param initial: what a new bucket has already.
    """

    put: str
    to_api: Callable[[Any], dict[str, Any]]
    delete: str | None = None
    default: Any = None
    initial: Any = None


_ALL_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)
# In the order to apply them: an ACL needs its ownership setting, a lock and replication need versioning.
_CONFIGURATIONS = {
    "OwnershipControls": _Configuration(
        "PutBucketOwnershipControls",
        shapes.ownership,
        default={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    ),
    "PublicAccessBlockConfiguration": _Configuration(
        "PutPublicAccessBlock", shapes.public_access_block, default=_ALL_BLOCKED
    ),
    "AccessControl": _Configuration(
        "PutBucketAcl",
        lambda acl: {"ACL": re.sub("(?<=[a-z])(?=[A-Z])", "-", acl).lower()},
        default="Private",
        # Only a bucket with ACLs takes one, and this property is allowed on every bucket.
        initial="Private",
    ),
    "BucketEncryption": _Configuration("PutBucketEncryption", shapes.encryption, delete="DeleteBucketEncryption"),
    "VersioningConfiguration": _Configuration(
        "PutBucketVersioning", shapes.versioning, default={"Status": "Suspended"}
    ),
    "ObjectLockConfiguration": _Configuration("PutObjectLockConfiguration", shapes.object_lock, default={}),
    "ReplicationConfiguration": _Configuration(
        "PutBucketReplication", shapes.replication, delete="DeleteBucketReplication"
    ),
    "LifecycleConfiguration": _Configuration(
        "PutBucketLifecycleConfiguration", shapes.lifecycle, delete="DeleteBucketLifecycle"
    ),
    "LoggingConfiguration": _Configuration("PutBucketLogging", shapes.logging, default={}),
    "CorsConfiguration": _Configuration("PutBucketCors", shapes.cors, delete="DeleteBucketCors"),
    "WebsiteConfiguration": _Configuration("PutBucketWebsite", shapes.website, delete="DeleteBucketWebsite"),
    "AccelerateConfiguration": _Configuration(
        "PutBucketAccelerateConfiguration", shapes.acceleration, default={"AccelerationStatus": "Suspended"}
    ),
    "NotificationConfiguration": _Configuration("PutBucketNotificationConfiguration", shapes.notification, default={}),
    "Tags": _Configuration("PutBucketTagging", shapes.tagging, delete="DeleteBucketTagging"),
}
_SUPPORTED = {"BucketName", "ObjectLockEnabled", *_CONFIGURATIONS}


@dataclass(frozen=True, slots=True)
class BucketHandler:
    """Creates, updates and deletes buckets; the physical id is the bucket's name."""

    api: Api

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """A new bucket with every property applied; a bucket that cannot be configured does not stay behind."""
        reject_unsupported(BUCKET, logical_id, properties, _SUPPORTED)
        name = properties.get("BucketName") or cloudformation.generated_bucket_name(stack_name, logical_id)
        parameters: dict[str, Any] = {"Bucket": name}
        if core.region_of_request() != "us-east-1":
            parameters["CreateBucketConfiguration"] = {"LocationConstraint": core.region_of_request()}
        if boolean(properties.get("ObjectLockEnabled")):
            parameters["ObjectLockEnabledForBucket"] = True
        self.api.call("s3", "CreateBucket", **parameters)
        try:
            self._configure(name, {}, properties)
        except Exception:
            self.api.call("s3", "DeleteBucket", Bucket=name)
            raise
        return name, _attributes(name)

    def update(
        self, physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Applies what changed and takes back what was removed; another name is another bucket."""
        reject_unsupported(BUCKET, logical_id or physical_id, new, _SUPPORTED)
        if new.get("BucketName", physical_id) != physical_id:
            return self.create(logical_id or physical_id, new, stack_name)
        self._configure(physical_id, old, new)
        return physical_id, _attributes(physical_id)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Deletes the bucket, which fails when it is not empty; one that is gone already is fine."""
        try:
            self.api.call("s3", "DeleteBucket", Bucket=physical_id)
        except ApiError as error:
            if error.code != "NoSuchBucket":
                raise

    def _configure(self, name: str, old: Properties, new: Properties) -> None:
        if boolean(new.get("ObjectLockEnabled")) and old and not boolean(old.get("ObjectLockEnabled")):
            self.api.call("s3", "PutObjectLockConfiguration", Bucket=name, **shapes.object_lock({}))
        changed = [p for p, each in _CONFIGURATIONS.items() if new.get(p, each.initial) != old.get(p, each.initial)]
        # Taken back in the other order: versioning stays as long as something needs it.
        for prop in reversed([prop for prop in changed if prop not in new]):
            configuration = _CONFIGURATIONS[prop]
            if configuration.delete:
                self.api.call("s3", configuration.delete, Bucket=name)
            else:
                self.api.call("s3", configuration.put, Bucket=name, **configuration.to_api(configuration.default))
        for prop in [prop for prop in changed if prop in new]:
            configuration = _CONFIGURATIONS[prop]
            # Without a destination of its own a bucket logs into itself.
            itself = {"DestinationBucketName": name} if prop == "LoggingConfiguration" else None
            value = itself | new[prop] if itself else new[prop]
            self.api.call("s3", configuration.put, Bucket=name, **configuration.to_api(value))


@dataclass(frozen=True, slots=True)
class BucketPolicyHandler:
    """Puts and removes a bucket's policy; the physical id is the bucket's name."""

    api: Api

    def create(self, logical_id: str, properties: Properties, _stack_name: str) -> Created:
        """Puts the policy on its bucket."""
        reject_unsupported(BUCKET_POLICY, logical_id, properties, {"Bucket", "PolicyDocument"})
        bucket = required(BUCKET_POLICY, logical_id, properties, "Bucket")
        document = required(BUCKET_POLICY, logical_id, properties, "PolicyDocument")
        text = document if isinstance(document, str) else json.dumps(document)
        self.api.call("s3", "PutBucketPolicy", Bucket=bucket, Policy=text)
        return bucket, {}

    def update(
        self, physical_id: str, _old: Properties, new: Properties, stack_name: str, logical_id: str | None
    ) -> Created:
        """Replaces the policy; for another bucket it is another resource."""
        return self.create(logical_id or physical_id, new, stack_name)

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Removes the policy; a bucket that is gone took it along."""
        try:
            self.api.call("s3", "DeleteBucketPolicy", Bucket=physical_id)
        except ApiError as error:
            if error.code != "NoSuchBucket":
                raise


def _attributes(name: str) -> dict[str, Any]:
    region = core.region_of_request()
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
    }
