"""The filters of ``logs show``, as SQL in which what was asked for is text and nothing else. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from verify.logs.schema import COLUMNS, REST, Kind

_EVERYWHERE: Final = ", ".join(
    (
        *(f'"{column.name}"' for column in COLUMNS if column.kind in (Kind.TEXT, Kind.JSON)),
        "strftime(eventTime, '%Y-%m-%dT%H:%M:%SZ')",
        REST,
    )
)
_WHO: Final = (
    "coalesce(role || '/' || sessionName, role, userName, CASE WHEN identityType = 'Root' THEN 'root' END, "
    'sessionName, invokedBy, identityArn, identityAccountId) AS "user"'
)
# Option → the condition, in which {} stands for the value as an SQL text, and what it is about.
FILTERS: Final[Mapping[str, tuple[str, str]]] = {
    "event": ("eventName = {}", "the call, such as GetObject"),
    "source": ("eventSource = {}", "the service, such as s3 or s3.amazonaws.com"),
    "user": (
        "{} IN (userName, sessionName, identityArn, principalId) OR (lower({}) = 'root' AND identityType = 'Root')",
        "the IAM user, the session's name (for EC2: the instance id), the ARN, or root",
    ),
    "role": ("{} IN (role, issuerArn)", "the role of the session, by name or ARN"),
    "access-key": ("accessKeyId = {}", "the access key that signed the call, such as AKIA…"),
    "ip": ("sourceIPAddress = {}", "the caller's address"),
    "region": ("awsRegion = {}", "the region of the call"),
    "account": ("{} IN (account, identityAccountId)", "the account of the trail or of the caller"),
    "error": ("errorCode = {}", "the error's code, such as AccessDenied; any or none"),
    "resource": (
        "contains(concat_ws(' ', resources, requestParameters, responseElements), {})",
        "part of a resource's name, id or ARN",
    ),
    "event-id": ("{} IN (eventID, aggregatedEventId, sharedEventID)", "one event by its CloudTrail id"),
    "text": (f"contains(lower(concat_ws(' ', {_EVERYWHERE})), lower({{}}))", "free text, anywhere in the event"),
}
_IN_JSON: Final = ("resource", "text")
_ANY_ERROR: Final = {"any": "errorCode IS NOT NULL", "none": "errorCode IS NULL"}
SHOWN: Final = (
    "eventTime AS time",
    "eventName AS event",
    "regexp_replace(eventSource, '[.]amazonaws[.]com$', '') AS source",
    _WHO,
    "awsRegion AS region",
    "sourceIPAddress AS ip",
    "errorCode AS error",
)


def sql_text(value: str) -> str:
    """A text as SQL writes it: between quotes, each of its own doubled."""
    return "'" + value.replace("'", "''") + "'"


def _spellings(value: str) -> list[str]:
    """A text, and what it may be where it is a part of JSON, each once."""
    in_json = (json.dumps(value, ensure_ascii=is_ascii)[1:-1] for is_ascii in (False, True))
    return list(dict.fromkeys((value, *in_json)))


def show_sql(given: Mapping[str, str], limit: int, *, as_records: bool, read_only: bool | None = None) -> str:
    """The query of ``logs show``, newest events first.

    :param given: option → value.
    :param limit: at most so many events; 0 for all.
    :param as_records: every column, not those of a line.
    :param read_only: only calls that read, or only those that do not.
    """
    conditions = []
    for option, asked in given.items():
        condition, _ = FILTERS[option]
        value = f"{asked}.amazonaws.com" if option == "source" and "." not in asked else asked
        if option == "error" and asked in _ANY_ERROR:
            condition = _ANY_ERROR[asked]
        spellings = _spellings(value) if option in _IN_JSON else (value,)
        conditions.append(f"({' OR '.join(condition.replace('{}', sql_text(each)) for each in spellings)})")
    if read_only is not None:
        conditions.append(f"readOnly IS {'TRUE' if read_only else 'FALSE'}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    columns = "*" if as_records else ", ".join(SHOWN)
    at_most = f" LIMIT {limit}" if limit else ""
    return f"SELECT {columns} FROM events{where} ORDER BY eventTime DESC, eventID{at_most}"  # noqa: S608 - see sql_text


STATS_SQL: Final = """
SELECT account, region, day, count(*) AS events, count(DISTINCT file) AS files, count(DISTINCT principal) AS principals,
    count(*) FILTER (WHERE errorCode IS NOT NULL) AS errors,
    count(*) FILTER (WHERE eventCategory = 'Data') AS data_events,
    min(eventTime) AS first_event, max(eventTime) AS last_event
FROM events GROUP BY ALL ORDER BY account, region, day
"""
