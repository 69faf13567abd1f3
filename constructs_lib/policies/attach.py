"""Adds statements to resource policies, or says which to add by hand where CDK cannot change the policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct, IDependable

if TYPE_CHECKING:  # only named in signatures, and slow to load
    from aws_cdk import aws_sns as sns

# The stack that owns the resource can make these statements itself.
_HINTS: Final = {
    "key": " (required_key_policy() makes CloudTrail's for the stack that owns the key)",
    "bucket": " (required_bucket_policy() makes CloudTrail's for the stack that owns the bucket)",
}


def add_statements(
    scope: Construct,
    resource: kms.IKey | s3.IBucket | sns.ITopic,
    kind: str,
    statements: Sequence[iam.PolicyStatement],
    *,
    sid_suffix: str = "",
) -> list[IDependable]:
    """Add the statements to the resource's policy. Where CDK cannot, say which to add by hand.

    CDK drops statements for an imported resource silently, and the deployment would fail. Then there is a warning for
    each statement, and one stack output with a policy of them all.

    :param kind: what to call the resource: ``key``, ``bucket``, ``delivery topic``, ``alert topic key`` and so on.
    :param sid_suffix: the end of each Sid, where other trails have statements in the same policy.
    :returns: what must exist before the statements take effect.
    """
    dependencies: list[IDependable] = []
    missing = []
    for statement in statements:
        name = statement.sid if sid_suffix else None
        if sid_suffix:
            statement.sid = f"{name}{sid_suffix}"
        added = resource.add_to_resource_policy(statement)
        if added.statement_added:
            # One policy has them all. To ask Node for it again costs time at every synth.
            if not dependencies and added.policy_dependable is not None:
                dependencies.append(added.policy_dependable)
            continue
        missing.append(statement)
        cdk.Annotations.of(scope).add_warning_v2(
            f"securetrail:{kind.replace(' ', '-')}-policy:{name or statement.sid}",
            f"CDK cannot change the policy of the imported {kind}. Without this statement "
            + (
                "nobody is denied what it denies, and nothing says so."
                if statement.effect is iam.Effect.DENY
                else "the deployment or the delivery fails."
            )
            + f" Fix: add it to the {kind}'s policy"
            + _HINTS.get(kind, "")
            + ": "
            + readable(scope, statement),
        )
    if missing:
        cdk.CfnOutput(
            scope,
            f"Required{kind.title().replace(' ', '')}Policy",
            description=f"Add these statements to the policy of the imported {kind}",
            value=cdk.Stack.of(scope).to_json_string(iam.PolicyDocument(statements=missing)),
        )
    return dependencies


def readable(scope: Construct, statement: iam.PolicyStatement) -> str:
    """The statement as people write it in a policy."""
    return json.dumps(as_people_write(cdk.Stack.of(scope).resolve(statement.to_statement_json())))


def as_people_write(value: Any) -> Any:
    """The value as people write it: what is known only at deployment is ``${AWS::Region}`` or ``${Bucket.Arn}``."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(as_people_write(part)) for part in parts)
        case dict():
            return {name: as_people_write(entry) for name, entry in value.items()}
        case list():
            return [as_people_write(entry) for entry in value]
    return value


def sid_suffix_of(account: str, region: str, trail_name: str) -> str:
    """Eight hexadecimal digits that differ from trail to trail, for the end of a Sid.

    Two statements of one policy must not have the same Sid; SNS refuses such a policy, IAM's rule is general:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
    """
    known = ["" if cdk.Token.is_unresolved(part) else part for part in (account, region, trail_name)]
    return hashlib.sha256(":".join(known).encode()).hexdigest()[:8]
