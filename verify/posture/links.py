"""Where a resource is in the AWS console."""

from __future__ import annotations

import re
from urllib.parse import quote

from verify.posture.model import Part

# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-console.html
# https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
_REGION = re.compile(r"[a-z]{2}[a-z0-9-]{3,30}")


def console_url(part: Part, *, partition: str, region: str, trail_arn: str, bucket: str, key: str) -> str | None:
    """The page of the trail, the bucket or the key; ``None`` in a partition whose console is not known.

    The region comes from an answer and becomes part of the host's name, so that it must be a region's.

    :param key: the key's ARN or id; anything else leads to the list of keys.
    """
    domain = _CONSOLES.get(partition)
    if domain is None or not _REGION.fullmatch(region):
        return None
    console = f"https://{region}.{domain}"
    key_id = key.rpartition("key/")[2] if "alias/" not in key else ""
    page = {
        Part.TRAIL: f"cloudtrailv2/home?region={region}#/trails/{quote(trail_arn, safe=':/')}",
        Part.BUCKET: f"s3/buckets/{quote(bucket, safe='')}?region={region}&tab=permissions",
        Part.KEY: f"kms/home?region={region}#/kms/keys/{quote(key_id, safe='')}",
    }
    return f"{console}/{page[part]}"
