"""AWS::S3::Bucket properties in the shapes of the S3 API, which spells many of them differently.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-replicationrule.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html

What a function does not know passes through, so that botocore's validation rejects it by name.
"""

from collections.abc import Callable
from typing import Any

Shape = dict[str, Any]


def renamed(value: Shape, names: dict[str, str]) -> Shape:
    """The same members under other names."""
    return {names.get(name, name): item for name, item in value.items()}


def encryption(value: Shape) -> Shape:
    """BucketEncryption → PutBucketEncryption."""
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = [renamed(rule, names) for rule in value["ServerSideEncryptionConfiguration"]]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


def ownership(value: Shape) -> Shape:
    """OwnershipControls → PutBucketOwnershipControls."""
    return {"OwnershipControls": value}


def public_access_block(value: Shape) -> Shape:
    """PublicAccessBlockConfiguration → PutPublicAccessBlock; a setting left out is off."""
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    return {"PublicAccessBlockConfiguration": dict.fromkeys(names, False) | value}


def versioning(value: Shape) -> Shape:
    """VersioningConfiguration → PutBucketVersioning."""
    return {"VersioningConfiguration": value}


def acceleration(value: Shape) -> Shape:
    """AccelerateConfiguration → PutBucketAccelerateConfiguration."""
    return {"AccelerateConfiguration": renamed(value, {"AccelerationStatus": "Status"})}


def cors(value: Shape) -> Shape:
    """CorsConfiguration → PutBucketCors."""
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    return {"CORSConfiguration": {"CORSRules": [renamed(rule, names) for rule in value["CorsRules"]]}}


def logging(value: Shape) -> Shape:
    """LoggingConfiguration → PutBucketLogging; an empty one turns logging off."""
    names = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
    enabled = {"LoggingEnabled": {"TargetPrefix": ""} | renamed(value, names)}
    return {"BucketLoggingStatus": enabled if value else {}}


def object_lock(value: Shape) -> Shape:
    """ObjectLockConfiguration → PutObjectLockConfiguration."""
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"} | value}


def tagging(value: list[Shape]) -> Shape:
    """Tags → PutBucketTagging."""
    return {"Tagging": {"TagSet": value}}


def website(value: Shape) -> Shape:
    """WebsiteConfiguration → PutBucketWebsite."""
    rule_names = {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"}
    changes: dict[str, Callable[[Any], Any]] = {
        "IndexDocument": lambda suffix: {"Suffix": suffix},
        "ErrorDocument": lambda key: {"Key": key},
        "RoutingRules": lambda rules: [renamed(rule, rule_names) for rule in rules],
    }
    return {"WebsiteConfiguration": {k: changes[k](v) if k in changes else v for k, v in value.items()}}


def notification(value: Shape) -> Shape:
    """NotificationConfiguration → PutBucketNotificationConfiguration."""
    found: Shape = {}
    for name, target, arn in (
        ("LambdaConfigurations", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
        ("QueueConfigurations", "QueueConfigurations", "QueueArn"),
        ("TopicConfigurations", "TopicConfigurations", "TopicArn"),
    ):
        if name in value:
            found[target] = [_notification_target(each, arn) for each in value[name]]
    bridge = value.get("EventBridgeConfiguration", {"EventBridgeEnabled": False})
    if str(bridge.get("EventBridgeEnabled", True)).lower() == "true":
        found["EventBridgeConfiguration"] = {}
    return {"NotificationConfiguration": found}


def _notification_target(value: Shape, arn: str) -> Shape:
    found = renamed(value, {"Function": arn, "Queue": arn, "Topic": arn, "Event": "Events"})
    found["Events"] = [found["Events"]]
    if "Filter" in found:
        found["Filter"] = {"Key": {"FilterRules": found["Filter"]["S3Key"]["Rules"]}}
    return found


_EXPIRATION = {
    "ExpirationDate": "Date",
    "ExpirationInDays": "Days",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_TRANSITION = {"TransitionDate": "Date", "TransitionInDays": "Days"}
_NONCURRENT_TRANSITION = {"TransitionInDays": "NoncurrentDays"}
_SIZES = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
_CONVERTED = {*_EXPIRATION, *_SIZES, "Id", "Prefix", "TagFilters", "Transition", "Transitions"}
_CONVERTED |= {
    "NoncurrentVersionExpirationInDays",
    "NoncurrentVersionTransition",
    "NoncurrentVersionTransitions",
}


def lifecycle(value: Shape) -> Shape:
    """LifecycleConfiguration → PutBucketLifecycleConfiguration."""
    found = {name: item for name, item in value.items() if name != "Rules"}
    return {**found, "LifecycleConfiguration": {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}}


def _lifecycle_rule(value: Shape) -> Shape:
    found = {name: item for name, item in value.items() if name not in _CONVERTED}
    if "Id" in value:
        found["ID"] = value["Id"]
    found["Filter"] = _lifecycle_filter(value)
    if expiration := {_EXPIRATION[name]: value[name] for name in _EXPIRATION if name in value}:
        found["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in value:
        found["NoncurrentVersionExpiration"] = {"NoncurrentDays": value["NoncurrentVersionExpirationInDays"]}
    if transitions := _all(value, "Transition"):
        found["Transitions"] = [renamed(each, _TRANSITION) for each in transitions]
    if transitions := _all(value, "NoncurrentVersionTransition"):
        found["NoncurrentVersionTransitions"] = [renamed(each, _NONCURRENT_TRANSITION) for each in transitions]
    return found


def _all(value: Shape, name: str) -> list[Shape]:
    """A list property, and the singular form of it that older templates have."""
    return [*value.get(f"{name}s", ()), *([value[name]] if name in value else ())]


def _lifecycle_filter(value: Shape) -> Shape:
    """The API wants exactly one condition, or several inside And."""
    conditions: Shape = {name: value[name] for name in ("Prefix", *_SIZES) if name in value}
    tags = value.get("TagFilters", [])
    if len(tags) == 1 and not conditions:
        return {"Tag": tags[0]}
    if tags or len(conditions) > 1:
        return {"And": conditions | ({"Tags": tags} if tags else {})}
    return conditions or {"Prefix": ""}


_REPLICATION_FILTER = {"TagFilter": "Tag", "TagFilters": "Tags"}


def replication(value: Shape) -> Shape:
    """ReplicationConfiguration → PutBucketReplication, the rule with the highest priority first.

    :raises ValueError: the rules have more than one destination; the lab copies an object once.
    """
    destinations = sorted({rule["Destination"]["Bucket"] for rule in value["Rules"]})
    if len(destinations) > 1:
        raise ValueError(
            f"ReplicationConfiguration: the lab copies to one bucket, not to {len(destinations)}: "
            f"{', '.join(destinations)}. Leave one of them for the lab, or deploy this stack to an AWS account."
        )
    rules = sorted(map(_replication_rule, value["Rules"]), key=lambda rule: rule.get("Priority", 0), reverse=True)
    return {"ReplicationConfiguration": {**value, "Rules": rules}}


def _replication_rule(value: Shape) -> Shape:
    found = renamed(value, {"Id": "ID"})
    if "Priority" in found:
        found["Priority"] = int(found["Priority"])
    if "Filter" in found:
        found["Filter"] = renamed(found["Filter"], _REPLICATION_FILTER)
        if "And" in found["Filter"]:
            found["Filter"]["And"] = renamed(found["Filter"]["And"], _REPLICATION_FILTER)
    return found
