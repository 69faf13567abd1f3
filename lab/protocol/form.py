"""Parameters of the query and ec2 protocols, read back from the form that carries them.

The reverse of what an SDK does to serialize a call:
https://smithy.io/2.0/aws/protocols/aws-query-protocol.html and
https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

# From text, by the name of a shape's type; other types are text.
CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text.lower() == "true",
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
}


# SQS spoke the query protocol until 2023, and older SDKs still do; its model has forgotten the names of its lists and
# maps there, and those of keys and values. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
# SQSDeveloperGuide/sqs-making-api-requests-xml.html
_SQS_NAMES = {
    "AWSAccountIds": "AWSAccountId",
    "Actions": "ActionName",
    "AttributeNames": "AttributeName",
    "Attributes": "Attribute",
    "MessageAttributeNames": "MessageAttributeName",
    "MessageAttributes": "MessageAttribute",
    "MessageSystemAttributeNames": "MessageSystemAttributeName",
    "MessageSystemAttributes": "MessageSystemAttribute",
    "TagKeys": "TagKey",
    "Tags": "Tag",
    "tags": "Tag",
}


def sqs_names(operation: str) -> Mapping[str, str]:
    """The names of members in SQS's query protocol where they are not the members' own."""
    return {**_SQS_NAMES, "Entries": f"{operation}RequestEntry"}


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, and every dotted prefix of their names, so that looking for a branch costs one lookup;
    `names` of members that the model does not tell; `read` are the fields that were a parameter or part of one.
    """

    fields: Mapping[str, str]
    prefixes: frozenset[str]
    is_ec2: bool
    names: Mapping[str, str]
    read: set[str]

    @classmethod
    def of(cls, fields: Mapping[str, str], *, is_ec2: bool, names: Mapping[str, str] | None = None) -> "Form":
        """Indexes the fields of one request."""
        prefixes: set[str] = set()
        for name in fields:
            prefix = name
            while prefix and prefix not in prefixes:
                prefixes.add(prefix)
                prefix = prefix.rpartition(".")[0]
        return cls(fields, frozenset(prefixes), is_ec2, names or {}, set())

    def parameters(self, shape: StructureShape) -> dict[str, Any]:
        """The parameters of an operation by member name; values that are not numbers where numbers belong raise
        ValueError.
        """
        return self._structure(shape, "")

    def _value(self, shape: Shape, prefix: str) -> Any:
        if not self.fields.get(prefix) or not isinstance(shape, StructureShape | ListShape | MapShape):
            self.read.add(prefix)  # of a list, no text is an empty one
        if isinstance(shape, StructureShape):
            return self._structure(shape, prefix)
        if isinstance(shape, ListShape):
            return self._list(shape, prefix)
        if isinstance(shape, MapShape):
            return self._map(shape, prefix)
        text = self.fields.get(prefix, "")
        return CONVERSIONS.get(shape.type_name, str)(text)

    def _structure(self, shape: StructureShape, prefix: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for member, member_shape in shape.members.items():
            name = self._member_name(member, member_shape)
            key = f"{prefix}.{name}" if prefix else name
            if isinstance(member_shape, ListShape) and not self.is_ec2:
                if self.fields.get(key) == "":
                    self.read.add(key)
                key = self._list_prefix(member_shape, key)
            if key in self.prefixes:
                found[member] = self._value(member_shape, key)
        return found

    def _member_name(self, member: str, shape: Shape) -> str:
        name = str(self.names.get(member) or shape.serialization.get("name", member))
        if self.is_ec2:
            return str(shape.serialization.get("queryName", name[0].upper() + name[1:]))
        return name

    @staticmethod
    def _list_prefix(shape: ListShape, key: str) -> str:
        """A flattened list of named members is called after its members."""
        name = shape.member.serialization.get("name")
        if shape.serialization.get("flattened") and name:
            parent = key.rpartition(".")[0]
            return f"{parent}.{name}" if parent else str(name)
        return key

    def _list(self, shape: ListShape, prefix: str) -> list[Any]:
        if not self.is_ec2 and not shape.serialization.get("flattened"):
            prefix = f"{prefix}.{shape.member.serialization.get('name', 'member')}"
        found: list[Any] = []
        while (key := f"{prefix}.{len(found) + 1}") in self.prefixes:
            found.append(self._value(shape.member, key))
        return found

    def _map(self, shape: MapShape, prefix: str) -> dict[str, Any]:
        entries = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        if self.names:  # SQS
            key_name, value_name = ("Key" if prefix.endswith("Tag") else "Name"), "Value"
        found: dict[str, Any] = {}
        while (entry := f"{entries}.{len(found) + 1}") in self.prefixes:
            name = self.fields.get(f"{entry}.{key_name}", "")
            self.read.add(f"{entry}.{key_name}")
            if name in found:
                break
            found[name] = self._value(shape.value, f"{entry}.{value_name}")
        return found
