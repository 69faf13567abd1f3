"""Records of calls that AWS makes: CloudTrail's for its deliveries, and those that a service makes to KMS for a caller.

https://docs.aws.amazon.com/kms/latest/developerguide/services-cloudtrail.html and, beside it, services-s3.html,
services-parameter-store.html and services-secrets-manager.html
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lab.clock import iso_time
from lab.records.record import EVENT_VERSION, RecordedCall
from lab.records.resources import Resource, account_of

CLOUDTRAIL = "cloudtrail.amazonaws.com"
EVENTBRIDGE = "events.amazonaws.com"
# These do not tell their names when they call KMS for somebody.
_INTERNAL = frozenset({"s3.amazonaws.com", "ssm.amazonaws.com"})
_ENCRYPTS = frozenset({"CopyObject", "CreateMultipartUpload", "PutObject"})
_DECRYPTS = frozenset({"GetObject", "UploadPart"})
_ALGORITHM = "SYMMETRIC_DEFAULT"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One use of a KMS key: `operation` of KMS with an encryption context, for the key of an ARN ('' when the lab does
    not have it, which is so for the keys that AWS manages); `named` is what the caller named it by. One with an
    `error_code` was refused.
    """

    operation: str
    context: Mapping[str, str]
    key_arn: str
    named: str
    error_code: str = ""
    error_message: str = ""


# The uses of keys that the service asked KMS for whose call is being served, until they are recorded.
asked_of_kms: ContextVar[tuple[KeyUse, ...]] = ContextVar("asked_of_kms", default=())


@dataclass(frozen=True, slots=True)
class By:
    """Who calls: the record's userIdentity, the service that calls, and where the call belongs."""

    user_identity: Mapping[str, Any]
    service: str
    account: str
    region: str
    username: str


def key_use_record(use: KeyUse, by: By, moment: datetime) -> RecordedCall:
    """The record of one use of a key."""
    is_there = use.key_arn and use.error_code != "NotFoundException"
    used = (Resource("AWS::KMS::Key", use.key_arn),) if is_there else ()
    by = by if by.account else replace(by, account=use.key_arn.split(":")[4])
    parameters = None if use.error_code == "AccessDenied" else _parameters_of_use(use)
    made = _record("kms.amazonaws.com", use.operation, parameters, used, by, moment)
    if not use.error_code:
        return made
    error = {"errorCode": use.error_code, "errorMessage": use.error_message}
    at = list(made.record).index("requestParameters")
    fields = list(made.record.items())
    return replace(made, record=dict([*fields[:at], *error.items(), *fields[at:]]))


def _parameters_of_use(use: KeyUse) -> dict[str, Any]:
    parameters: dict[str, Any] = {"encryptionContext": dict(use.context)}
    if use.operation != "Decrypt":
        parameters["keyId"] = use.named
    if use.operation == "GenerateDataKey":
        parameters["keySpec"] = "AES_256"
    else:
        parameters["encryptionAlgorithm"] = _ALGORITHM
    return parameters


def bucket_acl_record(bucket: str, owner: str, region: str, moment: datetime) -> RecordedCall:
    """The record of CloudTrail looking at the bucket that it is about to write to."""
    by = By({"type": "AWSService", "invokedBy": CLOUDTRAIL}, CLOUDTRAIL, owner, region, CLOUDTRAIL)
    parameters = {"bucketName": bucket, "Host": f"{bucket}.s3.{region}.amazonaws.com", "acl": ""}
    used = (Resource("AWS::S3::Bucket", f"arn:aws:s3:::{bucket}"),)
    made = _record("s3.amazonaws.com", "GetBucketAcl", parameters, used, by, moment)
    transfer = {
        "SignatureVersion": "SigV4",
        "bytesTransferredIn": 0,
        "AuthenticationMethod": "AuthHeader",
        "bytesTransferredOut": 0,
    }
    return replace(made, record={**made.record, "additionalEventData": transfer})


def cloudtrail_key_use(trail_arn: str, s3_arn: str, key_arn: str, moment: datetime) -> RecordedCall:
    """The record of CloudTrail encrypting a file that it delivers."""
    context = {"aws:cloudtrail:arn": trail_arn, "aws:s3:arn": s3_arn}
    by = By({"type": "AWSService", "invokedBy": CLOUDTRAIL}, CLOUDTRAIL, "", key_arn.split(":")[3], CLOUDTRAIL)
    return key_use_record(KeyUse("GenerateDataKey", context, key_arn, key_arn), by, moment)


def function_invoked(
    function: str, version: str, rule_arn: str, account: str, region: str, moment: datetime
) -> RecordedCall:
    """The record of EventBridge invoking a function (ARN, of a version or an alias or of neither) for a rule.

    :param version: the version that was invoked, such as `$LATEST`.
    """
    arn = ":".join(function.split(":")[:7])
    by = By({"type": "AWSService", "invokedBy": EVENTBRIDGE}, EVENTBRIDGE, account, region, EVENTBRIDGE)
    parameters = {
        "functionName": function,
        "invocationType": "Event",
        "sourceArn": rule_arn,
        "sourceAccount": rule_arn.split(":")[4],
    }
    used = (Resource("AWS::Lambda::Function", arn),)
    made = _record("lambda.amazonaws.com", "Invoke", parameters, used, by, moment)
    as_data = {"readOnly": False, "managementEvent": False, "eventCategory": "Data"}
    invoked = {"additionalEventData": {"functionVersion": f"{arn}:{version}"}}
    return replace(made, record={**made.record, **invoked, **as_data})


def calls_for_caller(call: RecordedCall, uses: Iterator[KeyUse], moment: datetime) -> Iterator[RecordedCall]:
    """The records of the uses of keys that a call led to, in its caller's name."""
    record = call.record
    service = "AWS Internal" if record["eventSource"] in _INTERNAL else record["eventSource"]
    identity = {**record["userIdentity"], "invokedBy": service}
    if "sessionContext" not in identity and identity.get("type") == "IAMUser":
        attributes = {"creationDate": record["eventTime"], "mfaAuthenticated": "false"}
        identity["sessionContext"] = {"sessionIssuer": {}, "webIdFederationData": {}, "attributes": attributes}
    by = By(identity, service, record["recipientAccountId"], record["awsRegion"], call.username)
    for use in uses:
        yield key_use_record(use, by, moment)


def secrets_read(call: RecordedCall, arns: Iterable[str]) -> Iterator[RecordedCall]:
    """The records of the single secrets that a call of BatchGetSecretValue read.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    """
    for arn in arns:
        one = {"eventName": "GetSecretValue", "requestParameters": {"secretId": arn}, "eventID": str(uuid.uuid4())}
        yield replace(call, record={**call.record, **one, "requestID": str(uuid.uuid4())})


def s3_key_use(record: Mapping[str, Any], encryption: Mapping[str, str], *, uses_bucket_key: bool) -> KeyUse | None:
    """What an S3 call did with a KMS key; None when it did nothing with one that the lab has.

    :param encryption: the answer's headers.
    """
    key = encryption.get("x-amz-server-side-encryption-aws-kms-key-id", "")
    name = record["eventName"]
    if "errorCode" in record or not key.startswith("arn:") or name not in _ENCRYPTS | _DECRYPTS:
        return None
    parameters = record["requestParameters"]
    bucket = f"arn:aws:s3:::{parameters['bucketName']}"
    context = {"aws:s3:arn": bucket if uses_bucket_key else f"{bucket}/{parameters['key']}"}
    return KeyUse("GenerateDataKey" if name in _ENCRYPTS else "Decrypt", context, key, key)


def _record(
    source: str,
    name: str,
    parameters: Mapping[str, Any] | None,
    used: tuple[Resource, ...],
    by: By,
    moment: datetime,
) -> RecordedCall:
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": dict(by.user_identity),
        "eventTime": iso_time(int(moment.timestamp())),
        "eventSource": source,
        "eventName": name,
        "awsRegion": by.region,
        "sourceIPAddress": by.service,
        "userAgent": by.service,
        "requestParameters": None if parameters is None else dict(parameters),
        "responseElements": None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": True,
    }
    if used:
        record["resources"] = [
            {"accountId": account_of(each.name) or by.account, "type": each.type, "ARN": each.name} for each in used
        ]
    record |= {"eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": by.account}
    if by.user_identity.get("type") == "AWSService":
        record["sharedEventID"] = str(uuid.uuid4())
    record["eventCategory"] = "Management"
    return RecordedCall(record, by.username, used, is_decoded=True)
