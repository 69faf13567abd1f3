"""Whether what a scenario does will be found in a trail's log files."""

from typing import Any

from lab.instance.folder import Lab
from lab.scenarios.actor import Actor, CallOrigin, learner

_ORIGIN = CallOrigin("127.0.0.1", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")


def logging_trails(actor: Actor) -> list[Any]:
    """The trails of the lab's region that log, as DescribeTrails describes them."""
    cloudtrail = actor.client("cloudtrail")
    return [
        trail
        for trail in cloudtrail.describe_trails()["trailList"]
        if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]
    ]


def what_is_missing(lab: Lab) -> str:
    """In a line, why nothing will be delivered and what to do about it; '' when a trail logs."""
    actor = learner(lab, _ORIGIN)
    if logging_trails(actor):
        return ""
    stopped = actor.client("cloudtrail").describe_trails()["trailList"]
    if not stopped:
        return "There is no trail, so nothing will be delivered. Make one: python -m lab deploy"
    name = stopped[0]["Name"] if stopped[0]["HomeRegion"] == lab.region else stopped[0]["TrailARN"]
    return (
        f"The trail {stopped[0]['Name']} is stopped, so nothing will be delivered. "
        f"Start it: aws cloudtrail start-logging --name {name}"
    )
