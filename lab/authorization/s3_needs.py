"""What calls of S3 need: its actions are called otherwise than its operations, and depend on headers and versions.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (what is needed of KMS)
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from lab.authorization.needs import ApiCall, Keys, Lookup, Need, Unknown, action_of, generic, passed_roles

# Of operations on a bucket whose action has another name. What deletes a configuration needs what puts it.
_OF_BUCKETS = {
    "HeadBucket": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
}
_CONFIGURATIONS = {
    "BucketAccelerateConfiguration": "AccelerateConfiguration",
    "BucketAnalyticsConfiguration": "AnalyticsConfiguration",
    "BucketAnalyticsConfigurations": "AnalyticsConfiguration",
    "BucketEncryption": "EncryptionConfiguration",
    "BucketIntelligentTieringConfiguration": "IntelligentTieringConfiguration",
    "BucketIntelligentTieringConfigurations": "IntelligentTieringConfiguration",
    "BucketInventoryConfiguration": "InventoryConfiguration",
    "BucketInventoryConfigurations": "InventoryConfiguration",
    "BucketLifecycle": "LifecycleConfiguration",
    "BucketLifecycleConfiguration": "LifecycleConfiguration",
    "BucketMetricsConfiguration": "MetricsConfiguration",
    "BucketMetricsConfigurations": "MetricsConfiguration",
    "BucketNotification": "BucketNotification",
    "BucketNotificationConfiguration": "BucketNotification",
    "BucketReplication": "ReplicationConfiguration",
    "PublicAccessBlock": "BucketPublicAccessBlock",
}
_VERBS = {"Get": "Get", "List": "Get", "Put": "Put", "Delete": "Put"}
_AS_THEY_ARE_TEXT = """
    CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite GetBucketAcl GetBucketLocation GetBucketLogging
    GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketRequestPayment GetBucketTagging
    GetBucketVersioning GetBucketWebsite PutBucketAcl PutBucketLogging PutBucketOwnershipControls PutBucketPolicy
    PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
"""
_AS_THEY_ARE = frozenset(_AS_THEY_ARE_TEXT.split())
# Of operations on objects: the action, and the one for a version that the caller names.
_OF_OBJECTS = {
    "AbortMultipartUpload": ("AbortMultipartUpload", "AbortMultipartUpload"),
    "CompleteMultipartUpload": ("PutObject", "PutObject"),
    "CreateMultipartUpload": ("PutObject", "PutObject"),
    "DeleteObject": ("DeleteObject", "DeleteObjectVersion"),
    "DeleteObjectTagging": ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "GetObject": ("GetObject", "GetObjectVersion"),
    "GetObjectAcl": ("GetObjectAcl", "GetObjectVersionAcl"),
    "GetObjectLegalHold": ("GetObjectLegalHold", "GetObjectLegalHold"),
    "GetObjectRetention": ("GetObjectRetention", "GetObjectRetention"),
    "GetObjectTagging": ("GetObjectTagging", "GetObjectVersionTagging"),
    "GetObjectTorrent": ("GetObjectTorrent", "GetObjectVersionTorrent"),
    "HeadObject": ("GetObject", "GetObjectVersion"),
    "ListParts": ("ListMultipartUploadParts", "ListMultipartUploadParts"),
    "PutObject": ("PutObject", "PutObject"),
    "PutObjectAcl": ("PutObjectAcl", "PutObjectVersionAcl"),
    "PutObjectLegalHold": ("PutObjectLegalHold", "PutObjectLegalHold"),
    "PutObjectRetention": ("PutObjectRetention", "PutObjectRetention"),
    "PutObjectTagging": ("PutObjectTagging", "PutObjectVersionTagging"),
    "RestoreObject": ("RestoreObject", "RestoreObject"),
    "SelectObjectContent": ("GetObject", "GetObjectVersion"),
    "UploadPart": ("PutObject", "PutObject"),
}
_OBJECT_OPERATIONS = frozenset({*_OF_OBJECTS, "CopyObject", "GetObjectAttributes", "UploadPartCopy"})
_WRITES = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
# What a header of a write needs beside the write itself.
_OF_HEADERS = (
    ("x-amz-tagging", "s3:PutObjectTagging"),
    ("x-amz-object-lock-mode", "s3:PutObjectRetention"),
    ("x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
)
_GRANTS = ("full-control", "read", "read-acp", "write", "write-acp")
_ACL_HEADERS = ("x-amz-acl", *(f"x-amz-grant-{each}" for each in _GRANTS))
# Condition keys that have the names of headers and of parts of the query string.
_KEYS_OF_HEADERS = frozenset(
    {
        *_ACL_HEADERS,
        "x-amz-content-sha256",
        "x-amz-copy-source",
        "x-amz-metadata-directive",
        "x-amz-object-ownership",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
    }
)
_KEYS_OF_QUERY = {
    "prefix": "s3:prefix",
    "delimiter": "s3:delimiter",
    "max-keys": "s3:max-keys",
    "versionId": "s3:versionid",
}


def s3_needs(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """What a call of S3 needs."""
    keys = _keys(call)
    if call.operation == "ListBuckets":
        yield Need("s3:ListAllMyBuckets", "arn:aws:s3:::*", keys)
        return
    bucket = str(call.parameters.get("Bucket", ""))
    if "Key" in call.parameters or call.operation in _OBJECT_OPERATIONS:
        yield from _object_needs(call, bucket, str(call.parameters.get("Key", "")), keys, lookup)
    elif call.operation == "DeleteObjects":
        yield from _deletions(call, bucket, keys)
    else:
        yield from _bucket_needs(call, f"arn:aws:s3:::{bucket}", keys, lookup)


def s3control_needs(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """What calls of S3 Control need: those about the account's own settings have actions of other names."""
    if call.operation not in ("GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock"):
        yield from generic(call, action_of("s3", call.operation))
        yield from passed_roles(call, lookup)
        return
    verb = "Get" if call.operation.startswith("Get") else "Put"
    yield Need(f"s3:{verb}AccountPublicAccessBlock")


def _bucket_needs(call: ApiCall, arn: str, keys: Keys, lookup: Lookup) -> Iterator[Need]:
    yield Need(f"s3:{_bucket_action(call.operation)}", arn, keys)
    if call.operation == "CreateBucket":
        if call.headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
            yield Need("s3:PutBucketObjectLockConfiguration", arn, keys)
            yield Need("s3:PutBucketVersioning", arn, keys)
        if "x-amz-object-ownership" in call.headers:
            yield Need("s3:PutBucketOwnershipControls", arn, keys)
        if any(name in call.headers for name in _ACL_HEADERS):
            yield Need("s3:PutBucketAcl", arn, keys)
    if call.operation == "PutBucketReplication":
        yield from passed_roles(call, lookup)


def _bucket_action(operation: str) -> str:
    if operation in _AS_THEY_ARE:
        return operation
    if operation in _OF_BUCKETS:
        return _OF_BUCKETS[operation]
    for verb, put in _VERBS.items():
        configuration = _CONFIGURATIONS.get(operation.removeprefix(verb)) if operation.startswith(verb) else None
        if configuration:
            return f"{put}{configuration}"
    raise Unknown


def _object_needs(call: ApiCall, bucket: str, key: str, keys: Keys, lookup: Lookup) -> Iterator[Need]:
    operation, arn = call.operation, f"arn:aws:s3:::{bucket}/{key}"
    version = call.query.get("versionId", [""])[0]
    if operation in ("CopyObject", "UploadPartCopy"):
        yield from _source_needs(call, keys, lookup)
        yield Need("s3:PutObject", arn, keys)
    elif operation == "GetObjectAttributes":
        for name in (
            ("GetObjectVersion", "GetObjectVersionAttributes") if version else ("GetObject", "GetObjectAttributes")
        ):
            yield Need(f"s3:{name}", arn, keys)
    elif operation in _OF_OBJECTS:
        yield Need(f"s3:{_OF_OBJECTS[operation][bool(version)]}", arn, keys)
    else:
        raise Unknown
    if operation in ("GetObject", "HeadObject") and not version and not lookup.has_object(bucket, key):
        # Who may not list a bucket does not learn that an object is not there.
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", keys)
    if operation in ("DeleteObject", "PutObjectRetention") and _bypasses(call.headers):
        yield Need("s3:BypassGovernanceRetention", arn, keys)
    if operation in _WRITES:
        yield from (Need(action, arn, keys) for header, action in _OF_HEADERS if header in call.headers)
        if any(name in call.headers for name in _ACL_HEADERS):
            yield Need("s3:PutObjectAcl", arn, keys)
    yield from _key_needs(call, bucket, key, version, lookup)


def _key_needs(call: ApiCall, bucket: str, key: str, version: str, lookup: Lookup) -> Iterator[Need]:
    """What is needed of the KMS key that encrypts the object."""
    operation = call.operation
    if operation in ("GetObject", "SelectObjectContent"):
        yield from _of_key(lookup.object_key_arn(bucket, key, version), ("kms:Decrypt",), bucket, key, lookup)
    elif operation in ("PutObject", "CopyObject"):
        arn = lookup.new_object_key_arn(bucket, call.headers)
        yield from _of_key(arn, ("kms:GenerateDataKey",), bucket, key, lookup)
    elif operation == "CreateMultipartUpload":
        arn = lookup.new_object_key_arn(bucket, call.headers)
        yield from _of_key(arn, ("kms:GenerateDataKey", "kms:Decrypt"), bucket, key, lookup)
    elif operation in ("UploadPart", "UploadPartCopy", "CompleteMultipartUpload"):
        arn = lookup.upload_key_arn(bucket, call.query.get("uploadId", [""])[0])
        actions = ("kms:Decrypt",) if operation == "CompleteMultipartUpload" else ("kms:GenerateDataKey", "kms:Decrypt")
        yield from _of_key(arn, actions, bucket, key, lookup)


def _of_key(arn: str, actions: tuple[str, ...], bucket: str, key: str, lookup: Lookup) -> Iterator[Need]:
    if not arn:
        return
    name = f"arn:aws:s3:::{bucket}" if lookup.uses_bucket_key(bucket) else f"arn:aws:s3:::{bucket}/{key}"
    keys = via_service(f"s3.{lookup.bucket_region(bucket)}.amazonaws.com", {"aws:s3:arn": name})
    yield from (Need(action, arn, keys) for action in actions)


def via_service(service: str, encryption_context: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The keys of a call to KMS that a service makes for its caller.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return {"kms:viaservice": (service,), "aws:viaawsservice": ("true",), **encryption_keys(encryption_context)}


def encryption_keys(context: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The keys that conditions know an encryption context by."""
    if not context:
        return {}
    each = {f"kms:encryptioncontext:{name}".lower(): (str(value),) for name, value in context.items()}
    return {**each, "kms:encryptioncontextkeys": tuple(context)}


def copy_source(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Bucket, key and version ('' for the newest one) of what a call copies; a `?` of the key is encoded."""
    path, _, query = headers.get("x-amz-copy-source", "").lstrip("/").partition("?")
    bucket, _, key = unquote(path).partition("/")
    return bucket, key, parse_qs(query, keep_blank_values=True).get("versionId", [""])[0]


def _source_needs(call: ApiCall, keys: Keys, lookup: Lookup) -> Iterator[Need]:
    bucket, key, version = copy_source(call.headers)
    keys = {name: values for name, values in keys.items() if name != "s3:versionid"}
    keys |= {"s3:versionid": (version,)} if version else {}
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    yield Need(action, f"arn:aws:s3:::{bucket}/{key}", keys)
    yield from _of_key(lookup.object_key_arn(bucket, key, version), ("kms:Decrypt",), bucket, key, lookup)


def needs_of_reading(bucket: str, key: str, version: str, via: str, lookup: Lookup) -> Iterator[Need]:
    """What is needed of an object that a service reads for its caller.

    :param via: the service, where conditions know that it is between; '' for others.
    """
    keys: dict[str, tuple[str, ...]] = {"aws:viaawsservice": ("true",)}
    keys |= dict.fromkeys(("aws:calledvia", "aws:calledviafirst", "aws:calledvialast"), (via,)) if via else {}
    yield Need(f"s3:{_OF_OBJECTS['GetObject'][bool(version)]}", f"arn:aws:s3:::{bucket}/{key}", keys)
    yield from _of_key(lookup.object_key_arn(bucket, key, version), ("kms:Decrypt",), bucket, key, lookup)


def _deletions(call: ApiCall, bucket: str, keys: Keys) -> Iterator[Need]:
    wanted = call.parameters.get("Delete")
    objects = wanted.get("Objects", []) if isinstance(wanted, Mapping) else []
    if not objects:
        yield Need("s3:DeleteObject", f"arn:aws:s3:::{bucket}/*", keys, is_resource_known=False)
    for each in objects:
        action = "s3:DeleteObjectVersion" if each.get("VersionId") else "s3:DeleteObject"
        of_version = {**keys, "s3:versionid": (str(each["VersionId"]),)} if each.get("VersionId") else keys
        yield Need(action, f"arn:aws:s3:::{bucket}/{each.get('Key', '')}", of_version)
        if _bypasses(call.headers):
            yield Need("s3:BypassGovernanceRetention", f"arn:aws:s3:::{bucket}/{each.get('Key', '')}", of_version)


def _bypasses(headers: Mapping[str, str]) -> bool:
    return headers.get("x-amz-bypass-governance-retention", "").lower() == "true"


def _keys(call: ApiCall) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        f"s3:{name}": (value,) for name, value in call.headers.items() if name in _KEYS_OF_HEADERS
    }
    found |= {_KEYS_OF_QUERY[name]: tuple(values) for name, values in call.query.items() if name in _KEYS_OF_QUERY}
    if call.operation == "PutObjectTagging":
        tagging = call.parameters.get("Tagging")
        tags_set = tagging.get("TagSet") if isinstance(tagging, Mapping) else None
        pairs = [(str(each.get("Key", "")), str(each.get("Value", ""))) for each in tags_set or ()]
        found |= {f"s3:requestobjecttag/{name}".lower(): (value,) for name, value in pairs}
        found |= {"s3:requestobjecttagkeys": tuple(name for name, _ in pairs)} if pairs else {}
    if call.operation == "CreateBucket":
        wanted = call.parameters.get("CreateBucketConfiguration")
        place = wanted.get("LocationConstraint") if isinstance(wanted, Mapping) else None
        found |= {"s3:locationconstraint": (str(place),)} if place else {}
    if "x-amz-tagging" in call.headers:
        tags = [each.partition("=") for each in call.headers["x-amz-tagging"].split("&")]
        found |= {f"s3:requestobjecttag/{unquote(name)}".lower(): (unquote(value),) for name, _, value in tags}
        found["s3:requestobjecttagkeys"] = tuple(unquote(name) for name, _, _ in tags)
    return found
