"""Judges a query before it runs: one SELECT over the named tables, with functions of the list, and nothing else.

DuckDB's own parser takes it apart (``json_serialize_sql``, which takes SELECT alone), so that what is judged is what
runs: another parser would read some texts in another way. What is not known here is refused. The engine is locked as
well: see ``engine``.
https://duckdb.org/docs/stable/data/json/sql_to_and_from_json
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from verify.errors import UsageError
from verify.logs.sql.functions import ALLOWED, ALLOWED_TABLES
from verify.logs.sql.pushdown import Condition, conditions_of

_MAX_CHARACTERS = 1_000_000
_SHOWN_CHARACTERS = 60
_EXPRESSIONS: Final = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "OPERATOR",
        "STAR",
        "SUBQUERY",
        "WINDOW",
    }
)
_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLES: Final = frozenset({"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "SUBQUERY", "TABLE_FUNCTION"})
_MODIFIERS: Final = frozenset({"DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"})
_ORDERS: Final = frozenset({"ASCENDING", "DESCENDING", "ORDER_DEFAULT", "INVALID"})
# Of a cast: what a type is made of. A name that is no type's fails later.
_TYPES: Final = frozenset(
    f"{kind}_TYPE_INFO" for kind in ("ARRAY", "DECIMAL", "GENERIC", "LIST", "STRING", "STRUCT", "UNBOUND")
)
_KNOWN_TYPES: Final = _NODES | _TABLES | _MODIFIERS | _ORDERS | _TYPES
# The parser itself writes these before functions that stand for an operator, such as the brackets of a list.
_SCHEMAS, _CATALOGS = ("", "main"), ("", "system")
# Names that the engine gives to tables of its own, in which its settings are.
_ENGINES_OWN: Final = ("duckdb_", "pragma_", "sqlite_", "pg_", "information_schema")


class Parser(Protocol):
    """What takes a query apart."""

    def parse(self, sql: str) -> str:
        """The query as JSON, as ``json_serialize_sql`` gives it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A query that may run.

    :param words: every text in it, in lower case: a column that is not among them is not read.
    :param reads_all: whether it may read columns that it does not name.
    :param conditions: what every event must meet that it wants.
    """

    sql: str
    words: frozenset[str]
    reads_all: bool
    conditions: frozenset[Condition]

    def reads(self, column: str) -> bool:
        """Whether the query may read a column."""
        return self.reads_all or column.lower() in self.words


def check_statement(sql: str, tables: frozenset[str], parser: Parser) -> Statement:
    """Judge a query.

    :param tables: the tables that there are, in lower case.
    :raises UsageError: it is not one SELECT over these tables with functions of the list.
    """
    sql = sql.strip().rstrip(";").rstrip()
    if not sql:
        raise UsageError("The query is empty. Try: SELECT eventName, count(*) FROM events GROUP BY ALL")
    if len(sql) > _MAX_CHARACTERS or "\0" in sql:
        raise UsageError(f"The query is longer than {_MAX_CHARACTERS:,} characters, or holds a character that is none.")
    try:
        parsed = json.loads(parser.parse(sql))
    except (ValueError, RecursionError) as error:
        raise UsageError("The query is nested too deeply to be judged.") from error
    if parsed.get("error"):
        _refuse_parsed(parsed)
    statements = parsed["statements"]
    if len(statements) != 1:
        raise UsageError(f"There are {len(statements)} statements, and only one SELECT is run. Give one at a time.")
    return _judged(sql, statements[0], tables)


def _refuse_parsed(parsed: dict[str, Any]) -> None:
    message = str(parsed.get("error_message", ""))
    if parsed.get("error_type") == "not implemented":
        raise UsageError(
            "Only a SELECT is run: the log files are read, nothing is changed. Try: SELECT eventName, count(*) FROM "
            "events GROUP BY ALL"
        )
    raise UsageError(f"The query is not SQL: {message}")


def _judged(sql: str, statement: dict[str, Any], tables: frozenset[str]) -> Statement:
    objects = list(_objects(statement))
    ctes = {
        str(entry.get("key", "")).lower()
        for each in objects
        if isinstance(each.get("map"), list)
        for entry in each["map"]
        if isinstance(entry, dict)
    }
    ctes |= {str(each.get("cte_name", "")).lower() for each in objects if each.get("type") == "RECURSIVE_CTE_NODE"}
    for name in ctes:
        if name.startswith(_ENGINES_OWN):
            raise UsageError(f"WITH {name!r}: the engine has tables of its own of such a name. Choose another one.")
    names = set()
    reads_all = False
    for each in objects:
        _judge(each, tables | ctes, tables)
        reads_all = reads_all or each.get("class") == "STAR" or each.get("ref_type") == "NATURAL"
        # AS e(a, b) names columns by their order, so all of them have to be there.
        reads_all = reads_all or bool(each.get("column_name_alias"))
        if each.get("type") == "BASE_TABLE":
            names |= {each["table_name"].lower(), str(each.get("alias", "")).lower()}
    columns = {str(name).lower() for each in objects for name in each.get("column_names") or ()}
    words = frozenset(text.lower() for text in _texts(statement))
    conditions = conditions_of(statement["node"])
    return Statement(sql, words, reads_all or bool(columns & names), conditions)


def _judge(each: dict[str, Any], known: frozenset[str], tables: frozenset[str]) -> None:
    kind, expression = each.get("type"), each.get("class")
    if expression is not None:
        if expression not in _EXPRESSIONS:
            raise UsageError(f"The query holds what is not allowed here: {str(expression)[:_SHOWN_CHARACTERS]}.")
        if expression in ("FUNCTION", "WINDOW"):
            _judge_function(each)
    elif isinstance(kind, str) and kind not in _KNOWN_TYPES:
        raise UsageError(f"The query holds what is not allowed here: {kind[:_SHOWN_CHARACTERS]}.")
    elif kind == "BASE_TABLE":
        name = each["table_name"]
        if each.get("schema_name") or each.get("catalog_name") or name.lower() not in known:
            shown = ".".join(filter(None, (each.get("catalog_name"), each.get("schema_name"), name)))
            raise UsageError(
                f"There is no table {shown[:_SHOWN_CHARACTERS]!r}. Tables: {', '.join(sorted(tables))}. Files are "
                "named with --in, not in the query."
            )
        if each.get("at_clause"):
            raise UsageError("AT is not allowed here: the tables have one version.")
    elif kind == "TABLE_FUNCTION":
        name = str(each["function"].get("function_name", ""))
        if name.lower() not in ALLOWED_TABLES:
            raise UsageError(
                f"The query may not read from {name[:_SHOWN_CHARACTERS]}(): only the tables "
                f"{', '.join(sorted(tables))} are read, and lists with unnest()."
            )


def _judge_function(each: dict[str, Any]) -> None:
    name = str(each.get("function_name", ""))
    is_own = each.get("schema", "") in _SCHEMAS and each.get("catalog", "") in _CATALOGS
    if not is_own or name.lower() not in ALLOWED:
        raise UsageError(
            f"The function {name[:_SHOWN_CHARACTERS]}() is not on the list of those that may be called. "
            "docs/logs.md has the list."
        )


def _objects(top: Any) -> Iterator[dict[str, Any]]:
    waiting = [top]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _texts(top: Any) -> Iterator[str]:
    waiting = [top]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
