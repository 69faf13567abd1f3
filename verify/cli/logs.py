"""``verify logs``: the delivered log files as a table, asked in SQL, by filters or by name."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from verify.cli.common import add_iam_policy_option, add_limit_option
from verify.cli.place_options import add_place_options, asked_from, aws_of_places, place_of, policy_of_places
from verify.cli.progress import Progress
from verify.errors import UsageError, VerifyError
from verify.global_services import region_of_global_service
from verify.report.terminal import Terminal
from verify.threads import StillRunning

if TYPE_CHECKING:
    from verify.logs.places import LogSource
    from verify.logs.query import Answer, Session
    from verify.logs.store import Store

_DESCRIPTION = """\
Ask the log files that the trail delivered: management events of any age, and data events, which no event history has.

  logs show    events by filters, newest first
  logs query   a SELECT over the tables events, files and unreadable; cloudtrail_logs is the table as Athena has it
  logs stats   what there is: events, files, principals and errors by account, region and day
  logs shell   reads the files once, and takes one SELECT after the other
  logs forget  remove a store that --cache-dir made

The columns of events are those of docs/logs.md, named as CloudTrail names them. Nothing is installed or started: the
files are read and asked in this process, which has no other file and no network at its hand.
"""
_EXAMPLES = """\
examples:
  python -m verify logs show --event GetObject --role web --since 2d
  python -m verify logs show --ip 203.0.113.7 --since 7d --format jsonl
  python -m verify logs query "SELECT eventSource, eventName, count(*) FROM events GROUP BY ALL ORDER BY 3 DESC"
  python -m verify logs query --dialect athena "SELECT useridentity.arn, count(*) FROM cloudtrail_logs GROUP BY 1"
  python -m verify logs query --name role-chain --param role=web --since 7d
  python -m verify logs stats --in ./copy-of-the-bucket
  python -m verify logs show --in evidence/bundle.json --error AccessDenied
  python -m verify logs show --role web --limit 0 --format timesketch --output web.jsonl
  python -m verify logs show --proven-only --start 2026-01-31 --end 2026-01-31 --user alice

exit codes:
  0  every log file of the period was read, as a whole
  2  wrong usage, or a query that may not run
  3  answered, but files could not be read or are missing, or the period is not covered: the answer may lack events

What an answer rests on is on standard error, in --format json also in the document.
"""
_T = TypeVar("_T")
_WRITTEN_AT_ONCE = 2**16  # characters
_FORMATS = ("table", "json", "jsonl", "csv", "timesketch", "parquet")


def add_parser(commands: Any) -> None:
    """Add ``logs`` to the subparsers of ``python -m verify``."""
    parser = commands.add_parser(
        "logs",
        help="ask the delivered log files, in SQL or by filters",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="events by filters, newest first",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_filters(show)
    query = actions.add_parser(
        "query", help="a SELECT over the events", epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    query.add_argument(
        "sql", metavar="SELECT", nargs="?", help="one SELECT over events, files, unreadable and cloudtrail_logs."
    )
    query.add_argument("--name", metavar="NAME", help="a named query in its place; docs/log-queries.md lists all.")
    query.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], help="a value that the named query needs."
    )
    query.add_argument("--list", action="store_true", help="list the named queries, and stop.")
    query.add_argument(
        "--dialect",
        choices=("duckdb", "athena"),
        default="duckdb",
        help="athena: the query is Athena's, and its functions are translated. Default: duckdb.",
    )
    shell = actions.add_parser(
        "shell",
        help="one SELECT after the other",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_place_options(shell)
    _add_store(shell)
    shell.set_defaults(run=_run_shell)
    forget = actions.add_parser(
        "forget",
        help="remove a store that --cache-dir made",
        epilog="example:\n  python -m verify logs forget --cache-dir store",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    forget.add_argument("--cache-dir", metavar="DIR", required=True, help="the store.")
    forget.set_defaults(run=_run_forget)
    stats = actions.add_parser(
        "stats", help="what there is", epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for action, run in ((show, _run_show), (query, _run_query), (stats, _run_stats)):
        add_place_options(action)
        _add_store(action)
        action.add_argument("--format", choices=_FORMATS, default="table", help="how rows are printed. Default: table.")
        action.add_argument(
            "--output", metavar="FILE", help="write the rows to a new file that only you can read; parquet needs one."
        )
        action.add_argument(
            "--json", dest="format", action="store_const", const="json", help="the same as --format json."
        )
        add_iam_policy_option(action, names_resources=True)
        action.set_defaults(run=run)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "filters, all of which must hold; values are exact, upper and lower case included"
    )
    for option, explanation in _FILTERS.items():
        group.add_argument(f"--{option}", metavar="TEXT", help=f"{explanation}.")
    kind = group.add_mutually_exclusive_group()
    kind.add_argument(
        "--read-only", dest="is_read_only", action="store_true", default=None, help="only calls that read."
    )
    kind.add_argument("--write-only", dest="is_read_only", action="store_false", help="only calls that change.")
    add_limit_option(parser)


# As in verify/logs/sql/filters.py, which is not loaded for --help alone; a test compares them.
_FILTERS = {
    "event": "the call, such as GetObject",
    "source": "the service, such as s3 or s3.amazonaws.com",
    "user": "the IAM user, the session's name (for EC2: the instance id), the ARN, or root",
    "role": "the role of the session, by name or ARN",
    "access-key": "the access key that signed the call, such as AKIA…",
    "ip": "the caller's address",
    "error": "the error's code, such as AccessDenied; any or none",
    "resource": "part of a resource's name, id or ARN",
    "event-id": "one event by its CloudTrail id",
    "text": "free text, anywhere in the event",
}


def _add_store(parser: argparse.ArgumentParser) -> None:
    store = parser.add_argument_group("store")
    store.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="keep what is read here, as Parquet, so that the next question is quick. A new folder, or that of before; "
        "what is listed is compared with it each time. Default: nothing is kept.",
    )
    store.add_argument(
        "--cache-limit",
        metavar="SIZE",
        default="20GB",
        help="what the store may take, such as 500MB; what was used least lately goes first. Default: 20GB.",
    )


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class _KilledError(KeyboardInterrupt):
    """``kill``, or a closed terminal: after Ctrl-C a shell goes on, after this it does not."""


def _kill(_signal: int, _frame: object) -> None:
    raise _KilledError


@contextmanager
def ending_as_at_ctrl_c() -> Iterator[None]:
    """Let ``kill`` and a closed terminal end the program as Ctrl-C does, so that no event stays in a private folder."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    theirs = [each for each, handler in before.items() if handler is signal.SIG_DFL]  # nohup's stays what it is
    theirs = theirs if current_thread() is main_thread() else []
    for each in theirs:
        signal.signal(each, _kill)
    try:
        yield
    finally:
        for each in theirs:
            signal.signal(each, before[each])


def _run_show(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.logs.sql.filters import show_sql  # noqa: PLC0415 - the engine takes long to load, and --help needs none

    options = vars(arguments)
    given = {option: options[option.replace("-", "_")] for option in _FILTERS}
    given = {option: value for option, value in given.items() if value is not None}
    as_records = arguments.format != "table"
    sql = show_sql(given, arguments.limit, as_records=as_records, read_only=arguments.is_read_only)
    return _answer(sql, arguments, terminal, limit=arguments.limit)


def _run_query(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.logs.sql.named import named_queries, named_query  # noqa: PLC0415

    if arguments.list:
        for query in named_queries().values():
            takes = "".join(f" {parameter.name}" for parameter in query.parameters)
            terminal.write(f"{query.name}\t{query.question}\t{takes.strip()}\n")
        return 0
    if (arguments.sql is None) == (arguments.name is None):
        raise UsageError("Give one SELECT, or --name NAME. 'logs query --list' lists the names.")
    if arguments.name is not None:
        chosen = named_query(arguments.name)
        if not (arguments.places or arguments.since or arguments.start):
            arguments.since = f"{chosen.days}d"
        return _answer(chosen.sql(_parameters(arguments.param)), arguments, terminal, chosen.limit)
    if arguments.param:
        raise UsageError("--param is for a named query: give --name NAME.")
    sql = arguments.sql
    if arguments.dialect == "athena":
        from verify.logs.sql.athena import translated  # noqa: PLC0415

        sql = translated(sql)
    return _answer(sql, arguments, terminal)


def _run_stats(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.logs.sql.filters import STATS_SQL  # noqa: PLC0415

    return _answer(STATS_SQL, arguments, terminal)


def _run_shell(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.logs.engine import bounded_memory  # noqa: PLC0415
    from verify.logs.query import session  # noqa: PLC0415
    from verify.report.logs import basis_as_text  # noqa: PLC0415

    if arguments.cache_dir is not None:
        raise UsageError("The shell keeps everything until it ends: leave out --cache-dir.")
    with Progress(terminal) as progress, bounded_memory(), ending_as_at_ctrl_c():
        place = place_of(arguments, asked_from(arguments), now())
        with session(place, progress.show_read) as opened:
            progress.close()
            for line in basis_as_text(opened.basis):
                terminal.notice(line)
            exit_code = _converse(opened, terminal) or opened.basis.exit_code
    return exit_code


def _converse(opened: Session, terminal: Terminal) -> int:
    """Answer what is typed or piped in; the exit code of the last statement that failed where nobody could see it."""
    from verify.report.logs import as_lines, as_table  # noqa: PLC0415

    exit_code = 0
    for sql in _statements(terminal):
        try:
            found = opened.ask(sql)
            if terminal.out.is_terminal:
                for piece in as_table(found.columns, found.rows, width=terminal.out.width):
                    terminal.show(piece)
            else:
                for part in as_lines(found.columns, found.rows):
                    terminal.write(part)
        except VerifyError as error:
            terminal.notice(f"error: {error}")
            if not sys.stdin.isatty():
                exit_code = error.exit_code
        except KeyboardInterrupt as stopped:
            if not sys.stdin.isatty() or isinstance(stopped, StillRunning | _KilledError):
                raise
            terminal.notice("stopped: the files need not be read again, ask for less.")
    return exit_code


def _statements(terminal: Terminal) -> Iterator[str]:
    """What is typed, or piped in: statements that end in a semicolon."""
    is_typed = sys.stdin.isatty()
    if is_typed:
        import readline  # noqa: F401, PLC0415 - input() gets a history by it

        terminal.notice("One SELECT, which ends in a semicolon. Ctrl-D ends the shell.")
    text = ""
    while True:
        try:
            line = input(("logs> " if not text else "  ... ") if is_typed else "")
        except EOFError:
            break
        except KeyboardInterrupt as stopped:
            if not is_typed or isinstance(stopped, _KilledError):
                raise
            text = ""
            terminal.notice("")
            continue
        text += f"{line}\n"
        if line.rstrip().endswith(";"):
            yield text
            text = ""
    if text.strip():
        yield text


def _answer(sql: str, arguments: argparse.Namespace, terminal: Terminal, limit: int = 0) -> int:
    if arguments.print_iam_policy:
        terminal.print_json(policy_of_places(arguments))
        return 0
    from verify.logs.engine import bounded_memory  # noqa: PLC0415
    from verify.logs.places import find_files  # noqa: PLC0415
    from verify.logs.query import answer  # noqa: PLC0415

    asked = asked_from(arguments)
    if arguments.format == "parquet" and arguments.output is None:
        raise UsageError("--format parquet is not for a terminal: name a file with --output FILE.")
    with Progress(terminal) as progress, bounded_memory(), ending_as_at_ctrl_c():
        store = _store(arguments)
        place = partial(place_of, arguments, asked, now())
        needs_listing = store is not None and arguments.proven_only
        listing = partial(find_files, asked, now(), partial(aws_of_places, arguments)) if needs_listing else None
        with answer(sql, place, progress.show_read, store, listing) as found:
            progress.close()
            number = _print(found, arguments, terminal)
    _print_basis(found, terminal, number, limit, is_named=arguments.run is _run_query)
    if not number and (where := {*map(_region_of_iam, asked.regions)} - asked.regions - {None}):
        names, others = ", ".join(sorted(asked.regions)), " and ".join(sorted(filter(None, where)))
        terminal.notice(f"Only {names} was asked for: calls of global services, such as IAM, are in {others}.")
    return found.basis.exit_code


def _store(arguments: argparse.Namespace) -> Callable[[LogSource], Store] | None:
    from verify.logs.store import Store  # noqa: PLC0415

    if arguments.cache_dir is None:
        return None
    limit_bytes = _size(arguments.cache_limit)
    paths = [each if each.startswith("s3://") else str(Path(each).resolve()) for each in arguments.places]
    which = "|".join([arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", ""), *paths])
    return lambda place: Store(Path(arguments.cache_dir), f"{which}|{place.source}", limit_bytes)


def _size(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})(MB|GB)", text)
    if found is None or int(found[1]) == 0:
        raise UsageError(f"--cache-limit {text!r} is not a size, such as 500MB or 20GB.")
    return int(found[1]) * (10**6 if found[2] == "MB" else 10**9)


def _run_forget(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.logs.store import forget  # noqa: PLC0415

    size = forget(Path(arguments.cache_dir))
    terminal.write(f"Removed {size / 1e6:,.1f} MB.\n")
    return 0


def _region_of_iam(region: str) -> str | None:
    """The region of its partition in which the calls of IAM are; ``None`` where that is not known."""
    if "-iso" in region or region.startswith("eusc-"):
        return None
    partitions = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    partition = next((found for start, found in partitions.items() if region.startswith(start)), "aws")
    return region_of_global_service("iam", partition)


def _print(found: Answer, arguments: argparse.Namespace, terminal: Terminal) -> int:
    from verify.logs.export import as_timesketch, write_parquet  # noqa: PLC0415
    from verify.report import logs as report  # noqa: PLC0415
    from verify.report import row_json  # noqa: PLC0415

    if arguments.format == "parquet":
        return write_parquet(found.reader(), Path(arguments.output))
    is_show = arguments.run is _run_show
    if arguments.format in ("json", "jsonl") and not is_show and row_json.are_quick(found.columns):
        batches = _Counted(found.batches(), lambda batch: int(batch.num_rows))
        texts = row_json.texts_of(found.columns, batches, report.BETWEEN[arguments.format])
        _write(_json_parts(texts, found, arguments), arguments, terminal)
        return batches.number
    rows = _Counted(found.rows)
    parts: Iterator[str | memoryview]
    if arguments.format == "table" and terminal.out.is_terminal and arguments.output is None:
        for piece in report.as_table(found.columns, rows, width=terminal.out.width):
            terminal.show(piece)
        return rows.number
    if arguments.format == "table":
        parts = report.as_lines(found.columns, rows)
    elif arguments.format == "csv":
        parts = report.as_csv(found.columns, rows)
    else:
        objects: Iterable[dict[str, Any]]
        objects = (report.as_records if is_show else row_json.as_objects)(found.columns, rows)
        objects = as_timesketch(objects) if arguments.format == "timesketch" else objects
        parts = _json_parts(map(row_json.text_of, objects), found, arguments)
    _write(parts, arguments, terminal)
    return rows.number


def _json_parts(
    texts: Iterable[str | memoryview], found: Answer, arguments: argparse.Namespace
) -> Iterator[str | memoryview]:
    from verify.report import logs as report  # noqa: PLC0415

    return report.as_json(texts, found.basis) if arguments.format == "json" else report.as_jsonl(texts)


def _write(parts: Iterator[str | memoryview], arguments: argparse.Namespace, terminal: Terminal) -> None:
    from verify.logs.export import new_file  # noqa: PLC0415

    if arguments.output is None:
        for several in _gathered(parts):
            terminal.write(several)
    else:
        with new_file(Path(arguments.output)) as file:
            file.writelines(part.encode() if isinstance(part, str) else part for part in parts)


def _gathered(parts: Iterable[str | memoryview]) -> Iterator[str | memoryview]:
    """The same text in fewer and longer parts."""
    several: list[str] = []
    characters = 0
    for part in parts:
        is_long = len(part) >= _WRITTEN_AT_ONCE
        if not is_long:
            several.append(part if isinstance(part, str) else str(part, "ascii"))
            characters += len(part)
        if several and (characters >= _WRITTEN_AT_ONCE or is_long):
            yield "".join(several)
            several, characters = [], 0
        if is_long:
            yield part
    yield "".join(several)


def _print_basis(found: Answer, terminal: Terminal, number: int, limit: int, *, is_named: bool) -> None:
    from verify.report.logs import basis_as_text  # noqa: PLC0415

    for line in basis_as_text(found.basis):
        terminal.notice(line)
    if not number and found.basis.events:
        terminal.notice(
            "No event matches. Values are exact, upper and lower case included: GetObject, not getobject. Data events, "
            "such as GetObject, are there only if the trail records them."
        )
    elif limit and number == limit:
        more = "that is the query's own LIMIT" if is_named else "--limit 0 shows all"
        terminal.notice(f"The first {number:,}; there may be more: {more}.")


class _Counted(Generic[_T]):
    """Rows, counted.

    :param rows_in: how many there are in one of what is given.
    """

    def __init__(self, rows: Iterable[_T], rows_in: Callable[[_T], int] = lambda _row: 1) -> None:
        self.number = 0
        self._rows = iter(rows)
        self._rows_in = rows_in

    def __iter__(self) -> _Counted[_T]:
        return self

    def __next__(self) -> _T:
        row = next(self._rows)
        self.number += self._rows_in(row)
        return row


def _parameters(given: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise UsageError(f"--param {name!r} is not NAME=VALUE, such as role=web.")
    return {name: value for name, _, value in pairs}
