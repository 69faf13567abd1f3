"""Services that have no region of their own: the region of each partition that records their calls.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
"""

from __future__ import annotations

# Where the services' control planes are. In China they are in two regions: IAM's in Beijing
# (https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html), Organizations' and Account Management's in Ningxia.
_REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1"}
_REGIONS_IN_CHINA = {"iam": "cn-north-1", "organizations": "cn-northwest-1", "account": "cn-northwest-1"}


def region_of_global_service(service: str, partition: str) -> str | None:
    """The region in whose event history the calls of a service without regions are.

    :param service: as boto3 names it: ``iam``, ``organizations`` or ``account``.
    :param partition: such as ``aws-cn``.
    :returns: ``None`` where it is not known.
    """
    return _REGIONS_IN_CHINA.get(service) if partition == "aws-cn" else _REGIONS.get(partition)
