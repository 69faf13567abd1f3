"""May the caller make this call: what the call needs, decided by all policies that there are, before it is served.

A call that is refused gets the error of its protocol, and is recorded like every other one. How AWS decides is in
`lab.authorization`; what is known of identities and resources comes from `lab.ministack.identities`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Protocol
from urllib.parse import unquote

from lab.authorization.conditions import Context
from lab.authorization.decision import IDENTITY, RESOURCE, TRUST, Refusal, ResourcePolicy, granted, refusal
from lab.authorization.document import Asked, document
from lab.authorization.needs import ApiCall, Need, Unknown, parameter_keys
from lab.authorization.principal import Named, Principal, names_provider
from lab.authorization.s3_needs import copy_source
from lab.authorization.service_authorization import IAM_PREFIXES, prefix_of, reference
from lab.authorization.special_needs import needs_of
from lab.errors import LabError
from lab.ministack import cloudformation, core, identities, s3, sts
from lab.protocol import catalogue
from lab.protocol.answer import Answer, error_answer
from lab.protocol.decode import Call
from lab.protocol.request import Request
from lab.records.record import Origin
from lab.records.service_calls import asked_of_kms
from lab.services import unusable_keys
from lab.services.policy_faults import policy_error
from lab.services.unsupported import act_error, empty_list


class Signed(Protocol):
    """What is asked of a verified signature (`lab.server.signatures.Signature`)."""

    @property
    def access_key_id(self) -> str:
        """The key that it is by."""

    @property
    def algorithm(self) -> str:
        """Its version, as AWS spells it; `AWS` is version 2."""

    @property
    def service(self) -> str:
        """The service that it is for."""

    @property
    def is_presigned(self) -> bool:
        """Whether it is in the query string."""

    @property
    def moment(self) -> float:
        """When it was made (epoch seconds)."""


_RESOURCES = identities.Resources()
# Of S3's calls all that is needed is in the path, the query string and the headers; only these name more in the body.
_S3_BODIES = frozenset({"CreateBucket", "DeleteObjects", "PutBucketReplication", "PutObjectTagging"})
_POLICY_OF_BUCKET = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
_PUT_KEY_POLICY = "kms:PutKeyPolicy"
_WITH_PROVIDER = frozenset({"sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"})
# An action that no statement is about but one about every action, or about all but some.
_ANY_ACTION = "lab:UnknownAction"
# Of a service: one that its reference does not have.
_UNKNOWN_ACTION = "UnknownAction"
# The lab cannot know which codes a device shows: it takes any that looks like one.
_CODE = re.compile("[0-9]{6}")
_MFA_FAILED = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
_UNKNOWN = (
    "The lab does not know which permission {} needs in AWS, so that only an identity that may do everything on every "
    "resource can call it here. User: {} may not."
)
_UNREAD = (
    "The lab cannot read the parameters of {}, and so does not know which permission it needs in AWS: only an identity "
    "that may do everything on every resource can call it here. User: {} may not."
)


class Authorizer:
    """Decides about calls."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """:param now: the lab's time of day, in UTC."""
        self._now = now

    def refused(self, call: Call, request: Request, signature: Signed, origin: Origin) -> Answer | None:
        """The error for a call that its caller may not make; None for one that it may.

        :param request: with its body.
        """
        who = identities.principal(signature.access_key_id)
        if who is None:
            nobody = Principal(f"access key {signature.access_key_id}", origin.account)
            return _answer(call, f"No user has {nobody.arn}.")
        api = _api_call(call, request, origin, who)
        kept_out = _not_in_the_lab(call, api) or _kept_out(call, signature.access_key_id, who)
        if kept_out is not None:
            return kept_out
        if api.service == "sts":
            has_device = "SerialNumber" in api.parameters
            if has_device and not _is_device_of(who, api):
                return _answer(call, _MFA_FAILED)
            identities.with_mfa.set(has_device)
            sts.chained.set(_chained(api, signature.access_key_id))
        found = self._decided(call, api, _Facts(self._now, api, signature, origin, request, who, via=""))
        if found is None and api.service == "sts":
            found = _too_long(call, api, signature.access_key_id) or _chain_error(call, api)
        if found is None and api.service == "cloudformation":
            return _unusable_role(call, api)
        return found or act_error(call) or empty_list(call) or _dry_run(call)

    def refused_to_stack(self, call: Call | None, request: Request, origin: Origin) -> Answer | None:
        """The error for a call that CloudFormation makes for a stack and that the stack's role, or else its caller, may
        not make.
        """
        who = _of_stack(origin)
        signature = _StackSignature(str(origin.user_identity.get("accessKeyId", "")))
        if call is None:  # the lab makes none of which it does not know what it is
            return _undecoded(request, signature, who or Principal("nobody", origin.account))
        if who is None:
            return _answer(call, "The caller of the stack does not exist.")
        api = _api_call(call, request, origin, who)
        return self._decided(call, api, _Facts(self._now, api, signature, origin, request, who, _CLOUDFORMATION))

    def caller_of_stack(self, origin: Origin) -> Origin:
        """Who calls for the stack that is being deployed: its role, or else the caller of the request.

        :param origin: of that request.
        """
        role_arn = cloudformation.role_of_stack()
        who = identities.role_principal(role_arn, cloudformation.SESSION_NAME) if role_arn else None
        if who is None:
            return origin
        return replace(origin, username=cloudformation.SESSION_NAME, user_identity=self._identity(who))

    def origin_of_role(
        self, role_arn: str, session_name: str, service: str, context: Context | None = None
    ) -> Origin | None:
        """Where a call of an AWS service comes from that acts as a role, in the account and region of the request; None
        when it may not assume the role.

        :param service: such as `states.amazonaws.com`.
        :param context: what conditions of the trust policy can ask of the service's request.
        """
        who = identities.role_principal(role_arn, session_name)
        if who is None or not identities.may_assume(service, role_arn, context):
            return None
        identity = {**self._identity(who), "invokedBy": service}
        return Origin(who.account, core.region_of_request(), session_name, identity, service, service)

    def refused_to_role(self, call: Call, request: Request, origin: Origin, role_arn: str) -> Answer | None:
        """The error for a call that an AWS service makes as a role, and that the role may not make.

        :param origin: as `origin_of_role` gives it.
        """
        who = identities.role_principal(role_arn, origin.username)
        if who is None:
            return _answer(call, f"There is no role {role_arn}.")
        api = _api_call(call, request, origin, who)
        facts = _Facts(self._now, api, _StackSignature(""), origin, request, who, via="")
        refused = _not_in_the_lab(call, api) or self._decided(call, api, facts)
        return refused or act_error(call) or empty_list(call) or _dry_run(call)

    def _identity(self, who: Principal) -> dict[str, Any]:
        """The userIdentity of a session of a role that an AWS service has."""
        issuer = {
            "type": "Role",
            "principalId": who.user_id.partition(":")[0],
            "arn": who.role_arn,
            "accountId": who.account,
            "userName": who.role_arn.rpartition("/")[2],
        }
        attributes = {"creationDate": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"), "mfaAuthenticated": "false"}
        return {
            "type": "AssumedRole",
            "principalId": who.user_id,
            "arn": who.arn,
            "accountId": who.account,
            "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
        }

    def require_all_of(self, prefix: str, what: str, origin: Origin) -> None:
        """Makes sure that the role or the caller of a stack may do everything of a service.

        :param prefix: of the service's actions, such as `iam`.
        :param what: it is for, such as a type of resources.
        :raises LabError: it may not.
        """
        who = _of_stack(origin)
        if who is None or not self._may_do_all_of(prefix, who, origin):
            raise LabError(
                f"The lab does not know which permissions {what} needs in AWS, so that only an identity that may do "
                f"everything of {prefix} can have it in a stack here. User: {who.arn if who else 'nobody'} may not."
            )

    def _may_do_all_of(self, prefix: str, who: Principal, origin: Origin) -> bool:
        signature = _StackSignature(str(origin.user_identity.get("accessKeyId", "")))
        nothing = Request("", "", "", {}, b"")
        facts = _Facts(self._now, _unknown_call(prefix, origin), signature, origin, nothing, who, _CLOUDFORMATION)
        return _may_do(_all_of(prefix) if prefix in IAM_PREFIXES else [_ANY_ACTION], facts)

    def _decided(self, call: Call, api: ApiCall, facts: "_Facts") -> Answer | None:
        who = facts.who
        if not _is_read(call):
            if _may_do_everything(facts):
                return None
            return _answer(call, _UNREAD.format(f"this call of {call.service}:{call.operation.name}", who.arn))
        asked_of_kms.set(())
        s3.kept_objects.set({})
        kept: dict[tuple[str, str], str] = {}
        try:
            for need in needs_of(api, _RESOURCES):
                found = _refusal(need, facts, who)
                if found is None and not unusable_keys.is_use(need):
                    continue
                if found is not None and api.operation == "DeleteObjects" and need.is_resource_known:
                    kept.setdefault(_object_of(need), _message(found, who))
                    continue
                answer = _refused_need(call, need, found, who)
                if answer is not None:
                    return answer
        except Unknown:
            if not _may_do_everything(facts):
                return _answer(call, _UNKNOWN.format(f"{call.service}:{call.operation.name}", who.arn))
        if kept:
            s3.kept_objects.set(kept)
        return (
            policy_error(call, facts.request, facts.api.account)
            or _lockout(call, api, facts)
            or unusable_keys.error_of_kms(call)
        )


def _object_of(need: Need) -> tuple[str, str]:
    """Key and version ('' for the newest one) of an object that is to be deleted."""
    _, _, key = need.resource.removeprefix("arn:aws:s3:::").partition("/")
    return key, need.keys.get("s3:versionid", ("",))[0]


def _refused_need(call: Call, need: Need, found: Refusal | None, who: Principal) -> Answer | None:
    """The error for a need that policies refuse, or that is for a key which cannot be used; None for another one."""
    message = _message(found, who) if found else ""
    if unusable_keys.is_use(need):
        fault = unusable_keys.Fault("AccessDenied", message) if found else unusable_keys.fault(need)
        asked_of_kms.set((*asked_of_kms.get(), unusable_keys.use(need, fault)))
        if found is None:
            return unusable_keys.error(call, need, fault) if fault else None
    return _answer(call, message)


def _lockout(call: Call, api: ApiCall, facts: "_Facts") -> Answer | None:
    """The error for a key's policy under which its caller could not change the policy any more.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html (BypassPolicyLockoutSafetyCheck)
    """
    policy = str(api.parameters.get("Policy") or "")
    is_bypassed = str(api.parameters.get("BypassPolicyLockoutSafetyCheck", "")).lower() == "true"
    if api.service != "kms" or api.operation not in ("CreateKey", "PutKeyPolicy") or not policy or is_bypassed:
        return None
    need = Need(_PUT_KEY_POLICY, is_resource_known=False)
    asked = Asked(need.action, need.resource, _Context(facts, need), is_resource_known=False)
    try:
        found = refusal(asked, facts.who, ResourcePolicy(policy, api.account, is_required=True))
    except ValueError:
        return None  # it is no policy, which KMS says in its own words
    if found is None or found.policy != RESOURCE:
        return None
    message = "The new key policy will not allow you to update the key policy in the future."
    return error_answer(call.service, call.protocol, 400, "MalformedPolicyDocumentException", message)


# How services answer a call that asks only whether its caller may make it.
_DRY_RUNS = {
    "ec2": ("DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    "kms": ("DryRunOperationException", "The request was rejected because the DryRun parameter was specified."),
}


def _dry_run(call: Call) -> Answer | None:
    """The error for a call that is not to be carried out.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
    """
    if call.service not in _DRY_RUNS or not (call.parameters or {}).get("DryRun"):
        return None
    code, message = _DRY_RUNS[call.service]
    return error_answer(call.service, call.protocol, 412, code, message)


def _unusable_role(call: Call, api: ApiCall) -> Answer | None:
    """The error for a stack's role that CloudFormation may not assume.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
    """
    role_arn = str(api.parameters.get("RoleARN") or "")
    if not role_arn or identities.may_assume(_CLOUDFORMATION, role_arn):
        return None
    message = f"Role {role_arn} is invalid or cannot be assumed"
    return error_answer(call.service, call.protocol, 400, "ValidationError", message)


def _of_stack(origin: Origin) -> Principal | None:
    """As whom CloudFormation calls for the stack that is being deployed: its role, or else the request's caller."""
    role_arn = cloudformation.role_of_stack()
    if role_arn:
        return identities.role_principal(role_arn, cloudformation.SESSION_NAME)
    return identities.principal(str(origin.user_identity.get("accessKeyId", "")))


@dataclass(frozen=True, slots=True)
class _StackSignature:
    """That of a call that CloudFormation makes for a caller."""

    access_key_id: str
    algorithm: str = "AWS4-HMAC-SHA256"
    service: str = ""
    is_presigned: bool = False
    moment: float = 0.0


_CLOUDFORMATION = "cloudformation.amazonaws.com"


# What a session of a user or of the root, which no role gave it, may ask of STS.
_STS_OF_SESSIONS = {
    "User": ("AssumeRole", "GetCallerIdentity"),
    "Root": ("AssumeRole", "GetCallerIdentity"),
    "FederatedUser": ("GetCallerIdentity",),
}


_BY_LASTING_KEYS = frozenset({"GetFederationToken", "GetSessionToken"})


def _kept_out(call: Call, access_key_id: str, who: Principal) -> Answer | None:
    """The error for a call of IAM or STS that no policy can allow the root or the session that makes it.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (the root may assume no role)

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
    """
    if who.is_root and call.service == "sts" and call.operation.name == "AssumeRole":
        return _answer(call, "Roles may not be assumed by root accounts.")
    kind, has_mfa = identities.session_kind(access_key_id)
    if kind == "AssumedRole" and call.service == "sts" and call.operation.name in _BY_LASTING_KEYS:
        return _answer(call, f"Cannot call {call.operation.name} with session credentials")
    if kind not in _STS_OF_SESSIONS:
        return None
    if call.service == "iam" and (kind == "FederatedUser" or not has_mfa):
        message = "The security token included in the request is invalid"
        return error_answer(call.service, call.protocol, 403, "InvalidClientTokenId", message)
    if call.service == "sts" and call.operation.name not in _STS_OF_SESSIONS[kind]:
        return _answer(call, f"Cannot call {call.operation.name} with session credentials")
    return None


def _not_in_the_lab(call: Call, api: ApiCall) -> Answer | None:
    """The error for a call of S3 for what the lab does not have, or for a bucket of another owner than the call says.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    """
    if call.service != "s3":
        return None
    owner, bucket = api.headers.get("x-amz-expected-bucket-owner"), api.parameters.get("Bucket")
    found = s3.bucket_facts(str(bucket)) if owner and bucket else None
    if found is not None and found.account != owner:
        return _answer(call, "Access Denied")
    if call.operation.name == "GetObjectTorrent":  # which S3 no longer has
        message = "The specified method is not allowed against this resource."
        return error_answer(call.service, call.protocol, 405, "MethodNotAllowed", message)
    if any(identities.is_access_point(each) for each in _buckets(api)):
        return _answer(call, "The lab lets nobody use a bucket through an access point.")
    return None


def _buckets(api: ApiCall) -> tuple[str, str]:
    return str(api.parameters.get("Bucket") or ""), copy_source(api.headers)[0]


_CHAINED_SECONDS = 60 * 60


def _too_long(call: Call, api: ApiCall, access_key_id: str) -> Answer | None:
    """The error for a session of a role that would last longer than it may.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html#id_roles_update-session-duration
    """
    wanted = str(api.parameters.get("DurationSeconds") or "")
    if not api.operation.startswith("AssumeRole") or not wanted.isdecimal():
        return None
    kind, _ = identities.session_kind(access_key_id)
    if kind == "AssumedRole" and api.operation == "AssumeRole" and int(wanted) > _CHAINED_SECONDS:
        what = "the 1 hour session limit for roles assumed by role chaining."
    elif int(wanted) > identities.longest_session(str(api.parameters.get("RoleArn") or "")):
        what = "the MaxSessionDuration set for this role."
    else:
        return None
    message = f"The requested DurationSeconds exceeds {what}"
    return error_answer(call.service, call.protocol, 400, "ValidationError", message)


def _chained(api: ApiCall, access_key_id: str) -> sts.Chained:
    if api.operation != "AssumeRole":
        return sts.Chained(sts.Handed())
    keys = frozenset(str(each).lower() for each in api.parameters.get("TransitiveTagKeys") or ())
    return sts.Chained(sts.handed_on_by(access_key_id), str(api.parameters.get("SourceIdentity") or ""), keys)


def _chain_error(call: Call, api: ApiCall) -> Answer | None:
    """The error for a session of a role that would have another source identity, or another value of a transitive tag,
    than the session that asks for it.
    """
    made, tags = sts.chained.get(), api.parameters.get("Tags") or ()
    began = made.inherited.source_identity
    if began and made.source_identity not in ("", began):
        message = "The source identity is already set for this assume role session"
        return error_answer(call.service, call.protocol, 400, "ValidationError", message)
    keys = {str(each.get("Key", "")).lower() for each in tags if isinstance(each, Mapping)}
    if keys & {each.lower() for each in made.inherited.tags}:
        message = (
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session."
        )
        return error_answer(call.service, call.protocol, 400, "InvalidParameterValue", message)
    return None


def _is_device_of(who: Principal, api: ApiCall) -> bool:
    is_own = identities.has_device(who.account, api.caller_user, str(api.parameters["SerialNumber"]))
    return is_own and _CODE.fullmatch(str(api.parameters.get("TokenCode", ""))) is not None


def _api_call(call: Call, request: Request, origin: Origin, who: Principal) -> ApiCall:
    is_s3 = call.service == "s3"
    name = call.operation.name
    parameters = call.parameters if _has_body(call) else call.labels
    return ApiCall(
        service=call.service,
        prefix=_prefix(call.service),
        operation=name,
        parameters=parameters or {},
        account=origin.account,
        region=catalogue.home_region(call.service) or origin.region,
        method=request.method,
        path=unquote(request.path),
        caller_user=who.arn.rpartition("/")[2] if ":user/" in who.arn else "",
        headers=request.headers if is_s3 else {},
        query=request.query_fields() if is_s3 else {},
    )


@cache
def _prefix(service: str) -> str:
    """The prefix of a service's actions, by botocore's name of the service."""
    return prefix_of(str(catalogue.service_model(service).signing_name))


def _has_body(call: Call) -> bool:
    """Whether what a call needs may stand in its body."""
    return call.service != "s3" or call.operation.name in _S3_BODIES


def _is_read(call: Call) -> bool:
    return not _has_body(call) or call.parameters is not None


def _unknown_call(service: str, origin: Origin) -> ApiCall:
    """A call of a service of which nothing else is known.

    :param service: the name that requests are signed with, or the prefix of its actions.
    """
    return ApiCall(service, prefix_of(service), _UNKNOWN_ACTION, {}, origin.account, origin.region)


def _all_of(prefix: str) -> list[str]:
    """The actions of a service, and one that is not among them: who may do only some of them must be refused, and so
    must who is denied one.
    """
    about = reference(prefix)
    return [f"{prefix}:{_UNKNOWN_ACTION}", *(each.name for each in (about.actions.values() if about else ()))]


def _may_do_everything(facts: "_Facts") -> bool:
    """Whether a caller may do whatever a call turns out to need: of its service, and giving a role to it."""
    return _may_do([_ANY_ACTION, "iam:PassRole", *_all_of(facts.api.prefix)], facts)


def _may_do(actions: list[str], facts: "_Facts") -> bool:
    """Whether a caller may take all of these actions on whatever resource."""
    for action in actions:
        need = Need(action, is_resource_known=False)
        asked = Asked(action, need.resource, _Context(facts, need), is_resource_known=False)
        if refusal(asked, facts.who, None) is not None:
            return False
    return True


def _refusal(need: Need, facts: "_Facts", who: Principal) -> Refusal | None:
    asked = Asked(need.action, need.resource, _Context(facts, need), need.is_resource_known, need.is_of_form)
    resource = _resource_policy(need, facts)
    if need.action in _WITH_PROVIDER and resource is not None:
        return _provider_refusal(asked, resource, facts)
    if resource is not None and need.action.startswith("kms:"):
        resource = replace(resource, granted=_granted(need, asked, facts))
    if who.is_root and need.action in _POLICY_OF_BUCKET and resource is not None and resource.account == who.account:
        return None  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html
    return refusal(asked, who, resource)


def _granted(need: Need, asked: Asked, facts: "_Facts") -> Named:
    """What the grants of a key allow. Whether somebody may retire a grant, that grant alone says:
    https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html
    """
    given = facts.api.parameters
    if need.action == "kms:RetireGrant":
        return granted(identities.grant_to_retire(given), asked, facts.who)
    wanted = identities.grant_of(given) if need.action == "kms:CreateGrant" else None
    return granted(identities.grants(need.resource), asked, facts.who, wanted)


def _resource_policy(need: Need, facts: "_Facts") -> ResourcePolicy | None:
    """The policy of what a need is for. Who has a bucket of the name that somebody wants for a new one has no say in
    that: S3 answers BucketAlreadyExists (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
    """
    is_new = facts.api.service == "s3" and facts.api.operation == "CreateBucket"
    return None if is_new else identities.resource_policy(need.action, need.resource)


def _provider_refusal(asked: Asked, resource: ResourcePolicy, facts: "_Facts") -> Refusal | None:
    """Who brings an identity provider's token or assertion is allowed by the role's trust policy alone."""
    policy = document(resource.text) if resource.text else document("{}")
    provider = facts.provider
    if any(names_provider(each, provider) and each.is_about(asked) for each in policy.denies):
        return Refusal(asked, TRUST, is_explicit=True)
    if any(names_provider(each, provider) and each.is_about(asked) for each in policy.allows):
        return None
    return Refusal(asked, TRUST, is_explicit=False)


class _Facts:
    """What conditions can ask of a request, worked out when one does."""

    def __init__(
        self,
        now: Callable[[], datetime],
        api: ApiCall,
        signature: Signed,
        origin: Origin,
        request: Request,
        who: Principal,
        via: str,
    ) -> None:
        self.now = now
        self.via = via
        self.api = api
        self._signature = signature
        self.origin = origin
        self.request = request
        self.who = who

    def values(self, name: str) -> tuple[str, ...] | None:
        """The values of a key that every need of the call has; most policies ask for a few that are found at once."""
        value_of = _ALWAYS.get(name)
        if value_of is None or (name == "aws:sourceip" and self.via):
            return self.keys.get(name)
        return (value_of(self),)

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The keys of every need of the call."""
        who, request = self.who, self.request
        found: dict[str, tuple[str, ...]] = {name: (value_of(self),) for name, value_of in _ALWAYS.items()}
        if self.via:
            del found["aws:sourceip"]
            found |= dict.fromkeys(("aws:calledvia", "aws:calledviafirst", "aws:calledvialast"), (self.via,))
        if "referer" in request.headers:
            found["aws:referer"] = (request.headers["referer"],)
        found |= {name: (value,) for name, value in identities.principal_keys(self._signature.access_key_id, who)}
        found |= parameter_keys(self.api) | _request_tags(self.api.parameters)
        if identities.with_mfa.get():
            found |= {"aws:multifactorauthpresent": ("true",), "aws:multifactorauthage": ("0",)}
        if self.api.service == "s3":
            found |= self._of_s3()
        return found

    def _of_s3(self) -> dict[str, tuple[str, ...]]:
        signature = self._signature
        is_old = signature.algorithm == "AWS"
        return {
            "s3:authtype": ("REST-QUERY-STRING" if signature.is_presigned else "REST-HEADER",),
            "s3:signatureage": (str(max(0, int((self.now().timestamp() - signature.moment) * 1000))),),
            "s3:signatureversion": ("AWS" if is_old else signature.algorithm,),
            "s3:tlsversion": ("1.3",),
        }

    @cached_property
    def provider(self) -> str:
        """The identity provider whose token or assertion the call brings."""
        if self.api.service == "cognito-identity":
            return "cognito-identity.amazonaws.com"
        return identities.provider(self.api.parameters, str(self.api.parameters.get("RoleArn", "")))


def _principal_type(who: Principal) -> str:
    if who.is_root:
        return "Account"
    return "AssumedRole" if who.role_arn else "FederatedUser" if ":federated-user/" in who.arn else "User"


# The keys that every request has.
_ALWAYS: dict[str, Callable[[_Facts], str]] = {
    "aws:currenttime": lambda facts: facts.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    "aws:epochtime": lambda facts: str(int(facts.now().timestamp())),
    "aws:principalaccount": lambda facts: facts.who.account,
    "aws:principalarn": lambda facts: facts.who.role_arn or facts.who.arn,
    "aws:principalisawsservice": lambda _facts: "false",
    "aws:principaltype": lambda facts: _principal_type(facts.who),
    "aws:requestedregion": lambda facts: facts.api.region,
    "aws:securetransport": lambda _facts: "true",
    "aws:sourceip": lambda facts: facts.origin.source_ip_address,
    "aws:useragent": lambda facts: facts.origin.user_agent,
    "aws:viaawsservice": lambda facts: "true" if facts.via else "false",
}


class _Context(Mapping[str, tuple[str, ...]]):
    """The context of one need: keys of its own, those of the call, and those of its resource."""

    def __init__(self, facts: _Facts, need: Need) -> None:
        self._facts = facts
        self._need = need

    def get(self, name: str, default: Any = None) -> Any:
        """The values of a key, in lower case."""
        try:
            return self[name]
        except KeyError:
            return default

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name == "aws:sourceip" and self._is_by_service:
            raise KeyError(name)
        found = self._need.keys.get(name) or self._facts.values(name)
        if not found:
            found = (self._tags if "resourcetag/" in name else self._of_resource).get(name)
        if not found:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        names = {**self._facts.keys, **self._of_resource, **self._tags, **self._need.keys}
        return iter(name for name in names if name != "aws:sourceip" or not self._is_by_service)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def _is_by_service(self) -> bool:
        """Whether a service asks for its caller, and from its own address.

        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-aws.html#conditions-aws-ip-address
        """
        return self._need.keys.get("aws:viaawsservice") == ("true",)

    @cached_property
    def _of_resource(self) -> dict[str, tuple[str, ...]]:
        resource, prefix = self._need.resource, self._need.action.partition(":")[0]
        policy = _resource_policy(self._need, self._facts)
        owner = policy.account if policy else self._facts.api.account
        found: dict[str, tuple[str, ...]] = {"aws:resourceaccount": (owner,)}
        if prefix == "s3":
            found["s3:resourceaccount"] = (owner,)
            bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
            version = self._need.keys.get("s3:versionid", ("",))[0]
            tags = identities.object_tags(bucket, key, version) if key else {}
            found |= {f"s3:existingobjecttag/{name}".lower(): (value,) for name, value in tags.items()}
        if prefix == "kms":
            found |= {f"kms:{name}": (value,) for name, value in identities.key_keys(resource).items()}
            found["kms:calleraccount"] = (self._facts.keys["aws:principalaccount"][0],)
            aliases = identities.aliases(resource)
            found |= {"kms:resourcealiases": aliases} if aliases else {}
        return found

    @cached_property
    def _tags(self) -> dict[str, tuple[str, ...]]:
        """Of the resource, which may take long to find."""
        resource, prefix = self._need.resource, self._need.action.partition(":")[0]
        found: dict[str, tuple[str, ...]] = {}
        if self._need.is_resource_known and resource.startswith("arn:"):
            for name, value in identities.resource_tags(resource).items():
                found[f"aws:resourcetag/{name}".lower()] = (value,)
                found[f"{prefix}:resourcetag/{name}".lower()] = (value,)
        return found


def _request_tags(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The keys of the tags that a call sets, and of those that it names to remove them.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
    """
    tags: dict[str, str] = {}
    for member in ("Tags", "tags", "TagList", "TagSpecifications", "TagSpecification"):
        if member in parameters:
            tags |= _tags(parameters[member])
    names = [*tags, *_strings(parameters.get("TagKeys") or parameters.get("tagKeys"))]
    found: dict[str, tuple[str, ...]] = {f"aws:requesttag/{name}".lower(): (value,) for name, value in tags.items()}
    return {**found, "aws:tagkeys": tuple(names)} if names else found


def _tags(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(name): str(each) for name, each in value.items()}
    found: dict[str, str] = {}
    for each in value if isinstance(value, list) else ():
        if not isinstance(each, Mapping):
            continue
        if "Tags" in each:
            found |= _tags(each["Tags"])
        name = next((each[name] for name in ("Key", "key", "TagKey") if name in each), None)
        if name is not None:
            found[str(name)] = str(next((each[part] for part in ("Value", "value", "TagValue") if part in each), ""))
    return found


def _strings(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _message(found: Refusal, who: Principal) -> str:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    action, resource = found.asked.action, found.asked.resource
    shown = f'"{resource}"' if action.startswith("s3:") else resource
    is_for_none = (resource == "*" and action.startswith("ec2:")) or action == "s3:ListAllMyBuckets"
    on_resource = "" if is_for_none else f" on resource: {shown}"
    text = f"User: {who.arn} is not authorized to perform: {action}{on_resource}"
    if action == "sts:AssumeRole" and not found.is_explicit and found.policy in (IDENTITY, TRUST):
        return text  # whether there is such a role, nobody else learns
    if action in _WITH_PROVIDER:
        return f"Not authorized to perform {action}"
    return f"{text} {found.reason()}"


_EC2 = "You are not authorized to perform this operation."


def _answer(call: Call, message: str) -> Answer:
    """The error of a refused call, as the service of the call writes it."""
    service, protocol = call.service, call.protocol
    if service == "ec2":
        return error_answer(service, protocol, 403, "UnauthorizedOperation", f"{_EC2} {message}")
    if service == "sns":
        return error_answer(service, protocol, 403, "AuthorizationError", message)
    if service == "s3" or protocol in ("query", "rest-xml"):
        return error_answer(service, protocol, 403, "AccessDenied", message)
    if service == "sqs":
        status, headers, body = error_answer(service, protocol, 403, "AccessDenied", message)
        return status, headers | {"x-amzn-query-error": "AccessDenied;Sender"}, body
    return error_answer(service, protocol, 403 if protocol == "rest-json" else 400, "AccessDeniedException", message)


def _undecoded(request: Request, signature: Signed, who: Principal) -> Answer:
    protocol = "json" if "x-amz-target" in request.headers else "rest-json"
    message = _UNKNOWN.format(f"this call of {signature.service}", who.arn)
    return error_answer(signature.service, protocol, 403, "AccessDeniedException", message)
