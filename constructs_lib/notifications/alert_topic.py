"""The SNS topic for alerts, encrypted with a key of its own.

Not with the log key: whoever disables that key would also stop the alert about it.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.compliance.acknowledgements import acknowledge_wildcards

_EVENTBRIDGE = iam.ServicePrincipal("events.amazonaws.com")
_CLOUDWATCH = iam.ServicePrincipal("cloudwatch.amazonaws.com")
_MAX_BASE = 40  # of the 64 characters of a role's name; the longest region has 14
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
_USES_OF_KEY = ("kms:Decrypt", "kms:GenerateDataKey*")


def create_alert_topic(scope: Construct, *, trail_name: str, removal_policy: cdk.RemovalPolicy) -> sns.Topic:
    """An encrypted topic for alerts; subscriptions are added after the deployment.

    The AWS-managed key ``alias/aws/sns`` cannot be used: its policy allows neither EventBridge nor CloudWatch.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    key = kms.Key(
        scope,
        "AlertKey",
        description=f"Encrypts the alerts about the CloudTrail trail {trail_name}",
        enable_key_rotation=True,
        removal_policy=removal_policy,
    )
    key.add_to_resource_policy(alarm_key_statement(cdk.Stack.of(scope).account))
    return sns.Topic(
        scope,
        "AlertTopic",
        display_name=f"Alerts of {trail_name}"[:100],
        master_key=key,
        enforce_ssl=True,
    )


def create_alert_role(
    scope: Construct, *, trail_name: str, topic_arn: str, key_arn: str | None, is_named_elsewhere: bool
) -> iam.Role:
    """The role by which EventBridge publishes what the trail's rules match.

    EventBridge's own principal sends SNS and KMS no context that a condition could look at: with a statement for it, a
    rule of any account can publish forged alerts. A role can be passed in its own account only.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (Amazon SNS permissions) and
    https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html

    The policy is a managed one: NIST 800-53, HIPAA and PCI DSS rules refuse inline policies.

    :param key_arn: that of the key that encrypts the topic, or a pattern of it. Default: - it has none.
    :param is_named_elsewhere: whether the policy of a topic in another account's stack has to say its name.
    """
    stack = cdk.Stack.of(scope)
    rules = stack.format_arn(service="events", resource="rule", resource_name="*")
    # CDK gives it a name only where it is named elsewhere. In a nested stack it would make one of the stack's, which
    # is known only at deployment; roles of all regions share their names. Without need it has none: the second
    # deployment of an app to one account, under another stack's name, would find it taken.
    name = cdk.PhysicalName.GENERATE_IF_NEEDED
    if is_named_elsewhere and stack.nested_stack_parent is not None:
        name = f"{cdk.Names.unique_resource_name(scope, max_length=_MAX_BASE, separator='-')}-{stack.region}"
    role = iam.Role(
        scope,
        "AlertRole",
        role_name=name,
        description=f"Lets EventBridge publish the alerts about the CloudTrail trail {trail_name}",
        assumed_by=_EVENTBRIDGE.with_conditions(
            {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": rules}}
        ),
    )
    statements = [iam.PolicyStatement(sid="PublishAlerts", actions=["sns:Publish"], resources=[topic_arn])]
    if key_arn is not None:
        statements.append(_use_of_key(key_arn, topic_arn))
    policy = iam.ManagedPolicy(
        scope,
        "AlertRolePolicy",
        description=f"The topic for alerts about the trail {trail_name}",
        roles=[role],
        statements=statements,
    )
    acknowledge_wildcards(
        policy,
        statements,
        "CDK does not know the key of an imported topic; the condition limits its use to messages of this topic: "
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    )
    return role


def _use_of_key(key_arn: str, topic_arn: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="EncryptAlerts",
        # Each by its name: rule packs refuse wildcards in the actions of a role.
        actions=["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
        resources=[key_arn],
        conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}},
    )


def alarm_key_statement(account: str) -> iam.PolicyStatement:
    """What CloudWatch alarms need on the key that encrypts the topic.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (compatibility with AWS services)
    """
    return iam.PolicyStatement(
        sid="AlarmsAreEncrypted",
        principals=[_CLOUDWATCH],
        actions=[*_USES_OF_KEY],
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": account}},
    )


def alarm_topic_statement(*, topic_arn: str, account: str) -> iam.PolicyStatement:
    """What CloudWatch alarms need on the topic.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    return iam.PolicyStatement(
        sid="CloudWatchAlerts",
        principals=[_CLOUDWATCH],
        actions=["sns:Publish"],
        resources=[topic_arn],
        conditions={"StringEquals": {"aws:SourceAccount": account}},
    )


def role_statements(
    role: iam.IRole, topic_arn: str, *, account: str | None
) -> tuple[iam.PolicyStatement, iam.PolicyStatement]:
    """What the policies of a topic in another account, and of its key, must allow the role.

    Within an account the role's own policy is enough:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html

    :param account: the role's, where the policies exist before the role does: as a principal it would be refused, so
        the account is, and the role is a condition.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    principal: iam.PrincipalBase = iam.ArnPrincipal(role.role_arn)
    if account is not None:
        principal = iam.AccountPrincipal(account).with_conditions({"ArnEquals": {"aws:PrincipalArn": role.role_arn}})
    return (
        iam.PolicyStatement(
            sid="EventBridgeAlerts", principals=[principal], actions=["sns:Publish"], resources=[topic_arn]
        ),
        iam.PolicyStatement(sid="AlertsAreEncrypted", principals=[principal], actions=[*_USES_OF_KEY], resources=["*"]),
    )
