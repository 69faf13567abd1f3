"""Named queries to start an investigation with, in Athena's SQL: the files in ``queries``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).with_name("queries")
_TABLE: Final = "FROM cloudtrail_logs\n"
# The condition of every query that bounds what Athena reads; the account's comes after it.
_WEEK: Final = "WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')\n"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A saved query.

    :param name: its construct id, and its name in the console.
    :param description: the question that the query answers.
    :param text: the statement over the table ``cloudtrail_logs``.
    """

    name: str
    description: str
    text: str

    def sql(self, table: str, account: str | None) -> str:
        """The statement over this table.

        :param account: the account to query, where the table does not list its accounts.
        """
        of_account = "" if account is None else f"  AND account = '{account}' -- or another account\n"
        return self.text.replace(_TABLE, f"FROM {table}\n").replace(_WEEK, f"{_WEEK}{of_account}")


def _read(file: Path) -> NamedQuery:
    """A file: comments, the first of which is the question, and the statement."""
    lines = file.read_text(encoding="utf-8").splitlines()
    statement = "\n".join(line for line in lines if not line.startswith("--"))
    name = "".join(part.capitalize() for part in file.stem.split("-"))
    return NamedQuery(name, lines[0].removeprefix("-- "), statement)


# In the order in which they were added: it is that of the template.
_FILES: Final = (
    "who-touched-the-trail",
    "root-user",
    "console-sign-ins-without-mfa",
    "denied-calls",
    "new-access-keys-and-users",
    "deleted-resources",
)
NAMED_QUERIES: Final = tuple(_read(_FOLDER / f"{name}.sql") for name in _FILES)
