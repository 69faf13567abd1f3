"""How CloudTrail spells services and calls where that differs from the API's own names. Services are botocore's names.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html (S3 and S3 Control),
https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html (Lambda's dated names),
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html (global services, data events).
"""

import re
from functools import cache

from lab.protocol import catalogue
from lab.records.elements import PLAIN, Style

UNDECODED_EVENT_NAME = "LabCallNotDecoded"

EVENT_NAMES = {
    ("lambda", "AddPermission"): "AddPermission20150331v2",
    ("lambda", "CreateEventSourceMapping"): "CreateEventSourceMapping20150331",
    ("lambda", "CreateFunction"): "CreateFunction20150331",
    ("lambda", "DeleteEventSourceMapping"): "DeleteEventSourceMapping20150331",
    ("lambda", "DeleteFunction"): "DeleteFunction20150331",
    ("lambda", "GetFunction"): "GetFunction20150331v2",
    ("lambda", "GetFunctionConfiguration"): "GetFunctionConfiguration20150331v2",
    ("lambda", "GetPolicy"): "GetPolicy20150331v2",
    ("lambda", "ListEventSourceMappings"): "ListEventSourceMappings20150331",
    ("lambda", "ListFunctions"): "ListFunctions20150331",
    ("lambda", "RemovePermission"): "RemovePermission20150331v2",
    ("lambda", "UpdateFunctionCode"): "UpdateFunctionCode20150331v2",
    ("lambda", "UpdateFunctionConfiguration"): "UpdateFunctionConfiguration20150331v2",
    ("s3", "DeletePublicAccessBlock"): "DeleteBucketPublicAccessBlock",
    ("s3", "GetBucketAccelerateConfiguration"): "GetAccelerateConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "GetBucketLifecycle",
    ("s3", "GetBucketNotificationConfiguration"): "GetBucketNotification",
    ("s3", "GetObjectLockConfiguration"): "GetBucketObjectLockConfiguration",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "ListObjectsV2"): "ListObjects",
    ("s3", "PutBucketAccelerateConfiguration"): "PutAccelerateConfiguration",
    ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
    ("s3", "PutBucketNotificationConfiguration"): "PutBucketNotification",
    ("s3", "PutObjectLockConfiguration"): "PutBucketObjectLockConfiguration",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3control", "DeletePublicAccessBlock"): "DeleteAccountPublicAccessBlock",
    ("s3control", "GetPublicAccessBlock"): "GetAccountPublicAccessBlock",
    ("s3control", "PutPublicAccessBlock"): "PutAccountPublicAccessBlock",
}

# What delivered log files show of services whose names and dates are not written as those of the others.
_STYLES = {
    "account": Style(keeps_case=True),
    "ce": Style(keeps_case=True),
    "health": Style(has_comma=True),
    "resource-explorer-2": Style(keeps_case=True),
    "secretsmanager": Style(has_comma=True),
    "sts": Style(has_comma=True),
}
_STYLES_OF_CALLS = {("secretsmanager", "DeleteSecret"): Style(has_comma=True, spellings=(("ARN", "aRN"),))}
_WITH_API_VERSION = frozenset({"logs", "route53"})

# EC2's refusals have another code, `Client.UnauthorizedOperation`, and keep their parameters.
_WITH_REFUSED_PARAMETERS = frozenset({"ce", "s3", "s3control"})

_READS = re.compile(
    "(BatchGet|Check|Describe|Estimate|Filter|Get|Head|List|Lookup|Preview|Query|Scan|Search|Select|Simulate|Test|Validate)"
    "(?![a-z])"
)
# Not what their verbs say; the delivered logs of real accounts show these.
_CHANGES = {"sts": re.compile("Get(Federation|Session)Token")}
_READ_ONLY = {
    "kms": re.compile("(De|En|ReEn)crypt.*|Generate.*|Sign|Verify.*|DeriveSharedSecret"),
    "sts": re.compile("AssumeRole.*|DecodeAuthorizationMessage"),
    "iam": re.compile("GenerateCredentialReport|GenerateServiceLastAccessedDetails"),
}

_DATA_EVENTS = {
    "dynamodb": re.compile("(Batch|Transact).*|(Delete|Get|Put|Update)Item|Query|Scan|.*Statement|ExecuteTransaction"),
    "events": re.compile("Put(Partner)?Events"),
    "kinesis": re.compile("(Get|Put)Records?|SubscribeToShard"),
    "lambda": re.compile("Invoke.*"),
    "logs": re.compile("PutLogEvents"),
    "rds-data": re.compile(".*"),
    "s3": re.compile(
        "AbortMultipartUpload|CompleteMultipartUpload|CopyObject|CreateMultipartUpload|DeleteObjects?|DeleteObjectTagging"
        "|GetObject|GetObject(Acl|Attributes|LegalHold|Retention|Tagging|Torrent)|HeadBucket|HeadObject|ListMultipartUploads"
        "|ListObject.*|ListParts|PutObject|PutObject(Acl|LegalHold|Retention|Tagging)|RestoreObject|SelectObjectContent"
        "|UploadPart|UploadPartCopy"
    ),
    "ses": re.compile("Send.*"),
    "sesv2": re.compile("Send.*Email"),
    "sns": re.compile("Publish(Batch)?"),
    "sqs": re.compile("(Send|Receive|Delete)Message(Batch)?|ChangeMessageVisibility(Batch)?"),
}


@cache
def event_source(service: str) -> str:
    """The eventSource of a service: its signing name, such as `monitoring.amazonaws.com` for CloudWatch."""
    names = [each.signing_name for each in catalogue.services() if each.name == service]
    return f"{(names or [service])[0]}.amazonaws.com"


def event_name(service: str, operation: str) -> str:
    """The eventName of an operation."""
    return EVENT_NAMES.get((service, operation), operation)


def style_of(service: str, operation: str) -> Style:
    """How parameters and results of an operation are written."""
    return _STYLES_OF_CALLS.get((service, operation)) or _STYLES.get(service, PLAIN)


@cache
def api_version(service: str) -> str | None:
    """The apiVersion of a service's records, as in `20140328`; None when they have none."""
    if service not in _WITH_API_VERSION:
        return None
    version = catalogue.service_model(service).api_version
    return version.replace("-", "") if service == "logs" else version


def shows_refused_parameters(service: str) -> bool:
    """Whether records of refused calls have their requestParameters."""
    return service in _WITH_REFUSED_PARAMETERS


@cache
def error_code(service: str, code: str) -> str:
    """The errorCode of an error, given the code that the answer has: IAM's are those of the SDKs' exceptions, and a
    refusal is called alike by all services but EC2.
    """
    if code == "AccessDeniedException":
        return "AccessDenied"
    if service != "iam":
        return code
    shapes = catalogue.service_model(service).error_shapes
    return next((each.name for each in shapes if each.metadata.get("error", {}).get("code") == code), code)


def event_region(service: str, region: str) -> str:
    """The awsRegion of a call signed for `region`: calls to global services are recorded where their endpoint is."""
    return catalogue.home_region(service) or region


@cache
def is_read_only(service: str, operation: str) -> bool:
    """Whether an operation changes nothing."""
    exceptions = _CHANGES.get(service)
    if exceptions and exceptions.fullmatch(operation):
        return False
    exceptions = _READ_ONLY.get(service)
    return bool(_READS.match(operation)) or bool(exceptions and exceptions.fullmatch(operation))


@cache
def shows_result(service: str, operation: str) -> bool:
    """Whether a record tells what the call returned: of calls that change something, and of new credentials."""
    return not is_read_only(service, operation) or (service == "sts" and operation.startswith("AssumeRole"))


@cache
def is_data_event(service: str, operation: str) -> bool:
    """Whether an operation touches the contents of a resource. Event history holds no data events."""
    operations = _DATA_EVENTS.get(service)
    return bool(operations and operations.fullmatch(operation))
