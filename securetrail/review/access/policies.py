"""The resources of one side → the policies that decide who may do what with each: bucket, key, topic, role, …

A resource's policy can stand in the resource or in a resource of its own; ACLs and permissions are statements too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from securetrail.review.access.managed import actions_of_managed, only_reads
from securetrail.review.template import Id, NotComparable, Resource
from verify.policy.document import Condition, MalformedPolicy, Patterns, PrincipalPattern, Principals, Statement
from verify.policy.document import parse_policy as parse
from verify.policy.times import later_times

Resources = Mapping[Id, Resource]
# Policies of an organization that take away; others say how resources are tagged or backed up.
GUARDRAIL, GUARDRAILS = "AWS::Organizations::Policy", {"RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"}
# The condition that stands for a managed policy elsewhere: nobody here knows what it allows.
MANAGED_POLICY: Final = "AWS::IAM::ManagedPolicy"
MANAGED, READS = "the managed policy", "the managed policy that only reads"


class Kind(Enum):
    """What is accessed. The value is the name of it for people."""

    BUCKET = "the bucket"
    ACCESS_POINT = "the access point"
    KEY = "the key"
    TOPIC = "the topic"
    QUEUE = "the queue"
    TRUST = "the role"
    FUNCTION = "the function"
    SECRET = "the secret"  # noqa: S105
    EVENT_BUS = "the event bus"
    REPOSITORY = "the repository"
    TABLE = "the table"
    PERMISSIONS = "resources"
    OTHER = "the resource"


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource, and which of its policies: a role has those of its trust and those of its permissions."""

    id: Id
    kind: Kind


@dataclass(frozen=True, slots=True)
class Policies:
    """All that decides about a subject.

    :param layers: a request needs an Allow in each (a permissions boundary is a second one); a Deny in any denies.
    :param settings: what protects beside policies, by name: ``BlockPublicAcls`` → on or off.
    :param unresolved: what a policy has and cannot be resolved.
    :param faults: why a policy cannot be read.
    """

    type: str
    arn: str
    account: str
    layers: tuple[tuple[Statement, ...], ...]
    settings: Mapping[str, int] = field(default_factory=dict)
    unresolved: frozenset[NotComparable] = frozenset()
    faults: tuple[str, ...] = ()


def times(*sides: Mapping[Subject, Policies]) -> tuple[datetime, ...]:
    """Now, and each later time from which on a policy of one of the sides decides otherwise."""
    now = datetime.now(UTC)
    found = (policies for side in sides for policies in side.values())
    return now, *later_times((statement for each in found for layer in each.layers for statement in layer), now)


def at_time(at: datetime) -> str:
    """What requests of a later time have, in words."""
    return f"it is {at:%Y-%m-%d %H:%M} UTC"


# --- which property of which type has a policy ---

_ATTACHED: Final[Mapping[str, tuple[str, str]]] = {
    "AWS::S3::BucketPolicy": ("Bucket", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("Topics", "PolicyDocument"),
    "AWS::SNS::TopicInlinePolicy": ("TopicArn", "PolicyDocument"),
    "AWS::SQS::QueuePolicy": ("Queues", "PolicyDocument"),
    "AWS::SQS::QueueInlinePolicy": ("Queue", "PolicyDocument"),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId", "ResourcePolicy"),
    "AWS::Kinesis::ResourcePolicy": ("ResourceArn", "ResourcePolicy"),
    "AWS::CloudTrail::ResourcePolicy": ("ResourceArn", "ResourcePolicy"),
    "AWS::S3::MultiRegionAccessPointPolicy": ("MrapName", "Policy"),
    "AWS::S3ObjectLambda::AccessPointPolicy": ("ObjectLambdaAccessPoint", "PolicyDocument"),
}
_ONLY_ONES: Final = (
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueueInlinePolicy",
    "AWS::SQS::QueuePolicy",
)
_OWN: Final[Mapping[str, str]] = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::DynamoDB::Table": "ResourcePolicy",
    "AWS::DynamoDB::GlobalTable": "ResourcePolicy",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    "AWS::Events::EventBus": "Policy",
    "AWS::Logs::ResourcePolicy": "PolicyDocument",
    "AWS::Logs::Destination": "DestinationPolicy",
    "AWS::EC2::VPCEndpoint": "PolicyDocument",
}
# The statements of these may be without a resource: it is the one that the policy is of.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
# https://docs.aws.amazon.com/efs/latest/ug/access-control-overview.html
_OF_ITSELF: Final = ("AWS::ECR::Repository", "AWS::EFS::FileSystem")
_KINDS: Final[Mapping[str, Kind]] = {
    "AWS::S3::Bucket": Kind.BUCKET,
    "AWS::S3::BucketPolicy": Kind.BUCKET,
    "AWS::S3::AccessPoint": Kind.ACCESS_POINT,
    "AWS::KMS::Key": Kind.KEY,
    "AWS::KMS::ReplicaKey": Kind.KEY,
    "AWS::SNS::Topic": Kind.TOPIC,
    "AWS::SNS::TopicPolicy": Kind.TOPIC,
    "AWS::SNS::TopicInlinePolicy": Kind.TOPIC,
    "AWS::SQS::Queue": Kind.QUEUE,
    "AWS::SQS::QueuePolicy": Kind.QUEUE,
    "AWS::SQS::QueueInlinePolicy": Kind.QUEUE,
    "AWS::IAM::Role": Kind.TRUST,
    "AWS::Lambda::Function": Kind.FUNCTION,
    "AWS::Lambda::Permission": Kind.FUNCTION,
    "AWS::SecretsManager::Secret": Kind.SECRET,
    "AWS::SecretsManager::ResourcePolicy": Kind.SECRET,
    "AWS::Events::EventBus": Kind.EVENT_BUS,
    "AWS::Events::EventBusPolicy": Kind.EVENT_BUS,
    "AWS::ECR::Repository": Kind.REPOSITORY,
    "AWS::DynamoDB::Table": Kind.TABLE,
    "AWS::DynamoDB::GlobalTable": Kind.TABLE,
}
_PUBLIC_ACCESS_FLAGS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_IDENTITIES: Final = {"AWS::IAM::Role": "Roles", "AWS::IAM::User": "Users", "AWS::IAM::Group": "Groups"}
_IDENTITY_POLICIES: Final = (
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::GroupPolicy",
)
# Resources whose policy is always a resource of its own.
_WITHOUT_POLICY: Final = (
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::Lambda::Function",
    "AWS::SecretsManager::Secret",
)
# The properties of each type that a comparison of access judges.
JUDGED: Final[Mapping[str, frozenset[str]]] = {
    **{type_: frozenset(names) for type_, names in _ATTACHED.items()},
    **{type_: frozenset({name}) for type_, name in _OWN.items()},
    "AWS::S3::Bucket": frozenset({"PublicAccessBlockConfiguration", "OwnershipControls", "AccessControl"}),
    "AWS::S3::AccessPoint": frozenset({"Policy", "PublicAccessBlockConfiguration"}),
    "AWS::IAM::Role": frozenset({"AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "PermissionsBoundary"}),
    "AWS::IAM::User": frozenset({"Policies", "ManagedPolicyArns", "PermissionsBoundary"}),
    "AWS::IAM::Group": frozenset({"Policies", "ManagedPolicyArns"}),
    "AWS::IAM::Policy": frozenset({"PolicyDocument", "PolicyName", "Roles", "Users", "Groups"}),
    "AWS::IAM::RolePolicy": frozenset({"PolicyDocument", "PolicyName", "RoleName"}),
    "AWS::IAM::UserPolicy": frozenset({"PolicyDocument", "PolicyName", "UserName"}),
    "AWS::IAM::GroupPolicy": frozenset({"PolicyDocument", "PolicyName", "GroupName"}),
    "AWS::IAM::ManagedPolicy": frozenset({"PolicyDocument", "Roles", "Users", "Groups"}),
    "AWS::Lambda::Permission": frozenset(
        {
            "Action",
            "EventSourceToken",
            "FunctionName",
            "FunctionUrlAuthType",
            "InvokedViaFunctionUrl",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
        }
    ),
    "AWS::Lambda::Url": frozenset({"AuthType"}),
    GUARDRAIL: frozenset({"Content"}),
    "AWS::SSO::PermissionSet": frozenset({"InlinePolicy"}),
    "AWS::Events::EventBusPolicy": frozenset(
        {"Action", "Condition", "EventBusName", "Principal", "Statement", "StatementId"}
    ),
}
# Whatever else a resource of these services says may give access as well, by no policy. An action of a budget attaches
# a policy to a role, a user or a group, or runs a document of Systems Manager.
_GIVE_ACCESS: Final = (
    "AWS::Budgets::BudgetsAction",
    "AWS::IAM::",
    "AWS::LakeFormation::",
    "AWS::RAM::",
    "AWS::RolesAnywhere::",
    "AWS::S3::AccessGrant",
    "AWS::SSO::",
)
# These let somebody outside of IAM take a role: whom a new one lets take a role of before, no policy tells.
_GIVE_A_ROLE: Final = {
    "AWS::Cognito::IdentityPoolRoleAttachment": ("Roles", "RoleMappings"),
    "AWS::EKS::PodIdentityAssociation": ("RoleArn", "TargetRoleArn"),
    "AWS::IoT::RoleAlias": ("RoleArn",),
    "AWS::Transfer::User": ("Role",),
}
_GIVE_NONE: Final = (
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ServerCertificate",
    "AWS::IAM::ServiceLinkedRole",
    "AWS::IAM::VirtualMFADevice",
)
# Of a type that has policies: what else of it gives access.
_GIVEN_BESIDE: Final = {
    "AWS::IAM::User": ("Groups", "LoginProfile"),
    "AWS::SSO::PermissionSet": ("CustomerManagedPolicyReferences", "ManagedPolicies", "PermissionsBoundary"),
}
_SAYS_NOTHING: Final = ("Description", "Tags")


def given_without_policy(resource: Resource) -> Mapping[str, Any]:
    """The properties by which a resource gives access, and which are no policy: a user's groups, a share, a key."""
    if resource.type in _GIVE_NONE or not resource.type.startswith(_GIVE_ACCESS):
        return {}
    properties = {name: value for name, value in resource.properties.items() if name not in _SAYS_NOTHING}
    if resource.type not in JUDGED:
        return properties
    return {name: value for name, value in properties.items() if name in _GIVEN_BESIDE.get(resource.type, ())}


def given_roles(resource: Resource) -> Mapping[str, Any]:
    """The properties by which a resource lets somebody outside of IAM take roles."""
    names = _GIVE_A_ROLE.get(resource.type, ())
    return {name: resource.properties[name] for name in names if name in resource.properties}


class _Collected:
    """What was found for one subject so far."""

    def __init__(self, type_: str, arn: str, account: str) -> None:
        self.type, self.arn, self.account = type_, arn, account
        self.statements: list[Statement] = []
        self.attached = 0
        self.boundary: tuple[Statement, ...] | None = None
        self.settings: dict[str, int] = {}
        self.unresolved: set[NotComparable] = set()
        self.faults: list[str] = []

    def add(self, document: Any, **missing: Any) -> None:
        """Add the statements of a policy document.

        :param missing: the elements that this kind of policy has not and that every statement gets.
        """
        self.statements += self.read(document, **missing)

    def read(self, document: Any, **missing: Any) -> tuple[Statement, ...]:
        if document is None:
            return ()
        if isinstance(document, NotComparable):
            self.unresolved.add(document)
            return ()
        try:
            document = json.loads(document) if isinstance(document, str) else document
            if missing and isinstance(document, dict):
                document = _completed(document, missing)
            return parse(json.dumps(document, default=self._token))
        except (MalformedPolicy, ValueError) as error:
            self.faults.append(str(error))
            return ()

    def doubt(self, value: Any, otherwise: str) -> None:
        """Note a value that cannot be used: it cannot be resolved, or else the given fault."""
        if isinstance(value, NotComparable):
            self.unresolved.add(value)
        else:
            self.faults.append(otherwise)

    def policies(self) -> Policies:
        layers = (tuple(self.statements), *(() if self.boundary is None else (self.boundary,)))
        return Policies(
            self.type, self.arn, self.account, layers, self.settings, frozenset(self.unresolved), tuple(self.faults)
        )

    def _token(self, value: NotComparable) -> str:
        """A text in the place of what is not comparable: the same for the same, and equal to nothing else."""
        self.unresolved.add(value)
        return f"(not comparable {hashlib.sha256(value.text.encode()).hexdigest()[:16]})"


def collect(resources: Resources) -> dict[Subject, Policies]:
    """The policies of every subject of one side."""
    return _Collector(resources).collect()


class _Collector:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._found: dict[Subject, _Collected] = {}
        self._by_arn: dict[str, Resource] = {}
        self._by_reference: dict[tuple[str, str], Resource] = {}
        for resource in resources.values():
            self._by_arn.setdefault(resource.arn, resource)
            self._by_reference.setdefault((_service(resource), resource.reference), resource)
        self._by_type: dict[str, Callable[[Resource], None]] = {
            **dict.fromkeys(_ATTACHED, self._attached),
            **dict.fromkeys(_OWN, self._own),
            **dict.fromkeys(_WITHOUT_POLICY, self._nothing),
            **dict.fromkeys(_IDENTITIES, self._identity),
            **dict.fromkeys(_IDENTITY_POLICIES, self._identity_policy),
            "AWS::DynamoDB::Table": self._table,
            "AWS::DynamoDB::GlobalTable": self._table,
            "AWS::S3::Bucket": self._bucket,
            "AWS::S3::AccessPoint": self._access_point,
            "AWS::Lambda::Permission": self._permission,
            "AWS::Lambda::Url": self._url,
            "AWS::SSO::PermissionSet": self._permission_set,
            GUARDRAIL: self._guardrail,
            "AWS::Events::EventBusPolicy": self._event_bus_policy,
        }

    def collect(self) -> dict[Subject, Policies]:
        for resource in self._resources.values():
            self._by_type.get(resource.type, self._any)(resource)
            if resource.type in JUDGED:
                # A macro that writes all properties, or the whole template.
                whole = [resource.properties.get(name) for name in ("Properties", "Fn::Transform")]
                written = {value for value in whole if isinstance(value, NotComparable)}
                if written:
                    self._subject(resource).unresolved.update(written)
        return {subject: found.policies() for subject, found in self._found.items()}

    def _subject(self, resource: Resource, kind: Kind | None = None) -> _Collected:
        subject = Subject(resource.id, kind or _KINDS.get(resource.type, Kind.OTHER))
        if subject not in self._found:
            self._found[subject] = _Collected(resource.type, resource.arn, resource.account)
        return self._found[subject]

    def _target(self, policy: Resource, name: Any) -> _Collected:
        """The subject that a policy names: a resource of the template, or else the policy itself stands for it."""
        target = None
        if isinstance(name, str):
            target = self._by_arn.get(name) or self._by_reference.get((_service(policy), name))
        if target is not None and _service(target) == _service(policy):
            return self._subject(target)
        # By the name, not by the policy's own id: another id of the policy changes no access.
        arn = name if str(name).startswith("arn:") else _arn_of(policy, str(name))
        subject = Subject(Id(policy.id.stack, arn), _KINDS.get(policy.type, Kind.OTHER))
        found = self._found.setdefault(subject, _Collected(policy.type, arn, policy.account))
        if isinstance(name, NotComparable):
            found.unresolved.add(name)
        return found

    # --- resource policies ---

    def _attached(self, policy: Resource) -> None:
        where, what = _ATTACHED[policy.type]
        names = policy.properties.get(where)
        for name in names if isinstance(names, list) else [names]:
            found = self._target(policy, name)
            found.add(policy.properties.get(what))
            # These are the resource's only policy: of two, the one that is deployed last is left.
            found.attached += policy.type in _ONLY_ONES
            if found.attached > 1:
                found.faults.append(f"{found.attached} resources set its policy, and each replaces what the others set")

    def _own(self, resource: Resource) -> None:
        document = resource.properties.get(_OWN[resource.type], _default_policy(resource))
        if isinstance(document, dict) and "PolicyDocument" in document:
            document = document["PolicyDocument"]
        # A bus has its policy as one document or as one statement.
        if isinstance(document, dict) and "Effect" in document:
            document = {"Statement": document}
        self._subject(resource).add(document, **({"Resource": "*"} if resource.type in _OF_ITSELF else {}))

    def _table(self, table: Resource) -> None:
        """A table's own policy, and those of its stream and of its copies in other regions, whose ARNs are others."""
        self._own(table)
        for document in _documents({name: each for name, each in table.properties.items() if name != "ResourcePolicy"}):
            self._subject(table, Kind.OTHER).add(document, Principal="*", Resource="*")

    def _any(self, resource: Resource) -> None:
        """A type that no table has: whatever in its properties looks like a policy."""
        documents = list(_documents(resource.properties))
        for document in documents:
            self._subject(resource).add(document, Principal="*", Resource="*")

    def _nothing(self, resource: Resource) -> None:
        """A resource that only others give access to; it is a subject even so: all that it is is the default."""
        self._subject(resource)

    def _bucket(self, bucket: Resource) -> None:
        found = self._subject(bucket)
        found.settings |= self._public_access(bucket, found)
        controls = bucket.properties.get("OwnershipControls")
        ownership = _at(controls, "Rules", 0, "ObjectOwnership")
        if isinstance(controls, NotComparable) or isinstance(ownership, NotComparable):
            found.unresolved.add(controls if isinstance(controls, NotComparable) else ownership)
        # Without ownership controls it depends on the bucket's age whether ACLs grant access.
        found.settings["BucketOwnerEnforced"] = 2 if ownership == "BucketOwnerEnforced" else 0 if ownership else 1
        acl = bucket.properties.get("AccessControl")
        if isinstance(acl, NotComparable):
            found.unresolved.add(acl)
        elif acl and ownership != "BucketOwnerEnforced":
            found.statements += _acl_statements(str(acl), bucket.arn)

    def _access_point(self, access_point: Resource) -> None:
        found = self._subject(access_point)
        found.settings |= self._public_access(access_point, found)
        self._own(access_point)

    def _public_access(self, resource: Resource, found: _Collected) -> dict[str, int]:
        flags = resource.properties.get("PublicAccessBlockConfiguration") or {}
        if not isinstance(flags, dict):
            found.doubt(flags, "PublicAccessBlockConfiguration is not an object")
            flags = {}
        found.unresolved |= {flag for flag in flags.values() if isinstance(flag, NotComparable)}
        return {name: int(str(flags.get(name, False)).lower() == "true") for name in _PUBLIC_ACCESS_FLAGS}

    def _permission(self, permission: Resource) -> None:
        """``AWS::Lambda::Permission`` is one statement of the function's policy."""
        given = permission.properties
        name = given.get("FunctionName")
        found = self._target(permission, name)
        conditions = [
            (operator, key, given[element])
            for element, operator, key in _PERMISSION_CONDITIONS
            if given.get(element) is not None
        ]
        found.add(
            {
                "Statement": {
                    "Sid": permission.id.logical_id,
                    "Effect": "Allow",
                    "Principal": _principal_of_permission(given.get("Principal")),
                    "Action": given.get("Action", ""),
                    "Resource": found.arn,
                    "Condition": _grouped(conditions),
                }
            }
        )

    def _url(self, url: Resource) -> None:
        found = self._target(url, url.properties.get("TargetFunctionArn"))
        auth = url.properties.get("AuthType")
        if isinstance(auth, NotComparable):
            found.unresolved.add(auth)
        found.settings["AuthType AWS_IAM"] = int(auth == "AWS_IAM")

    def _event_bus_policy(self, policy: Resource) -> None:
        given = policy.properties
        found = self._target(policy, given.get("EventBusName", "default"))
        statement = given.get("Statement")
        if statement is not None and not isinstance(statement, dict):
            found.doubt(statement, "Statement is not an object")
            return
        if statement is None:
            condition = given.get("Condition") or {}
            principal = given.get("Principal", "*")
            statement = {
                "Effect": "Allow",
                "Principal": "*" if principal == "*" else {"AWS": principal},
                "Action": given.get("Action", "events:PutEvents"),
                "Condition": {condition["Type"]: {condition["Key"]: condition["Value"]}} if condition else {},
            }
        statement = {"Sid": str(given.get("StatementId", "")), "Resource": found.arn, **statement}
        found.add({"Statement": statement})

    # --- IAM ---

    def _identity(self, identity: Resource) -> None:
        if identity.type == "AWS::IAM::Role":
            self._subject(identity, Kind.TRUST).add(identity.properties.get("AssumeRolePolicyDocument"), Resource="*")
        found = self._subject(identity, Kind.PERMISSIONS)
        for policy in _list(identity.properties.get("Policies"), found):
            found.add(policy.get("PolicyDocument") if isinstance(policy, dict) else policy, Principal="*")
        for arn in _list(identity.properties.get("ManagedPolicyArns"), found):
            found.statements += self._managed(arn, found, MANAGED)
        boundary = identity.properties.get("PermissionsBoundary")
        found.settings["PermissionsBoundary"] = int(boundary is not None)
        if boundary is not None:
            found.boundary = tuple(self._managed(boundary, found, "the permissions boundary"))

    def _guardrail(self, policy: Resource) -> None:
        """What members of the organization may still do: everything, but for what the policy denies or leaves out.

        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
        """
        if policy.properties.get("Type") not in GUARDRAILS:
            return
        found = self._subject(policy, Kind.PERMISSIONS)
        given = found.read(policy.properties.get("Content"), Principal="*")
        found.statements.append(EVERYTHING)
        found.boundary = given if any(each.is_allow for each in given) else (EVERYTHING, *given)

    def _permission_set(self, permission_set: Resource) -> None:
        """A role that IAM Identity Center makes in the accounts that it is assigned to."""
        found = self._subject(permission_set, Kind.PERMISSIONS)
        found.add(permission_set.properties.get("InlinePolicy"), Principal="*")

    def _managed(self, arn: Any, found: _Collected, called: str) -> Iterable[Statement]:
        """The statements of a managed policy; of one that is elsewhere it is open what it allows."""
        if isinstance(arn, NotComparable):
            found.unresolved.add(arn)
            return ()
        policy = self._by_arn.get(str(arn))
        if policy is not None and policy.type == MANAGED_POLICY:
            return found.read(policy.properties.get("PolicyDocument"), Principal="*")
        if actions := actions_of_managed(str(arn)):
            return (_allow(str(arn), actions),)
        called = READS if called == MANAGED and only_reads(str(arn)) else called
        return (_allow_everything(str(arn), Condition(called, str(arn), ())),)

    def _identity_policy(self, policy: Resource) -> None:
        """A policy that names the roles, users and groups that it is for, of the template or elsewhere."""
        targets: list[_Collected] = []
        elsewhere: list[_Collected] = []
        for type_, names in _IDENTITIES.items():
            given = policy.properties.get(names)
            single = policy.properties.get(f"{names.removesuffix('s')}Name")
            given = [single] if single is not None else given
            if isinstance(given, NotComparable):
                self._subject(policy, Kind.PERMISSIONS).unresolved.add(given)
            for name in given if isinstance(given, list) else []:
                resource = self._by_reference.get(("IAM", name)) if isinstance(name, str) else None
                if isinstance(name, NotComparable):
                    self._subject(policy, Kind.PERMISSIONS).unresolved.add(name)
                elif resource is not None and resource.type == type_:
                    targets.append(self._subject(resource, Kind.PERMISSIONS))
                else:
                    elsewhere.append(self._identity_elsewhere(policy, type_, str(name)))
        if policy.type == MANAGED_POLICY and not targets:
            # Whoever attaches it has what it allows.
            targets.append(self._subject(policy, Kind.PERMISSIONS))
        for found in (*targets, *elsewhere):
            found.add(policy.properties.get("PolicyDocument"), Principal="*")

    def _identity_elsewhere(self, policy: Resource, type_: str, name: str) -> _Collected:
        """A role, user or group that no template makes: it was there before the policy."""
        arn = f"arn:{policy.arn.split(':')[1]}:iam::{policy.account}:{type_.rpartition('::')[2].lower()}/{name}"
        subject = Subject(Id(policy.id.stack, arn), Kind.PERMISSIONS)
        return self._found.setdefault(subject, _Collected(type_, arn, policy.account))


# https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
_PERMISSION_CONDITIONS: Final = (
    ("SourceArn", "ArnLike", "aws:SourceArn"),
    ("SourceAccount", "StringEquals", "aws:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
)
# What a canned ACL of a bucket grants, to whom. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
_READ: Final = ("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions")
_WRITE: Final = ("s3:DeleteObject", "s3:PutObject")
_ANY_ACCOUNT: Final = Condition("Null", "aws:PrincipalArn", ("false",))
_CANNED: Final[Mapping[str, tuple[tuple[PrincipalPattern, tuple[str, ...], tuple[Condition, ...]], ...]]] = {
    "PublicRead": ((PrincipalPattern("AWS", "*"), _READ, ()),),
    "PublicReadWrite": ((PrincipalPattern("AWS", "*"), (*_READ, *_WRITE), ()),),
    "AuthenticatedRead": ((PrincipalPattern("AWS", "*"), _READ, (_ANY_ACCOUNT,)),),
    "AwsExecRead": ((PrincipalPattern("Service", "ec2.amazonaws.com"), ("s3:GetObject",), ()),),
    "LogDeliveryWrite": (
        (PrincipalPattern("Service", "logging.s3.amazonaws.com"), ("s3:GetBucketAcl", "s3:PutObject"), ()),
    ),
}


def _default_policy(resource: Resource) -> Any:
    """What AWS sets when a template gives no policy.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html and
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """
    if resource.type in ("AWS::KMS::Key", "AWS::KMS::ReplicaKey"):
        return _document("Default", {"AWS": resource.account}, "kms:*")
    if resource.type == "AWS::EC2::VPCEndpoint":
        return _document("Default", "*", "*")
    return None


def _document(sid: str, principal: Any, action: str) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Statement": [statement]}


def _acl_statements(acl: str, arn: str) -> Iterator[Statement]:
    for principal, actions, conditions in _CANNED.get(acl, ()):
        yield Statement(
            label=f"of the ACL {acl}",
            is_allow=True,
            principals=Principals((principal,), excludes=False),
            actions=Patterns(actions, excludes=False),
            resources=Patterns((arn, f"{arn}/*"), excludes=False),
            conditions=conditions,
        )


def _allow_everything(label: str, condition: Condition) -> Statement:
    return _allow(label, ("*",), condition)


def _allow(label: str, actions: tuple[str, ...], *conditions: Condition) -> Statement:
    return Statement(
        label=label,
        is_allow=True,
        principals=Principals((PrincipalPattern("AWS", "*"),), excludes=False),
        actions=Patterns(actions, excludes=False),
        resources=Patterns(("*",), excludes=False),
        conditions=conditions,
    )


EVERYTHING: Final = _allow("everything else", ("*",))


def _principal_of_permission(principal: Any) -> Any:
    if not isinstance(principal, str) or principal == "*":
        return principal if isinstance(principal, str) else {"AWS": principal}
    return {"Service": principal} if principal.endswith((".amazonaws.com", ".amazonaws.com.cn")) else {"AWS": principal}


def _grouped(conditions: Iterable[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for operator, key, value in conditions:
        found.setdefault(operator, {})[key] = value
    return found


def _completed(document: dict[str, Any], missing: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the elements that its kind has not, so that one grammar is enough."""
    statements = document.get("Statement")
    listed = statements if isinstance(statements, list) else [statements]

    def complete(statement: Any) -> Any:
        if not isinstance(statement, dict):
            return statement
        absent = {name: value for name, value in missing.items() if not {name, f"Not{name}"} & statement.keys()}
        return {**statement, **absent}

    return {**document, "Statement": [complete(statement) for statement in listed]}


def _documents(node: Any) -> Iterator[Any]:
    """Whatever looks like a policy: an object, also when it is written as the text of one."""
    if isinstance(node, NotComparable) and "Effect" in node.text:
        yield node
    elif isinstance(node, str) and '"Effect"' in node and node.lstrip().startswith(("{", "[")):
        try:
            yield from _documents(json.loads(node))
        except ValueError:
            yield node
    elif isinstance(node, list):
        for each in node:
            yield from _documents(each)
    elif isinstance(node, dict):
        statements = node.get("Statement")
        listed = statements if isinstance(statements, list) else [statements]
        if listed and all(isinstance(each, dict) and "Effect" in each for each in listed):
            yield node
            return
        for each in node.values():
            yield from _documents(each)


def _list(value: Any, found: _Collected) -> list[Any]:
    if isinstance(value, NotComparable):
        found.unresolved.add(value)
        return []
    return value if isinstance(value, list) else []


def _at(node: Any, *path: str | int) -> Any:
    for step in path:
        if isinstance(node, NotComparable):
            return node
        if isinstance(step, int):
            node = node[step] if isinstance(node, list) and len(node) > step else None
        else:
            node = node.get(step) if isinstance(node, dict) else None
    return node


def _service(resource: Resource) -> str:
    """``S3`` of ``AWS::S3::Bucket``."""
    return resource.type.split("::")[1] if "::" in resource.type else ""


def _arn_of(policy: Resource, name: str) -> str:
    """The ARN of what a policy is attached to, when it is named without one: a bucket elsewhere, a function."""
    partition = policy.arn.split(":")[1]
    if policy.type == "AWS::S3::BucketPolicy":
        return f"arn:{partition}:s3:::{name}"
    region = policy.arn.split(":")[3]
    places = {
        "AWS::Lambda::Permission": "lambda:{}:{}:function:",
        "AWS::Events::EventBusPolicy": "events:{}:{}:event-bus/",
    }
    place = places.get(policy.type, "unknown:{}:{}:").format(region, policy.account)
    return f"arn:{partition}:{place}{name}"
