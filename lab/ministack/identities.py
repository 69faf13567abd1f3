"""What the evaluation of a caller's policies needs to know of IAM, STS, and the resources that calls are about."""
# ruff: noqa: SLF001

import json
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import (
    cognito,
    dynamodb,
    dynamodb_streams,
    ec2,
    iam,
    kinesis,
    kms,
    organizations,
    s3,
    secretsmanager,
    sns,
    sqs,
    ssm,
    sts,
    tagging,
)

from lab.authorization.conditions import Context
from lab.authorization.decision import RESOURCE, TRUST, ResourcePolicy
from lab.authorization.facts import Grant
from lab.authorization.principal import Principal, lets_assume
from lab.ministack import cloudformation, entries
from lab.ministack import sts as sts_sessions
from lab.ministack.iam import role, user_of_access_key
from lab.ministack.kms import grant_named, key_facts, key_of_ciphertext, key_of_grant
from lab.ministack.s3 import bucket_facts

_SSE = "x-amz-server-side-encryption"
_SSE_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
# Who has policies on its resources, as MiniStack finds them.
_WITH_POLICIES = frozenset({"ecr", "kinesis", "lambda", "secretsmanager", "sns", "sqs"})
_MANAGED_KEYS = "alias/aws/"


def principal(access_key_id: str) -> Principal | None:
    """Who calls with an access key of the request's account, with its policies; None for a key that nobody has."""
    account = responses.get_account_id()
    session = sts._sessions.get(access_key_id)
    if session is None:
        key = iam._access_keys.get_scoped(account, None, access_key_id)
        if key is None:
            is_root = access_key_id == account
            return Principal(f"arn:aws:iam::{account}:root", account, account) if is_root else None
        return _user(account, str(key["UserName"]))
    arn, kind, account = str(session["Arn"]), session["PrincipalType"], str(session["AccountId"])
    limits = _session_policies(session)
    if kind == "AssumedRole":
        return _role_session(arn, account, str(session["UserId"]), limits)
    name = str(session.get("PrincipalName") or "")
    found = _user(account, name) if name else None
    policies = found.policies if found else ()
    if kind == "FederatedUser":
        policies = policies if name else (_EVERYTHING,)
        return Principal(
            arn, account, str(session["UserId"]), "", policies, found.boundary if found else None, limits or ()
        )
    return found or Principal(arn, account, account)


_EVERYTHING = '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def _user(account: str, name: str) -> Principal | None:
    user = iam._users.get_scoped(account, None, name)
    if user is None:
        return None
    inline = iam._user_inline_policies.get_scoped(account, None, name) or {}
    policies = [*_texts(inline.values()), *_managed(user["AttachedPolicies"], account)]
    for (owner, group_name), group in iam._groups._data.items():
        if owner == account and name in group["Users"]:
            policies += _texts((iam._group_inline_policies.get_scoped(account, None, group_name) or {}).values())
            policies += _managed(group["AttachedPolicies"], account)
    return Principal(user["Arn"], account, user["UserId"], "", tuple(policies), _boundary(user, account))


def _role_session(arn: str, account: str, user_id: str, limits: tuple[str, ...] | None) -> Principal:
    found = role(account, arn.split("/")[1])
    if found is None:
        return Principal(arn, account, user_id, f"arn:aws:iam::{account}:role/{arn.split('/')[1]}", (), None, limits)
    policies = (*_texts((found.get("InlinePolicies") or {}).values()), *_managed(found["AttachedPolicies"], account))
    return Principal(arn, account, user_id, found["Arn"], policies, _boundary(found, account), limits)


def role_principal(role_arn: str, session_name: str) -> Principal | None:
    """An AWS service that acts as a role; None when there is no such role."""
    account, name = _owner(role_arn)[0], role_arn.rpartition("/")[2]
    found = role(account, name)
    if found is None or found["Arn"] != role_arn:
        return None
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}"
    return _role_session(arn, account, f"{found['RoleId']}:{session_name}", None)


def longest_session(role_arn: str) -> int:
    """How long a role's sessions may last, in seconds."""
    found = role(_owner(role_arn)[0], role_arn.rpartition("/")[2]) or {}
    return int(found.get("MaxSessionDuration") or 3600)


def may_assume(service: str, role_arn: str, context: Context | None = None) -> bool:
    """Whether a role's trust policy lets an AWS service assume it.

    :param context: what conditions can ask of the service's request.
    """
    trust = resource_policy("sts:AssumeRole", role_arn)
    return trust is not None and lets_assume(trust.text, role_arn, service, context or {})


def _boundary(entity: Mapping[str, Any], account: str) -> str | None:
    arn = entity.get("PermissionsBoundary")
    return next(_managed([str(arn)], account), "") if arn else None


def _session_policies(session: Mapping[str, Any]) -> tuple[str, ...] | None:
    passed = session.get("SessionPolicies")
    if not passed or not (passed.get("Policy") or passed.get("PolicyArns")):
        return None
    inline = [passed["Policy"]] if passed.get("Policy") else []
    return (*_texts(inline), *_managed(passed.get("PolicyArns") or [], str(session["AccountId"])))


def _managed(arns: list[str], account: str) -> Iterator[str]:
    yield from _texts(iam_evaluator._resolve_managed_policy_document(each, account) for each in arns)


def _texts(documents: Any) -> Iterator[str]:
    yield from (each if isinstance(each, str) else json.dumps(each) for each in documents if each)


def principal_keys(access_key_id: str, who: Principal) -> Iterator[tuple[str, str]]:
    """The condition keys that describe a caller, in lower case, each with a value."""
    session = sts._sessions.get(access_key_id)
    account = who.account
    yield "aws:userid", who.user_id
    entity: Mapping[str, Any] = {}
    if ":user/" in who.arn:
        name = who.arn.rpartition("/")[2]
        yield "aws:username", name
        entity = iam._users.get_scoped(account, None, name) or {}
    elif who.role_arn:
        entity = role(account, who.role_arn.rpartition("/")[2]) or {}
    tags = {each["Key"].lower(): each["Value"] for each in entity.get("Tags") or []}
    if session is not None:
        tags |= {each["Key"].lower(): each["Value"] for each in session.get("SessionTags") or []}
        yield "aws:tokenissuetime", str(int(session["IssuedAt"]))
        has_mfa = bool(session.get("MultiFactorAuthPresent"))
        yield "aws:multifactorauthpresent", "true" if has_mfa else "false"
        if has_mfa:
            yield "aws:multifactorauthage", str(int(time.time() - session["IssuedAt"]))
        if session.get("SourceIdentity"):
            yield "aws:sourceidentity", str(session["SourceIdentity"])
    yield from ((f"aws:principaltag/{name}", value) for name, value in tags.items())
    organization = organizations._orgs.get_scoped(account, None, "self")
    if organization:
        yield "aws:principalorgid", str(organization["Id"])


def resource_policy(action: str, resource: str) -> ResourcePolicy | None:
    """The policy of the resource that an action is for; None for a resource of the request's account that has none."""
    service = action.partition(":")[0]
    if service == "s3":
        bucket = bucket_facts(resource.removeprefix("arn:aws:s3:::").partition("/")[0])
        return ResourcePolicy(bucket.policy or "", bucket.account) if bucket else None
    account, region = _owner(resource)
    if service == "kms" and ":key/" in resource:
        key = key_facts(resource)
        return ResourcePolicy(key.policy or "", key.account, is_required=True) if key else None
    if action.startswith("sts:") and ":role/" in resource:
        found = role(account, resource.rpartition("/")[2])
        trust = "".join(_texts([found["AssumeRolePolicyDocument"]])) if found and found["Arn"] == resource else ""
        return ResourcePolicy(trust, account, is_required=True, kind=TRUST)
    if service in _WITH_POLICIES and account:
        with responses.request_scope(account, region):
            policy = iam_evaluator._resource_policy(service, resource)
        if policy is not None:
            return ResourcePolicy("".join(_texts([policy[0]])), policy[1] or account, kind=RESOURCE)
    if account and account != responses.get_account_id():
        return ResourcePolicy("", account)
    return None


def _owner(resource: str) -> tuple[str, str]:
    """The account, '' where the ARN has none, and the region of a resource."""
    parts = resource.split(":", 5)
    return (parts[4] if parts[4].isdecimal() else "", parts[3]) if len(parts) == 6 else ("", "")


def grants(key_arn: str) -> Iterator[Grant]:
    """The grants of a KMS key."""
    for _, each in kms._grants.all_items():
        if each["KeyId"] == key_arn:
            yield grant_of(each)


def grant_to_retire(parameters: Mapping[str, Any]) -> Iterator[Grant]:
    """The grant that a call of RetireGrant is about; none where there is none."""
    found = grant_named(str(parameters.get("GrantToken") or ""), str(parameters.get("GrantId") or ""))
    if found is not None:
        yield grant_of(found)


def grant_of(parameters: Mapping[str, Any]) -> Grant:
    """The grant that CreateGrant makes with these parameters."""
    constraints = parameters.get("Constraints")
    constraints = constraints if isinstance(constraints, Mapping) else {}
    return Grant(
        grantee=str(parameters.get("GranteePrincipal") or ""),
        retiring=str(parameters.get("RetiringPrincipal") or ""),
        operations=frozenset(map(str, parameters.get("Operations") or ())),
        context_equals=_pairs(constraints.get("EncryptionContextEquals")),
        context_subset=_pairs(constraints.get("EncryptionContextSubset")),
    )


def _pairs(context: Any) -> tuple[tuple[str, str], ...] | None:
    return (
        tuple(sorted((str(name), str(each)) for name, each in context.items()))
        if isinstance(context, Mapping)
        else None
    )


def resource_tags(arn: str) -> Mapping[str, str]:
    """The tags of a resource, of whichever account it is."""
    account, region = _owner(arn)
    if arn.startswith("arn:aws:iam:"):
        entity = _iam_entity(arn, account)
        return {each["Key"]: each["Value"] for each in entity.get("Tags") or []}
    if ":key/" in arn and arn.startswith("arn:aws:kms:"):
        key = kms._keys.get_scoped(account, region, arn.rpartition("/")[2]) or {}
        return {each["TagKey"]: each["TagValue"] for each in key.get("Tags") or []}
    if arn.startswith("arn:aws:ec2:"):
        tags = ec2._tags.get_scoped(account, region, arn.rpartition("/")[2]) or []
        return {each["Key"]: each["Value"] for each in tags}
    with responses.request_scope(account or responses.get_account_id(), region or responses.get_region()):
        return tagging.resource_tags(arn) or {}


def _iam_entity(arn: str, account: str) -> Mapping[str, Any]:
    kind, _, path = arn.split(":", 5)[5].partition("/")
    if kind == "policy":
        return iam._policies.get_scoped(account, None, arn) or {}
    store = {"user": iam._users, "role": iam._roles}.get(kind)
    return (store.get_scoped(account, None, path.rpartition("/")[2]) if store else None) or {}


def object_tags(bucket: str, key: str, version: str) -> Mapping[str, str]:
    """The tags of an object.

    :param version: '' for the newest one.
    """
    account = s3._bucket_owner_account(bucket)
    if account is None:
        return {}
    newest = s3._buckets.get_scoped(account, None, bucket)["objects"].get(key) or {}
    stored = version or newest.get("version_id")
    return s3._object_tags.get_scoped(account, None, (bucket, key, None if stored == "null" else stored)) or {}


def is_access_point(name: str) -> bool:
    """Whether what a request has for a bucket is an access point: its alias, or its own name with its account's number.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
    """
    if name.endswith((s3._ACCESS_POINT_ALIAS_SUFFIX, s3._OBJECT_LAMBDA_ALIAS_SUFFIX)):
        return True  # no bucket's name may end so
    start, _, account = name.rpartition("-")
    points = (s3._access_points, s3._object_lambda_access_points)
    return account.isdecimal() and any(
        (owner, own) == (account, start) for each in points for owner, _region, own in list(each._data)
    )


def session_kind(access_key_id: str) -> tuple[str, bool]:
    """Whose session a key is of (`AssumedRole`, `FederatedUser`, `User`, `Root`), '' for a key that is of none; and
    whether its caller proved with a device that it is there.
    """
    session = sts._sessions.get(access_key_id)
    return (str(session["PrincipalType"]), bool(session.get("MultiFactorAuthPresent"))) if session else ("", False)


# Set while a call is served whose caller proved with a device that it is there.
with_mfa: ContextVar[bool] = ContextVar("with_mfa", default=False)


def has_device(account: str, user: str, serial: str) -> bool:
    """Whether a device for multi-factor authentication is a user's own."""
    device = iam._mfa_devices.get_scoped(account, None, serial)
    return bool(user) and device is not None and device["User"] == user


def note_mfa_in_sessions() -> None:
    """Sessions remember whether their caller proved with a device that it is there; MiniStack does not look at that."""
    register = sts.register_session

    def noting(access_key: str, session: dict[str, Any]) -> None:
        register(access_key, {**session, "MultiFactorAuthPresent": with_mfa.get()})

    sts.register_session = noting


class Resources:
    """The `lab.authorization.needs.Lookup` of the lab, in the account and region of the request."""

    def handed_on(self) -> tuple[str, bool]:
        """Who began the chain of roles that a call of STS goes on with, and whether tags are handed on in it."""
        inherited = sts_sessions.chained.get().inherited
        return inherited.source_identity, bool(inherited.tags)

    def iam_arn(self, kind: str, name: str, account: str) -> str:
        """The ARN of a user, role, group or instance profile."""
        store = {
            "user": iam._users,
            "role": iam._roles,
            "group": iam._groups,
            "instance-profile": iam._instance_profiles,
        }[kind]
        found = store.get_scoped(account, None, name)
        return str(found["Arn"]) if found else ""

    def user_of_access_key(self, access_key_id: str) -> str:
        """The name of the user whose key it is."""
        return user_of_access_key(access_key_id)

    def boundary_arn(self, kind: str, name: str, account: str) -> str:
        """The ARN of the permissions boundary of a user or a role."""
        store = iam._users if kind == "user" else iam._roles
        return str((store.get_scoped(account, None, name) or {}).get("PermissionsBoundary") or "")

    def key_arn(self, name: str) -> str:
        """The ARN of a KMS key, named by its id, its ARN, or an alias."""
        key = key_facts(name) if name else None
        return key.arn if key else ""

    def named_key_arn(self, name: str) -> str:
        """The ARN of a KMS key, or of an alias, that something is to be encrypted with, also where there is none."""
        if found := self.key_arn(name):
            return found
        kind = "" if name.startswith(("alias/", "key/")) else "key/"
        start = f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}:"
        return name if name.startswith("arn:") else f"{start}{kind}{name}"

    def key_of_ciphertext(self, ciphertext: bytes) -> str:
        """The ARN of the KMS key that encrypted it."""
        return key_of_ciphertext(ciphertext)

    def key_of_alias(self, name: str) -> str:
        """The ARN of the key that an alias belongs to."""
        return self.key_arn(name)

    def key_of_grant(self, token: str, grant_id: str) -> str:
        """The ARN of the key that a grant is for."""
        return key_of_grant(token, grant_id)

    def secret_arn(self, name: str) -> str:
        """The ARN of a secret, named by its name or its ARN."""
        _, found = secretsmanager._resolve(name)
        return str(found["ARN"]) if found else ""

    def secrets_found(self, filters: list[Any]) -> list[str]:
        """The ARNs of the secrets that filters of Secrets Manager find."""
        try:
            names = secretsmanager._filter_secret_names(sorted(secretsmanager._secrets), filters)
        except (AttributeError, TypeError):  # no filters: the call finds nothing either
            return []
        return [str(secretsmanager._secrets[each]["ARN"]) for each in names]

    def object_key_arn(self, bucket: str, key: str, version: str) -> str:
        """The ARN of the KMS key that encrypts an object; '' for one of S3's own."""
        account = s3._bucket_owner_account(bucket)
        if account is None:
            return ""
        versions = (s3._object_versions.get_scoped(account, None, (bucket, key)) or []) if version else []
        found = next((each for each in versions if each["version_id"] == version), None)
        if found is None:  # such as `null` where the bucket has no versions
            stored = s3._buckets.get_scoped(account, None, bucket)["objects"].get(key) or {}
        else:
            stored = {} if found.get("is_delete_marker") else s3._object_record_from_version(found)
        return self._key_of_headers(bucket, stored.get("preserved_headers") or {})

    def new_object_key_arn(self, bucket: str, headers: Mapping[str, str]) -> str:
        """The ARN of the KMS key that will encrypt an object that is written with these headers."""
        if headers.get(_SSE):
            return self._key_of_headers(bucket, headers)
        account = s3._bucket_owner_account(bucket)
        if account is None or not s3._bucket_encryption.get_scoped(account, None, bucket):
            return ""
        with s3._in_account(account):
            defaults = s3._bucket_default_sse_headers(bucket)
        return self._key_of_headers(bucket, defaults)

    def upload_key_arn(self, bucket: str, upload_id: str) -> str:
        """The ARN of the KMS key of a multipart upload."""
        account = s3._bucket_owner_account(bucket)
        upload = s3._multipart_uploads.get_scoped(account, None, upload_id) if account else None
        return self._key_of_headers(bucket, (upload or {}).get("preserved_headers") or {})

    def _key_of_headers(self, bucket: str, headers: Mapping[str, str]) -> str:
        name = headers.get(_SSE_KEY, "")
        if headers.get(_SSE) != "aws:kms" or not name or _MANAGED_KEYS in name:
            return ""
        # A key without an account in its name is the caller's, whosever the bucket is:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
        with responses.request_scope(responses.get_account_id(), self.bucket_region(bucket)):
            return self.named_key_arn(name)

    def has_object(self, bucket: str, key: str) -> bool:
        """Whether a bucket has an object; True where there is no bucket."""
        account = s3._bucket_owner_account(bucket)
        return account is None or key in s3._buckets.get_scoped(account, None, bucket)["objects"]

    def bucket_region(self, bucket: str) -> str:
        """Where a bucket is."""
        found = bucket_facts(bucket)
        return found.region if found else responses.get_region()

    def uses_bucket_key(self, bucket: str) -> bool:
        """Whether a bucket has an S3 Bucket Key."""
        found = bucket_facts(bucket)
        return bool(found and found.uses_bucket_key)

    def encryption_key(self, service: str, resource: str) -> str:
        """The ARN of the customer managed key that encrypts a topic, a queue, a secret or a parameter."""
        account, region = _owner(resource)
        scope = responses.request_scope(account or responses.get_account_id(), region or responses.get_region())
        with scope, entries.only_looking():
            name = _KEY_NAMES[service](resource)
            return self.named_key_arn(name) if name and _MANAGED_KEYS not in name else ""

    def parameters_below(self, path: str, *, is_recursive: bool) -> list[str]:
        """The names of the parameters of SSM below a path, at any depth or directly."""
        start = f"{path.rstrip('/')}/"
        names = [str(each) for each in ssm._parameters if str(each).startswith(start)]
        return [each for each in names if is_recursive or "/" not in each.removeprefix(start)]

    def role_of_instance_profile(self, name: str) -> str:
        """The ARN of the role of an instance profile, by name or ARN."""
        profile = iam._instance_profiles.get(name.rpartition("/")[2])
        names = (profile or {}).get("Roles") or []
        found = role(responses.get_account_id(), str(names[0])) if names else None
        return str(found["Arn"]) if found else ""

    def stack_of_change_set(self, change_set: str) -> str:
        """The ARN of the stack that a change set, named by its ARN, is for."""
        return cloudformation.stack_of_change_set(change_set)

    def stream_of_iterator(self, service: str, iterator: str) -> str:
        """The ARN of the stream of Kinesis or DynamoDB whose records an iterator is for."""
        if service == "kinesis":
            return str((kinesis._shard_iterators.get(iterator) or {}).get("stream_arn") or "")
        state = dynamodb_streams._decode_iterator(iterator) or {}  # which is the caller's own text
        table = dynamodb._tables.get(str(state.get("t"))) or {}
        return str(state.get("arn") or table.get("LatestStreamArn") or "")

    def identity_role(self, identity: str, *, has_logins: bool) -> tuple[str, str, str]:
        """Of an identity of Cognito: the id of its pool, how it signs in, and the ARN of the pool's role for that."""
        for pool in cognito._identity_pools.values():
            found = pool["_identities"].get(identity)
            if found is None:
                continue
            # One that was merged into another one answers for that one.
            found = pool["_identities"].get(found.get("_merged_into")) or found
            kind = "authenticated" if has_logins or found.get("Logins") else "unauthenticated"
            return str(pool["IdentityPoolId"]), kind, str((pool.get("_roles") or {}).get(kind) or "")
        return "", "", ""


def _key_of_topic(arn: str) -> str:
    return str((sns._topic_by_arn_any_scope(arn) or {"attributes": {}})["attributes"].get("KmsMasterKeyId") or "")


def _key_of_queue(arn: str) -> str:
    return str((sqs._queue_by_arn(arn) or {"attributes": {}})["attributes"].get("KmsMasterKeyId") or "")


def _key_of_secret(arn: str) -> str:
    _, found = secretsmanager._resolve(arn)
    return str((found or {}).get("KmsKeyId") or "")


def _key_of_parameter(arn: str) -> str:
    path = arn.partition(":parameter/")[2]
    found = ssm._parameters.get(f"/{path}") or ssm._parameters.get(path) or {}
    return str(found.get("KeyId") or "") if found.get("Type") == "SecureString" else ""


_KEY_NAMES = {"secretsmanager": _key_of_secret, "sns": _key_of_topic, "sqs": _key_of_queue, "ssm": _key_of_parameter}


def key_keys(key_arn: str) -> dict[str, str]:
    """What conditions know of a KMS key, by the key's name after `kms:` in lower case."""
    account, region = _owner(key_arn)
    key = kms._keys.get_scoped(account, region, key_arn.rpartition("/")[2]) or {}
    found = {"keyspec": key.get("KeySpec"), "keyusage": key.get("KeyUsage"), "keyorigin": key.get("Origin")}
    found["multiregion"] = "true" if key.get("MultiRegion") else "false"
    return {name: str(value) for name, value in found.items() if value}


def aliases(key_arn: str) -> tuple[str, ...]:
    """The aliases (`alias/...`) of a KMS key."""
    account, region = _owner(key_arn)
    key_id = key_arn.rpartition("/")[2]
    return tuple(
        str(alias).rpartition(":")[2]
        for (owner, where, alias), key in kms._aliases.all_items()
        if (owner, where) == (account, region) and key == key_id
    )


def provider(parameters: Mapping[str, Any], role_arn: str) -> str:
    """The identity provider (ARN, or host name for those that AWS knows) whose token or assertion a call brings."""
    if parameters.get("PrincipalArn"):
        return str(parameters["PrincipalArn"])
    token, provider_id = str(parameters.get("WebIdentityToken") or ""), str(parameters.get("ProviderId") or "")
    found: tuple[str, dict[str, Any]] = sts._web_identity_principal(token, provider_id, role_arn)
    return found[0]
