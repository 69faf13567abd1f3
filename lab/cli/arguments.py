"""The command line's arguments for how a lab runs and how big a scenario is."""

import argparse
import re
from collections.abc import Callable

from lab.instance import lifecycle
from lab.instance.control import SignIn
from lab.instance.folder import Lab
from lab.scenarios import noise
from lab.scenarios.hunt import NOISE_EVENTS
from lab.scenarios.run import TEXTS, Size
from lab.settings import Settings

_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * _HOUR_SECONDS
_DEFAULTS = Settings()
RESET = "reset"
_MOST_EVENTS = 1_000_000
_SCENARIOS = """examples:
  python -m lab scenario capital-one                 play a breach, and get what an engineer on call would get
  python -m lab answer capital-one                   what is asked
  python -m lab scenario capital-one --solution      give up
  python -m lab scenario reset                       undo what was played, or only one: reset tamper
  python -m lab scenario noise --events 50000        a busy account

A hunt in days of ordinary business, with the attack on the day before: begin with a lab in the past.
  python -m lab down; python -m lab deploy --days-ago 2
  python -m lab scenario capital-one --events 50000

scenarios:
"""


def add_start(command: argparse.ArgumentParser) -> None:
    """What a command that may start a lab takes."""
    command.add_argument(
        "--region", default=lifecycle.DEFAULT_REGION, help="home region of a new lab (default: %(default)s)"
    )
    command.add_argument("--port", type=int, help="port of a new lab on 127.0.0.1 (default: a free one)")
    add_settings(command)


def add_settings(command: argparse.ArgumentParser) -> None:
    """What a command takes that says how a new lab is to run."""
    command.add_argument(
        "--delivery-seconds",
        type=_positive(float),
        default=_DEFAULTS.delivery_seconds,
        help="how often a new lab delivers log files (default: %(default)s; AWS: about 300)",
    )
    command.add_argument(
        "--digest-seconds",
        type=_positive(int),
        help=f"how long the period of a new lab's digests is (default: {_DEFAULTS.digest_seconds}, and "
        f"{_HOUR_SECONDS} as on AWS when the lab lives through days)",
    )
    command.add_argument(
        "--days-ago",
        type=_not_negative(float),
        default=0.0,
        help="how far a new lab's clock is behind, to live through days in seconds. verify goes by this machine's: "
        "until the lab has caught up, give it --start and --end of days that are over there (default: %(default)s)",
    )
    command.add_argument(
        "--history-seconds",
        type=_not_negative(float),
        default=_DEFAULTS.history_seconds,
        help="how long after a call the event history of a new lab shows it (default: %(default)s; AWS: up to 900)",
    )


def settings(arguments: argparse.Namespace) -> Settings:
    """How the lab is to run."""
    behind_seconds = arguments.days_ago * _DAY_SECONDS
    # A minute is what a learner waits for; over days it would make sixty times the digests.
    default = _HOUR_SECONDS if behind_seconds else _DEFAULTS.digest_seconds
    return Settings(
        arguments.delivery_seconds, arguments.digest_seconds or default, behind_seconds, arguments.history_seconds
    )


def account(text: str) -> str:
    """An account's number, from the command line.

    :raises argparse.ArgumentTypeError: the text is none.
    """
    if re.fullmatch("[0-9]{12}", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an account: it has twelve digits, such as 444455556666")
    return text


def add_scenario(command: argparse.ArgumentParser) -> None:
    """What the scenario command takes."""
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = _SCENARIOS + "\n".join(f"  {name:<17}{TEXTS[name]}" for name in TEXTS)
    command.add_argument("name", choices=(*TEXTS, RESET), metavar="NAME", help="see below, or reset")
    command.add_argument("of", nargs="?", choices=(*TEXTS, ""), default="", metavar="OF", help="reset: only this one")
    command.add_argument("--solution", action="store_true", help="a hunt: print its solution, and play nothing")
    command.add_argument(
        "--calls", type=_positive(int), default=noise.CALLS, help="noise: how many real calls (default: %(default)s)"
    )
    command.add_argument(
        "--events",
        type=_count,
        help="how many events of ordinary business the lab records besides, like those of a few real calls; 50000 take "
        f"less than a minute (default: {NOISE_EVENTS} around a hunt, none in noise)",
    )
    command.add_argument(
        "--days",
        type=_not_negative(float),
        help="noise, hunts: how many days of lab time pass (default: none in noise; around a hunt, all that the lab's "
        "clock is behind)",
    )
    command.add_argument(
        "--seed",
        type=int,
        default=0,
        help="another seed, other calls; without one, a hunt has other names, addresses and numbers each time",
    )
    command.add_argument(
        "--objects",
        type=_positive(int),
        help="capital-one: how many objects there are to take (default: by chance)",
    )


def add_sign_in(command: argparse.ArgumentParser) -> None:
    """What the signin command takes."""
    command.add_argument("--user", default="", help="an IAM user (default: the root of the account)")
    command.add_argument("--account", type=account, help="twelve digits (default: the lab's own)")
    command.add_argument("--mfa", action="store_true", help="with the second factor; a user needs a device for it")
    command.add_argument("--fail", action="store_true", help="with the wrong password")
    command.add_argument("--role", default="", metavar="ARN", help="switch to this role instead")
    command.add_argument("--from", dest="address", default="127.0.0.1", help="an IP address (default: %(default)s)")


def who_signs_in(lab: Lab, arguments: argparse.Namespace) -> SignIn:
    """Who signs in, and how."""
    return SignIn(
        arguments.account or lab.account,
        arguments.user,
        arguments.role,
        arguments.address,
        uses_mfa=arguments.mfa,
        fails=arguments.fail,
    )


def size(arguments: argparse.Namespace) -> Size:
    """How big the scenario is."""
    return Size(arguments.calls, arguments.events, arguments.days, arguments.objects, arguments.seed)


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MOST_EVENTS:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {_MOST_EVENTS}")
    return value


def _positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not more than 0")
        return value

    return number


def _not_negative(kind: type[int] | type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not 0 <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is less than 0")
        return value

    return number
