"""What requests are signed with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """AWS credentials, valid for the moment. Their secrets never show in a message."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)
