"""The validation as JSON, Markdown and a web page, and what it says to do next."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, get_type_hints

import cmarkgfm
import msgspec
import pytest
from msgspec.structs import replace

from tests.verify.report.test_hostile_names import HOSTILE
from tests.verify.simulation import scenarios
from tests.verify.simulation.api import Api, check_bucket
from tests.verify.simulation.in_memory import validate
from tests.verify.simulation.scenarios import after, delete_hours, inject_log, paused, rewrite_log, trail
from tests.verify.simulation.trail import BUCKET, HOME, START, TRAIL_ARN, Chain
from tools import schemas
from verify.errors import AccessDenied
from verify.integrity.lost.versions import changed_files, lost_files, older_versions
from verify.integrity.result import FileChange, FileChanges, Result
from verify.integrity.timeline.verdict import Problem, Verdict
from verify.report.integrity.as_json import IntegrityJson, result_as_json
from verify.report.integrity.document import result_as_html, result_as_markdown
from verify.report.integrity.next_steps import Options, next_steps
from verify.report.integrity.text import render
from verify.storage.objects import ObjectName

pytestmark = pytest.mark.regular

BUILT: dict[str, Callable[[], Chain]] = {
    "honest": trail,
    "organization": scenarios.organization,
    "paused": paused,
    "altered": after(rewrite_log),
    "foreign": after(inject_log),
    "missing": after(delete_hours(3, 5, with_logs=True)),
    "not due": lambda: trail(1),
    "backfilled": scenarios.backfilled,
}


def text(result: Result) -> str:
    return "".join(f"{line.plain}\n" for line in render(result, 1, next_steps(result)))


def markdown(result: Result) -> str:
    return "".join(result_as_markdown(result, 1, next_steps(result)))


@pytest.mark.parametrize("built", BUILT.values(), ids=BUILT)
def test_the_document_has_the_fields_of_its_schema_and_no_others(built: Callable[[], Chain]) -> None:
    result = validate(built())
    document = json.loads(json.dumps(result_as_json(result, 1, next_steps(result))))

    assert msgspec.convert(document, IntegrityJson) == document  # whatever else there were would not come back


def test_who_changed_a_file_is_told_in_every_format() -> None:
    result = validate(after(rewrite_log)())
    subject = next(iter(map(str, changed_files(result))))
    change = FileChange(subject, "PutObject", "arn:aws:iam::1:user/eve", "203.0.113.9", START, "signed log files")
    result = replace(result, changes=FileChanges({subject: (change,)}, {subject: START}, ("the logs were searched",)))
    document = json.loads(json.dumps(result_as_json(result, 1, next_steps(result))))

    assert msgspec.convert(document, IntegrityJson) == document
    (problem,) = document["chains"][0]["problems"]
    assert problem["changes"] == [
        {
            "call": "PutObject",
            "caller": "arn:aws:iam::1:user/eve",
            "address": "203.0.113.9",
            "at": f"{START:%Y-%m-%dT%H:%M:%SZ}",
            "source": "signed log files",
            "namesFile": True,
        }
    ]
    assert str(change) in text(result) and str(change) in Page(result_as_html(result, 1)).text
    assert not any("Who " in step.text for step in next_steps(result))
    assert any("the logs were searched" in step.text for step in next_steps(unnamed(result)))


def unnamed(result: Result) -> Result:
    """The same, where nothing that was searched names anybody."""
    return replace(result, changes=replace(result.changes, found={}))


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_a_schema_is_that_of_its_type(name: str) -> None:
    assert (schemas.DOCS / name).read_text() == schemas.text_of(schemas.SCHEMAS[name]), (
        "python -m tools.schemas --write"
    )


def test_a_schema_that_loses_a_field_is_another_version() -> None:
    """Whoever reads the document by its number counts on these."""
    names = "schemaVersion verdict exitCode answer trail source readAt requested chains nextSteps notLookedAt"
    assert set(names.split()) <= set(get_type_hints(IntegrityJson))


@pytest.mark.parametrize("built", BUILT.values(), ids=BUILT)
def test_the_case_file_holds_every_row_and_every_file_that_is_not_proven(built: Callable[[], Chain]) -> None:
    result = validate(built())
    shown = Page(result_as_html(result, 1, next_steps(result))).text

    for row in result.rows:
        assert str(row.verdict) in shown and row.reason in shown
        assert row.evidence.caller in shown and row.evidence.address in shown
    for chain in result.chains:
        for problem in chain.tally.problems:
            assert problem.subject in shown and problem.reason in shown
    assert text(result).splitlines()[0].partition(": ")[2] in shown
    for step in next_steps(result):
        assert step.text in shown
        assert all(command in shown for command in step.commands)


class Page(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def named(name: str) -> Result:
    """A result in which everything has a name that its maker chose."""
    chain = trail(3)
    result = validate(chain)
    found = Problem(Verdict.FOREIGN, f"s3://{BUCKET}/AWSLogs/{name}", f"because {name}")
    result.chains[0].tally.logs[Verdict.ALTERED] += 1
    result.chains[0].tally.record(Problem(Verdict.ALTERED, f"s3://{BUCKET}/{name}", f"because {name}"))
    return type(result)(
        trail=name,
        source=name,
        period=result.period,
        made_at=result.made_at,
        is_quick=False,
        chains=result.chains,
        foreign=(found,),
        notices=(name,),
        unseen=(name,),
    )


LINKS = {
    "link": "[x](javascript:alert(1))",
    "address": "https://example.com/x",
    "image": "![x](https://example.com/x.png)",
    "cell": "a | b",
    "heading": "\n# x",
    "fence": "\n```\n<script>x</script>",
    "entity": "&lt;b&gt;",
    "reference": "[x]: https://example.com",
    "footnote": "[^1]",
}


@pytest.mark.parametrize("name", [*HOSTILE.values(), *LINKS.values()], ids=[*HOSTILE, *LINKS])
def test_a_name_adds_nothing_to_the_page_but_its_text(name: str) -> None:
    plain = Page(result_as_html(named("name"), 1, next_steps(named("name"))))
    hostile = Page(result_as_html(named(name), 1, next_steps(named(name))))

    assert hostile.elements == plain.elements
    # Who reads the Markdown may read it with GitHub's parser, which makes links of addresses.
    theirs = [cmarkgfm.github_flavored_markdown_to_html(markdown(named(each))) for each in (name, "name")]
    assert Page(theirs[0]).elements == Page(theirs[1]).elements


@pytest.mark.parametrize("name", [*HOSTILE.values(), *LINKS.values()], ids=[*HOSTILE, *LINKS])
def test_a_name_is_one_word_of_a_command(name: str) -> None:
    steps = next_steps(named(name), None, Options(files=("--trail", name)))
    commands = [command for step in steps for command in step.commands]

    assert any(("--trail", name) in pairwise(shlex.split(command)) for command in commands)
    assert any(("--prefix", name) in pairwise(shlex.split(command)) for command in commands)
    for command in commands:
        line = b"printf '%s\\0' " + os.fsencode(command)
        words = subprocess.run([b"bash", b"-c", line], capture_output=True, check=True).stdout.split(b"\0")[:-1]
        assert list(map(os.fsdecode, words)) == shlex.split(command)


class Versions:
    """S3, as it tells of versions."""

    def __init__(
        self, versions: list[dict[str, Any]], markers: list[dict[str, Any]], *, is_denied: bool = False, pages: int = 0
    ) -> None:
        self.answers = [{"DeleteMarkers": markers}] * pages + [{"Versions": versions, "DeleteMarkers": markers}]
        self.is_denied = is_denied

    def pages(self, _service: str, _operation: str, **_asked: str) -> Iterator[dict[str, Any]]:
        if self.is_denied:
            raise AccessDenied("s3:ListBucketVersions", "not you")
        yield from self.answers


def version(name: ObjectName, number: int, *, is_latest: bool = False) -> dict[str, Any]:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return {"Key": name.key, "VersionId": f"v{number}", "IsLatest": is_latest, "LastModified": at}


def test_what_was_overwritten_comes_back_by_its_first_version_and_what_was_deleted_without_its_marker() -> None:
    chain = trail()
    rewrite_log(chain)
    result = validate(chain)
    (name,) = lost_files(result)
    over = Versions([version(name, 1), version(name, 2), version(name, 3, is_latest=True)], [])
    gone = Versions([version(name, 1)], [version(name, 2, is_latest=True)])
    over_and_gone = Versions([version(name, 1), version(name, 2)], [version(name, 3, is_latest=True)])
    other = Versions([version(ObjectName(BUCKET, f"{name.key}x"), 1)], [])

    def commands(s3: Versions) -> tuple[str, ...]:
        return next_steps(result, older_versions(s3, [name]))[0].commands  # type: ignore[arg-type]

    source = f"{BUCKET}/{name.key}?versionId=v1"
    restored = f"aws s3api copy-object --bucket {BUCKET} --key {name.key} --copy-source '{source}'"
    assert commands(over) == commands(over_and_gone) == (restored,)
    assert commands(gone) == (f"aws s3api delete-object --bucket {BUCKET} --key {name.key} --version-id v2",)
    assert "--source s3://REPLICA" in commands(other)[0]


@pytest.mark.parametrize(("pages", "is_found"), [(2, True), (20, False)])
def test_a_file_that_was_deleted_again_and_again_is_not_said_to_have_no_older_version(
    pages: int,
    is_found: bool,  # noqa: FBT001 - a table
) -> None:
    """Each deletion makes one more marker, and S3 tells of a thousand at once, the newest first."""
    name = ObjectName(BUCKET, "AWSLogs/x")
    found = older_versions(Versions([version(name, 1)], [version(name, 2)], pages=pages), [name])  # type: ignore[arg-type]

    assert bool(found.found) == is_found == (found.why_not == "")
    assert found.none == ()


def test_versions_that_no_s3_would_tell_are_not_known() -> None:
    name = ObjectName(BUCKET, "AWSLogs/x")
    found = older_versions(Versions([{"Key": name.key}], []), [name])  # type: ignore[arg-type]

    assert not found.found and not found.none and "not AWS's" in found.why_not


def test_older_versions_that_nobody_may_list_are_not_said_to_be_none() -> None:
    chain = trail()
    rewrite_log(chain)
    result = validate(chain)
    found = older_versions(Versions([], [], is_denied=True), lost_files(result))  # type: ignore[arg-type]

    first = next_steps(result, found)[0]

    assert "not known" in first.text and "s3:ListBucketVersions" in first.text
    assert "no older version" not in text(result)


def test_nothing_is_to_be_done_where_all_is_proven() -> None:
    chain = trail()
    result = validate(chain, end=chain.hours[-1].end)

    assert next_steps(result) == ()
    assert "What to do next" not in text(result) + markdown(result)


def test_a_pause_leads_to_the_event_history_as_far_as_that_reaches() -> None:
    result = validate(paused())
    long_after = check_bucket(Api(paused().aws), result.made_at + timedelta(days=200), start="2026-11-01T00:00:00Z")

    def asks_the_history(result: Result) -> bool:
        commands = [command for step in next_steps(result) for command in step.commands]
        return any(command.startswith("python -m verify events") for command in commands)

    assert (asks_the_history(result), asks_the_history(long_after)) == (True, False)


def test_the_event_history_of_another_account_is_that_accounts() -> None:
    """The trail's own account is asked for what a member of its organization did, and has nothing of it."""
    chain = scenarios.organization()
    rewrite_log(chain)
    own = trail()
    rewrite_log(own)

    def said(result: Result) -> str:
        return next(step.text for step in next_steps(result) if "event history" in step.text)

    (account,) = {row.account for row in validate(chain).rows if row.verdict is Verdict.ALTERED}
    assert f":{account}:" not in TRAIL_ARN and said(validate(chain)).endswith(f"ask as {account}.")
    assert "ask as" not in said(validate(own))


def test_the_commands_that_follow_are_of_this_trail_and_place() -> None:
    """Where there are several trails, one has to be named."""
    chain = trail()
    rewrite_log(chain)
    result = validate(chain)
    place = ("--bucket", "former")
    found = older_versions(Versions([], []), lost_files(result))  # type: ignore[arg-type]
    commands = [command for step in next_steps(result, found, Options(place=place)) for command in step.commands]

    (copy,) = (command for command in commands if "--source s3://" in command)
    (export,) = (command for command in commands if "integrity export" in command)
    assert f"--trail {TRAIL_ARN}" in copy and f"--trail {TRAIL_ARN} --bucket former" in export


def test_a_trail_that_never_validated_is_told_first_with_the_command_that_switches_it_on() -> None:
    chain = trail(0)
    chain.aws.trail |= {"LogFileValidationEnabled": False}
    chain.log(START + timedelta(minutes=5))
    chain.aws.status[HOME] = {"IsLogging": True, "StartLoggingTime": START}
    result = check_bucket(Api(chain.aws), START + timedelta(hours=8), start=f"{START:%Y-%m-%dT%H:%M:%SZ}")

    assert result.exit_code == 3
    assert text(result).startswith(
        "NOT KNOWN: Log file validation was off, so that CloudTrail signed for nothing. Nothing is proven yet."
    )
    assert f"    aws cloudtrail update-trail --name {TRAIL_ARN} --enable-log-file-validation\n" in text(result)
