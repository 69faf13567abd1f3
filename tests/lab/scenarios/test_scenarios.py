"""The scenarios, each against a lab of its own kind, and what is left to be found."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lab.cli.commands import main
from lab.errors import LabError
from lab.instance import control, lifecycle
from lab.instance.environment import aws_environment
from lab.instance.folder import HOME_VARIABLE, PROJECT, Lab
from lab.scenarios.actor import Actor, CallOrigin, Credentials
from lab.scenarios.answers import saved
from lab.scenarios.answers.facts import Kind
from lab.scenarios.exercise import exercise
from lab.scenarios.hunt import Director
from lab.scenarios.noise import noise
from lab.scenarios.reset import reset, undo
from lab.scenarios.run import HUNTS, TEXTS, Size, scenario
from lab.settings import Settings
from tests.lab.conftest import error_of, make_client
from tests.lab.destination import make_bucket
from tests.lab.scenarios.recorded import delivered, record_everything

BUCKET, TRAIL = "scenario-logs", "scenario-trail"
DAYS = 2


@contextmanager
def lab_in_the_past(home: Path) -> Iterator[Lab]:
    """A lab two days ago, with a trail that logs everything."""
    lab = lifecycle.start(home, settings=Settings(digest_seconds=3600, behind_seconds=DAYS * 24 * 3600))
    record_everything(lab, TRAIL, BUCKET)
    yield lab
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One for all scenarios that leave the trail and the time as they are."""
    with lab_in_the_past(tmp_path_factory.mktemp("scenarios")) as lab:
        yield lab


@pytest.fixture
def own_past(tmp_path: Path) -> Iterator[Lab]:
    """One for a scenario that takes the time or stops the trail."""
    with lab_in_the_past(tmp_path / "home") as lab:
        yield lab


def solution(lab: Lab, name: str) -> dict[str, str]:
    return {fact.name: fact.value for fact in saved.read(lab)[name].facts}


def play(lab: Lab, name: str, size: Size) -> list[str]:
    """What is told, and nothing of the solution is in it."""
    lines = list(scenario(lab, name, size))
    told = "\n".join(lines)
    # The seconds of the alarm may be those of a fact, and a number can be part of anything.
    values = [fact.value for fact in saved.read(lab)[name].facts if fact.kind not in (Kind.TIME, Kind.COUNT)]
    assert not [value for value in values if value in told], told
    return lines


def validate(lab: Lab, region: str) -> "subprocess.CompletedProcess[str]":
    arn = f"arn:aws:cloudtrail:us-east-1:{lab.account}:trail/{TRAIL}"
    command = [str(Path(sys.executable).parent / "aws"), "cloudtrail", "validate-logs", "--trail-arn", arn]
    command += ["--start-time", "2020-01-01", "--region", region]
    return subprocess.run(command, env=aws_environment(lab), capture_output=True, text=True)


def test_the_exercise_is_four_calls_of_the_learner(past: Lab) -> None:
    control.deliver(past)
    before = {record["eventID"] for record in delivered(past, BUCKET)}
    lines = list(exercise(past))
    control.deliver(past)

    assert len(lines) == 5
    new = [record for record in delivered(past, BUCKET) if record["eventID"] not in before]
    made = [record for record in new if "exercise" in record["userAgent"]]
    assert sorted(record["eventName"] for record in made) == [
        "DescribeInstances",
        "DescribeSecurityGroups",
        "ListBuckets",
        "ListUsers",
    ]
    assert {record["userIdentity"]["userName"] for record in made} == {"learner"}


@pytest.mark.slow
def test_noise_fills_days_in_several_regions_with_what_ordinary_people_do(own_past: Lab) -> None:
    lines = list(noise(own_past, calls=150, days=DAYS, seed=7))

    records = delivered(own_past, BUCKET)
    assert "failed" in lines[-1]
    assert {record["awsRegion"] for record in records} == {"us-east-1", "eu-west-1", "us-west-2"}
    assert {record["userIdentity"]["type"] for record in records} == {"IAMUser", "AssumedRole", "AWSService"}
    assert len({record["eventTime"][:13] for record in records}) >= DAYS * 6
    assert len({record["sourceIPAddress"] for record in records} - {"127.0.0.1"}) >= 3
    assert any("errorCode" in record for record in records)
    for region in ("us-east-1", "eu-west-1", "us-west-2"):
        done = validate(own_past, region)
        assert done.returncode == 0, done.stderr


# Calls that AWS makes for others have a shape of their own.
BY_AWS_TOO = {"AssumeRole", "GetBucketAcl"}


@pytest.mark.slow
def test_fifty_thousand_events_are_delivered_and_signed_as_all_others(own_past: Lab) -> None:
    list(noise(own_past, days=1, events=50_000, seed=7))
    control.deliver(own_past)

    records = delivered(own_past, BUCKET)
    assert len(records) > 50_000
    assert len({record["eventID"] for record in records}) == len(records)
    assert len({record["requestID"] for record in records if "requestID" in record}) > 50_000
    own = {record["eventID"]: record for record in records}
    by_call: dict[tuple[str, str], set[frozenset[str]]] = {}
    for record in own.values():
        by_call.setdefault((record["eventName"], record.get("errorCode", "")), set()).add(frozenset(record))
    assert not {call: shapes for call, shapes in by_call.items() if len(shapes) > 1 and call[0] not in BY_AWS_TOO}
    times = sorted(record["eventTime"] for record in records)
    for region in ("us-east-1", "eu-west-1", "us-west-2"):
        done = validate(own_past, region)
        assert done.returncode == 0, done.stderr
    signed_until = (
        datetime.fromisoformat(times[-1]) - timedelta(hours=1)
    ).isoformat()  # the last hour's digest is not due yet
    done = subprocess.run(
        [sys.executable, "-m", "verify", "integrity", "--start", times[0], "--end", signed_until, "--json"],
        env=aws_environment(own_past),
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert done.returncode in (0, 3), done.stderr
    assert not [problem for chain in found["chains"] for problem in chain["problems"]], found


def test_noise_needs_time_in_hand(past: Lab) -> None:
    with pytest.raises(LabError, match="never overtakes"):
        next(noise(past, calls=10, days=30))


def small(seed: int) -> Size:
    """Each test has a seed of its own: what an earlier one left stays in the log files of the lab that they share."""
    return Size(events=0, days=0, objects=30, seed=seed)


def test_the_capital_one_pattern_is_a_role_that_lists_all_buckets_and_takes_one(past: Lab) -> None:
    play(past, "capital-one", small(21))

    facts = solution(past, "capital-one")
    made = [record for record in delivered(past, BUCKET) if record["sourceIPAddress"] == facts["address"]]
    first: dict[str, str] = {}
    for record in sorted(made, key=lambda each: str(each["eventTime"])):
        first.setdefault(record["eventName"], record["eventTime"])
    order = [first[name] for name in ("GetCallerIdentity", "ListBuckets", "ListObjects", "GetObject")]
    assert order == sorted(order)
    assert Counter(record["eventName"] for record in made) == {
        "GetCallerIdentity": 1,
        "ListBuckets": 1,
        "ListObjects": 1,
        "GetObject": int(facts["objects"]),
    }
    assert facts["objects"] == "30"
    for record in made:
        identity = record["userIdentity"]
        assert identity["type"] == "AssumedRole"
        assert identity["arn"].endswith(f":assumed-role/{facts['role']}/{facts['instance']}")
        assert identity["sessionContext"]["sessionIssuer"]["userName"] == facts["role"]
    taken = {record["resources"][0]["ARN"] for record in made if record["eventName"] == "GetObject"}
    assert len(taken) == 30
    assert all(arn.startswith(f"arn:aws:s3:::{facts['bucket']}/") for arn in taken)
    assert facts["first-call"] <= order[0]


def test_the_stolen_key_was_issued_to_the_instance_by_ec2_and_is_the_servers(past: Lab) -> None:
    play(past, "capital-one", small(22))

    facts, records = solution(past, "capital-one"), delivered(past, BUCKET)
    stolen = {each["userIdentity"]["accessKeyId"] for each in records if each["sourceIPAddress"] == facts["address"]}
    issued = [
        each
        for each in records
        if each["eventName"] == "AssumeRole" and each["responseElements"]["credentials"]["accessKeyId"] in stolen
    ]
    assert [each["userIdentity"] for each in issued] == [{"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}]
    assert issued[0]["requestParameters"]["roleSessionName"] == facts["instance"]
    used_at = {each["sourceIPAddress"] for each in records if each["userIdentity"].get("accessKeyId") in stolen} - {
        facts["address"]
    }
    assert [address.startswith("10.0.") for address in used_at] == [True]


def test_another_seed_is_another_hunt_and_the_same_seed_the_same(past: Lab) -> None:
    found = []
    for seed in (7, 8, 7):
        play(past, "capital-one", Size(events=0, days=0, objects=2, seed=seed))
        found.append({name: value for name, value in solution(past, "capital-one").items() if name != "first-call"})

    assert found[0] == found[2] != found[1]
    s3 = make_client(past, "s3")
    buckets = {each["Name"] for each in s3.list_buckets()["Buckets"]}
    assert found[0]["bucket"] in buckets
    assert found[1]["bucket"] not in buckets, "the hunt before is undone"


@pytest.mark.slow
def test_the_printed_command_records_the_theft(own_past: Lab, tmp_path: Path) -> None:
    environment = aws_environment(own_past) | {HOME_VARIABLE: str(own_past.home), "PYTHONPATH": str(PROJECT)}
    make_client(own_past, "cloudtrail").put_event_selectors(
        TrailName=TRAIL, EventSelectors=[{"IncludeManagementEvents": True}]
    )
    [note] = [line for line in play(own_past, "capital-one", small(23)) if line.startswith("note: ")]
    command = note.partition("play this again: ")[2]
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

    assert not [line for line in play(own_past, "capital-one", small(24)) if line.startswith("note: ")]

    facts = solution(own_past, "capital-one")
    reads = [
        each
        for each in delivered(own_past, BUCKET)
        if each["eventName"] == "GetObject" and each["sourceIPAddress"] == facts["address"]
    ]
    assert len(reads) == int(facts["objects"])


def test_tampering_leaves_all_four_errors_and_its_own_traces_and_can_be_undone(own_past: Lab) -> None:
    cloudtrail, s3 = make_client(own_past, "cloudtrail"), make_client(own_past, "s3")
    before = cloudtrail.get_event_selectors(TrailName=TRAIL)["EventSelectors"]

    lines = play(own_past, "tamper", Size(events=0, days=0, seed=7))

    facts = solution(own_past, "tamper")
    done = validate(own_past, "us-east-1")
    assert done.returncode == 1
    told = {line.rpartition("INVALID: ")[2]: line for line in done.stderr.splitlines() if "INVALID: " in line}
    assert any(line.startswith("Begin with: ") and "verify integrity" in line for line in lines)
    assert any(line.startswith("and beside it: ") and "validate-logs" in line for line in lines)
    shown = done.stderr.splitlines()
    for fact, error in (
        ("deleted-digest", "INVALID: not found"),
        ("deleted-log", "INVALID: not found"),
        ("altered-log", "INVALID: hash value"),
    ):
        assert any(facts[fact] in line and error in line for line in shown), (fact, told)
    records = delivered(own_past, BUCKET)
    authors = [each for each in records if each["userIdentity"].get("userName") == facts["user"]]
    names = {record["eventName"] for record in authors}
    assert {"PutEventSelectors", "PutBucketLifecycle", "StopLogging"} <= names
    assert not {"ListUsers", facts["hidden"]} & names
    assert {each["sourceIPAddress"] for each in authors if each["eventName"] == "StopLogging"} == {facts["address"]}
    attribute = {"AttributeKey": "Username", "AttributeValue": facts["user"]}
    seen = [each["EventName"] for each in cloudtrail.lookup_events(LookupAttributes=[attribute])["Events"]]
    assert {"ListUsers", facts["hidden"]} <= set(seen)
    with pytest.raises(LabError, match="no trail that logs"):
        list(HUNTS["tamper"](director_of(own_past)).facts)

    assert list(reset(own_past)) == ["tamper is undone; what it left in the log files stays there"]

    control.deliver(own_past)
    assert cloudtrail.get_event_selectors(TrailName=TRAIL)["EventSelectors"] == before
    assert cloudtrail.get_trail_status(Name=TRAIL)["IsLogging"]
    assert error_of(s3.get_bucket_lifecycle_configuration, Bucket=BUCKET) == "NoSuchLifecycleConfiguration"
    assert error_of(make_client(own_past, "iam").get_user, UserName=facts["user"]) == "NoSuchEntity"
    done = validate(own_past, "us-east-1")
    assert (done.returncode, "INVALID" in done.stderr) == (0, False), done.stderr


@pytest.mark.slow
def test_a_trail_that_cannot_deliver_is_not_told_to_have_no_validation(own_past: Lab) -> None:
    make_client(own_past, "s3").delete_bucket_policy(Bucket=BUCKET)

    with pytest.raises(LabError, match="it cannot deliver: aws cloudtrail get-trail-status"):
        play(own_past, "tamper", Size(events=0, days=0, seed=7))


def director_of(lab: Lab) -> Director:
    return Director(lab, "tamper", random.Random(7), events=0, days=0)  # noqa: S311 - nothing is secret here


def test_a_hunt_has_the_time_of_the_lab_or_none(past: Lab) -> None:
    """This machine's time is days away from the lab's, and would be the solution."""
    with pytest.raises(LabError, match="does not answer"):
        director_of(replace(past, secret="0" * 64)).now()


def test_the_solution_is_in_no_file_and_no_answer_of_the_lab(past: Lab) -> None:
    play(past, "capital-one", small(25))
    facts = solution(past, "capital-one")
    secrets = [facts["address"], facts["role"], facts["instance"], "first-call"]

    files = [
        path for path in past.home.rglob("*") if path.is_file() and "data" in path.relative_to(past.home).parts[:1]
    ]
    own = [path for path in files if path.parent == past.home / "data" and not path.name.startswith("delivery.sqlite")]
    assert past.home / "data" / "played" in own
    assert not [path for path in own if any(each.encode() in path.read_bytes() for each in secrets)]
    told = subprocess.run(
        [sys.executable, "-m", "lab", "status", "--json", "--home", str(past.home)], capture_output=True, text=True
    )
    assert told.returncode == 0
    assert not [each for each in secrets if each in told.stdout]


def test_a_scenario_rejects_any_endpoint_but_the_labs(past: Lab) -> None:
    elsewhere = replace(past, endpoint="https://cloudtrail.us-east-1.amazonaws.com")

    for name in TEXTS:
        with pytest.raises(LabError, match="only talk to this machine"):
            list(scenario(elsewhere, name, Size(events=0, days=0)))
    with pytest.raises(LabError):
        Actor(elsewhere, "a", Credentials("k", "s"), CallOrigin("127.0.0.1", "agent"))


def test_a_scenario_says_when_no_trail_will_deliver_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = lifecycle.start(tmp_path / "lab")
    cloudtrail = make_client(lab, "cloudtrail")

    def told() -> str:
        assert main(["scenario", "exercise", "--home", str(lab.home)]) == 0
        shown = capsys.readouterr()
        assert len(shown.out.splitlines()) == 5
        return shown.err

    try:
        assert told() == "note: There is no trail, so nothing will be delivered. Make one: python -m lab deploy\n"
        make_bucket(make_client(lab, "s3"), BUCKET)
        cloudtrail.create_trail(Name=TRAIL, S3BucketName=BUCKET)
        [line] = told().splitlines()
        assert line.startswith(f"note: The trail {TRAIL} is stopped, so nothing will be delivered. Start it: aws ")
        assert main(["scenario", "tamper", "--home", str(lab.home)]) == 2
        assert "no trail that logs" in capsys.readouterr().err
        environment = aws_environment(lab)
        subprocess.run(line.partition("Start it: ")[2].split(), env=environment, check=True)
        assert told() == ""
    finally:
        lifecycle.stop(lab.home)


def test_the_command_line_runs_a_scenario_and_needs_a_lab(
    past: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scenario", "exercise", "--home", str(past.home)]) == 0
    assert "learner called ListBuckets" in capsys.readouterr().out
    assert main(["scenario", "exercise", "--home", str(tmp_path)]) == 1
    assert "not running" in capsys.readouterr().err
    assert main(["deliver", "--home", str(past.home)]) == 0
    assert "Delivered" in capsys.readouterr().out
    assert main(["advance", "--home", str(past.home), "1e9"]) == 2
    assert "cannot be ahead" in capsys.readouterr().err


class Handing:
    """What a learner types, and what it says."""

    def __init__(self, lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
        self._home = ["--home", str(lab.home)]
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, list[str]]:
        """The exit code, and the lines of what is printed, errors as well."""
        self._capsys.readouterr()
        code = main([*words, *self._home])
        shown = self._capsys.readouterr()
        return code, (shown.out + shown.err).splitlines()


def test_answers_are_checked_one_by_one_and_scored(past: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Handing(past, capsys)
    play(past, "capital-one", small(31))
    facts = solution(past, "capital-one")

    code, asked = typed("answer")
    assert (code, asked[-1]) == (3, "0 of 6 facts found: 0 of 100 points")
    assert [line.split()[:2] for line in asked[-7:-1]] == [["open", name] for name in facts]
    assert not [value for name, value in facts.items() if name != "first-call" and value in "\n".join(asked[1:-1])]

    code, told = typed("answer", "capital-one", f"role={facts['role']}", "address=192.0.2.99")
    assert (code, told) == (3, ["right    role", "wrong    address", "1 of 6 facts found: 17 of 100 points"])
    code, told = typed("answer", f"address={facts['address']}")
    assert told == ["right    address", "2 of 6 facts found: 25 of 100 points"], "the second try is worth half"
    code, told = typed("answer", "capital-one", "role=another")
    assert told == ["wrong    role", "2 of 6 facts found: 25 of 100 points"], "what is found stays found"

    assert typed("scenario", "capital-one", "--solution")[0] == 0
    code, told = typed("answer", *(f"{name}={value}" for name, value in facts.items()))
    assert (code, told[-1]) == (0, "6 of 6 facts found: 25 of 100 points"), "nothing is earned after the solution"


def test_a_report_is_judged_by_its_facts(past: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Handing(past, capsys)
    play(past, "capital-one", small(32))
    facts, path = solution(past, "capital-one"), tmp_path / "report.md"
    code, template = typed("report", "capital-one", "--template")
    assert code == 0
    path.write_text("\n".join(template))
    code, told = typed("report", "capital-one", str(path))
    assert (code, {line.split()[0] for line in told[:-1]}) == (3, {"missing"})

    stated = [f"| {name} | {value} |" for name, value in facts.items() if name != "objects"]
    path.write_text("\n".join([*template, *stated, "| objects | 31 |"]).replace("|  |", "| |"))
    code, told = typed("report", str(path))
    assert code == 3
    assert [line for line in told[:-1] if not line.startswith("right")] == [
        "wrong    objects         the report says: 31"
    ]
    assert facts["objects"] == "30"
    path.write_text("| bucket | \x1b[31mred\x07 |\n")
    code, told = typed("report", str(path))
    assert "wrong    bucket          the report says: ?[31mred?" in told
    path.write_text("\n".join([*stated, "Objects: 30"]))
    assert typed("report", str(path)) == (
        0,
        [*(f"right    {name}" for name in facts), "6 of 6 facts found: 92 of 100 points"],
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["answer", "exercise"], "'exercise' is no hunt. There are: capital-one, tamper"),
        (["answer", "tamper", "user=ann"], "tamper was not played to its end"),
        (
            ["answer", "capital-one", "colour=red"],
            "'colour' is not asked. The facts of capital-one are: role",
        ),
        (["answer", "capital-one", "objects=many"], "objects: 'many' is no count, such as 120. No try was counted."),
        (["answer", "capital-one", "tamper"], "Name one scenario, not 2"),
        (["report", "capital-one", "gone.md"], "gone.md cannot be read (No such file or directory)."),
        (["report", "capital-one"], "Name one file, such as report.md"),
        (["report", "capital-one", "/dev/zero"], "/dev/zero is longer than a report can be (1,000,000 characters)."),
        (["scenario", "noise", "--solution"], "noise is no hunt, so it has no solution"),
        (["scenario", "exercise", "console"], "only reset takes another name"),
    ],
)
def test_what_cannot_be_handed_in_is_refused_with_the_reason(
    words: list[str], error: str, past: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    played = saved.read(past)
    if "capital-one" not in played:
        play(past, "capital-one", small(33))
    saved.write(past, {"capital-one": saved.read(past)["capital-one"]})
    before = saved.read(past)

    code, told = Handing(past, capsys)(*words)

    assert (code, len(told)) == (2, 1)
    assert error in told[0]
    assert saved.read(past) == before


def test_what_was_played_is_read_by_the_same_lab_only(past: Lab) -> None:
    play(past, "capital-one", small(34))

    with pytest.raises(LabError, match="is not this lab's"):
        saved.read(replace(past, secret="0" * 64))


@pytest.mark.slow
def test_each_scenario_can_be_undone(past: Lab) -> None:
    iam, s3 = make_client(past, "iam"), make_client(past, "s3")

    def there() -> set[str]:
        users = {each["UserName"] for each in iam.list_users()["Users"]}
        roles = {each["RoleName"] for each in iam.list_roles()["Roles"]}
        return users | roles | {each["Name"] for each in s3.list_buckets()["Buckets"]}

    list(reset(past))
    before = there()
    list(scenario(past, "console", Size()))
    list(scenario(past, "noise", Size(calls=10)))
    play(past, "capital-one", Size(events=20, days=0, objects=2, seed=35))
    assert len(there() - before) == 2 + 6 + 3

    assert list(reset(past, "tamper")) == ["tamper was not played, so there is nothing to undo"]
    assert len(list(reset(past, "console"))) == 1
    assert len(there() - before) == 6 + 3
    assert len(list(reset(past))) == 2

    assert there() == before
    assert list(reset(past)) == ["No scenario was played, so there is nothing to undo"]


@pytest.mark.slow
def test_what_is_gone_is_no_error_and_what_is_in_the_way_is_named(past: Lab) -> None:
    play(past, "role-chain", small(36))
    undo(past, saved.read(past)["role-chain"].stage)
    assert list(reset(past, "role-chain")) == ["role-chain is undone; what it left in the log files stays there"]

    play(past, "capital-one", small(37))
    bucket, s3 = solution(past, "capital-one")["bucket"], make_client(past, "s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(LabError, match=r"Not all of it can be undone: .*BucketNotEmpty"):
        list(reset(past, "capital-one"))

    for each in s3.list_object_versions(Bucket=bucket)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    for each in s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    assert list(reset(past, "capital-one")) == ["capital-one is undone; what it left in the log files stays there"]
