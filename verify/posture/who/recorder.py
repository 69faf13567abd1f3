"""The recorder's parts and their policies: trail, bucket, key, and what reports a change of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from verify.arn import Arn
from verify.aws import Aws
from verify.errors import AccessDenied, ApiError, CannotLook
from verify.fact import Denied, Fact, Failed, Missing, Value, ask, then
from verify.policy.document import MalformedPolicy, Statement, parse_policy
from verify.posture.facts.bucket import BucketQuestions
from verify.posture.facts.key import KeyQuestions
from verify.posture.who.identities import policy_of
from verify.posture.who.model import Ability, Policy, Recorder
from verify.posture.who.powers import Part
from verify.trail import Trail

T = TypeVar("T")
PERMISSIONS = (
    "cloudtrail:GetTrail",
    "s3:GetBucketPolicy",
    "s3:ListBucket",
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

    :param granted: ARN of an identity → the ability that a grant of the key gives it.
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
        elsewhere = set() if self._owns_bucket() else {bucket}
        granted: tuple[tuple[str, Ability], ...] = ()
        key = self._keys.arn_of_trail(trail)
        if isinstance(key, Value):
            resources[Part.KEY] = (key.value,)
            policies[key.value] = self._policy("the key policy", self._keys.policy(key.value))
            if Arn.parse(key.value).account != arn.account:
                elsewhere.add(key.value)
                self._unseen.append(f"who in the key's own account {Arn.parse(key.value).account} can disable it")
            granted = tuple(self._grants(key.value))
        elif not isinstance(key, Missing):
            self._unseen.append(f"who can disable the key: {key}")
        resources |= self._alarms(policies)
        return Found(
            recorder=Recorder(
                account=arn.account,
                partition=arn.partition,
                region=arn.region,
                resources=resources,
                resource_policies=policies,
                elsewhere=frozenset(elsewhere),
                service_control_policies=self._service_control_policies(),
            ),
            granted=granted,
            unseen=tuple(self._unseen),
            notices=tuple(self._notices),
        )

    def _sample_keys(self) -> Iterator[str]:
        """The names of a log file and of a digest file."""
        prefix = f"{self._trail.prefix}/" if self._trail.prefix else ""
        account, region = self._arn.account, self._arn.region
        day, name = "2026/01/31", f"{account}_{{}}_{region}_{{}}20260131T2359Z"
        yield f"{prefix}AWSLogs/{account}/CloudTrail/{region}/{day}/{name.format('CloudTrail', '')}_x.json.gz"
        digest = name.format("CloudTrail-Digest", f"{self._trail.name}_{region}_")
        yield f"{prefix}AWSLogs/{account}/CloudTrail-Digest/{region}/{day}/{digest}.json.gz"

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

    def _grants(self, key: str) -> Iterator[tuple[str, Ability]]:
        """Grants that let their grantee make further grants."""

        def grants() -> list[tuple[str, Ability]]:
            return [
                (
                    grant["GranteePrincipal"],
                    Ability("disable-key", "kms:CreateGrant", key, (f"grant {grant['GrantId']}",)),
                )
                for page in self._aws.pages("kms", "ListGrants", in_region=Arn.parse(key).region, KeyId=key)
                for grant in page["Grants"]
                if "CreateGrant" in grant["Operations"] and grant["GranteePrincipal"].startswith("arn:")
            ]

        yield from self._answered("to whom grants of the key give more", grants) or ()

    def _alarms(self, policies: dict[str, Fact[tuple[Statement, ...]]]) -> dict[Part, tuple[str, ...]]:
        """What reports a change of the recorder: rules on CloudTrail's events, alarms, their topics."""
        topics: list[str] = []
        rules = self._answered("who can mute EventBridge rules", lambda: list(self._rules(topics))) or []
        groups, alarms = self._answered("who can mute CloudWatch alarms", lambda: self._log_alarms(topics)) or ((), ())
        for topic in dict.fromkeys(topics):
            policies[topic] = self._policy(f"the policy of {topic}", ask(partial(self._topic_policy, topic)))
        return {
            Part.RULE: tuple(dict.fromkeys(rules)),
            Part.ALARM: tuple(dict.fromkeys(alarms)),
            Part.LOG_GROUP: tuple(groups),
            Part.TOPIC: tuple(dict.fromkeys(topics)),
        }

    def _rules(self, topics: list[str]) -> Iterator[str]:
        region = self._arn.region
        for page in self._aws.pages("events", "ListRules", in_region=region):
            for rule in page["Rules"]:
                # Rules about API calls name the service's source or event source, whichever way they are written.
                if "cloudtrail" not in rule.get("EventPattern", "").casefold() or rule.get("State") == "DISABLED":
                    continue
                yield rule["Arn"]
                targets = self._aws.call("events", "ListTargetsByRule", in_region=region, Rule=rule["Name"])["Targets"]
                topics += [target["Arn"] for target in targets if ":sns:" in target["Arn"]]

    def _log_alarms(self, topics: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        region = self._arn.region
        trail = self._aws.call("cloudtrail", "GetTrail", in_region=region, Name=self._trail.arn)["Trail"]
        group = trail.get("CloudWatchLogsLogGroupArn", "").removesuffix(":*")
        if not group:
            return (), ()
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
        return (group,), tuple(alarms)

    def _topic_policy(self, topic: str) -> str:
        answer = self._aws.call("sns", "GetTopicAttributes", in_region=Arn.parse(topic).region, TopicArn=topic)
        return str(answer["Attributes"]["Policy"])

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
            levels = [self._arn.account]
            while not levels[-1].startswith("r-"):
                levels.append(self._aws.call("organizations", "ListParents", ChildId=levels[-1])["Parents"][0]["Id"])
            return tuple(self._policies_of(level) for level in levels)
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


def _more_grants(key: str, grant_id: str) -> Ability:
    return Ability("disable-key", "kms:CreateGrant", key, (f"grant {grant_id}",))
