"""Text of unknown origin, made safe to print."""

from __future__ import annotations

from rich.text import Text


def safe(text: object) -> Text:
    """Text with control characters made visible, and never read as markup."""
    return Text("".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text)))
