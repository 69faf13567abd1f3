"""A whole log file as a table of Arrow, of those columns that are asked for.

Files are read in one go by types made from the schema, which is as fast as Python gets. What does not fit the types
(another type, an unknown field, an empty object) is left to ``record``, record by record. A file that is not what it
should be is split at its records, so that one of them cannot hide the others.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from verify.logs.record import exact_flag, exact_time, row_of
from verify.logs.schema import NULLS, REST, STORED, TREE, Column, Kind, Tree, sql_type
from verify.logs.sql.pushdown import Condition

_CHUNK_RECORDS = 5_000
# Larger files are split first: all their records at once would be too much memory.
_WHOLE_FILE_BYTES = 24 * 2**20
_MAX_WHY_CHARACTERS = 200
_MAX_KEPT_UNREADABLE = 1_000
_MAX_KEPT_BYTES = 4_096
_ARROW_TYPES: Final = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "BOOLEAN": pa.bool_()}
_NO_TEXT: Final = pa.scalar(None, pa.string())
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_WORD = re.compile(rb'[^\s,"\[\]{}]+')
_BETWEEN = re.compile(rb"[\s,]*+")
_START = re.compile(rb'\s*(?:\{\s*"Records"\s*:\s*)?\[')


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be read as it is.

    :param text: its first bytes, in which what cannot be a character is replaced.
    :param is_shown: whether its event is in the table, with something replaced.
    """

    position: int
    why: str
    text: str
    is_shown: bool = False


@dataclass(slots=True)
class Decoded:
    """What a file holds.

    :param tables: its events.
    :param events: how many events the file holds, those that were passed over among them.
    :param passed_over: events of the period that do not meet the conditions, and so are in no table.
    :param unreadable: records that could not be read, and those that are shown with something replaced; of very many
        only the first.
    :param unreadable_count: how many records could not be read.
    :param replaced_count: how many are shown with something replaced.
    :param flaw: why more records may be missing; ``""`` if none are.
    """

    tables: list[pa.Table] = field(default_factory=list)
    events: int = 0
    passed_over: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    unreadable_count: int = 0
    replaced_count: int = 0
    flaw: str = ""

    def refuse(self, position: int, why: str, text: bytes, *, is_shown: bool = False) -> None:
        """Count a record that could not be read as it is."""
        self.replaced_count += is_shown
        self.unreadable_count += not is_shown
        if len(self.unreadable) < _MAX_KEPT_UNREADABLE:
            shown = text[:_MAX_KEPT_BYTES].decode(errors="replace")
            self.unreadable.append(Unreadable(position, why[:_MAX_WHY_CHARACTERS], shown, is_shown))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted.

    :param conditions: all must hold; an event that meets them not may be passed over.
    :param period: events outside it are not counted.
    """

    conditions: frozenset[Condition] = frozenset()
    period: tuple[datetime, datetime] | None = None


_ALL: Final = Wanted()


@lru_cache(maxsize=64)
def decoder_for(columns: frozenset[str], wanted: Wanted = _ALL) -> Callable[[bytes], Decoded]:
    """Decodes files into these stored columns."""
    return _Decoder(columns, wanted).decode


class _Decoder:
    def __init__(self, columns: frozenset[str], wanted: Wanted = _ALL) -> None:
        self._choice = _Choice(wanted) if wanted.conditions else None
        self._columns = tuple(name for name in STORED if name in columns)
        # To know what fits no column, all of them have to be looked at.
        self._is_whole = bool(columns & {NULLS, REST})
        looked_at = frozenset(STORED) if self._is_whole else columns
        self._node = _node(TREE, looked_at, is_whole=self._is_whole)
        record = self._node.type
        self._one = msgspec.json.Decoder(record)
        envelope = msgspec.defstruct("Envelope", [("Records", list[record])])  # type: ignore[valid-type]
        self._envelope: Any = msgspec.json.Decoder(envelope)
        self._list = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def decode(self, body: bytes) -> Decoded:
        decoded = Decoded()
        body = body.removeprefix(b"\xef\xbb\xbf")
        start = body[:4096].lstrip()[:1]
        if len(body) <= _WHOLE_FILE_BYTES and _is_utf8(body) and start in (b"{", b"["):
            chosen = self._choice.of(body, start) if self._choice else None
            if chosen is not None:
                self._add_chosen(body, start, chosen, decoded)
                return decoded
            try:
                records = self._list.decode(body) if start == b"[" else self._envelope.decode(body).Records
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            else:
                odd = self._add(records, range(len(records)), decoded)
                if odd:
                    raws = _raw_list(body) if start == b"[" else _raw_envelope(body)
                    self._add_one_by_one([(at, bytes(raws[at])) for at in odd], decoded)
                return decoded
        texts = enumerate(_texts(body, decoded))
        while chunk := [text for _, text in zip(range(_CHUNK_RECORDS), texts, strict=False)]:
            self._add_texts(chunk, decoded)
        if not decoded.events and not decoded.unreadable_count and not decoded.flaw:
            decoded.flaw = "" if _is_empty_envelope(body) else "it holds no records of CloudTrail"
        return decoded

    def _add_chosen(self, body: bytes, start: bytes, chosen: _Chosen, decoded: Decoded) -> None:
        """Add the events that meet the conditions. That the others are JSON is known."""
        if chosen.positions:
            raws = _raw_list(body) if start == b"[" else _raw_envelope(body)
            self._add_texts([(at, bytes(raws[at])) for at in chosen.positions], decoded)
        decoded.events += chosen.records - len(chosen.positions)
        decoded.passed_over = chosen.passed_over

    def _add_texts(self, texts: Sequence[tuple[int, bytes]], decoded: Decoded) -> None:
        good, positions, others = [], [], []
        for position, text in texts:
            try:
                if not _is_utf8(text):
                    raise msgspec.DecodeError
                good.append(self._one.decode(text))
                positions.append(position)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                others.append((position, text))
        text_at = dict(texts)
        odd = self._add(good, positions, decoded)
        self._add_one_by_one([*((at, text_at[at]) for at in odd), *others], decoded)

    def _add(self, records: Sequence[Any], positions: Sequence[int], decoded: Decoded) -> list[int]:
        """Add records that fit the types; the positions of those that say more than their columns are returned."""
        if not records:
            return []
        arrays: dict[str, Any] = {}
        odd: set[int] = set()
        nulls: list[Any] = []
        _collect(self._node, records, arrays, odd, nulls, is_whole=self._is_whole)
        if NULLS in self._columns:
            arrays[NULLS] = _joined(nulls, len(records))
        for name in self._columns:
            if name not in arrays:
                arrays[name] = pa.nulls(len(records), arrow_type(name))
        table = pa.table(
            {
                "record_position": pa.array(positions, pa.int32()),
                **{name: arrays[name] for name in self._columns},
            }
        )
        if odd:
            fits = pa.array([number not in odd for number in range(len(records))])
            table = table.filter(fits)
        decoded.tables.append(table)
        decoded.events += table.num_rows
        return [positions[number] for number in sorted(odd)]

    def _add_one_by_one(self, texts: Sequence[tuple[int, bytes]], decoded: Decoded) -> None:
        rows, positions = [], []
        for position, text in texts:
            try:
                rows.append(_row(text, position, decoded))
                positions.append(position)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                decoded.refuse(position, _why(error, text), text)
        if not rows:
            return
        data = {name: pa.array([row.get(name) for row in rows], arrow_type(name)) for name in self._columns}
        decoded.tables.append(pa.table({"record_position": pa.array(positions, pa.int32()), **data}))
        decoded.events += len(rows)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The positions of the records that meet the conditions, how many records there are, and how many of the others
    lie in the period.
    """

    positions: list[int]
    records: int
    passed_over: int


class _Choice:
    """Finds the records that meet the conditions, by the columns alone that these name."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        columns = frozenset(column for condition in wanted.conditions for column, _ in condition) | {"eventTime"}
        self._node = _node(TREE, columns, is_whole=False)
        record = self._node.type
        envelope = msgspec.defstruct("Envelope", [("Records", list[record])])  # type: ignore[valid-type]
        self._envelope: Any = msgspec.json.Decoder(envelope)
        self._list = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def of(self, body: bytes, start: bytes) -> _Chosen | None:
        """The choice in a file; ``None`` where its records are not all as CloudTrail writes them."""
        try:
            records = self._list.decode(body) if start == b"[" else self._envelope.decode(body).Records
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not records:
            return None
        arrays: dict[str, Any] = {}
        odd: set[int] = set()
        _collect(self._node, records, arrays, odd, [], is_whole=False)
        meets = pa.array([True] * len(records))
        for condition in self._wanted.conditions:
            meets = pc.and_(meets, self._one_of(condition, arrays))
        meets = pc.fill_null(meets, fill_value=False)
        if odd:  # what says more than its columns is left to whoever looks at all of it
            meets = pc.or_(meets, pa.array([number in odd for number in range(len(records))]))
        passed_over = pc.and_(pc.invert(meets), self._in_period(arrays["eventTime"]))
        return _Chosen(pc.indices_nonzero(meets).to_pylist(), len(records), pc.sum(passed_over).as_py() or 0)

    @staticmethod
    def _one_of(condition: Condition, arrays: dict[str, Any]) -> Any:
        found: Any = None
        for column in {column for column, _ in condition}:
            texts = pa.array([text for name, text in condition if name == column], pa.string())
            is_one = pc.is_in(arrays[column], value_set=texts)
            found = is_one if found is None else pc.or_(found, is_one)
        return found

    def _in_period(self, times: Any) -> Any:
        if self._wanted.period is None:
            return pa.array([True] * len(times))
        start, end = (pa.scalar(each.replace(tzinfo=None), pa.timestamp("us")) for each in self._wanted.period)
        inside = pc.and_(pc.greater_equal(times, start), pc.less_equal(times, end))
        return pc.fill_null(inside, fill_value=True)  # an event without a time may lie in it


@dataclass(frozen=True, slots=True)
class _Node:
    """A type made from a part of the schema.

    :param fields: the columns and further parts, in the order of the type's fields.
    :param empty: an object without any field.
    """

    type: Any
    fields: tuple[Column | _Node, ...]
    empty: Any


def _node(tree: Tree, wanted: frozenset[str], *, is_whole: bool) -> _Node:
    fields: list[tuple[str, Any, Any]] = []
    members: list[Column | _Node] = []
    for name, at in tree.items():
        if isinstance(at, Column):
            if at.name in wanted:
                kind = {Kind.JSON: msgspec.Raw, Kind.FLAG: bool}.get(at.kind, str)
                fields.append((name, kind, None))
                members.append(at)
        else:
            below = _node(at, wanted, is_whole=is_whole)
            if below.fields:
                fields.append((name, below.type, None))
                members.append(below)
    # A default is not checked against the type: a field that is not there is None, one that is null is refused.
    made = msgspec.defstruct("Part", fields, gc=False, forbid_unknown_fields=is_whole, eq=True)
    return _Node(made, tuple(members), made())


def _collect(
    node: _Node,
    records: Sequence[Any],
    arrays: dict[str, Any],
    odd: set[int],
    nulls: list[Any],
    *,
    is_whole: bool,
) -> None:
    columns = list(zip(*map(msgspec.structs.astuple, records), strict=True)) if node.fields else []
    for at, values in zip(node.fields, columns, strict=True):
        if isinstance(at, Column):
            arrays[at.name] = _array(at, values, odd, nulls)
            continue
        empty = at.empty
        inner = [empty if value is None else value for value in values]
        if is_whole:
            odd.update(number for number, value in enumerate(values) if value is not None and value == empty)
        _collect(at, inner, arrays, odd, nulls, is_whole=is_whole)


def _array(column: Column, values: Sequence[Any], odd: set[int], nulls: list[Any]) -> Any:
    if column.kind is Kind.TEXT:
        return pa.array(values, pa.string())
    if column.kind is Kind.FLAG:
        return pa.array(values, pa.bool_())
    if column.kind is Kind.JSON:
        found = pa.array([None if value is None else bytes(value) for value in values], pa.string())
        is_null = pc.fill_null(pc.equal(found, "null"), fill_value=False)
        if pc.any(is_null).as_py():
            nulls.append(pc.if_else(is_null, ".".join(column.path) + ",", ""))
            found = pc.if_else(is_null, _NO_TEXT, found)
        return found
    read = exact_time if column.kind is Kind.TIME else exact_flag
    known: dict[Any, Any] = {text: read(text) for text in set(values) if text is not None}
    known[None] = None
    if len(known) > 1 and any(value is None for text, value in known.items() if text is not None):
        odd.update(number for number, text in enumerate(values) if text is not None and known[text] is None)
    return pa.array([known[text] for text in values], arrow_type(column.name))


def _joined(names: Sequence[Any], count: int) -> Any:
    """The names of each record's fields that are null, each with a comma after it, as one text."""
    if not names:
        return pa.nulls(count, pa.string())
    text = pc.utf8_rtrim(pc.binary_join_element_wise(*names, "") if len(names) > 1 else names[0], ",")
    return pc.if_else(pc.equal(text, ""), _NO_TEXT, text)


def arrow_type(stored: str) -> Any:
    """The type in Arrow of a stored column."""
    return _ARROW_TYPES[sql_type(stored)]


def _raw_list(body: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=list[msgspec.Raw])


class _RawEnvelope(msgspec.Struct):
    Records: list[msgspec.Raw]


def _raw_envelope(body: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(body, type=_RawEnvelope).Records


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_empty_envelope(body: bytes) -> bool:
    try:
        return json.loads(body) in ({"Records": []}, [])
    except (ValueError, RecursionError):
        return False


# ---- files that are not one JSON document of ordinary records --------------------------------------------------------


def _texts(body: bytes, decoded: Decoded) -> Iterator[bytes]:
    """The records of a file, each as its text; without recursion, however deep they are."""
    try:
        raws = _raw_list(body) if body.lstrip()[:1] == b"[" else _raw_envelope(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        started = _START.match(body)
        yield from _lines(body) if started is None else _split(body, started.end(), decoded)
    else:
        yield from map(bytes, raws)


def _split(body: bytes, start: int, decoded: Decoded) -> Iterator[bytes]:
    at = start
    while True:
        between = _BETWEEN.match(body, at)
        begin = between.end() if between else at
        if body[begin : begin + 1] == b"]":
            if body[begin + 1 :].lstrip()[:1] not in (b"", b"}", b","):
                decoded.flaw = "there is something after the end of its records"
            return
        end = _end_of_value(body, begin)
        if end == begin:
            decoded.flaw = "it ends in the middle of its records"
            if begin < len(body):
                yield body[begin:]
            return
        yield body[begin:end]
        at = end


def _end_of_value(body: bytes, begin: int) -> int:
    """Where a value ends; where it begins, if it does not end."""
    if body[begin : begin + 1] not in (b"{", b"["):
        found = _TOKEN.match(body, begin) or _WORD.match(body, begin)
        return found.end() if found else begin
    depth = 0
    # Token by token, without recursion, however deep the value is.
    for token in _TOKEN.finditer(body, begin):
        first = token.group()[:1]
        depth += (first in b"{[") - (first in b"}]")
        if depth == 0:
            return token.end()
    return begin


def _lines(body: bytes) -> Iterator[bytes]:
    """The records of a file that has one on each line, or several in an envelope."""
    at = 0
    while at < len(body):
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end
        line = body[at:end].strip()
        at = end + 1
        if not line:
            continue
        try:
            yield from map(bytes, _raw_envelope(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            yield line


def _row(text: bytes, position: int, decoded: Decoded) -> dict[str, Any]:
    """The columns of a record, even of one that holds what no text or number can.

    :raises ValueError: it is not JSON, or no object.
    """
    if _is_utf8(text):
        try:
            return row_of(text)
        except msgspec.MsgspecError:
            pass
    mended = json.loads(text.decode(errors="replace"), parse_constant=str)
    if not isinstance(mended, dict):
        raise ValueError(f"it is a JSON {type(mended).__name__}, not an object")  # noqa: TRY004 - of the content
    row = row_of(json.dumps(_printable(mended), ensure_ascii=False).encode(errors="replace"))
    decoded.refuse(position, "it holds what no text or number can, which is replaced", text, is_shown=True)
    return row


def _printable(value: Any) -> Any:
    """Without lone surrogates and numbers beyond all bounds; of a depth that :mod:`json` has read."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _why(error: Exception, text: bytes) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = text.lstrip()[:1]
    return str(error) if first == b"{" else "it is not a JSON object"


# ---- whole records ---------------------------------------------------------------------------------------------------


def records_of(body: bytes, decoded: Decoded) -> Iterator[dict[str, Any]]:
    """All records of a file, as :mod:`json` reads them, even of a file that is not what it should be.

    :param decoded: is told what could not be read.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    for position, text in enumerate(_texts(body, decoded)):
        try:
            record = msgspec.json.decode(text) if _is_utf8(text) else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            record = None
        try:
            if record is None:
                record = _printable(json.loads(text.decode(errors="replace"), parse_constant=str))
                decoded.refuse(position, "it holds what no text or number can, which is replaced", text, is_shown=True)
            if not isinstance(record, dict):
                raise ValueError(f"it is a JSON {type(record).__name__}, not an object")  # noqa: TRY004, TRY301
        except (ValueError, RecursionError) as error:
            decoded.refuse(position, _why(error, text), text)
        else:
            decoded.events += 1
            yield record
    if not decoded.events and not decoded.unreadable_count and not decoded.flaw:
        decoded.flaw = "" if _is_empty_envelope(body) else "it holds no records of CloudTrail"
