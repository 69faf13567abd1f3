"""Where a resource is in the AWS console."""

from __future__ import annotations

from urllib.parse import quote

from verify.posture.model import Part

# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-console.html
# https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}


def console_url(part: Part, *, partition: str, region: str, trail_arn: str, bucket: str, key: str) -> str | None:
    """The page of the trail, the bucket or the key; ``None`` in a partition whose console is not known.

    :param key: the key's ARN or id; anything else leads to the list of keys.
    """
    domain = _CONSOLES.get(partition)
    if domain is None:
        return None
    console = f"https://{quote(region)}.{domain}"
    key_id = key.rpartition("key/")[2] if "alias/" not in key else ""
    page = {
        Part.TRAIL: f"cloudtrailv2/home?region={quote(region)}#/trails/{quote(trail_arn, safe=':/')}",
        Part.BUCKET: f"s3/buckets/{quote(bucket)}?region={quote(region)}&tab=permissions",
        Part.KEY: f"kms/home?region={quote(region)}#/kms/keys/{quote(key_id)}",
    }
    return f"{console}/{page[part]}"
