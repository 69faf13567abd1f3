"""``verify events``: the event history, filtered."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from verify.cli.common import add_aws_options, add_iam_policy_option, add_limit_option, aws_from
from verify.cli.progress import Progress, interruptible
from verify.errors import CannotLook, UsageError
from verify.events.elsewhere import logs_command, service_of_data_event
from verify.events.event import Event
from verify.events.history import PERMISSIONS, History, enabled_regions
from verify.events.query import Query, source_name
from verify.events.search import Search
from verify.report.events import events_as_json, render_events
from verify.report.iam_policy import least_privilege_policy
from verify.report.terminal import Terminal
from verify.times import HISTORY_DAYS, iso, time_range

_DESCRIPTION = """\
Search CloudTrail's event history: who made which call, when and from where. It needs no trail.

What it holds: management events (calls that read or change resources) of the last 90 days, in the
region that recorded them. Global services such as IAM are recorded in us-east-1 (cn-north-1 in China,
us-gov-west-1 in GovCloud). An event appears within about 15 minutes of its call.
What it does not hold: data events, such as GetObject on S3. Those, and anything older, are in a trail's log files
alone: python -m verify logs show. Where that is so, this command says which one asks them the same.
"""
_EXAMPLES = """\
examples:
  python -m verify events --since 2h
  python -m verify events --name ConsoleLogin --since 7d --all-regions
  python -m verify events --user alice --write-only --start 2026-01-31 --end now
  python -m verify events --source s3 --resource my-logs --json | jq '.[].userIdentity.arn'

AWS answers two requests of 50 events a second in each region. With several filters, AWS applies
the most selective one; --ip, --error and --role are applied here. Values are exact, upper and lower case included.
In a pipe the output is tab-separated, one event a line; --json is a list with one full event a line.

exit codes:
  0    the event history of the region, or of all, has no more than this, or --limit ended the list: standard error says
       so then
  3    a region could not be searched, or there may be more elsewhere: standard error says where. That is so of data
       events, of a time before the history begins, and of a question about somebody or something (--user, --role,
       --access-key, --ip, --resource, --event-id) in one region that was not chosen with --region
  130  stopped with Ctrl-C
"""
_FILTERS = {
    "--name": ("EventName", "the API call, such as ListBuckets."),
    "--source": ("EventSource", "the service, such as s3 or s3.amazonaws.com."),
    "--user": ("Username", "the IAM user, the role session's name (for EC2: the instance id), or root."),
    "--resource": ("ResourceName", "the name, id or ARN of a resource as the event names it."),
    "--resource-type": ("ResourceType", "such as AWS::S3::Bucket."),
    "--access-key": ("AccessKeyId", "the access key that signed the call, such as AKIA…"),
    "--event-id": ("EventId", "one event by its CloudTrail id."),
    "--ip": ("SourceIPAddress", "the caller's address."),
    "--error": ("ErrorCode", "the error's code, such as AccessDenied."),
    "--role": ("Role", "the role of the session, by name or ARN."),
}


def add_parser(commands: Any) -> None:
    """Add ``events`` to the subparsers of ``python -m verify``."""
    parser = commands.add_parser(
        "events",
        help="search the event history: who called what, when, from where",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    filters = parser.add_argument_group("filters, all of which must hold")
    for option, (_, explanation) in _FILTERS.items():
        filters.add_argument(option, metavar="TEXT", help=explanation)
    kind = filters.add_mutually_exclusive_group()
    kind.add_argument("--read-only", dest="ReadOnly", action="store_const", const="true", help="only calls that read.")
    kind.add_argument(
        "--write-only", dest="ReadOnly", action="store_const", const="false", help="only calls that change."
    )
    times = parser.add_argument_group("time, in UTC")
    times.add_argument("--since", metavar="DURATION", help="30s, 20m, 2h, 7d or 1w before --end.")
    times.add_argument("--start", metavar="TIME", help="a date or a date and time (ISO 8601).")
    times.add_argument("--end", metavar="TIME", help="the same, or now; a date is included. Default: now.")
    parser.add_argument("--all-regions", action="store_true", help="search every enabled region at once.")
    add_limit_option(parser)
    add_iam_policy_option(parser)
    add_aws_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the events that match; 0, or 3 when there may be more elsewhere, or 130 after Ctrl-C."""
    if arguments.print_iam_policy:
        needed = (*PERMISSIONS, *(("ec2:DescribeRegions",) if arguments.all_regions else ()))
        terminal.print_json(least_privilege_policy(needed))
        return 0
    attributes = _attributes(arguments)
    given = vars(arguments)
    in_logs = logs_command(
        attributes,
        {name: given[name] for name in ("since", "start", "end")},
        {name: given[name] for name in ("profile", "endpoint_url")},
    )
    try:
        times = time_range(arguments.since, arguments.start, arguments.end, datetime.now(UTC))
    except UsageError as error:
        if "log files" in str(error):
            raise UsageError(f"{error} Ask them: {in_logs}") from error
        raise
    query = Query(attributes, times)
    aws = aws_from(arguments)
    regions = enabled_regions(aws) if arguments.all_regions else (aws.region,)
    with interruptible() as stop, Progress(terminal, beside_json=arguments.json) as progress:
        history = History(aws, stop)
        search = Search(
            history,
            regions,
            query,
            limit=arguments.limit or None,
            on_wait=lambda: progress.show(_so_far(history, regions)),
        )
        found = _Found(search, progress)
        if arguments.json:
            for part in events_as_json(found):
                terminal.write(part)
        else:
            for piece in render_events(found, as_table=terminal.out.is_terminal, width=terminal.out.width):
                terminal.show(piece)
        is_stopped = stop.is_set()
    if aws.endpoint_url:
        terminal.notice(f"Endpoint: {aws.endpoint_url} (not AWS)")
    _print_failures(terminal, search.failures)
    if is_stopped:
        terminal.notice(f"stopped: these are the {found.number} events found so far.")
        return 130
    is_searched = len(search.failures) < len(regions)
    _print_notices(terminal, found.number, arguments.limit, is_searched=is_searched)
    where = None if arguments.all_regions else aws.region
    is_chosen = arguments.region is not None
    has_more = _print_what_is_elsewhere(terminal, query, in_logs, where, is_chosen=is_chosen, is_searched=is_searched)
    return 3 if search.failures or has_more else 0


def _attributes(arguments: argparse.Namespace) -> dict[str, str]:
    options = vars(arguments)
    given = {attribute: options[option[2:].replace("-", "_")] for option, (attribute, _) in _FILTERS.items()}
    given["ReadOnly"] = arguments.ReadOnly
    attributes = {name: value for name, value in given.items() if value is not None}
    if "EventSource" in attributes:
        attributes["EventSource"] = source_name(attributes["EventSource"])
    return attributes


def _so_far(history: History, regions: tuple[str, ...]) -> str:
    where = regions[0] if len(regions) == 1 else f"{len(regions)} regions"
    return f"searched {history.events} events on {history.pages} pages in {where}"


# Filters that are about somebody or something, wherever they were: what is in another region is part of the answer.
_ABOUT = ("Username", "ResourceName", "AccessKeyId", "EventId", "SourceIPAddress", "Role")


def _print_what_is_elsewhere(
    terminal: Terminal, query: Query, in_logs: str, region: str | None, *, is_chosen: bool, is_searched: bool
) -> bool:
    """What of the answer the event history cannot have, and where it is; whether that may be a part of the answer.

    :param region: the one in which to search; ``None`` for all.
    :param is_chosen: whether it was asked for.
    :param is_searched: whether any could be searched.
    """
    service = service_of_data_event(query.attributes.get("EventName"))
    if service is not None:
        terminal.notice(
            f"{query.attributes['EventName']} of {service} is a data event, which the event history never has. A "
            f"trail's log files have it, if the trail records such events: {in_logs}"
        )
    oldest = datetime.now(UTC) - timedelta(days=HISTORY_DAYS)
    is_older = query.time_range.start is not None and query.time_range.start < oldest
    if is_older:
        terminal.notice(
            f"The event history begins at {iso(oldest)}. What is older is in a trail's log files: {in_logs}"
        )
    is_about = any(name in query.attributes for name in _ABOUT)
    if region is not None and is_searched:
        instead = f" If no other one is meant: --region {region}." if is_about and not is_chosen else ""
        terminal.notice(f"Only {region} was searched. Events of other regions: --all-regions.{instead}")
    if service is None and not is_older and (is_about or (region is not None and query.attributes)):
        more = "also have data events, such as GetObject," if is_about else "have"
        terminal.notice(f"A trail's log files {more} all regions and older events: {in_logs}")
    return service is not None or is_older or (region is not None and is_about and not is_chosen)


class _Found:
    """The events of a search, counted; after the last one the bar is gone, before a table is printed where it stood."""

    def __init__(self, search: Search, progress: Progress) -> None:
        self.number = 0
        self._search = search
        self._progress = progress

    def __iter__(self) -> Iterator[Event]:
        for event in self._search:
            self.number += 1
            yield event
        self._progress.close()


def _print_failures(terminal: Terminal, failures: Mapping[str, CannotLook]) -> None:
    regions_by_message: dict[str, list[str]] = {}
    for region, failure in sorted(failures.items()):
        regions_by_message.setdefault(str(failure), []).append(region)
    for message, regions in regions_by_message.items():
        terminal.notice(f"error: {', '.join(regions)}: {message}")


def _print_notices(terminal: Terminal, number: int, limit: int, *, is_searched: bool) -> None:
    if number == 0 and is_searched:
        terminal.notice(
            "No event matches. Events can take about 15 minutes to appear; the history holds only management "
            "events of the last 90 days, in the region that recorded them (try --all-regions; IAM's are in us-east-1). "
            "Values of filters match exactly, upper and lower case included: ListBuckets, not listbuckets."
        )
    elif 0 < limit == number:
        terminal.notice(f"The newest {number}; there may be more: --limit 0 shows all.")
