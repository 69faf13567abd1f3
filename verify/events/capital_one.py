"""The Capital One breach of 2019 as CloudTrail sees it.

Facts from the criminal complaint, United States v. Paige A. Thompson, W.D. Wash. No. MJ19-344, July 2019
(https://www.justice.gov/usao-wdwa/press-release/file/1188626/download): on 2019-03-22 the account
``*****-WAF-Role`` ran a List Buckets command several times and a Sync command many times from addresses
of TOR exit nodes; other connections came from a VPN provider; the commands were found in a file together
with a list of more than 700 folders or buckets; the role did not call List Buckets in ordinary business.
That the credentials came from the EC2 metadata service through server-side request forgery is Amazon's
answer to Senator Wyden of 2019-08-13
(https://www.wyden.senate.gov/news/press-releases/wyden-and-warren-to-ftc-investigate-amazons-negligence-in-capital-one-hack).
What CloudTrail records of each step:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""

from __future__ import annotations

from dataclasses import dataclass

LOOK_FOR_IT = "python -m verify events --name ListBuckets --since 24h --all-regions --limit 0"
# What was read then, only the log files know.
LOOK_INTO_LOGS = "python -m verify logs query --name listed-then-read --since 24h"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the breach.

    :param events: the names of the events that record it; ``""``: none do.
    :param seen_in: where these events are.
    :param story: what happened, and which details of an event show it.
    """

    title: str
    events: str
    seen_in: str
    story: str


STEPS = (
    Step(
        title="Credential theft",
        events="",
        seen_in="nowhere: the metadata service is not an AWS API, so CloudTrail does not record it",
        story=(
            "A misconfigured web application firewall passes requests on to the EC2 metadata service (SSRF), "
            "which hands out the temporary credentials of the instance's role, *****-WAF-Role."
        ),
    ),
    Step(
        title="Reconnaissance",
        events="ListBuckets",
        seen_in="the event history and every trail of management events",
        story=(
            "WHO is an AssumedRole, arn:aws:sts::…:assumed-role/*****-WAF-Role/i-0abc…, its session named after "
            "the instance. WHERE is a TOR exit node, not the instance's own address. The role does not list "
            "buckets in ordinary operation: this one event is reason for an alarm."
        ),
    ),
    Step(
        title="Exfiltration",
        events="ListObjects, GetObject",
        seen_in="only a trail that records S3 data events; never the event history",
        story=(
            "'aws s3 sync' copies folder after folder; the list found later named more than 700 folders or "
            "buckets. Without data events nothing says which objects were read."
        ),
    ),
)
