"""What stands in for parts of botocore: parsers with bounds for times and a shorter way for long listings, models as
plain dicts.

Loaded by :class:`verify.aws.Aws` once it is made, since botocore's parsers take a while to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader
from botocore.parsers import ResponseParserFactory, RestXMLParser
from botocore.utils import parse_timestamp
from isal import isal_zlib

_LISTED, _LISTED_FIELDS = "ObjectList", ("Key", "LastModified", "ETag", "Size", "StorageClass")
_MUCH_BYTES = 64 * 1024  # of JSON
_RULES = "endpoint-rule-set"  # a file's name begins so
_GZIP = 31  # zlib's code for: a gzip header and trailer, largest window
_FIRST_YEAR, _LAST_YEAR = 1900, 2200  # what a calendar can add to, and take from


def _moment(value: Any) -> datetime:
    """A time in an answer, in UTC: botocore makes local times of seconds since 1970. And without this, its own parser
    takes most of the time that a listing takes.

    :raises ValueError: it is none, or none that can be reckoned with.
    """
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        try:
            moment = parse_timestamp(value)
        except RuntimeError as error:
            raise ValueError(f"{value!r} is no time") from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"{value!r} is not of our age")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


# botocore's stubs leave out what a subclass needs.
_BotocoresXmlParser: Any = RestXMLParser
_BotocoresParsers: Any = ResponseParserFactory


class _XmlParser(_BotocoresXmlParser):  # type: ignore[misc]
    """botocore's parser of S3's answers, with a shorter way for what most of a listing is."""

    def _handle_list(self, shape: Any, node: Any) -> Any:
        if shape.name == _LISTED and isinstance(node, list):
            return [self._listed(shape.member, entry) for entry in node]
        return super()._handle_list(shape, node)

    def _listed(self, shape: Any, entry: Any) -> Any:
        found: dict[str, Any] = {}
        for field in entry:
            name = field.tag.rpartition("}")[2]
            if name not in _LISTED_FIELDS or name in found or not field.text or len(field):
                return self._parse_shape(shape, entry)  # botocore's own way
            found[name] = field.text
        if "Size" in found:
            found["Size"] = int(found["Size"])
        if "LastModified" in found:
            found["LastModified"] = _moment(found["LastModified"])
        return found


class Parsers(_BotocoresParsers):  # type: ignore[misc]
    """botocore's parsers, but for that one, and with times that a calendar can add to and take from."""

    def __init__(self) -> None:
        super().__init__()
        self.set_parser_defaults(timestamp_parser=_moment)

    def create_parser(self, protocol_name: str) -> Any:
        """See ``botocore.parsers.ResponseParserFactory``."""
        return _XmlParser(**self._defaults) if protocol_name == "rest-xml" else super().create_parser(protocol_name)


class _Members(dict[str, Any]):
    """A JSON object whose members are parsed when they are asked for."""

    get: Any = Mapping.get
    items: Any = Mapping.items
    values: Any = Mapping.values
    pop: Any = MutableMapping.pop
    setdefault: Any = MutableMapping.setdefault

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, msgspec.Raw):
            value = self[name] = _parsed(value)
        return value

    def __iter__(self) -> Iterator[str]:
        """For what copies a dict: it takes the members as they are stored unless this is another one than dict's."""
        return super().__iter__()

    def __eq__(self, other: object) -> bool:
        return dict(self.items()) == other

    __hash__ = None  # as of every dict


def _parsed(data: bytes | msgspec.Raw) -> Any:
    if len(data) < _MUCH_BYTES:
        return msgspec.json.decode(data)
    if bytes(memoryview(data)[:1]) == b"[":
        return [_parsed(item) for item in msgspec.json.decode(data, type=list[msgspec.Raw])]
    return _Members(msgspec.json.decode(data, type=dict[str, msgspec.Raw]))


class Models(JSONFileLoader):
    """Reads botocore's models, and parses of a large one what is asked for: of EC2's 800 operations, one is. To parse
    them all takes a tenth of a second.
    """

    def load_file(self, file_path: str) -> Any:
        """See ``botocore.loaders.JSONFileLoader``."""
        for suffix, is_packed in ((".json", False), (".json.gz", True)):
            try:
                with Path(f"{file_path}{suffix}").open("rb") as file:
                    data = file.read()
            except FileNotFoundError:
                continue
            content = isal_zlib.decompress(data, _GZIP) if is_packed else data
            # All of a rule set is used, and taking it apart level by level would read each level anew.
            return msgspec.json.decode(content) if _RULES in file_path else _parsed(content)
        return super().load_file(file_path)
