"""What can be wrong with one trail, one fault each: an attack or a mistake that a public report describes.

Each fault changes one thing in an account where everything is as it should be, and names the checks that concern it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.conftest import Account

Statement = dict[str, Any]
Change = Callable[[Account], Any]

# The addresses of the reports.
_STRATUS = "https://stratus-red-team.cloud/attack-techniques/AWS/aws."
_GUIDE = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/"
_ELASTIC = "https://www.elastic.co/guide/en/security/"
STOP = f"{_STRATUS}defense-evasion.cloudtrail-stop/"
DELETE = f"{_STRATUS}defense-evasion.cloudtrail-delete/"
SELECTORS = f"{_STRATUS}defense-evasion.cloudtrail-event-selectors/"
LIFECYCLE = f"{_STRATUS}defense-evasion.cloudtrail-lifecycle-rule/"
BACKDOOR = f"{_STRATUS}exfiltration.s3-backdoor-bucket-policy/"
RANSOM = "https://rhinosecuritylabs.com/aws/s3-ransomware-part-1-attack-vector/"
DISRUPTING = "https://danielgrzelak.com/disrupting-aws-logging-a42e437d6594"
UPDATED = f"{_ELASTIC}8.19/aws-cloudtrail-log-updated.html"
KEY_DISABLED = f"{_ELASTIC}8.8/aws-kms-customer-managed-key-disabled-or-scheduled-for-deletion.html"
BUCKET_DELETED = f"{_ELASTIC}8.19/prebuilt-rule-8-2-1-aws-s3-bucket-configuration-deletion.html"
REPLICATED = f"{_ELASTIC}current/prebuilt-rule-8-19-12-aws-s3-bucket-replicated-to-another-account.html"
# A checker that goes by the name of a selector.
_NAME = "cloudtrail_multi_region_enabled_logging_management_events"
NAMED = (
    "https://github.com/prowler-cloud/prowler/blob/226992d331d675ce78682281aa309c0fe9281a9d/prowler/providers/aws/"
    f"services/cloudtrail/{_NAME}/{_NAME}.py"
)
CONFUSED = (
    "https://www.wiz.io/blog/black-hat-2021-aws-cross-account-vulnerabilities-how-isolated-is-your-cloud-environment"
)
DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
BUCKET_POLICY = f"{_GUIDE}create-s3-bucket-policy-for-cloudtrail.html"
KEY_POLICY = f"{_GUIDE}create-kms-key-policy-for-cloudtrail.html"
PERIMETER = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html"
MANAGEMENT = f"{_GUIDE}logging-management-events-with-cloudtrail.html"
DATA = f"{_GUIDE}logging-data-events-with-cloudtrail.html"
COSTS = f"{_GUIDE}cloudtrail-trail-manage-costs.html"
HUB_TRAIL = f"{_HUB}cloudtrail-controls.html"
HUB_S3 = f"{_HUB}s3-controls.html"
HUB_KMS = f"{_HUB}kms-controls.html"
GRANTS = f"{_KMS}grants.html"
KEY_TYPES = f"{_KMS}symmetric-asymmetric.html"
IMPORTED = f"{_KMS}importing-keys.html"
ACLS = f"{_S3}acl-overview.html"
PAYS = f"{_S3}RequesterPaysBuckets.html"
POINTS = f"{_S3}access-points-policies.html"
ACCESS_LOGS = f"{_S3}troubleshooting-server-access-logging.html"
SUBSCRIBED = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CrossAccountSubscriptions.html"
LOG_GROUP_KEY = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
NOTICES = f"{_GUIDE}configure-sns-notifications-for-cloudtrail.html"
PRINCIPALS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
REFERER = f"{_S3}example-bucket-policies.html"

DELIVERS = "trail_delivers_without_error"
RECORDS = "trail_records_all_management_events"
PAYER = "log_bucket_pays_for_requests"
KEY = "key_exists"
ENCRYPTS = "log_bucket_encrypts_with_the_key"
KEY_ALLOWS = "key_policy_lets_cloudtrail_in"
ALLOWS = "bucket_policy_lets_cloudtrail_in"
PUBLIC = "log_bucket_blocks_public_access"
TLS = "log_bucket_requires_tls"
USES_KEY = "trail_uses_the_key"
USES_BUCKET = "trail_uses_the_bucket"
OUTSIDERS = "bucket_policy_keeps_strangers_out"
ACL = "bucket_acl_keeps_strangers_out"
ACCESS_POINTS = "access_points_keep_strangers_out"
KEY_OUTSIDERS = "key_keeps_strangers_out"
KEY_GRANTS = "key_grants_keep_strangers_out"
KEY_NAMES = "key_policy_names_the_trail"
BUCKET_NAMES = "bucket_policy_names_the_trail"
BUCKET_KEY = "log_bucket_uses_bucket_key"
LOGS_ACCESS = "log_bucket_logs_access"
REPLICAS = "replication_keeps_strangers_out"
OTHER_TRAILS = "other_trails_keep_strangers_out"
LOG_GROUP = "log_group_keeps_strangers_out"
TOPIC = "trail_topic_is_no_strangers"
KEEPS = "log_bucket_keeps_logs"
OUTSIDER = "999999999999"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    :param report: the address of a public report about it.
    :param checks: the ids of exactly the checks that fail or advise, beside those that do so in a clean deployment.
    :param unknown: the ids of exactly the checks that are then not known.
    :param delivers: the lab delivers once between the fault and the checks, or tries to.
    """

    name: str
    report: str
    change: Change
    checks: frozenset[str]
    delivers: bool = False
    unknown: frozenset[str] = frozenset()


def _update(**changes: Any) -> Change:
    return lambda a: a.client("cloudtrail").update_trail(Name=a.trail, **changes)


def _select(*classic: dict[str, Any]) -> Change:
    return lambda a: a.client("cloudtrail").put_event_selectors(TrailName=a.trail, EventSelectors=list(classic))


def _select_advanced(*selectors: list[dict[str, Any]], name: str = "x") -> Change:
    chosen = [{"Name": name, "FieldSelectors": fields} for fields in selectors]
    return lambda a: a.client("cloudtrail").put_event_selectors(TrailName=a.trail, AdvancedEventSelectors=chosen)


def _field(name: str, **operators: str) -> dict[str, Any]:
    return {"Field": name, **{operator: [value] for operator, value in operators.items()}}


_MANAGEMENT = _field("eventCategory", Equals="Management")
_OF_DATA = [_field("eventCategory", Equals="Data"), _field("resources.type", Equals="AWS::S3::Object")]
_ALL: dict[str, Any] = {"ReadWriteType": "All", "IncludeManagementEvents": True}
_OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}


def _key_policy(edit: Callable[[list[Statement], Account], Iterable[Statement]]) -> Change:
    def change(account: Account) -> None:
        policy = account.key_policy()
        policy["Statement"] = list(edit(policy["Statement"], account))
        account.client("kms").put_key_policy(KeyId=account.key_id, PolicyName="default", Policy=json.dumps(policy))

    return change


def _bucket_policy(edit: Callable[[list[Statement], Account], Iterable[Statement]]) -> Change:
    def change(account: Account) -> None:
        policy = account.bucket_policy()
        policy["Statement"] = list(edit(policy["Statement"], account))
        account.client("s3").put_bucket_policy(Bucket=account.bucket, Policy=json.dumps(policy))

    return change


def _is_cloudtrails(statement: Statement) -> bool:
    return bool(statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"})


def _replaced(old: str, new: str) -> Callable[[list[Statement], Account], list[Statement]]:
    """The statements with another text in them; ``{account}`` and ``{bucket}`` stand for the account's."""

    def edit(statements: list[Statement], account: Account) -> list[Statement]:
        words = {"account": account.id, "bucket": account.bucket}
        changed = json.dumps(statements).replace(old.format(**words), new.format(**words))
        assert changed != json.dumps(statements)
        return list(json.loads(changed))

    return edit


def _without(action: str) -> Callable[[list[Statement], Account], list[Statement]]:
    """CloudTrail's statements without an action."""

    def edit(statements: list[Statement], _: Account) -> list[Statement]:
        kept = []
        for statement in statements:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            left = [each for each in actions if each != action or not _is_cloudtrails(statement)]
            kept += [{**statement, "Action": left}] if left else []
        return kept

    return edit


def _with(**statement: Any) -> Callable[[list[Statement], Account], list[Statement]]:
    """One statement more; its resource is the bucket and all its objects, unless it names another."""

    def edit(statements: list[Statement], account: Account) -> list[Statement]:
        whole = [f"arn:aws:s3:::{account.bucket}", f"arn:aws:s3:::{account.bucket}/*"]
        more = {"Sid": "More", "Effect": "Allow", "Resource": whole, **statement}
        text = json.dumps(more).replace("ACCOUNT", account.id).replace("BUCKET", account.bucket)
        return [*statements, json.loads(text)]

    return edit


def of_key(**statement: Any) -> Change:
    """One statement more in the key's policy."""
    return _key_policy(_with(Resource="*", **statement))


def on_bucket(**statement: Any) -> Change:
    """One statement more in the bucket's policy."""
    return _bucket_policy(_with(**statement))


def _deny(**condition: Any) -> Change:
    more = {"Condition": condition} if condition else {}
    return on_bucket(Effect="Deny", Principal="*", Action="s3:PutObject", Resource="arn:aws:s3:::BUCKET/*", **more)


def _deny_key(**condition: Any) -> Change:
    return of_key(Effect="Deny", Principal="*", Action="kms:GenerateDataKey*", Condition=condition)


def _tls(**changes: Any) -> Change:
    """The Deny without TLS in another form."""

    def edit(statements: list[Statement], account: Account) -> list[Statement]:
        text = json.dumps(changes).replace("BUCKET", account.bucket)
        return [each if _is_cloudtrails(each) else {**each, **json.loads(text)} for each in statements]

    return _bucket_policy(edit)


def another_key(account: Account, **options: Any) -> str:
    """A key that is not the target's; with the same policy, unless it is of another type."""
    policy = {} if options else {"Policy": json.dumps(account.key_policy())}
    return str(account.client("kms").create_key(**policy, **options)["KeyMetadata"]["Arn"])


def _key_of_a_stranger(account: Account) -> str:
    """A key of another account, which lets this one use it."""
    stranger = account.other()
    owner = {"Effect": "Allow", "Principal": {"AWS": stranger.id}, "Action": "kms:*", "Resource": "*"}
    policy = account.key_policy()
    policy["Statement"].append(owner)
    return str(stranger.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"])


def _alias_to(**options: Any) -> Change:
    return lambda a: a.client("kms").update_alias(AliasName=a.key, TargetKeyId=another_key(a, **options))


def another_bucket(account: Account, owner: Account | None = None) -> str:
    """A bucket with the same policy, of this account or of another one."""
    s3, name = (owner or account).client("s3"), f"elsewhere-{account.id}"
    s3.create_bucket(Bucket=name)
    policy = json.dumps(account.bucket_policy()).replace(account.bucket, name)
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    return name


def _encrypt(with_bucket_key: bool = True, **default: str) -> Change:  # noqa: FBT001, FBT002
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": with_bucket_key}
    return lambda a: a.client("s3").put_bucket_encryption(
        Bucket=a.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )


def _blocking_all_but(*off: str) -> Change:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return lambda a: a.client("s3").put_public_access_block(
        Bucket=a.bucket, PublicAccessBlockConfiguration={name: name not in off for name in names}
    )


def _acl(**grants: str) -> Change:
    """Access control lists on, and a grant; what keeps public ones out is off."""

    def change(account: Account) -> None:
        s3 = account.client("s3")
        s3.put_bucket_ownership_controls(
            Bucket=account.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
        )
        s3.delete_public_access_block(Bucket=account.bucket)
        s3.put_bucket_acl(Bucket=account.bucket, **grants)

    return change


def _expire(**rule: Any) -> Change:
    def change(account: Account) -> None:
        s3 = account.client("s3")
        rules = s3.get_bucket_lifecycle_configuration(Bucket=account.bucket)["Rules"]
        more = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, **rule}
        s3.put_bucket_lifecycle_configuration(Bucket=account.bucket, LifecycleConfiguration={"Rules": [*rules, more]})

    return change


def _log_access_to(bucket: Callable[[Account], str] | None) -> Change:
    def change(account: Account) -> None:
        status = {} if bucket is None else {"LoggingEnabled": {"TargetBucket": bucket(account), "TargetPrefix": "x/"}}
        account.client("s3").put_bucket_logging(Bucket=account.bucket, BucketLoggingStatus=status)

    return change


def _log_access_to_a_lost_bucket(account: Account) -> None:
    s3, name = account.client("s3"), f"nowhere-{account.id}"
    s3.create_bucket(Bucket=name)
    _log_access_to(lambda _: name)(account)
    s3.delete_bucket(Bucket=name)


def _locked_bucket(account: Account) -> str:
    s3, name = account.client("s3"), f"locked-{account.id}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention}
    )
    return name


def _access_point(principal: Any) -> Change:
    def change(account: Account) -> None:
        control = account.s3control()
        control("CreateAccessPoint", AccountId=account.id, Name="point", Bucket=account.bucket)
        resource = f"arn:aws:s3:{account.region}:{account.id}:accesspoint/point/object/*"
        statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        control("PutAccessPointPolicy", AccountId=account.id, Name="point", Policy=policy)

    return change


def _grant(**grant: Any) -> Change:
    return lambda a: a.client("kms").create_grant(KeyId=a.key_id, **grant)


def _second_trail(account: Account) -> None:
    cloudtrail = account.client("cloudtrail")
    bucket = another_bucket(account)
    policy = json.dumps(account.bucket_policy()).replace(account.bucket, bucket).replace(account.trail, "copy")
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    cloudtrail.create_trail(Name="copy", S3BucketName=bucket)
    cloudtrail.start_logging(Name="copy")


_WRITES = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}


def _role(account: Account, service: str, *actions: str) -> str:
    """A role of the account that a service may take, and what it may do."""
    iam, name = account.client("iam"), f"of-{service}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])
    may = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document)
    return arn


def replicate_to_a_stranger(account: Account) -> None:
    """Every new object is copied to a bucket of another account."""
    name, theirs = f"copies-{account.id}", account.other().client("s3")
    theirs.create_bucket(Bucket=name)
    theirs.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "copy",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{name}"},
    }
    configuration = {"Role": _role(account, "s3", "s3:*"), "Rules": [rule]}
    account.client("s3").put_bucket_replication(Bucket=account.bucket, ReplicationConfiguration=configuration)


def _trail_to_a_stranger(account: Account) -> None:
    """A second trail; without management events it is no paid copy."""
    name, theirs, cloudtrail = f"elsewhere-{account.id}", account.other().client("s3"), account.client("cloudtrail")
    theirs.create_bucket(Bucket=name)
    whole = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    policy = {"Version": "2012-10-17", "Statement": [{**_WRITES, "Action": "s3:*", "Resource": whole}]}
    theirs.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    cloudtrail.create_trail(Name="copy", S3BucketName=name)
    of_data = [{"IncludeManagementEvents": False, "DataResources": [{**_OBJECTS, "Values": ["arn:aws:s3:::x/"]}]}]
    cloudtrail.put_event_selectors(TrailName="copy", EventSelectors=of_data)
    cloudtrail.start_logging(Name="copy")


def subscribe_a_stranger(account: Account) -> None:
    """The trail gets a log group, and its events go on to another account."""
    stranger, group = account.other(), "of-the-trail"
    logs = stranger.client("logs")
    stream = f"arn:aws:kinesis:{account.region}:{stranger.id}:stream/in"
    stranger.client("kinesis").create_stream(StreamName="in", ShardCount=1)
    destination = logs.put_destination(
        destinationName="in", targetArn=stream, roleArn=_role(stranger, "logs", "kinesis:*")
    )["destination"]["arn"]
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "logs:PutSubscriptionFilter", "Resource": destination}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
    logs.put_destination_policy(destinationName="in", accessPolicy=document)
    account.client("logs").create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{account.region}:{account.id}:log-group:{group}:*"
    role = _role(account, "cloudtrail", "logs:*")
    _update(CloudWatchLogsLogGroupArn=arn, CloudWatchLogsRoleArn=role)(account)
    account.client("logs").put_subscription_filter(
        logGroupName=group, filterName="out", filterPattern="", destinationArn=destination
    )


def empty_bucket(account: Account) -> None:
    """Every version of every object is gone."""
    s3 = account.client("s3")
    for each in s3.list_object_versions(Bucket=account.bucket).get("Versions", ()):
        s3.delete_object(Bucket=account.bucket, Key=each["Key"], VersionId=each["VersionId"])


def _delete_bucket(account: Account) -> None:
    empty_bucket(account)
    account.client("s3").delete_bucket(Bucket=account.bucket)


def _tell_a_stranger(account: Account) -> None:
    """Each delivery is announced in another account's topic."""
    sns = account.other().client("sns")
    topic = sns.create_topic(Name="in")["TopicArn"]
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{**_WRITES, "Action": "SNS:Publish", "Resource": topic}]}
    )
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    _update(SnsTopicName=topic)(account)


def _grant_on_each_log_file(account: Account) -> None:
    """Access control lists on, and an outsider may read what is there."""
    s3 = account.client("s3")
    s3.put_bucket_ownership_controls(
        Bucket=account.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    for each in s3.list_objects_v2(Bucket=account.bucket)["Contents"]:
        s3.put_object_acl(Bucket=account.bucket, Key=each["Key"], GrantRead=f'id="{"a" * 64}"')


def _fault(
    name: str, report: str, change: Change, *checks: str, delivers: bool = False, unknown: Iterable[str] = ()
) -> Fault:
    return Fault(name, report, change, frozenset(checks), delivers, frozenset(unknown))


_TRAIL_FAULTS = (
    _fault("stop logging", STOP, lambda a: a.client("cloudtrail").stop_logging(Name=a.trail), "trail_is_logging"),
    _fault(
        "delete the trail",
        DELETE,
        lambda a: a.client("cloudtrail").delete_trail(Name=a.trail),
        *("trail_exists", "trail_is_multi_region", "trail_validates_log_files", "trail_is_logging"),
        *(USES_KEY, USES_BUCKET, RECORDS, DELIVERS),
    ),
    _fault("record one region", UPDATED, _update(IsMultiRegionTrail=False), "trail_is_multi_region"),
    _fault("no digests", DISRUPTING, _update(EnableLogFileValidation=False), "trail_validates_log_files"),
    _fault(
        "no events of global services",
        DISRUPTING,
        _update(IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False),
        *("trail_is_multi_region", RECORDS),
    ),
    _fault("another bucket", DISRUPTING, lambda a: _update(S3BucketName=another_bucket(a))(a), USES_BUCKET),
    _fault(
        "another account's bucket",
        DISRUPTING,
        lambda a: _update(S3BucketName=another_bucket(a, a.other()))(a),
        USES_BUCKET,
    ),
    _fault("another key", RANSOM, lambda a: _update(KmsKeyId=another_key(a))(a), USES_KEY),
    _fault("another account's key", RANSOM, lambda a: _update(KmsKeyId=_key_of_a_stranger(a))(a), USES_KEY),
    _fault("a second trail", COSTS, _second_trail, "trail_is_the_only_paid_copy"),
    _fault("a second trail to a stranger's bucket", DISRUPTING, _trail_to_a_stranger, OTHER_TRAILS),
    _fault("the log group's events go to a stranger", SUBSCRIBED, subscribe_a_stranger, LOG_GROUP),
    _fault("each delivery is told to a stranger", NOTICES, _tell_a_stranger, TOPIC),
    _fault("delete what was delivered", DISRUPTING, empty_bucket, DELIVERS),
)
_SELECTOR_FAULTS = (
    _fault("only reads", SELECTORS, _select({**_ALL, "ReadWriteType": "ReadOnly"}), RECORDS),
    _fault("only writes", MANAGEMENT, _select({**_ALL, "ReadWriteType": "WriteOnly"}), RECORDS),
    _fault(
        "no management event",
        SELECTORS,
        _select(
            {**_ALL, "IncludeManagementEvents": False, "DataResources": [{**_OBJECTS, "Values": ["arn:aws:s3:::x/"]}]}
        ),
        RECORDS,
    ),
    _fault(
        "no events of KMS",
        MANAGEMENT,
        _select({**_ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}),
        RECORDS,
    ),
    _fault(
        "no events of the RDS Data API",
        MANAGEMENT,
        _select({**_ALL, "ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]}),
        RECORDS,
    ),
    _fault(
        "only data events, advanced",
        SELECTORS,
        _select_advanced([*_OF_DATA, _field("resources.ARN", StartsWith="arn:aws:s3:::x/")]),
        RECORDS,
    ),
    _fault(
        "data events under the name of management events",
        NAMED,
        _select_advanced(
            [*_OF_DATA, _field("resources.ARN", StartsWith="arn:aws:s3:::x/")], name="Management events selector"
        ),
        RECORDS,
    ),
    _fault(
        "only reads, advanced", SELECTORS, _select_advanced([_MANAGEMENT, _field("readOnly", Equals="true")]), RECORDS
    ),
    _fault(
        "only writes, advanced",
        MANAGEMENT,
        _select_advanced([_MANAGEMENT, _field("readOnly", Equals="false")]),
        RECORDS,
    ),
    _fault(
        "no events of KMS, advanced",
        MANAGEMENT,
        _select_advanced([_MANAGEMENT, _field("eventSource", NotEquals="kms.amazonaws.com")]),
        RECORDS,
    ),
    _fault(
        "data events of every bucket",
        DATA,
        _select({**_ALL, "DataResources": [_OBJECTS]}),
        "data_events_spare_the_log_bucket",
    ),
    _fault(
        "data events of the log bucket",
        DATA,
        lambda a: _select({**_ALL, "DataResources": [{**_OBJECTS, "Values": [f"arn:aws:s3:::{a.bucket}/"]}]})(a),
        "data_events_spare_the_log_bucket",
    ),
    _fault(
        "data events of every bucket, advanced",
        DATA,
        _select_advanced([_MANAGEMENT], _OF_DATA),
        "data_events_spare_the_log_bucket",
    ),
)
_KEY_FAULTS = (
    _fault("disable the key", KEY_DISABLED, lambda a: a.client("kms").disable_key(KeyId=a.key_id), KEY),
    _fault(
        "disable the key, and a delivery fails",
        KEY_DISABLED,
        lambda a: a.client("kms").disable_key(KeyId=a.key_id),
        *(KEY, DELIVERS),
        delivers=True,
    ),
    _fault(
        "schedule the key's deletion",
        KEY_DISABLED,
        lambda a: a.client("kms").schedule_key_deletion(KeyId=a.key_id, PendingWindowInDays=7),
        KEY,
    ),
    _fault("delete the alias", HUB_KMS, lambda a: a.client("kms").delete_alias(AliasName=a.key), KEY),
    _fault("the alias of another key", HUB_KMS, _alias_to(), KEY),
    _fault("the alias of a key to sign with", KEY_TYPES, _alias_to(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"), KEY),
    _fault("the alias of an HMAC key", KEY_TYPES, _alias_to(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), KEY),
    _fault("the alias of a key without material", IMPORTED, _alias_to(Origin="EXTERNAL"), KEY),
    _fault("no rotation", HUB_KMS, lambda a: a.client("kms").disable_key_rotation(KeyId=a.key_id), "key_rotates"),
    _fault(
        "no grant in the key policy",
        KEY_POLICY,
        _key_policy(lambda statements, _: [each for each in statements if not _is_cloudtrails(each)]),
        *(KEY_ALLOWS, BUCKET_KEY),
    ),
    _fault(
        "no grant in the key policy, and a delivery fails",
        KEY_POLICY,
        _key_policy(lambda statements, _: [each for each in statements if not _is_cloudtrails(each)]),
        *(KEY_ALLOWS, BUCKET_KEY, DELIVERS),
        delivers=True,
    ),
    _fault("no GenerateDataKey", KEY_POLICY, _key_policy(_without("kms:GenerateDataKey*")), KEY_ALLOWS),
    _fault("no DescribeKey", KEY_POLICY, _key_policy(_without("kms:DescribeKey")), KEY_ALLOWS),
    _fault("no Decrypt", KEY_POLICY, _key_policy(_without("kms:Decrypt")), BUCKET_KEY),
    _fault(
        "the key policy names another trail",
        KEY_POLICY,
        _key_policy(_replaced("trail/ch03-security-trail", "trail/other")),
        *(KEY_ALLOWS, BUCKET_KEY, KEY_NAMES),
    ),
    _fault(
        "the key policy names another account's trail",
        KEY_POLICY,
        _key_policy(_replaced(":{account}:trail/ch03", f":{OUTSIDER}:trail/ch03")),
        *(KEY_ALLOWS, BUCKET_KEY),
    ),
    _fault(
        "the key policy misspells CloudTrail",
        KEY_POLICY,
        _key_policy(_replaced("cloudtrail.amazonaws.com", "cloudtrail.amazon.com")),
        *(KEY_ALLOWS, BUCKET_KEY),
    ),
    _fault(
        "any trail may use the key",
        DEPUTY,
        of_key(Principal={"Service": "cloudtrail.amazonaws.com"}, Action="kms:GenerateDataKey*"),
        KEY_NAMES,
    ),
    _fault(
        "CloudTrail is denied the key",
        KEY_POLICY,
        of_key(Effect="Deny", Principal={"Service": "cloudtrail.amazonaws.com"}, Action="kms:*"),
        *(KEY_ALLOWS, BUCKET_KEY),
    ),
    _fault(
        "the key denies what does not come by a VPC endpoint",
        PERIMETER,
        _deny_key(StringNotEquals={"aws:SourceVpce": "vpce-1"}),
        KEY_ALLOWS,
    ),
    _fault(
        "the key denies what is not of the organization",
        PERIMETER,
        _deny_key(StringNotEquals={"aws:PrincipalOrgID": "o-1"}),
        KEY_ALLOWS,
    ),
    _fault(
        "the key denies foreign addresses",
        PERIMETER,
        _deny_key(NotIpAddress={"aws:SourceIp": "203.0.113.0/24"}),
        KEY_ALLOWS,
    ),
    *(
        _fault(
            f"an outsider may {action} by the key policy", report, of_key(Principal=who, Action=action), KEY_OUTSIDERS
        )
        for action, who, report in (
            ("kms:Decrypt", {"AWS": f"arn:aws:iam::{OUTSIDER}:root"}, HUB_KMS),
            ("kms:ReEncrypt*", {"AWS": f"arn:aws:iam::{OUTSIDER}:role/x"}, HUB_KMS),
            ("kms:CreateGrant", {"AWS": OUTSIDER}, GRANTS),
            ("kms:PutKeyPolicy", {"AWS": OUTSIDER}, RANSOM),
            ("kms:DisableKey", {"AWS": OUTSIDER}, KEY_DISABLED),
            ("kms:ScheduleKeyDeletion", {"AWS": OUTSIDER}, KEY_DISABLED),
        )
    ),
    _fault(
        "anybody may do everything by the key policy",
        HUB_KMS,
        of_key(Principal="*", Action="kms:*"),
        *(KEY_OUTSIDERS, KEY_NAMES),
    ),
    _fault(
        "anybody may decrypt by S3",
        HUB_KMS,
        of_key(
            Principal={"AWS": "*"},
            Action="kms:Decrypt",
            Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        ),
        KEY_OUTSIDERS,
    ),
    _fault(
        "a service may decrypt for anybody",
        CONFUSED,
        of_key(Principal={"Service": "config.amazonaws.com"}, Action="kms:Decrypt"),
        KEY_OUTSIDERS,
    ),
    _fault(
        "any service may decrypt, as everybody, for an outsider",
        CONFUSED,
        of_key(Principal="*", Action="kms:Decrypt", Condition={"StringEquals": {"aws:SourceAccount": OUTSIDER}}),
        KEY_OUTSIDERS,
    ),
    _fault(
        "any log group may decrypt",
        LOG_GROUP_KEY,
        of_key(
            Principal={"Service": "logs.us-east-1.amazonaws.com"},
            Action=["kms:Decrypt", "kms:GenerateDataKey*"],
            Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:*:*"}},
        ),
        KEY_OUTSIDERS,
    ),
    _fault(
        "a grant to decrypt",
        GRANTS,
        _grant(GranteePrincipal=f"arn:aws:iam::{OUTSIDER}:root", Operations=["Decrypt"]),
        KEY_GRANTS,
    ),
    _fault(
        "a grant to grant",
        GRANTS,
        _grant(GranteePrincipal=f"arn:aws:iam::{OUTSIDER}:role/x", Operations=["CreateGrant", "Decrypt"]),
        KEY_GRANTS,
    ),
)
_POLICY_FAULTS = (
    _fault(
        "delete the bucket policy",
        BUCKET_DELETED,
        lambda a: a.client("s3").delete_bucket_policy(Bucket=a.bucket),
        *(ALLOWS, TLS),
    ),
    _fault(
        "delete the bucket policy, and a delivery fails",
        BUCKET_DELETED,
        lambda a: a.client("s3").delete_bucket_policy(Bucket=a.bucket),
        *(ALLOWS, TLS, DELIVERS),
        delivers=True,
    ),
    _fault("no GetBucketAcl", BUCKET_POLICY, _bucket_policy(_without("s3:GetBucketAcl")), ALLOWS),
    _fault("no PutObject", BUCKET_POLICY, _bucket_policy(_without("s3:PutObject")), ALLOWS),
    _fault(
        "another account's folder",
        BUCKET_POLICY,
        _bucket_policy(_replaced("AWSLogs/{account}", f"AWSLogs/{OUTSIDER}")),
        ALLOWS,
    ),
    _fault("a prefix too much", BUCKET_POLICY, _bucket_policy(_replaced("/AWSLogs/", "/logs/AWSLogs/")), ALLOWS),
    _fault("the folder in small letters", BUCKET_POLICY, _bucket_policy(_replaced("/AWSLogs/", "/awslogs/")), ALLOWS),
    _fault(
        "the bucket policy names another trail",
        BUCKET_POLICY,
        _bucket_policy(_replaced("trail/ch03-security-trail", "trail/other")),
        *(ALLOWS, BUCKET_NAMES),
    ),
    _fault(
        "the bucket policy misspells CloudTrail",
        BUCKET_POLICY,
        _bucket_policy(_replaced("cloudtrail.amazonaws.com", "cloudtrails.amazonaws.com")),
        ALLOWS,
    ),
    _fault(
        "an ACL that CloudTrail does not send",
        BUCKET_POLICY,
        _bucket_policy(_replaced("bucket-owner-full-control", "private")),
        ALLOWS,
    ),
    _fault(
        "any trail may write",
        DEPUTY,
        on_bucket(
            Principal={"Service": "cloudtrail.amazonaws.com"},
            Action=["s3:GetBucketAcl", "s3:PutObject"],
        ),
        BUCKET_NAMES,
    ),
    *(
        _fault(f"a Deny by {operator} {key}", PERIMETER, _deny(**{operator: {key: value}}), *checks, delivers=delivers)
        for operator, key, value, delivers, checks in (
            ("StringNotEquals", "aws:SourceVpce", "vpce-1", False, (ALLOWS,)),
            ("StringNotEquals", "aws:SourceVpc", "vpc-1", False, (ALLOWS,)),
            ("StringNotEquals", "aws:PrincipalOrgID", "o-1", True, (ALLOWS, DELIVERS)),
            ("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-1", False, (ALLOWS,)),
            ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", True, (ALLOWS, DELIVERS)),
            ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::ACCOUNT:role/*", False, (ALLOWS,)),
            ("StringNotLike", "aws:userId", "AROA*", False, (ALLOWS,)),
            ("StringNotEquals", "aws:PrincipalAccount", "ACCOUNT", False, (ALLOWS,)),
            ("Bool", "aws:SecureTransport", "true", False, (ALLOWS,)),
            ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", True, (ALLOWS, DELIVERS)),
            ("DateGreaterThanEquals", "aws:CurrentTime", "2099-01-01T00:00:00Z", False, (ALLOWS,)),
            ("NumericGreaterThan", "aws:EpochTime", "4070908800", False, (ALLOWS,)),
        )
    ),
    *(
        _fault(
            f"a Deny by {key}, which only AWS knows", DISRUPTING, _deny(StringEquals={key: value}), unknown=(ALLOWS,)
        )
        for key, value in (
            ("aws:RequestedRegion", "us-east-1"),
            ("s3:signatureversion", "AWS4-HMAC-SHA256"),
            ("s3:authType", "REST-HEADER"),
            ("aws:ResourceAccount", "ACCOUNT"),
        )
    ),
    _fault(
        "the key denies by aws:RequestedRegion, which only AWS knows",
        DISRUPTING,
        _deny_key(StringEquals={"aws:RequestedRegion": "us-east-1"}),
        unknown=(KEY_ALLOWS,),
    ),
    _fault("a Deny of every write", BUCKET_POLICY, _deny(), ALLOWS),
    _fault(
        "a Deny for CloudTrail",
        BUCKET_POLICY,
        on_bucket(Effect="Deny", Principal={"Service": "cloudtrail.amazonaws.com"}, Action="s3:PutObject"),
        ALLOWS,
    ),
    _fault(
        "a Deny of digests",
        DISRUPTING,
        on_bucket(
            Effect="Deny",
            Principal="*",
            Action="s3:PutObject",
            Resource="arn:aws:s3:::BUCKET/AWSLogs/ACCOUNT/CloudTrail-Digest/*",
        ),
        ALLOWS,
    ),
    _fault(
        "a Deny of one region",
        DISRUPTING,
        on_bucket(
            Effect="Deny",
            Principal="*",
            Action="s3:PutObject",
            Resource="arn:aws:s3:::BUCKET/AWSLogs/ACCOUNT/CloudTrail/eu-west-1/*",
        ),
        ALLOWS,
    ),
    *(
        _fault(
            f"a Deny of {name}",
            DISRUPTING,
            on_bucket(
                Effect="Deny",
                Principal="*",
                Action="s3:PutObject",
                Resource=f"arn:aws:s3:::BUCKET/AWSLogs/ACCOUNT/CloudTrail/{part}",
            ),
            ALLOWS,
        )
        for name, part in (("one year to come", "*/2099/*"), ("the hours of a night", "*T02*"))
    ),
    _fault(
        "an outsider may read from a day on",
        BACKDOOR,
        on_bucket(
            Principal={"AWS": OUTSIDER},
            Action="s3:GetObject",
            Condition={"DateGreaterThan": {"aws:CurrentTime": "2099-01-01"}},
        ),
        OUTSIDERS,
    ),
    _fault(
        "plain HTTP",
        HUB_S3,
        _bucket_policy(lambda statements, _: [each for each in statements if _is_cloudtrails(each)]),
        TLS,
    ),
    _fault("TLS by its version", HUB_S3, _tls(Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}), unknown=(TLS,)),
    _fault("plain HTTP on the bucket", HUB_S3, _tls(Resource="arn:aws:s3:::BUCKET/*"), TLS),
    _fault("plain HTTP on objects", HUB_S3, _tls(Resource="arn:aws:s3:::BUCKET"), TLS),
    _fault("plain HTTP but for reads", HUB_S3, _tls(Action="s3:GetObject"), TLS),
    _fault("plain HTTP but for one role", HUB_S3, _tls(Principal={"AWS": "arn:aws:iam::111122223333:root"}), TLS),
    _fault(
        "plain HTTP for short keys", HUB_S3, _tls(Resource=["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/????*"]), TLS
    ),
    _fault(
        "plain HTTP but for log files",
        HUB_S3,
        _tls(Resource=["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/AWSLogs/*"]),
        TLS,
    ),
)
_ROOT = {"AWS": f"arn:aws:iam::{OUTSIDER}:root"}
_ACCESS_FAULTS = (
    *(
        _fault(f"an outsider may {action}", report, on_bucket(Principal=_ROOT, Action=action), OUTSIDERS)
        for action, report in (
            ("s3:GetObject", BACKDOOR),
            ("s3:ListBucket", BACKDOOR),
            ("s3:PutObject", HUB_S3),
            ("s3:DeleteObject", RANSOM),
            ("s3:DeleteObjectVersion", RANSOM),
            ("s3:PutObjectAcl", HUB_S3),
            ("s3:PutBucketPolicy", HUB_S3),
            ("s3:DeleteBucketPolicy", HUB_S3),
            ("s3:PutBucketAcl", HUB_S3),
            ("s3:PutEncryptionConfiguration", HUB_S3),
            ("s3:PutLifecycleConfiguration", LIFECYCLE),
            ("s3:PutBucketVersioning", RANSOM),
            ("s3:PutReplicationConfiguration", REPLICATED),
            ("s3:PutBucketRequestPayment", PAYS),
            ("s3:BypassGovernanceRetention", f"{_S3}object-lock.html"),
            ("s3:PutBucketObjectLockConfiguration", f"{_S3}object-lock.html"),
            ("s3:PutObjectVersionAcl", HUB_S3),
            ("s3:PutObjectTagging", LIFECYCLE),
            ("s3:PutBucketLogging", BUCKET_DELETED),
            ("s3:GetObjectVersionForReplication", REPLICATED),
        )
    ),
    _fault(
        "an outsider's user may do everything",
        BACKDOOR,
        on_bucket(Principal={"AWS": f"arn:aws:iam::{OUTSIDER}:user/x"}, Action="s3:*"),
        OUTSIDERS,
    ),
    _fault(
        "an outsider may put with the right ACL",
        HUB_S3,
        on_bucket(
            Principal=_ROOT,
            Action="s3:PutObject",
            Condition={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
        OUTSIDERS,
    ),
    _fault(
        "an outsider may put with an ACL of its own, before any other statement",
        HUB_S3,
        _bucket_policy(
            lambda statements, account: [
                *_with(
                    Principal=_ROOT,
                    Action="s3:PutObject",
                    Condition={"StringEquals": {"s3:x-amz-acl": "private"}},
                )([], account),
                *statements,
            ]
        ),
        OUTSIDERS,
    ),
    _fault(
        "an outsider's access points",
        POINTS,
        on_bucket(Principal=_ROOT, Action="s3:*", Condition={"StringEquals": {"s3:DataAccessPointAccount": OUTSIDER}}),
        OUTSIDERS,
    ),
    *(
        _fault(
            f"{name} may read",
            PRINCIPALS,
            on_bucket(Principal={"Federated": provider}, Action="s3:GetObject"),
            OUTSIDERS,
        )
        for name, provider in (
            ("whom an outsider's identity provider vouches for", f"arn:aws:iam::{OUTSIDER}:saml-provider/x"),
            ("whom a public identity provider vouches for", "accounts.google.com"),
        )
    ),
    _fault(
        "an outsider may s3:ReplicateTags", LIFECYCLE, on_bucket(Principal=_ROOT, Action="s3:ReplicateTags"), OUTSIDERS
    ),
    *(
        _fault(
            f"{service} may write for anybody",
            CONFUSED,
            on_bucket(Principal={"Service": f"{service}.amazonaws.com"}, Action="s3:PutObject"),
            OUTSIDERS,
        )
        for service in ("config", "delivery.logs", "serverlessrepo", "logging.s3")
    ),
    _fault(
        "a service for an outsider's account",
        CONFUSED,
        on_bucket(
            Principal={"Service": "config.amazonaws.com"},
            Action="s3:PutObject",
            Condition={"StringEquals": {"aws:SourceAccount": OUTSIDER}},
        ),
        OUTSIDERS,
    ),
    _fault(
        "a grant to an outsider in the access control list",
        ACLS,
        _acl(GrantWrite=f'id="{"a" * 64}"'),
        ACL,
        PUBLIC,
        "log_bucket_has_no_acls",
    ),
    _fault(
        "everybody may list by the access control list",
        ACLS,
        _acl(ACL="public-read"),
        ACL,
        PUBLIC,
        "log_bucket_has_no_acls",
    ),
    _fault(
        "everybody with an account may list",
        ACLS,
        _acl(ACL="authenticated-read"),
        ACL,
        PUBLIC,
        "log_bucket_has_no_acls",
    ),
    _fault("log files are copied to a stranger's bucket", REPLICATED, replicate_to_a_stranger, REPLICAS),
    _fault("an access point for an outsider", POINTS, _access_point(_ROOT), ACCESS_POINTS),
    _fault("an access point for everybody", POINTS, _access_point("*"), ACCESS_POINTS),
)
_BUCKET_FAULTS = (
    *(
        _fault(f"{name} is off", HUB_S3, _blocking_all_but(name), PUBLIC)
        for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    ),
    _fault(
        "no public access block", HUB_S3, lambda a: a.client("s3").delete_public_access_block(Bucket=a.bucket), PUBLIC
    ),
    _fault("S3's own key", HUB_S3, _encrypt(SSEAlgorithm="AES256", with_bucket_key=False), ENCRYPTS, BUCKET_KEY),
    _fault(
        "another key of the account",
        RANSOM,
        lambda a: _encrypt(SSEAlgorithm="aws:kms", KMSMasterKeyID=another_key(a))(a),
        ENCRYPTS,
    ),
    _fault(
        "no S3 Bucket Key",
        f"{_S3}bucket-key.html",
        lambda a: _encrypt(SSEAlgorithm="aws:kms", KMSMasterKeyID=a.key_arn, with_bucket_key=False)(a),
        BUCKET_KEY,
    ),
    _fault(
        "no new versions",
        RANSOM,
        lambda a: a.client("s3").put_bucket_versioning(
            Bucket=a.bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
        "log_bucket_is_versioned",
    ),
    _fault(
        "access control lists are on",
        ACLS,
        lambda a: a.client("s3").put_bucket_ownership_controls(
            Bucket=a.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        ),
        "log_bucket_has_no_acls",
        unknown=(ACL,),
    ),
    _fault("a grant on each log file", ACLS, _grant_on_each_log_file, "log_bucket_has_no_acls", unknown=(ACL,)),
    _fault("no access logs", HUB_S3, _log_access_to(None), LOGS_ACCESS),
    _fault("access logs into the log bucket", ACCESS_LOGS, _log_access_to(lambda a: a.bucket), LOGS_ACCESS),
    _fault(
        "access logs into a bucket that is not there",
        ACCESS_LOGS,
        _log_access_to_a_lost_bucket,
        LOGS_ACCESS,
    ),
    _fault(
        "access logs into a bucket with a default retention", ACCESS_LOGS, _log_access_to(_locked_bucket), LOGS_ACCESS
    ),
    _fault("log files expire after a day", LIFECYCLE, _expire(Expiration={"Days": 1}), KEEPS),
    _fault(
        "old versions of log files expire after a day",
        RANSOM,
        _expire(NoncurrentVersionExpiration={"NoncurrentDays": 1}),
        KEEPS,
    ),
    _fault(
        "log files are archived at once",
        f"{_S3}restoring-objects.html",
        _expire(Transitions=[{"Days": 0, "StorageClass": "DEEP_ARCHIVE"}]),
        KEEPS,
    ),
    _fault(
        "digests expire after a week",
        LIFECYCLE,
        lambda a: _expire(Filter={"Prefix": f"AWSLogs/{a.id}/CloudTrail-Digest/"}, Expiration={"Days": 7})(a),
        KEEPS,
    ),
    _fault(
        "log files expired at a date",
        LIFECYCLE,
        _expire(Filter={"Prefix": "AWSLogs/"}, Expiration={"Date": "2030-01-01T00:00:00Z"}),
        KEEPS,
    ),
    _fault(
        "the requester pays",
        PAYS,
        lambda a: a.client("s3").put_bucket_request_payment(
            Bucket=a.bucket, RequestPaymentConfiguration={"Payer": "Requester"}
        ),
        PAYER,
    ),
    _fault(
        "the requester pays, and a delivery fails",
        PAYS,
        lambda a: a.client("s3").put_bucket_request_payment(
            Bucket=a.bucket, RequestPaymentConfiguration={"Payer": "Requester"}
        ),
        PAYER,
        DELIVERS,
        delivers=True,
    ),
    _fault(
        "delete the bucket",
        BUCKET_DELETED,
        _delete_bucket,
        "log_bucket_exists",
        ENCRYPTS,
        PUBLIC,
        TLS,
        ALLOWS,
        DELIVERS,
        delivers=True,
    ),
)

FAULTS: tuple[Fault, ...] = (
    *_TRAIL_FAULTS,
    *_SELECTOR_FAULTS,
    *_KEY_FAULTS,
    *_POLICY_FAULTS,
    *_ACCESS_FAULTS,
    *_BUCKET_FAULTS,
)
