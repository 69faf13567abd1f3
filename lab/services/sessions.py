"""What CloudTrail says of temporary credentials for as long as they are used: who vouched for their owner.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from collections.abc import Mapping
from typing import Any

from lab.ministack import sts


def note(record: Mapping[str, Any]) -> None:
    """Takes note of credentials that STS has just given out."""
    if record["eventSource"] != "sts.amazonaws.com" or not record["responseElements"]:
        return
    key = record["responseElements"].get("credentials", {}).get("accessKeyId")
    if not key:
        return
    identity = record["userIdentity"]
    if identity.get("invokedBy") == "ec2.amazonaws.com":  # an instance has it from its metadata, in version 2
        sts.mark_session(key, "Ec2RoleDelivery", "2.0")
    if identity["type"] == "WebIdentityUser":
        vouched = {"federatedProvider": identity["identityProvider"], "attributes": {}}
        sts.mark_session(key, "WebIdFederationData", vouched)
