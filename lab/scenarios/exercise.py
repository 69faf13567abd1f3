"""Four calls that only read, for a learner to find in the event history."""

from collections.abc import Iterator

from lab.instance.folder import Lab
from lab.scenarios.actor import CallOrigin, learner

_ORIGIN = CallOrigin("127.0.0.1", "aws-cli/2.31.0 md/Botocore#1.43.106 exercise")
_CALLS = (
    ("s3", "list_buckets", "ListBuckets"),
    ("ec2", "describe_instances", "DescribeInstances"),
    ("iam", "list_users", "ListUsers"),
    ("ec2", "describe_security_groups", "DescribeSecurityGroups"),
)


def exercise(lab: Lab) -> Iterator[str]:
    """Makes the four calls as the lab's learner."""
    actor = learner(lab, _ORIGIN)
    for service, method, name in _CALLS:
        getattr(actor.client(service), method)()
        yield f"{actor.name} called {name} ({service})"
    yield "Now find them: who, from where, when, what?   python -m verify events --since 10m"
