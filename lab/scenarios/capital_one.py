"""The Capital One pattern: a web server's role, used from outside, lists every bucket and reads the objects of one.

https://www.justice.gov/usao-wdwa/press-release/file/1188626/download
"""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from lab.instance.folder import Lab
from lab.scenarios.actor import Actor, Place, instance_session, learner, make_bucket

OBJECTS = 700
ROLE = "web-server-WAF-Role"
INSTANCE = "i-0a1b2c3d4e5f60718"

_ADMIN = Place("198.51.100.10", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")
_INSTANCE = Place("10.0.12.34", "Boto3/1.43.106 md/Botocore#1.43.106 web-server")
# From the addresses that are reserved for examples: https://www.rfc-editor.org/rfc/rfc5737
_OUTSIDE = Place("203.0.113.77", "aws-cli/1.16.150 Python/2.7.16 Linux/4.19 botocore/1.12.140")
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_TOO_MUCH = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def capital_one(lab: Lab, objects: int = OBJECTS) -> Iterator[str]:
    """Prepares the web server and its data, then robs it.

    :param objects: how many objects are put there to be taken; more, from an earlier run, are taken as well.
    """
    admin = learner(lab, _ADMIN)
    bucket, settings = f"card-applications-{lab.account}", f"web-server-settings-{lab.account}"
    yield f"{admin.name} sets the stage: role {ROLE}, which may do too much, and puts {objects} objects into {bucket}"
    role_arn = _prepare(admin, bucket, settings, objects)
    server = instance_session(lab, role_arn, INSTANCE, _INSTANCE)
    for _ in range(3):
        server.client("s3").get_object(Bucket=settings, Key="settings.json")
    yield f"{server.name} reads its settings three times from {_INSTANCE.address}: ordinary business"
    thief = instance_session(lab, role_arn, INSTANCE, _OUTSIDE)
    listed = thief.client("s3").list_buckets()["Buckets"]
    yield f"The same role, from {_OUTSIDE.address}, lists all {len(listed)} buckets: it never did before"
    taken = 0
    for page in thief.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", ()):
            thief.client("s3").get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
            taken += 1
    yield f"... and reads {taken} objects of {bucket}"
    yield "Find the alarm in the event history:   python -m verify events --name ListBuckets --since 1h"
    trails = admin.client("cloudtrail").describe_trails()["trailList"]
    recorded = next((trail for trail in trails if _logs_objects(admin, trail)), None)
    if recorded:
        yield _where_the_reading_is(lab, recorded)
    else:
        name = shlex.quote(_name(lab, trails[0])) if trails else "TRAIL"
        yield (
            "No trail logs the reading of objects, so nothing shows the theft itself. Log data events, and run this "
            f"again: aws cloudtrail put-event-selectors --trail-name {name} --event-selectors "
            '\'[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]\''
        )


def _where_the_reading_is(lab: Lab, trail: Any) -> str:
    """The event history has management events only:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
    """
    start = f"{trail['S3KeyPrefix']}/" if trail.get("S3KeyPrefix") else ""
    logs = shlex.quote(f"s3://{trail['S3BucketName']}/{start}AWSLogs/{lab.account}/CloudTrail/")
    return (
        f"The trail {trail['Name']} logs the reading of objects: not in the event history, but in its log files. Count "
        f"from where it was read: python -m lab deliver; aws s3 sync --quiet {logs} log-files; find log-files "
        "-name '*.json.gz' "
        '-exec gzip -dc {} + | grep -o \'"eventName":"GetObject","awsRegion":"[^"]*","sourceIPAddress":"[^"]*"\' '
        "| sort | uniq -c"
    )


def _name(lab: Lab, trail: Any) -> str:
    """As a command takes it: a trail of another home region is named by its ARN."""
    return str(trail["Name"] if trail["HomeRegion"] == lab.region else trail["TrailARN"])


def _prepare(admin: Actor, bucket: str, settings: str, objects: int) -> str:
    iam, s3 = admin.client("iam"), admin.client("s3")
    try:
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(_TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(_TRUST))
    iam.put_role_policy(RoleName=ROLE, PolicyName="too-much", PolicyDocument=json.dumps(_TOO_MUCH))
    for name in (bucket, settings):
        make_bucket(admin, name)
    s3.put_object(Bucket=settings, Key="settings.json", Body=b"{}")
    for number in range(objects):
        s3.put_object(Bucket=bucket, Key=f"applications/{number:04}.csv", Body=b"name,number\n")
    return str(iam.get_role(RoleName=ROLE)["Role"]["Arn"])


def _logs_objects(admin: Actor, trail: Any) -> bool:
    chosen = admin.client("cloudtrail").get_event_selectors(TrailName=trail["TrailARN"])
    return "AWS::S3::Object" in json.dumps([chosen.get("EventSelectors"), chosen.get("AdvancedEventSelectors")])
