"""`lab start`, `lab hint` and `lab done`: a part begins where the one before ended, and is not done before its work."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.cli.commands import main
from lab.errors import LabError
from lab.guide import build
from lab.guide.evidence import Evidence
from lab.guide.parts import PARTS, Part, State, judge
from lab.instance import lifecycle
from lab.instance.folder import HOME_VARIABLE, Lab
from tests.lab.conftest import make_client

Output = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    found = tmp_path / "home"
    monkeypatch.setenv(HOME_VARIABLE, str(found))
    yield found
    lifecycle.stop(found)


class Answers(Evidence):
    """Evidence whose answers are given."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {(name,): answer for name, answer in answers.items()}


def checks(**status: str) -> dict[str, Any]:
    return {"results": [{"id": name, "status": each} for name, each in status.items()]}


def states(part: int, lab: Lab) -> dict[str, State]:
    return {goal.text: state for goal, state in judge(PARTS[part - 1], Evidence(lab))}


def test_a_learners_way_from_an_empty_lab_to_a_key(home: Path, capsys: Output) -> None:
    assert main(["start", "1"]) == 0
    lab = lifecycle.running(home)
    assert lab is not None
    assert (main(["done"]), main(["hint"])) == (3, 3)
    told = capsys.readouterr().out
    assert told.count("missing  ") == 4
    assert "0 of 4. Where to look: python -m lab hint 1" in told
    assert "A key has no name, only an id" in told
    assert "create-alias" not in told

    key = make_client(lab, "kms").create_key()["KeyMetadata"]["KeyId"]
    make_client(lab, "kms").create_alias(AliasName=build.ALIAS, TargetKeyId=key)
    assert (main(["done"]), main(["hint"])) == (3, 3)
    told = capsys.readouterr().out
    assert "done     The alias alias/ch03-cloudtrail-key leads to" in told
    assert "KMS has a call that turns it on" in told


@pytest.mark.slow
def test_a_part_begins_in_a_new_lab_with_the_parts_before_it_done(home: Path, capsys: Output) -> None:
    lab = lifecycle.start(home, region="eu-west-1")
    make_client(lab, "s3").create_bucket(
        Bucket="left-over", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )

    assert main(["start", "4"]) == 0

    found = lifecycle.running(home)
    assert found is not None
    assert (found.region, found.instance != lab.instance) == ("eu-west-1", True)
    assert [each["Name"] for each in make_client(found, "s3").list_buckets()["Buckets"]] == [
        "ch03-cloudtrail-111122223333"
    ]
    capsys.readouterr()
    assert [main(["done", part]) for part in ("1", "2", "3")] == [0, 0, 0], capsys.readouterr().out
    assert "Done. Next: part 4" in capsys.readouterr().out
    assert main(["done"]) == 3  # of part 4, which follows
    assert capsys.readouterr().out.startswith("Part 4: ")


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS, ids=lambda part: str(part.number))
def test_no_part_is_done_when_it_begins_and_the_ones_before_it_are(part: Part, home: Path) -> None:
    lab = build.begin(home, part.number)

    assert State.DONE not in states(part.number, lab).values() or part.number in (4, 5, 8)
    assert set(states(part.number, lab).values()) != {State.DONE}
    if part.number in (2, 3, 4, 6, 9):
        for before in range(1, min(part.number, 4)):
            assert set(states(before, lab).values()) == {State.DONE}, before


def test_part_five_begins_with_three_faults(home: Path) -> None:
    lab = build.begin(home, 5)

    failed = {each["id"] for each in Evidence(lab).check()["results"] if each["status"] == "FAIL"}

    assert failed == {"trail_validates_log_files", "log_bucket_requires_tls", "key_keeps_strangers_out"}


@pytest.mark.slow
def test_a_key_that_only_lost_its_alias_is_not_deleted(home: Path) -> None:
    lab = build.begin(home, 9)
    goal, kms = PARTS[8].goals[2].text, make_client(lab, "kms")
    key = kms.describe_key(KeyId=build.ALIAS)["KeyMetadata"]["KeyId"]

    kms.delete_alias(AliasName=build.ALIAS)
    assert states(9, lab)[goal] is State.MISSING

    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert states(9, lab)[goal] is State.DONE


@pytest.mark.parametrize(
    ("status", "expected"),
    [("PASS", State.DONE), ("FAIL", State.MISSING), ("ADVICE", State.MISSING), ("UNKNOWN", State.UNKNOWN)],
)
def test_what_could_not_be_read_is_neither_done_nor_missing(status: str, expected: State) -> None:
    goal = PARTS[0].goals[1]

    assert goal.judge(Answers(check=checks(key_rotates=status))) is expected


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(40, 70, State.DONE), (15, 39, State.MISSING), (15, 45, State.UNKNOWN)]
)
def test_a_score_counts_by_what_is_known_of_it(low: int, high: int, expected: State) -> None:
    assert PARTS[4].goals[1].judge(Answers(score={"score": {"low": low, "high": high, "of": 100}})) is expected


def test_a_hint_gives_no_command_away() -> None:
    """A hint names calls that read; those that do the work are the learner's to find."""
    doing = ("create-", "put-", "enable-", "start-logging", "update-trail", "delete-", "schedule-")
    hints = [goal.hint for part in PARTS for goal in part.goals]

    assert [hint for hint in hints if any(word in hint for word in doing)] == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", [["done", "1"], ["hint", "1"], ["done"]])
def test_without_a_lab_there_is_nothing_to_look_at(command: list[str], capsys: Output) -> None:
    assert main(command) == 1
    assert "The lab is not running" in capsys.readouterr().err


def test_a_lab_in_which_no_part_was_begun_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.home))

    assert main(["done"]) == 2

    assert capsys.readouterr().err == (
        "error: No part was begun. Name one, such as 1; or begin it: python -m lab start 1\n"
    )


@pytest.mark.parametrize("text", ["0", "10", "one", "-1"])
def test_a_part_that_does_not_exist_is_refused(text: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["start", "--", text])

    assert stopped.value.code == 2
    assert f"{text!r} is no part. There are parts 1 to 9" in capsys.readouterr().err


def test_a_verifier_that_does_not_answer_is_no_part_that_is_not_done(lab: Lab) -> None:
    gone = replace(lab, endpoint="http://127.0.0.1:9")

    with pytest.raises(LabError, match="What was built could not be looked at: python -m verify check"):
        Evidence(gone).check()


def test_the_pages_are_there_and_each_leads_to_the_next() -> None:
    root = Path(__file__).parents[3]
    pages = [root / part.page for part in PARTS]

    assert [page.name for page in pages if not page.is_file()] == []
    for part, page in zip(PARTS, pages, strict=True):
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# Part {part.number}: {part.title}\n")
        assert part is PARTS[-1] or f"]({Path(PARTS[part.number].page).name})" in text
