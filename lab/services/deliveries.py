"""What services send to each other for somebody: only where the receiver's policies let them, or not at all.

S3's notifications, SNS's messages for queues, CloudWatch's alarms and SES's events reach a queue or a topic that lets
the service in. What Lambda sends when a function fails, and what it reads for a function, needs a function that runs,
and API Gateway would call a queue as a role: the lab does none of it and says so. What else would act for somebody is
refused where it is set up (`lab.services.unsupported`).
"""

from collections.abc import Callable
from datetime import datetime

from lab.authorization.delivery_access import Sender, Target, sending_denied
from lab.ministack import events, execution, kms

_NAMES = {
    "cloudwatch.amazonaws.com": "CloudWatch",
    "s3.amazonaws.com": "S3",
    "ses.amazonaws.com": "SES",
    "sns.amazonaws.com": "SNS",
}


def install(now: Callable[[], datetime], warn: Callable[[str], None]) -> None:
    """MiniStack asks nobody when one of its services sends something to another.

    :param warn: called with one line for each thing that is not sent; lines repeat.
    """

    def may_send(service: str, source_arn: str, account: str, arn: str) -> bool:
        why = sending_denied(Sender(service, source_arn, account), _target(arn), now())
        if why is not None:
            warn(f"{_NAMES[service]} cannot send what {source_arn} has to {arn}: {why}.")
        return why is None

    def not_invoked(what: str) -> None:
        warn(f"The lab runs no uploaded code: {what}.")

    events.ask_before_sending(may_send)
    execution.send_nothing_for_functions(not_invoked)


def _target(arn: str) -> Target:
    key_name = events.target_key(arn)
    return Target(arn, events.target_policy(arn), key_name, kms.key_facts(key_name) if key_name else None)
