"""From a call of an API to what its caller needs: actions on resources, with the keys that conditions can look at.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

Most operations have an action of the same name, and name their resources in parameters that are called as in the ARN's
format. What differs is in `special_needs` and `s3_needs`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Protocol

from lab.authorization.service_authorization import Action, Reference, reference

Keys = Mapping[str, tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OF_EVERY_ARN = {"Partition", "Region", "Account"}
# Operations that make a resource: before it exists, it has no name that a policy could be about.
_MAKES = re.compile("Create|Run|Register|Import|Allocate|Request|Copy|Restore|Purchase")
# And those that need all their resources, although a call may name one of them alone.
_USES = re.compile("Put|Start|Submit|Send|Publish")
_READS = re.compile("Get|List|Describe|BatchGet|Lookup|Search|Query|Test|Validate")
_ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::\d+:role/")
_SAYS_ROLE = re.compile("role|credentials")
# What holds a role's ARN and gives the role to nobody: whom something is for, what is tagged, and texts.
_ONLY_NAMES_A_ROLE = re.compile(
    "principal|grantee|owner|user|resource|message|description|policy|input|payload|^(value|parametervalue|data|s)$"
)
# Members whose names and values are the caller's own.
_DATA = frozenset({"environment", "environmentvariables", "stagevariables", "taglist", "tags", "variables"})
# The lab's own: no parameter of AWS's models that holds a resource's name is nearly as deep.
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call: the service by botocore's name, the prefix of its actions, and parameters by member name.

    :param caller_user: the name of the IAM user who calls; '' for other callers.
    :param headers: by lower-case name; `query` is the decoded query string.
    """

    service: str
    prefix: str
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    method: str = ""
    path: str = ""
    caller_user: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """An action on a resource that a caller needs for a call.

    :param resource: an ARN; `*` for an action that is for no resource of its own.
    :param keys: condition keys of this action, in lower case, beside those of every request.
    :param is_resource_known: whether the resource is the one that the call is about, or may be any.
    :param is_of_form: of one that is not known, whether it has the form of `resource`, whose `*` stand for anything.
    """

    action: str
    resource: str = "*"
    keys: Keys = field(default_factory=dict)
    is_resource_known: bool = True
    is_of_form: bool = False


class Unknown(Exception):
    """The lab does not know which permission an operation needs."""


class Lookup(Protocol):
    """What the services of the lab know of resources. Each answer is '' for what is not there."""

    def handed_on(self) -> tuple[str, bool]:
        """Who began the chain of roles that a call of STS goes on with, and whether tags are handed on in it."""

    def iam_arn(self, kind: str, name: str, account: str) -> str:
        """The ARN of a user, role, group or instance profile."""

    def user_of_access_key(self, access_key_id: str) -> str:
        """The name of the user whose key it is."""

    def boundary_arn(self, kind: str, name: str, account: str) -> str:
        """The ARN of the permissions boundary of a user or a role."""

    def key_arn(self, name: str) -> str:
        """The ARN of a KMS key, named by its id, its ARN, or an alias."""

    def named_key_arn(self, name: str) -> str:
        """The ARN of a KMS key, or of an alias, that something is to be encrypted with, also where there is none."""

    def key_of_ciphertext(self, ciphertext: bytes) -> str:
        """The ARN of the KMS key that encrypted it."""

    def key_of_alias(self, name: str) -> str:
        """The ARN of the key that an alias (`alias/...`) belongs to."""

    def key_of_grant(self, token: str, grant_id: str) -> str:
        """The ARN of the key that a grant is for."""

    def secret_arn(self, name: str) -> str:
        """The ARN of a secret, named by its name or its ARN."""

    def secrets_found(self, filters: list[Any]) -> list[str]:
        """The ARNs of the secrets that filters of Secrets Manager find."""

    def object_key_arn(self, bucket: str, key: str, version: str) -> str:
        """The ARN of the KMS key that encrypts an object; '' for one of S3's own."""

    def new_object_key_arn(self, bucket: str, headers: Mapping[str, str]) -> str:
        """The ARN of the KMS key that will encrypt an object that is written with these headers."""

    def upload_key_arn(self, bucket: str, upload_id: str) -> str:
        """The ARN of the KMS key of a multipart upload."""

    def has_object(self, bucket: str, key: str) -> bool:
        """Whether a bucket has an object."""

    def bucket_region(self, bucket: str) -> str:
        """Where a bucket is."""

    def uses_bucket_key(self, bucket: str) -> bool:
        """Whether a bucket has an S3 Bucket Key."""

    def encryption_key(self, service: str, resource: str) -> str:
        """The ARN of the customer managed key that encrypts a topic, a queue, a secret or a parameter."""

    def parameters_below(self, path: str, *, is_recursive: bool) -> list[str]:
        """The names of the parameters of SSM below a path, at any depth or directly."""

    def role_of_instance_profile(self, name: str) -> str:
        """The ARN of the role of an instance profile, by name or ARN."""

    def stack_of_change_set(self, change_set: str) -> str:
        """The ARN of the stack that a change set, named by its ARN, is for."""

    def stream_of_iterator(self, service: str, iterator: str) -> str:
        """The ARN of the stream of Kinesis or DynamoDB whose records an iterator is for."""

    def identity_role(self, identity: str, *, has_logins: bool) -> tuple[str, str, str]:
        """Of an identity of Cognito: the id of its pool, how it signs in (`authenticated` or `unauthenticated`), and
        the ARN of the role that the pool has for that.
        """


Special = Callable[[ApiCall, Lookup], Iterator[Need]]


def action_of(prefix: str, operation: str) -> Action:
    """The action of a service that has the name of an operation.

    :raises Unknown: there is none.
    """
    found = reference(prefix)
    action = found.actions.get(operation.lower()) if found else None
    if action is None:
        raise Unknown
    return action


def generic(call: ApiCall, action: Action, keys: Keys | None = None) -> Iterator[Need]:
    """What a caller needs for an action, by the parameters of the call."""
    about = _reference(call.prefix)
    keys = keys or {}
    if not action.resources:
        yield Need(action.name, keys=keys)
        return
    values = _values(call.parameters)
    found: list[str] = []
    is_lacking = False
    for kind, is_required in action.resources:
        arns = list(_arns(call, about.arn_formats.get(kind, ""), kind, values))
        found += arns
        is_lacking = is_lacking or (is_required and not arns)
    if is_lacking:
        is_new = _MAKES.match(call.operation) is not None
        if is_new or _USES.match(call.operation):
            for kind, is_required in action.resources:
                form = about.arn_formats.get(kind, "")
                if is_required and not any(_matches(form, arn) for arn in found):
                    # What AWS gives an id to has none yet; what has a name may have any.
                    is_known = is_new and _is_numbered(form)
                    yield Need(action.name, filled(form, call, {}), keys, is_known, is_of_form=is_new)
        elif not found:
            kinds = [kind for kind, is_required in action.resources if is_required]
            yield Need(
                action.name, filled(about.arn_formats.get(kinds[0], ""), call, {}), keys, is_resource_known=False
            )
    for arn in dict.fromkeys(found):
        yield Need(action.name, arn, keys)
    if not found and not is_lacking:  # what a call changes, it names in a way that the lab does not know
        yield Need(action.name, keys=keys, is_resource_known=_READS.match(call.operation) is not None)


def _is_numbered(form: str) -> bool:
    """Whether AWS itself makes the last part of an ARN of a format, or it has no part of its own."""
    variables = _variables(form)
    return not variables or variables[-1].lower().endswith("id")


def passed_roles(call: ApiCall, lookup: Lookup) -> Iterator[Need]:
    """`iam:PassRole` for every role that a call gives to a service: by ARN, in whichever parameter, by name in one
    that is called so, or by an instance profile.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    if _READS.match(call.operation):
        return
    service = _PASSED_TO.get(call.prefix, f"{call.prefix}.amazonaws.com")
    for role in dict.fromkeys(_roles(call, lookup)):
        if role:
            yield Need("iam:PassRole", role, {"iam:passedtoservice": (service,)})


def _roles(call: ApiCall, lookup: Lookup) -> Iterator[str]:
    """The ARN of each role, '' for what turns out to be none."""
    is_gateway = call.prefix == "apigateway"  # whose changes come as paths with a `value`
    for name, value in _values(_without_data(call.parameters)):
        lowered = name.lower()
        if _ROLE_ARN.match(value):
            if is_gateway or _SAYS_ROLE.search(lowered) or not _ONLY_NAMES_A_ROLE.search(lowered):
                yield value
        elif lowered in _INSTANCE_PROFILES or _INSTANCE_PROFILE_ARN.match(value):
            yield lookup.role_of_instance_profile(value)
        elif _NAMES_A_ROLE.search(lowered):
            yield lookup.iam_arn("role", value.rpartition("/")[2], call.account)
    profile = call.parameters.get("IamInstanceProfile")
    if isinstance(profile, Mapping) and profile.get("Name"):
        yield lookup.role_of_instance_profile(str(profile["Name"]))


def _without_data(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters without those of the first level that hold data."""
    return {name: value for name, value in parameters.items() if name.lower() not in _DATA}


def parameter_keys(call: ApiCall) -> dict[str, tuple[str, ...]]:
    """The service's own condition keys that are called as a parameter of the call, such as `ec2:InstanceType`."""
    about = reference(call.prefix)
    names = about.condition_keys if about else frozenset()
    found: dict[str, tuple[str, ...]] = {}
    for name, value in call.parameters.items():
        if name.lower() in names and isinstance(value, str | int | float) and value != "":
            found[f"{call.prefix}:{name}".lower()] = (str(value).lower() if isinstance(value, bool) else str(value),)
    return found


def filled(form: str, call: ApiCall, values: Mapping[str, str]) -> str:
    """An ARN of a format; what of it is not known is `*`, as AWS has it for what does not exist yet."""
    known = {"Partition": "aws", "Region": call.region, "Account": call.account, **values}
    return _VARIABLE.sub(lambda found: known.get(found[1], "*"), form) or "*"


def _reference(prefix: str) -> Reference:
    found = reference(prefix)
    if found is None:
        raise Unknown
    return found


# What holds an instance profile by its name; JobFlowRole is EMR's.
_INSTANCE_PROFILES = frozenset({"iaminstanceprofile", "instanceprofilename", "jobflowrole"})
_INSTANCE_PROFILE_ARN = re.compile(r"arn:aws[\w-]*:iam::\d+:instance-profile/")
_NAMES_A_ROLE = re.compile("role(arn|name)?$")
_PASSED_TO = {
    "autoscaling": "ec2.amazonaws.com",
    "config": "config.amazonaws.com",
    "elasticmapreduce": "elasticmapreduce.amazonaws.com",
    "s3": "s3.amazonaws.com",
}


def _values(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The texts of parameters with the name of the member that has them, at any depth.

    :raises Unknown: they are deeper than anything that AWS has, so that a name may be hidden in there.
    """
    found: list[tuple[str, str]] = []
    _collect("", parameters, found, 0)
    return found


def _collect(name: str, value: Any, found: list[tuple[str, str]], depth: int) -> None:
    if depth > _DEEPEST:
        raise Unknown
    if isinstance(value, str):
        found.append((name, value))
    elif isinstance(value, Mapping):
        for member, inner in value.items():
            _collect(str(member), inner, found, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _collect(name, inner, found, depth + 1)


def _arns(call: ApiCall, form: str, kind: str, values: list[tuple[str, str]]) -> Iterator[str]:
    """The resources of a type that a call names: by ARN, and by what its format has in it. An ARN may stand anywhere,
    as in data that a call brings, and so it takes nothing from what the call names in the fields of its own.
    """
    if not form:
        return
    by_arn = [(name, value) for name, value in values if value.startswith("arn:") and _matches(form, value)]
    yield from (value for _, value in by_arn)
    variables = _variables(form)
    if not variables:
        yield filled(form, call, {})
        return
    *outer, last = variables
    known = {each: one for each in outer if (one := next(_named(each, kind, values), None)) is not None}
    for value in _named(last, kind, values):
        yield filled(form, call, {**known, last: value})
    is_named = any(_names_by_arn(name, last, kind) for name, _ in by_arn)
    if known and not is_named and not any(True for _ in _named(last, kind, values)):
        yield filled(form, call, known)


def _names_by_arn(name: str, variable: str, kind: str) -> bool:
    """Whether an ARN in a member of this name is the resource's, as in `service` beside `cluster`."""
    return name.lower().endswith(("arn", "arns")) or name.lower() in _names_of(variable, kind)


def _named(variable: str, kind: str, values: list[tuple[str, str]]) -> Iterator[str]:
    names = _names_of(variable, kind)
    for name, value in values:
        if value and not value.startswith("arn:") and name.lower() in names:
            yield value


@lru_cache(maxsize=4096)
def _names_of(variable: str, kind: str) -> frozenset[str]:
    """The names of members, in lower case, that hold a part of an ARN.

    :param variable: the part's name in the ARN's format, such as `TableName`.
    :param kind: the type of the resource, such as `table`.
    """
    name, plain = variable.lower().removesuffix("withpath"), re.sub("[^a-z]", "", kind.lower())
    base = re.sub("(name|id|identifier)$", "", name)
    names = {name, f"{name}s"}
    for each in filter(None, {base, plain} if name != "id" else {plain}):
        ends = ("id", "ids", "identifier") if name.endswith("id") else ("name", "names", "identifier", "")
        names |= {f"{each}{end}" for end in ends}
    names |= _ALSO_NAMED.get(name, frozenset())
    if base.startswith(plain[:4]):
        names |= {"id", "ids"} if name.endswith("id") else {"name", "names"}
    return frozenset(names)


# Parts of ARNs, in lower case, whose members are called otherwise.
_ALSO_NAMED = {
    "clusterparametergroupname": frozenset({"dbclusterparametergroupname"}),
    "dbclusterinstancename": frozenset({"dbclusteridentifier"}),
    "dbinstancename": frozenset({"dbinstanceidentifier"}),
    "groupfriendlyname": frozenset({"autoscalinggroupname", "autoscalinggroupnames"}),
    "keypairname": frozenset({"keyname", "keynames"}),
    "parametergroupname": frozenset({"dbparametergroupname"}),
    "subnetgroupname": frozenset({"dbsubnetgroupname"}),
}


@cache
def _variables(form: str) -> tuple[str, ...]:
    return tuple(each for each in _VARIABLE.findall(form) if each not in _OF_EVERY_ARN)


@lru_cache(maxsize=4096)
def _form_pattern(form: str) -> re.Pattern[str]:
    parts = _VARIABLE.split(form)
    # Every second part is a variable's name; the last one may hold slashes and colons.
    pattern = "".join(
        re.escape(part) if number % 2 == 0 else ("[^:]*" if part in _OF_EVERY_ARN else ".+")
        for number, part in enumerate(parts)
    )
    return re.compile(pattern, re.DOTALL)


def _matches(form: str, arn: str) -> bool:
    return _form_pattern(form).fullmatch(arn) is not None
