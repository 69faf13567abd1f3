"""For programs: the same questions from Python, with the answer as Arrow, pandas, Polars or DuckDB.

::

    from verify.logs.api import Logs

    found = Logs(places=("copy-of-the-bucket",)).query("SELECT * FROM events WHERE role = 'web'")
    if not found.basis.is_whole:
        print(found.basis.holes)
    frame = found.pandas()

pandas and Polars are used if they are installed; nothing here needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

try:
    import duckdb
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"The Python module {error.name} is missing. Fix: pip install 'securetrail[verify]'", name=error.name
    ) from None

from verify.aws import Aws
from verify.errors import UsageError
from verify.logs.answer import Basis
from verify.logs.places import Asked, find_files, prepare_validation
from verify.logs.query import answer
from verify.logs.sql.athena import translated
from verify.logs.sql.named import named_query


@dataclass(frozen=True, slots=True)
class Table:
    """An answer as a whole, and what it rests on.

    :param arrow: a ``pyarrow.Table``.
    :param basis: look at ``basis.is_whole`` before you rely on an answer, above all on an empty one.
    """

    arrow: Any
    basis: Basis

    def pandas(self) -> Any:
        """A ``pandas.DataFrame``.

        :raises UsageError: pandas is not installed.
        """
        _installed("pandas")
        return self.arrow.to_pandas()

    def polars(self) -> Any:
        """A ``polars.DataFrame``.

        :raises UsageError: Polars is not installed.
        """
        return _installed("polars").from_arrow(self.arrow)

    def duckdb(self) -> Any:
        """A relation of a new connection, which has no lock."""
        return duckdb.connect().from_arrow(self.arrow)


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} is not installed. Install it, 'pip install {name}', or take .arrow.") from error


class Logs:
    """The log files of a place, as ``python -m verify logs`` reads them.

    :param places: one or several: files, a folder, a bundle's manifest, or ``s3://BUCKET``. Default: - the trail's
        bucket.
    :param proven_only: only files that the digest chain vouches for.
    :param asked: the other options of the command line: ``since``, ``start``, ``end``, ``accounts``, ``regions``,
        ``trail``, ``bucket``, ``prefix``, ``keys`` and ``trust_keys``.
    """

    def __init__(
        self,
        places: str | Path | Iterable[str | Path] = (),
        *,
        profile: str | None = None,
        endpoint_url: str | None = None,
        proven_only: bool = False,
        **asked: Any,
    ) -> None:
        for name in ("accounts", "regions"):
            if name in asked:
                asked[name] = frozenset(_several(asked[name]))
        self._asked = Asked(places=tuple(map(str, _several(places))), **asked)
        self._profile = profile
        self._endpoint_url = endpoint_url
        self._find = prepare_validation if proven_only else find_files

    def query(self, sql: str, *, dialect: str = "duckdb") -> Table:
        """Ask one SELECT.

        :param dialect: ``duckdb`` or ``athena``.
        :raises UsageError: it may not run, or fails.
        :raises CannotLook: AWS could not be asked, or memory does not suffice.
        """
        text = translated(sql) if dialect == "athena" else sql
        with answer(text, lambda: self._find(self._asked, datetime.now(UTC), self._aws)) as found:
            return Table(found.reader().read_all(), found.basis)

    def named(self, name: str, given: Mapping[str, str] = MappingProxyType({})) -> Table:
        """Ask a named query.

        :param given: its parameters' values.
        """
        chosen = named_query(name)
        found = self.query(chosen.sql(given))
        if not chosen.limit or found.arrow.num_rows < chosen.limit:
            return found
        notice = f"The first {chosen.limit:,}; there may be more: that is the query's own LIMIT."
        return Table(found.arrow, replace(found.basis, notices=(*found.basis.notices, notice)))

    def _aws(self) -> Aws:
        return Aws(profile=self._profile, endpoint_url=self._endpoint_url)


def _several(given: str | Path | Iterable[str | Path]) -> Iterable[str | Path]:
    """What was given; one text is one of them, and not its letters."""
    return (given,) if isinstance(given, str | Path) else given
