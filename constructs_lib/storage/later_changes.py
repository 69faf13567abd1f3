"""What an app does to a trail, its bucket and its key after they were made: a warning says what weakens them.

It is looked at when the app has done all, Aspects included, just before the templates are written. An override
(``add_property_override``) is no property, and CDK shows it to nobody before the template: ``securetrail review`` sees
it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct, IValidation

from constructs_lib.policies.attach import as_people_write
from constructs_lib.policies.denials import denies, lets_any_trail, lets_everybody_in

# The settings of a trail, as CDK calls them and as CloudFormation does, and what is lost without them.
_SETTINGS: Final = {
    "isLogging": ("IsLogging", "nothing is recorded"),
    "isMultiRegionTrail": ("IsMultiRegionTrail", "calls in other Regions are not recorded"),
    "includeGlobalServiceEvents": ("IncludeGlobalServiceEvents", "calls of IAM and STS are not recorded"),
    "enableLogFileValidation": ("EnableLogFileValidation", "nobody can prove that no log file was altered"),
    "kmsKeyId": ("KMSKeyId", "encryption_key does not encrypt the log files"),
}
_FOR_SERVICES: Final = '"Bool": {"aws:PrincipalIsAWSService": "false"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is looked at.

    :param removal_policy: what the construct was told.
    :param is_own: whether it made key and log bucket, so that they are of its stack.
    :param folders: the folders of the log bucket that CloudTrail writes to, each with its account. Default: - none;
        it is a replica.
    :param trail: Default: - none; it is an archive or a replica.
    """

    removal_policy: cdk.RemovalPolicy
    key: kms.IKey
    log_bucket: s3.IBucket
    access_log_bucket: s3.IBucket | None = None
    folders: Sequence[str] = ()
    trail: cloudtrail.CfnTrail | None = None
    is_own: bool = True


def warn_of_later_changes(scope: Construct, made: Made) -> None:
    """Look at it when the app has done all that it does."""
    scope.node.add_validation(_AtTheEnd(scope, made))


@jsii.implements(IValidation)
class _AtTheEnd:
    def __init__(self, scope: Construct, made: Made) -> None:
        self._scope, self._made = scope, made

    def validate(self) -> list[str]:
        """Add the warnings.

        :returns: no error: what an app does by its own words is not refused.
        """
        for name, text in (*self._removals(), *self._found()):
            cdk.Annotations.of(self._scope).add_warning_v2(f"securetrail:{name}", text)
        return []

    def _removals(self) -> Iterator[tuple[str, str]]:
        if self._made.removal_policy is cdk.RemovalPolicy.DESTROY:
            return
        for name, made in (
            ("log-bucket", self._made.log_bucket),
            ("encryption-key", self._made.key),
            ("access-log-bucket", self._made.access_log_bucket),
        ):
            resource = _made_by_cdk(made)
            # CloudFormation deletes what has no policy. CDK sets UpdateReplacePolicy together with this one.
            if resource is not None and resource.cfn_options.deletion_policy in (None, cdk.CfnDeletionPolicy.DELETE):
                text = (
                    f"{_path(resource)} goes with its stack: its DeletionPolicy is Delete. Allowed: it stays, as "
                    f"removal_policy of {self._scope.node.path} says. Fix: leave it out where that is set "
                    "(removal_policy, apply_removal_policy, RemovalPolicies or an Aspect), or "
                    f"removal_policy=cdk.RemovalPolicy.DESTROY for {self._scope.node.path} too, if log files may go."
                )
                yield f"removal:{name}", text

    def _found(self) -> Iterator[tuple[str, str]]:
        made, key = self._made, _made_by_cdk(self._made.key)
        of_trail: Any = {} if made.trail is None else _properties(made.trail)
        of_key: Any = {} if key is None else _properties(key)
        # Of what is imported there is none.
        policy = getattr(made.log_bucket, "policy", None) if made.folders else None
        of_bucket: Any = []
        if policy is not None:
            arn = made.log_bucket.bucket_arn
            of_bucket = [policy.document, *(f"{arn}/{folder}/file" for folder in made.folders)]
        stack = cdk.Stack.of(self._scope)
        if made.is_own:  # each call of Node costs time at every synth
            of_trail, of_key, of_bucket = stack.resolve([of_trail, of_key, of_bucket])
        else:
            of_trail = stack.resolve(of_trail)
            of_key = {} if key is None else cdk.Stack.of(key).resolve(of_key)
            of_bucket = [] if policy is None else cdk.Stack.of(policy).resolve(of_bucket)
        if made.trail is not None:
            yield from _lost_settings(made.trail, of_trail)
        if of_bucket:
            document, *arns = as_people_write(of_bucket)
            yield from _faults("bucket", made.log_bucket, document, "s3:PutObject", arns)
        if key is not None:
            document = as_people_write(of_key.get("keyPolicy", {}))
            yield from _faults("key", made.key, document, "kms:GenerateDataKey" if made.folders else "", [""])


def _lost_settings(trail: cloudtrail.CfnTrail, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, (written, loss) in _SETTINGS.items():
        value = properties.get(name)
        if value is None or value is False:
            text = (
                f"{_path(trail)}: {written} is {'not set' if value is None else 'false'}, so that {loss}. "
                "Allowed: what the construct sets. Fix: remove what changes it."
            )
            yield f"trail:{written}", text


def _made_by_cdk(resource: cdk.IResource | None) -> cdk.CfnResource | None:
    """What becomes part of a template; of what is imported nothing does."""
    child = None if resource is None else resource.node.default_child
    return child if isinstance(child, cdk.CfnResource) else None


def _path(resource: cdk.IResource | cdk.CfnResource) -> str:
    made = resource if isinstance(resource, cdk.CfnResource) else _made_by_cdk(resource)
    return (made or resource).node.path.removesuffix("/Resource")


def _properties(resource: cdk.CfnResource) -> Mapping[str, Any]:
    """All at once, to ask Node only once; see ``warn_of_weak_bucket``."""
    return resource._cfn_properties  # noqa: SLF001 (protected in CDK)


def _faults(
    kind: str, resource: cdk.IResource, document: Mapping[str, Any], action: str, resources: Sequence[str]
) -> Iterator[tuple[str, str]]:
    statements = [each for each in _listed(document.get("Statement", [])) if isinstance(each, dict)]
    denying = [each for each in statements if action and denies(each, action, resources)]
    if denying:
        text = (
            f"The policy of {_path(resource)} denies CloudTrail {action}: {json.dumps(denying[0])}. Deliveries fail, "
            "and no deployment says so. Allowed: a statement that leaves out the requests of AWS's services. Fix: add "
            f"{_FOR_SERVICES} to its Condition."
        )
        yield f"{kind}-policy:denies-cloudtrail", text
    of_any_trail = [each for each in statements if action and lets_any_trail(each, action, resources)]
    if of_any_trail:
        text = (
            f"The policy of {_path(resource)} allows CloudTrail {action} for any trail of any account: "
            f"{json.dumps(of_any_trail[0])}. Allowed: a Condition that names the trail or its account; CDK's own "
            'cloudtrail.Trail adds none. Fix: "aws:SourceArn": "arn:aws:cloudtrail:…:trail/…" in the Condition, or a '
            "SecureTrail with this log_bucket and encryption_key in place of the Trail."
        )
        yield f"{kind}-policy:any-trail", text
    open_ones = [each for each in statements if lets_everybody_in(each)]
    if open_ones:
        text = (
            f"The policy of {_path(resource)} lets everybody in, in every account: {json.dumps(open_ones[0])}. "
            "Allowed: principals that are named, or a condition that names them. "
            "Fix: iam.AccountPrincipal('444455556666'), or iam.OrganizationPrincipal('o-…')."
        )
        yield f"{kind}-policy:everybody", text


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
