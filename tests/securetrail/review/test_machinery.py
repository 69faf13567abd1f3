"""What guards the repository cannot be taken away without a word: packs, exceptions, tests, workflows, owners."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from securetrail.review.errors import ReviewError
from securetrail.review.findings import Acknowledgement, Construct, Finding, Findings, SourceLine, read_checkov
from securetrail.review.machinery.dependencies import differing, versions
from securetrail.review.machinery.files import compare_machinery, judging_files
from securetrail.review.machinery.packs import lost_packs, new_exceptions, new_findings, silent_rules
from securetrail.review.machinery.tests import lost_tests
from securetrail.review.machinery.workflows import weaker_workflows
from tests.imports import import_graph

pytestmark = pytest.mark.regular

pytestmark = pytest.mark.fast

ROOT = Path(__file__).parents[3]
PACK = "NIST.800.53.R5"
RULE = f"{PACK}-S3BucketLoggingEnabled"


def ids(objections: Any) -> list[tuple[str, str]]:
    return [(each.id, each.resource) for each in objections]


# ---- rule packs and exceptions --------------------------------------------------------------------------------------


def acknowledged(construct: str, file: str = "lib/exceptions.py", reason: str = "It receives logs.") -> Acknowledgement:
    return Acknowledgement(f"{PACK}::{RULE}", reason, construct, SourceLine(file, 3), f"/repository/{file}")


def test_a_rule_pack_that_does_not_run_any_more_is_objected_to() -> None:
    before, after = Findings((), (), frozenset({PACK, "HIPAA"})), Findings((), (), frozenset({"HIPAA", "More"}))

    assert ids(lost_packs(before, after)) == [("rule_pack_removed", PACK)]
    assert lost_packs(after, Findings((), (), frozenset({"HIPAA", "More", PACK}))) == ()
    # CDK's own is not in the report once it finds nothing more.
    assert lost_packs(Findings((), (), frozenset({"CloudFormation Validate"})), Findings((), ())) == ()


def test_a_rule_that_falls_silent_about_what_did_not_change_is_objected_to() -> None:
    packs = frozenset({PACK})
    before = Findings((), (acknowledged("S/Bucket"), acknowledged("S/Other")), packs)
    silent = Findings((), (acknowledged("S/Other"),), packs)

    assert ids(silent_rules(before, silent, {"S/Bucket", "S/Other"})) == [("rule_is_silent", RULE)]
    # The construct changed, or the rule says something else of it.
    assert silent_rules(before, silent, {"S/Other"}) == ()
    found = Findings((Finding(RULE, "Log it", "error", "S/Bucket", None),), (acknowledged("S/Other"),), packs)
    assert silent_rules(before, found, {"S/Bucket", "S/Other"}) == ()


@pytest.mark.parametrize(
    ("entry", "touched", "objects"),
    [
        (acknowledged("S/Bucket"), set(), True),  # of a construct that had none
        (acknowledged("S/New"), set(), False),  # a new construct, by what the base has accepted
        (acknowledged("S/New"), {"lib/exceptions.py"}, True),  # a new construct, by what the change writes
        (Acknowledgement(RULE, "x", "S/New", None, "/venv/site-packages/library.py"), set(), False),
        (Acknowledgement(RULE, "x", "S/New", None, ""), set(), True),  # nobody knows where it is stated
    ],
)
def test_an_exception_that_the_change_brings_is_objected_to(
    entry: Acknowledgement,
    touched: set[str],
    objects: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    assert new_exceptions(Findings((), ()), Findings((), (entry,)), {"S/Bucket"}, touched) == ((entry, objects),)


def test_an_exception_for_another_reason_is_a_new_one_and_one_that_moved_is_none() -> None:
    before = Findings((), (acknowledged("S/Bucket"),))
    moved, other = acknowledged("S/Bucket", "lib/moved.py"), acknowledged("S/Bucket", reason="Because.")

    assert new_exceptions(before, Findings((), (moved,)), {"S/Bucket"}, set()) == ()
    assert new_exceptions(before, Findings((), (other,)), {"S/Bucket"}, set()) == ((other, True),)


def checkov(folder: Path, *skipped: str, unread: list[str] | None = None) -> Path:
    """What checkov writes of a bucket that has an exception from each of the rules."""
    entries = [
        {
            "check_id": rule,
            "check_name": "A rule",
            "resource": "AWS::S3::Bucket.Logs",
            "file_path": "/S.template.json",
            "check_result": {"suppress_comment": "It receives logs."},
        }
        for rule in skipped
    ]
    path = folder / "checkov.json"
    results = {"failed_checks": [], "skipped_checks": entries, "parsing_errors": unread or []}
    path.write_text(json.dumps({"results": results}))
    return path


def test_a_new_exception_from_a_rule_of_checkov_is_one_of_the_construct(tmp_path: Path) -> None:
    constructs = {("S", "Logs"): Construct("S/Bucket/Resource", SourceLine("app.py", 3))}

    found = read_checkov(checkov(tmp_path, "CKV_AWS_18"), constructs)

    (entry,) = found.acknowledgements
    assert (entry.construct, entry.place) == ("S/Bucket/Resource", SourceLine("app.py", 3))
    paths = {each.path for each in constructs.values()}
    assert new_exceptions(Findings((), ()), found, paths, set()) == ((entry, True),)


def test_a_rule_of_checkov_that_falls_silent_is_objected_to(tmp_path: Path) -> None:
    before = read_checkov(checkov(tmp_path, "CKV_AWS_18", "CKV2_AWS_6"), {})
    silent = read_checkov(checkov(tmp_path, "CKV2_AWS_6"), {})

    assert ids(silent_rules(before, silent, {"AWS::S3::Bucket.Logs"})) == [("rule_is_silent", "CKV_AWS_18")]
    assert silent_rules(before, before, {"AWS::S3::Bucket.Logs"}) == ()


def test_a_template_that_checkov_cannot_read_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match=r"could not read /S\.template\.json"):
        read_checkov(checkov(tmp_path, unread=["/S.template.json"]), {})


def test_a_finding_that_the_base_has_as_well_is_none_of_the_change() -> None:
    old, new = Finding(RULE, "Log it", "error", "S/Bucket", None), Finding(RULE, "Log it", "error", "S/New", None)

    assert new_findings([old], [old, new]) == (new,)


# ---- tests ----------------------------------------------------------------------------------------------------------

TEST = "def test_a():\n    assert f() == 1\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (TEST, []),
        (TEST.replace("test_a", "test_b"), []),
        ("class TestIt:\n    def test_a(self):\n        assert f() == 1\n", []),
        ("# moved\n\n" + TEST, []),
        ("", [("test_removed", "tests/test_x.py::test_a")]),
        (TEST.replace("test_a", "check_a"), [("test_removed", "tests/test_x.py::test_a")]),
        ("def test_b():\n    pass\n", [("test_removed", "tests/test_x.py::test_a")]),
        (f"import pytest\n@pytest.mark.skip\n{TEST}", [("test_skipped", "tests/test_x.py::test_a")]),
        (f"import pytest\n@pytest.mark.skipif(True, reason='')\n{TEST}", [("test_skipped", "tests/test_x.py::test_a")]),
        (f"import pytest\n@pytest.mark.xfail\n{TEST}", [("test_skipped", "tests/test_x.py::test_a")]),
        (f"import pytest\npytestmark = pytest.mark.skip\n{TEST}", [("test_skipped", "tests/test_x.py::test_a")]),
        (
            "def test_a():\n    pytest.skip('later')\n    assert f() == 1\n",
            [("test_skipped", "tests/test_x.py::test_a")],
        ),
        ("def test_a():\n    return\n    assert f() == 1\n", [("test_skipped", "tests/test_x.py::test_a")]),
        *(
            (text, [("test_skipped", "tests/test_x.py::test_a")])
            for text in (
                f"from unittest import skip\n@skip('later')\n{TEST}",
                f"import unittest\n@unittest.skipIf(True, 'later')\n{TEST}",
                f"import unittest\n@unittest.expectedFailure\n{TEST}",
                f"import pytest\npytestmark: list = [pytest.mark.skip]\n{TEST}",
                f"import pytest\npytest.skip('later', allow_module_level=True)\n{TEST}",
                f"import pytest\nlibrary = pytest.importorskip('nothing')\n{TEST}",
                f"__test__ = False\n{TEST}",
                f"import pytest\n@pytest.mark.parametrize('it', [])\n{TEST}",
                f"import pytest\n@pytest.mark.parametrize('it', argvalues=())\n{TEST}",
                "def test_a():\n    if slow():\n        return\n    assert f() == 1\n",
                "def test_a():\n    if fast():\n        pass\n    else:\n        return None\n    assert f() == 1\n",
                "def test_a():\n    with g():\n        if h():\n            pytest.skip('')\n    assert f() == 1\n",
                "async def test_a():\n    try:\n        h()\n    except Bad:\n        return\n    assert f() == 1\n",
            )
        ),
        *(
            (text, [("test_emptied", "tests/test_x.py::test_a")])
            for text in (
                "def test_a():\n    pass\n",
                "def test_a():\n    'It works.'\n    ...\n",
                "def test_a():\n    assert True\n",
                "def test_a():\n    assert f() == 1 or True\n",
                "def test_a():\n    assert (f() == 1, 'it is one')\n",
                "def test_a():\n    with g():\n        assert not (f() == 2 and False)\n    assert f() == 1\n",
                f"{TEST}def test_a():\n    pass\n",
            )
        ),
        (f"{TEST}del test_a\n", [("test_removed", "tests/test_x.py::test_a")]),
        (f"{TEST}test_a = None\n", [("test_removed", "tests/test_x.py::test_a")]),
        ("def test_a():\n    check()\n", []),
        ("def test_a():\n    def g():\n        return 1\n    assert f() == g() or h()\n", []),
        (f"import pytest\n@pytest.mark.parametrize('it', [1])\n{TEST}", []),
        ("def test_a(:\n", [("test_removed", "tests/test_x.py::test_a")]),
    ],
)
def test_a_test_that_is_gone_or_skipped_is_objected_to(after: str, expected: list[tuple[str, str]]) -> None:
    assert ids(lost_tests({"tests/test_x.py": TEST}, {"tests/test_x.py": after})) == expected


def test_a_way_out_of_a_test_that_the_base_has_as_well_is_none_of_the_change() -> None:
    test = "def test_a():\n    if slow():\n        return\n    assert f() == {}\n"

    assert lost_tests({"tests/test_x.py": test.format(1)}, {"tests/test_x.py": test.format(2)}) == ()


def test_a_test_that_moves_to_another_file_is_still_there() -> None:
    assert lost_tests({"tests/test_x.py": TEST}, {"tests/test_y.py": TEST}) == ()


# ---- workflows ------------------------------------------------------------------------------------------------------

REVIEW = ".github/workflows/review.yml"
WORKFLOW = (ROOT / REVIEW).read_text()


def edited(edit: Any) -> str:
    document = yaml.safe_load(WORKFLOW)
    edit(document)
    return yaml.safe_dump(document, sort_keys=False)


def review_steps(document: Any) -> list[Any]:
    steps: list[Any] = document["jobs"]["review"]["steps"]
    return steps


def step(document: Any) -> Any:
    (found,) = [each for each in review_steps(document) if each.get("run", "").startswith("make -C")]
    return found


WEAKER = {
    "the step is gone": (lambda it: review_steps(it).remove(step(it)), "step_removed"),
    "the step does something else": (lambda it: step(it).update(run="echo reviewed"), "step_removed"),
    "the step always succeeds": (lambda it: step(it).update(run=step(it)["run"] + " || true"), "step_removed"),
    "the step is skipped": (lambda it: step(it).update({"if": "false"}), "step_changed"),
    "its failure does not count": (lambda it: step(it).update({"continue-on-error": True}), "step_changed"),
    "it gets another base": (lambda it: step(it)["env"].update(BASE="HEAD"), "step_changed"),
    "it comes before the checkout": (
        lambda it: review_steps(it).insert(0, review_steps(it).pop(review_steps(it).index(step(it)))),
        "step_changed",
    ),
    "the job is gone": (lambda it: it["jobs"].pop("review"), "job_removed"),
    "the job is skipped": (lambda it: it["jobs"]["review"].update({"if": "false"}), "job_changed"),
    "pull requests do not start it": (lambda it: it[True].pop("pull_request"), "workflow_trigger"),
    "some pull requests do not start it": (
        lambda it: it[True].update(pull_request={"paths-ignore": ["app.py"]}),
        "workflow_trigger",
    ),
    "it may write": (
        lambda it: it["jobs"]["review"]["permissions"].update(contents="write"),
        "workflow_may_write",
    ),
    "a new job may write": (
        lambda it: it["jobs"].update(more={"permissions": "write-all", "steps": []}),
        "workflow_may_write",
    ),
    "it waits for a job that is skipped": (
        lambda it: (
            it["jobs"].update(never={"if": False, "permissions": {}, "steps": []}),
            it["jobs"]["review"].update(needs="never"),
        ),
        "job_changed",
    ),
    "another job reports under its name": (
        lambda it: (
            it["jobs"].update(more={"name": it["jobs"]["review"]["name"], "permissions": {}, "steps": []}),
            it["jobs"]["review"].update(name="another"),
        ),
        "job_takes_a_name",
    ),
    "the job calls another workflow": (
        lambda it: it["jobs"]["review"].update(uses="somebody/else/.github/workflows/x.yml@main"),
        "job_changed",
    ),
    "a shell in which everything succeeds": (
        lambda it: it.update(defaults={"run": {"shell": "true {0}"}}),
        "workflow_changed",
    ),
    "a file that every shell reads first": (lambda it: it.update(env={"BASH_ENV": "./x.sh"}), "workflow_changed"),
    "the repository's default permissions": (lambda it: it.pop("permissions"), "workflow_permissions"),
    "strangers reach its secrets": (
        lambda it: it[True].update(pull_request_target=None),
        "workflow_trigger_with_secrets",
    ),
    "an action by its tag": (lambda it: review_steps(it)[0].update(uses="actions/checkout@v5"), "action_not_pinned"),
}


@pytest.mark.parametrize("name", WEAKER)
def test_a_workflow_that_does_less_is_objected_to(name: str) -> None:
    edit, expected = WEAKER[name]

    found = weaker_workflows({REVIEW: WORKFLOW}, {REVIEW: edited(edit)})
    assert {each.id.split(":")[0] for each in found} == {expected}


def test_a_decision_on_one_change_of_a_job_accepts_no_other_one() -> None:
    found = [
        weaker_workflows(
            {REVIEW: WORKFLOW}, {REVIEW: edited(lambda it, value=value: it["jobs"]["review"].update(env=value))}
        )
        for value in ({"A": "1"}, {"A": "2"})
    ]

    assert [len(each) for each in found] == [1, 1]
    assert found[0][0].resource == found[1][0].resource
    assert found[0][0].id != found[1][0].id


@pytest.mark.parametrize("after", [{}, {REVIEW: "jobs: ["}])
def test_a_workflow_that_is_gone_or_broken_is_objected_to(after: dict[str, str]) -> None:
    assert [each.id for each in weaker_workflows({REVIEW: WORKFLOW}, after)] == ["workflow_removed"]


JOB = """
on: push
permissions: write-all
jobs:
  review:
    permissions: {contents: read}
    steps: [{run: "# why\\nmake review"}]
"""


def test_a_job_without_permissions_has_those_around_it() -> None:
    own = "    permissions: {contents: read}\n"
    around = "permissions: write-all\n"
    moved = JOB.replace(own, "").replace("write-all", "{contents: read}")

    def found(before: str, after: str) -> list[tuple[str, str]]:
        return ids(weaker_workflows({"w": before}, {"w": after}))

    assert found(JOB, JOB.replace(own, "")) == [("workflow_may_write", "w: the job review: everything")]
    alone = JOB.replace(around, "", 1)
    assert found(alone, alone.replace(own, "")) == [("workflow_permissions", "w: review")]
    assert found(JOB, moved) == []


def test_a_script_whose_lines_are_joined_is_another_one() -> None:
    spaced = JOB.replace("why\\nmake", "why \\n\\n make ")

    assert weaker_workflows({"w": JOB}, {"w": spaced}) == ()
    joined = weaker_workflows({"w": JOB}, {"w": JOB.replace("why\\nmake", "why make")})
    assert [each.id for each in joined] == ["step_removed"]


NEW = """
on: [pull_request_target]
permissions: {contents: write}
jobs:
  more: {permissions: write-all, steps: []}
"""


def test_a_new_workflow_that_strangers_start_or_that_may_write_is_objected_to() -> None:
    path = ".github/workflows/more.yml"
    found = compare_machinery([path], lambda _: None, {path: NEW}.get)

    assert ids(found) == [
        ("workflow_trigger_with_secrets", f"{path}: pull_request_target"),
        ("workflow_may_write", f"{path}: the new workflow: contents"),
        ("workflow_may_write", f"{path}: the new job more: everything"),
    ]
    assert weaker_workflows({}, {path: "on: push\npermissions: {contents: read}\njobs: {}"}) == ()


MORE = """
on: [pull_request]
permissions: {}
jobs:
  more:
    name: NAME
    steps: [{run: "true"}]
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MORE, []),
        (MORE.replace("NAME", "test (${{ matrix.python }})"), []),
        # A required check is known by the name of its job, whichever workflow that is of.
        (MORE.replace("NAME", "what protection is lost"), ["job_takes_a_name"]),
        (MORE.replace("NAME", "what ${{ 'protection is' }} lost"), ["job_takes_a_name"]),
        (MORE.replace("more:", "test:").replace("name: NAME", "name: lint, types, tests"), ["job_takes_a_name"]),
        (MORE.replace("permissions: {}\n", ""), ["workflow_permissions"]),
        (MORE.replace("permissions: {}\n", "").replace("name: NAME", "permissions: {}"), []),
        # GitHub's reader may take what this one does not.
        (f"{MORE}# \x7f\n", ["workflow_not_comparable"]),
    ],
)
def test_a_new_workflow_takes_no_name_and_can_be_read(text: str, expected: list[str]) -> None:
    path = ".github/workflows/more.yml"
    found = compare_machinery([path], {REVIEW: WORKFLOW}.get, {REVIEW: WORKFLOW, path: text}.get, [REVIEW])

    assert [each.id.split(":")[0] for each in found] == expected


def test_what_of_a_workflow_cannot_be_read_or_ordered_is_compared_as_text() -> None:
    broken = "jobs: ["
    (found,) = weaker_workflows({REVIEW: broken}, {REVIEW: WORKFLOW})
    mixed = edited(lambda it: step(it)["env"].update({True: "1", 2: "3"}))

    assert found.id.startswith("workflow_not_comparable")
    assert weaker_workflows({REVIEW: mixed}, {REVIEW: mixed}) == ()
    assert {each.id.split(":")[0] for each in weaker_workflows({REVIEW: WORKFLOW}, {REVIEW: mixed})} == {"step_changed"}


STRONGER = {
    "nothing": lambda _: None,
    "a newer version of an action": lambda it: review_steps(it)[0].update(uses=f"actions/checkout@{'a' * 40}"),
    "one more step": lambda it: review_steps(it).append({"run": "make more"}),
    "one more job": lambda it: it["jobs"].update(more={"permissions": {"contents": "read"}, "steps": []}),
    "names": lambda it: it["jobs"]["review"].update(name="another"),
    "more time": lambda it: it["jobs"]["review"].update({"timeout-minutes": 60}),
    "one more trigger": lambda it: it[True].update(merge_group=None),
}


@pytest.mark.parametrize("name", STRONGER)
def test_a_workflow_that_does_as_much_is_not_objected_to(name: str) -> None:
    assert weaker_workflows({REVIEW: WORKFLOW}, {REVIEW: edited(STRONGER[name])}) == ()


# ---- files ----------------------------------------------------------------------------------------------------------

MAP = "constructs_lib/compliance/controls.json"


def objections(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str]]:
    return ids(compare_machinery({*before, *after}, before.get, after.get))


def test_a_control_that_is_gone_from_the_map_is_objected_to() -> None:
    document = json.loads((ROOT / MAP).read_text())
    fewer = json.loads(json.dumps(document))
    gone = fewer["controls"].pop(3)["id"]
    other = json.loads(json.dumps(document))
    other["controls"][0]["equals"] = False
    text = json.dumps(document)

    assert objections({MAP: text}, {MAP: json.dumps(fewer)}) == [("control_unmapped", f"{MAP}: {gone}")]
    assert [each for each, _ in objections({MAP: text}, {MAP: json.dumps(other)})] == ["control_unmapped"]
    assert len(objections({MAP: text}, {})) == len(document["controls"])
    assert objections({MAP: text}, {MAP: json.dumps(document, indent=8)}) == []


def test_a_rule_pack_that_the_source_does_not_call_any_more_is_objected_to() -> None:
    """A pack without a finding is in no report, whether it runs or not."""
    before = "Validations.of(app).add_plugins(AwsSolutionsChecks(app), cdk_nag.HIPAASecurityChecks(app))"
    after = "Validations.of(app).add_plugins(cdk_nag.HIPAASecurityChecks(app))"

    assert objections({"app.py": before}, {"app.py": after}) == [("rule_pack_removed", "AwsSolutionsChecks")]
    assert objections({"app.py": "add_rule_packs(app)"}, {"app.py": "app"}) == [("rule_pack_removed", "add_rule_packs")]
    assert objections({"app.py": before}, {"packs.py": before}) == []
    assert objections({"app.py": after}, {"app.py": before}) == []


@pytest.mark.parametrize(
    "after",
    [
        "if x:\n    add_rule_packs(app)",
        "if x:\n    pass\nelse:\n    add_rule_packs(app)",
        "x and add_rule_packs(app)",
        "x or add_rule_packs(app)",
        "add_rule_packs(app) if x else None",
        "for each in x:\n    add_rule_packs(each)",
        "def main():\n    if x:\n        return\n    add_rule_packs(app)",
    ],
)
def test_a_rule_pack_that_the_source_does_not_always_call_is_objected_to(after: str) -> None:
    always = "add_rule_packs(app)"

    (found,) = objections({"app.py": always}, {"app.py": after})
    assert found[0].startswith("rule_pack_conditional: ")
    assert objections({"app.py": after}, {"app.py": f"# why\n{after}"}) == []
    assert objections({"app.py": after}, {"app.py": always}) == []


def test_a_rule_pack_that_is_called_in_another_place_is_called_as_well() -> None:
    always = "add_rule_packs(app)"

    for after in ("def main():\n    add_rule_packs(app)", f"if __name__ == '__main__':\n    {always}"):
        assert objections({"app.py": always}, {"app.py": after}) == []


def test_an_owner_that_is_gone_is_objected_to() -> None:
    before = "# who\n/securetrail/   @org/security\n*.toml @org/security\n"

    assert objections({".github/CODEOWNERS": before}, {".github/CODEOWNERS": "*.toml @org/security\n"}) == [
        ("owner_removed", ".github/CODEOWNERS: /securetrail/")
    ]
    assert objections({"CODEOWNERS": "/a/ @org/b\n"}, {"CODEOWNERS": "/a/ @org/b\n/docs/ @org/writers\n"}) == []


OWNED = "* @org/all\n/securetrail/ @org/security\n/docs/ @org/writers\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (OWNED + "* @somebody\n", [("owner_overridden", "CODEOWNERS: *")]),
        (OWNED + "/securetrail/review/\n", [("owner_overridden", "CODEOWNERS: /securetrail/review/")]),
        (OWNED + "*.py @somebody\n", [("owner_overridden", "CODEOWNERS: *.py")]),
        ("/securetrail/ @org/security\n/docs/ @org/writers\n* @org/all\n", [("owner_overridden", "CODEOWNERS: *")]),
        ("*.md @org/writers\n" + OWNED, []),
        ("# one more\n" + OWNED, []),
    ],
)
def test_a_line_that_takes_what_another_one_owns_is_objected_to(after: str, expected: list[tuple[str, str]]) -> None:
    assert objections({"CODEOWNERS": OWNED}, {"CODEOWNERS": after}) == expected


def test_a_file_of_owners_that_hides_another_one_is_objected_to() -> None:
    found = objections({"CODEOWNERS": OWNED}, {"CODEOWNERS": OWNED, ".github/CODEOWNERS": "* @somebody\n"})

    assert [each for each, _ in found] == ["owner_removed"] * 3
    assert objections({"CODEOWNERS": OWNED}, {".github/CODEOWNERS": OWNED}) == []


def test_the_files_that_judge_are_named() -> None:
    assert judging_files(
        [
            "app.py",
            "securetrail/review/cli.py",
            "verify/policy/evaluation.py",
            ".github/workflows/x.yml",
            "tests/conftest.py",
            "docs/review.md",
            "Makefile",
            "tools/review.sh",
            "requirements-dev.txt",
            "review-decisions.toml",
        ]
    ) == (
        ".github/workflows/x.yml",
        "Makefile",
        "requirements-dev.txt",
        "review-decisions.toml",
        "securetrail/review/cli.py",
        "tests/conftest.py",
        "tools/review.sh",
        "verify/policy/evaluation.py",
    )


# ---- dependencies ---------------------------------------------------------------------------------------------------


def test_the_versions_of_a_lock_are_read_in_either_format() -> None:
    pip = "boto3==1.43.106 \\\n    --hash=sha256:00\nAWS_cdk.lib[all]==2.275.0 ; python_version > '3'\n# x==1\n"
    uv = '[[package]]\nname = "boto3"\nversion = "1.43.107"\n\n[[package]]\nname = "more"\nversion = "1"\n'

    assert versions("requirements.txt", pip) == {"boto3": "1.43.106", "aws-cdk-lib": "2.275.0"}
    assert versions("uv.lock", uv) == {"boto3": "1.43.107", "more": "1"}
    assert versions("uv.lock", "[[package]") == {}
    assert differing(versions("requirements.txt", pip), versions("uv.lock", uv)) == (
        "aws-cdk-lib 2.275.0 -> none",
        "boto3 1.43.106 -> 1.43.107",
        "more none -> 1",
    )


def test_every_lock_of_the_project_is_read() -> None:
    for path in ROOT.glob("requirements*.txt"):
        assert len(versions(path.name, path.read_text())) > 10, path


def test_every_module_that_the_review_runs_is_a_file_that_judges() -> None:
    graph = import_graph(ROOT, ["securetrail", "verify"])
    used, left = set[str](), [module for module in graph if module.startswith("securetrail.review.")]
    while left:
        module = left.pop()
        if module not in used:
            used.add(module)
            # A package's own file runs before its modules.
            left += [*graph[module], *([module.rpartition(".")[0]] if "." in module else [])]
    places = [ROOT.joinpath(*module.split(".")) for module in used]
    files = [place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places]
    names = sorted(str(file.relative_to(ROOT)) for file in files)

    assert "verify/policy/document.py" in names
    assert judging_files(names) == tuple(names)
