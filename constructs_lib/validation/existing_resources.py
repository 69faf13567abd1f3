"""Checks of resources that exist: whether a key, a bucket or a topic fits the trail.

CDK knows the region and the account of a resource in another stack or from an ARN; what it does not know is not
checked.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

if TYPE_CHECKING:  # only named in signatures, and slow to load
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

# `cdk.Aws.ACCOUNT_ID` and `cdk.Aws.REGION`, as CDK writes them.
_OF_THE_STACK: Final = re.compile(r"\$\{Token\[AWS\.(AccountId|Region)\.\d+\]\}")


def differ(one: str, other: str) -> bool:
    """Whether two accounts, or two regions, are known to be different ones."""
    return one != other and not cdk.Token.is_unresolved(one) and not cdk.Token.is_unresolved(other)


def may_differ(one: str, other: str) -> bool:
    """Whether two accounts, or two regions, are different ones, or may be: one of them is known, and not the other."""
    unknown = [cdk.Token.is_unresolved(each) for each in (one, other)]
    return one != other and not all(unknown)


def known(written: str, stack: cdk.Stack) -> str:
    """An account or a Region that the stack's template writes: ``cdk.Aws.ACCOUNT_ID`` and ``REGION`` are its own."""
    pseudo = _OF_THE_STACK.fullmatch(written)
    if pseudo is None:
        return written
    return stack.account if pseudo[1] == "AccountId" else stack.region


def place_of(resource: cdk.IResource) -> tuple[str, str]:
    """The region and account of a resource, as far as they are known."""
    env, stack = resource.env, cdk.Stack.of(resource)
    return known(env.region, stack), known(env.account, stack)


def _place(region: str, account: str) -> str:
    """Both as people read them, also where only one is known."""
    return (
        f"{'a region that is not known here' if cdk.Token.is_unresolved(region) else region}, "
        f"account {'not known here' if cdk.Token.is_unresolved(account) else account}"
    )


def is_apart(scope: Construct, resource: IConstruct) -> bool:
    """Whether a stack of the app that is for another account or Region makes this: CDK then refers to it by its name.

    What is imported is referred to by the ARN or the name that it was imported by.
    https://docs.aws.amazon.com/cdk/v2/guide/resources.html (physical names)
    """
    made = resource.node.default_child
    return isinstance(made, cdk.CfnResource) and made.stack.environment != cdk.Stack.of(scope).environment


def check_name(scope: Construct, prop: str, resource: IConstruct, arn: str) -> None:
    """Refuse what CDK cannot refer to from here, because only the account that makes it will know its name.

    :param arn: its ARN, as CDK gives it.
    :raises ValueError: a stack of another account or Region makes it, and does not name it.
    """
    if not is_apart(scope, resource):
        return
    try:
        cdk.Stack.of(scope).resolve(arn)
    except RuntimeError as error:  # of CDK
        raise ValueError(
            f"{prop} is {resource.node.path}, which a stack of another account or Region makes without a name. "
            "Allowed: one with a name, because CDK refers to it by that. Fix: give it a name there (topic_name, "
            "bucket_name), or pass what you import: sns.Topic.from_topic_arn(self, 'Topic', arn), "
            "s3.Bucket.from_bucket_attributes, kms.Key.from_key_arn."
        ) from error


def check_key(key: kms.IKey, bucket: s3.IBucket) -> None:
    """Refuse a key that cannot encrypt what is in the bucket.

    It must be symmetric and in the bucket's region:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html

    An alias is refused: IAM policies and the calls that ``alerts`` look for name the key, and CloudWatch Logs
    takes no alias. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html

    :raises ValueError: it is in another region, not symmetric, or an alias.
    """
    if hasattr(key, "alias_name"):
        raise ValueError(
            f"encryption_key is the alias {key.node.path}. Allowed: the key itself, because policies, alerts and "
            "CloudWatch Logs name keys, not aliases. Fix: pass the key, or kms.Key.from_key_arn(self, 'Key', arn), or "
            "kms.Key.from_lookup(self, 'Key', alias_name='alias/…')."
        )
    key_region, bucket_region = key.env.region, bucket.env.region
    if differ(key_region, bucket_region):
        raise ValueError(
            f"encryption_key is in {key_region} and the log bucket in {bucket_region}. Allowed: both in one region, "
            "or CloudTrail refuses the trail. Fix: use a key of the bucket's region, such as a replica of a "
            "multi-Region key."
        )
    is_disabled, spec = _state_of(key)
    if is_disabled:
        raise ValueError(
            f"encryption_key {key.node.path} is disabled. Allowed: an enabled key, because CloudTrail delivers nothing "
            "that it cannot encrypt. Fix: leave enabled=False out."
        )
    if spec is not None:
        raise ValueError(
            f"encryption_key has the key spec {spec}. Allowed: SYMMETRIC_DEFAULT, because CloudTrail encrypts with "
            "symmetric keys only. Fix: leave key_spec out, or leave encryption_key out to get a new key."
        )


def _state_of(key: kms.IKey) -> tuple[bool, str | None]:
    """Whether a key of the app is disabled, and its spec where it is not symmetric; of an imported one neither."""
    resource = key.node.default_child
    if not isinstance(resource, kms.CfnKey):
        return False, None
    spec = resource.key_spec
    is_other = spec not in (None, "SYMMETRIC_DEFAULT") and not cdk.Token.is_unresolved(spec)
    return resource.enabled is False, spec if is_other else None


def check_key_region(scope: Construct, key: kms.IKey, prop: str) -> None:
    """Refuse a key of another region for what this prop makes in the trail's region and encrypts with the key.

    KMS keys work in their own region only: https://docs.aws.amazon.com/kms/latest/developerguide/overview.html

    :raises ValueError: the key is in another region.
    """
    key_region, trail_region = key.env.region, cdk.Stack.of(scope).region
    if differ(key_region, trail_region):
        raise ValueError(
            f"{prop} was given, which encrypts with encryption_key in {trail_region}, and that key is in {key_region}. "
            f"Allowed: a key of the trail's region. Fix: leave out {prop}, or make the trail in {key_region}."
        )


def check_access_log_bucket(bucket: s3.IBucket) -> None:
    """Refuse a bucket that S3 would not deliver access logs to; a deployment would not notice.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html

    :raises ValueError: it encrypts with KMS or has Object Lock.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return
    encryption = str(cdk.Stack.of(bucket).resolve(resource.bucket_encryption))
    for fault, is_there in (
        ("encrypts with KMS", "aws:kms" in encryption),
        ("has Object Lock", resource.object_lock_enabled is True),
    ):
        if is_there:
            raise ValueError(
                f"access_log_bucket {fault}, and S3 delivers no access logs to such a bucket. "
                "Allowed: a bucket with SSE-S3 encryption and without Object Lock. "
                "Fix: use another bucket, or leave access_log_bucket out to get one that fits."
            )


def check_access_log_location(scope: Construct, bucket: s3.IBucket) -> None:
    """Refuse a bucket that S3 does not deliver the access logs of the scope's buckets to.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html

    :raises ValueError: it is in another region or account.
    """
    stack, target = cdk.Stack.of(scope), bucket.env
    if differ(target.region, stack.region) or differ(target.account, stack.account):
        raise ValueError(
            f"access_log_bucket is in {_place(target.region, target.account)}; the bucket that would log to it is in "
            f"{_place(stack.region, stack.account)}. Allowed: both in one region and account, or S3 refuses. "
            "Fix: use a bucket there, or leave access_log_bucket out to get a new one."
        )


def check_log_group(scope: Construct, log_group: logs.ILogGroup) -> None:
    """Refuse a log group that the trail cannot send to, or that its alarms cannot watch.

    CloudTrail takes a log group of the trail's account only, and a metric filter lies in its log group's Region:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html

    :raises ValueError: it is in another account or Region.
    """
    stack, group = cdk.Stack.of(scope), log_group.env
    if differ(group.region, stack.region) or differ(group.account, stack.account):
        raise ValueError(
            f"CloudWatchLogs.log_group is in {_place(group.region, group.account)}; the trail is in "
            f"{_place(stack.region, stack.account)}. Allowed: both in one Region and account, or CloudTrail refuses "
            "the trail. Fix: use a log group there, or leave log_group out to get a new one."
        )


def check_log_role(scope: Construct, role: iam.IRole) -> None:
    """Refuse a role by which CloudTrail cannot send to a log group.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html (CloudWatchLogsRoleArn)

    :raises ValueError: it is in another account.
    """
    account, own = role.env.account, cdk.Stack.of(scope).account
    if differ(account, own):
        raise ValueError(
            f"CloudWatchLogs.role is in account {account}, and the trail in {own}. Allowed: a role of the trail's "
            "account, or CloudTrail refuses the trail. Fix: use a role there, or leave role out to get a new one."
        )


def check_log_class(log_group: logs.ILogGroup) -> None:
    """Refuse a log group that no alarm can watch: only those of the Standard class have metric filters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html

    :raises ValueError: it is of another class.
    """
    log_class = getattr(log_group.node.default_child, "log_group_class", None)
    if log_class not in (None, "STANDARD") and not cdk.Token.is_unresolved(log_class):
        raise ValueError(
            f"CloudWatchLogs.log_group {log_group.node.path} is of the class {log_class}. Allowed for alarms: the "
            "Standard class, because no other one has metric filters. Fix: leave out log_group_class where it is made, "
            "or leave out the alarms."
        )


def check_topic(
    scope: Construct, prop: str, topic: sns.ITopic, *, anywhere: bool = False, by_role: bool = False
) -> None:
    """Refuse a topic that AWS services cannot publish to for this trail.

    A FIFO topic needs a message group, which neither an alarm nor CloudTrail nor a rule names; CloudTrail takes no name
    with a dot: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
    The policy of SNS's own key allows no other service and cannot be changed:
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    Rules and alarms publish to topics of their own region only: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
    SNS encrypts with symmetric keys only: https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic.html
    An alias is refused where a role publishes: its policy names the key, and so does whoever disables it.
    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html

    :param anywhere: whether the publisher can use a topic of another region, as CloudTrail can.
    :param by_role: whether a role publishes to it, as that of the rules does.
    :raises ValueError: it is a FIFO topic, in another region, or encrypted with ``alias/aws/sns``, an alias, or a key
        that is disabled or not symmetric; or a stack of another account or Region makes it without a name.
    """
    check_name(scope, prop, topic, topic.topic_arn)
    topic_region, trail_region = topic.env.region, cdk.Stack.of(scope).region
    key = topic.master_key
    is_disabled, spec = (False, None) if key is None else _state_of(key)
    unfit = "a disabled key" if is_disabled else f"a key of the spec {spec}"
    alias = None if key is None else getattr(key, "alias_name", None)
    for fault, is_so, allowed in (
        ("is a FIFO topic", topic.fifo, "a standard topic, because AWS services name no message group"),
        (
            f"is in {topic_region} and the trail in {trail_region}",
            not anywhere and differ(topic_region, trail_region),
            "both in one region, because EventBridge and CloudWatch publish to topics of their own region only",
        ),
        (
            "is encrypted with alias/aws/sns",
            alias == "alias/aws/sns",
            "a customer-managed key, because the policy of SNS's key allows no other service",
        ),
        (
            "is encrypted with an alias",
            by_role and key is not None and (alias is not None or ":alias/" in key.key_arn),
            "the key itself, because the policy of the role that publishes, and the rules, name keys, not aliases",
        ),
        (
            f"is encrypted with {'' if key is None else key.node.path}, {unfit}",
            is_disabled or spec is not None,
            "an enabled key of the spec SYMMETRIC_DEFAULT, because SNS encrypts with no other",
        ),
    ):
        if is_so:
            raise ValueError(
                f"{prop} {fault}, so no message would arrive. Allowed: {allowed}. "
                f"Fix: use another topic, or leave {prop} out to get one that fits."
            )


def warn_of_shared_key(scope: Construct, topic: sns.ITopic, encryption_key: kms.IKey) -> None:
    """Warn of a topic for alerts under the key of the log files: a disabled key stops the alert about itself."""
    key = topic.master_key
    if key is not None and key.key_arn == encryption_key.key_arn:
        cdk.Annotations.of(scope).add_warning_v2(
            "securetrail:alert-topic-key:shared",
            f"Alerts.topic {topic.node.path} is encrypted with {encryption_key.node.path}, the key of the log files: "
            "whoever disables that key also stops the alert about it. Fix: a key of its own for the topic, or leave "
            "topic out to get one that has it.",
        )


def warn_of_unknown_region(scope: Construct, prop: str, topic: sns.ITopic) -> None:
    """Warn of a topic that may be in another region than the rules and the alarms that publish to it."""
    there, here = place_of(topic)[0], cdk.Stack.of(scope).region
    if may_differ(there, here):
        where, known = "which region the topic is in", here
        if not cdk.Token.is_unresolved(there):
            where, known = "where the stack is deployed to", there
        cdk.Annotations.of(scope).add_warning_v2(
            "securetrail:alert-topic-region",
            f"Of {prop} and this stack one is in {known}, and {where} is not known during the synth. "
            "EventBridge and CloudWatch publish to topics of their own region only: in another one no alert arrives. "
            "Fix: env=cdk.Environment(account='111122223333', region='eu-central-1') for the stack, and "
            "the ARN of the topic as a text; or acknowledge if both are in one region.",
        )


def warn_of_unseen_calls(scope: Construct, resources: Mapping[str, cdk.IResource]) -> None:
    """Warn of resources in a region or account whose calls EventBridge does not receive here.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html

    :param resources: the prop that each resource was given by, and the resource.
    """
    stack = cdk.Stack.of(scope)
    for prop, resource in resources.items():
        region, account = place_of(resource)
        if may_differ(region, stack.region) or may_differ(account, stack.account):
            is_known = differ(region, stack.region) or differ(account, stack.account)
            there = _place(region, account)
            cdk.Annotations.of(scope).add_warning_v2(
                f"securetrail:tamper-alerts:{prop}",
                f"{prop} is in {there}. EventBridge receives calls where they are made, and the rules for alerts are "
                f"in {_place(stack.region, stack.account)}: calls that change {prop} raise no alert"
                f"{'' if is_known else ', if that is another place'}. Fix: a rule on these calls in {there}"
                f"{'' if is_known else '; or acknowledge if both are in one region and account'}.",
            )


def warn_of_delegated_administrator(scope: Construct, management_account_id: str, *, has_alerts: bool) -> None:
    """Warn where another account than the stack's owns the trail, or may.

    CloudFormation's handler starts logging by the trail's name, which is looked for in the account that deploys:
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1932

    :param management_account_id: the account that owns the trail.
    """
    stack = cdk.Stack.of(scope)
    account = stack.account
    if account == management_account_id or stack.resolve(management_account_id) == {"Ref": "AWS::AccountId"}:
        return
    is_known = differ(management_account_id, account)
    own = account if not cdk.Token.is_unresolved(account) else None
    is_owner_known = not cdk.Token.is_unresolved(management_account_id)
    owner = management_account_id if is_owner_known else "the management account"
    here, only_if = own or "the stack's account", "" if is_known else ", if that is another one"
    where = f"the stack is deployed to {own}" if own else "where the stack is deployed to is not known"
    given = owner if is_owner_known else "known only at deployment"
    in_another = "In this account" if is_known else f"In another account than {owner}"
    said_here = "" if own or not is_owner_known else f" (env=cdk.Environment(account='{owner}', …) says it)"
    cdk.Annotations.of(scope).add_warning_v2(
        "securetrail:delegated-administrator",
        f"management_account_id is {given}, and {where}. {in_another} "
        "CloudFormation starts logging by the trail's name, and finds no trail of that name: the deployment "
        f"may fail, or leave a trail that does not log. Fix: deploy the stack to {owner}{said_here}, "
        f"with log_bucket and encryption_key of {own or 'whichever account keeps the log files'}; "
        "or check that the trail logs (`securetrail check`) after each deployment.",
    )
    if has_alerts:
        cdk.Annotations.of(scope).add_warning_v2(
            "securetrail:tamper-alerts:trail",
            f"The trail is in {owner}. EventBridge receives calls where they are made, and the rules "
            f"for alerts are in {here}: whoever stops the trail from {owner} raises no alert{only_if}. "
            f"Fix: deploy the stack{said_here}, or rules on these calls, to {owner}.",
        )


def warn_of_weak_key(scope: Construct, key: kms.IKey) -> None:
    """Warn of an existing key that does not rotate, as one that is made here does.

    KMS rotates by itself only what it made: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    """
    resource = key.node.default_child
    if not isinstance(resource, kms.CfnKey) or resource.enable_key_rotation not in (None, False):
        return
    if resource.origin in (None, "AWS_KMS"):
        cdk.Annotations.of(scope).add_warning_v2(
            "securetrail:encryption-key:enable_key_rotation",
            f"encryption_key {key.node.path} does not rotate. Fix: kms.Key(…, enable_key_rotation=True), or leave "
            "encryption_key out to get one that does.",
        )


def warn_of_weak_bucket(scope: Construct, prop: str, bucket: s3.IBucket) -> None:
    """Warn of an existing bucket that protects what is in it less than one that is made here.

    Of an imported bucket CDK knows none of it; ``python -m verify check`` looks at what is deployed.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html and
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

    :param prop: ``log_bucket``, or ``access_log_bucket``, to which S3 delivers nothing that a key of KMS encrypts.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        cdk.Annotations.of(scope).add_warning_v2(
            f"securetrail:{prop.replace('_', '-')}:imported",
            f"{prop} {bucket.node.path} is imported. Whether it blocks public access, keeps versions, encrypts and "
            "refuses requests without TLS is not known here. Fix: look at it (of log_bucket `securetrail check` "
            "tells), then acknowledge.",
        )
        return
    # All at once: what `public_access_block_configuration` gives may be `BlockPublicAccess.BLOCK_ALL` itself, and jsii
    # takes that for another type from then on, which the app's next bucket would fail by.
    properties = cdk.Stack.of(bucket).resolve(resource._cfn_properties)  # noqa: SLF001 (protected in CDK)
    blocked = properties.get("publicAccessBlockConfiguration", {})
    versioning = properties.get("versioningConfiguration", {})
    # In the order of the words; CDK writes each as CloudFormation has it.
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    for what, is_weak, fix in (
        (
            "does not block all public access"
            if blocked
            else "names no block of public access, and of those from before April 2023 S3 blocks none by itself",
            not all(blocked.get(name) is True for name in names),
            "block_public_access=s3.BlockPublicAccess.BLOCK_ALL",
        ),
        (
            "keeps no versions, so that an overwritten log file is lost",
            versioning.get("status") != "Enabled",
            "versioned=True",
        ),
        (
            "names no encryption of its own",
            prop == "log_bucket" and not properties.get("bucketEncryption"),
            "encryption=s3.BucketEncryption.KMS, encryption_key=…, bucket_key_enabled=True",
        ),
        ("does not refuse requests without TLS", not _refuses_plain_http(bucket), "enforce_ssl=True"),
    ):
        if is_weak:
            cdk.Annotations.of(scope).add_warning_v2(
                f"securetrail:{prop.replace('_', '-')}:{fix.partition('=')[0]}",
                f"{prop} {bucket.node.path} {what}. Fix: s3.Bucket(…, {fix}), or leave {prop} out to get one that "
                "does.",
            )


def _refuses_plain_http(bucket: s3.IBucket) -> bool:
    """Whether a statement denies everybody everything without TLS, as CDK's ``enforce_ssl`` writes it."""
    policy = getattr(bucket, "policy", None)
    stack = cdk.Stack.of(bucket)
    document = stack.resolve(policy.document) if policy is not None else {}
    everything = stack.resolve([bucket.bucket_arn, bucket.arn_for_objects("*")])
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement.get("Action") == "s3:*"
        and isinstance(resources := statement.get("Resource"), list)
        and all(each in resources for each in everything)
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in document.get("Statement", [])
    )


def warn_of_locked_out_deployer(scope: Construct, break_glass_principal_arns: Sequence[str]) -> None:
    """Warn where the role by which CDK deploys the stack is denied to change the log bucket from then on.

    https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html (CloudFormationExecutionRole)
    """
    stack = cdk.Stack.of(scope)
    while stack.nested_stack_parent is not None:  # it is deployed with its parent
        stack = stack.nested_stack_parent
    synthesizer = stack.synthesizer
    if not isinstance(synthesizer, cdk.DefaultStackSynthesizer):
        return  # it deploys with the caller's own credentials
    role = _as_written(stack, synthesizer.cloud_formation_execution_role_arn)
    if any(_names_role(_as_written(stack, arn), role) for arn in break_glass_principal_arns):
        return
    name = role.rpartition("/")[2]
    cdk.Annotations.of(scope).add_warning_v2(
        "securetrail:break-glass-deployer",
        f"break_glass_principal_arns does not name the role by which CDK deploys this stack, {name} (what is known "
        "only at deployment does not count): the next change of the log bucket or its policy is denied. "
        f"Fix: add its ARN, 'arn:…:role/{name}', or deploy such changes as one of the principals that are named.",
    )


def _as_written(stack: cdk.Stack, arn: str) -> str:
    """The ARN with the stack's account and Region, where they are known, and ``${…}`` for all that is not."""
    value = stack.resolve(arn)
    if isinstance(value, dict):
        separator, parts = value.get("Fn::Join", ("", [value]))
        value = separator.join(part if isinstance(part, str) else f"${{{part.get('Ref')}}}" for part in parts)
    for name, known in (("AccountId", stack.account), ("Region", stack.region)):
        if not cdk.Token.is_unresolved(known):
            value = value.replace(f"${{AWS::{name}}}", known)
    return str(value).replace("AWS::", "")


def _names_role(given: str, role: str) -> bool:
    """Whether an ARN, with or without ``*``, is this role's, as the condition ``ArnNotLike`` compares them.

    Of a stack without an environment the role's account and Region are known only at deployment: then they count as
    those that are given.
    """
    *_, of_given, name_given = ["", *given.split(":")]
    *_, of_role, name_role = role.split(":")
    in_account = of_given == of_role or "${" in of_role
    known = name_role.partition("${")[0]
    return in_account and (
        fnmatch.fnmatchcase(name_role, name_given) or (known != name_role and name_given.startswith(known))
    )
