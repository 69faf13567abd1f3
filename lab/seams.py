"""Every internal of MiniStack that the lab relies on, in one place.

MiniStack 1.5.33 (MIT licence) is pinned; each name has a test, so that an upgrade that moves one fails by its name, not
in a deployment. Import this only in the lab's own process: MiniStack reads its settings when it is imported.
"""
# ruff: noqa: SLF001

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from ministack import app as ministack_app
from ministack.core import iam_evaluator, persistence, responses, router
from ministack.services import (
    apigateway,
    apigateway_v1,
    athena,
    cloudformation,
    cloudtrail,
    eventbridge,
    firehose,
    iam,
    kms,
    lambda_svc,
    s3,
    sns,
    sts,
)
from ministack.services.cloudformation import custom_resource, provisioners

from lab.authorization.facts import BucketFacts, KeyFacts, RoleFacts
from lab.protocol.well_formed import NOT_XML

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# Status, headers, body: what every handler of a service answers.
Answer = tuple[int, dict[str, str], Any]
# Called with method, path, headers, body and the parsed query string.
ServiceHandler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Answer]]
CloudTrailAction = Callable[[dict[str, Any]], Answer]
# create(logical id, properties, stack name) → (physical id, attributes); update, delete and import beside it.
ResourceHandler = dict[str, Any]

Tags = dict[str, str] | None
# Called with bucket, object key, the object's record (to change), its content and its tags.
Replicate = Callable[[str, str, dict[str, Any], Any, Tags], None]
# Called with a target, an event, the rule and the event as patterns see it.
ToTarget = Callable[[dict[str, Any], dict[str, Any], dict[str, Any], Any], None]

application: Application = ministack_app.app
service_handlers: dict[str, ServiceHandler] = ministack_app.SERVICE_HANDLERS

account_of_request: Callable[[], str] = responses.get_account_id
region_of_request: Callable[[], str] = responses.get_region
set_account_of_request: Callable[[str], None] = responses.set_request_account_id
set_region_of_request: Callable[[str], None] = responses.set_request_region
new_store_by_account_and_region: Callable[[], Any] = responses.AccountRegionScopedDict

cloudtrail_actions: dict[str, CloudTrailAction] = cloudtrail._DISPATCH
# Both take a name or an ARN. (name, home region, trail, error) and (name, home region, trail).
trail_to_change: Callable[[str], tuple[str, str, dict[str, Any], Answer | None]] = cloudtrail._find_mutable_trail
trail_to_show: Callable[[str], tuple[str, str, dict[str, Any] | None]] = cloudtrail._find_visible_trail
trail_tags: MutableMapping[str, dict[str, str]] = cloudtrail._trail_tags

resource_handlers: dict[str, ResourceHandler] = provisioners._RESOURCE_HANDLERS
# Types that get the stack's tags: the property, and whether it holds a list or a map.
stack_tag_properties: dict[str, tuple[str, str]] = provisioners._STACK_TAG_PROPERTY


def identity_of_access_key(access_key_id: str) -> Mapping[str, Any] | None:
    """Whose key it is: `userArn`, `userId` and, for temporary keys, `session`; None when it is nobody's.

    Users' keys are looked up first, since most calls have one; MiniStack tries everything else before them.
    """
    account = responses.get_account_id()
    key = iam._access_keys.get_scoped(account, None, access_key_id)
    user = iam._users.get_scoped(account, None, key["UserName"]) if key else None
    if user:
        return {"userArn": user["Arn"], "userId": user["UserId"], "session": None}
    found: dict[str, Any] | None = iam_evaluator.resolve_caller_identity(access_key_id)
    return found


def secret_of_access_key(access_key_id: str) -> tuple[str, str, float | None] | None:
    """The secret access key, the session token ('' for a user's own key) and when it expires (epoch seconds) of an
    active key of a user or a session, which `account_of_request` has; None when there is none.
    """
    session = sts._sessions.get(access_key_id)
    if session is not None:
        return session["SecretAccessKey"], session["SessionToken"], float(session["Expiration"])
    key = iam._access_keys.get_scoped(responses.get_account_id(), None, access_key_id)
    return (key["SecretAccessKey"], "", None) if key and key["Status"] == "Active" else None


def set_account_of_caller(access_key_id: str) -> None:
    """The account of the request becomes the one that a key belongs to; the lab's own when it is nobody's.

    MiniStack itself knows only the numbers of accounts, sessions, and users of the lab's own account.
    """
    responses.set_request_account_id(access_key_id)
    if not access_key_id or access_key_id.isdecimal() or access_key_id in sts._sessions:
        return
    if iam._access_keys.get_scoped(responses.get_account_id(), None, access_key_id) is None:
        owner = _owner_of_users_key(access_key_id)
        if owner is not None:
            responses.set_request_account_id(owner)


_owners: dict[str, str] = {}


def _owner_of_users_key(access_key_id: str) -> str | None:
    """The account of a user's key, remembered, since a key never changes its account."""
    owner = _owners.get(access_key_id)
    if owner is None:
        owner = next((account for account, key in iam._access_keys.to_dict() if key == access_key_id), None)
        if owner is not None:
            _owners[access_key_id] = owner
    return owner


def trust_the_gateway() -> None:
    """Who calls is verified before MiniStack sees a request, and so is the account; it would guess the account from the
    key, and compare presigned URLs with the secret `test`.
    """
    ministack_app.set_request_account_id = lambda _access_key_id: None
    s3._verify_presigned_sigv4 = lambda *_arguments: None


def role(account: str, name: str) -> dict[str, Any] | None:
    """The record of an IAM role."""
    found: dict[str, Any] | None = iam._roles.get_scoped(account, None, name)
    return found


def stacks() -> list[tuple[str, str]]:
    """Every stack of the lab that is not deleted, of all accounts and regions, with its status."""
    found = [(stack["StackName"], stack["StackStatus"]) for _key, stack in cloudformation._stacks.all_items()]
    return [stack for stack in found if stack[1] != "DELETE_COMPLETE"]


def generated_name(stack_name: str, logical_id: str) -> str:
    """The name of a resource that the template leaves unnamed; the same for every update of the stack."""
    return str(provisioners._physical_name(stack_name, logical_id))


def generated_bucket_name(stack_name: str, logical_id: str) -> str:
    """As `generated_name`, but new for every instance of a stack: the engine keeps the seed with the resource."""
    if not provisioners._NAME_SEED.get():
        provisioners._NAME_SEED.set(responses.new_uuid()[:8])
    return str(provisioners._physical_name(stack_name, logical_id, lowercase=True, max_len=63))


def set_known_service_names(names: frozenset[str]) -> None:
    """Names that requests may be signed for; MiniStack would load every model of botocore to learn them."""
    router._KNOWN_AWS_SERVICE_NAMES = names


def block_public_access_of_new_buckets() -> None:
    """New buckets block public access, as on AWS since April 2023; MiniStack does so only when it checks signatures.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    s3._new_bucket_public_access_block = lambda: {"_public_access_block": s3._NEW_BUCKET_PUBLIC_ACCESS_BLOCK}


def let_s3_encrypt_with_its_own_key() -> None:
    """`aws:kms` without a key means the AWS managed key `aws/s3`, here without an id; MiniStack refuses such an object.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_RequestSyntax
    """
    resolve = s3._resolve_sse_write_headers
    algorithm, key = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"

    def with_its_own_key(headers: dict[str, str], bucket: str) -> tuple[dict[str, str] | None, Answer | None]:
        if headers.get(algorithm) != "aws:kms" or headers.get(key):
            return resolve(headers, bucket)  # type: ignore[no-any-return]
        found, refused = resolve(headers | {key: "alias/aws/s3"}, bucket)
        return found and {algorithm: found[algorithm]}, refused

    s3._resolve_sse_write_headers = with_its_own_key


_is_url_encoded: ContextVar[bool] = ContextVar("is_url_encoded", default=False)
# The elements of S3's lists that `encoding-type=url` is for.
_ENCODED_ELEMENTS = ("Delimiter", "Key", "KeyMarker", "NextKeyMarker", "NextUploadIdMarker", "Prefix")


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


def replace_function_runs(run: Callable[..., dict[str, Any]]) -> None:
    """Every invocation of a Lambda function, whoever makes it, calls `run` instead."""
    lambda_svc._execute_function_dispatch = run


def replace_custom_resources(change: Callable[..., tuple[str, dict[str, Any]]]) -> None:
    """Every creation, update and deletion of a custom resource calls `change` instead."""
    custom_resource.invoke_custom_resource = change


def refuse_subscriptions(refusal: Callable[[str, str], Answer | None]) -> None:
    """Every subscription to an SNS topic is first given, by protocol and endpoint, to `refusal`: an error or None."""
    check = sns._validate_subscription_endpoint
    sns._validate_subscription_endpoint = lambda protocol, endpoint: (
        refusal(protocol, endpoint) or check(protocol, endpoint)
    )


def replace_http_calls(call: Callable[[Any, float], Awaitable[tuple[int, dict[str, str], bytes]]]) -> None:
    """Every HTTP integration of API Gateway, and its look for a token's keys, calls `call` with a request or URL."""
    apigateway._urlopen_async = apigateway_v1._urlopen_async = call


def replace_sql_queries(answer: Callable[[], Answer]) -> None:
    """Every statement for Athena that is not one about Glue's catalogue gets this answer, whatever the engine is."""
    start = athena._start_query_execution
    athena._start_query_execution = lambda request: (
        answer() if athena._parse_ddl(request.get("QueryString", "")) is None else start(request)
    )
    athena.get_athena_engine = lambda: "mock"


def refuse_destinations(refusal: Callable[[str, Mapping[str, Any]], Answer | None]) -> None:
    """Every destination of a Firehose stream is first given, by kind and settings, to `refusal`: an error or None."""
    check = firehose._validate_s3_destination_config
    firehose._validate_s3_destination_config = lambda kind, settings: refusal(kind, settings) or check(kind, settings)


def trails() -> list[tuple[str, dict[str, Any], Iterable[Mapping[str, Any]] | None]]:
    """Every trail of the lab: its account, its settings (a record to change), and its event selectors."""
    return [
        (account, trail, cloudtrail._event_selectors.get_scoped(account, region, name))
        for (account, region, name), trail in cloudtrail._trails.all_items()
    ]


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


def key_facts(name: str) -> KeyFacts | None:
    """A KMS key by id, ARN, alias name or alias ARN, in the account and region of its ARN or of the request."""
    account, region, resource = responses.get_account_id(), responses.get_region(), name
    if name.startswith("arn:"):
        region, account, resource = name.split(":", 5)[3:]
    if resource.startswith("alias/"):
        resource = kms._aliases.get_scoped(account, region, f"arn:aws:kms:{region}:{account}:{resource}") or ""
    key = kms._keys.get_scoped(account, region, resource.removeprefix("key/"))
    if key is None:
        return None
    return KeyFacts(key["Arn"], account, region, key["KeyState"], key["KeySpec"], key.get("Policy"))


def role_facts(arn: str) -> RoleFacts | None:
    """A role of any account; None when there is none of this ARN."""
    account = arn.split(":", 5)[4] if arn.count(":") >= 5 else ""
    found = role(account, arn.rpartition("/")[2])
    if found is None or found["Arn"] != arn:
        return None
    attached = [iam_evaluator._resolve_managed_policy_document(each, account) for each in found["AttachedPolicies"]]
    documents = [each for each in (*found["InlinePolicies"].values(), *attached) if each]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in documents]
    return RoleFacts(arn, str(found["AssumeRolePolicyDocument"]), tuple(texts))


# Called with bucket, object key and tags: the rule that copies the object, as in the API, and the role's ARN.
replication_rule: Callable[[str, str, Tags], tuple[dict[str, Any] | None, str]] = s3._replication_rule_for


def replace_replication(change: Callable[[Replicate], Replicate]) -> None:
    """Every object that is written is given to what `change` makes of MiniStack's own replication."""
    s3._maybe_replicate = change(s3._maybe_replicate)


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


def topic_policy(arn: str) -> str | None:
    """The policy of an SNS topic (JSON text); None when there is no such topic."""
    found: tuple[str, str] | None = sns.topic_policy_for_arn(arn)
    return found[0] if found else None


def topic_key(arn: str) -> str:
    """The id, ARN or alias of the KMS key of an SNS topic; '' when it has none."""
    return str((sns._topic_by_arn_any_scope(arn) or {"attributes": {}})["attributes"].get("KmsMasterKeyId") or "")


def has_event_rules() -> bool:
    """Whether any account has a rule in EventBridge."""
    return any(True for _ in eventbridge._rules.all_items())


# To the rules of its bus, in the account and region of the request.
send_event: Callable[[dict[str, Any]], None] = eventbridge._dispatch_event


def replace_event_targets(change: Callable[[ToTarget], ToTarget]) -> None:
    """Every event that matches a rule is given to what `change` makes of MiniStack's own way to targets."""
    eventbridge._invoke_target = change(eventbridge._invoke_target)


def save_state() -> None:
    """Writes the state of every service to the disk, each service at once or not at all."""
    persistence.save_all(ministack_app._build_persistence_save_dict())


def _xml_text(document: str | None, name: str) -> str:
    if not document:
        return ""
    root = ElementTree.fromstring(document)  # noqa: S314 - this came through MiniStack's own parser
    found = next((each for each in root.iter() if each.tag.rpartition("}")[2] == name), None)
    return (found.text or "") if found is not None else ""
