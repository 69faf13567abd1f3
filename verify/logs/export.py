"""Answers for other programs: a Parquet file, and the lines that Timesketch takes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from verify.errors import CannotLook, UsageError

_TIMES = ("eventTime", "eventtime", "time", "datetime", "first", "minute")


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file of one's own, which nobody else can read: it holds what people did. After an error it is gone.

    :raises UsageError: there is something of that name, or it cannot be made.
    :raises CannotLook: the disk is full, among others.
    """
    file = _opened(path)
    try:
        with file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CannotLook(f"{path} could not be written: {error}") from error
        raise


def _opened(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise UsageError(f"--output {str(path)!r} is there already. Name a new file.") from error
    except OSError as error:
        raise UsageError(f"--output {str(path)!r} cannot be written: {error.strerror or error}.") from error


def write_parquet(reader: Any, path: Path) -> int:
    """Write an answer as Parquet; the number of its rows.

    :param reader: its record batches.
    :raises UsageError: the query fails.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = 0
    with new_file(path) as file, pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def as_timesketch(objects: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows as Timesketch takes them, one JSON object a line.

    https://timesketch.org/guides/user/import-from-json-csv/

    :raises UsageError: the answer has no time.
    """
    for each in objects:
        at = next((each[name] for name in _TIMES if each.get(name)), None)
        moment = _moment(at)
        if moment is None:
            raise UsageError(f"Timesketch needs the time of each row: give a column {_TIMES[0]}.")
        identity = each.get("userIdentity")
        caller = identity.get("arn") or identity.get("invokedBy") if isinstance(identity, Mapping) else None
        who = caller or each.get("principal") or each.get("who") or "somebody"
        what = each.get("eventName") or each.get("eventname") or "event"
        address = each.get("sourceIPAddress") or each.get("sourceipaddress") or "an unknown address"
        yield {
            "message": f"{what} by {who} from {address}",
            "datetime": f"{moment.isoformat()}+00:00",
            "timestamp_desc": "CloudTrail event",
            **{name: value for name, value in each.items() if name not in ("message", "datetime", "timestamp_desc")},
        }


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None) if value else None
    except ValueError:
        return None
