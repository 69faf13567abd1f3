"""Answers in XML that every client can read, whatever text is in them.

MiniStack writes some texts of callers into its answers as they are.
"""

import re
from functools import cache
from xml.parsers import expat
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

# https://www.w3.org/TR/xml/#charsets
NOT_XML = re.compile("[^\t\n\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_MARKUP = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][\w.-]*)(?P<rest>(?:\s+[\w:.-]+=\"[^\"<]*\")*\s*(?P<empty>/?))>")
_AFTER_END, _AFTER_ALL = re.compile(r"\s*<"), re.compile(r"\s*\Z")
_ENTITY = re.compile(r"&amp;(amp|lt|gt|quot|apos|#9|#10|#13);")
_ENVELOPE = ("ResponseMetadata", "RequestId", "ErrorResponse", "Error", "Type", "Code", "Message", "member", "entry")
_REPLACEMENT = "\ufffd"


def is_well_formed(document: bytes) -> bool:
    """Whether it is XML."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(document, True)  # noqa: FBT003 - expat takes no names
    except expat.ExpatError:
        return False
    return True


def is_plain_xml(document: bytes) -> bool:
    """Whether it is XML without a document type, which no service takes, and with it without entities of its own."""
    parser = expat.ParserCreate()
    has_type = False

    def note_type(*_declaration: object) -> None:
        nonlocal has_type
        has_type = True

    parser.StartDoctypeDeclHandler = note_type
    # Without it, references to what is declared elsewhere would be none of a fault.
    parser.EntityDeclHandler = note_type
    try:
        parser.Parse(document, True)  # noqa: FBT003 - expat takes no names
    except expat.ExpatError:
        return False
    return not has_type


def repaired(document: bytes, operation: OperationModel | None) -> bytes:
    """XML that is none, made XML: what is no element of the operation's answer becomes text, characters that XML has no
    place for become U+FFFD, and elements end where they must.

    :param operation: whose answer it is; None when that is not known.
    """
    text = NOT_XML.sub(_REPLACEMENT, document.decode("utf-8", "replace"))
    declaration = ""
    if text.startswith("<?xml"):
        declaration, mark, text = text.partition("?>")
        declaration += mark
    known = _element_names(operation) if operation else frozenset(_ENVELOPE)
    parts, opened, end = [declaration], list[str](), 0
    for found in _MARKUP.finditer(text):
        name = found["name"]
        # Elements hold elements or a text, not both.
        if found["end"]:
            next_one = _AFTER_END if len(opened) > 1 else _AFTER_ALL
            is_element = opened[-1:] == [name] and next_one.match(text, found.end()) is not None
        else:
            is_element = (name in known or not end) and not text[end : found.start()].strip()
        if is_element:
            parts += _escaped(text[end : found.start()]), found[0]
            end = found.end()
            if found["end"]:
                opened.pop()
            elif not found["empty"]:
                opened.append(name)
    parts.append(_escaped(text[end:]) if opened else "")
    parts += (f"</{name}>" for name in reversed(opened))
    return "".join(parts).encode()


def _escaped(text: str) -> str:
    """With what was an entity before still one."""
    return _ENTITY.sub(r"&\1;", escape(text))


@cache
def _element_names(operation: OperationModel) -> frozenset[str]:
    found: set[str] = {*_ENVELOPE, f"{operation.name}Response", f"{operation.name}Result"}
    waiting: list[Shape] = [operation.output_shape] if operation.output_shape is not None else []
    seen: set[str] = set()
    while waiting:
        shape = waiting.pop()
        if shape.name in seen:
            continue
        seen.add(shape.name)
        if isinstance(shape, StructureShape):
            for name, member in shape.members.items():
                found |= {name, str(member.serialization.get("name", name))}
                waiting.append(member)
        elif isinstance(shape, ListShape):
            found.add(str(shape.member.serialization.get("name", "member")))
            waiting.append(shape.member)
        elif isinstance(shape, MapShape):
            found |= {
                str(shape.key.serialization.get("name", "key")),
                str(shape.value.serialization.get("name", "value")),
            }
            waiting += [shape.key, shape.value]
    return frozenset(found)
