"""A trail that records everything that a scenario does, and what it has delivered."""

import gzip
import json
from typing import Any

from lab.instance.folder import Lab
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket


def record_everything(lab: Lab, trail: str, bucket: str) -> None:
    make_bucket(make_client(lab, "s3"), bucket)
    cloudtrail = make_client(lab, "cloudtrail")
    cloudtrail.create_trail(Name=trail, S3BucketName=bucket, IsMultiRegionTrail=True, EnableLogFileValidation=True)
    data = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    cloudtrail.put_event_selectors(TrailName=trail, EventSelectors=[{"DataResources": [data]}])
    cloudtrail.start_logging(Name=trail)


def delivered(lab: Lab, bucket: str) -> list[dict[str, Any]]:
    """Every record in every log file."""
    s3 = make_client(lab, "s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"AWSLogs/{lab.account}/CloudTrail/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    bodies = [gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
    return [record for body in bodies for record in json.loads(body)["Records"]]
