"""A refusal: an exception of the CloudTrail API."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """The exception's name, and a message that says what is wrong and what would be right."""

    code: str
    message: str
