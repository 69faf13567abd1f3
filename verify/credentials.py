"""What requests are signed with."""

from __future__ import annotations

from typing import NamedTuple


class Credentials(NamedTuple):
    """AWS credentials, valid for the moment. Their secrets never show in a message."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Credentials(access_key={self.access_key!r})"
