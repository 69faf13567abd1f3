"""What a reader gets to see: names, links, commands that can be pasted, text in a pipe."""

import dataclasses
import html
import io
import json
import os
import re
import shlex
import subprocess
from pathlib import Path, PurePath

import pytest
from rich.console import Console
from rich.table import Table

from tests.verify.posture.healthy import (
    BUCKET,
    HEALTHY,
    KEY_ARN,
    STATUS,
    TRAIL_ARN,
    but,
    but_target,
    but_trail,
    policy,
    report,
    result,
)
from tests.verify.posture.statements import deny
from verify.fact import Denied, Failed, Missing, Value
from verify.posture.check import console_url
from verify.posture.facts.trail import PublicAccessBlock, TrailFacts
from verify.posture.fixes import aws_command
from verify.posture.model import Part, Report
from verify.posture.resource_policies.rewrite import corrected_bucket_policy
from verify.report.check import render, summary
from verify.report.check_json import report_as_json
from verify.report.fix_files import fix_files
from verify.report.terminal import Terminal

ROOT = Path(__file__).parents[3]
HOSTILE = "x'; rm -rf ~ #\x1b[31m[red]{aws}"


def printed(of: Report, *, as_tables: bool = False, verbose: bool = False, width: int = 100) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=as_tables, no_color=True, markup=False, emoji=False
    )
    terminal = Terminal(out=console, err=console)
    for piece in render(of, as_tables=as_tables, verbose=verbose):
        terminal.show(piece)
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


def test_in_a_pipe_every_check_is_one_tab_separated_line() -> None:
    lines = [line.split("\t") for line in printed(report(HEALTHY)).splitlines() if "\t" in line]
    assert len(lines) == len(report(HEALTHY).results)
    assert {len(line) for line in lines} == {5}
    assert ["PASS", "2", "Log bucket exists", BUCKET, f"{BUCKET} exists"] in lines


def test_on_a_narrow_terminal_no_word_is_cut() -> None:
    console = Console(file=io.StringIO(), width=40, no_color=True)
    terminal = Terminal(out=console, err=console)
    of = report(but_trail(is_multi_region=False))
    for piece in render(of, as_tables=False, as_blocks=True, verbose=False):
        terminal.show(piece)

    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    for found in of.results:
        assert any(line.endswith(f"{found.status}  {found.title}") for line in lines)
    assert f"    found     {BUCKET} exists" in lines


def test_the_last_line_adds_up() -> None:
    assert printed(report(HEALTHY)).splitlines()[-1] == (
        "Recording: 3/3 · Course checks: 7/7 · Checkpoints: 6/6 · No outsiders: 13/13 · Advice: 0 of 12 open"
    )
    broken = but(versioning=Value("Suspended"), status=Denied("cloudtrail:GetTrailStatus"))
    assert printed(report(broken)).splitlines()[-1] == (
        "Recording: 2/3 · Course checks: 6/7 · Checkpoints: 6/6 · No outsiders: 13/13 · Advice: 1 of 12 open · "
        "Unknown: 2"
    )


def test_evidence_is_shown_for_what_did_not_pass_and_for_all_when_asked() -> None:
    text = printed(report(but_trail(is_multi_region=False)))
    assert text.count("    expected") == text.count("    fix") == 1
    assert "cloudtrail update-trail --name ch03-security-trail --is-multi-region-trail" in text
    assert printed(report(HEALTHY), verbose=True).count("    expected") == len(report(HEALTHY).results)


def test_of_a_trail_that_is_stopped_nothing_says_that_it_records() -> None:
    text = printed(report(but(status=Value(dataclasses.replace(STATUS, is_logging=False)))))
    assert "event is recorded" not in text
    assert text.splitlines()[-1].startswith("Recording: no · Course checks: 6/7 · ")


def test_a_command_that_mends_several_checks_is_shown_once() -> None:
    text = printed(report(but_target(trail=Missing("there is no trail t"))))
    assert text.count("cloudtrail create-trail") == 1
    assert text.count("as for: ") == 6


def test_several_fixes_are_one_block_of_commands_in_an_order_that_works() -> None:
    facts = but(
        target=but_trail(is_multi_region=False, validates_log_files=False).target,
        status=Value(dataclasses.replace(STATUS, is_logging=False)),
        public_access_block=Value(PublicAccessBlock(True, True, True, False)),  # noqa: FBT003
        bucket_policy=Missing("the bucket has no policy"),
        key_policy=policy(),
    )
    text = printed(report(facts))
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Fixes of all failed checks"))
    block = lines[first + 1 : lines.index("", first)]

    assert [" ".join(shlex.split(line)[3:5]) for line in block] == [
        "kms put-key-policy",
        "s3api put-bucket-policy",
        "s3api put-public-access-block",
        "cloudtrail update-trail",
        "cloudtrail start-logging",
    ]
    # One update: AWS refuses one that leaves the trail with another fault.
    assert block[3].endswith(" --name ch03-security-trail --is-multi-region-trail --enable-log-file-validation")
    places = re.findall(r"^    fix +command (\d) of 5 below$", text, flags=re.MULTILINE)
    assert sorted(places) == ["1", "2", "2", "3", "4", "4", "5"]
    fixes = json.loads(json.dumps(report_as_json(report(facts))))["fixes"]
    assert [fix["command"] for fix in fixes] == block
    assert fixes[3]["checks"] == ["trail_is_multi_region", "trail_validates_log_files"]
    assert "check again before you go on" not in text


def test_a_fix_that_only_shows_a_policy_is_said_to_need_a_decision() -> None:
    never = deny({}, Action="s3:PutObject", Sid="X", Principal={"Service": "cloudtrail.amazonaws.com"})
    facts = but_trail(is_multi_region=False)
    of = report(dataclasses.replace(facts, bucket_policy=policy(never)))

    # The policy is written before somebody changes it by hand, not after.
    assert [fix.only_reads for fix in of.fixes] == [False, True, False]
    assert "s3api put-bucket-policy" in of.fixes[0].command
    assert "check again before you go on" in printed(of)


def test_a_changed_policy_is_shown_as_what_changes_in_it() -> None:
    own = json.loads(corrected_bucket_policy(None, TRAIL_ARN, BUCKET, None))["Statement"]
    shut = deny({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, Sid="X")
    text = printed(report(but(bucket_policy=policy(*own, shut))))
    changes = re.search(r"^    changes   (.*?)^    fix ", text, flags=re.MULTILINE | re.DOTALL)
    assert changes
    lines = [line.strip() for line in changes[1].splitlines()]
    assert '+        "StringNotEqualsIfExists": {' in lines
    assert '+          "aws:PrincipalServiceName": "cloudtrail.amazonaws.com"' in lines
    assert len(lines) < 8


def test_long_policies_are_files_and_the_script_names_them() -> None:
    facts = but(
        bucket_policy=policy(), key_policy=policy(), status=Value(dataclasses.replace(STATUS, is_logging=False))
    )
    files = fix_files(report(facts).fixes, PurePath("/new folder"))
    script = files.pop("fixes.sh")
    assert max(map(len, script.splitlines())) < 300
    assert len(files) == 2
    for name, text in files.items():
        assert shlex.quote(f"file:///new folder/{name}") in script
        assert json.loads(text)["Statement"]
    assert script.splitlines()[-1].endswith("cloudtrail start-logging --name ch03-security-trail")


def test_a_script_that_leaves_something_to_decide_does_not_end_well(tmp_path: Path) -> None:
    never = deny({}, Action="s3:PutObject", Sid="X", Principal={"Service": "cloudtrail.amazonaws.com"})
    one_region = but_trail(is_multi_region=False)
    decided, undecided = one_region, dataclasses.replace(one_region, bucket_policy=policy(never))
    # The commands themselves are not what is tried.
    aws = tmp_path / "aws"
    aws.write_text("#!/bin/sh\necho called\n")
    aws.chmod(0o755)

    def run(facts: TrailFacts) -> subprocess.CompletedProcess[str]:
        script = fix_files(report(facts).fixes, tmp_path)["fixes.sh"]
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(["sh", "-c", script], env={"PATH": path}, text=True, capture_output=True, check=False)

    done, left = run(decided), run(undecided)
    assert (done.returncode, done.stdout, done.stderr) == (0, "called\n", "")
    assert (left.returncode, left.stdout) == (3, "called\n" * 3)
    assert left.stderr.startswith("Something is left to decide")


def test_what_passes_and_what_is_advice_has_no_place_in_the_block() -> None:
    assert report(HEALTHY).fixes == ()
    assert report(but(versioning=Value("Suspended"))).fixes == ()
    assert "Fixes of all" not in printed(report(but_trail(is_multi_region=False)))


def test_two_checks_without_a_fix_do_not_refer_to_each_other() -> None:
    text = printed(report(but(status=Failed("throttled"), selectors=Failed("throttled"))))
    assert text.count("throttled") >= 2
    assert "as for" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_fits_the_terminal_and_loses_nothing(width: int) -> None:
    table = next(piece for piece in render(report(HEALTHY), as_tables=True, verbose=False) if isinstance(piece, Table))
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in console.file.getvalue()


def test_a_report_that_is_not_from_aws_says_so_and_has_no_console_links() -> None:
    emulated = report(HEALTHY, endpoint="http://127.0.0.1:4566")
    assert printed(emulated).startswith(
        "Endpoint http://127.0.0.1:4566 is not AWS: these results do not describe an AWS account."
    )
    assert {one.console_url for one in emulated.results} == {None}
    assert all(one.console_url for one in report(HEALTHY).results)


def test_a_hostile_name_stays_one_word_for_the_shell_and_text_for_the_terminal() -> None:
    facts = but_target(bucket=Value(HOSTILE))
    command = result(facts, "trail_uses_the_bucket").fix_cli
    assert shlex.split(command)[-2:] == ["--s3-bucket-name", HOSTILE]
    for as_tables in (False, True):
        text = printed(report(facts), as_tables=as_tables, width=300)
        assert "\x1b" not in text
        assert "\\x1b[31m[red]{aws}" in text
    json.dumps(report_as_json(report(facts)))


def test_commands_reach_the_account_that_was_looked_at_and_no_other() -> None:
    command = aws_command(region="eu-west-1", profile="my profile", endpoint="http://127.0.0.1:1")
    assert command == "aws --region eu-west-1 --profile 'my profile' --endpoint-url http://127.0.0.1:1"
    assert aws_command(region="us-east-1", profile=None, endpoint=None) == "aws --region us-east-1"


@pytest.mark.parametrize(
    ("partition", "region", "start"),
    [
        ("aws", "us-east-1", "https://us-east-1.console.aws.amazon.com/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
    ],
)
def test_console_links_follow_the_partition(partition: str, region: str, start: str) -> None:
    links = {
        part: console_url(part, partition=partition, region=region, trail_arn=TRAIL_ARN, bucket=BUCKET, key=KEY_ARN)
        for part in Part
    }
    assert all(link and link.startswith(start) for link in links.values())
    assert str(links[Part.BUCKET]).startswith(f"{start}s3/buckets/{BUCKET}?region={region}")
    assert str(links[Part.KEY]).endswith(f"#/kms/keys/{KEY_ARN.partition('key/')[2]}")
    assert str(links[Part.TRAIL]).endswith(f"#/trails/{TRAIL_ARN}")


def test_there_is_no_link_into_a_console_that_nobody_knows() -> None:
    assert console_url(Part.KEY, partition="aws-iso", region="r", trail_arn="", bucket="", key="") is None


def test_json_carries_the_evidence_of_every_check() -> None:
    document = json.loads(json.dumps(report_as_json(report(HEALTHY))))
    assert document["format"] == "securetrail-check/1"
    assert document["status"] == "PASS"
    assert document["summary"]["lab"] == {"passed": 7, "of": 7}
    for one in document["results"]:
        assert one["fix"]["cli"]
        assert one["fix"]["cdk"]
        assert one["source_url"].startswith("https://docs.aws.amazon.com/")


def text_of_picture(path: Path) -> str:
    """What a terminal in an SVG shows."""
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", path.read_text(encoding="utf-8"))).split())


@pytest.mark.parametrize(
    "text", [text_of_picture(ROOT / "docs/pictures/check.svg"), summary.__doc__ or ""], ids=["picture", "docstring"]
)
def test_an_example_of_the_summary_has_the_totals_of_today(text: str) -> None:
    def with_totals_only(line: str) -> str:
        # In the picture the trail is stopped.
        return re.sub(r"\d+(?=/| of )", "N", line.replace("Recording: no", "Recording: 3/3"))

    assert with_totals_only(summary(report(HEALTHY))) in with_totals_only(text)
