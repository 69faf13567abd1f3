"""What the bucket and the key of a log archive must allow for a trail of another account or another stack.

Give the statements to ``bucket.add_to_resource_policy`` and ``key.add_to_resource_policy``, or make JSON to
paste with ``iam.PolicyDocument(statements=…).to_json()``.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from constructs_lib.policies.attach import sid_suffix_of
from constructs_lib.storage.log_bucket import bucket_policy_statements
from constructs_lib.storage.log_key import key_policy_statements
from constructs_lib.validation import naming
from constructs_lib.validation.argument_types import STRING


def required_bucket_policy(
    *,
    bucket_arn: str,
    trail_name: str,
    trail_account: str,
    trail_region: str,
    partition: str = "aws",
    s3_key_prefix: str | None = None,
    organization_id: str | None = None,
) -> list[iam.PolicyStatement]:
    """The statements that allow one trail to deliver to the bucket; they do not depend on the trail existing.

    :param trail_account: the account that owns the trail; for an organization, its management account.
    :param trail_region: the trail's home region.
    :raises TypeError: an argument of another type.
    :raises ValueError: a name or an id that AWS would refuse.
    """
    STRING.check(bucket_arn=bucket_arn)
    STRING.or_none.check(s3_key_prefix=s3_key_prefix, organization_id=organization_id)
    _check_trail(trail_name, trail_account, trail_region, partition)
    naming.check_bucket_arn(bucket_arn)
    if s3_key_prefix is not None:
        naming.check_key_prefix(s3_key_prefix)
    if organization_id is not None:
        naming.check_organization_id(organization_id)
    statements = bucket_policy_statements(
        bucket_arn=bucket_arn,
        trail_arn=_trail_arn(partition, trail_region, trail_account, trail_name),
        account=trail_account,
        s3_key_prefix=s3_key_prefix,
        organization_id=organization_id,
    )
    return _with_sid_suffix(statements, sid_suffix_of(trail_account, trail_region, trail_name))


def required_key_policy(
    *, trail_name: str, trail_account: str, trail_region: str, partition: str = "aws"
) -> list[iam.PolicyStatement]:
    """The statements that allow one trail to encrypt with the key; beside them the key needs its administrators.

    :raises TypeError: an argument of another type.
    :raises ValueError: a name that AWS would refuse.
    """
    _check_trail(trail_name, trail_account, trail_region, partition)
    statements = key_policy_statements(
        trail_arn=_trail_arn(partition, trail_region, trail_account, trail_name),
        account=trail_account,
        partition=partition,
    )
    return _with_sid_suffix(statements, sid_suffix_of(trail_account, trail_region, trail_name))


def _with_sid_suffix(statements: list[iam.PolicyStatement], sid_suffix: str) -> list[iam.PolicyStatement]:
    """The policy of an archive contains the statements of many trails, and each needs a Sid of its own."""
    for statement in statements:
        statement.sid = f"{statement.sid}{sid_suffix}"
    return statements


def _check_trail(name: str, account: str, region: str, partition: str) -> None:
    STRING.check(trail_name=name, trail_account=account, trail_region=region, partition=partition)
    naming.check_trail_name(name)
    naming.check_account_id("trail_account", account)
    naming.check_region("trail_region", region)
    if not f"{partition}-".startswith("aws-") and not cdk.Token.is_unresolved(partition):
        raise ValueError(
            f"partition is {partition!r}. Allowed: 'aws', 'aws-cn', 'aws-us-gov' and AWS's others. "
            "Fix: leave it out for 'aws'."
        )


def _trail_arn(partition: str, region: str, account: str, name: str) -> str:
    return f"arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"
