"""A whole log file as a table of Arrow, of those columns that are asked for.

Files are read in one go by types made from the schema, which is as fast as Python gets. What does not fit the types
(another type, an unknown field, an empty object) is left to ``record``, record by record. A file that is not what it
should be is split at its records, so that one of them cannot hide the others.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from verify.logs.record import TIME_CHARACTERS, exact_flag, exact_time, row_of
from verify.logs.schema import BY_NAME, NULLS, REPEATED, REST, STORED, TREE, Column, Kind, Tree, sql_type
from verify.logs.sql.pushdown import Condition

_CHUNK_RECORDS = 5_000
_CHUNK_BYTES = 16 * 2**20
_RECORDS_AT_ONCE = 500
# Larger files are split first: all their records at once would be too much memory.
_WHOLE_FILE_BYTES = 24 * 2**20
# CloudTrail's events have 256 kB at most, and one megabyte where the trail adds to them. A value of hundreds of
# megabytes would leave no memory to anything else.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
MAX_RECORD_BYTES: Final = 4 * 2**20
_MAX_SEARCHED_BYTES = 4 * MAX_RECORD_BYTES  # for the end of one
_TOO_LARGE: Final = f"it is larger than {MAX_RECORD_BYTES // 2**20} MB, which no event is"
_MAX_WHY_CHARACTERS = 200
_MAX_KEPT_UNREADABLE = 1_000
_MAX_KEPT_BYTES = 4_096
_ARROW_TYPES: Final = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "BOOLEAN": pa.bool_()}
_REPEATED_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_FIRST_TEXT: Final = pa.scalar(0, pa.int32())
_NO_TEXT: Final = pa.scalar(None, pa.string())
_NOTHING = msgspec.Raw()
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001 - in UTC, as Arrow's here
_FIRST_MICROSECOND: Final = (datetime(1, 1, 1) - _EPOCH) // _MICROSECOND  # noqa: DTZ001
_TIME_PATTERN: Final = "____-__-__T__:__:__Z"
_TIME_IN_UTC: Final = pa.timestamp("us", "UTC")
_DATE_CHARACTERS, _MINUTE_CHARACTERS = len("2026-01-31"), len("2026-01-31T09:30")
_KNOWN_TIMES = 2_000  # a day has 1,440 minutes
_BOM = b"\xef\xbb\xbf"
POSITION: Final = "record_position"
_TIME: Final = "eventTime"
# Each record of CloudTrail's begins with it. So the place of its value tells where the record begins.
_FIRST: Final = "eventVersion"
_FIRST_KEY: Final = b'{"eventVersion":'
_NEXT_KEY: Final = b"," + _FIRST_KEY
_OF_EVENT: Final = frozenset(name for name in TREE if name.startswith("event"))
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|"|[\[{]++|[\]}]++', re.DOTALL)
_WORD = re.compile(rb'[^\s,"\[\]{}]+')
_BLANK = re.compile(rb"\s*+")
_BETWEEN = re.compile(rb"[\s,]*+")
_START = re.compile(rb'\s*+(?:\{\s*+"Records"\s*+:\s*+)?\[')
_END = re.compile(rb"\]\s*\}\s*\Z")
_END_BYTES = 64
_RECORDS = b'"Records"'
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_ANOTHER = re.compile(rb'\s*+,\s*+"Records"\s*+:\s*+(?=\[)')
_TWICE: Final = "it has Records twice, which CloudTrail never writes"
_CLOSED = re.compile(rb"\s*\}")


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


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table of Arrow. Several files may share one: their rows lie in it one file after the other."""

    of: Any
    first: int
    number: int

    def table(self) -> Any:
        """They alone."""
        return self.of.slice(self.first, self.number)

    def with_next(self, other: Rows) -> Rows | None:
        """They and others; ``None`` if these are not the next of the same table."""
        is_next = other.of is self.of and other.first == self.first + self.number
        return Rows(self.of, self.first, self.number + other.number) if is_next else None


@dataclass(slots=True)
class Decoded:
    """What a file holds.

    :param rows: its events.
    :param events: how many events the file holds, those that were passed over among them.
    :param passed_over: events of the period that do not meet the conditions, and so are in no table.
    :param unreadable: records that could not be read, and those that are shown with something replaced; of very many
        only the first.
    :param unreadable_count: how many records could not be read.
    :param replaced_count: how many are shown with something replaced.
    :param flaw: why more records may be missing; ``""`` if none are.
    :param waiting: records that are events of it and in no table yet, each with its position.
    """

    rows: list[Rows] = field(default_factory=list)
    events: int = 0
    passed_over: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    unreadable_count: int = 0
    replaced_count: int = 0
    flaw: str = ""
    waiting: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def tables(self) -> list[Any]:
        """Its events as tables of Arrow."""
        return [each.table() for each in self.rows]

    def add(self, table: Any, first: int, number: int) -> None:
        """Add events: so many rows of a table, from one of them on."""
        self.rows.append(Rows(table, first, number))
        self.events += number

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
def decoder_for(
    columns: frozenset[str], wanted: Wanted = _ALL, *, with_position: bool = True, is_compact: bool = False
) -> Decoder:
    """See :class:`Decoder`."""
    return Decoder(columns, wanted, with_position=with_position, is_compact=is_compact)


Json: TypeAlias = "bytes | bytearray | memoryview"
Decode: TypeAlias = Callable[[bytes | bytearray], Decoded]


def start(decode: Decode, body: bytes | bytearray) -> Decoded:
    """A file's events, of which a :class:`Decoder` may let some wait for :func:`finish`."""
    return decode.start(body) if isinstance(decode, Decoder) else decode(body)


def finish(decode: Decode, several: Sequence[Decoded]) -> None:
    """Make tables of the events that wait, of several files together."""
    if isinstance(decode, Decoder):
        decode.finish(several)


class Decoder:
    """Decodes files.

    :param columns: the stored columns that are wanted.
    :param with_position: whether the position of each record in its file is, too.
    :param is_compact: whether a text that comes again and again is there once, as a dictionary of Arrow's.
    """

    def __init__(
        self, columns: frozenset[str], wanted: Wanted, *, with_position: bool = True, is_compact: bool = False
    ) -> None:
        self._choice = _Choice(wanted) if wanted.conditions else None
        self._columns = tuple(name for name in STORED if name in columns)
        self._types = {name: _REPEATED_TEXT if is_compact and name in REPEATED else arrow_type(name) for name in STORED}
        self._with_position = with_position
        # To know what fits no column, all of them have to be looked at.
        self._is_whole = bool(columns & {NULLS, REST})
        looked_at = frozenset(STORED) if self._is_whole else columns
        self._node = _node(TREE, looked_at, is_whole=self._is_whole)
        record = self._node.type
        self._one = msgspec.json.Decoder(record)
        self._list = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def __call__(self, body: bytes | bytearray) -> Decoded:
        """A file's events."""
        decoded = self.start(body)
        self.finish([decoded])
        return decoded

    def start(self, body: bytes | bytearray) -> Decoded:
        """A file's events, of which some may wait for :meth:`finish`: of few events, tables are made dearly."""
        decoded = Decoded()
        if body.startswith(_BOM):
            body = body[len(_BOM) :]
        listed = list_in(body) if len(body) <= _WHOLE_FILE_BYTES else None
        if listed is not None and _is_utf8(body) and not _has_too_large(body, listed):
            chosen = self._choice.of(body, listed) if self._choice else None
            if chosen is not None:
                self._let_wait(listed, chosen, decoded)
                return decoded
            try:
                records = self._list.decode(listed)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            else:
                odd = self._add(records, range(len(records)), decoded)
                if odd:
                    raws = _raw_list(listed)
                    self._add_one_by_one([(at, bytes(raws[at])) for at in odd], decoded)
                return decoded
        for chunk in _chunks(_texts(body, decoded)):
            self._add_texts([(decoded, *each) for each in chunk])
        if not decoded.events and not decoded.unreadable_count and not decoded.flaw:
            decoded.flaw = "" if _is_empty_envelope(body) else "it holds no records of CloudTrail"
        return decoded

    def finish(self, several: Sequence[Decoded]) -> None:
        """Make tables of the events that wait, of several files together."""
        self._add_texts([(decoded, *each) for decoded in several for each in decoded.waiting])
        for decoded in several:
            decoded.waiting.clear()

    @staticmethod
    def _let_wait(listed: Json, chosen: _Chosen, decoded: Decoded) -> None:
        """Keep the events that meet the conditions. That the others are JSON is known."""
        texts: Sequence[bytes] | None = chosen.texts
        if texts is None:
            raws = _raw_list(listed)
            texts = [bytes(raws[at]) for at in chosen.positions]
        decoded.waiting += zip(chosen.positions, texts, strict=True)
        decoded.events += chosen.records - len(chosen.positions)
        decoded.passed_over = chosen.passed_over

    def _add_texts(self, texts: Sequence[tuple[Decoded, int, bytes]]) -> None:
        """Add records of one file after the other."""
        records, numbers = [], []
        decode = self._one.decode
        for number, (_, _, text) in enumerate(texts):
            try:
                if len(text) <= MAX_RECORD_BYTES and _is_utf8(text):
                    records.append(decode(text))
                    numbers.append(number)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # it is among those that are left
        fitting: list[int] = []
        if records:
            table, odd = self._table_of(records, [texts[number][1] for number in numbers])
            fitting = [number for at, number in enumerate(numbers) if at not in odd]
        first = 0
        for decoded, of_file in _by_file(texts, fitting):
            decoded.add(table, first, len(of_file))
            first += len(of_file)
        if len(fitting) < len(texts):
            for decoded, of_file in _by_file(texts, sorted(set(range(len(texts))).difference(fitting))):
                self._add_one_by_one(of_file, decoded)

    def _add(self, records: Sequence[Any], positions: Sequence[int], decoded: Decoded) -> list[int]:
        """Add records that fit the types; the positions of those that say more than their columns are returned."""
        left = []
        for first in range(0, len(records), _RECORDS_AT_ONCE):
            table, odd = self._table_of(
                records[first : first + _RECORDS_AT_ONCE], positions[first : first + _RECORDS_AT_ONCE]
            )
            decoded.add(table, 0, table.num_rows)
            left += [positions[first + number] for number in sorted(odd)]
        return left

    def _table_of(self, records: Sequence[Any], positions: Sequence[int]) -> tuple[Any, set[int]]:
        """A table of records that fit the types, without those that say more than their columns, whose numbers are
        returned as well.
        """
        arrays: dict[str, Any] = {}
        odd: set[int] = set()
        nulls: list[Any] = []
        self._collect(self._node, records, arrays, odd, nulls)
        if NULLS in self._columns:
            arrays[NULLS] = _joined(nulls, len(records))
        for name in self._columns:
            if name not in arrays:
                arrays[name] = pa.nulls(len(records), self._types[name])
        table = self._table(positions, arrays)
        if odd:
            fits = pa.array([number not in odd for number in range(len(records))])
            table = table.filter(fits)
        return table, odd

    def _collect(
        self, node: _Node, records: Sequence[Any], arrays: dict[str, Any], odd: set[int], nulls: list[Any]
    ) -> None:
        columns = list(zip(*map(msgspec.structs.astuple, records), strict=True)) if node.fields else []
        for at, values in zip(node.fields, columns, strict=True):
            if isinstance(at, Column):
                arrays[at.name] = _array(at, self._types[at.name], values, odd, nulls)
                continue
            empty = at.empty
            inner = [empty if value is None else value for value in values]
            if self._is_whole and empty in values:
                odd.update(number for number, value in enumerate(values) if value is not None and value == empty)
            self._collect(at, inner, arrays, odd, nulls)

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
        arrays = {name: pa.array([row.get(name) for row in rows], self._types[name]) for name in self._columns}
        decoded.add(self._table(positions, arrays), 0, len(rows))

    def _table(self, positions: Sequence[int], arrays: dict[str, Any]) -> Any:
        columns = {name: arrays[name] for name in self._columns}
        if self._with_position or not columns:
            columns = {POSITION: pa.array(positions, pa.int32()), **columns}
        return pa.table(columns)


def _by_file(
    texts: Sequence[tuple[Decoded, int, bytes]], numbers: Sequence[int]
) -> Iterator[tuple[Decoded, list[tuple[int, bytes]]]]:
    """Those of these numbers, file by file."""
    for _, group in groupby((texts[number] for number in numbers), key=lambda each: id(each[0])):
        same = list(group)
        yield same[0][0], [(position, text) for _, position, text in same]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The positions of the records that meet the conditions, how many records there are, and how many of the others
    lie in the period.

    :param texts: of the records that meet them; ``None`` if the file has to be taken apart for that.
    """

    positions: list[int]
    records: int
    passed_over: int
    texts: list[bytes] | None


class _Choice:
    """Finds the records that meet the conditions, by the columns alone that these name."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._conditions = [
            [
                (column, {text for name, text in condition if name == column})
                for column in {name for name, _ in condition}
            ]
            for condition in wanted.conditions
        ]
        columns = frozenset(column for condition in wanted.conditions for column, _ in condition)
        self._values_of = {name: attrgetter(".".join(BY_NAME[name].path)) for name in columns}
        self._has_place = _FIRST not in columns
        place = [(_FIRST, msgspec.Raw, None)] if self._has_place else []
        record = _slim_type(TREE, columns | ({_TIME} if wanted.period else set()), place)
        self._list = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def of(self, body: bytes | bytearray, listed: Json) -> _Chosen | None:
        """The choice in a file; ``None`` where its records are not all as CloudTrail writes them."""
        try:
            records = self._list.decode(listed)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not records:
            return None
        odd: set[int] = set()
        is_in_period = self._are_in_period(records, odd)
        chosen = set(self._that_meet(records))
        positions = sorted(chosen | odd)  # what says more than its columns is left to whoever looks at all of it
        passed_over = sum(is_in_period) - sum(is_in_period[position] for position in positions)
        texts = _texts_at(body, records, positions) if self._has_place else None
        return _Chosen(positions, len(records), passed_over, texts)

    def _that_meet(self, records: Sequence[Any]) -> Sequence[int]:
        values = {name: list(map(value_of, records)) for name, value_of in self._values_of.items()}
        found: Sequence[int] = range(len(records))
        for condition in self._conditions:
            if len(condition) == 1:
                ((column, texts),) = condition
                of_column = values[column]
                found = [number for number in found if of_column[number] in texts]
            else:
                found = [number for number in found if any(values[name][number] in texts for name, texts in condition)]
        return found

    def _are_in_period(self, records: Sequence[Any], odd: set[int]) -> list[bool]:
        """Of each record whether it may lie in the period, as one without a time may."""
        if self._wanted.period is None:
            return [True] * len(records)
        start, end = (each.replace(tzinfo=None) for each in self._wanted.period)
        texts = [record.eventTime for record in records]
        known: dict[str | None, bool] = {None: True}
        for text in set(texts) - {None}:
            moment = exact_time(text)
            if moment is None:
                odd.update(number for number, other in enumerate(texts) if other == text)
            known[text] = moment is None or start <= moment <= end
        return [known[text] for text in texts]


def _texts_at(body: bytes | bytearray, records: Sequence[Any], positions: Sequence[int]) -> list[bytes] | None:
    """The texts of some records, found by the place of their first field's value, which is a view of the body.

    ``None`` where a record does not begin as CloudTrail's do, or something else than one comma is between two.
    """
    base = pa.py_buffer(body).address + len(_FIRST_KEY)

    def start_of(position: int) -> int:
        value = records[position].eventVersion
        return -1 if value is None else int(pa.py_buffer(value).address) - base

    texts = []
    for position in positions:
        start = start_of(position)
        is_last = position + 1 == len(records)
        end = body.rfind(b"]", start) if is_last else start_of(position + 1) - 1
        if not 0 < start < end or not body.startswith(_FIRST_KEY, start):
            return None
        if is_last:  # nothing but the end of the list, and of the envelope, may follow
            is_found = body[end:].translate(None, b"]} \n") == b"" and _is_json(body[start:end])
        else:
            is_found = body.startswith(_NEXT_KEY, end)
        if not is_found:
            return None
        texts.append(bytes(body[start:end]))
    return texts


def _is_json(text: bytes | bytearray) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Node:
    """A type made from a part of the schema.

    :param fields: the columns and further parts, in the order of the type's fields.
    :param empty: an object without any field.
    """

    type: Any
    fields: tuple[Column | _Node, ...]
    empty: Any


def _slim_type(tree: Tree, wanted: frozenset[str], fields: Sequence[tuple[str, Any, Any]] = ()) -> Any:
    """A type with texts alone, and ``None`` for what is not there, whatever part of the record that is."""
    found = list(fields)
    for name, at in tree.items():
        if isinstance(at, Column):
            found += [(name, str, None)] if at.name in wanted else []
        elif (below := _slim_type(at, wanted)) is not None:
            found.append((name, below, below()))
    return msgspec.defstruct("Part", found, gc=False, frozen=True) if found else None


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


def _array(column: Column, type_: Any, values: Sequence[Any], odd: set[int], nulls: list[Any]) -> Any:
    if values[0] is None and values.count(None) == len(values):  # of most files, half of the columns
        return pa.nulls(len(values), type_)
    if column.kind is Kind.TEXT:
        is_same = type_ is _REPEATED_TEXT and values[0] == values[-1] and values.count(values[0]) == len(values)
        return repeated(values[0], len(values)) if is_same else pa.array(values, type_)
    if column.kind is Kind.FLAG:
        return pa.array(values, pa.bool_())
    if column.kind is Kind.JSON:
        found = _joined_raw(values)
        is_null = pc.fill_null(pc.equal(found, "null"), fill_value=False)
        if is_null.true_count:
            nulls.append(pc.if_else(is_null, ".".join(column.path) + ",", ""))
            found = pc.if_else(is_null, _NO_TEXT, found)
        return found
    distinct = set(values)
    if column.kind is Kind.TIME and 2 * len(distinct) > len(values) and (times := _exact_times(values)) is not None:
        return times
    read = _microseconds if column.kind is Kind.TIME else exact_flag
    known: dict[Any, Any] = {text: read(text) for text in distinct if text is not None}
    known[None] = None
    if len(known) > 1 and any(value is None for text, value in known.items() if text is not None):
        odd.update(number for number, text in enumerate(values) if text is not None and known[text] is None)
    return pa.array([known[text] for text in values], type_)


def repeated(text: str, number: int) -> Any:
    """So many times the same text, as the region of all events of a file is, as a dictionary of Arrow's."""
    return pa.DictionaryArray.from_arrays(pa.repeat(_FIRST_TEXT, number), pa.array([text], pa.string()))


def _joined_raw(values: Sequence[msgspec.Raw | None]) -> Any:
    """Texts of JSON as Arrow has them, one after the other. That the file is UTF-8 is known."""
    texts = [_NOTHING if value is None else value for value in values]
    sizes = list(map(len, texts))
    are_there = pa.array(map(bool, sizes), pa.bool_()).buffers()[1] if 0 in sizes else None
    ends = pa.array(accumulate(sizes, initial=0), pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), len(texts), [are_there, ends, pa.py_buffer(b"".join(texts))])


def _exact_times(values: Sequence[str | None]) -> Any:
    """Times as CloudTrail writes them; ``None`` if one of them is anything else."""
    texts = pa.array(values, pa.string())
    if pc.all(pc.match_like(texts, _TIME_PATTERN)).as_py() is False:
        return None
    try:
        found = texts.cast(_TIME_IN_UTC).view(_ARROW_TYPES["TIMESTAMP"])
    except pa.ArrowInvalid:
        return None
    first = pc.min(found).value
    return found if first is not None and first >= _FIRST_MICROSECOND else None  # Python knows no year 0


def _microseconds(text: str) -> int | None:
    """A time as Arrow counts it, which takes numbers several times as fast as Python's times."""
    if len(text) != TIME_CHARACTERS:  # what is remembered stays small, whatever a file holds
        return None
    day = _day(text[:_DATE_CHARACTERS])
    minute, second = _minute(text[_DATE_CHARACTERS:_MINUTE_CHARACTERS]), _second(text[_MINUTE_CHARACTERS:])
    return None if day is None or minute is None or second is None else day + minute + second


@lru_cache(maxsize=_KNOWN_TIMES)
def _day(text: str) -> int | None:
    return _since_epoch(f"{text}T00:00:00Z")


@lru_cache(maxsize=_KNOWN_TIMES)
def _minute(text: str) -> int | None:
    return _since_epoch(f"1970-01-01{text}:00Z")


@lru_cache(maxsize=_KNOWN_TIMES)
def _second(text: str) -> int | None:
    return _since_epoch(f"1970-01-01T00:00{text}")


def _since_epoch(text: str) -> int | None:
    moment = exact_time(text)
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _joined(names: Sequence[Any], count: int) -> Any:
    """The names of each record's fields that are null, each with a comma after it, as one text."""
    if not names:
        return pa.nulls(count, pa.string())
    text = pc.utf8_rtrim(pc.binary_join_element_wise(*names, "") if len(names) > 1 else names[0], ",")
    return pc.if_else(pc.equal(text, ""), _NO_TEXT, text)


@cache
def arrow_type(stored: str) -> Any:
    """The type in Arrow of a stored column."""
    return _ARROW_TYPES[sql_type(stored)]


def list_in(body: bytes | bytearray) -> Json | None:
    """The list that a file is, or that its envelope has and nothing beside it, if that is what the file is.

    Of an envelope that has two lists, whoever reads all of it gets the last one, and no word of the other.
    """
    start = _START.match(body)
    if start is None or start.group().lstrip()[:1] == b"[":
        return None if start is None else body
    end = _END.search(body, max(start.end(), len(body) - _END_BYTES))
    return None if end is None else memoryview(body)[start.end() - 1 : end.start() + 1]


def _raw_list(listed: Json) -> list[msgspec.Raw]:
    return msgspec.json.decode(listed, type=list[msgspec.Raw])


class _RawEnvelope(msgspec.Struct):
    Records: list[msgspec.Raw]


class _TwiceError(ValueError):
    """An envelope may have a second list of records."""


def _raws(body: bytes | bytearray, decoded: Decoded) -> list[msgspec.Raw]:
    """The records of a list or an envelope.

    :raises _TwiceError: it may have a second list, which taking it apart shows.
    :raises ValueError: it is neither.
    """
    try:
        if (listed := list_in(body)) is not None:
            return _raw_list(listed)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # it may have other fields
    try:
        raws = msgspec.json.decode(body, type=_RawEnvelope).Records
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if body.count(_RECORDS) != 1 or _ESCAPED_LETTER.search(body):
        if _START.match(body):
            raise _TwiceError
        decoded.flaw = "it may have Records twice, of which the last is read"
    return raws


def _is_utf8(body: bytes | bytearray) -> bool:
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_too_large(body: bytes | bytearray, listed: Json) -> bool:
    """Whether a record in it is too large, or may be."""
    if len(body) <= MAX_RECORD_BYTES:
        return False
    try:
        raws = _raw_list(listed)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return any(len(raw) > MAX_RECORD_BYTES for raw in raws)


def _chunks(texts: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Records, each with its number, so many at once as fit into memory together."""
    chunk: list[tuple[int, bytes]] = []
    size_bytes = 0
    for number, text in enumerate(texts):
        chunk.append((number, text))
        size_bytes += len(text)
        if len(chunk) == _CHUNK_RECORDS or size_bytes > _CHUNK_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk


def _is_empty_envelope(body: bytes | bytearray) -> bool:
    if len(body) > MAX_RECORD_BYTES:
        return False
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return (found.get("Records") if isinstance(found, dict) else found) == []


# ---- files that are not one JSON document of ordinary records --------------------------------------------------------


def _texts(body: bytes | bytearray, decoded: Decoded) -> Iterator[bytes]:
    """The records of a file, each as its text; without recursion, however deep they are."""
    try:
        raws = _raws(body, decoded)
    except ValueError:
        yield from _lines(body, decoded) if _START.match(body) is None else _split(body, decoded)
    else:
        yield from map(_text_of, raws)


def _text_of(record: Any) -> bytes:
    """A record's text. Of one that is too large no more than shows that."""
    return bytes(memoryview(record)[: MAX_RECORD_BYTES + 1])


def _split(body: bytes | bytearray, decoded: Decoded) -> Iterator[bytes]:
    """The records of a file that begins as an envelope or a list, and of those that follow it."""
    at, is_inside = 0, False
    while (started := _START.match(body, at)) is not None:
        end = yield from _split_list(body, started.end(), decoded)
        if end is None:
            return
        is_inside = is_inside or started.group().lstrip()[:1] == b"{"
        another, closed = _ANOTHER.match(body, end), _CLOSED.match(body, end)
        if is_inside and another is not None:
            decoded.flaw, at = _TWICE, another.end()
            continue
        if is_inside and closed is None:
            if len(body) - end > MAX_RECORD_BYTES or not _has_only_other_fields(body[end:]):
                decoded.flaw = "there is something after the end of its records"
            return
        at, is_inside = closed.end() if is_inside and closed else end, False
    if body[at:].strip():
        decoded.flaw = "there is something after the end of its records"


def _split_list(body: bytes | bytearray, start: int, decoded: Decoded) -> Generator[bytes, None, int | None]:
    """The values of a list; where it ends, or ``None`` if it does not."""
    at = start
    while True:
        between = _BETWEEN.match(body, at)
        begin = between.end() if between else at
        if body[begin : begin + 1] == b"]":
            return begin + 1
        end = _end_of_value(body, begin)
        if end == begin:
            decoded.flaw = "it ends in the middle of its records, or one of them goes on without end"
            if begin < len(body):
                yield bytes(body[begin : begin + MAX_RECORD_BYTES + 1])
            return None
        yield bytes(body[begin : min(end, begin + MAX_RECORD_BYTES + 1)])
        at = end


def _has_only_other_fields(after: bytes | bytearray) -> bool:
    """Whether what follows the records of an envelope is nothing but fields of it that are no records, and its end."""
    try:
        return "Records" not in msgspec.json.decode(b'{"":0' + after, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _end_of_value(body: bytes | bytearray, begin: int) -> int:
    """Where a value ends; where it begins, if it does not end."""
    if body[begin : begin + 1] not in (b"{", b"["):
        found = _TOKEN.match(body, begin) or _WORD.match(body, begin)
        return found.end() if found else begin
    depth = 0
    # Token by token, without recursion, however deep the value is.
    for token in _TOKEN.finditer(body, begin, begin + _MAX_SEARCHED_BYTES):
        first = body[token.start() : token.start() + 1]
        if first in b"{[":
            depth += token.end() - token.start()
        elif first in b"}]":
            depth -= token.end() - token.start()
            if depth <= 0:
                return token.end() + depth
        elif token.end() == token.start() + 1:  # a text that does not end
            break
    return begin


def _lines(body: bytes | bytearray, decoded: Decoded) -> Iterator[bytes]:
    """The records of a file that has one on each line, or several in an envelope."""
    at = 0
    while (blank := _BLANK.match(body, at)) is not None and (begin := blank.end()) < len(body):
        end = body.find(b"\n", begin)
        end = len(body) if end < 0 else end
        at = end + 1
        line = body[begin:end]
        try:
            yield from map(_text_of, _raws(line, decoded))
        except _TwiceError:
            yield from _split(line, decoded)
        except ValueError:
            text = _text_of(line).rstrip()
            if len(line) <= MAX_RECORD_BYTES and _is_of_another_kind(text):
                decoded.flaw = "it holds an object that is no record of CloudTrail"
            yield _text_of(line) if len(line) > MAX_RECORD_BYTES else text


def _is_of_another_kind(line: bytes) -> bool:
    """Whether an object has none of the fields that every record of CloudTrail has, as another envelope has none."""
    if line.startswith(_FIRST_KEY):
        return False
    try:
        return _OF_EVENT.isdisjoint(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _row(text: bytes, position: int, decoded: Decoded) -> dict[str, Any]:
    """The columns of a record, even of one that holds what no text or number can.

    :raises ValueError: it is not JSON, or no object.
    """
    if len(text) > MAX_RECORD_BYTES:
        raise ValueError(_TOO_LARGE)
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


def records_of(body: bytes | bytearray, decoded: Decoded) -> Iterator[dict[str, Any]]:
    """All records of a file, as :mod:`json` reads them, even of a file that is not what it should be.

    :param decoded: is told what could not be read.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    for position, text in enumerate(_texts(body, decoded)):
        if len(text) > MAX_RECORD_BYTES:
            decoded.refuse(position, _TOO_LARGE, text)
            continue
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
