"""What a case consists of: a list of moves, each a plain value, so that any of them can be left out.

Nothing here acts. :mod:`.generator` draws a case from a seed, :mod:`.cloudtrail` plays its history,
:mod:`.attacker` its attacks, :mod:`.properties` judges the verifier by it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

# So that most cases pass a midnight.
BEGIN = datetime(2026, 11, 2, 19, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

OWNER = "111122223333"
DELEGATE = "222233334444"
MEMBERS = ("444455556666", "555566667777")
ORGANIZATION = "o-exampleorg12"
BUCKET, OTHER_BUCKET = "trail-logs", "other-logs"
COPY_BUCKET = "copy-of-logs"
ALIAS = "logs-0123456789abcdef-s3alias"
ALWAYS_ENABLED = ("us-east-1", "eu-west-1", "us-west-2")
OPTIONAL = ("ap-east-1",)
REGIONS = (*ALWAYS_ENABLED, *OPTIONAL)


@dataclass(frozen=True)
class TrailStart:
    """A trail as it is when the history begins.

    :param is_old: it was made long before; else the history begins without it, and a call makes it.
    """

    name: str
    home: str
    is_old: bool = True
    is_logging: bool = True
    validates: bool = True
    is_multi_region: bool = True
    is_organization: bool = False
    bucket: str = BUCKET
    prefix: str = ""

    @property
    def arn(self) -> str:
        """The trail's name everywhere."""
        return f"arn:aws:cloudtrail:{self.home}:{OWNER}:trail/{self.name}"


@dataclass(frozen=True)
class Move:
    """Something that happens in an honest history (calls are honest, whoever makes them: AWS records them).

    :param second: since :data:`BEGIN`.
    :param trail: the trail's number in the case.
    :param value: what the kind of move needs.
    """

    kind: str
    second: int
    trail: int = 0
    value: str | bool | int = 0

    @property
    def at(self) -> datetime:
        """The moment."""
        return BEGIN + timedelta(seconds=self.second)


@dataclass(frozen=True)
class Attack:
    """A change to what is stored.

    :param number: from it the attack draws what it is applied to.
    """

    kind: str
    number: int


@dataclass(frozen=True)
class Case:
    """A history, what was done to what it left, and how the verifier looks at it.

    :param minutes: how long the history lasts.
    :param quiet: regions in which nothing but digests comes.
    :param losses: answers and objects that the verifier does not get.
    :param mode: ``bucket``, ``folder`` (a plain copy), ``copy`` (in another bucket), ``bundle`` or ``state``.
    :param skew: how far the service's clock is ahead of the verifier's.
    :param only_region: with ``only_account``, of what alone is asked; ``""`` for all.
    :param names_place: whether the trail's bucket and prefix are named, as they are, by whoever asks.
    :param asked_from: where the period begins, in minutes since :data:`BEGIN`; ``asked_until`` is before the end.
    """

    seed: int
    minutes: int
    trails: tuple[TrailStart, ...]
    moves: tuple[Move, ...] = ()
    attacks: tuple[Attack, ...] = ()
    losses: tuple[str, ...] = ()
    regions: tuple[str, ...] = ALWAYS_ENABLED[:2]
    quiet: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    mode: str = "bucket"
    asked_from: int = 0
    asked_until: int = 0
    earlier: int = 0
    caller: str = OWNER
    skew: timedelta = timedelta()
    only_region: str = ""
    only_account: str = ""
    names_place: bool = False

    @property
    def end(self) -> datetime:
        """When the verifier runs."""
        return BEGIN + timedelta(minutes=self.minutes)

    def __str__(self) -> str:
        lines = []
        lines.append(
            f"seed {self.seed}: {self.minutes} minutes, asked from minute {self.asked_from} to "
            f"{self.asked_until or 'the end'}, mode {self.mode}, caller {self.caller}, clocks {self.skew} apart"
        )
        lines.append(
            f"  regions {', '.join(self.regions)}; quiet {', '.join(self.quiet) or 'none'}; "
            f"members {', '.join(self.members) or 'none'}; earlier run at minute {self.earlier}"
        )
        for trail in self.trails:
            changes = [f"{one.name}={getattr(trail, one.name)!r}" for one in fields(trail)]
            lines.append(f"  trail {', '.join(changes)}")
        lines += [f"  {move.at:%d %H:%M:%S} {move.kind} trail {move.trail} {move.value!r}" for move in self.moves]
        lines += [f"  attack: {attack.kind} ({attack.number})" for attack in self.attacks]
        lines += [f"  lost: {loss}" for loss in self.losses]
        return "\n".join(lines)
