"""The second matrix: each call of check and score denied, throttled, timing out, or answered with garbage or by half.

What a healthy account answers is taken from a lab once, and played back with one call spoilt: botocore signs, retries
and parses as always. Never is a check passed that needs the call, never is there a traceback, and both end with 3.
"""

import contextlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from lab.instance import control, lifecycle
from lab.instance.environment import lab_variables
from lab.settings import Settings
from tests.aws_environment import use_clean_aws_environment
from tests.end_to_end.conftest import Account
from verify.aws import iam_action
from verify.cli import main
from verify.posture.check import CHECKS
from verify.posture.facts.trail import QUESTIONS, By
from verify.posture.score.collect import PERMISSIONS

Call = tuple[str, str]
Spoil = Callable[[AWSPreparedRequest, bytes, str], tuple[int, bytes]]
_ERRORS = {
    "s3": "<Error><Code>{0}</Code><Message>no</Message></Error>",
    "ec2": "<Response><Errors><Error><Code>{0}</Code><Message>no</Message></Error></Errors></Response>",
    "query": "<ErrorResponse><Error><Code>{0}</Code><Message>no</Message></Error></ErrorResponse>",
    "json": '{{"__type": "{0}", "message": "no"}}',
}


def _error(code: str, status: int) -> Spoil:
    return lambda _, __, form: (status, _ERRORS[form].format(code).encode())


def _times_out(request: AWSPreparedRequest, *_: object) -> tuple[int, bytes]:
    raise ReadTimeoutError(endpoint_url=request.url)


WAYS: dict[str, Spoil] = {
    "denied": _error("AccessDenied", 403),
    "throttled": _error("ThrottlingException", 400),
    "not available": _error("ServiceUnavailable", 503),
    "timing out": _times_out,
    "garbage": lambda *_: (200, b"<html>\x00\xff"),
    "an empty answer": lambda *_: (200, b""),
    "half an answer": lambda _, content, __: (200, content[: len(content) // 2]),
}


@dataclass
class Recording:
    """What a healthy account was asked and answered: by fingerprint, and each operation with the form of its errors.

    :param unanswered: why the score is a range all the same: of services that the lab lacks.
    """

    region: str
    environment: Mapping[str, str]
    answers: dict[str, tuple[int, Mapping[str, str], bytes]]
    calls: dict[Call, str]
    score: dict[str, str]
    unanswered: set[str]


_current = threading.local()
_OTHER_REGIONS = re.compile(
    rb"<item>(?:(?!</item>).)*<regionName>(?!us-east-1<|eu-west-1<)(?:(?!</item>).)*</item>", re.DOTALL
)


def _fingerprint(request: AWSPreparedRequest) -> str:
    """What is asked, without what differs from one time to the next."""
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    asked = re.sub(r"\d{8}T\d{4}Z", "TIME", f"{request.url} {body}")
    return f"{request.method} {request.headers.get('X-Amz-Target')!r} {asked}"


def _response(request: AWSPreparedRequest, status: int, headers: Mapping[str, str], content: bytes) -> AWSResponse:
    body = io.BytesIO(content)
    body.stream = lambda *_, **__: iter([content])  # type: ignore[attr-defined]
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(dict(headers)), body)


def _note_operation(patch: pytest.MonkeyPatch) -> None:
    """Let :data:`_current` hold the operation that a request is sent for."""
    real = vars(Endpoint)["_do_get_response"]  # nothing else has both

    def get_response(self: Endpoint, request: Any, operation: Any, context: Any) -> Any:
        model = operation.service_model
        form = "json" if "json" in model.protocol else "s3" if model.protocol == "rest-xml" else model.protocol
        _current.call, _current.form = (model.service_name, operation.name), form
        return real(self, request, operation, context)

    patch.setattr(Endpoint, "_do_get_response", get_response)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    home = tmp_path_factory.mktemp("lab")
    lab = lifecycle.start(home, settings=Settings(delivery_seconds=86_400))
    account = Account(lab)
    account.deploy()
    control.deliver(lab)
    found = Recording(account.region, lab_variables(lab, account.id), {}, {}, {}, set())
    real = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        answer = real(session, request)
        # Two regions are enough: each is asked about everything.
        content = _OTHER_REGIONS.sub(b"", answer.content)
        found.answers[_fingerprint(request)] = (answer.status_code, dict(answer.headers), content)
        found.calls[_current.call] = _current.form
        return _response(request, answer.status_code, answer.headers, content)

    with pytest.MonkeyPatch.context() as patch:
        use_clean_aws_environment(patch, **found.environment)
        _note_operation(patch)
        patch.setattr(URLLib3Session, "send", send)
        codes = [main(["check", "--region", account.region])]
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            # Services that the lab lacks make it a range.
            codes.append(main(["score", "--region", account.region, "--json"]))
    lifecycle.stop(home)
    document = json.loads(told.getvalue())
    found.score |= {item["id"]: item["status"] for pillar in document["pillars"] for item in pillar["items"]}
    found.unanswered |= set(document["unanswered"])
    assert codes == [0, 3]
    yield found


@pytest.fixture
def play(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Call | None, str], int]:
    """Runs a command on what was recorded, one call spoilt; its exit code."""
    use_clean_aws_environment(monkeypatch, **recording.environment)
    _note_operation(monkeypatch)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)

    def run(command: str, spoilt: Call | None, way: str) -> int:
        def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            status, headers, content = recording.answers.get(_fingerprint(request), (404, {}, b""))
            if _current.call == spoilt:
                headers = {}
                status, content = WAYS[way](request, content, _current.form)
            return _response(request, status, headers, b"" if request.method == "HEAD" else content)

        monkeypatch.setattr(URLLib3Session, "send", send)
        return main([command, "--region", recording.region, "--json"])

    return run


def permission(call: Call) -> str:
    return iam_action(*call)


OF_CHECK: list[Call] = [
    ("sts", "GetCallerIdentity"),
    ("cloudformation", "DescribeStacks"),
    *sorted(
        {(by.service, by.operation) for by in QUESTIONS.values()}
        # Not asked in a healthy account, where a delivery is recent, no access point is there, no organization, no log
        # group, no copy, no access grant and no event data store.
        - {("cloudtrail", "LookupEvents"), ("organizations", "DescribeOrganization")}
        - {("s3control", "GetAccessPointPolicy"), ("logs", "DescribeSubscriptionFilters"), ("s3", "ListBuckets")}
        - {("s3control", "ListMultiRegionAccessPoints"), ("s3control", "GetMultiRegionAccessPointPolicy")}
        - {("s3control", "ListAccessGrants"), ("cloudtrail", "GetResourcePolicy"), ("logs", "DescribeAccountPolicies")}
    ),
]
# Of a check of its own, and one that only advice needs.
SAMPLE = {("cloudtrail", "GetEventSelectors"), ("s3", "GetBucketVersioning")}


def by_way(calls: list[Call], ways: Iterable[str] = WAYS) -> list[Any]:
    return [
        pytest.param(call, way, id=f"{'.'.join(call)}-{way}", marks=() if call in SAMPLE else pytest.mark.slow)
        for call in calls
        for way in ways
        # The answer to a HEAD request has no body that could be spoilt.
        if call != ("s3", "HeadBucket") or way in ("denied", "throttled", "not available", "timing out")
    ]


@pytest.mark.slow
def test_nothing_else_is_asked(recording: Recording) -> None:
    assert set(OF_CHECK) <= set(recording.calls)
    assert {iam_action(*call) for call in recording.calls} <= {
        *map(permission, OF_CHECK),
        "sts:GetCallerIdentity",
        *PERMISSIONS,
    }


@pytest.mark.slow
def test_a_recording_plays_back_as_it_was(play: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert play("check", None, "denied") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "PASS"


@pytest.mark.slow
@pytest.mark.parametrize(("call", "way"), by_way(OF_CHECK))
def test_no_check_passes_that_needs_the_call(
    play: Callable[..., int], capsys: pytest.CaptureFixture[str], call: Call, way: str
) -> None:
    exit_code = play("check", call, way)

    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    if not printed.out:
        assert (exit_code, printed.err.count("\n")) == (3, 1), printed.err
        return
    report = json.loads(printed.out)
    needing = {
        check.id
        for check in CHECKS
        if call == ("cloudtrail", "DescribeTrails") or any(QUESTIONS[fact] == By(*call) for fact in check.needs)
    }
    passed = {result["id"] for result in report.get("results", ()) if result["status"] == "PASS"}
    # The same permission is behind several questions; the alias and the ARN of a key are both described.
    failed = {result["id"] for result in report.get("results", ()) if result["status"] == "FAIL"}
    assert failed == set()
    if call not in SEVERAL:
        assert needing & passed == set()
    assert exit_code == 3
    # The reason is said, of the names' calls in a note.
    assert permission(call) in json.dumps([*report.get("unanswered", ()), *report.get("notices", ()), report])


# Asked for several things at once, of which one may be known by other means.
SEVERAL = {("kms", "DescribeKey"), ("s3", "HeadBucket"), ("cloudtrail", "DescribeTrails")}
OF_SCORE = [
    ("iam", "GetAccountPasswordPolicy"),
    ("iam", "GetAccountSummary"),
    ("ec2", "DescribeRegions"),
    ("ec2", "DescribeSecurityGroups"),
    ("ec2", "DescribeVpcs"),
    ("kms", "ListKeys"),
    ("kms", "DescribeKey"),
    ("cloudtrail", "DescribeTrails"),
    ("cloudtrail", "GetTrailStatus"),
    ("cloudtrail", "GetEventSelectors"),
    ("s3", "ListBuckets"),
    ("s3", "GetBucketEncryption"),
    ("s3control", "GetPublicAccessBlock"),
    ("config", "DescribeConfigurationRecorderStatus"),
    ("config", "DescribeConfigRules"),
]


@pytest.mark.slow  # each asks in every region
@pytest.mark.parametrize(("call", "way"), by_way(OF_SCORE, ("denied", "garbage", "half an answer")))
def test_no_point_is_earned_or_lost_that_needs_the_call(
    recording: Recording, play: Callable[..., int], capsys: pytest.CaptureFixture[str], call: Call, way: str
) -> None:
    before = recording.score

    assert play("score", call, way) == 3

    document = scored(capsys)
    after = {item["id"]: item["status"] for pillar in document["pillars"] for item in pillar["items"]}
    changes = {(before[name], after[name]) for name in before if before[name] != after[name]}
    assert changes
    assert {now for _, now in changes} == {"UNKNOWN"}
    assert set(document["unanswered"]) - recording.unanswered


def scored(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    document: dict[str, Any] = json.loads(printed.out)
    return document
