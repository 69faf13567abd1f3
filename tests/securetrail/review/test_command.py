"""The command as people and CI run it: exit codes, formats, who judges, and nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from securetrail.__main__ import main as command
from securetrail.review import cli
from tests.securetrail.review.repositories import APP, commit, git, new_repository, trail, wheel, write_template
from tests.tiers import mostly_slow

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "project")


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the review keeps what is temporary."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def environment(temporary: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "PYTHONPATH")}
    return {
        **kept,
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(temporary / "cache"),
        "PYTHONPATH": str(ROOT),
        **more,
    }


def review(project: Path, temporary: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "securetrail", "review", "--base=main", *options],
        cwd=project,
        env=environment(temporary, **more),
        capture_output=True,
        text=True,
    )
    leaves_nothing(project, temporary)
    return done


@pytest.mark.regular
def test_cdk_is_unpacked_also_where_a_group_may_write_above_the_temporary_files(project: Path, temporary: Path) -> None:
    """A clone under the umask of Ubuntu and Debian 13 (002), in which `make review` keeps its temporary files."""
    temporary.chmod(0o775)
    (project / "app.py").write_text("import aws_cdk\naws_cdk.App().synth()\n")

    done = review(project, temporary)

    assert "Cannot use the jsii package cache" not in done.stderr


@pytest.mark.regular
def test_what_an_app_leaves_in_the_background_ends_with_its_synth(project: Path, temporary: Path) -> None:
    (project / "app.py").write_text(
        APP + "\nimport subprocess\n"
        f"child = subprocess.Popen(['sleep', '600'])\nopen({str(temporary / 'child')!r}, 'w').write(str(child.pid))\n"
    )

    review(project, temporary)

    assert not is_running(int((temporary / "child").read_text()))


def leaves_nothing(project: Path, temporary: Path) -> None:
    assert git(project, "worktree", "list").count("\n") == 1
    assert [path.name for path in temporary.iterdir() if path.name.startswith("securetrail-")] == []


def is_running(process: int) -> bool:
    """Whether a process runs. One that has ended counts as ended, also before its parent has noticed."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.mark.regular
def test_nothing_changed_is_one_line_and_exit_code_0(project: Path, temporary: Path) -> None:
    done = review(project, temporary)

    assert done.returncode == 0
    # A slow machine says what it is at.
    assert [line for line in done.stderr.splitlines() if not line.endswith("…")] == []
    assert done.stdout.replace("\n", " ").startswith("Review: nothing changes; standing exceptions: 0")
    assert len(done.stdout) < 240


@pytest.mark.regular
@pytest.mark.slow
def test_an_objection_is_exit_code_1_in_every_format(project: Path, temporary: Path) -> None:
    write_template(project, T=trail(IsLogging=False))

    shown = {each: review(project, temporary, f"--format={each}") for each in ("text", "markdown", "json", "sarif")}

    assert {each.returncode for each in shown.values()} == {1}
    document = json.loads(shown["json"].stdout)
    (objection,) = document["objections"]
    assert (objection["id"], objection["resource"]) == ("trail_is_logging: on -> off", "S/T")
    (result,) = json.loads(shown["sarif"].stdout)["runs"][0]["results"]
    assert result["partialFingerprints"] == {"securetrailReview/v1": objection["fingerprint"]}
    # What the terminal says, the Markdown says in the same words.
    words = shown["markdown"].stdout.replace("`", "").replace("*", "").replace("|", " ").split()
    assert [word for word in shown["text"].stdout.split() if word not in words] == []


@pytest.mark.regular
def test_another_app_in_cdk_json_and_links_in_the_place_of_files_are_objected_to(
    project: Path, temporary: Path
) -> None:
    (project / "CODEOWNERS").write_text("* @org/security\n")
    (project / "tests").mkdir()
    (project / "tests/test_it.py").write_text("def test_it():\n    assert f()\n")
    commit(project)
    (project / "CODEOWNERS").rename(project / "owners")
    (project / "CODEOWNERS").symlink_to("owners")
    (project / "tests").rename(project / "old")
    (project / "tests").symlink_to("old")
    (project / "cdk.json").write_text(json.dumps({"app": "python3 another.py"}))

    done = review(project, temporary, "--json", "--app=python3 app.py")

    assert [each["id"] for each in json.loads(done.stdout)["objections"]] == [
        "test_removed",
        "owner_removed",
        'app_changed: "python3 app.py" -> "python3 another.py"',
    ]


@pytest.mark.slow
def test_other_formats_go_to_files_as_well(project: Path, temporary: Path, tmp_path: Path) -> None:
    done = review(
        project, temporary, "--json", f"--also=markdown={tmp_path / 'it.md'}", "--title=Mine", GITHUB_ACTIONS="true"
    )

    assert json.loads(done.stdout)["title"] == "Mine"
    assert "Mine: **nothing changes**" in (tmp_path / "it.md").read_text()


@pytest.mark.slow
def test_github_gets_annotations(project: Path, temporary: Path) -> None:
    write_template(project, T=trail(IsLogging=False))

    done = review(project, temporary, GITHUB_ACTIONS="true")

    assert "::error title=trail_is_logging%3A on -> off::S/T: logging is off, before on." in done.stderr


# With another context, nothing is lost.
IN_ANOTHER_CONTEXT = """
if json.loads(os.environ["CDK_CONTEXT_JSON"]).get("profile") == "other":
    template = json.loads((out / "S.template.json").read_text())
    template["Resources"]["T"]["Properties"]["IsLogging"] = True
    (out / "S.template.json").write_text(json.dumps(template))
"""
DECISION = """
[[decision]]
id = "trail_is_logging: on -> off"
resource = "S/T"
reason = "Another trail records it."
expires = 2999-01-01
"""


@pytest.mark.slow
def test_a_decision_that_another_review_of_the_change_uses_is_not_unused(
    project: Path, temporary: Path, tmp_path: Path
) -> None:
    (project / "app.py").write_text(APP + IN_ANOTHER_CONTEXT)
    commit(project)
    write_template(project, T=trail(IsLogging=False))
    (project / "review-decisions.toml").write_text(DECISION)
    one, broken = tmp_path / "one.json", tmp_path / "broken.json"
    broken.write_text("{}")

    first = review(project, temporary, "--allow-new-decisions", f"--also=json={one}")
    alone, with_it, unreadable = (
        review(project, temporary, "--allow-new-decisions", "--context=profile=other", "--json", *more)
        for more in ([], [f"--other-review={one}"], [f"--other-review={broken}"])
    )

    assert (first.returncode, alone.returncode, with_it.returncode, unreadable.returncode) == (0, 1, 0, 3)
    assert [each["id"] for each in json.loads(alone.stdout)["objections"]] == ["unused_decision"]
    assert "is not what --json prints" in unreadable.stderr


@pytest.mark.regular
@pytest.mark.parametrize(
    ("options", "said"),
    mostly_slow(
        [
            (["--base=nowhere"], "is no commit here"),
            (["--lock=../outside.txt"], "must be a path inside the repository"),
            (["--lock=requirments.txt"], "neither the base nor the change has this file"),
            (["--context=profile"], "must be NAME=VALUE"),
            (["--also=pdf=x"], "allowed are text, json, markdown, sarif"),
            (["--no-synth"], "need --assemblies"),
            (["--checkov=none.json"], "is no file"),
            (["--other-review=none.json"], "is no file"),
            (["--repository=none"], "is no folder"),
            (["--format=pdf"], "invalid choice"),
        ],
        every=3,
    ),
)
def test_wrong_usage_is_exit_code_2(project: Path, temporary: Path, options: list[str], said: str) -> None:
    done = review(project, temporary, *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


COMMANDS = "check, score, who, events, detective, integrity, logs, hunt, review, completion"


@pytest.mark.fast
@pytest.mark.parametrize(
    ("words", "said", "meant"),
    [
        ([], "a command is missing", ""),
        (["reviw"], "'reviw' is no command", " Did you mean review?"),
        (["nothing-like-it"], "'nothing-like-it' is no command", ""),
    ],
)
def test_without_a_command_it_says_which_there_are(
    words: list[str], said: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(words) == 2

    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()[-1]) == ("", f"error: {said}. Allowed: {COMMANDS}.{meant}")


@pytest.mark.fast
def test_the_help_names_the_command_as_it_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(["review", "--help"])

    shown = capsys.readouterr().out
    assert shown.startswith("usage: python -m securetrail review ")
    # What is to be typed is the whole command, and nothing is marked up for another reader.
    assert shown.count("securetrail review") == shown.count("python -m securetrail review")
    assert "`" not in shown


@pytest.mark.slow
def test_outside_of_a_repository_is_wrong_usage(tmp_path: Path, temporary: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "securetrail", "review", "--base=main"],
        cwd=tmp_path,
        env=environment(temporary, GIT_CEILING_DIRECTORIES=str(tmp_path.parent)),
        capture_output=True,
        text=True,
    )

    assert (done.returncode, "is in no git repository" in done.stderr) == (2, True)


def _broken_app(project: Path) -> None:
    (project / "app.py").write_text("raise SystemExit('the app is broken')")


def _half_an_app(project: Path) -> None:
    (project / "app.py").write_text(APP + "raise SystemExit('halfway')")


def _no_resources(project: Path) -> None:
    write_template(project)


def _not_json(project: Path) -> None:
    (project / "template.json").write_text("{")


def _lookups(project: Path) -> None:
    (project / "app.py").write_text(
        APP
        + 'path = out / "manifest.json"\npath.write_text(path.read_text()[:-1] + \', "missing": [{"key": "vpc"}]}\')'
    )


def _decisions(project: Path) -> None:
    (project / "review-decisions.toml").write_text("[[decision]]\nid = 1\n")


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [_broken_app, _half_an_app, _no_resources, _not_json, _lookups, _decisions])
@pytest.mark.parametrize("where", ["base", "change"])
def test_what_cannot_be_compared_is_exit_code_3(project: Path, temporary: Path, spoil: Any, where: str) -> None:
    kept = {path.name: path.read_text() for path in project.iterdir() if path.is_file()}
    spoil(project)
    if where == "base":
        commit(project)
        for name, text in kept.items():
            (project / name).write_text(text)

    done = review(project, temporary)

    assert (done.returncode, done.stdout) == (3, "")
    assert "is not known" in done.stderr


@pytest.mark.regular
def test_a_ctrl_c_leaves_no_worktree_and_no_process_behind(project: Path, temporary: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    (project / "app.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "securetrail", "review", "--base=main"],
        cwd=project,
        env=environment(temporary),
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (started.exists() and started.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    app = int(started.read_text())

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert told.endswith("stopped.\n")
    assert "Traceback" not in told
    leaves_nothing(project, temporary)
    deadline = time.monotonic() + 180
    while is_running(app):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_what_takes_long_is_said(project: Path, temporary: Path) -> None:
    (project / "app.py").write_text(f"import time\ntime.sleep(2.5)\n{APP}")

    assert "review: synthesizing the change …" in review(project, temporary).stderr


@pytest.mark.slow
def test_a_closed_pipe_changes_no_exit_code(project: Path, temporary: Path) -> None:
    write_template(project, T=trail(IsLogging=False))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "securetrail", "review", "--base=main"],
        cwd=project,
        env=environment(temporary),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)

    assert (done.returncode, "Error" in done.stderr) == (1, False)


@pytest.mark.slow
def test_a_subfolder_is_compared_with_the_same_subfolder(project: Path, temporary: Path) -> None:
    inner = new_repository(project / "infra")
    shutil.rmtree(inner / ".git")
    commit(project)
    write_template(inner, T=trail(EnableLogFileValidation=False))

    document = json.loads(review(project, temporary, "--repository=infra", "--json").stdout)
    assert [each["id"] for each in document["objections"]] == ["trail_validates_log_files: on -> off"]


@pytest.mark.slow
def test_the_apps_context_comes_from_cdk_json_and_the_command_line(
    project: Path, temporary: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    (project / "app.py").write_text(f"{APP}\npathlib.Path({str(seen)!r}).write_text(os.environ['CDK_CONTEXT_JSON'])")
    (project / "cdk.json").write_text(json.dumps({"app": "python3 app.py", "context": {"a": 1, "b": 1}}))
    (project / "cdk.context.json").write_text(json.dumps({"vpc": 2}))

    assert review(project, temporary, "-c", "b=3", "--context=c=4").returncode == 0
    context: Mapping[str, Any] = json.loads(seen.read_text())
    assert {name: context[name] for name in ("a", "b", "c", "vpc")} == {"a": 1, "b": "3", "c": "4", "vpc": 2}


@pytest.mark.regular
def test_the_apps_get_no_secret_of_the_reviewer(project: Path, temporary: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    (project / "app.py").write_text(f"{APP}\npathlib.Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))")

    assert review(project, temporary, GITHUB_TOKEN="secret", AWS_PROFILE="production").returncode == 0
    got = json.loads(seen.read_text())
    assert not {"GITHUB_TOKEN", "AWS_PROFILE", "PYTHONPATH"} & {*got}
    assert (got["HOME"] != os.environ["HOME"], got["AWS_CONFIG_FILE"]) == (True, "/dev/null")


@pytest.mark.slow
def test_no_hook_of_the_repository_runs(project: Path, temporary: Path, tmp_path: Path) -> None:
    hook = project / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)

    assert review(project, temporary).returncode == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_change_that_lacks_commits_of_the_base_is_told_so(project: Path, temporary: Path) -> None:
    git(project, "checkout", "--quiet", "-b", "mine")
    git(project, "checkout", "--quiet", "main")
    write_template(project, T=trail(), More=trail(TrailName="more"))
    commit(project)
    git(project, "checkout", "--quiet", "mine")

    assert "The change lacks 1 commit of the base" in " ".join(review(project, temporary).stdout.split())


@pytest.mark.slow
def test_the_assemblies_are_kept_and_compared_again(project: Path, temporary: Path, tmp_path: Path) -> None:
    folder = f"--assemblies={tmp_path / 'kept'}"
    assert review(project, temporary, folder, "--synthesize-only").stdout == ""
    write_template(project, T=trail(IsLogging=False))

    # What lies there counts.
    assert review(project, temporary, folder, "--no-synth").returncode == 0
    assert review(project, temporary, folder).returncode == 1


# What an app may do while it is synthesized, with the rights of whoever reviews it.
TAMPERS = """
import json, os, pathlib, subprocess
own = pathlib.Path(os.environ["CDK_OUTDIR"])
pathlib.Path("tests").mkdir(exist_ok=True)
pathlib.Path("tests/test_it.py").write_text("def test_it():\\n    assert f()\\n")
for other in own.parent.glob("base/*.template.json"):
    other.write_text(pathlib.Path("template.json").read_text())
said = subprocess.run(["git", "worktree", "list", "--porcelain"], capture_output=True, text=True).stdout
for line in said.splitlines():
    if line.startswith("worktree ") and line.endswith("/base"):
        base = pathlib.Path(line.removeprefix("worktree "))
        base.joinpath("template.json").write_text(pathlib.Path("template.json").read_text())
        base.joinpath("review-decisions.toml").write_text('[[decision]]\\nid = "x"\\nnonsense')
        base.joinpath("tests/test_it.py").unlink()
subprocess.run(["git", "update-ref", "refs/heads/main", "HEAD"])
"""


@pytest.mark.slow
def test_what_the_changes_app_writes_while_it_is_synthesized_changes_no_answer(project: Path, temporary: Path) -> None:
    (project / "tests").mkdir()
    (project / "tests/test_it.py").write_text("def test_it():\n    assert f()\n")
    commit(project)
    git(project, "checkout", "--quiet", "-b", "mine")
    (project / "tests/test_it.py").unlink()
    (project / "app.py").write_text(APP + TAMPERS)
    write_template(project, T=trail(IsLogging=False))
    commit(project)

    done = review(project, temporary, "--json")

    assert {each["id"] for each in json.loads(done.stdout)["objections"]} == {
        "test_removed",
        "trail_is_logging: on -> off",
    }


@pytest.mark.slow
def test_the_judge_runs_no_code_of_a_change_that_was_synthesized_on_another_machine(
    project: Path, temporary: Path, tmp_path: Path
) -> None:
    made, ran = tmp_path / "made", tmp_path / "ran"
    git(project, "checkout", "--quiet", "-b", "mine")
    write_template(project, T=trail(IsLogging=False))
    (project / "app.py").write_text(f"{APP}\nopen({str(ran)!r}, 'a').write('x')\n")
    assert review(project, temporary, f"--assemblies={made}", "--synthesize-only=change").returncode == 0
    assert ([each.name for each in made.iterdir()], ran.read_text()) == (["head"], "x")
    (made / "base").symlink_to("head")

    done = review(project, temporary, f"--assemblies={made}", "--no-synth=change", "--json")

    assert [each["id"] for each in json.loads(done.stdout)["objections"]] == ["trail_is_logging: on -> off"]
    assert ran.read_text() == "x"
    shutil.rmtree(made)
    assert review(project, temporary, f"--assemblies={made}", "--no-synth=change").returncode == 3


# ---- who judges ---------------------------------------------------------------------------------------------------


@pytest.fixture
def with_judge(project: Path) -> Path:
    """A repository that holds the review itself."""
    for name in ("securetrail", "verify", "lab", "constructs_lib"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    (project / ".gitignore").write_text("__pycache__/\n")
    commit(project)
    return project


@pytest.mark.slow
def test_the_bases_own_code_judges(with_judge: Path, temporary: Path) -> None:
    """A change that takes the teeth out of the judge is judged by the one that has them."""
    table = with_judge / "securetrail/review/controls/table.py"
    table.write_text(table.read_text() + "\nCONTROLS = ()\n")
    write_template(with_judge, T=trail(IsLogging=False))

    done = review(with_judge, temporary, "--json", PYTHONPATH=str(with_judge))

    document = json.loads(done.stdout)
    assert [each["id"] for each in document["objections"]] == ["trail_is_logging: on -> off"]
    assert document["judging_files"] == ["securetrail/review/controls/table.py"]
    assert "Judged by the base's own code" in document["notices"][0]


@pytest.mark.slow
def test_a_judge_that_does_not_run_is_no_yes(with_judge: Path, temporary: Path) -> None:
    (with_judge / "securetrail/review/comparison.py").write_text("raise RuntimeError('broken')\n")
    commit(with_judge)

    done = review(with_judge, temporary)

    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.slow
def test_in_another_repository_the_version_judges_that_the_base_pins(project: Path, temporary: Path) -> None:
    lock = project / "requirements.txt"
    lock.write_text("--no-index\n--find-links wheels\nsecuretrail==0.0.1\n")
    for version in ("0.0.1", "0.0.2"):
        # It says who it is and what it is to do.
        says = f"import sys\nprint('{version}', *sys.argv[1:])\nsys.exit(7)\n"
        modules = {"securetrail/__init__.py": "", "securetrail/__main__.py": says}
        wheel(project / "wheels", "securetrail", version, modules)
    commit(project)
    # The change pins a judge of its own, and has one in its folder.
    lock.write_text(lock.read_text().replace("0.0.1", "0.0.2"))
    (project / "securetrail").mkdir()
    (project / "securetrail/__main__.py").write_text("print('the change itself')\n")

    done = review(project, temporary, "--app=python3 app.py", "--allow-new-decisions", PYTHONPATH=str(ROOT))

    assert done.returncode == 7, done.stderr
    version, command, *options = done.stdout.split()
    assert (version, command) == ("0.0.1", "review")
    assert {"--base=main", f"--repository={project}", "--allow-new-decisions"} <= {*options}
    # The change's lock makes the change's environment alone.
    assert "0.0.2" not in done.stdout


@pytest.mark.slow
def test_in_another_repository_that_pins_no_judge_the_running_one_is_named(project: Path, temporary: Path) -> None:
    (project / "requirements.txt").write_text("boto3==1.43.106\n")
    commit(project)

    assert "pins no securetrail, so that the running version judges" in review(project, temporary).stdout.replace(
        "\n", " "
    )


@pytest.mark.regular
@pytest.mark.parametrize("option", ["--also=json=no/such/folder/x", "--also=json=.", "--app=", "--app= "])
def test_what_could_not_be_done_at_the_end_is_refused_at_the_beginning(
    project: Path, temporary: Path, option: str
) -> None:
    done = review(project, temporary, option)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "checking out" not in done.stderr


@pytest.mark.regular
def test_what_cannot_be_written_does_not_hide_the_review(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "_shown", lambda format_, _: f"the {format_}")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for objections, code in (((), 3), ((1,), 1)):
        done = types.SimpleNamespace(objections=objections)

        assert cli._report("text", {"json": str(tmp_path)}, cast("Any", done)) == code
        printed = capfd.readouterr()
        assert printed.out == "the text"
        assert "cannot write" in printed.err


@pytest.mark.regular
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], closed: str
) -> None:
    # As Python has them when the caller closed them.
    monkeypatch.setattr(sys, closed, None)
    cli._print("the review")
    cli._say("the progress")

    printed = capfd.readouterr()
    assert printed == (("", "the progress\n") if closed == "stdout" else ("the review", ""))


@pytest.mark.regular
@pytest.mark.parametrize("module", ["securetrail.review.cli", "difflib"])
def test_an_interrupt_while_the_command_is_loaded_is_no_traceback(module: str) -> None:
    program = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "sys.argv = ['securetrail', 'review']\n"
        "runpy.run_module('securetrail', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (130, "stopped.\n")
