"""The operations of CloudTrail that have to do with delivery: rejecting what AWS rejects, and notifying the engine.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from lab.authorization.facts import Target
from lab.clock import Clock
from lab.cloudtrail.destination import destination_error, topic_error
from lab.cloudtrail.event_selectors import selectors_error
from lab.cloudtrail.trail_request import (
    MAX_TRAILS_PER_REGION,
    ServiceError,
    combination_error,
    name_error,
    region_error,
    request_error,
)
from lab.delivery.engine import Engine
from lab.delivery.status import status_members
from lab.delivery.trail import VALIDATED_AT, Stream, Trail, read_trail
from lab.ministack import cloudtrail, core, events, kms, s3
from lab.ministack.cloudtrail import CloudTrailAction
from lab.protocol.answer import Answer

Request = dict[str, Any]


def trails() -> list[Trail]:
    """Every trail of the lab."""
    return [read_trail(settings, account, chosen) for account, settings, chosen in cloudtrail.trails()]


def install(engine: Engine, clock: Clock) -> None:
    """Wraps the operations that exist already."""
    actions = cloudtrail.cloudtrail_actions
    ours = _Actions(engine, clock, dict(actions))
    actions |= {
        "CreateTrail": ours.create_trail,
        "DeleteTrail": ours.delete_trail,
        "GetTrailStatus": ours.get_trail_status,
        "ListPublicKeys": ours.list_public_keys,
        "PutEventSelectors": ours.put_event_selectors,
        "StartLogging": ours.start_logging,
        "StopLogging": ours.stop_logging,
        "UpdateTrail": ours.update_trail,
    }
    actions |= {name: _with_exact_names(action) for name, action in actions.items()}


@dataclass(frozen=True, slots=True)
class _Actions:
    engine: Engine
    clock: Clock
    inner: dict[str, CloudTrailAction]

    def create_trail(self, request: Request) -> Answer:
        name = str(request.get("Name", ""))
        error = name_error(name) or request_error(request) or combination_error(request)
        if error:
            return _error_answer(error)
        if cloudtrail.trail_to_show(name)[2] is not None:
            return self.inner["CreateTrail"](request)  # which says that it exists
        region = core.region_of_request()
        error = region_error(region) or _organization_error(request) or _too_many(region)
        arn = f"arn:aws:cloudtrail:{region}:{core.account_of_request()}:trail/{name}"
        error = error or self._destination_error(arn, request)
        if error:
            return _error_answer(error)
        self.engine.close_deleted(arn)
        answer = self.inner["CreateTrail"](_with_key_arn(request))
        if answer[0] == 200 and request.get("EnableLogFileValidation"):
            cloudtrail.trail_to_change(name)[2][VALIDATED_AT] = self._now()
        self.engine.trails_changed()
        return answer

    def update_trail(self, request: Request) -> Answer:
        trail, not_found = _named(request, "Name")
        if not_found:
            return not_found
        wanted = _settings(trail) | request
        error = request_error(request) or combination_error(wanted) or _organization_error(request)
        error = error or self._destination_error(trail["TrailARN"], wanted)
        if error:
            return _error_answer(error)
        was_validated = trail["LogFileValidationEnabled"]
        answer = self.inner["UpdateTrail"](_with_key_arn(request))
        if trail["LogFileValidationEnabled"] and not was_validated:
            trail[VALIDATED_AT] = self._now()
        self.engine.trails_changed()
        return answer

    def delete_trail(self, request: Request) -> Answer:
        trail, not_found = _named(request, "Name")
        if not_found:
            return not_found
        found = self._trail(trail)
        answer = self.inner["DeleteTrail"](request)
        if answer[0] == 200:
            self.engine.stopping(found)
            self.engine.deleted(found)
        return answer

    def put_event_selectors(self, request: Request) -> Answer:
        _trail, not_found = _named(request, "TrailName")
        if not_found:
            return not_found
        error = selectors_error(request.get("EventSelectors"), request.get("AdvancedEventSelectors"))
        answer = _error_answer(error) if error else self.inner["PutEventSelectors"](request)
        self.engine.trails_changed()
        return answer

    def start_logging(self, request: Request) -> Answer:
        trail, not_found = _named(request, "Name")
        if not_found:
            return not_found
        if trail["IsLogging"]:
            return _answer({})
        self.engine.close(self._trail(trail))
        answer = self.inner["StartLogging"](request)
        trail["_StartedAt"] = self._now()
        trail.setdefault("_FirstStartedAt", trail["_StartedAt"])
        self.engine.trails_changed()
        return answer

    def stop_logging(self, request: Request) -> Answer:
        trail, not_found = _named(request, "Name")
        if not_found:
            return not_found
        if not trail["IsLogging"]:
            return _answer({})
        self.engine.stopping(self._trail(trail))
        answer = self.inner["StopLogging"](request)
        trail["_StoppedAt"] = self._now()
        self.engine.trails_changed()
        return answer

    def get_trail_status(self, request: Request) -> Answer:
        answer = self.inner["GetTrailStatus"](request)
        if answer[0] != 200:
            return answer
        trail = cloudtrail.trail_to_show(str(request["Name"]))[2] or {}
        status = self.engine.status(Stream(trail["TrailARN"], core.region_of_request()))
        return _answer(json.loads(answer[2]) | status_members(status))

    def list_public_keys(self, request: Request) -> Answer:
        now, region = self._now(), core.region_of_request()
        if request.get("NextToken"):
            return _error_answer(ServiceError("InvalidTokenException", "NextToken is reserved for future use."))
        start, end = (int(request.get(name, now)) for name in ("StartTime", "EndTime"))
        if start > end:
            error = ServiceError("InvalidTimeRangeException", "The start time must not be after the end time.")
            return _error_answer(error)
        keys = [
            {
                "Value": base64.b64encode(key.public_key).decode(),
                "ValidityStartTime": key.starts_seconds,
                "ValidityEndTime": key.ends_seconds,
                "Fingerprint": key.fingerprint,
            }
            for key in self.engine.public_keys(region, start, end)
        ]
        return _answer({"PublicKeyList": keys})

    def _destination_error(self, arn: str, settings: Request) -> ServiceError | None:
        account = core.account_of_request()
        bucket = s3.bucket_facts(settings.get("S3BucketName", ""))
        wanted_key = settings.get("KmsKeyId") or ""
        key = kms.key_facts(wanted_key) if wanted_key else None
        target = Target(
            trail_arn=arn,
            account=account,
            home_region=core.region_of_request(),
            bucket=settings.get("S3BucketName", ""),
            prefix=settings.get("S3KeyPrefix") or "",
            kms_key_arn=key.arn if key else wanted_key,
        )
        now = self.clock.now()
        error = destination_error(target, bucket, key, now)
        topic = settings.get("SnsTopicName") or ""
        if error or not topic:
            return error
        topic_arn = topic if topic.startswith("arn:") else f"arn:aws:sns:{target.home_region}:{account}:{topic}"
        return topic_error(target, topic_arn, events.target_policy(topic_arn), now)

    def _trail(self, settings: Request) -> Trail:
        return next(each for each in trails() if each.arn == settings["TrailARN"])

    def _now(self) -> int:
        return int(self.clock.now().timestamp())


# How a request names trails, and the error for each.
_NAMES = {
    "Name": "InvalidTrailNameException",
    "TrailName": "InvalidTrailNameException",
    "trailNameList": "InvalidTrailNameException",
    "ResourceId": "CloudTrailARNInvalidException",
    "ResourceIdList": "CloudTrailARNInvalidException",
}


def _with_exact_names(action: CloudTrailAction) -> CloudTrailAction:
    """MiniStack drops the white space around a name, and so would find another trail than the caller was allowed."""

    def exact(request: Request) -> Answer:
        for member, code in _NAMES.items():
            given = request.get(member)
            for name in given if isinstance(given, list) else [given]:
                if isinstance(name, str) and name != name.strip():
                    return _error_answer(
                        ServiceError(code, f"{name!a} is no trail's name: it has white space around it.")
                    )
        return action(request)

    return exact


def _named(request: Request, member: str) -> tuple[Request, Answer | None]:
    name = str(request.get(member) or "")
    if not name:
        return {}, _error_answer(ServiceError("InvalidTrailNameException", "Trail name or ARN cannot be blank."))
    _name, _region, trail, error = cloudtrail.trail_to_change(name)
    return trail or {}, error


def _settings(trail: Request) -> Request:
    return {name: value for name, value in trail.items() if not name.startswith("_")}


def _with_key_arn(request: Request) -> Request:
    """A key named in any way is stored by its ARN, as on AWS."""
    key = kms.key_facts(request["KmsKeyId"]) if request.get("KmsKeyId") else None
    return request | {"KmsKeyId": key.arn} if key else request


def _organization_error(request: Request) -> ServiceError | None:
    if not request.get("IsOrganizationTrail"):
        return None
    return ServiceError("OrganizationsNotInUseException", "The lab's account is not part of an organization.")


def _too_many(region: str) -> ServiceError | None:
    account = core.account_of_request()
    count = sum(owner == account and settings["HomeRegion"] == region for owner, settings, _ in cloudtrail.trails())
    if count < MAX_TRAILS_PER_REGION:
        return None
    return ServiceError(
        "MaximumNumberOfTrailsExceededException",
        f"User: {account} already has {count} trails in {region}; delete one first.",
    )


def _answer(content: Request, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def _error_answer(error: ServiceError) -> Answer:
    return _answer({"__type": error.code, "message": error.message}, 400)
