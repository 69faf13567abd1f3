"""LifecycleConfiguration of AWS::S3::Bucket in the shape of PutBucketLifecycleConfiguration.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
"""

from lab.cloudformation.bucket_configuration import Shape, renamed

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
    return {**found, "LifecycleConfiguration": {"Rules": [_rule(rule) for rule in value["Rules"]]}}


def _rule(value: Shape) -> Shape:
    found = {name: item for name, item in value.items() if name not in _CONVERTED}
    if "Id" in value:
        found["ID"] = value["Id"]
    found["Filter"] = _filter(value)
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


def _filter(value: Shape) -> Shape:
    """The API wants exactly one condition, or several inside And."""
    conditions: Shape = {name: value[name] for name in ("Prefix", *_SIZES) if name in value}
    tags = value.get("TagFilters", [])
    if len(tags) == 1 and not conditions:
        return {"Tag": tags[0]}
    if tags or len(conditions) > 1:
        return {"And": conditions | ({"Tags": tags} if tags else {})}
    return conditions or {"Prefix": ""}
