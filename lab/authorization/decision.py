"""May a caller do something: all policies together, in the order of AWS's evaluation, and the reason if not.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (the words of the reasons)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lab.authorization.document import Asked, document
from lab.authorization.facts import Grant
from lab.authorization.principal import Named, Principal, named

IDENTITY = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
RESOURCE = "resource-based policy"
TRUST = "role trust policy"


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """The policy of the resource that is asked for, and whose resource it is.

    :param text: JSON; '' for a resource without a policy.
    :param account: its owner.
    :param is_required: whether the owner's own identities need it too, as those of KMS keys and roles do.
    :param granted: what a grant of KMS allows beside it.
    :param kind: what it is called in a reason.
    """

    text: str
    account: str
    is_required: bool = False
    granted: Named = Named.NOT
    kind: str = RESOURCE


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not allowed: an explicit Deny in a policy of a kind, or no Allow in one."""

    asked: Asked
    policy: str
    is_explicit: bool

    def reason(self) -> str:
        """In AWS's words, to follow the name of the resource."""
        if self.is_explicit:
            return f"with an explicit deny in {'an' if self.policy[0] in 'aeiou' else 'a'} {self.policy}"
        return f"because no {self.policy} allows the {self.asked.action} action"


def refusal(asked: Asked, who: Principal, resource: ResourcePolicy | None) -> Refusal | None:
    """Why a caller may not do something; None when it may.

    :param resource: None when the resource is of a kind that has no policies, or it does not exist.
    """
    denying = _denied_by(asked, who, resource)
    if denying is not None:
        return Refusal(asked, denying, is_explicit=True)
    how = Named.NOT if resource is None else max(_how_allowed(asked, who, resource), resource.granted)
    is_own = resource is None or resource.account == who.account
    if is_own and how is Named.DIRECTLY:
        return None
    lacking = _lacking(asked, who, needs_identity=not is_own or how is not Named.LIMITED)
    if lacking is None and resource is not None and how is Named.NOT and (resource.is_required or not is_own):
        lacking = resource.kind
    return None if lacking is None else Refusal(asked, lacking, is_explicit=False)


def granted(grants: Iterable[Grant], asked: Asked, who: Principal, wanted: Grant | None = None) -> Named:
    """What the grants of a KMS key allow a caller to do: they name a user, a role, a session or an account's root.

    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html

    :param wanted: the grant that a call of CreateGrant asks for.
    """
    operation = asked.action.partition(":")[2]
    names = {who.arn, who.role_arn} - {""}  # a user has no role, and not every grant says who may retire it
    for each in grants:
        is_retiring = operation == "RetireGrant" and each.retiring in names
        is_granted = operation in each.operations and each.grantee in names
        if is_retiring or (is_granted and _is_within(each, asked, wanted)):
            return Named.DIRECTLY if who.arn in (each.grantee, each.retiring) else Named.LIMITED
    return Named.NOT


# Which a constraint is not about: they have no encryption context.
_WITHOUT_CONTEXT = frozenset({"kms:DescribeKey", "kms:RetireGrant"})


def _is_within(grant: Grant, asked: Asked, wanted: Grant | None) -> bool:
    """Whether a call keeps to a grant: by its encryption context, or, where it asks for another grant, by what that one
    would allow: no other operation, and no more contexts.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html (Constraints)
    https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html#grant-creategrant
    """
    if asked.action == "kms:CreateGrant":
        return wanted is not None and wanted.operations <= grant.operations and _is_as_strict(wanted, grant)
    return asked.action in _WITHOUT_CONTEXT or _is_context(grant, asked)


def _is_as_strict(wanted: Grant, grant: Grant) -> bool:
    if grant.context_equals is not None:
        return wanted.context_equals == grant.context_equals
    has = wanted.context_subset if wanted.context_equals is None else wanted.context_equals
    return set(has or ()) >= set(grant.context_subset or ())


def _is_context(grant: Grant, asked: Asked) -> bool:
    """Names of an encryption context are compared without their case here, since condition keys have none."""
    if grant.context_equals is None and not grant.context_subset:
        return True
    start = "kms:encryptioncontext:"
    context = {key[len(start) :]: asked.context[key][0] for key in asked.context if key.startswith(start)}
    if grant.context_equals is not None:
        return {name.lower(): value for name, value in grant.context_equals} == context
    return all(context.get(name.lower()) == value for name, value in grant.context_subset or ())


def _lacking(asked: Asked, who: Principal, *, needs_identity: bool) -> str | None:
    """The first kind of a caller's own policies that would have to allow a request and does not."""
    if needs_identity and not _is_allowed(asked, who):
        return IDENTITY
    if who.boundary is not None and not document(who.boundary).allows_to(asked):
        return BOUNDARY
    if who.session is not None and not any(document(each).allows_to(asked) for each in who.session):
        return SESSION
    return None


def _is_allowed(asked: Asked, who: Principal) -> bool:
    return who.is_root or any(document(each).allows_to(asked) for each in who.policies)


def _denied_by(asked: Asked, who: Principal, resource: ResourcePolicy | None) -> str | None:
    if any(document(each).denies_to(asked) for each in who.policies):
        return IDENTITY
    if resource is not None and resource.text:
        denies = document(resource.text).denies
        if any(named(each, who) and each.is_about(asked) for each in denies):
            return resource.kind
    if who.boundary is not None and document(who.boundary).denies_to(asked):
        return BOUNDARY
    if who.session is not None and any(document(each).denies_to(asked) for each in who.session):
        return SESSION
    return None


def _how_allowed(asked: Asked, who: Principal, resource: ResourcePolicy) -> Named:
    if not resource.text:
        return Named.NOT
    return max((named(each, who) for each in document(resource.text).allows if each.is_about(asked)), default=Named.NOT)
