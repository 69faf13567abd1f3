"""``verify hunt``: known attacks, found in the delivered log files without asking."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.cli.common import add_iam_policy_option
from verify.cli.place_options import (
    add_place_options,
    asked_from,
    aws_of_places,
    join_lists,
    place_of,
    policy_of_places,
)
from verify.cli.progress import Progress, interruptible
from verify.errors import UsageError
from verify.report.terminal import Terminal, safe
from verify.times import iso, parse_duration, time_range

if TYPE_CHECKING:
    from verify.hunt.finding import Outcome
    from verify.hunt.sigma.load import Loaded, Rule
    from verify.logs.places import Asked

# As in verify/hunt/sigma/load.py, which is not loaded for --help alone; a test compares them.
_LEVELS = ("informational", "low", "medium", "high", "critical")
_FORMATS = ("text", "json", "markdown", "ocsf", "timesketch")
_LISTED = "7d"  # of a bucket, how far back files are listed that may have been delivered since the last hunt
_TIMELINE_FORMATS = ("text", "json", "markdown", "timesketch")
_DESCRIPTION = """\
Find known attacks in the log files that the trail delivered: what happened, who did it, from where, when, and what to
do next. The rules that come with the program are Sigma rules; --rules adds those of others. docs/detections.md lists
them all, and what each of them finds.

The first lines say what was read. "Nothing was found" is said of that alone.
"""
_EXAMPLES = """\
examples:
  python -m verify hunt --since 7d
  python -m verify hunt --in ./copy-of-the-bucket --fail-on medium
  python -m verify hunt --in events.json --rules sigma/rules/cloud/aws --format json
  python -m verify hunt --in evidence/bundle.json --format markdown
  python -m verify hunt --explain "CloudTrail is stopped or deleted"
  python -m verify hunt --since 1d --baseline 14d
  python -m verify hunt --since-last --state hunted.json
  python -m verify hunt --history --since 7d
  python -m verify hunt timeline --principal alice --since 7d
  python -m verify hunt rules test ./rules

exit codes:
  0  every log file of the period was read, every rule could look at its events, and no finding is as grave as --fail-on
  1  a finding is at least as grave as --fail-on
  2  wrong usage
  3  none is, but files could not be read or are missing, rules could not run, or the trail does not record their events
"""


_TIMELINE_EXAMPLES = """\
examples:
  python -m verify hunt timeline --principal arn:aws:iam::111122223333:user/alice --since 7d
  python -m verify hunt timeline --principal i-0123456789abcdef0 --in ./copy-of-the-bucket --format markdown

exit codes:
  0  every log file of the period was read
  2  wrong usage
  3  files could not be read or are missing: there may be more calls
"""


_RULE_TESTS = """\
Run the tests that rules have in their own files, under the key tests. Events without an id or a time get one, each a
second after the one before:

  title: CloudTrail is stopped
  logsource: {product: aws, service: cloudtrail}
  detection:
    selection: {eventName: StopLogging}
    condition: selection
  tests:
  - name: somebody stops the trail
    events:
    - {eventSource: cloudtrail.amazonaws.com, eventName: StopLogging}
    matches: true
  - events:
    - {eventSource: cloudtrail.amazonaws.com, eventName: StartLogging}
    matches: false

exit codes:
  0  all tests passed; rules without tests are named
  1  a test failed, or a rule cannot run
  2  wrong usage: a test is not written so, or no rule has tests
  3  all tests passed, but of a rule none has matches: true: nothing shows that it can match
"""


def add_parser(commands: Any) -> None:
    """Add ``hunt`` to the subparsers of ``python -m verify``."""
    parser = commands.add_parser(
        "hunt",
        help="find known attacks in the delivered log files",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_place_options(parser)
    rules = parser.add_argument_group("rules")
    rules.add_argument(
        "--rules", metavar="PLACE", action="append", default=[], help="a folder or a file of Sigma rules, beside ours."
    )
    rules.add_argument(
        "--no-built-in",
        action="store_true",
        help="only the rules of --rules. Missing log files and stolen credentials of instances are told all the same.",
    )
    rules.add_argument(
        "--without", metavar="RULE", action="append", default=[], help="leave out a Sigma rule, by its title or id."
    )
    rules.add_argument("--explain", metavar="RULE", help="show a rule, by its title or id, and stop.")
    rules.add_argument(
        "--baseline",
        metavar="DURATION",
        help="read that much before the period, such as 14d, and find what is new in it for a principal: regions, "
        "services, networks, programs. Default: nothing is compared with before.",
    )
    parser.add_argument(
        "--history",
        action="store_true",
        help="look at the event history instead of log files: management events of the last 90 days, without a trail; "
        "of all enabled regions, or those of --region.",
    )
    again = parser.add_argument_group("again and again")
    again.add_argument(
        "--since-last",
        action="store_true",
        help="only files that were delivered since the last such hunt, whenever their events happened. Needs --state.",
    )
    again.add_argument(
        "--state", metavar="FILE", help="for --since-last: remembers what was hunted in. A new file, or that of before."
    )
    result = parser.add_argument_group("result")
    result.add_argument("--format", choices=_FORMATS, default="text", help="Default: text.")
    result.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json.")
    result.add_argument("--level", choices=_LEVELS, help="show findings that are at least so grave. Default: low.")
    result.add_argument("--fail-on", choices=_LEVELS, help="exit with 1 if a finding is so grave. Default: medium.")
    add_iam_policy_option(parser, names_resources=True)
    parser.set_defaults(run=_run)
    actions = parser.add_subparsers(title="other actions", metavar="[ACTION]")
    _add_timeline(actions)
    _add_rules(actions)


def _add_timeline(actions: Any) -> None:
    parser = actions.add_parser(
        "timeline",
        help="all that one principal did, and the sessions that it made",
        description="All calls of one principal, and of all sessions made with its credentials, in the order of time.",
        epilog=_TIMELINE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # What stands before the word "timeline" counts as well: no default of this parser takes its place.
        argument_default=argparse.SUPPRESS,
    )
    add_place_options(parser)
    add_iam_policy_option(parser, names_resources=True)
    parser.add_argument(
        "--principal",
        metavar="WHO",
        required=True,
        help="a user, role or session by ARN or name, an access key's id, or root.",
    )
    parser.add_argument("--format", choices=_TIMELINE_FORMATS, help="Default: text.")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json.")
    parser.set_defaults(run=_run_timeline)


def _add_rules(actions: Any) -> None:
    rules = actions.add_parser("rules", help="'rules test PLACE' runs the tests that rules have in their files")
    test = rules.add_subparsers(title="actions", metavar="ACTION", required=True).add_parser(
        "test",
        help="run the tests that rules have in their files",
        description=_RULE_TESTS,
        epilog="example:\n  python -m verify hunt rules test my-rules",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("tested", metavar="PLACE", nargs="+", help="a folder or a file of rules.")
    test.add_argument("--json", action="store_true", help="print one JSON document instead of text.")
    test.set_defaults(run=_run_rule_tests)


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def _run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.hunt.run import run_hunt  # noqa: PLC0415 - the rules take a while to load, and --help needs none

    arguments.level, arguments.fail_on = arguments.level or "low", arguments.fail_on or "medium"
    if arguments.print_iam_policy:
        terminal.print_json(_policy_of_history(arguments) if arguments.history else policy_of_places(arguments))
        return 0
    loaded = _rules(arguments)
    if arguments.explain is not None:
        return _explain(arguments.explain, loaded, terminal, as_json=_explains_in_json(arguments.format))
    asked = asked_from(arguments)
    _refuse_contradictions(arguments)
    if arguments.history:
        return _hunt_in_history(arguments, terminal, loaded, asked)
    if arguments.since_last:
        return _hunt_since_last(arguments, terminal, loaded, asked)
    start = None
    if arguments.baseline is not None:
        asked, start = _with_baseline(asked, arguments.baseline)
    with Progress(terminal) as progress:
        place = place_of(arguments, asked, now())
        outcome = run_hunt(place, loaded, progress.show_read, _where(arguments), start)
    exit_code = outcome.exit_code(arguments.fail_on)
    _print(outcome, arguments, terminal, exit_code)
    return exit_code


def _policy_of_history(arguments: argparse.Namespace) -> dict[str, Any]:
    from verify.events.history import PERMISSIONS  # noqa: PLC0415
    from verify.report.iam_policy import least_privilege_policy  # noqa: PLC0415

    return least_privilege_policy((*PERMISSIONS, *(() if arguments.region else ("ec2:DescribeRegions",))))


_OF_HUNTS = (
    "rules",
    "no_built_in",
    "without",
    "explain",
    "baseline",
    "history",
    "since_last",
    "state",
    "level",
    "fail_on",
)
_NOT_OF_HISTORY = ("places", "trail", "bucket", "prefix", "account", "proven_only", "since_last", "baseline")


def _hunt_in_history(arguments: argparse.Namespace, terminal: Terminal, loaded: Loaded, asked: Asked) -> int:
    from verify.events.history import History, enabled_regions  # noqa: PLC0415
    from verify.events.query import Query  # noqa: PLC0415
    from verify.events.search import Search  # noqa: PLC0415
    from verify.hunt.run import Searched, hunt_in_history  # noqa: PLC0415

    _refuse_options(arguments, _NOT_OF_HISTORY, "--history reads no log files, so {} tells it nothing.")
    moment = now()
    since = None if asked.start else asked.since or "1d"
    if asked.start and asked.since:
        raise UsageError("--since and --start both say where to begin. Give one of them.")
    times = time_range(since, asked.start, asked.end, moment)
    period = times.start or moment, times.end or moment
    aws = aws_of_places(arguments)
    regions = tuple(sorted(asked.regions)) or enabled_regions(aws)
    with interruptible() as stop, Progress(terminal) as progress:
        history = History(aws, stop)
        search = Search(history, regions, Query({}, times))
        searched = Searched(search, regions, period, search.failures, lambda: history.pages)
        outcome = hunt_in_history(searched, loaded, moment, progress.show_read)
        is_stopped = stop.is_set()
    if is_stopped:
        outcome = replace(outcome, holes=(*outcome.holes, "It was stopped before all was read."))
    exit_code = 130 if is_stopped else outcome.exit_code(arguments.fail_on)
    _print(outcome, arguments, terminal, exit_code)
    return exit_code


def _refuse_options(arguments: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Refuse what would go unheard.

    :param why: a sentence, with ``{}`` for the option.
    """
    for name in names:
        if getattr(arguments, name):
            option = "--in" if name == "places" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{why.format(option)} Leave out one of them.")


def _with_baseline(asked: Asked, duration: str) -> tuple[Asked, datetime]:
    """What is read with the time before, and where the period begins."""
    from verify.integrity.sources import period_of  # noqa: PLC0415

    length = parse_duration(duration, "--baseline")
    if not asked.is_in_bucket and not asked.start:
        raise UsageError("--baseline needs to know where the period begins: give --start.")
    start = period_of(asked.options(), now()).start
    try:
        return replace(asked, since=None, start=iso(start - length)), start
    except OverflowError:
        raise UsageError(f"--baseline {duration} begins before the calendar. Try 30d.") from None


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    if arguments.since_last and arguments.baseline is not None:
        raise UsageError("--since-last reads no file twice, and --baseline reads old ones. Leave out one of them.")
    if arguments.since_last is not (arguments.state is not None):
        raise UsageError("--since-last and --state FILE belong together: give both, or neither.")
    if arguments.since_last and (arguments.start or arguments.end):
        raise UsageError("--since-last looks at what was delivered last. Leave out --start and --end.")
    if arguments.since_last and arguments.proven_only:
        raise UsageError(
            "--since-last looks at files as they are delivered, and --proven-only can prove them only when the next "
            "digest is there. Leave out one of them."
        )


def _hunt_since_last(arguments: argparse.Namespace, terminal: Terminal, loaded: Loaded, asked: Asked) -> int:
    from verify.hunt.run import run_hunt  # noqa: PLC0415
    from verify.hunt.state import after, load_hunted, marks_of, only_new, save_hunted  # noqa: PLC0415
    from verify.logs.places import find_files  # noqa: PLC0415

    if asked.since and parse_duration(asked.since, "--since") < parse_duration(_LISTED, "--since"):
        raise UsageError(
            f"--since {asked.since} would lose files that are delivered late: with --since-last it says how far back "
            f"files are listed, {_LISTED} at least. Leave it out: each file is hunted in once all the same."
        )
    asked = replace(asked, since=asked.since or (_LISTED if asked.is_in_bucket else None))
    state, moment = Path(arguments.state), now()
    with Progress(terminal) as progress:
        place = find_files(asked, moment, lambda: aws_of_places(arguments))
        source = _source_of(place.source, arguments) if asked.is_in_bucket else _local_source_of(asked.places)
        source += _selection_of(asked)
        known = load_hunted(state, source)
        marks = marks_of(place)
        new = only_new(place, marks, known)
        outcome = run_hunt(new, loaded, progress.show_read, _where(arguments))
    exit_code = outcome.exit_code(arguments.fail_on)
    _print(outcome, arguments, terminal, exit_code)
    terminal.flush()  # what nobody could read is not remembered as told
    missing = (key for _, _, keys in new.missing for key in keys)
    save_hunted(state, source, after(known, place, marks, outcome.read, missing, moment))
    return exit_code


def _source_of(bucket: str, arguments: argparse.Namespace) -> str:
    return " at ".join(filter(None, (bucket, arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL"))))


def _selection_of(asked: Asked) -> str:
    """Of some accounts or regions alone: who hunts in all of them next has not hunted in the others yet."""
    chosen = (("account", asked.accounts), ("region", asked.regions))
    return "".join(f", only {name} {', '.join(sorted(names))}" for name, names in chosen if names)


def _local_source_of(places: tuple[str, ...]) -> str:
    """Of several files, their names tell enough: each time others may be named."""
    from verify.logs.places import MANIFEST  # noqa: PLC0415

    paths = [Path(place).resolve() for place in places]
    is_one = len(paths) == 1 and (paths[0].is_dir() or paths[0].name == MANIFEST)
    return str(paths[0]) if is_one else "files of this machine"


def _run_timeline(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.hunt.run import run_timeline  # noqa: PLC0415
    from verify.report import hunt_timeline as report  # noqa: PLC0415
    from verify.report.hunt import as_jsonl  # noqa: PLC0415

    join_lists(arguments)
    if arguments.print_iam_policy:
        terminal.print_json(policy_of_places(arguments))
        return 0
    _refuse_options(arguments, _OF_HUNTS, "A timeline is no hunt, so {} tells it nothing.")
    if arguments.format not in _TIMELINE_FORMATS:
        raise UsageError(
            f"A timeline is not written as {arguments.format}: name one of {', '.join(_TIMELINE_FORMATS)}."
        )
    asked = asked_from(arguments)
    with Progress(terminal) as progress:
        place = place_of(arguments, asked, now())
        told = run_timeline(place, arguments.principal, progress.show_read)
    exit_code = 0 if told.is_whole else 3
    if arguments.format == "json":
        terminal.print_json(report.as_json(told, exit_code))
    elif arguments.format == "timesketch":
        for line in report.read_lines(told):
            terminal.notice(line)
        for part in as_jsonl(report.as_timesketch(told.calls)):
            terminal.write(part)
        terminal.notice(report.closing_line(told))
    else:
        for part in (report.as_text if arguments.format == "text" else report.as_markdown)(told):
            terminal.write(part)
    return exit_code


def _run_rule_tests(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.hunt.rule_tests import run_tests  # noqa: PLC0415
    from verify.hunt.rules import rules_in  # noqa: PLC0415
    from verify.report.hunt import never_matched, rule_tests_as_json, rule_tests_as_text  # noqa: PLC0415

    _refuse_options(
        arguments, (*_OF_HUNTS, "places"), "'rules test' looks at no events but those of tests, so {} tells it nothing."
    )
    loaded = rules_in([Path(place) for place in arguments.tested], "rules test")
    results = list(run_tests(loaded))
    if not results and not loaded.problems:
        raise UsageError(f"None of the {len(loaded.rules):,} rules has tests: see 'hunt rules test --help'.")
    exit_code = 3 if never_matched(results) else 0
    exit_code = 1 if loaded.problems or not all(each.is_passed for each in results) else exit_code
    if arguments.json or arguments.format == "json":
        terminal.print_json(rule_tests_as_json(loaded, results, exit_code))
        return exit_code
    for line in rule_tests_as_text(loaded, results):
        terminal.write(safe(line).plain + "\n")
    return exit_code


def _rules(arguments: argparse.Namespace) -> Loaded:
    from verify.hunt.rules import built_in, joined, rules_in  # noqa: PLC0415

    if arguments.no_built_in and not arguments.rules:
        raise UsageError("--no-built-in leaves no rule: give --rules.")
    parts = [] if arguments.no_built_in else [built_in()]
    if arguments.rules:
        parts.append(rules_in([Path(place) for place in arguments.rules]))
    return joined(parts, frozenset(arguments.without))


def _explains_in_json(kind: str) -> bool:
    if kind not in ("text", "json"):
        raise UsageError(f"--explain shows a rule as text or json, not as {kind}.")
    return kind == "json"


def _explain(name: str, loaded: Loaded, terminal: Terminal, *, as_json: bool) -> int:
    from verify.hunt.rules import source_of  # noqa: PLC0415
    from verify.hunt.run import PYTHON_RULES  # noqa: PLC0415
    from verify.report.hunt import explain, rule_as_json  # noqa: PLC0415

    found: list[Rule] = [
        rule for rule in (*loaded.rules, *PYTHON_RULES) if name.lower() in (rule.title.lower(), rule.id)
    ]
    problems = [each for each in loaded.problems if name.lower() == each.title.lower()]
    if not found and not problems:
        raise UsageError(f"--explain {name!r}: there is no such rule. Give its title or its id.")
    if as_json:
        terminal.print_json(
            {
                "rules": [rule_as_json(rule, source_of(rule.source)) for rule in found],
                "rules_not_run": [{"rule": each.title, "file": each.source, "why": each.why} for each in problems],
            }
        )
        return 0
    for rule in found:
        for piece in explain(rule, source_of(rule.source)):
            terminal.write(
                "".join(
                    line if line == "\n" else f"{safe(line.rstrip()).plain}\n"
                    for line in piece.splitlines(keepends=True)
                )
            )
    for problem in problems:
        terminal.write(safe(f"{problem.title} ({problem.source}) cannot run: {problem.why}").plain + "\n")
    return 0


def _print(outcome: Outcome, arguments: argparse.Namespace, terminal: Terminal, exit_code: int) -> None:
    from verify.hunt.finding import at_least  # noqa: PLC0415
    from verify.hunt.incident import incidents  # noqa: PLC0415
    from verify.report import hunt as report  # noqa: PLC0415

    findings = tuple(each for each in outcome.findings if at_least(each.severity, arguments.level))
    shown = replace(outcome, findings=findings, hidden=len(outcome.findings) - len(findings))
    told = incidents(shown.findings)
    if arguments.format == "json":
        terminal.print_json(report.as_json(shown, told, exit_code))
        return
    if arguments.format in ("ocsf", "timesketch"):
        for line in report.read_lines(shown):
            terminal.notice(line)
        objects = (report.as_ocsf if arguments.format == "ocsf" else report.as_timesketch)(shown.findings)
        for part in report.as_jsonl(objects):
            terminal.write(part)
        terminal.notice(report.closing_line(shown))
        return
    for part in (report.as_text if arguments.format == "text" else report.as_markdown)(shown, told):
        terminal.write(part)


def _where(arguments: argparse.Namespace) -> list[str]:
    """The options by which ``verify logs`` reads the same files."""
    words = [word for place in arguments.places for word in ("--in", place)]
    for option in ("trail", "bucket", "prefix", "profile", "endpoint-url"):
        value = getattr(arguments, option.replace("-", "_"))
        words += [f"--{option}", value] if value else []
    return words
