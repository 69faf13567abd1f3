"""The named queries: questions of an investigation, as files of Athena's SQL in ``queries``.

A file begins with comments: the question; ``serves``, the attack (MITRE ATT&CK's id) or the task; a ``parameter``
each with an example, which is the text in the statement that stands for it; ``answer``, a row as it may come. The
statement runs in Athena as it is, with the construct's table, and is translated for the embedded engine. Which days
are read is decided outside it there, so its own condition on the days falls away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from verify.errors import UsageError
from verify.logs.sql.athena import translated

_PARAMETER = re.compile(r"-- parameter: (\w+) (\S+) (.+)")
_DAYS = re.compile(r"day >= date_format\(current_date - interval '(\d+)' day, '%Y/%m/%d'\)")
_LIMIT = re.compile(r"\bLIMIT (\d+)\s*$")
_NAME = re.compile(r"[a-z0-9-]{1,60}")
_COMMENTS: Final = ("-- serves: ", "-- answer: ")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a query needs.

    :param example: the text in the statement that stands for it.
    """

    name: str
    example: str
    meaning: str


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A named query.

    :param serves: the attack or the task.
    :param answer: a row as it may come.
    :param days: how many days its condition in Athena covers.
    :param limit: the most rows that it gives; 0 for all.
    :param athena: the statement.
    """

    name: str
    question: str
    serves: str
    answer: str
    parameters: tuple[Parameter, ...]
    days: int
    limit: int
    athena: str

    def sql(self, given: Mapping[str, str]) -> str:
        """The query for the embedded engine.

        :param given: the parameters' values by name. They are texts in the query and never SQL.
        :raises UsageError: one is missing, or is none of the query's.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                takes = ", ".join(known) or "none"
                raise UsageError(f"--param {name}: the query {self.name} takes no such parameter. It takes: {takes}.")
        for parameter in self.parameters:
            if parameter.name not in given:
                raise UsageError(
                    f"The query {self.name} needs --param {parameter.name}=…: {parameter.meaning}, such as "
                    f"{parameter.example}."
                )
        texts = {known[name].example: value for name, value in given.items()}
        return translated(_DAYS.sub("1 = 1", self.athena), texts)


def named_query(name: str) -> NamedQuery:
    """The query of this name.

    :raises UsageError: there is none.
    """
    query = named_queries().get(name)
    if query is None:
        raise UsageError(f"There is no query {name[:60]!r}. 'logs query --list' lists all.")
    return query


@cache
def named_queries() -> Mapping[str, NamedQuery]:
    """Every query by its name, in alphabetical order."""
    found = [file for file in files("verify.logs.sql").joinpath("queries").iterdir() if file.name.endswith(".sql")]
    parsed = (parse(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in found)
    return {query.name: query for query in sorted(parsed, key=lambda each: each.name)}


def parse(name: str, text: str) -> NamedQuery:
    """A query as its file has it.

    :raises ValueError: a comment is missing.
    """
    comments = [line for line in text.splitlines() if line.startswith("--")]
    statement = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    serves, answer = ([line for line in comments if line.startswith(kind)] for kind in _COMMENTS)
    days, limit = _DAYS.search(statement), _LIMIT.search(statement)
    if len(serves) != 1 or len(answer) != 1 or days is None or not _NAME.fullmatch(name):
        raise ValueError(f"{name}.sql lacks a comment, or a condition on the days")
    parameters = (_PARAMETER.fullmatch(line) for line in comments)
    return NamedQuery(
        name,
        comments[0].removeprefix("-- "),
        serves[0].removeprefix(_COMMENTS[0]),
        answer[0].removeprefix(_COMMENTS[1]),
        tuple(Parameter(*found.groups()) for found in parameters if found),
        int(days[1]),
        int(limit[1]) if limit else 0,
        statement,
    )


def as_markdown() -> str:
    """The list of ``docs/log-queries.md``."""
    parts = []
    for query in named_queries().values():
        parts.append(f"### {query.name}\n\n{query.question} Serves: {query.serves}.\n\n")
        parts += [f"- `{each.name}`: {each.meaning}, such as `{each.example}`\n" for each in query.parameters]
        parts.append("\n" if query.parameters else "")
        parts.append(f"```\n{query.answer}\n```\n\n")
    return "".join(parts)
