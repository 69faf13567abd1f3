"""What MiniStack's CloudTrail lacks: the event history, Insights selectors, and settings that CreateTrail forgets.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html
"""

import json
from typing import Any

from lab.cloudtrail.event_history import EventHistory
from lab.cloudtrail.lookup_events import LookupEventsError, lookup_events
from lab.ministack import cloudtrail, core
from lab.ministack.cloudtrail import CloudTrailAction as Action
from lab.protocol.answer import Answer

_FORGOTTEN_BY_CREATE = ("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn")


def install(history: EventHistory) -> None:
    """Adds the operations to MiniStack's CloudTrail."""
    actions = cloudtrail.cloudtrail_actions
    actions |= {
        "LookupEvents": lambda request: _lookup(history, request),
        "CreateTrail": _completing(actions["CreateTrail"], actions["AddTags"]),
        "UpdateTrail": _with_topic_arn(actions["UpdateTrail"]),
        "DeleteTrail": _forgetting(actions["DeleteTrail"]),
        "PutInsightSelectors": _put_insight_selectors,
        "GetInsightSelectors": _get_insight_selectors,
    }


def _lookup(history: EventHistory, request: dict[str, Any]) -> Answer:
    try:
        return _answer(lookup_events(history, core.account_of_request(), core.region_of_request(), request))
    except LookupEventsError as error:
        return _error(error.code, str(error))


def _completing(create: Action, add_tags: Action) -> Action:
    def create_trail(request: dict[str, Any]) -> Answer:
        answer = create(request)
        if answer[0] != 200:
            return answer
        trail = cloudtrail.trail_to_change(request["Name"])[2]
        trail |= {name: request[name] for name in _FORGOTTEN_BY_CREATE if request.get(name)}
        shown = json.loads(answer[2]) | _topic(trail)
        shown |= {name: trail[name] for name in _FORGOTTEN_BY_CREATE if name in trail}
        if request.get("TagsList"):
            add_tags({"ResourceId": trail["TrailARN"], "TagsList": request["TagsList"]})
        return _answer({name: value for name, value in shown.items() if value != ""})

    return create_trail


def _with_topic_arn(update: Action) -> Action:
    def update_trail(request: dict[str, Any]) -> Answer:
        answer = update(request)
        if answer[0] != 200:
            return answer
        shown = json.loads(answer[2])
        shown |= _topic(cloudtrail.trail_to_change(shown["Name"])[2])
        return _answer({name: value for name, value in shown.items() if value != ""})

    return update_trail


def _topic(trail: dict[str, Any]) -> dict[str, str]:
    """Keeps a trail's SnsTopicARN in step with its SnsTopicName, which may be an ARN itself."""
    name = trail.get("SnsTopicName", "")
    if name.startswith("arn:"):
        trail["SnsTopicARN"] = name
    else:
        trail["SnsTopicARN"] = (
            f"arn:aws:sns:{core.region_of_request()}:{core.account_of_request()}:{name}" if name else ""
        )
    return {"SnsTopicName": name, "SnsTopicARN": trail["SnsTopicARN"]}


def _forgetting(delete: Action) -> Action:
    def delete_trail(request: dict[str, Any]) -> Answer:
        _name, _region, trail, _error = cloudtrail.trail_to_change(request.get("Name", ""))
        answer = delete(request)
        if answer[0] == 200:
            cloudtrail.trail_tags.pop(trail["TrailARN"], None)
        return answer

    return delete_trail


# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_InsightSelector.html
_INSIGHT_TYPES = ("ApiCallRateInsight", "ApiErrorRateInsight")


def _put_insight_selectors(request: dict[str, Any]) -> Answer:
    """The trail keeps them; the lab looks for no anomalies."""
    _name, _region, trail, error = cloudtrail.trail_to_change(request.get("TrailName", ""))
    if error:
        return error
    chosen = request.get("InsightSelectors", [])
    if unknown := [each for each in chosen if each.get("InsightType") not in _INSIGHT_TYPES]:
        allowed = ", ".join(_INSIGHT_TYPES)
        message = f"InsightType is {unknown[0].get('InsightType')}; it is one of {allowed}."
        return _error("InvalidInsightSelectorsException", message)
    trail |= {cloudtrail.INSIGHT_SELECTORS: chosen, "HasInsightSelectors": bool(chosen)}
    return _answer({"TrailARN": trail["TrailARN"], "InsightSelectors": chosen})


def _get_insight_selectors(request: dict[str, Any]) -> Answer:
    raw = request.get("TrailName", "")
    name, _region, trail = cloudtrail.trail_to_show(raw)
    if trail is None:
        return _error("TrailNotFoundException", f"Unknown trail: {raw}")
    chosen = trail.get(cloudtrail.INSIGHT_SELECTORS)
    if not chosen:
        return _error("InsightNotEnabledException", f"Insights are not enabled on the trail {name}.")
    return _answer({"TrailARN": trail["TrailARN"], "InsightSelectors": chosen})


def _answer(content: dict[str, Any], status: int = 200) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def _error(code: str, message: str) -> Answer:
    return _answer({"__type": code, "message": message}, 400)
