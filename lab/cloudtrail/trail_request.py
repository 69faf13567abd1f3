"""Is a CreateTrail or UpdateTrail request well formed.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html (parameters and errors) and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refused:
    """The exception's name, and a message that says what is wrong and what would be right."""

    code: str
    message: str


MAX_TRAILS_PER_REGION = 5
_NAME_LENGTHS = (3, 128)
_MAX_PREFIX = 200
_MAX_TOPIC = 256
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")
_BUCKET_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_ID = re.compile(
    r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?(alias/[A-Za-z0-9/_-]+|key/(mrk-[0-9a-f]{32}|[0-9a-f-]{36}))"
    r"|mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_TOPIC = re.compile(r"(arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:)?[A-Za-z0-9_-]{1,256}")
_LOG_GROUP = re.compile(r"arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:[^:*]{1,512}:\*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


def name_refused(name: str) -> Refused | None:
    """Why a trail cannot have a name; None when it can."""
    fault = _name_fault(name)
    return Refused("InvalidTrailNameException", f"{fault} Specified name: {name!r}.") if fault else None


def region_refused(region: str) -> Refused | None:
    """Why there can be no trail in a region: its name becomes part of ARNs and of file names."""
    if _REGION.fullmatch(region):
        return None
    return Refused("UnsupportedOperationException", f"{region!r} is not a region such as us-east-1.")


def request_refused(request: Mapping[str, Any]) -> Refused | None:
    """Why the form of a request is refused, apart from the trail's name; settings that are left out are fine.

    :param request: parameters as the API spells them.
    """
    checks = (
        _bucket_refused(request.get("S3BucketName")),
        _too_long(request, "S3KeyPrefix", _MAX_PREFIX, "InvalidS3PrefixException"),
        _too_long(request, "SnsTopicName", _MAX_TOPIC, "InvalidSnsTopicNameException"),
        _unlike(request, "SnsTopicName", _TOPIC, "InvalidSnsTopicNameException", "a topic's name or ARN"),
        _unlike(request, "KmsKeyId", _KEY_ID, "InvalidKmsKeyIdException", "a key id, key ARN, alias name or alias ARN"),
        _unlike(
            request,
            "CloudWatchLogsLogGroupArn",
            _LOG_GROUP,
            "InvalidCloudWatchLogsLogGroupArnException",
            "the ARN of a log group that ends with :*",
        ),
        _unlike(request, "CloudWatchLogsRoleArn", _ROLE, "InvalidCloudWatchLogsRoleArnException", "a role's ARN"),
    )
    return next((refused for refused in checks if refused), None)


def combination_refused(settings: Mapping[str, Any]) -> Refused | None:
    """Why settings do not go together.

    :param settings: the trail as it would be, in the API's names.
    """
    if settings.get("IsMultiRegionTrail") and settings.get("IncludeGlobalServiceEvents") is False:
        return Refused(
            "InvalidParameterCombinationException",
            "A multi-Region trail must include global service events: set IncludeGlobalServiceEvents to true.",
        )
    group, role = settings.get("CloudWatchLogsLogGroupArn"), settings.get("CloudWatchLogsRoleArn")
    if group and not role:
        return Refused(
            "InvalidCloudWatchLogsRoleArnException", "A log group also needs the role that CloudTrail assumes."
        )
    if role and not group:
        return Refused(
            "InvalidCloudWatchLogsLogGroupArnException", "A role for CloudWatch Logs also needs a log group."
        )
    return None


def _name_fault(name: str) -> str:
    least, most = _NAME_LENGTHS
    if not name:
        return "Trail name cannot be blank."
    if len(name) < least:
        return f"Trail name too short. Minimum allowed length: {least} characters."
    if len(name) > most:
        return f"Trail name too long. Maximum allowed length: {most} characters."
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        return "Trail name must contain only letters, numbers, periods, underscores and dashes."
    if not re.match(r"[A-Za-z0-9]", name):
        return "Trail name must start with a letter or number."
    if not re.search(r"[A-Za-z0-9]$", name):
        return "Trail name must end with a letter or number."
    if re.search(r"[._-]{2}", name):
        return "Trail name must not have adjacent periods, underscores or dashes."
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return ""
    return "Trail name must not be formatted as an IP address."


def _bucket_refused(name: str | None) -> Refused | None:
    if name is None or _BUCKET_NAME.fullmatch(name):
        return None
    return Refused(
        "InvalidS3BucketNameException",
        f"Bucket name {name!r} is not valid: 3 to 63 lower-case letters, numbers, dots and hyphens.",
    )


def _too_long(request: Mapping[str, Any], name: str, most: int, code: str) -> Refused | None:
    length = len(request.get(name) or "")
    return Refused(code, f"{name} has {length} characters; at most {most} are allowed.") if length > most else None


def _unlike(request: Mapping[str, Any], name: str, form: re.Pattern[str], code: str, wanted: str) -> Refused | None:
    value = request.get(name)
    if not value or form.fullmatch(value):
        return None
    return Refused(code, f"{name} {value!r} is not {wanted}.")
