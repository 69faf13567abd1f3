"""Tampering: somebody who has an operator's key makes a way back in, and removes the traces, step by step."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lab.errors import LabError
from lab.instance import control
from lab.scenarios.actor import Actor, CallOrigin, learner
from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import SavedObject, SavedTrail, Stage
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.recording import logging_trails
from lab.scenarios.stacks import stack_of, user

_ADMIN = CallOrigin("198.51.100.10", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")
_TOOL = "Boto3/1.26.0 Python/3.9 Linux/5.10"
_OPERATORS = ("mallory", "log-operator", "ops-night-shift", "platform-dana", "storage-admin")
_SERVICE_USERS = ("billing-export", "erp-sync", "invoice-mailer", "warehouse-loader")
_DIGESTS = 3
_NEXT_SECOND = 1.1  # a digest is named after the second in which it ends
_WRITES_ONLY = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
_ONE_DAY = {
    "Rules": [{"ID": "tidy-up", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}],
}
_DEED = "CreateAccessKey"
_IAM_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class _Digest:
    """A digest and the log files that it lists, by object key."""

    key: str
    logs: tuple[str, ...]


def tamper(director: Director) -> HuntOutcome:
    """Attacks the first trail that logs.

    :raises LabError: there is none, or the lab's time cannot pass as asked.
    """
    lab, chance = director.lab, director.chance
    admin = learner(lab, _ADMIN)
    trails = [trail for trail in logging_trails(admin) if trail["HomeRegion"] == lab.region]
    if not trails:
        raise LabError(f"In {lab.region} there is no trail that logs, so there is nothing to tamper with.")
    trail = next((each for each in trails if _records_iam(each)), None)
    if trail is None:
        raise LabError(
            f"No trail of {lab.region} records calls to IAM, which happen in {_IAM_REGION}. Let it record all regions: "
            f"aws cloudtrail update-trail --name {trails[0]['Name']} --is-multi-region-trail"
        )
    name, robbed = chance.choice(_OPERATORS), chance.choice(_SERVICE_USERS)
    office = CallOrigin(f"198.51.100.{chance.randrange(80, 99)}", "aws-cli/2.31.0 md/Botocore#1.43.106 md/prompt#off")
    # From the addresses that are reserved for examples: https://www.rfc-editor.org/rfc/rfc5737
    outside = CallOrigin(f"203.0.113.{chance.randrange(2, 250)}", _TOOL)

    stage = Stage(users=(name, robbed), stacks=(stack_of(name),), trail=_as_it_is(admin, trail))
    director.keep(stage)
    _make_user_without_a_key(admin, robbed)
    operator = user(lab, admin, name, _operators_policy(lab.account, trail, robbed), office)
    looks: tuple[Call, ...] = (("s3", "list_buckets", {}), ("iam", "list_users", {}))
    # A trail that was stopped records nothing more, so all of the noise comes before.
    director.before(lambda: [Worker(operator, looks)], share=1.0)
    operator.client("s3").list_buckets()
    intruder = operator.at(lab, outside)
    deed = director.now()
    intruder.client("iam").create_access_key(UserName=robbed)
    digests = _deliver_several(director, intruder, trail)
    attack = _Attack(director, intruder, trail, stage)
    attack.remove_traces(digests)
    intruder.client("iam").list_users()
    director.after()
    days = 2 if director.passes_days else 1
    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: accounting",
            f"Somebody downloads our exports with a new access key of the user {robbed}. Nobody here has made one,",
            "and the auditor finds no record in the log files that says who did.",
            "Can the log files be trusted? Who had their hands in them, from where, when, and what did they do?",
            *_first_commands(trail, deed, days),
        ),
        facts=(
            Fact("user", "Whose credentials were used for it?", Kind.NAME, name),
            Fact("address", "Which address were they used from?", Kind.ADDRESS, outside.address),
            Fact("key-made", "When was the new access key made?", Kind.TIME, deed),
            *attack.facts,
        ),
        story=(
            f"{name} may change the trail, and use its bucket and its key. From {outside.address}, {name} did this:",
            f"{deed}  {_DEED}: a new access key for {robbed}",
            *attack.story,
            "ListUsers, unseen: it is in the event history, but in no log file",
        ),
        notes=attack.notes,
    )


class _Attack:
    """What is done to the trail: each step that AWS does not refuse is a fact to be found."""

    def __init__(self, director: Director, intruder: Actor, trail: Any, stage: Stage) -> None:
        self.facts: list[Fact] = []
        self.story: list[str] = []
        self.notes: list[str] = []
        self._director, self._intruder, self._trail, self._stage = director, intruder, trail, stage
        self._bucket: str = trail["S3BucketName"]
        self._began = ""

    def remove_traces(self, digests: list[_Digest]) -> None:
        """Records less, lets files expire, deletes and edits some, and stops the trail."""
        s3, cloudtrail = self._intruder.client("s3"), self._intruder.client("cloudtrail")
        name = self._trail["TrailARN"]
        narrowed = {"TrailName": name, "EventSelectors": _WRITES_ONLY}
        began = self._tried("PutEventSelectors: only writes are logged", cloudtrail.put_event_selectors, **narrowed)
        if began:
            question = "When was it changed what the trail records?"
            self.facts.append(Fact("trail-changed", question, Kind.TIME, began))
        lifecycle = {"Bucket": self._bucket, "LifecycleConfiguration": _ONE_DAY}
        self._tried("PutBucketLifecycle: files expire after a day", s3.put_bucket_lifecycle_configuration, **lifecycle)
        if self._trail["LogFileValidationEnabled"]:
            self._change_files(digests)
        else:
            self.notes.append(
                "note: The trail has no log file validation, so nothing shows a change of its files. Turn it on, and "
                f"play this again: aws cloudtrail update-trail --name {name} --enable-log-file-validation"
            )
        time.sleep(_NEXT_SECOND)  # so that what comes first has an earlier time
        stopped = self._tried("StopLogging: from now on nothing is recorded", cloudtrail.stop_logging, Name=name)
        if stopped:
            self.facts.append(Fact("stopped", "When did the trail stop logging?", Kind.TIME, stopped))

    def _change_files(self, digests: list[_Digest]) -> None:
        edited, content = self._file_with_the_deed(digests)
        gone = digests[-1].key
        # The log file goes with another digest than the edited one, whose other files stay as they are.
        deleted = next(log for each in reversed(digests[:-1]) for log in each.logs if log != edited)
        self._save((gone, deleted, edited))
        s3 = self._intruder.client("s3")
        if self._tried(f"DeleteObject: the digest {gone}", s3.delete_object, Bucket=self._bucket, Key=gone):
            self.facts.append(Fact("deleted-digest", "Which digest file was deleted?", Kind.FILE, gone))
        if self._tried(f"DeleteObject: the log file {deleted}", s3.delete_object, Bucket=self._bucket, Key=deleted):
            self.facts.append(Fact("deleted-log", "Which log file was deleted?", Kind.FILE, deleted))
        name = self._intruder.name
        body = {"Body": content, "ContentEncoding": "gzip", "ContentType": "application/json"}
        step = f"PutObject: {name}'s own records are gone from the log file {edited}"
        if self._tried(step, s3.put_object, Bucket=self._bucket, Key=edited, **body):
            self.facts.append(Fact("altered-log", "Which log file was altered?", Kind.FILE, edited))
            self.facts.append(Fact("hidden", "Which call was the one to be hidden (its event name)?", Kind.NAME, _DEED))

    def _file_with_the_deed(self, digests: list[_Digest]) -> tuple[str, bytes]:
        """The log file that shows what was done, and the same without its author's records."""
        s3 = self._intruder.client("s3")
        for key in (log for each in digests for log in each.logs):
            body = json.loads(gzip.decompress(s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()))
            own = [each for each in body["Records"] if each["userIdentity"].get("userName") == self._intruder.name]
            if any(each["eventName"] == _DEED for each in own):
                left = {"Records": [each for each in body["Records"] if each not in own]}
                return key, gzip.compress(json.dumps(left, separators=(",", ":")).encode())
        raise LabError(
            "The trail has delivered no record of what the scenario does. Its event selectors leave it out, or "
            f"it cannot deliver: aws cloudtrail get-trail-status --name {self._trail['TrailARN']}"
        )

    def _save(self, keys: Iterable[str]) -> None:
        """Keeps files as they are, for `reset`; read as the lab's own administrator, who is no part of the story."""
        s3 = learner(self._director.lab, _ADMIN).client("s3")
        saved = []
        for key in keys:
            found = s3.get_object(Bucket=self._bucket, Key=key)
            content = base64.b64encode(found["Body"].read()).decode()
            encoding, kind = found.get("ContentEncoding", ""), found.get("ContentType", "")
            saved.append(SavedObject(self._bucket, key, content, found["Metadata"], encoding, kind))
        self._director.keep(replace(self._stage, objects=tuple(saved)))

    def _tried(self, text: str, call: Callable[..., object], **parameters: object) -> str:
        """Makes a call; when it was made, '' if it was refused."""
        now = self._director.now()
        try:
            call(**parameters)
        except ClientError as refused:
            self.story.append(f"{now}  {text} - rejected: {refused.response['Error']['Code']}")
            return ""
        self.story.append(f"{now}  {text}")
        return now


def _make_user_without_a_key(admin: Actor, name: str) -> None:
    iam = admin.client("iam")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="exports", PolicyDocument=json.dumps(document))


def _as_it_is(admin: Actor, trail: Any) -> SavedTrail:
    cloudtrail, s3 = admin.client("cloudtrail"), admin.client("s3")
    found = cloudtrail.get_event_selectors(TrailName=trail["TrailARN"])
    chosen = {name: found[name] for name in ("EventSelectors", "AdvancedEventSelectors") if found.get(name)}
    try:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=trail["S3BucketName"])["Rules"]
    except ClientError:
        rules = []
    return SavedTrail(trail["TrailARN"], trail["S3BucketName"], chosen, json.loads(json.dumps(rules, default=str)))


def _records_iam(trail: Any) -> bool:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html (global service events)"""
    is_there = trail["IsMultiRegionTrail"] or trail["HomeRegion"] == _IAM_REGION
    return bool(is_there and trail["IncludeGlobalServiceEvents"])


def _operators_policy(account: str, trail: Any, robbed: str) -> dict[str, Any]:
    bucket = f"arn:aws:s3:::{trail['S3BucketName']}"
    statements = [
        {"Action": ["cloudtrail:PutEventSelectors", "cloudtrail:StopLogging"], "Resource": trail["TrailARN"]},
        {"Action": ["s3:ListBucket", "s3:PutLifecycleConfiguration"], "Resource": bucket},
        {"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": f"{bucket}/*"},
        {"Action": ["s3:ListAllMyBuckets", "iam:ListUsers"], "Resource": "*"},
        {"Action": ["iam:CreateAccessKey"], "Resource": f"arn:aws:iam::{account}:user/{robbed}"},
    ]
    if "KmsKeyId" in trail:
        statements.append({"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": trail["KmsKeyId"]})
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}


def _deliver_several(director: Director, intruder: Actor, trail: Any) -> list[_Digest]:
    """Lets the trail deliver three digests with log files, and returns all of those, oldest first; none of a trail
    without validation.
    """
    for _ in range(_DIGESTS):
        intruder.client("s3").list_buckets()
        time.sleep(_NEXT_SECOND)
        control.deliver(director.lab)
    if not trail["LogFileValidationEnabled"]:
        return []
    s3 = intruder.client("s3")
    start = f"{trail['S3KeyPrefix']}/" if trail.get("S3KeyPrefix") else ""
    prefix = f"{start}AWSLogs/{director.lab.account}/CloudTrail-Digest/{_IAM_REGION}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=trail["S3BucketName"], Prefix=prefix)
    keys = sorted(each["Key"] for page in pages for each in page.get("Contents", ()))
    recent = (_read(s3, trail["S3BucketName"], key) for key in keys[-2 * _DIGESTS :])
    return [found for found in recent if found.logs]


def _read(s3: Any, bucket: str, key: str) -> _Digest:
    body = json.loads(gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    return _Digest(key, tuple(log["s3Object"] for log in body["logFiles"]))


def _first_commands(trail: Any, deed: str, days: int) -> tuple[str, str]:
    arn = trail["TrailARN"]
    validate = f"aws cloudtrail validate-logs --trail-arn {arn} --start-time {_day_before(deed)}"
    return f"Begin with:        python -m verify integrity --since {days}d", f"and beside it:     {validate}"


def _day_before(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(days=1)).strftime("%Y-%m-%d")
