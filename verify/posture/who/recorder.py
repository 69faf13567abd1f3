"""The recorder's parts and their policies: trail, bucket, key, and what reports a change of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from verify.arn import Arn
from verify.aws import Aws
from verify.errors import AccessDenied, ApiError, CannotLook
from verify.fact import Denied, Fact, Failed, Missing, Value, ask, then
from verify.policy.document import MalformedPolicy, Statement, parse_policy
from verify.policy.probes import ANY_OTHER
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.key import KeyQuestions
from verify.posture.who.identities import policy_of
from verify.posture.who.model import Ability, Policy, Recorder
from verify.posture.who.powers import Part
from verify.trail import Trail

T = TypeVar("T")
# Organizational units are at most five levels deep; then comes the root.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
_MOST_LEVELS = 6
_WRITE = ("WRITE", "FULL_CONTROL")
# Origins of keys whose material a key store has.
_KEY_STORES = ("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")
# S3 writes access logs as this group; nobody else is in it.
_LOG_DELIVERY = "/groups/s3/LogDelivery"
PERMISSIONS = (
    "cloudtrail:GetTrail",
    "s3:GetBucketAcl",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:ListBucket",
    "s3:GetBucketObjectLockConfiguration",
    "s3:ListAccessPoints",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:ListGrants",
    "events:ListRules",
    "events:ListTargetsByRule",
    "logs:DescribeMetricFilters",
    "cloudwatch:DescribeAlarmsForMetric",
    "sns:GetTopicAttributes",
    "organizations:DescribeOrganization",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
    "organizations:DescribePolicy",
)


@dataclass(frozen=True, slots=True)
class Found:
    """The recorder, and what of it is not known.

    :param granted: whom a grant of the key or the bucket's access control list names → the ability that it gives.
    :param unseen: what could not be read and leaves somebody out.
    :param notices: what could not be read and can only leave somebody in.
    """

    recorder: Recorder
    granted: tuple[tuple[str, Ability], ...]
    unseen: tuple[str, ...]
    notices: tuple[str, ...]


class RecorderQuestions:
    """Questions about one trail, all asked in its home region."""

    def __init__(self, aws: Aws, trail: Trail) -> None:
        self._aws = aws
        self._trail = trail
        self._arn = Arn.parse(trail.arn)
        self._keys = KeyQuestions(aws, trail.home_region)
        self._unseen: list[str] = []
        self._notices: list[str] = []

    def answer(self) -> Found:
        """Ask everything."""
        trail, arn = self._trail, self._arn
        bucket = f"arn:{arn.partition}:s3:::{trail.bucket}"
        resources: dict[Part, tuple[str, ...]] = {
            Part.TRAIL: (trail.arn,),
            Part.BUCKET: (bucket,),
            Part.LOG_FILES: tuple(f"{bucket}/{key}" for key in self._sample_keys()),
        }
        policies: dict[str, Fact[tuple[Statement, ...]]] = {
            bucket: self._policy("the bucket policy", BucketQuestions(self._aws, arn.region).policy(trail.bucket))
        }
        self._tell_of_access_points(policies[bucket])
        elsewhere = set() if self._owns_bucket() else {bucket}
        ownership = BucketQuestions(self._aws, arn.region).ownership(trail.bucket)
        unsure: dict[Part, str] = {}
        if ownership != Value("BucketOwnerEnforced"):
            resources[Part.ACL] = (bucket,)
            if isinstance(ownership, Denied | Failed):
                unsure[Part.ACL] = f"whether access control lists count: {ownership}"
        granted = list(self._listed(bucket, ownership))
        key = self._keys.arn_of_trail(trail)
        if isinstance(key, Value):
            resources[Part.KEY] = (key.value,)
            policies[key.value] = self._policy("the key policy", self._keys.policy(key.value))
            if Arn.parse(key.value).account != arn.account:
                elsewhere.add(key.value)
                self._unseen.append(f"who in the key's own account {Arn.parse(key.value).account} can disable it")
            elif self._has_imported_material(key.value):
                resources[Part.IMPORTED_KEY] = (key.value,)
            granted += self._grants(key.value)
        elif not isinstance(key, Missing):
            self._unseen.append(f"who can disable the key: {key}")
        resources |= self._alarms(policies, elsewhere)
        self._tell_of_object_lock()
        return Found(
            recorder=Recorder(
                account=arn.account,
                partition=arn.partition,
                region=arn.region,
                resources=resources,
                resource_policies=policies,
                log_file_patterns=tuple(f"{bucket}/{key}" for key in self._key_patterns()),
                elsewhere=frozenset(elsewhere),
                unsure=unsure,
                service_control_policies=self._service_control_policies(),
            ),
            granted=tuple(granted),
            unseen=tuple(self._unseen),
            notices=tuple(self._notices),
        )

    def _sample_keys(self) -> Iterator[str]:
        """The names of a log file and of a digest file in each place where the trail delivers."""
        account, region = self._arn.account, self._arn.region
        day, name = "2026/01/31", f"{account}_{{}}_{region}_{{}}20260131T2359Z"
        digest = name.format("CloudTrail-Digest", f"{self._trail.name}_{region}_")
        for place in self._places(ANY_OTHER, account):
            yield f"{place}/CloudTrail/{region}/{day}/{name.format('CloudTrail', '')}_x.json.gz"
            yield f"{place}/CloudTrail-Digest/{region}/{day}/{digest}.json.gz"

    def _key_patterns(self) -> Iterator[str]:
        """The names of all log files and digest files."""
        region = "*" if self._trail.is_multi_region else self._arn.region
        for place in self._places("*", "*"):
            for kind in ("CloudTrail", "CloudTrail-Digest"):
                yield f"{place}/{kind}/{region}/????/??/??/*.json.gz"

    def _places(self, organization: str, account: str) -> Iterator[str]:
        """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html"""
        prefix = f"{self._trail.prefix}/" if self._trail.prefix else ""
        yield f"{prefix}AWSLogs/{self._arn.account}"
        if self._trail.is_organization:
            yield f"{prefix}AWSLogs/o-{organization}/{account}"

    def _policy(self, name: str, text: Fact[str]) -> Fact[tuple[Statement, ...]]:
        """A resource policy; one that is not there grants nothing, one that is not known is unseen."""

        def parsed(policy: str) -> Fact[tuple[Statement, ...]]:
            try:
                return Value(parse_policy(policy))
            except MalformedPolicy as error:
                return Failed(str(error))

        found = then(text, parsed)
        if isinstance(found, Denied | Failed):
            self._unseen.append(f"whom {name} lets in: {found}")
        return found

    def _owns_bucket(self) -> bool:
        """Whether the bucket is in the trail's account.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        """
        own = {"Bucket": self._trail.bucket, "ExpectedBucketOwner": self._arn.account}
        try:
            self._aws.call("s3", "HeadBucket", in_region=self._arn.region, **own)
        except AccessDenied:
            self._unseen.append(
                f"who can take the log files: bucket {self._trail.bucket} belongs to another account, or s3:ListBucket "
                "is denied"
            )
            return False
        except CannotLook as error:
            self._unseen.append(f"who can take the log files: {error}")
        return True

    def _tell_of_object_lock(self) -> None:
        """Say what Object Lock holds, whatever permissions an identity has.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
        """
        found = BucketQuestions(self._aws, self._arn.region).object_lock(self._trail.bucket)
        if not isinstance(found, Value) or found.value.mode is None or found.value.days < 1:
            return
        is_firm = found.value.mode == "COMPLIANCE"
        self._notices.append(
            f"Object Lock keeps each version of a new log file for {found.value.days} days: until then "
            + ("nobody" if is_firm else "only who is also allowed s3:BypassGovernanceRetention")
            + " can destroy it; DeleteObject and PutObject only put another version in front of it."
        )

    def _tell_of_access_points(self, policy: Fact[tuple[Statement, ...]]) -> None:
        """Say that what an access point's policy allows was not followed, if the bucket's lets identities in.

        What the bucket's own policy allows nobody, nobody can do by an access point either:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html
        """
        allowing = [each.principals for each in policy.value if each.is_allow] if isinstance(policy, Value) else []
        if not any(names.excludes or any(one.kind != "Service" for one in names.patterns) for names in allowing):
            return
        questions = BucketQuestions(self._aws, self._arn.region)
        found = then(
            questions.place_of(self._trail.bucket),
            lambda place: questions.access_points(self._arn.account, self._trail.bucket, place.region),
        )
        if not isinstance(found, Value):
            self._unseen.append(f"whom access points of the bucket let in: {found}")
        elif found.value:
            self._unseen.append(f"whom access points of the bucket let in: {', '.join(found.value)}")

    def _grants(self, key: str) -> Iterator[tuple[str, Ability]]:
        """Grants that let their grantee make further grants."""
        grants = self._keys.grants(key)
        if not isinstance(grants, Value):
            self._unseen.append(f"to whom grants of the key give more: {grants}")
            return
        for grant in grants.value:
            if "CreateGrant" in grant.operations and grant.grantee.startswith("arn:"):
                yield grant.grantee, Ability("disable-key", "kms:CreateGrant", key, (f"grant {grant.grant_id}",))

    def _has_imported_material(self, key: str) -> bool:
        """Whether one call deletes the key's material.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
        """
        found = self._keys.describe(key)
        if not isinstance(found, Value):
            if not isinstance(found, Missing):
                self._unseen.append(f"who can take the key's material away: {found}")
            return False
        if found.value.origin in _KEY_STORES:
            self._unseen.append("who can disconnect the key store that has the key's material")
        return found.value.origin == "EXTERNAL"

    def _listed(self, bucket: str, ownership: Fact[str]) -> Iterator[tuple[str, Ability]]:
        """Those whom the bucket's access control list lets write, unless the bucket has turned such lists off.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
        """
        if ownership == Value("BucketOwnerEnforced"):
            return
        acl = BucketQuestions(self._aws, self._arn.region).acl(self._trail.bucket)
        if not isinstance(acl, Value):
            self._unseen.append(f"whom the bucket's access control list lets in: {acl}")
            return
        unread = () if isinstance(ownership, Value | Missing) else (f"whether the list counts: {ownership}",)
        for grant in acl.value.others:
            if grant.permission in _WRITE and not grant.grantee.endswith(_LOG_DELIVERY):
                by = (f"access control list of {self._trail.bucket}: {grant.permission}",)
                yield grant.grantee, Ability("alter-logs", "s3:PutObject", f"{bucket}/*", by, unread)

    def _alarms(
        self, policies: dict[str, Fact[tuple[Statement, ...]]], elsewhere: set[str]
    ) -> dict[Part, tuple[str, ...]]:
        """What reports a change of the recorder: rules on CloudTrail's events, alarms, their topics."""
        topics: list[str] = []
        roles: list[str] = []
        keys: list[str] = []
        rules = self._answered("who can mute EventBridge rules", lambda: list(self._rules(topics, roles))) or []
        found = self._answered("who can mute CloudWatch alarms", lambda: self._log_alarms(topics, roles)) or {}
        for topic in dict.fromkeys(topics):
            attributes = ask(partial(self._topic_attributes, topic))
            policy = then(attributes, lambda found: ask(lambda: str(found["Policy"])))
            policies[topic] = self._policy(f"the policy of {topic}", policy)
            if topic.split(":")[4:5] != [self._arn.account]:
                elsewhere.add(topic)
                self._unseen.append(f"who in its own account can mute {topic}")
            if isinstance(attributes, Value) and attributes.value.get("KmsMasterKeyId"):
                keys += self._key_of_topic(topic, str(attributes.value["KmsMasterKeyId"]), policies, elsewhere)
        own = {Part.RULE: rules, Part.TOPIC: topics, Part.TOPIC_KEY: keys, Part.REPORTING_ROLE: roles}
        return {**found, **{part: tuple(dict.fromkeys(arns)) for part, arns in own.items()}}

    def _key_of_topic(
        self, topic: str, reference: str, policies: dict[str, Fact[tuple[Statement, ...]]], elsewhere: set[str]
    ) -> Iterator[str]:
        """The ARN of the key without which nothing is published to a topic; none for SNS's own, which nobody disables.

        https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
        """
        questions = KeyQuestions(self._aws, Arn.parse(topic).region)
        key = questions.describe(reference)
        if isinstance(key, Denied | Failed):
            self._unseen.append(f"who can disable the key of {topic}: {key}")
        if not isinstance(key, Value) or not key.value.is_customer_managed:
            return
        arn = key.value.arn
        if arn not in policies:
            policies[arn] = self._policy(f"the policy of {arn}", questions.policy(arn))
        if Arn.parse(arn).account != self._arn.account:
            elsewhere.add(arn)
            self._unseen.append(f"who in its own account can disable {arn}")
        yield arn

    def _rules(self, topics: list[str], roles: list[str]) -> Iterator[str]:
        region = self._arn.region
        for page in self._aws.pages("events", "ListRules", in_region=region):
            for rule in page["Rules"]:
                # Rules about API calls name the service's source or event source, whichever way they are written.
                name, arn = rule["Name"], rule["Arn"]
                if "cloudtrail" not in rule.get("EventPattern", "").casefold() or rule.get("State") == "DISABLED":
                    continue
                yield arn
                for answer in self._aws.pages("events", "ListTargetsByRule", in_region=region, Rule=name):
                    topics += [target["Arn"] for target in answer["Targets"] if ":sns:" in target["Arn"]]
                    roles += [target["RoleArn"] for target in answer["Targets"] if target.get("RoleArn")]

    def _log_alarms(self, topics: list[str], roles: list[str]) -> dict[Part, tuple[str, ...]]:
        region = self._arn.region
        trail = self._aws.call("cloudtrail", "GetTrail", in_region=region, Name=self._trail.arn)["Trail"]
        group = trail.get("CloudWatchLogsLogGroupArn", "").removesuffix(":*")
        if not group:
            return {}
        alarms: list[str] = []
        name = group.split(":", 6)[6]
        for page in self._aws.pages("logs", "DescribeMetricFilters", in_region=region, logGroupName=name):
            for metric in (metric for found in page["metricFilters"] for metric in found["metricTransformations"]):
                answer = self._aws.call(
                    "cloudwatch",
                    "DescribeAlarmsForMetric",
                    in_region=region,
                    MetricName=metric["metricName"],
                    Namespace=metric["metricNamespace"],
                )
                for alarm in answer["MetricAlarms"]:
                    alarms.append(alarm["AlarmArn"])
                    topics += [action for action in alarm.get("AlarmActions", ()) if ":sns:" in action]
        roles.append(trail["CloudWatchLogsRoleArn"])
        return {
            Part.ALARM: tuple(dict.fromkeys(alarms)),
            # Policies name a log group with :* at its end, except for a few calls.
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
            Part.LOG_GROUP: (group, f"{group}:*"),
        }

    def _topic_attributes(self, topic: str) -> Mapping[str, str]:
        answer = self._aws.call("sns", "GetTopicAttributes", in_region=Arn.parse(topic).region, TopicArn=topic)
        attributes: Mapping[str, str] = answer["Attributes"]
        return attributes

    def _service_control_policies(self) -> tuple[tuple[Policy, ...], ...]:
        """The policies of each level of the organization, down to the account; none limit a management account.

        https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
        """
        try:
            organization = self._aws.call("organizations", "DescribeOrganization")["Organization"]
            if organization["MasterAccountId"] == self._arn.account:
                return ()
            if "SERVICE_CONTROL_POLICY" not in str(organization.get("AvailablePolicyTypes", "SERVICE_CONTROL_POLICY")):
                return ()
            return tuple(self._policies_of(level) for level in self._levels())
        except ApiError as error:
            if error.code == "AWSOrganizationsNotInUseException":
                return ()
            why = str(error)
        except (CannotLook, LookupError, TypeError) as error:
            why = str(error)
        self._notices.append(
            f"Service control policies were not read ({why}): one of them may forbid what is listed here."
        )
        return ()

    def _levels(self) -> list[str]:
        """The account, the organizational units above it, and the root."""
        levels = [self._arn.account]
        while not levels[-1].startswith("r-"):
            if len(levels) > _MOST_LEVELS:
                raise CannotLook(f"the account is said to be below more than {_MOST_LEVELS} organizational units")
            levels.append(self._aws.call("organizations", "ListParents", ChildId=levels[-1])["Parents"][0]["Id"])
        return levels

    def _policies_of(self, level: str) -> tuple[Policy, ...]:
        kind = "SERVICE_CONTROL_POLICY"
        found = [
            (
                policy["Name"],
                self._aws.call("organizations", "DescribePolicy", PolicyId=policy["Id"])["Policy"]["Content"],
            )
            for page in self._aws.pages("organizations", "ListPoliciesForTarget", TargetId=level, Filter=kind)
            for policy in page["Policies"]
        ]
        return tuple(policy_of(f"service control policy {name}", text) for name, text in found)

    def _answered(self, what: str, question: Callable[[], T]) -> T | None:
        """The answer; without one, what it leaves open is unseen."""
        answer = ask(question)
        if isinstance(answer, Value):
            return answer.value
        self._unseen.append(f"{what}: {answer}")
        return None
