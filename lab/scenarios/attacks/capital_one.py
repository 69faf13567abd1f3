"""The Capital One pattern: a web server's credentials, used from outside, list all buckets and read the objects of one.

https://www.justice.gov/usao-wdwa/press-release/file/1188626/download
"""

import json
import shlex
from typing import Any

from lab.scenarios.actor import Actor, CallOrigin, instance_session, learner, make_bucket, make_role
from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Worker

_ADMIN = CallOrigin("198.51.100.10", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")
_TOOL = "aws-cli/1.16.150 Python/2.7.16 Linux/4.19 botocore/1.12.140"
_ROLES = ("web-server-WAF-Role", "edge-proxy", "partner-gateway", "upload-frontend", "statement-render")
_DATA = (
    ("card-applications", "applications", "applications for credit cards"),
    ("customer-statements", "statements", "account statements"),
    ("identity-scans", "scans", "scans of identity cards"),
    ("loan-documents", "loans", "contracts of loans"),
)
_FEWEST, _MOST = 240, 420


def capital_one(director: Director) -> HuntOutcome:
    """Prepares the web server and its data, lets it work, and robs it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    lab, chance = director.lab, director.chance
    role, (name, folder, words) = chance.choice(_ROLES), chance.choice(_DATA)
    instance = f"i-0{chance.getrandbits(64):016x}"
    inside = CallOrigin(
        f"10.0.{chance.randrange(8, 32)}.{chance.randrange(4, 250)}", "Boto3/1.43.106 Linux/6.8 web-server"
    )
    # From the addresses that are reserved for examples: https://www.rfc-editor.org/rfc/rfc5737
    outside = CallOrigin(f"203.0.113.{chance.randrange(2, 250)}", _TOOL)
    objects = director.objects or chance.randrange(_FEWEST, _MOST)
    bucket, settings = f"{name}-{lab.account}", f"web-server-settings-{lab.account}"

    director.keep(Stage(roles=(role,), buckets=(bucket, settings)))
    admin = learner(lab, _ADMIN)
    too_much = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role_arn = make_role(admin, role, {"Service": "ec2.amazonaws.com"}, [too_much])
    _fill(admin, bucket, settings, folder, objects)

    def server() -> Actor:
        """The web server, with the credentials that the metadata service has for it now."""
        return instance_session(lab, role_arn, instance, inside)

    def at_work() -> list[Worker]:
        return [Worker(server(), (("s3", "get_object", {"Bucket": settings, "Key": "settings.json"}),))]

    director.before(at_work)
    robbed = server()
    for _ in range(3):
        robbed.client("s3").get_object(Bucket=settings, Key="settings.json")
    began, listed, taken = _rob(robbed.at(lab, outside), bucket, director)
    robbed.client("s3").get_object(Bucket=settings, Key="settings.json")
    director.after(at_work)

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: customer care",
            f"Customer data leaked {'yesterday' if director.passes_days else 'today'}: somebody offers {words}.",
            "The samples are genuine.",
            "Which credentials were used, of which machine, from where? What was taken, and when did it begin?",
        ),
        facts=(
            Fact("role", "Which role's credentials were used?", Kind.NAME, role),
            Fact("instance", "Which instance were they issued to?", Kind.NAME, instance),
            Fact("address", "Which address were they used from?", Kind.ADDRESS, outside.address),
            Fact("bucket", "Which bucket was the data taken from?", Kind.NAME, bucket),
            Fact("objects", "How many objects were taken?", Kind.COUNT, str(taken)),
            Fact("first-call", "When was the first call from that address?", Kind.TIME, began),
        ),
        story=(
            f"The role {role} may do everything in S3; ec2.amazonaws.com issued its credentials to {instance}.",
            f"{instance} reads its settings from {inside.address}: ordinary business.",
            f"Its access key {robbed.access_key_id}, the same one, is used from {outside.address} at {began}:",
            f"GetCallerIdentity, ListBuckets ({listed} buckets), ListObjects, {taken} times GetObject in {bucket}.",
        ),
        notes=_notes(admin, director),
    )


def _rob(thief: Actor, bucket: str, director: Director) -> tuple[str, int, int]:
    """Takes everything; when it began, how many buckets were listed, and how many objects taken."""
    began = director.now()
    thief.client("sts").get_caller_identity()
    s3 = thief.client("s3")
    listed = len(s3.list_buckets()["Buckets"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    for key in keys:
        s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return began, listed, len(keys)


def _fill(admin: Actor, bucket: str, settings: str, folder: str, objects: int) -> None:
    s3 = admin.client("s3")
    for name in (bucket, settings):
        make_bucket(admin, name)
    s3.put_object(Bucket=settings, Key="settings.json", Body=b"{}")
    for number in range(objects):
        s3.put_object(Bucket=bucket, Key=f"{folder}/{number:04}.csv", Body=b"name,number\n")


def _notes(admin: Actor, director: Director) -> tuple[str, ...]:
    """The event history has management events only, so only a trail that logs data events shows the theft:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
    """
    trails = admin.client("cloudtrail").describe_trails()["trailList"]
    if any(_logs_objects(admin, trail) for trail in trails):
        return ()
    name = "TRAIL"
    if trails:  # as a command takes it: a trail of another home region is named by its ARN
        name = trails[0]["Name"] if trails[0]["HomeRegion"] == director.lab.region else trails[0]["TrailARN"]
    note = (
        "note: No trail logs the reading of objects, so nothing shows what was taken. Log data events, and play this "
        f"again: aws cloudtrail put-event-selectors --trail-name {shlex.quote(name)} --event-selectors "
        '\'[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]\''
    )
    return (note,)


def _logs_objects(admin: Actor, trail: Any) -> bool:
    chosen = admin.client("cloudtrail").get_event_selectors(TrailName=trail["TrailARN"])
    return "AWS::S3::Object" in json.dumps([chosen.get("EventSelectors"), chosen.get("AdvancedEventSelectors")])
