"""Names are somebody else's text: in no output are they markup, a formula, an escape sequence, or a command."""

import dataclasses
import io
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.verify.posture.healthy import KEY_ARN, STATUS, TARGET, TRAIL, but, policy, report
from tests.verify.posture.score.test_score import PERFECT
from tests.verify.posture.statements import but as changed
from tests.verify.posture.statements import deny, grant
from verify.fact import Denied, Failed, Missing, Value
from verify.posture.facts.trail import (
    Acl,
    AclGrant,
    Event,
    KeyGrant,
    Lifecycle,
    LifecycleAction,
    OtherTrail,
    Owners,
    Replica,
    Replication,
    Subscription,
    TrailFacts,
)
from verify.posture.model import Report
from verify.posture.score.facts import Buckets, OpenGroup, Recorder
from verify.posture.score.model import Score
from verify.posture.score.run import score_items, unanswered
from verify.posture.who.model import Ability, Answer, Finding, Step
from verify.report.check import render
from verify.report.check_json import report_as_json
from verify.report.fix_files import SCRIPT, fix_files
from verify.report.score import render as render_score
from verify.report.score import score_as_json
from verify.report.terminal import Terminal
from verify.report.who import render as render_who
from verify.report.who import who_as_json
from verify.target import TargetKey

pytestmark = pytest.mark.regular

HOSTILE = {
    "quote": "x'; touch pwned; '",
    "substitution": "$(touch pwned)",
    "backquotes": "`touch pwned`",
    "lines": "a\ntouch pwned\nb",
    "and": "x && touch pwned",
    "escape sequence": "\x1b]0;x\x07\x1b[31m",
    "C1 control": "\x9b31m",
    "right to left": "\u202egnp.exe\u2066",
    "no width": "a\u200bb\ufeff",
    "markup": "[red]x[/red]:warning:",
    "HTML": "<script>alert(1)</script>",
    "formula": "=cmd|' /C calc'!A0",
    "another formula": "@SUM(1+1)",
    "placeholders": "{aws}{0}{}%s%n",
    "half a placeholder": "}{",
    "an option": "-rf",
    "surrogate": "\udcff",
}


def checked(name: str) -> TrailFacts:
    """Everything that has a name of its own has this one, and everything is wrong with it."""
    topic = f"arn:aws:sns:us-east-1:999999999999:{name}"
    group = f"arn:aws:logs:us-east-1:999999999999:log-group:{name}"
    trail = dataclasses.replace(
        TRAIL, name=name, bucket=f"{name}2", is_multi_region=False, prefix=name, topic=topic, log_group=group
    )
    target = dataclasses.replace(
        TARGET,
        trail_name=name,
        trail=Value(trail),
        bucket=Value(name),
        key=Value(TargetKey(name)),
        source=name,
        notices=(name,),
    )
    statements = (
        changed(deny({"StringNotEquals": {"aws:SourceVpce": name}}), Sid=name),
        changed(grant("s3:GetObject", f"arn:aws:s3:::{name}/*"), Principal={"AWS": "999999999999"}, Sid=name),
    )
    rule = {"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    return but(
        target=target,
        status=Value(dataclasses.replace(STATUS, delivery_error=name)),
        missed_event=Value(Event(name, name, STATUS.last_delivery)),  # type: ignore[arg-type]
        bucket=Value(name),
        bucket_policy=policy(*statements),
        key_policy=policy(changed(deny({}), Sid=name, Action="kms:*", Resource="*")),
        key_grants=Value((KeyGrant(name, f"arn:aws:iam::999999999999:role/{name}", (name,)),)),
        key=Failed(name),
        trail_key_arn=Value(f"{KEY_ARN}{name}"),
        bucket_encryption=Missing(name),
        acl=Value(Acl((AclGrant(name, name),))),
        ownership=Value(name),
        access_points=Value((f"arn:aws:s3:x:1:accesspoint/{name}",)),
        access_point_policies=Value({f"arn:aws:s3:x:1:accesspoint/{name}": policy(*statements).value}),
        access_log_target=Value(name),
        access_log_lock=Missing(name),
        lifecycle=Value(Lifecycle((LifecycleAction(name, "", 1),), json.dumps({"Rules": [rule]}))),
        replication=Value(copying(name)),
        other_trails=Value((OtherTrail(name, True, TRAIL.arn, f"{name}3"),)),  # noqa: FBT003
        owners=Value(Owners(frozenset(), {}, frozenset())),
        subscriptions=Value((Subscription(name, name, topic),)),
        payer=Value(name),
        versioning=Value(name),
        organization_id=Denied(name),
    )


def copying(name: str) -> Replication:
    """Two rules, one of them to somebody else."""
    rules = [{"ID": name, "Status": status, "Destination": {"Bucket": name}} for status in ("Enabled", "Disabled")]
    theirs, ours = Replica(name, name, ""), Replica(name, name, name, place=1, is_enabled=False)
    return Replication((theirs, ours), json.dumps({"Role": name, "Rules": rules}))


def asked_who(name: str) -> Answer:
    """Every name in the answer of ``verify who`` is this one."""
    can = Ability("stop-trail", name, name, (name,), (name,))
    step = Step(name, name, ("stop-trail",), (name,), (name,))
    expected = Finding(name, "user", (can,), (step,), is_expected=True)
    findings = (expected, dataclasses.replace(expected, is_expected=False))
    return Answer(name, name, name, 1, findings, expected, (name,), (name,))


def scored(name: str) -> Score:
    facts = dataclasses.replace(
        PERFECT,
        analyzers={name: Value(())},
        open_groups={name: Value((OpenGroup(name, name),))},
        default_vpcs={name: Value((name,))},
        customer_key=Missing(name),
        trails=Failed(name),
        buckets=Value(Buckets(1, (name,), name)),
        recorders={name: Value((Recorder(name, is_recording=False),))},
        hub={name: Failed(name)},
    )
    items = score_items(facts, account=Value(name), command="aws")
    return Score(name, name, name, items, unanswered(facts))


def shown(pieces: Any, *, is_terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=200, force_terminal=is_terminal, no_color=True, markup=False, emoji=False)
    terminal = Terminal(out=console, err=console)
    for piece in pieces:
        terminal.show(piece)
    return file.getvalue()


def commands(of: Report, score: Score) -> list[str]:
    found = [*(result.fix_cli for result in of.results), *(fix.command for fix in of.fixes)]
    return [*found, *(item.fix_cli for item in score.items)]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_output_is_anything_but_text(name: str) -> None:
    of, score, who = report(checked(name)), scored(name), asked_who(name)
    for is_terminal in (False, True):
        texts = [
            shown(render(of, as_tables=is_terminal, verbose=True, who=who), is_terminal=is_terminal),
            shown(render(of, as_tables=False, as_blocks=True, verbose=True), is_terminal=is_terminal),
            shown(render_score(score, None, as_tables=is_terminal, verbose=True), is_terminal=is_terminal),
            shown(render_score(score, None, as_tables=False, as_blocks=True, verbose=True), is_terminal=is_terminal),
            shown(render_who(who, verbose=True), is_terminal=is_terminal),
        ]
        for text in texts:
            # A terminal gets the styles of headings, and no other sequence.
            plain = text.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "")
            assert {char for char in plain if not char.isprintable()} <= {"\n", "\t"}
            cells = [cell for line in plain.splitlines() if "\t" in line for cell in line.split("\t")]
            assert [cell for cell in cells if cell[:1] in ("=", "@", "+") or (cell[:1] == "-" and cell != "-")] == []
    for document in (report_as_json(of, who_as_json(who)), score_as_json(score), who_as_json(who)):
        assert json.dumps(document, indent=2).isascii()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_becomes_a_command(name: str, tmp_path: Path) -> None:
    # As they are printed, line by line: with and without comments, which zsh does not know on its command line.
    printed = ["".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text) for text in all_of(name)]
    lines = [*printed, *(line.replace("# ", "") for line in printed)]
    # What is no command is an error of that one line alone.
    script = 'aws() { :; }; python() { :; }; while IFS= read -r line <&3; do eval "$line"; done 3<"$LINES"'
    file = tmp_path / "lines"
    file.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        ["/bin/bash", "-c", script.replace("$LINES", str(file))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_is_a_command_of_the_script_with_the_fixes(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "$(touch pwned)"
    folder.mkdir()
    for file, content in fix_files(report(checked(name)).fixes, folder).items():
        (folder / file).write_text(content, encoding="utf-8", errors="backslashreplace")
    script = f"aws() {{ :; }}; python() {{ :; }}; . {shlex.quote(str(folder / SCRIPT))}"

    subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, timeout=60)

    assert [each.name for each in tmp_path.rglob("pwned")] == []


def all_of(name: str) -> list[str]:
    return [text for text in commands(report(checked(name)), scored(name)) if text]
