"""Every attack of the model of CloudTrail (`tests/verify/integrity/model`) that the lab can play, by real calls: what
`verify integrity` says, and what `aws cloudtrail validate-logs` says of the same.

docs/integrity.md names the attacks that the lab cannot play, with the reason.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.instance import control, lifecycle
from lab.instance.environment import aws_environment
from lab.instance.folder import Lab
from lab.settings import Settings
from tests.end_to_end.attacks.lab_world import LabWorld
from tests.lab.conftest import make_client
from tests.lab.destination import make_bucket, make_key
from tests.verify.integrity.model.attacker import ATTACKS
from tests.verify.integrity.model.case import Attack, TrailStart
from tests.verify.integrity.model.generator import MOVES
from verify.times import iso

# Both programs start anew for each.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
AWS = str(Path(sys.executable).parent / "aws")
NAME, BUCKET, OTHER_BUCKET = "attacked", "attacked-logs", "other-logs"
HOUR = timedelta(hours=1)
CALM_HOURS = 8  # without a call to the trail but one, for the attacks on files
NOT_FOUND, ALTERED, SIGNATURE = "INVALID: not found", "INVALID: hash value", "INVALID: signature verification failed"


@dataclass(frozen=True)
class Answer:
    """What a program said, and with which exit code."""

    code: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass
class Played:
    """A trail's history in the lab. ``periods`` are those of each call, by its name in the model."""

    lab: Lab
    s3: Any
    arn: str
    world: Any = None
    periods: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def ask(
        self, start: datetime, end: datetime | None, region: str = "us-east-1", *, only: bool = False
    ) -> tuple[Answer, Answer]:
        """Both programs, beside each other. The AWS CLI looks at one region, and so does ours if it is to."""
        times = ["--start", iso(start), *(["--end", iso(end)] if end else [])]
        ours = [sys.executable, "-m", "verify", "integrity", "--trail", self.arn, *times, "--json"]
        ours += ["--region", region] if only else []
        times = ["--start-time", iso(start), *(["--end-time", iso(end)] if end else [])]
        aws = [AWS, "cloudtrail", "validate-logs", "--trail-arn", self.arn]
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(self.run, (ours, [*aws, *times, "--region", region]))
        return first, second

    def run(self, command: list[str]) -> Answer:
        """A program that asks the lab."""
        done = subprocess.run(command, env=aws_environment(self.lab), capture_output=True, text=True)
        is_ours = "--json" in command
        return Answer(done.returncode, done.stdout if is_ours else done.stdout + done.stderr)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    home = tmp_path_factory.mktemp("attacked")
    lab = lifecycle.start(home, settings=Settings(7200, digest_seconds=3600, behind_seconds=HOURS * 3600 + 100))
    try:
        yield play(lab)
    finally:
        lifecycle.stop(home)


TRAILS = {"Effect": "Allow", "Action": ["cloudtrail:*"], "Resource": "*"}


@dataclass(frozen=True)
class Calls:
    """Calls to the trail.

    :param model: the model's moves that they are.
    :param steps: each call, its settings, and how many hours pass then.
    :param code: the exit code of `verify integrity` of these hours. Default: - all is proven.
    :param told: what it says of some of them: the verdict, and a part of the reason, or of the first sentence.
    :param region: the region that is asked.
    """

    model: tuple[str, ...]
    steps: tuple[tuple[str, dict[str, Any], int], ...]
    code: int = 0
    told: tuple[str, str] = ("proven", "Every log file")
    region: str = "us-east-1"


CALLS = (
    Calls(
        ("UpdateTrail nothing", "PutEventSelectors", "refused call", "UpdateTrail key"),
        (
            ("update_trail", {"IsMultiRegionTrail": True}, 1),
            ("put_event_selectors", {}, 1),
            ("refused", {}, 1),
            ("update_trail", {"KmsKeyId": ""}, 1),
        ),
    ),
    Calls(
        ("StopLogging", "StartLogging", "pause"),
        (("stop_logging", {}, 2), ("start_logging", {}, 2)),
        told=("not logged", "StopLogging by arn:aws:iam::111122223333:user/mallory from 127.0.0.1"),
    ),
    Calls(
        ("short pause",),
        (("stop_logging", {}, 0), ("start_logging", {}, 0), ("stop_logging", {}, 0), ("start_logging", {}, 2)),
    ),
    Calls(
        ("UpdateTrail validation", "validation off and on"),
        (
            ("update_trail", {"EnableLogFileValidation": False}, 2),
            ("update_trail", {"EnableLogFileValidation": True}, 2),
        ),
        3,
        ("unproven", "validation was off (UpdateTrail by arn:aws:iam::111122223333:user/mallory"),
    ),
    Calls(
        ("UpdateTrail regions",),
        (("update_trail", {"IsMultiRegionTrail": False}, 2), ("update_trail", {"IsMultiRegionTrail": True}, 2)),
        region="eu-west-1",
    ),
    Calls(
        ("DeleteTrail", "CreateTrail", "made anew"),
        (("delete_trail", {}, 1), ("create_trail", {}, 0), ("start_logging", {}, 2)),
        told=("not logged", "DeleteTrail by arn:aws:iam::111122223333:user/mallory"),
    ),
    Calls(("outage",), (("shut", {}, 2), ("open", {}, 2))),
    Calls(
        ("UpdateTrail bucket",),
        (("update_trail", {"S3BucketName": OTHER_BUCKET}, 2), ("update_trail", {"S3BucketName": BUCKET}, 2)),
    ),
    Calls(("UpdateTrail prefix",), (("update_trail", {"S3KeyPrefix": "before"}, 2),)),
)
HOURS = 1 + sum(hours for calls in CALLS for _, _, hours in calls.steps) + len(CALLS) + CALM_HOURS


class Player:
    """Makes the calls."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.s3, self.iam = make_client(lab, "s3"), make_client(lab, "iam")
        self.intruder, self.visitor = (self._user(name) for name in ("mallory", "visitor"))
        policy = json.dumps({"Version": "2012-10-17", "Statement": TRAILS})
        self.iam.put_user_policy(UserName="mallory", PolicyName="trails", PolicyDocument=policy)
        self.key = make_key(make_client(lab, "kms"))
        self.settings = {
            "S3BucketName": BUCKET, "IsMultiRegionTrail": True, "EnableLogFileValidation": True,
        }  # fmt: skip
        self.now = control.advance(lab, 0)
        self.policy = ""

    def _user(self, name: str) -> Any:
        self.iam.create_user(UserName=name)
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
        return make_client(self.lab, "cloudtrail", **keys)

    def call(self, name: str, given: dict[str, Any]) -> None:
        """One call."""
        match name:
            case "refused":
                with pytest.raises(ClientError, match="AccessDenied"):
                    self.visitor.stop_logging(Name=NAME)
            case "shut":
                self.policy = self.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
                self.s3.delete_bucket_policy(Bucket=BUCKET)
            case "open":
                self.s3.put_bucket_policy(Bucket=BUCKET, Policy=self.policy)
            case "put_event_selectors":
                selectors = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]
                self.intruder.put_event_selectors(TrailName=NAME, EventSelectors=selectors)
                selectors = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
                self.intruder.put_event_selectors(TrailName=NAME, EventSelectors=selectors)
            case _:
                if name == "create_trail":
                    given = self.settings
                if "KmsKeyId" in given:
                    given = {"KmsKeyId": self.key}
                getattr(self.intruder, name)(Name=NAME, **given)
        # Which of two calls of one second came first is in no record.
        control.advance(self.lab, 2)

    def pass_hours(self, hours: int) -> None:
        """Something happens in two regions in each."""
        for _ in range(hours):
            for region in ("us-east-1", "eu-west-1"):
                make_client(self.lab, "ec2", region_name=region).describe_vpcs()
            self.now = control.advance(self.lab, 3600)


def play(lab: Lab) -> Played:
    """All calls, and then the calm hours."""
    player = Player(lab)
    for bucket in (BUCKET, OTHER_BUCKET):
        make_bucket(player.s3, bucket)
    player.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    played = Played(lab, player.s3, f"arn:aws:cloudtrail:us-east-1:{lab.account}:trail/{NAME}")
    player.call("create_trail", {})
    player.call("start_logging", {})
    player.pass_hours(1)
    for calls in CALLS:
        began = player.now
        for name, given, hours in calls.steps:
            player.call(name, given)
            player.pass_hours(hours)
        played.periods[calls.model[0]] = began, player.now
        player.pass_hours(1)  # what comes minutes later is another matter
    began = player.now
    player.pass_hours(3)
    left = player.now
    player.call("update_trail", {"S3KeyPrefix": ""})
    player.pass_hours(CALM_HOURS - 3)
    trail = TrailStart(NAME, "us-east-1", bucket=BUCKET)
    played.world = LabWorld(player.s3, trail, began, began + CALM_HOURS * HOUR, {"before": left, "": None})
    return played


@pytest.mark.parametrize("calls", CALLS, ids=lambda calls: calls.model[0])
def test_what_a_call_does_is_told(played: Played, calls: Calls) -> None:
    start, end = played.periods[calls.model[0]]
    ours, theirs = played.ask(start, end, calls.region, only=True)

    verdict, text = calls.told
    [chain] = ours.document["chains"]
    told = [each for each in chain["times"] if each["verdict"] == verdict]
    assert (ours.code, bool(told)) == (calls.code, True), ours.text
    assert text in f"{told[0]['reason']} {ours.document['answer']}", ours.text
    # The AWS CLI tells of no call, and of a time for which it found no digest that nothing was delivered.
    assert (theirs.code, "INVALID" in theirs.text) == (0, False), theirs.text


@dataclass(frozen=True)
class Attacked:
    """What is said of an attack on files.

    :param code: the exit code of `verify integrity`.
    :param told: its verdict of the files that were changed; of files that are gone whole, of the time.
    :param cli: what the AWS CLI says. Default: - all that it looks at is valid.
    :param number: what the attack falls on.
    """

    code: int
    told: str
    cli: str = ""
    number: int = 1


FIRST = {0: "Up to ", 1: "Something was found that is {}", 3: "is unproven"}
WAITS = "digest not yet due"
FILES = {
    "delete log": Attacked(1, "missing", NOT_FOUND),
    "delete digest": Attacked(1, "missing", NOT_FOUND),
    "delete hours": Attacked(1, "missing", NOT_FOUND, number=3),
    "delete end": Attacked(3, "unproven"),
    "delete beginning": Attacked(1, "missing", NOT_FOUND),
    "delete region": Attacked(3, "unproven"),
    "delete account": Attacked(3, "unproven"),
    "delete everything": Attacked(3, "unproven"),
    "delete session": Attacked(3, "unproven"),
    "delete records of calls": Attacked(1, "missing", NOT_FOUND),
    "alter log": Attacked(1, "altered", ALTERED),
    "swap logs": Attacked(1, "altered", ALTERED),
    "alter digest": Attacked(1, "altered", SIGNATURE),
    "mix and match": Attacked(1, "altered", "INVALID: has been moved from its original location"),
    "lose metadata": Attacked(0, "proven", SIGNATURE),
    "append gzip member": Attacked(1, "altered", "INVALID: unexpected data after end of compressed stream"),
    "endless data": Attacked(1, "altered", ALTERED),
    "cut": Attacked(1, "altered"),
    "write again": Attacked(0, ""),
    "keep a planted log young": Attacked(0, WAITS, number=19),
    "roll back": Attacked(3, "unproven"),
    "hide a call": Attacked(1, "missing", NOT_FOUND),
}
# Of these the newest digests are gone. The lab's S3 has the time of this machine, not the lab's: where all digests were
# written within minutes of each other, nothing tells whether the newest of them is there.
NEWEST = ("delete end", "delete region", "delete account", "delete everything", "delete session", "roll back")
PLANTED = {
    "plant log": "unproven",
    "plant where the trail was": "unproven",
    "plant log in other region": "unproven",
    "plant in other account": "unproven",
    "plant in other layout": "foreign",
    "plant digest": "foreign",
    "plant digest of another trail": "foreign",
    "plant backfill": "foreign",
    "replay digest": "foreign",
    "plant beside another trails files": "foreign",
    "plant among digests": "foreign",
    "plant manifest": "foreign",
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_done_to_files_is_told(played: Played, kind: str) -> None:
    world, expected = played.world, FILES[kind]
    try:
        assert world.attack(Attack(kind, expected.number))
        changed = [*world.deleted, *world.written]
        region = "eu-west-1" if "eu-west-1" in changed[0] else "us-east-1"
        ours, theirs = played.ask(world.began, None, region)
    finally:
        world.undo()
    document = ours.document
    if kind in NEWEST and ours.code == 1:
        expected = Attacked(1, "missing", expected.cli)
    assert ours.code == expected.code, document
    assert FIRST[ours.code].format(expected.told) in document["answer"]
    if expected.told == "unproven":
        regions = {each.split("/CloudTrail")[1].split("/")[1] for each in changed if "/CloudTrail" in each}
        times = {chain["region"]: {each["verdict"] for each in chain["times"]} for chain in document["chains"]}
        assert all("unproven" in times[each] for each in regions), times
    elif expected.told == WAITS:
        assert sum(chain["logs"].get(WAITS, 0) for chain in document["chains"]) == 1
        assert "not yet listed in a digest (1 log file so far): it is not covered" in document["answer"]
    else:
        assert expected.told in {"", *(verdict for key in changed for verdict in verdicts(document, key))}
    assert (theirs.code, "INVALID" in theirs.text) == ((1, True) if expected.cli else (0, False)), theirs.text
    assert expected.cli in theirs.text


def verdicts(document: dict[str, Any], key: str) -> set[str]:
    """What is said of a file, or of a folder in which it lies."""
    chains = document["chains"]
    files = [file for chain in chains for file in (*chain["problems"], *chain["notes"])]
    told = [(file["object"], file["verdict"]) for file in (*files, *document["outsideOfTheLayout"])]
    name = f"s3://{BUCKET}/{key}"
    return {verdict for at, verdict in told if name == at or (at.endswith("/") and name.startswith(at))}


def test_what_is_told_to_restore_files_restores_them(played: Played) -> None:
    world = played.world
    try:
        assert all(world.attack(Attack(kind, FILES[kind].number)) for kind in ("delete digest", "alter log"))
        ours, _ = played.ask(world.began, None)
        commands = [each for step in ours.document["nextSteps"] for each in step["commands"]]
        restoring = [shlex.split(each) for each in commands if each.startswith("aws s3api ")]
        assert sorted(words[2] for words in restoring) == ["copy-object", "delete-object"]
        for words in restoring:
            done = played.run([AWS, *words[1:]])
            assert done.code == 0, done.text
        # What is one version more, a copy of what was delivered, is none that anything is to be said of.
        assert played.ask(world.began, None)[0].code == 0
    finally:
        world.undo()


def test_what_is_planted_is_told(played: Played) -> None:
    world = played.world
    planted: dict[str, set[str]] = {}
    try:
        for kind in PLANTED:
            before = set(world.written)
            assert world.attack(Attack(kind, 1))
            planted[kind] = set(world.written) - before
        ours, theirs = played.ask(world.began, None)
    finally:
        world.undo()
    document = ours.document
    assert ours.code == 1, document
    found = {kind: {verdict for key in planted[kind] for verdict in verdicts(document, key)} for kind in PLANTED}
    assert {kind: verdict for kind, verdict in PLANTED.items() if verdict not in found[kind]} == {}, found
    # The AWS CLI looks only for what a digest lists.
    assert (theirs.code, "INVALID" in theirs.text) == (0, False), theirs.text


def test_the_lab_plays_every_attack_but_those_that_the_documents_name() -> None:
    text = (ROOT / "docs/integrity.md").read_text(encoding="utf-8")
    table = text.partition("| Why the lab cannot play it | Where it is tested |\n|---|---|---|\n")[2].partition("\n\n")[
        0
    ]
    cannot = {name for line in table.splitlines() for name in line.split("|")[1].strip().split(", ")}
    played = {*FILES, *PLANTED, *(name for calls in CALLS for name in calls.model)}

    assert not cannot & played
    assert cannot | played == {*ATTACKS, *MOVES}
