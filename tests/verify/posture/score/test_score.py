"""The score on plain facts: what earns points, and that the unknown neither earns nor loses any."""

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.posture.healthy import NOW, STATUS
from verify.aws import iam_action
from verify.cli.score import exit_code
from verify.errors import UsageError
from verify.fact import Denied, Fact, Failed, Missing, Value
from verify.posture.facts import recording
from verify.posture.model import Status
from verify.posture.score import collect, questions
from verify.posture.score.facts import AccountFacts, Buckets, OpenGroup, Recorder, RootUser, TrailSummary
from verify.posture.score.items import ITEMS
from verify.posture.score.model import Pillar, Range, Score, range_of
from verify.posture.score.run import score_items, unanswered
from verify.report.score import read_former_score, render, score_as_json
from verify.selectors import parse_selectors

ALL = parse_selectors({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]})
TRAIL = TrailSummary(
    name="t",
    is_multi_region=True,
    is_encrypted_with_kms=True,
    validates_log_files=True,
    status=Value(STATUS),
    selectors=Value(ALL),
    asked_at=NOW,
)
STOPPED = Value(dataclasses.replace(STATUS, is_logging=False))
FAILING = Value(dataclasses.replace(STATUS, delivery_error="AccessDenied"))
NOTHING = Value(parse_selectors({"EventSelectors": []}))


def here(answer: Fact[Any], elsewhere: Fact[Any] | None = None) -> Mapping[str, Fact[Any]]:
    """The answer in one region, and another one in a second."""
    return {"us-east-1": answer} if elsewhere is None else {"eu-west-1": elsewhere, "us-east-1": answer}


PERFECT = AccountFacts(
    minimum_password_length=Value(14),
    root=Value(RootUser(has_access_keys=False, has_mfa=True)),
    analyzers=here(Value(("a",))),
    blocks_public_access=Value(value=True),
    open_groups=here(Value(())),
    default_vpcs=here(Value(())),
    customer_key=Value("arn:key"),
    trails=Value((TRAIL,)),
    buckets=Value(Buckets(3, (), None)),
    detectors=here(Value(("d",))),
    hub=here(Value("arn:hub")),
    recorders=here(Value((Recorder("default", is_recording=True),))),
    config_rules=Value(7),
)


def score(facts: AccountFacts) -> Score:
    items = score_items(facts, account=Value("123456789012"), command="aws --region us-east-1")
    return Score("123456789012", "us-east-1", None, items, unanswered(facts))


def but(**changes: Any) -> AccountFacts:
    return dataclasses.replace(PERFECT, **changes)


def trails(**changes: Any) -> AccountFacts:
    return but(trails=Value((dataclasses.replace(TRAIL, **changes),)))


def points(total: Range) -> tuple[int, int]:
    return total.low, total.high


def test_the_pillars_have_the_points_of_the_lab() -> None:
    assert {pillar: range_of(score(PERFECT).pillar(pillar)).of for pillar in Pillar} == {
        "Identity": 20, "Network": 15, "Data": 20, "Detection": 30, "Compliance": 15,
    }  # fmt: skip
    assert str(score(PERFECT).total) == "100 of 100"
    assert len({item.id for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize(
    ("facts", "lost"),
    [
        (but(minimum_password_length=Missing("none")), {"identity_password_policy"}),
        (but(minimum_password_length=Value(8)), {"identity_password_policy"}),
        (but(minimum_password_length=Value(13)), {"identity_password_policy"}),
        (but(root=Value(RootUser(has_access_keys=True, has_mfa=True))), {"identity_root_access_keys"}),
        (but(root=Value(RootUser(has_access_keys=False, has_mfa=False))), {"identity_root_mfa"}),
        (but(analyzers=here(Value(()))), {"identity_access_analyzer", "compliance_access_analyzer"}),
        (but(blocks_public_access=Value(value=False)), {"network_s3_public_access_block"}),
        (but(blocks_public_access=Missing("none")), {"network_s3_public_access_block"}),
        (but(open_groups=here(Value((OpenGroup("sg-1", "::/0"),)))), {"network_no_open_ssh"}),
        (but(open_groups=here(Value(()), Value((OpenGroup("sg-1", "::/0"),)))), {"network_no_open_ssh"}),
        (but(default_vpcs=here(Value(("vpc-1",)))), {"network_no_default_vpc"}),
        (but(default_vpcs=here(Value(()), Value(("vpc-1",)))), {"network_no_default_vpc"}),
        (but(customer_key=Missing("none")), {"data_customer_key"}),
        (but(buckets=Value(Buckets(3, ("b",), "c: denied"))), {"data_bucket_encryption"}),
        (but(buckets=Value(Buckets(0, (), None))), set()),
        (trails(is_encrypted_with_kms=False), {"data_trail_encryption"}),
        (trails(validates_log_files=False), {"data_log_validation"}),
        (trails(is_multi_region=False), {"detection_trail_logging"}),
        (trails(status=STOPPED), {"data_trail_encryption", "data_log_validation", "detection_trail_logging"}),
        (trails(status=FAILING), {"detection_trail_logging"}),
        (trails(selectors=NOTHING), {"detection_trail_logging"}),
        (but(trails=Value(())), {"data_trail_encryption", "data_log_validation", "detection_trail_logging"}),
        (but(detectors=here(Value(()))), {"detection_guardduty"}),
        (but(detectors=here(Value(("d",)), Value(()))), {"detection_guardduty"}),
        (but(hub=here(Missing("none"))), {"detection_security_hub"}),
        (but(hub=here(Value("arn:hub"), Missing("none"))), {"detection_security_hub"}),
        (but(recorders=here(Value(()))), {"compliance_config_recorder"}),
        (but(recorders=here(Value((Recorder("r", is_recording=False),)))), {"compliance_config_recorder"}),
        (but(recorders=here(Value((Recorder("r", True, "FAILURE"),)))), {"compliance_config_recorder"}),  # noqa: FBT003
        (but(config_rules=Value(0)), {"compliance_config_rules"}),
    ],
)
def test_each_point_is_lost_for_its_own_reason(facts: AccountFacts, lost: set[str]) -> None:
    assert {item.id for item in score(facts).items if item.status is Status.FAIL} == lost
    of_lost = sum(item.points for item in ITEMS if item.id in lost)
    assert points(score(facts).total) == (100 - of_lost, 100 - of_lost)


@pytest.mark.parametrize(
    ("validated", "begun", "log_file", "digest", "expected"),
    [
        # How many hours ago did logging begin, and came the last log file and the last digest?
        (True, 720, 5, 1, Status.PASS),  # nothing happened since
        (True, 720, 5, 5, Status.FAIL),
        (True, 720, None, None, Status.UNKNOWN),
        (True, 720, 30, None, Status.UNKNOWN),
        (True, 720, 1, None, Status.UNKNOWN),
        (False, 720, 5, None, Status.PASS),
        (False, 720, 30, None, Status.UNKNOWN),
        # On its first day: digests that stopped, and those that are not due yet.
        (True, 12, 1, 5, Status.FAIL),
        (True, 12, 1, 1, Status.PASS),
        (True, 12, 1, None, Status.UNKNOWN),
        (True, 1, 0.5, None, Status.PASS),
        (True, 1, None, None, Status.UNKNOWN),
        (False, 1, None, None, Status.UNKNOWN),
        # Started again: what came before tells nothing.
        (True, 1, 30, 30, Status.UNKNOWN),
        (True, 12, 1, 30, Status.UNKNOWN),
        (True, 48, 1, 50, Status.FAIL),
        (False, 1, 2, None, Status.UNKNOWN),
    ],
)
def test_a_trail_earns_only_what_comes_since_logging_began(
    validated: bool,  # noqa: FBT001
    begun: float,
    log_file: float | None,
    digest: float | None,
    expected: Status,
) -> None:
    came, signed = (None if ago is None else NOW - timedelta(hours=ago) for ago in (log_file, digest))
    since = NOW - timedelta(hours=begun)
    status = dataclasses.replace(STATUS, last_delivery=came, last_digest=signed, logging_since=since)

    found = score(trails(status=Value(status), validates_log_files=validated))

    (item,) = (item for item in found.items if item.id == "detection_trail_logging")
    assert item.status is expected, item.actual


def fix_of(item_id: str, facts: AccountFacts, command: str = "aws") -> str:
    items = score_items(facts, account=Value("123456789012"), command=command, partition="aws-cn")
    return next(item.fix_cli for item in items if item.id == item_id)


def test_config_is_made_before_it_is_started_and_only_started_when_it_is_there() -> None:
    made = fix_of("compliance_config_recorder", but(recorders=here(Value(()))))
    steps = ("create-service-linked-role", "put-configuration-recorder", "put-delivery-channel", "start-configuration")
    assert [made.index(step) for step in steps] == sorted(made.index(step) for step in steps)
    assert "roleARN=arn:aws-cn:iam::123456789012:role/aws-service-role/config.amazonaws.com/" in made

    stopped = but(recorders=here(Value((Recorder("my {own}", is_recording=False),))))
    assert fix_of("compliance_config_recorder", stopped) == (
        "aws configservice start-configuration-recorder --configuration-recorder-name 'my {own}' --region us-east-1"
    )


def test_a_host_that_gets_the_accounts_number_in_front_has_a_name() -> None:
    local = "aws --endpoint-url http://127.0.0.1:4566"
    facts = but(blocks_public_access=Value(value=False), hub=here(Missing("none")))
    fix = fix_of("network_s3_public_access_block", facts, local)
    assert fix.startswith("aws --endpoint-url http://localhost:4566 s3control put-public-access-block")
    assert re.search(r"# needs the line 127[.]0[.]0[.]1 [0-9]{12}[.]localhost in /etc/hosts$", fix)
    assert "localhost" not in fix_of("network_s3_public_access_block", facts, "aws")
    assert fix_of("detection_security_hub", facts, local).startswith(local)


@pytest.mark.parametrize("fact", [field.name for field in dataclasses.fields(AccountFacts)])
def test_what_is_unknown_neither_earns_nor_loses(fact: str) -> None:
    for nothing in (Denied("iam:X"), Failed("not implemented")):
        found = score(but(**{fact: nothing if not isinstance(getattr(PERFECT, fact), dict) else here(nothing)}))
        unknown = [item for item in found.items if item.status is Status.UNKNOWN]
        assert unknown
        assert {item.actual for item in unknown} == {str(nothing)}
        assert points(found.total) == (100 - sum(item.points for item in unknown), 100)


def test_a_bucket_or_a_trail_that_nobody_saw_leaves_the_question_open() -> None:
    assert points(score(but(buckets=Value(Buckets(3, (), "b: denied")))).total) == (95, 100)
    assert points(score(trails(status=Denied("cloudtrail:GetTrailStatus"))).total) == (80, 100)
    assert points(score(trails(selectors=Denied("cloudtrail:GetEventSelectors"))).total) == (90, 100)
    seen = dataclasses.replace(TRAIL, status=Failed("throttled"))
    assert points(score(but(trails=Value((seen, TRAIL)))).total) == (100, 100)
    bare = dataclasses.replace(TRAIL, is_encrypted_with_kms=False)
    assert points(score(but(trails=Value((seen, bare)))).total) == (95, 100)
    unseen = here(Value(("d",)), Denied("guardduty:ListDetectors"))
    assert points(score(but(detectors=unseen)).total) == (90, 100)


def test_the_exit_code_is_3_where_a_point_is_not_known_or_a_call_got_no_answer() -> None:
    assert exit_code(score(PERFECT), None) == 0
    assert exit_code(score(but(minimum_password_length=Missing("none"))), None) == 0  # known to be lost
    for field in dataclasses.fields(AccountFacts):
        fact = getattr(PERFECT, field.name)
        denied = Denied("some:Call")
        # In one region of two the thing is missing, so that its points are lost for certain.
        facts = but(**{field.name: here(denied, Missing("none")) if isinstance(fact, Mapping) else denied})
        assert score(facts).unanswered == ("some:Call is denied",), field.name
        assert exit_code(score(facts), None) == 3, field.name
    # What no point depends on is not answered either.
    throttled = Failed("throttled")
    for seen in (dataclasses.replace(TRAIL, status=throttled), dataclasses.replace(TRAIL, selectors=throttled)):
        found = score(but(trails=Value((seen, TRAIL))))
        assert (points(found.total), found.unanswered, exit_code(found, None)) == ((100, 100), ("throttled",), 3)
    found = score(but(buckets=Value(Buckets(3, ("a",), "b: denied"))))
    assert (points(found.total), found.unanswered, exit_code(found, None)) == ((95, 95), ("b: denied",), 3)
    # Answered, and not known all the same.
    lists = score(but(open_groups=here(Value((OpenGroup("sg-1", "pl-1", is_certain=False),)))))
    assert (lists.unanswered, exit_code(lists, None)) == ((), 3)


def test_with_a_threshold_the_exit_code_is_that_of_the_question() -> None:
    nothing = Score("123456789012", "us-east-1", None, (), ("denied",))
    ranged = score(but(detectors=here(Denied("guardduty:ListDetectors"))))
    assert points(ranged.total) == (90, 100)
    assert {least: exit_code(ranged, least) for least in (0, 90, 91, 100)} == {0: 0, 90: 0, 91: 3, 100: 3}
    assert exit_code(score(but(detectors=here(Missing("none")))), 91) == 1
    assert exit_code(nothing, 0) == 3


def test_what_one_trail_has_does_not_count_for_another() -> None:
    encrypted = dataclasses.replace(TRAIL, name="encrypted", is_multi_region=False, validates_log_files=False)
    validated = dataclasses.replace(TRAIL, name="validated", is_multi_region=False, is_encrypted_with_kms=False)
    everywhere = dataclasses.replace(TRAIL, name="everywhere", is_encrypted_with_kms=False, validates_log_files=False)
    stopped = dataclasses.replace(TRAIL, name="stopped", status=STOPPED)
    found = score(but(trails=Value((encrypted, validated, everywhere, stopped))))
    assert {item.id for item in found.items if item.status is Status.FAIL} == {
        "data_trail_encryption",
        "data_log_validation",
    }
    assert points(score(but(trails=Value((encrypted, validated, TRAIL)))).total) == (100, 100)


def test_deploying_the_stack_earns_25_points_in_data_and_detection() -> None:
    before = score(but(trails=Value(()), customer_key=Missing("none")))
    gained = {
        pillar: range_of(score(PERFECT).pillar(pillar)).low - range_of(before.pillar(pillar)).low for pillar in Pillar
    }
    assert gained == {"Identity": 0, "Network": 0, "Data": 15, "Detection": 10, "Compliance": 0}


def test_a_comparison_shows_what_changed(tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    before = score(but(trails=Value(()), customer_key=Missing("none"), hub=here(Denied("securityhub:DescribeHub"))))
    file.write_text(json.dumps(score_as_json(before)))
    former = read_former_score(file)

    now = score(but(hub=here(Denied("securityhub:DescribeHub"))))
    compared = score_as_json(now, former)["compared"]
    assert compared["score"]["low_change"] == compared["score"]["high_change"] == 25
    assert compared["pillars"]["Data"]["low_change"] == 15
    lines = [str(piece) for piece in render(now, former, as_tables=False, verbose=False)]
    assert "Data: 20 of 20 (was 5 of 20; +15)" in lines
    assert "Score: 90–100 of 100 (was 65–75 of 100; +25)" in lines  # noqa: RUF001 (a range)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "Cannot read"),
        ("", "not a score"),
        ("[]", "not a score"),
        ("[" * 100_000, "not a score"),
        ('{"format": "other/1"}', "format"),
        ('{"format": "securetrail-score/1"}', "not a score"),
        ('{"format": "securetrail-score/1", "pillars": [], "score": {"low": 0, "high": 0, "of": 100}}', "pillars"),
        ('{"format": "securetrail-score/1", "pillars": [], "score": {"low": 9, "high": 0, "of": 1}}', "range"),
        (" " * 2_000_000, "larger"),
    ],
)
def test_a_file_that_is_no_former_score_is_refused(tmp_path: Path, content: str | None, complaint: str) -> None:
    file = tmp_path / "before.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=complaint):
        read_former_score(file)


def test_the_scores_permissions_are_those_of_its_calls() -> None:
    sources = [Path(str(module.__file__)).read_text() for module in (collect, questions, recording)]
    calls = re.findall(r"\.(?:call|pages)\(\s*\"(\w+)\", \"(\w+)\"", "\n".join(sources))
    # The trails are listed by verify.trail.
    of_check_alone = {"cloudtrail:LookupEvents", "organizations:DescribeOrganization"}
    needed = {iam_action(*call) for call in calls} | {"cloudtrail:DescribeTrails"}
    assert needed - of_check_alone == set(collect.PERMISSIONS)
