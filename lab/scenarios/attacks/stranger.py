"""Somebody with a key that is not theirs: where they call from, and the users that they call as."""

from random import Random
from typing import Any

from lab.scenarios.actor import Actor, CallOrigin, learner
from lab.scenarios.hunt import Director
from lab.scenarios.stacks import user

ADMIN = CallOrigin("198.51.100.10", "aws-cli/2.31.0 md/Botocore#1.43.106 setup")

_TOOLS = (
    "aws-cli/1.16.150 Python/2.7.16 Linux/4.19 botocore/1.12.140",
    "Boto3/1.26.0 Python/3.9 Linux/5.10",
    "aws-sdk-go/1.44.9 (go1.18; linux; amd64)",
)


def administrator(director: Director) -> Actor:
    """Who sets the stage, and has no part in the story."""
    return learner(director.lab, ADMIN)


def outside(chance: Random) -> CallOrigin:
    """Where a stranger calls from: https://www.rfc-editor.org/rfc/rfc5737"""
    return CallOrigin(f"203.0.113.{chance.randrange(2, 250)}", chance.choice(_TOOLS))


def office(chance: Random) -> CallOrigin:
    """Where the owner of a key works."""
    return CallOrigin(f"198.51.100.{chance.randrange(80, 99)}", "aws-cli/2.31.0 md/Botocore#1.43.106 md/prompt#off")


def owner_of_a_key(director: Director, name: str, statements: list[dict[str, Any]], place: CallOrigin) -> Actor:
    """A user who may do only so much, at work."""
    allowed = [{"Effect": "Allow", **each} for each in statements]
    return user(director.lab, administrator(director), name, {"Version": "2012-10-17", "Statement": allowed}, place)


def day(director: Director) -> str:
    """When it was, as people say it."""
    return "yesterday" if director.passes_days else "today"
