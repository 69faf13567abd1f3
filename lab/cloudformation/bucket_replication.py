"""ReplicationConfiguration of AWS::S3::Bucket in the shape of PutBucketReplication.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-replicationrule.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html
"""

from lab.cloudformation.bucket_configuration import Shape, renamed

_FILTER = {"TagFilter": "Tag", "TagFilters": "Tags"}


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
    rules = sorted(map(_rule, value["Rules"]), key=lambda rule: rule.get("Priority", 0), reverse=True)
    return {"ReplicationConfiguration": {**value, "Rules": rules}}


def _rule(value: Shape) -> Shape:
    found = renamed(value, {"Id": "ID"})
    if "Priority" in found:
        found["Priority"] = int(found["Priority"])
    if "Filter" in found:
        found["Filter"] = renamed(found["Filter"], _FILTER)
        if "And" in found["Filter"]:
            found["Filter"]["And"] = renamed(found["Filter"]["And"], _FILTER)
    return found
