"""S3: buckets and their default settings, lists of objects, and replication."""
# ruff: noqa: SLF001

import base64
import re
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ministack.core import responses
from ministack.services import s3

from lab.authorization.facts import BucketFacts
from lab.ministack.kms import key_facts
from lab.protocol.answer import Answer, error_answer
from lab.protocol.well_formed import NOT_XML

Tags = dict[str, str] | None
# Called with bucket, object key, the object's record (to change), its content and its tags.
Replicate = Callable[[str, str, dict[str, Any], Any, Tags], None]
_is_url_encoded: ContextVar[bool] = ContextVar("is_url_encoded", default=False)
# The elements of S3's lists that `encoding-type=url` is for.
_ENCODED_ELEMENTS = ("Delimiter", "Key", "KeyMarker", "NextKeyMarker", "NextUploadIdMarker", "Prefix")
# An account's own Block Public Access, kept with what MiniStack keeps of buckets.
account_public_access: MutableMapping[str, Mapping[str, bool]] = responses.AccountScopedDict()
s3._PERSISTED_BUCKET_DICTS["account_public_access"] = account_public_access
# What objects have beside their content, and uploads in parts, which MiniStack forgets with its process.
for _name in (
    *("object_retention", "object_legal_hold", "object_tags", "object_acl", "object_annotations", "multipart_uploads"),
):
    s3._PERSISTED_BUCKET_DICTS[_name] = getattr(s3, f"_{_name}")


def block_public_access_of_new_buckets() -> None:
    """New buckets block public access, as on AWS since April 2023; MiniStack does so only when it checks signatures.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    s3._new_bucket_public_access_block = lambda: {"_public_access_block": s3._NEW_BUCKET_PUBLIC_ACCESS_BLOCK}


_CUSTOMER_KEY = "x-amz-server-side-encryption-customer-algorithm"


def know_keys_of_objects(account_of_caller: Callable[[], str]) -> None:
    """`aws:kms` without a key means the AWS managed key `aws/s3`, here without an id, where MiniStack rejects such an
    object; any other key is known by its ARN from the write on, whatever its alias is for later. An object without any
    is encrypted with a key of S3's own, as every one is since January 2023.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_RequestSyntax

    :param account_of_caller: in which a key is looked for that is named without an account, whosever the bucket is.
    """
    resolve = s3._resolve_sse_write_headers
    algorithm, key = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"

    def with_its_own_key(headers: dict[str, str], bucket: str) -> tuple[dict[str, str] | None, Answer | None]:
        if headers.get(algorithm) == "aws:kms" and not headers.get(key):
            found, rejected = resolve(headers | {key: "alias/aws/s3"}, bucket)
            return found and {algorithm: found[algorithm]}, rejected
        found, rejected = resolve(headers, bucket)
        if not found and rejected is None and _CUSTOMER_KEY not in headers:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
            return {algorithm: "AES256"}, None
        if not found or not found.get(key):
            return found, rejected
        place = bucket_facts(bucket)
        with responses.request_scope(account_of_caller(), place.region if place else responses.get_region()):
            known = key_facts(found[key])
        return found | ({key: known.arn} if known else {}), None

    s3._resolve_sse_write_headers = with_its_own_key


# Of the deletion that is being served, the objects (key and version) that its caller may not delete, and why.
kept_objects: ContextVar[Mapping[tuple[str, str], str]] = ContextVar("kept_objects", default={})  # noqa: B039 - read only


def keep_objects() -> None:
    """DeleteObjects deletes the objects that its caller may delete, and answers with an error for each other one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """
    delete: Callable[..., Answer] = s3._delete_objects

    def deleted(bucket: str, body: bytes, headers: Any = None) -> Answer:
        kept = kept_objects.get()
        if not kept or not _is_xml(body.decode("utf-8", "replace")):  # which is an error
            return delete(bucket, body, headers)
        wanted = ElementTree.fromstring(body)  # noqa: S314 - the gateway has read it: it has neither entities nor a DTD
        found: list[tuple[str, str]] = []
        for each in [each for each in wanted if _local_name(each) == "Object"]:
            parts = {_local_name(part): part.text or "" for part in each}
            one = (parts.get("Key", ""), parts.get("VersionId", ""))
            if one in kept:
                wanted.remove(each)
                found.append(one)
        if kept.keys() - set(found):  # it names them in a way that is not read here
            return error_answer("s3", "rest-xml", 403, "AccessDenied", next(iter(kept.values())))
        # A carriage return as it is would be read as the end of a line, which makes another key.
        allowed = ElementTree.tostring(wanted).replace(b"\r", b"&#13;")
        status, answered, result = delete(bucket, allowed, headers)
        return status, answered, _with_errors(result, found, kept) if status == 200 else result

    s3._delete_objects = deleted


def _local_name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _with_errors(result: bytes, found: list[tuple[str, str]], kept: Mapping[tuple[str, str], str]) -> bytes:
    """The answer of a deletion with an error for each object that was kept."""
    errors = ""
    for key, version in found:
        named = f"<VersionId>{escape(version)}</VersionId>" if version else ""
        why = f"<Code>AccessDenied</Code><Message>{escape(kept[key, version])}</Message>"
        errors += f"<Error><Key>{escape(key)}</Key>{named}{why}</Error>"
    escaped = NOT_XML.sub(lambda each: f"&#x{ord(each[0]):x};", errors.replace("\r", "&#13;")).encode()
    start = re.sub(rb"\s*/>\s*$", b">", result).removesuffix(b"</DeleteResult>")
    return start + escaped + b"</DeleteResult>"


def refuse_ones_own_bucket_again() -> None:
    """Who creates a bucket again gets BucketAlreadyOwnedByYou from every region but us-east-1; MiniStack looks at the
    bucket's region, not at that of the request.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html (BucketAlreadyOwnedByYou)
    """
    create: Callable[..., Answer] = s3._create_bucket

    def created_once(name: str, body: bytes, headers: Any = None, endpoint_region: str | None = None) -> Answer:
        if name in s3._buckets and endpoint_region not in (None, "us-east-1"):
            message = "Your previous request to create the named bucket succeeded and you already own it."
            return error_answer("s3", "rest-xml", 409, "BucketAlreadyOwnedByYou", message)
        return create(name, body, headers, endpoint_region)

    s3._create_bucket = created_once


def refuse_impossible_settings() -> None:
    """Default encryption needs a rule, and takes a key for KMS alone; access logs go to a bucket of the same account.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (InvalidTargetBucketForLogging)
    """
    encrypt, log = s3._put_bucket_encryption, s3._put_bucket_logging

    def encrypted(name: str, body: bytes) -> Answer:
        text = body.decode("utf-8", "replace")
        algorithm = _xml_text(text, "SSEAlgorithm") if _is_xml(text) else "?"
        if not algorithm and name in s3._buckets:
            return error_answer("s3", "rest-xml", 400, "MalformedXML", s3._MALFORMED_XML)
        if algorithm == "AES256" and _xml_text(text, "KMSMasterKeyID"):
            message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
            return error_answer("s3", "rest-xml", 400, "InvalidArgument", message)
        answer: Answer = encrypt(name, body)
        return answer

    def logged(name: str, body: bytes) -> Answer:
        text = body.decode("utf-8", "replace")
        target = _xml_text(text, "TargetBucket") if _is_xml(text) else ""
        if target and name in s3._buckets and target not in s3._buckets:
            message = "The target bucket for logging does not exist"
            return error_answer("s3", "rest-xml", 400, "InvalidTargetBucketForLogging", message)
        answer: Answer = log(name, body)
        return answer

    s3._put_bucket_encryption, s3._put_bucket_logging = encrypted, logged


def _is_xml(text: str) -> bool:
    try:
        ElementTree.fromstring(text)  # noqa: S314 - the gateway has read it: it has neither entities nor a DTD
    except ElementTree.ParseError:
        return False
    return True


def name_lifecycle_rules() -> None:
    """A lifecycle rule without an ID gets one, of the form that S3 makes.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html#intro-lifecycle-rule-id
    """
    put = s3._put_bucket_lifecycle

    def named(name: str, body: bytes) -> Answer:
        answer: Answer = put(name, body)
        rules = s3._bucket_lifecycle.get(name)
        for rule in rules if isinstance(rules, list) else ():  # text is what MiniStack could not read
            rule.setdefault("ID", base64.b64encode(str(uuid.uuid4()).encode()).decode())
        return answer

    s3._put_bucket_lifecycle = named


def list_what_xml_cannot_hold() -> None:
    """Lists of S3 hold every key: escaped as XML 1.1 has it, or as in a URL where the caller asks for that; MiniStack
    knows the latter for objects alone, not for their versions and for uploads.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """

    def encoding(lists: Callable[[str, Any], Answer]) -> Callable[[str, Any], Answer]:
        def listed(bucket: str, query: Any) -> Answer:
            token = _is_url_encoded.set(s3._qp(query, "encoding-type", "") == "url")
            try:
                return lists(bucket, query)
            finally:
                _is_url_encoded.reset(token)

        return listed

    s3._list_object_versions = encoding(s3._list_object_versions)
    s3._list_multipart_uploads = encoding(s3._list_multipart_uploads)
    s3._xml_body = _s3_document


def _s3_document(root: ElementTree.Element) -> bytes:
    if _is_url_encoded.get():
        for each in root.iter():
            if each.tag.rpartition("}")[2] in _ENCODED_ELEMENTS and each.text:
                each.text = quote(each.text, safe="/")
        ElementTree.SubElement(root, "EncodingType").text = "url"
    text = ElementTree.tostring(root, encoding="unicode").replace("\r", "&#13;")  # or else it is read as \n
    escaped = NOT_XML.sub(lambda found: f"&#x{ord(found[0]):x};", text)
    return bytes(s3.XML_DECL + b"\n") + escaped.encode()


def bucket_facts(name: str) -> BucketFacts | None:
    """A bucket of any account; None when there is none of this name."""
    account = s3._bucket_owner_account(name)
    if account is None:
        return None
    return BucketFacts(
        name=name,
        account=account,
        region=s3._buckets.get_scoped(account, None, name).get("region") or "us-east-1",
        policy=s3._bucket_policies.get_scoped(account, None, name),
        is_requester_pays=_xml_text(s3._bucket_request_payment_config.get_scoped(account, None, name), "Payer")
        == "Requester",
        uses_bucket_key=_xml_text(s3._bucket_encryption.get_scoped(account, None, name), "BucketKeyEnabled") == "true",
    )


# Called with bucket, object key and tags: the rule that copies the object, as in the API, and the role's ARN.
replication_rule: Callable[[str, str, Tags], tuple[dict[str, Any] | None, str]] = s3._replication_rule_for


def replace_replication(
    change: Callable[[Replicate], Replicate], may_copy_marker: Callable[[str, str, dict[str, Any], str], bool]
) -> None:
    """Every object that is written is given to what `change` makes of MiniStack's own replication, which asks no policy
    of the destination any more.

    :param may_copy_marker: whether a delete marker is copied, asked with bucket, key, rule and the role's ARN.
    """
    copy_marker = s3._maybe_replicate_delete_marker

    def replicate_marker(bucket: str, key: str) -> None:
        rule, role = replication_rule(bucket, key, None)
        if rule is None or may_copy_marker(bucket, key, rule, role):
            copy_marker(bucket, key)

    s3._replication_destination_allows = lambda *_: True
    s3._maybe_replicate = change(s3._maybe_replicate)
    s3._maybe_replicate_delete_marker = replicate_marker


def is_owner_enforced(name: str) -> bool:
    """Whether what is written to a bucket belongs to the bucket's owner, whoever writes it."""
    bucket = s3._buckets.get_scoped(s3._bucket_owner_account(name), None, name)
    return bool(s3._bucket_owner_enforced(bucket))


def lock_replicas_like_their_source() -> None:
    """A copy gets the retention of its source, or else the default of its bucket, when that bucket has Object Lock.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication
    """
    lock = s3._apply_object_lock_from_headers

    def lock_both(bucket: str, key: str, headers: dict[str, str], version: str | None) -> None:
        lock(bucket, key, headers, version)
        name, replica, account = s3._buckets[bucket]["objects"][key].get("_replica") or ("", None, "")
        if not s3._bucket_object_lock.get_scoped(account, None, name):
            return
        found = s3._object_retention.get((bucket, key, version)) or {}
        names = {"Mode": "x-amz-object-lock-mode", "RetainUntilDate": "x-amz-object-lock-retain-until-date"}
        with s3._in_account(account):
            lock(name, key, {header: found[each] for each, header in names.items() if each in found}, replica)

    s3._apply_object_lock_from_headers = lock_both


# Several times for every object that is written, of the few settings that buckets have.
@lru_cache(maxsize=256)
def _xml_text(document: str | None, name: str) -> str:
    if not document:
        return ""
    root = ElementTree.fromstring(document)  # noqa: S314 - this came through MiniStack's own parser
    found = next((each for each in root.iter() if each.tag.rpartition("}")[2] == name), None)
    return (found.text or "") if found is not None else ""
