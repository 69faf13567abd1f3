"""AWS::S3::Bucket properties in the shapes of the S3 API, which spells many of them differently.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

What a function does not know passes through, so that botocore's validation refuses it by name.
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
