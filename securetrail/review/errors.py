"""Why a review ends without an answer."""

from __future__ import annotations


class ReviewError(Exception):
    """The two sides could not be compared, so that nobody knows whether protection is lost: exit code 3."""


class WrongUsage(ReviewError):
    """An argument that cannot be: exit code 2."""
