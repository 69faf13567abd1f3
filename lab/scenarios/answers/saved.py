"""What was played in a lab, kept beside it: the solution, the answers so far, and what `reset` has to undo.

The file is encrypted with a key that follows from the lab's secret: whoever wants the solution gets it (`--solution`),
and nobody sees it by looking around in the lab's folder.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from lab.errors import LabError
from lab.instance.folder import Lab, write_file
from lab.scenarios.answers.facts import Fact, Kind, Tries

_NAME = "played"


@dataclass(frozen=True, slots=True)
class SavedObject:
    """An object as it was before a scenario changed it. `content` is in base64."""

    bucket: str
    key: str
    content: str
    metadata: Mapping[str, str]
    encoding: str
    content_type: str


@dataclass(frozen=True, slots=True)
class SavedTrail:
    """A trail and its bucket's life cycle as they were; the rules and selectors as the API has them."""

    arn: str
    bucket: str
    selectors: Mapping[str, Any]
    lifecycle: list[Any]


@dataclass(frozen=True, slots=True)
class UndoingCall:
    """A call that undoes something. One that finds nothing to undo is no error."""

    service: str
    method: str
    parameters: Mapping[str, Any]
    region: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario makes and changes.

    :param users: with all that they have got, before the stack that has made them, which is one of `stacks`.
    """

    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    calls: tuple[UndoingCall, ...] = ()
    trail: SavedTrail | None = None
    objects: tuple[SavedObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was played. One without facts was not played to its end, or asks nothing."""

    stage: Stage
    alarm: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    story: tuple[str, ...] = ()
    tries: Mapping[str, Tries] = field(default_factory=dict)

    def tried(self, name: str, *, is_right: bool) -> "Played":
        """The same after one more answer."""
        return replace(self, tries={**self.tries, name: self.tries[name].after(is_right=is_right)})

    def told(self) -> "Played":
        """The same after the solution was shown."""
        return replace(self, tries={name: each.told() for name, each in self.tries.items()})


def read(lab: Lab) -> dict[str, Played]:
    """What was played, by scenario.

    :raises LabError: the file is not this lab's.
    """
    try:
        sealed = (lab.home / "data" / _NAME).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        content = json.loads(_cipher(lab).decrypt(sealed))
    except InvalidToken as error:
        raise LabError(
            f"The file {lab.home / 'data' / _NAME} is not this lab's, so what was played cannot be read. "
            "Remove it, and play the scenario again."
        ) from error
    return {name: _read_played(each) for name, each in content.items()}


def write(lab: Lab, played: Mapping[str, Played]) -> None:
    """Keeps what was played, at once or not at all."""
    content = json.dumps({name: asdict(each) for name, each in played.items()})
    folder = lab.home / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_file(folder, _NAME, _cipher(lab).encrypt(content.encode()).decode())


def keep(lab: Lab, name: str, played: Played) -> None:
    """Keeps one scenario, beside the others."""
    write(lab, {**read(lab), name: played})


def _cipher(lab: Lab) -> Fernet:
    if not lab.secret:
        raise LabError("This lab was made by an older version and has no secret. Begin anew: python -m lab down")
    return Fernet(base64.urlsafe_b64encode(hmac.digest(lab.secret.encode(), b"what was played", "sha256")))


def _read_played(content: Mapping[str, Any]) -> Played:
    return Played(
        _read_stage(content["stage"]),
        tuple(content["alarm"]),
        tuple(Fact(**each | {"kind": Kind(each["kind"])}) for each in content["facts"]),
        tuple(content["story"]),
        {name: Tries(**each) for name, each in content["tries"].items()},
    )


def _read_stage(content: Mapping[str, Any]) -> Stage:
    trail = content["trail"]
    return Stage(
        **{name: tuple(content[name]) for name in ("users", "roles", "buckets", "stacks") if name in content},
        calls=tuple(UndoingCall(**each) for each in content["calls"]),
        trail=SavedTrail(**trail) if trail else None,
        objects=tuple(SavedObject(**each) for each in content["objects"]),
    )
