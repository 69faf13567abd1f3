"""Text of unknown origin, made safe for a terminal and for a log."""

from __future__ import annotations


def printable(text: str, *, keep: str = "") -> str:
    r"""The text with every character that could steer a terminal written as its code, such as ``\x1b``.

    :param keep: characters to leave as they are, such as the line feed.
    """
    return "".join(char if char.isprintable() or char in keep else _code(char) for char in text)


def _code(char: str) -> str:
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
